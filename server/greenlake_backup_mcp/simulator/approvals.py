"""Dual authorization: deletes that wait for a second person, who is never the one who asked."""

# ruff: noqa: A002, PLR0913, PLR0917

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from .seed.build import copies
from .seed.names import Item, stamp

if TYPE_CHECKING:
    from .seed.world import World
    from .state import Ref, Tenant

SECOND = "second-person@example.com"


def ask(world: World, tenant: Tenant, ref: Ref, about: Item, what: str, approved: Callable[[], None]) -> Item:
    """A pending operation; `approved` is what happens when the second person agrees."""
    now = tenant.now()
    words = _words(tenant)
    item = world.add(
        "dual-auth-operations", tenant.new_id("dual"), created_days=0, name=f"{what} {about.get('name', '')}",
        associatedResources=[{"groups": [], "resource": {"name": about.get("name", ""), "type": about["type"],
                              "resourceUri": about["resourceUri"], "consoleUri": about.get("consoleUri", "")}}],
        consoleUri="/data-services/dual-authorization", description=f"{what} {about.get('name', '')}", groups=[],
        operationResource={"name": about.get("name", ""), "type": about["type"], "resourceUri": about["resourceUri"]},
        requestedAt=stamp(now), requestedByEmail="api-client@example.com", requestedByUri="/identity/users/api-client",
        requestedOperation="DELETE", sourceServiceExternalName="Backup and Recovery", state=words[0],
    )  # fmt: skip
    item["createdAt"] = item["updatedAt"] = stamp(now)
    tenant.waiting[item["id"]] = (ref, approved)
    return item


def seed(world: World, tenant: Tenant) -> None:
    """The delete that has waited since yesterday, of a backup of sap-prod-01."""
    vm = next(v for v in world.all("virtual-machines") if v["displayName"] == "sap-prod-01")
    held = copies(world, "virtual-machines", vm, "backups")
    item = next(i for i in held.changed.values() if i["state"] == "PENDING_DELETE_APPROVAL")
    ref = ("virtual-machines", vm["id"], "backups", item["id"])
    ask(world, tenant, ref, item, "Delete recovery point", lambda: tenant.remove(ref))


def decide(tenant: Tenant, id: str, *, approved: bool) -> None:
    """The second person's word; KeyError where nothing waits."""
    ref, happen = tenant.waiting.pop(id)
    changes = {"state": _words(tenant)[1 if approved else 2], "checkedAt": stamp(tenant.now() + timedelta()),
               "checkedByEmail": SECOND, "checkedByUri": "/identity/users/second-person"}  # fmt: skip
    tenant.write(("dual-auth-operations", id), **changes)
    if approved:
        happen()
    elif (tenant.read(ref) or {}).get("state") == "PENDING_DELETE_APPROVAL":
        tenant.write(ref, state="OK")


def _words(tenant: Tenant) -> tuple[str, str, str]:
    capital = tenant.switches.dual_words == "capital"
    return ("Pending", "Approved", "Canceled") if capital else ("PENDING", "APPROVED", "CANCELLED")
