"""A job as the service shows it: its last five runs of each schedule, and when the next is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from greenlake_backup_mcp.simulator.names import Item, parse_time, uid, uri

from . import runs
from .outages import Outages
from .recovery_points import stamp
from .runs import Run
from .schedules import KINDS, Member, Phase, Schedule

DERIVED = ("executionStatuses", "prevRunTime", "prevSuccessfulRunTime", "nextRunTime")
SHOWN = 5


@dataclass
class Record:
    """What a job was and did: its phases, earliest first, and the runs that somebody started."""

    id: str
    asset: Item  # its assetInfo
    phases: list[Phase]
    by_hand: dict[int, list[Item]] = field(default_factory=dict)  # schedule id → statuses, newest first

    def runs(self, schedule_id: int, now: int, lost: Outages) -> Iterator[tuple[Phase, Schedule, Run]]:
        """The scheduled runs up to now, newest first; a schedule that became one of another tier starts anew."""
        tier = ""
        for phase in reversed(self.phases):
            schedule = phase.schedules.get(schedule_id)
            if schedule is None or (tier and schedule.tier != tier) or phase.since > now:
                continue
            tier = schedule.tier
            last = now if phase.until is None else min(now, phase.until - 1)
            for due in schedule.calendar.backwards(last):
                if due < phase.since:
                    break
                yield phase, schedule, runs.decide(phase, schedule, due, lost)

    def next(self, schedule_id: int, now: int) -> int | None:
        """When a schedule is due next; in the past where the job has silently stopped."""
        phase = self.phases[-1]
        if phase.until is not None and not phase.stops:
            return None
        schedule = phase.schedules.get(schedule_id)
        return schedule.calendar.next(now if phase.until is None else phase.until) if schedule else None

    def last(self, schedule_id: int, member: Member, now: int, lost: Outages) -> tuple[str, int]:
        """How the last finished run of a schedule ended for an asset, and until when its copy is kept (0: it has none).

        The first is "" where the schedule has not run.
        """
        latest = next(((s, r) for _, s, r in self.runs(schedule_id, now, lost) if r.end <= now), None)
        by_hand = self.by_hand.get(schedule_id)
        if by_hand and (latest is None or parse_time(by_hand[0]["timestamp"]).timestamp() >= latest[1].due):
            return str(by_hand[0]["status"]), 0
        if latest is None:
            return "", 0
        schedule, run = latest
        status, _ = run.part(member)
        until = runs.NEVER if schedule.keep is None else run.due + schedule.keep
        return status, until if schedule.tier in KINDS and status in runs.GOOD else 0

    def changes(self, schedule_id: int, now: int, lost: Outages) -> int:
        """When a run of a schedule begins or ends next."""
        due = self.next(schedule_id, now)
        run = next((r for _, _, r in self.runs(schedule_id, now, lost)), None)
        times = [due or 0, run.end if run else 0]
        return min((t for t in times if t > now), default=runs.NEVER)


def run_id(job_id: str, schedule_id: int, due: int) -> str:
    """The id of the task that ran a schedule."""
    return uid("run", job_id, schedule_id, due)


def status_of(run: Run, now: int) -> str:
    """The status of a run as it stands."""
    return run.status if run.end <= now else "IN_PROGRESS"


def view(record: Record, raw: Item, now: int, lost: Outages) -> tuple[Item, int]:
    """The job with what its schedules did, and until when it stays so."""
    protections = [
        {**p, "schedules": [_schedule(record, s, now, lost) for s in p["schedules"]]} for p in raw["protections"]
    ]
    ids = [s["scheduleId"] for p in protections for s in p["schedules"]]
    return {**raw, "protections": protections}, min([runs.NEVER, *(record.changes(id, now, lost) for id in ids)])


def _schedule(record: Record, schedule: Item, now: int, lost: Outages) -> Item:
    id = schedule["scheduleId"]
    by_hand, scheduled = record.by_hand.get(id, []), [run for _, _, run in islice(record.runs(id, now, lost), SHOWN)]
    statuses = [*by_hand, *(_status(record.id, id, run, now) for run in scheduled)]
    statuses = sorted(statuses, key=lambda s: str(s["timestamp"]), reverse=True)[:SHOWN]
    derived = {name: value for name, value in schedule.items() if name not in DERIVED}
    derived["executionStatuses"] = statuses
    if statuses:
        derived["prevRunTime"] = statuses[0]["timestamp"]
    latest = (run for _, _, run in islice(record.runs(id, now, lost), 500) if run.status in runs.GOOD)
    last = next((stamp(run.due) for run in latest if run.end <= now), "")
    good = max(next((str(s["timestamp"]) for s in by_hand if s["status"] in runs.GOOD), ""), last)
    if good:
        derived["prevSuccessfulRunTime"] = good
    due = record.next(id, now)
    if due is not None and schedule.get("operational") != "SUSPENDED":
        derived["nextRunTime"] = stamp(due)
    return derived


def _status(job_id: str, schedule_id: int, run: Run, now: int) -> Item:
    status = status_of(run, now)
    entry = {"status": status, "timestamp": stamp(run.due),
             "taskUri": uri("async-operations", run_id(job_id, schedule_id, run.due))}  # fmt: skip
    return entry | ({"errorMessage": run.reason} if run.reason and status != "IN_PROGRESS" else {})
