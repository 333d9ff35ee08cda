"""A confirmed plan and its calls: what each is, how far it has come, what became of it.

Must know nothing of how a call is carried out (plan_execution.py).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import anyio

from greenlake_backup_mcp.outcomes import CallOutcome, Outcome
from greenlake_backup_mcp.text import units

from .permits import Permit
from .proposals import Caller, PreparedCall

PREFIX = "plan-"


Execute = Callable[[PreparedCall, Caller], Awaitable[CallOutcome]]
"""Sends the request of a call whose consent was given and follows it; BackupError says what is known of a failure."""

Judge = Callable[[int, Caller], Awaitable[Permit]]
"""The permit of the nth call (from 0), its target and effect being what was confirmed; BackupError where not."""


class Stage(StrEnum):
    """How far a call has come that has not ended."""

    SENT = "under way"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class RowResult:
    """What became of one call of a plan: the outcome, and what is known of it; a stage while that may still change."""

    outcome: Outcome = Outcome.NOT_TRIED
    words: str = ""
    stage: Stage | None = None

    @property
    def text(self) -> str:
        """All of it in a line."""
        return ": ".join(part for part in (str(self.stage or self.outcome), self.words) if part)


@dataclass(frozen=True)
class PlanRow:
    """One call of a confirmed plan: what it is in words, what it sends, and where what it acts on is."""

    words: str
    call: PreparedCall
    path: str


@dataclass
class PlanRun:
    """A plan under way, or over."""

    rows: Sequence[PlanRow]
    caller: Caller
    judge: Judge
    execute: Execute
    go_on: bool  # after a failure
    id: str = field(default_factory=lambda: f"{PREFIX}{secrets.token_hex(6)}")
    results: list[RowResult] = field(default_factory=list)
    scopes: dict[int, anyio.CancelScope] = field(default_factory=dict)  # of the calls that have not ended
    ended: anyio.Event = field(default_factory=anyio.Event)
    stopped: str = ""  # why no further call is begun, and how far which had come by then
    notes: tuple[str, ...] = ()
    now: str = ""  # what is done now, in words
    changed: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        """Nothing is tried yet."""
        self.results = [RowResult() for _ in self.rows]

    @property
    def settled(self) -> int:
        """How many calls have come to something."""
        return sum(row.outcome is not Outcome.NOT_TRIED and not row.stage for row in self.results)

    @property
    def failed(self) -> bool:
        """Whether a call came to something that ends a plan."""
        return any(row.outcome.is_error and not row.stage for row in self.results)

    @property
    def halted(self) -> bool:
        """Whether nothing more may be sent."""
        return bool(self.stopped) or (self.failed and not self.go_on)

    @property
    def outcome(self) -> Outcome:
        """The plan's outcome in a word: done where all of it is."""
        outcomes = {row.outcome for row in self.results}
        if len(outcomes) == 1:
            return outcomes.pop()
        return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.PARTLY

    def stop(self, why: str) -> None:
        """Send nothing more. A request that is on its way is awaited; what was accepted is not followed further."""
        if self.stopped or self.ended.is_set():
            return
        sent, accepted = (
            [n for n, result in enumerate(self.results, 1) if result.stage is stage]
            for stage in (Stage.SENT, Stage.ACCEPTED)
        )
        parts = [f"{spans(sent)} under way"] if sent else []
        parts += [f"{spans(accepted)} accepted by the service"] if accepted else []
        self.stopped = f"{why}, with {' and '.join(parts) or 'none under way'}"
        for n, scope in self.scopes.items():
            if self.results[n].stage is not Stage.SENT:
                scope.cancel()

    def tell(self, words: str) -> None:
        """Say how it stands to whoever waits."""
        self.now = words
        self.changed.set()
        self.changed = anyio.Event()

    def rows_by_outcome(self) -> str:
        """Which calls came to what: `done: 1-8, 10; not tried: 11-12`; where it stopped, and what was under way."""
        numbers: dict[str, list[int]] = {}
        for n, result in enumerate(self.results, 1):
            numbers.setdefault(str(result.outcome), []).append(n)
        rows = "; ".join(f"{outcome}: {units.spans(which)}" for outcome, which in numbers.items())
        return f"{rows}; stopped: {self.stopped}" if self.stopped else rows

    def counts(self) -> str:
        """How many calls came to what."""
        counts = Counter(str(row.stage or row.outcome) for row in self.results)
        return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())


def spans(numbers: Sequence[int]) -> str:
    """The numbers of calls: `calls 1-3, 7`."""
    return f"{'call' if len(numbers) == 1 else 'calls'} {units.spans(list(numbers))}"
