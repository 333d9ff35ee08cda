"""What becomes of orchestrators, appliances and hosts, and of what runs through them.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units

from . import in_use
from .lost_copies import stores_on
from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import at_least, count_of, item_at, names
from .reads import OWN, WHOLE, ReadSpec, Target, identity_of, literal
from .stores import reads_of_host
from .tenant_facts import JOBS, STORES, jobs_of_stores, stopped

Reads = Callable[[Mapping[str, Any], Target], list[ReadSpec]]
GATEWAYS = ReadSpec("gateways", "the gateways it manages", f"{OWN}/protection-store-gateways", (("limit", "2000"),))


# --- reads ------------------------------------------------------------------------------------------------------------


def _orchestrator_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """What an orchestrator runs: jobs, gateways with their stores, hosts."""
    mine = literal(identity_of(target.path)[1])
    hosts = (("filter", f"dataOrchestratorInfo/id eq {mine}"), *WHOLE)
    return [
        JOBS,
        GATEWAYS,
        STORES,
        ReadSpec("hosts", "the application hosts it manages", f"{OWN}/application-hosts", hosts),
    ]


def _host_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The instances and databases of an application host."""
    query = _of_host(identity_of(target.path)[1])
    return [
        ReadSpec("instances", "its SQL instances", f"{OWN}/mssql-instances", query),
        ReadSpec("databases", "its databases", f"{OWN}/mssql-databases", query),
    ]


def _instance_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The databases of an instance: the list knows no filter for it, so those of its host are read."""
    host = item_at(target.resource, "applicationHostInfo", "id")
    return [ReadSpec("databases", "its databases", f"{OWN}/mssql-databases", _of_host(str(host)))] if host else []


def _of_host(identity: str) -> tuple[tuple[str, str], ...]:
    return (("filter", f"applicationHostInfo/id eq {literal(identity)}"), *WHOLE)


# --- findings ---------------------------------------------------------------------------------------------------------


def _stop(s: Subject) -> Iterator[Finding]:
    """An appliance restarts or goes off."""
    off, orchestrator = _goes_off(s), s.target.kind == "data orchestrator"
    through = list(_managed(s) if orchestrator else stopped(s, _jobs_on(s), "Jobs that run through it"))
    words = f"{s.name[:1].upper()}{s.name[1:]} {'goes off' if off else 'restarts'}"
    fail = "backups and restores that run through it now fail."
    if off and orchestrator:
        yield grave("", "no way back from here", f"{words}, and NO operation powers it on again.")
        yield notable(f"{fail[:1].upper()}{fail[1:]}")
    else:
        yield grave("", short=f"{words}: {fail}") if through else Finding(f"{words}.")
    yield from through or [Finding("Nothing is known to run through it.")]


def _delete_orchestrator(s: Subject) -> Iterator[Finding]:
    yield grave("", short="It is unregistered at once; every scheduled job it runs is disabled.")
    yield from _managed(s)


def _recover_orchestrator(s: Subject) -> Iterator[Finding]:
    if s.resource.get("connectionState") == "CONNECTED":
        yield grave("The present one is CONNECTED: it works, and would be replaced nonetheless.", "still connected")
    yield grave("The new appliance takes over; the present one is replaced for good.")
    yield from _managed(s)


def _jobs_on(s: Subject) -> list[Mapping[str, Any]]:
    """The jobs that write to stores on the target, a gateway or StoreOnce."""
    return jobs_of_stores(s, (x.get("id") for x in stores_on(s)))


def _managed(s: Subject) -> Iterator[Finding]:
    """What an orchestrator runs, and what runs through its gateways; or that it could not be read."""
    mine, jobs, hosts = s.resource.get("id"), s.read("jobs"), s.read("hosts")
    gateways = [g for g in s.read("gateways").items if g.get("dataOrchestratorId") == mine]
    systems = {g.get("id") for g in gateways}
    own = [j for j in jobs.items if j.get("dataOrchestratorId") == mine]
    stores = {x.get("id") for x in s.read("stores").items if item_at(x, "storageSystemInfo", "id") in systems}
    if own or not jobs.available:
        yield from stopped(s, own, "Jobs it runs")
    if gateways:
        count = f"{at_least(s.read('gateways'))}{len(gateways):,}"
        yield notable(f"Gateways it manages: {count} ({names(gateways)}).")
    if gateways or not s.read("gateways").available:
        through = [j for j in jobs_of_stores(s, stores) if j not in own]
        yield from stopped(s, through, "Other jobs that write to stores on its gateways")
    if hosts.items:
        yield notable(f"Application hosts it manages: {count_of(hosts, 'host')} ({names(hosts.items)}).")


def _remove_host(s: Subject) -> Iterator[Finding]:
    """A host with its instances and databases is given up."""
    databases = s.read("databases")
    if protected := [d for d in databases.items if d.get("protectionJobInfo")]:
        count = f"{at_least(databases)}{len(protected):,}"
        words = f"Protected now, and then no more: {count} ({names(protected)})."
        those = f"{units.plural(len(protected), 'protected database')} {'loses' if len(protected) == 1 else 'lose'}"
        short = f"{at_least(databases)}{those} protection."
        yield grave(words, units.plural(len(protected), "protected database"), f"{short[:1].upper()}{short[1:]}")
    elif not databases.available:
        yield grave("", "its databases are not known", "Its databases are not known.")
    yield Finding(
        "The host is unregistered, with its SQL instances and databases: no backups of them are made any more."
    )
    for result, word in ((s.read("instances"), "instance"), (databases, "database")):
        some = f"{count_of(result, word)}: {names(result.items)}." if result.items else f"It has no known {word}s."
        yield Finding(some if result.available else f"Which {word}s it has is not known.")
    yield notable("What happens to their recovery points is not documented.")


def _change(s: Subject) -> Iterator[Finding]:
    """What depends on a host, instance or appliance whose address or login changes."""
    every, mine = s.read("databases"), s.resource.get("id")
    databases = [d for d in every.items if s.target.kind != "SQL instance" or item_at(d, "instanceInfo", "id") == mine]
    stores, part = stores_on(s), at_least(every)
    if databases:
        protected = sum(bool(d.get("protectionJobInfo")) for d in databases)
        count = f"{part}{protected:,} of them {'is' if protected == 1 else 'are'} protected"
        yield notable(f"Databases that depend on it: {part}{len(databases):,} ({names(databases)}); {count}.")
    elif s.target.kind == "SQL instance" and "databases" not in s.facts:
        yield notable("Which databases depend on it is not known: it does not name its host.")
    if stores:
        yield notable(f"Stores that depend on it: {at_least(s.read('stores'))}{len(stores):,} ({names(stores)}).")
        yield from stopped(s, _jobs_on(s), "Jobs that write to its stores", notable)
    yield from in_use.address_in_use(s)


# --- phrases ----------------------------------------------------------------------------------------------------------


def _goes_off(s: Subject) -> bool:
    return s.tool.name.startswith("shutdown")


def _way_back(s: Subject) -> str:
    if not _goes_off(s):
        return "It comes back by itself; runs missed meanwhile are not made up for."
    if s.target.kind == "data orchestrator":
        return "There is NO operation to power it on again: somebody must do that in vCenter."
    return "power_on_protection_store_gateway starts it again."


def _stopping(reads: Reads) -> PreviewSpec:
    def title(s: Subject) -> str:
        return f"{'Shut down' if _goes_off(s) else 'Restart'} the {s.label}"

    return PreviewSpec(title, _stop, _way_back, reads=reads)


def _changing(reads: Reads) -> PreviewSpec:
    def way_back(s: Subject) -> str:
        if "networkAddress" in s.arguments:
            return "It can be changed back only while the service can still reach it."
        return f"It can be changed back{', if the old password is known' if 'credentials' in s.arguments else ''}."

    def every(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
        return [*reads(arguments, target), *in_use.address_reads(arguments, target)]

    return PreviewSpec("Change the {target}", _change, way_back, reads=every)


TABLE: Mapping[str, PreviewSpec] = {
    "DataOrchestratorReboot": _stopping(_orchestrator_reads),
    "DataOrchestratorShutdown": _stopping(_orchestrator_reads),
    "ProtectionStoreGatewayRestartGuestOS": _stopping(reads_of_host),
    "ProtectionStoreGatewayShutdownGuestOS": _stopping(reads_of_host),
    "DataOrchestratorDelete": PreviewSpec(
        "Delete the {target}",
        _delete_orchestrator,
        "It cannot be taken back; an orchestrator must be installed and registered anew.",
        reads=_orchestrator_reads,
    ),
    "DataOrchestratorRecover": PreviewSpec(
        lambda s: f"Recover the {s.label} onto the appliance whose activation id is given (sid, not shown)",
        _recover_orchestrator,
        "This cannot be undone.",
        reads=_orchestrator_reads,
    ),
    "UnregisterApplicationHost": PreviewSpec(
        "Unregister the {target}",
        _remove_host,
        "It can be registered anew; whether its databases then find their recovery points, nobody says.",
        reads=_host_reads,
    ),
    "ApplicationHostUpdate": _changing(_host_reads),
    "MSSQLInstanceUpdate": _changing(_instance_reads),
    "StoreOnceUpdate": _changing(reads_of_host),
}
