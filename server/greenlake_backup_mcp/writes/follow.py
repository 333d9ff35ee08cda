"""A write that was accepted is followed to its end: what became of the resource is the proof, not the task's word.

Polls (polling.py), reads the resource and what hangs on the task (evidence.py), and reports what both prove
(verification.py). Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from greenlake_backup_mcp.errors import InputError, ServiceError, Unreachable
from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.client import ApiClient, Request, Response
from greenlake_backup_mcp.upstream.progress import Report

from . import evidence, task_model, verification
from .evidence import ReadBack
from .polling import EARLY, INTERVAL, PENDING, PollResult, WriteContext, poll
from .task_model import Task
from .verification import NEVER_AGAIN

MOST_SHOWN = 12  # lines of the resource where the write is not (known to be) done
_RUN = re.compile(r"(?:run|trigger)\b", re.IGNORECASE)
_DELETE = re.compile(r"(?:[Dd]elet(?:e|es|ing|ion)|DELETE)(?![a-z])")  # the verb alone: what follows is somebody's name


@dataclass(frozen=True)
class TaskReport:
    """What became of a task: an outcome, lines for the model that end with the next step, and the resource as read."""

    id: str
    outcome: Outcome
    lines: tuple[str, ...]
    resource: Any = None


async def follow(  # noqa: PLR0913  a write and how it is followed
    api: ApiClient, reply: Response, sent: Request, *, target: Request | None, seconds: float, progress: Report
) -> TaskReport:
    """What became of an accepted write, waited for at most `seconds`. Never raises for what the service answers."""
    context = WriteContext(
        api, progress, seconds, sent.name, target, sent.method == "DELETE", verification.expected(sent)
    )
    path, problem = task_model.located(reply.headers.get("location"), api.transport.connection().base)
    if not path:
        return await _report_unreadable(context, problem)
    return await _build_report(await poll(context, path))


async def wait(api: ApiClient, task_id: str, seconds: float, progress: Report) -> TaskReport:
    """What became of a task, waited for at most `seconds`; a BackupError where there is no such task."""
    if not task_model.is_id(task_id):
        raise InputError(f"taskId {sanitize.quoted(task_id, 60)} is no id of a task.", hint="list_tasks shows the ids.")
    result = await poll(WriteContext(api, progress, seconds), task_model.path_of_id(task_id))
    if not result.known:
        if result.vanished:
            raise ServiceError(
                f"Task {task_id} is not there.",
                hint="Tasks are kept for some time only. Read the resource itself; "
                "list_tasks shows the tasks there are.",
                status=404,
            )
        raise Unreachable(
            f"Task {task_id}: {result.trouble}",
            hint="Nothing is known of it now. Read the resource, or call wait_for_task again in a minute.",
        )
    task = result.task
    context = replace(result.context, target=_subject(task), deletes=_DELETE.match(task.name) is not None)
    return await _build_report(replace(result, context=context))


def _subject(task: Task) -> Request | None:
    return Request("", "GET", task.subject, reads=True) if task.subject else None


async def _report_unreadable(context: WriteContext, problem: str) -> TaskReport:
    """A 202 whose task is not known: the resource alone can tell."""
    seen, left = await _target(context), context.left
    for pause in (0.1, 0.5, 2.0, *[INTERVAL] * 400):
        if not context.deletes or context.target is None or seen.gone or seen.state == PENDING or left <= 0:
            break
        await context.api.sleep(min(pause, left))
        left -= pause
        seen = await _target(context)
    lines = [f"The service accepted it (HTTP 202), but {problem}."]
    if context.deletes and seen.gone:
        return TaskReport("", Outcome.DONE, (*lines, "It is done: the resource is gone (read again: 404)."))
    if context.deletes and seen.state == PENDING:
        return await approval(context, "", lines, seen)
    lines.append("Outcome unknown: it may be done, under way, or still fail.")
    lines += describe_resource(context, seen, MOST_SHOWN)
    where = f" filter=\"sourceResourceUri eq '{context.target.path}'\"" if context.target else ""
    lines.append(f'Next: list_tasks{where} sort="createdAt desc" limit=5 shows its task. {NEVER_AGAIN}')
    return TaskReport("", Outcome.UNKNOWN, tuple(lines), seen.body)


async def _build_report(result: PollResult) -> TaskReport:
    context, task = result.context, result.task
    if task.state == "SUCCEEDED" and _RUN.match(context.tool.replace("_", " ") or task.name):
        return await _follow_run(context, task)
    seen = await _target(context)
    if task.state == "SUCCEEDED" and context.left > 0 and verification.not_yet_visible(context, seen):
        await context.api.sleep(min(1.0, context.left))  # the list of what is there may lag behind the task
        seen = await _target(context)
    if seen.state == PENDING and (context.deletes or task.state != "FAILED"):
        return await approval(context, task.id, [verification.heading(result)], seen)
    outcome, sentences = verification.verdict(result, seen)
    lines = [verification.heading(result), *sentences]
    if task.children and outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.RUNNING):
        lines += ["Its parts:", *evidence.describe_tasks(await evidence.children(context.api, task.id))]
    if (
        outcome in (Outcome.UNKNOWN, Outcome.RUNNING, Outcome.PAUSED)
        and task.state not in ("FAILED", "CANCELLED")
        and verification.matches_request(context, seen)
    ):
        lines.append("The resource already shows what was asked for; whether all of it is done is not known.")
    if not (context.deletes and seen.gone):
        lines += describe_resource(context, seen, MOST_SHOWN if outcome != Outcome.DONE else None)
    lines += verification.next_steps(context, task, outcome, seen)
    return TaskReport(task.id, outcome, tuple(lines), seen.body)


async def _target(context: WriteContext) -> ReadBack:
    """The resource, read again."""
    if context.target is None:
        return ReadBack()
    return await evidence.read_back(context.api, context.target)


def describe_resource(context: WriteContext, seen: ReadBack, most: int | None = None) -> list[str]:
    """The resource as it is now, in at most so many lines: the most important come first."""
    if context.target is None:
        return []
    if seen.gone:
        return ["The resource is not there (read again: 404)."]
    if not seen.item:
        return [f"The resource could not be read again: {seen.problem or 'the answer is none'}"]
    settings, now = context.api.settings, context.api.now()
    lines = details.render_details(context.target.operation_id, seen.body, now, reveal=settings.reveal_secrets)
    return ["The resource now (read again):", *lines[:most]]


async def approval(context: WriteContext, task_id: str, lines: list[str], seen: ReadBack) -> TaskReport:
    """A delete that a second person must approve: said so, and not waited for."""
    path = context.target.path if context.target else ""
    found = await evidence.approval(context.api, path)
    lines = [*lines, f"Not done: a second person must approve the deletion first (state {PENDING}); nobody here can."]
    if found is None:
        lines.append("Its approval was not found; list_approvals shows those that wait.")
    else:
        identity = sanitize.cell(str(found.get("id")))
        by, at = sanitize.cell(str(found.get("requestedByEmail") or "this API client")), found.get("requestedAt")
        when = f" at {sanitize.cell(str(at))}" if at else ""
        lines.append(f"Approval {identity}, asked for by {by}{when}: in the console under dual authorization.")
        lines.append(f'Tell the person; get_approval approvalId="{identity}" shows what was decided.')
    return TaskReport(task_id, Outcome.WAITING, tuple(lines), seen.body)


async def _follow_run(context: WriteContext, task: Task) -> TaskReport:
    """A run's task ends when the run is triggered: its parts are waited for, and the recovery points looked for."""
    left, pauses = context.left, iter(EARLY)
    while True:
        parts = await evidence.children(context.api, task.id)
        if left <= 0 or (parts and all(part.stands_still for part in parts)):
            break
        if not parts and left < context.left - sum(EARLY):  # a service that names no children does not begin to
            break
        done = sum(part.over for part in parts)
        await context.progress(100.0, 100.0, f"Run triggered; {done} of {len(parts)} parts have ended")
        pause = min(next(pauses, task.interval or INTERVAL), left)
        await context.api.sleep(pause)
        left -= pause
    seen = await _target(context)
    points, how = await _new_points(context, task, seen)
    lines = [f"Task {task.id}{f' ({task.name})' if task.name else ''} succeeded: that is, the run was triggered."]
    if parts:
        lines += ["What it set going:", *evidence.describe_tasks(parts)]
    lines += ["Recovery points since:", *points] if points else ["No new recovery point is there yet."]
    outcome = Outcome.TRIGGERED
    if any(part.state in ("FAILED", "CANCELLED") for part in parts):
        outcome = Outcome.FAILED
        lines.append("A part of the run failed: not every recovery point asked for was made.")
        lines.append("Next: tell the person the reason. Run it again only once that is removed.")
    elif any(part.stands_still and part.state != "SUCCEEDED" for part in parts):
        outcome = Outcome.UNKNOWN
        lines.append("Of a part it is not known how it ended. Do not run it again before that is known.")
    elif parts and points and all(part.state == "SUCCEEDED" for part in parts):
        outcome = Outcome.DONE
    else:
        lines.append(f'Next: wait_for_task taskId="{task.id}" waits for the parts. Do not run it again meanwhile.')
    if how and outcome != Outcome.DONE:
        lines.append(f"The newest recovery point: {how}.")
    return TaskReport(task.id, outcome, tuple(lines), seen.body)


async def _new_points(context: WriteContext, task: Task, seen: ReadBack) -> tuple[list[str], str]:
    """The recovery points since the run began, of the asset of its job."""
    job = seen.item if "assetInfo" in seen.item else {}
    asset = job.get("assetInfo")
    paths = [task_model.path_of(asset.get("resourceUri"))] if isinstance(asset, dict) else []
    for path in (*paths, task.subject, *task.others):
        if path and path.rpartition("/")[0].rpartition("/")[2] in evidence.LISTS:
            return await evidence.new_points(context.api, path, task.begun or context.api.now())
    return [], ""
