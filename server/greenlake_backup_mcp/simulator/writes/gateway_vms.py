"""Writes to the virtual machine of a gateway: interfaces, power, diagnosis, support; refused in the wrong state."""

from __future__ import annotations

from functools import partial

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item

from .call import Call, require_free
from .gateways import healthy, must_be_connected
from .stores import connect


def create_nic(call: Call) -> Answer:
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


def update_nic(call: Call) -> Answer:
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


def delete_nic(call: Call) -> Answer:
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


def power_on(call: Call) -> Answer:
    """POST power-on."""
    item = call.target()
    if item["state"] != "PSG_STATE_OK_OFF":
        raise Refusal(400, f"The gateway is not off (state {item['state']}).")
    return call.change(item, "Power on gateway", 90, "PSG_STATE_POWERING_ON", health=healthy(call.tenant),
                       state="PSG_STATE_OK", check=lambda: _power(call, item, on=True))  # fmt: skip


def shut_down(call: Call) -> Answer:
    """POST shutdown-guest-os."""
    item = call.target()
    if item["state"] != "PSG_STATE_OK" and not call.query.get("force", False):
        raise Refusal(400, f"The gateway state is not OK ({item['state']}) for this power operation.")
    health = {**healthy(call.tenant), "state": "PSG_HEALTH_STATE_OFF", "status": "PSG_HEALTH_STATUS_DISCONNECTED"}
    return call.change(item, "Shut down gateway", 60, "PSG_STATE_VM_SHUTTING_DOWN", health=health,
                       state="PSG_STATE_OK_OFF", check=lambda: _power(call, item, on=False))  # fmt: skip


def _power(call: Call, item: Item, *, on: bool) -> None:
    """The VM of the gateway, and the stores on it, follow its power."""
    call.tenant.write(("virtual-machines", item.get("vmId", "")), powerState="POWERED_ON" if on else "POWERED_OFF")
    connect(call.tenant, item["id"], connected=on)


def restart(call: Call) -> Answer:
    """POST restart-guest-os."""
    item = call.target()
    must_be_connected(item)
    return call.change(item, "Restart gateway", 120, "PSG_STATE_VM_RESTARTING")


def diagnose(call: Call) -> Answer:
    """POST ping and traceroute; 501 where the gateway is too old for it."""
    item = call.target()
    must_be_connected(item)
    address = call.body.get("address", "")
    if not address:
        raise Refusal(400, "address is needed.")

    def finish() -> None:
        if address.endswith(".invalid"):
            raise Failure(f"{address} cannot be reached.", "UNREACHABLE")

    return call.start(f"{call.route.segments[-1].capitalize()} {address}"[:80], 10, item, finish=finish)


def support_bundle(call: Call) -> Answer:
    """POST generate-support-bundle: one at a time."""
    item, tenant, body, name = call.target(), call.tenant, call.body or {}, "Generate support bundle"
    note = f"{'Slim support' if body.get('slim') else 'Support'} bundle: {body.get('description', '')}"
    if tenant.is_busy(item, name):
        raise Refusal(400, "A log collection is already in progress.")
    task = tenant.start(name, 60 if body.get("slim") else 300, item)
    task.log.append((tenant.now(), note))
    return call.accepted(task)


def remote_support(call: Call) -> Answer:
    """POST set-remote-support, of gateways and orchestrators."""
    wanted = call.body.get("enabled", call.body.get("remoteAccessEnabled", False))
    finish = partial(call.tenant.write, call.ref, remoteAccessEnabled=wanted)
    return call.start("Set remote support", 10, call.target(), finish=finish)


def console_user(call: Call) -> Answer:
    """POST consoleUser: a login in plain text."""
    item = call.target()
    return Answer(200, {"username": "hpeadmin", "password": f"Simulated-Password-{item['id'][:8]}"})
