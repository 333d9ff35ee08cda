"""Writes that deploy, recover and resize the virtual machine of a gateway, where vCenter has a place for it."""

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, uid
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Task

from .call import Call, Writing, require_free
from .gateways import BOUNDS, check_bounds, healthy, must_be_connected
from .placement import Placement, occupy
from .protection import remove_vm
from .stores import connect

TIB = 1 << 40
MIB = 1 << 20
VERSION = "4.3.7"


def create(call: Call) -> Writing:
    """POST: the VM is deployed, then registered."""
    tenant, body = call.tenant, call.body
    call.refuse_taken(body["name"], "gateway")
    place = _place(call)
    orchestrator = call.orchestrator()
    yield _begin(call, "Deploy protection store gateway", call.unborn(body["name"]))
    key = tenant.new_id("gateway")
    tenant.add("protection-store-gateways", key, name=body["name"], displayName=body["name"],
               dataOrchestratorId=orchestrator["id"], remoteAccessEnabled=False, softwareVersion=VERSION,
               serialNumber=f"PSG{key[:8].upper()}", **_deployed(call, place, key, ""))  # fmt: skip


def _begin(call: Call, name: str, about: Item) -> Task:
    """A task whose log tells where the template comes from."""
    task = call.start(name, 1800, about)
    if library := call.body["vmConfig"].get("contentLibraryId"):
        task.log.append((call.tenant.now(), f"The template is taken from the content library {library}."))
    return task


def _place(call: Call) -> Placement:
    """Where the body wants the VM; 400 for what does not exist or is out of bounds."""
    config: Item = call.body["vmConfig"]
    if sum(bool(config.get(name)) for name in ("hostId", "clusterId", "resourcePoolId")) > 1:
        raise Refusal(400, "Only one of host, cluster, resource pool may be supplied.")
    for id in config.get("datastoreIds", ()):
        call.other("datastores", id, "datastoreId")
    check_bounds(config, 400)
    first = next(iter(config.get("datastoreIds", ())), None)
    wanted = {"datastoreId": first, "resourcePoolId": config.get("resourcePoolId")}
    return Placement.of_body(call, {**config, "appInfo": {"vmware": wanted}}, call.body["hypervisorManagerId"])


def _deployed(call: Call, place: Placement, key: str, own_id: str) -> Item:
    """What a gateway has of its VM, which is made here; Failure where it cannot be as it was asked for."""
    tenant, body, config = call.tenant, call.body, call.body["vmConfig"]
    network, override = config.get("network", {}), config.get("override", {})
    size = int(override.get("storageInTiB", 1) * TIB)
    stores = [tenant.read(("datastores", id)) or {} for id in config.get("datastoreIds", ())]
    if sum(d.get("capacityFree", 0) for d in stores) < size and stores:
        raise Failure("Not enough storage space on the datastores.", "NO_SPACE")
    settled = place.settle(tenant, 0)
    held = tenant.all("networks")
    names = {n["name"] for n in held if n["hypervisorManagerInfo"]["id"] == place.manager["id"]}
    if network.get("name") not in names:
        raise Failure(f"The network {network.get('name')!r} is not in {place.manager['name']}.", "NETWORK_NOT_FOUND")
    address = network.get("networkAddress", "")
    require_free(tenant, address, own_id)
    vm_id = uid(key, "vm")
    model = next(v for v in tenant.all("virtual-machines") if v.get("vmClassification"))
    cores, memory = int(override.get("cpu", 8)), int(override.get("ramInGiB", 64)) * 1024
    vm: Item = {**model, "id": vm_id, "name": body["name"], "displayName": body["name"], **settled.properties(),
                "resourceUri": model["resourceUri"].replace(model["id"], vm_id), "powerState": "POWERED_ON",
                "vmClassification": "PROTECTION_STORE_GATEWAY", "vclsVm": False, "uid": uid(vm_id, "uid"),
                "vmProtectionGroupsInfo": [],
                "computeInfo": {"memorySizeInMib": str(memory), "numCpuCores": cores, "numCpuThreads": cores},
                "createdAt": format_time(tenant.now()), "updatedAt": format_time(tenant.now())}  # fmt: skip
    vm["appInfo"]["vmware"] |= {n: model["appInfo"]["vmware"][n] for n in ("moref", "toolsInfo", "type")}
    if address:
        vm["networkAddress"] = address
    else:
        vm.pop("networkAddress", None)
    tenant.put(("virtual-machines", vm_id), vm)
    occupy(tenant, settled.datastore["id"], sum(d["capacityInBytes"] for d in vm["virtualDisks"]), 1)
    nic = {"id": uid(key, "nic"), "networkIndex": 1, "networkName": network.get("name", ""),
           "networkType": network.get("networkType", "DHCP")}  # fmt: skip
    nic |= {name: network[name] for name in ("gateway", "networkAddress", "subnetMask") if network.get(name)}
    return {
        "vmId": vm_id, "state": "PSG_STATE_OK", "health": healthy(tenant), "override": override,
        "size": {n: config[n] for n in BOUNDS if n in config},
        "network": {"dns": network.get("dns", []), "hostname": body["name"], "nics": [nic], "ntp": []},
        "datastoresInfo": _datastores(stores or [settled.datastore], size),
    }  # fmt: skip


def _datastores(stores: list[Item], size: int) -> list[Item]:
    each = round(size / TIB / len(stores), 2)
    return [{**{k: d[k] for k in ("id", "resourceUri", "type")}, "totalProvisionedDiskInTiB": each} for d in stores]


def recover(call: Call) -> Writing:
    """POST recover: a new gateway in place of a lost one."""
    item, tenant = call.target(), call.tenant
    place = _place(call)
    if item["health"]["status"] == "PSG_HEALTH_STATUS_CONNECTED" and not call.query.get("force", False):
        raise Refusal(400, "The gateway must be disconnected before recover.")
    stores = tenant.stores_on(item["id"])
    if not any(s["protectionStoreType"] == "CLOUD" for s in stores):
        raise Refusal(400, "At least one cloud store must be configured for recover.")
    yield _begin(call, "Recover protection store gateway", item)
    new = _deployed(call, place, tenant.new_id("gateway"), item["id"])
    remove_vm(tenant, item.get("vmId", ""))
    tenant.write(call.ref, name=call.body["name"], displayName=call.body["name"], **new)
    for store in stores:
        if store["protectionStoreType"] == "ON_PREMISES":  # what lay on the lost gateway is lost
            tenant.remove(("protection-stores", store["id"]))
    connect(tenant, item["id"], connected=True)


def resize(call: Call) -> Writing:
    """POST resize."""
    item, body, tenant = call.target(), call.body, call.tenant
    check_bounds(body, 400)
    override, before = body.get("override", {}), item.get("override", {})
    wanted, now = override.get("storageInTiB"), before.get("storageInTiB", 0)
    if wanted is not None and wanted < now:
        raise Refusal(400, f"Override storage must be larger than or equal to the current size ({now} TiB).")
    must_be_connected(item)
    chosen = [call.other("datastores", id, "datastoreId") for id in body.get("datastoreIds", ())]
    changes: dict[str, Any] = {"size": {**item.get("size", {}), **{n: body[n] for n in BOUNDS if n in body}}}
    changes["override"] = {**before, **override}
    grown = int(max(0, (wanted or now) - now) * TIB)
    if chosen:
        others = [d for d in item["datastoresInfo"] if d["id"] not in {g["id"] for g in chosen}]
        changes["datastoresInfo"] = [*others, *_datastores(chosen, grown or TIB)]
    busy = "PSG_STATE_UPDATING_STORAGE_ADD"

    def check() -> None:
        _take(tenant, chosen or [tenant.read(("datastores", d["id"])) or {} for d in item["datastoresInfo"]], grown)

    return call.change(item, "Resize protection store gateway", 600, busy, check=check, **changes)


def _take(tenant: Tenant, stores: list[Item], size: int) -> None:
    """Take the room for `size` more bytes from the datastores, in their order; Failure where there is not so much."""
    if sum(d.get("capacityFree", 0) for d in stores) < size:
        raise Failure("Not enough storage space on the datastores.", "NO_SPACE")
    for store in stores if size else ():
        part = min(size, int(store["capacityFree"]))
        tenant.write(("datastores", store["id"]), capacityFree=int(store["capacityFree"]) - part)
        size -= part
