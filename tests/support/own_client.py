"""A client of a server that has a state of its own: in the user's, the codes of many like tenants would meet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server


@asynccontextmanager
async def own_client(app: Any, now: Callable[[], datetime], **values: Any) -> AsyncIterator[Client]:
    """A client of a server over this simulated tenant, with these settings."""
    with TemporaryDirectory() as state:
        chosen = settings.load(demo=True, state_dir=Path(state), **values)
        async with Client(mcp_server.create(chosen, app=app, now=now)) as client:
            yield client
