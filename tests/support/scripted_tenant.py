"""A tenant that answers as a test says, and one who consents to each call: for services that contradict themselves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from tests.support.results import CODE

from .paging_service import received
from .tiny_tenant import BACKUP, NOW, OWN, VIRTUALIZATION, VM

COPY = f"{OWN}/virtual-machines/{VM}/backups/{BACKUP}"
THE_COPY = {"vmId": VM, "backupId": BACKUP}  # arguments
TASK = "/data-services/v1beta1/async-operations/t1"
TOKEN = "tok-of-the-tests"

Answer = tuple[int, dict[str, str], Any]
Hook = Callable[[str, str, bytes], "Answer | None"]


@dataclass
class Answering:
    """Resources by path; `hook` answers first: (method, path, body) → (status, headers, JSON or bytes), or None."""

    resources: dict[str, Any] = field(default_factory=dict)
    hook: Hook = lambda method, path, body: None
    writes: list[tuple[str, str, bytes]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        content = await received(receive)
        method, path = scope["method"], scope["raw_path"].decode().partition("?")[0]
        self.reads += [path] if method == "GET" else []
        self.writes += [(method, path, content)] if method != "GET" else []
        status, headers, body = self.hook(method, path, content) or self._answer(method, path)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        text = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": text})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, path: str) -> Answer:
        if method != "GET":
            return 204, {}, b""
        actual = self.resources.get(path)
        if actual is None:
            return 404, {}, {"message": "not found", "errorCode": "NOT_FOUND", "httpStatusCode": 404}
        return (
            200,
            {},
            {"items": actual, "count": len(actual), "total": len(actual)} if isinstance(actual, list) else actual,
        )


def copies(**changes: Any) -> dict[str, Any]:
    """A VM with one backup."""
    copy = {"id": BACKUP, "name": "bk", "generation": 1, "state": "OK", "pointInTime": "2026-11-23T00:00:00Z"}
    copy |= {"expiresAt": "2026-12-23T00:00:00Z", "backupType": "BACKUP", **changes}
    vm = {"id": VM, "name": "vm1", "generation": 1, "state": "OK", "powerState": "POWERED_ON"}
    above = COPY.rpartition("/")[0]
    return {f"{VIRTUALIZATION}/virtual-machines/{VM}": vm, COPY: copy, above: [copy]}


def left_by_deletes(state: str) -> Answering:
    """The VM with its backup; what a delete acts on stays there, in this state."""
    app = Answering(copies())

    def hook(method: str, path: str, _body: bytes) -> Answer | None:
        if method == "DELETE":
            app.resources[path]["state"] = state
        return None

    app.hook = hook
    return app


def to_writes(status: int, body: Any = b"", **headers: str) -> Hook:
    """One answer to all that is no GET."""
    return lambda method, path, content: None if method == "GET" else (status, headers, body)


def task(**fields: Any) -> Hook:
    """Writes are accepted with a task that stands as told."""

    def hook(method: str, path: str, content: bytes) -> Answer | None:
        if method != "GET":
            return 202, {"location": TASK}, {}
        return (200, {}, {"id": "t1", "name": "Task", **fields}) if path == TASK else None

    return hook


@dataclass(frozen=True)
class Talk:
    """A client, and what it was last told."""

    client: Client

    async def call(self, tool: str, arguments: Any) -> tuple[str, bool]:
        """The answer's text (or JSON), and whether it is an error."""
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(getattr(part, "text", "") for part in result.content)
        return text or json.dumps(result.structured_content), bool(result.is_error)

    async def consented(self, tool: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """The answer to a gated call whose preview was agreed to."""
        preview, _ = await self.call(tool, {**arguments, "confirm": "preview"})
        code = CODE.search(preview)
        assert code, preview
        return await self.call(tool, {**arguments, "confirm": code[1]})


@asynccontextmanager
async def talking(app: Any, now: Callable[[], datetime] = lambda: NOW, **inputs: Any) -> AsyncIterator[Talk]:
    """A server over the tenant, and a client of it."""
    text = {"api_base_url": "https://tenant.example", "token": TOKEN, "retries": 0, "wait": 0.2, **inputs}
    async with Client(mcp_server.create(settings.load(**text), app=app, now=now)) as client:
        yield Talk(client)
