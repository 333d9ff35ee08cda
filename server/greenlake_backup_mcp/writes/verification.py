"""What a task, its parts and the resource as read prove together: the outcome, why it is that, the next step.

Reads nothing and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units

from . import comparison, contradictions, evidence, task_model
from .comparison import Comparison
from .evidence import Parts
from .made_resources import Made
from .polling import PENDING, PollResult, WriteContext
from .read_back import ReadBack
from .task_model import Task

DELETING = ("DELETING", "DELETE_PENDING", "DELETED")
MOST_DIFFERENCES = 8
MOST_LABELS = 12
UNPROVEN = "but that is not proven"
NEVER_AGAIN = "Do not send the write again before that is known."


@dataclass(frozen=True)
class Verdict:
    """The outcome, the clause that the first line ends with, and the sentences that say why."""

    outcome: Outcome
    clause: str = ""
    sentences: tuple[str, ...] = ()


def judge_task(result: PollResult, resource: ReadBack, parts: Parts) -> Verdict:
    """What became of a task's write whose target (not what it made) reads as `resource`."""
    context, task = result.context, result.task
    why = [f"The service's reason: {task.why}."] if task.why else []
    # of a task that was only asked after, a delete is known by its name: the name alone proves no end
    if context.deletes and resource.gone and (context.tool or task.over):
        if task.state in ("FAILED", "CANCELLED"):
            said = f"The task says {task.state}, yet the resource is gone (read again: 404)."
            return _verdict(Outcome.UNKNOWN, said, *why)
        said = f"It is done: the resource is gone (read again: 404).{_other_word(result)}"
        return worst(_verdict(Outcome.DONE, said, *why), judge_parts(parts))
    if task.state == "SUCCEEDED":
        return worst(judge_success(context, resource), judge_parts(parts))
    if task.state in ("FAILED", "CANCELLED") and compare(context, resource).as_asked:
        return _verdict(
            Outcome.UNKNOWN, f"The task says {task.state}, yet the resource shows what was asked for.", *why
        )
    if task.state == "FAILED":
        last = [] if task.why or not task.last else [f"Its last message: {task.last}."]
        return _verdict(Outcome.FAILED, *(why or ["The service gave no reason."]), *last)
    if task.state == "CANCELLED":
        return _verdict(Outcome.FAILED, "Somebody cancelled it; a part may have been carried out.", *why)
    if task.state == "PAUSED":
        where = f": {task.console}" if task.console else ""
        return _verdict(Outcome.PAUSED, f"It goes on only when a person acts in the console{where}.", *why)
    return _unended(result, why)


def _unended(result: PollResult, why: list[str]) -> Verdict:
    """A task of which no end is known."""
    task = result.task
    if result.vanished:
        return _verdict(Outcome.UNKNOWN, "Outcome unknown: the task is not there any more (404).")
    if task.state == "TIMEDOUT":
        said = "Outcome unknown: the agent stopped reporting; the work may be done or still go on."
        return _verdict(Outcome.UNKNOWN, said, *why)
    if result.barred:
        return _verdict(Outcome.UNKNOWN, f"Outcome unknown: the task cannot be read. {result.trouble}")
    if task.over:
        said = f"Outcome unknown: it ended in the state {task.state}, which is not a described one."
        return _verdict(Outcome.UNKNOWN, said, *why)
    return _verdict(Outcome.RUNNING, *_still_running(result))


def judge_success(context: WriteContext, resource: ReadBack) -> Verdict:
    """What the service's word that it is done is worth: whether the resource agrees, leaf by leaf and in its states."""
    if context.deletes and resource.state in DELETING:
        return _verdict(Outcome.RUNNING, f"The resource is still being deleted (state {resource.state}).")
    if context.deletes and resource.item and context.tool:
        return _verdict(
            Outcome.UNKNOWN,
            f"Yet the resource is still there (state {resource.state or 'none'}): it is not proven deleted.",
            "A second person may have to approve it; list_approvals shows what waits.",
        )
    if resource.gone and context.tool:
        return _verdict(Outcome.UNKNOWN, "Yet the resource it acts on is not there any more (404).")
    if resource.gone:
        return _verdict(Outcome.DONE, "The resource it was about is not there any more (404).")
    if context.target is not None and not resource.item:
        why = f"the resource could not be read again ({resource.problem})"
        said = f"Outcome unknown: whether it is as asked is not known, for {why}."
        return Verdict(Outcome.UNKNOWN, UNPROVEN, (said,)) if context.tool else _verdict(Outcome.DONE, said)
    return judge_resource(context, resource)


def judge_resource(context: WriteContext, resource: ReadBack) -> Verdict:
    """A resource that was read: what was asked for against it, and what its states say."""
    found = compare(context, resource)
    sentences = [f"DIFFERS: {one}." for one in found.different[:MOST_DIFFERENCES]]
    if len(found.different) > MOST_DIFFERENCES:
        sentences.append(f"DIFFERS in {len(found.different) - MOST_DIFFERENCES} more.")
    if found.same:
        sentences.append(f"As asked: {_list(found.same)}.")
    unknown = [*found.unknown, *(one for one in context.expectation.unproven if one)]
    if unknown and context.tool:
        sentences.append(f"Cannot be told: {_list(tuple(unknown))}.")
    if found.different:
        verdict = Verdict(Outcome.DIFFERS, "but the result DIFFERS from what was asked for", tuple(sentences))
    else:
        verdict = Verdict(Outcome.DONE, "as asked" if found.same and context.tool else "", tuple(sentences))
    against = (
        contradictions.find_contradiction(resource.item, context.since, context.api.now(), context.expectation.proof)
        if context.expectation.states
        else None
    )
    if against is None:
        return verdict
    clause = "" if against.outcome is Outcome.RUNNING else "but its state contradicts that"
    return worst(verdict, Verdict(against.outcome, clause, (against.sentence,)))


def judge_made(context: WriteContext, made: Made) -> Verdict:
    """What was to be made: whether it is there, and as it was asked for."""
    if made.known:
        return judge_resource(context, made.resource)
    if made.candidates:
        said = f"Outcome unknown: {made.candidates} new ones are there, and which of them this call made is not known."
    elif made.problem:
        said = f"Outcome unknown: what it made could not be looked for ({made.problem})."
    else:
        said = "Outcome unknown: the service calls it done, yet nothing new was found that it could have made."
    return Verdict(Outcome.UNKNOWN, UNPROVEN, (said,))


def judge_parts(parts: Parts) -> Verdict:
    """The tasks below a task that calls itself done."""
    tasks = parts.tasks
    if parts.failed:
        whole = len(parts.failed) == len(tasks)
        count = f"all {len(tasks)}" if whole else f"{len(parts.failed)} of {len(tasks)}"
        clause = f"but {'' if whole else 'failed in part: '}{count} parts FAILED"
        return Verdict(Outcome.FAILED if whole else Outcome.PARTLY, clause)
    if parts.unknown:
        return Verdict(
            Outcome.UNKNOWN, UNPROVEN, (f"Outcome unknown: of {len(parts.unknown)} of its {len(tasks)} parts.",)
        )
    if parts.problem:
        return Verdict(Outcome.UNKNOWN, UNPROVEN, (f"Outcome unknown: its parts could not be read ({parts.problem}).",))
    if parts.running:
        return _verdict(Outcome.RUNNING, f"{len(parts.running)} of its {len(tasks)} parts have not ended.")
    return Verdict(Outcome.DONE)


_ORDER = (  # gravest first
    Outcome.FAILED, Outcome.PARTLY, Outcome.DIFFERS, Outcome.UNKNOWN, Outcome.PAUSED, Outcome.WAITING,
    Outcome.RUNNING, Outcome.TRIGGERED, Outcome.DONE,
)  # fmt: skip


def worst(*verdicts: Verdict) -> Verdict:
    """Verdicts about one write as one: the gravest outcome and clause, and all the sentences, gravest first."""
    ranked = sorted(verdicts, key=lambda v: _ORDER.index(v.outcome))
    clause = next((v.clause for v in ranked if v.clause and v.outcome is ranked[0].outcome), "")
    return Verdict(ranked[0].outcome, clause, tuple(s for v in ranked for s in v.sentences))


def _verdict(outcome: Outcome, *sentences: str) -> Verdict:
    return Verdict(outcome, "", sentences)


def _list(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
    return "; ".join(labels[:MOST_LABELS]) + more


def compare(context: WriteContext, resource: ReadBack) -> Comparison:
    """What was asked for against the resource as read."""
    if not resource.item or context.deletes:
        return Comparison()
    return comparison.compare(context.wanted, resource.item, context.expectation, context.since)


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


def _other_word(result: PollResult) -> str:
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


def not_yet_visible(context: WriteContext, resource: ReadBack) -> bool:
    """Whether the resource does not show yet what a task that succeeded should have done to it."""
    if context.deletes:
        return not (resource.gone or resource.problem or resource.state in (PENDING, *DELETING))
    return bool(compare(context, resource).different)


def matches_request(context: WriteContext, resource: ReadBack) -> bool:
    """Whether an update's fields can be compared, and all are as they were asked to be."""
    return compare(context, resource).as_asked


def describe_parts(parts: Parts) -> list[str]:
    """The tasks below a task: how many stand how, and those that did not succeed."""
    if not parts.tasks:
        return []
    rest = tuple(task for task in parts.tasks if task.state != "SUCCEEDED")
    return [f"Its parts: {evidence.count_states(parts.tasks)}.", *evidence.describe_tasks(rest)]
