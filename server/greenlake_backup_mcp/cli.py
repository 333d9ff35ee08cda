"""The command line: serve, demo, tools, call, doctor, config, simulate.

Flags are made from the settings. Knows how to print for people; must not know HTTP or judge operations.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import anyio

from . import __version__, log, settings
from .errors import BackupError
from .settings import Settings

ENVIRONMENT_ONLY = {"client_secret", "token", "secret", "redis_url"}  # a flag would show them in the list of processes


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for a problem said on stderr, or 2 for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console or a file of another encoding, as on Windows
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser()
    options = _mistyped(parser, words) if words[:1] == ["serve"] else None
    if options is None:
        options, rest = parser.parse_known_args(words)
        if hasattr(options, "arguments"):  # argparse loses those that stand behind a flag
            options.arguments += [word for word in rest if not word.startswith("-")]
            rest = [word for word in rest if word.startswith("-")]
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if not getattr(options, "run", None):
        parser.print_help()
        return 2
    try:
        status = int(options.run(options) or 0)
        sys.stdout.flush()
    except (BackupError, BrokenPipeError, BaseExceptionGroup) as error:
        cause: BaseException = error
        while isinstance(cause, BaseExceptionGroup):  # what goes wrong while a client is open comes out in groups
            cause = cause.exceptions[0]
        if isinstance(cause, BackupError):
            say(f"{cause.message} {cause.hint}".strip())
        elif isinstance(cause, BrokenPipeError):  # whoever read has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            raise
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _mistyped(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace | None:
    """What `serve` runs with where its words are wrong: a server that tells so; None where they are right."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)
    except SystemExit as end:
        over_http = os.environ.get("GREENLAKE_MCP_HTTP") or any(word.startswith("--http") for word in words)
        if not end.code or over_http:
            return None
        wrong = said.getvalue().strip().rpartition("error: ")[2]
        problem = BackupError(
            f"The command line that starts this server is wrong: {wrong}.",
            hint="Put it right where the client is told of this server; `serve --help` tells all flags.",
            kind="settings",
        )
        return argparse.Namespace(run=_serve, problem=problem, http=None)
    return None


def say(text: str) -> None:
    """Print to stderr: stdout belongs to the protocol, or to what was asked for."""
    print(text, file=sys.stderr)  # noqa: T201


def show(text: str) -> None:
    """Print what was asked for."""
    print(text, flush=True)  # noqa: T201  # in its order with what is said on stderr


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="greenlake-backup-mcp", description="MCP server for HPE GreenLake Backup and Recovery."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Any, words: str, *, flags: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=words, description=words)
        sub.set_defaults(run=run)
        if flags:
            _add_flags(sub)
        return sub

    command("serve", _serve, "serve an MCP client on stdin and stdout, or many with --http")
    tour = command("demo", _demo, "a tour of the server against a simulated tenant", flags=False)
    tour.add_argument("--plain", action="store_true", help="no colour")
    tools = command("tools", _tools, "the tools that would be offered")
    tools.add_argument("--json", action="store_true", help="as tools/list gives them")
    call = command("call", _call, "call one tool and print its answer, the same way as a client")
    call.add_argument("tool")
    call.add_argument("arguments", nargs="*", metavar="name=value", help="JSON values, or text as it is")
    command("doctor", _doctor, "check settings, token and one read, and say what is wrong")
    config = command("config", _config, "show, or --write, what an MCP client must be told of this server")
    config.add_argument("client", help="claude-desktop, claude-code, vscode, cursor, windsurf, codex or gemini")
    config.add_argument("--write", action="store_true", help="merge it into the client's file, keeping a copy of that")
    simulate = command("simulate", _simulate, "serve the simulated tenant on a port of this machine", flags=False)
    simulate.add_argument("--port", type=int, default=8600)
    simulate.add_argument("--seed", type=int, default=7)
    return parser


def _add_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings (each is also an environment variable, see the README)")
    for name, field in Settings.model_fields.items():
        if name in ENVIRONMENT_ONLY:
            continue
        flag = "--" + name.replace("_", "-")
        choices = [c for c in get_args(field.annotation) if isinstance(c, str)] or [
            c for part in get_args(field.annotation) for c in get_args(part) if isinstance(c, str)
        ]
        if field.annotation is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=field.description)
        else:
            group.add_argument(flag, metavar="|".join(choices) or name.upper(), default=None, help=field.description)


def _settings(options: argparse.Namespace, **over: Any) -> Settings:
    flags = {name: getattr(options, name, None) for name in Settings.model_fields}
    loaded = settings.load(**{**flags, **over})
    log.configure(loaded.log_level, as_json=loaded.log_json)
    return loaded


def _serve(options: argparse.Namespace) -> int:
    gc.disable()  # an eighth of the start would go into looking for garbage among modules and tools, which stay
    from . import mcp_server  # noqa: PLC0415  # the SDK takes most of a second to import; other commands may not need it

    log.configure()
    problem = getattr(options, "problem", None)
    try:
        if problem is not None:
            raise problem
        chosen = _settings(options)
        server = None if chosen.http else mcp_server.create(chosen)
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


def _tools(options: argparse.Namespace) -> int:
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


def _call(options: argparse.Namespace) -> int:
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


def _demo(options: argparse.Namespace) -> int:
    from . import demo  # noqa: PLC0415

    return anyio.run(demo.tour, not options.plain)


def _doctor(options: argparse.Namespace) -> int:
    from . import doctor  # noqa: PLC0415

    return anyio.run(doctor.examine, _settings(options))


def _config(options: argparse.Namespace) -> int:
    from . import clients  # noqa: PLC0415

    client = clients.client(options.client)
    told = clients.entry(client, _given_flags(options), os.environ)
    if options.write:
        file, copy = clients.write(client, told)
        say(f"{client.title}: {file} holds {clients.NAME}." + (f" What it was before: {copy}" if copy else ""))
        say(f"Restart {client.title} to see it.")
    else:
        say(f"{client.title} reads {client.file()}; --write puts this there:\n")
        show(clients.snippet(client, told))
    if client.note:
        say(client.note)
    if told.get("env", {}).get(clients.SECRET) == "":
        say(f"{clients.SECRET} is left empty: fill it in. It is never written for you.")
    return 0


def _given_flags(options: argparse.Namespace) -> list[str]:
    """The flags of settings that were given, as they would be typed."""
    flags: list[str] = []
    for name in Settings.model_fields:
        value = getattr(options, name, None)
        if isinstance(value, bool):
            flags.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
        elif value is not None:
            flags += [f"--{name.replace('_', '-')}", str(value)]
    return flags


def _simulate(options: argparse.Namespace) -> int:
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
