"""run_plan: one yes for a reviewed list, each call looked at once more, an honest report."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, ElicitResult

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import audit_verify
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import ticking
from tests.support.results import CODE, code_in, text_of
from tests.support.tiny_tenant import NOW, OWN, VIRTUALIZATION, VM, Tenant, loaded

SNAPSHOTS = f"{OWN}/virtual-machines/{VM}/snapshots"


def identity(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


def snapshot(n: int, **more: Any) -> dict[str, Any]:
    return {
        "id": identity(n),
        "name": f"snap-{n}",
        "generation": 1,
        "state": "OK",
        "pointInTime": "2026-11-01T00:00:00Z",
        "expiresAt": "2026-11-20T00:00:00Z",
        "volumesSnapshotInfo": [{"sizeInMib": 1024}],
        **more,
    }


def tenant(*snapshots: dict[str, Any]) -> Tenant:
    resources: dict[str, Any] = {f"{SNAPSHOTS}/{s['id']}": s for s in snapshots}
    resources[SNAPSHOTS] = list(snapshots)
    resources[f"{OWN}/virtual-machines/{VM}/backups"] = []
    resources[f"{VIRTUALIZATION}/virtual-machines/{VM}"] = {"id": VM, "name": "sql-prod-01", "generation": 1}
    return Tenant(resources, deletes=True)


def group_of(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


def deletes(*numbers: int) -> list[dict[str, Any]]:
    return [{"tool": "delete_vm_snapshot", "arguments": {"vmId": VM, "snapshotId": identity(n)}} for n in numbers]


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Plan:
    def __init__(self, client: Client, app: Any) -> None:
        self.client, self.app = client, app
        self.progress: list[tuple[float, float | None, str | None]] = []

    async def call(self, calls: list[dict[str, Any]], confirm: str = "preview", **more: Any) -> CallToolResult:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, total, message))

        arguments = {"calls": calls, "confirm": confirm, **more}
        return await self.client.call_tool("run_plan", arguments, progress_callback=note)

    async def consented(self, calls: list[dict[str, Any]], **more: Any) -> CallToolResult:
        code = CODE.search(text_of(await self.call(calls, **more)))
        assert code
        return await self.call(calls, code[1], **more)

    async def ended(self, result: CallToolResult) -> CallToolResult:
        while "It goes on by itself" in text_of(result):
            which = {"taskId": group_of(r'taskId="([^"]+)"', text_of(result))}
            result = await self.client.call_tool("wait_for_task", which)
        return result


@pytest.fixture
def tenant_app() -> Any:
    return create_app(scale=100_000)


OpenPlan = Callable[..., AbstractAsyncContextManager[Plan]]


@pytest.fixture
def opened(era: str) -> OpenPlan:
    class Opened:
        def __init__(self, app: Tenant, **more: Any) -> None:
            self.app = app
            answer = more.pop("answer", None)
            self.client = Client(
                mcp_server.create(loaded(**more), app=app, now=lambda: NOW),
                mode=era,
                elicitation_callback=answer,
            )

        async def __aenter__(self) -> Plan:
            return Plan(await self.client.__aenter__(), self.app)

        async def __aexit__(self, *error: Any) -> None:
            await self.client.__aexit__(*error)

    return Opened


async def test_a_hundred_expired_snapshots_go_with_one_consent_in_order(opened: OpenPlan) -> None:
    app = tenant(*(snapshot(n) for n in range(100)))
    async with opened(app, wait=600) as plan:
        preview = text_of(await plan.call(deletes(*range(100))))
        assert app.writes == []
        assert "| delete_vm_snapshot | 100 | destroy | 100.0 GiB |" in preview
        result = await plan.call(deletes(*range(100)), code_in(preview))
        assert text_of(result).startswith("Plan of 100 calls: 100 done.")
        assert not result.is_error
        assert [path.rpartition("/")[2] for _, path, _ in app.writes] == [identity(n) for n in range(100)]
        assert plan.progress[-1] == (100, 100, "the plan has ended")
        heard = [done for done, _, _ in plan.progress[100:]]  # after those of the preview
        assert len(heard) > 100
        assert heard == sorted(set(heard))


async def test_a_call_under_way_is_no_failure_and_the_next_one_is_begun(demo_settings: Any, era: str) -> None:
    app = create_app(scale=600)  # deletes last long enough to be under way together
    vm = next(v for v in app.state.tenant.all("virtual-machines") if v["name"] == "web-legacy-03")
    held = app.state.tenant.copies("virtual-machines", vm["id"], "snapshots")
    points = [c["id"] for c in held.page(1, 4, app.state.tenant.now(), app.state.tenant.lag)]
    calls = [{"tool": "delete_vm_snapshot", "arguments": {"vmId": vm["id"], "snapshotId": one}} for one in points]
    async with Client(mcp_server.create(demo_settings, app=app), mode=era) as client:
        plan = Plan(client, app)
        result = await plan.ended(await plan.consented(calls))
        assert text_of(result).startswith("Plan of 4 calls: 4 done.")
        assert not result.is_error


async def test_a_plan_that_needs_no_consent_goes_as_its_preview_says(
    demo_settings: Any, era: str, tenant_app: Any
) -> None:
    jobs = [j["id"] for j in tenant_app.state.tenant.all("protection-jobs") if j["operational"] == "SUSPENDED"][:2]
    calls = [{"tool": "resume_protection_job", "arguments": {"protectionJobId": job}} for job in jobs]
    async with Client(mcp_server.create(demo_settings, app=tenant_app), mode=era) as client:
        plan = Plan(client, tenant_app)
        confirm = group_of(r'no confirmation: .* confirm: "(\w+)"', text_of(await plan.call(calls)))
        result = await plan.ended(await plan.call(calls, confirm))
        assert text_of(result).startswith("Plan of 2 calls: 2 done.")


async def test_the_exceptions_are_named_before_the_list(opened: OpenPlan) -> None:
    app = tenant(*(snapshot(n) for n in range(9)), snapshot(9, expiresAt="2026-12-31T00:00:00Z"))
    async with opened(app) as plan:
        text = text_of(await plan.call(deletes(*range(10))))
        assert "EXCEPTION, call 10: not expired: would be kept 36 days more." in text
        assert text.index("EXCEPTION") < text.index("  1. ")
        assert "ALL of them: the LAST recovery point." in text
        assert '  4. "snap-3" of "sql-prod-01", expires 2026-11-20 00:00' in text
        assert "  Each of them: taken 2026-11-01 00:00, 1.0 GiB, OK" in text


@pytest.mark.parametrize("expires", ["2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"])
async def test_expiring_the_last_two_in_one_plan_is_told_as_the_last(opened: OpenPlan, expires: str) -> None:
    app = tenant(snapshot(1, expiresAt="2027-01-01T00:00:00Z"), snapshot(2, expiresAt="2027-01-01T00:00:00Z"))
    calls = [
        {"tool": "update_vm_snapshot", "arguments": {"vmId": VM, "snapshotId": identity(n), "expiresAt": expires}}
        for n in (1, 2)
    ]
    async with opened(app) as plan:
        text = text_of(await plan.call(calls))
        assert "ALL of them: the LAST recovery point." in text
        assert "would remain" not in text


async def test_what_a_plan_lets_expire_soon_is_none_of_what_remains_of_its_deletes(opened: OpenPlan) -> None:
    app = tenant(*(snapshot(n, expiresAt="2027-01-01T00:00:00Z") for n in (1, 2, 3)))
    change = {"vmId": VM, "expiresAt": "2026-11-24T09:00:00Z"}
    calls = [{"tool": "update_vm_snapshot", "arguments": {**change, "snapshotId": identity(n)}} for n in (1, 2)]
    async with opened(app) as plan:
        text = text_of(await plan.call([*calls, *deletes(3)]))
        start = (
            'LAST recovery point of "sql-prod-01": nothing can be restored without it: delete the VM snapshot "snap-3".'
        )
        assert f"{start} 3 calls." in text
        assert "here the gravest first. 2 more of them are as grave as the first." in text
        assert text.count("the LAST recovery point") >= 2
        assert "emain" not in text
        assert "| update_vm_snapshot | 2 | destroy | 2.0 GiB |" in text


async def test_calls_of_a_plan_are_told_with_all_that_the_plan_takes_away(opened: OpenPlan) -> None:
    stores = [
        {
            "id": identity(n),
            "displayName": f"store-{n}",
            "protectionStoreType": "ON_PREMISES",
            "userDataStoredInBytes": n << 40,
        }
        for n in (82, 81)
    ]
    app = tenant()
    app.resources |= {f"{OWN}/protection-stores/{one['id']}": one for one in stores}
    app.resources |= {f"{OWN}/protection-stores": stores, f"{OWN}/protection-policies": []}
    copies = [
        snapshot(n, backupType="BACKUP", expiresAt="2027-01-01T00:00:00Z", protectionStoreInfo={"id": one["id"]})
        for n, one in enumerate(stores)
    ]
    app.resources |= {f"{OWN}/virtual-machines/{VM}/backups/{copy['id']}": copy for copy in copies}
    app.resources[f"{OWN}/virtual-machines/{VM}/backups"] = copies
    uri = f"{VIRTUALIZATION}/virtual-machines/{VM}"
    tiers = [{"protectionStoreInfo": {"id": one["id"]}} for one in stores]
    job = {"id": VM, "assetInfo": {"id": VM, "name": "sql-prod-01", "resourceUri": uri}, "protections": tiers}
    app.resources[f"{OWN}/protection-jobs"] = [job]
    delete = [
        {"tool": "delete_protection_store", "arguments": {"protectionStoreId": one["id"], "force": True}}
        for one in stores
    ]
    copy = {"vmId": VM, "backupId": copies[1]["id"]}
    calls = [delete[0], {"tool": "delete_vm_backup", "arguments": copy}]
    restore = {"tool": "restore_vm", "arguments": {**copy, "restoreType": "PARENT"}}
    async with opened(app) as plan:
        text = text_of(await plan.call(calls))
        assert "the LAST recovery point" in text
        assert "store-82" in next(line for line in text.splitlines() if line.endswith(" 2 calls."))
        both = text_of(await plan.call(delete))
        assert "2 of them: NOTHING is left of asset" in both
        assert "NOTHING is left" not in text_of(await plan.call(delete[:1]))
        assert "Call 3 needs what call 2 deletes" in text_of(await plan.call([*calls, restore]))
        assert "needs what" not in text_of(await plan.call([restore, delete[0]]))


async def test_the_gravest_fact_of_all_calls_is_the_first_line_of_a_plan(opened: OpenPlan, era: str) -> None:
    app = tenant(*(snapshot(n, name="x" * 70, expiresAt="2027-01-01T00:00:00Z") for n in (1, 2, 3)))
    policy = f"{OWN}/protection-policies/{VM}"
    schedule = {"scheduleId": 1, "schedule": {"recurrence": "DAILY"}, "expireAfter": {"value": 3, "unit": "DAYS"}}
    tier = {"id": identity(5), "type": "SNAPSHOT", "schedules": [schedule]}
    app.resources[policy] = {"id": VM, "name": "gold", "generation": 1, "protections": [tier]}
    lost = {"tool": "update_protection_policy", "arguments": {"protectionPolicyId": VM, "protections": []}}
    async with opened(app) as plan:
        text = text_of(await plan.call([*deletes(3), lost]))
        assert text.splitlines()[2].startswith("LOST")
        assert text.splitlines()[2].endswith(" 2 calls.")
        assert text.index("| update_protection_policy |") < text.index("| delete_vm_snapshot |")
        alone = text_of(await plan.call(deletes(3)))
        assert alone.count("Delete the VM snapshot") == 1


async def test_a_copy_that_expires_later_is_still_there_when_another_is_deleted(opened: OpenPlan) -> None:
    app = tenant(snapshot(1, expiresAt="2027-01-01T00:00:00Z"), snapshot(2, expiresAt="2027-01-01T00:00:00Z"))
    change = {"vmId": VM, "snapshotId": identity(1), "expiresAt": "2026-12-24T08:00:00Z"}
    async with opened(app) as plan:
        text = text_of(await plan.call([{"tool": "update_vm_snapshot", "arguments": change}, *deletes(2)]))
        assert "EXCEPTION, call 1: the LAST recovery point; expires 7 days earlier." in text
        assert text.count("LAST") - text.count("EXCEPTION, call 1") <= 2


async def test_what_is_so_of_some_is_marked_on_their_rows(opened: OpenPlan) -> None:
    app = tenant(*(snapshot(n) for n in range(3)))
    app.resources[f"{SNAPSHOTS}/{identity(2)}"]["expiresAt"] = "2026-12-31T00:00:00Z"
    async with opened(app) as plan:
        rows = [line for line in text_of(await plan.call(deletes(0, 1, 2))).splitlines() if "snap-" in line]
        assert not rows[0].endswith("]")
        assert rows[2].endswith("[not expired: would be kept 36 days more]")


async def test_what_cannot_be_undone_is_told_of_the_calls_it_is_true_of(opened: OpenPlan) -> None:
    app = tenant(*(snapshot(n, expiresAt="2027-01-01T00:00:00Z") for n in range(4)))
    calls = [
        {"tool": "update_vm_snapshot", "arguments": {"vmId": VM, "snapshotId": identity(n), **change}}
        for n, change in enumerate([{"name": "a"}, {"name": "b"}, {"expiresAt": "2026-12-01T00:00:00Z"}, {"name": "d"}])
    ]
    async with opened(app) as plan:
        text = text_of(await plan.call(calls))
        assert "Update a VM snapshot: 1. Once the recovery point has expired, it is gone for good." in text
        assert "Update a VM snapshot: 3. It can be changed back." in text
        assert text.index("gone for good") < text.index("It can be changed back")


async def test_a_restore_in_a_plan_shows_which_recovery_point_it_uses(opened: OpenPlan) -> None:
    app = tenant(snapshot(1, name="before-upgrade"))
    inputs = {"vmId": VM, "snapshotId": identity(1), "restoreType": "ALTERNATE", "targetVmInfo": {"name": "copy"}}
    async with opened(app) as plan:
        text = text_of(await plan.call([{"tool": "restore_vm", "arguments": inputs}]))
        assert f'     - from snapshot "before-upgrade" (id {identity(1)}): state OK; taken 2026-11-01' in text


async def test_what_a_delete_takes_along_is_shown_in_a_plan(opened: OpenPlan) -> None:
    app = tenant(snapshot(1), snapshot(2), snapshot(3))
    made = {
        "id": identity(9),
        "state": "OK",
        "pointInTime": "2026-11-02T00:00:00Z",
        "sourceCopyInfo": {"id": identity(2)},
    }
    app.resources[f"{OWN}/virtual-machines/{VM}/backups"] = [made]
    async with opened(app) as plan:
        text = text_of(await plan.call(deletes(1, 2)))
        assert "     - 1 backup made from it can no longer use it as its source." in text
        assert text.count("nothing can be restored from it afterwards") == 1


async def test_what_hangs_on_the_calls_of_a_plan_is_read_for_all_of_them(opened: OpenPlan) -> None:
    app = tenant(snapshot(1))
    calls = []
    for n in range(50):  # each on a VM of its own
        path = f"{OWN}/virtual-machines/{identity(n)}/snapshots/{identity(n)}"
        app.resources[path] = snapshot(n)
        app.resources[path.rpartition("/")[0]] = [app.resources[path]]
        app.resources[f"{OWN}/virtual-machines/{identity(n)}/backups"] = []
        calls.append({"tool": "delete_vm_snapshot", "arguments": {"vmId": identity(n), "snapshotId": identity(n)}})
    async with opened(app) as plan:
        text = text_of(await plan.call(calls))
        assert "ALL of them: the LAST recovery point." in text
        assert "not read" not in text


async def test_the_worst_tools_come_first(opened: OpenPlan) -> None:
    app = tenant(snapshot(1))
    app.resources[f"{OWN}/protection-jobs/{VM}"] = {"id": VM, "operational": "ACTIVE"}
    async with opened(app) as plan:
        calls = [{"tool": "suspend_protection_job", "arguments": {"protectionJobId": VM}}, *deletes(1)]
        text = text_of(await plan.call(calls))
        assert text.index("| delete_vm_snapshot") < text.index("| suspend_protection_job")


async def test_one_locked_copy_and_there_is_no_code_for_the_list(opened: OpenPlan) -> None:
    app = tenant(snapshot(1), snapshot(2, lockedUntil="2027-01-01T00:00:00Z"))
    async with opened(app) as plan:
        result = await plan.call(deletes(1, 2))
        assert result.is_error
        assert "CANNOT BE DONE: Call 2: It is locked until 2027-01-01" in text_of(result)
        assert not CODE.search(text_of(result))


async def test_a_code_is_for_the_list_as_it_was_reviewed(opened: OpenPlan) -> None:
    app = tenant(snapshot(1), snapshot(2), snapshot(3))
    async with opened(app) as plan:
        code = code_in(await plan.call(deletes(1, 2)))
        for other in (deletes(1, 2, 3), deletes(2, 1), deletes(1)):
            assert (await plan.call(other, code)).is_error
        assert (await plan.call(deletes(1, 2), code, continueOnError=True)).is_error
        assert app.writes == []
        assert not (await plan.call(deletes(1, 2), code)).is_error
        assert (await plan.call(deletes(1, 2), code)).is_error
        assert len(app.writes) == 2


async def test_one_target_that_changed_since_the_review_and_nothing_is_sent(opened: OpenPlan) -> None:
    app = tenant(snapshot(1), snapshot(2))
    async with opened(app) as plan:
        code = code_in(await plan.call(deletes(1, 2)))
        app.resources[f"{SNAPSHOTS}/{identity(2)}"]["generation"] = 2
        assert "The target changed since the preview" in text_of(await plan.call(deletes(1, 2), code))
        assert app.writes == []


class Changing(Tenant):
    """Changes the second snapshot as soon as the first is deleted."""

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "DELETE":
            self.resources[f"{SNAPSHOTS}/{identity(2)}"]["generation"] = 2
        return super()._answer(method, path, body)


@pytest.mark.parametrize("go_on", [False, True])
async def test_a_target_that_changes_while_the_plan_runs_is_left_alone(opened: OpenPlan, go_on: bool) -> None:
    app = Changing(tenant(snapshot(1), snapshot(2), snapshot(3)).resources, deletes=True)
    async with opened(app) as plan:
        result = await plan.consented(deletes(1, 2, 3), continueOnError=go_on)
        text = text_of(result)
        assert result.is_error
        assert "refused: it changed since the plan was confirmed (generation was 1, is 2)" in text
        assert len(app.writes) == (2 if go_on else 1)
        assert ("1 not tried" in text) is not go_on


@pytest.mark.parametrize("go_on", [False, True])
async def test_it_stops_at_the_first_failure_unless_told_otherwise(opened: OpenPlan, go_on: bool) -> None:
    app = tenant(snapshot(1), snapshot(2), snapshot(3))

    class Failing(Tenant):
        def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            if method == "DELETE" and path.endswith(identity(2)):
                return 409, {"message": "busy", "httpStatusCode": 409}
            return super()._answer(method, path, body)

    app = Failing(app.resources, deletes=True)
    async with opened(app) as plan:
        result = await plan.consented(deletes(1, 2, 3), continueOnError=go_on)
        assert result.is_error
        expected = "2 done, 1 failed" if go_on else "1 done, 1 failed, 1 not tried"
        assert text_of(result).startswith(f"Plan of 3 calls: {expected}.")


@pytest.mark.parametrize(
    ("calls", "words_expected"),
    [
        ([*deletes(1), *deletes(1)], "call 2 is call 1 once more"),
        ([{"tool": "run_plan", "arguments": {"calls": []}}], "a plan holds no other plan"),
        ([{"tool": "list_protection_stores", "arguments": {}}], "it changes nothing"),
        ([{"tool": "delete_everything", "arguments": {}}], "delete_everything"),
        ([{"tool": "delete_vm_snapshot", "arguments": {"vmId": VM}}], "call 1 (delete_vm_snapshot)"),
        ([], "calls"),
        (deletes(*range(201)), "calls"),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused_before_anything_is_read(
    opened: OpenPlan, calls: Any, words_expected: Any
) -> None:
    app = tenant(snapshot(1))
    async with opened(app) as plan:
        result = await plan.call(calls)
        assert result.is_error
        assert words_expected in text_of(result)
        assert app.reads == []


async def test_two_calls_on_one_target_are_two_plans(opened: OpenPlan) -> None:
    app = tenant(snapshot(1))
    change = {"vmId": VM, "snapshotId": identity(1), "name": "x"}
    async with opened(app) as plan:
        result = await plan.call([{"tool": "update_vm_snapshot", "arguments": change}, *deletes(1)])
        assert "Calls 1 and 2 act on the same target; make two plans." in text_of(result)


async def test_the_person_is_asked_once_for_the_whole_list(opened: OpenPlan) -> None:
    asked: list[str] = []

    async def yes(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    app = tenant(snapshot(1), snapshot(2))
    async with opened(app, answer=yes) as plan:
        assert "2 done" in text_of(await plan.consented(deletes(1, 2)))
        assert len(asked) == 1
        assert "snap-1" in asked[0]
        assert "snap-2" in asked[0]


async def test_a_no_to_the_list_sends_nothing(opened: OpenPlan) -> None:
    async def no(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="decline")

    app = tenant(snapshot(1), snapshot(2))
    async with opened(app, answer=no) as plan:
        assert "the client declined by itself" in text_of(await plan.consented(deletes(1, 2)))
        assert app.writes == []


async def test_the_record_has_a_request_and_an_outcome_for_each_call(opened: OpenPlan, tmp_path: Path) -> None:
    app = tenant(snapshot(1), snapshot(2))
    path = tmp_path / "audit.jsonl"
    async with opened(app, audit_log=path) as plan:
        await plan.consented(deletes(1, 2))
    text = path.read_text(encoding="utf-8")
    assert text.count('"event":"request"') == 3  # the plan and its two calls
    assert text.count('"event":"outcome"') == 3
    assert audit_verify.verify([path]).waiting == []


# --- a plan belongs to the server -------------------------------------------------------------------------------------


class Gate(Tenant):
    """Answers the nth delete only when it is let go."""

    def __init__(self, resources: dict[str, Any], holds: int) -> None:
        super().__init__(resources, deletes=True)
        self.holds, self.reached, self.go = holds, anyio.Event(), anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "DELETE" and len(self.writes) == self.holds:
            self.reached.set()
            await self.go.wait()
        await super().__call__(scope, receive, send)


async def test_a_plan_that_takes_longer_than_the_wait_goes_on_and_is_waited_for(opened: OpenPlan) -> None:
    app = Gate(tenant(*(snapshot(n) for n in range(3))).resources, 1)
    async with opened(app, wait=0) as plan:
        begun = text_of(await plan.consented(deletes(0, 1, 2)))
        identity_of_plan = group_of(r'wait_for_task taskId="(plan-[0-9a-f]+)"', begun)
        assert "not tried" in begun
        await app.reached.wait()
        middle = text_of(await plan.client.call_tool("wait_for_task", {"taskId": identity_of_plan, "seconds": 0}))
        assert middle.startswith("Plan of 3 calls: 1 done, 1 under way, 1 not tried.")
        assert '1. delete_vm_snapshot "snap-0" of "sql-prod-01", taken 2026-11-01 00:00: done: it is gone' in middle
        app.go.set()
        end = text_of(await plan.client.call_tool("wait_for_task", {"taskId": identity_of_plan, "seconds": 20}))
        assert end.startswith("Plan of 3 calls: 3 done.")


async def test_a_plan_that_is_asked_to_stop_does_so_after_the_call_under_way(opened: OpenPlan, tmp_path: Path) -> None:
    app, path = Gate(tenant(*(snapshot(n) for n in range(3))).resources, 1), tmp_path / "audit.jsonl"
    async with opened(app, wait=0, audit_log=path) as plan:
        begun = text_of(await plan.consented(deletes(0, 1, 2)))
        which = {"taskId": group_of(r'taskId="(plan-[0-9a-f]+)"', begun)}
        await app.reached.wait()
        await plan.client.call_tool("wait_for_task", {**which, "seconds": 0, "stop": True})
        app.go.set()
        end = text_of(await plan.client.call_tool("wait_for_task", {**which, "seconds": 20}))
        assert end.startswith("Plan of 3 calls: 2 done, 1 not tried.")
        assert "It was stopped: it was asked to stop, with call 2 under way." in end
        assert ": not tried: the plan was stopped (it was asked to stop, with call 2 under way)" in end
    assert len(app.writes) == 2
    rows = '"rows":"done: 1-2; not tried: 3; stopped: it was asked to stop, with call 2 under way"'
    assert rows in path.read_text(encoding="utf-8")


async def test_a_call_that_is_cancelled_stops_its_plan_after_the_call_under_way(
    opened: OpenPlan, tmp_path: Path
) -> None:
    app, path = Gate(tenant(*(snapshot(n) for n in range(3))).resources, 1), tmp_path / "audit.jsonl"
    async with opened(app, audit_log=path) as plan:
        code = code_in(await plan.call(deletes(0, 1, 2)))
        async with anyio.create_task_group() as group:
            group.start_soon(plan.call, deletes(0, 1, 2), code)
            await app.reached.wait()
            group.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        app.go.set()
    assert len(app.writes) == 2
    assert "stopped: the call was cancelled" in path.read_text(encoding="utf-8")
    assert audit_verify.verify([path]).waiting == []


async def test_a_client_that_ends_stops_its_plan_after_the_call_under_way_and_the_record_says_where(
    opened: OpenPlan, tmp_path: Path
) -> None:
    app, path = Gate(tenant(*(snapshot(n) for n in range(3))).resources, 1), tmp_path / "audit.jsonl"

    async def let_go() -> None:
        await app.reached.wait()
        await anyio.wait_all_tasks_blocked()
        app.go.set()

    async with anyio.create_task_group() as group:
        group.start_soon(let_go)
        async with opened(app, wait=0, audit_log=path) as plan:
            await plan.consented(deletes(0, 1, 2))
            await app.reached.wait()
    text = path.read_text(encoding="utf-8")
    rows = '"rows":"done: 1-2; not tried: 3; stopped: the server ended, with call 2 under way"'
    assert rows in text
    assert len(app.writes) == 2
    assert audit_verify.verify([path]).waiting == []


async def test_another_process_says_that_it_knows_no_such_plan(opened: OpenPlan) -> None:
    async with opened(tenant(snapshot(1))) as plan:
        result = await plan.client.call_tool("wait_for_task", {"taskId": "plan-000000000000"})
        assert result.is_error
        assert "There is no plan" in text_of(result)


class LosingTheOther(Tenant):
    """Loses the backup that made the second snapshot not the last, as soon as the first delete arrives."""

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "DELETE":
            self.resources[f"{OWN}/virtual-machines/{VM}/backups"] = []
        return super()._answer(method, path, body)


async def test_a_copy_that_became_the_last_meanwhile_is_left_alone(opened: OpenPlan) -> None:
    backup = {"id": identity(9), "name": "b", "state": "OK", "pointInTime": "2026-11-01T00:00:00Z"}
    app = LosingTheOther(tenant(snapshot(1), snapshot(2)).resources, deletes=True)
    app.resources[f"{OWN}/virtual-machines/{VM}/backups"] = [backup]
    async with opened(app) as plan:
        text = text_of(await plan.consented(deletes(1, 2)))
        assert text.startswith("Plan of 2 calls: 1 done, 1 refused.")
        assert "what it would do changed since the plan was confirmed (now the LAST" in text
        assert len(app.writes) == 1


async def test_calls_that_need_no_consent_stand_in_a_plan_and_alone_need_none(opened: OpenPlan) -> None:
    app = tenant(snapshot(1))
    app.resources[f"{OWN}/protection-jobs/{VM}"] = {"id": VM, "name": "job", "operational": "SUSPENDED"}
    resume: dict[str, Any] = {"tool": "resume_protection_job", "arguments": {"protectionJobId": VM}}
    async with opened(app) as plan:
        together = text_of(await plan.call([resume, *deletes(1)]))
        assert "| resume_protection_job | 1 | write |" in together
        assert CODE.search(together)
        alone = text_of(await plan.call([resume]))
        assert 'It needs no confirmation: run_plan with the same arguments and confirm: "none" does exactly' in alone
        preview = text_of(await plan.client.call_tool("preview_call", resume))
        assert "It needs no confirmation: resume_protection_job with the same arguments does exactly this." in preview
        await plan.client.call_tool("resume_protection_job", resume["arguments"])
        assert [method for method, _, _ in app.writes] == ["POST"]


class ChangingTheOther(Tenant):
    """Changes what the second call uses besides its target, as soon as the first one's delete arrives."""

    used = ""

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "DELETE":
            self.resources[self.used] = {**self.resources[self.used], "generation": 7}
        return super()._answer(method, path, body)


@pytest.mark.parametrize("used", [f"{VIRTUALIZATION}/virtual-machines/{identity(8)}", f"{SNAPSHOTS}/{identity(2)}"])
async def test_what_a_call_uses_besides_its_target_is_read_again_before_it_goes(opened: OpenPlan, used: str) -> None:
    app = ChangingTheOther(tenant(snapshot(1), snapshot(2)).resources, deletes=True)
    app.used = used
    app.resources[f"{VIRTUALIZATION}/virtual-machines/{identity(8)}"] = {"id": identity(8), "generation": 1}
    inputs = {"vmId": VM, "snapshotId": identity(2), "targetVmId": identity(8), "restoreType": "ALTERNATE"}
    async with opened(app) as plan:
        text = text_of(await plan.consented([*deletes(1), {"tool": "restore_vm_disks", "arguments": inputs}]))
        assert text.startswith("Plan of 2 calls: 1 done, 1 refused.")
        assert "it changed since the plan was confirmed (generation was 1, is 7)" in text
        assert [method for method, _, _ in app.writes] == ["DELETE"]


async def test_a_hundred_copies_of_ten_assets_are_previewed_and_deleted_within_their_bounds(tmp_path: Path) -> None:
    state = create_app(now=ticking, scale=100_000)
    tenant_state = state.state.tenant
    server = mcp_server.create(settings.load(demo=True, wait=600), app=state, now=ticking)
    async with Client(server) as client:
        calls: list[dict[str, Any]] = []
        inputs = {"limit": 20, "select": "id,state,lockedUntil", "output": "json"}
        for vm in (one["id"] for one in tenant_state.all("virtual-machines")):
            answer = await client.call_tool("list_vm_snapshots", {"vmId": vm, **inputs})
            items = (answer.structured_content or {}).get("items", [])
            free = [i["id"] for i in items if i["state"] == "OK" and not i.get("lockedUntil")][:10]
            if len(free) == 10:
                calls += [{"tool": "delete_vm_snapshot", "arguments": {"vmId": vm, "snapshotId": i}} for i in free]
            if len(calls) == 100:
                break
        assert len(calls) == 100
        tenant_state.requests.clear()
        preview = text_of(await client.call_tool("run_plan", {"calls": calls, "confirm": "preview"}))
        assert len(tenant_state.requests) <= 45
        assert len(preview) <= 12_000
        assert "It takes at least 4 min" in preview
        code = code_in(preview)

        async def silent(progress: float, total: float | None, message: str | None) -> None:
            """A client that asks for progress is waited for."""

        begun = len(tenant_state.requests)
        done = {"calls": calls, "confirm": code}
        report = text_of(await client.call_tool("run_plan", done, progress_callback=silent))
        assert report.startswith("Plan of 100 calls: 100 done.")
        assert len(tenant_state.requests) - begun <= 600
