"""A collection folded item by item into what is told about it; rows beyond those shown are not kept.

Knows resources and items; formats nothing, reads nothing from the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.lists.views.column_types import Column, ListView
from greenlake_backup_mcp.lists.views.extractors import Item
from greenlake_backup_mcp.text import units

MOST_VALUES = 200  # distinct values of a counted field; further ones are counted together
OTHERS = "(others)"

Key = tuple[str, bool]
"""An attribute to sort by, and whether descending."""


@dataclass
class Extreme:
    """The item with the smallest or largest time so far."""

    when: datetime
    item: Item


@dataclass
class ProblemCount:
    """How many items have the same problem, and the first of them."""

    count: int
    item: Item


@dataclass
class Aggregate:
    """What is known of the items added so far. `first` to `last`: which become rows; `order`: how they are sorted."""

    resource: ListView
    now: datetime
    first: int
    last: int
    order: tuple[Key, ...] = ()
    value: Callable[[Item, str], Any] = lambda item, name: extractors.first(item, (name,))
    count: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    sums: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)  # by what is alike, and column
    alike: Counter[str] = field(default_factory=Counter)
    usable: dict[str, Extreme] = field(default_factory=dict)  # the newest usable recovery point by kind
    oldest: Extreme | None = None
    newest: Extreme | None = None
    timeless: int = 0  # without that time
    unusable: int = 0  # recovery points that nothing can be restored from (yet): not counted as the newest
    next_expiry: Extreme | None = None
    last_expiry: Extreme | None = None  # of the usable ones: when nothing is left
    last_lock: datetime | None = None
    expired: int = 0
    endless: int = 0
    locked: int = 0
    locked_bad: int = 0  # locked, and in error: a lock keeps what is broken just as well
    troubled: int = 0
    troubles: dict[str, ProblemCount] = field(default_factory=dict)  # by what is wrong
    top: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = {column.name: Counter() for column in self.resource.counted}

    def add(self, items: Iterable[Item]) -> None:
        """Add items in the order of the collection."""
        for item in items:
            self._keep(item)
            self.count += 1
            self._count(item)
            self._times(item)
            if self.resource.trouble is not None and (problem := self.resource.trouble.value_of(item)):
                self._trouble(item, str(problem))

    def _trouble(self, item: Item, problem: str) -> None:
        self.troubled += 1
        if problem in self.troubles or len(self.troubles) < MOST_VALUES:
            self.troubles.setdefault(problem, ProblemCount(0, item)).count += 1

    def rows(self) -> Sequence[Item]:
        """The rows asked for."""
        if not self.order:
            return self.top
        return self._ordered()[self.first : self.last]

    def _keep(self, item: Item) -> None:
        if self.order:
            self.top.append(item)
            if len(self.top) >= 2 * self.last + 100:
                self.top = self._ordered()[: self.last]
        elif self.first <= self.count < self.last:
            self.top.append(item)

    def _ordered(self) -> list[Item]:
        rows = self.top
        for name, descending in reversed(self.order):
            pairs = [(sort_key(self.value(item, name)), item) for item in rows]
            present = [pair for pair in pairs if pair[0] is not None]
            present.sort(key=lambda pair: pair[0], reverse=descending)  # type: ignore[arg-type, return-value]
            rows = [item for _, item in present] + [item for key, item in pairs if key is None]
        return rows

    def _count(self, item: Item) -> None:
        for column in self.resource.counted:
            counter = self.counts[column.name]
            value = column.read(item, column.paths)
            if type(value) is str and value in counter:  # nearly always
                counter[value] += 1
                continue
            for one in value if isinstance(value, list) else (value,):
                word = extractors.text(one)
                if word not in counter and len(counter) >= MOST_VALUES:
                    word = OTHERS
                counter[word] += 1
        alike = "" if self.resource.alike is None else extractors.text(self.resource.alike.value_of(item))
        self.alike[alike] += 1
        for column in self.resource.sums:
            amount = units.number(column.value_of(item))
            if amount is not None and amount >= 0:
                total, counted = self.sums.get((alike, column.name), (0, 0))
                self.sums[alike, column.name] = (total + amount, counted + 1)

    def _times(self, item: Item) -> None:
        if self.resource.point is not None:
            when = units.parse_time(self.resource.point.value_of(item))
            if when is None:
                self.timeless += 1
            elif self.resource.expires and item.get("state") in extractors.NO_POINT:
                self.unusable += 1
            else:
                self.oldest, self.newest = _earlier(self.oldest, when, item), _later(self.newest, when, item)
        if self.resource.expires:
            self._retention(item)

    def _retention(self, item: Item) -> None:
        """Expiry and lock of a recovery point, and whether it can be restored from as far as it tells itself."""
        expiry = units.parse_time(item.get("expiresAt"))
        if expiry is None:
            self.endless += 1
        elif expiry <= self.now:
            self.expired += 1
        else:
            self.next_expiry = _earlier(self.next_expiry, expiry, item)
        broken = item.get("state") in extractors.NOT_RESTORABLE or item.get("status") == "ERROR"
        if not broken and (expiry is None or expiry > self.now):
            self._newest_usable(item)
            self.last_expiry = self.last_expiry if expiry is None else _later(self.last_expiry, expiry, item)
        lock = units.parse_time(item.get("lockedUntil"))
        if lock is not None and lock > self.now:
            if broken:
                self.locked_bad += 1
                return
            self.locked += 1
            self.last_lock = lock if self.last_lock is None else max(lock, self.last_lock)

    def _newest_usable(self, item: Item) -> None:
        when = units.parse_time(self.resource.point.value_of(item)) if self.resource.point is not None else None
        kind = extractors.text(item.get("backupType"))
        if when is not None:
            self.usable[kind] = _later(self.usable.get(kind), when, item)


def _earlier(extreme: Extreme | None, when: datetime, item: Item) -> Extreme:
    return Extreme(when, item) if extreme is None or when < extreme.when else extreme


def _later(extreme: Extreme | None, when: datetime, item: Item) -> Extreme:
    return Extreme(when, item) if extreme is None or when > extreme.when else extreme


def sort_key(value: Any) -> tuple[int, Any] | None:
    """What a value is sorted by: numbers, then times, then text without regard to case; None for no value."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool):
        return 0, int(value)
    if (number := units.number(value)) is not None:
        return 0, number
    if (when := units.parse_time(value)) is not None:
        return 1, when
    return (2, value.casefold()) if isinstance(value, str) and value else None


def columns_read(resource: ListView, visible: Iterable[Column]) -> list[str]:
    """The properties of an item that folding and showing it need: what `select` has to ask for."""
    rest = (resource.trouble, resource.point, resource.alike)
    columns = [*visible, *resource.counted, *resource.sums, *(c for c in rest if c)]
    paths = ["id", *(path for column in columns for path in column.paths)]
    paths += ["name", "displayName"] if resource.trouble else []
    paths += ["expiresAt", "lockedUntil"] if resource.expires else []
    return list(dict.fromkeys(path.split("/", 1)[0] for path in paths))
