"""Which failures are tried again, how often, how long between, and for how long at most.

A write only where it cannot have been carried out. A refused token is client.py's: both are then sent once more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx2

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.text import units

from .rate_limiter import LONGEST

BROKEN = (httpx2.TransportError, httpx2.DecodingError, OSError, TimeoutError)  # OSError: an application in-process
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, ConnectionRefusedError)
TRANSIENT = (408, 429, 502, 503, 504)  # statuses after which a read may be sent again
FIRST_WAIT, LONGEST_WAIT = 0.25, 8.0  # seconds between tries: doubled each time, where the service asks for none
T = TypeVar("T")


def may_repeat(status: int, *, reads: bool) -> bool:
    """Whether a request that was answered with this status may be sent again as it is."""
    return status == 429 or (reads and status in TRANSIENT)


class TransientError(Exception):
    """A failure after which the same may be tried again: in `after` seconds, or as backoff says where None."""

    def __init__(self, error: BackupError, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


async def retry(
    once: Callable[[], Awaitable[T]], *, attempts: int, seconds: float, sleep: Callable[[float], Awaitable[None]]
) -> T:
    """What `once` returns, tried at most `attempts` times and begun within `seconds`; then its last error.

    Waits between tries by `sleep`: as long as the service asks for, at most `LONGEST`; else ever longer, never in step
    with others. Only a TransientError is tried again.
    """
    started, attempt = time.monotonic(), 1
    while True:
        try:
            return await once()
        except TransientError as failure:
            after = failure.after
            if attempt >= attempts or (after or 0.0) > LONGEST or time.monotonic() - started >= seconds:
                raise _error_after(failure) from None
        backoff = min(FIRST_WAIT * 2 ** (attempt - 1) + random.uniform(0, FIRST_WAIT), LONGEST_WAIT)  # noqa: S311
        await sleep(backoff if after is None else after + 0.05)
        call_log.count_retry()
        attempt += 1


def _error_after(failure: TransientError) -> BackupError:
    if (failure.after or 0.0) > LONGEST:
        hint = f"The service asks to wait {units.duration(failure.after or 0.0)}. Call again after that."
        return failure.error.with_hint(hint)
    return failure.error
