"""The effect of a call over a simulated tenant, as its preview tells it."""

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch import arguments as arguments_
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import client
from tests.conftest import NOW

TOOLS = {t.name: t for t in registry.tools()}


async def describe(app: Any, name: str, inputs: dict[str, Any]) -> Effect:
    """What a call would do to the tenant of `app`, by what is read now."""
    tool = TOOLS[name]
    confirm = {"confirm": "preview"} if tool.gated else {}
    async with client.connect(settings.load(demo=True, rate=1_000_000), app=app, now=lambda: NOW) as api:
        prepared = arguments_.prepare(tool, {**inputs, **confirm})
        target = await effects.read_target(api, TOOLS, tool, prepared, arguments_.build_request(tool, prepared))
        return await effects.describe_effect(api, tool, prepared, target, NOW)
