"""Where restores read from: the recovery point that a body names, and what becomes of it meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.simulator.answers import Refusal
from greenlake_backup_mcp.simulator.names import Item, Ref, format_time
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Task

from .call import Call

UNFIT = ("ERROR", "CREATING", "DELETING", "PENDING_DELETE_APPROVAL", "DELETE_PENDING", "PARTIAL")
IN_USE = {"backups": "IN_USE_FOR_RESTORE", "snapshots": "IN_USE"}


@dataclass(frozen=True)
class Source:
    """The recovery point that a restore reads from."""

    call: Call
    copy: Item
    ref: Ref

    @classmethod
    def of_body(cls, call: Call, asset: Ref, names: tuple[str, str] = ("backupId", "snapshotId")) -> Source:
        """The one that the body names; 400 without one, 409 where it cannot be restored."""
        backup, snapshot = (call.body.get(name) for name in names)
        if bool(backup) == bool(snapshot):
            raise Refusal(400, f"Give exactly one of {names[0]} and {names[1]}.")
        ref = (*asset, "backups" if backup else "snapshots", str(backup or snapshot))
        copy = call.tenant.read(ref)
        if copy is None:
            raise Refusal(400, f"Recovery point {ref[3]} does not exist.")
        if copy["state"] in UNFIT:
            raise call.refuse_conflict(f"The recovery point is in state {copy['state']} and cannot be restored.")
        return cls(call, copy, ref)

    def begin(self, name: str, seconds: float, about: Item, **options: Any) -> Task:
        """A task during which the recovery point is in use; `options` are those of Call.start: what is overwritten."""
        tenant, state = self.call.tenant, IN_USE[self.ref[2]]
        tenant.write(self.ref, state=state)

        def release() -> None:
            if (tenant.read(self.ref) or {}).get("state") == state:
                tenant.write(self.ref, state="OK")

        return self.call.start(name, seconds, about, release=release, others=[self.copy], **options)


def newest(tenant: Tenant, asset: Ref, kinds: tuple[str, ...] = ("backups", "snapshots")) -> Item | None:
    """The newest recovery point of an asset that can be restored."""
    held = (c for kind in kinds for c in tenant.copies(asset[0], asset[1], kind).all(tenant.now(), tenant.lag))
    return max((c for c in held if c["state"] not in UNFIT), key=lambda c: str(c["pointInTime"]), default=None)


def record(tenant: Tenant, copy: Item, into: Item, details: Mapping[str, Any]) -> None:
    """Note in the tenant's own truth what came back; the task names what was made, where the reading says so."""
    entry = {"copyId": copy["id"], "pointInTime": copy["pointInTime"], "assetId": into["id"], **details}
    tenant.restores.append({**entry, "restoredAt": format_time(tenant.now())})
    tenant.name_made(into)
