"""What becomes of stores, and of the gateways and StoreOnce appliances that carry them, with what lies in them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import tenant_facts
from .appliances import ALL_JOBS, facts, jobs_of_stores, stopped, stores_of
from .model import (
    Finding,
    Gravity,
    Judgement,
    Subject,
    at_least,
    counted,
    item_at,
    label,
    name_of,
    names,
    not_known,
    objects,
    quoted,
)
from .reads import OWN, ReadResult, ReadSpec, Target, identity_of, literal, path_of
from .recovery_point_facts import GOING, flaw_of, is_locked, store_of_copy

MOST_COUNTED = 120  # assets whose copies are counted: each is a request, and services allow so many a minute
WHOLE = (("limit", "1000"),)


def store_reads(_arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The policies and jobs that write to a store."""
    return [
        ReadSpec("policies", "the policies that use it", f"{OWN}/protection-policies", (("limit", "20000"),)),
        ReadSpec("jobs", "the jobs that use it", f"{OWN}/protection-jobs", ALL_JOBS),
        tenant_facts.TASKS,
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
    """The backups of the assets that back up to stores that go, for as many as can be asked in time."""
    return [
        ReadSpec(f"backups {number}", "recovery points of an asset", f"{path}/backups", WHOLE)
        for number, (_, path) in enumerate(_assets(s)[:MOST_COUNTED])
    ]


def snapshot_reads(s: Subject) -> list[ReadSpec]:
    """The snapshots of those assets that have no usable backup elsewhere."""
    return [
        ReadSpec(f"snapshots {number}", "snapshots of an asset", f"{path}/snapshots", WHOLE)
        for number, (_, path) in enumerate(_assets(s)[:MOST_COUNTED])
        if s.found(f"backups {number}").known and not _elsewhere(s, s.found(f"backups {number}"))
    ]


def judge_delete(s: Subject) -> Judgement:
    """A store goes; with force, with every backup in it."""
    jobs, policies = jobs_of_stores(s, {s.resource.get("id")}), _policies(s)
    data, force = s.resource.get("userDataStoredInBytes"), s.arguments.get("force") is True
    holds = units.size(data) if _is_size(data) else "an amount of data that is not known"
    findings = []
    if force:
        findings.append(
            Finding(
                f"force: the store is deleted WITH EVERY BACKUP IN IT; it holds {holds}.",
                Gravity.GRAVE,
                "force",
                f"Store {name_of(s.resource)} is deleted WITH EVERY BACKUP IN IT: {holds}.",
                Danger.DESTROY,
            )
        )
    else:
        findings.append(Finding(f"The store is deleted if it holds no data; it holds {holds}.", Gravity.NOTABLE))
    findings += _lost_copies(s)
    if policies:
        count = f"{at_least(s.found('policies'))}{len(policies):,}"
        words = f"Policies that write to it: {count} ({names(policies)}); expected to be refused."
        findings.append(Finding(words, Gravity.NOTABLE))
    findings += [*stopped(s, jobs), *tenant_facts.running(s)]
    findings += [Finding("", warning=f"holds data: {holds}")] if data != 0 else []
    return Judgement(
        title=f"Delete the {s.label}",
        facts=(facts(s),),
        findings=findings,
        reversibility="Backups deleted with it are gone for good." if force else "It cannot be brought back.",
        unknown=_unknown(s),
        size=data if force and _is_size(data) else 0,
        danger=Danger.DESTROY if force or data is None else Danger.DISRUPT,
    )


def judge_host_delete(s: Subject) -> Judgement:
    """A gateway or StoreOnce goes, with what lies on it."""
    stores, known = stores_of(s), s.found("stores").known
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    force = s.arguments.get("force") is True
    gateway = s.target.kind == "protection store gateway"
    what = "The gateway's VM is deleted" if gateway else "The StoreOnce is unregistered"
    findings = []
    if force and not known:
        words = "force: whatever is in its on-premises stores is LOST with it; which those are is not known."
        findings.append(Finding(words, Gravity.GRAVE, "force", danger=Danger.DESTROY))
    elif force:
        count = at_least(s.found("stores")) + counted(len(local), "on-premises store")
        words = f"force: whatever is in {count} is LOST with it{': ' + names(local) if local else ''}."
        findings.append(Finding(words, Gravity.GRAVE, "force", danger=Danger.DESTROY))
    elif stores or not known:
        has = "It has stores" if stores else "It may have stores"
        findings.append(Finding(f"{has}; without force the task is then expected to fail.", Gravity.NOTABLE))
    findings += _lost_copies(s)
    findings.append(Finding(f"{what}. {_stored_points(s)}"))
    findings += [*stopped(s, jobs_of_stores(s, {x.get("id") for x in stores})), *tenant_facts.running(s)]
    holds = f"{len(stores)} stores" if stores else "" if known else "what is on it is not known"
    findings += [Finding("", warning=holds)] if holds else []
    return Judgement(
        title=f"Delete the {s.label}",
        facts=(facts(s),),
        findings=findings,
        reversibility="Backups deleted with it are gone for good; cloud stores can be reattached elsewhere.",
        unknown=_unknown(s),
        danger=Danger.DESTROY if force or not known else Danger.DISRUPT,
    )


def judge_gateway_recovery(s: Subject) -> Judgement:
    """A gateway is built anew; cloud stores come back, local ones do not."""
    stores = stores_of(s)
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    cloud = [x for x in stores if x.get("protectionStoreType") == "CLOUD"]
    found = s.found("stores")
    none = ("none" if found.whole else "none known") if found.known else "which those are is not known"
    connected = item_at(s.resource, "health", "status") == "PSG_HEALTH_STATUS_CONNECTED"
    gravity = Gravity.DETAIL if found.whole and not local else Gravity.GRAVE
    words = f"Backups in on-premises stores of the old gateway are NOT recovered: {names(local) or none}."
    findings = [
        Finding(words, gravity, danger=Danger.DESTROY),
        Finding(f"A new gateway named {quoted(s.arguments.get('name'))} is deployed in its place."),
        Finding(f"Cloud stores reattached: {names(cloud) or none}."),
    ]
    if s.arguments.get("force"):
        words = "force: it is done even though the old gateway may be alive."
        findings.append(Finding(words, Gravity.GRAVE, "still connected" if connected else ""))
    elif connected:
        words = "The gateway is CONNECTED; without force the service is expected to refuse."
        findings.append(Finding(words, Gravity.NOTABLE, "still connected"))
    return Judgement(
        title=f"Recover the {s.label} onto a new VM",
        facts=(facts(s),),
        findings=findings,
        reversibility="This cannot be undone.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DESTROY,
    )


def judge_reattach(s: Subject) -> Judgement:
    """A cloud store moves to another system."""
    system = s.found("system")
    to = label(str(s.arguments.get("storageSystemType")), system.resource, str(s.arguments.get("storageSystemId")))
    now = s.resource.get("storageSystemInfo")
    away = f", away from {name_of(now)}" if isinstance(now, Mapping) else ""
    findings = [Finding(f"It moves to {to}{away}.", Gravity.NOTABLE, danger=Danger.DISRUPT)]
    if s.resource.get("connectedState") == "CONNECTED":
        words = "It is CONNECTED; backups and restores through its present system fail from then on."
        findings.append(Finding(words, Gravity.GRAVE, "still connected"))
    return Judgement(
        title=f"Reattach the {s.label}",
        facts=(facts(s),),
        findings=findings,
        reversibility="It cannot be taken back; it can be reattached once more.",
        unknown=not_known(*s.target.uses.values()),
        forbidden="The system to move to does not exist." if system.missing else "",
        danger=Danger.DISRUPT,
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


def _assets(s: Subject) -> list[tuple[str, str]]:
    """The assets that back up to stores that go: name and path of each, once."""
    found: dict[str, str] = {}
    for job in jobs_of_stores(s, _lost_stores(s)):
        assets = objects(job.get("assetInfo"))
        if any("mssql-database-protection-groups" in str(a.get("resourceUri")) for a in assets):
            assets = objects(job.get("associatedAssetsInfo"))  # the copies are those of its databases
        for asset in assets:
            collection, identity = identity_of(str(asset.get("resourceUri") or ""))
            if collection and identity:
                found.setdefault(path_of(OWN, collection, identity), name_of(asset))
    return [(name, path) for path, name in found.items()]


def _elsewhere(s: Subject, backups: ReadResult) -> list[Mapping[str, Any]]:
    """The copies of a list that can be relied on and do not lie in a store that goes."""
    lost = _lost_stores(s)
    return [
        c
        for c in backups.items
        if store_of_copy(c, {}).get("id") not in lost and not flaw_of(c, s.now) and c.get("state") not in GOING
    ]


def _lost_copies(s: Subject) -> list[Finding]:
    """The recovery points in stores that go: how many, how many of them locked, whose last ones they are."""
    lost, assets = _lost_stores(s), _assets(s)
    read = [(n, name, s.found(f"backups {n}")) for n, (name, _) in enumerate(assets)]
    read = [(n, name, found) for n, name, found in read if found.known]
    if not read:
        return []
    inside = [c for _, _, found in read for c in found.items if store_of_copy(c, {}).get("id") in lost]
    locked = [c for c in inside if is_locked(c, s.now)]
    held = [(n, name) for n, name, found in read if any(store_of_copy(c, {}).get("id") in lost for c in found.items)]
    bare = [
        name
        for n, name in held
        if s.found(f"snapshots {n}").known
        and not _elsewhere(s, s.found(f"backups {n}"))
        and not _elsewhere(s, s.found(f"snapshots {n}"))
    ]
    whole = len(read) == len(assets) and all(found.whole for _, _, found in read)
    of = (
        ""
        if len(read) == len(assets)
        else f", counted for {len(read):,} of the {len(assets):,} assets that back up to it"
    )
    part = "" if whole else "at least "
    findings = [
        Finding(
            f"Recovery points in it: {part}{len(inside):,}, of {part}{counted(len(held), 'asset')}{of}.",
            Gravity.NOTABLE,
        )
    ]
    if bare:
        more = f" and {len(bare) - 12:,} more" if len(bare) > 12 else ""
        words = (
            f"Left with NO recovery point at all: {part}{counted(len(bare), 'asset')}: {', '.join(bare[:12])}{more}."
        )
        findings.insert(0, Finding(words, Gravity.GRAVE, "assets left with nothing", danger=Danger.DISRUPT))
    if locked:
        words = f"LOCKED copies in it: {part}{len(locked):,}; the service may refuse because of them."
        findings.append(Finding(words, Gravity.GRAVE, "holds locked copies", danger=Danger.DISRUPT))
    return findings


def _unknown(s: Subject) -> tuple[str, ...]:
    listed = [f for name, f in s.facts.items() if not name.startswith(("backups ", "snapshots ", "tasks"))]
    return (*not_known(*listed), "recovery points of assets that no job protects any more")


def _policies(s: Subject) -> list[Mapping[str, Any]]:
    mine = s.resource.get("id")
    return [
        p
        for p in s.found("policies").items
        if any(item_at(t, "protectionStoreInfo", "id") == mine for t in objects(p.get("protections")))
    ]
