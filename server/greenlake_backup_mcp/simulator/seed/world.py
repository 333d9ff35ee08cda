"""What there is in the simulated tenant: collection → id → item, and how a builder adds to it."""

from __future__ import annotations

import pickle
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.simulator.names import CUSTOMER, Item, format_time, kind, number, uid, uri

TIB = 1 << 40
SPANS = 7


class Derived:
    """What follows from a beginning alone, by time: worked out once for all tenants that begin so."""

    def __init__(self) -> None:
        self._spans: dict[Hashable, list[tuple[int, int, Any]]] = {}
        self.runs: dict[tuple[int, int, int], Any] = {}  # decided by the outages of the beginning

    def get(self, key: Hashable, now: int) -> tuple[Any, int] | None:
        """What was kept for this time, and until when it holds."""
        spans = self._spans.get(key, ())
        return next(((value, until) for since, until, value in spans if since <= now < until), None)

    def keep(self, key: Hashable, now: int, until: int, value: Any) -> None:
        """Keep what holds from now on until a time; of each key the last few."""
        self._spans[key] = [*self._spans.get(key, ())[-SPANS:], (now, until, value)]


@dataclass
class World:
    """The tenant's resources: collection → id → item; and what the builders tell each other."""

    seed: int
    now: datetime
    resources: dict[str, dict[str, Item]] = field(default_factory=dict)
    policies: dict[str, Item] = field(default_factory=dict)  # by name
    first_store: Item = field(default_factory=dict)  # where backups go that no schedule made
    scale: int = 1  # how many times as many VMs, groups, hosts and datastores as the smallest tenant
    # --- what history must know of the time before
    former_jobs: list[tuple[Item, datetime]] = field(default_factory=list)  # jobs that were deleted, and when
    suspended: dict[str, datetime] = field(default_factory=dict)  # job id → since when schedules of it are suspended
    lost_since: dict[str, int] = field(default_factory=dict)  # id of what does not work → since when
    on_datastores: dict[str, list[str]] = field(default_factory=dict)  # datastore id → VMs protected through it
    fill: dict[str, float] = field(default_factory=dict)  # store id → per cent of its capacity in use
    frozen: bytes | None = field(default=None, repr=False)  # its items as they were built
    derived: Derived = field(default_factory=Derived, init=False, repr=False)

    def copy(self) -> World:
        """The same with items of its own, to be changed."""
        if self.frozen is None:
            self.frozen = pickle.dumps(self.resources, pickle.HIGHEST_PROTOCOL)
        resources = pickle.loads(self.frozen)  # noqa: S301  our own
        return replace(self, resources=resources, on_datastores=dict(self.on_datastores), frozen=None)

    def lose(self, item: Item, since: timedelta) -> None:
        """Something has not worked for some time."""
        self.lost_since[item["id"]] = int((self.now - since).timestamp())

    def all(self, collection: str) -> list[Item]:
        """The items of a collection, in their order."""
        return list(self.resources.get(collection, {}).values())

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
        self.resources.setdefault(collection, {})[id] = item
        return item
