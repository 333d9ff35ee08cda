"""What the tests of the simulated tenant share: a client of it, and short ways to what it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx2

from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Switches

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
BACKUP = "/backup-recovery/v1beta1"
VIRTUAL = "/virtualization/v1beta1"
DATA = "/data-services/v1beta1"
TASKS = f"{DATA}/async-operations"
PATCH = {"Content-Type": "application/merge-patch+json"}


class Simulated:
    """A client with a valid token, and the tenant behind it. The clock stands still unless moved."""

    def __init__(self, client: httpx2.AsyncClient, tenant: Tenant, app: Any) -> None:
        self.client = client
        self.tenant = tenant
        self.app = app

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that succeeds."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def patch(self, path: str, **body: Any) -> httpx2.Response:
        """A PATCH with the right media type."""
        return await self.client.request("PATCH", path, json=body, headers=PATCH)

    async def vm(self, name: str) -> str:
        """The path of a VM's recovery points."""
        page = await self.get(f"{VIRTUAL}/virtual-machines", filter=f"name eq '{name}'")
        return f"{BACKUP}/virtual-machines/{page['items'][0]['id']}"

    async def task(self, answer: httpx2.Response) -> dict[str, Any]:
        """What has become of the task of a 202 a day later."""
        assert answer.status_code == 202, answer.text
        self.tenant.advance(86_400)
        return await self.get(answer.headers["location"])

    async def refused(self, method: str, path: str, status: int, **options: Any) -> str:
        """The message of a refusal."""
        answer = await self.client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return str(answer.json()["message"])


@cache
def unchanged(*, hostile: bool = False) -> Any:
    """The app of a tenant that tests only read: once per process."""
    return create_app(now=lambda: NOW, seed=7, switches=Switches(hostile=hostile))


@asynccontextmanager
async def simulated(app: Any = None, **options: Any) -> AsyncIterator[Simulated]:
    """A simulated tenant, by default one of its own, and a client with its ready token."""
    app = app or create_app(**{"now": lambda: NOW, "seed": 7, **options})
    token = {"Authorization": f"Bearer {Switches().ready_token}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tenant.test", headers=token) as client:
        yield Simulated(client, app.state.tenant, app)
