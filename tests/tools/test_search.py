"""`--surface search`: three tools, small, that find the right tool and never let a call slip past its gate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.server.tool_listing import to_mcp_tool
from greenlake_backup_mcp.tool_search import ranking
from greenlake_backup_mcp.tools import builtin, estate, registry
from greenlake_backup_mcp.tools.danger import Danger

HERE = Path(__file__).parents[1]
QUESTIONS = json.loads((HERE / "questions.json").read_text(encoding="utf-8"))
PHRASINGS = json.loads((HERE / "phrasings.json").read_text(encoding="utf-8"))
MORE = json.loads((HERE / "questions_more.json").read_text(encoding="utf-8"))
Connected = Callable[..., AbstractAsyncContextManager[Client]]


def hits(questions: list[dict[str, Any]]) -> tuple[float, float]:
    """Which part of the questions has a right tool first, and among the first five."""
    index = ranking.index(app.tool_set(settings.load(demo=True)).offered.values())
    ranked = [
        ([t.name for t in ranking.rank(index, q["question"])], {q["tool"], *q.get("also", ())}) for q in questions
    ]
    return (
        sum(bool(names) and names[0] in right for names, right in ranked) / len(ranked),
        sum(not right.isdisjoint(names) for names, right in ranked) / len(ranked),
    )


@pytest.fixture
def searching() -> settings.Settings:
    return settings.load(demo=True, wait=5, surface="search")


def result_text(result: Any) -> str:
    return "\n".join(part.text for part in result.content)


def test_the_questions_name_tools_that_exist_and_none_twice(all_tools: tuple[registry.Tool, ...]) -> None:
    assert len(QUESTIONS) == 150
    assert len({q["question"] for q in QUESTIONS}) == 150
    assert len({q["question"] for q in MORE}) == len(MORE)
    assert {tool for q in (*QUESTIONS, *MORE) for tool in (q["tool"], *q.get("also", ()))} <= {
        tool.name for tool in (*all_tools, *builtin.TOOLS)
    }


def test_the_right_tool_comes_first_for_nine_questions_of_ten() -> None:
    first, five = hits(QUESTIONS)
    assert first >= 0.90
    assert five >= 0.98


@pytest.mark.parametrize("name", sorted({q["set"] for q in MORE}))
def test_questions_in_other_voices_are_answered_as_well(name: str) -> None:
    """All of these sets were worked with when the ranking was simplified: they say what stays right.

    Of 50 questions written before that and never looked into, 40 had the right tool first and 43 among five (before
    it 37 and 42): what nobody has seen is answered less well than what stands here.
    """
    first, five = hits([q for q in MORE if q["set"] == name])
    assert first >= 0.90
    assert five >= 0.98


def test_plain_phrasings_over_the_estate_have_the_right_tool_first() -> None:
    """Sixty, written by somebody who had seen no description; the table ESTATE of tool_search came after them."""
    index = ranking.index(app.tool_set(settings.load(demo=True)).offered.values())
    first = [ranking.rank(index, one["text"], 1)[0].name == one["tool"] for one in PHRASINGS]
    assert len(first) == 60
    assert sum(first) >= 56


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("list_vm_backups", "list_vm_backups"),  # models search by name too
        ("restore points of a virtual machine", "list_vm_backups"),
        ("Please, could you reboot the DO?", "restart_data_orchestrator_guest_os"),
        ("How do I delete a VM snapshot?", "delete_vm_snapshot"),
        ("PSG", "list_protection_store_gateways"),
        ("approvals", "list_approvals"),
    ],
)
def test_the_field_s_own_words_are_understood(question: str, right: str) -> None:
    index = ranking.index(app.tool_set(settings.load(demo=True)).offered.values())
    assert right in [tool.name for tool in ranking.rank(index, question, 3)]


def test_asking_which_copies_exist_never_proposes_to_change_one_first() -> None:
    index = ranking.index(app.tool_set(settings.load(demo=True)).offered.values())
    for question in ("which backups exist", "what snapshots are there of this VM", "how long is the copy locked"):
        assert not ranking.rank(index, question)[0].gated, question


async def test_three_tools_and_four_over_the_estate_are_listed_and_cost_little(
    connected: Connected, searching: settings.Settings
) -> None:
    async with connected(searching) as client:
        listed = (await client.list_tools()).tools
    beside = ["check_health", "check_protection", "describe_asset", "find_recovery_points"]
    assert [tool.name for tool in listed] == ["find_tools", "call_read_tool", "call_write_tool", *beside]
    size = len(json.dumps([t.model_dump(by_alias=True, mode="json", exclude_none=True) for t in listed]).encode())
    assert size / 4 <= 3500
    assert [t.name for t in listed if t.annotations and not t.annotations.read_only_hint] == ["call_write_tool"]


def test_the_seven_tools_over_the_estate_cost_little() -> None:
    listed = [to_mcp_tool(t) for t in app.tool_set(settings.load(toolsets="fleet")).offered.values()]
    fleet = [t for t in listed if t.name in {tool.name for tool in estate.FLEET}]
    assert len(fleet) == 7
    size = len(json.dumps([t.model_dump(by_alias=True, mode="json", exclude_none=True) for t in fleet]).encode())
    assert size / 4 <= 4600


async def test_a_read_only_server_has_no_tool_that_writes(connected: Connected) -> None:
    async with connected(settings.load(demo=True, surface="search", read_only=True)) as client:
        assert [t.name for t in (await client.list_tools()).tools][:2] == ["find_tools", "call_read_tool"]
        answer = result_text(await client.call_tool("find_tools", {"query": "delete a VM backup", "limit": 10}))
        assert "delete_vm_backup" not in answer
        refused = await client.call_tool("call_read_tool", {"name": "delete_vm_backup", "arguments": {}})
    assert refused.is_error


async def test_what_is_found_can_be_called_as_it_was_described(
    connected: Connected, searching: settings.Settings
) -> None:
    async with connected(searching) as client:
        answer = result_text(await client.call_tool("find_tools", {"query": "list all VMs"}))
        assert answer.startswith("list_vms [read]")
        schema = json.loads(re.search(r"arguments: (\{.*\})", answer)[1])  # type: ignore[index]
        assert "filter" in schema["properties"]
        result = await client.call_tool("call_read_tool", {"name": "list_vms", "arguments": {"limit": 1}})
    assert not result.is_error
    assert "400" in result_text(result)


async def test_arguments_that_arrive_as_json_text_are_read(connected: Connected, searching: settings.Settings) -> None:
    async with connected(searching) as client:
        result = await client.call_tool("call_read_tool", {"name": "list_vms", "arguments": '{"limit": 0}'})
        broken = await client.call_tool("call_read_tool", {"name": "list_vms", "arguments": "limit"})
    assert not result.is_error
    assert broken.is_error


async def test_the_read_tool_never_writes(
    connected: Connected, searching: settings.Settings, tenant: Any, all_tools: tuple[registry.Tool, ...]
) -> None:
    async with connected(searching) as client:
        for tool in all_tools:
            if tool.danger is not Danger.READ:
                result = await client.call_tool("call_read_tool", {"name": tool.name, "arguments": {"confirm": "x"}})
                assert result.is_error
                assert "not a read" in result_text(result)
    assert not [r for r in tenant.state.tenant.requests if r.path.startswith("/backup-recovery")]


async def test_no_gated_tool_gets_through_without_its_confirm(
    connected: Connected, searching: settings.Settings, tenant: Any, all_tools: tuple[registry.Tool, ...]
) -> None:
    async with connected(searching) as client:
        for tool in all_tools:
            if tool.gated:
                result = await client.call_tool("call_write_tool", {"name": tool.name, "arguments": {}})
                assert result.is_error
                assert "confirm" in result_text(result)
    assert not [r for r in tenant.state.tenant.requests if r.method != "GET" and "/token" not in r.path]


async def test_a_gated_tool_previews_and_runs_through_the_write_tool(
    connected: Connected, searching: settings.Settings, tenant: Any
) -> None:
    async with connected(searching) as client:
        listed = await client.call_tool(
            "call_read_tool", {"name": "list_protection_jobs", "arguments": {"limit": 1, "output": "json"}}
        )
        job = listed.structured_content["items"][0]["id"]
        call = {"name": "suspend_protection_job", "arguments": {"protectionJobId": job, "confirm": "preview"}}
        preview = result_text(await client.call_tool("call_write_tool", call))
        code = re.search(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b", preview)
        assert code, preview
        call["arguments"]["confirm"] = code[0]  # type: ignore[index]
        done = await client.call_tool("call_write_tool", call)
    assert not done.is_error, result_text(done)
    assert [r for r in tenant.state.tenant.requests if r.method == "POST" and r.path.endswith("/suspend")]


async def test_bad_questions_are_answered_in_sentences(connected: Connected, searching: settings.Settings) -> None:
    async with connected(searching) as client:
        questions: list[dict[str, Any]] = [{}, {"query": ""}, {"query": 3}]
        for arguments in (*questions, {"query": "vms", "limit": 99}, {"query": "vms", "limit": True}):
            assert (await client.call_tool("find_tools", arguments)).is_error
        nothing = await client.call_tool("find_tools", {"query": "xyzzy plugh"})
        assert "There are tools for" in result_text(nothing)
        calls: list[dict[str, Any]] = [{}, {"name": 3}, {"name": "list_vms", "arguments": [1]}, {"name": "nope"}]
        for arguments in calls:
            assert (await client.call_tool("call_read_tool", arguments)).is_error
