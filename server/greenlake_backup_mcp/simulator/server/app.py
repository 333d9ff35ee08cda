"""The simulated tenant as a Starlette app, in-process or on a port. The state is `app.state.tenant`.

OAuth client `demo` with secret `demo-secret`, workspace 0123456789abcdef0123456789abcdef.
"""

# ruff: noqa: PLR0913

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend

from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.answers import Answer
from greenlake_backup_mcp.simulator.faults import inject
from greenlake_backup_mcp.simulator.faults.inject import Fault
from greenlake_backup_mcp.simulator.faults.script import Faults, Script
from greenlake_backup_mcp.simulator.state import Received, Tenant
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.simulator.tasks import Ending

from . import control, oauth
from .service import Incoming, Service

BEFORE = ("status", "refuse", "reset_before")


def create_app(
    *,
    seed: int = 7,
    now: Callable[[], datetime] | None = None,
    scale: float = 60.0,
    faults: Faults | None = None,
    switches: Switches | None = None,
    size: str = "small",
    bulk: int = 0,
    remember: int = 10_000,
) -> Starlette:
    """A simulated tenant, the same for the same seed and time.

    `now` is its clock (default: the real one); tasks run `scale` times as fast as the service's.
    `size` is small (400 VMs) or middle (2,000). `bulk` adds a VM `bulk-archive-01` that owns so many backups.
    `remember` requests are kept in `app.state.tenant.requests`.
    """
    clock = now or (lambda: datetime.now(UTC))
    tenant = Tenant(seed, clock, scale, switches or Switches(), size=size, bulk=bulk, remember=remember)
    service = Service(tenant, description.load())
    service.script.set(faults or Faults())
    app = Starlette()
    app.middleware_stack = Endpoint(service)  # nothing in between: routes would not match a line break, and
    # Starlette's own error handling would answer 500 on a connection that is to be broken
    app.state.tenant = tenant
    app.state.script = service.script
    return app


@dataclass
class Endpoint:
    """ASGI: reads a request, lets the service answer, plays the faults, keeps the log."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        """One request; a broken connection ends without an answer."""
        if scope["type"] != "http":
            return
        try:
            await self._request(scope, receive, send)
        except inject.ConnectionBroken:
            return

    async def _request(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        request = await _read(scope, receive)
        tenant, script = self.service.tenant, self.service.script
        controls = request.path.startswith(control.PREFIX)
        faults = [] if controls else script.matching_faults(request.method, request.path)
        status, operation = 0, ""
        began = tenant.now()
        try:
            for fault in faults:
                if fault.kind == "latency":
                    await anyio.sleep(fault.seconds)
            first = next((f for f in faults if f.kind in BEFORE), None)
            content: bytes | None = None
            if first and first.kind != "status":
                await inject.break_connection(send, first.kind)
            if first:
                answer, content = inject.error_answer(first, tenant.new_id("debug"), tenant.now())
            else:
                _prepare(tenant, faults)
                answer, operation = self.service.answer(request)
                if answer.status != 202 and any(f.kind == "task" for f in faults):
                    tenant.endings.pop()  # no task began
                for fault in faults:
                    answer = inject.alter(fault, answer)
            status = answer.status
            await _send(tenant, send, answer, content, faults)
        finally:
            if not controls:
                tenant.requests.append(_log_entry(request, began, status, operation))


def _prepare(tenant: Tenant, faults: list[Fault]) -> None:
    """What faults do to the tenant before the request is carried out."""
    for fault in faults:
        if fault.kind == "revoke":
            tenant.tokens.clear()
        elif fault.kind == "task":
            tenant.endings.append(Ending(fault.state, fault.effect))
        elif fault.kind == "shift":
            tenant.shift()


async def _read(scope: Scope, receive: Receive) -> Incoming:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"].decode("latin-1")
    base = f"{scope['scheme']}://{headers.get('host', 'localhost')}"
    return Incoming(scope["method"], raw.decode("latin-1"), query, headers, b"".join(chunks), base)


async def _send(tenant: Tenant, send: AsgiSend, answer: Answer, raw: bytes | None, faults: list[Fault]) -> None:
    kinds = {fault.kind: fault for fault in faults}
    content = inject.encode(answer) if raw is None else raw
    headers = {"Content-Type": "application/json"} if content else {}
    headers |= answer.headers
    if "wrong_type" in kinds or "html" in kinds:
        headers["Content-Type"] = "text/html; charset=utf-8"
    skew = tenant.switches.clock_skew + (kinds["skew"].seconds if "skew" in kinds else 0)
    headers["Date"] = format_datetime(tenant.now() + timedelta(seconds=skew), usegmt=True)
    if "reset_after" in kinds:
        await inject.break_connection(send, "reset_after")
    spoiling = next((f for f in faults if f.kind in inject.BYTES), None)
    if spoiling and spoiling.kind == "bomb":
        headers["Content-Encoding"] = "gzip"
    if not spoiling and answer.status != 204:
        headers["Content-Length"] = str(len(content))
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    if "reset_during" in kinds:
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        await inject.break_connection(send, "reset_during")
    if spoiling:
        async for chunk in inject.corrupt(spoiling, content):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        content = b""
    await send({"type": "http.response.body", "body": content})


def _log_entry(request: Incoming, time: datetime, status: int, operation: str) -> Received:
    headers = {n: "(present)" if n == "authorization" else v for n, v in request.headers.items()}
    body: Any = None
    if request.content and oauth.workspace(request.path) is None:
        try:
            body = json.loads(request.content)
        except (ValueError, RecursionError):
            body = request.content.decode("utf-8", "replace")
    return Received(time, request.method, request.path, request.query, headers, body, status, operation)


def serve(port: int = 8600, *, host: str = "127.0.0.1", **options: Any) -> None:
    """Serve a simulated tenant until interrupted; `options` are those of create_app."""
    import uvicorn  # noqa: PLC0415  only a served tenant needs it

    uvicorn.run(create_app(**options), host=host, port=port, log_level="error", lifespan="off", access_log=False,
                date_header=False)  # fmt: skip


__all__ = ["Script", "create_app", "serve"]
