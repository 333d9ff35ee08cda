"""Carrying out a confirmed plan: its calls one after another, each judged, sent, and followed while later ones go out.

Never are two requests of a plan on the wire. What a stop finds sent is awaited, what it finds accepted goes on at the
service, and nothing else is sent. Must know nothing of MCP, codes or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import anyio

from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown
from greenlake_backup_mcp.outcomes import CallOutcome, Outcome
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.progress import Progress

from .permits import Permit
from .plan_rows import PlanRow, PlanRun, RowResult, Stage, spans
from .proposals import PreparedCall

TOGETHER = 10  # calls of one kind that were accepted and have not ended, at most
UNENDED = (Outcome.RUNNING, Outcome.TRIGGERED, Outcome.PAUSED)
FOLLOWED_SECONDS = 3600.0  # that a call is followed before the plan goes on without its end
LONGEST_WORDS = 300  # characters of what is told of one call


class StoppedError(Exception):
    """The plan was stopped before a request went out."""


async def execute_all(run: PlanRun) -> None:
    """Carry out the calls in order; the results say at each moment what became of each."""
    async with anyio.create_task_group() as group:
        going: dict[int, anyio.Event] = {}
        for n, row in enumerate(run.rows):
            # what differs from the calls that have not ended waits for them: it may depend on them
            if any(not may_overlap(row.call, run.rows[other].call) for other in going):
                await _all_of(going.values())
                going = {}
            while len(going) >= TOGETHER:
                await next(iter(going.values())).wait()
                going = {other: end for other, end in going.items() if not end.is_set()}
            if not run.go_on and (late := _unended(run, n)):
                run.stop(f"{spans(late)} had not ended")
            if run.halted:
                break
            answered, end = anyio.Event(), anyio.Event()
            run.tell(f"call {n + 1} of {len(run.rows)}: {row.words}")
            group.start_soon(_execute_one, run, n, answered, end)
            await answered.wait()  # never are two requests on the wire
            going = {other: e for other, e in {**going, n: end}.items() if not e.is_set()}


async def _all_of(events: Iterable[anyio.Event]) -> None:
    for event in list(events):
        await event.wait()


def may_overlap(call: PreparedCall, other: PreparedCall) -> bool:
    """Whether a call may go out before another has ended: deletes and actions of one kind, on different things.

    What makes something waits, since that may be in the way of the next; so does what changes something.
    """
    one, two = call.request, other.request
    return call.tool.name == other.tool.name and one.method in ("DELETE", "POST") and one.path != two.path


def _unended(run: PlanRun, n: int) -> list[int]:
    """The earlier calls, by number, that the nth may depend on and that were followed in vain."""
    return [
        other + 1
        for other, result in enumerate(run.results[:n])
        if result.outcome in UNENDED and not result.stage and not may_overlap(run.rows[n].call, run.rows[other].call)
    ]


async def _execute_one(run: PlanRun, n: int, answered: anyio.Event, end: anyio.Event) -> None:
    row, begun = run.rows[n], ""

    async def silent(_done: float, _total: float | None, _words: str) -> None:
        """Whoever waits for the plan is told of its calls, not of parts of them."""

    def sending() -> None:
        if run.halted:
            raise StoppedError
        run.results[n] = RowResult(Outcome.UNKNOWN, stage=Stage.SENT)

    def accepted(task: str | None) -> None:
        nonlocal begun
        if task is not None:
            begun = task
            run.results[n] = RowResult(Outcome.RUNNING, _going_on(task), Stage.ACCEPTED)
            if run.stopped:
                scope.cancel()
        answered.set()

    mine = replace(  # with lines of its own in the record
        run.caller, id=f"{run.caller.id}-{n + 1}", progress=Progress(silent), person=None,
        sending=sending, accepted=accepted, patience=FOLLOWED_SECONDS,
    )  # fmt: skip
    scope = run.scopes[n] = anyio.CancelScope()
    try:
        with scope:
            permit = await run.judge(n, mine)
            async with permit.held():
                try:
                    done = await run.execute(permit.with_before(row.call), mine)
                except (anyio.get_cancelled_exc_class(), StoppedError) as why:
                    with anyio.CancelScope(shield=True):
                        run.results[n] = await _break_off(run.results[n], permit, begun, why)
                    raise
                notes = await permit.settle(done.outcome)
                run.results[n] = RowResult(done.outcome, _words(row, done, notes))
    except StoppedError:
        pass
    except BackupError as problem:
        outcome = Outcome.REFUSED if problem.nothing_sent else Outcome.FAILED
        outcome = Outcome.UNKNOWN if isinstance(problem, OutcomeUnknown) else outcome
        run.results[n] = RowResult(outcome, sanitize.cell(f"{problem.message} {problem.hint}", LONGEST_WORDS))
    finally:
        del run.scopes[n]
        answered.set()
        end.set()
        run.tell(f"{run.settled} of {len(run.rows)} calls have ended")


async def _break_off(result: RowResult, permit: Permit, task: str, why: BaseException) -> RowResult:
    """What is known of a call that is not followed further; settled in the record."""
    outcome, words = Outcome.NOT_TRIED, ""
    if result.stage is Stage.ACCEPTED:
        outcome, words = result.outcome, result.words
    elif result.stage is Stage.SENT and not isinstance(why, StoppedError):  # else it was refused, and not sent again
        outcome, words = Outcome.UNKNOWN, "it was broken off while it was under way"
    notes = await permit.settle(outcome, **({"task": task} if task else {}))
    return RowResult(outcome, sanitize.cell(" ".join([words, *notes]), LONGEST_WORDS))


def _going_on(task: str) -> str:
    then = f'wait_for_task taskId="{task}" tells its end' if task else "list_tasks tells its end"
    return f"accepted by the service; {then}"


def _words(row: PlanRow, done: CallOutcome, notes: Sequence[str]) -> str:
    """What is told of a call that was sent: the state afterwards, and why where it is not done."""
    if done.outcome is Outcome.DONE:
        # the second line says what is as it was asked; that it is done the outcome says already
        after = [line.removeprefix("Done, ").removeprefix("Done: ") for line in done.lines[:2] if line.endswith(".")]
        if row.call.request.method == "DELETE":
            unknown = [line for line in done.lines if line.startswith("Cannot be told")]
            after = ["it is gone.", *unknown] if unknown else ["it is gone"]
        short = sanitize.cell(" ".join([*after, *notes]), LONGEST_WORDS)
        return f"{short} {sanitize.cell(done.beside, LONGEST_WORDS)}".rstrip()
    return sanitize.cell(" ".join([*done.lines, *notes]), LONGEST_WORDS)
