"""What consent remembers beyond one call: used codes, what is on its way out, changes that wait. In memory, or shared.

One process without a place to write: `MemoryStore`; the processes of one user: `file_store`; replicas: `redis_store`.
Knows nothing of tools, HTTP or MCP.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Reservation:
    """That the resource at `path` is on its way out since `since`, as a call of `owner` was told; void after `until`.

    The end is for whoever crashed before saying that it came to nothing, and for lists that lag behind.
    """

    path: str
    owner: str
    since: datetime
    until: datetime


class ConsentStore(Protocol):
    """Where used codes and reservations are. Every method raises PolicyRefusal where the store cannot be reached."""

    key: str
    """The key of text codes that the store keeps for its user; "" where it keeps none."""
    ephemeral: str
    """Why nothing of this outlives the process; "" where it does."""

    async def use(self, code: str, seconds: float) -> bool:
        """Mark a code as used for so long; False if it was marked before. Atomic."""
        ...

    async def used(self, codes: Sequence[str]) -> frozenset[str]:
        """Those of the codes that are marked."""
        ...

    async def reserve(self, entries: Sequence[Reservation], now: datetime) -> list[Reservation]:
        """Write the reservations of one owner, in place of its earlier ones; those of others that were there before.

        Atomic: of two owners exactly one sees the other's.
        """
        ...

    async def reserved(self, now: datetime) -> list[Reservation]:
        """All reservations that have not ended."""
        ...

    async def release(self, owner: str, paths: Iterable[str] | None = None) -> None:
        """Drop the reservations of an owner (of these paths, or all): what they announced did not happen."""
        ...

    async def put(self, name: str, value: str, seconds: float) -> None:
        """Keep a text under a name for so long, in place of an earlier one."""
        ...

    async def get(self, name: str) -> str | None:
        """The text under a name; None where there is none, or not any more."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


@dataclass
class MemoryStore:
    """The store of one process: gone with it."""

    ephemeral: str = "this process keeps them in memory only"
    key: str = ""
    clock: Callable[[], float] = time.time
    _until: dict[str, float] = field(default_factory=dict)
    _reservations: list[Reservation] = field(default_factory=list)
    _texts: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def use(self, code: str, seconds: float) -> bool:
        """Mark the code; without an await in between, so that of ten at once one is the first."""
        now = self.clock()
        for old in [c for c, until in self._until.items() if until <= now]:
            del self._until[old]
        if code in self._until:
            return False
        self._until[code] = now + seconds
        return True

    async def used(self, codes: Sequence[str]) -> frozenset[str]:
        """Those of the codes that are marked and not forgotten."""
        now = self.clock()
        return frozenset(code for code in codes if self._until.get(code, 0) > now)

    async def reserve(self, entries: Sequence[Reservation], now: datetime) -> list[Reservation]:
        """Write the reservations; those of others."""
        owners = {one.owner for one in entries}
        others = [one for one in self._reservations if one.until > now and one.owner not in owners]
        self._reservations = [*others, *entries]
        return others

    async def reserved(self, now: datetime) -> list[Reservation]:
        """All that have not ended."""
        return [one for one in self._reservations if one.until > now]

    async def release(self, owner: str, paths: Iterable[str] | None = None) -> None:
        """Drop those of an owner."""
        gone = None if paths is None else frozenset(paths)
        self._reservations = [
            one for one in self._reservations if one.owner != owner or (gone is not None and one.path not in gone)
        ]

    async def put(self, name: str, value: str, seconds: float) -> None:
        """Keep a text."""
        now = self.clock()
        self._texts = {key: text for key, text in self._texts.items() if text[1] > now}
        self._texts[name] = value, now + seconds

    async def get(self, name: str) -> str | None:
        """The text under a name."""
        value, until = self._texts.get(name, ("", 0.0))
        return value if until > self.clock() else None

    async def close(self) -> None:
        """Nothing is open."""


def reservations(ends: Mapping[str, datetime], owner: str, now: datetime, until: datetime) -> list[Reservation]:
    """What `owner` is about to end by now, of what it ends at these times, by path."""
    return [Reservation(path, owner, moment, until) for path, moment in ends.items() if moment <= now]


def by_path(reservations: Iterable[Reservation], now: datetime) -> Mapping[str, datetime]:
    """When what is reserved is gone, by path; as of `now`, which may lie before a reservation, all of it is."""
    return {one.path: min(one.since, now) for one in reservations}
