"""The recovery points of one asset: made when asked for, from schedules; changes are kept beside them.

A series of 100,000 copies costs nothing until read, and then only the page that is read.
Items are never changed in place, so that a caller may keep what it got.
"""

# ruff: noqa: A001, A002

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from greenlake_backup_mcp.simulator.names import Item, format_time, number, parse_time

ODD = 0x9E3779B97F4B  # an odd number is invertible modulo 2**48: it makes ids of indexes, and back
BACK = pow(ODD, -1, 1 << 48)
ALL = (1 << 48) - 1


@dataclass(frozen=True)
class Series:
    """What one schedule made of one asset, newest first; `keep` and `lock` are lengths of time."""

    key: str  # the last 22 characters of every id
    tier: str  # SNAPSHOT, BACKUP, CLOUD_BACKUP
    newest: datetime
    every: timedelta
    count: int
    keep: timedelta | None
    lock: timedelta | None
    template: Item = field(repr=False)
    detail: Callable[[Series, int, Item], None] = field(repr=False)

    def id(self, index: int) -> str:
        """The id of the copy at an index; two of a series have nothing in common at their beginning."""
        mixed = (index + 1) * ODD & ALL
        mixed = (mixed ^ mixed >> 24) * ODD & ALL ^ self._mask
        return f"{mixed >> 16:08x}-{mixed & 0xFFFF:04x}-{self.key}"

    def index(self, id: str) -> int | None:
        """The index of an id; None where it is not of this series."""
        if id[14:] != self.key:
            return None
        try:
            mixed = (int(id[:8] + id[9:13], 16) ^ self._mask) * BACK & ALL
        except ValueError:
            return None
        index = ((mixed ^ mixed >> 24) * BACK & ALL) - 1
        return index if 0 <= index < self.count and self.id(index) == id else None

    @property
    def _mask(self) -> int:
        return int(self.key[-12:], 16)

    def alive(self, now: datetime, lag: float) -> int:
        """How many are left: the oldest expire first, and are purged up to `lag` seconds later."""
        if self.keep is None:
            return self.count
        late = timedelta(seconds=number(self.key) % int(lag + 1))
        left = (self.newest + self.keep + late - now) / self.every
        return max(0, min(self.count, int(left) + 1 if left >= 0 else 0))

    def item(self, index: int) -> Item:
        """The copy at an index."""
        taken = self.newest - index * self.every
        item = dict(self.template)
        id = item["id"] = self.id(index)
        item["pointInTime"] = format_time(taken)
        if "consoleUri" in item:
            item["consoleUri"] += id
        item["resourceUri"] += id
        if self.keep is not None:
            item["expiresAt"] = format_time(taken + self.keep)
        if self.lock is not None:
            item["lockedUntil"] = format_time(taken + self.lock)
        self.detail(self, index, item)
        return item


@dataclass
class Copies:
    """All recovery points of one kind (backups or snapshots) of one asset."""

    series: tuple[Series, ...]
    changed: dict[str, Item] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    extra: dict[str, Item] = field(default_factory=dict)  # newest last
    stuck: set[str] = field(default_factory=set)  # expired, and not purged for a reason of the service's own

    def count(self, now: datetime, lag: float) -> int:
        """How many there are."""
        self.purge(now, lag)
        return sum(1 for _ in self._order(now, lag))

    def page(self, offset: int, limit: int, now: datetime, lag: float) -> list[Item]:
        """Some of them in their natural order, without making the others."""
        self.purge(now, lag)
        return [self._made(where) for where in islice(self._order(now, lag), offset, offset + limit)]

    def all(self, now: datetime, lag: float) -> Iterator[Item]:
        """All of them, one after the other."""
        self.purge(now, lag)
        return (self._made(where) for where in self._order(now, lag))

    def get(self, id: str, now: datetime, lag: float) -> Item | None:
        """One of them, or None."""
        self.purge(now, lag)
        if id in self.gone:
            return None
        if id in self.extra:
            return self.extra[id]
        for series in self.series:
            index = series.index(id)
            if index is not None and (id in self.changed or index < series.alive(now, lag)):
                return self.changed.get(id) or series.item(index)
        return None

    def put(self, item: Item) -> None:
        """Keep a new or changed copy; a new expiry frees one that could not be purged."""
        before = self.extra.get(item["id"])
        if before and before.get("expiresAt") != item.get("expiresAt"):
            self.stuck.discard(item["id"])
        if item["id"] in self.extra or all(s.index(item["id"]) is None for s in self.series):
            self.extra[item["id"]] = item
        else:
            self.changed[item["id"]] = item

    def drop(self, id: str) -> None:
        """Forget a copy."""
        self.changed.pop(id, None)
        if self.extra.pop(id, None) is None:
            self.gone.add(id)

    def forget(self, gone: Callable[[Item], bool]) -> None:
        """Forget whole series and single copies that `gone` says yes to."""
        self.series = tuple(s for s in self.series if not gone(s.template))
        for held in (self.extra, self.changed):
            for id in [id for id, item in held.items() if gone(item)]:
                held.pop(id)

    def purge(self, now: datetime, lag: float) -> None:
        """Let those go whose changed expiry is past; those of a series go by themselves."""
        for item in [*self.extra.values(), *self.changed.values()]:
            expiry, lock = item.get("expiresAt"), item.get("lockedUntil")
            late = timedelta(seconds=number(item["id"]) % int(lag + 1))
            if (
                expiry
                and item["id"] not in self.stuck
                and parse_time(expiry) + late < now
                and (not lock or parse_time(lock) < now)
            ):
                self.drop(item["id"])

    def _order(self, now: datetime, lag: float) -> Iterator[Item | tuple[Series, int]]:
        yield from reversed(self.extra.values())
        for series in self.series:
            alive = series.alive(now, lag)
            if not self.gone and not self.changed:
                yield from ((series, index) for index in range(alive))
                continue
            gone = {series.index(id) for id in self.gone}
            yield from ((series, index) for index in range(alive) if index not in gone)
            # changed to live longer than the others of its schedule
            yield from (item for id, item in self.changed.items() if (series.index(id) or 0) >= alive)

    def _made(self, where: Item | tuple[Series, int]) -> Item:
        if isinstance(where, dict):
            return where
        series, index = where
        return (self.changed.get(series.id(index)) if self.changed else None) or series.item(index)
