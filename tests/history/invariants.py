"""Invariants of a simulated tenant, checked on what the service shows; each returns what contradicts it."""

# ruff: noqa: A001, E501

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from greenlake_backup_mcp.simulator.history.recovery_points import HOLDERS, TIERS
from greenlake_backup_mcp.simulator.seed.cases import BY_ASSET, CASES, Case
from greenlake_backup_mcp.simulator.state import Tenant

Item = dict[str, Any]
GATEWAY = "Protection Store Gateway is not connected."
RATIO = {"ON_PREMISES": 3.1, "CLOUD": 2.4}  # the deduplication that the twin tells
UNITS = {"HOURS": 1, "DAYS": 24, "WEEKS": 168, "MONTHS": 720, "YEARS": 8760}


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def hours(period: Item) -> timedelta:
    return timedelta(hours=period["value"] * UNITS[period["unit"]])


@dataclass
class Snapshot:
    """Everything that a tenant shows at one time."""

    tenant: Tenant
    now: datetime
    items: dict[str, list[Item]] = field(default_factory=dict)

    def all(self, collection: str) -> list[Item]:
        if collection not in self.items:
            self.items[collection] = self.tenant.all(collection)
        return self.items[collection]

    @cached_property
    def copies(self) -> dict[tuple[str, str, str], list[Item]]:
        """(holder, asset id, kind) → recovery points."""
        return {
            (holder, asset["id"], kind): list(self.tenant.copies(holder, asset["id"], kind).all(self.now, self.lag))
            for holder in sorted(HOLDERS)
            for asset in self.all(holder)
            for kind in TIERS
        }

    @property
    def lag(self) -> float:
        return self.tenant.lag

    @cached_property
    def by_id(self) -> dict[str, Item]:
        names = (*HOLDERS, "protection-stores", "protection-store-gateways", "hypervisor-managers", "protection-jobs",
                 "application-hosts", "mssql-database-protection-groups", "protection-policies")  # fmt: skip
        return {item["id"]: item for name in names for item in self.all(name)}

    def keeping(self) -> Iterator[tuple[Item, Item, Item]]:
        """(job, protection, schedule) of those that leave copies where they can be kept."""
        stores = {store["id"] for store in self.all("protection-stores")}
        for job, protection, schedule in self.schedules():
            gone = protection.get("protectionStoreInfo", {"id": ""})["id"] not in {"", *stores}
            if not gone and protection["type"] != "DATABASE_LOG_BACKUP" and case_of(job) != "clock-ahead":
                yield job, protection, schedule

    def schedules(self) -> Iterator[tuple[Item, Item, Item]]:
        """(job, protection, schedule) of all jobs."""
        for job in self.all("protection-jobs"):
            for protection in job["protections"]:
                for schedule in protection["schedules"]:
                    yield job, protection, schedule

    def covered(self, job: Item) -> list[tuple[str, str]]:
        """The assets whose copies a job makes."""
        holder, id = job["assetInfo"]["resourceUri"].split("/")[-2:]
        own = [(holder, id)] if holder in HOLDERS else []
        names = {"virtual-machine-protection-groups": "assets", "mssql-database-protection-groups": "members"}
        total = {"virtual-machine-protection-groups": "virtual-machines"}.get(holder, "mssql-databases")
        group = self.by_id.get(id, {})
        return own + [(total, m["id"]) for m in group.get(names.get(holder, ""), ())]

    def made(self, holder: str, asset: str, tier: str, schedule: Item) -> list[Item]:
        """The copies that a schedule made of an asset, newest first."""
        kind = next(k for k, tiers in TIERS.items() if tier in tiers)
        names = ("scheduleId", "id")
        return sorted(
            (c for c in self.copies[holder, asset, kind]
             if c.get("scheduleInfo") and any(str(c["scheduleInfo"].get(n)) == str(schedule["scheduleId"]) for n in names)
             and c.get("backupType", c.get("snapshotType", tier)) == tier),
            key=lambda c: str(c["pointInTime"]), reverse=True,
        )  # fmt: skip


def snapshot(tenant: Tenant) -> Snapshot:
    return Snapshot(tenant, tenant.now())


def good(copy: Item) -> bool:
    return copy["state"] in ("OK", "IN_USE_FOR_RESTORE", "PENDING_DELETE_APPROVAL")


def scheduled(text: str | None) -> bool:
    """Whether a time is that of a schedule: what is begun by hand is not begun on the minute."""
    return text is None or text.endswith(":00.000000Z")


def case_of(job: Item) -> str:
    case = BY_ASSET.get(job["assetInfo"]["displayName"])
    return case.name if case else ""


def last_good_run_is_newest_good_copy(shot: Snapshot) -> Iterator[str]:
    for job, protection, schedule in shot.keeping():
        last, keep = schedule.get("prevSuccessfulRunTime"), hours(schedule["expireAfter"])
        whole = next((s["status"] for s in schedule["executionStatuses"] if s["timestamp"] == last), "") == "OK"
        for holder, asset in shot.covered(job):
            copies = [c for c in shot.made(holder, asset, protection["type"], schedule) if good(c)]
            newest = copies[0]["pointInTime"] if copies else None
            there = last is not None and parse(last) + keep > shot.now
            if newest and (last is None or newest > last):
                yield f"{job['assetInfo']['name']} {protection['type']}: last good {last}, newest copy {newest}"
            if there and scheduled(last) and newest != last and (whole or asset == job["assetInfo"]["id"]):
                yield f"{job['assetInfo']['name']} {protection['type']}: last good {last}, its newest copy {newest}"


def a_failed_run_left_no_good_copy(shot: Snapshot) -> Iterator[str]:
    for job, protection, schedule in shot.keeping():
        for holder, asset in shot.covered(job):
            copies = {c["pointInTime"]: c for c in shot.made(holder, asset, protection["type"], schedule)}
            for run in schedule["executionStatuses"]:
                copy = copies.get(run["timestamp"])
                bad = run["status"] in ("ERROR", "SKIPPED", "IN_PROGRESS")
                if bad and copy and good(copy):
                    yield f"{job['assetInfo']['name']}: {run} and {copy['name']} is good"
                remaining = parse(run["timestamp"]) + hours(schedule["expireAfter"]) > shot.now
                if run["status"] == "OK" and scheduled(run["timestamp"]) and remaining and not (copy and good(copy)):
                    yield f"{job['assetInfo']['name']} {protection['type']}: {run} and no copy of {asset}"


def runs_follow_the_calendar(shot: Snapshot) -> Iterator[str]:
    for job, protection, schedule in shot.schedules():
        active = schedule["operational"] == "ACTIVE" and job["operational"] in ("ACTIVE", "PARTIALLY_SUSPENDED")
        times = [r["timestamp"] for r in schedule["executionStatuses"]]
        if active != ("nextRunTime" in schedule):
            yield f"{job['assetInfo']['name']}: {schedule['operational']}, next {schedule.get('nextRunTime')}"
        if active and parse(schedule["nextRunTime"]) <= shot.now and case_of(job) != "stopped":
            yield f"{job['assetInfo']['name']}: next run {schedule['nextRunTime']} is past"
        if sorted(times, reverse=True) != times:
            yield f"{job['assetInfo']['name']}: runs out of order"
        for text in (*filter(scheduled, times), *([schedule["nextRunTime"]] if active else [])):
            if not fits(schedule["schedule"], parse(text)):
                yield f"{job['assetInfo']['name']} {protection['type']}: {text} is not {schedule['schedule']}"


def fits(plan: Item, time: datetime) -> bool:
    """Whether a time is one of a schedule, as its description words it."""
    every, on = plan["repeatInterval"]["every"], plan["repeatInterval"].get("on", [])
    minute = time.hour * 60 + time.minute
    if time.second or time.microsecond:
        return False
    if plan["recurrence"] == "BY_MINUTES":
        return minute % every == 0
    if plan["recurrence"] == "HOURLY":
        return time.hour % every == 0 and time.minute in (on or [0])
    if f"{time:%H:%M}" != plan["startTime"]:
        return False
    if plan["recurrence"] == "WEEKLY":
        return time.weekday() in on
    last = (time + timedelta(days=1)).day == 1
    return plan["recurrence"] == "DAILY" or time.day in on or (last and 0 in on)


def stores_hold_what_their_copies_take(shot: Snapshot) -> Iterator[str]:
    held: dict[str, int] = defaultdict(int)
    for (_, _, kind), copies in shot.copies.items():
        for copy in copies if kind == "backups" else ():
            if copy["state"] != "ERROR":
                held[copy["protectionStoreInfo"]["id"]] += size(copy)
    for store in shot.all("protection-stores"):
        stored, disk = store["userDataStoredInBytes"], store["sizeOnDiskInBytes"]
        if stored != held[store["id"]]:
            yield f"{store['name']}: {stored} stored, its copies take {held[store['id']]}"
        if abs(disk - stored / RATIO[store["protectionStoreType"]]) > 1 << 20:
            yield f"{store['name']}: {disk} on disk of {stored}"
        if store["protectionStoreType"] == "ON_PREMISES" and not 0 <= disk <= store["maxCapacityInBytes"]:
            yield f"{store['name']}: {disk} of {store['maxCapacityInBytes']}"
    for appliance in shot.all("storeonces"):
        mine = [s["sizeOnDiskInBytes"] for s in shot.all("protection-stores")
                if s["storageSystemInfo"]["id"] == appliance["id"] and s["protectionStoreType"] == "ON_PREMISES"]  # fmt: skip
        if appliance["storage"]["usedBytes"] != sum(mine):
            yield f"{appliance['name']}: {appliance['storage']['usedBytes']} used, its stores {sum(mine)}"


def size(copy: Item) -> int:
    return sum(int(b.get("sizeInBytes") or b.get("sizeInMib", 0) << 20)
               for s in copy.get("backupSetsInfo", ()) for b in s["backups"])  # fmt: skip


def sizes_differ_and_follow_the_machines(shot: Snapshot) -> Iterator[str]:
    for vm in shot.all("virtual-machines"):
        sizes = [size(c) for c in shot.copies["virtual-machines", vm["id"], "backups"] if c["state"] != "ERROR"]
        if any(s <= 0 or s > vm["capacityInBytes"] for s in sizes):
            yield f"{vm['name']}: a copy of {max(sizes)} of {vm['capacityInBytes']}"
        if len(sizes) > 5 and len(set(sizes)) < len(sizes) * 0.8:
            yield f"{vm['name']}: {len(set(sizes))} sizes of {len(sizes)} copies"


def what_is_lost_fails_what_needs_it(shot: Snapshot) -> Iterator[str]:
    for gateway in shot.all("protection-store-gateways"):
        if not gateway["health"]["status"].endswith("DISCONNECTED"):
            continue
        since = gateway["health"]["updatedAt"]
        behind = {s["id"] for s in shot.all("protection-stores") if s["storageSystemInfo"]["id"] == gateway["id"]}
        for store in behind:
            if shot.by_id[store]["connectedState"] != "DISCONNECTED":
                yield f"{shot.by_id[store]['name']} is connected behind {gateway['name']}"
        for copies in shot.copies.values():
            for copy in copies:
                if (
                    good(copy)
                    and copy.get("protectionStoreInfo", {}).get("id") in behind
                    and copy["pointInTime"] > since
                ):
                    yield f"{copy['name']} reached a store behind {gateway['name']}"
        for job, protection, schedule in shot.schedules():
            if protection.get("protectionStoreInfo", {}).get("id") in behind:
                for run in schedule["executionStatuses"]:
                    sql = job["applicationType"] == "MSSQL"  # its host may have been lost before
                    failed = run["status"] == "ERROR" and (sql or run.get("errorMessage") == GATEWAY)
                    if run["timestamp"] >= since and not failed and run["status"] not in ("SKIPPED", "IN_PROGRESS"):
                        yield f"{job['assetInfo']['name']}: {run} through {gateway['name']}"


def jobs_carry_their_orchestrator(shot: Snapshot) -> Iterator[str]:
    for job in shot.all("protection-jobs"):
        asset = shot.by_id[job["assetInfo"]["id"]]
        manager = shot.by_id.get(asset.get("hypervisorManagerInfo", {}).get("id"))
        if manager and job["dataOrchestratorId"] != manager["dataOrchestratorInfo"]["id"]:
            yield f"{job['assetInfo']['name']}: {job['dataOrchestratorId']}"


def groups_and_members_agree(shot: Snapshot) -> Iterator[str]:
    vms = shot.all("virtual-machines")
    jobs = {j["assetInfo"]["id"]: j for j in shot.all("protection-jobs")}
    for group in shot.all("virtual-machine-protection-groups"):
        members = {m["id"] for m in group["assets"]}
        existing = {vm["id"] for vm in vms if any(g["id"] == group["id"] for g in vm["vmProtectionGroupsInfo"])}
        counts = {len(members), len(existing), group["protectedResourcesInfo"]["virtualMachinesCount"]}
        if members != existing or len(counts) != 1:
            yield f"{group['name']}: {counts}"
        if group["id"] in jobs and {a["id"] for a in jobs[group["id"]]["associatedAssetsInfo"]} != members:
            yield f"{group['name']}: its job has other members"
        centers = {shot.by_id[m]["hypervisorManagerInfo"]["id"] for m in members}
        if centers - {group["hypervisorManagerInfo"]["id"]}:
            yield f"{group['name']}: members of another vCenter"
    for policy in shot.all("protection-policies"):
        mine = {j["id"] for j in shot.all("protection-jobs") if j["protectionPolicyInfo"]["id"] == policy["id"]}
        if {j["id"] for j in policy["protectionJobsInfo"]} != mine or policy["assigned"] != bool(mine):
            yield f"{policy['name']}: {len(mine)} jobs"


def protection_status_is_as_described(shot: Snapshot) -> Iterator[str]:
    through: dict[str, list[Item]] = defaultdict(list)
    for job in shot.all("protection-jobs"):
        for _, id in shot.covered(job):
            through[id].append(job)
    for vm in shot.all("virtual-machines"):
        applied = vm.get("protectionPolicyAppliedAtInfo", {})
        if applied.get("type") == "DATASTORE":
            through[vm["id"]] += [j for j in shot.all("protection-jobs") if j["assetInfo"]["id"] == applied["id"]]
    for holder in ("virtual-machines", "datastores", "mssql-databases"):
        for asset in shot.all(holder):
            jobs, status = through[asset["id"]], asset["protectionStatus"]
            exist = any(shot.copies[holder, asset["id"], kind] for kind in TIERS)
            if status == "UNSUPPORTED":
                continue
            if asset["recoveryPointsExist"] != exist:
                yield f"{asset['name']}: recoveryPointsExist {asset['recoveryPointsExist']}, {exist}"
            expected = {"LAPSED" if exist else "UNPROTECTED"}
            if jobs:
                ended = [last_ended(s) for j in jobs for p in j["protections"] for s in p["schedules"]]
                bad = any(e in ("ERROR", "SKIPPED") for e in ended)
                # a group's run warns when some of its members failed: others are well
                expected = {"PARTIAL"} if bad else {"PROTECTED", "PARTIAL"} if "WARNING" in ended else {"PROTECTED"}
                expected = expected if exist else {"PENDING"}
                if any(j["operational"] != "ACTIVE" for j in jobs):
                    expected = {"PAUSED"}
            if status not in expected:
                yield f"{asset['name']}: {status}, not {expected}"


def last_ended(schedule: Item) -> str:
    return next((str(r["status"]) for r in schedule["executionStatuses"] if r["status"] != "IN_PROGRESS"), "")


def runs_have_their_tasks(shot: Snapshot) -> Iterator[str]:
    states = {"OK": "SUCCEEDED", "WARNING": "SUCCEEDED", "ERROR": "FAILED", "SKIPPED": "CANCELLED",
              "IN_PROGRESS": "RUNNING"}  # fmt: skip
    tasks = {t["resourceUri"]: t for t in shot.all("async-operations")}
    for job, _, schedule in shot.schedules():
        for run in schedule["executionStatuses"]:
            task = tasks.get(run["taskUri"])
            if task is None or (task["state"], task["createdAt"]) != (states[run["status"]], run["timestamp"]):
                yield f"{job['assetInfo']['name']}: {run}, its task {task and task['state']}"
            elif run["status"] == "ERROR" and task["error"]["error"] != run["errorMessage"]:
                yield f"{job['assetInfo']['name']}: {run}, its task says {task['error']}"


def copies_are_due_to_be_there(shot: Snapshot) -> Iterator[str]:
    ids: set[str] = set()
    for (_, asset, _), copies in shot.copies.items():
        for copy in copies:
            if copy["id"] in ids:
                yield f"{copy['name']}: its id is there twice"
            ids.add(copy["id"])
            late = "expiresAt" in copy and parse(copy["expiresAt"]) < shot.now - timedelta(seconds=shot.lag + 1)
            if late and "could not be removed" not in copy["stateReason"]:
                yield f"{copy['name']} of {asset} expired {copy['expiresAt']}"
            if "lockedUntil" in copy and copy["lockedUntil"] > copy.get("expiresAt", "9"):
                yield f"{copy['name']}: locked longer than kept"
            if parse(copy["pointInTime"]) > shot.now and not is_clock_ahead(shot, asset):
                yield f"{copy['name']}: made in the future"


def is_clock_ahead(shot: Snapshot, asset: str) -> bool:
    case = BY_ASSET.get(shot.by_id[asset].get("displayName", ""))
    return case is not None and case.name == "clock-ahead"


def issues_are_so(shot: Snapshot) -> Iterator[str]:
    for issue in shot.all("issues"):
        about = shot.by_id.get(issue["sourceResourceId"])
        text = issue["name"]
        if about is None:
            continue
        so = {
            "Protection store gateway disconnected": lambda i: i["health"]["status"].endswith("DISCONNECTED"),
            "Protection store is offline": lambda i: i["state"] == "OFFLINE",
            "Application host credentials rejected": lambda i: i["state"] == "ERROR",
            "Protection job failed 3 times in a row": lambda i: any(
                [r["status"] for r in s["executionStatuses"]][:3] == ["ERROR"] * 3
                for p in i["protections"] for s in p["schedules"]),
        }.get(text)  # fmt: skip
        if so and not so(about):
            yield f"{text}: {about['name']}"
        if "nearly full" in text:
            percent = about["sizeOnDiskInBytes"] * 100 // about["maxCapacityInBytes"]
            if f" {percent} %" not in text or percent < 90:
                yield f"{text}: {percent}"


def newest_runs(shot: Snapshot, name: str) -> list[list[Item]]:
    """Per schedule of a VM's own job its last runs, newest first."""
    return [s["executionStatuses"] for j, _, s in shot.schedules() if j["assetInfo"]["displayName"] == name]


def missing_cases(shot: Snapshot) -> Iterator[str]:
    """The rare cases of the table that do not show, when the tenant begins."""
    for case in CASES:
        if not shows(shot, case):
            yield f"{case.name} ({case.asset}): {case.meaning}"


def shows(shot: Snapshot, case: Case) -> bool:
    """Whether a rare case is what the table says."""
    vm = next(v for v in shot.all("virtual-machines") if v["displayName"] == case.asset)
    backups = shot.copies["virtual-machines", vm["id"], "backups"]
    copies = backups + shot.copies["virtual-machines", vm["id"], "snapshots"]
    job = next((j for j in shot.all("protection-jobs") if j["assetInfo"]["id"] == vm["id"]), {})
    runs = newest_runs(shot, case.asset)
    by_hand = [c for c in backups if "scheduleInfo" not in c]
    signs: Mapping[str, Callable[[], Any]] = {
        "no-run-yet": lambda: job["operational"] == "ACTIVE" and not any(runs) and not copies,
        "suspended": lambda: job["operational"] == "SUSPENDED",
        "partly-suspended": lambda: job["operational"] == "PARTIALLY_SUSPENDED",
        "failing": lambda: all([r["status"] for r in statuses][:3] == ["ERROR"] * 3 for statuses in runs[:2]),
        "stopped": lambda: job["operational"] == "ACTIVE" and all(
            parse(s["nextRunTime"]) < shot.now for p in job["protections"] for s in p["schedules"]),
        "hanging": lambda: [r["status"] for r in runs[1]][:2] == ["SKIPPED", "IN_PROGRESS"],
        "warning": lambda: {"WARNING"} <= {r["status"] for statuses in runs for r in statuses} <= {"WARNING", "SKIPPED"},
        "partial-copy": lambda: sum(c["partialBackup"] for c in backups) > 5,
        "failed-verification": lambda: any(c["verificationInfo"]["state"] == "VERIFY_ERROR" for c in backups),
        "copy-in-error": lambda: sum(c["state"] == "ERROR" for c in backups) >= 2,
        "clock-ahead": lambda: any(parse(c["pointInTime"]) > shot.now for c in copies),
        "deleted-vm": lambda: vm["state"] == "DELETED" and copies,
        "lapsed": lambda: vm["protectionStatus"] == "LAPSED" and copies and not job,
        "expired-and-kept": lambda: any(parse(c["expiresAt"]) < shot.now for c in by_hand),
        "kept-for-ever": lambda: any("expiresAt" not in c for c in by_hand),
        "waits-for-approval": lambda: any(c["state"] == "PENDING_DELETE_APPROVAL" for c in backups),
        "copy-by-hand": lambda: bool(by_hand),
    }  # fmt: skip
    return bool(signs[case.name]())


INVARIANTS: tuple[Callable[[Snapshot], Iterator[str]], ...] = (
    last_good_run_is_newest_good_copy, a_failed_run_left_no_good_copy, runs_follow_the_calendar,
    stores_hold_what_their_copies_take, sizes_differ_and_follow_the_machines, what_is_lost_fails_what_needs_it,
    jobs_carry_their_orchestrator, groups_and_members_agree, protection_status_is_as_described, runs_have_their_tasks,
    copies_are_due_to_be_there, issues_are_so,
)  # fmt: skip


def contradictions(shot: Snapshot) -> dict[str, list[str]]:
    """Invariant → what contradicts it; empty where all hold."""
    result = {rule.__name__: list(rule(shot)) for rule in INVARIANTS}
    return {name: texts for name, texts in result.items() if texts}


def without_logs(copy: Item) -> Item:
    """A copy without how far the logs behind it reach, which grows until the next copy and ends with their retention."""
    return {name: value for name, value in copy.items() if name != "logBackupInfo"}


def changed_past(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Runs and copies that were there before and are told otherwise later."""
    runs = {(j["id"], s["scheduleId"], r["timestamp"]): r for j, _, s in before.schedules() for r in s["executionStatuses"]
            if r["status"] != "IN_PROGRESS"}  # fmt: skip
    for job, _, schedule in after.schedules():
        for run in schedule["executionStatuses"]:
            if runs.get((job["id"], schedule["scheduleId"], run["timestamp"]), run) != run:
                yield f"{job['assetInfo']['name']}: {run}"
    for ref, copies in before.copies.items():
        later = {c["id"]: without_logs(c) for c in after.copies[ref]}
        for copy in map(without_logs, copies):
            if parse(copy.get("expiresAt", "9999-01-01T00:00:00Z")) > after.now and later.get(copy["id"]) != copy:
                yield f"{copy['name']} changed or went"


def start(seed: int, now: datetime, size: str) -> Tenant:
    return Tenant(seed, clock=lambda: now, size=size)


NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
