"""When schedules are due, and by how much a promise is missed: against a calendar that looks at every minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from greenlake_backup_mcp.fleet import achieved, calendar, promises
from greenlake_backup_mcp.fleet.calendar import DAY, HOUR
from greenlake_backup_mcp.fleet.promises import Grade
from tests import rpo
from tests.rpo import Row

DAILY = Row("1", "DAILY", 1, None, "20:00")


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def text(moment: int | None) -> str:
    return "never" if moment is None else f"{datetime.fromtimestamp(moment, UTC):%a %Y-%m-%d %H:%M}"


def test_random_schedules_are_due_as_a_calendar_of_minutes_has_it() -> None:
    assert rpo.run(80, seed=7) == []


@pytest.mark.parametrize(
    ("row", "position", "last", "following"),
    [
        (Row("1", "WEEKLY", 1, "0", "02:00"), "2026-11-26T12:00", "Mon 2026-11-23 02:00", "Mon 2026-11-30 02:00"),
        (Row("1", "MONTHLY", 1, "0", "05:00"), "2026-02-28T05:00", "Sat 2026-02-28 05:00", "Tue 2026-03-31 05:00"),
        (Row("1", "MONTHLY", 1, "31", "05:00"), "2026-04-30T23:00", "Tue 2026-03-31 05:00", "Sun 2026-05-31 05:00"),
        (Row("1", "HOURLY", 5, "30"), "2026-11-26T23:00", "Thu 2026-11-26 20:30", "Fri 2026-11-27 00:30"),
        (Row("1", "HOURLY", 2, None, None, "22:00", "03:00"), "2026-11-26T12:00", "Thu 2026-11-26 02:00",
         "Thu 2026-11-26 22:00"),
        (Row("1", "BY_MINUTES", 45, None, None, "08:00", "10:00"), "2026-11-26T12:00", "Thu 2026-11-26 09:45",
         "Fri 2026-11-27 08:15"),
        (Row("1", "HOURLY", 24, None, None, "10:00", "12:00"), "2026-11-26T12:00", "never", "never"),
        (Row("1", "DAILY", 3, None, "06:00", next_run=seconds("2026-11-27T06:00")), "2026-11-26T12:00",
         "Tue 2026-11-24 06:00", "Fri 2026-11-27 06:00"),
    ],
)  # fmt: skip
def test_t08_a_schedule_is_due_as_its_description_words_it(row: Row, position: str, last: str, following: str) -> None:
    rule = calendar.rules([row], None)["1"]
    assert (text(calendar.last_due(rule, seconds(position))), text(calendar.next_due(rule, seconds(position)))) == (
        last,
        following,
    )


def test_a_chained_schedule_runs_with_its_source_and_brings_back_its_sources_point() -> None:
    chained = Row("2", "WEEKLY", 1, "6", source_schedule_id="1")
    rules = calendar.rules([DAILY, chained, replace(chained, schedule_id="3", start_time="23:00")], None)
    position = seconds("2026-11-24T08:00")
    assert text(calendar.last_due(rules["2"], position)) == "Sun 2026-11-22 20:00"
    due = calendar.last_due(rules["3"], position)
    assert due
    assert text(due) == "Sun 2026-11-22 23:00"
    assert text(calendar.promised_point(rules["3"], due)) == "Sun 2026-11-22 20:00"


def test_schedules_chained_in_a_circle_still_have_an_answer() -> None:
    rules = calendar.rules([replace(DAILY, source_schedule_id="2"), replace(DAILY, schedule_id="2",
                                                                           source_schedule_id="1")], None)  # fmt: skip
    assert text(calendar.last_due(rules["1"], seconds("2026-11-24T08:00"))) == "Mon 2026-11-23 20:00"


def test_a_start_in_the_future_is_due_only_then() -> None:
    rule = calendar.rules([DAILY], seconds("2026-12-01T00:00"))["1"]
    now = seconds("2026-11-24T08:00")
    assert calendar.last_due(rule, now) is None
    assert promises.freshness(rule, None, now).grade is Grade.PENDING


def test_a_young_machine_is_pending_and_an_old_one_without_a_copy_is_late() -> None:
    rule, now = calendar.rules([DAILY], seconds("2026-01-01T00:00"))["1"], seconds("2026-11-24T08:00")
    assert promises.freshness(rule, None, now, since=now - 3 * HOUR).grade is Grade.PENDING
    old = promises.freshness(rule, None, now, since=now - 30 * DAY)
    assert (old.grade, old.late_by) == (Grade.CRITICAL, now - seconds("2026-10-25T20:00"))


@pytest.mark.parametrize(
    ("hours", "grade"), [(12, Grade.KEPT), (30, Grade.EXCEEDED), (60, Grade.SEVERE), (130, Grade.CRITICAL)]
)
def test_the_ratio_has_four_classes(hours: int, grade: Grade) -> None:
    rule = calendar.rules([DAILY], None)["1"]
    newest = seconds("2026-11-10T20:00")
    fresh = promises.freshness(rule, newest, newest + hours * HOUR, grace=2 * HOUR)
    assert (fresh.grade, fresh.allowed) == (grade, 26 * HOUR)


def test_a_run_has_its_time_before_its_copy_is_late() -> None:
    rule, newest = calendar.rules([DAILY], None)["1"], seconds("2026-11-23T20:00")
    assert not promises.freshness(rule, newest, newest + 25 * HOUR, grace=2 * HOUR).late
    assert promises.freshness(rule, newest, newest + 26 * HOUR, grace=2 * HOUR).late_by == 2 * HOUR


def test_the_achieved_rpo_looks_no_further_back_than_copies_are_kept() -> None:
    rule, now = calendar.rules([DAILY], None)["1"], seconds("2026-11-24T08:00")
    points = [seconds(f"2026-11-{day:02d}T20:00") for day in (11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)]
    result = achieved.achieved(rule, points, now - 14 * DAY, now)
    assert (result.due, result.met, result.worst) == (14, 12, 2 * DAY)
    assert text(result.worst_from) == "Thu 2026-11-12 20:00"
