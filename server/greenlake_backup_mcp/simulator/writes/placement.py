"""Where a restored VM is to live: vCenter, host, datastore, folder, resource pool; and what stands against it, late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, kind, reference
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call

GIB = 1 << 30


@dataclass(frozen=True)
class Placement:
    """A place as it was asked for. What was not asked for is chosen when the restore ends."""

    manager: Item
    host: Item | None
    cluster: Item | None
    datastore: Item | None
    folder: Item | None
    pool: Item | None
    array: Item | None

    @classmethod
    def of_body(cls, call: Call, body: Item, manager_id: str | None) -> Placement:
        """The place that a body describes; 400 for ids that do not exist."""

        def find(id: Any, collection: str, name: str) -> Item | None:
            return call.other(collection, id, name) if id else None

        vmware = body.get("appInfo", {}).get("vmware", {})
        if body.get("clusterId") and body.get("hostId"):
            raise Refusal(400, "Only one of host, cluster, resource pool may be supplied.")
        return cls(
            manager=call.other("hypervisor-managers", manager_id, "hypervisorManagerId"),
            host=find(body.get("hostId"), "hypervisor-hosts", "hostId"),
            cluster=find(body.get("clusterId"), "hypervisor-clusters", "clusterId"),
            datastore=find(vmware.get("datastoreId"), "datastores", "datastoreId"),
            folder=find(body.get("folderId"), "folders", "folderId"),
            pool=find(vmware.get("resourcePoolId"), "resource-pools", "resourcePoolId"),
            array=find(body.get("storageInfo", {}).get("storageSystemId"), "storage-systems", "storageSystemId"),
        )

    def settle(self, tenant: Tenant, size: int) -> Site:
        """The place, what was not asked for chosen; Failure where a VM of `size` bytes cannot be there."""
        for what in (self.host, self.cluster, self.datastore, self.folder, self.pool):
            if what and what["hypervisorManagerInfo"]["id"] != self.manager["id"]:
                raise Failure(f"{what['name']} does not belong to {self.manager['name']}.", "INVALID_PLACEMENT")
        if self.folder and self.folder["folderType"] != "VM":
            raise Failure(f"The folder {self.folder['name']} does not take virtual machines.", "INVALID_PLACEMENT")
        host = tenant.read(("hypervisor-hosts", self.host["id"])) if self.host else self._any_host(tenant)
        if host is None or host["state"] != "OK":
            raise Failure(f"The host {(host or self.host or {})['name']} does not answer.", "HOST_NOT_AVAILABLE")
        cluster = tenant.read(("hypervisor-clusters", host["parentInfo"]["id"]))
        if self.pool and cluster and self.pool["clusterInfo"]["id"] != cluster["id"]:
            raise Failure(f"The resource pool {self.pool['name']} is not of {cluster['name']}.", "INVALID_PLACEMENT")
        return Site(self.manager, host, self._datastore(tenant, size), self.folder, self.pool)

    def _any_host(self, tenant: Tenant) -> Item:
        cluster = self.cluster or (self.pool and tenant.read(("hypervisor-clusters", self.pool["clusterInfo"]["id"])))
        fit = [
            h for h in tenant.all("hypervisor-hosts")
            if h["hypervisorManagerInfo"]["id"] == self.manager["id"] and h["state"] == "OK"
            and (not cluster or h["parentInfo"]["id"] == cluster["id"])
        ]  # fmt: skip
        if not fit:
            raise Failure(f"There is no host that answers in {(cluster or self.manager)['name']}.", "NO_HOST")
        return fit[0]

    def _datastore(self, tenant: Tenant, size: int) -> Item:
        held = tenant.all("datastores")
        fit = [d for d in held if d["hypervisorManagerInfo"]["id"] == self.manager["id"] and self._on_array(d)]
        chosen = self.datastore or max(fit, key=lambda d: int(d["capacityFree"]), default=None)
        if chosen is None or not self._on_array(chosen):
            name = f"The datastore {chosen['name']} is not" if chosen else "There is no datastore"
            raise Failure(f"{name} on the storage system {(self.array or {}).get('name')}.", "INVALID_PLACEMENT")
        now = tenant.read(("datastores", chosen["id"])) or chosen
        if now["capacityFree"] < size:
            free, needed = now["capacityFree"] // GIB, size // GIB
            text = f"Not enough storage space on the datastore {now['name']}: {needed} GiB are needed, {free} GiB free."
            raise Failure(text, "NO_SPACE")
        return now

    def _on_array(self, datastore: Item) -> bool:
        return not self.array or datastore["volumesInfo"][0]["storageSystemInfo"]["id"] == self.array["id"]


@dataclass(frozen=True)
class Site:
    """Where a VM is: a placement that was settled."""

    manager: Item
    host: Item
    datastore: Item
    folder: Item | None
    pool: Item | None

    def properties(self) -> Item:
        """What a VM here tells of its place."""
        held = reference("datastores", self.datastore, "name", "displayName")
        vmware: Item = {"datacenterInfo": self.datastore["datacentersInfo"][0], "datastoresInfo": [held]}
        if self.pool:
            pool = reference("resource-pools", self.pool, "name", "displayName")
            vmware["resourcePoolInfo"] = {**pool, "moref": self.pool["appInfo"]["vmware"]["moref"]}
        item: Item = {"hypervisorManagerInfo": reference("hypervisor-managers", self.manager, "name", "displayName"),
                      "hostInfo": reference("hypervisor-hosts", self.host, "name", "displayName"),
                      "clusterInfo": {**self.host["parentInfo"], "type": kind("hypervisor-clusters")},
                      "volumesInfo": self.datastore["volumesInfo"], "appInfo": {"vmware": vmware}}  # fmt: skip
        if self.folder:
            item["folderInfo"] = reference("folders", self.folder, "name", "displayName")
        return item


def occupy(tenant: Tenant, datastore_id: str, size: int, machines: int) -> None:
    """Take room for so many VMs from a datastore, or give it back."""
    if now := tenant.read(("datastores", datastore_id)):
        free, count = int(now["capacityFree"]) - size, int(now.get("vmCount", 0)) + machines
        tenant.write(("datastores", datastore_id), capacityFree=free, vmCount=count)
