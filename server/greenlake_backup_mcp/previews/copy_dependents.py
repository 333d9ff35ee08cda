"""What goes with a recovery point: other databases in it and what they are left with, members, what needs it as source.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, Subject, grave, notable
from .phrases import item_at, names, objects
from .reads import OWN, identity_of, parent_path, path_of
from .recovery_point_facts import GOING, flaw_of, hosts_of
from .schedule_facts import describe_schedules, id_of, schedules_of, source_of
from .tenant_facts import stores

MOST_OTHERS = 10  # databases backed up together whose copies are read


def shared_data(s: Subject) -> Iterator[Finding]:
    """Whose data is in the copy besides: databases backed up together, the members of a group."""
    if others := other_databases(s):
        count = units.plural(len(others), "other database")
        words = f"The backed-up data of these databases in it is deleted along: {names(others)}."
        short = f"The data of {count} goes along: {_first_names(others, 3)}."
        yield grave(words, f"takes {count} along", short, Danger.DESTROY)
    if members := _group_members(s):
        part = "at most " if s.resource.get("stateReason") or s.resource.get("state") == "PARTIAL" else ""
        count = f"{part}{units.plural(len(members), 'member')}"
        words = f"It is the copy of a whole group; the data of {'' if part else 'its '}{count} in it goes along"
        words += f": {names(members)}."
        short = f"The data of a whole group goes, {count}: {_first_names(members, 2)}."
        yield grave(words, f"takes {count} along", short, Danger.DESTROY)


def attached(s: Subject) -> Iterator[Finding]:
    """That hosts use the volumes of the copy."""
    if hosts := hosts_of(s.resource):
        words = f"It is ATTACHED: its volumes vanish under {hosts}, and file systems in use on them break."
        yield grave(words, "attached to a host", f"ATTACHED: its volumes vanish under {hosts}.", Danger.DESTROY)


def locked_along(s: Subject) -> Iterator[Finding]:
    """Whose data a lock on the copy holds besides."""
    if others := other_databases(s):
        yield notable(f"The backed-up data of these databases in it is locked along: {names(others)}.")
    if members := _group_members(s):
        count = units.plural(len(members), "member")
        yield notable(f"It is the copy of a whole group; the data of its {count} is locked along: {names(members)}.")


def _group_members(s: Subject) -> list[Mapping[str, Any]]:
    """The members of the group that the copy is of; [] where it is of one asset."""
    return objects(s.read("asset").resource.get("assets")) if "groups" in s.target.path.split("/")[-4] else []


def _first_names(items: list[Mapping[str, Any]], most: int) -> str:
    return names(items[:most]) + (f" and {len(items) - most:,} more" if len(items) > most else "")


def last_of_others(s: Subject, until: datetime) -> Iterator[Finding]:
    """Of which other databases in the copy nothing usable is left when it goes."""
    bare: list[Mapping[str, Any]] = []
    unsure: list[Mapping[str, Any]] = []
    points = _points_going(s, until)
    for n, database in enumerate(other_databases(s)[:MOST_OTHERS]):
        left, whole = 0, True
        for place in ("backups", "snapshots"):
            result = s.read(f"{place} {n}")
            whole = whole and result.whole
            for c in result.items:
                path = path_of(OWN, "mssql-databases", database.get("id"), place, c.get("id"))
                along = c.get("pointInTime") in points
                gone = along or (path in s.leaving and s.leaving[path] <= until) or c.get("state") in GOING
                left += not (gone or flaw_of(c, s.now, stores(s)))
        if not left:
            (bare if whole else unsure).append(database)
    if bare:
        words = f"It is the LAST usable recovery point of {names(bare)} too."
        yield grave(words, "the LAST recovery point of others", words, Danger.DESTROY)
    if unsure:
        words = f"Whether another recovery point of {names(unsure)} remains is not known."
        yield grave(words, "whether others keep a recovery point is not known", danger=Danger.DESTROY)


def _points_going(s: Subject, until: datetime) -> set[Any]:
    """The points in time of the copies that go by then: of this one, and of those that its plan ends."""
    base = s.target.path.rpartition("/")[0].rpartition("/")[0]
    going = {
        copy.get("pointInTime")
        for place in ("backups", "snapshots")
        for copy in s.read(place).items
        if (end := s.leaving.get(path_of(base, place, copy.get("id")))) and end <= until
    }
    return {s.resource.get("pointInTime"), *going}


def other_databases(s: Subject) -> list[Mapping[str, Any]]:
    """The other databases whose data is in the copy."""
    itself = identity_of(parent_path(s.target.path))[1]
    return [d for d in objects(s.resource.get("associatedDatabases")) if d.get("id") != itself]


def dependents(s: Subject) -> Iterator[Finding]:
    """The copies made from it, and the schedules that need the newest copy of its schedule as their source."""
    chained = [b for b in s.read("backups").items if item_at(b, "sourceCopyInfo", "id") == s.resource.get("id")]
    if chained:
        source = "its source" if len(chained) == 1 else "their source"
        yield notable(f"{units.plural(len(chained), 'backup')} made from it can no longer use it as {source}.")
    mine, taken = _schedule_id(s.resource), units.parse_time(s.resource.get("pointInTime"))
    place, _, _ = s.target.path.rpartition("/")
    tail = "/" + "/".join(place.split("/")[-3:])  # whichever API reads the asset
    gone = {path.rpartition("/")[2] for path in s.leaving if path.rpartition("/")[0].endswith(tail)}
    alike = [c for c in s.read(place.rpartition("/")[2]).items if _schedule_id(c) == mine]
    points = {c.get("id"): units.parse_time(c.get("pointInTime")) for c in alike}
    newer = {identity for identity, moment in points.items() if taken and moment and moment > taken}
    if mine is None or newer - gone:
        return
    newest = f"It is the newest of schedule {cell(mine)}, and"
    if gone & (points.keys() - {s.resource.get("id")}):
        newest = f"The newest of schedule {cell(mine)} go, and"
    for one in schedules_of(s.read("job").resource):
        if source_of(one[1]) == mine:
            needs = f"chedule {cell(id_of(one))}"
            plan = describe_schedules([one]).partition(": ")[2]
            words = f"{newest} s{needs} ({plan}) needs a copy of that schedule as its source."
            short = f"S{needs} needs it as its source: it is the newest of schedule {cell(mine)}."
            yield grave(words, "the source of a schedule", short)


def _schedule_id(copy: Mapping[str, Any]) -> str | None:
    identity = item_at(copy, "scheduleInfo", "scheduleId") or item_at(copy, "scheduleInfo", "id")
    return str(identity) if identity is not None else None
