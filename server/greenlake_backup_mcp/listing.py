"""The answer of a list tool: what of it the service does and what is done here, then rows and the next call.

Knows lists as a whole; must know nothing of MCP. How things are said is in summaries.py, what matters in columns.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from . import abilities, columns, filters, folding, hygiene, items, paging, rest, summaries, units
from .abilities import Abilities
from .catalog import Tool
from .columns import Column, Resource
from .errors import BackupError
from .filters import Expression, Kind
from .folding import Fold, Key
from .items import Item
from .openapi import Operation

ROWS = 20  # shown where no limit is given
BYTES_PER_TOKEN = 2.5  # measured on rows full of ids and times; prose has four
SMALLEST_ROW = 30  # bytes; so many rows at most are kept as the budget has room for


@dataclass(frozen=True)
class Answer:
    """What is told of a list: lines of text, or a JSON value."""

    lines: tuple[str, ...] = ()
    value: Any = None


@dataclass(frozen=True)
class Plan:
    """A call understood and checked: nothing was sent yet."""

    tool: Tool
    operation: Operation
    given: Mapping[str, Any]
    able: Abilities
    resource: Resource
    kinds: Mapping[str, Kind]
    now: datetime
    shown: tuple[Column, ...]
    picked: tuple[str, ...]  # what `select` asked for
    filter: Expression | None
    where: Expression | None
    order: tuple[Key, ...]
    offset: int
    limit: int  # rows wanted, as far as the budget can have room for them
    whole: bool  # the whole collection is told about
    as_json: bool

    def value(self, item: Item, name: str) -> Any:
        """What sorting and `where` find under a name: an attribute of the description, else a column of ours."""
        found = self.values(item, name)
        return found[0] if found else None

    def values(self, item: Item, name: str) -> Sequence[Any]:
        """Every value under a name."""
        if self.kinds.get(name, "any") == "any" and (column := self.column(name)) is not None:
            value = column.of(item)
            return value if isinstance(value, list) else [value]
        return items.at(item, name)

    def column(self, name: str) -> Column | None:
        """Our column of that name."""
        return next((c for c in self.resource.every if c.name == name), None)

    def properties(self, names: Sequence[str]) -> list[str]:
        """The top properties of an item behind attributes and columns."""
        paths: list[str] = []
        for name in names:
            column = self.column(name) if self.kinds.get(name, "any") == "any" else None
            paths += column.paths if column else (name,)
        return [path.split("/", 1)[0] for path in paths]


@dataclass(frozen=True)
class Way:
    """How a plan is carried out; the documents leave open what the service accepts, so there are second ways."""

    bare_times: bool = False
    select: bool = True
    sort_here: bool = False


@dataclass(frozen=True)
class Outcome:
    """What carrying out a plan brought."""

    plan: Plan
    way: Way
    fold: Fold
    rows: Sequence[Item]
    scan: paging.Scan
    more: bool  # rows follow those kept


async def answer(api: rest.Api, tool: Tool, arguments: Mapping[str, Any], progress: rest.Progress) -> Answer:
    """The answer to a call of a list tool; `arguments` are validated. BackupErrors say what is wrong with them."""
    plan = planned(tool, arguments, api.now(), api.settings.budget)
    outcome = await _carried_out(api, plan, progress)
    room = int(api.settings.budget * BYTES_PER_TOKEN)
    reveal = api.settings.reveal_secrets
    if plan.as_json:
        return Answer(value=_json(outcome, room, reveal))
    return Answer(lines=tuple(_text(outcome, room, reveal)))


# --- understanding -------------------------------------------------------------------------------------------------


def planned(tool: Tool, given: Mapping[str, Any], now: datetime, budget: int) -> Plan:
    """The plan of a call; raises where `filter`, `where`, `sort` or `select` are not possible."""
    if tool.operation is None:
        raise BackupError(f"{tool.name} lists nothing.")
    operation = tool.operation
    able = abilities.of(operation)
    kinds = abilities.kinds(abilities.item_schema(operation))
    resource = columns.of(operation, kinds)
    nouns = units.plural(2, resource.noun)[2:]
    known = {**kinds, **{column.name: "any" for column in resource.every}} if kinds else {}
    filter_ = filters.parse(given["filter"], argument="filter", now=now) if given.get("filter") else None
    if filter_ is not None:
        abilities.check_filter(filter_, able, nouns)
    where = filters.parse(given["where"], argument="where", now=now) if given.get("where") else None
    if where is not None:
        abilities.check_attributes("where", abilities.attributes_of(where), known, nouns)
    order = _order(given.get("sort", ""))
    abilities.check_attributes("sort", [name for name, _ in order], known, nouns)
    picked = tuple(dict.fromkeys(p.strip().replace(".", "/") for p in given.get("select", "").split(",") if p.strip()))
    abilities.check_attributes("select", picked, known, nouns)
    shown = resource.columns
    if picked:
        shown = tuple(summaries.chosen(path, kinds.get(path, ""), resource) for path in dict.fromkeys(("id", *picked)))
    return Plan(
        tool=tool,
        operation=operation,
        given=given,
        able=able,
        resource=resource,
        kinds=kinds,
        now=now,
        shown=shown,
        picked=picked,
        filter=filter_,
        where=where,
        order=order,
        offset=given.get("offset", 0),
        limit=min(given.get("limit", ROWS), int(budget * BYTES_PER_TOKEN / SMALLEST_ROW)),
        whole=given.get("summary", "all") == "all",
        as_json=given.get("output") == "json",
    )


def _order(text: str) -> tuple[Key, ...]:
    """`name`, `name desc`, `-name`, several separated by commas."""
    keys = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, direction = part.partition(" ")
        direction = direction.strip().lower()
        if direction not in ("", "asc", "desc"):
            raise BackupError(f"sort: {part!r} is not understood.", hint="sort takes: <attribute> asc|desc, …")
        descending = direction == "desc" or name.startswith("-")
        keys.append((name.lstrip("-+").replace(".", "/"), descending))
    return tuple(keys)


def _sorts_upstream(plan: Plan) -> bool:
    """Whether the service can bring the collection into that order, as far as documents tell."""
    if not plan.able.sort:
        return False
    allowed = plan.able.sorts if plan.able.sorts is not None else [n for n, k in plan.kinds.items() if k != "any"]
    return all(name in allowed for name, _ in plan.order)


# --- asking --------------------------------------------------------------------------------------------------------


async def _carried_out(api: rest.Api, plan: Plan, progress: rest.Progress) -> Outcome:
    """The outcome, in the first way the service accepts; the first refusal is the one told."""
    way = Way(sort_here=bool(plan.order) and not _sorts_upstream(plan))
    refused: BackupError | None = None
    while True:
        try:
            outcome = await _run(api, plan, way, progress)
        except BackupError as problem:
            if problem.status == 404 and plan.filter is not None:
                return await _empty(api, plan, way, problem)
            other = _other_way(plan, way, problem) if problem.status in (400, 422) else None
            if other is None:
                raise refused or problem from None
            refused, way = refused or problem, other
            continue
        if plan.order and not way.sort_here and not _in_order(plan, outcome.rows):
            way = replace(way, sort_here=True)  # the service took the sort and did not sort
            continue
        return outcome


def _other_way(plan: Plan, way: Way, problem: BackupError) -> Way | None:
    """What to leave out or write differently after a refusal; what the service complains of goes first."""
    ways = []
    if plan.filter is not None and filters.has_time(plan.filter) and not way.bare_times:
        ways.append(("filter", replace(way, bare_times=True)))
    if way.select and plan.able.select:
        ways.append(("select", replace(way, select=False)))
    if plan.order and not way.sort_here:
        ways.append(("sort", replace(way, sort_here=True)))
    named = [w for word, w in ways if word in problem.message.lower()]
    return (named or [w for _, w in ways] or [None])[0]


async def _empty(api: rest.Api, plan: Plan, way: Way, problem: BackupError) -> Outcome:
    """A 404 to a filter means that nothing matches, unless the list is not there without the filter either."""
    unfiltered = replace(plan, filter=None, order=())
    try:
        await paging.page(api, _source(unfiltered, replace(way, select=False)), 0, 1)
    except BackupError:
        raise problem from None
    return Outcome(plan, way, _fold(plan, way), (), paging.Scan(0, 0, whole=True), more=False)


def _source(plan: Plan, way: Way, *, all_properties: bool = False) -> paging.Source:
    """The list's request without its page."""
    path, query = plan.operation.path, []
    for argument in plan.tool.arguments.values():
        if argument.name in plan.given and argument.place == "path":
            path = path.replace("{" + argument.wire + "}", quote(str(plan.given[argument.name]), safe=""))
        elif argument.name in plan.given and argument.place == "query":
            query.append((argument.wire, items.text(plan.given[argument.name])))
    if plan.filter is not None:
        query.append(("filter", filters.rendered(plan.filter, plan.kinds, bare_times=way.bare_times)))
    if plan.order and not way.sort_here:
        query.append(("sort", ",".join(f"{name} {'desc' if descending else 'asc'}" for name, descending in plan.order)))
    if plan.able.select and way.select and not all_properties:
        query.append(("select", ",".join(_properties(plan, way))))
    request = rest.Request(plan.operation.id, "GET", path, tuple(query), reads=True)
    return paging.Source(request, plan.able.paged, plan.able.limit, plan.able.offset)


def _properties(plan: Plan, way: Way) -> list[str]:
    """What `select` asks of the service: the columns shown, and what counting, `where` and sorting need."""
    named = [*(abilities.attributes_of(plan.where) if plan.where else ()), *(n for n, _ in plan.order if way.sort_here)]
    counted = folding.columns_read(plan.resource, plan.shown) if plan.whole else ["id"]
    shown = [path.split("/", 1)[0] for column in plan.shown for path in column.paths]
    found = dict.fromkeys([*plan.able.keep, *counted, *shown, *plan.properties(named)])
    top = {name for name in plan.kinds if "/" not in name}
    return [name for name in found if not top or name in top]


def _fold(plan: Plan, way: Way) -> Fold:
    order = plan.order if way.sort_here else ()
    return Fold(plan.resource, plan.now, plan.offset, plan.offset + plan.limit, order, plan.value)


async def _run(api: rest.Api, plan: Plan, way: Way, progress: rest.Progress) -> Outcome:
    if not plan.whole and plan.where is None and not way.sort_here:
        return await _page(api, plan, way)
    here = plan.where is not None or way.sort_here  # the rows come out of the scan, so it needs all they show
    fold = _fold(plan, way)
    enough = not plan.whole and not way.sort_here

    def take(found: Sequence[Item]) -> bool:
        where = plan.where
        fold.add(
            found
            if where is None
            else [i for i in found if filters.matches(where, lambda name, i=i: plan.values(i, name))]  # type: ignore[misc]
        )
        return not (enough and fold.count > fold.last)

    scan = await paging.scan(
        api,
        _source(plan, way, all_properties=plan.as_json and here and not plan.picked),
        take,
        cap=api.settings.scan_cap,
        concurrency=api.settings.concurrency,
        progress=progress,
        noun=units.plural(2, plan.resource.noun)[2:],
    )
    rows = list(fold.rows())
    if not here and (plan.as_json or plan.offset >= scan.read and plan.offset > 0) and plan.limit:
        rows = list((await _page(api, plan, way)).rows)  # whole items, or rows beyond the cap
    beyond = scan.total is not None and plan.where is None and plan.offset + len(rows) < scan.total
    return Outcome(plan, way, fold, rows, scan, more=fold.count > plan.offset + len(rows) or beyond or _unread(scan))


def _unread(scan: paging.Scan) -> bool:
    return not scan.whole and scan.total is None


async def _page(api: rest.Api, plan: Plan, way: Way) -> Outcome:
    """The rows alone, without reading the rest of the collection."""
    source = _source(plan, way, all_properties=plan.as_json and not plan.picked)
    bound = plan.able.offset
    start = plan.offset if bound is None else min(plan.offset, bound)
    skipped = plan.offset - start
    rows: list[Item] = []
    total: int | None = None
    ended = False
    while len(rows) < skipped + plan.limit or (not plan.limit and total is None and not ended):
        at = start + len(rows)
        if bound is not None and at > bound:
            break
        found = await paging.page(api, source, at, max(1, skipped + plan.limit - len(rows)))
        total = found.total if found.total is not None else total
        rows += found.items
        ended = not found.items or not source.paged
        if ended or (total is not None and start + len(rows) >= total):
            break
    kept = rows[skipped : skipped + plan.limit]
    if not source.paged:
        total, kept = len(rows), rows[plan.offset : plan.offset + plan.limit]
    fold = _fold(plan, way)
    fold.count = len(kept)
    after = plan.offset + len(kept)
    more = total is not None and after < total if total is not None else not ended
    return Outcome(plan, way, fold, kept, paging.Scan(len(kept), total, whole=False), more)


def _in_order(plan: Plan, rows: Sequence[Item]) -> bool:
    """Whether rows are sorted as asked; only numbers and times are judged, the order of text is the service's own."""
    name, descending = plan.order[0]
    keys = [key for item in rows if (key := folding.sort_key(plan.value(item, name))) is not None and key[0] < 2]
    return keys == sorted(keys, reverse=descending)


# --- telling -------------------------------------------------------------------------------------------------------


def _text(outcome: Outcome, room: int, reveal: bool) -> list[str]:
    plan = outcome.plan
    head = [*_head(outcome), *(summaries.lines(outcome.fold) if plan.whole else ())]
    table = summaries.table(plan.shown, outcome.rows, plan.now, reveal=reveal)
    before, rows = table[: len(table) - len(outcome.rows)], table[len(table) - len(outcome.rows) :]
    last_room = 300 + sum(len(str(value)) for value in plan.given.values())
    room -= sum(len(line.encode()) + 1 for line in (*head, *before)) + last_room
    kept = summaries.fitting(rows, room)
    return [*head, *(before if kept else ()), *kept, *_tail(outcome, len(kept))]


def _head(outcome: Outcome) -> list[str]:
    plan, scan, fold = outcome.plan, outcome.scan, outcome.fold
    noun = plan.resource.noun
    nouns = units.plural(2, noun)[2:]
    by_filter = " that match filter (done by the service)" if plan.filter is not None else ""
    if not plan.whole and plan.where is None:
        total = "an unknown number of" if scan.total is None else f"{scan.total:,}"
        return [f"Page of {total} {nouns}{by_filter}."]
    if scan.whole:
        lines = [f"{units.plural(scan.read, noun)}{by_filter}." if scan.read else f"No {nouns}{by_filter}."]
    else:
        of = f" of {scan.total:,}" if scan.total is not None else ""
        lines = [f"First {scan.read:,}{of} {nouns}{by_filter}: what follows is about these only."]
    if plan.where is not None:
        lines.append(f"{fold.count:,} of these {scan.read:,} match where (evaluated here).")
    if not fold.count and plan.filter is not None and scan.whole:
        lines.append("A filter compares whole values; where: name contains '…' finds parts, in any case.")
    if scan.failure is not None:
        lines.append(f"The rest could not be read: {hygiene.cell(scan.failure.message, 200)}")
    if scan.notes:
        lines.append(f"While reading: {'; '.join(scan.notes)}.")
    if plan.order:
        lines.append(f"Sorted {'here' if outcome.way.sort_here else 'by the service'}.")
    return lines


def _tail(outcome: Outcome, shown: int) -> list[str]:
    """How much is shown, and the exact call that goes on."""
    plan, scan = outcome.plan, outcome.scan
    known = (
        outcome.fold.count if plan.where is not None and scan.whole else None if plan.where is not None else scan.total
    )
    dropped = len(outcome.rows) - shown
    if not shown and not outcome.more and not dropped:
        return [f"No rows at offset {plan.offset:,}."] if plan.offset else []
    lines = []
    if dropped:
        lines.append(f"{dropped:,} rows left out: the answer's budget is full.")
    of = f" of {known:,}" if known is not None else ""
    if not outcome.more and not dropped:
        return [*lines, f"Rows {plan.offset + 1:,}-{plan.offset + shown:,}{of}; no more."]
    if not shown and not dropped:
        return [*lines, f"Rows: {_call(plan, {'limit': ROWS})}"]
    return [*lines, f"Rows {plan.offset + 1:,}-{plan.offset + shown:,}{of}. Next: {_call(plan, _next(outcome, shown))}"]


def _next(outcome: Outcome, shown: int) -> dict[str, Any]:
    plan = outcome.plan
    changed: dict[str, Any] = {"offset": plan.offset + shown}
    if plan.where is None and not outcome.way.sort_here:
        changed["summary"] = "page"  # the summary would be the same
    return changed


def _call(plan: Plan, changed: Mapping[str, Any]) -> str:
    arguments = {name: value for name, value in {**plan.given, **changed}.items() if value is not None}
    return f"{plan.tool.name} {json.dumps(arguments, ensure_ascii=False)}"


def _json(outcome: Outcome, room: int, reveal: bool) -> dict[str, Any]:
    plan, scan = outcome.plan, outcome.scan
    rows = [_picked(plan, hygiene.redacted(dict(item), reveal)) for item in outcome.rows]
    value: dict[str, Any] = {
        "total": outcome.fold.count if plan.where is not None else scan.total,
        "offset": plan.offset,
        "about": " ".join(_head(outcome)),
    }
    if plan.whole:
        value["summary"] = summaries.json_summary(outcome.fold)
    room -= len(json.dumps(value, ensure_ascii=False, default=str).encode()) + 500
    kept = summaries.fitting((json.dumps(row, ensure_ascii=False) for row in rows), room)
    dropped = len(rows) - len(kept)
    value |= {"count": len(kept), "items": rows[: len(kept)]}
    if dropped:
        value["leftOut"] = f"{dropped} items: the answer's budget is full. select fewer properties, or go on with next."
    if (outcome.more or dropped) and kept:
        arguments = {**plan.given, **_next(outcome, len(kept))}
        value["next"] = {"tool": plan.tool.name, "arguments": arguments}
    elif dropped:
        value["next"] = "The first item alone is larger than the budget: use select, or output table."
    return value


def _picked(plan: Plan, item: Item) -> dict[str, Any]:
    """What `select` asked for of an item; all of it without."""
    if not plan.picked:
        return dict(item)
    wanted = {"id", *(path.split("/", 1)[0] for path in plan.picked)}
    out = {name: value for name, value in item.items() if name in wanted}
    return out | {c.name: c.of(item) for c in plan.shown if c.name not in item and "/" not in c.name}
