"""How fast requests may go: a client-side rate with a burst, a number at once, and a pause where one is asked for.

Knows nothing of requests and headers (retry_after.py). Every wait is cancellable and leaves nothing behind.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

LONGEST = 60.0  # seconds that a request waits because the service asks for it; beyond, the caller is told
BURST_SECONDS = 10.0  # a quiet client may send what the rate allows in this time at once


class FairSlots:
    """So many at once. Who waits is served in turns by caller, so that many requests of one hold up no other's."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: dict[str, deque[anyio.Event]] = {}  # by caller, whoever is next first

    async def acquire(self, caller: str) -> None:
        """Take a slot; one that is free at once."""
        if self._free:
            self._free -= 1
            return
        turn = anyio.Event()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():  # cancelled while it was being handed over
                self.release()
            else:
                self._leave(caller, turn)
            raise

    def release(self) -> None:
        """Give a slot back: to the next caller in turn, if one waits."""
        caller = next(iter(self._waiting), None)
        if caller is None:
            self._free += 1
            return
        turns = self._waiting.pop(caller)
        turn = turns.popleft()
        if turns:
            self._waiting[caller] = turns  # behind all others
        turn.set()

    def _leave(self, caller: str, turn: anyio.Event) -> None:
        turns = self._waiting[caller]
        turns.remove(turn)
        if not turns:
            del self._waiting[caller]


class RateLimiter:
    """The turn of each request: at most `rate` a minute (None: as they come) and `concurrency` at once."""

    def __init__(
        self,
        rate: float | None,
        concurrency: int,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._interval = 60.0 / rate if rate else 0.0
        self._slots = FairSlots(concurrency)
        self._now = now
        self._sleep = sleep
        self._due = float("-inf")  # when the next request would be due if they went evenly spaced
        self._paused_until = float("-inf")

    @asynccontextmanager
    async def slot(self, caller: str = "") -> AsyncIterator[None]:
        """Wait for one's turn, and hold a slot while the request is under way; callers take turns."""
        await self._slots.acquire(caller)
        try:
            await self._wait()
            yield
        finally:
            self._slots.release()

    async def _wait(self) -> None:
        now = self._now()
        self._due = max(self._due, now - max(BURST_SECONDS, self._interval)) + self._interval
        wait = max(self._due - now if self._interval else 0.0, self._paused_until - now)
        if wait <= 0:
            return
        try:
            await self._sleep(wait)
        except BaseException:
            self._due -= self._interval  # whoever is cancelled gives the turn back
            raise

    def pause_for(self, seconds: float) -> None:
        """Let no request out for so long: the service said so to one of them."""
        self._paused_until = max(self._paused_until, self._now() + min(seconds, LONGEST))
