"""Whole estates for tests of what is judged over the catalog: a small tenant, its catalog as a database, its facts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from functools import cache
from typing import Any

import anyio

from greenlake_backup_mcp.catalog import read_coverage, views
from greenlake_backup_mcp.fleet import reading
from greenlake_backup_mcp.fleet.clock import Clock, clock
from greenlake_backup_mcp.fleet.estate import Estate
from greenlake_backup_mcp.fleet.exceptions import Acceptance
from greenlake_backup_mcp.fleet.question import Question
from greenlake_backup_mcp.simulator.seed import cases
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW
from tests.support.filled_catalog import catalog_of

AT = int(NOW.timestamp())


def small_tenant(every: int = 5) -> Any:
    """One of so many machines, all members of groups and rare cases, and whatever else the tenant has."""
    app = create_app(now=lambda: NOW, scale=100_000)
    items = app.state.tenant.world.resources
    machines = items["virtual-machines"]
    grouped = {m["id"] for g in items["virtual-machine-protection-groups"].values() for m in g["assets"]}
    remaining = {
        i: vm for n, (i, vm) in enumerate(machines.items())
        if n % every == 0 or i in grouped or vm["displayName"] in cases.BY_ASSET
        or vm.get("vmClassification") not in (None, "", "NONE")
    }  # fmt: skip
    items["virtual-machines"] = remaining
    items["protection-jobs"] = {
        i: job for i, job in items["protection-jobs"].items()
        if "/virtual-machines/" not in job["assetInfo"]["resourceUri"] or job["assetInfo"]["id"] in remaining
    }  # fmt: skip
    return app


def few_machines(names: Collection[str]) -> Any:
    """A tenant of these machines, their jobs and all systems; no groups, datastores and databases."""
    app = create_app(now=lambda: NOW, scale=100_000)
    items = app.state.tenant.world.resources
    machines = items["virtual-machines"]
    items["virtual-machines"] = {i: vm for i, vm in machines.items() if vm["displayName"] in names}
    for name in ("virtual-machine-protection-groups", "datastores", "mssql-databases", "volume-protection-groups"):
        items[name] = {}
    items["protection-jobs"] = {
        i: j for i, j in items["protection-jobs"].items() if j["assetInfo"]["id"] in items["virtual-machines"]
    }
    return app


def catalog_bytes(app: Any) -> bytes:
    """The catalog of a tenant, read whole, as the bytes of a database."""

    async def fill() -> bytes:
        async with catalog_of(app, lambda: NOW) as catalog:
            await catalog.sync()
            assert catalog.store is not None
            with closing(sqlite3.connect(":memory:")) as copy:
                catalog.store.writer.backup(copy)
                return copy.serialize()

    return anyio.run(fill)


@cache
def small_estate() -> tuple[Any, bytes]:
    """A small tenant that no test changes, and its catalog: once per process."""
    app = small_tenant(every=9)
    return app, catalog_bytes(app)


def opened(database: bytes) -> sqlite3.Connection:
    """A connection to a copy of such a database, without its views: it may be written to."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.deserialize(database)
    return connection


def estate_of(connection: sqlite3.Connection) -> Estate:
    """The facts, with the views made anew as of NOW."""
    connection.executescript("DROP TABLE IF EXISTS temp.reach;")
    for (name,) in connection.execute("SELECT name FROM temp.sqlite_master WHERE type = 'view'").fetchall():
        connection.execute(f"DROP VIEW temp.{name}")
    connection.executescript(views.script(AT))
    return reading.read(connection, read_coverage.coverage(connection, NOW))


def question_of(*accepted: Acceptance, person: Clock | None = None, room: int = 10**6, **values: Any) -> Question:
    """A question that needs no catalog: what it asks of is read already, and nobody waits for its progress."""
    return Question(None, values, person or clock(NOW, "UTC"), accepted, None, room)  # type: ignore[arg-type]
