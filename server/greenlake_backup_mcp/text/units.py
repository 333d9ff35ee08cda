"""Sizes, points in time and durations in the words of people. Times are told in UTC, with how far away they are.

Knows nothing of resources; never raises on what an API may put into a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

MIB = 1024 * 1024
STEPS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_BEGINS = frozenset("0123456789+-. ")
EPOCH = datetime.min.replace(tzinfo=UTC)


def parse_time(value: Any) -> datetime | None:
    """The point in time of an RFC 3339 text, t and z in either case; None for anything else. No zone: UTC."""
    if not isinstance(value, str) or len(value) < 10 or not value[0].isdigit():
        return None
    try:
        when = datetime.fromisoformat(value[:-1] + "Z" if value[-1] == "z" else value)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def duration(span: timedelta | float) -> str:
    """A length of time in its largest fitting unit: 20 h, 13 d, 7.1 y. Never negative."""
    seconds = abs(span.total_seconds() if isinstance(span, timedelta) else span)
    if seconds >= 730 * 86400:
        return f"{seconds / 86400 / 365.25:.1f} y"
    for unit, length in STEPS:
        if seconds >= 2 * length or unit == "s":
            return f"{int(seconds // length)} {unit}"
    raise AssertionError


def relative_long(when: datetime, now: datetime) -> str:
    """How far a point in time is from now: `3 d ago`, `in 20 h`, `now`."""
    span = when - now
    if abs(span) < timedelta(seconds=1):
        return "now"
    return f"in {duration(span)}" if span > timedelta() else f"{duration(span)} ago"


def instant(when: datetime) -> str:
    """The point in time as the API writes it: 2026-11-24T08:30:00Z."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def stamp(when: datetime) -> str:
    """The point in time to the minute: 2026-11-24 08:30Z."""
    return f"{when:%Y-%m-%d %H:%M}Z" if when.year >= 1000 else f"{when.isoformat(timespec='minutes')}"


def relative(when: datetime, now: datetime) -> str:
    """The point in time and how far away it is: 2026-11-24 08:30Z (in 20 h)."""
    return f"{stamp(when)} ({relative_long(when, now)})"


def size(count: float) -> str:
    """Bytes for people, in powers of 1024: 12.3 GiB."""
    import humanize  # noqa: PLC0415  not needed to list the tools

    return humanize.naturalsize(count, binary=True, format="%.1f").replace(" Bytes", " B").replace(" Byte", " B")


def number(value: Any) -> float | int | None:
    """The value if it is a finite number (booleans are none), also where an API sends it as text."""
    if isinstance(value, str):
        if value[:1] not in _BEGINS:  # most texts are none, and an exception costs more than a look
            return None
        try:
            value = float(value) if len(value) < 30 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e24:  # noqa: PLR0124
        return None
    return value


def plural(count: int, noun: str) -> str:
    """The count with its noun: 1 VM backup, 2,000 VM backups."""
    if count == 1:
        return f"1 {noun}"
    ending = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{count:,} {ending}"


def first_few(words: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of these words, at most `most`, and how many more there are: `a, b and 1,998 more`."""
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return separator.join(words[:most]) + more


def relative_short(when: datetime, now: datetime) -> str:
    """How far away in as few letters as a table needs: `-12h`, `+13d`, `now`."""
    if abs(when - now) < timedelta(seconds=1):
        return "now"
    return ("+" if when > now else "-") + duration(when - now).replace(" ", "")


def time_cell(when: datetime, now: datetime, *, minutes: bool) -> str:
    """The point in time as a cell of a table has it: `2026-11-24 08:30 -12h`, or the day alone."""
    return f"{when.strftime('%Y-%m-%d %H:%M' if minutes else '%Y-%m-%d')} {relative_short(when, now)}"


def spans(numbers: Iterable[int]) -> str:
    """Numbers in their order, those in a row as a span: `1-3, 7`."""
    rows: list[list[int]] = []
    for number in numbers:
        if rows and rows[-1][-1] == number - 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    return ", ".join(f"{row[0]}-{row[-1]}" if len(row) > 1 else f"{row[0]}" for row in rows)
