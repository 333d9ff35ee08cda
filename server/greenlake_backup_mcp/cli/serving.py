"""`serve`: one client on stdin and stdout, or many over HTTP; what is wrong with the settings is served as well."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import threading

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.server import startup_checks
from greenlake_backup_mcp.settings import Settings

from .printing import load_settings, print_message


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
        chosen = load_settings(options)
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
