"""`serve --http`: the SDK's streamable HTTP of both eras behind doors, with probes and an orderly end.

Knows Starlette, uvicorn and the settings of serving. Must know nothing of tools or of the service.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import anyio
import uvicorn
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlake_backup_mcp import log, mcp_server
from greenlake_backup_mcp.consent import audit, used_redis
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.service import auth, wire
from greenlake_backup_mcp.settings import Settings

from . import doors, identity, jwks, telemetry
from .identity import Identity

PATH = "/mcp"
METADATA = "/.well-known/oauth-protected-resource"
LOOPBACK_ORIGINS = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
IDLE_SECONDS = (
    75  # for which an idle connection is kept: longer than proxies do (nginx: 60), or they would use dead ones
)
BACKLOG = 2048


@dataclass
class Live:
    """An app with its state: whether it serves, and the streams that end by nothing but their end."""

    app: ASGIApp
    ready: bool = False
    ending: bool = False
    _streams: set[anyio.CancelScope] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A GET on the protocol's path is a stream of a session: nothing runs in it."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != PATH:
            return await self.app(scope, receive, send)
        if self.ending:
            return await doors.refuse(send, 503, "This replica is shutting down.")
        state = {"start": False, "end": False}

        async def watched(message: Message) -> None:
            state["start"] = True
            state["end"] = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        with anyio.CancelScope() as stream:
            self._streams.add(stream)
            try:
                await self.app(scope, receive, watched)
            finally:
                self._streams.discard(stream)
        if stream.cancelled_caught and state["start"] and not state["end"]:
            await send({"type": "http.response.body", "body": b""})
        return None

    def end(self) -> None:
        """Take no more, and close the streams, so that only calls are left to wait for."""
        self.ready, self.ending = False, True
        for stream in list(self._streams):
            stream.cancel()


def create_app(
    settings: Settings,
    *,
    app: Any = None,
    now: Callable[[], datetime] | None = None,
    known: Identity | None = None,
    bound: str = "127.0.0.1",
) -> Live:
    """The whole ASGI app over the tenant of the settings, or over `app`, a simulated tenant in this process.

    `known` is who is let in (default: as the settings say), `bound` the address that is listened on. Raises
    BackupError where the settings would serve others without knowing them.
    """
    known = known or identity.configured(settings)
    served = doors.hosts(bound, settings.public_url, settings.allowed_hosts, settings.allowed_origins)
    _must_be_safe(settings, known, bound, served)
    server = mcp_server.create(settings, app=app, now=now, logins=known.required)
    manager = StreamableHTTPSessionManager(
        server,
        stateless=settings.stateless,
        max_request_body_size=settings.max_body,
        # The doors check Host and Origin for every path, and say what is wrong.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            live.ready = True
            yield
            live.ready = False

    async def healthy(_: Request) -> Response:
        return JSONResponse({"healthy": True})

    async def ready(_: Request) -> Response:
        # Neither the service nor Redis is asked: taking every replica out would not bring them back.
        return JSONResponse({"ready": live.ready}, 200 if live.ready else 503)

    routes = [
        Route(PATH, StreamableHTTPASGIApp(manager)),
        Route("/healthz", healthy),
        Route("/readyz", ready),
    ]
    metadata_url = None
    if known.issuer is not None and settings.public_url:
        parts = urlsplit(settings.public_url)
        path = METADATA + parts.path.rstrip("/")
        metadata_url = f"{parts.scheme}://{parts.netloc}{path}"
        routes.append(Route(path, _metadata(settings.public_url, known)))
    inner = doors.Doors(
        Starlette(routes=routes, lifespan=lifespan),
        served,
        known,
        settings.max_body,
        public=(*doors.PROBES, *(route.path for route in routes[3:])),
        metadata_url=metadata_url,
    )
    live = Live(
        CORSMiddleware(
            inner,
            allow_origins=sorted(served.origins),
            allow_origin_regex=LOOPBACK_ORIGINS,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Mcp-Session-Id", "WWW-Authenticate"],
        )
    )
    return live


def _metadata(public_url: str, known: Identity) -> Callable[[Request], Any]:
    """Whom to ask for a token (RFC 9728)."""
    content = json.dumps(
        {
            "resource": public_url,
            "authorization_servers": [known.issuer.url] if known.issuer else [],
            "scopes_supported": list(known.scopes),
            "bearer_methods_supported": ["header"],
            "resource_name": "HPE GreenLake Backup and Recovery over MCP",
        }
    )

    async def metadata(_: Request) -> Response:
        return Response(content, media_type="application/json", headers={"Cache-Control": "public, max-age=3600"})

    return metadata


def _must_be_safe(settings: Settings, known: Identity, bound: str, served: doors.Hosts) -> None:
    """Refuse to serve anybody but this machine without knowing them."""
    if settings.public_url:
        jwks.private(settings.public_url)
    if known.required:
        return
    foreign = [host for host in served.hosts if doors.without_port(host) not in doors.LOOPBACK]
    if bound not in jwks.LOOPBACK or foreign:
        what = f"the address {bound}" if bound not in jwks.LOOPBACK else f"the host {foreign[0]}"
        raise BackupError(
            f"Settings: {what} can be reached by others, and nobody would have to say who they are.",
            hint="Set GREENLAKE_MCP_TOKENS_FILE or GREENLAKE_MCP_ISSUER, or serve 127.0.0.1.",
            kind="settings",
        )


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, [IPv6]:PORT or PORT (on loopback)."""
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    if not port.isdigit() or not 0 <= int(port) <= 65_535 or not host:
        raise BackupError(
            f"Settings: {text!r} is not HOST:PORT.", hint="For example 127.0.0.1:8765 or [::1]:8765.", kind="settings"
        )
    return host, int(port)


def listening(host: str, port: int) -> socket.socket:
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
        raise BackupError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            hint="Another port, or end what uses this one.",
            kind="settings",
        ) from None
    return sock


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; running calls then get `grace` seconds to end."""
    host, port = address(settings.http or "")
    _must_work(settings)
    known = identity.configured(settings)
    if known.required and settings.secret is None:
        log.LOGGER.warning("no GREENLAKE_MCP_SECRET: codes hold in this process only, and not after a restart")
    with telemetry.running():
        app = create_app(settings, known=known, bound=host)
        with listening(host, port) as sock:
            log.LOGGER.info("serving", extra={"fields": {"address": f"{host}:{sock.getsockname()[1]}"}})
            _run(app, sock, settings.grace)
    return 0


def _must_work(settings: Settings) -> None:
    """Raise BackupError for what would fail each call: whoever runs a service watches its start, not its answers."""
    if not settings.demo:
        wire.base_url(settings)
        if settings.token is None:
            auth.client(settings, simulated=False)
    if settings.redis_url is not None:
        used_redis.UsedInRedis(settings.redis_url.get_secret_value())
    record = audit.opened(settings.audit_log)
    if record.descriptor is not None:
        os.close(record.descriptor)


def server(app: Live, grace: float) -> uvicorn.Server:
    """The server of an app; setting its `should_exit` ends it as a signal does."""
    # Else sse-starlette ends every stream at the signal, those of running calls of earlier clients too.
    AppStatus.enable_automatic_graceful_drain = False
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who calls is told by a token, never by a header
            ws="none",
            lifespan="on",
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=max(1, round(grace)),
        )
    )


async def run(app: Live, server: uvicorn.Server, sock: socket.socket) -> None:
    """Serve until the server is told to exit; running calls end first."""

    async def ended() -> None:
        while not server.should_exit:  # noqa: ASYNC110  uvicorn offers no event
            await anyio.sleep(0.05)
        app.end()

    async with anyio.create_task_group() as group:
        group.start_soon(ended)
        await server.serve(sockets=[sock])
        group.cancel_scope.cancel()


def _run(app: Live, sock: socket.socket, grace: float) -> None:
    # uvicorn raises the signal again once all has ended: then it has done its work.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        anyio.run(run, app, server(app, grace), sock)
    finally:
        signal.signal(signal.SIGTERM, before)
