"""What changed since a moment: gone as planned is not gone too early, and before the memory begins nothing is known."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.fleet import forecast, reading, show_changes
from greenlake_backup_mcp.fleet.clock import clock
from greenlake_backup_mcp.fleet.show_changes import Changes, Group
from tests.conftest import NOW
from tests.support.estates import AT, estate_of, few_machines, opened, small_estate
from tests.support.filled_catalog import catalog_of

KEPT = ("lab-build-07", "sap-prod-01", "db-prod-01", "hr-fs-02", "print-prod-14")


class Tenant:
    """A tenant of a few machines and its catalog, by a clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = NOW
        self.app = few_machines(KEPT)
        self.held = self.app.state.tenant
        self.held.clock = self.now
        self.catalog: Catalog

    def now(self) -> datetime:
        return self.time

    async def after(self, hours: float) -> None:
        """The catalog read whole again, later."""
        self.time += timedelta(hours=hours)
        await self.catalog.sync()

    async def changes(self, since: datetime = NOW, asset: str | None = None) -> Changes:
        def work(connection: Any, covered: Any) -> Changes:
            return show_changes.find(connection, reading.read(connection, covered), int(since.timestamp()), asset)

        return await self.catalog.read(work)

    def vm(self, name: str) -> Any:
        return next(v for v in self.held.all("virtual-machines") if v["displayName"] == name)

    def copies(self, name: str, kind: str) -> list[Any]:
        held = self.held.copies("virtual-machines", self.vm(name)["id"], kind)
        return list(held.all(self.held.now(), self.held.lag))


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    made = Tenant()
    async with catalog_of(made.app, made.now) as made.catalog:
        await made.catalog.sync()
        yield made


def kinds(result: Changes, group: Group) -> list[tuple[str, str]]:
    return [
        (row["kind"], row["asset"] or row["subject"])
        for row in result.rows
        if show_changes.group_of(row["kind"]) is group
    ]


async def test_t22_what_expires_goes_as_planned_and_only_a_deletion_is_too_early(tenant: Tenant) -> None:
    """T22"""
    early = tenant.copies("sap-prod-01", "backups")[3]
    tenant.held.remove(("virtual-machines", tenant.vm("sap-prod-01")["id"], "backups", early["id"]))
    await tenant.after(25)
    result = await tenant.changes()
    assert kinds(result, Group.TOO_EARLY) == [("copy vanished", "sap-prod-01")]
    assert result.rows[0]["cause"] == show_changes.UNEXPLAINED
    assert result.planned > 10
    assert result.made["backups"] >= 2
    assert sum(result.groups().values()) == len(result.rows)


async def test_weakened_suspended_and_new_without_protection_are_told_apart(tenant: Tenant) -> None:
    held, items = tenant.held, tenant.held.world.resources
    policy = next(p for p in held.all("protection-policies") if p["name"] == "Gold-Protection-Policy")
    tiers = [{**tier, "schedules": [dict(s) for s in tier["schedules"]]} for tier in policy["protections"]]
    tiers[1]["schedules"][0]["expireAfter"] = {"value": 2, "unit": "DAYS"}
    items["protection-policies"][policy["id"]] = {**policy, "protections": tiers}
    job = next(j for j in held.all("protection-jobs") if j["assetInfo"]["id"] == tenant.vm("db-prod-01")["id"])
    items["protection-jobs"][job["id"]] = {**job, "operational": "SUSPENDED"}
    other = {**tenant.vm("lab-build-07"), "id": held.new_id("vm"), "name": "fresh-01", "displayName": "fresh-01"}
    items["virtual-machines"][other["id"]] = other
    await tenant.after(2)
    result = await tenant.changes()
    assert kinds(result, Group.WEAKENED) == [("policy weakened", "Gold-Protection-Policy")]
    assert kinds(result, Group.STOPPED) == [("job suspended", "db-prod-01")]
    assert result.uncovered == ("fresh-01",)
    order = [list(Group).index(show_changes.group_of(row["kind"])) for row in result.rows]
    assert order == sorted(order)
    assert [row["kind"] for row in (await tenant.changes(asset="db-prod-01")).rows] == ["job suspended"]


async def test_t24_what_was_deleted_stays_in_the_answer(tenant: Tenant) -> None:
    """T24"""
    tenant.held.world.resources["virtual-machines"].pop(tenant.vm("lab-build-07")["id"])
    await tenant.after(2)
    assert ("VM removed", "lab-build-07") in kinds(await tenant.changes(), Group.REMOVED)


async def test_t28_usage_is_told_between_two_samples_and_nothing_of_what_was_before_the_memory(tenant: Tenant) -> None:
    """T28"""
    before = await tenant.changes(since=NOW - timedelta(days=30))
    assert (before.asked, before.since) == (int(NOW.timestamp()) - 30 * 86_400, int(NOW.timestamp()))
    assert before.rows == ()
    assert list(show_changes._usage_lines(before)) == [
        "Stores on disk: one sample in that time, so whether they grew is not known."
    ]
    await tenant.after(30)
    result = await tenant.changes()
    assert {u.store for u in result.usage} == {s["name"] for s in tenant.held.all("protection-stores")}
    assert {u.last_at - u.first_at for u in result.usage} == {30 * 3600}


@pytest.mark.parametrize(("days", "daily"), [(13, 10), (20, 10), (20, 0), (20, -3)])
def test_when_a_store_is_full_is_a_range_and_nothing_is_foretold_of_few_samples(days: int, daily: int) -> None:
    """T15: cloud stores have no maximum and are in no forecast."""
    connection = opened(small_estate()[1])
    estate = estate_of(connection)
    store = next(s for s in estate.stores.values() if s.capacity)
    connection.execute("DELETE FROM main.store_usage")
    connection.execute("UPDATE main.stores SET capacity = NULL WHERE id <> ?", (store.id,))
    connection.execute("UPDATE main.stores SET capacity = 1000 WHERE id = ?", (store.id,))
    for day in range(days):
        used = 500 + daily * day + (day % 3 - 1) * (daily > 0)
        connection.execute("INSERT INTO main.store_usage (store_id, at, used, capacity) VALUES (?, ?, ?, 1000)",
                           (store.id, AT - (days - 1 - day) * 86_400, used))  # fmt: skip
    lines = " ".join(forecast.lines(connection, estate_of(connection), clock(NOW, "UTC")))
    connection.close()
    if days < 14:
        assert lines.startswith("When a store is full cannot be known before 2026-11-25 08:00Z")
    elif daily <= 0:
        assert lines == ""
    else:
        begin, end = re.findall(r"between (\S+) \S+ and (\S+)", lines)[0]
        truth = NOW + timedelta(days=(1000 - 500 - daily * (days - 1)) / daily)
        assert begin <= f"{truth:%Y-%m-%d}" <= end
