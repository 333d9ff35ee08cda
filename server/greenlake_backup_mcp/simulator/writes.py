"""TABLE of writers: which function carries out which operation that is not a GET.

To add an operation: write its function in a write_* module and put it here.
"""

from __future__ import annotations

from . import write_copies as copies
from . import write_gateway_vms as gateway_vms
from . import write_gateways as gateways
from . import write_groups as groups
from . import write_jobs as jobs
from . import write_policies as policies
from . import write_restores as restores
from . import write_stores as stores
from . import write_systems as systems
from .call import Writer

KINDS = ("VirtualMachine", "Datastore", "MSSQLDatabase", "Vmpg")
WRITERS: dict[str, Writer] = {
    **{f"{kind}{copy}Update": copies.update for kind in (*KINDS, "Vpg") for copy in ("Backup", "Snapshot")},
    **{f"Delete{kind}{copy}": copies.delete for kind in KINDS for copy in ("Backup", "Snapshot")},
    "RemoveVpgBackup": copies.delete,
    "RemoveVpgSnapshot": copies.delete,
    "VpgSnapshotCreate": groups.snapshot,
    "VpgBackupCreate": groups.backup,
    "VpgBackupAttach": groups.attach,
    "VpgBackupDetach": groups.detach,
    "VirtualMachineRestore": restores.vm,
    "VirtualMachineDisksRestore": restores.disks,
    "VirtualMachineFileRestore": restores.files,
    "DatastoreRestoreFromCopy": restores.datastore,
    "MSSQLDatabaseRestore": restores.database,
    "VmpgRestore": restores.vm_group,
    "VmpgRestorePreCheckList": restores.check_vm_group,
    "VolumeProtectionGroupRestore": restores.volumes,
    "DataManagementJobCreate": jobs.create,
    "DeleteDataManagementJob": jobs.delete,
    "DataManagementJobSuspend": jobs.suspend,
    "DataManagementJobResume": jobs.resume,
    "DataManagementJobRun": jobs.run,
    "DataManagementTemplateCreate": policies.create,
    "DataManagementTemplateReplace": policies.replace,
    "DataManagementTemplateUpdate": policies.update,
    "DeleteDataManagementTemplate": policies.delete,
    "VmProtectionGroupCreate": groups.create,
    "VmProtectionGroupUpdate": groups.update,
    "VmProtectionGroupDelete": groups.delete,
    "VmProtectionGroupRefresh": groups.refresh,
    "MSSQLDatabaseProtectionGroupCreate": groups.create,
    "MSSQLDatabaseProtectionGroupUpdate": groups.update,
    "RemoveMSSQLDatabaseProtectionGroup": groups.delete,
    "VolumeProtectionGroupCreate": groups.create,
    "VolumeProtectionGroupUpdate": groups.update,
    "RemoveVolumeProtectionGroup": groups.delete,
    "VolumeProtectionGroupRefresh": groups.refresh,
    "ProtectionStoreCreate": stores.create,
    "ProtectionStoreEdit": stores.edit,
    "ProtectionStoreDelete": stores.delete,
    "CloudProtectionStoreReattach": stores.reattach,
    "StoreOnceCreate": stores.register,
    "StoreOnceUpdate": stores.update_storeonce,
    "StoreOnceDelete": stores.unregister,
    "StoreOnceReferesh": stores.refresh_storeonce,
    "ProtectionStoreGatewaySize": gateways.size,
    "ProtectionStoreGatewayPSGSize": gateways.size,
    "ProtectionStoreGatewayCreate": gateways.create,
    "ProtectionStoreGatewayUpdate": gateways.update,
    "ProtectionStoreGatewayDelete": gateways.delete,
    "ProtectionStoreGatewayRecover": gateways.recover,
    "ProtectionStoreGatewayStorage": gateways.resize,
    "ProtectionStoreGatewayNicCreate": gateway_vms.create_nic,
    "ProtectionStoreGatewayNicUpdate": gateway_vms.update_nic,
    "ProtectionStoreGatewayNicDelete": gateway_vms.delete_nic,
    "ProtectionStoreGatewayPowerOn": gateway_vms.power_on,
    "ProtectionStoreGatewayShutdownGuestOS": gateway_vms.shut_down,
    "ProtectionStoreGatewayRestartGuestOS": gateway_vms.restart,
    "ProtectionStoreGatewayPing": gateway_vms.diagnose,
    "ProtectionStoreGatewayTraceroute": gateway_vms.diagnose,
    "ProtectionStoreGatewayGenerateSupportBundle": gateway_vms.support_bundle,
    "ProtectionStoreGatewaySetRemoteSupport": gateway_vms.remote_support,
    "ProtectionStoreGatewayGetConsoleUser": gateway_vms.console_user,
    "DataOrchestratorCreate": systems.create_orchestrator,
    "DataOrchestratorModify": systems.modify_orchestrator,
    "DataOrchestratorDelete": systems.delete_orchestrator,
    "DataOrchestratorReboot": systems.restart_orchestrator,
    "DataOrchestratorShutdown": systems.shut_down_orchestrator,
    "DataOrchestratorRecover": systems.recover_orchestrator,
    "DataOrchestratorInfosightConfigModify": gateway_vms.remote_support,
    "SupportBundleCreate": gateway_vms.support_bundle,
    "OTPCreate": systems.one_time_code,
    "ApplicationHostCreate": systems.register_host,
    "ApplicationHostUpdate": systems.update_host,
    "UnregisterApplicationHost": systems.unregister_host,
    "RefreshApplicationHost": systems.refresh,
    "MSSQLInstanceUpdate": systems.update_instance,
    "RefreshMSSQLInstance": systems.refresh,
    "RefreshMSSQLDatabase": systems.refresh,
}
