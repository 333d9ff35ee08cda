"""Which failures are tried again, how often, how long between, and for how long at most.

A write only where it cannot have been carried out. A refused token is client.py's: both are then sent once more.
"""

from __future__ import annotations

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


async def retry(once: Callable[[], Awaitable[T]], *, attempts: int, seconds: float) -> T:
    """What `once` returns, tried at most `attempts` times and begun within `seconds`; then its last error."""
    try:
        return await once()  # nearly always all there is to it
    except TransientError as failure:
        failed: TransientError | None = failure
    import stamina  # noqa: PLC0415  40 ms that only a failure need pay

    stamina.instrumentation.set_on_retry_hooks([])  # its own log lines would go past ours

    def on(error: Exception) -> bool | float:
        if not isinstance(error, TransientError) or (error.after or 0.0) > LONGEST:
            return False
        return True if error.after is None else error.after + 0.05

    try:
        async for attempt in stamina.retry_context(
            on=on,
            attempts=attempts,
            timeout=seconds,
            wait_initial=FIRST_WAIT,
            wait_max=LONGEST_WAIT,
            wait_jitter=FIRST_WAIT,
        ):
            with attempt:
                if failed is not None:  # the attempt above counts as the first
                    first, failed = failed, None
                    raise first
                call_log.count_retry()
                return await once()
    except TransientError as failure:
        raise _error_after(failure) from None
    raise AssertionError("retry_context yields at least once")


def _error_after(failure: TransientError) -> BackupError:
    error = failure.error
    if (failure.after or 0.0) > LONGEST:
        hint = f"The service asks to wait {units.duration(failure.after or 0.0)}. Call again after that."
        return error.with_hint(hint)
    return error
