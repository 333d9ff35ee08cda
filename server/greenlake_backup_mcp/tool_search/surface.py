"""`--surface search`: three tools that find and call all the others, beside the four that answer over the estate.

Finding gives names, hints and arguments; calling goes through the dispatcher, with the same gates. Reads and writes
have a tool each, so that a client's own permission for the one says nothing about the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from greenlake_backup_mcp.dispatch import dispatcher, results
from greenlake_backup_mcp.dispatch.arguments import prepare
from greenlake_backup_mcp.dispatch.context import CallContext
from greenlake_backup_mcp.dispatch.dispatcher import Result
from greenlake_backup_mcp.errors import BackupError, InputError, PolicyRefusal
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.tools import roles
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool, own_tool

if TYPE_CHECKING:
    from greenlake_backup_mcp.consent.proposals import Caller

    from . import ranking

MOST, USUAL = 10, 5  # tools of one answer


_CALL = {
    "name": {"type": "string", "description": "Name of the tool, as find_tools gave it."},
    "arguments": {"type": "object", "description": "Its arguments, by the schema that find_tools gave."},
}
_QUESTION = {
    "query": {"type": "string", "description": "What is to be known or done."},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "description": f"Tools given; default {USUAL}."},
}
FIND = own_tool(
    "find_tools", "Find tools",
    "Finds the tools of this server for a task: their names, what they do, the schema of their arguments. "
    'Ask in words: "which VMs are unprotected", "restore a SQL database". Then call_read_tool or call_write_tool.',
    "search", Danger.READ, _QUESTION, required=["query"],
)  # fmt: skip
READ = own_tool(
    "call_read_tool", "Call a tool that reads",
    "Calls a tool that find_tools marked [read]. It changes nothing, and refuses every other tool.",
    "search", Danger.READ, _CALL, required=["name"],
)  # fmt: skip
WRITE = own_tool(
    "call_write_tool", "Call a tool that changes things",
    "Calls a tool that changes, destroys or reveals things. Those marked [gated] need `confirm` among the arguments: "
    'first "preview", which shows the effect and gives a code; show it to the person, and only with their consent '
    "repeat the call with the code.",
    "search", Danger.DESTROY, _CALL, required=["name", "arguments"],
)  # fmt: skip
TOOLS = (FIND, READ, WRITE)
BESIDE = ("check_health", "check_protection", "describe_asset", "find_recovery_points")
"""Tools that stand beside the three, where they are offered: what is asked every day takes no search."""


@dataclass(frozen=True)
class Surface:
    """The three tools over the tools that this server offers."""

    tools: tuple[Tool, ...]

    @cached_property
    def index(self) -> ranking.Index:
        """What questions are compared with; made at the first question."""
        from . import ranking  # noqa: PLC0415  # its tables are compiled: not before tools/list

        return ranking.index(self.tools)

    async def call(self, context: CallContext, name: str, arguments: Mapping[str, Any], caller: Caller) -> Result:
        """The result of one of the three. Problems are results too, never exceptions."""
        try:
            if name == FIND.name:
                return results.text_result(self._find(context, arguments), context.settings)
            values = prepare(WRITE if name == WRITE.name else READ, arguments)
            inner, arguments = values["name"], values.get("arguments", {})
            tool = context.tools.get(inner)
            # where nothing may be changed, dispatcher.py says why
            writable = not context.settings.read_only and roles.role_allows(context.role, WRITE)
            if name == READ.name and writable and tool is not None and tool.danger is not Danger.READ:
                raise PolicyRefusal(f"{inner} is not a read.", hint=f"Call it with {WRITE.name}.")
            if name == WRITE.name and tool is not None and tool.gated and "confirm" not in arguments:
                raise InputError(f"{inner} needs confirm.", hint='Begin with confirm: "preview" among its arguments.')
        except BackupError as problem:
            return results.error_result(problem, context.settings)
        except Exception as fault:  # as in the dispatcher; what is called within has its own
            call_log.LOGGER.debug("fault", exc_info=True)
            return results.fault_result(name, fault, context.settings)
        return await dispatcher.call(context, inner, arguments, caller)

    def _find(self, context: CallContext, arguments: Mapping[str, Any]) -> list[str]:
        if context.problem is not None:
            raise context.problem
        values = prepare(FIND, arguments)
        from . import ranking  # noqa: PLC0415

        hits = [t for t in ranking.rank(self.index, values["query"][:500], MOST) if roles.role_allows(context.role, t)]
        if not hits:
            toolsets = dict.fromkeys(t.toolset for t in self.tools)
            return [f"No tool answers to these words. There are tools for: {', '.join(toolsets)}."]
        return [line for tool in hits[: values.get("limit", USUAL)] for line in _describe(tool)]


def search_tools(offered: Mapping[str, Tool], *, read_only: bool) -> tuple[Tool, ...]:
    """What a server lists that offers these tools: the three (two where nothing can be changed), and those beside."""
    return (*(TOOLS[:2] if read_only else TOOLS), *(offered[name] for name in BESIDE if name in offered))


def _describe(tool: Tool) -> list[str]:
    """A tool in two lines."""
    mark = "read" if tool.danger is Danger.READ else f"gated: {tool.danger.value}" if tool.gated else "write"
    schema = json.dumps(tool.input_schema, separators=(",", ":"), ensure_ascii=False)
    return [f"{tool.name} [{mark}] {tool.title}. {tool.description}", f"  arguments: {schema}"]
