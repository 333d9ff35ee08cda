"""A recovery point in the words of an administrator: state, age, size, place, expiry, lock, verified or not.

Knows the fields of the ten kinds of copy, not what is done with them. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import times
from .phrases import item_at, listed, name_of, names, objects, quoted, state_of

GOING = ("DELETING", "DELETED", "DELETE_PENDING", "PENDING_DELETE_APPROVAL")
AWAITED = "PENDING_DELETE_APPROVAL"
BUSY = ("IN_USE", "IN_USE_FOR_RESTORE", "IN_USE_FOR_MOUNT", "MOUNTED", "ATTACHED", "RESTORING")
MIB = 1024 * 1024
NOTHING: Mapping[str, Any] = {}


def recovery_point_facts(copy: Mapping[str, Any], now: datetime) -> list[str]:
    """What an administrator asks about a recovery point: state, age, size, place, expiry, lock, verified or not."""
    facts = [state_of(copy)]
    taken = copy.get("pointInTime") or copy.get("createdAt")
    facts.append(f"taken {times.describe_time(taken, now)}" if taken else "age not known")
    size = recovery_point_size(copy)
    facts.append(f"size {units.size(size)}" if size else "size not known")
    store = copy.get("protectionStoreInfo")
    if isinstance(store, Mapping):
        where = {"CLOUD": "cloud ", "ON_PREMISES": "on-premises "}.get(str(store.get("protectionStoreType")), "")
        facts.append(f"in {where}store {name_of(store)}")
    elif arrays := objects(copy.get("storageSystemsInfo")) or objects(copy.get("storageSystemInfo")):
        facts.append(f"on array {names(arrays)}")
    facts.append(f"expires {times.describe_time(copy['expiresAt'], now)}" if copy.get("expiresAt") else "has no expiry")
    locked = units.parse_time(copy.get("lockedUntil"))
    facts.append(f"locked until {times.describe_when(locked, now)}" if locked and locked > now else "not locked")
    if "backupType" in copy:
        facts.append(_verified(copy))
    if copy.get("consistency"):
        facts.append(f"consistency {cell(str(copy['consistency']))}")
    if by := item_at(copy, "scheduleInfo", "name") or item_at(copy, "createdByInfo", "name"):
        facts.append(f"made by {quoted(by)}")
    return facts


def hosts_of(copy: Mapping[str, Any]) -> str:
    """The hosts that the volumes of a copy are attached to; "" where they are to none."""
    hosts = [cell(str(iqn)) for iqn in copy.get("mountedHostsIqn") or ()]
    attached = copy.get("mountState") in ("ATTACHED", "PARTIALLY_ATTACHED", "ATTACHING", "DETACHING")
    return listed(hosts) or ("a host that it does not name" if attached else "")


def flaw_of(copy: Mapping[str, Any], now: datetime, stores: Mapping[Any, Mapping[str, Any]] = NOTHING) -> str:
    """Why nobody should count on a copy that is there; "" where nothing speaks against it."""
    state, expires = copy.get("state"), units.parse_time(copy.get("expiresAt"))
    if state in ("ERROR", "CREATING"):
        return "in error" if state == "ERROR" else "still being made"
    if state == "PARTIAL" or copy.get("partialBackup") is True:
        return "incomplete"
    if expires and expires <= now:
        return "expired"
    if item_at(copy, "verificationInfo", "state") == "VERIFY_ERROR":
        return "whose verification failed"
    return "in a store that cannot be reached" if is_unreachable(store_of_copy(copy, stores)) else ""


def is_unreachable(store: Mapping[str, Any]) -> bool:
    """Whether a store, or the system that it is on, is not there for a restore, as far as it says."""
    connected = f"{store.get('connectedState')} {item_at(store, 'health', 'status')}"
    state = str(store.get("state") or "")
    return "DISCONNECT" in connected or "OFFLINE" in state or state in ("ERROR", "UNREACHABLE", "DELETING")


def store_of_copy(copy: Mapping[str, Any], stores: Mapping[Any, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The store a copy is in, as it is now where it could be read."""
    info = copy.get("protectionStoreInfo")
    first = info[0] if isinstance(info, list) and info else info
    return stores.get(first.get("id"), first) if isinstance(first, Mapping) else NOTHING


def place_of(copy: Mapping[str, Any], kind: str) -> str:
    """Where a copy lies. `kind`: `backups` or `snapshots`; snapshots share the array's fate."""
    if kind == "snapshots":
        return "on the array"
    store = store_of_copy(copy, NOTHING)
    cloud = copy.get("backupType") == "CLOUD_BACKUP" or store.get("protectionStoreType") == "CLOUD"
    on_site = copy.get("backupType") == "BACKUP" or store.get("protectionStoreType") == "ON_PREMISES"
    return "off site" if cloud else "on premises" if on_site else "in a place that is not known"


def is_verified(copy: Mapping[str, Any]) -> bool:
    """Whether a copy was verified, and well."""
    return item_at(copy, "verificationInfo", "state") in ("VERIFIED", None) and copy.get("verified") is True


def is_locked(copy: Mapping[str, Any], now: datetime) -> bool:
    """Whether nobody can delete a copy now."""
    until = units.parse_time(copy.get("lockedUntil"))
    return until is not None and until > now


def recovery_point_size(copy: Mapping[str, Any]) -> float:
    """The bytes of a recovery point, summed over its volumes; 0 where the service does not say."""
    parts = [part for one in objects(copy.get("backupSetsInfo")) for part in objects(one.get("backups"))]
    parts += objects(copy.get("volumesSnapshotInfo")) + objects(copy.get("individualSnapshotsInfo"))
    units_of = (("sizeInBytes", 1), ("sizeInMib", MIB), ("sizeInMiB", MIB))
    sizes = ([part[n] * unit for n, unit in units_of if isinstance(part.get(n), (int, float))] for part in parts)
    return float(sum(size[0] for size in sizes if size))


def _verified(copy: Mapping[str, Any]) -> str:
    state = item_at(copy, "verificationInfo", "state")
    if state == "VERIFY_ERROR":
        return "its verification FAILED"
    if copy.get("verified") is True or state == "VERIFIED":
        return "verified"
    return "never verified" if copy.get("verified") is False or state else "whether it was verified is not known"
