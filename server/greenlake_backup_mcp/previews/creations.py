"""What making something means: policies, groups, copies, stores, appliances; and what exists already.

These calls are harmless in plain use. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, Gravity, Judgement, Subject, counted, item_at, label, name_of, not_known, objects, quoted
from .reads import OWN, VIRTUALIZATION, ReadSpec

ALL = (("limit", "1000"),)
WHAT = {  # operation -> what it makes, the collection it joins, the property that names it
    "DataManagementTemplateCreate": ("protection policy", "protection-policies", "name"),
    "VmProtectionGroupCreate": ("VM protection group", "virtual-machine-protection-groups", "name"),
    "VolumeProtectionGroupCreate": ("volume protection group", "volume-protection-groups", "name"),
    "MSSQLDatabaseProtectionGroupCreate": ("SQL database protection group", "mssql-database-protection-groups", "name"),
    "ProtectionStoreCreate": ("protection store", "protection-stores", "displayName"),
    "ProtectionStoreEdit": ("protection store", "protection-stores", "displayName"),
    "ProtectionStoreGatewayCreate": ("protection store gateway", "protection-store-gateways", "name"),
    "StoreOnceCreate": ("StoreOnce", "storeonces", "name"),
    "ApplicationHostCreate": ("application host", "application-hosts", "name"),
    "DataOrchestratorCreate": ("data orchestrator", "data-orchestrators", "displayName"),
}
APPLIANCES = ("protection-store-gateways", "storeonces", "data-orchestrators", "application-hosts")  # have addresses
ADDRESSED = ("ProtectionStoreGatewayCreate", "StoreOnceCreate", "ApplicationHostCreate")


def reads_for(operation: str, arguments: Mapping[str, Any]) -> list[ReadSpec]:
    """What exists that could have the name or the address, and the members' present groups."""
    _, collection, _ = WHAT[operation]
    places = dict.fromkeys([collection, *(APPLIANCES if operation in ADDRESSED else ())])
    found = [ReadSpec(place, f"the {place.replace('-', ' ')} there are", f"{OWN}/{place}", ALL) for place in places]
    if operation == "VmProtectionGroupCreate" and objects(arguments.get("assets")):
        place = "datastores" if arguments.get("assetsCategory") == "VMFS_DATASTORES" else "virtual-machines"
        found.append(ReadSpec("members", "what protects the members now", f"{VIRTUALIZATION}/{place}", ALL))
    if operation == "MSSQLDatabaseProtectionGroupCreate":
        found.append(ReadSpec("members", "what protects the members now", f"{OWN}/mssql-databases", ALL))
    return found


def judge_create(s: Subject) -> Judgement:
    """Something new is made."""
    operation = s.tool.operation.id if s.tool.operation else ""
    what, collection, naming = WHAT[operation]
    name = s.arguments.get(naming) or s.arguments.get("networkAddress")
    findings = [*_namesakes(s, what, collection, naming), *_addresses(s), *_protected(s)]
    if operation == "ProtectionStoreGatewayCreate":
        findings.append(Finding("A VM is deployed on that vCenter; it takes up the room its size asks for."))
    return Judgement(
        title=f"Create {'an' if what[0] in 'aeiou' else 'a'} {what} named {quoted(name)}",
        findings=findings,
        reversibility="It can be deleted again."
        if what != "protection store"
        else "It can be deleted again while it is empty.",
        unknown=not_known(*(f for n, f in s.facts.items() if not n.startswith("name "))),
    )


def judge_rename(s: Subject) -> Judgement:
    """A store gets another display name."""
    return Judgement(
        title=f"Change the {s.label}",
        findings=list(_namesakes(s, "protection store", "protection-stores", "displayName")),
        reversibility="It can be changed back.",
    )


def judge_copy(s: Subject) -> Judgement:
    """A copy of a volume group is made."""
    what = "backup" if s.tool.name.endswith("_backup") else "snapshot"
    return Judgement(
        title=f"Create a {what} named {quoted(s.arguments.get('name'))} of the {s.label}",
        facts=(f"{counted(len(objects(s.resource.get('assets'))), 'volume')} in it",)
        if s.resource.get("assets")
        else (),
        reversibility="It can be deleted again, unless it is locked."
        if s.arguments.get("lockFor")
        else "It can be deleted again.",
    )


def judge_plain(s: Subject) -> Judgement:
    """Something is read anew, started or examined: nothing is lost by it."""
    return Judgement(
        title=f"{s.tool.title.rstrip('.')}" + (f": {s.label}" if s.target.path else ""),
        findings=[Finding(cell(s.tool.description, 300))] if s.tool.description else [],
        reversibility="Nothing is lost by it.",
    )


def _namesakes(s: Subject, what: str, collection: str, naming: str) -> Iterator[Finding]:
    """What has the name already."""
    name = s.arguments.get(naming)
    for one in s.found(collection).items if isinstance(name, str) else ():
        taken = [str(one.get(n)).casefold() for n in {naming, "name", "displayName"} if one.get(n)]
        if str(name).casefold() in taken and one.get("id") != s.resource.get("id"):
            yield Finding(
                f"A {what} named {quoted(name)} EXISTS (id {cell(str(one.get('id')))}): "
                "the service refuses, or two of one name are mistaken for each other.",
                Gravity.GRAVE,
                "the name exists",
                f"A {what} named {name_of(one)} EXISTS already.",
                Danger.DISRUPT,
            )
            return


def _addresses(s: Subject) -> Iterator[Finding]:
    """Which appliance has the address already."""
    given = item_at(s.arguments, "vmConfig", "network", "networkAddress") or s.arguments.get("networkAddress")
    if not isinstance(given, str) or not given:
        return
    for place in APPLIANCES:
        for one in s.found(place).items:
            if given.casefold() in {str(a).casefold() for a in addresses_of(one)}:
                yield Finding(
                    f"ADDRESS IN USE: {cell(given)} is that of the "
                    f"{label(place.replace('-', ' ').removesuffix('s'), one)}; one of the two is cut off.",
                    Gravity.GRAVE,
                    "address in use",
                    f"ADDRESS IN USE: {cell(given)} is that of {name_of(one)}; one of the two is cut off.",
                    Danger.DISRUPT,
                )


def addresses_of(system: Mapping[str, Any]) -> Iterator[Any]:
    """The addresses of an appliance or host."""
    for nic in (
        *objects(item_at(system, "network", "nics")),
        *objects(item_at(system, "interfaces", "network", "nic")),
        *objects(system.get("networkInterfaces")),
    ):
        yield from (nic[n] for n in ("networkAddress", "address") if nic.get(n))
    yield from (system[n] for n in ("networkAddress", "hostname") if system.get(n))
    if host := item_at(system, "network", "hostname"):
        yield host


def _protected(s: Subject) -> Iterator[Finding]:
    """Which members are protected already."""
    chosen = {
        str(m.get("id") or str(m.get("resourceUri", "")).rpartition("/")[2])
        for f in ("assets", "members")
        for m in objects(s.arguments.get(f))
    }
    known = [m for m in s.found("members").items if str(m.get("id")) in chosen]
    held = [
        m
        for m in known
        if m.get("protectionJobInfo")
        or objects(m.get("vmProtectionGroupsInfo"))
        or m.get("mssqlDatabaseProtectionGroupInfo")
    ]
    if held:
        listed = ", ".join(name_of(m) for m in held[:12]) + (f" and {len(held) - 12:,} more" if len(held) > 12 else "")
        yield Finding(
            f"PROTECTED ALREADY, by a job or group of their own: {len(held):,} of {len(chosen):,} members ({listed}).",
            Gravity.GRAVE,
            "protected already",
            f"PROTECTED ALREADY: {len(held):,} of {len(chosen):,} members.",
            Danger.DISRUPT,
        )
