"""The person's own answer to a call whose code was given: asked through their client, in the preview's words.

Knows MCP's results; must know nothing of how an effect is found out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio
from mcp.types import ElicitResult

from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.client import ApiClient

from . import codes, elicitation, issued_codes, refusals
from .audit_log import Event
from .card_or_code import NOT_ANY_MORE, render_preview
from .codes import REMEMBERED_SECONDS, SLOT, CodeMatch
from .permits import NotPermitted
from .proposals import Caller, Consent, Evaluation, evaluate


def slots(caller: Caller, now: int) -> tuple[int, ...]:
    """The slots whose codes hold: this one, the last one, and that of a question which is being answered.

    The last is only a claim here, since a person may take longer than a code holds; `ask` then accepts the answer
    for nothing but the whole state, digest included.
    """
    who = caller.person
    if who is None or who.push is not None or who.answer is None:
        return now, now - 1
    claimed = (who.state or "").partition(".")[0]
    slot = int(claimed) if claimed.isascii() and claimed.isdigit() and len(claimed) < 12 else now
    return (now, now - 1, slot) if 1 < now - slot <= 1 + codes.LATE_SLOTS else (now, now - 1)


async def ask(
    consent: Consent, api: ApiClient, evaluation: Evaluation, match: CodeMatch, caller: Caller
) -> tuple[str, ...]:
    """Put the effect to the person, in the preview's words; notes on their yes. Raises NotPermitted for all else."""
    who = caller.person
    if who is None or caller.consented:
        reason = caller.consented or "by code; this server could not or should not ask the person"
        refusals.record(consent, "consent", evaluation, caller, reason)
        return ()
    # Described as of the start of the code's slot, so that a question asked twice reads the same.
    start = datetime.fromtimestamp(match.slot * SLOT, UTC)
    leaving = dict.fromkeys(evaluation.leaving, start)
    effect = await evaluation.proposal.describe(evaluation.subject, start, leaving)
    asked = [*effect.lines(), "", f"Let the assistant do this now ({evaluation.call.tool})?"]
    question = _Question(consent, evaluation, match, caller, sanitize.clean("\n".join(asked)))
    if who.push is not None:
        return await _ask_now(question, api, who.push)
    # `slot.digest` binds an answer to the code and to the very words of the question; then when it was asked.
    digest = codes.keyed_digest(consent.keys[0], "question", match.code, match.slot, caller.principal, question.text)
    state = f"{match.slot}.{digest}"
    bound, _, asked_at = (who.state or "").rpartition(".")
    if who.answer is None or who.state is None:
        question.record("question")
        raise NotPermitted(elicitation.returned_answer(question.text, f"{state}.{api.now().timestamp() * 1000:.0f}"))
    if bound != state:
        why = "What the person was asked is not what would happen now; ask them anew."
        raise NotPermitted(await render_preview(consent, api, evaluation, caller, why))
    seconds = api.now().timestamp() - int(asked_at) / 1000  # sealed, so it is what was sent
    return await _judge_answer(question, who.answer, seconds)


@dataclass(frozen=True)
class _Question:
    """A question to the person: about what, which code it would use up, whose client asks, and its text."""

    consent: Consent
    evaluation: Evaluation
    match: CodeMatch
    caller: Caller
    text: str

    def record(self, event: Event, reason: str = "") -> None:
        refusals.record(self.consent, event, self.evaluation, self.caller, reason, self.text)

    async def spend(self) -> None:
        """Use the code up: a no is not asked again."""
        with anyio.CancelScope(shield=True):
            await self.consent.store.use(self.match.code, REMEMBERED_SECONDS)


async def _ask_now(
    question: _Question, api: ApiClient, push: Callable[[str], Awaitable[ElicitResult]]
) -> tuple[str, ...]:
    question.record("question")
    evaluation, caller, asked = question.evaluation, question.caller, api.now()
    try:
        answer = await elicitation.push_question(push, question.text)
    except anyio.get_cancelled_exc_class():
        await question.spend()
        question.record("refusal", "the call ended while the person was asked")
        raise
    notes = await _judge_answer(question, answer, (api.now() - asked) / timedelta(seconds=1))
    others = await question.consent.store.reserved(api.now())  # people take their time
    again = await evaluate(evaluation.proposal, caller, api.now(), others)
    if again.call == evaluation.call and not again.statement.forbidden:
        return notes
    why = issued_codes.differs(evaluation.call, again.call, "while the person was asked")
    raise NotPermitted(await render_preview(question.consent, api, again, caller, why or NOT_ANY_MORE))


async def _judge_answer(question: _Question, answer: ElicitResult | str, seconds: float) -> tuple[str, ...]:
    """The notes on a yes; for all else NotPermitted, and the code is spent."""
    verdict = elicitation.judge(answer, seconds)
    if verdict.consented:
        question.record("consent", verdict.words)
        return verdict.notes
    await question.spend()
    proposal, subject = question.evaluation.proposal, question.evaluation.subject
    refusal = refusals.refuse(question.consent, proposal, question.caller, verdict.words, verdict.cure, subject)
    raise NotPermitted(refusal)
