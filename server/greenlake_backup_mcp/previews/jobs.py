"""What becomes of an asset's protection when its job goes, stops, runs or begins.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.lists.views import schedules as views
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import count_of, item_at, label, name_of, names, objects, quoted
from .places import store_of
from .reads import (
    COUNT,
    OWN,
    ReadSpec,
    Target,
    asset_path,
    copy_reads,
    identity_of,
    literal,
    path_of,
    within,
)
from .tenant_facts import STORES, TASKS, running, stores
from .times import describe_time

FULL = 0.9  # of a store's room in use, beyond which a full backup may find none
MOST_GROUPS = 10  # of an asset that are read
Schedule = tuple[Mapping[str, Any], Mapping[str, Any]]  # with its tier before it


# --- reads ------------------------------------------------------------------------------------------------------------


def copies_of_asset(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """How many copies of the job's asset there are."""
    uri = item_at(target.resource, "assetInfo", "resourceUri")
    return copy_reads(within(uri), "the asset", COUNT) if isinstance(uri, str) and uri.count("/") >= 4 else []


def _creation_reads(arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    """The policy, the asset, and the jobs that it has already."""
    asset, policy = _asset(arguments), arguments.get("protectionPolicyId")
    query = (("filter", f"assetInfo/id eq {literal(str(asset.get('id')))}"), ("limit", "100"))
    return [
        ReadSpec("policy", "the policy", path_of(OWN, "protection-policies", policy)),
        ReadSpec("jobs", "the jobs of the asset", f"{OWN}/protection-jobs", query),
        ReadSpec("asset", "the asset", asset_path(f"{_kind(arguments)}s", asset.get("id"))),
    ]


def _group_reads(s: Subject) -> list[ReadSpec]:
    """The groups that the asset is a member of: their jobs protect it too."""
    return [
        ReadSpec(f"group {n}", f"the group {name_of(group)}", str(group["resourceUri"]))
        for n, group in enumerate(_groups(s)[:MOST_GROUPS])
        if str(group.get("resourceUri", "")).startswith(OWN)
    ]


# --- findings ---------------------------------------------------------------------------------------------------------


def _end(s: Subject) -> Iterator[Finding]:
    asset = name_of(s.resource.get("assetInfo") or {})
    yield grave(f"{asset} is protected no more: no further snapshots or backups of it are made.")
    yield Finding(f"Its copies stay until they expire: {copies_in(s)}.")
    if s.resource.get("operational") == "SUSPENDED":
        yield mark("is suspended")


def _suspend(s: Subject) -> Iterator[Finding]:
    ids = s.arguments.get("scheduleIds")
    chosen = _chosen(s)
    which = f"schedules {', '.join(map(str, ids))}" if ids else "ALL its schedules"
    asset = name_of(s.resource.get("assetInfo") or {})
    short = f"No runs any more for {asset}: {which}, until resumed."
    yield grave(f"No runs any more of {which}: {_describe(chosen)}.", short=short)
    if nexts := sorted(str(x["nextRunTime"]) for _, x in chosen if x.get("nextRunTime")):
        yield Finding(f"The next run, {describe_time(nexts[0], s.now)}, is the first that does not happen.")
    yield from _strangers(s)
    yield Finding("Existing copies go on expiring. Nobody is reminded to resume.")


def _resume(s: Subject) -> Iterator[Finding]:
    yield Finding(f"These run again: {_describe(_chosen(s))}.")
    yield from _strangers(s)


def _run(s: Subject) -> Iterator[Finding]:
    yield Finding(f"Run now: {_describe(_chosen(s))}.")
    yield from _strangers(s)
    if s.arguments.get("fullBackup") is True:
        for identity in dict.fromkeys(store_of(tier) for tier, _ in _chosen(s)):
            yield from _room(stores(s).get(identity, {}))
    yield from running(s)


def _room(store: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether a full backup finds room in a store that it goes to."""
    used, room = store.get("sizeOnDiskInBytes"), store.get("maxCapacityInBytes")
    if not isinstance(used, (int, float)) or not isinstance(room, (int, float)) or not room:
        return
    share = f"{used / room:.0%} full, {units.size(max(0, room - used))} of {units.size(room)} left"
    if used < FULL * room:
        yield Finding(f"Store {name_of(store)} is {share}.")
        return
    yield grave(
        f"NO ROOM: store {name_of(store)} is {share}; a full backup may fill it, and all backups to it fail.",
        "a full backup without room",
        f"NO ROOM for a full backup: store {name_of(store)} is {used / room:.0%} full.",
    )


def _create(s: Subject) -> Iterator[Finding]:
    yield from _protected_already(s)
    every = [(tier, x) for tier in objects(s.read("policy").resource.get("protections")) for x in _schedules(tier)]
    for tier, x in every:
        kind = str(tier.get("type"))
        where = f"schedule {cell(str(x.get('scheduleId')))} ({views.TIERS.get(kind, cell(kind))})"
        for name, when in (("preScriptInfo", "before"), ("postScriptInfo", "after")):
            if isinstance(x.get(name), Mapping):
                path, host = quoted(x[name].get("path")), cell(str(x[name].get("hostId")))
                yield grave(f"PROGRAM: {path} runs {when} each run of {where}, on application host {host}.", "programs")
        if lock := views.period(x.get("lockFor")):
            words = f"LOCK: copies of {where} are locked for {cell(lock)}; nobody can delete them before."
            yield grave(words, "locks copies")
    if every:
        yield Finding(f"From then on: {_describe(every)}.")
    yield Finding("A first run begins at once.")


def _protected_already(s: Subject) -> Iterator[Finding]:
    """What protects the asset already: jobs of its own, or a group it is a member of."""
    policies = [item_at(job, "protectionPolicyInfo", "name") for job in s.read("jobs").items]
    groups = [] if policies else _groups(s)
    held = [s.read(f"group {n}") for n in range(len(groups))]
    through = f" as a member of {names(groups)}" if groups else ""
    if not policies:
        holders = (s.read("asset").resource, *(group.resource for group in held))
        by = (item_at(holder, "protectionJobInfo", "protectionPolicyInfo", "name") for holder in holders)
        policies = [policy for policy in by if policy][:1]
    for policy in policies:
        words = f"It is PROTECTED ALREADY{through}, by policy {quoted(policy)}: two jobs then copy it."
        yield grave(words, "protected already")
    if groups and not policies and all(group.available for group in held):
        yield Finding(f"It is a member of {names(groups)}, which no job protects.")
    elif groups and not policies:
        words = f"It is a member of {names(groups)}; whether that protects it already is not known."
        yield grave(words, "may be protected already")


# --- phrases ----------------------------------------------------------------------------------------------------------


def copies_in(s: Subject) -> str:
    """How many copies there are of what the call is about."""
    read = [(n, s.facts[n]) for n in ("backups", "snapshots") if n in s.facts]
    return ", ".join(count_of(result, n.removesuffix("s")) for n, result in read) or "how many is not known"


def _describe_job(s: Subject) -> str:
    """A job by its asset and policy."""
    policy, asset = item_at(s.resource, "protectionPolicyInfo", "name"), s.resource.get("assetInfo")
    whose = f" of {name_of(asset)}" if isinstance(asset, Mapping) else ""
    under = f" under policy {quoted(policy)}" if policy else ""
    return f"protection job{whose}{under} (id {identity_of(s.target.path)[1]})"


def _describe_creation(s: Subject) -> str:
    policy = s.read("policy").resource or {"id": s.arguments.get("protectionPolicyId")}
    who = label(_kind(s.arguments), s.read("asset").resource, str(_asset(s.arguments).get("id")))
    return f"Protect the {who} by policy {name_of(policy)}"


def _asset(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    asset = arguments.get("assetInfo")
    return asset if isinstance(asset, Mapping) else {}


def _kind(arguments: Mapping[str, Any]) -> str:
    return str(_asset(arguments).get("type") or "virtualization/virtual-machine").rpartition("/")[2]


def _groups(s: Subject) -> list[Mapping[str, Any]]:
    asset = s.read("asset").resource
    return objects(asset.get("vmProtectionGroupsInfo")) + objects(asset.get("mssqlDatabaseProtectionGroupInfo"))


def _schedules(tier: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return objects(tier.get("schedules"))


def _chosen(s: Subject) -> list[Schedule]:
    """The schedules a call names; all where it names none."""
    ids = s.arguments.get("scheduleIds")
    every = [(tier, x) for tier in objects(s.resource.get("protections")) for x in _schedules(tier)]
    return [(tier, x) for tier, x in every if not ids or x.get("scheduleId") in ids]


def _strangers(s: Subject) -> Iterator[Finding]:
    """What a call names and the job does not have."""
    have = {x.get("scheduleId") for tier in objects(s.resource.get("protections")) for x in _schedules(tier)}
    strangers = sorted(set(s.arguments.get("scheduleIds") or ()) - have, key=str)
    if strangers and isinstance(s.resource.get("protections"), list):
        yield notable(f"The job has no schedule {', '.join(map(str, strangers))}.")


def _describe(chosen: list[Schedule]) -> str:
    words = []
    for tier, x in chosen:
        plan = views.tiers({"protections": [{**tier, "schedules": [x]}]}) or ["?"]
        words.append(f"schedule {cell(str(x.get('scheduleId')))}: {cell(plan[0], 160)}")
    return "; ".join(words) or "none that is known"


def _suspended_already(s: Subject) -> str:
    whole = s.resource.get("operational") == "SUSPENDED" and not s.arguments.get("scheduleIds")
    return "It is suspended already." if whole else ""


TABLE: Mapping[str, PreviewSpec] = {
    "DeleteDataManagementJob": PreviewSpec(
        lambda s: f"Delete the {_describe_job(s)}",
        _end,
        "A new job can be made (create_protection_job); runs missed until then are not made up for.",
        reads=copies_of_asset,
    ),
    "DataManagementJobSuspend": PreviewSpec(
        lambda s: f"Suspend the {_describe_job(s)}",
        _suspend,
        "resume_protection_job takes it back; runs missed until then are not made up for.",
        forbidden=_suspended_already,
    ),
    "DataManagementJobResume": PreviewSpec(
        lambda s: f"Resume the {_describe_job(s)}", _resume, "suspend_protection_job takes it back."
    ),
    "DataManagementJobRun": PreviewSpec(
        lambda s: f"Run the {_describe_job(s)} now",
        _run,
        "The copies it makes stay until they expire; locked ones cannot be deleted before.",
        reads=lambda arguments, _target: [*([STORES] if arguments.get("fullBackup") else []), TASKS],
    ),
    "DataManagementJobCreate": PreviewSpec(
        _describe_creation,
        _create,
        "delete_protection_job takes it back; copies made until then stay until they expire.",
        forbidden=lambda s: "There is no such policy." if s.read("policy").missing else "",
        reads=_creation_reads,
        further=(_group_reads,),
    ),
}
