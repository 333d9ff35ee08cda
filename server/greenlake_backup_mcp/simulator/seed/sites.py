"""Seeded data centers: vCenters, clusters, hosts, datastores, networks, arrays; two sites, linked as the service does.

What does the backup there is in systems.py; the rest of the tenant is built upon both.
"""

# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

from datetime import timedelta

from greenlake_backup_mcp.simulator.names import Item, format_time, kind, number, reference, uid, uri

from .systems import gateway, orchestrator, short, storeonce, stores
from .world import TIB, World

SITES = ("dc1", "dc2")


def build(world: World) -> None:
    """Both sites, then the stores that span them."""
    for n, site in enumerate(SITES):
        _site(world, n, site)
    stores(world)


def _site(world: World, n: int, site: str) -> None:
    held = orchestrator(world, n, site)
    arrays = []
    for k, family in enumerate(("PRIMERA", "NIMBLE")[: 2 - n]):
        name, serial = f"array-{site}-{family.lower()}-{k + 1}", f"4UW{number(world.seed, site, k) % 10**7:07d}"
        arrays.append(world.add("storage-systems", (site, k), name=name, displayName=name, family=family,
                                serialNumber=serial))  # fmt: skip
    center = {"id": f"datacenter-{n + 1}", "name": f"{site.upper()}-Datacenter", "moref": f"datacenter-{n + 2}"}
    manager = world.add("hypervisor-managers", site, name=f"vcenter-{site}.example.com",
                        displayName=f"vcenter-{site}.example.com",
                        services=["backup-and-recovery", "private-cloud"][: 2 - n],
                        appInfo={"vmware": {"datacenters": [center]}}, buildVersion="24322831",
                        dataOrchestratorInfo=short(held), description=f"vCenter of {site}",
                        hypervisorManagerType="VMWARE_VCENTER",
                        lastRefreshed=format_time(world.now - timedelta(minutes=11 + 7 * n)),
                        networkAddress=f"vcenter-{site}.example.com", releaseVersion="8.0.3", state="OK",
                        stateReason="" if n == 0 else "The certificate of this vCenter expires in 12 days.",
                        status="OK" if n == 0 else "WARNING", uid=uid(world.seed, "vc", n),
                        username=f"svc-backup@{site}.example.com")  # fmt: skip
    center_of = reference("hypervisor-managers", manager, "name", "displayName")
    base: Item = {"services": ["backup-and-recovery"], "hypervisorManagerInfo": center_of}
    for k in range(6):
        name = ["VM Network", "Production-120", "Production-121", "DMZ-200", "Backup-300", "Restore-Isolated"][k]
        world.add("networks", (site, k), name=name, displayName=name, state="OK", stateReason="", status="OK",
                  appInfo={"vmware": {"datacenterInfo": center, "moref": f"network-{n}{k}"}}, hostsInfo=[],
                  **base)  # fmt: skip
    for k, name in enumerate(["vm", "Production", "Test", "Infrastructure", "Restores"]):
        world.add("folders", (site, k), name=name, displayName=name, folderType="VM", subFolders=[],
                  appInfo={"vmware": {"datacenterInfo": center, "moref": f"group-v{n}{k}"}}, **base)  # fmt: skip
    world.add("folders", (site, "ds"), name="datastore", displayName="datastore", folderType="DATASTORE", subFolders=[],
              appInfo={"vmware": {"datacenterInfo": center, "moref": f"group-s{n}"}}, **base)  # fmt: skip
    for category, name in (("Backup", "gold"), ("Backup", "silver"), ("Application", "erp"), ("Location", site)):
        world.add("tags", (site, name), name=name, displayName=name, categoryName=category, state="OK",
                  associatedResources=[], uid=uid(site, name), vmProtectionGroupsInfo=[], **base)  # fmt: skip
    clusters = [_cluster(world, site, k, center, base) for k in range(3 - n)]
    hosts = [
        _host(world, site, k, clusters[k % len(clusters)], center, base) for k in range((14 - 4 * n) * world.scale)
    ]
    for cluster in clusters:
        cluster["hypervisorHosts"] = [
            reference("hypervisor-hosts", h, "name", "displayName")
            for h in hosts
            if h["parentInfo"]["id"] == cluster["id"]
        ]
    for k, cluster in enumerate(clusters):
        for name in ("Production", "Restores"):
            own = reference("hypervisor-clusters", cluster, "name", "displayName")
            world.add("resource-pools", (site, k, name), name=name, displayName=name, state="OK", stateReason="",
                      status="OK", appInfo={"vmware": {"datacenterInfo": center, "moref": f"resgroup-{n}{k}{name[0]}"}},
                      childResourcePools=[], ownerInfo={k: own[k] for k in ("id", "name", "type")},
                      clusterInfo={**own, "moref": cluster["appInfo"]["vmware"]["moref"]}, **base)  # fmt: skip
    for k in range((15 - 5 * n) * world.scale):
        _datastore(world, site, k, arrays[k % len(arrays)], hosts, clusters[k % len(clusters)], center, base)
    appliance = gateway(world, n, site, held)
    if appliance["health"]["status"].endswith("DISCONNECTED"):
        world.lose(appliance, timedelta(days=2, hours=5))
    if n == 0:
        storeonce(world, held)


def array_reference(array: Item, spelled: str) -> Item:
    """How others name an array; `spelled` is the property under which its kind stands."""
    word = {"type": array["family"], "storageSystemType": f"HPE_{array['family']}"}[spelled]
    short = {name: array[name] for name in ("id", "name", "displayName", "resourceUri", "serialNumber")}
    return {**short, "managed": True, "vendorName": "HPE", "type": array["type"], spelled: word}


def _cluster(world: World, site: str, k: int, center: Item, base: Item) -> Item:
    name = f"cluster-{site}-{k + 1:02d}"
    return world.add("hypervisor-clusters", (site, k), name=name, displayName=name, state="OK", stateReason="",
                     status="OK", clusterType="ESX_CLUSTER", networksInfo=["VM Network", "Production-120"],
                     appInfo={"vmware": {"datacenterInfo": center, "moref": f"domain-c{k + 8}"}},
                     clusterPerfMetricInfo={"cpuCapacityInMhz": 268_800, "cpuUsageInMhz": 91_200 + 1000 * k,
                                            "memorySizeInBytes": 3 * TIB, "memoryUsageInMb": 1_700_000,
                                            "totalStorageInBytes": 200 * TIB, "usedStorageInBytes": 118 * TIB},
                     **base)  # fmt: skip


def _host(world: World, site: str, k: int, cluster: Item, center: Item, base: Item) -> Item:
    name = f"esx-{site}-{k + 1:02d}.example.com"
    failing = site == "dc2" and k == 3
    return world.add(
        "hypervisor-hosts", (site, k), name=name, displayName=name, hostType="ESXI", version="8.0.3",
        state="ERROR" if failing else "OK", status="ERROR" if failing else "OK",
        stateReason="The host does not answer." if failing else "", networkAddress=f"10.{len(site)}.1.{k + 10}",
        parentInfo={**reference("hypervisor-clusters", cluster, "name", "displayName"), "type": "CLUSTER"},
        appInfo={"vmware": {"datacenterInfo": center, "moref": f"host-{k + 20}"}}, uid=uid(site, k, "host"),
        cpuInfo={"hyperthreadingActive": True, "logicalProcessors": 64, "processorCores": 32, "processorSockets": 2,
                 "processorSpeedHz": 2_800_000_000},
        cpuSockets=[{"description": "x86_64", "vendor": "intel", "cpuBusSpeedHz": 100_000_000,
                     "cpuCoreSpeedHz": 2_800_000_000}],
        hostPerfMetricInfo={"cpuCapacityInHz": 89_600_000_000, "cpuUsageInMhz": 30_000 + 400 * k,
                            "memorySizeInBytes": TIB, "memoryUsageInMb": 610_000},
        networksInfo=["VM Network"], storageAdaptersInfo=[], **base,
    )  # fmt: skip


def _datastore(
    world: World, site: str, k: int, array: Item, hosts: list[Item], cluster: Item, center: Item, base: Item
) -> Item:
    name = f"ds-{site}-{('prod', 'prod', 'test', 'sql', 'infra')[k % 5]}-{k + 1:02d}"
    id = uid(world.seed, "datastores", (site, k))
    capacity = (4 + k % 5 * 4) * TIB
    volume = {
        "id": uid(id, "volume"), "name": f"vol-{name}", "displayName": f"vol-{name}", "type": kind("volumes"),
        "resourceUri": uri("volumes", uid(id, "volume")), "scsiIdentifier": f"60002ac{number(id):08x}",
        "sizeInBytes": capacity, "storageSystemInfo": array_reference(array, "type"),
    }  # fmt: skip
    return world.add(
        "datastores", (site, k), name=name, displayName=name, appType="VMWARE", capacityInBytes=capacity,
        capacityFree=capacity * (30 - k) // 60, capacityUncommitted=capacity // 10, datastoreType="VMFS",
        clusterInfo=reference("hypervisor-clusters", cluster, "name", "displayName"),
        hostsInfo=[reference("hypervisor-hosts", h, "name", "displayName") for h in hosts[:3]],
        datacentersInfo=[center], moref=f"datastore-{k + 30}", state="OK", stateReason="", status="OK",
        allowedOperations=["DATASTORE_BACKUP_CREATE", "DATASTORE_RESTORE"], uid=uid(id, "u"), vmCount=0,
        protectionStatus="UNPROTECTED", recoveryPointsExist=False, vmProtectionGroupsInfo=[], volumesInfo=[volume],
        **base,
    )  # fmt: skip
