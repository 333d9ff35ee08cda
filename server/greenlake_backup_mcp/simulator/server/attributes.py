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


def _grammar(operators: str, attributes: str, sort: str = "") -> Grammar:
    return Grammar(frozenset(operators.split()), frozenset(attributes.split()), frozenset(sort.split()))


GRAMMARS = {
    "ApplicationHostList": _grammar(
        "eq gt lt in", "osInfo/name state status osInfo/releaseVersion createdAt name dataOrchestratorInfo/id"
    ),
    "DataOrchestratorList": _grammar(
        "eq gt lt in",
        "id name interfaces/network/hostname serialNumber status state connectionState softwareVersion",
        "name generation connectionState serialNumber softwareVersion status state stateReason id platform "
        "vCpu totalMemoryInGiB poweredOnAt createdAt interfaces/network/defaultGateway "
        "dateTime/methodDateTimeSet dateTime/timezone ntp/status ntp/state ntp/stateReason",
    ),
    "DatastoreBackupList": _grammar(
        "eq gt lt in",
        "backupType state status createdByInfo/id createdByInfo/name sourceCopyInfo/id pointInTime verified "
        "storageSystemInfo/id storageSystemInfo/name protectionStoreInfo/id protectionStoreInfo/name "
        "dataOrchestratorInfo/id expiresAt name",
    ),
    "DatastoreSnapshotList": _grammar(
        "eq gt lt in",
        "snapshotType state status createdByInfo/id createdByInfo/name storageSystemsInfo/id "
        "storageSystemsInfo/storageSystemType storageSystemsInfo/name consistency pointInTime "
        "dataOrchestratorInfo/id expiresAt name",
    ),
    "MSSQLDatabaseProtectionGroupList": _grammar("eq gt lt in", "createdAt name"),
    "MSSQLDatabaseList": _grammar(
        "eq gt lt in",
        "state status applicationHostInfo/id applicationHostInfo/name mssqlDatabaseProtectionGroupInfo/id "
        "mssqlDatabaseProtectionGroupInfo/name virtualizationInfo/hypervisorManagerInfo/id createdAt name",
    ),
    "MSSQLDatabaseBackupList": _grammar(
        "eq gt lt in",
        "backupType state status createdByInfo/id createdByInfo/name storageSystemInfo/id "
        "storageSystemInfo/type storageSystemInfo/name sourceCopyInfo/id pointInTime verified "
        "protectionStoreInfo/id protectionStoreInfo/name",
    ),
    "MSSQLDatabaseSnapshotList": _grammar(
        "eq gt lt in",
        "snapshotType state status createdByInfo/id createdByInfo/name storageSystemInfo/id "
        "storageSystemInfo/type storageSystemInfo/name verified consistency pointInTime",
    ),
    "MSSQLInstanceList": _grammar(
        "eq gt lt in",
        "state status createdAt name productName productVersion applicationHostInfo/id applicationHostInfo/name",
    ),
    "DataManagementJobsList": _grammar(
        "eq gt lt in",
        "assetInfo/name assetInfo/type assetInfo/id assetInfo/resourceUri operational dataOrchestratorId "
        "protectionPolicyInfo/id protectionPolicyInfo/name",
    ),
    "DataManagementTemplatesList": _grammar(
        "eq gt lt in",
        "assigned name protections/type protections/applicationType protections/protectionStoreInfo/name "
        "protections/protectionStoreInfo/id",
    ),
    "ProtectionStoreGatewaysList": _grammar("eq gt lt in", "state health/state health/status"),
    "ProtectionStoreList": _grammar(
        "eq gt lt in", "protectionStoreType storageSystemInfo/id storageSystemInfo/displayName"
    ),
    "VmProtectionGroupList": _grammar(
        "eq gt lt in",
        "hypervisorManagerInfo/name hypervisorManagerInfo/id vmProtectionGroupType dataOrchestratorInfo/id "
        "createdAt name",
    ),
    "VmpgBackupList": _grammar(
        "eq gt lt in",
        "backupType state status createdByInfo/id createdByInfo/name sourceCopyInfo/id pointInTime verified "
        "storageSystemInfo/id storageSystemInfo/name protectionStoreInfo/id protectionStoreInfo/name "
        "dataOrchestratorInfo/id expiresAt name",
    ),
    "VmpgSnapshotList": _grammar(
        "eq gt lt in",
        "snapshotType state status createdByInfo/id createdByInfo/name storageSystemsInfo/id "
        "storageSystemsInfo/storageSystemType storageSystemsInfo/name consistency pointInTime "
        "dataOrchestratorInfo/id expiresAt name",
    ),
    "VirtualMachineBackupList": _grammar(
        "eq gt lt in",
        "backupType state status createdByInfo/id createdByInfo/name storageSystemInfo/id "
        "storageSystemInfo/type storageSystemInfo/name sourceCopyInfo/id pointInTime verified "
        "protectionStoreInfo/id protectionStoreInfo/name dataOrchestratorInfo/id expiresAt name",
    ),
    "VirtualMachineSnapshotList": _grammar(
        "eq gt lt in",
        "snapshotType state status createdByInfo/id createdByInfo/name storageSystemsInfo/id "
        "storageSystemsInfo/storageSystemType storageSystemsInfo/name consistency pointInTime "
        "dataOrchestratorInfo/id expiresAt name",
    ),
    "VolumeProtectionGroupList": _grammar("eq gt lt in", "volumeProtectionGroupType createdAt name"),
    "VpgBackupList": _grammar(
        "eq gt lt in",
        "backupType state status sourceCopyInfo/id pointInTime storageSystemInfo/id storageSystemInfo/name "
        "protectionStoreInfo/id protectionStoreInfo/name",
    ),
    "VpgSnapshotList": _grammar("eq gt lt in", "state status storageSystemInfo/id storageSystemInfo/name pointInTime"),
    "DatastoresList": _grammar(
        "eq ne gt lt in",
        "status state appType hypervisorManagerInfo/name hypervisorManagerInfo/displayName "
        "hypervisorManagerInfo/id hostsInfo/id hostsInfo/name hostsInfo/displayName clusterInfo/id "
        "clusterInfo/name clusterInfo/displayName protectionJobInfo/protectionPolicyInfo/id "
        "protectionJobInfo/protectionPolicyInfo/name vmProtectionGroupsInfo/id vmProtectionGroupsInfo/name "
        "volumesInfo/id volumesInfo/storageSystemInfo/id volumesInfo/storageSystemInfo/serialNumber "
        "volumesInfo/storageSystemInfo/name volumesInfo/storageSystemInfo/vendorName "
        "volumesInfo/storageFolderInfo/id volumesInfo/storageFolderInfo/name volumesInfo/storagePoolInfo/id "
        "volumesInfo/storagePoolInfo/name datastoreType createdAt name services allowedOperations "
        "capacityInBytes capacityFree displayName replicationInfo/name replicationInfo/id hciClusterUuid",
    ),
    "HypervisorClusterList": _grammar(
        "eq ne gt lt in",
        "clusterType id state hypervisorManagerInfo/name hypervisorManagerInfo/displayName "
        "hypervisorManagerInfo/id status createdAt hciClusterUuid name services displayName "
        "appInfo/vmware/moref",
    ),
    "HypervisorHostList": _grammar(
        "eq ne gt lt in",
        "hostType state status hypervisorManagerInfo/name hypervisorManagerInfo/displayName "
        "hypervisorManagerInfo/id version createdAt hciClusterUuid hciServerUuid name services displayName "
        "cpuInfo/processorSpeedHz cpuInfo/processorSockets cpuInfo/processorCores cpuInfo/logicalProcessors "
        "cpuInfo/hyperthreadingActive cpuSockets/vendor cpuSockets/cpuBusSpeedHz cpuSockets/cpuCoreSpeedHz "
        "appInfo/vmware/moref",
    ),
    "HypervisorManagerList": _grammar(
        "eq ne gt lt in",
        "hypervisorManagerType state status releaseVersion createdAt name services dataOrchestratorInfo/id "
        "username networkAddress displayName",
    ),
    "HypervisorFolderList": _grammar("eq ne gt lt in", "folderType createdAt name services displayName"),
    "HypervisorNetworkList": _grammar("eq ne gt lt in", "state status createdAt name services displayName"),
    "HypervisorResourcePoolList": _grammar(
        "eq ne gt lt in",
        "state status createdAt name services displayName clusterInfo/id clusterInfo/name "
        "clusterInfo/displayName clusterInfo/moref",
    ),
    "HypervisorTagList": _grammar(
        "eq ne gt lt in", "state createdAt name services displayName associatedResources/id categoryName"
    ),
    "VirtualMachinesList": _grammar(
        "eq ne gt lt in",
        "status state appType hypervisorManagerInfo/name hypervisorManagerInfo/displayName "
        "hypervisorManagerInfo/id hostInfo/id hostInfo/name hostInfo/displayName clusterInfo/id "
        "clusterInfo/name clusterInfo/displayName protectionJobInfo/protectionPolicyInfo/id "
        "protectionJobInfo/protectionPolicyInfo/name vmProtectionGroupsInfo/id vmProtectionGroupsInfo/name "
        "appInfo/vmware/type appInfo/vmware/moref appInfo/vmware/datastoresInfo/id "
        "appInfo/vmware/datastoresInfo/name appInfo/vmware/datastoresInfo/displayName volumesInfo/id "
        "volumesInfo/storageSystemInfo/id volumesInfo/storageSystemInfo/serialNumber "
        "volumesInfo/storageSystemInfo/name volumesInfo/storageSystemInfo/vendorName "
        "volumesInfo/storageFolderInfo/id volumesInfo/storageFolderInfo/name volumesInfo/storagePoolInfo/id "
        "volumesInfo/storagePoolInfo/name powerState createdAt name services allowedOperations hciClusterUuid "
        "id type capacityInBytes computeInfo/numCpuCores computeInfo/memorySizeInMib "
        "vmPerfMetricInfo/cpuAllocatedInMhz vmPerfMetricInfo/cpuUsedInMhz "
        "vmPerfMetricInfo/storageAllocatedInKb vmPerfMetricInfo/storageUsedInBytes "
        "vmPerfMetricInfo/memoryAllocatedInMb vmPerfMetricInfo/memoryUsedInMb vmPerfMetricInfo/totalReadIops "
        "vmPerfMetricInfo/totalWriteIops vmPerfMetricInfo/averageReadLatency "
        "vmPerfMetricInfo/averageWriteLatency displayName protectionStatus recoveryPointsExist vclsVm",
    ),
    "ListAsyncOperations": _grammar("eq in", "parent/id services sourceResourceUri"),
    "DualAuthOperationsList": _grammar(
        "eq gt lt in",
        "resourceUri resourceName resourceType requestedOperation operationDescription requestedByUri "
        "requestedByEmail requestedAt customerId checkedByUri checkedByEmail checkedAt "
        "sourceServiceExternalName state",
    ),
    "ListIssues": _grammar(
        "eq gt lt in contains",
        "issueType severity category state createdAt services sourceResourceId sourceResourceType",
    ),
    "SettingsList": _grammar(
        "eq gt lt in",
        "customerId id name possibleValues currentValue settingDescription lastUpdatedBy lastUpdatedAt "
        "externalApplicationName",
    ),
    "ListLocations": _grammar("in", "capabilities"),
}
