"""Phrases found in words: the small language in which the tables of `vocabulary` are written.

`a/b` is a choice, `_` a space within a choice, `..` up to seven words of one sentence, `~` a name, `<policy>` where a
noun of that meaning ends. A word in its base form matches all its forms; articles may stand between.
No regular expressions: to compile those of all tables takes longer than a first answer may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from . import vocabulary
from .words import NAME, Word

GAP, WIDEST = "..", 7
ENDS = frozenset(".;?!")
ARTICLES = frozenset(vocabulary.ARTICLES.split())
Step = tuple[tuple[str, ...], ...]  # choices, each of one word or more; empty: a gap


class Row(NamedTuple):
    """What the phrases of a row mean, and how surely."""

    order: int
    meaning: str
    weight: float


class Match(NamedTuple):
    """Where a row was found: the words from `start` to before `end`."""

    row: Row
    start: int
    end: int


@cache
def rows(kind: str) -> list[tuple[Row, list[str], list[str]]]:
    """The rows of this kind, with their verbs and their phrases."""
    out = []
    for n, line in enumerate(vocabulary.WORDS.splitlines()):
        head, _, text = line.partition(": ")
        verbs, _, phrases = text.rpartition("|")
        match head.split():
            case [row_kind, *rest] if row_kind == kind:
                meaning, weight = (*rest, "1", "1")[:2]
                out.append((Row(n, meaning, float(weight)), verbs.split(), phrases.strip().split(", ")))
    return out


@cache
def _heads(kind: str) -> dict[str, list[tuple[Row, tuple[Step, ...]]]]:
    """Rows of this kind and their phrases, by the word that a phrase begins with."""
    heads: dict[str, list[tuple[Row, tuple[Step, ...]]]] = {}
    for row, _, phrases in rows(kind):
        for phrase in filter(None, phrases):
            steps = tuple(
                () if word == GAP else tuple(tuple(choice.split("_")) for choice in word.split("/"))
                for word in phrase.split()
            )
            for choice in steps[0]:
                heads.setdefault(choice[0], []).append((row, steps))
    return heads


def matches(kind: str, words: Sequence[Word]) -> Iterator[Match]:
    """All rows of this kind that stand in the words: each beginning with the longest phrase that stands there."""
    for start, word in enumerate(words):
        longest: dict[Row, int] = {}
        for head in {word.text, word.base, word.thing, *([NAME] if word.name else ())}:
            for row, steps in _heads(kind).get(head, ()):
                longest[row] = max(longest.get(row, 0), _end(steps, words, start))
        yield from (Match(row, start, end) for row, end in longest.items() if end)


def _end(steps: tuple[Step, ...], words: Sequence[Word], place: int, *, inside: bool = False) -> int:
    """Where the steps end that begin at this place; 0 if they do not stand there."""
    if not steps:
        return place
    if not steps[0]:
        for skipped in range(place, min(place + WIDEST, len(words)) + 1):
            end = _end(steps[1:], words, skipped, inside=True)
            if end or (skipped < len(words) and words[skipped].text in ENDS):
                return end
        return 0
    ends = [
        _end(steps[1:], words, place + len(choice), inside=True)
        for choice in steps[0]
        if place + len(choice) <= len(words) and all(map(_is, choice, words[place : place + len(choice)]))
    ]
    if inside and place < len(words) and words[place].text in ARTICLES:
        ends.append(_end(steps, words, place + 1, inside=True))
    return max(ends, default=0)


def _is(wanted: str, word: Word) -> bool:
    return wanted in (word.text, word.base, word.thing) or (wanted == NAME and word.name)
