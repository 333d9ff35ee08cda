"""Writes to protection jobs. A run ends when it is triggered; the recovery points come from other, later tasks."""

# ruff: noqa: A001, A002

from __future__ import annotations

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, parse_time, uri
from greenlake_backup_mcp.simulator.seed.policies import REASONS, job_reference, length, new_job
from greenlake_backup_mcp.simulator.seed.recovery_points import HOLDERS, TIERS, fresh
from greenlake_backup_mcp.simulator.seed.tasks import RUNS
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Task

from .call import Call
from .recovery_points import settle_protection

GROUPS = {
    "virtual-machine-protection-groups": ("assets", "virtual-machines"),
    "mssql-database-protection-groups": ("members", "mssql-databases"),
}
APPLICATIONS = {
    "VMWARE": ("virtual-machines", "datastores", "virtual-machine-protection-groups"),
    "MSSQL": ("mssql-databases", "mssql-database-protection-groups"),
    "HPE_ARRAY_VOLUME": ("volume-protection-groups",),
    "AWS": (),
}


def create(call: Call) -> Answer:
    """POST: the job appears when the task ends, and its first run starts at once."""
    tenant, body = call.tenant, call.body
    policy = call.other("protection-policies", body["protectionPolicyId"], "Protection policy")
    ref, asset = _asset(tenant, body["assetInfo"]["id"])
    if ref[0] not in APPLICATIONS[policy["applicationType"]]:
        raise Refusal(400, f"A policy for {policy['applicationType']} cannot protect an asset of type {asset['type']}.")
    if asset.get("protectionStatus") == "UNSUPPORTED":
        raise Refusal(400, f"Protection of {_name(asset)} is not supported.")
    if "protectionJobInfo" in asset:
        raise Refusal(400, f"{_name(asset)} is already protected by a job.")
    wrong = {p["id"] for p in body.get("overrides", {}).get("protections", ())} - {
        p["id"] for p in policy["protections"]
    }
    if wrong:
        raise Refusal(400, f"The policy has no protection {sorted(wrong)[0]}.")
    id = tenant.new_id("job")

    orchestrator = call.orchestrator()["id"]

    def finish() -> None:
        job = new_job(id, policy, asset, tenant.now(), orchestrator)
        if "effectiveFromDateTime" in body:
            job["effectiveFromDateTime"] = format_time(parse_time(body["effectiveFromDateTime"]))
        tenant.put(("protection-jobs", id), job)
        _applied(tenant, ref, job)
        run_schedules(tenant, job, None, None)

    return call.accepted(tenant.start("Create protection job", 10, asset, finish=finish))


def delete(call: Call) -> Answer:
    """DELETE: the job goes, its recovery points stay."""
    tenant, job, ref = call.tenant, call.target(), call.ref

    def finish() -> None:
        tenant.remove(ref)
        _released(tenant, job)

    return call.accepted(tenant.start("Delete protection job", 10, job["assetInfo"], finish=finish, others=[job]))


def suspend(call: Call) -> Answer:
    """POST suspend."""
    return _switch(call, "SUSPENDED")


def resume(call: Call) -> Answer:
    """POST resume."""
    return _switch(call, "ACTIVE")


def _switch(call: Call, wanted: str) -> Answer:
    tenant, job, ref = call.tenant, call.target(), call.ref
    chosen = _chosen(job, call.body.get("scheduleIds"))

    def finish() -> None:
        now = tenant.read(ref)
        if now is None:
            raise Failure("The protection job no longer exists.", "NOT_FOUND")
        protections = [
            {
                **p,
                "schedules": [
                    {**s, "operational": wanted if s["scheduleId"] in chosen else s["operational"]}
                    for s in p["schedules"]
                ],
            }
            for p in now["protections"]
        ]
        states = {s["operational"] for p in protections for s in p["schedules"]}
        whole = states.pop() if len(states) == 1 else "PARTIALLY_SUSPENDED"
        tenant.write(ref, protections=protections, operational=whole)
        _status(tenant, now, "PAUSED" if whole == "SUSPENDED" else "PROTECTED", only=("PAUSED", "PROTECTED", "PARTIAL"))

    name = "Suspend protection job" if wanted == "SUSPENDED" else "Resume protection job"
    return call.accepted(tenant.start(name, 5, job["assetInfo"], finish=finish, others=[job]))


def run(call: Call) -> Answer:
    """POST run: the task ends when the run is triggered."""
    tenant, job = call.tenant, call.target()
    chosen = _chosen(job, call.body.get("scheduleIds"))
    if job["operational"] == "PERMANENTLY_SUSPENDED":
        raise Refusal(400, "The protection job is permanently suspended.")
    wanted = set(call.body.get("includeResources", ()))
    if wanted - {a["id"] for a in job["associatedAssetsInfo"]} - {job["assetInfo"]["id"]}:
        raise Refusal(400, "includeResources names an asset that is not of this job.")
    holder: list[Task] = []
    task = tenant.start(
        "Run protection job",
        8,
        job["assetInfo"],
        others=[job],
        finish=lambda: run_schedules(tenant, job, chosen, holder[0]),
    )
    holder.append(task)
    return call.accepted(task)


def run_schedules(tenant: Tenant, job: Item, chosen: set[int] | None, parent: Task | None) -> None:
    """Begin a task for each schedule; one that copies from another waits for it."""
    before = 0.0
    for protection in job["protections"]:
        for schedule in protection["schedules"]:
            if chosen is not None and schedule["scheduleId"] not in chosen:
                continue
            name, seconds = RUNS[protection["type"]]
            before += seconds

            box: list[str] = []

            def finish(protection: Item = protection, schedule: Item = schedule, box: list[str] = box) -> None:
                _ran(tenant, job, protection, schedule, box[0])

            box.append(tenant.start(name, before, job["assetInfo"], parent=parent, finish=finish).id)


def _ran(tenant: Tenant, job: Item, protection: Item, schedule: Item, task_id: str) -> None:
    """A schedule's run ends: a recovery point, or the reason why there is none."""
    ref, asset = _asset(tenant, job["assetInfo"]["id"])
    reason = ""
    store = tenant.read(("protection-stores", protection.get("protectionStoreInfo", {}).get("id", "")))
    if protection.get("protectionStoreInfo") and (store is None or store["connectedState"] == "DISCONNECTED"):
        reason = "Protection Store Gateway is not connected."
    if asset.get("displayName") == "sap-prod-02":
        reason = REASONS[1]
    if not reason:
        for one in _holders(tenant, ref, asset):
            _recovery_point(tenant, one, protection, schedule)
    _noted(tenant, job, schedule["scheduleId"], reason, task_id)
    if reason:
        _status(tenant, job, "PARTIAL", only=("PROTECTED",))
        raise Failure(reason)
    _status(tenant, job, "PROTECTED", only=("PENDING", "LAPSED", "UNPROTECTED"))


def _holders(tenant: Tenant, ref: Ref, asset: Item) -> list[Ref]:
    names, collection = GROUPS.get(ref[0], ("", ""))
    members = [(collection, m["id"]) for m in asset.get(names, ()) if tenant.read((collection, m["id"]))]
    return [*([ref] if ref[0] in HOLDERS else []), *members]


def _recovery_point(tenant: Tenant, ref: Ref, protection: Item, schedule: Item) -> None:
    kind = next((k for k, tiers in TIERS.items() if protection["type"] in tiers), None)
    asset = tenant.read(ref)
    if kind is None or asset is None:
        return
    now = tenant.now()
    dates = {"expiresAt": format_time(now + length(schedule["expireAfter"]))} if "expireAfter" in schedule else {}
    if "lockFor" in schedule:
        dates["lockedUntil"] = format_time(now + length(schedule["lockFor"]))
    item = fresh(
        tenant.world, ref[0], asset, kind, tenant.new_id("copy"), now, protection=protection, schedule=schedule
    )
    tenant.put((*ref, kind, item["id"]), item | dates)
    if "recoveryPointsExist" in asset and not asset["recoveryPointsExist"]:
        tenant.write(ref, recoveryPointsExist=True)


def _noted(tenant: Tenant, job: Item, schedule_id: int, reason: str, task_id: str) -> None:
    """The run in the job's last five."""
    ref = ("protection-jobs", job["id"])
    held = tenant.read(ref)
    if held is None:
        return
    time = format_time(tenant.now())
    entry = {"status": "ERROR" if reason else "OK", "timestamp": time, "taskUri": uri("async-operations", task_id)}
    if reason:
        entry["errorMessage"] = reason
    protections = []
    for protection in held["protections"]:
        schedules = []
        for s in protection["schedules"]:
            new = dict(s)
            if s["scheduleId"] == schedule_id:
                new |= {"executionStatuses": [entry, *s["executionStatuses"]][:5], "prevRunTime": time}
                if not reason:
                    new["prevSuccessfulRunTime"] = time
            schedules.append(new)
        protections.append({**protection, "schedules": schedules})
    tenant.write(ref, protections=protections)


def _chosen(job: Item, ids: list[int] | None) -> set[int]:
    known = {s["scheduleId"] for p in job["protections"] for s in p["schedules"]}
    if ids and (wrong := set(ids) - known):
        raise Refusal(400, f"The job has no schedule {sorted(wrong)[0]}; it has {', '.join(map(str, sorted(known)))}.")
    return set(ids) if ids else known


def _asset(tenant: Tenant, id: str) -> tuple[Ref, Item]:
    for collection in (*HOLDERS, "mssql-database-protection-groups"):
        if asset := tenant.read((collection, id)):
            return (collection, id), asset
    raise Refusal(400, f"Asset {id!r} does not exist.")


def _applied(tenant: Tenant, ref: Ref, job: Item) -> None:
    tenant.write(ref, protectionJobInfo=job_reference(job))
    tenant.world.plans.setdefault(ref[1], "")
    policy = tenant.read(("protection-policies", job["protectionPolicyInfo"]["id"]))
    if policy:
        entry = {"assetInfo": job["assetInfo"], "id": job["id"], "resourceUri": job["resourceUri"], "type": job["type"]}
        jobs = [*policy["protectionJobsInfo"], entry]
        tenant.write(("protection-policies", policy["id"]), protectionJobsInfo=jobs, assigned=True)
    _status(tenant, job, "PENDING", only=("UNPROTECTED", "LAPSED"))


def _released(tenant: Tenant, job: Item) -> None:
    ref, asset = _asset(tenant, job["assetInfo"]["id"])
    changes: Item = {"protectionJobInfo": None}
    if "protectionPolicyAppliedAtInfo" in asset:
        changes["protectionPolicyAppliedAtInfo"] = None
    tenant.write(ref, **changes)
    policy = tenant.read(("protection-policies", job["protectionPolicyInfo"]["id"]))
    if policy:
        jobs = [j for j in policy["protectionJobsInfo"] if j["id"] != job["id"]]
        tenant.write(("protection-policies", policy["id"]), protectionJobsInfo=jobs, assigned=bool(jobs))
    for one in _holders(tenant, ref, asset):
        held = tenant.read(one)
        if held and "protectionStatus" in held:
            tenant.write(one, protectionStatus="LAPSED", protectionPolicyAppliedAtInfo=None, protectionJobInfo=None)
            settle_protection(tenant, one[0], one[1])


def _status(tenant: Tenant, job: Item, status: str, only: tuple[str, ...]) -> None:
    """The protectionStatus of the job's asset and of the members of a group."""
    try:
        ref, asset = _asset(tenant, job["assetInfo"]["id"])
    except Refusal:
        return
    for one in {ref, *_holders(tenant, ref, asset)}:
        held = tenant.read(one)
        if held and held.get("protectionStatus") in only:
            tenant.write(one, protectionStatus=status)


def _name(item: Item) -> str:
    return str(item.get("displayName") or item.get("name"))
