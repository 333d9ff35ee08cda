"""A call of a list tool understood: what the service is asked, what is done here, and the request that asks it.

Knows lists and their tools; sends nothing and must know nothing of MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client

from . import capabilities
from .capabilities import Capabilities
from .filters import coercion, grammar, matching
from .filters.grammar import Expression
from .filters.matching import Kind
from .read import aggregate, pages
from .read.aggregate import Key
from .views import column_types, columns, extractors
from .views.column_types import Column, ListView
from .views.extractors import Item

ROWS = 20  # shown where no limit is given
BYTES_PER_TOKEN = 1.5  # measured on rows of nothing but ids; with names and times it is two, prose has four
SMALLEST_ROW = 30  # bytes; so many rows at most are kept as the budget has room for


@dataclass(frozen=True)
class Query:
    """A call understood and checked: nothing was sent yet."""

    tool: Tool
    reader: Tool | None  # what shows one item in full
    operation: Operation
    arguments: Mapping[str, Any]
    able: Capabilities
    resource: ListView
    kinds: Mapping[str, Kind]
    now: datetime
    view_columns: tuple[Column, ...]
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
        values = self.values(item, name)
        return values[0] if values else None

    def values(self, item: Item, name: str) -> Sequence[Any]:
        """Every value under a name."""
        return self.getter(name)(item)

    def getter(self, name: str) -> Callable[[Item], Sequence[Any]]:
        """What reads every value under a name out of an item."""
        column = self.column(name)
        if column is not None and self.kinds.get(name, "any") == "any":
            read = column.value_of

            def computed(item: Item) -> Sequence[Any]:
                value = read(item)
                return value if isinstance(value, list) else [value]

            return computed
        if column is not None and name in column.paths and column.read is extractors.first:
            paths = column.paths  # the name shown, and the other one
            return lambda item: [one for path in paths for one in extractors.values_at(item, path)]
        return lambda item: extractors.values_at(item, name)

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
class Strategy:
    """How a query is carried out; the documents leave open what a list accepts, so there are second ways.

    How a filter is spelled is a reading of the whole tenant (upstream/readings.py).
    """

    select: bool = True
    sort_here: bool = False


def read_selection(operation: Operation, text: str, unknown: Sequence[str] = ()) -> tuple[str, ...]:
    """What `select` of a read of one item asks for: its attributes, `a/b` for nested ones; none where it names none.

    InputError for what the item does not have. `unknown`: attributes that its answers had and the description does not
    know.
    """
    kinds = capabilities.kinds(document.item_schema(operation))
    nouns = units.plural(2, columns.view_for(operation, kinds).noun)[2:]
    return _picked(text, {*kinds, *unknown} if kinds else (), nouns)


def _picked(text: str, attributes: Collection[str], nouns: str) -> tuple[str, ...]:
    """The attributes that a `select` names, each once."""
    picked = tuple(dict.fromkeys(p.strip().replace(".", "/") for p in text.split(",") if p.strip()))
    capabilities.check_attributes("select", picked, attributes, nouns)
    return picked


def build_query(
    tool: Tool, arguments: Mapping[str, Any], now: datetime, budget: int, unknown: Sequence[str] = ()
) -> Query:
    """The query of a call; raises where `filter`, `where`, `sort` or `select` are not possible.

    `unknown`: attributes that its answers had and the description does not know.
    """
    if tool.operation is None:
        raise InputError(f"{tool.name} lists nothing.")
    operation = tool.operation
    able = capabilities.capabilities_of(operation)
    kinds = capabilities.kinds(document.item_schema(operation))
    kinds = {**dict.fromkeys(unknown, "any"), **kinds} if kinds else kinds
    resource = columns.view_for(operation, kinds)
    nouns = units.plural(2, resource.noun)[2:]
    attributes = {**kinds, **{column.name: "any" for column in resource.every}} if kinds else {}
    meant = partial(coercion.meaning, kinds=kinds, resource=resource)
    filter_ = grammar.parse(arguments["filter"], argument="filter", now=now) if arguments.get("filter") else None
    if filter_ is not None:
        capabilities.check_list_arguments("filter", filter_, attributes)
        capabilities.check_filter(filter_, able, nouns)
        filter_ = coercion.coerce(filter_, meant, argument="filter", now=now, client_side=False)
    where = grammar.parse(arguments["where"], argument="where", now=now) if arguments.get("where") else None
    if where is not None:
        capabilities.check_list_arguments("where", where, attributes)
        capabilities.check_attributes("where", capabilities.attributes_of(where), attributes, nouns)
        where = coercion.coerce(where, meant, argument="where", now=now, client_side=True)
    order = _order(arguments.get("sort", ""))
    capabilities.check_attributes("sort", [name for name, _ in order], attributes, nouns)
    picked = _picked(arguments.get("select", ""), attributes, nouns)
    view_columns = resource.columns
    if picked:
        view_columns = tuple(
            column_types.column_for(path, kinds.get(path, ""), resource) for path in dict.fromkeys(("id", *picked))
        )
    return Query(
        tool=tool,
        reader=_reader(operation),
        operation=operation,
        arguments=arguments,
        able=able,
        resource=resource,
        kinds=kinds,
        now=now,
        view_columns=view_columns,
        picked=picked,
        filter=filter_,
        where=where,
        order=order,
        offset=arguments.get("offset", 0),
        limit=min(arguments.get("limit", ROWS), int(budget * BYTES_PER_TOKEN / SMALLEST_ROW)),
        whole=arguments.get("summary", "all") == "all",
        as_json=arguments.get("output") == "json",
    )


@cache
def _readers() -> Mapping[str, Tool]:
    return {tool.operation.path: tool for tool in registry.tools() if tool.operation and tool.operation.method == "GET"}


def _reader(listing: Operation) -> Tool | None:
    """The tool that reads one item of a list."""
    stem = listing.path.rstrip("/") + "/{"
    return next(
        (tool for path, tool in _readers().items() if path.startswith(stem) and path.count("/") == stem.count("/")),
        None,
    )


def _order(text: str) -> tuple[Key, ...]:
    """`name`, `name desc`, `-name`, several separated by commas."""
    keys = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, direction = part.replace(":", " ").partition(" ")
        direction = direction.strip().lower()
        if direction not in ("", "asc", "desc"):
            raise InputError(f"sort: {part!r} is not understood.", hint="sort takes: <attribute> asc|desc, …")
        descending = direction == "desc" or name.startswith("-")
        keys.append((name.lstrip("-+").replace(".", "/"), descending))
    return tuple(keys)


def sorts_upstream(query: Query) -> bool:
    """Whether the service can bring the collection into that order, as far as documents tell."""
    if not query.able.sort:
        return False
    allowed = query.able.sorts if query.able.sorts is not None else [n for n, k in query.kinds.items() if k != "any"]
    return all(name in allowed for name, _ in query.order)


def source(query: Query, way: Strategy, *, all_properties: bool = False) -> pages.Source:
    """The list's request without its page."""
    path, pairs = query.operation.path, []
    for argument in query.tool.arguments.values():
        if argument.name in query.arguments and argument.place == "path":
            path = path.replace("{" + argument.wire + "}", quote(str(query.arguments[argument.name]), safe=""))
        elif argument.name in query.arguments and argument.place == "query":
            pairs.append((argument.wire, extractors.text(query.arguments[argument.name])))
    if query.filter is not None:
        pairs.append(("filter", matching.to_query(query.filter, query.kinds)))
    if query.order and not way.sort_here:
        pairs.append(
            ("sort", ",".join(f"{name} {'desc' if descending else 'asc'}" for name, descending in query.order))
        )
    if query.able.select and way.select and not all_properties:
        pairs.append(("select", ",".join(_properties(query, way))))
    request = client.Request(query.operation.id, "GET", path, tuple(pairs), reads=True, tool=query.tool.name)
    return pages.Source(request, query.able.paged, query.able.limit, query.able.offset)


def _properties(query: Query, way: Strategy) -> list[str]:
    """What `select` asks of the service: the columns shown, and what counting, `where` and sorting need."""
    named = [
        *(capabilities.attributes_of(query.where) if query.where else ()),
        *(n for n, _ in query.order if way.sort_here),
    ]
    counted = aggregate.columns_read(query.resource, query.view_columns) if query.whole else ["id"]
    view_columns = [path.split("/", 1)[0] for column in query.view_columns for path in column.paths]
    properties = dict.fromkeys([*query.able.keep, *counted, *view_columns, *query.properties(named)])
    top = {name for name in query.kinds if "/" not in name}
    return [name for name in properties if not top or name in top]
