"""Set B, protect: nine changes, judged by the tenant's state afterwards and by what the person is told."""

# ruff: noqa: S608  (a model writes its queries so; the server lets nothing but SELECT through)

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from .job import Findings, Job, Question, difference
from .session import Session
from .steps import GOOD, NOW, by_name, carry_out, job_of, made, newest, query
from .tables import time
from .truth import Item, Truth, moment

BRONZE, SILVER, ARCHIVE = "Bronze-Protection-Policy", "Silver-Protection-Policy", "Cloud-Archive"


def ask(text: str) -> Any:
    return lambda truth: Question(text)


def right(condition: bool, wrong: str) -> str:
    """Empty where a condition holds, else what is wrong."""
    return "" if condition else wrong


# --- B1 a run now -----------------------------------------------------------------------------------------------------


def b1_before(truth: Truth) -> Any:
    vm = truth.one("virtual-machines", "sap-prod-01")
    return vm, {c["id"] for c in truth.vm_copies(vm)}


async def b1_script(s: Session) -> Findings:
    job = await job_of(s, "sap-prod-01")
    detail = await s.read("get_protection_job", protectionJobId=job["id"])
    local = int(detail.first(r"- (\d+): backup "))
    vm = detail.detail["assetId"]
    answer = await s.write("run_protection_job", protectionJobId=job["id"], scheduleIds=[local])
    match = re.search(r"backup .*\(id ([0-9a-f-]{36})\): OK", answer.text)
    if match:
        return {"copy": match[1]}
    row = await newest(s, "list_vm_backups", f"backupType eq 'BACKUP' and {GOOD}", "pointInTime", vmId=vm)
    return {"copy": row["id"] if row else None}


def b1_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    vm, old = before
    new = [c for c in truth.vm_copies(vm) if c["id"] not in old]
    local = [c for c in new if c.get("backupType") == "BACKUP"]
    return {
        "a local backup was made": right(len(local) == 1 and local[0]["state"] == "OK", f"{len(local)} were"),
        "no cloud backup": right(not any(c.get("backupType") == "CLOUD_BACKUP" for c in new), "one was made"),
        "its id": difference(local[0]["id"] if local else None, result.get("copy")),
    }


# --- B2 protect a VM --------------------------------------------------------------------------------------------------


async def b2_script(s: Session) -> Findings:
    vm = await by_name(s, "list_vms", "lab-build-07", select="name,type")
    policy = await by_name(s, "list_protection_policies", BRONZE)
    asset = {"id": vm["id"], "type": "virtualization/virtual-machine"}
    answer = await s.write("create_protection_job", assetInfo=asset, protectionPolicyId=policy["id"])
    job = await made(s, answer, "for lab-build-07", "list_protection_jobs", where="asset eq 'lab-build-07'")
    if run := re.search(r"^- Run backup schedule: .* \(([0-9a-f-]{36})\): (?!SUCCEEDED)", answer.text, re.MULTILINE):
        await s.read("wait_for_task", taskId=run[1])
    copy = await newest(s, "list_vm_backups", GOOD, "pointInTime", vmId=vm["id"])
    return {"job": job, "first copy": copy["id"] if copy else None}


def b2_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    vm = truth.one("virtual-machines", "lab-build-07")
    jobs = [j for j in truth.jobs(BRONZE) if j["assetInfo"]["id"] == vm["id"]]
    copies = truth.vm_backups(vm)
    return {
        "one job with Bronze": right(len(jobs) == 1, f"{len(jobs)}"),
        "its id": difference(jobs[0]["id"] if jobs else None, result.get("job")),
        "the first copy": difference(copies[0]["id"] if copies else None, result.get("first copy")),
    }


# --- B3 another policy ------------------------------------------------------------------------------------------------


def b3_before(truth: Truth) -> Any:
    assets = [truth.one("virtual-machines", j["assetInfo"]["name"]) for j in truth.jobs(ARCHIVE)]
    return {vm["id"]: {c["id"] for c in truth.vm_copies(vm)} for vm in assets}


async def b3_script(s: Session) -> Findings:
    jobs = await s.rows("list_protection_jobs", where=f"policy eq '{ARCHIVE}'", select="asset,assetId")
    silver = await by_name(s, "list_protection_policies", SILVER, select="name")
    copies, gaps = {}, {}
    for job in jobs:
        vm = job["assetId"]
        backups = await s.read("list_vm_backups", vmId=vm, limit=0, summary="page")
        snapshots = await s.read("list_vm_snapshots", vmId=vm, limit=0, summary="page")
        copies[vm] = backups.total + snapshots.total
        gone = await s.write("delete_protection_job", protectionJobId=job["id"])
        new = await s.write("create_protection_job", assetInfo={"id": vm, "type": "virtualization/virtual-machine"},
                            protectionPolicyId=silver["id"])  # fmt: skip
        times = []
        for answer in (gone, new):
            task = await s.read("get_task", taskId=answer.first(r"Task ([0-9a-f-]{36})"))
            times.append(time(task.first(r"^endedAt: (.*)$")))
        if times[0] and times[1]:
            gaps[vm] = (times[1] - times[0]).total_seconds()
    return {"copies": copies, "gaps": gaps}


def b3_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    now = {vm: {c["id"] for c in truth.vm_copies({"id": vm})} for vm in before}
    policies = {j["assetInfo"]["id"]: j["protectionPolicyInfo"]["name"] for j in truth.jobs()}
    gaps = {}
    for vm in before:
        ends = {
            t["name"]: moment(t["endedAt"]) for t in truth.all("async-operations")
            if t["sourceResourceUri"].endswith(vm) and t["name"].endswith("protection job") and t["endedAt"]
        }  # fmt: skip
        begin, end = ends.get("Delete protection job"), ends.get("Create protection job")
        gaps[vm] = (end - begin).total_seconds() if begin and end else -1
    message = result.get("gaps", {})
    near = set(message) == set(gaps) and all(abs(message[vm] - gaps[vm]) <= 60 for vm in gaps)
    return {
        "all under Silver": right(all(policies.get(vm) == SILVER for vm in before), str(policies)),
        "copies kept": right(all(before[vm] <= now[vm] for vm in before), "some are gone"),
        "copies told": difference({vm: len(ids) for vm, ids in before.items()}, result.get("copies")),
        "time without a job": right(near, f"is {gaps}, told {message}"),
    }


# --- B4 one more member -----------------------------------------------------------------------------------------------

GROUP = "vmpg-crm-03"


def members(truth: Truth) -> set[str]:
    return {m["id"] for m in truth.one("virtual-machine-protection-groups", GROUP)["assets"]}


async def b4_script(s: Session) -> Findings:
    vm = await by_name(s, "list_vms", "lab-build-07", select="name")
    group = await by_name(s, "list_vm_protection_groups", GROUP, select="name")
    detail = await s.read("get_vm_protection_group", vmProtectionGroupId=group["id"])
    held = re.findall(r"- id ([0-9a-f-]{36})", detail.detail["assets"])
    assets = [{"id": one} for one in [*held, vm["id"]]]
    answer = await s.write("update_vm_protection_group", vmProtectionGroupId=group["id"], assets=assets)
    if count := re.search(r"^members: (\d+)", answer.text, re.MULTILINE):
        return {"members": int(count[1])}
    return {"members": int((await by_name(s, "list_vm_protection_groups", GROUP))["members"])}


def b4_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    wanted = before | {truth.one("virtual-machines", "lab-build-07")["id"]}
    return {
        "members": difference(wanted, members(truth)),
        "told": difference(len(wanted), result.get("members")),
    }


# --- B5 retention -----------------------------------------------------------------------------------------------------


def retentions(policy: Item, keep: Any = None) -> Any:
    """A policy or job without its stamps and runs; with `keep` as it should be."""
    own = ("generation", "updatedAt", "protectionJobsInfo", "executionStatuses", "prevRunTime", "prevSuccessfulRunTime")

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: keep if keep and k == "expireAfter" else plain(v) for k, v in value.items() if k not in own}
        return [plain(v) for v in value] if isinstance(value, list) else value

    return plain(policy)


def b5_state(truth: Truth, keep: Any = None) -> Any:
    return (retentions(truth.one("protection-policies", BRONZE), keep),
            {j["id"]: retentions(j, keep) for j in truth.jobs(BRONZE)})  # fmt: skip


async def b5_script(s: Session) -> Findings:
    policy = await by_name(s, "list_protection_policies", BRONZE, select="name")
    answer = await s.read("get_protection_policy", protectionPolicyId=policy["id"], output="json")
    tiers = []
    for tier in answer.data["protections"]:
        remaining = ("scheduleId", "name", "namePattern", "schedule", "lockFor")
        schedules = [
            {**{k: v for k, v in one.items() if k in remaining}, "expireAfter": {"value": 21, "unit": "DAYS"}}
            for one in tier["schedules"]
        ]
        tiers.append({"id": tier["id"], "schedules": schedules})
    done = await s.write("update_protection_policy", protectionPolicyId=policy["id"], protections=tiers)
    if not re.search(r"kept 21 d|21", done.text):
        done = await s.read("get_protection_policy", protectionPolicyId=policy["id"])
    return {"kept": "21" in done.text}


def b5_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    now, jobs = b5_state(truth)
    return {
        "the policy": difference(before[0], now),
        "its jobs": difference(before[1], jobs),
        "told": right(result.get("kept", False), "not told"),
    }


# --- B6 suspend and resume --------------------------------------------------------------------------------------------

TIER2 = "SQL-Tier2"


async def b6_script(s: Session) -> Findings:
    rows = await s.rows("list_protection_jobs", where=f"policy eq '{TIER2}'", select="asset,operational")
    active = [row["id"] for row in rows if row["operational"] == "ACTIVE"]
    await carry_out(s, [("suspend_protection_job", {"protectionJobId": job}) for job in active])
    await carry_out(s, [("resume_protection_job", {"protectionJobId": job}) for job in active])
    after = await s.read("list_protection_jobs", where=f"policy eq '{TIER2}' and operational ne 'ACTIVE'", limit=0)
    return {"jobs": set(active), "still suspended": after.matching}


def b6_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    jobs = {j["id"]: j["operational"] for j in truth.jobs(TIER2)}
    active = {job for job, state in before.items() if state == "ACTIVE"}
    done = {
        verb: {path.split("/")[4] for _, path in truth.writes() if path.endswith(f"/{verb}")}
        for verb in ("suspend", "resume")
    }
    return {
        "suspended": difference(active, done["suspend"]),
        "resumed": difference(active, done["resume"]),
        "as before": difference(before, jobs),
        "told": difference((active, len(before) - len(active)), (result.get("jobs"), result.get("still suspended"))),
    }


# --- B7 legal hold ----------------------------------------------------------------------------------------------------

HOLD = "2030-12-31"


def b7_before(truth: Truth) -> Any:
    vm = truth.one("virtual-machines", "hr-fs-02")
    since = truth.now - timedelta(days=10)
    backups = truth.vm_backups(vm)
    held = {c["id"] for c in backups if c["state"] == "OK" and (when := moment(c["pointInTime"])) and when > since}
    return held, {c["id"]: (c.get("expiresAt"), c.get("lockedUntil")) for c in backups}


async def b7_script(s: Session) -> Findings:
    vm = await by_name(s, "list_vms", "hr-fs-02", select="name")
    since = s.shift(NOW, days=-10)
    rows = await s.rows("list_vm_backups", vmId=vm["id"], where=f"pointInTime gt '{since}' and {GOOD}",
                        select="expiresAt", limit=100)  # fmt: skip
    until = f"{HOLD}T00:00:00Z"
    held = {"vmId": vm["id"], "expiresAt": until}
    await carry_out(s, [("update_vm_backup", {**held, "backupId": row["id"]}) for row in rows])
    after = await s.read("list_vm_backups", vmId=vm["id"], limit=0, where=f"expiresAt eq '{until}'")
    return {"held": after.matching}


def b7_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    held, dates = before
    now = {c["id"]: c for c in truth.vm_backups(truth.one("virtual-machines", "hr-fs-02"))}
    remaining = {i for i, c in now.items() if i in dates and str(c.get("expiresAt", "")) >= HOLD > str(dates[i][0])}
    return {
        "held": difference(held, remaining),
        "not locked": right(all(now[i].get("lockedUntil") == dates[i][1] for i in held if i in now), "locks changed"),
        "others as before": right(
            all(now[i].get("expiresAt") == dates[i][0] for i in now if i in dates and i not in held), "others changed"
        ),
        "told": difference(len(held), result.get("held")),
    }


# --- B8 clean up ------------------------------------------------------------------------------------------------------


def b8_before(truth: Truth) -> Any:
    limit = truth.now - timedelta(days=5)
    gone, stay = set(), set()
    for vm in truth.vms():
        if not vm["name"].startswith("app-dev"):
            continue
        snapshots = truth.copies("virtual-machines", vm["id"], "snapshots")
        newest_id = max(snapshots, key=lambda c: str(c["pointInTime"]), default={"id": ""})["id"]
        for c in snapshots:
            locked = (lock := moment(c.get("lockedUntil"))) is not None and lock > truth.now
            old = (when := moment(c["pointInTime"])) is not None and when < limit
            soon = (end := moment(c.get("expiresAt"))) is not None and end < truth.now + timedelta(minutes=10)
            if old and not locked and c["id"] != newest_id:
                gone.add((vm["id"], c["id"]))
            elif not soon:
                stay.add((vm["id"], c["id"]))
    return gone, stay


async def b8_script(s: Session) -> Findings:
    limit = s.shift(NOW, days=-5)
    rows = await query(s, f"""SELECT asset_id, id FROM recovery_points p WHERE asset_kind = 'vm' AND kind = 'SNAPSHOT'
        AND asset LIKE 'app-dev%' AND NOT locked AND point_in_time < '{limit}' AND point_in_time <
        (SELECT max(o.point_in_time) FROM recovery_points o WHERE o.asset_id = p.asset_id AND o.kind = 'SNAPSHOT')
        """)  # fmt: skip
    calls = [("delete_vm_snapshot", {"vmId": row["asset_id"], "snapshotId": row["id"]}) for row in rows]
    done = await carry_out(s, calls)
    return {"deleted": len(calls), "answer": done.text}


def b8_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    gone, stay = before
    vms = {vm for vm, _ in gone | stay}
    now = {(vm, c["id"]) for vm in vms for c in truth.copies("virtual-machines", vm, "snapshots")}
    return {
        "deleted": right(not gone & now, f"{len(gone & now)} of {len(gone)} are still there"),
        "nothing else": right(stay <= now, f"{len(stay - now)} others are gone"),
        "told": difference(len(gone), result.get("deleted")),
    }


# --- B9 a policy and back ---------------------------------------------------------------------------------------------

PILOT = "Pilot-Weekly"


async def b9_script(s: Session) -> Findings:
    store = await by_name(s, "list_protection_stores", "Local_psg-dc1-01", select="name")
    schedule = {
        "scheduleId": 1,
        "schedule": {"recurrence": "WEEKLY", "repeatInterval": {"every": 1, "on": [6]}, "startTime": "03:00"},
        "expireAfter": {"value": 4, "unit": "WEEKS"},
    }
    tier = {"type": "BACKUP", "protectionStoreId": store["id"], "schedules": [schedule]}
    new = await s.write("create_protection_policy", name=PILOT, applicationType="VMWARE", protections=[tier])
    made_id = await made(s, new, PILOT, "list_protection_policies")
    await s.write("delete_protection_policy", protectionPolicyId=made_id)
    return {"policy": made_id}


def b9_check(before: Any, truth: Truth, result: Findings) -> dict[str, str]:
    now = {p["id"]: p["generation"] for p in truth.all("protection-policies")}
    gone = [path for _, path in truth.writes() if path.endswith(f"/protection-policies/{result.get('policy')}")]
    created = [path for _, path in truth.writes() if path.endswith("/protection-policies")]
    return {
        "made": right(len(created) == 1, f"{len(created)} were"),
        "deleted again": right(len(gone) == 1, f"{gone}"),
        "others as before": difference(before, now),
    }


JOBS = (
    Job("B1", ask("Back up sap-prod-01 now, the local tier only, and wait for the end."),
        b1_script, b1_check, b1_before),
    Job("B2", ask(f"Protect lab-build-07 with {BRONZE}."), b2_script, b2_check, lambda truth: None),
    Job("B3", ask(f"Move every VM of {ARCHIVE} to {SILVER}. What becomes of the existing copies, and how long was each "
                  "without a job?"), b3_script, b3_check, b3_before),
    Job("B4", ask(f"Add lab-build-07 to the group {GROUP} without losing a member."), b4_script, b4_check, members),
    Job("B5", ask(f"{BRONZE} shall keep 21 days instead of 14; nothing else changes."), b5_script, b5_check,
        lambda truth: b5_state(truth, {"value": 21, "unit": "DAYS"})),
    Job("B6", ask(f"Suspend all jobs of {TIER2}, then resume exactly those."), b6_script, b6_check,
        lambda truth: {j["id"]: j["operational"] for j in truth.jobs(TIER2)}),
    Job("B7", ask(f"Legal hold on hr-fs-02: its backups of the last 10 days are kept until {HOLD}, not locked."),
        b7_script, b7_check, b7_before),
    Job("B8", ask("Delete the unlocked snapshots of app-dev* that are older than 5 days, never the newest of a VM."),
        b8_script, b8_check, b8_before),
    Job("B9", ask(f"Create a policy {PILOT} for VMs: a local backup every week on Sunday at 03:00 UTC to "
                  "Local_psg-dc1-01, kept 4 weeks. Then delete it again."), b9_script, b9_check,
        lambda truth: {p["id"]: p["generation"] for p in truth.all("protection-policies")}),
)  # fmt: skip
