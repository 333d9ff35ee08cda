"""TABLE of effects: per operation, what to read for a preview and how to say what a call would do.

An operation that has no row is described by its name and arguments. To add one: write its sentences in the module of
its kind, and a row here. Must know nothing of MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from greenlake_backup_mcp import readers
from greenlake_backup_mcp.catalog import Tool
from greenlake_backup_mcp.hygiene import cell
from greenlake_backup_mcp.service.rest import Api, Request

from . import access, copies, group_restores, groups, jobs, protection, restores, stores, systems
from .sentences import Effect, Subject
from .targets import Found, Read, Shared, Target, identity_of, kind_of, read, read_all

Reads = Callable[[Mapping[str, Any], Target], list[Read]]
Says = Callable[[Subject], Effect]


@dataclass(frozen=True)
class Judgement:
    """How a call of an operation is previewed."""

    says: Says
    reads: Reads = lambda _arguments, _target: []
    further: Callable[[Subject], list[Read]] = lambda _subject: []  # that only what was read points to


def _rows(operations: str, says: Says, *reads: Any) -> dict[str, Judgement]:
    return dict.fromkeys(operations.split(), Judgement(says, *reads))


TABLE: Mapping[str, Judgement] = {
    **_rows(
        """DeleteVirtualMachineBackup DeleteVirtualMachineSnapshot DeleteDatastoreBackup DeleteDatastoreSnapshot
        DeleteMSSQLDatabaseBackup DeleteMSSQLDatabaseSnapshot DeleteVmpgBackup DeleteVmpgSnapshot
        RemoveVpgBackup RemoveVpgSnapshot""",
        copies.deleting,
        copies.reads,
    ),
    **_rows(
        """VirtualMachineBackupUpdate VirtualMachineSnapshotUpdate DatastoreBackupUpdate DatastoreSnapshotUpdate
        MSSQLDatabaseBackupUpdate MSSQLDatabaseSnapshotUpdate VmpgBackupUpdate VmpgSnapshotUpdate
        VpgBackupUpdate VpgSnapshotUpdate""",
        copies.changing,
        copies.reads,
    ),
    **_rows(
        "VirtualMachineRestore DatastoreRestoreFromCopy MSSQLDatabaseRestore VolumeProtectionGroupRestore",
        restores.restoring,
        restores.reads,
    ),
    **_rows("VirtualMachineDisksRestore", restores.restoring_disks, restores.reads),
    **_rows("VirtualMachineFileRestore", restores.restoring_files, restores.reads),
    **_rows("VmpgRestore", group_restores.restoring, group_restores.reads),
    **_rows("DeleteDataManagementJob", jobs.deleting_job, jobs.job_reads),
    **_rows("DataManagementJobSuspend", jobs.suspending),
    **_rows("DeleteDataManagementTemplate", protection.deleting_policy, protection.policy_reads),
    **_rows("DataManagementTemplateUpdate", protection.changing_policy, protection.policy_reads),
    **_rows("DataManagementTemplateReplace", protection.replacing_policy, protection.policy_reads),
    **_rows(
        "VmProtectionGroupDelete RemoveVolumeProtectionGroup RemoveMSSQLDatabaseProtectionGroup",
        groups.deleting_group,
        groups.group_reads,
    ),
    **_rows(
        "VmProtectionGroupUpdate VolumeProtectionGroupUpdate MSSQLDatabaseProtectionGroupUpdate",
        groups.changing_group,
    ),
    **_rows("ProtectionStoreDelete", stores.deleting_store, stores.store_reads, stores.count_reads),
    **_rows(
        "ProtectionStoreGatewayDelete StoreOnceDelete",
        stores.deleting_host_of_stores,
        stores.host_of_stores_reads,
        stores.count_reads,
    ),
    **_rows("ProtectionStoreGatewayRecover", stores.recovering_gateway, stores.host_of_stores_reads),
    **_rows(
        "ProtectionStoreGatewayRestartGuestOS ProtectionStoreGatewayShutdownGuestOS",
        systems.stopping,
        stores.host_of_stores_reads,
    ),
    **_rows("DataOrchestratorReboot DataOrchestratorShutdown", systems.stopping, systems.orchestrator_reads),
    **_rows("DataOrchestratorDelete", systems.deleting_orchestrator, systems.orchestrator_reads),
    **_rows("DataOrchestratorRecover", systems.recovering_orchestrator, systems.orchestrator_reads),
    **_rows("UnregisterApplicationHost", systems.unregistering_host, systems.host_reads),
    **_rows("ApplicationHostUpdate", systems.changing_credentials, systems.host_reads),
    **_rows("MSSQLInstanceUpdate", systems.changing_credentials, systems.instance_reads),
    **_rows("StoreOnceUpdate", systems.changing_credentials, stores.host_of_stores_reads),
    **_rows("CloudProtectionStoreReattach", stores.reattaching, stores.reattach_reads),
    **_rows("DataOrchestratorModify ProtectionStoreGatewayUpdate", access.changing_network),
    **_rows(
        "ProtectionStoreGatewayNicCreate ProtectionStoreGatewayNicUpdate ProtectionStoreGatewayNicDelete",
        access.changing_nic,
    ),
    **_rows("ProtectionStoreGatewayStorage", access.resizing),
    **_rows("OTPCreate ProtectionStoreGatewayGetConsoleUser", access.showing_login),
    **_rows("DataOrchestratorInfosightConfigModify ProtectionStoreGatewaySetRemoteSupport", access.remote_support),
    **_rows("VpgBackupAttach", access.attaching),
    **_rows("VpgBackupDetach", access.detaching),
}

UNJUDGED = Judgement(access.generic)


def judgement(tool: Tool) -> Judgement:
    """The row of a tool's operation."""
    return TABLE.get(tool.operation.id, UNJUDGED) if tool.operation else UNJUDGED


async def target(
    api: Api, tools: Mapping[str, Tool], tool: Tool, arguments: Mapping[str, Any], request: Request
) -> Target:
    """What a call acts on and what it uses, read now. This is what a code is bound to."""
    reader = readers.of_target(tool, request, tools)
    if reader is None:
        return Target("resource", "", Found("what it acts on", problem="no read of it is known"))
    path = reader.path
    kind = kind_of(path)
    alone = Target(kind, path, await read(api, Read("target", f"the {kind}", path)))
    if alone.found.missing:
        return alone
    uses = [r for r in judgement(tool).reads(arguments, alone) if r.decides]
    return replace(alone, uses=await read_all(api, uses)) if uses else alone


@dataclass(frozen=True)
class Context:
    """What calls share: a plan its reads; all of them when what others delete or expire is gone, by path."""

    reads: Shared | None = None
    leaving: Mapping[str, datetime] = field(default_factory=dict)


async def effect(  # noqa: PLR0913, PLR0917
    api: Api,
    tool: Tool,
    arguments: Mapping[str, Any],
    acted_on: Target,
    now: datetime,
    context: Context | None = None,
) -> Effect:
    """What the call would do, from its target and from what hangs on it (read now)."""
    identity = identity_of(acted_on.path)[1]
    if acted_on.found.missing:
        what = f"{acted_on.kind} {cell(identity)}"
        return Effect(
            does=f"{tool.title} ({what})",
            forbidden=f"There is no {what}: it does not exist, or not any more.",
        )
    if acted_on.path and not acted_on.found.known and not any(f.known for f in acted_on.uses.values()):
        return Effect(
            does=f"{tool.title} ({acted_on.kind} {cell(identity)})",
            forbidden=f"The {acted_on.kind} could not be read ({acted_on.found.problem}): the effect is not known.",
        )
    row = judgement(tool)
    shared = context or Context()
    facts = await read_all(api, [r for r in row.reads(arguments, acted_on) if not r.decides], shared.reads)
    subject = Subject(tool, arguments, acted_on, facts, now, shared.leaving)
    more = row.further(subject)
    return row.says(replace(subject, facts={**facts, **await read_all(api, more, shared.reads)}) if more else subject)
