"""TABLE of rules: what each operation that is not a plain read can destroy, disrupt or reveal; at worst, and at least.

What a call costs with its own arguments on its own target lies between the two; previews/ finds it out.
Knows operations by id and method. Must know nothing of tools, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from greenlake_backup_mcp.openapi.document import Operation


class Danger(Enum):
    """What the worst case of a call costs. DISRUPT, DESTROY and SECRET are gated by `confirm`."""

    READ = "read"
    WRITE = "write"
    DISRUPT = "disrupt"
    DESTROY = "destroy"
    SECRET = "secret"  # noqa: S105

    @property
    def gated(self) -> bool:
        """Whether a call needs a preview and its code first."""
        return self in (Danger.DISRUPT, Danger.DESTROY, Danger.SECRET)


@dataclass(frozen=True)
class Rule:
    """One judgement: these operations of this method are this dangerous, because."""

    danger: Danger
    because: str
    method: str
    operations: frozenset[str]


def _find_rule(danger: Danger, because: str, method: str, operations: str) -> Rule:
    return Rule(danger, because, method, frozenset(operations.split()))


# Each operation that is not a GET stands in exactly one rule, with its method: should a later description give the id
# to another method, the rule no longer speaks for it. The worst case counts: an update of a copy is judged by its
# `expiresAt`, a restore by `restoreType: PARENT`. What a call costs with its arguments is found out in previews/.
TABLE = (
    # --- POSTs that change nothing
    _find_rule(Danger.READ, "a calculation", "POST", "ProtectionStoreGatewaySize ProtectionStoreGatewayPSGSize"),
    _find_rule(Danger.READ, "a dry run", "POST", "VmpgRestorePreCheckList"),
    # --- writes that add something, or can be taken back at no cost
    _find_rule(
        Danger.WRITE,
        "adds a resource",
        "POST",
        """ApplicationHostCreate DataOrchestratorCreate DataManagementJobCreate DataManagementTemplateCreate
        MSSQLDatabaseProtectionGroupCreate ProtectionStoreGatewayCreate ProtectionStoreCreate StoreOnceCreate
        VmProtectionGroupCreate VolumeProtectionGroupCreate VpgBackupCreate VpgSnapshotCreate""",
    ),
    _find_rule(
        Danger.WRITE,
        "reads a resource anew",
        "POST",
        """RefreshApplicationHost RefreshMSSQLDatabase RefreshMSSQLInstance StoreOnceReferesh VmProtectionGroupRefresh
        VolumeProtectionGroupRefresh""",
    ),
    _find_rule(Danger.WRITE, "more protection, not less", "POST", "DataManagementJobRun DataManagementJobResume"),
    _find_rule(
        Danger.WRITE,
        "starts or examines an appliance",
        "POST",
        """ProtectionStoreGatewayPowerOn ProtectionStoreGatewayPing ProtectionStoreGatewayTraceroute
        ProtectionStoreGatewayGenerateSupportBundle SupportBundleCreate""",
    ),
    _find_rule(Danger.WRITE, "changes a display name only", "PATCH", "ProtectionStoreEdit"),
    # --- protection or an appliance stops, now or when the arguments are wrong
    _find_rule(
        Danger.DISRUPT,
        "protection ends",
        "DELETE",
        "DeleteDataManagementJob DataOrchestratorDelete RemoveMSSQLDatabaseProtectionGroup",
    ),
    _find_rule(Danger.DISRUPT, "schedules and retention are lost", "DELETE", "DeleteDataManagementTemplate"),
    _find_rule(Danger.DISRUPT, "schedules stop until resumed", "POST", "DataManagementJobSuspend"),
    _find_rule(Danger.DISRUPT, "changes every asset under the policy", "PATCH", "DataManagementTemplateUpdate"),
    _find_rule(Danger.DISRUPT, "what the new policy leaves out is lost", "PUT", "DataManagementTemplateReplace"),
    _find_rule(
        Danger.DISRUPT,
        "the member list replaces the present one",
        "PATCH",
        "MSSQLDatabaseProtectionGroupUpdate VmProtectionGroupUpdate VolumeProtectionGroupUpdate",
    ),
    _find_rule(
        Danger.DISRUPT,
        "wrong credentials or a wrong address end all backups through it",
        "PATCH",
        """ApplicationHostUpdate MSSQLInstanceUpdate StoreOnceUpdate DataOrchestratorModify
        ProtectionStoreGatewayUpdate""",
    ),
    _find_rule(
        Danger.DISRUPT,
        "what runs through the appliance stops",
        "POST",
        """DataOrchestratorReboot DataOrchestratorShutdown ProtectionStoreGatewayRestartGuestOS
        ProtectionStoreGatewayShutdownGuestOS""",
    ),
    _find_rule(
        Danger.DISRUPT,
        "an address can cut the appliance off, or take another machine's",
        "POST",
        "ProtectionStoreGatewayNicCreate ProtectionStoreGatewayNicUpdate ProtectionStoreGatewayNicDelete",
    ),
    _find_rule(Danger.DISRUPT, "replaces the orchestrator of a site", "POST", "DataOrchestratorRecover"),
    _find_rule(
        Danger.DISRUPT,
        "cannot be taken back",
        "POST",
        "ProtectionStoreGatewayStorage CloudProtectionStoreReattach",
    ),
    _find_rule(Danger.DISRUPT, "volumes in use disappear from a host", "POST", "VpgBackupDetach"),
    # --- data is lost, at once or when a retention ends earlier
    _find_rule(
        Danger.DESTROY,
        "a recovery point is deleted",
        "DELETE",
        """DeleteVirtualMachineBackup DeleteVirtualMachineSnapshot DeleteDatastoreBackup DeleteDatastoreSnapshot
        DeleteMSSQLDatabaseBackup DeleteMSSQLDatabaseSnapshot DeleteVmpgBackup DeleteVmpgSnapshot
        RemoveVpgBackup RemoveVpgSnapshot""",
    ),
    _find_rule(
        Danger.DESTROY,
        "an earlier expiry deletes a recovery point, a lock cannot be taken back",
        "PATCH",
        """VirtualMachineBackupUpdate VirtualMachineSnapshotUpdate DatastoreBackupUpdate DatastoreSnapshotUpdate
        MSSQLDatabaseBackupUpdate MSSQLDatabaseSnapshotUpdate VmpgBackupUpdate VmpgSnapshotUpdate
        VpgBackupUpdate VpgSnapshotUpdate""",
    ),
    _find_rule(
        Danger.DESTROY,
        "present data is overwritten",
        "POST",
        """VirtualMachineRestore VirtualMachineDisksRestore VirtualMachineFileRestore DatastoreRestoreFromCopy
        MSSQLDatabaseRestore VmpgRestore VolumeProtectionGroupRestore""",
    ),
    _find_rule(
        Danger.DESTROY,
        "`force` deletes the backups in it",
        "DELETE",
        "ProtectionStoreDelete ProtectionStoreGatewayDelete StoreOnceDelete",
    ),
    _find_rule(
        Danger.DESTROY,
        "copies may go along (cascade, force)",
        "DELETE",
        "UnregisterApplicationHost VmProtectionGroupDelete RemoveVolumeProtectionGroup",
    ),
    _find_rule(
        Danger.DESTROY, "local backups of the old gateway are given up", "POST", "ProtectionStoreGatewayRecover"
    ),
    # --- someone gets in
    _find_rule(Danger.SECRET, "shows a login", "POST", "OTPCreate ProtectionStoreGatewayGetConsoleUser"),
    _find_rule(
        Danger.SECRET,
        "opens or closes the vendor's remote access",
        "POST",
        "DataOrchestratorInfosightConfigModify ProtectionStoreGatewaySetRemoteSupport",
    ),
    _find_rule(Danger.SECRET, "any host named can read the backed-up volumes", "POST", "VpgBackupAttach"),
)


# Worst case and plain use differ: with harmless arguments these cost less, which is what a role is asked for. `confirm`
# is required all the same.
LEAST: Mapping[Danger, frozenset[str]] = {
    Danger.WRITE: frozenset(
        [
            "VirtualMachineBackupUpdate",
            "VirtualMachineSnapshotUpdate",
            "DatastoreBackupUpdate",
            "DatastoreSnapshotUpdate",
            "MSSQLDatabaseBackupUpdate",
            "MSSQLDatabaseSnapshotUpdate",
            "VmpgBackupUpdate",
            "VmpgSnapshotUpdate",
            "VpgBackupUpdate",
            "VpgSnapshotUpdate",
        ]
    ),
    Danger.DISRUPT: frozenset(
        [
            "VirtualMachineRestore",
            "VirtualMachineFileRestore",
            "DatastoreRestoreFromCopy",
            "MSSQLDatabaseRestore",
            "VmpgRestore",
            "VolumeProtectionGroupRestore",
            "ProtectionStoreDelete",
            "ProtectionStoreGatewayDelete",
            "StoreOnceDelete",
            "VmProtectionGroupDelete",
            "RemoveVolumeProtectionGroup",
            "DataOrchestratorInfosightConfigModify",
            "ProtectionStoreGatewaySetRemoteSupport",
        ]
    ),
}
# Harmless in plain use, so that nobody is asked; with grave arguments (a lock, a program, an address or name in use, an
# asset that is protected already, no room) they ask as the gated ones do. Their `confirm` is optional.
CONDITIONAL = frozenset(
    [
        "ApplicationHostCreate",
        "DataOrchestratorCreate",
        "DataManagementJobCreate",
        "DataManagementTemplateCreate",
        "MSSQLDatabaseProtectionGroupCreate",
        "ProtectionStoreGatewayCreate",
        "ProtectionStoreCreate",
        "StoreOnceCreate",
        "VmProtectionGroupCreate",
        "VolumeProtectionGroupCreate",
        "VpgBackupCreate",
        "VpgSnapshotCreate",
        "DataManagementJobRun",
        "ProtectionStoreEdit",
    ]
)
_RISING = (Danger.READ, Danger.WRITE, Danger.DISRUPT, Danger.SECRET, Danger.DESTROY)


def danger(operation: Operation) -> Danger:
    """The danger of an operation: by its rule, else by method; an unknown non-GET counts as DESTROY."""
    if operation.method == "GET":
        return Danger.READ  # what answers may not show is taken out by hygiene
    matched = rule(operation)
    return matched.danger if matched else Danger.DESTROY


def rule(operation: Operation) -> Rule | None:
    """The rule that speaks for an operation."""
    return next((r for r in TABLE if r.method == operation.method and operation.id in r.operations), None)


def least_danger(operation: Operation) -> Danger:
    """What a call of an operation costs with its most harmless arguments."""
    worst = danger(operation)
    return next((low for low, ids in LEAST.items() if operation.id in ids and rule(operation)), worst)


def is_conditional(operation: Operation) -> bool:
    """Whether an operation is harmless in plain use and asks with grave arguments."""
    return operation.id in CONDITIONAL and danger(operation) is Danger.WRITE


def gravest_danger(*dangers: Danger) -> Danger:
    """The gravest of several."""
    return max(dangers, key=_RISING.index, default=Danger.READ)
