"""What a preview is made of, and the phrases all previews share: names, old and new values, members.

Everything that comes from the service passes `hygiene` here. Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from greenlake_backup_mcp.text import masking, sanitize, units
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import times
from .reads import ReadResult, Target

NAMELESS = "id ?"  # the name of what has neither name nor id
MOST_NAMED = 12  # names listed before the rest is counted
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Subject:
    """A call with all that was read about it."""

    tool: Tool
    arguments: Mapping[str, Any]
    target: Target
    facts: Mapping[str, ReadResult]
    now: datetime
    leaving: Mapping[str, datetime] = field(default_factory=dict)  # when what consent ends besides is gone, by path

    @property
    def resource(self) -> Mapping[str, Any]:
        """The target; {} where it is not known."""
        return self.target.resource

    @property
    def label(self) -> str:
        """The target by kind, name and id."""
        return label(self.target.kind, self.resource, self.target.path.rpartition("/")[2])

    def found(self, name: str) -> ReadResult:
        """A fact, or that nobody looked."""
        return self.target.uses.get(name) or self.facts.get(name) or ReadResult(name, problem="not read")


class Gravity(IntEnum):
    """How much a change weighs for the person who answers for it."""

    DETAIL = 0
    NOTABLE = 1
    GRAVE = 2  # LOST, overwritten, a program, a lock, an address: never folded before 200 of them


@dataclass(frozen=True)
class Change:
    """One thing that differs, in harmless text: what, how it is, how it would be, how grave, and of which kind."""

    words: str
    before: str = ""  # "" where there is none, or none that is known
    after: str = ""  # "" where none is left
    gravity: Gravity = Gravity.DETAIL
    kind: str = ""  # LOST, OVERWRITTEN, PROGRAM, LOCK, ADDRESS, ...; "" for a plain change
    path: str = ""  # of the leaf in the request


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
    whole: tuple[str, ...] = ()  # the whole difference, a leaf a line

    @property
    def binding_facts(self) -> tuple[str, ...]:
        """What consent rests on besides the target: what time alone does not reword."""
        return tuple(sorted({kind_of(warning) for warning in self.warnings}))

    @property
    def digest(self) -> str:
        """The digest of all that this says: of its text and of the whole difference."""
        return hashlib.sha256("\n".join((*self.lines(), "", *self.whole)).encode()).hexdigest()

    def lines(self) -> Iterator[str]:
        """The effect as text, one statement a line."""
        if self.gravest:
            yield self.gravest
        yield self.title + "."
        yield from (f"  {line}" for line in self.facts)
        if self.consequences:
            yield "What would happen:" if not self.forbidden else "What it asks for:"
            yield from (f"- {line}" for line in self.consequences)
        if self.unknown:
            yield "Not known: " + "; ".join(self.unknown) + "."
        if self.reversibility and not self.forbidden:
            yield self.reversibility


def kind_of(warning: str) -> str:
    """A warning without what is particular to one target."""
    return warning.partition(":")[0]


def quoted(text: Any) -> str:
    """A name of the service in quotes, harmless."""
    return sanitize.quoted(str(text), 80)


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


def describe_value(value: Any, now: datetime) -> str:
    """A value of an argument or a resource: times with their distance, texts quoted, objects short, secrets hidden."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        at_ = units.parse_time(value) if len(value) >= 10 and value[:4].isdigit() else None
        return times.describe_when(at_, now) if at_ else quoted(value)
    if isinstance(value, Mapping) and set(value) == {"unit", "value"}:
        return sanitize.cell(f"{value['value']} {str(value['unit']).lower()}")
    if isinstance(value, (Mapping, list)):
        return sanitize.cell(json.dumps(masking.redact(value), ensure_ascii=False, sort_keys=True), 200)
    return sanitize.cell(str(value))


def assets(jobs: list[Mapping[str, Any]]) -> str:
    """The names of the assets of jobs."""
    return names([j["assetInfo"] for j in jobs if isinstance(j.get("assetInfo"), Mapping)]) or "assets not named"


def changes(new: Mapping[str, Any], old: Mapping[str, Any], now: datetime, prefix: str = "") -> Iterator[str]:
    """Each field with its old and new value. Secrets: only that they change."""
    for name, value in new.items():
        here, before = f"{prefix}{name}", old.get(name)
        if isinstance(value, Mapping) and set(value) != {"unit", "value"}:
            yield from changes(value, before if isinstance(before, Mapping) else NOTHING, now, f"{here}.")
        elif masking.is_secret(name):
            yield f"{here}: is set anew (not shown)"
        elif value == before:
            yield f"{here}: stays {describe_value(value, now)}"
        elif name in old:
            yield f"{here}: {describe_value(before, now)} → {describe_value(value, now)}"
        else:
            yield f"{here}: → {describe_value(value, now)} (its present value is not known)"


def state_of(resource: Mapping[str, Any]) -> str:
    """The state of a resource with its reason, where it has one."""
    state = resource.get("state") or item_at(resource, "health", "state") or resource.get("operational")
    if not state:
        return ""
    reason = resource.get("stateReason") or item_at(resource, "health", "stateReason")
    return f"state {sanitize.cell(str(state))}" + (f" ({sanitize.cell(str(reason), 160)})" if reason else "")
