"""What becomes of a run: one pure function of schedule, due time and outages decides those past and those to come."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from greenlake_backup_mcp.simulator.names import mix

from . import outages, sizes
from .outages import Outages
from .schedules import Member, Phase, Schedule

OK, WARNING, ERROR, SKIPPED = "OK", "WARNING", "ERROR", "SKIPPED"
GOOD = (OK, WARNING)
REMEMBERED = 50_000
NEVER = 1 << 40  # the end of a run that hangs
SLOW = 4  # of a thousand daily backups are not done when the next is due
FAILS, WARNS, PARTIAL = 4, 14, 16  # of a thousand runs of one asset fail, warn, leave a disk out: each up to here
STORED = ("BACKUP", "CLOUD_BACKUP")
NO_PARTS: Mapping[str, tuple[str, str]] = MappingProxyType({})


class Run(NamedTuple):
    """A run of a schedule. `parts`: asset id → (status, reason) of those that were not simply OK."""

    due: int
    end: int
    status: str
    reason: str = ""
    parts: Mapping[str, tuple[str, str]] = NO_PARTS
    whole: bool = False  # whether the reason is that of all assets: nothing was written anywhere

    def part(self, member: Member) -> tuple[str, str]:
        """(status, reason) for one of its assets."""
        if self.whole or member.container:
            return self.status, self.reason
        return self.parts.get(member.id, (OK, ""))


def decide(phase: Phase, schedule: Schedule, due: int, lost: Outages) -> Run:
    """What becomes of the run of a schedule at a due time, once it is over.

    Whatever it needs and is lost before its end fails it, at that moment and with that reason. Runs of many assets are
    remembered, since each of these asks for them.
    """
    if len(phase.parts) == 1:
        return _decide(phase, schedule, due, lost)
    key = (schedule.since, schedule.key, due)
    run = lost.memo.get(key)
    if run is None:
        if len(lost.memo) > REMEMBERED:
            lost.memo = {}
        run = lost.memo[key] = _decide(phase, schedule, due, lost)
    return run


def _decide(phase: Phase, schedule: Schedule, due: int, lost: Outages) -> Run:
    if hung := _hung(phase, schedule):
        if due == hung:
            return Run(due, NEVER, OK)
        if due > hung:
            return Run(due, due + 1, SKIPPED, outages.BUSY, whole=True)
    if _follows_slow(schedule, due):
        return Run(due, due + 1, SKIPPED, outages.BUSY, whole=True)
    end = due + _length(phase, schedule, due)
    if outage := lost.first(schedule.needs, due, end):
        return Run(due, max(due + 30, min(end, outage.since)), ERROR, outage.reason, whole=True)
    parts = {m.id: verdict for m in phase.parts if (verdict := _part(m, schedule, due, end, lost))[0] != OK}
    status, reason = total(len(phase.parts), parts) if parts else (OK, "")
    if status != ERROR and schedule.source and _no_source(phase, schedule, due, lost):
        return Run(due, due + 30, ERROR, outages.SOURCE, whole=True)
    return Run(due, due + 60 if status == ERROR else end, status, reason, parts)


def _hung(phase: Phase, schedule: Schedule) -> int | None:
    """When the run began that does not end, if the job is that case."""
    first = phase.members[0] if phase.members else None
    if first is None or first.case != "hanging" or schedule.tier != "BACKUP":
        return None
    return schedule.calendar.latest(first.case_since)


def total(many: int, parts: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The status of a run of so many assets that were not all OK, and the reason."""
    failed = [reason for status, reason in parts.values() if status == ERROR]
    first = next(iter(parts.values()))
    if not failed:
        return first if many == 1 else (WARNING, f"{len(parts)} of {many} assets: {first[1]}")
    if len(failed) == many:
        return ERROR, failed[0]
    return WARNING, f"{len(failed)} of {many} assets failed: {failed[0]}"


def _part(member: Member, schedule: Schedule, due: int, end: int, lost: Outages) -> tuple[str, str]:
    """What becomes of one asset of a run: status and reason."""
    vm = member.holder == "virtual-machines"
    if ill := illness(member, due, end, lost):
        return ERROR, ill
    since = member.case and due >= member.case_since
    if since and member.case in ("warning", "partial-copy") and schedule.tier in (*STORED, "SNAPSHOT"):
        if member.case == "warning":
            return WARNING, outages.TOOLS
        return (WARNING, disk_left_out(member)) if schedule.tier in STORED else (OK, "")
    if member.case:
        return OK, ""
    reasons = outages.REASONS if vm else outages.OTHER_REASONS
    dice = mix(member.key ^ schedule.key, due) % 1000
    if dice < FAILS:
        return ERROR, reasons[dice % len(reasons)] if dice else reasons[-1]
    if dice < WARNS and vm and member.application:
        return WARNING, outages.TOOLS
    if WARNS <= dice < PARTIAL and vm and member.disks > 1 and schedule.tier in STORED:
        return WARNING, disk_left_out(member)
    return OK, ""


def illness(member: Member, due: int, end: int, lost: Outages) -> str:
    """Why an asset cannot be copied at a time, by whatever run; "" where it can."""
    if member.id in lost.spans and (outage := lost.first((member.id,), due, end)):
        return outage.reason
    reasons = outages.REASONS if member.holder == "virtual-machines" else outages.OTHER_REASONS
    return "" if member.case else outages.ailment(member.key, due, reasons)  # a case is nothing but itself


def disk_left_out(member: Member) -> str:
    """Why a backup of a VM is partial."""
    return f"1 of {max(2, member.disks)} disks was left out: it is in independent mode."


def _length(phase: Phase, schedule: Schedule, due: int) -> int:
    """The seconds that a run takes."""
    dice = mix(schedule.key, due)
    if schedule.tier not in STORED:
        return 15 + dice % 45
    if _slow(schedule, due):
        return schedule.calendar.interval * 6 // 5
    most = 2400 if schedule.tier == "BACKUP" else 6600
    full = any(sizes.is_full(m, schedule, due) for m in phase.parts[:1])
    return 300 + dice % (most - 300) // (1 if full else 2)


def _slow(schedule: Schedule, due: int) -> bool:
    daily = schedule.calendar.recurrence == "DAILY" and schedule.tier in STORED
    return daily and mix(schedule.key + 1, due) % 1000 < SLOW


def _follows_slow(schedule: Schedule, due: int) -> bool:
    """Whether the run before is still in progress."""
    if schedule.calendar.recurrence != "DAILY" or schedule.tier not in STORED:
        return False
    before = schedule.calendar.latest(due - 1)
    return before is not None and _slow(schedule, before) and not _follows_slow(schedule, before)


def _no_source(phase: Phase, schedule: Schedule, due: int, lost: Outages) -> bool:
    """Whether the schedule that this one copies from has no good copy left that was made since the last run."""
    source = phase.schedules.get(schedule.source or 0)
    if source is None or source.id == schedule.id:  # suspended, or itself: the run takes a snapshot of its own
        return False
    oldest = max(due - 2 * schedule.calendar.interval, due - (source.keep or due))
    for one in source.calendar.backwards(due):
        if one < oldest:
            break
        run = decide(phase, source, one, lost)
        if run.status in GOOD and run.end != NEVER:
            return False
    return True
