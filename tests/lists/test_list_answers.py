"""The size of a list's answer: it tells of 20 items in as many bytes as of 2,000, and its rows carry whole ids."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import ticking

ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
VM = "bulk-archive-01"


async def answer(bulk: int, era: str, **arguments: Any) -> str:
    """What list_vm_backups tells of a VM that owns so many backups."""
    app = create_app(now=ticking, scale=100_000, bulk=bulk)
    vm = next(item["id"] for item in app.state.tenant.all("virtual-machines") if item["name"] == VM)
    server = mcp_server.create(settings.load(demo=True), app=app, now=ticking)
    async with Client(server, mode=era) as client:
        result = await client.call_tool("list_vm_backups", {"vmId": vm, **arguments})
    text = "\n".join(getattr(part, "text", "") for part in result.content)
    assert not result.is_error, text
    return text


@pytest.mark.parametrize("bulk", [20, 2000])
async def test_twenty_rows_and_the_summary_of_all_fit_3500_bytes(bulk: int, era: str) -> None:
    text = await answer(bulk, era)
    assert len(text.encode()) <= 3500
    rows = [line for line in text.splitlines() if ID.match(line)]
    assert len(rows) == 20
    assert f"{bulk:,} VM backups" in text


@pytest.mark.parametrize("bulk", [20, 2000])
async def test_the_summary_alone_fits_900_bytes(bulk: int, era: str) -> None:
    text = await answer(bulk, era, limit=0)
    assert len(text.encode()) <= 900
    assert not [line for line in text.splitlines() if ID.match(line)]


async def test_a_collection_beyond_the_cap_is_told_with_the_cap(era: str) -> None:
    text = await answer(23_412, era, limit=0)
    assert "10,000" in text
    assert "23,412" in text
    assert len(text.encode()) <= 900
