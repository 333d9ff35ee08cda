"""Set C, recover and build: ten jobs, judged by the tenant's state afterwards and by what the person is told."""

# ruff: noqa: S608  (a model writes its queries so; the server lets nothing but SELECT through)

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .job import Findings, Job, compare, difference
from .session import Session
from .set_b import ask, right
from .steps import by_name, job_of, made, query, roomy_place, usable_copy
from .tables import time
from .truth import Item, Truth, moment, to_minute

BACKUPS = "'BACKUP','CLOUD_BACKUP'"

# --- C1 beside the original -------------------------------------------------------------------------------------------

DRILL = "sap-prod-01-drill"


def c1_before(truth: Truth) -> Any:
    return truth.one("virtual-machines", "sap-prod-01"), {d["id"]: d for d in truth.all("datastores")}


async def c1_script(s: Session) -> Findings:
    copy = await usable_copy(s, "vm", "sap-prod-01", BACKUPS)
    vm = copy["asset_id"]
    adapters = (await s.read("get_vm_backup", vmId=vm, backupId=copy["id"])).all(r"name (Network adapter \d+)")
    place = await roomy_place(s, "sap-prod-01")
    target = {
        "hypervisorManagerId": place["vcenter_id"],
        "clusterId": place["cluster_id"],
        "appInfo": {"vmware": {"datastoreId": place["datastore_id"]}},
        "name": DRILL,
        "powerOn": False,
        "vmHardwareCustomization": {
            "networkAdapters": [{"name": name, "networkDetails": {"connectAtPowerOn": False}} for name in adapters]
        },
    }
    answer = await s.write("restore_vm", vmId=vm, restoreType="ALTERNATE", backupId=copy["id"], targetVmInfo=target)
    new = await made(s, answer, DRILL, "list_vms")
    return {"id": new, "cluster": place["cluster"], "datastore": place["datastore"]}


def c1_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
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
        "its id": difference(vm["id"], result.get("id")),
        "another cluster, as told": right(
            source["clusterInfo"]["name"] != vm["clusterInfo"]["name"] == result.get("cluster"),
            f"is on {vm['clusterInfo']['name']}, told {result.get('cluster')}",
        ),
        "a datastore with room, as told": right(
            room > source["capacityInBytes"] and on["name"] == result.get("datastore"),
            f"is on {on['name']}, told {result.get('datastore')}",
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
    job = await job_of(s, VICTIM)
    await s.write("suspend_protection_job", protectionJobId=job["id"])
    copy = await usable_copy(s, "vm", VICTIM, f"'SNAPSHOT',{BACKUPS}", before=s.shift(ATTACK))
    name = "snapshotId" if copy["kind"] == "SNAPSHOT" else "backupId"
    await s.write("restore_vm", vmId=copy["asset_id"], restoreType="PARENT", **{name: copy["id"]})
    after = await s.read("list_vms", where=f"name eq '{VICTIM}'", select="name,health")
    return {"copy": copy["id"], "lost since": time(copy["point_in_time"]), "health": after.rows[0]["health"]}


def c2_check(before: Item, truth: Truth, result: Findings) -> dict[str, str]:
    vm = truth.one("virtual-machines", VICTIM)
    sent = truth.sent(f"/virtual-machines/{vm['id']}/restore")
    used = [b.get("backupId") or b.get("snapshotId") for b in sent]
    (job,) = [j for j in truth.jobs() if j["assetInfo"]["id"] == vm["id"]]
    return {
        "rolled back to the newest clean copy": difference([before["id"]], used),
        "which copy": difference(before["id"], result.get("copy")),
        "what is lost": difference(to_minute(before["pointInTime"]), result.get("lost since")),
        "schedules stopped": right(job["operational"] == "SUSPENDED", job["operational"]),
        "it is well": right(vm["state"] == "OK" and result.get("health") == "OK", f"{vm['state']}"),
    }


# --- C3 one file ------------------------------------------------------------------------------------------------------

FILE = "/etc/app/settings.conf"


def c3_before(truth: Truth) -> Any:
    vm = truth.one("virtual-machines", VICTIM)
    return vm, max(truth.usable(truth.vm_backups(vm)), key=lambda c: str(c["pointInTime"]))


async def c3_script(s: Session) -> Findings:
    copy = await usable_copy(s, "vm", VICTIM, BACKUPS)
    answer = await s.write(
        "restore_vm_files", vmId=copy["asset_id"], backupId=copy["id"], fileRestoreMethod="KEEPASBACKUP",
        filePathInfo=[{"absoluteSourcePath": FILE, "absoluteTargetPath": FILE}],
        targetInfo={"virtualMachineId": copy["asset_id"],
                    "credentialsInfo": {"username": "root", "password": "Guest-42"}},
    )  # fmt: skip
    return {"copy": copy["id"], "secret shown": "Guest-42" in answer.text, "done": "succeeded" in answer.text}


def c3_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
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
        "done": right(bool(tasks) and tasks[0]["state"] == "SUCCEEDED" and bool(result.get("done")), "no"),
        "no secret shown": right(not result.get("secret shown", True), "the password is in the answer"),
    }


# --- C4 a database to a minute ----------------------------------------------------------------------------------------

MINUTE = "2026-11-23 16:47"
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
    moment_ = s.shift(MINUTE)
    copies = f"'SNAPSHOT',{BACKUPS}"
    copy = await usable_copy(s, "mssql_database", "orders-db-1", copies, before=moment_, logs=moment_)
    (other,) = await query(s, f"""SELECT i.id, i.host FROM mssql_instances i
        JOIN application_hosts h ON h.name = i.host AND h.status = 'OK' WHERE i.status = 'OK'
        AND i.host <> (SELECT host FROM assets WHERE id = '{copy["asset_id"]}') LIMIT 1""")  # fmt: skip
    name = "snapshotId" if copy["kind"] == "SNAPSHOT" else "backupId"
    answer = await s.write(
        "restore_mssql_database", mssqlDatabaseId=copy["asset_id"], restoreType="ALTERNATE", **{name: copy["id"]},
        recoveryMode="WITH_RECOVERY", restoreUntil=moment_,
        targetDatabaseInfo={"name": CHECK, "instanceId": other["id"]},
    )  # fmt: skip
    return {"id": await made(s, answer, CHECK, "list_mssql_databases"), "host": other["host"]}


def c4_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
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
        "its id": difference(new[0]["id"], result.get("id")),
        "on another host, as told": right(
            source["applicationHostInfo"]["name"] != host == result.get("host"), f"is on {host}"
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
    place = await roomy_place(s, check.first(r"resourceName ([^,]+),"))
    target = {"hypervisorManagerId": place["vcenter_id"], "clusterId": place["cluster_id"],
              "appInfo": {"vmware": {"datastoreId": place["datastore_id"]}}}  # fmt: skip
    await s.write("restore_vm_protection_group", **ids, restoreType="ALTERNATE", namePrefix="dr-",
                  powerOnVmsAfterRestore=False, restoreAllResources=True, targetInfo=target)  # fmt: skip
    new = await s.rows("list_vms", where="name contains 'dr-'", select="name,power", summary="page", limit=50)
    return {"made": {row["name"] for row in new}, "off": all(row["power"] == "POWERED_OFF" for row in new),
            "cluster": place["cluster"]}  # fmt: skip


def c5_check(before: set[str], truth: Truth, result: Findings) -> dict[str, str]:
    new = [vm for vm in truth.all("virtual-machines") if vm["name"] in before]
    on = sum(vm["powerState"] != "POWERED_OFF" for vm in new)
    places = {vm["clusterInfo"]["name"] for vm in new}
    return {
        "each member again": difference(before, {vm["name"] for vm in new}),
        "off": right(not on, f"{on} of {len(new)} are on"),
        "where asked": difference({result.get("cluster")}, places),
        "told": difference((before, not on), (result.get("made"), result.get("off"))),
    }


# --- C6 mount and take away -------------------------------------------------------------------------------------------

IQN = "iqn.2026-01.com.example:restore-host-1"
VOLUMES = "vpg-oracle-01"


def c6_before(truth: Truth) -> Any:
    group = truth.one("volume-protection-groups", VOLUMES)
    backups = truth.usable(truth.copies("volume-protection-groups", group["id"], "backups"))
    return group["id"], max(backups, key=lambda c: str(c["pointInTime"]))["id"]


async def c6_script(s: Session) -> Findings:
    copy = await usable_copy(s, "volume_group", VOLUMES, BACKUPS)
    ids = {"volumeProtectionGroupId": copy["asset_id"], "backupId": copy["id"]}
    up = await s.write("attach_volume_protection_group_backup", **ids, hostIqn=IQN)
    down = await s.write("detach_volume_protection_group_backup", **ids, hostIqn=IQN)
    return {"copy": copy["id"], "mounted": up.first(r"mountState:? (\w+)"), "after": down.first(r"mountState:? (\w+)")}


def c6_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    group, copy = before
    (now,) = [c for c in truth.copies("volume-protection-groups", group, "backups") if c["id"] == copy]
    hosts = [b.get("hostIqn") for verb in ("attach", "detach") for b in truth.sent(f"/backups/{copy}/{verb}")]
    return {
        "mounted and taken away": difference([IQN, IQN], hosts),
        "nothing stays": difference(("UNATTACHED", []), (now["mountState"], now["mountedHostsIqn"])),
        "told": difference(
            (copy, "ATTACHED", "UNATTACHED"), tuple(result.get(k) for k in ("copy", "mounted", "after"))
        ),
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
    collected: Findings = {}
    for approval in truth.all("dual-auth-operations"):
        if approval["state"].upper() != "PENDING":
            continue
        _, vm_id, _, copy_id = approval["operationResource"]["resourceUri"].split("/")[-4:]
        vm = next(v for v in truth.all("virtual-machines") if v["id"] == vm_id)
        copies = truth.vm_copies(vm)
        (copy,) = [c for c in copies if c["id"] == copy_id]
        newer = [c for c in truth.usable(copies) if c["id"] != copy_id]
        collected[approval["id"]] = (vm["name"], to_minute(copy["pointInTime"]), len(newer))
    return collected


async def c8_script(s: Session) -> Findings:
    collected: Findings = {}
    for row in await s.rows("list_approvals"):
        if row["state"].upper() != "PENDING":
            continue
        detail = await s.read("get_approval", approvalId=row["id"])
        vm, copy = re.findall(r"[0-9a-f-]{36}", detail.first(r"^targetUri: (.*)$"))
        (point,) = await query(s, f"""SELECT p.asset, p.point_in_time, (SELECT count(*) FROM recovery_points o
            WHERE o.asset_id = '{vm}' AND o.usable AND o.id <> p.id) AS remaining
            FROM recovery_points p WHERE p.asset_id = '{vm}' AND p.id = '{copy}'""")  # fmt: skip
        collected[row["id"]] = (point["asset"], time(point["point_in_time"]), int(point["remaining"]))
    return collected


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
    policies = await query(s, f"SELECT DISTINCT policy, store FROM policy_schedules WHERE store = '{STORE}'")
    rows = await query(s, f"""SELECT p.asset_id, count(*) AS points, (SELECT count(*) FROM recovery_points o
        WHERE o.asset_id = p.asset_id AND o.usable AND coalesce(o.store_id, '') <> p.store_id) AS remaining
        FROM recovery_points p WHERE p.asset_kind = 'vm' AND p.store = '{STORE}' GROUP BY 1""")  # fmt: skip
    return {"recovery points": sum(int(row["points"]) for row in rows),
            "VMs with copies there": {row["asset_id"] for row in rows},
            "VMs left with nothing": {row["asset_id"] for row in rows if row["remaining"] == "0"},
            "policies": {row["policy"] for row in policies}}  # fmt: skip


# --- C10 a new password -----------------------------------------------------------------------------------------------

HOST = "sqlhost-04.example.com"


async def c10_script(s: Session) -> Findings:
    host = await by_name(s, "list_application_hosts", HOST)
    ids = {"applicationHostId": host["id"]}
    credentials = {"username": "EXAMPLE\\svc-sql-4", "password": "Fresh-Autumn-26"}
    _, answer = await s.gated("update_application_host", **ids, credentials=credentials)  # its state lags behind
    again = await s.write("refresh_application_host", **ids)
    health = re.search(r"^health: (\S+)", again.text, re.MULTILINE)
    state = health[1] if health else (await by_name(s, "list_application_hosts", HOST))["health"]
    return {"health": state, "secret shown": "Fresh-Autumn-26" in answer.text + again.text}


def c10_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    host = truth.one("application-hosts", HOST)
    return {
        "the host is well": right(host["status"] == "OK", f"{host['status']}: {host['stateReason']}"),
        "told as it is": difference(host["status"], result.get("health")),
        "no secret shown": right(not result.get("secret shown", True), "the password is in an answer"),
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
