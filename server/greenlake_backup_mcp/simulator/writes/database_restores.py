"""Restores of SQL Server databases: over the original or beside it, to a point in time, with or without recovery."""

from __future__ import annotations

from datetime import timedelta

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.names import Item, format_time, parse_time, reference
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call
from .restore_sources import hold, record, recovery_point
from .restores import refuse_busy

OLD_BONDS = ("protectionJobInfo", "mssqlDatabaseProtectionGroupInfo", "availabilityGroupInfo")


def restore(call: Call) -> Answer:
    """A database: PARENT overwrites it, ALTERNATE makes one, on its own instance or another."""
    tenant, held, body = call.tenant, call.target(), call.body
    copy, copy_ref = recovery_point(call, ("mssql-databases", call.ids[0]))
    over, target = body["restoreType"] == "PARENT", body.get("targetDatabaseInfo") or {}
    tail = bool(body.get("restoreWithTailLog"))
    details = {
        "restoreType": body["restoreType"],
        "recoveryMode": body.get("recoveryMode", "WITH_RECOVERY"),
        "restoreUntil": body.get("restoreUntil", ""),
        "tailLog": tail,
        "filePaths": [(p.get("originalPath"), p.get("newPath")) for p in target.get("databaseFilePaths", ())],
    }
    if over:
        refuse_busy(call, held)

        def overwrite() -> None:
            _check(tenant, copy, details)
            tenant.rewrite(held["id"])
            tenant.write(call.ref, **_recovery(details))
            record(tenant, copy, held, details)

        task = tenant.start("Restore database", 900, held, ref=call.ref, busy="RESTORING", sour="ERROR",
                            finish=overwrite, release=hold(tenant, copy_ref), others=[copy])  # fmt: skip
        if tail:
            tenant.start("Back up tail log", 30, held, parent=task)
        return call.accepted(task)
    if tail:
        raise Refusal(400, "restoreWithTailLog is for a restore over the original (PARENT) only.")
    instance = call.other("mssql-instances", target.get("instanceId") or held["instanceInfo"]["id"], "instanceId")
    name = target.get("name") or f"{held['name']}-restored"
    if any(d["name"] == name and d["instanceInfo"]["id"] == instance["id"] for d in tenant.all("mssql-databases")):
        raise Refusal(400, f"The name {name!r} is already in use on this instance.")
    new_paths = [new for _, new in details["filePaths"]]
    if len(new_paths) != len(set(new_paths)):
        raise Refusal(400, "Two database files cannot have the same path.")

    def beside() -> None:
        _check(tenant, copy, details)
        made = _create(tenant, held, instance, name) | _recovery(details)
        tenant.put(("mssql-databases", made["id"]), made)
        record(tenant, copy, made, details)

    return call.start("Restore database", 900, held, finish=beside, release=hold(tenant, copy_ref), others=[copy])


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
    if not first <= until <= last + timedelta(seconds=1) and not (
        details["tailLog"] and first <= until <= tenant.now()
    ):
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
    if any(d["name"] == name and d["instanceInfo"]["id"] == instance["id"] for d in tenant.all("mssql-databases")):
        raise Failure(f"The name {name!r} is already in use on this instance.", "NAME_IN_USE")
    id, now = tenant.new_id("restored", name), format_time(tenant.now())
    return {
        **{k: v for k, v in source.items() if k not in OLD_BONDS}, "id": id, "name": name, "generation": 1,
        "resourceUri": source["resourceUri"].replace(source["id"], id), "createdAt": now, "updatedAt": now,
        "protectionStatus": "UNPROTECTED", "recoveryPointsExist": False,
        "instanceInfo": reference("mssql-instances", instance), "applicationHostInfo": instance["applicationHostInfo"],
        "virtualizationInfo": instance["virtualizationInfo"],
    }  # fmt: skip
