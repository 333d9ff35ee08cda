"""The recovery points that an asset got since a moment, each on a line as the lists word them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.lists.views import extractors, schedules
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream.client import ApiClient

from . import task_model
from .expectations import OWN
from .read_back import ReadBack, read_page

MOST_POINTS = 8
LISTS = {  # assets with recovery points: collection -> the word in the list tools' names, and the id's argument
    "virtual-machines": ("vm", "vmId"),
    "datastores": ("datastore", "datastoreId"),
    "mssql-databases": ("mssql_database", "mssqlDatabaseId"),
    "virtual-machine-protection-groups": ("vm_protection_group", "vmProtectionGroupId"),
    "volume-protection-groups": ("volume_protection_group", "volumeProtectionGroupId"),
}
SIZES = ("backupSetsInfo/backups/sizeInMib", "backupSetsInfo/backups/sizeInBytes", "volumesSnapshotInfo/sizeInMib")
LISTED = ("SNAPSHOT", "BACKUP", "CLOUD_BACKUP")  # tiers whose recovery points are in the lists


@dataclass(frozen=True)
class Points:
    """The recovery points that an asset got: as read, and the call that finds them ("": no list has them)."""

    items: tuple[tuple[str, Mapping[str, Any]], ...] = ()  # tier, item
    how: str = ""
    problem: str = ""  # why not all of them were read

    def missing(self, tiers: Sequence[Mapping[str, Any]]) -> list[str]:
        """The tiers, in words, of which no recovery point is there."""
        there, wanted = {tier for tier, _ in self.items}, {tier.get("type") for tier in tiers}
        return [schedules.TIERS[kind] for kind in LISTED if kind in wanted - there]


async def new_points(api: ApiClient, asset: str, job: Mapping[str, Any], since: datetime) -> Points:
    """The recovery points an asset got since then; of a group without a list of its own those of its first member."""
    members = extractors.values_at(job, "associatedAssetsInfo/resourceUri")
    for path in (asset, *map(task_model.path_of, members[:1])):
        collection, _, identity = path.rpartition("/")
        collection = collection.rpartition("/")[2]
        if (names := LISTS.get(collection)) is None:
            continue
        items, problems = [], []
        for kind in ("backups", "snapshots"):
            new, problem = await _points_since(api, f"{OWN}/{collection}/{identity}/{kind}", since)
            items += new
            problems += [problem] if problem else []
        word, argument = names
        which = f'with {argument}="{identity}", sort="pointInTime desc", limit=1'
        how = f"list_{word}_backups or list_{word}_snapshots {which}"
        return Points(tuple(items), how, "; ".join(dict.fromkeys(problems)))
    return Points()


def describe_points(points: Points, now: datetime) -> list[str]:
    """The recovery points, each on a line."""
    more = [f"- and {len(points.items) - MOST_POINTS} more"] if len(points.items) > MOST_POINTS else []
    lines = [_describe_point(tier, item, now) for tier, item in points.items[:MOST_POINTS]]
    return ["Recovery points since:", *lines, *more] if lines else []


def _describe_point(tier: str, item: Mapping[str, Any], now: datetime) -> str:
    """A recovery point on one line: kind, state, size, place, expiry and lock, as the lists word them."""
    taken = units.parse_time(item.get("pointInTime") or item.get("createdAt"))
    amount = extractors.total_bytes(item, SIZES)
    store = extractors.text(extractors.first(item, ["protectionStoreInfo/name"]))
    expiry, lock = units.parse_time(item.get("expiresAt")), units.parse_time(item.get("lockedUntil"))
    locked = lock is not None and lock > now
    facts = (
        sanitize.cell(str(item.get("state") or "no state"), 60),
        f"taken {units.stamp(taken)}" if taken else "",
        f"size {units.size(amount)}" if amount else "",
        f"store {sanitize.cell(store)}" if store else "",
        f"expires {units.relative(expiry, now)}" if expiry else "no expiry",
        f"LOCKED until {units.relative(lock, now)}: nobody can delete it before" if lock and locked else "not locked",
    )
    name = sanitize.quoted(str(item.get("name") or ""), 80)
    kind = schedules.TIERS.get(tier, "recovery point")
    return f"- {kind} {name} (id {sanitize.cell(str(item.get('id')))}): {', '.join(f for f in facts if f)}"


async def _points_since(api: ApiClient, path: str, since: datetime) -> tuple[list[tuple[str, Mapping[str, Any]]], str]:
    start = f"{since:%Y-%m-%dT%H:%M:%S}Z"
    page = ReadBack()
    # a list without this filter is read by its newest
    for query in (("filter", f"pointInTime gt '{start}'"), ("sort", "pointInTime desc")):
        page = await read_page(api, path, query, ("limit", "20"))
        if not page.problem:
            break
    newer: list[tuple[str, Mapping[str, Any]]] = []
    for item in page.items:
        taken = units.parse_time(item.get("pointInTime") or item.get("createdAt"))
        if taken is not None and taken >= since.replace(microsecond=0):
            kind = str(item.get("backupType") or "BACKUP") if path.endswith("/backups") else "SNAPSHOT"
            newer.append((kind, item))
    return newer, page.problem
