"""Every tool over a tenant all of whose words are attacks and all of whose objects carry secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import registry, toolsets
from tests.conftest import ticking
from tests.support import samples
from tests.support.filled_catalog import with_few_assets
from tests.support.hostile import ATTACK, MARKED, Hostile, harmless
from tests.support.results import CODE

TOOLS = registry.tools()
FLEET: dict[str, dict[str, Any]] = {
    "query_catalog": {"sql": "SELECT * FROM assets LIMIT 20"},
    "find_recovery_points": {"before": "now"},
    "check_health": {"limit": 50},
    "show_dependents": {"name": "unlocked copies"},
    "show_changes": {"since": "now-30d"},
}


def words(result: Any) -> str:
    return "\n".join(part.text for part in result.content) + json.dumps(result.structured_content, ensure_ascii=False)


def recorded(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        assert not re.search("[\u202a-\u202e\u200b\x1b\U000e0041\ud800]|" + MARKED, json.dumps(json.loads(line)))
        harmless(line, "audit", echo=True)  # JSON: no line of its own, whatever it holds


def logged(capsys: pytest.CaptureFixture[str]) -> None:
    lines = capsys.readouterr().err.splitlines()
    assert lines
    for line in lines:
        harmless(line, "log")
        assert "attacker" not in line


@pytest.mark.parametrize("states", [False, True], ids=["names", "states too"])
@pytest.mark.parametrize("toolset", toolsets.TOOLSET_WORDS)
async def test_no_tool_passes_an_attack_or_a_secret_on(
    toolset: str, states: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated, record = with_few_assets(create_app(now=ticking, scale=100_000), groups=3), tmp_path / "audit.jsonl"
    arguments = settings.load(demo=True, wait=0.1, audit_log=record, retries=0, budget=50_000)
    call_log.configure("debug")
    async with Client(mcp_server.create(arguments, app=Hostile(simulated, states=states), now=ticking)) as client:
        for name, asked in FLEET.items() if toolset == "fleet" else ():
            harmless(words(await client.call_tool(name, asked)), name)
            as_json = await client.call_tool(name, {**asked, "output": "json"})
            harmless(words(as_json).replace("\\n", " "), name, echo=True)
        for tool in (t for t in TOOLS if t.toolset == toolset):
            asked = samples.arguments(tool, simulated.state.tenant, full=False)
            if not tool.gated:
                harmless(words(await client.call_tool(tool.name, asked)), tool.name)
                if tool.danger.value == "read":
                    as_json = await client.call_tool(tool.name, {**asked, "output": "json"})
                    harmless(words(as_json).replace("\\n", " "), tool.name, echo=True)
                continue
            preview = words(await client.call_tool(tool.name, {**asked, "confirm": "preview"}))
            harmless(preview, tool.name)
            harmless(words(await client.call_tool(tool.name, {**asked, "confirm": ATTACK})), tool.name, echo=True)
            if code := CODE.findall(preview):
                harmless(words(await client.call_tool(tool.name, {**asked, "confirm": code[-1]})), tool.name)
    if toolset != "plans":
        logged(capsys)
    recorded(record)


@pytest.mark.parametrize("toolset", toolsets.TOOLSET_WORDS)
async def test_what_a_caller_writes_comes_back_harmless(toolset: str) -> None:
    server = mcp_server.create(settings.load(demo=True, retries=0), app=create_app(now=ticking), now=ticking)
    sent = ATTACK.replace("\ud800", "")  # a client cannot encode it
    async with Client(server) as client:
        for tool in (t for t in TOOLS if t.toolset == toolset):
            confirm = {"confirm": "preview"} if tool.gated else {}
            for argument in (*tool.arguments, sent):
                result = await client.call_tool(tool.name, {**confirm, argument: sent})
                harmless(words(result), f"{tool.name} {argument}", echo=True)


async def test_prompts_resources_and_completions_are_harmless(era: str) -> None:
    app = Hostile(create_app(now=ticking))
    server = mcp_server.create(settings.load(demo=True, retries=0), app=app, now=ticking)
    sent = ATTACK.replace("\ud800", "")
    async with Client(server, mode=era) as client:
        for prompt in (await client.list_prompts()).prompts:
            for argument in prompt.arguments or ():
                arguments = {a.name: sent if a is argument else "1" for a in prompt.arguments or ()}
                try:
                    filled = await client.get_prompt(prompt.name, arguments)
                except MCPError as refused:
                    harmless(str(refused), prompt.name, echo=True)
                else:
                    for message in filled.messages:
                        harmless(message.content.text, prompt.name, echo=True)  # type: ignore[union-attr]
                reference = PromptReference(type="ref/prompt", name=prompt.name)
                actual = await client.complete(reference, {"name": argument.name, "value": ""})
                for value in actual.completion.values:
                    harmless(value, f"{prompt.name} {argument.name}", echo=True)
                    assert "\n" not in value
        for resource in (await client.list_resources()).resources:
            for content in (await client.read_resource(str(resource.uri))).contents:
                assert MARKED not in content.text  # type: ignore[union-attr]
        with pytest.raises(MCPError) as unread:
            await client.read_resource(f"greenlake-backup://operations/{sent}")
        harmless(str(unread.value), "resource", echo=True)


async def test_a_plan_and_a_task_over_attacks_are_told_harmlessly(tmp_path: Path) -> None:
    simulated, record = create_app(now=ticking, scale=100_000), tmp_path / "audit.jsonl"
    tool = next(t for t in TOOLS if t.name == "delete_vm_backup")
    calls = [{"tool": tool.name, "arguments": samples.arguments(tool, simulated.state.tenant, full=False)}]
    arguments = settings.load(demo=True, wait=1, audit_log=record, retries=0)
    async with Client(mcp_server.create(arguments, app=Hostile(simulated), now=ticking)) as client:
        preview = words(await client.call_tool("run_plan", {"calls": calls, "confirm": "preview"}))
        harmless(preview, "plan")
        report = words(await client.call_tool("run_plan", {"calls": calls, "confirm": CODE.findall(preview)[-1]}))
        harmless(report, "plan")
        for task in simulated.state.tenant.tasks:
            harmless(words(await client.call_tool("wait_for_task", {"taskId": task})), "task")
    recorded(record)
