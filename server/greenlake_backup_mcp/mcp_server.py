"""The MCP surface: tools listed and called, the stdio transport.

Knows MCP and hands each call to calls.py. Must not know HTTP to the service, nor judge any operation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import CacheHint, NotificationOptions, Server, ServerRequestContext
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
    ToolAnnotations,
)
from mcp.types import Tool as ListedTool

from . import __version__, catalog, composed, instructions, roles
from .catalog import Tool
from .consent import codes
from .danger import Danger
from .errors import BackupError
from .guides import handlers as guides
from .running import Running
from .settings import Settings

if TYPE_CHECKING:
    from .calls import Desk
    from .consent.used_redis import UsedInRedis

NAME = "greenlake-backup-mcp"


@dataclass(frozen=True)
class Offer:
    """All tools known to this server, and those it offers, by name and in order."""

    known: dict[str, Tool]
    offered: dict[str, Tool]


@dataclass
class Opening:
    """The desk of this process, opened by the first call: tools/list does not wait for what only calls need."""

    open: Callable[[], AbstractAsyncContextManager[Desk]]
    stack: AsyncExitStack
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    desks: dict[roles.Role, Desk] = field(default_factory=dict)

    async def desk(self, role: roles.Role = "destroy") -> Desk:
        """The desk as callers of a role have it; closed with the server."""
        if role not in self.desks:
            async with self.lock:
                if not self.desks:
                    desk = await self.stack.enter_async_context(self.open())
                    self.desks.update({each: replace(desk, role=each) for each in roles.ROLES})
        return self.desks[role]


def offer(settings: Settings) -> Offer:
    """The tools of the descriptions and the two composed by us, as the settings select them."""
    everything = (*catalog.tools(settings.spec), *composed.TOOLS)
    toolsets = [name.strip() for name in settings.toolsets.split(",") if name.strip()]
    chosen = catalog.selected(everything, toolsets, settings.read_only)
    return Offer({t.name: t for t in everything}, {t.name: t for t in chosen})


def listed(tool: Tool) -> ListedTool:
    """The tool as tools/list shows it; all four hints follow from its danger and method."""
    method = tool.operation.method if tool.operation else "GET" if tool.danger is Danger.READ else "POST"
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.danger is Danger.READ,
            destructive_hint=tool.gated,
            idempotent_hint=tool.danger is Danger.READ or method in ("PUT", "PATCH", "DELETE"),
            open_world_hint=True,
        ),
    )


def create(  # noqa: PLR0913  what a server is made of
    settings: Settings,
    *,
    app: Any = None,
    now: Callable[[], datetime] | None = None,
    problem: BackupError | None = None,
    logins: bool = False,
    running: Running | None = None,
) -> Server[Opening]:
    """The server over the tenant of the settings, or over `app`, a simulated tenant in this process.

    With `logins` nobody is served who did not show a token.
    The calls under way are in `running`, for whoever ends the server.
    With `problem` every call answers with it: a person sees the cure in the client instead of a dead server.
    """
    tools = offer(settings)
    under_way = running or Running()
    seal = RequestStateSecurity(keys=codes.keys(settings, "request state"), ttl=codes.QUESTION_SECONDS)
    surface = None
    if settings.surface == "search":
        from .search import surface as search  # noqa: PLC0415

        surface = search.Surface(tuple(tools.offered.values()))
    visible = {t.name: t for t in (search.listed(settings.read_only) if surface else tools.offered.values())}
    shown = {tool.name: listed(tool) for tool in visible.values()}
    pages = {
        role: ListToolsResult(tools=[shown[t.name] for t in visible.values() if roles.allows(role, t)])
        for role in roles.ROLES
    }

    def role() -> roles.Role:
        login = get_access_token()
        if login is None and logins:  # the doors let nobody through without one
            raise MCPError(code=INVALID_REQUEST, message="This server needs a login.")
        return roles.of(login.scopes) if login else "destroy"

    def allowed() -> dict[str, Tool]:
        return {name: tool for name, tool in tools.offered.items() if roles.allows(role(), tool)}

    @asynccontextmanager
    async def lifespan(_: Server[Opening]) -> AsyncIterator[Opening]:
        async with AsyncExitStack() as stack:
            yield Opening(lambda: _desk(settings, tools, app, now, problem), stack)

    async def list_tools(ctx: ServerRequestContext[Opening], params: PaginatedRequestParams | None) -> ListToolsResult:
        if params and params.cursor is not None:
            raise MCPError(code=INVALID_PARAMS, message="There is one page of tools: no cursor was given out.")
        return pages[role()]

    async def call_tool(
        ctx: ServerRequestContext[Opening], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        from . import calls  # noqa: PLC0415  # with all below them: needed by the first call, not by tools/list
        from .consent import confirm  # noqa: PLC0415  # with all below them: needed by the first call, not by tools/list

        if surface and params.name in visible:
            desk = await ctx.lifespan_context.desk(role())
            found = surface.call(desk, params.name, params.arguments or {}, confirm.caller(ctx, params))
            return await under_way.ended(found, visible[params.name], settings)
        if params.name not in tools.known:
            import difflib  # noqa: PLC0415

            near = difflib.get_close_matches(params.name, visible, 3, 0.5)
            cure = f" Did you mean {' or '.join(near)}?" if near else ""
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown tool: {params.name[:80]!r}.{cure}")
        desk = await ctx.lifespan_context.desk(role())
        result = calls.call(desk, params.name, params.arguments or {}, confirm.caller(ctx, params))
        return await under_way.ended(result, tools.known[params.name], settings)

    server: Server[Opening] = Server(
        NAME,
        version=__version__,
        title="HPE GreenLake Backup and Recovery",
        instructions=instructions.told(tools.offered, search=surface is not None),
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="private" if logins else "public")},
        get_tool_input_schema=lambda _: None,  # read at each call for `x-mcp-header`, which none of ours has
        **guides.handlers(allowed, search=surface is not None),
    )
    server.middleware.append(RequestStateBoundary(seal, default_audience=NAME))
    return server


@asynccontextmanager
async def _desk(
    settings: Settings,
    tools: Offer,
    app: Any,
    now: Callable[[], datetime] | None,
    problem: BackupError | None,
) -> AsyncIterator[Desk]:
    from . import calls  # noqa: PLC0415
    from .consent import proposals  # noqa: PLC0415
    from .service import rest  # noqa: PLC0415

    try:
        used = _used(settings)
        consent = proposals.consent(settings, used)
    except BackupError as error:  # an audit log that cannot be written, for one: nothing is called without it
        problem, used = problem or error, None
        consent = proposals.consent(Settings.model_construct())
    async with rest.connect(settings, app=app, now=now) as api:
        try:
            yield calls.Desk(api, tools.known, tools.offered, consent, problem=problem)
        finally:
            if used is not None:
                await used.close()


def _used(settings: Settings) -> UsedInRedis | None:
    """Where replicas share which codes were used; None: each process remembers its own."""
    if settings.redis_url is None:
        return None
    from .consent import used_redis  # noqa: PLC0415

    return used_redis.UsedInRedis(settings.redis_url.get_secret_value())


async def serve_stdio(server: Server[Opening]) -> None:
    """Serve one client on stdin and stdout until it closes them."""
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options(NotificationOptions()))
