"""Random schedules against a calendar that looks at every minute: `python -m tests.rpo [--schedules 10000] [--seed 1]`.

The brute force is written from the service's words alone: it walks through days and minutes and asks of each whether it
is due. It shares nothing with the calendar under test.
"""

from __future__ import annotations

import argparse
import random
import sys
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from greenlake_backup_mcp.fleet import achieved, calendar, promises

BEGIN = datetime(2023, 12, 1, tzinfo=UTC)
DAYS = {"BY_MINUTES": 4, "HOURLY": 5, "DAILY": 50, "WEEKLY": 120, "MONTHLY": 500}
GRACE = 7200
HORIZON = 800  # days after the period in which the next due moment is looked for


@dataclass(frozen=True)
class Row:
    """A schedule as the catalog has it."""

    schedule_id: str | None
    recurrence: str | None
    every: float | None
    on_days: str | None
    start_time: str | None = None
    active_from: str | None = None
    active_until: str | None = None
    source_schedule_id: str | None = None
    next_run: int | None = None


@dataclass(frozen=True)
class Case:
    """A job: schedules, the last of which is asked about; when it took effect; until when one may ask."""

    rows: tuple[Row, ...]
    effective: datetime
    until: datetime
    moments: tuple[int, ...]


def time_of_day(dice: random.Random) -> str:
    return f"{dice.randrange(24):02d}:{dice.choice((0, 0, 15, 30, 59)):02d}"


def random_row(dice: random.Random, name: str, source: str | None, recurrence: str) -> Row:
    every = dice.choice((1, 1, 1, 2, 3, 5, 7))
    on: list[int] = []
    if recurrence == "BY_MINUTES":
        every = dice.choice((1, 5, 7, 15, 20, 45, 60))
    elif recurrence == "HOURLY":
        every, on = dice.choice((1, 2, 5, 6, 7, 24)), [dice.randrange(60)] * dice.randrange(2)
    elif recurrence == "WEEKLY":
        on = sorted(dice.sample(range(7), dice.randrange(1, 4)))
    elif recurrence == "MONTHLY":
        on = sorted(dice.sample((0, 0, 1, 7, 15, 28, 29, 30, 31), dice.randrange(1, 3)))
    window = recurrence in ("BY_MINUTES", "HOURLY") and dice.random() < 0.5
    clocked = recurrence in ("DAILY", "WEEKLY", "MONTHLY") and (source is None or dice.random() < 0.3)
    return Row(
        name, recurrence, every, ",".join(map(str, sorted(set(on)))) or None, time_of_day(dice) if clocked else None,
        time_of_day(dice) if window else None, time_of_day(dice) if window else None, source,
    )  # fmt: skip


def random_case(dice: random.Random) -> Case:
    """A chain of one to three schedules, rarer and rarer."""
    order = list(DAYS)
    chain = dice.choice((1, 1, 2, 3))
    names = sorted((dice.choice(order) for _ in range(chain)), key=order.index)
    rows = tuple(random_row(dice, str(n + 1), str(n) if n else None, name) for n, name in enumerate(names))
    days = DAYS[names[-1]]
    effective = BEGIN + timedelta(days=dice.randrange(70), minutes=dice.randrange(1440))
    until = effective + timedelta(days=days)
    first = int((effective - timedelta(days=3)).timestamp())  # a start in the future among them
    moments = tuple(dice.randrange(first, int(until.timestamp())) for _ in range(4))
    return Case(rows, effective, until, moments)


# --- minute by minute ----------------------------------------------------------------------------------------------


def day_is_due(row: Row, day: datetime, effective: datetime) -> bool:
    first, every = effective.date(), int(row.every or 1)
    on = [int(n) for n in (row.on_days or "").split(",") if n]
    if row.recurrence == "DAILY":
        return (day.date() - first).days % every == 0
    if row.recurrence == "WEEKLY":
        monday = day.date() - timedelta(days=day.weekday())
        first_monday = first - timedelta(days=first.weekday())
        return (monday - first_monday).days // 7 % every == 0 and day.weekday() in on
    if row.recurrence == "MONTHLY":
        months = (day.year - first.year) * 12 + day.month - first.month
        last = (day + timedelta(days=1)).month != day.month
        return months % every == 0 and (day.day in on or (last and 0 in on))
    return True


def minute_is_due(row: Row, hour: int, minute: int) -> bool:
    every = int(row.every or 1)
    if row.recurrence == "BY_MINUTES":
        due = (hour * 60 + minute) % every == 0
    elif row.recurrence == "HOURLY":
        due = hour % every == 0 and minute == int(row.on_days or 0)
    else:
        return f"{hour:02d}:{minute:02d}" == (row.start_time or "00:00")
    if not due or row.active_from is None or row.active_until is None or row.active_from == row.active_until:
        return due
    now = f"{hour:02d}:{minute:02d}"
    if row.active_from < row.active_until:
        return row.active_from <= now < row.active_until
    return now >= row.active_from or now < row.active_until


def brute_force(case: Case) -> list[list[int]]:
    """The due moments of each row from the start on, by looking at every minute of every day."""
    actual: list[list[int]] = [[] for _ in case.rows]
    waiting = [False] * len(case.rows)
    day = case.effective.replace(hour=0, minute=0)
    clocks = [{(h, m) for h in range(24) for m in range(60) if minute_is_due(row, h, m)} for row in case.rows]
    minutes = sorted(set().union(*clocks))
    while day < case.until + timedelta(days=HORIZON):
        due_today = [day_is_due(row, day, case.effective) for row in case.rows]
        for n, row in enumerate(case.rows):
            if due_today[n] and dependent(row):
                waiting[n] = True
        for hour, minute in minutes:
            moment = day.replace(hour=hour, minute=minute)
            if moment < case.effective:
                continue
            for n, row in enumerate(case.rows):
                if dependent(row):
                    source = actual[int(row.source_schedule_id or 0) - 1]
                    if waiting[n] and source and source[-1] == moment.timestamp():
                        waiting[n] = False
                        actual[n].append(int(moment.timestamp()))
                elif due_today[n] and (hour, minute) in clocks[n]:
                    actual[n].append(int(moment.timestamp()))
        if day > case.until and actual[-1] and actual[-1][-1] > case.until.timestamp():
            break
        day += timedelta(days=1)
    return actual


def dependent(row: Row) -> bool:
    return bool(row.source_schedule_id) and not row.start_time and row.recurrence in ("DAILY", "WEEKLY", "MONTHLY")


def brute_point(case: Case, actual: list[list[int]], n: int, due: int) -> int:
    """What the copy of a run brings back: the last run of what it is made from, and so on."""
    source = case.rows[n].source_schedule_id
    if not source:
        return due
    runs = actual[int(source) - 1]
    before = bisect_right(runs, due)
    return brute_point(case, actual, int(source) - 1, runs[before - 1]) if before else due


def grade_of(ratio: float) -> str:
    return "KEPT" if ratio < 1 else "EXCEEDED" if ratio <= 2 else "SEVERE" if ratio <= 4 else "CRITICAL"


def differences(case: Case) -> list[str]:
    """Where calendar and brute force differ for the last schedule of a case."""
    effective = int(case.effective.timestamp())
    rule = calendar.rules(case.rows, effective)[str(len(case.rows))]
    actual = brute_force(case)
    due = actual[-1]
    horizon = int((case.until + timedelta(days=HORIZON)).timestamp())
    points = [brute_point(case, actual, len(case.rows) - 1, d) for d in due]
    wrong = []

    def compare(what: str, mine: object, theirs: object) -> None:
        if mine != theirs:
            wrong.append(f"{what}: calendar {mine}, minute by minute {theirs}")

    for position in case.moments:
        before, after = [d for d in due if d <= position], [d for d in due if d > position]
        compare(f"last due at {position}", calendar.last_due(rule, position), before[-1] if before else None)
        following = calendar.next_due(rule, position)
        seen = following is not None and following < horizon  # the minutes were looked at no further
        compare(f"next due at {position}", following if seen else None, after[0] if after else None)
        low = position - 3 * 86400
        compare(
            f"between at {position}", list(calendar.due_between(rule, low, position)), [d for d in before if d > low]
        )
        for back in (0, 1, 2, 5):  # the newest copy is that of the run so many runs ago
            if len(before) <= back or not after:
                continue
            newest = points[len(before) - 1 - back]
            missing = [d for d, p in zip(due, points, strict=True) if p > newest + 30]
            if len(missing) < 2:
                continue
            next_to = due[due.index(missing[0]) + 1]
            grace = min(GRACE, (next_to - missing[0]) // 2)
            late = position - missing[0] if position >= missing[0] + grace else 0
            fresh = promises.freshness(rule, newest, position, grace=GRACE)
            ratio = (position - newest) / (missing[0] + grace - newest)
            compare(f"freshness at {position} -{back}", (fresh.due, fresh.late_by, fresh.grade.name, fresh.late),
                    (missing[0], late, grade_of(ratio), late > 0))  # fmt: skip
        since = max(effective, position - 3 * 86400)
        remaining = [p for n, p in enumerate(points) if due[n] <= position and n % 5]  # every fifth run failed
        wanted = [(d, p) for d, p in zip(due, points, strict=True) if since <= d <= position]
        met = sum(any(p <= one < (wanted[n + 1][0] if n + 1 < len(wanted) else position + 1) for one in remaining)
                  for n, (_, p) in enumerate(wanted))  # fmt: skip
        result = achieved.achieved(rule, remaining, since, position)
        compare(f"achieved at {position}", (result.due, result.met), (len(wanted), met))
        inside = sorted({p for p in remaining if p > since})
        first_missed = bool(wanted and inside and wanted[0][1] < inside[0] - 30)
        begun = not inside or first_missed or any(p <= since for p in remaining)
        gaps = [b - a for a, b in pairwise([*([since] if begun else []), *inside, position])]
        worst = max(gaps) if remaining else None
        compare(f"worst gap at {position}", result.worst, worst)
    return wrong


def run(schedules: int, seed: int) -> list[str]:
    """Differences of so many random schedules, with the schedule."""
    dice = random.Random(seed)
    wrong = []
    for _ in range(schedules):
        case = random_case(dice)
        wrong += [f"{one}\n  {case}" for one in differences(case)[:1]]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = run(options.schedules, options.seed)
    print("\n".join(wrong[:10]))
    print(f"{options.schedules} schedules, {len(wrong)} that differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
