"""What a restore overwrites or makes, from which recovery point, and what is lost by it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.hygiene import cell

from . import places, recovery
from .sentences import Effect, Subject, at, counted, label, not_known, objects, quoted
from .targets import OWN, VIRTUALIZATION, Read, Target, identity_of, path_of

MOST_COPIES = 20  # of a group restore that are read


def reads(arguments: Mapping[str, Any], target: Target) -> list[Read]:
    """The copy that is used (the code is bound to it), and where it would go."""
    collection, identity = identity_of(target.path)
    found = [
        Read("copy", f"the {place[:-1]}", path_of(OWN, collection, identity, place, arguments[name]), decides=True)
        for name, place in recovery.COPIES.items()
        if isinstance(arguments.get(name), str) and arguments[name]
    ][:1]
    for number, one in enumerate(objects(arguments.get("recoveryInfo"))[:MOST_COPIES]):
        place = "snapshots" if one.get("recoveryPointType") == "SNAPSHOT" else "backups"
        path = path_of(
            OWN, members(target, one.get("resourceId")), one.get("resourceId"), place, one.get("recoveryPointId")
        )
        found.append(Read(f"copy {number}", f"recovery point {number + 1}", path, decides=True))
    vm = arguments.get("targetVmId") or at(arguments, "targetInfo", "virtualMachineId")
    if isinstance(vm, str) and vm and vm != identity:
        found.append(
            Read("into", "the VM restored into", path_of(VIRTUALIZATION, "virtual-machines", vm), decides=True)
        )
    store = at(arguments, "targetVmInfo", "appInfo", "vmware", "datastoreId")
    if isinstance(store, str) and store:
        found.append(Read("datastore", "the datastore restored to", path_of(VIRTUALIZATION, "datastores", store)))
    instance = at(arguments, "targetDatabaseInfo", "instanceId")
    if isinstance(instance, str) and instance:
        found.append(Read("instance", "the SQL instance restored to", path_of(OWN, "mssql-instances", instance)))
    return found


def members(group: Target, member: Any) -> str:
    """The collection that a member of a group is in; its recovery points are found below it."""
    kinds = [str(a.get("type")) for a in objects(group.resource.get("assets")) if a.get("id") == member]
    return "datastores" if kinds and kinds[0].endswith("datastore") else "virtual-machines"


def restoring(s: Subject) -> Effect:
    """A VM, datastore, database or volume group comes back, over itself or beside itself."""
    copy, a = s.found("copy"), s.arguments
    over = a.get("restoreType") != "ALTERNATE"
    lost = recovery.since(copy, s)
    if over:
        does = f"Restore the {s.label} OVER ITSELF"
        follows = [f"The present {s.target.kind} is overwritten with the recovery point{lost}."]
        follows += recovery.along(s)
        final = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
    else:
        does = f"Restore the {s.label} to a new place"
        follows = [f"The present {s.target.kind} stays as it is; a second one is made: {places.place(s)}."]
        follows += [*places.unsaid(s), *places.duplicates(s)]
        final = "What is made can be removed again, outside this server."
    if not any(s.arguments.get(name) for name in recovery.COPIES):
        follows.append("NO RECOVERY POINT IS NAMED: which one is used, and how old it is, no document says. Name one.")
    follows += [*recovery.options(s), *recovery.warnings(s)]
    return Effect(
        does=does,
        about=recovery.about(s),
        follows=tuple(follows),
        final=final,
        unknown=not_known(s.target.found, *s.target.uses.values(), *s.facts.values()),
        forbidden=recovery.unusable(s, overwrites=over),
        exceptions=(*(("overwrites",) if over else ()), *recovery.flaws(s)),
    )


def restoring_disks(s: Subject) -> Effect:
    """Single virtual disks are overwritten."""
    into = s.found("into")
    where = label("VM", into.resource, str(s.arguments.get("targetVmId"))) if s.arguments.get("targetVmId") else s.label
    pairs = [
        f"{quoted(at(d, 'recoveryPointDiskDetails', 'diskLabel'))} → {quoted(at(d, 'vmDiskDetails', 'diskLabel'))}"
        for d in objects(s.arguments.get("restoreDiskDetails"))
    ]
    disks = ", ".join(pairs) or "ALL its disks (none is named)"
    return Effect(
        does=f"Overwrite disks of the {where.removeprefix('the ')} from a recovery point of the {s.label}",
        about=recovery.about(s),
        follows=(
            f"Overwritten with the recovery point{recovery.since(s.found('copy'), s)}: {disks}.",
            *recovery.warnings(s),
        ),
        final="What is overwritten cannot be brought back, unless a recovery point of it is taken first.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=recovery.unusable(s, overwrites=True),
        exceptions=("overwrites disks", *recovery.flaws(s)),
    )


def restoring_files(s: Subject) -> Effect:
    """Files are written into a guest."""
    method = str(s.arguments.get("fileRestoreMethod"))
    into = s.found("into")
    vm = at(s.arguments, "targetInfo", "virtualMachineId")
    where = label("VM", into.resource, str(vm)) if vm and vm != s.resource.get("id") else s.label
    files = objects(s.arguments.get("filePathInfo"))
    paths = ", ".join(
        f"{quoted(f.get('absoluteSourcePath'))} → {quoted(f.get('absoluteTargetPath') or 'the same place')}"
        for f in files[:12]
    )
    more = f" and {len(files) - 12:,} more" if len(files) > 12 else ""
    words = {
        "OVERWRITE": "Files that are there are OVERWRITTEN.",
        "KEEPASBACKUP": "Files that are there are kept under another name.",
        "SKIP": "Files that are there are left alone.",
    }
    overwrites = method not in ("KEEPASBACKUP", "SKIP")
    return Effect(
        does=f"Write files from a recovery point into the guest of the {where}",
        about=recovery.about(s),
        follows=(
            f"{counted(len(files), 'path')}: {paths}{more}.",
            words.get(method, f"What happens to files that are there is not known ({cell(method)})."),
            "The guest is entered with the credentials given (not shown).",
            *recovery.warnings(s),
        ),
        final="Overwritten files cannot be brought back." if overwrites else "The files written can be deleted again.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=recovery.unusable(s, overwrites=overwrites),
        exceptions=(*(("overwrites files",) if overwrites else ()), *recovery.flaws(s)),
    )
