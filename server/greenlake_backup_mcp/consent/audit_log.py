"""The record: a line of JSON for each preview, refusal, question, consent, and for each request and its outcome.

A line is on the disk before what it announces happens, whole or not at all. Each carries the digest of the one before
it, over rotation too, so that `audit verify` sees what was changed. Secrets and codes never get in.
Knows nothing of HTTP or MCP.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from greenlake_backup_mcp.errors import BackupError, PolicyRefusal, SettingsError
from greenlake_backup_mcp.observability import call_log as lines
from greenlake_backup_mcp.text import masking, sanitize

Event = Literal["preview", "refusal", "question", "consent", "request", "outcome"]
UNKNOWN = "unknown until a line with event outcome and the same call follows"
LONGEST = 2000  # characters of one text in a line
LOCK_SECONDS = 3.0  # for another process to finish its line
DIGEST = 32  # hex digits of a line's digest
BINARY = getattr(os, "O_BINARY", 0)  # Windows: a newline is one byte
TAIL = 65_536  # bytes first read to find the last line


@dataclass
class AuditLog:
    """An open record; `path` None: none is kept."""

    path: Path | None = None
    key: bytes | None = None  # of the chain of digests; None: anybody can make them
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    last: str = ""  # the digest of the last line of this process; `_remembered` knows those of others


def open_log(path: Path | None, now: Callable[[], datetime] | None = None, key: bytes | None = None) -> AuditLog:
    """The record in a file, appended to; its owner's alone. Raises SettingsError where it cannot be written."""
    log = AuditLog(path, key, now or (lambda: datetime.now(UTC)))
    if path is None:
        return log
    try:
        with _locked(path):
            pass
    except OSError as error:
        raise _unwritable_error(path, error, SettingsError) from None
    return log


def record(  # noqa: PLR0913  a line has its fields
    log: AuditLog,
    event: Event,
    *,
    call: str,
    tool: str,
    principal: str,
    target: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    reason: str = "",
    outcome: str = "",
    text: str = "",
    **details: Any,
) -> None:
    """Append a line and force it to the disk. `text` is what was given out for the person: its digest is recorded.

    Raises PolicyRefusal where that fails, and then no part of the line is in the file: a call that changes something
    and cannot be recorded is not made. A file that was removed or rotated away is made anew first.
    """
    lines.notify_watchers("gated", {"tool": tool, "event": event, "outcome": outcome})
    if log.path is None:
        return
    line = {
        "at": log.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event": event,
        "call": call,
        "tool": tool,
        "principal": principal,
        "target": target,
        "arguments": {n: v for n, v in (arguments or {}).items() if n != "confirm"} or None,
        "reason": reason or None,
        "outcome": UNKNOWN if event == "request" else outcome or None,
        "text": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else None,
        **details,
    }
    safe = _shorten(masking.redact({name: value for name, value in line.items() if value is not None}))
    try:
        with _locked(log.path) as descriptor:
            last, torn = _last_line(descriptor)
            before = digest(last, log.key) if last else _remembered(log.path) or log.last
            content = json.dumps({**safe, "before": before}, ensure_ascii=False, separators=(",", ":"), default=str)
            whole = content.encode("utf-8", "replace") + b"\n"
            _append(descriptor, b"\n" + whole if torn else whole)
            log.last = digest(whole, log.key)
            _remember(log.path, log.last)
    except OSError as error:
        raise _unwritable_error(log.path, error, PolicyRefusal) from None


def digest(line: bytes, key: bytes | None) -> str:
    """The digest of a line, its newline not counted; keyed where there is a key."""
    content = line.rstrip(b"\n")
    mac = hmac.new(key, content, hashlib.sha256) if key else hashlib.sha256(content)
    return mac.hexdigest()[:DIGEST]


def _last_line(descriptor: int) -> tuple[bytes, bool]:
    """The last line of a file, b"" where it has none; whether a crash tore it, which must not take the next along."""
    size, length = os.fstat(descriptor).st_size, TAIL
    while True:
        start = max(0, size - length)
        os.lseek(descriptor, start, os.SEEK_SET)  # what is appended goes to the end all the same
        tail = os.read(descriptor, size - start)
        line = tail.rstrip(b"\n")
        if b"\n" in line or start == 0:
            return line.rpartition(b"\n")[2], not tail.endswith(b"\n") and size > 0
        length *= 8


def _beside(path: Path) -> Path:
    """The file with the digest of the last line; hidden, so that what rotates `*` leaves it alone."""
    return path.with_name(f".{path.name}.last")


def _remembered(path: Path) -> str:
    """The digest of the last line that any process wrote, for a file that was emptied or taken away in a rotation."""
    try:
        return _beside(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _remember(path: Path, last: str) -> None:
    """Write a digest where all processes find it. Where that fails, a rotation may break the chain, and is told."""
    with suppress(OSError):
        descriptor = os.open(_beside(path), os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.write(descriptor, last.encode())
        finally:
            os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The open file at a path, no other process writing to it; opened anew where the path names another by then."""
    for _ in range(5):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | BINARY, 0o600)
        try:
            _lock(descriptor)
            if _is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)  # which lets go of the lock
    raise OSError("it is moved away again and again")


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _append(descriptor: int, content: bytes) -> None:
    """Write all of it, or nothing: what was written of a line that cannot be finished is cut off again."""
    start = os.fstat(descriptor).st_size
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, start)
        raise


def _lock(descriptor: int) -> None:
    """Wait until no other process writes to the file; on Windows there is but one."""
    if os.name != "posix":  # pragma: no cover  opening for append is atomic enough there
        return
    import fcntl  # noqa: PLC0415

    end = time.monotonic() + LOCK_SECONDS
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > end:
            raise OSError("another process holds it")
        time.sleep(0.005)


def _shorten(value: Any) -> Any:
    if isinstance(value, str):
        text = sanitize.clean(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
    if isinstance(value, Mapping):
        return {str(name): _shorten(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shorten(item) for item in value]
    return value


def _unwritable_error(path: Path | None, error: OSError, cls: type[BackupError]) -> BackupError:
    return cls(
        f"The audit log {path} cannot be written: {error.strerror or error}.",
        hint="Calls that change something are not made without a record. Give another file, or none.",
    )
