"""Confirmed plans under way. A plan belongs to the server, not to the call: whoever asked may go, and ask again.

Must know nothing of codes or HTTP, nor how calls are carried out (plan_execution.py).
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import anyio
from anyio.abc import TaskGroup
from mcp.types import CallToolResult

from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream.progress import Progress

from . import refusals
from .permits import UNDONE, Permit
from .plan_execution import execute_all
from .plan_rows import PREFIX, PlanRun
from .proposals import Caller, Consent

READING = 0.1  # of the progress of a plan: its targets are read
KEPT = 50  # plans that can still be asked after


@dataclass
class PlanRuns:
    """The plans of this process."""

    group: TaskGroup
    closing: str = ""  # why no plan is begun any more
    _runs: dict[str, PlanRun] = field(default_factory=dict)
    _scopes: set[anyio.CancelScope] = field(default_factory=set)

    def start(self, run: PlanRun, consent: Consent, permit: Permit, held: AsyncExitStack) -> None:
        """Carry out a plan; `held` is what holds its permit, and is closed at its end."""
        self._runs[run.id] = run
        if self.closing:
            run.stop(self.closing)
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
        """Send nothing more of any plan, nor anything of those that are confirmed afterwards."""
        self.closing = self.closing or why
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
                        await execute_all(run)
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
    run.results = [
        replace(result, words=result.words or why) if result.outcome is Outcome.NOT_TRIED else result
        for result in run.results
    ]
    undone = [row.path for row, result in zip(run.rows, run.results, strict=True) if result.outcome in UNDONE]
    permit.reserved = False
    try:
        await consent.store.release(run.caller.id, undone)
    except BackupError:  # it ends by itself
        run.notes = (*run.notes, "For some minutes previews count all that the plan was to end as gone.")
    run.notes = (*run.notes, *await permit.settle(run.outcome, rows=run.rows_by_outcome()))


async def wait(  # noqa: PLR0913
    runs: PlanRuns, identity: str, settings: Settings, seconds: float, caller: Caller, *, stop: bool
) -> CallToolResult:
    """The answer of wait_for_task for a plan: how it stands, after its end or so many seconds."""
    plan = runs.get(identity.lower(), caller.principal)
    if stop:
        plan.stop("it was asked to stop")
    return await follow(runs, plan, settings, seconds, replace(caller, cancels=False))


def is_plan(task_id: str) -> bool:
    """Whether an id is that of a plan, and not of a task of the service."""
    return task_id.lower().startswith(PREFIX)


async def follow(runs: PlanRuns, plan: PlanRun, settings: Settings, seconds: float, caller: Caller) -> CallToolResult:
    """How a plan stands after its end, or after so many seconds."""
    _, working = caller.progress.split(READING)
    try:
        await runs.wait(plan, seconds, working)
    except anyio.get_cancelled_exc_class():
        if caller.cancels:
            plan.stop("the call was cancelled")
        raise
    await caller.progress(1, 1, "the plan has ended" if plan.ended.is_set() else "the plan goes on")
    return render(plan, settings)


def render(plan: PlanRun, settings: Settings) -> CallToolResult:
    """How a plan stands: each call with its name, its outcome and the state afterwards."""
    over = plan.ended.is_set()
    lines = [f"Plan of {units.plural(len(plan.rows), 'call')}: {plan.counts()}.", *plan.notes]
    if not over:
        lines.append(
            f'It goes on by itself (id {plan.id}): wait_for_task taskId="{plan.id}" waits on, with stop: true it stops '
            "after the request under way. Do not start it again."
        )
    if over and plan.stopped:
        lines.append(f"It was stopped: {plan.stopped}. What was not tried can be previewed as a new plan.")
    elif plan.failed and any(row.outcome is Outcome.NOT_TRIED for row in plan.results):
        lines.append("It stopped at the first failure; preview the rest as a new plan.")
    if over and any(row.outcome is Outcome.UNKNOWN for row in plan.results):
        lines.append(
            "UNKNOWN means it may or may not have been carried out: read the resource, do not repeat the call."
        )
    lines += [
        f"{number}. {row.words}: {result.text}"
        for number, (row, result) in enumerate(zip(plan.rows, plan.results, strict=True), 1)
        if over or result.outcome is not Outcome.NOT_TRIED
    ]
    return refusals.text(lines, settings, is_error=plan.failed)
