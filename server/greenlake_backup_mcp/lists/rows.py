"""Items as rows of a table: cells for people, what repeats said once, whole rows within a bound.

Knows how values are said, not where they come from: no HTTP, no tools.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from greenlake_backup_mcp import hygiene, units

from . import columns, items
from .columns import Column, Resource
from .items import Item

TIMES = ("time", "until", "lock")
BYTES = re.compile(r"(?:InBytes|Bytes|capacityFree|capacityUncommitted)$")
MIB = re.compile(r"In(?:Mib|MiB|Mb)$")
MOST_REPEATED = 30  # bytes a value may cost in a column before it is said once


def table(
    shown: Sequence[Column], rows: Sequence[Item], now: datetime, *, reveal: bool = False, asked: bool = False
) -> list[str]:
    """Rows as a table: what is the same in all rows or most is said once; columns without values are left out.

    `asked`: the columns were asked for, so those without any value are named.
    """
    if not rows:
        return []
    cells = [[cell(column, item, now, reveal=reveal) for column in shown] for item in rows]
    kept = [n for n, column in enumerate(shown) if any(row[n] for row in cells)]
    plain = [n for n in kept if n and shown[n].name != "name"]
    same = [n for n in plain if len(rows) > 2 and len({row[n] for row in cells}) == 1]
    kept = [n for n in kept if n not in same]
    empty = [column.name for n, column in enumerate(shown) if not any(row[n] for row in cells)] if asked else []
    usual = {n: value for n in plain if n in kept and (value := _usual([row[n] for row in cells])) is not None}
    for row in cells:
        for n, value in usual.items():
            row[n] = "" if row[n] == value else row[n] or "-"
    out = [f"Same in all rows: {', '.join(f'{shown[n].name} {cells[0][n]}' for n in same)}"] if same else []
    if empty:
        out.append(f"Without a value in all rows: {', '.join(empty)}")
    if usual:
        out.append(f"In empty cells: {', '.join(f'{shown[n].name} {value}' for n, value in usual.items())}")
    timed = any(shown[n].show in TIMES for n in kept + same)
    out.append("|".join(shown[n].name for n in kept) + ("  (times UTC, ± from now)" if timed else ""))
    return out + ["|".join(row[n] for n in kept) for row in cells]


def _usual(cells: Sequence[str]) -> str | None:
    """The value of most rows, where saying it once saves enough to be worth a reader's while."""
    value, count = Counter(cells).most_common(1)[0]
    return value if count * 2 > len(cells) and count * len(value) > MOST_REPEATED else None


def cell(column: Column, item: Item, now: datetime, *, reveal: bool = False) -> str:
    """The value of a column as a cell of a table; '' without one."""
    value = column.of(item)
    if value is None:
        return ""
    if not reveal and any(hygiene.secret(path.rsplit("/", 1)[-1]) for path in column.paths):
        return hygiene.HIDDEN
    if column.show in TIMES and (when := units.moment(value)) is not None:
        if column.show == "lock" and when <= now:
            return ""  # no longer locked
        clock = "%Y-%m-%d %H:%M" if column.show == "time" else "%Y-%m-%d"
        return f"{when.strftime(clock)} {units.near(when, now)}"
    return hygiene.cell(said(column, value), column.most)


def said(column: Column, value: Any) -> str:
    """The value for people, before it is made a cell."""
    number = units.number(value) if column.show in ("size", "percent", "count") else None
    if number is not None:
        return (
            units.size(number) if column.show == "size" else f"{number:,.0f}{'%' if column.show == 'percent' else ''}"
        )
    if isinstance(value, list):
        return "; ".join(items.text(one) for one in value)
    return compact(value) if isinstance(value, Mapping) else items.text(value)


def compact(value: Any) -> str:
    """The value as JSON in as few letters as it takes; secrets are hidden."""
    return json.dumps(hygiene.redacted(value), ensure_ascii=False, separators=(",", ":"), default=str)


def chosen(path: str, kind: str, resource: Resource) -> Column:
    """The column for an attribute that `select` asks for: one of ours by name, or read as it is."""
    if kind in ("", "any") and (ours := next((c for c in resource.every if c.name == path), None)) is not None:
        return ours
    if MIB.search(path) or BYTES.search(path):
        return columns.size(path)
    if kind == "time":
        return columns.time(path)
    read = items.every if kind != "any" else (lambda item, paths: items.first_raw(item, paths[0]))
    return Column(path, (path,), read=read, most=120)


def fitting(rows: Iterable[str], room: int) -> list[str]:
    """As many whole rows as fit into so many bytes."""
    kept: list[str] = []
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0:
            break
        kept.append(row)
    return kept
