"""Writes to volume protection groups: recovery points made by hand, attached to hosts, and restored."""

from __future__ import annotations

from collections.abc import Collection

from greenlake_backup_mcp.simulator.answers import Failure, Refusal
from greenlake_backup_mcp.simulator.history.recovery_points import fresh
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time, uid, uri
from greenlake_backup_mcp.simulator.seed.policies import length, store_reference
from greenlake_backup_mcp.simulator.state import Tenant

from .call import Call, Writing
from .restore_sources import Source, record
from .restores import refuse_busy
from .stores import why_closed


def snapshot(call: Call) -> Writing:
    """POST snapshots."""
    return _create(call, call.target(), "snapshots", {})


def backup(call: Call) -> Writing:
    """POST backups, from one of the group's recovery points."""
    group, body = call.target(), call.body
    store = call.other("protection-stores", body["protectionStoreId"], "Protection store")
    wanted = "CLOUD" if body["backupType"] == "CLOUD_BACKUP" else "ON_PREMISES"
    if store["protectionStoreType"] != wanted:
        raise Refusal(400, f"{body['backupType']} needs a protection store of type {wanted}.")
    source = body["sourceCopyInfo"]
    where = (*call.ref[:2], "snapshots" if source["type"] == "SNAPSHOT" else "backups", source["id"])
    if call.tenant.read(where) is None:
        raise Refusal(400, f"The source {source['id']} does not exist.")
    more = {"backupType": body["backupType"], "protectionStoreInfo": store_reference(store),
            "sourceCopyInfo": {"id": source["id"], "copyType": source["type"], "type": source["type"]}}  # fmt: skip
    return _create(call, group, "backups", more)


def _create(call: Call, group: Item, copy_kind: str, more: Item) -> Writing:
    tenant, body = call.tenant, call.body
    keep, lock = body.get("expireAfter"), body.get("lockFor")
    if keep and lock and length(keep) < length(lock):
        raise Refusal(400, "expireAfter cannot be less than lockFor.")
    now = tenant.now()
    dates = {name: format_time(now + length(p)) for name, p in (("expiresAt", keep), ("lockedUntil", lock)) if p}
    id = tenant.new_id("copy")
    item = fresh(tenant.world, call.collection, group, copy_kind, id, now, name=body["name"])
    item |= {**more, **dates, "description": body.get("description", ""), "state": "CREATING"}
    ref: Ref = (*call.ref[:2], copy_kind, id)
    tenant.put(ref, item)
    yield call.start(f"Create {copy_kind[:-1]}", 60, group, others=[item])
    if reason := why_closed(tenant, more.get("protectionStoreInfo")):
        tenant.write(ref, state="ERROR", status="ERROR", stateReason=reason)
        raise Failure(reason, "STORE_NOT_AVAILABLE")
    tenant.write(ref, state="OK")


def attach(call: Call) -> Writing:
    """POST attach: the backup's volumes, or some of them, appear at a host."""
    item, tenant, iqn = call.target(), call.tenant, call.body["hostIqn"]
    if not iqn.lower().startswith("iqn."):
        raise Refusal(400, f"{iqn!r} is no iSCSI qualified name.")
    choices = {b["id"] for s in item.get("backupSetsInfo", ()) for b in s["backups"]}
    chosen = set(call.body.get("individualBackupIds") or choices)
    if wrong := chosen - choices:
        raise Refusal(400, f"The backup has no part {sorted(wrong)[0]}.")
    if iqn in item["mountedHostsIqn"]:
        raise Refusal(400, "The backup is already attached to this host.")
    tenant.write(call.ref, mountState="ATTACHING")
    yield call.start("Attach backup", 60, item, busy="IN_USE_FOR_MOUNT")
    now = tenant.read(call.ref) or item
    sets = _mounted(now, iqn, chosen, attached=True)
    whole = all(b["mountedHostsIqn"] for s in sets for b in s["backups"])
    state = "ATTACHED" if whole else "PARTIALLY_ATTACHED"
    hosts = [*now["mountedHostsIqn"], iqn]
    tenant.write(call.ref, state="OK", backupSetsInfo=sets, mountState=state, mountedHostsIqn=hosts)


def detach(call: Call) -> Writing:
    """POST detach: the volumes go from the host."""
    item, tenant, iqn = call.target(), call.tenant, call.body["hostIqn"]
    if iqn not in item["mountedHostsIqn"]:
        raise Refusal(400, "The backup is not attached to this host.")
    tenant.write(call.ref, mountState="DETACHING")
    yield call.start("Detach backup", 60, item)
    now = tenant.read(call.ref) or item
    left = [i for i in now["mountedHostsIqn"] if i != iqn]
    tenant.write(call.ref, backupSetsInfo=_mounted(now, iqn, (), attached=False), mountedHostsIqn=left,
                 mountState="ATTACHED" if left else "UNATTACHED")  # fmt: skip


def _mounted(item: Item, iqn: str, chosen: Collection[str], *, attached: bool) -> list[Item]:
    """The parts of a backup, with the hosts that see them."""
    sets = []
    for one in item.get("backupSetsInfo", ()):
        parts = []
        for part in one["backups"]:
            hosts = [h for h in part.get("mountedHostsIqn", ()) if h != iqn]
            hosts += [iqn] if attached and part["id"] in chosen else []
            parts.append({**part, "mountedHostsIqn": hosts, "mountState": "ATTACHED" if hosts else "UNATTACHED"})
        sets.append({**one, "backups": parts})
    return sets


def restore(call: Call) -> Writing:
    """POST restore: PARENT overwrites the volumes, or some of them; ALTERNATE, only from a backup, makes new ones."""
    group, body, tenant, name = call.target(), call.body, call.tenant, "Restore volume protection group"
    source = Source.of_body(call, call.ref, ("vpgBackupId", "vpgSnapshotId"))
    refuse_busy(call, group)
    volumes, from_backup = _volumes(body, group, source.copy), source.ref[2] == "backups"
    if body.get("restoreType", "PARENT") == "ALTERNATE":
        if not from_backup:
            raise Refusal(400, "Only a backup can be restored to another place.")
        wanted = body.get("targetStorageSystemId") or group["storageSystemInfo"]["id"]
        array = call.other("storage-systems", wanted, "targetStorageSystemId")
        details = {"restoreType": "ALTERNATE", "storageSystemId": array["id"]}
        yield source.begin(name, 1800, group)
        for made in [_new(tenant, v, array) for v in volumes]:
            record(tenant, source.copy, made, details)
        return
    busy = "RESTORING_BACKUP" if from_backup else "RESTORING_SNAPSHOT"
    yield source.begin(name, 1800, group, busy=busy, sour="RESTORE_FAILED")
    tenant.rewrite(group["id"])
    details = {"restoreType": "PARENT", "volumes": [v["id"] for v in volumes]}
    record(tenant, source.copy, tenant.write(call.ref, state="OK") or group, details)


def _new(tenant: Tenant, volume: Item, array: Item) -> Item:
    """A volume beside its original."""
    id, name = uid(tenant.new_id("volume"), volume["id"]), f"{volume['displayName']}-restored"
    made: Item = {**volume, "id": id, "name": name, "displayName": name, "protectionStatus": "UNPROTECTED",
                  "resourceUri": uri("volumes", id)}  # fmt: skip
    tenant.world.resources.setdefault("volumes", {})[id] = made | {"storageSystemInfo": {"id": array["id"]}}
    return made


def _volumes(body: Item, group: Item, copy: Item) -> list[Item]:
    """The volumes that the body chooses by the parts of the recovery point; all where it chooses none."""
    backups, snapshots = body.get("individualBackupIds"), body.get("individualSnapshotIds")
    if snapshots:
        choices = {s["id"]: s["volumeId"] for s in copy.get("individualSnapshotsInfo", ())}
    else:
        parts = [b["id"] for s in copy.get("backupSetsInfo", ()) for b in s["backups"]]
        choices = dict(zip(parts, (v["id"] for v in group["assets"]), strict=False))
    chosen = snapshots or backups
    if chosen and (wrong := set(chosen) - set(choices)):
        raise Refusal(400, f"The recovery point has no part {sorted(wrong)[0]}.")
    wanted = {choices[part] for part in chosen} if chosen else {v["id"] for v in group["assets"]}
    return [v for v in group["assets"] if v["id"] in wanted]
