"""The twin's history: its invariants on two seeds over three days, its calendar against a minute by minute count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlake_backup_mcp.simulator.history import calendar

from .invariants import NOW, changed_past, contradictions, fits, missing_cases, snapshot, start

ZERO = datetime(2026, 1, 28, 9, 30, tzinfo=UTC)
CLOCK = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@pytest.mark.parametrize("seed", [7, 41])
def test_whoever_asks_the_tenant_two_ways_gets_one_truth_now_and_after_days(seed: int) -> None:
    tenant, before = start(seed, NOW, "small"), None
    for days in (0, 3):
        tenant.advance(days * 86_400)
        shot = snapshot(tenant)
        assert contradictions(shot) == {}
        if before is None:
            assert list(missing_cases(shot)) == []
        else:
            assert list(changed_past(before, shot)) == []
        before = shot


PLANS = st.one_of(
    st.builds(lambda n: {"recurrence": "BY_MINUTES", "repeatInterval": {"every": n}}, st.sampled_from([15, 20, 45])),
    st.builds(lambda n, on: {"recurrence": "HOURLY", "repeatInterval": {"every": n, "on": on}},
              st.integers(1, 24), st.lists(st.sampled_from([0, 15, 30]), max_size=2, unique=True)),
    st.builds(lambda t: {"recurrence": "DAILY", "repeatInterval": {"every": 1}, "startTime": t}, CLOCK),
    st.builds(lambda on, t: {"recurrence": "WEEKLY", "repeatInterval": {"every": 1, "on": on}, "startTime": t},
              st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True), CLOCK),
    st.builds(lambda on, t: {"recurrence": "MONTHLY", "repeatInterval": {"every": 1, "on": on}, "startTime": t},
              st.lists(st.integers(0, 31), min_size=1, max_size=3, unique=True), CLOCK),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(PLANS)
def test_a_schedule_is_due_when_its_words_say_so_and_never_else(plan: dict[str, object]) -> None:
    begin = int(ZERO.timestamp())
    due = calendar.parse({"schedule": plan}, begin).between(begin - 1, begin + 64 * 86_400)
    every = (ZERO + timedelta(minutes=5 * n) for n in range(64 * 288 + 1))
    counted = [int(time.timestamp()) for time in every if fits(plan, time)]
    assert due == counted


def dues(schedule: Mapping[str, object], effective: str, days: int) -> list[str]:
    begin = datetime.fromisoformat(effective)
    result = calendar.parse({"schedule": schedule}, int(begin.timestamp())).between(
        int(begin.timestamp()) - 1, int((begin + timedelta(days=days)).timestamp())
    )
    return [datetime.fromtimestamp(t, UTC).strftime("%m-%d %H:%M") for t in result]


def test_weekly_on_0_is_monday_monthly_on_0_the_last_day_and_short_months_have_no_31st() -> None:
    weekly = {"recurrence": "WEEKLY", "repeatInterval": {"every": 2, "on": [0]}, "startTime": "02:00"}
    assert dues(weekly, "2026-11-03T00:00:00Z", 30) == ["11-16 02:00", "11-30 02:00"]
    monthly = {"recurrence": "MONTHLY", "repeatInterval": {"every": 1, "on": [0, 31]}, "startTime": "05:00"}
    assert dues(monthly, "2026-01-01T00:00:00Z", 120) == ["01-31 05:00", "02-28 05:00", "03-31 05:00", "04-30 05:00"]


def test_a_window_leaves_out_what_lies_outside_also_over_midnight() -> None:
    window = {"activeFromTime": "22:00", "activeUntilTime": "03:00"}
    hourly = {"recurrence": "HOURLY", "repeatInterval": {"every": 5}, "activeTime": window}
    assert dues(hourly, "2026-11-03T00:00:00Z", 2) == ["11-03 00:00", "11-04 00:00", "11-05 00:00"]
    minutes = {"recurrence": "BY_MINUTES", "repeatInterval": {"every": 60}, "activeTime": window}
    assert dues(minutes, "2026-11-03T12:00:00Z", 1)[:3] == ["11-03 22:00", "11-03 23:00", "11-04 00:00"]


def test_nothing_is_due_before_it_takes_effect_and_every_second_day_counts_from_then() -> None:
    daily = {"recurrence": "DAILY", "repeatInterval": {"every": 2}, "startTime": "06:00"}
    assert dues(daily, "2026-11-03T07:00:00Z", 5) == ["11-05 06:00", "11-07 06:00"]


def test_a_chained_schedule_without_a_time_runs_with_its_source() -> None:
    daily = {"recurrence": "DAILY", "repeatInterval": {"every": 1}, "startTime": "21:00"}
    weekly = {"recurrence": "WEEKLY", "repeatInterval": {"every": 1, "on": [2]}}
    chained = calendar.parse({"schedule": weekly}, 0, calendar.parse({"schedule": daily}, 0))
    due = datetime.fromtimestamp(chained.next(int(NOW.timestamp())) or 0, UTC)
    assert (due.weekday(), due.hour) == (2, 21)


def test_the_first_scheduled_backup_after_a_restore_over_the_original_is_a_full_one() -> None:
    tenant = start(7, NOW, "small")
    jobs = [j for j in tenant.all("protection-jobs") if j["assetInfo"]["type"].endswith("/virtual-machine")]
    vms = [j["assetInfo"]["id"] for j in jobs if j["operational"] == "ACTIVE"][:40]
    before = {c["id"]: c for vm in vms for c in tenant.copies("virtual-machines", vm, "backups").all(NOW, 0)}
    for vm in vms:
        tenant.rewrite(vm)
    tenant.advance(5 * 86_400)
    seen = 0
    for vm in vms:
        all_of_it = list(tenant.copies("virtual-machines", vm, "backups").all(tenant.now(), 0))
        daily = [c for c in all_of_it if c.get("scheduleInfo", {}).get("recurrence") == "DAILY" and c["state"] == "OK"]
        of_first = [c for c in daily if c["backupType"] == "BACKUP" and c["pointInTime"] > NOW.isoformat()]
        if of_first:
            first = min(of_first, key=lambda c: str(c["pointInTime"]))
            assert first["fullBackup"], first["name"]
            rest = [c["backupSetsInfo"][0]["backups"][0]["sizeInMib"] for c in of_first if not c["fullBackup"]]
            assert all(first["backupSetsInfo"][0]["backups"][0]["sizeInMib"] > size for size in rest)
            seen += bool(rest)
        assert all(before[c["id"]] == c for c in all_of_it if c["id"] in before)  # what was made stays as it was
    assert seen > 10


def test_the_room_of_a_store_is_the_same_whenever_somebody_first_looks() -> None:
    early, late = start(7, NOW, "small"), start(7, NOW, "small")
    room = {store["id"]: store.get("maxCapacityInBytes") for store in early.all("protection-stores")}
    late.advance(40 * 86_400)
    assert {store["id"]: store.get("maxCapacityInBytes") for store in late.all("protection-stores")} == room
