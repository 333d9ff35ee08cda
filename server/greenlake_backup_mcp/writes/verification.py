"""What a task and its resource, read again, prove together: the outcome, the sentences that say why, the next step.

Reads nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import masking, sanitize, units
from greenlake_backup_mcp.upstream.client import Request

from . import task_model
from .evidence import ReadBack
from .polling import PENDING, PollResult, WriteContext
from .task_model import Task

DELETING = ("DELETING", "DELETE_PENDING", "DELETED")
OPERATIONAL = {"suspend_protection_job": "SUSPENDED", "resume_protection_job": "ACTIVE"}  # state of the job afterwards
MEMBERS = ("assets", "members")  # lists that an update replaces whole
NEVER_AGAIN = "Do not send the write again before that is known."


def expected(sent: Request) -> Mapping[str, Any]:
    """What the target's fields must be once the write is done, as far as that is known."""
    given = sent.body if isinstance(sent.body, Mapping) else {}
    if sent.method in ("PATCH", "PUT"):
        return given
    if sent.name in OPERATIONAL and not given.get("scheduleIds"):  # of single schedules the job's state says little
        return {"operational": OPERATIONAL[sent.name]}
    enabled = given.get("enabled", given.get("remoteAccessEnabled"))
    if sent.name.endswith("_remote_support") and isinstance(enabled, bool):
        return {"remoteAccessEnabled": enabled}
    return {}


def verdict(result: PollResult, seen: ReadBack) -> tuple[Outcome, list[str]]:
    """The outcome, and the sentences that say why."""
    context, task = result.context, result.task
    told = [f"The service's reason: {task.why}."] if task.why else []
    # of a task that was only asked after, a delete is known by its name: the name alone proves no end
    if context.deletes and seen.gone and (context.tool or task.over):
        if task.state in ("FAILED", "CANCELLED"):
            return Outcome.UNKNOWN, [f"The task says {task.state}, yet the resource is gone (read again: 404).", *told]
        return Outcome.DONE, [f"It is done: the resource is gone (read again: 404).{_contradiction(result)}", *told]
    if task.state == "SUCCEEDED":
        return of_success(context, seen)
    if task.state in ("FAILED", "CANCELLED") and matches_request(context, seen):
        return Outcome.UNKNOWN, [f"The task says {task.state}, yet the resource shows what was asked for.", *told]
    if task.state == "FAILED":
        last = [] if task.why or not task.last else [f"Its last message: {task.last}."]
        return Outcome.FAILED, [*(told or ["The service gave no reason."]), *last]
    if task.state == "CANCELLED":
        return Outcome.FAILED, ["Somebody cancelled it; a part may have been carried out.", *told]
    if task.state == "PAUSED":
        where = f": {task.console}" if task.console else ""
        return Outcome.PAUSED, [f"It goes on only when a person acts in the console{where}.", *told]
    if result.vanished:
        return Outcome.UNKNOWN, ["Outcome unknown: the task is not there any more (404)."]
    if task.state == "TIMEDOUT":
        return Outcome.UNKNOWN, [
            "Outcome unknown: the agent stopped reporting; the work may be done or still go on.",
            *told,
        ]
    if result.barred:
        return Outcome.UNKNOWN, [f"Outcome unknown: the task cannot be read. {result.trouble}"]
    if task.over:
        return Outcome.UNKNOWN, [
            f"Outcome unknown: it ended in the state {task.state}, which is not a described one.",
            *told,
        ]
    return Outcome.RUNNING, _still_running(result)


def of_success(context: WriteContext, seen: ReadBack) -> tuple[Outcome, list[str]]:
    """What the service's word that it is done is worth: whether the resource agrees."""
    if context.deletes and seen.state in DELETING:
        return Outcome.RUNNING, [f"The resource is still being deleted (state {seen.state})."]
    if context.deletes and seen.item and context.tool:
        state = seen.state or "not told"
        return Outcome.UNKNOWN, [
            f"Yet the resource is still there (state {state}): it is not proven deleted.",
            "A second person may have to approve it; list_approvals shows what waits.",
        ]
    if seen.gone and context.tool:
        return Outcome.UNKNOWN, ["Yet the resource it acts on is not there any more (404)."]
    if seen.gone:
        return Outcome.DONE, ["The resource it was about is not there any more (404)."]
    if differing := differences(context, seen):
        return Outcome.UNKNOWN, [f"Yet the resource does not show it: {'; '.join(differing)}."]
    if context.target is not None and not seen.item:
        return Outcome.DONE, [f"That is the service's word: the resource could not be read again ({seen.problem})."]
    return Outcome.DONE, []


def _still_running(result: PollResult) -> list[str]:
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


def heading(result: PollResult) -> str:
    """The task, and how it stands, in one sentence."""
    task = result.task
    words = {"SUCCEEDED": "succeeded", "FAILED": "FAILED", "CANCELLED": "was CANCELLED", "TIMEDOUT": "TIMED OUT"}
    words |= {"PAUSED": "is PAUSED", "": "was accepted"}
    if result.vanished:
        words = {task.state: f"was {task.state} when it was last seen", "": words[""]}
    how = words.get(task.state, f"is {task.state}" + (f", {task.percent:.0f} % done" if task.percent else ""))
    return f"Task {task.id}{f' ({task.name})' if task.name else ''} {how}."


def _contradiction(result: PollResult) -> str:
    if result.vanished:
        return " The task itself is not there any more."
    state = result.task.state
    return "" if state in ("SUCCEEDED", "") else f" The task still says {state}."


def next_steps(context: WriteContext, task: Task, outcome: Outcome, seen: ReadBack) -> list[str]:
    """The exact next call, where something is left to do."""
    again = f'wait_for_task taskId="{task.id}"'
    if outcome == Outcome.RUNNING:
        return [f"Next: {again} goes on waiting. Do not send the write again."]
    if outcome == Outcome.PAUSED:
        return [f"Tell the person; afterwards {again}. Do not send the write again."]
    if outcome == Outcome.UNKNOWN:
        return [f'Next: read the resource again in a few minutes (and get_task taskId="{task.id}"). {NEVER_AGAIN}']
    if outcome == Outcome.FAILED:
        if task.state == "CANCELLED":
            return ["Next: ask the person who cancelled it and why, before sending the write again."]
        return ["Next: tell the person the reason. Send the write again only once that is removed."]
    if outcome == Outcome.DONE and context.tool.startswith("create_"):
        noun = context.tool.removeprefix("create_")
        return [] if noun.endswith("_nic") else [f"Next: list_{units.plural(2, noun)[2:]} shows what was made."]
    return []


def not_yet_visible(context: WriteContext, seen: ReadBack) -> bool:
    """Whether the resource does not show yet what a task that succeeded should have done to it."""
    if context.deletes:
        return not (seen.gone or seen.problem or seen.state in (PENDING, *DELETING))
    return bool(differences(context, seen))


def matches_request(context: WriteContext, seen: ReadBack) -> bool:
    """Whether an update's fields can be compared, and all are as they were asked to be."""
    return bool(_compared(context, seen)) and not differences(context, seen)


def differences(context: WriteContext, seen: ReadBack) -> list[str]:
    """What was asked for and the resource does not show, field by field."""
    out = []
    for name, asked in _compared(context, seen).items():
        is_now = seen.item[name]
        if name in MEMBERS:
            there, wanted = _keys(is_now, asked), _keys(asked, asked)
            out += [f"{name} still has {_plain(key)}" for key in sorted(there - wanted)][:3]
            out += [f"{name} has no {_plain(key)}" for key in sorted(wanted - there)][:3]
        elif not _same(is_now, asked):
            out.append(f"{name} is {_plain(is_now)}, asked for was {_plain(asked)}")
    return out


def _compared(context: WriteContext, seen: ReadBack) -> dict[str, Any]:
    """Of what was asked for, what the resource tells as plain values, or as members that are known by their ids."""
    return {
        name: asked
        for name, asked in context.wanted.items()
        if name in seen.item
        and not masking.is_secret(name)
        and (_listed(asked) and _listed(seen.item[name]) if name in MEMBERS else _is_plain(asked))
    }


def _is_plain(asked: Any) -> bool:
    return asked is None or isinstance(asked, (str, int, float))


def _listed(members: Any) -> bool:
    return isinstance(members, list) and all(isinstance(one, Mapping) for one in members)


def _keys(members: list[Mapping[str, Any]], asked: list[Mapping[str, Any]]) -> set[str]:
    """What the members are known by: whichever of id and URI those that were asked for are named by."""
    name = "resourceUri" if any(one.get("resourceUri") and not one.get("id") for one in asked) else "id"
    return {str(one.get(name) or "one that is not told").lower() for one in members}


def _same(is_now: Any, asked: Any) -> bool:
    if is_now == asked:
        return True
    moments = units.parse_time(is_now), units.parse_time(asked)
    # services keep as many digits of a second as they like
    return None not in moments and abs((moments[0] - moments[1]).total_seconds()) < 1  # type: ignore[operator]


def _plain(value: Any) -> str:
    return "empty" if value is None else sanitize.cell(str(value), 60)
