"""What consent remembers beyond one call: used codes, what is on its way out, changes that wait.

The processes of one user share a file, and one without a place to write has it in memory (file_store.py); replicas
share Redis (redis_store.py).
Knows nothing of tools, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


def reservations(ends: Mapping[str, datetime], owner: str, now: datetime, until: datetime) -> list[Reservation]:
    """What `owner` is about to end by now, of what it ends at these times, by path."""
    return [Reservation(path, owner, moment, until) for path, moment in ends.items() if moment <= now]


def by_path(reservations: Iterable[Reservation], now: datetime) -> Mapping[str, datetime]:
    """When what is reserved is gone, by path; as of `now`, which may lie before a reservation, all of it is."""
    return {one.path: min(one.since, now) for one in reservations}
