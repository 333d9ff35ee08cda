"""The yardstick over HTTP: a low-level server of the same SDK with one tool that passes the upstream's answer on."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

TOOL = Tool(name="get_protection_store", input_schema={"type": "object"})


def create(upstream: str) -> Server[httpx2.AsyncClient]:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[httpx2.AsyncClient]:
        async with httpx2.AsyncClient(headers={"Authorization": "Bearer t"}) as client:
            yield client

    async def list_tools(ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[TOOL])

    async def call_tool(ctx: ServerRequestContext[httpx2.AsyncClient], params: CallToolRequestParams) -> CallToolResult:
        reply = await ctx.lifespan_context.get(upstream)
        return CallToolResult(content=[TextContent(text=reply.text)])

    return Server(
        "bare",
        version="1",
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: TOOL.input_schema,
    )


if __name__ == "__main__":
    uvicorn.run(
        create(sys.argv[1]).streamable_http_app(),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="error",
        access_log=False,
    )
