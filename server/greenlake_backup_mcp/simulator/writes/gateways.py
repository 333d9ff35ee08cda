"""Writes to protection store gateways: size, network, power, deletion; and what the service refuses in which state."""

# ruff: noqa: A001, PLR0913

from __future__ import annotations

from typing import Any

from greenlake_backup_mcp.simulator.answers import Answer, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, uid
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call
from .stores import forget_copies

BOUNDS = {
    "maxInCloudDailyProtectedDataInTiB": (1, 30),
    "maxInCloudRetentionDays": (1, 3650),
    "maxOnPremDailyProtectedDataInTiB": (1, 100),
    "maxOnPremRetentionDays": (1, 2555),
}


OVERRIDES = {"cpu": (2, 48), "ramInGiB": (16, 500), "storageInTiB": (1, 500)}


def size(call: Call) -> Answer:
    """Both sizers: what a gateway of this load needs. 409 with reasons where a number is out of bounds."""
    if call.ids:
        call.target()
    body = call.body
    _check_bounds(body, 409)
    cloud = body.get("maxInCloudDailyProtectedDataInTiB", 0)
    local = body.get("maxOnPremDailyProtectedDataInTiB", 0)
    days = body.get("maxOnPremRetentionDays", 0)
    storage = round(local * (1 + days / 90) + cloud * 0.5 + 1, 1)
    return Answer(200, {"iops": 1000 + int(100 * (cloud + local)), "ramInGiB": 32 + int(4 * (cloud + local)),
                        "storageInTiB": min(500, storage), "vCpu": 4 + int((cloud + local) / 2)})  # fmt: skip


def _check_bounds(body: Item, status: int) -> None:
    reasons = [
        f"{name} must be between {low} and {high}, not {body[name]}"
        for name, (low, high) in BOUNDS.items()
        if name in body and not low <= body[name] <= high
    ]
    override = body.get("override", {})
    reasons += [
        f"override/{name} must be between {low} and {high}, not {override[name]}"
        for name, (low, high) in OVERRIDES.items()
        if name in override and not low <= override[name] <= high
    ]
    if reasons:
        raise Refusal(status, "The input is out of bounds.", extra={"invalidReasons": reasons})


def create(call: Call) -> Answer:
    """POST: the VM is deployed, then registered."""
    tenant, body = call.tenant, call.body
    call.other("hypervisor-managers", body["hypervisorManagerId"], "hypervisorManagerId")
    if any(g["name"] == body["name"] for g in tenant.all("protection-store-gateways")):
        raise Refusal(400, f"A gateway with the name {body['name']!r} already exists.")
    config = _checked_config(call)
    model = call.orchestrator()
    about = {
        "name": body["name"],
        "type": "backup-recovery/protection-store-gateway",
        "resourceUri": call.route.operation.path,
    }

    def finish() -> None:
        key = tenant.new_id("gateway")
        now = format_time(tenant.now())
        network = config.get("network", {})
        nic = {"id": uid(key, "nic"), "networkIndex": 1, "networkType": network.get("networkType", "DHCP")}
        nic |= {name: network[name] for name in ("gateway", "networkAddress", "subnetMask") if network.get(name)}
        new = tenant.world.add(
            "protection-store-gateways",
            key,
            created_days=0,
            name=body["name"],
            displayName=body["name"],
            dataOrchestratorId=model["id"],
            datastoresInfo=[],
            remoteAccessEnabled=False,
            softwareVersion="4.3.7",
            health={
                "state": "PSG_HEALTH_STATE_OK",
                "stateReason": "",
                "status": "PSG_HEALTH_STATUS_CONNECTED",
                "updatedAt": now,
            },
            network={"dns": network.get("dns", []), "hostname": body["name"], "nics": [nic], "ntp": []},
            override=config.get("override", {}),
            size={n: config[n] for n in BOUNDS if n in config},
            serialNumber=f"PSG{key[:8].upper()}",
            state="PSG_STATE_OK",
            vmId=uid(key, "vm"),
        )
        new["createdAt"] = new["updatedAt"] = now

    return call.accepted(tenant.start("Deploy protection store gateway", 1800, about, finish=finish))


def _checked_config(call: Call) -> Item:
    config: Item = call.body["vmConfig"]
    if sum(bool(config.get(name)) for name in ("hostId", "clusterId", "resourcePoolId")) > 1:
        raise Refusal(400, "Only one of host, cluster, resource pool may be supplied.")
    for id in config.get("datastoreIds", ()):
        call.other("datastores", id, "datastoreId")
    _check_bounds(config, 400)
    return config


def update(call: Call) -> Answer:
    """PATCH: name servers, time, proxy."""
    item, body, tenant = call.target(), call.body, call.tenant
    network = {**item["network"], **{name: body[name] for name in ("dns", "ntp", "proxy") if name in body}}
    if "credentials" in network.get("proxy", {}):  # a password is never read back
        kept = {k: v for k, v in network["proxy"]["credentials"].items() if k != "password"}
        network["proxy"] = {**network["proxy"], "credentials": kept}
    return changing(
        call, item, "Update protection store gateway", 30, "PSG_STATE_UPDATING", network=network, tenant=tenant
    )


def delete(call: Call) -> Answer:
    """DELETE: refused while stores are on it, unless forced; then they go with what is in them."""
    item, tenant = call.target(), call.tenant
    stores = [s for s in tenant.all("protection-stores") if s["storageSystemInfo"]["id"] == item["id"]]
    if stores and not call.query.get("force", False):
        raise Refusal(400, f"{len(stores)} protection stores are on the gateway; delete them first or use force.")

    def finish() -> None:
        for store in stores:
            tenant.remove(("protection-stores", store["id"]))
            forget_copies(tenant, store["id"])
        tenant.remove(call.ref)

    task = tenant.start(
        "Delete protection store gateway", 900, item, ref=call.ref, busy="PSG_STATE_DELETING", finish=finish
    )
    return call.accepted(task)


def recover(call: Call) -> Answer:
    """POST recover: a new gateway in place of a lost one."""
    item, tenant = call.target(), call.tenant
    call.other("hypervisor-managers", call.body["hypervisorManagerId"], "hypervisorManagerId")
    _checked_config(call)
    if item["health"]["status"] == "PSG_HEALTH_STATUS_CONNECTED" and not call.query.get("force", False):
        raise Refusal(400, "The gateway must be disconnected before recover.")
    stores = [s for s in tenant.all("protection-stores") if s["storageSystemInfo"]["id"] == item["id"]]
    if not any(s["protectionStoreType"] == "CLOUD" for s in stores):
        raise Refusal(400, "At least one cloud store must be configured for recover.")

    def finish() -> None:
        tenant.write(call.ref, health=healthy(tenant), state="PSG_STATE_OK")
        for store in stores:
            if store["protectionStoreType"] == "ON_PREMISES":  # what lay on the lost gateway is lost
                tenant.remove(("protection-stores", store["id"]))
                forget_copies(tenant, store["id"])

    return call.accepted(tenant.start("Recover protection store gateway", 1800, item, finish=finish))


def resize(call: Call) -> Answer:
    """POST resize."""
    item, body, tenant = call.target(), call.body, call.tenant
    _check_bounds(body, 400)
    wanted, now = body.get("override", {}).get("storageInTiB"), item.get("override", {}).get("storageInTiB", 0)
    if wanted is not None and wanted < now:
        raise Refusal(400, f"Override storage must be larger than or equal to the current size ({now} TiB).")
    must_be_connected(item)
    changes = {"size": {**item.get("size", {}), **{n: body[n] for n in BOUNDS if n in body}}}
    changes["override"] = {**item.get("override", {}), **body.get("override", {})}
    return changing(
        call, item, "Resize protection store gateway", 600, "PSG_STATE_UPDATING_STORAGE_ADD", tenant=tenant, **changes
    )


def must_be_connected(item: Item) -> None:
    """400 where it is not."""
    if item["health"]["status"] != "PSG_HEALTH_STATUS_CONNECTED":
        raise Refusal(400, "The gateway is not connected.")


def healthy(tenant: Tenant) -> Item:
    """The health of a gateway that is well."""
    return {
        "state": "PSG_HEALTH_STATE_OK",
        "stateReason": "",
        "status": "PSG_HEALTH_STATUS_CONNECTED",
        "updatedAt": format_time(tenant.now()),
    }


def changing(
    call: Call, item: Item, name: str, seconds: float, busy: str, /, *, tenant: Tenant, **changes: Any
) -> Answer:
    """A task after which the gateway has changed."""

    def finish() -> None:
        tenant.write(call.ref, **{"state": item["state"], **changes})

    return call.accepted(tenant.start(name, seconds, item, ref=call.ref, busy=busy, finish=finish))
