"""HTTP to the service: one client, rate and concurrency limits, retries, status → error.

Knows HTTP, not tools' arguments and not MCP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from .settings import Settings

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""How long work tells how far it is: done, of how many (None: unknown), in words."""


@dataclass(frozen=True)
class Request:
    """One request to the service, ready to be sent: path quoted, query as pairs."""

    operation_id: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    media_type: str | None = None  # None: no body is sent
    reads: bool = False  # changes nothing, so may be repeated


@dataclass(frozen=True)
class Reply:
    """What the service answered; `body` is parsed JSON or None."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    debug_id: str | None = None


@dataclass(frozen=True)
class Api:
    """The way to the service: settings, the HTTP client, and the clock that ages are told by."""

    settings: Settings
    client: httpx2.AsyncClient
    now: Callable[[], datetime]


@asynccontextmanager
async def connect(settings: Settings, *, now: Callable[[], datetime] | None = None, app: Any = None) -> AsyncIterator[Api]:
    """An Api over the tenant of the settings, or in-process over `app` (an ASGI simulated tenant)."""
    raise NotImplementedError
    yield


async def send(api: Api, request: Request) -> Reply:
    """The service's 2xx reply; every other outcome is a BackupError that says what is known."""
    raise NotImplementedError
