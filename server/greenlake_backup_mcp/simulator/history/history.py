"""The tenant's history: what its jobs did, what is left of it and what that takes, at any time that is asked for.

Writes change resources; `note` sees what they changed about jobs and about what those need, and from then on runs are
decided by the new state. What was decided never changes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from greenlake_backup_mcp.simulator.names import Item, Ref
from greenlake_backup_mcp.simulator.seed import cases
from greenlake_backup_mcp.simulator.seed.data_services import standing
from greenlake_backup_mcp.simulator.seed.world import World

from . import jobs, outages, records, recovery_points, runs, stores, tasks
from .calendar import DAY
from .copies import Copies, Series, series_key
from .outages import Outages
from .records import Records, asset_in
from .recovery_points import HOLDERS
from .schedules import KINDS, Member, Phase, Schedule
from .stores import Store
from .tasks import Past

DERIVED = ("protection-jobs", "dual-auth-operations", "protection-stores", "storeonces", "issues", *HOLDERS)
NEEDED = ("protection-store-gateways", "data-orchestrators", "application-hosts", "protection-stores",
          "volume-protection-groups")  # fmt: skip


CANCELLED = {"Pending": "Canceled", "PENDING": "CANCELLED"}  # what becomes of an approval that is no longer needed


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
        self.records = Records(world, seeded, self.lost)
        self.held: dict[Ref, Copies] = {}
        self.stores: dict[str, Store] = {}
        self.gone_stores: set[str] = set()
        self._series: dict[tuple[object, ...], Series] = {}
        self._views: dict[str, tuple[Item, int, int, Item | None]] = {}  # id → stored, version, until, shown
        self._by_store: tuple[int, dict[str, list[Series]]] = (-1, {})
        self._tasks: tuple[int, int, dict[str, Past]] = (-1, -1, {})  # version, until, by id
        self._version = self._day = 0
        self.written = False  # whether anything was changed since the tenant began
        for collection in NEEDED:
            for item in seeded.all(collection):
                if reason := outages.trouble(collection, item):
                    self.lost.begin(item["id"], seeded.lost_since.get(item["id"], self.epoch), reason)
        for case in cases.CASES:
            if case.name in ("failing", "copy-in-error"):
                vm = next(v for v in seeded.all("virtual-machines") if v["displayName"] == case.asset)
                self.lost.begin(vm["id"], self.epoch - case.seconds, outages.REASONS[case.name != "failing"])
        self.lost.memo = seeded.derived.runs

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
            return (self._bulk(),)
        return tuple(
            series
            for record in self.records.covering(asset_id)
            for phase in reversed(record.phases)
            for member in phase.members if member.id == asset_id and member.holder == holder
            for schedule in phase.schedules.values() if KINDS.get(schedule.tier) == kind
            if (series := self._one(phase, schedule, member))
        )  # fmt: skip

    def _one(self, phase: Phase, schedule: Schedule, member: Member) -> Series | None:
        if schedule.store in self.gone_stores or member.id not in self.world.resources[member.holder]:
            return None
        key = (schedule.job, schedule.since, schedule.id, member.id)
        series = self._series.get(key)
        if series is None:
            ids = series_key(self.world.seed, member.id, KINDS[schedule.tier], schedule.job, schedule.id)
            asset = asset_in(phase.there, member.holder, member.id)
            series = self._series[key] = Series(
                phase, schedule, member, ids, self.lost,
                partial(recovery_points.render, phase.there, asset), self.world.seed, self.clock,
            )  # fmt: skip
        return series

    def _bulk(self) -> Series:
        """The backups of the VM that owns so many: one every five minutes, as those of its model are."""
        id, model, count = self.bulk
        if ("bulk",) not in self._series:
            like, newest = self.series("virtual-machines", model, "backups")[0], (self.epoch - 3600) // 300 * 300
            dues = range(newest - (count - 1) * 300, newest + 1, 300)
            asset = asset_in(self.seeded, "virtual-machines", id)
            self._series["bulk",] = replace(
                like, schedule=replace(like.schedule, keep=3650 * DAY, lock=None),
                phase=replace(like.phase, since=dues[0], until=newest + 1),
                member=replace(like.member, id=id, name=asset["name"]), template={}, looked=newest, fresh_until=-1,
                key=series_key(self.world.seed, id, "backups", "", 0), mib=0,
                render=partial(recovery_points.render, self.seeded, asset),
                runs={due: runs.Run(due, due + 600, runs.OK) for due in dues},
            )  # fmt: skip
        return self._series["bulk",]

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

    def _is_as_seeded(self) -> bool:
        """Whether nothing has come, gone or changed: then what is derived is the same for all that began alike."""
        present, seeded = self.world.resources, self.seeded.resources
        alike = all(len(present.get(c, ())) == len(seeded.get(c, ())) for c in ("protection-jobs", *HOLDERS))
        return alike and not (self._version or self._day)

    def _shared(self, collection: str, item: Item, now: int) -> tuple[Item | None, int] | None:
        """What is derived of a resource, once for all tenants that began alike; None where this one is another now."""
        if not self._is_as_seeded() or self.seeded.resources.get(collection, {}).get(item["id"]) != item:
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
            record = self.records.get(item["id"])
            return jobs.view(record, item, now, self.lost) if record else (item, runs.NEVER)
        if collection == "protection-stores":
            lost = bool(self.lost.lasting(item["storageSystemInfo"]["id"]))
            return stores.view(item, self._store(item["id"]), lost, now), now + 1
        if collection == "storeonces":
            held = [self.view("protection-stores", s, now) or s for s in self.world.all("protection-stores")
                    if s["storageSystemInfo"]["id"] == item["id"]]  # fmt: skip
            return stores.appliance(item, held), now + 1
        if collection == "issues":
            return standing(item, self._about(item["sourceResourceType"], item["sourceResourceId"], now)), now + 1
        if collection == "dual-auth-operations":
            return self._approval(item, now), now + 1
        return self._asset_view(collection, item, now)

    def _approval(self, item: Item, now: int) -> Item:
        """An approval as it stands: what it waits for may have expired meanwhile."""
        ref = item["operationResource"]["resourceUri"].split("/")[3:]
        if item["state"] not in CANCELLED or len(ref) != 4:
            return item
        held = ref[1] in self.world.resources[ref[0]] and self.copies(*ref[:3])
        there = held and held.get(ref[3], datetime.fromtimestamp(now, UTC), self.lag())
        return item if there else {**item, "state": CANCELLED[item["state"]]}

    def _about(self, kind: str, id: str, now: int) -> Item | None:
        """The resource that an issue is about, as it is shown."""
        name = kind.rpartition("/")[2]
        for collection, items in self.world.resources.items():
            if id in items and collection.startswith(name[:-1]):
                return self.view(collection, items[id], now) if collection in DERIVED else items[id]
        return None

    def _asset_view(self, holder: str, item: Item, now: int) -> tuple[Item, int]:
        """An asset with its protectionStatus, as the descriptions of that word it, by what its jobs last did."""
        if item.get("protectionStatus") == "UNSUPPORTED" or holder == "virtual-machine-protection-groups":
            return item, runs.NEVER
        covers = list(self.records.covers(holder, item["id"]))
        held = [self.copies(holder, item["id"], kind) for kind in ("backups", "snapshots")]
        touched = any(h.extra or h.changed or h.gone for h in held)
        each = [(r, m, s["scheduleId"]) for r, raw, m in covers for p in raw["protections"] for s in p["schedules"]]
        ended = [record.last(schedule, member, now, self.lost) for record, member, schedule in each]
        retained_until = max((until for _, until in ended), default=0)
        sure = retained_until > now and not touched and not self.gone_stores  # else one has to look
        exist = sure or any(h.count(datetime.fromtimestamp(now, UTC), self.lag()) for h in held)
        if not covers:
            status = "LAPSED" if exist else "UNPROTECTED"
        elif any(raw["operational"] != "ACTIVE" for _, raw, _ in covers):
            status = "PAUSED"
        elif not exist:
            status = "PENDING"
        else:
            status = "PARTIAL" if any(last and last not in runs.GOOD for last, _ in ended) else "PROTECTED"
        until = min((record.changes(schedule, now, self.lost) for record, _, schedule in each), default=runs.NEVER)
        until = min(until, retained_until if sure and covers else now + 60)
        if holder == "volume-protection-groups":  # a volume may be in another group too, which protects it
            others = [g for g in self.world.all(holder) if not covers and "protectionJobInfo" in g]
            elsewhere = {a["id"]: a for g in others for a in (self.view(holder, g, now) or g)["assets"]}
            return {**item, "assets": [elsewhere.get(a["id"]) or {**a, "protectionStatus": status}
                                       for a in item["assets"]]}, min(until, now + 60) if others else until  # fmt: skip
        return {**item, "protectionStatus": status, "recoveryPointsExist": exist}, until

    # --- stores ------------------------------------------------------------------------------------------------

    def _store(self, id: str) -> Store:
        if id not in self.stores:
            share = self.seeded.fill.get(id, 0)
            self.stores[id] = Store(id, share, self.epoch, partial(self._stored, id), partial(self._beside, id),
                                    self.lag, self.lost)  # fmt: skip
        return self.stores[id]

    def _stored(self, store_id: str) -> list[Series]:
        """The series of all assets that write to a store."""
        if self._by_store[0] != self._version:
            result: dict[str, list[Series]] = {}
            for phase in (phase for record in self.records.all() for phase in record.phases):
                for schedule in (s for s in phase.schedules.values() if s.tier in runs.STORED):
                    for member in phase.members:
                        if series := self._one(phase, schedule, member):
                            result.setdefault(schedule.store, []).append(series)
            self._by_store = (self._version, result)
        return self._by_store[1].get(store_id, [])

    def _beside(self, store_id: str, now: int) -> int:
        """MiB of copies in a store that no schedule made, or keeps longer; less those that were deleted."""
        when, lag = datetime.fromtimestamp(now, UTC), self.lag()
        held = [h for (holder, id, kind), h in self.held.items() if kind == "backups"
                and id in self.world.resources[holder] and (h.extra or h.changed or h.gone)]  # fmt: skip
        return sum(h.stored(store_id, when, lag) for h in held)

    def judge_stores(self, now: int) -> None:
        """Note which stores are full, day by day up to now."""
        day = (now - self.epoch) // DAY
        if day > self._day:
            self._day, watched = day, self.records.watched()
            for item in self.world.all("protection-stores"):
                self._store(item["id"]).judge(item, now, watched=item["id"] in watched)

    # --- what writes tell --------------------------------------------------------------------------------------

    def note(self, ref: Ref, before: Item | None, after: Item | None, now: int) -> None:
        """A resource has changed (None: it was not there, or is gone)."""
        self.written = True
        if len(ref) == 2:
            lost = ref[0] in NEEDED and self._note_needed(ref[0], ref[1], after, now)
            gone = after is None and ref[0] in HOLDERS
            if self.records.note(ref[0], ref[1], before, after, now) or lost or gone:
                self._unsettle()

    def _note_needed(self, collection: str, id: str, after: Item | None, now: int) -> bool:
        """Something that runs need was lost or works again; whether it did."""
        was, reason = bool(self.lost.lasting(id)), outages.trouble(collection, after)
        if reason and not was:
            self.lost.begin(id, now, reason)
        elif was and not reason:
            self.lost.end(id, now)
        if collection == "protection-stores" and after is None:
            self.gone_stores.add(id)
            for held in self.held.values():
                held.forget(id)
            return True
        return was != bool(reason)

    def _unsettle(self) -> None:
        """What was derived is derived anew."""
        self._version += 1
        if self.lost.memo is self.seeded.derived.runs:
            self.lost.memo = dict(self.lost.memo)  # of this tenant alone from now on
        for series in self._series.values():
            series.fresh_until = -1

    def note_run(self, job_id: str, schedule_id: int, status: Item) -> None:
        """A run that somebody has begun ended so."""
        if record := self.records.get(job_id):
            record.by_hand[schedule_id] = [status, *record.by_hand.get(schedule_id, ())][: jobs.SHOWN]
            self._unsettle()

    def run_now(
        self, job: Item, protection: Item, only: Collection[str]
    ) -> tuple[str, str, Mapping[str, tuple[str, str]]]:
        """What becomes of a run that somebody has begun, of these assets alone (none: of all): see runs.Run.

        Status, reason, and the assets that cannot be copied.
        """
        record, now = self.records.get(job["id"]), self.clock()
        if record is None:
            return runs.OK, "", {}
        self.judge_stores(now)
        parsed = self.records.phase(records.active(job), now).schedules
        ids = [s["scheduleId"] for s in protection["schedules"]]
        if outage := self.lost.first((n for id in ids if id in parsed for n in parsed[id].needs), now, now + 1):
            return runs.ERROR, outage.reason, {}
        members = [m for m in record.phases[-1].parts if not only or m.id in only]
        parts = {m.id: (runs.ERROR, why) for m in members if (why := runs.illness(m, now, now + 1, self.lost))}
        return (*(runs.total(len(members), parts) if parts else (runs.OK, "")), parts)

    # --- tasks -------------------------------------------------------------------------------------------------

    def tasks(self, now: int) -> dict[str, Past]:
        """The tasks of the last week that nobody's request began, newest first, by id."""
        version, until, result = self._tasks
        if version != self._version or now >= until:
            self.judge_stores(now)
            as_begun = self._is_as_seeded()
            if as_begun and (shared := self.seeded.derived.get("tasks", now)):
                self._tasks = (0, shared[1], shared[0])
                return self._tasks[2]
            past = [*tasks.odd(self.seeded), *tasks.chores(self.seeded, now)]
            until = now + 600
            for record in self.records.all():
                past += tasks.runs_of(record, now, self.lost)
                until = min([until, *(record.changes(id, now, self.lost) for id in record.phases[-1].schedules)])
            past.sort(key=lambda t: (t.created, t.id), reverse=True)
            result = {task.id: task for task in past}
            self._tasks = (self._version, until, result)
            if as_begun:
                self.seeded.derived.keep("tasks", now, until, result)
        return result
