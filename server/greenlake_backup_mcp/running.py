"""The calls under way, and how they end when the server does: with an answer, never with a broken connection.

Must know nothing of transports, nor of what a call does.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field

import anyio
from mcp.types import CallToolResult, InputRequiredResult

from . import replies
from .catalog import Tool
from .danger import Danger
from .errors import BackupError
from .settings import Settings


@dataclass
class Running:
    """The calls under way."""

    _calls: set[anyio.CancelScope] = field(default_factory=set)

    async def ended(
        self, call: Awaitable[CallToolResult | InputRequiredResult], tool: Tool, settings: Settings
    ) -> CallToolResult | InputRequiredResult:
        """The result of a call, or what is known of it where it is broken off."""
        with anyio.CancelScope() as scope:
            self._calls.add(scope)
            try:
                return await call
            finally:
                self._calls.discard(scope)
        return replies.error(_broken_off(tool), settings)

    def break_off(self) -> None:
        """End what still runs: the time that it had is over."""
        for call in list(self._calls):
            call.cancel()


def _broken_off(tool: Tool) -> BackupError:
    message = f"This server was shut down before {tool.name} had ended."
    if tool.danger is Danger.READ:
        hint = "Nothing was changed. Call it again."
        return BackupError(message, hint=hint, kind="unreachable")
    hint = "Look at the resource, and at list_tasks for a task that it began."
    return BackupError(message, hint=hint, kind="unknown")
