"""Items as rows of a table: cells for people, what repeats said once, whole rows within a bound.

Knows how values are said, not where they come from: no HTTP, no tools.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.lists.views import column_types, extractors
from greenlake_backup_mcp.lists.views.column_types import Column
from greenlake_backup_mcp.lists.views.extractors import Item
from greenlake_backup_mcp.text import masking, sanitize, units

DITTO = "="
FEWEST_ROWS = 8  # with fewer, a ditto mark saves less than it costs to understand
WORTH_SAVING = 60  # bytes


def table(view_columns: Sequence[Column], items: Sequence[Item], now: datetime, *, reveal: bool = False) -> list[str]:
    """Items as a table. What all rows share is said once above it, as are the columns without any value.

    A value that nearly all rows share is written `=` and told above: an empty cell always means that there is none.
    """
    if not items:
        return []
    cells = [[cell(column, item, now, reveal=reveal) for column in view_columns] for item in items]
    filled = [n for n in range(len(view_columns)) if any(row[n] for row in cells)]
    plain = [n for n in filled if n and view_columns[n].name != "name"]
    same = [n for n in plain if len(items) > 2 and len({row[n] for row in cells}) == 1]
    columns = [n for n in filled if n not in same]
    usual = {
        n: value
        for n in plain
        if n in columns and (value := _common_values(view_columns[n].name, [row[n] for row in cells]))
    }
    if any(one == DITTO for row in cells for one in row):
        usual = {}  # it would be read as the mark
    for row in cells:
        row[:] = [DITTO if usual.get(n) == one else one for n, one in enumerate(row)]
    out = []
    if same:
        out.append(f"Same in all rows below: {_with_names((view_columns[n].name, cells[0][n]) for n in same)}")
    if empty := [column.name for n, column in enumerate(view_columns) if n not in filled]:
        out.append(f"Empty in all rows below: {', '.join(empty)}")
    if usual:
        out.append(f"{DITTO} means: {_with_names((view_columns[n].name, value) for n, value in usual.items())}")
    timed = any(view_columns[n].show in column_types.TIMES for n in (*columns, *same))
    out.append("|".join(view_columns[n].name for n in columns) + ("  (times UTC, ± from now)" if timed else ""))
    return out + ["|".join(row[n] for n in columns) for row in cells]


def _with_names(values: Iterable[tuple[str, str]]) -> str:
    """Names with their values, of which none can be taken for two."""
    return ", ".join(f"{name} {sanitize.quoted(value, 800) if ',' in value else value}" for name, value in values)


def _common_values(name: str, cells: Sequence[str]) -> str | None:
    """The value of most rows, where saying it once saves enough to be worth a reader's while and none is empty."""
    value, count = Counter(cells).most_common(1)[0]
    saved = count * (len(value) - len(DITTO)) - len(name) - len(value)
    fit = len(cells) >= FEWEST_ROWS and count * 2 > len(cells) and saved >= WORTH_SAVING and "" not in cells
    return value if fit else None


def cell(column: Column, item: Item, now: datetime, *, reveal: bool = False) -> str:
    """The value of a column as a cell of a table; '' without one."""
    value = column.value_of(item)
    if value is None:
        return ""
    if not reveal and any(masking.is_secret(path.rsplit("/", 1)[-1]) for path in column.paths):
        return masking.HIDDEN
    if column.show in column_types.TIMES and (when := units.parse_time(value)) is not None:
        if column.show == "lock" and when <= now:
            return ""  # no longer locked
        expired = "EXPIRED " if column.show == "expiry" and when <= now else ""
        return expired + units.time_cell(when, now, minutes=column.show == "time")
    return shorten(render_cell(column, value), column.most)


def shorten(text: str, most: int) -> str:
    """The text as a cell; where it is too long its middle is left out, for names differ at their end."""
    if len(text) > most + sanitize.ROOM:  # its middle is left out anyway: that much is looked at
        half = (most + sanitize.ROOM) // 2
        text = f"{text[:half]}…{text[-half:]}"
    if len(text) > most:
        text = " ".join(sanitize.clean(text).split())
    if len(text) > most:
        room = most - 1
        text = f"{text[: room - room // 2]}…{text[-(room // 2) :]}"
    return sanitize.cell(text, most)


def render_cell(column: Column, value: Any) -> str:
    """The value for people, before it is made a cell."""
    number = units.number(value) if column.show in ("size", "percent", "count") else None
    if number is not None:
        return (
            units.size(number) if column.show == "size" else f"{number:,.0f}{'%' if column.show == 'percent' else ''}"
        )
    if isinstance(value, list):
        return "; ".join(extractors.text(one) for one in value)
    return render_compact(value) if isinstance(value, Mapping) else extractors.text(value)


def render_compact(value: Any) -> str:
    """The value as JSON in as few letters as it takes; secrets are hidden."""
    return json.dumps(masking.redact(value), ensure_ascii=False, separators=(",", ":"), default=str)


def fit_rows(rows: Iterable[str], room: int) -> list[str]:
    """As many whole rows as fit into so many bytes."""
    fitting: list[str] = []
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0:
            break
        fitting.append(row)
    return fitting
