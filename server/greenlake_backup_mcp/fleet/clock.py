"""Moments in the time of the person who asks, told with their offset; and the zone told back, with UTC beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.filters import coercion
from greenlake_backup_mcp.text import sanitize, units

LAST = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


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

    def end_of_day(self, text: str) -> int | None:
        """The last second of a day of the zone (2026-12-31), seconds since 1970; None for a text that is no day."""
        try:
            following = datetime.strptime(text, "%Y-%m-%d") + timedelta(days=1)  # noqa: DTZ007  made local next
            return int(self._local(following).timestamp()) - 1
        except (ValueError, OverflowError, OSError):
            return None

    @property
    def label(self) -> str:
        """The zone by its name; without one that of the machine, by what it is called now and its offset."""
        now = self.local(self.now.timestamp())
        return self.name or f"{now.tzname()} (this server's), now UTC{now:%z}"

    def age(self, seconds: float | None) -> str | None:
        """How long ago: `20 h`; a moment ahead is `in 3 h`."""
        if seconds is None:
            return None
        span = self.now.timestamp() - seconds
        return units.duration(span) if span >= 0 else f"in {units.duration(span)}"

    def seconds(self, text: str, name: str) -> int:
        """The moment that an argument gives: a time, a day of the zone, now-24h. InputError for anything else."""
        text = text.strip()
        try:
            when = self._moment(text)
            seconds = None if when is None else int(when.timestamp())
        except (ValueError, OverflowError, OSError):
            seconds = None
        if seconds is None or not 0 <= seconds < LAST:
            raise InputError(
                f"{name}: {sanitize.quoted(text, 60)} is no moment.",
                hint="Write 2026-11-23T14:00:00Z, a day (2026-11-23), now, now-24h, now+7d; years 1970 to 9998.",
            )
        return seconds

    def past(self, text: str, name: str) -> int:
        """As `seconds`; InputError for a moment that lies ahead: nothing happened since then, and that says nothing."""
        seconds = self.seconds(text, name)
        if seconds > self.now.timestamp():
            raise InputError(f"{name}: {self.stamp(seconds)} lies ahead; it is {self.stamp(self.now.timestamp())} now.")
        return seconds

    def _moment(self, text: str) -> datetime | None:
        """Days, and times that name no offset, are those of the zone."""
        if text.lower() in coercion.DAYS:
            day = self.local(self.now.timestamp()) + timedelta(days=coercion.DAYS[text.lower()])
            return self._local(day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None))
        when = coercion.moment(text, self.now)
        if when is None or not text[:1].isdigit():
            return when
        written = datetime.fromisoformat(text[:-1] + "Z" if text.endswith("z") else text)
        return when if written.tzinfo else self._local(written)

    def _local(self, naive: datetime) -> datetime:
        return naive.replace(tzinfo=self.zone) if self.zone else naive.astimezone()

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
