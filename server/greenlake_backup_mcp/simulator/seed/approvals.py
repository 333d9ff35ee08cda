"""Approvals: how one looks that waits for a second person, and the one that has waited since the tenant began."""

from __future__ import annotations

from datetime import datetime

from greenlake_backup_mcp.simulator.names import Item, format_time

from .world import World


def pending(world: World, id: str, about: Item, what: str, now: datetime, word: str) -> Item:  # noqa: A002, PLR0913, PLR0917
    """A pending operation on a resource, added to the tenant."""
    name = about.get("name", "")
    short = {"name": name, "type": about["type"], "resourceUri": about["resourceUri"]}
    item = world.add(
        "dual-auth-operations", id, created_days=0, name=f"{what} {name}", description=f"{what} {name}", groups=[],
        associatedResources=[{"groups": [], "resource": {**short, "consoleUri": about.get("consoleUri", "")}}],
        consoleUri="/data-services/dual-authorization", operationResource=short,
        requestedAt=format_time(now), requestedByEmail="api-client@example.com",
        requestedByUri="/identity/users/api-client", requestedOperation="DELETE",
        sourceServiceExternalName="Backup and Recovery", state=word,
    )  # fmt: skip
    item["createdAt"] = item["updatedAt"] = format_time(now)
    return item
