"""Writes to protection groups of VMs, databases and volumes, and the copies of volume groups made by hand.

Member lists are absolute: who is not in the list is no longer a member.
"""

from __future__ import annotations

from collections.abc import Callable

from greenlake_backup_mcp.simulator import names
from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, kind, reference, uri
from greenlake_backup_mcp.simulator.seed.databases import system_reference
from greenlake_backup_mcp.simulator.seed.systems import short
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing
from .protection import follow_group, reassign, rebind, refuse_double

MEMBERS = {**names.MEMBERS, "volume-protection-groups": ("assets", "")}


def create(call: Call) -> Writing:
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
    yield call.start("Create protection group", 20, item)
    tenant.put((collection, id), item)
    rebind(tenant, _refs(collection, item))


def update(call: Call) -> Writing:
    """PATCH: a member list replaces the members."""
    tenant, group, body = call.tenant, call.target(), dict(call.body)
    if not body:
        raise Refusal(400, "Invalid request body: nothing to change.")
    name = MEMBERS[call.collection][0]
    if name in body:
        if "NATIVE" in [group.get(f"{before}rotectionGroupType") for before in ("vmP", "volumeP", "p")]:
            raise Refusal(400, "The members of a native group follow the resource it stands for and cannot be set.")
        body[name] = _members(call, body[name], group["id"])
        if "protectionJobInfo" in group:
            refuse_double(tenant, {}, body[name])
        if call.collection == "virtual-machine-protection-groups":
            _only({held["hypervisorManagerInfo"]["id"] for held in (group, *_machines(tenant, body[name]))})
            body["protectedResourcesInfo"] = {"virtualMachinesCount": len(body[name])}
    for part in ("nativeAppInfo", "dynamicMemberFilter"):
        if part in body:
            body[part] = {**group.get(part, {}), **body[part]}
    if "name" in body:
        call.refuse_taken(body["name"], "group", group["id"])
        body |= {"displayName": body["name"]} if "displayName" in group else {}
    yield call.start("Update protection group", 20, group, busy="UPDATING")
    if tenant.write(call.ref, **body, state="OK") is None:
        raise Failure("The protection group no longer exists.", "NOT_FOUND")
    follow_group(tenant, call.ref, _refs(call.collection, group))


def delete(call: Call) -> Writing:
    """DELETE: refused while the group is protected, unless cascadedelete (its job and copies go too) or force."""
    tenant, group, collection = call.tenant, call.target(), call.collection
    cascade = call.query.get("cascadedelete", False)
    if group["state"] in ("DELETING", "RESTORING", "UPDATING"):
        raise call.refuse_conflict(f"The group is in state {group['state']}.")
    if "protectionJobInfo" in group and not cascade and not call.query.get("force", False):
        raise Refusal(400, "The group is protected by a job; delete the job first or use cascadedelete.")
    yield call.start("Delete protection group", 30, group, busy="DELETING")
    tenant.remove(call.ref)
    if "protectionJobInfo" in group:
        tenant.remove(("protection-jobs", group["protectionJobInfo"]["id"]))
        reassign(tenant, group["protectionJobInfo"]["protectionPolicyInfo"]["id"])
    rebind(tenant, _refs(collection, group))


def refresh(call: Call) -> Writing:
    """POST refresh."""
    group, tenant, (name, collection) = call.target(), call.tenant, MEMBERS[call.collection]
    whole = bool((call.body or {}).get("fullRefresh"))
    seconds = 180 if whole else 60
    task = call.start("Refresh protection group", seconds, group, busy="REFRESHING", composite=True)
    for member in group[name]:
        ref = (collection, member["id"]) if collection and tenant.read((collection, member["id"])) else None
        tenant.start("Refresh member", seconds - 20, {"name": member.get("displayName", ""), **member}, parent=task,
                     ref=ref, busy="REFRESHING" if ref else "")  # fmt: skip
    yield task


def _refs(collection: str, group: Item) -> list[Ref]:
    """The members of a group that know of it."""
    name, members = MEMBERS[collection]
    return [(members, m["id"]) for m in group[name]] if members else []


def _members(call: Call, members: list[Item], own_id: str = "") -> list[Item]:
    collection = MEMBERS[call.collection][1]
    ids = [m.get("id") or m.get("resourceUri", "").rsplit("/", 1)[-1] for m in members]
    if len(ids) != len(set(ids)):
        raise Refusal(400, "A member is named twice.")
    if not collection:
        named = {m["id"]: m for group in call.tenant.world.all(call.collection) for m in group["assets"]}
        return [named.get(id) or {"displayName": f"volume {id[:8]}", "id": id, "type": kind("volumes"),
                                  "protectionStatus": "PENDING", "resourceUri": uri("volumes", id)}
                for id in ids]  # fmt: skip
    out, spelled = [], ("name",) if collection == "mssql-databases" else ("name", "displayName")
    for id in ids:
        member = call.other(collection, id, "Member")
        if member.get("protectionStatus") == "UNSUPPORTED":
            raise Refusal(400, f"Protection of {member['name']} is not supported.")
        if member.get("mssqlDatabaseProtectionGroupInfo", {"id": own_id})["id"] != own_id:
            raise Refusal(400, f"{member['name']} is a member of another group.")
        short = reference(collection, member, *spelled)
        out.append({**short, "instanceInfo": member["instanceInfo"]} if "instanceInfo" in member else short)
    return out


def _vm_group(call: Call, item: Item) -> Item:
    body, style = call.body, call.body["vmProtectionGroupType"]
    if style == "CUSTOM" and not body.get("assets"):
        raise Refusal(400, "A CUSTOM group needs assets.")
    if style == "NATIVE" and not body.get("nativeAppInfo"):
        raise Refusal(400, "A NATIVE group needs nativeAppInfo.")
    if style == "DYNAMIC" and not body.get("dynamicMemberFilter"):
        raise Refusal(400, "A DYNAMIC group needs dynamicMemberFilter.")
    more = {name: body[name] for name in ("nativeAppInfo", "dynamicMemberFilter") if name in body}
    places, vms = _selected(call.tenant, body)
    members = _members(call, body.get("assets") or vms)
    managers = {held["hypervisorManagerInfo"]["id"] for held in (*places, *_machines(call.tenant, members))}
    manager = call.other("hypervisor-managers", _only(managers), "vCenter")
    more["hypervisorManagerInfo"] = reference("hypervisor-managers", manager)
    more["dataOrchestratorInfo"] = [short(manager["dataOrchestratorInfo"])]
    return more | {
        "displayName": item["name"], "appType": "VMWARE", "assetsCategory": body["assetsCategory"], "volumesInfo": [],
        "vmProtectionGroupType": style, "protectedResourcesInfo": {"virtualMachinesCount": len(members)},
        "assets": members,
        "consoleUri": f"/backup-and-recovery/virtual-machine-protection-groups/{item['id']}",
    }  # fmt: skip


def _selected(tenant: Tenant, body: Item) -> tuple[list[Item], list[Item]]:
    """The folder or tags that a group stands for, and the VMs in it or with one of them that can be protected."""
    folder = body.get("nativeAppInfo", {}).get("id")
    folders = [f for f in tenant.all("folders") if f["id"] == folder]
    wanted = {tag.get("resourceUri") for tag in body.get("dynamicMemberFilter", {}).get("members", ())}
    tags = [tag for tag in tenant.all("tags") if tag["resourceUri"] in wanted]
    ids = {vm["id"] for tag in tags for vm in tag["associatedResources"]}
    vms = [vm for vm in tenant.all("virtual-machines") if vm["protectionStatus"] != "UNSUPPORTED"]
    return [*folders, *tags], [vm for vm in vms if vm["folderInfo"]["id"] == folder or vm["id"] in ids]


def _machines(tenant: Tenant, members: list[Item]) -> list[Item]:
    return [vm for m in members if (vm := tenant.read(("virtual-machines", m["id"])))]


def _only(managers: set[str]) -> str:
    """The vCenter of a group; 400 where it would have several, or none."""
    if len(managers) != 1:
        raise Refusal(400, "The folder, tags and members of a group must be there, and of one vCenter.")
    return managers.pop()


def _sql_group(call: Call, _item: Item) -> Item:
    style, native = call.body["protectionGroupType"], call.body.get("nativeAppInfo")
    if style == "CUSTOM" or not native:
        return {"protectionGroupType": style}
    instance = call.tenant.read(("mssql-instances", native.get("id", "")))
    members = [d for d in call.tenant.all("mssql-databases") if instance and d["instanceInfo"]["id"] == instance["id"]
               and "mssqlDatabaseProtectionGroupInfo" not in d]  # fmt: skip
    own = [{**reference("mssql-databases", d), "instanceInfo": d["instanceInfo"]} for d in members]
    more = {"instanceInfo": reference("mssql-instances", instance), "name": instance["name"]} if instance else {}
    return {"protectionGroupType": style, "nativeAppInfo": {**native, **more}, "members": own}


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
