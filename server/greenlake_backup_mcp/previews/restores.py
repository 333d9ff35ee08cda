"""What a restore overwrites or makes, from which recovery point, and what is lost by it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell

from . import places, restore_sources
from .model import Effect, Subject, counted, item_at, label, not_known, objects, quoted
from .reads import OWN, VIRTUALIZATION, ReadSpec, Target, identity_of, path_of

MOST_COPIES = 20  # of a group restore that are read


def reads_for(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The copy that is used (the code is bound to it), and where it would go."""
    collection, identity = identity_of(target.path)
    found = [
        ReadSpec("copy", f"the {place[:-1]}", path_of(OWN, collection, identity, place, arguments[name]), decides=True)
        for name, place in restore_sources.COPIES.items()
        if isinstance(arguments.get(name), str) and arguments[name]
    ][:1]
    for number, one in enumerate(objects(arguments.get("recoveryInfo"))[:MOST_COPIES]):
        place = "snapshots" if one.get("recoveryPointType") == "SNAPSHOT" else "backups"
        path = path_of(
            OWN, members(target, one.get("resourceId")), one.get("resourceId"), place, one.get("recoveryPointId")
        )
        found.append(ReadSpec(f"copy {number}", f"recovery point {number + 1}", path, decides=True))
    vm = arguments.get("targetVmId") or item_at(arguments, "targetInfo", "virtualMachineId")
    if isinstance(vm, str) and vm and vm != identity:
        found.append(
            ReadSpec("into", "the VM restored into", path_of(VIRTUALIZATION, "virtual-machines", vm), decides=True)
        )
    store = item_at(arguments, "targetVmInfo", "appInfo", "vmware", "datastoreId")
    if isinstance(store, str) and store:
        found.append(ReadSpec("datastore", "the datastore restored to", path_of(VIRTUALIZATION, "datastores", store)))
    instance = item_at(arguments, "targetDatabaseInfo", "instanceId")
    if isinstance(instance, str) and instance:
        found.append(ReadSpec("instance", "the SQL instance restored to", path_of(OWN, "mssql-instances", instance)))
    return found


def members(group: Target, member: Any) -> str:
    """The collection that a member of a group is in; its recovery points are found below it."""
    kinds = [str(a.get("type")) for a in objects(group.resource.get("assets")) if a.get("id") == member]
    return "datastores" if kinds and kinds[0].endswith("datastore") else "virtual-machines"


def describe_restore(s: Subject) -> Effect:
    """A VM, datastore, database or volume group comes back, over itself or beside itself."""
    copy, a = s.found("copy"), s.arguments
    over = a.get("restoreType") != "ALTERNATE"
    lost = restore_sources.since(copy, s)
    if over:
        does = f"Restore the {s.label} OVER ITSELF"
        follows = [f"The present {s.target.kind} is overwritten with the recovery point{lost}."]
        follows += restore_sources.describe_chain(s)
        final = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
    else:
        does = f"Restore the {s.label} to a new place"
        follows = [f"The present {s.target.kind} stays as it is; a second one is made: {places.describe_place(s)}."]
        follows += [*places.unspecified(s), *places.duplicates(s)]
        final = "What is made can be removed again, outside this server."
    if not any(s.arguments.get(name) for name in restore_sources.COPIES):
        follows.append("NO RECOVERY POINT IS NAMED: which one is used, and how old it is, no document says. Name one.")
    follows += [*restore_sources.options(s), *restore_sources.warnings(s)]
    return Effect(
        title=does,
        facts=restore_sources.about(s),
        consequences=tuple(follows),
        reversibility=final,
        unknown=not_known(s.target.found, *s.target.uses.values(), *s.facts.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=over),
        warnings=(*(("overwrites",) if over else ()), *restore_sources.flaws(s)),
    )


def describe_disk_restore(s: Subject) -> Effect:
    """Single virtual disks are overwritten."""
    into = s.found("into")
    where = label("VM", into.resource, str(s.arguments.get("targetVmId"))) if s.arguments.get("targetVmId") else s.label
    pairs = [
        f"{quoted(item_at(d, 'recoveryPointDiskDetails', 'diskLabel'))} → "
        f"{quoted(item_at(d, 'vmDiskDetails', 'diskLabel'))}"
        for d in objects(s.arguments.get("restoreDiskDetails"))
    ]
    disks = ", ".join(pairs) or "ALL its disks (none is named)"
    return Effect(
        title=f"Overwrite disks of the {where.removeprefix('the ')} from a recovery point of the {s.label}",
        facts=restore_sources.about(s),
        consequences=(
            f"Overwritten with the recovery point{restore_sources.since(s.found('copy'), s)}: {disks}.",
            *restore_sources.warnings(s),
        ),
        reversibility="What is overwritten cannot be brought back, unless a recovery point of it is taken first.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=True),
        warnings=("overwrites disks", *restore_sources.flaws(s)),
    )


def describe_file_restore(s: Subject) -> Effect:
    """Files are written into a guest."""
    method = str(s.arguments.get("fileRestoreMethod"))
    into = s.found("into")
    vm = item_at(s.arguments, "targetInfo", "virtualMachineId")
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
        title=f"Write files from a recovery point into the guest of the {where}",
        facts=restore_sources.about(s),
        consequences=(
            f"{counted(len(files), 'path')}: {paths}{more}.",
            words.get(method, f"What happens to files that are there is not known ({cell(method)})."),
            "The guest is entered with the credentials given (not shown).",
            *restore_sources.warnings(s),
        ),
        reversibility="Overwritten files cannot be brought back."
        if overwrites
        else "The files written can be deleted again.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=overwrites),
        warnings=(*(("overwrites files",) if overwrites else ()), *restore_sources.flaws(s)),
    )
