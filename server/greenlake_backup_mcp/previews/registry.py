"""TABLE of effects: per operation, what to read for a preview and what is said besides the difference.

An operation that has no row is described by its name and arguments. To add one: write its sentences in the module of
its kind, and a row here. Must know nothing of MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools import target_reads
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient, Request

from . import (
    access,
    creations,
    group_restores,
    groups,
    id_reads,
    jobs,
    policies,
    recovery_points,
    restores,
    stores,
    systems,
    tenant_facts,
    words,
)
from .difference import compute_difference, request_body
from .effect import compose
from .model import Effect, Finding, Gravity, Judgement, Subject
from .reads import (
    CLOCKS_APART,
    ReadCache,
    ReadResult,
    ReadSpec,
    Target,
    identity_of,
    kind_of,
    read,
    read_all,
    read_copy,
)

Reads = Callable[[Mapping[str, Any], Target], list[ReadSpec]]
Judge = Callable[[Subject], Judgement]
Further = Callable[[Subject], list[ReadSpec]]


@dataclass(frozen=True)
class PreviewSpec:
    """How a call of an operation is previewed: what is said besides its difference, and what must be read for it."""

    judge: Judge
    reads: Reads = lambda _arguments, _target: []
    further: tuple[Further, ...] = ()  # that only what was read points to, stage by stage
    held_by: Callable[[Subject], str] = lambda _subject: ""  # for how many assets a change holds


def _rows(operations: str, judge: Judge, reads: Reads | None = None, *further: Further) -> dict[str, PreviewSpec]:
    return dict.fromkeys(operations.split(), PreviewSpec(judge, reads or PreviewSpec.reads, further))


def _policy_rows(operations: str, judge: Judge) -> dict[str, PreviewSpec]:
    return dict.fromkeys(operations.split(), PreviewSpec(judge, policies.policy_reads, (), policies.holders))


def _creations() -> dict[str, PreviewSpec]:
    """What makes something: what exists already by that name or address is read."""
    return {
        operation: PreviewSpec(
            creations.judge_rename if operation == "ProtectionStoreEdit" else creations.judge_create,
            partial(_creation_reads, operation),
        )
        for operation in creations.WHAT
    }


def _creation_reads(operation: str, arguments: Mapping[str, Any], _target: Target) -> list[ReadSpec]:
    return creations.reads_for(operation, arguments)


TABLE: Mapping[str, PreviewSpec] = {
    **_rows(
        """DeleteVirtualMachineBackup DeleteVirtualMachineSnapshot DeleteDatastoreBackup DeleteDatastoreSnapshot
        DeleteMSSQLDatabaseBackup DeleteMSSQLDatabaseSnapshot DeleteVmpgBackup DeleteVmpgSnapshot
        RemoveVpgBackup RemoveVpgSnapshot""",
        recovery_points.judge_delete,
        recovery_points.reads_for,
        recovery_points.job_reads,
    ),
    **_rows(
        """VirtualMachineBackupUpdate VirtualMachineSnapshotUpdate DatastoreBackupUpdate DatastoreSnapshotUpdate
        MSSQLDatabaseBackupUpdate MSSQLDatabaseSnapshotUpdate VmpgBackupUpdate VmpgSnapshotUpdate
        VpgBackupUpdate VpgSnapshotUpdate""",
        recovery_points.judge_update,
        recovery_points.reads_for,
        recovery_points.job_reads,
    ),
    **_rows(
        "VirtualMachineRestore DatastoreRestoreFromCopy MSSQLDatabaseRestore VolumeProtectionGroupRestore",
        restores.judge_restore,
        restores.reads_for,
    ),
    **_rows("VirtualMachineDisksRestore", restores.judge_disk_restore, restores.reads_for),
    **_rows("VirtualMachineFileRestore", restores.judge_file_restore, restores.reads_for),
    **_rows("VmpgRestore", group_restores.judge_restore, group_restores.reads_for),
    **_rows("DeleteDataManagementJob", jobs.judge_delete, jobs.job_reads),
    **_rows("DataManagementJobSuspend", jobs.judge_suspend),
    **_rows("DataManagementJobResume", jobs.judge_resume),
    **_rows("DataManagementJobRun", jobs.judge_run, jobs.run_reads),
    **_rows("DataManagementJobCreate", jobs.judge_create, jobs.create_reads, jobs.asset_reads, jobs.group_reads),
    **_policy_rows("DeleteDataManagementTemplate", policies.judge_delete),
    **_policy_rows("DataManagementTemplateUpdate", policies.judge_update),
    **_policy_rows("DataManagementTemplateReplace", policies.judge_replace),
    **_rows(
        "VmProtectionGroupDelete RemoveVolumeProtectionGroup RemoveMSSQLDatabaseProtectionGroup",
        groups.judge_delete,
        groups.group_reads,
    ),
    **_rows(
        "VmProtectionGroupUpdate VolumeProtectionGroupUpdate MSSQLDatabaseProtectionGroupUpdate",
        groups.judge_update,
    ),
    **_rows(
        "ProtectionStoreDelete", stores.judge_delete, stores.store_reads, stores.count_reads, stores.snapshot_reads
    ),
    **_rows(
        "ProtectionStoreGatewayDelete StoreOnceDelete",
        stores.judge_host_delete,
        stores.host_of_stores_reads,
        stores.count_reads,
        stores.snapshot_reads,
    ),
    **_rows("ProtectionStoreGatewayRecover", stores.judge_gateway_recovery, stores.host_of_stores_reads),
    **_rows(
        "ProtectionStoreGatewayRestartGuestOS ProtectionStoreGatewayShutdownGuestOS",
        systems.judge_stop,
        stores.host_of_stores_reads,
    ),
    **_rows("DataOrchestratorReboot DataOrchestratorShutdown", systems.judge_stop, systems.orchestrator_reads),
    **_rows("DataOrchestratorDelete", systems.judge_orchestrator_delete, systems.orchestrator_reads),
    **_rows("DataOrchestratorRecover", systems.judge_orchestrator_recovery, systems.orchestrator_reads),
    **_rows("UnregisterApplicationHost", systems.judge_host_removal, systems.host_reads),
    **_rows("ApplicationHostUpdate", systems.judge_credentials_update, systems.host_reads),
    **_rows("MSSQLInstanceUpdate", systems.judge_credentials_update, systems.instance_reads),
    **_rows("StoreOnceUpdate", systems.judge_credentials_update, stores.host_of_stores_reads),
    **_rows("CloudProtectionStoreReattach", stores.judge_reattach, stores.reattach_reads),
    **_rows("DataOrchestratorModify ProtectionStoreGatewayUpdate", access.judge_network_update),
    **_rows(
        "ProtectionStoreGatewayNicCreate ProtectionStoreGatewayNicUpdate ProtectionStoreGatewayNicDelete",
        access.judge_nic_update,
    ),
    **_rows("ProtectionStoreGatewayStorage", access.judge_resize),
    **_rows("OTPCreate ProtectionStoreGatewayGetConsoleUser", access.judge_login),
    **_rows(
        "DataOrchestratorInfosightConfigModify ProtectionStoreGatewaySetRemoteSupport", access.judge_remote_support
    ),
    **_rows("VpgBackupAttach", access.judge_attach),
    **_rows("VpgBackupDetach", access.judge_detach),
    **_creations(),
    **_rows("VpgBackupCreate VpgSnapshotCreate", creations.judge_copy),
    **_rows(
        """RefreshApplicationHost RefreshMSSQLDatabase RefreshMSSQLInstance StoreOnceReferesh VmProtectionGroupRefresh
        VolumeProtectionGroupRefresh ProtectionStoreGatewayPowerOn ProtectionStoreGatewayPing
        ProtectionStoreGatewayTraceroute ProtectionStoreGatewayGenerateSupportBundle SupportBundleCreate""",
        creations.judge_plain,
    ),
}

DEFAULT_SPEC = PreviewSpec(access.judge_any)


def spec_for(tool: Tool) -> PreviewSpec:
    """The row of a tool's operation."""
    return TABLE.get(tool.operation.id, DEFAULT_SPEC) if tool.operation else DEFAULT_SPEC


@dataclass(frozen=True)
class PreviewContext:
    """What calls share: a plan its reads; all of them when what others delete or expire is gone, by path."""

    reads: ReadCache | None = None
    leaving: Mapping[str, datetime] = field(default_factory=dict)


async def read_target(  # noqa: PLR0913, PLR0917
    api: ApiClient,
    tools: Mapping[str, Tool],
    tool: Tool,
    arguments: Mapping[str, Any],
    request: Request,
    context: PreviewContext | None = None,
) -> Target:
    """What a call acts on and what it uses, read now. This is what a code is bound to.

    With a `context` that shares reads, a copy is taken from the list of its asset's copies, one read for all of them.
    """
    reader = target_reads.target_read(tool, request, tools)
    if reader is None:
        return Target("resource", "", ReadResult("what it acts on", problem="no read of it is known"))
    path = reader.path
    kind = kind_of(path)
    shared = context.reads if context else None
    spec = ReadSpec("target", f"the {kind}", path)
    found = await read_copy(api, spec, shared) if shared is not None else await read(api, spec)
    alone = Target(kind, path, found)
    if alone.found.missing:
        return alone
    uses = [r for r in spec_for(tool).reads(arguments, alone) if r.decides]
    return replace(alone, uses=await read_all(api, uses, shared)) if uses else alone


async def describe_effect(  # noqa: PLR0913, PLR0917
    api: ApiClient,
    tool: Tool,
    arguments: Mapping[str, Any],
    acted_on: Target,
    now: datetime,
    context: PreviewContext | None = None,
) -> Effect:
    """What the call would do, from its target and from what hangs on it (read now).

    Judged by the service's clock where ours is far from it: a lock that has ended here only has not ended.
    """
    identity = identity_of(acted_on.path)[1]
    if acted_on.found.missing:
        what = f"{acted_on.kind} {cell(identity)}"
        return Effect(
            title=f"{tool.title} ({what})",
            forbidden=f"There is no {what}: it does not exist, or not any more.",
            danger=tool.danger,
        )
    if acted_on.path and not acted_on.found.known and not any(f.known for f in acted_on.uses.values()):
        return Effect(
            title=f"{tool.title} ({acted_on.kind} {cell(identity)})",
            forbidden=f"The {acted_on.kind} could not be read ({acted_on.found.problem}): the effect is not known.",
            danger=tool.danger,
        )
    row, shared = spec_for(tool), context or PreviewContext()
    plain = {name: value for name, value in arguments.items() if name != "confirm"}
    clock = acted_on.found.at
    apart = (now - clock).total_seconds() if clock else 0
    now = clock if clock and abs(apart) > CLOCKS_APART else now
    body = request_body(tool, plain)
    reads = [r for r in row.reads(plain, acted_on) if not r.decides]
    by_id = id_reads.name_reads(body, acted_on.resource, acted_on.kind)
    read_now = await read_all(api, [*reads, *by_id], shared.reads)
    named = {r.name: read_now.pop(r.name) for r in by_id}
    subject = Subject(tool, plain, acted_on, read_now, now, shared.leaving)
    subject = replace(subject, difference=compute_difference(tool, plain, acted_on.resource))
    for stage in row.further:
        more = await read_all(api, stage(subject), shared.reads)
        subject = replace(subject, facts={**subject.facts, **more})
    values = (acted_on.found, *acted_on.uses.values(), *subject.facts.values(), *named.values())
    known = words.collect_names(*(found.value for found in values))
    subject = replace(subject, id_names=known, held_by=row.held_by(subject))
    judged = row.judge(subject)
    strangers = [f.words for f in named.values() if f.missing]
    found = [*judged.findings, *(Finding(f"There is no {which}.", Gravity.NOTABLE) for which in strangers)]
    if abs(apart) > CLOCKS_APART:
        found.append(tenant_facts.clocks_differ(apart))
    return compose(subject, replace(judged, findings=found))
