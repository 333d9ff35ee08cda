"""How a recovery point looks: made by a run, or by hand."""

# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from greenlake_backup_mcp.simulator.names import BACKUP, Item, format_time, number, uid
from greenlake_backup_mcp.simulator.seed import cases
from greenlake_backup_mcp.simulator.seed.policies import store_reference
from greenlake_backup_mcp.simulator.seed.systems import short
from greenlake_backup_mcp.simulator.seed.templates import SINGULAR, template
from greenlake_backup_mcp.simulator.seed.world import World

from . import outages, runs, schedules, sizes
from .copies import Series, copy_id, series_key
from .runs import Run
from .schedules import MIB, Member

HOLDERS = frozenset(SINGULAR)
TIERS = {"snapshots": ("SNAPSHOT", "REPLICATED_SNAPSHOT"), "backups": ("BACKUP", "CLOUD_BACKUP")}
VERIFIED = 10  # one of so many backups was verified
CHANGED = 40  # what a full copy takes to what one of changes does


def stamp(time: int) -> str:
    """Seconds as the service writes a time."""
    return format_time(datetime.fromtimestamp(time, UTC))


def render(world: World, asset: Item, series: Series, due: int, run: Run) -> Item:
    """The copy that a run left of an asset."""
    schedule, member = series.schedule, series.member
    if not series.template:
        kind = schedules.KINDS[schedule.tier]
        series.template = template(world, member.holder, asset, kind, schedule.protection, schedule.item)
    item = dict(series.template)
    taken = due + (cases.CLOCK_AHEAD if member.case == "clock-ahead" and due >= member.case_since else 0)
    _identify(item, member.holder, series.id(due), stamp(taken))
    item["name"] = _name(schedule.tier, member.name, taken)
    item["updatedAt"] = stamp(taken + run.end - due)
    item["generation"] = 1 + number(series.key, due) % 4
    if schedule.keep is not None:
        item["expiresAt"] = stamp(due + schedule.keep)
    if schedule.lock is not None:
        item["lockedUntil"] = stamp(due + schedule.lock)
    if "dataOrchestratorInfo" in item:
        held = world.resources["data-orchestrators"].get(schedule.orchestrator)
        item["dataOrchestratorInfo"] = [short(held)] if held else []
    _state(item, member, run)
    if schedule.store:
        _backup(world, item, series, due, run)
    elif member.holder == "volume-protection-groups":
        item["individualSnapshotsInfo"] = [_volume(item, a, asset, sizes.copy_mib(member, schedule, due))
                                           for a in asset["assets"]]  # fmt: skip
    elif member.mib and "volumesSnapshotInfo" in item:
        mib = sizes.copy_mib(member, schedule, due)
        item["volumesSnapshotInfo"] = [{**v, "sizeInMib": mib} for v in item["volumesSnapshotInfo"]]
    return item


def _identify(item: Item, holder: str, id: str, taken: str) -> None:
    """Make a template that of one recovery point."""
    item |= {"id": id, "resourceUri": item["resourceUri"] + id, "pointInTime": taken}
    if "consoleUri" in item:
        item["consoleUri"] += id
    if holder != "mssql-databases":
        item["createdAt"] = taken


def _name(tier: str, name: str, taken: int) -> str:
    text = f"{name[:60]}_{datetime.fromtimestamp(taken, UTC):%Y-%m-%d_%H:%M}"
    return text if tier == "SNAPSHOT" else f"{'Cloud' if tier[0] == 'C' else 'Local'}_Backup_{text}"


def _state(item: Item, member: Member, run: Run) -> None:
    status, reason = run.part(member)
    if status == runs.ERROR:
        item |= {"state": "ERROR", "status": "ERROR", "stateReason": reason}
    elif status == runs.WARNING:
        item["stateReason"] = reason
    if "consistency" in item:
        fell_back = status == runs.WARNING and reason == outages.TOOLS
        wanted = "APPLICATION" if member.application or fell_back else "CRASH"
        item["consistency"] = "CRASH_CONSISTENT_ON_FAILURE" if fell_back else wanted
    if "partialBackup" in item:
        item["partialBackup"] = status == runs.WARNING and reason == runs.disk_left_out(member)
        if item["partialBackup"]:
            item["virtualDisks"] = item["virtualDisks"][:-1]


def _backup(world: World, item: Item, series: Series, due: int, run: Run) -> None:
    member = series.member
    source = _source(series, due)
    item["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": source}
    if member.holder != "volume-protection-groups":
        chained = series.phase.schedules.get(series.schedule.source or 0)
        kind = "backups" if chained and chained.tier == "BACKUP" else "snapshots"
        item["sourceCopyInfo"]["resourceUri"] = f"{BACKUP}/{member.holder}/{member.id}/{kind}/{source}"
        item["sourceCopyInfo"]["type"] = kind[:-1].upper()
    objects = len(series.phase.parts) if member.container else member.disks
    item["backupSetsInfo"] = [_set(member.holder, item["id"], objects, series.size(due, run))]
    if "fullBackup" in item:
        item["fullBackup"] = series.is_full(due)
    if member.holder == "mssql-databases" and (logs := _logs(world, series, due)):
        item["logBackupInfo"] = logs
    if "verified" in item and item["state"] == "OK":
        if member.case == "failed-verification" and due >= member.case_since:
            item["verificationInfo"] = {"state": "VERIFY_ERROR", "status": "ERROR", "verifiedAt": item["updatedAt"],
                                        "stateReason": "Blocks of the backup differ from its snapshot."}  # fmt: skip
        elif number(series.key, due) % VERIFIED == 0 and not run.part(member)[1]:
            item["verified"] = True
            item["verificationInfo"] = {"state": "VERIFIED", "stateReason": "", "status": "OK",
                                        "verifiedAt": item["updatedAt"]}  # fmt: skip


def _logs(world: World, series: Series, due: int) -> Item | None:
    """How far log backups reach that follow a copy: the last good one, still kept, before the next copy."""
    now = series.clock()
    until = min((series.schedule.calendar.next(due) or now) - 1, now)
    for logs in series.phase.schedules.values():
        if logs.tier == "DATABASE_LOG_BACKUP" and logs.keep:
            for one in logs.calendar.backwards(until):
                run = runs.decide(series.phase, logs, one, series.lost)
                if one <= max(due, now - logs.keep):
                    break
                held = world.resources["protection-stores"].get(logs.store)
                if held and run.end <= now and run.part(series.member)[0] in runs.GOOD:
                    return {"lastLogBackupTime": stamp(one), "protectionStoreInfo": store_reference(held),
                            "storageSystemInfo": held["storageSystemInfo"]}  # fmt: skip
    return None


def _source(series: Series, due: int) -> str:
    """The id of the copy that this one was made from: the newest good one of the schedule it is chained to."""
    source = series.phase.schedules.get(series.schedule.source or 0)
    if source:
        kind = schedules.KINDS[source.tier]
        key = series_key(series.seed, series.member.id, kind, source.job, source.id)
        for one in source.calendar.backwards(due):
            if one < max(source.since, due - 2 * series.schedule.calendar.interval):
                break
            if runs.decide(series.phase, source, one, series.lost).part(series.member)[0] in runs.GOOD:
                return copy_id(key, one)
    return uid(series.key, due, "source")


def _set(holder: str, prefix: str, objects: int, mib: int) -> Item:
    """What a backup consists of; one that is made of other backups takes no room of its own and tells no size."""
    backup: Item = {"id": uid(prefix, "set"), "objectCount": objects}
    if mib and holder in ("virtual-machines", "datastores"):
        backup["sizeInMib"] = mib
    elif mib:
        backup["sizeInBytes"] = mib * MIB
    return {"backups": [backup]}


def _volume(item: Item, volume: Item, group: Item, mib: int) -> Item:
    id = uid(item["id"], volume["id"])
    return {"id": id, "name": item["name"], "resourceUri": f"{volume['resourceUri']}/snapshots/{id}",
            "sizeInMiB": max(1, mib // len(group["assets"])), "type": "storage-fleet/snapshot",
            "volumeId": volume["id"], "volumeName": volume["displayName"]}  # fmt: skip


def fresh(
    world: World, holder: str, asset: Item, kind: str, id: str, taken: datetime, *, full: bool = True, **values: Any
) -> Item:
    """A recovery point that somebody has just made, `full` or of what changed; `values` beats what it would be."""
    protection, schedule = values.pop("protection", None), values.pop("schedule", None)
    item = template(world, holder, asset, kind, protection, schedule)
    time = format_time(taken)
    _identify(item, holder, id, time)
    item |= {"updatedAt": time, "name": f"{asset['name'][:60]}_{taken:%Y-%m-%d_%H:%M:%S}"}
    if "fullBackup" in item:
        item["fullBackup"] = full
    if kind == "backups":
        member = schedules.member(world.seed, holder, asset)
        used = sizes.used_mib(member, int(taken.timestamp())) if member.mib else 0
        item["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": uid(id, "source")}
        item["backupSetsInfo"] = [_set(holder, id, member.disks, used if full else used // CHANGED)]
    return item | values
