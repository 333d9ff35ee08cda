"""What clients that show views are told beside the others: views of tools, tools of views, and the views themselves.

Others are told nothing of it. Imports what it needs when the first such client asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from mcp.server import Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    ReadResourceResult,
    Resource,
)

from greenlake_backup_mcp.consent import elicitation
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools import roles
from greenlake_backup_mcp.tools.builtin import PREVIEW_CALL
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from .tool_listing import to_mcp_tool

if TYPE_CHECKING:
    from greenlake_backup_mcp.dispatch.context import CallContext
    from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
    from greenlake_backup_mcp.views.pages import Pages

MODEL, VIEW = "model", "app"  # who may call a tool
REFERS = ("asset", "kind", "timeZone")  # arguments that say what a picture is of


@dataclass(frozen=True)
class ViewSurface:
    """Views over the tools that a server lists."""

    settings: Settings
    card_keys: tuple[bytes, ...] = field(repr=False)
    visible: Mapping[str, Tool]

    @cached_property
    def pages(self) -> Pages:
        """The pages of views, read when the first client asks that shows them."""
        from greenlake_backup_mcp.views.pages import Pages  # noqa: PLC0415

        return Pages(self.card_keys[0])

    def asks_by_card(self, ctx: ServerRequestContext[Any]) -> bool:
        """Whether a client's person may be asked in a card."""
        ask = self.settings.ask
        if self.settings.read_only or ask == "never" or not elicitation.shows_views(ctx):
            return False
        return ask == "card" or not elicitation.can_ask(ctx)

    def list_tools(self, ctx: ServerRequestContext[Any], role: roles.Role, listed: ListToolsResult) -> ListToolsResult:
        """The tools for a client: with views where it shows them, else as they are."""
        if not elicitation.shows_views(ctx):
            return listed
        from greenlake_backup_mcp.views import pages, tools  # noqa: PLC0415

        views = dict(pages.PICTURES)
        asks, writes = self.asks_by_card(ctx), roles.role_allows_danger(role, Danger.WRITE)
        if asks:
            views |= {tool.name: pages.CARD for tool in self.visible.values() if _may_ask(tool)}
        every = [
            tool.model_copy(update={"meta": self.pages.meta(views[tool.name], [MODEL])}) if tool.name in views else tool
            for tool in listed.tools
        ]
        own = [*(tools.FOR_CARDS.values() if asks and writes else ()), *([tools.READ_VIEW] if self._draws() else ())]
        for tool in own:
            who = {"visibility": [MODEL, VIEW] if tool is tools.CHANGE_STATUS else [VIEW]}
            every.append(to_mcp_tool(tool).model_copy(update={"meta": {"ui": who}}))
        return ListToolsResult(tools=every)

    def has(self, ctx: ServerRequestContext[Any], name: str) -> bool:
        """Whether a tool is one of those that only clients with views have, and this client is one."""
        if not elicitation.shows_views(ctx):
            return False
        from greenlake_backup_mcp.views import tools  # noqa: PLC0415

        return self.asks_by_card(ctx) if name in tools.FOR_CARDS else name == tools.READ_VIEW.name and self._draws()

    def _draws(self) -> bool:
        """Whether any tool that is listed has a picture."""
        from greenlake_backup_mcp.views import pages  # noqa: PLC0415

        return any(name in self.visible for name in pages.PICTURES)

    def refer(
        self,
        ctx: ServerRequestContext[Any],
        params: CallToolRequestParams,
        result: CallToolResult | InputRequiredResult,
    ) -> CallToolResult | InputRequiredResult:
        """The result with what its picture, where it has one, is to draw: a reference, since the picture asks."""
        if not isinstance(result, CallToolResult) or not elicitation.shows_views(ctx) or result.is_error:
            return result
        from greenlake_backup_mcp.views import pages  # noqa: PLC0415

        view = pages.PICTURES.get(params.name)
        if view is None or result.structured_content is not None:
            return result
        which = {name: value for name, value in (params.arguments or {}).items() if name in REFERS}
        return result.model_copy(update={"structured_content": {"view": view, **which}})

    async def call(
        self,
        ctx: ServerRequestContext[Any],
        params: CallToolRequestParams,
        context: CallContext,
        under_way: InFlightCalls,
    ) -> CallToolResult | InputRequiredResult:
        """The result of one of those tools."""
        from greenlake_backup_mcp.consent import gate  # noqa: PLC0415
        from greenlake_backup_mcp.views import calls, pages, tools  # noqa: PLC0415

        caller, version = gate.caller(ctx, params), self.pages.version(pages.CARD)
        work = partial(calls.call, context, params.name, params.arguments or {}, caller, version)
        return await under_way.run(work, tools.TOOLS[params.name], self.settings, caller.principal)

    def list_resources(self, ctx: ServerRequestContext[Any]) -> list[Resource]:
        """The pages, for clients that show them."""
        return self.pages.resources() if elicitation.shows_views(ctx) else []

    def read(self, ctx: ServerRequestContext[Any], uri: str) -> ReadResourceResult | None:
        """A page; None where there is none, or not for this client."""
        return self.pages.read(uri) if uri.startswith("ui:") and elicitation.shows_views(ctx) else None


def announce(server: Server[Any]) -> None:
    """Let a server say that it has views: by itself, the SDK tells only clients of 2026-07-28 and later."""
    server.extensions[elicitation.VIEWS] = {"mimeTypes": [elicitation.VIEW_TYPE]}

    async def tell_extensions(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method == "initialize" and isinstance(result, dict):
            result["capabilities"]["extensions"] = dict(server.extensions)
        return result

    server.middleware.append(tell_extensions)


def _may_ask(tool: Tool) -> bool:
    """Whether a tool's results may hold a change for a card."""
    searched = tool.toolset == "search" and tool.danger is not Danger.READ
    return tool.gated or tool.conditional or searched or tool.name == PREVIEW_CALL.name
