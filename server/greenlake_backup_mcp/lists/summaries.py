"""Collections and items as text for a model: counts, extremes, what wants attention, rows, labelled lines.

Knows how things are said, not where they come from: no HTTP, no tools.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from greenlake_backup_mcp import hygiene, units

from . import columns, items, judgement
from .columns import Column, Resource
from .folding import OTHERS, Edge, Fold
from .items import Item

WHOLLY_TOLD = (items.first, items.every, items.total_bytes, items.tiers, items.schedules)
TIMES = ("time", "until", "lock")
MOST_COUNTED = 6  # values told of a counted field
MOST_REPEATED = 30  # bytes a value may cost in a column before it is said once
MOST_TROUBLES = 3  # kinds of problems told
MOST_LINES = 90  # of the details of one item
MOST_ELEMENTS = 12  # told of a list within an item
LONGEST_VALUE = 400
IDLE = ("customerId", "generation")  # of no use to anyone who reads; whole JSON has them
_BYTES = re.compile(r"(?:InBytes|Bytes|capacityFree|capacityUncommitted)$")
_UNIT = re.compile(r"(?:In(?:Mib|MiB|Mb|Seconds)|(?:In)?Bytes)$")
_MIB = re.compile(r"In(?:Mib|MiB|Mb)$")


def lines(fold: Fold) -> Iterator[str]:
    """What is told of all items folded, without the rows."""
    yield from _counts(fold)
    if fold.oldest is not None and fold.newest is not None and fold.resource.point is not None:
        newest, oldest = units.told(fold.newest.when, fold.now), units.told(fold.oldest.when, fold.now)
        same = newest == oldest
        yield f"{fold.resource.point.name}: " + (newest if same else f"newest {newest}, oldest {oldest}")
    if fold.resource.expires and fold.count:
        yield _expiry(fold)
        if fold.locked and fold.last_lock is not None:
            yield f"Locked: {fold.locked:,}, the longest until {units.told(fold.last_lock, fold.now)}"
    if totals := list(_totals(fold)):
        yield "In all: " + ", ".join(totals)
    if fold.troubled:
        yield from _troubles(fold)


def _troubles(fold: Fold) -> Iterator[str]:
    """What is wrong, the commonest first, each with an item that has it."""
    told = sorted(fold.troubles.items(), key=lambda pair: -pair[1].count)[:MOST_TROUBLES]
    rest = fold.troubled - sum(trouble.count for _, trouble in told)
    several = rest or any(trouble.count > 1 for _, trouble in told)
    yield f"With a problem: {fold.troubled:,}" + (" (where: problem ne null)" if several else "")
    for problem, trouble in told:
        ident = _ident(trouble.item, with_name=not fold.resource.expires)  # names of copies only repeat their time
        count = f"{trouble.count:,} × " if trouble.count > 1 else ""
        yield f"- {count}{hygiene.cell(problem, 72)}: {'first ' if count else ''}{ident}"
    if rest:
        yield f"- {rest:,} others"


def _counts(fold: Fold) -> Iterator[str]:
    same = []
    for name, counter in _alike(fold.counts):
        told = [(value, count) for value, count in counter.most_common() if value != OTHERS]
        if len(told) == 1 and counter.total() == told[0][1]:
            if told[0][0]:
                same.append(f"{name} {hygiene.cell(told[0][0])}")
            continue
        shown = [f"{hygiene.cell(value, 40) or 'none'} {count:,}" for value, count in told[:MOST_COUNTED]]
        rest = counter.total() - sum(count for _, count in told[:MOST_COUNTED])
        if rest:
            shown.append(f"{rest:,} with other values")
        if shown:
            yield f"{name}: {', '.join(shown)}"
    if same and fold.count > 1:
        yield f"All: {', '.join(same)}"


def _alike(counts: Mapping[str, Counter[str]]) -> Iterator[tuple[str, Counter[str]]]:
    """The counters, those that count the same (state and status mostly do) told as one."""
    for name, counter in counts.items():
        names = [other for other, held in counts.items() if held == counter and len(held) > 1] or [name]
        if names[0] == name:
            yield ", ".join(names), counter


def _expiry(fold: Fold) -> str:
    parts = []
    if fold.next_expiry is not None:
        parts.append(
            f"next {units.told(fold.next_expiry.when, fold.now)} {_ident(fold.next_expiry.item, with_name=False)}"
        )
    if fold.expired:
        parts.append(f"already expired {fold.expired:,}")
    if fold.endless:
        parts.append(f"without expiry {fold.endless:,}")
    return f"Expiry: {', '.join(parts)}"


def _totals(fold: Fold) -> Iterator[str]:
    for column in fold.resource.sums:
        total, told = fold.sums[column.name]
        if told:
            amount = units.size(total) if column.show == "size" else f"{total:,.0f}"
            missing = f" ({fold.count - told:,} do not say)" if told < fold.count else ""
            yield f"{column.name} {amount}{missing}"


def _ident(item: Item, *, with_name: bool = True) -> str:
    """The id, and the name a person knows the item by."""
    name = items.text(items.first(item, ("displayName", "name", "assetInfo/displayName", "assetInfo/name")))
    identity = items.text(item.get("id")) or "(no id)"
    return hygiene.cell(f"{identity} {name}".strip() if with_name else identity, 100)


# --- rows ----------------------------------------------------------------------------------------------------------


def table(
    shown: Sequence[Column], rows: Sequence[Item], now: datetime, *, reveal: bool = False, asked: bool = False
) -> list[str]:
    """Rows as a table: what is the same in all rows or most is said once; columns without values are left out.

    `asked`: the columns were asked for, so those without any value are named.
    """
    if not rows:
        return []
    cells = [[cell(column, item, now, reveal=reveal) for column in shown] for item in rows]
    kept = [n for n, column in enumerate(shown) if any(row[n] for row in cells)]
    plain = [n for n in kept if n and shown[n].name != "name"]
    same = [n for n in plain if len(rows) > 2 and len({row[n] for row in cells}) == 1]
    kept = [n for n in kept if n not in same]
    empty = [column.name for n, column in enumerate(shown) if not any(row[n] for row in cells)] if asked else []
    usual = {n: value for n in plain if n in kept and (value := _usual([row[n] for row in cells])) is not None}
    for row in cells:
        for n, value in usual.items():
            row[n] = "" if row[n] == value else row[n] or "-"
    out = [f"Same in all rows: {', '.join(f'{shown[n].name} {cells[0][n]}' for n in same)}"] if same else []
    if empty:
        out.append(f"Without a value in all rows: {', '.join(empty)}")
    if usual:
        out.append(f"In empty cells: {', '.join(f'{shown[n].name} {value}' for n, value in usual.items())}")
    timed = any(shown[n].show in TIMES for n in kept + same)
    out.append("|".join(shown[n].name for n in kept) + ("  (times UTC, ± from now)" if timed else ""))
    return out + ["|".join(row[n] for n in kept) for row in cells]


def _usual(cells: Sequence[str]) -> str | None:
    """The value of most rows, where saying it once saves enough to be worth a reader's while."""
    value, count = Counter(cells).most_common(1)[0]
    return value if count * 2 > len(cells) and count * len(value) > MOST_REPEATED else None


def cell(column: Column, item: Item, now: datetime, *, reveal: bool = False) -> str:
    """The value of a column as a cell of a table; '' without one."""
    value = column.of(item)
    if value is None:
        return ""
    if not reveal and any(hygiene.secret(path.rsplit("/", 1)[-1]) for path in column.paths):
        return hygiene.HIDDEN
    if column.show in TIMES and (when := units.moment(value)) is not None:
        if column.show == "lock" and when <= now:
            return ""  # no longer locked
        clock = "%Y-%m-%d %H:%M" if column.show == "time" else "%Y-%m-%d"
        return f"{when.strftime(clock)} {units.near(when, now)}"
    return hygiene.cell(_said(column, value), column.most)


def _said(column: Column, value: Any) -> str:
    number = units.number(value) if column.show in ("size", "percent", "count") else None
    if number is not None:
        return (
            units.size(number) if column.show == "size" else f"{number:,.0f}{'%' if column.show == 'percent' else ''}"
        )
    if isinstance(value, list):
        return "; ".join(items.text(one) for one in value)
    return _compact(value) if isinstance(value, Mapping) else items.text(value)


def _compact(value: Any) -> str:
    return json.dumps(hygiene.redacted(value), ensure_ascii=False, separators=(",", ":"), default=str)


# --- one item ------------------------------------------------------------------------------------------------------


def details(kind: str, item: Any, now: datetime, *, reveal: bool = False) -> list[str]:
    """Labelled lines of one item, most important first, without nulls. `kind`: the operation that reads or lists it."""
    if not isinstance(item, Mapping):
        return [hygiene.cell(_compact(item), LONGEST_VALUE)]
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
        elif column.show in TIMES and (when := units.moment(value)) is not None:
            yield f"{column.name}: {units.told(when, now)}"
        elif said := hygiene.cell(_said(replace(column, most=LONGEST_VALUE), value), LONGEST_VALUE):
            yield f"{column.name}: {said}"


def _rest(value: Mapping[str, Any], now: datetime, covered: set[str], prefix: str = "") -> Iterator[str]:
    """The attributes no column tells, in the order of the answer."""
    for name, held in value.items():
        path = f"{prefix}{name}"
        if name in IDLE or path in covered or held in (None, "", [], {}):
            continue
        label = hygiene.cell(path)
        if isinstance(held, Mapping):
            if all(not isinstance(one, (Mapping, list)) for one in held.values()):
                if said := _inline(held, now, covered, f"{path}/"):
                    yield f"{label}: {said}"
            elif prefix.count("/") < 6:
                yield from _rest(held, now, covered, f"{path}/")
        elif isinstance(held, list):
            yield from _elements(label, held, now)
        elif said := _scalar(name, held, now):
            yield f"{_label(path, held)}: {said}"


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
            said = _compact(held) if isinstance(held, (Mapping, list)) else _scalar(name, held, now)
        parts.append(f"{_label(str(name), held)} {hygiene.cell(said, 120)}")
    return ", ".join(parts)


def _label(name: str, value: Any) -> str:
    """The attribute's name, without a unit that what follows already says: capacityInBytes → capacity."""
    return hygiene.cell(_UNIT.sub("", name) if units.number(value) is not None else name)


def _scalar(name: str, value: Any, now: datetime) -> str:
    number = units.number(value)
    if number is not None and _BYTES.search(name):
        return units.size(number)
    if number is not None and _MIB.search(name):
        return units.size(number * units.MIB)
    if number is not None and name.endswith("InSeconds"):
        return units.duration(number)
    if isinstance(value, str) and len(value) >= 19 and (when := units.moment(value)) is not None:
        return units.told(when, now)
    return hygiene.cell(items.text(value), LONGEST_VALUE)


def chosen(path: str, kind: str, resource: Resource) -> Column:
    """The column for an attribute that `select` asks for: one of ours by name, or read as it is."""
    if kind in ("", "any") and (ours := next((c for c in resource.every if c.name == path), None)) is not None:
        return ours
    if _MIB.search(path) or _BYTES.search(path):
        return columns.size(path)
    if kind == "time":
        return columns.time(path)
    read = items.every if kind != "any" else (lambda item, paths: items.first_raw(item, paths[0]))
    return Column(path, (path,), read=read, most=120)


def json_summary(fold: Fold) -> dict[str, Any]:
    """What is told of all items folded, as JSON."""
    out: dict[str, Any] = {
        "counts": {
            name: {value or "none": count for value, count in counter.most_common(50)}
            for name, counter in fold.counts.items()
        }
    }
    if fold.resource.point is not None and fold.oldest is not None and fold.newest is not None:
        out[fold.resource.point.name] = {"oldest": _instant(fold.oldest), "newest": _instant(fold.newest)}
    if fold.resource.expires:
        out["expiry"] = {"next": _instant(fold.next_expiry), "expired": fold.expired, "withoutExpiry": fold.endless}
        out["locked"] = fold.locked
    out["sums"] = {name: {"sum": total, "items": told} for name, (total, told) in fold.sums.items()}
    out["withProblem"] = {
        "count": fold.troubled,
        "problems": [
            {"problem": problem, "count": trouble.count, "firstId": trouble.item.get("id")}
            for problem, trouble in sorted(fold.troubles.items(), key=lambda pair: -pair[1].count)[:20]
        ],
    }
    return out


def _instant(edge: Edge | None) -> dict[str, Any] | None:
    if edge is None:
        return None
    return {"at": edge.when.isoformat().replace("+00:00", "Z"), "id": edge.item.get("id")}


def fitting(rows: Iterable[str], room: int) -> list[str]:
    """As many whole rows as fit into so many bytes."""
    kept: list[str] = []
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0:
            break
        kept.append(row)
    return kept
