"""TABLE of the catalog's tables: what is kept of each kind of thing, read from which paths of an item.

To keep more of an item add a field here: the table, its view, its documentation and the `select` of the request follow.
Nothing secret is kept: only what stands here is. Views, with what is worked out, are in views.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from greenlake_backup_mcp.lists.views import extractors

from . import column_kinds
from .column_kinds import Field, count, every, flag, future, number, past, size, text, word

VERSION = 3  # of the file; one of another version is built anew

_SQL = {"text": "TEXT", "number": "NUMERIC"}  # kind of a field → type of its column; of all others INTEGER


@dataclass(frozen=True)
class Table:
    """A table whose rows are the items of one or several lists. `key`: the columns before the fields."""

    name: str
    comment: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ("id TEXT PRIMARY KEY",)


_NAME = text("name", "name", "displayName", "name")
_STATE = text("state", "state as the service tells it")
_STATUS = text("status", "OK, WARNING or ERROR as the service tells it")
_REASON = text("reason", "why, where it says so", "stateReason")
_MADE = past("created", "made", "createdAt")
_VCENTER = text(
    "vcenter",
    "vCenter",
    "hypervisorManagerInfo/displayName",
    "hypervisorManagerInfo/name",
    "virtualizationInfo/hypervisorManagerInfo/name",
)


ASSETS = Table(
    "assets",
    "everything that can be protected: VMs, datastores, SQL databases, and the groups of them",
    (
        _NAME,
        text("protection_status", "UNPROTECTED, LAPSED, PENDING, PARTIAL, PROTECTED, PAUSED; the service's own word",
             "protectionStatus"),
        flag("says_has_copies", "whether the service says that recovery points exist", "recoveryPointsExist"),
        _STATE, _STATUS, _REASON,
        text("class", "nobody's machine: VCLS_VM, TEMPLATE_VM, PROTECTION_STORE_GATEWAY, DATA_ORCHESTRATOR, …",
             "vmClassification", "datastoreClassification"),
        text("power", "POWERED_ON, POWERED_OFF, SUSPENDED, UNKNOWN", "powerState"),
        _VCENTER,
        text("vcenter_id", "its id", "hypervisorManagerInfo/id", "virtualizationInfo/hypervisorManagerInfo/id"),
        text("cluster", "cluster", "clusterInfo/displayName", "clusterInfo/name"),
        text("host", "hypervisor host, or application host of a database", "hostInfo/displayName", "hostInfo/name",
             "applicationHostInfo/displayName", "applicationHostInfo/name"),
        text("host_id", "its id", "hostInfo/id", "applicationHostInfo/id"),
        text("folder", "folder of the VM", "folderInfo/displayName", "folderInfo/name"),
        every("datastores", "datastores of a VM", "appInfo/vmware/datastoresInfo/displayName"),
        every("datastore_ids", "their ids", "appInfo/vmware/datastoresInfo/id"),
        every("arrays", "storage arrays it lies on", "volumesInfo/storageSystemInfo/name", "storageSystemInfo/name"),
        every("array_ids", "their ids", "volumesInfo/storageSystemInfo/id", "storageSystemInfo/id"),
        text("datastore_type", "VMFS, VVOL, NFS, VSAN", "datastoreType", "appInfo/vmware/type"),
        text("instance", "SQL Server instance of a database", "instanceInfo/name"),
        text("availability_group", "availability group of a database", "availabilityGroupInfo/name"),
        text("vm_name", "VM a database runs in", "virtualizationInfo/virtualMachineInfo/name"),
        text("vm_uri", "its address", "virtualizationInfo/virtualMachineInfo/resourceUri"),
        text("guest_os", "operating system", "guestInfo/releaseVersion", "osInfo/name"),
        size("size", "bytes of the machine, datastore or database", "capacityInBytes", "sizeInBytes"),
        size("free", "bytes free on a datastore", "capacityFree"),
        count("disks", "virtual disks", "virtualDisks"),
        every("disk_ids", "their ids", "virtualDisks/id"),
        text("group_type", "NATIVE, CUSTOM or DYNAMIC", "vmProtectionGroupType", "volumeProtectionGroupType",
             "protectionGroupType"),
        text("own_job_id", "job that the service names for it", "protectionJobInfo/id"),
        text("own_policy", "policy of that job", "protectionJobInfo/protectionPolicyInfo/name"),
        text("policy_level", "where the service says its policy was applied: VIRTUAL_MACHINE, VM_PROTECTION_GROUP, "
             "DATASTORE", "protectionPolicyAppliedAtInfo/type"),
        text("policy_level_name", "name of that", "protectionPolicyAppliedAtInfo/name"),
        text("uri", "address in the API", "resourceUri"),
        _MADE,
    ),
    ("no INTEGER PRIMARY KEY", "kind TEXT NOT NULL", "id TEXT NOT NULL UNIQUE"),
)  # fmt: skip

# Recovery points: a row of at most some 200 bytes, since there are a million of them. Ids are kept as 16 bytes,
# repeating words as numbers of the table `words`, moments as seconds.
COPIES = Table(
    "copies",
    "recovery points of all ten kinds",
    (
        text("name", "name"),
        past("point", "point in time that it brings back", "pointInTime"),
        past("created", "made", "createdAt"),
        future("expires", "goes then", "expiresAt"),
        future("locked_until", "cannot be deleted before", "lockedUntil"),
        _STATE, _STATUS, _REASON,
        text("verification", "VERIFIED, NOT_VERIFIED, VERIFYING, VERIFY_ERROR", "verificationInfo/state"),
        past("verified", "verified when", "verificationInfo/verifiedAt"),
        text("consistency", "CRASH, APPLICATION, CRASH_CONSISTENT_ON_FAILURE"),
        flag("partial", "part of the machine only", "partialBackup"),
        flag("full", "full backup, not an increment", "fullBackup"),
        flag("rdm", "the machine has raw disks, which are not in it", "containsRdmDisks"),
        count("disks", "virtual disks in it", "virtualDisks"),
        size("size", "bytes", "backupSetsInfo/backups/sizeInMib", "backupSetsInfo/backups/sizeInBytes",
             "volumesSnapshotInfo/sizeInMib", "individualSnapshotsInfo/sizeInMiB"),
        text("store_id", "store", "protectionStoreInfo/id"),
        text("store_name", "store", "protectionStoreInfo/name"),
        text("store_type", "ON_PREMISES or CLOUD", "protectionStoreInfo/protectionStoreType"),
        text("array_id", "array", "storageSystemsInfo/id", "volumesSnapshotInfo/storageSystemInfo/id",
             "storageSystemInfo/id"),
        text("array_name", "array", "storageSystemsInfo/name", "volumesSnapshotInfo/storageSystemInfo/name",
             "storageSystemInfo/name"),
        text("type", "BACKUP or CLOUD_BACKUP, SNAPSHOT or REPLICATED_SNAPSHOT", "backupType", "snapshotType"),
        text("schedule_id", "schedule of the policy", "scheduleInfo/scheduleId", "scheduleInfo/id"),
        text("schedule", "its name", "scheduleInfo/name"),
        text("source_id", "snapshot or backup it was made from", "sourceCopyInfo/id"),
        past("log_until", "log backups reach until", "logBackupInfo/lastLogBackupTime"),
    ),
)  # fmt: skip

GENERIC = (
    Table("stores", "protection stores: where backups live", (
        _NAME,
        text("type", "ON_PREMISES or CLOUD", "protectionStoreType"),
        _STATE, _STATUS, _REASON,
        text("connection", "CONNECTED or DISCONNECTED", "connectedState"),
        size("used", "bytes on disk", "sizeOnDiskInBytes"),
        size("capacity", "most bytes; cloud stores have none", "maxCapacityInBytes"),
        size("user_data", "bytes before deduplication", "userDataStoredInBytes"),
        text("system_id", "gateway or StoreOnce that serves it", "storageSystemInfo/id"),
        text("system", "its name", "storageSystemInfo/displayName"),
        text("system_type", "PROTECTION_STORE_GATEWAY or STOREONCE", "storageSystemInfo/type"),
        text("region", "cloud region", "region"),
        text("location_id", "storage location", "storageLocationInfo/id"),
        text("location", "storage location", "storageLocationInfo/name"),
        every("orchestrator_ids", "orchestrators", "dataOrchestratorInfo/id"),
        _MADE,
    ), ("no INTEGER PRIMARY KEY", "id TEXT NOT NULL UNIQUE")),
    Table("gateways", "protection store gateways: the VMs in front of stores", (
        _NAME,
        word("state", "state", "state"),
        word("health", "health: OK, WARNING, CRITICAL, UNKNOWN, OFF, …", "health/state"),
        word("connection", "CONNECTED or DISCONNECTED", "health/status"),
        text("reason", "why", "health/stateReason"),
        past("health_told", "health told", "health/updatedAt"),
        text("orchestrator_id", "its orchestrator", "dataOrchestratorId"),
        text("vm_id", "the VM that it is", "vmId"),
        every("datastore_ids", "datastores that hold its data", "datastoresInfo/id"),
        text("address", "network address", "network/nics/networkAddress"),
        text("version", "software version", "softwareVersion"),
        flag("remote_access", "remote support may log in", "remoteAccessEnabled"),
        _MADE,
    )),
    Table("storeonces", "StoreOnce appliances", (
        _NAME,
        word("health", "health", "health/state"),
        word("connection", "CONNECTED or DISCONNECTED", "health/status"),
        text("reason", "why", "health/stateReason"),
        past("health_told", "health told", "health/updatedAt"),
        text("storage_state", "storage state", "storage/state"),
        size("used", "bytes used", "storage/usedBytes"),
        size("free", "bytes free", "storage/freeBytes"),
        size("configured", "bytes configured", "storage/configuredStorageBytes"),
        size("licensed", "bytes licensed", "storage/capacityLicensedBytes"),
        text("version", "software version", "softwareVersion"),
        text("serial_number", "serial number", "serialNumber"),
        every("orchestrator_ids", "its orchestrators", "dataOrchestrators/id"),
        _MADE,
    )),
    Table("orchestrators", "data orchestrators: the VMs that run the backups", (
        _NAME, _STATE, _STATUS, _REASON,
        text("connection", "CONNECTED or DISCONNECTED", "connectionState"),
        past("catalog_saved", "its own catalogue was last protected", "latestRecoveryPoint"),
        text("ntp_state", "clock: OK or DEGRADED", "ntp/state"),
        text("clock_method", "NTP or VM_HOST", "dateTime/methodDateTimeSet"),
        text("version", "software version", "softwareVersion"),
        text("hostname", "host name", "interfaces/network/hostname"),
        flag("remote_access", "remote support may log in", "remoteAccessEnabled"),
        past("powered_on", "powered on", "poweredOnAt"),
        _MADE,
    )),
    Table("policies", "protection policies", (
        text("name", "name"),
        text("application", "VMWARE, MSSQL, HPE_ARRAY_VOLUME, AWS", "applicationType"),
        text("description", "description"),
        flag("assigned", "whether jobs use it", "assigned"),
        past("changed", "changed", "updatedAt"),
        _MADE,
    )),
    Table("jobs", "protection jobs: a policy at work on one asset, group or datastore", (
        text("asset_id", "asset, group or datastore", "assetInfo/id"),
        text("asset_name", "its name", "assetInfo/displayName", "assetInfo/name"),
        text("asset_type", "its type", "assetInfo/type", read=extractors.last_part),
        text("asset_uri", "its address", "assetInfo/resourceUri"),
        text("policy_id", "policy", "protectionPolicyInfo/id"),
        text("policy", "policy", "protectionPolicyInfo/name"),
        text("operational", "ACTIVE, SUSPENDED, PARTIALLY_SUSPENDED, PERMANENTLY_SUSPENDED"),
        text("orchestrator_id", "orchestrator that runs it", "dataOrchestratorId"),
        past("effective_from", "runs from then on (may lie ahead)", "effectiveFromDateTime"),
    )),
    Table("application_hosts", "hosts of SQL Server", (
        _NAME, _STATE, _STATUS, _REASON, text("os", "operating system", "osInfo/name"),
        text("address", "network address", "networkAddress"), _VCENTER,
        text("vm_name", "VM that it is", "virtualizationInfo/virtualMachineInfo/name"),
    )),
    Table("mssql_instances", "SQL Server instances", (
        _NAME, _STATE, _STATUS, _REASON,
        text("host", "application host", "applicationHostInfo/displayName", "applicationHostInfo/name"),
        text("product", "product", "productName"), text("version", "version", "productVersion"),
        flag("clustered", "clustered", "clustered"),
    )),
    Table("vcenters", "vCenters", (
        _NAME, _STATE, _STATUS, _REASON, text("address", "network address", "networkAddress"),
        text("version", "version", "releaseVersion"), past("refreshed", "inventory refreshed", "lastRefreshed"),
        text("orchestrator_id", "its orchestrator", "dataOrchestratorInfo/id"),
    )),
    Table("clusters", "hypervisor clusters", (_NAME, _STATE, _STATUS, _REASON, _VCENTER,
                                              count("hosts", "hosts", "hypervisorHosts"))),
    Table("hosts", "hypervisor hosts", (
        _NAME, _STATE, _STATUS, _REASON, text("version", "version", "version"),
        text("cluster", "cluster", "parentInfo/displayName", "parentInfo/name"), _VCENTER,
    )),
    Table("locations", "storage locations of the cloud", (
        text("name", "name"), text("provider", "provider", "cloudServiceProvider"), text("geography", "geography"),
        text("city", "city"),
    )),
    Table("tags", "tags of the vCenters; what bears them is in members", (
        _NAME, text("category", "category", "categoryName"), _STATE, text("uri", "address", "resourceUri"), _VCENTER,
    )),
    Table("settings", "settings of the service, dual authorization among them", (
        text("name", "name"), text("current_value", "value now", "currentValue"),
        text("next_value", "value to come", "nextValue"), text("possible_values", "values there are", "possibleValues"),
        text("application", "application", "externalApplicationName"), text("description", "description"),
        text("changed_by", "last changed by", "lastUpdatedBy"), past("changed", "last changed", "lastUpdatedAt"),
    )),
    Table("tasks", "tasks of the service, newest first; older ones stay as long as --catalog-keep says", (
        text("name", "what is done", "displayName", "name"), _STATE,
        number("progress", "per cent", "progressPercent"), _MADE,
        past("started", "started", "startedAt"), past("ended", "ended", "endedAt"),
        text("error", "error", "error/error"), text("error_code", "its code", "error/errorCode"),
        text("health", "health", "healthStatus"),
        text("user", "who", "userId", "userEmail"),
        text("parent_id", "task it belongs to", "parent/id"),
        flag("has_children", "has children", "hasChildOperations"),
        every("resources", "what it is about", "associatedResources/name"),
        every("resource_uris", "addresses of that", "associatedResources/resourceUri"),
        text("source_uri", "address of what it was done to", "sourceResourceUri"),
        text("recommendation", "what the service advises", "recommendations"),
    )),
    Table("issues", "open issues", (
        text("severity", "severity"), text("body", "what is wrong", "body", "name"), text("category", "category"),
        text("state", "state"), number("occurrences", "times", "occurrenceCount"),
        past("last_occurred", "last occurred", "lastOccurredAt"), _MADE,
        text("source_type", "type of what it is about", "sourceResourceType", read=extractors.last_part),
        text("source_id", "its id", "sourceResourceId"),
        text("recommendation", "what the service advises"),
        every("related", "related resources", "relatedResources/name"),
    )),
    Table("approvals", "operations that wait, or waited, for a second person", (
        text("name", "what"), text("state", "Pending, Approved, Cancelled"),
        text("operation", "operation", "requestedOperation"),
        text("resource", "resource", "operationResource/name"),
        text("resource_uri", "its address", "operationResource/resourceUri"),
        every("resource_uris", "addresses of all that it is about", "associatedResources/resource/resourceUri"),
        text("requested_by", "asked by", "requestedByEmail"), past("requested", "asked", "requestedAt"),
        text("checked_by", "decided by", "checkedByEmail"), past("checked", "decided", "checkedAt"),
    )),
)  # fmt: skip

# of a schedule, with its tier under `tier` and its last finished run under `last`
SCHEDULE = (
    text("tier", "SNAPSHOT, BACKUP, CLOUD_BACKUP, REPLICATED_SNAPSHOT, DATABASE_LOG_BACKUP", "tier/type"),
    text("schedule_id", "number of the schedule within its policy", "scheduleId"),
    text("name", "name of the schedule"),
    text("recurrence", "BY_MINUTES, HOURLY, DAILY, WEEKLY, MONTHLY", "schedule/recurrence"),
    number("every", "each so many minutes, hours, days, weeks, months", "schedule", read=column_kinds.interval),
    text("on_days", "weekdays (0 Monday) or days of the month (0 the last), comma-separated",
         "schedule/repeatInterval/on", read=column_kinds.whole_numbers),
    text("start_time", "HH:MM UTC", "schedule/startTime"),
    text("active_from", "window of the day, HH:MM UTC", "schedule/activeTime/activeFromTime"),
    text("active_until", "window of the day, HH:MM UTC", "schedule/activeTime/activeUntilTime"),
    number("keep_days", "kept so many days (months as 30, years as 365)", "expireAfter", read=column_kinds.days),
    number("lock_days", "locked so many days", "lockFor", read=column_kinds.days),
    text("keep", "kept, as written: 14 DAYS", "expireAfter", read=column_kinds.period),
    text("lock", "locked, as written", "lockFor", read=column_kinds.period),
    text("consistency", "consistency asked for"),
    flag("verify", "copies are verified", "verify"),
    text("source_schedule_id", "schedule that feeds this one; it has no clock of its own then",
         "sourceProtectionScheduleId"),
    text("store_id", "store it writes to", "tier/protectionStoreInfo/id"),
    text("store", "store it writes to", "tier/protectionStoreInfo/name"),
)  # fmt: skip
RUNNING = (
    flag("overridden", "the job departs from its policy here", "overrides", read=column_kinds.any_set),
    text("operational", "ACTIVE or SUSPENDED"),
    past("prev_run", "last started", "prevRunTime"),
    past("prev_good", "last success was started", "prevSuccessfulRunTime"),
    future("next_run", "due next", "nextRunTime"),
    text("last_status", "end of the last finished run: OK, WARNING, ERROR, SKIPPED", "last/status"),
    past("last_run", "when that run was", "last/timestamp"),
    text("last_error", "why it failed", "last/errorMessage"),
)
NESTED = (
    Table("policy_schedules", "what policies promise, a row a schedule", SCHEDULE,
          ("policy_id TEXT NOT NULL", "seq INTEGER NOT NULL")),
    Table("schedules", "what jobs do: a row a schedule, overrides of the job counted in", (*SCHEDULE, *RUNNING),
          ("job_id TEXT NOT NULL", "seq INTEGER NOT NULL")),
)  # fmt: skip

_OTHER = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE words (no INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE readings (collection TEXT NOT NULL, asset INTEGER NOT NULL DEFAULT 0, read INTEGER, tried INTEGER,
  failed INTEGER NOT NULL DEFAULT 0, status INTEGER, reason TEXT, items INTEGER, due INTEGER,
  PRIMARY KEY (collection, asset)) WITHOUT ROWID;
CREATE TABLE copies (asset INTEGER NOT NULL, list INTEGER NOT NULL, id BLOB NOT NULL, name TEXT, kind INTEGER,
  point INTEGER, created INTEGER, expires INTEGER, locked_until INTEGER, ok INTEGER, state TEXT, status TEXT,
  reason INTEGER, verification INTEGER, verified INTEGER, consistency INTEGER, flags INTEGER, disks INTEGER,
  size INTEGER, store INTEGER, array INTEGER, schedule_id INTEGER, schedule INTEGER, source_id BLOB,
  log_until INTEGER, missing INTEGER,
  PRIMARY KEY (asset, list, id)) WITHOUT ROWID;
CREATE TABLE copy_sets (asset INTEGER NOT NULL, list INTEGER NOT NULL, kind INTEGER, store INTEGER, array INTEGER,
  schedule INTEGER, copies INTEGER, good INTEGER, missing INTEGER, newest INTEGER, oldest INTEGER,
  newest_good INTEGER, newest_good_expires INTEGER, last_expiry INTEGER, endless INTEGER, next_expiry INTEGER,
  locked_until INTEGER, last_lock_good INTEGER, verified INTEGER, newest_verified INTEGER, failed INTEGER,
  size INTEGER, sized INTEGER, verify_errors INTEGER, newest_good_consistency INTEGER, newest_good_flags INTEGER,
  newest_good_disks INTEGER);
CREATE INDEX copy_sets_asset ON copy_sets (asset, list);
CREATE TABLE members (owner_kind TEXT NOT NULL, owner_id TEXT NOT NULL, member_id TEXT NOT NULL, member_kind TEXT,
  member_name TEXT, PRIMARY KEY (owner_kind, owner_id, member_id)) WITHOUT ROWID;
CREATE INDEX members_member ON members (member_id);
CREATE TABLE runs (job_id TEXT NOT NULL, schedule_id TEXT NOT NULL, at INTEGER NOT NULL, status TEXT, error TEXT,
  task_id TEXT, PRIMARY KEY (job_id, schedule_id, at)) WITHOUT ROWID;
CREATE TABLE changes (no INTEGER PRIMARY KEY, kind TEXT NOT NULL, before INTEGER, seen INTEGER NOT NULL,
  subject_kind TEXT, subject_id TEXT, subject TEXT, asset_id TEXT, asset TEXT, was TEXT, now TEXT, cause TEXT,
  by_user TEXT, task_id TEXT, settled INTEGER NOT NULL DEFAULT 0, detail TEXT);
CREATE INDEX changes_seen ON changes (seen);
CREATE TABLE expiries (asset INTEGER NOT NULL, list INTEGER NOT NULL, at INTEGER NOT NULL, copies INTEGER NOT NULL,
  PRIMARY KEY (asset, list, at)) WITHOUT ROWID;
CREATE TABLE own_writes (at REAL NOT NULL, tool TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  outcome TEXT);
CREATE TABLE store_usage (store_id TEXT NOT NULL, at INTEGER NOT NULL, used INTEGER, capacity INTEGER,
  user_data INTEGER, free INTEGER, PRIMARY KEY (store_id, at)) WITHOUT ROWID;
"""


def _columns(table: Table) -> Iterator[str]:
    yield from table.key
    for field in table.fields:
        yield f"{field.name} {_SQL.get(field.kind, 'INTEGER')}"


def statements() -> str:
    """The script that makes an empty catalog."""
    made = [f"CREATE TABLE {table.name} ({', '.join(_columns(table))}, gone INTEGER);" for table in (ASSETS, *GENERIC)]
    made += [f"CREATE TABLE {t.name} ({', '.join(_columns(t))}, PRIMARY KEY ({t.key[0].split()[0]}, seq));"
             for t in NESTED]  # fmt: skip
    indexes = (
        "CREATE INDEX jobs_asset ON jobs (asset_id);",
        "CREATE INDEX assets_kind ON assets (kind);",
        "CREATE INDEX tasks_created ON tasks (created);",
    )
    return "\n".join([*made, *indexes, _OTHER])


def table(name: str) -> Table:
    """The table of that name."""
    return next(t for t in (ASSETS, COPIES, *GENERIC, *NESTED) if t.name == name)


def properties(name: str) -> list[str]:
    """The top properties of an item that a table reads: what `select` has to ask for."""
    extra = {
        "policies": ["protections"],
        "jobs": ["protections", "associatedAssetsInfo"],
        "tags": ["associatedResources"],
        "assets": ["assets", "members"],
    }
    paths = [path for one in table(name).fields for path in one.paths]
    return list(dict.fromkeys(["id", *(p.split("/", 1)[0] for p in paths), *extra.get(name, ())]))
