"""What an asset can still be restored from when a copy of it goes: by where it lies, and what can be relied on.

LAST of its kind (off the array, off site, verified, locked) weighs as LAST. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import Finding, Gravity, Subject, item_at, quoted
from .reads import path_of
from .recovery_point_facts import GOING, flaw_of, is_locked, is_verified, place_of

UNSURE = "whether another recovery point remains is not known"
PLACES = ("on the array", "on premises", "off site", "in a place that is not known")
Copy = Mapping[str, Any]


def remaining_points(s: Subject, until: datetime) -> Iterator[Finding]:
    """What remains when the copy is gone (at `until`), and of which kind it is the last."""
    lists = [s.found(place) for place in ("backups", "snapshots")]
    whole = all(found.whole for found in lists)
    copies, gone = _others(s, until)
    flaws = Counter(flaw for _, copy in copies if (flaw := flaw_of(copy, s.now, stores(s))))
    others = [(place, copy) for place, copy in copies if not flaw_of(copy, s.now, stores(s))]
    besides = Counter({"on the way out": gone} if gone else {}) + flaws
    if not others and not whole:
        yield Finding(f"{UNSURE[:1].upper()}{UNSURE[1:]}.", Gravity.GRAVE, UNSURE, danger=Danger.DESTROY)
        return
    if not others:
        yield _last(s, until, flaws, alone=not gone)
        return
    yield from _last_of_kind(s, others, whole=whole)
    remain = "; ".join(_groups(s, others))
    not_counted = f" Not counted, since nobody can rely on them: {_render(besides)}." if besides else ""
    yield Finding(f"{'Would' if whole else 'At least these would'} remain: {remain}.{not_counted}")
    ends = [at for _, o in others if (at := units.parse_time(o.get("expiresAt"))) and s.now < at <= until]
    if ends:
        yield Finding(f"Expired by then too, of these: {len(ends):,}.", Gravity.NOTABLE)
    points = [at for _, o in others if (at := units.parse_time(o.get("pointInTime")))]
    mine = units.parse_time(s.resource.get("pointInTime"))
    if mine and whole and points and mine > max(points):
        older = times.describe_span(mine - max(points))
        yield Finding(
            f"It is the newest one: the next is {older} older, so that much can be lost.",
            Gravity.NOTABLE,
            "the newest recovery point",
        )


def stores(s: Subject) -> Mapping[Any, Copy]:
    """The protection stores by id, as far as they could be read."""
    return {store.get("id"): store for store in s.found("stores").items}


def _others(s: Subject, until: datetime) -> tuple[list[tuple[str, Copy]], int]:
    """The other copies of the asset that are there at `until`, and how many consent or the same plan ends before."""
    base = s.target.path.rpartition("/")[0].rpartition("/")[0]
    stay: list[tuple[str, Copy]] = []
    gone = 0
    for place in ("backups", "snapshots"):
        for item in s.found(place).items:
            path = path_of(base, place, item.get("id"))
            if path == s.target.path or item.get("state") in GOING:
                continue
            if path in s.leaving and s.leaving[path] <= until:
                gone += 1
            else:
                stay.append((place, item))
    return stay, gone


def _groups(s: Subject, others: list[tuple[str, Copy]]) -> Iterator[str]:
    """The copies by where they lie: how many, the newest, how many of them verified and locked."""
    for where in PLACES:
        these = [copy for place, copy in others if place_of(copy, place) == where]
        if not these:
            continue
        points = [at for copy in these if (at := units.parse_time(copy.get("pointInTime")))]
        verified = sum(is_verified(copy) for copy in these)
        locked = sum(is_locked(copy, s.now) for copy in these)
        facts = [f"the newest of {times.describe_when(max(points), s.now)}"] if points else []
        facts += [f"{verified:,} verified"] if verified else []
        facts += [f"{locked:,} locked"] if locked else []
        yield f"{len(these):,} {where}" + (f" ({', '.join(facts)})" if facts else "")


def _last_of_kind(s: Subject, others: list[tuple[str, Copy]], *, whole: bool) -> Iterator[Finding]:
    """Of which kind the copy is the last, though others remain."""
    mine = s.target.path.split("/")[-2]
    if flaw_of(s.resource, s.now, stores(s)):
        return
    kinds: tuple[tuple[str, Callable[[str, Copy], bool]], ...] = (
        ("off the array", lambda place, copy: place_of(copy, place) in ("on premises", "off site")),
        ("off site", lambda place, copy: place_of(copy, place) == "off site"),
        ("that is verified", lambda _, copy: is_verified(copy)),
        ("that is locked", lambda _, copy: is_locked(copy, s.now)),
    )
    for words, test in kinds:
        if not test(mine, s.resource) or any(test(place, copy) for place, copy in others):
            continue
        if not whole:
            yield Finding(
                f"Whether another recovery point {words} remains is not known.",
                Gravity.GRAVE,
                f"whether another recovery point {words} remains is not known",
                danger=Danger.DESTROY,
            )
            continue
        where = {place_of(copy, place) for place, copy in others}
        left = " and ".join(sorted(where))
        why = (
            f" What remains lies {left} and goes with it."
            if words == "off the array"
            else f" What remains lies {left}."
        )
        yield Finding(
            f"It is the LAST recovery point {words}.{why if words in ('off the array', 'off site') else ''}",
            Gravity.GRAVE,
            f"the LAST recovery point {words}",
            f"LAST recovery point {words}{_of_whom(s)}.",
            Danger.DESTROY,
        )
        if words == "off the array":
            return


def _of_whom(s: Subject) -> str:
    name = item_at(s.found("asset").resource, "displayName") or item_at(s.found("asset").resource, "name")
    return f" of {quoted(name, 50)}" if name else ""


def _render(counts: Counter[str]) -> str:
    return " and ".join(f"{count:,} {word}" for word, count in sorted(counts.items()))


def _last(s: Subject, until: datetime, flaws: Counter[str], *, alone: bool) -> Finding:
    this = "this" if alone else "this and the others on their way out"
    then = f"Without {this} nothing can be restored."
    if until > s.now:
        then = (
            f"Once {this} {'has' if alone else 'have'} expired, nothing can be restored, unless another is made before."
        )
    of = _of_whom(s)
    if not flaws:
        words, warning, short = (
            f"It is the LAST recovery point. {then}",
            "the LAST recovery point",
            f"LAST recovery point{of}: nothing can be restored without it.",
        )
    else:
        what = f"{_render(flaws)} {'remains' if flaws.total() == 1 else 'remain'}"
        flaw = flaw_of(s.resource, s.now, stores(s))
        words = f"It is the LAST usable recovery point; {what}. {then}"
        warning, short = (
            "the LAST usable recovery point",
            f"LAST usable recovery point{of}: nothing can be restored without it.",
        )
        if flaw:
            words = f"No usable recovery point: it is {flaw} itself; {what}."
            warning, short = "no usable recovery point remains", f"No usable recovery point{of} remains."
    return Finding(words, Gravity.GRAVE, warning, short, Danger.DESTROY)
