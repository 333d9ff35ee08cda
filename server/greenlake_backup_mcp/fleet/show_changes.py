"""show_changes: what became different since a moment, from the catalog's memory: the service itself has none.

Copies made, gone as planned, gone too early; safeguards weakened; jobs suspended; systems lost; what is new and in no
job; how stores filled. Before the memory begins nothing is known, and that is said. Knows the catalog; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import sanitize, suggest, units

from . import forecast
from .clock import Clock
from .estate import Estate
from .question import Question, Reply
from .reading import select

SINCE = "now-7d"
UNEXPLAINED = "unexplained"


class Group(Enum):
    """What a change means, gravest first. The value is what an answer calls it."""

    TOO_EARLY = "recovery points gone too early"
    WEAKENED = "safeguards weakened"
    STOPPED = "jobs suspended, removed or of another policy, assets out of their group"
    LOST = "systems and stores lost"
    REMOVED = "removed"
    NEW = "new"
    RESTORED = "back, resumed, closed"


GROUPS: Mapping[str, Group] = {
    "copy vanished": Group.TOO_EARLY,
    "expiry brought forward": Group.WEAKENED, "lock lifted": Group.WEAKENED, "policy weakened": Group.WEAKENED,
    "setting changed": Group.WEAKENED, "remote access opened": Group.WEAKENED,
    "job suspended": Group.STOPPED, "job removed": Group.STOPPED, "job of another policy": Group.STOPPED,
    "left group": Group.STOPPED,
    "gateway lost": Group.LOST, "StoreOnce lost": Group.LOST, "orchestrator lost": Group.LOST,
    "store lost": Group.LOST, "store not online": Group.LOST,
    "job resumed": Group.RESTORED, "remote access closed": Group.RESTORED, "gateway back": Group.RESTORED,
    "StoreOnce back": Group.RESTORED, "orchestrator back": Group.RESTORED, "store back": Group.RESTORED,
    "store online": Group.RESTORED,
}  # fmt: skip
"""Kind of a change → what it means; kinds that end with `new` or `removed` are those."""


@dataclass(frozen=True)
class Usage:
    """A store at the first and the last sample of the period: bytes on disk, and when."""

    store: str
    first: int
    first_at: int
    last: int
    last_at: int
    capacity: int | None


@dataclass(frozen=True)
class Changes:
    """What was found; `made`: newest points by kind of copy; `since`: no earlier than the memory begins."""

    since: int
    asked: int
    rows: tuple[Mapping[str, Any], ...]
    made: Mapping[str, int]
    planned: int
    unconfirmed: int
    uncovered: tuple[str, ...]
    usage: tuple[Usage, ...]
    full: tuple[str, ...] = ()  # when stores will be

    def groups(self) -> Mapping[Group, int]:
        """How many changes there are of each group that has any, gravest first; they add up to all."""
        numbers = Counter(group_of(row["kind"]) for row in self.rows)
        return {group: numbers[group] for group in Group if numbers[group]}

    def of_group(self, group: Group) -> list[Mapping[str, Any]]:
        """The changes of a group."""
        return [row for row in self.rows if group_of(row["kind"]) is group]


def group_of(kind: str) -> Group:
    """The group of a kind of change."""
    return GROUPS.get(kind) or (Group.REMOVED if kind.endswith("removed") else Group.NEW)


async def answer(question: Question) -> Answer:
    """The answer. InputError for a moment that is none."""
    since = question.clock.past(question.values.get("since") or SINCE, "since")

    def work(connection: sqlite3.Connection, estate: Estate) -> Changes:
        changes = find(connection, estate, since, question.values.get("asset"))
        full = forecast.lines(connection, estate, question.clock) if changes.usage else ()
        return replace(changes, full=tuple(full))

    changes, estate = await question.ask(work)
    every = [_row(row, question.clock) for row in changes.rows]
    if question.json:
        return question.fit({**_value(changes, question.clock), "changes": every}, "changes", estate)
    title = "Gravest first, then newest; each happened between the two moments:"
    lines = list(_lines(changes, estate, question.clock))
    return Reply(lines, title, every, "query_catalog has all: view changes.").render(question, estate)


def find(connection: sqlite3.Connection, estate: Estate, since: int, asset: str | None = None) -> Changes:
    """The changes seen since a moment (seconds since 1970), of one asset where its id or name is given."""
    begun = max(since, estate.memory_since or estate.now)
    same = ":asset IN (asset_id, subject_id) OR :asset = asset COLLATE NOCASE OR :asset = subject COLLATE NOCASE"
    rows = select(
        connection, "SELECT kind, before, seen, subject_kind, subject, asset, asset_id, was, now, cause, by_user FROM "
        f"main.changes WHERE seen > :since AND (:asset IS NULL OR {same})", {"since": begun, "asset": asset},
    )  # fmt: skip
    if asset is not None and not rows:
        _must_exist(connection, asset)
    order = list(Group)
    rows.sort(key=lambda r: (order.index(group_of(r["kind"])), r["cause"] != UNEXPLAINED, -r["seen"]))
    one = "asset IN (SELECT no FROM main.assets WHERE :asset IS NULL OR id = :asset OR name = :asset COLLATE NOCASE)"
    made = connection.execute(
        f"SELECT CASE kind WHEN 0 THEN 'snapshots' WHEN 1 THEN 'replicated snapshots' WHEN 2 THEN 'backups' ELSE "
        f"'cloud backups' END, count(*) FROM main.copies WHERE point > :since AND {one} GROUP BY 1",
        {"since": since, "asset": asset},
    )  # fmt: skip
    planned = connection.execute(
        f"SELECT coalesce(sum(copies), 0) FROM main.expiries WHERE at > :since AND {one}",
        {"since": begun, "asset": asset},
    ).fetchone()[0]
    missing = sum(one.missing for held in estate.assets.values() for one in held.sets) if asset is None else 0
    fresh = {r["asset_id"] for r in rows if group_of(r["kind"]) is Group.NEW}
    uncovered = tuple(
        a.name for a in estate.workloads
        if a.id in fresh and not a.covers and not a.nobodys and "jobs" not in estate.lists_unread
    )  # fmt: skip
    usage = () if asset is not None else tuple(_usage(connection, estate, begun))
    return Changes(begun, since, tuple(rows), dict(made), planned, missing, uncovered, usage)


def _must_exist(connection: sqlite3.Connection, name: str) -> None:
    """InputError for a name and id that no asset and no thing with a memory bears: no change of it proves nothing."""
    tables = ("assets", "stores", "gateways", "storeonces", "orchestrators", "policies", "settings")
    every = " UNION ALL ".join(f"SELECT id, name FROM main.{table}" for table in tables)
    names = connection.execute(every).fetchall()
    if any(name == ident or name.casefold() == (other or "").casefold() for ident, other in names):
        return
    likely = suggest.likely_names(name, (other for _, other in names if other))
    raise InputError(f"There is nothing called {sanitize.quoted(name, 80)} in the catalog.{likely}",
                     hint="asset takes the name or id of an asset, store, gateway, policy or setting.")  # fmt: skip


def _usage(connection: sqlite3.Connection, estate: Estate, since: int) -> Iterator[Usage]:
    rows = connection.execute(
        "SELECT f.store_id, f.used, f.at, l.used, l.at, l.capacity FROM (SELECT store_id, min(at) AS first, max(at) AS "
        "last FROM main.store_usage WHERE at >= ? AND used IS NOT NULL GROUP BY store_id) s JOIN main.store_usage f ON "
        "f.store_id = s.store_id AND f.at = s.first JOIN main.store_usage l ON l.store_id = s.store_id AND "
        "l.at = s.last", (since,),
    )  # fmt: skip
    for ident, *row in rows:
        store = estate.stores.get(ident)
        if store is not None and store.gone is None:
            yield Usage(store.label, *row)


def _lines(changes: Changes, estate: Estate, clock: Clock) -> Iterator[str]:
    yield (f"Seen since {clock.stamp(changes.since)}: {units.plural(len(changes.rows), 'change')}"
           + "".join(f"; {n:,} {group.value}" for group, n in changes.groups().items()) + ".")  # fmt: skip
    if changes.asked < changes.since:
        yield (f"This catalog remembers no further back: what was deleted or changed from {clock.stamp(changes.asked)} "
               "until then is not known, not none.")  # fmt: skip
    if early := changes.of_group(Group.TOO_EARLY):
        causes = Counter(str(row["cause"] or UNEXPLAINED) for row in early)
        yield "Gone too early, by what did it: " + ", ".join(f"{n:,} {c}" for c, n in causes.most_common(4)) + "."
    made = ", ".join(f"{n:,} {kind}" for kind, n in sorted(changes.made.items())) or "none"
    made = f"at least {made} (not all assets were read)" if estate.coverage.unread and changes.made else made
    made = "not known yet" if estate.coverage.unread and not changes.made else made
    yield (f"Recovery points listed now with a point in time since {clock.stamp(changes.asked)}: {made}. "
           f"Gone as planned: {changes.planned:,}.")  # fmt: skip
    if changes.unconfirmed:
        yield f"Missing in the last list and not yet confirmed gone: {changes.unconfirmed:,}; neither lost nor there."
    if changes.uncovered:
        names = ", ".join(changes.uncovered[:4])
        yield f"New and in no job: {len(changes.uncovered):,} ({names}{', …' if len(changes.uncovered) > 4 else ''})."
    yield from _usage_lines(changes)
    yield from changes.full


def _usage_lines(changes: Changes) -> Iterator[str]:
    moved = sorted((u for u in changes.usage if u.last != u.first), key=lambda u: -abs(u.last - u.first))
    if moved:
        each = "; ".join(
            f"{u.store} {'+' if u.last > u.first else '-'}{units.size(abs(u.last - u.first))} in "
            f"{units.duration(u.last_at - u.first_at)} to {units.size(u.last)}"
            + (f" ({100 * u.last / u.capacity:.0f} %)" if u.capacity else "")
            for u in moved[:4]
        )  # fmt: skip
        yield f"Stores on disk: {each}. Space of deleted copies comes back only after the store's own housekeeping."
    elif changes.usage and all(u.first_at == u.last_at for u in changes.usage):
        yield "Stores on disk: one sample in that time, so whether they grew is not known."
    elif changes.usage:
        yield f"Stores on disk: {units.plural(len(changes.usage), 'store')}, the same in the first and last sample."


def _row(row: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    return {
        "what": row["kind"], "subject": row["subject"],
        "asset": row["asset"] if row["asset"] != row["subject"] else None,
        "from": row["was"], "to": row["now"], "after": clock.stamp(row["before"]), "by": clock.stamp(row["seen"]),
        "cause": row["cause"] or UNEXPLAINED, "who": row["by_user"],
    }  # fmt: skip


def _value(changes: Changes, clock: Clock) -> dict[str, Any]:
    return {
        "since": clock.stamp(changes.asked), "rememberedSince": clock.stamp(changes.since), "count": len(changes.rows),
        "groups": {group.name.lower(): n for group, n in changes.groups().items()}, "made": dict(changes.made),
        "goneAsPlanned": changes.planned, "missingUnconfirmed": changes.unconfirmed,
        "newInNoJob": list(changes.uncovered), "storesFull": list(changes.full),
        "storeUsage": [{"store": u.store, "firstBytes": u.first, "firstAt": clock.stamp(u.first_at),
                        "lastBytes": u.last, "lastAt": clock.stamp(u.last_at), "capacityBytes": u.capacity}
                       for u in changes.usage],
    }  # fmt: skip
