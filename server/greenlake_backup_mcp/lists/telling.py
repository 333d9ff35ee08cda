"""What reading a list brought, as text or JSON within the budget; the last line says how to go on.

Knows nothing of HTTP or MCP. Counts are worded in summaries.py, rows in rows.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp import hygiene, units

from . import filters, paging, rows, summaries
from .folding import Fold
from .items import Item
from .queries import ROWS, Query, Way


@dataclass(frozen=True)
class Outcome:
    """What carrying out a query brought."""

    query: Query
    way: Way
    fold: Fold
    rows: Sequence[Item]
    scan: paging.Scan
    more: bool  # rows follow those kept


def text(outcome: Outcome, room: int, reveal: bool) -> list[str]:
    """Lines of at most `room` bytes: the summary, the table, how to go on. Rows that do not fit are counted."""
    query = outcome.query
    head = [*_head(outcome), *(summaries.lines(outcome.fold) if query.whole else ())]
    table = rows.table(query.shown, outcome.rows, query.now, reveal=reveal)
    before, body = table[: len(table) - len(outcome.rows)], table[len(table) - len(outcome.rows) :]
    last_room = 300 + sum(len(str(value)) for value in query.given.values())
    room -= sum(len(line.encode()) + 1 for line in (*head, *before)) + last_room
    kept = rows.fitting(body, room)
    return [*head, *(before if kept else ()), *kept, *_tail(outcome, len(kept))]


def _head(outcome: Outcome) -> list[str]:
    query, scan, fold = outcome.query, outcome.scan, outcome.fold
    noun = query.resource.noun
    nouns = units.plural(2, noun)[2:]
    said = scan.read if scan.whole else scan.total  # the number that "matches" or "match" follows
    by_filter = f" that {'matches' if said == 1 else 'match'} filter (done by the service)" if query.filter else ""
    if not query.whole and query.where is None:
        total = f"an unknown number of {nouns}" if scan.total is None else units.plural(scan.total, noun)
        return [f"Page of {total}{by_filter}."]
    if scan.whole:
        lines = [f"{units.plural(scan.read, noun)}{by_filter}." if scan.read else f"No {nouns}{by_filter}."]
    else:
        of = f" of {scan.total:,}" if scan.total is not None else ""
        lines = [f"First {scan.read:,}{of} {nouns}{by_filter}: the summary is about these only."]
    if query.where is not None:
        matching = "matches" if fold.count == 1 else "match"
        lines.append(f"{fold.count:,} of these {scan.read:,} {matching} where (evaluated here).")
    if scan.failure is not None:
        lines.append(f"The rest could not be read: {hygiene.cell(scan.failure.message, 200)}")
    if scan.notes:
        lines.append(f"While reading: {'; '.join(scan.notes)}.")
    if query.order:
        lines.append(f"Sorted {'here' if outcome.way.sort_here else 'by the service'}.")
    return lines


def _tail(outcome: Outcome, shown: int) -> list[str]:
    """How much is shown, and the exact call that goes on."""
    query, scan = outcome.query, outcome.scan
    known = scan.total
    if query.where is not None:
        known = outcome.fold.count if scan.whole else None
    dropped = len(outcome.rows) - shown
    if not shown and not outcome.more and not dropped:
        return _nothing(outcome)
    if dropped and not shown:
        select = {"select": "name"} if query.given.get("select") != "name" else {"output": "json"}
        return [f"The first row alone is larger than the answer may be. Fewer columns: {_call(query, select)}"]
    lines = [f"{dropped:,} rows left out: the answer's budget is full."] if dropped else []
    if not shown:
        return [*lines, f"Rows: {_call(query, {'limit': ROWS})}"]
    of = f" of {known:,}" if known is not None else ""
    first, last = query.offset + 1, query.offset + shown
    span = f"Row {first:,}{of}" if shown == 1 else f"Rows {first:,}-{last:,}{of}"
    if outcome.more or dropped:
        return [*lines, f"{span}. Next: {_call(query, _next(outcome, shown))}"]
    return [*lines, f"{span}; no more.{_one(query)}"]


def _nothing(outcome: Outcome) -> list[str]:
    """Where there may be something, if there is nothing here."""
    query = outcome.query
    if query.offset and (outcome.scan.read or outcome.scan.total):
        return [f"No rows at offset {query.offset:,}. The first: {_call(query, {'offset': None, 'summary': None})}"]
    if query.where is not None and outcome.scan.read:
        return [f"Without where: {_call(query, {'where': None})}"]
    if query.filter is None:
        return []
    if (parts := filters.loosened(query.filter, query.kinds)) is None or query.where is not None:
        return [f"Without filter: {_call(query, {'filter': None})}"]
    return [
        f"filter compares whole values; parts of them, in any case: {_call(query, {'filter': None, 'where': parts})}"
    ]


def _one(query: Query) -> str:
    """The tool that shows one item in full."""
    if query.reader is None:
        return ""
    *outer, own = (a.name for a in query.reader.arguments.values() if a.place == "path")
    arguments = {name: query.given.get(name, f"<{name}>") for name in outer} | {own: "<id>"}
    return f" One in full: {query.reader.name} {json.dumps(arguments, ensure_ascii=False)}"


def _next(outcome: Outcome, shown: int) -> dict[str, Any]:
    query = outcome.query
    changed: dict[str, Any] = {"offset": query.offset + shown}
    if query.where is None and not outcome.way.sort_here:
        changed["summary"] = "page"  # the summary would be the same
    return changed


def _call(query: Query, changed: Mapping[str, Any]) -> str:
    arguments = {name: value for name, value in {**query.given, **changed}.items() if value is not None}
    return f"{query.tool.name} {json.dumps(arguments, ensure_ascii=False)}"


def value(outcome: Outcome, room: int, reveal: bool) -> dict[str, Any]:
    """The same as JSON, with the items as the service sent them; secrets are hidden unless `reveal`."""
    query, scan = outcome.query, outcome.scan
    found = [_picked(query, hygiene.redacted(dict(item), reveal)) for item in outcome.rows]
    out: dict[str, Any] = {
        "total": outcome.fold.count if query.where is not None else scan.total,
        "offset": query.offset,
        "about": " ".join(_head(outcome)),
    }
    if query.whole:
        out["summary"] = summaries.json_summary(outcome.fold)
    room -= len(json.dumps(out, ensure_ascii=False, default=str).encode()) + 500
    kept = rows.fitting((json.dumps(row, ensure_ascii=False) for row in found), room)
    dropped = len(found) - len(kept)
    out |= {"count": len(kept), "items": found[: len(kept)]}
    if dropped:
        out["leftOut"] = f"{dropped} items: the answer's budget is full. Select fewer properties, or go on."
    if (outcome.more or dropped) and kept:
        arguments = {**query.given, **_next(outcome, len(kept))}
        out["next"] = {"tool": query.tool.name, "arguments": arguments}
    elif dropped:
        out["next"] = "The first item alone is larger than the budget: use select, or output table."
    return out


def _picked(query: Query, item: Item) -> dict[str, Any]:
    """What `select` asked for of an item; all of it without."""
    if not query.picked:
        return dict(item)
    wanted = {"id", *(path.split("/", 1)[0] for path in query.picked)}
    out = {name: value for name, value in item.items() if name in wanted}
    return out | {c.name: c.of(item) for c in query.shown if c.name not in item and "/" not in c.name}
