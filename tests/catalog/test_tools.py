"""query_catalog and find_recovery_points as a client uses them, in both protocol eras."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.catalog import query_catalog
from greenlake_backup_mcp.errors import LimitExceeded
from greenlake_backup_mcp.simulator.faults.script import fault
from tests.conftest import NOW, ticking
from tests.support.filled_catalog import catalog_of, with_few_assets
from tests.support.results import text_of

Connected = Callable[..., AbstractAsyncContextManager[Client]]
DEMO = settings.load(demo=True, wait=60)


@pytest.fixture
def tenant(tenant: Any) -> Any:
    return with_few_assets(tenant)


async def ask(client: Client, tool: str, **arguments: Any) -> str:
    return text_of(await client.call_tool(tool, arguments))


async def test_sql_answers_over_the_whole_tenant_with_coverage(connected: Connected, tenant: Any) -> None:
    vms = len(tenant.state.tenant.all("virtual-machines"))
    async with connected(DEMO) as client:
        answer = await ask(client, "query_catalog", sql="SELECT count(*) AS n FROM assets WHERE kind = 'vm'")
        assert answer.splitlines()[:2] == ["n", str(vms)]
        assert f"recovery points read of {vms} VMs" in answer
        result = await client.call_tool("query_catalog", {"sql": "SELECT name FROM assets LIMIT 1", "output": "json"})
        assert result.structured_content
        assert result.structured_content["coverage"]["complete"] is True


async def test_counts_are_those_of_the_tenant(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    counts = {}
    for vm in held.all("virtual-machines"):
        counts[vm["id"]] = sum(held.copies("virtual-machines", vm["id"], k).count(held.now(), held.lag)
                               for k in ("backups", "snapshots"))  # fmt: skip
    async with connected(DEMO) as client:
        sql = "SELECT id, copies FROM assets WHERE kind = 'vm'"
        result = await client.call_tool("query_catalog", {"sql": sql, "output": "json"})
        assert result.structured_content
        assert {row["id"]: row["copies"] for row in result.structured_content["rows"]} == counts


NO_QUESTIONS = [
    ("SELECT nam FROM assets", "no column 'nam'; did you mean name"),
    ("SELECT * FROM asset", "no view 'asset'; did you mean assets"),
    ("SELECT newest_usable FROM stores", "it is in assets"),
    ("DELETE FROM assets", "only SELECT"),
    ("INSERT INTO assets VALUES (1)", "only SELECT"),
    ("PRAGMA table_info(assets)", "only SELECT"),
    ("ATTACH '/tmp/x' AS y", "only SELECT"),
    ("SELECT id FROM main.assets", "no view 'assets'"),
    ("SELECT name FROM sqlite_master", "no view 'sqlite_master'"),
    ("SELECT load_extension('x')", "load_extension is not offered"),
    ("SELECT randomblob(1000000000)", "randomblob is not offered"),
    ("WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT sum(n) FROM x", "recursion"),
    ("SELECT 1; DROP TABLE assets", "one statement"),
    ("  -- nothing", "no statement"),
    ("SELEC name FROM assets", "syntax error"),
    ("SELECT group_concat(a.name) FROM recovery_points a, recovery_points b", "too long"),
    ("SELECT replace(replace(replace(hex(name), '4', hex(id)), '3', hex(id)), '2', hex(id)) FROM assets", "too long"),
    ("SELECT printf('%999999999d', 1)", "printf is not offered"),
    ("SELECT zeroblob(100000000)", "zeroblob is not offered"),
    ("SELECT writefile('/tmp/x', 'x')", "writefile"),
    ("SELECT * FROM pragma_table_info('assets')", "only SELECT"),
    ("SELECT * FROM json_each('[1, 2]')", "no view 'json_each'"),
    ("SELECT * FROM dbstat", "no view 'dbstat'"),
    ("SELECT * FROM temp.reach", "no view 'reach'"),
    ("SELECT (SELECT word FROM main.words LIMIT 1)", "no view 'words'"),
    ("CREATE TEMP TABLE x AS SELECT 1", "only SELECT"),
    ("CREATE VIEW x AS SELECT 1", "only SELECT"),
    ("VACUUM INTO '/tmp/catalog-copy'", "only SELECT"),
    ("BEGIN IMMEDIATE", "only SELECT"),
    ("SAVEPOINT x", "only SELECT"),
    ("REINDEX", "only SELECT"),
    ("DETACH temp", "only SELECT"),
    ("UPDATE assets SET name = 'x'", "only SELECT"),
    ("REPLACE INTO changes (id) VALUES (1)", "only SELECT"),
    ("WITH x AS (SELECT 1) DELETE FROM assets", "only SELECT"),
    ("/* SELECT */ DROP VIEW assets", "only SELECT"),
    ("SELECT 1 /* ; */ ; SELECT 2", "one statement"),
    (f"SELECT {'(' * 150}1{')' * 150}", "sql"),
    (f"SELECT 1{' UNION ALL SELECT 1' * 30}", "too many terms"),
    ("SELECT name FROM assets WHERE name LIKE '" + "%a" * 300 + "'", "pattern too complex"),
    (f"SELECT {'1, ' * 300}1", "too many columns"),
    ("SELECT ?", "sql"),
    ("x" * 10_001, "at most 10,000"),
    ("SELECT '\u0000' FROM assets", "sql"),
]


async def test_what_is_no_question_is_refused_with_what_is_meant(connected: Connected) -> None:
    async with connected(DEMO) as client:
        for sql, meant in NO_QUESTIONS:
            result = await client.call_tool("query_catalog", {"sql": sql})
            assert result.is_error, sql
            assert meant in text_of(result), sql


async def test_now_in_sql_is_the_moment_of_the_answer(connected: Connected) -> None:
    sql = """SELECT datetime('now'), date(), strftime('%H:%M', 'NOW'), current_date, round(julianday('now') -
        julianday('2026-11-23'), 2), 'now', count(*) FROM assets WHERE name <> 'now' -- date('now')"""
    async with connected(DEMO) as client:
        result = await client.call_tool("query_catalog", {"sql": sql, "output": "json"})
    assert result.structured_content
    values = list(result.structured_content["rows"][0].values())
    day, clock = NOW.strftime("%Y-%m-%d"), NOW.strftime("%H:%M")
    assert values[0].startswith(f"{day} {clock}")
    assert values[1:4] == [day, clock, day]
    assert values[5] == "now"
    assert 0 < values[4] < 30


async def test_views_can_be_joined_grouped_and_named(connected: Connected) -> None:
    sql = """WITH late AS (SELECT id, name FROM assets WHERE newest_usable_age_hours > 1)
        SELECT l.name, count(r.id) n, max(r.point_in_time) FROM late l LEFT JOIN recovery_points r ON r.asset_id = l.id
        GROUP BY l.id HAVING n > 0 ORDER BY n DESC"""
    async with connected(DEMO) as client:
        assert "sap-prod-01" in await ask(client, "query_catalog", sql=sql)


async def silent(done: float, total: float | None, words: str) -> None:
    pass


async def test_a_query_is_ended_after_its_time_and_with_its_call(tenant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "SELECT count(*) FROM recovery_points a, recovery_points b, recovery_points c, recovery_points d"
    async with catalog_of(tenant, ticking) as catalog:
        await catalog.sync()
        monkeypatch.setattr(query_catalog, "SECONDS", 0.05)
        with pytest.raises(LimitExceeded, match="longer than"):
            await query_catalog.query(catalog, query_catalog.Turns(), "", {"sql": endless}, silent, 9000)
        monkeypatch.setattr(query_catalog, "SECONDS", 60)
        monkeypatch.setattr(query_catalog, "PATIENCE", 60)
        turns = query_catalog.Turns()
        with anyio.move_on_after(0.05) as scope:
            await query_catalog.query(catalog, turns, "", {"sql": endless}, silent, 9000)
        assert scope.cancelled_caught
        with anyio.fail_after(20):  # its place is free again
            await query_catalog.query(catalog, turns, "", {"sql": "SELECT 1"}, silent, 9000)


async def test_one_query_a_caller_and_two_in_all(tenant: Any) -> None:
    running, most = 0, 0

    async with catalog_of(tenant, ticking) as catalog:
        await catalog.sync()
        read = catalog.read

        async def counted(work: Any) -> Any:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await anyio.lowlevel.checkpoint()
            try:
                return await read(work)
            finally:
                running -= 1

        catalog.read = counted  # type: ignore[method-assign]
        for callers, together in ((["a"] * 5, 1), (["a", "b", "c", "d"], 2)):
            most, turns = 0, query_catalog.Turns()
            async with anyio.create_task_group() as group:
                for caller in callers:
                    group.start_soon(query_catalog.query, catalog, turns, caller, {"sql": "SELECT 1"}, silent, 9000)
            assert most == together


# --- find_recovery_points ------------------------------------------------------------------------------------------


async def test_the_best_recovery_point_comes_first_and_all_of_a_name_are_meant(connected: Connected) -> None:
    async with connected(DEMO) as client:
        answer = await ask(client, "find_recovery_points", asset="DB-prod-01")
        assert "2 assets have this name, all are meant" in answer
        assert "store OFFLINE" in answer
        rows = [line for line in answer.splitlines() if line.startswith("db-prod-01|")]
        assert "older" not in rows[0]
        assert all("older" in row for row in rows[1:])
        problem = await ask(client, "find_recovery_points", asset="sap-prod-1")
        assert 'Did you mean "sap-prod-01"' in problem
        assert "is no moment" in await ask(client, "find_recovery_points", nearest="the day before")


async def test_the_nearest_to_a_moment_is_found(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    vm = next(vm for vm in held.all("virtual-machines") if vm["displayName"] == "sap-prod-01")
    wanted = "2026-11-22T12:00:00"
    good = [
        copy["pointInTime"] for kind in ("backups", "snapshots")
        for copy in held.copies("virtual-machines", vm["id"], kind).all(held.now(), held.lag) if copy["state"] == "OK"
    ]  # fmt: skip
    best = min(good, key=lambda stamp: abs(_seconds(stamp) - _seconds(wanted + "Z")))
    async with connected(DEMO) as client:
        asked = {"asset": vm["id"], "nearest": wanted, "usable": True, "timeZone": "UTC", "output": "json", "limit": 1}
        result = await client.call_tool("find_recovery_points", asked)
        assert result.structured_content
        assert _seconds(result.structured_content["recoveryPoints"][0]["pointInTime"]) == _seconds(best)


def _with_logs(copy: Any) -> bool:
    return bool((copy.get("logBackupInfo") or {}).get("lastLogBackupTime")) and copy["state"] == "OK"


async def test_log_backups_reach_on_to_any_moment_between(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    database, copies = next(
        (one, logged) for one in held.all("mssql-databases") for kind in ("backups", "snapshots")
        if (logged := [c for c in held.copies("mssql-databases", one["id"], kind).all(held.now(), held.lag)
                       if _with_logs(c)])
    )  # fmt: skip
    copy = max(copies, key=lambda c: c["pointInTime"])
    first, last = _seconds(copy["pointInTime"]), _seconds(copy["logBackupInfo"]["lastLogBackupTime"])
    between = datetime.fromtimestamp((first + last) / 2, UTC).isoformat()
    asked = {"asset": database["id"], "nearest": between, "usable": True, "timeZone": "Europe/Berlin"}
    async with connected(DEMO) as client:
        result = await client.call_tool("find_recovery_points", {**asked, "output": "json"})
        text = await ask(client, "find_recovery_points", **asked)
    value = result.structured_content
    assert value
    assert _seconds(value["recoveryPoints"][0]["pointInTime"]) == first
    assert value["recoveryPoints"][0]["worse"] is None
    assert any(_seconds(r["from"]) <= first and _seconds(r["until"]) >= last - 1 for r in value["logRanges"])
    assert "Any moment can be restored from log backups within" in text
    assert "+01:00" in text
    assert "Times are those of Europe/Berlin" in text


async def test_what_cannot_be_looked_for_is_told(connected: Connected) -> None:
    wrong = (
        ({"timeZone": "Mars/Olympus"}, "is no time zone"), ({"before": "soon"}, "is no moment"),
        ({"nearest": "now", "before": "now"}, "nearest stands for itself"),
        ({"after": "now", "before": "now-1d"}, "after lies behind before"),
        ({"expiresAfter": "now", "expiresBefore": "now-1d"}, "expiresAfter lies behind"),
        ({"store": "no such store"}, "no store"),
    )  # fmt: skip
    async with connected(DEMO) as client:
        for arguments, meant in wrong:
            assert meant in await ask(client, "find_recovery_points", **arguments), arguments


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


# --- what was not read ---------------------------------------------------------------------------------------------


async def test_what_was_not_read_is_a_class_of_its_own(connected: Connected, tenant: Any) -> None:
    vm = next(vm for vm in tenant.state.tenant.all("virtual-machines") if vm["displayName"] == "sap-prod-01")
    tenant.state.script.add(fault("status", "GET", f"*/virtual-machines/{vm['id']}/backups", times=99, status=403))
    tenant.state.script.add(fault("status", "GET", "*/volume-protection-groups", times=99, status=403))
    async with connected(DEMO) as client:
        answer = await ask(
            client,
            "query_catalog",
            sql="SELECT copies_state, copies, newest_usable FROM assets WHERE name = 'sap-prod-01'",
        )
        assert "unread" in answer
        assert "unread: 1 HTTP 403" in answer
        assert "volume_groups not read: HTTP 403" in answer
        actual = await ask(client, "find_recovery_points", asset="sap-prod-01")
        assert "were not read" in actual
        assert "not known" in actual


async def test_a_catalog_that_is_off_says_so(connected: Connected) -> None:
    async with connected(settings.load(demo=True, catalog="off")) as client:
        assert "switched off" in await ask(client, "query_catalog", sql="SELECT 1")


async def test_a_list_of_assets_shows_the_newest_usable_copy_once_it_is_known(connected: Connected) -> None:
    async with connected(DEMO) as client:
        assert "newestUsable" not in await ask(client, "list_vms", limit=3)
        await ask(client, "query_catalog", sql="SELECT count(*) FROM recovery_points")
        answer = await ask(client, "list_vms", limit=3)
        assert "newestUsable: from the backup catalog, as of" in answer


async def test_nothing_is_read_before_the_first_question(connected: Connected, tenant: Any) -> None:
    async with connected(DEMO) as client:
        await client.list_tools()
        await ask(client, "list_protection_stores")
        assert {r.operation for r in tenant.state.tenant.requests} <= {"ProtectionStoreList", "token"}


async def test_the_resource_names_every_view(connected: Connected) -> None:
    async with connected() as client:
        text = (await client.read_resource("greenlake-backup://catalog")).contents[0].text  # type: ignore[union-attr]
    assert "## recovery_points" in text
    assert "`newest_usable_age_hours`" in text


async def test_progress_of_the_first_reading_rises_and_carries_numbers(connected: Connected) -> None:
    heard: list[tuple[float, str]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message or ""))

    async with connected(DEMO) as client:
        await client.call_tool("query_catalog", {"sql": "SELECT count(*) FROM assets"}, progress_callback=note)
    assert len(heard) > 5
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert all(any(letter.isdigit() for letter in words) for _, words in heard)
    assert any("lists read" in words for _, words in heard)
    assert any("assets read" in words for _, words in heard)
