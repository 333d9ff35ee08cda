"""TABLE: what each list can be filtered and sorted by, as its documentation names it.

The lists of the backup service name their attributes in the description itself; those beside stand here. The other side
of the wire from the client's own filters; the two must not share this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from greenlake_backup_mcp.openapi.document import Operation


@dataclass(frozen=True)
class Grammar:
    """What one list understands. `sort` empty: any property of the item."""

    operators: frozenset[str]
    attributes: frozenset[str]
    sort: frozenset[str] = frozenset()


def grammar(operation: Operation) -> Grammar:
    """What a list understands: what its description names, and what the table adds."""
    row = GRAMMARS.get(operation.id, PLAIN)
    return Grammar(row.operators, row.attributes | _described(operation, "filter"), _described(operation, "sort"))


def _described(operation: Operation, parameter: str) -> frozenset[str]:
    text = next((p.description for p in operation.parameters if p.name == parameter), "")
    match = re.search(r"Attributes: ([^.]*)\.", text)
    return frozenset(match[1].split(", ") if match else ())


def _row(attributes: str, operators: str = "eq gt lt in") -> Grammar:
    """A row; in its paths `a/{b,c}` stands for a/b and a/c."""
    parts = (word.partition("{") for word in attributes.split())
    paths = (before + name for before, _, inner in parts for name in inner.rstrip("}").split(","))
    return Grammar(frozenset(operators.split()), frozenset(paths))


PLAIN = _row("")
NE = "eq ne gt lt in"
VMWARE = "createdAt displayName name services"
GRAMMARS = {
    "MSSQLDatabaseBackupList": _row("verified storageSystemInfo/name"),
    "MSSQLDatabaseSnapshotList": _row("consistency verified storageSystemInfo/{id,name,type}"),
    "DataManagementTemplatesList": _row("protections/applicationType"),
    "DatastoresList": _row(VMWARE +
        " allowedOperations appType capacityFree capacityInBytes datastoreType hciClusterUuid state status "
        "clusterInfo/{displayName,id,name} hostsInfo/{displayName,id,name} "
        "hypervisorManagerInfo/{displayName,id,name} protectionJobInfo/protectionPolicyInfo/{id,name} "
        "replicationInfo/{id,name} vmProtectionGroupsInfo/{id,name} volumesInfo/id "
        "volumesInfo/storageFolderInfo/{id,name} volumesInfo/storagePoolInfo/{id,name} "
        "volumesInfo/storageSystemInfo/{id,name,serialNumber,vendorName}", NE),
    "HypervisorClusterList": _row(VMWARE +
        " clusterType hciClusterUuid id state status appInfo/vmware/moref "
        "hypervisorManagerInfo/{displayName,id,name}", NE),
    "HypervisorHostList": _row(VMWARE +
        " hciClusterUuid hciServerUuid hostType state status version appInfo/vmware/moref "
        "cpuInfo/{hyperthreadingActive,logicalProcessors,processorCores,processorSockets,processorSpeedHz} "
        "cpuSockets/{cpuBusSpeedHz,cpuCoreSpeedHz,vendor} hypervisorManagerInfo/{displayName,id,name}", NE),
    "HypervisorManagerList": _row(VMWARE +
        " hypervisorManagerType networkAddress releaseVersion state status username dataOrchestratorInfo/id", NE),
    "HypervisorFolderList": _row(VMWARE + " folderType", NE),
    "HypervisorNetworkList": _row(VMWARE + " state status", NE),
    "HypervisorResourcePoolList": _row(VMWARE + " state status clusterInfo/{displayName,id,moref,name}", NE),
    "HypervisorTagList": _row(VMWARE + " categoryName state associatedResources/id", NE),
    "VirtualMachinesList": _row(VMWARE +
        " allowedOperations appType capacityInBytes hciClusterUuid id powerState protectionStatus "
        "recoveryPointsExist state status type vclsVm appInfo/vmware/datastoresInfo/{displayName,id,name} "
        "appInfo/vmware/{moref,type} clusterInfo/{displayName,id,name} computeInfo/{memorySizeInMib,numCpuCores} "
        "hostInfo/{displayName,id,name} hypervisorManagerInfo/{displayName,id,name} "
        "protectionJobInfo/protectionPolicyInfo/{id,name} "
        "vmPerfMetricInfo/{averageReadLatency,averageWriteLatency,totalReadIops,totalWriteIops} "
        "vmPerfMetricInfo/{cpuAllocatedInMhz,cpuUsedInMhz,memoryAllocatedInMb,memoryUsedInMb} "
        "vmPerfMetricInfo/{storageAllocatedInKb,storageUsedInBytes} "
        "vmProtectionGroupsInfo/{id,name} volumesInfo/id volumesInfo/storageFolderInfo/{id,name} "
        "volumesInfo/storagePoolInfo/{id,name} volumesInfo/storageSystemInfo/{id,name,serialNumber,vendorName}", NE),
    "ListAsyncOperations": _row("services sourceResourceUri parent/id", "eq in"),
    "DualAuthOperationsList": _row(
        "checkedAt checkedByEmail checkedByUri customerId operationDescription requestedAt requestedByEmail "
        "requestedByUri requestedOperation resourceName resourceType resourceUri sourceServiceExternalName state"),
    "ListIssues": _row(
        "category createdAt issueType services severity sourceResourceId sourceResourceType state",
        "contains eq gt in lt"),
    "SettingsList": _row(
        "currentValue customerId externalApplicationName id lastUpdatedAt lastUpdatedBy name possibleValues "
        "settingDescription"),
    "ListLocations": _row("capabilities", "in"),
}  # fmt: skip
