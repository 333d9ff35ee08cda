"""What remains of an asset when a copy goes: told by where it lies, and by what can be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.previews.test_previews import BACKUPS, SNAPSHOTS, STORE, backup, effect, tenant
from tests.support.previewing import describe
from tests.support.simulated import unchanged
from tests.support.tiny_tenant import BACKUP, OWN, SNAPSHOT, VIRTUALIZATION, VM, Tenant

TASKS = "/data-services/v1beta1/async-operations"
SETTINGS = "/data-services/v1beta1/settings"
CLOUD = {"id": "cloud", "name": "cloud-a", "protectionStoreType": "CLOUD"}


def snapshots(count: int) -> list[dict[str, Any]]:
    return [{"id": f"s{n}", "state": "OK", "pointInTime": "2026-11-24T02:00:00Z"} for n in range(count)]


async def deleted(app: Tenant) -> Any:
    return await effect(app, "delete_vm_backup", vmId=VM, backupId=BACKUP)


async def test_the_last_copy_off_the_array_is_told_as_gravely_as_the_last() -> None:
    app = tenant()
    app.resources[SNAPSHOTS] = snapshots(47)
    result = await deleted(app)
    assert result.gravest == 'LAST recovery point off the array of "sql-prod-01".'
    assert "the LAST recovery point off the array" in result.warnings
    assert any(line.startswith("Would remain: 47 on the array") for line in result.consequences)


async def test_the_last_copy_off_site_is_told_where_others_lie_on_premises() -> None:
    app = tenant(backup(backupType="CLOUD_BACKUP", protectionStoreInfo=CLOUD), (backup(id=SNAPSHOT),))
    result = await deleted(app)
    assert "the LAST recovery point off site" in result.warnings
    assert "the LAST recovery point off the array" not in result.warnings


async def test_the_last_verified_copy_is_told_though_others_remain() -> None:
    result = await deleted(tenant(others=(backup(id=SNAPSHOT, verified=False),)))
    assert "the LAST recovery point that is verified" in result.warnings


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({"state": "PARTIAL"}, "1 incomplete"),
        ({"verificationInfo": {"state": "VERIFY_ERROR"}, "verified": False}, "1 whose verification failed"),
        ({"protectionStoreInfo": {"id": "gone", "name": "b"}}, "1 in a store that cannot be reached"),
    ],
)
async def test_copies_that_nobody_can_rely_on_do_not_count_as_what_remains(flaw: dict[str, Any], words: str) -> None:
    app = tenant(others=(backup(id=SNAPSHOT, **flaw),))
    stores = [{"id": STORE, "connectedState": "CONNECTED"}, {"id": "gone", "connectedState": "DISCONNECTED"}]
    app.resources[f"{OWN}/protection-stores"] = stores
    result = await deleted(app)
    assert result.gravest.startswith("LAST usable recovery point")
    assert any(words in line for line in result.consequences)


async def test_counts_are_at_least_where_a_list_is_not_whole() -> None:
    app = tenant(others=tuple(backup(id=f"b{n}") for n in range(1000)))
    app.totals = False
    result = await deleted(app)
    assert any(line.startswith("At least these would remain: 999 on premises") for line in result.consequences)


async def test_a_schedule_that_needs_the_newest_copy_is_named() -> None:
    newest = backup(scheduleInfo={"scheduleId": 2})
    app = tenant(newest, (backup(id=SNAPSHOT, scheduleInfo={"scheduleId": 2}, pointInTime="2026-11-20T08:00:00Z"),))
    job = {
        "id": "j",
        "protections": [{"type": "CLOUD_BACKUP", "schedules": [{"scheduleId": 3, "sourceProtectionScheduleId": 2}]}],
    }
    app.resources |= {f"{OWN}/protection-jobs/j": job}
    app.resources[next(p for p in app.resources if p.endswith(VM))] |= {"protectionJobInfo": {"id": "j"}}
    result = await deleted(app)
    assert result.gravest == "Schedule 3 needs it as its source: it is the newest of schedule 2."
    assert "the source of a schedule" in result.warnings


async def test_what_runs_on_it_and_who_must_approve_is_read() -> None:
    app = tenant(others=(backup(id=SNAPSHOT),))
    running = {"name": "Restore", "state": "RUNNING", "sourceResourceUri": f"{BACKUPS}/{BACKUP}"}
    app.resources[TASKS] = [running, {**running, "name": "Old", "state": "SUCCEEDED"}]
    app.resources[SETTINGS] = [{"name": "Dual authorization for Backup and Recovery", "currentValue": "ON"}]
    text = "\n".join((await deleted(app)).lines())
    assert 'Under way on it now: "Restore". The service may refuse meanwhile, or what runs breaks off.' in text
    assert "Old" not in text
    assert "Dual authorization is on: a second person must approve before it is gone." in text


async def test_where_the_settings_cannot_be_read_nobody_says_whether_a_second_person_approves() -> None:
    text = "\n".join((await deleted(tenant(others=(backup(id=SNAPSHOT),)))).lines())
    assert "Whether a second person must approve is not known" in text


@pytest.mark.parametrize(("state", "words"), [("ERROR", "in error"), ("CREATING", "still being made")])
async def test_of_a_copy_that_nothing_can_be_restored_from_nothing_is_lost(state: str, words: str) -> None:
    older = backup(id=SNAPSHOT, pointInTime="2026-11-20T08:00:00Z")
    text = "\n".join((await deleted(tenant(backup(state=state), (older,)))).lines())
    assert f"It is {words}: what can be restored now can be without it" in text
    assert "It is the newest one" not in text


async def test_a_copy_in_a_store_out_of_reach_is_not_said_to_be_gone_at_once() -> None:
    app = tenant(others=(backup(id=SNAPSHOT),))
    app.resources[f"{OWN}/protection-stores"] = [{"id": STORE, "connectedState": "DISCONNECTED"}]
    app.resources[SETTINGS] = [{"name": "Dual authorization", "currentValue": "OFF"}]
    text = "\n".join((await deleted(app)).lines())
    assert "no second person is asked." in text
    assert "at once" not in text


async def test_copies_whose_deletion_waits_for_a_second_person_are_not_left_out() -> None:
    app = tenant(others=(backup(id=SNAPSHOT), backup(id="b3", state="PENDING_DELETE_APPROVAL")))
    text = "\n".join((await deleted(app)).lines())
    assert "nobody can rely on them: 1 whose deletion waits for a second person." in text


async def expiring(app: Tenant, moment: str = "2026-11-24T08:24:00Z") -> Any:
    return await effect(app, "update_vm_backup", vmId=VM, backupId=BACKUP, expiresAt=moment)


async def test_last_leads_whatever_ends_it_and_an_expiry_says_when() -> None:
    assert (await expiring(tenant())).gravest.startswith('LAST recovery point of "sql-prod-01"')
    result = await expiring(tenant(others=(backup(id=SNAPSHOT),)))
    assert "2026-11-24 08:24 UTC" in result.gravest


async def test_an_earlier_expiry_may_go_around_the_second_person() -> None:
    app = tenant(backup(state="PENDING_DELETE_APPROVAL"), (backup(id=SNAPSHOT),))
    app.resources[SETTINGS] = [{"name": "Dual authorization for Backup and Recovery", "currentValue": "ON"}]
    text = "\n".join((await expiring(app)).lines())
    assert "no document says that a second person is asked for an earlier expiry: it may be gone without one." in text
    assert "A second person is deciding about its deletion now." in text
    app.resources[SETTINGS] = [{"name": "Dual authorization for Backup and Recovery", "currentValue": "OFF"}]
    assert "earlier expiry" not in "\n".join((await expiring(app)).lines())


VOLUMES = f"{OWN}/volume-protection-groups/{VM}"
ATTACHED = {"mountState": "ATTACHED", "mountedHostsIqn": ["iqn.host1"]}


def volume_group(*copies: dict[str, Any]) -> Tenant:
    members = [{"id": f"v{n}", "displayName": f"vol-{n}", "resourceUri": f"/volumes/v{n}"} for n in range(2)]
    app = Tenant({VOLUMES: {"id": VM, "name": "vpg-1", "assets": members}})
    app.resources |= {f"{VOLUMES}/backups/{copy['id']}": copy for copy in copies}
    app.resources |= {f"{VOLUMES}/backups": list(copies), f"{VOLUMES}/snapshots": []}
    return app


async def test_volumes_that_a_host_uses_vanish_under_it_with_the_copy() -> None:
    app = volume_group(backup(**ATTACHED), backup(id=SNAPSHOT))
    ids = {"volumeProtectionGroupId": VM, "backupId": BACKUP}
    for result in (
        await effect(app, "delete_volume_protection_group_backup", **ids),
        await effect(app, "update_volume_protection_group_backup", **ids, expiresAt="2026-11-24T08:49:00Z"),
    ):
        assert result.gravest == "ATTACHED: its volumes vanish under iqn.host1."


async def test_what_is_left_of_the_members_of_a_group_that_takes_its_copies_along_is_told() -> None:
    app = volume_group(backup(**ATTACHED))
    result = await effect(app, "delete_volume_protection_group", volumeProtectionGroupId=VM, cascadedelete=True)
    assert result.gravest == (
        'NOTHING is left of 2 assets: volume protection group "vpg-1" goes with its recovery points.'
    )
    text = "\n".join(result.lines())
    assert 'NOTHING is left of 2 assets: "vol-0", "vol-1".' in text
    assert "their volumes vanish under iqn.host1, and file systems in use on them break." in text


@pytest.mark.parametrize(("own", "gravest"), [(True, "LAST recovery points off site of 1 asset"), (False, "NOTHING")])
async def test_members_of_a_group_of_vms_keep_copies_of_their_own(own: bool, gravest: str) -> None:
    path = f"{OWN}/virtual-machine-protection-groups/{BACKUP}"
    member = {"id": VM, "name": "sql-prod-01", "resourceUri": f"{VIRTUALIZATION}/virtual-machines/{VM}"}
    app = tenant()
    app.resources |= {path: {"id": BACKUP, "name": "g", "assets": [member]}, f"{path}/snapshots": []}
    cloud = backup(id="c", backupType="CLOUD_BACKUP", protectionStoreInfo=CLOUD, verified=False)
    app.resources |= {f"{path}/backups": [cloud], BACKUPS: [backup(verified=False)] if own else []}
    result = await effect(app, "delete_vm_protection_group", vmProtectionGroupId=BACKUP, cascadedelete=True)
    assert result.gravest.startswith(gravest)


async def test_what_runs_is_told_of_jobs_restores_and_appliances_however_long_it_runs() -> None:
    app = unchanged()
    held = app.state.tenant
    running = (t for t in held.all("async-operations") if t["state"] == "RUNNING")
    task = next(t for t in running if "/virtual-machines/" in t["sourceResourceUri"])
    vm = task["sourceResourceUri"].rpartition("/")[2]
    job = next(j for j in held.all("protection-jobs") if j["assetInfo"]["id"] == vm)
    words = f'Under way on it now: "{task["displayName"]}", since '
    point = next(iter(held.copies("virtual-machines", vm, "backups").all(held.now(), held.lag)))
    for tool, inputs in (
        ("delete_protection_job", {"protectionJobId": job["id"]}),
        ("suspend_protection_job", {"protectionJobId": job["id"]}),
        ("restore_vm", {"vmId": vm, "backupId": point["id"], "restoreType": "PARENT"}),
    ):
        assert words in "\n".join((await describe(app, tool, inputs)).lines()), tool
    orchestrator, gateway = held.all("data-orchestrators")[0], held.all("protection-store-gateways")[0]
    for tool, inputs in (
        ("shutdown_data_orchestrator_guest_os", {"dataOrchestratorId": orchestrator["id"]}),
        ("shutdown_gateway_guest_os", {"protectionStoreGatewayId": gateway["id"]}),
    ):
        text = "\n".join((await describe(app, tool, inputs)).lines())
        assert 'Under way through it now, and broken off: at least 5 tasks ("Run database log' in text, tool


async def test_only_cloud_stores_move_and_not_to_where_they_are() -> None:
    app = unchanged()
    stores, box = app.state.tenant.all("protection-stores"), app.state.tenant.all("storeonces")[0]
    local = next(s for s in stores if s["protectionStoreType"] == "ON_PREMISES")
    cloud = next(s for s in stores if s["protectionStoreType"] == "CLOUD" and s["storageSystemInfo"]["id"] == box["id"])
    for store, why in ((local, "Only cloud stores can be reattached"), (cloud, "It is on that system already.")):
        inputs = {"protectionStoreId": store["id"], "storageSystemId": box["id"], "storageSystemType": "STOREONCE"}
        result = await describe(app, "reattach_protection_store", inputs)
        assert result.forbidden.startswith(why)
