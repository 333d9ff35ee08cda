"""A tenant of a few resources and a server of nothing but the gate: for what a test must arrange to the field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from mcp.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.types import CallToolResult, ListToolsResult, TextContent
from mcp.types import Tool as Listed

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import audit_entries, codes, gate, plans, proposals
from greenlake_backup_mcp.dispatch import arguments
from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import client

from .paging_service import received

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OWN = "/backup-recovery/v1beta1"
VIRTUALIZATION = "/virtualization/v1beta1"
TOOLS = {tool.name: tool for tool in (*registry.tools(), plans.RUN_PLAN)}
VM = "11111111-1111-4111-8111-111111111111"
BACKUP = "22222222-2222-4222-8222-222222222222"
SNAPSHOT = "33333333-3333-4333-8333-333333333333"


@dataclass
class Tenant:
    """Resources by path; what was sent that is no GET; answers other than 200 by path."""

    resources: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    deletes: bool = False  # whether what is deleted is gone, so that a test may delete it again
    totals: bool = True  # whether lists say how long they are

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body = await received(receive)
        status, answer = self._answer(scope["method"], scope["raw_path"].decode().partition("?")[0], body)
        if not self.totals and isinstance(answer, dict) and "items" in answer:  # then it pages as well
            limit = int(parse_qs(scope["query_string"].decode()).get("limit", ["20"])[0])
            answer = {"items": answer["items"][:limit], "count": len(answer["items"][:limit])}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode() if answer is not None else b""})

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path in self.refusals:
            return self.refusals[path], {"message": "no", "errorCode": "NO", "httpStatusCode": self.refusals[path]}
        if method != "GET":
            self.writes.append((method, path, json.loads(body) if body else None))
            if method == "DELETE" and self.deletes:
                self.resources.pop(path, None)
            return 204, None
        self.reads.append(path)
        found = self.resources.get(path)
        if found is None:
            return 404, {"message": "not found", "errorCode": "NOT_FOUND", "httpStatusCode": 404}
        return 200, {"items": found, "count": len(found), "total": len(found)} if isinstance(found, list) else found


def loaded(**more: Any) -> Settings:
    return settings.load(api_base_url="https://tenant.example", token="t", retries=0, **more)


@dataclass(frozen=True)
class Done:
    outcome: str = "done"
    lines: tuple[str, ...] = ()


def prepare(name: str, raw: Mapping[str, Any]) -> plans.PreparedCall:
    if name not in TOOLS:
        raise InputError(f"there is no tool {name}")
    given = arguments.prepare(TOOLS[name], raw)
    return plans.PreparedCall(TOOLS[name], given, arguments.build_request(TOOLS[name], given))


def executor(api: client.ApiClient, consent: proposals.Consent) -> plans.Execute:
    async def execute(call: plans.PreparedCall, caller: proposals.Caller) -> Done:
        outcome = "failed"
        try:
            await client.send(api, call.request)
            outcome = "done"
        finally:
            audit_entries.record_outcome(consent, caller, call.tool.name, outcome)
        return Done(outcome)

    return execute


def gate_only(app: Any, given: Settings, now: Callable[[], datetime]) -> Server[Any]:
    """A server whose every gated call goes through the gate, and then to `app`."""
    consent = proposals.consent(given)

    async def list_tools(ctx: Any, params: Any) -> ListToolsResult:
        return ListToolsResult(tools=[Listed(name=t.name, input_schema=t.input_schema) for t in TOOLS.values()])

    async def call_tool(ctx: Any, params: Any) -> Any:
        tool, caller = TOOLS[params.name], gate.caller(ctx, params)
        async with client.connect(given, app=app, now=now) as api:
            try:
                prepared = arguments.prepare(tool, params.arguments or {})
                if tool is plans.RUN_PLAN:
                    return await plans.run(consent, api, TOOLS, prepared, caller, prepare, executor(api, consent))
                request = arguments.build_request(tool, prepared)
                stop = await gate.gate(consent, api, TOOLS, tool, prepared, request, caller)
                if stop is not None:
                    return stop
                outcome = "failed"
                try:
                    await client.send(api, request)
                    outcome = "done"
                finally:
                    audit_entries.record_outcome(consent, caller, tool.name, outcome)
            except BackupError as problem:
                return CallToolResult(content=[TextContent(text=problem.message)], is_error=True)
        return CallToolResult(content=[TextContent(text="SENT")])

    server: Server[Any] = Server("gate", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    seal = RequestStateSecurity(keys=codes.keys(given, "request state"), ttl=codes.QUESTION_SECONDS)
    server.middleware.append(RequestStateBoundary(seal, default_audience="gate"))
    return server
