"""How each asset stands, in one class, with one cause: what can no longer come back first, then what is late.

Classes add up to all assets. The cause is the one of the schedule that weighs most: what its last run said, that it did
not run, that its job is suspended, that its store cannot be reached; where nothing says why, that is the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from . import exceptions, promises
from .calendar import DAY
from .estate import Asset, Estate
from .exceptions import Acceptance
from .facts import PATH_LISTS, PLAN_LISTS, TIERS
from .promises import Grade, Promise

SOON = 7 * DAY  # a last copy that goes within this time
UNTOLD = "the service says no cause"


class State(Enum):
    """How an asset stands, gravest first. The value is what an answer calls it."""

    NO_COPY = "no usable copy"
    ENDING = "last usable copy goes within 7 days, not renewed"
    ON_ARRAY = "usable copies on the array only"
    OFF_SITE_LATE = "off-site copy late"
    LATE = "copy late"
    IDLE = "job or tier not running"
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


def standings(estate: Estate, accepted: Sequence[Acceptance]) -> tuple[Standing, ...]:
    """Every asset that somebody works with, once.

    Where a list was never read that a judgement needs (jobs, groups, stores and what stands before them), nothing is
    known of any.
    """
    blocked = estate.blocked_by((*PLAN_LISTS, *PATH_LISTS))
    findings = [_standing(estate, a) for a in estate.workloads if a.nobodys is None and a.listed]
    return tuple(
        Standing(one.asset, State.UNREAD, blocked) if blocked and one.state is not State.UNREAD
        else _accepted(one, accepted, estate.now) for one in findings
    )  # fmt: skip


def grouped(findings: Iterable[Standing]) -> tuple[CauseGroup, ...]:
    """What is wrong, by state and cause; ranked by what it costs, then by how late, then by how many."""
    held: dict[tuple[State, str], list[Standing]] = {}
    for one in findings:
        if one.state in WRONG:
            held.setdefault((one.state, one.cause), []).append(one)
    groups = [
        CauseGroup(state, cause, tuple(sorted(these, key=lambda s: (-s.ratio, s.ends or 0, s.asset.name))))
        for (state, cause), these in held.items()
    ]
    return tuple(sorted(groups, key=lambda g: (WRONG.index(g.state), -g.standings[0].ratio, -len(g.standings))))


def _accepted(one: Standing, accepted: Sequence[Acceptance], now: int) -> Standing:
    control = CONTROLS.get(one.state)
    entry = exceptions.acceptance(accepted, one.asset, control) if control else None
    if entry is None:
        return one
    if entry.until >= now:
        return Standing(one.asset, State.ACCEPTED, entry.why)
    return replace(one, expired_exception=True)


def _standing(estate: Estate, asset: Asset) -> Standing:
    now = estate.now
    newest, why_idle = asset.newest(), _idle(asset)
    if asset.unread is not None:  # a list that was not read may hold what seems to be missing
        return Standing(asset, State.UNREAD, asset.unread)
    promised = promises.promises(asset, estate)
    ahead = promises.ahead(asset, now) is not None  # then nothing can be said of its age
    late = sorted((one for one in promised if one.late and not ahead), key=lambda one: -(one.freshness.ratio or 0))
    cause = _cause(late[0]) if late else why_idle
    if asset.outdated and (any(one.outdated for one in promised) or asset.newest("on_premises", "off_site") is None):
        return Standing(asset, State.UNREAD, asset.outdated)
    if newest is None:
        if not late and not why_idle and any(one.freshness.grade is Grade.PENDING for one in promised):
            return Standing(asset, State.PENDING)
        return Standing(asset, State.NO_COPY, _out_of_reach(asset) or why_idle or cause or UNTOLD)
    ends = asset.ends(now)
    delay = _delay(late)
    renewed = not why_idle and any(
        s.last_status in ("OK", "WARNING") for c in asset.covers for s in c.job.schedules if s.tier in TIERS
    )
    if ends is not None and ends < now + SOON and not renewed:
        return Standing(asset, State.ENDING, why_idle or cause or UNTOLD, *delay, ends)
    if asset.newest("on_premises", "off_site") is None and not _replicated(asset):
        return Standing(asset, State.ON_ARRAY, cause or "its policy makes snapshots only", *delay, ends)
    if late:
        off_site = [one for one in late if one.schedule.tier == "CLOUD_BACKUP"]
        state = State.OFF_SITE_LATE if off_site else State.LATE
        return Standing(asset, state, _cause((off_site or late)[0]), *_delay(off_site or late), ends)
    if ahead:
        return Standing(asset, State.LATE, promises.AHEAD, ends=ends)
    return Standing(asset, State.IDLE if why_idle else State.FINE, why_idle, ends=ends)


def _delay(late: Iterable[Promise]) -> tuple[int, float]:
    """By how many seconds schedules are late, and the ratio of that; 0 where none of them has a copy to count from.

    Of a schedule whose copies have all expired nothing tells since when: not since its first due moment.
    """
    aged = [one.freshness for one in late if one.freshness.age is not None]
    return max((one.late_by for one in aged), default=0), max((one.ratio or 0 for one in aged), default=0.0)


def _replicated(asset: Asset) -> bool:
    """Whether a usable snapshot lies on another array than the asset."""
    own = asset.own_arrays
    return bool(own) and any(one.tier == "REPLICATED_SNAPSHOT" and one.array not in own for one in asset.usable)


def _idle(asset: Asset) -> str:
    """Why nothing, or not all, makes copies of it as its policy has it; '' where everything runs."""
    if not asset.covers:
        return "in no job"
    if all(one.job.suspended for one in asset.covers):
        return "job suspended"
    paused = any(s.operational == "SUSPENDED" for one in asset.covers for s in one.job.schedules)
    return "a tier is suspended" if paused else ""


def _out_of_reach(asset: Asset) -> str:
    """The store whose loss leaves an asset without a usable copy; '' where it has no good copy at all."""
    held = [one for one in asset.all_sets if one.good and one.reachable == 0]
    if not held:
        return ""
    return f"store {held[0].store} out of reach: {(held[0].unreachable_why or UNTOLD).removeprefix('store ')}"


def _cause(late: Promise) -> str:
    """Why the copy of a schedule is late: what its last run says, where it ran."""
    schedule = late.schedule
    if (schedule.prev_run or 0) >= (late.last_due or 0):
        if (schedule.prev_run or 0) > (schedule.last_run or 0):
            return "its run is in progress"
        if schedule.last_status in ("ERROR", "SKIPPED", "WARNING") and schedule.last_error:
            return schedule.last_error
    return promises.miss(late)
