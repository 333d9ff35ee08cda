"""The table of judgement against the description: what it reads exists, what it shows is decided by and no secret."""

from __future__ import annotations

import pytest

from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.lists.read.aggregate import columns_read
from greenlake_backup_mcp.lists.views import column_types, columns, schedules
from greenlake_backup_mcp.lists.views.column_types import ListView
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.text import masking
from greenlake_backup_mcp.tools.registry import Tool

TABLE = {resource.noun: resource for resource in columns.VIEWS}


def operations(all_tools: tuple[Tool, ...], resource: ListView) -> list[Operation]:
    result = {tool.operation.id: tool.operation for tool in all_tools if tool.operation is not None}
    return [result[name] for name in resource.operations if name in result]


@pytest.mark.parametrize("noun", TABLE)
def test_every_path_of_a_column_exists_in_the_description(noun: str, all_tools: tuple[Tool, ...]) -> None:
    resource = TABLE[noun]
    read_by = operations(all_tools, resource)
    assert read_by, f"no operation lists {noun}"
    for operation in read_by:
        existing = capabilities.kinds(document.item_schema(operation))
        for column in resource.every:
            assert set(column.paths) <= set(existing), f"{operation.id}: {column.name}"


@pytest.mark.parametrize("noun", TABLE)
def test_times_are_times_and_sizes_are_numbers_in_the_description(noun: str, all_tools: tuple[Tool, ...]) -> None:
    for operation in operations(all_tools, TABLE[noun]):
        kinds = capabilities.kinds(document.item_schema(operation))
        for column in TABLE[noun].every:
            for path in column.paths:
                if column.show in ("time", "until", "lock"):
                    assert kinds[path] == "time", f"{operation.id}: {column.name}"
                if column.show in ("size", "percent"):
                    assert kinds[path] == "number", f"{operation.id}: {column.name}"


def test_every_list_and_every_read_of_one_item_has_a_row(all_tools: tuple[Tool, ...]) -> None:
    for tool in all_tools:
        if tool.operation is None or tool.operation.method != "GET":
            continue
        schema = capabilities.kinds(document.item_schema(tool.operation))
        assert columns.find_view(tool.operation.id) is not None or "id" not in schema, tool.name


@pytest.mark.parametrize("noun", TABLE)
def test_rows_begin_with_the_id_and_no_name_means_two_things(noun: str) -> None:
    resource = TABLE[noun]
    assert resource.columns[0] is column_types.ID
    meanings: dict[str, set[tuple[str, ...]]] = {}
    for column in [*resource.columns, *resource.more, *resource.counted, *resource.sums]:
        meanings.setdefault(column.name, set()).add(column.paths)
    assert {name: paths for name, paths in meanings.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("noun", TABLE)
def test_a_column_named_like_an_attribute_shows_that_attribute(noun: str, all_tools: tuple[Tool, ...]) -> None:
    """`where` and `sort` take an attribute before a column of ours: both must mean the same."""
    for operation in operations(all_tools, TABLE[noun]):
        kinds = capabilities.kinds(document.item_schema(operation))
        for column in TABLE[noun].every:
            if kinds.get(column.name, "any") != "any" and column.name not in ("name", "store", "verified"):
                assert column.name in column.paths, f"{operation.id}: {column.name}"


@pytest.mark.parametrize("noun", TABLE)
def test_no_column_shows_a_secret(noun: str) -> None:
    for column in TABLE[noun].every:
        for path in column.paths:
            assert not masking.is_secret(path.rsplit("/", 1)[-1])


@pytest.mark.parametrize("noun", TABLE)
def test_select_asks_for_what_columns_and_counts_need_and_little_else(noun: str, all_tools: tuple[Tool, ...]) -> None:
    resource = TABLE[noun]
    asked = columns_read(resource, resource.columns)
    for operation in operations(all_tools, resource)[:1]:
        top = {name for name in capabilities.kinds(document.item_schema(operation)) if "/" not in name}
        assert set(asked) <= top | {"name", "displayName", "assetInfo"}, operation.id
    for column in [*resource.columns, *resource.counted, *resource.sums]:
        assert {path.split("/")[0] for path in column.paths} <= set(asked)


@pytest.mark.parametrize("noun", [r.noun for r in columns.VIEWS if r.expires])
def test_recovery_points_tell_what_deleting_them_is_decided_by(noun: str) -> None:
    names = [column.name for column in TABLE[noun].columns]
    assert names[:3] == ["id", "name", "health"]
    assert {"pointInTime", "expiresAt", "lockedUntil", "size"} <= set(names)
    assert {"store", "array"} & set(names)


@pytest.mark.parametrize(
    ("noun", "asked"),
    [
        ("protection job", "asset policy operational lastGood nextRun failing"),
        ("protection policy", "name applicationType tiers jobs"),
        ("protection store", "name storeType health used capacity full dedupe"),
        ("protection store gateway", "name health version address"),
        ("data orchestrator", "name health version latestRecoveryPoint"),
        ("StoreOnce", "name health used free full"),
        ("application host", "name health os"),
        ("MSSQL instance", "name health host version"),
        ("MSSQL database", "name protectionStatus health host policy size"),
        ("VM protection group", "name health members policy"),
        ("volume protection group", "name health members policy array"),
        ("MSSQL database protection group", "name health members policy"),
        ("task", "name state progress createdAt endedAt resource error"),
        ("VM", "name protectionStatus health power policy vcenter capacity"),
        ("datastore", "name protectionStatus health free capacity policy vcenter"),
    ],
)
def test_a_row_shows_what_an_administrator_decides_by(noun: str, asked: str) -> None:
    assert set(asked.split()) <= {column.name for column in TABLE[noun].columns}


def test_a_row_is_guessed_for_what_no_table_knows() -> None:
    resource = columns.guess_view("new-things", {"id": "text", "name": "text", "state": "text", "createdAt": "time"})
    assert resource.noun == "new thing"
    assert [column.name for column in resource.columns] == ["id", "name", "state", "createdAt"]
    assert resource.trouble is None


# --- what columns are computed from ----------------------------------------------------------------------------------


def test_sizes_are_bytes_whatever_unit_the_vendor_gives() -> None:
    mib, bytes_ = column_types.size("size", "backups/sizeInMib"), column_types.size("size", "backups/sizeInBytes")
    assert mib.value_of({"backups": [{"sizeInMib": 1}, {"sizeInMib": 2.5}, {}]}) == int(3.5 * 1024 * 1024)
    assert bytes_.value_of({"backups": [{"sizeInBytes": 1}, {"sizeInBytes": "2"}]}) == 3
    assert column_types.size("size", "parts/sizeInMiB").value_of({"parts": [{"sizeInMiB": 1}]}) == 1024 * 1024
    for nothing in ({}, {"backups": None}, {"backups": [{"sizeInMib": None}]}, {"backups": [{"sizeInMib": -1}]}):
        assert mib.value_of(nothing) is None


def test_storage_systems_come_as_an_object_or_as_a_list() -> None:
    array = column_types.text("array", "storageSystemsInfo/displayName", "storageSystemsInfo/name")
    assert array.value_of({"storageSystemsInfo": {"name": "a"}}) == "a"
    assert array.value_of({"storageSystemsInfo": [{"name": "a"}, {"name": "b"}]}) == "a"
    assert array.value_of({"storageSystemsInfo": [{"displayName": "", "name": "a"}]}) == "a"
    assert array.value_of({"storageSystemsInfo": []}) is None
    assert array.value_of({"storageSystemsInfo": "odd"}) is None


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"recurrence": "BY_MINUTES", "repeatInterval": {"every": 15}}, "every 15 min"),
        ({"recurrence": "HOURLY", "repeatInterval": {"every": 4}}, "every 4 h"),
        ({"recurrence": "HOURLY", "repeatInterval": {"every": 6, "on": [30]}}, "every 6 h at minute 30"),
        ({"recurrence": "DAILY", "repeatInterval": {"every": 1}, "startTime": "20:00"}, "daily 20:00Z"),
        ({"recurrence": "DAILY", "repeatInterval": {"every": 3}}, "every 3 d"),
        (
            {"recurrence": "WEEKLY", "repeatInterval": {"every": 1, "on": [0, 6]}, "startTime": "02:00"},
            "weekly on Mon, Sun 02:00Z",
        ),
        ({"recurrence": "WEEKLY", "repeatInterval": {"every": 2, "on": [9]}}, "every 2 weeks on 9"),
        ({"recurrence": "MONTHLY", "repeatInterval": {"every": 3, "on": [7]}}, "every 3 months on day 7"),
        ({"recurrence": "YEARLY", "startTime": "01:00"}, "yearly 01:00Z"),
        (
            {"recurrence": "HOURLY", "repeatInterval": {"every": 1}, "activeTime": {"activeFromTime": "08:00"}},
            "every 1 h between 08:00Z and 24:00Z",
        ),
        ({}, ""),
        (None, ""),
        ("odd", ""),
    ],
)
def test_schedules_are_told_in_words(plan: object, words: str) -> None:
    assert schedules.rhythm({"schedule": plan}) == words


def test_tiers_are_told_with_retention_lock_store_and_what_a_job_overrides() -> None:
    schedule = {
        "scheduleId": 1,
        "schedule": {"recurrence": "DAILY", "repeatInterval": {"every": 1}, "startTime": "20:00"},
        "expireAfter": {"value": 14, "unit": "DAYS"},
        "lockFor": {"value": 3, "unit": "DAYS"},
    }
    tier = {"type": "BACKUP", "protectionStoreInfo": {"name": "X"}, "schedules": [schedule]}
    assert schedules.tiers({"protections": [tier]}) == ["backup daily 20:00Z kept 14 d, locked 3 d, store X"]
    over = {**schedule, "overrides": {"expireAfter": {"value": 7, "unit": "YEARS"}, "lockFor": None}}
    assert schedules.tiers({"protections": [{**tier, "schedules": [over]}]}) == [
        "backup daily 20:00Z kept 7 y, locked 3 d, store X"
    ]
    assert schedules.tiers({"protections": [{"type": "NEW_TIER", "schedules": [{}]}]}) == ["new tier"]
    assert schedules.tiers({}) is None


def run(status: str, day: int, why: str | None = None) -> dict[str, object]:
    return {"status": status, "timestamp": f"2026-11-{day:02d}T00:00:00Z", "errorMessage": why}


def job(*runs: dict[str, object], **schedule: object) -> dict[str, object]:
    return {
        "protections": [
            {"type": "BACKUP", "schedules": [{"scheduleId": 2, "executionStatuses": list(runs), **schedule}]}
        ]
    }


@pytest.mark.parametrize("order", [1, -1])
def test_a_schedule_fails_when_its_newest_finished_run_failed_in_whatever_order_runs_come(order: int) -> None:
    runs = [run("ERROR", 3, "no space"), run("IN_PROGRESS", 4), run("OK", 2)][::order]
    assert schedules.failed_schedules(job(*runs, prevSuccessfulRunTime="2026-11-02T00:00:00Z")) == [
        "schedule 2 (backup): no space (last good 2026-11-02 00:00Z)"
    ]
    assert schedules.job_problem(job(*runs)) == "no space"
    assert schedules.failed_schedules(job(*[run("ERROR", 1), run("OK", 2)][::order])) is None


def test_a_suspended_job_is_a_problem_and_has_no_next_run() -> None:
    runs = job(run("ERROR", 3, "no space"), nextRunTime="2026-11-25T00:00:00Z")
    assert schedules.next_run({**runs, "operational": "ACTIVE"}) == "2026-11-25T00:00:00Z"
    for state in ("SUSPENDED", "PERMANENTLY_SUSPENDED"):
        assert schedules.next_run({**runs, "operational": state}) is None
        assert schedules.job_problem({**runs, "operational": state}) == f"{state}; no space"
    assert schedules.job_problem({"operational": "PARTIALLY_SUSPENDED"}) == "PARTIALLY_SUSPENDED"
    assert schedules.job_problem({"operational": "ACTIVE"}) is None


def test_a_job_that_never_ran_well_says_so() -> None:
    assert schedules.failed_schedules(job(run("ERROR", 3))) == ["schedule 2 (backup): ERROR (last good never)"]
    assert schedules.last_good(job()) is None
    assert (
        schedules.failed_schedules({"protections": [{"schedules": [None, "x", {"executionStatuses": ["x", {}]}]}]})
        is None
    )


@pytest.mark.parametrize(
    ("item", "health", "trouble"),
    [
        ({"state": "OK", "status": "OK"}, "OK", None),
        ({"state": "ERROR", "status": "ERROR", "stateReason": "full"}, "ERROR", "ERROR: full"),
        ({"state": "OK", "status": "WARNING"}, "WARNING", None),
        ({"state": "DELETING", "status": "OK"}, "DELETING", None),
        ({"state": "SOMETHING_NEW"}, "SOMETHING_NEW", None),
        ({"state": "SOME_ERROR"}, "SOME_ERROR", "SOME_ERROR"),
        ({}, None, None),
        ({"state": None, "status": 5}, "5", None),
    ],
)
def test_states_are_one_word_where_they_agree(item: dict[str, object], health: str | None, trouble: str | None) -> None:
    assert column_types.HEALTH.value_of(item) == health
    assert column_types.TROUBLE.value_of(item) == trouble
