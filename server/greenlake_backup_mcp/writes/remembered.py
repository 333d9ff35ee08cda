"""What was asked by the writes of the last hours, by their tasks: so that a later wait holds the end against it.

In memory only, bounded, without secrets; a task of another process or login is followed without what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import masking
from greenlake_backup_mcp.upstream.client import Request

MOST = 1000


@dataclass(frozen=True)
class RememberedWrite:
    """A write that was accepted with a task: the request without its secrets, its target, when it was sent."""

    sent: Request
    target: Request | None
    since: datetime
    before: Mapping[str, Any] = field(default_factory=dict)  # the target as it was; {} where it was not read


@dataclass
class WriteMemory:
    """The accepted writes of this process: (login, id of the task) → what was asked. The oldest are forgotten first."""

    writes: dict[tuple[str, str], RememberedWrite] = field(default_factory=dict)

    def remember(self, principal: str, task_id: str, write: RememberedWrite) -> None:
        """Keep what was asked."""
        sent = replace(write.sent, body=masking.redact(write.sent.body))
        self.writes[principal, task_id] = replace(write, sent=sent, before=masking.redact(write.before))
        while len(self.writes) > MOST:
            del self.writes[next(iter(self.writes))]

    def find(self, principal: str, task_id: str) -> RememberedWrite | None:
        """What this login asked with the write of a task; None where that is not known here."""
        return self.writes.get((principal, task_id))
