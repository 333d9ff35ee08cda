"""What follows from writes to systems, jobs and groups of the simulated tenant, and how they can come out otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp.simulator.switches import Deviation, Switches
from greenlake_backup_mcp.simulator.tasks import Ending
from tests.support.simulated import BACKUP, DATA, TASKS, VIRTUAL, Simulated, simulated
from tests.support.twin_requests import NIC, named

JOBS = f"{BACKUP}/protection-jobs"
GATEWAYS = "protection-store-gateways"


async def children(tenant: Simulated, task: dict[str, Any]) -> list[dict[str, Any]]:
    """The child tasks of a task."""
    return list((await tenant.get(TASKS, filter=f"parent/id eq '{task['id']}'"))["items"])


async def test_a_right_password_heals_a_host_at_the_next_refresh_and_a_wrong_one_does_not() -> None:
    async with simulated() as tenant:
        path = named(tenant.tenant, "application-hosts", "sqlhost-04.example.com")["resourceUri"]
        since = (await tenant.get(path))["stateReason"]
        assert "since 2026-11-21" in since
        for password, healed in (("still wrong", False), ("Fresh-Autumn-26", True)):
            change = await tenant.patch(path, credentials={"username": "EXAMPLE\\svc-sql-4", "password": password})
            assert (await tenant.task(change))["state"] == "SUCCEEDED"
            assert (await tenant.get(path))["state"] == "ERROR"  # nobody has logged in yet
            task = await tenant.task(await tenant.client.post(f"{path}/refresh"))
            host = await tenant.get(path)
            assert (task["state"], host["state"]) == (("SUCCEEDED", "OK") if healed else ("FAILED", "ERROR"))
            assert host["stateReason"] == ("" if healed else since)
        well = named(tenant.tenant, "application-hosts", "sqlhost-01.example.com")["resourceUri"]
        await tenant.task(await tenant.patch(well, credentials={"username": "u", "password": "wrong"}))
        assert (await tenant.get(well))["state"] == "OK"
        await tenant.task(await tenant.client.post(f"{well}/refresh"))
        assert "is wrong, since 2026-" in (await tenant.get(well))["stateReason"]


async def test_a_refresh_has_a_child_for_each_part() -> None:
    async with simulated() as tenant:
        host = named(tenant.tenant, "application-hosts", "sqlhost-01.example.com")
        task = await tenant.task(await tenant.client.post(f"{host['resourceUri']}/refresh"))
        parts = [i for i in tenant.tenant.all("mssql-instances") if i["applicationHostInfo"]["id"] == host["id"]]
        assert len(await children(tenant, task)) == len(parts) > 0


async def test_a_gateway_that_goes_off_takes_its_stores_and_runs_along_until_it_is_on_again() -> None:
    async with simulated() as tenant:
        gateway = named(tenant.tenant, GATEWAYS, "psg-dc1-01")
        job = named(tenant.tenant, "protection-jobs", "archive-fs-01")
        await tenant.task(await tenant.client.post(f"{gateway['resourceUri']}/shutdown-guest-os"))
        stores = [s for s in tenant.tenant.all("protection-stores") if s["storageSystemInfo"]["id"] == gateway["id"]]
        assert {(s["connectedState"], s["state"]) for s in stores} == {("DISCONNECTED", "OFFLINE")}
        assert named(tenant.tenant, "virtual-machines", "psg-dc1-01")["powerState"] == "POWERED_OFF"
        task = await tenant.task(await tenant.client.post(f"{job['resourceUri']}/run", json={}))
        assert [c["state"] for c in await children(tenant, task)] == ["FAILED"]
        await tenant.task(await tenant.client.post(f"{gateway['resourceUri']}/power-on"))
        task = await tenant.task(await tenant.client.post(f"{job['resourceUri']}/run", json={}))
        assert [c["state"] for c in await children(tenant, task)] == ["SUCCEEDED"]


@pytest.mark.parametrize("owner", ["psg-dc2-01", "so-dc1-5260", "do-dc1-01"])
async def test_an_address_that_is_in_use_is_refused_late(owner: str) -> None:
    address = {"psg-dc2-01": "10.2.0.40", "so-dc1-5260": "10.1.0.60", "do-dc1-01": "10.1.0.20"}[owner]
    async with simulated() as tenant:
        path = named(tenant.tenant, GATEWAYS, "psg-dc1-01")["resourceUri"]
        body = {"nic": {**NIC, "networkAddress": address}}
        task = await tenant.task(await tenant.client.post(f"{path}/createNic", json=body))
        assert (task["state"], f"in use by {owner}" in task["error"]["error"]) == ("FAILED", True)
        assert len((await tenant.get(path))["network"]["nics"]) == 2


async def test_a_diagnosis_ends_with_what_it_found() -> None:
    async with simulated() as tenant:
        path = named(tenant.tenant, GATEWAYS, "psg-dc1-01")["resourceUri"]
        for verb, address, end in (
            ("ping", "10.1.0.2", ("SUCCEEDED", "10.1.0.2 answers.")),
            ("traceroute", "nowhere.invalid", ("FAILED", "nowhere.invalid cannot be reached.")),
        ):
            task = await tenant.task(await tenant.client.post(f"{path}/{verb}", json={"address": address}))
            assert (task["state"], task["logMessages"][-1]["message"]) == end


async def test_a_task_on_what_is_gone_meanwhile_fails() -> None:
    async with simulated() as tenant:
        path = named(tenant.tenant, GATEWAYS, "psg-dc1-01")["resourceUri"]
        change = await tenant.client.post(f"{path}/restart-guest-os")
        tenant.tenant.remove((GATEWAYS, path.rsplit("/", 1)[1]))
        assert (await tenant.task(change))["error"]["error"] == "psg-dc1-01 no longer exists."
        job = named(tenant.tenant, "protection-jobs", "archive-fs-01")
        run = await tenant.client.post(f"{job['resourceUri']}/run", json={})
        tenant.tenant.remove(("virtual-machines", job["assetInfo"]["id"]))
        parts = await children(tenant, await tenant.task(run))
        assert [(c["state"], c["error"]["error"]) for c in parts] == [
            ("FAILED", f"Asset '{job['assetInfo']['id']}' does not exist.")
        ]


async def test_a_new_job_sets_its_first_runs_going_and_its_overrides_beat_the_policy() -> None:
    async with simulated() as tenant:
        vm = named(tenant.tenant, "virtual-machines", "lab-build-07")
        gold = named(tenant.tenant, "protection-policies", "Gold-Protection-Policy")
        store = named(tenant.tenant, "protection-stores", "Local_so-dc1-5260_archive")
        schedule = {"scheduleId": 2, "expireAfter": {"value": 40, "unit": "DAYS"},
                    "namePattern": {"format": "Mine"}, "vmwareOptions": {"includeRdmDisks": True}}  # fmt: skip
        own = {"id": gold["protections"][1]["id"], "protectionStoreId": store["id"], "schedules": [schedule]}
        body = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": gold["id"],
                "overrides": {"protections": [own]}}  # fmt: skip
        task = await tenant.task(await tenant.client.post(JOBS, json=body))
        assert [c["state"] for c in await children(tenant, task)] == ["SUCCEEDED"] * 3
        assert any("/protection-jobs/" in a["resourceUri"] for a in task["associatedResources"])
        made = named(tenant.tenant, "protection-jobs", "lab-build-07")["resourceUri"]
        before = (await tenant.get(made))["protections"]
        assert (await tenant.patch(gold["resourceUri"], description="kept longer")).status_code == 200
        tiers = [{"type": p["type"], "schedules": p["schedules"],
                  **({"protectionStoreId": p["protectionStoreInfo"]["id"]} if "protectionStoreInfo" in p else {})}
                 for p in gold["protections"]]  # fmt: skip
        whole = {"name": gold["name"], "applicationType": "VMWARE", "protections": tiers}
        assert (await tenant.client.put(gold["resourceUri"], json=whole)).status_code == 200
        assert (await tenant.get(made))["protections"] == before
        copies = (await tenant.get(f"{BACKUP}/virtual-machines/{vm['id']}/backups"))["items"]
        local = next(c for c in copies if c["backupType"] == "BACKUP")
        assert (local["protectionStoreInfo"]["id"], local["expiresAt"][:7]) == (store["id"], "2027-01")
        other = {"id": named(tenant.tenant, "virtual-machines", "old-wiki-01")["id"], "type": vm["type"]}
        later = {**body, "assetInfo": other, "effectiveFromDateTime": "2027-02-01T00:00:00Z"}
        task = await tenant.task(await tenant.client.post(JOBS, json=later))
        assert await children(tenant, task) == []
        job = named(tenant.tenant, "protection-jobs", "old-wiki-01")
        assert {s["nextRunTime"] >= "2027-02-01" for p in job["protections"] for s in p["schedules"]} == {True}


async def test_a_run_of_a_tier_runs_its_source_first_and_one_child_can_fail_alone() -> None:
    failing = {"DataManagementJobRun": Deviation(children={"Run backup schedule": Ending("FAILED")})}
    for deviations, parent in ((failing, True), (failing, False)):
        async with simulated(switches=Switches(deviations=deviations, runs_are_children=parent)) as tenant:
            job = named(tenant.tenant, "protection-jobs", "sap-prod-01")
            task = await tenant.task(await tenant.client.post(f"{job['resourceUri']}/run", json={"scheduleIds": [2]}))
            vm = f"{VIRTUAL}/virtual-machines/{job['assetInfo']['id']}"
            about = await tenant.get(TASKS, filter=f"sourceResourceUri eq '{vm}'", limit=200)
            # schedules of their own run before and after: what this run set going came first since it began
            since = [t for t in about["items"] if t["createdAt"] >= task["createdAt"]]
            runs = {t["name"]: t for t in since if t["name"].endswith(" schedule")}
            backup, snapshot = runs["Run backup schedule"], runs["Run snapshot schedule"]
            assert (task["state"], backup["state"], snapshot["state"]) == ("SUCCEEDED", "FAILED", "SUCCEEDED")
            assert (backup["parent"] is not None) is parent


async def test_a_vm_under_its_own_job_and_its_groups_is_refused_or_shown_as_such() -> None:
    async with simulated() as tenant:
        group = named(tenant.tenant, "virtual-machine-protection-groups", "vmpg-crm-03")
        vm = named(tenant.tenant, "virtual-machines", group["assets"][0]["name"])
        policy = named(tenant.tenant, "protection-policies", "Bronze-Protection-Policy")
        body = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": policy["id"]}
        assert "through its group" in await tenant.refused("POST", JOBS, 400, json=body)
        own = named(tenant.tenant, "virtual-machines", "web-legacy-03")
        members = [{"id": m["id"], "type": m["type"]} for m in (*group["assets"], own)]
        refused = await tenant.patch(group["resourceUri"], assets=members)
        assert (refused.status_code, "its own job" in refused.text) == (400, True)
        tenant.tenant.switch(double_protection="shown")
        await tenant.task(await tenant.client.post(JOBS, json=body))
        vm = await tenant.get(vm["resourceUri"])
        assert vm["protectionJobInfo"]["protectionPolicyInfo"]["id"] == policy["id"]
        assert vm["vmProtectionGroupsInfo"][0]["id"] == group["id"]


async def test_a_run_by_hand_leaves_out_what_scheduled_ones_cannot_copy_and_warns_of_it() -> None:
    async with simulated() as tenant:
        snapshots = [(j, p["schedules"][0]["executionStatuses"]) for j in tenant.tenant.all("protection-jobs")
                     for p in j["protections"] if p["type"] == "SNAPSHOT"]  # fmt: skip
        job, run = next((j, r[0]) for j, r in snapshots if r and "assets failed" in r[0].get("errorMessage", ""))
        members = [m["id"] for m in job["associatedAssetsInfo"]]

        def newest() -> list[str]:
            pages = [tenant.tenant.copies("virtual-machines", m, "snapshots").page(0, 1, tenant.tenant.now(), 0)
                     for m in members]  # fmt: skip
            return [page[0]["id"] if page else "" for page in pages]

        before = newest()
        tenant.tenant.advance(60)
        answer = await tenant.client.post(f"{job['resourceUri']}/run", json={"scheduleIds": [1]})
        tenant.tenant.advance(120)
        entry = (await tenant.get(job["resourceUri"]))["protections"][0]["schedules"][0]["executionStatuses"][0]
        assert answer.status_code == 202
        assert (entry["status"], entry["errorMessage"]) == (run["status"], run["errorMessage"])
        same = sum(a == b for a, b in zip(before, newest(), strict=True))
        assert same == int(run["errorMessage"].split()[0])
        alone = named(tenant.tenant, "protection-jobs", "sap-prod-02")
        task = await tenant.task(await tenant.client.post(f"{alone['resourceUri']}/run", json={"scheduleIds": [1]}))
        (child,) = await children(tenant, task)
        assert (child["state"], "independent disks" in child["error"]["error"]) == ("FAILED", True)


async def test_a_job_on_a_datastore_protects_the_vms_that_nothing_else_does_until_it_is_gone() -> None:
    async with simulated() as tenant:
        free = named(tenant.tenant, "virtual-machines", "lab-build-07")
        held = tenant.tenant.read(("datastores", free["appInfo"]["vmware"]["datastoresInfo"][0]["id"])) or {}
        policy = named(tenant.tenant, "protection-policies", "Bronze-Protection-Policy")["id"]
        body = {"assetInfo": {"id": held["id"], "type": held["type"]}, "protectionPolicyId": policy}
        assert (await tenant.task(await tenant.client.post(JOBS, json=body)))["state"] == "SUCCEEDED"
        vm = named(tenant.tenant, "virtual-machines", "lab-build-07")
        applied = (vm["protectionStatus"], vm["protectionPolicyAppliedAtInfo"]["type"], vm["recoveryPointsExist"])
        assert applied == ("PROTECTED", "DATASTORE", True)
        job = named(tenant.tenant, "protection-jobs", held["name"])
        await tenant.task(await tenant.client.delete(job["resourceUri"]))
        vm = named(tenant.tenant, "virtual-machines", "lab-build-07")
        assert (vm["protectionStatus"], "protectionPolicyAppliedAtInfo" in vm) == ("LAPSED", False)


async def test_an_approval_of_what_has_expired_meanwhile_is_canceled() -> None:
    async with simulated() as tenant:
        path = f"{DATA}/dual-auth-operations"
        (waiting,) = (await tenant.get(path))["items"]
        assert waiting["state"] == "Pending"
        tenant.tenant.advance(15 * 86_400)
        (waiting,) = (await tenant.get(path))["items"]
        assert waiting["state"] == "Canceled"
        answer = await tenant.client.get(waiting["operationResource"]["resourceUri"])
        assert answer.status_code == 404


async def test_a_log_backup_makes_no_recovery_point_and_tells_until_when_the_logs_reach() -> None:
    async with simulated() as tenant:
        group = tenant.tenant.all("mssql-database-protection-groups")[0]
        path = f"{BACKUP}/mssql-databases/{group['members'][0]['id']}/backups"
        before = (await tenant.get(path))["total"]
        job = group["protectionJobInfo"]["resourceUri"]
        answer = await tenant.client.post(f"{job}/run", json={"scheduleIds": [4]})
        tenant.tenant.advance(600)
        assert (await tenant.get(answer.headers["location"]))["state"] == "SUCCEEDED"
        items = await tenant.get(path)
        text = [i["logBackupInfo"]["lastLogBackupTime"] for i in items["items"] if "logBackupInfo" in i]
        assert max(text) > "2026-11-24T08:00:00"
        assert items["total"] == before


async def test_an_attached_backup_cannot_be_deleted_until_it_is_detached() -> None:
    async with simulated() as tenant:
        group = next(g for g in tenant.tenant.all("volume-protection-groups") if "protectionJobInfo" in g)
        backups = (await tenant.get(f"{BACKUP}/volume-protection-groups/{group['id']}/backups"))["items"]
        path = next(b["resourceUri"] for b in backups if b["state"] == "OK")
        await tenant.task(await tenant.client.post(f"{path}/attach", json={"hostIqn": "iqn.2026-01.com.example:a"}))
        assert (await tenant.get(path))["mountState"] == "ATTACHED"
        assert (await tenant.task(await tenant.client.delete(path)))["state"] == "FAILED"
        await tenant.task(await tenant.client.post(f"{path}/detach", json={"hostIqn": "iqn.2026-01.com.example:a"}))
        assert (await tenant.get(path))["mountState"] == "UNATTACHED"
        assert (await tenant.task(await tenant.client.delete(path)))["state"] == "SUCCEEDED"


async def test_a_write_can_answer_200_with_an_error_or_207_with_parts() -> None:
    policy = {
        "DataManagementTemplateUpdate": Deviation(status=200, body={"errorCode": "INTERNAL_ERROR", "message": "x"})
    }
    async with simulated(switches=Switches(deviations=policy)) as tenant:
        path = named(tenant.tenant, "protection-policies", "Pilot-Immutable")["resourceUri"]
        answer = await tenant.patch(path, description="changed")
        assert (answer.status_code, answer.json()["errorCode"]) == (200, "INTERNAL_ERROR")
        assert (await tenant.get(path))["description"] == "changed"
