"""TABLE of the tools that answer over the whole estate, from the backup catalog: what a model sees of them.

What they do is in catalog/ and fleet/; kept apart so that tools/list needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable

from greenlake_backup_mcp.openapi.document import Schema

from .danger import Danger
from .registry import OUTPUT, Tool, own_tool


def _question(name: str, title: str, description: str, properties: Schema, *, required: Iterable[str] = ()) -> Tool:
    return own_tool(name, title, description, "fleet", Danger.READ, properties, required=required)


QUERY_CATALOG = _question(
    "query_catalog",
    "Query the backup catalog (SQL)",
    "SQL (SQLite, SELECT only) over the whole tenant in one call: counts, joins, what no other tool answers. NULL = "
    "not known (unread), never none; every answer names coverage and age. Views and columns:\n"
    "assets(id, kind vm|datastore|vm_group|mssql_database|mssql_group|volume_group, name, listed, protection_status, "
    "class, power, vcenter, cluster, datastores, arrays, size_gib, copies_state read|stale|unread, copies, "
    "failed_copies, newest_usable, newest_usable_array, newest_usable_on_premises, newest_usable_off_site, "
    "last_usable_expiry, usable_locked_until, usable_locked_off_site_until, verified_copies, newest_verified)\n"
    "recovery_points(id, asset, asset_id, asset_kind, kind SNAPSHOT|REPLICATED_SNAPSHOT|BACKUP|CLOUD_BACKUP, place "
    "array|on_premises|off_site, usable, why_not, point_in_time, expires, locked_until, locked, state, verified, "
    "consistency, size_gib, store, array, schedule)\n"
    "recovery_point_sets (the same summed per asset, kind, store, schedule: small, fast) · asset_jobs (asset × job: "
    "own, group, datastore) · jobs · schedules · policies · policy_schedules · runs · stores(reachable, why_not) · "
    "gateways · storeonces · orchestrators · members · tags · tasks · restores · issues · approvals · settings · "
    "changes · store_usage · coverage. Moments are ISO text, each also as x_age_hours (past) or x_in_days (ahead); "
    "'now' is the answer's moment. All columns: resource greenlake-backup://catalog.\n"
    "SELECT name, newest_usable_age_hours FROM assets WHERE kind='vm' AND listed AND newest_usable_age_hours>48\n"
    "SELECT store, count(*), sum(locked) FROM recovery_points WHERE expires_in_days<7 GROUP BY 1",
    {
        "sql": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "Rows shown. Default 50."},
        "output": OUTPUT,
    },
    required=["sql"],
)

_MOMENT = {"type": "string"}
_OFFSET = {"type": "integer", "minimum": 0, "description": "Rows passed over, to see the rest."}
_ZONE = {"type": "string", "description": "Europe/Berlin; default: the machine's."}
FIND_RECOVERY_POINTS = _question(
    "find_recovery_points",
    "Find recovery points",
    "Which recovery point to restore from, over all assets and kinds: can X come back, from when, where does the "
    "copy lie. Counts and sizes, then the best first (usable, nearest to the moment), each with why it is worse. "
    "Moments: 2026-11-23T14:00Z, 2026-11-23, now-24h.",
    {
        "asset": {"type": "string", "description": "Name or id; all that bear the name. Left out: all assets."},
        "assetKind": {
            "type": "string",
            "enum": ["vm", "datastore", "vm_group", "mssql_database", "volume_group"],
        },
        "before": {"type": "string", "description": "Point in time not after."},
        "after": {"type": "string", "description": "Point in time not before."},
        "nearest": {"type": "string", "description": "Ranks by distance to this moment."},
        "usable": {"type": "boolean", "description": "State good, not expired, store and way to it up."},
        "place": {"type": "string", "enum": ["array", "on_premises", "off_site"]},
        "store": {"type": "string", "description": "Name or id."},
        "locked": {"type": "boolean"},
        "verified": {"type": "boolean"},
        "expiresBefore": _MOMENT,
        "expiresAfter": _MOMENT,
        "minGib": {"type": "number", "minimum": 0},
        "limit": {"type": "integer", "minimum": 0, "maximum": 200, "description": "Rows shown. Default 12."},
        "offset": _OFFSET,
        "timeZone": _ZONE,
        "output": OUTPUT,
    },
)

_PLACES = ["array", "on_premises", "off_site"]
_KINDS = ["vm", "mssql_database", "volume_group", "datastore", "vm_group", "mssql_group"]
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 500, "description": "Rows shown. Default 12."}

CHECK_PROTECTION = _question(
    "check_protection",
    "Check protection",
    "Which assets are protected, judged by rule over the whole estate, in one call: what is not backed up or has no "
    "policy (cover); older than 24 hours, missed RPO (fresh); green but not restorable (usable); verified; restores "
    "tested; consistent; 3-2-1-1-0; ransomware-proof, immutable, locked until a date (immutable); only one copy, same "
    "place as production, off site (off_site); last copy about to expire (expiring, horizon); dropped out of backup, "
    "gone too early, weakened (vanished); policy against copies (contradictions); AWS' ten audit controls (frame). "
    "Counts add up, exceptions and unread apart; proof for an auditor as a file. Without control: all, a line each.",
    {
        "control": {
            "type": "string",
            "enum": [
                *("cover", "fresh", "usable", "verified", "tested", "consistent", "3-2-1-1-0", "immutable"),
                *("off_site", "expiring", "horizon", "vanished", "contradictions"),
                *("anomaly", "encryption", "restore_time", "deletion_rights", "frame"),
            ],
        },
        "name": {"type": "string", "description": "Of assets; * stands for anything."},
        "kind": {"type": "string", "enum": _KINDS},
        "policy": {"type": "string"},
        "group": {"type": "string", "description": "Group or datastore that holds them."},
        "location": {"type": "string", "description": "vCenter, cluster, host, folder, datastore, array."},
        "tag": {"type": "string"},
        "minGib": {"type": "number", "minimum": 0},
        "place": {"type": "string", "enum": _PLACES, "description": "Looks at copies there alone."},
        "hours": {"type": "number", "minimum": 0, "description": "fresh, off_site: younger than."},
        "days": {"type": "number", "minimum": 0, "description": "verified, tested, expiring, horizon, vanished."},
        "until": {"type": "string", "description": "immutable: locked until this moment."},
        "since": {"type": "string", "description": "fresh: RPO met since then (now-30d), worst gap."},
        "verdict": {
            "type": "string",
            "enum": ["not_met", "met", "accepted", "pending", "unread", "not_judged", "all"],
            "description": "Which are listed. Default: not met or pending; as JSON all but met.",
        },
        "limit": _LIMIT,
        "offset": _OFFSET,
        "timeZone": _ZONE,
        "output": OUTPUT,
    },
)

DESCRIBE_ASSET = _question(
    "describe_asset",
    "Describe an asset",
    "Everything about one VM, server, database, datastore or group, by name: is it protected, why is it not backed up, "
    "when was it last backed up, by which policy, does it keep its promise, what it comes back from, how many copies "
    "and where, failures and their cause, what runs or waits.",
    {
        "asset": {"type": "string", "description": "Name or id; all that bear the name."},
        "kind": {"type": "string", "enum": _KINDS},
        "timeZone": _ZONE,
        "output": OUTPUT,
    },
    required=["asset"],
)

CHECK_HEALTH = _question(
    "check_health",
    "Check health: the morning check",
    "Is the backup all right, what failed, what is wrong and what needs a person today: one verdict over the whole "
    "estate, everything wrong grouped by cause (each asset once, gravest first: nothing to restore from, last copy "
    "going, off-site copy late, RPO missed), unhealthy systems, full stores, failing and suspended jobs, approvals, "
    "contradictions, the backup of the backup (catalogue, clocks, versions, remote access), and what is not known.",
    {
        "since": {"type": "string", "description": "Tasks and changes since then: now-24h (default), 2026-11-23."},
        "limit": _LIMIT,
        "offset": _OFFSET,
        "timeZone": _ZONE,
        "output": OUTPUT,
    },
)

SHOW_DEPENDENTS = _question(
    "show_dependents",
    "Show dependents and what a loss would leave",
    "What hangs on a store, gateway, StoreOnce, orchestrator, array, datastore, host, vCenter or policy (jobs, assets, "
    "recovery points), what it stands on, and what if it were lost, fails or is deleted: which assets are lost, fall "
    'back how far, are fine. name "unlocked copies": are we ransomware-proof, what would survive an attack on all that '
    "is not locked.",
    {
        "name": {"type": "string", "description": "Name or id; all that bear the name."},
        "kind": {
            "type": "string",
            "enum": [
                *("store", "gateway", "storeonce", "orchestrator", "array", "datastore", "host", "vcenter"),
                "policy",
            ],
        },
        "limit": _LIMIT,
        "offset": _OFFSET,
        "timeZone": _ZONE,
        "output": OUTPUT,
    },
    required=["name"],
)

SHOW_CHANGES = _question(
    "show_changes",
    "Show what changed",
    "What changed since a moment, by whom as far as told: recovery points made, gone as planned, deleted too early; "
    "safeguards, retention or locks weakened; jobs suspended or removed; gateways lost; machines new and without "
    "protection; how stores filled up.",
    {
        "since": {"type": "string", "description": "now-7d (default), 2026-11-23, 2026-11-23T14:00Z."},
        "asset": {"type": "string", "description": "Name or id of an asset or thing; default all."},
        "limit": _LIMIT,
        "offset": _OFFSET,
        "timeZone": _ZONE,
        "output": OUTPUT,
    },
)

FLEET = (
    CHECK_HEALTH,
    CHECK_PROTECTION,
    DESCRIBE_ASSET,
    SHOW_DEPENDENTS,
    SHOW_CHANGES,
    FIND_RECOVERY_POINTS,
    QUERY_CATALOG,
)
BEYOND = {
    **dict.fromkeys(
        (
            *("get_protection_store", "get_protection_store_gateway", "get_storeonce", "get_data_orchestrator"),
            "get_protection_policy",
        ),
        SHOW_DEPENDENTS,
    ),
    **dict.fromkeys(
        (
            *("get_vm", "get_datastore", "get_vm_protection_group", "get_mssql_database"),
            *("get_mssql_database_protection_group", "get_volume_protection_group"),
        ),
        DESCRIBE_ASSET,
    ),
}
"""Tool that reads one thing → tool over the estate that tells what hangs on it, or all of it."""
