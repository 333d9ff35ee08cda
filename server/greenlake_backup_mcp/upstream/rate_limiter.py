"""How fast requests may go: a client-side rate with a burst, a number at once, and what the service asks for.

Knows rate headers, nothing of requests. Every wait is cancellable and leaves nothing behind.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio

LONGEST = 60.0  # seconds that a request waits because the service asks for it; beyond, the caller is told
BURST_SECONDS = 10.0  # a quiet client may send what the rate allows in this time at once
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_REMAINS = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_ASKING = frozenset(("retry-after", "ratelimit", *_RESETS))  # without one of these nothing is asked for


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


def retry_after_seconds(headers: Mapping[str, str], status: int, now: datetime) -> float | None:
    """Seconds the service asks to wait: Retry-After (seconds or HTTP date) or any spelling of a rate's reset.

    On a success only an exhausted rate counts. None where nothing is asked for.
    """
    if _ASKING.isdisjoint(headers):  # nearly always
        return None
    after = headers.get("retry-after", "").strip()
    # measured by the service's own clock where it tells it: ours may be wrong
    since = _date(headers.get("date", "")) or now
    if after and status >= 300:
        if (seconds := _number(after)) is not None:
            return _until(seconds, since)
        if (moment := _date(after)) is not None:
            return max(0.0, (moment - since).total_seconds())
    remaining = next((n for name in _REMAINS if (n := _number(headers.get(name, ""))) is not None), None)
    reset = next((n for name in _RESETS if (n := _number(headers.get(name, ""))) is not None), None)
    if reset is None and (found := re.search(r"(?:\breset=|\bt=)(\d{1,15})", headers.get("ratelimit", ""))):
        left = re.search(r"(?:\bremaining=|\br=)(\d{1,15})", headers.get("ratelimit", ""))
        reset, remaining = float(found[1]), float(left[1]) if left else None
    if reset is None or not (status == 429 or remaining == 0):
        return None
    return _until(reset, since)


def _until(number: float, now: datetime) -> float:
    """Seconds to wait, where some write the moment: seconds, or milliseconds, since 1970."""
    if number > 1e11:
        number /= 1000
    return max(0.0, number - now.timestamp()) if number > 1e9 else number


def _date(text: str) -> datetime | None:
    """A date of HTTP in any of its three forms, or of ISO 8601; without a zone it is UTC."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> float | None:
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*(?:[,;].*)?", text)
    return float(found[1]) if found else None
