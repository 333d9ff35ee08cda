"""Consent to exactly one thing: preview, code, the person's answer; only then may a gated call go out.

`gate` is the whole of it for one call, `settle` the same for any proposal (run_plan's list is one). Knows MCP's
results, and how targets and effects are read; must know nothing of how requests are built or sent.

Be frank: a code relayed by a model is a seat belt. `--read-only` and a read-only API client are the wall.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio
from mcp.server import ServerRequestContext
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.request_state import authenticated_principal
from mcp.types import CallToolRequestParams, CallToolResult, ElicitResult, InputRequiredResult, TextContent

from greenlake_backup_mcp import hygiene, origins
from greenlake_backup_mcp.catalog import Tool
from greenlake_backup_mcp.effects import table as effects
from greenlake_backup_mcp.effects.sentences import Effect
from greenlake_backup_mcp.effects.targets import Target
from greenlake_backup_mcp.service.rest import Api, Progress, Request
from greenlake_backup_mcp.settings import Settings

from . import asking, audit, codes, issued
from .asking import Person
from .codes import SLOT, Match

PREVIEW = "preview"
KEPT_SECONDS = (2 + codes.LATE_SLOTS + 1) * SLOT  # a used code is remembered until no way is left to use it
NOBODY = "local"  # the principal of a transport without logins: whoever started this process


@dataclass(frozen=True)
class Caller:
    """Who calls: the login (a code holds for no other), the person if one can be asked, and where progress goes."""

    principal: str
    person: Person | None
    progress: Progress
    id: str = field(default_factory=lambda: secrets.token_hex(8))  # joins the lines of one call in the audit log


@dataclass(frozen=True)
class Consent:
    """What consent needs for as long as the process lives."""

    settings: Settings
    ring: tuple[bytes, ...]
    used: codes.UsedCodes
    log: audit.Log
    shown: dict[str, issued.Issued] = field(default_factory=dict)


class Told(Protocol):
    """An effect in lines; `forbidden` says why there can be no code for it."""

    @property
    def forbidden(self) -> str: ...  # noqa: D102

    def lines(self) -> Iterable[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Proposal:
    """A call that needs consent: what it is, how its targets are read, and how its effect is told."""

    tool: str
    arguments: Mapping[str, Any]  # as repaired, without `confirm`
    read: Callable[[], Awaitable[Any]]
    state: Callable[[Any], Any]  # of what was read: what the code is bound to
    tell: Callable[[Any, datetime], Awaitable[Told]]
    target: Callable[[Any], Mapping[str, Any]]  # of what was read: for the audit log


@dataclass(frozen=True)
class Plan:
    """What was read for a proposal at one moment, and the call that a code for it is bound to."""

    proposal: Proposal
    subject: Any
    call: codes.Call


def consent(settings: Settings, used: codes.UsedCodes | None = None) -> Consent:
    """The consent of a process; raises BackupError for a weak key or an audit log that cannot be written."""
    return Consent(settings, codes.keys(settings), used or codes.UsedHere(), audit.opened(settings.audit_log))


def caller(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> Caller:
    """The caller of an MCP request."""
    login = authenticated_principal(ctx) if get_access_token() else None

    async def progress(done: float, total: float | None, words: str) -> None:
        await ctx.session.report_progress(done, total, words)

    return Caller(login or NOBODY, asking.person(ctx, params), progress)


async def gate(  # noqa: PLR0913, PLR0917  a call is what all of these say together
    consent: Consent,
    api: Api,
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
        return await effects.target(api, tools, tool, plain, request)

    async def tell(target: Target, now: datetime) -> Effect:
        effect = await effects.effect(api, tool, plain, target, now)
        if not target.found.missing:
            return effect
        advice = origins.told(origins.ids_of(tool), tool, plain, tools)
        return replace(effect, forbidden=f"{effect.forbidden} {advice}".strip())

    proposal = Proposal(tool.name, plain, read, lambda target: target.state, tell, recorded)
    return await settle(consent, api, proposal, arguments.get("confirm"), caller)


async def settle(
    consent: Consent, api: Api, proposal: Proposal, given: Any, caller: Caller
) -> CallToolResult | InputRequiredResult | None:
    """What to answer instead of carrying out a proposal; None: consent was given, and is used up by this."""
    settings = consent.settings
    if settings.read_only:
        return _refused(consent, proposal, caller, "this server is read-only", "Only a person can change that.")
    if settings.ask == "always" and caller.person is None:
        why = "this server asks the person before such a call (--ask always), and this client cannot ask"
        return _refused(consent, proposal, caller, why, "Use a client that can ask.")
    slots = _slots(consent, caller, given, codes.slot_of(api.now()))
    plan = await _plan(proposal, caller)
    if given == PREVIEW:
        return await _preview(consent, api, plan, caller)
    found = await codes.match(consent.ring, plan.call, given, slots, consent.used) if isinstance(given, str) else None
    if not isinstance(found, Match):
        why = issued.why_not(consent.shown, issued.of(consent.ring[0], plan.call), given, found)
        return await _preview(consent, api, plan, caller, why)
    stop = await _ask(consent, api, plan, found, caller)
    if stop is not None:
        return stop
    if not await consent.used.remember(found.code, KEPT_SECONDS):
        return await _preview(consent, api, plan, caller, "This code was used already; a code holds once.")
    _record(consent, "request", plan, caller)  # on the disk before anything is sent
    return None


def barred(consent: Consent, caller: Caller, tool: str, arguments: Mapping[str, Any], why: str) -> None:
    """Record that somebody was refused a gated tool for what they or this server may do; their target is not read."""
    audit.record(
        consent.log, "refusal", call=caller.id, tool=tool, principal=caller.principal, arguments=arguments, reason=why
    )


def outcome(consent: Consent, caller: Caller, tool: str, result: str, **details: Any) -> None:
    """Record what became of a call that was let through: `done`, `failed`, `unknown`; with status, task, debug id."""
    audit.record(
        consent.log, "outcome", call=caller.id, tool=tool, principal=caller.principal, outcome=result, **details
    )


def recorded(target: Target) -> dict[str, Any]:
    """A target as the audit log keeps it."""
    names = ("id", "name", "displayName", "generation", "state", "expiresAt", "lockedUntil")
    return {"path": target.path, **{n: target.resource[n] for n in names if target.resource.get(n) is not None}}


# --- the code and the preview -----------------------------------------------------------------------------------------


async def _plan(proposal: Proposal, caller: Caller) -> Plan:
    subject = await proposal.read()
    call = codes.Call(proposal.tool, proposal.arguments, caller.principal, proposal.state(subject))
    return Plan(proposal, subject, call)


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


async def _preview(consent: Consent, api: Api, plan: Plan, caller: Caller, refusal: str = "") -> CallToolResult:
    """The effect in sentences and a code; after a refusal, that comes first."""
    now = api.now()
    effect = await plan.proposal.tell(plan.subject, now)
    lines = [f"REFUSED, nothing was sent: {refusal}", ""] if refusal else []
    lines += ["PREVIEW: nothing was changed.", "", *effect.lines(), ""]
    if effect.forbidden:
        lines.append(f"CANNOT BE DONE: {effect.forbidden} There is no code for it.")
        _record(consent, "refusal", plan, caller, refusal or effect.forbidden)
        return text(lines, consent.settings, is_error=True)
    slot = codes.slot_of(now)
    code = await codes.offered(consent.ring, plan.call, slot, consent.used)
    if code is None:
        lines.append(
            "This very call was confirmed too often in these minutes: there is no further code before the next."
        )
        _record(consent, "refusal", plan, caller, refusal or "confirmed too often")
        return text(lines, consent.settings, is_error=True)
    _record(consent, "refusal" if refusal else "preview", plan, caller, refusal)
    issued.remember(consent.shown, code, issued.of(consent.ring[0], plan.call))
    until = datetime.fromtimestamp((slot + 2) * SLOT, UTC)
    lines.append(f'To do exactly this: {plan.call.tool} with the same arguments and confirm: "{code}".')
    lines.append(f"The code holds once, until {until:%H:%M} UTC, and only while the target stays as it is.")
    lines.append("Show the person what would happen, and let them decide first.")
    return text(lines, consent.settings, is_error=bool(refusal))


# --- the person -------------------------------------------------------------------------------------------------------


async def _ask(
    consent: Consent, api: Api, plan: Plan, found: Match, caller: Caller
) -> CallToolResult | InputRequiredResult | None:
    """Put the effect to the person, in the preview's words. None: they said yes, or are not to be asked."""
    who = caller.person
    if consent.settings.ask == "never" or who is None:
        _record(consent, "consent", plan, caller, "by code; this server could not or should not ask the person")
        return None
    # Told as of the start of the code's slot, so that a question asked twice reads the same.
    effect = await plan.proposal.tell(plan.subject, datetime.fromtimestamp(found.slot * SLOT, UTC))
    asked = [*effect.lines(), "", f"Let the assistant do this now ({plan.call.tool})?"]
    question = hygiene.clean("\n".join(asked))
    if who.push is not None:
        return await _ask_now(consent, api, plan, found, caller, question)
    # `slot.digest` binds an answer to the code and to the very words of the question.
    digest = codes.pledge(consent.ring[0], "question", found.code, found.slot, caller.principal, question)
    state = f"{found.slot}.{digest}"
    if who.answer is None or who.state is None:
        _record(consent, "question", plan, caller)
        return asking.returned(question, state)
    if who.state != state:
        return await _preview(
            consent, api, plan, caller, "What the person was asked is not what would happen now; ask them anew."
        )
    return await _answered(consent, plan, found, caller, who.answer)


async def _ask_now(  # noqa: PLR0913, PLR0917
    consent: Consent, api: Api, plan: Plan, found: Match, caller: Caller, question: str
) -> CallToolResult | None:
    push = caller.person.push if caller.person else None
    assert push is not None  # noqa: S101  for the type checker
    _record(consent, "question", plan, caller)
    try:
        answer = await asking.pushed(push, question)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await consent.used.remember(found.code, KEPT_SECONDS)
        _record(consent, "refusal", plan, caller, "the call ended while the person was asked")
        raise
    stop = await _answered(consent, plan, found, caller, answer)
    if stop is not None:
        return stop
    again = await _plan(plan.proposal, caller)  # people take their time
    if again.call == plan.call:
        return None
    moved = "; ".join(list(issued.changed(plan.call.state, again.call.state))[:5])
    return await _preview(consent, api, again, caller, f"The target changed while the person was asked: {moved}.")


async def _answered(
    consent: Consent, plan: Plan, found: Match, caller: Caller, answer: ElicitResult | str
) -> CallToolResult | None:
    """None for a yes; for all else the refusal, and the code is spent: a no is not asked again."""
    why_not = asking.objection(answer)
    if not why_not:
        _record(consent, "consent", plan, caller, "the person said yes")
        return None
    await consent.used.remember(found.code, KEPT_SECONDS)
    cure = "Do not try again unless the person asks for it."
    return _refused(consent, plan.proposal, caller, why_not, cure, plan.subject)


# --- results and records ----------------------------------------------------------------------------------------------


def _refused(  # noqa: PLR0913, PLR0917
    consent: Consent, proposal: Proposal, caller: Caller, why: str, cure: str, subject: Any = None
) -> CallToolResult:
    audit.record(
        consent.log,
        "refusal",
        call=caller.id,
        tool=proposal.tool,
        principal=caller.principal,
        target=proposal.target(subject) if subject is not None else None,
        arguments=proposal.arguments,
        reason=why,
    )
    return text([f"NOT DONE, nothing was sent: {why}.", cure], consent.settings, is_error=True)


def _record(consent: Consent, event: audit.Event, plan: Plan, caller: Caller, reason: str = "") -> None:
    audit.record(
        consent.log,
        event,
        call=caller.id,
        tool=plan.call.tool,
        principal=caller.principal,
        target=plan.proposal.target(plan.subject),
        arguments=plan.proposal.arguments,
        reason=reason,
    )


def text(lines: list[str], settings: Settings, *, is_error: bool) -> CallToolResult:
    """A result of these lines, whole: a preview is never shortened to fit a budget."""
    if settings.demo:
        lines = [*lines, "Simulated tenant: nothing here is real."]
    return CallToolResult(content=[TextContent(text=hygiene.clean("\n".join(lines)))], is_error=is_error)
