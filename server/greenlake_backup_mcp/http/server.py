"""`serve --http`: the app on a socket under uvicorn, with an orderly end.

Knows sockets, uvicorn and signals. Must know nothing of who is let in, of tools or of the service.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

import anyio
import uvicorn
from sse_starlette.sse import AppStatus

from greenlake_backup_mcp.consent import codes
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.observability import call_log, otel
from greenlake_backup_mcp.server import startup_checks
from greenlake_backup_mcp.settings import Settings

from .app import PATH, ServerApp, create_app
from .auth.authenticator import Authenticator, configure
from .protocol import BoundedProtocol

IDLE_SECONDS = 75  # an idle connection is kept: longer than proxies do (nginx: 60), or they would use dead ones
BACKLOG = 2048
ANSWERING = 2  # seconds for the answers of calls that are broken off


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, [IPv6]:PORT or PORT (on loopback)."""
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    if not port.isdigit() or not 0 <= int(port) <= 65_535 or not host:
        raise SettingsError(f"Settings: {text!r} is not HOST:PORT.", hint="For example 127.0.0.1:8765 or [::1]:8765.")
    return host, int(port)


def open_socket(host: str, port: int) -> socket.socket:
    """A socket that listens; BackupError says why there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is said to be TCP: else an answer takes 40 ms more.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            hint="Another port, or end what uses this one.",
        ) from None
    return sock


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; running calls then get `grace` seconds to end."""
    host, port, authenticator = check_settings(settings)
    if notice := startup_checks.unused_settings(settings):
        call_log.LOGGER.warning(notice)
    if authenticator.required and settings.secret is None:
        call_log.LOGGER.warning("no GREENLAKE_MCP_SECRET: codes hold in this process only, and not after a restart")
    with otel.run_exporters():
        app = create_app(settings, authenticator=authenticator, bound=host)
        with open_socket(host, port) as sock:
            address = f"{f'[{host}]' if ':' in host else host}:{sock.getsockname()[1]}"
            call_log.LOGGER.info("serving", extra={"fields": {"address": address}})
            if not settings.log_json:
                print(f"Serving on http://{address}{PATH}; Ctrl-C ends it.", file=sys.stderr, flush=True)  # noqa: T201
            _run(app, sock, settings.grace)
    return 0


def check_settings(settings: Settings) -> tuple[str, int, Authenticator]:
    """Where to listen, and who is let in; without taking the port.

    Raises BackupError for what would fail each call: whoever runs a service watches its start, not its answers.
    """
    host, port = address(settings.http or "")
    startup_checks.check_tenant(settings)
    startup_checks.check_audit_log(settings)
    if settings.redis_url is not None and settings.secret is None:
        raise SettingsError(
            "Settings: GREENLAKE_MCP_REDIS_URL is set and GREENLAKE_MCP_SECRET is not: "
            "no replica would know the codes of another.",
            hint=f"Give all replicas one key. {codes.MAKE_ONE}",
        )
    authenticator = configure(settings)
    for kind in ("traces", "metrics"):
        otel.is_exporting(kind, os.environ)
    return host, port, authenticator


def server(app: ServerApp, grace: float) -> uvicorn.Server:
    """The server of an app; setting its `should_exit` ends it as a signal does."""
    # Else sse-starlette ends every stream at the signal, those of running calls of earlier clients too.
    AppStatus.enable_automatic_graceful_drain = False
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who calls is told by a token, never by a header
            ws="none",
            lifespan="on",
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=max(1, round(grace)) + ANSWERING,
        )
    )


async def run(app: ServerApp, server: uvicorn.Server, sock: socket.socket, grace: float) -> None:
    """Serve until the server is told to exit; running calls then have `grace` seconds to end."""

    async def ended() -> None:
        while not server.should_exit:  # noqa: ASYNC110  uvicorn offers no event
            await anyio.sleep(0.05)
        app.drain()
        await anyio.sleep(grace)
        app.cancel_calls()

    async with anyio.create_task_group() as group:
        group.start_soon(ended)
        await server.serve(sockets=[sock])
        group.cancel_scope.cancel()


def _run(app: ServerApp, sock: socket.socket, grace: float) -> None:
    running = server(app, grace)

    def ends(*_: object) -> None:
        running.should_exit = True

    # Until uvicorn takes its signals over; once all has ended it raises them again, and they have done their work.
    before = signal.signal(signal.SIGTERM, ends)
    try:
        anyio.run(run, app, running, sock, grace)
    finally:
        signal.signal(signal.SIGTERM, before)
