"""What becomes of stores, and of the gateways and StoreOnce appliances that carry them, with what lies in them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import in_use
from .lost_copies import READS, backup_reads, further_reads, lost_copies, snapshot_reads, stores_on
from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import at_least, item_at, name_of, names, objects, quoted
from .reads import OWN, ReadSpec, Target, identity_of, literal, path_of
from .tenant_facts import JOBS, POLICIES, jobs_of_stores, second_person, stopped

FAIL = "Jobs that back up through it and would fail"


# --- reads ------------------------------------------------------------------------------------------------------------


def reads_of_host(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The stores on a gateway or StoreOnce, and the jobs that write to them."""
    query = (("filter", f"storageSystemInfo/id eq {literal(identity_of(target.path)[1])}"), ("limit", "2000"))
    return [ReadSpec("stores", "the stores on it", f"{OWN}/protection-stores", query), JOBS]


def _reattach_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The system a store would move to."""
    system = arguments.get("storageSystemId")
    place = "storeonces" if arguments.get("storageSystemType") == "STOREONCE" else "protection-store-gateways"
    spec = ReadSpec("system", "the system it moves to", path_of(OWN, place, system), decides=True)
    return [spec, JOBS] if isinstance(system, str) and system else [JOBS]


def _recover_reads(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """What is on the old gateway, and what has the new one's name or address."""
    taken = [*in_use.name_reads(arguments, target), *in_use.address_reads(arguments, target)]
    return [*reads_of_host(arguments, target), *READS, *{spec.name: spec for spec in taken}.values()]


# --- findings ---------------------------------------------------------------------------------------------------------


def _delete(s: Subject) -> Iterator[Finding]:
    mine, data = s.resource.get("id"), s.resource.get("userDataStoredInBytes")
    holds = units.size(data) if _is_size(data) else "an amount of data that is not known"
    name, forced = quoted(s.resource.get("displayName") or s.resource.get("name"), 40), _is_forced(s)
    words = f"Store {name} is deleted WITH EVERY BACKUP IN IT; it holds {holds}."
    goes = grave(words, short=words, danger=Danger.DESTROY)
    if not forced:
        yield (
            Finding("It holds no data.")
            if data == 0
            else grave("", short=f"Store {name} holds {holds}: without force the service is expected to refuse.")
        )
    yield from lost_copies(
        s,
        f"store {name} goes WITH EVERY BACKUP IN IT, {holds}",
        f"store {name} goes WITH EVERY BACKUP IN IT",
        f"store {name} goes",
        f"{quoted(s.resource.get('displayName') or s.resource.get('name'), 24)} goes",
        forced=forced,
    )
    if forced:
        yield goes
        yield from second_person(s, s.resource)
    tiers = ((p, tier) for p in s.read("policies").items for tier in objects(p.get("protections")))
    users = {id(p): p for p, tier in tiers if item_at(tier, "protectionStoreInfo", "id") == mine}
    if users:
        count = f"{at_least(s.read('policies'))}{len(users):,}"
        yield notable(
            f"Policies that write to it: {count} ({names(users.values())}); the service is expected to refuse then."
        )
    yield from stopped(s, jobs_of_stores(s, [mine]), FAIL)
    if data != 0:
        yield Finding("", warning=f"holds data: {holds}", danger=Danger.DESTROY if data is None else Danger.READ)


def _delete_host(s: Subject) -> Iterator[Finding]:
    """A gateway or StoreOnce goes, with what lies on it."""
    stores, readable = stores_on(s), s.read("stores").available
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    count = at_least(s.read("stores")) + units.plural(len(local), "on-premises store")
    goes = (f"{s.name} goes with {count}", f"{s.name} goes", f"{quoted(s.resource.get('name'), 24)} goes")
    if _is_forced(s):
        yield from lost_copies(s, *goes)
        which = f"{count} is LOST with it{': ' + names(local) if local else ''}"
        which = which if readable else "its on-premises stores is LOST with it; which those are is not known"
        words = f"force: whatever is in {which}."
        yield grave(words, short=words, danger=Danger.DESTROY)
        yield from second_person(s)
    elif stores or not readable:
        has = "It has stores" if stores else "It may have stores"
        yield grave("", short=f"{has}: without force the task is expected to fail.")
        yield from lost_copies(s, *goes, forced=False)
    gateway = s.target.kind == "protection store gateway"
    what = "The gateway's VM is deleted" if gateway else "The StoreOnce is unregistered"
    yield Finding(f"{what}. {_held(s)}")
    yield from stopped(s, jobs_of_stores(s, (x.get("id") for x in stores)), FAIL)
    if not readable:
        yield Finding("", warning="what is on it is not known", danger=Danger.DESTROY)
    elif stores:
        yield mark(units.plural(len(stores), "store"))


def _recover_gateway(s: Subject) -> Iterator[Finding]:
    """A gateway is built anew; cloud stores come back, local ones do not."""
    result, stores = s.read("stores"), stores_on(s)
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    none = ("none" if result.whole else "none known") if result.available else "which those are is not known"
    words = f"Backups in on-premises stores of the old gateway are NOT recovered: {names(local) or none}."
    yield from lost_copies(s, "on-premises stores of the old gateway are NOT recovered")
    yield Finding(words) if result.whole and not local else grave(words, short=words, danger=Danger.DESTROY)
    cloud = names(x for x in stores if x.get("protectionStoreType") == "CLOUD")
    yield Finding(f"Cloud stores reattached: {cloud or none}.")
    if item_at(s.resource, "health", "status") == "PSG_HEALTH_STATUS_CONNECTED":
        refused = "" if s.arguments.get("force") else "; without force the service is expected to refuse"
        yield grave(
            f"The gateway is CONNECTED: it works, and would be replaced nonetheless{refused}.", "still connected"
        )
    yield from in_use.name_in_use(s)
    yield from in_use.address_in_use(s)


def _reattach(s: Subject) -> Iterator[Finding]:
    """A cloud store moves to another system, as the difference says."""
    if s.resource.get("connectedState") == "CONNECTED":
        words = "It is CONNECTED; backups and restores through its present system fail from then on."
        yield grave(words, "still connected", words)
    system = s.read("system").resource
    if "DISCONNECTED" in f"{item_at(system, 'health', 'status')} {system.get('connectedState')}":
        words = f"{name_of(system)} is DISCONNECTED: nothing can be read or written through it now."
        yield grave(words, "disconnected", words)
    jobs, result = jobs_of_stores(s, [s.resource.get("id")]), s.read("jobs")
    count = at_least(result) + units.plural(len(jobs), "job") if jobs or result.whole else "which jobs"
    write = "writes to it" if len(jobs) == 1 else "write to it" if jobs or result.whole else "write to it is not known"
    store = quoted(s.resource.get("displayName") or s.resource.get("name"), 40)
    yield grave("", short=f"{store} changes its system: what runs through it breaks off; {count} {write}.")
    yield from stopped(s, jobs, "Jobs that write to it")


def _unmovable(s: Subject) -> str:
    if s.resource.get("protectionStoreType") not in ("CLOUD", None):
        return "Only cloud stores can be reattached: what lies on the disks of a system stays there."
    if (system := s.arguments.get("storageSystemId")) and system == item_at(s.resource, "storageSystemInfo", "id"):
        return "It is on that system already."
    return "The system to move to does not exist." if s.read("system").missing else ""


# --- phrases ----------------------------------------------------------------------------------------------------------


def _is_size(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _stored_bytes(store: Mapping[str, Any]) -> float:
    """How much is in a store, as far as it says; 0 otherwise."""
    data = store.get("userDataStoredInBytes")
    return data if _is_size(data) else 0.0


def _is_forced(s: Subject) -> bool:
    return s.arguments.get("force") is True


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


DELETE_HOST = PreviewSpec(
    "Delete the {target}",
    _delete_host,
    "Backups deleted with it are gone for good; cloud stores can be reattached elsewhere.",
    reads=lambda arguments, target: [*reads_of_host(arguments, target), *READS],
    further=(backup_reads, snapshot_reads, further_reads),
    size=lambda s: sum(map(_stored_bytes, stores_on(s))) if _is_forced(s) else 0.0,
)
TABLE: Mapping[str, PreviewSpec] = {
    "ProtectionStoreDelete": PreviewSpec(
        "Delete the {target}",
        _delete,
        lambda s: "Backups deleted with it are gone for good." if _is_forced(s) else "It cannot be brought back.",
        reads=lambda _arguments, _target: [POLICIES, JOBS, *READS],
        further=(backup_reads, snapshot_reads, further_reads),
        size=lambda s: _stored_bytes(s.resource) if _is_forced(s) else 0.0,
    ),
    "ProtectionStoreGatewayDelete": DELETE_HOST,
    "StoreOnceDelete": DELETE_HOST,
    "ProtectionStoreGatewayRecover": PreviewSpec(
        "Recover the {target} onto a new VM",
        _recover_gateway,
        "This cannot be undone.",
        reads=_recover_reads,
        further=(backup_reads, snapshot_reads, further_reads),
    ),
    "CloudProtectionStoreReattach": PreviewSpec(
        "Reattach the {target}",
        _reattach,
        "It cannot be taken back; it can be reattached once more.",
        forbidden=_unmovable,
        reads=_reattach_reads,
    ),
}
