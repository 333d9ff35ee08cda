"""What there is in the simulated tenant: collection → id → item, and how a builder adds to it."""

# ruff: noqa: A001

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.simulator.names import CUSTOMER, Item, format_time, kind, number, uid, uri

TIB = 1 << 40


@dataclass
class World:
    """The tenant's resources: collection → id → item; and what the builders tell each other."""

    seed: int
    now: datetime
    things: dict[str, dict[str, Item]] = field(default_factory=dict)
    policies: dict[str, Item] = field(default_factory=dict)  # by name
    plans: dict[str, str] = field(default_factory=dict)  # asset id → name of the policy its copies come from
    first_store: Item = field(default_factory=dict)  # where backups go that no schedule made
    lapsed: set[str] = field(default_factory=set)  # assets whose job ended some time ago

    def all(self, collection: str) -> list[Item]:
        """The items of a collection, in their order."""
        return list(self.things.get(collection, {}).values())

    def add(self, collection: str, key: object, created_days: int = 200, **values: Any) -> Item:
        """A new item with what all items carry; its id depends on seed, collection and key."""
        id = uid(self.seed, collection, key)
        created = self.now - timedelta(days=created_days, seconds=number(self.seed, key) % 86400)
        item = {
            "id": id,
            "type": kind(collection),
            "resourceUri": uri(collection, id),
            "generation": 1 + number(id) % 40,
            "customerId": CUSTOMER,
            "createdAt": format_time(created),
            "updatedAt": format_time(self.now - timedelta(seconds=number(id, "updated") % 86400)),
            **values,
        }
        self.things.setdefault(collection, {})[id] = item
        return item
