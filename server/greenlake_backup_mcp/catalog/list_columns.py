"""What lists gain from the catalog: the newest usable recovery point beside each asset of a list.

Knows the catalog and columns; reads nothing from the service and waits for nothing.
"""

from __future__ import annotations

import sqlite3

from greenlake_backup_mcp.lists.views.column_types import Column
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.registry import Tool

from .catalog import Catalog
from .collections import COLLECTIONS, COPIES
from .read_coverage import Coverage

KINDS = {c.operation: c.asset for c in COLLECTIONS if c.asset in COPIES}
_SQL = """SELECT id, copies_state, copies, newest_usable,
 CASE newest_usable WHEN newest_usable_array THEN 'array' WHEN newest_usable_on_premises THEN 'on premises'
 ELSE 'off site' END FROM assets WHERE kind = ?"""


async def columns_for(catalog: Catalog, tool: Tool) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns for a list of assets, and how old they are; nothing for other lists, or before any reading."""
    kind = KINDS.get(tool.operation.id) if tool.operation else None
    if kind is None:
        return (), ()

    def work(connection: sqlite3.Connection, covered: Coverage) -> tuple[dict[str, str], Coverage]:
        return {row[0]: _words(*row[1:]) for row in connection.execute(_SQL, (kind,))}, covered

    newest, covered = await catalog.read(work)
    if covered.as_of is None:
        return (), ()
    column = Column("newestUsable", ("id",), read=lambda item, _: newest.get(str(item.get("id")), "not read"))
    age = units.duration(covered.now - covered.as_of)
    return (column,), (f"newestUsable: from the backup catalog, as of {units.stamp(covered.as_of)} ({age} ago).",)


def _words(state: str, copies: int | None, newest: str | None, place: str) -> str:
    if state == "unread":
        return "not read"
    if newest is None:
        return "none" if not copies else "none of its copies"
    return f"{newest[:16].replace('T', ' ')}Z {place}"
