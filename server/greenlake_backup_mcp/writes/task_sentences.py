"""A task in sentences: how it stands, what its parts came to, and the next call where something is left to do."""

from __future__ import annotations

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units

from . import evidence, task_model
from .evidence import Parts
from .polling import PollResult, WriteContext
from .task_model import Task

NEVER_AGAIN = "Do not send the write again before that is known."


def heading(result: PollResult, clause: str = "") -> str:
    """The task and how it stands, in one sentence that ends with the clause about the whole."""
    task = result.task
    words = {"SUCCEEDED": "succeeded", "FAILED": "FAILED", "CANCELLED": "was CANCELLED", "TIMEDOUT": "TIMED OUT"}
    words |= {"PAUSED": "is PAUSED", "": "was accepted"}
    if result.vanished:
        words = {task.state: f"was {task.state} when it was last seen", "": words[""]}
    how = words.get(task.state, f"is {task.state}" + (f", {task.percent:.0f} % done" if task.percent else ""))
    tail = f", {clause}" if clause else ""
    return f"Task {task.id}{f' ({task.name})' if task.name else ''} {how}{tail}."


def describe_unended(result: PollResult) -> list[str]:
    """What a task that has not ended says of itself."""
    task = result.task
    sentences = []
    if task.state and task.state not in task_model.GOING:
        sentences.append(f"Its state {task.state} is not a described one: whether it ended is not known.")
    if task.minutes:
        sentences.append(f"The service expects it to take {units.plural(round(task.minutes), 'minute')} in all.")
    if task.last:
        sentences.append(f"Its last message: {task.last}.")
    if result.trouble:
        sentences.append(f"It could not be read just now: {result.trouble}")
    return sentences


def contradicted_word(result: PollResult) -> str:
    """What the task itself says, where a resource that is gone proves more than it."""
    if result.vanished:
        return " The task itself is not there any more."
    state = result.task.state
    return "" if state in ("SUCCEEDED", "") else f" The task still says {state}."


def next_steps(context: WriteContext, task: Task, outcome: Outcome) -> list[str]:
    """The exact next call, where something is left to do."""
    again = f'wait_for_task taskId="{task.id}"'
    if outcome is Outcome.RUNNING:
        if task.state == "SUCCEEDED" and not task.children:
            return ["Next: read the resource again in a minute. Do not send the write again."]
        return [f"Next: {again} goes on waiting. Do not send the write again."]
    if outcome is Outcome.PAUSED:
        return [f"Tell the person; afterwards {again}. Do not send the write again."]
    if outcome is Outcome.UNKNOWN:
        if context.expectation.makes and context.tool.startswith("create_"):
            listing = f"list_{units.plural(2, context.tool.removeprefix('create_'))[2:]}"
            return [f"Next: {listing} in a few minutes shows whether it is there. {NEVER_AGAIN}"]
        if context.expectation.proof and context.tool:
            return [f"Next: {context.expectation.proof}. {NEVER_AGAIN}"]
        look = f' (and get_task taskId="{task.id}")' if task.id else ""
        return [f"Next: read the resource again in a few minutes{look}. {NEVER_AGAIN}"]
    if outcome is Outcome.DIFFERS:
        return ["Next: tell the person what differs. Sending it again may make a second one or change nothing."]
    if outcome is Outcome.PARTLY:
        return ["Next: tell the person which parts failed and why. Sending it all again would repeat the rest too."]
    if outcome is Outcome.FAILED:
        if task.state == "CANCELLED":
            return ["Next: ask the person who cancelled it and why, before sending the write again."]
        return ["Next: tell the person the reason. Send the write again only once that is removed."]
    return []


def describe_parts(parts: Parts) -> list[str]:
    """The tasks below a task: how many stand how, and those that did not succeed."""
    if not parts.tasks:
        return []
    rest = tuple(task for task in parts.tasks if task.state != "SUCCEEDED")
    return [f"Its parts: {evidence.count_states(parts.tasks)}.", *evidence.describe_tasks(rest)]
