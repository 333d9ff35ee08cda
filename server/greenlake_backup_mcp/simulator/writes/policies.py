"""Writes to protection policies: synchronous, and felt at once by the jobs that use the policy."""

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp.simulator.answers import Answer, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, kind, uri
from greenlake_backup_mcp.simulator.seed.policies import PERSON, length, policy_reference, store_reference

from .call import Call
from .protection import asset_of, operational, protected_through, rebind

NEEDS_STORE = {"BACKUP": "ON_PREMISES", "CLOUD_BACKUP": "CLOUD", "DATABASE_LOG_BACKUP": ""}


def create(call: Call) -> Answer:
    """POST: 200 with the policy."""
    tenant, body = call.tenant, call.body
    _unique(call, body["name"], "")
    id = tenant.new_id("policy")
    now = format_time(tenant.now())
    item: Item = {
        "id": id, "type": kind("protection-policies"), "resourceUri": uri("protection-policies", id),
        "consoleUri": f"/backup-and-recovery/protection-policies/{id}", "generation": 1, "createdAt": now,
        "updatedAt": now, "createdBy": PERSON, "assigned": False, "protectionJobsInfo": [], "name": body["name"],
        "description": body.get("description", ""), "applicationType": body["applicationType"],
        "protections": _protections(call, body["protections"], {}),
    }  # fmt: skip
    tenant.put(("protection-policies", id), item)
    return Answer(200, item)


def replace(call: Call) -> Answer:
    """PUT: the whole policy; what is left out is gone."""
    old, body = call.target(), call.body
    _unique(call, body["name"], old["id"])
    if body["applicationType"] != old["applicationType"]:
        raise Refusal(400, "applicationType of a policy cannot be changed.")
    existing = {s["scheduleId"]: p for p in old["protections"] for s in p["schedules"]}
    protections = _protections(call, body["protections"], existing)
    return _apply(call, name=body["name"], description=body.get("description", ""), protections=protections)


def update(call: Call) -> Answer:
    """PATCH: a list of protections is the whole list, each named by its id."""
    old, body = call.target(), dict(call.body)
    if "name" in body:
        _unique(call, body["name"], old["id"])
    if "protections" in body:
        existing = {p["id"]: p for p in old["protections"]}
        changed = []
        for protection in body["protections"]:
            if protection.get("id") not in existing:
                raise Refusal(400, f"The policy has no protection {protection.get('id')!r}.")
            held = existing[protection["id"]]
            changed.append({**held, **protection})
            _check_schedules(changed[-1]["schedules"])
        body["protections"] = changed
    return _apply(call, **body)


def delete(call: Call) -> Answer:
    """DELETE: 204; refused while a job uses the policy."""
    policy = call.target()
    if policy["assigned"]:
        used = len(policy["protectionJobsInfo"])
        raise Refusal(400, f"The protection policy is assigned to {used} protection jobs and cannot be deleted.")
    call.tenant.remove(call.ref)
    return Answer(204)


def _apply(call: Call, **changes: Any) -> Answer:
    tenant = call.tenant
    item = tenant.write(call.ref, **changes)
    if item is None:
        raise Refusal(404, "The protection policy no longer exists.")
    for entry in item["protectionJobsInfo"]:
        job = tenant.read(("protection-jobs", entry["id"]))
        if job:
            protections = _job_protections(job, item, tenant.untold.get(job["id"], {}).get("overrides", {}))
            permanent = job["operational"] == "PERMANENTLY_SUSPENDED"
            tenant.write(("protection-jobs", job["id"]), protections=protections,
                         operational=job["operational"] if permanent else operational(protections),
                         protectionPolicyInfo=policy_reference(item))  # fmt: skip
            if "name" in changes:
                ref, asset = asset_of(tenant, job["assetInfo"]["id"])
                rebind(tenant, [ref, *protected_through(tenant, asset)])
    return Answer(200, item)


def overridden(protection: Item, override: Item | None) -> Item:
    """A protection of a job with the overrides: its own store, and per schedule what beats the policy."""
    if override is None:
        return protection
    by_id = {s["scheduleId"]: s for s in override.get("schedules", ())}
    schedules = []
    for schedule in protection["schedules"]:
        own = {k: v for k, v in by_id.get(schedule["scheduleId"], {}).items() if k != "scheduleId"}
        direct = {k: own.pop(k) for k in ("vmwareOptions", "namePattern") if k in own}
        schedules.append({**schedule, **direct, **({"overrides": own} if own else {})})
    store, before = override.get("protectionStoreInfo"), protection.get("protectionStoreInfo")
    fits = store and before and store["protectionStoreType"] == before["protectionStoreType"]
    return {**protection, **({"protectionStoreInfo": store} if fits else {}), "schedules": schedules}


def _job_protections(job: Item, policy: Item, overrides: dict[str, Item]) -> list[Item]:
    """The policy's protections with what the job overrides; a schedule that it had stands as it stood."""
    states = {s["scheduleId"]: s["operational"] for p in job["protections"] for s in p["schedules"]}
    other = "ACTIVE" if job["operational"] in ("ACTIVE", "PARTIALLY_SUSPENDED") else "SUSPENDED"
    protections = []
    for protection in policy["protections"]:
        schedules = [{**s, "operational": states.get(s["scheduleId"], other)} for s in protection["schedules"]]
        protections.append(overridden({**protection, "schedules": schedules}, overrides.get(protection["id"])))
    return protections


def _unique(call: Call, name: str, own_id: str) -> None:
    if any(p["name"] == name and p["id"] != own_id for p in call.tenant.all("protection-policies")):
        raise Refusal(400, f"The policy name {name!r} is not unique.")


def _protections(call: Call, changed: list[Item], existing: dict[int, Item]) -> list[Item]:
    if not changed:
        raise Refusal(400, "A policy needs at least one protection.")
    out = []
    for protection in changed:
        needed = NEEDS_STORE.get(protection["type"])
        item = {k: v for k, v in protection.items() if k != "protectionStoreId"}
        if needed is not None:
            store = call.other("protection-stores", protection.get("protectionStoreId"), "Protection store")
            if needed and store["protectionStoreType"] != needed:
                raise Refusal(400, f"{protection['type']} needs a protection store of type {needed}.")
            item["protectionStoreInfo"] = store_reference(store)
        ids = [s["scheduleId"] for s in protection["schedules"]]
        before = next((existing[i] for i in ids if i in existing), None)
        item["id"] = before["id"] if before else call.tenant.new_id("protection")
        out.append(item)
    _check_schedules([s for p in out for s in p["schedules"]])
    return out


def _check_schedules(schedules: list[Item]) -> None:
    ids = [s["scheduleId"] for s in schedules]
    if len(ids) != len(set(ids)):
        raise Refusal(400, "scheduleId must be unique within a policy.")
    for schedule in schedules:
        check_retention(schedule)
        if schedule["schedule"]["repeatInterval"]["every"] < 1:
            raise Refusal(400, "repeatInterval/every must be at least 1.")


def check_retention(schedule: Item) -> None:
    """400 where a schedule keeps its copies for less time than it locks them, or for too long."""
    keep, lock = schedule.get("expireAfter"), schedule.get("lockFor")
    if keep and lock and length(keep) < length(lock):
        raise Refusal(400, "expireAfter cannot be less than lockFor.")
    if keep and length(keep).days > 3650:
        raise Refusal(400, "expireAfter exceeds the maximum number of days (3650).")
