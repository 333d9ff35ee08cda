"""What becomes of stores, and of the gateways and StoreOnce appliances that carry them, with what lies in them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import at_least, item_at, listed, name_of, names, objects
from .reads import OWN, WHOLE, ReadResult, ReadSpec, Target, identity_of, literal, path_of
from .recovery_point_facts import GOING, flaw_of, is_locked, store_of_copy
from .tenant_facts import JOBS, POLICIES, STORES, TASKS, jobs_of_stores, running, stopped

MOST_COUNTED = 120  # assets whose copies are counted: each is a request, and services allow so many a minute
FAIL = "Jobs that back up through it and would fail"
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


# --- reads ------------------------------------------------------------------------------------------------------------


def reads_of_host(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The stores on a gateway or StoreOnce, and the jobs that write to them."""
    query = (("filter", f"storageSystemInfo/id eq {literal(identity_of(target.path)[1])}"), ("limit", "2000"))
    return [ReadSpec("stores", "the stores on it", f"{OWN}/protection-stores", query), JOBS, TASKS]


def _reattach_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The system a store would move to."""
    system = arguments.get("storageSystemId")
    place = "storeonces" if arguments.get("storageSystemType") == "STOREONCE" else "protection-store-gateways"
    spec = ReadSpec("system", "the system it moves to", path_of(OWN, place, system), decides=True)
    return [spec] if isinstance(system, str) and system else []


def _backup_reads(s: Subject) -> list[ReadSpec]:
    """The backups of the assets that back up to stores that go, for as many as can be asked in time."""
    return _copies(s, "backups", range(min(len(_assets(s)), MOST_COUNTED)))


def _snapshot_reads(s: Subject) -> list[ReadSpec]:
    """The snapshots of those assets that have no usable backup elsewhere."""
    results = [s.read(f"backups {n}") for n in range(min(len(_assets(s)), MOST_COUNTED))]
    return _copies(
        s, "snapshots", [n for n, result in enumerate(results) if result.available and not _usable(s, result)]
    )


def _copies(s: Subject, place: str, numbers: Any) -> list[ReadSpec]:
    paths = [path for _, path in _assets(s)]
    return [ReadSpec(f"{place} {n}", f"{place} of an asset", f"{paths[n]}/{place}", WHOLE, quiet=True) for n in numbers]


# --- findings ---------------------------------------------------------------------------------------------------------


def _delete(s: Subject) -> Iterator[Finding]:
    mine, data = s.resource.get("id"), s.resource.get("userDataStoredInBytes")
    holds = units.size(data) if _is_size(data) else "an amount of data that is not known"
    if _is_forced(s):
        yield grave(
            f"force: the store is deleted WITH EVERY BACKUP IN IT; it holds {holds}.",
            short=f"Store {name_of(s.resource)} is deleted WITH EVERY BACKUP IN IT: {holds}.",
            danger=Danger.DESTROY,
        )
    else:
        yield notable(f"The store is deleted if it holds no data; it holds {holds}.")
    yield from _lost_copies(s)
    tiers = ((p, tier) for p in s.read("policies").items for tier in objects(p.get("protections")))
    users = {id(p): p for p, tier in tiers if item_at(tier, "protectionStoreInfo", "id") == mine}
    if users:
        count = f"{at_least(s.read('policies'))}{len(users):,}"
        yield notable(f"Policies that write to it: {count} ({names(users.values())}); expected to be refused.")
    yield from stopped(s, jobs_of_stores(s, [mine]), FAIL)
    yield from running(s)
    if data != 0:
        yield Finding("", warning=f"holds data: {holds}", danger=Danger.DESTROY if data is None else Danger.READ)


def _delete_host(s: Subject) -> Iterator[Finding]:
    """A gateway or StoreOnce goes, with what lies on it."""
    stores, readable = stores_on(s), s.read("stores").available
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    if _is_forced(s):
        count = at_least(s.read("stores")) + units.plural(len(local), "on-premises store")
        which = f"{count} is LOST with it{': ' + names(local) if local else ''}"
        which = which if readable else "its on-premises stores is LOST with it; which those are is not known"
        yield grave(f"force: whatever is in {which}.", danger=Danger.DESTROY)
    elif stores or not readable:
        has = "It has stores" if stores else "It may have stores"
        yield notable(f"{has}; without force the task is then expected to fail.")
    yield from _lost_copies(s)
    gateway = s.target.kind == "protection store gateway"
    what = "The gateway's VM is deleted" if gateway else "The StoreOnce is unregistered"
    yield Finding(f"{what}. {_held(s)}")
    yield from stopped(s, jobs_of_stores(s, (x.get("id") for x in stores)), FAIL)
    yield from running(s)
    if not readable:
        yield Finding("", warning="what is on it is not known", danger=Danger.DESTROY)
    elif stores:
        yield mark(f"{len(stores)} stores")


def _recover_gateway(s: Subject) -> Iterator[Finding]:
    """A gateway is built anew; cloud stores come back, local ones do not."""
    result, stores = s.read("stores"), stores_on(s)
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    none = ("none" if result.whole else "none known") if result.available else "which those are is not known"
    words = f"Backups in on-premises stores of the old gateway are NOT recovered: {names(local) or none}."
    yield Finding(words) if result.whole and not local else grave(words, danger=Danger.DESTROY)
    cloud = names(x for x in stores if x.get("protectionStoreType") == "CLOUD")
    yield Finding(f"Cloud stores reattached: {cloud or none}.")
    if item_at(s.resource, "health", "status") == "PSG_HEALTH_STATUS_CONNECTED":
        refused = "" if s.arguments.get("force") else "; without force the service is expected to refuse"
        yield notable(f"The gateway is CONNECTED{refused}.", "still connected")


def _reattach(s: Subject) -> Iterator[Finding]:
    """A cloud store moves to another system, as the difference says."""
    if s.resource.get("connectedState") == "CONNECTED":
        words = "It is CONNECTED; backups and restores through its present system fail from then on."
        yield grave(words, "still connected")


def _lost_copies(s: Subject) -> Iterator[Finding]:
    """The recovery points in stores that go: how many, how many of them locked, and what their assets are left with."""
    lost, every = _lost_stores(s), [(n, name, s.read(f"backups {n}")) for n, (name, _) in enumerate(_assets(s))]
    read = [(n, name, result) for n, name, result in every if result.available]
    if not read:
        return
    whole = len(read) == len(every) and all(result.whole for _, _, result in read)
    part = "" if whole else "at least "
    inside = {n: [c for c in result.items if store_of_copy(c, {}).get("id") in lost] for n, _, result in read}
    left: dict[str, list[str]] = {}
    for n, name, result in read:
        if inside[n]:
            left.setdefault(_left_with(s, n, result), []).append(name)
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
    none = "" if locked else ", none of them locked"
    yield notable(f"Recovery points in it: {part}{counts}{none}{'' if len(read) == len(every) else some}.")


def _left_with(s: Subject, n: int, backups: ReadResult) -> str:
    """What the nth asset is left with, one of FATES or KEPT."""
    snapshots, lost = s.read(f"snapshots {n}"), _lost_stores(s)
    if _usable(s, backups):
        return KEPT
    if not snapshots.available:
        return FATES[3]
    if _usable(s, snapshots):
        return FATES[2]
    others = [c for c in backups.items if store_of_copy(c, {}).get("id") not in lost]
    return FATES[1] if others or snapshots.items else FATES[0]


# --- phrases ----------------------------------------------------------------------------------------------------------


def _is_size(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_forced(s: Subject) -> bool:
    return s.arguments.get("force") is True


def stores_on(s: Subject) -> list[Mapping[str, Any]]:
    """The stores on the target, a gateway or StoreOnce."""
    mine = s.resource.get("id")
    return [x for x in s.read("stores").items if item_at(x, "storageSystemInfo", "id") == mine]


def _held(s: Subject) -> str:
    """The stores on an appliance and how much is in them, as far as each of them says."""
    result, stores = s.read("stores"), stores_on(s)
    if not result.available:
        return "Which stores are on it, and how much is in them, is not known."
    if not stores:
        return f"On it: {'no store' if result.whole else 'no store among those read'}."
    sizes = [x["userDataStoredInBytes"] for x in stores if _is_size(x.get("userDataStoredInBytes"))]
    part = "" if result.whole and len(sizes) == len(stores) else "at least "
    data = part + units.size(sum(sizes)) if sizes else "how much data that is, is not known"
    return f"On it: {at_least(result)}{units.plural(len(stores), 'store')}: {names(stores)}, {data}."


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
    lost, stores = _lost_stores(s), {store.get("id"): store for store in s.read("every store").items}
    return [
        c
        for c in copies.items
        if store_of_copy(c, {}).get("id") not in lost and not flaw_of(c, s.now, stores) and c.get("state") not in GOING
    ]


DELETE_HOST = PreviewSpec(
    "Delete the {target}",
    _delete_host,
    "Backups deleted with it are gone for good; cloud stores can be reattached elsewhere.",
    reads=lambda arguments, target: [*reads_of_host(arguments, target), EVERY_STORE],
    further=(_backup_reads, _snapshot_reads),
    unknown=UNREAD,
)
TABLE: Mapping[str, PreviewSpec] = {
    "ProtectionStoreDelete": PreviewSpec(
        "Delete the {target}",
        _delete,
        lambda s: "Backups deleted with it are gone for good." if _is_forced(s) else "It cannot be brought back.",
        reads=lambda _arguments, _target: [POLICIES, JOBS, EVERY_STORE, TASKS],
        further=(_backup_reads, _snapshot_reads),
        size=lambda s: (
            s.resource["userDataStoredInBytes"]
            if _is_forced(s) and _is_size(s.resource.get("userDataStoredInBytes"))
            else 0.0
        ),
        unknown=UNREAD,
    ),
    "ProtectionStoreGatewayDelete": DELETE_HOST,
    "StoreOnceDelete": DELETE_HOST,
    "ProtectionStoreGatewayRecover": PreviewSpec(
        "Recover the {target} onto a new VM", _recover_gateway, "This cannot be undone.", reads=reads_of_host
    ),
    "CloudProtectionStoreReattach": PreviewSpec(
        "Reattach the {target}",
        _reattach,
        "It cannot be taken back; it can be reattached once more.",
        forbidden=lambda s: "The system to move to does not exist." if s.read("system").missing else "",
        reads=_reattach_reads,
    ),
}
