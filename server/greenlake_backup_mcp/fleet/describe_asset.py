"""describe_asset: one asset, or all that bear the name: what covers it, promise against fact, what it comes back from.

Everything about it in one answer: why copies cannot be used, until when the last one stays, failures with their cause,
what runs, what waits for somebody, which controls it fails.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.catalog import answer as answers
from greenlake_backup_mcp.catalog.views import ASSET_KINDS
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import sanitize, suggest, units

from . import achieved, schedule_rows
from .calendar import DAY
from .controls import CONTROLS
from .estate import Asset, Estate
from .facts import last_lock
from .promises import AHEAD, ahead
from .question import Question
from .verdicts import Context, State, tally

WHOLE = 3  # bearers of one name that are told in full
LOOKS_AHEAD = ("horizon",)  # of most assets a copy goes within a month: that says something of many, not of one
_ABOUT = "(source_uri LIKE :uri OR resource_uris LIKE :uri)"


async def answer(question: Question) -> Answer:
    """The answer of describe_asset. InputError for an asset that is none, with near names."""
    described, estate = await question.ask(lambda c, e: describe(c, e, question))
    if question.json:
        value = {"assets": described, "timeZone": question.clock.label, "coverage": estate.coverage.value()}
        return Answer(value=answers.fit_json(value, "assets", question.room))
    tail = [*filter(None, (question.clock.note(),)), *answers.coverage_lines(estate.coverage)]
    lines = [f"{len(described)} assets bear this name."] if len(described) > 1 else []
    left = question.room - sum(len(line.encode()) + 1 for line in tail)
    for one in described:
        lines += _lines(one, estate, left // min(len(described), WHOLE))
    return Answer(lines=(*lines, *tail))


def describe(connection: sqlite3.Connection, estate: Estate, question: Question) -> list[dict[str, Any]]:
    """All assets of the name or id asked for, as JSON. InputError where there is none."""
    matches = _bearers(estate, question)
    context = Context(connection, estate, question.clock, {}, matches)
    verdicts: dict[str, dict[str, str]] = {}
    for control in (c for c in CONTROLS.values() if c.name not in LOOKS_AHEAD):
        judge, _ = control.judge(context)
        for one in tally(control, judge, context, matches, question.accepted).findings:
            if one.verdict.state is not State.NOT_JUDGED:
                why = "" if one.verdict.state is State.MET else f": {one.verdict.cause}"
                verdicts.setdefault(one.asset.id, {})[control.name] = f"{one.verdict.state.value}{why}"
    return [
        {**_identity(a, estate), **(_details(connection, estate, question, a) if n < WHOLE else {}),
         "controls": verdicts.get(a.id, {})} for n, a in enumerate(matches)
    ]  # fmt: skip


def _bearers(estate: Estate, question: Question) -> list[Asset]:
    text, kind = str(question.values["asset"]).strip(), question.values.get("kind")
    if matches := estate.bearers(text, kind):
        return matches
    likely = suggest.likely_names(text, (a.name for a in estate.assets.values()))
    unread = ", ".join(f"{one} ({why})" for one, why in estate.lists_unread.items())
    raise InputError(
        f"There is no asset {sanitize.quoted(text, 80)}{f' of kind {kind}' if kind else ''} in the catalog.{likely}",
        hint=f"Not read, so it may be there: {unread}." if unread else
        "Stores, gateways, policies, hosts: show_dependents. All names: query_catalog SELECT name, kind FROM assets.",
    )  # fmt: skip


# --- found ---------------------------------------------------------------------------------------------------------


def _identity(asset: Asset, estate: Estate) -> dict[str, Any]:
    return {
        "asset": asset.name, "id": asset.id, "kind": asset.kind, "listed": asset.gone is None,
        "absence": estate.absence(asset) or None,
        "deleted": asset.state == "DELETED", "nobodys": asset.nobodys, "vcenter": asset.vcenter,
        "where": asset.datastores or asset.instance or asset.host, "arrays": asset.arrays,
        "size": None if asset.size is None else units.size(asset.size), "power": asset.power,
        "serviceSays": asset.protection_status, "reason": asset.reason, "tags": list(asset.tags),
        "groups": [o.name for o in asset.owners],
    }  # fmt: skip


def _details(connection: sqlite3.Connection, estate: Estate, question: Question, asset: Asset) -> dict[str, Any]:
    stamp, age, now = question.clock.stamp, question.clock.age, estate.now
    newest, off_site, ends = asset.newest(), asset.newest("off_site"), asset.ends(now)
    lock = last_lock(asset.usable)
    month = achieved.period(connection, estate, now - 30 * DAY, [asset])
    about, held = {"uri": f"%/{asset.id}%"}, {s.asset_no for s in asset.all_sets}
    holders = [asset.id, *(owner.id for owner in asset.owners if owner.no in held)]
    marks = ", ".join("?" * len(holders))
    return {
        "cover": [{"policy": c.job.policy, "way": c.way, "through": c.through, "operational": c.job.operational,
                   "job": c.job.id} for c in asset.covers],
        "newestUsable": stamp(newest), "age": age(newest), "ahead": ahead(asset, now) is not None,
        "newestOffSite": stamp(off_site),
        "offSiteAge": age(off_site),
        "lastUsableGoes": stamp(ends), "lockedUntil": stamp(lock) if lock > now else None,
        "unread": asset.unread,
        "promises": list(schedule_rows.rows(question, asset, estate, month)),
        "otherCopies": list(schedule_rows.other_rows(question, asset)),
        "notUsable": [
            {"why": why, "copies": count, "newest": stamp(point)} for why, count, point in connection.execute(
                "SELECT why_not, count(*), unixepoch(max(point_in_time)) FROM recovery_points "
                f"WHERE coalesce(usable, 0) = 0 AND asset_id IN ({marks}) GROUP BY 1",
                holders)],
        "issues": [r[0] for r in connection.execute(
            "SELECT body FROM main.issues WHERE source_id = ? AND gone IS NULL LIMIT 5", (asset.id,))],
        "running": [f"{r[0]} since {stamp(r[1])}" for r in connection.execute(
            f"SELECT name, created FROM main.tasks WHERE state IN ('INITIALIZED', 'RUNNING', 'PAUSED') AND {_ABOUT} "
            "ORDER BY created DESC LIMIT 5", about)],
        "waiting": [f"{r[0]}, asked for by {r[1] or 'unknown'}" for r in connection.execute(
            "SELECT name, requested_by FROM main.approvals WHERE upper(state) = 'PENDING' AND gone IS NULL AND "
            "(resource_uri LIKE :uri OR resource_uris LIKE :uri) LIMIT 5", about)],
        "databases": [a.name for a in estate.assets.values() if a.kind == "mssql_database" and (
            asset in a.owners or (asset.kind == "vm" and a.vm_uri == asset.uri and asset.uri))],
    }  # fmt: skip


# --- told ----------------------------------------------------------------------------------------------------------


COLUMNS = ("tier", "when", "where", "good", "newestUsable", "fact", "metIn30Days", "keep", "lastGoes", "lock",
           "lockedUntil", "lastRun", "nextRun", "consistency", "verified", "error")  # fmt: skip


def _lines(one: Mapping[str, Any], estate: Estate, room: int) -> list[str]:
    kind = ASSET_KINDS.get(one["kind"], one["kind"])
    state = one["absence"] or ("deleted in its vCenter" if one["deleted"] else "")
    facts = [
        f"{kind} {one['asset']} ({one['id']})", one["vcenter"], one["where"], one["arrays"], one["size"],
        (one["power"] or "").lower().replace("_", " "), state,
        f"nobody's machine: {one['nobodys']}" if one["nobodys"] else "",
        f"the service says {one['serviceSays']}" if one["serviceSays"] else "", one["reason"],
        f"tags {', '.join(one['tags'])}" if one["tags"] else "",
        f"in {', '.join(one['groups'])}" if one["groups"] else "",
    ]  # fmt: skip
    lines = [sanitize.cell("; ".join(f for f in facts if f), 600)]
    if "cover" not in one:
        return [*lines, _controls(one)]
    lines.append(_covered(one))
    asset = estate.assets[one["id"]]
    lines.append(_comes_back(one, partly_read=asset.partly_read or asset.copies_state != "unread"))
    if one["notUsable"]:
        why = "; ".join(
            f"{n['copies']} {n['why'] or 'no reason told'} (newest {n['newest']})" for n in one["notUsable"]
        )
        lines.append(sanitize.cell(f"Not usable: {why}.", 500))
    lines.append(_controls(one))
    for name, word in (("issues", "Open issues"), ("running", "Runs now"), ("waiting", "Waits for a second person"),
                       ("databases", "Databases")):  # fmt: skip
        if one[name]:
            more = f"; and {len(one[name]) - 6} more" if len(one[name]) > 6 else ""
            lines.append(
                sanitize.cell(f"{word}: {'; '.join(text.removesuffix('.') for text in one[name][:6])}{more}.", 400)
            )
    rows = [*one["promises"], *one["otherCopies"]]
    if rows:
        left = room - sum(len(line.encode()) + 1 for line in lines) - 120
        names = [n for n in COLUMNS if any(row.get(n) is not None for row in rows)]
        table, fitting = answers.table(names, rows, estate.coverage.now, left)
        lines += ["Promise and fact, by schedule:", *table]
        if fitting < len(rows):
            lines.append(f'{fitting} of {len(rows)} shown: the others with the id alone, or output "json".')
    return lines


def _covered(one: Mapping[str, Any]) -> str:
    if not one["cover"]:
        return "Cover: in no plan, by no job of its own, its groups or its datastore."
    parts = []
    for c in one["cover"]:
        way = "own job" if c["way"] == "own" else f"through {c['through'] or c['way']}"
        parts.append(
            f"{c['policy'] or 'unnamed policy'} ({way}, {c['operational'] or 'state not told'}, job {c['job']})"
        )
    return sanitize.cell(f"Cover: {'; '.join(parts)}.", 500)


def _comes_back(one: Mapping[str, Any], *, partly_read: bool = False) -> str:
    if one["newestUsable"] is None:
        if one["kind"] == "mssql_group":
            return "Comes back: by the copies of its databases, which describe_asset tells of one by one."
        if one["unread"]:
            which = "not all of its recovery points were" if partly_read else "its recovery points were not"
            return sanitize.cell(f"Comes back: not known, {which} read: {one['unread']}.", 300)
        return "Comes back: NO, there is no usable recovery point."
    none, unlocked = ("not known", "locks not known") if one["unread"] else ("NONE", "none locked")
    off = f"{one['newestOffSite']} ({one['offSiteAge']})" if one["newestOffSite"] else none
    lock = f"locked until {one['lockedUntil']}" if one["lockedUntil"] else unlocked
    old = AHEAD if one["ahead"] else f"{one['age']} old"
    more = f" Not all of it was read: {one['unread']}." if one["unread"] else ""
    return sanitize.cell(
        f"Comes back: newest usable {one['newestUsable']} ({old}); off site {off}; last usable goes "
        f"{one['lastUsableGoes'] or 'not known'}; {lock}. Which to restore from: find_recovery_points.{more}", 500,
    )  # fmt: skip


def _controls(one: Mapping[str, Any]) -> str:
    if not one["controls"]:
        return "Controls: none is judged of it."
    met = [name for name, verdict in one["controls"].items() if verdict == "met"]
    other = [f"{name} {verdict}" for name, verdict in one["controls"].items() if verdict != "met"]
    return sanitize.cell(f"Controls: {'; '.join(other) or 'none failed'}. Met: {', '.join(met) or 'none'}.", 700)
