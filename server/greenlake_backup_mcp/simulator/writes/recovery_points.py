"""Writes to recovery points: new dates, locks and names, deletes; and what the service refuses, early or late."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from greenlake_backup_mcp.simulator import approvals
from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, parse_time
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing

NAME = "Delete recovery point"
IN_USE = ("IN_USE", "IN_USE_FOR_RESTORE", "IN_USE_FOR_MOUNT", "MOUNTED")


def update(call: Call) -> Writing:
    """PATCH of a recovery point."""
    item, body, switches = call.target(), dict(call.body), call.tenant.switches
    if not body:
        raise Refusal(400, "Invalid request body: nothing to change.")
    if item["state"] in ("DELETING", "PENDING_DELETE_APPROVAL"):
        raise call.refuse_conflict(f"The recovery point is in state {item['state']} and cannot be changed.")
    now = call.tenant.now()
    lock = _time(body.get("lockedUntil")) or _time(item.get("lockedUntil"))
    if "lockedUntil" in body and (old := _time(item.get("lockedUntil"))) and lock and lock < old and old > now:
        if switches.shorter_lock == "refused":
            raise Refusal(400, f"lockedUntil cannot be moved before {format_time(old)}: a lock cannot be shortened.")
        if switches.shorter_lock == "ignored":
            del body["lockedUntil"]
            lock = old
    expiry = _time(body.get("expiresAt")) or _time(item.get("expiresAt"))
    if expiry and lock and expiry < lock and lock > now:
        if switches.expiry_below_lock == "refused":
            raise Refusal(400, f"expiresAt cannot be before lockedUntil ({format_time(lock)}).")
        if switches.expiry_below_lock == "ignored":
            body.pop("expiresAt", None)
    if "expiresAt" in body and expiry and expiry < now and switches.past_expiry == "refused":
        raise Refusal(400, "expiresAt must not be in the past.")
    changes = {n: format_time(parse_time(v)) if n in ("expiresAt", "lockedUntil") else v for n, v in body.items()}
    yield call.start("Update recovery point", 15, item, busy="UPDATING")
    if call.tenant.read(call.ref) is None:
        raise Failure("The recovery point no longer exists.", "NOT_FOUND")
    call.tenant.write(call.ref, **changes, state=item["state"])  # gone at once where the new expiry is past


def delete(call: Call) -> Answer:
    """DELETE of a recovery point: gone when the task ends, unless it is locked, busy or a second person is due."""
    tenant, ref, item = call.tenant, call.ref, call.target()
    if item["state"] in ("DELETING", "PENDING_DELETE_APPROVAL"):
        raise call.refuse_conflict(f"The recovery point is already in state {item['state']}.")
    locked = lock_of(tenant, item)
    if locked and tenant.switches.locked_delete != "task":
        raise Refusal(int(tenant.switches.locked_delete), f"The recovery point is locked until {locked}.")
    begin = partial(tenant.start, NAME, ref=ref, finish=partial(remove, tenant, ref))
    if tenant.switches.dual_authorization and not locked:
        return call.accepted(approvals.ask(tenant, item, NAME, lambda: begin(30, item, busy="DELETING"), ref))
    busy = "" if locked or item["state"] in IN_USE else "DELETING"
    return call.accepted(begin(30 + tenant.random() % 60, item, busy=busy))


def remove(tenant: Tenant, ref: Ref) -> None:
    """The recovery point goes, with those of the other databases of its set; Failure where it is locked or in use."""
    item = tenant.read(ref)
    if item is None:
        return
    if locked := lock_of(tenant, item):
        raise Failure(f"The recovery point is locked until {locked} and cannot be deleted.", "RECOVERY_POINT_LOCKED")
    if item["state"] in IN_USE or item.get("mountedHostsIqn"):
        raise Failure(f"The recovery point is in use ({item['state']}).", "RECOVERY_POINT_IN_USE")
    tenant.remove(ref)
    if ref[0] == "mssql-databases":
        _remove_siblings(tenant, ref, item)


def _remove_siblings(tenant: Tenant, ref: Ref, item: Item) -> None:
    for database in item.get("associatedDatabases", ()):
        if database["id"] == ref[1] or database["id"] not in tenant.world.resources["mssql-databases"]:
            continue
        held = tenant.copies("mssql-databases", database["id"], ref[2])
        for other in list(held.all(tenant.now(), tenant.lag)):
            apart = abs(parse_time(other["pointInTime"]) - parse_time(item["pointInTime"]))
            if apart < timedelta(minutes=15) and other.get("scheduleInfo") == item.get("scheduleInfo"):
                held.drop(other["id"])  # one run made them all


def lock_of(tenant: Tenant, item: Item) -> str:
    """Until when the recovery point is locked; empty where it is not."""
    lock = _time(item.get("lockedUntil"))
    return format_time(lock) if lock and lock > tenant.now() else ""


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
