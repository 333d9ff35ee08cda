"""What a restore overwrites or makes, from which recovery point, and what is lost by it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp import units
from greenlake_backup_mcp.hygiene import cell

from . import moments, places
from .copy_facts import GOING, copy_facts
from .sentences import Effect, Subject, at, counted, label, name_of, names, not_known, objects, quoted, shown, state_of
from .targets import OWN, VIRTUALIZATION, Found, Read, Target, identity_of, path_of

COPIES = {  # argument -> the collection its copy is in
    "backupId": "backups",
    "snapshotId": "snapshots",
    "vpgBackupId": "backups",
    "vpgSnapshotId": "snapshots",
}
MOST_COPIES = 20  # of a group restore that are read


def reads(arguments: Mapping[str, Any], target: Target) -> list[Read]:
    """The copy that is used (the code is bound to it), and where it would go."""
    collection, identity = identity_of(target.path)
    found = [
        Read("copy", f"the {place[:-1]}", path_of(OWN, collection, identity, place, arguments[name]), decides=True)
        for name, place in COPIES.items()
        if isinstance(arguments.get(name), str) and arguments[name]
    ][:1]
    for number, one in enumerate(objects(arguments.get("recoveryInfo"))[:MOST_COPIES]):
        place = "snapshots" if one.get("recoveryPointType") == "SNAPSHOT" else "backups"
        path = path_of(
            OWN, _members(target, one.get("resourceId")), one.get("resourceId"), place, one.get("recoveryPointId")
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


def _members(group: Target, member: Any) -> str:
    """The collection that a member of a group is in; its recovery points are found below it."""
    kinds = [str(a.get("type")) for a in objects(group.resource.get("assets")) if a.get("id") == member]
    return "datastores" if kinds and kinds[0].endswith("datastore") else "virtual-machines"


def restoring(s: Subject) -> Effect:
    """A VM, datastore, database or volume group comes back, over itself or beside itself."""
    copy, a = s.found("copy"), s.arguments
    over = a.get("restoreType") != "ALTERNATE"
    lost = _since(copy, s)
    if over:
        does = f"Restore the {s.label} OVER ITSELF"
        follows = [f"The present {s.target.kind} is overwritten with the recovery point{lost}."]
        follows += _along(s)
        final = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
    else:
        does = f"Restore the {s.label} to a new place"
        follows = [f"The present {s.target.kind} stays as it is; a second one is made: {places.place(s)}."]
        follows += [*places.unsaid(s), *places.duplicates(s)]
        final = "What is made can be removed again, outside this server."
    if not any(s.arguments.get(name) for name in COPIES):
        follows.append("NO RECOVERY POINT IS NAMED: which one is used, and how old it is, no document says. Name one.")
    follows += _options(s)
    return Effect(
        does=does,
        about=_about(s),
        follows=tuple(follows),
        final=final,
        unknown=not_known(s.target.found, *s.target.uses.values(), *s.facts.values()),
        forbidden=_unusable(s),
        exceptions=("overwrites",) if over else (),
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
        about=_about(s),
        follows=(f"Overwritten with the recovery point{_since(s.found('copy'), s)}: {disks}.",),
        final="What is overwritten cannot be brought back, unless a recovery point of it is taken first.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=_unusable(s),
        exceptions=("overwrites disks",),
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
        about=_about(s),
        follows=(
            f"{counted(len(files), 'path')}: {paths}{more}.",
            words.get(method, f"What happens to files that are there is not known ({cell(method)})."),
            "The guest is entered with the credentials given (not shown).",
        ),
        final="Overwritten files cannot be brought back." if overwrites else "The files written can be deleted again.",
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=_unusable(s),
        exceptions=("overwrites files",) if overwrites else (),
    )


def restoring_group(s: Subject) -> Effect:
    """A VM protection group comes back: all its members, or those listed."""
    a, group = s.arguments, s.resource
    over = a.get("restoreType") != "ALTERNATE"
    members = objects(group.get("assets"))
    infos = objects(a.get("recoveryInfo"))
    if a.get("restoreAllResources") or not infos:
        who = f"ALL {counted(len(members), 'member')}" if members else "ALL members (how many is not known)"
        which = f": {names(members)}" if members else ""
    else:
        chosen = {i.get("resourceId") for i in infos}
        known = [m for m in members if m.get("id") in chosen]
        who = counted(len(infos), "entry", "entries") + " of the list"
        which = f": {names(known)}" if known else ""
    follows = [
        f"{'Overwritten with their recovery points' if over else 'Made a second time'}: {who}{which}.",
        *(
            f"Recovery point {n + 1}: {'; '.join(copy_facts(found.resource, s.now))}."
            for n, found in enumerate(f for name, f in s.target.uses.items() if name.startswith("copy") and f.known)
        ),
    ]
    if len(infos) > MOST_COPIES:
        follows.append(f"Only the first {MOST_COPIES} of {len(infos):,} recovery points were read.")
    if not infos:
        follows.append("No recovery point is named: the service takes the latest of each member.")
    if not over:
        follows += [f"Where to: {places.place(s)}.", *places.duplicates(s)]
    follows += _options(s)
    return Effect(
        does=f"Restore the {s.label} {'OVER ITSELF' if over else 'to a new place'}",
        about=(_state(s),),
        follows=tuple(follows),
        final=(
            "What is overwritten cannot be brought back. check_vm_protection_group_restore tells beforehand "
            "whether each member can be restored."
            if over
            else "What is made can be removed again, outside this server."
        ),
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=_unusable(s),
        exceptions=("overwrites",) if over else (),
    )


def _state(s: Subject) -> str:
    facts = [state_of(s.resource) or "state not known"]
    if power := s.resource.get("powerState"):
        facts.append(f"power {cell(str(power))}")
    if size := s.resource.get("capacityInBytes") or s.resource.get("sizeInBytes"):
        facts.append(f"size {units.size(size)}")
    for words, name in (("on cluster", "clusterInfo"), ("on host", "hostInfo"), ("in", "instanceInfo")):
        if isinstance(s.resource.get(name), Mapping):
            facts.append(f"{words} {name_of(s.resource[name])}")
    return "; ".join(facts)


def _about(s: Subject) -> tuple[str, ...]:
    copy = s.found("copy")
    lines = [f"now: {_state(s)}"]
    if copy.known:
        kind = copy.words.removeprefix("the ")
        lines.append(f"from {label(kind, copy.resource)}: {'; '.join(copy_facts(copy.resource, s.now))}")
    return tuple(lines)


def _since(copy: Found, s: Subject) -> str:
    taken = units.moment(copy.resource.get("pointInTime"))
    if taken is None:
        return "; how old that is, is not known"
    return f" of {moments.when(taken, s.now)}; everything written since then is LOST"


def _along(s: Subject) -> list[str]:
    """What is overwritten with it."""
    kind = s.target.kind
    if kind == "datastore":
        count = s.resource.get("vmCount")
        which = f"its {counted(count, 'VM')}" if isinstance(count, int) else "EVERY VM on it (how many is not known)"
        return [f"With the datastore {which} {'goes' if count == 1 else 'go'} back to that point in time."]
    if kind == "volume protection group":
        parts = s.arguments.get("individualBackupIds") or s.arguments.get("individualSnapshotIds")
        members = objects(s.resource.get("assets"))
        if parts:
            return [f"Only the volumes listed go back: {len(parts):,} of {len(members):,}."]
        return [f"Production volumes overwritten: {counted(len(members), 'volume')}: {names(members)}."]
    if kind == "VM" and s.resource.get("powerState") == "POWERED_ON":
        return ["It is powered on: it goes down for the restore."]
    return []


def _options(s: Subject) -> list[str]:
    a, lines = s.arguments, []
    if a.get("recoveryMode") == "NO_RECOVERY":
        lines.append("recoveryMode NO_RECOVERY: the database stays unusable until someone finishes the recovery.")
    if s.target.kind == "SQL database" and a.get("restoreType") != "ALTERNATE":
        kept = a.get("restoreWithTailLog")
        lines.append(
            "The tail of the log is kept first (restoreWithTailLog)."
            if kept
            else "The tail of the log that no backup has yet is LOST (restoreWithTailLog is not set)."
        )
    if a.get("restoreUntil"):
        lines.append(f"Logs are applied until {shown(a['restoreUntil'], s.now)}.")
    return lines


def _unusable(s: Subject) -> str:
    """Why the recovery point, or the place it would go to, cannot be used."""
    target = s.arguments.get("targetVmInfo")
    if isinstance(target, Mapping) and target.get("clusterId") and target.get("hostId"):
        return "A cluster and a host are both named; the service takes one of them (clusterId or hostId)."
    named = [name for name in COPIES if s.arguments.get(name)]
    if len(named) > 1:
        return f"Two recovery points are named; the service takes one of them ({' or '.join(named)})."
    for name, found in s.target.uses.items():
        if found.missing and not name.startswith("copy "):  # where a group's copies are found is not documented
            return f"{found.words[:1].upper()}{found.words[1:]} to restore from or into does not exist."
        if found.resource.get("state") in (*GOING, "CREATING"):
            state = cell(str(found.resource["state"]))
            return f"{found.words[:1].upper()}{found.words[1:]} cannot be used: state {state}."
    return ""
