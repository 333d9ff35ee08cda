"""Columns: a value of an item, the attributes it is read from, how it is shown; and those that many resources share.

A column's name is what `select`, `sort` and `where` call it. The VIEWS of resources are in columns.py.
Knows no HTTP and formats nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from . import extractors
from .extractors import Item

Show = Literal["text", "time", "expiry", "lock", "size", "percent", "count"]
Read = Callable[[Item, Sequence[str]], Any]


TIMES = ("time", "expiry", "lock")
BYTES = re.compile(r"(?:InBytes|Bytes|capacityFree|capacityUncommitted)$")
MIB = re.compile(r"In(?:Mib|MiB|Mb)$")


@dataclass(frozen=True)
class Column:
    """A value of an item, the attributes it is read from, and how it is shown (`most`: characters of a cell)."""

    name: str
    paths: tuple[str, ...]
    show: Show = "text"
    read: Read = extractors.first
    most: int = 60

    def value_of(self, item: Item) -> Any:
        """The value for an item; a list where it has several, None without."""
        return self.read(item, self.paths)


@dataclass(frozen=True)
class ListView:
    """What matters of one kind of thing. `point`: the time told as oldest and newest; `more`: only in details."""

    noun: str
    operations: tuple[str, ...]  # the list first, then what reads one
    columns: tuple[Column, ...]
    counted: tuple[Column, ...] = ()
    trouble: Column | None = None
    point: Column | None = None
    expires: bool = False  # has expiresAt and lockedUntil
    sums: tuple[Column, ...] = ()
    alike: Column | None = None  # only items that agree in it are summed together
    more: tuple[Column, ...] = ()

    @property
    def every(self) -> tuple[Column, ...]:
        """All columns, each name once."""
        held = [*self.columns, *self.more, *self.counted, *self.sums]
        held += [c for c in (self.trouble, self.point) if c is not None]
        held += [EXPIRES, LOCKED] if self.expires else []
        named: dict[str, Column] = {}
        for column in held:
            named.setdefault(column.name, column)
        return tuple(named.values())


class Maker(Protocol):
    """Makes columns shown in one way; the name itself is the path where none is given."""

    def __call__(self, name: str, *paths: str, read: Read = ..., most: int = ...) -> Column:
        """The column, read in another way, or cut elsewhere, where that is given."""


def _maker(show: Show = "text", read: Read = extractors.first, most: int = 60) -> Maker:
    def make(name: str, *paths: str, read: Read = read, most: int = most) -> Column:
        return Column(name, paths or (name,), show, read, most)

    return make


text = _maker()  # the first path that has a value counts
time = _maker("time")
size = _maker("size", extractors.total_bytes)
lines = _maker(most=400)  # computed by `read`, maybe of several values
word = _maker(read=extractors.word)  # a state without the family name in front: PSG_HEALTH_STATE_OK → OK
count = _maker("count", extractors.amount)  # how many elements a list has


def problem_column(*paths: str, read: Read = extractors.problem_of) -> Column:
    """The column of what is wrong: states, then the reason."""
    return Column("problem", paths, read=read, most=200)


ID = text("id", most=80)
NAME = text("name", most=80)
SHOWN_NAME = text("name", "displayName", "name", most=80)
HEALTH = lines("health", "state", "status", read=extractors.health, most=60)
STATES = (text("state"), text("status"))
TROUBLE = problem_column("state", "status", "stateReason")
POLICY = text("policy", "protectionJobInfo/protectionPolicyInfo/name")
POLICY_ID = text("policyId", "protectionJobInfo/protectionPolicyInfo/id")
JOB_ID = text("jobId", "protectionJobInfo/id")
VCENTER = text("vcenter", "hypervisorManagerInfo/displayName", "hypervisorManagerInfo/name")
PROTECTION = text("protectionStatus")
CREATED = time("createdAt")
EXPIRES = Column("expiresAt", ("expiresAt",), "expiry")
LOCKED = Column("lockedUntil", ("lockedUntil",), "lock")  # a lock of the past is none


def column_for(path: str, kind: str, resource: ListView) -> Column:
    """The column for an attribute that `select` asks for: one of ours by name, or read as it is."""
    if kind in ("", "any") and (column := next((c for c in resource.every if c.name == path), None)) is not None:
        return column
    if MIB.search(path) or BYTES.search(path):
        return size(path)
    if kind == "time":
        return time(path)
    read = extractors.every if kind != "any" else (lambda item, paths: extractors.first_raw(item, paths[0]))
    return Column(path, (path,), read=read, most=120)
