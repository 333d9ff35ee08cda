"""The data of pictures: what the catalog holds, by a reference in the result, for views alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.catalog import views
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.views import pictures
from tests.conftest import ticking
from tests.support.estates import AT, opened, small_estate
from tests.support.results import text_of

from .host import VIEWS

ASSET = "sap-prod-01"


@asynccontextmanager
async def drawing(*, views: bool = True, **more: Any) -> AsyncIterator[Client]:
    """A client, which shows views, of a server whose catalog is filled."""
    loaded = settings.load(demo=True, catalog="memory", wait=60, rate=100_000, concurrency=16, **more)
    server = mcp_server.create(loaded, app=create_app(now=ticking, scale=100_000), now=ticking)
    async with Client(server, extensions=VIEWS if views else None) as client:
        yield client


async def data(client: Client, view: str, **more: Any) -> dict[str, Any]:
    result = await client.call_tool("read_view", {"view": view, **more})
    assert not result.is_error, text_of(result)
    return dict(result.structured_content or {})


async def test_pictures_draw_what_the_answers_say() -> None:
    async with drawing() as client:
        health = await data(client, "health")
        answer = await client.call_tool("check_health", {})
        assert answer.structured_content == {"view": "health"}
        assert text_of(answer).splitlines()[0] == health["verdict"]
        assert sum(state["assets"] for state in health["states"]) == 442
        assert len(health["nights"]) == 14
        assert any(night["bad"] for night in health["nights"])
        assert all(night["assets"] <= 442 for night in health["nights"])

        cover = await data(client, "cover", asset=ASSET)
        described = await client.call_tool("describe_asset", {"asset": ASSET})
        assert described.structured_content == {"view": "cover", "asset": ASSET}
        sql = "SELECT count(*) AS n FROM recovery_points WHERE asset = 'sap-prod-01'"
        counted = await client.call_tool("query_catalog", {"sql": sql, "output": "json"})
        assert cover["pointsInAll"] >= (counted.structured_content or {})["rows"][0]["n"] > 0
        assert len(cover["points"]) <= cover["pointsInAll"]
        assert {one["grade"] for one in cover["promises"]} <= {"kept", "pending", "exceeded", "never due"}

        stores = await data(client, "stores")
        listed = await client.call_tool("list_protection_stores", {})
        assert listed.structured_content == {"view": "stores"}
        assert stores["storesInAll"] == len(stores["stores"]) == 7
        shares = [s["used"] / s["capacity"] for s in stores["stores"] if s["capacity"]]
        assert shares == sorted(shares, reverse=True)
        assert all(s["locked"] <= s["copies"] for s in stores["stores"])
        assert all(value["coverage"].startswith("As of") for value in (health, cover, stores))

        for bad in ({"view": "moon"}, {"view": "cover"}, {"view": "cover", "asset": "nobody"}, {}):
            result = await client.call_tool("read_view", bad)
            assert result.is_error
            assert text_of(result)


@pytest.mark.parametrize("count", [1, 120, 121, 239, 240, 1000])
def test_the_use_of_a_store_over_time_reaches_from_the_first_to_the_newest_sample(count: int) -> None:
    connection = opened(small_estate()[1])
    connection.executescript(views.script(AT))
    (identity,) = connection.execute("SELECT id FROM main.stores WHERE gone IS NULL LIMIT 1").fetchone()
    connection.execute("DELETE FROM main.store_usage")
    for n in range(count):
        connection.execute("INSERT INTO main.store_usage (store_id, at, used) VALUES (?, ?, ?)", (identity, n, n))
    (samples,) = [one["samples"] for one in pictures.stores(connection)["stores"] if one["samples"]]
    assert samples[-1] == (count - 1, count - 1)
    assert samples[0][0] < count / 60
    assert len(samples) <= pictures.MOST_SAMPLES == 120  # what a view takes is 130
    connection.close()


async def test_clients_without_views_have_no_pictures_and_their_answers_are_as_before() -> None:
    async with drawing(views=False) as client:
        assert (await client.call_tool("list_protection_stores", {})).structured_content is None
        assert "read_view" not in [tool.name for tool in (await client.list_tools()).tools]
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("read_view", {"view": "stores"})


async def test_pictures_are_offered_where_their_tools_are() -> None:
    async with drawing(toolsets="vms") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "read_view" not in names
        assert "open_card" in names
    async with drawing(read_only=True) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert (listed["check_health"].meta or {})["ui"]["resourceUri"].startswith("ui://greenlake-backup-mcp/health.")
        assert (listed["read_view"].meta or {})["ui"] == {"visibility": ["app"]}
        assert "open_card" not in listed


async def test_where_the_catalog_is_off_a_picture_says_so() -> None:
    loaded = settings.load(demo=True, catalog="off")
    server = mcp_server.create(loaded, app=create_app(now=ticking, scale=100_000), now=ticking)
    async with Client(server, extensions=VIEWS) as client:
        result = await client.call_tool("read_view", {"view": "stores"})
        assert result.is_error
        assert "catalog" in text_of(result)
