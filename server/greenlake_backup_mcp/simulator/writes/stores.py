"""Writes to protection stores and StoreOnce appliances."""

from __future__ import annotations

from functools import partial

from greenlake_backup_mcp.simulator import approvals
from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.history.outages import GATEWAY_LOST, STORE_FULL, trouble
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time
from greenlake_backup_mcp.simulator.seed.systems import orchestrators_of, store
from greenlake_backup_mcp.simulator.seed.world import TIB
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import display_name

from .call import Call, Writing, is_wrong, require_free

CONNECTED = {"connectedState": "CONNECTED", "state": "ONLINE", "status": "OK", "stateReason": ""}
DISCONNECTED = {"connectedState": "DISCONNECTED", "state": "OFFLINE", "status": "ERROR", "stateReason": GATEWAY_LOST}
TWICE = "A StoreOnce with this serial number is already registered."
SYSTEMS = {"PROTECTION_STORE_GATEWAY": "protection-store-gateways", "STOREONCE": "storeonces"}


def create(call: Call) -> Writing:
    """POST: a cloud store needs a location; the store is there when the task ends."""
    tenant, body = call.tenant, call.body
    store_type = body.get("protectionStoreType", "ON_PREMISES")
    collection = SYSTEMS[body.get("storageSystemType", "PROTECTION_STORE_GATEWAY")]
    system = call.other(collection, body.get("storageSystemId"), "storageSystemId")
    place = None
    if store_type == "CLOUD":
        if not body.get("storageLocationId"):
            raise Refusal(400, "A cloud store needs storageLocationId.")
        place = call.other("storage-locations", body["storageLocationId"], "storageLocationId")
    name = body.get("displayName") or f"{'Cloud' if place else 'Local'}_{system['name']}"
    call.refuse_taken(name, "protection store")
    if _disconnected(system):
        raise Refusal(400, "The gateway is not connected.")
    if place and body.get("region", place["cloudServiceProviderId"]) != place["cloudServiceProviderId"]:
        raise Refusal(400, f"The region {body['region']!r} is not that of the storage location {place['name']}.")
    yield call.start("Create protection store", 300 if place else 60, system)
    if _disconnected(tenant.read((collection, system["id"])) or {"health": {"status": "DISCONNECTED"}}):
        raise Failure("The gateway is not connected.", "GATEWAY_DISCONNECTED")
    new = store(tenant.world, name, system, place, 0, tenant.new_id("store"))
    new["createdAt"] = new["updatedAt"] = format_time(tenant.now())
    tenant.put(("protection-stores", new["id"]), new)
    tenant.name_made(new)


def edit(call: Call) -> Answer:
    """PATCH: 200 with the store."""
    call.refuse_taken(call.body.get("displayName"), "protection store", call.target()["id"])
    return Answer(200, call.tenant.write(call.ref, **call.body))


def delete(call: Call) -> Answer:
    """DELETE: refused while a policy writes to it; without force it fails late where there is data in it."""
    tenant, item, name = call.tenant, call.target(), "Delete protection store"
    used = [policy["name"] for policy in tenant.all("protection-policies") for tier in policy["protections"]
            if tier.get("protectionStoreInfo", {}).get("id") == item["id"]]  # fmt: skip
    used = list(dict.fromkeys(used))
    force = call.query.get("force", False)
    if used and not force:
        raise Refusal(400, f"The protection store is a destination of one or more policies: {', '.join(used)}.")

    def finish() -> None:
        if item["userDataStoredInBytes"] and not force:
            raise Failure("The protection store contains user data: force is needed.", "STORE_NOT_EMPTY")
        tenant.remove(call.ref)

    begin = partial(tenant.start, name, 120, item, finish=finish)
    return call.accepted(approvals.ask(tenant, item, name, begin) if tenant.switches.dual_authorization else begin())


def _disconnected(system: Item) -> bool:
    return str(system.get("health", {}).get("status", "")).endswith("DISCONNECTED")


def why_closed(tenant: Tenant, short: Item | None) -> str:
    """Why nothing can be written to the store that a policy or copy names; empty where it can."""
    store = tenant.read(("protection-stores", short["id"])) if short else None
    reason = trouble("protection-stores", store) if short else ""
    full = store and store["sizeOnDiskInBytes"] >= store.get("maxCapacityInBytes", 1 << 62)
    return reason or (STORE_FULL if full else "")


def connect(tenant: Tenant, system_id: str, *, connected: bool) -> None:
    """The stores on a gateway or StoreOnce are there as long as it is."""
    for held in tenant.stores_on(system_id):
        system = tenant.read((SYSTEMS[held["storageSystemInfo"]["type"]], system_id)) or {}
        info = {**held["storageSystemInfo"], "displayName": display_name(system)}
        tenant.write(("protection-stores", held["id"]), storageSystemInfo=info,
                     **(CONNECTED if connected else DISCONNECTED))  # fmt: skip


def remove_system(tenant: Tenant, ref: Ref) -> None:
    """A gateway or StoreOnce goes, with the stores on it and what is in them."""
    for held in tenant.stores_on(ref[1]):
        tenant.remove(("protection-stores", held["id"]))
    tenant.remove(ref)


def reattach(call: Call) -> Writing:
    """POST reattach: a cloud store to another gateway or StoreOnce."""
    tenant, item, body = call.tenant, call.target(), call.body
    if item["protectionStoreType"] != "CLOUD":
        raise Refusal(400, "Only cloud stores can be reattached.")
    system_type = body.get("storageSystemType", "PROTECTION_STORE_GATEWAY")
    system = call.other(SYSTEMS[system_type], body.get("storageSystemId"), "storageSystemId")
    yield call.start("Reattach protection store", 180, item)
    if _disconnected(tenant.read((SYSTEMS[system_type], system["id"])) or system):
        raise Failure("The gateway is not connected.", "GATEWAY_DISCONNECTED")
    info = {"displayName": system["name"], **{n: system[n] for n in ("id", "resourceUri")}, "type": system_type}
    orchestrators = orchestrators_of(tenant.world, system)
    tenant.write(call.ref, storageSystemInfo=info, dataOrchestratorInfo=orchestrators, **CONNECTED)


# --- StoreOnce -----------------------------------------------------------------------------------------------------


def register(call: Call) -> Writing:
    """POST storeonces."""
    tenant, body = call.tenant, call.body

    def registered() -> bool:
        return any(s["serialNumber"] == body["serialNumber"] for s in tenant.all("storeonces"))

    if registered():
        raise Refusal(409, TWICE)
    model = tenant.all("storeonces")[0] if tenant.all("storeonces") else {}
    name = body.get("name") or body["networkAddress"]
    yield call.start("Register StoreOnce", 600, call.unborn(name))
    if is_wrong(body["credentials"]):
        raise Failure("The StoreOnce user name or password is wrong.", "LOGIN_FAILED")
    if registered():
        raise Failure(TWICE, "CONFLICT")
    shared = {k: v for k, v in model.items() if k in ("dataOrchestrators", "dateTime", "softwareVersion", "health")}
    storage = {"capacityLicensedBytes": 100 * TIB, "freeBytes": 100 * TIB, "usedBytes": 0, "state": "OK"}
    network = _network(tenant, {"nics": [{"id": "1", "networkIndex": 1}]}, body["networkAddress"], "")
    new = tenant.add("storeonces", tenant.new_id("so"), name=name, storage=storage, network=network,
                     serialNumber=body["serialNumber"], description=body.get("description", ""), **shared)  # fmt: skip
    tenant.note(new["id"], username=body["credentials"].get("username", ""))


def _network(tenant: Tenant, before: Item, address: str, own_id: str) -> Item:
    """The network of a StoreOnce at another address; Failure where the address is in use."""
    if not address.replace(".", "").isdigit():
        return {**before, "hostname": address}
    require_free(tenant, address, own_id)
    return {**before, "nics": [{**nic, "networkAddress": address} for nic in before.get("nics", ())]}


def update_storeonce(call: Call) -> Writing:
    """PATCH storeonces."""
    item, body, tenant = call.target(), call.body, call.tenant
    yield call.start("Update StoreOnce", 30, item)
    changes: Item = {n: body[n] for n in ("description",) if n in body}
    if "networkAddress" in body:
        before = (tenant.read(call.ref) or item).get("network", {})
        changes["network"] = _network(tenant, before, body["networkAddress"], item["id"])
    tenant.write(call.ref, **changes)


def unregister(call: Call) -> Writing:
    """DELETE storeonces: refused while stores are on it, unless forced; then they go too."""
    item, tenant = call.target(), call.tenant
    used = len(tenant.stores_on(item["id"]))
    if used and not call.query.get("force", False):
        raise Refusal(409, f"{used} protection stores are still on the StoreOnce: cannot unregister.")
    yield call.start("Unregister StoreOnce", 300, item)
    remove_system(tenant, call.ref)


def refresh_storeonce(call: Call) -> Writing:
    """POST refresh."""
    item, tenant = call.target(), call.tenant
    if tenant.is_busy(item, "Refresh StoreOnce"):
        raise Refusal(409, "A refresh of this StoreOnce is already running.")
    yield call.start("Refresh StoreOnce", 120, item)
    time = {**item.get("dateTime", {}), "utcDateTime": format_time(tenant.now())}
    tenant.write(call.ref, dateTime=time, health={**item["health"], "updatedAt": format_time(tenant.now())})
