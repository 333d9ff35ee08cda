"""Confirmed plans under way. A plan belongs to the server, not to the call: whoever asked may go, and ask again.

Must know nothing of MCP, codes or HTTP, nor how calls are carried out (plan_rows.py).
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import anyio
from anyio.abc import TaskGroup

from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.progress import Progress

from .permits import UNDONE, Permit
from .plan_rows import PlanRun, execute_all
from .proposals import Consent

KEPT = 50  # plans that can still be asked after


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
        """Send nothing more of any plan."""
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
