"""What the calls of this process share: opened by the first, worked on in the background, closed with the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup

from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.settings import Settings, defaults
from greenlake_backup_mcp.tools import roles
from greenlake_backup_mcp.tools.registry import Tool

if TYPE_CHECKING:
    from greenlake_backup_mcp.consent.plan_runs import PlanRuns
    from greenlake_backup_mcp.consent.store import ConsentStore
    from greenlake_backup_mcp.dispatch.context import CallContext


@dataclass(frozen=True)
class ToolSet:
    """All tools known to this server, and those it offers, by name and in order."""

    all: dict[str, Tool]
    offered: dict[str, Tool]

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations behind all tools, by id."""
        return {tool.operation.id: tool.operation for tool in self.all.values() if tool.operation}


@dataclass
class LazyContext:
    """The context of this process, opened by the first call: tools/list does not wait for what only calls need."""

    open: Callable[[], AbstractAsyncContextManager[CallContext]]
    stack: AsyncExitStack
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    contexts: dict[roles.Role, CallContext] = field(default_factory=dict)

    async def for_role(self, role: roles.Role = "destroy") -> CallContext:
        """The context as callers of a role have it; closed with the server."""
        if role not in self.contexts:
            async with self.lock:
                if not self.contexts:
                    context = await self.stack.enter_async_context(self.open())
                    self.contexts.update({each: replace(context, role=each) for each in roles.ROLES})
        return self.contexts[role]


@dataclass(frozen=True)
class Background:
    """Where work goes on between calls, and what is closed after it has ended."""

    group: TaskGroup
    stack: AsyncExitStack
    plans: list[PlanRuns] = field(default_factory=list)  # none before the first call

    async def end_plans(self, seconds: float) -> None:
        """Begin no further call of a plan; those under way are followed to their end, for at most so long."""
        with anyio.move_on_after(seconds, shield=True):
            for plans in self.plans:
                plans.stop_all("the server ended")
                await plans.ended()


async def fill_catalog(context: LazyContext) -> None:
    """Fill the catalog from the start on (`--catalog-fill`)."""
    try:
        await (await context.for_role()).catalog.get().start()
    except BackupError as problem:  # it is switched off, for one: calls go on without
        call_log.LOGGER.warning("The backup catalog is not filled: %s", problem.message)


@asynccontextmanager
async def open_context(  # noqa: PLR0913, PLR0917
    settings: Settings,
    tools: ToolSet,
    app: Any,
    now: Callable[[], datetime] | None,
    problem: BackupError | None,
    background: Background,
    in_flight: InFlightCalls,
    card_keys: tuple[bytes, ...],
) -> AsyncIterator[CallContext]:
    """The context of calls over the tenant of the settings, or over `app`, a simulated one; closed on leaving.

    What is wrong (`problem`, or a record or store that cannot be opened) is in it, for each call to answer with.
    """
    from greenlake_backup_mcp.consent import plan_runs, proposals  # noqa: PLC0415
    from greenlake_backup_mcp.dispatch import context  # noqa: PLC0415
    from greenlake_backup_mcp.dispatch.catalog_source import CatalogSource  # noqa: PLC0415
    from greenlake_backup_mcp.tools import drift  # noqa: PLC0415
    from greenlake_backup_mcp.upstream import client  # noqa: PLC0415

    try:
        store = _open_store(settings)
        consent = proposals.consent(settings, store, card_keys)
    except BackupError as error:  # an audit log that cannot be written, for one: nothing is called without it
        problem, store = problem or error, None
        consent = proposals.consent(defaults())
    async with client.connect(settings, app=app, now=now) as connected:
        api = replace(connected, inspect=drift.Inspector(tools.operations, connected.readings.count_drift).inspect)
        try:
            catalog = CatalogSource(api, tools.all, background.group)
            background.stack.push_async_callback(catalog.close)
            plans = plan_runs.PlanRuns(background.group)
            background.plans.append(plans)
            in_flight.plans = plans
            yield context.CallContext(api, tools.all, tools.offered, consent, catalog, plans, problem=problem)
        finally:
            if store is not None:
                with anyio.CancelScope(shield=True):
                    await store.close()


def _open_store(settings: Settings) -> ConsentStore:
    """Where used codes and reservations are: replicas share a Redis, processes of one user a file."""
    if settings.redis_url is not None:
        from greenlake_backup_mcp.consent import redis_store  # noqa: PLC0415

        url = settings.redis_url.get_secret_value()
        store: ConsentStore = redis_store.RedisStore(url, shares_key=bool(settings.secret))
    else:
        from greenlake_backup_mcp.consent import file_store  # noqa: PLC0415

        store = file_store.open_store(settings)
    if store.ephemeral:
        call_log.LOGGER.warning("codes hold in this process only: %s", store.ephemeral)
    return store
