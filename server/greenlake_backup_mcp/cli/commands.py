"""What each command does: serve, demo, tools, call, doctor, report, catalog, evidence, config, simulate.

Knows how to print for people; must not know HTTP or judge operations.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError, InputError, SettingsError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.server import startup_checks
from greenlake_backup_mcp.settings import Settings

LEGEND = """
  read     changes nothing
  write    adds something, or can be taken back: done at once
  disrupt  interrupts work or protection; previewed, and done only with consent to exactly that, as are the next two
  destroy  loses data, or the way back to it
  secret   gives out a secret, or opens a way in
The word is of the worst arguments; the preview says what a call does with its own."""
PATIENT_SECONDS = 25.0  # that a task is followed where a person sits at the command line
FILES = ("spec", "state_dir", "audit_log", "tokens_file")  # settings that are paths


def print_message(text: str) -> None:
    """Print to stderr: stdout belongs to the protocol, or to what was asked for."""
    print(text, file=sys.stderr)  # noqa: T201


def print_result(text: str) -> None:
    """Print what was asked for."""
    print(text, flush=True)  # noqa: T201  # in its order with what is said on stderr


def _settings(options: argparse.Namespace, **over: Any) -> Settings:
    flags = {name: getattr(options, name, None) for name in Settings.model_fields}
    loaded = settings.load(**{**flags, **over})
    call_log.configure(loaded.log_level, as_json=loaded.log_json)
    return loaded


def serve(options: argparse.Namespace) -> int:
    """Serve one client on stdin and stdout, or many over HTTP; wrong settings are served too, as each answer."""
    gc.disable()  # an eighth of the start would go into looking for garbage among modules and tools, which stay
    if not (options.http or os.environ.get("GREENLAKE_MCP_HTTP")):
        _end_at_signals()
    from greenlake_backup_mcp.dispatch import in_flight  # noqa: PLC0415
    from greenlake_backup_mcp.server import app, stdio  # noqa: PLC0415  # the SDK takes most of a second to import; other commands may not need it

    call_log.configure()
    running = in_flight.InFlightCalls()
    problem = getattr(options, "problem", None)
    try:
        if problem is not None:
            raise problem
        chosen = _settings(options)
        server = None if chosen.http else app.create(chosen, running=running)
        if server is not None:
            _announce(chosen)
    except BackupError as error:
        if options.http or os.environ.get("GREENLAKE_MCP_HTTP"):
            raise
        # A dead server shows nothing in a client: serve the tools, and tell the cure as each call's result.
        print_message(f"{error.message} {error.hint}".strip())
        problem = error
        server = app.create(settings.defaults(), problem=problem, running=running)
    gc.freeze()
    gc.enable()
    if server is None:
        from greenlake_backup_mcp.http import server as http_server  # noqa: PLC0415

        return http_server.serve(chosen)
    return stdio.serve(server, running)


def _end_at_signals() -> None:
    """Until a loop serves: a signal ends the process, also where it is process 1, for which there is no default."""

    def stop(number: int, _frame: object) -> None:
        os._exit(128 + number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)


def _announce(chosen: Settings) -> None:
    """Say on stderr what each call, or each gated one, will answer with, and what is not looked at."""
    try:
        startup_checks.check_audit_log(chosen)
        if not startup_checks.check_names(chosen):
            startup_checks.check_tenant(chosen)
    except BackupError as error:
        print_message(f"{error.message} {error.hint}".strip())
    if notice := startup_checks.unused_settings(chosen):
        print_message(notice)


def tools(options: argparse.Namespace) -> int:
    """Print the tools that these settings offer."""
    from greenlake_backup_mcp.server import app, tool_listing  # noqa: PLC0415

    tools = app.tool_set(_settings(options)).offered.values()
    if options.json:
        listed = [tool_listing.to_mcp_tool(t).model_dump(by_alias=True, mode="json", exclude_none=True) for t in tools]
        print_result(json.dumps(listed, indent=1, ensure_ascii=False))
        return 0
    toolset = ""
    for tool in tools:
        if tool.toolset != toolset:
            toolset = tool.toolset
            print_result(f"\n{toolset}")
        print_result(f"  {tool.name:<42} {tool.danger.value:<8} {tool.title}")
    print_result(f"\n{len(tools)} tools")
    print_result(LEGEND)
    return 0


def call(options: argparse.Namespace) -> int:
    """Call one tool as a client does, and print its answer."""
    from mcp import Client  # noqa: PLC0415
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415

    from greenlake_backup_mcp.server import app  # noqa: PLC0415

    loaded = _settings(options)
    if "log_level" not in loaded.model_fields_set:
        call_log.configure("error")  # the answer says what went wrong
    # somebody watches: the client in this process passes progress on without a token that would say so
    seconds = loaded.wait if "wait" in loaded.model_fields_set else PATIENT_SECONDS
    server = app.create(loaded.model_copy(update={"wait": seconds}))
    arguments = pairs(options.arguments)

    async def progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  # names are the SDK's
        print_message(f"… {message or progress}")

    async def run() -> int:
        async with Client(server) as client:
            try:
                result = await client.call_tool(options.tool, arguments, progress_callback=progress)
            except MCPError as error:
                raise InputError(error.error.message, hint="`tools` shows those there are.") from None
        if result.structured_content is not None:
            print_result(json.dumps(result.structured_content, indent=1, ensure_ascii=False))
        else:
            for part in result.content:
                print_result(getattr(part, "text", ""))
        return 1 if result.is_error else 0

    return anyio.run(run)


def pairs(words: Iterable[str]) -> dict[str, Any]:
    """`name=value` words as arguments, as text: the tool's own schema says what is a number, a list or an object.

    JSON in double quotes is the text that it stands for.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InputError(f"{word!r} is not name=value.", hint="For example: limit=5 filter=\"state eq 'ERROR'\"")
        if name in arguments:
            raise InputError(f"{name} is given twice.")
        arguments[name] = value
        if value.startswith('"'):
            with contextlib.suppress(ValueError):
                arguments[name] = json.loads(value)
    return arguments


def demo(options: argparse.Namespace) -> int:
    """Play the tour."""
    from . import demo  # noqa: PLC0415

    return anyio.run(demo.tour, not options.plain)


def doctor(options: argparse.Namespace) -> int:
    """Check the way to the service, step by step."""
    from . import doctor  # noqa: PLC0415

    return anyio.run(doctor.examine, _settings(options))


def report(options: argparse.Namespace) -> int:
    """Print the morning check; the exit status is its verdict, 3 where there is none."""
    from greenlake_backup_mcp.fleet.morning_check import Level  # noqa: PLC0415

    from . import report  # noqa: PLC0415

    try:
        return anyio.run(report.report, _settings(options), options.format)
    except BackupError as problem:
        print_message(f"No report: {problem.message} {problem.hint}".strip())
        return int(Level.UNKNOWN)


def survey(options: argparse.Namespace) -> int:
    """Survey the tenant, print the table, write it as Markdown and JSON; 1 where a toolset cannot work."""
    from . import survey, survey_report  # noqa: PLC0415

    stem = Path(options.output)
    value = survey_report.value_of(anyio.run(survey.take, _settings(options), None, None, print_message))
    text = survey_report.markdown(value)
    print_result(text)
    for file, content in ((f"{stem}.md", text), (f"{stem}.json", survey_report.as_json(value))):
        try:
            Path(file).write_text(content, encoding="utf-8")
        except OSError as error:
            cure = "Name another place with --output."
            raise InputError(f"{file} cannot be written: {error.strerror or error}.", hint=cure) from None
    print_message(f"Written to {stem}.md and {stem}.json: no name, address, id or secret of the tenant is in them.")
    return 1 if survey_report.cannot_work(value) else 0


def catalog(options: argparse.Namespace) -> int:
    """Fill the backup catalog, or forget it."""
    from . import catalog  # noqa: PLC0415

    chosen = _settings(options)
    return catalog.forget(chosen) if options.what == "forget" else anyio.run(catalog.sync, chosen)


def audit(options: argparse.Namespace) -> int:
    """Print what the files of an audit log prove; 1 where they were changed or damaged."""
    from greenlake_backup_mcp.consent import audit_verify, codes  # noqa: PLC0415

    chosen = _settings(options)
    keys = codes.keys(chosen, "audit log") if chosen.secret else ()
    try:
        report = audit_verify.verify([Path(name) for name in options.files], keys)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror or error}.") from None
    for line in audit_verify.render(report, with_keys=bool(keys)):
        print_result(line)
    return 1 if report.problems else 0


def evidence(options: argparse.Namespace) -> int:
    """Print what differs between two exports of evidence; 1 where anything does. InputError for a file that is none."""
    from greenlake_backup_mcp.fleet import evidence  # noqa: PLC0415

    exports = []
    for name in options.files:
        try:
            export = json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it is no JSON"
            raise InputError(f"{name} cannot be read: {why}.") from None
        if not isinstance(export, dict) or not isinstance(export.get("assets"), list) or "digest" not in export:
            raise InputError(f"{name} is no evidence of check_protection.", hint="Save the resource as .json.")
        exports.append(export)
    differences = evidence.compare(*exports)
    for line in differences or ["No difference: rule, parameters and all assets are the same."]:
        print_result(line)
    return 1 if differences else 0


def config(options: argparse.Namespace) -> int:
    """Print or write what a client must be told of this server."""
    from greenlake_backup_mcp.client_config import files, registry  # noqa: PLC0415

    client = registry.client(options.client)
    _must_start(options)
    entry = registry.entry(client, _flags(options), os.environ)
    if options.write:
        file, copy = files.write(client, entry)
        print_message(
            f"{client.title}: {file} holds {registry.NAME}." + (f" What it was before: {copy}" if copy else "")
        )
        print_message(f"Restart {client.title} to see it.")
    else:
        print_message(f"{client.title} reads {registry.config_path(client)}; --write puts this there:\n")
        print_result(files.snippet(client, entry))
    if client.note:
        print_message(client.note)
    if entry.get("env", {}).get(registry.SECRET) == "":
        print_message(f"{registry.SECRET} is left empty: fill it in. It is never written for you.")
    return 0


def _must_start(options: argparse.Namespace) -> None:
    """Raise BackupError for flags with which the client's server would answer nothing but what is wrong."""
    from greenlake_backup_mcp.server import app  # noqa: PLC0415

    if options.http:
        raise SettingsError(
            "A client starts this server on its own stdin and stdout, and --http makes it serve a port instead.",
            hint="Leave --http out; or start `serve --http` yourself, and give the client its URL.",
        )
    flags = {name: getattr(options, name, None) for name in Settings.model_fields}
    # Without the environment, which is that of this shell and not the client's; the secret of an id is there too.
    app.tool_set(settings.load(environment=False, **{**flags, "client_id": None}))


def _flags(options: argparse.Namespace) -> list[str]:
    """The flags of settings that were given, as they would be typed."""
    flags: list[str] = []
    for name in Settings.model_fields:
        value = getattr(options, name, None)
        if isinstance(value, bool):
            flags.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
        elif value is not None:
            flags += [f"--{name.replace('_', '-')}", _absolute(value) if name in FILES else str(value)]
    return flags


def _absolute(path: str) -> str:
    """The path from the root: the client starts the server in a directory of its own."""
    try:
        return str(Path(path).absolute())
    except OSError:
        raise InputError("The directory you stand in is gone.", hint="Go to one that exists.") from None


def simulate(options: argparse.Namespace) -> int:
    """Serve the simulated tenant."""
    from greenlake_backup_mcp.http import server as http_server  # noqa: PLC0415
    from greenlake_backup_mcp.simulator.server import app  # noqa: PLC0415

    if not 0 < options.port < 65_536:
        raise InputError(f"--port {options.port}: a port is a number from 1 to 65535.")
    http_server.open_socket("127.0.0.1", options.port).close()  # says why it cannot be, before anything is promised
    print_message(
        f"Simulated tenant on http://127.0.0.1:{options.port} (nothing is real). For the server:\n"
        f"  GREENLAKE_API_BASE_URL=http://127.0.0.1:{options.port}\n"
        f"  GREENLAKE_TOKEN_URL=http://127.0.0.1:{options.port}/as/token.oauth2\n"
        "  GREENLAKE_CLIENT_ID=demo\n  GREENLAKE_CLIENT_SECRET=demo-secret"
    )
    app.serve(port=options.port, seed=options.seed, size=options.size)
    return 0
