"""TABLE of effects: per operation, what to read for a preview and how to say what a call would do.

An operation that has no row is described by its name and arguments. To add one: write its sentences in the module of
its kind, and a row here. Must know nothing of MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools import target_reads
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient, Request

from . import access, group_restores, groups, jobs, policies, recovery_points, restores, stores, systems
from .model import Effect, Subject
from .reads import ReadCache, ReadResult, ReadSpec, Target, identity_of, kind_of, read, read_all

Reads = Callable[[Mapping[str, Any], Target], list[ReadSpec]]
Describe = Callable[[Subject], Effect]


@dataclass(frozen=True)
class PreviewSpec:
    """How a call of an operation is previewed."""

    says: Describe
    reads: Reads = lambda _arguments, _target: []
    further: Callable[[Subject], list[ReadSpec]] = lambda _subject: []  # that only what was read points to


def _rows(operations: str, says: Describe, *reads: Any) -> dict[str, PreviewSpec]:
    return dict.fromkeys(operations.split(), PreviewSpec(says, *reads))


TABLE: Mapping[str, PreviewSpec] = {
    **_rows(
        """DeleteVirtualMachineBackup DeleteVirtualMachineSnapshot DeleteDatastoreBackup DeleteDatastoreSnapshot
        DeleteMSSQLDatabaseBackup DeleteMSSQLDatabaseSnapshot DeleteVmpgBackup DeleteVmpgSnapshot
        RemoveVpgBackup RemoveVpgSnapshot""",
        recovery_points.describe_delete,
        recovery_points.reads_for,
    ),
    **_rows(
        """VirtualMachineBackupUpdate VirtualMachineSnapshotUpdate DatastoreBackupUpdate DatastoreSnapshotUpdate
        MSSQLDatabaseBackupUpdate MSSQLDatabaseSnapshotUpdate VmpgBackupUpdate VmpgSnapshotUpdate
        VpgBackupUpdate VpgSnapshotUpdate""",
        recovery_points.describe_update,
        recovery_points.reads_for,
    ),
    **_rows(
        "VirtualMachineRestore DatastoreRestoreFromCopy MSSQLDatabaseRestore VolumeProtectionGroupRestore",
        restores.describe_restore,
        restores.reads_for,
    ),
    **_rows("VirtualMachineDisksRestore", restores.describe_disk_restore, restores.reads_for),
    **_rows("VirtualMachineFileRestore", restores.describe_file_restore, restores.reads_for),
    **_rows("VmpgRestore", group_restores.describe_restore, group_restores.reads_for),
    **_rows("DeleteDataManagementJob", jobs.describe_delete, jobs.job_reads),
    **_rows("DataManagementJobSuspend", jobs.describe_suspend),
    **_rows("DeleteDataManagementTemplate", policies.describe_delete, policies.policy_reads),
    **_rows("DataManagementTemplateUpdate", policies.describe_update, policies.policy_reads),
    **_rows("DataManagementTemplateReplace", policies.describe_replace, policies.policy_reads),
    **_rows(
        "VmProtectionGroupDelete RemoveVolumeProtectionGroup RemoveMSSQLDatabaseProtectionGroup",
        groups.describe_delete,
        groups.group_reads,
    ),
    **_rows(
        "VmProtectionGroupUpdate VolumeProtectionGroupUpdate MSSQLDatabaseProtectionGroupUpdate",
        groups.describe_update,
    ),
    **_rows("ProtectionStoreDelete", stores.describe_delete, stores.store_reads, stores.count_reads),
    **_rows(
        "ProtectionStoreGatewayDelete StoreOnceDelete",
        stores.describe_host_delete,
        stores.host_of_stores_reads,
        stores.count_reads,
    ),
    **_rows("ProtectionStoreGatewayRecover", stores.describe_gateway_recovery, stores.host_of_stores_reads),
    **_rows(
        "ProtectionStoreGatewayRestartGuestOS ProtectionStoreGatewayShutdownGuestOS",
        systems.describe_stop,
        stores.host_of_stores_reads,
    ),
    **_rows("DataOrchestratorReboot DataOrchestratorShutdown", systems.describe_stop, systems.orchestrator_reads),
    **_rows("DataOrchestratorDelete", systems.describe_orchestrator_delete, systems.orchestrator_reads),
    **_rows("DataOrchestratorRecover", systems.describe_orchestrator_recovery, systems.orchestrator_reads),
    **_rows("UnregisterApplicationHost", systems.describe_host_removal, systems.host_reads),
    **_rows("ApplicationHostUpdate", systems.describe_credentials_update, systems.host_reads),
    **_rows("MSSQLInstanceUpdate", systems.describe_credentials_update, systems.instance_reads),
    **_rows("StoreOnceUpdate", systems.describe_credentials_update, stores.host_of_stores_reads),
    **_rows("CloudProtectionStoreReattach", stores.describe_reattach, stores.reattach_reads),
    **_rows("DataOrchestratorModify ProtectionStoreGatewayUpdate", access.describe_network_update),
    **_rows(
        "ProtectionStoreGatewayNicCreate ProtectionStoreGatewayNicUpdate ProtectionStoreGatewayNicDelete",
        access.describe_nic_update,
    ),
    **_rows("ProtectionStoreGatewayStorage", access.describe_resize),
    **_rows("OTPCreate ProtectionStoreGatewayGetConsoleUser", access.describe_login),
    **_rows(
        "DataOrchestratorInfosightConfigModify ProtectionStoreGatewaySetRemoteSupport", access.describe_remote_support
    ),
    **_rows("VpgBackupAttach", access.describe_attach),
    **_rows("VpgBackupDetach", access.describe_detach),
}

DEFAULT_SPEC = PreviewSpec(access.describe_any)


def spec_for(tool: Tool) -> PreviewSpec:
    """The row of a tool's operation."""
    return TABLE.get(tool.operation.id, DEFAULT_SPEC) if tool.operation else DEFAULT_SPEC


async def read_target(
    api: ApiClient, tools: Mapping[str, Tool], tool: Tool, arguments: Mapping[str, Any], request: Request
) -> Target:
    """What a call acts on and what it uses, read now. This is what a code is bound to."""
    reader = target_reads.target_read(tool, request, tools)
    if reader is None:
        return Target("resource", "", ReadResult("what it acts on", problem="no read of it is known"))
    path = reader.path
    kind = kind_of(path)
    alone = Target(kind, path, await read(api, ReadSpec("target", f"the {kind}", path)))
    if alone.found.missing:
        return alone
    uses = [r for r in spec_for(tool).reads(arguments, alone) if r.decides]
    return replace(alone, uses=await read_all(api, uses)) if uses else alone


@dataclass(frozen=True)
class PreviewContext:
    """What calls share: a plan its reads; all of them when what others delete or expire is gone, by path."""

    reads: ReadCache | None = None
    leaving: Mapping[str, datetime] = field(default_factory=dict)


async def describe_effect(  # noqa: PLR0913, PLR0917
    api: ApiClient,
    tool: Tool,
    arguments: Mapping[str, Any],
    acted_on: Target,
    now: datetime,
    context: PreviewContext | None = None,
) -> Effect:
    """What the call would do, from its target and from what hangs on it (read now)."""
    identity = identity_of(acted_on.path)[1]
    if acted_on.found.missing:
        what = f"{acted_on.kind} {cell(identity)}"
        return Effect(
            title=f"{tool.title} ({what})",
            forbidden=f"There is no {what}: it does not exist, or not any more.",
        )
    if acted_on.path and not acted_on.found.known and not any(f.known for f in acted_on.uses.values()):
        return Effect(
            title=f"{tool.title} ({acted_on.kind} {cell(identity)})",
            forbidden=f"The {acted_on.kind} could not be read ({acted_on.found.problem}): the effect is not known.",
        )
    row = spec_for(tool)
    shared = context or PreviewContext()
    facts = await read_all(api, [r for r in row.reads(arguments, acted_on) if not r.decides], shared.reads)
    subject = Subject(tool, arguments, acted_on, facts, now, shared.leaving)
    more = row.further(subject)
    return row.says(replace(subject, facts={**facts, **await read_all(api, more, shared.reads)}) if more else subject)
