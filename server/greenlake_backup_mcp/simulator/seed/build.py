"""The seeded tenant: everything a mid-size customer has, linked, the same for the same seed and time.

What is in it is decided in the modules of this package; the copies and the past are made when asked for.
"""

# ruff: noqa: A001

from __future__ import annotations

from datetime import datetime, timedelta

from greenlake_backup_mcp.simulator.names import Item, format_time, uid

from . import approvals, databases, policies, recovery_points, sites, tasks, templates, virtual_machines
from .series import Copies
from .world import World

BULK = "bulk-archive-01"


def build(seed: int, now: datetime, *, hostile: bool, dual_authorization: bool, pending_word: str) -> World:
    """The tenant's resources; `now` is when it was last in order."""
    world = World(seed, now)
    sites.build(world)
    policies.build(world)
    virtual_machines.build(world, hostile)
    databases.build(world)
    databases.build_volumes(world)
    tasks.issues(world)
    tasks.settings(world, dual_authorization)
    waiting = next(vm for vm in world.all("virtual-machines") if vm["displayName"] == "sap-prod-01")
    held = copies(world, "virtual-machines", waiting, "backups").changed.values()
    approvals.build(world, next(b for b in held if b["state"] == "PENDING_DELETE_APPROVAL"), pending_word)
    return world


def copies(world: World, holder: str, asset: Item, kind: str, many: int = 0) -> Copies:
    """The recovery points of an asset, with the odd ones that some assets own."""
    found = recovery_points.copies(world, holder, asset, kind, many)
    if holder == "virtual-machines" and kind == "backups" and not many:
        _odd_ones(world, asset, found)
    return found


def _odd_ones(world: World, vm: Item, found: Copies) -> None:
    name = vm.get("displayName")
    if name == "web-legacy-03":
        past = world.now - timedelta(days=3, hours=4)
        item = manual(world, vm, "web-legacy-03_before-upgrade", world.now - timedelta(days=33), past)
        item["stateReason"] = "The recovery point has expired and could not be removed."
        found.stuck.add(item["id"])
        found.put(item)
    if name == "finance-fs-01":
        item = manual(world, vm, "finance-fs-01_legal-hold_2021", world.now - timedelta(days=900), None)
        found.put(item | {"description": "Legal hold, case 2021-118. Has no expiry."})
    if name == "sap-prod-01":
        series = next(s for s in found.series if s.tier == "BACKUP")
        waiting = series.item(series.count - 3)
        found.put(waiting | {"state": "PENDING_DELETE_APPROVAL", "status": "OK"})
        newer = manual(world, vm, "sap-prod-01_in-progress", world.now, world.now + timedelta(days=14))
        found.put(newer | {"state": "CREATING"})
    if name == "sap-prod-02":
        item = manual(world, vm, "sap-prod-02_unknown", world.now - timedelta(days=5), world.now + timedelta(days=9))
        found.put(item | {"verificationInfo": {"state": "NOT_VERIFIED", "status": "OK"}})


def manual(world: World, vm: Item, name: str, taken: datetime, expires: datetime | None) -> Item:
    """A backup of a VM that no schedule made."""
    item = templates.template(world, "virtual-machines", vm, "backups", None, None)
    id = item["id"] = uid(world.seed, vm["id"], name)
    item["resourceUri"] += id
    item["consoleUri"] += id
    item |= {
        "name": name,
        "pointInTime": format_time(taken),
        "createdAt": format_time(taken),
        "updatedAt": format_time(taken),
    }
    item["sourceCopyInfo"] = {"id": uid(id, "source"), "type": "SNAPSHOT"}
    item["fullBackup"] = True
    item["backupSetsInfo"] = [{"backups": [{"id": uid(id, "set"), "objectCount": 1, "sizeInMib": 53_248}]}]
    if expires:
        item["expiresAt"] = format_time(expires)
    return item
