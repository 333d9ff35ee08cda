"""TABLE of judgement: for each resource its columns, what is counted, what wants attention.

To change what a list shows, change its row here; every path must exist in the description (tests/test_columns.py).
A column's name is what `select`, `sort` and `where` call it. Knows no HTTP and formats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from . import items
from .items import Item
from .openapi import Operation

Show = Literal["text", "time", "until", "lock", "size", "percent", "count"]
Read = Callable[[Item, Sequence[str]], Any]


@dataclass(frozen=True)
class Column:
    """A value of an item, the attributes it is read from, and how it is shown (`most`: characters of a cell)."""

    name: str
    paths: tuple[str, ...]
    show: Show = "text"
    read: Read = items.first
    most: int = 40

    def of(self, item: Item) -> Any:
        """The value for an item; a list where it has several, None without."""
        return self.read(item, self.paths)


@dataclass(frozen=True)
class Resource:
    """What matters of one kind of thing. `point`: the time told as oldest and newest; `more`: only in details."""

    noun: str
    operations: tuple[str, ...]  # the list first, then what reads one
    columns: tuple[Column, ...]
    counted: tuple[Column, ...] = ()
    trouble: Column | None = None
    point: Column | None = None
    expires: bool = False  # has expiresAt and lockedUntil
    sums: tuple[Column, ...] = ()
    more: tuple[Column, ...] = ()

    @property
    def every(self) -> tuple[Column, ...]:
        """All columns, each name once."""
        held = [*self.columns, *self.more, *self.counted, *self.sums]
        held += [c for c in (self.trouble, self.point) if c is not None]
        held += [EXPIRES, LOCKED] if self.expires else []
        return tuple({column.name: column for column in reversed(held)}.values())[::-1]


def text(name: str, *paths: str, most: int = 40) -> Column:
    """A column of text; the first path that has a value counts, the name itself without any."""
    return Column(name, paths or (name,), most=most)


def time(name: str, path: str = "", read: Read = items.first) -> Column:
    """A column of a point in time."""
    return Column(name, (path or name,), "time", read)


def size(name: str, *paths: str, read: Read = items.total_bytes) -> Column:
    """A column of bytes."""
    return Column(name, paths or (name,), "size", read)


def lines(name: str, *paths: str, read: Read, most: int = 160) -> Column:
    """A column computed by `read`, maybe of several values."""
    return Column(name, paths, "text", read, most)


def count(name: str, path: str) -> Column:
    """A column that says how many elements a list has."""
    return Column(name, (path,), "count", items.amount)


def trouble(*paths: str, read: Read = items.trouble) -> Column:
    """The column of what is wrong: states, then the reason."""
    return Column("problem", paths, read=read, most=100)


ID = text("id", most=80)
NAME = text("name")
SHOWN_NAME = text("name", "displayName", "name")
HEALTH = lines("health", "state", "status", read=items.health, most=30)
STATES = (text("state"), text("status"))
TROUBLE = trouble("state", "status", "stateReason")
POLICY = text("policy", "protectionJobInfo/protectionPolicyInfo/name", most=30)
POLICY_ID = text("policyId", "protectionJobInfo/protectionPolicyInfo/id")
JOB_ID = text("jobId", "protectionJobInfo/id")
VCENTER = text("vcenter", "hypervisorManagerInfo/displayName", "hypervisorManagerInfo/name", most=30)
HOST = text("host", "applicationHostInfo/displayName", "applicationHostInfo/name", most=30)
PROTECTION = text("protectionStatus")
POINT = time("pointInTime")
CREATED = time("createdAt")
EXPIRES = Column("expiresAt", ("expiresAt",), "until")
LOCKED = Column("lockedUntil", ("lockedUntil",), "lock")  # a lock of the past is none
VERIFIED = lines("verified", "verificationInfo/state", "verified", read=items.verified, most=15)
STORE = text("store", "protectionStoreInfo/name", "storageSystemInfo/displayName", most=24)
PLAIN_STORE = replace(STORE, paths=("protectionStoreInfo/name",))
STORE_TYPE = text("storeType", "protectionStoreInfo/protectionStoreType")
BACKUP_TYPE = text("backupType")
BACKED_MIB = size("size", "backupSetsInfo/backups/sizeInMib")
BACKED_BYTES = size("size", "backupSetsInfo/backups/sizeInBytes")
SNAPPED_MIB = size("size", "volumesSnapshotInfo/sizeInMib")
COPY_NAME = text("name", most=32)
CONSISTENCY = text("consistency")
SCHEDULE = text("schedule", "scheduleInfo/name")
ASSOCIATED = lines("alsoHolds", "associatedDatabases/name", read=items.every)  # deleting the copy deletes theirs too


def copies(
    noun: str, listing: str, getting: str, bytes_: Column, place: Column, *extra: Column, kind: Column | None = None
) -> Resource:
    """The row of one of the ten kinds of recovery points."""
    counted = [c for c in (kind, *STATES) if c is not None]
    verified = VERIFIED if VERIFIED in extra else None
    own = [ID, COPY_NAME, HEALTH, kind, POINT, EXPIRES, LOCKED, verified, bytes_, place]
    return Resource(
        noun,
        (listing, getting),
        columns=tuple(c for c in own if c is not None),
        counted=(*counted, *((verified,) if verified else ()), place),
        trouble=trouble("state", "status", *(("verificationInfo/state",) if verified else ()), "stateReason"),
        point=POINT,
        expires=True,
        sums=(bytes_,),
        more=tuple(c for c in extra if c is not VERIFIED),
    )


_ARRAY = text("array", "storageSystemsInfo/displayName", "storageSystemsInfo/name", most=24)
_MSSQL_ARRAY = text("array", "storageSystemsInfo/name", most=24)
_VOLUME_ARRAY = text("array", "storageSystemInfo/name", most=24)

TABLE: tuple[Resource, ...] = (
    # recovery points
    copies("VM backup", "VirtualMachineBackupList", "VirtualMachineBackup", BACKED_MIB, STORE, VERIFIED, CONSISTENCY,
           SCHEDULE, kind=BACKUP_TYPE),
    copies("VM snapshot", "VirtualMachineSnapshotList", "VirtualMachineSnapshot", SNAPPED_MIB, _ARRAY, CONSISTENCY, SCHEDULE),
    copies("datastore backup", "DatastoreBackupList", "DatastoreBackup", BACKED_MIB, STORE, VERIFIED, CONSISTENCY,
           SCHEDULE, kind=BACKUP_TYPE),
    copies("datastore snapshot", "DatastoreSnapshotList", "DatastoreSnapshot", SNAPPED_MIB, _ARRAY, CONSISTENCY, SCHEDULE),
    copies("VM protection group backup", "VmpgBackupList", "VmpgBackup", BACKED_BYTES, STORE, VERIFIED, CONSISTENCY,
           SCHEDULE, kind=BACKUP_TYPE),
    copies("VM protection group snapshot", "VmpgSnapshotList", "VmpgSnapshot", SNAPPED_MIB, _ARRAY, CONSISTENCY, SCHEDULE),
    copies("MSSQL database backup", "MSSQLDatabaseBackupList", "MSSQLDatabaseBackup", BACKED_BYTES, STORE, SCHEDULE,
           ASSOCIATED, time("lastLogBackup", "logBackupInfo/lastLogBackupTime"), kind=BACKUP_TYPE),
    copies("MSSQL database snapshot", "MSSQLDatabaseSnapshotList", "MSSQLDatabaseSnapshot", SNAPPED_MIB, _MSSQL_ARRAY,
           SCHEDULE, ASSOCIATED, time("lastLogBackup", "logBackupInfo/lastLogBackupTime")),
    copies("volume protection group backup", "VpgBackupList", "VpgBackup", BACKED_BYTES, PLAIN_STORE,
           text("mountState"), SCHEDULE, kind=BACKUP_TYPE),
    copies("volume protection group snapshot", "VpgSnapshotList", "VpgSnapshot",
           size("size", "individualSnapshotsInfo/sizeInMiB"), _VOLUME_ARRAY, SCHEDULE),
    # protection
    Resource(
        "protection policy",
        ("DataManagementTemplatesList", "DataManagementTemplateDetail"),
        (ID, NAME, text("applicationType"), lines("tiers", "protections", read=items.tiers, most=320),
         count("jobs", "protectionJobsInfo")),
        counted=(text("applicationType"), text("assigned"), lines("tierType", "protections/type", read=items.every),
                 lines("store", "protections/protectionStoreInfo/name", read=items.every)),
        more=(text("description", most=300), text("createdBy", "createdBy/name"), CREATED),
    ),
    Resource(
        "protection job",
        ("DataManagementJobsList", "DataManagementJobDetail"),
        (ID, text("asset", "assetInfo/displayName", "assetInfo/name"), text("assetType", "assetInfo/type"),
         text("policy", "protectionPolicyInfo/name", most=30), text("operational"),
         time("lastGood", "protections/schedules/prevSuccessfulRunTime", items.last_good),
         Column("nextRun", ("protections/schedules/nextRunTime",), "until", items.next_run),
         lines("failing", "protections", read=items.failing)),
        counted=(text("operational"), lines("lastRuns", "protections", read=items.last_results),
                 text("assetType", "assetInfo/type"), text("policy", "protectionPolicyInfo/name", most=30)),
        trouble=trouble("protections", read=items.job_trouble),
        point=time("lastGood", "protections/schedules/prevSuccessfulRunTime", items.last_good),
        more=(text("assetId", "assetInfo/id"), text("policyId", "protectionPolicyInfo/id"),
              lines("tiers", "protections", read=items.tiers, most=320)),
    ),
    Resource(
        "VM protection group",
        ("VmProtectionGroupList", "VmProtectionGroup"),
        (ID, NAME, text("groupType", "vmProtectionGroupType"), HEALTH, count("members", "assets"),
         Column("vms", ("protectedResourcesInfo/virtualMachinesCount",), "count"), POLICY, VCENTER),
        counted=(text("groupType", "vmProtectionGroupType"), *STATES, POLICY, VCENTER),
        trouble=TROUBLE,
        sums=(Column("vms", ("protectedResourcesInfo/virtualMachinesCount",), "count"),),
        more=(POLICY_ID, JOB_ID, text("assetsCategory"), CREATED),
    ),
    Resource(
        "volume protection group",
        ("VolumeProtectionGroupList", "VolumeProtectionGroup"),
        (ID, NAME, text("groupType", "volumeProtectionGroupType"), HEALTH, count("members", "assets"), POLICY, _VOLUME_ARRAY),
        counted=(text("groupType", "volumeProtectionGroupType"), *STATES, POLICY, _VOLUME_ARRAY),
        trouble=TROUBLE,
        more=(POLICY_ID, JOB_ID, CREATED),
    ),
    # SQL Server
    Resource(
        "application host",
        ("ApplicationHostList", "ApplicationHost"),
        (ID, SHOWN_NAME, HEALTH, text("os", "osInfo/name"), text("networkAddress"), text("virtual"), text(
            "vcenter", "virtualizationInfo/hypervisorManagerInfo/name", most=30)),
        counted=(*STATES, text("os", "osInfo/name")),
        trouble=TROUBLE,
        more=(text("osVersion", "osInfo/releaseVersion"), text("vm", "virtualizationInfo/virtualMachineInfo/name"), CREATED),
    ),
    Resource(
        "MSSQL instance",
        ("MSSQLInstanceList", "MSSQLInstance"),
        (ID, NAME, HEALTH, HOST, text("product", "productName"), text("version", "productVersion"), text("clustered")),
        counted=(*STATES, HOST, text("product", "productName")),
        trouble=TROUBLE,
        more=(text("vm", "virtualizationInfo/virtualMachineInfo/name"), CREATED),
    ),
    Resource(
        "MSSQL database",
        ("MSSQLDatabaseList", "MSSQLDatabase"),
        (ID, NAME, PROTECTION, HEALTH, text("instance", "instanceInfo/name", most=30), HOST, POLICY,
         text("group", "mssqlDatabaseProtectionGroupInfo/name", most=30), text("recoveryPoints", "recoveryPointsExist"),
         size("size", "sizeInBytes")),
        counted=(PROTECTION, *STATES, text("recoveryPoints", "recoveryPointsExist"), HOST, POLICY),
        trouble=trouble("protectionStatus", "state", "status", "stateReason", read=items.protection_trouble),
        sums=(size("size", "sizeInBytes"),),
        more=(POLICY_ID, JOB_ID, text("availabilityGroup", "availabilityGroupInfo/name"), CREATED),
    ),
    Resource(
        "MSSQL database protection group",
        ("MSSQLDatabaseProtectionGroupList", "MSSQLDatabaseProtectionGroup"),
        (ID, NAME, text("groupType", "protectionGroupType"), text("native", "nativeAppInfo/type"), HEALTH,
         count("members", "members"), POLICY),
        counted=(text("groupType", "protectionGroupType"), *STATES, POLICY),
        trouble=TROUBLE,
        more=(POLICY_ID, JOB_ID, text("description", most=300), CREATED),
    ),
    # infrastructure
    Resource(
        "protection store",
        ("ProtectionStoreList", "ProtectionStoreById"),
        (ID, SHOWN_NAME, text("storeType", "protectionStoreType"),
         lines("health", "state", "status", "connectedState", read=items.health, most=40),
         size("used", "sizeOnDiskInBytes"), size("capacity", "maxCapacityInBytes"),
         Column("full", ("sizeOnDiskInBytes", "maxCapacityInBytes"), "percent", items.fill),
         size("stored", "userDataStoredInBytes"),
         lines("dedupe", "userDataStoredInBytes", "sizeOnDiskInBytes", read=items.ratio, most=12),
         text("system", "storageSystemInfo/displayName", most=30), text("location", "storageLocationInfo/name", "region", most=30)),
        counted=(text("storeType", "protectionStoreType"), *STATES, text("connectedState"),
                 text("systemType", "storageSystemInfo/type")),
        trouble=trouble("sizeOnDiskInBytes", "maxCapacityInBytes", "state", "status", "connectedState", "stateReason",
                        read=items.nearly_full),
        sums=(size("used", "sizeOnDiskInBytes"), size("capacity", "maxCapacityInBytes"), size("stored", "userDataStoredInBytes")),
        more=(text("systemId", "storageSystemInfo/id"), CREATED),
    ),
    Resource(
        "protection store gateway",
        ("ProtectionStoreGatewaysList", "ProtectionStoreGatewayGetById"),
        (ID, SHOWN_NAME, lines("health", "state", "health/state", "health/status", read=items.health),
         text("version", "softwareVersion"), text("address", "network/nics/networkAddress"),
         text("vmId"), text("dataOrchestratorId")),
        counted=(text("state"), text("healthState", "health/state"), text("connection", "health/status"),
                 text("version", "softwareVersion")),
        trouble=trouble("state", "health/state", "health/status", "health/stateReason"),
        more=(time("healthAt", "health/updatedAt"), text("serialNumber"), text("remoteAccess", "remoteAccessEnabled"), CREATED),
    ),
    Resource(
        "StoreOnce",
        ("StoreOncesList", "StoreOnceGetById"),
        (ID, NAME, lines("health", "health/state", "health/status", "storage/state", read=items.health),
         size("used", "storage/usedBytes"), size("free", "storage/freeBytes"),
         Column("full", ("storage/usedBytes", "storage/configuredStorageBytes"), "percent", items.fill),
         text("version", "softwareVersion"), text("serialNumber"), text("address", "network/nics/networkAddress")),
        counted=(text("healthState", "health/state"), text("connection", "health/status"), text("storage", "storage/state")),
        trouble=trouble("storage/usedBytes", "storage/configuredStorageBytes", "health/state", "health/status",
                        "storage/state", "health/stateReason", read=items.nearly_full),
        sums=(size("used", "storage/usedBytes"), size("free", "storage/freeBytes")),
        more=(lines("dataOrchestrators", "dataOrchestrators/name", read=items.every), CREATED),
    ),
    Resource(
        "data orchestrator",
        ("DataOrchestratorList", "DataOrchestratorListById"),
        (ID, SHOWN_NAME, lines("health", "state", "status", "connectionState", read=items.health),
         text("version", "softwareVersion"), text("hostname", "interfaces/network/hostname"),
         text("address", "interfaces/network/nic/networkAddress"), text("serialNumber"), time("latestRecoveryPoint")),
        counted=(*STATES, text("connectionState"), text("version", "softwareVersion")),
        trouble=trouble("state", "status", "connectionState", "stateReason"),
        more=(time("poweredOnAt"), text("ntp", "ntp/state"), text("remoteAccess", "remoteAccessEnabled"), CREATED),
    ),
    # virtualization
    Resource(
        "VM",
        ("VirtualMachinesList", "VirtualMachine"),
        (ID, SHOWN_NAME, PROTECTION, HEALTH, text("power", "powerState"), POLICY,
         text("protectedAt", "protectionPolicyAppliedAtInfo/type"), text("recoveryPoints", "recoveryPointsExist"),
         text("cluster", "clusterInfo/displayName", "clusterInfo/name", most=30), VCENTER, size("capacity", "capacityInBytes")),
        counted=(PROTECTION, *STATES, text("power", "powerState"), text("recoveryPoints", "recoveryPointsExist"), POLICY,
                 VCENTER, text("class", "vmClassification")),
        trouble=trouble("protectionStatus", "state", "status", "stateReason", read=items.protection_trouble),
        sums=(size("capacity", "capacityInBytes"),),
        more=(POLICY_ID, JOB_ID, lines("groups", "vmProtectionGroupsInfo/name", read=items.every),
              text("guest", "guestInfo/name"), text("host", "hostInfo/displayName", "hostInfo/name"),
              text("folder", "folderInfo/displayName", "folderInfo/name"),
              lines("datastores", "appInfo/vmware/datastoresInfo/displayName", read=items.every),
              text("class", "vmClassification"), text("tools", "appInfo/vmware/toolsInfo/status")),
    ),
    Resource(
        "datastore",
        ("DatastoresList", "Datastore"),
        (ID, SHOWN_NAME, text("datastoreType"), PROTECTION, HEALTH, size("free", "capacityFree"),
         size("capacity", "capacityInBytes"), Column("vms", ("vmCount",), "count"), POLICY, VCENTER),
        counted=(PROTECTION, *STATES, text("datastoreType"), POLICY, VCENTER),
        trouble=trouble("protectionStatus", "state", "status", "stateReason", read=items.protection_trouble),
        sums=(size("capacity", "capacityInBytes"), size("free", "capacityFree")),
        more=(POLICY_ID, JOB_ID, text("recoveryPoints", "recoveryPointsExist"),
              text("cluster", "clusterInfo/displayName", "clusterInfo/name")),
    ),
    Resource(
        "vCenter",
        ("HypervisorManagerList", "HypervisorManager"),
        (ID, SHOWN_NAME, HEALTH, text("address", "networkAddress"), text("version", "releaseVersion"), time("lastRefreshed"),
         text("dataOrchestratorId", "dataOrchestratorInfo/id")),
        counted=STATES,
        trouble=TROUBLE,
    ),
    Resource(
        "hypervisor cluster",
        ("HypervisorClusterList", "HypervisorCluster"),
        (ID, SHOWN_NAME, HEALTH, count("hosts", "hypervisorHosts"), VCENTER),
        counted=(*STATES, VCENTER),
        trouble=TROUBLE,
        sums=(size("storage", "clusterPerfMetricInfo/totalStorageInBytes"), size("storageUsed", "clusterPerfMetricInfo/usedStorageInBytes")),
    ),
    Resource(
        "hypervisor host",
        ("HypervisorHostList", "HypervisorHost"),
        (ID, SHOWN_NAME, HEALTH, text("version"), text("cluster", "parentInfo/displayName", "parentInfo/name"), VCENTER),
        counted=(*STATES, text("version"), VCENTER),
        trouble=TROUBLE,
    ),
    Resource(
        "folder",
        ("HypervisorFolderList", "HypervisorFolder"),
        (ID, SHOWN_NAME, text("folderType"), text("parent", "parentFolderInfo/displayName", "parentFolderInfo/name"),
         text("datacenter", "appInfo/vmware/datacenterInfo/name")),
        counted=(text("folderType"), text("datacenter", "appInfo/vmware/datacenterInfo/name")),
    ),
    Resource(
        "network",
        ("HypervisorNetworkList", "HypervisorNetwork"),
        (ID, SHOWN_NAME, HEALTH, text("datacenter", "appInfo/vmware/datacenterInfo/name"), count("hosts", "hostsInfo")),
        counted=(*STATES, text("datacenter", "appInfo/vmware/datacenterInfo/name")),
        trouble=TROUBLE,
    ),
    Resource(
        "resource pool",
        ("HypervisorResourcePoolList", "HypervisorResourcePool"),
        (ID, SHOWN_NAME, HEALTH, text("cluster", "clusterInfo/displayName", "clusterInfo/name"), text("owner", "ownerInfo/name")),
        counted=(*STATES, text("cluster", "clusterInfo/displayName", "clusterInfo/name")),
        trouble=TROUBLE,
    ),
    Resource(
        "tag",
        ("HypervisorTagList", "HypervisorTag"),
        (ID, SHOWN_NAME, text("category", "categoryName"), text("state"), count("resources", "associatedResources"),
         lines("groups", "vmProtectionGroupsInfo/name", read=items.every), text("resourceUri", most=120)),
        counted=(text("category", "categoryName"), text("state")),
    ),
    # tasks
    Resource(
        "task",
        ("ListAsyncOperations", "GetAsyncOperation"),
        (ID, SHOWN_NAME, text("state"), Column("progress", ("progressPercent",), "percent"), time("createdAt"), time("endedAt"),
         lines("on", "associatedResources/name", read=items.every, most=40), text("error", "error/error", most=100)),
        counted=(text("state"), SHOWN_NAME, text("health", "healthStatus")),
        trouble=trouble("state", "error/error", read=items.task_trouble),
        point=CREATED,
        more=(text("errorCode", "error/errorCode"), text("traceId", "error/traceId"), time("startedAt"), time("updatedAt"),
              lines("log", "logMessages/message", read=items.every, most=300),
              lines("advice", "recommendations/message", read=items.every, most=300),
              text("parent", "parent/id"), text("resource", "sourceResourceUri", most=120),
              text("console", "additionalDetails/consoleUri", most=200)),
    ),
    Resource(
        "approval",
        ("DualAuthOperationsList", "DualAuthOperationGet"),
        (ID, SHOWN_NAME, text("state"), text("operation", "requestedOperation"), text("resource", "operationResource/name"),
         text("requestedBy", "requestedByEmail"), time("requestedAt"), text("checkedBy", "checkedByEmail"), time("checkedAt")),
        counted=(text("state"), text("operation", "requestedOperation"), text("service", "sourceServiceExternalName")),
        trouble=trouble("state", read=items.waiting),
        point=time("requestedAt"),
        more=(text("description", most=300), text("resourceUri", "operationResource/resourceUri", most=120),
              text("console", "consoleUri", most=200)),
    ),
    Resource(
        "issue",
        ("ListIssues", "GetIssue"),
        (ID, text("severity"), SHOWN_NAME, text("body", most=140), text("category"), time("lastOccurredAt"), time("createdAt"),
         Column("times", ("occurrenceCount",), "count"), text("on", "sourceResourceType"), text("resourceId", "sourceResourceId", most=60)),
        counted=(text("severity"), text("category"), text("state"), text("on", "sourceResourceType")),
        trouble=trouble("severity", "body", read=items.severe),
        point=CREATED,
        more=(text("recommendation", most=500), text("state"), lines("related", "relatedResources/name", read=items.every)),
    ),
    Resource(
        "setting",
        ("SettingsList", "SettingGet"),
        (ID, NAME, text("value", "currentValue"), text("next", "nextValue"), text("possible", "possibleValues", most=60),
         text("application", "externalApplicationName"), time("lastUpdatedAt")),
        more=(text("description", most=300), text("lastUpdatedBy")),
    ),
    Resource(
        "storage location",
        ("ListLocations",),
        (ID, NAME, text("provider", "cloudServiceProvider"), text("geography"), text("city"),
         lines("capabilities", "capabilities", read=items.every)),
        counted=(text("provider", "cloudServiceProvider"), text("geography")),
    ),
)  # fmt: skip


@cache
def _by_operation() -> Mapping[str, Resource]:
    return {operation: resource for resource in TABLE for operation in resource.operations}


def known(operation_id: str) -> Resource | None:
    """The row of an operation, be it the list or what reads one item."""
    return _by_operation().get(operation_id)


def of(operation: Operation, attributes: Mapping[str, Any]) -> Resource:
    """The row of an operation, or one guessed from the attributes of an item that no row knows."""
    return known(operation.id) or guessed(operation.path.rstrip("/").rsplit("/", 1)[-1], attributes)


def guessed(noun: str, attributes: Mapping[str, Any]) -> Resource:
    """The row for a resource that the table does not know: by the names that this vendor's items share."""
    usual = [text(n) for n in ("id", "name", "displayName", "state", "status") if n in attributes]
    usual += [time(n) for n in ("createdAt",) if n in attributes]
    states = [text(n) for n in ("state", "status") if n in attributes]
    held = len(states) == 2 and "stateReason" in attributes
    words = noun.replace("-", " ").replace("{", "").replace("}", "")
    return Resource(words.removesuffix("s"), (), tuple(usual), tuple(states), TROUBLE if held else None)
