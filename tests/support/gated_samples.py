"""A valid call of every gated tool, on resources that a simulated tenant has."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient, Request, send

OWN = "/backup-recovery/v1beta1"
VIRTUALIZATION = "/virtualization/v1beta1"
COLLECTIONS = {  # argument -> where its ids are listed
    "vmId": f"{VIRTUALIZATION}/virtual-machines",
    "datastoreId": f"{VIRTUALIZATION}/datastores",
    "protectionPolicyId": f"{OWN}/protection-policies",
    "protectionJobId": f"{OWN}/protection-jobs",
    "vmProtectionGroupId": f"{OWN}/virtual-machine-protection-groups",
    "volumeProtectionGroupId": f"{OWN}/volume-protection-groups",
    "mssqlDatabaseProtectionGroupId": f"{OWN}/mssql-database-protection-groups",
    "mssqlDatabaseId": f"{OWN}/mssql-databases",
    "mssqlInstanceId": f"{OWN}/mssql-instances",
    "applicationHostId": f"{OWN}/application-hosts",
    "protectionStoreId": f"{OWN}/protection-stores",
    "protectionStoreGatewayId": f"{OWN}/protection-store-gateways",
    "storeonceId": f"{OWN}/storeonces",
    "dataOrchestratorId": f"{OWN}/data-orchestrators",
}
HOLDERS = ("vmId", "datastoreId", "mssqlDatabaseId", "vmProtectionGroupId", "volumeProtectionGroupId")
FREE = ("OK", "ERROR")  # states of a copy that nothing is being done with
SOME_ID = "abcdef01-2345-4678-89ab-cdef01234567"


class Samples:
    """Ids of a tenant by argument; copies by (argument of their asset, "backups" or "snapshots")."""

    def __init__(self) -> None:
        self.items: dict[str, list[Mapping[str, Any]]] = {}
        self.copies: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}

    def arguments(self, tool: Tool, rng: random.Random) -> dict[str, Any] | None:
        """Valid arguments of a gated tool without `confirm`; None where the tenant has nothing for it."""
        names = [a.name for a in tool.arguments.values() if a.place == "path"]
        collected: dict[str, Any] = {}
        if len(names) == 2:  # a copy
            place = "backups" if names[1] == "backupId" else "snapshots"
            choices = self.copies.get((names[0], place))
            if not choices:
                return None
            asset, copy = rng.choice(choices)
            collected = {names[0]: asset, names[1]: copy["id"]}
        elif tool.name.startswith("restore_") and names[0] in HOLDERS:
            choices = self.copies.get((names[0], "backups"))
            if not choices:
                return None
            asset, copy = rng.choice(choices)
            return {names[0]: asset, **self._restore(tool.name, asset, copy["id"])}
        else:
            item = rng.choice(self.items[names[0]])
            collected = {names[0]: item["id"], **self._body(tool.name, item)}
        if tool.name.startswith("update_") and len(names) == 2:
            collected["description"] = f"note {rng.randrange(1000)}"
        if tool.name.endswith(("attach_volume_protection_group_backup", "detach_volume_protection_group_backup")):
            collected["hostIqn"] = "iqn.2026-01.com.example:host1"
        return collected

    def _restore(self, name: str, asset: str, copy: str) -> dict[str, Any]:
        if name == "restore_vm_files":
            target = {"virtualMachineId": asset, "credentialsInfo": {"username": "root", "password": "hunter2"}}
            paths = [{"absoluteSourcePath": "/etc/fstab", "absoluteTargetPath": "/restored/fstab"}]
            return {"backupId": copy, "fileRestoreMethod": "KEEPASBACKUP", "filePathInfo": paths, "targetInfo": target}
        if name == "restore_vm_protection_group":
            return {"restoreType": "PARENT", "restoreAllResources": True}
        if name == "restore_volume_protection_group":
            return {"restoreType": "PARENT", "vpgBackupId": copy}
        return {"restoreType": "PARENT", "backupId": copy}

    def _body(self, name: str, item: Mapping[str, Any]) -> dict[str, Any]:
        nics = (item.get("network") or {}).get("nics") or [{"id": SOME_ID}]
        gateway = self.items["protectionStoreGatewayId"][0]["id"]
        rename = {"name": f"{item.get('name', 'x')}-b"}
        schedule = {"scheduleId": 1, "schedule": {"recurrence": "DAILY", "repeatInterval": {"every": 1}}}
        size = {"maxOnPremRetentionDays": 60, "maxOnPremDailyProtectedDataInTiB": 5.0}
        bodies: dict[str, dict[str, Any]] = {
            "replace_protection_policy": {
                **rename,
                "applicationType": "VMWARE",
                "protections": [{"type": "SNAPSHOT", "schedules": [schedule]}],
            },
            "update_protection_policy": rename,
            "update_vm_protection_group": {"assets": [{"id": SOME_ID}]},
            "update_volume_protection_group": {"assets": [{"id": SOME_ID}]},
            "update_mssql_database_protection_group": {
                "members": [{"resourceUri": self.items["mssqlDatabaseId"][0]["resourceUri"]}]
            },
            "update_application_host": {"credentials": {"username": "svc", "password": "hunter2"}},
            "update_mssql_instance": {"credentials": {"mode": "SQL", "username": "sa", "password": "hunter2"}},
            "reattach_protection_store": {
                "storageSystemId": gateway,
                "storageSystemType": "PROTECTION_STORE_GATEWAY",
            },
            "create_protection_store_gateway_nic": {
                "nic": {"networkAddress": "192.0.2.7", "networkType": "STATIC", "subnetMask": "255.255.255.0"}
            },
            "delete_protection_store_gateway_nic": {"nic": {"id": nics[-1]["id"]}},
            "update_protection_store_gateway_nic": {"nic": {"id": nics[-1]["id"], "networkAddress": "192.0.2.8"}},
            "recover_protection_store_gateway": {
                "name": "psg-new",
                "hypervisorManagerId": SOME_ID,
                "vmConfig": {
                    "hostId": SOME_ID,
                    "datastoreIds": [SOME_ID],
                    "network": {"name": "VM Network", "networkType": "DHCP"},
                    **size,
                },
            },
            "resize_protection_store_gateway": size,
            "set_gateway_remote_support": {"enabled": True},
            "update_protection_store_gateway": {"dns": [{"networkAddress": "192.0.2.53"}]},
            "update_storeonce": {"networkAddress": "192.0.2.9"},
            "recover_data_orchestrator": {"sid": SOME_ID},
            "restart_data_orchestrator_guest_os": {"force": False},
            "shutdown_data_orchestrator_guest_os": {"force": False},
            "set_data_orchestrator_remote_support": {"remoteAccessEnabled": True},
            "update_data_orchestrator": {"displayName": "do-renamed"},
        }
        return bodies.get(name, {})


async def samples(api: ApiClient, most: int = 40) -> Samples:
    """What a tenant has, the first of each list."""
    result = Samples()

    async def listed(path: str, limit: int) -> list[Mapping[str, Any]]:
        request = Request("sample", "GET", path, (("limit", str(limit)),), reads=True)
        return list((await send(api, request)).body["items"])

    for name, path in COLLECTIONS.items():
        result.items[name] = await listed(path, most)
    for name in HOLDERS:
        collection = COLLECTIONS[name].rpartition("/")[2]
        for place in ("backups", "snapshots"):
            copies = result.copies[name, place] = []
            for item in result.items[name]:
                of_it = await listed(f"{OWN}/{collection}/{item['id']}/{place}", 5)
                copies += [(item["id"], c) for c in of_it if c.get("state") in FREE and not c.get("lockedUntil")]
    return result


def gated() -> list[Tool]:
    """The gated tools of the descriptions."""
    return [t for t in registry.tools() if t.danger not in (Danger.READ, Danger.WRITE)]
