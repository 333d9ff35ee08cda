"""What a task, its parts and the resource as read prove together: the outcome, and why it is that.

Reads nothing and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units

from . import also_changed, comparison, contradictions, task_model
from .comparison import Comparison
from .made_resources import Made, name_of
from .parts import Parts
from .polling import PollResult, WriteContext
from .read_back import ReadBack
from .task_model import Task
from .verdicts import Verdict, cannot_be_told, judge_parts, list_labels, unproven, worst

DELETING = ("DELETING", "DELETE_PENDING", "DELETED")
MOST_DIFFERENCES = 8
DONE_BEFORE_SEEN = "whether all of it is done is not known"


@dataclass(frozen=True)
class Findings:
    """What was read after a write: its target, what it made, the tasks below its own, a group's members as judged."""

    target: ReadBack = field(default_factory=ReadBack)
    made: Made = field(default_factory=Made)
    parts: Parts = field(default_factory=Parts)
    members: Verdict | None = None


def judge(result: PollResult, findings: Findings) -> Verdict:
    """What became of a write."""
    context, task = result.context, result.task
    # of a task that was only asked after, a delete is known by its name: the name alone proves no end
    if context.deletes and findings.target.gone and (context.tool or task.over):
        return worst(_judge_deleted(result), judge_parts(findings.parts))
    if result.succeeded:
        return worst(
            judge_parts(findings.parts), _judge_success(result, findings), _judge_word(context, task, findings.parts)
        )
    if task.state in ("FAILED", "CANCELLED"):
        return _judge_failed(result, findings)
    if task.state == "PAUSED":
        where = f": {task.console}" if task.console else ""
        sentence = f"It goes on only when a person acts in the console{where}."
        return Verdict(Outcome.PAUSED, "", (sentence, *_reason(task)))
    return _judge_unended(result, findings)


def _judge_success(result: PollResult, findings: Findings) -> Verdict:
    """What the service's word that it is done is worth: whether what it made or changed agrees."""
    context = result.context
    if findings.members is not None:
        verdict = findings.members
    elif context.expectation.makes and context.tool:
        verdict = judge_made(context, findings.made)
    else:
        verdict = _judge_target(result, findings.target)
    if not result.at_once or verdict.outcome is not Outcome.DONE or context.wanted or context.deletes:
        return verdict
    # neither a task, nor the answer, nor the resource shows it
    what = "its answer holds nothing of it" if context.expectation.answers else "it named no task, and nothing shows it"
    return unproven(f"the service calls it done, but {what}", *verdict.sentences)


def _reason(task: Task) -> list[str]:
    return [f"The service's reason: {task.why}."] if task.why else []


def _judge_deleted(result: PollResult) -> Verdict:
    """A delete whose target is gone, whatever its task says."""
    context, task = result.context, result.task
    what = name_of(context.target.path, context.before) if context.target and context.before else ""
    name = f" It was the {what}." if what else ""
    if task.state in ("FAILED", "CANCELLED"):
        sentence = f"The task says {task.state}, yet the resource is gone (read again: 404).{name}"
        return Verdict(Outcome.UNKNOWN, "", (sentence, *_reason(task)))
    word = f" The task still says {task.state}." if task.state not in ("SUCCEEDED", "") else ""
    if result.vanished:
        word = " The task itself is not there any more."
    sentence = f"It is done: the resource is gone (read again: 404).{word}{name}"
    return Verdict(Outcome.DONE, "", (sentence, *cannot_be_told(context.expectation.unproven), *_reason(task)))


def _judge_word(context: WriteContext, task: Task, parts: Parts) -> Verdict:
    """What a task that succeeded says beside that: an error, a bad health, a message that is its result."""
    if task.why:
        sentence = f"Outcome unknown: the task itself holds an error: {task.why}."
        return Verdict(Outcome.UNKNOWN, "but an error in it contradicts that", (sentence,))
    last = f" Its last message: {task.last}." if task.last else ""
    if task.health in ("ERROR", "WARNING") and not parts.failed:  # of which those that failed are told by name
        sentence = f"Outcome unknown: the health of the task is {task.health}.{last}"
        return Verdict(Outcome.UNKNOWN, "but its health contradicts that", (sentence,))
    if not context.tool:
        return Verdict(Outcome.DONE, "", ("What was asked for is not known here: only states were looked at.",))
    return Verdict(Outcome.DONE, "", (last.strip(),) if last and context.expectation.examines else ())


def _judge_failed(result: PollResult, findings: Findings) -> Verdict:
    """A task that failed: in whole or in part, or though what was asked for is there."""
    task, why = result.task, _reason(result.task)
    if findings.parts.partly or findings.members is not None:
        verdicts = [judge_parts(findings.parts), findings.members or Verdict(Outcome.DONE)]
        graver = worst(*(v for v in verdicts if v.outcome is not Outcome.DONE), Verdict(Outcome.PARTLY))
        return replace(graver, sentences=(*why, *(s for v in verdicts for s in v.sentences)))
    if there := _what_is_there(result.context, findings):
        return Verdict(Outcome.UNKNOWN, "", (f"The task says {task.state}, yet {there[0]}", *why, *there[1:]))
    if task.state == "CANCELLED":
        return Verdict(Outcome.FAILED, "", ("Somebody cancelled it; a part may have been carried out.", *why))
    last = [f"Its last message: {task.last}."] if task.last and not why else []
    return Verdict(Outcome.FAILED, "", (*(why or ["The service gave no reason."]), *last))


def _judge_unended(result: PollResult, findings: Findings) -> Verdict:
    """A task of which no end is known: why that is, or what it says of itself."""
    task = result.task
    unknown = (
        (result.untracked, "it may be done, under way, or still fail."),
        (result.vanished, "the task is not there any more (404)."),
        (task.state == "TIMEDOUT", "the agent stopped reporting; the work may be done or still go on."),
        (result.barred, f"the task cannot be read. {result.trouble}"),
        (task.over, f"it ended in the state {task.state}, which is not a described one."),
    )
    there = describe_beginnings(result, findings)
    if why := next((words for holds, words in unknown if holds), ""):
        return Verdict(Outcome.UNKNOWN, "", (f"Outcome unknown: {why}", *_reason(task), *there))
    minutes = units.plural(round(task.minutes or 0), "minute")
    sentences = (
        (task.state and task.state not in task_model.GOING,
         f"Its state {task.state} is not a described one: whether it ended is not known."),
        (task.minutes, f"The service expects it to take {minutes} in all."),
        (task.last, f"Its last message: {task.last}."),
        (result.trouble, f"It could not be read just now: {result.trouble}"),
    )  # fmt: skip
    return Verdict(Outcome.RUNNING, "", (*(words for holds, words in sentences if holds), *there))


def describe_beginnings(result: PollResult, findings: Findings) -> list[str]:
    """What there is of a write that nobody called done."""
    there = _what_is_there(result.context, findings)
    return [f"{there[0][0].upper()}{there[0][1:]}", *there[1:]] if there else []


def _what_is_there(context: WriteContext, findings: Findings) -> list[str]:
    """What a write came to of which the service does not say that it is done, in sentences; the first begins small."""
    made = findings.made
    if made.is_identified and context.tool:
        first = f"what it was to make is there: {made.name}; {DONE_BEFORE_SEEN}."
        return [first, *judge_resource(context, made.resource).sentences]
    if made.candidates:
        return [f"new ones are there, of which one may be its own: {list_labels(made.names)}."]
    if context.deletes:
        return ["the resource is gone (read again: 404)."] if findings.target.gone else []
    if context.tool and findings.target.gone and context.before and _ends_at_once(context):
        return ["the resource is gone (read again: 404), as its expiry was to be in the past."]
    if context.tool and not context.expectation.makes and compare(context, findings.target).as_asked:
        return [f"the resource shows what was asked for; {DONE_BEFORE_SEEN}."]
    return []


def _ends_at_once(context: WriteContext) -> bool:
    """Whether a write puts the expiry of its target into the past."""
    expiry = units.parse_time(context.wanted.get("expiresAt"))
    return expiry is not None and expiry <= context.api.now()


def _judge_target(result: PollResult, resource: ReadBack) -> Verdict:
    """The resource that a write acts on, as it should be or gone: whether it agrees with the word that all is done."""
    context = result.context
    if context.deletes and resource.state in DELETING:
        return Verdict(Outcome.RUNNING, "", (f"The resource is still being deleted (state {resource.state}).",))
    if context.deletes and resource.item and context.tool:
        sentence = f"Yet the resource is still there (state {resource.state or 'none'}): it is not proven deleted."
        approval = "A second person may have to approve it; list_approvals shows what waits."
        return Verdict(Outcome.UNKNOWN, "", (sentence, approval))
    if resource.gone and not context.tool:
        return Verdict(Outcome.DONE, "", ("The resource it was about is not there any more (404).",))
    if resource.gone and _ends_at_once(context):
        sentence = "The resource is gone (read again: 404): its expiry was put into the past, and it was removed."
        return Verdict(Outcome.DONE, "as asked", (sentence,))
    if resource.gone:
        return Verdict(Outcome.UNKNOWN, "", ("Yet the resource it acts on is not there any more (404).",))
    if context.target is None or resource.item:
        return judge_resource(context, resource)
    why = f"the resource could not be read again ({resource.problem})"
    verdict = unproven(f"whether it is as asked is not known, for {why}")
    if not context.tool:
        return Verdict(Outcome.DONE, "", verdict.sentences)
    if other := compare(context, result.answer).different:
        sentence = f"Its answer does not show it: DIFFERS: {'; '.join(other)}."
        return Verdict(Outcome.DIFFERS, "", (*verdict.sentences, sentence))
    return verdict


def judge_resource(context: WriteContext, resource: ReadBack) -> Verdict:
    """A resource that was read: what was asked for against it, and what its states say."""
    compared, row = compare(context, resource), context.expectation
    sentences = [f"DIFFERS: {one}." for one in compared.different[:MOST_DIFFERENCES]]
    if (more := len(compared.different) - MOST_DIFFERENCES) > 0:
        sentences.append(f"DIFFERS in {more} more.")
    sentences += [f"As asked: {list_labels(compared.same)}."] if compared.same else []
    sentences += cannot_be_told([*compared.unknown, *row.unproven]) if context.tool else []
    beside = also_changed.describe_also_changed(context.before, resource.item, context.wanted, row)
    sentences += [beside] if beside else []
    clause = ""
    if compared.different:
        clause = "but the result DIFFERS from what was asked for"
    elif compared.same and context.tool:
        clause = "as asked; what else changed is named below" if beside else "as asked"
    outcome = Outcome.DIFFERS if compared.different else Outcome.DONE
    verdict = Verdict(outcome, clause, tuple(sentences), beside)
    if not (row.states or context.before):
        return verdict
    before = None if row.states else context.before  # what was bad before does not speak against this change
    now = context.api.now()
    against = contradictions.find_contradiction(resource.item, context.since, now, row.proof, before)
    if against is None:
        return verdict
    clause = "" if against.outcome is Outcome.RUNNING else "but its state contradicts that"
    return worst(verdict, Verdict(against.outcome, clause, (against.sentence,)))


def judge_made(context: WriteContext, made: Made) -> Verdict:
    """What was to be made: whether it is there, and as it was asked for."""
    if made.is_identified:
        return judge_resource(context, made.resource)
    if made.candidates:
        which = "and which of them this call made is not known"
        return unproven(f"{len(made.candidates)} new ones are there, {which}: {list_labels(made.names)}")
    if made.problem:
        where = f". The service names it: {made.path}" if made.path else ""
        return unproven(f"what it made could not be looked for ({made.problem}){where}")
    return unproven("the service calls it done, yet nothing new was found that it could have made")


def compare(context: WriteContext, resource: ReadBack) -> Comparison:
    """What was asked for against the resource as read."""
    if not resource.item or context.deletes:
        return Comparison()
    item = {**resource.item, **resource.beside}
    return comparison.compare(context.wanted, item, context.expectation, context.since)
