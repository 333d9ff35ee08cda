"""How the recovery points of each of the ten kinds look: what all copies of one schedule share."""

# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

from greenlake_backup_mcp.simulator.names import BACKUP, CUSTOMER, CUSTOMER_UUID, Item, number

from .databases import system_reference
from .policies import PERSON, store_reference
from .systems import short
from .virtual_machines import array_of
from .world import World

SINGULAR = {"virtual-machines": "virtual-machine", "datastores": "datastore", "mssql-databases": "mssql-database",
            "virtual-machine-protection-groups": "virtual-machine-protection-group",
            "volume-protection-groups": "volume-protection-group"}  # fmt: skip


GIB_IN_MIB = 1024


def template(world: World, holder: str, asset: Item, kind: str, protection: Item | None, schedule: Item | None) -> Item:
    """What all recovery points of a schedule share; without a schedule they were made by hand."""
    tier = protection["type"] if protection else "SNAPSHOT" if kind == "snapshots" else "BACKUP"
    base = f"{BACKUP}/{holder}/{asset['id']}/{kind}/"
    item: Item = {"id": "", "type": f"backup-recovery/{SINGULAR[holder]}-{kind[:-1]}", "name": "", "description": "",
                  "resourceUri": base, "generation": 1, "customerId": CUSTOMER, "stateReason": "", "status": "OK",
                  "state": "OK", "createdByInfo": PERSON}  # fmt: skip
    if schedule:
        item["scheduleInfo"] = _schedule(holder, schedule)
    store = protection and protection.get("protectionStoreInfo")
    if kind == "backups":
        item["backupType"] = tier
        item["protectionStoreInfo"] = store or store_reference(world.first_store)
        item["sourceCopyInfo"] = {"id": "", "type": "SNAPSHOT"}
    elif holder != "volume-protection-groups":
        item["snapshotType"] = "SNAPSHOT"
    {"virtual-machines": _vm, "datastores": _datastore, "mssql-databases": _database,
     "virtual-machine-protection-groups": _group, "volume-protection-groups": _volumes}[holder](world, item, asset,
                                                                                                kind)  # fmt: skip
    return item


def _schedule(holder: str, schedule: Item) -> Item:
    named = {"name": schedule["name"], "recurrence": schedule["schedule"]["recurrence"]}
    if holder in ("mssql-databases", "virtual-machine-protection-groups"):
        return {"id": str(schedule["scheduleId"]), **named}
    return {"scheduleId": schedule["scheduleId"], **named}


def _vmware(world: World, item: Item, kind: str) -> None:
    """What copies of VMs, datastores and VM groups share."""
    item["consoleUri"] = item["resourceUri"].replace(BACKUP, "/backup-and-recovery")
    item["containsRdmDisks"] = False
    item["consistency"] = "CRASH"
    item["dataOrchestratorInfo"] = [short(o) for o in world.all("data-orchestrators")[:1]]
    if kind == "backups":
        item["appType"] = "VMWARE"
        item["verificationInfo"] = {"state": "NOT_VERIFIED", "stateReason": "", "status": "OK"}
        item["verified"] = False
        if held := world.resources["protection-stores"].get(item["protectionStoreInfo"]["id"]):
            system = held["storageSystemInfo"]
            word = "protection-store-gateway" if system["type"] == "PROTECTION_STORE_GATEWAY" else "storeonce"
            item["storageSystemInfo"] = {
                "displayName": system["displayName"], "id": system["id"], "name": system["displayName"],
                "resourceUri": system["resourceUri"], "type": f"backup-recovery/{word}",
            }  # fmt: skip


def _vm(world: World, item: Item, asset: Item, kind: str) -> None:
    _vmware(world, item, kind)
    datastore = asset["appInfo"]["vmware"]["datastoresInfo"][0]["id"]
    item["indexed"] = "NOT_INDEXED"
    item["virtualDisks"] = [
        {"capacityInBytes": d["capacityInBytes"], "consistency": "CRASH", "datastoreId": datastore, "id": d["id"],
         "filePath": d["filePath"], "name": d["name"], "type": "VMFS", "vmId": asset["id"]}
        for d in asset["virtualDisks"]
    ]  # fmt: skip
    item["vmConfigInfo"] = {"computeInfo": asset["computeInfo"], "networkAdapters": asset["networkAdapters"]}
    if kind == "backups":
        item["backupGranularity"] = "VOLUME" if number(asset["id"]) % 5 < 3 else "VMWARE_CBT"
        item["fullBackup"], item["partialBackup"] = False, False
    else:
        item["storageSystemsInfo"] = [array_of(asset, "storageSystemType")]
        item["volumesSnapshotInfo"] = [_volume_snapshot(asset["volumesInfo"][0], array_of(asset, "storageSystemType"))]


def _volume_snapshot(volume: Item, array: Item) -> Item:
    named = {name: volume[name] for name in ("id", "name", "resourceUri", "scsiIdentifier")}
    return {**named, "sizeInMib": 5 * GIB_IN_MIB, "storageSystemInfo": array}


def _datastore(world: World, item: Item, asset: Item, kind: str) -> None:
    _vmware(world, item, kind)
    if kind == "backups":
        item["fullBackup"] = False
    else:
        array = array_of(asset, "storageSystemType")
        item["storageSystemsInfo"] = array
        item["volumesSnapshotInfo"] = [_volume_snapshot(asset["volumesInfo"][0], array)]


def _database(world: World, item: Item, asset: Item, kind: str) -> None:
    item["associatedDatabases"] = [{k: asset[k] for k in ("id", "name", "resourceUri", "type")}]
    group = asset.get("mssqlDatabaseProtectionGroupInfo")
    if group:
        members = world.resources["mssql-database-protection-groups"][group["id"]]["members"]
        item["associatedDatabases"] = [{k: m[k] for k in ("id", "name", "resourceUri", "type")} for m in members]
    if kind == "backups":
        item["backupGranularity"] = "VOLUME"
        if held := world.resources["protection-stores"].get(item["protectionStoreInfo"]["id"]):
            item["storageSystemInfo"] = held["storageSystemInfo"]
    else:
        array = world.all("storage-systems")[0]
        item["storageSystemsInfo"] = [{k: array[k] for k in ("id", "name", "resourceUri")}]


def _group(world: World, item: Item, asset: Item, kind: str) -> None:
    _vmware(world, item, kind)
    vms = [vm for a in asset["assets"] if (vm := world.resources["virtual-machines"].get(a["id"]))]
    if kind == "snapshots" and vms:
        item["storageSystemsInfo"] = array_of(vms[0], "storageSystemType")


def _volumes(world: World, item: Item, asset: Item, kind: str) -> None:
    item["customerId"] = CUSTOMER_UUID
    array = next(a for a in world.all("storage-systems") if a["id"] == asset["storageSystemInfo"]["id"])
    item["storageSystemInfo"] = system_reference(array)
    item["vpgInfo"] = {k: asset[k] for k in ("id", "name", "resourceUri", "type")}
    if kind == "backups":
        item["mountState"], item["mountedHostsIqn"] = "UNATTACHED", []
        item["sourceCopyInfo"] = {"id": "", "copyType": "SNAPSHOT", "type": "SNAPSHOT"}
