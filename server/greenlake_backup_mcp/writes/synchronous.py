"""A write that the service calls done at once: whether what it made or changed, read again, agrees.

Knows the same proofs as for tasks (verification.py). Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.upstream.client import Response

from . import evidence, follow, reports, task_sentences, verification
from .embedded_errors import EmbeddedError
from .evidence import Parts
from .first_runs import describe_first_runs
from .follow import Follower
from .made_resources import find_made
from .polling import PENDING, WriteContext, read_target
from .read_back import ReadBack
from .remembered import RememberedWrite
from .reports import TaskReport
from .task_model import Task
from .task_sentences import NEVER_AGAIN
from .verification import Verdict


async def verify(follower: Follower, reply: Response, write: RememberedWrite, title: str) -> TaskReport:
    """What became of a write that was answered with a 2xx other than 202. Never raises for what the service answers."""
    write = replace(write, since=evidence.date_of(reply) or write.since)
    context, target = follow.write_context(follower, write), write.target
    if context.expectation.makes:
        return await _verify_made(context, reply, title)
    if target is None:
        return TaskReport("", Outcome.DONE, (_report(title, reply, ""),), reply.body)
    answer = ReadBack(reply.body)  # what the answer itself says
    resource, left = await read_target(context), context.left
    if left > 0 and PENDING not in (resource.state, answer.state) and verification.not_yet_visible(context, resource):
        await context.api.sleep(min(1.0, left))  # what is read may lag behind what was written
        resource = await read_target(context)
    accepted = f"{title}: the service accepted it (HTTP {reply.status})."
    if context.deletes and resource.gone:
        line = f"{_report(title, reply, '')} It is gone (read again: 404)."
        return TaskReport("", Outcome.DONE, (line,), answer.body)
    if context.deletes and PENDING in (resource.state, answer.state):
        return await reports.report_approval(context, "", [accepted], resource)
    verdict = verification.judge_success(context, resource)
    if not resource.item and (other := verification.compare(context, answer).different):
        sentence = f"Its answer does not show it: DIFFERS: {'; '.join(other)}."
        verdict = Verdict(Outcome.DIFFERS, "", (*verdict.sentences, sentence))
    visible = resource if resource.item or resource.gone or not isinstance(answer.body, Mapping) else answer
    first = [_first(title, reply, verdict, accepted), *verdict.sentences]
    rows = reports.describe_resource(context, visible, reports.MOST_SHOWN)
    lines = reports.fit(first, rows, end=_next(context, verdict))
    return TaskReport("", verdict.outcome, lines, resource.body, verdict.beside)


async def _verify_made(context: WriteContext, reply: Response, title: str) -> TaskReport:
    """A create: what it made is found and read; its own answer is a word, not the proof."""
    made = await find_made(context, None, reply.body, reply.headers.get("location"))
    verdict = verification.judge_made(context, made)
    accepted = f"{title}: the service accepted it (HTTP {reply.status})."
    first = [_first(title, reply, verdict, accepted, reports.name_made(made)), *verdict.sentences]
    rows = [*reports.describe_made(context, made), *await describe_first_runs(context, made.resource, Parts())]
    lines = reports.fit(first, rows, end=_next(context, verdict))
    return TaskReport("", verdict.outcome, lines, made.resource.body)


def report_embedded(title: str, status: int, error: EmbeddedError) -> TaskReport:
    """A success that holds an error: the whole, or so many of its parts, failed."""
    if error.parts and error.partly:
        count = f"{error.failed} of {error.parts}"
        first = f"{title}: failed in part: {count} parts FAILED (HTTP {status})."
        outcome = Outcome.PARTLY
    else:
        first = f"{title}: FAILED: the answer (HTTP {status}) holds an error."
        outcome = Outcome.FAILED
    why = [f"The service's reason: {reason}." for reason in error.reasons]
    next_ = f"Next: tell the person the reason, and read the resource: a part may have been done. {NEVER_AGAIN}"
    return TaskReport("", outcome, (first, *why, next_))


def _first(title: str, reply: Response, verdict: Verdict, accepted: str, made: str = "") -> str:
    """The outcome in one line, with what was made."""
    clause = ": ".join(one for one in (verdict.clause, made) if one)
    if verdict.outcome is Outcome.DONE:
        return _report(title, reply, clause)
    return f"{accepted[:-1]}, {clause}." if clause else accepted


def _report(title: str, reply: Response, clause: str) -> str:
    return f"Done{f', {clause}' if clause else ''}: {title} (HTTP {reply.status})."


def _next(context: WriteContext, verdict: Verdict) -> list[str]:
    if verdict.outcome is Outcome.UNKNOWN and not context.expectation.makes and not context.expectation.proof:
        return [f"Next: read the resource again in a few minutes. {NEVER_AGAIN}"]
    return task_sentences.next_steps(context, Task("", state="SUCCEEDED"), verdict.outcome)
