"""Points in time and spans in the words of a preview: `2026-11-25 03:00 UTC (tomorrow, in 14 hours)`.

Lists abbreviate (units.py); what a person answers for is written out. Knows nothing of resources.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from greenlake_backup_mcp.text.units import parse_time

UNITS = ((365 * 86400, "year"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def describe_span(length: timedelta) -> str:
    """A length of time in whole units of the largest of which there are two: `41 days`, `36 hours`."""
    seconds = abs(length.total_seconds())
    for size, unit in UNITS:
        if seconds >= 2 * size:
            return f"{int(seconds // size):,} {unit}s"
    return "1 second" if seconds >= 1 else "no time"


def describe_when(moment: datetime, now: datetime, *, exact: bool = False) -> str:
    """A point in time with how far away it is; `exact`: with its seconds, where it has any."""
    text = f"{moment:%Y-%m-%d %H:%M}"
    if exact and (moment.second or moment.microsecond):
        text += f":{moment:%S}" + (f".{moment:%f}" if moment.microsecond else "")
    text += " UTC"
    if abs(moment - now) < timedelta(seconds=60):
        return f"{text} (now)"
    days = (moment.date() - now.astimezone(UTC).date()).days
    near = {-1: "yesterday, ", 0: "today, ", 1: "tomorrow, "}.get(days, "")
    return (
        f"{text} ({near}{'in ' if moment > now else ''}{describe_span(moment - now)}{' ago' if moment < now else ''})"
    )


def describe_time(value: Any, now: datetime) -> str:
    """A text of the API as a point in time with how far away it is; unreadable ones as `not known`."""
    moment = parse_time(value)
    return describe_when(moment, now) if moment else "at a time that is not known"
