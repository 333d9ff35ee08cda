"""No word of a preview is false: as many machines as there are, names as they would be, schedules as they are."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW
from tests.previews.test_cases import as_requested, policy_of_three_tiers
from tests.previews.test_hostile_requests import read, updated
from tests.support.write_samples import arguments, writes

YEARS = {"value": 9, "unit": "YEARS"}


def sample(app: Any, name: str) -> dict[str, Any]:
    inputs = arguments(app.state.tenant, next(t for t in writes() if t.name == name))
    assert inputs
    return inputs


# --- what is made beside what exists ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("other", "ALTERNATE", "A second machine with the same addresses and identity runs then."),
        ("", "ALTERNATE", "A second machine with the same name, addresses and identity runs then."),
        ("other", "PARENT", ""),
    ],
)
async def test_a_second_vm_that_is_powered_on_has_the_name_that_it_gets(
    app: Any, name: str, kind: str, line: str
) -> None:
    inputs = sample(app, "restore_vm")
    vm = app.state.tenant.read(("virtual-machines", inputs["vmId"]))
    place = {**inputs["targetVmInfo"], "name": name or vm["name"], "powerOn": True}
    _, text = await read(app, "restore_vm", **{**inputs, "restoreType": kind, "targetVmInfo": place})
    assert [one[2:] for one in text.splitlines() if "second machine" in one] == ([line] if line else [])


async def test_a_second_datastore_that_is_powered_on_brings_as_many_machines_as_it_holds(app: Any) -> None:
    inputs = sample(app, "restore_datastore")
    count = app.state.tenant.read(("datastores", inputs["datastoreId"]))["vmCount"]
    place = {**inputs["targetDatastoreInfo"], "powerOnVmsAfterRestore": True}
    _, text = await read(app, "restore_datastore", **{**inputs, "targetDatastoreInfo": place})
    assert f"With it are made a second time: its {count} VMs" in text
    assert "and powered on: each runs beside the one that exists, with the same name, addresses and identity." in text
    assert "second machine" not in text


async def test_a_second_group_that_is_powered_on_runs_beside_the_machines_that_exist(app: Any) -> None:
    inputs = sample(app, "restore_vm_protection_group")
    _, text = await read(app, "restore_vm_protection_group", **{**inputs, "powerOnVmsAfterRestore": True})
    assert "What is powered on runs beside the machine that exists, with the same addresses and identity." in text
    _, text = await read(app, "restore_vm_protection_group", **inputs)
    assert "beside the machine that exists" not in text


# --- jobs and their schedules -----------------------------------------------------------------------------------------


async def test_a_new_job_begins_as_many_runs_as_its_policy_has_schedules_and_when_it_is_asked_to(app: Any) -> None:
    inputs = sample(app, "create_protection_job")
    policy = app.state.tenant.read(("protection-policies", inputs["protectionPolicyId"]))
    count = sum(len(tier["schedules"]) for tier in policy["protections"])
    _, text = await read(app, "create_protection_job", **inputs)
    assert f"- The first runs of its {count} schedules begin at once." in text
    _, text = await read(app, "create_protection_job", **inputs, effectiveFromDateTime="2026-11-24T20:00:00Z")
    assert f"- The first runs of its {count} schedules begin on 2026-11-24 20:00 UTC" in text


async def test_schedules_that_a_job_does_not_have_are_not_suspended(app: Any) -> None:
    job = next(j for j in app.state.tenant.all("protection-jobs") if len(j["protections"]) > 2)
    asset = job["assetInfo"]["name"]
    effect, text = await read(app, "suspend_protection_job", protectionJobId=job["id"], scheduleIds=[1, 8, 9])
    assert effect.gravest == f'No runs any more for "{asset}": schedule 1, until resumed.'
    assert "The job has no schedules 8, 9." in text
    effect, _ = await read(app, "suspend_protection_job", protectionJobId=job["id"], scheduleIds=[9])
    assert effect.forbidden == "The job has no schedule 9."


async def test_only_what_runs_is_suspended_and_only_what_is_suspended_is_called_so(app: Any) -> None:
    tenant = create_app(now=lambda: NOW, seed=7)
    job = next(j for j in tenant.state.tenant.all("protection-jobs") if len(j["protections"]) > 2)
    tiers = [{**t, "schedules": [dict(x) for x in t["schedules"]]} for t in job["protections"]]
    tiers[0]["schedules"][0]["operational"] = "SUSPENDED"
    tenant.state.tenant.put(
        ("protection-jobs", job["id"]), {**job, "protections": tiers, "operational": "PARTIALLY_SUSPENDED"}
    )
    _, text = await read(tenant, "suspend_protection_job", protectionJobId=job["id"])
    assert "- No runs any more of: schedule 2: " in text
    assert "- Suspended already, so nothing changes for them: schedule 1: " in text
    _, text = await read(tenant, "run_protection_job", protectionJobId=job["id"])
    assert "- SUSPENDED: schedule 1; whether the service runs them all the same, no document says." in text
    _, text = await read(tenant, "run_protection_job", protectionJobId=job["id"], scheduleIds=[2])
    assert "SUSPENDED: " not in text


# --- policies ---------------------------------------------------------------------------------------------------------


async def test_a_policy_that_is_only_renamed_says_nothing_of_copies(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    effect, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], name="another")
    assert "Copies that exist" not in text
    assert effect.reversibility == "It can be changed back."


@pytest.mark.parametrize("what", ["tiers", "schedules"])
async def test_one_id_for_two_tiers_or_schedules_cannot_be_asked_for(app: Any, what: str) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = updated(policy)
    if what == "tiers":
        tiers[1]["id"] = tiers[2]["id"]
    else:
        tiers[1]["schedules"].append({**tiers[1]["schedules"][0], "lockFor": YEARS, "expireAfter": YEARS})
    effect, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert effect.forbidden.startswith(f"Two {what} have the id ")
    assert "(given 2 times)" in text or what == "tiers"
    assert "LOCK: " in text or what == "tiers"
    if what == "schedules":
        whole = as_requested(policy)
        whole[1]["schedules"].append(whole[1]["schedules"][0])
        made = {"name": "n", "applicationType": "VMWARE", "protections": whole}
        effect, _ = await read(app, "create_protection_policy", **made)
        assert effect.forbidden.startswith("Two schedules have the id ")


async def test_a_time_of_day_in_which_a_schedule_hardly_runs_makes_it_rarer(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = updated(policy)
    plan = tiers[0]["schedules"][0]["schedule"]
    plan["activeTime"] = {"activeFromTime": "06:00", "activeUntilTime": "08:00"}
    effect, _ = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert effect.gravest.startswith("RARER for 53 assets: ")
    plan |= {"activeTime": {"activeFromTime": "22:00", "activeUntilTime": "21:59"}}
    plan["repeatInterval"] = {**plan["repeatInterval"], "every": 1}
    effect, _ = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert "RARER" not in effect.gravest


async def test_a_retention_that_goes_is_grave_and_says_what_that_means(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = updated(policy)
    del tiers[1]["schedules"][0]["expireAfter"]
    effect, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert effect.gravest.startswith("RETENTION for 53 assets: ")
    assert "kept: 14 d → gone. For 53 assets. How long new copies are kept then is not documented" in text


async def test_a_lock_beyond_measure_is_a_lock(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = updated(policy)
    tiers[1]["schedules"][0]["lockFor"] = {"value": 10**18, "unit": "YEARS"}
    effect, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert effect.gravest.startswith("LOCK for 53 assets: ")
    assert f"→ {10**18} y" in text
    assert "WEAKER" not in text


@pytest.mark.parametrize("form", ["{} ", "{}\u200b", " {}"])
async def test_a_name_that_looks_like_one_that_exists_is_taken(app: Any, form: str) -> None:
    name = form.format(policy_of_three_tiers(app.state.tenant)["name"].lower())
    _, text = await read(app, "create_protection_policy", name=name, applicationType="VMWARE", protections=[])
    assert "EXISTS" in text
    inputs = sample(app, "restore_vm")
    taken = form.format(app.state.tenant.read(("virtual-machines", inputs["vmId"]))["name"])
    place = {**inputs["targetVmInfo"], "name": taken}
    effect, _ = await read(app, "restore_vm", **{**inputs, "targetVmInfo": place})
    assert "EXISTS" in effect.gravest


# --- groups, hosts, appliances ----------------------------------------------------------------------------------------


async def test_who_leaves_a_group_that_nothing_protects_loses_no_protection(app: Any) -> None:
    tenant = create_app(now=lambda: NOW, seed=7)
    group = tenant.state.tenant.all("virtual-machine-protection-groups")[0]
    inputs = {"vmProtectionGroupId": group["id"], "assets": [{"id": m["id"]} for m in group["assets"][1:]]}
    _, text = await read(tenant, "update_vm_protection_group", **inputs)
    assert "Whoever is dropped loses the group's protection." in text
    bare = {name: value for name, value in group.items() if name != "protectionJobInfo"}
    tenant.state.tenant.put(("virtual-machine-protection-groups", group["id"]), bare)
    _, text = await read(tenant, "update_vm_protection_group", **inputs)
    assert "loses the group's protection" not in text


async def test_a_native_group_that_is_only_renamed_is_expected_to_take_it(app: Any) -> None:
    groups = app.state.tenant.all("virtual-machine-protection-groups")
    inputs = {"vmProtectionGroupId": next(g["id"] for g in groups if g["vmProtectionGroupType"] == "NATIVE")}
    _, text = await read(app, "update_vm_protection_group", **inputs, name="another")
    assert "refuse a member list" not in text
    _, text = await read(app, "update_vm_protection_group", **inputs, assets=[])
    assert "refuse a member list" in text


async def test_what_depends_on_an_appliance_does_not_stand_before_what_changes_of_it(app: Any) -> None:
    box = app.state.tenant.all("storeonces")[0]
    effect, text = await read(app, "update_storeonce", storeonceId=box["id"], networkAddress="192.0.2.9")
    assert effect.gravest.startswith("ADDRESS: networkAddress: ")
    assert "Jobs that write to its stores: 145 (" in text


async def test_a_volume_that_a_host_reads_already_is_told_so(app: Any) -> None:
    inputs = sample(app, "attach_volume_protection_group_backup")
    path = ("volume-protection-groups", inputs["volumeProtectionGroupId"], "backups", inputs["backupId"])
    tenant = create_app(now=lambda: NOW, seed=7)
    _, text = await read(tenant, "attach_volume_protection_group_backup", **inputs)
    assert "It is attached to that host already." not in text
    tenant.state.tenant.write(path, mountedHostsIqn=[inputs["hostIqn"]])
    _, text = await read(tenant, "attach_volume_protection_group_backup", **inputs)
    assert "It is attached to that host already." in text


async def test_what_is_not_found_of_a_vcenter_is_named(app: Any) -> None:
    inputs = sample(app, "restore_vm")
    unknown = "6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e90"
    place = {**inputs["targetVmInfo"], "hypervisorManagerId": unknown, "folderId": unknown}
    _, text = await read(app, "restore_vm", **{**inputs, "targetVmInfo": place})
    assert "There is no list of folders of that vCenter." in text


async def test_a_sentence_that_has_the_first_line_is_not_said_again(app: Any) -> None:
    orchestrator = app.state.tenant.all("data-orchestrators")[0]
    inputs = {"dataOrchestratorId": orchestrator["id"], "remoteAccessEnabled": True}
    effect, text = await read(app, "set_data_orchestrator_remote_support", **inputs)
    assert text.count(effect.gravest) == 1


async def test_a_long_name_is_shortened_before_the_first_line_is_cut(app: Any) -> None:
    job = next(j for j in app.state.tenant.all("protection-jobs") if j["assetInfo"]["name"].startswith("invoice"))
    effect, _ = await read(app, "suspend_protection_job", protectionJobId=job["id"])
    assert effect.gravest.endswith('…": ALL its schedules, until resumed.')
