"""Confirmed plans under way. A plan belongs to the server, not to the call: whoever asked may go, and ask again.

Calls go out in their order, each judged just before; deletes that follow each other are under way together, so that
one look at the service's tasks serves them all. Must know nothing of MCP, codes or HTTP.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from greenlake_backup_mcp.errors import BackupError, InputError, OutcomeUnknown
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream.progress import Progress

from .permits import UNDONE, Permit
from .proposals import Caller, Consent, PreparedCall

PREFIX = "plan-"
TOGETHER = 10  # deletes under way at once
KEPT = 50  # plans that can still be asked after
LONGEST_WORDS = 300  # characters of what is told of one call


class CallReport(Protocol):
    """What became of one request, and what to tell of it: first the outcome in a sentence.

    `beside`: what changed that nobody asked for; it is told of a call that is done as well.
    """

    @property
    def outcome(self) -> Outcome: ...  # noqa: D102

    @property
    def lines(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def beside(self) -> str: ...  # noqa: D102


Execute = Callable[[PreparedCall, Caller], Awaitable[CallReport]]
"""Sends the request of a call whose consent was given and follows it; BackupError says what is known of a failure."""

Judge = Callable[[int, Caller], Awaitable[Permit]]
"""The permit of the nth call (from 0), its target and effect being what was confirmed; BackupError where not."""


@dataclass(frozen=True)
class RowResult:
    """What became of one call of a plan: the outcome, and what is known of it."""

    outcome: Outcome = Outcome.NOT_TRIED
    words: str = ""
    under_way: bool = False  # nothing is known yet, which is no failure

    @property
    def text(self) -> str:
        """Both in a line."""
        if self.under_way:
            return self.words
        return f"{self.outcome}: {self.words}" if self.words else str(self.outcome)


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
    ended: anyio.Event = field(default_factory=anyio.Event)
    stopped: str = ""  # why no further call is begun, and which were under way then
    notes: tuple[str, ...] = ()
    now: str = ""  # what is done now, in words
    changed: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        """Nothing is tried yet."""
        self.results = [RowResult() for _ in self.rows]

    @property
    def settled(self) -> int:
        """How many calls have come to something."""
        return sum(row.outcome is not Outcome.NOT_TRIED and not row.under_way for row in self.results)

    @property
    def failed(self) -> bool:
        """Whether a call came to something that ends a plan."""
        return any(row.outcome.is_error and not row.under_way for row in self.results)

    @property
    def outcome(self) -> Outcome:
        """The plan's outcome in a word: done where all of it is."""
        outcomes = {row.outcome for row in self.results}
        if len(outcomes) == 1:
            return outcomes.pop()
        return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.PARTLY

    def stop(self, why: str) -> None:
        """Begin no further call; what is under way is followed to its end."""
        if not self.stopped:
            busy = [n for n, result in enumerate(self.results, 1) if result.under_way]
            calls = (
                f"{'call' if len(busy) == 1 else 'calls'} {units.spans(busy)} under way" if busy else "none under way"
            )
            self.stopped = f"{why}, with {calls}"

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
        counts = Counter("under way" if row.under_way else row.outcome for row in self.results)
        return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())


@dataclass
class PlanRuns:
    """The plans of this process."""

    group: TaskGroup
    _runs: dict[str, PlanRun] = field(default_factory=dict)
    _scopes: set[anyio.CancelScope] = field(default_factory=set)

    def start(self, run: PlanRun, consent: Consent, permit: Permit, held: AsyncExitStack) -> None:
        """Carry out a plan; `held` is what holds its permit, and is closed at its end."""
        self._runs[run.id] = run
        for old in [key for key, one in self._runs.items() if one.ended.is_set()][: max(0, len(self._runs) - KEPT)]:
            del self._runs[old]
        self.group.start_soon(self._carry_out, run, consent, permit, held)

    def get(self, identity: str, principal: str) -> PlanRun:
        """A plan by its id; InputError where this process runs none for this caller."""
        run = self._runs.get(identity)
        if run is None or run.caller.principal != principal:
            raise InputError(
                f"There is no plan {sanitize.quoted(identity, 40)} in this process.",
                hint="A plan is known to the process that runs it, until that ends. The audit log and list_tasks tell "
                "what was carried out; do not repeat its calls before reading what they act on.",
            )
        return run

    async def wait(self, run: PlanRun, seconds: float, progress: Progress) -> None:
        """Wait for the end of a plan, at most so long."""
        with anyio.move_on_after(seconds):
            while True:
                changed = run.changed
                if run.ended.is_set():
                    break
                await progress(run.settled, len(run.rows) + 1, run.now or "the plan begins")
                await changed.wait()

    def stop_all(self, why: str) -> None:
        """Begin no further call of any plan."""
        for run in self._runs.values():
            run.stop(why)

    async def ended(self) -> None:
        """Wait until no plan is under way."""
        for run in list(self._runs.values()):
            await run.ended.wait()

    def cancel_all(self) -> None:
        """End what still runs: the time that it had is over."""
        for scope in list(self._scopes):
            scope.cancel()

    async def _carry_out(self, run: PlanRun, consent: Consent, permit: Permit, held: AsyncExitStack) -> None:
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                async with held:
                    try:
                        await _execute_all(run)
                    finally:
                        with anyio.CancelScope(shield=True):
                            await _settle(run, consent, permit)
            finally:
                self._scopes.discard(scope)
                run.ended.set()
                run.tell("the plan has ended")


async def _settle(run: PlanRun, consent: Consent, permit: Permit) -> None:
    """Record where the plan ended, and take back what it announced and did not do."""
    why = f"the plan was stopped ({run.stopped})" if run.stopped else "the plan was broken off"
    why = "the plan ended at the first failure" if run.failed and not run.stopped else why
    for n, result in enumerate(run.results):
        if result.under_way:
            run.results[n] = replace(result, under_way=False, words="it was broken off while it was under way")
        elif result.outcome is Outcome.NOT_TRIED:
            run.results[n] = replace(result, words=why)
    undone = [row.path for row, result in zip(run.rows, run.results, strict=True) if result.outcome in UNDONE]
    permit.reserved = False
    try:
        await consent.store.release(run.caller.id, undone)
    except BackupError:  # it ends by itself
        run.notes = (*run.notes, "For some minutes previews count all that the plan was to end as gone.")
    run.notes = (*run.notes, *await permit.settle(run.outcome, rows=run.rows_by_outcome()))


async def _execute_all(run: PlanRun) -> None:
    """Carry out the calls in order; the results say at each moment what became of each."""
    async with anyio.create_task_group() as group:
        under_way: dict[int, anyio.Event] = {}
        for n, row in enumerate(run.rows):
            # what differs from the calls under way waits for them: it may depend on them
            if any(not _may_overlap(row.call, run.rows[other].call) for other in under_way):
                await _all_of(under_way.values())
            while len(under_way) >= TOGETHER:
                await next(iter(under_way.values())).wait()
                under_way = {other: end for other, end in under_way.items() if not end.is_set()}
            if run.stopped or (run.failed and not run.go_on):
                break
            accepted, end = anyio.Event(), anyio.Event()
            run.tell(f"call {n + 1} of {len(run.rows)}: {row.words}")
            group.start_soon(_execute_one, run, n, accepted, end)
            await accepted.wait()  # calls go out in their order
            under_way = {other: e for other, e in {**under_way, n: end}.items() if not e.is_set()}


async def _all_of(events: Iterable[anyio.Event]) -> None:
    for event in list(events):
        await event.wait()


def _may_overlap(call: PreparedCall, other: PreparedCall) -> bool:
    """Whether two calls may be under way together: deletes by one tool do not depend on each other."""
    return call.tool.name == other.tool.name and call.request.method == "DELETE"


async def _execute_one(run: PlanRun, n: int, accepted: anyio.Event, end: anyio.Event) -> None:
    row = run.rows[n]

    async def silent(_done: float, _total: float | None, _words: str) -> None:
        """Whoever waits for the plan is told of its calls, not of parts of them."""

    mine = replace(  # with lines of its own in the record
        run.caller, id=f"{run.caller.id}-{n + 1}", progress=Progress(silent), person=None, accepted=accepted.set
    )
    try:
        permit = await run.judge(n, mine)
        async with permit.held():
            if run.stopped:  # while it was judged: nothing is sent any more
                await permit.settle(Outcome.NOT_TRIED)
                return
            run.results[n] = RowResult(Outcome.UNKNOWN, "under way", under_way=True)
            done = await run.execute(permit.with_before(row.call), mine)
            notes = await permit.settle(done.outcome)
            run.results[n] = RowResult(done.outcome, _words(row, done, notes))
    except BackupError as problem:
        outcome = Outcome.REFUSED if problem.nothing_sent else Outcome.FAILED
        outcome = Outcome.UNKNOWN if isinstance(problem, OutcomeUnknown) else outcome
        run.results[n] = RowResult(outcome, sanitize.cell(f"{problem.message} {problem.hint}", LONGEST_WORDS))
    finally:
        accepted.set()
        end.set()
        run.tell(f"{run.settled} of {len(run.rows)} calls have ended")


def _words(row: PlanRow, done: CallReport, notes: Sequence[str]) -> str:
    """What is told of a call that was sent: the state afterwards, and why where it is not done."""
    if done.outcome is Outcome.DONE:
        after = "it is gone" if row.call.request.method == "DELETE" else next(iter(done.lines), "")
        short = sanitize.cell(" ".join([after, *notes]), LONGEST_WORDS // 2)
        return f"{short} {sanitize.cell(done.beside, LONGEST_WORDS)}".rstrip()
    return sanitize.cell(" ".join([*done.lines, *notes]), LONGEST_WORDS)
