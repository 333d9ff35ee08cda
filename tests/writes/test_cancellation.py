"""Whatever a call is waiting for, it ends with the client's cancellation and with a closed stdin, and leaves nothing.

The server runs on the streams that a transport gives it; stdin itself, as a pipe of a process, is in test_sockets.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.faults.script import Faults, fault
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.tasks import Ending
from tests.conftest import ticking
from tests.support.results import CODE

FOREVER = 3600.0
STORES = ("list_protection_stores", {"summary": "page"})


@dataclass
class Raw:
    """The client's side of a session, message by message."""

    app: Any
    read: Any
    write: Any
    last: int = 0

    async def send(self, method: str, **params: Any) -> int:
        """Send a request; its id."""
        self.last += 1
        await self.write.send(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=self.last, method=method, params=params)))
        return self.last

    async def notify(self, method: str, **params: Any) -> None:
        await self.write.send(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method=method, params=params)))

    async def answer(self, identity: int) -> Any:
        """The result with this id; what else comes is passed over."""
        while True:
            message = (await self.read.receive()).message
            if getattr(message, "id", None) == identity and hasattr(message, "result"):
                return message.result

    async def call(self, tool: str, **arguments: Any) -> int:
        return await self.send("tools/call", name=tool, arguments=arguments)

    async def text_of_call(self, tool: str, **arguments: Any) -> str:
        return str((await self.answer(await self.call(tool, **arguments)))["content"][0]["text"])

    def faulty(self, *rules: Any) -> None:
        self.app.state.script.set(Faults(rules))


@asynccontextmanager
async def session() -> AsyncIterator[Raw]:
    """A session of the era in which a person is asked by a request of the server; closed stdin ends it."""
    app = create_app(now=ticking, scale=100_000)
    inputs = settings.load(demo=True, wait=FOREVER, timeout=120, retries=3)
    server = mcp_server.create(inputs, app=app, now=ticking)
    with anyio.fail_after(60):  # a guard: what does not end would wait for an hour
        async with (
            create_client_server_memory_streams() as ((read, write), (server_read, server_write)),
            anyio.create_task_group() as group,
        ):
            group.start_soon(server.run, server_read, server_write, server.create_initialization_options())
            raw = Raw(app, read, write)
            about = {"protocolVersion": "2025-11-25", "clientInfo": {"name": "t", "version": "1"}}
            await raw.answer(await raw.send("initialize", **about, capabilities={"elicitation": {"form": {}}}))
            await raw.notify("notifications/initialized")
            yield raw
            await write.aclose()  # stdin is closed; the group waits for the server to end


# --- what a call can wait for: each leaves a call under way, whose id it returns --------------------------------------


async def the_token(raw: Raw) -> int:
    raw.faulty(fault("latency", "POST", "*/token*", seconds=FOREVER))
    return await raw.call(STORES[0], **STORES[1])


async def an_answer(raw: Raw) -> int:
    raw.faulty(fault("latency", "GET", "*/protection-stores", seconds=FOREVER))
    return await raw.call(STORES[0], **STORES[1])


async def the_next_try(raw: Raw) -> int:
    raw.faulty(fault("status", "GET", "*/protection-stores", status=503, retry_after="seconds", seconds=50))
    return await raw.call(STORES[0], **STORES[1])


async def the_pace(raw: Raw) -> int:
    await the_next_try(raw)  # the service asked all to wait
    await anyio.wait_all_tasks_blocked()
    return await raw.call("list_protection_policies", summary="page")


async def a_page_in_mid_scan(raw: Raw) -> int:
    raw.faulty(fault("latency", "GET", "*/async-operations", nth=2, times=9, seconds=FOREVER))
    return await raw.call("list_tasks")


async def the_task_of_a_write(raw: Raw) -> int:
    raw.app.state.tenant.endings.append(Ending("never"))
    job = raw.app.state.tenant.all("protection-jobs")[0]
    return await raw.call("resume_protection_job", protectionJobId=job["id"])


async def a_task_by_its_id(raw: Raw) -> int:
    first = await the_task_of_a_write(raw)
    await anyio.wait_all_tasks_blocked()
    await raw.notify("notifications/cancelled", requestId=first)
    (task,) = raw.app.state.tenant.tasks
    return await raw.call("wait_for_task", taskId=task, seconds=FOREVER)


async def a_person(raw: Raw) -> int:
    job = next(j for j in raw.app.state.tenant.all("protection-jobs") if j["operational"] == "ACTIVE")
    preview = await raw.text_of_call("suspend_protection_job", protectionJobId=job["id"], confirm="preview")
    call = await raw.call("suspend_protection_job", protectionJobId=job["id"], confirm=CODE.findall(preview)[-1])
    while True:
        message = (await raw.read.receive()).message
        if getattr(message, "method", "") == "elicitation/create":
            return call


WAITS = (
    the_token, an_answer, the_next_try, the_pace, a_page_in_mid_scan, the_task_of_a_write, a_task_by_its_id, a_person,
)  # fmt: skip
Waiting = Callable[[Raw], Awaitable[int]]


@pytest.mark.parametrize("waiting", WAITS, ids=lambda w: w.__name__)
async def test_a_call_that_waits_is_given_up_when_the_client_cancels_it(
    waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "greenlake_backup_mcp")
    async with session() as raw:
        if waiting is not the_token:
            await raw.text_of_call("get_protection_store", protectionStoreId="nothing")
            await raw.answer(await raw.call("list_data_orchestrators", summary="page"))  # there is a token
        before = asyncio.all_tasks()
        call = await waiting(raw)
        await anyio.wait_all_tasks_blocked()
        asked = len(raw.app.state.tenant.requests)
        await raw.notify("notifications/cancelled", requestId=call, reason="not wanted any more")
        if waiting is the_pace:  # two calls wait
            await raw.notify("notifications/cancelled", requestId=call - 1)
        await anyio.wait_all_tasks_blocked()
        outcomes = [r.fields["outcome"] for r in caplog.records if r.message == "call"]  # type: ignore[attr-defined]
        assert outcomes[-1] == "cancelled"
        assert asyncio.all_tasks() <= before
        # the tenant notes those given up when they end, without a status; no other was sent
        assert not any(request.status for request in list(raw.app.state.tenant.requests)[asked:])
        assert await raw.answer(await raw.send("ping")) is not None


@pytest.mark.parametrize("waiting", WAITS, ids=lambda w: w.__name__)
async def test_a_call_that_waits_ends_with_stdin(waiting: Waiting, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "greenlake_backup_mcp")
    before = asyncio.all_tasks()
    async with session() as raw:
        await waiting(raw)
        await anyio.wait_all_tasks_blocked()
    outcomes = [r.fields["outcome"] for r in caplog.records if r.message == "call"]  # type: ignore[attr-defined]
    # who was to be asked is gone: that is a no, and the call still ends by itself
    assert outcomes[-1] == ("answered" if waiting is a_person else "cancelled")
    assert not any("Suspend" in operation for operation, _ in raw.app.state.tenant.writes)
    assert asyncio.all_tasks() <= before
