"""No caller holds up the others: calls at once per caller, and turns at the service's slots."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import anyio
from mcp.types import CallToolResult, TextContent

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch import in_flight
from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.tools import builtin
from greenlake_backup_mcp.upstream.rate_limiter import FairSlots, RateLimiter
from tests.support.results import code_in, text_of
from tests.support.scripted_tenant import COPY, Answering, copies, talking
from tests.support.tiny_tenant import BACKUP, VM

SETTINGS = settings.defaults()


async def test_so_many_calls_of_one_caller_run_others_wait_and_further_ones_are_refused_unsent() -> None:
    calls, begun, held, answers = InFlightCalls(), [0], anyio.Event(), list[Any]()

    async def call() -> CallToolResult:
        begun[0] += 1
        await held.wait()
        return CallToolResult(content=[TextContent(type="text", text="done")])

    async def one(caller: str) -> None:
        answers.append((caller, await calls.run(call, builtin.WAIT_FOR_TASK, SETTINGS, caller)))

    async with anyio.create_task_group() as group:
        for _ in range(in_flight.AT_ONCE + in_flight.MOST_WAITING + 1):
            group.start_soon(one, "anna")
        await anyio.wait_all_tasks_blocked()
        assert begun[0] == in_flight.AT_ONCE >= 32
        ((_, refused),) = answers
        assert refused.is_error
        assert "160 calls of yours are under way or wait" in text_of(refused)
        group.start_soon(one, "otto")
        await anyio.wait_all_tasks_blocked()
        assert begun[0] == in_flight.AT_ONCE + 1  # another one's call runs at once
        held.set()
    assert len(answers) == in_flight.AT_ONCE + in_flight.MOST_WAITING + 2
    assert sum(answer.is_error or False for _, answer in answers) == 1


async def test_calls_that_wait_are_answered_at_the_end_too() -> None:
    calls, answers = InFlightCalls(), list[Any]()

    async def forever() -> CallToolResult:
        await anyio.sleep_forever()
        raise AssertionError

    async def one() -> None:
        answers.append(await calls.run(forever, builtin.RUN_PLAN, SETTINGS, "anna"))

    async with anyio.create_task_group() as group:
        for _ in range(in_flight.AT_ONCE + 1):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        calls.cancel_all()
    texts = [text_of(answer) for answer in answers]
    assert len(texts) == in_flight.AT_ONCE + 1
    assert sum("UNKNOWN" in text for text in texts) == in_flight.AT_ONCE  # the one that waited was not begun


async def test_callers_take_turns_at_the_slots_of_the_service() -> None:
    limiter, order = RateLimiter(None, 1), list[str]()

    async def request(caller: str) -> None:
        async with limiter.slot(caller):
            order.append(caller)
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for caller in ("anna",) * 6 + ("otto", "ella", "otto"):
            group.start_soon(request, caller)
    assert order == ["anna", "anna", "otto", "ella", "anna", "otto", "anna", "anna", "anna"]


async def test_whoever_is_cancelled_leaves_no_slot_behind() -> None:
    slots = FairSlots(1)

    async def request() -> None:
        await slots.acquire("otto")
        slots.release()

    await slots.acquire("anna")
    async with anyio.create_task_group() as group:
        group.start_soon(request)
        group.start_soon(request)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    async with anyio.create_task_group() as group:
        group.start_soon(request)
        await anyio.wait_all_tasks_blocked()
        slots.release()  # handed over and cancelled at the same moment
        group.cancel_scope.cancel()
    await slots.acquire("anna")
    task = asyncio.ensure_future(request())  # as who knows nothing of cancel scopes cancels it
    await anyio.wait_all_tasks_blocked()
    slots.release()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    with anyio.fail_after(30):
        await slots.acquire("ella")


async def test_a_target_that_is_slow_to_read_holds_up_no_other_confirmation() -> None:
    other = "44444444-4444-4444-8444-444444444444"
    slow_path = f"{COPY.rpartition('/')[0]}/{other}"
    resources = copies()
    resources[slow_path] = {**resources[COPY], "id": other, "name": "bk-2"}
    resources[COPY.rpartition("/")[0]].append(resources[slow_path])
    tenant, slow = Answering(resources), [False]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if slow[0] and scope["path"] == slow_path:
            await anyio.sleep_forever()
        await tenant(scope, receive, send)

    async with talking(answer) as talk:
        codes = []
        for backup in (other, BACKUP):
            preview, _ = await talk.call("delete_vm_backup", {"vmId": VM, "backupId": backup, "confirm": "preview"})
            codes.append(code_in(preview))
        slow[0] = True
        async with anyio.create_task_group() as group:
            group.start_soon(talk.call, "delete_vm_backup", {"vmId": VM, "backupId": other, "confirm": codes[0]})
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(20):
                await talk.call("delete_vm_backup", {"vmId": VM, "backupId": BACKUP, "confirm": codes[1]})
            group.cancel_scope.cancel()
    assert [(method, path) for method, path, _ in tenant.writes] == [("DELETE", COPY)]
