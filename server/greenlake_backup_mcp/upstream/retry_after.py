"""What an answer's headers say of waiting: Retry-After, and the spellings of a rate's reset; and its Date.

Knows headers; who waits is in rate_limiter.py and retry.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_REMAINS = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_ASKING = frozenset(("retry-after", "ratelimit", *_RESETS))  # without one of these nothing is asked for


def retry_after_seconds(headers: Mapping[str, str], status: int, now: datetime) -> float | None:
    """Seconds the service asks to wait: Retry-After (seconds or HTTP date) or any spelling of a rate's reset.

    On a success only an exhausted rate counts. None where nothing is asked for.
    """
    if _ASKING.isdisjoint(headers):  # nearly always
        return None
    after = headers.get("retry-after", "").strip()
    # measured by the service's own clock where it tells it: ours may be wrong
    since = parse_http_date(headers.get("date", "")) or now
    if after and status >= 300:
        if (seconds := _number(after)) is not None:
            return _until(seconds, since)
        if (moment := parse_http_date(after)) is not None:
            return max(0.0, (moment - since).total_seconds())
    remaining = next((n for name in _REMAINS if (n := _number(headers.get(name, ""))) is not None), None)
    reset = next((n for name in _RESETS if (n := _number(headers.get(name, ""))) is not None), None)
    if reset is None and (match := re.search(r"(?:\breset=|\bt=)(\d{1,15})", headers.get("ratelimit", ""))):
        left = re.search(r"(?:\bremaining=|\br=)(\d{1,15})", headers.get("ratelimit", ""))
        reset, remaining = float(match[1]), float(left[1]) if left else None
    if reset is None or not (status == 429 or remaining == 0):
        return None
    return _until(reset, since)


def _until(number: float, now: datetime) -> float:
    """Seconds to wait, where some write the moment: seconds, or milliseconds, since 1970."""
    if number > 1e11:
        number /= 1000
    return max(0.0, number - now.timestamp()) if number > 1e9 else number


def parse_http_date(text: str) -> datetime | None:
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
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*(?:[,;].*)?", text)
    return float(match[1]) if match else None
