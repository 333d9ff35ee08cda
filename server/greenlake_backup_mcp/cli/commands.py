"""What each command does, but for `serve` (serving.py) and `config` (config.py).

Knows how to print for people; must not know HTTP or judge operations.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio

from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.observability import call_log

from .printing import load_settings, print_message, print_result

LEGEND = """
  read     changes nothing
  write    adds something, or can be taken back: done at once
  disrupt  interrupts work or protection; previewed, and done only with consent to exactly that, as are the next two
  destroy  loses data, or the way back to it
  secret   gives out a secret, or opens a way in
The word is of the worst arguments; the preview says what a call does with its own."""
PATIENT_SECONDS = 25.0  # that a task is followed where a person sits at the command line


def tools(options: argparse.Namespace) -> int:
    """Print the tools that these settings offer."""
    from greenlake_backup_mcp.server import app, tool_listing  # noqa: PLC0415

    tools = app.tool_set(load_settings(options)).offered.values()
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

    loaded = load_settings(options)
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

    return anyio.run(doctor.examine, load_settings(options))


def report(options: argparse.Namespace) -> int:
    """Print the morning check; the exit status is its verdict, 3 where there is none."""
    from greenlake_backup_mcp.fleet.morning_check import Level  # noqa: PLC0415

    from . import report  # noqa: PLC0415

    try:
        return anyio.run(report.report, load_settings(options), options.format)
    except BackupError as problem:
        print_message(f"No report: {problem.message} {problem.hint}".strip())
        return int(Level.UNKNOWN)


def survey(options: argparse.Namespace) -> int:
    """Survey the tenant, print the table, write it as Markdown and JSON; 1 where a toolset cannot work."""
    from . import survey, survey_report  # noqa: PLC0415

    stem = Path(options.output)
    value = survey_report.value_of(anyio.run(survey.take, load_settings(options), None, None, print_message))
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

    chosen = load_settings(options)
    return catalog.forget(chosen) if options.what == "forget" else anyio.run(catalog.sync, chosen)


def audit(options: argparse.Namespace) -> int:
    """Print what the files of an audit log prove; 1 where they were changed or damaged."""
    from greenlake_backup_mcp.consent import audit_verify, codes  # noqa: PLC0415

    chosen = load_settings(options)
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
