"""Requests of every write of the simulated tenant, with each of its arguments, and other values for some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.simulator.state import Tenant

Body = dict[str, Any]
BACKUP = "/backup-recovery/v1beta1"
IQN = "iqn.2026-01.com.example:host1"


@dataclass(frozen=True)
class Sample:
    """A request that succeeds, if not `refused`: the path's ids, body and query; and requests that go before."""

    ids: tuple[str, ...] = ()
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    before: tuple[tuple[str, str, Any], ...] = ()
    refused: bool = False  # as it is: only its query makes it acceptable


def named(tenant: Tenant, collection: str, name: str) -> Body:
    """The item of a name."""
    items = tenant.all(collection)
    return next(i for i in items if name in (i.get("name"), i.get("displayName"), i.get("assetInfo", {}).get("name")))


def copies(tenant: Tenant, holder: str, asset: Body, kind: str, *, locked: bool = False) -> list[Body]:
    """Recovery points that nothing is being done with."""
    page = tenant.copies(holder, asset["id"], kind).page(0, 60, tenant.now(), tenant.lag)
    now = tenant.now().isoformat()
    return [c for c in page if c["state"] == "OK" and (c.get("lockedUntil", "") > now) == locked]


def site(tenant: Tenant, n: int = 0) -> Body:
    """Places of a vCenter: two of each."""
    manager = tenant.all("hypervisor-managers")[n]
    names = ("hypervisor-clusters", "hypervisor-hosts", "datastores", "folders", "networks", "resource-pools")
    mine = {c: [i for i in tenant.all(c) if i["hypervisorManagerInfo"]["id"] == manager["id"]] for c in names}
    roomy = sorted(mine["datastores"], key=lambda d: -int(d["capacityFree"]))
    vm_folders = [f for f in mine["folders"] if f["folderType"] == "VM"]
    return {"manager": manager, "clusters": mine["hypervisor-clusters"], "hosts": mine["hypervisor-hosts"],
            "datastores": roomy, "folders": vm_folders, "networks": mine["networks"], "pools": mine["resource-pools"],
            "datastore_folders": [f for f in mine["folders"] if f["folderType"] == "DATASTORE"]}  # fmt: skip


def array_id(datastore: Body) -> str:
    """The id of the array that a datastore is on."""
    return str(datastore["volumesInfo"][0]["storageSystemInfo"]["id"])


# --- recovery points -----------------------------------------------------------------------------------------------


def _update(holder: str, kind: str, names: bool = True) -> Callable[[Tenant], list[Sample]]:
    def build(tenant: Tenant) -> list[Sample]:
        asset = next(a for a in tenant.all(holder) if copies(tenant, holder, a, kind))
        body = {"description": "kept", "expiresAt": "2027-03-01T00:00:00Z", "lockedUntil": "2027-01-01T00:00:00Z"}
        body |= {"name": "other"} if names else {}
        return [Sample((asset["id"], copies(tenant, holder, asset, kind)[0]["id"]), body)]

    return build


# --- restores ------------------------------------------------------------------------------------------------------


def _placement(there: Body, **more: Any) -> list[Body]:
    """Target places: in a cluster, on a host, in a resource pool, on an array."""
    cluster = there["clusters"][0]
    store = {"datastoreId": there["datastores"][0]["id"]}
    base = {
        "hypervisorManagerId": there["manager"]["id"],
        "folderId": there["folders"][1]["id"],
        "powerOn": True,
        **more,
    }
    pool = next(p for p in there["pools"] if p["clusterInfo"]["id"] == cluster["id"])
    return [
        {**base, "clusterId": cluster["id"], "appInfo": {"vmware": store}},
        {**base, "hostId": there["hosts"][0]["id"], "appInfo": {"vmware": store}},
        {**base, "clusterId": cluster["id"], "appInfo": {"vmware": {**store, "resourcePoolId": pool["id"]}}},
        {
            **base,
            "clusterId": cluster["id"],
            "storageInfo": {"storageSystemId": array_id(there["datastores"][0])},
        },
    ]


def _restore_vm(tenant: Tenant) -> list[Sample]:
    vm, there = named(tenant, "virtual-machines", "web-legacy-03"), site(tenant)
    backups, snapshots = (copies(tenant, "virtual-machines", vm, k) for k in ("backups", "snapshots"))
    nic = {"name": "Network adapter 1",
           "networkDetails": {"id": there["networks"][5]["id"], "connectAtPowerOn": True}}  # fmt: skip
    more = {"name": "back", "description": "drill", "vmHardwareCustomization": {"networkAdapters": [nic]}}
    result = [Sample((vm["id"],), {"restoreType": "ALTERNATE", "backupId": backups[0]["id"], "targetVmInfo": target})
             for target in _placement(there, **more)]  # fmt: skip
    return [*result, Sample((vm["id"],), {"restoreType": "ALTERNATE", "snapshotId": snapshots[0]["id"],
                                         "targetVmInfo": _placement(there, name="back")[0]})]  # fmt: skip


def _disks_vm(tenant: Tenant) -> Body:
    """A VM of several disks that has backups and snapshots."""
    many = (v for v in tenant.all("virtual-machines") if len(v["virtualDisks"]) > 1)
    return next(v for v in many if all(copies(tenant, "virtual-machines", v, k) for k in ("backups", "snapshots")))


def _restore_disks(tenant: Tenant) -> list[Sample]:
    vm = _disks_vm(tenant)
    vms = (v for v in tenant.all("virtual-machines") if v is not vm and not v["vclsVm"])
    other = next(v for v in vms if len(v["virtualDisks"]) > 1)
    pair = {"recoveryPointDiskDetails": {"diskLabel": "Hard disk 1"}, "vmDiskDetails": {"diskLabel": "Hard disk 1"}}
    body = {"restoreType": "PARENT", "restoreDiskDetails": [pair], "targetVmId": other["id"]}
    return [Sample((vm["id"],), {**body, name: copies(tenant, "virtual-machines", vm, kind)[0]["id"]})
            for name, kind in (("backupId", "backups"), ("snapshotId", "snapshots"))]  # fmt: skip


def _restore_files(tenant: Tenant) -> list[Sample]:
    vm = named(tenant, "virtual-machines", "web-legacy-03")
    path = {"absoluteSourcePath": "/etc/fstab", "absoluteTargetPath": "/restored/fstab"}
    target = {"virtualMachineId": named(tenant, "virtual-machines", "sap-prod-01")["id"],
              "credentialsInfo": {"username": "root", "password": "secret"}}  # fmt: skip
    body = {"fileRestoreMethod": "KEEPASBACKUP", "filePathInfo": [path], "targetInfo": target}
    snapshot = copies(tenant, "virtual-machines", vm, "snapshots")[0]["id"]
    backup = copies(tenant, "virtual-machines", vm, "backups")[0]["id"]
    return [
        Sample((vm["id"],), {**body, "backupId": backup, "retainOrignalDirectoryStructure": True}),
        Sample((vm["id"],), {**body, "snapshotId": snapshot, "retainOriginalDirectoryStructure": True}),
    ]


def _restore_datastore(tenant: Tenant) -> list[Sample]:
    held = next(d for d in tenant.all("datastores") if copies(tenant, "datastores", d, "backups"))
    there = site(tenant)
    base = {"name": "ds-back", "description": "drill", "hypervisorManagerId": there["manager"]["id"],
            "powerOnVmsAfterRestore": True, "folderId": there["datastore_folders"][0]["id"]}  # fmt: skip
    array = {"storageInfo": {"storageSystemId": tenant.all("storage-systems")[1]["id"]}}
    rows = (("backupId", "backups", {"clusterId": there["clusters"][0]["id"]}),
            ("backupId", "backups", {"clusterId": there["clusters"][0]["id"], **array}),
            ("snapshotId", "snapshots", {"hostId": there["hosts"][0]["id"]}))  # fmt: skip
    collected = []
    for name, kind, place in rows:
        copy = {name: copies(tenant, "datastores", held, kind)[0]["id"]}
        target = {"targetDatastoreInfo": {**base, **place}}
        collected.append(Sample((held["id"],), {"restoreType": "ALTERNATE", **copy, **target}))
    return collected


def _restore_database(tenant: Tenant) -> list[Sample]:
    held = next(d for d in tenant.all("mssql-databases") if copies(tenant, "mssql-databases", d, "snapshots"))
    backup, snapshot = (copies(tenant, "mssql-databases", held, k)[0] for k in ("backups", "snapshots"))
    instance = next(i for i in tenant.all("mssql-instances") if i["id"] != held["instanceInfo"]["id"])
    path = {"originalPath": "D:\\Data\\x.mdf", "newPath": "E:\\Data\\x.mdf"}
    target = {"name": "back", "instanceId": instance["id"], "databaseFilePaths": [path]}
    body = {"restoreType": "ALTERNATE", "recoveryMode": "WITH_RECOVERY", "targetDatabaseInfo": target}
    over = {"restoreType": "PARENT", "backupId": backup["id"], "restoreUntil": backup["pointInTime"]}
    return [
        Sample((held["id"],), {**body, "backupId": backup["id"]}),
        Sample((held["id"],), {**body, "snapshotId": snapshot["id"]}),
        Sample((held["id"],), {**over, "restoreWithTailLog": True}),
    ]


def _restore_group(tenant: Tenant) -> list[Sample]:
    group, there = named(tenant, "virtual-machine-protection-groups", "vmpg-crm-03"), site(tenant)
    ids = [a["id"] for a in group["assets"]]
    member = named(tenant, "virtual-machines", group["assets"][0]["name"])
    backup = copies(tenant, "virtual-machines", member, "backups")[0]["id"]
    collected = []
    for place in _placement(there):
        override = {k: v for k, v in place.items() if k != "hypervisorManagerId"}
        row = {"resourceId": ids[0], "recoveryPointId": backup, "recoveryPointType": "BACKUP"}
        base = {"restoreType": "ALTERNATE", "description": "drill", "namePrefix": "dr-", "namePostfix": "-x"}
        collected += [
            Sample((group["id"],), {**base, "restoreAllResources": False, "recoveryInfo": [row], "targetInfo": place}),
            Sample((group["id"],), {**base, "recoveryInfo": [{**row, "targetInfoOverrides": override}]}),
        ]
    row = {"resourceId": ids[0]}
    bare = {"restoreType": "ALTERNATE", "recoveryInfo": [row], "powerOnVmsAfterRestore": True}
    return [*collected, Sample((group["id"],), bare)]


def _restore_volumes(tenant: Tenant) -> list[Sample]:
    group = _volume_group(tenant)
    backup, snapshot = (copies(tenant, "volume-protection-groups", group, k)[0] for k in ("backups", "snapshots"))
    parts = [b["id"] for s in backup["backupSetsInfo"] for b in s["backups"]]
    snapped = [s["id"] for s in snapshot["individualSnapshotsInfo"]]
    array = tenant.all("storage-systems")[1]["id"]
    return [
        Sample((group["id"],), {"restoreType": "ALTERNATE", "vpgBackupId": backup["id"], "targetStorageSystemId": array,
                                "individualBackupIds": parts[:1]}),
        Sample((group["id"],), {"restoreType": "ALTERNATE", "vpgBackupId": backup["id"]}),
        Sample((group["id"],), {"restoreType": "PARENT", "vpgSnapshotId": snapshot["id"],
                                "individualSnapshotIds": snapped[:1]}),
        Sample((group["id"],), {"restoreType": "PARENT", "vpgSnapshotId": snapshot["id"]}),
    ]  # fmt: skip


# --- volume groups' recovery points --------------------------------------------------------------------------------

SPANS = {"expireAfter": {"value": 9, "unit": "DAYS"}, "lockFor": {"value": 2, "unit": "DAYS"}}


def _volume_group(tenant: Tenant) -> Body:
    """One that can be backed up and restored."""
    groups = [g for g in tenant.all("volume-protection-groups") if "protectionJobInfo" in g]
    name = "volume-protection-groups"
    return next(g for g in groups if copies(tenant, name, g, "backups") and copies(tenant, name, g, "snapshots"))


def _volume_backup(tenant: Tenant) -> list[Sample]:
    group = _volume_group(tenant)
    source = copies(tenant, "volume-protection-groups", group, "snapshots")[0]["id"]
    body = {"name": "by-hand", "description": "d", "backupType": "BACKUP", **SPANS,
            "protectionStoreId": named(tenant, "protection-stores", "Local_psg-dc1-01")["id"],
            "sourceCopyInfo": {"id": source, "type": "SNAPSHOT"}}  # fmt: skip
    return [Sample((group["id"],), body)]


def _volume_attach(tenant: Tenant) -> list[Sample]:
    group = _volume_group(tenant)
    backup = copies(tenant, "volume-protection-groups", group, "backups")[0]
    parts = [b["id"] for s in backup["backupSetsInfo"] for b in s["backups"]]
    return [Sample((group["id"], backup["id"]), {"hostIqn": IQN, "individualBackupIds": parts[:1]})]


def _volume_detach(tenant: Tenant) -> list[Sample]:
    (sample,) = _volume_attach(tenant)
    path = f"{BACKUP}/volume-protection-groups/{sample.ids[0]}/backups/{sample.ids[1]}/attach"
    before = ("POST", path, {"hostIqn": IQN})
    return [Sample(sample.ids, {"hostIqn": IQN}, before=(before, ("POST", path, {"hostIqn": f"{IQN}-2"})))]


# --- jobs and policies ---------------------------------------------------------------------------------------------


def _create_job(tenant: Tenant) -> list[Sample]:
    vm = named(tenant, "virtual-machines", "lab-build-07")
    gold = named(tenant, "protection-policies", "Gold-Protection-Policy")
    store = named(tenant, "protection-stores", "Local_so-dc1-5260_archive")["id"]
    base = {"assetInfo": {"id": vm["id"], "type": vm["type"]}, "protectionPolicyId": gold["id"]}
    schedule = {
        "scheduleId": 2, "backupGranularity": "VOLUME", "consistency": "CRASH", "createSnapshotOnFailure": True,
        "expireAfter": {"value": 20, "unit": "DAYS"}, "lockFor": {"value": 4, "unit": "DAYS"},
        "namePattern": {"format": "mine_{DateFormat}"}, "postScriptInfo": {"params": "a"},
        "preScriptInfo": {"params": "b"}, "vmwareOptions": {"includeRdmDisks": True},
    }  # fmt: skip
    own = {"id": gold["protections"][1]["id"], "protectionStoreId": store, "schedules": [schedule]}
    return [
        Sample((), {**base, "overrides": {"protections": [own]}}),
        Sample((), {**base, "effectiveFromDateTime": "2026-12-24T00:00:00Z"}),
    ]


def _job(body: Body | None) -> Callable[[Tenant], list[Sample]]:
    return lambda tenant: [Sample((named(tenant, "protection-jobs", "web-legacy-03")["id"],), body)]


def _resume_job(tenant: Tenant) -> list[Sample]:
    job = named(tenant, "protection-jobs", "web-legacy-03")
    return [Sample((job["id"],), {"scheduleIds": [1]}, before=(("POST", f"{job['resourceUri']}/suspend", {}),))]


def _run_job(tenant: Tenant) -> list[Sample]:
    group = named(tenant, "virtual-machine-protection-groups", "vmpg-crm-03")
    body = {"scheduleIds": [1], "fullBackup": True, "includeResources": [group["assets"][0]["id"]]}
    return [Sample((group["protectionJobInfo"]["id"],), body)]


def _schedule(tenant: Tenant, *, whole: bool) -> Body:
    script = {
        "hostId": tenant.all("application-hosts")[0]["id"],
        "path": "/opt/x.sh",
        "params": "a",
        "timeoutInSeconds": 60,
    }
    schedule = {
        "scheduleId": 1, "name": "mine", **SPANS, "namePattern": {"format": "mine_{DateFormat}"},
        "schedule": {"recurrence": "WEEKLY", "repeatInterval": {"every": 1, "on": [2]}, "startTime": "20:00",
                     "activeTime": {"activeFromTime": "20:00", "activeUntilTime": "23:00"}},
    }  # fmt: skip
    more = {"postScriptInfo": script, "preScriptInfo": script, "sourceProtectionScheduleId": 2}
    return schedule | (more if whole else {})


def _policy(tenant: Tenant, ids: tuple[str, ...] = (), name: str = "mine") -> list[Sample]:
    store = named(tenant, "protection-stores", "Local_psg-dc1-01")["id"]
    one = {"type": "BACKUP", "protectionStoreId": store, "schedules": [_schedule(tenant, whole=True)]}
    body = {"name": name, "description": "d", "applicationType": "VMWARE", "protections": [one]}
    return [Sample(ids, body)]


def _replace_policy(tenant: Tenant) -> list[Sample]:
    return _policy(tenant, (named(tenant, "protection-policies", "Pilot-Immutable")["id"],))


def _update_policy(tenant: Tenant) -> list[Sample]:
    policy = named(tenant, "protection-policies", "Gold-Protection-Policy")
    one = {"id": policy["protections"][0]["id"], "schedules": [_schedule(tenant, whole=False)]}
    return [Sample((policy["id"],), {"name": "mine", "description": "d", "protections": [one]})]


# --- groups --------------------------------------------------------------------------------------------------------


def _create_vm_group(tenant: Tenant) -> list[Sample]:
    vm, tag = named(tenant, "virtual-machines", "lab-build-07"), tenant.all("tags")[0]
    base = {"name": "mine", "description": "d", "assetsCategory": "VMFS_VMS"}
    member = {"type": tag["type"], "name": tag["name"], "resourceUri": tag["resourceUri"]}
    return [
        Sample((), {**base, "vmProtectionGroupType": "CUSTOM", "assets": [{"id": vm["id"], "type": vm["type"]}]}),
        Sample((), {**base, "vmProtectionGroupType": "NATIVE",
                    "nativeAppInfo": {"id": tenant.all("folders")[1]["id"], "type": "VMWARE_FOLDER"}}),
        Sample((), {**base, "vmProtectionGroupType": "DYNAMIC",
                    "dynamicMemberFilter": {"type": "VMWARE_TAG", "members": [member]}}),
    ]  # fmt: skip


def _update_vm_group(tenant: Tenant) -> list[Sample]:
    groups = tenant.all("virtual-machine-protection-groups")
    custom = named(tenant, "virtual-machine-protection-groups", "vmpg-crm-03")
    dynamic = next(g for g in groups if g["vmProtectionGroupType"] == "DYNAMIC")
    asset, tag = custom["assets"][0], tenant.all("tags")[0]
    member = {"type": tag["type"], "name": tag["name"], "resourceUri": tag["resourceUri"]}
    assets = [{n: asset[n] for n in ("id", "type", "name", "displayName")}]
    return [
        Sample((custom["id"],), {"name": "mine", "description": "d", "assets": assets}),
        Sample((dynamic["id"],), {"dynamicMemberFilter": {"type": "VMWARE_TAG", "members": [member]}}),
    ]


def _create_sql_group(tenant: Tenant) -> list[Sample]:
    database, instance = tenant.all("mssql-databases")[-1], tenant.all("mssql-instances")[0]
    base = {"name": "mine", "description": "d"}
    native = {"id": instance["id"], "type": "MSSQL_INSTANCE", "excludeSystemDatabases": True, "uid": "x"}
    return [
        Sample((), {**base, "protectionGroupType": "CUSTOM", "members": [{"resourceUri": database["resourceUri"]}]}),
        Sample((), {**base, "protectionGroupType": "NATIVE", "nativeAppInfo": native}),
    ]


def _update_sql_group(tenant: Tenant) -> list[Sample]:
    groups = tenant.all("mssql-database-protection-groups")
    database = tenant.all("mssql-databases")[-1]
    native = next(g for g in groups if g["protectionGroupType"] == "NATIVE")
    body = {"name": "mine", "description": "d", "members": [{"resourceUri": database["resourceUri"]}]}
    return [
        Sample((groups[0]["id"],), body),
        Sample((native["id"],), {"nativeAppInfo": {"excludeSystemDatabases": False}}),
    ]


def _create_volume_group(tenant: Tenant) -> list[Sample]:
    array, volume = tenant.all("storage-systems")[1]["id"], _volume_group(tenant)["assets"][0]["id"]
    base = {"name": "mine", "description": "d", "storageSystemInfo": {"id": array}}
    native = {"id": volume, "name": "native"}
    return [
        Sample((), {**base, "volumeProtectionGroupType": "CUSTOM", "assets": [{"id": volume}]}),
        Sample((), {**base, "volumeProtectionGroupType": "NATIVE", "nativeGroupInfo": native}),
    ]


def _update_volume_group(tenant: Tenant) -> list[Sample]:
    group = _volume_group(tenant)
    return [Sample((group["id"],), {"name": "mine", "description": "d", "assets": [{"id": group["assets"][1]["id"]}]})]


# --- stores, gateways, systems -------------------------------------------------------------------------------------


def _create_store(tenant: Tenant) -> list[Sample]:
    gateway, place = named(tenant, "protection-store-gateways", "psg-dc1-01"), tenant.all("storage-locations")[1]
    system = {"storageSystemId": gateway["id"], "storageSystemType": "PROTECTION_STORE_GATEWAY", "displayName": "mine"}
    cloud = {"protectionStoreType": "CLOUD", "storageLocationId": place["id"]}
    region = {"region": place["cloudServiceProviderId"]}
    return [Sample((), {**system, **cloud, **region}), Sample((), {**system, **cloud}),
            Sample((), {**system, "protectionStoreType": "ON_PREMISES"})]  # fmt: skip


def _reattach_store(tenant: Tenant) -> list[Sample]:
    store = named(tenant, "protection-stores", "Cloud_psg-dc2-01_Germany, Frankfurt")
    gateway = named(tenant, "protection-store-gateways", "psg-dc1-01")
    return [Sample((store["id"],), {"storageSystemId": gateway["id"], "storageSystemType": "PROTECTION_STORE_GATEWAY"})]


def _about(collection: str, name: str, body: Any = None, **more: Any) -> Callable[[Tenant], list[Sample]]:
    return lambda tenant: [Sample((named(tenant, collection, name)["id"],), body, **more)]


LOAD = {
    "maxInCloudDailyProtectedDataInTiB": 2.0,
    "maxInCloudRetentionDays": 90,
    "maxOnPremDailyProtectedDataInTiB": 3.0,
    "maxOnPremRetentionDays": 30,
}


def _gateway(tenant: Tenant) -> list[Body]:
    there = site(tenant)
    network = {"name": "VM Network", "networkType": "STATIC", "networkAddress": "10.1.0.99", "gateway": "10.1.0.1",
               "subnetMask": "255.255.255.0", "dns": [{"networkAddress": "10.1.0.53"}]}  # fmt: skip
    config = {**LOAD, "datastoreIds": [there["datastores"][0]["id"]], "network": network, "contentLibraryId": "lib-1",
              "folderId": there["folders"][1]["id"]}  # fmt: skip
    config |= {"override": {"cpu": 8, "ramInGiB": 64, "storageInTiB": 2}}
    places: list[Body] = [{"clusterId": there["clusters"][0]["id"]}, {"hostId": there["hosts"][0]["id"]},
                          {"resourcePoolId": there["pools"][0]["id"]}]  # fmt: skip
    return [
        {"name": "psg-new", "hypervisorManagerId": there["manager"]["id"], "vmConfig": {**config, **p}} for p in places
    ]


def _recover_gateway(tenant: Tenant) -> list[Sample]:
    gateway = named(tenant, "protection-store-gateways", "psg-dc2-01")
    connected = named(tenant, PSG, "psg-dc1-01")
    result = [Sample((gateway["id"],), body) for body in _gateway(tenant)]
    return [*result, Sample((connected["id"],), _gateway(tenant)[0], refused=True)]


def _resize_gateway(tenant: Tenant) -> list[Sample]:
    gateway = named(tenant, "protection-store-gateways", "psg-dc1-01")
    override = {"cpu": 20, "ramInGiB": 200, "storageInTiB": 26}
    body = {**LOAD, "datastoreIds": [site(tenant)["datastores"][0]["id"]], "override": override}
    return [Sample((gateway["id"],), body)]


NIC = {"networkAddress": "10.1.9.40", "networkType": "STATIC", "subnetMask": "255.255.255.0", "gateway": "10.1.9.1",
       "networkName": "DMZ-200"}  # fmt: skip


def _nic(with_id: bool, whole: bool = True) -> Callable[[Tenant], list[Sample]]:
    def build(tenant: Tenant) -> list[Sample]:
        gateway = named(tenant, "protection-store-gateways", "psg-dc1-01")
        nic = {**(NIC if whole else {}), **({"id": gateway["network"]["nics"][1]["id"]} if with_id else {})}
        return [Sample((gateway["id"],), {"nic": nic} | ({"force": True} if with_id and whole else {}))]

    return build


PROXY = {"networkAddress": "proxy.example.com", "port": 3128, "credentials": {"username": "u", "password": "p"}}
GATEWAY = {"dns": [{"networkAddress": "10.1.0.54"}], "ntp": [{"networkAddress": "10.1.0.55"}], "proxy": PROXY,
           "dateTime": {"methodDateTimeSet": "NTP", "timezone": "Etc/UTC",
                        "utcDateTime": "2026-11-24T08:00:00Z"}}  # fmt: skip
ROUTE = {"gateway": "10.1.0.2", "networkAddress": "10.9.0.0", "subnetMask": "255.0.0.0"}
ORCHESTRATOR = {
    "displayName": "do-renamed", "dateTime": {"methodDateTimeSet": "VM_HOST", "timezone": "Europe/Berlin"},
    "network": {"defaultGateway": "10.1.0.3", "hostname": "do.example.com", "searchDomains": ["example.org"],
                "nameServers": [{"networkAddress": "10.1.0.56"}], "proxy": PROXY,
                "nic": [{"name": "Network1", "addressType": "STATIC", "enabled": True, "networkAddress": "10.1.0.21",
                         "staticRoutes": [ROUTE], "subnetMask": "255.255.255.0"}]},
    "ntp": {"ntpServers": [{"networkAddress": "10.1.0.57"}]},
}  # fmt: skip
HOST = {"name": "sqlhost-new", "description": "d", "networkAddress": "sqlhost-new.example.com",
        "credentials": {"username": "u", "password": "p"}}  # fmt: skip
DO, PSG = "data-orchestrators", "protection-store-gateways"


def _instance(tenant: Tenant) -> list[Sample]:
    credentials = {"mode": "SQL", "username": "sa", "password": "p"}
    return [Sample((tenant.all("mssql-instances")[0]["id"],), {"credentials": credentials})]


def _copy_of(holder: str, kind: str) -> Callable[[Tenant], list[Sample]]:
    def build(tenant: Tenant) -> list[Sample]:
        asset = next(a for a in tenant.all(holder) if copies(tenant, holder, a, kind))
        return [Sample((asset["id"], copies(tenant, holder, asset, kind)[0]["id"]))]

    return build


HOLDERS = {"VirtualMachine": "virtual-machines", "Datastore": "datastores", "MSSQLDatabase": "mssql-databases",
           "Vmpg": "virtual-machine-protection-groups", "Vpg": "volume-protection-groups"}  # fmt: skip
REQUESTS: dict[str, Callable[[Tenant], list[Sample]]] = {
    **{f"{name}{kind}Update": _update(holder, f"{kind.lower()}s", name != "MSSQLDatabase")
       for name, holder in HOLDERS.items() for kind in ("Backup", "Snapshot")},
    **{f"{'Remove' if name == 'Vpg' else 'Delete'}{name}{kind}": _copy_of(holder, f"{kind.lower()}s")
       for name, holder in HOLDERS.items() for kind in ("Backup", "Snapshot")},
    "VirtualMachineRestore": _restore_vm,
    "VirtualMachineDisksRestore": _restore_disks,
    "VirtualMachineFileRestore": _restore_files,
    "DatastoreRestoreFromCopy": _restore_datastore,
    "MSSQLDatabaseRestore": _restore_database,
    "VmpgRestore": _restore_group,
    "VolumeProtectionGroupRestore": _restore_volumes,
    "VpgSnapshotCreate": lambda t: [
        Sample((_volume_group(t)["id"],), {"name": "by-hand", "description": "d", **SPANS})],
    "VpgBackupCreate": _volume_backup,
    "VpgBackupAttach": _volume_attach,
    "VpgBackupDetach": _volume_detach,
    "DataManagementJobCreate": _create_job,
    "DataManagementJobSuspend": _job({"scheduleIds": [1]}),
    "DataManagementJobResume": _resume_job,
    "DataManagementJobRun": _run_job,
    "DataManagementTemplateCreate": _policy,
    "DataManagementTemplateReplace": _replace_policy,
    "DataManagementTemplateUpdate": _update_policy,
    "VmProtectionGroupCreate": _create_vm_group,
    "VmProtectionGroupUpdate": _update_vm_group,
    "VmProtectionGroupDelete": _about("virtual-machine-protection-groups", "vmpg-erp-01", refused=True),
    "MSSQLDatabaseProtectionGroupCreate": _create_sql_group,
    "MSSQLDatabaseProtectionGroupUpdate": _update_sql_group,
    "VolumeProtectionGroupCreate": _create_volume_group,
    "VolumeProtectionGroupUpdate": _update_volume_group,
    "VolumeProtectionGroupRefresh": lambda t: [Sample((_volume_group(t)["id"],), {"fullRefresh": True})],
    "RemoveVolumeProtectionGroup": lambda t: [Sample((_volume_group(t)["id"],), refused=True)],
    "ProtectionStoreCreate": _create_store,
    "ProtectionStoreEdit": _about("protection-stores", "Local_psg-dc1-01", {"displayName": "renamed"}),
    "CloudProtectionStoreReattach": _reattach_store,
    "ProtectionStoreDelete": _about("protection-stores", "Local_psg-dc1-01", refused=True),
    "StoreOnceCreate": lambda _: [Sample((), {**HOST, "serialNumber": "SO-2", "networkAddress": "10.1.0.61"})],
    "StoreOnceUpdate": _about("storeonces", "so-dc1-5260", {"networkAddress": "10.1.0.62", "description": "d"}),
    "StoreOnceDelete": _about("storeonces", "so-dc1-5260", refused=True),
    "ProtectionStoreGatewaySize": lambda _: [Sample((), LOAD)],
    "ProtectionStoreGatewayPSGSize": _about(PSG, "psg-dc1-01", LOAD),
    "ProtectionStoreGatewayCreate": lambda t: [Sample((), body) for body in _gateway(t)],
    "ProtectionStoreGatewayRecover": _recover_gateway,
    "ProtectionStoreGatewayUpdate": _about(PSG, "psg-dc1-01", GATEWAY),
    "ProtectionStoreGatewayDelete": _about(PSG, "psg-dc1-01", refused=True),
    "ProtectionStoreGatewayStorage": _resize_gateway,
    "ProtectionStoreGatewayNicCreate": _nic(with_id=False),
    "ProtectionStoreGatewayNicUpdate": _nic(with_id=True),
    "ProtectionStoreGatewayNicDelete": _nic(with_id=True, whole=False),
    "ProtectionStoreGatewayShutdownGuestOS": _about(PSG, "psg-dc1-01"),
    "ProtectionStoreGatewayPing": _about(PSG, "psg-dc1-01", {"address": "10.1.0.1"}),
    "ProtectionStoreGatewayTraceroute": _about(PSG, "psg-dc1-01", {"address": "10.1.0.1"}),
    "ProtectionStoreGatewayGenerateSupportBundle": _about(PSG, "psg-dc1-01", {"description": "d", "slim": True}),
    "ProtectionStoreGatewaySetRemoteSupport": _about(PSG, "psg-dc1-01", {"enabled": True}),
    "DataOrchestratorCreate": lambda _: [
        Sample((), {"activationCode": "00000000-0000-4000-8000-000000000000", "displayName": "do-new"})
    ],
    "DataOrchestratorModify": _about(DO, "do-dc1-01", ORCHESTRATOR),
    "DataOrchestratorDelete": _about(DO, "do-dc1-01", refused=True),
    "DataOrchestratorRecover": _about(DO, "do-dc1-01", {"sid": "00000000-0000-4000-8000-000000000001"}),
    "DataOrchestratorReboot": _about(DO, "do-dc1-01", {"force": True}),
    "DataOrchestratorShutdown": _about(DO, "do-dc1-01", {"force": True}),
    "DataOrchestratorInfosightConfigModify": _about(DO, "do-dc1-01", {"remoteAccessEnabled": True}),
    "SupportBundleCreate": _about(DO, "do-dc1-01", {"description": "d"}),
    "ApplicationHostCreate": lambda _: [Sample((), HOST)],
    "ApplicationHostUpdate": _about("application-hosts", "sqlhost-01.example.com", HOST),
    "UnregisterApplicationHost": _about("application-hosts", "sqlhost-01.example.com", refused=True),
    "MSSQLInstanceUpdate": _instance,
}  # fmt: skip


def _id(collection: str, n: int = 1) -> Callable[[Tenant], Any]:
    return lambda tenant: tenant.all(collection)[n]["id"]


def _next_copy(holder: str, name: str, kind: str) -> Callable[[Tenant], Any]:
    return lambda tenant: copies(tenant, holder, named(tenant, holder, name), kind)[1]["id"]


def _other(collection: str, kind: str, skip: Callable[[Tenant], Body]) -> Callable[[Tenant], Any]:
    return lambda tenant: copies(tenant, collection, skip(tenant), kind)[1]["id"]


def _database(tenant: Tenant) -> Body:
    return tenant.world.resources["mssql-databases"][_restore_database(tenant)[0].ids[0]]


def _datastore(tenant: Tenant) -> Body:
    return tenant.world.resources["datastores"][_restore_datastore(tenant)[0].ids[0]]


# Other values: by argument, or by its last name alone.
CHANGES: dict[str, Callable[[Tenant], Any]] = {
    "expiresAt": lambda _: "2027-04-01T00:00:00Z",
    "lockedUntil": lambda _: "2027-02-01T00:00:00Z",
    "clusterId": lambda t: site(t)["clusters"][1]["id"],
    "hostId": lambda t: site(t)["hosts"][1]["id"],
    "datastoreId": lambda t: site(t)["datastores"][1]["id"],
    "datastoreIds": lambda t: site(t)["datastores"][1]["id"],
    "folderId": lambda t: site(t)["folders"][2]["id"],
    "resourcePoolId": lambda t: site(t)["pools"][1]["id"],
    "hypervisorManagerId": _id("hypervisor-managers"),
    "DataManagementTemplateCreate protections[]/schedules[]/preScriptInfo/hostId": _id("application-hosts"),
    "DataManagementTemplateCreate protections[]/schedules[]/postScriptInfo/hostId": _id("application-hosts"),
    "DataManagementTemplateReplace protections[]/schedules[]/preScriptInfo/hostId": _id("application-hosts"),
    "DataManagementTemplateReplace protections[]/schedules[]/postScriptInfo/hostId": _id("application-hosts"),
    "storageSystemId": lambda t: next(a["id"] for a in t.all("storage-systems")
                                      if a["id"] != array_id(site(t)["datastores"][0])),
    "DatastoreRestoreFromCopy targetDatastoreInfo/storageInfo/storageSystemId": _id("storage-systems", 0),
    "targetStorageSystemId": _id("storage-systems", 0),
    "VirtualMachineRestore backupId": _next_copy("virtual-machines", "web-legacy-03", "backups"),
    "VirtualMachineRestore snapshotId": _next_copy("virtual-machines", "web-legacy-03", "snapshots"),
    "VirtualMachineRestore targetVmInfo/vmHardwareCustomization/networkAdapters[]/networkDetails/id":
        lambda t: site(t)["networks"][3]["id"],
    "VirtualMachineFileRestore backupId": _next_copy("virtual-machines", "web-legacy-03", "backups"),
    "VirtualMachineFileRestore snapshotId": _next_copy("virtual-machines", "web-legacy-03", "snapshots"),
    "virtualMachineId": lambda t: named(t, "virtual-machines", "web-legacy-03")["id"],
    "absoluteSourcePath": lambda _: "/etc/hosts", "absoluteTargetPath": lambda _: "/restored/hosts",
    "VirtualMachineDisksRestore backupId": _other("virtual-machines", "backups", _disks_vm),
    "VirtualMachineDisksRestore snapshotId": _other("virtual-machines", "snapshots", _disks_vm),
    "diskLabel": lambda _: "Hard disk 2",
    "targetVmId": lambda t: next(v for v in reversed(t.all("virtual-machines")) if len(v["virtualDisks"]) > 1)["id"],
    "MSSQLDatabaseRestore backupId": _other("mssql-databases", "backups", _database),
    "MSSQLDatabaseRestore snapshotId": _other("mssql-databases", "snapshots", _database),
    "instanceId": lambda t: _database(t)["instanceInfo"]["id"],
    "restoreUntil": lambda _: "2026-11-24T05:00:00Z",
    "DatastoreRestoreFromCopy backupId": _other("datastores", "backups", _datastore),
    "DatastoreRestoreFromCopy snapshotId": _other("datastores", "snapshots", _datastore),
    "DatastoreRestoreFromCopy targetDatastoreInfo/folderId": lambda t: site(t)["folders"][0]["id"],
    "recoveryPointId": lambda t: copies(t, "virtual-machines", named(
        t, "virtual-machines", named(t, "virtual-machine-protection-groups", "vmpg-crm-03")["assets"][0]["name"]),
        "backups")[1]["id"],
    "resourceId": lambda t: named(t, "virtual-machine-protection-groups", "vmpg-crm-03")["assets"][1]["id"],
    "includeResources": lambda t: named(t, "virtual-machine-protection-groups", "vmpg-crm-03")["assets"][1]["id"],
    "vpgBackupId": _other("volume-protection-groups", "backups", _volume_group),
    "vpgSnapshotId": _other("volume-protection-groups", "snapshots", _volume_group),
    "individualSnapshotIds": lambda t: copies(t, "volume-protection-groups", _volume_group(t), "snapshots")[0][
        "individualSnapshotsInfo"][1]["id"],
    "VpgBackupCreate protectionStoreId": lambda t: named(t, "protection-stores", "Local_so-dc1-5260_archive")["id"],
    "VpgBackupCreate sourceCopyInfo/id": _other("volume-protection-groups", "snapshots", _volume_group),
    "VpgBackupDetach hostIqn": lambda _: f"{IQN}-2",
    "scheduleIds": lambda _: 2,
    "sourceProtectionScheduleId": lambda _: 3,
    "DataManagementJobCreate assetInfo/id": lambda t: next(
        v["id"] for v in t.all("virtual-machines") if v["protectionStatus"] == "LAPSED"),
    "DataManagementJobCreate protectionPolicyId":
        lambda t: named(t, "protection-policies", "Silver-Protection-Policy")["id"],
    "DataManagementJobCreate overrides/protections[]/protectionStoreId":
        lambda t: named(t, "protection-stores", "Local_so-dc1-5260")["id"],
    "protectionStoreId": lambda t: named(t, "protection-stores", "Local_so-dc1-5260_archive")["id"],
    "effectiveFromDateTime": lambda _: "2026-12-25T00:00:00Z",
    "startTime": lambda _: "21:00", "activeFromTime": lambda _: "19:00", "activeUntilTime": lambda _: "22:00",
    "VmProtectionGroupCreate assets[]/id": lambda t: named(t, "virtual-machines", "old-wiki-01")["id"],
    "VmProtectionGroupUpdate assets[]/id": lambda t: named(t, "virtual-machines", "lab-build-07")["id"],
    "VmProtectionGroupCreate nativeAppInfo/id": _id("folders", 2),
    "VmProtectionGroupCreate dynamicMemberFilter/members[]/resourceUri": lambda t: t.all("tags")[1]["resourceUri"],
    "VmProtectionGroupUpdate dynamicMemberFilter/members[]/resourceUri": lambda t: t.all("tags")[1]["resourceUri"],
    "MSSQLDatabaseProtectionGroupCreate members[]/resourceUri": lambda t: t.all("mssql-databases")[-3]["resourceUri"],
    "MSSQLDatabaseProtectionGroupUpdate members[]/resourceUri": lambda t: t.all("mssql-databases")[-3]["resourceUri"],
    "MSSQLDatabaseProtectionGroupCreate nativeAppInfo/id": _id("mssql-instances"),
    "VolumeProtectionGroupCreate assets[]/id": lambda t: _volume_group(t)["assets"][1]["id"],
    "VolumeProtectionGroupUpdate assets[]/id": lambda t: _volume_group(t)["assets"][2]["id"],
    "VolumeProtectionGroupCreate nativeGroupInfo/id": lambda t: _volume_group(t)["assets"][1]["id"],
    "VolumeProtectionGroupCreate storageSystemInfo/id": _id("storage-systems", 0),
    "ProtectionStoreCreate storageLocationId": _id("storage-locations", 0),
    "ProtectionStoreCreate storageSystemId": lambda t: named(t, PSG, "psg-dc2-01")["id"],
    "CloudProtectionStoreReattach storageSystemId": lambda t: named(t, PSG, "psg-dc2-01")["id"],
    "password": lambda _: "wrong",
    "maxOnPremRetentionDays": lambda _: 300,
    "maxInCloudRetentionDays": lambda _: 900,
    "StoreOnceCreate networkAddress": lambda _: "10.1.0.63", "StoreOnceUpdate networkAddress": lambda _: "10.1.0.63",
    "gateway": lambda _: "10.1.9.2", "subnetMask": lambda _: "255.255.0.0",
    "networkName": lambda _: "Production-120", "network/name": lambda _: "Production-120",
    "ProtectionStoreGatewayCreate vmConfig/network/name": lambda _: "Production-120",
    "ProtectionStoreGatewayRecover vmConfig/network/name": lambda _: "Production-120",
    "address": lambda _: "10.1.0.2",
    "networkAddress": lambda _: "10.1.7.77", "defaultGateway": lambda _: "10.1.0.4",
    "ProtectionStoreGatewayNicDelete nic/id": lambda t: named(t, PSG, "psg-dc1-01")["network"]["nics"][0]["id"],
    "ProtectionStoreGatewayNicUpdate nic/id": lambda t: named(t, PSG, "psg-dc1-01")["network"]["nics"][0]["id"],
    "utcDateTime": lambda _: "2026-11-24T09:00:00Z",
    "activationCode": lambda _: "00000000-0000-4000-8000-000000000002",
    "sid": lambda _: "00000000-0000-4000-8000-000000000002",
}  # fmt: skip
