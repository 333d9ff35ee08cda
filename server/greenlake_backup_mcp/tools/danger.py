"""TABLE of rules: what each operation that is not a plain read can destroy, disrupt or reveal; at worst, and at least.

What a call costs with its own arguments on its own target lies between the two; previews/ finds it out.
Knows operations by id and method. Must know nothing of tools, HTTP or MCP.
"""

from __future__ import annotations

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
    method: str
    because: str
    operations: str  # ids, by space
    least: Danger | None = None  # with harmless arguments, where that is less: what a role is asked for
    conditional: bool = False  # harmless in plain use, so that nobody is asked; with grave arguments it asks


READ, WRITE, DISRUPT, DESTROY, SECRET = Danger
# Each operation that is not a GET stands in exactly one rule, with its method: should a later description give the id
# to another method, the rule no longer speaks for it. The worst case counts: an update of a copy is judged by its
# `expiresAt`, a restore by `restoreType: PARENT`. What a call costs with its arguments is found out in previews/;
# where the least is less than the worst, `confirm` is required all the same. Grave arguments of what is conditional
# are a lock, a program, an address or name in use, an asset that is protected already, no room; `confirm` is optional.
TABLE = (
    # --- POSTs that change nothing
    Rule(READ, "POST", "a calculation", "ProtectionStoreGatewaySize ProtectionStoreGatewayPSGSize"),
    Rule(READ, "POST", "a dry run", "VmpgRestorePreCheckList"),
    # --- writes that add something, or can be taken back at no cost
    Rule(WRITE, "POST", "adds a resource", """
        ApplicationHostCreate DataOrchestratorCreate DataManagementJobCreate DataManagementTemplateCreate
        MSSQLDatabaseProtectionGroupCreate ProtectionStoreGatewayCreate ProtectionStoreCreate StoreOnceCreate
        VmProtectionGroupCreate VolumeProtectionGroupCreate VpgBackupCreate VpgSnapshotCreate""", conditional=True),
    Rule(WRITE, "POST", "reads a resource anew", """
        RefreshApplicationHost RefreshMSSQLDatabase RefreshMSSQLInstance StoreOnceReferesh VmProtectionGroupRefresh
        VolumeProtectionGroupRefresh"""),
    Rule(WRITE, "POST", "more protection, not less", "DataManagementJobRun", conditional=True),
    Rule(WRITE, "POST", "more protection, not less", "DataManagementJobResume"),
    Rule(WRITE, "POST", "starts or examines an appliance", """
        ProtectionStoreGatewayPowerOn ProtectionStoreGatewayPing ProtectionStoreGatewayTraceroute
        ProtectionStoreGatewayGenerateSupportBundle SupportBundleCreate"""),
    Rule(WRITE, "PATCH", "changes a display name only", "ProtectionStoreEdit", conditional=True),
    # --- protection or an appliance stops, now or when the arguments are wrong
    Rule(DISRUPT, "DELETE", "protection ends", """
        DeleteDataManagementJob DataOrchestratorDelete RemoveMSSQLDatabaseProtectionGroup"""),
    Rule(DISRUPT, "DELETE", "schedules and retention are lost", "DeleteDataManagementTemplate"),
    Rule(DISRUPT, "POST", "schedules stop until resumed", "DataManagementJobSuspend"),
    Rule(DISRUPT, "PATCH", "changes every asset under the policy", "DataManagementTemplateUpdate"),
    Rule(DISRUPT, "PUT", "what the new policy leaves out is lost", "DataManagementTemplateReplace"),
    Rule(DISRUPT, "PATCH", "the member list replaces the present one", """
        MSSQLDatabaseProtectionGroupUpdate VmProtectionGroupUpdate VolumeProtectionGroupUpdate"""),
    Rule(DISRUPT, "PATCH", "wrong credentials or a wrong address end all backups through it", """
        ApplicationHostUpdate MSSQLInstanceUpdate StoreOnceUpdate DataOrchestratorModify
        ProtectionStoreGatewayUpdate"""),
    Rule(DISRUPT, "POST", "what runs through the appliance stops", """
        DataOrchestratorReboot DataOrchestratorShutdown ProtectionStoreGatewayRestartGuestOS
        ProtectionStoreGatewayShutdownGuestOS"""),
    Rule(DISRUPT, "POST", "an address can cut the appliance off, or take another machine's", """
        ProtectionStoreGatewayNicCreate ProtectionStoreGatewayNicUpdate ProtectionStoreGatewayNicDelete"""),
    Rule(DISRUPT, "POST", "replaces the orchestrator of a site", "DataOrchestratorRecover"),
    Rule(DISRUPT, "POST", "cannot be taken back", "ProtectionStoreGatewayStorage CloudProtectionStoreReattach"),
    Rule(DISRUPT, "POST", "volumes in use disappear from a host", "VpgBackupDetach"),
    # --- data is lost, at once or when a retention ends earlier
    Rule(DESTROY, "DELETE", "a recovery point is deleted", """
        DeleteVirtualMachineBackup DeleteVirtualMachineSnapshot DeleteDatastoreBackup DeleteDatastoreSnapshot
        DeleteMSSQLDatabaseBackup DeleteMSSQLDatabaseSnapshot DeleteVmpgBackup DeleteVmpgSnapshot
        RemoveVpgBackup RemoveVpgSnapshot"""),
    Rule(DESTROY, "PATCH", "an earlier expiry deletes a recovery point, a lock cannot be taken back", """
        VirtualMachineBackupUpdate VirtualMachineSnapshotUpdate DatastoreBackupUpdate DatastoreSnapshotUpdate
        MSSQLDatabaseBackupUpdate MSSQLDatabaseSnapshotUpdate VmpgBackupUpdate VmpgSnapshotUpdate
        VpgBackupUpdate VpgSnapshotUpdate""", least=WRITE),
    Rule(DESTROY, "POST", "present data is overwritten", """
        VirtualMachineRestore VirtualMachineFileRestore DatastoreRestoreFromCopy MSSQLDatabaseRestore VmpgRestore
        VolumeProtectionGroupRestore""", least=DISRUPT),
    Rule(DESTROY, "POST", "present data is overwritten", "VirtualMachineDisksRestore"),
    Rule(DESTROY, "DELETE", "`force` deletes the backups in it", """
        ProtectionStoreDelete ProtectionStoreGatewayDelete StoreOnceDelete""", least=DISRUPT),
    Rule(DESTROY, "DELETE", "copies may go along (cascade, force)", """
        VmProtectionGroupDelete RemoveVolumeProtectionGroup""", least=DISRUPT),
    Rule(DESTROY, "DELETE", "copies may go along (cascade, force)", "UnregisterApplicationHost"),
    Rule(DESTROY, "POST", "local backups of the old gateway are given up", "ProtectionStoreGatewayRecover"),
    # --- someone gets in
    Rule(SECRET, "POST", "shows a login", "OTPCreate ProtectionStoreGatewayGetConsoleUser"),
    Rule(SECRET, "POST", "opens or closes the vendor's remote access", """
        DataOrchestratorInfosightConfigModify ProtectionStoreGatewaySetRemoteSupport""", least=DISRUPT),
    Rule(SECRET, "POST", "any host named can read the backed-up volumes", "VpgBackupAttach"),
)  # fmt: skip
_RULES = {(rule.method, name): rule for rule in TABLE for name in rule.operations.split()}
_RISING = (READ, WRITE, DISRUPT, SECRET, DESTROY)


def danger(operation: Operation) -> Danger:
    """The danger of an operation: by its rule, else by method; an unknown non-GET counts as DESTROY."""
    if operation.method == "GET":
        return Danger.READ  # what answers may not show is taken out by hygiene
    matched = rule(operation)
    return matched.danger if matched else Danger.DESTROY


def rule(operation: Operation) -> Rule | None:
    """The rule that speaks for an operation."""
    return _RULES.get((operation.method, operation.id))


def least_danger(operation: Operation) -> Danger:
    """What a call of an operation costs with its most harmless arguments."""
    matched = rule(operation)
    return (matched and matched.least) or danger(operation)


def is_conditional(operation: Operation) -> bool:
    """Whether an operation is harmless in plain use and asks with grave arguments."""
    matched = rule(operation)
    return matched is not None and matched.conditional


def gravest_danger(*dangers: Danger) -> Danger:
    """The gravest of several."""
    return max(dangers, key=_RISING.index, default=Danger.READ)
