"""How a question is read: what it is about, what is to be done, and whether it asks or orders.

Knows the tables of `vocabulary`. Must know nothing of tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from . import nouns, phrases, vocabulary, words
from .nouns import ASSETS, COPY, GROUPS, KINDS, PARTS, SIGNS, NounPhrase, Subjects

EVENTS = ("job", "store", "policy", "location", "task", "setting", "approval")  # asked of backups, not backups
PROBES = ("size", "check", "ping", "traceroute", "wait", *SIGNS)  # orders that may be put as a question
WHOLE = ("restore", "assign", "unassign", "suspend", "resume", "wait")  # not done to a copy
IMPLIED = 0.25  # a verb within a question is rarely an order
FIRST, BEGINS, LATER, AMID, LESSER, BOTH = 1.1, 1.0, 0.8, 0.5, 0.9, 0.15
PLAIN = 0.7  # what is surely meant

_POLITE = re.compile(
    r"^(?:(?:please|pls|hi|hello|hey|ok|okay|now|then|and|so|kindly|urgent|help)[ ,:!]+"
    r"|(?:can|could|would|will) (?:you|we|i|one|someone) (?:please )?"
    r"|how (?:do|can|could|should|would|to) ?(?:i|we|you|one)? |what is the (?:best )?way to "
    r"|(?:i|we) (?:would |d )?(?:want|need|like|have|wish|must|should)(?: you)? to "
    r"|is it possible to |is there an?y? (?:way|option|possibility|chance) to |let us |lets "
    r"|help me (?:to )?|(?:it is )?time to |go ahead and |just |\w{4,}ly (?=[a-z]))+"
)
_BEFORE = frozenset([
    ",", ";", ":", ".", "and", "then", "to", "by", "please", "pls", "must", "should",
])  # fmt: skip
_ANOTHER = re.compile(r"(?:an? )?(?:new|another|additional|second|further) ")


@dataclass(frozen=True)
class SearchQuery:
    """What a text says, each with how surely; in `one` above 0: one such thing is meant, below: several."""

    subjects: Mapping[str, float]
    kinds: Mapping[str, float]
    orders: Mapping[str, float]
    asks: float
    one: Mapping[str, float]
    words: tuple[str, ...]


@cache
def _speech() -> phrases.Table:
    return phrases.table(vocabulary.SPEECH.values())


@cache
def _find_verbs() -> phrases.Table:
    return phrases.table(row for _, _, row in vocabulary.ORDERS)


def parse_query(question: str) -> SearchQuery:
    """The reading of a question or order."""
    text = _POLITE.sub("", " ".join(words.plain(question))).split()
    matches = [(tuple(vocabulary.SPEECH)[m.row], m.start) for m in phrases.matches(_speech(), text)]
    meanings = frozenset(meaning for meaning, _ in matches)
    noun_phrases = nouns.find_nouns(text)
    what = nouns.find_subjects(text, noun_phrases, meanings)
    orders = _orders(text, noun_phrases, "wish" in meanings)
    begins = any(meaning == "asks" and start == 0 for meaning, start in matches)
    asks = _asks(text, begins, max(orders.values(), default=0))
    if asks >= LESSER:
        orders = {o: w if o in PROBES else w * IMPLIED for o, w in orders.items()}
        asks = 0.5 if any(orders.get(o, 0) >= 1 for o in PROBES) else asks
        _events(what, noun_phrases, text)
    if asks < LESSER:
        _settle(what, orders, noun_phrases)
    if asks >= 0.5:
        _has_word(what)
    _default(what, noun_phrases, text)
    if "named" in meanings:
        what.one = dict.fromkeys(what.one, -1.0)
    return SearchQuery(what.subjects, what.kinds, orders, asks, what.one, tuple(words.stems(text)))


def _orders(text: Sequence[str], noun_phrases: Sequence[NounPhrase], wished: bool) -> dict[str, float]:
    """What is to be done, by verbs and by phrases."""
    orders: dict[str, float] = {t.meaning: 1.0 for t in noun_phrases if t.meaning in SIGNS}
    for place, word in enumerate(text):
        base, form = words.lemma(word)
        before = text[place - 1] if place else ""
        noun = any(t.start <= place < t.end and (place or t.end > 1 or t.single >= 1) for t in noun_phrases)
        passive = form == "ed" and before == "be"
        if base not in words.verbs() or noun or before == "not" or (form == "ed" and not (wished or passive)):
            continue
        begins = passive or not place or before in _BEFORE
        weight = FIRST if not place else BEGINS if begins else AMID
        for n, order in enumerate(words.verbs()[base]):
            orders[order] = max(orders.get(order, 0), weight * (1 if n == 0 else LESSER))
    for row in sorted(phrases.rows(_find_verbs(), text)):
        sure, order, _ = vocabulary.ORDERS[row]
        orders[order] = max(orders.get(order, 0) + BOTH, sure)
    if _ANOTHER.match(" ".join(text)):
        orders["create"] = max(orders.get("create", 0), 0.85)
    return orders


def _asks(text: Sequence[str], begins: bool, order: float) -> float:
    """How surely this asks: 1 for a question, less for words without a verb, little for an order."""
    if begins or (text and text[0] in vocabulary.ASKS):
        return 1.0
    return PLAIN if order < 0.4 else 0.3


def _events(what: Subjects, noun_phrases: Sequence[NounPhrase], text: Sequence[str]) -> None:
    """Asked whether backups ran, where they are kept and how long: that is not about single copies."""
    main = next((t for t in noun_phrases if not t.beside), None)
    assets = any(t.meaning in ASSETS for t in noun_phrases)
    about = main is not None and main.meaning in EVENTS and not assets
    copies = any(t.meaning == COPY for t in noun_phrases)
    if about or (not copies and max(what.sure(event) for event in EVENTS) >= 0.6):
        owned = assets or any(w.startswith(words.NAME) for w in text)
        what.kinds = {kind: weight * 0.3 for kind, weight in what.kinds.items()} if owned else {}


def _settle(what: Subjects, orders: dict[str, float], noun_phrases: Sequence[NounPhrase]) -> None:
    """Decides between meanings of an order by what it is given for, and the other way round."""
    best = max(orders.values(), default=0)
    if orders.get("suspend", 0) <= orders.get("expiry", 0) and any(what.one.get(k, 0) >= 0.5 for k in what.kinds):
        orders.pop("suspend", None)  # "hold this backup"
    elif orders.get("suspend", 0) > PLAIN and any(what.one.get(k, 0) < 0 for k in what.kinds):
        orders.pop("expiry", None)  # "hold the backups"
    if orders.get("group", 0) >= LESSER:
        for member, group in GROUPS.items():
            if what.sure(member) >= 0.5:
                what.add(group, 1.2)
    if orders.get("restore", 0) >= LESSER and max(what.sure("instance"), what.sure("app_host")) >= 0.6:
        what.add("database", 1.2)
    policy = any(t.meaning == "policy" for t in noun_phrases) and not any(t.meaning in ASSETS for t in noun_phrases)
    if policy and max(orders.get(o, 0) for o in ("expiry", "update", "replace")) >= best:
        what.add("policy", 1.2)
        what.kinds = {}
    elif what.sure("policy") >= 0.95 and any(orders.get(o, 0) >= LATER for o in ("create", "update", "replace")):
        orders.pop("run", None)
        what.kinds = {}
    if orders.get("refresh", 0) >= LESSER:
        _investigates(what)
    if best >= PLAIN and any(orders.get(order, 0) >= best for order in WHOLE):
        what.kinds = {kind: weight * 0.3 for kind, weight in what.kinds.items()}


def _investigates(what: Subjects) -> None:
    """What is new is found by looking at what holds it."""
    for inner, outer in vocabulary.INSIDE:
        if what.sure(outer) >= 0.4 and inner in what.subjects:
            what.subjects[inner] *= 0.5
            what.add(outer, 1.0)


def _has_word(what: Subjects) -> None:
    """Asked for what one thing has: the thing is meant, not all of what it has."""
    for owner, parts in vocabulary.HAS.items():
        if what.sure(owner) >= 0.5 and what.one.get(owner, 0) >= PLAIN:
            for part in parts.split():
                if what.sure(part) and what.one.get(part, 0) < 0.5:
                    what.subjects[part] *= 0.6
                    what.add(owner, 1.2)


def _default(what: Subjects, noun_phrases: Sequence[NounPhrase], text: Sequence[str]) -> None:
    """Who names no kind of asset speaks of a VM, unless nothing at all was understood."""
    if not (what.subjects or what.kinds or words.known_words().intersection(text)):
        return
    named = any(w.startswith(words.NAME) for w in text)
    asset = any(what.sure(t) >= 0.5 for t in ASSETS)
    other = max((weight for thing, weight in what.subjects.items() if thing not in PARTS), default=0)
    if not what.subjects or (not asset and (what.kinds or named) and other < PLAIN):
        what.add("vm", 0.6)
    elif not asset and any(t.meaning == COPY for t in noun_phrases) and any(what.kinds.get(k, 0) for k in KINDS):
        what.add("vm", 0.8)
