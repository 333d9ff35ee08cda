"""What was asked for held against what is there, leaf by leaf: the same, another, or not to be told.

Reads nothing and sends nothing. A leaf that the resource does not show is never called the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.lists.views import extractors, schedules
from greenlake_backup_mcp.text import masking, units

from . import leaf_values
from .expectations import TIERS, Expectation

MEMBERS = ("assets", "members")  # lists that a request gives whole, in any order
KEYS = ("id", "scheduleId", "resourceUri", "type", "name", "networkAddress", "networkName")  # of elements of lists
NONE_IF_ABSENT = ("expiresAt", "lockedUntil", "sourceProtectionScheduleId", "mountedHostsIqn")
DAYS = {"HOURS": 1 / 24, "DAYS": 1.0, "WEEKS": 7.0, "MONTHS": 30.44, "YEARS": 365.25}
INSTRUCTIONS = frozenset(  # leaves that say how a thing is done, not what shall be: nothing shows them afterwards
    {
        "backupId", "snapshotId", "restoreType", "force", "cascadedelete", "fullRefresh", "recoveryMode",
        "restoreUntil", "restoreWithTailLog", "retainOriginalDirectoryStructure", "retainOrignalDirectoryStructure",
        "slim", "type",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """The leaves of a request: those the resource shows as asked, those it shows otherwise, and those nobody can tell.

    `same` are labels with values, `different` whole clauses ("power asked off, is POWERED_ON"), `unknown` labels.
    """

    same: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def as_asked(self) -> bool:
        """Whether something could be compared, and nothing differs."""
        return bool(self.same) and not self.different


@dataclass(frozen=True)
class _Leaf:
    label: str
    asked: str = ""
    actual: str | None = None  # None: the resource does not show it
    same: bool = False


def compare(asked: Mapping[str, Any], item: Mapping[str, Any], row: Expectation, sent: datetime | None) -> Comparison:
    """Each leaf of `asked` against the resource `item`, as `row` says where it is shown. `sent`: when it was asked."""
    walk = _Walk(item, row, sent)
    whole = TIERS in asked and TIERS not in row.fields and not row.partial
    others = {name: value for name, value in asked.items() if not (whole and name == TIERS)}
    leaves = [leaf for name, value in others.items() for leaf in walk.leaves(value, name)]
    tiers = list(walk.leaves(asked[TIERS], TIERS)) if whole else []
    if tiers and all(leaf.same for leaf in tiers):  # in the words of the lists, since the resource has no others
        leaves.append(_Leaf("tiers", "", "; ".join(schedules.tiers(dict(item)) or ()), same=True))
    else:
        leaves += tiers
    return Comparison(
        tuple(dict.fromkeys(f"{leaf.label} {leaf.actual or leaf.asked}".rstrip() for leaf in leaves if leaf.same)),
        tuple(
            f"{leaf.label} asked {leaf.asked}, is {leaf.actual}"
            for leaf in leaves
            if not leaf.same and leaf.actual is not None
        ),
        tuple(dict.fromkeys(leaf.label for leaf in leaves if not leaf.same and leaf.actual is None)),
    )


@dataclass(frozen=True)
class _Walk:
    """The request walked through beside a resource, or beside an element of one of its lists (`label`: which)."""

    item: Mapping[str, Any]
    row: Expectation
    sent: datetime | None
    label: str = ""

    def leaves(self, asked: Any, path: str) -> Iterator[_Leaf]:
        """The leaves of what was asked at a path of the request."""
        name = path.rpartition("/")[2]
        if isinstance(asked, Mapping) and set(asked) != {"value", "unit"}:
            for inner, value in asked.items():
                yield from self.leaves(value, f"{path}/{inner}")
            return
        words = self.label + leaf_values.label(path)
        if name in INSTRUCTIONS and path not in self.row.fields:
            if name == "type" and "/" not in path and (actual := leaf_values.short(self.item.get("type"))):
                yield _Leaf(words, leaf_values.write(asked), actual, actual == asked)
        elif masking.is_secret(name):
            yield _Leaf(f"{words} (never read back)")
        elif self.row.fields.get(path) == "":
            yield _Leaf(words)
        elif isinstance(asked, Mapping):
            yield self._period(asked, self.row.fields.get(path, path), words)
        elif isinstance(asked, list):
            yield from self._list(asked, path, words)
        else:
            yield self._scalar(asked, path, words)

    def _scalar(self, asked: Any, path: str, words: str) -> _Leaf:
        place = self.row.fields.get(path, "")
        if path == "restarted":
            return self._restart(place, words)
        called = self.row.words.get(path, {}).get(asked, asked) if isinstance(asked, (str, bool, int)) else asked
        if isinstance(called, str) and called.startswith("!"):  # anything else than this
            actual = leaf_values.short(extractors.first(self.item, [place]))
            same = bool(actual) and actual != called[1:]
            return _Leaf(words, "on", ("on" if same else leaf_values.plain(actual)) if actual else None, same)
        expected = leaf_values.plain(leaf_values.write(called))
        if place.startswith("!"):  # no longer there
            listed = leaf_values.is_present(self.item, place[1:])
            held = [leaf_values.short(v) for v in extractors.values_at(self.item, place[1:])]
            there = f"there ({expected})" if asked in held else f"gone ({expected})"
            return _Leaf(words, "gone", there if listed else None, listed and asked not in held)
        for candidate in place.split("|") if place else leaf_values.places_of(path):
            one_of, where = candidate.endswith("*"), candidate.rstrip("*")
            if not leaf_values.is_present(self.item, where):
                continue
            held = extractors.values_at(self.item, where)
            if not held:
                return _Leaf(words, expected, "empty", asked in (None, "", False, []))
            each = [leaf_values.is_same(value, called) for value in held]
            named, right = leaf_values.write_named(self.item, where, held), any(each) if one_of else all(each)
            return _Leaf(words, expected, leaf_values.plain(named) if right else named, right)
        if path.rpartition("/")[2] in NONE_IF_ABSENT:
            return _Leaf(words, expected, "none", asked is None)
        return _Leaf(words, "empty", "empty", same=True) if asked is None else _Leaf(words, expected)

    def _restart(self, place: str, words: str) -> _Leaf:
        """Whether it came up after it was asked to restart."""
        up = units.parse_time(self.item.get(place))
        if up is None or self.sent is None:
            return _Leaf(words)
        return _Leaf(words, "now", f"up since {units.stamp(up)}", up >= self.sent - timedelta(seconds=2))

    def _period(self, asked: Mapping[str, Any], place: str, words: str) -> _Leaf:
        """A retention: as a period where the resource has one, else as the moment it leads to."""
        expected, wanted_days = schedules.period(asked), _days(asked)
        for candidate in (place, f"overrides/{place}"):
            actual = extractors.first_raw(self.item, candidate)
            if isinstance(actual, Mapping):
                same = wanted_days is not None and _days(actual) == wanted_days
                return _Leaf(words, expected, schedules.period(actual), same)
        until = units.parse_time(extractors.first_raw(self.item, place))
        if until is None and not extractors.first_raw(self.item, place):
            return _Leaf(words, expected, "none")
        begun = units.parse_time(self.item.get("pointInTime")) or units.parse_time(self.item.get("createdAt"))
        if until is None or begun is None or wanted_days is None:
            return _Leaf(words, expected)
        slack = max(1.0 / 24, (0.1 if asked.get("unit") in ("MONTHS", "YEARS") else 0.01) * wanted_days)
        days = (until - begun).total_seconds() / 86400
        return _Leaf(words, expected, f"until {units.stamp(until)}", abs(days - wanted_days) <= slack)

    def _list(self, asked: list[Any], path: str, words: str) -> Iterator[_Leaf]:
        places = self.row.fields[path].split("|") if path in self.row.fields else leaf_values.places_of(path)
        one_of = places[0].endswith("*")
        places = [place.rstrip("*") for place in places]
        present = [place for place in places if leaf_values.is_present(self.item, place)]
        actual = next((extractors.first_raw(self.item, place) for place in present), None)
        if present and "/" in present[0] and not isinstance(actual, list):
            actual = extractors.values_at(self.item, present[0])
        if actual is None:
            yield _Leaf(words)
            return
        actual = actual if isinstance(actual, list) else [actual]
        if path.rpartition("/")[2] in MEMBERS:
            yield from _members(asked, actual, words)
        elif all(isinstance(one, Mapping) for one in (*asked, *actual)):
            yield from self._elements(asked, actual, path, words)
        else:
            mine, theirs = ({leaf_values.write(one).lower() for one in side} for side in (asked, actual))
            named = leaf_values.write_named(self.item, present[0], actual) or "empty"
            yield _Leaf(words, leaf_values.write_all(asked), named, mine <= theirs if one_of else mine == theirs)

    def _elements(self, asked: list[Any], actual: list[Any], path: str, words: str) -> Iterator[_Leaf]:
        """Objects in a list, matched by what they are known by; what stands there and was not asked for differs too."""
        key = next(
            (k for k in KEYS if all(one.get(k) is not None for one in asked) and any(k in f for f in actual)), None
        )
        rest = list(actual)
        for number, one in enumerate(asked, 1):
            match = next((f for f in rest if key is None or leaf_values.is_same(f.get(key), one[key])), None)
            called = leaf_values.element(words, one, match, leaf_values.write(one[key]) if key else str(number))
            if match is None:
                yield _Leaf(called, "there", "not there")
                continue
            rest.remove(match)
            inner = replace(self, item=match, row=_below(self.row, path), label=f"{called}: ")
            for name, value in one.items():
                if name != key:
                    yield from inner.leaves(value, name)
            if len(one) == 1 and key:
                yield _Leaf(called, "there", "there", same=True)
        if rest and path not in self.row.partial:
            yield _Leaf(words, f"{len(asked)} alone", f"{len(rest)} more ({leaf_values.write_all(rest)})")


def _members(asked: list[Any], actual: list[Any], words: str) -> Iterator[_Leaf]:
    """Who belongs to a group, by whichever of id and URI the request names them."""
    members = [one for one in asked if isinstance(one, Mapping)]
    key = "resourceUri" if any(one.get("resourceUri") and not one.get("id") for one in members) else "id"
    mine, theirs = (
        {str(one.get(key) or "one without").lower(): leaf_values.write_name(one) for one in side}
        for side in (members, [one for one in actual if isinstance(one, Mapping)])
    )
    if set(mine) == set(theirs):
        yield _Leaf(words, str(len(mine)), str(len(mine)), same=True)
    for extra in sorted(set(theirs) - set(mine)):
        yield _Leaf(words, f"without {theirs[extra]}", f"with {theirs[extra]}")
    for missing in sorted(set(mine) - set(theirs)):
        yield _Leaf(words, f"with {mine[missing]}", f"without {mine[missing]}")


def _days(period: Mapping[str, Any]) -> float | None:
    number = units.number(period.get("value"))
    length = DAYS.get(str(period.get("unit")))
    return None if number is None or length is None else round(number * length, 3)


def _below(row: Expectation, path: str) -> Expectation:
    """What holds of the elements of a list, seen from them."""
    start = f"{path}/"
    return Expectation(
        words=row.words,
        partial=tuple(p.removeprefix(start) for p in row.partial if p.startswith(start)),
        fields={p.removeprefix(start): place for p, place in row.fields.items() if p.startswith(start)},
    )
