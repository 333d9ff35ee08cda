"""The memory of changes: safeguards weakened, jobs stopped, settings changed, with what did it; and its pace."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from greenlake_backup_mcp.catalog import writer
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.catalog.reading import Pace
from greenlake_backup_mcp.catalog.rows import unpack
from tests.conftest import NOW
from tests.support.estates import AT, opened, small_estate
from tests.support.filled_catalog import catalog_of, rows
from tests.support.flaky_lists import FlakyLists

DAY = 86_400


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def catalog(tenant: Any, clock: Clock) -> AsyncIterator[Catalog]:
    """A catalog whose lists were read once; no recovery points yet."""
    async with catalog_of(tenant, clock) as result:
        await result.coverage()
        assert result.filler is not None
        await result.filler.refresh(everything=True)
        yield result


async def changes(catalog: Catalog, clock: Clock) -> list[dict[str, Any]]:
    """What a refresh an hour later finds changed."""
    clock.time += timedelta(hours=1)
    assert catalog.filler is not None
    await catalog.filler.refresh()
    return await rows(catalog, "SELECT kind, subject, asset, was, is_now, cause, by_user FROM changes ORDER BY id")


def put(tenant: Any, collection: str, item: dict[str, Any], **values: Any) -> None:
    tenant.world.resources[collection][item["id"]] = {**item, **values}


async def test_an_unchanged_tenant_has_no_changes(catalog: Catalog, clock: Clock) -> None:
    assert await changes(catalog, clock) == []


async def test_weakened_safeguards_are_told_with_what_they_were(catalog: Catalog, clock: Clock, tenant: Any) -> None:
    held = tenant.state.tenant
    policy = next(p for p in held.all("protection-policies") if p["name"] == "Gold-Protection-Policy")
    tiers = [{**tier, "schedules": [dict(s) for s in tier["schedules"]]} for tier in policy["protections"]]
    tiers[1]["schedules"][0]["expireAfter"] = {"value": 2, "unit": "DAYS"}
    tiers[1]["schedules"][0].pop("lockFor")
    put(held, "protection-policies", policy, protections=tiers[:-1])
    setting = held.all("settings")[0]
    put(held, "settings", setting, currentValue="changed")
    result = await changes(catalog, clock)
    weakened = [(one["was"], one["is_now"]) for one in result if one["kind"] == "policy weakened"]
    assert ("BACKUP schedule 2: kept 14 d", "BACKUP schedule 2: kept 2 d") in weakened
    assert ("BACKUP schedule 2: locked 3 d", "BACKUP schedule 2: no lock") in weakened
    assert ("CLOUD_BACKUP schedule 3: was there", "CLOUD_BACKUP schedule 3: gone") in weakened
    assert [(one["subject"], one["is_now"]) for one in result if one["kind"] == "setting changed"] == [
        (setting["name"], "changed")
    ]


async def test_rarer_runs_and_who_left_a_group_are_told(catalog: Catalog, clock: Clock, tenant: Any) -> None:
    held = tenant.state.tenant
    policy = next(p for p in held.all("protection-policies") if p["name"] == "Gold-Protection-Policy")
    tiers = [{**tier, "schedules": [dict(s) for s in tier["schedules"]]} for tier in policy["protections"]]
    daily = tiers[1]["schedules"][0]
    daily["schedule"] = {**daily["schedule"], "repeatInterval": {"every": 3}}
    put(held, "protection-policies", policy, protections=tiers)
    group = held.all("virtual-machine-protection-groups")[0]
    gone, *staying = group["assets"]
    put(held, "virtual-machine-protection-groups", group, assets=staying)
    result = {change["kind"]: change for change in await changes(catalog, clock)}
    assert result["policy weakened"]["was"].startswith("BACKUP schedule 2: ")
    assert result["policy weakened"]["is_now"] == "BACKUP schedule 2: DAILY each 3"
    assert (result["left group"]["subject"], result["left group"]["asset"]) == (group["name"], gone["displayName"])


def test_a_copy_that_goes_earlier_or_loses_its_lock_is_told() -> None:
    connection = opened(small_estate()[1])
    query = "SELECT c.asset, c.id FROM copies c WHERE c.list = 1 AND c.locked_until > ? AND c.expires > ? LIMIT 1"
    asset, ident = connection.execute(query, (AT + DAY, AT + 3 * DAY)).fetchone()
    reading = writer.CopyReading(asset, 1, AT, AT - DAY)
    item = {"id": unpack(ident), "name": "x", "expiresAt": f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"}
    connection.execute("DELETE FROM changes")
    writer.confirm_copy(connection, reading, ident, item)
    writer.confirm_copy(connection, reading, ident, None)
    noted = connection.execute("SELECT kind, now FROM changes ORDER BY no").fetchall()
    connection.close()
    assert noted == [
        ("expiry brought forward", "2026-11-25 08:00Z"), ("lock lifted", "not locked"), ("copy vanished", "gone"),
    ]  # fmt: skip


async def test_suspended_and_deleted_jobs_are_told_with_the_task_that_did_it(
    catalog: Catalog, clock: Clock, tenant: Any
) -> None:
    held = tenant.state.tenant
    one, other = [j for j in held.all("protection-jobs") if j["operational"] == "ACTIVE"][:2]
    held.start("Suspend protection job", 1, one["assetInfo"], others=[one])
    put(held, "protection-jobs", one, operational="SUSPENDED")
    held.world.resources["protection-jobs"].pop(other["id"])
    result = {change["kind"]: change for change in await changes(catalog, clock)}
    assert result["job suspended"]["asset"] == one["assetInfo"]["name"]
    assert "Suspend protection job" in result["job suspended"]["cause"]
    assert result["job removed"]["asset"] == other["assetInfo"]["name"]
    assert result["job removed"]["cause"] == "unexplained"


HELD = """SELECT (SELECT count(*) FROM tags) AS tags, (SELECT count(*) FROM jobs) AS jobs,
    (SELECT count(*) FROM settings) AS settings"""


@pytest.mark.parametrize("path", ["/tags", "/protection-jobs", "/settings"])
async def test_what_a_lost_page_leaves_out_is_neither_removed_nor_forgotten(
    tenant: Any, clock: Clock, path: str
) -> None:
    flaky = FlakyLists(tenant, random.Random(1), only=path, kinds=("page lost, total too",))
    async with catalog_of(flaky, clock) as catalog:
        await catalog.coverage()
        assert catalog.filler is not None
        await catalog.filler.refresh(everything=True)
        before = await rows(catalog, HELD)
        flaky.thousandths = 1000
        clock.time += timedelta(hours=1)
        await catalog.filler.refresh(everything=True)
        assert await rows(catalog, HELD) == before
        assert await rows(catalog, "SELECT kind FROM changes") == []
        stale = await rows(catalog, "SELECT reason FROM coverage WHERE state = 'stale'")
        assert [row["reason"].split(" ", 1)[1] for row in stale] == ["that are there were not in the list"]


async def test_what_cannot_be_read_by_its_id_is_gone_when_it_is_missing_twice(
    catalog: Catalog, clock: Clock, tenant: Any
) -> None:
    tenant.state.tenant.world.resources["settings"].popitem()
    assert await changes(catalog, clock) == []
    assert (await rows(catalog, HELD))[0]["settings"] == 2
    assert [change["kind"] for change in await changes(catalog, clock)] == ["setting removed"]
    assert (await rows(catalog, HELD))[0]["settings"] == 1


async def test_a_write_of_this_server_is_no_surprise(catalog: Catalog, clock: Clock, tenant: Any) -> None:
    held = tenant.state.tenant
    job = next(j for j in held.all("protection-jobs") if j["operational"] == "ACTIVE")
    await catalog.note_write("delete_protection_job", "DELETE", job["resourceUri"], "done")
    held.world.resources["protection-jobs"].pop(job["id"])
    (result,) = await changes(catalog, clock)
    assert result["cause"] == "this server: delete_protection_job"


async def test_usage_of_stores_is_sampled_once_an_hour(catalog: Catalog, clock: Clock) -> None:
    for _ in range(3):
        await changes(catalog, clock)
    clock.time -= timedelta(minutes=59)
    await changes(catalog, clock)
    result = await rows(catalog, "SELECT store, count(*) AS n FROM store_usage GROUP BY 1")
    assert {row["n"] for row in result} == {4}


async def test_secrets_of_appliances_are_nowhere_in_it(catalog: Catalog, tenant: Any) -> None:
    assert catalog.store is not None
    dump = "\n".join(catalog.store.writer.iterdump())
    assert "psg-dc1-01" in dump
    assert "CIPHERTEXT" not in dump


async def test_the_background_takes_half_of_the_rate_and_none_of_the_burst() -> None:
    now, waits = 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    pace = Pace(120, sleep, lambda: now)
    for _ in range(61):
        await pace.turn()
    assert now == pytest.approx(60.0)  # 60 a minute of 120, evenly
    assert max(waits) == pytest.approx(1.0)
    now += 600  # a pause saves nothing up
    before = now
    for _ in range(11):
        await pace.turn()
    assert now - before == pytest.approx(10.0)
    pace.hurry = 1  # a question waits: these requests are its own
    before = now
    await pace.turn()
    assert now == before
