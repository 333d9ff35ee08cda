"""What restoring a whole VM protection group does: to whom, from which recovery points, and what each member loses.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import as_shown, listed, name_of, names, objects, quoted
from .reads import OWN, WHOLE, ReadSpec, Target, copy_reads, path_of
from .recovery_point_facts import flaw_of, recovery_point_facts
from .restore_places import check_places, copy_and_place, is_over, unused_place
from .restores import MADE, unusable, warnings

MOST_COPIES = 20  # named recovery points that are read
MOST_MEMBERS = 10  # whose recovery points are looked at: two requests each
LOOK = (*WHOLE, ("select", "id,pointInTime,state,expiresAt"))


def _reads(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The recovery points named; those of the first members for which none is."""
    specs = copy_and_place(arguments, target)
    for n, one in enumerate(objects(arguments.get("recoveryInfo"))[:MOST_COPIES]):
        if not one.get("recoveryPointId"):
            continue
        place, asset = "snapshots" if one.get("recoveryPointType") == "SNAPSHOT" else "backups", one.get("resourceId")
        path = path_of(OWN, _collection(target, asset), asset, place, one.get("recoveryPointId"))
        specs.append(ReadSpec(f"copy {n}", f"recovery point {n + 1}", path, decides=True))
    for n, member in enumerate(_without_point(arguments, target.resource)[:MOST_MEMBERS]):
        if asset := member.get("id"):
            specs += copy_reads(path_of(OWN, _collection(target, asset), asset), name_of(member), LOOK, f" {n}")
    return specs


def _collection(group: Target, member: Any) -> str:
    """The collection that a member of a group is in; its recovery points are found below it."""
    kinds = [str(a.get("type")) for a in objects(group.resource.get("assets")) if a.get("id") == member]
    return "datastores" if kinds and kinds[0].endswith("datastore") else "virtual-machines"


def _restore(s: Subject) -> Iterator[Finding]:
    infos, latest = objects(s.arguments.get("recoveryInfo")), _without_point(s.arguments, s.resource)
    if is_over(s):
        chosen = len(_chosen(s.arguments, s.resource))
        which = "its latest recovery point" if chosen == len(latest) else "the recovery point named for it"
        which += ", else its latest," if 0 < len(latest) < chosen else ""
        words = f"OVERWRITTEN with their recovery points: {_who(s)}. Everything written to each member since {which}"
        short = f"OVERWRITES {_count(s)} of {s.name}: what was written since is LOST."
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
    if _keeps_names(s):
        words = "No prefix or postfix is given: what is made would have the names that exist"
        more = "the service refuses, makes second ones, or overwrites; no document says which"
        yield grave(f"{words}: {more}.", "the names exist", f"{words}.", Danger.DESTROY)
    yield from unused_place(s)
    yield from check_places(s)
    yield from _entries(s, infos)
    if latest or not s.resource.get("assets"):
        whose = f" for {names(latest)}" if infos and latest else ""
        yield notable(f"No recovery point is named{whose}: the service takes the latest of each member.")
        yield from _newest(s, latest)
    yield from warnings(s)


def _entries(s: Subject, infos: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """The recovery points named, and what in their list fits no member or no copy."""
    points = {n: r for n in range(len(infos)) if (r := s.target.uses.get(f"copy {n}")) is not None}
    for n, result in points.items():
        if result.available:
            yield Finding(f"Recovery point {n + 1}: {'; '.join(recovery_point_facts(result.resource, s.now))}.")
        elif result.missing:
            kind = "snapshots" if infos[n].get("recoveryPointType") == "SNAPSHOT" else "backups"
            words = f"Recovery point {n + 1} is NOT FOUND among the {kind} of that member"
            yield grave(f"{words}: the service is expected to refuse it.", "a recovery point that is not found")
    if len(infos) > MOST_COPIES:
        yield notable(f"Only the first {MOST_COPIES} of {len(infos):,} recovery points were read.")
    members = {m.get("id") for m in objects(s.resource.get("assets"))}
    asked = Counter(str(one["resourceId"]) for one in infos if one.get("resourceId"))
    label_of = {i: quoted(s.id_names[i]) if i in s.id_names else f"id {cell(i)}" for i in asked}
    strangers = [label_of[identity] for identity in asked if identity not in members]
    if strangers and members:
        words = f"NO member of the group: {listed(strangers)}"
        yield grave(f"{words}; the service refuses that, or restores it too: no document says which.", "no member")
    if twice := [label_of[i] for i, count in asked.items() if count > 1]:
        yield notable(f"Named more than once: {listed(twice)}; which of the points is taken, no document says.")
    if blank := sum(not one.get("resourceId") for one in infos):
        yield notable(f"{units.plural(blank, 'entry')} of recoveryInfo {'names' if blank == 1 else 'name'} no member.")


def _keeps_names(s: Subject) -> bool:
    """Whether what is made a second time would have the names that exist."""
    return not is_over(s) and not any(as_shown(s.arguments.get(n) or "") for n in ("namePrefix", "namePostfix"))


def _takes_all(arguments: Mapping[str, Any]) -> bool:
    """Whether every member is restored: as asked, or because none is named."""
    named = any(one.get("resourceId") for one in objects(arguments.get("recoveryInfo")))
    return arguments.get("restoreAllResources") is True or not named


def _chosen(arguments: Mapping[str, Any], group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members that are restored."""
    members = objects(group.get("assets"))
    asked = {one.get("resourceId") for one in objects(arguments.get("recoveryInfo"))}
    return members if _takes_all(arguments) else [m for m in members if m.get("id") in asked]


def _without_point(arguments: Mapping[str, Any], group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members that are restored and for which no recovery point is named."""
    infos = objects(arguments.get("recoveryInfo"))
    named = {one.get("resourceId") for one in infos if one.get("recoveryPointId")}
    return [m for m in _chosen(arguments, group) if m.get("id") not in named]


def _count(s: Subject) -> str:
    every, count = _takes_all(s.arguments), len(_chosen(s.arguments, s.resource))
    return f"ALL {units.plural(count, 'member') if count else 'members'}" if every else units.plural(count, "member")


def _who(s: Subject) -> str:
    if those := _chosen(s.arguments, s.resource):
        return f"{_count(s)}: {names(those)}"
    return "ALL members (how many is not known)" if _takes_all(s.arguments) else "no member that is known"


def _newest(s: Subject, members: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """The newest usable recovery point of members, told together where it is the same; or that there is none."""
    bare: list[Mapping[str, Any]] = []
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
        lambda s: f"What is overwritten cannot be brought back. {CHECK}" if is_over(s) or _keeps_names(s) else MADE,
        forbidden=lambda s: unusable(s, overwrites=is_over(s)),
        reads=_reads,
    )
}
