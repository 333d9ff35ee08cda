"""What becomes of stores, and of the gateways and StoreOnce appliances that carry them, with what lies in them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from greenlake_backup_mcp.text import units

from .appliances import ALL_JOBS, facts, jobs_of_stores, stopped, stores_of
from .model import Effect, Subject, at_least, counted, item_at, label, name_of, names, not_known, objects, quoted
from .reads import COUNT, OWN, ReadSpec, Target, identity_of, literal, path_of

MOST_COUNTED = 24  # assets whose copies are counted: each is a request, and services allow so many a minute


def store_reads(_arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The policies and jobs that write to a store."""
    return [
        ReadSpec("policies", "the policies that use it", f"{OWN}/protection-policies", (("limit", "20000"),)),
        ReadSpec("jobs", "the jobs that use it", f"{OWN}/protection-jobs", ALL_JOBS),
    ]


def host_of_stores_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The stores on a gateway or StoreOnce, and the jobs that write to them."""
    query = (("filter", f"storageSystemInfo/id eq {literal(identity_of(target.path)[1])}"), ("limit", "2000"))
    return [
        ReadSpec("stores", "the stores on it", f"{OWN}/protection-stores", query),
        ReadSpec("jobs", "the jobs that use it", f"{OWN}/protection-jobs", ALL_JOBS),
    ]


def reattach_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The system a store would move to."""
    system = arguments.get("storageSystemId")
    if not isinstance(system, str) or not system:
        return []
    place = "storeonces" if arguments.get("storageSystemType") == "STOREONCE" else "protection-store-gateways"
    return [ReadSpec("system", "the system it moves to", path_of(OWN, place, system), decides=True)]


def count_reads(s: Subject) -> list[ReadSpec]:
    """How many recovery points the assets that back up to a store have in it, for as many as can be asked in time."""
    stores = _lost_stores(s)
    reads = []
    for number, job in enumerate(jobs_of_stores(s, stores)[:MOST_COUNTED]):
        collection, identity = identity_of(str(item_at(job, "assetInfo", "resourceUri") or ""))
        for store in sorted(stores, key=str) if collection and identity else ():
            query = (("filter", f"protectionStoreInfo/id eq {literal(str(store))}"), *COUNT)
            path = path_of(OWN, collection, identity, "backups")
            reads.append(ReadSpec(f"count {number} {store}", "recovery points of an asset", path, query))
    return reads[:MOST_COUNTED]


def describe_delete(s: Subject) -> Effect:
    """A store goes; with force, with every backup in it."""
    jobs, policies = jobs_of_stores(s, {s.resource.get("id")}), _policies(s)
    data = s.resource.get("userDataStoredInBytes")
    holds = units.size(data) if _is_size(data) else "an amount of data that is not known"
    follows = []
    if s.arguments.get("force"):
        follows.append(f"force: the store is deleted WITH EVERY BACKUP IN IT; it holds {holds}.")
    else:
        follows.append(f"The store is deleted if it holds no data; it holds {holds}.")
    if policies:
        count = f"{at_least(s.found('policies'))}{len(policies):,}"
        follows.append(f"Policies that write to it: {count} ({names(policies)}); expected to be refused.")
    follows += _counted_copies(s, jobs)
    follows += stopped(s, jobs)
    return Effect(
        title=f"Delete the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="Backups deleted with it are gone for good."
        if s.arguments.get("force")
        else "It cannot be brought back.",
        unknown=_unknown(s),
        warnings=(("force",) if s.arguments.get("force") else ()) + ((f"holds data: {holds}",) if data != 0 else ()),
    )


def describe_host_delete(s: Subject) -> Effect:
    """A gateway or StoreOnce goes, with what lies on it."""
    stores, known = stores_of(s), s.found("stores").known
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    gateway = s.target.kind == "protection store gateway"
    what = "The gateway's VM is deleted" if gateway else "The StoreOnce is unregistered"
    follows = [f"{what}. {_stored_points(s)}"]
    if s.arguments.get("force") and not known:
        follows.append("force: whatever is in its on-premises stores is LOST with it; which those are is not known.")
    elif s.arguments.get("force"):
        count = at_least(s.found("stores")) + counted(len(local), "on-premises store")
        follows.append(f"force: whatever is in {count} is LOST with it{': ' + names(local) if local else ''}.")
    elif stores or not known:
        has = "It has stores" if stores else "It may have stores"
        follows.append(f"{has}; without force the task is then expected to fail.")
    jobs = jobs_of_stores(s, {x.get("id") for x in stores})
    follows += _counted_copies(s, jobs)
    follows += stopped(s, jobs)
    holds = (f"{len(stores)} stores",) if stores else () if known else ("what is on it is not known",)
    return Effect(
        title=f"Delete the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="Backups deleted with it are gone for good; cloud stores can be reattached elsewhere.",
        unknown=_unknown(s),
        warnings=(("force",) if s.arguments.get("force") else ()) + holds,
    )


def describe_gateway_recovery(s: Subject) -> Effect:
    """A gateway is built anew; cloud stores come back, local ones do not."""
    stores = stores_of(s)
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    cloud = [x for x in stores if x.get("protectionStoreType") == "CLOUD"]
    found = s.found("stores")
    none = ("none" if found.whole else "none known") if found.known else "which those are is not known"
    follows = [
        f"A new gateway named {quoted(s.arguments.get('name'))} is deployed in its place.",
        f"Cloud stores reattached: {names(cloud) or none}.",
        f"Backups in on-premises stores of the old gateway are NOT recovered: {names(local) or none}.",
    ]
    connected = item_at(s.resource, "health", "status") == "PSG_HEALTH_STATUS_CONNECTED"
    if s.arguments.get("force"):
        follows.append("force: it is done even though the old gateway may be alive.")
    elif connected:
        follows.append("The gateway is CONNECTED; without force the service is expected to refuse.")
    return Effect(
        title=f"Recover the {s.label} onto a new VM",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="This cannot be undone.",
        unknown=not_known(*s.facts.values()),
        warnings=("still connected",) if connected else (),
    )


def describe_reattach(s: Subject) -> Effect:
    """A cloud store moves to another system."""
    system = s.found("system")
    to = label(str(s.arguments.get("storageSystemType")), system.resource, str(s.arguments.get("storageSystemId")))
    now = s.resource.get("storageSystemInfo")
    follows = [f"It moves to {to}" + (f", away from {name_of(now)}." if isinstance(now, Mapping) else ".")]
    if s.resource.get("connectedState") == "CONNECTED":
        follows.append("It is CONNECTED; backups and restores through its present system fail from then on.")
    return Effect(
        title=f"Reattach the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="It cannot be taken back; it can be reattached once more.",
        unknown=not_known(*s.target.uses.values()),
        forbidden="The system to move to does not exist." if system.missing else "",
    )


# --- phrases ----------------------------------------------------------------------------------------------------------


def _is_size(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _stored_points(s: Subject) -> str:
    """The stores on an appliance and how much is in them, as far as each of them says."""
    found, stores = s.found("stores"), stores_of(s)
    if not found.known:
        return "Which stores are on it, and how much is in them, is not known."
    if not stores:
        return f"On it: {'no store' if found.whole else 'no store among those read'}."
    sizes = [x["userDataStoredInBytes"] for x in stores if _is_size(x.get("userDataStoredInBytes"))]
    part = "" if found.whole and len(sizes) == len(stores) else "at least "
    data = part + units.size(sum(sizes)) if sizes else "how much data that is, is not known"
    return f"On it: {at_least(found)}{counted(len(stores), 'store')}: {names(stores)}, {data}."


def _lost_stores(s: Subject) -> set[Any]:
    """The stores whose copies go: the store itself, or those on the appliance that are not in the cloud."""
    if s.target.kind == "protection store":
        return {s.resource.get("id")}
    return {x.get("id") for x in stores_of(s) if x.get("protectionStoreType") != "CLOUD"}


def _counted_copies(s: Subject, jobs: list[Mapping[str, Any]]) -> list[str]:
    counts = [f for name, f in s.facts.items() if name.startswith("count ")]
    known = [f for f in counts if f.known]
    if not known:
        return []
    copies = sum(max(f.total or 0, len(f.items)) for f in known)
    assets = len({name.split()[1] for name, f in s.facts.items() if name.startswith("count ") and f.known})
    of = f"counted for {assets:,} of the {len(jobs):,} assets that back up to it"
    return [f"Recovery points in it, {of}: at least {copies:,}."]


def _unknown(s: Subject) -> tuple[str, ...]:
    listed = [f for name, f in s.facts.items() if not name.startswith("count ")]
    return (*not_known(*listed), "recovery points of assets that no job protects any more")


def _policies(s: Subject) -> list[Mapping[str, Any]]:
    mine = s.resource.get("id")
    return [
        p
        for p in s.found("policies").items
        if any(item_at(t, "protectionStoreInfo", "id") == mine for t in objects(p.get("protections")))
    ]
