"""What a restore overwrites or makes, from which recovery point, and what is lost by it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import describe_resource, item_at, label, listed, name_of, names, objects, quoted
from .reads import OWN, VIRTUALIZATION, WHOLE, ReadSpec, Target, identity_of, literal, path_of
from .recovery_point_facts import GOING, flaw_of, recovery_point_facts
from .tenant_facts import STORES, TASKS, running, stores

COPIES = {  # argument -> the collection its copy is in
    "backupId": "backups",
    "snapshotId": "snapshots",
    "vpgBackupId": "backups",
    "vpgSnapshotId": "snapshots",
}
PLACES = ("targetVmInfo", "targetDatastoreInfo", "targetDatabaseInfo", "targetInfo")
HARMLESS = {  # ways to restore files that lose none
    "KEEPASBACKUP": "Files that are there are kept under another name.",
    "SKIP": "Files that are there are left alone.",
}
OVERWRITTEN = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
MADE = "What is made can be removed again, outside this server."


def copy_and_place(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The copy that is used (the code is bound to it), and what is there already where it would go."""
    collection, identity = identity_of(target.path)
    specs = [
        ReadSpec("copy", f"the {place[:-1]}", path_of(OWN, collection, identity, place, arguments[name]), decides=True)
        for name, place in COPIES.items()
        if isinstance(arguments.get(name), str) and arguments[name]
    ][:1]
    vm = arguments.get("targetVmId") or item_at(arguments, "targetInfo", "virtualMachineId")
    if isinstance(vm, str) and vm and vm != identity:
        path = path_of(VIRTUALIZATION, "virtual-machines", vm)
        specs.append(ReadSpec("into", "the VM restored into", path, decides=True))
    return [*specs, *_namesakes(arguments, target), STORES, TASKS]


def _namesakes(arguments: Mapping[str, Any], target: Target) -> Iterator[ReadSpec]:
    """What has the name already that the call gives to what it makes."""
    place = {"VM": "virtual-machines", "datastore": "datastores"}.get(target.kind)
    name = _new_name(arguments)
    if arguments.get("restoreType") != "ALTERNATE" or not isinstance(name, str):
        return
    if place:
        query = (("filter", f"name eq {literal(name)}"), ("limit", "20"))
        path = path_of(VIRTUALIZATION, place)
        yield ReadSpec("namesakes", f"whether a {target.kind} of that name exists", path, query)
    elif target.kind == "SQL database":
        yield ReadSpec("namesakes", "whether a database of that name exists", f"{OWN}/mssql-databases", WHOLE)


def _new_name(arguments: Mapping[str, Any]) -> Any:
    return next((name for place in PLACES if (name := item_at(arguments, place, "name"))), None)


def is_over(s: Subject) -> bool:
    """Whether a restore goes over what it is of."""
    return s.arguments.get("restoreType") != "ALTERNATE"


# --- findings ---------------------------------------------------------------------------------------------------------


def _restore(s: Subject) -> Iterator[Finding]:
    """A VM, datastore, database or volume group comes back, over itself or beside itself."""
    if is_over(s):
        yield overwritten(s, f"the present {s.name}", s.name)
        yield from _along(s)
    else:
        yield from _onto(s)
        if not _overwrites(s):
            yield Finding(f"The present {s.target.kind} stays as it is; a second one is made.")
        yield from _left_open(s)
    if not any(s.arguments.get(name) for name in COPIES):
        words = "NO RECOVERY POINT IS NAMED: which one is used, and how old it is, no document says. Name one."
        yield grave(words, "no recovery point is named")
    if is_over(s) and s.target.kind == "SQL database":
        yield from _tail_of_log(s)
    yield from warnings(s)
    yield from running(s)


def _restore_disks(s: Subject) -> Iterator[Finding]:
    every = "" if objects(s.arguments.get("restoreDiskDetails")) else ", ALL of them (none is named)"
    yield overwritten(s, f"disks of {_into(s)}{every}", f"disks of {_into(s)}")
    yield from warnings(s)
    yield from running(s)


def _restore_files(s: Subject) -> Iterator[Finding]:
    method = str(s.arguments.get("fileRestoreMethod"))
    if method in HARMLESS:
        yield Finding(HARMLESS[method])
    else:
        paths = units.plural(len(objects(s.arguments.get("filePathInfo"))), "path")
        words = f"{paths}: files that are there are OVERWRITTEN."
        words = (
            words if method == "OVERWRITE" else f"What becomes of files that are there is not known ({cell(method)})."
        )
        yield grave(words, "overwrites files", danger=Danger.DESTROY)
    yield from warnings(s)
    yield from running(s)


def overwritten(s: Subject, what: str, brief: str = "") -> Finding:
    """That something present is overwritten, and since when what was written to it is lost. `brief`: what, shortly."""
    taken = units.parse_time(s.read("copy").resource.get("pointInTime"))
    words = f"OVERWRITTEN with the recovery point: {what}; how old that is, is not known."
    short = f"OVERWRITES {brief or what}; how old the recovery point is, is not known."
    if taken is not None:
        when = times.describe_when(taken, s.now)
        words = f"OVERWRITTEN with the recovery point of {when}: {what}; everything written since then is LOST."
        short = f"OVERWRITES {brief or what}; what was written since {taken:%Y-%m-%d %H:%M} UTC is LOST."
    return grave(words, "overwrites", short, Danger.DESTROY)


def _along(s: Subject) -> Iterator[Finding]:
    """What is overwritten with it."""
    if s.target.kind == "datastore":
        count = s.resource.get("vmCount")
        which = (
            f"its {units.plural(count, 'VM')}" if isinstance(count, int) else "EVERY VM on it (how many is not known)"
        )
        words = f"With the datastore {which} {'goes' if count == 1 else 'go'} back to that point in time."
        yield grave(words, "takes VMs along", danger=Danger.DESTROY)
    elif s.target.kind == "volume protection group":
        parts = s.arguments.get("individualBackupIds") or s.arguments.get("individualSnapshotIds")
        members = objects(s.resource.get("assets"))
        words = "EVERY production volume of the group is overwritten; which those are is not known."
        if parts:
            words = f"Only the volumes listed go back: {len(parts):,}{f' of {len(members):,}' if members else ''}."
        elif members:
            words = f"Production volumes overwritten: {units.plural(len(members), 'volume')}: {names(members)}."
        yield grave(words, danger=Danger.DESTROY)
    elif s.target.kind == "VM" and s.resource.get("powerState") == "POWERED_ON":
        yield notable("It is powered on: it goes down for the restore.")


def _tail_of_log(s: Subject) -> Iterator[Finding]:
    if s.arguments.get("restoreWithTailLog"):
        yield Finding("The tail of the log is kept first (restoreWithTailLog).")
    else:
        words = "The tail of the log that no backup has yet is LOST (restoreWithTailLog is not set)."
        yield grave(words, danger=Danger.DESTROY)


def warnings(s: Subject) -> Iterator[Finding]:
    """What speaks against the recovery points that are used."""
    for result in (result for name, result in s.target.uses.items() if name.startswith("copy")):
        flaw, this = flaw_of(result.resource, s.now, stores(s)), result.words.removeprefix("the ").upper()
        how = flaw if flaw.startswith(("in a", "whose")) else f"that is {flaw}"
        words = f"THE {this} CANNOT BE RELIED ON: it is a copy {how}."
        if flaw == "in error":
            words = f"THE {this} IS IN ERROR: what comes back from it may be damaged, or not come back at all."
        elif flaw == "expired":
            words = f"THE {this} HAS EXPIRED: the service may delete it at any moment, also while it is used."
        if flaw:
            yield grave(words, f"from a copy {how}")


def _onto(s: Subject) -> Iterator[Finding]:
    """What an ALTERNATE restore meets where it goes: the original itself, or what has the name already."""
    name = _new_name(s.arguments)
    if s.target.kind == "SQL database":
        yield from _onto_database(s)
        return
    for one in s.read("namesakes").items:
        if str(one.get("name")).casefold() == str(name).casefold():
            yield grave(
                f"A {s.target.kind} named {quoted(name)} EXISTS (id {cell(str(one.get('id')))}): the service refuses, "
                "makes a second of that name, or overwrites it; no document says which.",
                "the name exists",
                f"A {s.target.kind} named {name_of(one)} EXISTS; what becomes of it, no document says.",
                Danger.DESTROY,
            )


def _onto_database(s: Subject) -> Iterator[Finding]:
    to = s.arguments.get("targetDatabaseInfo")
    to = to if isinstance(to, Mapping) else {}
    instance = item_at(s.resource, "instanceInfo", "id")
    where, name = to.get("instanceId") or instance, str(to.get("name") or s.resource.get("name")).casefold()
    paths = objects(to.get("databaseFilePaths"))
    same_files = [p for p in paths if _path(p.get("newPath")) == _path(p.get("originalPath"))]
    if where == instance and name == str(s.resource.get("name")).casefold():
        yield overwritten(s, f"the present {s.name}, which has that name and instance", s.name)
        yield from () if s.arguments.get("restoreWithTailLog") else _tail_of_log(s)
    elif where == instance and same_files:
        files = listed(quoted(p.get("newPath")) for p in same_files)
        yield overwritten(s, f"the present {s.name} in its files {files}", s.name)
    elif where == instance and not paths:
        yield notable("Where its files go is left to the service; the present ones lie on the same host.")
    for one in s.read("namesakes").items:
        there = str(one.get("name")).casefold() == name and item_at(one, "instanceInfo", "id") == where
        if there and one.get("id") != s.resource.get("id"):
            yield overwritten(s, f"the {label('SQL database', one)} that has that name there")


def _path(value: Any) -> str:
    return str(value).replace("/", "\\").casefold()


def _left_open(s: Subject) -> Iterator[Finding]:
    """What a new VM needs and the call leaves open: the documents do not say what the service then does."""
    target = s.arguments.get("targetVmInfo")
    target = target if isinstance(target, Mapping) else {}
    needed = {
        "name": target.get("name"),
        "cluster or host": target.get("clusterId") or target.get("hostId"),
        "datastore": item_at(target, "appInfo", "vmware", "datastoreId"),
        "vCenter": target.get("hypervisorManagerId"),
    }
    missing = [name for name, value in needed.items() if not value]
    if missing and s.target.kind == "VM":
        yield notable(f"Not named: {', '.join(missing)}; the service decides, or refuses.")


# --- phrases ----------------------------------------------------------------------------------------------------------


def _facts(s: Subject) -> Iterator[str]:
    """What is there now, and the recovery point."""
    yield f"now: {describe_resource(s.resource)}"
    if (copy := s.read("copy")).available:
        what = label(copy.words.removeprefix("the "), copy.resource)
        yield f"from {what}: {'; '.join(recovery_point_facts(copy.resource, s.now))}"


def _overwrites(s: Subject) -> bool:
    """Whether something present is lost, or may be."""
    return is_over(s) or any(f.danger is Danger.DESTROY for f in _onto(s))


def _title(s: Subject) -> str:
    onto = any(f.warning == "overwrites" for f in _onto(s))
    where = "OVER ITSELF" if is_over(s) else "ONTO WHAT IS THERE" if onto else "to a new place"
    return f"Restore the {s.label} {where}"


def _into(s: Subject) -> str:
    """The VM that disks or files are written into."""
    vm = s.arguments.get("targetVmId") or item_at(s.arguments, "targetInfo", "virtualMachineId")
    return label("VM", s.read("into").resource, str(vm)) if vm and vm != s.resource.get("id") else s.label


def _overwrites_files(s: Subject) -> bool:
    return s.arguments.get("fileRestoreMethod") not in HARMLESS


def unusable(s: Subject, *, overwrites: bool) -> str:
    """Why the recovery point, or the place it would go to, cannot be used."""
    target = s.arguments.get("targetVmInfo")
    if isinstance(target, Mapping) and target.get("clusterId") and target.get("hostId"):
        return "A cluster and a host are both named; the service takes one of them (clusterId or hostId)."
    named = [name for name in COPIES if s.arguments.get(name)]
    if len(named) > 1:
        return f"Two recovery points are named; the service takes one of them ({' or '.join(named)})."
    copy = s.target.uses.get("copy")
    if overwrites and copy is not None and copy.problem:
        why = f"({copy.problem}): what would overwrite present data is not known."
        return f"The {copy.words[4:]} could not be read {why}"
    for name, result in s.target.uses.items():
        what = f"{result.words[:1].upper()}{result.words[1:]}"
        if result.missing and not name.startswith("copy "):  # where a group's copies are found is not documented
            return f"{what} to restore from or into does not exist."
        if result.resource.get("state") in (*GOING, "CREATING"):
            return f"{what} cannot be used: state {cell(str(result.resource['state']))}."
    return ""


RESTORE = PreviewSpec(
    _title,
    _restore,
    lambda s: OVERWRITTEN if _overwrites(s) else MADE,
    _facts,
    lambda s: unusable(s, overwrites=is_over(s)),
    copy_and_place,
)
TABLE: Mapping[str, PreviewSpec] = {
    "VirtualMachineRestore": RESTORE,
    "DatastoreRestoreFromCopy": RESTORE,
    "MSSQLDatabaseRestore": RESTORE,
    "VolumeProtectionGroupRestore": RESTORE,
    "VirtualMachineDisksRestore": PreviewSpec(
        lambda s: f"Overwrite disks of the {_into(s)} from a recovery point of the {s.label}",
        _restore_disks,
        OVERWRITTEN,
        _facts,
        lambda s: unusable(s, overwrites=True),
        copy_and_place,
    ),
    "VirtualMachineFileRestore": PreviewSpec(
        lambda s: f"Write files from a recovery point into the guest of the {_into(s)}",
        _restore_files,
        lambda s: "Overwritten files cannot be brought back." if _overwrites_files(s) else "They can be deleted again.",
        _facts,
        lambda s: unusable(s, overwrites=_overwrites_files(s)),
        copy_and_place,
    ),
}
