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
from .phrases import as_shown, item_at, label, listed, name_of, objects, quoted
from .reads import OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target, identity_of, literal, path_of
from .tenant_facts import STORES

COPIES = {  # argument -> the collection its copy is in
    "backupId": "backups",
    "snapshotId": "snapshots",
    "vpgBackupId": "backups",
    "vpgSnapshotId": "snapshots",
}
PLACES = ("targetVmInfo", "targetDatastoreInfo", "targetDatabaseInfo", "targetInfo")


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


def overwritten(s: Subject, what: str, brief: str = "", *, foreign: bool = False) -> Finding:
    """That something present is overwritten, and since when what was written to it is lost. `brief`: what, shortly.

    `foreign`: the recovery point is not of it, so that all of it is lost, not what was written since.
    """
    taken, until = lost_since(s)
    words = f"OVERWRITTEN with the recovery point: {what}; how old that is, is not known."
    short = f"OVERWRITES {brief or what}; how old the recovery point is, is not known."
    if taken is not None:
        when = times.describe_when(taken, s.now)
        lost = "ALL it holds is LOST" if foreign else "everything written since then is LOST"
        words = f"OVERWRITTEN with the {'state' if until else 'recovery point'} of {when}: {what}; {lost}."
        short = f"OVERWRITES {brief or what}; what was written since {taken:%Y-%m-%d %H:%M} UTC is LOST."
    if foreign:
        short = f"OVERWRITES {brief or what}: ALL it holds is LOST."
    return grave(words, "overwrites", short, Danger.DESTROY)


def lost_since(s: Subject) -> tuple[datetime | None, bool]:
    """Since when what was written is lost: the recovery point, or a later point that its log is applied until."""
    taken = units.parse_time(s.read("copy").resource.get("pointInTime"))
    until = units.parse_time(s.arguments.get("restoreUntil"))
    return (until, True) if until and taken and taken < until < s.now else (taken, False)


def tail_of_log(s: Subject) -> Iterator[Finding]:
    """What becomes of what a database's log holds and no backup has yet."""
    if s.arguments.get("restoreWithTailLog"):
        yield Finding("The tail of the log is kept first (restoreWithTailLog).")
    else:
        words = "The tail of the log that no backup has yet is LOST (restoreWithTailLog is not set)."
        yield grave(words, danger=Danger.DESTROY)


def room_on_datastore(s: Subject, needed: Any) -> Iterator[Finding]:
    """Whether what is made finds room on the datastore that it is put on. `needed`: bytes."""
    datastore = s.read("onto").resource
    free = units.number(datastore.get("capacityFree"))
    if free is not None and isinstance(needed, (int, float)) and needed > free:
        what = f"{units.size(needed)} at most, and {units.size(free)} are free on datastore {name_of(datastore)}"
        yield grave(f"NO ROOM: it takes {what}.", "a datastore without room", f"NO ROOM: it takes {what}.")


def present_there(s: Subject) -> Iterator[Finding]:
    """What an ALTERNATE restore meets where it goes: the original itself, or what has the name already."""
    name = _new_name(s.arguments)
    if s.target.kind == "SQL database":
        yield from _onto_database(s)
        return
    for one in s.read("namesakes").items:
        if as_shown(one.get("name")) == as_shown(name):
            yield grave(
                f"A {s.target.kind} named {quoted(name)} EXISTS (id {cell(str(one.get('id')))}): the service refuses, "
                "makes a second of that name, or overwrites it; no document says which.",
                "the name exists",
                f"A {s.target.kind} named {quoted(name, 50)} EXISTS; what becomes of it, no document says.",
                Danger.DESTROY,
            )


def _onto_database(s: Subject) -> Iterator[Finding]:
    to = s.arguments.get("targetDatabaseInfo")
    to = to if isinstance(to, Mapping) else {}
    instance = item_at(s.resource, "instanceInfo", "id")
    where, name = to.get("instanceId") or instance, as_shown(to.get("name") or s.resource.get("name"))
    paths = objects(to.get("databaseFilePaths"))
    same_files = [p for p in paths if _path(p.get("newPath")) == _path(p.get("originalPath"))]
    if where == instance and name == as_shown(s.resource.get("name")):
        yield overwritten(s, f"the present {s.name}, which has that name and instance", s.name)
        yield from () if s.arguments.get("restoreWithTailLog") else tail_of_log(s)
    elif where == instance and same_files:
        files = listed(quoted(p.get("newPath")) for p in same_files)
        yield overwritten(s, f"the present {s.name} in its files {files}", s.name)
    elif where == instance and not paths:
        yield notable("Where its files go is left to the service; the present ones lie on the same host.")
    for one in s.read("namesakes").items:
        there = as_shown(one.get("name")) == name and item_at(one, "instanceInfo", "id") == where
        if there and one.get("id") != s.resource.get("id"):
            which = f"the {label('SQL database', one)} that has that name there"
            yield overwritten(s, which, f"SQL database {quoted(one.get('name'), 50)}", foreign=True)


def _path(value: Any) -> str:
    return str(value).replace("/", "\\").casefold()


def name_into(s: Subject) -> str:
    """The VM that disks or files are written into."""
    vm = _target_vm(s.arguments)
    return label("VM", s.read("into").resource, str(vm)) if vm and vm != s.resource.get("id") else s.label
