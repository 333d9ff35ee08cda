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

from .difference import Element
from .in_use import name_in_use, name_reads
from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import assets, at_least, objects
from .places import ABSENT, UNCARRIED
from .reads import EVERY, OWN, ReadSpec, Target, identity_of, literal
from .schedule_facts import Schedule, contradiction, id_of, list_ids, needing, schedules_of, without_source

LOST_TIER = "A tier that is LOST cannot be added again: a policy's update cannot add a tier."
LOST_SCHEDULE = "A schedule that is LOST can be listed again, but an update cannot carry its programs and its source."
KEPT = "It can be changed back; copies made meanwhile keep what they were given, locks too."


def _reads(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The jobs of a policy, which lists them itself, but need not; and which policy has the new name."""
    names = name_reads(arguments, target)
    if isinstance(target.resource.get("protectionJobsInfo"), list):
        return names
    mine = literal(identity_of(target.path)[1])
    query = (("filter", f"protectionPolicyInfo/id eq {mine}"), *EVERY, ("select", "id,assetInfo"))
    return [ReadSpec("jobs", "the jobs of the policy", f"{OWN}/protection-jobs", query), *names]


def _held_by(s: Subject) -> str:
    """For how many assets a policy holds: `53 assets`; "" where for none."""
    if jobs := _jobs(s):
        part = "" if objects(s.resource.get("protectionJobsInfo")) else at_least(s.read("jobs"))
        return part + units.plural(len(jobs), "asset")
    return "an unknown number of assets" if _unsure(s) else ""


def _delete(s: Subject) -> Iterator[Finding]:
    yield grave(f"The policy is LOST with its tiers{f'; it holds for {s.held_by}' if s.held_by else ''}.")
    if s.resource.get("assigned") or _jobs(s):
        yield Finding("It is assigned; the service is expected to refuse until no job uses it.")
    elif _unsure(s):
        yield notable("Whether a job uses it is not known; while one does, the service is expected to refuse.")
    yield from _in_use(s)


def _change(s: Subject) -> Iterator[Finding]:
    """An update or a replacement: what the difference of the policy alone does not tell."""
    replaces = s.method == "PUT"
    if (replaces or "protections" in s.arguments) and not isinstance(s.resource.get("protections"), list):
        yield grave("What its tiers are now is not known; tiers and schedules not listed are LOST.", "tiers not known")
    if replaces and (_jobs(s) or _unsure(s)):
        yield notable("The API expects this only before a policy is assigned.")
    yield from sourceless(s)
    if "protections" in s.arguments and not replaces:
        yield from _uncarried(s)
        have = {tier.get("id") for tier in objects(s.resource.get("protections"))}
        for tier in objects(s.arguments["protections"]) if have else ():
            if tier.get("id") not in have:
                yield notable(f"Tier {cell(str(tier.get('id')))} is not one of this policy.")
    if _changes_tiers(s):
        yield Finding("Copies that exist are taken to keep their expiry and lock; new ones get the new.")
    yield from name_in_use(s)
    yield from _in_use(s)


def sourceless(s: Subject) -> Iterator[Finding]:
    """Schedules of the request whose source is no schedule of it: an update keeps the sources it cannot carry."""
    held = {id_of(one): one[1] for one in schedules_of(s.resource)} if s.method == "PATCH" else {}
    asked: list[Schedule] = [
        (tier, {**{n: v for n, v in held.get(id_of((tier, x)), {}).items() if n in UNCARRIED}, **x})
        for tier, x in schedules_of(s.arguments)
    ]
    missing = list(without_source(asked))
    idle = {id_of(one) for _, those in missing for one in those}
    idle |= {id_of(one) for one in needing(asked, idle)}
    whom = f" for {s.held_by}" if s.held_by else ""
    present = {id_of(one) for one in schedules_of(s.resource)}
    for source, those in missing:
        which, dry = list_ids(those), list_ids([*those, *needing(asked, {id_of(one) for one in those})])
        scope = "at all" if all(id_of(one) in idle for one in asked) else f"by {dry}"
        lost = "the LOST " if source in present else ""
        yield grave(
            f"{which.capitalize()} need{'' if len(those) > 1 else 's'} copies of schedule {cell(source)} as source, "
            f"which there is not: no copies can be made by {dry} then.",
            "a schedule without its source",
            f"NO COPIES {scope}{whom}: {dry} would have no source ({lost}schedule {cell(source)}).",
            kind="LOST",
        )


# --- phrases ----------------------------------------------------------------------------------------------------------


def _jobs(s: Subject) -> list[Mapping[str, Any]]:
    return objects(s.resource.get("protectionJobsInfo")) or s.read("jobs").items


def _unsure(s: Subject) -> bool:
    """Whether there may be jobs of the policy that could not be read, or were not."""
    listed = isinstance(s.resource.get("protectionJobsInfo"), list) or s.read("jobs").available
    return not listed and s.resource.get("assigned") is not False


def _in_use(s: Subject) -> Iterator[Finding]:
    if s.resource.get("assigned") or _jobs(s):
        yield mark("is assigned" + (f": to {s.held_by}" if _jobs(s) else ""))
    elif _unsure(s):
        yield mark("may be assigned")


def _facts(s: Subject) -> tuple[str, ...]:
    assigned = s.resource.get("assigned")
    if jobs := _jobs(s):
        words = f"assigned to {s.held_by}: {assets(jobs)}"
    elif _unsure(s):
        words = "assigned, to which jobs is not known" if assigned else "whether it is assigned is not known"
    else:
        words = "assigned, though no job of it was found" if assigned else "not assigned"
    tiers = "; ".join(cell(tier, 200) for tier in schedules.tiers(dict(s.resource)) or ())
    none = "none" if isinstance(s.resource.get("protections"), list) else "not known"
    return words, f"tiers: {tiers or none}"


def _uncarried(s: Subject) -> Iterator[Finding]:
    """What schedules listed anew have and an update cannot carry: programs, the source of a schedule."""
    asked = {(tier.get("id"), id_of((tier, x))) for tier, x in schedules_of(s.arguments)}
    holding: dict[str, list[Schedule]] = {}
    for tier, x in schedules_of(s.resource):
        if (tier.get("id"), id_of((tier, x))) in asked:
            for name in (name for name in UNCARRIED if x.get(name) is not None):
                holding.setdefault(name, []).append((tier, x))
    for name, those in holding.items():
        words = f"an update cannot carry {name}, which {list_ids(those)} of it {'have' if len(those) > 1 else 'has'}"
        yield notable(f"{words[:1].upper()}{words[1:]}: whether that is kept, no document says.", f"may lose {name}")


def _way_back(s: Subject) -> str:
    gone = {leaf.name for leaf in s.difference.leaves if leaf.after is ABSENT and isinstance(leaf.path[-1], Element)}
    back = KEPT if _changes_tiers(s) else "It can be changed back."
    return LOST_TIER if "protections" in gone else LOST_SCHEDULE if "schedules" in gone else back


def _changes_tiers(s: Subject) -> bool:
    return any(leaf.names[0] == "protections" for leaf in s.difference.leaves)


_CHANGE = PreviewSpec(
    "Change the {target}",
    _change,
    _way_back,
    _facts,
    lambda s: contradiction(s.arguments),
    reads=_reads,
    held_by=_held_by,
)
TABLE: Mapping[str, PreviewSpec] = {
    "DeleteDataManagementTemplate": replace(
        _CHANGE,
        title="Delete the {target}",
        findings=_delete,
        reversibility="It cannot be brought back, only made anew. Copies made under it stay until they expire.",
    ),
    "DataManagementTemplateUpdate": _CHANGE,
    "DataManagementTemplateReplace": replace(
        _CHANGE,
        title="Replace the whole {target}",
        reversibility="The present policy cannot be brought back, only written down and made anew.",
    ),
}
