"""The answer of a list tool: what of it the service does and what is done here, then rows and the next call.

Knows lists as a whole; must know nothing of MCP. How things are said is in render, what matters in views.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.progress import Report

from . import query as queries
from .filters import matching
from .query import Query, Strategy
from .read import aggregate, pages, paging
from .read.aggregate import Aggregate
from .render import answer as telling
from .render.answer import Outcome
from .views.column_types import Column
from .views.extractors import Item


@dataclass(frozen=True)
class Answer:
    """Lines of text for a model, or a JSON value."""

    lines: tuple[str, ...] = ()
    value: Any = None


async def answer(
    api: client.ApiClient,
    tool: Tool,
    arguments: Mapping[str, Any],
    progress: Report,
    columns: Sequence[Column] = (),
) -> Answer:
    """The answer to a call of a list tool; `arguments` are validated. BackupErrors say what is wrong with them.

    `columns` stand beside those of the list: what is known of its items from elsewhere.
    """
    unknown = api.readings.unknown_fields(tool.operation.id) if tool.operation else ()
    query = queries.build_query(tool, arguments, api.now(), api.settings.budget, unknown)
    if columns and not query.picked:
        query = replace(query, view_columns=(*query.view_columns, *columns))
    outcome = await _run_strategy(api, query, progress)
    room = int(api.settings.budget * queries.BYTES_PER_TOKEN)
    reveal = api.settings.reveal_secrets
    if query.as_json:
        return Answer(value=telling.value(outcome, room, reveal))
    return Answer(lines=tuple(telling.text(outcome, room, reveal)))


async def _run_strategy(api: client.ApiClient, query: Query, progress: Report) -> Outcome:
    """The outcome, in the first way the service accepts; the first refusal is the one told."""
    way = Strategy(sort_here=bool(query.order) and not queries.sorts_upstream(query))
    refused: BackupError | None = None
    while True:
        try:
            outcome = await _run(api, query, way, progress)
        except BackupError as problem:
            if problem.status == 404 and query.filter is not None:
                return await _empty(api, query, way, problem)
            other = _next_strategy(query, way, problem) if problem.status in (400, 422) else None
            if other is None:
                raise refused or problem from None
            refused, way = refused or problem, other
            continue
        if query.order and not way.sort_here and not _in_order(query, outcome.rows):
            way = replace(way, sort_here=True)  # the service took the sort and did not sort
            continue
        return outcome


def _next_strategy(query: Query, way: Strategy, problem: BackupError) -> Strategy | None:
    """What to leave out or write differently after a refusal; what the service complains of goes first."""
    ways = []
    if way.select and query.able.select:
        ways.append(("select", replace(way, select=False)))
    if query.order and not way.sort_here:
        ways.append(("sort", replace(way, sort_here=True)))
    named = [w for word, w in ways if word in problem.message.lower()]
    return next(iter([*named, *(w for _, w in ways)]), None)


async def _empty(api: client.ApiClient, query: Query, way: Strategy, problem: BackupError) -> Outcome:
    """A 404 to a filter means that nothing matches, unless the list is not there without the filter either."""
    unfiltered = replace(query, filter=None, order=())
    try:
        await pages.fetch_page(api, queries.source(unfiltered, replace(way, select=False)), 0, 1)
    except BackupError:
        raise problem from None
    return Outcome(query, way, _aggregate(query, way), (), paging.Scan(0, 0, whole=True), more=False)


def _aggregate(query: Query, way: Strategy) -> Aggregate:
    order = query.order if way.sort_here else ()
    return Aggregate(query.resource, query.now, query.offset, query.offset + query.limit, order, query.value)


async def _run(api: client.ApiClient, query: Query, way: Strategy, progress: Report) -> Outcome:
    if not query.whole and query.where is None and not way.sort_here:
        return await _page(api, query, way)
    scanned = query.where is not None or way.sort_here  # the rows come out of the scan, so it needs all they show
    fold = _aggregate(query, way)
    enough = not query.whole and not way.sort_here
    fits = None if query.where is None else matching.compile_expression(query.where, query.getter)
    ordered = {} if query.where is None else {n: query.getter(n) for n in matching.ordered_attributes(query.where)}
    uncompared: Counter[str] = Counter()

    def take(batch: Sequence[Item]) -> bool:
        for name, read in ordered.items():
            uncompared[name] += sum(all(value is None for value in read(item)) for item in batch)
        fold.add(batch if fits is None else filter(fits, batch))
        return not (enough and fold.count > fold.last)

    scan = await paging.scan(
        api,
        queries.source(query, way, all_properties=query.as_json and scanned and not query.picked),
        take,
        cap=api.settings.scan_cap,
        concurrency=api.settings.concurrency,
        progress=progress,
        noun=units.plural(2, query.resource.noun)[2:],
    )
    rows = list(fold.rows())
    if not scanned and (query.as_json or (query.offset >= scan.read and query.offset > 0)) and query.limit:
        rows = list((await _page(api, query, way)).rows)  # whole items, or rows beyond the cap
    after = query.offset + len(rows)
    unread = (
        not scanned and (rows or not query.limit) and (not scan.whole if scan.total is None else after < scan.total)
    )
    more = bool(fold.count > after or unread)
    return Outcome(query, way, fold, rows, scan, more, {name: n for name, n in uncompared.items() if n})


async def _page(api: client.ApiClient, query: Query, way: Strategy) -> Outcome:
    """The rows alone, without reading the rest of the collection."""
    source = queries.source(query, way, all_properties=query.as_json and not query.picked)
    bound = query.able.offset
    start = query.offset if bound is None else min(query.offset, bound)
    skipped = query.offset - start
    rows: list[Item] = []
    total: int | None = None
    ended = False
    position, seen = start, pages.SeenItems()
    wanted = max(1, skipped + query.limit)  # without rows, one tells the total
    while len(rows) < wanted and (bound is None or position <= bound):
        page = await pages.fetch_page(api, source, position, wanted - len(rows))
        total = page.total if page.total is not None else total
        position += len(page.items)
        fresh, new = seen.add(page.items)
        rows += fresh
        ended = not new or not source.paged
        if ended or total == position:  # one that is smaller is wrong
            break
    chosen = rows[skipped : skipped + query.limit]
    if not source.paged:
        total, chosen = len(rows), rows[query.offset : query.offset + query.limit]
    notes = []
    if total is not None and rows and total < start + len(rows):
        notes.append(f"the service counts {total:,} in all, and more came")
        total = None
    if ended and rows:
        if total is not None and total > start + len(rows):
            notes.append(f"the service counts {total:,} in all, and nothing new came behind row {start + len(rows):,}")
        total = start + len(rows)
    fold = _aggregate(query, way)
    fold.count = len(chosen)
    after = query.offset + len(chosen)
    more = (bool(chosen) or not query.limit) and (not ended if total is None else after < total)
    return Outcome(query, way, fold, chosen, paging.Scan(len(chosen), total, whole=False, notes=tuple(notes)), more)


def _in_order(query: Query, rows: Sequence[Item]) -> bool:
    """Whether rows are sorted as asked; only numbers and times are judged, the order of text is the service's own."""
    name, descending = query.order[0]
    keys = [key for item in rows if (key := aggregate.sort_key(query.value(item, name))) is not None and key[0] < 2]
    return keys == sorted(keys, reverse=descending)
