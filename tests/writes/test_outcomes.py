"""What became of a write, as a whole: asked against made, parts, states that contradict, errors within a success."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Deviation, Switches
from greenlake_backup_mcp.simulator.tasks import Ending
from greenlake_backup_mcp.writes import embedded_errors, reports
from tests import outcomes
from tests.conftest import NOW, ticking
from tests.support import write_samples
from tests.support.results import code_in, text_of

TOOLS = {tool.name: tool for tool in write_samples.writes()}
TABLE = (Path(__file__).parents[1] / "snapshots" / "outcomes.txt").read_text(encoding="utf-8").splitlines()
SAMPLE = random.Random(17).sample(sorted(TOOLS), 8)


@pytest.mark.parametrize("name", SAMPLE)
async def test_each_write_is_told_as_what_it_came_to(name: str) -> None:
    """A seeded sample; in full, with the table: python -m tests.outcomes > tests/snapshots/outcomes.txt."""
    row = await outcomes.judge(TOOLS[name])
    assert row.wrong == ()
    assert str(row) in TABLE


def test_the_table_of_outcomes_has_all_91_operations_that_change_something_and_none_told_wrongly() -> None:
    assert len(TOOLS) == 91
    assert {line.split()[0] for line in TABLE[1:-1]} == set(TOOLS)
    assert TABLE[-1] == "91 writing operations, 0 told wrongly"


async def answer_text(
    name: str,
    deviation: Deviation | None = None,
    arguments: Callable[[Tenant], dict[str, Any] | None] | None = None,
    **switches: Any,
) -> tuple[str, bool]:
    """The answer to one call on a fresh tenant, and whether as an error."""
    app = create_app(now=ticking, scale=100_000, switches=Switches(**switches))
    tenant = app.state.tenant
    tool = TOOLS[name]
    asked = arguments(tenant) if arguments else write_samples.arguments(tenant, tool)
    assert asked is not None
    assert tool.operation is not None
    if deviation is not None:
        tenant.switch(deviations={tool.operation.id: deviation})
    async with Client(mcp_server.create(settings.load(demo=True, wait=40, rate=1e6), app=app, now=ticking)) as client:
        result = await client.call_tool(name, await outcomes.confirmed(client, tool, asked))
    return text_of(result), bool(result.is_error)


async def test_a_restore_beside_the_original_ends_with_what_it_made_as_asked() -> None:
    text, error = await answer_text("restore_vm")
    assert 'succeeded, as asked: virtual machine "x-test" (id ' in text.splitlines()[0]
    assert "power off" in text
    assert "Cannot be told: that its content is that of the recovery point" in text
    assert "sap-prod" not in "\n".join(text.splitlines()[4:12])  # the source is not shown again
    assert not error


@pytest.mark.parametrize("made_in_task", [True, False])
async def test_a_restore_that_comes_out_otherwise_says_what_differs(made_in_task: bool) -> None:
    deviation = Deviation(request={"targetVmInfo": {"powerOn": True}})
    text, error = await answer_text("restore_vm", deviation, made_in_task=made_in_task)
    assert "DIFFERS: power asked off, is POWERED_ON." in text
    assert error


async def test_a_restore_to_another_cluster_than_asked_names_both() -> None:
    def other(tenant: Tenant) -> str:
        _, cluster, _ = write_samples.place(tenant)
        return str(next(c for c in tenant.all("hypervisor-clusters") if c["id"] != cluster["id"])["id"])

    cluster = other(create_app(now=ticking, scale=100_000).state.tenant)
    text, error = await answer_text("restore_vm", Deviation(request={"targetVmInfo": {"clusterId": cluster}}))
    assert "DIFFERS: cluster asked " in text
    assert cluster in text
    assert error


async def test_a_task_that_succeeded_and_made_nothing_is_no_success() -> None:
    text, error = await answer_text("restore_vm", Deviation(ending=Ending("SUCCEEDED")))
    assert "nothing new was found that it could have made" in text
    assert error


@pytest.mark.parametrize(("failed", "words"), [({"2": Ending("FAILED")}, "failed in part: 1 of 9 parts FAILED")])
async def test_a_group_restore_counts_its_members(failed: dict[str, Ending], words: str) -> None:
    text, error = await answer_text("restore_vm_protection_group", Deviation(children=failed))
    assert words in text.splitlines()[0]
    assert "1 of 9 were not made" in text
    assert "The operation did not complete." in text
    assert error


async def test_each_member_of_a_group_restore_is_held_against_what_was_asked() -> None:
    def with_room(tenant: Tenant) -> dict[str, Any] | None:
        for datastore in tenant.all("datastores"):
            tenant.write(("datastores", datastore["id"]), capacityFree=1 << 46)
        return write_samples.arguments(tenant, TOOLS["restore_vm_protection_group"])

    otherwise = Deviation(request={"powerOnVmsAfterRestore": True})
    text, error = await answer_text("restore_vm_protection_group", otherwise, with_room)
    assert "but 9 of 9 DIFFER from what was asked for" in text
    assert "DIFFERS: power asked off, is POWERED_ON" in text
    assert error


async def test_a_restore_whose_vm_is_left_failed_is_failed() -> None:
    def over(tenant: Tenant) -> dict[str, Any]:
        asked = write_samples.arguments(tenant, TOOLS["restore_vm"])
        assert asked is not None
        return {"vmId": asked["vmId"], "backupId": asked["backupId"], "restoreType": "PARENT"}

    state = {"virtual-machines": {"state": "RESTORE_FAILED"}}
    text, error = await answer_text("restore_vm", Deviation(result=state), over)
    assert "Its state contradicts that: RESTORE_FAILED (as of 2026-11-24" in text
    assert error
    text, error = await answer_text("restore_vm", None, over)
    assert not error


def host_in_error(tenant: Tenant) -> dict[str, Any]:
    host = next(h for h in tenant.all("application-hosts") if h["state"] == "ERROR")
    return {"applicationHostId": host["id"], "credentials": {"username": "svc", "password": "Fresh-Autumn-26"}}


async def test_a_state_of_before_that_contradicts_a_change_is_told_with_since_when_and_what_proves_it() -> None:
    text, error = await answer_text("update_application_host", None, host_in_error)
    assert "Its state contradicts that: ERROR: The user name or password is wrong" in text
    assert "since 2026-11-" in text
    assert "before this request: it may not have been looked at since" in text
    assert "refresh_application_host" in text
    assert error


async def test_a_new_job_tells_its_id_its_next_run_and_what_it_set_going() -> None:
    text, error = await answer_text("create_protection_job")
    assert 'as asked: protection job "for ' in text
    assert "nextRun: " in text
    assert "It set going at once (" in text
    assert "% full, " in text
    assert "at most " in text
    assert "(More is left out: read the resource for all of it.)" in text
    assert not error


async def test_a_run_shows_lock_expiry_size_and_store_of_what_it_made() -> None:
    text, error = await answer_text("run_protection_job")
    assert "LOCKED until " in text
    assert "expires " in text
    assert "size " in text
    assert "store Local_" in text
    assert not error


async def test_a_new_policy_has_the_words_of_the_list_and_its_id() -> None:
    text, error = await answer_text("create_protection_policy")
    assert 'protection policy "policy-x" (id ' in text.splitlines()[0]
    assert "snapshot daily 20:00Z kept 3 d" in text
    assert not error


@pytest.mark.parametrize(
    ("status", "body", "parts"),
    [
        (200, {"errorCode": "X", "message": "no", "httpStatusCode": 500}, (0, 0)),
        (200, {"error": {"error": "no", "errorCode": "X"}}, (0, 0)),
        (200, {"httpStatusCode": 409, "message": "no"}, (0, 0)),
        (207, {"items": [{"status": 200}, {"status": 500}]}, (1, 2)),
        (207, [{"status": "FAILED", "id": "a"}, {"status": "OK"}], (1, 2)),
        (207, {"results": [{"errorCode": "X"}, {"errorCode": "Y"}]}, (2, 2)),
    ],
    ids=str,
)
def test_an_error_within_a_success_is_found(status: int, body: Any, parts: tuple[int, int]) -> None:
    actual = embedded_errors.find_embedded_error(status, body)
    assert actual is not None
    assert (actual.failed, actual.parts) == parts


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"id": "x", "state": "OK", "error": None},
        {"items": [{"status": "ERROR", "id": "x"}]},
        {"status": "OK"},
    ],
    ids=str,
)
def test_a_resource_is_no_error(body: Any) -> None:
    assert embedded_errors.find_embedded_error(200, body) is None


async def test_progress_of_a_run_rises_and_never_repeats() -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    app = create_app(now=ticking, scale=100)
    asked = write_samples.arguments(app.state.tenant, TOOLS["run_protection_job"])
    assert asked is not None
    async with Client(mcp_server.create(settings.load(demo=True, wait=0.7), app=app, now=ticking)) as client:
        inputs = await outcomes.confirmed(client, TOOLS["run_protection_job"], asked)
        await client.call_tool("run_protection_job", inputs, progress_callback=hear)
    assert heard
    assert heard == sorted(set(heard))


async def test_what_was_asked_is_held_against_the_end_of_a_later_wait() -> None:
    app = create_app(now=ticking, scale=100_000)
    tenant = app.state.tenant
    asked = write_samples.arguments(tenant, TOOLS["restore_vm"])
    assert asked is not None
    tenant.switch(deviations={"VirtualMachineRestore": Deviation(request={"targetVmInfo": {"powerOn": True}})})
    async with Client(mcp_server.create(settings.load(demo=True, wait=0), app=app, now=ticking)) as client:
        preview = await client.call_tool("restore_vm", {**asked, "confirm": "preview"})
        code = code_in(preview)
        first = text_of(await client.call_tool("restore_vm", {**asked, "confirm": code}))
        task = first.split()[1]
        result = await client.call_tool("wait_for_task", {"taskId": task, "seconds": 5})
    assert "DIFFERS: power asked off, is POWERED_ON." in text_of(result)
    assert result.is_error


def log_run(tenant: Tenant) -> dict[str, Any]:
    """A run of nothing but the log backups of a job whose recent ones all worked."""
    for job in tenant.all("protection-jobs"):
        for tier in job["protections"]:
            recent = {run["status"] for run in tier["schedules"][0].get("executionStatuses", ())}
            if tier["type"] == "DATABASE_LOG_BACKUP" and recent <= {"OK", "IN_PROGRESS"}:
                return {"protectionJobId": job["id"], "scheduleIds": [tier["schedules"][0]["scheduleId"]]}
    raise AssertionError


@pytest.mark.parametrize("runs_are_children", [True, False])
async def test_the_wait_for_a_run_of_log_backups_ends_though_no_list_will_ever_show_them(
    runs_are_children: bool,
) -> None:
    begun = time.monotonic()

    def clock() -> datetime:  # of this test alone: by its time the twin decides how a run ends
        return NOW + timedelta(seconds=time.monotonic() - begun)

    app = create_app(now=clock, scale=100_000, switches=Switches(runs_are_children=runs_are_children))
    tool, asked = TOOLS["run_protection_job"], log_run(app.state.tenant)
    async with Client(mcp_server.create(settings.load(demo=True, wait=2, rate=1e6), app=app, now=clock)) as client:
        first = await client.call_tool(tool.name, await outcomes.confirmed(client, tool, asked))
        task = text_of(first).split()[1]
        again = await client.call_tool("wait_for_task", {"taskId": task, "seconds": 2})
    for result in (first, again):
        text = text_of(result)
        assert "A log backup is in no list, so no new recovery point is to come" in text
        assert "get_mssql_database_backup" in text
        assert "Next: wait_for_task" not in text
        assert not result.is_error


async def test_a_row_of_a_plan_that_failed_in_part_is_not_done_and_ends_the_plan() -> None:
    app = create_app(now=ticking, scale=100_000)
    tenant = app.state.tenant
    restore = write_samples.arguments(tenant, TOOLS["restore_vm_protection_group"])
    rename = write_samples.arguments(tenant, TOOLS["update_protection_store"])
    plan: dict[str, Any] = {"calls": [{"tool": "restore_vm_protection_group", "arguments": restore},
                                      {"tool": "update_protection_store", "arguments": rename}]}  # fmt: skip
    tenant.switch(deviations={"VmpgRestore": Deviation(children={"2": Ending("FAILED")})})
    async with Client(mcp_server.create(settings.load(demo=True, wait=5, rate=1e6), app=app, now=ticking)) as client:
        preview = text_of(await client.call_tool("run_plan", {**plan, "confirm": "preview"}))
        code = code_in(preview)
        result = await client.call_tool("run_plan", {**plan, "confirm": code})
        if ended := re.search(r"plan-[0-9a-f]+", text_of(result)):  # a busy machine: it goes on
            result = await client.call_tool("wait_for_task", {"taskId": ended[0], "seconds": 60})
    text = text_of(result)
    assert result.is_error
    assert "failed in part: 1 of 9" in text
    assert "It stopped at the first failure" in text
    assert not [path for operation, path in tenant.writes if operation == "ProtectionStoreEdit"]


# what the service changes beside what is asked for: (collection, change, words)
UNASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "update_protection_policy": ("protection-policies", {"description": "by nobody"}, "description was Gold Prot"),
    "update_protection_store": ("protection-stores", {"region": "eu-north"}, "region was empty, is eu-north"),
    "update_volume_protection_group": ("volume-protection-groups", {"name": "by-nobody"}, "name was vpg-"),
    "update_vm_backup": ("backups", {"lockedUntil": "2030-01-01T00:00:00.000000Z"}, "lockedUntil was "),
    "update_data_orchestrator": ("data-orchestrators", {"interfaces": {"network": {"hostname": "x.example.com"}}},
                                 "interfaces/network/hostname was do-dc1-01.example.com, is x.example.com"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(UNASKED))
async def test_what_changed_beside_what_was_asked_is_told_and_nothing_of_it_where_all_is_as_asked(name: str) -> None:
    collection, patch, words = UNASKED[name]
    text, _ = await answer_text(name)
    assert "ALSO CHANGED" not in text
    text, _ = await answer_text(name, Deviation(result={collection: patch}))
    assert "ALSO CHANGED, though nobody asked for it: " in text
    assert words in text
    assert "what else changed is named below" in text.splitlines()[0]


async def test_what_changed_beside_is_told_by_a_plan_and_by_a_later_wait_too() -> None:
    app = create_app(now=ticking, scale=100_000)
    tenant, name = app.state.tenant, "update_volume_protection_group"
    asked = write_samples.arguments(tenant, TOOLS[name])
    patch = {"volume-protection-groups": {"name": "by-nobody"}}
    tenant.switch(deviations={"VolumeProtectionGroupUpdate": Deviation(result=patch)})
    plan: dict[str, Any] = {"calls": [{"tool": name, "arguments": asked}]}
    async with Client(mcp_server.create(settings.load(demo=True, wait=0, rate=1e6), app=app, now=ticking)) as client:
        options = await outcomes.confirmed(client, TOOLS[name], asked or {})
        task = text_of(await client.call_tool(name, options)).split()[1]
        waited = text_of(await client.call_tool("wait_for_task", {"taskId": task, "seconds": 60}))
        patch = {"volume-protection-groups": {"name": "by-somebody"}}
        tenant.switch(deviations={"VolumeProtectionGroupUpdate": Deviation(result=patch)})
        preview = text_of(await client.call_tool("run_plan", {**plan, "confirm": "preview"}))
        code = code_in(preview)
        begun = text_of(await client.call_tool("run_plan", {**plan, "confirm": code}))
        plan_id = re.findall(r"plan-[0-9a-f]+", begun)[0]
        text = text_of(await client.call_tool("wait_for_task", {"taskId": plan_id, "seconds": 60}))
    assert "ALSO CHANGED, though nobody asked for it: name was vpg-" in waited
    assert "1 call: 1 done" in text
    assert "ALSO CHANGED, though nobody asked for it: name was by-nobody, is by-somebody." in text


def test_what_a_write_tells_has_a_bound_and_says_how_much_was_left_out() -> None:
    lines = reports.fit(["first"], [f"part {n:03d} of many" for n in range(1000)], ["resource"], end=["Next: look."])
    assert lines[0] == "first"
    assert lines[-1] == "Next: look."
    assert lines[-2].startswith("(")
    assert " more lines were left out: read the resource for them.)" in lines[-2]
    assert sum(len(line) + 1 for line in lines) <= reports.MOST_BYTES + 100
    assert reports.fit(["first"], ["row"], end=[]) == ("first", "row")


async def test_an_expiry_in_the_past_of_a_copy_that_is_gone_is_no_plain_failure() -> None:
    def ended(tenant: Tenant) -> dict[str, Any] | None:
        inputs = write_samples.arguments(tenant, TOOLS["update_datastore_backup"])
        return inputs and {**inputs, "description": "over", "expiresAt": "2026-11-23T00:00:00Z"}

    text, _ = await answer_text("update_datastore_backup", arguments=ended)
    assert "the resource is gone (read again: 404)" in text.replace("The resource", "the resource")
    assert "its expiry was" in text
    assert "Send the write again only once that is removed" not in text
