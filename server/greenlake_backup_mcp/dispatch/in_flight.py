"""The calls under way, and how they end when the server does: with an answer, never with a broken connection.

Must know nothing of transports, nor of what a call does.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from mcp.types import CallToolResult, InputRequiredResult

from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown, Unreachable
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

from . import results

if TYPE_CHECKING:
    from greenlake_backup_mcp.consent.plan_runs import PlanRuns


@dataclass
class InFlightCalls:
    """The calls under way."""

    plans: PlanRuns | None = None  # none before the first call
    _calls: set[anyio.CancelScope] = field(default_factory=set)

    async def run(
        self, call: Awaitable[CallToolResult | InputRequiredResult], tool: Tool, settings: Settings
    ) -> CallToolResult | InputRequiredResult:
        """The result of a call, or what is known of it where it is broken off."""
        with anyio.CancelScope() as scope:
            self._calls.add(scope)
            try:
                return await call
            finally:
                self._calls.discard(scope)
        return results.error_result(_interrupted(tool), settings)

    def drain(self) -> None:
        """Begin nothing further: plans stop after the calls under way."""
        if self.plans is not None:
            self.plans.stop_all("the server was shut down")

    def cancel_all(self) -> None:
        """End what still runs: the time that it had is over."""
        if self.plans is not None:
            self.plans.cancel_all()
        for call in list(self._calls):
            call.cancel()


def _interrupted(tool: Tool) -> BackupError:
    message = f"This server was shut down before {tool.name} had ended."
    if tool.danger is Danger.READ:
        hint = "Nothing was changed. Call it again."
        return Unreachable(message, hint=hint)
    hint = "Look at the resource, and at list_tasks for a task that it began."
    return OutcomeUnknown(message, hint=hint)
