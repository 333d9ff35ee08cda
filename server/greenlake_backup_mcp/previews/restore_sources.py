"""What is told of every restore: what is there now, what the recovery point is, what goes with it, what forbids it.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import times
from .model import NAMELESS, Subject, counted, describe_value, label, name_of, names, objects, state_of
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


def about(s: Subject) -> tuple[str, ...]:
    """What is there now, and the recovery point."""
    copy = s.found("copy")
    lines = [f"now: {state(s)}"]
    if copy.known:
        kind = copy.words.removeprefix("the ")
        lines.append(f"from {label(kind, copy.resource)}: {'; '.join(recovery_point_facts(copy.resource, s.now))}")
    return tuple(lines)


def since(copy: ReadResult, s: Subject) -> str:
    """How old the recovery point is, as the rest of a sentence: that is what is lost."""
    taken = units.parse_time(copy.resource.get("pointInTime"))
    if taken is None:
        return "; how old that is, is not known"
    return f" of {times.describe_when(taken, s.now)}; everything written since then is LOST"


def describe_chain(s: Subject) -> list[str]:
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
            of = f" of {len(members):,}" if members else ""
            return [f"Only the volumes listed go back: {len(parts):,}{of}."]
        if not members:
            return ["EVERY production volume of the group is overwritten; which those are is not known."]
        return [f"Production volumes overwritten: {counted(len(members), 'volume')}: {names(members)}."]
    if kind == "VM" and s.resource.get("powerState") == "POWERED_ON":
        return ["It is powered on: it goes down for the restore."]
    return []


def options(s: Subject) -> list[str]:
    """What the options of a restore mean for a database."""
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
        lines.append(f"Logs are applied until {describe_value(a['restoreUntil'], s.now)}.")
    return lines


def warnings(s: Subject) -> list[str]:
    """What speaks against the recovery points that are used."""
    lines = []
    for found in _used(s):
        flaw, this = flaw_of(found.resource, s.now), found.words.removeprefix("the ").upper()
        if flaw == "in error":
            lines.append(f"THE {this} IS IN ERROR: what comes back from it may be damaged, or not come back at all.")
        elif flaw == "expired":
            lines.append(f"THE {this} HAS EXPIRED: the service may delete it at any moment, also while it is used.")
    return lines


def flaws(s: Subject) -> tuple[str, ...]:
    """The same in words that set a call apart."""
    return tuple(sorted({f"from a copy that is {flaw}" for f in _used(s) if (flaw := flaw_of(f.resource, s.now))}))


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
