"""Where a restore goes: what is read for it, what is there already and would be overwritten, whether there is room.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell, clean
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import Finding, Subject, grave, notable
from .phrases import as_shown, item_at, joined, label, listed, name_of, objects, quoted
from .reads import OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target, identity_of, literal, path_of
from .tenant_facts import STORES

COPIES = {  # argument -> the collection its copy is in
    "backupId": "backups",
    "snapshotId": "snapshots",
    "vpgBackupId": "backups",
    "vpgSnapshotId": "snapshots",
}
COLLECTIONS = {"clusterId": "/hypervisor-clusters", "hostId": "/hypervisor-hosts", "datastoreId": "/datastores"}
PLACES = ("targetVmInfo", "targetDatastoreInfo", "targetDatabaseInfo", "targetInfo")
ALTERNATE_ONLY = ("targetVmInfo", "targetDatastoreInfo", "targetDatabaseInfo", "namePrefix", "namePostfix")


def copy_and_place(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The copy that is used (the code is bound to it), and what is there already where it would go."""
    collection, identity = identity_of(target.path)
    specs = [
        ReadSpec("copy", f"the {place[:-1]}", path_of(OWN, collection, identity, place, arguments[name]), decides=True)
        for name, place in COPIES.items()
        if isinstance(arguments.get(name), str) and arguments[name]
    ][:1]
    vm, datastore = _target_vm(arguments), _datastore(arguments)
    if isinstance(vm, str) and vm and vm != identity:
        path = path_of(VIRTUALIZATION, "virtual-machines", vm)
        specs.append(ReadSpec("into", "the VM restored into", path, decides=True))
    if isinstance(datastore, str) and datastore:
        path = path_of(VIRTUALIZATION, "datastores", datastore)
        specs.append(ReadSpec("onto", "the datastore restored onto", path, decides=True))
    if target.kind == "datastore":
        query = (("filter", f"appInfo/vmware/datastoresInfo/id eq {literal(identity)}"), *WHOLE)
        specs.append(ReadSpec("vms", "the VMs on it", path_of(VIRTUALIZATION, "virtual-machines"), query))
    return [*specs, *_namesakes(arguments, target), STORES]


def _namesakes(arguments: Mapping[str, Any], target: Target) -> Iterator[ReadSpec]:
    """What has the name already that the call gives to what it makes."""
    place = {"VM": "virtual-machines", "datastore": "datastores"}.get(target.kind)
    name = _new_name(arguments)
    if arguments.get("restoreType") != "ALTERNATE" or not isinstance(name, str):
        return
    if place:
        query = (("filter", f"name eq {literal(clean(name).strip())}"), ("limit", "20"))
        path = path_of(VIRTUALIZATION, place)
        yield ReadSpec("namesakes", f"whether a {target.kind} of that name exists", path, query)
        every = (*WHOLE, ("select", "id,name,state"))  # vCenter tells no upper from lower case, and the filter does
        yield ReadSpec("every name", f"the names of all {target.kind}s", path, every)
    elif target.kind == "SQL database":
        yield ReadSpec("namesakes", "whether a database of that name exists", f"{OWN}/mssql-databases", WHOLE)


def _new_name(arguments: Mapping[str, Any]) -> Any:
    return next((name for place in PLACES if (name := item_at(arguments, place, "name"))), None)


def _target_vm(arguments: Mapping[str, Any]) -> Any:
    """The id of the VM that disks or files are written into, where the call names one."""
    return arguments.get("targetVmId") or item_at(arguments, "targetInfo", "virtualMachineId")


def _datastore(arguments: Mapping[str, Any]) -> Any:
    """The id of the datastore that what is made is put on, where the call names one."""
    ids = (item_at(arguments, place, "appInfo", "vmware", "datastoreId") for place in PLACES)
    return next((identity for identity in ids if identity), None)


def is_over(s: Subject) -> bool:
    """Whether a restore goes over what it is of."""
    return s.arguments.get("restoreType") != "ALTERNATE"


# --- what is there ----------------------------------------------------------------------------------------------------


def overwritten(s: Subject, what: str, brief: str = "", *, foreign: bool = False, holds: str = "it holds") -> Finding:
    """That something present is overwritten, and since when what was written to it is lost. `brief`: what, shortly.

    `foreign`: the recovery point is not of it, so that all that it `holds` is lost, not what was written since.
    """
    taken, until = lost_since(s)
    words = f"OVERWRITTEN with the recovery point: {what}; how old that is, is not known."
    short = f"OVERWRITES {brief or what}; how old the recovery point is, is not known."
    if taken is not None:
        when = times.describe_when(taken, s.now)
        lost = f"ALL {holds} is LOST" if foreign else "everything written since then is LOST"
        words = f"OVERWRITTEN with the {'state' if until else 'recovery point'} of {when}: {what}; {lost}."
        short = f"OVERWRITES {brief or what}; what was written since {taken:%Y-%m-%d %H:%M} UTC is LOST."
    if foreign:
        short = f"OVERWRITES {brief or what}: ALL {holds} is LOST."
    return grave(words, "overwrites", short, Danger.DESTROY)


def lost_since(s: Subject) -> tuple[datetime | None, bool]:
    """Since when what was written is lost: the recovery point, or a later point that its log is applied until."""
    taken = units.parse_time(s.read("copy").resource.get("pointInTime"))
    until = units.parse_time(s.arguments.get("restoreUntil"))
    return (until, True) if until and taken and taken < until < s.now else (taken, False)


def room_on_datastore(s: Subject, needed: Any) -> Iterator[Finding]:
    """Whether what is made finds room on the datastore that it is put on. `needed`: bytes."""
    datastore = s.read("onto").resource
    free = units.number(datastore.get("capacityFree"))
    if free is not None and isinstance(needed, (int, float)) and needed > free:
        what = f"{units.size(needed)} at most, and {units.size(free)} are free on datastore {name_of(datastore)}"
        yield grave(f"NO ROOM: it takes {what}.", "a datastore without room", f"NO ROOM: it takes {what}.")


def namesakes(s: Subject) -> Iterator[Finding]:
    """What has the name already that an ALTERNATE restore gives to what it makes."""
    name = _new_name(s.arguments)
    own = [] if s.resource.get("state") == "DELETED" else [s.resource]
    every = s.read("every name")
    if every.available and not every.whole:
        yield notable(
            f"Names were compared in capitals or not with the first {len(every.items):,} {s.target.kind}s only."
        )
    for one in {str(one.get("id")): one for one in (*every.items, *s.read("namesakes").items, *own)}.values():
        if as_shown(one.get("name")) == as_shown(name) and one.get("state") != "DELETED":
            yield grave(
                f"A {s.target.kind} named {quoted(name)} EXISTS (id {cell(str(one.get('id')))}): the service refuses, "
                "makes a second of that name, or overwrites it; no document says which.",
                "the name exists",
                f"A {s.target.kind} named {quoted(name, 50)} EXISTS; what becomes of it, no document says.",
                Danger.DESTROY,
            )


def unused_place(s: Subject) -> Iterator[Finding]:
    """That a restore over the original names a place or a name for something new, which there is not."""
    names = [name for name in ALTERNATE_ONLY if s.arguments.get(name) not in (None, "", {}, False)]
    names += ["targetInfoOverrides"] * any(
        o.get("targetInfoOverrides") for o in objects(s.arguments.get("recoveryInfo"))
    )
    if is_over(s) and names:
        verb = "is" if len(names) == 1 else "are"
        yield notable(
            f"{joined(names)} {verb} for ALTERNATE restores only, and this one goes over the original: the "
            "service refuses the call, or does not heed what is asked there."
        )


def check_places(s: Subject) -> Iterator[Finding]:
    """That a cluster, host or datastore named for what is made does not exist, or is of another vCenter."""
    managers: dict[str, str] = {}
    for leaf in s.difference.leaves:
        if leaf.name == "hypervisorManagerId":
            managers["the vCenter named"] = str(leaf.after)
        if not (collection := COLLECTIONS.get(leaf.name)) or not isinstance(leaf.after, str):
            continue
        lists = [r for name, r in (("onto", s.read("onto")), *s.facts.items()) if collection in name or name == "onto"]
        every = [one for r in lists for one in (*r.items, r.resource)]
        word = leaf.name.removesuffix("Id")
        if one := next((one for one in every if one.get("id") == leaf.after), None):
            if manager := item_at(one, "hypervisorManagerInfo", "id"):
                managers[f"{word} {name_of(one)}"] = str(manager)
        elif leaf.after == s.resource.get("id") or any(r.whole and r.items for r in lists):
            yield notable(f"There is no {word} with the id {cell(leaf.after)}.")
    if len(set(managers.values())) > 1:
        which = f"{listed(managers)} are not all of one vCenter: the service is expected to refuse that."
        yield notable(which[:1].upper() + which[1:])


def name_into(s: Subject) -> str:
    """The VM that disks or files are written into."""
    vm = _target_vm(s.arguments)
    return label("VM", s.read("into").resource, str(vm)) if vm and vm != s.resource.get("id") else s.label
