"""The systems that do the backup, as the catalog has them: gateways, StoreOnces, orchestrators, vCenters.

Rows as mappings of the catalog's tables, moments in seconds since 1970. Judges nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
KINDS = ("gateways", "storeonces", "orchestrators", "vcenters")


@dataclass(frozen=True)
class Systems:
    """By id, those that are listed; `read`: when each list of the service was last read whole."""

    gateways: Mapping[str, Row]
    storeonces: Mapping[str, Row]
    orchestrators: Mapping[str, Row]
    vcenters: Mapping[str, Row]
    read: Mapping[str, int | None]

    def of_store(self, system_id: str | None) -> Row | None:
        """The gateway or StoreOnce in front of a store."""
        return self.gateways.get(system_id or "") or self.storeonces.get(system_id or "")


def read(connection: sqlite3.Connection) -> Systems:
    """All of them, by a connection of the catalog's `ask` or `read`."""
    result = {
        kind: {row["id"]: row for row in select(connection, f"SELECT * FROM main.{kind} WHERE gone IS NULL")}
        for kind in KINDS
    }
    moments = connection.execute("SELECT collection, read FROM main.readings WHERE asset = 0")
    return Systems(**result, read=dict(moments))


def select(connection: sqlite3.Connection, sql: str, *values: Any) -> list[dict[str, Any]]:
    """The rows of a query as mappings."""
    cursor = connection.execute(sql, values)
    names = [one[0] for one in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
