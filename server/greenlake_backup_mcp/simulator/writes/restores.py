"""Restores: what comes back, over the original or beside it, and what is busy meanwhile."""

# ruff: noqa: A001, PLR0913, PLR0917

from __future__ import annotations

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, uid
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call

UNFIT = ("ERROR", "CREATING", "DELETING", "PENDING_DELETE_APPROVAL", "DELETE_PENDING")


def vm(call: Call) -> Answer:
    """A VM: PARENT overwrites it, ALTERNATE makes a new one."""
    machine, body = call.target(), call.body
    _, copy_ref = _copy(call, ("virtual-machines", call.ids[0]))
    if body["restoreType"] == "PARENT":
        return _over(call, "Restore virtual machine", machine, copy_ref, 300 if copy_ref[2] == "snapshots" else 1800)
    target = body.get("targetVmInfo") or {}
    if bool(target.get("clusterId")) == bool(target.get("hostId")):
        raise Refusal(400, "Only one of host, cluster, resource pool may be supplied, and one is needed.")
    call.other("hypervisor-managers", target.get("hypervisorManagerId"), "hypervisorManagerId")
    for name, collection in (("clusterId", "hypervisor-clusters"), ("hostId", "hypervisor-hosts")):
        if target.get(name):
            call.other(collection, target[name], name)
    place = target.get("appInfo", {}).get("vmware", {}).get("datastoreId")
    if place:
        call.other("datastores", place, "datastoreId")
    name = target.get("name") or f"{machine['name'][:70]}-restored"
    return _beside(call, "Restore virtual machine", machine, copy_ref, name, 1800)


def disks(call: Call) -> Answer:
    """Chosen disks of a VM."""
    machine = call.target()
    copy, copy_ref = _copy(call, ("virtual-machines", call.ids[0]))
    known = {d["name"] for d in copy.get("virtualDisks", ())}
    for pair in call.body.get("restoreDiskDetails", ()):
        label = pair.get("recoveryPointDiskDetails", {}).get("diskLabel")
        if label and label not in known:
            raise Refusal(400, f"The recovery point has no disk {label!r}; it has {', '.join(sorted(known))}.")
    if call.body.get("targetVmId"):
        machine = call.other("virtual-machines", call.body["targetVmId"], "targetVmId")
    return _over(call, "Restore virtual disks", machine, copy_ref, 600)


def files(call: Call) -> Answer:
    """Files into a guest."""
    machine = call.target()
    _copy(call, ("virtual-machines", call.ids[0]))
    target = call.body["targetInfo"]
    if target.get("virtualMachineId"):
        machine = call.other("virtual-machines", target["virtualMachineId"], "virtualMachineId")

    def finish() -> None:
        if not target.get("credentialsInfo", {}).get("password"):
            raise Failure("The guest refused the credentials.", "GUEST_LOGIN_FAILED")

    return call.accepted(call.tenant.start("Restore files", 120, machine, finish=finish))


def datastore(call: Call) -> Answer:
    """A datastore: PARENT overwrites it and every VM on it."""
    held = call.target()
    _, copy_ref = _copy(call, ("datastores", call.ids[0]))
    if call.body["restoreType"] == "PARENT":
        return _over(call, "Restore datastore", held, copy_ref, 1200)
    target = call.body.get("targetDatastoreInfo") or {}
    return _beside(call, "Restore datastore", held, copy_ref, target.get("name") or f"{held['name']}-restored", 1800)


def database(call: Call) -> Answer:
    """A SQL Server database."""
    held, body = call.target(), call.body
    _, copy_ref = _copy(call, ("mssql-databases", call.ids[0]))
    if body["restoreType"] == "PARENT":
        return _over(call, "Restore database", held, copy_ref, 900)
    target = body.get("targetDatabaseInfo") or {}
    if target.get("instanceId"):
        call.other("mssql-instances", target["instanceId"], "instanceId")
    return _beside(call, "Restore database", held, copy_ref, target.get("name") or f"{held['name']}-restored", 900)


def vm_group(call: Call) -> Answer:
    """All or some VMs of a group."""
    group, body, tenant = call.target(), call.body, call.tenant
    wanted = {r.get("resourceId") for r in body.get("recoveryInfo", ())}
    members = {a["id"] for a in group["assets"]}
    if wrong := {w for w in wanted if w} - members:
        raise Refusal(400, f"{sorted(wrong)[0]} is not a member of the group.")
    if not wanted and not body.get("restoreAllResources"):
        raise Refusal(400, "Name the resources in recoveryInfo or set restoreAllResources.")
    chosen: list[Ref] = [("virtual-machines", id) for id in sorted(wanted & members or members)]
    if body.get("restoreType", "PARENT") == "PARENT":
        task = tenant.start(
            "Restore VM protection group", 1800, group, ref=call.ref, busy="RESTORING",
            finish=lambda: _touch(tenant, chosen),
        )  # fmt: skip
        return call.accepted(task)
    before, after = body.get("namePrefix", ""), body.get("namePostfix", "" if body.get("namePrefix") else "-restored")

    def finish() -> None:
        for ref in chosen:
            if one := tenant.read(ref):
                _copied(tenant, ref[0], one, f"{before}{one['name']}{after}"[:80])

    return call.accepted(tenant.start("Restore VM protection group", 1800, group, finish=finish))


def check_vm_group(call: Call) -> Answer:
    """What a restore of the group would use: each member's latest recovery point."""
    group, tenant = call.target(), call.tenant
    rows = []
    for member in group["assets"]:
        one = tenant.read(("virtual-machines", member["id"]))
        row = {"appType": "VMWARE", "resourceId": member["id"], "resourceName": member["name"], "status": "OK"}
        points = (
            tenant.copies("virtual-machines", member["id"], "backups").page(0, 1, tenant.now(), tenant.lag)
            if one
            else []
        )
        row["recoveryPointInfo"] = [
            {"appType": "VMWARE", "consistency": "CRASH", "pointInTime": p["pointInTime"], "recoveryPointId": p["id"],
             "recoveryPointType": p["backupType"], "state": "OK", "status": "OK"} for p in points
        ]  # fmt: skip
        if not points:
            row |= {"status": "ERROR", "errorMessage": "There is no recovery point."}
        rows.append(row)
    bad = sum(row["status"] == "ERROR" for row in rows)
    summary = {"status": "ERROR" if bad else "OK", "error": f"{bad} members cannot be restored." if bad else ""}
    return Answer(200, {"resourceSummary": {"resourceInfo": rows}, "summary": summary})


def volumes(call: Call) -> Answer:
    """A volume protection group; ALTERNATE only from backups."""
    group, body, tenant = call.target(), call.body, call.tenant
    backup, snapshot = body.get("vpgBackupId"), body.get("vpgSnapshotId")
    if bool(backup) == bool(snapshot):
        raise Refusal(400, "Give exactly one of vpgBackupId and vpgSnapshotId.")
    copy_ref = (*call.ref, "backups" if backup else "snapshots", backup or snapshot)
    if tenant.read(copy_ref) is None:
        raise Refusal(400, f"Recovery point {copy_ref[3]} does not exist.")
    if body.get("restoreType", "PARENT") == "ALTERNATE":
        if not backup:
            raise Refusal(400, "Only a backup can be restored to another place.")
        return call.accepted(tenant.start("Restore volume protection group", 1800, group))
    busy = "RESTORING_BACKUP" if backup else "RESTORING_SNAPSHOT"
    task = tenant.start(
        "Restore volume protection group",
        1800,
        group,
        ref=call.ref,
        busy=busy,
        finish=lambda: _touch(tenant, [call.ref]),
    )
    return call.accepted(task)


def _copy(call: Call, asset: Ref) -> tuple[Item, Ref]:
    """The recovery point that the body names."""
    backup, snapshot = call.body.get("backupId"), call.body.get("snapshotId")
    if bool(backup) == bool(snapshot):
        raise Refusal(400, "Give exactly one of backupId and snapshotId.")
    ref = (*asset, "backups" if backup else "snapshots", str(backup or snapshot))
    copy = call.tenant.read(ref)
    if copy is None:
        raise Refusal(400, f"Recovery point {ref[3]} does not exist.")
    if copy["state"] in UNFIT:
        raise call.refuse_conflict(f"The recovery point is in state {copy['state']} and cannot be restored.")
    return copy, ref


def _over(call: Call, name: str, target: Item, copy_ref: Ref, seconds: float) -> Answer:
    """Overwrite the original: it is RESTORING meanwhile, and the copy in use."""
    tenant = call.tenant
    ref = (call.collection, target["id"])
    if target["state"] == "RESTORING":
        raise call.refuse_conflict(f"{target['name']} is already being restored.")
    in_use = "IN_USE_FOR_RESTORE" if copy_ref[2] == "backups" else "IN_USE"
    tenant.write(copy_ref, state=in_use)

    def release() -> None:
        tenant.write(copy_ref, state="OK")

    sour = "RESTORE_FAILED" if ref[0] == "virtual-machines" else "ERROR"
    task = tenant.start(
        name,
        seconds,
        target,
        ref=ref,
        busy="RESTORING",
        sour=sour,
        finish=lambda: _touch(tenant, [ref]),
        release=release,
    )
    return call.accepted(task)


def _beside(call: Call, name: str, source: Item, copy_ref: Ref, new_name: str, seconds: float) -> Answer:
    """A new resource beside the original, there when the task ends."""
    tenant, collection = call.tenant, call.collection
    if any(i["name"] == new_name for i in tenant.all(collection)):
        raise Refusal(400, f"The name {new_name!r} is already in use.")

    def finish() -> None:
        _copied(tenant, collection, source, new_name)

    return call.accepted(tenant.start(name, seconds, source, finish=finish))


def _copied(tenant: Tenant, collection: str, source: Item, name: str) -> None:
    id = tenant.new_id("restored", name)
    now = format_time(tenant.now())
    item = {**source, "id": id, "name": name, "resourceUri": source["resourceUri"].replace(source["id"], id)}
    item |= {"generation": 1, "createdAt": now, "updatedAt": now, "protectionStatus": "UNPROTECTED", "state": "OK"}
    item |= {"recoveryPointsExist": False}
    if "displayName" in item:
        item["displayName"] = name
    if "uid" in item:
        item["uid"] = uid(id, "uid")
    for left in ("protectionJobInfo", "protectionPolicyAppliedAtInfo", "mssqlDatabaseProtectionGroupInfo"):
        item.pop(left, None)
    if "vmProtectionGroupsInfo" in item:
        item["vmProtectionGroupsInfo"] = []
    tenant.put((collection, id), item)


def _touch(tenant: Tenant, refs: list[Ref]) -> None:
    for ref in refs:
        tenant.write(ref)
