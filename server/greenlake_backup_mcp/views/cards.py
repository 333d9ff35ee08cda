"""What the confirmation card and the model ask of a change: opened as it is now, answered by hand, how it stands.

An answer with its proof goes the way of every call, with the code of exactly what the card showed; the code is seen by
nobody. Knows MCP results; must know nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
from mcp.types import CallToolResult, TextContent

from greenlake_backup_mcp.consent import card_or_code, cards, gate, refusals
from greenlake_backup_mcp.consent.cards import Change, Standing, State
from greenlake_backup_mcp.dispatch import dispatcher, results
from greenlake_backup_mcp.dispatch.context import CallContext
from greenlake_backup_mcp.errors import BackupError, InputError, PolicyRefusal
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.tools.builtin import RUN_PLAN
from greenlake_backup_mcp.upstream import published

from . import card_content
from .tools import ViewCall

NONCE = "io.github.greenlake-backup-mcp/nonce"  # the one secret of a reply, in its _meta
LOOK_SECONDS = 0.25  # between two looks at a change that is waited for


async def change_status(request: ViewCall) -> CallToolResult:
    """How a change stands, at once or after its answer; a way on where no card opens."""
    context, caller = request.context, request.caller
    change = await cards.find(context.consent, caller, request.values["change"])
    standing, blank = await _look(context, change)
    with anyio.move_on_after(request.values.get("seconds", 0)):
        while standing.state in (State.WAITING, State.RUNNING) and not (blank and context.settings.ask == "auto"):
            await anyio.sleep(LOOK_SECONDS)
            standing, blank = await _look(context, change)
    return await _without_card(request, change) if blank else _render_standing(request, change, standing)


async def _look(context: CallContext, change: Change) -> tuple[Standing, bool]:
    """How a change stands, and whether its card had the time to open and did not."""
    standing = await cards.standing(context.consent, change, context.api.now())
    late = context.api.now().timestamp() - change.created > cards.GRACE_SECONDS
    blank = late and standing.state is State.WAITING and not await cards.is_opened(context.consent, change)
    return standing, blank


async def _without_card(request: ViewCall, change: Change) -> CallToolResult:
    """What to do where no card opened: text codes where the settings allow them, else another client."""
    context, caller = request.context, request.caller
    if context.settings.ask != "auto":
        words = (
            "The card has not opened; nothing was sent. If the person sees none, this client cannot show it: this "
            f"server takes no code (--ask {context.settings.ask}). They can use another client."
        )
        return results.text_result([words], context.settings)
    after = Standing(State.CANCELLED, "Its card never opened; nothing was sent.")
    if not await cards.settle(context.consent, change, after):
        return _render_standing(request, change, await cards.standing(context.consent, change, context.api.now()))
    await cards.note_blank(context.consent, caller, blank=True)
    arguments = {**published.as_given(change.arguments), "confirm": gate.PREVIEW}
    preview = await dispatcher.call(context, change.tool, arguments, caller)
    if not isinstance(preview, CallToolResult):
        return _render_standing(request, change, after)
    head = "The card never opened in this client; from now on it gets codes instead. The same change anew:"
    return preview.model_copy(update={"content": [TextContent(text=head), *preview.content]})


async def open_card(request: ViewCall) -> CallToolResult:
    """The change as it is now for its card, with the nonce of an answer; why not, where it cannot be answered."""
    context, caller, values = request.context, request.caller, request.values
    consent = context.consent
    await cards.note_blank(consent, caller, blank=False)
    if not values.get("change"):
        return _reply(request, {"state": "none"})
    change = await cards.find(consent, caller, values["change"])
    standing = await cards.standing(consent, change, context.api.now())
    if standing.state is not State.WAITING:
        return _reply(request, {"state": standing.state, "text": standing.text, "error": standing.is_error})
    if values["version"] != request.version:
        text = "This card is of another version of the server. Ask the assistant to call the tool again."
        return _reply(request, {"state": "outdated", "text": text})
    arguments = _without_rows(change, values.get("rows"))
    proposal = dispatcher.propose(context, change.tool, published.as_given(arguments), caller)
    evaluation, opening = await card_or_code.open_card(consent, context.api, proposal, caller)
    content = _masked(request, card_content.render(evaluation, context.settings.demo))
    if opening is None:
        why = evaluation.statement.forbidden or "It was confirmed too often; wait some minutes."
        return _reply(request, {**content, "state": "forbidden", "text": why})
    opening = replace(opening, arguments=arguments, action=content["action"], typed=content["typed"])
    opening = await cards.open_card(consent, change, opening)
    ends = min(opening.until, change.created + cards.WAITING_SECONDS)
    content |= {"state": standing.state, "seconds": max(0, int(ends - context.api.now().timestamp()))}
    return _reply(request, content, nonce=opening.nonce)


def _without_rows(change: Change, rows: list[int] | None) -> Mapping[str, Any]:
    """The arguments of the change, of a plan those rows only that are kept."""
    if rows is None:
        return change.arguments
    calls = change.arguments.get("calls", [])
    if change.tool != RUN_PLAN.name or not set(rows) <= set(range(1, len(calls) + 1)):
        raise InputError(f"rows are numbers of calls of a plan, from 1; this change has {len(calls)}.")
    return {**change.arguments, "calls": [calls[number - 1] for number in sorted(set(rows))]}


async def answer_card(request: ViewCall) -> CallToolResult:
    """What came of the person's answer; the change is carried out where they confirmed it."""
    context, caller, values = request.context, request.caller, request.values
    consent = context.consent
    change = await cards.find(consent, caller, values["change"])
    try:
        opening = await cards.answer(consent, change, values, context.api.now())
    except PolicyRefusal as refusal:
        call_log.LOGGER.warning("a bad proof for a change (%s): it is cancelled", change.tool)
        why = f"an answer without the card's proof: {refusal.message}"
        consent.record("refusal", caller, change.tool, arguments=change.arguments, reason=why)
        raise
    if values["answer"] == "decline":
        why = "the person declined in the card"
        consent.record("refusal", caller, change.tool, arguments=change.arguments, reason=why)
        return _reply(request, _state_of(await cards.standing(consent, change, context.api.now())))
    return await _carry_out(request, change, opening)


async def _carry_out(request: ViewCall, change: Change, opening: cards.Opening) -> CallToolResult:
    context = request.context
    confirmed = replace(request.caller, person=None, consented="the person confirmed in the card")
    after = cards.BROKEN_OFF
    try:
        arguments = {**published.as_given(opening.arguments), "confirm": opening.code}
        result = await dispatcher.call(context, change.tool, arguments, confirmed)
        assert isinstance(result, CallToolResult)  # noqa: S101  nobody is asked any more
        left = len(change.arguments.get("calls", ())) - len(opening.arguments.get("calls", ()))
        head = [f"The person took {left} of the calls out; the rest was confirmed."] if left else []
        text = "\n".join((*head, refusals.text_of(result)))
        after = Standing(State.ANSWERED, text, is_error=bool(result.is_error))
    finally:
        with anyio.CancelScope(shield=True), suppress(BackupError):  # what came of it is told here all the same
            await cards.finish(context.consent, change, after)
    return _reply(request, _state_of(after))


def _state_of(standing: Standing) -> dict[str, Any]:
    return {"state": standing.state, "text": standing.text, "error": standing.is_error}


def _render_standing(request: ViewCall, change: Change, standing: Standing) -> CallToolResult:
    """The standing for the model."""
    waiting = {
        State.WAITING: f"{change.tool} waits for the person's answer in its card; nothing was sent.",
        State.RUNNING: f"{change.tool} was confirmed and is being carried out. Ask again.",
    }
    lines = [waiting.get(standing.state, f"{change.tool}: {standing.state}."), *standing.text.splitlines()]
    return results.text_result(lines, request.context.settings, is_error=standing.is_error)


def _reply(request: ViewCall, content: dict[str, Any], nonce: str = "") -> CallToolResult:
    """What a card gets: the same as text, shortly, for whoever passes it on."""
    text = f"{content['state']}: {content.get('action') or content.get('text', '')}"[:300]
    meta = {NONCE: nonce} if nonce else None
    return CallToolResult(content=[TextContent(text=text)], structured_content=_masked(request, content), _meta=meta)


def _masked(request: ViewCall, content: dict[str, Any]) -> dict[str, Any]:
    result = CallToolResult(content=[], structured_content=content)
    masked: dict[str, Any] = results.mask_result(result, request.context.api.transport.mask).structured_content
    return masked
