"""Runs of a protection job: their parts, the recovery points they bring, and what a new job sets going at once.

A run's own task ends when the run is triggered (developer portal, "backup-recovery"): the work is its children, or
tasks on the asset. Reads only, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream.client import ApiClient

from . import evidence, task_model
from .evidence import Parts
from .polling import Look, WriteContext, poll_until, read_target
from .read_back import ReadBack, read_page
from .task_model import Task

OWN = "/backup-recovery/v1beta1"
MOST_POINTS = 8
LISTS = {  # assets with recovery points: collection -> the word in the list tools' names, and the id's argument
    "virtual-machines": ("vm", "vmId"),
    "datastores": ("datastore", "datastoreId"),
    "mssql-databases": ("mssql_database", "mssqlDatabaseId"),
    "virtual-machine-protection-groups": ("vm_protection_group", "vmProtectionGroupId"),
    "volume-protection-groups": ("volume_protection_group", "volumeProtectionGroupId"),
}
LONGEST_GAP = timedelta(minutes=30)  # from one part of a run to the next; then none is to come
LOGS = "DATABASE_LOG_BACKUP"


@dataclass(frozen=True)
class RunReport:
    """What became of a run: the outcome, and the lines that say so."""

    outcome: Outcome
    lines: tuple[str, ...]
    job: ReadBack = field(default_factory=ReadBack)


async def follow_run(context: WriteContext, task: Task, chosen: Sequence[Any] = ()) -> RunReport:
    """What a triggered run brought, waited for as long as the context may. `chosen`: the schedules asked for."""
    job = await read_target(context)
    tiers = tiers_of(job.item, chosen)
    asset = asset_of(job.item, task)
    since = task.begun or context.since or context.api.now()

    async def look(_left: float) -> Look[Parts]:
        parts = await _parts(context.api, task, asset, since)
        ended = [part for part in parts.tasks if part.stands_still]
        broken = bool(parts.failed) and not parts.running
        over = bool(parts.tasks) and not parts.running and (len(ended) >= len(tiers) or broken)
        expected = max(len(tiers), len(parts.tasks), 1)
        words = f"Run triggered; {len(ended)} of {expected} parts have ended"
        return Look(parts, over, 99.0 * len(ended) / expected, words, task.interval)

    parts, left = await poll_until(context, look)
    points, how = await new_points(context.api, asset, since)
    if not points and parts.tasks and not parts.running and not parts.failed and left > 0 and how:
        await context.api.sleep(min(2.0, left))  # the list may lag behind the task
        points, how = await new_points(context.api, asset, since)
    outcome, sentences = _judge(context, parts, points, tiers, how, since)
    lines = [f"Task {task.id}{f' ({task.name})' if task.name else ''} succeeded: that is, the run was triggered."]
    lines += sentences
    if parts.tasks:
        lines += [f"What it set going ({evidence.count_states(parts.tasks)}):", *evidence.describe_tasks(parts.tasks)]
    if points:
        lines += ["Recovery points since:", *points[:MOST_POINTS]]
        lines += [f"- and {len(points) - MOST_POINTS} more"] if len(points) > MOST_POINTS else []
    if outcome is Outcome.TRIGGERED:
        lines.append(f'Next: wait_for_task taskId="{task.id}" waits for the parts. Do not run it again meanwhile.')
    if how and outcome is not Outcome.DONE:
        lines.append(f"The newest recovery point: {how}.")
    return RunReport(outcome, tuple(lines), job)


def _judge(  # noqa: PLR0913, PLR0917  each ending of a run
    context: WriteContext, parts: Parts, points: list[str], tiers: list[Mapping[str, Any]], how: str, since: datetime
) -> tuple[Outcome, list[str]]:
    """The outcome of a run from its parts and what they brought, and the sentences that say why."""
    if parts.failed:
        whole = len(parts.failed) == len(parts.tasks)
        count = f"{len(parts.failed)} of {len(parts.tasks)}"
        first = "FAILED: no part of the run succeeded" if whole else f"Failed in part: {count} parts of the run failed"
        next_ = "Next: tell the person the reason. Run it again only once that is removed."
        return (Outcome.FAILED if whole else Outcome.PARTLY), [
            f"{first}; not every recovery point asked for was made.",
            next_,
        ]
    if parts.unknown:
        return Outcome.UNKNOWN, [
            f"Outcome unknown: of {len(parts.unknown)} of its parts it is not known how they ended.",
            "Do not run it again before that is known.",
        ]
    if parts.problem and not parts.tasks:
        return Outcome.TRIGGERED, [f"Its parts could not be read: {parts.problem}"]
    missing = len(tiers) - len(parts.tasks)
    begun = max((part.begun for part in parts.tasks if part.begun), default=since)
    if missing > 0 and not parts.running and context.api.now() - begun > LONGEST_GAP:
        gap = units.duration(context.api.now() - begun)
        return Outcome.UNKNOWN, [
            f"Outcome unknown: {missing} of its {len(tiers)} schedules have no part, and none began for {gap}.",
            "Waiting longer brings nothing: the job's last runs (get_protection_job) tell more.",
        ]
    if parts.running or not parts.tasks or missing > 0:
        waits = [f"{len(parts.running)} of its parts have not ended"] if parts.running else []
        if parts.tasks and missing > 0:
            waits.append(f"{missing} of its {len(tiers)} schedules have no part yet (one that copies begins later)")
        if not parts.tasks:
            waits.append("no part of it is to be seen yet")
        none = [] if points else ["No new recovery point is there yet."]
        return Outcome.TRIGGERED, [f"It waits for its end: {'; '.join(waits)}.", *none]
    logs = sum(tier.get("type") == LOGS for tier in tiers)
    if points:
        note = ["A log backup is in no list; the recovery point it belongs to shows its range."] if logs else []
        return Outcome.DONE, [f"All {len(parts.tasks)} parts of it succeeded.", *note]
    if (logs and logs == len(tiers)) or any("log" in part.name.lower() for part in parts.tasks):
        return Outcome.DONE, [
            "All parts of it succeeded. A log backup is in no list, so no new recovery point is to come:",
            "get_mssql_database_backup of the newest full backup shows the range to which it can be brought back.",
        ]
    if not how:
        return Outcome.DONE, [
            "All parts of it succeeded. Its recovery points are those of the group's members, and are listed there."
        ]
    return Outcome.UNKNOWN, [
        "Outcome unknown: all its parts succeeded, yet no new recovery point is listed.",
        "Waiting longer for this task brings nothing: read the list again in some minutes, and get_protection_job.",
    ]


async def _parts(api: ApiClient, task: Task, asset: str, since: datetime) -> Parts:
    """The parts of a run: the children of its task, or else the tasks on the asset that began since."""
    parts = Parts() if task.children is False else await evidence.read_parts(api, task.id)
    if parts.tasks or not asset:
        return parts
    page = await read_page(
        api,
        task_model.TASKS,
        ("filter", f"sourceResourceUri eq '{asset}'"),
        ("sort", "createdAt desc"),
        ("limit", "50"),
    )
    result = evidence.begun_since(page, asset.rpartition("/")[2], since)
    first: dict[str, Task] = {}  # of each name the earliest: the schedules themselves go on beside it, and began before
    for one in sorted(result, key=lambda one: (one.begun is None or one.begun < since, one.begun or since)):
        if one.id != task.id and "schedule" in one.name.lower():
            first.setdefault(one.name, one)
    return replace(parts, tasks=tuple(first.values()), problem=parts.problem or page.problem)


def tiers_of(job: Mapping[str, Any], chosen: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The tiers of a job, one for each of its schedules that were chosen (none: all)."""
    return [
        {"type": tier.get("type"), "tier": tier, "schedule": schedule}
        for tier in job.get("protections") or ()
        if isinstance(tier, Mapping)
        for schedule in tier.get("schedules") or ()
        if isinstance(schedule, Mapping) and (not chosen or schedule.get("scheduleId") in chosen)
    ]


def asset_of(job: Mapping[str, Any], task: Task) -> str:
    """The path of the asset that a job protects; "" where nothing names one."""
    asset = job.get("assetInfo")
    named = [task_model.path_of(asset.get("resourceUri"))] if isinstance(asset, Mapping) else []
    jobs = f"{OWN}/protection-jobs/"
    return next((p for p in (*named, task.subject, *task.others) if p and not p.startswith(jobs)), "")


async def new_points(api: ApiClient, asset: str, since: datetime) -> tuple[list[str], str]:
    """The recovery points an asset got since then, as lines; and the call that finds them ("": no list has them)."""
    collection, _, identity = asset.rpartition("/")
    if (names := LISTS.get(collection.rpartition("/")[2])) is None:
        return [], ""
    word, argument = names
    result = []
    for kind in ("backups", "snapshots"):
        path = f"{OWN}/{collection.rpartition('/')[2]}/{identity}/{kind}"
        result += [describe_point(kind[:-1], item, api.now()) for item in await _points_since(api, path, since)]
    how = f'list_{word}_backups or list_{word}_snapshots with {argument}="{identity}", sort="pointInTime desc", limit=1'
    return result, how


def describe_point(kind: str, item: Mapping[str, Any], now: datetime) -> str:
    """A recovery point on one line: state, size, place, expiry and lock, as the lists word them."""
    taken = units.parse_time(item.get("pointInTime") or item.get("createdAt"))
    state = sanitize.cell(str(item.get("state") or "no state"), 60)
    facts = [f"{state}", f"taken {units.stamp(taken)}" if taken else ""]
    sizes = ("backupSetsInfo/backups/sizeInMib", "backupSetsInfo/backups/sizeInBytes", "volumesSnapshotInfo/sizeInMib")
    amount = extractors.total_bytes(item, sizes)
    facts.append(f"size {units.size(amount)}" if amount else "")
    store = extractors.text(extractors.first(item, ["protectionStoreInfo/name"]))
    facts.append(f"store {sanitize.cell(store)}" if store else "")
    expiry, lock = units.parse_time(item.get("expiresAt")), units.parse_time(item.get("lockedUntil"))
    facts.append(f"expires {units.relative(expiry, now)}" if expiry else "no expiry")
    if lock and lock > now:
        facts.append(f"LOCKED until {units.relative(lock, now)}: nobody can delete it before")
    else:
        facts.append("not locked")
    name = sanitize.quoted(str(item.get("name") or ""), 80)
    return f"- {kind} {name} (id {sanitize.cell(str(item.get('id')))}): {', '.join(f for f in facts if f)}"


async def _points_since(api: ApiClient, path: str, since: datetime) -> list[Mapping[str, Any]]:
    start = f"{since:%Y-%m-%dT%H:%M:%S}Z"
    page = ReadBack()
    # a list without this filter is read by its newest
    for query in (("filter", f"pointInTime gt '{start}'"), ("sort", "pointInTime desc")):
        page = await read_page(api, path, query, ("limit", "20"))
        if not page.problem:
            break
    newer = []
    for item in page.items:
        taken = units.parse_time(item.get("pointInTime") or item.get("createdAt"))
        if taken is not None and taken >= since.replace(microsecond=0):
            newer.append(item)
    return newer
