"""describe_asset: one asset, or all that bear the name: what covers it, promise against fact, what it comes back from.

Everything about it in one answer: why copies cannot be used, until when the last one stays, failures with their cause,
what runs, what waits for somebody, which controls it fails.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from greenlake_backup_mcp.catalog import answer as answers
from greenlake_backup_mcp.catalog.answer import Answer
from greenlake_backup_mcp.catalog.views import ASSET_KINDS
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import sanitize, suggest, units

from .controls import CONTROLS
from .estate import Asset, Estate
from .facts import CopySet, Schedule, last_lock, where
from .promises import miss, points, promises
from .question import Question
from .verdicts import Context, State, tally

WHOLE = 3  # bearers of one name that are told in full
LOOKS_AHEAD = ("horizon",)  # of most assets a copy goes within a month: that says something of many, not of one
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ABOUT = "(source_uri LIKE ?1 OR resource_uris LIKE ?1)"


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
        {**_identity(a), **(_details(connection, estate, question, a) if n < WHOLE else {}),
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


def _identity(asset: Asset) -> dict[str, Any]:
    return {
        "asset": asset.name, "id": asset.id, "kind": asset.kind, "listed": asset.gone is None,
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
    about, marks = f"%/{asset.id}%", ", ".join("?" * (len(asset.owners) + 1))
    return {
        "cover": [{"policy": c.job.policy, "way": c.way, "through": c.through, "operational": c.job.operational,
                   "job": c.job.id} for c in asset.covers],
        "newestUsable": stamp(newest), "age": age(newest), "newestOffSite": stamp(off_site),
        "offSiteAge": age(off_site),
        "lastUsableGoes": stamp(ends), "lockedUntil": stamp(lock) if lock > now else None,
        "unread": asset.unread,
        "promises": list(_promises(question, asset, estate)),
        "otherCopies": list(_others(question, asset)),
        "notUsable": [
            {"why": why, "copies": count, "newest": stamp(point)} for why, count, point in connection.execute(
                "SELECT why_not, count(*), unixepoch(max(point_in_time)) FROM recovery_points "
                f"WHERE coalesce(usable, 0) = 0 AND asset_id IN ({marks}) GROUP BY 1",
                (asset.id, *(o.id for o in asset.owners)))],
        "issues": [r[0] for r in connection.execute(
            "SELECT body FROM main.issues WHERE source_id = ? AND gone IS NULL LIMIT 5", (asset.id,))],
        "running": [f"{r[0]} since {stamp(r[1])}" for r in connection.execute(
            f"SELECT name, created FROM main.tasks WHERE state IN ('INITIALIZED', 'RUNNING', 'PAUSED') AND {_ABOUT} "
            "ORDER BY created DESC LIMIT 5", (about,))],
        "waiting": [f"{r[0]}, asked for by {r[1] or 'unknown'}" for r in connection.execute(
            "SELECT name, requested_by FROM main.approvals WHERE upper(state) = 'PENDING' AND gone IS NULL AND "
            "(resource_uri LIKE ?1 OR resource_uris LIKE ?1) LIMIT 5", (about,))],
        "databases": [a.name for a in estate.assets.values() if a.kind == "mssql_database" and asset.kind == "vm"
                      and a.vm_uri == asset.uri and asset.uri],
    }  # fmt: skip


def _promises(question: Question, asset: Asset, estate: Estate) -> Iterator[dict[str, Any]]:
    """A row for each schedule: what it promises, what is there of it, how it last ran."""
    stamp = question.clock.stamp
    fitting = {(p.cover.job.id, p.schedule.schedule_id): p for p in promises(asset, estate)}
    for cover in asset.covers:
        for one in cover.job.schedules:
            promise = fitting.get((cover.job.id, one.schedule_id))
            fact = None if promise is None else promise.freshness.grade.value
            if cover.job.suspended or one.operational == "SUSPENDED":
                fact = "suspended"
            elif promise is not None and promise.freshness.late:
                some = (
                    f"late by {units.duration(promise.freshness.late_by)}"
                    if promise.freshness.age
                    else "nothing usable"
                )
                due = stamp(promise.freshness.due if promise.freshness.age else promise.last_due)
                fact = f"{some}, due {due}: {miss(promise)}"
                # what was not read may hold what seems missing
                fact = UNREAD if asset.unread is not None or promise.outdated else fact
            held = [s for s in points(asset, one, cover.job.schedules) if s.schedule is not None]
            yield {
                "tier": one.tier, "when": timing(one), "keep": one.keep, "lock": one.lock,
                **_held(question, held, unread=asset.unread is not None),
                "where": one.store or where(held), "fact": fact,
                "lastRun": None if one.last_status == "OK" else one.last_status, "lastGood": stamp(one.prev_good),
                "nextRun": stamp(one.next_run), "error": one.last_error,
            }  # fmt: skip


UNREAD = "not known: not all of it was read"


def _held(question: Question, held: Sequence[CopySet], *, unread: bool = False) -> dict[str, Any]:
    """What is there of some sums of recovery points."""
    now, stamp = question.clock.now.timestamp(), question.clock.stamp
    newest = max((s.newest_usable for s in held if s.newest_usable is not None), default=None)
    lock = last_lock(held)
    ends = max((end for s in held if (end := s.ends(int(now))) is not None), default=None)
    good, copies = sum(s.good for s in held), sum(s.copies for s in held)
    return {
        "good": f"{good} of {copies}" if copies else None if unread else "0",
        "newestUsable": stamp(newest), "lastGoes": stamp(ends), "lockedUntil": stamp(lock) if lock > now else None,
        "consistency": next((s.consistency for s in held if s.newest_usable == newest and newest), None),
        "verified": sum(s.verified for s in held) or None,
    }  # fmt: skip


def timing(one: Schedule) -> str:
    """When a schedule runs: `every 2 h`, `daily 20:00Z`, `weekly Wed 22:00Z`."""
    every = int(one.every or 1)
    unit = {"BY_MINUTES": "min", "HOURLY": "h", "DAILY": "d", "WEEKLY": "weeks", "MONTHLY": "months"}
    word = {"DAILY": "daily", "WEEKLY": "weekly", "MONTHLY": "monthly"}.get(one.recurrence or "")
    text = word if word and every == 1 else f"every {every} {unit.get(one.recurrence or '', '?')}"
    days = [d for d in (one.on_days or "").split(",") if d.strip().isdigit()]
    if one.recurrence == "WEEKLY" and days:
        text += " " + ", ".join(WEEK[int(d) % 7] for d in days)
    elif one.recurrence == "MONTHLY" and days:
        text += " on " + ", ".join("the last day" if d == "0" else d for d in days)
    if one.active_from or one.active_until:
        text += f" from {one.active_from or '00:00'}Z to {one.active_until or '24:00'}Z"
    return f"{text} {one.start_time}Z" if one.start_time else text


def _others(question: Question, asset: Asset) -> Iterator[dict[str, Any]]:
    """A row for the recovery points that no schedule of today makes: by hand, of a former plan, of a group."""
    named = {(s.tier, s.name) for c in asset.covers for s in c.job.schedules}
    for one in asset.all_sets:
        if (one.tier, one.schedule) not in named and one.copies:
            yield {"tier": one.tier, "when": f"formerly {one.schedule}" if one.schedule else "by hand",
                   **_held(question, [one]), "where": where([one])}  # fmt: skip


# --- told ----------------------------------------------------------------------------------------------------------


COLUMNS = ("tier", "when", "where", "good", "newestUsable", "fact", "keep", "lastGoes", "lock", "lockedUntil",
           "lastRun", "nextRun", "consistency", "verified", "error")  # fmt: skip


def _lines(one: Mapping[str, Any], estate: Estate, room: int) -> list[str]:
    kind = ASSET_KINDS.get(one["kind"], one["kind"])
    state = (
        "no longer listed by the service" if not one["listed"] else "deleted in its vCenter" if one["deleted"] else ""
    )
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
    lines.append(_comes_back(one))
    if one["notUsable"]:
        why = "; ".join(
            f"{n['copies']} {n['why'] or 'no reason told'} (newest {n['newest']})" for n in one["notUsable"]
        )
        lines.append(sanitize.cell(f"Not usable: {why}.", 500))
    lines.append(_controls(one))
    for name, word in (("issues", "Open issues"), ("running", "Runs now"), ("waiting", "Waits for a second person"),
                       ("databases", "Databases on it")):  # fmt: skip
        if one[name]:
            more = f"; and {len(one[name]) - 6} more" if len(one[name]) > 6 else ""
            lines.append(sanitize.cell(f"{word}: {'; '.join(one[name][:6])}{more}.", 400))
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


def _comes_back(one: Mapping[str, Any]) -> str:
    if one["newestUsable"] is None:
        if one["unread"]:
            return sanitize.cell(f"Comes back: not known, its recovery points were not read: {one['unread']}.", 300)
        return "Comes back: NO, there is no usable recovery point."
    none, unlocked = ("not known", "locks not known") if one["unread"] else ("NONE", "none locked")
    off = f"{one['newestOffSite']} ({one['offSiteAge']})" if one["newestOffSite"] else none
    lock = f"locked until {one['lockedUntil']}" if one["lockedUntil"] else unlocked
    more = f" Not all of it was read: {one['unread']}." if one["unread"] else ""
    return sanitize.cell(
        f"Comes back: newest usable {one['newestUsable']} ({one['age']} old); off site {off}; last usable goes "
        f"{one['lastUsableGoes'] or 'not known'}; {lock}. Which to restore from: find_recovery_points.{more}", 500,
    )  # fmt: skip


def _controls(one: Mapping[str, Any]) -> str:
    if not one["controls"]:
        return "Controls: none is judged of it."
    met = [name for name, verdict in one["controls"].items() if verdict == "met"]
    other = [f"{name} {verdict}" for name, verdict in one["controls"].items() if verdict != "met"]
    return sanitize.cell(f"Controls: {'; '.join(other) or 'none failed'}. Met: {', '.join(met) or 'none'}.", 700)
