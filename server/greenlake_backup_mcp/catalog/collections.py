"""TABLE of the service's lists that fill the catalog: which table each fills, which assets have copies under it.

Knows the operations by their ids; sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Collection:
    """A list of the service. `holder`: the path under which the copies of such an asset are listed."""

    name: str  # as coverage calls it
    operation: str
    table: str
    asset: str = ""  # the kind of asset its items are
    holder: str = ""
    slow: bool = False  # changes seldom: read once an hour
    first: int = 0  # 0: all of it; else newest first, and no further than what is known already
    per: str = ""  # read once for each row of this table


COLLECTIONS = (
    Collection("jobs", "DataManagementJobsList", "jobs"),
    Collection("vms", "VirtualMachinesList", "assets", "vm", "virtual-machines"),
    Collection("datastores", "DatastoresList", "assets", "datastore", "datastores"),
    Collection("vm_groups", "VmProtectionGroupList", "assets", "vm_group", "virtual-machine-protection-groups"),
    Collection("mssql_databases", "MSSQLDatabaseList", "assets", "mssql_database", "mssql-databases"),
    Collection("mssql_groups", "MSSQLDatabaseProtectionGroupList", "assets", "mssql_group"),
    Collection("volume_groups", "VolumeProtectionGroupList", "assets", "volume_group", "volume-protection-groups"),
    Collection("stores", "ProtectionStoreList", "stores"),
    Collection("gateways", "ProtectionStoreGatewaysList", "gateways"),
    Collection("storeonces", "StoreOncesList", "storeonces"),
    Collection("orchestrators", "DataOrchestratorList", "orchestrators"),
    Collection("policies", "DataManagementTemplatesList", "policies"),
    Collection("approvals", "DualAuthOperationsList", "approvals"),
    Collection("tasks", "ListAsyncOperations", "tasks", first=1000),
    Collection("issues", "ListIssues", "issues"),
    Collection("settings", "SettingsList", "settings"),
    Collection("vcenters", "HypervisorManagerList", "vcenters", slow=True),
    Collection("application_hosts", "ApplicationHostList", "application_hosts", slow=True),
    Collection("mssql_instances", "MSSQLInstanceList", "mssql_instances", slow=True),
    Collection("clusters", "HypervisorClusterList", "clusters", slow=True),
    Collection("hosts", "HypervisorHostList", "hosts", slow=True),
    Collection("locations", "ListLocations", "locations", slow=True),
    Collection("tags", "HypervisorTagList", "tags", slow=True, per="vcenters"),
)

LIST_OF = {c.asset: c.name for c in COLLECTIONS if c.asset}
"""Kind of asset → the list that it stands in."""
COPIES = {  # kind of asset → operations of its lists: snapshots, backups
    "vm": ("VirtualMachineSnapshotList", "VirtualMachineBackupList"),
    "datastore": ("DatastoreSnapshotList", "DatastoreBackupList"),
    "vm_group": ("VmpgSnapshotList", "VmpgBackupList"),
    "mssql_database": ("MSSQLDatabaseSnapshotList", "MSSQLDatabaseBackupList"),
    "volume_group": ("VpgSnapshotList", "VpgBackupList"),
}

ASSET_TYPES = {  # last part of a type → kind of asset
    "virtual-machine": "vm",
    "datastore": "datastore",
    "virtual-machine-protection-group": "vm_group",
    "mssql-database": "mssql_database",
    "mssql-database-protection-group": "mssql_group",
    "volume-protection-group": "volume_group",
}


def asset_kind(type_: str | None) -> str:
    """The kind of asset of a type, `virtualization/virtual-machine`; the last part itself where it is none of ours."""
    last = (type_ or "").rsplit("/", 1)[-1]
    return ASSET_TYPES.get(last, last)
