"""The record of gated calls: a line of JSON each for preview, refusal, question, consent, request and outcome.

A line is on the disk before what it announces happens. Secrets and codes never get in.
Knows nothing of HTTP or MCP.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
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


@dataclass(frozen=True)
class AuditLog:
    """An open record; `descriptor` None: none is kept."""

    descriptor: int | None
    path: Path | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def open_log(path: Path | None, now: Callable[[], datetime] | None = None) -> AuditLog:
    """The record in a file, appended to; readable by its owner only. Raises BackupError where it cannot be written."""
    if path is None:
        return AuditLog(None)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")  # a line torn by a crash must not take the next one along
    except OSError as error:
        raise _unwritable_error(path, error, SettingsError) from None
    return AuditLog(descriptor, path, now) if now else AuditLog(descriptor, path)


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
    **details: Any,
) -> None:
    """Append a line and force it to the disk. Raises BackupError: a gated call that cannot be recorded is not made."""
    lines.notify_watchers("gated", {"tool": tool, "event": event, "outcome": outcome})
    if log.descriptor is None:
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
        **details,
    }
    shown = _shorten(masking.redact({name: value for name, value in line.items() if value is not None}))
    content = (json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=str) + "\n").encode(
        "utf-8", "replace"
    )
    try:
        os.write(log.descriptor, content)
        os.fsync(log.descriptor)
    except OSError as error:
        raise _unwritable_error(log.path, error, PolicyRefusal) from None


def unsettled(path: Path) -> list[dict[str, Any]]:
    """The request lines of a record that no outcome follows: what became of them is not known."""
    waiting: dict[str, dict[str, Any]] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the last line, torn by a crash: its request was not sent, since lines come first
        key = f"{line.get('call')}/{line.get('item', '')}"
        if line.get("event") == "request":
            waiting[key] = line
        elif line.get("event") == "outcome":
            waiting.pop(key, None)
    return list(waiting.values())


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
        hint="Calls that need a confirmation are not made without a record. Give another file, or none.",
    )
