"""A backup catalog filled from a simulated tenant, for tests of what is answered from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from greenlake_backup_mcp import settings as loading
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import client


@cache
def operations() -> dict[str, Operation]:
    """The operations of the service by their ids."""
    return {tool.operation.id: tool.operation for tool in registry.tools() if tool.operation}


def with_few_assets(tenant: Any, *, groups: int = 0) -> Any:
    """The tenant (the app) with few assets, so that reading it all takes a moment: the famous ones and three a kind.

    `groups`: of so many groups of VMs too, with their members.
    """
    items = tenant.state.tenant.world.resources
    famous = {"sap-prod-01", "db-prod-01", "old-wiki-01", "new-app-01", "hr-fs-02", "lab-build-07"}
    few = {"virtual-machines": 0, "datastores": 3, "mssql-databases": 3, "volume-protection-groups": 3}
    kept_groups = dict(islice(items["virtual-machine-protection-groups"].items(), groups))
    members = {member["id"] for group in kept_groups.values() for member in group["assets"]}
    for collection, others in few.items():
        held = items[collection]
        names = [i for i, item in held.items() if i in members or item.get("displayName", item["name"]) in famous]
        names += [i for i in held if i not in names][:others]
        items[collection] = {i: held[i] for i in names}
    items["virtual-machine-protection-groups"] = kept_groups
    existing = {i for collection in (*few, "virtual-machine-protection-groups") for i in items[collection]}
    jobs = items["protection-jobs"]
    items["protection-jobs"] = {i: job for i, job in jobs.items() if job["assetInfo"]["id"] in existing}
    return tenant


@asynccontextmanager
async def catalog_of(
    tenant: Any, now: Callable[[], datetime], settings: Settings | None = None
) -> AsyncIterator[Catalog]:
    """A catalog over a simulated tenant (the app), in memory, nothing read yet: `await catalog.sync()` reads all."""
    chosen = settings or loading.load(demo=True, wait=5)
    async with client.connect(chosen, app=tenant, now=now) as api:
        catalog = Catalog(chosen, api, operations())
        try:
            yield catalog
        finally:
            catalog.close()


async def rows(catalog: Catalog, sql: str, *values: Any) -> list[dict[str, Any]]:
    """What a query over the views finds, as dictionaries."""

    def work(connection: Any, _: Any) -> list[dict[str, Any]]:
        result = connection.execute(sql, values)
        return [dict(zip([c[0] for c in result.description], row, strict=True)) for row in result]

    return await catalog.read(work)
