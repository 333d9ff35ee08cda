"""What restoring a whole VM protection group does: to whom, from which recovery points, and what each member loses.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import name_of, names, objects
from .reads import OWN, WHOLE, ReadSpec, Target, copy_reads, path_of
from .recovery_point_facts import flaw_of, recovery_point_facts
from .restore_places import copy_and_place, is_over
from .restores import MADE, unusable, warnings

MOST_COPIES = 20  # named recovery points that are read
MOST_MEMBERS = 10  # whose recovery points are looked at: two requests each
LOOK = (*WHOLE, ("select", "id,pointInTime,state,expiresAt"))


def _reads(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The recovery points named; where none is, those of the first members."""
    specs = copy_and_place(arguments, target)
    infos = objects(arguments.get("recoveryInfo"))
    for n, one in enumerate(infos[:MOST_COPIES]):
        place, asset = "snapshots" if one.get("recoveryPointType") == "SNAPSHOT" else "backups", one.get("resourceId")
        path = path_of(OWN, _collection(target, asset), asset, place, one.get("recoveryPointId"))
        specs.append(ReadSpec(f"copy {n}", f"recovery point {n + 1}", path, decides=True))
    for n, member in enumerate([] if infos else objects(target.resource.get("assets"))[:MOST_MEMBERS]):
        if asset := member.get("id"):
            specs += copy_reads(path_of(OWN, _collection(target, asset), asset), name_of(member), LOOK, f" {n}")
    return specs


def _collection(group: Target, member: Any) -> str:
    """The collection that a member of a group is in; its recovery points are found below it."""
    kinds = [str(a.get("type")) for a in objects(group.resource.get("assets")) if a.get("id") == member]
    return "datastores" if kinds and kinds[0].endswith("datastore") else "virtual-machines"


def _restore(s: Subject) -> Iterator[Finding]:
    infos, members = objects(s.arguments.get("recoveryInfo")), objects(s.resource.get("assets"))
    if is_over(s):
        which = "the recovery point named for it" if infos else "its latest recovery point"
        words = f"OVERWRITTEN with their recovery points: {_who(s)}. Everything written to each member since {which}"
        count = units.plural(len(infos) or len(members), "member")
        short = f"OVERWRITES {count} of {s.name}: what was written since is LOST."
        yield grave(f"{words} is LOST.", "overwrites", short, Danger.DESTROY)
        yield notable("Members that are powered on go down for it; which are on was not read.")
    else:
        yield Finding(f"Made a second time: {_who(s)}.")
        if any(
            leaf.after is True for leaf in s.difference.leaves if leaf.name in ("powerOn", "powerOnVmsAfterRestore")
        ):
            yield notable(
                "What is powered on runs beside the machine that exists, with the same addresses and identity."
            )
    if not is_over(s) and not any(s.arguments.get(n) for n in ("namePrefix", "namePostfix")):
        words = "No prefix or postfix is given: what is made would have the names that exist"
        more = "the service refuses, makes second ones, or overwrites; no document says which"
        yield grave(f"{words}: {more}.", "the names exist", f"{words}.", Danger.DESTROY)
    for n, result in enumerate(r for name, r in s.target.uses.items() if name.startswith("copy") and r.available):
        yield Finding(f"Recovery point {n + 1}: {'; '.join(recovery_point_facts(result.resource, s.now))}.")
    if len(infos) > MOST_COPIES:
        yield notable(f"Only the first {MOST_COPIES} of {len(infos):,} recovery points were read.")
    if not infos:
        yield notable("No recovery point is named: the service takes the latest of each member.")
        yield from _newest(s)
    yield from warnings(s)


def _who(s: Subject) -> str:
    members, infos = objects(s.resource.get("assets")), objects(s.arguments.get("recoveryInfo"))
    if s.arguments.get("restoreAllResources") or not infos:
        return f"ALL {units.plural(len(members), 'member')}" if members else "ALL members (how many is not known)"
    chosen = {i.get("resourceId") for i in infos}
    named = [m for m in members if m.get("id") in chosen]
    return f"{units.plural(len(infos), 'entry')} of the list" + (f": {names(named)}" if named else "")


def _newest(s: Subject) -> Iterator[Finding]:
    """The newest usable recovery point of members, told together where it is the same; or that there is none."""
    members, bare = objects(s.resource.get("assets")), []
    newest: dict[tuple[bool, str], list[Mapping[str, Any]]] = {}
    for n, member in enumerate(members[:MOST_MEMBERS]):
        lists = [s.read(f"{place} {n}") for place in ("backups", "snapshots")]
        copies = [copy for result in lists for copy in result.items if not flaw_of(copy, s.now)]
        points = [moment for copy in copies if (moment := units.parse_time(copy.get("pointInTime")))]
        whole = all(result.whole for result in lists)
        if whole and not copies:
            bare.append(member)
            continue
        when = times.describe_when(max(points), s.now) if points else "not known"
        newest.setdefault((whole, when), []).append(member)
    for (whole, when), those in newest.items():
        yield Finding(f"Newest {'' if whole else 'known '}recovery point of {names(those)}: {when}.")
    if bare:
        yield notable(f"{names(bare)} {'has' if len(bare) == 1 else 'have'} NO usable recovery point.")
        yield mark(f"{units.plural(len(bare), 'member')} without a usable recovery point")
    if (more := len(members) - MOST_MEMBERS) > 0:
        yield notable(f"Of {units.plural(more, 'further member')} the recovery points were not read.")


CHECK = "check_vm_protection_group_restore tells beforehand whether each member can be restored."
TABLE: Mapping[str, PreviewSpec] = {
    "VmpgRestore": PreviewSpec(
        lambda s: f"Restore the {s.label} {'OVER ITSELF' if is_over(s) else 'to a new place'}",
        _restore,
        lambda s: f"What is overwritten cannot be brought back. {CHECK}" if is_over(s) else MADE,
        forbidden=lambda s: unusable(s, overwrites=is_over(s)),
        reads=_reads,
    )
}
