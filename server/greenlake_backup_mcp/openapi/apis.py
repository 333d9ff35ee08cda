"""TABLE of the descriptions bundled, and the words their tags and paths become.

To add a sibling API: put its description beside this file, add a row to APIS and its tags to TOOLSETS.
Knows no operation by itself; judgement on single operations is in tools/danger.py and lists/views.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SPECS = Path(__file__).parent


@dataclass(frozen=True)
class Api:
    """One description: its file, and whether it is the product's own or a companion that only serves reads."""

    name: str
    prefix: str
    own: bool

    @property
    def file(self) -> Path:
        """Where the bundled description lies."""
        return SPECS / f"{self.name}.json"


APIS = (
    Api("backup-recovery", "/backup-recovery/v1beta1", own=True),
    Api("virtualization", "/virtualization/v1beta1", own=False),
    Api("data-services", "/data-services/v1beta1", own=False),
)

# tag of a description -> toolset; of a companion the API's name, since its tags repeat ours ("virtual-machines").
TOOLSETS = {
    "protection-policies": "policies",
    "protection-jobs": "jobs",
    "virtual-machines": "vms",
    "virtual-machine-backups": "vms",
    "virtual-machine-snapshots": "vms",
    "virtual-machine-protection-groups": "vm_groups",
    "datastores": "datastores",
    "datastore-backups": "datastores",
    "datastore-snapshots": "datastores",
    "mssql-databases": "mssql",
    "mssql-database-backups": "mssql",
    "mssql-database-snapshots": "mssql",
    "mssql-database-protection-groups": "mssql",
    "mssql-instances": "mssql",
    "application-hosts": "mssql",
    "volume-protection-groups": "volumes",
    "volume-protection-group-backups": "volumes",
    "volume-protection-group-snapshots": "volumes",
    "protection-stores": "stores",
    "Protection Store Gateway": "gateways",
    "StoreOnce": "storeonces",
    "data-orchestrators": "orchestrators",
    "virtualization": "inventory",
    "data-services": "tasks",
}

# toolset -> what it is for, in the words of `tools --toolsets` and the README. The order is that of tools/list.
TOOLSET_WORDS = {
    "policies": "protection policies: schedules, retention and locks",
    "jobs": "protection jobs: a policy at work on one asset",
    "vms": "recovery points and restores of virtual machines",
    "vm_groups": "VM protection groups and their recovery points",
    "datastores": "recovery points and restores of datastores",
    "mssql": "Microsoft SQL Server: hosts, instances, databases, groups",
    "volumes": "volume protection groups and their recovery points",
    "stores": "protection stores: where backups live",
    "gateways": "protection store gateways",
    "storeonces": "StoreOnce appliances",
    "orchestrators": "data orchestrators",
    "inventory": "VMs, datastores, vCenters, clusters, hosts, folders, networks (names become ids here)",
    "tasks": "tasks, approvals and issues",
    "plans": "run_plan: many gated calls with one consent",
    "fleet": "questions over the whole tenant, answered from the backup catalog",
}

# path segment -> word of the tool's name.
SEGMENT_WORDS = {
    "virtual-machines": "vms",
    "virtual-machine-protection-groups": "vm-protection-groups",
    "async-operations": "tasks",
    "dual-auth-operations": "approvals",
}

# operations whose path does not yield a fair name: (method, end of path) -> name.
NAMES = {
    ("POST", "/protection-store-gateway-sizer"): "size_new_protection_store_gateway",
    ("POST", "/protection-store-gateways/{id}/sizer"): "size_protection_store_gateway",
    ("POST", "/protection-store-gateways/{id}/consoleUser"): "get_protection_store_gateway_console_user",
    ("POST", "/virtual-machine-protection-groups/{id}/restore-pre-check"): "check_vm_protection_group_restore",
}
