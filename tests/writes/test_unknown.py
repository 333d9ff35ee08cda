"""A write of unknown outcome: what is told of the resource and of the tasks that may be its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp.simulator.faults.script import Faults, fault
from greenlake_backup_mcp.upstream.client import connect
from greenlake_backup_mcp.writes import unknown
from greenlake_backup_mcp.writes.task_model import TASKS
from tests.support.results import text_of
from tests.support.scripted_tenant import COPY, Answering
from tests.support.tiny_tenant import NOW, VIRTUALIZATION, loaded

Connected = Callable[..., AbstractAsyncContextManager[Client]]
GROUP = {"name": "odd-ones", "vmProtectionGroupType": "CUSTOM", "assetsCategory": "VMFS_VMS"}


async def run_job(tenant: Any, connected: Connected, *rules: Any) -> tuple[Any, str]:
    job = tenant.state.tenant.all("protection-jobs")[0]["id"]
    tenant.state.script.set(Faults(rules))
    async with connected() as client:
        result = await client.call_tool("run_protection_job", {"protectionJobId": job})
    return result, text_of(result)


async def test_a_run_that_was_carried_out_is_found_among_the_tasks(tenant: Any, connected: Connected) -> None:
    result, text = await run_job(tenant, connected, fault("reset_after", "POST", "*/run"))
    assert result.is_error
    assert "Outcome unknown" in text
    task = next(t for t in tenant.state.tenant.tasks.values() if t.parent is None)
    assert f'wait_for_task taskId="{task.id}"' in text
    assert "The resource now (read again):" in text
    assert sum(tenant.state.tenant.writes.values()) == 1


async def test_a_run_that_was_not_carried_out_shows_no_task(tenant: Any, connected: Connected) -> None:
    result, text = await run_job(tenant, connected, fault("reset_before", "POST", "*/run"))
    assert result.is_error
    assert "No task about it has begun since; one may still appear." in text
    assert sum(tenant.state.tenant.writes.values()) == 0


@pytest.mark.parametrize(
    ("oldest", "words"),
    [
        ("2026-11-24T08:00:01Z", "None of the newest 50 tasks is about it; older ones were not read"),
        ("2026-11-24T07:00:00Z", "No task about it has begun since; one may still appear."),
    ],
)
async def test_tasks_that_were_not_read_are_not_told_as_none(oldest: str, words: str) -> None:
    other = {"sourceResourceUri": f"{VIRTUALIZATION}/virtual-machines/another", "createdAt": "2026-11-24T08:00:01Z"}
    tasks = [{**other, "id": f"t{n}"} for n in range(49)] + [{**other, "id": "t49", "createdAt": oldest}]
    async with connect(loaded(), app=Answering({TASKS: tasks}), now=lambda: NOW) as api:
        (line,) = await unknown.tasks_since(api, COPY, NOW)
    assert words in line


@pytest.mark.parametrize("skew", [7200, -7200])
async def test_a_service_whose_clock_is_wrong_shows_its_task_all_the_same(
    skew: float, tenant: Any, connected: Connected
) -> None:
    tenant.state.tenant.advance(max(skew, 0))  # its clock runs ahead of ours, or the Date it tells is behind
    rules = [fault("reset_after", "POST", "*/run")]
    if skew < 0:
        rules.append(fault("skew", "GET", "*/async-operations", seconds=skew))
    _, text = await run_job(tenant, connected, *rules)
    assert "wait_for_task taskId=" in text


async def test_tasks_that_cannot_be_read_are_said_to_be_so(tenant: Any, connected: Connected) -> None:
    _, text = await run_job(
        tenant,
        connected,
        fault("reset_after", "POST", "*/run"),
        fault("status", "GET", "*/async-operations", status=403, times=99),
    )
    assert "The tasks begun since could not be read." in text


async def test_a_create_of_unknown_outcome_names_the_task_that_may_be_its_own(
    tenant: Any, connected: Connected
) -> None:
    machines = tenant.state.tenant.all("virtual-machines")
    vm = next(machine["id"] for machine in machines if machine["protectionStatus"] == "UNPROTECTED")
    tenant.state.script.set(Faults((fault("reset_after", "POST", "*/virtual-machine-protection-groups"),)))
    async with connected() as client:
        assets = [{"id": vm, "type": "virtualization/virtual-machine"}]
        result = await client.call_tool("create_vm_protection_group", {**GROUP, "assets": assets})
    text = text_of(result)
    assert result.is_error
    assert "Outcome unknown" in text
    assert "wait_for_task taskId=" in text
    assert 'What it was to make is there: virtual machine protection group "odd-ones" (id ' in text
    assert sum(tenant.state.tenant.writes.values()) == 1
