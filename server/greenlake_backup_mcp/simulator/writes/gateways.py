"""Writes to protection store gateways: size, network, power, deletion; and what the service refuses in which state."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.answers import Answer, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, without_password
from .placement import remove_vm
from .stores import remove_system

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
    check_bounds(body, 409)
    cloud = body.get("maxInCloudDailyProtectedDataInTiB", 0)
    local = body.get("maxOnPremDailyProtectedDataInTiB", 0)
    days = body.get("maxOnPremRetentionDays", 0)
    cached = 0.5 + body.get("maxInCloudRetentionDays", 0) / 3650  # what lies in the cloud has its catalogue here
    storage = round(local * (1 + days / 90) + cloud * cached + 1, 1)
    return Answer(200, {"iops": 1000 + int(100 * (cloud + local)), "ramInGiB": 32 + int(4 * (cloud + local)),
                        "storageInTiB": min(500, storage), "vCpu": 4 + int((cloud + local) / 2)})  # fmt: skip


def check_bounds(body: Item, status: int) -> None:
    """A refusal with the reasons where a number of the load or of the overrides is out of bounds."""
    reasons = [
        f"{before}{name} must be between {low} and {high}, not {part[name]}"
        for before, part, bounds in (("", body, BOUNDS), ("override/", body.get("override", {}), OVERRIDES))
        for name, (low, high) in bounds.items()
        if name in part and not low <= part[name] <= high
    ]
    if reasons:
        raise Refusal(status, "The input is out of bounds.", extra={"invalidReasons": reasons})


def update(call: Call) -> Answer:
    """PATCH: name servers, time, proxy."""
    item, body, tenant = call.target(), call.body, call.tenant
    network = {**item["network"], **{name: body[name] for name in ("dns", "ntp", "proxy") if name in body}}
    if "credentials" in network.get("proxy", {}):
        network["proxy"] = {**network["proxy"], "credentials": without_password(network["proxy"]["credentials"])}
    return call.change(item, "Update protection store gateway", 30, "PSG_STATE_UPDATING", network=network,
                       check=lambda: tenant.note(item["id"], dateTime=body.get("dateTime", {})))  # fmt: skip


def delete(call: Call) -> Answer:
    """DELETE: refused while stores are on it, unless forced; then they go with what is in them."""
    item, tenant = call.target(), call.tenant
    used = len(tenant.stores_on(item["id"]))
    if used and not call.query.get("force", False):
        raise Refusal(400, f"{used} protection stores are on the gateway; delete them first or use force.")

    def finish() -> None:
        remove_system(tenant, call.ref)
        remove_vm(tenant, item.get("vmId", ""))

    return call.start(
        "Delete protection store gateway", 900, item, ref=call.ref, busy="PSG_STATE_DELETING", finish=finish
    )


def must_be_connected(item: Item) -> None:
    """400 where it is not."""
    if item["health"]["status"] != "PSG_HEALTH_STATUS_CONNECTED":
        raise Refusal(400, "The gateway is not connected.")


def healthy(tenant: Tenant) -> Item:
    """The health of a gateway that is well."""
    return {"state": "PSG_HEALTH_STATE_OK", "stateReason": "", "status": "PSG_HEALTH_STATUS_CONNECTED",
            "updatedAt": format_time(tenant.now())}  # fmt: skip
