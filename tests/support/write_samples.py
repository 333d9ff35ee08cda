"""A valid call of every tool that changes something, on resources that a simulated tenant has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool

Item = dict[str, Any]
HOLDERS = {
    "vmId": "virtual-machines",
    "datastoreId": "datastores",
    "mssqlDatabaseId": "mssql-databases",
    "vmProtectionGroupId": "virtual-machine-protection-groups",
    "volumeProtectionGroupId": "volume-protection-groups",
}
COLLECTIONS = {
    **HOLDERS,
    "protectionPolicyId": "protection-policies",
    "protectionJobId": "protection-jobs",
    "mssqlDatabaseProtectionGroupId": "mssql-database-protection-groups",
    "mssqlInstanceId": "mssql-instances",
    "applicationHostId": "application-hosts",
    "protectionStoreId": "protection-stores",
    "protectionStoreGatewayId": "protection-store-gateways",
    "storeonceId": "storeonces",
    "dataOrchestratorId": "data-orchestrators",
}
SCHEDULE = {
    "scheduleId": 1,
    "schedule": {"recurrence": "DAILY", "repeatInterval": {"every": 1}, "startTime": "20:00"},
    "expireAfter": {"value": 3, "unit": "DAYS"},
}
SHORTER = {**SCHEDULE, "expireAfter": {"value": 1, "unit": "DAYS"}}
SOME_ID = "abcdef01-2345-4678-89ab-cdef01234567"
IQN = "iqn.2026-01.com.example:host1"
FORCED = (
    "delete_protection_store", "delete_application_host", "delete_protection_store_gateway", "delete_storeonce",
    "delete_data_orchestrator",
)  # fmt: skip
SIZE = {"maxOnPremRetentionDays": 60, "maxOnPremDailyProtectedDataInTiB": 5.0}


def writes() -> list[Tool]:
    """The tools of the descriptions that change something."""
    return [tool for tool in registry.tools() if tool.danger is not Danger.READ]


def copies(tenant: Tenant, holder: str, asset: str, kind: str) -> Iterator[Item]:
    """The free recovery points of an asset."""
    for copy in tenant.copies(holder, asset, kind).all(tenant.now(), tenant.lag):
        if copy.get("state") == "OK" and not copy.get("lockedUntil"):
            yield copy


def arguments(tenant: Tenant, tool: Tool) -> dict[str, Any] | None:
    """Valid arguments without `confirm`; None where the tenant has nothing for it."""
    names = [a.name for a in tool.arguments.values() if a.place == "path"]
    collected: dict[str, Any] = {}
    if len(names) == 2:
        kind = "backups" if names[1] == "backupId" else "snapshots"
        holder = HOLDERS[names[0]]
        for asset in tenant.all(holder):
            if copy := next(copies(tenant, holder, asset["id"], kind), None):
                if tool.name.startswith("detach"):
                    tenant.write((holder, asset["id"], kind, copy["id"]), mountState="ATTACHED", mountedHostsIqn=[IQN])
                collected = {names[0]: asset["id"], names[1]: copy["id"]}
                break
        else:
            return None
        return {**collected, **_of_copy(tool.name)}
    if names:
        item = _target(tenant, tool.name, COLLECTIONS[names[0]])
        if item is None:
            return None
        collected = {names[0]: item["id"]}
        body = _body(tenant, tool.name, item)
        return None if body is None else {**collected, **body}
    return _create(tenant, tool.name)


def _of_copy(name: str) -> Mapping[str, Any]:
    if name.startswith("update_"):
        return {"description": "kept for the audit"}
    return {"hostIqn": IQN} if name.startswith(("attach", "detach")) else {}


def _target(tenant: Tenant, name: str, collection: str) -> Item | None:
    items = [i for i in tenant.all(collection) if i.get("state", "OK") in ("OK", "ONLINE", "PSG_STATE_OK")]
    if name == "delete_protection_policy":
        items = [i for i in items if not i.get("assigned")]
    if name == "reattach_protection_store":
        items = [i for i in items if i["protectionStoreType"] == "CLOUD"]
    if name == "delete_mssql_database_protection_group":
        for one in items[:1]:
            tenant.put((collection, one["id"]), {n: v for n, v in one.items() if n != "protectionJobInfo"})
    if name == "power_on_protection_store_gateway":
        off = {**items[0]["health"], "state": "PSG_HEALTH_STATE_OFF"}
        tenant.write((collection, items[0]["id"]), state="PSG_STATE_OK_OFF", health=off)
    if name == "recover_protection_store_gateway":
        lost = {**items[0]["health"], "status": "PSG_HEALTH_STATUS_DISCONNECTED"}
        tenant.write((collection, items[0]["id"]), health=lost)
    if name == "resume_protection_job":
        items = [i for i in items if i["operational"] == "SUSPENDED"]
    if name == "suspend_protection_job":
        items = [i for i in items if i["operational"] == "ACTIVE"]
    if name.startswith("restore_") and collection in HOLDERS.values():
        items = [i for i in items if next(copies(tenant, collection, i["id"], "backups"), None)]
    if name == "restore_vm_protection_group":
        items = [i for i in items if len(i["assets"]) > 2]
    return items[0] if items else None


def place(tenant: Tenant) -> tuple[Item, Item, Item]:
    """A vCenter, a cluster and its datastore with the most room."""
    for cluster in tenant.all("hypervisor-clusters"):
        held = [d for d in tenant.all("datastores") if d.get("clusterInfo", {}).get("id") == cluster["id"]]
        if held:
            manager = cluster["hypervisorManagerInfo"]["id"]
            roomiest = max(held, key=lambda d: int(d["capacityFree"]))
            return next(m for m in tenant.all("hypervisor-managers") if m["id"] == manager), cluster, roomiest
    raise AssertionError


def _body(tenant: Tenant, name: str, item: Item) -> dict[str, Any] | None:
    manager, cluster, store = place(tenant)
    vmware = {"vmware": {"datastoreId": store["id"]}}
    where = {"hypervisorManagerId": manager["id"], "clusterId": cluster["id"], "appInfo": vmware}
    nics = (item.get("network") or {}).get("nics") or [{}]
    rename = {"name": f"{item.get('name', 'x')}-b"}

    def copy(holder: str, kind: str = "backups") -> str:
        return str(next(copies(tenant, holder, item["id"], kind))["id"])

    def other(collection: str, held: list[Item]) -> Item:
        ids = {one["id"] for one in held}
        return next(one for one in tenant.all(collection) if one["id"] not in ids)

    bodies: dict[str, Any] = {
        "restore_vm": lambda: {
            "restoreType": "ALTERNATE",
            "backupId": copy("virtual-machines"),
            "targetVmInfo": {"name": "x-test", "powerOn": False, **where},
        },
        "restore_vm_disks": lambda: {"restoreType": "PARENT", "backupId": copy("virtual-machines")},
        "restore_vm_files": lambda: {
            "backupId": copy("virtual-machines"),
            "fileRestoreMethod": "KEEPASBACKUP",
            "filePathInfo": [{"absoluteSourcePath": "/etc/fstab", "absoluteTargetPath": "/restored/fstab"}],
            "targetInfo": {
                "virtualMachineId": item["id"],
                "credentialsInfo": {"username": "root", "password": "Fresh-1"},
            },
        },
        "restore_datastore": lambda: {
            "restoreType": "ALTERNATE",
            "backupId": copy("datastores"),
            "targetDatastoreInfo": {
                "name": "ds-test",
                "hypervisorManagerId": item["hypervisorManagerInfo"]["id"],
                "hostId": item["hostsInfo"][0]["id"],
            },
        },
        "restore_mssql_database": lambda: {
            "restoreType": "ALTERNATE",
            "backupId": copy("mssql-databases"),
            "targetDatabaseInfo": {"name": "db-test", "instanceId": item["instanceInfo"]["id"]},
        },
        "restore_vm_protection_group": lambda: {
            "restoreType": "ALTERNATE",
            "restoreAllResources": True,
            "namePrefix": "dr-",
            "powerOnVmsAfterRestore": False,
            "targetInfo": where,
        },
        "restore_volume_protection_group": lambda: {
            "restoreType": "PARENT",
            "vpgBackupId": copy("volume-protection-groups"),
        },
        "replace_protection_policy": lambda: {
            **rename,
            "applicationType": item["applicationType"],
            "protections": [{"type": "SNAPSHOT", "schedules": [SCHEDULE]}],
        },
        "update_protection_policy": lambda: rename,
        "update_vm_protection_group": lambda: {"assets": [{"id": one["id"]} for one in item["assets"][1:]]},
        "update_volume_protection_group": lambda: {"description": "changed"},
        "update_mssql_database_protection_group": lambda: {
            "members": [{"resourceUri": one["resourceUri"]} for one in item["members"][1:]]
        },
        "update_application_host": lambda: {"credentials": {"username": "svc", "password": "Fresh-1"}},
        "update_mssql_instance": lambda: {"credentials": {"mode": "SQL", "username": "sa", "password": "Fresh-1"}},
        "update_protection_store": lambda: {"displayName": "store-renamed"},
        "reattach_protection_store": lambda: {
            "storageSystemId": next(
                g["id"] for g in tenant.all("storeonces") if g["id"] != item["storageSystemInfo"]["id"]
            ),
            "storageSystemType": "STOREONCE",
        },
        "create_volume_protection_group_backup": lambda: {
            "name": "by-hand",
            "backupType": "BACKUP",
            "protectionStoreId": tenant.all("protection-stores")[0]["id"],
            "sourceCopyInfo": {"id": copy("volume-protection-groups", "snapshots"), "type": "SNAPSHOT"},
            "expireAfter": {"value": 3, "unit": "DAYS"},
        },
        "create_volume_protection_group_snapshot": lambda: {
            "name": "by-hand",
            "expireAfter": {"value": 3, "unit": "DAYS"},
        },
        "create_protection_store_gateway_nic": lambda: {
            "nic": {
                "networkAddress": "192.0.2.7", "networkName": "VM Network", "networkType": "STATIC",
                "subnetMask": "255.255.255.0",
            }
        },
        "delete_protection_store_gateway_nic": lambda: {"nic": {"id": nics[-1]["id"]}},
        "update_protection_store_gateway_nic": lambda: {"nic": {"id": nics[-1]["id"], "networkAddress": "192.0.2.8"}},
        "recover_protection_store_gateway": lambda: {
            "name": "psg-new",
            "hypervisorManagerId": manager["id"],
            "vmConfig": {
                "clusterId": cluster["id"],
                "datastoreIds": [store["id"]],
                "network": {"name": "VM Network", "networkType": "DHCP"},
                **SIZE,
            },
        },
        "resize_protection_store_gateway": lambda: SIZE,
        "set_gateway_remote_support": lambda: {"enabled": True},
        "update_protection_store_gateway": lambda: {"dns": [{"networkAddress": "192.0.2.53"}]},
        "ping_protection_store_gateway": lambda: {"address": "192.0.2.53"},
        "traceroute_protection_store_gateway": lambda: {"address": "192.0.2.53"},
        "generate_gateway_support_bundle": lambda: {"description": "for support"},
        "generate_data_orchestrator_support_bundle": lambda: {"description": "for support"},
        "update_storeonce": lambda: {"networkAddress": "192.0.2.9"},
        "recover_data_orchestrator": lambda: {"sid": SOME_ID},
        "restart_data_orchestrator_guest_os": lambda: {"force": False},
        "shutdown_data_orchestrator_guest_os": lambda: {"force": False},
        "set_data_orchestrator_remote_support": lambda: {"remoteAccessEnabled": True},
        "update_data_orchestrator": lambda: {"displayName": "do-renamed"},
        **{name: lambda: {"force": True} for name in FORCED},
        "delete_vm_protection_group": lambda: {"cascadedelete": True},
        "delete_volume_protection_group": lambda: {"cascadedelete": True},
    }  # fmt: skip
    return dict(bodies[name]()) if name in bodies else {}


def _of_one_vcenter(vm: Item, other: Item) -> bool:
    return bool(vm["hypervisorManagerInfo"]["id"] == other["hypervisorManagerInfo"]["id"])


def _create(tenant: Tenant, name: str) -> dict[str, Any] | None:
    manager, cluster, store = place(tenant)
    vms = [v for v in tenant.all("virtual-machines") if v["protectionStatus"] == "UNPROTECTED" and v["state"] == "OK"]
    gateway = tenant.all("protection-store-gateways")[0]["id"]
    bodies: dict[str, Any] = {
        "create_protection_policy": lambda: {
            "name": "policy-x",
            "applicationType": "VMWARE",
            "protections": [{"type": "SNAPSHOT", "schedules": [SCHEDULE]}],
        },
        "create_protection_job": lambda: {
            "assetInfo": {"id": vms[0]["id"], "type": vms[0]["type"]},
            "protectionPolicyId": next(
                p for p in tenant.all("protection-policies") if p["applicationType"] == "VMWARE"
            )["id"],
        },
        "create_vm_protection_group": lambda: {
            "name": "group-x",
            "assetsCategory": "VMFS_VMS",
            "vmProtectionGroupType": "CUSTOM",
            "assets": [{"id": one["id"], "type": one["type"]} for one in vms if _of_one_vcenter(one, vms[0])][:2],
        },
        "create_mssql_database_protection_group": lambda: {
            "name": "group-x",
            "protectionGroupType": "CUSTOM",
            "members": [
                {"resourceUri": one["resourceUri"]}
                for one in tenant.all("mssql-databases")
                if not one.get("mssqlDatabaseProtectionGroupInfo")
            ][:1],
        },
        "create_volume_protection_group": lambda: {
            "name": "group-x",
            "volumeProtectionGroupType": "CUSTOM",
            "assets": [{"id": tenant.all("volume-protection-groups")[0]["assets"][0]["id"]}],
            "storageSystemInfo": {"id": tenant.all("volume-protection-groups")[0]["storageSystemInfo"]["id"]},
        },
        "create_application_host": lambda: {
            "name": "host-x",
            "networkAddress": "host-x.example.com",
            "credentials": {"username": "svc", "password": "Fresh-1"},
        },
        "create_protection_store": lambda: {
            "displayName": "store-x",
            "protectionStoreType": "ON_PREMISES",
            "storageSystemId": gateway,
            "storageSystemType": "PROTECTION_STORE_GATEWAY",
        },
        "create_protection_store_gateway": lambda: {
            "name": "psg-x",
            "hypervisorManagerId": manager["id"],
            "vmConfig": {
                "clusterId": cluster["id"],
                "datastoreIds": [store["id"]],
                "network": {"name": "VM Network", "networkType": "DHCP"},
                **SIZE,
            },
        },
        "create_storeonce": lambda: {
            "name": "so-x",
            "networkAddress": "192.0.2.60",
            "serialNumber": "SOX0000001",
            "credentials": {"username": "admin", "password": "Fresh-1"},
        },
        "create_data_orchestrator": lambda: {"displayName": "do-x", "activationCode": SOME_ID},
    }
    return dict(bodies[name]()) if name in bodies else None
