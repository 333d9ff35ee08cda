"""Seeded SQL Server: application hosts, instances, databases and their protection groups."""

from __future__ import annotations

from datetime import timedelta

from greenlake_backup_mcp.simulator.names import Item, format_time, number, reference, uid

from . import policies
from .sites import array_reference
from .world import World

DATABASES = ("billing", "orders", "inventory", "payroll", "reporting", "audit", "web-content")
WRONG_LOGIN = "The user name or password is wrong."
GIB = 1 << 30


def build(world: World) -> None:
    """4 hosts, 6 instances, 42 databases, 5 groups."""
    vms = [vm for vm in world.all("virtual-machines") if vm["displayName"].startswith("db-prod")]
    hosts = [_host(world, n, vms[n]) for n in range(4)]
    instances = [_instance(world, n, hosts[n % 4]) for n in range(6)]
    databases = [_database(world, one, f"{name}-db-{n + 1}") for n, one in enumerate(instances) for name in DATABASES]
    for n in range(5):
        _group(world, n, instances[n % 6], databases[7 * n : 7 * n + 4])
    for n, database in enumerate(databases):
        if "mssqlDatabaseProtectionGroupInfo" not in database and n % 2 == 0:
            policies.job(world, policies.SQL2, database)


def _host(world: World, n: int, vm: Item) -> Item:
    name = f"sqlhost-{n + 1:02d}.example.com"
    failing, refused = n == 3, world.now - timedelta(days=3, hours=7)
    orchestrator = world.resources["hypervisor-managers"][vm["hypervisorManagerInfo"]["id"]]["dataOrchestratorInfo"]
    host = world.add("application-hosts", name, name=name, displayName=name, description="", networkAddress=name,
                     virtual=True, computeInfo={"memorySizeInMiB": 65536, "numCpuCores": 8, "numCpuThreads": 16},
                     manufacturer="VMware, Inc.",
                     dataOrchestratorInfo={k: orchestrator[k] for k in ("id", "resourceUri", "type")},
                     networkInterfaces=[{"address": f"10.1.4.{n + 20}", "name": "Ethernet0"}],
                     username=f"EXAMPLE\\svc-sql-{n + 1}",
                     osInfo={"buildVersion": "20348", "name": "Windows Server 2022", "releaseVersion": "21H2"},
                     state="ERROR" if failing else "OK", status="ERROR" if failing else "OK",
                     stateReason=f"{WRONG_LOGIN[:-1]}, since {format_time(refused)}." if failing else "",
                     storageInitiators={"fcHba": [], "iscsi": []}, virtualizationInfo=_virtualization(vm))  # fmt: skip
    if failing:
        world.lose(host, timedelta(days=3, hours=7))
    return host


def _virtualization(vm: Item) -> Item:
    manager = {k: vm["hypervisorManagerInfo"][k] for k in ("id", "name", "resourceUri", "type")}
    short = {k: v for k, v in reference("virtual-machines", vm).items() if k != "id"}
    return {"hypervisorManagerInfo": manager, "virtualMachineInfo": short}


def _instance(world: World, n: int, host: Item) -> Item:
    name = "MSSQLSERVER" if n < 4 else f"INST{n - 3}"
    return world.add("mssql-instances", n, name=name,
                     applicationHostInfo=reference("application-hosts", host, "name", "displayName"),
                     availabilityGroupsInfo=[], clustered=False,
                     credentials={"mode": "WINDOWS", "username": "EXAMPLE\\svc-sql"},
                     productName="Microsoft SQL Server 2022", productVersion="16.0.4135.4", state="OK", stateReason="",
                     status="OK", virtualizationInfo=host["virtualizationInfo"])  # fmt: skip


def _database(world: World, instance: Item, name: str) -> Item:
    dice = number(world.seed, name)
    return world.add(
        "mssql-databases", name, name=name, applicationHostInfo=instance["applicationHostInfo"],
        clusterInfo={"clustered": False, "role": "PRIMARY"}, instanceInfo=reference("mssql-instances", instance),
        protectionStatus="UNPROTECTED", recoveryPointsExist=False, sizeInBytes=(1 + dice % 800) * GIB,
        state="OK", stateReason="", status="OK", virtualizationInfo=instance["virtualizationInfo"],
    )  # fmt: skip


def _group(world: World, n: int, instance: Item, members: list[Item]) -> None:
    name = f"sql-group-{n + 1}"
    native = n == 4
    group = world.add(
        "mssql-database-protection-groups", name, name=name, description=f"Databases of {name}",
        protectionGroupType="NATIVE" if native else "CUSTOM", state="OK", stateReason="", status="OK",
        members=[{**reference("mssql-databases", m), "instanceInfo": m["instanceInfo"]} for m in members],
        virtualizationInfo={"hypervisorManagerInfo": instance["virtualizationInfo"]["hypervisorManagerInfo"]},
    )  # fmt: skip
    if native:
        group["nativeAppInfo"] = {"excludeSystemDatabases": True, "id": instance["id"], "name": instance["name"],
                                  "instanceInfo": reference("mssql-instances", instance), "type": "MSSQL_INSTANCE",
                                  "uid": uid(instance["id"], "uid")}  # fmt: skip
    job = policies.job(world, policies.SQL1, group)
    for member in members:
        member["mssqlDatabaseProtectionGroupInfo"] = reference("mssql-database-protection-groups", group)
        member["protectionJobInfo"] = policies.job_reference(job)


def build_volumes(world: World) -> None:
    """15 volume protection groups of 4 volumes each, on the arrays of the first site."""
    arrays = world.all("storage-systems")
    for n in range(15):
        _volume_group(world, n, arrays[n % 2])


def _volume_group(world: World, n: int, array: Item) -> None:
    name = f"vpg-{('oracle', 'sap', 'files', 'media', 'k8s')[n % 5]}-{n + 1:02d}"
    policy = policies.ARRAY if n < 13 else ""
    status = "PROTECTED" if policy else "UNPROTECTED"
    native = n % 4 == 1
    group = world.add(
        "volume-protection-groups", name, name=name, description=f"Volumes of {name}",
        volumeProtectionGroupType="NATIVE" if native else "CUSTOM", state="OK", stateReason="", status="OK",
        assets=[{"displayName": f"{name}-vol-{k}", "id": uid(world.seed, name, k), "protectionStatus": status,
                 "resourceUri": f"/block-storage/v1alpha1/volumes/{uid(world.seed, name, k)}",
                 "type": "storage-fleet/volume"} for k in range(4)],
        storageSystemInfo=system_reference(array),
    )  # fmt: skip
    del group["customerId"]
    group["consoleUri"] = f"/backup-and-recovery/volume-protection-groups/{group['id']}"
    if native:
        family = "VOLUME_COLLECTION" if array["family"] == "NIMBLE" else "APPLICATION_SET"
        native_id = uid(world.seed, name, "native")
        group["nativeGroupInfo"] = {"id": native_id, "name": name, "type": family,
                                    "resourceUri": f"/block-storage/v1alpha1/volume-sets/{native_id}"}  # fmt: skip
    if policy:
        policies.job(world, policy, group)
    if n == 12:
        group |= {"state": "ERROR", "status": "ERROR",
                  "stateReason": "A volume of this group was deleted on the array."}  # fmt: skip
        world.lose(group, timedelta(days=1))
        group["updatedAt"] = format_time(world.now - timedelta(days=1))


def system_reference(array: Item) -> Item:
    """How volume groups and their copies name an array."""
    short = array_reference(array, "type")
    return {**{k: short[k] for k in ("id", "name", "resourceUri")}, "type": array["type"],
            "productFamily": array["family"]}  # fmt: skip
