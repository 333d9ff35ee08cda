"""Log lines on stderr, one per call with its duration and the vendor's debug id; spans for OpenTelemetry.

Holds no argument, no body, no name of the tenant and no secret: only tools, operations, numbers, ids of requests, and
over HTTP whose login it was.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import stderr

if TYPE_CHECKING:
    from opentelemetry.trace import Span

LONGEST_MESSAGE = 2000  # characters of a line's words
LOGGER = logging.getLogger("greenlake_backup_mcp")
WATCHERS: list[Callable[[str, Mapping[str, Any]], None]] = []
"""Who counts what is told here (telemetry, where it is on): "call", "request", "repeat", "gated", with their fields."""


@dataclass
class Call:
    """What the line of one call says; filled in while it runs."""

    tool: str
    principal: str = ""  # whose login it was; "" where there are none
    outcome: str = "answered"
    requests: int = 0
    repeated: int = 0
    debug_id: str | None = None
    processor: float = 0.0  # seconds of it that the call needed
    writes: int = 0  # begun to be sent
    hide: Callable[[str], str] = str  # takes the secrets of this call out of what others told
    started: float = field(default_factory=time.perf_counter)

    def add_processor_time(self, seconds: float) -> None:
        """Count what a step of the call needed."""
        self.processor += seconds

    def fields(self) -> dict[str, Any]:
        """The line as names and values; what is not known is left out."""
        values = {
            "tool": self.tool,
            "principal": self.principal or None,
            "outcome": self.outcome,
            "ms": round((time.perf_counter() - self.started) * 1000),
            "cpu_ms": round(self.processor * 1000),
            "requests": self.requests,
            "repeated": self.repeated or None,
            "debug_id": self.debug_id,
        }
        return {name: value for name, value in values.items() if value is not None}


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


def configure(level: str = "warning", *, as_json: bool = False) -> None:
    """Send log lines to stderr: `key=value` for people, or one JSON object per line.

    Lines of libraries come from WARNING on, without what stands in them: it may be what a caller sent.
    """
    handler = stderr.StderrHandler()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False
    server = logging.getLogger("uvicorn.error")  # one line like ours, and no stack trace
    server.handlers[:], server.propagate = [handler], False
    server.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [*(h for h in root.handlers if not isinstance(h, stderr.StderrHandler)), handler]
    for name in ("httpx2", "httpcore2"):  # their lines carry URLs, and URLs carry names in filters
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def call(tool: str, principal: str = "") -> Iterator[Call]:
    """One line at the end of a call, whatever its end is; set `outcome` to tell more than "answered"."""
    line = Call(tool, principal)
    token = _CALL.set(line)
    try:
        yield line
    except Exception as error:
        line.outcome = type(error).__name__
        raise
    except BaseException:
        line.outcome = "cancelled"
        raise
    finally:
        _CALL.reset(token)
        level = logging.INFO if line.outcome in ("answered", "cancelled") else logging.WARNING
        if LOGGER.isEnabledFor(level):
            LOGGER.log(level, "call", extra={"fields": line.fields()})
        if WATCHERS:
            notify_watchers("call", line.fields())


def notify_watchers(event: str, fields: Mapping[str, Any]) -> None:
    """Hand an event to whoever counts."""
    for watcher in WATCHERS:
        watcher(event, fields)


def count_request(operation: str, status: int | str, ms: float, debug_id: str | None) -> None:
    """One request to the service ended: `status` is its code, or the name of what broke."""
    line = _CALL.get()
    if line is not None:
        debug_id = line.hide(debug_id) if debug_id else None
        line.requests += 1
        line.debug_id = debug_id or line.debug_id
    if WATCHERS:
        notify_watchers("request", {"operation": operation, "status": status, "ms": ms})
    if LOGGER.isEnabledFor(logging.DEBUG):
        values = {"operation": operation, "status": status, "ms": round(ms), "debug_id": debug_id}
        fields = {name: value for name, value in values.items() if value is not None}
        LOGGER.debug("request", extra={"fields": fields})


def principal() -> str:
    """Whose login the call under way is; "" where there is none, or no call."""
    line = _CALL.get()
    return line.principal if line is not None else ""


def record_debug_id(debug_id: str | None) -> None:
    """The vendor's debug id stood in an answer's body."""
    if (line := _CALL.get()) is not None and debug_id:
        line.debug_id = line.hide(debug_id)


def count_write() -> None:
    """A request of this call that may change something is about to leave."""
    if (line := _CALL.get()) is not None:
        line.writes += 1


def count_retry() -> None:
    """A request of this call is about to be sent again."""
    notify_watchers("repeat", {})
    if (line := _CALL.get()) is not None:
        line.repeated += 1


@contextmanager
def span(method: str, operation: str) -> Iterator[Span]:
    """An OpenTelemetry span around one request; costs next to nothing unless an SDK is installed and configured."""
    from opentelemetry.trace import INVALID_SPAN, ProxyTracer, SpanKind, StatusCode, get_tracer  # noqa: PLC0415  loaded by mcp anyway

    tracer = get_tracer("greenlake_backup_mcp")
    if isinstance(tracer, ProxyTracer):  # what there is until an SDK is configured
        yield INVALID_SPAN
        return
    with tracer.start_as_current_span(
        f"{method} {operation}",
        kind=SpanKind.CLIENT,
        attributes={"http.request.method": method, "greenlake.operation": operation},
        record_exception=False,  # a message may quote the tenant's names
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", str(getattr(error, "code", type(error).__name__)))
            current.set_status(StatusCode.ERROR)
            raise


class TextFormatter(logging.Formatter):
    """`2026-11-24T08:00:00Z info call tool=list_vms ms=12`, one line whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields = " ".join(f"{name}={_plain(value)}" for name, value in _fields(record).items())
        return f"{_moment(record)} {record.levelname.lower()} {_plain(_message(record))} {fields}".rstrip()


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        entry = {"time": _moment(record), "level": record.levelname.lower(), "message": _message(record)}
        return json.dumps({**entry, **_fields(record)}, default=str)


def _message(record: logging.LogRecord) -> str:
    """What a line says; of a library's line its fixed words alone."""
    own = record.name.partition(".")[0] in (LOGGER.name, "uvicorn")
    return (record.getMessage() if own else f"{record.name}: {record.msg}")[:LONGEST_MESSAGE]


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[0] is not None:
        fields["error"] = record.exc_info[0].__name__
        trace = record.exc_info[2]
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:  # where, but never the message: it may quote what was sent
            fields["at"] = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
    return fields


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: Any) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")
