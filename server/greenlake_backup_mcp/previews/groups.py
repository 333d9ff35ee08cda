"""What becomes of protection groups, whose member lists are absolute: whoever is not listed is dropped.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import in_use
from .copy_holders import Holder
from .difference import Element, key_of
from .jobs import copies_in
from .lost_copies import Loss, fates_of, tell_fates
from .model import Finding, PreviewSpec, Subject, each, grave, mark, notable
from .phrases import listed, name_of, names, objects
from .places import ABSENT, MEMBERS
from .reads import OWN, WHOLE, ReadSpec, Target, copy_reads, identity_of, path_of
from .recovery_point_facts import GOING, flaw_of, hosts_of, is_locked
from .tenant_facts import SETTINGS, STORES, second_person, stores

MOST_MEMBERS = 40  # members whose own copies are read: two requests each


def _delete_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The copies of the group; one of databases has none of its own."""
    if identity_of(target.path)[0] == "mssql-database-protection-groups":
        return []
    return [*copy_reads(target.path, "the group", WHOLE), SETTINGS, STORES]


def _update_reads(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """What has the new name, and what protects members that are added."""
    listed = any(objects(arguments.get(name)) for name in MEMBERS)
    category = target.resource.get("assetsCategory")
    members = in_use.member_reads(identity_of(target.path)[0], category) if listed else []
    return [*in_use.name_reads(arguments, target), *members]


def _delete(s: Subject) -> Iterator[Finding]:
    members, job, cascade = member_list(s.resource), s.resource.get("protectionJobInfo"), _cascades(s)
    if cascade:
        copies = [(place, copy) for place in ("backups", "snapshots") for copy in s.read(place).items]
        yield from _left_of_members(s, members, copies)
        words = f"cascadedelete: its recovery points are taken to be DELETED along: {copies_in(s)}."
        yield grave(words, "cascadedelete", danger=Danger.DESTROY)
        if hosts := listed(dict.fromkeys(filter(None, (hosts_of(copy) for _, copy in copies)))):
            words = f"ATTACHED are some of them: their volumes vanish under {hosts}."
            yield grave(f"{words[:-1]}, and file systems in use on them break.", "attached to a host", words)
        if locked := sum(is_locked(copy, s.now) for _, copy in copies):
            yield grave(f"LOCKED of them: {locked:,}; the service may refuse because of them.", "holds locked copies")
        yield from second_person(s)
    if isinstance(job, Mapping):
        loses = "loses" if len(members) == 1 else "lose"
        who = f"{_count(s)} {loses} the protection by policy {name_of(job.get('protectionPolicyInfo') or {})}"
        yield grave(f"Its {who}: no further copies are made.", "protected", f"{who}." if members else "")
    else:
        yield Finding(f"It has {_count(s)}. The service names no protection job of it.")
    if "backups" in s.facts and not cascade:
        yield Finding(f"Its recovery points are expected to stay until they expire: {copies_in(s)}.")
    yield from [mark(units.plural(len(members), "member"))] if members else []


def _left_of_members(
    s: Subject, members: list[Mapping[str, Any]], copies: list[tuple[str, Mapping[str, Any]]]
) -> Iterator[Finding]:
    """What is left of the members without the copies of their group: their own, as far as those were read."""
    every_store = stores(s)
    going = [(place, copy) for place, copy in copies if not flaw_of(copy, s.now) and copy.get("state") not in GOING]
    losses = []
    for n, member in enumerate(members[:MOST_MEMBERS] if going else ()):
        own = [(place, s.read(f"{place} {n}")) for place in ("backups", "snapshots")]
        left = [
            (place, copy)
            for place, result in own
            for copy in result.items
            if not flaw_of(copy, s.now, every_store) and copy.get("state") not in GOING
        ]
        if left or all(result.whole or result.missing or f"{place} {n}" not in s.facts for place, result in own):
            losses.append(Loss(Holder(name_of(member), "", 0), [], fates_of(going, left, s.now)))
    part = "" if len(losses) == len(members) and all(s.read(p).whole for p in ("backups", "snapshots")) else "at least "
    goes = (f"{s.name} goes with its recovery points", f"{s.name} goes")
    yield from tell_fates(losses, part, goes, Danger.DESTROY)
    if going and (lasting := sum(not loss.fates for loss in losses)):
        words = f"Members that keep usable recovery points of their own, of each kind: {part}{lasting:,}."
        yield Finding(words)


def _member_reads(s: Subject) -> list[ReadSpec]:
    """The copies of the members of a group of VMs, where those of the group go: volumes have none of their own."""
    if not _cascades(s) or s.target.kind != "VM protection group":
        return []
    return [
        spec
        for n, member in enumerate(member_list(s.resource)[:MOST_MEMBERS])
        for spec in copy_reads(path_of(OWN, "virtual-machines", member.get("id")), name_of(member), WHOLE, f" {n}")
    ]


def _update(s: Subject) -> Iterator[Finding]:
    for field in (f for f in MEMBERS if isinstance(s.arguments.get(f), list)):
        yield from _dropped(s, field)
    if any(leaf.names[0] == "dynamicMemberFilter" and leaf.after != {} for leaf in s.difference.leaves):
        count = len(member_list(s.resource))
        yield grave(
            f"Members that the new filter does not find drop out and lose protection: now {_count(s)}.",
            "members may drop out",
            f"MEMBERS MAY DROP OUT of {count:,}: whom the filter finds, nobody knows.",
        )
    listed = any(name in s.arguments for name in MEMBERS)
    if listed and "NATIVE" in (s.resource.get("vmProtectionGroupType"), s.resource.get("volumeProtectionGroupType")):
        yield notable("It is a NATIVE group; the service is expected to refuse a member list.")
    yield from in_use.name_in_use(s)
    yield from in_use.protected_members(s, in_use.added_members(s), s.resource.get("id"))
    yield from in_use.foreign_members(s)


def _dropped(s: Subject, field: str) -> Iterator[Finding]:
    """How many a member list drops; each is a change of its own."""
    present, count = s.resource.get(field), len({key_of((field,), m) for m in objects(s.arguments[field])})
    if not isinstance(present, list):
        yield grave(
            f"The list given ({units.plural(count, 'member')}) replaces the present one. "
            "Who is a member now is not known, so nor is who is dropped.",
            "drops whoever is not listed",
        )
        return
    leaves = [x for x in s.difference.leaves if x.names == (field,) and isinstance(x.path[-1], Element)]
    gone = [x.before for x in leaves if x.after is ABSENT]
    words = f"The list given replaces the present one: {len(present) - len(gone):,} of {len(present):,} stay, "
    yield Finding(f"{words}{count:,} {'is' if count == 1 else 'are'} in it.{'' if gone else ' No member is dropped.'}")
    if gone:
        who = units.plural(len(gone), "member")
        more = f" and {len(gone) - 3:,} more" if len(gone) > 3 else ""
        yield grave("", f"drops {who}", f"DROPS {who} of {len(present):,}: {names(gone[:3])}{more}.", kind="LOST")


def member_list(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members of a group, in whichever of its lists."""
    return next((objects(group[f]) for f in MEMBERS if isinstance(group.get(f), list)), [])


def _count(s: Subject) -> str:
    if not any(f in s.resource for f in MEMBERS):
        return "members (how many is not known)"
    return units.plural(len(member_list(s.resource)), "member")


def _cascades(s: Subject) -> bool:
    return s.arguments.get("cascadedelete") is True


def _way_back(s: Subject) -> str:
    missed = "; runs missed until then are not made up for" if s.resource.get("protectionJobInfo") else ""
    return f"A new group can be made{'; what cascadedelete took is gone for good' if _cascades(s) else missed}."


def _undo_of_update(s: Subject) -> str:
    members = any(name in s.arguments for name in (*MEMBERS, "dynamicMemberFilter"))
    return f"It can be changed back{'; runs missed until then are not made up for' if members else ''}."


DELETE = PreviewSpec("Delete the {target}", _delete, _way_back, reads=_delete_reads, further=(_member_reads,))
UPDATE = PreviewSpec(
    "Change the {target}",
    _update,
    _undo_of_update,
    reads=_update_reads,
)
TABLE: Mapping[str, PreviewSpec] = {
    **each("VmProtectionGroupDelete RemoveVolumeProtectionGroup RemoveMSSQLDatabaseProtectionGroup", DELETE),
    **each("VmProtectionGroupUpdate VolumeProtectionGroupUpdate MSSQLDatabaseProtectionGroupUpdate", UPDATE),
}
