"""Writes to protection store gateways: size, network, power, diagnosis, deletion; refused in the wrong state."""

from __future__ import annotations

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing, require_free, without_password
from .protection import remove_vm
from .stores import connect, remove_system

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


def update(call: Call) -> Writing:
    """PATCH: name servers, time, proxy."""
    item, body, tenant = call.target(), call.body, call.tenant
    network = {**item["network"], **{name: body[name] for name in ("dns", "ntp", "proxy") if name in body}}
    if "credentials" in network.get("proxy", {}):
        network["proxy"] = {**network["proxy"], "credentials": without_password(network["proxy"]["credentials"])}
    return call.change(item, "Update protection store gateway", 30, "PSG_STATE_UPDATING", network=network,
                       check=lambda: tenant.note(item["id"], dateTime=body.get("dateTime", {})))  # fmt: skip


def delete(call: Call) -> Writing:
    """DELETE: refused while stores are on it, unless forced; then they go with what is in them."""
    item, tenant = call.target(), call.tenant
    used = len(tenant.stores_on(item["id"]))
    if used and not call.query.get("force", False):
        raise Refusal(400, f"{used} protection stores are on the gateway; delete them first or use force.")
    yield call.start("Delete protection store gateway", 900, item, busy="PSG_STATE_DELETING")
    remove_system(tenant, call.ref)
    remove_vm(tenant, item.get("vmId", ""))


def must_be_connected(item: Item) -> None:
    """400 where it is not."""
    if item["health"]["status"] != "PSG_HEALTH_STATUS_CONNECTED":
        raise Refusal(400, "The gateway is not connected.")


def healthy(tenant: Tenant) -> Item:
    """The health of a gateway that is well."""
    return {"state": "PSG_HEALTH_STATE_OK", "stateReason": "", "status": "PSG_HEALTH_STATUS_CONNECTED",
            "updatedAt": format_time(tenant.now())}  # fmt: skip


# --- its virtual machine ---------------------------------------------------------------------------------------------


def create_nic(call: Call) -> Writing:
    """POST createNic."""
    item, nic, tenant = call.target(), call.body.get("nic", {}), call.tenant
    nics = item["network"]["nics"]
    if len(nics) >= 4:
        raise Refusal(400, "All gateway networks are already configured.")
    _check_nic(nic, nics)
    new = {"id": tenant.new_id("nic"), "networkIndex": len(nics) + 1, **nic}
    network = {**item["network"], "nics": [*nics, new]}
    return call.change(item, "Create network interface", 60, "PSG_STATE_VM_CREATING_NIC", network=network,
                       check=lambda: _check_network(call, item, nic))  # fmt: skip


def update_nic(call: Call) -> Writing:
    """POST updateNic: force defaults to true, which cuts off what runs over the interface."""
    item, nic, tenant = call.target(), call.body.get("nic", {}), call.tenant
    current = _nic(item, nic.get("id"))
    if tenant.is_busy(item) and not call.body.get("force", True):
        raise Refusal(400, "Something runs on the gateway; use force, or wait until it has ended.")
    _check_nic({**current, **nic}, [n for n in item["network"]["nics"] if n["id"] != current["id"]])
    nics = [{**n, **nic} if n["id"] == nic["id"] else n for n in item["network"]["nics"]]
    network = {**item["network"], "nics": nics}
    return call.change(item, "Update network interface", 60, "PSG_STATE_UPDATING", network=network,
                    check=lambda: _check_network(call, item, nic))  # fmt: skip


def _check_nic(nic: Item, others: list[Item]) -> None:
    address = nic.get("networkAddress")
    if address and any(n.get("networkAddress") == address for n in others):
        raise Refusal(400, "Duplicate network address.")
    if nic.get("networkType") == "STATIC" and not (address and nic.get("subnetMask")):
        raise Refusal(400, "A STATIC interface needs networkAddress and subnetMask.")


def _check_network(call: Call, item: Item, nic: Item) -> None:
    """Failure where the address is in use, or the network is not in the gateway's vCenter."""
    name = nic.get("networkName", "")
    require_free(call.tenant, nic.get("networkAddress", ""), item["id"])
    if name and name not in {n["name"] for n in call.tenant.all("networks")}:
        raise Failure(f"The network {name!r} does not exist.", "NETWORK_NOT_FOUND")


def delete_nic(call: Call) -> Writing:
    """POST deleteNic."""
    item, nic = call.target(), call.body.get("nic", {})
    current = _nic(item, nic.get("id"))
    if current["networkIndex"] == 1:
        raise Refusal(400, "The primary management network cannot be deleted.")
    nics = [n for n in item["network"]["nics"] if n["id"] != nic["id"]]
    network = {**item["network"], "nics": nics}
    return call.change(item, "Delete network interface", 60, "PSG_STATE_UPDATING", network=network)


def _nic(item: Item, id: str | None) -> Item:
    current: Item | None = next((n for n in item["network"]["nics"] if n["id"] == id), None)
    if current is None:
        raise Refusal(400, f"The gateway has no network interface {id!r}.")
    return current


def power_on(call: Call) -> Writing:
    """POST power-on."""
    item = call.target()
    if item["state"] != "PSG_STATE_OK_OFF":
        raise Refusal(400, f"The gateway is not off (state {item['state']}).")
    return call.change(item, "Power on gateway", 90, "PSG_STATE_POWERING_ON", check=lambda: _power(call, item, on=True))


def shut_down(call: Call) -> Writing:
    """POST shutdown-guest-os."""
    item = call.target()
    if item["state"] != "PSG_STATE_OK" and not call.query.get("force", False):
        raise Refusal(400, f"The gateway state is not OK ({item['state']}) for this power operation.")
    return call.change(item, "Shut down gateway", 60, "PSG_STATE_VM_SHUTTING_DOWN",
                       check=lambda: _power(call, item, on=False))  # fmt: skip


def _power(call: Call, item: Item, *, on: bool) -> Item:
    """The VM of the gateway, and the stores on it, follow its power; how it stands from now on."""
    call.tenant.write(("virtual-machines", item.get("vmId", "")), powerState="POWERED_ON" if on else "POWERED_OFF")
    connect(call.tenant, item["id"], connected=on)
    off = {} if on else {"state": "PSG_HEALTH_STATE_OFF", "status": "PSG_HEALTH_STATUS_DISCONNECTED"}
    return {"state": "PSG_STATE_OK" if on else "PSG_STATE_OK_OFF", "health": {**healthy(call.tenant), **off}}


def restart(call: Call) -> Writing:
    """POST restart-guest-os."""
    item = call.target()
    must_be_connected(item)
    return call.change(item, "Restart gateway", 120, "PSG_STATE_VM_RESTARTING")


def diagnose(call: Call) -> Writing:
    """POST ping and traceroute; 501 where the gateway is too old for it."""
    item = call.target()
    must_be_connected(item)
    address = call.body.get("address", "")
    if not address:
        raise Refusal(400, "address is needed.")
    yield (task := call.start(f"{call.route.segments[-1].capitalize()} {address}"[:80], 10, item))
    if address.endswith(".invalid"):
        raise Failure(f"{address} cannot be reached.", "UNREACHABLE")
    task.log.append((call.tenant.now(), f"{address} answers."))


def support_bundle(call: Call) -> Writing:
    """POST generate-support-bundle: one at a time."""
    item, body, name = call.target(), call.body or {}, "Generate support bundle"
    if call.tenant.is_busy(item, name):
        raise Refusal(400, "A log collection is already in progress.")
    task = call.start(name, 60 if body.get("slim") else 300, item)
    note = f"{'Slim support' if body.get('slim') else 'Support'} bundle: {body.get('description', '')}"
    task.log.append((call.tenant.now(), note))
    yield task


def remote_support(call: Call) -> Writing:
    """POST set-remote-support, of gateways and orchestrators."""
    yield call.start("Set remote support", 10, call.target())
    wanted = call.body.get("enabled", call.body.get("remoteAccessEnabled", False))
    call.tenant.write(call.ref, remoteAccessEnabled=wanted)


def console_user(call: Call) -> Answer:
    """POST consoleUser: a login in plain text."""
    item = call.target()
    return Answer(200, {"username": "hpeadmin", "password": f"Simulated-Password-{item['id'][:8]}"})
