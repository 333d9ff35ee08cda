"""What writes do to the simulated tenant, when, and what it refuses early or late."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp.simulator import approvals
from greenlake_backup_mcp.simulator.switches import Switches
from tests.support.simulated import BACKUP, DATA, PATCH, TASKS, VIRTUAL, Simulated, simulated

VMS = f"{VIRTUAL}/virtual-machines"
JOBS = f"{BACKUP}/protection-jobs"
POLICIES = f"{BACKUP}/protection-policies"
STORES = f"{BACKUP}/protection-stores"
GATEWAYS = f"{BACKUP}/protection-store-gateways"
GROUPS = f"{BACKUP}/virtual-machine-protection-groups"
VOLUMES = f"{BACKUP}/volume-protection-groups"


async def named(tenant: Simulated, path: str, name: str) -> dict[str, Any]:
    """The item of a name."""
    items = (await tenant.get(path, limit=1000))["items"]
    return next(i for i in items if name in (i.get("name"), i.get("displayName"), i.get("assetInfo", {}).get("name")))


async def backup(tenant: Simulated, vm: str, *, locked: bool = False) -> str:
    """The path of an ordinary backup of a VM, locked or not."""
    items = (await tenant.get(await tenant.vm(vm) + "/backups", limit=1000))["items"]
    fitting = (i for i in items if i["state"] == "OK" and (i.get("lockedUntil", "") > "2026-11-25") == locked)
    return str(next(fitting)["resourceUri"])


# --- tasks ---------------------------------------------------------------------------------------------------------


async def test_a_task_begins_runs_and_ends_and_its_effect_comes_with_the_end() -> None:
    async with simulated(scale=1.0, switches=Switches(purge_seconds=0)) as tenant:
        path = await backup(tenant, "web-legacy-03")
        answer = await tenant.client.delete(path)
        assert (answer.status_code, answer.json()) == (202, {})
        where = answer.headers["location"]
        assert where.startswith(f"http://tenant.test{TASKS}/")
        first = await tenant.get(where)
        assert (first["state"], first["progressPercent"], first["endedAt"]) == ("INITIALIZED", 0, None)
        tenant.tenant.advance(15)
        running = await tenant.get(where)
        assert (running["state"], (await tenant.get(path))["state"]) == ("RUNNING", "DELETING")
        assert 0 < running["progressPercent"] < 100
        assert running["sourceResourceUri"] == path
        assert running["suggestedPollingIntervalSeconds"] == 30
        tenant.tenant.advance(100)
        done = await tenant.get(where)
        assert (done["state"], done["progressPercent"], done["error"]) == ("SUCCEEDED", 100, None)
        assert [m["message"] for m in done["logMessages"]] == ["Task created", "Task is running", "Task completed"]
        await tenant.refused("GET", path, 404)
        assert tenant.tenant.writes == {("DeleteVirtualMachineBackup", path): 1}


async def test_the_location_is_relative_by_switch() -> None:
    async with simulated(switches=Switches(location="relative")) as tenant:
        answer = await tenant.client.delete(await backup(tenant, "web-legacy-03"))
        assert answer.headers["location"].startswith(f"{TASKS}/")


async def test_new_tasks_stand_before_those_of_the_past() -> None:
    async with simulated() as tenant:
        before = (await tenant.get(TASKS, limit=1))["total"]
        where = (await tenant.client.delete(await backup(tenant, "web-legacy-03"))).headers["location"]
        page = await tenant.get(TASKS, limit=1)
        assert where.endswith(page["items"][0]["id"])
        assert page["total"] == before + 1


# --- recovery points -----------------------------------------------------------------------------------------------


async def test_a_copy_is_changed_when_its_task_ends_and_gets_a_new_generation() -> None:
    async with simulated() as tenant:
        path = await backup(tenant, "web-legacy-03")
        before = await tenant.get(path)
        task = await tenant.task(await tenant.patch(path, expiresAt="2027-01-01T00:00:00Z", description="keep"))
        after = await tenant.get(path)
        assert task["state"] == "SUCCEEDED"
        assert (after["expiresAt"], after["description"]) == ("2027-01-01T00:00:00.000000Z", "keep")
        assert after["generation"] > before["generation"]
        assert after["state"] == "OK"


async def test_a_copy_whose_expiry_is_moved_into_the_past_goes() -> None:
    async with simulated() as tenant:
        path = await backup(tenant, "web-legacy-03")
        task = await tenant.task(await tenant.patch(path, expiresAt="2026-11-01T00:00:00Z"))
        assert (task["state"], task["error"]) == ("SUCCEEDED", None)
        await tenant.refused("GET", path, 404)
    async with simulated(switches=Switches(past_expiry="refused")) as tenant:
        answer = await tenant.patch(await backup(tenant, "web-legacy-03"), expiresAt="2026-11-01T00:00:00Z")
        assert (answer.status_code, answer.json()["message"]) == (400, "expiresAt must not be in the past.")


async def test_a_patch_must_be_a_merge_patch_and_as_described() -> None:
    async with simulated() as tenant:
        path = await backup(tenant, "web-legacy-03")
        assert "merge-patch" in await tenant.refused("PATCH", path, 415, json={"name": "x"})
        for body in ('{"name": 5}', '{"colour": "red"}', '{"expiresAt": "tomorrow"}', "{", "[]", "{}", ""):
            await tenant.refused("PATCH", path, 400, content=body, headers=PATCH)
    async with simulated(switches=Switches(media_types="lenient", unknown_properties="ignored")) as tenant:
        path = await backup(tenant, "web-legacy-03")
        assert (await tenant.client.patch(path, json={"name": "x", "colour": "red"})).status_code == 202


async def test_a_lock_holds_late_by_default_and_at_once_by_switch() -> None:
    async with simulated() as tenant:
        path = await backup(tenant, "sap-prod-01", locked=True)
        task = await tenant.task(await tenant.client.delete(path))
        assert task["state"] == "FAILED"
        assert "locked until" in task["error"]["error"]
        assert (await tenant.get(path))["state"] == "OK"
    for status in ("409", "412"):
        async with simulated(switches=Switches(locked_delete=status)) as tenant:
            path = await backup(tenant, "sap-prod-01", locked=True)
            assert "locked until" in await tenant.refused("DELETE", path, int(status))


async def test_a_lock_is_not_shortened_and_an_expiry_not_moved_before_it() -> None:
    async with simulated() as tenant:
        path = await backup(tenant, "sap-prod-01", locked=True)
        lock = (await tenant.get(path))["lockedUntil"]
        shorter = await tenant.patch(path, lockedUntil="2026-11-24T09:00:00Z")
        assert (shorter.status_code, "cannot be shortened" in shorter.text) == (400, True)
        before = await tenant.patch(path, expiresAt="2026-11-24T09:00:00Z")
        assert (before.status_code, lock in before.text) == (400, True)
        await tenant.task(
            await tenant.patch(path, lockedUntil="2027-06-01T00:00:00Z", expiresAt="2027-07-01T00:00:00Z")
        )
        assert (await tenant.get(path))["lockedUntil"] == "2027-06-01T00:00:00.000000Z"
    async with simulated(switches=Switches(shorter_lock="accepted")) as tenant:
        path = await backup(tenant, "sap-prod-01", locked=True)
        assert (await tenant.patch(path, lockedUntil="2026-11-24T09:00:00Z")).status_code == 202


async def test_a_generation_that_is_not_the_present_one_is_refused() -> None:
    async with simulated() as tenant:
        path = await backup(tenant, "web-legacy-03")
        message = await tenant.refused("DELETE", path, 412, headers={"If-Match": '"999"'})
        assert message == "Precondition failed: the generation number is invalid."
        now = str((await tenant.get(path))["generation"])
        assert (await tenant.client.delete(path, headers={"If-Match": now})).status_code == 202


async def test_a_delete_of_a_sql_backup_takes_those_of_its_set_along() -> None:
    async with simulated() as tenant:
        group = (await tenant.get(f"{BACKUP}/mssql-database-protection-groups"))["items"][0]
        one, other = (f"{BACKUP}/mssql-databases/{m['id']}/backups" for m in group["members"][:2])
        before = (await tenant.get(other))["total"]
        await tenant.task(await tenant.client.delete((await tenant.get(one))["items"][0]["resourceUri"]))
        assert (await tenant.get(other))["total"] < before


# --- a second person -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("approved", [True, False])
async def test_a_delete_waits_for_the_second_person(approved: bool) -> None:
    async with simulated(switches=Switches(dual_authorization=True)) as tenant:
        path = await backup(tenant, "web-legacy-03")
        await tenant.task(await tenant.client.delete(path))
        assert (await tenant.get(path))["state"] == "PENDING_DELETE_APPROVAL"
        waiting = await tenant.get(f"{DATA}/dual-auth-operations", filter="state eq 'Pending'")
        result = next(w for w in waiting["items"] if w["operationResource"]["resourceUri"] == path)
        await tenant.refused("DELETE", path, 412)
        (approvals.approve if approved else approvals.cancel)(tenant.tenant, result["id"])
        tenant.tenant.advance(3600)
        decided = await tenant.get(result["resourceUri"])
        assert decided["state"] == ("Approved" if approved else "Canceled")
        assert decided["checkedByEmail"] != decided["requestedByEmail"]
        if approved:
            await tenant.refused("GET", path, 404)
        else:
            assert (await tenant.get(path))["state"] == "OK"


# --- jobs ----------------------------------------------------------------------------------------------------------


async def test_a_run_ends_when_it_is_triggered_and_the_recovery_point_comes_later() -> None:
    async with simulated(scale=1.0, switches=Switches(purge_seconds=0)) as tenant:
        vm = await tenant.vm("sap-prod-01")
        job = await named(tenant, JOBS, "sap-prod-01")
        before = (await tenant.get(vm + "/snapshots"))["total"]
        answer = await tenant.client.post(f"{JOBS}/{job['id']}/run", json={"scheduleIds": [1]})
        tenant.tenant.advance(20)
        trigger = await tenant.get(answer.headers["location"])
        assert (trigger["state"], trigger["hasChildOperations"]) == ("SUCCEEDED", True)
        assert (await tenant.get(vm + "/snapshots"))["total"] == before
        children = (await tenant.get(TASKS, filter=f"parent/id eq '{trigger['id']}'"))["items"]
        assert [c["name"] for c in children] == ["Run snapshot schedule"]
        tenant.tenant.advance(120)
        page = await tenant.get(vm + "/snapshots")
        assert page["total"] == before + 1
        after = await tenant.get(job["resourceUri"])
        run = after["protections"][0]["schedules"][0]["executionStatuses"][0]
        assert (run["status"], run["taskUri"]) == ("OK", children[0]["resourceUri"])
        assert page["items"][0]["scheduleInfo"]["scheduleId"] == 1


async def test_a_run_that_fails_says_why_in_its_child_and_in_the_job() -> None:
    async with simulated() as tenant:
        for name, reason in (("sap-prod-02", "independent disks"), ("db-prod-01", "Gateway is not connected")):
            items = (await tenant.get(JOBS, filter=f"assetInfo/name eq '{name}'"))["items"]
            job = next(
                j for j in items if j["protectionPolicyInfo"]["name"] != "Gold-Protection-Policy" or name[0] == "s"
            )
            trigger = await tenant.task(
                await tenant.client.post(f"{job['resourceUri']}/run", json={"scheduleIds": [1]})
            )
            child = (await tenant.get(TASKS, filter=f"parent/id eq '{trigger['id']}'"))["items"][0]
            assert (trigger["state"], child["state"]) == ("SUCCEEDED", "FAILED")
            assert reason in child["error"]["error"]
            statuses = (await tenant.get(job["resourceUri"]))["protections"][0]["schedules"][0]["executionStatuses"]
            assert reason in statuses[0]["errorMessage"]


async def test_jobs_are_suspended_in_part_in_whole_and_resumed() -> None:
    async with simulated() as tenant:
        job = await named(tenant, JOBS, "sap-prod-01")
        path = f"{JOBS}/{job['id']}"
        for action, body, expected in (
            ("suspend", {"scheduleIds": [2]}, "PARTIALLY_SUSPENDED"),
            ("suspend", {}, "SUSPENDED"),
            ("resume", {}, "ACTIVE"),
        ):
            await tenant.task(await tenant.client.post(f"{path}/{action}", json=body))
            assert (await tenant.get(path))["operational"] == expected
            vm = await named(tenant, VMS, "sap-prod-01")
            # "one or more of the schedules are paused", as the description words it
            assert vm["protectionStatus"] == ("PROTECTED" if expected == "ACTIVE" else "PAUSED")
        assert "no schedule 9" in await tenant.refused("POST", f"{path}/suspend", 400, json={"scheduleIds": [9]})


async def test_a_new_job_protects_at_once_and_a_deleted_one_leaves_the_copies() -> None:
    async with simulated() as tenant:
        vm = await named(tenant, VMS, "lab-build-07")
        policy = await named(tenant, POLICIES, "Bronze-Protection-Policy")
        body = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": policy["id"]}
        await tenant.task(await tenant.client.post(JOBS, json=body))
        assert "already protected" in await tenant.refused("POST", JOBS, 400, json=body)
        vm = await tenant.get(vm["resourceUri"])
        assert (vm["protectionStatus"], vm["recoveryPointsExist"]) == ("PROTECTED", True)
        job, made = vm["protectionJobInfo"], (await tenant.get(await tenant.vm("lab-build-07") + "/backups"))["total"]
        assert made == 2  # the first run, at once, and that of the evening
        await tenant.task(await tenant.client.delete(job["resourceUri"]))
        await tenant.refused("GET", job["resourceUri"], 404)
        vm = await tenant.get(vm["resourceUri"])
        assert (vm["protectionStatus"], "protectionJobInfo" in vm) == ("LAPSED", False)
        assert (await tenant.get(await tenant.vm("lab-build-07") + "/backups"))["total"] == made
        wrong = await named(tenant, POLICIES, "SQL-Tier1")
        assert "cannot protect" in await tenant.refused(
            "POST", JOBS, 400, json={**body, "protectionPolicyId": wrong["id"]}
        )


# --- policies ------------------------------------------------------------------------------------------------------


async def test_policies_are_made_changed_replaced_and_deleted_at_once() -> None:
    async with simulated() as tenant:
        gold = await named(tenant, POLICIES, "Gold-Protection-Policy")
        schedule = {"scheduleId": 1, "schedule": {"recurrence": "DAILY", "repeatInterval": {"every": 1}}}
        body: dict[str, Any] = {
            "name": "New",
            "applicationType": "VMWARE",
            "protections": [{"type": "SNAPSHOT", "schedules": [schedule]}],
        }
        made = await tenant.client.post(POLICIES, json=body)
        assert (made.status_code, made.json()["assigned"]) == (200, False)
        path = made.json()["resourceUri"]
        assert "not unique" in await tenant.refused("POST", POLICIES, 400, json=body)
        changed = await tenant.patch(path, description="changed")
        assert (changed.json()["description"], changed.json()["generation"]) == ("changed", 2)
        replaced = await tenant.client.put(path, json={**body, "name": "Newer"})
        assert (replaced.json()["name"], replaced.json()["description"]) == ("Newer", "")
        assert (await tenant.client.delete(path)).status_code == 204
        assert "assigned to" in await tenant.refused("DELETE", gold["resourceUri"], 400)
        short = {**schedule, "expireAfter": {"value": 1, "unit": "DAYS"}, "lockFor": {"value": 2, "unit": "DAYS"}}
        worse = {**body, "protections": [{"type": "SNAPSHOT", "schedules": [short]}]}
        assert "less than lockFor" in await tenant.refused("POST", POLICIES, 400, json=worse)


async def test_a_changed_policy_changes_its_jobs_and_not_the_copies_that_exist() -> None:
    async with simulated() as tenant:
        gold = await named(tenant, POLICIES, "Gold-Protection-Policy")
        first = gold["protections"][0]
        schedules = [{k: v for k, v in s.items() if k in ("scheduleId", "schedule")} for s in first["schedules"]]
        schedules[0]["expireAfter"] = {"value": 1, "unit": "HOURS"}
        answer = await tenant.patch(gold["resourceUri"], protections=[{"id": first["id"], "schedules": schedules}])
        assert len(answer.json()["protections"]) == 1  # a list in a merge patch is the whole list
        job = await named(tenant, JOBS, "sap-prod-01")
        assert len(job["protections"]) == 1
        vm = await tenant.vm("sap-prod-01")
        assert (await tenant.get(vm + "/snapshots"))["total"] > 40
        assert (await tenant.get(vm + "/backups"))["total"] > 40


# --- groups, restores, stores, gateways ----------------------------------------------------------------------------


async def test_a_member_list_is_absolute() -> None:
    async with simulated() as tenant:
        group = await named(tenant, GROUPS, "vmpg-erp-01")
        remaining, lost = group["assets"][0], group["assets"][1]
        await tenant.task(
            await tenant.patch(group["resourceUri"], assets=[{"id": remaining["id"], "type": remaining["type"]}])
        )
        assert [a["id"] for a in (await tenant.get(group["resourceUri"]))["assets"]] == [remaining["id"]]
        gone = await tenant.get(lost["resourceUri"])
        assert (gone["vmProtectionGroupsInfo"], gone["protectionStatus"]) == ([], "LAPSED")


async def test_a_volume_is_told_the_same_by_every_group_it_is_in() -> None:
    async with simulated() as tenant:
        group = await named(tenant, VOLUMES, "vpg-oracle-01")
        new = "abcdef01-2345-4678-89ab-cdef01234567"
        ids = [*(a["id"] for a in group["assets"]), new]
        await tenant.task(await tenant.patch(group["resourceUri"], assets=[{"id": one} for one in ids]))
        members = (await tenant.get(group["resourceUri"]))["assets"]
        assert members[:-1] == group["assets"]
        assert (members[-1]["id"], members[-1]["protectionStatus"]) == (new, "PROTECTED")
        body = {"name": "second", "volumeProtectionGroupType": "CUSTOM", "assets": [{"id": one} for one in ids[3:]]}
        await tenant.task(await tenant.client.post(VOLUMES, json=body))
        assert (await named(tenant, VOLUMES, "second"))["assets"] == members[3:]


async def test_groups_are_made_and_deleted_with_their_jobs_only_when_asked() -> None:
    async with simulated() as tenant:
        vm = await named(tenant, VMS, "lab-build-07")
        body = {"name": "mine", "assetsCategory": "VMFS_VMS", "vmProtectionGroupType": "CUSTOM",
                "assets": [{"id": vm["id"], "type": vm["type"]}]}  # fmt: skip
        await tenant.task(await tenant.client.post(GROUPS, json=body))
        mine = await named(tenant, GROUPS, "mine")
        assert (await tenant.get(vm["resourceUri"]))["vmProtectionGroupsInfo"][0]["id"] == mine["id"]
        await tenant.task(await tenant.client.delete(mine["resourceUri"]))
        group = await named(tenant, GROUPS, "vmpg-erp-01")
        assert "protected by a job" in await tenant.refused("DELETE", group["resourceUri"], 400)
        await tenant.task(await tenant.client.delete(group["resourceUri"], params={"cascadedelete": "true"}))
        await tenant.refused("GET", group["resourceUri"], 404)
        await tenant.refused("GET", group["protectionJobInfo"]["resourceUri"], 404)


async def test_a_restore_over_the_original_keeps_it_busy_and_one_beside_it_makes_a_new_one() -> None:
    async with simulated(scale=1.0, switches=Switches(purge_seconds=0)) as tenant:
        vm = await tenant.vm("web-legacy-03")
        copy = (await tenant.get(await backup(tenant, "web-legacy-03")))["id"]
        over = await tenant.client.post(f"{vm}/restore", json={"restoreType": "PARENT", "backupId": copy})
        tenant.tenant.advance(60)
        resource = vm.replace(BACKUP, VIRTUAL)
        assert (await tenant.get(resource))["state"] == "RESTORING"
        assert (await tenant.get(f"{vm}/backups/{copy}"))["state"] == "IN_USE_FOR_RESTORE"
        again = {"restoreType": "PARENT", "backupId": copy}
        assert "already being restored" in await tenant.refused("POST", f"{vm}/restore", 409, json=again)
        assert (await tenant.task(over))["state"] == "SUCCEEDED"
        assert ((await tenant.get(resource))["state"], (await tenant.get(f"{vm}/backups/{copy}"))["state"]) == (
            "OK",
            "OK",
        )
        host = (await tenant.get(f"{VIRTUAL}/hypervisor-hosts"))["items"][0]
        target = {"hypervisorManagerId": host["hypervisorManagerInfo"]["id"], "hostId": host["id"], "name": "web-copy"}
        beside = {"restoreType": "ALTERNATE", "backupId": copy, "targetVmInfo": target}
        await tenant.task(await tenant.client.post(f"{vm}/restore", json=beside))
        assert (await named(tenant, VMS, "web-copy"))["protectionStatus"] == "UNPROTECTED"
        for wrong in ({}, {"backupId": copy, "snapshotId": copy}, {"backupId": "nobody"}):
            await tenant.refused("POST", f"{vm}/restore", 400, json={"restoreType": "PARENT", **wrong})


async def test_a_store_with_data_needs_force_and_takes_its_copies_along() -> None:
    async with simulated() as tenant:
        store = await named(tenant, STORES, "Local_so-dc1-5260_archive")
        path = store["resourceUri"]
        assert "destination of one or more policies" in await tenant.refused("DELETE", path, 400)
        vm = await tenant.vm("finance-fs-01")
        before = (await tenant.get(vm + "/backups", limit=1000))["items"]
        await tenant.task(await tenant.client.delete(path, params={"force": "true"}))
        await tenant.refused("GET", path, 404)
        after = (await tenant.get(vm + "/backups", limit=1000))["items"]
        assert store["id"] in {b["protectionStoreInfo"]["id"] for b in before}
        assert store["id"] not in {b["protectionStoreInfo"]["id"] for b in after}
        assert after


async def test_a_store_is_made_named_and_while_full_deleted_only_by_force() -> None:
    async with simulated() as tenant:
        gateway = await named(tenant, GATEWAYS, "psg-dc1-01")
        body = {"displayName": "mine", "protectionStoreType": "ON_PREMISES", "storageSystemId": gateway["id"],
                "storageSystemType": "PROTECTION_STORE_GATEWAY"}  # fmt: skip
        await tenant.task(await tenant.client.post(STORES, json=body))
        mine = await named(tenant, STORES, "mine")
        assert (await tenant.patch(mine["resourceUri"], displayName="ours")).json()["displayName"] == "ours"
        assert (await tenant.task(await tenant.client.delete(mine["resourceUri"])))["state"] == "SUCCEEDED"
        lost = await named(tenant, GATEWAYS, "psg-dc2-01")
        assert "not connected" in await tenant.refused(
            "POST", STORES, 400, json={**body, "storageSystemId": lost["id"]}
        )
        assert "needs storageLocationId" in await tenant.refused(
            "POST", STORES, 400, json={**body, "protectionStoreType": "CLOUD"}
        )


async def test_a_gateway_is_switched_off_and_on_and_refuses_what_its_state_forbids() -> None:
    async with simulated() as tenant:
        path = (await named(tenant, GATEWAYS, "psg-dc1-01"))["resourceUri"]
        assert "is not off" in await tenant.refused("POST", f"{path}/power-on", 400)
        await tenant.task(await tenant.client.post(f"{path}/shutdown-guest-os"))
        assert (await tenant.get(path))["state"] == "PSG_STATE_OK_OFF"
        await tenant.task(await tenant.client.post(f"{path}/power-on"))
        assert (await tenant.get(path))["state"] == "PSG_STATE_OK"
        nics = (await tenant.get(path))["network"]["nics"]
        first = {"nic": {"id": nics[0]["id"]}}
        assert "primary management" in await tenant.refused("POST", f"{path}/deleteNic", 400, json=first)
        await tenant.task(await tenant.client.post(f"{path}/deleteNic", json={"nic": {"id": nics[1]["id"]}}))
        assert len((await tenant.get(path))["network"]["nics"]) == 1
        smaller = {"override": {"storageInTiB": 1}}
        assert "larger than or equal" in await tenant.refused("POST", f"{path}/resize", 400, json=smaller)
        size = await tenant.client.post(f"{path}/sizer", json={"maxOnPremRetentionDays": 9999})
        assert (size.status_code, len(size.json()["invalidReasons"])) == (409, 1)
        assert "stores are on the gateway" in await tenant.refused("DELETE", path, 400)


async def test_an_orchestrator_is_created_with_its_own_location_and_shut_down_for_good() -> None:
    async with simulated() as tenant:
        body = {"activationCode": "00000000-0000-4000-8000-000000000000", "displayName": "do-new"}
        made = await tenant.client.post(f"{BACKUP}/data-orchestrators", json=body)
        assert (made.status_code, made.headers["location"].endswith(made.json()["id"])) == (201, True)
        one = (await tenant.get(f"{BACKUP}/data-orchestrators"))["items"][0]
        await tenant.task(await tenant.client.post(f"{one['resourceUri']}/shutdown-guest-os", json={}))
        assert (await tenant.get(one["resourceUri"]))["connectionState"] == "DISCONNECTED"
        assert "associated" in await tenant.refused("DELETE", one["resourceUri"], 400)
        assert (await tenant.client.delete(one["resourceUri"], params={"force": "true"})).status_code == 204


async def test_no_password_that_was_given_is_ever_read_back() -> None:
    async with simulated() as tenant:
        secret = "marked-secret-4711"
        host = (await tenant.get(f"{BACKUP}/application-hosts"))["items"][0]["resourceUri"]
        proxy = {"networkAddress": "proxy", "credentials": {"username": "u", "password": secret}}
        gateway = (await named(tenant, GATEWAYS, "psg-dc1-01"))["resourceUri"]
        await tenant.task(await tenant.patch(host, credentials={"username": "u", "password": secret}))
        await tenant.task(await tenant.patch(gateway, proxy=proxy))
        wrong = await tenant.patch(host, credentials={"username": "u", "password": {"value": secret}})
        seen = [await tenant.get(host), await tenant.get(gateway), await tenant.get(TASKS, limit=5), wrong.text]
        assert secret not in str(seen)
