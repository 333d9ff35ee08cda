"""Changes that wait for a person's own hand in a card of their client (MCP Apps), and what became of each.

A model sees a public reference. What consents is a proof: an HMAC over a nonce that only an opened card was given,
under a key that only the card's HTML holds. The first answer settles a change, a bad one too.
Knows nothing of HTML, HTTP or MCP; what is stored is sealed, since arguments may hold passwords.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from greenlake_backup_mcp.errors import InputError, PolicyRefusal

from . import codes
from .elicitation import READING_SECONDS
from .proposals import Caller, Consent, Evaluation

WAITING_SECONDS = 600  # in which a change can be answered
REMEMBERED_SECONDS = 3600  # in which its outcome can be asked for
GRACE_SECONDS = 20  # after which a card that did not open may be believed not to open
RUNNING_SECONDS = 600  # beyond the wait, after which what is being carried out is taken to be broken off
MOST_WAITING = 5  # changes of one caller; older ones give way, so that nobody is flooded with cards
BLANK_SECONDS = 90 * 86_400.0  # how long it is remembered that a client's cards do not open
BURNT = "Only the card itself can answer. This change is cancelled; nothing was sent."


class State(StrEnum):
    """How a change stands."""

    WAITING = "waiting"
    RUNNING = "running"
    ANSWERED = "carried out"  # what came of it is in its text
    UNKNOWN = "of unknown outcome"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # by a bad proof, or because no card opened
    REPLACED = "replaced"


@dataclass(frozen=True)
class Change:
    """A call that a person is to confirm in a card, by its public reference."""

    id: str
    tool: str
    arguments: Mapping[str, Any]
    principal: str
    client: str
    created: float  # seconds since 1970


@dataclass(frozen=True)
class Opening:
    """What the card that was opened last was given, and shows."""

    nonce: str
    code: str  # of exactly what it shows; it never leaves this server
    arguments: Mapping[str, Any]  # of the change, without the rows that the person took out
    action: str  # what Confirm does, in a sentence
    typed: str  # what the person must type first; "" for nothing
    opened: float
    until: float


@dataclass(frozen=True)
class Standing:
    """How a change stands, and what is to be told of it."""

    state: State
    text: str = ""
    is_error: bool = False


BROKEN_OFF = Standing(
    State.UNKNOWN,
    "It was broken off while it was carried out; the outcome is unknown. Read the resource, do not repeat it.",
    is_error=True,
)


def view_key(key: bytes) -> str:
    """What the card's HTML holds, from a key of cards."""
    return hmac.new(key, b"card", hashlib.sha256).hexdigest()


def proof(key: bytes, change: str, opening: Opening, answer: str) -> str:
    """The proof of an answer to what an opened card shows."""
    parts = (opening.nonce, change, answer, opening.action, opening.typed)
    return hmac.new(view_key(key).encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


async def propose(consent: Consent, evaluation: Evaluation, caller: Caller, now: datetime) -> Change:
    """A new change; the same one that waits already, and the oldest beyond MOST_WAITING, are replaced."""
    moment, proposal = now.timestamp(), evaluation.proposal
    reference = f"chg_{secrets.token_urlsafe(12)}"
    change = Change(reference, proposal.tool, proposal.arguments, caller.principal, caller.client, moment)
    same = codes.canonical([change.tool, change.arguments])
    others = []
    for other in await _get(consent, f"waiting {caller.principal}") or ():
        before = await _change(consent, other)
        if before is None or (await standing(consent, before, now)).state is not State.WAITING:
            continue
        if codes.canonical([before.tool, before.arguments]) == same:
            await settle(consent, before, Standing(State.REPLACED, "A newer card asks for the same."))
        else:
            others.append(before)
    while len(others) >= MOST_WAITING:
        gone = others.pop(0)
        await settle(consent, gone, Standing(State.REPLACED, "Newer cards took its place; nothing was sent."))
    await _put(consent, f"change {change.id}", asdict(change))
    await _put(consent, f"waiting {caller.principal}", [*(other.id for other in others), change.id])
    return change


async def find(consent: Consent, caller: Caller, reference: str) -> Change:
    """A change by its reference; InputError for one that is not this caller's, or of an earlier run."""
    change = await _change(consent, reference)
    if change is None or change.principal != caller.principal:
        raise InputError(
            "There is no such change for this caller: it may be of an earlier run of this server.",
            hint='Nothing waits under this reference. Call the tool again with confirm: "preview".',
        )
    return change


async def standing(consent: Consent, change: Change, now: datetime) -> Standing:
    """How a change stands now."""
    if (settled := await _get(consent, f"standing {change.id}")) is not None:
        state, words, is_error = settled
        longest = WAITING_SECONDS + consent.settings.wait + RUNNING_SECONDS  # confirmed at the last moment
        if state == State.RUNNING and now.timestamp() > change.created + longest:  # its process was killed
            return BROKEN_OFF
        return Standing(State(state), words, is_error)
    if now.timestamp() > change.created + WAITING_SECONDS:
        return Standing(State.EXPIRED, "Nobody answered in time; nothing was sent.")
    return Standing(State.WAITING)


async def is_opened(consent: Consent, change: Change) -> bool:
    """Whether a card has opened the change."""
    return await _get(consent, f"opening {change.id}") is not None


async def open_card(consent: Consent, change: Change, opening: Opening) -> Opening:
    """Give a card what it needs to answer; an earlier opening of the change is worth nothing then."""
    fresh = replace(opening, nonce=secrets.token_urlsafe(24))
    await _put(consent, f"opening {change.id}", asdict(fresh))
    return fresh


async def answer(consent: Consent, change: Change, values: Mapping[str, Any], now: datetime) -> Opening:
    """What the person consented to, or declined; the change is running, or declined, after it.

    `values` came from the card: its answer (confirm or decline), the action and the typed words it showed, its proof.
    Raises InputError where it was answered before, PolicyRefusal for a bad proof: the change is cancelled then.
    """
    before = await standing(consent, change, now)
    if before.state is not State.WAITING:
        raise InputError(f"This change is {before.state} already; nothing more was sent. {before.text}".rstrip())
    opened = await _get(consent, f"opening {change.id}")
    opening = Opening(**opened) if opened else None
    if opening is None or not _proves(consent, change, opening, values):
        await settle(consent, change, Standing(State.CANCELLED, BURNT, is_error=True))
        raise PolicyRefusal(BURNT)
    passed = now.timestamp() - opening.opened
    if values["answer"] == "confirm" and passed < READING_SECONDS:
        await settle(consent, change, Standing(State.CANCELLED, BURNT, is_error=True))
        raise PolicyRefusal(f"Confirmed {passed:.1f} s after it was shown: no person can have read it. {BURNT}")
    if values["answer"] == "confirm":
        after = Standing(State.RUNNING, "It was confirmed and is being carried out.")
    else:
        after = Standing(State.DECLINED, "The person declined; nothing was sent. Do not try again unless they ask.")
    if not await settle(consent, change, after):
        raise InputError("This change was answered already; nothing more was sent.")
    return opening


def _proves(consent: Consent, change: Change, opening: Opening, values: Mapping[str, Any]) -> bool:
    confirms = values["answer"] == "confirm"
    same = values.get("action", "") == opening.action and (not confirms or values.get("typed", "") == opening.typed)
    view = opening if confirms else replace(opening, typed="")
    proofs = [proof(key, change.id, view, values["answer"]).encode() for key in consent.card_keys]
    right = [hmac.compare_digest(one, values.get("proof", "").encode()) for one in proofs]
    return same and any(right)


async def settle(consent: Consent, change: Change, after: Standing) -> bool:
    """Settle a change that waits; False where it was settled before. Atomic, also among replicas."""
    if not await consent.store.use(f"change {change.id}", REMEMBERED_SECONDS):
        return False
    await finish(consent, change, after)
    return True


async def finish(consent: Consent, change: Change, after: Standing) -> None:
    """Say how a settled change stands now."""
    await _put(consent, f"standing {change.id}", [after.state, after.text, after.is_error])


async def are_blank(consent: Consent, caller: Caller) -> bool:
    """Whether this caller's client was seen to show no cards, though it says that it does."""
    return bool(await consent.store.get(_client(caller)))


async def note_blank(consent: Consent, caller: Caller, *, blank: bool) -> None:
    """Remember that a card of this caller's client never opened, or that one did."""
    if blank != await are_blank(consent, caller):
        await consent.store.put(_client(caller), "blank" if blank else "", BLANK_SECONDS)


def _client(caller: Caller) -> str:
    who = "\n".join((caller.principal, caller.client))
    return f"cards {hashlib.sha256(who.encode()).hexdigest()[:32]}"


async def _change(consent: Consent, reference: str) -> Change | None:
    held = await _get(consent, f"change {reference}")
    return Change(**held) if held else None


async def _put(consent: Consent, name: str, value: Any) -> None:
    sealed = _seal(consent).seal(json.dumps(value).encode())
    await consent.store.put(name, sealed, REMEMBERED_SECONDS)


async def _get(consent: Consent, name: str) -> Any:
    """What is sealed under a name; None where there is nothing that this server, or a replica of it, has sealed."""
    from mcp.server.request_state import InvalidRequestState  # noqa: PLC0415

    sealed = await consent.store.get(name)
    try:
        return json.loads(_seal(consent).unseal(sealed)) if sealed else None
    except InvalidRequestState:
        return None


def _seal(consent: Consent) -> Any:
    from mcp.server.request_state import AESGCMRequestStateCodec  # noqa: PLC0415

    return AESGCMRequestStateCodec([hmac.new(key, b"seal", hashlib.sha256).digest() for key in consent.card_keys])
