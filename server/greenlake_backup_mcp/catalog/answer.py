"""Answers from the catalog as text or JSON within the budget: rows as lists have them, then coverage and age.

Knows how things are said; nothing of SQL or of the service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from greenlake_backup_mcp.lists.render import rows as tables
from greenlake_backup_mcp.lists.views.column_types import Column
from greenlake_backup_mcp.text import sanitize, units

from .read_coverage import Coverage

UNKNOWN = "Assets that were not read are in no number here: what is not covered is not known, not none."


def table(names: Sequence[str], rows: Sequence[Mapping[str, Any]], now: datetime, room: int) -> tuple[list[str], int]:
    """The rows as a table of at most `room` bytes, and how many of them are in it."""
    columns = [Column(name, (name,), read=lambda item, paths: item.get(paths[0]), most=80) for name in names]
    lines = tables.table(columns, rows, now)
    before, body = lines[: len(lines) - len(rows)], lines[len(lines) - len(rows) :]
    fitting = tables.fit_rows(body, room - sum(len(line.encode()) + 1 for line in before))
    return [*before, *fitting], len(fitting)


def coverage_lines(covered: Coverage) -> list[str]:
    """What an answer rests on, at its end."""
    lines = [covered.line()]
    if covered.unread or covered.unread_lists:
        lines.append(UNKNOWN)
    return [sanitize.cell(line, 900) for line in (*lines, *covered.notes)]


def fit_json(value: dict[str, Any], name: str, room: int) -> dict[str, Any]:
    """The value with as many rows under `name` as there is room for; the others are counted."""
    items = value[name]
    left = room - len(json.dumps({**value, name: []}, ensure_ascii=False, default=str).encode()) - 200
    fitting = tables.fit_rows((json.dumps(row, ensure_ascii=False, default=str) for row in items), left)
    out = {**value, name: items[: len(fitting)]}
    if len(fitting) < len(items):
        out["leftOut"] = f"{len(items) - len(fitting)} {name}: the answer's budget is full."
    return out


def moment(seconds: int | None) -> str | None:
    """Seconds since 1970 as the API writes a moment."""
    return None if seconds is None else units.instant(datetime.fromtimestamp(seconds, UTC))
