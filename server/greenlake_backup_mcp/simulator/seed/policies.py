"""Seeded protection policies, and the jobs that put one to work on an asset with its last runs.

Knows the sites; who gets which policy is decided in virtual_machines.py and databases.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.simulator.names import Item, format_time, number, parse_time, span, uid, uri

from .world import World

GOLD, SILVER, BRONZE = "Gold-Protection-Policy", "Silver-Protection-Policy", "Bronze-Protection-Policy"
COMPLIANCE, CLOUD_ONLY, BRANCH = "Compliance-7y", "Cloud-Archive", "Branch-DC2"
SQL1, SQL2, ARRAY, UNUSED = "SQL-Tier1", "SQL-Tier2", "Array-Volumes", "Pilot-Immutable"

LOCAL, CLOUD = "Local_psg-dc1-01", "Cloud_psg-dc1-01_USA, North Virginia"
LOCAL2, CLOUD2 = "Local_psg-dc2-01", "Cloud_psg-dc2-01_Germany, Frankfurt"
ONCE, ONCE_CLOUD, ARCHIVE = "Local_so-dc1-5260", "cloud_store_SOD5057LHR", "Local_so-dc1-5260_archive"

# name, application, tiers: (type, recurrence, every, start, keep, lock, store)
POLICIES: tuple[tuple[str, str, tuple[tuple[Any, ...], ...]], ...] = (
    (GOLD, "VMWARE", (
        ("SNAPSHOT", "HOURLY", 2, ":10", (4, "DAYS"), None, None),
        ("BACKUP", "DAILY", 1, "20:00", (14, "DAYS"), (3, "DAYS"), LOCAL),
        ("CLOUD_BACKUP", "DAILY", 1, "23:00", (30, "DAYS"), (7, "DAYS"), CLOUD))),
    (SILVER, "VMWARE", (
        ("SNAPSHOT", "HOURLY", 6, ":30", (7, "DAYS"), None, None),
        ("BACKUP", "DAILY", 1, "21:00", (10, "DAYS"), None, ONCE),
        ("CLOUD_BACKUP", "WEEKLY", 1, "22:00", (8, "WEEKS"), None, ONCE_CLOUD))),
    (BRONZE, "VMWARE", (("BACKUP", "DAILY", 1, "19:30", (14, "DAYS"), None, ONCE),)),
    (COMPLIANCE, "VMWARE", (
        ("BACKUP", "WEEKLY", 1, "04:00", (5, "WEEKS"), None, ARCHIVE),
        ("CLOUD_BACKUP", "MONTHLY", 1, "05:00", (7, "YEARS"), (7, "YEARS"), CLOUD))),
    (CLOUD_ONLY, "VMWARE", (("CLOUD_BACKUP", "WEEKLY", 1, "03:00", (12, "WEEKS"), None, CLOUD),)),
    (BRANCH, "VMWARE", (
        ("BACKUP", "DAILY", 1, "18:00", (14, "DAYS"), None, LOCAL2),
        ("CLOUD_BACKUP", "WEEKLY", 1, "06:00", (4, "WEEKS"), None, CLOUD2))),
    (SQL1, "MSSQL", (
        ("SNAPSHOT", "HOURLY", 1, ":20", (1, "DAYS"), None, None),
        ("BACKUP", "DAILY", 1, "22:30", (14, "DAYS"), None, LOCAL),
        ("CLOUD_BACKUP", "WEEKLY", 1, "01:00", (8, "WEEKS"), None, CLOUD),
        ("DATABASE_LOG_BACKUP", "BY_MINUTES", 15, "", (3, "DAYS"), None, LOCAL))),
    (SQL2, "MSSQL", (("BACKUP", "DAILY", 1, "23:30", (7, "DAYS"), None, ONCE),)),
    (ARRAY, "HPE_ARRAY_VOLUME", (
        ("SNAPSHOT", "HOURLY", 6, ":15", (2, "DAYS"), None, None),
        ("BACKUP", "DAILY", 1, "20:30", (14, "DAYS"), None, ONCE))),
    (UNUSED, "VMWARE", (("BACKUP", "DAILY", 1, "12:00", (30, "DAYS"), (30, "DAYS"), ARCHIVE),)),
)  # fmt: skip

NAMES = {
    "SNAPSHOT": ("Array_Snapshot", "Array_Snapshot_{DateFormat}"),
    "BACKUP": ("On-Premises_Protection_Store", "Local_Backup_{SourceAssetName}_{DateFormat}"),
    "CLOUD_BACKUP": ("HPE_Cloud_Protection_Store", "Cloud_Backup_{SourceAssetName}_{DateFormat}"),
    "DATABASE_LOG_BACKUP": ("Database_Log", "Log_Backup_{SourceAssetName}_{DateFormat}"),
    "REPLICATED_SNAPSHOT": ("Replicated_Snapshot", "Replicated_Snapshot_{DateFormat}"),
}
PERSON = {"id": uid("person", "ops"), "name": "backup-admin@example.com"}


def build(world: World) -> None:
    """All policies."""
    stores = {s["name"]: s for s in world.all("protection-stores")}
    for n, (name, application, tiers) in enumerate(POLICIES):
        protections = []
        for k, (tier, recurrence, every, start, keep, lock, store) in enumerate(tiers):
            schedule: Item = {"scheduleId": k + 1, "name": f"{NAMES[tier][0]}_{k + 1}",
                              "namePattern": {"format": NAMES[tier][1]},
                              "schedule": {"recurrence": recurrence, "repeatInterval": {"every": every}},
                              "expireAfter": {"value": keep[0], "unit": keep[1]}}  # fmt: skip
            if recurrence in ("WEEKLY", "MONTHLY"):
                schedule["schedule"]["repeatInterval"]["on"] = [1 + n % 5]
            if recurrence == "HOURLY":
                schedule["schedule"]["repeatInterval"]["on"] = [int(start[1:])]
            elif start:
                schedule["schedule"]["startTime"] = start
            if lock:
                schedule["lockFor"] = {"value": lock[0], "unit": lock[1]}
            if k and tier != "DATABASE_LOG_BACKUP":
                schedule["sourceProtectionScheduleId"] = k
            protection: Item = {"id": uid(world.seed, name, k), "type": tier, "schedules": [schedule]}
            if store:
                protection["protectionStoreInfo"] = store_reference(stores[store])
            protections.append(protection)
        item = world.add(
            "protection-policies", name, created_days=1200 - 40 * n, name=name, applicationType=application,
            assigned=False, createdBy=PERSON, protectionJobsInfo=[], protections=protections,
            description=f"{name.replace('-', ' ')}: {', '.join(t[0].lower().replace('_', ' ') for t in tiers)}",
        )  # fmt: skip
        item["consoleUri"] = f"/backup-and-recovery/protection-policies/{item['id']}"
        del item["customerId"]
        world.policies[name] = item


def store_reference(store: Item) -> Item:
    """How policies, jobs and copies name a store."""
    return {name: store[name] for name in ("id", "name", "protectionStoreType", "resourceUri", "type")}


def length(period: Item) -> timedelta:
    """The time of {value, unit}."""
    return span(min(period.get("value", 1), 100_000), period.get("unit", "DAYS"))


def policy_reference(policy: Item) -> Item:
    """How jobs and assets name a policy."""
    return {name: policy[name] for name in ("id", "name", "resourceUri", "type")}


def job_reference(job: Item) -> Item:
    """How assets name their job."""
    return {
        "id": job["id"],
        "name": f"{job['assetInfo']['name']} / {job['protectionPolicyInfo']['name']}"[:255],
        "protectionPolicyInfo": job["protectionPolicyInfo"],
        "resourceUri": job["resourceUri"],
        "type": job["type"],
    }


def job_entry(job: Item) -> Item:
    """How policies name their jobs."""
    return {name: job[name] for name in ("assetInfo", "id", "resourceUri", "type")}


def job(world: World, policy_name: str, asset: Item, *, operational: str = "ACTIVE", exists: bool = True) -> Item:
    """A job on an asset, in effect since both it and the policy were there; one that does not exist was deleted."""
    policy = world.policies[policy_name]
    since = max(parse_time(asset["createdAt"]), parse_time(policy["createdAt"])) + timedelta(hours=5)
    item = new_job(uid(world.seed, "job", asset["id"]), policy, asset, since, orchestrator(world, asset))
    item["operational"] = operational
    item["generation"] = 1 + number(item["id"]) % 20
    if not exists:
        return item
    for protection in item["protections"]:
        for schedule in protection["schedules"]:
            schedule["operational"] = "ACTIVE" if operational in ("ACTIVE", "PARTIALLY_SUSPENDED") else "SUSPENDED"
    world.resources.setdefault("protection-jobs", {})[item["id"]] = item
    asset["protectionJobInfo"] = job_reference(item)
    policy["assigned"] = True
    policy["protectionJobsInfo"].append(job_entry(item))
    return item


def orchestrator(world: World, asset: Item) -> str:
    """The id of the data orchestrator that works for an asset: that of its vCenter or host, or else the first."""
    for name, collection in (
        ("hypervisorManagerInfo", "hypervisor-managers"),
        ("applicationHostInfo", "application-hosts"),
    ):
        held = world.resources.get(collection, {}).get(asset.get(name, {}).get("id", ""))
        if held:
            return str(held["dataOrchestratorInfo"]["id"])
    return str(world.all("data-orchestrators")[0]["id"])


def new_job(id: str, policy: Item, asset: Item, since: datetime, orchestrator_id: str) -> Item:
    """A job as it is stored: what its schedules do follows from its history."""
    protections = [
        {**p, "schedules": [{**s, "operational": "ACTIVE", "executionStatuses": []} for s in p["schedules"]]}
        for p in policy["protections"]
    ]
    return {"id": id, "type": "backup-recovery/protection-job", "resourceUri": uri("protection-jobs", id),
            "generation": 1, "applicationType": policy["applicationType"], **job_assets(asset),
            "dataOrchestratorId": orchestrator_id, "effectiveFromDateTime": format_time(since), "operational": "ACTIVE",
            "protectionPolicyInfo": policy_reference(policy), "protections": protections}  # fmt: skip


def job_assets(asset: Item) -> Item:
    """How a job names its asset and the members of that."""
    short = [
        {"displayName": a.get("displayName") or a.get("name", ""), "id": a["id"],
         "name": a.get("name") or a.get("displayName", ""), "resourceUri": a["resourceUri"], "type": a["type"]}
        for a in (asset, *(asset.get("assets") or asset.get("members") or ()))
    ]  # fmt: skip
    return {"assetInfo": short[0], "associatedAssetsInfo": short[1:]}
