"""find_recovery_points: over all assets and kinds, counted, added up, and ranked for a restore with the reason.

Knows the catalog's views; judges only which recovery point serves better than another.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.catalog import answer as answers
from greenlake_backup_mcp.catalog.answer import Answer
from greenlake_backup_mcp.catalog.views import ASSET_KINDS, RECOVERY_POINTS
from greenlake_backup_mcp.errors import InputError, Unreachable
from greenlake_backup_mcp.text import sanitize, suggest, units

from .calendar import CLOCK_SLACK
from .clock import Clock
from .estate import Asset, Estate
from .promises import AHEAD
from .question import ROWS, Question, Reply

MOMENTS = ("before", "after", "nearest", "expiresBefore", "expiresAfter")
MOST_RANGES = 6  # of log backups that are told; as JSON ten times as many
MOST_SPANS = 5000  # recovery points with log backups that are looked at for ranges
COLUMNS = {column.name: column.sql for column in RECOVERY_POINTS.columns}
# what of a recovery point is read; moments in seconds since 1970, sizes in bytes
READ = {name: COLUMNS[name] for name in (
    "id", "asset", "asset_id", "asset_kind", "kind", "place", "usable", "why_not", "store", "array", "schedule",
    "verified", "consistency", "partial",
)} | {
    "point": "c.point", "reach": "max(c.point, coalesce(c.log_until, c.point))", "expires": "c.expires",
    "locked_until": "c.locked_until", "log_until": "c.log_until", "size": "c.size",
}  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What is looked for, understood; moments in seconds since 1970."""

    values: Mapping[str, Any]
    moments: Mapping[str, int]
    clock: Clock

    @property
    def now(self) -> int:
        """The moment of asking."""
        return int(self.clock.now.timestamp())

    def restored(self, row: Row) -> int | None:
        """The moment that a recovery point brings back for this request: log backups reach on from its own."""
        if row["point"] is None:
            return None
        wanted = self.moments.get("nearest", self.moments.get("before"))
        return int(row["reach"] if wanted is None else min(max(row["point"], wanted), row["reach"]))

    def distance(self, row: Row) -> int:
        """How far that is from the moment that was asked for; 0 where none was."""
        moment, wanted = self.restored(row), self.moments.get("nearest")
        return 0 if moment is None or wanted is None else abs(moment - wanted)


@dataclass
class Matches:
    """What matches: the assets meant and what holds them, the counts, the best rows, the ranges of log backups."""

    assets: Sequence[Asset] = ()
    owners: Sequence[Asset] = ()
    total: int = 0
    on_assets: int = 0
    usable: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    reasons: list[tuple[str, int]] = field(default_factory=list)
    size: int = 0
    sized: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    ranges: list[tuple[str, str, int, int]] = field(default_factory=list)  # asset, its id, from, until


async def answer(question: Question) -> Answer:
    """The answer; InputError for an asset, store or moment that is none, Unreachable while lists are unread."""
    request = Request(question.values, _moments(question), question.clock)
    matches, estate = await question.ask(lambda connection, estate: _find(connection, estate, request))
    if question.json:
        return question.fit(_value(request, matches), "recoveryPoints", estate)
    return _reply(request, matches).render(question, estate)


def _moments(question: Question) -> dict[str, int]:
    values = question.values
    moments = {name: question.clock.seconds(values[name], name) for name in MOMENTS if values.get(name) is not None}
    if "nearest" in moments and ({"before", "after"} & moments.keys()):
        raise InputError("nearest stands for itself: leave before and after out.")
    for first, last in (("after", "before"), ("expiresAfter", "expiresBefore")):
        if {first, last} <= moments.keys() and moments[first] > moments[last]:
            raise InputError(f"{first} lies behind {last}: nothing is between them.")
    return moments


# --- looked up -----------------------------------------------------------------------------------------------------


def _find(connection: sqlite3.Connection, estate: Estate, request: Request) -> Matches:
    matches = Matches()
    where, values = _conditions(connection, estate, request, matches)
    source = f"{RECOVERY_POINTS.source} WHERE {where}"

    def run(sql: str, *more: Any) -> sqlite3.Cursor:
        return connection.execute(sql.replace(":now", str(request.now)), (*values, *more))

    logs = 0
    for row in run(
        f"SELECT c.asset, count(*), sum(u = 1), sum(u = 0), sum(u IS NULL), sum(p = 'array'), sum(p = 'on_premises'), "
        f"sum(p = 'off_site'), sum(size), count(size), sum(log_until > point) FROM (SELECT c.asset, c.size, "
        f"c.log_until, c.point, {READ['usable']} AS u, {READ['place']} AS p FROM {source}) c GROUP BY c.asset"
    ):
        matches.total += row[1]
        matches.on_assets += 1
        matches.usable.update({"usable": row[2] or 0, "not usable": row[3] or 0, "not known": row[4] or 0})
        matches.places.update({"array": row[5] or 0, "on_premises": row[6] or 0, "off_site": row[7] or 0})
        matches.size, matches.sized, logs = matches.size + (row[8] or 0), matches.sized + row[9], logs + (row[10] or 0)
    if matches.usable["not usable"] or matches.usable["not known"]:
        matches.reasons = run(
            f"SELECT {READ['why_not']} AS why, count(*) FROM {source} AND coalesce({READ['usable']}, 0) = 0 "
            "GROUP BY 1 ORDER BY 2 DESC LIMIT 6"
        ).fetchall()
    if logs:
        matches.ranges = _ranges(run(
            f"SELECT a.name, a.id, c.point, c.log_until FROM {source} AND c.log_until > c.point AND {READ['usable']} "
            "= 1 ORDER BY a.name, a.id, c.point LIMIT ?", MOST_SPANS,
        ))  # fmt: skip
    rows = run(
        f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in READ.items())} FROM {source} ORDER BY "
        f"{_order(request)} LIMIT ?", request.values.get("limit", ROWS) + request.values.get("offset", 0),
    )  # fmt: skip
    matches.rows = [dict(zip(READ, row, strict=True)) for row in rows]
    return matches


def _order(request: Request) -> str:
    """Best for a restore first: usable, then near to the moment (newest without one), then whole, then verified."""
    usable = f"CASE {READ['usable']} WHEN 1 THEN 0 WHEN 0 THEN 2 ELSE 1 END"
    near = f"-{READ['reach']}"
    if (wanted := request.moments.get("nearest")) is not None:
        near = f"max(c.point - {wanted}, {wanted} - {READ['reach']}, 0)"
    elif (wanted := request.moments.get("before")) is not None:
        near = f"-min({READ['reach']}, {wanted})"
    whole = "coalesce(c.flags & 3, 0) = 3"
    return f"{usable}, c.point IS NULL, {near}, -c.point, {whole}, c.verified IS NULL, c.list"


def _ranges(spans: sqlite3.Cursor) -> list[tuple[str, str, int, int]]:
    """The stretches of time within which any moment can be restored; those that touch are one."""
    ranges: list[tuple[str, str, int, int]] = []
    for asset, ident, first, last in spans:
        if ranges and ranges[-1][1] == ident and first <= ranges[-1][3]:
            ranges[-1] = (*ranges[-1][:3], max(last, ranges[-1][3]))
        else:
            ranges.append((asset, ident, first, last))
    return ranges


def _conditions(
    connection: sqlite3.Connection, estate: Estate, request: Request, matches: Matches
) -> tuple[str, list[Any]]:
    """The WHERE of a request; names are looked up, and all that bear one are meant."""
    values, moments = request.values, request.moments
    parts: list[str] = ["1"]
    parameters: list[Any] = []
    if values.get("asset"):
        matches.assets = estate.bearers(values["asset"], values.get("assetKind"))[:200]
        if not matches.assets:
            raise _nobody("asset", values["asset"], (a.name for a in estate.assets.values()), estate)
        matches.owners = list({owner.id: owner for a in matches.assets for owner in a.owners}.values())
        parts.append(f"a.id IN ({', '.join('?' * (len(matches.assets) + len(matches.owners)))})")
        parameters += [one.id for one in (*matches.assets, *matches.owners)]
    elif values.get("assetKind"):
        parts.append("a.kind = ?")
        parameters.append(values["assetKind"])
    if values.get("store"):
        stores = connection.execute("SELECT id, coalesce(name, id) FROM main.stores").fetchall()
        wanted = values["store"].strip().casefold()
        ids = [ident for ident, name in stores if wanted in (ident.casefold(), name.casefold())]
        if not ids:
            raise _nobody("store", values["store"], (name for _, name in stores), estate)
        parts.append(f"st.id IN ({', '.join('?' * len(ids))})")
        parameters += ids
    for name, sql in (("before", "c.point <= ?"), ("after", f"{READ['reach']} >= ?"),
                      ("expiresBefore", "c.expires <= ?"), ("expiresAfter", "(c.expires >= ? OR c.expires IS NULL)"),
                      ("nearest", "c.point IS NOT NULL AND ?")):  # fmt: skip
        if name in moments:
            parts.append(sql)
            parameters.append(moments[name])
    if values.get("place"):
        parts.append(f"{READ['place']} = ?")
        parameters.append(values["place"])
    parts += [
        f"coalesce({COLUMNS[name]}, -1) = {int(values[name])}"
        for name in ("usable", "locked", "verified")
        if values.get(name) is not None
    ]
    if values.get("minGib") is not None:
        parts.append("c.size >= ?")
        parameters.append(int(min(values["minGib"], 2**32) * 2**30))
    return " AND ".join(parts), parameters


def _nobody(noun: str, name: str, names: Any, estate: Estate) -> InputError | Unreachable:
    """What to say of a name that nobody bears: where lists were not read yet, nobody can say what they hold."""
    unread = estate.coverage.unread_lists
    if waiting := [one.collection for one in unread if not one.problem]:
        return Unreachable(
            f"The {noun} {sanitize.quoted(name, 80)} is not among what was read so far; not yet: {', '.join(waiting)}.",
            hint="Reading goes on: ask again in half a minute.",
        )
    failed = ", ".join(f"{one.collection} ({one.problem})" for one in unread)
    return InputError(
        f"There is no {noun} {sanitize.quoted(name, 80)} in the catalog.{suggest.likely_names(name, names)}"
        + (f" Lists that could not be read: {failed}." if failed else ""),
        hint=f"Names and ids stand in the view `{noun}s` of query_catalog, and in the list tools.",
    )


# --- rendered ------------------------------------------------------------------------------------------------------


def _reason(row: Row, best: Row, request: Request) -> str:
    """Why a recovery point is worse than the first."""
    why = []
    if row["usable"] != 1:
        why.append(f"{'not usable' if row['usable'] == 0 else 'not known'}: {row['why_not']}")
    if (row["point"] or 0) > request.now + CLOCK_SLACK:
        why.append(AHEAD)
    moment, best_moment = request.restored(row), request.restored(best)
    if moment is not None and best_moment is not None and moment != best_moment:
        older = moment < best_moment
        if older or request.distance(row) > request.distance(best):
            why.append(f"{units.duration(float(moment - best_moment))} {'older' if older else 'newer'}")
    if row["partial"]:
        why.append("part of the machine")
    if best["verified"] and row["verified"] == 0:
        why.append("not verified")
    if row["consistency"] == "CRASH_CONSISTENT_ON_FAILURE":
        why.append("only crash-consistent, though more was asked for")
    elif row["consistency"] == "CRASH" and best["consistency"] == "APPLICATION":
        why.append("only crash-consistent")
    return "; ".join(why)


def _reply(request: Request, matches: Matches) -> Reply:
    stamp = request.clock.stamp
    head = [_counts(matches)]
    if request.moments:
        understood = ", ".join(f"{name} {stamp(when)}" for name, when in request.moments.items())
        head.append(f"Moments as understood (a day is its first moment): {understood}.")
    if matches.reasons:
        why = ", ".join(f"{count:,} {reason or 'no reason told'}" for reason, count in matches.reasons)
        head.append(f"Not usable or not known: {why}.")
    head += _about_assets(matches)
    if matches.ranges:
        spans = [f"{asset} {stamp(first)} to {stamp(last)}" for asset, _, first, last in matches.ranges[-MOST_RANGES:]]
        more = f" and {len(matches.ranges) - len(spans):,} more" if len(matches.ranges) > len(spans) else ""
        head.append(f"Any moment can be restored from log backups within: {'; '.join(spans)}{more}.")
    rows = [
        {
            "asset": row["asset"],
            "pointInTime": stamp(row["point"]),
            "kind": row["kind"],
            "place": f"{row['place']} {row['array' if row['place'] == 'array' else 'store'] or ''}".strip(),
            "usable": {1: "yes", 0: "no"}.get(row["usable"], "unknown"),
            "worse": _reason(row, matches.rows[0], request) or None,
            "expires": stamp(row["expires"]) or "never",
            "locked": stamp(row["locked_until"]) if (row["locked_until"] or 0) > request.now else None,
            "verified": {1: "yes", 0: "no"}.get(row["verified"]),
            "logsUntil": stamp(row["log_until"]),
            "size": None if row["size"] is None else units.size(row["size"]),
            "id": row["id"],
        }
        for row in matches.rows
    ]
    return Reply(
        head=head,
        title="Best for a restore first; `worse` says why each is worse than the first:",
        rows=rows,
        total=matches.total,
        rest="query_catalog has all: view recovery_points.",
    )


def _counts(matches: Matches) -> str:
    if not matches.total:
        return "No recovery point matches, among those that were read."
    parts = [f"{count:,} {name}" for name, count in matches.usable.items() if count]
    places = ", ".join(f"{count:,} {name}" for name, count in matches.places.items() if count)
    size = f"; sizes told add up to {units.size(matches.size)}" if matches.sized else ""
    without = matches.total - matches.sized
    missing = f" ({without:,} tell none)" if matches.sized and without else ""
    return (
        f"{units.plural(matches.total, 'recovery point')} of {units.plural(matches.on_assets, 'asset')}: "
        f"{', '.join(parts)}; {places}{size}{missing}."
    )


def _about_assets(matches: Matches) -> list[str]:
    """What must be known of the assets meant: that there are several, that one was not read, where else copies are."""
    lines = []
    if len(matches.assets) > 1:
        each = "; ".join(
            f"{ASSET_KINDS[one.kind]} {one.id}" + (f" in {one.vcenter}" if one.vcenter else "")
            + ("" if one.listed else " (no longer listed)") for one in matches.assets[:6]
        )  # fmt: skip
        lines.append(f"{len(matches.assets)} assets have this name, all are meant: {each}.")
    lines += [
        f"Recovery points of {one.name} ({one.id}) were not read: {one.unread_why or 'not yet'}. "
        f"Whether there are {'more' if one.sets else 'any'} is not known."
        for one in (*matches.assets, *matches.owners)
        if one.copies_state == "unread"
    ]
    if holders := [one for one in matches.owners if one.sets]:
        lines.append(f"Those of {units.plural(len(holders), 'group')} or datastores that hold it are among them.")
    return lines


_JSON_NAMES = {"usable": "usable", "not usable": "notUsable", "not known": "notKnown"}


def _value(request: Request, matches: Matches) -> dict[str, Any]:
    moment = answers.moment
    rows = [
        {
            "asset": row["asset"], "assetId": row["asset_id"], "assetKind": row["asset_kind"], "id": row["id"],
            "pointInTime": moment(row["point"]), "kind": row["kind"], "place": row["place"], "store": row["store"],
            "array": row["array"], "schedule": row["schedule"],
            "usable": None if row["usable"] is None else bool(row["usable"]), "whyNot": row["why_not"],
            "worse": _reason(row, matches.rows[0], request) or None, "expires": moment(row["expires"]),
            "lockedUntil": moment(row["locked_until"]),
            "verified": None if row["verified"] is None else bool(row["verified"]),
            "consistency": row["consistency"], "logsUntil": moment(row["log_until"]), "sizeInBytes": row["size"],
        }
        for row in matches.rows
    ]  # fmt: skip
    return {
        "count": matches.total,
        "moments": {name: moment(when) for name, when in request.moments.items()},
        "assets": matches.on_assets,
        "usable": {_JSON_NAMES[name]: count for name, count in matches.usable.items()},
        "places": dict(matches.places),
        "notUsable": [{"why": why, "count": count} for why, count in matches.reasons],
        "sizeInBytes": {"sum": matches.size, "of": matches.sized},
        "meant": [
            {"id": one.id, "name": one.name, "kind": one.kind, "vcenter": one.vcenter, "copies_state": one.copies_state}
            for one in (*matches.assets, *matches.owners)
        ],
        "logRanges": [
            {"asset": asset, "assetId": ident, "from": moment(first), "until": moment(last)}
            for asset, ident, first, last in matches.ranges[-10 * MOST_RANGES :]
        ],
        "recoveryPoints": rows,
        "timeZone": request.clock.label,
    }
