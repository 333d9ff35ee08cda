"""One resource read with `select` and `output`, where its description names them."""

from __future__ import annotations

import json

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import ticking
from tests.support.results import text_of

READS = {
    "get_data_orchestrator": ("dataOrchestratorId", "data-orchestrators"),
    "get_protection_store": ("protectionStoreId", "protection-stores"),
    "get_task": ("taskId", "async-operations"),
}


@pytest.mark.parametrize("name", READS)
async def test_a_single_read_shows_the_properties_selected_and_no_others(name: str) -> None:
    argument, collection = READS[name]
    app = create_app(now=ticking)
    asked = {argument: app.state.tenant.all(collection)[0]["id"], "select": "name,state"}
    async with Client(mcp_server.create(settings.load(demo=True), app=app, now=ticking)) as client:
        text = text_of(await client.call_tool(name, asked))
        value = json.loads(text_of(await client.call_tool(name, {**asked, "output": "json"})))
        whole = text_of(await client.call_tool(name, {**asked, "select": " , "}))
        sent = len(app.state.tenant.requests)
        wrong = await client.call_tool(name, {**asked, "select": "name,updatedA"})
    assert text.startswith("name: ")
    assert "updatedAt" not in text
    assert set(value) - {"simulated"} == {"name", "state"}
    assert "updatedAt" in whole  # what names nothing selects nothing
    assert wrong.is_error
    for words in ("have no attribute 'updatedA'. Did you mean updatedAt", "Nothing was sent.", "They have: "):
        assert words in text_of(wrong)
    assert len(app.state.tenant.requests) == sent


@pytest.mark.parametrize("written", ["storageSystemInfo/displayName,region", "storageSystemInfo.displayName, region"])
async def test_nested_properties_are_selected_as_in_lists_and_those_without_a_value_are_told(written: str) -> None:
    app = create_app(now=ticking)
    store = next(one for one in app.state.tenant.all("protection-stores") if not one.get("region"))
    asked = {"protectionStoreId": store["id"], "select": written}
    async with Client(mcp_server.create(settings.load(demo=True), app=app, now=ticking)) as client:
        text = text_of(await client.call_tool("get_protection_store", asked))
        value = json.loads(text_of(await client.call_tool("get_protection_store", {**asked, "output": "json"})))
    assert store["storageSystemInfo"]["displayName"] in text
    assert "Without a value: region." in text
    assert value["storageSystemInfo"] == {"displayName": store["storageSystemInfo"]["displayName"]}
