"""One item as labelled lines: what matters of it first, sizes and times for people, nulls and vendor noise dropped.

Knows how things are words, not where they come from: no HTTP, no tools.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from greenlake_backup_mcp.lists.views import column_types, columns, extractors, schedules
from greenlake_backup_mcp.lists.views.column_types import Column, ListView
from greenlake_backup_mcp.text import masking, sanitize, units

from . import rows

FULLY_RENDERED = (
    extractors.first,
    extractors.every,
    extractors.total_bytes,
    extractors.policy_at_work,
    extractors.policy_level,
    schedules.tiers,
    schedules.schedules,
    schedules.tier_ids,
    schedules.last_runs,
)
ALL = 'output="json" has all of them'
WAYS_ON = {  # lists within an item that can be long: the call that lists all of it; {id} is the item's
    "protectionJobsInfo": "list_protection_jobs filter=\"protectionPolicyInfo/id eq '{id}'\"",
}
NO_WAYS: Mapping[str, str] = {}
MOST_LINES = 90  # of the details of one item
MOST_ELEMENTS = 12  # told of a list within an item
LONGEST_VALUE = 400
DEEPEST = 3  # levels of objects told on one line
LONGEST_INNER = 200  # of a value in an object on one line
IDLE = ("customerId", "generation")  # of no use to anyone who reads; whole JSON has them
LAST_LINES = ("type", "resourceUri", "consoleUri", "uid", "services")  # seldom needed, but some calls take them
STATES = ("state", "status", "connectedState", "connectionState")
_UNIT = re.compile(r"(?:In(?:Mib|MiB|Mb|Seconds)|(?:In)?Bytes)$")


def render_details(kind: str, item: Any, now: datetime, *, reveal: bool = False) -> list[str]:
    """Labelled lines of one item, most important first, without nulls. `kind`: the operation that reads or lists it."""
    if not isinstance(item, dict):
        return [sanitize.cell(rows.render_compact(item), LONGEST_VALUE)]
    resource = columns.find_view(kind) or columns.guess_view("item", item)
    masked = masking.redact(dict(item), reveal)
    view_columns, covered = _render_operation(resource)
    values = [(column, column.value_of(masked)) for column in view_columns]
    out = list(_render_view(values, now))
    for column, value in values:
        name = column.name
        if value is not None and name in masked and not isinstance(masked[name], (dict, list)):
            covered.add(name)
        if name == "health":
            covered |= {state for state in STATES if masked.get(state) == value}
    if masked.get("displayName") == masked.get("name"):
        covered.add("displayName")
    others = {name: held for name, held in masked.items() if name not in LAST_LINES}
    others |= {name: masked[name] for name in LAST_LINES if name in masked}
    identity = extractors.text(item.get("id"))
    out += _rest(others, now, covered, ways={path: way.format(id=identity) for path, way in WAYS_ON.items()})
    if len(out) > MOST_LINES:
        out = [*out[:MOST_LINES], f"({len(out) - MOST_LINES} more lines: output json has everything.)"]
    return out


def _render_operation(resource: ListView) -> tuple[list[Column], set[str]]:
    """The columns told of one item (what is wrong comes after its name), and the attributes they tell wholly."""
    first, rest = resource.columns[:2], resource.columns[2:]
    chosen = [*first, *((resource.trouble,) if resource.trouble else ()), *rest, *resource.more]
    return chosen, {path for column in chosen if column.read in FULLY_RENDERED for path in column.paths}


def _render_view(values: Iterable[tuple[Column, Any]], now: datetime) -> Iterator[str]:
    """The lines of the columns that have a value."""
    for column, value in values:
        if value is None or value == []:
            continue
        if isinstance(value, list) and len(value) > 1:
            yield f"{column.name}:"
            yield from (f"  - {_line(column, one, now)}" for one in value[:MOST_ELEMENTS])
            if len(value) > MOST_ELEMENTS:
                yield f"  - and {len(value) - MOST_ELEMENTS} more: {ALL}"
        elif isinstance(value, list):
            yield f"{column.name}: {_line(column, value[0], now)}"
        elif column.show in column_types.TIMES and (when := units.parse_time(value)) is not None:
            over = {"expiry": ", EXPIRED", "lock": ", no longer locked"}.get(column.show, "") if when <= now else ""
            yield f"{column.name}: {units.relative(when, now)}{over}"
        elif words := sanitize.cell(rows.render_cell(column, value), LONGEST_VALUE):
            yield f"{column.name}: {words}"


def _line(column: Column, value: Any, now: datetime) -> str:
    """One of a column's several values."""
    words = extractors.text(value)
    if column.read is schedules.schedules:
        words = schedules.mark_passed(words, now)
    return sanitize.cell(words, max(LONGEST_VALUE, column.most))


def _rest(
    value: Mapping[str, Any], now: datetime, covered: set[str], prefix: str = "", ways: Mapping[str, str] = NO_WAYS
) -> Iterator[str]:
    """The attributes no column tells, in the order of the answer."""
    idle = (*IDLE, "resourceUri", "type") if prefix and value.get("id") else IDLE
    for name, held in value.items():
        path = f"{prefix}{name}"
        if name in idle or path in covered or held in (None, "", [], {}):
            continue
        if isinstance(held, dict):
            if all(not isinstance(one, (dict, list)) for one in held.values()):
                if words := _inline(held, now, covered, f"{path}/"):
                    yield f"{_label(path)[0]}: {words}"
            elif prefix.count("/") < 6:
                yield from _rest(held, now, covered, f"{path}/")
        elif isinstance(held, list):
            yield from _elements(_label(path)[0], held, now, ways.get(path, ALL))
        else:
            label, words = _scalar(path, held, now)
            if words:
                yield f"{label}: {words}"


def _elements(label: str, held: Sequence[Any], now: datetime, way: str = ALL) -> Iterator[str]:
    if not any(isinstance(one, (dict, list)) for one in held):
        yield f"{label}: {sanitize.cell(', '.join(extractors.text(one) for one in held), LONGEST_VALUE)}"
        return
    parts = [_inline(one, now) for one in held[:MOST_ELEMENTS] if isinstance(one, dict)]
    if parts := [part for part in parts if part]:
        if len(held) == 1:
            yield f"{label}: {parts[0]}"
            return
        yield f"{label} ({len(held)}):"
        yield from (f"  - {one}" for one in parts)
        if len(held) > MOST_ELEMENTS:
            yield f"  - and {len(held) - MOST_ELEMENTS} more: {way}"


def _inline(
    value: Mapping[str, Any], now: datetime, covered: Container[str] = (), prefix: str = "", depth: int = 0
) -> str:
    """A small object on one line, id and name first. Of a reference {id, name, resourceUri, type} they are enough."""
    idle = {*IDLE, *(("resourceUri", "type") if value.get("id") else ())}
    if value.get("name") and value.get("displayName") == value["name"]:
        idle.add("displayName")
    parts = []
    for name in dict.fromkeys((*(n for n in ("id", "name") if n in value), *value)):
        held = value[name]
        if name in idle or f"{prefix}{name}" in covered or held in (None, "", [], {}):
            continue
        label, words = _bounded(name, held, now, depth)
        parts.append(f"{label} {sanitize.cell(words, LONGEST_INNER)}")
    return ", ".join(parts)


def _bounded(name: str, held: Any, now: datetime, depth: int) -> tuple[str, str]:
    """A name and what an object on one line holds under it."""
    if not isinstance(held, (dict, list)):
        return _scalar(name, held, now)
    label = _label(name)[0]
    if depth > DEEPEST:
        return label, "…"
    if isinstance(held, dict):
        if shown_name := extractors.text(extractors.first(held, ("displayName", "name"))):
            return label, f"{shown_name} ({extractors.text(held.get('id'))})" if held.get("id") else shown_name
        return label, f"({_inline(held, now, depth=depth + 1)})"
    parts = [
        _inline(one, now, depth=depth + 1) if isinstance(one, dict) else extractors.text(one)
        for one in held[:MOST_ELEMENTS]
    ]
    if len(held) > MOST_ELEMENTS:
        parts.append(f"and {len(held) - MOST_ELEMENTS} more")
    return label, f"({'; '.join(one for one in parts if one)})"


def _scalar(name: str, value: Any, now: datetime) -> tuple[str, str]:
    """A name and its value for people; a number tells its unit, so its name need not: capacityInBytes → capacity."""
    label, unitless, measure = _label(name)
    if measure is not None and (number := units.number(value)) is not None:
        return unitless, measure(number)
    if isinstance(value, str) and len(value) >= 19 and (when := units.parse_time(value)) is not None:
        return label, units.relative(when, now)
    return label, sanitize.cell(extractors.text(value), LONGEST_VALUE)


@lru_cache(maxsize=2048)
def _label(name: str) -> tuple[str, str, Callable[[float], str] | None]:
    """The attribute's name as a label, the same without its unit, and how a number of it is told."""
    label, unitless = sanitize.cell(name), sanitize.cell(_UNIT.sub("", name))
    if column_types.BYTES.search(name):
        return label, unitless, units.size
    if column_types.MIB.search(name):
        return label, unitless, _mib
    return label, unitless, units.duration if name.endswith("InSeconds") else None


def _mib(number: float) -> str:
    return units.size(number * units.MIB)
