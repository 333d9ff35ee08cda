"""Bounds before looks: of what a caller or the service sends, so much reaches masking and sanitizing and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.text import masking, sanitize
from greenlake_backup_mcp.tools import json_bounds
from tests.support.paging_service import Pages
from tests.support.results import text_of

LARGE = 980_000
THREE = ["".join(chr(97 + n // 26**p % 26) for p in range(3)) for n in range(165_000)]


def characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(characters, (*value, *value.values())))
    return sum(map(characters, value)) if isinstance(value, (list, tuple, set)) else 1


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The most characters at once that masking and sanitizing were given."""
    most = {"masking": 0, "sanitizing": 0}

    def counted(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(value: Any, *more: Any) -> Any:
            most[kind] = max(most[kind], characters(value))
            return function(value, *more)

        return counting

    monkeypatch.setattr(masking, "secrets_in", counted("masking", masking.secrets_in))
    monkeypatch.setattr(sanitize, "clean", counted("sanitizing", sanitize.clean))
    return most


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_vm", {"password": "a" * LARGE, "a" * 80: 1}),
        ("get_vm", {"password": THREE}),
        ("get_vm", {"a" * LARGE: 1}),
        ("get_vm", {"vmId": "\x90" * LARGE}),
        ("get_vm", {"vmId": 10**100_000}),
        ("list_vms", {"where": "name eq 'a' or " * 60_000}),
        ("list_vms", {"sort": "name," * 100_000}),
        ("run_plan", {"calls": [{"tool": "x", "arguments": {}}] * 30_000, "confirm": "preview"}),
        ("update_vm_protection_group", {"name": {"a": [[["b" * 9]]] * 100_000}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_too_large_is_refused_before_anything_looks_at_it(
    tool: str, arguments: dict[str, Any], seen: dict[str, int], era: str
) -> None:
    async with Client(mcp_server.create(settings.load(demo=True)), mode=era) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    text = text_of(result)
    assert "The arguments are too large" in text
    assert "Nothing was sent." in text
    assert len(text) < 500
    assert seen["masking"] == 0
    assert seen["sanitizing"] < 500


async def test_more_secrets_than_a_call_has_are_refused(era: str) -> None:
    async with Client(mcp_server.create(settings.load(demo=True)), mode=era) as client:
        result = await client.call_tool("get_vm", {"vmId": "x", "password": THREE[:200]})
    assert "The arguments hold 200 secrets; one call has at most 100." in text_of(result)


@pytest.mark.parametrize("letter", ["\x90", "\\", "e\u0301", "\u200b", "x", "`"])
async def test_of_a_name_of_the_service_so_much_is_looked_at_as_a_cell_can_show(
    letter: str, seen: dict[str, int], era: str
) -> None:
    items = [{"id": f"id-{n}", "name": letter * 60_000, "displayName": letter * 60_000} for n in range(7)]
    server = mcp_server.create(settings.load(api_base_url="https://tenant.example", token="t"), app=Pages(items))
    async with Client(server, mode=era) as client:
        result = await client.call_tool("list_vms", {})
    assert "7 VMs" in text_of(result)
    assert seen["sanitizing"] <= sanitize.ROOM + 1000


def test_what_a_tool_may_take_is_enough_for_a_group_of_two_thousand_members() -> None:
    members = {"assets": [{"id": "00000000-0000-4000-8000-000000000000", "type": "VIRTUAL_MACHINE"}] * 2000}
    assert json_bounds.excess(members, json_bounds.LARGE) is None
