"""Resources: one per operation with its full request and answer, the policy of confirmation, the glossary."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app, resources
from greenlake_backup_mcp.tools import registry

Connected = Callable[..., AbstractAsyncContextManager[Client]]


async def text(client: Client, uri: str) -> str:
    contents = (await client.read_resource(uri)).contents
    assert len(contents) == 1
    return str(getattr(contents[0], "text", ""))


async def test_there_is_one_resource_per_operation_and_the_texts(
    connected: Connected, all_tools: tuple[registry.Tool, ...]
) -> None:
    async with connected() as client:
        uris = [str(r.uri) for r in (await client.list_resources()).resources]
        templates = [t.uri_template for t in (await client.list_resource_templates()).resource_templates]
    texts = ["greenlake-backup://confirmation", "greenlake-backup://catalog", "greenlake-backup://glossary"]
    assert uris[:3] == texts
    assert len(uris) == len(set(uris)) == 3 + len(all_tools)
    assert {f"{resources.OPERATIONS}{tool.name}" for tool in all_tools} <= set(uris)
    assert [t.partition("{")[0] for t in templates] == [
        f"greenlake-backup://{one}" for one in ("operations/", "differences/", "evidence/check_protection.")
    ]


def test_every_operation_is_described_in_full(all_tools: tuple[registry.Tool, ...]) -> None:
    for tool in all_tools:
        assert tool.operation
        answer = json.loads(
            resources.read({tool.name: tool}, resources.OPERATIONS + tool.name).contents[0].text  # type: ignore[union-attr]
        )
        assert answer["request"] == tool.operation.key
        assert {p["name"] for p in answer["parameters"]} == {p.name for p in tool.operation.parameters}
        assert answer["needsConfirm"] == tool.gated
        assert ("body" in answer) == (tool.operation.body is not None)
        assert answer["answers"].keys() == tool.operation.answers.keys()
        assert "$ref" not in json.dumps(answer)


async def test_a_resource_says_more_than_the_tool(connected: Connected) -> None:
    async with connected() as client:
        answer = json.loads(await text(client, "greenlake-backup://operations/list_vm_backups"))
    assert answer["answerSchema"]["properties"]["items"]["items"]["properties"]["expiresAt"]
    assert "200" in answer["answers"]


async def test_the_policy_of_confirmation_is_frank(connected: Connected) -> None:
    async with connected() as client:
        answer = await text(client, "greenlake-backup://confirmation")
    assert "seat belt" in answer
    assert "--read-only" in answer
    assert 'confirm: "preview"' in answer


async def test_the_glossary_explains_the_words_of_the_service(connected: Connected) -> None:
    async with connected() as client:
        answer = await text(client, "greenlake-backup://glossary")
    for word in ("Recovery point", "Protection store", "LAPSED", "PARENT", "Dual authorization", "TIMEDOUT"):
        assert word in answer


@pytest.mark.parametrize(
    "uri",
    [
        "greenlake-backup://operations/nope",
        "greenlake-backup://operations/wait_for_task",
        "greenlake-backup://../settings.py",
        "greenlake-backup://operations/../glossary",
        "file:///etc/passwd",
    ],
)
async def test_what_does_not_exist_is_refused(uri: str, connected: Connected) -> None:
    async with connected() as client:
        with pytest.raises(MCPError, match="no such resource"):
            await client.read_resource(uri)


async def test_only_what_is_offered_is_described(connected: Connected) -> None:
    async with connected(settings.load(demo=True, read_only=True, toolsets="policies")) as client:
        uris = [str(r.uri) for r in (await client.list_resources()).resources]
        with pytest.raises(MCPError):
            await client.read_resource("greenlake-backup://operations/delete_protection_policy")
    assert uris[2:] == [resources.OPERATIONS + n for n in ("get_protection_policy", "list_protection_policies")]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("operations/run_plan", "run_plan is no single operation"),
        ("operations/list_vmz", "Did you mean greenlake-backup://operations/list_vms"),
        ("glosary", "Did you mean greenlake-backup://glossary"),
        ("what", "There are greenlake-backup://confirmation"),
    ],
)
def test_who_asks_for_a_resource_that_is_none_hears_what_there_is(name: str, answer: str) -> None:
    tools = app.tool_set(settings.load(demo=True)).offered
    with pytest.raises(MCPError, match="no such resource") as caught:
        resources.read(tools, f"{resources.SCHEME}{name}")
    assert answer in caught.value.error.message
