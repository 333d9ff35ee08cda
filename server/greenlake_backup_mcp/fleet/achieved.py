"""The RPO that was achieved over a period, from the points in time themselves: the service keeps five runs only.

No further back than copies are kept: what went as planned was no miss. Judged by the schedules of today.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from greenlake_backup_mcp.catalog import views

from . import calendar
from .calendar import CLOCK_SLACK, DAY, Rule
from .estate import Asset, Estate
from .promises import Promise, points

DEFAULT = "now-30d"
FURTHEST = 366 * DAY  # back: due moments are worked out one by one


@dataclass(frozen=True)
class Achieved:
    """What a schedule achieved over a period: of so many due moments so many have their copy, and the largest gap.

    `worst`: seconds between two points in time, or from the newest until now; None without any point.
    `uncertain`: a due moment without a copy may have had one that was deleted since, so that `met` is the least.
    """

    due: int
    met: int
    worst: int | None
    worst_from: int | None = None
    worst_to: int | None = None
    uncertain: bool = False

    @property
    def text(self) -> str:
        """`28 of 30`; `at least 28 of 30` where copies may be gone."""
        return f"{'at least ' if self.uncertain else ''}{self.met:,} of {self.due:,}"


@lru_cache(maxsize=512)
def _due_points(schedule: Rule, since: int, until: int) -> tuple[tuple[int, int], ...]:
    """The due moments in [since, until], each with the point in time that its copy brings back at least."""
    return tuple((due, calendar.promised_point(schedule, due)) for due in calendar.due_between(
        schedule, since - 1, until))  # fmt: skip


def achieved(schedule: Rule, moments: Iterable[int], since: int, moment: int, *, grace: int = 0) -> Achieved:
    """The RPO over [since, moment], from the points in time themselves (seconds since 1970).

    A due moment is met by a point at or after the one it promises and before the next due moment. What was due within
    `grace` seconds is not counted yet. The gap before the first point counts where a copy was due in it.
    """
    made = sorted({p for p in moments if p <= moment})
    due = _due_points(schedule, since, moment - grace)
    met = 0
    for n, (_, promised) in enumerate(due):
        first = bisect_left(made, promised - CLOCK_SLACK)
        met += first < len(made) and made[first] < (due[n + 1][0] if n + 1 < len(due) else moment + 1)
    if not made:
        return Achieved(len(due), met, None)
    inside = [p for p in made if p > since]
    begun = len(inside) < len(made) or bool(due and inside and due[0][1] < inside[0] - CLOCK_SLACK)
    gaps = [(b - a, a, b) for a, b in pairwise([*([since] if begun or not inside else []), *inside, moment])]
    return Achieved(len(due), met, *max(gaps, key=lambda gap: gap[0]))


class PointKey(NamedTuple):
    """Recovery points that one schedule made of one asset: those of a `CopySet`, whichever store they lie in."""

    asset_no: int
    tier: str
    schedule: str | None


@dataclass(frozen=True)
class Period:
    """The usable points in time since a moment, and of which assets copies went before their time since then."""

    since: int
    points: Mapping[PointKey, list[int]] = field(default_factory=dict)
    retention: Mapping[PointKey, int] = field(default_factory=dict)  # seconds that the oldest of them is kept
    deleted: Mapping[str, int] = field(default_factory=dict)  # id of an asset → when that was last seen


_POINTS = f"""SELECT c.asset, {views.KIND.format("c")}, w.word, c.point, c.expires FROM main.copies c
 LEFT JOIN temp.reach r ON r.no = c.store LEFT JOIN main.words w ON w.no = c.schedule
 WHERE c.point >= :since AND c.ok = 1 AND c.missing IS NULL AND (c.expires IS NULL OR c.expires > :now)
 AND (r.reachable = 1 OR (c.store IS NULL AND c.list = 0))
 AND (:assets IS NULL OR c.asset IN (SELECT value FROM json_each(:assets)))"""
_EARLY = """SELECT asset_id, max(seen) FROM main.changes WHERE asset_id IS NOT NULL AND seen >= ?
 AND kind IN ('copy vanished', 'expiry brought forward') GROUP BY asset_id"""


def period(connection: sqlite3.Connection, estate: Estate, since: int, assets: Iterable[Asset] | None = None) -> Period:
    """What is there of the time since a moment, of all assets or of some. Some 2 s per million recovery points."""
    numbers = None if assets is None else sorted({o.no for a in assets for o in (a, *a.owners)})
    points: dict[PointKey, list[int]] = {}
    oldest: dict[PointKey, tuple[int, int]] = {}
    wanted = None if numbers is None else f"[{', '.join(map(str, numbers))}]"
    bounds = {"since": since, "now": estate.now, "assets": wanted}
    for asset, tier, schedule, point, expires in connection.execute(_POINTS, bounds):
        key = PointKey(asset, tier, schedule)
        points.setdefault(key, []).append(point)
        if expires is not None and point < oldest.get(key, (estate.now, 0))[0]:
            oldest[key] = (point, expires - point)
    retention = {key: span for key, (_, span) in oldest.items()}
    return Period(since, points, retention, dict(connection.execute(_EARLY, (since,))))


def over(promise: Promise, estate: Estate, since: Period) -> Achieved:
    """What a promise achieved over a period, as long as the asset was under it, and until its copies were read.

    Where a copy is missing it may have been deleted: by what the catalog saw, or before it began to remember.
    """
    asset, schedule = promise.asset, promise.schedule
    keys = {PointKey(s.asset_no, s.tier, s.schedule) for s in points(asset, schedule, promise.cover.job.schedules)}
    spans = [span for key in keys if key.schedule == schedule.name and (span := since.retention.get(key))]
    spans += [int(schedule.keep_days * DAY)] if schedule.keep_days else []
    begin = max(since.since, promise.began, estate.now - min(spans, default=estate.now))
    made = [point for key in keys for point in since.points.get(key, ())]
    until = asset.read_at(schedule.tier) if asset.ran_since(schedule) else estate.now
    result = achieved(promise.rule, made, begin, until, grace=promise.grace)
    deleted = max((since.deleted.get(one.id, 0) for one in (asset, *asset.owners)), default=0) >= begin
    missing = any(s.missing for s in asset.all_sets)
    uncertain = deleted or missing or (estate.memory_since or estate.now) > begin
    return replace(result, uncertain=uncertain and result.met < result.due)
