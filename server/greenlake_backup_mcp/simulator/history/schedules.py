"""A job's schedules while nothing about them changed, and the assets whose copies they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from greenlake_backup_mcp.simulator.names import Item, key, parse_time
from greenlake_backup_mcp.simulator.seed.policies import length
from greenlake_backup_mcp.simulator.seed.world import World

from . import calendar
from .calendar import Calendar

MIB = 1 << 20
GIB = 1 << 30
KINDS = {"SNAPSHOT": "snapshots", "REPLICATED_SNAPSHOT": "snapshots", "BACKUP": "backups", "CLOUD_BACKUP": "backups"}


@dataclass(frozen=True)
class Member:
    """An asset as far as its copies depend on it. `mib` is what it holds, 0 for what consists of other assets."""

    holder: str
    id: str
    name: str
    key: int
    mib: int
    limit: int  # most that it can hold
    disks: int
    application: bool  # whether its copies are to be consistent for its application
    case: str = ""  # the rare case that it is (cases.py)
    case_since: int = 0

    @property
    def container(self) -> bool:
        """Whether its copies are made of those of its members."""
        return not self.mib


@dataclass(frozen=True)
class Schedule:
    """One schedule of a job. `needs`: the ids of what must work for it; times in seconds, lengths too."""

    job: str
    id: int
    key: int
    tier: str
    calendar: Calendar
    since: int
    keep: int | None
    lock: int | None
    store: str
    needs: tuple[str, ...]
    orchestrator: str
    source: int | None
    protection: Item = field(repr=False)
    item: Item = field(repr=False)


@dataclass
class Phase:
    """The time from `since` to `until` in which a job had these schedules and members, and the world as it began.

    `stops`: it came to its end without anybody having changed the job.
    """

    since: int
    until: int | None
    schedules: dict[int, Schedule]
    members: tuple[Member, ...]  # the job's own asset first, where it has copies
    there: World = field(repr=False)
    signature: tuple[object, ...] = ()
    stops: bool = False

    @cached_property
    def parts(self) -> tuple[Member, ...]:
        """What the runs consist of: the members, and the asset itself only where it has none."""
        return tuple(m for m in self.members if not m.container) or self.members


def seconds(period: Item | None) -> int | None:
    """The seconds of {value, unit}."""
    return int(length(period).total_seconds()) if period else None


def parse(
    job: Item, seed: int, since: int, systems: dict[str, tuple[str, ...]], others: tuple[str, ...]
) -> dict[int, Schedule]:
    """The active schedules of a job from `since` on.

    `systems`: id of a store → ids of what must work for a copy to reach it. `others` is what all of them need.
    """
    effective = int(parse_time(job["effectiveFromDateTime"]).timestamp())
    calendars: dict[int, Calendar] = {}
    parsed = {}
    for protection in job["protections"]:
        store = protection.get("protectionStoreInfo", {}).get("id", "")
        for item in protection["schedules"]:
            id, source = item["scheduleId"], item.get("sourceProtectionScheduleId")
            merged = item | {k: v for k, v in (item.get("overrides") or {}).items() if v}
            calendars[id] = calendar.parse(merged, effective, calendars.get(source or 0))
            if item.get("operational") == "SUSPENDED":
                continue
            parsed[id] = Schedule(
                job["id"], id, key(seed, job["id"], id), protection["type"], calendars[id], since,
                seconds(merged.get("expireAfter")), seconds(merged.get("lockFor")), store,
                (*others, *systems.get(store, (store,) if store else ())), job["dataOrchestratorId"], source,
                protection, merged,
            )  # fmt: skip
    return parsed


def member(seed: int, holder: str, asset: Item, case: str = "", case_since: int = 0) -> Member:
    """What copies of an asset depend on."""
    dice = key(seed, "size", asset["id"])
    disks = len(asset.get("virtualDisks", ())) or 1
    limit = {
        "virtual-machines": asset.get("capacityInBytes", 0),
        "mssql-databases": asset.get("sizeInBytes", 0) * 4 // 3,
        "volume-protection-groups": len(asset.get("assets", ())) * (100 + dice % 300) * GIB,
    }.get(holder, 0) // MIB
    return Member(
        holder, asset["id"], str(asset.get("displayName") or asset["name"]), dice,
        max(1, limit * (35 + dice // 1000 % 40) // 100) if limit else 0, limit, disks, dice // 7 % 100 < 43,
        case, case_since,
    )  # fmt: skip
