"""What is told of every restore: what is there now, what the recovery point is, what goes with it, what forbids it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import NAMELESS, Finding, Gravity, Subject, counted, label, name_of, names, objects, state_of
from .reads import ReadResult
from .recovery_point_facts import GOING, flaw_of, recovery_point_facts

COPIES = {  # argument -> the collection its copy is in
    "backupId": "backups",
    "snapshotId": "snapshots",
    "vpgBackupId": "backups",
    "vpgSnapshotId": "snapshots",
}


def state(s: Subject) -> str:
    """What would be overwritten or copied, as it is now."""
    facts = [state_of(s.resource) or "state not known"]
    if power := s.resource.get("powerState"):
        facts.append(f"power {cell(str(power))}")
    if size := s.resource.get("capacityInBytes") or s.resource.get("sizeInBytes"):
        facts.append(f"size {units.size(size)}")
    for words, name in (("on cluster", "clusterInfo"), ("on host", "hostInfo"), ("in", "instanceInfo")):
        if isinstance(s.resource.get(name), Mapping) and name_of(s.resource[name]) != NAMELESS:
            facts.append(f"{words} {name_of(s.resource[name])}")
    return "; ".join(facts)


def facts(s: Subject) -> tuple[str, ...]:
    """What is there now, and the recovery point."""
    copy = s.found("copy")
    lines = [f"now: {state(s)}"]
    if copy.known:
        kind = copy.words.removeprefix("the ")
        lines.append(f"from {label(kind, copy.resource)}: {'; '.join(recovery_point_facts(copy.resource, s.now))}")
    return tuple(lines)


def overwritten(s: Subject, what: str, brief: str = "") -> Finding:
    """That something present is overwritten, and since when what was written to it is lost. `brief`: what, shortly."""
    taken = units.parse_time(s.found("copy").resource.get("pointInTime"))
    brief = brief or what
    if taken is None:
        words = f"OVERWRITTEN with the recovery point: {what}; how old that is, is not known."
        short = f"OVERWRITES {brief}; how old the recovery point is, is not known."
    else:
        when = times.describe_when(taken, s.now)
        words = f"OVERWRITTEN with the recovery point of {when}: {what}; everything written since then is LOST."
        short = f"OVERWRITES {brief}; what was written since {taken:%Y-%m-%d %H:%M} UTC is LOST."
    return Finding(words, Gravity.GRAVE, "overwrites", short, Danger.DESTROY)


def chain(s: Subject) -> Iterator[Finding]:
    """What is overwritten with it."""
    kind = s.target.kind
    if kind == "datastore":
        count = s.resource.get("vmCount")
        which = f"its {counted(count, 'VM')}" if isinstance(count, int) else "EVERY VM on it (how many is not known)"
        words = f"With the datastore {which} {'goes' if count == 1 else 'go'} back to that point in time."
        yield Finding(words, Gravity.GRAVE, "takes VMs along", danger=Danger.DESTROY)
    elif kind == "volume protection group":
        parts = s.arguments.get("individualBackupIds") or s.arguments.get("individualSnapshotIds")
        members = objects(s.resource.get("assets"))
        words = "EVERY production volume of the group is overwritten; which those are is not known."
        if parts:
            words = f"Only the volumes listed go back: {len(parts):,}{f' of {len(members):,}' if members else ''}."
        elif members:
            words = f"Production volumes overwritten: {counted(len(members), 'volume')}: {names(members)}."
        yield Finding(words, Gravity.GRAVE, danger=Danger.DESTROY)
    elif kind == "VM" and s.resource.get("powerState") == "POWERED_ON":
        yield Finding("It is powered on: it goes down for the restore.", Gravity.NOTABLE)


def options(s: Subject, *, over: bool) -> Iterator[Finding]:
    """What the options of a restore mean for a database."""
    a = s.arguments
    if a.get("recoveryMode") == "NO_RECOVERY":
        yield Finding("NO_RECOVERY: the database stays unusable until someone finishes the recovery.", Gravity.NOTABLE)
    if s.target.kind == "SQL database" and over:
        if a.get("restoreWithTailLog"):
            yield Finding("The tail of the log is kept first (restoreWithTailLog).")
        else:
            words = "The tail of the log that no backup has yet is LOST (restoreWithTailLog is not set)."
            yield Finding(words, Gravity.GRAVE, danger=Danger.DESTROY)


def warnings(s: Subject) -> Iterator[Finding]:
    """What speaks against the recovery points that are used."""
    stores = {store.get("id"): store for store in s.found("stores").items}
    for found in _used(s):
        flaw, this = flaw_of(found.resource, s.now, stores), found.words.removeprefix("the ").upper()
        warning = f"from a copy that is {flaw}"
        if flaw == "in error":
            words = f"THE {this} IS IN ERROR: what comes back from it may be damaged, or not come back at all."
            yield Finding(words, Gravity.GRAVE, warning)
        elif flaw == "expired":
            words = f"THE {this} HAS EXPIRED: the service may delete it at any moment, also while it is used."
            yield Finding(words, Gravity.GRAVE, warning)
        elif flaw:
            how = flaw if flaw.startswith(("in ", "whose")) else f"that is {flaw}"
            yield Finding(f"THE {this} CANNOT BE RELIED ON: it is a copy {how}.", Gravity.GRAVE, f"from a copy {how}")


def unnamed(s: Subject) -> Iterator[Finding]:
    """That no recovery point is named."""
    if not any(s.arguments.get(name) for name in COPIES):
        words = "NO RECOVERY POINT IS NAMED: which one is used, and how old it is, no document says. Name one."
        yield Finding(words, Gravity.GRAVE, "no recovery point is named")


def _used(s: Subject) -> list[ReadResult]:
    return [found for name, found in s.target.uses.items() if name.startswith("copy")]


def unusable_reasons(s: Subject, *, overwrites: bool) -> str:
    """Why the recovery point, or the place it would go to, cannot be used."""
    target = s.arguments.get("targetVmInfo")
    if isinstance(target, Mapping) and target.get("clusterId") and target.get("hostId"):
        return "A cluster and a host are both named; the service takes one of them (clusterId or hostId)."
    named = [name for name in COPIES if s.arguments.get(name)]
    if len(named) > 1:
        return f"Two recovery points are named; the service takes one of them ({' or '.join(named)})."
    copy = s.target.uses.get("copy")
    if overwrites and copy is not None and copy.problem:
        return (
            f"The {copy.words[4:]} could not be read ({copy.problem}): what would overwrite present data is not known."
        )
    for name, found in s.target.uses.items():
        if found.missing and not name.startswith("copy "):  # where a group's copies are found is not documented
            return f"{found.words[:1].upper()}{found.words[1:]} to restore from or into does not exist."
        if found.resource.get("state") in (*GOING, "CREATING"):
            going = cell(str(found.resource["state"]))
            return f"{found.words[:1].upper()}{found.words[1:]} cannot be used: state {going}."
    return ""
