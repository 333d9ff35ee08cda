"""What was read goes into the catalog: items of a list, copies of an asset; and what differs from before is noted.

Everything happens in transactions of the store's writer, in a thread. Knows tables and rows; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.errors import BackupError

from . import changes, rows, schema
from .collections import COPIES, Collection
from .column_kinds import Item, storable
from .rows import Copy

PURGE_GRACE = 900  # seconds by which clocks may differ: a copy that goes so shortly before its expiry has expired

_COPY_COLUMNS = ("asset", *Copy._fields[1:2], "id", *Copy._fields[2:], "missing")


@dataclass
class Words:
    """Repeating words and stores as numbers, remembered for the time of one reading."""

    connection: sqlite3.Connection
    words: dict[str, int] = field(default_factory=dict)
    stores: dict[str, int] = field(default_factory=dict)

    def word(self, text: str | None) -> int | None:
        """The number of a word; a new one gets the next."""
        if text is None:
            return None
        if text not in self.words:
            self.connection.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (text,))
            self.words[text] = self.connection.execute("SELECT no FROM words WHERE word = ?", (text,)).fetchone()[0]
        return self.words[text]

    def store(self, identity: tuple[str, str | None, str | None] | None) -> int | None:
        """The number of a store; one that no list told yet is known by what the copy says."""
        if identity is None:
            return None
        if identity[0] not in self.stores:
            self.connection.execute("INSERT OR IGNORE INTO stores (id, name, type) VALUES (?, ?, ?)", identity)
            self.stores[identity[0]] = self.connection.execute(
                "SELECT no FROM stores WHERE id = ?", identity[:1]
            ).fetchone()[0]
        return self.stores[identity[0]]


# --- lists ---------------------------------------------------------------------------------------------------------


def write_collection(
    connection: sqlite3.Connection, collection: Collection, items: Sequence[Item], moment: int
) -> list[str]:
    """Keep the items of a list that was read whole; the ids of those known before that are not among them.

    Nothing is taken for gone here: whether those are is asked of the service one by one.
    """
    before = connection.execute(
        "SELECT read FROM readings WHERE collection = ? AND asset = 0", (collection.name,)
    ).fetchone()
    since = before[0] if before else None
    table = schema.table(collection.table)
    names = [one.name for one in table.fields]
    kind = ("kind",) if collection.asset else ()
    rows_before = {
        row[0]: row[1:]
        for row in connection.execute(
            f"SELECT id, gone, {', '.join(names)} FROM {table.name}" + (" WHERE kind = ?" if kind else ""),
            (collection.asset,) if kind else (),
        )
    }
    columns = ["id", *kind, *names]
    insert = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT (id) DO "
        f"UPDATE SET gone = NULL, {', '.join(f'{c} = excluded.{c}' for c in columns[1:])}"
    )
    seen = set()
    for item in items:
        ident = item.get("id")
        if not isinstance(ident, str) or not ident:
            continue
        ident = storable(ident)
        seen.add(ident)
        values = [one.value(item) for one in table.fields]
        old = rows_before.get(ident)
        connection.execute(insert, (ident, *([collection.asset] if kind else ()), *values))
        new_row = dict(zip(names, values, strict=True))
        if old is None or old[0] is not None:
            if since is not None:
                changes.appeared(connection, collection, ident, new_row, since, moment)
        else:
            was = dict(zip(names, old[1:], strict=True))
            changes.compare(connection, collection, ident, was, new_row, since or moment, moment)
        _write_nested(connection, collection, ident, item, new_row, since, moment)
    if collection.name == "stores":
        _sample_usage(connection, moment)
    return [ident for ident, row in rows_before.items() if ident not in seen and row[0] is None]


def _write_nested(  # noqa: PLR0913, PLR0917  a row has its context
    connection: sqlite3.Connection, collection: Collection, ident: str, item: Item, row: dict[str, Any],
    since: int | None, moment: int,
) -> None:  # fmt: skip
    """What an item holds that has a table of its own."""
    if collection.name == "policies":
        changes.compare_schedules(connection, ident, row["name"], rows.policy_schedules(item), since, moment)
        _replace(connection, "policy_schedules", "policy_id", ident, rows.policy_schedules(item))
    elif collection.name == "jobs":
        schedules, runs = rows.job_schedules(item)
        _replace(connection, "schedules", "job_id", ident, schedules)
        connection.executemany(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET status = excluded.status, "
            "error = excluded.error", [(ident, *run) for run in runs],
        )  # fmt: skip
        asset = rows.member(item.get("assetInfo"))
        for one in [*([asset] if asset else ()), *rows.members(item, "jobs")]:
            _keep_unlisted(connection, one, moment)
        if asset and asset.kind in ("vm_group", "mssql_group", "volume_group"):
            listed = connection.execute("SELECT 1 FROM assets WHERE id = ? AND gone IS NULL", (asset.id,)).fetchone()
            if listed is None:  # the group is no longer listed; its job still says who belongs to it
                _write_members(connection, asset.kind, asset.id, rows.members(item, "jobs"))
    elif collection.asset.endswith("_group"):
        members = rows.members(item, collection.asset)
        changes.compare_members(connection, collection.asset, ident, row["name"], members, since, moment)
        _write_members(connection, collection.asset, ident, members)
        for one in members:
            _keep_unlisted(connection, one, moment)
    elif collection.name == "vms":
        connection.execute("DELETE FROM members WHERE owner_kind = 'datastore' AND member_id = ?", (ident,))
        connection.executemany(
            "INSERT OR IGNORE INTO members VALUES ('datastore', ?, ?, 'vm', ?)",
            [(one, ident, row["name"]) for one in (row["datastore_ids"] or "").split(", ") if one],
        )
    elif collection.name == "tags":
        _write_members(connection, "tag", ident, rows.members(item, "tags"))


def _replace(
    connection: sqlite3.Connection, table: str, key: str, ident: str, rows_: Sequence[tuple[Any, ...]]
) -> None:
    connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (ident,))
    names = [one.name for one in schema.table(table).fields]
    connection.executemany(
        f"INSERT INTO {table} ({key}, seq, {', '.join(names)}) VALUES ({', '.join('?' * (len(names) + 2))})",
        [(ident, n, *row) for n, row in enumerate(rows_)],
    )


def _write_members(connection: sqlite3.Connection, kind: str, owner: str, members: Iterable[rows.Member]) -> None:
    connection.execute("DELETE FROM members WHERE owner_kind = ? AND owner_id = ?", (kind, owner))
    connection.executemany(
        "INSERT OR IGNORE INTO members VALUES (?, ?, ?, ?, ?)", [(kind, owner, m.id, m.kind, m.name) for m in members]
    )


def _keep_unlisted(connection: sqlite3.Connection, one: rows.Member, moment: int) -> None:
    """An asset that only jobs and groups name: its copies may be the most wanted ones."""
    if one.kind in COPIES or one.kind == "mssql_group":
        connection.execute(
            "INSERT OR IGNORE INTO assets (id, kind, name, gone) VALUES (?, ?, ?, ?)",
            (one.id, one.kind, one.name, moment),
        )


def _sample_usage(connection: sqlite3.Connection, moment: int) -> None:
    """A sample of each store an hour for 90 days; older ones are thinned to one a day."""
    connection.execute(
        "INSERT OR IGNORE INTO store_usage SELECT s.id, ?, s.used, s.capacity, s.user_data, n.free FROM stores s "
        "LEFT JOIN storeonces n ON n.id = s.system_id WHERE s.gone IS NULL AND s.state IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM store_usage u WHERE u.store_id = s.id AND u.at > ?)", (moment, moment - 3600 + 60),
    )  # fmt: skip
    connection.execute(
        "DELETE FROM store_usage WHERE at < ? AND EXISTS (SELECT 1 FROM store_usage u "
        "WHERE u.store_id = store_usage.store_id AND u.at < store_usage.at AND u.at / 86400 = store_usage.at / 86400)",
        (moment - 90 * 86400,),
    )  # fmt: skip
    connection.execute("DELETE FROM store_usage WHERE at < ?", (moment - 730 * 86400,))


def mark_gone(
    connection: sqlite3.Connection, collection: Collection, ident: str, since: int | None, moment: int
) -> None:
    """A thing that the service no longer has: neither in its list nor by its id."""
    row = connection.execute(f"SELECT * FROM {collection.table} WHERE id = ?", (ident,))
    names = [one[0] for one in row.description]
    last_row = dict(zip(names, row.fetchone(), strict=True))
    connection.execute(f"UPDATE {collection.table} SET gone = ? WHERE id = ?", (moment, ident))
    changes.vanished(connection, collection, ident, last_row, since or moment, moment)


def record_reading(  # noqa: PLR0913  what is known of a reading
    connection: sqlite3.Connection,
    collection: str,
    moment: int,
    *,
    asset: int = 0,
    items: int | None = None,
    problem: BackupError | str | None = None,
    due: int | None = None,
) -> None:
    """Note that a list was read whole, or why it was not; what was read of it before stands."""
    status = problem.status if isinstance(problem, BackupError) else None
    reason = (problem.message if isinstance(problem, BackupError) else problem) if problem else None
    failed = int(problem is not None)
    connection.execute(
        "INSERT INTO readings (collection, asset, read, tried, failed, status, reason, items, due) "
        "VALUES (:collection, :asset, CASE WHEN :failed THEN NULL ELSE :now END, :now, :failed, :status, :reason, "
        ":items, :due) ON CONFLICT DO UPDATE SET read = CASE WHEN :failed THEN read ELSE :now END, tried = :now, "
        "failed = :failed * (failed + 1), status = :status, reason = :reason, "
        "items = CASE WHEN :failed THEN items ELSE :items END, due = :due",
        {"collection": collection, "asset": asset, "now": moment, "items": items, "failed": failed, "status": status,
         "reason": (reason or "")[:300] or None, "due": due},
    )  # fmt: skip


# --- recovery points -----------------------------------------------------------------------------------------------


@dataclass
class CopyReading:
    """One reading of the copies of an asset, page by page; memory holds their ids alone."""

    asset: int
    list: int
    moment: int
    since: int | None  # when they were last read whole
    seen: set[bytes | str] = field(default_factory=set)

    def add(self, connection: sqlite3.Connection, copies: Sequence[Copy]) -> None:
        """Keep a page of copies, and note what differs from before."""
        words = Words(connection)
        select = (
            "SELECT expires, locked_until, ok, state, point, name FROM copies WHERE asset = ? AND list = ? AND id = ?"
        )
        insert = (
            f"INSERT OR REPLACE INTO copies ({', '.join(_COPY_COLUMNS)}) VALUES ({', '.join('?' * len(_COPY_COLUMNS))})"
        )
        for copy in sorted(copies, key=lambda c: rows.unpack(c.id)):
            if copy.id in self.seen:
                continue
            self.seen.add(copy.id)
            if self.since is not None:
                old = connection.execute(select, (self.asset, self.list, copy.id)).fetchone()
                if old is not None:
                    changes.compare_copy(connection, self.asset, copy, old, self.since, self.moment)
            connection.execute(insert, (
                self.asset, copy.list, copy.id, copy.name, copy.kind, copy.point, copy.created, copy.expires,
                copy.locked_until, copy.ok, copy.state, copy.status, words.word(copy.reason),
                words.word(copy.verification), copy.verified, words.word(copy.consistency), copy.flags, copy.disks,
                copy.size, words.store(copy.store), words.word(copy.array), copy.schedule_id, words.word(copy.schedule),
                copy.source_id, copy.log_until, None,
            ))  # fmt: skip

    def finish(self, connection: sqlite3.Connection, items: int, due: int) -> Sequence[bytes | str]:
        """The list was read whole: expired copies that are not in it go; the others that are not need confirmation."""
        missing, expired = [], 0
        for ident, expires in connection.execute(
            "SELECT id, expires FROM copies WHERE asset = ? AND list = ?", (self.asset, self.list)
        ).fetchall():
            if ident in self.seen:
                continue
            key = (self.asset, self.list, ident)
            if expires is not None and expires <= self.moment + PURGE_GRACE:
                connection.execute("DELETE FROM copies WHERE asset = ? AND list = ? AND id = ?", key)
                expired += 1
            else:
                missing.append(ident)
                connection.execute(
                    "UPDATE copies SET missing = coalesce(missing, ?) WHERE asset = ? AND list = ? AND id = ?",
                    (self.moment, *key),
                )
        if expired:
            connection.execute(
                "INSERT INTO expiries VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET copies = copies + excluded.copies",
                (self.asset, self.list, self.moment, expired),
            )
        record_reading(
            connection, ("snapshots", "backups")[self.list], self.moment, asset=self.asset, items=items, due=due
        )
        summarize(connection, self.asset, self.list)
        return missing


def confirm_copy(  # noqa: PLR0913, PLR0917  what is known of it
    connection: sqlite3.Connection,
    asset: int,
    list_: int,
    ident: bytes | str,
    item: Item | None,
    since: int,
    moment: int,
) -> None:
    """A copy that was not in its list: `item` is what the service has under its id, None where it has nothing."""
    key = (asset, list_, ident)
    if item is None:
        changes.copy_vanished(connection, asset, list_, ident, since, moment)
        connection.execute("DELETE FROM copies WHERE asset = ? AND list = ? AND id = ?", key)
    elif (copy := rows.copy(item, list_)) is not None:
        CopyReading(asset, list_, moment, since).add(connection, [copy])
    summarize(connection, asset, list_)


_SUMMED = (
    "kind, store, array, schedule, point, expires, locked_until, ok, missing, verification, size, state, consistency, "
    "flags, disks"
)


def summarize(connection: sqlite3.Connection, asset: int, list_: int) -> None:
    """Make the sums of an asset's copies anew: what questions about the present are answered from."""
    words = dict(connection.execute("SELECT word, no FROM words WHERE word IN ('VERIFIED', 'VERIFY_ERROR')").fetchall())
    marks = (words.get("VERIFIED", -1), words.get("VERIFY_ERROR", -1))
    groups: dict[tuple[Any, ...], _Sum] = {}
    for row in connection.execute(f"SELECT {_SUMMED} FROM copies WHERE asset = ? AND list = ?", (asset, list_)):
        group = groups.get(row[:4])
        if group is None:
            group = groups[row[:4]] = _Sum()
        group.add(row[4:], marks)
    connection.execute("DELETE FROM copy_sets WHERE asset = ? AND list = ?", (asset, list_))
    connection.executemany(
        f"INSERT INTO copy_sets VALUES ({', '.join('?' * 27)})",
        [(asset, list_, *key, *group.row()) for key, group in groups.items()],
    )


def _least(old: int | None, new: int | None, better: Callable[[int, int], int]) -> int | None:
    if old is None or new is None:
        return new if old is None else old
    return better(old, new)


@dataclass
class _Sum:
    """The copies of one kind, store or array, and schedule, added up."""

    copies: int = 0
    good: int = 0
    missing: int = 0
    newest: int | None = None
    oldest: int | None = None
    newest_good: int | None = None
    newest_good_expires: int | None = None
    last_expiry: int | None = None
    endless: int = 0
    next_expiry: int | None = None
    locked_until: int | None = None
    last_lock_good: int | None = None
    verified: int = 0
    newest_verified: int | None = None
    failed: int = 0
    size: int | None = None
    sized: int = 0
    verify_errors: int = 0
    newest_good_facts: tuple[Any, Any, Any] = (None, None, None)  # consistency, flags, disks

    def add(self, row: Sequence[Any], marks: tuple[int, int]) -> None:
        """Count one copy in; `marks`: the numbers of the words VERIFIED and VERIFY_ERROR."""
        point, expires, lock, ok, missing, verification, size, state, *facts = row
        self.copies += 1
        self.newest, self.oldest = _least(self.newest, point, max), _least(self.oldest, point, min)
        self.locked_until = _least(self.locked_until, lock, max)
        self.next_expiry = _least(self.next_expiry, expires, min)
        self.failed += state in ("ERROR", "FAILED")
        self.missing += missing is not None
        self.verify_errors += verification == marks[1]
        if verification == marks[0]:
            self.verified += 1
            self.newest_verified = _least(self.newest_verified, point, max)
        if size is not None:
            self.size, self.sized = (self.size or 0) + size, self.sized + 1
        if not ok or missing is not None:
            return
        self.good += 1
        self.last_lock_good = _least(self.last_lock_good, lock, max)
        self.last_expiry = _least(self.last_expiry, expires, max)
        self.endless += expires is None
        if point is not None and (self.newest_good is None or point > self.newest_good):
            self.newest_good, self.newest_good_expires, self.newest_good_facts = point, expires, (*facts,)

    def row(self) -> tuple[Any, ...]:
        return (
            self.copies, self.good, self.missing, self.newest, self.oldest, self.newest_good, self.newest_good_expires,
            self.last_expiry, self.endless, self.next_expiry, self.locked_until, self.last_lock_good, self.verified,
            self.newest_verified, self.failed, self.size, self.sized, self.verify_errors, *self.newest_good_facts,
        )  # fmt: skip
