"""Which tools answer a question: by the thing a tool works on, the kind of copy, what it does, its own words (BM25).

A tool is read by its name with the same tables as the question, so a tool of a description that nobody has seen yet is
ranked like the known ones. What a tool is for and the question does not mention counts against it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import phrases, query, words
from .query import KINDS, PROBES, Reading

NAME = 2  # how many words of a text one of the name is worth
WORDS, SATURATION = 0.5, 1.3  # weight of plain words beside what is understood; k1 of BM25
THING, ABSENT, PART, KIND, UNSAID_KIND = 5.8, 2.5, 1.7, 2.9, 2.5
ORDER, READ = 5.8, 5.8
FITS, MISSING = 1.15, -0.3  # one or many, as asked; neither told: rather many
ESTATE, ESTATE_ORDER = 15.5, 8.5  # a tool over the estate, where it is asked for; an order is rarely one
EXACT = 100  # the tool's own name

# What a tool is to do, by its name; narrowed by what the name speaks of. *: faintly. Else what its verb says.
MEANS: tuple[tuple[str, str], ...] = (
    (r"create_protection_job", "assign"),
    (r"delete_protection_job", "unassign delete*"),
    (r"create_\w+_group", "bundle create"),
    (r"create_\w+_snapshot", "take run*"),
    (r"create_\w+_backup", "upload"),
    (r"update_\w+_(backup|snapshot)", "expiry update"),
    (r"update_\w+_group", "members update rename"),
    (r"update_(application_host|mssql_instance)", "login update rename*"),
    (r"update_protection_policy", "update rename expiry*"),
    (r"update_\w+", "update rename"),
    (r"run_plan", "plan"),
)
FAINT = 0.6


@dataclass(frozen=True)
class IndexEntry:
    """A tool as the ranking sees it."""

    tool: Tool
    terms: Mapping[str, float]
    subjects: tuple[str, ...]  # what it works on, and what that is part of
    kind: str
    orders: Mapping[str, float]  # none: it reads


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
    """The tools that fit a question best, at most so many, best first; none where it says nothing of this field."""
    reading = query.read(question)
    if not (reading.estate or reading.subjects or reading.orders or index_.rarity.keys() & set(reading.words)):
        return []
    named = re.sub(r"\W+", "_", question.strip().lower())
    scores = {e.tool.name: score(index_, e, reading) + EXACT * (e.tool.name in named) for e in index_.entries}
    return sorted((entry.tool for entry in index_.entries), key=lambda tool: -scores[tool.name])[:most]


def _entry(tool: Tool) -> IndexEntry:
    verb, _, rest = tool.name.partition("_")
    rest = re.sub(r"^hypervisor_(?=manager_)", "", rest).replace("_", " ")
    nouns = [noun.row.meaning for noun in query.find_nouns(words.tool_words(rest))]
    orders: dict[str, float] = {}
    if verb not in ("list", "get") or tool.danger is not Danger.READ:
        name = words.tool_words(tool.name.replace("_", " "))
        probe = next((m.row.meaning for m in phrases.matches("order", name) if m.row.meaning in PROBES), verb)
        means = next((means for pattern, means in MEANS if re.fullmatch(pattern, tool.name)), probe)
        orders = {order.rstrip("*"): FAINT if order.endswith("*") else 1.0 for order in means.split()}
    texts = (*[rest] * NAME, tool.title.partition(" ")[2], tool.description)
    terms = Counter(stem for text in texts for stem in words.stems(words.tool_words(text)))
    subjects = tuple(noun for noun in nouns if noun not in KINDS)
    return IndexEntry(tool, terms, subjects, next((noun for noun in nouns if noun in KINDS), ""), orders)


def score(index_: Index, entry: IndexEntry, reading: Reading) -> float:
    """How well the tool fits what was read."""
    if entry.tool.toolset == "fleet":
        weight = ESTATE if reading.asks >= 0.4 else ESTATE_ORDER
        return weight * reading.estate.get(entry.tool.name, 0) or -2 * ABSENT
    terms = ((index_.rarity[word], entry.terms[word]) for word in set(reading.words) & entry.terms.keys())
    total = WORDS * sum(rarity * n / (n + SATURATION) for rarity, n in sorted(terms))
    thing, *parts = entry.subjects or ("",)
    if thing:
        sure = reading.subjects.get(thing, 0)
        total += THING * sure - ABSENT * (1 - min(1, sure))
        total += PART * sum(reading.subjects.get(part, 0) or -1 for part in parts)
    if entry.kind:
        kinds = any(reading.subjects.get(kind) for kind in KINDS)
        total += KIND * reading.subjects.get(entry.kind, 0) if kinds else -UNSAID_KIND
    one = reading.one.get(entry.kind or thing, MISSING)
    if not entry.orders:
        return total + READ * reading.asks + FITS * (-one if entry.tool.name.startswith("list_") else one)
    sure = max(reading.orders.get(order, 0) * weight for order, weight in entry.orders.items())
    if "_new_" in entry.tool.name:
        total += FITS if "new" in reading.words or one < 0.5 else -FITS
    if not thing and sure >= 0.7:
        total += THING + KIND + FITS
    return total + ORDER * sure
