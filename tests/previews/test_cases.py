"""What was once missing from previews: requests of the simulated tenant, and the words that a person must find."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from mcp import Client

from greenlake_backup_mcp.server import app
from tests.conftest import NOW, ticking
from tests.support.results import CODE, text_of
from tests.support.write_samples import arguments, copies, writes

Connected = Callable[..., AbstractAsyncContextManager[Client]]
SHOWN = ("scheduleId", "schedule", "name", "namePattern", "expireAfter", "lockFor")


async def preview(client: Client, tool: str, **inputs: Any) -> list[str]:
    """The lines of a preview, from the first of the effect on."""
    text = text_of(await client.call_tool("preview_call", {"tool": tool, "arguments": inputs}))
    assert "PREVIEW: nothing was changed." in text, text
    return text.partition("PREVIEW: nothing was changed.\n\n")[2].splitlines()


def policy_of_three_tiers(tenant: Any) -> dict[str, Any]:
    """The policy of snapshot, backup and cloud backup with a lock that most assets stand on."""

    def is_locked_in_the_cloud(policy: dict[str, Any]) -> bool:
        tiers = {t["type"]: t for t in policy["protections"]}
        return len(tiers) == 3 and all(
            "lockFor" in x for x in tiers.get("CLOUD_BACKUP", {"schedules": [{}]})["schedules"]
        )

    actual = [p for p in tenant.all("protection-policies") if is_locked_in_the_cloud(p)]
    return max(actual, key=lambda p: len(p["protectionJobsInfo"]))


def as_requested(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The tiers of a policy as a PUT gives them back."""
    tiers = []
    for held in policy["protections"]:
        names = (*SHOWN, "sourceProtectionScheduleId")
        tier = {"type": held["type"], "schedules": [{n: x[n] for n in names if n in x} for x in held["schedules"]]}
        if "protectionStoreInfo" in held:
            tier["protectionStoreId"] = held["protectionStoreInfo"]["id"]
        tiers.append(tier)
    return tiers


async def test_tiers_that_an_update_leaves_out_are_lost_by_name_and_for_how_many(
    connected: Connected, tenant: Any
) -> None:
    policy = policy_of_three_tiers(tenant.state.tenant)
    cloud = next(t for t in policy["protections"] if t["type"] == "CLOUD_BACKUP")
    schedules = [{n: x[n] for n in SHOWN if n in x and n != "lockFor"} for x in cloud["schedules"]]
    schedules[0]["expireAfter"] = {"value": 20, "unit": "DAYS"}
    async with connected() as client:
        lines = await preview(
            client,
            "update_protection_policy",
            protectionPolicyId=policy["id"],
            protections=[{"id": cloud["id"], "schedules": schedules}],
        )
    assets, text = len(policy["protectionJobsInfo"]), "\n".join(lines)
    assert lines[0].startswith(f"NO COPIES at all for {assets} assets: ")
    assert len(lines[0]) <= 120
    for tier in policy["protections"]:
        if tier is not cloud:
            store = (tier.get("protectionStoreInfo") or {}).get("name", "snapshot")
            assert any(line.startswith("- LOST: ") and store in line for line in lines), tier
    assert any("SHORTER" in line and "→ 20 d" in line for line in lines)
    assert any("WEAKER" in line and "→ gone" in line for line in lines)
    assert "It can be changed back" not in text
    assert "a policy's update cannot add a tier" in text


async def test_an_empty_list_of_schedules_loses_them_all(connected: Connected, tenant: Any) -> None:
    policy = policy_of_three_tiers(tenant.state.tenant)
    inputs = [{"id": t["id"], "schedules": []} for t in policy["protections"]]
    async with connected() as client:
        lines = await preview(client, "update_protection_policy", protectionPolicyId=policy["id"], protections=inputs)
    lost = [line for line in lines if line.startswith("- LOST: ")]
    assert len(lost) == sum(len(t["schedules"]) for t in policy["protections"])


async def test_a_program_on_a_host_stands_first_in_what_a_replacement_changes(
    connected: Connected, tenant: Any
) -> None:
    policy, host = policy_of_three_tiers(tenant.state.tenant), tenant.state.tenant.all("application-hosts")[0]
    tiers = as_requested(policy)
    tiers[-1]["schedules"][0] |= {
        "preScriptInfo": {"hostId": host["id"], "path": "/opt/before.sh"},
        "schedule": {"recurrence": "WEEKLY", "repeatInterval": {"every": 1, "on": [0]}, "startTime": "03:00"},
    }
    async with connected() as client:
        lines = await preview(
            client,
            "replace_protection_policy",
            protectionPolicyId=policy["id"],
            name=policy["name"],
            applicationType=policy["applicationType"],
            protections=tiers,
        )
    changes = lines[lines.index("What changes:") + 1 :]
    assert changes[0].startswith("- PROGRAM: ")
    assert f'"{host["name"]}" (id {host["id"]})' in changes[0]
    assert '"/opt/before.sh"' in changes[0]
    assert any("→ weekly on Mon 03:00Z" in line for line in changes)


async def test_a_lock_set_by_a_snapshot_asks_first_and_a_plain_one_does_not(connected: Connected, tenant: Any) -> None:
    group = next(g for g in tenant.state.tenant.all("volume-protection-groups") if g["state"] == "OK")
    inputs = {"volumeProtectionGroupId": group["id"], "name": "before-upgrade"}
    async with connected() as client:
        locked = text_of(
            await client.call_tool(
                "create_volume_protection_group_snapshot", {**inputs, "lockFor": {"value": 99, "unit": "YEARS"}}
            )
        )
        assert not tenant.state.tenant.writes
        plain = text_of(await client.call_tool("create_volume_protection_group_snapshot", inputs))
    assert "With these arguments it needs consent" in locked
    assert "LOCK: locked for: 99 y" in locked
    assert CODE.search(locked)
    assert not CODE.search(plain)
    assert len(tenant.state.tenant.writes) == 1


async def test_an_empty_confirm_is_no_consent(connected: Connected, tenant: Any) -> None:
    group = next(g for g in tenant.state.tenant.all("volume-protection-groups") if g["state"] == "OK")
    inputs = {"volumeProtectionGroupId": group["id"], "name": "x", "lockFor": {"value": 9, "unit": "DAYS"}}
    async with connected() as client:
        for nothing in ("", None, "yes"):
            result = await client.call_tool("create_volume_protection_group_snapshot", {**inputs, "confirm": nothing})
            assert result.is_error, nothing
    assert not tenant.state.tenant.writes


async def test_a_policy_with_a_program_and_a_job_under_it_ask_first(connected: Connected, tenant: Any) -> None:
    host = tenant.state.tenant.all("application-hosts")[0]
    program = {"hostId": host["id"], "path": "/opt/x.sh"}
    schedule = {"scheduleId": 1, "schedule": {"recurrence": "DAILY", "repeatInterval": {"every": 1}}}
    tiers = [{"type": "SNAPSHOT", "schedules": [{**schedule, "preScriptInfo": program}]}]
    async with connected() as client:
        result = text_of(
            await client.call_tool(
                "create_protection_policy", {"name": "New", "applicationType": "VMWARE", "protections": tiers}
            )
        )
    assert "PROGRAM: " in result
    assert CODE.search(result)
    assert not tenant.state.tenant.writes


async def test_an_asset_that_a_group_protects_already_asks_first(connected: Connected, tenant: Any) -> None:
    state = tenant.state.tenant
    groups = {g["id"]: g for g in state.all("virtual-machine-protection-groups") if g.get("protectionJobInfo")}
    vm = next(
        v for v in state.all("virtual-machines") if any(g["id"] in groups for g in v.get("vmProtectionGroupsInfo", ()))
    )
    policy = next(p for p in state.all("protection-policies") if p["applicationType"] == "VMWARE")
    inputs = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": policy["id"]}
    async with connected() as client:
        text = text_of(await client.call_tool("create_protection_job", inputs))
    assert "PROTECTED ALREADY as a member of" in text
    assert CODE.search(text)
    assert not state.writes


async def test_an_address_in_use_asks_first(connected: Connected, tenant: Any) -> None:
    state = tenant.state.tenant
    gateway, store = state.all("protection-store-gateways")[0], state.all("datastores")[0]
    address = gateway["network"]["nics"][0]["networkAddress"]
    network = {"name": "VM Network", "networkType": "STATIC", "networkAddress": address, "subnetMask": "255.255.255.0"}
    inputs = {
        "name": "another",
        "hypervisorManagerId": state.all("hypervisor-managers")[0]["id"],
        "vmConfig": {
            "datastoreIds": [store["id"]],
            "network": {**network, "gateway": "10.1.0.1"},
            "maxOnPremDailyProtectedDataInTiB": 5,
            "maxOnPremRetentionDays": 60,
            "maxInCloudDailyProtectedDataInTiB": 1,
            "maxInCloudRetentionDays": 30,
        },
    }
    async with connected() as client:
        text = text_of(await client.call_tool("create_protection_store_gateway", inputs))
    assert f'ADDRESS IN USE: {address} is that of "{gateway["name"]}"' in text
    assert CODE.search(text)
    assert not state.writes


async def test_a_full_backup_without_room_asks_first_and_a_plain_run_does_not(
    connected: Connected, tenant: Any
) -> None:
    state = tenant.state.tenant
    bounded = [s for s in state.all("protection-stores") if (s.get("maxCapacityInBytes") or 0) > 0]
    full = [max(bounded, key=lambda s: s["sizeOnDiskInBytes"] / s["maxCapacityInBytes"])["id"]]
    job = next(
        j
        for j in state.all("protection-jobs")
        if j["operational"] == "ACTIVE"
        and any((t.get("protectionStoreInfo") or {}).get("id") in full for t in j["protections"])
    )
    async with connected() as client:
        asked = text_of(
            await client.call_tool("run_protection_job", {"protectionJobId": job["id"], "fullBackup": True})
        )
        assert not state.writes
        plain = text_of(await client.call_tool("run_protection_job", {"protectionJobId": job["id"]}))
    assert "NO ROOM for a full backup" in asked
    assert CODE.search(asked)
    assert not CODE.search(plain)
    assert state.writes


def database_with_others(state: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    for database in state.all("mssql-databases"):
        for copy in state.copies("mssql-databases", database["id"], "backups").page(0, 50, state.now(), state.lag):
            if len(copy.get("associatedDatabases", ())) > 1 and copy["state"] == "OK" and not copy.get("lockedUntil"):
                return database, copy
    raise AssertionError("no copy of several databases")


async def test_an_earlier_expiry_names_the_other_databases_in_the_copy(connected: Connected, tenant: Any) -> None:
    database, copy = database_with_others(tenant.state.tenant)
    async with connected() as client:
        lines = await preview(
            client,
            "update_mssql_database_backup",
            mssqlDatabaseId=database["id"],
            backupId=copy["id"],
            expiresAt="2026-11-01T00:00:00Z",
        )
    text = "\n".join(lines)
    for other in copy["associatedDatabases"]:
        if other["id"] != database["id"]:
            assert f'"{other["name"]}"' in text


async def test_deleting_a_copy_of_a_group_names_its_members(connected: Connected, tenant: Any) -> None:
    state = tenant.state.tenant
    for group in state.all("virtual-machine-protection-groups"):
        copies = state.copies("virtual-machine-protection-groups", group["id"], "snapshots").page(0, 1, NOW, state.lag)
        if group["assets"] and copies:
            break
    async with connected() as client:
        lines = await preview(
            client,
            "delete_vm_protection_group_snapshot",
            vmProtectionGroupId=group["id"],
            snapshotId=copies[0]["id"],
        )
    assert f"{len(group['assets'])} members in it goes along" in "\n".join(lines)


async def test_restoring_a_database_beside_itself_onto_itself_is_an_overwrite(
    connected: Connected, tenant: Any
) -> None:
    database, copy = database_with_others(tenant.state.tenant)
    place = {"name": database["name"].upper(), "instanceId": database["instanceInfo"]["id"]}
    inputs = {"mssqlDatabaseId": database["id"], "backupId": copy["id"], "restoreType": "ALTERNATE"}
    async with connected() as client:
        lines = await preview(client, "restore_mssql_database", **inputs, targetDatabaseInfo=place)
        beside = await preview(
            client, "restore_mssql_database", **inputs, targetDatabaseInfo={**place, "name": "a-name-that-is-new"}
        )
    assert lines[0].startswith(f'OVERWRITES SQL database "{database["name"]}"')
    assert "a second one is made" not in "\n".join(lines)
    assert "stays as it is; a second one is made" in "\n".join(beside)


async def test_a_lock_names_the_other_databases_whose_data_it_locks(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    place = "mssql-databases"
    database, copy = next((d, c) for d in held.all(place) for c in copies(held, place, d["id"], "backups"))
    inputs = {"mssqlDatabaseId": database["id"], "backupId": copy["id"]}
    others = [d["name"] for d in copy["associatedDatabases"] if d["id"] != database["id"]]
    async with connected() as client:
        lines = await preview(
            client,
            "update_mssql_database_backup",
            **inputs,
            lockedUntil=f"{NOW + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}",
        )
        past = await preview(
            client, "update_mssql_database_backup", **inputs, expiresAt=f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        )
    along = next(line for line in lines if "is locked along" in line)
    assert others
    quoted = [f'"{name}"' for name in others]
    assert all(name in along for name in quoted)
    assert past[0] == f"The data of 3 other databases goes along: {', '.join(quoted)}."
    assert any("That is past: the service deletes it at once" in line for line in past)
    assert not any("and is deleted then" in line for line in past)


async def test_a_datastore_made_beside_itself_names_the_vms_made_along(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    inputs = arguments(held, next(t for t in writes() if t.name == "restore_datastore"))
    assert inputs
    count = next(d["vmCount"] for d in held.all("datastores") if d["id"] == inputs["datastoreId"])
    async with connected() as client:
        lines = await preview(client, "restore_datastore", **inputs)
    assert any(f"made a second time: its {count} VMs" in line for line in lines)


async def test_a_recovered_gateway_leaves_what_its_cloud_stores_hold(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    inputs = arguments(held, next(t for t in writes() if t.name == "recover_protection_store_gateway"))
    assert inputs
    async with connected() as client:
        lines = await preview(client, "recover_protection_store_gateway", **inputs)
    assert any(line.startswith("- Cloud stores reattached: ") for line in lines)
    assert any(line.startswith("- Left with usable recovery points of each kind that they lose: ") for line in lines)


async def test_what_runs_already_is_not_said_to_run_again(connected: Connected, tenant: Any) -> None:
    job = next(j for j in tenant.state.tenant.all("protection-jobs") if j["operational"] == "ACTIVE")
    async with connected() as client:
        lines = await preview(client, "resume_protection_job", protectionJobId=job["id"])
    assert any(line.startswith("- Not suspended, so nothing changes for them: ") for line in lines)
    assert not any("run again" in line for line in lines)


async def test_what_is_suspended_is_not_suspended_again(connected: Connected, tenant: Any) -> None:
    job = next(j for j in tenant.state.tenant.all("protection-jobs") if j["operational"] == "SUSPENDED")
    async with connected() as client:
        lines = await preview(client, "suspend_protection_job", protectionJobId=job["id"], scheduleIds=[1])
    assert any("What it names is suspended already: schedule 1: " in line for line in lines)
    assert not any("These go on" in line for line in lines)


async def test_a_group_that_is_only_renamed_misses_no_runs(connected: Connected, tenant: Any) -> None:
    group = tenant.state.tenant.all("virtual-machine-protection-groups")[0]
    async with connected() as client:
        lines = await preview(client, "update_vm_protection_group", vmProtectionGroupId=group["id"], name="renamed")
    assert "It can be changed back." in lines


async def test_a_filter_that_nobody_may_match_says_that_members_may_drop_out(connected: Connected, tenant: Any) -> None:
    group = next(g for g in tenant.state.tenant.all("virtual-machine-protection-groups") if g["assets"])
    wanted = {"type": "TAG", "members": [{"type": "tag", "name": "nothing-has-it"}]}
    async with connected() as client:
        lines = await preview(
            client, "update_vm_protection_group", vmProtectionGroupId=group["id"], dynamicMemberFilter=wanted
        )
    assert lines[0].startswith(f"MEMBERS MAY DROP OUT of {len(group['assets'])}")
    assert "{" not in "\n".join(lines)
    assert '"nothing-has-it"' in "\n".join(lines)


async def test_all_members_that_a_group_loses_are_named(connected: Connected, tenant: Any) -> None:
    group = max(tenant.state.tenant.all("virtual-machine-protection-groups"), key=lambda g: len(g["assets"]))
    remaining = group["assets"][0]
    async with connected() as client:
        lines = await preview(
            client, "update_vm_protection_group", vmProtectionGroupId=group["id"], assets=[{"id": remaining["id"]}]
        )
    text = "\n".join(lines)
    assert all(f'LOST: member "{m["name"]}" (id {m["id"]})' in text for m in group["assets"][1:])
    assert f'member "{remaining["name"]}"' not in text


async def test_a_lock_is_judged_by_the_clock_of_the_service(tenant: Any, demo_settings: Any, era: str) -> None:
    state = tenant.state.tenant
    vm, copy = next(
        (vm, copy)
        for vm in state.all("virtual-machines")
        for copy in state.copies("virtual-machines", vm["id"], "backups").page(0, 5, state.now(), state.lag)
        if copy["state"] == "OK" and str(copy.get("lockedUntil", "")) > "2026-11-25"
    )
    server = app.create(demo_settings, app=tenant, now=lambda: ticking() + timedelta(days=4000))
    async with Client(server, mode=era) as client:
        text = text_of(
            await client.call_tool("delete_vm_backup", {"vmId": vm["id"], "backupId": copy["id"], "confirm": "preview"})
        )
    assert "It is locked until" in text
    assert "There is no code for it" in text


async def test_a_second_person_is_told_of_as_the_settings_say(connected: Connected, tenant: Any) -> None:
    state = tenant.state.tenant
    vm, copy = next(
        (vm, copy)
        for vm in state.all("virtual-machines")
        for copy in state.copies("virtual-machines", vm["id"], "backups").page(0, 50, state.now(), state.lag)
        if copy["state"] == "OK" and not copy.get("lockedUntil")
    )
    async with connected() as client:
        lines = await preview(client, "delete_vm_backup", vmId=vm["id"], backupId=copy["id"])
    assert "- Dual authorization is off: no second person is asked, and it is gone at once." in lines


async def test_the_whole_difference_is_read_by_its_reference_and_by_nobody_else(
    connected: Connected, tenant: Any
) -> None:
    policy = policy_of_three_tiers(tenant.state.tenant)
    async with connected() as client:
        arguments = {"protectionPolicyId": policy["id"], "confirm": "preview"}
        text = text_of(await client.call_tool("delete_protection_policy", arguments))
        reference = re.search(r"D-[0-9a-f]{16}", text)
        assert reference
        whole = text_of(await client.call_tool("preview_call", {"reference": reference[0]}))
        count = int(re.match(r"The whole difference, part 1 of (\d+) ", whole)[1])  # type: ignore[index]
        for part in range(2, count + 1):
            inputs = {"reference": reference[0], "part": part}
            whole += text_of(await client.call_tool("preview_call", inputs))
        read = await client.read_resource(f"greenlake-backup://differences/{reference[0]}")
        unknown = await client.call_tool("preview_call", {"reference": "D-0000000000000000"})
        beyond = await client.call_tool("preview_call", {"reference": reference[0], "part": 999})
    assert whole.startswith("The whole difference, part 1 of ")
    assert all(tier["id"] in whole for tier in policy["protections"])
    assert all(tier["id"] in str(read.contents[0]) for tier in policy["protections"])
    assert unknown.is_error
    assert "there is no part 999" in text_of(beyond)


async def test_where_no_tool_writes_nothing_is_previewed(connected: Connected, demo_settings: Any) -> None:
    from greenlake_backup_mcp import settings  # noqa: PLC0415

    async with connected(settings.load(demo=True, read_only=True)) as client:
        assert "preview_call" not in {t.name for t in (await client.list_tools()).tools}
    async with connected(settings.load(demo=True, toolsets="vms")) as client:
        assert "preview_call" in {t.name for t in (await client.list_tools()).tools}
