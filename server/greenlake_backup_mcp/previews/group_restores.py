"""What restoring a whole VM protection group does: to whom, from which recovery points, and what each member loses.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import restore_sources, restores, times
from .model import Finding, Gravity, Judgement, Subject, counted, name_of, names, not_known, objects
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


def judge_restore(s: Subject) -> Judgement:
    """A VM protection group comes back: all its members, or those listed."""
    over = s.arguments.get("restoreType") != "ALTERNATE"
    return Judgement(
        title=f"Restore the {s.label} {'OVER ITSELF' if over else 'to a new place'}",
        facts=(restore_sources.state(s),),
        findings=[*_findings(s, over=over), *restore_sources.warnings(s)],
        reversibility=(
            "What is overwritten cannot be brought back. check_vm_protection_group_restore tells beforehand "
            "whether each member can be restored."
            if over
            else "What is made can be removed again, outside this server."
        ),
        unknown=not_known(s.target.found, *s.target.uses.values()),
        forbidden=restore_sources.unusable_reasons(s, overwrites=over),
        danger=Danger.DESTROY if over else Danger.DISRUPT,
    )


def _findings(s: Subject, *, over: bool) -> Iterator[Finding]:
    infos, who = objects(s.arguments.get("recoveryInfo")), _members(s)
    if over:
        which = "the recovery point named for it" if infos else "its latest recovery point"
        yield Finding(
            f"OVERWRITTEN with their recovery points: {who}. Everything written to each member since {which} is LOST.",
            Gravity.GRAVE,
            "overwrites",
            f"OVERWRITES {counted(len(infos) or len(objects(s.resource.get('assets'))), 'member')} of {s.name}.",
            Danger.DESTROY,
        )
        yield Finding("Members that are powered on go down for it; which are on was not read.", Gravity.NOTABLE)
    else:
        yield Finding(f"Made a second time: {who}.")
        named = [n for n in ("namePrefix", "namePostfix") if s.arguments.get(n)]
        if not named:
            yield Finding(
                "No prefix or postfix is given: what is made would have the names that exist. The service refuses, "
                "makes second ones, or overwrites; no document says which.",
                Gravity.GRAVE,
                "the names exist",
                danger=Danger.DESTROY,
            )
    for n, found in enumerate(f for name, f in s.target.uses.items() if name.startswith("copy") and f.known):
        yield Finding(f"Recovery point {n + 1}: {'; '.join(recovery_point_facts(found.resource, s.now))}.")
    if len(infos) > restores.MOST_COPIES:
        words = f"Only the first {restores.MOST_COPIES} of {len(infos):,} recovery points were read."
        yield Finding(words, Gravity.NOTABLE)
    if not infos:
        yield Finding("No recovery point is named: the service takes the latest of each member.", Gravity.NOTABLE)
        yield from _newest(s)
        if (more := len(objects(s.resource.get("assets"))) - MOST_MEMBERS) > 0:
            words = f"Of {counted(more, 'further member')} the recovery points were not read."
            yield Finding(words, Gravity.NOTABLE)


def _members(s: Subject) -> str:
    members, infos = objects(s.resource.get("assets")), objects(s.arguments.get("recoveryInfo"))
    if s.arguments.get("restoreAllResources") or not infos:
        who = f"ALL {counted(len(members), 'member')}" if members else "ALL members (how many is not known)"
        return who + (f": {names(members)}" if members else "")
    chosen = {i.get("resourceId") for i in infos}
    known = [m for m in members if m.get("id") in chosen]
    return f"{counted(len(infos), 'entry', 'entries')} of the list" + (f": {names(known)}" if known else "")


def _newest(s: Subject) -> Iterator[Finding]:
    """Of each member looked at its newest usable recovery point, in a sentence; and whether it has none."""
    bare = 0
    for number, member in enumerate(objects(s.resource.get("assets"))[:MOST_MEMBERS]):
        lists = [s.found(f"{place} {number}") for place in ("backups", "snapshots")]
        copies = [copy for found in lists for copy in found.items if not flaw_of(copy, s.now)]
        points = [m for m in (units.parse_time(copy.get("pointInTime")) for copy in copies) if m]
        whole = all(found.whole for found in lists)
        word = "Newest recovery point" if whole else "Newest known recovery point"
        if points:
            yield Finding(f"{word} of {name_of(member)}: {times.describe_when(max(points), s.now)}.")
        elif whole and not copies:
            bare += 1
            yield Finding(f"{name_of(member)} has NO usable recovery point.", Gravity.NOTABLE)
        else:
            yield Finding(f"{word} of {name_of(member)}: not known.")
    if bare:
        yield Finding("", warning=f"{counted(bare, 'member')} without a usable recovery point")
