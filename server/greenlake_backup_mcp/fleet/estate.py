"""The estate as the questions by rule see it: every asset with what covers it, and what it comes back from.

Moments are seconds since 1970 (UTC), sizes bytes; None is what is not known, never none. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from greenlake_backup_mcp.catalog.collections import LIST_OF
from greenlake_backup_mcp.catalog.read_coverage import Coverage

from . import calendar
from .calendar import Rule
from .facts import TIERS, CopySet, Cover, Job, Schedule, Store

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
    reason: str | None
    classification: str | None
    power: str | None
    vcenter: str | None
    vcenter_id: str | None
    cluster: str | None
    host: str | None
    host_id: str | None
    folder: str | None
    datastores: str | None
    datastore_ids: str | None
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
    snapshots_read: int | None
    backups_read: int | None
    sets: tuple[CopySet, ...] = ()
    covers: tuple[Cover, ...] = ()
    owners: tuple[Asset, ...] = field(default=(), repr=False)
    tags: tuple[str, ...] = ()

    @property
    def partly_read(self) -> bool:
        """Whether one of its two lists of recovery points was read, and the other was not."""
        return (self.snapshots_read is None) != (self.backups_read is None)

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

    def read_at(self, tier: str | None) -> int:
        """When its recovery points of a tier were read, those of its owners too; 0 for never."""
        name = "snapshots_read" if TIERS.get(tier or "") == "array" else "backups_read"
        read = [getattr(one, name) for one in (self, *self.owners) if one.kind != "mssql_group"]
        return min((moment for moment in read if moment is not None), default=0)

    def ran_since(self, schedule: Schedule) -> bool:
        """Whether a schedule of it ran, and did not fail, after its recovery points of that tier were read."""
        failed = schedule.last_run == schedule.prev_run and schedule.last_status in ("ERROR", "SKIPPED")
        return not failed and schedule.prev_run is not None and schedule.prev_run > self.read_at(schedule.tier)

    @cached_property
    def outdated(self) -> str | None:
        """Why more may be there than was read of it; None where nothing ran since. What is there is there.

        A new snapshot changes nothing where there is one already, and backups are made too.
        """
        tiers = {TIERS.get(s.tier or ""): s for c in self.covers for s in c.job.schedules if self.ran_since(s)}
        backed_up = any(TIERS.get(s.tier or "", "array") != "array" for c in self.covers for s in c.job.schedules)
        if tiers.keys() - {None, "array"} or ("array" in tiers and not (backed_up and self.newest("array"))):
            return "its copies were read before its last run"
        return None

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
        ends = (one.ends(now) for one in self.usable if not places or one.place in places)
        return max((end for end in ends if end is not None), default=None)

    @property
    def policy(self) -> str | None:
        """The policy of the first job that covers it."""
        return self.covers[0].job.policy if self.covers else None


Row = Mapping[str, Any]  # of one of the catalog's tables; moments in seconds since 1970


@dataclass(frozen=True)
class Estate:
    """All of it at one moment. `assets`: by id, also those no longer listed; the others by id, those that are listed.

    `read`: when each list of the service was last read whole; `memory_since`: since when changes are known.
    """

    now: int
    coverage: Coverage
    assets: Mapping[str, Asset]
    jobs: Mapping[str, Job]
    stores: Mapping[str, Store]
    gateways: Mapping[str, Row]
    storeonces: Mapping[str, Row]
    orchestrators: Mapping[str, Row]
    vcenters: Mapping[str, Row]
    read: Mapping[str, int | None]
    memory_since: int | None

    @cached_property
    def workloads(self) -> tuple[Asset, ...]:
        """The assets that are counted: each once, those that are listed."""
        return tuple(a for a in self.assets.values() if a.kind in WORKLOADS and a.gone is None)

    @cached_property
    def rules(self) -> Mapping[str, Mapping[str, Rule]]:
        """When the schedules of each job are due: by the ids of job and schedule."""
        return {job.id: calendar.rules(job.schedules, job.effective_from) for job in self.jobs.values()}

    @cached_property
    def lists_unread(self) -> Mapping[str, str]:
        """The lists of the service that were never read whole, and why not."""
        return {one.collection: one.problem or "not yet" for one in self.coverage.unread_lists}

    def blocked_by(self, needed: Iterable[str]) -> str:
        """Which of the lists that a judgement needs were never read whole, and why not; '' where all were."""
        return "; ".join(f"{name} not read: {why}" for name, why in self.lists_unread.items() if name in needed)

    def absence(self, asset: Asset) -> str:
        """Why an asset is in no list: the service lists it no longer, or its list was not read; '' for a listed one."""
        if asset.gone is None:
            return ""
        name = LIST_OF.get(asset.kind, "")
        if why := self.lists_unread.get(name):
            return f"whether it is still listed is not known: {name} not read: {why}"
        return "no longer listed by the service"

    def bearers(self, name: str, kind: str | None = None) -> list[Asset]:
        """All assets of a name or id, whatever the case, those that are listed first."""
        wanted = name.strip().casefold()
        matches = [a for a in self.assets.values() if wanted in (a.id.casefold(), a.name.casefold())
                   and kind in (None, a.kind)]  # fmt: skip
        return sorted(matches, key=lambda a: (not a.listed, a.kind, a.vcenter or "", a.id))

    def machines_of(self, asset: Asset) -> tuple[Asset, ...]:
        """The machines that a database runs in: that of its address, without one all that bear the name it tells."""
        uris, names = self._machines
        return uris.get(asset.vm_uri or "") or names.get(asset.vm_name or "", ())

    @cached_property
    def _machines(self) -> tuple[Mapping[str, tuple[Asset, ...]], Mapping[str, tuple[Asset, ...]]]:
        uris: dict[str, tuple[Asset, ...]] = {}
        names: dict[str, tuple[Asset, ...]] = {}
        for asset in (a for a in self.assets.values() if a.kind == "vm"):
            for held, key in ((names, asset.name), (uris, asset.uri)):
                if key:
                    held[key] = (*held.get(key, ()), asset)
        return uris, names

    def front_of(self, store: Store) -> Row | None:
        """The gateway or StoreOnce in front of a store."""
        return self.gateways.get(store.system_id or "") or self.storeonces.get(store.system_id or "")
