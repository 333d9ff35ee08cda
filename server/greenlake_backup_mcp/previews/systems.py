"""What becomes of orchestrators, appliances and hosts, and of what runs through them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell

from .appliances import ALL_JOBS, facts, jobs_of_stores, stopped, stores_of
from .model import Effect, Subject, at_least, changes, count_of, item_at, names, not_known
from .reads import OWN, ReadResult, ReadSpec, Target, identity_of, literal

ALL = (("limit", "1000"),)


def orchestrator_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """What an orchestrator runs: jobs, gateways with their stores, hosts."""
    mine = literal(identity_of(target.path)[1])
    hosts = (("filter", f"dataOrchestratorInfo/id eq {mine}"), *ALL)
    return [
        ReadSpec("jobs", "the jobs it runs", f"{OWN}/protection-jobs", ALL_JOBS),
        ReadSpec("gateways", "the gateways it manages", f"{OWN}/protection-store-gateways", (("limit", "2000"),)),
        ReadSpec("stores", "the stores on its gateways", f"{OWN}/protection-stores", (("limit", "2000"),)),
        ReadSpec("hosts", "the application hosts it manages", f"{OWN}/application-hosts", hosts),
    ]


def host_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The instances and databases of an application host."""
    query = (("filter", f"applicationHostInfo/id eq {literal(identity_of(target.path)[1])}"), *ALL)
    return [
        ReadSpec("instances", "its SQL instances", f"{OWN}/mssql-instances", query),
        ReadSpec("databases", "its databases", f"{OWN}/mssql-databases", query),
    ]


def instance_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The databases of an instance: the list knows no filter for it, so those of its host are read."""
    host = item_at(target.resource, "applicationHostInfo", "id")
    if not host:
        return []
    query = (("filter", f"applicationHostInfo/id eq {literal(str(host))}"), *ALL)
    return [ReadSpec("databases", "its databases", f"{OWN}/mssql-databases", query)]


def describe_stop(s: Subject) -> Effect:
    """An appliance restarts or goes off."""
    off = s.tool.name.startswith("shutdown")
    orchestrator = s.target.kind == "data orchestrator"
    follows = [f"{'It is powered off' if off else 'It restarts'}: backups and restores that run through it now fail."]
    if orchestrator:
        through = _managed_assets(s)
    else:
        jobs = jobs_of_stores(s, {x.get("id") for x in stores_of(s)})
        through = stopped(s, jobs, "Jobs that run through it")
    follows += through or ["Nothing is known to run through it."]
    if off and through:
        follows.append("Until it is on again, nothing of that runs.")
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
        title=f"{'Shut down' if off else 'Restart'} the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility=final,
        unknown=not_known(*s.facts.values()),
        forbidden="It is off already." if off and s.resource.get("state") == "PSG_STATE_OK_OFF" else "",
        warnings=("no way back from here",) if off and orchestrator else (),
    )


def describe_orchestrator_delete(s: Subject) -> Effect:
    """A site loses its orchestrator."""
    follows = ["It is unregistered at once; every scheduled job it runs is disabled.", *_managed_assets(s)]
    if s.arguments.get("force"):
        follows.append("force: it goes even though resources depend on it.")
    return Effect(
        title=f"Delete the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="It cannot be taken back; an orchestrator must be installed and registered anew.",
        unknown=not_known(*s.facts.values()),
        warnings=("force",) if s.arguments.get("force") else (),
    )


def describe_orchestrator_recovery(s: Subject) -> Effect:
    """An orchestrator is replaced."""
    connected = s.resource.get("connectionState") == "CONNECTED"
    return Effect(
        title=f"Recover the {s.label} onto the appliance with activation id {cell(str(s.arguments.get('sid')))}",
        facts=(facts(s),),
        consequences=(
            "The new appliance takes over; the present one is replaced for good.",
            *_managed_assets(s),
            *(["The present one is CONNECTED: it works, and would be replaced nonetheless."] if connected else []),
        ),
        reversibility="This cannot be undone.",
        unknown=not_known(*s.facts.values()),
        warnings=("still connected",) if connected else (),
    )


def describe_host_removal(s: Subject) -> Effect:
    """A host with its instances and databases is given up."""
    instances, databases = s.found("instances"), s.found("databases")
    protected = [d for d in databases.items if d.get("protectionJobInfo")]
    follows = [
        "The host is unregistered, with its SQL instances and databases; no backups of them are made any more.",
        _join(instances, "instance"),
        _join(databases, "database"),
    ]
    if protected:
        follows.append(f"Protected now: {at_least(databases)}{len(protected):,} ({names(protected)}).")
    follows.append("What happens to their recovery points is not documented.")
    if s.arguments.get("force"):
        follows.append("force: it goes even though resources depend on it.")
    return Effect(
        title=f"Unregister the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="It can be registered anew; whether its databases then find their recovery points, nobody says.",
        unknown=not_known(*s.facts.values()),
        warnings=(f"{len(protected)} protected databases",)
        if protected
        else ()
        if databases.known
        else ("its databases are not known",),
    )


def describe_credentials_update(s: Subject) -> Effect:
    """A host, instance or appliance gets another address or login."""
    given = {n: v for n, v in s.arguments.items() if n != "confirm" and n in s.tool.arguments}
    body = {n: v for n, v in given.items() if s.tool.arguments[n].place == "body"}
    follows = list(changes(body, s.resource, s.now))
    if databases := _databases(s):
        protected = [d for d in databases if d.get("protectionJobInfo")]
        part = at_least(s.found("databases"))
        follows.append(
            f"Databases that depend on it: {part}{len(databases):,}, of them protected: {part}{len(protected):,}."
        )
    if stores := stores_of(s):
        follows.append(f"Stores that depend on it: {at_least(s.found('stores'))}{len(stores):,} ({names(stores)}).")
    follows.append("If the new values are wrong, every backup and restore through it fails.")
    return Effect(
        title=f"Change the {s.label}",
        facts=(facts(s),),
        consequences=tuple(follows),
        reversibility="It can be changed back, if the old password is known."
        if "credentials" in body
        else "It can be changed back.",
        unknown=not_known(*s.facts.values()) or _unread_databases(s),
    )


def _managed_assets(s: Subject) -> list[str]:
    """What an orchestrator runs, and what runs through its gateways; or that it could not be read."""
    mine, jobs, hosts = s.resource.get("id"), s.found("jobs"), s.found("hosts")
    gateways = [g for g in s.found("gateways").items if g.get("dataOrchestratorId") == mine]
    systems = {g.get("id") for g in gateways}
    own = [j for j in jobs.items if j.get("dataOrchestratorId") == mine]
    stores = {x.get("id") for x in s.found("stores").items if item_at(x, "storageSystemInfo", "id") in systems}
    through = [j for j in jobs_of_stores(s, stores) if j not in own]
    lines = []
    if own or not jobs.known:
        lines += stopped(s, own, "Jobs it runs")
    if gateways:
        lines.append(f"Gateways it manages: {at_least(s.found('gateways'))}{len(gateways):,} ({names(gateways)}).")
    if gateways or not s.found("gateways").known:
        lines += stopped(s, through, "Other jobs that write to stores on its gateways")
    if hosts.items:
        lines.append(f"Application hosts it manages: {count_of(hosts, 'host')} ({names(hosts.items)}).")
    return lines


def _join(found: ReadResult, word: str) -> str:
    if not found.known:
        return f"Which {word}s it has is not known."
    return f"{count_of(found, word)}: {names(found.items)}." if found.items else f"It has no known {word}s."


def _unread_databases(s: Subject) -> tuple[str, ...]:
    """An instance that does not name its host: no list of its databases can be asked for."""
    return (
        not_known(ReadResult("its databases", problem="not read"))
        if s.target.kind == "SQL instance" and not s.facts
        else ()
    )


def _databases(s: Subject) -> list[Mapping[str, Any]]:
    found = s.found("databases").items
    if s.target.kind != "SQL instance":
        return found
    return [d for d in found if item_at(d, "instanceInfo", "id") == s.resource.get("id")]
