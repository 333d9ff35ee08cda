"""Clients that give up after five seconds ask for no progress: what takes long is handed back to them before."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import proposals
from greenlake_backup_mcp.consent.proposals import NOBODY, UNWATCHED_SECONDS, Caller, follow_seconds
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.upstream.progress import Progress
from tests.conftest import ticking


async def _send(_done: float, _total: float | None, _words: str) -> None:
    """Progress that nobody follows."""


@pytest.mark.parametrize(
    ("inputs", "watched", "seconds"),
    [
        ({}, True, 8),
        ({}, False, UNWATCHED_SECONDS),
        ({"wait": 25}, False, 25),
        ({"wait": 2}, False, 2),
        ({"wait": 2}, True, 2),
    ],
)
def test_without_a_progress_token_a_write_is_followed_four_seconds_unless_a_person_said_otherwise(
    inputs: dict[str, Any], watched: bool, seconds: float
) -> None:
    caller = Caller(NOBODY, None, Progress(_send), watched=watched)
    assert follow_seconds(settings.load(demo=True, **inputs), caller) == seconds
    assert UNWATCHED_SECONDS < 5
    assert settings.load(demo=True).wait < 10


def slow(tenant: Any, *parts: str) -> Any:
    """The tenant, whose answers to paths that end so never come."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path", "").endswith(parts):
            await anyio.sleep_forever()
        await tenant(scope, receive, send)

    return answer


@pytest.mark.parametrize(
    ("tool", "arguments", "never", "words"),
    [
        ("query_catalog", {"sql": "SELECT count(*) FROM assets"}, "/virtual-machines", "eading goes on"),
        ("query_catalog", {"sql": "SELECT count(*) FROM assets"}, "/backups", "eading goes on"),
        ("find_recovery_points", {}, "/backups", "eading goes on"),
        ("find_recovery_points", {"asset": "no-such-vm"}, "/virtual-machines", "not among what was read so far"),
        ("find_recovery_points", {"store": "no-such-store"}, "/virtual-machines", "not among what was read so far"),
    ],
)
async def test_a_question_over_the_tenant_is_handed_back_while_reading_goes_on(
    monkeypatch: pytest.MonkeyPatch, tenant: Any, *, tool: str, arguments: Any, never: str, words: str
) -> None:
    monkeypatch.setattr(proposals, "UNWATCHED_SECONDS", 0.2)
    server = app.create(settings.load(demo=True), app=slow(tenant, never), now=ticking)
    async with Client(server) as client:
        with anyio.fail_after(20):
            result = await client.call_tool(tool, arguments)
    answer = "\n".join(getattr(part, "text", "") for part in result.content)
    assert words in answer
    assert "There is no" not in answer
