"""A VM that a restore makes from a recovery point, and a VM that it overwrites with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, number, reference, uid
from greenlake_backup_mcp.simulator.seed.virtual_machines import disks_of
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call
from .placement import Placement, occupy

OLD_BONDS = ("protectionJobInfo", "protectionPolicyAppliedAtInfo", "vmClassification")


@dataclass(frozen=True)
class NewVm:
    """A VM as it was asked for."""

    name: str
    placement: Placement
    power_on: bool
    adapters: list[Item] = field(default_factory=list)  # what was asked of network adapters, by their name

    def check(self, call: Call, copy: Item) -> None:
        """400 for a name that is taken in this vCenter, and for adapters and networks that do not exist."""
        if len(self.name) > 80:
            raise Refusal(400, f"The name {self.name!r} is longer than 80 characters.")
        if not self.name.strip() or name_taken(call.tenant, self.name, self.placement.manager["id"]):
            raise Refusal(400, f"The name {self.name!r} is already in use.")
        adapter_names = [a["name"] for a in copy["vmConfigInfo"]["networkAdapters"]]
        for adapter in self.adapters:
            if adapter.get("name") not in adapter_names:
                raise Refusal(400, f"The recovery point has no network adapter {adapter.get('name')!r}.")
            if id := adapter.get("networkDetails", {}).get("id"):
                call.other("networks", id, "networkDetails/id")

    def create(self, tenant: Tenant, source: Item, copy: Item) -> Item:
        """Make the VM; Failure where it cannot be as it was asked for."""
        size = sum(d["capacityInBytes"] for d in copy["virtualDisks"])
        place = self.placement.settle(tenant, size)
        if name_taken(tenant, self.name, place.manager["id"]):
            raise Failure(f"The name {self.name!r} is already in use.", "NAME_IN_USE")
        id, now = tenant.new_id("restored", self.name), format_time(tenant.now())
        held = place.properties()
        base = {name: value for name, value in source.items() if name not in OLD_BONDS}
        datastore: Item = held["appInfo"]["vmware"]["datastoresInfo"][0]
        folder = next(f for f in tenant.all("folders") if f["hypervisorManagerInfo"]["id"] == place.manager["id"])
        item: Item = {
            "folderInfo": reference("folders", folder, "name", "displayName"), **base, "id": id, "name": self.name,
            "displayName": self.name, "resourceUri": source["resourceUri"].replace(source["id"], id), "generation": 1,
            "createdAt": now, "updatedAt": now, "uid": uid(id, "uid"), "state": "OK", "status": "OK", "stateReason": "",
            "protectionStatus": "UNPROTECTED", "recoveryPointsExist": False, "vmProtectionGroupsInfo": [],
            "powerState": "POWERED_ON" if self.power_on else "POWERED_OFF", "capacityInBytes": size,
            "computeInfo": copy["vmConfigInfo"]["computeInfo"], "virtualDisks": _disks(id, copy, datastore),
            "networkAdapters": self._adapters(tenant, id, copy, place.manager),
            "vmConfigPath": f"[{datastore['name']}] {id[:8]}/vm.vmx", **held,
        }  # fmt: skip
        old, new = source["appInfo"]["vmware"], item["appInfo"]["vmware"]
        tools = {**old["toolsInfo"], **({} if self.power_on else {"status": "NOT_RUNNING"})}
        item["appInfo"] = {"vmware": {"moref": f"vm-{1000 + number(id) % 9000}", "toolsInfo": tools,
                                      "type": old["type"], **new}}  # fmt: skip
        if not place.folder and source["hypervisorManagerInfo"]["id"] != place.manager["id"]:
            item["folderInfo"] = reference("folders", folder, "name", "displayName")
        self._address(item, source)
        tenant.put(("virtual-machines", id), item)
        occupy(tenant, place.datastore["id"], size, 1)
        return item

    def _adapters(self, tenant: Tenant, id: str, copy: Item, manager: Item) -> list[Item]:
        """The adapters of the recovery point with MAC addresses of their own, in the networks that were asked for."""
        wishes = {a["name"]: a.get("networkDetails", {}) for a in self.adapters}
        adapters = []
        for n, adapter in enumerate(copy["vmConfigInfo"]["networkAdapters"]):
            dice, wish = number(id, "mac", n), wishes.get(adapter["name"], {})
            details = {**adapter["networkDetails"], **{k: v for k, v in wish.items() if k == "connectAtPowerOn"}}
            details |= self._network(tenant, wish.get("id"), details, manager)
            mac = f"00:50:56:{dice >> 16 & 63:02x}:{dice >> 8 & 255:02x}:{dice & 255:02x}"
            adapters.append({**adapter, "macAddress": mac, "macAddressType": "AUTOMATIC", "networkDetails": details})
        return adapters

    def _network(self, tenant: Tenant, wanted: str | None, before: Item, manager: Item) -> Item:
        held = [n for n in tenant.all("networks") if n["hypervisorManagerInfo"]["id"] == manager["id"]]
        if wanted:
            network = next((n for n in held if n["id"] == wanted), None)
            if network is None:
                raise Failure(f"The network {wanted} is not in {manager['name']}.", "NETWORK_NOT_FOUND")
        else:
            network = next((n for n in held if n["name"] == before.get("name")), None)
        if network is None:
            return {"connectAtPowerOn": False, "state": "DELETED"}
        return {**reference("networks", network, "name", "displayName"), "state": "AVAILABLE"}

    def _address(self, item: Item, source: Item) -> None:
        """The guest comes back with its old address: a conflict where the original still has it."""
        connected = any(a["networkDetails"].get("connectAtPowerOn") for a in item["networkAdapters"])
        if not self.power_on or not connected:
            item.pop("networkAddress", None)
        elif source["powerState"] == "POWERED_ON" and source.get("networkAddress"):
            text = f"The network address {source['networkAddress']} is in use by {source['name']} as well."
            item |= {"status": "WARNING", "stateReason": text}


def name_taken(tenant: Tenant, name: str, manager_id: str) -> bool:
    """Whether a VM of this vCenter has the name."""
    vms = tenant.all("virtual-machines")
    return any(name in (v["name"], v["displayName"]) and v["hypervisorManagerInfo"]["id"] == manager_id for v in vms)


def _disks(id: str, copy: Item, datastore: Item) -> list[Item]:
    return disks_of(id, [(d["name"], d["capacityInBytes"]) for d in copy["virtualDisks"]], datastore)


def overwrite(tenant: Tenant, vm: Item, copy: Item) -> Item:
    """The VM as it was at the recovery point: its disks, hardware and adapters; the next backup of it is a full one."""
    held = {d["name"]: d for d in vm["virtualDisks"]}
    datastore: Any = vm["appInfo"]["vmware"]["datastoresInfo"][0]
    disks = [{**new, **held.get(new["name"], {}), "capacityInBytes": new["capacityInBytes"]}
             for new in _disks(vm["id"], copy, datastore)]  # fmt: skip
    config = copy["vmConfigInfo"]
    tenant.rewrite(vm["id"])
    changed = tenant.write(
        ("virtual-machines", vm["id"]), virtualDisks=disks, computeInfo=config["computeInfo"], state="OK",
        networkAdapters=config["networkAdapters"], capacityInBytes=sum(d["capacityInBytes"] for d in disks),
    )  # fmt: skip
    return changed or vm
