"""Which tools answer a question: by the thing a tool works on, the kind of copy, what it does, its own words (BM25).

A tool is read by its name with the same tables as the question, so a tool of a description that nobody has seen yet is
ranked like the known ones. What a tool is for and the question does not mention counts against it.
Knows tools and their words. Must know nothing of MCP or HTTP.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import estate, nouns, query, vocabulary, words
from .nouns import KINDS
from .query import SearchQuery

NAME = 2  # how many words of a text one of the name is worth
SATURATION = 1.5  # k1 of BM25
WORDS = 0.45  # weight of plain words beside what is understood
THING, ABSENT = 5.0, 3.0
KIND, UNSAID_KIND = 2.5, 2.5
ORDER, READ = 5.0, 5.0
FITS = 1.0  # one or many, as asked
MISSING = -0.3  # neither told: rather many
PART = 1.5
OVERALL, LIKELY, UNLIKELY = 17.0, 0.4, 0.5  # a tool over the estate, where it is asked for; an order is rarely one

READS = ("list", "get")
# What a verb at the head of a tool's name answers to, besides itself; narrowed by what the name speaks of.
MEANS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"create_protection_job$", ("assign",)),
    (r"delete_protection_job$", ("unassign", "delete*")),
    (r"create_.*_group$", ("group", "create")),
    (r"create_.*_snapshot$", ("take", "run*")),
    (r"create_.*_backup$", ("upload",)),
    (r"create_.*_nic$", ("create", "members*")),
    (r"update_.*_(backup|snapshot)$", ("expiry", "update")),
    (r"update_.*_group$", ("members", "update", "rename")),
    (r"update_(application_host|mssql_instance)$", ("login", "update", "rename*")),
    (r"update_protection_policy$", ("update", "rename", "expiry*")),
    (r"update_protection_store$", ("rename", "update*")),
    (r"update_", ("update", "rename")),
    (r"recover_", ("recover", "restore*")),
    (r"power_on_", ("power",)),
    (r"\w+_support_bundle$", ("support",)),
    (r"set_\w+_remote_support$", ("remote",)),
    (r"\w+_totp$", ("totp",)),
    (r"\w+_console_user$", ("console",)),
    (r"run_plan$", ("plan",)),
)  # fmt: skip
FAINT = 0.6  # of an order marked with *
OVER = {
    "hypervisor_manager_folders": "vm folders",
    "hypervisor_manager_networks": "vm networks",
    "hypervisor_managers": "vcenters",
}


@dataclass(frozen=True)
class IndexEntry:
    """A tool as the ranking sees it."""

    tool: Tool
    terms: Mapping[str, float]
    thing: str
    parts: frozenset[str]
    kind: str
    orders: Mapping[str, float]  # none: it reads
    many: bool
    new: bool  # for one that does not exist yet


@dataclass(frozen=True)
class Index:
    """All tools, and how rare each word is among them."""

    entries: tuple[IndexEntry, ...]
    rarity: Mapping[str, float]


def index(tools: Iterable[Tool]) -> Index:
    """The index of these tools."""
    entries = tuple(_entry(tool) for tool in tools)
    frequencies = Counter(term for entry in entries for term in entry.terms)
    return Index(entries, {term: math.log(1 + (len(entries) - n + 0.5) / (n + 0.5)) for term, n in frequencies.items()})


def rank(index_: Index, question: str, most: int = 5) -> list[Tool]:
    """The tools that fit best, best first; none for a question that says nothing of this field."""
    query_ = query.parse_query(question)
    named = re.sub(r"\W+", "_", question.strip().lower())
    sure = estate.scores(words.plain(question))
    if (
        not sure
        and not query_.subjects
        and not query_.kinds
        and not query_.orders
        and not any(w in index_.rarity for w in query_.words)
    ):
        return []
    scored = [
        (_total(index_, entry, query_, sure) + (100 if entry.tool.name in named else 0), -n)
        for n, entry in enumerate(index_.entries)
    ]
    return [index_.entries[-n].tool for _, n in sorted(scored, reverse=True)[:most]]


def _total(index_: Index, entry: IndexEntry, query_: SearchQuery, sure: Mapping[str, float]) -> float:
    """The score of a tool; those over the whole estate are told apart by how one asks, and by nothing else."""
    if entry.tool.toolset == "fleet":
        score = sure.get(entry.tool.name, 0.0)
        return OVERALL * score * (1 if query_.asks >= LIKELY else UNLIKELY) if score else ABSENT * -2
    return _score(index_, entry, query_)


def _entry(tool: Tool) -> IndexEntry:
    verb, _, rest = tool.name.partition("_")
    rest = OVER.get(rest, re.sub(r"^hypervisor_manager_(?=\w)", "", rest))
    named = [thing.meaning for thing in nouns.find_nouns(words.tool_words(rest.replace("_", " ")))]
    own = [t for t in named if t not in KINDS]
    kind = next((t for t in named if t in KINDS), "")
    orders: dict[str, float] = {}
    if verb not in READS or tool.danger is not Danger.READ:
        means = next((m for pattern, m in MEANS if re.match(pattern, tool.name)), (verb,))
        orders = {m.rstrip("*"): FAINT if m.endswith("*") else 1.0 for m in means}
    texts = (*[rest.replace("_", " ")] * NAME, tool.title.partition(" ")[2], tool.description)
    terms = Counter(stem for text in texts for stem in words.stems(words.tool_words(text)))
    return IndexEntry(
        tool, terms, own[0] if own else "", frozenset(own[1:]), kind, orders, verb == "list", "_new_" in tool.name
    )


def _score(index_: Index, entry: IndexEntry, query_: SearchQuery) -> float:
    return (
        _of_thing(entry, query_) + _of_kind(entry, query_) + _of_order(entry, query_) + _of_words(index_, entry, query_)
    )


def _of_thing(entry: IndexEntry, query_: SearchQuery) -> float:
    if not entry.thing:
        return 0.0
    sure = max(query_.subjects.get(entry.thing, 0), _implied(entry, query_))
    score = THING * sure - ABSENT * (1 - min(1, sure))
    for part in entry.parts:
        weight = query_.subjects.get(part, 0)
        score += PART * weight if weight else -PART
    return score


def _implied(entry: IndexEntry, query_: SearchQuery) -> float:
    """How surely the tool's thing is meant because of what is to be done, though it may not be named."""
    sure = 0.0
    for order in entry.orders:
        thing, weight = vocabulary.IMPLIES.get(order, ("", 0.0))
        if thing == entry.thing and not any(
            query_.subjects.get(t, 0) >= 0.7 for t in vocabulary.INSTEAD.get(thing, ())
        ):
            sure = max(sure, weight * min(1, query_.orders.get(order, 0)))
    return sure


def _of_kind(entry: IndexEntry, query_: SearchQuery) -> float:
    return KIND * query_.kinds.get(entry.kind, 0) - (UNSAID_KIND if entry.kind and not query_.kinds else 0)


def _of_order(entry: IndexEntry, query_: SearchQuery) -> float:
    if not entry.orders:
        one = query_.one.get(entry.kind or entry.thing, MISSING)
        return READ * query_.asks + FITS * (-one if entry.many else one)
    sure = max((query_.orders.get(order, 0) * weight for order, weight in entry.orders.items()), default=0)
    score = ORDER * sure
    if entry.new:
        score += FITS if "new" in query_.words or query_.one.get(entry.thing, 0) < 0.5 else -FITS
    if not entry.thing and sure >= 0.7:
        score += THING + KIND + FITS
    return score


def _of_words(index_: Index, entry: IndexEntry, query_: SearchQuery) -> float:
    return WORDS * sum(
        index_.rarity[word] * entry.terms[word] / (entry.terms[word] + SATURATION)
        for word in dict.fromkeys(query_.words)
        if word in entry.terms
    )
