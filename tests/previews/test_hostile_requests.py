"""Requests that hide what is grave: what a preview must name, and whether its first line is a whole sentence of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from greenlake_backup_mcp.previews.model import MOST_FIRST, Effect
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW
from tests.previews.test_cases import SHOWN, as_requested, policy_of_three_tiers
from tests.support.previewing import describe
from tests.support.write_samples import copies, place

ODD = "6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e90"


async def read(app: Any, tool: str, /, **inputs: Any) -> tuple[Effect, str]:
    """An effect, and its text; its first line is a sentence that is not cut."""
    effect = await describe(app, tool, inputs)
    lines = list(effect.lines())
    assert len(lines[0]) <= MOST_FIRST, lines[0]
    assert lines[0].endswith("."), lines[0]
    assert "…" not in lines[0].replace('…"', ""), lines[0]
    assert len(lines) == len(set(lines)), "nothing is said twice"
    return effect, "\n".join(lines)


def updated(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The tiers of a policy as a PATCH gives them back."""
    return copy.deepcopy(
        [
            {"id": tier["id"], "schedules": [{n: x[n] for n in SHOWN if n in x} for x in tier["schedules"]]}
            for tier in policy["protections"]
        ]
    )


# --- policies and jobs ------------------------------------------------------------------------------------------------


async def test_a_schedule_whose_source_goes_is_named_with_all_that_need_it(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = updated(policy)
    tiers[0]["schedules"] = []
    effect, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    none = "NO COPIES at all for 53 assets: schedules 2, 3 would have no source (the LOST schedule 1)."
    assert effect.gravest == none
    assert "Schedule 2 needs copies of schedule 1 as source, which there is not: " in text
    assert "no copies can be made by schedules 2, 3 then" in text
    whole = as_requested(policy)
    whole[1]["schedules"][0]["sourceProtectionScheduleId"] = 9
    _, text = await read(app, "create_protection_policy", name="n", applicationType="VMWARE", protections=whole)
    assert "copies of schedule 9 as source, which there is not" in text
    tiers[0] = updated(policy)[0]
    tiers[0]["schedules"][0]["schedule"]["repeatInterval"]["every"] = 0
    effect, _ = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert effect.forbidden.startswith("Schedule 1 would run every 0 h")
    whole = as_requested(policy)
    whole[0]["schedules"][0]["preScriptInfo"] = {"hostId": policy["id"], "path": "/opt/a"}
    effect, _ = await read(app, "create_protection_policy", name="n", applicationType="VMWARE", protections=whole)
    assert effect.forbidden == f"There is no application host with the id {policy['id']}."


@pytest.mark.parametrize(
    ("change", "first", "line"),
    [
        ({"lockFor": {"value": 99, "unit": "YEARS"}}, "LOCK for 53 assets: ", "The lock would outlast the expiry"),
        (
            {"expireAfter": {"value": 1, "unit": "HOURS"}},
            "SHORTER for 53 assets: ",
            "The lock would outlast the expiry",
        ),
    ],
)
async def test_a_lock_longer_than_what_it_locks_is_kept_says_so(app: Any, change: Any, first: str, line: str) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers = updated(policy)
    tiers[2]["schedules"][0] |= change
    effect, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    assert effect.gravest.startswith(first)
    assert line in text
    assert "locks too" in effect.reversibility


async def test_the_longest_of_several_locks_has_the_first_line(app: Any) -> None:
    tiers = as_requested(policy_of_three_tiers(app.state.tenant))
    tiers[2]["schedules"][0]["lockFor"] = {"value": 99, "unit": "YEARS"}
    effect, _ = await read(app, "create_protection_policy", name="n", applicationType="VMWARE", protections=tiers)
    assert effect.gravest.startswith("LOCK: ")
    assert "99 y" in effect.gravest


async def test_another_store_for_the_copies_of_a_policy_is_grave(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    tiers, other = as_requested(policy), app.state.tenant.all("protection-stores")[-1]
    tiers[1]["protectionStoreId"] = other["id"]
    inputs = {"name": policy["name"], "applicationType": policy["applicationType"], "protections": tiers}
    effect, _ = await read(app, "replace_protection_policy", protectionPolicyId=policy["id"], **inputs)
    assert effect.gravest.startswith("STORE for 53 assets: ")
    assert other["name"] in effect.gravest


async def test_a_program_stands_before_a_name_that_exists(app: Any) -> None:
    policy, host = policy_of_three_tiers(app.state.tenant), app.state.tenant.all("application-hosts")[0]
    tiers = as_requested(policy)
    tiers[1]["schedules"][0]["preScriptInfo"] = {"hostId": host["id"], "path": "/x" * 90}
    inputs = {"name": policy["name"], "applicationType": policy["applicationType"], "protections": tiers}
    effect, text = await read(app, "create_protection_policy", **inputs)
    assert effect.gravest.startswith(f'PROGRAM: it runs on "{host["name"]}"')
    assert "EXISTS" in text


async def test_an_update_that_changes_nothing_says_so(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    _, text = await read(app, "update_protection_policy", protectionPolicyId=policy["id"], name=policy["name"])
    assert "Nothing differs from what is there now." in text
    assert "EXISTS" not in text


async def test_an_override_of_a_lock_is_told_and_not_the_lock_it_replaces(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    vm = next(v for v in app.state.tenant.all("virtual-machines") if v["protectionStatus"] == "UNPROTECTED")
    tier = policy["protections"][2]
    schedule = {"scheduleId": tier["schedules"][0]["scheduleId"], "lockFor": {"value": 99, "unit": "YEARS"}}
    inputs = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": policy["id"]}
    overrides = {"protections": [{"id": tier["id"], "schedules": [schedule]}]}
    effect, text = await read(app, "create_protection_job", **inputs, overrides=overrides)
    assert "locked for: 7 d → 99 y" in effect.gravest
    assert "schedule 3: locked for: 7 d." not in text
    effect, text = await read(app, "create_protection_job", **inputs)
    assert "locked for: 7 d" in effect.gravest
    assert 'Protect the VM "' in text


async def test_a_vm_whose_datastore_is_protected_is_protected_already(app: Any) -> None:
    policy = policy_of_three_tiers(app.state.tenant)
    vm = next(
        v
        for v in app.state.tenant.all("virtual-machines")
        if (v.get("protectionPolicyAppliedAtInfo") or {}).get("type") == "DATASTORE"
    )
    asset = {"id": vm["id"], "type": vm["type"]}
    effect, _ = await read(app, "create_protection_job", assetInfo=asset, protectionPolicyId=policy["id"])
    assert effect.gravest.startswith("It is PROTECTED ALREADY on datastore ")


async def test_a_datastore_whose_vms_are_protected_asks_first(app: Any) -> None:
    policy, datastore = policy_of_three_tiers(app.state.tenant), app.state.tenant.all("datastores")[0]
    asset = {"id": datastore["id"], "type": datastore["type"]}
    effect, text = await read(app, "create_protection_job", assetInfo=asset, protectionPolicyId=policy["id"])
    assert effect.gravest.startswith("PROTECTED ALREADY: ")
    assert "In another group already, which nothing protects: " in text


async def test_suspending_a_source_names_the_schedules_that_run_dry(app: Any) -> None:
    job = next(j for j in app.state.tenant.all("protection-jobs") if len(j["protections"]) > 2)
    _, text = await read(app, "suspend_protection_job", protectionJobId=job["id"], scheduleIds=[1])
    assert "These go on, but need copies of schedule 1 as source, and get no new ones: schedule 2: " in text


# --- groups -----------------------------------------------------------------------------------------------------------


async def test_members_added_to_a_group_may_be_protected_already(app: Any) -> None:
    tenant = app.state.tenant
    group = next(g for g in tenant.all("virtual-machine-protection-groups") if g["vmProtectionGroupType"] == "CUSTOM")
    vm = next(v for v in tenant.all("virtual-machines") if v.get("protectionJobInfo"))
    other = next(g for g in tenant.all("virtual-machine-protection-groups") if g["id"] != group["id"])
    members = [{"id": m["id"]} for m in group["assets"]] + [{"id": vm["id"]}]
    inputs = {"vmProtectionGroupId": group["id"], "assets": members, "name": other["name"].upper()}
    effect, text = await read(app, "update_vm_protection_group", **inputs)
    assert f'PROTECTED ALREADY, by a job of their own or of a group: 1 of 1 member ("{vm["name"]}")' in text
    assert f'A VM protection group named "{other["name"].upper()}" EXISTS' in text
    assert effect.danger.gated


async def test_volumes_of_another_group_are_protected_already(app: Any) -> None:
    group = app.state.tenant.all("volume-protection-groups")[0]
    inputs = {"name": "g", "volumeProtectionGroupType": "CUSTOM", "assets": [{"id": group["assets"][0]["id"]}]}
    effect, _ = await read(app, "create_volume_protection_group", **inputs, storageSystemInfo={"id": ODD})
    assert effect.gravest == "PROTECTED ALREADY: 1 of 1 member."


async def test_a_member_of_a_group_that_nothing_protects_is_not_called_protected(app: Any) -> None:
    vm = next(
        v
        for v in app.state.tenant.all("virtual-machines")
        if v["protectionStatus"] == "UNPROTECTED" and v.get("vmProtectionGroupsInfo")
    )
    assets = [{"id": vm["id"], "type": vm["type"]}]
    inputs = {"name": "g", "vmProtectionGroupType": "CUSTOM", "assetsCategory": "VMFS_VMS", "assets": assets}
    effect, text = await read(app, "create_vm_protection_group", **inputs)
    assert "PROTECTED ALREADY" not in text
    assert f'In another group already, which nothing protects: "{vm["name"]}".' in text
    assert not effect.danger.gated


async def test_an_emptied_list_is_not_told_as_not_set_before(app: Any) -> None:
    group = app.state.tenant.all("virtual-machine-protection-groups")[0]
    _, text = await read(app, "update_vm_protection_group", vmProtectionGroupId=group["id"], assets=[])
    assert "not set" not in text
    assert text.count("- LOST: member ") == len(group["assets"])


async def test_the_head_of_an_odd_member_uri_is_in_the_text(app: Any) -> None:
    group = app.state.tenant.all("mssql-database-protection-groups")[0]
    members = [{"resourceUri": f"/elsewhere/v9/databases/{ODD}"}]
    inputs = {"mssqlDatabaseProtectionGroupId": group["id"], "members": members}
    _, text = await read(app, "update_mssql_database_protection_group", **inputs)
    assert f"member id /elsewhere/v9/databases/{ODD}: added" in text


async def test_what_a_cascade_takes_tells_of_its_locked_copies(app: Any) -> None:
    group = next(g for g in app.state.tenant.all("virtual-machine-protection-groups") if "Gold" in str(g))
    inputs = {"vmProtectionGroupId": group["id"], "cascadedelete": True}
    _, text = await read(app, "delete_vm_protection_group", **inputs)
    assert "LOCKED of them: " in text


# --- addresses and appliances -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["add", "change", "storeonce", "orchestrator", "host", "recover"])
async def test_an_address_that_another_appliance_has_stands_first(app: Any, kind: str) -> None:
    tenant = app.state.tenant
    gateways, boxes = tenant.all("protection-store-gateways"), tenant.all("storeonces")
    address = gateways[1]["network"]["nics"][0]["networkAddress"]
    manager, cluster, datastore = place(tenant)
    network = {"name": "VM Network", "networkType": "STATIC", "networkAddress": address}
    size = {"maxOnPremRetentionDays": 60, "maxOnPremDailyProtectedDataInTiB": 5.0}
    machine = {"clusterId": cluster["id"], "datastoreIds": [datastore["id"]], "network": network, **size}
    nic = {"networkAddress": address, "networkName": "VM Network", "networkType": "STATIC", "subnetMask": "255.0.0.0"}
    own = gateways[0]["network"]["nics"][0]["id"]
    mine = {"protectionStoreGatewayId": gateways[0]["id"]}
    name, inputs = {
        "add": ("create_protection_store_gateway_nic", {**mine, "nic": nic}),
        "change": ("update_protection_store_gateway_nic", {**mine, "nic": {"id": own, "networkAddress": address}}),
        "storeonce": ("update_storeonce", {"storeonceId": boxes[0]["id"], "networkAddress": address}),
        "orchestrator": (
            "update_data_orchestrator",
            {
                "dataOrchestratorId": tenant.all("data-orchestrators")[0]["id"],
                "network": {"nic": [{"name": "Network1", "networkAddress": address}]},
            },
        ),
        "host": (
            "update_application_host",
            {"applicationHostId": tenant.all("application-hosts")[0]["id"], "networkAddress": address},
        ),
        "recover": (
            "recover_protection_store_gateway",
            {
                **mine,
                "name": gateways[1]["name"],
                "hypervisorManagerId": manager["id"],
                "force": True,
                "vmConfig": machine,
            },
        ),
    }[kind]
    effect, text = await read(app, name, **inputs)
    assert f"ADDRESS IN USE: {address} is that of the protection store gateway " in text
    if kind == "recover":
        assert "EXISTS" in text
        assert "LOCKED copies in it" in text
    else:
        assert effect.gravest.startswith(f'ADDRESS IN USE: {address} is that of "{gateways[1]["name"]}"')


async def test_an_interface_that_a_list_leaves_out_is_lost(app: Any) -> None:
    orchestrator = app.state.tenant.all("data-orchestrators")[0]
    inputs = {"network": {"nic": [{"name": "eth0", "networkAddress": "192.0.2.1"}]}}
    effect, text = await read(app, "update_data_orchestrator", dataOrchestratorId=orchestrator["id"], **inputs)
    assert effect.gravest.startswith('LOST: network, nic, "Network1"')
    assert 'networkAddress "10.1.0.20"' in text


@pytest.mark.parametrize("name", ["delete_data_orchestrator", "delete_application_host", "shutdown_gateway_guest_os"])
async def test_force_alone_never_has_the_first_line(app: Any, name: str) -> None:
    tenant = app.state.tenant
    inputs = {
        "delete_data_orchestrator": {"dataOrchestratorId": tenant.all("data-orchestrators")[0]["id"]},
        "delete_application_host": {"applicationHostId": tenant.all("application-hosts")[0]["id"]},
        "shutdown_gateway_guest_os": {"protectionStoreGatewayId": tenant.all("protection-store-gateways")[0]["id"]},
    }[name]
    effect, text = await read(app, name, **inputs, force=True)
    assert "FORCE" not in effect.gravest
    assert "- FORCE: force: yes." in text


async def test_a_store_moves_to_a_system_that_is_disconnected_with_the_jobs_that_write_to_it(app: Any) -> None:
    tenant = app.state.tenant
    store = next(s for s in tenant.all("protection-stores") if s["protectionStoreType"] == "CLOUD")
    system = tenant.all("protection-store-gateways")[1]
    inputs = {"storageSystemId": system["id"], "storageSystemType": "PROTECTION_STORE_GATEWAY"}
    _, text = await read(app, "reattach_protection_store", protectionStoreId=store["id"], **inputs)
    assert f'"{system["name"]}" is DISCONNECTED' in text
    assert "Jobs that write to it: 68 (" in text


async def test_a_store_that_moves_and_a_gateway_that_shall_have_less_say_so_in_the_first_line(app: Any) -> None:
    tenant = app.state.tenant
    store = next(
        s for s in tenant.all("protection-stores") if s["protectionStoreType"] == "CLOUD" and s["state"] == "OFFLINE"
    )
    system = tenant.all("protection-store-gateways")[0]
    inputs = {"storageSystemId": system["id"], "storageSystemType": "PROTECTION_STORE_GATEWAY"}
    effect, _ = await read(app, "reattach_protection_store", protectionStoreId=store["id"], **inputs)
    assert effect.gravest.endswith(" changes its system: what runs through it breaks off; 34 jobs write to it.")
    effect, text = await read(
        app,
        "resize_protection_store_gateway",
        protectionStoreGatewayId=system["id"],
        maxOnPremDailyProtectedDataInTiB=5,
        maxInCloudRetentionDays=10,
    )
    assert effect.gravest.startswith("ASKS FOR LESS: ")
    assert effect.gravest.endswith("; the service is expected to refuse.")
    assert "→ 5" in text


async def test_assets_that_a_store_leaves_with_nothing_stand_first(app: Any) -> None:
    store = next(s for s in app.state.tenant.all("protection-stores") if s["state"] == "OFFLINE")
    effect, _ = await read(app, "delete_protection_store", protectionStoreId=store["id"], force=True)
    assert effect.gravest.startswith("NOTHING is left of at least 34 assets; ")


async def test_a_copy_into_a_store_that_cannot_be_reached_asks_first(app: Any) -> None:
    tenant = app.state.tenant
    store = next(s for s in tenant.all("protection-stores") if s["state"] == "OFFLINE")
    group = tenant.all("volume-protection-groups")[0]
    snapshot = next(copies(tenant, "volume-protection-groups", group["id"], "snapshots"))
    inputs = {"name": "x", "backupType": "BACKUP", "sourceCopyInfo": {"id": snapshot["id"], "type": "SNAPSHOT"}}
    effect, text = await read(
        app,
        "create_volume_protection_group_backup",
        volumeProtectionGroupId=group["id"],
        protectionStoreId=store["id"],
        **inputs,
    )
    assert effect.gravest == f'Store "{store["name"]}" CANNOT BE REACHED: nothing can be written to it now.'
    assert f'sourceCopyInfo: id: "{snapshot["name"]}" (id {snapshot["id"]})' in text
    assert effect.danger.gated


# --- restores ---------------------------------------------------------------------------------------------------------


async def test_another_database_that_is_overwritten_loses_all_it_holds(app: Any) -> None:
    one, other = app.state.tenant.all("mssql-databases")[:2]
    copy_id = next(copies(app.state.tenant, "mssql-databases", one["id"], "backups"))["id"]
    inputs = {"mssqlDatabaseId": one["id"], "backupId": copy_id, "restoreType": "ALTERNATE"}
    to = {"name": other["name"].upper(), "instanceId": other["instanceInfo"]["id"]}
    effect, text = await read(app, "restore_mssql_database", **inputs, targetDatabaseInfo=to)
    assert effect.gravest == f'OVERWRITES SQL database "{other["name"]}": ALL it holds is LOST.'
    assert "written since" not in text


async def test_a_restore_until_a_point_in_time_loses_what_was_written_since_that(app: Any) -> None:
    one = app.state.tenant.all("mssql-databases")[0]
    copy_id = next(copies(app.state.tenant, "mssql-databases", one["id"], "backups"))["id"]
    inputs = {"mssqlDatabaseId": one["id"], "backupId": copy_id, "restoreType": "PARENT"}
    effect, _ = await read(app, "restore_mssql_database", **inputs, restoreUntil="2026-11-24T05:00:00Z")
    assert "what was written since 2026-11-24 05:00 UTC is LOST" in effect.gravest
    _, text = await read(app, "restore_mssql_database", **inputs, restoreUntil="2026-11-01T05:00:00Z")
    assert "restoreUntil lies before the recovery point" in text


async def test_files_written_into_another_vm_name_that_vm_and_how_it_is(app: Any) -> None:
    tenant = app.state.tenant
    vm = next(
        v for v in tenant.all("virtual-machines") if next(copies(tenant, "virtual-machines", v["id"], "backups"), None)
    )
    other = tenant.all("virtual-machines")[40]
    target = {"virtualMachineId": other["id"], "credentialsInfo": {"username": "root", "password": "hunter2"}}
    effect, text = await read(
        app,
        "restore_vm_files",
        vmId=vm["id"],
        backupId=next(copies(tenant, "virtual-machines", vm["id"], "backups"))["id"],
        fileRestoreMethod="OVERWRITE",
        filePathInfo=[{"absoluteSourcePath": "/etc", "absoluteTargetPath": "/etc"}],
        targetInfo=target,
    )
    assert f'OVERWRITTEN below 1 path in the VM "{other["name"]}"' in effect.gravest
    assert f'VM "{other["name"]}" (id {other["id"]}) now: state ' in text


async def test_a_datastore_without_room_for_a_restored_vm_is_told(app: Any) -> None:
    tenant = create_app(now=lambda: NOW, seed=7)
    state = tenant.state.tenant
    vm = next(
        v for v in state.all("virtual-machines") if next(copies(state, "virtual-machines", v["id"], "backups"), None)
    )
    datastore = state.all("datastores")[0]
    state.write(("datastores", datastore["id"]), capacityFree=1024)
    inputs = {"vmId": vm["id"], "backupId": next(copies(state, "virtual-machines", vm["id"], "backups"))["id"]}
    place_of_it = {"name": "q", "appInfo": {"vmware": {"datastoreId": datastore["id"]}}}
    effect, _ = await read(tenant, "restore_vm", **inputs, restoreType="ALTERNATE", targetVmInfo=place_of_it)
    assert effect.gravest.startswith("NO ROOM: it takes ")
    assert datastore["name"] in effect.gravest


async def test_a_datastore_restored_over_itself_names_the_vms_on_it(app: Any) -> None:
    tenant = app.state.tenant
    datastore, point = next(
        (d, c) for d in tenant.all("datastores") for c in copies(tenant, "datastores", d["id"], "backups")
    )
    inputs = {"datastoreId": datastore["id"], "backupId": point["id"], "restoreType": "PARENT"}
    _, text = await read(app, "restore_datastore", **inputs)
    vms = [v for v in tenant.all("virtual-machines") if datastore["id"] in str(v["appInfo"])]
    assert f'its {datastore["vmCount"]} VMs ("{vms[0]["name"]}", ' in text


async def test_volumes_of_a_group_that_are_restored_are_counted_first(app: Any) -> None:
    tenant = app.state.tenant
    group = tenant.all("volume-protection-groups")[0]
    point = next(copies(tenant, "volume-protection-groups", group["id"], "backups"))
    inputs = {"volumeProtectionGroupId": group["id"], "vpgBackupId": point["id"], "restoreType": "PARENT"}
    effect, text = await read(app, "restore_volume_protection_group", **inputs, individualBackupIds=[ODD])
    assert effect.gravest.startswith(f"OVERWRITES 1 of {len(group['assets'])} volumes of volume protection group ")
    assert "EVERY" not in text


# --- recovery points --------------------------------------------------------------------------------------------------


async def test_a_copy_that_is_the_last_of_another_database_in_it_says_so(app: Any) -> None:
    tenant = create_app(now=lambda: NOW, seed=7)
    state = tenant.state.tenant
    one = state.all("mssql-databases")[0]
    point = next(copies(state, "mssql-databases", one["id"], "backups"))
    other = next(d for d in point["associatedDatabases"] if d["id"] != one["id"])
    for kind in ("backups", "snapshots"):
        for held in list(state.copies("mssql-databases", other["id"], kind).all(NOW, state.lag)):
            if held["pointInTime"] != point["pointInTime"]:
                state.write(("mssql-databases", other["id"], kind, held["id"]), state="ERROR")
    inputs = {"mssqlDatabaseId": one["id"], "backupId": point["id"]}
    effect, _ = await read(tenant, "delete_mssql_database_backup", **inputs)
    assert effect.gravest == f'It is the LAST usable recovery point of "{other["name"]}" too.'
    assert "the LAST recovery point of others" in effect.warnings


async def test_a_copy_of_a_group_counts_the_members_that_its_first_line_does_not_name(app: Any) -> None:
    tenant = app.state.tenant
    group, point = next(
        (g, c)
        for g in tenant.all("virtual-machine-protection-groups")
        for c in copies(tenant, "virtual-machine-protection-groups", g["id"], "backups")
    )
    inputs = {"vmProtectionGroupId": group["id"], "backupId": point["id"]}
    effect, _ = await read(app, "delete_vm_protection_group_backup", **inputs)
    part = "at most " if point.get("stateReason") else ""  # of some members the run failed
    assert effect.gravest.startswith(f"The data of a whole group goes, {part}{len(group['assets'])} members: ")
    assert effect.gravest.endswith(f" and {len(group['assets']) - 2} more.")
