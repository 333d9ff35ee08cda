"""Writes to data orchestrators, application hosts and SQL Server instances."""

from __future__ import annotations

from functools import partial
from typing import Any

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, kind, uri
from greenlake_backup_mcp.simulator.seed.databases import WRONG_LOGIN
from greenlake_backup_mcp.simulator.seed.systems import short
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing, is_wrong, require_free, without_password
from .protection import change_schedules, forget


def create_orchestrator(call: Call) -> Answer:
    """POST: 201, and Location is the orchestrator itself, not a task."""
    tenant, body = call.tenant, call.body
    id = tenant.new_id("orchestrator")
    name, now = body.get("displayName") or f"do-{id[:6]}", format_time(tenant.now())
    path = uri("data-orchestrators", id)
    item = {
        "id": id, "type": kind("data-orchestrators"), "resourceUri": path, "generation": 1, "name": name,
        "displayName": name, "createdAt": now, "updatedAt": now, "connectionState": "DISCONNECTED", "state": "UNKNOWN",
        "stateReason": "Waiting for the virtual machine to connect.", "status": "WARNING", "platform": "VMWARE_ESXI",
    }  # fmt: skip
    tenant.put(("data-orchestrators", id), item)
    tenant.note(id, activationCode=body["activationCode"])
    return Answer(201, item, {"Location": call.location(path)})


def modify_orchestrator(call: Call) -> Writing:
    """PATCH."""
    tenant, item, body = call.tenant, call.target(), call.body
    changes = {name: body[name] for name in ("displayName",) if name in body}
    for name in ("dateTime", "ntp"):
        if name in body:
            changes[name] = {**item.get(name, {}), **body[name]}
    if "network" in body:
        held = item.get("interfaces", {}).get("network", {})
        network = {**held, **body["network"]}
        proxy = network.get("proxy")
        if proxy and "credentials" in proxy:
            network["proxy"] = {**proxy, "credentials": without_password(proxy["credentials"])}
        changes["interfaces"] = {"network": network}
    addresses = [nic.get("networkAddress", "") for nic in body.get("network", {}).get("nic", ())]

    def check() -> None:
        for address in addresses:
            require_free(tenant, address, item["id"])
        for store in tenant.all("protection-stores") if "displayName" in body else ():
            infos = [{**o, "displayName": body["displayName"]} if o["id"] == item["id"] else o
                     for o in store["dataOrchestratorInfo"]]  # fmt: skip
            tenant.write(("protection-stores", store["id"]), dataOrchestratorInfo=infos)

    return call.change(item, "Modify data orchestrator", 30, "UPDATING", check=check, **changes)


def delete_orchestrator(call: Call) -> Answer:
    """DELETE: 204 at once; refused while things depend on it, unless forced."""
    item, tenant = call.target(), call.tenant
    gateways = [g for g in tenant.all("protection-store-gateways") if g["dataOrchestratorId"] == item["id"]]
    jobs = [j for j in tenant.all("protection-jobs") if j["dataOrchestratorId"] == item["id"]]
    if (gateways or jobs) and not call.query.get("force", False):
        raise Refusal(400, f"{len(gateways)} gateways and {len(jobs)} jobs are still associated: cannot unregister.")
    tenant.remove(call.ref)
    for job in jobs:  # nothing runs without its orchestrator
        protections = change_schedules(job, lambda s: {**s, "operational": "SUSPENDED"})
        tenant.write(("protection-jobs", job["id"]), operational="SUSPENDED", protections=protections)
    return Answer(204)


def restart_orchestrator(call: Call) -> Writing:
    """POST restart-guest-os."""
    item = call.target()
    _ready(item, call)
    return call.change(item, "Restart data orchestrator", 180, "UPDATING", poweredOnAt=format_time(call.tenant.now()))


def shut_down_orchestrator(call: Call) -> Writing:
    """POST shutdown-guest-os: nothing runs afterwards, and the API cannot power it on again."""
    item = call.target()
    _ready(item, call)
    off: dict[str, Any] = {"connectionState": "DISCONNECTED", "state": "UNKNOWN", "status": "ERROR"}
    reason = "The virtual machine is powered off."
    return call.change(item, "Shut down data orchestrator", 60, "UPDATING", stateReason=reason, **off)


def recover_orchestrator(call: Call) -> Writing:
    """POST recover."""
    item = call.target()
    call.tenant.note(item["id"], sid=call.body.get("sid", ""))
    well: dict[str, Any] = {"connectionState": "CONNECTED", "state": "OK", "status": "OK", "stateReason": ""}
    return call.change(item, "Recover data orchestrator", 900, "RECOVERING", **well)


def one_time_code(call: Call) -> Answer:
    """POST generate-totp: a login code in plain text."""
    call.target()
    return Answer(200, {"expiresInSeconds": "300", "totp": f"{call.tenant.random('totp') % 10**6:06d}"})


def _ready(item: Item, call: Call) -> None:
    # force defaults to true, which hurts: running jobs are cut off
    if call.body.get("force", True):
        return
    if item["connectionState"] != "CONNECTED":
        raise Refusal(400, "The data orchestrator is not connected.")
    if any(not t.ended for t in call.tenant.tasks.values()):
        raise Refusal(400, "Tasks are running; use force, or wait until they have ended.")


# --- SQL Server ----------------------------------------------------------------------------------------------------


def register_host(call: Call) -> Writing:
    """POST application-hosts."""
    tenant, body = call.tenant, call.body
    _refuse_host_address(tenant, body["networkAddress"], "")
    name = body.get("name") or body["networkAddress"]
    orchestrator = call.orchestrator()
    yield call.start("Register application host", 120, call.unborn(name))
    if is_wrong(body["credentials"]):
        raise Failure(WRONG_LOGIN, "LOGIN_FAILED")
    tenant.add(
        "application-hosts", tenant.new_id("host"), name=name, displayName=name, state="OK", stateReason="",
        status="OK", networkAddress=body["networkAddress"], description=body.get("description", ""), virtual=False,
        username=body["credentials"].get("username", ""), dataOrchestratorInfo=short(orchestrator),
    )  # fmt: skip


def _refuse_host_address(tenant: Tenant, address: str, own_id: str) -> None:
    if any(h["networkAddress"] == address and h["id"] != own_id for h in tenant.all("application-hosts")):
        raise Refusal(400, "A host with this network address is already registered.")


def update_host(call: Call) -> Writing:
    """PATCH application-hosts: whether the credentials are right shows with the next refresh."""
    item, body = call.target(), dict(call.body)
    if "networkAddress" in body:
        _refuse_host_address(call.tenant, body["networkAddress"], item["id"])
    changes = {name: value for name, value in body.items() if name != "credentials"}
    if "name" in body:
        changes["displayName"] = body["name"]
    if "username" in body.get("credentials", {}):
        changes["username"] = body["credentials"]["username"]

    def check() -> None:
        _note_login(call)
        for collection in ("mssql-instances", "mssql-databases") if "name" in body else ():
            for one in call.tenant.all(collection):
                if one["applicationHostInfo"]["id"] == item["id"]:
                    renamed = {**one["applicationHostInfo"], "name": body["name"], "displayName": body["name"]}
                    call.tenant.write((collection, one["id"]), applicationHostInfo=renamed)

    return call.change(item, "Update application host", 30, "UPDATING", check=check, **changes)


def _note_login(call: Call) -> None:
    if "credentials" in call.body:
        call.tenant.note(call.ref[1], loginWrong=is_wrong(call.body["credentials"]))


def unregister_host(call: Call) -> Writing:
    """DELETE application-hosts: instances and databases go too; refused while they are protected, unless forced."""
    item, tenant = call.target(), call.tenant
    of_host = {
        name: [i for i in tenant.all(name) if i["applicationHostInfo"]["id"] == item["id"]]
        for name in ("mssql-databases", "mssql-instances")
    }
    protected = [d for d in of_host["mssql-databases"] if "protectionJobInfo" in d]
    if protected and not call.query.get("force", False):
        text = f"{len(protected)} databases of the host are protected; delete their jobs first or use force."
        raise Refusal(400, text)
    yield call.start("Unregister application host", 60, item, busy="DELETING")
    forget(tenant, [(name, one["id"]) for name, items in of_host.items() for one in items])
    tenant.remove(call.ref)


def update_instance(call: Call) -> Writing:
    """PATCH mssql-instances: the credentials; the password is never read back, and shows with the next refresh."""
    item, body = call.target(), call.body
    readable = without_password(body.get("credentials", {}))
    return call.change(item, "Update SQL Server instance", 30, "UPDATING", check=partial(_note_login, call),
                       credentials={**item["credentials"], **readable})  # fmt: skip


def refresh(call: Call) -> Writing:
    """POST refresh of a host, an instance or a database: what is below it is refreshed by tasks of its own."""
    tenant, item, collection = call.tenant, call.target(), call.collection
    name = f"Refresh {collection[:-1].replace('-', ' ')}"
    task = call.start(name, 60, item, busy="REFRESHING", sour="ERROR", composite=True)
    below, holder = {"application-hosts": ("mssql-instances", "applicationHostInfo"),
                     "mssql-instances": ("mssql-databases", "instanceInfo")}.get(collection, ("", ""))  # fmt: skip
    for one in tenant.all(below) if below else ():
        if one[holder]["id"] == item["id"]:
            ref = (below, one["id"])
            tenant.start(f"Refresh {below[:-1].replace('-', ' ')}", 40, one, parent=task, ref=ref, busy="REFRESHING")
    yield task
    _log_in(tenant, call.ref)


def _log_in(tenant: Tenant, ref: Ref) -> None:
    """The state of what is refreshed: well with the right credentials; Failure, and an error since when, without."""
    item = tenant.read(ref) or {}
    seeded = str(item.get("stateReason", "")).startswith(WRONG_LOGIN[:-1])
    if not tenant.untold.get(ref[1], {}).get("loginWrong", seeded):
        if ref[0] != "mssql-databases":
            tenant.write(ref, state="OK", status="OK", stateReason="")
        return
    reason = item["stateReason"] if seeded else f"{WRONG_LOGIN[:-1]}, since {format_time(tenant.now())}."
    tenant.write(ref, state="ERROR", status="ERROR", stateReason=reason)
    raise Failure(WRONG_LOGIN, "LOGIN_FAILED")
