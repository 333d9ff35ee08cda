"""What was asked for held against what is there, leaf by leaf: the same, another, or not to be told.

Reads nothing and sends nothing. A leaf that the resource does not show is never called the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.lists.views import extractors, schedules
from greenlake_backup_mcp.text import masking, units

from . import leaf_values
from .expectations import INSTRUCTIONS, Expectation

MEMBERS = ("assets", "members")  # lists that a request gives whole, in any order
KEYS = ("id", "scheduleId", "resourceUri", "type", "name", "networkAddress", "networkName")  # of elements of lists
NONE_IF_ABSENT = ("expiresAt", "lockedUntil", "sourceProtectionScheduleId", "mountedHostsIqn")
DAYS = {"HOURS": 1 / 24, "DAYS": 1.0, "WEEKS": 7.0, "MONTHS": 30.44, "YEARS": 365.25}
LABELS = {"powerOn": "power", "running": "power", "restarted": "restart", "appInfo/vmware/datastoreId": "datastore"}
LABELS |= {"assetInfo/id": "asset", "hostIqn": "host", "enabled": "remote support"}
_WORDS = {"POWERED_ON": "on", "POWERED_OFF": "off"}


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
    asked: str
    actual: str | None  # None: the resource does not show it
    same: bool


def compare(asked: Mapping[str, Any], item: Mapping[str, Any], row: Expectation, sent: datetime | None) -> Comparison:
    """Each leaf of `asked` against the resource `item`, as `row` says where it is shown. `sent`: when it was asked."""
    leaves = list(_compare(asked, item, row, sent, "", ""))
    return Comparison(
        tuple(_phrase(leaf) for leaf in leaves if leaf.same),
        tuple(
            f"{leaf.label} asked {leaf.asked}, is {leaf.actual}"
            for leaf in leaves
            if not leaf.same and leaf.actual is not None
        ),
        tuple(dict.fromkeys(leaf.label for leaf in leaves if not leaf.same and leaf.actual is None)),
    )


def _phrase(leaf: _Leaf) -> str:
    return f"{leaf.label} {_WORDS.get(leaf.actual or '', leaf.actual) or leaf.asked}"


def _compare(  # noqa: PLR0913, PLR0917
    asked: Any, item: Mapping[str, Any], row: Expectation, sent: datetime | None, path: str, label: str
) -> Iterator[_Leaf]:
    """The leaves below `path` of the request; `item` is what the whole path is looked up in."""
    if isinstance(asked, Mapping) and set(asked) != {"value", "unit"}:
        for name, value in asked.items():
            yield from _compare(value, item, row, sent, f"{path}/{name}".lstrip("/"), label)
        return
    name = path.rpartition("/")[2]
    if name in INSTRUCTIONS and path not in row.fields:
        if name == "type" and "/" not in path and (actual := leaf_values.short(item.get("type"))):
            yield _Leaf("type", leaf_values.write(asked), actual, actual == asked)
        return
    words = label + (LABELS.get(path) or LABELS.get(name) or re.sub(r"(?<=\w)Ids?$", "", name))
    if masking.is_secret(name):
        yield _Leaf(f"{words} (never read back)", "", None, same=False)
        return
    if isinstance(asked, Mapping):  # of value and unit
        yield _period(asked, item, row.fields.get(path, path), words)
        return
    if isinstance(asked, list):
        yield from _list(asked, item, row, sent, path, words)
        return
    yield _scalar(asked, item, row, sent, path, words)


def _scalar(  # noqa: PLR0913, PLR0917
    asked: Any, item: Mapping[str, Any], row: Expectation, sent: datetime | None, path: str, words: str
) -> _Leaf:
    place = row.fields.get(path)
    if place == "":
        return _Leaf(words, "", None, same=False)
    if path == "restarted":
        return _restart(item, str(place), sent, words)
    called = row.words.get(path, {}).get(asked, asked) if isinstance(asked, (str, bool, int)) else asked
    expected = _WORDS.get(called, leaf_values.write(asked)) if isinstance(called, str) else leaf_values.write(asked)
    if isinstance(called, str) and called.startswith("!"):
        actual = leaf_values.short(extractors.first(item, [str(place)]))
        return _Leaf(words, "on", actual or None, bool(actual) and actual != called[1:])
    if place and place.startswith("!"):
        held = [leaf_values.short(v) for v in extractors.values_at(item, place[1:])]
        listed = leaf_values.is_present(item, place[1:])
        there = f"there ({expected})" if asked in held else "gone"
        return _Leaf(words, "gone", there if listed else None, listed and asked not in held)
    one_of = bool(place) and str(place).endswith("*")
    for candidate in [str(place).rstrip("*")] if place else leaf_values.places_of(path):
        if not leaf_values.is_present(item, candidate):
            continue
        held = extractors.values_at(item, candidate)
        same = [leaf_values.is_same(value, called) for value in held]
        named = leaf_values.write_named(item, candidate, held)
        if not held:
            return _Leaf(words, expected, "empty", asked in (None, "", False, []))
        return _Leaf(words, expected, named, any(same) if one_of else all(same))
    if path.rpartition("/")[2] in NONE_IF_ABSENT:
        return _Leaf(words, expected, "none", asked is None)
    if asked is None:
        return _Leaf(words, "empty", "empty", same=True)
    return _Leaf(words, expected, None, same=False)


def _restart(item: Mapping[str, Any], place: str, sent: datetime | None, words: str) -> _Leaf:
    """Whether it came up after it was asked to restart."""
    up = units.parse_time(item.get(place))
    if up is None or sent is None:
        return _Leaf(words, "", None, same=False)
    return _Leaf(words, "now", f"up since {units.stamp(up)}", up >= sent - timedelta(seconds=2))


def _period(asked: Mapping[str, Any], item: Mapping[str, Any], place: str, words: str) -> _Leaf:
    """A retention: as a period where the resource has one, else as the moment it leads to."""
    expected, wanted_days = schedules.period(asked), _days(asked)
    for candidate in (place, f"overrides/{place}"):
        actual = extractors.first_raw(item, candidate)
        if isinstance(actual, Mapping):
            return _Leaf(
                words, expected, schedules.period(actual), wanted_days is not None and _days(actual) == wanted_days
            )
    until = units.parse_time(extractors.first_raw(item, place))
    if until is None and not extractors.first_raw(item, place):
        return _Leaf(words, expected, "none", same=False)
    begun = units.parse_time(item.get("pointInTime")) or units.parse_time(item.get("createdAt"))
    if until is None or begun is None or wanted_days is None:
        return _Leaf(words, expected, None, same=False)
    slack = max(1.0 / 24, 0.1 * wanted_days if asked.get("unit") in ("MONTHS", "YEARS") else 0.01 * wanted_days)
    days = (until - begun).total_seconds() / 86400
    return _Leaf(words, expected, f"until {units.stamp(until)}", abs(days - wanted_days) <= slack)


def _days(period: Mapping[str, Any]) -> float | None:
    number = units.number(period.get("value"))
    length = DAYS.get(str(period.get("unit")))
    return None if number is None or length is None else round(number * length, 3)


def _list(  # noqa: PLR0913, PLR0917
    asked: list[Any], item: Mapping[str, Any], row: Expectation, sent: datetime | None, path: str, words: str
) -> Iterator[_Leaf]:
    place = row.fields.get(path, path)
    one_of = place.endswith("*")
    if place == "":
        yield _Leaf(words, "", None, same=False)
        return
    candidates = [place.rstrip("*")] if path in row.fields else [path, *leaf_values.places_of(path)]
    actual = next((extractors.first_raw(item, p) for p in candidates if leaf_values.is_present(item, p)), None)
    if actual is None and "/" in place:
        actual = next((held for p in candidates if (held := extractors.values_at(item, p))), None)
    if actual is None:
        yield _Leaf(words, "", None, same=False)
        return
    actual = actual if isinstance(actual, list) else [actual]
    if path.rpartition("/")[2] in MEMBERS:
        yield from _members(asked, actual, words)
    elif all(isinstance(one, Mapping) for one in asked) and all(isinstance(one, Mapping) for one in actual):
        yield from _elements(asked, actual, row, sent, path, words)
    else:
        mine, theirs = (
            {leaf_values.write(one).lower() for one in asked},
            {leaf_values.write(one).lower() for one in actual},
        )
        same = mine <= theirs if one_of else mine == theirs
        yield _Leaf(words, leaf_values.write_all(asked), leaf_values.write_all(actual) or "empty", same)


def _members(asked: list[Any], actual: list[Any], words: str) -> Iterator[_Leaf]:
    """Who belongs to a group, by whichever of id and URI the request names them."""
    members = [one for one in asked if isinstance(one, Mapping)]
    there = [one for one in actual if isinstance(one, Mapping)]
    key = "resourceUri" if any(one.get("resourceUri") and not one.get("id") for one in members) else "id"
    mine = {_key(one, key) for one in members}
    theirs = {_key(one, key): leaf_values.write_name(one) for one in there}
    if mine == set(theirs):
        yield _Leaf(words, str(len(mine)), str(len(mine)), same=True)
    for extra in sorted(set(theirs) - mine):
        yield _Leaf(words, f"without {theirs[extra]}", f"with {theirs[extra]}", same=False)
    names = {_key(one, key): leaf_values.write_name(one) for one in members}
    for missing in sorted(mine - set(theirs)):
        yield _Leaf(words, f"with {names[missing]}", f"without {names[missing]}", same=False)


def _elements(  # noqa: PLR0913, PLR0917
    asked: list[Any], actual: list[Any], row: Expectation, sent: datetime | None, path: str, words: str
) -> Iterator[_Leaf]:
    """Objects in a list, matched by what they are known by; what stands there and was not asked for differs too."""
    key = next((k for k in KEYS if all(one.get(k) is not None for one in asked) and any(k in f for f in actual)), None)
    rest = list(actual)
    for number, one in enumerate(asked):
        if key is None:
            match = rest[0] if rest else None
        else:
            match = next((f for f in rest if leaf_values.is_same(f.get(key), one[key])), None)
        called = f"{words} {leaf_values.write(one[key]) if key else number + 1}"
        if match is None:
            yield _Leaf(called, "there", "not there", same=False)
            continue
        rest.remove(match)
        inner = Expectation(words=row.words, partial=row.partial, fields=_below(row, path))
        for name, value in one.items():
            if name != key:
                yield from _compare(value, match, inner, sent, name, f"{called}: ")
        if len(one) == 1 and key:
            yield _Leaf(called, "there", "there", same=True)
    if rest and path not in row.partial and f"{path}/" not in row.partial:
        yield _Leaf(words, f"{len(asked)} alone", f"{len(rest)} more ({leaf_values.write_all(rest)})", same=False)


def _below(row: Expectation, path: str) -> Mapping[str, str]:
    """The places of leaves below a list, seen from its elements."""
    return {p[len(path) + 1 :]: place for p, place in row.fields.items() if p.startswith(f"{path}/")}


def _key(one: Mapping[str, Any], name: str) -> str:
    return str(one.get(name) or "one without").lower()
