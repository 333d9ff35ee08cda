"""A write that was accepted is followed to its end: what became of the resource is the proof, not the service's word.

Polls (polling.py), reads what it made or changed and what hangs on the task, and reports what all of it proves
(verification.py). Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

import re
from dataclasses import replace

from greenlake_backup_mcp.errors import InputError, OutcomeUnknown, ServiceError, Unreachable
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.client import ApiClient, Response
from greenlake_backup_mcp.upstream.retry_after import parse_http_date

from . import (
    approvals,
    expectations,
    group_restores,
    made_resources,
    parts,
    reports,
    runs,
    task_model,
    unknown,
    verification,
)  # fmt: skip
from .asked_names import write_asked_names
from .first_runs import describe_first_runs
from .made_resources import Made
from .new_points import describe_points
from .parts import Parts
from .polling import Look, PollResult, WriteContext, poll_task, poll_until, read_target
from .read_back import ReadBack, read_back
from .remembered import RememberedWrite
from .reports import TaskReport
from .task_model import Task
from .verification import Findings

_RUN = re.compile(r"(?:run|trigger)\b", re.IGNORECASE)
_DELETE = re.compile(r"(?:[Dd]elet(?:e|es|ing|ion)|DELETE)(?![a-z])")  # the verb alone: what follows is somebody's name
ACCEPTED = 202


def task_of(api: ApiClient, reply: Response) -> str | None:
    """The id of the task by which a write was accepted (202 with a Location on the service's own host).

    "" where the reply names none that can be followed, None where it was no 202.
    """
    if reply.status != 202:
        return None
    path, _ = task_model.located(reply.headers.get("location"), api.transport.connection().base)
    return path.rpartition("/")[2]


async def follow(context: WriteContext, reply: Response, write: RememberedWrite, title: str) -> TaskReport:
    """What became of a write that was answered with a 2xx, waited for at most the seconds left of a context.

    `write` says when it was sent by our clock; the service's own, where it tells it, counts instead. `title` names the
    operation. Never raises for what the service answers.
    """
    write = replace(write, since=parse_http_date(reply.headers.get("date", "")) or write.since)
    context, location = _context_of(context, write), reply.headers.get("location")
    if reply.status != ACCEPTED:
        answer = ReadBack(reply.body)
        return await _report(PollResult(context, Task(""), title=title, status=reply.status, answer=answer), location)
    path, problem = task_model.located(location, context.api.transport.connection().base)
    if not path:
        return await _report(PollResult(context, Task(""), trouble=problem, title=title, status=ACCEPTED))
    context.memory.remember(context.principal, path.rpartition("/")[2], write)
    return await _report(await poll_task(context, path))


async def wait(context: WriteContext, task_id: str) -> TaskReport:
    """What became of a task, waited for at most the seconds left of a context, and held against what was asked.

    InputError for what is no id, ServiceError (404) for a task that is not there, Unreachable where none can be read.
    """
    if not task_model.is_id(task_id):
        raise InputError(f"taskId {sanitize.quoted(task_id, 60)} is no id of a task.", hint="list_tasks shows the ids.")
    if write := context.memory.find(context.principal, task_id):
        context = _context_of(context, write)
    result = await poll_task(replace(context, tool=""), task_model.path_of_id(task_id))
    if not result.answered:
        if result.vanished:
            raise ServiceError(
                f"Task {task_id} is not there.",
                hint="Tasks are kept for some time only. Read the resource itself; "
                "list_tasks shows the tasks there are.",
                status=404,
            )
        again = "Nothing is known of it now. Read the resource, or call wait_for_task again in a minute."
        raise Unreachable(
            f"Task {task_id}: {result.trouble.replace('GetAsyncOperation', 'the read of it')}",
            hint=f"{again} list_tasks shows the ids of the tasks there are.",
        )
    if write:
        return await _report(replace(result, context=replace(context, left=result.context.left)))
    task = result.task
    target = context.reader(task.subject) if task.subject else None
    context = replace(
        result.context, target=target, deletes=_DELETE.match(task.name) is not None, since=task.begun,
        expectation=expectations.Expectation(states=True),
    )  # fmt: skip
    return await _report(replace(result, context=context))


async def investigate(context: WriteContext, problem: OutcomeUnknown, write: RememberedWrite) -> OutcomeUnknown:
    """The problem of an ambiguous write, with the tasks begun since it was sent, and what there is of it now.

    Both stand as lines in its hint. `write` says when it was sent by our clock. Never raises for what is answered.
    """
    context = replace(_context_of(context, write), left=0)
    lines = await unknown.tasks_since(context.api, (write.target or write.sent).path, write.since)
    result = PollResult(context, Task(""), vanished=True)
    findings = await _find(result, Parts(), None)
    lines += verification.describe_beginnings(result, findings)
    lines += reports.describe_found(result, Outcome.UNKNOWN, findings)
    hint = "\n".join([problem.hint, *lines]).strip()
    return OutcomeUnknown(problem.message, hint=hint, status=problem.status, debug_id=problem.debug_id)


def _context_of(context: WriteContext, write: RememberedWrite) -> WriteContext:
    """What is known of a write from its request: what it acts on, what it should make or change."""
    sent, row, deletes = write.sent, expectations.expectation(write.sent), write.sent.method == "DELETE"
    into = expectations.restored_into(sent)
    return replace(
        context, tool=sent.name, target=context.reader(into) if into else write.target, deletes=deletes, sent=sent,
        wanted={} if deletes else expectations.wanted(sent, row), expectation=row, since=write.since,
        before=write.before,
    )  # fmt: skip


async def _report(result: PollResult, location: str | None = None) -> TaskReport:
    """What a write comes to, with its parts and what it made or changed. `location`: of what an answer made."""
    if result.succeeded and _is_run(result):
        run = await runs.follow_run(result)
        findings = Findings(run.job, parts=run.parts)
        points = describe_points(run.points, result.context.api.now())
        return reports.report(result, runs.judge_run(result, run), findings, points)
    below, left = await _read_parts(result)
    result = replace(result, context=replace(result.context, left=left))
    findings = await _find(result, below, location)
    states, deletes = (findings.target.state, result.answer.state), result.context.deletes
    if approvals.PENDING in states and not findings.target.gone and (deletes or result.task.state != "FAILED"):
        path = result.context.target.path if result.context.target else ""
        lines = [reports.heading(result), *await approvals.describe_approval(result.context.api, path)]
        return TaskReport(result.task.id, Outcome.WAITING, tuple(lines), findings.target.body)
    verdict = verification.judge(result, findings)
    if verdict.outcome is Outcome.DIFFERS and not findings.members:
        sentences = await write_asked_names(result.context, result.context.wanted, verdict.sentences)
        verdict = replace(verdict, sentences=sentences)
    first_runs = await describe_first_runs(result.context, findings.made.resource, below)
    return reports.report(result, verdict, findings, first_runs)


def _is_run(result: PollResult) -> bool:
    """Whether a task is that of a job's run, which ends when the run is triggered."""
    tool, task = result.context.tool, result.task
    of_job = task.subject.rpartition("/")[0] == runs.JOBS
    return tool == "run_protection_job" or (not tool and of_job and _RUN.match(task.name) is not None)


async def _find(result: PollResult, below: Parts, location: str | None) -> Findings:
    """What there is after a write: what it made, its members, or its target."""
    context, task = result.context, result.task
    settled = result.succeeded or result.untracked or result.vanished or task.over
    if context.tool == group_restores.TOOL:
        target = await read_target(context)
        judged = result.succeeded or below.partly
        members = await group_restores.judge_members(context, target) if judged else None
        return Findings(target, parts=below, members=members)
    if context.expectation.makes and context.tool:
        made = await _find_made(result, location) if settled else Made()
        return Findings(made=replace(made, resource=await _with_vm(context, made.resource)), parts=below)
    target = await _with_vm(context, await _read_settled(result))
    made = await made_resources.find_named_by_task(context, task) if not context.tool and task.over else Made()
    return Findings(target, made, below)


async def _find_made(result: PollResult, location: str | None) -> Made:
    """What was made; looked for twice where the service says that it is there, since lists may lag behind."""
    context, body = result.context, result.answer.body
    made = await made_resources.find_made(context, result.task, body, location)
    if result.succeeded and not made.is_identified and not made.problem and context.left > 0:
        await context.api.sleep(min(1.0, context.left))
        made = await made_resources.find_made(context, result.task, body, location)
    return made


async def _read_settled(result: PollResult) -> ReadBack:
    """The target: of a success read once more where it lags behind; of a delete without a task until it is gone."""
    context = result.context
    if result.untracked and context.deletes and context.target is not None:

        async def look(_left: float) -> Look[ReadBack]:
            resource = await read_target(context)
            over = resource.gone or resource.state == approvals.PENDING
            return Look(resource, over, 0.0, "Waiting for the resource to go")

        return (await poll_until(context, look))[0]
    resource = await read_target(context)
    pending = approvals.PENDING in (resource.state, result.answer.state)
    if result.succeeded and context.left > 0 and not pending and _lags(context, resource):
        await context.api.sleep(min(1.0, context.left))
        resource = await read_target(context)
    return resource


def _lags(context: WriteContext, resource: ReadBack) -> bool:
    """Whether the resource does not show yet what a task that succeeded should have done to it."""
    if context.deletes:
        return not (resource.gone or resource.problem or resource.state in verification.DELETING)
    return bool(verification.compare(context, resource).different)


async def _with_vm(context: WriteContext, resource: ReadBack) -> ReadBack:
    """A resource beside the VM that it runs in, where a part of what was asked for is shown there."""
    identity = resource.item.get(context.expectation.beside) if context.expectation.beside else None
    if not isinstance(identity, str) or not task_model.is_id(identity):
        return resource
    vm = await read_back(context.api, context.reader(f"{group_restores.VMS}/{identity}"))
    return replace(resource, beside={"vm": vm.item}) if vm.item else resource


async def _read_parts(result: PollResult) -> tuple[Parts, float]:
    """The tasks below a task, waited for until they stand still; and the seconds left."""
    context, task = result.context, result.task
    if not task.id or task.children is False or not task.state or task.state in task_model.GOING:
        return Parts(), context.left
    if task.children is None and context.tool != group_restores.TOOL:  # it does not say: then one look
        below = await parts.read_parts(context.api, task.id)
        return (below if below.tasks else Parts()), context.left

    async def look(_left: float) -> Look[Parts]:
        below = await parts.read_parts(context.api, task.id)
        ended = sum(part.stands_still for part in below.tasks)
        over = task.state != "SUCCEEDED" or not below.running
        words = f"{ended} of {len(below.tasks)} parts have ended"
        return Look(below, over, 99.0 * ended / max(1, len(below.tasks)), words, task.interval)

    return await poll_until(context, look)
