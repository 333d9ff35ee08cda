"""Writes to protection groups of VMs, databases and volumes, and the copies of volume groups made by hand.

Member lists are absolute: who is not in the list is no longer a member.
"""

from __future__ import annotations

from collections.abc import Callable

from greenlake_backup_mcp.simulator.answers import Answer, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, kind, reference, uri
from greenlake_backup_mcp.simulator.seed.databases import system_reference
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
    call.refuse_taken(body["name"], "group")
    id, now = tenant.new_id(collection), format_time(tenant.now())
    item: Item = {
        "id": id, "type": kind(collection), "resourceUri": uri(collection, id), "generation": 1, "createdAt": now,
        "updatedAt": now, "name": body["name"], "description": body.get("description", ""), "state": "OK",
        "stateReason": "", "status": "OK",
    }  # fmt: skip
    item |= MAKERS[collection](call, item)
    name = MEMBERS[collection][0]
    item[name] = item.get(name) or _members(call, body.get(name, []))

    def finish() -> None:
        tenant.put((collection, id), item)
        _link(tenant, collection, item, [])

    return call.start("Create protection group", 20, item, finish=finish)


def update(call: Call) -> Answer:
    """PATCH: a member list replaces the members."""
    tenant, group, body = call.tenant, call.target(), dict(call.body)
    if not body:
        raise Refusal(400, "Invalid request body: nothing to change.")
    name = MEMBERS[call.collection][0]
    if name in body:
        if "NATIVE" in [group.get(f"{before}rotectionGroupType") for before in ("vmP", "volumeP", "p")]:
            raise Refusal(400, "The members of a native group follow the resource it stands for and cannot be set.")
        body[name] = _members(call, body[name])
        _refuse_double(tenant, group, body[name])
        if call.collection == "virtual-machine-protection-groups":
            body["protectedResourcesInfo"] = {"virtualMachinesCount": len(body[name])}
    for part in ("nativeAppInfo", "dynamicMemberFilter"):
        if part in body:
            body[part] = {**group.get(part, {}), **body[part]}
    if "name" in body:
        call.refuse_taken(body["name"], "group", group["id"])
        body |= {"displayName": body["name"]} if "displayName" in group else {}

    def finish() -> None:
        new = tenant.write(call.ref, **body, state="OK")
        if new and name in body:
            _link(tenant, call.collection, new, group[name])
        job = tenant.read(("protection-jobs", group.get("protectionJobInfo", {}).get("id", "")))
        if new and job:  # the job follows its group
            shorts = [{"displayName": m.get("displayName", m.get("name", "")), "name": m.get("name", ""),
                       **{k: m[k] for k in ("id", "resourceUri", "type")}} for m in new[name]]  # fmt: skip
            info = {**job["assetInfo"], "name": new["name"], "displayName": new.get("displayName", new["name"])}
            tenant.write(("protection-jobs", job["id"]), associatedAssetsInfo=shorts, assetInfo=info)

    return call.start("Update protection group", 20, group, ref=call.ref, busy="UPDATING", finish=finish)


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
            _unassign(tenant, group["protectionJobInfo"])
        tenant.remove(call.ref)
        _link(tenant, collection, {**group, MEMBERS[collection][0]: []}, group[MEMBERS[collection][0]])

    return call.start("Delete protection group", 30, group, ref=call.ref, busy="DELETING", finish=finish)


def refresh(call: Call) -> Answer:
    """POST refresh."""
    group, tenant, (name, collection, _) = call.target(), call.tenant, MEMBERS[call.collection]
    whole = bool((call.body or {}).get("fullRefresh"))
    seconds = 180 if whole else 60
    task = tenant.start("Refresh protection group", seconds, group, ref=call.ref, busy="REFRESHING", composite=True)
    for member in group[name]:
        ref = (collection, member["id"]) if collection and tenant.read((collection, member["id"])) else None
        tenant.start("Refresh member", seconds - 20, {"name": member.get("displayName", ""), **member}, parent=task,
                     ref=ref, busy="REFRESHING" if ref else "")  # fmt: skip
    return call.accepted(task)


def _refuse_double(tenant: Tenant, group: Item, members: list[Item]) -> None:
    """400 where a member of a protected group has a job of its own, in the reading that refuses it."""
    if "protectionJobInfo" not in group or tenant.switches.double_protection == "shown":
        return
    for short in members:
        own = (tenant.read(("virtual-machines", short["id"])) or {}).get("protectionJobInfo")
        if own:
            raise Refusal(400, f"The member {short.get('name', '')} is already protected by its own job.")


def _unassign(tenant: Tenant, job: Item) -> None:
    policy = tenant.read(("protection-policies", job["protectionPolicyInfo"]["id"]))
    if policy:
        jobs = [j for j in policy["protectionJobsInfo"] if j["id"] != job["id"]]
        tenant.write(("protection-policies", policy["id"]), protectionJobsInfo=jobs, assigned=bool(jobs))


def _members(call: Call, members: list[Item]) -> list[Item]:
    collection = MEMBERS[call.collection][1]
    ids = [m.get("id") or m.get("resourceUri", "").rsplit("/", 1)[-1] for m in members]
    if len(ids) != len(set(ids)):
        raise Refusal(400, "A member is named twice.")
    if not collection:
        return [{"displayName": f"volume {id[:8]}", "id": id, "type": kind("volumes"), "protectionStatus": "PENDING",
                 "resourceUri": uri("volumes", id)} for id in ids]  # fmt: skip
    out, names = [], ("name",) if collection == "mssql-databases" else ("name", "displayName")
    for id in ids:
        member = call.other(collection, id, "Member")
        short = reference(collection, member, *names)
        out.append({**short, "instanceInfo": member["instanceInfo"]} if "instanceInfo" in member else short)
    return out


def _link(tenant: Tenant, collection: str, group: Item, before: list[Item]) -> None:
    """Members know their group; those who left no longer do, and are protected no longer."""
    name, of_members, back = MEMBERS[collection]
    if not of_members:
        return
    own = {"id": group["id"], "name": group["name"], "resourceUri": group["resourceUri"], "type": group["type"]}
    now = {m["id"] for m in group[name]}
    for id in now:
        change: Item = {back: own if of_members == "mssql-databases" else [own]}
        member = tenant.read((of_members, id)) or {}
        if "protectionJobInfo" in group and of_members == "virtual-machines" and "protectionJobInfo" not in member:
            change["protectionPolicyAppliedAtInfo"] = {**own, "type": "VM_PROTECTION_GROUP"}
        tenant.write((of_members, id), **change)
    for id in {m["id"] for m in before} - now:
        member = tenant.read((of_members, id)) or {}
        own_job = "protectionJobInfo" in member and of_members == "virtual-machines"
        left: Item = {back: None if of_members == "mssql-databases" else []}
        if not own_job and "protectionPolicyAppliedAtInfo" in member:
            left["protectionPolicyAppliedAtInfo"] = None
        tenant.write((of_members, id), **left)


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


def _sql_group(call: Call, _item: Item) -> Item:
    style, native = call.body["protectionGroupType"], call.body.get("nativeAppInfo")
    if style == "CUSTOM" or not native:
        return {"protectionGroupType": style}
    instance = call.tenant.read(("mssql-instances", native.get("id", "")))
    members = [d for d in call.tenant.all("mssql-databases") if instance and d["instanceInfo"]["id"] == instance["id"]]
    short = [{**reference("mssql-databases", d), "instanceInfo": d["instanceInfo"]} for d in members]
    more = {"instanceInfo": reference("mssql-instances", instance), "name": instance["name"]} if instance else {}
    return {"protectionGroupType": style, "nativeAppInfo": {**native, **more}, "members": short}


def _volume_group(call: Call, _item: Item) -> Item:
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
