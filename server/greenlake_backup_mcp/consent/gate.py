"""Consent to exactly one thing: preview, code, the person's answer; only then may a gated call go out.

`gate` is the whole of it for one call, `settle` the same for any proposal (run_plan's list is one). Knows MCP's
results, and how targets and effects are read; must know nothing of how requests are built or sent.

Be frank: a code relayed by a model is a seat belt. `--read-only` and a read-only API client are the wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.request_state import authenticated_principal
from mcp.types import CallToolRequestParams, CallToolResult, ElicitResult, InputRequiredResult

from greenlake_backup_mcp.previews import recovery_points
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.previews.reads import Target
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools import id_sources
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from greenlake_backup_mcp.upstream.progress import Progress

from . import audit_entries, codes, elicitation, issued_codes
from .codes import SLOT, Match
from .proposals import NOBODY, Caller, Consent, Evaluation, PendingDeletion, Proposal, evaluate

PREVIEW = "preview"
REMEMBERED_SECONDS = (2 + codes.LATE_SLOTS + 1) * SLOT  # a used code is remembered until no way is left to use it


def caller(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> Caller:
    """The caller of an MCP request."""
    login = authenticated_principal(ctx) if get_access_token() else None

    async def send(done: float, total: float | None, words: str) -> None:
        await ctx.session.report_progress(done, total, words)

    return Caller(login or NOBODY, elicitation.person(ctx, params), Progress(send))


async def gate(  # noqa: PLR0913, PLR0917  a call is what all of these say together
    consent: Consent,
    api: ApiClient,
    tools: Mapping[str, Tool],
    tool: Tool,
    arguments: Mapping[str, Any],
    request: Request,
    caller: Caller,
) -> CallToolResult | InputRequiredResult | None:
    """What to answer instead of sending `request`; None: consent was given to exactly this, send it once.

    `arguments` are the repaired ones with `confirm`; `tools` are all tools by name, offered or not, since targets are
    read through any of them. After None the outcome must be told: `outcome(consent, caller, tool.name, …)`.
    """
    if not tool.gated:
        return None
    plain = {name: value for name, value in arguments.items() if name != "confirm"}

    async def read() -> Target:
        return await effects.read_target(api, tools, tool, plain, request)

    async def tell(target: Target, now: datetime) -> Effect:
        context = effects.PreviewContext(leaving=consent.left(now))
        effect = await effects.describe_effect(api, tool, plain, target, now, context)
        if not target.found.missing:
            return effect
        advice = id_sources.describe_sources(id_sources.id_arguments(tool), tool, plain, tools)
        return replace(effect, forbidden=f"{effect.forbidden} {advice}".strip())

    def ends(target: Target, now: datetime) -> Mapping[str, datetime]:
        return recovery_points.ends_of(request.method, plain, target, now)

    proposal = Proposal(tool.name, plain, read, lambda target: target.state, tell, audit_entries.request_fields, ends)
    return await authorize(consent, api, proposal, arguments.get("confirm"), caller)


async def authorize(
    consent: Consent, api: ApiClient, proposal: Proposal, given: Any, caller: Caller
) -> CallToolResult | InputRequiredResult | None:
    """What to answer instead of carrying out a proposal; None: consent was given, and is used up by this."""
    settings = consent.settings
    if settings.read_only:
        return audit_entries.refuse(
            consent, proposal, caller, "this server is read-only", "Only a person can change that."
        )
    if settings.ask == "always" and caller.person is None:
        why = "this server asks the person before such a call (--ask always), and this client cannot ask"
        return audit_entries.refuse(consent, proposal, caller, why, "Use a client that can ask.")
    slots = _slots(consent, caller, given, codes.slot_of(api.now()))
    left = consent.left(api.now())
    plan = await evaluate(proposal, caller, api.now())
    if given == PREVIEW:
        return await _preview(consent, api, plan, caller)
    found = await codes.match(consent.ring, plan.call, given, slots, consent.used) if isinstance(given, str) else None
    if not isinstance(found, Match):
        why = issued_codes.explain_mismatch(
            consent.shown, issued_codes.issued_for(consent.ring[0], plan.call), given, found
        )
        return await _preview(consent, api, plan, caller, why)
    if plan.told.forbidden:  # not all that forbids is in what the code is bound to
        return await _preview(consent, api, plan, caller, "It cannot be done any more.")
    stop = await _ask(consent, api, plan, found, caller)
    if stop is not None:
        return stop
    async with consent.turn:
        if consent.left(api.now()) != left:  # something else was consented to meanwhile, perhaps the copy that remained
            again = await evaluate(proposal, caller, api.now())
            if again.call != plan.call or again.told.forbidden:
                why = issued_codes.differs(plan.call, again.call)
                return await _preview(consent, api, again, caller, why or "It cannot be done any more.")
        if not await consent.used.remember(found.code, REMEMBERED_SECONDS):
            return await _preview(consent, api, plan, caller, "This code was used already; a code holds once.")
        now = api.now()
        gone = [path for path, at in proposal.ends(plan.subject, now).items() if at <= now]
        consent.leaving.update({path: PendingDeletion(now, caller.id) for path in gone})
    audit_entries.record(consent, "request", plan, caller)  # on the disk before anything is sent
    return None


# --- the code and the preview -----------------------------------------------------------------------------------------


def _slots(consent: Consent, caller: Caller, given: Any, now: int) -> tuple[int, ...]:
    """The slots whose codes hold: this one, the last one, and that of a question which is being answered.

    The last is only a claim here, since a person may take longer than a code holds; `_ask` then accepts the answer
    for nothing but the whole state, digest included.
    """
    who = caller.person
    if consent.settings.ask == "never" or who is None or who.push is not None or who.answer is None:
        return now, now - 1
    claimed = (who.state or "").partition(".")[0]
    slot = int(claimed) if claimed.isascii() and claimed.isdigit() and len(claimed) < 12 else now
    return (now, now - 1, slot) if 1 < now - slot <= 1 + codes.LATE_SLOTS else (now, now - 1)


async def _preview(
    consent: Consent, api: ApiClient, plan: Evaluation, caller: Caller, refusal: str = ""
) -> CallToolResult:
    """The effect in sentences and a code; after a refusal, that comes first."""
    now, effect = api.now(), plan.told
    lines = [f"REFUSED, nothing was sent: {refusal}", ""] if refusal else []
    lines += ["PREVIEW: nothing was changed.", "", *effect.lines(), ""]
    if effect.forbidden:
        lines.append(f"CANNOT BE DONE: {effect.forbidden} There is no code for it.")
        audit_entries.record(consent, "refusal", plan, caller, refusal or effect.forbidden)
        return audit_entries.text(lines, consent.settings, is_error=True)
    slot = codes.slot_of(now)
    code = await codes.is_offered(consent.ring, plan.call, slot, consent.used)
    if code is None:
        lines.append(
            "This very call was confirmed too often in these minutes: there is no further code before the next."
        )
        audit_entries.record(consent, "refusal", plan, caller, refusal or "confirmed too often")
        return audit_entries.text(lines, consent.settings, is_error=True)
    audit_entries.record(consent, "refusal" if refusal else "preview", plan, caller, refusal)
    issued_codes.remember(consent.shown, code, issued_codes.issued_for(consent.ring[0], plan.call))
    until = datetime.fromtimestamp((slot + 2) * SLOT, UTC)
    lines.append(f'To do exactly this: {plan.call.tool} with the same arguments and confirm: "{code}".')
    lines.append(f"The code holds once, until {until:%H:%M} UTC, and only while the target stays as it is.")
    lines.append("Show the person what would happen, and let them decide first.")
    return audit_entries.text(lines, consent.settings, is_error=bool(refusal))


# --- the person -------------------------------------------------------------------------------------------------------


async def _ask(
    consent: Consent, api: ApiClient, plan: Evaluation, found: Match, caller: Caller
) -> CallToolResult | InputRequiredResult | None:
    """Put the effect to the person, in the preview's words. None: they said yes, or are not to be asked."""
    who = caller.person
    if consent.settings.ask == "never" or who is None:
        audit_entries.record(
            consent, "consent", plan, caller, "by code; this server could not or should not ask the person"
        )
        return None
    # Told as of the start of the code's slot, so that a question asked twice reads the same.
    effect = await plan.proposal.tell(plan.subject, datetime.fromtimestamp(found.slot * SLOT, UTC))
    asked = [*effect.lines(), "", f"Let the assistant do this now ({plan.call.tool})?"]
    question = sanitize.clean("\n".join(asked))
    if who.push is not None:
        return await _ask_now(consent, api, plan, found, caller, question)
    # `slot.digest` binds an answer to the code and to the very words of the question.
    digest = codes.keyed_digest(consent.ring[0], "question", found.code, found.slot, caller.principal, question)
    state = f"{found.slot}.{digest}"
    if who.answer is None or who.state is None:
        audit_entries.record(consent, "question", plan, caller)
        return elicitation.returned_answer(question, state)
    if who.state != state:
        return await _preview(
            consent, api, plan, caller, "What the person was asked is not what would happen now; ask them anew."
        )
    return await _answer_of(consent, plan, found, caller, who.answer)


async def _ask_now(  # noqa: PLR0913, PLR0917
    consent: Consent, api: ApiClient, plan: Evaluation, found: Match, caller: Caller, question: str
) -> CallToolResult | None:
    push = caller.person.push if caller.person else None
    assert push is not None  # noqa: S101  for the type checker
    audit_entries.record(consent, "question", plan, caller)
    try:
        answer = await elicitation.push_question(push, question)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await consent.used.remember(found.code, REMEMBERED_SECONDS)
        audit_entries.record(consent, "refusal", plan, caller, "the call ended while the person was asked")
        raise
    stop = await _answer_of(consent, plan, found, caller, answer)
    if stop is not None:
        return stop
    again = await evaluate(plan.proposal, caller, api.now())  # people take their time
    if again.call == plan.call and not again.told.forbidden:
        return None
    why = issued_codes.differs(plan.call, again.call, "while the person was asked")
    return await _preview(consent, api, again, caller, why or "It cannot be done any more.")


async def _answer_of(
    consent: Consent, plan: Evaluation, found: Match, caller: Caller, answer: ElicitResult | str
) -> CallToolResult | None:
    """None for a yes; for all else the refusal, and the code is spent: a no is not asked again."""
    why_not = elicitation.objection(answer)
    if not why_not:
        audit_entries.record(consent, "consent", plan, caller, "the person said yes")
        return None
    await consent.used.remember(found.code, REMEMBERED_SECONDS)
    cure = "Do not try again unless the person asks for it."
    return audit_entries.refuse(consent, plan.proposal, caller, why_not, cure, plan.subject)
