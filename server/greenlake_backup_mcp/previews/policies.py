"""What becomes of protection when policies change.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell

from .model import Effect, Subject, assets, at_least, changes, counted, item_at, name_of, not_known, objects, quoted
from .reads import OWN, ReadSpec, Target, identity_of, literal


def policy_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The jobs of a policy: it lists them itself, but need not."""
    if isinstance(target.resource.get("protectionJobsInfo"), list):
        return []
    mine = literal(identity_of(target.path)[1])
    query = (("filter", f"protectionPolicyInfo/id eq {mine}"), ("limit", "20000"), ("select", "id,assetInfo"))
    return [ReadSpec("jobs", "the jobs of the policy", f"{OWN}/protection-jobs", query)]


def describe_delete(s: Subject) -> Effect:
    """A policy goes."""
    jobs = _jobs(s)
    follows = [f"The policy is deleted, with its tiers: {_tier_words(s.resource)}."]
    if s.resource.get("assigned") or jobs:
        follows.append("It is assigned; the service is expected to refuse until no job uses it.")
    elif _unsure(s):
        follows.append("Whether a job uses it is not known; while one does, the service is expected to refuse.")
    return Effect(
        title=f"Delete the {s.label}",
        facts=_policy_facts(s),
        consequences=tuple(follows),
        reversibility="It cannot be brought back, only made anew. Copies made under it stay until they expire.",
        unknown=_unknown_jobs(s),
        warnings=_in_use(s),
    )


def describe_update(s: Subject) -> Effect:
    """Schedules, retention or locks change for every asset under the policy."""
    jobs = _jobs(s)
    wanted = {n: v for n, v in s.arguments.items() if n in ("name", "description")}
    follows = [*changes(wanted, s.resource, s.now), *_tier_changes(s)]
    if jobs:
        follows.append(f"It holds at once for {_count_jobs(s)}: {assets(jobs)}.")
    elif _unsure(s):
        follows.append("For which jobs it holds at once is not known.")
    follows.append("Copies that exist are taken to keep their expiry and lock; new ones get the new.")
    return Effect(
        title=f"Change the {s.label}",
        facts=_policy_facts(s),
        consequences=tuple(follows),
        reversibility="It can be changed back; copies made meanwhile keep what they were given.",
        unknown=_unknown_jobs(s),
        warnings=(f"holds for {_count_jobs(s)}",) if jobs else _in_use(s),
    )


def describe_replace(s: Subject) -> Effect:
    """The whole policy is exchanged; what the new one leaves out is gone."""
    jobs = _jobs(s)
    head = {n: v for n, v in s.arguments.items() if n in ("name", "description", "applicationType")}
    kept = {(t.get("type"), x.get("scheduleId")) for t in _tiers(s.arguments) for x in objects(t.get("schedules"))}
    lost = [
        f"{cell(str(t.get('type')))}: {describe_schedule(x)}"
        for t in _tiers(s.resource)
        for x in objects(t.get("schedules"))
        if (t.get("type"), x.get("scheduleId")) not in kept
    ]
    follows = [
        *changes(head, s.resource, s.now),
        f"Now: {_tier_words(s.resource)}.",
        f"Then: {_tier_words(s.arguments)}.",
        _lost_schedules(s, lost),
    ]
    if "description" not in s.arguments and s.resource.get("description"):
        follows.append("Its description is lost, since none is given.")
    if jobs:
        follows.append(
            f"Jobs that stand on it: {at_least(*s.facts.values())}{len(jobs):,} ({assets(jobs)}); the API expects this "
            "only before assignment."
        )
    elif _unsure(s):
        follows.append("Which jobs stand on it is not known; the API expects this only before assignment.")
    return Effect(
        title=f"Replace the whole {s.label}",
        facts=_policy_facts(s),
        consequences=tuple(follows),
        reversibility="The present policy cannot be brought back, only written down and made anew.",
        unknown=_unknown_jobs(s),
        warnings=_in_use(s),
    )


# --- phrases ----------------------------------------------------------------------------------------------------------


def _jobs(s: Subject) -> list[Mapping[str, Any]]:
    return objects(s.resource.get("protectionJobsInfo")) or s.found("jobs").items


def _lost_schedules(s: Subject, lost: list[str]) -> str:
    if not isinstance(s.resource.get("protections"), list):
        return "Which schedules are LOST is not known."
    return f"Schedules LOST: {len(lost):,} ({'; '.join(lost)})." if lost else "No schedule is lost."


def _count_jobs(s: Subject) -> str:
    return at_least(*s.facts.values()) + counted(len(_jobs(s)), "job")


def _unsure(s: Subject) -> bool:
    """Whether there may be jobs of the policy that could not be read, or were not."""
    listed = isinstance(s.resource.get("protectionJobsInfo"), list) or s.found("jobs").known
    return not listed and s.resource.get("assigned") is not False


def _in_use(s: Subject) -> tuple[str, ...]:
    if s.resource.get("assigned") or _jobs(s):
        return ("is assigned",)
    return ("may be assigned",) if _unsure(s) else ()


def _unknown_jobs(s: Subject) -> tuple[str, ...]:
    return not_known(*s.facts.values())


def _policy_facts(s: Subject) -> tuple[str, ...]:
    jobs, assigned = _jobs(s), s.resource.get("assigned")
    if jobs:
        words = f"assigned to {_count_jobs(s)}: {assets(jobs)}"
    elif _unsure(s):
        words = "assigned, to which jobs is not known" if assigned else "whether it is assigned is not known"
    else:
        words = "assigned, though no job of it was found" if assigned else "not assigned"
    return (words, f"tiers: {_tier_words(s.resource)}")


def _tiers(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects(policy.get("protections"))


def _tier_words(policy: Mapping[str, Any]) -> str:
    words = []
    for tier in _tiers(policy):
        store = tier.get("protectionStoreInfo")
        given = f" to store id {cell(str(tier['protectionStoreId']))}" if tier.get("protectionStoreId") else ""
        to = f" to store {name_of(store)}" if isinstance(store, Mapping) else given
        words.append(
            f"{cell(str(tier.get('type')))}{to}: "
            + ", ".join(describe_schedule(x) for x in objects(tier.get("schedules")))
        )
    return "; ".join(words) or ("none" if isinstance(policy.get("protections"), list) else "not known")


def describe_schedule(x: Mapping[str, Any]) -> str:
    """A schedule in a few words: when, how long kept and locked."""
    every = item_at(x, "schedule", "repeatInterval", "every")
    rhythm = cell(str(item_at(x, "schedule", "recurrence") or "").lower().replace("_", " "))
    parts = [f"{rhythm}{f' (every {cell(str(every))})' if every not in (None, 1) else ''}" if rhythm else ""]
    for words, name in (("kept", "expireAfter"), ("locked", "lockFor")):
        if isinstance(x.get(name), Mapping):
            parts.append(f"{words} {_length(x[name])}")
    named = f" {quoted(x['name'])}" if x.get("name") else ""
    return f"schedule {cell(str(x.get('scheduleId')))}{named} {', '.join(p for p in parts if p)}".rstrip()


def _length(value: Mapping[str, Any]) -> str:
    return cell(f"{value.get('value')} {str(value.get('unit')).lower()}")


def _tier_changes(s: Subject) -> Iterator[str]:
    present = {t.get("id"): t for t in _tiers(s.resource)}
    for tier in _tiers(s.arguments):
        old = present.get(tier.get("id"))
        if not isinstance(s.resource.get("protections"), list):
            yield f"Tier {cell(str(tier.get('id')))}: what it is now is not known; schedules not listed may be LOST."
            continue
        if old is None:
            yield f"Tier {cell(str(tier.get('id')))} is not one of this policy."
            continue
        schedules = {x.get("scheduleId"): x for x in objects(old.get("schedules"))}
        given = objects(tier.get("schedules"))
        for x in given:
            before = schedules.get(x.get("scheduleId"))
            head = f"{cell(str(old.get('type')))} schedule {cell(str(x.get('scheduleId')))}"
            wanted = {n: v for n, v in x.items() if n != "scheduleId"}
            if before is None:
                yield f"{head} is new: {describe_schedule(x)}"
            else:
                yield from (f"{head}, {line}" for line in changes(wanted, before, s.now) if ": stays " not in line)
        if left := [x for i, x in schedules.items() if given and i not in {g.get("scheduleId") for g in given}]:
            yield (
                f"{cell(str(old.get('type')))}: not in the list given, which replaces the present one, so they may be "
                f"LOST: {'; '.join(describe_schedule(x) for x in left)}"
            )
