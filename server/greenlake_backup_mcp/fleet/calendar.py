"""When a schedule is due, as the service's description words it.

Times are whole seconds since 1970, UTC. HOURLY and BY_MINUTES count from midnight; of their times those outside
[activeFrom, activeUntil) are left out, a window that may cross midnight. WEEKLY `on` 0 is Monday; MONTHLY `on` 0 is the
last day, and a month without the day has no run. Every second day, week or month counts from the one in which the job
took effect. A schedule that names a source and no time of its own runs with the first run of its source on its day, or
after. Pure: knows no catalog, no service.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86_400
EPOCH = date(1970, 1, 1).toordinal()
LAST_DAY = date(9999, 12, 31).toordinal() - EPOCH
CLOCK_SLACK = 30  # by which a point in time may lie before the moment at which its run was due
MOST_PERIODS = 120  # weeks or months without a due day until a schedule counts as one that is never due
LENGTHS = {"BY_MINUTES": MINUTE, "HOURLY": HOUR, "DAILY": DAY, "WEEKLY": 7 * DAY, "MONTHLY": 31 * DAY}


@dataclass(frozen=True)
class Rule:
    """A schedule in the words of the service. `effective`: from when on it runs; None: not said, it always ran.

    `active` is the window as minutes of the day; `start` the minute of the day, None where it has none.
    """

    recurrence: str
    every: int = 1
    on: tuple[int, ...] = ()
    start: int | None = None
    active: tuple[int, int] | None = None
    effective: int | None = None
    source: Rule | None = None
    anchor: int | None = None  # a moment at which it was due, to count every second day from where `effective` is None

    @property
    def chained(self) -> bool:
        """Whether it runs when its source does, for want of a time of its own."""
        return self.source is not None and self.start is None and self.recurrence in ("DAILY", "WEEKLY", "MONTHLY")

    @property
    def interval(self) -> int:
        """Seconds from one due moment to the next where none is left out; at the most."""
        return self.every * LENGTHS.get(self.recurrence, DAY)


def clock(text: str | None) -> int | None:
    """Minute of the day of `HH:MM`, 24:00 among them; None for anything else."""
    hour, _, minute = (text or "").partition(":")
    if not (hour.isdigit() and minute[:2].isdigit() and int(minute[:2]) < 60):
        return None
    minutes = int(hour) * 60 + int(minute[:2])
    return minutes if minutes <= 1440 else None


def rules(rows: Iterable[Any], effective: int | None) -> dict[str, Rule]:
    """The rules of the schedules of one job, by their ids; those of no known recurrence are left out.

    `rows`: rows of the catalog's table `schedules`, its columns as attributes.
    """
    by_id = {row.schedule_id: row for row in rows if row.schedule_id}
    made: dict[str, Rule] = {}
    for name in by_id:
        chain = [name]  # a schedule before its source; a circle ends where it closes
        while (source := by_id[chain[-1]].source_schedule_id) in by_id and source not in chain and source not in made:
            chain.append(source)
        for one in reversed(chain):
            row = by_id[one]
            if one not in made and (rule := _rule(row, effective, made.get(row.source_schedule_id or ""))):
                made[one] = rule
    return made


def _rule(row: Any, effective: int | None, source: Rule | None) -> Rule | None:
    if row.recurrence not in LENGTHS:
        return None
    on = tuple(sorted({int(n) for n in (row.on_days or "").split(",") if n.strip().isdigit()}))
    begin, end = clock(row.active_from), clock(row.active_until)
    active = None if begin is None and end is None else (begin or 0, 1440 if end is None else end)
    every = max(1, int(row.every or 1))
    return Rule(row.recurrence, every, on, clock(row.start_time), active, effective, source, row.next_run)


# --- due moments ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def last_due(schedule: Rule, moment: int) -> int | None:
    """The last due moment up to and including `at`; None where there is none."""
    for day in _days(schedule, moment // DAY, -1):
        for due in reversed(_on_day(schedule, day)):
            if due <= moment:
                return due
    return None


@lru_cache(maxsize=8192)
def next_due(schedule: Rule, moment: int) -> int | None:
    """The first due moment after `at`; None where there is none."""
    first = moment // DAY
    if schedule.chained:  # its last due day may wait for its source still
        first = next(_days(schedule, first, -1), first)
    for day in _days(schedule, first, 1):
        for due in _on_day(schedule, day):
            if due > moment:
                return due
    return None


def due_between(schedule: Rule, after: int, until: int) -> Iterator[int]:
    """The due moments in (after, until], earliest first."""
    due = next_due(schedule, after)
    while due is not None and due <= until:
        yield due
        due = next_due(schedule, due)


def promised_point(schedule: Rule, due: int) -> int:
    """The point in time that the copy of a run brings back at least: of a copy of a copy that of its source's run."""
    before = None if schedule.source is None else last_due(schedule.source, due)
    return due if schedule.source is None or before is None else promised_point(schedule.source, before)


def _on_day(schedule: Rule, day: int) -> list[int]:
    """The due moments of a due day, none before the job took effect."""
    begin = schedule.effective if schedule.effective is not None else 0
    if schedule.chained and schedule.source is not None:
        due = next_due(schedule.source, max(day * DAY, begin) - 1)
        return [] if due is None else [due]
    return [due for minute in _minutes(schedule) if (due := day * DAY + minute * MINUTE) >= begin]


@lru_cache(maxsize=1024)
def _minutes(schedule: Rule) -> tuple[int, ...]:
    """The minutes of a due day at which it is due."""
    minutes: Iterable[int] = ((schedule.start or 0) % 1440,)
    if schedule.recurrence == "BY_MINUTES":
        minutes = range(0, 1440, schedule.every)
    elif schedule.recurrence == "HOURLY":
        past = [m for m in schedule.on if m < 60] or [0]
        minutes = [hour * 60 + m for hour in range(0, 24, schedule.every) for m in past]
    begin, end = (schedule.active if schedule.recurrence in ("BY_MINUTES", "HOURLY") else None) or (0, 0)
    if begin < end:
        return tuple(m for m in minutes if begin <= m < end)
    return tuple(m for m in minutes if begin == end or m >= begin or m < end)


def _days(schedule: Rule, day: int, step: int) -> Iterator[int]:
    """The due days from `day` on, itself among them, in either direction; none before the job took effect."""
    first = max(0, (schedule.effective or 0) // DAY)
    anchor = first if schedule.effective is not None else max(0, (schedule.anchor or 0) // DAY)
    day = max(day, first) if step > 0 else min(day, LAST_DAY)
    if schedule.chained and schedule.source and next_due(schedule.source, (schedule.effective or 0) - 1) is None:
        return
    if schedule.recurrence in ("WEEKLY", "MONTHLY"):
        days = _days_of_periods(schedule, day, step, anchor)
    elif not _minutes(schedule):
        return
    else:
        every = schedule.every if schedule.recurrence == "DAILY" else 1
        days = iter(range(_aligned(day, anchor, every, step), first - 1 if step < 0 else LAST_DAY, step * every))
    for one in days:
        if not first <= one <= LAST_DAY:
            return
        yield one


def _days_of_periods(schedule: Rule, day: int, step: int, anchor: int) -> Iterator[int]:
    """The due days of weeks or months, every so many of them from the anchor's on."""
    period, days_of = (_week, _days_of_week) if schedule.recurrence == "WEEKLY" else (_month, _days_of_month)
    number, empty = _aligned(period(day), period(anchor), schedule.every, step), 0
    while empty < MOST_PERIODS and period(0) <= number <= period(LAST_DAY):
        due_days = [d for d in days_of(schedule, number, anchor) if (d >= day if step > 0 else d <= day)]
        yield from due_days if step > 0 else reversed(due_days)
        empty = 0 if due_days else empty + 1
        number += step * schedule.every


def _aligned(number: int, anchor: int, every: int, step: int) -> int:
    """The nearest number in that direction, itself among them, that lies a multiple of `every` from the anchor."""
    return number - (number - anchor) % every if step < 0 else number + (anchor - number) % every


def _week(day: int) -> int:
    return (day + 3) // 7  # 1970 began on a Thursday


def _days_of_week(schedule: Rule, week: int, anchor: int) -> list[int]:
    return [week * 7 - 3 + n for n in [n for n in schedule.on if n < 7] or [(anchor + 3) % 7]]


def _month(day: int) -> int:
    when = date.fromordinal(day + EPOCH)
    return when.year * 12 + when.month - 1


def _days_of_month(schedule: Rule, month: int, _anchor: int) -> list[int]:
    start = date(month // 12, month % 12 + 1, 1)
    length = monthrange(start.year, start.month)[1]
    chosen = [n for n in schedule.on if n < 32] or [1]
    return sorted({start.toordinal() + (n or length) - 1 - EPOCH for n in chosen if n <= length})
