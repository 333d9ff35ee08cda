"""Writes to data orchestrators, application hosts and SQL Server instances."""

# ruff: noqa: A001

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, kind, uri

from .call import Call


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
    where = call.base + path if tenant.switches.location == "absolute" else path
    return Answer(201, item, {"Location": where})


def modify_orchestrator(call: Call) -> Answer:
    """PATCH."""
    item, body = call.target(), call.body
    changes = {name: body[name] for name in ("displayName",) if name in body}
    for name in ("dateTime", "ntp"):
        if name in body:
            changes[name] = {**item.get(name, {}), **body[name]}
    if "network" in body:
        held = item.get("interfaces", {}).get("network", {})
        network = {**held, **body["network"]}
        proxy = network.get("proxy")
        if proxy and "credentials" in proxy:  # a password is never read back
            user = {k: v for k, v in proxy["credentials"].items() if k != "password"}
            network["proxy"] = {**proxy, "credentials": user}
        changes["interfaces"] = {"network": network}
    return _changed(call, item, "Modify data orchestrator", 30, "UPDATING", **changes)


def delete_orchestrator(call: Call) -> Answer:
    """DELETE: 204 at once; refused while things depend on it, unless forced."""
    item, tenant = call.target(), call.tenant
    gateways = [g for g in tenant.all("protection-store-gateways") if g["dataOrchestratorId"] == item["id"]]
    jobs = [j for j in tenant.all("protection-jobs") if j["dataOrchestratorId"] == item["id"]]
    if (gateways or jobs) and not call.query.get("force", False):
        raise Refusal(400, f"{len(gateways)} gateways and {len(jobs)} jobs are still associated: cannot unregister.")
    tenant.remove(call.ref)
    for job in jobs:  # nothing runs without its orchestrator
        tenant.write(("protection-jobs", job["id"]), operational="SUSPENDED")
    return Answer(204)


def restart_orchestrator(call: Call) -> Answer:
    """POST restart-guest-os."""
    item = call.target()
    _ready(item, call)
    return _changed(
        call, item, "Restart data orchestrator", 180, "UPDATING", poweredOnAt=format_time(call.tenant.now())
    )


def shut_down_orchestrator(call: Call) -> Answer:
    """POST shutdown-guest-os: nothing runs afterwards, and the API cannot power it on again."""
    item = call.target()
    _ready(item, call)
    return _changed(
        call, item, "Shut down data orchestrator", 60, "UPDATING", connectionState="DISCONNECTED", state="UNKNOWN",
        status="ERROR", stateReason="The virtual machine is powered off.",
    )  # fmt: skip


def recover_orchestrator(call: Call) -> Answer:
    """POST recover."""
    item = call.target()
    return _changed(
        call,
        item,
        "Recover data orchestrator",
        900,
        "RECOVERING",
        connectionState="CONNECTED",
        state="OK",
        status="OK",
        stateReason="",
    )


def one_time_code(call: Call) -> Answer:
    """POST generate-totp: a login code in plain text."""
    call.target()
    return Answer(200, {"expiresInSeconds": "300", "totp": f"{call.tenant.random('totp') % 10**6:06d}"})


def _ready(item: Item, call: Call) -> None:
    # force defaults to true, which hurts: running jobs are cut off
    if item["connectionState"] != "CONNECTED" and not call.body.get("force", True):
        raise Refusal(400, "The data orchestrator is not connected.")


# --- SQL Server ----------------------------------------------------------------------------------------------------


def register_host(call: Call) -> Answer:
    """POST application-hosts."""
    tenant, body = call.tenant, call.body
    if any(h["networkAddress"] == body["networkAddress"] for h in tenant.all("application-hosts")):
        raise Refusal(400, "A host with this network address is already registered.")
    name = body.get("name") or body["networkAddress"]
    about = {"name": name, "type": kind("application-hosts"), "resourceUri": call.route.operation.path}

    orchestrator = call.orchestrator()

    def finish() -> None:
        if not body["credentials"].get("password"):
            raise Failure("The user name or password is wrong.", "LOGIN_FAILED")
        new = tenant.world.add(
            "application-hosts", tenant.new_id("host"), created_days=0, name=name, displayName=name, state="OK",
            stateReason="", status="OK", networkAddress=body["networkAddress"], description=body.get("description", ""),
            username=body["credentials"].get("username", ""), virtual=False,
            dataOrchestratorInfo={k: orchestrator[k] for k in ("id", "resourceUri", "type")},
        )  # fmt: skip
        new["createdAt"] = new["updatedAt"] = format_time(tenant.now())

    return call.accepted(tenant.start("Register application host", 120, about, finish=finish))


def update_host(call: Call) -> Answer:
    """PATCH application-hosts."""
    item, body = call.target(), dict(call.body)
    credentials = body.pop("credentials", {})
    changes = body | ({"username": credentials["username"]} if "username" in credentials else {})
    return _changed(call, item, "Update application host", 30, "UPDATING", **changes)


def unregister_host(call: Call) -> Answer:
    """DELETE application-hosts: instances and databases go too; refused while they are protected, unless forced."""
    item, tenant = call.target(), call.tenant
    of_host = {
        name: [i for i in tenant.all(name) if i["applicationHostInfo"]["id"] == item["id"]]
        for name in ("mssql-databases", "mssql-instances")
    }
    protected = [d for d in of_host["mssql-databases"] if "protectionJobInfo" in d]
    if protected and not call.query.get("force", False):
        raise Refusal(
            400, f"{len(protected)} databases of the host are protected; delete their jobs first or use force."
        )

    def finish() -> None:
        for name, items in of_host.items():
            for one in items:
                tenant.remove((name, one["id"]))
        tenant.remove(call.ref)

    task = tenant.start("Unregister application host", 60, item, ref=call.ref, busy="DELETING", finish=finish)
    return call.accepted(task)


def update_instance(call: Call) -> Answer:
    """PATCH mssql-instances: the credentials; the password is never read back."""
    item = call.target()
    given = {k: v for k, v in call.body.get("credentials", {}).items() if k != "password"}
    return _changed(
        call, item, "Update SQL Server instance", 30, "UPDATING", credentials={**item["credentials"], **given}
    )


def refresh(call: Call) -> Answer:
    """POST refresh of a host, an instance or a database."""
    return _changed(call, call.target(), f"Refresh {call.collection[:-1].replace('-', ' ')}", 60, "REFRESHING")


def _changed(call: Call, item: Item, name: str, seconds: float, busy: str, /, **changes: Any) -> Answer:
    """A task after which the resource has changed."""
    tenant = call.tenant

    def finish() -> None:
        tenant.write(call.ref, **{"state": item["state"], **changes})

    return call.accepted(tenant.start(name, seconds, item, ref=call.ref, busy=busy, finish=finish))
