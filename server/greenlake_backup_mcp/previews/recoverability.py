"""What an asset can still be restored from when a copy of it goes: by where it lies, and what can be relied on.

LAST of its kind (off the array, off site, verified, locked) weighs as LAST. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .model import Finding, Subject, grave, notable
from .phrases import item_at, joined, quoted
from .reads import path_of
from .recovery_point_facts import AWAITED, GOING, flaw_of, is_locked, is_verified, place_of, store_of_copy
from .tenant_facts import leaving_stores, stores

UNSURE = "whether another recovery point remains is not known"
PLACES = ("on the array", "on premises", "off site", "in a place that is not known")
UNFINISHED = ("in error", "still being made")
NEWEST = "the newest recovery point"
Copy = Mapping[str, Any]
# TABLE: kinds of copy of which the last is told as gravely as the last of all
KINDS: tuple[tuple[str, Callable[[str, Copy, datetime], bool]], ...] = (
    ("off the array", lambda place, copy, _: place_of(copy, place) in ("on premises", "off site")),
    ("off site", lambda place, copy, _: place_of(copy, place) == "off site"),
    ("that is verified", lambda _place, copy, _now: is_verified(copy)),
    ("that is locked", lambda _place, copy, now: is_locked(copy, now)),
)


def lost_kinds(going: list[tuple[str, Copy]], left: list[tuple[str, Copy]], now: datetime) -> Iterator[str]:
    """The kinds of copy of which something goes and nothing is left; what is lost off the array implies the others."""
    for words, test in KINDS:
        if any(test(place, copy, now) for place, copy in going) and not any(
            test(place, copy, now) for place, copy in left
        ):
            yield words
            if words == KINDS[0][0]:
                return


@dataclass(frozen=True)
class Remaining:
    """The other copies of an asset when consent has ended what it ends: kind of copy and copy, usable or not."""

    usable: list[tuple[str, Copy]]
    flaws: Counter[str]  # of those nobody can rely on
    going: list[Copy]  # that consent, or others, end before
    whole: bool  # whether all there are were read


def remaining_points(s: Subject, until: datetime) -> Iterator[Finding]:
    """What remains when the copy is gone (at `until`), and of which kind it is the last."""
    left = _remaining(s, until)
    if not left.usable:
        unsure = grave(f"{UNSURE[:1].upper()}{UNSURE[1:]}.", UNSURE, danger=Danger.DESTROY)
        yield _last(s, until, left) if left.whole else unsure
        return
    yield from _last_of_kind(s, left)
    not_counted = f" Not counted, since nobody can rely on them: {_render(left.flaws)}." if left.flaws else ""
    remain = f"{'Would' if left.whole else 'At least these would'} remain"
    remain += f" once {len(left.going) + 1:,} are gone" if left.going else ""  # of a plan as a whole
    yield Finding(f"{remain}: {'; '.join(_groups(s, left.usable))}.{not_counted}")
    if ends := [
        moment for _, o in left.usable if (moment := units.parse_time(o.get("expiresAt"))) and s.now < moment <= until
    ]:
        yield notable(f"Expired by then too, of those that would remain: {len(ends):,}.")
    yield from _newest(s, left)


def _newest(s: Subject, left: Remaining) -> Iterator[Finding]:
    """How much older the newest that remains is than the newest that goes: of a plan as a whole, not of each call."""
    if (flaw := flaw_of(s.resource, s.now)) in UNFINISHED:
        breaks = "; the run that makes it breaks off" if flaw == UNFINISHED[1] else ""
        yield notable(f"It is {flaw}: what can be restored now can be without it{breaks}.")
        return
    points, mine = _taken(copy for _, copy in left.usable), _taken([s.resource])
    going = _taken(left.going)
    if not mine or not points or not left.whole or mine[0] <= max(points):
        return
    older = times.describe_span(max(mine + going) - max(points))
    words = f"It is the newest one: the next is {older} older, so that much can be lost."
    if going:
        words = f"The newest go: the newest that is left is {older} older, so that much can be lost."
    yield notable(words, NEWEST)


def _taken(copies: Any) -> list[datetime]:
    return [moment for copy in copies if (moment := units.parse_time(copy.get("pointInTime")))]


def _remaining(s: Subject, until: datetime) -> Remaining:
    """The other copies of the asset that are there at `until`, and those that consent or others end before."""
    base = s.target.path.rpartition("/")[0].rpartition("/")[0]
    usable: list[tuple[str, Copy]] = []
    going: list[Copy] = []
    flaws: Counter[str] = Counter()
    lost = leaving_stores(s)
    for place in ("backups", "snapshots"):
        for copy in s.read(place).items:
            path = path_of(base, place, copy.get("id"))
            if path == s.target.path or copy.get("state") in GOING:
                if path != s.target.path and copy.get("state") == AWAITED:
                    flaws["whose deletion waits for a second person"] += 1
                continue
            if (
                any(one in s.leaving and s.leaving[one] <= until for one in (path, base))
                or store_of_copy(copy, {}).get("id") in lost
            ):
                going.append(copy)
            elif flaw := flaw_of(copy, s.now, stores(s)):
                flaws[flaw] += 1
            else:
                usable.append((place, copy))
    return Remaining(usable, flaws, going, all(s.read(place).whole for place in ("backups", "snapshots")))


def _groups(s: Subject, usable: list[tuple[str, Copy]]) -> Iterator[str]:
    """The copies by where they lie: how many, the newest, how many of them verified and locked."""
    for where in PLACES:
        if not (copies := [copy for place, copy in usable if place_of(copy, place) == where]):
            continue
        points = _taken(copies)
        facts = [f"the newest of {times.describe_when(max(points), s.now)}"] if points else []
        for word, count in (
            ("verified", sum(map(is_verified, copies))),
            ("locked", sum(is_locked(copy, s.now) for copy in copies)),
        ):
            facts += [f"{count:,} {word}"] if count else []
        yield f"{len(copies):,} {where}" + (f" ({', '.join(facts)})" if facts else "")


def _last_of_kind(s: Subject, left: Remaining) -> Iterator[Finding]:
    """Of which kind the copy is the last, though others remain."""
    mine = s.target.path.split("/")[-2]
    if flaw_of(s.resource, s.now, stores(s)):
        return
    where = joined(sorted({place_of(copy, place) for place, copy in left.usable}))
    tails = {
        "off the array": f" What remains lies {where} and goes with it.",
        "off site": f" What remains lies {where}.",
    }
    for words in lost_kinds([(mine, s.resource)], left.usable, s.now):
        if not left.whole:
            unsure = f"hether another recovery point {words} remains is not known"
            yield grave(f"W{unsure}.", f"w{unsure}", danger=Danger.DESTROY)
            continue
        kind = f"LAST recovery point {words}"
        yield grave(
            f"It is the {kind}.{tails.get(words, '')}", f"the {kind}", f"{kind}{_whose(s)}.", danger=Danger.DESTROY
        )


def _whose(s: Subject) -> str:
    name = item_at(s.read("asset").resource, "displayName") or item_at(s.read("asset").resource, "name")
    return f" of {quoted(name, 50)}" if name else ""


def _render(counts: Counter[str]) -> str:
    return joined([f"{count:,} {word}" for word, count in sorted(counts.items())])


def _last(s: Subject, until: datetime, left: Remaining) -> Finding:
    gone = "this and the others on their way out" if left.going else "this"
    then = f"Without {gone} nothing can be restored."
    if until > s.now:
        have = "have" if left.going else "has"
        then = f"Once {gone} {have} expired, nothing can be restored, unless another is made before."
    usable = "usable " if left.flaws else ""
    remain = "the one that remains" if left.flaws.total() == 1 else "those that remain"
    besides = f"{remain} ({_render(left.flaws)})"
    kind = f"LAST {usable}recovery point"
    words = f"It is the {kind}; nobody can rely on {besides}. {then}" if left.flaws else f"It is the {kind}. {then}"
    warning, short = f"the {kind}", f"{kind}{_whose(s)}: nothing can be restored without it."
    if left.flaws and (flaw := flaw_of(s.resource, s.now, stores(s))):
        words = f"No usable recovery point: nobody can rely on this one ({flaw}), nor on {besides}."
        warning, short = "no usable recovery point remains", f"No usable recovery point{_whose(s)} remains."
    return grave(words, warning, short, Danger.DESTROY)
