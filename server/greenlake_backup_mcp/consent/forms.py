"""Which form of yes a caller has: their client's own question, a card of their client, a text code, or none.

Must know nothing of what is consented to.
"""

from __future__ import annotations

from enum import Enum

from . import cards
from .proposals import Caller, Consent


class Form(Enum):
    """How the person consents; best first."""

    QUESTION = "question"
    CARD = "card"
    CODE = "code"
    NONE = "none"


async def choose(consent: Consent, caller: Caller) -> Form:
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
