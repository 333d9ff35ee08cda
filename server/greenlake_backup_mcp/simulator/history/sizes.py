"""What a copy takes: it follows what the asset holds, which grows; full copies now and then, changes in between."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.names import mix, shuffle

from .calendar import DAY
from .schedules import Member, Schedule

START = 1_735_689_600  # 2025-01-01: what an asset holds is told for this day
FULL_EVERY = {"BY_MINUTES": 14, "HOURLY": 14, "DAILY": 14, "WEEKLY": 4, "MONTHLY": 1}  # runs
DEDUPLICATION = {"ON_PREMISES": 3.1, "CLOUD": 2.4}  # user data to what it takes on disk


def used_mib(member: Member, time: int) -> int:
    """What an asset holds at a time."""
    growth = (member.key // 31 % 18 - 2) / 40_000  # of a day
    days = (time - START) / DAY
    return int(min(member.limit * 0.97, max(member.mib * 0.5, member.mib * (1 + growth * days))))


def is_full(member: Member, schedule: Schedule, due: int) -> bool:
    """Whether the copy of a run is a full one: the first of a schedule, and then every so many."""
    calendar = schedule.calendar
    ordinal = due // max(DAY, calendar.interval) + schedule.key + member.key
    if ordinal % FULL_EVERY[calendar.recurrence] == 0:
        return True
    before = calendar.latest(due - 1) if due - calendar.effective < 2 * calendar.interval else due
    return before is None


def copy_mib(member: Member, schedule: Schedule, due: int, *, full: bool = False) -> int:
    """What the copy of a run takes, before deduplication; 0 for one that is made of other copies."""
    if not member.mib:
        return 0
    used, dice = used_mib(member, due), mix(member.key ^ schedule.key, due)
    if schedule.store and full:
        return min(member.limit, max(1, used * (9900 + dice % 200) // 10_000))
    rate = 10 + member.key // 7 % 30  # changed of a thousand in a day
    days = min(8.0, (schedule.calendar.interval / DAY) ** 0.6)
    # by dice alone several copies of a small machine would be of the same size
    turn = due // min(DAY, schedule.calendar.interval) * 4 + schedule.id % 4
    share = (shuffle(member.key + turn) + dice / (1 << 32)) / 128
    return max(1, int(used * rate * days * (0.2 + 1.6 * share) / 1000))
