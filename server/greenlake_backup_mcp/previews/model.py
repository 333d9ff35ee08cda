"""What a preview is made of: a call with what was read for it, its changes and findings, the effect they amount to.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from itertools import groupby
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import leaf_words, phrases
from .difference import Difference, Leaf
from .reads import ReadResult, ReadSpec, Target

MOST_GRAVE = 400  # grave leaves in a text (200 paths with their sources); beyond, they are counted
MOST_ROWS = 40  # other rows in a text
CANNOT = "CANNOT BE DONE: "
MOST_FIRST = 120  # characters of the first line


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
    whom: str = ""  # for how many assets: a sentence
    note: str = ""  # a sentence that must be said with it

    @property
    def text(self) -> str:
        """The leaf with its values."""
        if self.kind == "LOST":
            values = f"{self.before} → {self.after}" if self.before and self.after else self.before or self.after
        else:
            values = f"{self.before} → {self.after or 'gone'}" if self.before else self.after
        return ": ".join(part for part in (self.words, values) if part)


@dataclass(frozen=True)
class Finding:
    """What a call would do beyond the leaves it changes, or what they mean together: a sentence, and its weight."""

    words: str
    gravity: Gravity = Gravity.DETAIL
    warning: str = ""  # what sets the target apart in a long list: `kind` or `kind: more`
    short: str = ""  # the same in at most 120 characters, for the first line
    danger: Danger = Danger.READ
    kind: str = ""  # the kind of change it weighs as for the first line; "" by its danger and form
    binds: tuple[str, ...] = ()  # what a code is bound to by it, besides the kind of its warning
    forbids: bool = False  # whether the call cannot be done because of it


def grave(words: str, warning: str = "", short: str = "", danger: Danger = Danger.DISRUPT, kind: str = "") -> Finding:
    """A finding that stands before the others and makes a call need consent."""
    return Finding(words, Gravity.GRAVE, warning, short, danger, kind)


def notable(words: str, warning: str = "") -> Finding:
    """A finding that a person should not overlook."""
    return Finding(words, Gravity.NOTABLE, warning)


def mark(warning: str) -> Finding:
    """What sets a target apart in a long list, and is said of a single one in its facts or its difference."""
    return Finding("", warning=warning)


@dataclass(frozen=True)
class Effect:
    """What a call would do to its target, for the person who answers for it: all of it, gravest first."""

    title: str  # in the imperative, with the target's name
    gravest: str = ""  # the gravest fact, in at most 120 characters
    weight: int = 0  # where that fact stands among those of other calls: the less, the graver
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
    def folded(self) -> int:
        """How many changes the text does not show."""
        weighty = sum(change.gravity is Gravity.GRAVE for change in self.changes)
        return max(0, weighty - MOST_GRAVE) + max(0, len(self.changes) - weighty - MOST_ROWS)

    def lines(self) -> Iterator[str]:
        """The effect as text, one statement a line, the gravest first."""
        plain = leaf_words.without_ids(self.title + ".")
        if self.gravest:
            yield self.gravest
        if self.gravest == plain != self.title + ".":
            yield f"  id {', '.join(dict.fromkeys(leaf_words.ids_of(self.title)))}"
        elif self.gravest != self.title + ".":
            yield self.title + "."
        yield from (f"  {line}" for line in self.facts)
        if self.changes:
            yield "What it asks for:" if self.forbidden else "What changes:"
            yield from self.change_lines()
        if self.left_out:
            yield f"Left to the service: {', '.join(self.left_out)}."
        if rest := [line for line in self.consequences if line != self.gravest.removeprefix(CANNOT)]:
            yield "What would happen:" if not self.forbidden else "What it asks for, besides:"
            yield from (f"- {line}" for line in rest)
        if self.unknown:
            yield "Not known: " + "; ".join(self.unknown) + "."
        if self.reversibility and not self.forbidden:
            yield self.reversibility

    def change_lines(self) -> Iterator[str]:
        """What changes, a line each, grave ones first; long differences are folded."""
        weighty = [c for c in self.changes if c.gravity is Gravity.GRAVE]
        rest = [c for c in self.changes if c.gravity is not Gravity.GRAVE]
        written = {self.gravest}  # notes stand with the first row that they belong to
        for (kind, group), rows in groupby((*weighty[:MOST_GRAVE], *rest[:MOST_ROWS]), key=lambda c: (c.kind, c.group)):
            together = list(rows)
            body = "; ".join(text for c in together if (text := c.text))
            notes = dict.fromkeys(c.note for c in together if c.note not in written)
            written |= set(notes)
            line = ": ".join(part for part in (kind, group, body) if part)
            yield " ".join(filter(None, (f"- {line}.", *dict.fromkeys(c.whom for c in together), *notes)))
        if self.folded:
            more = max(0, len(weighty) - MOST_GRAVE)
            yield f"- and {units.plural(self.folded, 'more change')}, {f'{more:,}' if more else 'none'} of them grave."


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
        return phrases.label(self.target.kind, self.resource, self.target.path.rpartition("/")[2])

    @property
    def name(self) -> str:
        """The target by kind and name, for the first line; by its id where it has no name."""
        name = self.resource.get("displayName") or self.resource.get("name")
        return f"{self.target.kind} {phrases.quoted(name, 50)}" if name else self.label

    @property
    def operation(self) -> str:
        """The id of the operation; "" where the tool has none."""
        return self.tool.operation.id if self.tool.operation else ""

    @property
    def method(self) -> str:
        """The method of the operation."""
        return self.tool.operation.method if self.tool.operation else ""

    def identity(self, identity: Any) -> str:
        """An id of the request with its name before it, where that was read."""
        return leaf_words.Wording(self.id_names, self.now).identity(identity)

    def read(self, name: str) -> ReadResult:
        """What a read of this name brought, or that nobody looked."""
        return self.target.uses.get(name) or self.facts.get(name) or ReadResult(name, problem="not read")


Words = str | Callable[[Subject], str]
Find = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True)
class PreviewSpec:
    """How calls of an operation are previewed: what is said besides their difference, and what must be read for it."""

    title: Words  # in the imperative; `{target}` stands for kind, name and id of what it acts on
    findings: Find = lambda _subject: ()
    reversibility: Words = ""
    facts: Callable[[Subject], Iterable[str]] = lambda s: (phrases.describe_resource(s.resource),)
    forbidden: Callable[[Subject], str] = lambda _subject: ""
    reads: Callable[[Mapping[str, Any], Target], list[ReadSpec]] = lambda _arguments, _target: []
    further: tuple[Callable[[Subject], list[ReadSpec]], ...] = ()  # that only what was read points to, by stages
    summary: Words = ""  # the target in one short line, for a long list
    size: Callable[[Subject], float] = lambda _subject: 0.0  # bytes that go
    held_by: Callable[[Subject], str] = lambda _subject: ""  # for how many assets a change holds
    unknown: tuple[str, ...] = ()  # what no read could tell
    implied: Callable[[Subject], Iterable[Leaf]] = lambda _subject: ()  # changes that what was read brings with it


def each(operations: str, spec: PreviewSpec) -> dict[str, PreviewSpec]:
    """The same spec for several operations, by their ids."""
    return dict.fromkeys(operations.split(), spec)


def say(text: Words, s: Subject) -> str:
    """Words of a spec for a call."""
    return text(s) if callable(text) else text.replace("{target}", s.label)


def kind_of(warning: str) -> str:
    """A warning without what is particular to one target."""
    return warning.partition(":")[0]
