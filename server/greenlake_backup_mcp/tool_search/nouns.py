"""What a question is about: the things it names or hints at, the kinds of copy, and whether one of them or many.

Knows the tables of things. Must know nothing of tools, nor of what is to be done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from . import phrases, vocabulary
from .words import NAME

KINDS = ("backup", "snapshot")
COPY = "copy"  # either kind
EITHER = {"backup": 0.9, "snapshot": 0.7}  # a "copy" is rather a backup
ASSETS = frozenset([
    "vm", "datastore", "database", "vm_group", "sql_group", "volume_group", "instance", "app_host", "group",
])  # fmt: skip
PARTS = ("disk", "file", "nic")
SIGNS = ("support", "totp", "console", "remote", "check")  # as good as an order, and take no words away
GROUPS = {
    "vm": "vm_group", "tag": "vm_group", "folder": "vm_group", "datastore": "vm_group",
    "database": "sql_group", "ag": "sql_group", "instance": "sql_group", "volume": "volume_group",
}  # fmt: skip
LATER = 0.85  # what is said later is less what it is about
BESIDE = 0.7  # "on the host", "in vCenter": where, not what; "vCenter" in "vCenter tags"
ASKED = 1.3  # "which VMs"
UNPROTECTED, MEMBERED, UNSURE = 0.75, 0.6, 0.6

_PLACE = frozenset([
    "on", "in", "at", "to", "into", "via", "under", "onto", "by", "behind", "over", "inside", "within",
    "through", "against",
])  # fmt: skip
_ARTICLE = frozenset([
    "the", "a", "an", "our", "my", "this", "that", "its", "another", "new",
])  # fmt: skip
_ASKED = frozenset(["which", "what", "list", "show", "display", "any", "many"])
_BETWEEN = frozenset([
    "me", "all", "the", "our", "of", "are", "is", "my", "vsphere", "open", "how",
])  # fmt: skip
_MEASURES = re.compile(r"days?|weeks?|months?|years?|hours?|[tgm]i?b|minutes?|times|percent|vms?|of")


@dataclass(frozen=True)
class NounPhrase:
    """A thing that the words name, and how."""

    meaning: str
    start: int
    end: int
    plural: bool
    single: float  # how surely one is meant: a name or id follows, "this" stands before it
    beside: bool
    owned: bool  # "and all of its backups"
    asked: bool


@dataclass
class Subjects:
    """How surely each thing and kind is meant; above 0 in `one`: one such thing, below: several."""

    subjects: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, float] = field(default_factory=dict)
    one: dict[str, float] = field(default_factory=dict)

    def add(self, meaning: str, weight: float) -> None:
        """Means the thing at least so surely."""
        self.subjects[meaning] = max(self.subjects.get(meaning, 0), weight)

    def sure(self, meaning: str) -> float:
        """How surely the thing is meant."""
        return self.subjects.get(meaning, 0)


@cache
def _named() -> phrases.Table:
    return phrases.table(row for _, row in vocabulary.THINGS)


@cache
def _hinted() -> phrases.Table:
    return phrases.table(row for _, _, row in vocabulary.HINTS)


def find_nouns(words: Sequence[str]) -> list[NounPhrase]:
    """The things that the words name, in their order; a row of the table takes its words from the later rows."""
    matches: list[phrases.Match] = []
    taken: set[int] = set()
    for match in sorted(phrases.matches(_named(), words), key=lambda m: (m.row, m.start - m.end, m.start)):
        span = range(match.start, match.end)
        sign = vocabulary.THINGS[match.row][0] in SIGNS
        if taken.isdisjoint(span) and not (sign and any(m.row == match.row for m in matches)):
            matches.append(match)
            taken.update(() if sign else span)
    return [_noun(match, words) for match in sorted(matches, key=lambda m: (m.start, m.end))]


def find_subjects(words: Sequence[str], phrases_: Sequence[NounPhrase], meanings: frozenset[str]) -> Subjects:
    """What it is about, by what is named, hinted at, and by names that give a thing away."""
    what = Subjects()
    for place, thing in enumerate(phrases_):
        _weigh(what, thing, place)
    for row in phrases.rows(_hinted(), words):
        weight, meaning, _ = vocabulary.HINTS[row]
        if meaning not in KINDS:
            what.add(meaning, weight)
        elif what.kinds:
            what.kinds[meaning] = max(what.kinds.get(meaning, 0), weight)
    _one(what, phrases_, meanings)
    for name in (w for w in words if w.startswith(NAME)):
        for part in re.split(r"[^a-z]+", name[1:]):
            meaning, weight = vocabulary.NAME_HINTS.get(part, ("", 0.0))
            if meaning:
                what.add(meaning, weight)
                what.one.setdefault(meaning, 1.0)
    _group(what)
    return what


def _noun(match: phrases.Match, words: Sequence[str]) -> NounPhrase:
    meaning = vocabulary.THINGS[match.row][0]
    before, after = list(words[: match.start]), list(words[match.end : match.end + 2])
    last = before[-2:] if before[-1:] and before[-1] in _ARTICLE else ["", *before[-1:]]
    where = last[0] or last[-1]
    pointed = not vocabulary.SINGLE.isdisjoint(before[-3:])
    named = (after[:1] and after[0].startswith(NAME)) or _has_number(after)
    single = (
        0.0 if match.plural else 1.0 if pointed or named else 0.5 if before[-1:] in (["the"], ["our"], ["my"]) else 0.0
    )
    beside = where in _PLACE or (where == "from" and meaning in ("store", "storeonce", "vcenter"))
    owned = "its" in before[-2:] or before[-2:] in (["with", "all"], ["including", "all"])
    return NounPhrase(
        meaning, match.start, match.end, match.plural, single, beside, owned, match.plural and _asked(before)
    )


def _asked(before: list[str]) -> bool:
    while before and before[-1] in _BETWEEN:
        before = before[:-1]
    return bool(before) and before[-1] in _ASKED


def _has_number(after: list[str]) -> bool:
    """Whether a number follows that is an id ("task 4711"), not a measure ("30 days")."""
    return after[:1] != [] and after[0].isdigit() and not (after[1:] and _MEASURES.match(after[1]))


def _weigh(what: Subjects, thing: NounPhrase, place: int) -> None:
    if thing.meaning == "bare":
        what.add("vm", UNPROTECTED)
    elif thing.meaning == COPY:
        for kind, sure in EITHER.items():
            what.kinds.setdefault(kind, 0.0 if thing.owned else sure)
    elif thing.meaning in KINDS:
        what.kinds[thing.meaning] = max(what.kinds.get(thing.meaning, 0), 0.0 if thing.owned else 1.0)
    else:
        what.add(thing.meaning, LATER**place * (BESIDE if thing.beside else 1) * (ASKED if thing.asked else 1))


def _one(what: Subjects, nouns: Sequence[NounPhrase], meanings: frozenset[str]) -> None:
    for thing in nouns:
        loose = 0.45 if "one" in meanings else 0.0
        sure = -1.0 if thing.plural or thing.asked else thing.single or loose or (-1.0 if "many" in meanings else 0.0)
        if sure:
            before = what.one.get(thing.meaning, sure)
            what.one[thing.meaning] = max(before, sure) if thing.single >= 1 else before
    if COPY in what.one:
        for kind in KINDS:
            what.one.setdefault(kind, what.one[COPY])


def _group(what: Subjects) -> None:
    """A group is one of VMs, of databases or of volumes, by what stands beside it; it outweighs its members."""
    if "group" in what.subjects:
        weight, single = what.subjects.pop("group"), what.one.pop("group", 0)
        groups = [group for member, group in GROUPS.items() if what.sure(member) >= MEMBERED]
        for group in groups or ("vm_group",):
            what.add(group, weight)
            what.one[group] = max(what.one.get(group, -1), single)
    for member, group in GROUPS.items():
        if what.sure(group) >= MEMBERED and member in what.subjects:
            what.subjects[member] *= UNSURE
