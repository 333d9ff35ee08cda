"""`ConsentStore` in a file of the user, which all processes of that user share: SQLite, readable by its owner only.

Where there is no place for it, in memory. Knows SQLite and the directory of state. Whoever can read the file can make
text codes: SECURITY.md says so.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import anyio

from greenlake_backup_mcp import state
from greenlake_backup_mcp.errors import PolicyRefusal
from greenlake_backup_mcp.settings import Settings

from .store import ConsentStore, Reservation

MEMORY = ":memory:"
SECONDS = 3.0  # for another process to let go of the file
FORMAT = 1
TABLES = (
    "CREATE TABLE IF NOT EXISTS key (value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS used (code TEXT PRIMARY KEY, until REAL NOT NULL)",
    """CREATE TABLE IF NOT EXISTS reservations (
        number INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, path TEXT NOT NULL, owner TEXT NOT NULL,
        since REAL NOT NULL, until REAL NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS texts (name TEXT PRIMARY KEY, value TEXT NOT NULL, until REAL NOT NULL)",
)
Clock = Callable[[], float]
_T = TypeVar("_T")


def open_store(settings: Settings) -> ConsentStore:
    """The store of this user for this tenant; in memory, with the reason, where there is no place to write."""
    name = "demo" if settings.demo else state.tenant_key(settings)
    try:
        path = state.private_file(settings, f"consent-{name}-{FORMAT}.sqlite3")
        # a simulated tenant in this process is a new one at each start: nothing in it is on its way out
        scope = secrets.token_hex(8) if settings.demo else ""
        return FileStore(path, _make(path), scope)
    except (OSError, sqlite3.Error) as error:
        where = state.state_directory(settings)
        return memory_store(f"{where} cannot be used ({getattr(error, 'strerror', None) or error})")


def memory_store(ephemeral: str = "this process keeps them in memory only", clock: Clock = time.time) -> FileStore:
    """A store of this process alone, gone with it; `ephemeral` says why."""
    memory = sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
    for table in TABLES:
        memory.execute(table)
    result = FileStore(Path(MEMORY), "", clock=clock, ephemeral=ephemeral, memory=memory)
    weakref.finalize(result, memory.close)  # from Python 3.13 on one that is left open is a warning
    return result


def _make(path: Path) -> str:
    """Make the tables where they are missing; the key."""
    with closing(sqlite3.connect(path, timeout=SECONDS, isolation_level=None)) as base:
        base.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            base.execute(table)
        row = base.execute("SELECT value FROM key").fetchone()
        if row is None:
            row = (secrets.token_urlsafe(32),)
            base.execute("INSERT INTO key VALUES (?)", row)
        base.execute("COMMIT")
        return str(row[0])


@dataclass
class FileStore:
    """A store in a file; opened for each use, so that a file that was removed or replaced is noticed."""

    path: Path
    key: str
    scope: str = ""
    clock: Clock = time.time
    ephemeral: str = ""
    memory: sqlite3.Connection | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)  # to use the one in memory

    async def use(self, code: str, seconds: float) -> bool:
        """Mark the code, in one transaction."""
        now = self.clock()

        def work(base: sqlite3.Connection) -> bool:
            base.execute("DELETE FROM used WHERE until <= ?", (now,))
            row = base.execute("INSERT OR IGNORE INTO used VALUES (?, ?)", (code, now + seconds))
            return row.rowcount == 1

        return await self._write(work)

    async def used(self, codes: Sequence[str]) -> frozenset[str]:
        """Those of the codes that are marked and not forgotten."""
        marks, now = ",".join("?" * len(codes)), self.clock()

        def work(base: sqlite3.Connection) -> frozenset[str]:
            rows = base.execute(f"SELECT code FROM used WHERE until > ? AND code IN ({marks})", (now, *codes))  # noqa: S608  question marks only
            return frozenset(str(code) for (code,) in rows)

        return await self._run(work)

    async def reserve(self, entries: Sequence[Reservation], now: datetime) -> list[Reservation]:
        """Write the reservations and read those of others, in one transaction."""
        rows = [(self.scope, one.path, one.owner, one.since.timestamp(), one.until.timestamp()) for one in entries]

        def work(base: sqlite3.Connection) -> list[Reservation]:
            base.execute("DELETE FROM reservations WHERE until <= ?", (now.timestamp(),))
            for owner in {one.owner for one in entries}:
                base.execute("DELETE FROM reservations WHERE scope = ? AND owner = ?", (self.scope, owner))
            others = self._all(base, now)
            insert = "INSERT INTO reservations (scope, path, owner, since, until) VALUES (?, ?, ?, ?, ?)"
            base.executemany(insert, rows)
            return others

        return await self._write(work)

    async def reserved(self, now: datetime) -> list[Reservation]:
        """All that have not ended."""
        return await self._run(lambda base: self._all(base, now))

    def _all(self, base: sqlite3.Connection, now: datetime) -> list[Reservation]:
        query = "SELECT path, owner, since, until FROM reservations WHERE scope = ? AND until > ? ORDER BY number"
        return [
            Reservation(path, owner, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
            for path, owner, since, until in base.execute(query, (self.scope, now.timestamp()))
        ]

    async def release(self, owner: str, paths: Iterable[str] | None = None) -> None:
        """Drop those of an owner."""
        chosen = None if paths is None else list(paths)

        def work(base: sqlite3.Connection) -> None:
            if chosen is None:
                base.execute("DELETE FROM reservations WHERE scope = ? AND owner = ?", (self.scope, owner))
            else:
                query = "DELETE FROM reservations WHERE scope = ? AND owner = ? AND path = ?"
                base.executemany(query, [(self.scope, owner, path) for path in chosen])

        await self._write(work)

    async def put(self, name: str, value: str, seconds: float) -> None:
        """Keep a text, and forget those whose time is over."""
        now = self.clock()

        def work(base: sqlite3.Connection) -> None:
            base.execute("DELETE FROM texts WHERE until <= ?", (now,))
            base.execute("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", (name, value, now + seconds))

        await self._write(work)

    async def get(self, name: str) -> str | None:
        """The text under a name."""
        query, now = "SELECT value FROM texts WHERE name = ? AND until > ?", self.clock()
        row = await self._run(lambda base: base.execute(query, (name, now)).fetchone())
        return str(row[0]) if row else None

    async def close(self) -> None:
        """Nothing is open."""

    async def _write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        def transaction(base: sqlite3.Connection) -> _T:
            base.execute("BEGIN IMMEDIATE")
            with base:  # which commits, or takes all of it back
                return work(base)

        return await self._run(transaction)

    async def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do it in a thread, since another process may hold the file, or the disk be slow."""

        def within() -> _T:
            with self._open() as base:
                return work(base)

        try:
            return await anyio.to_thread.run_sync(within)
        except (OSError, sqlite3.Error) as error:
            raise PolicyRefusal(
                f"Nothing was sent: whether this code was used cannot be looked up in {self.path} ({error}).",
                hint="Reads work. If the file was removed, restart this server (GREENLAKE_MCP_STATE_DIR).",
            ) from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if self.memory is not None:
            with self.turn:
                yield self.memory
            return
        base = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw", timeout=SECONDS, isolation_level=None, uri=True
        )
        with closing(base):
            row = base.execute("SELECT value FROM key").fetchone()
            if row is None or row[0] != self.key:
                raise sqlite3.DatabaseError("it is not the file it was at the start")
            yield base
