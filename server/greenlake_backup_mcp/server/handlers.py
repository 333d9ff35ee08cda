"""What a person can learn from the server itself: prompts, resources and completions, as handlers of the MCP server.

Imports what they need at the first such request: tools/list waits for none of it. Must not know HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.registry import Tool

from .view_surface import ViewSurface

Context = ServerRequestContext[Any]


def refuse_cursor(params: PaginatedRequestParams | None) -> None:
    """Raise for a cursor: each list is one page, so none was given out (MCP, utilities/pagination: -32602)."""
    if params and params.cursor is not None:
        raise MCPError(code=INVALID_PARAMS, message="This list is one page: no cursor was given out.")


async def _read_evidence(ctx: Context, uri: str) -> ReadResourceResult:
    """The evidence of a check, worked out now."""
    from . import resources  # noqa: PLC0415

    context = await ctx.lifespan_context.for_role()
    address = uri.removeprefix(resources.EVIDENCE)
    try:
        return resources.text_resource(uri, *await context.catalog.evidence(address, _no_progress))
    except BackupError as problem:
        raise MCPError(code=INVALID_PARAMS, message=f"{problem.message} {problem.hint}".strip()) from None


async def _no_progress(done: float, total: float | None, message: str) -> None:
    """Resources are read without progress."""


def handlers(allowed: Callable[[], Mapping[str, Tool]], views: ViewSurface, *, search: bool) -> dict[str, Any]:
    """The handlers by the name under which a Server takes them; `allowed` gives the tools of whoever asks."""
    completer: list[Any] = []

    async def list_prompts(_ctx: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        from . import prompts  # noqa: PLC0415

        refuse_cursor(params)
        return ListPromptsResult(prompts=[prompts.list_prompts(prompt) for prompt in prompts.enabled(allowed())])

    async def get_prompt(_ctx: Context, params: GetPromptRequestParams) -> GetPromptResult:
        from . import prompts  # noqa: PLC0415

        return prompts.fill(allowed(), params.name, params.arguments or {}, search=search)

    async def list_resources(ctx: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        from . import resources  # noqa: PLC0415

        refuse_cursor(params)
        return ListResourcesResult(
            resources=[*resources.list_resources(allowed().values()), *views.list_resources(ctx)]
        )

    async def list_templates(_ctx: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        from . import resources  # noqa: PLC0415

        refuse_cursor(params)
        templates = [template for tool, template in resources.TEMPLATES.items() if not tool or tool in allowed()]
        return ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(ctx: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        from . import resources  # noqa: PLC0415

        if params.uri.startswith(resources.EVIDENCE) and "check_protection" in allowed():
            return await _read_evidence(ctx, params.uri)
        if (page := views.read(ctx, params.uri)) is not None:
            return page
        if not params.uri.startswith(resources.DIFFERENCES):
            return resources.read(allowed(), params.uri)
        from greenlake_backup_mcp.consent import gate  # noqa: PLC0415

        context = await ctx.lifespan_context.for_role()
        reference, now = params.uri.removeprefix(resources.DIFFERENCES), context.api.now()
        try:
            lines = context.consent.differences.whole(gate.principal(ctx), reference, now)
        except InputError as problem:
            raise MCPError(code=INVALID_PARAMS, message=f"{problem.message} {problem.hint}") from None
        return resources.text_resource(params.uri, "text/plain", sanitize.clean("\n".join(lines)))

    async def complete(ctx: Context, params: CompleteRequestParams) -> CompleteResult:
        from . import completions  # noqa: PLC0415

        if not completer:
            completer.append(completions.Completer())
        result: CompleteResult = await completer[0].complete(await ctx.lifespan_context.for_role(), allowed(), params)
        return result

    return {
        "on_list_prompts": list_prompts,
        "on_get_prompt": get_prompt,
        "on_list_resources": list_resources,
        "on_list_resource_templates": list_templates,
        "on_read_resource": read_resource,
        "on_completion": complete,
    }
