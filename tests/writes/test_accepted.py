"""Each of the operations that answer 202, followed through every ending a task can have: what is said, what is sent."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import registry, schemas
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.writes import task_model
from tests.support import samples
from tests.support.paging_service import received
from tests.support.results import CODE, code_in, text_of

BASE = "https://tenant.example"
TASK = "b2789c1f-cefa-497c-a508-3df5b4ae334b"
MADE = "77777777-7777-4777-8777-777777777777"
SHOWN = {"name": "one", "displayName": "one", "description": "", "expiresAt": None, "generation": 3}
REASON = "The datastore is full."


def accepted(tool: Tool) -> bool:
    """Whether the description has this operation answer 202."""
    assert tool.operation is not None
    described = tool.operation.document.content["paths"][tool.operation.path][tool.operation.method.lower()]
    return "202" in described["responses"]


TOOLS = {tool.name: tool for tool in registry.tools() if accepted(tool)}


def test_there_are_82_operations_that_answer_202() -> None:
    assert len(TOOLS) == 82


@dataclass
class Tenant:
    """Whatever is read is there, and every write is accepted; its task ends as told."""

    state: str = "SUCCEEDED"
    effect: bool = True  # whether a delete takes its target away
    location: str | None = f"{task_model.TASKS}/{TASK}"
    gone: set[str] = field(default_factory=set)
    pending: bool = False
    writes: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    changed: dict[str, Any] = field(default_factory=dict)
    looks: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        content = await received(receive)
        path, method = scope["path"], scope["method"]
        self.hosts |= {value.decode() for name, value in scope["headers"] if name == b"host"}
        headers = [(b"content-type", b"application/json")]
        status, body = 200, self._read(path) if method == "GET" else {}
        if method != "GET":
            status = 202
            self.writes.append(f"{method} {path}")
            if method == "DELETE" and self.effect:
                self.gone.add(path)
            if method in ("PATCH", "POST") and self.effect and content:
                self.changed = json.loads(content)
            if self.location:
                headers.append((b"location", self.location.encode()))
        elif body is None:
            status, body = 404, {"message": "It is not there.", "errorCode": "NOT_FOUND", "httpStatusCode": 404}
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _read(self, path: str) -> Any:
        last = path.rpartition("/")[2]
        if path.startswith(task_model.TASKS + "/"):
            return self._task()
        if not re.fullmatch(r"[0-9a-f-]{36}", last):
            made = [self._made(path)] if f"POST {path}" in self.writes and self.effect else []
            return {"items": made, "count": len(made), "offset": 0, "total": len(made)}
        if path in self.gone:
            return None
        state = "PENDING_DELETE_APPROVAL" if self.pending and self.writes else "OK"
        actual = {**SHOWN, "id": last, "state": state, "resourceUri": path}
        return actual | {name: value for name, value in self.changed.items() if name in actual}

    def _made(self, path: str) -> Mapping[str, Any]:
        """What a create made: as it was asked for, with an id."""
        now = units.instant(datetime.now(UTC))
        return {**self.changed, "id": MADE, "createdAt": now, "resourceUri": f"{path}/{MADE}"}

    def _task(self) -> Mapping[str, Any] | None:
        self.looks += 1
        if self.state == "vanished" and self.looks > 1:
            return None
        return {
            "id": TASK,
            "displayName": "What was asked for",
            "state": "RUNNING" if self.state == "vanished" else self.state,
            "progressPercent": 40,
            "suggestedPollingIntervalSeconds": 1,
            "error": {"error": REASON, "errorCode": "FULL", "traceId": "t-1"} if self.state == "FAILED" else None,
            "hasChildOperations": False,
        }


def arguments(tool: Tool) -> dict[str, Any]:
    """The fewest that fit the description, with ids that differ."""
    assert tool.operation is not None
    collected: dict[str, Any] = {}
    names = [a.name for a in tool.arguments.values() if a.place == "path"]
    for n, name in enumerate(names):
        collected[name] = f"6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e9{n}"
    if tool.operation.body is not None:
        collected |= samples.value(samples.one_form(schemas.writable(tool.operation.body)), "body", full=False)
        if tool.operation.method == "PATCH" and set(collected) == set(names):
            name, schema = next(iter(schemas.writable(tool.operation.body)["properties"].items()))
            collected[name] = samples.value(schema, name, full=False)
    return collected


@dataclass
class Caller:
    """Calls of one tool, each sent exactly once, to one host alone."""

    tool: Tool
    client: Client
    app: Tenant

    async def __call__(self, **inputs: Any) -> tuple[str, bool]:
        """What a call says, and whether as an error, where the task ends as given."""
        fresh = Tenant(**inputs)
        self.app.__dict__.update(fresh.__dict__)
        asked = arguments(self.tool)
        if self.tool.gated or self.tool.conditional:
            preview = await self.client.call_tool(self.tool.name, {**asked, "confirm": "preview"})
            assert self.app.writes == []
            if self.tool.gated or CODE.search(text_of(preview)):
                asked["confirm"] = code_in(preview)
        result = await self.client.call_tool(self.tool.name, asked)
        text = text_of(result)
        assert len(self.app.writes) == 1, (text, self.app.writes)
        assert self.app.hosts == {"tenant.example"}
        assert "mistake of ours" not in text
        return text, bool(result.is_error)


@asynccontextmanager
async def calling(name: str) -> AsyncIterator[Caller]:
    inputs = settings.load(api_base_url=BASE, token="t", retries=0, wait=0.06, rate=1e6)
    app = Tenant()
    async with Client(mcp_server.create(inputs, app=app)) as client:
        yield Caller(TOOLS[name], client, app)


ENDINGS = {  # how a task stands: what is said of it, whether as an error, what is to be done next
    "FAILED": (f'The service\'s reason: "{REASON}" (FULL, trace id for HPE support: t-1).', True, "Next: "),
    "CANCELLED": ("Somebody cancelled it; a part may have been carried out.", True, "Next: "),
    "TIMEDOUT": ("Outcome unknown: the agent stopped reporting", True, "Do not send the write again before"),
    "PAUSED": ("It goes on only when a person acts in the console", False, "Tell the person"),
    "RUNNING": ("is RUNNING, 40 % done", False, f'Next: wait_for_task taskId="{TASK}" goes on waiting. Do not send'),
    "QUIESCING": ("is not a described one: whether it ended is not known", False, "goes on waiting. Do not send"),
    "vanished": ("Outcome unknown: the task is not there any more (404).", True, "Do not send the write again before"),
}
NO_TASKS = {None: "the service named no task", f"https://attacker.example{task_model.TASKS}/{TASK}": "on another host"}
REMOVED = [name for name in TOOLS if name.startswith("delete_") and not name.endswith("_nic")]


@pytest.mark.parametrize("name", TOOLS)
async def test_each_ending_of_a_task_is_told_as_what_it_is_with_a_next_step(name: str) -> None:
    async with calling(name) as call:  # one server for all of it: to make one takes longer than to call it
        await proven_success(name, call)
        for state, (words, as_error, then) in ENDINGS.items():
            text, error = await call(state=state, effect=False)
            assert words in text
            assert then in text, text
            assert error is as_error
            assert "It is done" not in text
        for location, words in NO_TASKS.items():
            text, error = await call(location=location, effect=False)
            assert (words in text, "Outcome unknown" in text, error) == (True, True, True), text
            assert re.search(r"Next: list_tasks .*Do not send the write again", text), text
        if name in REMOVED:
            await nothing_but_a_404_is_a_delete(call)


async def proven_success(name: str, call: Caller) -> None:
    text, error = await call()
    if name == "restore_vm_protection_group":  # here the group shows no members, and so proves nothing of them
        assert ("Outcome unknown: the group's members are not known" in text, error) == (True, True), text
        return
    assert not error, text
    assert proof(name) in text, text
    plain = {n for n, value in arguments(call.tool).items() if n in SHOWN and isinstance(value, str)}
    if call.tool.operation and call.tool.operation.method == "PATCH" and plain:
        text, error = await call(effect=False)
        assert ("DIFFERS: " in text, error) == (True, True), text


async def nothing_but_a_404_is_a_delete(call: Caller) -> None:
    text, error = await call(effect=False)
    assert ("it is not proven deleted" in text, error) == (True, True), text
    text, error = await call(state="RUNNING", effect=False, pending=True)
    assert ("Not done: a second person must approve" in text, error) == (True, False), text
    assert "list_approvals" in text
    text, error = await call(state="FAILED")
    assert ("yet the resource is gone" in text, error) == (True, True), text


def proof(name: str) -> str:
    """What shows that a call succeeded, or where that is seen."""
    if name in REMOVED:
        return "It is done: the resource is gone (read again: 404)."
    if name == "run_protection_job":
        return "It waits for its end: no part of it is to be seen yet.\nNo new recovery point is there yet.\nNext: wait"
    if re.fullmatch(r"create_\w+(?<!_nic)", name):
        return f"(id {MADE})"
    if re.match(r"ping|traceroute|generate_.*_bundle", name):
        return "Cannot be told: "  # nothing about the resource changed
    return "The resource now (read again):"
