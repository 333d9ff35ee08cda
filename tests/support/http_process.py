"""Servers on real sockets within a test, the issuer of tokens, and clients that carry one."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from greenlake_backup_mcp.errors import Unreachable
from greenlake_backup_mcp.http import server as http_server
from greenlake_backup_mcp.http.app import ServerApp
from greenlake_backup_mcp.http.auth import jwks

from .tiny_tenant import BACKUP, OWN, VIRTUALIZATION, VM, Tenant

ISSUER = "https://login.example.com/tenant"
PUBLIC = "https://backup.example.com/mcp"
COPY = f"{OWN}/virtual-machines/{VM}/backups/{BACKUP}"
DELETE = {"vmId": VM, "backupId": BACKUP}


def tenant() -> Tenant:
    """One VM with one backup."""
    copy = {"id": BACKUP, "name": "daily-7", "generation": 3, "state": "OK", "pointInTime": "2026-11-21T08:00:00Z"}
    return Tenant(
        {
            COPY: copy,
            f"{OWN}/virtual-machines/{VM}/backups": [copy],
            f"{OWN}/virtual-machines/{VM}/snapshots": [],
            f"{VIRTUALIZATION}/virtual-machines/{VM}": {"id": VM, "name": "sql-prod-01", "generation": 9},
        }
    )


@dataclass
class Served:
    """A server that runs: where, and the switch that ends it."""

    url: str
    server: uvicorn.Server
    live: ServerApp

    @property
    def root(self) -> str:
        return self.url.removesuffix("/mcp")


@asynccontextmanager
async def serving(live: ServerApp, grace: float = 5) -> AsyncIterator[Served]:
    """The app on a port of its own; requests wait in the socket's queue until it serves."""
    sock = http_server.open_socket("127.0.0.1", 0)
    server = http_server.server(live, grace)
    with sock:
        async with anyio.create_task_group() as group:
            group.start_soon(http_server.run, live, server, sock, grace)
            try:
                yield Served(f"http://127.0.0.1:{sock.getsockname()[1]}/mcp", server, live)
            finally:
                server.should_exit = True


@asynccontextmanager
async def client(url: str, token: str | None = None, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
    """A real MCP client that shows a token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **options) as connected,
    ):
        yield connected


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28"}


async def discover(url: str, token: str | None = None, **headers: str) -> httpx2.Response:
    """The smallest request there is, with any headers."""
    rendered = {"authorization": f"Bearer {token}"} if token else {}
    body = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": META}}
    async with httpx2.AsyncClient() as http:
        sent = {**MODERN, "mcp-method": "server/discover", **rendered, **headers}
        return await http.post(url, json=body, headers=sent)


@dataclass
class IssuerOfTokens:
    """An issuer with its keys, and how often it was asked for them. `reachable` False: it is down."""

    keys: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    reachable: bool = True
    now: float = 0.0

    def rsa(self, kid: str) -> None:
        self.keys[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def ec(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def published(self) -> list[dict[str, Any]]:
        collected = []
        for kid, key in self.keys.items():
            kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
            collected.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig"})
        return collected

    async def fetch(self, url: str) -> Any:

        self.asked.append(url)
        if not self.reachable:
            raise Unreachable("down")
        if url.endswith("openid-configuration"):
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        return {"keys": self.published()}

    def key_set(self) -> jwks.Keys:
        return jwks.Keys(ISSUER, None, self.fetch, lambda: self.now)

    def token(self, scope: str = "backup:destroy", *, kid: str = "one", headers: Any = None, **claims: Any) -> str:
        key = self.keys[kid]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        text = {
            "iss": ISSUER,
            "aud": PUBLIC,
            "sub": "alice",
            "client_id": "assistant",
            "exp": int(time.time()) + 600,
            "scope": scope,
            **claims,
        }
        content = {name: value for name, value in text.items() if value is not None}
        return jwt.encode(content, key, algorithm, headers={"kid": kid, **(headers or {})})
