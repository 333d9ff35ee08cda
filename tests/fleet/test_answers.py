"""Answers of the tools as a client has them: within 1,200 tokens, with the zone told back, as JSON with its keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app
from tests.conftest import NOW
from tests.support.estates import few_machines
from tests.support.results import text_of

Connected = Callable[..., AbstractAsyncContextManager[Client]]
SETTINGS = settings.load(demo=True, wait=60, timezone="Europe/Berlin")
DEFAULTS: dict[str, dict[str, Any]] = {
    "check_health": {},
    "show_dependents": {"name": "psg-dc1-01"},
    "show_changes": {},
}
KEYS = {
    "check_health": {
        "verdict", "text", "today", "assets", "besides", "jobs", "systems", "contradictions", "since", "failedTasks",
        "tasksWithoutEnd", "changes", "approvalsWaiting", "issues", "listsNotRead", "groups", "coverage",
    },
    "show_dependents": {"things", "assets", "coverage"},
    "show_changes": {
        "since", "rememberedSince", "count", "groups", "made", "goneAsPlanned", "missingUnconfirmed", "newInNoJob",
        "storeUsage", "storesFull", "changes", "coverage",
    },
}  # fmt: skip


@pytest.fixture
def tenant() -> Any:
    return few_machines(("sap-prod-01", "db-prod-01", "old-wiki-01", "new-app-01", "hr-fs-02", "file-prod-14"))


async def test_default_answers_are_short_and_say_what_they_rest_on(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        for tool, arguments in DEFAULTS.items():
            result = await client.call_tool(tool, arguments)
            answer = text_of(result)
            assert not result.is_error, answer
            assert len(answer.encode()) / 3 <= 1200, (tool, len(answer.encode()))
            assert "recovery points read of" in answer
            assert "Europe/Berlin" in answer
            assert "+01:00" in answer
        unlocked = text_of(await client.call_tool("show_dependents", {"name": "unlocked copies"}))
        assert "If lost (all copies that are not locked)" in unlocked
        utc = text_of(await client.call_tool("check_health", {"timeZone": "UTC"}))
        assert "+01:00" not in utc


async def test_things_and_assets_point_to_what_tells_more_of_them(connected: Connected, tenant: Any) -> None:
    held = tenant.state.tenant
    store = next(s for s in held.all("protection-stores") if s["name"] == "Local_psg-dc1-01")["id"]
    vm = held.all("virtual-machines")[0]["id"]
    async with connected(SETTINGS) as client:
        await client.call_tool("check_health", {})
        answer = text_of(await client.call_tool("get_protection_store", {"protectionStoreId": store}))
        assert "On it hang: " in answer
        assert f'show_dependents name="{store}"' in answer
        assert f'describe_asset asset="{vm}"' in text_of(await client.call_tool("get_vm", {"vmId": vm}))
    async with connected(settings.load(demo=True, toolsets="stores")) as client:
        alone = text_of(await client.call_tool("get_protection_store", {"protectionStoreId": store}))
        assert "show_dependents" not in alone


async def test_json_has_its_keys_and_its_counts_add_up(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        for tool, arguments in DEFAULTS.items():
            result = await client.call_tool(tool, {**arguments, "output": "json"})
            value = result.structured_content
            assert value is not None
            assert value.keys() - {"leftOut", "simulated"} == KEYS[tool]
            if tool == "check_health":
                counted = {k: n for k, n in value["assets"].items() if k not in ("total", "expiredExceptions")}
                assert sum(counted.values()) == value["assets"]["total"]
            if tool == "show_dependents":
                lost = value["things"][0]["ifLost"]
                fates = ("lost", "falls_back", "bare", "unknown", "fine")
                assert sum(lost[fate] for fate in fates) == lost["assets"]


@pytest.mark.parametrize("era", ["auto"])
async def test_controls_and_assets_are_told_in_words_and_as_json_alike(connected: Connected, era: str) -> None:
    async with connected(SETTINGS) as client:

        async def json_of(tool: str, **arguments: Any) -> dict[str, Any]:
            value = (await client.call_tool(tool, {**arguments, "output": "json"})).structured_content
            assert value is not None
            return value

        async def text(tool: str, **arguments: Any) -> str:
            return text_of(await client.call_tool(tool, arguments))

        checks = (await json_of("check_protection"))["checks"]
        overview = await text("check_protection")
        assert all(f"\n{one['control']}|" in overview for one in checks)
        frame = await text("check_protection", control="frame")
        assert all(one["control"] in frame for one in (await json_of("check_protection", control="frame"))["checks"])
        (described,) = (await json_of("describe_asset", asset="sap-prod-01"))["assets"]
        lines = await text("describe_asset", asset="sap-prod-01")
        assert f"newest usable {described['newestUsable']}" in lines
        assert all(name in lines for name in described["controls"])
        points = await json_of("find_recovery_points", asset="sap-prod-01", place="off_site", limit=3)
        assert {point["place"] for point in points["recoveryPoints"]} == {"off_site"}
        assert f"{points['count']:,} recovery points of 1 asset" in await text(
            "find_recovery_points", asset="sap-prod-01", place="off_site"
        )
        of_store = await json_of("find_recovery_points", store=points["recoveryPoints"][0]["store"], assetKind="vm")
        assert of_store["usable"]["usable"] >= points["count"]
        assert "No asset is meant by kind" in await text("check_protection", control="cover", kind="volume_group")


@pytest.mark.parametrize("era", ["auto"])
async def test_what_is_no_question_is_refused_with_what_is_meant(connected: Connected, era: str) -> None:
    async with connected(SETTINGS) as client:
        for tool, arguments, text in (
            ("show_dependents", {"name": "psg-dc1-1"}, 'Did you mean "psg-dc1-01"'),
            ("show_dependents", {"name": "psg-dc1-01", "kind": "gatway"}, "kind"),
            ("show_dependents", {}, "name"),
            ("show_changes", {"since": "yesterdayish"}, "is no moment"),
            ("show_changes", {"asset": "sap-prod-1"}, 'Did you mean "sap-prod-01"'),
            ("check_health", {"timeZone": "Mars/Base"}, "is no time zone"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            assert text in text_of(result), tool


async def test_the_first_question_of_a_morning_rests_on_the_copies_of_the_night(tenant: Any) -> None:
    """T27: jobs of today against copies of yesterday would call all of them late, or nothing known."""
    time = [NOW]
    tenant.state.tenant.clock = lambda: time[0]
    server = app.create(SETTINGS, app=tenant, now=lambda: time[0])
    async with Client(server, mode="auto") as client:
        for hours in (0, 25):
            time[0] += timedelta(hours=hours)
            result = await client.call_tool("check_protection", {"control": "fresh", "output": "json"})
            value = result.structured_content
            assert value is not None
            assert value["counts"]["unread"] == 0
            assert value["counts"]["met"] >= 2
