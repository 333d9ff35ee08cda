"""The yardstick over HTTP: a low-level server of the same SDK with one tool that passes the upstream's answer on.

With the SDK's own login, and the same pool of connections as ours, so that only our path makes the difference.
`bare_http.py URL FILE PORT`: the file holds the one token; `-` lets everybody in.
"""

from __future__ import annotations

import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from pydantic import AnyHttpUrl

from .load import TOKEN

TOOL = Tool(name="get_protection_store", input_schema={"type": "object"})


def create(upstream: str) -> Server[httpx2.AsyncClient]:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[httpx2.AsyncClient]:
        limits = httpx2.Limits(max_connections=100, max_keepalive_connections=100)  # as in upstream/transport.py
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, limits=limits) as client:
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


class OneToken:
    """The SDK's verifier of tokens, for one of them."""

    def __init__(self, token: str) -> None:
        self.token = token.encode()
        self.access = AccessToken(token="-", client_id="bench", scopes=["read"])

    async def verify_token(self, token: str) -> AccessToken | None:
        return self.access if hmac.compare_digest(token.encode(), self.token) else None


if __name__ == "__main__":
    upstream, token_file, port = sys.argv[1:]
    login: dict[str, Any] = {}
    if token_file != "-":
        issuer = AnyHttpUrl("https://login.example.com")
        login["auth"] = AuthSettings(issuer_url=issuer, resource_server_url=None, validate_token_resource=False)
        login["token_verifier"] = OneToken(Path(token_file).read_text(encoding="utf-8"))
    uvicorn.run(
        create(upstream).streamable_http_app(**login),
        host="127.0.0.1",
        port=int(port),
        log_level="error",
        access_log=False,
    )
