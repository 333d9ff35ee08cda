"""What becomes of stores, gateways, appliances and hosts, and of what runs through them or lies in them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import units
from .hygiene import cell
from .sentences import (
    Effect,
    Subject,
    at,
    changes,
    counted,
    label,
    many,
    name_of,
    names,
    not_known,
    objects,
    quoted,
    state_of,
)
from .targets import OWN, Read, Target, identity_of, path_of

ALL = (("limit", "1000"),)
ALL_JOBS = (("limit", "20000"), ("select", "id,assetInfo,operational,protections,dataOrchestratorId"))


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def store_reads(_arguments: Mapping[str, Any], _target: Target) -> list[Read]:
    """The policies and jobs that write to a store."""
    return [
        Read("policies", "the policies that use it", f"{OWN}/protection-policies", (("limit", "20000"),)),
        Read("jobs", "the jobs that use it", f"{OWN}/protection-jobs", ALL_JOBS),
    ]


def host_of_stores_reads(_arguments: Mapping[str, Any], target: Target) -> list[Read]:
    """The stores on a gateway or StoreOnce, and the jobs that write to them."""
    query = (("filter", f"storageSystemInfo/id eq {_literal(identity_of(target.path)[1])}"), ("limit", "2000"))
    return [
        Read("stores", "the stores on it", f"{OWN}/protection-stores", query),
        Read("jobs", "the jobs that use it", f"{OWN}/protection-jobs", ALL_JOBS),
    ]


def orchestrator_reads(_arguments: Mapping[str, Any], target: Target) -> list[Read]:
    """What an orchestrator runs: jobs, gateways, hosts."""
    mine = _literal(identity_of(target.path)[1])
    jobs = (("filter", f"dataOrchestratorId eq {mine}"), ("limit", "20000"), ("select", "id,assetInfo"))
    hosts = (("filter", f"dataOrchestratorInfo/id eq {mine}"), *ALL)
    return [
        Read("jobs", "the jobs it runs", f"{OWN}/protection-jobs", jobs),
        Read("gateways", "the gateways it manages", f"{OWN}/protection-store-gateways", (("limit", "2000"),)),
        Read("hosts", "the application hosts it manages", f"{OWN}/application-hosts", hosts),
    ]


def host_reads(_arguments: Mapping[str, Any], target: Target) -> list[Read]:
    """The instances and databases of an application host."""
    query = (("filter", f"applicationHostInfo/id eq {_literal(identity_of(target.path)[1])}"), *ALL)
    return [
        Read("instances", "its SQL instances", f"{OWN}/mssql-instances", query),
        Read("databases", "its databases", f"{OWN}/mssql-databases", query),
    ]


def instance_reads(_arguments: Mapping[str, Any], target: Target) -> list[Read]:
    """The databases of an instance: the list knows no filter for it, so those of its host are read."""
    host = at(target.resource, "applicationHostInfo", "id")
    if not host:
        return []
    query = (("filter", f"applicationHostInfo/id eq {_literal(str(host))}"), *ALL)
    return [Read("databases", "its databases", f"{OWN}/mssql-databases", query)]


def reattach_reads(arguments: Mapping[str, Any], _target: Target) -> list[Read]:
    """The system a store would move to."""
    system = arguments.get("storageSystemId")
    if not isinstance(system, str) or not system:
        return []
    place = "storeonces" if arguments.get("storageSystemType") == "STOREONCE" else "protection-store-gateways"
    return [Read("system", "the system it moves to", path_of(OWN, place, system), decides=True)]


def deleting_store(s: Subject) -> Effect:
    """A store goes; with force, with every backup in it."""
    jobs, policies = _jobs_of_stores(s, {s.resource.get("id")}), _policies(s)
    data = s.resource.get("userDataStoredInBytes")
    holds = units.size(data) if isinstance(data, (int, float)) else "an amount of data that is not known"
    follows = []
    if s.arguments.get("force"):
        follows.append(f"force: the store is deleted WITH EVERY BACKUP IN IT; it holds {holds}.")
    else:
        follows.append(f"The store is deleted if it holds no data; it holds {holds}.")
    if policies:
        follows.append(
            f"Policies that write to it: {len(policies):,} ({names(policies)}); expected to be refused."
        )
    follows += _stopped(jobs)
    return Effect(
        does=f"Delete the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final="Backups deleted with it are gone for good."
        if s.arguments.get("force")
        else "It cannot be brought back.",
        unknown=(*not_known(*s.facts.values()), "how many recovery points lie in it (no list of the API says)"),
        exceptions=(("force",) if s.arguments.get("force") else ()) + ((f"holds {holds}",) if data else ()),
    )


def deleting_host_of_stores(s: Subject) -> Effect:
    """A gateway or StoreOnce goes, with what lies on it."""
    stores = _stores(s)
    data = sum(x["userDataStoredInBytes"] for x in stores if isinstance(x.get("userDataStoredInBytes"), (int, float)))
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    gateway = s.target.kind == "protection store gateway"
    what = "The gateway's VM is deleted" if gateway else "The StoreOnce is unregistered"
    follows = [
        f"{what}. On it: {counted(len(stores), 'store')}{': ' + names(stores) if stores else ''}, {units.size(data)}."
    ]
    if s.arguments.get("force"):
        follows.append(
            f"force: whatever is in {counted(len(local), 'on-premises store')} is LOST with it"
            + (f": {names(local)}." if local else ".")
        )
    elif stores:
        follows.append("It has stores; without force the task is expected to fail.")
    follows += _stopped(_jobs_of_stores(s, {x.get("id") for x in stores}))
    return Effect(
        does=f"Delete the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final="Backups deleted with it are gone for good; cloud stores can be reattached elsewhere.",
        unknown=not_known(*s.facts.values()),
        exceptions=(("force",) if s.arguments.get("force") else ()) + ((f"{len(stores)} stores",) if stores else ()),
    )


def recovering_gateway(s: Subject) -> Effect:
    """A gateway is built anew; cloud stores come back, local ones do not."""
    stores = _stores(s)
    local = [x for x in stores if x.get("protectionStoreType") != "CLOUD"]
    cloud = [x for x in stores if x.get("protectionStoreType") == "CLOUD"]
    follows = [
        f"A new gateway named {quoted(s.arguments.get('name'))} is deployed in its place.",
        f"Cloud stores reattached: {names(cloud) or 'none known'}.",
        f"Backups in on-premises stores of the old gateway are NOT recovered: {names(local) or 'none known'}.",
    ]
    connected = at(s.resource, "health", "status") == "PSG_HEALTH_STATUS_CONNECTED"
    if s.arguments.get("force"):
        follows.append("force: it is done even though the old gateway may be alive.")
    elif connected:
        follows.append("The gateway is CONNECTED; without force the service is expected to refuse.")
    return Effect(
        does=f"Recover the {s.label} onto a new VM",
        about=(_facts(s),),
        follows=tuple(follows),
        final="This cannot be undone.",
        unknown=not_known(*s.facts.values()),
        exceptions=("still connected",) if connected else (),
    )


def stopping(s: Subject) -> Effect:
    """An appliance restarts or goes off."""
    off = s.tool.name.startswith("shutdown")
    orchestrator = s.target.kind == "data orchestrator"
    jobs = s.found("jobs").items if orchestrator else _jobs_of_stores(s, {x.get("id") for x in _stores(s)})
    follows = [f"{'It is powered off' if off else 'It restarts'}: backups and restores that run through it now fail."]
    if off and jobs:
        follows.append(f"Until it is on again, nothing runs of {counted(len(jobs), 'job')}: {_assets(jobs)}.")
    elif jobs:
        follows.append(f"Jobs that run through it: {len(jobs):,} ({_assets(jobs)}).")
    forced = s.arguments.get("force")
    if orchestrator and forced is None:
        follows.append("force is not given and DEFAULTS TO TRUE: what is running is not waited for. Give force: false.")
    elif forced:
        follows.append("force: what is running is not waited for.")
    final = "It comes back by itself; runs missed meanwhile are not made up for."
    if off and orchestrator:
        final = "There is NO operation to power it on again: somebody must do that in vCenter."
    elif off:
        final = "power_on_protection_store_gateway starts it again."
    return Effect(
        does=f"{'Shut down' if off else 'Restart'} the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final=final,
        unknown=not_known(*s.facts.values()),
        forbidden="It is off already." if off and s.resource.get("state") == "PSG_STATE_OK_OFF" else "",
        exceptions=("no way back from here",) if off and orchestrator else (),
    )


def deleting_orchestrator(s: Subject) -> Effect:
    """A site loses its orchestrator."""
    jobs, hosts = s.found("jobs").items, s.found("hosts")
    gateways = [g for g in s.found("gateways").items if g.get("dataOrchestratorId") == s.resource.get("id")]
    follows = ["It is unregistered at once; every scheduled job it runs is disabled."]
    if jobs:
        follows.append(f"Jobs that stop: {len(jobs):,} ({_assets(jobs)}).")
    if gateways:
        follows.append(f"Gateways without an orchestrator then: {names(gateways)}.")
    if hosts.items:
        follows.append(f"Application hosts without one: {names(hosts.items)}.")
    if s.arguments.get("force"):
        follows.append("force: it goes even though resources depend on it.")
    return Effect(
        does=f"Delete the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final="It cannot be taken back; an orchestrator must be installed and registered anew.",
        unknown=not_known(*s.facts.values()),
        exceptions=("force",) if s.arguments.get("force") else (),
    )


def recovering_orchestrator(s: Subject) -> Effect:
    """An orchestrator is replaced."""
    connected = s.resource.get("connectionState") == "CONNECTED"
    return Effect(
        does=f"Recover the {s.label} onto the appliance with activation id {cell(str(s.arguments.get('sid')))}",
        about=(_facts(s),),
        follows=(
            "The new appliance takes over; the present one is replaced for good.",
            *_stopped(s.found("jobs").items),
            *(["The present one is CONNECTED: it works, and would be replaced nonetheless."] if connected else []),
        ),
        final="This cannot be undone.",
        unknown=not_known(*s.facts.values()),
        exceptions=("still connected",) if connected else (),
    )


def unregistering_host(s: Subject) -> Effect:
    """A host with its instances and databases is given up."""
    instances, databases = s.found("instances"), s.found("databases")
    protected = [d for d in databases.items if d.get("protectionJobInfo")]
    follows = [
        "The host is unregistered, with its SQL instances and databases; no backups of them are made any more.",
        f"{many(instances, 'instance')}: {names(instances.items)}."
        if instances.items
        else "It has no known instances.",
        f"{many(databases, 'database')}: {names(databases.items)}."
        if databases.items
        else "It has no known databases.",
    ]
    if protected:
        follows.append(f"Protected now: {names(protected)}.")
    follows.append("What happens to their recovery points is not documented.")
    if s.arguments.get("force"):
        follows.append("force: it goes even though resources depend on it.")
    return Effect(
        does=f"Unregister the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final="It can be registered anew; whether the databases then find their recovery points is not documented.",
        unknown=not_known(*s.facts.values()),
        exceptions=(f"{len(protected)} protected databases",) if protected else (),
    )


def reattaching(s: Subject) -> Effect:
    """A cloud store moves to another system."""
    system = s.found("system")
    to = label(str(s.arguments.get("storageSystemType")), system.resource, str(s.arguments.get("storageSystemId")))
    now = s.resource.get("storageSystemInfo")
    follows = [f"It moves to {to}" + (f", away from {name_of(now)}." if isinstance(now, Mapping) else ".")]
    if s.resource.get("connectedState") == "CONNECTED":
        follows.append("It is CONNECTED; backups and restores through its present system fail from then on.")
    return Effect(
        does=f"Reattach the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final="It cannot be taken back; it can be reattached once more.",
        unknown=not_known(*s.target.uses.values()),
        forbidden="The system to move to does not exist." if system.missing else "",
    )


def changing_credentials(s: Subject) -> Effect:
    """A host, instance or appliance gets another address or login."""
    given = {n: v for n, v in s.arguments.items() if n != "confirm" and n in s.tool.arguments}
    body = {n: v for n, v in given.items() if s.tool.arguments[n].place == "body"}
    follows = list(changes(body, s.resource, s.now))
    if databases := _databases(s):
        protected = [d for d in databases if d.get("protectionJobInfo")]
        follows.append(f"Databases that depend on it: {len(databases):,}, of them protected: {len(protected):,}.")
    if stores := _stores(s):
        follows.append(f"Stores that depend on it: {len(stores):,} ({names(stores)}).")
    follows.append("If the new values are wrong, every backup and restore through it fails.")
    return Effect(
        does=f"Change the {s.label}",
        about=(_facts(s),),
        follows=tuple(follows),
        final="It can be changed back, if the old password is known."
        if "credentials" in body
        else "It can be changed back.",
        unknown=not_known(*s.facts.values()),
    )


# --- phrases ----------------------------------------------------------------------------------------------------------


def _facts(s: Subject) -> str:
    r = s.resource
    facts = [state_of(r) or "state not known"]
    facts += [cell(str(r[name])).lower() for name in ("connectionState", "connectedState") if r.get(name)]
    if health := at(r, "health", "status"):
        facts.append(cell(str(health)).removeprefix("PSG_HEALTH_STATUS_").removeprefix("SO_HEALTH_STATUS_").lower())
    if kind := r.get("protectionStoreType"):
        facts.append({"CLOUD": "in the cloud", "ON_PREMISES": "on premises"}.get(str(kind), cell(str(kind))))
    if isinstance(r.get("storageSystemInfo"), Mapping):
        facts.append(f"on {name_of(r['storageSystemInfo'])}")
    if isinstance(r.get("sizeOnDiskInBytes"), (int, float)):
        facts.append(f"{units.size(r['sizeOnDiskInBytes'])} on disk")
    if address := r.get("networkAddress"):
        facts.append(f"address {cell(str(address))}")
    return "; ".join(facts)


def _stores(s: Subject) -> list[Mapping[str, Any]]:
    mine = s.resource.get("id")
    return [x for x in s.found("stores").items if at(x, "storageSystemInfo", "id") == mine]


def _databases(s: Subject) -> list[Mapping[str, Any]]:
    found = s.found("databases").items
    if s.target.kind != "SQL instance":
        return found
    return [d for d in found if at(d, "instanceInfo", "id") == s.resource.get("id")]


def _jobs_of_stores(s: Subject, stores: set[Any]) -> list[Mapping[str, Any]]:
    return [
        j
        for j in s.found("jobs").items
        if any(at(p, "protectionStoreInfo", "id") in stores for p in objects(j.get("protections")))
    ]


def _policies(s: Subject) -> list[Mapping[str, Any]]:
    mine = s.resource.get("id")
    return [
        p
        for p in s.found("policies").items
        if any(at(t, "protectionStoreInfo", "id") == mine for t in objects(p.get("protections")))
    ]


def _assets(jobs: list[Mapping[str, Any]]) -> str:
    return names([j["assetInfo"] for j in jobs if isinstance(j.get("assetInfo"), Mapping)]) or "assets not named"


def _stopped(jobs: list[Mapping[str, Any]]) -> list[str]:
    return [f"Jobs that back up through it and would fail: {len(jobs):,} ({_assets(jobs)})."] if jobs else []
