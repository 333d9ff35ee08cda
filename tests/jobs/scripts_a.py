"""Scripts of set A: what a model asks to answer the twelve questions, with as few calls as the tools allow."""

# ruff: noqa: S608  (a model writes its queries so; the server lets nothing but SELECT through)

from __future__ import annotations

from collections import Counter
from typing import Any

from .job import Findings
from .session import Session
from .steps import NOW, query
from .tables import Row, time

KINDS = {"vm": "virtual-machines", "mssql_database": "mssql-databases", "volume_group": "volume-protection-groups"}
# a VM on a protected datastore is covered by the datastore's job where the service says so
COVERED = """(SELECT c.asset_id, c.asset_kind, c.job_id, c.policy FROM asset_jobs c JOIN assets a ON a.id = c.asset_id
 WHERE c.asset_kind IN ('vm', 'mssql_database', 'volume_group')
 AND (c.way <> 'datastore' OR a.policy_level = 'DATASTORE'))"""


def kinds(rows: list[Row]) -> dict[str, int]:
    """Assets by kind of rows `asset_kind, assets`."""
    return {KINDS[row["asset_kind"]]: int(row["assets"]) for row in rows if row.get("asset_kind")}


async def morning(s: Session) -> Findings:
    """A1."""
    since = s.shift(NOW, days=-1)
    (numbers,) = await query(s, f"""
        SELECT (SELECT count(*) FROM tasks WHERE state IN ('FAILED','TIMEDOUT') AND created > '{since}') AS failed,
        (SELECT count(*) FROM tasks WHERE created < '{since}'
         AND state NOT IN ('SUCCEEDED','FAILED','CANCELLED','TIMEDOUT')) AS endless,
        (SELECT count(*) FROM issues WHERE severity = 'CRITICAL') AS critical,
        (SELECT count(*) FROM jobs WHERE operational <> 'ACTIVE') AS suspended,
        (SELECT count(*) FROM (SELECT job_id FROM schedules GROUP BY 1 HAVING max(prev_good) IS NULL)) AS never,
        (SELECT count(*) FROM approvals WHERE upper(state) = 'PENDING') AS waiting""")  # fmt: skip
    causes = await query(s, """SELECT last_error, count(DISTINCT job_id) AS jobs FROM schedules
        WHERE last_status = 'ERROR' GROUP BY 1""")  # fmt: skip
    systems = await query(s, """
        SELECT name, reason FROM orchestrators WHERE status <> 'OK' OR state <> 'OK' OR connection <> 'CONNECTED'
        UNION ALL SELECT name, reason FROM gateways WHERE health <> 'OK' OR connection <> 'CONNECTED'
        UNION ALL SELECT name, reason FROM storeonces WHERE health <> 'OK' OR connection <> 'CONNECTED'
        UNION ALL SELECT name, reason FROM stores WHERE status <> 'OK' OR connection <> 'CONNECTED'
        UNION ALL SELECT name, reason FROM vcenters WHERE status <> 'OK'
        UNION ALL SELECT name, reason FROM hosts WHERE status <> 'OK'
        UNION ALL SELECT name, reason FROM application_hosts WHERE status <> 'OK'
        UNION ALL SELECT name, reason FROM assets WHERE kind <> 'vm' AND status <> 'OK'""")  # fmt: skip
    return {
        "failed since yesterday": int(numbers["failed"]),
        "jobs that fail, by cause": {row["last_error"]: int(row["jobs"]) for row in causes},
        "unhealthy systems": {row["name"] for row in systems},
        "critical issues": int(numbers["critical"]),
        "suspended jobs": int(numbers["suspended"]),
        "jobs that never succeeded": int(numbers["never"]),
        "approvals waiting": int(numbers["waiting"]),
        "tasks without end": int(numbers["endless"]),
    }


async def one_asset(s: Session) -> Findings:
    """A2."""
    rows = await query(s, """
        SELECT a.vcenter, j.policy, r.kind, max(r.point_in_time) AS newest, r.expires FROM recovery_points r
        JOIN assets a ON a.id = r.asset_id LEFT JOIN jobs j ON j.asset_id = a.id
        WHERE a.name = 'db-prod-01' AND r.state NOT IN ('ERROR','CREATING','DELETING')
        GROUP BY a.id, r.kind""")  # fmt: skip
    collected: Findings = {}
    for row in rows:
        where, tier = row["vcenter"], row["kind"]
        collected[f"{where} policy"] = row["policy"]
        collected[f"{where} last {tier}"] = time(row["newest"])
        if tier == "CLOUD_BACKUP":
            end = time(row["expires"])
            collected[f"{where} cloud copy kept until"] = end.date() if end else None
    return collected


async def nothing_usable(s: Session) -> Findings:
    """A3."""
    since = s.shift(NOW, hours=-48)
    rows = await query(s, f"""SELECT id, copies FROM assets WHERE kind = 'vm' AND listed AND class IS NULL
        AND (newest_usable IS NULL OR newest_usable < '{since}')""")  # fmt: skip
    return {
        "no recovery point": {row["id"] for row in rows if row["copies"] == "0"},
        "none usable younger than 48 h": {row["id"] for row in rows if row["copies"] != "0"},
    }


async def late(s: Session) -> Findings:
    """A4."""
    rows = await query(s, """SELECT job_id, tier, prev_good FROM schedules WHERE prev_good_age_hours > every *
        CASE recurrence WHEN 'BY_MINUTES' THEN 1 / 60.0 WHEN 'HOURLY' THEN 1 WHEN 'DAILY' THEN 24
        WHEN 'WEEKLY' THEN 7 * 24 ELSE 31 * 24 END
        UNION ALL SELECT job_id, NULL, NULL FROM schedules GROUP BY 1 HAVING max(prev_good) IS NULL""")  # fmt: skip
    never = {row["job_id"] for row in rows if not row["tier"]}
    return {"late": {(r["job_id"], r["tier"]): time(r["prev_good"]) for r in rows if r["tier"]}, "never": never}


async def last_copies(s: Session) -> Findings:
    """A5."""
    rows = (await s.read("check_protection", control="expiring", days=7, kind="vm", limit=200)).rows
    ends = {row["id"]: time(row["lastUsableGoes"]) for row in rows}
    return {"last usable copy expires": {vm: end.date() for vm, end in ends.items() if end}}


async def fullest_store(s: Session) -> Findings:
    """A6."""
    stores = await query(s, "SELECT name, full_percent FROM stores WHERE full_percent IS NOT NULL")
    full = {row["name"]: float(row["full_percent"]) for row in stores}
    fullest = max(full, key=lambda name: full[name])
    policies = await query(s, f"SELECT DISTINCT policy, store FROM policy_schedules WHERE store = '{fullest}'")
    under = f"(SELECT job_id FROM schedules WHERE store = '{fullest}')"
    assets = await query(s, f"""SELECT asset_kind, count(DISTINCT asset_id) AS assets,
        (SELECT count(DISTINCT job_id) FROM schedules WHERE store = '{fullest}') AS jobs
        FROM {COVERED} WHERE job_id IN {under} GROUP BY 1""")  # fmt: skip
    return {"per cent full": full, "fullest": fullest, "policies": {row["policy"] for row in policies},
            "jobs": int(assets[0]["jobs"]), "assets": kinds(assets)}  # fmt: skip


async def unsafe_policies(s: Session) -> Findings:
    """A7."""
    rows = await query(s, f"""SELECT p.policy, p.off_site, p.locked, c.asset_kind, c.assets FROM
        (SELECT policy, max(tier = 'CLOUD_BACKUP') AS off_site, max(lock IS NOT NULL) AS locked
         FROM policy_schedules GROUP BY 1) p LEFT JOIN (SELECT policy, asset_kind, count(DISTINCT asset_id) AS assets
         FROM {COVERED} GROUP BY 1, 2) c ON c.policy = p.policy
        WHERE p.off_site = 0 OR p.locked = 0""")  # fmt: skip
    result: dict[str, dict[str, Any]] = {"nothing off site": {}, "nothing locked": {}}
    for fact, column in (("nothing off site", "off_site"), ("nothing locked", "locked")):
        for row in rows:
            if row[column] == "0":
                result[fact].setdefault(row["policy"], {}).update(kinds([row]))
    return result


NIGHT = "2026-11-23 18:00"


async def last_night(s: Session) -> Findings:
    """A8."""
    begin = s.shift(NIGHT)
    rows = await query(s, f"""SELECT x.tier, x.status,
        CASE WHEN x.status IN ('ERROR','SKIPPED') THEN x.job_id END AS job, x.error, count(*) AS n
        FROM (SELECT s.job_id, s.tier, r.status, r.error, max(r.at) FROM schedules s
         LEFT JOIN runs r ON r.job_id = s.job_id AND r.schedule_id = s.schedule_id AND r.at >= '{begin}'
         WHERE s.policy = 'Gold-Protection-Policy' AND s.tier IN ('BACKUP','CLOUD_BACKUP') GROUP BY 1, 2) x
        GROUP BY 1, 2, 3, 4""")  # fmt: skip
    assets = await query(s, f"""SELECT asset_kind, count(DISTINCT asset_id) AS assets FROM {COVERED}
        WHERE policy = 'Gold-Protection-Policy' GROUP BY 1""")  # fmt: skip
    states: dict[str, Counter[str]] = {"BACKUP": Counter(), "CLOUD_BACKUP": Counter()}
    for row in rows:
        states[row["tier"]][row["status"] or "did not run"] += int(row["n"])
    reasons = {(row["job"], row["tier"]): row["error"] for row in rows if row["job"]}
    return {**{f"{tier} runs": dict(count) for tier, count in states.items()}, "reasons": reasons,
            "assets": kinds(assets)}  # fmt: skip


async def lost_gateway(s: Session) -> Findings:
    """A9."""
    stores = await query(s, """SELECT g.reason, s.name FROM gateways g JOIN stores s ON s.system_id = g.id
        WHERE g.name = 'psg-dc2-01'""")  # fmt: skip
    jobs = await query(s, f"""SELECT job_id, (SELECT count(DISTINCT asset_id) FROM {COVERED} WHERE asset_kind = 'vm'
         AND job_id IN (SELECT job_id FROM schedules WHERE store IN
          (SELECT name FROM stores WHERE system = 'psg-dc2-01'))) AS vms
        FROM schedules WHERE store IN (SELECT name FROM stores WHERE system = 'psg-dc2-01') GROUP BY 1""")  # fmt: skip
    when = time(stores[0]["reason"].partition("since ")[2])
    return {"lost contact": f"{when:%Y-%m-%dT%H:%M}" if when else "", "stores": {row["name"] for row in stores},
            "jobs": {row["job_id"] for row in jobs}, "VMs": int(jobs[0]["vms"])}  # fmt: skip


DAY = "2027-06-30"


async def auditor(s: Session) -> Findings:
    """A10."""
    asked = {"control": "immutable", "until": DAY, "place": "off_site", "kind": "vm", "limit": 200}
    locked = (await s.read("check_protection", **asked, verdict="met")).rows
    under = await s.read("check_protection", **asked, policy="Compliance-7y")
    return {"locked off site until then": {row["id"] for row in locked},
            "exceptions under Compliance-7y": {row["id"] for row in under.rows}}  # fmt: skip


async def verified(s: Session) -> Findings:
    """A11."""
    since = s.shift(NOW, days=-14)
    rows = await query(s, f"""SELECT asset_id, count(*) AS backups,
        sum(verified AND verified_at > '{since}') AS fresh, sum(count(*)) OVER () AS every,
        sum(sum(verified AND verified_at > '{since}')) OVER () AS verified
        FROM recovery_points WHERE asset_kind = 'vm' AND kind IN ('BACKUP','CLOUD_BACKUP')
        GROUP BY 1 ORDER BY coalesce(fresh, 0) > 0, backups DESC LIMIT 5""")  # fmt: skip
    return {"verified in 14 days": int(rows[0]["verified"]), "backups": int(rows[0]["every"]),
            "five": [row["asset_id"] for row in rows if row["fresh"] in ("0", "")]}  # fmt: skip


async def old_snapshots(s: Session) -> Findings:
    """A12."""
    before = s.shift(NOW, days=-3)
    (row,) = await query(s, f"""SELECT count(*) AS snapshots, sum(locked) AS locked, sum(size_gib) AS gib
        FROM recovery_points
        WHERE asset_kind = 'vm' AND kind = 'SNAPSHOT' AND point_in_time < '{before}'""")  # fmt: skip
    return {"snapshots": int(row["snapshots"]), "locked": int(row["locked"]), "GiB": float(row["gib"])}
