"""A row for each schedule of an asset: what it promises, what is there of it, how it last ran; and of other copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from greenlake_backup_mcp.lists.views import schedules
from greenlake_backup_mcp.text import units

from . import achieved
from .achieved import Period
from .calendar import CLOCK_SLACK
from .estate import Asset, Estate
from .facts import PATH_LISTS, CopySet, Schedule, last_lock, where
from .promises import AHEAD, miss, points, promises
from .question import Question


def rows(question: Question, asset: Asset, estate: Estate, month: Period) -> Iterator[dict[str, Any]]:
    """A row for each schedule: what it promises, what is there of it, how it last ran."""
    stamp = question.clock.stamp
    fitting = {(p.cover.job.id, p.schedule.schedule_id): p for p in promises(asset, estate)}
    for cover in asset.covers:
        for one in cover.job.schedules:
            promise = fitting.get((cover.job.id, one.schedule_id))
            held = [s for s in points(asset, one, cover.job.schedules) if s.schedule is not None]
            fact = None if promise is None else promise.freshness.grade.value
            if cover.job.suspended or one.operational == "SUSPENDED":
                fact = "suspended"
            elif asset.kind == "mssql_group":
                fact = "its copies are those of its databases"
            elif any((s.newest_usable or 0) > estate.now + CLOCK_SLACK for s in held):
                fact = AHEAD
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
            met = None
            if (
                promise is not None
                and asset.kind != "mssql_group"
                and asset.unread is None
                and not estate.blocked_by(PATH_LISTS)
            ):
                result = achieved.over(promise, estate, month)
                met = result.text if result.due else "none due"
            yield {
                "tier": one.tier, "when": timing(one), "keep": one.keep, "lock": one.lock,
                **_held(question, held, unread=asset.unread is not None or asset.kind == "mssql_group"),
                "where": one.store or where(held), "fact": fact, "metIn30Days": met,
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
    """When a schedule runs: `every 2 h`, `daily 20:00Z`, `weekly on Wed 22:00Z`."""
    days = [n for n in (one.on_days or "").split(",") if n.strip()]
    window = {"activeFromTime": one.active_from, "activeUntilTime": one.active_until}
    return schedules.rhythm({"schedule": {
        "recurrence": one.recurrence, "repeatInterval": {"every": one.every, "on": days}, "startTime": one.start_time,
        "activeTime": {side: time for side, time in window.items() if time},
    }})  # fmt: skip


def other_rows(question: Question, asset: Asset) -> Iterator[dict[str, Any]]:
    """A row for the recovery points that no schedule of today makes: by hand, of a former plan, of a group."""
    named = {(s.tier, s.name) for c in asset.covers for s in c.job.schedules}
    for one in asset.all_sets:
        if (one.tier, one.schedule) not in named and one.copies:
            yield {"tier": one.tier, "when": f"formerly {one.schedule}" if one.schedule else "by hand",
                   **_held(question, [one]), "where": where([one])}  # fmt: skip
