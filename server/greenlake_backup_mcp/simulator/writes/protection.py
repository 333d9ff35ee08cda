"""Who protects what: jobs, policies, groups and assets name each other as things are, whatever a write has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from greenlake_backup_mcp.simulator.answers import Refusal
from greenlake_backup_mcp.simulator.history.records import covered
from greenlake_backup_mcp.simulator.history.recovery_points import HOLDERS
from greenlake_backup_mcp.simulator.names import MEMBERS, Item, Ref, reference
from greenlake_backup_mcp.simulator.seed.policies import job_assets, job_entry, job_reference
from greenlake_backup_mcp.simulator.seed.virtual_machines import DELETED
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import display_name

from .placement import occupy

# collection of members → their groups, and what a member knows of its own
GROUPS = {
    "virtual-machines": ("virtual-machine-protection-groups", "vmProtectionGroupsInfo"),
    "mssql-databases": ("mssql-database-protection-groups", "mssqlDatabaseProtectionGroupInfo"),
}


def asset_of(tenant: Tenant, id: str) -> tuple[Ref, Item]:
    """The asset of an id, whatever its kind; 400 where there is none."""
    for collection in (*HOLDERS, "mssql-database-protection-groups"):
        if asset := tenant.read((collection, id)):
            return (collection, id), asset
    raise Refusal(400, f"Asset {id!r} does not exist.")


def protected_through(tenant: Tenant, asset: Item) -> list[Ref]:
    """What gets recovery points where an asset is protected: itself, the members of a group, VMs on a datastore."""
    return [ref for ref in covered({"assetInfo": asset}, tenant.world) if tenant.read(ref)]


def refuse_double(tenant: Tenant, asset: Item, members: Iterable[Item]) -> None:
    """400 where a VM would be under its own job and under its group's, in the reading that refuses it."""
    if tenant.switches.double_protection == "shown":
        return
    for short in asset.get("vmProtectionGroupsInfo", ()):
        group = tenant.read(("virtual-machine-protection-groups", short["id"])) or {}
        if "protectionJobInfo" in group:
            raise Refusal(400, f"{display_name(asset)} is already protected through its group {group['name']}.")
    for short in members:
        if "protectionJobInfo" in (tenant.read(("virtual-machines", short["id"])) or {}):
            raise Refusal(400, f"The member {display_name(short)} is already protected by its own job.")


def rebind(tenant: Tenant, refs: Iterable[Ref]) -> None:
    """Have assets name their groups, the job that protects them and where its policy comes from, as things are now."""
    jobs = {job["assetInfo"]["id"]: job for job in tenant.world.all("protection-jobs")}
    for ref in refs:
        if asset := tenant.read(ref):
            now = _bonds(tenant, ref[0], asset, jobs)
            if any(asset.get(name) != value for name, value in now.items()):
                tenant.write(ref, **now)


def _bonds(tenant: Tenant, collection: str, asset: Item, jobs: dict[str, Item]) -> Item:
    """What an asset names; None for what it names no longer."""
    mine: list[Item] = []
    job, named = jobs.get(asset["id"]), asset.get("protectionJobInfo", {})
    bonds: Item = {}
    if collection in GROUPS:
        groups, name = GROUPS[collection]
        held, members = tenant.world.all(groups), MEMBERS[groups][0]
        mine = [reference(groups, g) for g in held if any(m["id"] == asset["id"] for m in g[members])]
        bonds[name] = mine if collection == "virtual-machines" else next(iter(mine), None)
    if collection == "mssql-databases":
        job = job or next((jobs[g["id"]] for g in mine if g["id"] in jobs), None)
    same = job and (named.get("id"), named.get("protectionPolicyInfo")) == (job["id"], job["protectionPolicyInfo"])
    bonds["protectionJobInfo"] = named if same else job_reference(job) if job else None
    if collection in ("virtual-machines", "datastores"):
        through = [(reference(collection, asset), collection[:-1].replace("-", "_").upper())]
        if collection == "virtual-machines":
            through += [(group, "VM_PROTECTION_GROUP") for group in mine]
            datastore = asset["appInfo"]["vmware"]["datastoresInfo"][0]
            if asset["id"] in tenant.world.on_datastores.get(datastore["id"], ()):
                through += [(reference("datastores", datastore), "DATASTORE")]
        applied = next(({**short, "type": word} for short, word in through if short["id"] in jobs), None)
        bonds["protectionPolicyAppliedAtInfo"] = applied
    return bonds


def reassign(tenant: Tenant, policy_id: str) -> None:
    """Have a policy name the jobs that use it, and those and their assets name it."""
    ref = ("protection-policies", policy_id)
    policy = tenant.read(ref)
    jobs = [j for j in tenant.world.all("protection-jobs") if j["protectionPolicyInfo"]["id"] == policy_id]
    entries = [job_entry(job) for job in jobs]
    if policy and policy["protectionJobsInfo"] != entries:
        tenant.write(ref, protectionJobsInfo=entries, assigned=bool(entries))


def change_schedules(job: Item, change: Callable[[Item], Item]) -> list[Item]:
    """The protections of a job with each of their schedules changed."""
    return [{**p, "schedules": [change(s) for s in p["schedules"]]} for p in job["protections"]]


def operational(protections: list[Item]) -> str:
    """How a job stands whose schedules stand so."""
    states = {s["operational"] for p in protections for s in p["schedules"]}
    return states.pop() if len(states) == 1 else "PARTIALLY_SUSPENDED"


def lose_machine(tenant: Tenant, ref: Ref) -> None:
    """A VM was deleted in its vCenter: its job is suspended for good, its recovery points stay."""
    vm = tenant.write(ref, state="DELETED", stateReason=DELETED, powerState="POWERED_OFF") or {}
    job = tenant.read(("protection-jobs", vm.get("protectionJobInfo", {}).get("id", "")))
    if job and job["assetInfo"]["id"] == ref[1]:
        protections = change_schedules(job, lambda s: {**s, "operational": "SUSPENDED"})
        tenant.write(("protection-jobs", job["id"]), operational="PERMANENTLY_SUSPENDED", protections=protections)


def follow_group(tenant: Tenant, ref: Ref, before: Iterable[Ref]) -> None:
    """The job of a group that has changed follows it, and its members know of it; `before`: those it had."""
    group = tenant.read(ref) or {}
    job = tenant.read(("protection-jobs", group.get("protectionJobInfo", {}).get("id", "")))
    if job:
        tenant.write(("protection-jobs", job["id"]), **job_assets(group))
        reassign(tenant, job["protectionPolicyInfo"]["id"])
    rebind(tenant, [ref, *protected_through(tenant, group), *before])


def forget(tenant: Tenant, refs: Collection[Ref]) -> None:
    """Assets go, their own jobs with them, and their groups no longer have them."""
    ids = {id for _, id in refs}
    for job in tenant.world.all("protection-jobs"):
        if job["assetInfo"]["id"] in ids:
            tenant.remove(("protection-jobs", job["id"]))
            reassign(tenant, job["protectionPolicyInfo"]["id"])
    for collection, (name, _) in MEMBERS.items():
        for group in tenant.world.all(collection):
            left: Item = {name: [m for m in group[name] if m["id"] not in ids]}
            if "protectedResourcesInfo" in group:
                left["protectedResourcesInfo"] = {"virtualMachinesCount": len(left[name])}
            if left[name] != group[name]:
                tenant.write((collection, group["id"]), **left)
                follow_group(tenant, (collection, group["id"]), ())
    for ref in refs:
        tenant.remove(ref)


def remove_vm(tenant: Tenant, id: str) -> None:
    """A VM goes, and its datastore has its room again."""
    if vm := tenant.read(("virtual-machines", id)):
        forget(tenant, [("virtual-machines", id)])
        size = sum(d["capacityInBytes"] for d in vm["virtualDisks"])
        occupy(tenant, vm["appInfo"]["vmware"]["datastoresInfo"][0]["id"], -size, -1)
