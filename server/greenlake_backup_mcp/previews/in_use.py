"""What a request would meet that is there already: a name that is taken, an address in use, members protected already.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .model import Finding, Subject, grave, notable
from .phrases import as_shown, item_at, label, names, objects, quoted
from .places import MEMBERS
from .reads import KINDS, OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target, identity_of

APPLIANCES = ("protection-store-gateways", "storeonces", "data-orchestrators", "application-hosts")  # have addresses
NAMING = {"protection-stores": "displayName", "data-orchestrators": "displayName"}  # what names; others have `name`
GROUPS = ("vmProtectionGroupsInfo", "mssqlDatabaseProtectionGroupInfo")
PLACED = {"nic", "network", "networkAddress", "vmConfig"}  # arguments that may give a machine an address
ELSEWHERE = {"proxy", "dns", "ntp", "nameServers", "ntpServers"}  # addresses of other machines


# --- names ------------------------------------------------------------------------------------------------------------


def name_reads(arguments: Mapping[str, Any], target: Target, collection: str = "") -> list[ReadSpec]:
    """What could have the name that a request gives, in a collection; in the target's where none is named."""
    collection = collection or identity_of(target.path)[0]
    if not isinstance(arguments.get(naming(collection)), str):
        return []
    return [_existing(collection)]


def naming(collection: str) -> str:
    """The property that names what is in a collection."""
    return NAMING.get(collection, "name")


def name_in_use(s: Subject, collection: str = "") -> Iterator[Finding]:
    """What else has the name already that the request gives."""
    collection = collection or identity_of(s.target.path)[0]
    name, what = as_shown(s.arguments.get(naming(collection))), KINDS.get(collection, "resource")
    for one in s.read(collection).items:
        taken = {as_shown(one[n]) for n in ("name", "displayName") if one.get(n)}
        if name in taken and one.get("id") != s.resource.get("id"):
            words = f"A {what} named {quoted(s.arguments[naming(collection)])} EXISTS (id {cell(str(one.get('id')))}): "
            words += "the service refuses, or two of one name are mistaken for each other."
            yield grave(words, "the name exists", f"A {what} named {quoted(one.get('name'), 60)} EXISTS already.")
            return


# --- addresses --------------------------------------------------------------------------------------------------------


def address_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """What could have an address that a request gives."""
    return [_existing(place) for place in APPLIANCES] if PLACED & set(arguments) else []


def _existing(collection: str) -> ReadSpec:
    return ReadSpec(collection, f"the {collection.replace('-', ' ')} there are", f"{OWN}/{collection}", WHOLE)


def address_in_use(s: Subject) -> Iterator[Finding]:
    """Which appliance or host has an address already that the request gives; of a new machine, or of the target."""
    wanted = {
        leaf.after: cell(str(leaf.after))
        for leaf in s.difference.leaves
        if leaf.name == "networkAddress" and isinstance(leaf.after, str) and not ELSEWHERE & set(leaf.names)
    }
    for place in APPLIANCES if wanted else ():
        for one in s.read(place).items:
            present = {str(address).casefold() for address in addresses_of(one)}
            for address in (text for value, text in wanted.items() if value.casefold() in present):
                own = one.get("id") == s.resource.get("id")
                head, tail = f"ADDRESS IN USE: {address} is that of", "one of the two is cut off."
                name = quoted(one.get("name") or one.get("displayName"), 50)
                whose, brief = f"the {label(KINDS[place], one)}", name
                if own:
                    whose = brief = "another of its own interfaces"
                yield grave(f"{head} {whose}; {tail}", "address in use", f"{head} {brief}; {tail}")


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
    return str(member.get("id") or str(member.get("resourceUri", "")).rpartition("/")[2])
