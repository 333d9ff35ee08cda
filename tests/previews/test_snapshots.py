"""Previews of twenty calls, as a backup administrator reads them. UPDATE_SNAPSHOTS=1 writes them anew.

Each is over the simulated tenant as seeded; what it says is held against the tenant in the other tests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch import arguments as arguments_
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.model import MOST_FIRST
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import client
from tests.conftest import NOW
from tests.previews.test_cases import as_requested, database_with_others, policy_of_three_tiers

SNAPSHOTS = Path(__file__).parents[1] / "snapshots" / "previews"
TOOLS = {t.name: t for t in registry.tools()}
CALLS = (
    "delete_vm_backup",
    "delete_vm_snapshot",
    "delete_mssql_database_backup",
    "delete_vm_protection_group_backup",
    "update_vm_backup",
    "restore_vm",
    "restore_vm_files",
    "restore_mssql_database",
    "restore_vm_protection_group",
    "update_protection_policy",
    "replace_protection_policy",
    "delete_protection_job",
    "suspend_protection_job",
    "update_vm_protection_group",
    "delete_protection_store",
    "update_application_host",
    "delete_protection_store_gateway_nic",
    "shutdown_data_orchestrator_guest_os",
    "attach_volume_protection_group_backup",
    "create_protection_job",
)


def _copy(state: Any, collection: str, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    for item in state.all(collection):
        for copy in state.copies(collection, item["id"], kind).page(0, 50, NOW, state.lag):
            if copy["state"] == "OK" and not copy.get("lockedUntil"):
                return item, copy
    raise AssertionError(f"no {kind} of {collection}")


def _requests(state: Any) -> Mapping[str, dict[str, Any]]:
    vm, backup = _copy(state, "virtual-machines", "backups")
    vm_too, snapshot = _copy(state, "virtual-machines", "snapshots")
    database, copy = database_with_others(state)
    group, group_backup = _copy(state, "virtual-machine-protection-groups", "backups")
    volumes, volume_backup = _copy(state, "volume-protection-groups", "backups")
    policy, host = policy_of_three_tiers(state), state.all("application-hosts")[0]
    tiers = as_requested(policy)
    tiers[1]["schedules"][0]["preScriptInfo"] = {"hostId": host["id"], "path": "/opt/before.sh", "params": "-x"}
    cloud = policy["protections"][-1]
    names = ("scheduleId", "schedule", "name", "namePattern")
    remaining = [
        {**{n: x[n] for n in names if n in x}, "expireAfter": {"value": 20, "unit": "DAYS"}} for x in cloud["schedules"]
    ]
    gateway, orchestrator = state.all("protection-store-gateways")[0], state.all("data-orchestrators")[0]
    job = next(j for j in state.all("protection-jobs") if j["operational"] == "ACTIVE")
    grouped = state.all("virtual-machine-protection-groups")[0]
    free = next(v for v in state.all("virtual-machines") if v["protectionStatus"] == "UNPROTECTED")
    store = next(s for s in state.all("protection-stores") if s["protectionStoreType"] == "ON_PREMISES")
    restored = {"name": "copy-of-it", "powerOn": True, "hypervisorManagerId": vm["hypervisorManagerInfo"]["id"]}
    login = {"username": "root", "password": "hunter2"}
    return {
        "delete_vm_backup": {"vmId": vm["id"], "backupId": backup["id"]},
        "delete_vm_snapshot": {"vmId": vm_too["id"], "snapshotId": snapshot["id"]},
        "delete_mssql_database_backup": {"mssqlDatabaseId": database["id"], "backupId": copy["id"]},
        "delete_vm_protection_group_backup": {"vmProtectionGroupId": group["id"], "backupId": group_backup["id"]},
        "update_vm_backup": {"vmId": vm["id"], "backupId": backup["id"], "lockedUntil": "2027-11-24T08:00:00Z"},
        "restore_vm": {
            "vmId": vm["id"],
            "backupId": backup["id"],
            "restoreType": "ALTERNATE",
            "targetVmInfo": {**restored, "hostId": vm["hostInfo"]["id"]},
        },
        "restore_vm_files": {
            "vmId": vm["id"],
            "backupId": backup["id"],
            "fileRestoreMethod": "OVERWRITE",
            "filePathInfo": [{"absoluteSourcePath": "/etc", "absoluteTargetPath": "/etc"}],
            "targetInfo": {"virtualMachineId": vm["id"], "credentialsInfo": login},
        },
        "restore_mssql_database": {
            "mssqlDatabaseId": database["id"],
            "backupId": copy["id"],
            "restoreType": "ALTERNATE",
            "targetDatabaseInfo": {"name": database["name"], "instanceId": database["instanceInfo"]["id"]},
        },
        "restore_vm_protection_group": {"vmProtectionGroupId": group["id"], "restoreType": "PARENT"},
        "update_protection_policy": {
            "protectionPolicyId": policy["id"],
            "protections": [{"id": cloud["id"], "schedules": remaining}],
        },
        "replace_protection_policy": {
            "protectionPolicyId": policy["id"],
            "name": policy["name"],
            "applicationType": policy["applicationType"],
            "protections": tiers,
        },
        "delete_protection_job": {"protectionJobId": job["id"]},
        "suspend_protection_job": {"protectionJobId": job["id"]},
        "update_vm_protection_group": {
            "vmProtectionGroupId": grouped["id"],
            "assets": [{"id": m["id"]} for m in (*grouped["assets"][:-1], vm)],
        },
        "delete_protection_store": {"protectionStoreId": store["id"], "force": True},
        "update_application_host": {
            "applicationHostId": host["id"],
            "credentials": {"username": "EXAMPLE\\new", "password": "hunter2"},
        },
        "delete_protection_store_gateway_nic": {
            "protectionStoreGatewayId": gateway["id"],
            "nic": {"id": gateway["network"]["nics"][-1]["id"]},
        },
        "shutdown_data_orchestrator_guest_os": {"dataOrchestratorId": orchestrator["id"]},
        "attach_volume_protection_group_backup": {
            "volumeProtectionGroupId": volumes["id"],
            "backupId": volume_backup["id"],
            "hostIqn": "iqn.2026-01.com.example:host1",
        },
        "create_protection_job": {
            "assetInfo": {"id": free["id"], "type": free["type"]},
            "protectionPolicyId": policy["id"],
        },
    }


@pytest.fixture(scope="module")
def tenant_as_seeded() -> Any:
    return create_app(now=lambda: NOW, seed=7)


@pytest.mark.parametrize("name", CALLS)
async def test_each_preview_is_as_it_was_reviewed(name: str, tenant_as_seeded: Any) -> None:
    tool, inputs = TOOLS[name], _requests(tenant_as_seeded.state.tenant)[name]
    confirm = {"confirm": "preview"} if tool.gated else {}
    async with client.connect(settings.load(demo=True, rate=1_000_000), app=tenant_as_seeded, now=lambda: NOW) as api:
        prepared = arguments_.prepare(tool, {**inputs, **confirm})
        target = await effects.read_target(api, TOOLS, tool, prepared, arguments_.build_request(tool, prepared))
        effect = await effects.describe_effect(api, tool, prepared, target, NOW)
    lines = list(effect.lines())
    assert len(lines[0]) <= MOST_FIRST
    assert len(lines) == len(set(lines)), "nothing is said twice"
    assert "hunter2" not in "\n".join((*lines, *effect.whole))
    assert not re.search(r"\bNone\b|\{'", "\n".join(lines))
    forbidden = [f"CANNOT BE DONE: {effect.forbidden}"] if effect.forbidden else []
    text = "\n".join((f"danger: {effect.danger.value}", *lines, *forbidden)) + "\n"
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "run with UPDATE_SNAPSHOTS=1 if this is meant, and read it"
