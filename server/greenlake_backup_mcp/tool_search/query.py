"""How a question is read: what it is about, what is to be done, and whether it asks or orders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import phrases, vocabulary, words
from .phrases import Match
from .words import Word

KINDS = ("backup", "snapshot")
COPY = "copy"  # either kind
PARTS = (*KINDS, COPY, "disk", "file", "nic")  # of an asset
ASSETS = ("vm", "datastore", "database", "vm_group", "sql_group", "volume_group", "instance", "app_host", "group")
PROBES = ("size", "check", "ping", "traceroute", "wait", "support", "totp", "console", "remote")  # may be questions
LATER, BESIDE, ASKED = 0.85, 0.7, 1.5  # a thing named after others; one that says where ("on the host"); "which VMs"
FIRST, BEGINS, AMID, LESSER, BOTH = 1.1, 1.0, 0.5, 0.9, 0.15  # where a verb stands; its lesser meaning; another sign
QUESTION, PLAIN, ORDER = 1.0, 0.7, 0.3  # how surely it asks
IN_QUESTION = 0.25  # a verb within a question is rarely an order
ENOUGH = 0.5  # to imply something else
FROM_NAME = 0.7  # a name gives a thing away: weak, for names are free

_ASKED = re.compile(r"\b(which|what|list|show|display|any|many)( (me|all|the|our|of|are|is|my|vsphere|open|how))* $")


@dataclass
class Reading:
    """What a text says, each with how surely; in `one` above 0: one such thing is meant, below: several."""

    subjects: dict[str, float] = field(default_factory=dict)
    one: dict[str, float] = field(default_factory=dict)
    orders: dict[str, float] = field(default_factory=dict)
    estate: dict[str, float] = field(default_factory=dict)  # tools over the estate
    asks: float = PLAIN
    words: tuple[str, ...] = ()

    def add(self, meaning: str, weight: float) -> None:
        """Means the thing at least so surely."""
        self.subjects[meaning] = max(self.subjects.get(meaning, 0), weight)

    def sure(self, condition: str) -> float:
        """How surely a condition of the table IMPLIED holds: `a/b` of things and orders, `!a` for its contrary."""
        if condition.startswith("!"):
            return float(self.sure(condition[1:]) < ENOUGH)
        meant = ASSETS if condition == "asset" else condition.split("/")
        return max(self.asks if m == "asks" else max(self.subjects.get(m, 0), self.orders.get(m, 0)) for m in meant)


def read(question: str) -> Reading:
    """The reading of a question or order."""
    whole = words.plain(question)
    text = whole[_polite(whole) :]
    speech = list(phrases.matches("manner", text))
    manner = {match.row.meaning for match in speech}
    nouns = find_nouns(text)
    for noun in nouns:
        meaning = "group" if noun.row.meaning.endswith("group") else noun.row.meaning
        text[noun.end - 1] = text[noun.end - 1]._replace(thing=f"<{meaning}>")
    out = Reading(words=tuple(words.stems(text)))
    for place, noun in enumerate(nouns):
        _read_noun(out, noun, place, text, manner)
    for match in phrases.matches("hint", text):
        if match.row.meaning not in KINDS or out.subjects.keys() & {*KINDS, COPY}:
            out.add(match.row.meaning, match.row.weight)
    names = {phrase: row for kind in ("noun", "name") for row, _, texts in phrases.rows(kind) for phrase in texts}
    for part in {part for word in text if word.name for part in re.split(r"[^a-z]+", word.text)} & names.keys():
        out.add(names[part].meaning, names[part].weight * FROM_NAME)
        out.one.setdefault(names[part].meaning, 1.0)
    _read_orders(out, text, nouns, wished="wish" in manner)
    for row in {match.row for match in phrases.matches("estate", whole)}:
        out.estate[row.meaning] = out.estate.get(row.meaning, 0) + row.weight
    if any(match.row.meaning == "asks" and match.start == 0 for match in speech):
        out.orders = {order: w if order in PROBES else w * IN_QUESTION for order, w in out.orders.items()}
        out.asks = 0.5 if any(out.orders.get(order, 0) >= 1 for order in PROBES) else QUESTION
    elif max(out.orders.values(), default=0) >= 0.4:
        out.asks = ORDER
    _imply(out, understood=any(word.name or word.base in words.known_words() for word in text))
    if "named" in manner:
        out.one = dict.fromkeys(out.one, -1.0)
    return out


def _polite(text: Sequence[Word]) -> int:
    """How many words at the beginning say nothing of the matter: "please, could you"."""
    adverb = int(len(text) > 1 and len(text[0].text) > 5 and text[0].text.endswith("ly"))
    end = max((m.end for m in phrases.matches("polite", text[:7]) if not m.start), default=adverb)
    return end + _polite(text[end:]) if end else 0


def find_nouns(text: Sequence[Word]) -> list[Match]:
    """The things that the words name, in their order; the longest phrase takes its words from the others."""
    text = [word if word.plural else Word(word.text, word.text) for word in text]
    nouns: list[Match] = []
    for match in sorted(phrases.matches("noun", text), key=lambda m: (m.start - m.end, m.row.order)):
        if all(match.end <= n.start or n.end <= match.start for n in nouns):
            nouns.append(match)
    return sorted(nouns, key=lambda m: m.start)


def _read_noun(out: Reading, noun: Match, place: int, text: Sequence[Word], manner: set[str]) -> None:
    """What the noun says of its thing: how surely it is meant, and whether one of them or several."""
    meaning, plural = noun.row.meaning, text[noun.end - 1].plural
    before, after = [word.text for word in text[: noun.start]], text[noun.end : noun.end + 1]
    weight = noun.row.weight
    if meaning not in (*KINDS, COPY):
        where = next((word for word in reversed(before) if word not in phrases.ARTICLES | {"another", "new"}), "")
        asked = plural and _ASKED.search(" ".join([*before, ""]))
        weight *= LATER**place * (BESIDE if where in vocabulary.PLACES.split() else 1) * (ASKED if asked else 1)
    out.add(meaning, weight)
    if plural:
        one = -1.0
    elif set(vocabulary.SINGLES.split()).intersection(before[-3:]) or (
        after and (after[0].name or after[0].text.isdigit())
    ):
        one = 1.0
    elif "one" in manner or ("many" not in manner and before[-1:] in (["the"], ["our"], ["my"])):
        one = 0.5
    else:
        one = -1.0 if "many" in manner else 0.0
    if one and (meaning not in out.one or one == 1):
        out.one[meaning] = one


def _read_orders(out: Reading, text: Sequence[Word], nouns: Sequence[Match], *, wished: bool) -> None:
    """What is to be done, by verbs and by phrases; the first meaning of a verb is its usual one."""
    for place, word in enumerate(text):
        before = [word.text for word in text[max(0, place - 2) : place]]
        past = word.base != word.text and not word.text.endswith(("s", "ing"))
        passive = past and before[-1:] == ["be"]
        named = place or (text[1:2] and text[1].name)
        noun = any(n.start <= place < n.end and (named or n.end > 1) for n in nouns)
        if noun or word.plural or "not" in before or (past and not (wished or passive)):
            continue
        weight = FIRST if not place else BEGINS if passive or before[-1] in vocabulary.BEFORE_VERBS.split() else AMID
        for n, order in enumerate(row.meaning for row, verbs, _ in phrases.rows("order") if word.base in verbs):
            out.orders[order] = max(out.orders.get(order, 0), weight * (LESSER if n else 1))
    for match in phrases.matches("order", text):
        if not match.start or text[match.start - 1].text != "not":
            out.orders[match.row.meaning] = max(out.orders.get(match.row.meaning, 0) + BOTH, match.row.weight)


def _imply(out: Reading, *, understood: bool) -> None:
    """What is meant beside what is named, by the table IMPLIED; who names no kind of asset speaks of a VM."""
    for row in vocabulary.IMPLIED.strip().splitlines():
        conditions, effects = (side.split(", ") for side in row.split(" => "))
        if min(out.sure(condition) for condition in conditions) < ENOUGH:
            continue
        groups = [condition.split("/") for condition in conditions]
        order = min((1.0, *(max(out.orders.get(part, 0) for part in parts) or 1 for parts in groups)))
        for meaning, weight in (effect.split() for effect in effects):
            if weight.startswith("*"):
                out.subjects[meaning] = out.subjects.get(meaning, 0) * float(weight[1:])
                out.orders[meaning] = out.orders.get(meaning, 0) * float(weight[1:])
                continue
            out.add(meaning, float(weight) * order)
            for one in (out.one[part] for parts in groups for part in parts if part in out.one):
                out.one.setdefault(meaning, one)
    if out.asks >= PLAIN and any(one >= 1 for thing, one in out.one.items() if thing not in KINDS):
        for thing in out.subjects.keys() - {*KINDS, COPY, "job", "task"}:  # asked for what one thing has: it is meant
            out.subjects[thing] *= 1 if out.one.get(thing, 0) >= 0.5 else 0.6
    if understood and all(sure < PLAIN or thing in PARTS for thing, sure in out.subjects.items()):
        out.add("vm", 0.6)
