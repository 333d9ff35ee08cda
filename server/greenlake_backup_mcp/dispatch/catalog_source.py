"""The backup catalog as calls have it: made by the first question, so that whoever asks none pays nothing for it.

Knows when to import it; must know nothing of what it holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.views.column_types import Column
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.tools import estate
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from greenlake_backup_mcp.upstream.progress import Report

from . import arguments, results

if TYPE_CHECKING:
    from greenlake_backup_mcp.catalog.catalog import Catalog
    from greenlake_backup_mcp.catalog.query_catalog import Turns
    from greenlake_backup_mcp.lists.list_tool import Answer

BYTES_PER_TOKEN = 1.8  # of rows of ids, times and names


@dataclass(frozen=True)
class MoreColumns:
    """Columns beside those of a list, and what must be said of them."""

    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class CatalogSource:
    """The one catalog of a server. `group`: where it is filled in the background, for as long as the server lives."""

    api: ApiClient
    tools: Mapping[str, Tool]
    group: TaskGroup | None = None
    open: Catalog | None = None
    turns: Turns | None = None

    def get(self) -> Catalog:
        """The catalog, made at the first call; nothing is read yet."""
        if self.open is None:
            from greenlake_backup_mcp.catalog.catalog import Catalog  # noqa: PLC0415

            operations = {tool.operation.id: tool.operation for tool in self.tools.values() if tool.operation}
            self.open = Catalog(self.api.settings, self.api, operations, self.group)
        return self.open

    async def call(
        self, name: str, values: Mapping[str, Any], principal: str, progress: Report, seconds: float
    ) -> Answer:
        """The answer of one of the tools over the catalog: lines, or a JSON value.

        Reading is waited for so many seconds; then the answer is of what was read and says so, and reading goes on.
        """
        from greenlake_backup_mcp.catalog import catalog, query_catalog  # noqa: PLC0415

        catalog.PATIENCE.set(seconds)  # of this call: each has a context of its own

        from greenlake_backup_mcp.fleet import question  # noqa: PLC0415

        if name != estate.QUERY_CATALOG.name:
            return await question.answer_for(name)(await question.question(self.get(), values, progress))
        room = int(self.api.settings.budget * BYTES_PER_TOKEN)
        self.turns = self.turns or query_catalog.Turns()
        return await query_catalog.query(self.get(), self.turns, principal, dict(values), progress, room)

    async def evidence(self, address: str, progress: Report) -> tuple[str, str]:
        """The media type and text of the evidence at an address; InputError for one that is none."""
        from urllib.parse import parse_qsl, urlsplit  # noqa: PLC0415

        from greenlake_backup_mcp.fleet import evidence, question  # noqa: PLC0415

        parts = urlsplit(address)
        tool, _, form = parts.path.strip("/").partition(".")
        if tool != estate.CHECK_PROTECTION.name or form not in ("csv", "json"):
            raise InputError(
                "There is no such evidence.",
                hint="greenlake-backup://evidence/check_protection.csv?control=cover, or .json.",
            )
        values = arguments.prepare(estate.CHECK_PROTECTION, dict(parse_qsl(parts.query)))
        rows = await evidence.evidence(await question.question(self.get(), {**values, "output": "json"}, progress))
        if form == "csv":
            return "text/csv", evidence.to_csv(rows)
        return "application/json", json.dumps(results.clean_result(rows), ensure_ascii=False, indent=1, default=str)

    async def list_columns(self, tool: Tool) -> MoreColumns:
        """What the catalog knows of the items of a list tool; nothing where no question has begun it yet."""
        if self.open is None:
            return MoreColumns()
        from greenlake_backup_mcp.catalog import list_columns  # noqa: PLC0415

        try:
            return MoreColumns(*await list_columns.columns_for(self.open, tool))
        except Exception as fault:  # the list itself is whole without
            call_log.LOGGER.warning("The catalog could not be asked: %s", fault)
            return MoreColumns()

    async def beyond(self, tool: Tool, ident: str) -> tuple[str, ...]:
        """What hangs on a thing that was read by its id, as far as the catalog knows it, and which tool tells more."""
        more = estate.BEYOND[tool.name]
        lines = [] if more is estate.DESCRIBE_ASSET else await self._hanging(ident)
        argument = next(iter(more.input_schema["required"]))
        return (*lines, f'More over the whole estate: {more.name} {argument}="{ident}".')

    async def _hanging(self, ident: str) -> list[str]:
        if self.open is None:
            return []
        from greenlake_backup_mcp.fleet import reading, show_dependents  # noqa: PLC0415

        try:
            return await self.open.read(lambda c, covered: show_dependents.hanging(c, reading.read(c, covered), ident))
        except Exception as fault:  # the thing itself is whole without
            call_log.LOGGER.warning("The catalog could not be asked: %s", type(fault).__name__)
            return []

    async def note_write(self, request: Request, outcome: str) -> None:
        """Let the catalog, if there is one, know of a write that was sent: what it did is no surprise then."""
        with anyio.CancelScope(shield=True):
            try:
                await self.get().note_write(request.name, request.method, request.path, outcome)
            except Exception as fault:  # whatever befalls the catalog changes nothing of what became of the write
                call_log.LOGGER.warning("The catalog could not note a write: %s", fault)

    async def close(self) -> None:
        """Close its file."""
        if self.open is not None:
            await anyio.to_thread.run_sync(self.open.close)
