"""What becomes of protection groups, whose member lists are absolute: whoever is not listed is dropped.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import tenant_facts
from .difference import ABSENT, Element
from .jobs import recovery_points_of
from .model import Finding, Gravity, Judgement, Subject, counted, item_at, name_of, names, not_known, objects, state_of
from .reads import COUNT, OWN, ReadSpec, Target, identity_of, path_of

MEMBERS = ("assets", "members")  # the absolute lists


def group_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """How many copies of the group there are."""
    collection, identity = identity_of(target.path)
    if collection == "mssql-database-protection-groups":  # has none of its own
        return []
    copies = [
        ReadSpec(place, f"the {place} of the group", path_of(OWN, collection, identity, place), COUNT)
        for place in ("backups", "snapshots")
    ]
    return [*copies, tenant_facts.TASKS, tenant_facts.SETTINGS]


def judge_delete(s: Subject) -> Judgement:
    """A group goes, and with it the protection of its members."""
    members = member_list(s.resource)
    job, cascade = s.resource.get("protectionJobInfo"), s.arguments.get("cascadedelete") is True
    findings = []
    if cascade:
        findings.append(
            Finding(
                f"cascadedelete: its recovery points are taken to be DELETED along: {recovery_points_of(s)}.",
                Gravity.GRAVE,
                "cascadedelete",
                danger=Danger.DESTROY,
            )
        )
    if isinstance(job, Mapping):
        policy = name_of(job.get("protectionPolicyInfo") or {})
        findings.append(
            Finding(
                f"Its {_count_members(s)} lose the protection by policy {policy}: no further copies are made.",
                Gravity.GRAVE,
                "protected",
                f"{counted(len(members), 'member')} lose the protection by policy {policy}." if members else "",
            )
        )
    else:
        findings.append(Finding(f"It has {_count_members(s)}. No protection job is known to stand on it."))
    if s.facts and not cascade:
        findings.append(
            Finding(f"Its recovery points are expected to stay until they expire: {recovery_points_of(s)}.")
        )
    if s.arguments.get("force"):
        findings.append(Finding("force: the service does not stop at what else depends on it.", Gravity.GRAVE, "force"))
    findings += [Finding("", warning=counted(len(members), "member"))] if members else []
    findings += tenant_facts.running(s)
    findings += [tenant_facts.second_person(s)] if cascade else []
    return Judgement(
        title=f"Delete the {s.label}",
        facts=_group_facts(s),
        findings=findings,
        reversibility="A new group can be made; what cascadedelete took is gone for good."
        if cascade
        else "A new group can be made; runs missed until then are not made up for.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DESTROY if cascade else Danger.DISRUPT,
    )


def judge_update(s: Subject) -> Judgement:
    """The member list given replaces the present one: whoever is not on it loses protection."""
    findings = []
    for field in (f for f in MEMBERS if isinstance(s.arguments.get(f), list)):
        given = len(s.arguments[field])
        if not isinstance(s.resource.get(field), list):
            findings.append(
                Finding(
                    f"The list given ({counted(given, 'member')}) replaces the present one. Who is a member now is not "
                    "known, so nor is who is dropped.",
                    Gravity.GRAVE,
                    "drops whoever is not listed",
                )
            )
            continue
        leaves = [x for x in s.difference.leaves if x.names == (field,) and isinstance(x.path[-1], Element)]
        dropped = [x for x in leaves if x.after is ABSENT]
        now = len(s.resource[field])
        words = f"The list given replaces the present one: {now - len(dropped):,} of {now:,} stay, {given:,} are in it."
        findings.append(Finding(words if dropped else f"{words} No member is dropped."))
        if dropped:
            gone, who = names([x.before for x in dropped[:3]]), counted(len(dropped), "member")
            more = f" and {len(dropped) - 3:,} more" if len(dropped) > 3 else ""
            short = f"DROPS {who} of {now:,}: {gone}{more}."
            findings.append(Finding("", Gravity.GRAVE, f"drops {who}", short, Danger.DISRUPT))
    if "dynamicMemberFilter" in s.arguments:
        findings.append(
            Finding(
                f"Members that the new filter does not find drop out and lose protection: now {_count_members(s)}.",
                Gravity.GRAVE,
                "members may drop out",
                f"MEMBERS MAY DROP OUT of {len(member_list(s.resource)):,}: whom the filter finds, nobody knows.",
            )
        )
    if s.resource.get("vmProtectionGroupType") == "NATIVE" or s.resource.get("volumeProtectionGroupType") == "NATIVE":
        findings.append(
            Finding("It is a NATIVE group; the service is expected to refuse a member list.", Gravity.NOTABLE)
        )
    return Judgement(
        title=f"Change the {s.label}",
        facts=_group_facts(s, members="dynamicMemberFilter" not in s.arguments),
        findings=findings,
        reversibility="It can be changed back; runs missed until then are not made up for.",
        danger=Danger.DISRUPT,
    )


def member_list(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members of a group, in whichever of its lists."""
    return next((objects(group[f]) for f in MEMBERS if isinstance(group.get(f), list)), [])


def _count_members(s: Subject) -> str:
    members = member_list(s.resource)
    if not members and not any(f in s.resource for f in MEMBERS):
        return "members (how many is not known)"
    return counted(len(members), "member") + (f" ({names(members)})" if members else "")


def _group_facts(s: Subject, *, members: bool = False) -> tuple[str, ...]:
    facts = [state_of(s.resource) or "state not known"]
    kinds = ("vmProtectionGroupType", "volumeProtectionGroupType", "protectionGroupType")
    facts += [f"type {cell(str(s.resource[name]))}" for name in kinds if s.resource.get(name)]
    facts += [_count_members(s)] if members else []
    if policy := item_at(s.resource, "protectionJobInfo", "protectionPolicyInfo"):
        facts.append(f"under policy {name_of(policy)}")
    return ("; ".join(facts),)
