"""What was read goes into the catalog: items of a list, copies of an asset; and what differs from before is noted.

Everything happens in transactions of the store's writer, in a thread. Knows tables and rows; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.errors import BackupError

from . import changes, rows, schema
from .changes import Interval
from .collections import COPIES, Collection
from .column_kinds import Item, storable
from .rows import Copy

PURGE_GRACE = 900  # seconds by which clocks may differ: a copy that goes so shortly before its expiry has expired

_WORDS = ("reason", "verification", "consistency", "array", "schedule")  # of a copy: kept as numbers
_INSERT = (
    f"INSERT OR REPLACE INTO copies (asset, {', '.join(Copy._fields)}) VALUES (:asset, "
    f"{', '.join(f':{name}' for name in Copy._fields)})"
)


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
    interval = Interval(connection, read_at(connection, collection.name), moment)
    table = schema.table(collection.table)
    names = [one.name for one in table.fields]
    kind = {"kind": collection.asset} if collection.asset else {}
    rows_before = {
        row[0]: row[1:]
        for row in connection.execute(
            f"SELECT id, gone, {', '.join(names)} FROM {table.name}{' WHERE kind = ?' if kind else ''}",
            (*kind.values(),),
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
        gone, *old = rows_before.get(ident, (moment,))
        connection.execute(insert, (ident, *kind.values(), *values))
        new_row = dict(zip(names, values, strict=True))
        if gone is not None:
            changes.appeared(interval, collection, ident, new_row)
        else:
            changes.compare(interval, collection, ident, dict(zip(names, old, strict=True)), new_row)
        _write_nested(interval, collection, ident, item, new_row)
    if collection.name == "stores":
        _sample_usage(connection, moment)
    return [ident for ident, row in rows_before.items() if ident not in seen and row[0] is None]


def _write_nested(
    interval: Interval, collection: Collection, ident: str, item: Item, row: Mapping[str, Any]
) -> None:  # fmt: skip
    """What an item holds that has a table of its own."""
    connection, moment = interval.connection, interval.seen
    if collection.name == "policies":
        schedules = rows.policy_schedules(item)
        changes.compare_schedules(interval, ident, row["name"], schedules)
        _replace(connection, "policy_schedules", "policy_id", ident, schedules)
    elif collection.name == "jobs":
        schedules, runs = rows.job_schedules(item)
        _replace(connection, "schedules", "job_id", ident, schedules)
        connection.executemany(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET status = excluded.status, "
            "error = excluded.error", [(ident, *run) for run in runs],
        )  # fmt: skip
        asset, members = rows.member(item.get("assetInfo")), rows.members(item, "jobs")
        _keep_unlisted(connection, [*([asset] if asset else ()), *members], moment)
        if asset and asset.kind in ("vm_group", "mssql_group", "volume_group"):
            listed = connection.execute("SELECT 1 FROM assets WHERE id = ? AND gone IS NULL", (asset.id,)).fetchone()
            if listed is None:  # the group is no longer listed; its job still says who belongs to it
                _write_members(connection, asset.kind, asset.id, members)
    elif collection.asset.endswith("_group"):
        members = rows.members(item, collection.asset)
        changes.compare_members(interval, collection.asset, ident, row["name"], members)
        _write_members(connection, collection.asset, ident, members)
        _keep_unlisted(connection, members, moment)
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


def _keep_unlisted(connection: sqlite3.Connection, members: Iterable[rows.Member], moment: int) -> None:
    """Assets that only jobs and groups name: their copies may be the most wanted ones."""
    connection.executemany(
        "INSERT OR IGNORE INTO assets (id, kind, name, gone) VALUES (?, ?, ?, ?)",
        [(m.id, m.kind, m.name, moment) for m in members if m.kind in COPIES or m.kind == "mssql_group"],
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
    changes.vanished(Interval(connection, since, moment), collection, ident, last_row)


def read_at(connection: sqlite3.Connection, collection: str, asset: int = 0) -> int | None:
    """When a list, or a list of copies of an asset, was last read whole; None for never."""
    row = connection.execute(
        "SELECT read FROM readings WHERE collection = ? AND asset = ?", (collection, asset)
    ).fetchone()
    return row[0] if row else None


def record_reading(  # noqa: PLR0913  what is known of a reading
    connection: sqlite3.Connection, collection: str, moment: int, *, asset: int = 0, items: int | None = None,
    problem: BackupError | None = None, due: int | None = None,
) -> None:  # fmt: skip
    """Note that a list was read whole, or why it was not; what was read of it before stands."""
    connection.execute(
        "INSERT INTO readings (collection, asset, read, tried, failed, status, reason, items, due) VALUES "
        "(:collection, :asset, CASE WHEN :failed THEN NULL ELSE :moment END, :moment, :failed, :status, :reason, "
        ":items, :due) ON CONFLICT DO UPDATE SET read = CASE WHEN :failed THEN read ELSE :moment END, tried = :moment, "
        "failed = :failed * (failed + 1), status = :status, reason = :reason, "
        "items = CASE WHEN :failed THEN items ELSE :items END, due = :due",
        {
            "collection": collection, "asset": asset, "moment": moment, "items": items, "failed": problem is not None,
            "status": problem and problem.status, "reason": (problem and problem.message[:300]) or None, "due": due,
        },
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
        words, interval = Words(connection), Interval(connection, self.since, self.moment)
        key = "asset = ? AND list = ? AND id = ?"
        for copy in sorted(copies, key=lambda c: rows.unpack(c.id)):
            if copy.id in self.seen:
                continue
            self.seen.add(copy.id)
            if self.since is not None:
                old = connection.execute(
                    f"SELECT expires, locked_until FROM copies WHERE {key}", (self.asset, self.list, copy.id)
                ).fetchone()
                if old is not None:
                    changes.compare_copy(interval, self.asset, copy, *old)
            numbers = {name: words.word(getattr(copy, name)) for name in _WORDS}
            connection.execute(
                _INSERT, {**copy._asdict(), **numbers, "store": words.store(copy.store), "asset": self.asset}
            )

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


def confirm_copy(connection: sqlite3.Connection, reading: CopyReading, ident: bytes | str, item: Item | None) -> None:
    """A copy that was not in its list: `item` is what the service has under its id, None where it has nothing."""
    asset, list_ = reading.asset, reading.list
    interval = Interval(connection, reading.since, reading.moment)
    if item is None:
        changes.copy_vanished(interval, asset, list_, ident)
        connection.execute("DELETE FROM copies WHERE asset = ? AND list = ? AND id = ?", (asset, list_, ident))
    elif (copy := rows.copy(item, list_)) is not None:
        CopyReading(asset, list_, reading.moment, reading.since or reading.moment).add(connection, [copy])
    summarize(connection, asset, list_)


_SUMS = """
INSERT INTO copy_sets
SELECT asset, list, s.kind, s.store, s.array, s.schedule, copies, good, missing, newest, oldest, n.point, n.expires,
  last_expiry, endless, next_expiry, locked_until, last_lock_good, verified, newest_verified, failed, size, sized,
  verify_errors, n.consistency, n.flags, n.disks
FROM (SELECT asset, list, kind, store, array, schedule, count(*) AS copies, sum(good) AS good,
  sum(missing IS NOT NULL) AS missing, max(point) AS newest, min(point) AS oldest,
  max(CASE WHEN good THEN expires END) AS last_expiry, sum(good AND expires IS NULL) AS endless,
  min(expires) AS next_expiry, max(locked_until) AS locked_until,
  max(CASE WHEN good THEN locked_until END) AS last_lock_good, sum(checked = 'VERIFIED') AS verified,
  max(CASE checked WHEN 'VERIFIED' THEN point END) AS newest_verified,
  sum(coalesce(state IN ('ERROR', 'FAILED'), 0)) AS failed,
  CASE WHEN count(size) THEN CAST(total(size) AS INTEGER) END AS size, count(size) AS sized,
  sum(checked = 'VERIFY_ERROR') AS verify_errors
  FROM (SELECT c.*, c.ok AND c.missing IS NULL AS good, coalesce(v.word, '') AS checked
    FROM copies c LEFT JOIN words v ON v.no = c.verification WHERE c.asset = :asset AND c.list = :list)
  GROUP BY kind, store, array, schedule) s
LEFT JOIN (SELECT kind, store, array, schedule, max(point) AS point, expires, consistency, flags, disks FROM copies
  WHERE asset = :asset AND list = :list AND ok AND missing IS NULL AND point IS NOT NULL
  GROUP BY kind, store, array, schedule) n
ON n.kind IS s.kind AND n.store IS s.store AND n.array IS s.array AND n.schedule IS s.schedule
"""  # beside max(), SQLite takes the other columns of `n` from the row that has it


def summarize(connection: sqlite3.Connection, asset: int, list_: int) -> None:
    """Make the sums of an asset's copies anew, by kind, store or array, and schedule: answers are made of them."""
    connection.execute("DELETE FROM copy_sets WHERE asset = ? AND list = ?", (asset, list_))
    connection.execute(_SUMS, {"asset": asset, "list": list_})
