"""Consent to exactly one thing: preview, code, the person's answer; only then is there a permit to send it.

`authorize` is the whole of it for one call, `authorize_proposal` the same for any proposal (run_plan's list is one).
Knows MCP's results, and how targets and effects are read; must know nothing of how requests are built or sent.

Be frank: a code relayed by a model is a seat belt. `--read-only` and a read-only API client are the wall.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import anyio
from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.request_state import authenticated_principal
from mcp.types import CallToolRequestParams, CallToolResult
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from greenlake_backup_mcp.previews import recovery_points
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.previews.reads import Target
from greenlake_backup_mcp.tools import id_sources, roles
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient
from greenlake_backup_mcp.upstream.progress import Progress

from . import codes, elicitation, issued_codes, questions, refusals
from .card_or_code import NOT_ANY_MORE, Form, choose_form, render_preview
from .codes import REMEMBERED_SECONDS, CodeMatch, CodeStatus
from .permits import NotPermitted, Permit
from .proposals import LINGER, NOBODY, Caller, Consent, Evaluation, PreparedCall, Proposal, evaluate
from .store import reservations

PREVIEW = "preview"
OTHER_DEMO = (
    "A simulated tenant begins anew in each process, with other times: a code holds only in the process that showed it."
)
NEEDED = "With these arguments it needs consent."
BY_HAND = "Here the person confirms with their own hand, in the card that their client shows; no code does it."


def principal(ctx: ServerRequestContext[Any]) -> str:
    """The login of an MCP request; NOBODY where the transport has none."""
    login = authenticated_principal(ctx) if get_access_token() else None
    return login or NOBODY


def caller(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> Caller:
    """The caller of an MCP request."""

    async def send(done: float, total: float | None, words: str) -> None:
        await ctx.session.report_progress(done, total, words)

    # Over HTTP a client of 2026-07-28 cancels by closing the stream, which looks as if it were lost: no wish to stop.
    lost = ctx.request is not None and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
    watched = (params.meta or {}).get("progress_token") is not None
    client = elicitation.client_name(ctx) if elicitation.shows_views(ctx) else ""
    person = elicitation.person(ctx, params)
    return Caller(principal(ctx), person, Progress(send), cancels=not lost, watched=watched, client=client)


@asynccontextmanager
async def authorize(
    consent: Consent, api: ApiClient, tools: Mapping[str, Tool], call: PreparedCall, caller: Caller
) -> AsyncIterator[Permit]:
    """The permit to send a call's request, once; `tools` are all tools by name, since targets are read through any.

    Raises NotPermitted, whose result is the answer to the call, and PolicyRefusal where the record or the store of
    used codes cannot be reached; nothing was sent then. Reads pass. What came of the request must be settled within.
    """
    permit = Permit(consent, caller, call.tool.name)
    if call.tool.danger is Danger.READ:
        permit.recorded = False
    elif not call.tool.gated and not call.tool.conditional:
        target = {"path": call.request.path}
        consent.record("request", caller, call.tool.name, target=target, arguments=call.plain)
    else:
        proposal = propose(api, tools, call)
        permit = await _decide(consent, api, proposal, call.arguments.get("confirm"), caller)
    async with permit.held():
        yield permit


@asynccontextmanager
async def authorize_proposal(
    consent: Consent, api: ApiClient, proposal: Proposal, confirm: Any, caller: Caller
) -> AsyncIterator[Permit]:
    """The permit to carry out a proposal; raises as `authorize`."""
    permit = await _decide(consent, api, proposal, confirm, caller)
    async with permit.held():
        yield permit


async def preview(
    consent: Consent, api: ApiClient, tools: Mapping[str, Tool], call: PreparedCall, caller: Caller
) -> CallToolResult:
    """The preview of any call that changes something; with a code only where the call itself would get one."""
    now = api.now()
    others = await consent.store.reserved(now)
    return await render_preview(consent, api, await evaluate(propose(api, tools, call), caller, now, others), caller)


def propose(api: ApiClient, tools: Mapping[str, Tool], call: PreparedCall) -> Proposal:
    """The proposal of a single call."""
    plain = call.plain

    async def read() -> Target:
        return await effects.read_target(api, tools, call.tool, plain, call.request)

    async def describe(target: Target, now: datetime, leaving: Mapping[str, datetime]) -> Effect:
        context = effects.PreviewContext(leaving=leaving)
        effect = await effects.describe_effect(api, call.tool, plain, target, now, context)
        if not target.result.missing:
            return effect
        advice = id_sources.describe_sources(id_sources.id_arguments(call.tool), call.tool, plain, tools)
        return replace(effect, forbidden=f"{effect.forbidden} {advice}".strip())

    def ends(target: Target, now: datetime) -> Mapping[str, datetime]:
        return recovery_points.ends_of(call.request.method, plain, target, now)

    def gated(effect: Effect) -> bool:
        return call.tool.gated or effect.danger.gated

    return Proposal(
        call.tool.name,
        plain,
        read,
        lambda target: target.state,
        describe,
        refusals.target_fields,
        ends,
        gated,
        takes_confirm="confirm" in call.tool.arguments,
    )


# --- the decision -----------------------------------------------------------------------------------------------------


async def _decide(consent: Consent, api: ApiClient, proposal: Proposal, confirm: Any, caller: Caller) -> Permit:
    """The permit of a proposal: consent was given to exactly this, and is used up. Raises NotPermitted for all else."""
    settings = consent.settings
    if settings.read_only:
        cure = "Only a person can change that."
        raise NotPermitted(refusals.refuse(consent, proposal, caller, "this server is read-only", cure))
    form = await choose_form(consent, caller)
    if form is not Form.QUESTION:
        caller = replace(caller, person=None)
    slots = questions.slots(caller, codes.slot_of(api.now()))
    evaluation = await evaluate(proposal, caller, api.now(), await consent.store.reserved(api.now()))
    gated = proposal.gated(evaluation.statement)
    if gated and form is Form.NONE:
        why = f"this server asks the person before such a call (--ask {settings.ask}), and this client cannot ask"
        cure = "Use a client that can ask." if settings.ask == "always" else "Use a client that shows cards (MCP Apps)."
        raise NotPermitted(refusals.refuse(consent, proposal, caller, why, cure))
    word = confirm.strip().strip("\"'.").casefold() if isinstance(confirm, str) else ""
    without = not gated and word in ("", "none")  # who writes something else gets a preview, or has a code judged
    if (
        confirm == PREVIEW
        or not (gated or without or codes.has_shape(word))
        or not roles.role_allows_danger(caller.role, evaluation.statement.danger)
    ):
        raise NotPermitted(await render_preview(consent, api, evaluation, caller))
    if without and not evaluation.statement.forbidden:
        return await _permit(consent, api, evaluation, None, caller)
    if form is Form.CARD and not caller.consented:
        raise NotPermitted(await render_preview(consent, api, evaluation, caller, BY_HAND if gated else ""))
    match = CodeMatch(CodeStatus.UNKNOWN)
    if isinstance(confirm, str):
        match = await codes.match(consent.keys, evaluation.call, confirm, slots, consent.store)
    if not match.holds:
        this = issued_codes.digested(consent.keys[0], evaluation.call)
        why = issued_codes.explain_mismatch(consent.issued, this, confirm, match) if confirm is not None else NEEDED
        if match.status is CodeStatus.UNKNOWN and consent.store.ephemeral:
            why += f" Codes hold within one process only: {consent.store.ephemeral}."
        elif (
            match.status is CodeStatus.UNKNOWN
            and consent.settings.demo
            and not issued_codes.knows(consent.issued, confirm)
        ):
            why = f"{why} {OTHER_DEMO}"
        raise NotPermitted(await render_preview(consent, api, evaluation, caller, why))
    if evaluation.statement.forbidden:  # not all that forbids is in what the code is bound to
        raise NotPermitted(await render_preview(consent, api, evaluation, caller, NOT_ANY_MORE))
    notes = await questions.ask(consent, api, evaluation, match, caller)
    return await _permit(consent, api, evaluation, match, caller, notes)


async def _permit(  # noqa: PLR0913, PLR0917
    consent: Consent,
    api: ApiClient,
    evaluation: Evaluation,
    match: CodeMatch | None,
    caller: Caller,
    notes: tuple[str, ...] = (),
) -> Permit:
    """The permit of what was consented to by a code, or needs no consent (None); the request is on the record."""
    reserved = await _reserve(consent, api, evaluation, match, caller)
    try:
        refusals.record(consent, "request", evaluation, caller, text=evaluation.text)  # before anything is sent
    except BaseException:
        if reserved:
            with anyio.CancelScope(shield=True):
                await consent.store.release(caller.id)
        raise
    before = evaluation.subject.resource or None if isinstance(evaluation.subject, Target) else None
    return Permit(consent, caller, evaluation.proposal.tool, reserved=reserved, evaluation=evaluation, notes=notes,
                  before=before)  # fmt: skip


async def _reserve(
    consent: Consent, api: ApiClient, evaluation: Evaluation, match: CodeMatch | None, caller: Caller
) -> bool:
    """Announce what the call ends, judge it once more if others were first, and use the code up; whether announced.

    Announced before judged: of two calls that each take one of the last two copies, one sees the other's line.
    """
    proposal, now = evaluation.proposal, api.now()
    ends = proposal.ends(evaluation.subject, now)
    entries = reservations(ends, caller.id, now, now + LINGER + evaluation.takes)
    others = await consent.store.reserve(entries, now)
    try:
        if {one.path for one in others} != evaluation.leaving:
            again = await evaluate(proposal, caller, api.now(), others)
            if again.call != evaluation.call or again.statement.forbidden:
                why = issued_codes.differs(evaluation.call, again.call)
                raise NotPermitted(await render_preview(consent, api, again, caller, why or NOT_ANY_MORE))
        if match is not None and not await consent.store.use(match.code, REMEMBERED_SECONDS):
            why = "This code was used already; a code holds once."
            raise NotPermitted(await render_preview(consent, api, evaluation, caller, why))
    except BaseException:
        if entries:
            with anyio.CancelScope(shield=True):
                await consent.store.release(caller.id)
        raise
    return bool(entries)
