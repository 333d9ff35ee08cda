"""What recovery points an asset keeps when one goes: how many, how new, of which use; whether the one is the last.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units

from . import times
from .model import Subject, counted
from .reads import path_of
from .recovery_point_facts import GOING, flaw_of

UNSURE = "whether another recovery point remains is not known"


def remaining_points(s: Subject, until: datetime) -> tuple[list[str], str]:
    """What remains when the copy is gone (at `until`), and whether that is remarkable."""
    copies, gone = _others(s, until)
    flaws = Counter(flaw for flaw in (flaw_of(copy, s.now) for copy in copies) if flaw)
    going = Counter({"on the way out": gone} if gone else {})
    others = [copy for copy in copies if not flaw_of(copy, s.now)]
    lists = [s.found(place) for place in ("backups", "snapshots")]
    whole = all(found.whole for found in lists)
    if not others:
        if not whole:
            return [f"{UNSURE[:1].upper()}{UNSURE[1:]}."], UNSURE
        return _last(s, until, flaws, alone=not gone)
    remain = f"{'' if whole else 'At least '}{counted(len(others), 'other recovery point')} would remain"
    besides = [f"Not counted: {_render(flaws + going)}."] if flaws or going else []
    ends = [m for m in (units.parse_time(o.get("expiresAt")) for o in others) if m and s.now < m <= until]
    besides += [f"Expired by then too, of these: {len(ends):,}."] if ends else []
    points = [m for m in (units.parse_time(o.get("pointInTime")) for o in others) if m]
    if not points:
        return [remain + ".", *besides], ""
    remain += f", the newest of {times.describe_when(max(points), s.now)}."
    mine = units.parse_time(s.resource.get("pointInTime"))
    if mine and whole and mine > max(points):
        return [remain, *besides, "It is the newest one."], "the newest recovery point"
    return [remain, *besides], ""


def _others(s: Subject, until: datetime) -> tuple[list[Mapping[str, Any]], int]:
    """The other copies of the asset that are there at `until`, and how many consent or the same plan ends before."""
    base = s.target.path.rpartition("/")[0].rpartition("/")[0]
    stay, gone = [], 0
    for place in ("backups", "snapshots"):
        for item in s.found(place).items:
            path = path_of(base, place, item.get("id"))
            if path == s.target.path or item.get("state") in GOING:
                continue
            if path in s.leaving and s.leaving[path] <= until:
                gone += 1
            else:
                stay.append(item)
    return stay, gone


def _render(counts: Counter[str]) -> str:
    return " and ".join(f"{count:,} {word}" for word, count in sorted(counts.items()))


def _last(s: Subject, until: datetime, flaws: Counter[str], *, alone: bool) -> tuple[list[str], str]:
    this = "this" if alone else "this and the others on their way out"
    then = f"Without {this} nothing can be restored."
    if until > s.now:
        then = (
            f"Once {this} {'has' if alone else 'have'} expired, nothing can be restored, unless another is made before."
        )
    if not flaws:
        return [f"It is the LAST recovery point. {then}"], "the LAST recovery point"
    what = f"{_render(flaws)} {'remains' if flaws.total() == 1 else 'remain'}"
    if flaw := flaw_of(s.resource, s.now):
        return [f"No usable recovery point: it is {flaw} itself; {what}."], "no usable recovery point remains"
    return [f"It is the LAST usable recovery point; {what}. {then}"], "the LAST usable recovery point"
