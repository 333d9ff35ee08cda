"""A resource read again after a write: what it is, that it is gone, or why that is not known.

Reads only, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.client import ApiClient, Request


@dataclass(frozen=True)
class ReadBack:
    """A read of something: the answer's body; or that it is not there; or why that is not known.

    `beside`: what belongs to it and was read too, by the name under which expectations look for it.
    """

    body: Any = None
    gone: bool = False
    problem: str = ""
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def item(self) -> Mapping[str, Any]:
        """The resource; {} where it is not known."""
        return self.body if isinstance(self.body, Mapping) else {}

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """The elements of a list's page."""
        items = self.item.get("items")
        return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []

    @property
    def state(self) -> str:
        """The resource's state, "" where it has none."""
        return sanitize.cell(str(self.item.get("state") or ""), 60)


async def read_back(api: ApiClient, request: Request, seconds: float | None = None) -> ReadBack:
    """Read something, within `seconds` (default: twice what one request may take).

    Never raises: `gone` is a 404, `problem` a sentence on why nothing is known (refused, unreachable, too late).
    """
    with anyio.move_on_after(2 * api.settings.timeout if seconds is None else seconds):
        try:
            reply = await client.send(api, request)
        except BackupError as error:
            return ReadBack(gone=error.status == 404, problem=error.message)
        return ReadBack(reply.body)
    return ReadBack(problem="the service did not answer in time")


async def read_page(api: ApiClient, path: str, *query: tuple[str, str]) -> ReadBack:
    """One page of a list."""
    return await read_back(api, Request(f"list {path.rpartition('/')[2]}", "GET", path, query, reads=True))
