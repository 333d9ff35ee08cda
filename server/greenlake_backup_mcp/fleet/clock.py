"""Moments in the time of the person who asks, told with their offset; and the zone told back, with UTC beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.filters import coercion
from greenlake_backup_mcp.text import sanitize, units


@dataclass(frozen=True)
class Clock:
    """The present (UTC) and the zone of a question. `zone`: None for that of the machine this server runs on."""

    now: datetime
    zone: tzinfo | None = None
    name: str = ""

    def local(self, seconds: float) -> datetime:
        """A moment (seconds since 1970) in the zone."""
        return datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)

    def stamp(self, seconds: float | None) -> str | None:
        """`2026-11-24 09:00+01:00`, in UTC `2026-11-24 08:00Z`; None without one."""
        if seconds is None or seconds == float("inf"):
            return None if seconds is None else "never"
        when = self.local(seconds)
        offset = f"{when:%z}"
        return f"{when:%Y-%m-%d %H:%M}" + ("Z" if offset in ("+0000", "") else f"{offset[:3]}:{offset[3:5]}")

    def age(self, seconds: float | None) -> str | None:
        """How long ago: `20 h`; a moment ahead is `in 3 h`."""
        if seconds is None:
            return None
        span = self.now.timestamp() - seconds
        return units.duration(span) if span >= 0 else f"in {units.duration(span)}"

    def seconds(self, text: str, name: str) -> int:
        """The moment that an argument gives: a time, a day of the zone, now-24h. InputError for anything else."""
        text = text.strip()
        if len(text) == 10 and (day := units.parse_time(text)) is not None:
            return int(day.replace(tzinfo=self.zone).timestamp()) if self.zone else int(
                datetime(day.year, day.month, day.day).astimezone().timestamp())  # fmt: skip
        when = coercion.moment(text, self.now)
        if when is None:
            raise InputError(
                f"{name}: {sanitize.quoted(text, 60)} is no moment.",
                hint="Write 2026-11-23T14:00:00Z, a day (2026-11-23), now, now-24h, now+7d.",
            )
        return int(when.timestamp())

    def note(self) -> str:
        """The zone told back, with UTC beside it; '' where it is UTC."""
        now = self.local(self.now.timestamp())
        if not now.utcoffset():
            return ""
        name = self.name or f"this server's zone, {now.tzname()}"
        return f"Times are those of {name}: now {self.stamp(self.now.timestamp())} = {units.stamp(self.now)}."


def clock(now: datetime, name: str | None) -> Clock:
    """The clock of a zone (Europe/Berlin, UTC); without one that of the machine. InputError for a name that is none."""
    if not name or not name.strip():
        return Clock(now)
    name = name.strip()
    if name.upper() in ("UTC", "Z"):
        return Clock(now, UTC, "UTC")
    try:
        return Clock(now, ZoneInfo(name), name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"timeZone: {sanitize.quoted(name, 60)} is no time zone.",
            hint="Write a name of the IANA database: Europe/Berlin, America/New_York, UTC.",
        ) from None
