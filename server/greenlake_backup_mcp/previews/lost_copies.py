"""The recovery points that go with stores: how many, how many of them locked, and what their assets are left with.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.text import units

from .model import Finding, Subject, grave, notable
from .phrases import item_at, listed, name_of, objects
from .reads import OWN, WHOLE, ReadResult, ReadSpec, identity_of, path_of
from .recovery_point_facts import GOING, flaw_of, is_locked, store_of_copy
from .tenant_facts import STORES, jobs_of_stores, leaving_stores

MOST_COUNTED = 120  # assets whose copies are counted: each is a request, and services allow so many a minute
KEPT = "other usable copies"
# TABLE: what assets may be left with, the worst first
FATES = (
    "NO recovery point at all",
    "NO recovery point that is usable and can be reached",
    "NO recovery point off the array",
    "snapshots that could not be read, at most",
)
EVERY_STORE = replace(STORES, name="every store")  # whether copies elsewhere can be reached
UNREAD = ("recovery points of assets that no job protects any more",)


def backup_reads(s: Subject) -> list[ReadSpec]:
    """The backups of the assets that back up to stores that go, for as many as can be asked in time."""
    return _copies(s, "backups", range(min(len(_assets(s)), MOST_COUNTED)))


def snapshot_reads(s: Subject) -> list[ReadSpec]:
    """The snapshots of those assets that have no usable backup elsewhere."""
    results = [s.read(f"backups {n}") for n in range(min(len(_assets(s)), MOST_COUNTED))]
    return _copies(
        s, "snapshots", [n for n, result in enumerate(results) if result.available and not _usable(s, result)]
    )


def _copies(s: Subject, place: str, numbers: Any) -> list[ReadSpec]:
    paths = [path for _, path in _assets(s)]
    return [ReadSpec(f"{place} {n}", f"{place} of an asset", f"{paths[n]}/{place}", WHOLE, quiet=True) for n in numbers]


def lost_copies(s: Subject) -> Iterator[Finding]:
    """The recovery points in stores that go: how many, how many of them locked, and what their assets are left with."""
    read, every = _read_assets(s), _assets(s)
    if not read:
        return
    part = "" if len(read) == len(every) and all(result.whole for _, _, result in read) else "at least "
    inside = {
        n: [c for c in result.items if store_of_copy(c, {}).get("id") in _lost_stores(s)] for n, _, result in read
    }
    left = _fates(s)
    for fate in (fate for fate in FATES if fate in left):
        words = f"Left with {fate}: {part}{units.plural(len(left[fate]), 'asset')}: {listed(left[fate])}."
        yield grave(words, f"assets left with {fate}")
    if lasting := left.get(KEPT):
        yield Finding(f"Left with other usable copies off the array: {part}{units.plural(len(lasting), 'asset')}.")
    if locked := sum(is_locked(c, s.now) for copies in inside.values() for c in copies):
        words = f"LOCKED copies in it: {part}{locked:,}; the service may refuse because of them."
        yield grave(words, "holds locked copies")
    counts = f"{sum(map(len, inside.values())):,}, of {part}{units.plural(sum(map(bool, inside.values())), 'asset')}"
    some = f", counted for {len(read):,} of the {len(every):,} assets that back up to it"
    none = "" if locked else ", none of them locked" if not part else ", none of those read locked"
    yield notable(f"Recovery points in it: {part}{counts}{none}{'' if len(read) == len(every) else some}.")


def _read_assets(s: Subject) -> list[tuple[int, str, ReadResult]]:
    """The assets that back up to stores that go, whose backups could be read: number, name, backups."""
    every = ((n, name, s.read(f"backups {n}")) for n, (name, _) in enumerate(_assets(s)))
    return [(n, name, result) for n, name, result in every if result.available]


def _fates(s: Subject) -> dict[str, list[str]]:
    """The names of assets with copies in stores that go, by what they are left with: one of FATES or KEPT."""
    left: dict[str, list[str]] = {}
    for n, name, result in _read_assets(s):
        if any(store_of_copy(c, {}).get("id") in _lost_stores(s) for c in result.items):
            left.setdefault(_left_with(s, n, result), []).append(name)
    return left


def bare_assets(s: Subject) -> str:
    """For the first line: how many assets would have no usable recovery point left; "" where none."""
    left = _fates(s)
    bare = sum(len(left.get(fate, ())) for fate in FATES[:2])
    part = "" if len(_read_assets(s)) == len(_assets(s)) else "At least "
    are = "is" if bare == 1 else "are"
    return f"{part}{units.plural(bare, 'asset')} {are} left with NO usable recovery point" if bare else ""


def _left_with(s: Subject, n: int, backups: ReadResult) -> str:
    """What the nth asset is left with, one of FATES or KEPT."""
    snapshots, lost = s.read(f"snapshots {n}"), _lost_stores(s) | leaving_stores(s)
    if _usable(s, backups):
        return KEPT
    if not snapshots.available:
        return FATES[3]
    if _usable(s, snapshots):
        return FATES[2]
    others = [c for c in backups.items if store_of_copy(c, {}).get("id") not in lost]
    return FATES[1] if others or snapshots.items else FATES[0]


def stores_on(s: Subject) -> list[Mapping[str, Any]]:
    """The stores on the target, a gateway or StoreOnce."""
    mine = s.resource.get("id")
    return [x for x in s.read("stores").items if item_at(x, "storageSystemInfo", "id") == mine]


def _lost_stores(s: Subject) -> set[Any]:
    """The stores whose copies go: the store itself, or those on the appliance that are not in the cloud."""
    if s.target.kind == "protection store":
        return {s.resource.get("id")}
    return {x.get("id") for x in stores_on(s) if x.get("protectionStoreType") != "CLOUD"}


def _assets(s: Subject) -> list[tuple[str, str]]:
    """The assets that back up to stores that go: name and path of each, once."""
    paths: dict[str, str] = {}
    for job in jobs_of_stores(s, _lost_stores(s)):
        assets = objects(job.get("assetInfo"))
        if any("mssql-database-protection-groups" in str(a.get("resourceUri")) for a in assets):
            assets = objects(job.get("associatedAssetsInfo"))  # the copies are those of its databases
        for asset in assets:
            collection, identity = identity_of(str(asset.get("resourceUri") or ""))
            if collection and identity:
                paths.setdefault(path_of(OWN, collection, identity), name_of(asset))
    return [(name, path) for path, name in paths.items()]


def _usable(s: Subject, copies: ReadResult) -> list[Mapping[str, Any]]:
    """The copies of a list that can be relied on and do not lie in a store that goes."""
    lost = _lost_stores(s) | leaving_stores(s)
    stores = {store.get("id"): store for store in s.read("every store").items}
    if s.operation == "ProtectionStoreGatewayRecover":  # which reattaches the cloud stores of the old gateway
        back = {"connectedState": "CONNECTED", "state": "ONLINE"}
        stores |= {x.get("id"): {**x, **back} for x in stores_on(s) if x.get("id") not in lost}
    return [
        c
        for c in copies.items
        if store_of_copy(c, {}).get("id") not in lost and not flaw_of(c, s.now, stores) and c.get("state") not in GOING
    ]
