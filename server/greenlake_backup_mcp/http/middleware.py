"""What a request must show before it reaches the protocol: a Host and an Origin we serve, a size, a token.

ASGI around the SDK's app. Every refusal says what was refused and which setting allows it.
Must know nothing of tools or of what a call does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlake_backup_mcp.errors import BackupError, SettingsError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.text import sanitize

from .auth.authenticator import Authenticator, authenticate
from .auth.principals import TokenRejectedError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
PROBES = ("/healthz", "/readyz")  # asked by address, not by name: a kubelet sends the pod's IP as Host
HOST = re.compile(r"(?:[\w-]+(?:\.[\w-]+)*\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://{HOST.pattern}", re.ASCII | re.IGNORECASE)
INVALID_REQUEST = -32600
BODY_SECONDS = 30.0  # that the body of a request may take to arrive


@dataclass(frozen=True)
class HostPolicy:
    """The Host and Origin headers that are served. A host without a port stands for all its ports."""

    hosts: frozenset[str]
    origins: frozenset[str]

    def allows_host(self, host: str) -> bool:
        """Whether a Host header is ours."""
        lower = host.lower()
        return lower in self.hosts or strip_port(lower) in self.hosts

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of an origin may talk to us; `null` (a file, a sandboxed frame) never may.

        Origins of this machine are named like all others: any program of it may serve pages on a port of its own.
        """
        return origin.lower() in self.origins


def strip_port(host: str) -> str:
    """`[::1]:80` → `[::1]`, `name:80` → `name`."""
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdigit() and (not head.count(":") or head.endswith("]")) else host


def _unmatched_names(setting: str, value: str, wanted: str) -> BackupError:
    return SettingsError(
        f"Settings: {setting} holds {value[:200]!r}, which no request could match.",
        hint=f"It takes {wanted}, separated by commas; there is no sign that stands for all.",
    )


def host_policy(bound: str, public_url: str | None, more_hosts: str, more_origins: str) -> HostPolicy:
    """Loopback, the address that is bound, the public URL's host and origin, and what the settings add.

    Raises BackupError for an addition that nothing could match, or that would let everybody in.
    """
    names = [*LOOPBACK, *_split(more_hosts)]
    origins = [origin.rstrip("/") for origin in _split(more_origins)]
    for name in names:
        if not HOST.fullmatch(name):
            raise _unmatched_names(
                "GREENLAKE_MCP_ALLOWED_HOSTS", name, "names like backup.example.com or [fd00::1]:8080"
            )
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise _unmatched_names("GREENLAKE_MCP_ALLOWED_ORIGINS", origin, "origins like https://ide.example.com:8443")
    if bound not in ("0.0.0.0", "::", ""):  # noqa: S104  told apart, not bound
        names.append(f"[{bound}]" if ":" in bound else bound)
    if public_url:
        parts = urlsplit(public_url)
        names.append(parts.netloc.rpartition("@")[2])
        origins.append(f"{parts.scheme}://{names[-1]}")
    return HostPolicy(frozenset(n.lower() for n in names), frozenset(o.lower() for o in origins))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@dataclass(frozen=True)
class EdgeMiddleware:
    """What stands in front of an app, in the order in which a request meets it."""

    app: ASGIApp
    hosts: HostPolicy
    authenticator: Authenticator
    max_bytes: int
    nameless: tuple[str, ...] = PROBES  # paths that need no Host
    public: tuple[str, ...] = PROBES  # paths that need no token
    metadata_url: str | None = None  # where clients learn whom to ask for a token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return None
        refusal = None if scope["path"] in self.nameless else self._check_host_and_origin(scope)
        refusal = refusal or self._check_length(scope)
        if refusal is not None:
            return await refuse(send, *refusal)
        body = _TimedBody(receive, send)
        if not self.authenticator.required or scope["path"] in self.public or scope["method"] == "OPTIONS":
            await self.app(scope, body.receive, body.send)
        else:
            await self._authenticate(scope, body.receive, body.send)
        if body.late and not body.answered:
            await refuse(send, 408, f"A request must have arrived within {BODY_SECONDS:.0f} seconds.")
        return None

    def _check_host_and_origin(self, scope: Scope) -> tuple[int, str] | None:
        hosts = _headers(scope, b"host")
        if len(hosts) != 1 or not self.hosts.allows_host(hosts[0]):
            name = sanitize.quoted(", ".join(hosts)) if hosts else "no name"
            return 421, f"Host {name} is not served here. Allow it with GREENLAKE_MCP_ALLOWED_HOSTS (--allowed-hosts)."
        for origin in _headers(scope, b"origin"):
            if not self.hosts.allows_origin(origin):
                cure = "Allow it with GREENLAKE_MCP_ALLOWED_ORIGINS (--allowed-origins)."
                return 403, f"Pages of {sanitize.quoted(origin)} may not use this server. {cure}"
        return None

    def _check_length(self, scope: Scope) -> tuple[int, str] | None:
        """By the length declared; what comes without one is counted by the SDK as it arrives."""
        sizes = [int(size) for size in _headers(scope, b"content-length") if size.isdigit()]
        if sizes and max(sizes) > self.max_bytes:
            return (
                413,
                f"A request holds at most {self.max_bytes:,} bytes, not {max(sizes):,} (GREENLAKE_MCP_MAX_BODY).",
            )
        return None

    async def _authenticate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on as whom the token shows."""
        values = _headers(scope, b"authorization")
        kind, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        if kind.lower() != "bearer" or not token.strip():
            return await self._challenge(send, None)
        try:
            access = await authenticate(self.authenticator, token.strip())
        except TokenRejectedError as refusal:
            call_log.LOGGER.warning("token refused", extra={"fields": {"reason": refusal.reason}})
            return await self._challenge(send, refusal)
        user = AuthenticatedUser(access)
        scope["user"] = user  # the SDK binds sessions to it
        mark = auth_context_var.set(user)
        try:
            await self.app(scope, receive, send)
        finally:
            auth_context_var.reset(mark)

    async def _challenge(self, send: Send, refusal: TokenRejectedError | None) -> None:
        """What RFC 6750 and RFC 9728 have a server say; without a token it says no error."""
        status = refusal.status if refusal else 401
        error = {401: "invalid_token", 403: "insufficient_scope"}.get(status, "temporarily_unavailable")
        parts = []
        if refusal:
            parts += [f'error="{error}"', f'error_description="{refusal.reason}"']
        if self.authenticator.issuer is not None:
            parts.append(f'scope="{self.authenticator.scopes[0]}"')
        if self.metadata_url:
            parts.append(f'resource_metadata="{self.metadata_url}"')
        reason = refusal.reason if refusal else "This server needs a bearer token in the Authorization header."
        body = {"error": error, "error_description": reason}
        extra = {"WWW-Authenticate": f"Bearer {', '.join(parts)}".strip()} if status != 503 else {"Retry-After": "30"}
        await send_json(send, status, body, extra)


@dataclass
class _TimedBody:
    """A request whose body must arrive in time: of one that does not, the app hears that its client is gone."""

    _receive: Receive
    _send: Send
    late: bool = False
    answered: bool = False
    _whole: bool = False
    _deadline: float | None = None

    async def receive(self) -> Message:
        """The next message of the request."""
        if self._whole:
            return await self._receive()
        if self._deadline is None:
            self._deadline = anyio.current_time() + BODY_SECONDS
        message: Message = {"type": "http.disconnect"}
        self.late = True
        with anyio.move_on_after(self._deadline - anyio.current_time()):
            message = await self._receive()
            self.late = False
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Part of the answer."""
        self.answered = True
        await self._send(message)


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


async def refuse(send: Send, status: int, message: str) -> None:
    """A refusal as MCP clients read it: a JSON-RPC error that answers no request in particular."""
    call_log.LOGGER.warning("request refused", extra={"fields": {"status": status, "reason": message}})
    error = {"code": INVALID_REQUEST, "message": message}
    await send_json(send, status, {"jsonrpc": "2.0", "id": None, "error": error})


async def send_json(send: Send, status: int, body: object, headers: dict[str, str] | None = None) -> None:
    """A JSON answer."""
    content = json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    start: Message = {"type": "http.response.start", "status": status, "headers": list(_raw_headers(fields.items()))}
    await send(start)
    await send({"type": "http.response.body", "body": content})


def _raw_headers(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[bytes, bytes]]:
    return ((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers)
