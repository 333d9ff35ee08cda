"""The command line: its words and flags, and the exit status. Flags are made from the settings.

Knows argparse; what each command does is in commands.py.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, get_args

from greenlake_backup_mcp import __version__
from greenlake_backup_mcp.errors import BackupError, SettingsError
from greenlake_backup_mcp.settings import Settings

from . import commands, serving
from . import config as config_command
from .printing import print_message

NO_REPORT = 3  # exit status of `report` where there is none
ENVIRONMENT_ONLY = {"client_secret", "token", "secret", "redis_url"}  # a flag would show them in the list of processes


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0, 1 a problem said on stderr, 2 wrong usage; `report` has its own."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console or a file of another encoding, as on Windows
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser()
    options = _suggest_command(parser, words) if words[:1] == ["serve"] else None
    try:
        options = options or _parse(parser, words)
    except SystemExit as end:
        if words[:1] == ["report"] and end.code:  # 2 is a verdict there
            return NO_REPORT
        raise
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
            print_message(f"{cause.message} {cause.hint}".strip())
        elif isinstance(cause, BrokenPipeError):  # whoever read has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            raise
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    options, rest = parser.parse_known_args(words)
    if hasattr(options, "arguments"):  # argparse loses those that stand behind a flag
        options.arguments += [word for word in rest if not word.startswith("-")]
        rest = [word for word in rest if word.startswith("-")]
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _suggest_command(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace | None:
    """What `serve` runs with where its words are wrong: a server that tells so; None where they are right."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)
    except SystemExit as end:
        over_http = os.environ.get("GREENLAKE_MCP_HTTP") or any(word.startswith("--http") for word in words)
        if not end.code or over_http:
            return None
        wrong = output.getvalue().strip().rpartition("error: ")[2]
        problem = SettingsError(
            f"The command line that starts this server is wrong: {wrong}.",
            hint="Put it right where the client is told of this server; `serve --help` tells all flags.",
        )
        return argparse.Namespace(run=serving.serve, problem=problem, http=None)
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="greenlake-backup-mcp", description="MCP server for HPE GreenLake Backup and Recovery."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subs = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Any, words: str, *, flags: bool = True) -> argparse.ArgumentParser:
        sub = subs.add_parser(name, help=words, description=words)
        sub.set_defaults(run=run)
        if flags:
            _add_flags(sub)
        return sub

    command("serve", serving.serve, "serve an MCP client on stdin and stdout, or many with --http")
    tour = command("demo", commands.demo, "a tour of the server against a simulated tenant", flags=False)
    tour.add_argument("--plain", action="store_true", help="no colour")
    tools = command("tools", commands.tools, "the tools that would be offered")
    tools.add_argument("--json", action="store_true", help="as tools/list gives them")
    call = command("call", commands.call, "call one tool and print its answer, the same way as a client")
    call.add_argument("tool")
    call.add_argument("arguments", nargs="*", metavar="name=value", help="JSON values, or text as it is")
    command("doctor", commands.doctor, "check settings, token and one read, and say what is wrong")
    words = "the morning check for mail and cron; exit status 0 all well, 1 look into it, 2 act today, 3 no report"
    report = command("report", commands.report, words)
    report.add_argument("--format", choices=["markdown", "html"], default="markdown", help="default markdown")
    survey = command("survey", commands.survey, "read the tenant (at most 60 reads), and report what of it is as taken")
    survey.add_argument("--output", default="survey", metavar="FILE", help="without ending: .md and .json are written")
    catalog = command("catalog", commands.catalog, "fill the backup catalog (sync, for cron), or remove it (forget)")
    catalog.add_argument("what", choices=["sync", "forget"])
    audit = command("audit", commands.audit, "verify the audit log: what was changed, what is unsettled")
    audit.add_argument("what", choices=["verify"])
    audit.add_argument("files", nargs="+", metavar="FILE", help="of one record, oldest first")
    words = "compare two exports of evidence (JSON); exit status 1 where they differ"
    evidence = command("evidence", commands.evidence, words, flags=False)
    evidence.add_argument("files", nargs=2, metavar="FILE", help="of check_protection, the older one first")
    config = command("config", config_command.config, "show, or --write, what a client must be told of this server")
    config.add_argument("client", help="claude-desktop, claude-code, vscode, cursor, windsurf, codex or gemini")
    config.add_argument("--write", action="store_true", help="merge it into the client's file, keeping a copy of that")
    words = "serve the simulated tenant on a port of this machine"
    simulate = command("simulate", commands.simulate, words, flags=False)
    simulate.add_argument("--port", type=int, default=8600)
    simulate.add_argument("--seed", type=int, default=7)
    simulate.add_argument("--size", choices=("small", "middle"), default="small", help="400 or 2,000 VMs")
    return parser


class _Join(argparse.Action):
    """A flag that may be given several times: its values by comma, none of them lost."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, values: Any, _option: str | None = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, f"{before},{values}" if before else values)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings (each is also an environment variable, see the README)")
    for name, field in Settings.model_fields.items():
        if name in ENVIRONMENT_ONLY:
            continue
        flag = "--" + name.replace("_", "-")
        choices = [c for c in get_args(field.annotation) if isinstance(c, str)] or [
            c for part in get_args(field.annotation) for c in get_args(part) if isinstance(c, str)
        ]
        if name == "reading":
            group.add_argument(flag, action=_Join, metavar="NAME=VALUE", default=None, help=field.description)
        elif field.annotation is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=field.description)
        else:
            group.add_argument(flag, metavar="|".join(choices) or name.upper(), default=None, help=field.description)
