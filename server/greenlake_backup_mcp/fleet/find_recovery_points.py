"""find_recovery_points: over all assets and kinds, counted, added up, and ranked for a restore with the reason.

Knows the catalog's views; judges only which recovery point serves better than another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.catalog import answer as answers
from greenlake_backup_mcp.catalog.views import ASSET_KINDS, RECOVERY_POINTS
from greenlake_backup_mcp.errors import InputError, Unreachable
from greenlake_backup_mcp.lists.list_tool import Answer
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
CONDITIONS = {  # argument → the test of a recovery point, its value standing for ?
    "before": "c.point <= ?", "after": f"{READ['reach']} >= ?", "nearest": "c.point IS NOT NULL AND ?",
    "expiresBefore": "c.expires <= ?", "expiresAfter": "(c.expires >= ? OR c.expires IS NULL)",
    "place": f"{READ['place']} = ?", **{n: f"coalesce({COLUMNS[n]}, -1) = ?" for n in ("usable", "locked", "verified")},
    "minGib": "c.size >= CAST(min(?, 4294967296) * 1073741824 AS INTEGER)",
}  # fmt: skip
USABILITY = {"usable": "usable = 1", "not usable": "usable = 0", "not known": "usable IS NULL"}
PLACES = {name: f"place = '{name}'" for name in ("array", "on_premises", "off_site")}
COUNTED = USABILITY | PLACES  # what is counted of all that matches

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


@dataclass(frozen=True)
class Matches:
    """What matches: the assets meant and what holds them, the counts, the best rows, the ranges of log backups."""

    assets: Sequence[Asset]
    owners: Sequence[Asset]
    total: int
    on_assets: int
    size: int
    sized: int
    counts: Mapping[str, int]  # by usability and by place
    reasons: Sequence[tuple[str, int]]
    rows: Sequence[Row]
    ranges: Sequence[tuple[str, str, int, int]]  # asset, its id, from, until


async def answer(question: Question) -> Answer:
    """The recovery points that a question means, best for a restore first; counts and sizes (bytes) are of all of them.

    `asset`: name or id, all that bear it are meant; moments as the person's clock has them, seconds since 1970 within.
    InputError for an asset, store or moment that is none; Unreachable while the lists that could hold it are unread.
    """
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
    """Names are looked up, and all that bear one are meant."""
    values = request.values
    tests, parameters = ["1"], list[Any]()
    assets, owners = list[Asset](), list[Asset]()
    if values.get("asset"):
        assets = estate.bearers(values["asset"], values.get("assetKind"))[:200]
        if not assets:
            raise _nobody("asset", values["asset"], (a.name for a in estate.assets.values()), estate)
        owners = list({owner.id: owner for a in assets for owner in a.owners}.values())
        parameters += [one.id for one in (*assets, *owners)]
        tests.append(f"a.id IN ({', '.join('?' * len(parameters))})")
    elif values.get("assetKind"):
        tests.append("a.kind = ?")
        parameters.append(values["assetKind"])
    if values.get("store"):
        wanted = values["store"].strip().casefold()
        ids = [s.id for s in estate.stores.values() if wanted in (s.id.casefold(), s.label.casefold())]
        if not ids:
            raise _nobody("store", values["store"], (s.label for s in estate.stores.values()), estate)
        tests.append(f"st.id IN ({', '.join('?' * len(ids))})")
        parameters += ids
    for name, test in CONDITIONS.items():
        if (value := request.moments.get(name, values.get(name))) is not None:
            tests.append(test)
            parameters.append(value)
    source = f"{RECOVERY_POINTS.source} WHERE {' AND '.join(tests)}"

    def run(sql: str, *more: Any) -> sqlite3.Cursor:
        return connection.execute(sql.replace(":now", str(request.now)), (*parameters, *more))

    each = ", ".join(f'sum({test}) AS "{name}"' for name, test in COUNTED.items())
    sums = ", ".join(f'sum("{name}")' for name in COUNTED)
    total, on_assets, size, sized, logs, *numbers = run(
        f"SELECT sum(n), count(*), sum(size), sum(sized), sum(logs), {sums} FROM "
        f"(SELECT count(*) AS n, sum(size) AS size, count(size) AS sized, sum(log_until > point) AS logs, {each} "
        f"FROM (SELECT c.asset, c.size, c.log_until, c.point, {READ['usable']} AS usable, {READ['place']} AS place "
        f"FROM {source}) GROUP BY asset)"
    ).fetchone()
    counts = {name: number or 0 for name, number in zip(COUNTED, numbers, strict=True)}
    reasons, spans = [], []
    if counts["not usable"] or counts["not known"]:
        reasons = run(
            f"SELECT {READ['why_not']} AS why, count(*) FROM {source} AND coalesce({READ['usable']}, 0) = 0 "
            "GROUP BY 1 ORDER BY 2 DESC LIMIT 6"
        ).fetchall()
    if logs:
        spans = run(
            f"SELECT a.name, a.id, c.point, c.log_until FROM {source} AND c.log_until > c.point AND {READ['usable']} "
            "= 1 ORDER BY a.name, a.id, c.point LIMIT ?", MOST_SPANS,
        ).fetchall()  # fmt: skip
    rows = run(
        f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in READ.items())} FROM {source} ORDER BY "
        f"{_order(request)} LIMIT ?", values.get("limit", ROWS) + values.get("offset", 0),
    )  # fmt: skip
    best = [dict(zip(READ, row, strict=True)) for row in rows]
    return Matches(assets, owners, total or 0, on_assets, size or 0, sized or 0, counts, reasons, best, _ranges(spans))


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


def _ranges(spans: Iterable[tuple[str, str, int, int]]) -> list[tuple[str, str, int, int]]:
    """The stretches of time within which any moment can be restored; those that touch are one."""
    ranges: list[tuple[str, str, int, int]] = []
    for asset, ident, first, last in spans:
        if ranges and ranges[-1][1] == ident and first <= ranges[-1][3]:
            ranges[-1] = (*ranges[-1][:3], max(last, ranges[-1][3]))
        else:
            ranges.append((asset, ident, first, last))
    return ranges


def _nobody(noun: str, name: str, names: Iterable[str], estate: Estate) -> InputError | Unreachable:
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
            "asset": row["asset"], "pointInTime": stamp(row["point"]), "kind": row["kind"],
            "place": f"{row['place']} {row['array' if row['place'] == 'array' else 'store'] or ''}".strip(),
            "usable": {1: "yes", 0: "no"}.get(row["usable"], "unknown"),
            "worse": _reason(row, matches.rows[0], request) or None, "expires": stamp(row["expires"]) or "never",
            "locked": stamp(row["locked_until"]) if (row["locked_until"] or 0) > request.now else None,
            "verified": {1: "yes", 0: "no"}.get(row["verified"]), "logsUntil": stamp(row["log_until"]),
            "size": None if row["size"] is None else units.size(row["size"]), "id": row["id"],
        }
        for row in matches.rows
    ]  # fmt: skip
    title = "Best for a restore first; `worse` says why each is worse than the first:"
    return Reply(head, title, rows, "query_catalog has all: view recovery_points.", total=matches.total)


def _counts(matches: Matches) -> str:
    if not matches.total:
        return "No recovery point matches, among those that were read."
    usable, places = (
        ", ".join(f"{matches.counts[name]:,} {name}" for name in names if matches.counts[name])
        for names in (USABILITY, PLACES)
    )
    size = f"; sizes told add up to {units.size(matches.size)}" if matches.sized else ""
    without = matches.total - matches.sized
    missing = f" ({without:,} tell none)" if matches.sized and without else ""
    return (
        f"{units.plural(matches.total, 'recovery point')} of {units.plural(matches.on_assets, 'asset')}: "
        f"{usable}; {places}{size}{missing}."
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
    for one in (*matches.assets, *matches.owners):
        if one.copies_state == "unread":
            which, read = ("Not all recovery points", "") if one.partly_read else ("Recovery points", "not ")
            lines.append(
                f"{which} of {one.name} ({one.id}) were {read}read: {one.unread_why or 'not yet'}. "
                f"Whether there are {'more' if one.sets else 'any'} is not known."
            )
    if holders := [one for one in matches.owners if one.sets]:
        lines.append(f"Those of {units.plural(len(holders), 'group')} or datastores that hold it are among them.")
    return lines


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
    counts = matches.counts if matches.total else {}
    return {
        "count": matches.total,
        "moments": {name: moment(when) for name, when in request.moments.items()},
        "assets": matches.on_assets,
        "usable": {("notUsable" if name == "not usable" else "notKnown" if name == "not known" else name): counts[name]
                   for name in USABILITY if counts},
        "places": {name: counts[name] for name in PLACES if counts},
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
    }  # fmt: skip
