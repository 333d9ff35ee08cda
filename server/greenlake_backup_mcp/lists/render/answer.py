"""What reading a list brought, as text or JSON within the budget; the last line says how to go on.

Knows nothing of HTTP or MCP. Counts are worded in summaries.py, rows in rows.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.lists.filters import matching as filters
from greenlake_backup_mcp.lists.query import ROWS, Query, Strategy
from greenlake_backup_mcp.lists.read import paging
from greenlake_backup_mcp.lists.read.aggregate import Aggregate
from greenlake_backup_mcp.lists.views.extractors import Item
from greenlake_backup_mcp.text import masking, sanitize, units

from . import json_cut, rows, summaries

LARGEST_CALL = 3  # the part of an answer that the next call may take
UNREAD = "The rest was not looked at: narrow it with filter, or raise GREENLAKE_MCP_SCAN_CAP."


@dataclass(frozen=True)
class Outcome:
    """What carrying out a query brought."""

    query: Query
    way: Strategy
    fold: Aggregate
    rows: Sequence[Item]
    scan: paging.Scan
    more: bool  # rows follow those kept
    uncompared: Mapping[str, int] = field(default_factory=dict)  # attribute of `where` → items that have no value


def text(outcome: Outcome, room: int, reveal: bool) -> list[str]:
    """Lines of at most `room` bytes: the summary, the table, how to go on. Rows that do not fit are counted."""
    query = outcome.query
    head = [*_heading(outcome), *(summaries.lines(outcome.fold) if query.whole else ())]
    table = rows.table(query.view_columns, outcome.rows, query.now, reveal=reveal)
    before, body = table[: len(table) - len(outcome.rows)], table[len(table) - len(outcome.rows) :]
    left = room - sum(len(line.encode()) + 1 for line in (*head, *before))
    fitting = rows.fit_rows(body, left - 300 - min(len(_call(query, {})), room // LARGEST_CALL))
    tail = _tail(outcome, len(fitting), room)
    while len(head) > 1 and sum(len(line.encode()) + 1 for line in (*head, *tail)) > room:
        head.pop()  # the last line, which tells how to go on, stays
    return [*head, *(before if fitting else ()), *fitting, *tail]


def _heading(outcome: Outcome) -> list[str]:
    query, scan, fold = outcome.query, outcome.scan, outcome.fold
    noun = query.resource.noun
    nouns = units.plural(2, noun)[2:]
    count = scan.read if scan.whole else scan.total  # the number that "matches" or "match" follows
    by_filter = f" that {'matches' if count == 1 else 'match'} filter (done by the service)" if query.filter else ""
    if not query.whole and query.where is None:
        total = f"an unknown number of {nouns}" if scan.total is None else units.plural(scan.total, noun)
        return [f"Page of {total}{by_filter}.", *(f"But {note}." for note in scan.notes)]
    if scan.whole:
        lines = [f"{units.plural(scan.read, noun)}{by_filter}." if scan.read else f"No {nouns}{by_filter}."]
    else:
        suffix = f" of {scan.total:,}" if scan.total is not None else ""
        only = ": the summary is about these only" if query.whole else " read"
        lines = [f"First {scan.read:,}{suffix} {nouns}{by_filter}{only}."]
    if query.where is not None:
        matching = "matches" if fold.count == 1 else "match"
        lines.append(f"{fold.count:,} of these {scan.read:,} {matching} where (evaluated here).")
        missing = ", ".join(f"{number:,} have no {sanitize.cell(name)}" for name, number in outcome.uncompared.items())
        lines += [f"Not compared: {missing}."] if missing else []
    if scan.failure is not None:
        lines.append(f"The rest could not be read: {sanitize.cell(scan.failure.message, 200)}")
    if scan.notes:
        lines.append(f"While reading: {'; '.join(scan.notes)}.")
    if query.order:
        of_these = "" if scan.whole else f", of the first {scan.read:,} only: what was not read may belong before them"
        lines.append(f"Sorted here{of_these}." if outcome.way.sort_here else "Sorted by the service.")
    return lines


def _tail(outcome: Outcome, row_count: int, room: int) -> list[str]:
    """How much is shown, and the exact call that goes on, or as much of it as there is room for."""
    query, scan = outcome.query, outcome.scan
    dropped = len(outcome.rows) - row_count
    if not dropped and not row_count and (query.limit or not outcome.more):
        return _nothing(outcome)
    if dropped and not row_count:
        if query.whole:
            return [f"No room for rows beside the summary. Without it: {_call(query, {'summary': 'page'}, room)}"]
        short = query.resource.columns[min(1, len(query.resource.columns) - 1)].name
        select = {"select": short} if query.arguments.get("select") != short else {"output": "json"}
        return [f"The first row alone is larger than the answer may be. Fewer columns: {_call(query, select, room)}"]
    if not row_count:
        return [f"Rows: {_call(query, {'limit': ROWS}, room)}"]
    coverage = _coverage(outcome)
    wanted = (
        query.arguments.get("limit", ROWS)
        if coverage is None
        else min(query.arguments.get("limit", ROWS), coverage - query.offset)
    )
    lines = [f"{max(dropped, wanted - row_count):,} rows left out: the answer's budget is full."] if dropped else []
    suffix = f" of {coverage:,}" if coverage is not None else ""
    first, last = query.offset + 1, query.offset + row_count
    span = f"Row {first:,}{suffix}" if row_count == 1 else f"Rows {first:,}-{last:,}{suffix}"
    if outcome.more or dropped:
        return [*lines, f"{span}. Next: {_call(query, _next(outcome, row_count), room)}"]
    if not scan.whole and (query.where is not None or outcome.way.sort_here):
        return [*lines, f"{span}; no more among those read. {UNREAD}"]
    return [*lines, f"{span}; no more.{_one(query)}"]


def _coverage(outcome: Outcome) -> int | None:
    """How many rows there are in all, if that is known."""
    if outcome.query.where is not None:
        return outcome.fold.count if outcome.scan.whole else None
    return outcome.scan.total if outcome.scan.whole or not outcome.way.sort_here else None


def _nothing(outcome: Outcome) -> list[str]:
    """Where there may be something, if there is nothing here."""
    query = outcome.query
    if query.offset and (outcome.scan.read or not outcome.scan.whole):
        return [f"No rows at offset {query.offset:,}. The first: {_call(query, {'offset': None, 'summary': None})}"]
    if query.where is not None and outcome.scan.read:
        if not outcome.scan.whole:
            return [UNREAD]
        return [f"Without where: {_call(query, {'where': None})}"]
    if query.filter is None:
        return []
    if (parts := filters.loosen(query.filter, query.kinds)) is None or query.where is not None:
        return [f"Without filter: {_call(query, {'filter': None})}"]
    return [
        f"filter compares whole values; parts of them, in any case: {_call(query, {'filter': None, 'where': parts})}"
    ]


def _one(query: Query) -> str:
    """The tool that shows one item in full."""
    if query.reader is None:
        return ""
    *outer, own = (a.name for a in query.reader.arguments.values() if a.place == "path")
    arguments = {name: query.arguments.get(name, f"<{name}>") for name in outer} | {own: "<id>"}
    return f" One in full: {query.reader.name} {json.dumps(arguments, ensure_ascii=False)}"


def _next(outcome: Outcome, row_count: int) -> dict[str, Any]:
    query = outcome.query
    changed: dict[str, Any] = {"offset": query.offset + row_count}
    if query.where is None and not outcome.way.sort_here:
        changed["summary"] = "page"  # the summary would be the same
    return changed


def _call(query: Query, changed: Mapping[str, Any], room: int | None = None) -> str:
    """The call with other arguments; where it is too long to repeat, what changes."""
    arguments = {name: value for name, value in {**query.arguments, **changed}.items() if value is not None}
    call = f"{query.tool.name} {json.dumps(arguments, ensure_ascii=False)}"
    if room is not None and len(call.encode()) > room // LARGEST_CALL:
        return f"the same call with {json.dumps(changed, ensure_ascii=False)}"
    return call


def value(outcome: Outcome, room: int, reveal: bool) -> dict[str, Any]:
    """The same as JSON, with the items as the service sent them; secrets are hidden unless `reveal`."""
    query = outcome.query
    items = [
        _pick(query, masking.redact(json_cut.cut_json(item, room) if json_cut.is_large(item) else dict(item), reveal))
        for item in outcome.rows
    ]
    out: dict[str, Any] = {
        "total": _coverage(outcome),
        "offset": query.offset,
        "about": " ".join(_heading(outcome)),
    }
    if query.whole:
        out["summary"] = summaries.json_summary(outcome.fold)
    room -= len(json.dumps(out, ensure_ascii=False, default=str).encode()) + 500
    fitting = rows.fit_rows((json.dumps(row, ensure_ascii=False) for row in items), room)
    dropped = len(items) - len(fitting)
    out |= {"count": len(fitting), "items": items[: len(fitting)]}
    if dropped:
        out["leftOut"] = f"{dropped} items: the answer's budget is full. Select fewer properties, or go on."
    if dropped and not fitting:
        return _first_cut(query, items, out, room)
    if outcome.more or dropped:
        changed = _next(outcome, len(fitting)) if query.limit else {"limit": ROWS}
        out["next"] = _render_rows(query, changed)
    return out


def _first_cut(query: Query, items: Sequence[Mapping[str, Any]], out: dict[str, Any], room: int) -> dict[str, Any]:
    """The answer where not even one item fits: without the summary, and the item with what is large in it cut."""
    left = ["items beyond the first"] if len(items) > 1 else []
    if "summary" in out:
        room += json_cut.json_size(out.pop("summary"))
        left.insert(0, "the summary")
    first = json_cut.cut_json(items[0], room)
    if json_cut.NOTES in first:
        left.append(f"parts of item {query.offset + 1} (its leftOut)")
    out |= {"count": 1, "items": [first]}
    out["leftOut"] = f"Left out: {', '.join(left)}: the answer's budget is full. Select fewer properties."
    out["next"] = _render_rows(query, {"offset": query.offset + 1, "summary": "page"})
    return out


def _render_rows(query: Query, changed: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool": query.tool.name, "arguments": {**query.arguments, **changed}}


def _pick(query: Query, item: Item) -> dict[str, Any]:
    """What `select` asked for of an item; all of it without."""
    if not query.picked:
        return dict(item)
    wanted = {"id", *(path.split("/", 1)[0] for path in query.picked)}
    out = {name: value for name, value in item.items() if name in wanted}
    return out | {c.name: c.value_of(item) for c in query.view_columns if c.name not in item and "/" not in c.name}
