"""Runs of a protection job: their parts, and whether each tier has brought its recovery point.

A run's own task ends when the run is triggered (developer portal, "backup-recovery"): the work is its children, or
tasks on the asset. Reads only, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.lists.views import extractors, schedules
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.upstream.client import ApiClient

from . import contradictions, task_model
from . import parts as parts_of
from .expectations import OWN, body_of
from .new_points import Points, new_points
from .parts import Parts
from .polling import Look, PollResult, poll_until, read_target
from .read_back import ReadBack, read_page
from .task_model import Task
from .verdicts import Verdict, judge_parts, unproven

JOBS = f"{OWN}/protection-jobs"
LONGEST_GAP = timedelta(minutes=30)  # from the end of one part of a run to the next; then none is to come
LOGS = "DATABASE_LOG_BACKUP"
Tiers = Sequence[Mapping[str, Any]]  # of a job, one for each schedule


@dataclass(frozen=True)
class Run:
    """What became of a run: the job as read, the tiers that were to run, their parts, the recovery points since."""

    job: ReadBack
    tiers: Tiers
    parts: Parts
    points: Points
    since: datetime


async def follow_run(result: PollResult) -> Run:
    """A triggered run, waited for as long as the context may."""
    context, task = result.context, result.task
    job = await read_target(context)
    tiers = tiers_of(job.item, body_of(context.sent).get("scheduleIds") or ())
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
    return Run(job, tiers, parts, points, since)


def judge_run(result: PollResult, run: Run) -> Verdict:
    """The outcome of a run, from its parts and what they brought."""
    parts, points, now = run.parts, run.points, result.context.api.now()
    verdict = judge_parts(parts)
    if verdict.outcome not in (Outcome.DONE, Outcome.RUNNING):
        return verdict
    if result.at_once and not parts.tasks and not points.items:
        return unproven("the service calls it done, yet no part and no recovery point of it is there")
    unbegun = len(run.tiers) - len(parts.tasks)
    idle = now - max((when for part in parts.tasks if (when := part.ended or part.begun)), default=run.since)
    if unbegun > 0 and not parts.running and idle > LONGEST_GAP:
        why = f"{unbegun} of its {len(run.tiers)} schedules have no part, none for {units.duration(idle)}"
        return unproven(f"{why}. Waiting longer brings nothing")
    waits = [f"{len(parts.running)} of its parts have not ended"] if parts.running else []
    if parts.tasks and unbegun > 0:
        waits.append(f"{unbegun} of its {len(run.tiers)} schedules have no part yet (one that copies begins later)")
    waits += [] if parts.tasks else ["no part of it is to be seen yet"]
    if waits:
        none = [] if points.items else ["No new recovery point is there yet."]
        sentences = (f"It waits for its end: {'; '.join(waits)}.", *none)
        return Verdict(Outcome.TRIGGERED, "that is, the run was triggered", sentences)
    return _judge_points(run, now)


def _judge_points(run: Run, now: datetime) -> Verdict:
    """A run all of whose parts succeeded: whether each tier has its recovery point, in a good state."""
    points = run.points
    bad = [c for _, item in points.items if (c := contradictions.find_contradiction(item, None, now))]
    if bad:
        states, count = ", ".join(dict.fromkeys(one.state for one in bad)), len(points.items)
        sentence = f"{len(bad)} of its {count} recovery points contradict that: {states}. Do not rely on them."
        outcome = next((one.outcome for one in bad if one.outcome is not Outcome.RUNNING), Outcome.TRIGGERED)
        return Verdict(outcome, "but the states of its recovery points contradict that", (sentence,))
    missing = points.missing(run.tiers) if points.how else []
    logs = any(tier.get("type") == LOGS for tier in run.tiers) or any("log" in p.name.lower() for p in run.parts.tasks)
    if missing or (points.how and not points.items and not logs):
        which = f" of {', '.join(missing)}" if missing and points.items else ""
        why = f"all its parts succeeded, yet no new recovery point{which} is listed"
        if points.problem:
            why = f"its recovery points could not be read ({points.problem})"
        again = f"Waiting longer for its task brings nothing: look again in some minutes ({points.how})."
        return unproven(why, again)
    note = []
    if logs and points.items:
        note = ["A log backup is in no list; the recovery point it belongs to shows its range."]
    elif logs:
        note = [
            "A log backup is in no list, so no new recovery point is to come.",
            "get_mssql_database_backup of the newest full backup shows the range to which it can be brought back.",
        ]
    elif not points.how:
        note = ["Its recovery points are those of the group's members, and are listed there."]
    clause = f"with {units.plural(len(points.items), 'new recovery point')}" if points.items else ""
    return Verdict(Outcome.DONE, clause, tuple(note))


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


async def schedule_tasks(api: ApiClient, asset: str, since: datetime) -> tuple[tuple[Task, ...], str]:
    """The tasks of schedules on an asset that began since then; or why they are not known."""
    query = (("filter", f"sourceResourceUri eq '{asset}'"), ("sort", "createdAt desc"), ("limit", "50"))
    page = await read_page(api, task_model.TASKS, *query)
    begun = parts_of.begun_since(page, asset.rpartition("/")[2], since)
    return tuple(one for one in begun if "schedule" in one.name.lower()), page.problem


def tiers_of(job: Mapping[str, Any], chosen: Sequence[Any] = ()) -> Tiers:
    """The tiers of a job, one for each of its schedules that were chosen (none: all)."""
    each = schedules.each(job)
    return [tier for tier, schedule in each if not chosen or schedule.get("scheduleId") in chosen]


def asset_of(job: Mapping[str, Any], task: Task) -> str:
    """The path of the asset that a job protects; "" where nothing names one."""
    named = task_model.path_of(extractors.first(job, ["assetInfo/resourceUri"]))
    return next((p for p in (named, task.subject, *task.others) if p and not p.startswith(f"{JOBS}/")), "")
