"""What the catalog covers and how old that is: on every answer, so that no part is told as the whole.

Counts by kind of asset: read, unread, and why not. Knows the catalog's tables; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from greenlake_backup_mcp.text import units

from .collections import COLLECTIONS, COPIES
from .views import ASSET_KINDS

NOT_YET = "not yet"  # why something is unread that was not tried


@dataclass(frozen=True)
class KindCoverage:
    """The assets of one kind: how many there are, and of how many the recovery points were read.

    `stale`: read once, and the last attempt failed. `unread`: never read whole; why, with how many. Assets that the
    service no longer lists are counted apart: `gone`, and those of them whose recovery points cannot be read.
    """

    kind: str
    total: int
    read: int
    stale: int
    unread: int
    gone: int
    gone_unread: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def answerable(self) -> int:
        """Of how many something can be said."""
        return self.total - self.unread


@dataclass(frozen=True)
class ListCoverage:
    """A list of the service: when it was last read whole (None: never), and what failed since."""

    collection: str
    read: datetime | None
    problem: str | None


@dataclass(frozen=True)
class Coverage:
    """What an answer rests on. `oldest_copies`: the oldest reading of any asset's recovery points."""

    now: datetime
    lists: tuple[ListCoverage, ...]
    kinds: tuple[KindCoverage, ...]
    oldest_copies: datetime | None
    filling: bool = False
    notes: tuple[str, ...] = ()

    @property
    def as_of(self) -> datetime | None:
        """The oldest reading among the lists that are read at each refresh; None where one was never read."""
        slow = {c.name for c in COLLECTIONS if c.slow}
        read = [one.read for one in self.lists if one.collection not in slow]
        return min((r for r in read if r is not None), default=None)

    @property
    def unread(self) -> int:
        """Assets of which nothing can be said."""
        return sum(kind.unread for kind in self.kinds)

    @property
    def waiting(self) -> bool:
        """Whether recovery points are unread that no attempt failed to read: they come if one waits."""
        return any(reason == NOT_YET for kind in self.kinds for reason, _ in kind.reasons)

    @property
    def unread_lists(self) -> tuple[ListCoverage, ...]:
        """Lists that were never read whole."""
        return tuple(one for one in self.lists if one.read is None)

    @property
    def complete(self) -> bool:
        """Whether everything was read, however long ago."""
        return not self.unread and not self.unread_lists and bool(self.kinds)

    def line(self) -> str:
        """In one line: `As of 05:10Z (3 min); recovery points read of 398 of 400 VMs; unread: 2 HTTP 403`."""
        if self.as_of is None:
            goes_on = " Reading goes on: ask again in half a minute." if self.filling else ""
            return f"Coverage: nothing was read yet; nothing can be said.{goes_on}"
        parts = [f"As of {units.stamp(self.as_of)} ({units.duration(self.now - self.as_of)})"]
        by_kind = [
            f"{units.plural(kind.total, ASSET_KINDS[kind.kind])}" if not kind.unread else
            f"{kind.answerable:,} of {units.plural(kind.total, ASSET_KINDS[kind.kind])}"
            for kind in self.kinds if kind.total
        ]  # fmt: skip
        if by_kind:
            parts.append("recovery points read of " + ", ".join(by_kind))
        if self.oldest_copies is not None and self.now - self.oldest_copies > self.now - self.as_of:
            parts.append(f"the oldest of them {units.duration(self.now - self.oldest_copies)} ago")
        reasons = Counter[str]()
        for kind in self.kinds:
            reasons.update(dict(kind.reasons))
        if reasons:
            parts.append("unread: " + ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(4)))
        gone, lost = sum(kind.gone for kind in self.kinds), sum(kind.gone_unread for kind in self.kinds)
        if gone:
            parts.append(f"{gone:,} no longer listed" + (f", {lost:,} of them not readable" if lost else ""))
        stale = sum(kind.stale for kind in self.kinds)
        if stale:
            parts.append(f"{stale:,} read before, but not at the last attempt")
        parts += [
            f"{one.collection} {'not read' if one.read is None else 'not read again'}: {one.problem}"
            for one in self.lists
            if one.problem
        ]
        missing = [one.collection for one in self.unread_lists if not one.problem]
        if missing:
            parts.append(f"not read yet: {', '.join(missing)}")
        if self.filling and not self.complete:
            parts.append("reading goes on: ask again for more")
        return "; ".join(parts) + "."

    def value(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "asOf": None if self.as_of is None else units.instant(self.as_of),
            "ageSeconds": None if self.as_of is None else int((self.now - self.as_of).total_seconds()),
            "complete": self.complete,
            "reading": self.filling,
            "recoveryPoints": {
                kind.kind: {"assets": kind.total, "read": kind.read, "stale": kind.stale, "unread": kind.unread}
                | ({"why": dict(kind.reasons)} if kind.reasons else {})
                | ({"gone": kind.gone, "goneUnread": kind.gone_unread} if kind.gone else {})
                for kind in self.kinds
            },
            "listsNotRead": {one.collection: one.problem or NOT_YET for one in self.unread_lists},
            "oldestRecoveryPointsRead": None if self.oldest_copies is None else units.instant(self.oldest_copies),
            "notes": list(self.notes),
        }


_ASSETS = """
SELECT a.kind, b.read IS NULL OR s.read IS NULL AS unread, coalesce(b.failed, 0) + coalesce(s.failed, 0) > 0 AS failed,
  CASE WHEN b.failed > 0 THEN coalesce('HTTP ' || b.status, b.reason) WHEN s.failed > 0
  THEN coalesce('HTTP ' || s.status, s.reason) ELSE 'not yet' END AS why, count(*), a.gone IS NOT NULL
FROM main.assets a LEFT JOIN main.readings b ON b.collection = 'backups' AND b.asset = a.no
LEFT JOIN main.readings s ON s.collection = 'snapshots' AND s.asset = a.no
WHERE a.kind <> 'mssql_group' GROUP BY 1, 2, 3, 4, 6
"""


def coverage(
    connection: sqlite3.Connection, now: datetime, *, filling: bool = False, notes: tuple[str, ...] = ()
) -> Coverage:
    """The coverage of the catalog; from any connection to it."""
    query = "SELECT collection, read, failed, status, reason FROM main.readings WHERE asset = 0"
    open_lists = {row[0]: row[1:] for row in connection.execute(query)}
    lists = []
    for collection in COLLECTIONS:
        read, failed, status, reason = open_lists.get(collection.name, (None, 0, None, None))
        problem = (f"HTTP {status}" if status else str(reason)) if failed else None
        lists.append(ListCoverage(collection.name, _moment(read), problem))
    unlisted = {c.asset for c, one in zip(COLLECTIONS, lists, strict=True) if one.read is None}
    counts: dict[str, list[int]] = {}  # read, stale, unread, gone, gone and unread
    reasons: dict[str, Counter[str]] = {}
    for kind, unread, failed, why, count, gone in connection.execute(_ASSETS):
        if kind not in COPIES:
            continue
        row = counts.setdefault(kind, [0, 0, 0, 0, 0])
        if gone and kind not in unlisted:  # of a list that was never read nobody knows who is in it
            row[3] += count
            row[4] += count if unread else 0
            continue
        row[2 if unread else 1 if failed else 0] += count
        if unread:
            reasons.setdefault(kind, Counter())[why] += count
    (oldest,) = connection.execute(
        "SELECT min(read) FROM main.readings r JOIN main.assets a ON a.no = r.asset WHERE r.asset > 0"
    ).fetchone()
    by_kind = tuple(
        KindCoverage(kind, read + stale + unread, read, stale, unread, gone, lost, tuple(reasons.get(kind, {}).items()))
        for kind in ASSET_KINDS if kind in counts for read, stale, unread, gone, lost in (counts[kind],)
    )  # fmt: skip
    return Coverage(now, tuple(lists), by_kind, _moment(oldest), filling, notes)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
