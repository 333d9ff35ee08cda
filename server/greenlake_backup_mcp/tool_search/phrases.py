"""Phrases found in words: the small language in which the tables of `vocabulary` are written.

`a/b` is a choice, `_` a space within a choice, `..` up to seven words of one sentence, and the last word may be plural.
No regular expressions: to compile those of all tables takes longer than a first answer may.
Knows the language. Must know nothing of what the phrases mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

GAP, WIDEST = "..", 7
ENDS = frozenset(".;?!")
Step = tuple[tuple[str, ...], ...]  # choices, each of one word or more; empty: a gap


@dataclass(frozen=True)
class Match:
    """Where a row was found: the words from `start` to before `end`."""

    row: int
    start: int
    end: int
    plural: bool


@dataclass(frozen=True)
class Table:
    """Rows of phrases, by the word that a phrase begins with."""

    heads: Mapping[str, Sequence[tuple[int, str]]]


def table(rows: Iterable[str]) -> Table:
    """The table of these rows; the phrases of a row are parted by commas."""
    heads: dict[str, list[tuple[int, str]]] = {}
    for row, phrases in enumerate(rows):
        for phrase in phrases.split(", "):
            for choice in phrase.split(" ", 1)[0].split("/"):
                heads.setdefault(choice.split("_", 1)[0], []).append((row, phrase))
    return Table(heads)


def matches(vocabulary: Table, words: Sequence[str]) -> Iterator[Match]:
    """All rows that stand in the words: each beginning with the longest phrase that stands there."""
    for start, word in enumerate(words):
        longest: dict[int, Match] = {}
        for head in dict.fromkeys((word, *_singular(word))):
            for row, phrase in vocabulary.heads.get(head, ()):
                end, plural = _end(_steps(phrase), words, start)
                if end > (longest[row].end if row in longest else start):
                    longest[row] = Match(row, start, end, plural)
        yield from longest.values()


def rows(vocabulary: Table, words: Sequence[str]) -> frozenset[int]:
    """Which rows stand in the words."""
    return frozenset(match.row for match in matches(vocabulary, words))


@cache
def _steps(phrase: str) -> tuple[Step, ...]:
    """What the phrase says; not before a text has its first word."""
    return tuple(
        () if word == GAP else tuple(tuple(choice.split("_")) for choice in word.split("/")) for word in phrase.split()
    )


def _end(steps: tuple[Step, ...], words: Sequence[str], place: int) -> tuple[int, bool]:
    """Where the steps end that begin at this place, 0 if they do not stand there; whether the last word is plural."""
    if not steps:
        return place, False
    if not steps[0]:
        for skipped in range(place, min(place + WIDEST, len(words)) + 1):
            rest = _end(steps[1:], words, skipped)
            if rest[0]:
                return rest
            if words[skipped : skipped + 1] and words[skipped] in ENDS:
                break
        return 0, False
    best = (0, False)
    for choice in steps[0]:
        there = words[place : place + len(choice)]
        exact = tuple(there) == choice
        plural = len(steps) == 1 and not exact and len(there) == len(choice) and (
            tuple(there[:-1]) == choice[:-1] and choice[-1] in _singular(there[-1])
        )  # fmt: skip
        if exact or plural:
            end, many = _end(steps[1:], words, place + len(choice))
            best = max(best, (end, many or plural or (len(steps) == 1 and there[-1].endswith("ies"))))
    return best


def _singular(word: str) -> tuple[str, ...]:
    if not word.endswith("s"):
        return ()
    return (word[:-1], word[:-2]) if word.endswith("es") else (word[:-1],)
