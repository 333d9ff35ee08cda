"""An error about an id names the list tool that shows such ids."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import builtin, id_sources, registry
from tests.support import samples

TOOLS = {tool.name: tool for tool in (*registry.tools(), *builtin.TOOLS)}
IDS = [(tool.name, name) for tool in TOOLS.values() for name in id_sources.id_arguments(tool)]


@pytest.mark.parametrize(("tool", "name"), IDS, ids=[f"{tool}-{name}" for tool, name in IDS])
def test_every_id_in_a_path_comes_from_a_list_tool(tool: str, name: str) -> None:
    origin = id_sources.source_of(name, TOOLS[tool], TOOLS)
    assert origin is not None
    assert TOOLS[origin].lists


@pytest.mark.parametrize(
    ("tool", "name", "origin"),
    [
        ("delete_vm_backup", "backupId", "list_vm_backups"),
        ("delete_datastore_backup", "backupId", "list_datastore_backups"),
        ("restore_vm", "snapshotId", "list_vm_snapshots"),
        ("restore_volume_protection_group", "vpgBackupId", "list_volume_protection_group_backups"),
        ("wait_for_task", "taskId", "list_tasks"),
        ("create_protection_policy", "protectionStoreId", "list_protection_stores"),
    ],
)
def test_ids_of_one_name_come_from_the_list_of_their_own_resource(tool: str, name: str, origin: str) -> None:
    assert id_sources.source_of(name, TOOLS[tool], TOOLS) == origin


def test_an_id_that_several_lists_may_show_is_not_guessed() -> None:
    assert id_sources.source_of("backupId", TOOLS["list_tasks"], TOOLS) is None


async def error_text(tool: str, arguments: dict[str, Any], **inputs: Any) -> str:
    server = app.create(settings.load(demo=True, **inputs), app=create_app(scale=100))
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    return "\n".join(getattr(part, "text", "") for part in result.content)


async def test_a_missing_id_is_told_with_its_list() -> None:
    assert "backupId comes from list_vm_backups." in await error_text("get_vm_backup", {"vmId": samples.UUID})


async def test_a_name_where_an_id_is_wanted_is_told_as_one() -> None:
    text = await error_text("get_vm", {"vmId": "sap-prod-01"})
    assert "vmId: that looks like a name, an id is wanted. vmId comes from list_vms." in text


async def test_the_preview_of_a_call_on_nothing_tells_where_ids_come_from() -> None:
    inputs = {"vmId": "sap-prod-01", "backupId": samples.UUID, "confirm": "preview"}
    text = await error_text("delete_vm_backup", inputs)
    assert "CANNOT BE DONE" in text
    assert "vmId comes from list_vms; backupId comes from list_vm_backups." in text


async def test_no_list_is_named_that_this_server_does_not_offer() -> None:
    text = await error_text("get_vm_backup", {"vmId": "x", "backupId": samples.UUID}, toolsets="vms")
    assert "backupId comes from list_vm_backups." in text
    assert "list_vms" not in text
