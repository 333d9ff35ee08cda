"""A write that was accepted is followed to its end: what became of the resource is the proof, not the task's word.

Polls (polling.py), reads what it made or changed and what hangs on the task, and reports what all of it proves
(verification.py). Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from greenlake_backup_mcp.errors import InputError, ServiceError, Unreachable
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.client import ApiClient, Request, Response
from greenlake_backup_mcp.upstream.progress import Report

from . import evidence, expectations, reports, runs, task_model, task_sentences, verification
from .evidence import Parts
from .first_runs import describe_first_runs
from .made_resources import find_made
from .member_restores import judge_members
from .polling import PENDING, Look, PollResult, SharedTasks, WriteContext, poll_task, poll_until, read_target
from .read_back import ReadBack
from .remembered import RememberedWrite, WriteMemory
from .reports import TaskReport
from .task_model import Task
from .verification import Verdict

_RUN = re.compile(r"(?:run|trigger)\b", re.IGNORECASE)
_DELETE = re.compile(r"(?:[Dd]elet(?:e|es|ing|ion)|DELETE)(?![a-z])")  # the verb alone: what follows is somebody's name
GROUP_RESTORE = "restore_vm_protection_group"


@dataclass(frozen=True)
class Follower:
    """What following any write needs: the way to the service, where progress goes, who asked, what is remembered.

    `reader` gives the read of the resource at a path.
    """

    api: ApiClient
    progress: Report
    seconds: float
    memory: WriteMemory
    principal: str
    reader: Callable[[str], Request]
    shared: SharedTasks | None = None  # where several writes are followed together


def write_context(follower: Follower, write: RememberedWrite) -> WriteContext:
    """What is known of a write from its request: what it acts on, what it should make or change."""
    sent = write.sent
    row = expectations.expectation(sent)
    deletes = sent.method == "DELETE"
    return WriteContext(
        follower.api, follower.progress, follower.seconds, sent.name, write.target, deletes, sent,
        {} if deletes else expectations.wanted(sent, row), row, write.since, write.before, follower.reader,
        follower.shared,
    )  # fmt: skip


async def follow(follower: Follower, reply: Response, write: RememberedWrite) -> TaskReport:
    """What became of a write that was accepted with a task. Never raises for what the service answers.

    `write` says when it was sent by our clock; the service's own, where it tells it, counts instead.
    """
    write = replace(write, since=evidence.date_of(reply) or write.since)
    context = write_context(follower, write)
    path, problem = task_model.located(reply.headers.get("location"), follower.api.transport.connection().base)
    if not path:
        return await _report_unreadable(context, problem)
    follower.memory.remember(follower.principal, path.rpartition("/")[2], write)
    return await _report(await poll_task(context, path))


async def wait(follower: Follower, task_id: str) -> TaskReport:
    """What became of a task, waited for at most the follower's seconds; a BackupError where there is no such task."""
    if not task_model.is_id(task_id):
        raise InputError(f"taskId {sanitize.quoted(task_id, 60)} is no id of a task.", hint="list_tasks shows the ids.")
    write = follower.memory.find(follower.principal, task_id)
    if write is not None:
        context = write_context(follower, write)
    else:
        context = WriteContext(follower.api, follower.progress, follower.seconds, reader=follower.reader)
    result = await poll_task(replace(context, tool=""), task_model.path_of_id(task_id))
    if not result.answered:
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
    if write is not None:
        return await _report(replace(result, context=replace(context, left=result.context.left)))
    target = (
        Request(follower.reader(task.subject).operation_id, "GET", task.subject, reads=True) if task.subject else None
    )
    context = replace(
        result.context, target=target, deletes=_DELETE.match(task.name) is not None, since=task.begun,
        expectation=expectations.Expectation(states=True),
    )  # fmt: skip
    return await _report(replace(result, context=context))


async def _report_unreadable(context: WriteContext, problem: str) -> TaskReport:
    """A 202 whose task is not known: the resource alone can tell."""

    async def look(_left: float) -> Look[ReadBack]:
        resource = await read_target(context)
        over = not context.deletes or context.target is None or resource.gone or resource.state == PENDING
        return Look(resource, over, 0.0, "Waiting for the resource to go")

    resource, _ = await poll_until(context, look)
    lines = [f"The service accepted it (HTTP 202), but {problem}."]
    if context.deletes and resource.gone:
        return TaskReport("", Outcome.DONE, (*lines, "It is done: the resource is gone (read again: 404)."))
    if context.deletes and resource.state == PENDING:
        return await reports.report_approval(context, "", lines, resource)
    lines.append("Outcome unknown: it may be done, under way, or still fail.")
    lines += reports.describe_resource(context, resource, reports.MOST_SHOWN)
    where = f" filter=\"sourceResourceUri eq '{context.target.path}'\"" if context.target else ""
    lines.append(f'Next: list_tasks{where} sort="createdAt desc" limit=5 shows its task. {task_sentences.NEVER_AGAIN}')
    return TaskReport("", Outcome.UNKNOWN, tuple(lines), resource.body)


async def _report(result: PollResult) -> TaskReport:
    """What a task that was polled comes to, with its parts and what it made or changed."""
    context, task = result.context, result.task
    if task.state == "SUCCEEDED" and _RUN.match(context.tool.replace("_", " ") or task.name):
        body = context.sent.body if context.sent and isinstance(context.sent.body, Mapping) else {}
        run = await runs.follow_run(context, task, tuple(body.get("scheduleIds") or ()))
        return TaskReport(task.id, run.outcome, run.lines, run.job.body)
    parts, left = await _read_parts(context, task)
    result = replace(result, context=replace(context, left=left))
    if task.state == "SUCCEEDED" and context.expectation.makes and context.tool:
        return await _report_made(result, parts)
    resource = await read_target(context)
    if task.state == "SUCCEEDED" and left > 0 and verification.not_yet_visible(context, resource):
        await context.api.sleep(min(1.0, left))  # what is read may lag behind the task
        resource = await read_target(context)
    if resource.state == PENDING and (context.deletes or task.state != "FAILED"):
        return await reports.report_approval(context, task.id, [task_sentences.heading(result)], resource)
    verdict = verification.judge_task(result, resource, parts)
    if task.state == "SUCCEEDED" and context.tool == GROUP_RESTORE:
        verdict = verification.worst(verdict, await judge_members(context, resource))
    return _build(result, verdict, parts, reports.describe_changed(result, verdict, resource), resource)


async def _report_made(result: PollResult, parts: Parts) -> TaskReport:
    """A task that succeeded and was to make something: found, read and held against what was asked."""
    context = result.context
    if context.tool == GROUP_RESTORE:
        verdict = verification.worst(
            verification.judge_parts(parts), await judge_members(context, await read_target(context))
        )
        return _build(result, verdict, parts, [], ReadBack())
    made = await find_made(context, result.task, None, None)
    if not made.is_identified and not made.problem and context.left > 0:
        await context.api.sleep(min(1.0, context.left))  # the list may lag behind the task
        made = await find_made(context, result.task, None, None)
    verdict = verification.worst(verification.judge_made(context, made), verification.judge_parts(parts))
    lines = [*reports.describe_made(context, made), *await describe_first_runs(context, made.resource, parts)]
    return _build(result, verdict, parts, lines, made.resource, reports.name_made(made))


def _build(  # noqa: PLR0913, PLR0917  what a report is made of
    result: PollResult, verdict: Verdict, parts: Parts, lines: list[str], resource: ReadBack, made: str = ""
) -> TaskReport:
    """The report of a task: the whole in its first line, then why, then the parts, then what is there."""
    task, outcome = result.task, verdict.outcome
    clause = ": ".join(one for one in (verdict.clause, made) if one)
    rows = task_sentences.describe_parts(parts) if outcome is not Outcome.DONE or len(parts.tasks) > 1 else []
    if outcome is Outcome.DONE and len(parts.tasks) > 1:
        rows = [f"All of its {len(parts.tasks)} parts succeeded."]
    first = [task_sentences.heading(result, clause), *verdict.sentences]
    end = task_sentences.next_steps(result.context, task, outcome)
    return TaskReport(task.id, outcome, reports.fit(first, rows, lines, end=end), resource.body, verdict.beside)


async def _read_parts(context: WriteContext, task: Task) -> tuple[Parts, float]:
    """The tasks below a task that has some, waited for until they stand still; and the seconds left."""
    wanted = task.children or (task.children is None and context.tool == GROUP_RESTORE)
    if not wanted or not task.state or task.state in task_model.GOING:
        return Parts(), context.left

    async def look(_left: float) -> Look[Parts]:
        parts = await evidence.read_parts(context.api, task.id)
        ended = sum(part.stands_still for part in parts.tasks)
        over = task.state != "SUCCEEDED" or not parts.running
        words = f"{ended} of {len(parts.tasks)} parts have ended"
        return Look(parts, over, 99.0 * ended / max(1, len(parts.tasks)), words, task.interval)

    return await poll_until(context, look)
