"""find_recovery_points: over all assets and kinds, counted, added up, and ranked for a restore with the reason.

Knows the catalog's views; reads nothing from the service.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.errors import InputError, Unreachable
from greenlake_backup_mcp.lists.filters import coercion
from greenlake_backup_mcp.text import sanitize, suggest, units
from greenlake_backup_mcp.upstream.progress import Report

from . import answer
from .answer import Answer
from .catalog import Catalog
from .read_coverage import Coverage
from .views import ASSET_KINDS, RECOVERY_POINTS

ROWS = 12
MOMENTS = ("before", "after", "nearest", "expiresBefore", "expiresAfter")
OWNERS = "('vm_group', 'datastore', 'mssql_group', 'volume_group')"
SHOWN = (
    "asset", "point", "kind", "usable", "why_not", "store", "expires", "locked_until", "verified", "consistency",
    "partial", "size", "log_until", "id", "asset_id", "asset_kind", "place", "array", "schedule",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is looked for, understood; moments in seconds since 1970."""

    values: Mapping[str, Any]
    moments: Mapping[str, int]
    now: int


@dataclass
class Found:
    """What was found: the assets meant, the counts, the best rows."""

    assets: list[dict[str, Any]] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    total: int = 0
    on_assets: int = 0
    usable: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    reasons: list[tuple[str, int]] = field(default_factory=list)
    size: int = 0
    sized: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)


async def find(catalog: Catalog, values: Mapping[str, Any], progress: Report, room: int) -> Answer:
    """The answer; InputError for an asset, store or moment that is none."""
    request = _understand(values, catalog.api.now())
    kinds = [values["assetKind"]] if values.get("assetKind") else []
    matches, covered = await catalog.ask(
        lambda connection, covered: (_find(connection, request, covered), covered), progress=progress, kinds=kinds
    )
    if values.get("output") == "json":
        return Answer(value=answer.fit_json(_value(request, matches, covered), "recoveryPoints", room))
    return Answer(lines=tuple(_lines(request, matches, covered, room)))


def _understand(values: Mapping[str, Any], now: datetime) -> Request:
    moments: dict[str, int] = {}
    for name in MOMENTS:
        if values.get(name) is not None:
            when = coercion.moment(values[name], now)
            if when is None:
                raise InputError(
                    f"{name}: {values[name][:60]!r} is no moment.",
                    hint="Write 2026-11-23T14:00:00Z, a day (2026-11-23), now, now-24h, now+7d.",
                )
            moments[name] = int(when.timestamp())
    if "nearest" in moments and ({"before", "after"} & moments.keys()):
        raise InputError("nearest stands for itself: leave before and after out.")
    if {"before", "after"} <= moments.keys() and moments["after"] > moments["before"]:
        raise InputError("after lies behind before: nothing is between them.")
    return Request(values, moments, int(now.timestamp()))


# --- looked up -----------------------------------------------------------------------------------------------------


def _find(connection: sqlite3.Connection, request: Request, covered: Coverage) -> Found:
    matches = Found()
    where, values = _conditions(connection, request, matches, covered)
    columns = {column.name: column.sql for column in RECOVERY_POINTS.columns}
    source = f"{RECOVERY_POINTS.source} WHERE {where}"

    def run(sql: str, *more: Any) -> sqlite3.Cursor:
        return connection.execute(sql.replace(":now", str(request.now)), (*values, *more))

    for row in run(
        f"SELECT c.asset, count(*), sum(u = 1), sum(u = 0), sum(u IS NULL), sum(p = 'array'), sum(p = 'on_premises'), "
        f"sum(p = 'off_site'), sum(size), count(size) FROM (SELECT c.asset, c.size, {columns['usable']} AS u, "
        f"{columns['place']} AS p FROM {source}) c GROUP BY c.asset"
    ):
        matches.total += row[1]
        matches.on_assets += 1
        matches.usable.update({"usable": row[2] or 0, "not usable": row[3] or 0, "not known": row[4] or 0})
        matches.places.update({"array": row[5] or 0, "on_premises": row[6] or 0, "off_site": row[7] or 0})
        matches.size, matches.sized = matches.size + (row[8] or 0), matches.sized + row[9]
    if matches.usable["not usable"] or matches.usable["not known"]:
        matches.reasons = run(
            f"SELECT {columns['why_not']} AS why, count(*) FROM {source} AND coalesce({columns['usable']}, 0) = 0 "
            "GROUP BY 1 ORDER BY 2 DESC LIMIT 6"
        ).fetchall()
    picked = {
        **columns, "point": "c.point", "expires": "c.expires", "locked_until": "c.locked_until", "size": "c.size",
        "log_until": "c.log_until",
    }  # fmt: skip
    rows = run(
        f"SELECT {', '.join(f'{picked[name]} AS {name}' for name in SHOWN)} FROM {source} ORDER BY "
        f"{_order(request, columns)} LIMIT ?", request.values.get("limit", ROWS),
    )  # fmt: skip
    matches.rows = [dict(zip(SHOWN, row, strict=True)) for row in rows]
    return matches


def _order(request: Request, columns: Mapping[str, str]) -> str:
    """Best for a restore first: usable, then near to the moment (newest without one), then whole, then verified."""
    usable = f"CASE {columns['usable']} WHEN 1 THEN 0 WHEN 0 THEN 2 ELSE 1 END"
    near = f"abs(c.point - {request.moments['nearest']})" if "nearest" in request.moments else "-c.point"
    return f"{usable}, c.point IS NULL, {near}, coalesce(c.flags & 3, 0) = 3, c.verified IS NULL, c.list"


def _conditions(
    connection: sqlite3.Connection, request: Request, matches: Found, covered: Coverage
) -> tuple[str, list[Any]]:
    """The WHERE of a request; names are looked up, and all that bear one are meant."""
    values, moments = request.values, request.moments
    columns = {column.name: column.sql for column in RECOVERY_POINTS.columns}
    parts, parameters = ["1"], []
    if values.get("asset"):
        matches.assets = _assets(connection, values["asset"], values.get("assetKind"), covered)
        ids = [one["id"] for one in matches.assets]
        marks = ", ".join("?" * len(ids))
        matches.owners = [
            row[0] for row in connection.execute(
                f"SELECT DISTINCT m.owner_id FROM members m JOIN recovery_point_sets s ON s.asset_id = m.owner_id "
                f"WHERE m.owner_kind IN {OWNERS} AND m.member_id IN ({marks})", ids,
            )
        ]  # fmt: skip
        parts.append(f"a.id IN ({', '.join('?' * (len(ids) + len(matches.owners)))})")
        parameters += [*ids, *matches.owners]
    elif values.get("assetKind"):
        parts.append("a.kind = ?")
        parameters.append(values["assetKind"])
    if values.get("store"):
        stores = _stores(connection, values["store"], covered)
        parts.append(f"st.id IN ({', '.join('?' * len(stores))})")
        parameters += stores
    for name, sql in (("before", "c.point <= ?"), ("after", "c.point >= ?"), ("expiresBefore", "c.expires <= ?"),
                      ("expiresAfter", "(c.expires >= ? OR c.expires IS NULL)")):  # fmt: skip
        if name in moments:
            parts.append(sql)
            parameters.append(moments[name])
    if "nearest" in moments:
        parts.append("c.point IS NOT NULL")
    if values.get("place"):
        parts.append(f"{columns['place']} = ?")
        parameters.append(values["place"])
    parts += [
        f"coalesce({columns[name]}, -1) = {int(values[name])}"
        for name in ("usable", "locked", "verified")
        if values.get(name) is not None
    ]
    if values.get("minGib") is not None:
        parts.append("c.size >= ?")
        parameters.append(int(min(values["minGib"], 2**32) * 2**30))
    return " AND ".join(parts), parameters


def _assets(connection: sqlite3.Connection, asset: str, kind: str | None, covered: Coverage) -> list[dict[str, Any]]:
    """All assets of that id or name, whatever the case; InputError names near ones where there is none."""
    rows = connection.execute(
        "SELECT id, name, kind, vcenter, listed, copies_state, copies_unread_why, copies FROM assets WHERE "
        "(id = ?1 OR name = ?1 COLLATE NOCASE) AND (?2 IS NULL OR kind = ?2) ORDER BY listed DESC, kind, vcenter",
        (asset, kind),
    )
    names = [one[0] for one in rows.description]
    assets = [dict(zip(names, row, strict=True)) for row in rows]
    if assets:
        return assets[:200]
    unread = _unread("asset", asset, covered)
    names_known = [row[0] for row in connection.execute("SELECT DISTINCT name FROM assets WHERE name IS NOT NULL")]
    part = [name for name in names_known if asset.casefold() in name.casefold()][:3]
    meant = list(dict.fromkeys([*suggest.near_names(asset, names_known, cutoff=0.6), *part]))[:4]
    likely = " Did you mean " + " or ".join(sanitize.quoted(n, 80) for n in meant) + "?" if meant else ""
    kind_words = f" of the kind {kind}" if kind else ""
    raise InputError(
        f"There is no asset {sanitize.quoted(asset, 80)}{kind_words} in the catalog.{unread}{likely}",
        hint="Names and ids stand in the view `assets` of query_catalog, and in the list tools.",
    )


def _stores(connection: sqlite3.Connection, store: str, covered: Coverage) -> list[str]:
    matches = connection.execute(
        "SELECT id, name FROM stores WHERE id = ?1 OR name = ?1 COLLATE NOCASE", (store,)
    ).fetchall()
    if matches:
        return [row[0] for row in matches]
    unread = _unread("store", store, covered)
    names = [row[0] for row in connection.execute("SELECT name FROM stores WHERE name IS NOT NULL")]
    raise InputError(
        f"There is no store {sanitize.quoted(store, 80)} in the catalog.{unread}",
        hint=f"Stores: {', '.join(sanitize.quoted(n, 80) for n in names[:20])}.",
    )


def _unread(noun: str, name: str, covered: Coverage) -> str:
    """Which lists could not be read, as a sentence; raises where some were not yet: nobody can say what they hold."""
    if waiting := [one.collection for one in covered.unread_lists if not one.problem]:
        raise Unreachable(
            f"The {noun} {sanitize.quoted(name, 80)} is not among what was read so far; not yet: {', '.join(waiting)}.",
            hint="Reading goes on: ask again in half a minute.",
        )
    failed = ", ".join(f"{one.collection} ({one.problem})" for one in covered.unread_lists)
    return f" Lists that could not be read: {failed}." if failed else ""


# --- told ----------------------------------------------------------------------------------------------------------


def _reason(row: Mapping[str, Any], best: Mapping[str, Any], request: Request) -> str:
    """Why a recovery point is worse than the first."""
    why = []
    if row["usable"] != 1:
        why.append(f"{'not usable' if row['usable'] == 0 else 'not known'}: {row['why_not']}")
    if row["point"] is not None and best["point"] is not None and row["point"] != best["point"]:
        apart = units.duration(float(row["point"] - best["point"]))
        target = request.moments.get("nearest")
        farther = target is not None and abs(row["point"] - target) > abs(best["point"] - target)
        if row["point"] < best["point"] or farther:
            why.append(f"{apart} {'older' if row['point'] < best['point'] else 'newer'}")
    if row["partial"]:
        why.append("part of the machine")
    if best["verified"] and row["verified"] == 0:
        why.append("not verified")
    if row["consistency"] == "CRASH_CONSISTENT_ON_FAILURE":
        why.append("only crash-consistent, though more was asked for")
    elif row["consistency"] == "CRASH" and best["consistency"] == "APPLICATION":
        why.append("only crash-consistent")
    return "; ".join(why)


def _row(row: Mapping[str, Any], best: Mapping[str, Any], request: Request) -> dict[str, Any]:
    place = {"array": row["array"], "on_premises": row["store"], "off_site": row["store"]}.get(row["place"])
    return {
        "asset": row["asset"],
        "pointInTime": answer.moment(row["point"]),
        "kind": row["kind"],
        "place": f"{row['place']} {place or ''}".strip(),
        "usable": {1: "yes", 0: "no"}.get(row["usable"], "unknown"),
        "worse": _reason(row, best, request) or None,
        "expires": answer.moment(row["expires"]) or "never",
        "locked": answer.moment(row["locked_until"]) if (row["locked_until"] or 0) > request.now else None,
        "verified": {1: "yes", 0: "no"}.get(row["verified"]),
        "logsUntil": answer.moment(row["log_until"]),
        "size": None if row["size"] is None else units.size(row["size"]),
        "id": row["id"],
    }


def _lines(request: Request, matches: Found, covered: Coverage, room: int) -> list[str]:
    lines = [_counted(matches)]
    if request.moments:
        understood = ", ".join(f"{name} {answer.moment(when)}" for name, when in request.moments.items())
        lines.append(f"Moments as understood (a day is its first moment, UTC): {understood}.")
    if matches.usable["not usable"] or matches.usable["not known"]:
        why = ", ".join(f"{count:,} {reason or 'no reason told'}" for reason, count in matches.reasons)
        lines.append(sanitize.cell(f"Not usable or not known: {why}.", 500))
    lines += _about_assets(matches)
    if ranges := _log_ranges(matches):
        lines.append(ranges)
    tail = answer.coverage_lines(covered)
    left = room - sum(len(line.encode()) + 1 for line in (*lines, *tail)) - 200
    rows = [_row(row, matches.rows[0], request) for row in matches.rows]
    if not rows:
        return [*lines, *tail]
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    table, fitting = answer.table(names, rows, covered.now, left)
    lines.append("Best for a restore first; `worse` says why each is worse than the first:")
    lines += table
    if fitting < matches.total:
        lines.append(f"{fitting:,} of {matches.total:,} shown; query_catalog has all: view recovery_points.")
    return [*lines, *tail]


def _counted(matches: Found) -> str:
    if not matches.total:
        return "No recovery point matches, among those that were read."
    parts = [f"{count:,} {name}" for name, count in matches.usable.items() if count]
    places = ", ".join(f"{count:,} {name}" for name, count in matches.places.items() if count)
    size = f"; sizes told add up to {units.size(matches.size)}" if matches.sized else ""
    missing = (
        f" ({matches.total - matches.sized:,} tell none)" if matches.sized and matches.sized < matches.total else ""
    )
    return (
        f"{units.plural(matches.total, 'recovery point')} of {units.plural(matches.on_assets, 'asset')}: "
        f"{', '.join(parts)}; {places}{size}{missing}."
    )


def _about_assets(matches: Found) -> list[str]:
    """What must be known of the assets meant: that there are several, that one was not read, where else copies are."""
    lines = []
    if len(matches.assets) > 1:
        each = "; ".join(
            f"{ASSET_KINDS[one['kind']]} {one['id']}" + (f" in {one['vcenter']}" if one["vcenter"] else "")
            + ("" if one["listed"] else " (no longer listed)") for one in matches.assets[:6]
        )  # fmt: skip
        lines.append(sanitize.cell(f"{len(matches.assets)} assets have this name, all are meant: {each}.", 700))
    for one in matches.assets:
        if one["copies_state"] == "unread":
            why = one["copies_unread_why"] or "not yet"
            lines.append(sanitize.cell(f"Recovery points of {one['name']} ({one['id']}) were not read: {why}. "
                                       "Whether there are any is not known.", 400))  # fmt: skip
    if matches.owners:
        lines.append(
            f"Those of {units.plural(len(matches.owners), 'group')} or datastores that hold it are among them."
        )
    return lines


def _log_ranges(matches: Found) -> str:
    spans = [
        f"{answer.moment(row['point'])} to {answer.moment(row['log_until'])}"
        for row in matches.rows
        if row["log_until"] and row["usable"] == 1 and row["point"] and row["log_until"] > row["point"]
    ]
    return f"Any moment can be restored from log backups within: {'; '.join(dict.fromkeys(spans))}." if spans else ""


_JSON_NAMES = {"usable": "usable", "not usable": "notUsable", "not known": "notKnown"}


def _value(request: Request, matches: Found, covered: Coverage) -> dict[str, Any]:
    rows: Sequence[dict[str, Any]] = [
        {
            **_row(row, matches.rows[0], request),
            "place": row["place"], "store": row["store"], "array": row["array"], "assetId": row["asset_id"],
            "assetKind": row["asset_kind"], "schedule": row["schedule"], "consistency": row["consistency"],
            "usable": None if row["usable"] is None else bool(row["usable"]), "whyNot": row["why_not"],
            "sizeInBytes": row["size"], "expires": answer.moment(row["expires"]),
        }
        for row in matches.rows
    ]  # fmt: skip
    return {
        "count": matches.total,
        "moments": {name: answer.moment(when) for name, when in request.moments.items()},
        "assets": matches.on_assets,
        "usable": {_JSON_NAMES[name]: count for name, count in matches.usable.items()},
        "places": dict(matches.places),
        "notUsable": [{"why": why, "count": count} for why, count in matches.reasons],
        "sizeInBytes": {"sum": matches.size, "of": matches.sized},
        "meant": [{k: one[k] for k in ("id", "name", "kind", "vcenter", "copies_state")} for one in matches.assets],
        "recoveryPoints": rows,
        "coverage": covered.value(),
    }
