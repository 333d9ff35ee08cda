"""Promise against fact: how young the copies of an asset are by its schedules, and why not.

A promise is a due moment of a schedule (calendar.py); what answers it is a usable point in time of the schedule's tier,
made by it or by hand. Ages in four classes as Acronis names them: actual age over the age allowed until then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from . import calendar
from .calendar import CLOCK_SLACK, HOUR, MINUTE, Rule
from .estate import Asset, Estate
from .facts import CopySet, Cover, Schedule

# how long the run of a tier may take until its copy counts as late; at most half of what lies between two runs
GRACE = {"SNAPSHOT": 15 * MINUTE, "REPLICATED_SNAPSHOT": HOUR, "BACKUP": 2 * HOUR, "CLOUD_BACKUP": 3 * HOUR,
         "DATABASE_LOG_BACKUP": 15 * MINUTE}  # fmt: skip
AHEAD = "a point in time lies in the future: a clock is wrong"


class Grade(Enum):
    """How a promise is kept: actual age over allowed age, in the four classes that Acronis names, and before them."""

    PENDING = "pending"  # no copy yet, and none was due
    KEPT = "kept"  # below 1
    EXCEEDED = "exceeded"  # up to 2
    SEVERE = "severely exceeded"  # up to 4
    CRITICAL = "critically exceeded"
    UNSCHEDULED = "never due"  # a schedule that has no due moment


@dataclass(frozen=True)
class Freshness:
    """A promise against the newest copy. `due`: the first due moment that no copy answers, behind or ahead.

    `late_by`: seconds since then, 0 where it is in time. `allowed`: how old the newest copy may become.
    """

    grade: Grade
    due: int | None = None
    late_by: int = 0
    age: int | None = None
    allowed: int | None = None
    ratio: float | None = None

    @property
    def late(self) -> bool:
        """Whether the promise is missed now."""
        return self.grade in (Grade.EXCEEDED, Grade.SEVERE, Grade.CRITICAL)


def freshness(
    schedule: Rule, newest: int | None, moment: int, *, since: int | None = None, grace: int = 0
) -> Freshness:
    """How the promise of a schedule is kept at a moment.

    `newest`: the newest usable point in time of the tier, not after `moment` (one that lies ahead is a wrong clock);
    `since`: when the asset came under the schedule; what was due before then is no miss. `grace`: seconds that a run
    may take, at most half of what lies between two runs.
    """
    if newest is None:
        due = calendar.next_due(schedule, (max(since or 0, schedule.effective or 0) or moment) - 1)
    else:
        due = calendar.next_due(schedule, newest + CLOCK_SLACK)
        while due is not None and calendar.promised_point(schedule, due) <= newest + CLOCK_SLACK:
            due = calendar.next_due(schedule, due)
    if due is None:
        return Freshness(Grade.UNSCHEDULED, age=None if newest is None else moment - newest)
    following = calendar.next_due(schedule, due)
    gap = schedule.interval if following is None else following - due
    grace = min(grace, gap // 2)
    late_by = moment - due if moment >= due + grace else 0
    if newest is None:
        if not late_by:
            return Freshness(Grade.PENDING, due)
        ratio = 1 + (moment - due - grace) / gap
        return Freshness(grade(ratio), due, late_by, ratio=ratio)
    age, allowed = moment - newest, due + grace - newest
    return Freshness(grade(age / allowed), due, late_by, age, allowed, age / allowed)


def grade(ratio: float) -> Grade:
    """The class of actual over allowed age."""
    return (
        Grade.KEPT if ratio < 1
        else Grade.EXCEEDED if ratio <= 2
        else Grade.SEVERE if ratio <= 4 else Grade.CRITICAL
    )  # fmt: skip


# --- of an asset ---------------------------------------------------------------------------------------------------


def points(asset: Asset, schedule: Schedule, siblings: Iterable[Schedule]) -> list[CopySet]:
    """The sums of recovery points that answer a schedule: of its tier, made by it or by hand, not by a sibling."""
    others = {s.name for s in siblings if s.tier == schedule.tier and s.name != schedule.name}
    return [s for s in asset.all_sets if s.tier == schedule.tier and s.schedule not in others]


@dataclass(frozen=True)
class Promise:
    """A schedule that is to make recovery points of an asset, and how it is kept. `last_due`: its last due moment."""

    asset: Asset
    cover: Cover
    schedule: Schedule
    rule: Rule
    freshness: Freshness
    last_due: int | None
    grace: int
    outdated: bool = False  # it seems missed, and what was read is older than its last run, or than what was due

    @property
    def late(self) -> bool:
        """Whether it is missed now, as far as that can be known."""
        return self.freshness.late and not self.outdated

    @property
    def began(self) -> int:
        """When the asset came under the schedule, as far as is told; 0 where it is not."""
        return max(self.asset.created or 0, self.cover.job.effective_from or 0)


def promises(asset: Asset, estate: Estate) -> list[Promise]:
    """What its schedules promise. Suspended jobs and schedules promise nothing, log backups make no point."""
    out, now, jobs_read = [], estate.now, estate.read.get("jobs") or 0
    for one in (c for c in asset.covers if not c.job.suspended):
        rules = estate.rules[one.job.id]
        since = max(asset.created or 0, one.job.effective_from or 0) or None
        for schedule in one.job.schedules:
            rule = rules.get(schedule.schedule_id)
            if rule is None or schedule.tier == "DATABASE_LOG_BACKUP" or schedule.operational == "SUSPENDED":
                continue
            entries = (s.newest_usable for s in points(asset, schedule, one.job.schedules))
            newest = max((p for p in entries if p is not None and p <= now), default=None)
            grace = min(GRACE.get(schedule.tier or "", HOUR), rule.interval // 2)
            state = freshness(rule, newest, now, since=since, grace=grace)
            outdated = state.late and (asset.ran_since(schedule) or (state.due or 0) + grace > jobs_read)
            last_due = calendar.last_due(rule, now - grace)
            out.append(Promise(asset, one, schedule, rule, state, last_due, grace, outdated))
    return out


def miss(promise: Promise) -> str:
    """Why a promise is missed: it did not run, it failed, it left the asset out, or its copy cannot be used."""
    schedule, due = promise.schedule, promise.freshness.due
    held = points(promise.asset, schedule, promise.cover.job.schedules)
    good = max((s.newest_good for s in held if s.newest_good is not None), default=None)
    lost = next((s.unreachable_why for s in held if s.newest_good == good and s.newest_usable is None), None)
    if lost and due is not None and good is not None and good >= due - CLOCK_SLACK:
        return f"copies made, out of reach: {lost}"
    if promise.last_due is not None and (schedule.prev_run is None or schedule.prev_run < promise.last_due):
        return "did not run"
    if schedule.last_status in ("ERROR", "SKIPPED"):
        return "its runs fail" if schedule.last_status == "ERROR" else "its runs are skipped"
    return "its runs leave it out" if promise.cover.way != "own" else "its runs end without a copy"


def ahead(asset: Asset, now: int, *places: str) -> int | None:
    """The newest point in time, where it lies in the future: nothing can be said of its age."""
    newest = asset.newest(*places)
    return newest if newest is not None and newest > now + CLOCK_SLACK else None
