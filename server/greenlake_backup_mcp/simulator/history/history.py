"""The tenant's history: what its jobs did, what is left of it and what that takes, at any time that is asked for.

Writes change resources; `note` sees what they changed about jobs and about what those need, and from then on runs are
decided by the new state. What was decided never changes.
"""

# ruff: noqa: A001, A002

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from greenlake_backup_mcp.simulator.names import Item, Ref, parse_time
from greenlake_backup_mcp.simulator.seed import cases
from greenlake_backup_mcp.simulator.seed.virtual_machines import FAMOUS
from greenlake_backup_mcp.simulator.seed.world import World

from . import issues, jobs, outages, recovery_points, runs, schedules, statuses, stores, tasks
from .calendar import DAY
from .copies import Copies, Many, Series, series_key
from .jobs import Record
from .outages import Outages
from .recovery_points import HOLDERS
from .schedules import KINDS, Member, Phase, Schedule
from .stores import Store
from .tasks import Past

MEMBERS = {
    "virtual-machine-protection-groups": ("assets", "virtual-machines"),
    "mssql-database-protection-groups": ("members", "mssql-databases"),
}
DERIVED = ("protection-jobs", "protection-stores", "storeonces", "issues", *HOLDERS)
NEEDED = ("protection-store-gateways", "data-orchestrators", "application-hosts", "protection-stores",
          "volume-protection-groups")  # fmt: skip
GONE = "The protection store no longer exists."


class History:
    """What happened in one tenant.

    `world` is what there is, `seeded` what there was at its start. `clock` tells its time in seconds, `lag` the most
    seconds from the expiry of a copy to its purge. `bulk`: (asset, model asset, number of backups) for benchmarks.
    """

    def __init__(
        self, world: World, seeded: World, clock: Callable[[], int], lag: Callable[[], int], bulk: tuple[str, str, int]
    ) -> None:
        self.world, self.seeded, self.clock, self.lag, self.bulk = world, seeded, clock, lag, bulk
        self.epoch = int(seeded.now.timestamp())
        self.lost = Outages()
        self.held: dict[Ref, Copies] = {}
        self.stores: dict[str, Store] = {}
        self.gone_stores: set[str] = set()
        self._former = {job["id"]: (job, int(end.timestamp())) for job, end in seeded.former_jobs}
        self._records: dict[str, Record] = {}
        self._covering: dict[str, list[str]] = {}  # asset id → the jobs that make or made its copies
        self._series: dict[tuple[object, ...], Series] = {}
        self._views: dict[str, tuple[Item, int, int, Item | None]] = {}  # id → stored, version, until, shown
        self._by_store: tuple[int, dict[str, list[Series]]] = (-1, {})
        self._tasks: tuple[int, int, dict[str, Past]] = (-1, -1, {})  # version, until, by id
        self._version = self._day = 0
        self.written = False  # whether anything was changed since the tenant began
        for collection in NEEDED:
            for item in seeded.all(collection):
                if reason := _trouble(collection, item):
                    self.lost.begin(item["id"], seeded.lost_since.get(item["id"], self.epoch), reason)
        for case in cases.CASES:
            if case.name in ("failing", "copy-in-error"):
                vm = next(v for v in seeded.all("virtual-machines") if v["displayName"] == case.asset)
                self.lost.begin(vm["id"], self.epoch - _length(case), outages.REASONS[case.name != "failing"])
        for job in (*seeded.all("protection-jobs"), *(job for job, _ in seeded.former_jobs)):
            self._cover(job, seeded)
        self.lost.memo = seeded.derived.runs

    # --- jobs --------------------------------------------------------------------------------------------------

    def record(self, job_id: str) -> Record | None:
        """What a job was and did; None where there never was one."""
        if job_id not in self._records:
            former = self._former.get(job_id)
            raw = former[0] if former else self.seeded.resources["protection-jobs"].get(job_id)
            if raw is None:
                return None
            self._records[job_id] = self._seeded_record(raw, former[1] if former else None)
        return self._records[job_id]

    def _all_records(self) -> Iterator[Record]:
        for id in dict.fromkeys([*self.seeded.resources["protection-jobs"], *self._former, *self._records]):
            if record := self.record(id):
                yield record

    def _seeded_record(self, raw: Item, ended: int | None) -> Record:
        since = int(parse_time(raw["effectiveFromDateTime"]).timestamp())
        changed = self.seeded.suspended.get(raw["id"])
        first = self._phase(_active(raw) if changed else raw, since, self.seeded)
        record = Record(raw["id"], raw["assetInfo"], [first])
        if ended is not None:
            first.until = ended
        elif changed:
            first.until = int(changed.timestamp())
            record.phases.append(self._phase(raw, first.until, self.seeded))
        elif first.members and first.members[0].case == "stopped":
            first.until, first.stops = first.members[0].case_since, True
        return record

    def _phase(self, raw: Item, since: int, there: World | None = None) -> Phase:
        members = tuple(self._member(*ref) for ref in self._covered(raw, there or self.world))
        needs = tuple(dict.fromkeys([raw["dataOrchestratorId"], *(n for m in members for n in self._needs(m))]))
        systems: dict[str, tuple[str, ...]] = {
            s["id"]: (s["id"], stores.full_id(s["id"]), s["storageSystemInfo"]["id"])
            for s in (there or self.world).all("protection-stores")
        }
        result = schedules.parse(raw, self.world.seed, since, systems, needs)
        signature = (
            tuple(m.id for m in members),
            *((s.id, s.tier, s.calendar, s.keep, s.lock, s.needs, s.source) for s in result.values()),
        )
        return Phase(since, None, result, members, signature)

    @staticmethod
    def _covered(raw: Item, there: World) -> list[tuple[str, str]]:
        """The assets whose copies a job makes in a world: (collection, id)."""
        collection, id = raw["assetInfo"]["resourceUri"].split("/")[-2:]
        result = [(collection, id)] if collection in HOLDERS else []
        if collection in MEMBERS:
            name, kind = MEMBERS[collection]
            result += [(kind, m["id"]) for m in there.resources[collection].get(id, {}).get(name, ())]
        if collection == "datastores":
            result += [("virtual-machines", vm) for vm in there.on_datastores.get(id, ())]
        return result

    def _member(self, holder: str, id: str) -> Member:
        asset = self._asset(holder, id)
        case = cases.BY_ASSET.get(str(asset.get("displayName"))) if holder == "virtual-machines" else None
        name, since = (case.name, self.epoch - _length(case)) if case else ("", 0)
        if holder == "virtual-machines" and not case and asset.get("displayName") in FAMOUS:
            name = "famous"  # nothing befalls by chance what demonstrations look for
        return schedules.member(self.world.seed, holder, asset, name, since)

    def _asset(self, holder: str, id: str) -> Item:
        """An asset as it was when the tenant began, or as it is where it was made since."""
        nobody = {"id": id, "name": id, "resourceUri": ""}
        return self.seeded.resources[holder].get(id) or self.world.resources[holder].get(id) or nobody

    def _needs(self, member: Member) -> Iterator[str]:
        asset = self._asset(member.holder, member.id)
        if member.holder == "mssql-databases":
            yield asset["applicationHostInfo"]["id"]
        if "hypervisorManagerInfo" in asset:
            yield asset["hypervisorManagerInfo"]["id"]
        if member.holder == "volume-protection-groups":
            yield member.id

    def _cover(self, job: Item, there: World) -> None:
        for _, id in self._covered(job, there):
            held = self._covering.setdefault(id, [])
            if job["id"] not in held:
                held.append(job["id"])

    # --- recovery points ---------------------------------------------------------------------------------------

    def copies(self, holder: str, asset_id: str, kind: str) -> Copies:
        """The recovery points of an asset; KeyError where there is no such asset."""
        ref = (holder, asset_id, kind)
        if asset_id not in self.world.resources[holder]:
            raise KeyError(asset_id)
        if ref not in self.held:
            self.held[ref] = Copies(partial(self.series, holder, asset_id, kind))
        return self.held[ref]

    def series(self, holder: str, asset_id: str, kind: str) -> tuple[Series, ...]:
        """What the schedules of all its jobs made of an asset, the latest first."""
        self.judge_stores(self.clock())
        if asset_id == self.bulk[0] and kind == "backups":
            return (self._many(),)
        records = [self.record(id) for id in self._covering.get(asset_id, ())]
        return tuple(
            series
            for record in records if record
            for phase in reversed(record.phases)
            for member in phase.members if member.id == asset_id and member.holder == holder
            for schedule in phase.schedules.values() if KINDS.get(schedule.tier) == kind
            if (series := self._one(phase, schedule, member))
        )  # fmt: skip

    def _one(self, phase: Phase, schedule: Schedule, member: Member) -> Series | None:
        if schedule.store in self.gone_stores:
            return None
        key = (schedule.job, schedule.since, schedule.id, member.id)
        series = self._series.get(key)
        if series is None:
            ids = series_key(self.world.seed, member.id, KINDS[schedule.tier], schedule.job, schedule.id)
            render = partial(recovery_points.render, self.seeded, self._asset(member.holder, member.id))
            series = Series(
                phase, schedule, member, ids, phase.since, phase.until, self.lost, render, self.world.seed, self.clock
            )
            self._series[key] = series
        series.until = phase.until
        return series

    def _many(self) -> Series:
        id, model, count = self.bulk
        if ("many",) not in self._series:
            like = self.series("virtual-machines", model, "backups")[0]
            schedule = replace(like.schedule, keep=3650 * DAY, lock=None)
            asset = self.world.resources["virtual-machines"][id]
            member = replace(like.member, id=id, name=asset["name"])
            ids, newest = series_key(self.world.seed, id, "backups", "", 0), (self.epoch - 3600) // 300 * 300
            render = partial(recovery_points.render, self.seeded, asset)
            self._series["many", ] = Many(like.phase, schedule, member, ids, newest, None, self.lost, render,
                                          self.world.seed, self.clock, count=count)  # fmt: skip
        return self._series["many",]

    # --- what is derived when it is read -----------------------------------------------------------------------

    def view(self, collection: str, item: Item, now: int) -> Item | None:
        """A resource with what follows from history at a time; None for an issue that is no more.

        Of jobs the last runs and the next, of assets whether they are protected, of stores and appliances what they
        hold.
        """
        stored, version, until, derived = self._views.get(item["id"], (None, -1, -1, None))
        if stored is not item or version != self._version or now >= until:
            self.judge_stores(now)
            derived, until = self._shared(collection, item, now) or self._derive(collection, item, now)
            self._views[item["id"]] = (item, self._version, until, derived)
        return derived

    def _shared(self, collection: str, item: Item, now: int) -> tuple[Item | None, int] | None:
        """What is derived of a resource, once for all tenants that began alike; None where this one is another now."""
        if self._version or self._day or self.seeded.resources.get(collection, {}).get(item["id"]) != item:
            return None
        if self.written and collection != "protection-jobs":
            return None
        derived, key = self.seeded.derived, (collection, item["id"], self.lag())
        if frozen := derived.get(key, now):
            return pickle.loads(frozen[0]), frozen[1]  # noqa: S301  our own: each tenant has items of its own
        view, until = self._derive(collection, item, now)
        derived.keep(key, now, until, pickle.dumps(view, pickle.HIGHEST_PROTOCOL))
        return view, until

    def _derive(self, collection: str, item: Item, now: int) -> tuple[Item | None, int]:
        if collection == "protection-jobs":
            record = self.record(item["id"])
            return jobs.view(record, item, now, self.lost) if record else (item, runs.NEVER)
        if collection == "protection-stores":
            store = self._store(item["id"])
            return stores.view(item, store, self._lost_system(item), now), now + 1
        if collection == "storeonces":
            mine = [s for s in self.world.all("protection-stores") if s["storageSystemInfo"]["id"] == item["id"]]
            return stores.appliance(item, [self._as_viewed("protection-stores", s, now) for s in mine]), now + 1
        if collection == "issues":
            about = self._resource(item["sourceResourceType"], item["sourceResourceId"])
            return issues.view(item, self._as_viewed(about[0], about[1], now) if about else None), now + 1
        return self._asset_view(collection, item, now)

    def _as_viewed(self, collection: str, item: Item, now: int) -> Item:
        return (self.view(collection, item, now) or item) if collection in DERIVED else item

    def _resource(self, kind: str, id: str) -> tuple[str, Item] | None:
        name = kind.rpartition("/")[2]
        for collection, items in self.world.resources.items():
            if id in items and collection.startswith(name[:-1]):
                return collection, items[id]
        return None

    def _asset_view(self, holder: str, item: Item, now: int) -> tuple[Item, int]:
        if item.get("protectionStatus") == "UNSUPPORTED" or holder == "virtual-machine-protection-groups":
            return item, runs.NEVER
        covers = list(self._covers(holder, item["id"]))
        held = [self.copies(holder, item["id"], kind) for kind in ("backups", "snapshots")]
        touched = any(h.extra or h.changed or h.gone for h in held)
        when, lag = datetime.fromtimestamp(now, UTC), self.lag()

        def copies() -> bool:
            return any(h.count(when, lag) for h in held)

        status, exist = statuses.protection(covers, copies, touched, now, self.lost)
        until = min((r.changes(id, now, self.lost) for r, raw, _ in covers for id in statuses.schedule_ids(raw)),
                    default=runs.NEVER)  # fmt: skip
        if touched or not covers or status in ("PAUSED", "PENDING"):
            until = min(until, now + 60)
        if holder == "volume-protection-groups":
            return {**item, "assets": [{**a, "protectionStatus": status} for a in item["assets"]]}, until
        return {**item, "protectionStatus": status, "recoveryPointsExist": exist}, until

    def _covers(self, holder: str, id: str) -> Iterator[statuses.Cover]:
        for job_id in self._covering.get(id, ()):
            raw, record = self.world.resources["protection-jobs"].get(job_id), self.record(job_id)
            for member in record.phases[-1].members if raw and record else ():
                if raw and record and member.id == id and member.holder == holder:
                    yield record, raw, member

    # --- stores ------------------------------------------------------------------------------------------------

    def _store(self, id: str) -> Store:
        if id not in self.stores:
            share = self.seeded.fill.get(id, 0)
            self.stores[id] = Store(id, share, self.epoch, partial(self._stored, id), partial(self._beside, id),
                                    self.lag, lost=self.lost)  # fmt: skip
        return self.stores[id]

    def _stored(self, store_id: str) -> list[Series]:
        """The series of all assets that write to a store."""
        if self._by_store[0] != self._version:
            result: dict[str, list[Series]] = {}
            for record in self._all_records():
                for phase in record.phases:
                    for schedule in phase.schedules.values():
                        if schedule.tier not in runs.STORED:
                            continue
                        for member in phase.members:
                            if series := self._one(phase, schedule, member):
                                result.setdefault(schedule.store, []).append(series)
            self._by_store = (self._version, result)
        return self._by_store[1].get(store_id, [])

    def _beside(self, store_id: str, now: int) -> int:
        """MiB of copies in a store that no schedule made, or keeps longer; less those that were deleted."""
        when, lag = datetime.fromtimestamp(now, UTC), self.lag()
        held = [h for ref, h in self.held.items() if ref[2] == "backups" and (h.extra or h.changed or h.gone)]
        return sum(h.stored(store_id, when, lag) for h in held)

    def _lost_system(self, store: Item) -> bool:
        return bool(self.lost.lasting(store["storageSystemInfo"]["id"]))

    def judge_stores(self, now: int) -> None:
        """Note which stores are full, day by day up to now."""
        day = (now - self.epoch) // DAY
        if day <= self._day:
            return
        self._day = day
        for item in self.world.all("protection-stores"):
            self._store(item["id"]).judge(item, now)

    # --- what writes tell --------------------------------------------------------------------------------------

    def note(self, ref: Ref, before: Item | None, after: Item | None, now: int) -> None:
        """A resource has changed (None: it was not there, or is gone)."""
        self.written = True
        collection, id = ref[0], ref[1]
        if len(ref) > 2:
            return
        if collection == "protection-jobs":
            self._note_job(id, after, now)
        elif collection in MEMBERS and before and after:
            name = MEMBERS[collection][0]
            job = after.get("protectionJobInfo")
            if job and [m["id"] for m in before.get(name, ())] != [m["id"] for m in after.get(name, ())]:
                self._reopen(job["id"], now)
        if collection in NEEDED:
            self._note_needed(collection, id, before, after, now)

    def _note_needed(self, collection: str, id: str, before: Item | None, after: Item | None, now: int) -> None:
        was = bool(self.lost.lasting(id))
        reason = _trouble(collection, after) if after else GONE
        if reason and not was:
            self.lost.begin(id, now, reason)
        elif was and not reason:
            self.lost.end(id, now)
        if was != bool(reason):
            self._unsettle()
        if collection == "protection-stores" and after is None:
            self.gone_stores.add(id)
            for held in self.held.values():
                held.forget(id)
            self._unsettle()
        if (
            collection == "protection-stores"
            and before
            and after
            and before["storageSystemInfo"] != after["storageSystemInfo"]
        ):
            for job_id in list(self.world.resources["protection-jobs"]):
                self._reopen(job_id, now)

    def _note_job(self, id: str, after: Item | None, now: int) -> None:
        record = self.record(id)
        if after is None:
            if record and record.phases[-1].until is None:
                record.phases[-1].until = now
        elif record is None:
            since = int(parse_time(after["effectiveFromDateTime"]).timestamp())
            self._records[id] = record = Record(id, after["assetInfo"], [self._phase(after, max(now, since))])
            self._watch(record)
        else:
            self._note_runs(record, after, now)
            self._reopen(id, now)
            return
        self._unsettle()
        if after:
            self._cover(after, self.world)

    def _note_runs(self, record: Record, after: Item, now: int) -> None:
        """The runs in a job's last five that no schedule made."""
        for schedule in (s for p in after["protections"] for s in p["schedules"]):
            id = schedule["scheduleId"]
            mine = {
                jobs.run_id(record.id, id, run.due)
                for _, _, run in islice(record.runs(id, now, self.lost), 2 * jobs.SHOWN)
            }
            held = record.by_hand.get(id, [])
            recorded = mine | {str(s["taskUri"])[-36:] for s in held}
            new = [s for s in schedule.get("executionStatuses", ()) if str(s.get("taskUri", ""))[-36:] not in recorded]
            if new:
                record.by_hand[id] = [*new, *held][: jobs.SHOWN]
                self._unsettle()

    def _reopen(self, job_id: str, now: int) -> None:
        """A new phase of a job, where it differs from the last."""
        record, raw = self.record(job_id), self.world.resources["protection-jobs"].get(job_id)
        if record is None or raw is None:
            return
        last = record.phases[-1]
        phase = self._phase(raw, now)
        if phase.signature == last.signature:
            return
        last.until = now if last.until is None else last.until
        record.phases.append(phase)
        self._watch(record)
        self._cover(raw, self.world)
        self._unsettle()

    def _watch(self, record: Record) -> None:
        """Stores that are given more than they were seeded for are looked at each day."""
        for schedule in record.phases[-1].schedules.values():
            if schedule.store:
                self._store(schedule.store).watched = True

    def _unsettle(self) -> None:
        """What was derived is derived anew."""
        self._version += 1
        if self.lost.memo is self.seeded.derived.runs:
            self.lost.memo = dict(self.lost.memo)  # of this tenant alone from now on
        for series in self._series.values():
            series.fresh_until = -1

    def trouble(self, job: Item, protection: Item, now: int) -> str:
        """Why a run begun now would fail; "" where it would not."""
        record = self.record(job["id"])
        ids = [s["scheduleId"] for s in protection["schedules"]]
        if record is None:
            return ""
        self.judge_stores(now)
        members = record.phases[-1].parts
        parsed = self._phase(_active(job), now).schedules
        needs = [need for id in ids if id in parsed for need in parsed[id].needs]
        outage = self.lost.first(needs, now, now + 1)
        outage = outage or (self.lost.first((members[0].id,), now, now + 1) if len(members) == 1 else None)
        return outage.reason if outage else ""

    # --- tasks -------------------------------------------------------------------------------------------------

    def tasks(self, now: int) -> dict[str, Past]:
        """The tasks of the last week that nobody's request began, newest first, by id."""
        version, until, result = self._tasks
        if version != self._version or now >= until:
            self.judge_stores(now)
            as_begun = not (self._version or self._day)
            if as_begun and (shared := self.seeded.derived.get("tasks", now)):
                self._tasks = (0, shared[1], shared[0])
                return self._tasks[2]
            past = [*tasks.odd(self.seeded), *tasks.chores(self.seeded, now)]
            until = now + 600
            for job_id in (*self.seeded.resources["protection-jobs"], *self._former, *self._records):
                if record := self.record(job_id):
                    past += tasks.runs_of(record, now, self.lost)
                    until = min([until, *(record.changes(id, now, self.lost) for id in record.phases[-1].schedules)])
            past.sort(key=lambda t: (t.created, t.id), reverse=True)
            result = {task.id: task for task in past}
            self._tasks = (self._version, until, result)
            if as_begun:
                self.seeded.derived.keep("tasks", now, until, result)
        return result


def _length(case: cases.Case) -> int:
    return int(case.since.total_seconds())


def _active(job: Item) -> Item:
    """The job with all of its schedules active."""
    protections = [{**p, "schedules": [{**s, "operational": "ACTIVE"} for s in p["schedules"]]}
                   for p in job["protections"]]  # fmt: skip
    return {**job, "protections": protections}


def _trouble(collection: str, item: Item) -> str:
    """Why nothing works that needs a resource; "" where it does."""
    if collection == "protection-store-gateways" and item["health"]["status"].endswith("DISCONNECTED"):
        return outages.GATEWAY_LOST
    if collection == "data-orchestrators" and item["connectionState"] == "DISCONNECTED":
        return outages.ORCHESTRATOR_LOST
    if collection == "protection-stores" and item["connectedState"] == "DISCONNECTED":
        return outages.STORE_LOST
    if collection in ("application-hosts", "volume-protection-groups") and item["status"] == "ERROR":
        return str(item["stateReason"])
    return ""
