"""A call of one of the tools that only clients with views have: checked, carried out, its problems told.

Knows the order of things; what each tool does is in `cards` and `pictures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.types import CallToolResult, TextContent

from greenlake_backup_mcp.consent.proposals import Caller
from greenlake_backup_mcp.dispatch import arguments, results
from greenlake_backup_mcp.dispatch.context import CallContext
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.observability import call_log

from . import cards, tools
from .tools import ViewCall


async def read_view(request: ViewCall) -> CallToolResult:
    """The data of a picture."""
    from . import pictures  # noqa: PLC0415  # with the catalog below it: a card needs neither

    drawn = await pictures.read_view(request)
    result = CallToolResult(content=[TextContent(text=f"Data of a picture: {request.values['view']}.")])
    result.structured_content = {**drawn, "demo": request.context.settings.demo}
    return results.mask_result(result, request.context.api.transport.mask)


WORK = {
    tools.CHANGE_STATUS.name: cards.change_status,
    tools.OPEN_CARD.name: cards.open_card,
    tools.ANSWER_CARD.name: cards.answer_card,
    tools.READ_VIEW.name: read_view,
}


async def call(context: CallContext, name: str, raw: Mapping[str, Any], caller: Caller, version: str) -> CallToolResult:
    """The result of one of these tools; `version`: of the card's page. Problems are results, never exceptions."""
    caller = replace(caller, role=context.role)
    with call_log.call(name, caller.principal) as line:
        try:
            if context.problem is not None:
                raise context.problem
            tool = tools.TOOLS[name]
            if (excess := arguments.size_problem(tool, raw)) is not None:
                raise excess
            return await WORK[name](ViewCall(context, caller, arguments.prepare(tool, raw), version))
        except BackupError as problem:
            line.outcome = problem.code
            return results.error_result(problem, context.settings)
        except Exception as fault:  # the top, as in the dispatcher
            line.outcome = type(fault).__name__
            call_log.LOGGER.debug("fault", exc_info=True)
            return results.fault_result(name, fault, context.settings, began=line.writes > 0)
