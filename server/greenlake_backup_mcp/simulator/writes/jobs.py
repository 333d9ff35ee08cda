"""Writes to protection jobs. A run ends when it is triggered; the recovery points come from other, later tasks."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, parse_time
from greenlake_backup_mcp.simulator.seed.policies import new_job, orchestrator, store_reference
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import display_name

from .call import Call, Writing
from .policies import check_retention, overridden
from .protection import asset_of, change_schedules, operational, protected_through, reassign, rebind, refuse_double
from .runs import Options, run_schedules

APPLICATIONS = {"VMWARE": ("virtual-machines", "datastores", "virtual-machine-protection-groups"),
                "MSSQL": ("mssql-databases", "mssql-database-protection-groups"),
                "HPE_ARRAY_VOLUME": ("volume-protection-groups",), "AWS": ()}  # fmt: skip


def create(call: Call) -> Writing:
    """POST: the job appears when the task ends, and its first run starts at once."""
    tenant, body = call.tenant, call.body
    policy = call.other("protection-policies", body["protectionPolicyId"], "Protection policy")
    ref, asset = asset_of(tenant, body["assetInfo"]["id"])
    if ref[0] not in APPLICATIONS[policy["applicationType"]]:
        raise Refusal(400, f"A policy for {policy['applicationType']} cannot protect an asset of type {asset['type']}.")
    if asset.get("protectionStatus") == "UNSUPPORTED":
        raise Refusal(400, f"Protection of {display_name(asset)} is not supported.")
    if "protectionJobInfo" in asset:
        raise Refusal(400, f"{display_name(asset)} is already protected by a job.")
    members = [{"id": id} for name, id in protected_through(tenant, asset) if name == "virtual-machines" != ref[0]]
    refuse_double(tenant, asset, members)
    overrides = _overrides(call, policy)
    id = tenant.new_id("job")
    own = tenant.read(("data-orchestrators", orchestrator(tenant.world, asset))) or call.orchestrator()
    yield (task := call.start("Create protection job", 10, asset))
    job = new_job(id, policy, asset, tenant.now(), own["id"])
    job["protections"] = [overridden(p, overrides.get(p["id"])) for p in job["protections"]]
    begin = parse_time(body["effectiveFromDateTime"]) if "effectiveFromDateTime" in body else tenant.now()
    job["effectiveFromDateTime"] = format_time(begin)
    if ref[0] == "datastores":
        _take_machines(tenant, asset)
    tenant.put(("protection-jobs", id), job)
    _bind(tenant, ref, asset, policy)
    if overrides:
        tenant.note(id, overrides=overrides)
    tenant.name_made(job)
    if begin <= tenant.now():
        run_schedules(tenant, job, None, task)


def _overrides(call: Call, policy: Item) -> dict[str, Item]:
    """What the body changes of the policy, by protection; 400 for what the policy does not have."""
    changes = {p["id"]: dict(p) for p in call.body.get("overrides", {}).get("protections", ())}
    existing = {p["id"]: p for p in policy["protections"]}
    if wrong := set(changes) - set(existing):
        raise Refusal(400, f"The policy has no protection {sorted(wrong)[0]}.")
    for id, override in changes.items():
        ids = {s["scheduleId"] for s in existing[id]["schedules"]}
        if unknown := {s["scheduleId"] for s in override.get("schedules", ())} - ids:
            raise Refusal(400, f"The protection {id} has no schedule {sorted(unknown)[0]}.")
        for schedule in override.get("schedules", ()):
            held = next(s for s in existing[id]["schedules"] if s["scheduleId"] == schedule["scheduleId"])
            check_retention({**held, **schedule})
        if "protectionStoreId" in override:
            store = call.other("protection-stores", override["protectionStoreId"], "Protection store")
            before = existing[id].get("protectionStoreInfo")
            if before is None or before["protectionStoreType"] != store["protectionStoreType"]:
                raise Refusal(400, f"{existing[id]['type']} cannot use the protection store {store['name']}.")
            override["protectionStoreInfo"] = store_reference(store)
    return changes


def delete(call: Call) -> Writing:
    """DELETE: the job goes, its recovery points stay."""
    tenant, job = call.tenant, call.target()
    yield call.start("Delete protection job", 10, job["assetInfo"], others=[job])
    tenant.remove(call.ref)
    _bind(tenant, *asset_of(tenant, job["assetInfo"]["id"]), job["protectionPolicyInfo"])


def set_operational(call: Call) -> Writing:
    """POST suspend and resume."""
    wanted = "SUSPENDED" if call.route.segments[-1] == "suspend" else "ACTIVE"
    tenant, job = call.tenant, call.target()
    chosen = _schedule_ids(job, call.body.get("scheduleIds"))
    name = "Suspend protection job" if wanted == "SUSPENDED" else "Resume protection job"
    yield call.start(name, 5, job["assetInfo"], others=[job])
    now = tenant.read(call.ref)
    if now is None:
        raise Failure("The protection job no longer exists.", "NOT_FOUND")
    protections = change_schedules(now, lambda s: s | ({"operational": wanted} if s["scheduleId"] in chosen else {}))
    tenant.write(call.ref, protections=protections, operational=operational(protections))


def run(call: Call) -> Writing:
    """POST run: the task ends when the run is triggered."""
    tenant, job, body = call.tenant, call.target(), call.body
    if not body.get("scheduleIds") and tenant.switches.run_without_schedules == "refused":
        raise Refusal(400, "scheduleIds is required.")
    chosen = _schedule_ids(job, body.get("scheduleIds"))
    if job["operational"] == "PERMANENTLY_SUSPENDED":
        raise Refusal(400, "The protection job is permanently suspended.")
    wanted = set(body.get("includeResources", ()))
    if wanted - {a["id"] for a in job["associatedAssetsInfo"]} - {job["assetInfo"]["id"]}:
        raise Refusal(400, "includeResources names an asset that is not of this job.")
    yield (task := call.start("Run protection job", 8, job["assetInfo"], others=[job]))
    run_schedules(tenant, job, chosen, task, Options(bool(body.get("fullBackup")), frozenset(wanted)))


def _schedule_ids(job: Item, ids: list[int] | None) -> set[int]:
    existing = {s["scheduleId"] for p in job["protections"] for s in p["schedules"]}
    if ids and (wrong := set(ids) - existing):
        raise Refusal(400, f"The job has no schedule {min(wrong)}; it has {', '.join(map(str, sorted(existing)))}.")
    return set(ids) if ids else existing


def _bind(tenant: Tenant, ref: Ref, asset: Item, policy: Item) -> None:
    """An asset, what is protected through it, and the policy name the jobs that there are now."""
    rebind(tenant, [ref, *protected_through(tenant, asset)])
    reassign(tenant, policy["id"])


def _take_machines(tenant: Tenant, datastore: Item) -> None:
    """The VMs on a datastore that nothing else protects are protected through it."""
    jobs = {job["assetInfo"]["id"] for job in tenant.world.all("protection-jobs")}
    tenant.world.on_datastores[datastore["id"]] = [
        vm["id"] for vm in tenant.all("virtual-machines")
        if vm["appInfo"]["vmware"]["datastoresInfo"][0]["id"] == datastore["id"] and vm["state"] != "DELETED"
        and vm["protectionStatus"] != "UNSUPPORTED"
        and not jobs.intersection([vm["id"], *(g["id"] for g in vm["vmProtectionGroupsInfo"])])
    ]  # fmt: skip
