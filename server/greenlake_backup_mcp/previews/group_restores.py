"""What restoring a whole VM protection group does: to whom, from which recovery points, and what each member loses.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units

from . import places, restore_sources, restores, times
from .model import Effect, Subject, counted, name_of, names, not_known, objects
from .reads import OWN, ReadSpec, Target, path_of
from .recovery_point_facts import flaw_of, recovery_point_facts

MOST_MEMBERS = 10  # whose recovery points are looked at: two requests each
LOOK = (("limit", "1000"), ("select", "id,pointInTime,state,expiresAt"))


def reads_for(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The recovery points named; where none is, those of the first members."""
    found = restores.reads_for(arguments, target)
    if objects(arguments.get("recoveryInfo")):
        return found
    for number, member in enumerate(objects(target.resource.get("assets"))[:MOST_MEMBERS]):
        collection = restores.members(target, member.get("id"))
        for place in ("backups", "snapshots") if member.get("id") else ():
            path = path_of(OWN, collection, member["id"], place)
            found.append(ReadSpec(f"{place} {number}", f"the {place} of {name_of(member)}", path, LOOK))
    return found


def describe_restore(s: Subject) -> Effect:
    """A VM protection group comes back: all its members, or those listed."""
    a = s.arguments
    over = a.get("restoreType") != "ALTERNATE"
    infos = objects(a.get("recoveryInfo"))
    follows = [f"{'Overwritten with their recovery points' if over else 'Made a second time'}: {_member_name(s)}."]
    if over:
        which = "the recovery point named for it" if infos else "its latest recovery point"
        follows.append(f"Everything written to each member since {which} is LOST.")
        follows.append("Members that are powered on go down for it; which are on was not read.")
    follows += [
        f"Recovery point {n + 1}: {'; '.join(recovery_point_facts(found.resource, s.now))}."
        for n, found in enumerate(f for name, f in s.target.uses.items() if name.startswith("copy") and f.known)
    ]
    if len(infos) > restores.MOST_COPIES:
        follows.append(f"Only the first {restores.MOST_COPIES} of {len(infos):,} recovery points were read.")
    bare: list[str] = []
    if not infos:
        follows.append("No recovery point is named: the service takes the latest of each member.")
        newest = list(_newest(s))
        follows += [line for line, _ in newest]
        bare = [line for line, none in newest if none]
        if (more := len(objects(s.resource.get("assets"))) - MOST_MEMBERS) > 0:
            follows.append(f"Of {counted(more, 'further member')} the recovery points were not read.")
    if not over:
        follows += [f"Where to: {places.describe_place(s)}.", *places.duplicates(s)]
    follows += [*restore_sources.options(s), *restore_sources.warnings(s)]
    return Effect(
        title=f"Restore the {s.label} {'OVER ITSELF' if over else 'to a new place'}",
        facts=(restore_sources.state(s),),
        consequences=tuple(follows),
        reversibility=(
            "What is overwritten cannot be brought back. check_vm_protection_group_restore tells beforehand "
            "whether each member can be restored."
            if over
            else "What is made can be removed again, outside this server."
        ),
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=over),
        warnings=(
            *(("overwrites",) if over else ()),
            *((f"{counted(len(bare), 'member')} without a usable recovery point",) if bare else ()),
            *restore_sources.flaws(s),
        ),
    )


def _member_name(s: Subject) -> str:
    members, infos = objects(s.resource.get("assets")), objects(s.arguments.get("recoveryInfo"))
    if s.arguments.get("restoreAllResources") or not infos:
        who = f"ALL {counted(len(members), 'member')}" if members else "ALL members (how many is not known)"
        return who + (f": {names(members)}" if members else "")
    chosen = {i.get("resourceId") for i in infos}
    known = [m for m in members if m.get("id") in chosen]
    return f"{counted(len(infos), 'entry', 'entries')} of the list" + (f": {names(known)}" if known else "")


def _newest(s: Subject) -> Iterator[tuple[str, bool]]:
    """Of each member looked at its newest usable recovery point, in a sentence; and whether it has none."""
    for number, member in enumerate(objects(s.resource.get("assets"))[:MOST_MEMBERS]):
        lists = [s.found(f"{place} {number}") for place in ("backups", "snapshots")]
        copies = [copy for found in lists for copy in found.items if not flaw_of(copy, s.now)]
        points = [m for m in (units.parse_time(copy.get("pointInTime")) for copy in copies) if m]
        whole = all(found.whole for found in lists)
        word = "Newest recovery point" if whole else "Newest known recovery point"
        if points:
            yield f"{word} of {name_of(member)}: {times.describe_when(max(points), s.now)}.", False
        elif whole and not copies:
            yield f"{name_of(member)} has NO usable recovery point.", True
        else:
            yield f"{word} of {name_of(member)}: not known.", False
