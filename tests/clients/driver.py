# ruff: noqa: PLC0415  each framework is imported in its own environment only
"""Runs inside a framework's own environment: connects as that framework does, and prints what worked as JSON.

    python driver.py FRAMEWORK stdio COMMAND [ARGUMENT ...]
    python driver.py FRAMEWORK http URL

Imports nothing of this project and nothing but the framework, which it knows by name.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

CODE = re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STORE = "11111111-1111-4111-8111-111111111111"

Call = Callable[[str, dict[str, Any]], Awaitable[str]]


@dataclass
class Session:
    """What a framework gives: the names it lists, and the text of a call (an error's text too)."""

    names: list[str]
    call: Call
    progress: list[float]  # what was reported, in order; stays empty where the framework tells nobody


@dataclass(frozen=True)
class Server:
    """How the server is reached: a command, or an URL."""

    command: str = ""
    args: tuple[str, ...] = ()
    url: str = ""

    @property
    def env(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("VIRTUAL_ENV")}


def text_of(result: Any) -> str:
    """The text of whatever a framework calls a result."""
    content = getattr(result, "content", result)
    if isinstance(content, str):
        return content
    if isinstance(content, (list, tuple)):
        return "\n".join(part if isinstance(part, str) else str(getattr(part, "text", part)) for part in content)
    return str(content)


def answered(call: Callable[[str, dict[str, Any]], Awaitable[Any]]) -> Call:
    """A call whose exceptions count as the text that the model would be given."""

    async def calling(name: str, arguments: dict[str, Any]) -> str:
        try:
            return text_of(await call(name, arguments))
        except Exception as error:  # what a framework raises for an error of a tool is its own business
            cause: BaseException = error
            while isinstance(cause, BaseExceptionGroup):
                cause = cause.exceptions[0]
            return str(cause)

    return calling


@asynccontextmanager
async def sdk(server: Server) -> AsyncIterator[Session]:
    """The Python SDK, second major."""
    from mcp import Client, StdioServerParameters

    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    target: Any = server.url or StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
    async with Client(target) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        yield Session(names, answered(lambda n, a: client.call_tool(n, a, progress_callback=note)), seen)


@asynccontextmanager
async def sdk_1(server: Server) -> AsyncIterator[Session]:
    """The Python SDK, first major; what many frameworks build on."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client  # type: ignore[attr-defined]  # the first major's

    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with AsyncExitStack() as stack:
        if server.url:
            read, write, _ = await stack.enter_async_context(streamablehttp_client(server.url))
        else:
            parameters = StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
            read, write = await stack.enter_async_context(stdio_client(parameters))
        session = await stack.enter_async_context(ClientSession(read, write))
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        yield Session(names, answered(lambda n, a: session.call_tool(n, a, progress_callback=note)), seen)


@asynccontextmanager
async def fastmcp(server: Server) -> AsyncIterator[Session]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    target: Any = server.url or StdioTransport(command=server.command, args=list(server.args), env=server.env)
    async with Client(target, progress_handler=note) as client:
        names = [tool.name for tool in await client.list_tools()]
        yield Session(names, answered(lambda n, a: client.call_tool(n, a, raise_on_error=False)), seen)


@asynccontextmanager
async def langchain(server: Server) -> AsyncIterator[Session]:
    """A process per call, as `get_tools()` does."""
    from langchain_mcp_adapters.client import MultiServerMCPClient

    connection: dict[str, Any] = (
        {"transport": "streamable_http", "url": server.url}
        if server.url
        else {"transport": "stdio", "command": server.command, "args": list(server.args), "env": server.env}
    )
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"backup": connection}).get_tools()}
    yield Session(list(tools), answered(lambda n, a: tools[n].ainvoke(a)), [])


@asynccontextmanager
async def openai_agents(server: Server) -> AsyncIterator[Session]:
    """With its five seconds of patience, and its strict schemas."""
    from agents.mcp import MCPServerStdio, MCPServerStreamableHttp, MCPUtil

    made: Any = (
        MCPServerStreamableHttp(params={"url": server.url})
        if server.url
        else MCPServerStdio(params={"command": server.command, "args": list(server.args), "env": server.env})
    )
    async with made as connection:
        tools = await connection.list_tools()
        for tool in tools:
            MCPUtil.to_function_tool(tool, connection, convert_schemas_to_strict=True)
        yield Session([tool.name for tool in tools], answered(connection.call_tool), [])


@asynccontextmanager
async def pydantic_ai(server: Server) -> AsyncIterator[Session]:
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    target: Any = server.url or StdioTransport(command=server.command, args=list(server.args), env=server.env)
    toolset: Any = MCPToolset(target)
    async with toolset:
        names = [tool.name for tool in await toolset.list_tools()]
        yield Session(names, answered(toolset.direct_call_tool), [])


@asynccontextmanager
async def google_genai(server: Server) -> AsyncIterator[Session]:
    """The SDK's session, with all tools converted to Gemini's function declarations."""
    from google.genai import types

    async with sdk(server) as session:
        from mcp import Client, StdioServerParameters

        target: Any = server.url or StdioServerParameters(
            command=server.command, args=list(server.args), env=server.env
        )
        async with Client(target) as client:
            for tool in (await client.list_tools()).tools:
                types.Schema.from_json_schema(
                    json_schema=types.JSONSchema.model_validate(tool.input_schema),
                    api_option="GEMINI_API",
                    raise_error_on_unsupported_field=True,
                )
        yield session


@asynccontextmanager
async def llama_index(server: Server) -> AsyncIterator[Session]:
    """A process per call."""
    from llama_index.tools.mcp import BasicMCPClient

    client = BasicMCPClient(server.url or server.command, args=list(server.args), env=server.env)
    names = [tool.name for tool in (await client.list_tools()).tools]
    yield Session(names, answered(client.call_tool), [])


@asynccontextmanager
async def smolagents(server: Server) -> AsyncIterator[Session]:
    from mcp import StdioServerParameters
    from smolagents import MCPClient

    target: Any = (
        {"url": server.url, "transport": "streamable-http"}
        if server.url
        else StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
    )
    client = await asyncio.to_thread(lambda: MCPClient(target, structured_output=False))
    try:
        tools = {tool.name: tool for tool in client.get_tools()}
        yield Session(list(tools), answered(lambda n, a: asyncio.to_thread(lambda: tools[n](**a))), [])
    finally:
        await asyncio.to_thread(client.disconnect)


@asynccontextmanager
async def agno(server: Server) -> AsyncIterator[Session]:
    """With its ten seconds of patience."""
    from agno.tools.mcp import MCPTools
    from mcp import StdioServerParameters

    target: dict[str, Any] = (
        {"url": server.url, "transport": "streamable-http"}
        if server.url
        else {
            "server_params": StdioServerParameters(command=server.command, args=list(server.args), env=server.env),
            "transport": "stdio",
        }
    )
    async with MCPTools(**target) as toolkit:
        tools = toolkit.functions

        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return await tools[name].entrypoint(**arguments)

        yield Session(list(tools), answered(call), [])


@asynccontextmanager
async def autogen(server: Server) -> AsyncIterator[Session]:
    """With its five seconds of patience, and a process per call."""
    from autogen_core import CancellationToken
    from autogen_ext.tools.mcp import StdioServerParams, StreamableHttpServerParams, mcp_server_tools

    target: Any = (
        StreamableHttpServerParams(url=server.url)
        if server.url
        else StdioServerParams(command=server.command, args=list(server.args), env=server.env)
    )
    tools = {tool.name: tool for tool in await mcp_server_tools(target)}
    yield Session(list(tools), answered(lambda n, a: tools[n].run_json(a, CancellationToken())), [])


FRAMEWORKS: dict[str, Callable[[Server], Any]] = {
    "sdk": sdk,
    "sdk-1": sdk_1,
    "fastmcp": fastmcp,
    "langchain": langchain,
    "openai-agents": openai_agents,
    "pydantic-ai": pydantic_ai,
    "google-genai": google_genai,
    "llama-index": llama_index,
    "smolagents": smolagents,
    "agno": agno,
    "autogen": autogen,
}


async def tries(session: Session) -> dict[str, str]:
    """What an assistant does first: list, read, change something with consent, ask of the whole tenant, err."""
    runs: list[list[float]] = []  # the progress of each call

    async def call(name: str, arguments: dict[str, Any]) -> str:
        before = len(session.progress)
        answer = await session.call(name, arguments)
        runs.append(session.progress[before:])
        return answer

    out = {"list": str(len(session.names))}
    read = await call("list_protection_stores", {"limit": 1})
    out["read"] = "yes" if "store" in read.lower() else f"NO: {read[:200]}"
    jobs = await call("list_protection_jobs", {"limit": 1, "where": "operational eq 'ACTIVE'"})
    match = UUID.search(jobs)
    if match is None:
        return out | {"gated": f"NO: no job in {jobs[:200]}"}
    arguments = {"protectionJobId": match[0]}
    preview = await call("suspend_protection_job", {**arguments, "confirm": "preview"})
    code = CODE.search(preview)
    if code is None:
        return out | {"gated": f"NO: no code in {preview[:200]}"}
    done = await call("suspend_protection_job", {**arguments, "confirm": code[0]})
    out["gated"] = "yes" if re.search(r"succeeded|SUSPENDED|wait_for_task", done) else f"NO: {done[:200]}"
    answer = await call("query_catalog", {"sql": "SELECT kind, count(*) FROM assets GROUP BY kind"})
    out["catalog"] = "yes" if re.search(r"[Rr]eading goes on|As of ", answer) else f"NO: {answer[:200]}"
    error = await call("get_protection_store", {"protectionStoreId": STORE})
    out["error"] = "yes" if "404" in error or "list_protection_stores" in error else f"NO: {error[:200]}"
    broken = [run for run in runs if run != sorted(set(run))]
    out["progress"] = (f"NO: {broken}" if broken else "rising") if any(runs) else "not told"
    return out


async def main() -> None:
    """Print one line of JSON: what worked, or why nothing did."""
    framework, transport, *rest = sys.argv[1:]
    server = Server(url=rest[0]) if transport == "http" else Server(rest[0], tuple(rest[1:]))
    try:
        async with FRAMEWORKS[framework](server) as session:
            out = await tries(session)
    except Exception as error:  # whatever a framework does is a row of the table
        out = {"list": f"NO: {type(error).__name__}: {str(error)[:200]}"}
    print("RESULT " + json.dumps(out), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
