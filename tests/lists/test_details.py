"""Tools that read one thing, as a model sees them: through the server, over the simulated tenant, reviewed by eye."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.registry import Tool
from tests.support.paging_service import NOW
from tests.support.results import text_of

GOLDEN = Path(__file__).parents[1] / "snapshots" / "details"
TOOLS = {tool.name: tool for tool in registry.tools()}
GETS = {n: t for n, t in TOOLS.items() if n.startswith("get_") and not t.gated and t.operation is not None}
LISTS = {t.operation.path: t for t in TOOLS.values() if t.lists and t.operation is not None}
ELSEWHERE = {"vmId": "list_vms", "datastoreId": "list_datastores"}  # listed by a sibling API
WHICH = {  # what there is most to tell of; of the others the first
    "vmId": "name eq 'sap-prod-01'",
    "mssqlDatabaseId": "name eq 'billing-db-1'",
    "vmProtectionGroupId": "name eq 'vmpg-erp-01'",
    "datastoreId": "name eq 'ds-dc1-test-03'",
    "protectionJobId": "problem ne null",
    "taskId": "problem ne null",
}


@asynccontextmanager
async def served(**inputs: Any) -> AsyncIterator[Client]:
    app = create_app(now=lambda: NOW, switches=Switches())
    server = mcp_server.create(settings.load(demo=True, **inputs), app=app, now=lambda: NOW)
    async with Client(server) as client:
        yield client


async def ids_for(client: Client, tool: Tool) -> dict[str, str]:
    """Arguments that lead to something there is."""
    assert tool.operation is not None
    arguments: dict[str, str] = {}
    for argument in tool.arguments.values():
        if argument.place != "path":
            continue
        path = tool.operation.path.partition("/{" + argument.wire + "}")[0]
        listing = LISTS.get(path) or TOOLS[ELSEWHERE[argument.name]]
        outer = {name: value for name, value in arguments.items() if name in listing.arguments}
        which = {"where": WHICH[argument.name]} if argument.name in WHICH else {}
        inputs = {**outer, **which, "output": "json", "limit": 1, "select": "id", "summary": "page"}
        value = (await client.call_tool(listing.name, inputs)).structured_content
        assert value is not None
        assert value["items"], listing.name
        arguments[argument.name] = value["items"][0]["id"]
    return arguments


@pytest.mark.parametrize("name", GETS)
async def test_each_thing_is_told_as_it_was_reviewed(name: str) -> None:
    """Run with UPDATE_SNAPSHOTS=1 where a change is meant, and read the difference."""
    async with served() as client:
        result = await client.call_tool(name, await ids_for(client, TOOLS[name]))
    assert not result.is_error, text_of(result)
    assert result.structured_content is None
    lines = text_of(result) + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        golden.write_text(lines, encoding="utf-8")
    assert lines == golden.read_text(encoding="utf-8"), "run with UPDATE_SNAPSHOTS=1 if this is meant"


def test_there_is_a_transcript_of_each_and_of_nothing_else() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(GETS)


@pytest.mark.parametrize("name", GETS)
async def test_the_whole_of_it_comes_as_json_on_demand(name: str) -> None:
    async with served() as client:
        arguments = await ids_for(client, TOOLS[name])
        result = await client.call_tool(name, {**arguments, "output": "json"})
    assert not result.is_error, text_of(result)
    value = result.structured_content
    assert value is not None
    assert value["id"] == list(arguments.values())[-1]
    assert "resourceUri" in value or "type" in value or "customerId" in value


async def test_lists_too_long_for_the_answer_are_shortened_and_counted() -> None:
    async with served(budget=1500) as client:
        arguments = await ids_for(client, TOOLS["get_protection_policy"])
        value = (await client.call_tool("get_protection_policy", {**arguments, "output": "json"})).structured_content
    assert value is not None
    rendered = len(value["protectionJobsInfo"])
    assert 0 < rendered < 53
    assert value["leftOut"]["protectionJobsInfo"].startswith(f"the first {rendered} of 53:")


@pytest.mark.parametrize("name", ["get_data_orchestrator", "get_protection_store_gateway"])
@pytest.mark.parametrize("output", ["text", "json"])
async def test_secrets_of_one_thing_are_hidden_unless_the_server_was_told_to_reveal_them(
    name: str, output: str
) -> None:
    collected = {}
    for reveal in (False, True):
        async with served(reveal_secrets=reveal) as client:
            result = await client.call_tool(name, {**(await ids_for(client, TOOLS[name])), "output": output})
        collected[reveal] = text_of(result) + str(result.structured_content)
    assert "[hidden]" in collected[False]
    assert "adminUserCiphertext" in collected[True]
    assert "[hidden]" not in collected[True]


def test_a_suspended_schedule_shows_no_next_run_and_one_that_has_passed_is_told_so() -> None:
    def job(operational: str, when: str) -> dict[str, Any]:
        schedule = {"scheduleId": 1, "operational": operational, "nextRunTime": when}
        return {"id": "j", "operational": "ACTIVE", "protections": [{"type": "BACKUP", "schedules": [schedule]}]}

    def lines(item: dict[str, Any]) -> str:
        return "\n".join(details.render_details("DataManagementJobDetail", item, NOW))

    assert "next 2026-" not in lines(job("SUSPENDED", "2026-11-25T08:00:00Z"))
    assert "does not run while it is suspended" in lines(job("SUSPENDED", "2026-11-25T08:00:00Z"))
    assert "nextRun" not in lines(job("SUSPENDED", "2026-11-25T08:00:00Z"))
    assert "PASSED" not in lines(job("ACTIVE", "2026-11-25T08:00:00Z"))
    assert "next 2026-11-24 05:00Z (PASSED 3 h ago" in lines(job("ACTIVE", "2026-11-24T05:00:00Z"))


def test_a_copy_with_log_backups_tells_the_range_to_which_it_can_be_brought_back() -> None:
    copy = {"id": "c", "pointInTime": "2026-11-23T22:00:00Z"}
    logs = {"logBackupInfo": {"lastLogBackupTime": "2026-11-24T07:30:00Z"}}
    words = "\n".join(details.render_details("MSSQLDatabaseBackup", {**copy, **logs}, NOW))
    assert "restorableTo: any moment from 2026-11-23 22:00Z to 2026-11-24 07:30Z" in words
    assert "its own moment alone" in "\n".join(details.render_details("MSSQLDatabaseBackup", copy, NOW))
