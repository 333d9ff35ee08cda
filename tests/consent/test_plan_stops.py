"""A plan that is stopped sends nothing more, wherever it is; what was accepted is told with its task, and recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from greenlake_backup_mcp.consent import audit_verify
from greenlake_backup_mcp.server import app as mcp_server
from tests.consent.test_plans import SNAPSHOTS, deletes, group_of, identity, snapshot, tenant
from tests.http.test_http import served
from tests.support.http_process import client
from tests.support.results import code_in, text_of
from tests.support.tiny_tenant import NOW, OWN, VM, Tenant, loaded

TASKS = "/data-services/v1beta1/async-operations"


@dataclass
class Accepting(Tenant):
    """Accepts deletes with tasks that go on; holds up one request until it is let go, and keeps watch of overlaps."""

    hold: str = ""  # "read": the first read of copies after a delete; "write": the second delete; "answers": none
    refuse: int = 0  # the status of the second delete, once
    tasks: list[dict[str, Any]] = field(default_factory=list)
    on_the_wire: int = 0
    most: int = 0
    reached: anyio.Event = field(default_factory=anyio.Event)
    all_accepted: anyio.Event = field(default_factory=anyio.Event)
    go: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path, deletion = scope["raw_path"].decode(), scope["method"] == "DELETE"
        self.on_the_wire += deletion
        self.most = max(self.most, self.on_the_wire)
        try:
            if (self.hold == "read" and self.tasks and SNAPSHOTS in path and not deletion) or (
                self.hold == "write" and len(self.tasks) == 1 and deletion
            ):
                self.reached.set()
                await self.go.wait()
            if deletion and self.refuse and self.tasks:
                self.writes.append(("DELETE", path, None))
                status, self.refuse, headers = self.refuse, 0, [(b"retry-after", b"1")]
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": b"{}"})
            elif deletion:
                self.writes.append(("DELETE", path, None))
                task = {"id": identity(900 + len(self.tasks)), "name": "Delete", "state": "RUNNING"}
                self.tasks.append(task)
                self.resources[f"{TASKS}/{task['id']}"] = task
                self.resources[TASKS] = self.tasks
                headers = [(b"location", f"{TASKS}/{task['id']}".encode())]
                await send({"type": "http.response.start", "status": 202, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                if len(self.tasks) == 3:
                    self.all_accepted.set()
                    if self.hold == "answers":
                        self.reached.set()
            else:
                await super().__call__(scope, receive, send)
        finally:
            self.on_the_wire -= deletion


def accepting(**more: Any) -> Accepting:
    app = Accepting(tenant(*(snapshot(n) for n in range(3))).resources, **more)
    app.resources[f"{OWN}/protection-jobs/{VM}"] = {"id": VM, "operational": "ACTIVE", "generation": 1}
    return app


CALLS = [*deletes(0, 1, 2), {"tool": "suspend_protection_job", "arguments": {"protectionJobId": VM}}]
# where the plan is when it is stopped → how many were sent, and what the record says of the rows
POINTS = {
    "read": (1, "still running: 1; not tried: 2-4", "call 1 accepted by the service"),
    "write": (
        2,
        "still running: 1-2; not tried: 3-4",
        "call 2 under way and call 1 accepted by the service",
    ),
    "answers": (3, "still running: 1-3; not tried: 4", "calls 1-3 accepted by the service"),
}


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize("way", ["asked to stop", "cancelled", "ended"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_stop_lets_the_request_under_way_end_and_tells_what_goes_on(
    tmp_path: Path, point: str, way: str, era: str
) -> None:
    app, path = accepting(hold=point), tmp_path / "audit.jsonl"
    server = mcp_server.create(loaded(wait=0 if way != "cancelled" else 60, audit_log=path), app=app, now=lambda: NOW)
    end = ""
    async with anyio.create_task_group() as others, Client(server, mode=era) as client:

        async def let_go() -> None:
            await anyio.wait_all_tasks_blocked()
            app.go.set()

        code = code_in(await client.call_tool("run_plan", {"calls": CALLS, "confirm": "preview"}))
        done = {"calls": CALLS, "confirm": code}
        if way == "cancelled":
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "run_plan", done)
                await app.reached.wait()
                await anyio.wait_all_tasks_blocked()
                group.cancel_scope.cancel()
            await let_go()
        else:
            begun = text_of(await client.call_tool("run_plan", done))
            await app.reached.wait()
            await anyio.wait_all_tasks_blocked()
        if way == "asked to stop":
            which = {"taskId": group_of(r'taskId="(plan-[0-9a-f]+)"', begun)}
            await client.call_tool("wait_for_task", {**which, "seconds": 0, "stop": True})
            app.go.set()
            end = text_of(await client.call_tool("wait_for_task", {**which, "seconds": 20}))
        others.start_soon(let_go)
    sent, rows, by_then = POINTS[point]
    assert len(app.writes) == sent
    record = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert record[-1]["rows"].startswith(rows)
    assert record[-1]["rows"].endswith(f", with {by_then}")
    tasks = [line["task"] for line in record if line["event"] == "outcome" and line["outcome"] == "still running"]
    assert sorted(tasks) == sorted(task["id"] for task in app.tasks)
    assert audit_verify.verify([path]).waiting == []
    if end:
        assert f'still running: accepted by the service; wait_for_task taskId="{tasks[0]}" tells' in end


async def test_never_are_two_writes_of_a_plan_on_the_wire_while_what_was_accepted_is_polled_together() -> None:
    app = accepting(hold="answers")
    server = mcp_server.create(loaded(wait=0), app=app, now=lambda: NOW)
    async with Client(server) as client:
        code = code_in(await client.call_tool("run_plan", {"calls": CALLS[:3], "confirm": "preview"}))
        await client.call_tool("run_plan", {"calls": CALLS[:3], "confirm": code})
        await app.reached.wait()
        assert len(app.tasks) == 3  # though none has ended
        assert app.most == 1


async def test_a_request_that_was_refused_is_not_sent_again_after_a_stop(tmp_path: Path) -> None:
    app, path = accepting(hold="write", refuse=429), tmp_path / "audit.jsonl"
    settings = loaded(wait=0, audit_log=path).model_copy(update={"retries": 3})
    async with Client(mcp_server.create(settings, app=app, now=lambda: NOW)) as client:
        code = code_in(await client.call_tool("run_plan", {"calls": CALLS, "confirm": "preview"}))
        begun = text_of(await client.call_tool("run_plan", {"calls": CALLS, "confirm": code}))
        which = {"taskId": group_of(r'taskId="(plan-[0-9a-f]+)"', begun)}
        await app.reached.wait()
        await client.call_tool("wait_for_task", {**which, "seconds": 0, "stop": True})
        app.go.set()
        end = text_of(await client.call_tool("wait_for_task", {**which, "seconds": 20}))
        assert end.startswith("Plan of 4 calls: 1 still running, 3 not tried.")
    assert len(app.writes) == 2  # the second was refused, and not carried out
    assert audit_verify.verify([path]).waiting == []


async def test_a_call_of_another_kind_waits_for_those_before_it() -> None:
    app = accepting(hold="answers")
    async with Client(mcp_server.create(loaded(wait=0), app=app, now=lambda: NOW)) as client:
        code = code_in(await client.call_tool("run_plan", {"calls": CALLS, "confirm": "preview"}))
        begun = text_of(await client.call_tool("run_plan", {"calls": CALLS, "confirm": code}))
        which = {"taskId": group_of(r'taskId="(plan-[0-9a-f]+)"', begun)}
        await app.reached.wait()
        middle = text_of(await client.call_tool("wait_for_task", {**which, "seconds": 0}))
        assert middle.startswith("Plan of 4 calls: 3 accepted, 1 not tried.")
        assert [method for method, _, _ in app.writes] == ["DELETE"] * 3


@pytest.mark.parametrize("point", ["read", "write"])
async def test_a_client_that_is_lost_stops_nothing(point: str) -> None:
    app = accepting(hold=point)
    async with served(app, wait=60) as endpoint:
        async with anyio.create_task_group() as group:

            async def confirm() -> None:
                async with client(endpoint.url) as mcp:
                    code = code_in(await mcp.call_tool("run_plan", {"calls": CALLS[:3], "confirm": "preview"}))
                    await mcp.call_tool("run_plan", {"calls": CALLS[:3], "confirm": code})

            group.start_soon(confirm)
            await app.reached.wait()
            group.cancel_scope.cancel()  # its connections are gone
        app.go.set()
        with anyio.fail_after(60):
            await app.all_accepted.wait()


class KeepingTheFirst(Tenant):
    """Refuses to delete the first snapshot."""

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "DELETE" and path.endswith(identity(1)):
            return 409, {"message": "busy", "httpStatusCode": 409}
        return super()._answer(method, path, body)


async def test_what_an_earlier_call_failed_to_end_is_not_taken_for_gone_by_one_of_another_kind() -> None:
    resources = tenant(snapshot(1)).resources
    backup = {**snapshot(2), "name": "b"}
    resources |= {
        f"{OWN}/virtual-machines/{VM}/backups": [backup],
        f"{OWN}/virtual-machines/{VM}/backups/{identity(2)}": backup,
    }
    app = KeepingTheFirst(resources, deletes=True)
    calls = [*deletes(1), {"tool": "delete_vm_backup", "arguments": {"vmId": VM, "backupId": identity(2)}}]
    async with Client(mcp_server.create(loaded(), app=app, now=lambda: NOW)) as client:
        arguments = {"calls": calls, "continueOnError": True}
        code = code_in(await client.call_tool("run_plan", {**arguments, "confirm": "preview"}))
        text = text_of(await client.call_tool("run_plan", {**arguments, "confirm": code}))
        assert text.startswith("Plan of 2 calls: 1 failed, 1 refused.")
        assert "no longer the LAST recovery point" in text
    assert [path for _, path, _ in app.writes] == []


class Slow(Accepting):
    """Takes longer for each delete than the plan was expected to."""

    hours = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.hours += scope["method"] == "DELETE"
        await super().__call__(scope, receive, send)


async def test_what_a_plan_is_about_to_end_counts_as_leaving_for_as_long_as_the_plan_lasts() -> None:
    app = Slow(tenant(*(snapshot(n) for n in range(4))).resources, hold="answers")
    server = mcp_server.create(loaded(wait=0), app=app, now=lambda: NOW + app.hours * timedelta(minutes=9))
    async with Client(server) as client:
        code = code_in(await client.call_tool("run_plan", {"calls": CALLS[:3], "confirm": "preview"}))
        await client.call_tool("run_plan", {"calls": CALLS[:3], "confirm": code})
        await app.reached.wait()  # after 27 minutes; 15 are what lists may lag behind
        preview = text_of(await client.call_tool("preview_call", deletes(3)[0]))
        assert "the LAST recovery point" in preview
