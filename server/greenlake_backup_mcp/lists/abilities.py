"""What each list of the service can do itself (specs/filters.json); the checks of `filter`, `sort`, `select`, `where`.

For a list that is not in the table (a description of the user's own) the parameters of its operation say it.
Knows the grammar and the description; must know nothing of HTTP or of what answers look like.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from greenlake_backup_mcp import apis, openapi
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.openapi import Operation, Schema

from . import filters
from .filters import Kind
from .grammar import Comparison, Expression, Junction

TOLD_AT_ONCE = 20  # attributes named in one error, the likely ones first
HERE = "same grammar, every attribute, evaluated here while the list is read"


@dataclass(frozen=True)
class Abilities:
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
    found: Mapping[str, Mapping[str, Any]] = json.loads((apis.SPECS / "filters.json").read_text(encoding="utf-8"))
    return found


def of(operation: Operation) -> Abilities:
    """The abilities of a list."""
    row = _table().get(operation.id)
    given = {parameter.name: parameter.schema for parameter in operation.parameters if parameter.place == "query"}
    most = given.get("limit", {}).get("maximum")
    if row is None:
        return Abilities(
            operators=frozenset(("eq", "gt", "lt", "holds", "and")) if "filter" in given else frozenset(),
            attributes=None,
            sort="sort" in given,
            sorts=None,
            select="select" in given,
            paged="limit" in given and "offset" in given,
            limit=most if isinstance(most, int) and most > 0 else 100,
            offset=given.get("offset", {}).get("maximum"),
            keep=(),
        )
    documented = row.get("sort", "")
    return Abilities(
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


def item_schema(operation: Operation) -> Schema:
    """The schema of one item of a list; of the answer itself where it is no list."""
    schema = openapi.answer_schema(operation)
    items = schema.get("properties", {}).get("items", {}).get("items")
    return items if isinstance(items, dict) else schema


def kinds(schema: Schema, prefix: str = "") -> dict[str, Kind]:
    """Every attribute of an item, `a/b` for nested ones, and what it holds."""
    found: dict[str, Kind] = {}
    for branch in (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        for name, sub in branch.get("properties", {}).items():
            inner = sub
            while isinstance(inner.get("items"), dict):
                inner = inner["items"]
            found[prefix + name] = _kind(inner)
            found.update(kinds(inner, f"{prefix}{name}/"))
    return found


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


def check_filter(expression: Expression, able: Abilities, noun: str) -> None:
    """Raise where the service's list cannot filter so; the error names what it can, and `where`."""
    if not able.operators:
        raise BackupError(f"filter: the service cannot filter the list of {noun}.", hint=f"Use `where` ({HERE}).")
    if isinstance(expression, Junction) and (expression.word != "and" or "and" not in able.operators):
        words = "joined by `and`" if "and" in able.operators else "alone"
        raise BackupError(
            f"filter: the service knows no `{expression.word}` in the list of {noun}; comparisons stand {words}.",
            hint=f"Put it into `where` ({HERE}).",
        )
    if isinstance(expression, Junction):
        for part in expression.parts:
            check_filter(part, able, noun)
        return
    _check_comparison(expression, able, noun)


def _check_comparison(comparison: Comparison, able: Abilities, noun: str) -> None:
    if able.attributes is not None and comparison.attribute not in able.attributes:
        listed = _listed(able.attributes, comparison.attribute)
        raise BackupError(
            f"filter: the service cannot filter {noun} by {comparison.attribute!r}."
            f"{_meant(comparison.attribute, able.attributes)}",
            hint=f"It filters by: {listed}. For anything else use `where` ({HERE}).",
        )
    if comparison.operator not in able.operators:
        written = {"in": "in (…)", "holds": "'…' in <attribute>"}
        can = sorted(written.get(o, o) for o in able.operators - {"and"})
        raise BackupError(
            f"filter: the service knows no `{written.get(comparison.operator, comparison.operator)}` for {noun}.",
            hint=f"It knows {', '.join(can)}. Put the comparison into `where` ({HERE}).",
        )


def check_attributes(argument: str, names: Collection[str], known: Collection[str], noun: str) -> None:
    """Raise where an attribute is neither in the description of an item nor a column of ours; the nearest is named."""
    for name in names:
        if known and name not in known:
            top = [k for k in known if "/" not in k]
            raise BackupError(
                f"{argument}: {noun} have no attribute {name!r}.{_meant(name, known)}",
                hint=f"They have: {_listed(top, name)}.",
            )


def check_listing(argument: str, expression: Expression, known: Collection[str]) -> None:
    """Raise where what stands after `in` was meant as the value: state in OK."""
    for c in filters.comparisons(expression):
        if c.operator == "holds" and c.attribute not in known and str(c.values[0]) in known:
            name, value = c.values[0], c.attribute
            raise BackupError(
                f"{argument}: after `in` come values in parentheses.",
                hint=f"Write {name} in ('{value}'), or {name} eq '{value}'.",
            )


def attributes_of(expression: Expression) -> list[str]:
    """The attributes an expression names, each once."""
    return list(dict.fromkeys(c.attribute for c in filters.comparisons(expression)))


def _meant(name: str, known: Collection[str]) -> str:
    near = _near(name, known)[:2]
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _near(name: str, known: Collection[str]) -> list[str]:
    """The attributes that may be meant, the likeliest first; `policy` may be what ends in it."""
    folded = {k.casefold(): k for k in known}
    near = [folded[n] for n in get_close_matches(name.casefold(), folded, n=2, cutoff=0.6)]
    last = name.rsplit("/", 1)[-1].casefold()
    ending = [k for k in known if last in k.casefold().rsplit("/", 1)[-1]]
    within = [k for k in known if last in k.casefold()]
    return list(dict.fromkeys([*near, *ending, *within]))


def _listed(names: Collection[str], wanted: str) -> str:
    """The likely attributes, then short ones before nested ones, up to a bound."""
    ordered = list(dict.fromkeys([*_near(wanted, names), *sorted(names, key=lambda n: n.count("/"))]))
    rest = len(ordered) - TOLD_AT_ONCE
    return ", ".join(ordered[:TOLD_AT_ONCE]) + (f" and {rest} more" if rest > 0 else "")
