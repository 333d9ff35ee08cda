"""Lists of one page refuse a cursor that nobody gave out; a name that is none is near to one."""

from __future__ import annotations

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.text.suggest import near_names

ERA = pytest.mark.parametrize("era", ["auto", "legacy"])


@ERA
@pytest.mark.parametrize("listing", ["list_tools", "list_prompts", "list_resources", "list_resource_templates"])
async def test_a_cursor_that_nobody_gave_out_is_refused(era: str, listing: str) -> None:
    async with Client(app.create(settings.load(demo=True)), mode=era) as client:
        await getattr(client, listing)()
        with pytest.raises(MCPError, match="no cursor was given out"):
            await getattr(client, listing)(cursor="abc")


@ERA
@pytest.mark.parametrize(
    "name",
    [
        *("greenlake-backup__list_vms", "mcp__greenlake-backup__list_vms", "LIST_VMS", "listVms", "list-vms"),
        *("greenlake-backup.list_vms", "greenlake-backup:list_vms", "greenlake-backup/list_vms", "list_vm"),
    ],
)
async def test_a_name_in_another_spelling_or_with_a_prefix_is_near_to_the_right_one(era: str, name: str) -> None:
    async with Client(app.create(settings.load(demo=True)), mode=era) as client:
        with pytest.raises(MCPError, match="Did you mean list_vms"):
            await client.call_tool(name, {})


def test_only_the_beginning_of_a_name_is_compared() -> None:
    assert near_names("list_vms" + "x" * 10**6, ["list_vms"], cutoff=0.9) == []
