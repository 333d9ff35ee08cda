"""The parts of an estate: jobs and their schedules, recovery points summed up, stores.

Moments are seconds since 1970 (UTC), sizes bytes; None is what is not known, never none. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TIERS = {"SNAPSHOT": "array", "REPLICATED_SNAPSHOT": "array", "BACKUP": "on_premises", "CLOUD_BACKUP": "off_site"}
"""Tiers that make recovery points, and where these lie; a log backup makes none."""
PATH_LISTS = ("stores", "gateways", "storeonces", "orchestrators")  # without them no copy can be called usable
PLAN_LISTS = ("jobs", "vm_groups", "mssql_groups", "datastores")  # without them nobody can be called unprotected
SUSPENDED = ("SUSPENDED", "PERMANENTLY_SUSPENDED")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a job, overrides of the job counted in: what it promises, and how it last ran."""

    job_id: str
    tier: str | None
    schedule_id: str
    name: str | None
    recurrence: str | None
    every: float | None
    on_days: str | None
    start_time: str | None
    active_from: str | None
    active_until: str | None
    keep_days: float | None
    keep: str | None
    lock: str | None
    consistency: str | None
    source_schedule_id: str | None
    store_id: str | None
    store: str | None
    operational: str | None
    prev_run: int | None
    prev_good: int | None
    next_run: int | None
    last_status: str | None
    last_run: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Job:
    """A policy at work on an asset, group or datastore."""

    id: str
    asset_id: str | None
    asset_name: str | None
    policy_id: str | None
    policy: str | None
    operational: str | None
    orchestrator_id: str | None
    effective_from: int | None
    schedules: tuple[Schedule, ...] = ()

    @property
    def suspended(self) -> bool:
        """Whether nothing of it runs."""
        return self.operational in SUSPENDED


@dataclass(frozen=True, slots=True)
class Cover:
    """How a job covers an asset: by its own job, or through a group or datastore."""

    way: str  # own, vm_group, mssql_group, volume_group, datastore
    job: Job
    through: str | None = None


@dataclass(frozen=True, slots=True)
class CopySet:
    """The recovery points of an asset of one kind, store or array, and schedule, summed up.

    `newest_usable`: None where none can be used now; `reachable`: whether the store and the way to it are up, None
    where that is not known. `newest_good` and what is named `good` is of copies in a good state, wherever they lie.
    """

    asset_no: int
    tier: str  # SNAPSHOT, REPLICATED_SNAPSHOT, BACKUP, CLOUD_BACKUP
    place: str  # array, on_premises, off_site
    store_id: str | None
    store: str | None
    array: str | None
    schedule: str | None
    reachable: int | None
    unreachable_why: str | None
    copies: int
    good: int
    missing: int
    newest: int | None
    newest_usable: int | None
    newest_good: int | None
    last_expiry: int | None
    endless: int
    last_lock_good: int | None
    verified: int
    verify_errors: int
    consistency: str | None
    flags: int | None
    disks: int | None

    @property
    def partial(self) -> bool:
        """Whether the newest good one holds a part of the machine only, or leaves its raw disks out."""
        return bool((self.flags or 0) & 1) or bool((self.flags or 0) & 16)

    def ends(self, now: int) -> float | None:
        """When the last usable one goes: infinity for never; None where there is none to use."""
        if self.newest_usable is None:
            return None
        return float("inf") if self.endless else self.last_expiry if (self.last_expiry or 0) > now else None


def last_lock(sets: Iterable[CopySet]) -> int:
    """Until when the longest lock on a good one of them holds; 0 where none is locked."""
    return max((one.last_lock_good or 0 for one in sets), default=0)


def where(sets: Iterable[CopySet]) -> str | None:
    """The stores and arrays that hold them, each once; None without any."""
    return ", ".join(dict.fromkeys(one.store or one.array or one.place for one in sets)) or None


@dataclass(frozen=True, slots=True)
class Store:
    """A protection store, and whether it and the way to it are up. `arrays`: on which its gateway and its data lie."""

    id: str
    name: str | None
    type: str | None
    status: str | None
    reason: str | None
    used: int | None
    capacity: int | None
    system_id: str | None
    system: str | None
    region: str | None
    location: str | None
    orchestrator_ids: str | None
    gone: int | None
    reachable: int | None
    why_not: str | None
    arrays: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """Its name, or its id where it has none."""
        return self.name or self.id
