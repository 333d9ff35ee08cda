"""How lists are read for the catalog: the request with its `select`, at the catalog's own pace, whole or not at all.

Knows the service's lists through lists/read; nothing of SQL.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import anyio

from greenlake_backup_mcp.errors import BackupError, ServiceError
from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.lists.read import pages, paging
from greenlake_backup_mcp.lists.read.pages import Item
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.progress import Report

from . import schema

PAGE = 500  # items of a page: converting more at once would hold up other calls
MOST = 10_000_000  # items of one list


@dataclass
class Pace:
    """The turns of the background: at most half of what the rate allows, evenly spaced, so none of the burst."""

    rate: float | None  # requests a minute of the whole server; None: as they come
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    now: Callable[[], float] = time.monotonic
    hurry: int = 0  # questions that wait for what is read now: these requests are theirs, not the background's
    _due: float = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        if not self.rate or self.hurry:
            return
        now = self.now()
        turn = max(self._due, now)
        self._due = turn + 120.0 / self.rate
        if turn > now:
            await self.sleep(turn - now)


@dataclass
class Reader:
    """Reads lists and single items of the service. What a list refuses of `select` is remembered."""

    api: client.ApiClient
    operations: Mapping[str, Operation]
    pace: Pace
    whole_items: set[str] = field(default_factory=set)  # operations that refused `select`

    def offers(self, operation_id: str) -> bool:
        """Whether the description in use has this operation."""
        return operation_id in self.operations

    async def read(
        self, operation_id: str, ids: Sequence[str], table: str, take: paging.Take, progress: Report | None = None
    ) -> int:
        """Hand a list to `take`, page by page, whole; how many items came. BackupError where any of it did not."""
        operation = self.operations[operation_id]
        able = capabilities.capabilities_of(operation)
        select = able.select and operation_id not in self.whole_items
        source = self._source(operation, able, ids, table, select=select)
        stopped = False

        def taken(items: Sequence[Item]) -> bool:
            nonlocal stopped
            stopped = not take(items)
            return not stopped

        async def between(done: float, total: float | None, words: str) -> None:
            if progress is not None:
                await progress(done, total, words)
            if total is None or done < total:  # another page follows
                await self.pace.turn()

        try:
            await self.pace.turn()
            scan = await paging.scan(self.api, source, taken, cap=MOST, concurrency=1, progress=between)
        except BackupError as problem:
            if select and problem.status in (400, 422):
                self.whole_items.add(operation_id)
                return await self.read(operation_id, ids, table, take, progress)
            raise
        if scan.failure is not None:
            raise scan.failure
        if not stopped and (not scan.whole or (scan.total is not None and scan.read < scan.total)):
            why = "; ".join(scan.notes) or f"{scan.read:,} came"
            raise ServiceError(f"{operation_id}: the list did not come whole: {why}.")
        return scan.read

    def _source(
        self, operation: Operation, able: capabilities.Capabilities, ids: Sequence[str], table: str, *, select: bool
    ) -> pages.Source:
        query: list[tuple[str, str]] = []
        if select:
            schema_ = document.item_schema(operation)
            top = {name for name in capabilities.kinds(schema_) if "/" not in name}
            wanted = [*able.keep, *schema.properties(table)]
            names = [n for n in dict.fromkeys(wanted) if not top or n in top]
            query.append(("select", ",".join(names)))
        request = client.Request(
            operation.id, "GET", fill_path(operation.path, ids), tuple(query), reads=True, tool="backup catalog"
        )
        most = min(able.limit, PAGE) if able.offset is None else able.limit
        return pages.Source(request, able.paged, most, able.offset)

    async def item(self, operation_id: str, ids: Sequence[str]) -> Item | None:
        """One item by its id; None where the service has none (404). BackupError for anything else."""
        await self.pace.turn()
        path = f"{fill_path(self.operations[operation_id].path, ids[:-1])}/{quote(ids[-1], safe='')}"
        request = client.Request(operation_id, "GET", path, reads=True, tool="backup catalog")
        try:
            reply = await client.send(self.api, request)
        except BackupError as problem:
            if problem.status == 404:
                return None
            raise
        return reply.body if isinstance(reply.body, dict) else {}


def fill_path(path: str, ids: Sequence[str]) -> str:
    """The path with its parameters replaced, in their order."""
    waiting = iter(ids)
    return "/".join(quote(next(waiting), safe="") if part.startswith("{") else part for part in path.split("/"))
