"""Which tools answer a question: BM25 over names, titles, descriptions and arguments.

Two things besides: a question ranks reads first, an order ranks the tools of its verb; and a tool whose name speaks of
things that the question does not mention stands back ("VM backups" is not "VM protection group backups").
Knows tools and their words. Must know nothing of MCP or HTTP.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenlake_backup_mcp.catalog import Tool

from . import vocabulary
from .vocabulary import Reading

NAME, TITLE, DESCRIPTION, ARGUMENT = 3.0, 1.5, 1.0, 0.4  # what a word is worth by where it stands
SATURATION = 1.5  # k1 of BM25
HALF = 0.5  # weight of a word that is only near to what was asked
LESSER = 0.7  # the second of such words
FADING = 0.9  # what is said first is what it is about
UNASKED = 0.5  # how much a noun of the name counts against the tool when the question lacks it
AGREES, ASKED, SINGULAR = 3.0, 2.0, 1.2


@dataclass(frozen=True)
class Entry:
    """A tool as the ranking sees it."""

    tool: Tool
    terms: Mapping[str, float]
    nouns: frozenset[str]
    head: str  # the last of them
    verb: str


@dataclass(frozen=True)
class Index:
    """All tools, and how rare each word is among them."""

    entries: tuple[Entry, ...]
    rarity: Mapping[str, float]


def index(tools: Iterable[Tool]) -> Index:
    """The index of these tools."""
    entries = tuple(_entry(tool) for tool in tools)
    found = Counter(term for entry in entries for term in entry.terms)
    return Index(entries, {term: math.log(1 + (len(entries) - n + 0.5) / (n + 0.5)) for term, n in found.items()})


def rank(known: Index, question: str, most: int = 5) -> list[Tool]:
    """The tools that fit best, best first; none for a question that shares no word with any."""
    asked = vocabulary.read(question)
    weights = _weights(asked)
    scored = [(_score(known, entry, asked, weights), -n) for n, entry in enumerate(known.entries)]
    best = sorted((s for s in scored if s[0] > 0), reverse=True)[:most]
    return [known.entries[-n].tool for _, n in best]


def _entry(tool: Tool) -> Entry:
    verb, _, rest = tool.name.partition("_")
    nouns = vocabulary.concepts(rest)
    terms: Counter[str] = Counter()
    for words, weight in (
        (nouns, NAME),
        (vocabulary.concepts(tool.title), TITLE),
        (vocabulary.concepts(_without_neighbours(tool.description)), DESCRIPTION),
        ({w for a in tool.arguments.values() if a.place != "ours" for w in vocabulary.concepts(a.name)}, ARGUMENT),
    ):
        for word in words:
            terms[word] += weight  # type: ignore[assignment]  # typeshed's Counter counts in int
    return Entry(tool, terms, frozenset(nouns), nouns[-1] if nouns else "", verb)


def _without_neighbours(description: str) -> str:
    """The sentences that speak of the tool itself: "Array copies: list_vm_snapshots." speaks of another."""
    return " ".join(s for s in description.split(". ") if not re.search(r"[a-z]_[a-z]", s.partition(":")[2]))


def _weights(asked: Reading) -> dict[str, float]:
    weights = {
        near: HALF * LESSER**n for word in asked.concepts for n, near in enumerate(vocabulary.NEAR.get(word, ()))
    }
    for place, word in enumerate(asked.concepts):
        weights[word] = max(FADING**place, HALF, weights.get(word, 0))
    return weights


def _score(known: Index, entry: Entry, asked: Reading, weights: Mapping[str, float]) -> float:
    score = sum(
        weight * known.rarity[word] * entry.terms[word] / (entry.terms[word] + SATURATION)
        for word, weight in weights.items()
        if word in entry.terms
    )
    score -= UNASKED * sum(known.rarity[noun] for noun in entry.nouns if noun not in weights)
    if entry.verb in asked.orders:
        score += AGREES * asked.orders[entry.verb]
    if score > 0 and asked.asks and entry.verb in vocabulary.PROBES and entry.verb in asked.orders:
        score += ASKED
    if score > 0 and asked.asks and entry.verb in vocabulary.READS:
        score += ASKED + (SINGULAR if (entry.head in asked.singled) == (entry.verb == "get") else 0)
    return score
