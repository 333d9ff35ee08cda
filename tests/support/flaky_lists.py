"""A service some of whose lists fail, in the ways that lists do: refused, broken, a page lost, cut short."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import httpx2

KINDS = ("403", "404", "500", "broken", "not json", "page lost", "page lost, total too", "cut short")


@dataclass
class FlakyLists:
    """An app over `app`: so many of a thousand GETs of lists fail. What is asked for by its id is answered truly.

    `only`: how the paths end of which some fail; `kinds`: in which ways.
    """

    app: Any
    rng: random.Random
    thousandths: int = 0
    failed: int = 0
    only: str = ""
    kinds: tuple[str, ...] = KINDS

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, or spoil it."""
        last = scope["path"].rstrip("/").rsplit("/", 1)[-1]
        a_list = scope["method"] == "GET" and not (len(last) == 36 and last.count("-") == 4)
        if not a_list or not scope["path"].endswith(self.only) or self.rng.randrange(1000) >= self.thousandths:
            await self.app(scope, receive, send)
            return
        self.failed += 1
        kind = self.rng.choice(self.kinds)
        if kind == "broken":
            raise httpx2.ReadError("broken on purpose")
        if kind.isdigit():
            await _send(send, int(kind), b'{"httpStatusCode": %s, "errorCode": "X", "message": "no"}' % kind.encode())
            return
        parts: list[bytes] = []

        async def held(message: Any) -> None:
            if message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self.app(scope, receive, held)
        content = b"".join(parts)
        if kind == "not json":
            await _send(send, 200, content[: len(content) // 2])
            return
        page = json.loads(content)
        lost = page["items"][: len(page["items"]) // 2] if kind == "cut short" else []
        if kind == "page lost, total too" and "total" in page:
            page["total"] -= len(page["items"]) - len(lost)
        page["items"], page["count"] = lost, len(lost)
        await _send(send, 200, json.dumps(page).encode())


async def _send(send: Any, status: int, content: bytes) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
