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
        body = _without_secrets(write.sent.body)
        before = _without_secrets(write.before)
        self.writes[principal, task_id] = replace(write, sent=replace(write.sent, body=body), before=before)
        while len(self.writes) > MOST:
            del self.writes[next(iter(self.writes))]

    def find(self, principal: str, task_id: str) -> RememberedWrite | None:
        """What this login asked with the write of a task; None where that is not known here."""
        return self.writes.get((principal, task_id))


def _without_secrets(value: Any) -> Any:
    """The body with the values of secrets taken away; their names stay, since what they should be cannot be told."""
    if isinstance(value, Mapping):
        return {n: "" if masking.is_secret(n) else _without_secrets(v) for n, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    return value
