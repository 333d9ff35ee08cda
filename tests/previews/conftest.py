"""One simulated tenant for all tests that change nothing in it."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW


@pytest.fixture(scope="session")
def app() -> Any:
    """The tenant as seeded; a test that changes it makes its own."""
    return create_app(now=lambda: NOW, seed=7)
