"""How recovery points look: one template per kind and schedule, and the little that differs between two of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from . import seed_policies as policies
from .copies import Copies, Series
from .names import BACKUP, CUSTOMER, CUSTOMER_UUID, Item, number, stamp, uid
from .seed_policies import PERSON, length, period, store_reference
from .seed_sites import World
from .seed_sql import system_reference
from .seed_vms import array_of

SINGULAR = {
    "virtual-machines": "virtual-machine",
    "datastores": "datastore",
    "mssql-databases": "mssql-database",
    "virtual-machine-protection-groups": "virtual-machine-protection-group",
    "volume-protection-groups": "volume-protection-group",
}
HOLDERS = frozenset(SINGULAR)
TIERS = {"snapshots": ("SNAPSHOT", "REPLICATED_SNAPSHOT"), "backups": ("BACKUP", "CLOUD_BACKUP")}
GIB_IN_MIB = 1024


def copies(world: World, holder: str, asset: Item, kind: str, many: int = 0) -> Copies:
    """The recovery points of an asset; `many` makes one schedule own that number of them instead."""
    policy = world.policies.get(world.plans.get(asset["id"], ""))
    if policy is None:
        return Copies(())
    found = [
        _series(world, holder, asset, kind, policy, protection, schedule)
        for protection in policy["protections"]
        if protection["type"] in TIERS[kind]
        for schedule in protection["schedules"]
    ]
    if many and found:
        one = found[0]
        found = [Series(one.prefix, one.tier, one.newest, timedelta(minutes=5), many, timedelta(days=3650), None,
                        one.template, one.detail)]  # fmt: skip
    return Copies(tuple(found))


def _series(
    world: World, holder: str, asset: Item, kind: str, policy: Item, protection: Item, schedule: Item
) -> Series:
    keep, every = length(schedule["expireAfter"]), period(schedule)
    newest = policies.last_run(schedule, world.now) + timedelta(seconds=number(asset["id"]) % 900)
    newest -= every if newest > world.now else timedelta()
    newest -= keep * 0.7 if asset["id"] in world.lapsed else timedelta()
    return Series(
        prefix=uid(world.seed, asset["id"], kind, protection["id"], schedule["scheduleId"])[:24],
        tier=protection["type"],
        newest=newest,
        every=every,
        count=min(int(keep / every) + 1, 400),
        keep=keep,
        lock=length(schedule["lockFor"]) if "lockFor" in schedule else None,
        template=template(world, holder, asset, kind, protection, schedule),
        detail=partial(_detail, world.seed, holder, kind, policy, asset),
    )


def template(world: World, holder: str, asset: Item, kind: str, protection: Item | None, schedule: Item | None) -> Item:
    """What all recovery points of a schedule share; without a schedule they were made by hand."""
    tier = protection["type"] if protection else "SNAPSHOT" if kind == "snapshots" else "BACKUP"
    base = f"{BACKUP}/{holder}/{asset['id']}/{kind}/"
    item: Item = {
        "id": "",
        "type": f"backup-recovery/{SINGULAR[holder]}-{kind[:-1]}",
        "name": "",
        "description": "",
        "resourceUri": base,
        "generation": 1,
        "customerId": CUSTOMER,
        "stateReason": "",
        "status": "OK",
        "state": "OK",
        "createdByInfo": PERSON,
    }
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
     "virtual-machine-protection-groups": _group, "volume-protection-groups": _volumes}[holder](world, item, asset, kind)  # fmt: skip
    return item


def fresh(
    world: World,
    holder: str,
    asset: Item,
    kind: str,
    id: str,
    taken: datetime,
    **values: Any,  # noqa: A002
) -> Item:
    """A recovery point that somebody or a schedule has just made; `values` beats what it would be."""
    item = template(world, holder, asset, kind, values.pop("protection", None), values.pop("schedule", None))
    time = stamp(taken)
    item |= {
        "id": id,
        "pointInTime": time,
        "updatedAt": time,
        "name": f"{asset['name'][:60]}_{taken:%Y-%m-%d_%H:%M:%S}",
    }
    item["resourceUri"] += id
    if holder != "mssql-databases":
        item["createdAt"] = time
    if "consoleUri" in item:
        item["consoleUri"] += id
    if "fullBackup" in item:
        item["fullBackup"] = True
    if kind == "backups":
        item["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": uid(id, "source")}
        item["backupSetsInfo"] = _sets(holder, id, 0, number(id))
    return item | values


def _schedule(holder: str, schedule: Item) -> Item:
    shown = {"name": schedule["name"], "recurrence": schedule["schedule"]["recurrence"]}
    if holder in ("mssql-databases", "virtual-machine-protection-groups"):
        return {"id": str(schedule["scheduleId"]), **shown}
    return {"scheduleId": schedule["scheduleId"], **shown}


def _console(item: Item) -> None:
    item["consoleUri"] = item["resourceUri"].replace(BACKUP, "/backup-and-recovery")


def _vmware(world: World, item: Item, kind: str) -> None:
    """What copies of VMs, datastores and VM groups share."""
    _console(item)
    item["containsRdmDisks"] = False
    item["consistency"] = "CRASH"
    item["dataOrchestratorInfo"] = [
        {k: o[k] for k in ("id", "resourceUri", "type")} for o in world.all("data-orchestrators")[:1]
    ]
    if kind == "backups":
        item["appType"] = "VMWARE"
        item["verificationInfo"] = {"state": "NOT_VERIFIED", "stateReason": "", "status": "OK"}
        item["verified"] = False
        if held := world.things["protection-stores"].get(item["protectionStoreInfo"]["id"]):
            item["storageSystemInfo"] = _system(held["storageSystemInfo"])


def _system(system: Item) -> Item:
    gateway = system["type"] == "PROTECTION_STORE_GATEWAY"
    return {
        "displayName": system["displayName"],
        "id": system["id"],
        "name": system["displayName"],
        "resourceUri": system["resourceUri"],
        "type": f"backup-recovery/{'protection-store-gateway' if gateway else 'storeonce'}",
    }


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
    return {"id": volume["id"], "name": volume["name"], "resourceUri": volume["resourceUri"],
            "scsiIdentifier": volume["scsiIdentifier"], "sizeInMib": 5 * GIB_IN_MIB, "storageSystemInfo": array}  # fmt: skip


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
        members = world.things["mssql-database-protection-groups"][group["id"]]["members"]
        item["associatedDatabases"] = [{k: m[k] for k in ("id", "name", "resourceUri", "type")} for m in members]
    if kind == "backups":
        item["backupGranularity"] = "VOLUME"
        if held := world.things["protection-stores"].get(item["protectionStoreInfo"]["id"]):
            item["storageSystemInfo"] = held["storageSystemInfo"]
    else:
        item["storageSystemsInfo"] = [
            {k: a[k] for k in ("id", "name", "resourceUri")} for a in world.all("storage-systems")[:1]
        ]


def _group(world: World, item: Item, asset: Item, kind: str) -> None:
    _vmware(world, item, kind)
    vm = next(
        (
            world.things["virtual-machines"][a["id"]]
            for a in asset["assets"]
            if a["id"] in world.things["virtual-machines"]
        ),
        None,
    )
    if kind == "snapshots" and vm:
        item["storageSystemsInfo"] = array_of(vm, "storageSystemType")


def _volumes(world: World, item: Item, asset: Item, kind: str) -> None:
    item["customerId"] = CUSTOMER_UUID
    array = next(a for a in world.all("storage-systems") if a["id"] == asset["storageSystemInfo"]["id"])
    item["storageSystemInfo"] = system_reference(array)
    item["vpgInfo"] = {k: asset[k] for k in ("id", "name", "resourceUri", "type")}
    if kind == "backups":
        item["mountState"], item["mountedHostsIqn"] = "UNATTACHED", []
        item["sourceCopyInfo"] = {"id": "", "copyType": "SNAPSHOT", "type": "SNAPSHOT"}


STATES = {  # of a thousand backups
    **dict.fromkeys(range(6), ("ERROR", "ERROR", "Backup failed: the protection store has no free space.")),
    **dict.fromkeys((6, 7), ("UPDATING", "OK", "")),
}


def _detail(
    seed: int, holder: str, kind: str, policy: Item, asset: Item, series: Series, index: int, item: Item
) -> None:
    """What differs between two copies of a schedule."""
    dice = number(series.prefix, index)
    taken = series.newest - index * series.every
    name = f"{asset['name'][:60]}_{taken:%Y-%m-%d_%H:%M}"
    item["name"] = (
        name if series.tier == "SNAPSHOT" else f"{'Cloud' if series.tier[0] == 'C' else 'Local'}_Backup_{name}"
    )
    ready = taken + timedelta(seconds=30 if series.tier == "SNAPSHOT" else 600 + dice % 1800)
    item["updatedAt"] = stamp(ready)
    item["generation"] = 1 + dice % 4
    if holder != "mssql-databases":
        item["createdAt"] = item["pointInTime"]
    if state := STATES.get(dice % 1000):
        item["state"], item["status"], item["stateReason"] = state
    if "consistency" in item:
        asked = dice % 100
        item["consistency"] = "CRASH" if asked < 55 else "APPLICATION" if asked < 95 else "CRASH_CONSISTENT_ON_FAILURE"
        if asked >= 95:
            item["stateReason"] = "VMware Tools are not running; a crash-consistent copy was created."
    if kind == "backups":
        source = uid(series.prefix, index, "source")
        item["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": source}
        if holder != "volume-protection-groups":
            item["sourceCopyInfo"]["resourceUri"] = f"{BACKUP}/{holder}/{asset['id']}/snapshots/{source}"
        item["backupSetsInfo"] = _sets(holder, series.prefix, index, dice)
        if "verified" in item and dice % 10 == 0:
            item["verified"] = True
            item["verificationInfo"] = {
                "state": "VERIFIED",
                "stateReason": "",
                "status": "OK",
                "verifiedAt": stamp(ready),
            }
        if "fullBackup" in item:
            item["fullBackup"] = index % 14 == 13
    elif holder == "volume-protection-groups":
        item["individualSnapshotsInfo"] = [
            {"id": uid(item["id"], a["id"]), "name": name, "resourceUri": f"{a['resourceUri']}/snapshots/{uid(item['id'], a['id'])}",
             "sizeInMiB": 100 + dice % 5000, "type": "storage-fleet/snapshot", "volumeId": a["id"], "volumeName": a["displayName"]}
            for a in asset["assets"]
        ]  # fmt: skip


def _sets(holder: str, prefix: str, index: int, dice: int) -> list[Any]:
    size = 800 + dice % 90_000
    mib = holder in ("virtual-machines", "datastores")
    backup: Item = {"id": uid(prefix, index, "set"), "objectCount": 1 + dice % 3}
    backup["sizeInMib" if mib else "sizeInBytes"] = size if mib else size << 20
    return [{"backups": [backup]}]
