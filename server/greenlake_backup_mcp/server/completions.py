"""Completions: arguments of prompts and resources from what the tenant has now, remembered for a minute.

Reads by the same way as every call. A service that does not answer completes nothing and breaks nothing.
Knows MCP's completions; must not know the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mcp.types import CompleteRequestParams, CompleteResult, Completion, PromptReference, ResourceTemplateReference

from greenlake_backup_mcp.dispatch import arguments
from greenlake_backup_mcp.dispatch.context import CallContext
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists.read import pages
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client

from . import resources

MOST = 100  # values of one answer, by the protocol
READ = 1000  # names read of one list
MEMORY_SECONDS = timedelta(minutes=1)

# argument of a prompt -> the list tools that know its values
SOURCES: Mapping[str, tuple[str, ...]] = {
    "vm": ("list_vms",),
    "what": (
        "list_datastores",
        "list_protection_store_gateways",
        "list_data_orchestrators",
        "list_protection_policies",
    ),
}
HOURS, DAYS = ("12", "24", "48", "72", "168"), ("1", "3", "7", "14", "30", "90")
FIXED: Mapping[str, tuple[str, ...]] = {"hours": HOURS, "days": DAYS}


@dataclass
class Completer:
    """What completes arguments, with its short memory of names by list."""

    memory: dict[str, tuple[datetime, tuple[str, ...]]] = field(default_factory=dict)

    async def complete(
        self, context: CallContext, tools: Mapping[str, Tool], params: CompleteRequestParams
    ) -> CompleteResult:
        """The values that contain what was typed, those that begin with it first."""
        typed = params.argument.value.casefold()
        values = [v for v in await self._values(context, tools, params) if typed in v.casefold()]
        values.sort(key=lambda value: (not value.casefold().startswith(typed), value.casefold()))
        first = Completion(values=values[:MOST], total=len(values), has_more=len(values) > MOST)
        return CompleteResult(completion=first)

    async def _values(
        self, context: CallContext, tools: Mapping[str, Tool], params: CompleteRequestParams
    ) -> tuple[str, ...]:
        name = params.argument.name
        if isinstance(params.ref, ResourceTemplateReference):
            is_tool = params.ref.uri == resources.TEMPLATE and name == "tool"
            return tuple(t.name for t in tools.values() if t.operation) if is_tool else ()
        if not isinstance(params.ref, PromptReference) or context.problem is not None:
            return ()
        values = [
            value
            for tool in SOURCES.get(name, ())
            if tool in tools
            for value in await self._names(context, tools[tool])
        ]
        return tuple(dict.fromkeys((*FIXED.get(name, ()), *values)))

    async def _names(self, context: CallContext, tool: Tool) -> tuple[str, ...]:
        now = context.api.now()
        remembered = self.memory.get(tool.name)
        if remembered and now - remembered[0] < MEMORY_SECONDS:
            return remembered[1]
        try:
            request = arguments.build_request(tool, {})
            reply = await client.send(context.api, replace(request, query=(("limit", str(READ)),)))
            items = pages.parse_page(reply.body, request.operation_id).items
        except BackupError:
            return ()
        names = (sanitize.cell(str(item.get("displayName") or item.get("name") or "")) for item in items)
        self.memory[tool.name] = (now, tuple(name for name in names if name))
        return self.memory[tool.name][1]
