"""TABLE: what each list can be filtered and sorted by, as its documentation names it.

The other side of the wire from the client's own filters; the two must not share this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grammar:
    """What one list understands. `sort` empty: any property of the item."""

    operators: frozenset[str]
    attributes: frozenset[str]
    sort: frozenset[str] = frozenset()


def _grammar(attributes: str, operators: str = "eq gt lt in", sort: str = "") -> Grammar:
    return Grammar(frozenset(operators.split()), _names(attributes), _names(sort))


def _names(text: str) -> frozenset[str]:
    """The paths of a text; `a/{b,c}` stands for a/b and a/c."""
    parts = (word.partition("{") for word in text.split())
    return frozenset(before + name for before, _, inner in parts for name in inner.rstrip("}").split(","))


NE = "eq ne gt lt in"
BACKUP = (
    "backupType pointInTime state status protectionStoreInfo/{id,name} sourceCopyInfo/id storageSystemInfo/{id,name}"
)
VMWARE_BACKUP = BACKUP + " expiresAt name verified createdByInfo/{id,name} dataOrchestratorInfo/id"
SNAPSHOT = (
    "consistency dataOrchestratorInfo/id expiresAt name pointInTime snapshotType state status createdByInfo/{id,name} "
    "storageSystemsInfo/{id,name,storageSystemType}"
)
VMWARE = "createdAt displayName name services"
GRAMMARS = {
    "ApplicationHostList": _grammar("createdAt name state status dataOrchestratorInfo/id osInfo/{name,releaseVersion}"),
    "DataOrchestratorList": _grammar(
        "connectionState id name serialNumber softwareVersion state status interfaces/network/hostname",
        sort="connectionState createdAt generation id name platform poweredOnAt serialNumber softwareVersion state "
             "stateReason status totalMemoryInGiB vCpu dateTime/{methodDateTimeSet,timezone} "
             "interfaces/network/defaultGateway ntp/{state,stateReason,status}"),
    "DatastoreBackupList": _grammar(VMWARE_BACKUP),
    "DatastoreSnapshotList": _grammar(SNAPSHOT),
    "MSSQLDatabaseProtectionGroupList": _grammar("createdAt name"),
    "MSSQLDatabaseList": _grammar(
        "createdAt name state status applicationHostInfo/{id,name} mssqlDatabaseProtectionGroupInfo/{id,name} "
        "virtualizationInfo/hypervisorManagerInfo/id"),
    "MSSQLDatabaseBackupList": _grammar(BACKUP + " verified createdByInfo/{id,name} storageSystemInfo/type"),
    "MSSQLDatabaseSnapshotList": _grammar(
        "consistency pointInTime snapshotType state status verified createdByInfo/{id,name} "
        "storageSystemInfo/{id,name,type}"),
    "MSSQLInstanceList": _grammar(
        "createdAt name productName productVersion state status applicationHostInfo/{id,name}"),
    "DataManagementJobsList": _grammar(
        "dataOrchestratorId operational assetInfo/{id,name,resourceUri,type} protectionPolicyInfo/{id,name}"),
    "DataManagementTemplatesList": _grammar(
        "assigned name protections/{applicationType,type} protections/protectionStoreInfo/{id,name}"),
    "ProtectionStoreGatewaysList": _grammar("state health/{state,status}"),
    "ProtectionStoreList": _grammar("protectionStoreType storageSystemInfo/{displayName,id}"),
    "VmProtectionGroupList": _grammar(
        "createdAt name vmProtectionGroupType dataOrchestratorInfo/id hypervisorManagerInfo/{id,name}"),
    "VmpgBackupList": _grammar(VMWARE_BACKUP),
    "VmpgSnapshotList": _grammar(SNAPSHOT),
    "VirtualMachineBackupList": _grammar(VMWARE_BACKUP + " storageSystemInfo/type"),
    "VirtualMachineSnapshotList": _grammar(SNAPSHOT),
    "VolumeProtectionGroupList": _grammar("createdAt name volumeProtectionGroupType"),
    "VpgBackupList": _grammar(BACKUP),
    "VpgSnapshotList": _grammar("pointInTime state status storageSystemInfo/{id,name}"),
    "DatastoresList": _grammar(VMWARE +
        " allowedOperations appType capacityFree capacityInBytes datastoreType hciClusterUuid state status "
        "clusterInfo/{displayName,id,name} hostsInfo/{displayName,id,name} "
        "hypervisorManagerInfo/{displayName,id,name} protectionJobInfo/protectionPolicyInfo/{id,name} "
        "replicationInfo/{id,name} vmProtectionGroupsInfo/{id,name} volumesInfo/id "
        "volumesInfo/storageFolderInfo/{id,name} volumesInfo/storagePoolInfo/{id,name} "
        "volumesInfo/storageSystemInfo/{id,name,serialNumber,vendorName}", NE),
    "HypervisorClusterList": _grammar(VMWARE +
        " clusterType hciClusterUuid id state status appInfo/vmware/moref "
        "hypervisorManagerInfo/{displayName,id,name}", NE),
    "HypervisorHostList": _grammar(VMWARE +
        " hciClusterUuid hciServerUuid hostType state status version appInfo/vmware/moref "
        "cpuInfo/{hyperthreadingActive,logicalProcessors,processorCores,processorSockets,processorSpeedHz} "
        "cpuSockets/{cpuBusSpeedHz,cpuCoreSpeedHz,vendor} hypervisorManagerInfo/{displayName,id,name}", NE),
    "HypervisorManagerList": _grammar(VMWARE +
        " hypervisorManagerType networkAddress releaseVersion state status username dataOrchestratorInfo/id", NE),
    "HypervisorFolderList": _grammar(VMWARE + " folderType", NE),
    "HypervisorNetworkList": _grammar(VMWARE + " state status", NE),
    "HypervisorResourcePoolList": _grammar(VMWARE + " state status clusterInfo/{displayName,id,moref,name}", NE),
    "HypervisorTagList": _grammar(VMWARE + " categoryName state associatedResources/id", NE),
    "VirtualMachinesList": _grammar(VMWARE +
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
    "ListAsyncOperations": _grammar("services sourceResourceUri parent/id", "eq in"),
    "DualAuthOperationsList": _grammar(
        "checkedAt checkedByEmail checkedByUri customerId operationDescription requestedAt requestedByEmail "
        "requestedByUri requestedOperation resourceName resourceType resourceUri sourceServiceExternalName state"),
    "ListIssues": _grammar(
        "category createdAt issueType services severity sourceResourceId sourceResourceType state",
        "contains eq gt in lt"),
    "SettingsList": _grammar(
        "currentValue customerId externalApplicationName id lastUpdatedAt lastUpdatedBy name possibleValues "
        "settingDescription"),
    "ListLocations": _grammar("capabilities", "in"),
}  # fmt: skip
