"""The person signs the whole request: a seeded sample of `python -m tests.consent_invariant`, and the same over MCP."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitResult

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.simulator.server.app import create_app
from tests import consent_invariant as invariant
from tests.conftest import NOW
from tests.support.results import CODE, text_of

TIMED = re.compile(r"D-[0-9a-f]{16}")


async def test_each_leaf_changed_added_or_removed_changes_the_difference_the_code_and_the_text() -> None:
    counts, bad = await invariant.violations(60)
    assert min(counts["changed"], counts["removed"], counts["added"]) > 0
    assert not bad


@pytest.mark.parametrize("form", ["call", "plan", "question"])
async def test_a_leaf_that_is_otherwise_reads_otherwise_whatever_the_form_of_consent(form: str, era: str) -> None:
    tenant = create_app(now=lambda: NOW, seed=7)
    tools = [t for t in invariant.WRITING if t.gated or form == "call"]
    dice = random.Random(form + era)
    every = [m for tool in dice.sample(tools, 8) for m in invariant.mutations(tool, tenant.state.tenant)]
    # where nothing is offered nothing is asked: those are judged by the sample above
    chosen = dice.sample([m for m in every if m.kind == "changed" and not m.silent], 6)
    asked: list[str] = []

    async def decline(_: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline")

    options: dict[str, Any] = {"elicitation_callback": decline} if form == "question" else {}
    server = app.create(settings.load(demo=True, rate=1_000_000), app=tenant, now=lambda: NOW)
    async with Client(server, mode=era, **options) as client:
        for mutation in chosen:
            texts = [
                await _read(client, form, mutation.tool.name, inputs, asked)
                for inputs in (mutation.before, mutation.after)
            ]
            assert texts[0] != texts[1], str(mutation)


async def _read(client: Client, form: str, tool: str, inputs: dict[str, Any], asked: list[str]) -> str:
    """What the person reads of a call: its preview, its row in a plan, or the question."""
    name, arguments = (
        (tool, inputs) if form != "plan" else ("run_plan", {"calls": [{"tool": tool, "arguments": inputs}]})
    )
    if invariant.TOOLS[tool].gated:
        result = await client.call_tool(name, {**arguments, "confirm": "preview"})
    else:
        result = await client.call_tool("preview_call", {"tool": tool, "arguments": inputs})
    text = text_of(result)
    code = CODE.search(text)
    if form == "question" and code:
        asked.clear()
        await client.call_tool(name, {**arguments, "confirm": code[1]})
        assert asked
        text = asked[0]
    return TIMED.sub("", CODE.sub("", text))
