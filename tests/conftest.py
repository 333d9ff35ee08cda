"""What tests share: a simulated tenant, settings that reach it, and real clients of both protocol eras."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.server import app
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.registry import Tool

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
STARTED = [time.monotonic()]


def ticking() -> datetime:
    """The time of a test: it starts at NOW and goes on as real time does."""
    return NOW + timedelta(seconds=time.monotonic() - STARTED[0])


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: a quarter of the time tests wait for processes that they started."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def each_test_begins_at_now() -> None:
    """Tenants that begin alike share what follows from it, so that it is worked out once for many tests."""
    STARTED[0] = time.monotonic()


@pytest.fixture(scope="session")
def state_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Directories for state, none of which is there yet."""
    return (tmp_path_factory.getbasetemp() / "states" / str(n) for n in count())


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, state_directories: Iterator[Path]) -> None:
    """Tests see no GREENLAKE_* variable of the person who runs them, and keep no state among that person's files."""
    for name in list(os.environ):
        if name.startswith("GREENLAKE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GREENLAKE_MCP_STATE_DIR", str(next(state_directories)))
    monkeypatch.setenv("XDG_STATE_HOME", str(next(state_directories)))  # settings loaded at import know no STATE_DIR


@pytest.fixture(autouse=True)
def logger_as_it_was() -> Iterator[None]:
    """The logger as the next test expects it: commands configure it for the whole process."""
    before = (call_log.LOGGER.handlers[:], call_log.LOGGER.level, call_log.LOGGER.propagate)
    yield
    call_log.LOGGER.handlers[:], call_log.LOGGER.level, call_log.LOGGER.propagate = before[0], before[1], before[2]


@pytest.fixture(scope="session")
def all_tools() -> tuple[Tool, ...]:
    return registry.tools()


@pytest.fixture
def demo_settings() -> Settings:
    return settings.load(demo=True, wait=60)  # its tasks are done at once: so long only a busy machine takes


@pytest.fixture
def tenant() -> Any:
    """A simulated tenant of this test alone, its tasks done at once; `.state.tenant` shows what it received."""
    return create_app(now=ticking, scale=100_000)


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol eras: 2026-07-28 and the handshake before it."""
    return str(request.param)


@pytest.fixture
def connected(tenant: Any, demo_settings: Settings, era: str) -> Callable[..., AbstractAsyncContextManager[Client]]:
    """`async with connected() as client`: a real client of the real server over the simulated tenant."""

    def open_client(arguments: Settings | None = None, **options: Any) -> AbstractAsyncContextManager[Client]:
        server = app.create(arguments or demo_settings, app=tenant, now=ticking)
        return Client(server, mode=era, **options)

    return open_client


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test alone, on a socket in its directory."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server")
    path = tmp_path / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        while "eady to accept connections" not in (line := process.stdout.readline()):
            assert line, "redis-server ended"
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
