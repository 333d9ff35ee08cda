"""Seeded systems that do the backup: data orchestrators, gateways, a StoreOnce, and the stores on them."""

# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

from datetime import timedelta

from greenlake_backup_mcp.simulator.names import CUSTOMER_UUID, Item, format_time, number, uid

from .world import TIB, World

NEARLY_FULL = 90  # per cent of its capacity


def short(item: Item) -> Item:
    """The least by which another item names this one."""
    return {key: item[key] for key in ("id", "resourceUri", "type")}


def orchestrator(world: World, n: int, site: str) -> Item:
    """A site's data orchestrator; the second one is degraded."""
    degraded = n == 1
    name = f"do-{site}-01"
    return world.add(
        "data-orchestrators", site, created_days=520, name=name, displayName=name,
        connectionState="CONNECTED", consoleUri=f"/backup-and-recovery/data-orchestrators/{name}",
        serialNumber=f"DO{number(world.seed, site) % 10**8:08d}", softwareVersion="3.4.1" if n == 0 else "3.2.0",
        state="DEGRADED" if degraded else "OK", status="WARNING" if degraded else "OK",
        stateReason="The connection to the vCenter is slow and the NTP server does not answer." if degraded else "",
        upTimeInSeconds=3_456_000 - n * 1_000_000, dateTime={"methodDateTimeSet": "NTP", "timezone": "Etc/UTC"},
        interfaces={"network": {
            "defaultGateway": f"10.{n + 1}.0.1", "hostname": f"{name}.example.com",
            "nameServers": [{"networkAddress": f"10.{n + 1}.0.53"}],
            "nic": [{"addressType": "STATIC", "enabled": True, "name": "Network1", "state": "UP", "staticRoutes": [],
                     "networkAddress": f"10.{n + 1}.0.20", "subnetMask": "255.255.255.0"}],
            "proxy": {"networkAddress": f"proxy.{site}.example.com", "port": 3128}, "searchDomains": ["example.com"]}},
        lastUpdateCheckTime=format_time(world.now - timedelta(hours=5)),
        latestRecoveryPoint=format_time(world.now - timedelta(hours=9)),
        ntp={"ntpServers": [{"networkAddress": f"ntp.{site}.example.com"}], "state": "DEGRADED" if degraded else "OK",
             "stateReason": "Not reachable." if degraded else "", "status": "WARNING" if degraded else "OK"},
        platform="VMWARE_ESXI", poweredOnAt=format_time(world.now - timedelta(days=40 - 11 * n)),
        totalMemoryInGiB=64, vCpu=16, adminUserCiphertext=f"SIMULATED-CIPHERTEXT-admin-{uid(world.seed, site, 'a')}",
        supportUserCiphertext=f"SIMULATED-CIPHERTEXT-support-{uid(world.seed, site, 's')}", infosightEnabled=True,
        remoteAccessEnabled=degraded, remoteAccessStationId=uid(world.seed, site, "station"),
    )  # fmt: skip


def gateway(world: World, n: int, site: str, orchestrator: Item) -> Item:
    """A site's gateway; the second one is disconnected."""
    name = f"psg-{site}-01"
    lost = n == 1
    contact = world.now - timedelta(days=2, hours=5)
    datastores = [d for d in world.all("datastores") if d["name"].startswith(f"ds-{site}")][:2]
    return world.add(
        "protection-store-gateways", site, created_days=410, name=name, displayName=name,
        adminUserCiphertext=f"SIMULATED-CIPHERTEXT-gateway-{uid(world.seed, site, 'g')}",
        supportUserCiphertext=f"SIMULATED-CIPHERTEXT-gateway-support-{uid(world.seed, site, 'gs')}",
        consoleUri=f"/backup-and-recovery/protection-store-gateways/{name}", dataOrchestratorId=orchestrator["id"],
        datastoresInfo=[{"id": d["id"], "resourceUri": d["resourceUri"], "totalProvisionedDiskInTiB": 12.5,
                         "type": d["type"]} for d in datastores],
        health={"state": "PSG_HEALTH_STATE_CRITICAL" if lost else "PSG_HEALTH_STATE_OK",
                "stateReason": "No contact since " + format_time(contact) if lost else "",
                "status": "PSG_HEALTH_STATUS_DISCONNECTED" if lost else "PSG_HEALTH_STATUS_CONNECTED",
                "updatedAt": format_time(contact if lost else world.now - timedelta(minutes=4))},
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


def storeonce(world: World, orchestrator: Item) -> Item:
    """The one StoreOnce."""
    return world.add(
        "storeonces", "so-dc1-5260", created_days=480, name="so-dc1-5260", description="StoreOnce 5260 of dc1",
        dataOrchestrators=[{**short(orchestrator), "name": orchestrator["name"],
                            "serialNumber": orchestrator["serialNumber"]}],
        dateTime={"methodDateTimeSet": "NTP", "timezone": "Etc/UTC", "utcDateTime": format_time(world.now)},
        fibreChannel={"initiators": []},
        health={"state": "SO_HEALTH_STATE_OK", "stateReason": "", "status": "SO_HEALTH_STATUS_CONNECTED",
                "updatedAt": format_time(world.now - timedelta(minutes=6))},
        network={"dns": [{"networkAddress": "10.1.0.53"}], "hostname": "so-dc1-5260.example.com",
                 "nics": [{"gateway": "10.1.0.1", "id": "1", "networkAddress": "10.1.0.60", "networkIndex": 1,
                           "networkName": "Data", "networkType": "STATIC"}],
                 "ntp": [{"networkAddress": "ntp.dc1.example.com"}]},
        serialNumber="SOD5057LHR", softwareVersion="4.3.9",
        storage={"capacityLicensedBytes": 200 * TIB, "capacityUnlicensedBytes": 0, "configuredStorageBytes": 216 * TIB,
                 "freeBytes": 96 * TIB, "state": "OK", "unconfiguredStorageBytes": 0, "usedBytes": 120 * TIB},
    )  # fmt: skip


def stores(world: World) -> None:
    """Three locations and seven stores: one more than 90 % full, those of the lost gateway out of reach."""
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
    table = (  # name, system, cloud location, used of capacity in percent
        ("Local_psg-dc1-01", one, None, 64),
        ("Cloud_psg-dc1-01_USA, North Virginia", one, location[0], 0),
        ("Local_psg-dc2-01", two, None, 58),
        ("Cloud_psg-dc2-01_Germany, Frankfurt", two, location[1], 0),
        ("Local_so-dc1-5260", appliance, None, 91.5),
        ("cloud_store_SOD5057LHR", appliance, location[0], 0),
        ("Local_so-dc1-5260_archive", appliance, None, 20),
    )
    for n, (name, system, cloud, percent) in enumerate(table):
        made = store(world, name, system, cloud, 1300 - 20 * n)
        world.fill[made["id"]] = percent
        world.first_store = world.first_store or made


def orchestrators_of(world: World, system: Item) -> list[Item]:
    """How a store names the data orchestrator of the system that it lies on."""
    held = world.all("data-orchestrators")
    own = [o for o in held if o["id"] == system.get("dataOrchestratorId")] or held[:1]
    return [{name: o[name] for name in ("displayName", "id", "resourceUri")} for o in own]


def store(world: World, name: str, system: Item, place: Item | None, created_days: int, key: str = "") -> Item:
    """An empty protection store on a gateway or StoreOnce; with a place it is a cloud store."""
    item = world.add(
        "protection-stores", key or name, created_days=created_days, name=name, displayName=name,
        connectedState="CONNECTED",
        consoleUri=f"/backup-and-recovery/protection-stores/{uid(world.seed, 'protection-stores', key or name)}",
        dataOrchestratorInfo=orchestrators_of(world, system), protectionStoreType="CLOUD" if place else "ON_PREMISES",
        sizeOnDiskInBytes=0, userDataStoredInBytes=0, state="ONLINE", stateReason="", status="OK",
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
        item["maxCapacityInBytes"] = 40 * TIB
    return item


def used_percent(item: Item) -> int:
    """How full a store is; 0 for one without a capacity."""
    most = item.get("maxCapacityInBytes") or 0
    return int(item["sizeOnDiskInBytes"] * 100 / most) if most else 0
