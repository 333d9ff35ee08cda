"""What a restore overwrites or makes, from which recovery point, and what is lost by it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .database_restores import no_instance, onto_databases, tail_of_log
from .model import Finding, PreviewSpec, Subject, grave, notable
from .phrases import as_shown, describe_resource, item_at, label, names, objects
from .recovery_point_facts import GOING, flaw_of, recovery_point_facts
from .restore_places import (
    COPIES,
    check_places,
    copy_and_place,
    is_over,
    name_into,
    namesakes,
    overwritten,
    room_on_datastore,
    unused_place,
)
from .tenant_facts import stores

OVERWRITTEN = "What is overwritten cannot be brought back, unless a recovery point of it is taken first."
TWICE = "each runs beside the one that exists, with the same name, addresses and identity."
MADE = "What is made can be removed again, outside this server."


# --- findings ---------------------------------------------------------------------------------------------------------


def _restore(s: Subject) -> Iterator[Finding]:
    """A VM, datastore, database or volume group comes back, over itself or beside itself."""
    if _is_gone(s) and is_over(s):
        words = "It is DELETED in its vCenter: nothing that is there is overwritten; it is made again where it was."
        yield notable(f"{words} Whether the service does that, or wants ALTERNATE, no document says.")
    elif is_over(s):
        parts = s.arguments.get("individualBackupIds") or s.arguments.get("individualSnapshotIds") or ()
        members = objects(s.resource.get("assets"))
        some = f"{len(parts):,} of {units.plural(len(members), 'volume')} of " if parts and members else ""
        some = f"{units.plural(len(parts), 'volume')} of " if parts and not members else some
        yield overwritten(s, f"{some or 'the present '}{s.name}", f"{some}{s.name}")
        yield from _along(s, some)
    else:
        onto = list(_present_there(s))
        yield from onto
        if not any(f.danger is Danger.DESTROY for f in onto):
            yield Finding(f"The present {s.target.kind} stays as it is; a second one is made.")
        yield from _made_along(s)
        yield from check_places(s)
        yield from room_on_datastore(s, s.resource.get("capacityInBytes"))
    yield from unused_place(s)
    if not any(s.arguments.get(name) for name in COPIES):
        words = "NO RECOVERY POINT IS NAMED: which one is used, and how old it is, no document says. Name one."
        yield grave(words, "no recovery point is named")
    if is_over(s) and s.target.kind == "SQL database":
        yield from tail_of_log(s)
    yield from warnings(s)


def _present_there(s: Subject) -> Iterator[Finding]:
    """What an ALTERNATE restore meets where it goes."""
    return onto_databases(s) if s.target.kind == "SQL database" else namesakes(s)


def _is_gone(s: Subject) -> bool:
    """Whether what a restore is of is kept by its recovery points alone."""
    return s.resource.get("state") == "DELETED"


def _vms_on_it(s: Subject) -> str:
    """The VMs on a datastore: how many, and their names where they could be read."""
    count, vms = s.resource.get("vmCount"), s.read("vms")
    which = f"its {units.plural(count, 'VM')}" if isinstance(count, int) else "EVERY VM on it (how many is not known)"
    return which + (f" ({names(vms.items)})" if vms.items else "")


def _made_along(s: Subject) -> Iterator[Finding]:
    """What a VM or datastore that is made beside the present one brings along, and whether it runs."""
    if s.target.kind == "datastore":
        power = item_at(s.arguments, "targetDatastoreInfo", "powerOnVmsAfterRestore")
        run = (
            f", and powered on: {TWICE}"
            if power is True
            else "."
            if power is False
            else "; whether they run then is not said."
        )
        yield notable(f"With it are made a second time: {_vms_on_it(s)}, as they were at that point in time{run}")
    elif item_at(s.arguments, "targetVmInfo", "powerOn") is True:
        name = item_at(s.arguments, "targetVmInfo", "name")
        same = "name, " if as_shown(name) == as_shown(s.resource.get("name")) else ""
        yield notable(f"A second machine with the same {same}addresses and identity runs then.")


def _along(s: Subject, some: str) -> Iterator[Finding]:
    """What is overwritten with it."""
    if s.target.kind == "datastore":
        goes = "goes" if s.resource.get("vmCount") == 1 else "go"
        words = f"With the datastore {_vms_on_it(s)} {goes} back to that point in time."
        yield grave(words, "takes VMs along", danger=Danger.DESTROY)
    elif s.target.kind == "volume protection group" and not some:
        members = objects(s.resource.get("assets"))
        words = "EVERY production volume of the group is overwritten; which those are is not known."
        if members:
            words = f"Production volumes overwritten: {units.plural(len(members), 'volume')}: {names(members)}."
        yield grave(words, danger=Danger.DESTROY)
    elif s.target.kind == "VM" and s.resource.get("powerState") == "POWERED_ON":
        yield notable("It is powered on: it goes down for the restore.")


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
    taken, until = s.read("copy").resource.get("pointInTime"), s.arguments.get("restoreUntil")
    if (before := units.parse_time(until)) and (start := units.parse_time(taken)) and before < start:
        yield notable("restoreUntil lies before the recovery point; the service is expected to refuse that.")


# --- phrases ----------------------------------------------------------------------------------------------------------


def _facts(s: Subject) -> Iterator[str]:
    """What is there now, and the recovery point."""
    there = s.read("into")
    whose, now = (f"{name_into(s)} ", there.resource) if there.available else ("", s.resource)
    yield f"{whose}now: {describe_resource(now)}"
    if (copy := s.read("copy")).available:
        what = label(copy.words.removeprefix("the "), copy.resource)
        yield f"from {what}: {'; '.join(recovery_point_facts(copy.resource, s.now))}"


def _overwrites(s: Subject) -> bool:
    """Whether something present is lost, or may be."""
    return not _is_gone(s) if is_over(s) else any(f.danger is Danger.DESTROY for f in _present_there(s))


def _title(s: Subject) -> str:
    onto = not is_over(s) and any(f.warning == "overwrites" for f in _present_there(s))
    original = "where it was" if _is_gone(s) else "OVER ITSELF"
    where = original if is_over(s) else "ONTO WHAT IS THERE" if onto else "to a new place"
    return f"Restore the {s.label} {where}"


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
            return f"{what} {'to restore from ' if name == 'copy' else ''}does not exist."
        if result.resource.get("state") in (*GOING, "CREATING"):
            return f"{what} cannot be used: state {cell(str(result.resource['state']))}."
    return no_instance(s)


RESTORE = PreviewSpec(
    _title,
    _restore,
    lambda s: OVERWRITTEN if _overwrites(s) else MADE,
    _facts,
    lambda s: unusable(s, overwrites=is_over(s)),
    copy_and_place,
)
TABLE: Mapping[str, PreviewSpec] = dict.fromkeys(
    ("VirtualMachineRestore", "DatastoreRestoreFromCopy", "MSSQLDatabaseRestore", "VolumeProtectionGroupRestore"),
    RESTORE,
)
