"""How each asset stands, in one class, with one cause: what can no longer come back first, then what is late.

Classes add up to all assets. The cause is the one of the schedule that weighs most: what its last run said, that it did
not run, that its job is suspended, that its store cannot be reached; where nothing says why, that is the cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from . import calendar, exceptions
from .calendar import DAY, GRACE, HOUR, MINUTE, Freshness, Rule
from .exceptions import Acceptance
from .facts import Asset, Cover, Estate, Schedule

SOON = 7 * DAY  # a last copy that goes within this time
PASSED = 15 * MINUTE  # by which a next run must lie behind until it counts as not run
UNTOLD = "the service says no cause"
TIERS = ("SNAPSHOT", "REPLICATED_SNAPSHOT", "BACKUP", "CLOUD_BACKUP")


class State(Enum):
    """How an asset stands, gravest first. The value is what an answer calls it."""

    NO_COPY = "no usable copy"
    ENDING = "last usable copy goes within 7 days, not renewed"
    ON_ARRAY = "usable copies on the array only"
    OFF_SITE_LATE = "off-site copy late"
    LATE = "copy late"
    IDLE = "in no running job"
    PENDING = "not due yet"
    UNREAD = "not known (copies not read)"
    ACCEPTED = "accepted exception"
    FINE = "as promised"


CONTROLS = {State.NO_COPY: "cover", State.ENDING: "cover", State.ON_ARRAY: "cover", State.IDLE: "cover",
            State.PENDING: "cover", State.OFF_SITE_LATE: "fresh", State.LATE: "fresh"}  # fmt: skip
"""The control whose accepted exceptions count for a state."""
WRONG = (State.NO_COPY, State.ENDING, State.ON_ARRAY, State.OFF_SITE_LATE, State.LATE, State.IDLE)


@dataclass(frozen=True)
class Standing:
    """One asset: how it stands and why; `late_by`: seconds, `ratio`: actual to allowed age, `ends`: the last copy."""

    asset: Asset
    state: State
    cause: str = ""
    late_by: int = 0
    ratio: float = 0.0
    ends: float | None = None
    expired_exception: bool = False


@dataclass(frozen=True)
class CauseGroup:
    """All assets of one state with one cause, the worst of them first."""

    state: State
    cause: str
    standings: tuple[Standing, ...]

    @property
    def late_by(self) -> int:
        """The longest delay in the group."""
        return max(one.late_by for one in self.standings)


def standings(estate: Estate, accepted: Sequence[Acceptance], jobs_read: int) -> tuple[Standing, ...]:
    """Every asset that somebody works with, once. `jobs_read`: when the jobs were read."""
    rules = {job.id: calendar.rules(job.schedules, job.effective_from) for job in estate.jobs.values()}
    return tuple(
        _accepted(_standing(estate, asset, rules, jobs_read), accepted, estate.now)
        for asset in estate.workloads
        if asset.nobodys is None and asset.listed
    )


def grouped(found: Iterable[Standing]) -> tuple[CauseGroup, ...]:
    """What is wrong, by state and cause; ranked by what it costs, then by how late, then by how many."""
    held: dict[tuple[State, str], list[Standing]] = {}
    for one in found:
        if one.state in WRONG:
            held.setdefault((one.state, one.cause), []).append(one)
    groups = [
        CauseGroup(state, cause, tuple(sorted(these, key=lambda s: (-s.ratio, s.ends or 0, s.asset.name))))
        for (state, cause), these in held.items()
    ]
    return tuple(sorted(groups, key=lambda g: (WRONG.index(g.state), -g.standings[0].ratio, -len(g.standings))))


def counts(found: Iterable[Standing]) -> Mapping[State, int]:
    """How many assets are in each state; they add up to all."""
    numbers = Counter(one.state for one in found)
    return {state: numbers[state] for state in State}


def _accepted(one: Standing, accepted: Sequence[Acceptance], now: int) -> Standing:
    control = CONTROLS.get(one.state)
    entry = exceptions.acceptance(accepted, one.asset, control) if control else None
    if entry is None:
        return one
    if entry.until >= now:
        return Standing(one.asset, State.ACCEPTED, entry.why)
    return Standing(one.asset, one.state, one.cause, one.late_by, one.ratio, one.ends, expired_exception=True)


def _standing(estate: Estate, asset: Asset, rules: Mapping[str, Mapping[str, Rule]], jobs_read: int) -> Standing:
    newest = asset.newest()
    if asset.unread is not None and newest is None:
        return Standing(asset, State.UNREAD, asset.unread)
    running = [(c, s) for c in asset.covers for s in c.job.schedules if s.tier in TIERS]
    judged = [
        (cover, s, fresh) for cover, s in running
        if (rule := rules[cover.job.id].get(s.schedule_id))
        and (fresh := _freshness(estate, asset, cover, s, rule))
    ]  # fmt: skip
    late = sorted((one for one in judged if one[2].late), key=lambda one: -(one[2].ratio or 0))
    ends = asset.ends(estate.now)
    if newest is None:
        pending = judged and all(f.grade in (calendar.Grade.PENDING, calendar.Grade.UNSCHEDULED) for _, _, f in judged)
        if pending and not _idle(asset):
            return Standing(asset, State.PENDING)
        worst = late[0] if late else None
        cause = _no_copy(asset) or (_cause(worst[0], worst[1], jobs_read) if worst else UNTOLD)
        return Standing(asset, State.NO_COPY, cause, _late(late), _ratio(late))
    why_idle = _idle(asset)
    renewed = not why_idle and any(s.last_status in ("OK", "WARNING") for _, s in running)
    cause = _cause(late[0][0], late[0][1], jobs_read) if late else ""
    if ends is not None and ends < estate.now + SOON and not renewed:
        return Standing(asset, State.ENDING, why_idle or cause or UNTOLD, _late(late), _ratio(late), ends)
    if asset.unread is not None:
        return Standing(asset, State.UNREAD, asset.unread)
    if asset.newest("on_premises", "off_site") is None and not _replicated(asset):
        return Standing(asset, State.ON_ARRAY, cause or why_idle or "its policy makes snapshots only", _late(late),
                        _ratio(late), ends)  # fmt: skip
    if why_idle:
        return Standing(asset, State.IDLE, why_idle, ends=ends)
    if late:
        off_site = [one for one in late if one[1].tier == "CLOUD_BACKUP"]
        worst = (off_site or late)[0]
        state = State.OFF_SITE_LATE if off_site else State.LATE
        return Standing(
            asset, state, _cause(worst[0], worst[1], jobs_read), worst[2].late_by, worst[2].ratio or 0, ends
        )
    return Standing(asset, State.FINE, ends=ends)


Judged = tuple[Cover, Schedule, Freshness]


def _late(late: Sequence[Judged]) -> int:
    return max((one[2].late_by for one in late), default=0)


def _ratio(late: Sequence[Judged]) -> float:
    return max((one[2].ratio or 0 for one in late), default=0)


def _freshness(estate: Estate, asset: Asset, cover: Cover, schedule: Schedule, rule: Rule) -> Freshness:
    """A schedule's promise against the newest usable copy of its tier; a point ahead of the clock counts as now."""
    usable = asset.usable
    points = [
        point for one in usable or asset.all_sets  # where none can be used, those that are good and out of reach
        if one.tier == schedule.tier and (point := one.newest_usable if usable else one.newest_good)
    ]  # fmt: skip
    newest = min(max(points), estate.now) if points else None
    since = max(asset.created or 0, cover.job.effective_from or 0)
    return calendar.freshness(rule, newest, estate.now, since=since, grace=GRACE.get(schedule.tier or "", HOUR))


def _replicated(asset: Asset) -> bool:
    """Whether a usable snapshot lies on another array than the asset."""
    own = set((asset.arrays or "").split(", "))
    return any(one.tier == "REPLICATED_SNAPSHOT" and one.array not in own for one in asset.usable if asset.arrays)


def _idle(asset: Asset) -> str:
    """Why nothing makes copies of it; '' where something does."""
    if not asset.covers:
        return "in no job"
    if all(cover.job.suspended for cover in asset.covers):
        return "job suspended"
    return ""


def _no_copy(asset: Asset) -> str:
    """Why an asset has no usable copy, where something simple says it."""
    held = [one for one in asset.all_sets if one.good and one.reachable == 0]
    if held:
        why = (held[0].unreachable_why or UNTOLD).removeprefix("store ")
        return f"store {held[0].store} out of reach: {why}"
    return _idle(asset)


def _cause(cover: Cover, schedule: Schedule, jobs_read: int) -> str:
    """Why the copy of a schedule is late."""
    if cover.job.suspended:
        return "job suspended"
    if schedule.operational == "SUSPENDED":
        return "schedule suspended"
    if schedule.next_run is not None and schedule.next_run + PASSED < jobs_read:
        return "did not run, though its job is ACTIVE"
    if schedule.last_status in ("ERROR", "SKIPPED"):
        return schedule.last_error or f"last run {schedule.last_status}, without a reason"
    if schedule.prev_run is not None and schedule.prev_run > (schedule.last_run or 0):
        return "its run is in progress"
    if schedule.last_status == "WARNING":
        return schedule.last_error or "last run ended with warnings"
    return "its job says OK, and there is no copy" if schedule.last_status == "OK" else UNTOLD
