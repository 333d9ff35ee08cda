"""Restores of VM protection groups: a child task for each member, which succeeds or fails by itself."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, merge_patch
from greenlake_backup_mcp.simulator.tasks import Task

from .call import Call, Writing
from .new_vms import NewVm, overwrite
from .placement import Placement
from .restore_sources import UNFIT, newest, record

KINDS = {"SNAPSHOT": ("snapshots", ""), "BACKUP": ("backups", "BACKUP"), "CLOUDBACKUP": ("backups", "CLOUD_BACKUP")}


def restore(call: Call) -> Writing:
    """All or some VMs of a group: PARENT overwrites each of them, ALTERNATE makes new ones."""
    group, body, tenant = call.target(), call.body, call.tenant
    wanted = {r["resourceId"]: r for r in body.get("recoveryInfo", ()) if r.get("resourceId")}
    members = [a["id"] for a in group["assets"]]
    if wrong := set(wanted) - set(members):
        raise Refusal(400, f"{sorted(wrong)[0]} is not a member of the group.")
    if not wanted and not body.get("restoreAllResources"):
        raise Refusal(400, "Name the resources in recoveryInfo or set restoreAllResources.")
    chosen = members if body.get("restoreAllResources") else list(wanted)
    if group["state"] == "RESTORING":
        raise call.refuse_conflict("The group is already being restored.")
    over = body.get("restoreType", "PARENT") == "PARENT"
    news = {} if over else {id: _new_vm(call, group, id, wanted.get(id, {})) for id in chosen}
    note = body.get("description", "")
    task = call.start("Restore VM protection group", 1800, group, composite=True, busy="RESTORING" if over else "")
    if note:
        task.log.append((tenant.now(), note))
    for id in chosen:
        _member(call, task, id, wanted.get(id, {}), news.get(id))
    yield task


def _new_vm(call: Call, group: Item, id: str, row: Item) -> NewVm | None:
    """The VM that a member comes back as; None where the member is gone."""
    body, machine = call.body, call.tenant.read(("virtual-machines", id))
    if machine is None:
        return None
    target = merge_patch(body.get("targetInfo", {}), row.get("targetInfoOverrides", {}))
    before = body.get("namePrefix", "")
    after = body.get("namePostfix", "" if before else "-restored")
    manager = target.get("hypervisorManagerId") or group["hypervisorManagerInfo"]["id"]
    own = row.get("targetInfoOverrides", {})
    placed = own.get("clusterId") or own.get("hostId")  # a place of its own takes that of the group away
    place = {k: v for k, v in target.items() if k not in ("clusterId", "hostId") or k in own or not placed}
    power = target.get("powerOn", body.get("powerOnVmsAfterRestore", False))
    return NewVm(f"{before}{machine['name']}{after}"[:80], Placement.of_body(call, place, manager), bool(power))


def _member(call: Call, parent: Task, id: str, row: Item, new: NewVm | None) -> None:
    tenant, ref = call.tenant, ("virtual-machines", id)
    machine = tenant.read(ref)
    over = call.body.get("restoreType", "PARENT") == "PARENT"
    about = machine or {"id": id, "name": id, "type": "virtualization/virtual-machine", "resourceUri": "/".join(ref)}

    def finish() -> None:
        now = tenant.read(ref)
        if now is None:
            raise Failure("The virtual machine no longer exists.", "NOT_FOUND")
        copy = _copy(call, ref, row)
        if over:
            record(tenant, copy, overwrite(tenant, now, copy), {"restoreType": "PARENT"})
        elif new:
            record(tenant, copy, new.create(tenant, now, copy), {"restoreType": "ALTERNATE"})

    tenant.start(
        "Restore virtual machine", 1500, about, parent=parent, finish=finish, ref=ref if over and machine else None,
        busy="RESTORING" if over else "", sour="RESTORE_FAILED" if over else "",
    )  # fmt: skip


def _copy(call: Call, ref: Ref, row: Item) -> Item:
    """The member's recovery point that was asked for, else its newest; Failure where there is none."""
    tenant, id, both = call.tenant, row.get("recoveryPointId"), ("backups", "snapshots")
    kind, backup_type = KINDS.get(row.get("recoveryPointType", ""), ("", ""))
    kinds = (kind,) if kind else both
    if id:
        copies = [c for k in kinds if (c := tenant.read((*ref, k, id)))]
        copies = copies or [c for k in both if (c := _of_group(call, ref, k, id))]
    else:
        copies = [c for c in [newest(tenant, ref, kinds)] if c]
    if not copies or (backup_type and id and copies[0].get("backupType") != backup_type):
        what = f"{row.get('recoveryPointType', 'recovery point').lower()} {id}" if id else "recovery point"
        raise Failure(f"The virtual machine has no {what} that can be restored.", "RECOVERY_POINT_NOT_FOUND")
    if copies[0]["state"] in UNFIT:
        raise Failure(f"The recovery point is in state {copies[0]['state']}.", "RECOVERY_POINT_NOT_USABLE")
    return copies[0]


def _of_group(call: Call, ref: Ref, kind: str, id: str) -> Item | None:
    """The member's recovery point of the moment when the group's was taken."""
    whole = call.tenant.read((*call.ref, kind, id))
    if whole is None:
        return None
    held = call.tenant.copies(ref[0], ref[1], kind).all(call.tenant.now(), call.tenant.lag)
    before = [c for c in held if c["pointInTime"][:13] <= whole["pointInTime"][:13]]
    return max(before, key=lambda c: str(c["pointInTime"]), default=None)


def check(call: Call) -> Answer:
    """What a restore of the group would use: each member's newest recovery point."""
    group, tenant = call.target(), call.tenant
    rows = []
    for member in group["assets"]:
        row = {"appType": "VMWARE", "resourceId": member["id"], "resourceName": member["name"], "status": "OK",
               "recoveryPointInfo": []}  # fmt: skip
        ref = ("virtual-machines", member["id"])
        if copy := newest(tenant, ref) if tenant.read(ref) else None:
            row["recoveryPointInfo"] = [{
                "appType": "VMWARE", "consistency": copy["consistency"], "pointInTime": copy["pointInTime"],
                "recoveryPointId": copy["id"], "recoveryPointType": copy.get("backupType", "SNAPSHOT"),
                "state": copy["state"], "status": copy["status"],
            }]  # fmt: skip
        else:
            row |= {"status": "ERROR", "errorMessage": "There is no recovery point."}
        rows.append(row)
    bad = sum(row["status"] == "ERROR" for row in rows)
    summary = {"status": "ERROR" if bad else "OK", "error": f"{bad} members cannot be restored." if bad else ""}
    return Answer(200, {"resourceSummary": {"resourceInfo": rows}, "summary": summary})
