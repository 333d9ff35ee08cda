"""TABLE of judgement: for each resource its columns, what is counted, what wants attention.

To change what a list shows, change its row here; every path must exist in the description (lists/test_columns.py).
Knows no HTTP and formats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from greenlake_backup_mcp.openapi.document import Operation

from . import extractors, schedules
from .column_types import (
    CREATED,
    EXPIRES,
    HEALTH,
    ID,
    JOB_ID,
    LOCKED,
    NAME,
    POLICY,
    POLICY_ID,
    PROTECTION,
    SHOWN_NAME,
    STATES,
    TROUBLE,
    Column,
    ListView,
    count,
    lines,
    problem_column,
    size,
    text,
    time,
    word,
)
from .companion_columns import COMPANION_VIEWS

POINT = time("pointInTime")
VERIFIED = lines("verified", "verificationInfo/state", "verified", read=extractors.verified, most=15)
STORE = text("store", "protectionStoreInfo/name")
BACKUP_TYPE = text("backupType")
BACKED_MIB = size("size", "backupSetsInfo/backups/sizeInMib")
BACKED_BYTES = size("size", "backupSetsInfo/backups/sizeInBytes")
SNAPPED_MIB = size("size", "volumesSnapshotInfo/sizeInMib")
CONSISTENCY = text("consistency")
SCHEDULE = text("schedule", "scheduleInfo/name")
HOST = text("host", "applicationHostInfo/displayName", "applicationHostInfo/name")
ASSOCIATED = lines(
    "holdsDatabases", "associatedDatabases/name", read=extractors.every
)  # deleting the copy deletes theirs too
ASSET_TYPE = lines("assetType", "assetInfo/type", read=extractors.last_part)
_GROUP_VCENTER = text("vcenter", "hypervisorManagerInfo/name")
_ARRAY = text("array", "storageSystemsInfo/displayName", "storageSystemsInfo/name")
_MSSQL_ARRAY = text("array", "storageSystemsInfo/name")
_VOLUME_ARRAY = text("array", "storageSystemInfo/name")
RESTORABLE = lines("restorableTo", "pointInTime", "logBackupInfo/lastLogBackupTime", read=extractors.restorable_range)


def copies(  # noqa: PLR0913  a row of the table
    noun: str, listing: str, getting: str, bytes_: Column, place: Column, *extra: Column, kind: Column | None = None
) -> ListView:
    """The row of one of the ten kinds of recovery points."""
    counted = [c for c in (kind, *STATES) if c is not None]
    verified = VERIFIED if VERIFIED in extra else None
    own = [ID, NAME, HEALTH, kind, POINT, EXPIRES, LOCKED, verified, bytes_, place]
    return ListView(
        noun,
        (listing, getting),
        columns=tuple(c for c in own if c is not None),
        counted=(*counted, *((verified,) if verified else ()), place),
        trouble=problem_column("state", "status", *(("verificationInfo/state",) if verified else ()), "stateReason"),
        point=POINT,
        expires=True,
        sums=(bytes_,),
        more=tuple(c for c in extra if c is not VERIFIED),
    )


VIEWS: tuple[ListView, ...] = (
    # recovery points
    copies("VM backup", "VirtualMachineBackupList", "VirtualMachineBackup", BACKED_MIB, STORE, VERIFIED, CONSISTENCY,
           SCHEDULE, kind=BACKUP_TYPE),
    copies("VM snapshot", "VirtualMachineSnapshotList", "VirtualMachineSnapshot", SNAPPED_MIB, _ARRAY, CONSISTENCY,
           SCHEDULE),
    copies("datastore backup", "DatastoreBackupList", "DatastoreBackup", BACKED_MIB, STORE, VERIFIED, CONSISTENCY,
           SCHEDULE, kind=BACKUP_TYPE),
    copies("datastore snapshot", "DatastoreSnapshotList", "DatastoreSnapshot", SNAPPED_MIB, _ARRAY, CONSISTENCY,
           SCHEDULE),
    copies("VM protection group backup", "VmpgBackupList", "VmpgBackup", BACKED_BYTES, STORE, VERIFIED, CONSISTENCY,
           SCHEDULE, kind=BACKUP_TYPE),
    copies("VM protection group snapshot", "VmpgSnapshotList", "VmpgSnapshot", SNAPPED_MIB, _ARRAY, CONSISTENCY,
           SCHEDULE),
    copies("MSSQL database backup", "MSSQLDatabaseBackupList", "MSSQLDatabaseBackup", BACKED_BYTES, STORE, SCHEDULE,
           ASSOCIATED, time("lastLogBackup", "logBackupInfo/lastLogBackupTime"), RESTORABLE, kind=BACKUP_TYPE),
    copies("MSSQL database snapshot", "MSSQLDatabaseSnapshotList", "MSSQLDatabaseSnapshot", SNAPPED_MIB, _MSSQL_ARRAY,
           SCHEDULE, ASSOCIATED, time("lastLogBackup", "logBackupInfo/lastLogBackupTime"), RESTORABLE),
    copies("volume protection group backup", "VpgBackupList", "VpgBackup", BACKED_BYTES, STORE,
           text("mountState"), SCHEDULE, kind=BACKUP_TYPE),
    copies("volume protection group snapshot", "VpgSnapshotList", "VpgSnapshot",
           size("size", "individualSnapshotsInfo/sizeInMiB"), _VOLUME_ARRAY, SCHEDULE),
    # protection
    ListView(
        "protection policy",
        ("DataManagementTemplatesList", "DataManagementTemplateDetail"),
        (ID, NAME, text("applicationType"), lines("tiers", "protections", read=schedules.tiers, most=800),
         count("jobs", "protectionJobsInfo")),
        counted=(
            text("applicationType"), text("assigned"), lines("tierType", "protections/type", read=extractors.every),
                 lines("store", "protections/protectionStoreInfo/name", read=extractors.every)),
        more=(lines("tierIds", "protections", read=schedules.tier_ids), text("description", most=300),
              text("createdBy", "createdBy/name"), CREATED),
    ),
    ListView(
        "protection job",
        ("DataManagementJobsList", "DataManagementJobDetail"),
        (ID, text("asset", "assetInfo/displayName", "assetInfo/name"), ASSET_TYPE,
         text("policy", "protectionPolicyInfo/name"), text("operational"),
         time("lastGood", "protections/schedules/prevSuccessfulRunTime", read=schedules.last_good),
         time("nextRun", "protections/schedules/nextRunTime", read=schedules.next_run),
         lines("failing", "protections", read=schedules.failed_schedules)),
        counted=(text("operational"), lines("lastRuns", "protections", read=schedules.last_results),
                 ASSET_TYPE, text("policy", "protectionPolicyInfo/name")),
        trouble=problem_column("operational", "protections", read=schedules.job_problem),
        point=time("lastGood", "protections/schedules/prevSuccessfulRunTime", read=schedules.last_good),
        more=(text("assetId", "assetInfo/id"), text("policyId", "protectionPolicyInfo/id"),
              lines("schedules", "protections", read=schedules.schedules),
              lines("runs", "protections", read=schedules.last_runs, most=900),
              lines("tierIds", "protections", read=schedules.tier_ids)),
    ),
    ListView(
        "VM protection group",
        ("VmProtectionGroupList", "VmProtectionGroup"),
        (ID, NAME, text("groupType", "vmProtectionGroupType"), HEALTH, count("members", "assets"),
         Column("vms", ("protectedResourcesInfo/virtualMachinesCount",), "count"), POLICY, _GROUP_VCENTER),
        counted=(text("groupType", "vmProtectionGroupType"), *STATES, POLICY, _GROUP_VCENTER),
        trouble=TROUBLE,
        sums=(Column("vms", ("protectedResourcesInfo/virtualMachinesCount",), "count"),),
        more=(POLICY_ID, JOB_ID, text("assetsCategory"), CREATED),
    ),
    ListView(
        "volume protection group",
        ("VolumeProtectionGroupList", "VolumeProtectionGroup"),
        (ID, NAME, text("groupType", "volumeProtectionGroupType"), HEALTH, count("members", "assets"), POLICY,
         _VOLUME_ARRAY),
        counted=(text("groupType", "volumeProtectionGroupType"), *STATES, POLICY, _VOLUME_ARRAY),
        trouble=TROUBLE,
        more=(POLICY_ID, JOB_ID, CREATED),
    ),
    # SQL Server
    ListView(
        "application host",
        ("ApplicationHostList", "ApplicationHost"),
        (ID, SHOWN_NAME, HEALTH, text("os", "osInfo/name"), text("networkAddress"), text("virtual"), text(
            "vcenter", "virtualizationInfo/hypervisorManagerInfo/name")),
        counted=(*STATES, text("os", "osInfo/name")),
        trouble=TROUBLE,
        more=(text("osVersion", "osInfo/releaseVersion"), text("vm", "virtualizationInfo/virtualMachineInfo/name"),
              CREATED),
    ),
    ListView(
        "MSSQL instance",
        ("MSSQLInstanceList", "MSSQLInstance"),
        (ID, NAME, HEALTH, HOST, text("product", "productName"), text("version", "productVersion"),
         text("clustered")),
        counted=(*STATES, HOST, text("product", "productName")),
        trouble=TROUBLE,
        more=(text("vm", "virtualizationInfo/virtualMachineInfo/name"), CREATED),
    ),
    ListView(
        "MSSQL database",
        ("MSSQLDatabaseList", "MSSQLDatabase"),
        (ID, NAME, PROTECTION, HEALTH, text("instance", "instanceInfo/name"), HOST, POLICY,
         text("group", "mssqlDatabaseProtectionGroupInfo/name"),
         text("recoveryPoints", "recoveryPointsExist"),
         size("size", "sizeInBytes")),
        counted=(PROTECTION, *STATES, text("recoveryPoints", "recoveryPointsExist"), HOST, POLICY),
        trouble=problem_column(
            "protectionStatus", "recoveryPointsExist", "state", "status", "stateReason",
            read=extractors.protection_trouble
        ),
        sums=(size("size", "sizeInBytes"),),
        more=(POLICY_ID, JOB_ID, text("availabilityGroup", "availabilityGroupInfo/name"), CREATED),
    ),
    ListView(
        "MSSQL database protection group",
        ("MSSQLDatabaseProtectionGroupList", "MSSQLDatabaseProtectionGroup"),
        (ID, NAME, text("groupType", "protectionGroupType"), text("nativeType", "nativeAppInfo/type"), HEALTH,
         count("members", "members"), POLICY),
        counted=(text("groupType", "protectionGroupType"), *STATES, POLICY),
        trouble=TROUBLE,
        more=(POLICY_ID, JOB_ID, text("description", most=300), CREATED),
    ),
    # infrastructure
    ListView(
        "protection store",
        ("ProtectionStoreList", "ProtectionStoreById"),
        (ID, SHOWN_NAME, text("storeType", "protectionStoreType"),
         lines("health", "state", "status", "connectedState", read=extractors.health),
         size("used", "sizeOnDiskInBytes"), size("capacity", "maxCapacityInBytes"),
         Column("full", ("sizeOnDiskInBytes", "maxCapacityInBytes"), "percent", extractors.fill),
         size("userData", "userDataStoredInBytes"),
         lines("dedupe", "userDataStoredInBytes", "sizeOnDiskInBytes", read=extractors.ratio),
         text("system", "storageSystemInfo/displayName"),
         text("location", "storageLocationInfo/name", "region")),
        counted=(text("storeType", "protectionStoreType"), *STATES, text("connectedState"),
                 text("systemType", "storageSystemInfo/type")),
        trouble=problem_column(
            "sizeOnDiskInBytes", "maxCapacityInBytes", "state", "status", "connectedState", "stateReason",
            read=extractors.nearly_full,
        ),
        sums=(size("used", "sizeOnDiskInBytes"), size("capacity", "maxCapacityInBytes"),
              size("userData", "userDataStoredInBytes")),
        alike=text("storeType", "protectionStoreType"),
        more=(text("systemId", "storageSystemInfo/id"), CREATED),
    ),
    ListView(
        "protection store gateway",
        ("ProtectionStoreGatewaysList", "ProtectionStoreGatewayGetById"),
        (ID, SHOWN_NAME, lines("health", "state", "health/state", "health/status", read=extractors.health),
         text("version", "softwareVersion"), text("address", "network/nics/networkAddress"),
         text("vmId"), text("dataOrchestratorId")),
        counted=(text("state"), word("healthState", "health/state"), word("connection", "health/status"),
                 text("version", "softwareVersion")),
        trouble=problem_column("state", "health/state", "health/status", "health/stateReason"),
        more=(time("healthAt", "health/updatedAt"), text("serialNumber"),
              text("remoteAccess", "remoteAccessEnabled"), CREATED),
    ),
    ListView(
        "StoreOnce",
        ("StoreOncesList", "StoreOnceGetById"),
        (ID, NAME, lines("health", "health/state", "health/status", "storage/state", read=extractors.health),
         size("used", "storage/usedBytes"), size("free", "storage/freeBytes"),
         Column("full", ("storage/usedBytes", "storage/configuredStorageBytes"), "percent", extractors.fill),
         text("version", "softwareVersion"), text("serialNumber"), text("address", "network/nics/networkAddress")),
        counted=(word("healthState", "health/state"), word("connection", "health/status"),
                 text("storage", "storage/state")),
        trouble=problem_column("storage/usedBytes", "storage/configuredStorageBytes", "health/state", "health/status",
                        "storage/state", "health/stateReason", read=extractors.nearly_full),
        sums=(size("used", "storage/usedBytes"), size("free", "storage/freeBytes")),
        more=(lines("dataOrchestrators", "dataOrchestrators/name", read=extractors.every), CREATED),
    ),
    ListView(
        "data orchestrator",
        ("DataOrchestratorList", "DataOrchestratorListById"),
        (ID, SHOWN_NAME, lines("health", "state", "status", "connectionState", read=extractors.health),
         text("version", "softwareVersion"), text("hostname", "interfaces/network/hostname"),
         text("address", "interfaces/network/nic/networkAddress"), text("serialNumber"), time("latestRecoveryPoint")),
        counted=(*STATES, text("connectionState"), text("version", "softwareVersion")),
        trouble=problem_column("state", "status", "connectionState", "stateReason"),
        more=(time("poweredOnAt"), text("ntp", "ntp/state"), text("remoteAccess", "remoteAccessEnabled"), CREATED),
    ),
    *COMPANION_VIEWS,
)  # fmt: skip


@cache
def _by_operation() -> Mapping[str, ListView]:
    return {operation: resource for resource in VIEWS for operation in resource.operations}


def find_view(operation_id: str) -> ListView | None:
    """The row of an operation, be it the list or what reads one item."""
    return _by_operation().get(operation_id)


def view_for(operation: Operation, attributes: Mapping[str, Any]) -> ListView:
    """The row of an operation, or one guessed from the attributes of an item that no row knows."""
    return find_view(operation.id) or guess_view(operation.path.rstrip("/").rsplit("/", 1)[-1], attributes)


def guess_view(noun: str, attributes: Mapping[str, Any]) -> ListView:
    """The row for a resource that the table does not know: by the names that this vendor's items share."""
    usual = [text(n) for n in ("id", "name", "displayName", "state", "status") if n in attributes]
    usual += [time(n) for n in ("createdAt",) if n in attributes]
    states = [text(n) for n in ("state", "status") if n in attributes]
    held = len(states) == 2 and "stateReason" in attributes
    words = noun.replace("-", " ").replace("{", "").replace("}", "")
    return ListView(words.removesuffix("s"), (), tuple(usual), tuple(states), TROUBLE if held else None)
