"""The ASGI app: the SDK's streamable HTTP of both eras and the probes, behind middleware; and whether it still serves.

Knows Starlette and the settings of serving. Must know nothing of sockets, tools or the service.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.settings import Settings

from . import middleware
from .auth import jwks
from .auth.authenticator import Authenticator, configure

PATH = "/mcp"
METADATA = "/.well-known/oauth-protected-resource"


@dataclass
class ServerApp:
    """An app with its state: whether it serves, and the streams that end by nothing but their end."""

    app: ASGIApp
    browsers: ASGIApp  # the same, telling pages of other origins that they may read the answers
    calls: InFlightCalls = field(default_factory=InFlightCalls)
    ready: bool = False
    ending: bool = False
    _streams: set[anyio.CancelScope] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A GET on the protocol's path is a stream of a session: nothing runs in it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if (
            scope["path"].endswith("/") and scope["path"] != "/"
        ):  # served as without: a redirect would lead around a proxy's TLS
            scope = {**scope, "path": scope["path"].rstrip("/"), "raw_path": scope["raw_path"].rstrip(b"/")}
        app = self.browsers if any(name == b"origin" for name, _ in scope["headers"]) else self.app
        if scope["method"] != "GET" or scope["path"] != PATH:
            return await app(scope, receive, send)
        if self.ending:
            return await middleware.refuse(send, 503, "This replica is shutting down.")
        state = {"start": False, "end": False}

        async def watched(message: Message) -> None:
            state["start"] = True
            state["end"] = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        with anyio.CancelScope() as stream:
            self._streams.add(stream)
            try:
                await app(scope, receive, watched)
            finally:
                self._streams.discard(stream)
        if stream.cancelled_caught and state["start"] and not state["end"]:
            await send({"type": "http.response.body", "body": b""})
        return None

    def drain(self) -> None:
        """Take no more, and close the streams, so that only calls are left to wait for."""
        self.ready, self.ending = False, True
        self.calls.drain()
        for stream in list(self._streams):
            stream.cancel()

    def cancel_calls(self) -> None:
        """Answer what still runs: its time is over."""
        self.calls.cancel_all()


def create_app(
    settings: Settings,
    *,
    app: Any = None,
    now: Callable[[], datetime] | None = None,
    authenticator: Authenticator | None = None,
    bound: str = "127.0.0.1",
) -> ServerApp:
    """The whole ASGI app over the tenant of the settings, or over `app`, a simulated tenant in this process.

    `authenticator` is who is let in (default: as the settings say), `bound` the address that is listened on. Raises
    BackupError where the settings would serve others without knowing them.
    """
    authenticator = authenticator or configure(settings)
    served = middleware.host_policy(bound, settings.public_url, settings.allowed_hosts, settings.allowed_origins)
    _check_public_url(settings, authenticator, bound, served)
    running = InFlightCalls()
    server = mcp_server.create(
        settings, app=app, now=now, logins=authenticator.required, running=running, replicas=True
    )
    manager = StreamableHTTPSessionManager(
        server,
        stateless=settings.stateless,
        max_request_body_size=settings.max_body,
        # The middleware checks Host and Origin for every path, and says what is wrong.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run(), anyio.create_task_group() as behind:
            if authenticator.issuer is not None:
                authenticator.issuer.keys.spawn = behind.start_soon
            live.ready = True
            yield
            live.ready = False
            behind.cancel_scope.cancel()

    async def healthy(_: Request) -> Response:
        return JSONResponse({"healthy": True})

    async def ready(_: Request) -> Response:
        # Neither the service nor Redis is asked: taking every replica out would not bring them back.
        return JSONResponse({"ready": live.ready}, 200 if live.ready else 503)

    protocol = StreamableHTTPASGIApp(manager)
    routes = [Route(PATH, protocol), Route("/healthz", healthy), Route("/readyz", ready)]
    public = list(middleware.PROBES)
    metadata_url = None
    if authenticator.issuer is not None and settings.public_url:
        parts = urlsplit(settings.public_url)
        path = METADATA + parts.path.rstrip("/")
        metadata_url = f"{parts.scheme}://{parts.netloc}{path}"
        routes.append(Route(path, _metadata(settings.public_url, authenticator)))
        public.append(path)
    others = Starlette(routes=routes, lifespan=lifespan)
    others.router.redirect_slashes = False

    async def within(scope: Scope, receive: Receive, send: Send) -> None:
        """What is behind the middleware. Nearly all are calls, which need nothing of Starlette's layers."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await others(scope, receive, send)
        elif any(name == b"content-length" for name, _ in scope["headers"]):
            await protocol(scope, receive, send)
        else:
            await protocol(scope, receive, _with_limit_header(send, settings.max_body))

    guarded = middleware.EdgeMiddleware(
        within, served, authenticator, settings.max_body, public=tuple(public), metadata_url=metadata_url
    )
    live = ServerApp(
        guarded,
        CORSMiddleware(
            guarded,
            allow_origins=sorted(served.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Mcp-Session-Id", "WWW-Authenticate"],
        ),
        running,
    )
    return live


def _with_limit_header(send: Send, most: int) -> Send:
    """The SDK counts what comes without a length, and refuses it in words of its own: ours say the setting."""
    refused = False

    async def sent(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] == 413:
            refused = True
            await middleware.refuse(send, 413, f"A request holds at most {most:,} bytes (GREENLAKE_MCP_MAX_BODY).")
        elif not refused:
            await send(message)

    return sent


def _metadata(public_url: str, authenticator: Authenticator) -> Callable[[Request], Any]:
    """Whom to ask for a token (RFC 9728)."""
    content = json.dumps(
        {
            "resource": public_url,
            "authorization_servers": [authenticator.issuer.url] if authenticator.issuer else [],
            "scopes_supported": list(authenticator.scopes),
            "bearer_methods_supported": ["header"],
            "resource_name": "HPE GreenLake Backup and Recovery over MCP",
        }
    )

    async def metadata(_: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=3600", "Vary": "Origin"}
        return Response(content, media_type="application/json", headers=headers)

    return metadata


def _check_public_url(
    settings: Settings, authenticator: Authenticator, bound: str, served: middleware.HostPolicy
) -> None:
    """Refuse to serve anybody but this machine without knowing them."""
    if settings.public_url:
        jwks.is_private(settings.public_url, "GREENLAKE_MCP_PUBLIC_URL")
    if authenticator.required:
        return
    foreign = [host for host in served.hosts if middleware.strip_port(host) not in middleware.LOOPBACK]
    if bound not in jwks.LOOPBACK or foreign:
        what = f"the address {bound}" if bound not in jwks.LOOPBACK else f"the host {foreign[0]}"
        raise SettingsError(
            f"Settings: {what} can be reached by others, and nobody would have to say who they are.",
            hint="Set GREENLAKE_MCP_TOKENS_FILE or GREENLAKE_MCP_ISSUER, or serve 127.0.0.1.",
        )
