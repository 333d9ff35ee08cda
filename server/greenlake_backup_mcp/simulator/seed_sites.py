"""Seeded data centers: vCenters, clusters, hosts, datastores, networks, arrays, orchestrators, gateways, stores.

Two sites, linked as the service links them. Knows names.py only; the rest of the tenant is built upon this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .names import CUSTOMER, CUSTOMER_UUID, Item, kind, number, reference, stamp, uid, uri

TIB = 1 << 40
SITES = ("dc1", "dc2")


@dataclass
class World:
    """The tenant's resources: collection → id → item; and what the builders tell each other."""

    seed: int
    now: datetime
    things: dict[str, dict[str, Item]] = field(default_factory=dict)
    policies: dict[str, Item] = field(default_factory=dict)  # by name
    plans: dict[str, str] = field(default_factory=dict)  # asset id → name of the policy its copies come from
    first_store: Item = field(default_factory=dict)  # where backups go that no schedule made
    lapsed: set[str] = field(default_factory=set)  # assets whose job ended some time ago

    def all(self, collection: str) -> list[Item]:
        """The items of a collection, in their order."""
        return list(self.things.get(collection, {}).values())

    def add(self, collection: str, key: object, created_days: int = 200, **values: Any) -> Item:
        """A new item with what all items carry; its id depends on seed, collection and key."""
        id = uid(self.seed, collection, key)  # noqa: A001
        created = self.now - timedelta(days=created_days, seconds=number(self.seed, key) % 86400)
        item = {
            "id": id,
            "type": kind(collection),
            "resourceUri": uri(collection, id),
            "generation": 1 + number(id) % 40,
            "customerId": CUSTOMER,
            "createdAt": stamp(created),
            "updatedAt": stamp(self.now - timedelta(seconds=number(id, "updated") % 86400)),
            **values,
        }
        self.things.setdefault(collection, {})[id] = item
        return item


def build(world: World) -> None:
    """Both sites, then the stores that span them."""
    for n, site in enumerate(SITES):
        _site(world, n, site)
    _stores(world)


def _site(world: World, n: int, site: str) -> None:
    orchestrator = _orchestrator(world, n, site)
    arrays = [_array(world, site, k) for k in range(2 - n)]
    center = {"id": f"datacenter-{n + 1}", "name": f"{site.upper()}-Datacenter", "moref": f"datacenter-{n + 2}"}
    manager = world.add(
        "hypervisor-managers",
        site,
        name=f"vcenter-{site}.example.com",
        displayName=f"vcenter-{site}.example.com",
        services=["backup-and-recovery", "private-cloud"][: 2 - n],
        appInfo={"vmware": {"datacenters": [center]}},
        buildVersion="24322831",
        dataOrchestratorInfo=_reference(orchestrator),
        description=f"vCenter of {site}",
        hypervisorManagerType="VMWARE_VCENTER",
        lastRefreshed=stamp(world.now - timedelta(minutes=11 + 7 * n)),
        networkAddress=f"vcenter-{site}.example.com",
        releaseVersion="8.0.3",
        state="OK",
        stateReason="" if n == 0 else "The certificate of this vCenter expires in 12 days.",
        status="OK" if n == 0 else "WARNING",
        uid=uid(world.seed, "vc", n),
        username=f"svc-backup@{site}.example.com",
    )
    held = reference("hypervisor-managers", manager, "name", "displayName")
    base: Item = {"services": ["backup-and-recovery"], "hypervisorManagerInfo": held}
    for k in range(6):
        name = ["VM Network", "Production-120", "Production-121", "DMZ-200", "Backup-300", "Restore-Isolated"][k]
        world.add("networks", (site, k), name=name, displayName=name, state="OK", stateReason="", status="OK",
                  appInfo={"vmware": {"datacenterInfo": center, "moref": f"network-{n}{k}"}}, hostsInfo=[], **base)  # fmt: skip
    for k, name in enumerate(["vm", "Production", "Test", "Infrastructure", "Restores"]):
        world.add("folders", (site, k), name=name, displayName=name, folderType="VM", subFolders=[],
                  appInfo={"vmware": {"datacenterInfo": center, "moref": f"group-v{n}{k}"}}, **base)  # fmt: skip
    world.add("folders", (site, "ds"), name="datastore", displayName="datastore", folderType="DATASTORE", subFolders=[],
              appInfo={"vmware": {"datacenterInfo": center, "moref": f"group-s{n}"}}, **base)  # fmt: skip
    for category, name in (("Backup", "gold"), ("Backup", "silver"), ("Application", "erp"), ("Location", site)):
        world.add("tags", (site, name), name=name, displayName=name, categoryName=category, state="OK",
                  associatedResources=[], uid=uid(site, name), vmProtectionGroupsInfo=[], **base)  # fmt: skip
    clusters = [_cluster(world, site, k, center, base) for k in range(3 - n)]
    hosts = [_host(world, site, k, clusters[k % len(clusters)], center, base) for k in range(14 - 4 * n)]
    for cluster in clusters:
        cluster["hypervisorHosts"] = [
            reference("hypervisor-hosts", h, "name", "displayName")
            for h in hosts
            if h["parentInfo"]["id"] == cluster["id"]
        ]
    for k in range(15 - 5 * n):
        _datastore(world, site, k, arrays[k % len(arrays)], hosts, clusters[k % len(clusters)], center, base)
    _gateway(world, n, site, orchestrator)
    if n == 0:
        _storeonce(world, orchestrator)


def _reference(item: Item) -> Item:
    return {key: item[key] for key in ("id", "resourceUri", "type")}


def _orchestrator(world: World, n: int, site: str) -> Item:
    degraded = n == 1
    name = f"do-{site}-01"
    return world.add(
        "data-orchestrators",
        site,
        created_days=520,
        name=name,
        displayName=name,
        connectionState="CONNECTED",
        consoleUri=f"/backup-and-recovery/data-orchestrators/{name}",
        serialNumber=f"DO{number(world.seed, site) % 10**8:08d}",
        softwareVersion="3.4.1" if n == 0 else "3.2.0",
        state="DEGRADED" if degraded else "OK",
        stateReason="The connection to the vCenter is slow and the NTP server does not answer." if degraded else "",
        status="WARNING" if degraded else "OK",
        upTimeInSeconds=3_456_000 - n * 1_000_000,
        dateTime={"methodDateTimeSet": "NTP", "timezone": "Etc/UTC"},
        interfaces={
            "network": {
                "defaultGateway": f"10.{n + 1}.0.1",
                "hostname": f"{name}.example.com",
                "nameServers": [{"networkAddress": f"10.{n + 1}.0.53"}],
                "nic": [
                    {
                        "addressType": "STATIC",
                        "enabled": True,
                        "name": "Network1",
                        "networkAddress": f"10.{n + 1}.0.20",
                        "state": "UP",
                        "staticRoutes": [],
                        "subnetMask": "255.255.255.0",
                    }
                ],
                "proxy": {"networkAddress": f"proxy.{site}.example.com", "port": 3128},
                "searchDomains": ["example.com"],
            }
        },
        lastUpdateCheckTime=stamp(world.now - timedelta(hours=5)),
        latestRecoveryPoint=stamp(world.now - timedelta(hours=9)),
        ntp={
            "ntpServers": [{"networkAddress": f"ntp.{site}.example.com"}],
            "state": "DEGRADED" if degraded else "OK",
            "stateReason": "Not reachable." if degraded else "",
            "status": "WARNING" if degraded else "OK",
        },
        platform="VMWARE_ESXI",
        poweredOnAt=stamp(world.now - timedelta(days=40 - 11 * n)),
        totalMemoryInGiB=64,
        vCpu=16,
        adminUserCiphertext=f"SIMULATED-CIPHERTEXT-admin-{uid(world.seed, site, 'a')}",
        supportUserCiphertext=f"SIMULATED-CIPHERTEXT-support-{uid(world.seed, site, 's')}",
        infosightEnabled=True,
        remoteAccessEnabled=degraded,
        remoteAccessStationId=uid(world.seed, site, "station"),
    )


def _array(world: World, site: str, k: int) -> Item:
    family = ("PRIMERA", "NIMBLE")[k]
    name = f"array-{site}-{family.lower()}-{k + 1}"
    return world.add("storage-systems", (site, k), name=name, displayName=name, family=family,
                     serialNumber=f"4UW{number(world.seed, site, k) % 10**7:07d}")  # fmt: skip


def array_reference(array: Item, spelled: str) -> Item:
    """How others name an array; `spelled` is the property under which its kind stands."""
    shown = {"type": array["family"], "storageSystemType": f"HPE_{array['family']}"}
    out = {name: array[name] for name in ("id", "name", "displayName", "resourceUri", "serialNumber")}
    out |= {"managed": True, "vendorName": "HPE", "type": array["type"]}
    out[spelled] = shown[spelled]
    return out


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
    id = uid(world.seed, "datastores", (site, k))  # noqa: A001
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


def _gateway(world: World, n: int, site: str, orchestrator: Item) -> Item:
    name = f"psg-{site}-01"
    lost = n == 1
    datastores = [d for d in world.all("datastores") if d["name"].startswith(f"ds-{site}")][:2]
    return world.add(
        "protection-store-gateways", site, created_days=410, name=name, displayName=name,
        adminUserCiphertext=f"SIMULATED-CIPHERTEXT-gateway-{uid(world.seed, site, 'g')}",
        supportUserCiphertext=f"SIMULATED-CIPHERTEXT-gateway-support-{uid(world.seed, site, 'gs')}",
        consoleUri=f"/backup-and-recovery/protection-store-gateways/{name}", dataOrchestratorId=orchestrator["id"],
        datastoresInfo=[{"id": d["id"], "resourceUri": d["resourceUri"], "totalProvisionedDiskInTiB": 12.5,
                         "type": d["type"]} for d in datastores],
        health={"state": "PSG_HEALTH_STATE_CRITICAL" if lost else "PSG_HEALTH_STATE_OK",
                "stateReason": "No contact since " + stamp(world.now - timedelta(days=2, hours=5)) if lost else "",
                "status": "PSG_HEALTH_STATUS_DISCONNECTED" if lost else "PSG_HEALTH_STATUS_CONNECTED",
                "updatedAt": stamp(world.now - (timedelta(days=2, hours=5) if lost else timedelta(minutes=4)))},
        network={"dns": [{"networkAddress": f"10.{n + 1}.0.53"}], "hostname": f"{name}.example.com",
                 "nics": [{"gateway": f"10.{n + 1}.0.1", "id": uid(world.seed, site, "nic", i), "networkIndex": i + 1,
                           "networkAddress": f"10.{n + 1}.{i}.40", "networkName": ("VM Network", "Backup-300")[i],
                           "networkType": "STATIC", "subnetMask": "255.255.255.0"} for i in range(2)],
                 "ntp": [{"networkAddress": f"ntp.{site}.example.com"}]},
        override={"cpu": 16, "ramInGiB": 128, "storageInTiB": 25}, remoteAccessEnabled=False,
        remoteAccessStationId=uid(world.seed, site, "gateway station"),
        serialNumber=f"PSG{number(world.seed, site, 'p') % 10**8:08d}",
        size={"maxInCloudDailyProtectedDataInTiB": 10, "maxInCloudRetentionDays": 365,
              "maxOnPremDailyProtectedDataInTiB": 20, "maxOnPremRetentionDays": 90},
        softwareVersion="4.3.7", state="PSG_STATE_UNKNOWN" if lost else "PSG_STATE_OK",
        vmId=uid(world.seed, "virtual-machines", f"psg-{site}-01"),
    )  # fmt: skip


def _storeonce(world: World, orchestrator: Item) -> Item:
    return world.add(
        "storeonces", "so-dc1-5260", created_days=480, name="so-dc1-5260", description="StoreOnce 5260 of dc1",
        dataOrchestrators=[{**_reference(orchestrator), "name": orchestrator["name"],
                            "serialNumber": orchestrator["serialNumber"]}],
        dateTime={"methodDateTimeSet": "NTP", "timezone": "Etc/UTC", "utcDateTime": stamp(world.now)},
        fibreChannel={"initiators": []},
        health={"state": "SO_HEALTH_STATE_OK", "stateReason": "", "status": "SO_HEALTH_STATUS_CONNECTED",
                "updatedAt": stamp(world.now - timedelta(minutes=6))},
        network={"dns": [{"networkAddress": "10.1.0.53"}], "hostname": "so-dc1-5260.example.com",
                 "nics": [{"gateway": "10.1.0.1", "id": "1", "networkAddress": "10.1.0.60", "networkIndex": 1,
                           "networkName": "Data", "networkType": "STATIC"}],
                 "ntp": [{"networkAddress": "ntp.dc1.example.com"}]},
        serialNumber="SOD5057LHR", softwareVersion="4.3.9",
        storage={"capacityLicensedBytes": 200 * TIB, "capacityUnlicensedBytes": 0, "configuredStorageBytes": 216 * TIB,
                 "freeBytes": 96 * TIB, "state": "OK", "unconfiguredStorageBytes": 0, "usedBytes": 120 * TIB},
    )  # fmt: skip


def _stores(world: World) -> None:
    location = [
        world.add("storage-locations", city, name=f"{provider}: {region}", cloudServiceProvider=provider,
                  cloudServiceProviderId=code, geography=geography, city=city, timezone=zone,
                  capabilities=["backup-and-recovery"])
        for provider, region, code, geography, city, zone in (
            ("AWS", "USA, North Virginia", "us-east-1", "North America", "Ashburn", "America/New_York"),
            ("AWS", "Germany, Frankfurt", "eu-central-1", "Europe", "Frankfurt", "Europe/Berlin"),
            ("AZURE", "Ireland", "northeurope", "Europe", "Dublin", "Europe/Dublin"),
        )
    ]  # fmt: skip
    for held in location:
        held.pop("customerId")
    one, two = world.all("protection-store-gateways")
    appliance = world.all("storeonces")[0]
    table = (  # name, system, cloud location, used of capacity in percent, connected
        ("Local_psg-dc1-01", one, None, 64, True),
        ("Cloud_psg-dc1-01_USA, North Virginia", one, location[0], 41, True),
        ("Local_psg-dc2-01", two, None, 58, False),
        ("Cloud_psg-dc2-01_Germany, Frankfurt", two, location[1], 23, True),
        ("Local_so-dc1-5260", appliance, None, 91, True),
        ("cloud_store_SOD5057LHR", appliance, location[0], 37, True),
        ("Local_so-dc1-5260_archive", appliance, None, 20, True),
    )
    for n, (name, system, cloud, percent, connected) in enumerate(table):
        made = store(world, name, system, cloud, percent, connected, created_days=400 - 20 * n)
        world.first_store = world.first_store or made


def store(
    world: World, name: str, system: Item, place: Item | None, percent: int, connected: bool, created_days: int
) -> Item:
    """A protection store on a gateway or StoreOnce; with a place it is a cloud store."""
    capacity = 40 * TIB
    used = capacity * percent // 100
    full = percent > 90
    orchestrators = [o for o in world.all("data-orchestrators") if o["id"] == system.get("dataOrchestratorId")]
    orchestrators = orchestrators or world.all("data-orchestrators")[:1]
    item = world.add(
        "protection-stores", name, created_days=created_days, name=name, displayName=name,
        consoleUri=f"/backup-and-recovery/protection-stores/{uid(world.seed, 'protection-stores', name)}",
        connectedState="CONNECTED" if connected else "DISCONNECTED",
        dataOrchestratorInfo=[{"displayName": o["name"], "id": o["id"], "resourceUri": o["resourceUri"]}
                              for o in orchestrators],
        protectionStoreType="CLOUD" if place else "ON_PREMISES", sizeOnDiskInBytes=used // 4 if used else 0,
        userDataStoredInBytes=used, state="ONLINE" if connected else "OFFLINE",
        stateReason="" if connected and not full else
                    "The protection store is 91 % full." if full else "Protection Store Gateway is not connected.",
        status="OK" if connected and not full else "WARNING" if full else "ERROR",
        storageSystemInfo={"displayName": system.get("displayName") or system["name"], "id": system["id"],
                           "resourceUri": system["resourceUri"],
                           "type": "STOREONCE" if "storeonce" in system["type"] else "PROTECTION_STORE_GATEWAY"},
    )  # fmt: skip
    item["customerId"] = CUSTOMER_UUID
    if place:
        item["region"] = place["cloudServiceProviderId"]
        item["cloudStoreAddress"] = [f"{name.lower()[:12].replace('_', '-')}.example.net"]
        item["storageLocationInfo"] = {k: place[k] for k in ("id", "name", "resourceUri", "type")}
    else:
        item["maxCapacityInBytes"] = capacity
        item["sizeOnDiskInBytes"] = used
    return item
