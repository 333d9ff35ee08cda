"""A survey under way: the only way by which it reads, within its bounds, and what it has found."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.errors import LimitExceeded
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.tools import drift
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.reading_table import BY_NAME

MOST_REQUESTS = 60
TOKENS = 3  # of them, for as many fetches of a token at most
MOST_SECONDS = 300.0  # after which nothing more is begun: a service that hangs must not hold up whoever asks
ITEMS = 20  # of each list that are looked at
RATES = re.compile(r"retry-after|(?:x-)?rate-?limit(?:-(?:limit|remaining|reset|policy))?")
NOTHING, UNUSABLE, UNREAD = 0, -1, -2  # as the status of a look: nothing to try it with; no answer; no request left
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """What one list came to."""

    tool: str
    toolset: str
    operation: str
    status: int = NOTHING
    problem: str = ""  # the service's own words; told only as far as they are codes
    asked: int = 0
    came: int = 0
    total: int | None = None


@dataclass
class Survey:
    """A survey under way, and what it has found."""

    api: client.ApiClient
    tools: Sequence[Tool]
    tell: Callable[[str], None]
    looks: list[Look] = field(default_factory=list)
    proofs: dict[str, tuple[str, str]] = field(default_factory=dict)  # reading -> value, and what proved it
    oddities: dict[tuple[str, drift.Oddity], list[str]] = field(
        default_factory=dict
    )  # operation and what: ids of items
    bodies: list[tuple[str, Any]] = field(default_factory=list)  # all that came, so that none of it gets out
    rates: dict[str, str] = field(default_factory=dict)
    line: call_log.Call = field(default_factory=lambda: call_log.Call("survey"))  # counts what is sent, again as well
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    samples: dict[str, list[Item]] = field(default_factory=dict)

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations of the lists, by tool."""
        return {tool.name: tool.operation for tool in self.tools if tool.operation is not None}

    @property
    def is_spent(self) -> bool:
        """Whether the time is over, or one more read, as often as it is retried, could exceed what may be sent."""
        late = time.monotonic() - self.started > MOST_SECONDS
        return late or self.line.requests + self.api.settings.retries >= MOST_REQUESTS - TOKENS

    async def read(self, operation: str, path: str, *query: tuple[str, str]) -> client.Response:
        """The answer to a GET, sent as it is; BackupError for whatever else comes."""
        if self.is_spent:
            raise LimitExceeded(f"A survey makes at most {MOST_REQUESTS} requests in {MOST_SECONDS:.0f} seconds.")
        request = client.Request(operation, "GET", path, tuple(query), reads=True)
        reply = await client.send(self.api, request, adapt=False)
        if self.line.requests % 10 == 0:
            self.tell(f"… {self.line.requests} reads of {MOST_REQUESTS} at most")
        self.bodies.append((operation, reply.body))
        self.rates |= {name: value for name, value in reply.headers.items() if RATES.fullmatch(name)}
        return reply

    def prove(self, name: str, value: str, proof: str) -> None:
        """An answer proves a reading; it is kept for the tenant as well."""
        self.proofs[name] = (value, proof)
        if value in BY_NAME[name].values:
            self.api.readings.learn(name, value, f"survey: {proof}")
