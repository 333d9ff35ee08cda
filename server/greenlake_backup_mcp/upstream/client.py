"""HTTP to the service: one request, its outcome, and whether it may be sent again.

Knows HTTP, not tools' arguments and not MCP. The rule it keeps: a write is repeated only when it cannot have been
carried out (a token refused, too many requests, no connection); whatever else befalls it is told, not repeated.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import anyio

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.settings import Settings

from . import adaptation, readings, request_forms
from .messages import ONE_READ, Answer, Request, Response
from .outcomes import error_of, no_answer, response_of
from .retry import retry
from .retry_after import retry_after_seconds
from .transport import Transport

__all__ = ("BEFORE_WRITE", "ONE_READ", "ApiClient", "Request", "Response", "connect", "send")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\U0010ffff?#\\]|//|/\.{1,2}(?:/|$)")
BEFORE_WRITE: ContextVar[Callable[[], None]] = ContextVar("before_write", default=lambda: None)
"""Called just before a request that changes something goes out, each attempt; what it raises keeps that back."""


@dataclass(frozen=True)
class ApiClient:
    """The way to the service: settings, transport, and the clock by which ages are counted."""

    settings: Settings
    transport: Transport
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    inspect: Callable[[str, Any, bool], None] = lambda _operation_id, _body, _whole: None  # of each answer to a GET

    @property
    def readings(self) -> readings.Readings:
        """What is taken to hold of the service where the documents leave it open."""
        return self.transport.readings

    @property
    def simulated(self) -> bool:
        """Whether nothing here is real."""
        return self.transport.simulated


@asynccontextmanager
async def connect(
    settings: Settings,
    *,
    now: Callable[[], datetime] | None = None,
    app: Any = None,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> AsyncIterator[ApiClient]:
    """An ApiClient over the tenant of the settings, or in-process over `app` (an ASGI simulated tenant).

    `now` is the clock by which ages are counted, `sleep` every wait of the client. Missing credentials are told by the
    first `send`, so that the tools can be listed without them.
    """
    transport = Transport(settings, app, sleep)
    try:
        yield ApiClient(settings, transport, now or (lambda: datetime.now(UTC)), sleep)
    finally:
        with anyio.CancelScope(shield=True):
            await transport.close()


async def send(api: ApiClient, request: Request, *, adapt: bool = True) -> Response:
    """The service's 2xx response; every other outcome is a BackupError that says what is known.

    InputError and SettingsError: nothing was sent. ServiceError: it answered with another status. Unreachable: no
    answer, and nothing was carried out. OutcomeUnknown: a write that may have been. LimitExceeded: an answer beyond our
    bounds. A request that a reading shapes may be sent in another form after a definite refusal (adaptation.py);
    `adapt` False: it goes as it is.
    """
    if not request.path.startswith("/") or _FORBIDDEN.search(request.path):
        raise InputError(f"The path {request.path[:80]!r} is none of the service's; nothing was sent.")
    api.transport.connection()
    if not request.reads:
        readings.SENT.set({})
    if not adapt:
        return await _send_form(api, request, {})
    return await adaptation.send_adapted(api.readings, request, lambda values: _send_form(api, request, values))


async def _send_form(api: ApiClient, plain: Request, values: Mapping[str, str]) -> Response:
    """Send a request in the form of these readings."""
    request = request_forms.form_of(plain, values)
    if request != plain and not request.reads:
        readings.SENT.set({"form": {"readings": dict(values), "type": request.media_type, "body": request.body}})
    content = None
    if request.media_type is not None:
        content = json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")

    async def once() -> Response:
        async with api.transport.limiter.slot(call_log.principal()):
            return await _exchange(api, request, content)

    with call_log.span(request.method, request.operation_id) as span:
        attempts, seconds = 1 + api.settings.retries, 2 * api.settings.timeout
        response = await retry(once, attempts=attempts, seconds=seconds, sleep=api.sleep)
        span.set_attribute("http.response.status_code", response.status)
        return response


async def _exchange(api: ApiClient, request: Request, content: bytes | None) -> Response:
    """One attempt, and a second one where the token was refused: then the request was not carried out."""
    answer = await _attempt(api, request, content)
    if answer.status == 401 and api.transport.connection().tokens.renewable:
        call_log.count_retry()
        answer = await _attempt(api, request, content)
    if answer.status == 0:
        raise no_answer(request, answer.broken)
    if wait := retry_after_seconds(answer.headers, answer.status, datetime.now(UTC)):
        api.transport.limiter.pause_for(wait)
    api.transport.clock.observe(answer.headers, api.now())
    if not 200 <= answer.status < 300:
        raise error_of(request, answer, api.readings, api.transport.clock.note)
    response = await response_of(request, answer)
    if location := response.headers.get("location"):
        api.readings.learn("location", "relative" if location.startswith("/") else "absolute", request.name)
    if request.method != "GET":
        return response
    api.inspect(request.operation_id, response.body, not any(name == "select" for name, _ in request.query))
    if "/async-operations" in request.path:
        return replace(response, body=readings.read_task(api.readings, response.body))
    return response


async def _attempt(api: ApiClient, request: Request, content: bytes | None) -> Answer:
    """Send once and read the answer, within the time a request may take. Raises only before anything was sent."""
    connection = api.transport.connection()
    url = connection.base + request.path
    if request.query:
        url += "?" + urlencode(request.query, quote_via=quote)
    headers = {"Authorization": f"Bearer {await connection.tokens.token()}"}
    if content is not None:
        headers["Content-Type"] = str(request.media_type)
    if not request.reads:
        BEFORE_WRITE.get()()
        call_log.count_write()
    started = time.perf_counter()
    options = {"content": content, "headers": headers}
    answer = await api.transport.exchange(request.method, url, request.most_bytes, options)
    if answer.status == 401:
        connection.tokens.discard(headers["Authorization"])
    ms = (time.perf_counter() - started) * 1000
    outcome = answer.status or type(answer.broken).__name__
    call_log.count_request(request.operation_id, outcome, ms, answer.debug_id)
    return answer
