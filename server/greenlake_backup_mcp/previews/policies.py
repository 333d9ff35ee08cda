"""What becomes of protection when policies change. Their tiers, retention and locks are told by the difference.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.lists.views import schedules
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import assets, at_least, objects
from .places import ABSENT, UNCARRIED
from .reads import EVERY, OWN, ReadSpec, Target, identity_of, literal

LOSSES = "What the list leaves out cannot be added again by an update: a policy's update cannot add a tier."
KEPT = "It can be changed back; copies made meanwhile keep what they were given."


def _reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The jobs of a policy: it lists them itself, but need not."""
    if isinstance(target.resource.get("protectionJobsInfo"), list):
        return []
    mine = literal(identity_of(target.path)[1])
    query = (("filter", f"protectionPolicyInfo/id eq {mine}"), *EVERY, ("select", "id,assetInfo"))
    return [ReadSpec("jobs", "the jobs of the policy", f"{OWN}/protection-jobs", query)]


def _held_by(s: Subject) -> str:
    """For how many assets a policy holds: `53 assets`; "" where for none."""
    if jobs := _jobs(s):
        return at_least(*s.facts.values()) + units.plural(len(jobs), "asset")
    return "an unknown number of assets" if _unsure(s) else ""


def _delete(s: Subject) -> Iterator[Finding]:
    whom = f", which holds for {_held_by(s)}" if _held_by(s) else ""
    yield grave(f"The policy is LOST with its tiers{whom}.")
    if s.resource.get("assigned") or _jobs(s):
        yield Finding("It is assigned; the service is expected to refuse until no job uses it.")
    elif _unsure(s):
        yield notable("Whether a job uses it is not known; while one does, the service is expected to refuse.")
    yield from _in_use(s)


def _update(s: Subject) -> Iterator[Finding]:
    if "protections" in s.arguments:
        if not isinstance(s.resource.get("protections"), list):
            words = "What its tiers are now is not known; tiers and schedules not listed are LOST."
            yield grave(words, "tiers not known")
        yield from _uncarried(s)
        yield from _strangers(s)
    yield Finding("Copies that exist are taken to keep their expiry and lock; new ones get the new.")
    yield from _in_use(s)


def _replace(s: Subject) -> Iterator[Finding]:
    if not isinstance(s.resource.get("protections"), list):
        yield grave("Which schedules are LOST is not known.", "tiers not known")
    if _jobs(s) or _unsure(s):
        yield notable("The API expects this only before a policy is assigned.")
    yield from _in_use(s)


# --- phrases ----------------------------------------------------------------------------------------------------------


def _jobs(s: Subject) -> list[Mapping[str, Any]]:
    return objects(s.resource.get("protectionJobsInfo")) or s.read("jobs").items


def _unsure(s: Subject) -> bool:
    """Whether there may be jobs of the policy that could not be read, or were not."""
    listed = isinstance(s.resource.get("protectionJobsInfo"), list) or s.read("jobs").available
    return not listed and s.resource.get("assigned") is not False


def _in_use(s: Subject) -> Iterator[Finding]:
    if s.resource.get("assigned") or _jobs(s):
        yield mark("is assigned" + (f": to {_held_by(s)}" if _jobs(s) else ""))
    elif _unsure(s):
        yield mark("may be assigned")


def _facts(s: Subject) -> tuple[str, ...]:
    assigned = s.resource.get("assigned")
    if jobs := _jobs(s):
        words = f"assigned to {_held_by(s)}: {assets(jobs)}"
    elif _unsure(s):
        words = "assigned, to which jobs is not known" if assigned else "whether it is assigned is not known"
    else:
        words = "assigned, though no job of it was found" if assigned else "not assigned"
    tiers = "; ".join(cell(tier, 200) for tier in schedules.tiers(dict(s.resource)) or ())
    none = "none" if isinstance(s.resource.get("protections"), list) else "not known"
    return words, f"tiers: {tiers or none}"


def _strangers(s: Subject) -> Iterator[Finding]:
    """Tiers in the request that the policy does not have."""
    have = {tier.get("id") for tier in objects(s.resource.get("protections"))}
    for tier in objects(s.arguments.get("protections")):
        if tier.get("id") not in have and isinstance(s.resource.get("protections"), list):
            yield notable(f"Tier {cell(str(tier.get('id')))} is not one of this policy.")


def _uncarried(s: Subject) -> Iterator[Finding]:
    """What schedules listed anew have and an update cannot carry: programs, the source of a schedule."""
    anew = {
        (tier.get("id"), x.get("scheduleId"))
        for tier in objects(s.arguments.get("protections"))
        for x in objects(tier.get("schedules"))
    }
    for tier in objects(s.resource.get("protections")):
        for x in objects(tier.get("schedules")):
            held = ", ".join(name for name in UNCARRIED if x.get(name) is not None)
            if (tier.get("id"), x.get("scheduleId")) in anew and held:
                yield notable(
                    f"Schedule {cell(str(x.get('scheduleId')))} has {held}, which an update cannot carry: "
                    "whether it keeps them when it is listed anew, no document says.",
                    f"may lose {held}",
                )


def _loses(s: Subject) -> bool:
    return any(leaf.after is ABSENT for leaf in s.difference.leaves)


_SPEC = PreviewSpec("", facts=_facts, reads=_reads, held_by=_held_by)
TABLE: Mapping[str, PreviewSpec] = {
    "DeleteDataManagementTemplate": replace(
        _SPEC,
        title="Delete the {target}",
        findings=_delete,
        reversibility="It cannot be brought back, only made anew. Copies made under it stay until they expire.",
    ),
    "DataManagementTemplateUpdate": replace(
        _SPEC,
        title="Change the {target}",
        findings=_update,
        reversibility=lambda s: LOSSES if _loses(s) else KEPT,
    ),
    "DataManagementTemplateReplace": replace(
        _SPEC,
        title="Replace the whole {target}",
        findings=_replace,
        reversibility="The present policy cannot be brought back, only written down and made anew.",
    ),
}
