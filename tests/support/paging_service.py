"""A service of one list that pages as badly as asked, and what such little services share."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import anyio.lowlevel

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.upstream import client

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
Item = dict[str, Any]


async def no_progress(_done: float, _total: float | None, _words: str) -> None:
    """Progress that nobody follows."""


async def received(receive: Any) -> bytes:
    """The whole body of a request to an ASGI application."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def no_sleep(_seconds: float) -> None:
    """Waiting takes no time here."""


@dataclass
class Pages:
    """An ASGI application that answers every GET with a page of `items`."""

    items: list[Item]
    total: Callable[[int], int | None] | None = None  # by number of the request; None: the truth
    most: int = 10**9  # rows a page at most, whatever is asked for
    short: frozenset[int] = frozenset()  # numbers of the requests that bring half of what they could
    failing: dict[int, int] = field(default_factory=dict)  # status by number of the request
    refuses: Callable[[dict[str, str]], str | None] | None = None  # why a query is answered 400
    ignores_offset: bool = False
    spelling: str = "offset"  # or pageOffset, or none
    before: Callable[[int, list[Item]], None] | None = None  # changes the items before a request
    queries: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for _ in range(5):
                await anyio.lowlevel.checkpoint()  # so that several requests are under way at once
            status, body = self._answer(dict(parse_qsl(scope["query_string"].decode())))
            content = json.dumps(body).encode()
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
        finally:
            self.at_once -= 1

    def _answer(self, query: dict[str, str]) -> tuple[int, Any]:
        number = len(self.queries)
        self.queries.append(query)
        if number in self.failing:
            return self.failing[number], {"httpStatusCode": self.failing[number], "message": "no", "errorCode": "NO"}
        if self.refuses is not None and (why := self.refuses(query)):
            return 400, {"httpStatusCode": 400, "message": why, "errorCode": "BAD_REQUEST"}
        if self.before is not None:
            self.before(number, self.items)
        start = 0 if self.ignores_offset else int(query.get("offset", 0))
        limit = min(int(query.get("limit", 10**9)), self.most)
        if number in self.short:
            limit = max(1, limit // 2)
        result = self.items[start : start + limit]
        body: dict[str, Any] = {"items": result, "count": len(result)}
        if self.spelling == "offset":
            body["offset"] = start
        elif self.spelling == "pageOffset":
            body |= {"pageOffset": start, "pageLimit": limit}
        total = self.total(number) if self.total is not None else len(self.items)
        if total is not None:
            body["total"] = total
        return 200, body


@asynccontextmanager
async def reached(app: Any, arguments: Settings | None = None) -> AsyncIterator[client.ApiClient]:
    """The way to an application in-process; nothing waits, the clock stands still."""
    arguments = arguments or settings.load(token="t", scan_cap=100_000)
    async with client.connect(arguments, app=app, now=lambda: NOW, sleep=no_sleep) as api:
        yield api
