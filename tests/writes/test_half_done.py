"""Writes that their service calls done, or not done, while the tenant shows otherwise: told as what is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Deviation, Switches
from greenlake_backup_mcp.simulator.tasks import Ending
from tests import outcomes
from tests.conftest import ticking
from tests.support import write_samples
from tests.support.own_client import own_client
from tests.support.results import code_in, text_of
from tests.support.scripted_tenant import TASK, Answering, talking, task
from tests.support.tiny_tenant import OWN, VM

TOOLS = {tool.name: tool for tool in write_samples.writes()}
Arguments = dict[str, Any]


def other_cluster(tenant: Tenant) -> Deviation:
    """Deployed in another cluster than asked."""
    _, cluster, _ = write_samples.place(tenant)
    other = next(one["id"] for one in tenant.all("hypervisor-clusters") if one["id"] != cluster["id"])
    return Deviation(request={"vmConfig": {"clusterId": other}})


def group_job(tenant: Tenant) -> Arguments:
    """The job of a group of databases, which has no recovery points of its own."""
    jobs = tenant.all("protection-jobs")
    return {"protectionJobId": next(j["id"] for j in jobs if "mssql-database-protection-group" in str(j["assetInfo"]))}


def into_another_vm(tenant: Tenant) -> Arguments:
    """Disks restored into another VM than theirs."""
    asked = write_samples.arguments(tenant, TOOLS["restore_vm_disks"]) or {}
    target = next(vm for vm in tenant.all("virtual-machines") if vm["displayName"] == "lab-build-07")
    return {**asked, "targetVmId": target["id"], "restoreType": "ALTERNATE"}


@dataclass(frozen=True)
class Case:
    """A call, what the tenant does, and what must be told of it (as regular expressions)."""

    tool: str
    words: tuple[str, ...]
    deviation: Deviation | Callable[[Tenant], Deviation] = field(default_factory=Deviation)
    arguments: Callable[[Tenant], Arguments] | None = None
    switches: Mapping[str, Any] = field(default_factory=dict)
    error: bool = True
    wait: float = 40  # seconds at most; it ends with what it waits for


ERROR = {"state": "ERROR", "stateReason": "Half made."}
CASES = {
    "a run whose recovery points are in error": Case(
        "run_protection_job", ("2 of its 3 recovery points contradict that: ERROR",),
        Deviation(result={"backups": ERROR}),
    ),
    "a run of which a tier brought nothing": Case(
        "run_protection_job", ("all its parts succeeded, yet no new recovery point of backup is listed",),
        Deviation(children={"2": Ending("SUCCEEDED")}),
    ),
    "a run answered as done of which nothing is there": Case(
        "run_protection_job", ("yet no part and no recovery point of it is there",),
        Deviation(status=200, body={}, ending=Ending("FAILED")), wait=1,
    ),
    "a run of a group whose points are its members'": Case(
        "run_protection_job", (r'- backup "\S+" \(id [0-9a-f-]{36}\): OK', r"- snapshot ", r"[Aa]ll of its 4 parts"),
        arguments=group_job, error=False,
    ),
    "a restore that failed and left a VM": Case(
        "restore_vm", (r'FAILED, yet what it was to make is there: virtual machine "x-test" \(id ', "As asked: name"),
        Deviation(ending=Ending("FAILED", effect=True)),
    ),
    "a restore of unknown end that left a VM": Case(
        "restore_vm", (r'Outcome unknown: the agent.*\nWhat it was to make is there: virtual machine "x-test"',),
        Deviation(ending=Ending("TIMEDOUT", effect=True)),
    ),
    "a group's restore called failed of which most came back": Case(
        "restore_vm_protection_group",
        ("FAILED, failed in part: 1 of 9 parts FAILED", "Made: 8 of 9 VMs: ", "As asked: "),
        Deviation(children={"2": Ending("FAILED")}), switches={"partial_failure": "failed"},
    ),
    "a group's restore under other names": Case(
        "restore_vm_protection_group", ("DIFFERS: new under other names: \"xx-", "not there under the names asked for"),
        Deviation(request={"namePrefix": "xx-"}),
    ),
    "a group's restore one part of which is gone": Case(
        "restore_vm_protection_group", ("but its health contradicts that", "WARNING"),
        Deviation(children={"3": Ending("vanish", effect=True)}),
    ),
    "an update that left its group in error": Case(
        "update_vm_protection_group", ("but its state contradicts that", "ERROR: Half made"),
        Deviation(result={"virtual-machine-protection-groups": ERROR}),
    ),
    "a gateway in another cluster, seen in its VM": Case(
        "create_protection_store_gateway", (r"DIFFERS: cluster asked cluster-dc1-01 \(.*\), is cluster-dc1-02 \(",),
        other_cluster,
    ),
    "a login code of which the answer is empty": Case(
        "generate_data_orchestrator_totp", ("its answer holds nothing of it",), Deviation(status=200, body={})
    ),
    "a new job that does not run": Case(
        "create_protection_job", ("DIFFERS: operational asked ACTIVE, is SUSPENDED",),
        Deviation(result={"protection-jobs": {"operational": "SUSPENDED"}}),
    ),
    "disks restored into another VM": Case(
        "restore_vm_disks", ("name: lab-build-07",), arguments=into_another_vm, error=False
    ),
    "a ping, whose result is a message": Case(
        "ping_protection_store_gateway", ("Its last message: ", r"^(?!.*read again)"), error=False
    ),
    "a delete, told by name": Case(
        "delete_protection_policy", (r'It was the protection policy "Pilot-Immutable" \(id ',), error=False
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_is_there_is_told_whatever_the_service_calls_it(case: Case) -> None:
    tool, app = TOOLS[case.tool], create_app(now=ticking, scale=100_000, switches=Switches(**case.switches))
    tenant = app.state.tenant
    asked = case.arguments(tenant) if case.arguments else write_samples.arguments(tenant, tool)
    assert asked is not None
    assert tool.operation is not None
    deviation = case.deviation(tenant) if callable(case.deviation) else case.deviation
    async with own_client(app, ticking, wait=case.wait, rate=1e6) as client:
        asked = await outcomes.confirmed(client, tool, asked)
        tenant.switch(deviations={tool.operation.id: deviation})
        result = await client.call_tool(tool.name, asked)
    for words in case.words:
        assert re.search(words, text_of(result)), text_of(result)
    assert result.is_error is case.error


@pytest.mark.parametrize(
    "body", [{"error": {"error": "It broke.", "errorCode": "X"}}, {"healthStatus": "ERROR"}], ids=str
)
async def test_a_task_that_succeeded_and_holds_an_error_is_no_success(body: dict[str, Any]) -> None:
    group = {"id": VM, "name": "g", "generation": 1, "state": "OK"}
    app = Answering({f"{OWN}/volume-protection-groups/{VM}": group}, task(state="SUCCEEDED", **body))
    async with talking(app) as talk:
        text, is_error = await talk.call("refresh_volume_protection_group", {"volumeProtectionGroupId": VM})
    assert "contradicts that" in text.splitlines()[0]
    assert is_error


async def test_the_task_of_another_person_is_told_with_what_it_made() -> None:
    app = create_app(now=ticking, scale=100_000)
    tool = TOOLS["restore_vm"]
    async with own_client(app, ticking, wait=40, rate=1e6) as client:
        asked = await outcomes.confirmed(client, tool, write_samples.arguments(app.state.tenant, tool) or {})
        identity = text_of(await client.call_tool(tool.name, asked)).split()[1]
    async with Client(mcp_server.create(settings.load(demo=True, wait=2), app=app, now=ticking)) as client:
        result = await client.call_tool("wait_for_task", {"taskId": identity})
    text = text_of(result)
    assert re.search(r'succeeded, it made virtual machine "x-test" \(id ', text.splitlines()[0]), text
    assert "What was asked for is not known here: only states were looked at." in text
    assert not result.is_error


async def test_the_task_of_a_schedule_is_no_run_to_wait_for() -> None:
    run = {"id": "t1", "name": "Run backup schedule: vm1", "state": "SUCCEEDED", "hasChildOperations": False}
    vm = f"{OWN}/datastores/{VM}"
    app = Answering({TASK: {**run, "sourceResourceUri": vm}, vm: {"id": VM, "name": "ds1", "state": "OK"}})
    async with talking(app) as talk:
        text, is_error = await talk.call("wait_for_task", {"taskId": "t1", "seconds": 0})
    assert "the run was triggered" not in text
    assert "Next: wait_for_task" not in text
    assert not is_error


async def test_a_delete_that_takes_recovery_points_along_does_not_claim_what_became_of_them() -> None:
    app = create_app(now=ticking, scale=100_000)
    asked = write_samples.arguments(app.state.tenant, TOOLS["delete_vm_protection_group"])
    assert asked is not None
    async with own_client(app, ticking, wait=40, rate=1e6) as client:
        tool = TOOLS["delete_vm_protection_group"]
        text = text_of(await client.call_tool(tool.name, await outcomes.confirmed(client, tool, asked)))
    assert "It is done: the resource is gone" in text
    assert "Cannot be told: what became of its recovery points" in text


async def test_a_plan_says_of_such_a_delete_too_what_cannot_be_told() -> None:
    app = create_app(now=ticking, scale=100_000)
    names = ("delete_vm_protection_group", "delete_volume_protection_group")
    calls = [{"tool": name, "arguments": write_samples.arguments(app.state.tenant, TOOLS[name])} for name in names]
    async with own_client(app, ticking, wait=40, rate=1e6) as client:
        preview = text_of(await client.call_tool("run_plan", {"calls": calls, "confirm": "preview"}))
        text = text_of(await client.call_tool("run_plan", {"calls": calls, "confirm": code_in(preview)}))
    assert text.count("it is gone. Cannot be told: what became of its recovery points") == 2
