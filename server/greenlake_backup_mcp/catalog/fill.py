"""The catalog filled: every list at each refresh, then the copies of each asset, worst first, and again when due.

A refresh reads what changes often; of the copies only those whose tier ran, which a write of ours touched, which did
not come the last time, or which were read a day ago. What fails is told as unread and tried again, later each time.
Knows the order of reading. Must know nothing of tools.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists.views import columns
from greenlake_backup_mcp.upstream.progress import Report

from . import changes, rows, writer
from .collections import COLLECTIONS, COPIES, Collection
from .column_kinds import Item
from .reading import Reader
from .rows import Copy
from .store import Store

P = ParamSpec("P")
T = TypeVar("T")
SLOW_SECONDS = 3600  # between two readings of lists that change seldom
REREAD_SECONDS = 22 * 3600  # after which the copies of an asset are read again, whatever happened
SOON_SECONDS = 300  # until copies are read again of which one is being made
RETRY_SECONDS = 120  # until a list that failed is tried again; doubled each time
LONGEST_RETRY = 6 * 3600
FLUSH = 4000  # copies converted before they are written
NOT_LISTED = "that are there were not in the list"
MOST_CONFIRMED = 200  # missing things looked for one by one, in one reading


@dataclass
class Filler:
    """Fills a store. One process does at a time (the store's lease); it goes on where the last one stopped."""

    store: Store
    reader: Reader
    now: Callable[[], int]  # seconds since 1970
    keep_days: int
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    async def _write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something in a transaction, in a thread, one after the other."""

        def within() -> T:
            with self.store.write() as connection:
                return work(connection, *args, **kwargs)

        return await anyio.to_thread.run_sync(within, limiter=self.threads)

    # --- lists -----------------------------------------------------------------------------------------------------

    async def refresh(self, progress: Report | None = None, *, everything: bool = False) -> None:
        """Read the lists that are due, then find what did what changed."""
        async with self.lock:
            due = await self._write(_due_lists, self.now(), everything=everything)
            for n, collection in enumerate(due):
                if progress is not None:
                    await progress(n, len(due), f"{n} of {len(due)} lists read")
                await self._read_collection(collection)
            await self._write(_after_refresh, self.now(), self.keep_days)

    async def _read_collection(self, collection: Collection) -> None:
        moment = self.now()
        try:
            items = await self._items(collection)
            missing = await self._write(writer.write_collection, collection, items, moment)
            await self._confirm_things(collection, [] if collection.first else missing, moment)
        except BackupError as problem:
            await self._write(_failed, collection.name, 0, moment, problem)
            return
        await self._write(writer.record_reading, collection.name, moment, items=len(items))

    async def _items(self, collection: Collection) -> list[Item]:
        """All items of a list; of tasks those that are not known to have ended."""
        if not self.reader.offers(collection.operation):
            raise BackupError("the description in use has no such list")
        items: list[Item] = []
        if collection.per:
            for owner in await self._write(_ids, f"SELECT id FROM {collection.per} WHERE gone IS NULL"):
                await self.reader.read(collection.operation, [owner], collection.table, _keep(items))
            return items
        take = _keep(items)
        if collection.first:
            ended = set(await self._write(_ids, "SELECT id FROM tasks WHERE ended IS NOT NULL"))
            take = _until_known(items, ended, collection.first)
        await self.reader.read(collection.operation, [], collection.table, take)
        return items

    async def _confirm_things(self, collection: Collection, missing: Sequence[str], moment: int) -> None:
        """What is no longer in its list is looked for by its id: a list can lose a page.

        What cannot be read by its id has to be missing twice.
        """
        if not missing:
            return
        view = columns.find_view(collection.operation)
        getter = view.operations[-1] if view is not None else ""
        since = await self._write(writer.read_at, collection.name)
        if getter != collection.operation and self.reader.offers(getter):
            looked, lost = missing[:MOST_CONFIRMED], len(missing[MOST_CONFIRMED:])
            gone = [one for one in looked if await self.reader.item(collection.operation, [one]) is None]
            lost += len(looked) - len(gone)
        else:
            gone = list(missing) if await self._write(_was_missing, collection.name) else []
            lost = len(missing) - len(gone)
        for ident in gone:
            await self._write(writer.mark_gone, collection, ident, since, moment)
        if lost:
            raise BackupError(f"{lost} {NOT_LISTED}")

    # --- recovery points -------------------------------------------------------------------------------------------

    async def due_copies(self, most: int = 20) -> list[tuple[int, str, str, int]]:
        """The next lists of copies to read: asset, its kind and id, 0 for snapshots and 1 for backups."""
        return await self._write(_due_copies, self.now(), most)

    async def read_copies(self, asset: int, kind: str, ident: str, list_: int) -> None:
        """Read the copies of an asset, whole; what fails is noted as unread."""
        moment, name = self.now(), ("snapshots", "backups")[list_]
        operation = COPIES[kind][list_]
        since = await self._write(writer.read_at, name, asset)
        reading = writer.CopyReading(asset, list_, moment, since)
        waiting: list[Copy] = []
        total = 0

        def take(batch: Sequence[Item]) -> bool:
            waiting.extend(copy for item in batch if (copy := rows.copy(item, list_)) is not None)
            return True

        async def flush(_done: float, _total: float | None, _words: str) -> None:
            if len(waiting) >= FLUSH:
                batch = waiting[:]
                waiting.clear()
                await self._write(_add, reading, batch)

        try:
            if not self.reader.offers(operation):
                raise BackupError("the description in use has no such list")
            total = await self.reader.read(operation, [ident], "copies", take, flush)
            missing = await self._write(_finish, reading, waiting, total)
            await self._confirm_copies(reading, operation, ident, missing)
        except BackupError as problem:
            await self._write(_add, reading, waiting)
            await self._write(_failed, name, asset, moment, problem)

    async def _confirm_copies(
        self, reading: writer.CopyReading, operation: str, asset_id: str, missing: Sequence[bytes | str]
    ) -> None:
        """A copy that is no longer in its list is looked for by its id; only a 404 there is a copy that is gone."""
        lost = 0
        for ident in missing[:MOST_CONFIRMED]:
            item = await self.reader.item(operation, [asset_id, rows.unpack(ident)])
            lost += item is not None
            await self._write(writer.confirm_copy, reading, ident, item)
        if lost:
            raise BackupError(f"{lost} {NOT_LISTED}")

    async def note_write(self, moment: float, tool: str, method: str, path: str, outcome: str) -> None:
        """Remember a write of this server, and read the copies of the asset in its path again soon."""
        ids = [part for part in path.split("/") if len(part) == 36]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO own_writes VALUES (?, ?, ?, ?, ?)", (moment, tool, method, path, outcome))
            _touch(connection, ids, int(moment))

        await self._write(work)

    async def acquire(self) -> bool:
        """Take or renew the lease."""
        return await anyio.to_thread.run_sync(self.store.acquire, limiter=self.threads)


def _keep(kept_items: list[Item]) -> Callable[[Sequence[Item]], bool]:
    def take(items: Sequence[Item]) -> bool:
        kept_items.extend(items)
        return True

    return take


def _until_known(collected: list[Item], ended: set[str], first: int) -> Callable[[Sequence[Item]], bool]:
    """Take newest first until a page holds nothing new; on the first reading no more than so many."""

    def take(items: Sequence[Item]) -> bool:
        fresh = [item for item in items if item.get("id") not in ended]
        collected.extend(fresh)
        return bool(fresh) and (bool(ended) or len(collected) < first * 5)

    return take


# --- work in transactions ------------------------------------------------------------------------------------------


def _due_lists(connection: sqlite3.Connection, now: int, *, everything: bool) -> list[Collection]:
    return [
        c for c in COLLECTIONS
        if everything or not c.slow or (writer.read_at(connection, c.name) or 0) <= now - SLOW_SECONDS
    ]  # fmt: skip


def _failed(connection: sqlite3.Connection, collection: str, asset: int, moment: int, problem: BackupError) -> None:
    """Note that a list did not come; the next attempt comes later each time."""
    row = connection.execute(
        "SELECT failed FROM readings WHERE collection = ? AND asset = ?", (collection, asset)
    ).fetchone()
    wait = min(RETRY_SECONDS * 2 ** min(row[0] if row else 0, 12), LONGEST_RETRY)
    writer.record_reading(connection, collection, moment, asset=asset, problem=problem, due=moment + wait)


def _ids(connection: sqlite3.Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query)]


def _was_missing(connection: sqlite3.Connection, collection: str) -> bool:
    """Whether something was missing at the last attempt, too."""
    sql = "SELECT reason FROM readings WHERE collection = ? AND asset = 0 AND failed"
    row = connection.execute(sql, (collection,)).fetchone()
    return row is not None and str(row[0]).endswith(NOT_LISTED)


def _add(connection: sqlite3.Connection, reading: writer.CopyReading, batch: Sequence[Copy]) -> None:
    reading.add(connection, batch)
    writer.summarize(connection, reading.asset, reading.list)


def _finish(
    connection: sqlite3.Connection, reading: writer.CopyReading, batch: Sequence[Copy], items: int
) -> Sequence[bytes | str]:
    reading.add(connection, batch)
    busy = connection.execute(
        "SELECT 1 FROM copies WHERE asset = ? AND list = ? AND state IN ('CREATING', 'DELETING', 'UPDATING') LIMIT 1",
        (reading.asset, reading.list),
    ).fetchone()
    spread = reading.asset * 7919 % 7200  # so that what was read in one go is not read again in one go
    due = reading.moment + (SOON_SECONDS if busy else REREAD_SECONDS - spread)
    return reading.finish(connection, items, due)


def _after_refresh(connection: sqlite3.Connection, moment: int, keep_days: int) -> None:
    """What follows from fresh lists: whose tier ran is read again; what changed gets its cause; what is old goes."""
    for list_, tiers in ((0, "'SNAPSHOT', 'REPLICATED_SNAPSHOT'"), (1, "'BACKUP', 'CLOUD_BACKUP'")):
        name = ("snapshots", "backups")[list_]
        connection.execute(
            f"UPDATE readings SET due = min(coalesce(due, :now), :now) WHERE collection = '{name}' AND failed = 0 AND "
            "(due IS NULL OR due > :now) AND asset IN (SELECT a.no FROM assets a JOIN readings r ON r.asset = a.no AND "
            f"r.collection = '{name}' WHERE r.read < (SELECT max(coalesce(s.prev_run, 0)) FROM schedules s "
            f"JOIN jobs j ON j.id = s.job_id WHERE s.tier IN ({tiers}) AND (j.asset_id = a.id OR j.asset_id IN "
            "(SELECT owner_id FROM members m WHERE m.member_id = a.id AND m.owner_kind <> 'tag'))))", {"now": moment},
        )  # fmt: skip
    changes.explain(connection, moment)
    changes.forget_old(connection, moment, keep_days)
    connection.execute(  # of an asset whose list cannot be read any more, copies go when they expire
        "DELETE FROM copies WHERE expires < ? AND asset IN (SELECT asset FROM readings WHERE asset > 0 AND failed > 3)",
        (moment - 86400,),
    )


def _due_copies(connection: sqlite3.Connection, now: int, most: int) -> list[tuple[int, str, str, int]]:
    """Never read first, and among those the worst: without a recent success, suspended, lapsed; then by due time."""
    due: list[tuple[int, str, str, int]] = connection.execute(
        "SELECT a.no, a.kind, a.id, l.list FROM assets a JOIN (SELECT 1 AS list, 'backups' AS name UNION ALL "
        "SELECT 0, 'snapshots') l LEFT JOIN readings r ON r.asset = a.no AND r.collection = l.name "
        f"WHERE a.kind IN ({', '.join(repr(kind) for kind in COPIES)}) AND coalesce(r.due, 0) <= ? "
        "ORDER BY r.tried IS NOT NULL, r.failed, CASE a.protection_status WHEN 'LAPSED' THEN 0 WHEN 'PARTIAL' THEN 1 "
        "WHEN 'PAUSED' THEN 2 WHEN 'PENDING' THEN 3 WHEN 'UNPROTECTED' THEN 4 WHEN 'UNSUPPORTED' THEN 9 ELSE 5 END, "
        "coalesce(r.due, 0), a.no, l.list DESC LIMIT ?", (now, most),
    ).fetchall()  # fmt: skip
    return due


def _touch(connection: sqlite3.Connection, ids: Sequence[str], due: int) -> None:
    """The copies of these assets, of the members of these groups, and of the assets of these jobs are due."""
    for ident in ids:
        job = connection.execute("SELECT asset_id FROM jobs WHERE id = ?", (ident,)).fetchone()
        owner = job[0] if job else ident
        connection.execute(
            "UPDATE readings SET due = ? WHERE asset IN (SELECT no FROM assets WHERE id = ? UNION SELECT a.no FROM "
            "members m JOIN assets a ON a.id = m.member_id WHERE m.owner_id = ?)", (due, owner, owner),
        )  # fmt: skip
