"""What would be left if something were lost: a store, a gateway with its disks, an array, or every copy without a lock.

Each asset counts once, in one class: lost, falls back, fine, had nothing to come back from already, not known. Only
copies that can be used now count as left: state good, not expired, store and way to it up. Judges; reads no service.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from greenlake_backup_mcp.catalog import views

from .estate import WORKLOADS, Asset, Estate
from .facts import PATH_LISTS, CopySet, Store


class Fate(Enum):
    """What becomes of an asset, worst first."""

    LOST = "lost: no usable copy would be left"
    FALLS_BACK = "falls back to an older copy"
    BARE = "had no usable copy before"
    UNKNOWN = "not known: its copies were not all read"
    FINE = "fine: its newest usable copy stays"


@dataclass(frozen=True)
class Loss:
    """What is gone. `stores` and `arrays`: ids and names; `unlocked`: all copies that are not locked now.

    `detached`: cloud stores that stay whole and cannot be read until another gateway is put before them.
    """

    title: str
    stores: frozenset[str] = frozenset()
    arrays: frozenset[str] = frozenset()
    unlocked: bool = False
    detached: tuple[str, ...] = ()

    def spares(self, one: CopySet, arrays: frozenset[str]) -> bool:
        """Whether the copies of a set stay.

        A snapshot that names no array lies where its asset does (`arrays`); where that is not known either, it counts
        as gone with any array.
        """
        if one.place == "array":
            where = {one.array} if one.array else arrays
            return not self.arrays or bool(where and not where & self.arrays)
        return one.store_id not in self.stores


@dataclass(frozen=True)
class Outcome:
    """What becomes of one asset: its newest usable point now and after, and how many seconds are lost between them."""

    asset: Asset
    fate: Fate
    before: int | None = None
    after: int | None = None
    place: str | None = None  # where the newest that is left lies
    on_array: bool = False  # its own data goes with the array

    @property
    def gap(self) -> int:
        """Seconds between the two points."""
        return 0 if self.before is None or self.after is None else self.before - self.after


def of_store(store: Store) -> Loss:
    """The loss of a store with all that is in it."""
    return Loss(f"store {store.label}", frozenset({store.id}))


def of_stores(title: str, stores: Iterable[Store], arrays: frozenset[str] = frozenset()) -> Loss:
    """The loss of what stores stand on: those on its disks are gone, those in the cloud only detached."""
    lost = tuple(stores)
    detached = tuple(store.label for store in lost if store.type == "CLOUD")
    return Loss(title, frozenset(s.id for s in lost if s.type != "CLOUD"), arrays, detached=detached)


def of_system(estate: Estate, ident: str, label: str) -> Loss:
    """The loss of a gateway or StoreOnce: what lies on its disks is gone, what it wrote to the cloud is not."""
    return of_stores(label, (s for s in estate.stores.values() if s.system_id == ident and s.gone is None))


def of_array(estate: Estate, name: str) -> Loss:
    """The loss of an array: its snapshots, and the stores whose gateway or disks lie on it."""
    on_it = (store for store in estate.stores.values() if name in store.arrays and store.gone is None)
    return of_stores(f"array {name}", on_it, frozenset({name}))


UNLOCKED = Loss("all copies that are not locked", unlocked=True)


def population(estate: Estate) -> tuple[Asset, ...]:
    """Who is counted: what somebody works with, also where it is no longer listed but copies of it are."""
    return tuple(
        asset for asset in estate.assets.values()
        if asset.kind in WORKLOADS and not asset.nobodys and (asset.listed or asset.all_sets)
    )  # fmt: skip


def outcomes(connection: sqlite3.Connection, estate: Estate, loss: Loss) -> tuple[Outcome, ...]:
    """What becomes of each asset, worst first, and within a class by what is lost.

    Not known of any where stores or what stands before them were never read.
    """
    locked = _newest_locked(connection, estate.now) if loss.unlocked else {}
    where = arrays_of(estate)
    results = [_outcome(asset, loss, locked, where.get(asset.id, frozenset())) for asset in population(estate)]
    if estate.blocked_by(PATH_LISTS):
        results = [Outcome(one.asset, Fate.UNKNOWN, on_array=one.on_array) for one in results]
    order = list(Fate)
    return tuple(sorted(results, key=lambda o: (order.index(o.fate), not o.on_array, -o.gap, o.asset.name)))


def counts(results: Iterable[Outcome]) -> Mapping[Fate, int]:
    """How many are in each class; they add up to all."""
    numbers = Counter(one.fate for one in results)
    return {fate: numbers[fate] for fate in Fate}


def arrays_of(estate: Estate) -> Mapping[str, frozenset[str]]:
    """On which arrays each asset lies; a database on those of its machine."""
    return {
        a.id: a.own_arrays or frozenset().union(*(one.own_arrays for one in estate.machines_of(a)))
        for a in estate.assets.values()
    }


def _outcome(
    asset: Asset, loss: Loss, locked: Mapping[tuple[int, int], tuple[int, str]], arrays: frozenset[str]
) -> Outcome:
    before = asset.newest()
    on_array = bool(loss.arrays & arrays)
    if loss.unlocked:
        sources = {(one.asset_no, int(one.place != "array")) for one in asset.all_sets}
        left = [locked[key] for key in sources if key in locked]
    else:
        left = [
            (one.newest_usable, one.place) for one in asset.usable if one.newest_usable and loss.spares(one, arrays)
        ]
    after, place = max(left, default=(None, None))
    if asset.unread is not None:  # what was not read may be newer, and lie where the loss is
        return Outcome(asset, Fate.UNKNOWN, before, after, place, on_array)
    if before is None:
        fate = Fate.BARE
    else:
        fate = Fate.LOST if after is None else Fate.FALLS_BACK if after < before else Fate.FINE
    return Outcome(asset, fate, before, after, place, on_array)


def _newest_locked(connection: sqlite3.Connection, now: int) -> dict[tuple[int, int], tuple[int, str]]:
    """The newest usable and locked point of each asset and list, and its place; assets without locks cost nothing."""
    rows = connection.execute(
        f"SELECT c.asset, c.list, max(c.point), {views.PLACE.format('c')} FROM main.copies c LEFT JOIN main.stores st "
        "ON st.no = c.store LEFT JOIN temp.reach r ON r.no = c.store WHERE (c.asset, c.list) IN "
        "(SELECT asset, list FROM main.copy_sets WHERE last_lock_good > :now) AND c.ok = 1 AND c.missing IS NULL "
        "AND c.locked_until > :now AND (c.expires IS NULL OR c.expires > :now) AND (c.list = 0 OR r.reachable = 1) "
        "AND c.point IS NOT NULL GROUP BY c.asset, c.list", {"now": now},
    )  # fmt: skip
    return {(asset, list_): (point, place) for asset, list_, point, place in rows}
