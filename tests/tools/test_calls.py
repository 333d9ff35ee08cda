"""Every tool, called by a real client over the simulated tenant: the request is as described, the answer is text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.shared.exceptions import MCPError

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.tools import registry, schemas
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from tests.conftest import ticking
from tests.support import samples, twin_requests, write_samples
from tests.support.results import code_in, text_of

Connected = Callable[..., AbstractAsyncContextManager[Client]]
TOOLS = {t.name: t for t in registry.tools()}
READING = [t for t in TOOLS.values() if t.danger is Danger.READ]
CASES = [
    (t.name, full)
    for t in TOOLS.values()
    if t.operation and t.danger is not Danger.READ
    for full in (False, True)
    if not full or (t.operation.id in twin_requests.REQUESTS and [a for a in t.arguments.values() if a.place != "path"])
]


def as_described(tool: Tool, received: Any) -> None:
    """Method, path, query, media type and body of a request against the description, not against our own code."""
    operation = tool.operation
    assert operation is not None
    assert received.method == operation.method, tool.name
    assert re.fullmatch(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(operation.path)), received.path)
    described = {p.name: p.schema for p in operation.parameters if p.place == "query"}
    for name, sent in parse_qsl(received.query, keep_blank_values=True):
        assert name in described, (tool.name, name)
        if described[name].get("type") == "boolean":
            assert sent in ("true", "false")
        elif described[name].get("type") == "integer":
            assert re.fullmatch(r"\d+", sent)
    if received.body is not None:
        assert operation.body is not None
        assert received.headers["content-type"] == operation.media_type
        Draft202012Validator(schemas.writable(operation.body)).validate(received.body)


def largest_write(tool: Tool, tenant: Any) -> dict[str, Any] | None:
    """As many arguments as a write has that can be carried out in this tenant."""
    assert tool.operation is not None
    requests = [s for s in twin_requests.REQUESTS[tool.operation.id](tenant) if not s.before]
    if not requests:
        return write_samples.arguments(tenant, tool)
    largest = max(requests, key=lambda s: len(json.dumps(s.body)))
    paths = [a.name for a in tool.arguments.values() if a.place == "path"]
    query = {n: v == "true" for n, v in largest.query.items()}
    query |= {a.name: True for a in tool.arguments.values() if a.place == "query"} if largest.refused else {}
    return {**dict(zip(paths, largest.ids, strict=True)), **query, **(largest.body or {})}


def sent_as_described(tool: Tool, arguments: Mapping[str, Any], tenant: Any, text: str) -> None:
    """What the tenant received of a call: described, and answered as such; of a list perhaps in several pages."""
    assert tool.operation is not None
    assert text
    assert "mistake of ours" not in text, text
    sent = [r for r in tenant.requests if r.operation == tool.operation.id]
    assert sent, text
    for received in sent:
        as_described(tool, received)
        assert received.status not in (401, 405, 415), text
        assert received.status < 500, text
    if not tool.lists:
        assert [r.body or {} for r in sent] == [
            {n: v for n, v in arguments.items() if tool.arguments[n].place == "body"}
        ]


async def test_each_tool_that_reads_sends_the_request_that_is_described(
    tenant: Any, demo_settings: settings.Settings
) -> None:
    state = tenant.state.tenant
    async with Client(app.create(demo_settings, app=tenant, now=ticking)) as client:
        for tool in READING:
            fewest, every = (samples.arguments(tool, state, full) for full in (False, True))
            for arguments in [fewest] if fewest == every else [fewest, every]:
                state.requests.clear()
                result = await client.call_tool(tool.name, arguments)
                sent_as_described(tool, arguments, state, f"{tool.name}: {text_of(result)}")


@pytest.mark.parametrize(("name", "full"), CASES, ids=[f"{name}-{'all' if full else 'fewest'}" for name, full in CASES])
async def test_each_tool_that_writes_sends_the_request_that_is_described_and_that_was_confirmed(
    name: str, full: bool, tenant: Any, demo_settings: settings.Settings
) -> None:
    tool, state = TOOLS[name], tenant.state.tenant
    assert tool.operation is not None
    arguments = largest_write(tool, state) if full else write_samples.arguments(state, tool)
    assert arguments is not None
    async with Client(app.create(demo_settings, app=tenant, now=ticking)) as client:
        result = await client.call_tool(name, {**arguments, "confirm": "preview"} if tool.gated else arguments)
        if tool.gated or (tool.conditional and text_of(result).startswith("REFUSED")):
            assert not [r for r in state.requests if r.operation == tool.operation.id], "a preview changes nothing"
            result = await client.call_tool(name, {**arguments, "confirm": code_in(result)})
    sent_as_described(tool, arguments, state, text_of(result))
    assert [r.status < 300 for r in state.requests if r.operation == tool.operation.id] == [True], text_of(result)


async def test_tools_are_listed_in_one_page_and_in_the_same_order(connected: Connected) -> None:
    async with connected() as client:
        first = await client.list_tools()
        again = await client.list_tools()
    assert first.next_cursor is None
    assert [t.name for t in first.tools] == [t.name for t in again.tools]
    assert {t.name for t in first.tools} >= set(TOOLS)


async def test_an_unknown_tool_is_refused_with_the_nearest_names(connected: Connected, tenant: Any) -> None:
    async with connected() as client:
        with pytest.raises(MCPError, match="Did you mean list_vms"):
            await client.call_tool("list_vmz", {})
    assert not tenant.state.tenant.requests


async def test_a_read_only_server_neither_lists_nor_calls_what_changes_things(
    connected: Connected, tenant: Any
) -> None:
    async with connected(settings.load(demo=True, read_only=True)) as client:
        listed = (await client.list_tools()).tools
        assert all(t.annotations and t.annotations.read_only_hint for t in listed)
        for name, tool in TOOLS.items():
            if tool.danger.value != "read":
                result = await client.call_tool(name, samples.arguments(tool, tenant.state.tenant, False))
                assert result.is_error
                assert "read-only" in text_of(result)
    assert not tenant.state.tenant.requests


async def test_a_tool_outside_the_chosen_toolsets_is_not_called(connected: Connected) -> None:
    async with connected(settings.load(demo=True, toolsets="vms, inventory")) as client:
        assert {t.name for t in (await client.list_tools()).tools} >= {"list_vms", "list_vm_backups"}
        result = await client.call_tool("list_protection_stores", {})
    assert result.is_error
    assert "limited to the toolsets" in text_of(result)


async def test_bad_arguments_send_nothing(connected: Connected, tenant: Any) -> None:
    bad: list[tuple[str, dict[str, Any]]] = [
        ("list_vms", {"limit": -1}),
        ("list_vms", {"limit": 10**9}),
        ("list_vms", {"offset": -1}),
        ("list_vms", {"filter": "colour eq 'red'"}),
        ("list_vms", {"filter": "name eq"}),
        ("list_vms", {"sort": "name sideways"}),
        ("list_vms", {"where": "name ~ 'x'"}),
        ("get_vm", {"vmId": "../secrets"}),
        ("get_vm", {"vmId": "x" * 10_000}),
        ("get_vm", {}),
        ("get_vm", {"vmId": 7}),
        ("delete_vm_backup", {"vmId": "a", "backupId": "b"}),
    ]
    async with connected() as client:
        for name, arguments in bad:
            result = await client.call_tool(name, arguments)
            assert result.is_error, (name, arguments)
            assert "Nothing was sent." in text_of(result), text_of(result)
    assert not tenant.state.tenant.requests


async def test_json_comes_as_structured_content_and_as_the_same_text(connected: Connected, tenant: Any) -> None:
    store = tenant.state.tenant.all("protection-stores")[0]
    async with connected() as client:
        result = await client.call_tool("get_protection_store", {"protectionStoreId": store["id"], "output": "json"})
    assert json.loads(text_of(result)) == result.structured_content
    assert result.structured_content["id"] == store["id"]
    assert result.structured_content["simulated"] is True


async def test_secrets_of_answers_are_hidden_unless_revealed(connected: Connected, tenant: Any) -> None:
    gateway = tenant.state.tenant.all("protection-store-gateways")[0]
    marked = {n: v for n, v in gateway.items() if "iphertext" in n or n == "remoteAccessStationId"}
    assert marked
    async with connected() as client:
        for output in ("text", "json"):
            arguments = {"protectionStoreGatewayId": gateway["id"], "output": output}
            result = await client.call_tool("get_protection_store_gateway", arguments)
            text = text_of(result) + str(result.structured_content)
            for secret in marked.values():
                assert str(secret) not in text


async def test_demo_answers_say_that_they_are_simulated(connected: Connected) -> None:
    async with connected() as client:
        assert "Simulated tenant" in text_of(await client.call_tool("list_protection_stores", {}))


async def test_a_missing_resource_is_told_with_what_to_do(connected: Connected) -> None:
    async with connected() as client:
        result = await client.call_tool("get_protection_job", {"protectionJobId": samples.UUID})
    assert result.is_error
    assert "get_protection_job was refused" in text_of(result)
    assert "404" in text_of(result)
    assert "protectionJobId comes from list_protection_jobs." in text_of(result)
