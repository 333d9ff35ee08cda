"""TABLE of toolsets: which tag of a description belongs to which, and what each is for in the words of people."""

from __future__ import annotations

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
