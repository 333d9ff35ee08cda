"""One item as labelled lines: what matters of it first, sizes and times for people, nulls and vendor noise dropped.

Knows how things are said, not where they come from: no HTTP, no tools.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from greenlake_backup_mcp import hygiene, units

from . import items, judgement, rows, schedules
from .columns import Column, Resource
from .items import Item

WHOLLY_TOLD = (items.first, items.every, items.total_bytes, schedules.tiers, schedules.schedules)
MOST_LINES = 90  # of the details of one item
MOST_ELEMENTS = 12  # told of a list within an item
LONGEST_VALUE = 400
IDLE = ("customerId", "generation")  # of no use to anyone who reads; whole JSON has them
_UNIT = re.compile(r"(?:In(?:Mib|MiB|Mb|Seconds)|(?:In)?Bytes)$")


def told(kind: str, item: Any, now: datetime, *, reveal: bool = False) -> list[str]:
    """Labelled lines of one item, most important first, without nulls. `kind`: the operation that reads or lists it."""
    if not isinstance(item, Mapping):
        return [hygiene.cell(rows.compact(item), LONGEST_VALUE)]
    resource = judgement.known(kind) or judgement.guessed("item", item)
    shown = hygiene.redacted(dict(item), reveal)
    out = list(_judged(resource, shown, now))
    covered = {path for column in _of_one(resource) if column.read in WHOLLY_TOLD for path in column.paths}
    out += list(_rest(shown, now, covered))
    if len(out) > MOST_LINES:
        out = [*out[:MOST_LINES], f"({len(out) - MOST_LINES} more lines: output json has everything.)"]
    return out


def _of_one(resource: Resource) -> list[Column]:
    """The columns told of one item: what is wrong comes after its name."""
    first, rest = resource.columns[:2], resource.columns[2:]
    return [*first, *((resource.trouble,) if resource.trouble else ()), *rest, *resource.more]


def _judged(resource: Resource, item: Item, now: datetime) -> Iterator[str]:
    for column in _of_one(resource):
        value = column.of(item)
        if value is None or value == []:
            continue
        if isinstance(value, list) and len(value) > 1:
            yield f"{column.name}:"
            yield from (f"  - {hygiene.cell(items.text(one), LONGEST_VALUE)}" for one in value[:MOST_ELEMENTS])
            if len(value) > MOST_ELEMENTS:
                yield f"  - and {len(value) - MOST_ELEMENTS} more"
        elif column.show in rows.TIMES and (when := units.moment(value)) is not None:
            over = {"expiry": ", EXPIRED", "lock": ", no longer locked"}.get(column.show, "") if when <= now else ""
            yield f"{column.name}: {units.told(when, now)}{over}"
        elif said := hygiene.cell(rows.said(column, value), LONGEST_VALUE):
            yield f"{column.name}: {said}"


def _rest(value: Mapping[str, Any], now: datetime, covered: set[str], prefix: str = "") -> Iterator[str]:
    """The attributes no column tells, in the order of the answer."""
    for name, held in value.items():
        path = f"{prefix}{name}"
        if name in IDLE or path in covered or held in (None, "", [], {}):
            continue
        if isinstance(held, Mapping):
            if all(not isinstance(one, (Mapping, list)) for one in held.values()):
                if said := _inline(held, now, covered, f"{path}/"):
                    yield f"{_label(path)}: {said}"
            elif prefix.count("/") < 6:
                yield from _rest(held, now, covered, f"{path}/")
        elif isinstance(held, list):
            yield from _elements(_label(path), held, now)
        elif said := _scalar(name, held, now):
            yield f"{_label(path, measures=units.number(held) is not None)}: {said}"


def _elements(label: str, held: Sequence[Any], now: datetime) -> Iterator[str]:
    if not any(isinstance(one, (Mapping, list)) for one in held):
        yield f"{label}: {hygiene.cell(', '.join(items.text(one) for one in held), LONGEST_VALUE)}"
        return
    told = [_inline(one, now) for one in held[:MOST_ELEMENTS] if isinstance(one, Mapping)]
    if told := [t for t in told if t]:
        yield f"{label} ({len(held)}):"
        yield from (f"  - {one}" for one in told)
        if len(held) > MOST_ELEMENTS:
            yield f"  - and {len(held) - MOST_ELEMENTS} more"


def _inline(value: Mapping[str, Any], now: datetime, covered: Container[str] = (), prefix: str = "") -> str:
    """A small object on one line. Of a reference {id, name, resourceUri, type} id and name are enough."""
    idle = ("resourceUri", "type") if value.get("id") else ()
    parts = []
    for name, held in value.items():
        if name in idle or name in IDLE or f"{prefix}{name}" in covered or held in (None, "", [], {}):
            continue
        if isinstance(held, Mapping) and (known := items.text(items.first(held, ("displayName", "name")))):
            said = f"{known} ({items.text(held.get('id'))})"
        else:
            said = rows.compact(held) if isinstance(held, (Mapping, list)) else _scalar(name, held, now)
        parts.append(f"{_label(str(name), measures=units.number(held) is not None)} {hygiene.cell(said, 120)}")
    return ", ".join(parts)


@lru_cache(maxsize=2048)
def _label(name: str, *, measures: bool = False) -> str:
    """The attribute's name; of a number without the unit that what follows says already: capacityInBytes → capacity."""
    return hygiene.cell(_UNIT.sub("", name) if measures else name)


def _scalar(name: str, value: Any, now: datetime) -> str:
    number = units.number(value)
    if number is not None and rows.BYTES.search(name):
        return units.size(number)
    if number is not None and rows.MIB.search(name):
        return units.size(number * units.MIB)
    if number is not None and name.endswith("InSeconds"):
        return units.duration(number)
    if isinstance(value, str) and len(value) >= 19 and (when := units.moment(value)) is not None:
        return units.told(when, now)
    return hygiene.cell(items.text(value), LONGEST_VALUE)
