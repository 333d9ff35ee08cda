"""The preview of a call: its effect in sentences, and what consents to it: a code, a card, or a question that follows.

Knows MCP's results; must know nothing of how an effect is found out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

from mcp.types import CallToolResult

from greenlake_backup_mcp.previews.model import CANNOT
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import roles
from greenlake_backup_mcp.upstream.client import ApiClient

from . import cards, codes, issued_codes, refusals
from .codes import SLOT
from .proposals import Caller, Consent, Evaluation, Proposal, evaluate

NOT_ANY_MORE = "It cannot be done any more."


class Form(Enum):
    """How the person consents; best first."""

    QUESTION = "question"
    CARD = "card"
    CODE = "code"
    NONE = "none"


async def choose_form(consent: Consent, caller: Caller) -> Form:
    """The best form that the settings allow and the caller's client can do.

    A client whose cards were seen not to open gets codes (`auto` only) until one opens.
    """
    ask = consent.settings.ask
    if ask == "never":
        return Form.CODE
    if caller.consented:
        return Form.CARD
    if caller.person is not None and ask != "card":
        return Form.QUESTION
    if caller.client and not (ask == "auto" and await cards.are_blank(consent, caller)):
        return Form.CARD
    return Form.CODE if ask == "auto" else Form.NONE


async def render_preview(
    consent: Consent, api: ApiClient, evaluation: Evaluation, caller: Caller, refusal: str = ""
) -> CallToolResult:
    """The effect in sentences and a code, or a card; after a refusal, that comes first."""
    effect, slot = evaluation.statement, codes.slot_of(api.now())
    form, change = await choose_form(consent, caller), None
    lines = [f"REFUSED, nothing was sent: {refusal}", ""] if refusal else []
    lines += ["PREVIEW: nothing was changed.", "", *effect.lines(), ""]
    reason = refusal
    if effect.forbidden:
        reason = refusal or effect.forbidden
        begun = next(iter(effect.lines())).removeprefix(CANNOT)  # the first line says it already, or its beginning
        rest = effect.forbidden.removeprefix(begun).strip()
        rest = f"{CANNOT}{rest}" if rest == effect.forbidden else rest
        lines.append(f"{rest} There is no code for it.".strip())
    elif not roles.role_allows_danger(caller.role, effect.danger):
        needed = next(role for role in roles.ROLES if roles.role_allows_danger(role, effect.danger))
        reason = f"with these arguments it needs the role {needed}, and this login has the role {caller.role}"
        lines.append(f"NOT ALLOWED: {reason}. There is no code for it.")
    elif not evaluation.proposal.gated(effect):
        last = ' and confirm: "none"' if evaluation.proposal.takes_confirm else ""
        lines.append(
            f"It needs no confirmation: {evaluation.call.tool} with the same arguments{last} does exactly this."
        )
    elif caller.consented:
        lines.append(f'For a new card: {evaluation.call.tool} with the same arguments and confirm: "preview".')
    elif form is Form.NONE:
        lines.append(f"There is no code for it: this server asks the person (--ask {consent.settings.ask}).")
    elif form is Form.CARD:
        change = await cards.propose(consent, evaluation, caller, api.now())
        lines += _card_words(change)
    elif code := await _new_code(consent, evaluation, slot):
        until = datetime.fromtimestamp((slot + 2) * SLOT, UTC)
        lines.append(f'To do exactly this: {evaluation.call.tool} with the same arguments and confirm: "{code}".')
        lines.append(f"The code holds once, until {until:%H:%M} UTC, and only while the target stays as it is.")
        lines.append("Show the person what would happen, and let them decide first.")
    else:
        reason = refusal or "confirmed too often"
        lines.append(
            "This very call was confirmed too often in these minutes: there is no further code before the next."
        )
    if effect.whole:
        until_end = datetime.fromtimestamp((slot + 2) * SLOT, UTC)
        reference = consent.differences.keep(caller.principal, effect.whole, until_end, api.now())
        goes = 2 * sum(line.endswith(" → gone") for line in effect.whole) > len(effect.whole)
        what = "All that goes, property by property" if goes else "Every change, value by value"
        count = units.plural(len(effect.whole), "line")
        lines.append(f"{what} ({count}): preview_call with reference {reference}.")
    result = refusals.text(lines, consent.settings, is_error=bool(reason))
    event = "refusal" if reason else "preview"
    refusals.record(consent, event, evaluation, caller, reason, refusals.text_of(result))  # type: ignore[arg-type]
    if change:
        result.structured_content = {"change": change.id}
    return result


async def _new_code(consent: Consent, evaluation: Evaluation, slot: int) -> str | None:
    """The code for it in a slot, remembered as shown; None after too many uses."""
    code = await codes.next_code(consent.keys, evaluation.call, slot, consent.store)
    if code is not None:
        issued_codes.remember(consent.issued, code, issued_codes.digested(consent.keys[0], evaluation.call))
    return code


def _card_words(change: cards.Change) -> list[str]:
    until = datetime.fromtimestamp(change.created + cards.WAITING_SECONDS, UTC)
    return [
        f"A card asks the person, who alone can confirm it, until {until:%H:%M} UTC; no code does.",
        f'Then change_status change="{change.id}" says what came of it (seconds: 25 waits for it).',
        "If they see no card, ask change_status all the same: it says how to go on.",
    ]


async def open_card(
    consent: Consent, api: ApiClient, proposal: Proposal, caller: Caller
) -> tuple[Evaluation, cards.Opening | None]:
    """A change as it is now, and what its card is to be given; None where there is nothing to confirm any more.

    `action` and `typed` of the opening are for whoever renders it.
    """
    now = api.now()
    evaluation = await evaluate(proposal, caller, now, await consent.store.reserved(now))
    refusals.record(consent, "question", evaluation, caller, text=evaluation.text)
    effect, slot = evaluation.statement, codes.slot_of(now)
    if effect.forbidden or not roles.role_allows_danger(caller.role, effect.danger):
        return evaluation, None
    code = await _new_code(consent, evaluation, slot)
    if code is None:
        return evaluation, None
    until = float((slot + 2) * SLOT)
    return evaluation, cards.Opening("", code, proposal.arguments, "", "", now.timestamp(), until)
