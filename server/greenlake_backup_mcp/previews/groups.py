"""What becomes of protection groups, whose member lists are absolute: whoever is not listed is dropped.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell

from .jobs import recovery_points_of
from .model import Effect, Subject, changes, counted, item_at, name_of, names, not_known, objects, state_of
from .reads import COUNT, OWN, ReadSpec, Target, identity_of, path_of

MEMBERS = ("assets", "members")  # the absolute lists


def group_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """How many copies of the group there are."""
    collection, identity = identity_of(target.path)
    if collection == "mssql-database-protection-groups":  # has none of its own
        return []
    return [
        ReadSpec(place, f"the {place} of the group", path_of(OWN, collection, identity, place), COUNT)
        for place in ("backups", "snapshots")
    ]


def describe_delete(s: Subject) -> Effect:
    """A group goes, and with it the protection of its members."""
    members = _member_list(s.resource)
    job, a = s.resource.get("protectionJobInfo"), s.arguments
    follows = [f"The group is removed; it has {_count_members(s)}."]
    if isinstance(job, Mapping):
        policy = name_of(job.get("protectionPolicyInfo") or {})
        follows.append(f"Its members lose the protection by policy {policy}: no further copies are made.")
    else:
        follows.append("No protection job is known to stand on it.")
    if a.get("cascadedelete"):
        follows.append(f"cascadedelete: its recovery points are taken to be DELETED along: {recovery_points_of(s)}.")
    elif s.facts:
        follows.append(f"Its recovery points are expected to stay until they expire: {recovery_points_of(s)}.")
    if a.get("force"):
        follows.append("force: the service does not stop at what else depends on it.")
    danger = tuple(n for n in ("cascadedelete", "force") if a.get(n))
    return Effect(
        title=f"Delete the {s.label}",
        facts=_group_facts(s),
        consequences=tuple(follows),
        reversibility="A new group can be made; what cascadedelete took is gone for good."
        if a.get("cascadedelete")
        else "A new group can be made; runs missed until then are not made up for.",
        unknown=not_known(*s.facts.values()),
        warnings=(*danger, *(("protected",) if job else ()), *((f"{len(members)} members",) if members else ())),
    )


def describe_update(s: Subject) -> Effect:
    """The member list given replaces the present one: whoever is not on it loses protection."""
    a, follows, exceptions = s.arguments, [], []
    for field in MEMBERS:
        if not isinstance(a.get(field), list):
            continue
        if not isinstance(s.resource.get(field), list):
            follows.append(
                f"The list given ({counted(len(a[field]), 'member')}) replaces the present one. Who is a member now is "
                "not known, so nor is who is dropped."
            )
            exceptions.append("drops whoever is not listed")
            continue
        now = {_member_id(m): m for m in objects(s.resource.get(field))}
        then = {_member_id(m): m for m in objects(a[field])}
        dropped, added = [now[i] for i in now if i not in then], [then[i] for i in then if i not in now]
        kept = counted(len(set(now) & set(then)), "member")
        follows.append(f"The list given replaces the present one: {kept} stay, of {len(now):,}.")
        if dropped:
            follows.append(f"DROPPED, and without the group's protection from then on: {names(dropped)}.")
            exceptions.append(f"drops {counted(len(dropped), 'member')}")
        if added:
            follows.append(f"Added: {', '.join(_read_members(m) for m in added[:12])}{_more(added)}.")
        if not dropped and not added:
            follows.append("No member is dropped or added.")
    rest = {n: v for n, v in a.items() if n in ("name", "description", "nativeAppInfo", "dynamicMemberFilter")}
    follows += changes(rest, s.resource, s.now)
    if s.resource.get("vmProtectionGroupType") == "NATIVE" or s.resource.get("volumeProtectionGroupType") == "NATIVE":
        follows.append("It is a NATIVE group; the service is expected to refuse a member list.")
    return Effect(
        title=f"Change the {s.label}",
        facts=_group_facts(s),
        consequences=tuple(follows),
        reversibility="It can be changed back; runs missed until then are not made up for.",
        warnings=tuple(exceptions),
    )


def _member_list(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return next((objects(group[f]) for f in MEMBERS if isinstance(group.get(f), list)), [])


def _count_members(s: Subject) -> str:
    members = _member_list(s.resource)
    if not members and not any(f in s.resource for f in MEMBERS):
        return "members that are not known"
    return counted(len(members), "member") + (f": {names(members)}" if members else "")


def _member_id(member: Mapping[str, Any]) -> Any:
    """The id of a member; lists of databases are given by resourceUri."""
    return member.get("id") or str(member.get("resourceUri", "")).rpartition("/")[2]


def _read_members(member: Mapping[str, Any]) -> str:
    return name_of(member) if member.get("name") or member.get("displayName") else f"id {cell(str(_member_id(member)))}"


def _more(items: list[Any]) -> str:
    return f" and {len(items) - 12:,} more" if len(items) > 12 else ""


def _group_facts(s: Subject) -> tuple[str, ...]:
    facts = [state_of(s.resource) or "state not known"]
    kinds = ("vmProtectionGroupType", "volumeProtectionGroupType", "protectionGroupType")
    facts += [f"type {cell(str(s.resource[name]))}" for name in kinds if s.resource.get(name)]
    facts.append(_count_members(s))
    if policy := item_at(s.resource, "protectionJobInfo", "protectionPolicyInfo"):
        facts.append(f"under policy {name_of(policy)}")
    return ("; ".join(facts),)
