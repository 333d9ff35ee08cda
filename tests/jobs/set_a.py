"""Set A, look: twelve questions about the whole tenant, with the truth of each. Their scripts are in scripts_a.py."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from . import scripts_a
from .job import Findings, Job, Question, compare
from .truth import Item, Truth, interval, last_success, moment, tiers, to_minute, when

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
            t["state"] in ("FAILED", "TIMEDOUT") and when(t["createdAt"]) > since for t in tasks
        ),
        "jobs that fail, by cause": dict(Counter(cause for j in jobs for cause in set(failing(j)))),
        "unhealthy systems": {i.get("displayName") or i["name"] for c in SYSTEMS for i in truth.all(c) if unhealthy(i)},
        "critical issues": sum(i["severity"] == "CRITICAL" for i in truth.all("issues")),
        "suspended jobs": sum(j["operational"] != "ACTIVE" for j in jobs),
        "jobs that never succeeded": sum(not any(last_success(s) for _, _, s in tiers(j)) for j in jobs),
        "approvals waiting": sum(a["state"].upper() == "PENDING" for a in truth.all("dual-auth-operations")),
        "tasks without end": sum(t["state"] not in ended and when(t["createdAt"]) < since for t in tasks),
    }


# --- A2 one asset -----------------------------------------------------------------------------------------------------


def a2_before(truth: Truth) -> Findings:
    collected: Findings = {}
    for vm in truth.named("virtual-machines", "db-prod-01"):
        (job,) = [j for j in truth.jobs() if j["assetInfo"]["id"] == vm["id"]]
        good = [c for c in truth.vm_copies(vm) if c["state"] not in ("ERROR", "CREATING", "DELETING")]
        where = vm["hypervisorManagerInfo"]["name"]
        collected[f"{where} policy"] = job["protectionPolicyInfo"]["name"]
        for tier, _, _ in tiers(job):
            of_tier = [c for c in good if (c.get("backupType") or "SNAPSHOT") == tier]
            newest = max(of_tier, key=lambda c: str(c["pointInTime"]))
            collected[f"{where} last {tier}"] = to_minute(newest["pointInTime"])
            if tier == "CLOUD_BACKUP":
                end = moment(newest["expiresAt"])
                collected[f"{where} cloud copy kept until"] = end.date() if end else None
    return collected


# --- A3 who has nothing -----------------------------------------------------------------------------------------------

FRESH = timedelta(hours=48)


def a3_before(truth: Truth) -> Findings:
    none, stale = set(), set()
    for vm in truth.vms():
        copies = truth.vm_copies(vm)
        newest = max((when(c["pointInTime"]) for c in truth.usable(copies)), default=None)
        if not copies:
            none.add(vm["id"])
        elif newest is None or truth.now - newest > FRESH:
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


def a4_check(before: Findings, _: Truth, result: Findings) -> dict[str, str]:
    late = {k: v for k, v in result.get("late", {}).items() if k not in before["perhaps"]}
    return {
        **compare({"late": before["late"]}, _, {"late": late} if result else {}),
        **compare({"never": before["never"]}, _, result),
    }


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


# --- A6, A7, A9: what hangs on what -----------------------------------------------------------------------------------


def assets_by_kind(truth: Truth, jobs: list[Item]) -> dict[str, int]:
    return dict(Counter(collection for collection, _ in truth.assets_under(jobs)))


def stores_of(policy: Item) -> set[str]:
    return {p["protectionStoreInfo"]["name"] for p in policy["protections"] if "protectionStoreInfo" in p}


def a6_before(truth: Truth) -> Findings:
    full = {
        s["name"]: round(100 * s["sizeOnDiskInBytes"] / s["maxCapacityInBytes"], 1)
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


def a7_before(truth: Truth) -> Findings:
    policies = truth.all("protection-policies")
    assets = {p["name"]: assets_by_kind(truth, truth.jobs(p["name"])) for p in policies}
    without_cloud = {p["name"] for p in policies if not any(t == "CLOUD_BACKUP" for t, _, _ in tiers(p))}
    without_lock = {p["name"] for p in policies if not any(s.get("lockFor") for _, _, s in tiers(p))}
    return {"nothing off site": {n: assets[n] for n in without_cloud},
            "nothing locked": {n: assets[n] for n in without_lock}}  # fmt: skip


def a9_before(truth: Truth) -> Findings:
    gateway = truth.one("protection-store-gateways", "psg-dc2-01")
    stores = {s["name"] for s in truth.all("protection-stores") if s["storageSystemInfo"]["id"] == gateway["id"]}
    jobs = [j for j in truth.jobs() if stores & stores_of(j)]
    (since,) = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d", gateway["health"]["stateReason"]) or [""]
    return {"lost contact": since, "stores": stores, "jobs": {j["id"] for j in jobs},
            "VMs": assets_by_kind(truth, jobs).get("virtual-machines", 0)}  # fmt: skip


# --- A8 last night ----------------------------------------------------------------------------------------------------

NIGHT = "2026-11-23 18:00"


def a8_before(truth: Truth) -> Findings:
    begin = datetime.fromisoformat(NIGHT + "+00:00")
    collected: Findings = {}
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
        collected[f"{tier} runs"] = dict(states)
    collected["reasons"] = reasons
    collected["assets"] = assets_by_kind(truth, jobs)
    return collected


# --- A10 for the auditor ----------------------------------------------------------------------------------------------

DAY = "2027-06-30"


def a10_before(truth: Truth) -> Findings:
    until = datetime.fromisoformat(DAY + "T00:00:00+00:00")
    remaining, under = set(), set()
    for vm in truth.vms():
        for c in truth.usable(truth.vm_backups(vm)):
            lock, end = moment(c.get("lockedUntil")), moment(c.get("expiresAt"))
            if c["backupType"] == "CLOUD_BACKUP" and lock and lock > truth.now and (end is None or end >= until):
                remaining.add(vm["id"])
    for job in truth.jobs("Compliance-7y"):
        under |= {asset for collection, asset in truth.assets_of(job) if collection == "virtual-machines"}
    return {"locked off site until then": remaining, "exceptions under Compliance-7y": under - remaining}


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


def a11_check(before: Findings, truth: Truth, result: Findings) -> dict[str, str]:
    none = before.pop("of none")
    facts = compare(before, truth, result)
    top = result.get("five")
    best = sorted(none.values(), reverse=True)[:5]
    right = top is not None and sorted((none.get(vm, -1) for vm in top), reverse=True) == best and len(set(top)) == 5
    return {**facts, "five with the most and none": "" if right else f"are of {best}, found {top}"}


def a12_before(truth: Truth) -> Findings:
    limit = truth.now - timedelta(days=3)
    old = [
        c for vm in truth.vms() for c in truth.copies("virtual-machines", vm["id"], "snapshots")
        if when(c["pointInTime"]) < limit
    ]  # fmt: skip
    locked = sum((lock := moment(c.get("lockedUntil"))) is not None and lock > truth.now for c in old)
    mib = sum(v.get("sizeInMib", 0) for c in old for v in c.get("volumesSnapshotInfo", ()))
    return {"snapshots": len(old), "locked": locked, "GiB": mib / 1024}


def a12_check(before: Findings, truth: Truth, result: Findings) -> dict[str, str]:
    size_ = before.pop("GiB")
    near = abs(result.get("GiB", -1) - size_) <= 0.01 * size_
    return {**compare(before, truth, result), "size": "" if near else f"is {size_:.0f} GiB, found {result.get('GiB')}"}


def ask(text: str) -> Any:
    return lambda truth: Question(text)


JOBS = (
    Job("A1", ask("Check the backups: what failed since yesterday morning, what is unhealthy, what needs a person?"),
        scripts_a.morning, compare, a1_before),
    Job("A2", ask("Is db-prod-01 protected? Policy, last good copy of each kind, and until when the newest cloud copy "
                  "is kept."), scripts_a.one_asset, compare, a2_before),
    Job("A3", ask("Which VMs that should be protected have no recovery point, or none usable younger than 48 h?"),
        scripts_a.nothing_usable, compare, a3_before),
    Job("A4", ask("Which jobs miss what their policy promises? Per tier: interval, age of the last success, late by."),
        scripts_a.late, a4_check, a4_before),
    Job("A5", ask("What expires in the next 7 days that is the last usable recovery point of its VM?"),
        scripts_a.last_copies, compare, a5_before),
    Job("A6", ask("How full are the stores, and what hangs on the fullest (policies, jobs, assets)?"),
        scripts_a.fullest_store, compare, a6_before),
    Job("A7", ask("Which policies keep no copy off site, which no locked one? How many assets depend on each, members "
                  "of groups counted?"), scripts_a.unsafe_policies, compare, a7_before),
    Job("A8", ask(f"Last night's runs (since {NIGHT} UTC) of Gold-Protection-Policy, local and cloud backup: assets, "
                  "OK, failed, skipped, reasons."), scripts_a.last_night, compare, a8_before),
    Job("A9", ask("Why do backups through gateway psg-dc2-01 fail? Which VMs, jobs, stores?"),
        scripts_a.lost_gateway, compare, a9_before),
    Job("A10", ask(f"Prove for an auditor: which VMs have a locked off-site copy kept at least until {DAY}? Exceptions "
                   "under Compliance-7y."), scripts_a.auditor, compare, a10_before),
    Job("A11", ask("VM backups verified in the last 14 days as a share of all; and the five VMs with the most backups "
                   "of which none was verified then."), scripts_a.verified, a11_check, a11_before),
    Job("A12", ask("How much space would be freed if all VM snapshots older than 3 days went, and how many of them are "
                   "locked?"), scripts_a.old_snapshots, a12_check, a12_before),
)  # fmt: skip
