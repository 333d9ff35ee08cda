"""The MCP surface: tools listed and called.

Knows MCP and hands each call to the dispatcher. Must not know HTTP to the service, nor judge any operation.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
)

from greenlake_backup_mcp import __version__
from greenlake_backup_mcp.consent import codes
from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools import builtin, registry, roles
from greenlake_backup_mcp.tools.registry import Tool

from . import handlers as guides
from . import instructions, view_surface
from .process_context import Background, LazyContext, ToolSet, fill_catalog, open_context
from .tool_listing import to_mcp_tool

if TYPE_CHECKING:
    from greenlake_backup_mcp.tool_search.surface import Surface

NAME = "greenlake-backup-mcp"


def tool_set(settings: Settings) -> ToolSet:
    """The tools of the descriptions and the two composed by us, as the settings select them."""
    if settings.reading:
        from greenlake_backup_mcp.upstream import readings  # noqa: PLC0415  nearly nobody fixes one

        readings.parse(settings.reading)
    everything = (*registry.tools(settings.spec), *builtin.TOOLS)
    toolsets = [name.strip() for name in settings.toolsets.split(",") if name.strip()]
    chosen = registry.select(everything, toolsets, settings.read_only)
    return ToolSet({t.name: t for t in everything}, {t.name: t for t in chosen})


def _surface(settings: Settings, tools: ToolSet) -> tuple[Surface | None, dict[str, Tool]]:
    """The surface that finds and calls tools, where it was chosen; the tools that are listed, by name."""
    if settings.surface != "search":
        return None, tools.offered
    from greenlake_backup_mcp.tool_search import surface as search  # noqa: PLC0415

    listed = search.search_tools(tools.offered, read_only=settings.read_only)
    return search.Surface(tuple(tools.offered.values())), {tool.name: tool for tool in listed}


def create(  # noqa: PLR0913  what a server is made of
    settings: Settings,
    *,
    app: Any = None,
    now: Callable[[], datetime] | None = None,
    problem: BackupError | None = None,
    logins: bool = False,
    running: InFlightCalls | None = None,
    replicas: bool = False,
) -> Server[LazyContext]:
    """The server over the tenant of the settings, or over `app`, a simulated tenant in this process.

    With `logins` nobody is served who did not show a token; with `replicas` the seal of questions comes from the shared
    secret. On stdio it is random: whoever reads this user's files must not be able to answer a question.
    The calls under way are in `running`, for whoever ends the server.
    With `problem` every call answers with it: a person sees the cure in the client instead of a dead server.
    """
    tools = tool_set(settings)
    under_way = running or InFlightCalls()
    seal_keys = codes.keys(settings, "request state") if replicas else (secrets.token_bytes(32),)
    seal = RequestStateSecurity(keys=seal_keys, ttl=codes.QUESTION_SECONDS)
    surface, visible = _surface(settings, tools)
    listed_tools = {tool.name: to_mcp_tool(tool) for tool in visible.values()}
    pages = {
        role: ListToolsResult(tools=[listed_tools[t.name] for t in visible.values() if roles.role_allows(role, t)])
        for role in roles.ROLES
    }
    card_keys = codes.keys(settings, "cards") if replicas else (secrets.token_bytes(32),)
    views = view_surface.ViewSurface(settings, card_keys, visible)

    def role() -> roles.Role:
        login = get_access_token()
        if login is None and logins:  # the middleware lets nobody through without one
            raise MCPError(code=INVALID_REQUEST, message="This server needs a login.")
        return roles.role_of(login.scopes) if login else "destroy"

    def allowed() -> dict[str, Tool]:
        return {name: tool for name, tool in tools.offered.items() if roles.role_allows(role(), tool)}

    @asynccontextmanager
    async def lifespan(_: Server[LazyContext]) -> AsyncIterator[LazyContext]:
        async with AsyncExitStack() as outer, anyio.create_task_group() as group, AsyncExitStack() as stack:
            background = Background(group, outer)
            opened = partial(open_context, settings, tools, app, now, problem, background, under_way, card_keys)
            context = LazyContext(opened, stack)
            if settings.catalog_fill and problem is None:
                group.start_soon(fill_catalog, context)
            try:
                yield context
            finally:
                await background.end_plans(settings.wait + 2 * settings.timeout)
                group.cancel_scope.cancel()

    async def list_tools(
        ctx: ServerRequestContext[LazyContext], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        guides.refuse_cursor(params)
        return views.list_tools(ctx, role(), pages[role()])

    async def call_tool(
        ctx: ServerRequestContext[LazyContext], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        begun = time.monotonic()
        from greenlake_backup_mcp.consent import gate  # noqa: PLC0415  # with all below them: needed by the first call, not by tools/list
        from greenlake_backup_mcp.dispatch import dispatcher  # noqa: PLC0415  # with all below them: needed by the first call, not by tools/list

        of_views = views.has(ctx, params.name)
        tool = tools.all.get(params.name) or visible.get(params.name)
        if tool is None and not of_views:
            from greenlake_backup_mcp.text import suggest  # noqa: PLC0415

            cure = suggest.suggestion(params.name, visible, cutoff=0.6)
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown tool: {params.name[:80]!r}. {cure}".rstrip())
        context = await ctx.lifespan_context.for_role(role())
        if tool is None or of_views:
            return await views.call(ctx, params, context, under_way)
        caller = replace(gate.caller(ctx, params), begun=begun)
        work = surface.call if surface and params.name not in tools.all else dispatcher.call
        call = partial(work, context, params.name, params.arguments or {}, caller)
        return views.refer(ctx, params, await under_way.run(call, tool, settings, caller.principal))

    server: Server[LazyContext] = Server(
        NAME,
        version=__version__,
        title="HPE GreenLake Backup and Recovery",
        instructions=instructions.instructions_for(tools.offered, search=surface is not None),
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        cache_hints={
            "tools/list": CacheHint(ttl_ms=3_600_000, scope="private")
        },  # it depends on what the client can do
        get_tool_input_schema=lambda _: None,  # read at each call for `x-mcp-header`, which none of ours has
        **guides.handlers(allowed, views, search=surface is not None),
    )
    view_surface.announce(server)
    server.middleware.append(RequestStateBoundary(seal, default_audience=NAME))
    return server
