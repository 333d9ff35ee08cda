"""Restores of the simulated tenant: what comes back is what was asked for; what cannot be fails late with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp.simulator.switches import Deviation, Switches
from greenlake_backup_mcp.simulator.tasks import Ending
from tests.support.simulated import BACKUP, TASKS, VIRTUAL, Simulated, simulated
from tests.support.twin_requests import named, site

VMS = f"{VIRTUAL}/virtual-machines"


async def copy_of(tenant: Simulated, vm: str, kind: str = "backups") -> dict[str, Any]:
    """The newest recovery point of a VM that nothing is done with."""
    items = (await tenant.get(f"{await tenant.vm(vm)}/{kind}", limit=50))["items"]
    return dict(next(i for i in items if i["state"] == "OK"))


def target(tenant: Simulated, **more: Any) -> dict[str, Any]:
    """A place in the first vCenter."""
    there = site(tenant.tenant)
    return {"hypervisorManagerId": there["manager"]["id"], "clusterId": there["clusters"][1]["id"], "name": "back",
            "folderId": there["folders"][4]["id"], "powerOn": False,
            "appInfo": {"vmware": {"datastoreId": there["datastores"][0]["id"]}}, **more}  # fmt: skip


async def restore(tenant: Simulated, place: dict[str, Any], vm: str = "sap-prod-01") -> dict[str, Any]:
    """The task of a restore beside the original, ended."""
    body = {"restoreType": "ALTERNATE", "backupId": (await copy_of(tenant, vm))["id"], "targetVmInfo": place}
    return await tenant.task(await tenant.client.post(f"{await tenant.vm(vm)}/restore", json=body))


async def test_a_vm_comes_back_with_the_name_place_power_and_adapters_that_were_asked_for() -> None:
    async with simulated() as tenant:
        there = site(tenant.tenant)
        adapters = [{"name": "Network adapter 1",
                     "networkDetails": {"id": there["networks"][5]["id"], "connectAtPowerOn": False}}]  # fmt: skip
        before = await tenant.get(there["datastores"][0]["resourceUri"])
        task = await restore(tenant, target(tenant, vmHardwareCustomization={"networkAdapters": adapters}))
        assert task["state"] == "SUCCEEDED"
        old, new = (named(tenant.tenant, "virtual-machines", name) for name in ("sap-prod-01", "back"))
        assert new["resourceUri"] in [a["resourceUri"] for a in task["associatedResources"]]
        assert new["id"] != old["id"]
        assert new["clusterInfo"]["id"] == there["clusters"][1]["id"]
        assert new["appInfo"]["vmware"]["datastoresInfo"][0]["id"] == there["datastores"][0]["id"]
        assert all(there["datastores"][0]["name"] in d["filePath"] for d in new["virtualDisks"])
        assert not {d["id"] for d in new["virtualDisks"]} & {d["id"] for d in old["virtualDisks"]}
        assert (new["powerState"], new["folderInfo"]["id"]) == ("POWERED_OFF", there["folders"][4]["id"])
        (nic,) = new["networkAdapters"]
        assert nic["macAddress"] != old["networkAdapters"][0]["macAddress"]
        details = nic["networkDetails"]
        assert (details["id"], details["connectAtPowerOn"]) == (there["networks"][5]["id"], False)
        assert (new["protectionStatus"], "protectionJobInfo" in new) == ("UNPROTECTED", False)
        after = await tenant.get(there["datastores"][0]["resourceUri"])
        assert before["capacityFree"] - after["capacityFree"] == new["capacityInBytes"]
        assert after["vmCount"] == before["vmCount"] + 1


async def test_a_vm_that_is_powered_on_beside_its_original_has_the_same_address_and_says_so() -> None:
    async with simulated() as tenant:
        await restore(tenant, target(tenant, powerOn=True))
        old, new = (named(tenant.tenant, "virtual-machines", name) for name in ("sap-prod-01", "back"))
        assert (old["powerState"], new["powerState"]) == ("POWERED_ON", "POWERED_ON")
        assert (new["networkAddress"], new["status"]) == (old["networkAddress"], "WARNING")


@pytest.mark.parametrize(
    ("wish", "reason"),
    [("datastore", "does not belong to"), ("folder", "does not take virtual machines"), ("host", "does not answer"),
     ("pool", "is not of"), ("array", "is not on the storage system"), ("network", "is not in"),
     ("space", "Not enough")],
)  # fmt: skip
async def test_a_place_that_cannot_be_fails_late_and_leaves_nothing_behind(wish: str, reason: str) -> None:
    async with simulated() as tenant:
        field, away = site(tenant.tenant), site(tenant.tenant, 1)
        place, vmware = target(tenant), target(tenant)["appInfo"]["vmware"]
        if wish == "datastore":
            vmware["datastoreId"] = away["datastores"][0]["id"]
        elif wish == "folder":
            place["folderId"] = field["datastore_folders"][0]["id"]
        elif wish == "host":
            broken = next(h for h in away["hosts"] if h["state"] == "ERROR")
            place |= {"hypervisorManagerId": away["manager"]["id"], "hostId": broken["id"], "folderId": None}
            vmware["datastoreId"] = away["datastores"][0]["id"]
            del place["clusterId"], place["folderId"]
        elif wish == "pool":
            vmware["resourcePoolId"] = field["pools"][0]["id"]
        elif wish == "array":
            arrays = [a["id"] for a in tenant.tenant.all("storage-systems")]
            own = field["datastores"][0]["volumesInfo"][0]["storageSystemInfo"]["id"]
            place["storageInfo"] = {"storageSystemId": next(a for a in arrays if a != own)}
        elif wish == "network":
            nic = {"name": "Network adapter 1", "networkDetails": {"id": away["networks"][0]["id"]}}
            place["vmHardwareCustomization"] = {"networkAdapters": [nic]}
        else:
            tenant.tenant.write(("datastores", field["datastores"][0]["id"]), capacityFree=1)
        task = await restore(tenant, {**place, "appInfo": {"vmware": vmware}})
        assert task["state"] == "FAILED"
        assert reason in task["error"]["error"]
        assert (await tenant.get(VMS, filter="name eq 'back'"))["items"] == []
        assert (await copy_of(tenant, "sap-prod-01"))["state"] == "OK"


async def test_the_backup_after_a_restore_over_the_original_is_a_full_one() -> None:
    async with simulated() as tenant:
        vm = await tenant.vm("web-legacy-03")
        body = {"restoreType": "PARENT", "backupId": (await copy_of(tenant, "web-legacy-03"))["id"]}
        job = named(tenant.tenant, "protection-jobs", "web-legacy-03")
        await tenant.task(await tenant.client.post(f"{job['resourceUri']}/run", json={"scheduleIds": [2]}))
        usual = (await tenant.get(f"{vm}/backups"))["items"][0]
        await tenant.task(await tenant.client.post(f"{vm}/restore", json=body))
        await tenant.task(await tenant.client.post(f"{job['resourceUri']}/run", json={"scheduleIds": [2]}))
        newest = (await tenant.get(f"{vm}/backups"))["items"][0]
        assert (usual["fullBackup"], newest["fullBackup"]) == (False, True)
        assert tenant.tenant.restores[-1]["copyId"] == body["backupId"]


async def test_each_member_of_a_group_is_restored_by_a_task_of_its_own_that_can_fail_alone() -> None:
    async with simulated() as tenant:
        group = named(tenant.tenant, "virtual-machine-protection-groups", "vmpg-crm-03")
        unlucky = group["assets"][2]["name"]
        tenant.tenant.switch(deviations={"VmpgRestore": Deviation(children={unlucky: Ending("FAILED")})})
        there = site(tenant.tenant, 1 if "dc2" in group["hypervisorManagerInfo"]["name"] else 0)
        body = {"restoreType": "ALTERNATE", "restoreAllResources": True, "namePrefix": "dr-",
                "targetInfo": {"hypervisorManagerId": there["manager"]["id"], "clusterId": there["clusters"][0]["id"],
                               "powerOn": False}}  # fmt: skip
        task = await tenant.task(await tenant.client.post(f"{group['resourceUri']}/restore", json=body))
        children = (await tenant.get(TASKS, filter=f"parent/id eq '{task['id']}'"))["items"]
        assert (task["state"], task["healthStatus"], len(children)) == ("SUCCEEDED", "WARNING", len(group["assets"]))
        failed = [c for c in children if c["state"] == "FAILED"]
        assert [c["associatedResources"][0]["name"] for c in failed] == [unlucky]
        for member in group["assets"]:
            result = (await tenant.get(VMS, filter=f"name eq 'dr-{member['name']}'"))["items"]
            assert [v["powerState"] for v in result] == ([] if member["name"] == unlucky else ["POWERED_OFF"])
        tenant.tenant.switch(partial_failure="failed")
        again = await tenant.task(
            await tenant.client.post(f"{group['resourceUri']}/restore", json={**body, "namePrefix": "b-"})
        )
        assert (again["state"], again["error"]["error"]) == ("FAILED", f"1 of {len(children)} parts failed.")


async def test_a_database_comes_back_on_the_instance_that_was_asked_for_and_without_recovery_is_of_no_use() -> None:
    async with simulated() as tenant:
        held = named(tenant.tenant, "mssql-databases", "orders-db-1")
        other = next(i for i in tenant.tenant.all("mssql-instances")
                     if i["applicationHostInfo"]["id"] != held["applicationHostInfo"]["id"])  # fmt: skip
        path = f"{BACKUP}/mssql-databases/{held['id']}"
        backup = (await tenant.get(f"{path}/backups"))["items"][0]
        body = {"restoreType": "ALTERNATE", "backupId": backup["id"], "recoveryMode": "NO_RECOVERY",
                "targetDatabaseInfo": {"name": "orders-back", "instanceId": other["id"]}}  # fmt: skip
        assert (await tenant.task(await tenant.client.post(f"{path}/restore", json=body)))["state"] == "SUCCEEDED"
        made = named(tenant.tenant, "mssql-databases", "orders-back")
        assert made["applicationHostInfo"]["id"] == other["applicationHostInfo"]["id"]
        assert (made["state"], made["protectionStatus"]) == ("UNAVAILABLE", "UNPROTECTED")
        late = {**body, "restoreUntil": "2026-12-24T00:00:00Z", "targetDatabaseInfo": {"name": "x"}}
        task = await tenant.task(await tenant.client.post(f"{path}/restore", json=late))
        assert (task["state"], "log backups reach" in task["error"]["error"]) == ("FAILED", True)


async def test_disks_are_put_over_those_of_another_vm_or_added_to_it() -> None:
    async with simulated() as tenant:
        vms = [v for v in tenant.tenant.all("virtual-machines") if len(v["virtualDisks"]) > 1 and not v["vclsVm"]]
        source = next(v for v in vms if v["recoveryPointsExist"])
        other = next(v for v in vms if v["id"] != source["id"])
        backups = (await tenant.get(f"{BACKUP}/virtual-machines/{source['id']}/backups"))["items"]
        copy = next(b for b in backups if b["state"] == "OK")
        pair = {"recoveryPointDiskDetails": {"diskLabel": "Hard disk 2"}, "vmDiskDetails": {"diskLabel": "Hard disk 1"}}
        body = {"backupId": copy["id"], "restoreDiskDetails": [pair], "targetVmId": other["id"]}
        for restore_type in ("PARENT", "ALTERNATE"):
            answer = await tenant.client.post(
                f"{BACKUP}/virtual-machines/{source['id']}/restore-disks", json={**body, "restoreType": restore_type}
            )
            assert (await tenant.task(answer))["state"] == "SUCCEEDED"
        disks = (await tenant.get(other["resourceUri"]))["virtualDisks"]
        assert [d["name"] for d in disks] == ["Hard disk 1", "Hard disk 2", "Hard disk 3"]
        size = source["virtualDisks"][1]["capacityInBytes"]
        assert (disks[0]["capacityInBytes"], disks[2]["capacityInBytes"]) == (size, size)


async def test_a_datastore_comes_back_with_copies_of_the_vms_on_it() -> None:
    async with simulated() as tenant:
        held = next(d for d in tenant.tenant.all("datastores") if d["recoveryPointsExist"])
        on_it = [v for v in tenant.tenant.all("virtual-machines")
                 if v["appInfo"]["vmware"]["datastoresInfo"][0]["id"] == held["id"]]  # fmt: skip
        path = f"{BACKUP}/datastores/{held['id']}"
        copy = (await tenant.get(f"{path}/backups"))["items"][0]
        body = {"restoreType": "ALTERNATE", "backupId": copy["id"],
                "targetDatastoreInfo": {"name": "ds-back", "powerOnVmsAfterRestore": False}}  # fmt: skip
        await tenant.task(await tenant.client.post(f"{path}/restore", json=body))
        made = named(tenant.tenant, "datastores", "ds-back")
        copies = [v for v in tenant.tenant.all("virtual-machines")
                  if v["appInfo"]["vmware"]["datastoresInfo"][0]["id"] == made["id"]]  # fmt: skip
        assert made["vmCount"] == len(copies) > 0
        assert {v["powerState"] for v in copies} == {"POWERED_OFF"}
        assert len(copies) <= len(on_it)


@pytest.mark.parametrize("off", [True, False])
async def test_files_need_a_guest_that_runs_and_takes_the_password(off: bool) -> None:
    async with simulated() as tenant:
        vm = named(tenant.tenant, "virtual-machines", "web-legacy-03")
        if off:
            tenant.tenant.write(("virtual-machines", vm["id"]), powerState="POWERED_OFF")
        login = {"username": "root", "password": "right" if off else "wrong"}
        body = {"backupId": (await copy_of(tenant, "web-legacy-03"))["id"], "fileRestoreMethod": "SKIP",
                "filePathInfo": [{"absoluteSourcePath": "/a", "absoluteTargetPath": "/b"}],
                "targetInfo": {"credentialsInfo": login}}  # fmt: skip
        task = await tenant.task(
            await tenant.client.post(f"{await tenant.vm('web-legacy-03')}/restore-files", json=body)
        )
        reason = "is not powered on" if off else "refused the credentials"
        assert (task["state"], reason in task["error"]["error"]) == ("FAILED", True)


async def test_a_restore_that_is_to_come_out_otherwise_does() -> None:
    other = Deviation(request={"targetVmInfo": {"powerOn": True, "name": "something-else"}})
    half = Deviation(result={"virtual-machines": {"state": "RESTORE_FAILED", "networkAdapters": []}})
    empty = Deviation(ending=Ending("SUCCEEDED"))
    for deviation in (other, half, empty):
        async with simulated(switches=Switches(deviations={"VirtualMachineRestore": deviation})) as tenant:
            assert (await restore(tenant, target(tenant)))["state"] == "SUCCEEDED"
            made = {v["name"]: v for v in tenant.tenant.all("virtual-machines")}
            if deviation is other:
                assert made["something-else"]["powerState"] == "POWERED_ON"
            if deviation is half:
                assert (made["back"]["state"], made["back"]["networkAdapters"]) == ("RESTORE_FAILED", [])
            assert ("back" in made) == (deviation is half)
