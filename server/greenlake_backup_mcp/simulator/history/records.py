"""The jobs of a tenant, former ones too, and what each of them covers; a new phase begins where a write changes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from greenlake_backup_mcp.simulator.names import MEMBERS, Item, parse_time
from greenlake_backup_mcp.simulator.seed import cases
from greenlake_backup_mcp.simulator.seed.virtual_machines import FAMOUS
from greenlake_backup_mcp.simulator.seed.world import World

from . import schedules, stores
from .jobs import Record
from .outages import Outages
from .recovery_points import HOLDERS
from .schedules import Member, Phase

Cover = tuple[Record, Item, Member]
"""A job that protects an asset now, as stored, and the asset in it."""


@dataclass
class Records:
    """The records of all jobs, made when they are asked for. `world` is what there is, `seeded` what there was."""

    world: World
    seeded: World
    lost: Outages
    _records: dict[str, Record] = field(default_factory=dict)
    _covering: dict[str, list[str]] = field(default_factory=dict)  # asset id → the jobs that make or made its copies
    _there: World | None = None

    def __post_init__(self) -> None:
        self.epoch = int(self.seeded.now.timestamp())
        self._former = {job["id"]: (job, int(end.timestamp())) for job, end in self.seeded.former_jobs}
        for job in (*self.seeded.all("protection-jobs"), *(job for job, _ in self._former.values())):
            self._cover(job, self.seeded)

    def get(self, job_id: str) -> Record | None:
        """What a job was and did; None where there never was one."""
        if job_id not in self._records:
            raw, end = self._former.get(job_id) or (self.seeded.resources["protection-jobs"].get(job_id), None)
            if raw is None:
                return None
            self._records[job_id] = self._seeded_record(raw, end)
        return self._records[job_id]

    def all(self) -> Iterator[Record]:
        """Those of all jobs that there are or were."""
        for id in dict.fromkeys([*self.seeded.resources["protection-jobs"], *self._former, *self._records]):
            if record := self.get(id):
                yield record

    def covering(self, asset_id: str) -> Iterator[Record]:
        """Those of the jobs that make or made copies of an asset."""
        return (record for id in self._covering.get(asset_id, ()) if (record := self.get(id)))

    def covers(self, holder: str, id: str) -> Iterator[Cover]:
        """The jobs that protect an asset now."""
        for record in self.covering(id):
            raw = self.world.resources["protection-jobs"].get(record.id)
            for member in record.phases[-1].members if raw else ():
                if raw and member.id == id and member.holder == holder:
                    yield record, raw, member

    def watched(self) -> set[str]:
        """The stores that are given more than they were seeded for."""
        seeded = self.seeded.resources["protection-jobs"]
        phases = (
            phase
            for record in self._records.values()
            for phase in record.phases
            if phase.since > self.epoch and (phase is not record.phases[0] or record.id not in seeded)
        )
        return {schedule.store for phase in phases for schedule in phase.schedules.values()}

    def phase(self, raw: Item, since: int, there: World | None = None) -> Phase:
        """What a job does from `since` on, in the world as it was `there`, or as it is now."""
        there = there or self._as_it_is()
        assets = [(holder, asset_in(there, holder, id)) for holder, id in covered(raw, there)]
        members = tuple(self._member(holder, asset) for holder, asset in assets)
        needs = tuple(dict.fromkeys([raw["dataOrchestratorId"], *(n for ref in assets for n in _needs(*ref))]))
        systems: dict[str, tuple[str, ...]] = {
            s["id"]: (s["id"], stores.full_id(s["id"]), s["storageSystemInfo"]["id"])
            for s in there.all("protection-stores")
        }
        result = schedules.parse(raw, self.world.seed, since, systems, needs)
        signature = (
            tuple(m.id for m in members),
            *((s.id, s.tier, s.calendar, s.keep, s.lock, s.needs, s.source) for s in result.values()),
        )
        return Phase(since, None, result, members, there, signature)

    def _as_it_is(self) -> World:
        """The world of now, whatever becomes of it."""
        if self._there is None:
            resources = {name: dict(items) for name, items in self.world.resources.items()}
            self._there = replace(self.world, resources=resources)
        return self._there

    def note(self, collection: str, id: str, before: Item | None, after: Item | None, now: int) -> bool:
        """A resource has changed (None: it was not there, or is gone); whether that changed what a job does or did."""
        self._there = None
        if collection == "protection-jobs":
            return self._note_job(id, after, now)
        if not (before and after):
            return False
        if collection == "protection-stores" and before["storageSystemInfo"] != after["storageSystemInfo"]:
            reopened = [self._reopen(job_id, now) for job_id in list(self.world.resources["protection-jobs"])]
            return any(reopened)
        if collection in MEMBERS and (job := after.get("protectionJobInfo")):
            name, _ = MEMBERS[collection]
            moved = [m["id"] for m in before.get(name, ())] != [m["id"] for m in after.get(name, ())]
            return moved and self._reopen(job["id"], now)
        return False

    def _note_job(self, id: str, after: Item | None, now: int) -> bool:
        record = self.get(id)
        if after is None:
            if record and record.phases[-1].until is None:
                record.phases[-1].until = now
        elif record:
            return self._reopen(id, now)
        else:
            since = int(parse_time(after["effectiveFromDateTime"]).timestamp())
            self._records[id] = Record(id, after["assetInfo"], [self.phase(after, max(now, since))])
            self._cover(after, self.world)
        return True

    def _reopen(self, job_id: str, now: int) -> bool:
        """A new phase of a job, where it differs from the last."""
        record, raw = self.get(job_id), self.world.resources["protection-jobs"].get(job_id)
        phase = self.phase(raw, now) if record and raw else None
        if record is None or raw is None or phase is None or phase.signature == record.phases[-1].signature:
            return False
        last = record.phases[-1]
        last.until = now if last.until is None else last.until
        record.phases.append(phase)
        self._cover(raw, self.world)
        return True

    def _seeded_record(self, raw: Item, ended: int | None) -> Record:
        since = int(parse_time(raw["effectiveFromDateTime"]).timestamp())
        changed = self.seeded.suspended.get(raw["id"])
        first = self.phase(active(raw) if changed else raw, since, self.seeded)
        record = Record(raw["id"], raw["assetInfo"], [first])
        if ended is not None:
            first.until = ended
        elif changed:
            first.until = int(changed.timestamp())
            record.phases.append(self.phase(raw, first.until, self.seeded))
        elif first.members and first.members[0].case == "stopped":
            first.until, first.stops = first.members[0].case_since, True
        return record

    def _member(self, holder: str, asset: Item) -> Member:
        case = cases.BY_ASSET.get(str(asset.get("displayName"))) if holder == "virtual-machines" else None
        name, since = (case.name, self.epoch - case.seconds) if case else ("", 0)
        if holder == "virtual-machines" and not case and asset.get("displayName") in FAMOUS:
            name = "famous"  # nothing befalls by chance what demonstrations look for
        return schedules.member(self.world.seed, holder, asset, name, since)

    def _cover(self, job: Item, there: World) -> None:
        for _, id in covered(job, there):
            held = self._covering.setdefault(id, [])
            if job["id"] not in held:
                held.append(job["id"])


def asset_in(there: World, holder: str, id: str) -> Item:
    """An asset in a world; a nameless one where it is gone."""
    return there.resources[holder].get(id) or {"id": id, "name": id, "resourceUri": ""}


def _needs(holder: str, asset: Item) -> Iterator[str]:
    """The ids of what must work for an asset to be copied."""
    for name in ("applicationHostInfo", "hypervisorManagerInfo"):
        if name in asset:
            yield asset[name]["id"]
    if holder == "volume-protection-groups":
        yield asset["id"]


def covered(job: Item, there: World) -> list[tuple[str, str]]:
    """The assets whose copies a job makes in a world: (collection, id), its own first."""
    collection, id = job["assetInfo"]["resourceUri"].split("/")[-2:]
    result = [(collection, id)] if collection in HOLDERS else []
    if collection in MEMBERS:
        name, kind = MEMBERS[collection]
        result += [(kind, m["id"]) for m in there.resources[collection].get(id, {}).get(name, ())]
    if collection == "datastores":
        result += [("virtual-machines", vm) for vm in there.on_datastores.get(id, ())]
    return result


def active(job: Item) -> Item:
    """The job with all of its schedules active."""
    protections = [{**p, "schedules": [{**s, "operational": "ACTIVE"} for s in p["schedules"]]}
                   for p in job["protections"]]  # fmt: skip
    return {**job, "protections": protections}
