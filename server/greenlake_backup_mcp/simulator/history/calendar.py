"""When a schedule is due, as its description words it. Times are whole seconds since 1970, UTC.

HOURLY and BY_MINUTES count from midnight; `activeTime` leaves out what lies outside [from, until), which may cross
midnight. WEEKLY on 0 is Monday; MONTHLY on 0 is the last day, and a month without the day has no run. Every second day,
week or month counts from the one in which the policy took effect. Without `startTime` a chained schedule runs with its
source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

from greenlake_backup_mcp.simulator.names import Item

DAY = 86_400
UNIX = date(1970, 1, 1).toordinal()
LAST = date(9999, 12, 31).toordinal() - UNIX
INTERVALS = {"BY_MINUTES": 60, "HOURLY": 3600, "DAILY": DAY, "WEEKLY": 7 * DAY, "MONTHLY": 30 * DAY}


@dataclass(frozen=True)
class Calendar:
    """The due times of one schedule, from `effective` on."""

    recurrence: str
    every: int
    on: tuple[int, ...]  # weekdays, days of the month, or none
    minutes: tuple[int, ...]  # of each day on which it is due
    effective: int

    @property
    def interval(self) -> int:
        """Seconds from one due time to the next, where nothing is left out."""
        return self.every * INTERVALS[self.recurrence]

    def latest(self, time: int) -> int | None:
        """The last due time up to and including `time`."""
        return next(self.backwards(time), None)

    def next(self, time: int) -> int | None:
        """The first due time after `time`."""
        time = max(time, self.effective - 1)
        days = self._days(time // DAY, 1) if self.minutes else ()
        return next((due for day in days for m in self.minutes if (due := day * DAY + m * 60) > time), None)

    def between(self, after: int, until: int) -> list[int]:
        """The due times in (after, until], earliest first."""
        return [*takewhile(lambda due: due > after, self.backwards(until))][::-1]

    def backwards(self, time: int) -> Iterator[int]:
        """The due times up to and including `time`, latest first."""
        for day in self._days(time // DAY, -1):
            for minute in reversed(self.minutes):
                due = day * DAY + minute * 60
                if due < self.effective:
                    return
                if due <= time:
                    yield due

    def _days(self, day: int, step: int) -> Iterator[int]:
        """The days on which it is due: from a day on (`step` 1), or up to it, latest first (-1)."""
        first = self.effective // DAY
        if self.recurrence in ("WEEKLY", "MONTHLY"):
            ordinal, days_of = (_week, self._days_of_week) if self.recurrence == "WEEKLY" else (_month, self._days_of)
            start = ordinal(day) - (ordinal(day) - ordinal(first)) % self.every
            for one in range(start, ordinal(LAST if step > 0 else first) + step, step * self.every):
                yield from (d for d in days_of(one)[::step] if first <= d and (d >= day if step > 0 else d <= day))
        else:
            every = self.every if self.recurrence == "DAILY" else 1
            yield from range(day - (day - first) % every, LAST if step > 0 else first - 1, step * every)

    def _days_of_week(self, week: int) -> list[int]:
        return [week * 7 - 3 + n for n in self.on]

    def _days_of(self, month: int) -> list[int]:
        start = date(month // 12, month % 12 + 1, 1)
        last = ((start + timedelta(days=31)).replace(day=1) - start).days
        return sorted({start.toordinal() - UNIX + (n or last) - 1 for n in self.on if n <= last})


def _week(day: int) -> int:
    return (day + 3) // 7  # 1970 began on a Thursday


def _month(day: int) -> int:
    when = date.fromordinal(day + UNIX)
    return when.year * 12 + when.month - 1


def parse(schedule: Item, effective: int, source: Calendar | None = None) -> Calendar:
    """The calendar of a schedule of a policy or job.

    `source` is the calendar of the schedule it is chained to: where it has no `startTime`, it runs at the first time of
    day at which that one does.
    """
    plan = schedule["schedule"]
    recurrence, repeat = plan["recurrence"], plan.get("repeatInterval", {})
    every = max(1, int(repeat.get("every") or 1))
    on = tuple(sorted({int(n) for n in repeat.get("on") or ()}))
    if recurrence in ("BY_MINUTES", "HOURLY"):
        return Calendar(recurrence, every, (), _minutes(recurrence, every, on, plan.get("activeTime")), effective)
    start = _clock(plan["startTime"]) if plan.get("startTime") else source.minutes[0] if source else 0
    if recurrence == "WEEKLY":
        on = tuple(n for n in on if 0 <= n <= 6) or ((effective // DAY + 3) % 7,)
    if recurrence == "MONTHLY":
        on = tuple(n for n in on if 0 <= n <= 31) or (1,)
    return Calendar(recurrence, every, on, (start,), effective)


def _minutes(recurrence: str, every: int, on: tuple[int, ...], window: Item | None) -> tuple[int, ...]:
    if recurrence == "BY_MINUTES":
        times = list(range(0, 1440, every))
    else:
        times = [hour * 60 + minute for hour in range(0, 24, every) for minute in on or (0,) if 0 <= minute < 60]
    if window:
        begin, end = _clock(window["activeFromTime"]), _clock(window["activeUntilTime"])
        if begin < end:
            times = [m for m in times if begin <= m < end]
        elif begin > end:
            times = [m for m in times if m >= begin or m < end]
    return tuple(times)


def _clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:5])
