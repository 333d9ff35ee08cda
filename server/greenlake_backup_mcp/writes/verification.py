"""What a task, its parts and the resource as read prove together: the outcome, why it is that, the next step.

Reads nothing and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from greenlake_backup_mcp.outcomes import Outcome

from . import also_changed, comparison, contradictions
from .comparison import Comparison
from .evidence import Parts
from .made_resources import Made
from .polling import PENDING, PollResult, WriteContext
from .read_back import ReadBack
from .task_sentences import contradicted_word, describe_unended

DELETING = ("DELETING", "DELETE_PENDING", "DELETED")
MOST_DIFFERENCES = 8
MOST_LABELS = 12
UNPROVEN = "but that is not proven"


@dataclass(frozen=True)
class Verdict:
    """The outcome, the clause that the first line ends with, and the sentences that say why."""

    outcome: Outcome
    clause: str = ""
    sentences: tuple[str, ...] = ()
    beside: str = ""  # what changed that nobody asked for, in a sentence: told however little is told


def judge_task(result: PollResult, resource: ReadBack, parts: Parts) -> Verdict:
    """What became of a task's write whose target (not what it made) reads as `resource`."""
    context, task = result.context, result.task
    why = [f"The service's reason: {task.why}."] if task.why else []
    # of a task that was only asked after, a delete is known by its name: the name alone proves no end
    if context.deletes and resource.gone and (context.tool or task.over):
        if task.state in ("FAILED", "CANCELLED"):
            sentence = f"The task says {task.state}, yet the resource is gone (read again: 404)."
            return _verdict(Outcome.UNKNOWN, sentence, *why)
        sentence = f"It is done: the resource is gone (read again: 404).{contradicted_word(result)}"
        return worst(_verdict(Outcome.DONE, sentence, *why), judge_parts(parts))
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
        sentence = "Outcome unknown: the agent stopped reporting; the work may be done or still go on."
        return _verdict(Outcome.UNKNOWN, sentence, *why)
    if result.barred:
        return _verdict(Outcome.UNKNOWN, f"Outcome unknown: the task cannot be read. {result.trouble}")
    if task.over:
        sentence = f"Outcome unknown: it ended in the state {task.state}, which is not a described one."
        return _verdict(Outcome.UNKNOWN, sentence, *why)
    return _verdict(Outcome.RUNNING, *describe_unended(result))


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
        sentence = f"Outcome unknown: whether it is as asked is not known, for {why}."
        return Verdict(Outcome.UNKNOWN, UNPROVEN, (sentence,)) if context.tool else _verdict(Outcome.DONE, sentence)
    return judge_resource(context, resource)


def judge_resource(context: WriteContext, resource: ReadBack) -> Verdict:
    """A resource that was read: what was asked for against it, and what its states say."""
    compared = compare(context, resource)
    sentences = [f"DIFFERS: {one}." for one in compared.different[:MOST_DIFFERENCES]]
    if len(compared.different) > MOST_DIFFERENCES:
        sentences.append(f"DIFFERS in {len(compared.different) - MOST_DIFFERENCES} more.")
    if compared.same:
        sentences.append(f"As asked: {_list(compared.same)}.")
    unknown = [*compared.unknown, *(one for one in context.expectation.unproven if one)]
    if unknown and context.tool:
        sentences.append(f"Cannot be told: {_list(tuple(unknown))}.")
    beside = _beside(context, resource)
    sentences += [beside] if beside else []
    if compared.different:
        clause = "but the result DIFFERS from what was asked for"
        verdict = Verdict(Outcome.DIFFERS, clause, tuple(sentences), beside)
    else:
        clause = "as asked; what else changed is named below" if beside else "as asked"
        clause = clause if compared.same and context.tool else ""
        verdict = Verdict(Outcome.DONE, clause, tuple(sentences), beside)
    against = (
        contradictions.find_contradiction(resource.item, context.since, context.api.now(), context.expectation.proof)
        if context.expectation.states
        else None
    )
    if against is None:
        return verdict
    clause = "" if against.outcome is Outcome.RUNNING else "but its state contradicts that"
    return worst(verdict, Verdict(against.outcome, clause, (against.sentence,)))


def _beside(context: WriteContext, resource: ReadBack) -> str:
    """What else changed of a resource that was updated, in a sentence; "" where nothing did or nobody can tell."""
    if not context.before:
        return ""
    clauses = also_changed.find_also_changed(context.before, resource.item, context.wanted, context.expectation)
    more = f"; and {len(clauses) - also_changed.MOST} more" if len(clauses) > also_changed.MOST else ""
    listed = "; ".join(clauses[: also_changed.MOST])
    return f"ALSO CHANGED, though nobody asked for it: {listed}{more}." if clauses else ""


def judge_made(context: WriteContext, made: Made) -> Verdict:
    """What was to be made: whether it is there, and as it was asked for."""
    if made.is_identified:
        return judge_resource(context, made.resource)
    if made.candidates:
        sentence = f"Outcome unknown: {made.candidates} new ones are there; which of them this call made is not known."
    elif made.problem:
        sentence = f"Outcome unknown: what it made could not be looked for ({made.problem})."
    else:
        sentence = "Outcome unknown: the service calls it done, yet nothing new was found that it could have made."
    return Verdict(Outcome.UNKNOWN, UNPROVEN, (sentence,))


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
    beside = next((v.beside for v in ranked if v.beside), "")
    return Verdict(ranked[0].outcome, clause, tuple(s for v in ranked for s in v.sentences), beside)


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


def not_yet_visible(context: WriteContext, resource: ReadBack) -> bool:
    """Whether the resource does not show yet what a task that succeeded should have done to it."""
    if context.deletes:
        return not (resource.gone or resource.problem or resource.state in (PENDING, *DELETING))
    return bool(compare(context, resource).different)


def matches_request(context: WriteContext, resource: ReadBack) -> bool:
    """Whether an update's fields can be compared, and all are as they were asked to be."""
    return compare(context, resource).as_asked
