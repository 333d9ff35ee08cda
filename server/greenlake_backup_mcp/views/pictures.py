"""What the pictures draw, from the catalog: the tenant's health, an asset's recovery points over time, the stores.

A view asks for it by itself, so that the model's answer does not grow; the answer in words is the tool's own.
Moments are seconds since 1970; lists are bounded, with how many there are. Knows the catalog; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.catalog.read_coverage import Coverage
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.fleet import check_health, morning_check, promises, question
from greenlake_backup_mcp.fleet.estate import Asset, Estate
from greenlake_backup_mcp.text import sanitize

from .tools import ViewCall

DAY = 86_400
NIGHTS = 14
MOST_POINTS = 800  # of an asset; the newest are drawn
MOST_SAMPLES = 120  # of a store
MOST_STORES = 40
MOST_CAUSES = 30
POINTS = """SELECT asset_id, kind, place, coalesce(store, array, 'place not told') AS place_name, schedule_id, schedule,
 unixepoch(point_in_time) AS point, unixepoch(expires) AS expires, unixepoch(locked_until) AS locked, usable,
 why_not, verified FROM recovery_points WHERE asset_id IN ({marks}) ORDER BY point_in_time DESC LIMIT ?"""
COUNT = "SELECT count(*) FROM recovery_points WHERE asset_id IN ({marks})"
NIGHT_RUNS = """SELECT CAST((t.at - :since) / 86400 AS INTEGER) AS night, count(*) AS runs,
 sum(t.status IN ('ERROR', 'SKIPPED')) AS bad FROM main.runs t WHERE t.at >= :since AND t.at < :until GROUP BY 1"""
NIGHT_COPIES = """SELECT CAST((c.point - :since) / 86400 AS INTEGER) AS night, count(DISTINCT c.asset) AS assets
 FROM main.copies c WHERE c.list = 1 AND c.ok = 1 AND c.missing IS NULL AND c.point >= :since
 AND c.point < :until GROUP BY 1"""
STORES = """SELECT s.no, s.id, s.name, s.type, s.capacity, s.used, s.user_data, r.reachable, r.why FROM main.stores s
 LEFT JOIN reach r ON r.no = s.no WHERE s.gone IS NULL ORDER BY coalesce(1.0 * s.used / s.capacity, 0) DESC, s.name"""
LOCKED = """SELECT store_id, count(*) AS copies, sum(locked) AS locked,
 max(CASE WHEN locked THEN unixepoch(locked_until) END) AS until FROM recovery_points WHERE store_id IS NOT NULL
 GROUP BY store_id"""


async def read_view(request: ViewCall) -> dict[str, Any]:
    """The data of a view: `view` health, cover (of `asset`, by name or id) or stores. InputError for what is none."""
    asked, view = request.values, request.values["view"]
    catalog = request.context.catalog.get()
    if view == "cover" and not asked.get("asset"):
        raise InputError("asset is missing: the name or id of what the picture is of.")
    values = {"timeZone": asked["timeZone"]} if asked.get("timeZone") else {}
    posed = await question.question(catalog, values, request.caller.progress)
    if view == "health":
        state, estate = await check_health.examine(posed)
        strip = await catalog.read(lambda connection, _: nights(connection, estate.now))
        return {**_health(state), "nights": strip, **_rests_on(estate.coverage, estate.now)}
    if view == "stores":
        drawn, covered = await catalog.ask(lambda c, cov: (stores(c), cov), progress=request.caller.progress)
        return {**drawn, **_rests_on(covered, int(request.context.api.now().timestamp()))}

    def cover_of(connection: sqlite3.Connection, estate: Estate) -> dict[str, Any]:
        return lanes(connection, bearer(estate, str(asked["asset"]), asked.get("kind")), estate)

    drawn, estate = await posed.ask(cover_of)
    return {**drawn, **_rests_on(estate.coverage, estate.now)}


def _rests_on(covered: Coverage, now: int) -> dict[str, Any]:
    return {"now": now, "coverage": sanitize.clean(covered.line())}


def _health(judged: morning_check.Health) -> dict[str, Any]:
    return {
        "level": judged.level.name,
        "verdict": sanitize.clean(check_health.verdict(judged)),
        "today": [sanitize.cell(line, 300) for line in judged.today[:MOST_CAUSES]],
        "states": [{"state": state.value, "assets": count} for state, count in judged.states.items() if count],
        "causes": [
            {
                "state": group.state.value,
                "cause": sanitize.cell(group.cause, 200),
                "assets": len(group.standings),
                "worst": sanitize.cell(group.standings[0].asset.name, 80),
            }
            for group in judged.groups[:MOST_CAUSES]
        ],
        "causesInAll": len(judged.groups),
    }


def nights(connection: sqlite3.Connection, now: int) -> list[dict[str, Any]]:
    """The last nights, noon to noon UTC, the newest last: assets with a backup that is still there; runs as known."""
    noon = now - (now - DAY // 2) % DAY
    first = noon - (NIGHTS - 1) * DAY
    nights = {"since": first, "until": noon + DAY}
    runs = {night: (count, bad) for night, count, bad in connection.execute(NIGHT_RUNS, nights)}
    copies = dict(connection.execute(NIGHT_COPIES, nights).fetchall())
    return [
        {
            "from": first + n * DAY,
            "assets": copies.get(n, 0),
            "runs": runs.get(n, (0, 0))[0],
            "bad": runs.get(n, (0, 0))[1],
        }
        for n in range(NIGHTS)
    ]


def bearer(estate: Estate, wanted: str, kind: str | None) -> Asset:
    """The asset of a name or id, one that is still listed first; InputError where there is none."""
    bearers = estate.bearers(wanted, kind)
    if not bearers:
        raise InputError(f"There is no asset {sanitize.quoted(wanted, 80)} in the catalog.")
    return bearers[0]


def lanes(connection: sqlite3.Connection, asset: Asset, estate: Estate) -> dict[str, Any]:
    """The recovery points of an asset and of what it is part of, and what its schedules promise."""
    ids = [asset.id, *(owner.id for owner in asset.owners)]
    marks = ", ".join("?" * len(ids))
    cursor = connection.execute(POINTS.format(marks=marks), (*ids, MOST_POINTS))
    names = [column[0] for column in cursor.description]
    points = [dict(zip(names, row, strict=True)) for row in cursor]
    total = connection.execute(COUNT.format(marks=marks), ids).fetchone()[0]
    return {
        "asset": sanitize.cell(asset.name, 120),
        "unread": sanitize.cell(asset.unread or "", 200),
        "points": [{name: _clean(value) for name, value in point.items() if name != "asset_id"} for point in points],
        "pointsInAll": total,
        "promises": [_promise(one) for one in promises.promises(asset, estate)],
    }


def _promise(one: promises.Promise) -> dict[str, Any]:
    return {
        "schedule_id": str(one.schedule.schedule_id),
        "tier": one.schedule.tier or "",
        "schedule": _clean(one.schedule.name or ""),
        "every": one.rule.interval,
        "grade": one.freshness.grade.value,
        "late": one.late,
    }


def stores(connection: sqlite3.Connection) -> dict[str, Any]:
    """The stores, fullest first: use over time, what is locked in them, whether they can be reached."""
    locked: Mapping[str, tuple[Any, ...]] = {row[0]: row[1:] for row in connection.execute(LOCKED)}
    rows = connection.execute(STORES).fetchall()
    drawn = []
    for _, identity, name, kind, capacity, used, data, reachable, why in rows[:MOST_STORES]:
        samples = connection.execute(
            "SELECT at, used FROM main.store_usage WHERE store_id = ? ORDER BY at DESC", (identity,)
        ).fetchall()[::-1]
        step = max(1, -(-len(samples) // MOST_SAMPLES))  # rounded up: a view draws no more, and the newest is the last
        copies, held, until = locked.get(identity, (0, 0, None))
        drawn.append(
            {
                "name": _clean(name or identity),
                "kind": _clean(kind or ""),
                "capacity": capacity,
                "used": used,
                "data": data,
                "reachable": reachable,
                "why": _clean(why or ""),
                "copies": copies,
                "locked": held or 0,
                "lockedUntil": until,
                "samples": samples[::-step][::-1],
            }
        )
    return {"stores": drawn, "storesInAll": len(rows)}


def _clean(value: Any) -> Any:
    return sanitize.cell(value, 120) if isinstance(value, str) else value
