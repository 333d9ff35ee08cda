"""Runs of protection jobs: a task for each schedule, which makes the recovery points, or says why there are none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from greenlake_backup_mcp.simulator.answers import Failure
from greenlake_backup_mcp.simulator.history import runs
from greenlake_backup_mcp.simulator.history.recovery_points import TIERS, fresh
from greenlake_backup_mcp.simulator.history.tasks import RUNS
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, uri
from greenlake_backup_mcp.simulator.seed.policies import length, store_reference
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Task

from .protection import asset_of, protected_through
from .stores import why_closed


@dataclass(frozen=True)
class Options:
    """How a run is to go: whether its backups are full ones, and of which assets alone (none: of all)."""

    full: bool = False
    only: frozenset[str] = frozenset()


def run_schedules(
    tenant: Tenant, job: Item, chosen: Collection[int] | None, parent: Task, options: Options = Options()
) -> None:
    """Begin a child task for each schedule; one that copies from another waits for it."""
    before, above = 0.0, parent if tenant.switches.runs_are_children else None
    pairs = [(p, s) for p in job["protections"] for s in p["schedules"]]
    wanted = {s["scheduleId"] for _, s in pairs} if chosen is None else set(chosen)
    if tenant.switches.source_runs_first:
        wanted |= {s["sourceProtectionScheduleId"] for _, s in pairs
                   if s["scheduleId"] in wanted and "sourceProtectionScheduleId" in s}  # fmt: skip
    for protection, schedule in pairs:
        if schedule["scheduleId"] not in wanted:
            continue
        name, seconds = RUNS[protection["type"]]
        before += seconds
        run = Run(tenant, job, protection, {**schedule, **schedule.get("overrides", {})}, options)
        run.task = tenant.start(name, before, job["assetInfo"], parent=above, finish=run.finish)


@dataclass
class Run:
    """One schedule being run by `task`."""

    tenant: Tenant
    job: Item
    protection: Item
    schedule: Item  # with what the job overrides
    options: Options
    task: Task = field(init=False)

    def finish(self) -> None:
        """Recovery points, but of what could not be copied, and an entry in the job's last five runs."""
        tenant, (_, asset) = self.tenant, asset_of(self.tenant, self.job["assetInfo"]["id"])
        only, closed = self.options.only, why_closed(tenant, self.protection.get("protectionStoreInfo"))
        status, reason, parts = tenant.history.run_now(self.job, self.protection, only)
        if closed:
            status, reason = runs.ERROR, closed
        for one in protected_through(tenant, asset) if status != runs.ERROR else ():
            if one[1] not in parts and (not only or one[1] in only):
                self._recovery_point(one)
        self._note(status, reason)
        if status == runs.ERROR:
            raise Failure(reason)

    def _recovery_point(self, ref: Ref) -> None:
        tenant, schedule, tier, taken = self.tenant, self.schedule, self.protection["type"], self.task.created
        asset = tenant.read(ref)
        if tier == "DATABASE_LOG_BACKUP":
            self._log_backup(ref)
        kind = next((k for k, tiers in TIERS.items() if tier in tiers), None)
        if kind is None or asset is None:
            return
        values: Item = {}
        for name, period in (("expiresAt", "expireAfter"), ("lockedUntil", "lockFor")):
            if period in schedule:
                values[name] = format_time(taken + length(schedule[period]))
        first = not tenant.copies(ref[0], ref[1], kind).count(tenant.now(), tenant.lag)
        overwritten = kind == "backups" and tenant.rewritten.pop(ref[1], None) is not None
        item = fresh(
            tenant.world, ref[0], asset, kind, tenant.new_id("copy"), taken,
            protection=self.protection, schedule=schedule, full=self.options.full or first or overwritten,
        )  # fmt: skip
        chosen = ("consistency", "backupGranularity")
        values |= {name: schedule[name] for name in chosen if name in item and name in schedule}
        if kind == "backups" and (source := self._source(ref)):
            values["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": source["id"]}
        tenant.put((*ref, kind, item["id"]), item | values)

    def _source(self, ref: Ref) -> Item | None:
        """The snapshot that a backup is made from."""
        page = self.tenant.copies(ref[0], ref[1], "snapshots").page(0, 1, self.tenant.now(), self.tenant.lag)
        return next(iter(page), None)

    def _log_backup(self, ref: Ref) -> None:
        """The logs reach further: the newest backup tells until when, and where they lie."""
        tenant, store = self.tenant, self.protection.get("protectionStoreInfo")
        page = tenant.copies(ref[0], ref[1], "backups").page(0, 20, tenant.now(), tenant.lag)
        newest = max(page, key=lambda c: str(c["pointInTime"]), default=None)
        held = tenant.read(("protection-stores", store["id"])) if store else None
        if newest and held:
            info = {"lastLogBackupTime": format_time(self.task.created), "protectionStoreInfo": store_reference(held),
                    "storageSystemInfo": held["storageSystemInfo"]}  # fmt: skip
            tenant.write((*ref, "backups", newest["id"]), logBackupInfo=info)

    def _note(self, status: str, reason: str) -> None:
        ref, time = ("protection-jobs", self.job["id"]), format_time(self.task.created)
        entry = {"status": status, "timestamp": time, "taskUri": uri("async-operations", self.task.id)}
        entry |= {"errorMessage": reason} if reason else {}
        if self.tenant.read(ref):
            self.tenant.history.note_run(ref[1], self.schedule["scheduleId"], entry)
            self.tenant.write(ref)
