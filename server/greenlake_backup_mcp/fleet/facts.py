"""The estate as the questions by rule see it: assets, the jobs that cover them, their recovery points summed up.

Read from the catalog in one pass, whatever the number of recovery points: their sums are kept when they are written.
Moments are seconds since 1970 (UTC), sizes bytes; None is what is not known, never none. Judges nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

from greenlake_backup_mcp.catalog import views
from greenlake_backup_mcp.catalog.read_coverage import Coverage

T = TypeVar("T")

WORKLOADS = ("vm", "mssql_database", "volume_group")
"""Kinds of assets that are counted: each once. Groups and datastores are ways to cover them, and count through them."""
NOBODYS = {
    "VCLS_VM": "vCLS",
    "TEMPLATE_VM": "template",
    "PROTECTION_STORE_GATEWAY": "gateway",
    "DATA_ORCHESTRATOR": "orchestrator",
    "DSC_VM": "system VM",
    "OMNICUBE_VM": "system VM",
}
"""Machines that nobody works with, by the service's classification: told apart, and counted."""
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
    lock_days: float | None
    keep: str | None
    lock: str | None
    consistency: str | None
    verify: int | None
    source_schedule_id: str | None
    store_id: str | None
    store: str | None
    overridden: int | None
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
    through_id: str | None = None


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
    failed: int
    newest: int | None
    oldest: int | None
    newest_usable: int | None
    newest_good: int | None
    newest_good_expires: int | None
    last_expiry: int | None
    endless: int
    last_lock_good: int | None
    verified: int
    newest_verified: int | None
    verify_errors: int
    consistency: str | None
    flags: int | None
    disks: int | None
    size: int | None

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
    state: str | None
    status: str | None
    reason: str | None
    connection: str | None
    used: int | None
    capacity: int | None
    user_data: int | None
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


@dataclass(frozen=True)
class Asset:
    """Something that can be protected. `sets`: its own recovery points; `owners`: the groups and datastores it is in.

    `copies_state`: read, stale (read once, the last attempt failed), unread (nothing can be said of its copies).
    """

    no: int
    kind: str
    id: str
    name: str
    protection_status: str | None
    state: str | None
    status: str | None
    reason: str | None
    classification: str | None
    power: str | None
    vcenter: str | None
    cluster: str | None
    host: str | None
    folder: str | None
    datastores: str | None
    arrays: str | None
    instance: str | None
    vm_name: str | None
    vm_uri: str | None
    size: int | None
    disks: int | None
    policy_level: str | None
    uri: str | None
    created: int | None
    gone: int | None
    says_has_copies: int | None
    copies_state: str
    unread_why: str | None
    sets: tuple[CopySet, ...] = ()
    covers: tuple[Cover, ...] = ()
    owners: tuple[Asset, ...] = field(default=(), repr=False)
    tags: tuple[str, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether the service still lists it, and it is not deleted in its vCenter."""
        return self.gone is None and self.state != "DELETED"

    @property
    def nobodys(self) -> str | None:
        """What it is if nobody works with it: vCLS, template, gateway, orchestrator; None for all others."""
        return NOBODYS.get(self.classification or "")

    @property
    def own_arrays(self) -> frozenset[str]:
        """The arrays that it lies on, as far as the service says."""
        return frozenset((self.arrays or "").split(", ")) - {""}

    @property
    def unread(self) -> str | None:
        """Why nothing can be said of its recovery points; None where they were read, those of its owners too."""
        if self.copies_state == "unread":
            return self.unread_why or "not yet"
        return next((f"{o.name}: {o.unread_why or 'not yet'}" for o in self.owners if o.copies_state == "unread"), None)

    @cached_property
    def all_sets(self) -> tuple[CopySet, ...]:
        """Its own recovery points; snapshots and backups of the groups and datastores that hold it where it has none.

        A group's run may leave a member out: what lists its own copies is judged by these alone.
        """
        own = {one.place == "array" for one in self.sets}
        borrowed = (one for owner in self.owners for one in owner.sets if (one.place == "array") not in own)
        return (*self.sets, *borrowed)

    @cached_property
    def usable(self) -> tuple[CopySet, ...]:
        """Those of them that can be used now."""
        return tuple(one for one in self.all_sets if one.newest_usable is not None)

    def newest(self, *places: str) -> int | None:
        """The newest usable point in time, in these places (all without any)."""
        return max(
            (one.newest_usable for one in self.usable if one.newest_usable and (not places or one.place in places)),
            default=None,
        )

    def ends(self, now: int, *places: str) -> float | None:
        """When the last usable one (in these places) goes; infinity: never; None: there is none."""
        entries = [
            end for one in self.usable if not places or one.place in places if (end := one.ends(now)) is not None
        ]
        return max(entries, default=None)

    @property
    def job(self) -> Job | None:
        """The first job that covers it."""
        return self.covers[0].job if self.covers else None


@dataclass(frozen=True)
class Estate:
    """All of it at one moment. `assets`: by id, also those no longer listed; the others by id."""

    now: int
    coverage: Coverage
    assets: Mapping[str, Asset]
    jobs: Mapping[str, Job]
    stores: Mapping[str, Store]
    memory_since: int | None  # since when changes are known

    @cached_property
    def workloads(self) -> tuple[Asset, ...]:
        """The assets that are counted: each once, those that are listed."""
        return tuple(a for a in self.assets.values() if a.kind in WORKLOADS and a.gone is None)

    @cached_property
    def lists_unread(self) -> Mapping[str, str]:
        """The lists of the service that were never read whole, and why not."""
        return {one.collection: one.problem or "not yet" for one in self.coverage.unread_lists}

    def blocked_by(self, needed: Iterable[str]) -> str:
        """Which of the lists that a judgement needs were never read whole, and why not; '' where all were."""
        return "; ".join(f"{name} not read: {why}" for name, why in self.lists_unread.items() if name in needed)


# --- read ----------------------------------------------------------------------------------------------------------

_STORES = """SELECT s.id, s.name, s.type, s.state, s.status, s.reason, s.connection, s.used, s.capacity, s.user_data,
 s.system_id, s.system, s.region, s.location, s.orchestrator_ids, s.gone, r.reachable, r.why, g.datastore_ids, g.vm_id
 FROM main.stores s LEFT JOIN temp.reach r ON r.no = s.no LEFT JOIN main.gateways g ON g.id = s.system_id"""
_SETS = f"""SELECT s.asset, CASE s.kind WHEN 0 THEN 'SNAPSHOT' WHEN 1 THEN 'REPLICATED_SNAPSHOT' WHEN 2 THEN 'BACKUP'
 ELSE 'CLOUD_BACKUP' END, {views.PLACE.format("s")}, st.id, st.name, y.word, w.word,
 CASE WHEN s.store IS NULL THEN CASE s.list WHEN 0 THEN 1 END ELSE r.reachable END, r.why, s.copies, s.good, s.missing,
 s.failed, s.newest, s.oldest, {views.NEWEST_USABLE}, s.newest_good, s.newest_good_expires, s.last_expiry, s.endless,
 s.last_lock_good, s.verified, s.newest_verified, s.verify_errors, k.word, s.newest_good_flags, s.newest_good_disks,
 s.size FROM main.copy_sets s LEFT JOIN main.stores st ON st.no = s.store LEFT JOIN temp.reach r ON r.no = s.store
 LEFT JOIN main.words w ON w.no = s.schedule LEFT JOIN main.words y ON y.no = s.array
 LEFT JOIN main.words k ON k.no = s.newest_good_consistency"""
_ASSETS = """SELECT a.no, a.kind, a.id, coalesce(a.name, a.id), a.protection_status, a.state, a.status, a.reason,
 a.class, a.power, a.vcenter, a.cluster, a.host, a.folder, a.datastores, a.arrays, a.instance, a.vm_name, a.vm_uri,
 a.size, a.disks, a.policy_level, a.uri, a.created, a.gone, a.says_has_copies,
 CASE WHEN a.kind = 'mssql_group' THEN 'read' WHEN rb.read IS NULL OR rs.read IS NULL THEN 'unread'
  WHEN rb.failed OR rs.failed THEN 'stale' ELSE 'read' END,
 CASE WHEN rb.failed THEN coalesce('HTTP ' || rb.status, rb.reason)
  WHEN rs.failed THEN coalesce('HTTP ' || rs.status, rs.reason) END
 FROM main.assets a LEFT JOIN main.readings rb ON rb.collection = 'backups' AND rb.asset = a.no
 LEFT JOIN main.readings rs ON rs.collection = 'snapshots' AND rs.asset = a.no"""


def read(connection: sqlite3.Connection, coverage: Coverage) -> Estate:
    """The estate as the catalog has it, by a connection of its `ask` or `read`. Some 10 ms per thousand sums."""
    now = int(coverage.now.timestamp())
    stores = {store.id: store for store in _stores(connection)}
    sets = _grouped((CopySet(*row) for row in connection.execute(_SETS.replace(":now", str(now)))), "asset_no")
    assets = {row[2]: Asset(*[*row, tuple(sets.get(row[0], ()))]) for row in connection.execute(_ASSETS)}
    jobs = _jobs(connection)
    members = connection.execute("SELECT owner_kind, owner_id, member_id FROM main.members").fetchall()
    return Estate(now, coverage, _related(assets, jobs, members, _tags(connection)), jobs, stores, _memory(connection))


def _memory(connection: sqlite3.Connection) -> int | None:
    """Since when this catalog remembers: its first reading of anything."""
    return connection.execute("SELECT min(at) FROM main.store_usage").fetchone()[0]  # type: ignore[no-any-return]


def _tags(connection: sqlite3.Connection) -> Mapping[str, str]:
    return dict(connection.execute("SELECT id, name FROM main.tags WHERE gone IS NULL AND name IS NOT NULL"))


def _stores(connection: sqlite3.Connection) -> Iterable[Store]:
    arrays = {
        ident: frozenset((held or "").split(", ")) - {""}
        for ident, held in connection.execute("SELECT id, arrays FROM main.assets WHERE arrays IS NOT NULL")
    }
    for *row, datastore_ids, vm_id in connection.execute(_STORES):
        under = [*(datastore_ids or "").split(", "), vm_id]
        row.append(frozenset().union(*(arrays.get(one or "", frozenset()) for one in under)))
        yield Store(*row)


def _jobs(connection: sqlite3.Connection) -> dict[str, Job]:
    columns = ", ".join(f"t.{one.name}" for one in fields(Schedule))
    rows = connection.execute(f"SELECT {columns} FROM main.schedules t ORDER BY t.job_id, t.seq")
    schedules = _grouped((Schedule(*row) for row in rows), "job_id")
    names = ", ".join(one.name for one in fields(Job)[:-1])
    return {
        row[0]: Job(*[*row, tuple(schedules.get(row[0], ()))])
        for row in connection.execute(f"SELECT {names} FROM main.jobs WHERE gone IS NULL")
    }


def _grouped(entries: Iterable[T], name: str) -> dict[Any, list[T]]:
    out: dict[Any, list[T]] = {}
    for one in entries:
        out.setdefault(getattr(one, name), []).append(one)
    return out


def _related(
    assets: Mapping[str, Asset], jobs: Mapping[str, Job], members: Iterable[tuple[str, str, str]],
    tags: Mapping[str, str],
) -> dict[str, Asset]:  # fmt: skip
    """The assets with their owners, jobs and tags.

    A datastore's job covers a VM on it where the service says so of the VM: one that has a policy of its own, or came
    there later, is not covered by it.
    """
    covers: dict[str, list[Cover]] = {}
    owners: dict[str, list[Asset]] = {}
    borne: dict[str, list[str]] = {}
    by_asset = _grouped(jobs.values(), "asset_id")
    for job in jobs.values():
        if job.asset_id and job.asset_id in assets:
            covers.setdefault(job.asset_id, []).append(Cover("own", job))
    for way, owner_id, member_id in members:
        member = assets.get(member_id)
        if member is None:
            continue
        if way == "tag":
            if owner_id in tags:
                borne.setdefault(member_id, []).append(tags[owner_id])
            continue
        owner = assets.get(owner_id)
        if owner is None or (way == "datastore" and member.policy_level != "DATASTORE"):
            continue
        owners.setdefault(member_id, []).append(owner)
        covers.setdefault(member_id, []).extend(Cover(way, j, owner.name, owner_id) for j in by_asset.get(owner_id, ()))
    return {
        ident: asset if not (ident in covers or ident in owners or ident in borne) else _with(
            asset, tuple(covers.get(ident, ())), tuple(owners.get(ident, ())), tuple(borne.get(ident, ()))
        )
        for ident, asset in assets.items()
    }  # fmt: skip


def _with(asset: Asset, covers: tuple[Cover, ...], owners: tuple[Asset, ...], tags: tuple[str, ...]) -> Asset:
    """The asset with what it is related to: it is not shared yet, and making it anew takes ten times as long."""
    for name, value in (("covers", covers), ("owners", owners), ("tags", tags)):
        object.__setattr__(asset, name, value)
    return asset
