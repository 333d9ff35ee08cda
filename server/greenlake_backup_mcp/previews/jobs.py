"""What becomes of an asset's protection when its job goes, stops, runs or begins.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.lists.views.schedules import IDLE, period
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .leaf_tests import length_days
from .model import Finding, PreviewSpec, Subject, grave, mark, notable
from .phrases import count_of, item_at, listed, name_of, objects, quoted
from .places import store_of
from .reads import WHOLE, ReadSpec, Target, copy_reads, identity_of, within
from .schedule_facts import Schedule, describe_schedules, id_of, list_ids, needing, schedules_of
from .tenant_facts import STORES, stores, unreachable
from .times import describe_time

LONG_LOCK = (
    31.0  # days of a schedule's lock, beyond which a run by hand is asked about: it makes one copy more than planned
)
FULL = 0.9  # of a store's room in use, beyond which a full backup may find none


# --- reads ------------------------------------------------------------------------------------------------------------


def _copies_of_asset(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """How many copies of the job's asset there are."""
    uri = item_at(target.resource, "assetInfo", "resourceUri")
    query = (*WHOLE, ("select", "id"))
    return copy_reads(within(uri), "the asset", query) if isinstance(uri, str) and uri.count("/") >= 4 else []


# --- findings ---------------------------------------------------------------------------------------------------------


def _end(s: Subject) -> Iterator[Finding]:
    members = objects(s.resource.get("associatedAssetsInfo"))
    whom = name_of(s.resource.get("assetInfo") or {}) + (f" ({units.plural(len(members), 'asset')})" if members else "")
    yield grave(f"{whom} is protected no more: no further snapshots or backups of it are made.")
    read = [s.read(place) for place in ("backups", "snapshots")]
    if all(result.whole and not result.items for result in read):
        yield notable("It has NO recovery point: nothing of it can be restored.", "no recovery point")
    else:
        ended = item_at(s.resource, "assetInfo", "resourceUri") in s.leaving
        stay = "Its copies go with its group, which another call deletes, or stay" if ended else "Its copies stay"
        yield Finding(f"{stay} until they expire: {copies_in(s)}.")
    if s.resource.get("operational") in IDLE:
        yield mark("is suspended")


def _suspend(s: Subject) -> Iterator[Finding]:
    asset, (idle, stopping) = name_of(s.resource.get("assetInfo") or {}), _by_state(s, _chosen(s))
    which = list_ids(stopping) if _ids(s) else "ALL its schedules"
    short = f"No runs any more for {asset}: {which}, until resumed."
    if stopping or not idle:
        yield grave(f"No runs any more of: {describe_schedules(stopping)}.", short=short)
    _, active = _by_state(s, schedules_of(s.resource))
    if dry := [one for one in needing(schedules_of(s.resource), _ids(s)) if one in active]:
        words = f"These go on, but need copies of {list_ids(stopping)} as source, and get no new ones"
        yield grave(f"{words}: {describe_schedules(dry)}.", "the source of a schedule")
    if idle:
        yield Finding(f"Suspended already, so nothing changes for them: {describe_schedules(idle)}.")
    if nexts := sorted(str(x["nextRunTime"]) for _, x in stopping if x.get("nextRunTime")):
        yield Finding(f"The next run, {describe_time(nexts[0], s.now)}, is the first that does not happen.")
    yield from _strangers(s)
    yield Finding("Existing copies go on expiring. Nobody is reminded to resume.")


def _resume(s: Subject) -> Iterator[Finding]:
    idle, running = _by_state(s, _chosen(s))
    if s.resource.get("operational") == "PERMANENTLY_SUSPENDED":
        yield notable("It is PERMANENTLY_SUSPENDED: whether the service resumes it, no document says.")
    if idle:
        yield Finding(f"These run again: {describe_schedules(idle)}.")
    if running:
        yield Finding(f"Not suspended, so nothing changes for them: {describe_schedules(running)}.")
    yield from _strangers(s)


def _run(s: Subject) -> Iterator[Finding]:
    yield Finding(f"Run now: {describe_schedules(_chosen(s))}.")
    yield from _strangers(s)
    longest = max(
        (one.get("lockFor") for _, one in _chosen(s)), key=lambda length: length_days(length) or 0, default=None
    )
    if (length_days(longest) or 0) > LONG_LOCK:
        words = f"LOCKED for {period(longest)}: the copy that it makes; nobody can delete it before."
        yield grave(words, "locked", words, kind="LOCK")
    if idle := _by_state(s, _chosen(s))[0]:
        yield notable(f"SUSPENDED: {list_ids(idle)}; whether the service runs them all the same, no document says.")
    own = {
        item_at(s.resource, "assetInfo", "id"),
        *(a.get("id") for a in objects(s.resource.get("associatedAssetsInfo"))),
    }
    parts = s.arguments.get("includeResources")
    if isinstance(parts, list) and (foreign := [i for i in parts if i not in own]):
        yield notable(f"Of includeResources these are no assets of this job: {listed(map(s.identity, foreign))}.")
    if s.arguments.get("fullBackup") is True:
        wanted = [store_of(tier) for tier, _ in _chosen(s)]
        yield from (*unreachable(stores(s), wanted), *room(s, wanted))


def room(s: Subject, wanted: list[Any]) -> Iterator[Finding]:
    """Whether a backup finds room in each of the stores that it goes to."""
    for identity in dict.fromkeys(i for i in wanted if i is not None):
        store = stores(s).get(identity, {"id": identity})
        used, most = store.get("sizeOnDiskInBytes"), store.get("maxCapacityInBytes")
        if not isinstance(used, (int, float)) or not isinstance(most, (int, float)) or not most:
            words = f"How much room store {name_of(store)} has is not known."
            cloud = store.get("protectionStoreType") == "CLOUD"  # which has no fixed room
            yield notable(words) if cloud else grave(words, "room not known", words)
            continue
        share = f"{used / most:.0%} full, {units.size(max(0, most - used))} of {units.size(most)} left"
        if used < FULL * most:
            yield Finding(f"Store {name_of(store)} is {share}.")
            continue
        yield grave(
            f"NO ROOM: store {name_of(store)} is {share}; a full backup may fill it, and all backups to it fail.",
            "a full backup without room",
            f"NO ROOM for a full backup: store {name_of(store)} is {used / most:.0%} full.",
        )


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


def _ids(s: Subject) -> set[str]:
    """The ids of the schedules that a call names."""
    return {str(identity) for identity in s.arguments.get("scheduleIds") or ()}


def _chosen(s: Subject) -> list[Schedule]:
    """The schedules that a call is about: those it names, else all."""
    every, ids = schedules_of(s.resource), _ids(s)
    return [one for one in every if not ids or id_of(one) in ids]


def _strangers(s: Subject) -> Iterator[Finding]:
    """What a call names and the job does not have."""
    strangers = sorted(_ids(s) - {id_of(one) for one in schedules_of(s.resource)})
    if strangers and isinstance(s.resource.get("protections"), list):
        yield notable(_has_no(strangers))


def _has_no(strangers: list[str]) -> str:
    return f"The job has no schedule{'s' if len(strangers) > 1 else ''} {cell(', '.join(strangers), 200)}."


def _suspended_already(s: Subject) -> str:
    chosen, every = _chosen(s), schedules_of(s.resource)
    if s.resource.get("operational") in IDLE and not _ids(s):
        return "It is suspended already."
    if every and not chosen:
        return _has_no(sorted(_ids(s)))
    idle = chosen and not _by_state(s, chosen)[1]
    return f"What it names is suspended already: {describe_schedules(chosen)}." if idle else ""


def _way_back(s: Subject) -> str:
    idle, stopping = _by_state(s, schedules_of(s.resource))
    part = f", for {list_ids(one for one in _chosen(s) if one in stopping)} alone" if idle else ""
    return f"resume_protection_job takes it back{part}; runs missed until then are not made up for."


def _by_state(s: Subject, schedules: list[Schedule]) -> tuple[list[Schedule], list[Schedule]]:
    """Those of the schedules that are suspended, and those that are not: by what each says, else by its job."""
    idle = [one for one in schedules if (one[1].get("operational") or s.resource.get("operational")) in IDLE]
    return idle, [one for one in schedules if one not in idle]


TABLE: Mapping[str, PreviewSpec] = {
    "DeleteDataManagementJob": PreviewSpec(
        lambda s: f"Delete the {_describe_job(s)}",
        _end,
        "A new job can be made (create_protection_job); runs missed until then are not made up for.",
        reads=_copies_of_asset,
    ),
    "DataManagementJobSuspend": PreviewSpec(
        lambda s: f"Suspend the {_describe_job(s)}",
        _suspend,
        _way_back,
        forbidden=_suspended_already,
    ),
    "DataManagementJobResume": PreviewSpec(
        lambda s: f"Resume the {_describe_job(s)}", _resume, "suspend_protection_job takes it back."
    ),
    "DataManagementJobRun": PreviewSpec(
        lambda s: f"Run the {_describe_job(s)} now",
        _run,
        "The copies it makes stay until they expire; locked ones cannot be deleted before.",
        reads=lambda arguments, _target: [STORES] if arguments.get("fullBackup") else [],
    ),
}
