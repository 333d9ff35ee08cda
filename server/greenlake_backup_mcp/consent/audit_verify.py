"""`audit verify`: whether and where a record was changed, and what in it is not settled.

Reads the files of a record, oldest first; knows how lines are chained (`audit_log`), and nothing of who wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import audit_log


@dataclass
class AuditReport:
    """What the files of a record prove."""

    lines: int = 0
    keyed: int = 0  # lines whose digest could only be made with a key
    problems: list[str] = field(default_factory=list)  # where it was changed, torn or cut
    beginning: str = ""  # the digest that the first line says it follows; "" where it is the first of all
    last: str = ""  # the digest of the last line
    waiting: list[dict[str, Any]] = field(default_factory=list)  # requests without an outcome


def verify(files: Sequence[Path], keys: Sequence[bytes] = ()) -> AuditReport:
    """What the files prove, read as one record, oldest first. Raises OSError where one cannot be read.

    Each line names the digest of the one before it, made with one of `keys`, or with none: then anybody who can write
    to the file can make it anew, and only accidents are seen.
    """
    report = AuditReport()
    before: bytes | None = None
    for name, number, content in _lines(files):
        report.lines += 1
        line = _parse(content)
        where = f"{name}, line {number}"
        if line is None:
            report.problems.append(f"{where} is no line of a record (torn by a crash, or damaged)")
            before = content
            continue
        claim = line.get("before")
        if not isinstance(claim, str):
            report.problems.append(f"{where} names no line before it: it was written by an earlier version, or changed")
        elif before is None:
            report.beginning = claim
        elif claim in [audit_log.digest(before, key) for key in keys]:
            report.keyed += 1
        elif claim != audit_log.digest(before, None):
            report.problems.append(
                f"{where} does not follow the line before it: that was changed, or lines between them are missing"
            )
        before = content
    report.last = audit_log.digest(before, keys[0] if keys else None) if before is not None else ""
    report.waiting = _unsettled(line for _, _, content in _lines(files) if (line := _parse(content)) is not None)
    return report


def render(report: AuditReport, *, with_keys: bool) -> Iterator[str]:
    """The report in lines for people."""
    yield f"{report.lines:,} lines, {len(report.problems):,} problems."
    if report.lines and not with_keys:
        yield "Without GREENLAKE_MCP_SECRET only accidents are seen: whoever can write the file can chain it anew."
    elif report.lines > report.keyed + 1:
        yield f"{report.lines - report.keyed - 1:,} are not chained with the key: there only accidents are seen."
    yield from report.problems
    if report.beginning:
        yield f"It goes on from a line with the digest {report.beginning}, of a file that was not given."
    if report.waiting:
        yield f"Not settled: {len(report.waiting):,} requests of which no outcome is recorded. They may be done or not:"
    for line in report.waiting:
        target = line.get("target")
        path = target.get("path", "") if isinstance(target, dict) else ""
        yield f"- {line.get('at', '')} {line.get('tool', '')} {path} (call {line.get('call', '')})"
    if report.last:
        yield f"Last digest: {report.last}. Keep it elsewhere: it shows later whether lines at the end were cut off."


def _unsettled(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    waiting: dict[str, dict[str, Any]] = {}
    for line in lines:
        key = str(line.get("call"))
        if line.get("event") == "request":
            waiting[key] = line
        elif line.get("event") == "outcome":
            waiting.pop(key, None)
    return list(waiting.values())


def _lines(files: Sequence[Path]) -> Iterator[tuple[str, int, bytes]]:
    for path in files:
        with path.open("rb") as file:
            for number, content in enumerate(file, 1):
                yield path.name, number, content.rstrip(b"\n")


def _parse(content: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(content)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
