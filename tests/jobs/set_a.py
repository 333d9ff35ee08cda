"""Set A, look: twelve questions about the whole tenant. Each job: the truth, then the script of today's tools.

A script for newer tools stands beside the old one (`fleet_a`), and is taken where the server offers them.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from .job import Findings, Job, Question, compare
from .session import Session
from .steps import GOOD, NOW, offline_stores, readable
from .tables import Row, size, time
from .truth import Item, Truth, interval, last_success, moment, tiers, to_minute

TIER_WORDS = {"snapshot": "SNAPSHOT", "backup": "BACKUP", "cloud backup": "CLOUD_BACKUP",
              "log backup": "DATABASE_LOG_BACKUP", "replicated snapshot": "REPLICATED_SNAPSHOT"}  # fmt: skip


# --- A1 the morning ---------------------------------------------------------------------------------------------------

SYSTEMS = ("data-orchestrators", "protection-store-gateways", "storeonces", "protection-stores", "hypervisor-managers",
           "hypervisor-hosts", "application-hosts", "virtual-machine-protection-groups",
           "mssql-database-protection-groups", "volume-protection-groups")  # fmt: skip


def unhealthy(item: Item) -> bool:
    health = item.get("health", {})
    words = [
        item.get("status", "OK"),
        item.get("connectionState", "CONNECTED"),
        item.get("connectedState", "CONNECTED"),
    ]
    words += [str(health.get(k, "OK")).rpartition("_")[2] for k in ("state", "status")]
    return any(word not in ("OK", "CONNECTED") for word in words)


def failing(job: Item) -> list[str]:
    """The reasons of the schedules whose last run failed."""
    last = [s["executionStatuses"][0] for _, _, s in tiers(job) if s.get("executionStatuses")]
    return [run.get("errorMessage", "") for run in last if run["status"] == "ERROR"]


def a1_before(truth: Truth) -> Findings:
    since = truth.now - timedelta(days=1)
    tasks = truth.all("async-operations")
    ended = ("SUCCEEDED", "FAILED", "CANCELLED", "TIMEDOUT")
    jobs = truth.jobs()
    return {
        "failed since yesterday": sum(
            t["state"] in ("FAILED", "TIMEDOUT") and moment(t["createdAt"]) > since for t in tasks
        ),
        "jobs that fail, by cause": dict(Counter(failing(j)[0] for j in jobs if failing(j))),
        "unhealthy systems": {i.get("displayName") or i["name"] for c in SYSTEMS for i in truth.all(c) if unhealthy(i)},
        "critical issues": sum(i["severity"] == "CRITICAL" for i in truth.all("issues")),
        "suspended jobs": sum(j["operational"] != "ACTIVE" for j in jobs),
        "jobs that never succeeded": sum(not any(last_success(s) for _, _, s in tiers(j)) for j in jobs),
        "approvals waiting": sum(a["state"].upper() == "PENDING" for a in truth.all("dual-auth-operations")),
        "tasks without end": sum(t["state"] not in ended and moment(t["createdAt"]) < since for t in tasks),
    }


async def a1_script(s: Session) -> Findings:
    since = s.shift(NOW, days=-1)
    failed = await s.read("list_tasks", where=f"state in ('FAILED','TIMEDOUT') and createdAt gt '{since}'", limit=0)
    open_tasks = await s.read("list_tasks", where=f"endedAt eq null and createdAt lt '{since}'", limit=0)
    jobs = await s.rows("list_protection_jobs", where="problem ne null", select="asset,operational,failing")
    never = await s.read("list_protection_jobs", where="lastGood eq null", limit=0)
    issues = await s.read("list_issues", limit=0)
    approvals = await s.read("list_approvals")
    systems: set[str] = set()
    for tool in ("list_data_orchestrators", "list_protection_store_gateways", "list_storeonces",
                 "list_protection_stores", "list_hypervisor_managers", "list_application_hosts"):  # fmt: skip
        answer = await s.read(tool)
        systems |= {row["name"] for row in answer.rows if row.get("health", "OK") != "OK" and row["health"] != "ONLINE"}
    for tool in ("list_hypervisor_hosts", "list_vm_protection_groups", "list_mssql_database_protection_groups",
                 "list_volume_protection_groups"):  # fmt: skip
        answer = await s.read(tool, limit=0)
        if "With a problem" in answer.text:
            rows = await s.rows(tool, where="status ne 'OK'", select="name,health")
            systems |= {row["name"] for row in rows}
    causes = Counter(re.sub(r".*?: (.*?) \(last good.*", r"\1", r["failing"]) for r in jobs if r.get("failing"))
    return {
        "failed since yesterday": failed.matching,
        "jobs that fail, by cause": dict(causes),
        "unhealthy systems": systems,
        "critical issues": issues.counts("severity").get("CRITICAL", 0),
        "suspended jobs": sum(row["operational"] != "ACTIVE" for row in jobs),
        "jobs that never succeeded": never.matching,
        "approvals waiting": sum(row["state"].upper() == "PENDING" for row in approvals.rows),
        "tasks without end": open_tasks.matching,
    }


# --- A2 one asset -----------------------------------------------------------------------------------------------------


def a2_before(truth: Truth) -> Findings:
    found: Findings = {}
    for vm in truth.named("virtual-machines", "db-prod-01"):
        (job,) = [j for j in truth.jobs() if j["assetInfo"]["id"] == vm["id"]]
        good = [c for c in truth.vm_copies(vm) if c["state"] not in ("ERROR", "CREATING", "DELETING")]
        where = vm["hypervisorManagerInfo"]["name"]
        found[f"{where} policy"] = job["protectionPolicyInfo"]["name"]
        for tier, _, _ in tiers(job):
            of_tier = [c for c in good if (c.get("backupType") or "SNAPSHOT") == tier]
            newest = max(of_tier, key=lambda c: str(c["pointInTime"]))
            found[f"{where} last {tier}"] = to_minute(newest["pointInTime"])
            if tier == "CLOUD_BACKUP":
                end = moment(newest["expiresAt"])
                found[f"{where} cloud copy kept until"] = end.date() if end else None
    return found


async def a2_script(s: Session) -> Findings:
    found: Findings = {}
    vms = await s.read("list_vms", where="name eq 'db-prod-01'")
    for vm in vms.rows:
        where = vm["vcenter"]
        found[f"{where} policy"] = vm["policy"]
        newest = {"limit": 1, "sort": "pointInTime desc", "summary": "page", "vmId": vm["id"]}
        snapshot = await s.read("list_vm_snapshots", **newest, where=GOOD, select="pointInTime")
        if snapshot.rows:
            found[f"{where} last SNAPSHOT"] = time(snapshot.rows[0]["pointInTime"])
        for tier in ("BACKUP", "CLOUD_BACKUP"):
            answer = await s.read("list_vm_backups", **newest, where=f"backupType eq '{tier}' and {GOOD}",
                                  select="pointInTime,expiresAt,lockedUntil,store")  # fmt: skip
            row = answer.rows[0]
            found[f"{where} last {tier}"] = time(row["pointInTime"])
            if tier == "CLOUD_BACKUP":
                end = time(row["expiresAt"])
                found[f"{where} cloud copy kept until"] = end.date() if end else None
    return found


# --- A3 who has nothing -----------------------------------------------------------------------------------------------

FRESH = timedelta(hours=48)


def a3_before(truth: Truth) -> Findings:
    none, stale = set(), set()
    for vm in truth.vms():
        copies = truth.vm_copies(vm)
        newest = max((moment(c["pointInTime"]) for c in truth.usable(copies)), default=None)
        if not copies:
            none.add(vm["id"])
        elif newest is None or truth.now - newest > FRESH:
            stale.add(vm["id"])
    return {"no recovery point": none, "none usable younger than 48 h": stale}


async def regular_vms(s: Session) -> list[Row]:
    """All VMs but the infrastructure's, with what their list says of recovery points."""
    return await s.rows("list_vms", where="class eq null", select="name,recoveryPoints", limit=200, summary="page")


async def a3_script(s: Session) -> Findings:
    since = s.shift(NOW, hours=-48)
    stores = await offline_stores(s)
    none, stale = set(), set()
    for vm in await regular_vms(s):
        if vm["recoveryPoints"] == "no":
            none.add(vm["id"])
            continue
        fresh = {"vmId": vm["id"], "limit": 0, "summary": "page"}
        where = f"pointInTime gt '{since}' and "
        snapshots = await s.read("list_vm_snapshots", **fresh, where=where + GOOD)
        if not snapshots.matching:
            backups = await s.read("list_vm_backups", **fresh, where=where + readable(stores))
            if not backups.matching:
                stale.add(vm["id"])
    return {"no recovery point": none, "none usable younger than 48 h": stale}


# --- A4 promise and fact ----------------------------------------------------------------------------------------------

SLACK = timedelta(minutes=30)  # a run takes a while: so near the edge either answer is right


def a4_before(truth: Truth) -> Findings:
    must: dict[tuple[str, str], Any] = {}
    may: set[tuple[str, str]] = set()
    never = set()
    for job in truth.jobs():
        if not any(last_success(s) for _, _, s in tiers(job)):
            never.add(job["id"])
            continue
        for tier, _, schedule in tiers(job):
            good = last_success(schedule)
            due = interval(schedule) - (timedelta(days=1) if interval(schedule).days >= 28 else timedelta())
            if good is None or truth.now - good > interval(schedule) + SLACK:
                must[job["id"], tier] = to_minute(schedule.get("prevSuccessfulRunTime"))
            elif truth.now - good > due - SLACK:
                may.add((job["id"], tier))
    return {"late": must, "perhaps": may, "never": never}


def a4_check(before: Findings, _: Truth, found: Findings) -> dict[str, str]:
    late = {k: v for k, v in found.get("late", {}).items() if k not in before["perhaps"]}
    return {
        **compare({"late": before["late"]}, _, {"late": late} if found else {}),
        **compare({"never": before["never"]}, _, found),
    }


async def a4_script(s: Session) -> Findings:
    policies = {p["name"]: p["tiers"] for p in (await s.read("list_protection_policies")).rows}
    jobs = await s.rows("list_protection_jobs", where="problem ne null", select="policy,failing")
    never = await s.rows("list_protection_jobs", where="lastGood eq null", select="asset")
    now = time(NOW)
    assert now is not None
    late = {}
    for job in jobs:
        named = re.findall(r"(?:schedule |, )(\d+) \(([a-z ]+)\)", job.get("failing") or "")
        times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\dZ|never", (job.get("failing") or "").rpartition("(last good")[2])
        for (_, tier), good in zip(named, times, strict=False):
            when = time(good)
            if when is None or now - when > promised(policies[job["policy"]], tier):
                late[job["id"], TIER_WORDS[tier]] = when
    return {"late": late, "never": {job["id"] for job in never}}


def promised(policy: str, tier: str) -> timedelta:
    """The interval of a tier as a policy's words tell it: `cloud backup weekly on Wed 22:00Z kept 8 w`."""
    for words in policy.split("; "):
        if words.startswith(tier + " "):
            if match := re.search(r"every (\d+) (min|h|d)\b", words):
                return timedelta(minutes=int(match[1]) * {"min": 1, "h": 60, "d": 1440}[match[2]])
            return timedelta(days=1 if " daily" in words else 7 if " weekly" in words else 31)
    return timedelta.max


# --- A5 the last copies -----------------------------------------------------------------------------------------------


def a5_before(truth: Truth) -> Findings:
    soon = truth.now + timedelta(days=7)
    last = {}
    for vm in truth.vms():
        usable = truth.usable(truth.vm_copies(vm))
        if usable and all(c.get("expiresAt") for c in usable):
            final = max(usable, key=lambda c: str(c["expiresAt"]))
            end = moment(final["expiresAt"])
            if end and end < soon:
                last[vm["id"]] = end.date()
    return {"last usable copy expires": last}


async def a5_script(s: Session) -> Findings:
    soon = s.shift(NOW, days=7)
    stores = await offline_stores(s)
    last = {}
    for vm in await regular_vms(s):
        if vm["recoveryPoints"] == "no":
            continue
        ends = []
        for tool, where in (("list_vm_backups", readable(stores)), ("list_vm_snapshots", GOOD)):
            page = {"vmId": vm["id"], "summary": "page"}
            longer = await s.read(tool, **page, limit=0, where=f"{where} and not expiresAt lt '{soon}'")
            if longer.matching:
                ends = []
                break
            latest = await s.read(tool, **page, limit=1, where=where, sort="expiresAt desc", select="expiresAt")
            ends += [end for row in latest.rows if (end := time(row["expiresAt"]))]
        if ends:
            last[vm["id"]] = max(ends).date()
    return {"last usable copy expires": last}


# --- A6, A7, A9: what hangs on what -----------------------------------------------------------------------------------


def assets_by_kind(truth: Truth, jobs: list[Item]) -> dict[str, int]:
    return dict(Counter(collection for collection, _ in truth.assets_under(jobs)))


def stores_of(policy: Item) -> set[str]:
    return {p["protectionStoreInfo"]["name"] for p in policy["protections"] if "protectionStoreInfo" in p}


def a6_before(truth: Truth) -> Findings:
    full = {
        s["name"]: round(100 * s["sizeOnDiskInBytes"] / s["maxCapacityInBytes"])
        for s in truth.all("protection-stores")
        if s.get("maxCapacityInBytes")
    }
    fullest = max(full, key=lambda name: full[name])
    policies = [p for p in truth.all("protection-policies") if fullest in stores_of(p)]
    jobs = [j for j in truth.jobs() if fullest in stores_of(j)]
    return {"per cent full": full, "fullest": fullest, "policies": {p["name"] for p in policies},
            "jobs": len(jobs), "assets": assets_by_kind(truth, jobs)}  # fmt: skip


KINDS = {"virtual-machine": "virtual-machines", "volume-protection-group": "volume-protection-groups",
         "mssql-database": "mssql-databases"}  # fmt: skip


async def assets_of_policies(s: Session, policies: list[str]) -> dict[str, dict[str, int]]:
    """Per policy how many assets of each kind its jobs protect, members of groups counted."""
    groups = await s.rows("list_vm_protection_groups", select="name,policy,vms", limit=100, summary="page")
    sql = await s.rows("list_mssql_database_protection_groups", select="name,policy,members", summary="page")
    on_datastores = await s.rows(
        "list_vms", where="protectionPolicyAppliedAtInfo/type eq 'DATASTORE'", select="protectedAt", summary="page"
    )
    places = {vm["protectedAt"].split(" ")[-1] for vm in on_datastores}
    datastore_jobs = [
        job for place in sorted(places)
        for job in await s.rows("list_protection_jobs", where=f"asset eq '{place}'", select="asset,policy")
    ]  # fmt: skip
    found: dict[str, dict[str, int]] = {}
    for policy in policies:
        count: Counter[str] = Counter()
        jobs = await s.read("list_protection_jobs", where=f"policy eq '{policy}'", limit=1,
                            select="assetType")  # fmt: skip
        alike = [row["assetType"] for row in jobs.rows] or jobs.all(r"assetType ([\w-]+)")
        kinds = jobs.counts("assetType") or dict.fromkeys(alike, jobs.matching)
        for kind, number in kinds.items():
            if kind in KINDS:
                count[KINDS[kind]] += number
        count["virtual-machines"] += sum(int(g["vms"]) for g in groups if g["policy"] == policy)
        count["mssql-databases"] += sum(int(g["members"]) for g in sql if g["policy"] == policy)
        of_policy = {j["asset"] for j in datastore_jobs if j["policy"] == policy}
        count["virtual-machines"] += sum(vm["protectedAt"].split(" ")[-1] in of_policy for vm in on_datastores)
        found[policy] = {kind: n for kind, n in count.items() if n}
    return found


def total(counts: list[dict[str, int]]) -> dict[str, int]:
    added: Counter[str] = Counter()
    for count in counts:
        added.update(count)
    return dict(added)


async def a6_script(s: Session) -> Findings:
    stores = await s.read("list_protection_stores")
    full = {row["name"]: int(row["full"].rstrip("%")) for row in stores.rows if row.get("full")}
    fullest = max(full, key=lambda name: full[name])
    policies = await s.rows("list_protection_policies", where=f"tiers contains '{fullest}'", select="name,tiers,jobs")
    held = [p for p in policies if re.search(rf"store {re.escape(fullest)}(?:;|$)", p["tiers"])]
    assets = await assets_of_policies(s, [p["name"] for p in held])
    return {"per cent full": full, "fullest": fullest, "policies": {p["name"] for p in held},
            "jobs": sum(int(p["jobs"]) for p in held), "assets": total(list(assets.values()))}  # fmt: skip


def a7_before(truth: Truth) -> Findings:
    policies = truth.all("protection-policies")
    assets = {p["name"]: assets_by_kind(truth, truth.jobs(p["name"])) for p in policies}
    without_cloud = {p["name"] for p in policies if not any(t == "CLOUD_BACKUP" for t, _, _ in tiers(p))}
    without_lock = {p["name"] for p in policies if not any(s.get("lockFor") for _, _, s in tiers(p))}
    return {"nothing off site": {n: assets[n] for n in without_cloud},
            "nothing locked": {n: assets[n] for n in without_lock}}  # fmt: skip


async def a7_script(s: Session) -> Findings:
    policies = (await s.read("list_protection_policies")).rows
    without_cloud = [p["name"] for p in policies if "cloud backup" not in p["tiers"]]
    without_lock = [p["name"] for p in policies if ", locked " not in p["tiers"]]
    assets = await assets_of_policies(s, sorted({*without_cloud, *without_lock}))
    return {"nothing off site": {n: assets[n] for n in without_cloud},
            "nothing locked": {n: assets[n] for n in without_lock}}  # fmt: skip


def a9_before(truth: Truth) -> Findings:
    gateway = truth.one("protection-store-gateways", "psg-dc2-01")
    stores = {s["name"] for s in truth.all("protection-stores") if s["storageSystemInfo"]["id"] == gateway["id"]}
    jobs = [j for j in truth.jobs() if stores & stores_of(j)]
    (since,) = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d", gateway["health"]["stateReason"]) or [""]
    return {"lost contact": since, "stores": stores, "jobs": {j["id"] for j in jobs},
            "VMs": assets_by_kind(truth, jobs).get("virtual-machines", 0)}  # fmt: skip


async def a9_script(s: Session) -> Findings:
    gateways = await s.read("list_protection_store_gateways", where="name eq 'psg-dc2-01'")
    since = gateways.first(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)")
    stores = await s.rows(
        "list_protection_stores", where="system eq 'psg-dc2-01'", select="name,health", summary="page"
    )
    policies: set[str] = set()
    for store in stores:
        rows = await s.rows("list_protection_policies", where=f"tiers contains '{store['name']}'", select="name")
        policies |= {row["name"] for row in rows}
    jobs: set[str] = set()
    for policy in sorted(policies):
        rows = await s.rows("list_protection_jobs", where=f"policy eq '{policy}'", select="asset,assetType", limit=200,
                            summary="page")  # fmt: skip
        jobs |= {row["id"] for row in rows}
    assets = await assets_of_policies(s, sorted(policies))
    return {"lost contact": since, "stores": {row["name"] for row in stores}, "jobs": jobs,
            "VMs": total(list(assets.values())).get("virtual-machines", 0)}  # fmt: skip


# --- A8 last night ----------------------------------------------------------------------------------------------------

NIGHT = "2026-11-23 18:00"


def a8_before(truth: Truth) -> Findings:
    begin = datetime.fromisoformat(NIGHT + "+00:00")
    found: Findings = {}
    jobs = truth.jobs("Gold-Protection-Policy")
    reasons = {}
    for tier in ("BACKUP", "CLOUD_BACKUP"):
        states: Counter[str] = Counter()
        for job in jobs:
            runs = [r for t, _, s in tiers(job) if t == tier for r in s["executionStatuses"]]
            night = [r for r in runs if (when := moment(r["timestamp"])) and when >= begin]
            state = night[0]["status"] if night else "did not run"
            states[state] += 1
            if state in ("ERROR", "SKIPPED"):
                reasons[job["id"], tier] = night[0].get("errorMessage", "")
        found[f"{tier} runs"] = dict(states)
    found["reasons"] = reasons
    found["assets"] = assets_by_kind(truth, jobs)
    return found


async def a8_script(s: Session) -> Findings:
    begin = time(NIGHT)
    assert begin is not None
    jobs = await s.rows("list_protection_jobs", where="policy eq 'Gold-Protection-Policy'", select="asset", limit=200)
    states: dict[str, Counter[str]] = {"BACKUP": Counter(), "CLOUD_BACKUP": Counter()}
    reasons = {}
    for job in jobs:
        one = await s.read("get_protection_job", protectionJobId=job["id"])
        for line in one.detail.get("schedules", "").split("\n"):
            match = re.search(r"\d+: ([a-z ]+?) (?:every|daily|weekly|monthly)", line)
            if not match or TIER_WORDS[match[1]] not in states:
                continue
            tier = TIER_WORDS[match[1]]
            run = re.search(r"last run (\w+)(?: \((.*?)\))? (\d{4}-\d\d-\d\d \d\d:\d\d)", line)
            when = time(run[3]) if run else None
            state = run[1] if run and when and when >= begin else "did not run"
            states[tier][state] += 1
            if run and state in ("ERROR", "SKIPPED"):
                reasons[job["id"], tier] = run[2] or ""
    assets = await assets_of_policies(s, ["Gold-Protection-Policy"])
    return {**{f"{tier} runs": dict(count) for tier, count in states.items()}, "reasons": reasons,
            "assets": assets["Gold-Protection-Policy"]}  # fmt: skip


# --- A10 for the auditor ----------------------------------------------------------------------------------------------

DAY = "2027-06-30"


def a10_before(truth: Truth) -> Findings:
    until = datetime.fromisoformat(DAY + "T00:00:00+00:00")
    kept, under = set(), set()
    for vm in truth.vms():
        for c in truth.usable(truth.vm_backups(vm)):
            lock, end = moment(c.get("lockedUntil")), moment(c.get("expiresAt"))
            if c["backupType"] == "CLOUD_BACKUP" and lock and lock > truth.now and (end is None or end >= until):
                kept.add(vm["id"])
    for job in truth.jobs("Compliance-7y"):
        under |= {asset for collection, asset in truth.assets_of(job) if collection == "virtual-machines"}
    return {"locked off site until then": kept, "exceptions under Compliance-7y": under - kept}


async def a10_script(s: Session) -> Findings:
    stores = await offline_stores(s)
    kept = set()
    where = f"backupType eq 'CLOUD_BACKUP' and lockedUntil gt '{s.shift(NOW)}' and not expiresAt lt '{DAY}T00:00:00Z'"
    for vm in await regular_vms(s):
        if vm["recoveryPoints"] == "yes":
            answer = await s.read("list_vm_backups", vmId=vm["id"], limit=0, summary="page",
                                  where=f"{where} and {readable(stores)}")  # fmt: skip
            if answer.matching:
                kept.add(vm["id"])
    under = await s.rows("list_vms", where="policy eq 'Compliance-7y'", select="name", summary="page", limit=200)
    return {"locked off site until then": kept,
            "exceptions under Compliance-7y": {vm["id"] for vm in under} - kept}  # fmt: skip


# --- A11, A12: over all recovery points -------------------------------------------------------------------------------


def a11_before(truth: Truth) -> Findings:
    since = truth.now - timedelta(days=14)
    verified = everything = 0
    none: dict[str, int] = {}
    for vm in truth.vms():
        backups = truth.vm_backups(vm)
        times = [moment(c["verificationInfo"].get("verifiedAt")) for c in backups if c.get("verified")]
        recent = sum(when is not None and when > since for when in times)
        everything += len(backups)
        verified += recent
        if backups and not recent:
            none[vm["id"]] = len(backups)
    return {"verified in 14 days": verified, "backups": everything, "of none": none}


def a11_check(before: Findings, truth: Truth, found: Findings) -> dict[str, str]:
    none = before.pop("of none")
    facts = compare(before, truth, found)
    top = found.get("five")
    best = sorted(none.values(), reverse=True)[:5]
    right = top is not None and sorted((none.get(vm, -1) for vm in top), reverse=True) == best and len(set(top)) == 5
    return {**facts, "five with the most and none": "" if right else f"are of {best}, found {top}"}


async def a11_script(s: Session) -> Findings:
    since = s.shift(NOW, days=-14)
    verified = everything = 0
    none = {}
    for vm in await regular_vms(s):
        if vm["recoveryPoints"] == "yes":
            answer = await s.read("list_vm_backups", vmId=vm["id"], limit=0, summary="page",
                                  where=f"verified eq true and verificationInfo/verifiedAt gt '{since}'")  # fmt: skip
            verified += answer.matching
            everything += answer.of
            if not answer.matching:
                none[vm["id"]] = answer.of
    five = sorted(none, key=lambda vm: -none[vm])[:5]
    return {"verified in 14 days": verified, "backups": everything, "five": five}


def a12_before(truth: Truth) -> Findings:
    limit = truth.now - timedelta(days=3)
    old = [
        c for vm in truth.vms() for c in truth.copies("virtual-machines", vm["id"], "snapshots")
        if (when := moment(c["pointInTime"])) and when < limit
    ]  # fmt: skip
    locked = sum((lock := moment(c.get("lockedUntil"))) is not None and lock > truth.now for c in old)
    mib = sum(v.get("sizeInMib", 0) for c in old for v in c.get("volumesSnapshotInfo", ()))
    return {"snapshots": len(old), "locked": locked, "GiB": mib / 1024}


def a12_check(before: Findings, truth: Truth, found: Findings) -> dict[str, str]:
    size_ = before.pop("GiB")
    near = abs(found.get("GiB", -1) - size_) <= 0.01 * size_
    return {**compare(before, truth, found), "size": "" if near else f"is {size_:.0f} GiB, found {found.get('GiB')}"}


async def a12_script(s: Session) -> Findings:
    before = s.shift(NOW, days=-3)
    count = locked = 0
    held = 0.0
    for vm in await regular_vms(s):
        if vm["recoveryPoints"] == "yes":
            answer = await s.read("list_vm_snapshots", vmId=vm["id"], limit=0, where=f"pointInTime lt '{before}'")
            count += answer.matching
            locked += sum(map(int, answer.all(r"^Locked: (\d+)")))
            held += sum(size(text) for text in answer.all(r"^Sum: size ([\d.,]+ \w+)"))
    return {"snapshots": count, "locked": locked, "GiB": held / 2**30}


def ask(text: str) -> Any:
    return lambda truth: Question(text)


JOBS = (
    Job("A1", ask("Check the backups: what failed since yesterday morning, what is unhealthy, what needs a person?"),
        a1_script, compare, a1_before),
    Job("A2", ask("Is db-prod-01 protected? Policy, last good copy of each kind, and until when the newest cloud copy "
                  "is kept."), a2_script, compare, a2_before),
    Job("A3", ask("Which VMs that should be protected have no recovery point, or none usable younger than 48 h?"),
        a3_script, compare, a3_before),
    Job("A4", ask("Which jobs miss what their policy promises? Per tier: interval, age of the last success, late by."),
        a4_script, a4_check, a4_before),
    Job("A5", ask("What expires in the next 7 days that is the last usable recovery point of its VM?"),
        a5_script, compare, a5_before),
    Job("A6", ask("How full are the stores, and what hangs on the fullest (policies, jobs, assets)?"),
        a6_script, compare, a6_before),
    Job("A7", ask("Which policies keep no copy off site, which no locked one? How many assets depend on each, members "
                  "of groups counted?"), a7_script, compare, a7_before),
    Job("A8", ask(f"Last night's runs (since {NIGHT} UTC) of Gold-Protection-Policy, local and cloud backup: assets, "
                  "OK, failed, skipped, reasons."), a8_script, compare, a8_before),
    Job("A9", ask("Why do backups through gateway psg-dc2-01 fail? Which VMs, jobs, stores?"),
        a9_script, compare, a9_before),
    Job("A10", ask(f"Prove for an auditor: which VMs have a locked off-site copy kept at least until {DAY}? Exceptions "
                   "under Compliance-7y."), a10_script, compare, a10_before),
    Job("A11", ask("VM backups verified in the last 14 days as a share of all; and the five VMs with the most backups "
                   "of which none was verified then."), a11_script, a11_check, a11_before),
    Job("A12", ask("How much space would be freed if all VM snapshots older than 3 days went, and how many of them are "
                   "locked?"), a12_script, a12_check, a12_before),
)  # fmt: skip
