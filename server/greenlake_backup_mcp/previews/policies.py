"""What becomes of protection when policies change. Their tiers, retention and locks are told by the difference.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.lists.views import schedules
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .difference import ABSENT, UNCARRIED
from .model import Finding, Gravity, Judgement, Subject, assets, at_least, counted, not_known, objects
from .reads import OWN, ReadSpec, Target, identity_of, literal

LOSSES = "What the list leaves out cannot be added again by an update: a policy's update cannot add a tier."


def policy_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The jobs of a policy: it lists them itself, but need not."""
    if isinstance(target.resource.get("protectionJobsInfo"), list):
        return []
    mine = literal(identity_of(target.path)[1])
    query = (("filter", f"protectionPolicyInfo/id eq {mine}"), ("limit", "20000"), ("select", "id,assetInfo"))
    return [ReadSpec("jobs", "the jobs of the policy", f"{OWN}/protection-jobs", query)]


def holders(s: Subject) -> str:
    """For how many assets a policy holds: `53 assets`; "" where for none."""
    jobs = _jobs(s)
    if jobs:
        return at_least(*s.facts.values()) + counted(len(jobs), "asset")
    return "an unknown number of assets" if _unsure(s) else ""


def judge_delete(s: Subject) -> Judgement:
    """A policy goes."""
    whom = f", which holds for {holders(s)}" if holders(s) else ""
    findings = [Finding(f"The policy is LOST with its tiers{whom}.", Gravity.GRAVE, danger=Danger.DISRUPT)]
    if s.resource.get("assigned") or _jobs(s):
        findings.append(Finding("It is assigned; the service is expected to refuse until no job uses it."))
    elif _unsure(s):
        words = "Whether a job uses it is not known; while one does, the service is expected to refuse."
        findings.append(Finding(words, Gravity.NOTABLE))
    return Judgement(
        title=f"Delete the {s.label}",
        facts=_policy_facts(s),
        findings=[*findings, *_in_use(s)],
        reversibility="It cannot be brought back, only made anew. Copies made under it stay until they expire.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DISRUPT,
    )


def judge_update(s: Subject) -> Judgement:
    """Schedules, retention or locks change for every asset under the policy; lists are replaced whole."""
    findings = []
    if "protections" in s.arguments:
        if not isinstance(s.resource.get("protections"), list):
            words = "What its tiers are now is not known; tiers and schedules not listed are LOST."
            findings.append(Finding(words, Gravity.GRAVE, "tiers not known"))
        findings += [*_uncarried(s), *_strangers(s)]
    if _jobs(s):
        findings.append(Finding(f"It holds at once for {holders(s)}."))
    elif _unsure(s):
        findings.append(Finding("For which assets it holds at once is not known.", Gravity.NOTABLE))
    findings.append(Finding("Copies that exist are taken to keep their expiry and lock; new ones get the new."))
    lost = any(leaf.after is ABSENT for leaf in s.difference.leaves)
    return Judgement(
        title=f"Change the {s.label}",
        facts=_policy_facts(s),
        findings=[*findings, *_in_use(s)],
        reversibility=LOSSES if lost else "It can be changed back; copies made meanwhile keep what they were given.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DISRUPT,
    )


def judge_replace(s: Subject) -> Judgement:
    """The whole policy is exchanged; what the new one leaves out is gone."""
    findings = []
    if not isinstance(s.resource.get("protections"), list):
        findings.append(Finding("Which schedules are LOST is not known.", Gravity.GRAVE, "tiers not known"))
    if _jobs(s):
        words = f"{holders(s)} stand on it; the API expects this only before assignment."
        findings.append(Finding(words[:1].upper() + words[1:], Gravity.NOTABLE))
    elif _unsure(s):
        words = "Which jobs stand on it is not known; the API expects this only before assignment."
        findings.append(Finding(words, Gravity.NOTABLE))
    return Judgement(
        title=f"Replace the whole {s.label}",
        facts=_policy_facts(s),
        findings=[*findings, *_in_use(s)],
        reversibility="The present policy cannot be brought back, only written down and made anew.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DISRUPT,
    )


# --- phrases ----------------------------------------------------------------------------------------------------------


def _jobs(s: Subject) -> list[Mapping[str, Any]]:
    return objects(s.resource.get("protectionJobsInfo")) or s.found("jobs").items


def _unsure(s: Subject) -> bool:
    """Whether there may be jobs of the policy that could not be read, or were not."""
    listed = isinstance(s.resource.get("protectionJobsInfo"), list) or s.found("jobs").known
    return not listed and s.resource.get("assigned") is not False


def _in_use(s: Subject) -> Iterator[Finding]:
    if s.resource.get("assigned") or _jobs(s):
        yield Finding("", warning="is assigned" + (f": to {holders(s)}" if _jobs(s) else ""))
    elif _unsure(s):
        yield Finding("", warning="may be assigned")


def _policy_facts(s: Subject) -> tuple[str, ...]:
    jobs, assigned = _jobs(s), s.resource.get("assigned")
    if jobs:
        words = f"assigned to {holders(s)}: {assets(jobs)}"
    elif _unsure(s):
        words = "assigned, to which jobs is not known" if assigned else "whether it is assigned is not known"
    else:
        words = "assigned, though no job of it was found" if assigned else "not assigned"
    tiers = schedules.tiers(dict(s.resource))
    told = "; ".join(cell(t, 200) for t in tiers or ())
    known = isinstance(s.resource.get("protections"), list)
    return (words, f"tiers: {told or ('none' if known else 'not known')}")


def _strangers(s: Subject) -> Iterator[Finding]:
    """Tiers in the request that the policy does not have."""
    known = {t.get("id") for t in objects(s.resource.get("protections"))}
    if not isinstance(s.resource.get("protections"), list):
        return
    for tier in objects(s.arguments.get("protections")):
        if tier.get("id") not in known:
            yield Finding(f"Tier {cell(str(tier.get('id')))} is not one of this policy.", Gravity.NOTABLE)


def _uncarried(s: Subject) -> Iterator[Finding]:
    """What schedules listed anew have and an update cannot carry: programs, the source of a schedule."""
    listed = {
        (t.get("id"), x.get("scheduleId"))
        for t in objects(s.arguments.get("protections"))
        for x in objects(t.get("schedules"))
    }
    for tier in objects(s.resource.get("protections")):
        for x in objects(tier.get("schedules")):
            held = [name for name in UNCARRIED if x.get(name) is not None]
            if (tier.get("id"), x.get("scheduleId")) in listed and held:
                yield Finding(
                    f"Schedule {cell(str(x.get('scheduleId')))} has {', '.join(held)}, which an update cannot carry: "
                    "whether it keeps them when it is listed anew, no document says.",
                    Gravity.NOTABLE,
                    f"may lose {', '.join(held)}",
                )
