"""What making something means: policies, groups, copies, stores, appliances; and what exists already.

These calls are harmless in plain use. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import in_use
from .jobs import room
from .model import Finding, PreviewSpec, Subject, each, grave
from .phrases import a_thing, as_shown, label, objects, quoted
from .places import MEMBERS
from .policies import sourceless
from .reads import KINDS, ReadSpec, Target
from .schedule_facts import contradiction
from .tenant_facts import STORES

# TABLE: what is made by which operation: the collection that it joins
MADE: Mapping[str, str] = {
    "DataManagementTemplateCreate": "protection-policies",
    "VmProtectionGroupCreate": "virtual-machine-protection-groups",
    "VolumeProtectionGroupCreate": "volume-protection-groups",
    "MSSQLDatabaseProtectionGroupCreate": "mssql-database-protection-groups",
    "ProtectionStoreCreate": "protection-stores",
    "ProtectionStoreGatewayCreate": "protection-store-gateways",
    "StoreOnceCreate": "storeonces",
    "ApplicationHostCreate": "application-hosts",
    "DataOrchestratorCreate": "data-orchestrators",
}


def _made(collection: str) -> PreviewSpec:
    """The preview of making something that joins a collection."""

    def reads(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
        specs = in_use.name_reads(arguments, target, collection)
        if collection in in_use.APPLIANCES:
            specs = list({spec.name: spec for spec in (*specs, *in_use.address_reads(arguments, target))}.values())
        if any(objects(arguments.get(name)) for name in (*MEMBERS, "nativeAppInfo")):
            specs += in_use.member_reads(collection, arguments.get("assetsCategory"))
        return specs

    def title(s: Subject) -> str:
        what = KINDS[collection]
        name = s.arguments.get(in_use.naming(collection)) or s.arguments.get("networkAddress")
        return f"Create {a_thing(what)}" + (f" named {quoted(name)}" if name else "")

    def findings(s: Subject) -> Iterator[Finding]:
        yield from in_use.name_in_use(s, collection)
        yield from in_use.address_in_use(s)
        yield from in_use.protected_members(s, in_use.added_members(s), None)
        yield from (*in_use.foreign_members(s), *in_use.unlisted_members(s), *_registered_already(s, collection))
        yield from sourceless(s)
        if collection == "protection-store-gateways":
            yield Finding("A VM is deployed on that vCenter; it takes up the room its size asks for.")

    back = f"It can be deleted again{' while it is empty' if collection == 'protection-stores' else ''}."
    return PreviewSpec(title, findings, back, forbidden=lambda s: contradiction(s.arguments), reads=reads)


def _registered_already(s: Subject, collection: str) -> Iterator[Finding]:
    """What has the serial number already that the request gives."""
    wanted = as_shown(s.arguments.get("serialNumber") or "")
    for one in s.read(collection).items:
        if wanted and as_shown(one.get("serialNumber")) == wanted:
            words = f"The {label(KINDS[collection], one)} has that serial number: it is registered already."
            yield grave(words, "registered already", words)


def _copy_title(s: Subject) -> str:
    what = "backup" if s.tool.name.endswith("_backup") else "snapshot"
    return f"Create a {what} named {quoted(s.arguments.get('name'))} of the {s.label}"


def _copy_facts(s: Subject) -> Iterator[str]:
    if volumes := objects(s.resource.get("assets")):
        yield f"{units.plural(len(volumes), 'volume')} in it"


def _plain_title(s: Subject) -> str:
    return f"{s.tool.title.rstrip('.')}" + (f": {s.label}" if s.target.path else "")


LOCKED = "cannot be deleted before its lock ends"
COPY = PreviewSpec(
    _copy_title,
    lambda s: room(s, [s.arguments.get("protectionStoreId")]),
    lambda s: f"It {'can be deleted again' if s.arguments.get('lockFor') is None else LOCKED}.",
    _copy_facts,
    reads=lambda arguments, _target: [STORES] if arguments.get("protectionStoreId") else [],
)
PLAIN = PreviewSpec(
    _plain_title,
    lambda s: (Finding(cell(s.tool.description, 300)),) if s.tool.description else (),
    "Nothing is lost by it.",
    facts=lambda _subject: (),
)
TABLE: Mapping[str, PreviewSpec] = {
    **{operation: _made(collection) for operation, collection in MADE.items()},
    "ProtectionStoreEdit": PreviewSpec(
        "Change the {target}",
        in_use.name_in_use,
        "It can be changed back.",
        facts=lambda _subject: (),
        reads=in_use.name_reads,
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
