"""What making something means: policies, groups, copies, stores, appliances; and what exists already.

These calls are harmless in plain use. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .model import Finding, PreviewSpec, Subject, each, grave
from .phrases import item_at, label, listed, name_of, objects, quoted
from .reads import KINDS, OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target

APPLIANCES = ("protection-store-gateways", "storeonces", "data-orchestrators", "application-hosts")  # have addresses


@dataclass(frozen=True)
class Creation:
    """What an operation makes: the collection it joins, the property that names it, whether it has an address."""

    collection: str
    naming: str = "name"
    addressed: bool = False

    @property
    def what(self) -> str:
        """What people call it."""
        return KINDS[self.collection]

    def reads(self, arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
        """What exists that could have the name or the address, and the members' present groups."""
        places = dict.fromkeys([self.collection, *(APPLIANCES if self.addressed else ())])
        specs = [ReadSpec(p, f"the {p.replace('-', ' ')} there are", f"{OWN}/{p}", WHOLE) for p in places]
        of_vms = self.collection == "virtual-machine-protection-groups" and objects(arguments.get("assets"))
        if of_vms or self.collection == "mssql-database-protection-groups":
            datastores = arguments.get("assetsCategory") == "VMFS_DATASTORES"
            place = f"{VIRTUALIZATION}/{'datastores' if datastores else 'virtual-machines'}"
            place = place if of_vms else f"{OWN}/mssql-databases"
            specs.append(ReadSpec("members", "what protects the members now", place, WHOLE))
        return specs


# TABLE: what is made by which operation
MADE: Mapping[str, Creation] = {
    "DataManagementTemplateCreate": Creation("protection-policies"),
    "VmProtectionGroupCreate": Creation("virtual-machine-protection-groups"),
    "VolumeProtectionGroupCreate": Creation("volume-protection-groups"),
    "MSSQLDatabaseProtectionGroupCreate": Creation("mssql-database-protection-groups"),
    "ProtectionStoreCreate": Creation("protection-stores", "displayName"),
    "ProtectionStoreGatewayCreate": Creation("protection-store-gateways", addressed=True),
    "StoreOnceCreate": Creation("storeonces", addressed=True),
    "ApplicationHostCreate": Creation("application-hosts", addressed=True),
    "DataOrchestratorCreate": Creation("data-orchestrators", "displayName"),
}
STORE = MADE["ProtectionStoreCreate"]


def _create(s: Subject) -> Iterator[Finding]:
    made = MADE[s.operation]
    yield from _namesakes(s, made)
    yield from _addresses(s)
    yield from _protected(s)
    if s.operation == "ProtectionStoreGatewayCreate":
        yield Finding("A VM is deployed on that vCenter; it takes up the room its size asks for.")


def _namesakes(s: Subject, made: Creation) -> Iterator[Finding]:
    """What has the name already."""
    name = s.arguments.get(made.naming)
    for one in s.read(made.collection).items if isinstance(name, str) else ():
        taken = [str(one.get(n)).casefold() for n in {made.naming, "name", "displayName"} if one.get(n)]
        if str(name).casefold() in taken and one.get("id") != s.resource.get("id"):
            yield grave(
                f"A {made.what} named {quoted(name)} EXISTS (id {cell(str(one.get('id')))}): "
                "the service refuses, or two of one name are mistaken for each other.",
                "the name exists",
                f"A {made.what} named {name_of(one)} EXISTS already.",
            )
            return


def _addresses(s: Subject) -> Iterator[Finding]:
    """Which appliance has the address already."""
    wanted = item_at(s.arguments, "vmConfig", "network", "networkAddress") or s.arguments.get("networkAddress")
    for place in APPLIANCES if isinstance(wanted, str) and wanted else ():
        for one in s.read(place).items:
            if str(wanted).casefold() in {str(address).casefold() for address in addresses_of(one)}:
                head, tail = f"ADDRESS IN USE: {cell(str(wanted))} is that of", "one of the two is cut off."
                words = f"{head} the {label(KINDS[place], one)}; {tail}"
                yield grave(words, "address in use", f"{head} {name_of(one)}; {tail}")


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
    wanted = [m for f in ("assets", "members") for m in objects(s.arguments.get(f))]
    chosen = {str(m.get("id") or str(m.get("resourceUri", "")).rpartition("/")[2]) for m in wanted}
    holders = ("protectionJobInfo", "vmProtectionGroupsInfo", "mssqlDatabaseProtectionGroupInfo")
    listed_members = s.read("members")
    members = [m for m in listed_members.items if str(m.get("id")) in chosen]
    if listed_members.available and not listed_members.whole and (left := len(chosen) - len(members)) > 0:
        words = f"WHETHER {left:,} OF THE MEMBERS ARE PROTECTED ALREADY IS NOT KNOWN: not all there is was read."
        yield grave(words, "not all members were read")
    if held := [m for m in members if any(m.get(holder) for holder in holders)]:
        count = f"{len(held):,} of {len(chosen):,} members"
        words = f"PROTECTED ALREADY, by a job or group of their own: {count} ({listed(map(name_of, held))})."
        yield grave(words, "protected already", f"PROTECTED ALREADY: {count}.")


def _plain(s: Subject) -> Iterator[Finding]:
    """Something is read anew, started or examined: nothing is lost by it."""
    if s.tool.description:
        yield Finding(cell(s.tool.description, 300))


def _title(s: Subject) -> str:
    made = MADE[s.operation]
    name = s.arguments.get(made.naming) or s.arguments.get("networkAddress")
    return f"Create {'an' if made.what[0] in 'aeiou' else 'a'} {made.what} named {quoted(name)}"


def _copy_title(s: Subject) -> str:
    what = "backup" if s.tool.name.endswith("_backup") else "snapshot"
    return f"Create a {what} named {quoted(s.arguments.get('name'))} of the {s.label}"


def _copy_facts(s: Subject) -> Iterator[str]:
    if volumes := objects(s.resource.get("assets")):
        yield f"{units.plural(len(volumes), 'volume')} in it"


def _plain_title(s: Subject) -> str:
    return f"{s.tool.title.rstrip('.')}" + (f": {s.label}" if s.target.path else "")


COPY = PreviewSpec(
    _copy_title,
    reversibility=lambda s: f"It can be deleted again{', unless it is locked' if s.arguments.get('lockFor') else ''}.",
    facts=_copy_facts,
)
PLAIN = PreviewSpec(_plain_title, _plain, "Nothing is lost by it.", facts=lambda _subject: ())
TABLE: Mapping[str, PreviewSpec] = {
    **{
        operation: PreviewSpec(
            _title,
            _create,
            f"It can be deleted again{' while it is empty' if made.what == 'protection store' else ''}.",
            reads=made.reads,
        )
        for operation, made in MADE.items()
    },
    "ProtectionStoreEdit": PreviewSpec(
        "Change the {target}",
        lambda s: _namesakes(s, STORE),
        "It can be changed back.",
        facts=lambda _subject: (),
        reads=STORE.reads,
    ),
    "VpgBackupCreate": COPY,
    "VpgSnapshotCreate": COPY,
    **each(
        """RefreshApplicationHost RefreshMSSQLDatabase RefreshMSSQLInstance StoreOnceReferesh VmProtectionGroupRefresh
        VolumeProtectionGroupRefresh ProtectionStoreGatewayPowerOn ProtectionStoreGatewayPing
        ProtectionStoreGatewayTraceroute ProtectionStoreGatewayGenerateSupportBundle SupportBundleCreate""",
        PLAIN,
    ),
}
