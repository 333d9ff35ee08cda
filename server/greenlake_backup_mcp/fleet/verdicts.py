"""What a control says of an asset, and the count of it: numerator, denominator, exceptions, unread; it adds up."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from .clock import Clock
from .estate import Asset, Estate
from .exceptions import Acceptance, acceptance


class State(Enum):
    """What becomes of an asset in a count. Each asset has one."""

    MET = "met"
    NOT_MET = "not met"
    ACCEPTED = "accepted"  # not met, and a person accepts it until a date
    PENDING = "pending"  # too young: what it is judged by is still to come
    UNREAD = "unread"  # what it would be judged by was not read
    NOT_JUDGED = "not judged"  # nobody's machine, deleted, or a kind that the service tells nothing of

    @property
    def key(self) -> str:
        """Its name in JSON and in tables: notMet."""
        return self.value.replace(" m", "M").replace(" j", "J")


@dataclass(frozen=True)
class Verdict:
    """`cause`: why, as a class that is counted; `facts`: what is shown of it; `rank`: the greater, the graver."""

    state: State
    cause: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    rank: float = 0.0


@dataclass(frozen=True)
class Finding:
    """The verdict on an asset; the exception that a person made for it, expired or not."""

    asset: Asset
    verdict: Verdict
    accepted: Acceptance | None = None


Judge = Callable[[Asset], Verdict]
GONE_FIRST = 1e12  # rank of an asset that comes back from nowhere: above any age


@dataclass(frozen=True)
class Context:
    """What a control judges by. `values`: arguments of the call; `assets`: who is judged, None: all."""

    connection: sqlite3.Connection
    estate: Estate
    clock: Clock
    values: Mapping[str, Any]
    assets: Sequence[Asset] | None = None

    @property
    def now(self) -> int:
        """The moment of the estate, seconds since 1970."""
        return self.estate.now

    def number(self, name: str, default: float) -> float:
        """An argument that is a number, of hours or days: no further than a million."""
        meant = self.values.get(name)
        return default if meant is None else min(float(meant), 1e6)

    def places(self) -> tuple[str, ...]:
        """The place of recovery points that is asked for; () for all."""
        return (self.values["place"],) if self.values.get("place") else ()


@dataclass(frozen=True)
class Control:
    """`rule`: in words, {name} standing for a parameter with its default in `defaults`; `rules`: with that parameter.

    `needs`: lists of the service without which a failure is not known; `judge` makes the judge, and lines to be said
    besides. `uses`: the arguments it judges by. `sql`: what it rests on, as one query to the catalog.
    """

    name: str
    rule: str
    judge: Callable[[Context], tuple[Judge, Lines]]
    needs: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    by_copies: bool = True
    sql: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tally:
    """All findings of a control, one for each asset, and the moment of the count (seconds since 1970)."""

    findings: tuple[Finding, ...]
    now: int

    def count(self, state: State) -> int:
        """How many assets have that state."""
        return sum(f.verdict.state is state for f in self.findings)

    def in_states(self, *states: State) -> list[Finding]:
        """The findings of these states, gravest first."""
        return sorted(
            (f for f in self.findings if f.verdict.state in states),
            key=lambda f: (-f.verdict.rank, f.asset.name, f.asset.id),
        )

    def causes(self, *states: State) -> list[tuple[str, int]]:
        """How many assets for each cause, most first."""
        return Counter(f.verdict.cause for f in self.findings if f.verdict.state in states).most_common()

    @property
    def expired(self) -> int:
        """Exceptions that no longer hold: their assets count as not met again."""
        return sum(f.verdict.state is State.NOT_MET and f.accepted is not None for f in self.findings)

    @property
    def judged(self) -> int:
        """The denominator: met, not met and accepted."""
        return sum(self.count(state) for state in (State.MET, State.NOT_MET, State.ACCEPTED))

    @property
    def counts(self) -> dict[str, int]:
        """The numbers as JSON; those of the states add up to `assets`."""
        numbers = {state.key: self.count(state) for state in State}
        return {"assets": len(self.findings), **numbers, "acceptedExpired": self.expired}


Lines = Callable[[Tally], list[str]]
"""What is said of a control besides, when all assets are judged."""


def tally(control: Control, judge: Judge, context: Context, meant: Iterable[Asset], accepted: tuple[Acceptance, ...]
          ) -> Tally:  # fmt: skip
    """The verdict of a control on each asset, once. What was not read is unread, never not met."""
    blocked = context.estate.blocked_by(control.needs)
    findings = []
    for asset in meant:
        verdict = _verdict(control, judge, asset, blocked)
        one = acceptance(accepted, asset, control.name) if verdict.state is State.NOT_MET else None
        if one is not None and one.until >= context.now:
            until = {"acceptedBy": one.who, "acceptedUntil": context.clock.stamp(one.until)}
            verdict = replace(verdict, state=State.ACCEPTED, facts={**verdict.facts, **until})
        findings.append(Finding(asset, verdict, one))
    return Tally(tuple(findings), context.now)


def _verdict(control: Control, judge: Judge, asset: Asset, blocked: str) -> Verdict:
    if asset.nobodys:
        return Verdict(State.NOT_JUDGED, f"nobody's machine: {asset.nobodys}")
    if not asset.listed:
        return Verdict(State.NOT_JUDGED, "deleted in its vCenter")
    if control.by_copies and asset.kind == "mssql_group":
        return Verdict(State.NOT_JUDGED, "its copies are those of its databases")
    verdict = judge(asset)
    if verdict.state in (State.NOT_MET, State.PENDING):
        if control.by_copies and (why := asset.unread or asset.outdated):
            return Verdict(State.UNREAD, why)
        if blocked:
            return Verdict(State.UNREAD, blocked)
    return verdict
