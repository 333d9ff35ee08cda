"""Restores of VMs, their disks and files, and of datastores: over the original, or beside it."""

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, reference, uid
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing, is_wrong
from .new_vms import NewVm, overwrite
from .placement import Placement
from .protection import lose_machine
from .restore_sources import Source, record

NAME = "Restore virtual machine"
OVER = {"busy": "RESTORING", "sour": "RESTORE_FAILED"}  # what the task that overwrites a VM does to its state


def vm(call: Call) -> Writing:
    """A VM: PARENT overwrites it, ALTERNATE makes a new one."""
    tenant, machine, body = call.tenant, call.target(), call.body
    source = Source.of_body(call, ("virtual-machines", call.ids[0]))
    if body["restoreType"] == "PARENT":
        refuse_busy(call, machine)
        seconds = 300 if source.ref[2] == "snapshots" else 1800
        yield source.begin(NAME, seconds, machine, ref=("virtual-machines", machine["id"]), **OVER)
        record(tenant, source.copy, overwrite(tenant, machine, source.copy), {"restoreType": "PARENT"})
        return
    target = body.get("targetVmInfo") or {}
    if bool(target.get("clusterId")) == bool(target.get("hostId")):
        raise Refusal(400, "Only one of host, cluster, resource pool may be supplied, and one is needed.")
    place = Placement.of_body(call, target, target.get("hypervisorManagerId"))
    adapters = target.get("vmHardwareCustomization", {}).get("networkAdapters", [])
    name = target.get("name") or f"{machine['name'][:70]}-restored"
    new = NewVm(name, place, bool(target.get("powerOn")), adapters)
    new.check(call, source.copy)
    details = {"restoreType": "ALTERNATE", "description": target.get("description", "")}
    yield source.begin(NAME, 1800, machine)
    record(tenant, source.copy, new.create(tenant, machine, source.copy), details)


def refuse_busy(call: Call, target: Item) -> None:
    """409 where the target is being restored already."""
    if str(target["state"]).startswith("RESTORING"):
        raise call.refuse_conflict(f"{target['name']} is already being restored.")


def disks(call: Call) -> Writing:
    """Chosen disks: PARENT overwrites them, ALTERNATE adds them to another VM."""
    tenant, body, source = call.tenant, call.body, call.target()
    restored = Source.of_body(call, ("virtual-machines", call.ids[0]))
    pairs = [
        (p.get("recoveryPointDiskDetails", {}).get("diskLabel"), p.get("vmDiskDetails", {}).get("diskLabel"))
        for p in body.get("restoreDiskDetails", ())
    ] or [(d["name"], None) for d in restored.copy["virtualDisks"]]
    by_label = {d["name"]: d for d in restored.copy["virtualDisks"]}
    for label, _ in pairs:
        if label not in by_label:
            raise Refusal(400, f"The recovery point has no disk {label!r}; it has {', '.join(sorted(by_label))}.")
    over = body["restoreType"] == "PARENT"
    if not over and not body.get("targetVmId"):
        raise Refusal(400, "restoreType ALTERNATE needs targetVmId.")
    machine = call.other("virtual-machines", body.get("targetVmId") or source["id"], "targetVmId")
    refuse_busy(call, machine)
    labels = {d["name"] for d in machine["virtualDisks"]}
    for label, onto in pairs if over else ():
        if (onto or label) not in labels:
            raise Refusal(400, f"{machine['name']} has no disk {onto or label!r}; it has {', '.join(sorted(labels))}.")
    wanted = [(by_label[label or ""], onto or label or "") for label, onto in pairs]
    yield restored.begin("Restore virtual disks", 600, machine, ref=("virtual-machines", machine["id"]), **OVER)
    details = {"disks": pairs, "restoreType": body["restoreType"]}
    record(tenant, restored.copy, _put_disks(tenant, machine, wanted, over), details)


def _put_disks(tenant: Tenant, machine: Item, pairs: list[tuple[Item, str]], over: bool) -> Item:
    ref = ("virtual-machines", machine["id"])
    held = {d["name"]: d for d in (tenant.read(ref) or machine)["virtualDisks"]}
    datastore = machine["appInfo"]["vmware"]["datastoresInfo"][0]
    for source, label in pairs:
        if over:
            held[label] = {**held[label], "capacityInBytes": source["capacityInBytes"]}
        else:
            n = len(held)
            id = tenant.new_id("disk", n)
            held[f"Hard disk {n + 1}"] = {
                **held[next(iter(held))], "id": id, "name": f"Hard disk {n + 1}", "uid": uid(id, "uid"),
                "capacityInBytes": source["capacityInBytes"],
                "filePath": f"[{datastore['name']}] {machine['id'][:8]}/restored-{id[:8]}.vmdk",
            }  # fmt: skip
    tenant.rewrite(machine["id"])
    size = sum(d["capacityInBytes"] for d in held.values())
    return tenant.write(ref, virtualDisks=list(held.values()), capacityInBytes=size) or machine


def files(call: Call) -> Writing:
    """Files into the guest of this VM or another; which ones came back only the guest can tell."""
    tenant, body, asset = call.tenant, call.body, call.target()
    source = Source.of_body(call, ("virtual-machines", call.ids[0]))
    target = body["targetInfo"]
    machine = call.other("virtual-machines", target.get("virtualMachineId") or asset["id"], "virtualMachineId")
    for pair in body.get("filePathInfo", ()):
        for path in pair.values():
            if not path.startswith("/") and path[1:3] not in (":\\", ":/"):
                raise Refusal(400, f"The path {path!r} is not absolute.")
    retained = body.get("retainOriginalDirectoryStructure", body.get("retainOrignalDirectoryStructure", False))
    details = {"files": body.get("filePathInfo", []), "method": body["fileRestoreMethod"], "retained": retained,
               "guestUser": (target.get("credentialsInfo") or {}).get("username", "")}  # fmt: skip
    yield source.begin("Restore files", 120, machine)
    now = tenant.read(("virtual-machines", machine["id"])) or machine
    if now["powerState"] != "POWERED_ON":
        raise Failure(f"{now['name']} is not powered on.", "GUEST_NOT_RUNNING")
    if is_wrong(target.get("credentialsInfo")):
        raise Failure("The guest refused the credentials.", "GUEST_LOGIN_FAILED")
    record(tenant, source.copy, now, details)


def datastore(call: Call) -> Writing:
    """A datastore: PARENT overwrites it and every VM on it, ALTERNATE makes one with copies of those VMs."""
    tenant, held, body = call.tenant, call.target(), call.body
    source, name = Source.of_body(call, ("datastores", call.ids[0])), "Restore datastore"
    if body["restoreType"] == "PARENT":
        refuse_busy(call, held)
        yield source.begin(name, 1200, held, busy="RESTORING", sour="ERROR")
        for machine in _on(tenant, held):
            if machine["createdAt"] > source.copy["pointInTime"]:  # it was not there yet
                lose_machine(tenant, ("virtual-machines", machine["id"]))
            else:
                tenant.rewrite(machine["id"])
                tenant.write(("virtual-machines", machine["id"]))
        tenant.write(call.ref, state="OK")
        record(tenant, source.copy, held, {"restoreType": "PARENT"})
        return
    target = body.get("targetDatastoreInfo") or {}
    new_name = target.get("name") or f"{held['name']}-restored"
    place = Placement.of_body(call, target, target.get("hypervisorManagerId") or held["hypervisorManagerInfo"]["id"])
    call.refuse_taken(new_name, "datastore")
    yield source.begin(name, 1800, held)
    made = _new_datastore(tenant, held, place, new_name)
    for machine in _on(tenant, held):
        copied = f"{machine['name'][:50]}_{made['name'][:29]}"
        on_it = Placement(place.manager, place.host, place.cluster, made, None, None, None)
        _register(tenant, machine, NewVm(copied, on_it, bool(target.get("powerOnVmsAfterRestore"))))
    record(tenant, source.copy, made, {"restoreType": "ALTERNATE", "description": target.get("description", "")})


def _on(tenant: Tenant, datastore: Item) -> list[Item]:
    vms = tenant.all("virtual-machines")
    return [v for v in vms if v["appInfo"]["vmware"]["datastoresInfo"][0]["id"] == datastore["id"]]


def _new_datastore(tenant: Tenant, source: Item, place: Placement, name: str) -> Item:
    if place.folder and place.folder["folderType"] != "DATASTORE":
        raise Failure(f"The folder {place.folder['name']} does not take datastores.", "INVALID_PLACEMENT")
    host = Placement(place.manager, place.host, place.cluster, None, None, None, None).settle(tenant, 0).host
    id, now = tenant.new_id("restored", name), format_time(tenant.now())
    gone = ("protectionJobInfo", "protectionPolicyAppliedAtInfo", "folderInfo")
    base: dict[str, Any] = {k: v for k, v in source.items() if k not in gone}
    volume = {**source["volumesInfo"][0], "id": uid(id, "volume"), "name": f"vol-{name}", "displayName": f"vol-{name}"}
    volume["resourceUri"] = f"/block-storage/v1alpha1/volumes/{volume['id']}"
    if place.array:
        short = {k: place.array[k] for k in ("id", "name", "displayName", "resourceUri", "serialNumber")}
        volume["storageSystemInfo"] = {**volume["storageSystemInfo"], **short, "type": place.array["family"]}
    item = {
        **base, "id": id, "name": name, "displayName": name,
        "resourceUri": source["resourceUri"].replace(source["id"], id),
        "generation": 1, "createdAt": now, "updatedAt": now, "state": "OK", "protectionStatus": "UNPROTECTED",
        "recoveryPointsExist": False, "vmProtectionGroupsInfo": [], "uid": uid(id, "u"), "vmCount": 0,
        "volumesInfo": [volume], "hostsInfo": [reference("hypervisor-hosts", host, "name", "displayName")],
        "clusterInfo": {k: v for k, v in host["parentInfo"].items() if k != "type"}
        | {"type": "virtualization/hypervisor-cluster"},
        "hypervisorManagerInfo": reference("hypervisor-managers", place.manager, "name", "displayName"),
    }  # fmt: skip
    if place.folder:
        item["folderInfo"] = reference("folders", place.folder, "name", "displayName")
    tenant.put(("datastores", id), item)
    return item


def _register(tenant: Tenant, machine: Item, new: NewVm) -> None:
    """A child task that registers the copy of a VM on the restored datastore."""
    config = {"computeInfo": machine["computeInfo"], "networkAdapters": machine["networkAdapters"]}
    shape = {"virtualDisks": machine["virtualDisks"], "vmConfigInfo": config}
    tenant.start("Register virtual machine", 30, machine, parent=tenant.ending_task,
                 finish=lambda: tenant.name_made(new.create(tenant, machine, shape)))  # fmt: skip
