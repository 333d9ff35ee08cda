"""TABLE of how things hang together: what each kind of thing stands on, and which jobs, assets and copies hang on it.

Knows the catalog and the estate; says nothing for people but names and states.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.text import units

from . import facts, loss
from .estate import Asset, Estate
from .facts import CopySet, Job, Store
from .loss import Loss

NOUNS = {
    "store": "store", "gateway": "gateway", "storeonce": "StoreOnce", "orchestrator": "orchestrator", "array": "array",
    "datastore": "datastore", "host": "host", "vcenter": "vCenter", "policy": "policy",
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """What is asked about: its kind as an argument names it, its id (of arrays the name), its name.

    `beside`: what tells it from others of its name: the vCenter of a host or datastore.
    """

    kind: str
    id: str
    name: str
    beside: str | None = None


@dataclass
class Relations:
    """What a thing stands on (`above`, in words), and what hangs on it."""

    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    sets: list[CopySet] = field(default_factory=list)
    loss: Loss | None = None


def list_things(connection: sqlite3.Connection, estate: Estate) -> Iterator[Thing]:
    """Everything that can be asked about, as far as it was read and is still listed."""
    for store in estate.stores.values():
        if store.gone is None:
            yield Thing("store", store.id, store.label)
    for kind in ("gateway", "storeonce", "orchestrator", "vcenter"):
        for ident, row in getattr(estate, f"{kind}s").items():
            yield Thing(kind, ident, row["name"] or ident)
    for ident, name in connection.execute("SELECT id, name FROM main.policies WHERE gone IS NULL"):
        yield Thing("policy", ident, name or ident)
    arrays = {n for a in estate.assets.values() for n in a.own_arrays} | {
        one.array or "" for a in estate.assets.values() for one in a.sets
    }
    yield from (Thing("array", n, n) for n in sorted(arrays - {""}))
    hosts = {(a.host_id or a.host, a.host, a.vcenter) for a in estate.assets.values() if a.host and a.gone is None}
    yield from (Thing("host", ident or name, name, beside) for ident, name, beside in sorted(hosts, key=str))
    for asset in estate.assets.values():
        if asset.kind == "datastore" and asset.listed:
            yield Thing("datastore", asset.id, asset.name, asset.vcenter)


def _on_stores(estate: Estate, stores: Iterable[Store], relations: Relations) -> Relations:
    """Jobs that write to the stores, assets that these cover or whose copies are there, and those copies."""
    relations.stores = list(stores)
    ids = {store.id for store in relations.stores}
    relations.jobs += [j for j in estate.jobs.values() if any(s.store_id in ids for s in j.schedules)
                       and j not in relations.jobs]  # fmt: skip
    relations.sets += [one for a in estate.assets.values() for one in a.sets if one.store_id in ids]
    return _with_assets(estate, relations, ids)


def _with_assets(estate: Estate, relations: Relations, stores: Iterable[str] = ()) -> Relations:
    ids, jobs = set(stores), {job.id for job in relations.jobs}
    relations.assets += [
        a for a in estate.workloads
        if a not in relations.assets
        and (any(c.job.id in jobs for c in a.covers) or any(one.store_id in ids for one in a.all_sets))
    ]  # fmt: skip
    return relations


def _states(row: Any) -> str:
    return ", ".join(dict.fromkeys(str(row[k]) for k in ("health", "state", "connection") if row.get(k)))


def _health(row: Any) -> str:
    return f"{row['name']} ({_states(row)})"


def _store(_connection: sqlite3.Connection, estate: Estate, thing: Thing) -> Relations:
    store = estate.stores[thing.id]
    related = Relations(loss=loss.of_store(store))
    system = estate.front_of(store)
    related.above += [_health(system)] if system else [store.system] if store.system else []
    related.above += [
        _health(estate.orchestrators[i]) for i in _ids(store.orchestrator_ids) if i in estate.orchestrators
    ]
    related.above += [f"arrays under its gateway: {', '.join(sorted(store.arrays))}"] if store.arrays else []
    if store.type == "CLOUD":
        related.above.append(f"cloud {store.region or store.location or ''}".strip())
    room = f" of {units.size(store.capacity)}" if store.capacity else ", no maximum: a cloud store is never full"
    if store.used is not None:
        percent = f", {100 * store.used / store.capacity:.0f} %" if store.capacity else ""
        related.notes.append(f"Holds {units.size(store.used)}{room}{percent}.")
    _on_stores(estate, [store], related)
    lock = facts.last_lock(related.sets)
    if lock > estate.now:
        longest = units.duration(lock - estate.now)
        related.notes.append(f"Some of it is locked, the longest for {longest}: no deletion frees that space before.")
    return related


def _system(_connection: sqlite3.Connection, estate: Estate, thing: Thing) -> Relations:
    row = estate.gateways.get(thing.id) or estate.storeonces.get(thing.id) or {}
    related = Relations(loss=loss.of_system(estate, thing.id, f"{NOUNS[thing.kind]} {thing.name}"))
    reason = row.get("reason")
    related.notes.append(f"{_states(row)}{f': {reason}' if reason else ''}.")
    vm = estate.assets.get(str(row.get("vm_id")))
    related.above += [f"VM {vm.name}" + (f" on host {vm.host}" if vm.host else "")] if vm else []
    disks = [estate.assets[i].name for i in _ids(row.get("datastore_ids")) if i in estate.assets]
    related.above += [f"datastores {', '.join(disks)}"] if disks else []
    behind = [s for s in estate.stores.values() if s.system_id == thing.id and s.gone is None]
    arrays = sorted({a for s in behind for a in s.arrays})
    related.above += [f"arrays {', '.join(arrays)}"] if arrays else []
    orchestrators = [row.get("orchestrator_id") or "", *_ids(row.get("orchestrator_ids"))]
    related.above += [_health(estate.orchestrators[i]) for i in orchestrators if i in estate.orchestrators]
    return _on_stores(estate, behind, related)


def _orchestrator(_connection: sqlite3.Connection, estate: Estate, thing: Thing) -> Relations:
    row = estate.orchestrators[thing.id]
    related = Relations(jobs=[j for j in estate.jobs.values() if j.orchestrator_id == thing.id])
    related.gateways = [g["name"] for g in estate.gateways.values() if g["orchestrator_id"] == thing.id]
    related.notes.append(f"{_states(row)}. No copy lies on it: without it its jobs stop, and stores that no other one "
                       "serves cannot be read until a new one has its catalogue.")  # fmt: skip
    centers = [v["name"] for v in estate.vcenters.values() if v["orchestrator_id"] == thing.id]
    related.notes += [f"It serves vCenters {', '.join(map(str, centers))}."] if centers else []
    alone = [s for s in estate.stores.values() if s.gone is None and _ids(s.orchestrator_ids) == [thing.id]]
    return _on_stores(estate, alone, related)


def _array(_connection: sqlite3.Connection, estate: Estate, thing: Thing) -> Relations:
    related = Relations(loss=loss.of_array(estate, thing.name))
    arrays = loss.arrays_of(estate)
    related.assets = [a for a in estate.workloads if thing.name in arrays[a.id]]
    related.sets = [one for a in estate.assets.values() for one in a.sets if one.array == thing.name]
    return _on_stores(estate, [s for s in estate.stores.values() if thing.name in s.arrays and s.gone is None], related)


def _policy(connection: sqlite3.Connection, estate: Estate, thing: Thing) -> Relations:
    related = Relations(jobs=[j for j in estate.jobs.values() if j.policy_id == thing.id])
    rows = connection.execute("SELECT DISTINCT store_id FROM main.policy_schedules WHERE policy_id = ?", (thing.id,))
    related.above += [f"store {estate.stores[i].label}" for (i,) in rows if i in estate.stores]
    _with_assets(estate, related)
    ends = sorted(end for a in related.assets if (end := a.ends(estate.now)) is not None and end != float("inf"))
    first = f", the first asset is without one in {units.duration(ends[0] - estate.now)}" if ends else ""
    if estate.blocked_by(facts.PATH_LISTS) or any(a.unread is not None for a in related.assets):
        first = "; when the first asset is without one is not known: not all was read"
    related.notes.append(f"If it went, its jobs would stop; copies stay until they expire{first}.")
    return related


PLACE_TABLES = {"datastore": ("assets",), "host": ("hosts", "application_hosts"), "vcenter": ("vcenters",)}


def _status(connection: sqlite3.Connection, table: str, ident: str) -> str:
    """The status of a place and the reason of it; '' where none is told."""
    query = f"SELECT coalesce(status, state), reason FROM main.{table} WHERE id = ? AND gone IS NULL"
    status, reason = connection.execute(query, (ident,)).fetchone() or (None, None)
    return ": ".join(filter(None, (status, reason))).removesuffix(".") if status else ""


def _place(connection: sqlite3.Connection, estate: Estate, thing: Thing) -> Relations:
    """A datastore, host or vCenter: the machines there, and the gateways among them with their stores."""
    on_it = "SELECT member_id FROM main.members WHERE owner_kind = 'datastore' AND owner_id = ?"
    members = {row[0] for row in connection.execute(on_it, (thing.id,))}  # by id: names of datastores repeat
    test: dict[str, Callable[[Asset], bool]] = {
        "datastore": lambda a: a.id in members,
        "host": lambda a: thing.id == (a.host_id or a.host),
        "vcenter": lambda a: thing.id == a.vcenter_id,
    }
    there = [a for a in estate.assets.values() if a.gone is None and a.id != thing.id and test[thing.kind](a)]
    ids = {a.id for a in there}
    gateways = {
        i: g for i, g in estate.gateways.items() if g["vm_id"] in ids or thing.id in _ids(g["datastore_ids"])
    }  # fmt: skip
    related = Relations(
        assets=[a for a in there if a in estate.workloads], gateways=[g["name"] for g in gateways.values()]
    )
    related.jobs = [j for j in estate.jobs.values() if j.asset_id == thing.id]
    related.notes += [
        f"{note}." for table in PLACE_TABLES[thing.kind] if (note := _status(connection, table, thing.id))
    ]
    stores = [s for s in estate.stores.values() if s.system_id in gateways and s.gone is None]
    if thing.kind == "datastore" and stores:
        related.loss = loss.of_stores(f"datastore {thing.name}", stores)
    return _on_stores(estate, stores, related)


RELATIONS: dict[str, Callable[[sqlite3.Connection, Estate, Thing], Relations]] = {
    "store": _store, "gateway": _system, "storeonce": _system, "orchestrator": _orchestrator, "array": _array,
    "policy": _policy, "datastore": _place, "host": _place, "vcenter": _place,
}  # fmt: skip


def _ids(text: str | None) -> list[str]:
    return [one for one in (text or "").split(", ") if one]
