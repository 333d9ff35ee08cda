"""What each command does: serve, demo, tools, call, doctor, config, simulate.

Knows how to print for people; must not know HTTP or judge operations.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio

from . import log, settings, starting
from .errors import BackupError
from .settings import Settings

FILES = ("spec", "audit_log", "tokens_file")  # settings that are paths


def say(text: str) -> None:
    """Print to stderr: stdout belongs to the protocol, or to what was asked for."""
    print(text, file=sys.stderr)  # noqa: T201


def show(text: str) -> None:
    """Print what was asked for."""
    print(text, flush=True)  # noqa: T201  # in its order with what is said on stderr


def _settings(options: argparse.Namespace, **over: Any) -> Settings:
    flags = {name: getattr(options, name, None) for name in Settings.model_fields}
    loaded = settings.load(**{**flags, **over})
    log.configure(loaded.log_level, as_json=loaded.log_json)
    return loaded


def serve(options: argparse.Namespace) -> int:
    """Serve one client on stdin and stdout, or many over HTTP; wrong settings are served too, as each answer."""
    gc.disable()  # an eighth of the start would go into looking for garbage among modules and tools, which stay
    from . import mcp_server  # noqa: PLC0415  # the SDK takes most of a second to import; other commands may not need it

    log.configure()
    problem = getattr(options, "problem", None)
    try:
        if problem is not None:
            raise problem
        chosen = _settings(options)
        server = None if chosen.http else mcp_server.create(chosen)
        if server is not None:
            _foretell(chosen)
    except BackupError as error:
        if options.http or os.environ.get("GREENLAKE_MCP_HTTP"):
            raise
        # A dead server shows nothing in a client: serve the tools, and tell the cure as each call's result.
        say(f"{error.message} {error.hint}".strip())
        problem = error
        server = mcp_server.create(settings.bare(), problem=problem)
    gc.freeze()
    gc.enable()
    if server is None:
        from .serving import http_server  # noqa: PLC0415

        return http_server.serve(chosen)
    anyio.run(mcp_server.serve_stdio, server)
    return 0


def _foretell(chosen: Settings) -> None:
    """Say on stderr what each call, or each gated one, will answer with, and what is not looked at."""
    try:
        starting.records(chosen)
        if not starting.named(chosen):
            starting.tenant(chosen)
    except BackupError as error:
        say(f"{error.message} {error.hint}".strip())
    if told := starting.unused(chosen):
        say(told)


def tools(options: argparse.Namespace) -> int:
    """Print the tools that these settings offer."""
    from . import mcp_server  # noqa: PLC0415

    tools = mcp_server.offer(_settings(options)).offered.values()
    if options.json:
        shown = [mcp_server.listed(t).model_dump(by_alias=True, mode="json", exclude_none=True) for t in tools]
        show(json.dumps(shown, indent=1, ensure_ascii=False))
        return 0
    toolset = ""
    for tool in tools:
        if tool.toolset != toolset:
            toolset = tool.toolset
            show(f"\n{toolset}")
        show(f"  {tool.name:<42} {tool.danger.value:<8} {tool.title}")
    show(f"\n{len(tools)} tools")
    return 0


def call(options: argparse.Namespace) -> int:
    """Call one tool as a client does, and print its answer."""
    from mcp import Client  # noqa: PLC0415
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415

    from . import mcp_server  # noqa: PLC0415

    loaded = _settings(options)
    if "log_level" not in loaded.model_fields_set:
        log.configure("error")  # the answer says what went wrong
    server = mcp_server.create(loaded)
    given = pairs(options.arguments)

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        say(f"… {message or progress}")

    async def run() -> int:
        async with Client(server) as client:
            try:
                result = await client.call_tool(options.tool, given, progress_callback=progress)
            except MCPError as error:
                raise BackupError(error.error.message, hint="`tools` shows those there are.") from None
        if result.structured_content is not None:
            show(json.dumps(result.structured_content, indent=1, ensure_ascii=False))
        for part in result.content:
            show(getattr(part, "text", ""))
        return 1 if result.is_error else 0

    return anyio.run(run)


def pairs(words: Iterable[str]) -> dict[str, Any]:
    """`name=value` words as arguments: values are JSON where they can be read as such, else text."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise BackupError(f"{word!r} is not name=value.", hint="For example: limit=5 filter=\"state eq 'ERROR'\"")
        if name in found:
            raise BackupError(f"{name} is given twice.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def demo(options: argparse.Namespace) -> int:
    """Play the tour."""
    from . import demo  # noqa: PLC0415

    return anyio.run(demo.tour, not options.plain)


def doctor(options: argparse.Namespace) -> int:
    """Check the way to the service, step by step."""
    from . import doctor  # noqa: PLC0415

    return anyio.run(doctor.examine, _settings(options))


def config(options: argparse.Namespace) -> int:
    """Print or write what a client must be told of this server."""
    from . import client_files, clients  # noqa: PLC0415

    client = clients.client(options.client)
    _must_start(options)
    told = clients.entry(client, _given_flags(options), os.environ)
    if options.write:
        file, copy = client_files.write(client, told)
        say(f"{client.title}: {file} holds {clients.NAME}." + (f" What it was before: {copy}" if copy else ""))
        say(f"Restart {client.title} to see it.")
    else:
        say(f"{client.title} reads {clients.place(client)}; --write puts this there:\n")
        show(client_files.snippet(client, told))
    if client.note:
        say(client.note)
    if told.get("env", {}).get(clients.SECRET) == "":
        say(f"{clients.SECRET} is left empty: fill it in. It is never written for you.")
    return 0


def _must_start(options: argparse.Namespace) -> None:
    """Raise BackupError for flags with which the client's server would answer nothing but what is wrong."""
    from . import mcp_server  # noqa: PLC0415

    if options.http:
        raise BackupError(
            "A client starts this server on its own stdin and stdout, and --http makes it serve a port instead.",
            hint="Leave --http out; or start `serve --http` yourself, and give the client its URL.",
            kind="settings",
        )
    flags = {name: getattr(options, name, None) for name in Settings.model_fields}
    # Without the environment, which is that of this shell and not the client's; the secret of an id is there too.
    mcp_server.offer(settings.load(environment=False, **{**flags, "client_id": None}))


def _given_flags(options: argparse.Namespace) -> list[str]:
    """The flags of settings that were given, as they would be typed."""
    flags: list[str] = []
    for name in Settings.model_fields:
        value = getattr(options, name, None)
        if isinstance(value, bool):
            flags.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
        elif value is not None:
            flags += [f"--{name.replace('_', '-')}", _whole(value) if name in FILES else str(value)]
    return flags


def _whole(path: str) -> str:
    """The path from the root: the client starts the server in a directory of its own."""
    try:
        return str(Path(path).absolute())
    except OSError:
        raise BackupError("The directory you stand in is gone.", hint="Go to one that exists.") from None


def simulate(options: argparse.Namespace) -> int:
    """Serve the simulated tenant."""
    from .serving import http_server  # noqa: PLC0415
    from .simulator import app  # noqa: PLC0415

    if not 0 < options.port < 65_536:
        raise BackupError(f"--port {options.port}: a port is a number from 1 to 65535.")
    http_server.listening("127.0.0.1", options.port).close()  # says why it cannot be, before anything is promised
    say(
        f"Simulated tenant on http://127.0.0.1:{options.port} (nothing is real). For the server:\n"
        f"  GREENLAKE_API_BASE_URL=http://127.0.0.1:{options.port}\n"
        f"  GREENLAKE_TOKEN_URL=http://127.0.0.1:{options.port}/as/token.oauth2\n"
        "  GREENLAKE_CLIENT_ID=demo\n  GREENLAKE_CLIENT_SECRET=demo-secret"
    )
    app.serve(port=options.port, seed=options.seed)
    return 0
