"""Writes to protection groups of VMs, databases and volumes, and the copies of volume groups made by hand.

Member lists are absolute: who is not in the list is no longer a member.
"""

# ruff: noqa: A001

from __future__ import annotations

from collections.abc import Callable

from greenlake_backup_mcp.simulator.answers import Answer, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, kind, reference, uri
from greenlake_backup_mcp.simulator.seed.databases import system_reference
from greenlake_backup_mcp.simulator.seed.policies import length
from greenlake_backup_mcp.simulator.seed.recovery_points import fresh
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call

MEMBERS = {  # group collection → (property, collection of the members, what members know of the group)
    "virtual-machine-protection-groups": ("assets", "virtual-machines", "vmProtectionGroupsInfo"),
    "mssql-database-protection-groups": ("members", "mssql-databases", "mssqlDatabaseProtectionGroupInfo"),
    "volume-protection-groups": ("assets", "", ""),
}


def create(call: Call) -> Answer:
    """POST: the group appears when the task ends."""
    tenant, body, collection = call.tenant, call.body, call.collection
    if any(g["name"] == body["name"] for g in tenant.all(collection)):
        raise Refusal(400, f"A group with the name {body['name']!r} already exists.")
    id, now = tenant.new_id(collection), format_time(tenant.now())
    item: Item = {
        "id": id, "type": kind(collection), "resourceUri": uri(collection, id), "generation": 1, "createdAt": now,
        "updatedAt": now, "name": body["name"], "description": body.get("description", ""), "state": "OK",
        "stateReason": "", "status": "OK",
    }  # fmt: skip
    item |= MAKERS[collection](call, item)
    name = MEMBERS[collection][0]
    item[name] = _members(call, body.get(name, []))

    def finish() -> None:
        tenant.put((collection, id), item)
        _linked(tenant, collection, item, [])

    return call.accepted(tenant.start("Create protection group", 20, item, finish=finish))


def update(call: Call) -> Answer:
    """PATCH: a member list replaces the members."""
    tenant, group, body = call.tenant, call.target(), dict(call.body)
    if not body:
        raise Refusal(400, "Invalid request body: nothing to change.")
    name = MEMBERS[call.collection][0]
    if name in body:
        if "NATIVE" in (
            group.get("vmProtectionGroupType"),
            group.get("volumeProtectionGroupType"),
            group.get("protectionGroupType"),
        ):
            raise Refusal(400, "The members of a native group follow the resource it stands for and cannot be set.")
        body[name] = _members(call, body[name])
        if call.collection == "virtual-machine-protection-groups":
            body["protectedResourcesInfo"] = {"virtualMachinesCount": len(body[name])}
    for part in ("nativeAppInfo", "dynamicMemberFilter"):
        if part in body:
            body[part] = {**group.get(part, {}), **body[part]}

    def finish() -> None:
        new = tenant.write(call.ref, **body, state="OK")
        if new and name in body:
            _linked(tenant, call.collection, new, group[name])

    task = tenant.start("Update protection group", 20, group, ref=call.ref, busy="UPDATING", finish=finish)
    return call.accepted(task)


def delete(call: Call) -> Answer:
    """DELETE: refused while the group is protected, unless cascadedelete (its job and copies go too) or force."""
    tenant, group, collection = call.tenant, call.target(), call.collection
    cascade = call.query.get("cascadedelete", False)
    if group["state"] in ("DELETING", "RESTORING", "UPDATING"):
        raise call.refuse_conflict(f"The group is in state {group['state']}.")
    if "protectionJobInfo" in group and not cascade and not call.query.get("force", False):
        raise Refusal(400, "The group is protected by a job; delete the job first or use cascadedelete.")

    def finish() -> None:
        if "protectionJobInfo" in group:
            tenant.remove(("protection-jobs", group["protectionJobInfo"]["id"]))
            _unassigned(tenant, group["protectionJobInfo"])
        tenant.remove(call.ref)
        _linked(tenant, collection, {**group, MEMBERS[collection][0]: []}, group[MEMBERS[collection][0]])

    task = tenant.start("Delete protection group", 30, group, ref=call.ref, busy="DELETING", finish=finish)
    return call.accepted(task)


def refresh(call: Call) -> Answer:
    """POST refresh."""
    group = call.target()
    return call.accepted(call.tenant.start("Refresh protection group", 60, group, ref=call.ref, busy="REFRESHING"))


def _unassigned(tenant: Tenant, job: Item) -> None:
    policy = tenant.read(("protection-policies", job["protectionPolicyInfo"]["id"]))
    if policy:
        jobs = [j for j in policy["protectionJobsInfo"] if j["id"] != job["id"]]
        tenant.write(("protection-policies", policy["id"]), protectionJobsInfo=jobs, assigned=bool(jobs))


def _members(call: Call, given: list[Item]) -> list[Item]:
    collection = MEMBERS[call.collection][1]
    ids = [m.get("id") or m.get("resourceUri", "").rsplit("/", 1)[-1] for m in given]
    if len(ids) != len(set(ids)):
        raise Refusal(400, "A member is named twice.")
    if not collection:
        return [
            {
                "displayName": f"volume {id[:8]}",
                "id": id,
                "type": "storage-fleet/volume",
                "protectionStatus": "PENDING",
                "resourceUri": f"/block-storage/v1alpha1/volumes/{id}",
            }
            for id in ids
        ]
    out = []
    for id in ids:
        member = call.other(collection, id, "Member")
        short = reference(
            collection, member, *(("name",) if collection == "mssql-databases" else ("name", "displayName"))
        )
        out.append({**short, "instanceInfo": member["instanceInfo"]} if "instanceInfo" in member else short)
    return out


def _linked(tenant: Tenant, collection: str, group: Item, before: list[Item]) -> None:
    """Members know their group; those who left no longer do, and are protected no longer."""
    name, of, back = MEMBERS[collection]
    if not of:
        return
    own = {"id": group["id"], "name": group["name"], "resourceUri": group["resourceUri"], "type": group["type"]}
    now = {m["id"] for m in group[name]}
    for id in now:
        tenant.write((of, id), **{back: own if of == "mssql-databases" else [own]})
    for id in {m["id"] for m in before} - now:
        member = tenant.read((of, id)) or {}
        status = "LAPSED" if member.get("recoveryPointsExist") else "UNPROTECTED"
        kept = member.get("protectionStatus") if "protectionJobInfo" in member and of == "virtual-machines" else status
        tenant.write((of, id), **{back: None if of == "mssql-databases" else []}, protectionStatus=kept)


def _vm_group(call: Call, item: Item) -> Item:
    body, style = call.body, call.body["vmProtectionGroupType"]
    if style == "CUSTOM" and not body.get("assets"):
        raise Refusal(400, "A CUSTOM group needs assets.")
    if style == "NATIVE" and not body.get("nativeAppInfo"):
        raise Refusal(400, "A NATIVE group needs nativeAppInfo.")
    if style == "DYNAMIC" and not body.get("dynamicMemberFilter"):
        raise Refusal(400, "A DYNAMIC group needs dynamicMemberFilter.")
    more = {name: body[name] for name in ("nativeAppInfo", "dynamicMemberFilter") if name in body}
    return more | {
        "displayName": item["name"], "appType": "VMWARE", "assetsCategory": body["assetsCategory"], "volumesInfo": [],
        "vmProtectionGroupType": style, "protectedResourcesInfo": {"virtualMachinesCount": len(body.get("assets", ()))},
        "consoleUri": f"/backup-and-recovery/virtual-machine-protection-groups/{item['id']}",
    }  # fmt: skip


def _sql_group(call: Call, item: Item) -> Item:
    style = call.body["protectionGroupType"]
    native = call.body.get("nativeAppInfo")
    return {"protectionGroupType": style} | ({"nativeAppInfo": native} if native else {})


def _volume_group(call: Call, item: Item) -> Item:
    body, style = call.body, call.body["volumeProtectionGroupType"]
    arrays = call.tenant.all("storage-systems")
    wanted = body.get("storageSystemInfo", {}).get("id")
    array = next((a for a in arrays if wanted in (None, a["id"])), None)
    if array is None:
        raise Refusal(400, f"Storage system {wanted!r} does not exist.")
    native = body.get("nativeGroupInfo")
    more = {"nativeGroupInfo": {**native, "type": "APPLICATION_SET"}} if native else {}
    return more | {"volumeProtectionGroupType": style, "storageSystemInfo": system_reference(array)}


MAKERS: dict[str, Callable[[Call, Item], Item]] = {
    "virtual-machine-protection-groups": _vm_group,
    "mssql-database-protection-groups": _sql_group,
    "volume-protection-groups": _volume_group,
}


# --- copies of volume groups ---------------------------------------------------------------------------------------


def snapshot(call: Call) -> Answer:
    """POST snapshots of a volume group."""
    return _made(call, call.target(), "snapshots", {})


def backup(call: Call) -> Answer:
    """POST backups of a volume group, from one of its recovery points."""
    group, body = call.target(), call.body
    store = call.other("protection-stores", body["protectionStoreId"], "Protection store")
    source = body["sourceCopyInfo"]
    where = (*call.ref[:2], "snapshots" if source["type"] == "SNAPSHOT" else "backups", source["id"])
    if call.tenant.read(where) is None:
        raise Refusal(400, f"The source {source['id']} does not exist.")
    short = {name: store[name] for name in ("id", "name", "protectionStoreType", "resourceUri", "type")}
    more = {"backupType": body["backupType"], "protectionStoreInfo": short}
    more["sourceCopyInfo"] = {"id": source["id"], "copyType": source["type"], "type": source["type"]}
    return _made(call, group, "backups", more)


def _made(call: Call, group: Item, copy_kind: str, more: Item) -> Answer:
    tenant, body = call.tenant, call.body
    keep, lock = body.get("expireAfter"), body.get("lockFor")
    if keep and lock and length(keep) < length(lock):
        raise Refusal(400, "expireAfter cannot be less than lockFor.")
    now = tenant.now()
    dates = {name: format_time(now + length(p)) for name, p in (("expiresAt", keep), ("lockedUntil", lock)) if p}
    id = tenant.new_id("copy")
    item = fresh(tenant.world, call.collection, group, copy_kind, id, now, name=body["name"])
    item |= {**more, **dates, "description": body.get("description", ""), "state": "CREATING"}
    ref: Ref = (*call.ref[:2], copy_kind, id)
    tenant.put(ref, item)
    name = f"Create {copy_kind[:-1]}"
    return call.accepted(
        tenant.start(name, 60, group, finish=lambda: _settled(tenant, ref), others=[item])
    )  # fmt: skip


def _settled(tenant: Tenant, ref: Ref) -> None:
    tenant.write(ref, state="OK")


def attach(call: Call) -> Answer:
    """POST attach: the backup's volumes appear at a host."""
    item, tenant, iqn = call.target(), call.tenant, call.body["hostIqn"]

    def finish() -> None:
        tenant.write(call.ref, state="OK", mountState="ATTACHED", mountedHostsIqn=[*item["mountedHostsIqn"], iqn])

    if iqn in item["mountedHostsIqn"]:
        raise Refusal(400, "The backup is already attached to this host.")
    return call.accepted(tenant.start("Attach backup", 60, item, ref=call.ref, busy="IN_USE_FOR_MOUNT", finish=finish))


def detach(call: Call) -> Answer:
    """POST detach: the volumes go from the host."""
    item, tenant, iqn = call.target(), call.tenant, call.body["hostIqn"]
    if iqn not in item["mountedHostsIqn"]:
        raise Refusal(400, "The backup is not attached to this host.")
    left = [i for i in item["mountedHostsIqn"] if i != iqn]

    def finish() -> None:
        tenant.write(call.ref, mountState="ATTACHED" if left else "UNATTACHED", mountedHostsIqn=left)

    return call.accepted(tenant.start("Detach backup", 60, item, finish=finish))
