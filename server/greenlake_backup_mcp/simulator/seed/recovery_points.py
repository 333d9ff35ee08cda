"""Seeded recovery points: series by schedule, the little that differs between two of them, and fresh ones."""

# ruff: noqa: A002, PLR0913, PLR0917

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from greenlake_backup_mcp.simulator.names import BACKUP, Item, format_time, number, uid

from . import policies
from .policies import length, period
from .series import Copies, Series
from .templates import SINGULAR, template
from .world import World

HOLDERS = frozenset(SINGULAR)


TIERS = {"snapshots": ("SNAPSHOT", "REPLICATED_SNAPSHOT"), "backups": ("BACKUP", "CLOUD_BACKUP")}


def copies(world: World, holder: str, asset: Item, kind: str, many: int = 0) -> Copies:
    """The recovery points of an asset; `many` makes one schedule own that number of them instead."""
    policy = world.policies.get(world.plans.get(asset["id"], ""))
    if policy is None:
        return Copies(())
    found = [
        _series(world, holder, asset, kind, policy, protection, schedule)
        for protection in policy["protections"]
        if protection["type"] in TIERS[kind]
        for schedule in protection["schedules"]
    ]
    if many and found:
        one = found[0]
        found = [Series(one.key, one.tier, one.newest, timedelta(minutes=5), many, timedelta(days=3650), None,
                        one.template, one.detail)]  # fmt: skip
    return Copies(tuple(found))


def _series(
    world: World, holder: str, asset: Item, kind: str, policy: Item, protection: Item, schedule: Item
) -> Series:
    keep, every = length(schedule["expireAfter"]), period(schedule)
    newest = policies.last_run(schedule, world.now) + timedelta(seconds=number(asset["id"]) % 900)
    newest -= every if newest > world.now else timedelta()
    newest -= keep * 0.7 if asset["id"] in world.lapsed else timedelta()
    return Series(
        key=uid(world.seed, asset["id"], kind, protection["id"], schedule["scheduleId"])[14:],
        tier=protection["type"],
        newest=newest,
        every=every,
        count=min(int(keep / every) + 1, 400),
        keep=keep,
        lock=length(schedule["lockFor"]) if "lockFor" in schedule else None,
        template=template(world, holder, asset, kind, protection, schedule),
        detail=partial(_detail, world.seed, holder, kind, policy, asset),
    )


def fresh(
    world: World,
    holder: str,
    asset: Item,
    kind: str,
    id: str,
    taken: datetime,
    **values: Any,
) -> Item:
    """A recovery point that somebody or a schedule has just made; `values` beats what it would be."""
    item = template(world, holder, asset, kind, values.pop("protection", None), values.pop("schedule", None))
    time = format_time(taken)
    item |= {
        "id": id,
        "pointInTime": time,
        "updatedAt": time,
        "name": f"{asset['name'][:60]}_{taken:%Y-%m-%d_%H:%M:%S}",
    }
    item["resourceUri"] += id
    if holder != "mssql-databases":
        item["createdAt"] = time
    if "consoleUri" in item:
        item["consoleUri"] += id
    if "fullBackup" in item:
        item["fullBackup"] = True
    if kind == "backups":
        item["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": uid(id, "source")}
        item["backupSetsInfo"] = _sets(holder, id, 0, number(id))
    return item | values


STATES = {  # of a thousand backups
    **dict.fromkeys(range(6), ("ERROR", "ERROR", "Backup failed: the protection store has no free space.")),
    **dict.fromkeys((6, 7), ("UPDATING", "OK", "")),
}


def _detail(
    seed: int, holder: str, kind: str, policy: Item, asset: Item, series: Series, index: int, item: Item
) -> None:
    """What differs between two copies of a schedule."""
    dice = number(series.key, index)
    taken = series.newest - index * series.every
    name = f"{asset['name'][:60]}_{taken:%Y-%m-%d_%H:%M}"
    item["name"] = (
        name if series.tier == "SNAPSHOT" else f"{'Cloud' if series.tier[0] == 'C' else 'Local'}_Backup_{name}"
    )
    ready = taken + timedelta(seconds=30 if series.tier == "SNAPSHOT" else 600 + dice % 1800)
    item["updatedAt"] = format_time(ready)
    item["generation"] = 1 + dice % 4
    if holder != "mssql-databases":
        item["createdAt"] = item["pointInTime"]
    if state := STATES.get(dice % 1000):
        item["state"], item["status"], item["stateReason"] = state
    if "consistency" in item:
        asked = dice % 100
        item["consistency"] = "CRASH" if asked < 55 else "APPLICATION" if asked < 95 else "CRASH_CONSISTENT_ON_FAILURE"
        if asked >= 95:
            item["stateReason"] = "VMware Tools are not running; a crash-consistent copy was created."
    if kind == "backups":
        source = uid(series.key, index, "source")
        item["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": source}
        if holder != "volume-protection-groups":
            item["sourceCopyInfo"]["resourceUri"] = f"{BACKUP}/{holder}/{asset['id']}/snapshots/{source}"
        item["backupSetsInfo"] = _sets(holder, series.key, index, dice)
        if "verified" in item and dice % 10 == 0:
            item["verified"] = True
            item["verificationInfo"] = {
                "state": "VERIFIED",
                "stateReason": "",
                "status": "OK",
                "verifiedAt": format_time(ready),
            }
        if "fullBackup" in item:
            item["fullBackup"] = index % 14 == 13
    elif holder == "volume-protection-groups":
        item["individualSnapshotsInfo"] = [
            {
                "id": uid(item["id"], a["id"]),
                "name": name,
                "resourceUri": f"{a['resourceUri']}/snapshots/{uid(item['id'], a['id'])}",
                "sizeInMiB": 100 + dice % 5000,
                "type": "storage-fleet/snapshot",
                "volumeId": a["id"],
                "volumeName": a["displayName"],
            }
            for a in asset["assets"]
        ]


def _sets(holder: str, prefix: str, index: int, dice: int) -> list[Any]:
    size = 800 + dice % 90_000
    mib = holder in ("virtual-machines", "datastores")
    backup: Item = {"id": uid(prefix, index, "set"), "objectCount": 1 + dice % 3}
    backup["sizeInMib" if mib else "sizeInBytes"] = size if mib else size << 20
    return [{"backups": [backup]}]
