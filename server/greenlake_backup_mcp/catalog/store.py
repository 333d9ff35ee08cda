"""The catalog's file: found, checked, made or made anew; its connections; and the lease by which one process fills it.

A file that is not a catalog of this tenant and client is never touched: the catalog is in memory then, and `note` says
why. Knows SQLite and the file system; nothing of the service.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from greenlake_backup_mcp import state
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.settings import Settings

from . import schema, views

APPLICATION = 0x47424354  # of the file's header: "GBCT"
MAGIC = b"SQLite format 3\x00"
LEASE_SECONDS = 60.0
BUSY_SECONDS = 15.0
RENEW_SECONDS = 15.0  # after which a lease is renewed by the next write
REMOTE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "beegfs", "gpfs"),
        *("ocfs2", "gfs2", "virtiofs", "vboxsf", "prl_fs", "fuse"),  # shared by machines, or without shared memory
    )
)
MOUNTS = Path("/proc/self/mounts")
_SERIAL = count(1)


class Unusable(Exception):
    """Why a file cannot be the catalog; it is left as it is."""


@dataclass
class Store:
    """An open catalog. `path`: its file, None in memory; `note`: what a person must be told of it, '' for nothing."""

    uri: str
    path: Path | None
    note: str
    writer: sqlite3.Connection
    identity: tuple[int, int] | None = None  # device and inode of the file
    holder: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")
    temporary: tempfile.TemporaryDirectory[str] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    broken: bool = False  # what is in the file turned out not to be sound
    leased: float | None = None  # when the lease was last taken or renewed; None: not held

    @property
    def lost(self) -> bool:
        """Whether its file broke, was removed, or had another put in its place while it was open."""
        if self.path is None or self.broken:
            return self.broken
        try:
            now = self.path.stat()
        except OSError:
            return True
        return self.identity is not None and self.identity != (now.st_dev, now.st_ino)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the writer's connection: whole, or not at all. A lease that is held is renewed by it."""
        with self.lock:
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                if self.leased is not None and not self.leased <= time.time() < self.leased + RENEW_SECONDS:
                    self._lease()
                yield self.writer
                self.writer.execute("COMMIT")  # where the disk is full, here at the latest
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self.writer.execute("ROLLBACK")
                raise

    def reader(self, now: int | None = None) -> sqlite3.Connection:
        """A connection that can only read, with the views as of a moment (seconds since 1970; None: without views)."""
        mode = "&mode=ro" if "?" in self.uri else "?mode=ro"
        connection = sqlite3.connect(
            self.uri + mode, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        with _closed_unless_usable(connection):
            if now is not None:
                connection.executescript(views.script(now))
            connection.execute("PRAGMA query_only = 1")
        return connection

    def acquire(self) -> bool:
        """Take or renew the lease; False: another process fills this file."""
        with self.write():
            return self._lease()

    def _lease(self) -> bool:
        """Within a transaction. A lease that holds longer than leases do is from a clock that was put back since."""
        now = time.time()
        row = self.writer.execute("SELECT holder, until FROM lease").fetchone()
        if row and row[0] != self.holder and now < row[1] <= now + LEASE_SECONDS:
            self.leased = None
            return False
        self.writer.execute(
            "INSERT INTO lease VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, "
            "until = excluded.until", (self.holder, now + LEASE_SECONDS),
        )  # fmt: skip
        self.leased = now
        return True

    def release(self) -> None:
        """Give the lease back."""
        self.leased = None
        with self.write() as connection:
            connection.execute("DELETE FROM lease WHERE holder = ?", (self.holder,))

    def close(self) -> None:
        """Give the lease back and close."""
        with contextlib.suppress(sqlite3.Error):
            self.release()
        with self.lock:  # closing a connection that another thread works with ends the process
            self.writer.close()
        if self.temporary is not None:
            self.temporary.cleanup()


def location(settings: Settings) -> Path | Literal["memory", "off"]:
    """Where the catalog of these settings is: a file, or in memory (a demo, unless it names a file), or nowhere."""
    choice = (settings.catalog or "").strip()
    if choice.lower() in ("memory", "off"):
        return "off" if choice.lower() == "off" else "memory"
    if choice:
        path = Path(os.path.expanduser(choice)).absolute()  # the home of a user that is none stays as it is
        return path / f"catalog-{state.tenant_key(settings)}.sqlite" if path.is_dir() else path
    if settings.demo:
        return "memory"
    return state.state_directory(settings) / f"catalog-{state.tenant_key(settings)}.sqlite"


def open_store(settings: Settings) -> Store:
    """The catalog of these settings. SettingsError where it is switched off."""
    where = location(settings)
    if where == "off":
        raise SettingsError(
            "The backup catalog is switched off (GREENLAKE_MCP_CATALOG=off), and this tool answers from it.",
            hint="Only a person can change that, in the server's settings; the list tools answer without it.",
        )
    if where == "memory":
        return _in_memory("")
    try:
        tenant = state.tenant_key(settings)
        return _in_file(where, tenant, own_name=where.name == f"catalog-{tenant}.sqlite")
    except (Unusable, OSError, sqlite3.Error) as problem:
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        return _in_memory(f"The catalog is kept in memory and is gone when this server ends: {where}: {why}.")


def forget(settings: Settings) -> str:
    """Remove the file of these settings; what was done, in a sentence. SettingsError where it is not theirs to go."""
    where = location(settings)
    if isinstance(where, str) or not where.exists():
        return "There is no catalog to forget." if where != "memory" else "The catalog is in memory: nothing is kept."
    try:
        check(where)
    except (Unusable, OSError) as problem:
        raise SettingsError(f"{where} was not removed: {problem}.") from None
    except sqlite3.Error:
        pass  # broken, and to be forgotten
    else:
        with contextlib.closing(_connect(_uri(where))) as connection:
            row = connection.execute("SELECT until FROM lease").fetchone()
        if row and time.time() < row[0] <= time.time() + LEASE_SECONDS:
            raise SettingsError(f"{where} was not removed: a server is filling it.", hint="Stop that server first.")
    _discard(where)
    return f"Forgotten: {where} is removed."


def check(path: Path) -> None:
    """Raise Unusable where a file is no catalog of this server, sqlite3.Error where it is a broken one."""
    with path.open("rb") as file:
        head = file.read(100)
    if head[68:72] != APPLICATION.to_bytes(4, "big"):
        raise Unusable("it is no catalog of this server, and stays as it is")
    with contextlib.closing(_connect(_uri(path))) as connection:
        connection.execute("SELECT count(*) FROM readings").fetchone()


def _in_memory(note: str) -> Store:
    if sqlite3.sqlite_version_info >= (3, 36):
        uri = f"file:/catalog-{os.getpid()}-{next(_SERIAL)}?vfs=memdb"
        return _made(Store(uri, None, note, _connect(uri)), "memory")
    held = tempfile.TemporaryDirectory(prefix="backup-catalog-", ignore_cleanup_errors=True)
    uri = _uri(Path(held.name) / "catalog.sqlite")
    return _made(Store(uri, None, note, _connect(uri), temporary=held), "memory")


def _in_file(path: Path, tenant: str, *, own_name: bool) -> Store:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink():
        path = Path(os.path.realpath(path, strict=True))  # the link itself stays one
    note = ""
    if path.exists():
        if os.name == "posix" and path.stat().st_uid != os.geteuid():
            raise Unusable("the file belongs to somebody else")
        if not path.is_file():
            raise Unusable("it is no file")
        if path.stat().st_size:
            note = _check(path, own_name=own_name)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    path.chmod(0o600)
    connection = _connect(_uri(path))
    try:
        # first made, then with a log of writes: what tells a catalog from other databases has to be in the file itself
        status = path.stat()
        store = _made(Store(_uri(path), path, note, connection, (status.st_dev, status.st_ino)), tenant)
        connection.execute(f"PRAGMA journal_mode = {'TRUNCATE' if is_remote(path) else 'WAL'}")
        held = connection.execute("SELECT value FROM meta WHERE name = 'tenant'").fetchone()
        if held is not None and held[0] != tenant:
            raise Unusable("it is the catalog of another region, workspace or API client, and stays as it is")
        return store
    except BaseException:
        connection.close()
        raise


def _check(path: Path, *, own_name: bool) -> str:
    """What must be said of a file that is there; one that is a broken or older catalog makes way for a new one."""
    with path.open("rb") as file:
        head = file.read(100)
    is_catalog = head[68:72] == APPLICATION.to_bytes(4, "big")
    if not head.startswith(MAGIC) or len(head) < 100 or not is_catalog:
        if not own_name:
            what = "a database of something else" if head.startswith(MAGIC) else "no catalog of this server"
            raise Unusable(f"it is {what}, and stays as it is")
        path.replace(path.with_suffix(".broken"))
        return f"The catalog's file was broken and is built anew; it was kept as {path.with_suffix('.broken').name}."
    if int.from_bytes(head[60:64], "big") != schema.VERSION:
        _discard(path)
        return "The catalog's file was of another version of this server and is built anew."
    try:
        with contextlib.closing(_connect(_uri(path))) as connection:
            sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok" and bool(
                connection.execute("SELECT count(*) FROM readings").fetchone()
            )
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        sound = False
    if sound:
        return ""
    _discard(path)
    return "The catalog's file was broken and is built anew; what it remembered of the past is lost."


def is_damage(error: BaseException) -> bool:
    """Whether a file itself is broken, not just locked, full or away: those are subclasses of what SQLite raises."""
    return type(error) is sqlite3.DatabaseError


def _discard(path: Path) -> None:
    for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        each.unlink(missing_ok=True)


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    with _closed_unless_usable(connection):
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -4000")
    return connection


@contextlib.contextmanager
def _closed_unless_usable(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:  # a broken file shows itself here
        connection.close()
        raise


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()).replace(os.sep, '/'))}"


def _made(store: Store, tenant: str) -> Store:
    """The store, with its tables where it has none yet."""
    with store.write() as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
            for statement in schema.statements().split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('tenant', ?)", (tenant,))
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    return store


def is_remote(path: Path, mounts: Path = MOUNTS) -> bool:
    """Whether a file lies on a network file system, where a write-ahead log does not hold: by Linux's table of mounts.

    Elsewhere only a Windows share is known by its name; a Mac's network volumes are not told apart.
    """
    if str(path).startswith("\\\\"):
        return True
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    real, best = f"{path.resolve()}/", ("", "")
    for line in lines:
        _, place, kind, *_ = (*line.split(), "", "", "")
        place = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), place)  # a space is written \040
        if place and real.startswith(f"{place.rstrip('/')}/") and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1].split(".", 1)[0] in REMOTE
