"""The yardstick of a call: a low-level server of the same SDK over stdio, whose one tool makes one httpx2 GET.

`bare_server.py URL`: what it answers with as it came, by the same pool of connections as ours. It checks, masks,
renders and bounds nothing, so that only our path makes the difference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
from mcp.server import NotificationOptions, Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

from .load import TOKEN

TOOL = Tool(name="get_protection_store", input_schema={"type": "object"})


def create(url: str) -> Server[httpx2.AsyncClient]:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[httpx2.AsyncClient]:
        limits = httpx2.Limits(max_connections=100, max_keepalive_connections=100)  # as in upstream/transport.py
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, limits=limits) as client:
            yield client

    async def list_tools(ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[TOOL])

    async def call_tool(ctx: ServerRequestContext[httpx2.AsyncClient], params: CallToolRequestParams) -> CallToolResult:
        reply = await ctx.lifespan_context.get(url)
        if (params.arguments or {}).get("output") == "json":
            return CallToolResult(content=[TextContent(text=reply.text)], structured_content=json.loads(reply.text))
        return CallToolResult(content=[TextContent(text=reply.text)])

    return Server(
        "bare",
        version="1",
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: TOOL.input_schema,
    )


async def main(url: str) -> None:
    server = create(url)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options(NotificationOptions()))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
