"""Doing again what failed in passing: how often and how long between, or how long the service asks to wait.

Knows of HTTP the headers that ask to wait; what may be done again is decided by whoever raises `TransientError`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.text import units

from .rate_limiter import LONGEST

T = TypeVar("T")
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_REMAINS = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_ASKING = frozenset(("retry-after", "ratelimit", *_RESETS))  # without one of these nothing is asked for


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
            on=on, attempts=attempts, timeout=seconds, wait_initial=0.25, wait_max=8.0, wait_jitter=0.25
        ):
            with attempt:
                if failed is not None:  # the attempt above counts as the first
                    first, failed = failed, None
                    raise first
                call_log.count_retry()
                return await once()
    except TransientError as failure:
        raise _error_after(failure, attempts) from None
    raise AssertionError("retry_context yields at least once")


def _error_after(failure: TransientError, attempts: int) -> BackupError:
    error = failure.error
    if (failure.after or 0.0) > LONGEST:
        hint = f"The service asks to wait {units.duration(failure.after or 0.0)}. Call again after that."
        return error.with_hint(hint)
    return error


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
