"""Runs of protection jobs: a task for each schedule, which makes the recovery points, or says why there are none."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.history.recovery_points import HOLDERS, TIERS, fresh
from greenlake_backup_mcp.simulator.history.tasks import RUNS
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, uri
from greenlake_backup_mcp.simulator.seed.policies import length, store_reference
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Task

from .stores import why_closed

GROUPS = {
    "virtual-machine-protection-groups": ("assets", "virtual-machines"),
    "mssql-database-protection-groups": ("members", "mssql-databases"),
}


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
        run = Run(tenant, job, protection, schedule, options)
        run.task = tenant.start(name, before, job["assetInfo"], parent=above, finish=run.finish)


class Run:
    """One schedule being run."""

    def __init__(self, tenant: Tenant, job: Item, protection: Item, schedule: Item, options: Options) -> None:
        self.tenant, self.job, self.protection = tenant, job, protection
        self.schedule = {**schedule, **schedule.get("overrides", {})}
        self.full, self.only = options.full, options.only
        self.task: Task | None = None

    def finish(self) -> None:
        """Recovery points, or the reason why there are none."""
        tenant, job = self.tenant, self.job
        ref, asset = asset_of(tenant, job["assetInfo"]["id"])
        reason = self._reason()
        if not reason:
            for one in holders_of(tenant, ref, asset):
                if not self.only or one[1] in self.only or (one == ref and ref[1] in self.only):
                    self._recovery_point(one)
        self._note(reason)
        if reason:
            raise Failure(reason)

    def _reason(self) -> str:
        """Why the run fails; empty where it does not."""
        orchestrator = self.tenant.read(("data-orchestrators", self.job["dataOrchestratorId"]))
        if orchestrator is None or orchestrator["connectionState"] == "DISCONNECTED":
            return "The Data Orchestrator is not connected."
        if reason := why_closed(self.tenant, self.protection.get("protectionStoreInfo")):
            return reason
        return self.tenant.history.trouble(self.job, self.protection, int(self.tenant.now().timestamp()))

    def _recovery_point(self, ref: Ref) -> None:
        tenant, schedule, tier = self.tenant, self.schedule, self.protection["type"]
        asset = tenant.read(ref)
        if tier == "DATABASE_LOG_BACKUP" and asset:
            self._log_backup(ref)
        kind = next((k for k, tiers in TIERS.items() if tier in tiers), None)
        if kind is None or asset is None:
            return
        now = tenant.now()
        values: Item = {}
        for name, period in (("expiresAt", "expireAfter"), ("lockedUntil", "lockFor")):
            if period in schedule:
                values[name] = format_time(now + length(schedule[period]))
        first = not tenant.copies(ref[0], ref[1], kind).count(now, tenant.lag)
        overwritten = kind == "backups" and tenant.rewritten.pop(ref[1], None) is not None
        full = self.full or first or overwritten
        item = fresh(
            tenant.world, ref[0], asset, kind, tenant.new_id("copy"), now,
            protection=self.protection, schedule=schedule, full=full,
        )  # fmt: skip
        values |= {
            name: schedule[name] for name in ("consistency", "backupGranularity") if name in item and name in schedule
        }
        if kind == "backups" and (source := self._source(ref)):
            values["sourceCopyInfo"] = {**item["sourceCopyInfo"], "id": source["id"]}
        tenant.put((*ref, kind, item["id"]), item | values)

    def _source(self, ref: Ref) -> Item | None:
        """The snapshot that a backup is made from."""
        page = self.tenant.copies(ref[0], ref[1], "snapshots").page(0, 1, self.tenant.now(), self.tenant.lag)
        return page[0] if page else None

    def _log_backup(self, ref: Ref) -> None:
        """The logs reach further: the newest backup tells until when, and where they lie."""
        tenant, store = self.tenant, self.protection.get("protectionStoreInfo")
        page = tenant.copies(ref[0], ref[1], "backups").page(0, 20, tenant.now(), tenant.lag)
        newest = max(page, key=lambda c: str(c["pointInTime"]), default=None)
        held = tenant.read(("protection-stores", store["id"])) if store else None
        if newest and held:
            info = {"lastLogBackupTime": format_time(tenant.now()), "protectionStoreInfo": store_reference(held),
                    "storageSystemInfo": held["storageSystemInfo"]}  # fmt: skip
            tenant.write((*ref, "backups", newest["id"]), logBackupInfo=info)

    def _note(self, reason: str) -> None:
        """The run in the job's last five."""
        ref = ("protection-jobs", self.job["id"])
        held = self.tenant.read(ref)
        if held is None or self.task is None:
            return
        time = format_time(self.tenant.now())
        entry = {"status": "ERROR" if reason else "OK", "timestamp": time,
                 "taskUri": uri("async-operations", self.task.id)}  # fmt: skip
        if reason:
            entry["errorMessage"] = reason

        def noted(s: Item) -> Item:
            if s["scheduleId"] != self.schedule["scheduleId"]:
                return s
            new = {**s, "executionStatuses": [entry, *s["executionStatuses"]][:5], "prevRunTime": time}
            return new if reason else {**new, "prevSuccessfulRunTime": time}

        self.tenant.write(ref, protections=change_schedules(held, noted))


def change_schedules(job: Item, change: Callable[[Item], Item]) -> list[Item]:
    """The protections of a job with each of their schedules changed."""
    return [{**p, "schedules": [change(s) for s in p["schedules"]]} for p in job["protections"]]


def asset_of(tenant: Tenant, id: str) -> tuple[Ref, Item]:
    """The asset of an id, whatever its kind; 400 where there is none."""
    for collection in (*HOLDERS, "mssql-database-protection-groups"):
        if asset := tenant.read((collection, id)):
            return (collection, id), asset
    raise Refusal(400, f"Asset {id!r} does not exist.")


def holders_of(tenant: Tenant, ref: Ref, asset: Item) -> list[Ref]:
    """What gets recovery points where the asset is protected: itself, and the members of a group."""
    names, collection = GROUPS.get(ref[0], ("", ""))
    members = [(collection, m["id"]) for m in asset.get(names, ()) if tenant.read((collection, m["id"]))]
    return [*([ref] if ref[0] in HOLDERS else []), *members]
