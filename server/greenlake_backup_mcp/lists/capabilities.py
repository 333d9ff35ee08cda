"""What each list can do itself (openapi/filters.json); the checks of `filter`, `sort`, `select`, `where`.

For a list that is not in the table (a description of the user's own) the parameters of its operation say it.
Knows the grammar and the description; must know nothing of HTTP or of what answers look like.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation, Schema
from greenlake_backup_mcp.text import suggest

from .filters import matching
from .filters.grammar import Comparison, Expression, Junction
from .filters.matching import Kind

MOST_LISTED = 20  # attributes named in one error, the likely ones first
COMPUTED = "same grammar, every attribute, evaluated here while the list is read"


@dataclass(frozen=True)
class Capabilities:
    """What a list takes. `attributes`, `sorts`: None where the documents name none; `limit`: most rows of a page."""

    operators: frozenset[str]
    attributes: tuple[str, ...] | None
    sort: bool
    sorts: tuple[str, ...] | None
    select: bool
    paged: bool
    limit: int
    offset: int | None  # the largest it accepts, where it has a bound
    keep: tuple[str, ...]  # properties that `select` must not leave out


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    table: Mapping[str, Mapping[str, Any]] = json.loads((document.SPECS / "filters.json").read_text(encoding="utf-8"))
    return table


def capabilities_of(operation: Operation) -> Capabilities:
    """The abilities of a list."""
    row = _table().get(operation.id)
    parameters = {parameter.name: parameter.schema for parameter in operation.parameters if parameter.place == "query"}
    most = parameters.get("limit", {}).get("maximum")
    if row is None:
        return Capabilities(
            operators=frozenset(("eq", "gt", "lt", "holds", "and")) if "filter" in parameters else frozenset(),
            attributes=None,
            sort="sort" in parameters,
            sorts=None,
            select="select" in parameters,
            paged="limit" in parameters and "offset" in parameters,
            limit=most if isinstance(most, int) and most > 0 else 100,
            offset=parameters.get("offset", {}).get("maximum"),
            keep=(),
        )
    documented = row.get("sort", "")
    return Capabilities(
        operators=frozenset({"in": "holds", "in()": "in"}.get(o, o) for o in row["operators"].split()),
        attributes=tuple(row["attributes"].split()),
        sort=bool(documented),
        sorts=None if documented == "undocumented" else tuple(documented.split()),
        select=bool(row.get("select")),
        paged="limit" in row,
        limit=row["limit"][1] if "limit" in row else 1000,
        offset=row.get("offset"),
        keep=tuple(row.get("keep", "").split()),
    )


def kinds(schema: Schema, prefix: str = "") -> dict[str, Kind]:
    """Every attribute of an item, `a/b` for nested ones, and what it holds."""
    kinds_: dict[str, Kind] = {}
    for branch in (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        for name, sub in branch.get("properties", {}).items():
            inner = sub
            while isinstance(inner.get("items"), dict):
                inner = inner["items"]
            kinds_[prefix + name] = _kind(inner)
            kinds_.update(kinds(inner, f"{prefix}{name}/"))
    return kinds_


def _kind(schema: Schema) -> Kind:
    types = schema.get("type", ())
    types = (types,) if isinstance(types, str) else types
    if "boolean" in types:
        return "flag"
    if "integer" in types or "number" in types:
        return "number"
    if schema.get("format") == "date-time":
        return "time"
    return "text" if "string" in types or "enum" in schema else "any"


def check_filter(expression: Expression, able: Capabilities, noun: str) -> None:
    """Raise where the service's list cannot filter so; the error names what it can, and `where`."""
    if not able.operators:
        raise InputError(f"filter: the service cannot filter the list of {noun}.", hint=f"Use `where` ({COMPUTED}).")
    if isinstance(expression, Junction) and (expression.word != "and" or "and" not in able.operators):
        words = "joined by `and`" if "and" in able.operators else "alone"
        raise InputError(
            f"filter: the service knows no `{expression.word}` in the list of {noun}; comparisons stand {words}.",
            hint=f"Put it into `where` ({COMPUTED}).",
        )
    if isinstance(expression, Junction):
        for part in expression.parts:
            check_filter(part, able, noun)
        return
    _check_comparison(expression, able, noun)


def _check_comparison(comparison: Comparison, able: Capabilities, noun: str) -> None:
    if able.attributes is not None and comparison.attribute not in able.attributes:
        listed = _join(able.attributes, comparison.attribute)
        raise InputError(
            f"filter: the service cannot filter {noun} by {comparison.attribute!r}."
            f"{_suggest(comparison.attribute, able.attributes)}",
            hint=f"It filters by: {listed}. For anything else use `where` ({COMPUTED}).",
        )
    if comparison.operator not in able.operators:
        written = {"in": "in (…)", "holds": "'…' in <attribute>"}
        can = sorted(written.get(o, o) for o in able.operators - {"and"})
        raise InputError(
            f"filter: the service knows no `{written.get(comparison.operator, comparison.operator)}` for {noun}.",
            hint=f"It knows {', '.join(can)}. Put the comparison into `where` ({COMPUTED}).",
        )


def check_attributes(argument: str, names: Collection[str], allowed: Collection[str], noun: str) -> None:
    """Raise where an attribute is neither in the description of an item nor a column of ours; the nearest is named."""
    for name in names:
        if allowed and name not in allowed:
            top = [k for k in allowed if "/" not in k]
            raise InputError(
                f"{argument}: {noun} have no attribute {name!r}.{_suggest(name, allowed)}",
                hint=f"They have: {_join(top, name)}.",
            )


def check_list_arguments(argument: str, expression: Expression, allowed: Collection[str]) -> None:
    """Raise where what stands after `in` was meant as the value: state in OK."""
    for c in matching.comparisons(expression):
        if c.operator == "holds" and c.attribute not in allowed and str(c.values[0]) in allowed:
            name, value = c.values[0], c.attribute
            raise InputError(
                f"{argument}: after `in` come values in parentheses.",
                hint=f"Write {name} in ('{value}'), or {name} eq '{value}'.",
            )


def attributes_of(expression: Expression) -> list[str]:
    """The attributes an expression names, each once."""
    return list(dict.fromkeys(c.attribute for c in matching.comparisons(expression)))


def _suggest(name: str, allowed: Collection[str]) -> str:
    near = _near_names(name, allowed)[:2]
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _near_names(name: str, allowed: Collection[str]) -> list[str]:
    """The attributes that may be meant, the likeliest first; `policy` may be what ends in it."""
    near = suggest.near_names(name, allowed, 2, 0.6)
    last = name.rsplit("/", 1)[-1].casefold()
    ending = [k for k in allowed if last in k.casefold().rsplit("/", 1)[-1]]
    within = [k for k in allowed if last in k.casefold()]
    return list(dict.fromkeys([*near, *ending, *within]))


def _join(names: Collection[str], wanted: str) -> str:
    """The likely attributes, then short ones before nested ones, up to a bound."""
    ordered = list(dict.fromkeys([*_near_names(wanted, names), *sorted(names, key=lambda n: n.count("/"))]))
    rest = len(ordered) - MOST_LISTED
    return ", ".join(ordered[:MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")
