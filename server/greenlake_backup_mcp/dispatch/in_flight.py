"""The calls under way, and how they end when the server does: with an answer, never with a broken connection.

Must know nothing of transports, nor of what a call does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from mcp.types import CallToolResult, InputRequiredResult

from greenlake_backup_mcp.errors import BackupError, LimitExceeded, OutcomeUnknown, Unreachable
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import results

if TYPE_CHECKING:
    from greenlake_backup_mcp.consent.plan_runs import PlanRuns

AT_ONCE = 32  # calls of one caller that run
MOST_WAITING = 128  # calls of one caller that wait for a turn


@dataclass
class _Turns:
    """The calls of one caller: all of them, and which of them run."""

    calls: int = 0
    limiter: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(AT_ONCE, fast_acquire=True))


@dataclass
class InFlightCalls:
    """The calls under way."""

    plans: PlanRuns | None = None  # none before the first call
    _calls: set[anyio.CancelScope] = field(default_factory=set)
    _by_caller: dict[str, _Turns] = field(default_factory=dict)

    async def run(
        self,
        call: Callable[[], Awaitable[CallToolResult | InputRequiredResult]],
        tool: Tool,
        settings: Settings,
        caller: str = "",
    ) -> CallToolResult | InputRequiredResult:
        """The result of a call, or what is known of it where it is broken off.

        Of each caller AT_ONCE calls run; so many more as MOST_WAITING wait for their turn; others are refused unsent.
        """
        turns = self._by_caller.setdefault(caller, _Turns())
        if turns.calls >= AT_ONCE + MOST_WAITING:
            why = f"{turns.calls} calls of yours are under way or wait; {tool.name} was not begun."
            return results.error_result(
                LimitExceeded(why, hint="Wait for their answers, then call it again."), settings
            )
        turns.calls += 1
        begun = False
        try:
            with anyio.CancelScope() as scope:
                self._calls.add(scope)
                async with turns.limiter:
                    begun = True
                    return await call()
            return results.error_result(_interrupted(tool, begun), settings)
        finally:
            self._calls.discard(scope)
            turns.calls -= 1
            if not turns.calls:
                self._by_caller.pop(caller, None)

    def drain(self, why: str = "the server was shut down") -> None:
        """Send nothing more of any plan."""
        if self.plans is not None:
            self.plans.stop_all(why)

    def cancel_all(self) -> None:
        """End what still runs: the time that it had is over."""
        if self.plans is not None:
            self.plans.cancel_all()
        for call in list(self._calls):
            call.cancel()


def _interrupted(tool: Tool, begun: bool) -> BackupError:
    message = f"This server was shut down before {tool.name} had ended."
    if tool.danger is Danger.READ or not begun:
        hint = "Nothing was changed. Call it again."
        return Unreachable(message, hint=hint)
    hint = "Look at the resource, and at list_tasks for a task that it began."
    return OutcomeUnknown(message, hint=hint)
