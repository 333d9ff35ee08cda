"""What tests share: a simulated tenant, settings that reach it, and real clients of both protocol eras."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from greenlake_backup_mcp.simulator.app import create_app
from mcp import Client

from greenlake_backup_mcp import catalog, mcp_server, settings
from greenlake_backup_mcp.catalog import Tool
from greenlake_backup_mcp.settings import Settings

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no GREENLAKE_* variable of the person who runs them."""
    for name in list(os.environ):
        if name.startswith("GREENLAKE_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def all_tools() -> tuple[Tool, ...]:
    return catalog.tools()


@pytest.fixture
def demo_settings() -> Settings:
    return settings.load(demo=True, wait=5)


@pytest.fixture
def tenant() -> Any:
    """A simulated tenant of this test alone; `.state.tenant` shows what it received."""
    return create_app(now=lambda: NOW)


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol eras: 2026-07-28 and the handshake before it."""
    return str(request.param)


@pytest.fixture
def connected(tenant: Any, demo_settings: Settings, era: str) -> Callable[..., AbstractAsyncContextManager[Client]]:
    """`async with connected() as client`: a real client of the real server over the simulated tenant."""

    def open_client(given: Settings | None = None, **options: Any) -> AbstractAsyncContextManager[Client]:
        server = mcp_server.create(given or demo_settings, app=tenant, now=lambda: NOW)
        return Client(server, mode=era, **options)

    return open_client
