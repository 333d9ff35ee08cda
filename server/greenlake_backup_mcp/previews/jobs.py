"""What becomes of an asset's protection when its job goes, stops, runs or begins.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.lists.views import schedules as views
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import tenant_facts
from .difference import store_of
from .model import (
    Finding,
    Gravity,
    Judgement,
    Subject,
    count_of,
    counted,
    item_at,
    label,
    name_of,
    names,
    not_known,
    objects,
    quoted,
    state_of,
)
from .reads import COUNT, OWN, ReadSpec, Target, identity_of, literal, path_of
from .times import describe_time

FULL = 0.9  # of a store's room in use, beyond which a full backup may find none


def job_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """How many copies of the job's asset there are."""
    uri = item_at(target.resource, "assetInfo", "resourceUri")
    if not isinstance(uri, str) or uri.count("/") < 4:
        return []
    collection, identity = identity_of(uri)
    return [
        ReadSpec(place, f"the {place} of the asset", path_of(OWN, collection, identity, place), COUNT)
        for place in ("backups", "snapshots")
    ]


def create_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The policy, and the jobs that the asset has already."""
    asset, policy = item_at(arguments, "assetInfo", "id"), arguments.get("protectionPolicyId")
    query = (("filter", f"assetInfo/id eq {literal(str(asset))}"), ("limit", "100"))
    return [
        ReadSpec("policy", "the policy", path_of(OWN, "protection-policies", policy)),
        ReadSpec("jobs", "the jobs of the asset", f"{OWN}/protection-jobs", query),
    ]


def run_reads(_arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The room in the stores, and what runs."""
    stores = ReadSpec("stores", "the protection stores", f"{OWN}/protection-stores", (("limit", "2000"),))
    return [stores, tenant_facts.TASKS]


def asset_reads(s: Subject) -> list[ReadSpec]:
    """The asset of a new job: a group that it is a member of may protect it already."""
    uri = s.arguments.get("assetInfo", {}).get("id")
    kind = str(s.arguments.get("assetInfo", {}).get("type") or "virtualization/virtual-machine")
    place = f"{kind.rpartition('/')[2]}s"
    base = "/virtualization/v1beta1" if place in ("virtual-machines", "datastores") else OWN
    return [ReadSpec("asset", "the asset", path_of(base, place, uri))]


def group_reads(s: Subject) -> list[ReadSpec]:
    """The groups that the asset is a member of: their jobs protect it too."""
    return [
        ReadSpec(f"group {n}", f"the group {name_of(group)}", str(group["resourceUri"]))
        for n, group in enumerate(_groups(s)[:10])
        if str(group.get("resourceUri", "")).startswith(OWN)
    ]


def judge_delete(s: Subject) -> Judgement:
    """An asset loses its policy."""
    asset = name_of(s.resource.get("assetInfo") or {})
    suspended = s.resource.get("operational") == "SUSPENDED"
    return Judgement(
        title=f"Delete the {describe_job(s)}",
        facts=_job_facts(s),
        findings=[
            Finding(
                f"{asset} is protected no more: no further snapshots or backups of it are made.",
                Gravity.GRAVE,
                danger=Danger.DISRUPT,
            ),
            Finding(f"Its copies stay until they expire: {recovery_points_of(s)}."),
            *([Finding("", warning="is suspended")] if suspended else []),
        ],
        reversibility="A new job can be made (create_protection_job); runs missed until then are not made up for.",
        unknown=not_known(*s.facts.values()),
        danger=Danger.DISRUPT,
    )


def judge_suspend(s: Subject) -> Judgement:
    """Schedules stop until somebody resumes them."""
    ids = s.arguments.get("scheduleIds")
    chosen, strangers = _chosen(s)
    which = "ALL its schedules" if not ids else f"schedules {', '.join(map(str, ids))}"
    findings = [
        Finding(
            f"No runs any more of {which}: {_schedule_words(chosen)}.",
            Gravity.GRAVE,
            short=f"No runs any more for {name_of(s.resource.get('assetInfo') or {})}: {which}, until resumed.",
            danger=Danger.DISRUPT,
        )
    ]
    if nexts := sorted(str(x["nextRunTime"]) for _, x in chosen if x.get("nextRunTime")):
        findings.append(Finding(f"The next run, {describe_time(nexts[0], s.now)}, is the first that does not happen."))
    findings += strangers
    findings.append(Finding("Existing copies go on expiring. Nobody is reminded to resume."))
    return Judgement(
        title=f"Suspend the {describe_job(s)}",
        facts=_job_facts(s),
        findings=findings,
        reversibility="resume_protection_job takes it back; runs missed until then are not made up for.",
        forbidden="It is suspended already." if s.resource.get("operational") == "SUSPENDED" and not ids else "",
        danger=Danger.DISRUPT,
    )


def judge_resume(s: Subject) -> Judgement:
    """Schedules run again."""
    chosen, strangers = _chosen(s)
    return Judgement(
        title=f"Resume the {describe_job(s)}",
        facts=_job_facts(s),
        findings=[Finding(f"These run again: {_schedule_words(chosen)}."), *strangers],
        reversibility="suspend_protection_job takes it back.",
    )


def judge_run(s: Subject) -> Judgement:
    """A run is begun now."""
    chosen, strangers = _chosen(s)
    findings = [Finding(f"Run now: {_schedule_words(chosen)}."), *strangers, *_room(s, chosen)]
    findings += tenant_facts.running(s)
    return Judgement(
        title=f"Run the {describe_job(s)} now",
        facts=_job_facts(s),
        findings=findings,
        reversibility="The copies it makes stay until they expire; locked ones cannot be deleted before.",
        unknown=not_known(*s.facts.values()) if s.arguments.get("fullBackup") else (),
    )


def judge_create(s: Subject) -> Judgement:
    """An asset gets a policy."""
    policy, asset = s.found("policy").resource, s.found("asset").resource
    kind = str(s.arguments.get("assetInfo", {}).get("type") or "asset").rpartition("/")[2]
    who = label(kind, asset, str(s.arguments.get("assetInfo", {}).get("id")))
    findings = [*_protected_already(s), *policy_dangers(policy)]
    if tiers := objects(policy.get("protections")):
        told = _schedule_words([(t, x) for t in tiers for x in objects(t.get("schedules"))])
        findings.append(Finding(f"From then on: {told}."))
    findings.append(Finding("A first run begins at once."))
    return Judgement(
        title=f"Protect the {who} by policy {name_of(policy or {'id': s.arguments.get('protectionPolicyId')})}",
        findings=findings,
        reversibility="delete_protection_job takes it back; copies made until then stay until they expire.",
        unknown=not_known(*s.facts.values()),
        forbidden="There is no such policy." if s.found("policy").missing else "",
    )


def policy_dangers(policy: Mapping[str, Any]) -> Iterator[Finding]:
    """The locks and programs that come with a policy."""
    for tier in objects(policy.get("protections")):
        for x in objects(tier.get("schedules")):
            kind = str(tier.get("type"))
            where = f"schedule {cell(str(x.get('scheduleId')))} ({views.TIERS.get(kind, cell(kind))})"
            for name, when in (("preScriptInfo", "before"), ("postScriptInfo", "after")):
                if isinstance(x.get(name), Mapping):
                    path, host = quoted(x[name].get("path")), cell(str(x[name].get("hostId")))
                    yield Finding(
                        f"PROGRAM: {path} runs {when} each run of {where}, on application host {host}.",
                        Gravity.GRAVE,
                        "programs",
                        danger=Danger.DISRUPT,
                    )
            if lock := views.period(x.get("lockFor")):
                yield Finding(
                    f"LOCK: copies of {where} are locked for {cell(lock)}; nobody can delete them before.",
                    Gravity.GRAVE,
                    "locks copies",
                    danger=Danger.DISRUPT,
                )


def describe_job(s: Subject) -> str:
    """A job by its asset and policy."""
    policy = item_at(s.resource, "protectionPolicyInfo", "name")
    asset = s.resource.get("assetInfo")
    of = f" of {name_of(asset)}" if isinstance(asset, Mapping) else ""
    under = f" under policy {quoted(policy)}" if policy else ""
    return f"protection job{of}{under} (id {identity_of(s.target.path)[1]})"


def recovery_points_of(s: Subject) -> str:
    """How many copies there are of what the call is about."""
    found = [(n, s.facts[n]) for n in ("backups", "snapshots") if n in s.facts]
    return ", ".join(count_of(f, n.removesuffix("s")) for n, f in found) or "how many is not known"


# --- phrases ----------------------------------------------------------------------------------------------------------

_Schedules = list[tuple[Mapping[str, Any], Mapping[str, Any]]]


def _chosen(s: Subject) -> tuple[_Schedules, list[Finding]]:
    """The schedules a call names (all where it names none), and what of it the job does not have."""
    ids = s.arguments.get("scheduleIds")
    known = [(p, x) for p in objects(s.resource.get("protections")) for x in objects(p.get("schedules"))]
    chosen = [(p, x) for p, x in known if not ids or x.get("scheduleId") in ids]
    strangers = sorted(set(ids or ()) - {x.get("scheduleId") for _, x in known}, key=str)
    if not strangers or not isinstance(s.resource.get("protections"), list):
        return chosen, []
    return chosen, [Finding(f"The job has no schedule {', '.join(map(str, strangers))}.", Gravity.NOTABLE)]


def _schedule_words(chosen: _Schedules) -> str:
    words = []
    for tier, x in chosen:
        told = views.tiers({"protections": [{**tier, "schedules": [x]}]}) or ["?"]
        words.append(f"schedule {cell(str(x.get('scheduleId')))}: {cell(told[0], 160)}")
    return "; ".join(words) or "none that is known"


def _room(s: Subject, chosen: _Schedules) -> Iterator[Finding]:
    """Whether a full backup finds room in the stores it goes to."""
    if s.arguments.get("fullBackup") is not True:
        return
    stores = {x.get("id"): x for x in s.found("stores").items}
    for identity in dict.fromkeys(store_of(tier) for tier, _ in chosen if store_of(tier)):
        store = stores.get(identity, {})
        used, room = store.get("sizeOnDiskInBytes"), store.get("maxCapacityInBytes")
        if not isinstance(used, (int, float)) or not isinstance(room, (int, float)) or not room:
            continue
        share = f"{used / room:.0%} full, {units.size(max(0, room - used))} of {units.size(room)} left"
        if used >= FULL * room:
            yield Finding(
                f"NO ROOM: store {name_of(store)} is {share}; a full backup may fill it, and all backups to it fail.",
                Gravity.GRAVE,
                "a full backup without room",
                f"NO ROOM for a full backup: store {name_of(store)} is {used / room:.0%} full.",
                Danger.DISRUPT,
            )
        else:
            yield Finding(f"Store {name_of(store)} is {share}.")


def _protected_already(s: Subject) -> Iterator[Finding]:
    """What protects the asset already: jobs of its own, or a group it is a member of."""
    for job in s.found("jobs").items:
        policy = item_at(job, "protectionPolicyInfo", "name")
        yield Finding(
            f"It is PROTECTED ALREADY, by policy {quoted(policy)}: two jobs then copy it.",
            Gravity.GRAVE,
            "protected already",
            danger=Danger.DISRUPT,
        )
    asset = s.found("asset").resource
    if s.found("jobs").items:
        return
    groups = _groups(s)
    held = [s.found(f"group {n}") for n in range(len(groups))]
    by = item_at(asset, "protectionJobInfo", "protectionPolicyInfo", "name") or next(
        (p for f in held if (p := item_at(f.resource, "protectionJobInfo", "protectionPolicyInfo", "name"))), None
    )
    if by:
        through = f" as a member of {names(groups)}" if groups else ""
        yield Finding(
            f"It is PROTECTED ALREADY{through}, by policy {quoted(by)}: two jobs then copy it.",
            Gravity.GRAVE,
            "protected already",
            danger=Danger.DISRUPT,
        )
    elif groups and not all(f.known for f in held):
        words = f"It is a member of {names(groups)}; whether that protects it already is not known."
        yield Finding(words, Gravity.GRAVE, "may be protected already", danger=Danger.DISRUPT)
    elif groups:
        yield Finding(f"It is a member of {names(groups)}, which no job protects.")


def _groups(s: Subject) -> list[Mapping[str, Any]]:
    asset = s.found("asset").resource
    return objects(asset.get("vmProtectionGroupsInfo")) + objects(asset.get("mssqlDatabaseProtectionGroupInfo"))


def _job_facts(s: Subject) -> tuple[str, ...]:
    asset = s.resource.get("assetInfo") or {}
    facts = [state_of(s.resource) or "state not known"]
    if isinstance(asset, Mapping) and asset.get("type"):
        facts.append(f"asset {label(str(asset['type']).rpartition('/')[2], asset)}")
    if more := objects(s.resource.get("associatedAssetsInfo")):
        facts.append(f"with {counted(len(more), 'asset')}: {names(more)}")
    return ("; ".join(facts),)
