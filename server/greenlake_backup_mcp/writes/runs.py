"""Runs of a protection job: their parts, and the recovery points that they bring.

A run's own task ends when the run is triggered (developer portal, "backup-recovery"): the work is its children, or
tasks on the asset. Reads only, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.upstream.client import ApiClient

from . import contradictions, task_model
from . import parts as parts_of
from .expectations import OWN
from .new_points import Points, describe_point, new_points
from .parts import Parts
from .polling import Look, PollResult, WriteContext, poll_until, read_target
from .read_back import ReadBack, read_page
from .task_model import Task

MOST_POINTS = 8
JOBS = f"{OWN}/protection-jobs"
LONGEST_GAP = timedelta(minutes=30)  # from the end of one part of a run to the next; then none is to come
LOGS = "DATABASE_LOG_BACKUP"


@dataclass(frozen=True)
class RunReport:
    """What became of a run: the outcome, the lines that say so, and the job as read."""

    outcome: Outcome
    lines: tuple[str, ...]
    job: ReadBack = field(default_factory=ReadBack)


async def follow_run(result: PollResult, heading: str) -> RunReport:
    """What a triggered run brought, waited for as long as the context may. `heading`: how its own task stands."""
    context, task = result.context, result.task
    body = context.sent.body if context.sent and isinstance(context.sent.body, Mapping) else {}
    job = await read_target(context)
    tiers = tiers_of(job.item, tuple(body.get("scheduleIds") or ()))
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
    points = await new_points(context.api, asset, job.item, since)
    ended = bool(parts.tasks) and not parts.running and not parts.failed
    if ended and points.how and points.missing(tiers) and left > 0:
        await context.api.sleep(min(2.0, left))  # the list may lag behind the task
        points = await new_points(context.api, asset, job.item, since)
    if result.at_once and not parts.tasks and not points.items:
        sentences = ["Outcome unknown: the service calls it done, yet no part and no recovery point of it is there."]
        outcome = Outcome.UNKNOWN
    else:
        outcome, sentences = _judge(context, parts, points, tiers, since)
    lines = [heading, *sentences]
    if parts.tasks:
        counts = parts_of.count_states(parts.tasks)
        lines += [f"What it set going ({counts}):", *parts_of.describe_tasks(parts.tasks)]
    if points.items:
        now = context.api.now()
        lines += ["Recovery points since:", *(describe_point(*one, now) for one in points.items[:MOST_POINTS])]
        lines += [f"- and {len(points.items) - MOST_POINTS} more"] if len(points.items) > MOST_POINTS else []
    if outcome is Outcome.TRIGGERED and task.id:
        lines.append(f'Next: wait_for_task taskId="{task.id}" waits for the parts. Do not run it again meanwhile.')
    elif outcome is Outcome.TRIGGERED:
        lines.append("Next: get_protection_job shows its last runs. Do not run it again meanwhile.")
    if points.how and outcome is not Outcome.DONE:
        lines.append(f"The newest recovery point: {points.how}.")
    return RunReport(outcome, tuple(lines), job)


def _judge(
    context: WriteContext, parts: Parts, points: Points, tiers: list[Mapping[str, Any]], since: datetime
) -> tuple[Outcome, list[str]]:
    """The outcome of a run from its parts and what they brought, and the sentences that say why."""
    if parts.failed:
        first = (
            f"Failed in part: {len(parts.failed)} of {len(parts.tasks)} parts of the run failed"
            if parts.partly
            else "FAILED: no part of the run succeeded"
        )
        return (Outcome.PARTLY if parts.partly else Outcome.FAILED), [
            f"{first}; not every recovery point asked for was made.",
            "Next: tell the person the reason. Run it again only once that is removed.",
        ]
    if parts.unknown:
        return Outcome.UNKNOWN, [
            f"Outcome unknown: of {len(parts.unknown)} of its parts it is not known how they ended.",
            "Do not run it again before that is known.",
        ]
    if parts.problem and not parts.tasks:
        return Outcome.TRIGGERED, [f"Its parts could not be read: {parts.problem}"]
    unbegun = len(tiers) - len(parts.tasks)
    idle = context.api.now() - max((when for p in parts.tasks if (when := p.ended or p.begun)), default=since)
    if unbegun > 0 and not parts.running and idle > LONGEST_GAP:
        return Outcome.UNKNOWN, [
            f"Outcome unknown: {unbegun} of its {len(tiers)} schedules have no part, none for {units.duration(idle)}.",
            "Waiting longer brings nothing: the job's last runs (get_protection_job) tell more.",
        ]
    if parts.running or not parts.tasks or unbegun > 0:
        waits = [f"{len(parts.running)} of its parts have not ended"] if parts.running else []
        if parts.tasks and unbegun > 0:
            waits.append(f"{unbegun} of its {len(tiers)} schedules have no part yet (one that copies begins later)")
        if not parts.tasks:
            waits.append("no part of it is to be seen yet")
        none = [] if points.items else ["No new recovery point is there yet."]
        return Outcome.TRIGGERED, [f"It waits for its end: {'; '.join(waits)}.", *none]
    return _judge_points(context, parts, points, tiers)


def _judge_points(
    context: WriteContext, parts: Parts, points: Points, tiers: list[Mapping[str, Any]]
) -> tuple[Outcome, list[str]]:
    """The outcome of a run all of whose parts succeeded: whether each tier has its recovery point, in a good state."""
    now = context.api.now()
    bad = [found for _, item in points.items if (found := contradictions.find_contradiction(item, None, now))]
    if bad:
        states, count = ", ".join(dict.fromkeys(found.state for found in bad)), len(points.items)
        return next((b.outcome for b in bad if b.outcome is not Outcome.RUNNING), Outcome.TRIGGERED), [
            f"All its parts succeeded, but {len(bad)} of its {count} recovery points contradict that: {states}.",
            "Next: read them again in some minutes; until they are OK they are no copies to rely on.",
        ]
    logs = any(tier.get("type") == LOGS for tier in tiers) or any("log" in part.name.lower() for part in parts.tasks)
    missing = points.missing(tiers) if points.how else []
    if missing:
        which = f" of {', '.join(missing)}" if points.items else ""
        return Outcome.UNKNOWN, [
            f"Outcome unknown: all its parts succeeded, yet no new recovery point{which} is listed.",
            "Waiting longer for this task brings nothing: read the list again in some minutes, and get_protection_job.",
        ]
    if points.items:
        note = ["A log backup is in no list; the recovery point it belongs to shows its range."] if logs else []
        return Outcome.DONE, [f"All {len(parts.tasks)} parts of it succeeded.", *note]
    if logs:
        return Outcome.DONE, [
            "All parts of it succeeded. A log backup is in no list, so no new recovery point is to come:",
            "get_mssql_database_backup of the newest full backup shows the range to which it can be brought back.",
        ]
    if points.how:
        return Outcome.UNKNOWN, [
            "Outcome unknown: all its parts succeeded, yet no new recovery point is listed.",
            "Waiting longer for this task brings nothing: read the list again in some minutes, and get_protection_job.",
        ]
    return Outcome.DONE, [
        "All parts of it succeeded. Its recovery points are those of the group's members, and are listed there."
    ]


async def _parts(api: ApiClient, task: Task, asset: str, since: datetime) -> Parts:
    """The parts of a run: the children of its task, or else the tasks on the asset that began since."""
    parts = Parts() if task.children is False or not task.id else await parts_of.read_parts(api, task.id)
    if parts.tasks or not asset:
        return parts
    begun, problem = await schedule_tasks(api, asset, since)
    first: dict[str, Task] = {}  # of each name the earliest: the schedules themselves go on beside it, and began before
    for one in sorted(begun, key=lambda one: (one.begun is None or one.begun < since, one.begun or since)):
        if one.id != task.id:
            first.setdefault(one.name, one)
    return replace(parts, tasks=tuple(first.values()), problem=parts.problem or problem)


async def schedule_tasks(api: ApiClient, asset: str, since: datetime) -> tuple[list[Task], str]:
    """The tasks of schedules on an asset that began since then; or why they are not known."""
    query = (("filter", f"sourceResourceUri eq '{asset}'"), ("sort", "createdAt desc"), ("limit", "50"))
    page = await read_page(api, task_model.TASKS, *query)
    begun = parts_of.begun_since(page, asset.rpartition("/")[2], since)
    return [one for one in begun if "schedule" in one.name.lower()], page.problem


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
    return next((p for p in (*named, task.subject, *task.others) if p and not p.startswith(f"{JOBS}/")), "")
