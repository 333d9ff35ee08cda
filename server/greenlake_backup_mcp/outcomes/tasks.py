"""A write that was accepted is followed to its end: what became of the resource is the proof, not the task's word.

Knows how tasks are followed and judged; their fields are in task_facts.py, what hangs on them in aftermath.py.
Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import anyio

from greenlake_backup_mcp import hygiene, units
from greenlake_backup_mcp.composed import WAIT_FOR_TASK
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists import details
from greenlake_backup_mcp.service import rest
from greenlake_backup_mcp.service.rest import Api, Progress, Reply, Request

from . import aftermath, task_facts
from .aftermath import Seen
from .task_facts import Task

Outcome = Literal["succeeded", "failed", "unknown", "waiting for approval", "still running", "triggered", "paused"]

EARLY = (0.05, 0.5, 2.0)  # seconds until the first looks at a task; many writes end at once
INTERVAL = 10.0  # seconds between further looks, where the service suggests none
LEAST_READ = 10.0  # seconds that a read may take even where the wait is over
MISSING = 3  # looks in a row at which a task is not there before it counts as vanished: it may appear late
MOST_SHOWN = 12  # lines of the resource where the write is not (known to be) done
PENDING = "PENDING_DELETE_APPROVAL"
DELETING = ("DELETING", "DELETE_PENDING", "DELETED")
_RUN = re.compile(r"(?:run|trigger)\b", re.IGNORECASE)
_DELETE = re.compile(r"delet", re.IGNORECASE)
NEVER_AGAIN = "Do not send the write again before that is known."


@dataclass(frozen=True)
class TaskReport:
    """What became of a task: an outcome, lines for the model that end with the next step, and the resource as read."""

    id: str
    outcome: Outcome
    lines: tuple[str, ...]
    resource: Any = None


@dataclass(frozen=True)
class _Case:
    """One write being followed, or one task that somebody waits for (then `tool` is "")."""

    api: Api
    progress: Progress
    left: float  # seconds that may still be waited
    tool: str = ""
    target: Request | None = None
    deletes: bool = False


@dataclass(frozen=True)
class _Watched:
    """The last that was seen of a task, and what kept from seeing more."""

    case: _Case
    task: Task
    known: bool = False
    vanished: bool = False
    barred: bool = False  # we may not read it: waiting does not help
    trouble: str = ""


async def follow(  # noqa: PLR0913
    api: Api, reply: Reply, *, tool_name: str, target: Request | None, seconds: float, progress: Progress
) -> TaskReport:
    """What became of an accepted write, waited for at most `seconds`. Never raises for what the service answers."""
    case = _Case(api, progress, seconds, tool_name, target, tool_name.startswith("delete_"))
    path, problem = task_facts.located(reply.headers.get("location"), api.wire.line().base)
    if not path:
        return await _untold(case, problem)
    return await _report(await _watch(case, path))


async def wait(api: Api, task_id: str, seconds: float, progress: Progress) -> TaskReport:
    """What became of a task, waited for at most `seconds`; a BackupError where there is no such task."""
    if not task_facts.is_id(task_id):
        raise BackupError(f"taskId {hygiene.quoted(task_id, 60)} is no id of a task.", hint="list_tasks shows the ids.")
    watched = await _watch(_Case(api, progress, seconds), task_facts.path_of_id(task_id))
    if not watched.known:
        status = 404 if watched.vanished else None
        raise BackupError(
            f"Task {task_id} is not there." if watched.vanished else f"Task {task_id}: {watched.trouble}",
            hint="Tasks are kept for some time only. Read the resource itself; list_tasks shows the tasks there are."
            if watched.vanished
            else "Nothing is known of it now. Read the resource, or call wait_for_task again in a minute.",
            kind="service" if watched.vanished else "unreachable",
            status=status,
        )
    task = watched.task
    case = replace(watched.case, target=_subject(task), deletes=_DELETE.search(task.name) is not None)
    return await _report(replace(watched, case=case))


def _subject(task: Task) -> Request | None:
    return Request("", "GET", task.subject, reads=True) if task.subject else None


# --- watching ---------------------------------------------------------------------------------------------------------


async def _watch(case: _Case, path: str) -> _Watched:
    """Look at a task until it stands still, the resource shows the outcome, or the time is over."""
    task_id = path.rpartition("/")[2]
    seen = _Watched(case, Task(task_id))
    missing, furthest, pauses, left = 0, 0.0, iter(EARLY), case.left
    while True:
        began = time.monotonic()
        seen, missing = await _look(replace(seen, case=replace(case, left=left)), path, missing)
        if seen.task.stands_still or seen.vanished or seen.barred:
            break
        furthest = max(furthest, seen.task.percent or 0.0)
        await case.progress(
            furthest, 100.0, f"{seen.task.name or 'Task'}: {seen.task.state or 'accepted'} {furthest:.0f}%"
        )
        if case.deletes and (await _shows_the_end(case)):
            # the task may have ended between the two reads: its last word is told beside the proof
            seen, missing = await _look(replace(seen, case=replace(case, left=left)), path, missing)
            break
        left -= time.monotonic() - began
        if left <= 0:
            break
        pause = min(next(pauses, seen.task.interval or INTERVAL), left)
        await case.api.sleep(pause)
        left -= pause
    return replace(seen, case=replace(case, left=max(0.0, left)))


async def _look(seen: _Watched, path: str, missing: int) -> tuple[_Watched, int]:
    """One look at a task, and how many times in a row it was not there."""
    api, before = seen.case.api, seen.task
    with anyio.move_on_after(max(seen.case.left, LEAST_READ)):
        try:
            reply = await rest.send(api, Request("GetAsyncOperation", "GET", path, reads=True))
        except BackupError as error:
            if error.status == 404:
                # what was just accepted may appear late; what was there, or was asked for by id, is gone at once
                gone = seen.known or not seen.case.tool or missing + 1 >= MISSING
                return replace(seen, vanished=gone, trouble=error.message), missing + 1
            final = error.kind == "settings" or error.status in (400, 401, 403)
            return replace(seen, barred=final, trouble=error.message), 0
        return replace(seen, task=task_facts.read(reply.body, before.id), known=True, trouble=""), 0
    return replace(seen, trouble="The service did not answer in time."), 0


async def _shows_the_end(case: _Case) -> bool:
    """Whether the target of a delete is gone, or waits for a second person: then the task need not be waited for."""
    if case.target is None:
        return False
    seen = await aftermath.look(case.api, case.target, max(case.left, LEAST_READ))
    return seen.gone or seen.state == PENDING


# --- judging ----------------------------------------------------------------------------------------------------------


async def _untold(case: _Case, problem: str) -> TaskReport:
    """A 202 whose task is not known: the resource alone can tell."""
    seen, left = await _target(case), case.left
    for pause in (0.1, 0.5, 2.0, *[INTERVAL] * 400):
        if not case.deletes or case.target is None or seen.gone or seen.state == PENDING or left <= 0:
            break
        await case.api.sleep(min(pause, left))
        left -= pause
        seen = await _target(case)
    lines = [f"The service accepted it (HTTP 202), but {problem}."]
    if case.deletes and seen.gone:
        return TaskReport("", "succeeded", (*lines, "It is done: the resource is gone (read again: 404)."))
    if case.deletes and seen.state == PENDING:
        return await _approval(case, "", lines, seen)
    lines.append("Outcome unknown: it may be done, under way, or still fail.")
    lines += _shown(case, seen, MOST_SHOWN)
    where = f" filter=\"sourceResourceUri eq '{case.target.path}'\"" if case.target else ""
    lines.append(f'Next: list_tasks{where} sort="createdAt desc" limit=5 shows its task. {NEVER_AGAIN}')
    return TaskReport("", "unknown", tuple(lines), seen.body)


async def _report(watched: _Watched) -> TaskReport:
    case, task = watched.case, watched.task
    if task.state == "SUCCEEDED" and _RUN.match(case.tool.replace("_", " ") or task.name):
        return await _run(case, task)
    seen = await _target(case)
    if task.state == "SUCCEEDED" and case.deletes and case.left > 0 and not (seen.gone or seen.problem or _going(seen)):
        await case.api.sleep(min(1.0, case.left))  # the list of what is there may lag behind the task
        seen = await _target(case)
    if seen.state == PENDING and (case.deletes or task.state != "FAILED"):
        return await _approval(case, task.id, [_heading(watched)], seen)
    outcome, sentences = _verdict(watched, seen)
    lines = [_heading(watched), *sentences]
    if task.children and outcome in ("failed", "unknown", "still running"):
        lines += ["Its parts:", *aftermath.told(await aftermath.children(case.api, task.id))]
    if not (case.deletes and seen.gone):
        lines += _shown(case, seen, MOST_SHOWN if outcome != "succeeded" else None)
    lines += _next(case, task, outcome, seen)
    return TaskReport(task.id, outcome, tuple(lines), seen.body)


def _verdict(watched: _Watched, seen: Seen) -> tuple[Outcome, list[str]]:
    """The outcome, and the sentences that say why."""
    case, task = watched.case, watched.task
    told = [f"The service's reason: {task.why}."] if task.why else []
    if case.deletes and seen.gone:
        if task.state in ("FAILED", "CANCELLED"):
            return "unknown", [f"The task says {task.state}, yet the resource is gone (read again: 404).", *told]
        return "succeeded", [f"It is done: the resource is gone (read again: 404).{_although(watched)}", *told]
    if task.state == "SUCCEEDED":
        return _succeeded(case, seen)
    if task.state == "FAILED":
        last = [] if task.why or not task.last else [f"Its last message: {task.last}."]
        return "failed", [*(told or ["The service gave no reason."]), *last]
    if task.state == "CANCELLED":
        return "failed", ["Somebody cancelled it; a part may have been carried out.", *told]
    if task.state == "PAUSED":
        where = f": {task.console}" if task.console else ""
        return "paused", [f"It goes on only when a person acts in the console{where}.", *told]
    if watched.vanished:
        return "unknown", ["Outcome unknown: the task is not there any more (404)."]
    if task.state == "TIMEDOUT":
        return "unknown", ["Outcome unknown: the agent stopped reporting; the work may be done or still go on.", *told]
    if watched.barred:
        return "unknown", [f"Outcome unknown: the task cannot be read. {watched.trouble}"]
    if task.over:
        return "unknown", [f"Outcome unknown: it ended in the state {task.state}, which is not a described one.", *told]
    return "still running", _going_on(watched)


def _succeeded(case: _Case, seen: Seen) -> tuple[Outcome, list[str]]:
    """What a SUCCEEDED is worth: whether the resource agrees."""
    if case.deletes and seen.state in DELETING:
        return "still running", [f"The resource is still being deleted (state {seen.state})."]
    if case.deletes and seen.item and case.tool:
        return "unknown", [
            f"Yet the resource is still there (state {seen.state or 'not told'}): it is not proven deleted."
        ]
    if seen.gone and case.tool:
        return "unknown", ["Yet the resource it acts on is not there any more (404)."]
    if seen.gone:
        return "succeeded", ["The resource it was about is not there any more (404)."]
    if case.target is not None and not seen.item:
        return "succeeded", [f"That is the task's word: the resource could not be read again ({seen.problem})."]
    return "succeeded", []


def _going_on(watched: _Watched) -> list[str]:
    task = watched.task
    sentences = []
    if task.state and task.state not in task_facts.GOING:
        sentences.append(f"Its state {task.state} is not a described one: whether it ended is not known.")
    if task.minutes:
        sentences.append(f"The service expects it to take {units.plural(round(task.minutes), 'minute')} in all.")
    if task.last:
        sentences.append(f"Its last message: {task.last}.")
    if watched.trouble:
        sentences.append(f"It could not be read just now: {watched.trouble}")
    return sentences


def _heading(watched: _Watched) -> str:
    task = watched.task
    words = {"SUCCEEDED": "succeeded", "FAILED": "FAILED", "CANCELLED": "was CANCELLED", "TIMEDOUT": "TIMED OUT"}
    words |= {"PAUSED": "is PAUSED", "": "was accepted"}
    if watched.vanished:
        words = {"": words[""], task.state: f"was {task.state} when it was last seen"}
    how = words.get(task.state, f"is {task.state}" + (f", {task.percent:.0f} % done" if task.percent else ""))
    return f"Task {task.id}{f' ({task.name})' if task.name else ''} {how}."


def _although(watched: _Watched) -> str:
    if watched.vanished:
        return " The task itself is not there any more."
    state = watched.task.state
    return "" if state in ("SUCCEEDED", "") else f" The task still says {state}."


def _next(case: _Case, task: Task, outcome: Outcome, seen: Seen) -> list[str]:
    """The exact next call, where something is left to do."""
    again = f'wait_for_task taskId="{task.id}"'
    if outcome == "still running":
        return [f"Next: {again} goes on waiting. Do not send the write again."]
    if outcome == "paused":
        return [f"Tell the person; afterwards {again}. Do not send the write again."]
    if outcome == "unknown":
        return [f'Next: read the resource again in a few minutes (and get_task taskId="{task.id}"). {NEVER_AGAIN}']
    if outcome == "succeeded" and case.tool.startswith("create_"):
        noun = case.tool.removeprefix("create_")
        return [] if noun.endswith("_nic") else [f"Next: list_{units.plural(2, noun)[2:]} shows what was made."]
    return []


async def _target(case: _Case) -> Seen:
    """The resource, read again."""
    if case.target is None:
        return Seen()
    return await aftermath.look(case.api, case.target)


def _going(seen: Seen) -> bool:
    return seen.state in (PENDING, *DELETING)


def _shown(case: _Case, seen: Seen, most: int | None = None) -> list[str]:
    """The resource as it is now, in at most so many lines: the most important come first."""
    if case.target is None:
        return []
    if seen.gone:
        return ["The resource is not there (read again: 404)."]
    if not seen.item:
        return [f"The resource could not be read again: {seen.problem or 'the answer is none'}"]
    settings, now = case.api.settings, case.api.now()
    lines = details.told(case.target.operation_id, seen.body, now, reveal=settings.reveal_secrets)
    return ["The resource now (read again):", *lines[:most]]


# --- approvals and runs -----------------------------------------------------------------------------------------------


async def _approval(case: _Case, task_id: str, lines: list[str], seen: Seen) -> TaskReport:
    """A delete that a second person must approve: said so, and not waited for."""
    path = case.target.path if case.target else ""
    found = await aftermath.approval(case.api, path)
    lines = [*lines, f"Not done: a second person must approve the deletion first (state {PENDING}); nobody here can."]
    if found is None:
        lines.append("Its approval was not found; list_approvals shows those that wait.")
    else:
        identity = hygiene.cell(str(found.get("id")))
        by, at = hygiene.cell(str(found.get("requestedByEmail") or "this API client")), found.get("requestedAt")
        when = f" at {hygiene.cell(str(at))}" if at else ""
        lines.append(f"Approval {identity}, asked for by {by}{when}: in the console under dual authorization.")
        lines.append(f'Tell the person; get_approval approvalId="{identity}" shows what was decided.')
    return TaskReport(task_id, "waiting for approval", tuple(lines), seen.body)


async def _run(case: _Case, task: Task) -> TaskReport:
    """A run's task ends when the run is triggered: its parts are waited for, and the recovery points looked for."""
    left, pauses = case.left, iter(EARLY)
    while True:
        parts = await aftermath.children(case.api, task.id)
        if left <= 0 or (parts and all(part.stands_still for part in parts)):
            break
        if not parts and left < case.left - sum(EARLY):  # a service that names no children does not begin to
            break
        done = sum(part.over for part in parts)
        await case.progress(100.0, 100.0, f"Run triggered; {done} of {len(parts)} parts have ended")
        pause = min(next(pauses, task.interval or INTERVAL), left)
        await case.api.sleep(pause)
        left -= pause
    seen = await _target(case)
    points, how = await _points(case, task, seen)
    lines = [f"Task {task.id}{f' ({task.name})' if task.name else ''} succeeded: that is, the run was triggered."]
    if parts:
        lines += ["What it set going:", *aftermath.told(parts)]
    lines += ["Recovery points since:", *points] if points else ["No new recovery point is there yet."]
    outcome: Outcome = "triggered"
    if any(part.state in ("FAILED", "CANCELLED") for part in parts):
        outcome = "failed"
        lines.append("A part of the run failed: not every recovery point asked for was made.")
    elif any(part.stands_still and part.state != "SUCCEEDED" for part in parts):
        outcome = "unknown"
        lines.append("Of a part it is not known how it ended. Do not run it again before that is known.")
    elif parts and points and all(part.state == "SUCCEEDED" for part in parts):
        outcome = "succeeded"
    else:
        lines.append(f'Next: wait_for_task taskId="{task.id}" waits for the parts. Do not run it again meanwhile.')
    if how and outcome != "succeeded":
        lines.append(f"The newest recovery point: {how}.")
    return TaskReport(task.id, outcome, tuple(lines), seen.body)


async def _points(case: _Case, task: Task, seen: Seen) -> tuple[list[str], str]:
    """The recovery points since the run began, of the asset of its job."""
    job = seen.item if "assetInfo" in seen.item else {}
    asset = job.get("assetInfo")
    paths = [task_facts.path_of(asset.get("resourceUri"))] if isinstance(asset, dict) else []
    for path in (*paths, task.subject, *task.others):
        if path and path.rpartition("/")[0].rpartition("/")[2] in aftermath.LISTS:
            return await aftermath.new_points(case.api, path, task.begun or case.api.now())
    return [], ""


__all__ = ["WAIT_FOR_TASK", "Outcome", "TaskReport", "follow", "wait"]
