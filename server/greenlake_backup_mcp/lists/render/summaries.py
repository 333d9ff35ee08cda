"""A collection as text for a model: counts, extremes, sums, what wants attention; the same as JSON.

Knows how things are said, not where they come from: no HTTP, no tools.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.lists.read.aggregate import OTHERS, Aggregate, Extreme
from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.lists.views.extractors import Item
from greenlake_backup_mcp.text import sanitize, units

MOST_COUNTED = 6  # values told of a counted field
MOST_OF_PROBLEM = 160
MOST_TROUBLES = 8  # kinds of problems told with an item that has them; the others are named with their counts
MOST_OTHERS = 1500
_WORD = re.compile(r"[^\W\d][\w./:@-]*")


def lines(fold: Aggregate) -> Iterator[str]:
    """What is told of all items folded, without the rows."""
    yield from _counts(fold)
    if fold.oldest is not None and fold.newest is not None and fold.resource.point is not None:
        newest, oldest = units.relative(fold.newest.when, fold.now), units.relative(fold.oldest.when, fold.now)
        ranked = newest if newest == oldest else f"newest {newest}, oldest {oldest}"
        ranked += f", {fold.timeless:,} without" if fold.timeless else ""
        yield f"{fold.resource.point.name}: {ranked}" + (f"; {_unusable(fold)}" if fold.unusable else "")
    elif fold.unusable and fold.resource.point is not None:
        yield f"{fold.resource.point.name}: none that can be used ({_unusable(fold)})"
    if fold.resource.expires and fold.count:
        yield _expiry(fold)
        if fold.usable:
            newest = ", ".join(
                f"{kind} {units.relative(extreme.when, fold.now)}".strip()
                for kind, extreme in sorted(fold.usable.items(), key=lambda pair: pair[1].when, reverse=True)
            )
            yield f"Newest usable by state and expiry (its store is not looked at): {sanitize.cell(newest, 300)}"
        broken = f"; locked, but broken: {fold.locked_bad:,}" if fold.locked_bad else ""
        if fold.locked and fold.last_lock is not None:
            yield f"Locked: {fold.locked:,}, the longest until {units.relative(fold.last_lock, fold.now)}{broken}"
        else:
            yield f"Locked: none{broken}"
    for alike in sorted(fold.alike):
        if totals := list(_totals(fold, alike)):
            yield f"Sum{f' of {sanitize.cell(alike, 60)}' if alike else ''}: " + ", ".join(totals)
    if fold.troubled:
        yield from _problems(fold)


def _unusable(fold: Aggregate) -> str:
    return f"{fold.unusable:,} being made, deleted or in error left out"


def _problems(fold: Aggregate) -> Iterator[str]:
    """What is wrong, the commonest first, each with an item that has it."""
    every = sorted(fold.troubles.items(), key=lambda pair: -pair[1].count)
    ranked, others = every[:MOST_TROUBLES], every[MOST_TROUBLES:]
    rest = fold.troubled - sum(trouble.count for _, trouble in ranked)
    several = rest or any(trouble.count > 1 for _, trouble in ranked)
    yield f"With a problem: {fold.troubled:,}" + (" (where: problem ne null)" if several else "")
    for problem, trouble in ranked:
        words = sanitize.cell(problem, MOST_OF_PROBLEM)
        ident = _ident(trouble.item, with_name=not fold.resource.expires, beside=words)  # copies: named by their time
        yield f"- {trouble.count:,} × {words} (first: {ident})" if trouble.count > 1 else f"- {words} ({ident})"
    if rest:
        named = "; ".join(f"{trouble.count:,} × {sanitize.cell(problem, 60)}" for problem, trouble in others)
        unnamed = rest - sum(trouble.count for _, trouble in others)
        yield f"- {rest:,} others: {sanitize.cell(named, MOST_OTHERS)}" + (f"; {unnamed:,} more" if unnamed else "")


def _counts(fold: Aggregate) -> Iterator[str]:
    same = []
    for name, counter in _same_values(fold.counts):
        ranked = [(value, count) for value, count in counter.most_common() if value != OTHERS]
        if len(ranked) == 1 and counter.total() == ranked[0][1] == fold.count:
            if ranked[0][0]:
                same.append(f"{name} {_value(ranked[0][0])}")
            continue
        values = [f"{_value(value)} {count:,}" for value, count in ranked[:MOST_COUNTED]]
        rest = counter.total() - sum(count for _, count in ranked[:MOST_COUNTED])
        if rest:
            values.append(f"{rest:,} with other values")
        if values:
            several = f" (several per {fold.resource.noun})" if counter.total() > fold.count else ""
            yield f"{name}{several}: {', '.join(values)}"
    if same and fold.count > 1:
        yield f"All {fold.count:,}: {', '.join(same)}"


def _value(value: str) -> str:
    """A counted value: in quotes where it could be taken for more or less than it is."""
    if not value:
        return "none"
    return sanitize.cell(value, 60) if _WORD.fullmatch(value) and value != "none" else sanitize.quoted(value, 60)


def _same_values(counts: Mapping[str, Counter[str]]) -> Iterator[tuple[str, Counter[str]]]:
    """The counters, those that count the same (state and status mostly do) told as one."""
    for name, counter in counts.items():
        names = [other for other, held in counts.items() if held == counter and len(held) > 1] or [name]
        if names[0] == name:
            yield ", ".join(names), counter


def _expiry(fold: Aggregate) -> str:
    parts = []
    if fold.next_expiry is not None:
        parts.append(
            f"next {units.relative(fold.next_expiry.when, fold.now)} {_ident(fold.next_expiry.item, with_name=False)}"
        )
    if fold.last_expiry is not None and fold.next_expiry is not None and fold.last_expiry.when > fold.next_expiry.when:
        parts.append(f"last usable {units.relative(fold.last_expiry.when, fold.now)}")
    if fold.expired:
        parts.append(f"already expired {fold.expired:,}")
    if fold.endless:
        parts.append(f"without expiry {fold.endless:,}")
    return f"Expiry: {', '.join(parts)}"


def _totals(fold: Aggregate, alike: str) -> Iterator[str]:
    """The sums over the items that are alike: what cloud stores use is no part of a capacity on premises."""
    for column in fold.resource.sums:
        total, ranked = fold.sums.get((alike, column.name), (0, 0))
        if ranked:
            amount = units.size(total) if column.show == "size" else f"{total:,.0f}"
            missing = f" ({fold.alike[alike] - ranked:,} do not say)" if ranked < fold.alike[alike] else ""
            yield f"{column.name} {amount}{missing}"


def _ident(item: Item, *, with_name: bool = True, beside: str = "") -> str:
    """The id, and the name a person knows the item by unless it is told `beside`."""
    name = extractors.text(extractors.first(item, ("displayName", "name", "assetInfo/displayName", "assetInfo/name")))
    identity = extractors.text(item.get("id")) or "(no id)"
    return sanitize.cell(f"{identity} {name}".strip() if with_name and name not in beside else identity, 120)


def json_summary(fold: Aggregate) -> dict[str, Any]:
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
        out["newestUsable"] = {kind or "all": _instant(extreme) for kind, extreme in fold.usable.items()}
        out["lockedInError"] = fold.locked_bad
        out["expiry"] = {
            "next": _instant(fold.next_expiry),
            "last": _instant(fold.last_expiry),
            "expired": fold.expired,
            "withoutExpiry": fold.endless,
        }
        out["locked"] = fold.locked
    out["sums"] = {
        f"{name} {alike}".strip(): {"sum": total, "items": ranked}
        for (alike, name), (total, ranked) in fold.sums.items()
    }
    out["withProblem"] = {
        "count": fold.troubled,
        "problems": [
            {"problem": problem, "count": trouble.count, "firstId": trouble.item.get("id")}
            for problem, trouble in sorted(fold.troubles.items(), key=lambda pair: -pair[1].count)
        ],
    }
    return out


def _instant(edge: Extreme | None) -> dict[str, Any] | None:
    if edge is None:
        return None
    return {"at": units.instant(edge.when), "id": edge.item.get("id")}
