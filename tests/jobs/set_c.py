"""Set C, recover and build: ten jobs, judged by the tenant's state afterwards and by what the person is told."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .job import Findings, Job, compare, difference
from .session import Session, StepFailed
from .set_b import ask, right
from .steps import GOOD, by_name, job_of, made, newest, offline_stores, readable
from .tables import Row, time
from .truth import Item, Truth, moment, to_minute

# --- C1 beside the original -------------------------------------------------------------------------------------------

DRILL = "sap-prod-01-drill"


def c1_before(truth: Truth) -> Any:
    return truth.one("virtual-machines", "sap-prod-01"), {d["id"]: d for d in truth.all("datastores")}


async def roomy_place(s: Session, vm: Row) -> tuple[Row, Row]:
    """Another cluster of the VM's vCenter, and its datastore with the most room."""
    clusters = await s.rows("list_hypervisor_clusters", where=f"vcenter eq '{vm['vcenter']}'", select="name")
    other = next(c for c in clusters if c["name"] != vm["cluster"])
    room = await s.read("list_datastores", where=f"cluster eq '{other['name']}'", sort="free desc", limit=1,
                        select="name,free", summary="page")  # fmt: skip
    return other, room.rows[0]


async def c1_script(s: Session) -> Findings:
    vm = await by_name(s, "list_vms", "sap-prod-01")
    detail = await s.read("get_vm", vmId=vm["id"])
    stores = await offline_stores(s)
    copy = await newest(s, "list_vm_backups", readable(stores), "pointInTime", vmId=vm["id"])
    if copy is None:
        raise StepFailed("no backup")
    adapters = (await s.read("get_vm_backup", vmId=vm["id"], backupId=copy["id"])).all(r"name (Network adapter \d+)")
    cluster, datastore = await roomy_place(s, vm)
    target = {
        "hypervisorManagerId": detail.first(r"^hypervisorManagerInfo: id ([0-9a-f-]{36})"),
        "clusterId": cluster["id"],
        "appInfo": {"vmware": {"datastoreId": datastore["id"]}},
        "name": DRILL,
        "powerOn": False,
        "vmHardwareCustomization": {
            "networkAdapters": [{"name": name, "networkDetails": {"connectAtPowerOn": False}} for name in adapters]
        },
    }
    answer = await s.write("restore_vm", vmId=vm["id"], restoreType="ALTERNATE", backupId=copy["id"],
                           targetVmInfo=target)  # fmt: skip
    new = await made(s, answer, DRILL, "list_vms")
    return {"id": new, "cluster": cluster["name"], "datastore": datastore["name"]}


def c1_check(before: Any, truth: Truth, found: Findings) -> dict[str, str]:
    source, datastores = before
    new = truth.named("virtual-machines", DRILL)
    if len(new) != 1:
        return {"one new VM": f"{len(new)} are named {DRILL}"}
    vm = new[0]
    on = vm["appInfo"]["vmware"]["datastoresInfo"][0]
    room = datastores.get(on["id"], {}).get("capacityFree", 0)
    connected = [a for a in vm["networkAdapters"] if a["networkDetails"].get("connectAtPowerOn")]
    return {
        "one new VM": "",
        "its id": difference(vm["id"], found.get("id")),
        "another cluster, as told": right(
            source["clusterInfo"]["name"] != vm["clusterInfo"]["name"] == found.get("cluster"),
            f"is on {vm['clusterInfo']['name']}, told {found.get('cluster')}",
        ),
        "a datastore with room, as told": right(
            room > source["capacityInBytes"] and on["name"] == found.get("datastore"),
            f"is on {on['name']}, told {found.get('datastore')}",
        ),
        "off": right(vm["powerState"] == "POWERED_OFF", vm["powerState"]),
        "no network": right(not connected, f"{len(connected)} adapters connect at power on"),
        "source untouched": difference(source["id"], truth.one("virtual-machines", "sap-prod-01")["id"]),
    }


# --- C2 ransomware ----------------------------------------------------------------------------------------------------

ATTACK = "2026-11-23 14:00"
VICTIM = "web-legacy-03"


def c2_before(truth: Truth) -> Any:
    attack = datetime.fromisoformat(ATTACK + "+00:00")
    vm = truth.one("virtual-machines", VICTIM)
    clean = [c for c in truth.usable(truth.vm_copies(vm)) if (when := moment(c["pointInTime"])) and when < attack]
    return max(clean, key=lambda c: str(c["pointInTime"]))


async def c2_script(s: Session) -> Findings:
    vm = await by_name(s, "list_vms", VICTIM, select="name,state")
    job = await job_of(s, VICTIM)
    await s.write("suspend_protection_job", protectionJobId=job["id"])
    stores = await offline_stores(s)
    until = f"pointInTime lt '{s.shift(ATTACK)}' and "
    copies = [
        ("snapshotId", await newest(s, "list_vm_snapshots", until + GOOD, "pointInTime", vmId=vm["id"])),
        ("backupId", await newest(s, "list_vm_backups", until + readable(stores), "pointInTime", vmId=vm["id"])),
    ]
    name, copy = max(((n, c) for n, c in copies if c), key=lambda pair: str(pair[1]["pointInTime"]))
    await s.write("restore_vm", vmId=vm["id"], restoreType="PARENT", **{name: copy["id"]})
    after = await s.read("list_vms", where=f"name eq '{VICTIM}'", select="name,health")
    return {"copy": copy["id"], "lost since": time(copy["pointInTime"]), "health": after.rows[0]["health"]}


def c2_check(before: Item, truth: Truth, found: Findings) -> dict[str, str]:
    vm = truth.one("virtual-machines", VICTIM)
    sent = truth.sent(f"/virtual-machines/{vm['id']}/restore")
    used = [b.get("backupId") or b.get("snapshotId") for b in sent]
    (job,) = [j for j in truth.jobs() if j["assetInfo"]["id"] == vm["id"]]
    return {
        "rolled back to the newest clean copy": difference([before["id"]], used),
        "which copy": difference(before["id"], found.get("copy")),
        "what is lost": difference(to_minute(before["pointInTime"]), found.get("lost since")),
        "schedules stopped": right(job["operational"] == "SUSPENDED", job["operational"]),
        "it is well": right(vm["state"] == "OK" and found.get("health") == "OK", f"{vm['state']}"),
    }


# --- C3 one file ------------------------------------------------------------------------------------------------------

FILE = "/etc/app/settings.conf"


def c3_before(truth: Truth) -> Any:
    vm = truth.one("virtual-machines", VICTIM)
    return vm, max(truth.usable(truth.vm_backups(vm)), key=lambda c: str(c["pointInTime"]))


async def c3_script(s: Session) -> Findings:
    vm = await by_name(s, "list_vms", VICTIM, select="name")
    copy = await newest(s, "list_vm_backups", readable(await offline_stores(s)), "pointInTime", vmId=vm["id"])
    if copy is None:
        raise StepFailed("no backup")
    answer = await s.write(
        "restore_vm_files", vmId=vm["id"], backupId=copy["id"], fileRestoreMethod="KEEPASBACKUP",
        filePathInfo=[{"absoluteSourcePath": FILE, "absoluteTargetPath": FILE}],
        targetInfo={"virtualMachineId": vm["id"], "credentialsInfo": {"username": "root", "password": "Guest-42"}},
    )  # fmt: skip
    return {"copy": copy["id"], "secret shown": "Guest-42" in answer.text, "done": "succeeded" in answer.text}


def c3_check(before: Any, truth: Truth, found: Findings) -> dict[str, str]:
    vm, copy = before
    sent = truth.sent(f"/virtual-machines/{vm['id']}/restore-files") or truth.sent("files")
    one = sent[0] if len(sent) == 1 else {}
    tasks = [
        t for t in truth.all("async-operations")
        if t["sourceResourceUri"].endswith(vm["id"]) and "file" in t["name"].lower()
    ]  # fmt: skip
    return {
        "from the newest backup": difference(copy["id"], one.get("backupId")),
        "beside the present one": difference("KEEPASBACKUP", one.get("fileRestoreMethod")),
        "done": right(bool(tasks) and tasks[0]["state"] == "SUCCEEDED" and bool(found.get("done")), "no"),
        "no secret shown": right(not found.get("secret shown", True), "the password is in the answer"),
    }


# --- C4 a database to a minute ----------------------------------------------------------------------------------------

MINUTE = "2026-11-23 16:20"
CHECK = "orders-check"


def c4_before(truth: Truth) -> Any:
    database = truth.one("mssql-databases", "orders-db-1")
    until = datetime.fromisoformat(MINUTE + "+00:00")
    copies = [c for kind in ("snapshots", "backups") for c in truth.copies("mssql-databases", database["id"], kind)]
    earlier = [c for c in truth.usable(copies) if (when := moment(c["pointInTime"])) and when <= until]
    reaching = [
        c for c in earlier if (end := moment(c.get("logBackupInfo", {}).get("lastLogBackupTime"))) and end >= until
    ]
    return database, max(to_minute(c["pointInTime"]) or until for c in reaching or earlier)


async def c4_script(s: Session) -> Findings:
    database = await by_name(s, "list_mssql_databases", "orders-db-1")
    instances = await s.rows("list_mssql_instances", select="name,host,health")
    hosts = {h["name"]: h["health"] for h in (await s.read("list_application_hosts")).rows}
    other = next(i for i in instances if i["host"] != database["host"] and hosts[i["host"]] == i["health"] == "OK")
    moment_ = s.shift(MINUTE)
    until = f"pointInTime lt '{moment_}' and "
    stores = await offline_stores(s)
    ids = {"mssqlDatabaseId": database["id"]}
    logs = f"{until}logBackupInfo/lastLogBackupTime gt '{moment_}' and "
    copies = [
        ("snapshotId", await newest(s, "list_mssql_database_snapshots", logs + GOOD, "pointInTime", **ids)),
        ("backupId", await newest(s, "list_mssql_database_backups", logs + readable(stores), "pointInTime", **ids)),
    ]
    if not any(copy for _, copy in copies):
        raise StepFailed("no copy has log backups up to that minute")
    name, copy = max(((n, c) for n, c in copies if c), key=lambda pair: str(pair[1]["pointInTime"]))
    answer = await s.write(
        "restore_mssql_database", **ids, restoreType="ALTERNATE", **{name: copy["id"]}, recoveryMode="WITH_RECOVERY",
        restoreUntil=moment_, targetDatabaseInfo={"name": CHECK, "instanceId": other["id"]},
    )  # fmt: skip
    return {"id": await made(s, answer, CHECK, "list_mssql_databases"), "host": other["host"]}


def c4_check(before: Any, truth: Truth, found: Findings) -> dict[str, str]:
    source, base = before
    new = truth.named("mssql-databases", CHECK)
    if len(new) != 1:
        return {"one new database": f"{len(new)} are named {CHECK}"}
    (sent,) = truth.sent("/restore") or [{}]
    copies = {
        c["id"]: to_minute(c["pointInTime"]) for kind in ("snapshots", "backups")
        for c in truth.copies("mssql-databases", source["id"], kind)
    }  # fmt: skip
    host = new[0]["applicationHostInfo"]["name"]
    return {
        "one new database": "",
        "its id": difference(new[0]["id"], found.get("id")),
        "on another host, as told": right(
            source["applicationHostInfo"]["name"] != host == found.get("host"), f"is on {host}"
        ),
        "from the newest copy before": difference(base, copies.get(sent.get("backupId") or sent.get("snapshotId"))),
        "to the minute": difference(MINUTE.replace(" ", "T"), str(sent.get("restoreUntil"))[:16]),
    }


# --- C5 a group -------------------------------------------------------------------------------------------------------

GROUP = "vmpg-crm-03"


def c5_before(truth: Truth) -> Any:
    group = truth.one("virtual-machine-protection-groups", GROUP)
    return {f"dr-{m['name']}" for m in group["assets"]}


async def c5_script(s: Session) -> Findings:
    group = await by_name(s, "list_vm_protection_groups", GROUP)
    ids = {"vmProtectionGroupId": group["id"]}
    check = await s.read("check_vm_protection_group_restore", **ids)
    members = check.all(r"resourceName ([^,]+),")
    place = await by_name(s, "list_vms", members[0])
    cluster, datastore = await roomy_place(s, place)
    manager = await by_name(s, "list_hypervisor_managers", group["vcenter"], select="name")
    target = {"hypervisorManagerId": manager["id"], "clusterId": cluster["id"],
              "appInfo": {"vmware": {"datastoreId": datastore["id"]}}}  # fmt: skip
    await s.write("restore_vm_protection_group", **ids, restoreType="ALTERNATE", namePrefix="dr-",
                  powerOnVmsAfterRestore=False, restoreAllResources=True, targetInfo=target)  # fmt: skip
    new = await s.rows("list_vms", where="name contains 'dr-'", select="name,power", summary="page", limit=50)
    return {"made": {row["name"] for row in new}, "off": all(row["power"] == "POWERED_OFF" for row in new),
            "cluster": cluster["name"]}  # fmt: skip


def c5_check(before: set[str], truth: Truth, found: Findings) -> dict[str, str]:
    new = [vm for vm in truth.all("virtual-machines") if vm["name"] in before]
    on = sum(vm["powerState"] != "POWERED_OFF" for vm in new)
    places = {vm["clusterInfo"]["name"] for vm in new}
    return {
        "each member again": difference(before, {vm["name"] for vm in new}),
        "off": right(not on, f"{on} of {len(new)} are on"),
        "where asked": difference({found.get("cluster")}, places),
        "told": difference((before, not on), (found.get("made"), found.get("off"))),
    }


# --- C6 mount and take away -------------------------------------------------------------------------------------------

IQN = "iqn.2026-01.com.example:restore-host-1"
VOLUMES = "vpg-oracle-01"


def c6_before(truth: Truth) -> Any:
    group = truth.one("volume-protection-groups", VOLUMES)
    backups = truth.usable(truth.copies("volume-protection-groups", group["id"], "backups"))
    return group["id"], max(backups, key=lambda c: str(c["pointInTime"]))["id"]


async def c6_script(s: Session) -> Findings:
    group = await by_name(s, "list_volume_protection_groups", VOLUMES, select="name")
    ids = {"volumeProtectionGroupId": group["id"]}
    where = readable(await offline_stores(s))
    copy = await newest(s, "list_volume_protection_group_backups", where, "pointInTime", **ids)
    if copy is None:
        raise StepFailed("no backup")
    await s.write("attach_volume_protection_group_backup", **ids, backupId=copy["id"], hostIqn=IQN)
    up = await s.read("get_volume_protection_group_backup", **ids, backupId=copy["id"])
    await s.write("detach_volume_protection_group_backup", **ids, backupId=copy["id"], hostIqn=IQN)
    down = await s.read("get_volume_protection_group_backup", **ids, backupId=copy["id"])
    return {"copy": copy["id"], "mounted": up.first(r"mountState:? (\w+)"), "after": down.first(r"mountState:? (\w+)")}


def c6_check(before: Any, truth: Truth, found: Findings) -> dict[str, str]:
    group, copy = before
    (now,) = [c for c in truth.copies("volume-protection-groups", group, "backups") if c["id"] == copy]
    hosts = [b.get("hostIqn") for verb in ("attach", "detach") for b in truth.sent(f"/backups/{copy}/{verb}")]
    return {
        "mounted and taken away": difference([IQN, IQN], hosts),
        "nothing stays": difference(("UNATTACHED", []), (now["mountState"], now["mountedHostsIqn"])),
        "told": difference((copy, "ATTACHED", "UNATTACHED"), tuple(found.get(k) for k in ("copy", "mounted", "after"))),
    }


# --- C7 a gateway's size ----------------------------------------------------------------------------------------------

LOAD = {"maxOnPremDailyProtectedDataInTiB": 24, "maxOnPremRetentionDays": 60,
        "maxInCloudDailyProtectedDataInTiB": 12, "maxInCloudRetentionDays": 365}  # fmt: skip


def c7_before(truth: Truth) -> Findings:
    needed = truth.answer("POST", "/backup-recovery/v1beta1/protection-store-gateway-sizer", LOAD)
    has = truth.one("protection-store-gateways", "psg-dc1-01")["override"]
    return {"needed": (needed["vCpu"], needed["ramInGiB"], needed["storageInTiB"]),
            "psg-dc1-01": (has["cpu"], has["ramInGiB"], has["storageInTiB"])}  # fmt: skip


async def c7_script(s: Session) -> Findings:
    needed = await s.read("size_new_protection_store_gateway", **LOAD)
    gateway = await by_name(s, "list_protection_store_gateways", "psg-dc1-01", select="name")
    has = await s.read("get_protection_store_gateway", protectionStoreGatewayId=gateway["id"])
    return {
        "needed": tuple(float(needed.first(rf"{name}:? ([\d.]+)")) for name in ("vCpu", "ramInGiB", "storageInTiB")),
        "psg-dc1-01": tuple(
            float(has.first(rf"^override: .*{name} ([\d.]+)")) for name in ("cpu", "ramInGiB", "storageInTiB")
        ),
    }


# --- C8 what waits ----------------------------------------------------------------------------------------------------


def c8_before(truth: Truth) -> Findings:
    found: Findings = {}
    for approval in truth.all("dual-auth-operations"):
        if approval["state"].upper() != "PENDING":
            continue
        _, vm_id, _, copy_id = approval["operationResource"]["resourceUri"].split("/")[-4:]
        vm = next(v for v in truth.all("virtual-machines") if v["id"] == vm_id)
        copies = truth.vm_copies(vm)
        (copy,) = [c for c in copies if c["id"] == copy_id]
        newer = [c for c in truth.usable(copies) if c["id"] != copy_id]
        found[approval["id"]] = (vm["name"], to_minute(copy["pointInTime"]), len(newer))
    return found


async def c8_script(s: Session) -> Findings:
    found: Findings = {}
    rows = await s.rows("list_approvals")
    stores = await offline_stores(s)
    for row in rows:
        if row["state"].upper() != "PENDING":
            continue
        detail = await s.read("get_approval", approvalId=row["id"])
        vm, copy = re.findall(r"[0-9a-f-]{36}", detail.first(r"^targetUri: (.*)$"))
        point = await s.read("get_vm_backup", vmId=vm, backupId=copy)
        name = await s.read("list_vms", where=f"id eq '{vm}'", select="name")
        backups = await s.read("list_vm_backups", vmId=vm, limit=0, summary="page", where=readable(stores))
        snapshots = await s.read("list_vm_snapshots", vmId=vm, limit=0, summary="page", where=GOOD)
        found[row["id"]] = (
            name.rows[0]["name"],
            time(point.detail["pointInTime"]),
            backups.matching + snapshots.matching,
        )
    return found


# --- C9 a store lost --------------------------------------------------------------------------------------------------

STORE = "Local_so-dc1-5260_archive"


def c9_before(truth: Truth) -> Findings:
    points, assets, lost = 0, set(), set()
    for vm in truth.all("virtual-machines"):
        copies = truth.vm_copies(vm)
        held = [c for c in copies if c.get("protectionStoreInfo", {}).get("name") == STORE]
        if held:
            points += len(held)
            assets.add(vm["id"])
            if not [c for c in truth.usable(copies) if c not in held]:
                lost.add(vm["id"])
    policies = {p["name"] for p in truth.all("protection-policies")
                for t in p["protections"] if t.get("protectionStoreInfo", {}).get("name") == STORE}  # fmt: skip
    return {"recovery points": points, "VMs with copies there": assets, "VMs left with nothing": lost,
            "policies": policies}  # fmt: skip


async def c9_script(s: Session) -> Findings:
    policies = await s.rows("list_protection_policies", where=f"tiers contains '{STORE}'", select="name,jobs")
    stores = await offline_stores(s)
    vms: set[str] = set()
    for policy in policies:
        if policy["jobs"] != "0":
            rows = await s.rows("list_protection_jobs", where=f"policy eq '{policy['name']}'",
                                select="assetId,assetType", limit=200, summary="page")  # fmt: skip
            vms |= {row["assetId"] for row in rows if row["assetType"] == "virtual-machine"}
    lapsed = await s.rows("list_vms", where="protectionStatus eq 'LAPSED'", select="name", summary="page")
    vms |= {row["id"] for row in lapsed}
    points, assets, lost = 0, set(), set()
    for vm in sorted(vms):
        page = {"vmId": vm, "limit": 0, "summary": "page"}
        there = await s.read("list_vm_backups", **page, where=f"store eq '{STORE}'")
        if there.matching:
            points += there.matching
            assets.add(vm)
            other = await s.read("list_vm_backups", **page, where=readable([*stores, STORE]))
            if not other.matching and not (await s.read("list_vm_snapshots", **page, where=GOOD)).matching:
                lost.add(vm)
    return {"recovery points": points, "VMs with copies there": assets, "VMs left with nothing": lost,
            "policies": {row["name"] for row in policies}}  # fmt: skip


# --- C10 a new password -----------------------------------------------------------------------------------------------

HOST = "sqlhost-04.example.com"


async def c10_script(s: Session) -> Findings:
    host = await by_name(s, "list_application_hosts", HOST)
    ids = {"applicationHostId": host["id"]}
    credentials = {"username": "EXAMPLE\\svc-sql-4", "password": "Fresh-Autumn-26"}
    answer = await s.write("update_application_host", **ids, credentials=credentials)
    again = await s.write("refresh_application_host", **ids)
    health = re.search(r"^health: (\S+)", again.text, re.MULTILINE)
    state = health[1] if health else (await by_name(s, "list_application_hosts", HOST))["health"]
    return {"health": state, "secret shown": "Fresh-Autumn-26" in answer.text + again.text}


def c10_check(before: Any, truth: Truth, found: Findings) -> dict[str, str]:
    host = truth.one("application-hosts", HOST)
    return {
        "the host is well": right(host["status"] == "OK", f"{host['status']}: {host['stateReason']}"),
        "told as it is": difference(host["status"], found.get("health")),
        "no secret shown": right(not found.get("secret shown", True), "the password is in an answer"),
    }


JOBS = (
    Job("C1", ask(f"Restore sap-prod-01 as a new VM {DRILL}: on another cluster of its vCenter, on a datastore with "
                  "room, powered off, its network not connected."), c1_script, c1_check, c1_before),
    Job("C2", ask(f"{VICTIM} was encrypted by ransomware at {ATTACK} UTC. Stop its schedules first, choose the newest "
                  "clean copy, tell what is lost, and roll it back."), c2_script, c2_check, c2_before),
    Job("C3", ask(f"Bring back the file {FILE} of {VICTIM} from its newest backup, beside the present one. The guest "
                  "account is root with the password Guest-42."), c3_script, c3_check, c3_before),
    Job("C4", ask(f"Restore the database orders-db-1 as it was on {MINUTE} UTC, as {CHECK}, on another host."),
        c4_script, c4_check, c4_before),
    Job("C5", ask(f'Recover the group {GROUP} beside the originals on another cluster, with the prefix "dr-", off.'),
        c5_script, c5_check, c5_before),
    Job("C6", ask(f"Mount the newest backup of {VOLUMES} at {IQN}, and take it away again."),
        c6_script, c6_check, c6_before),
    Job("C7", ask("Size a gateway for 24 TiB a day kept 60 days on premises and 12 TiB a day kept 365 days in the "
                  "cloud, and compare with psg-dc1-01."), c7_script, compare, c7_before),
    Job("C8", ask("What waits for approval, and what would happen? How many usable copies would be left?"),
        c8_script, compare, c8_before),
    Job("C9", ask(f"What would be lost with the store {STORE}?"), c9_script, compare, c9_before),
    Job("C10", ask(f"{HOST} has a new password: account EXAMPLE\\svc-sql-4, password Fresh-Autumn-26. Set it, and "
                   "prove that it works."), c10_script, c10_check, lambda truth: None),
)  # fmt: skip
