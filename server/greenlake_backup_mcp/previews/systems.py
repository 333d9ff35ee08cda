"""What becomes of orchestrators, appliances and hosts, and of what runs through them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import tenant_facts
from .appliances import ALL_JOBS, facts, jobs_of_stores, stopped, stores_of
from .model import Finding, Gravity, Judgement, Subject, at_least, count_of, item_at, names, not_known
from .reads import OWN, ReadResult, ReadSpec, Target, identity_of, literal

ALL = (("limit", "1000"),)


def orchestrator_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """What an orchestrator runs: jobs, gateways with their stores, hosts; and what is under way."""
    mine = literal(identity_of(target.path)[1])
    hosts = (("filter", f"dataOrchestratorInfo/id eq {mine}"), *ALL)
    return [
        ReadSpec("jobs", "the jobs it runs", f"{OWN}/protection-jobs", ALL_JOBS),
        ReadSpec("gateways", "the gateways it manages", f"{OWN}/protection-store-gateways", (("limit", "2000"),)),
        ReadSpec("stores", "the stores on its gateways", f"{OWN}/protection-stores", (("limit", "2000"),)),
        ReadSpec("hosts", "the application hosts it manages", f"{OWN}/application-hosts", hosts),
        tenant_facts.TASKS,
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


def judge_stop(s: Subject) -> Judgement:
    """An appliance restarts or goes off."""
    off = s.tool.name.startswith("shutdown")
    orchestrator = s.target.kind == "data orchestrator"
    if orchestrator:
        through = _managed_assets(s)
    else:
        jobs = jobs_of_stores(s, {x.get("id") for x in stores_of(s)})
        through = stopped(s, jobs, "Jobs that run through it")
    findings = through or [Finding("Nothing is known to run through it.")]
    what = "It is powered off" if off else "It restarts"
    findings.append(Finding(f"{what}: backups and restores that run through it now fail.", Gravity.NOTABLE))
    if off and through:
        findings.append(Finding("Until it is on again, nothing of that runs."))
    forced = s.arguments.get("force")
    if orchestrator and forced is None:
        words = "force is not given and DEFAULTS TO TRUE: what is running is not waited for. Give force: false."
        findings.append(Finding(words, Gravity.NOTABLE))
    elif forced:
        findings.append(Finding("force: what is running is not waited for.", Gravity.NOTABLE))
    findings += tenant_facts.running(s)
    final = "It comes back by itself; runs missed meanwhile are not made up for."
    if off and orchestrator:
        final = "There is NO operation to power it on again: somebody must do that in vCenter."
        short = f"{s.name[:1].upper()}{s.name[1:]} goes off, and NO operation powers it on again."
        findings.insert(0, Finding("", Gravity.GRAVE, "no way back from here", short))
    elif off:
        final = "power_on_protection_store_gateway starts it again."
    return Judgement(
        title=f"{'Shut down' if off else 'Restart'} the {s.label}",
        facts=(facts(s),),
        findings=findings,
        reversibility=final,
        unknown=not_known(*s.facts.values()),
        forbidden="It is off already." if off and s.resource.get("state") == "PSG_STATE_OK_OFF" else "",
        danger=Danger.DISRUPT,
    )


def judge_orchestrator_delete(s: Subject) -> Judgement:
    """A site loses its orchestrator."""
    words = "It is unregistered at once; every scheduled job it runs is disabled."
    findings = [Finding(words, Gravity.GRAVE, danger=Danger.DISRUPT), *_managed_assets(s)]
    if s.arguments.get("force"):
        findings.append(Finding("force: it goes even though resources depend on it.", Gravity.GRAVE, "force"))
    return Judgement(
        title=f"Delete the {s.label}",
        facts=(facts(s),),
        findings=[*findings, *tenant_facts.running(s)],
        reversibility="It cannot be taken back; an orchestrator must be installed and registered anew.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DISRUPT,
    )


def judge_orchestrator_recovery(s: Subject) -> Judgement:
    """An orchestrator is replaced."""
    connected = s.resource.get("connectionState") == "CONNECTED"
    words = "The present one is CONNECTED: it works, and would be replaced nonetheless."
    return Judgement(
        title=f"Recover the {s.label} onto the appliance with activation id {cell(str(s.arguments.get('sid')))}",
        facts=(facts(s),),
        findings=[
            *([Finding(words, Gravity.GRAVE, "still connected")] if connected else []),
            Finding("The new appliance takes over; the present one is replaced for good.", Gravity.GRAVE),
            *_managed_assets(s),
        ],
        reversibility="This cannot be undone.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DISRUPT,
    )


def judge_host_removal(s: Subject) -> Judgement:
    """A host with its instances and databases is given up."""
    instances, databases = s.found("instances"), s.found("databases")
    protected = [d for d in databases.items if d.get("protectionJobInfo")]
    findings = []
    if protected:
        count = f"{at_least(databases)}{len(protected):,}"
        findings.append(
            Finding(
                f"Protected now, and then no more: {count} ({names(protected)}).",
                Gravity.GRAVE,
                f"{len(protected)} protected databases",
                danger=Danger.DISRUPT,
            )
        )
    elif not databases.known:
        findings.append(Finding("", Gravity.GRAVE, "its databases are not known", "Its databases are not known."))
    findings.append(
        Finding("The host is unregistered, with its SQL instances and databases; no backups of them are made any more.")
    )
    findings += [Finding(_join(instances, "instance")), Finding(_join(databases, "database"))]
    findings.append(Finding("What happens to their recovery points is not documented.", Gravity.NOTABLE))
    if s.arguments.get("force"):
        findings.append(Finding("force: it goes even though resources depend on it.", Gravity.GRAVE, "force"))
    return Judgement(
        title=f"Unregister the {s.label}",
        facts=(facts(s),),
        findings=findings,
        reversibility="It can be registered anew; whether its databases then find their recovery points, nobody says.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DESTROY,
    )


def judge_credentials_update(s: Subject) -> Judgement:
    """A host, instance or appliance gets another address or login."""
    findings = []
    if databases := _databases(s):
        protected = [d for d in databases if d.get("protectionJobInfo")]
        part = at_least(s.found("databases"))
        words = f"Databases that depend on it: {part}{len(databases):,}, of them protected: {part}{len(protected):,}."
        findings.append(Finding(words, Gravity.NOTABLE))
    if stores := stores_of(s):
        words = f"Stores that depend on it: {at_least(s.found('stores'))}{len(stores):,} ({names(stores)})."
        findings.append(Finding(words, Gravity.NOTABLE))
    if {"credentials", "networkAddress"} & set(s.arguments):
        findings.append(
            Finding("If the new values are wrong, every backup and restore through it fails.", Gravity.NOTABLE)
        )
    known = "It can be changed back, if the old password is known."
    return Judgement(
        title=f"Change the {s.label}",
        facts=(facts(s),),
        findings=findings,
        reversibility=known if "credentials" in s.arguments else "It can be changed back.",
        unknown=not_known(*s.facts.values()) or _unread_databases(s),
        danger=Danger.DISRUPT,
    )


def _managed_assets(s: Subject) -> list[Finding]:
    """What an orchestrator runs, and what runs through its gateways; or that it could not be read."""
    mine, jobs, hosts = s.resource.get("id"), s.found("jobs"), s.found("hosts")
    gateways = [g for g in s.found("gateways").items if g.get("dataOrchestratorId") == mine]
    systems = {g.get("id") for g in gateways}
    own = [j for j in jobs.items if j.get("dataOrchestratorId") == mine]
    stores = {x.get("id") for x in s.found("stores").items if item_at(x, "storageSystemInfo", "id") in systems}
    through = [j for j in jobs_of_stores(s, stores) if j not in own]
    findings = []
    if own or not jobs.known:
        findings += stopped(s, own, "Jobs it runs")
    if gateways:
        count = f"{at_least(s.found('gateways'))}{len(gateways):,}"
        findings.append(Finding(f"Gateways it manages: {count} ({names(gateways)}).", Gravity.NOTABLE))
    if gateways or not s.found("gateways").known:
        findings += stopped(s, through, "Other jobs that write to stores on its gateways")
    if hosts.items:
        words = f"Application hosts it manages: {count_of(hosts, 'host')} ({names(hosts.items)})."
        findings.append(Finding(words, Gravity.NOTABLE))
    return findings


def _join(found: ReadResult, word: str) -> str:
    if not found.known:
        return f"Which {word}s it has is not known."
    return f"{count_of(found, word)}: {names(found.items)}." if found.items else f"It has no known {word}s."


def _unread_databases(s: Subject) -> tuple[str, ...]:
    """An instance that does not name its host: no list of its databases can be asked for."""
    return (
        not_known(ReadResult("its databases", problem="not read"))
        if s.target.kind == "SQL instance" and not s.found("databases").known
        else ()
    )


def _databases(s: Subject) -> list[Mapping[str, Any]]:
    found = s.found("databases").items
    if s.target.kind != "SQL instance":
        return found
    return [d for d in found if item_at(d, "instanceInfo", "id") == s.resource.get("id")]
