"""A request to the service, ready to be sent; as much of its answer as arrives; and its response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.text import sanitize

from . import body_limits

_ID_HEADERS = ("x-debug-id", "x-request-id", "x-trace-id", "x-b3-traceid", "x-correlation-id")


@dataclass(frozen=True)
class Request:
    """One request to the service, ready to be sent: path quoted, query as pairs."""

    operation_id: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    media_type: str | None = None  # None: no body is sent
    reads: bool = False  # changes nothing, so may be repeated
    beside: Mapping[str, Any] = field(default_factory=dict)  # given in the published form alone (published.py)
    most_bytes: int = body_limits.MOST_OF_ONE  # of the answer
    tool: str = ""  # the tool it is sent for: the name that whoever reads an error knows

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.tool or self.operation_id


ONE_READ = Request(  # that every login may make and that costs the service little: to see whether it answers
    "ProtectionStoreList", "GET", "/backup-recovery/v1beta1/protection-stores", (("limit", "1"),), reads=True
)


@dataclass(frozen=True)
class Response:
    """What the service answered; `body` is parsed JSON or None. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    debug_id: str | None = None
    size: int = 0  # bytes of the body


@dataclass
class Answer:
    """As much of an answer as has arrived; status 0 while nothing has."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    broken: BaseException | None = None  # what kept the rest from arriving

    @property
    def debug_id(self) -> str | None:
        """The id under which the service remembers the request, where its headers have one."""
        return read_debug_id(self.headers, None)


def read_debug_id(headers: Mapping[str, str], body: Any) -> str | None:
    """The id under which the service remembers a request: debugId, traceId or a header."""
    identity = None
    if isinstance(body, dict):
        identity = body.get("debugId") or body.get("traceId")
    identity = identity or next((headers[name] for name in _ID_HEADERS if headers.get(name)), None)
    return sanitize.cell(str(identity), 80).replace('"', "'") or None if identity else None
