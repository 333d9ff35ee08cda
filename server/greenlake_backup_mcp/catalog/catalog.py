"""The backup catalog of one server: opened by the first question, filled in the background, told with its coverage.

`Catalog` is what tools and rules use. Knows when to read and whom to let wait; how is in fill.py, what in schema.py.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.upstream.client import ApiClient
from greenlake_backup_mcp.upstream.progress import Report

from . import read_coverage
from . import store as stores
from .fill import Filler
from .read_coverage import Coverage
from .reading import Pace, Reader

T = TypeVar("T")
Work = Callable[[sqlite3.Connection, Coverage], T]
FRESH_SECONDS = 120  # a question asked so soon after a refresh needs no other
REFRESH_SECONDS = 600  # between two refreshes while nobody asks
IDLE_SECONDS = 30  # until the background looks again whether anything is due
WORKERS = 3  # lists of copies read at once
TELL_SECONDS = 0.5  # between two messages of how far reading is
PATIENCE: ContextVar[float | None] = ContextVar("patience", default=None)
"""Seconds that whoever calls waits for an answer, whatever a question would like; None: the setting `wait`."""


@dataclass
class Catalog:
    """The catalog of a server. `group`: where its background runs; None: only what a question waits for is read."""

    settings: Settings
    api: ApiClient
    operations: Mapping[str, Operation]
    group: TaskGroup | None = None
    store: stores.Store | None = None
    filler: Filler | None = None
    problem: str = ""  # why nothing can be written: told with each answer
    others: bool = False  # another process fills the file
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _progress: anyio.Event = field(default_factory=anyio.Event)  # set whenever something more was read
    _running: bool = False
    _refreshed: float | None = None
    _caught_up: bool = False  # all copies were read that were due at the last refresh
    _woken: float = 0.0
    _lists: tuple[float, float | None, str] | None = None  # how far a refresh under way is

    # --- asked -----------------------------------------------------------------------------------------------------

    async def ask(self, work: Work[T], *, progress: Report | None = None) -> T:
        """What `work` finds over a read-only connection with all views, and the coverage that its answer has to name.

        Waits up to the setting `wait` until the lists are fresh, the recovery points of all assets were read, and read
        again where a tier ran since; then works with what there is, and the reading goes on.
        `work` runs in a thread. SettingsError where the catalog is off.
        """
        await self.ready(progress)
        return await self.read(work)

    async def ready(self, progress: Report | None = None, *, whole: bool = True) -> None:
        """Begin to fill, and wait as `ask` does; for the lists alone unless `whole`."""
        await self.start()
        with anyio.move_on_after(min(s for s in (PATIENCE.get(), self.settings.wait) if s is not None)):
            await self._until_ready(progress, whole=whole)

    async def coverage(self) -> Coverage:
        """What is covered now, without waiting."""
        return await self._read(lambda _, covered: covered, None)

    async def read(self, work: Work[T]) -> T:
        """The same as `ask` from what there is, without waiting. BackupError where the file cannot be read."""
        return await self._read(work, int(self.api.now().timestamp()))

    async def _read(self, work: Work[T], now: int | None) -> T:
        store = await self._open()

        def within() -> T:
            try:
                with contextlib.closing(store.reader(now)) as connection:
                    return work(connection, self._coverage(connection))
            except sqlite3.Error as error:
                call_log.LOGGER.warning("The backup catalog cannot be read: %s", error)
                store.broken = stores.is_damage(error)
                raise BackupError(
                    f"The catalog cannot be read ({error}).",
                    hint="Ask again: it is built anew then." if store.broken else "Ask again.",
                ) from error

        return await anyio.to_thread.run_sync(within, abandon_on_cancel=True)

    def _coverage(self, connection: sqlite3.Connection) -> Coverage:
        clock = self.api.transport.clock.note
        notes = tuple(filter(None, (self.store.note if self.store else "", self.problem, clock)))
        if self.others:
            notes += ("Another process of this server fills this catalog.",)
        return read_coverage.coverage(
            connection, self.api.now(), filling=self._running and not self.problem, notes=notes
        )

    async def _until_ready(self, progress: Report | None, *, whole: bool) -> None:
        assert self.filler is not None  # noqa: S101  opened before
        pace = self.filler.reader.pace
        pace.hurry += 1
        waited = read = False  # what is read again moves no further on
        try:
            while True:
                event = self._progress
                covered = await self.coverage()
                fresh = self._refreshed is not None or self.others
                ready = fresh and not (whole and covered.waiting)
                if progress is not None and (waited or not ready) and not read:
                    await progress(*self._position(covered))
                    read = ready
                behind = whole and not self._caught_up and not self.others
                if (ready and not behind) or self.problem or self.group is None:  # nothing more comes of waiting
                    return
                waited = True
                await event.wait()
        finally:
            pace.hurry -= 1

    def _position(self, covered: Coverage) -> tuple[float, float | None, str]:
        """How far reading is: the lists are its first tenth, then the recovery points of each asset."""
        if self._refreshed is None and self._lists is not None:
            read, lists, words = self._lists
            return read, 10 * lists if lists else None, words
        total = sum(kind.total for kind in covered.kinds)
        read = total - covered.unread
        return total / 9 + read, total / 0.9 or None, f"recovery points of {read:,} of {total:,} assets read"

    # --- filled ----------------------------------------------------------------------------------------------------

    async def _open(self) -> stores.Store:
        async with self._lock:
            note, store = "", self.store
            if store is not None and await anyio.to_thread.run_sync(lambda: store.lost):
                note = "" if store.broken else "The catalog's file was removed meanwhile, and is begun anew."
                await self._close()
            if self.store is None:
                self.store = await anyio.to_thread.run_sync(stores.open_store, self.settings)
                self.store.note = " ".join(filter(None, (note, self.store.note)))
                pace = Pace(None if self.api.simulated else self.settings.rate, self.api.sleep)
                self.filler = Filler(
                    self.store,
                    Reader(self.api, self.operations, pace),
                    lambda: int(self.api.now().timestamp()),
                    self.settings.catalog_keep,
                )
            return self.store

    async def _close(self) -> None:
        """Leave a file that is lost or broken; what is being written to it fails."""
        assert self.filler is not None  # noqa: S101
        await anyio.to_thread.run_sync(self.close, limiter=self.filler.threads)
        self.store, self._refreshed, self._lists = None, None, None

    async def start(self) -> None:
        """Begin to fill in the background, or let it know that fresh lists are wanted."""
        await self._open()
        if not self._running and self.group is not None:
            self._running, self.problem = True, ""
            self.group.start_soon(self._fill)
        elif self.problem:
            self.problem = ""
            self._wake()
        elif self._refreshed is not None and self.api.now().timestamp() - self._refreshed > FRESH_SECONDS:
            self._refreshed = None
            self._wake()

    def _wake(self) -> None:
        event, self._progress, self._woken = self._progress, anyio.Event(), time.monotonic()
        event.set()

    async def _fill(self) -> None:
        """Go on for as long as the server lives. What cannot be written is told, and tried again later."""
        try:
            while True:
                store = await self._open()
                try:
                    await self._round()
                except Exception as fault:  # the server goes on, and each answer says that this does not
                    cause = _cause(fault)
                    if not isinstance(cause, (sqlite3.Error, OSError)):
                        call_log.LOGGER.exception("The backup catalog is not filled any more")
                        name = type(cause).__name__
                        self.problem = f"The catalog is not filled any more: a mistake of this server ({name})."
                        return
                    store.broken = store.broken or stores.is_damage(cause)
                    if not store.broken and store is self.store:
                        call_log.LOGGER.warning("The backup catalog cannot be written: %s", cause)
                        self.problem = f"The catalog cannot be written ({cause}): it stays as it is."
                        self._wake()
                        await self._idle(REFRESH_SECONDS)
        finally:
            self._running = False
            self._wake()

    async def _round(self) -> None:
        assert self.filler is not None  # noqa: S101
        self.others = not await self.filler.acquire()
        if self.others:
            self._wake()
            await self._idle(IDLE_SECONDS)
            return
        now = self.api.now().timestamp()
        if self._refreshed is None or now - self._refreshed > REFRESH_SECONDS:
            await self.filler.refresh(self._note_lists)
            self._caught_up = False
            self._refreshed = self.api.now().timestamp()
            self._wake()
        due = await self.filler.due_copies()
        if not due:
            if not self._caught_up:
                self._caught_up = True
                self._wake()
            await self._idle(IDLE_SECONDS)
            return
        limiter = anyio.CapacityLimiter(WORKERS)
        async with anyio.create_task_group() as group:
            for one in due:
                group.start_soon(self._read_one, limiter, *one)
        self._wake()

    async def _note_lists(self, read: float, total: float | None, words: str) -> None:
        self._lists = (read, total, words)
        self._wake()

    async def _read_one(self, limiter: anyio.CapacityLimiter, asset: int, kind: str, ident: str, list_: int) -> None:
        assert self.filler is not None  # noqa: S101
        async with limiter:
            if self._refreshed is None:  # a question wants fresh lists first
                return
            await self.filler.read_copies(asset, kind, ident, list_)
            if time.monotonic() - self._woken > TELL_SECONDS:
                self._wake()

    async def _idle(self, seconds: float) -> None:
        """Wait, or until a question wants something fresh."""
        event = self._progress
        with anyio.move_on_after(seconds):
            await event.wait()

    async def sync(self, progress: Report | None = None) -> Coverage:
        """Read everything that is due, to the end: for `catalog sync`.

        BackupError where another process fills, or where nothing can be written.
        """
        await self._open()
        assert self.filler is not None  # noqa: S101
        self.filler.reader.pace.hurry += 1  # whoever runs this waits for it
        done = 0
        try:
            if not await self.filler.acquire():
                raise BackupError(
                    "Another process fills this catalog at the moment.", hint="Ask again when it is done, or let it."
                )
            await self.filler.refresh(progress, everything=True)
            while due := await self.filler.due_copies():
                for one in due:
                    await self.filler.read_copies(*one)
                    done += 1
                    if progress is not None:
                        await progress(done, None, f"{done} lists of recovery points read")
            await self.filler.refresh(progress)
        except (sqlite3.Error, OSError) as error:
            raise BackupError(
                f"The catalog cannot be written ({error}): it stays as it is.",
                hint="Make room, or name another place with --catalog; what was read so far is kept.",
            ) from error
        return await self.coverage()

    # --- told ------------------------------------------------------------------------------------------------------

    async def note_write(self, tool: str, method: str, path: str, outcome: str) -> None:
        """Remember a write of this server, so that what it did is no surprise; its asset is read again soon."""
        where = stores.location(self.settings)
        if where == "off" or (self.store is None and (where == "memory" or not where.exists())):
            return
        await self._open()
        moment = self.api.now().timestamp()
        assert self.filler is not None  # noqa: S101
        await self.filler.note_write(moment, tool, method, path, outcome)
        self._wake()

    def close(self) -> None:
        """Close the file."""
        if self.store is not None:
            self.store.close()


def _cause(fault: BaseException) -> BaseException:
    """What went wrong with lists that are read side by side."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault


@asynccontextmanager
async def opened(catalog: Catalog) -> AsyncIterator[Catalog]:
    """The catalog with a background of its own, for commands and tests; it ends with the block."""
    async with anyio.create_task_group() as group:
        catalog.group = group
        try:
            yield catalog
        finally:
            group.cancel_scope.cancel()
            catalog.group = None
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(catalog.close)
