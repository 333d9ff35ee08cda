"""What a request would meet that is there already: a name that is taken, an address in use, members protected already.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .model import Finding, Subject, grave, notable
from .phrases import a_thing, as_shown, item_at, label, listed, names, objects, quoted
from .places import DATABASE, MEMBERS
from .reads import KINDS, OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target, identity_of

APPLIANCES = ("protection-store-gateways", "storeonces", "data-orchestrators", "application-hosts")  # have addresses
NAMING = {"protection-stores": "displayName", "data-orchestrators": "displayName"}  # what names; others have `name`
GROUPS = ("vmProtectionGroupsInfo", "mssqlDatabaseProtectionGroupInfo")
MACHINES = {"nic", "network", "vmConfig"}  # arguments that give an address to a machine that is ours
PLACED = MACHINES | {"networkAddress"}  # arguments that name an address
REGISTERING = ("StoreOnceCreate", "ApplicationHostCreate")  # at an address that a machine has already
ELSEWHERE = {"proxy", "dns", "ntp", "nameServers", "ntpServers"}  # addresses of other machines
# TABLE: where appliances, hosts and VMs have addresses, and what is at them: "" for the machine itself
ADDRESSES = {"networkAddress": "", "address": "", "hostname": "", "gateway": "gateway", "defaultGateway": "gateway"}
VMS = ReadSpec("virtual-machines", "the VMs there are", f"{VIRTUALIZATION}/virtual-machines", WHOLE)
GATEWAYS = "protection-store-gateways"  # each of which is a VM


# --- names ------------------------------------------------------------------------------------------------------------


def name_reads(arguments: Mapping[str, Any], target: Target, collection: str = "") -> list[ReadSpec]:
    """What could have the name that a request gives, in a collection; in the target's where none is named."""
    collection = collection or identity_of(target.path)[0]
    if not isinstance(arguments.get(naming(collection)), str):
        return []
    return [_existing(collection), *([VMS] if collection == GATEWAYS else [])]


def naming(collection: str) -> str:
    """The property that names what is in a collection."""
    return NAMING.get(collection, "name")


def name_in_use(s: Subject, collection: str = "") -> Iterator[Finding]:
    """What else has the name already that the request gives."""
    collection = collection or identity_of(s.target.path)[0]
    wanted = s.arguments.get(naming(collection))
    keeps_its_name = as_shown(wanted) == as_shown(s.resource.get("name"))  # as the VM of a gateway has it
    for place in (collection, *([VMS.name] if collection == GATEWAYS and not keeps_its_name else [])):
        for one in s.read(place).items:
            taken = {as_shown(one[n]) for n in ("name", "displayName") if one.get(n)}
            if as_shown(wanted) in taken and one.get("id") != s.resource.get("id"):
                head = f"{a_thing(KINDS.get(place, 'resource'))} named"
                head = f"{head[:1].upper()}{head[1:]}"
                words = f"{head} {quoted(wanted)} EXISTS (id {cell(str(one.get('id')))}): "
                words += "the service refuses, or two of one name are mistaken for each other."
                yield grave(words, "the name exists", f"{head} {quoted(one.get('name'), 60)} EXISTS already.")
                break


# --- addresses --------------------------------------------------------------------------------------------------------


def address_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """What could have an address that a request gives."""
    vms = [VMS] if MACHINES & set(arguments) else []
    return [*map(_existing, APPLIANCES), *vms] if PLACED & set(arguments) else []


def _existing(collection: str) -> ReadSpec:
    return ReadSpec(collection, f"the {collection.replace('-', ' ')} there are", f"{OWN}/{collection}", WHOLE)


def address_in_use(s: Subject) -> Iterator[Finding]:
    """What has an address already that the request gives: a machine, or what machines reach the network through."""
    leaves = [leaf for leaf in s.difference.leaves if isinstance(leaf.after, str) and not ELSEWHERE & set(leaf.names)]
    wanted = {_address(leaf.after): cell(leaf.after) for leaf in leaves if leaf.name == "networkAddress"}
    through = {_address(leaf.after) for leaf in leaves if leaf.name in ("gateway", "defaultGateway")}
    then = "the same machine is registered twice." if s.operation in REGISTERING else "one of the two is cut off."
    for address in (address for address in wanted if address in through):
        words = f"ADDRESS IN USE: {wanted[address]} is its own gateway; its whole network is cut off."
        yield grave(words, "address in use", words)
    for place in (*APPLIANCES, VMS.name) if wanted else ():
        for one in s.read(place).items:
            if place == VMS.name and as_shown(one.get("name")) == as_shown(s.resource.get("name")):
                continue  # the VM that the target is
            for address, role in dict.fromkeys(a for a in addresses_of(one) if a[0] in wanted):
                head, brief = f"ADDRESS IN USE: {wanted[address]} is that of", quoted(one.get("name"), 50)
                whose = f"the {label(KINDS[place], one)}"
                if role:
                    head, then = head.replace("that of", f"the {role} of"), "its network is cut off."
                elif one.get("id") == s.resource.get("id"):
                    whose = brief = "another of its own interfaces"
                yield grave(f"{head} {whose}; {then}", "address in use", f"{head} {brief}; {then}")
    if wanted and s.read(VMS.name).available and not s.read(VMS.name).whole:
        yield notable("Whether another VM has that address is not known: not all VMs were read.")


def _address(value: Any) -> str:
    """An address as machines compare it: `010.1.0.040` and `::ffff:10.1.0.40` are `10.1.0.40`."""
    text = str(value).strip().rstrip(".").casefold()
    with suppress(ValueError):
        address = ip_address(re.sub(r"(?<![0-9a-f:])0+(?=\d)", "", text))
        return str(getattr(address, "ipv4_mapped", None) or address)
    return text


def addresses_of(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The addresses of an appliance, host or VM (role ""), and those that it reaches the network through."""
    inside = (system.get("network"), item_at(system, "interfaces", "network"))
    networks = [one for one in inside if isinstance(one, Mapping)]
    nics = [nic for one in networks for name in ("nics", "nic") for nic in objects(one.get(name))]
    nics += objects(system.get("networkInterfaces"))
    for holder in (system, *networks, *nics):
        for name, role in ADDRESSES.items():
            if isinstance(holder.get(name), str):
                yield _address(holder[name]), role
        for server in (*objects(holder.get("dns")), *objects(holder.get("nameServers"))):
            yield _address(server.get("networkAddress")), "name server"


# --- members ----------------------------------------------------------------------------------------------------------


def member_reads(collection: str, category: Any = None) -> list[ReadSpec]:
    """What tells of the members of groups of a collection what protects them now."""
    places = {
        "virtual-machine-protection-groups": f"{VIRTUALIZATION}/virtual-machines",
        "mssql-database-protection-groups": f"{OWN}/mssql-databases",
        "volume-protection-groups": f"{OWN}/volume-protection-groups",  # volumes are read by no API of this service
    }
    place = f"{VIRTUALIZATION}/datastores" if category == "VMFS_DATASTORES" else places.get(collection)
    return [ReadSpec("members", "what protects the members now", place, WHOLE)] if place else []


def foreign_members(s: Subject) -> Iterator[Finding]:
    """Which members of a group of databases are no databases of this service, by their addresses."""
    uris = [str(m["resourceUri"]) for m in objects(s.arguments.get("members")) if m.get("resourceUri")]
    if foreign := [uri for uri in uris if not re.fullmatch(DATABASE, uri)]:
        yield notable(f"No addresses of SQL databases of this service: {listed(quoted(uri) for uri in foreign)}.")


def unlisted_members(s: Subject) -> Iterator[Finding]:
    """Who gets into a new group that lists no members, as far as that can be read."""
    instance = item_at(s.arguments, "nativeAppInfo", "id")
    if item_at(s.arguments, "nativeAppInfo", "type") == "MSSQL_INSTANCE" and s.read("members").whole:
        inside = {identify(d) for d in s.read("members").items if item_at(d, "instanceInfo", "id") == instance}
        yield from protected_members(s, inside, None)
    elif any(s.arguments.get(name) for name in ("nativeAppInfo", "nativeGroupInfo", "dynamicMemberFilter")):
        words = "WHO GETS INTO IT IS NOT KNOWN, nor whether a job protects them already."
        yield grave(words, "members not known", words)


def added_members(s: Subject) -> set[str]:
    """The ids of the members that a request gives and its group does not have."""
    present = {identify(m) for name in MEMBERS for m in objects(s.resource.get(name))}
    return {identify(m) for name in MEMBERS for m in objects(s.arguments.get(name))} - present


def protected_members(s: Subject, chosen: set[str], holder: Any) -> Iterator[Finding]:
    """Which of these members something else protects than the holder, or holds without protecting them."""
    result = s.read("members")
    items: Iterable[Mapping[str, Any]] = result.items
    if any("volumeProtectionGroupType" in group for group in items):  # of volumes their groups tell
        job = "protectionJobInfo"
        others = [g for g in items if g.get("id") != holder]
        items = [{**m, job: g.get(job), GROUPS[0]: [g]} for g in others for m in objects(g.get("assets"))]
    members = [m for m in items if identify(m) in chosen]
    left = len(chosen) - len(members)
    if result.available and not result.whole and left > 0:
        words = f"WHETHER {left:,} OF THE MEMBERS ARE PROTECTED ALREADY IS NOT KNOWN: not all there is was read."
        yield grave(words, "not all members were read")
    groups = {
        identify(m): [g for name in GROUPS for g in objects(m.get(name)) if g.get("id") != holder] for m in members
    }
    if protected := [m for m in members if _is_protected(m, groups[identify(m)], holder)]:
        count = f"{len(protected):,} of {units.plural(len(chosen), 'member')}"
        words = f"PROTECTED ALREADY, by a job of their own or of a group: {count} ({names(protected)})."
        yield grave(words, "protected already", f"PROTECTED ALREADY: {count}.", kind="LOST")
    if grouped := [m for m in members if m not in protected and groups[identify(m)]]:
        yield notable(f"In another group already, which nothing protects: {names(grouped)}.")


def _is_protected(asset: Mapping[str, Any], groups: list[Mapping[str, Any]], holder: Any) -> bool:
    """Whether something else than the holder protects an asset: in doubt what a group protects counts."""
    if applied := objects(asset.get("protectionPolicyAppliedAtInfo")):
        return any(one.get("id") != holder for one in applied)
    return bool(asset.get("protectionJobInfo") or (groups and asset.get("protectionStatus") != "UNPROTECTED"))


def identify(member: Mapping[str, Any]) -> str:
    """The id of a member, which some lists give in a URI only."""
    return str(member.get("id") or str(member.get("resourceUri", "")).rstrip("/").rpartition("/")[2])
