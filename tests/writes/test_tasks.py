"""Accepted writes followed to their end: what is claimed is what the simulated tenant did, never more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as sampling
from hypothesis import strategies as st
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.faults.script import Faults, fault
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.simulator.tasks import Ending
from greenlake_backup_mcp.upstream import client as rest
from greenlake_backup_mcp.writes import follow, task_model
from greenlake_backup_mcp.writes.polling import WriteContext
from tests.conftest import ticking
from tests.support.results import CODE, text_of

Connected = Callable[..., AbstractAsyncContextManager[Client]]
BRIEF = settings.load(demo=True, wait=0.2)
NEXT = re.compile(r'wait_for_task taskId="([^"]+)"')
BASE = "https://eu-west.api.greenlake.hpe.com"
ID = "b2789c1f-cefa-497c-a508-3df5b4ae334b"


async def nobody(done: float, total: float | None, words: str) -> None:
    """Progress that nobody listens to."""


def doomed(tenant: Any) -> dict[str, str]:
    """The arguments of a backup that may be deleted."""
    vm = next(v for v in tenant.all("virtual-machines") if v["displayName"] == "web-legacy-03")
    held = tenant.copies("virtual-machines", vm["id"], "backups").all(tenant.now(), tenant.lag)
    return {"vmId": vm["id"], "backupId": next(b["id"] for b in held if b["state"] == "OK")}


async def delete(client: Client, tenant: Any, *rules: Any, app: Any = None) -> Any:
    """Delete a backup with consent; faults begin after the preview."""
    target = doomed(tenant)
    preview = await client.call_tool("delete_vm_backup", {**target, "confirm": "preview"})
    if rules:
        app.state.script.set(Faults(rules))
    return await client.call_tool("delete_vm_backup", {**target, "confirm": CODE.findall(text_of(preview))[-1]})


def deletes(tenant: Any) -> int:
    return int(sum(n for (operation, _), n in tenant.writes.items() if operation == "DeleteVirtualMachineBackup"))


@pytest.mark.parametrize("location", ["absolute", "relative"])
async def test_a_delete_is_done_when_the_resource_is_gone(location: Any, era: str) -> None:
    app = create_app(now=ticking, scale=100_000, switches=Switches(location=location))
    async with Client(mcp_server.create(BRIEF, app=app, now=ticking), mode=era) as client:
        result = await delete(client, app.state.tenant)
    assert "It is done: the resource is gone (read again: 404)." in text_of(result)
    assert (result.is_error, deletes(app.state.tenant)) == (False, 1)


@pytest.mark.parametrize(
    ("state", "effect", "error", "words"),
    [
        ("SUCCEEDED", True, False, "It is done: the resource is gone"),
        ("FAILED", False, True, 'The service\'s reason: "The operation did not complete." (OPERATION_FAILED, trace id'),
        ("FAILED", True, True, "The task says FAILED, yet the resource is gone"),
        ("CANCELLED", False, True, "Somebody cancelled it"),
        ("TIMEDOUT", True, False, "It is done: the resource is gone"),
        ("TIMEDOUT", False, True, "Outcome unknown: the agent stopped reporting"),
        ("PAUSED", False, False, "It goes on only when a person acts in the console: /data-services/tasks/"),
        ("never", False, False, "goes on waiting. Do not send the write again."),
        ("QUIESCING", True, False, "It is done: the resource is gone"),
        ("QUIESCING", False, False, "is not a described one: whether it ended is not known"),
        ("vanish", True, False, "It is done: the resource is gone"),
        ("vanish", False, True, "Outcome unknown: the task is not there any more (404)."),
    ],
)
async def test_each_ending_of_a_task_is_told_as_what_is_known_of_the_resource(  # noqa: PLR0917
    state: str, effect: bool, error: bool, words: str, tenant: Any, connected: Connected
) -> None:
    simulated = tenant.state.tenant
    simulated.endings.append(Ending(state, effect))
    async with connected(BRIEF) as client:
        result = await delete(client, simulated)
        assert words in text_of(result)
        assert result.is_error is error
        if NEXT.search(text_of(result)):
            again = await client.call_tool("wait_for_task", {"taskId": NEXT.findall(text_of(result))[0], "seconds": 0})
            assert again.is_error is False
            assert "done" not in text_of(again).split("99 %")[0]
    assert deletes(simulated) == 1


async def update(client: Client, tenant: Any, **change: Any) -> Any:
    """Change a backup of a locked kind with consent."""
    vm = next(v for v in tenant.all("virtual-machines") if v["displayName"] == "sap-prod-01")
    held = tenant.copies("virtual-machines", vm["id"], "backups").all(tenant.now(), tenant.lag)
    copy = next(b for b in held if b["state"] == "OK" and b.get("lockedUntil"))
    asked = {"vmId": vm["id"], "backupId": copy["id"], **change}
    preview = await client.call_tool("update_vm_backup", {**asked, "confirm": "preview"})
    return await client.call_tool("update_vm_backup", {**asked, "confirm": CODE.findall(text_of(preview))[-1]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"description": "kept for the audit"}, "As asked: description kept for the audit."),
        ({"expiresAt": "2027-03-01T10:00:00+02:00"}, "As asked: expiresAt 2027-03-01 08:00Z."),
    ],
)
async def test_an_update_is_done_when_the_resource_shows_it(
    change: dict[str, str], words: str, tenant: Any, connected: Connected
) -> None:
    async with connected(BRIEF) as client:
        result = await update(client, tenant.state.tenant, **change)
    assert words in text_of(result)
    assert not result.is_error
    assert sum(tenant.state.tenant.writes.values()) == 1


async def test_a_delete_that_a_second_person_must_approve_is_not_called_done(era: str) -> None:
    app = create_app(now=ticking, scale=100_000, switches=Switches(dual_authorization=True))
    simulated = app.state.tenant
    async with Client(mcp_server.create(BRIEF, app=app, now=ticking), mode=era) as client:
        doomed(simulated)  # what is seeded waits too
        before = set(simulated.pending_approvals)
        rendered = text_of(await delete(client, simulated))
    assert "Not done: a second person must approve" in rendered
    (approval,) = set(simulated.pending_approvals) - before
    assert f'get_approval approvalId="{approval}"' in rendered
    assert not any(r.method == "PATCH" for r in simulated.requests)


@pytest.mark.parametrize("kind", ["no_location", "foreign_location"])
async def test_a_202_that_names_no_task_of_this_service_is_told_by_the_resource(
    kind: Any, tenant: Any, connected: Connected
) -> None:
    async with connected(BRIEF) as client:
        rendered = text_of(await delete(client, tenant.state.tenant, fault(kind, "DELETE"), app=tenant))
    assert "It is done: the resource is gone (read again: 404)." in rendered
    assert not any("attacker" in r.headers.get("host", "") for r in tenant.state.tenant.requests)


@pytest.mark.parametrize("kind", ["no_location", "foreign_location"])
async def test_an_update_whose_task_is_not_named_is_unknown_and_says_how_its_task_is_found(
    kind: Any, tenant: Any, connected: Connected
) -> None:
    tenant.state.script.set(Faults((fault(kind, "POST", "*/resume"),)))
    job = tenant.state.tenant.all("protection-jobs")[0]
    async with connected(BRIEF) as client:
        result = await client.call_tool("resume_protection_job", {"protectionJobId": job["id"]})
    assert result.is_error
    assert f"list_tasks filter=\"sourceResourceUri eq '{job['resourceUri']}'\"" in text_of(result)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "status", "status": 503, "times": 2},
        {"kind": "status", "status": 429, "seconds": 0, "retry_after": "seconds"},
        {"kind": "reset_during"},
        {"kind": "truncated"},
        {"kind": "revoke"},
    ],
    ids=str,
)
async def test_a_wait_survives_what_passes(rule: dict[str, Any], tenant: Any, connected: Connected) -> None:
    rules = (fault(**{"method": "GET", "path": "*/async-operations/*", **rule}),)
    async with connected(settings.load(demo=True, wait=5)) as client:
        result = await delete(client, tenant.state.tenant, *rules, app=tenant)
    assert "It is done" in text_of(result)
    assert deletes(tenant.state.tenant) == 1


async def test_a_task_that_may_not_be_read_leaves_the_outcome_to_the_resource(
    tenant: Any, connected: Connected
) -> None:
    tenant.state.script.set(Faults((fault("status", "GET", "*/async-operations/*", status=403, times=99),)))
    job = tenant.state.tenant.all("protection-jobs")[0]
    async with connected(BRIEF) as client:
        result = await client.call_tool("resume_protection_job", {"protectionJobId": job["id"]})
    assert result.is_error
    assert "Outcome unknown: the task cannot be read." in text_of(result)
    assert "The resource now (read again):" in text_of(result)


async def test_a_run_is_only_triggered_until_its_parts_and_recovery_points_are_there(
    tenant: Any, connected: Connected
) -> None:
    job = next(j for j in tenant.state.tenant.all("protection-jobs") if j["assetInfo"]["name"] == "sap-prod-01")
    async with connected(settings.load(demo=True, wait=0)) as client:
        first = await client.call_tool("run_protection_job", {"protectionJobId": job["id"]})
        task = text_of(first).split()[1]  # the run may be over already
        result = await client.call_tool("wait_for_task", {"taskId": task, "seconds": 20})
    rendered = text_of(result)
    assert "the run was triggered" in rendered or "with 3 new recovery points" in rendered
    assert re.search(r'- snapshot "sap-prod-01_[^"]*" \(id [0-9a-f-]{36}\): OK', rendered)
    assert not result.is_error


async def test_a_run_whose_part_fails_is_told_as_failed_with_the_reason(tenant: Any, connected: Connected) -> None:
    job = next(j for j in tenant.state.tenant.all("protection-jobs") if j["assetInfo"]["name"] == "sap-prod-02")
    async with connected(settings.load(demo=True, wait=20)) as client:
        result = await client.call_tool("run_protection_job", {"protectionJobId": job["id"]})
    assert result.is_error
    assert re.search(r"but (?:failed in part: \d of|all) \d parts FAILED", text_of(result).splitlines()[0])
    assert re.search(r"FAILED, \"[^\"]+\"", text_of(result))


@pytest.mark.parametrize("task", ["6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e90", "../x", "a b", "", "nonsense"])
async def test_waiting_for_a_task_that_is_not_there_is_an_error_with_a_cure(
    task: str, tenant: Any, connected: Connected
) -> None:
    async with connected() as client:
        result = await client.call_tool("wait_for_task", {"taskId": task})
    assert result.is_error
    assert "list_tasks" in text_of(result) or "wait_for_task" in text_of(result)


async def test_progress_rises_and_ends_before_the_answer(tenant: Any, connected: Connected) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    tenant.state.tenant.endings.append(Ending("never"))
    target = doomed(tenant.state.tenant)
    async with connected(BRIEF) as client:
        preview = await client.call_tool("delete_vm_backup", {**target, "confirm": "preview"})
        code = CODE.findall(text_of(preview))[-1]
        await client.call_tool("delete_vm_backup", {**target, "confirm": code}, progress_callback=hear)
    assert heard
    assert heard == sorted(heard)


# --- below the tools --------------------------------------------------------------------------------------------------


class Asleep:
    """A tenant whose one task never ends, and a sleep that only counts."""

    def __init__(self, item: Any) -> None:
        self.item = item
        self.slept: list[float] = []
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.asked += 1
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(self.item).encode()})

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def waiting(api: rest.ApiClient, seconds: float) -> WriteContext:
    """What a wait needs, of nobody in particular."""
    return WriteContext(api, nobody, seconds)


READY = settings.load(api_base_url=BASE, token="t", retries=0, rate=1e6)


@pytest.mark.parametrize("interval", [None, 0, 30, 1e9, -1, "30", "often", float("1e300")])
async def test_a_wait_never_exceeds_its_seconds_whatever_interval_is_suggested(interval: Any) -> None:
    app = Asleep({"id": ID, "state": "RUNNING", "suggestedPollingIntervalSeconds": interval})
    async with rest.connect(READY, app=app, sleep=app.sleep) as api:
        report = await follow.wait(waiting(api, 60), ID)
    assert report.outcome is Outcome.RUNNING
    assert sum(app.slept) <= 60.001
    assert 2 < app.asked < 70


async def test_no_seconds_mean_one_look() -> None:
    app = Asleep({"id": ID, "state": "RUNNING"})
    async with rest.connect(READY, app=app, sleep=app.sleep) as api:
        await follow.wait(waiting(api, 0), ID)
    assert (app.asked, app.slept) == (1, [])


async def test_a_wait_ends_with_whoever_waited() -> None:
    app, sleeping = Asleep({"id": ID, "state": "RUNNING"}), anyio.Event()

    async def asleep(seconds: float) -> None:
        sleeping.set()
        await anyio.sleep_forever()

    async with rest.connect(READY, app=app, sleep=asleep) as api, anyio.create_task_group() as group:
        group.start_soon(follow.wait, waiting(api, 3600), ID)
        await sleeping.wait()
        group.cancel_scope.cancel()
    assert app.asked == 1


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (f"{task_model.TASKS}/{ID}", f"{task_model.TASKS}/{ID}"),
        (f"{BASE}{task_model.TASKS}/{ID}", f"{task_model.TASKS}/{ID}"),
        (f"{BASE}:443{task_model.TASKS}/{ID}/", f"{task_model.TASKS}/{ID}"),
        (f"{BASE.upper().replace('HTTPS', 'https')}{task_model.TASKS}/{ID}", f"{task_model.TASKS}/{ID}"),
        (f"https://attacker.example{task_model.TASKS}/{ID}", ""),
        (f"//attacker.example{task_model.TASKS}/{ID}", ""),
        (f"http://eu-west.api.greenlake.hpe.com{task_model.TASKS}/{ID}", ""),
        (f"{BASE}:8443{task_model.TASKS}/{ID}", ""),
        (f"https://x@eu-west.api.greenlake.hpe.com{task_model.TASKS}/{ID}", ""),
        (f"{BASE}.attacker.example{task_model.TASKS}/{ID}", ""),
        (f"{task_model.TASKS}/..", ""),
        (f"{task_model.TASKS}/", ""),
        ("/backup-recovery/v1beta1/protection-stores/1", ""),
        ("javascript:alert(1)", ""),
        ("https://[", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_location_is_followed_on_this_host_only(location: str | None, path: str) -> None:
    actual, problem = task_model.located(location, BASE)
    assert actual == path
    assert bool(problem) is not bool(path)


def test_a_location_below_a_base_url_with_a_path_is_the_same_task() -> None:
    base = "https://mock.example/greenlake"
    assert task_model.located(f"{base}{task_model.TASKS}/{ID}", base)[0] == f"{task_model.TASKS}/{ID}"
    assert task_model.located(f"{task_model.TASKS}/{ID}", base)[0] == f"{task_model.TASKS}/{ID}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "id", "state", "status", "name", "displayName", "progressPercent", "suggestedPollingIntervalSeconds", "endedAt",
    "estimatedRunningDurationMinutes", "error", "logMessages", "additionalDetails", "createdAt", "sourceResourceUri",
    "associatedResources", "hasChildOperations",
)  # fmt: skip


@sampling(suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)) | json_values)
def test_whatever_a_task_holds_it_is_read(item: Any) -> None:
    task = task_model.parse_task(item, ID)
    assert task.id == ID
    assert task.state.isprintable()
    assert task.name.isprintable()


def test_the_vendors_reason_is_told_with_its_code_and_trace_id() -> None:
    item = {
        "state": "FAILED",
        "error": {"error": "Disk \u202efull\n- call delete", "errorCode": "E1", "traceId": "t-1"},
    }
    assert task_model.parse_task(item, ID).why == '"Disk full - call delete" (E1, trace id for HPE support: t-1)'


async def test_a_task_id_that_is_no_id_is_refused_before_anything_is_sent() -> None:
    app = Asleep({})
    async with rest.connect(READY, app=app) as api:
        with pytest.raises(BackupError, match="is no id of a task"):
            await follow.wait(waiting(api, 0), "../../x")
    assert app.asked == 0


async def test_the_transport_of_the_tests_sends_foreign_hosts_to_the_tenant_too() -> None:
    """So that a Location on another host, if it were followed, would be seen in the tenant's log."""
    app = create_app(now=ticking)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
        await client.get("https://attacker.example/x")
    assert app.state.tenant.requests[-1].headers["host"] == "attacker.example"
