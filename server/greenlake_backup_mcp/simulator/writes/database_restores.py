"""Restores of SQL Server databases: over the original or beside it, to a point in time, with or without recovery."""

from __future__ import annotations

from datetime import timedelta

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, parse_time, reference
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing
from .restore_sources import Source, record
from .restores import refuse_busy

OLD_BONDS = ("protectionJobInfo", "mssqlDatabaseProtectionGroupInfo", "availabilityGroupInfo")


def restore(call: Call) -> Writing:
    """A database: PARENT overwrites it, ALTERNATE makes one, on its own instance or another."""
    tenant, held, body, name = call.tenant, call.target(), call.body, "Restore database"
    source = Source.of_body(call, ("mssql-databases", call.ids[0]))
    target, tail = body.get("targetDatabaseInfo") or {}, bool(body.get("restoreWithTailLog"))
    details = {
        "restoreType": body["restoreType"],
        "recoveryMode": body.get("recoveryMode", "WITH_RECOVERY"),
        "restoreUntil": body.get("restoreUntil", ""),
        "tailLog": tail,
        "filePaths": [(p.get("originalPath"), p.get("newPath")) for p in target.get("databaseFilePaths", ())],
    }
    if body["restoreType"] == "PARENT":
        refuse_busy(call, held)
        task = source.begin(name, 900, held, busy="RESTORING", sour="ERROR")
        if tail:
            tenant.start("Back up tail log", 30, held, parent=task)
        yield task
        _check(tenant, source.copy, details)
        tenant.rewrite(held["id"])
        record(tenant, source.copy, tenant.write(call.ref, **_recovery(details)) or held, details)
        return
    if tail:
        raise Refusal(400, "restoreWithTailLog is for a restore over the original (PARENT) only.")
    instance = call.other("mssql-instances", target.get("instanceId") or held["instanceInfo"]["id"], "instanceId")
    new_name = target.get("name") or f"{held['name']}-restored"
    if _taken(tenant, new_name, instance):
        raise Refusal(400, f"The name {new_name!r} is already in use on this instance.")
    new_paths = [new for _, new in details["filePaths"]]
    if len(new_paths) != len(set(new_paths)):
        raise Refusal(400, "Two database files cannot have the same path.")
    yield source.begin(name, 900, held)
    _check(tenant, source.copy, details)
    made = _create(tenant, held, instance, new_name) | _recovery(details)
    tenant.put(("mssql-databases", made["id"]), made)
    record(tenant, source.copy, made, details)


def _taken(tenant: Tenant, name: str, instance: Item) -> bool:
    held = tenant.all("mssql-databases")
    return any(d["name"] == name and d["instanceInfo"]["id"] == instance["id"] for d in held)


def _check(tenant: Tenant, copy: Item, details: Item) -> None:
    """Failure where the logs do not reach the moment asked for, or a file cannot be where it was asked for."""
    for _, new in details["filePaths"]:
        if not new or new[1:3] != ":\\":
            raise Failure(f"The path {new!r} does not exist on the host.", "INVALID_PATH")
    if not details["restoreUntil"]:
        return
    until, first = parse_time(details["restoreUntil"]), parse_time(copy["pointInTime"])
    logs = copy.get("logBackupInfo", {}).get("lastLogBackupTime")
    last = parse_time(logs) if logs else first
    reached = max(last + timedelta(seconds=1), tenant.now() if details["tailLog"] else first)
    if not first <= until <= reached:
        span = f"from {copy['pointInTime']} to {format_time(last)}"
        text = f"The log backups reach {span}, not to {details['restoreUntil']}."
        raise Failure(text, "LOG_BACKUP_NOT_FOUND")


def _recovery(details: Item) -> Item:
    """A database left without recovery takes further logs, and nobody can use it."""
    if details["recoveryMode"] == "WITH_RECOVERY":
        return {"state": "OK", "status": "OK", "stateReason": ""}
    return {"state": "UNAVAILABLE", "status": "WARNING", "stateReason": "The database was restored without recovery."}


def _create(tenant: Tenant, source: Item, instance: Item, name: str) -> Item:
    host = tenant.read(("application-hosts", instance["applicationHostInfo"]["id"]))
    if host is None or host["state"] != "OK":
        raise Failure((host or {}).get("stateReason") or "The application host does not answer.", "HOST_NOT_AVAILABLE")
    if _taken(tenant, name, instance):
        raise Failure(f"The name {name!r} is already in use on this instance.", "NAME_IN_USE")
    id, now = tenant.new_id("restored", name), format_time(tenant.now())
    return {
        **{k: v for k, v in source.items() if k not in OLD_BONDS}, "id": id, "name": name, "generation": 1,
        "resourceUri": source["resourceUri"].replace(source["id"], id), "createdAt": now, "updatedAt": now,
        "protectionStatus": "UNPROTECTED", "recoveryPointsExist": False,
        "instanceInfo": reference("mssql-instances", instance), "applicationHostInfo": instance["applicationHostInfo"],
        "virtualizationInfo": instance["virtualizationInfo"],
    }  # fmt: skip
