"""What is reported of a write: its outcome in the first line, why, what was made or changed, within a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units

from . import expectations
from . import parts as parts_of
from .embedded_errors import EmbeddedError
from .polling import PollResult, WriteContext
from .verdicts import Verdict
from .verification import Findings

MOST_SHOWN = 14  # lines of a resource after a write
RESTORED = 5  # lines of what was overwritten: it is known, and its content cannot be read
MOST_BYTES = 4_300  # 1,500 tokens of three bytes, less what results add
NEXT = {
    Outcome.DIFFERS: "what differs. Sending it again may make a second one or change nothing.",
    Outcome.PARTLY: "which parts failed and why. Sending it all again would repeat the rest too.",
    Outcome.FAILED: "the reason. Send the write again only once that is removed.",
}
NEVER_AGAIN = "Do not send the write again before that is known."


@dataclass(frozen=True)
class TaskReport:
    """What became of a write: an outcome, lines for the model that end with the next step, and the resource as read.

    The first line says the outcome with the task and, where one was made, the thing with its name and id.
    """

    id: str
    outcome: Outcome
    lines: tuple[str, ...]
    resource: Any = None
    beside: str = ""  # of the lines, the one that names what changed beside what was asked for


def report(result: PollResult, verdict: Verdict, findings: Findings, set_going: Sequence[str] = ()) -> TaskReport:
    """The whole in the first line, then why, then the parts, then what is there, then what to do next.

    `set_going`: what the write began beside what it made: first runs with their tasks, recovery points of a run.
    """
    made = findings.made.name if result.succeeded else ""  # else it is named where it is said to be there all the same
    clause = f"{verdict.clause}: {made}" if verdict.clause and made else verdict.clause or (made and f"it made {made}")
    parts = [] if set_going and findings.made.is_identified else _describe_parts(findings, verdict.outcome)
    first = [heading(result, clause, verdict.outcome), *verdict.sentences]
    rows = [*describe_found(result, verdict.outcome, findings), *set_going]
    end = _next_steps(result, verdict.outcome, findings)
    body = findings.made.resource.body if findings.made.is_identified else findings.target.body
    return TaskReport(result.task.id, verdict.outcome, fit(first, parts, rows, end=end), body, verdict.beside)


def heading(result: PollResult, clause: str = "", outcome: Outcome = Outcome.UNKNOWN) -> str:
    """The task, or the answer, and how it stands, in one sentence that ends with the clause about the whole."""
    task, tail = result.task, f", {clause}" if clause else ""
    if result.at_once and outcome is Outcome.DONE:
        return f"Done{tail}: {result.title} (HTTP {result.status})."
    if result.status:
        named = f", but {result.trouble}" if result.untracked else ""
        return f"{result.title}: the service accepted it (HTTP {result.status}){named}{tail}."
    words = {"SUCCEEDED": "succeeded", "FAILED": "FAILED", "CANCELLED": "was CANCELLED", "TIMEDOUT": "TIMED OUT"}
    words |= {"PAUSED": "is PAUSED", "": "was accepted"}
    if result.vanished:
        words = {task.state: f"was {task.state} when it was last seen", "": words[""]}
    how = words.get(task.state, f"is {task.state}" + (f", {task.percent:.0f} % done" if task.percent else ""))
    tail = tail if result.succeeded else tail.replace(", but ", ", ")
    return f"Task {task.id}{f' ({task.name})' if task.name else ''} {how}{tail}."


def report_embedded(title: str, status: int, error: EmbeddedError) -> TaskReport:
    """A success that holds an error: the whole, or so many of its parts, failed."""
    if error.parts and error.partly:
        outcome = Outcome.PARTLY
        first = f"{title}: failed in part: {error.failed} of {error.parts} parts FAILED (HTTP {status})."
    else:
        outcome = Outcome.FAILED
        first = f"{title}: FAILED: the answer (HTTP {status}) holds an error."
    why = [f"The service's reason: {reason}." for reason in error.reasons]
    next_ = f"Next: tell the person the reason, and read the resource: a part may have been done. {NEVER_AGAIN}"
    return TaskReport("", outcome, (first, *why, next_))


def fit(first: Sequence[str], *others: Sequence[str], end: Sequence[str]) -> tuple[str, ...]:
    """All lines within the bound: the first and the last ones whole, of the others as many as there is room for."""
    room = MOST_BYTES - sum(len(line.encode()) + 1 for line in (*first, *end))
    lines = list(first)
    for number, line in enumerate(rest := [line for part in others for line in part]):
        room -= len(line.encode()) + 1
        if room < 0:
            lines.append(f"({len(rest) - number} more lines were left out: read the resource for them.)")
            break
        lines.append(line)
    return (*lines, *end)


def _describe_parts(findings: Findings, outcome: Outcome) -> list[str]:
    """The tasks below a task: how many stand how, and those that did not succeed."""
    tasks = findings.parts.tasks
    if outcome is Outcome.DONE:
        return [f"All of its {len(tasks)} parts succeeded."] if len(tasks) > 1 else []
    rest = tuple(task for task in tasks if task.state != "SUCCEEDED")
    return [f"Its parts: {parts_of.count_states(tasks)}.", *parts_of.describe_tasks(rest)] if tasks else []


def describe_found(result: PollResult, outcome: Outcome, findings: Findings) -> list[str]:
    """What was made, as the lists word it; or the resource after a change, of what was overwritten the beginning."""
    context, made, target = result.context, findings.made, findings.target
    if made.is_identified:
        kind = context.reader(made.path).operation_id
        return ["What was made:", *_beginning(context, kind, made.resource.body, MOST_SHOWN)]
    row = context.expectation
    beside = row.restores and expectations.body_of(context.sent).get("restoreType") == "ALTERNATE"
    source = beside and not expectations.restored_into(context.sent)
    run = context.tool == "run_protection_job" and result.succeeded
    unchanged = run or row.answers or (row.examines and outcome is Outcome.DONE)
    if context.target is None or source or unchanged:
        return []
    if target.gone:
        return [] if context.deletes else ["The resource is not there (read again: 404)."]
    if not target.item:  # of a success that is said above
        why = f"The resource could not be read again: {target.problem or 'the answer is none'}"
        return [] if result.succeeded else [why]
    most = RESTORED if row.restores or not context.tool else MOST_SHOWN
    return ["The resource now (read again):", *_beginning(context, context.target.operation_id, target.body, most)]


def _beginning(context: WriteContext, kind: str, body: Any, most: int) -> list[str]:
    """The first lines of a resource, the most important, and that there are more."""
    lines = details.render_details(kind, body, context.api.now(), reveal=context.api.settings.reveal_secrets)
    if len(lines) <= most:
        return lines
    first = lines[: most - 1] if lines[most - 1].endswith(":") else lines[:most]  # a heading alone says nothing
    return [*first, "(More is left out: read the resource for all of it.)"]


def _next_steps(result: PollResult, outcome: Outcome, findings: Findings) -> list[str]:
    """The exact next call, where something is left to do."""
    task = result.task
    if outcome is Outcome.TRIGGERED and task.id:
        return [f'Next: wait_for_task taskId="{task.id}" waits for the parts. Do not run it again meanwhile.']
    if outcome in (Outcome.RUNNING, Outcome.TRIGGERED):
        if not task.id or (task.state == "SUCCEEDED" and not findings.parts.running):
            return ["Next: read the resource again in a minute. Do not send the write again."]
        return [f'Next: wait_for_task taskId="{task.id}" goes on waiting. Do not send the write again.']
    if outcome is Outcome.PAUSED:
        return [f'Tell the person; afterwards wait_for_task taskId="{task.id}". Do not send the write again.']
    if outcome is Outcome.UNKNOWN:
        return [f"Next: {_proof(result, findings)}. {NEVER_AGAIN}"]
    if outcome is Outcome.FAILED and task.state == "CANCELLED":
        return ["Next: ask the person who cancelled it and why, before sending the write again."]
    return [f"Next: tell the person {NEXT[outcome]}"] if outcome in NEXT else []


def _proof(result: PollResult, findings: Findings) -> str:
    """What would tell of an unknown outcome."""
    context, task = result.context, result.task
    if result.untracked:
        where = f" filter=\"sourceResourceUri eq '{context.target.path}'\"" if context.target else ""
        return f'list_tasks{where} sort="createdAt desc" limit=5 shows its task'
    if context.tool == "run_protection_job":
        return "get_protection_job shows its last runs"
    if context.expectation.proof and context.tool and (findings.target.item or findings.made.is_identified):
        return context.expectation.proof
    if context.expectation.makes and context.tool.startswith("create_") and not findings.made.is_identified:
        listing = f"list_{units.plural(2, context.tool.removeprefix('create_'))[2:]}"
        return f"{listing} in a few minutes shows whether it is there"
    look = f' (and get_task taskId="{task.id}")' if task.id else ""
    return f"read {'what was made' if findings.made.is_identified else 'the resource'} again in a few minutes{look}"
