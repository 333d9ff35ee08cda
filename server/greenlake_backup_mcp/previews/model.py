"""What a preview is made of, and the phrases all previews share: names, old and new values, members.

Everything that comes from the service passes `hygiene` here. Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from itertools import groupby
from typing import Any

from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import words
from .difference import Difference
from .reads import ReadResult, Target

NAMELESS = "id ?"  # the name of what has neither name nor id
MOST_NAMED = 12  # names listed before the rest is counted
MOST_GRAVE = 200  # grave rows in a text; beyond, they are counted
MOST_ROWS = 40  # other rows in a text
MOST_FIRST = 120  # characters of the first line
NOTHING: Mapping[str, Any] = {}


class Gravity(IntEnum):
    """How much a change weighs for the person who answers for it."""

    DETAIL = 0
    NOTABLE = 1
    GRAVE = 2  # LOST, overwritten, a program, a lock, an address: never folded before 200 of them


@dataclass(frozen=True)
class Change:
    """One thing that differs, in harmless text: what, how it is, how it would be, how grave, and of which kind."""

    words: str  # the leaf; "" where the thing itself comes or goes
    before: str = ""  # "" where there is none
    after: str = ""  # "" where none is left
    gravity: Gravity = Gravity.DETAIL
    kind: str = ""  # LOST, PROGRAM, LOCK, SHORTER, ADDRESS, ...; "" for a plain change
    path: str = ""  # of the leaf in the request
    group: str = ""  # the thing the leaf belongs to: a tier, a schedule, a member
    note: str = ""  # a sentence that must be said with it

    @property
    def text(self) -> str:
        """The leaf with its values."""
        values = f"{self.before} → {self.after or 'gone'}" if self.before and self.kind != "LOST" else self.after
        if self.kind == "LOST":
            values = f"{self.before} → {self.after}" if self.before and self.after else self.before or self.after
        return ": ".join(part for part in (self.words, values) if part)


@dataclass(frozen=True)
class Finding:
    """What a call would do beyond the leaves it changes, or what they mean together: a sentence, and its weight."""

    words: str
    gravity: Gravity = Gravity.DETAIL
    warning: str = ""  # what sets the target apart in a long list: `kind` or `kind: more`
    short: str = ""  # the same in at most 120 characters, for the first line
    danger: Danger = Danger.READ


@dataclass(frozen=True)
class Judgement:
    """What is to be said of a call besides its difference."""

    title: str  # in the imperative, with the target's name
    facts: tuple[str, ...] = ()  # what the target is
    findings: Sequence[Finding] = ()
    reversibility: str = ""
    unknown: tuple[str, ...] = ()
    forbidden: str = ""
    summary: str = ""
    size: float = 0
    danger: Danger = Danger.WRITE  # at the least


@dataclass(frozen=True)
class Effect:
    """What a call would do to its target, for the person who answers for it: all of it, gravest first."""

    title: str  # in the imperative, with the target's name
    gravest: str = ""  # the gravest fact, in at most 120 characters
    facts: tuple[str, ...] = ()  # what the target is
    changes: tuple[Change, ...] = ()  # all that differs, gravest first
    consequences: tuple[str, ...] = ()  # what would happen, gravest first
    reversibility: str = ""  # what cannot be undone, or how it can
    unknown: tuple[str, ...] = ()  # what could not be read
    forbidden: str = ""  # why it cannot be done: then there is no code
    warnings: tuple[str, ...] = ()  # what sets this target apart from others in a long list: `kind` or `kind: more`
    summary: str = ""  # the target in one short line, for a long list
    size: float = 0  # bytes that go
    danger: Danger = Danger.DESTROY  # what the call costs with these arguments on this target
    left_out: tuple[str, ...] = ()  # what the call could say and leaves to the service
    whole: tuple[str, ...] = ()  # the whole difference, a leaf a line
    bound: tuple[str, ...] = ()  # the changes in words that time does not reword

    @property
    def binding_facts(self) -> tuple[str, ...]:
        """What consent rests on besides target and arguments: what time alone does not reword."""
        return tuple(sorted({kind_of(warning) for warning in self.warnings} | set(self.bound)))

    @property
    def digest(self) -> str:
        """The digest of all that this says: of its text and of the whole difference."""
        return hashlib.sha256("\n".join((*self.lines(), "", *self.whole)).encode()).hexdigest()

    @property
    def folded(self) -> int:
        """How many changes the text does not show."""
        grave = sum(change.gravity is Gravity.GRAVE for change in self.changes)
        return max(0, grave - MOST_GRAVE) + max(0, len(self.changes) - grave - MOST_ROWS)

    def lines(self) -> Iterator[str]:
        """The effect as text, one statement a line, the gravest first."""
        plain = words.without_ids(self.title + ".")
        if self.gravest:
            yield self.gravest
        if self.gravest == plain != self.title + ".":
            yield f"  id {', '.join(dict.fromkeys(words.ids_of(self.title)))}"
        elif self.gravest != self.title + ".":
            yield self.title + "."
        yield from (f"  {line}" for line in self.facts)
        if self.changes:
            yield "What it asks for:" if self.forbidden else "What changes:"
            yield from self.change_lines()
        if self.left_out:
            yield f"Left to the service: {', '.join(self.left_out)}."
        if rest := [line for line in self.consequences if line != self.gravest]:
            yield "What would happen:" if not self.forbidden else "What it asks for, besides:"
            yield from (f"- {line}" for line in rest)
        if self.unknown:
            yield "Not known: " + "; ".join(self.unknown) + "."
        if self.reversibility and not self.forbidden:
            yield self.reversibility

    def change_lines(self) -> Iterator[str]:
        """What changes, a line each, grave ones first; long differences are folded."""
        grave = [c for c in self.changes if c.gravity is Gravity.GRAVE]
        rest = [c for c in self.changes if c.gravity is not Gravity.GRAVE]
        shown = (*grave[:MOST_GRAVE], *rest[:MOST_ROWS])
        for (kind, group), rows in groupby(shown, key=lambda c: (c.kind, c.group)):
            these = list(rows)
            head = f"{kind}: " if kind else ""
            body = "; ".join(text for c in these if (text := c.text))
            notes = " ".join(dict.fromkeys(c.note for c in these if c.note))
            joined = ": ".join(part for part in (group, body) if part)
            yield f"- {head}{joined}.{f' {notes}' if notes else ''}"
        if self.folded:
            more = max(0, len(grave) - MOST_GRAVE)
            yield f"- and {self.folded:,} more changes, {f'{more:,} of them grave' if more else 'none of them grave'}."


@dataclass(frozen=True)
class Subject:
    """A call with all that was read about it, and what it changes."""

    tool: Tool
    arguments: Mapping[str, Any]
    target: Target
    facts: Mapping[str, ReadResult]
    now: datetime
    leaving: Mapping[str, datetime] = field(default_factory=dict)  # when what consent ends besides is gone, by path
    difference: Difference = field(default_factory=Difference)
    id_names: Mapping[str, str] = field(default_factory=dict)  # id → name, as read
    held_by: str = ""  # for how many assets what changes holds: `53 assets`

    @property
    def resource(self) -> Mapping[str, Any]:
        """The target; {} where it is not known."""
        return self.target.resource

    @property
    def label(self) -> str:
        """The target by kind, name and id."""
        return label(self.target.kind, self.resource, self.target.path.rpartition("/")[2])

    @property
    def name(self) -> str:
        """The target by kind and name, for the first line; by its id where it has no name."""
        found = self.resource.get("displayName") or self.resource.get("name")
        return f"{self.target.kind} {quoted(found, 50)}" if found else self.label

    @property
    def method(self) -> str:
        """The method of the operation."""
        return self.tool.operation.method if self.tool.operation else ""

    def found(self, name: str) -> ReadResult:
        """A fact, or that nobody looked."""
        return self.target.uses.get(name) or self.facts.get(name) or ReadResult(name, problem="not read")


def kind_of(warning: str) -> str:
    """A warning without what is particular to one target."""
    return warning.partition(":")[0]


def quoted(text: Any, most: int = 80) -> str:
    """A name of the service in quotes, harmless."""
    return sanitize.quoted(str(text), most)


def name_of(resource: Mapping[str, Any]) -> str:
    """The name of a resource in quotes, its id where it has none."""
    found = resource.get("displayName") or resource.get("name")
    return quoted(found) if found else f"id {sanitize.cell(str(resource.get('id') or '?'))}"


def label(kind: str, resource: Mapping[str, Any], identity: str = "") -> str:
    """A resource by kind, name and id: `VM "sql-01" (id …)`."""
    identity = sanitize.cell(str(resource.get("id") or identity))
    named = resource.get("displayName") or resource.get("name")
    return f"{kind} {quoted(named)} (id {identity})" if named else f"{kind} {identity}"


def item_at(resource: Mapping[str, Any], *path: str) -> Any:
    """The value at a path of nested objects; None where it ends early."""
    value: Any = resource
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or the one object itself (the API is not of one mind)."""
    if isinstance(value, Mapping):
        return [value]
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def names(items: Iterable[Mapping[str, Any]]) -> str:
    """The names of resources, the first dozen and how many more."""
    shown = [name_of(item) for item in items]
    more = f" and {len(shown) - MOST_NAMED:,} more" if len(shown) > MOST_NAMED else ""
    return ", ".join(shown[:MOST_NAMED]) + more


def counted(count: int, word: str, plural: str = "") -> str:
    """A count with its noun: `1 backup`, `0 jobs`."""
    return f"{count:,} {word if count == 1 else plural or word + 's'}"


def count_of(found: ReadResult, word: str, plural: str = "") -> str:
    """How many of a collection there are, `at least` where not all could be read, or that nobody knows."""
    if not found.known:
        return f"an unknown number of {plural or word + 's'}"
    if found.total is not None and found.total > len(found.items):
        return counted(found.total, word, plural)
    return at_least(found) + counted(len(found.items), word, plural)


def at_least(*founds: ReadResult) -> str:
    """What goes before a count of what these reads brought: nothing where they brought all there is."""
    return "" if all(found.whole for found in founds) else "at least "


def not_known(*founds: ReadResult) -> tuple[str, ...]:
    """Those reads that brought nothing, with the reason."""
    return tuple(f"{f.words} ({'not found' if f.missing else f.problem})" for f in founds if not f.known)


def assets(jobs: list[Mapping[str, Any]]) -> str:
    """The names of the assets of jobs."""
    return names([j["assetInfo"] for j in jobs if isinstance(j.get("assetInfo"), Mapping)]) or "assets not named"


def state_of(resource: Mapping[str, Any]) -> str:
    """The state of a resource with its reason, where it has one."""
    state = resource.get("state") or item_at(resource, "health", "state") or resource.get("operational")
    if not state:
        return ""
    reason = resource.get("stateReason") or item_at(resource, "health", "stateReason")
    return f"state {sanitize.cell(str(state))}" + (f" ({sanitize.cell(str(reason), 160)})" if reason else "")
