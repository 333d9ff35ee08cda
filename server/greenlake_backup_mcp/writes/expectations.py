"""TABLE of judgement: what each write should have made or changed, and where the resource shows it.

Most operations need no row: an update's fields are its target's, a create's are those of what it makes. A row says
what differs. Reads nothing; knows requests and no answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.upstream.client import Request

OWN = "/backup-recovery/v1beta1"
VIRTUALIZATION = "/virtualization/v1beta1"

POWER = {True: "POWERED_ON", False: "POWERED_OFF"}
NEW_VOLUMES = "new volumes and where they lie (they are seen on the array)"
TAKES_COPIES = (("cascadedelete", "true"), ("force", "true"))  # of a delete: its recovery points may go along
GONE_ALONG = "what became of its recovery points (the lists of the assets show those that are left)"
NO_CONTENT = "that its content is that of the recovery point (look into it)"


@dataclass(frozen=True)
class Expectation:
    """What a write should come to.

    `makes`: the path of the collection that it adds to ("" where it changes its target). `root`: the part of the body
    that describes the result ("-": none). `fields`: where the resource shows a leaf of the body, by its path below the
    root; `a|b`: at the first of these places that it has; a `*` at the end: it is enough that one of several values is
    the one asked for; "" says that no resource shows it. `words`: what a value of a leaf is called by the resource.
    `beside`: the property that holds the id of a VM in which further leaves are shown, as `vm/…`.
    `unproven`: what no read can tell. `proof`: what would prove it later.
    `states`: whether a bad state contradicts a success though it was bad before.
    `examines`: its result is what the task says last. `answers`: its result is in the answer itself.
    """

    makes: str = ""
    root: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    asked: Mapping[str, Any] | None = None  # in place of the body, where the operation itself says what shall be
    partial: tuple[str, ...] = ()  # lists of which the request names only some elements
    unproven: tuple[str, ...] = ()
    beside: str = ""
    states: bool = False
    proof: str = ""
    restores: bool = False
    examines: bool = False
    answers: bool = False


_VM = {
    "storageInfo/storageSystemId": "volumesInfo/storageSystemInfo/id",
    "powerOn": "powerState",
    "vmHardwareCustomization/networkAdapters": "networkAdapters",
}
_DATASTORE = {
    "hostId": "hostsInfo/id*",
    "storageInfo/storageSystemId": "volumesInfo/storageSystemInfo/id",
    "powerOnVmsAfterRestore": "",
}
_SIZE = {
    f"max{where}": f"size/max{where}"
    for where in (
        "InCloudDailyProtectedDataInTiB", "InCloudRetentionDays", "OnPremDailyProtectedDataInTiB", "OnPremRetentionDays"
    )
}  # fmt: skip
_GATEWAY_VM = {
    **{f"vmConfig/{name}": place for name, place in _SIZE.items()},
    "vmConfig/override": "override",
    "vmConfig/datastoreIds": "vm/appInfo/vmware/datastoresInfo/id|datastoresInfo/id",
    "vmConfig/clusterId": "vm/clusterInfo/id",
    "vmConfig/hostId": "vm/hostInfo/id",
    "vmConfig/folderId": "vm/folderInfo/id",
    "vmConfig/resourcePoolId": "vm/appInfo/vmware/resourcePoolInfo/id",
    "vmConfig/contentLibraryId": "",
    "vmConfig/network/networkAddress": "network/nics/networkAddress*",
    "vmConfig/network/name": "network/nics/networkName*",
    "vmConfig/network/networkType": "network/nics/networkType*",
    "vmConfig/network/subnetMask": "network/nics/subnetMask*",
    "vmConfig/network/gateway": "network/nics/gateway*",
    "vmConfig/network/dns": "network/dns",
    "hypervisorManagerId": "vm/hypervisorManagerInfo/id|hypervisorManagerInfo/id",
}
TIERS = "protections"
_COPY = {"expireAfter": "expiresAt", "lockFor": "lockedUntil"}  # a period, counted from when the copy was taken
_LOGIN = "refresh the application host (refresh_application_host), then read it: its state is of after the change then"

ROWS: Mapping[str, Expectation] = {
    # restores: over the original (PARENT) or beside it (ALTERNATE), see `expectation`
    "restore_vm": Expectation(
        f"{VIRTUALIZATION}/virtual-machines", "targetVmInfo", _VM, {"powerOn": POWER},
        partial=("vmHardwareCustomization/networkAdapters",), unproven=(NO_CONTENT,), states=True, restores=True,
    ),
    "restore_datastore": Expectation(
        f"{VIRTUALIZATION}/datastores", "targetDatastoreInfo", _DATASTORE,
        unproven=(NO_CONTENT,), states=True, restores=True,
    ),
    "restore_mssql_database": Expectation(
        f"{OWN}/mssql-databases", "targetDatabaseInfo", {"databaseFilePaths": ""},
        unproven=(NO_CONTENT, "the point in time it was brought to"), states=True, restores=True,
    ),
    "restore_volume_protection_group": Expectation(
        root="-", unproven=(NO_CONTENT, NEW_VOLUMES), states=True, restores=True
    ),
    "restore_vm_protection_group": Expectation(
        f"{VIRTUALIZATION}/virtual-machines", "targetInfo", _VM, {"powerOn": POWER},
        unproven=(NO_CONTENT,), states=True, restores=True,
    ),
    "restore_vm_disks": Expectation(
        root="-", unproven=("that the disks have the content of the recovery point (look into the VM)",), states=True,
        restores=True,
    ),
    "restore_vm_files": Expectation(
        root="-", unproven=("the files inside the guest (look there)",), states=True, restores=True
    ),
    # protection
    "create_protection_job": Expectation(
        f"{OWN}/protection-jobs", fields={"overrides/protections": TIERS}, states=True,
        partial=("overrides/protections", "overrides/protections/schedules"),
    ),
    "suspend_protection_job": Expectation(asked={"operational": "SUSPENDED"}),
    "resume_protection_job": Expectation(asked={"operational": "ACTIVE"}),
    "update_protection_policy": Expectation(partial=("protections/schedules",)),
    "create_volume_protection_group_backup": Expectation(fields=_COPY, states=True),
    "create_volume_protection_group_snapshot": Expectation(fields=_COPY, states=True),
    "attach_volume_protection_group_backup": Expectation(
        fields={"hostIqn": "mountedHostsIqn*", "individualBackupIds": ""}, states=True,
        unproven=("that the host sees the volumes (look there)",),
    ),
    "detach_volume_protection_group_backup": Expectation(fields={"hostIqn": "!mountedHostsIqn"}, states=True),
    # SQL Server
    "create_application_host": Expectation(
        f"{OWN}/application-hosts", fields={"credentials/username": "username"}, states=True, proof=_LOGIN
    ),
    "update_application_host": Expectation(fields={"credentials/username": "username"}, states=True, proof=_LOGIN),
    "update_mssql_instance": Expectation(states=True, proof=_LOGIN),
    # stores and what carries them
    "create_protection_store": Expectation(f"{OWN}/protection-stores", states=True),
    "reattach_protection_store": Expectation(states=True),
    "create_protection_store_gateway": Expectation(
        f"{OWN}/protection-store-gateways", fields=_GATEWAY_VM, beside="vmId", states=True
    ),
    "recover_protection_store_gateway": Expectation(fields=_GATEWAY_VM, beside="vmId", states=True),
    "resize_protection_store_gateway": Expectation(fields={**_SIZE, "datastoreIds": "datastoresInfo/id*"}, states=True),
    "create_protection_store_gateway_nic": Expectation(states=True),
    "update_protection_store_gateway_nic": Expectation(states=True),
    "delete_protection_store_gateway_nic": Expectation(fields={"nic/id": "!network/nics/id"}, states=True),
    "set_data_orchestrator_remote_support": Expectation(),
    "set_gateway_remote_support": Expectation(fields={"enabled": "remoteAccessEnabled"}),
    "power_on_protection_store_gateway": Expectation(asked={"running": True}, fields={"running": "health/state"},
                                                     words={"running": {True: "!PSG_HEALTH_STATE_OFF"}}, states=True),
    "shutdown_gateway_guest_os": Expectation(asked={"running": False}, fields={"running": "health/state"},
                                             words={"running": {False: "PSG_HEALTH_STATE_OFF"}}),
    "restart_gateway_guest_os": Expectation(root="-", states=True, unproven=("that it was down and came back",)),
    "update_protection_store_gateway": Expectation(
        fields={"dns": "network/dns", "ntp": "network/ntp", "proxy": "network/proxy", "dateTime/utcDateTime": ""},
        states=True,
    ),
    "create_storeonce": Expectation(
        f"{OWN}/storeonces", fields={"networkAddress": "network/nics/networkAddress*", "credentials/username": ""},
        states=True,
    ),
    "update_storeonce": Expectation(fields={"networkAddress": "network/nics/networkAddress*"}, states=True),
    "create_data_orchestrator": Expectation(f"{OWN}/data-orchestrators", fields={"activationCode": ""},
                                            unproven=("that its virtual machine connects",)),
    "update_data_orchestrator": Expectation(fields={"network": "interfaces/network"}, states=True),
    "recover_data_orchestrator": Expectation(root="-", states=True, unproven=("that it is the old one recovered",)),
    "restart_data_orchestrator_guest_os": Expectation(
        asked={"restarted": True}, fields={"restarted": "poweredOnAt"}, states=True
    ),
    "shutdown_data_orchestrator_guest_os": Expectation(
        asked={"connection": "DISCONNECTED"}, fields={"connection": "connectionState"}
    ),
    # what reads anew or examines: its result is a state, or a message of the task
    **{
        name: Expectation(root="-", states=True, unproven=("whether all of it was read anew",),
                          proof="mend what its reason says; then refresh it again")
        for name in (
            "refresh_application_host", "refresh_mssql_database", "refresh_mssql_instance", "refresh_storeonce",
            "refresh_vm_protection_group", "refresh_volume_protection_group",
        )
    },
    **{
        name: Expectation(root="-", unproven=(what,), examines=True)
        for name, what in (
            ("ping_protection_store_gateway", "more than the task's last message"),
            ("traceroute_protection_store_gateway", "more than the task's last message"),
            ("generate_gateway_support_bundle", "where the bundle is (the console shows it)"),
            ("generate_data_orchestrator_support_bundle", "where the bundle is (the console shows it)"),
        )
    },
    **{
        name: Expectation(root="-", answers=True)
        for name in ("generate_data_orchestrator_totp", "get_protection_store_gateway_console_user")
    },
    "run_protection_job": Expectation(root="-"),
}  # fmt: skip


def body_of(sent: Request | None) -> Mapping[str, Any]:
    """The body of a request; {} where it has none, or no request is known."""
    return sent.body if sent is not None and isinstance(sent.body, Mapping) else {}


def expectation(sent: Request) -> Expectation:
    """What a request should come to; for an operation without a row by its method."""
    body, row = body_of(sent), ROWS.get(sent.name)
    if row is None:
        makes = sent.path if sent.method == "POST" and sent.name.startswith("create_") else ""
        described = sent.method in ("PATCH", "PUT") or bool(makes)
        along = sent.method == "DELETE" and any(pair in TAKES_COPIES for pair in sent.query)
        gone = (GONE_ALONG,) if along else ()
        return Expectation(makes, root="" if described else "-", unproven=gone, states=bool(makes))
    if row.restores and body.get("restoreType") != "ALTERNATE":
        unproven = tuple(one for one in row.unproven if one != NEW_VOLUMES)
        return Expectation(root="-", unproven=unproven, states=True, restores=True)
    if row.asked is not None and "operational" in row.asked and body.get("scheduleIds"):
        chosen, places = [{**row.asked, "scheduleId": one} for one in body["scheduleIds"]], "protections/schedules"
        return Expectation(asked={"schedules": chosen}, fields={"schedules": places}, partial=("schedules",))
    if isinstance(nic := body.get("nic"), Mapping) and not row.fields:
        return Expectation(asked={"nics": [nic]}, fields={"nics": "network/nics"}, partial=("nics",), states=True)
    if row.makes == "" and sent.name.startswith("create_volume_protection_group_"):
        return Expectation(sent.path, fields=row.fields, states=True)
    return row


def restored_into(sent: Request | None) -> str:
    """The path of the VM into which disks or files were restored, where that may be another than the one restored."""
    if sent is None or sent.name not in ("restore_vm_disks", "restore_vm_files"):
        return ""
    identity = body_of(sent).get("targetVmId") or extractors.first(body_of(sent), ["targetInfo/virtualMachineId"])
    return f"{VIRTUALIZATION}/virtual-machines/{identity}" if identity else ""


def wanted(sent: Request, row: Expectation) -> Mapping[str, Any]:
    """The part of a request that describes what shall be; {} where none does."""
    if row.asked is not None:
        return row.asked
    body = body_of(sent)
    if sent.name == "create_protection_job":
        return {**body, "operational": "ACTIVE"}  # nobody asks for a job that does not run
    if row.root:
        inner = body.get(row.root)
        return inner if isinstance(inner, Mapping) else {}
    return body
