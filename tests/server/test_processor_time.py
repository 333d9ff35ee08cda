"""A call has so much of the processor, whatever it does: the loop that all share goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anyio
import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch import processor_time
from greenlake_backup_mcp.errors import InputError, LimitExceeded
from greenlake_backup_mcp.text import masking
from tests.support.scripted_tenant import THE_COPY, Answering, copies, talking

DEMO = settings.load(demo=True)
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_vms", {}),
    ("list_vms", {"output": "json"}),
    ("get_vm_backup", THE_COPY),
    ("get_vm_backup", {**THE_COPY, "output": "json"}),
    ("delete_vm_backup", {**THE_COPY, "confirm": "preview"}),
    ("preview_call", {"tool": "delete_vm_backup", "arguments": THE_COPY}),
    ("query_catalog", {"sql": "SELECT 1"}),
    ("find_recovery_points", {}),
]


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_a_call_of_any_kind_that_needs_more_is_ended_and_told(
    tool: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor_time, "MOST_SECONDS", 0.0)
    tenant = Answering(copies())

    async def late(scope: Any, receive: Any, send: Any) -> None:  # as every service that is not in this process
        await anyio.lowlevel.checkpoint()
        await tenant(scope, receive, send)

    async with talking(late) as talk:
        answer, is_error = await talk.call(tool, arguments)
    assert is_error
    assert f"{tool} took the 0 seconds of processor time that a call has." in answer
    assert not tenant.writes


async def test_what_may_not_be_ended_is_not() -> None:
    steps: list[float] = []

    async def work() -> str:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        return "done"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processor_time, "MOST_SECONDS", 0.0)
        assert await processor_time.metered(work(), "x", DEMO, steps.append, may_end=lambda: False) == "done"
        with pytest.raises(LimitExceeded):
            await processor_time.metered(work(), "x", DEMO, steps.append, may_end=lambda: True)
    assert len(steps) > 3


async def test_results_exceptions_and_cancellation_pass_through() -> None:
    async def fail() -> None:
        await anyio.lowlevel.checkpoint()
        raise InputError("wrong")

    with pytest.raises(InputError):
        await processor_time.metered(fail(), "x", DEMO, lambda _: None, may_end=lambda: True)
    ended: list[str] = []

    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cleaned up")

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.lowlevel.checkpoint)
            scope.cancel()
            await processor_time.metered(wait(), "x", DEMO, lambda _: None, may_end=lambda: True)
    assert scope.cancelled_caught
    assert ended == ["cleaned up"]


async def test_what_hides_secrets_is_made_for_a_call_and_not_for_each_text(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    masker = masking.Masker.__init__

    def noted(self: masking.Masker, secrets: Iterable[str]) -> None:
        made.append(1)
        masker(self, secrets)

    many = [f"point {n}" for n in range(100)]
    async with talking(Answering(copies(notes=many))) as talk:
        await talk.call("get_vm_backup", {**THE_COPY, "output": "json"})
        monkeypatch.setattr(masking.Masker, "__init__", noted)
        answer, _ = await talk.call("get_vm_backup", {**THE_COPY, "output": "json"})
    assert "point 99" in answer
    assert len(made) <= 2
