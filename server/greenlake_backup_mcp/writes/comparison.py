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
from greenlake_backup_mcp.text import masking, sanitize, units

from .expectations import INSTRUCTIONS, Expectation

MEMBERS = ("assets", "members")  # lists that a request gives whole, in any order
KEYS = (
    "id",
    "scheduleId",
    "resourceUri",
    "type",
    "name",
    "networkAddress",
    "networkName",
)  # what elements are known by
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
    found: str | None  # None: the resource does not show it
    same: bool


def compare(asked: Mapping[str, Any], item: Mapping[str, Any], row: Expectation, sent: datetime | None) -> Comparison:
    """Each leaf of `asked` against the resource `item`, as `row` says where it is shown. `sent`: when it was asked."""
    leaves = list(_compare(asked, item, row, sent, "", ""))
    return Comparison(
        tuple(_phrase(leaf) for leaf in leaves if leaf.same),
        tuple(
            f"{leaf.label} asked {leaf.asked}, is {leaf.found}"
            for leaf in leaves
            if not leaf.same and leaf.found is not None
        ),
        tuple(dict.fromkeys(leaf.label for leaf in leaves if not leaf.same and leaf.found is None)),
    )


def _phrase(leaf: _Leaf) -> str:
    return f"{leaf.label} {_WORDS.get(leaf.found or '', leaf.found) or leaf.asked}"


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
        if name == "type" and "/" not in path and (found := _text(item.get("type"))):
            yield _Leaf("type", _value(asked), found, found == asked)
        return
    words = label + (LABELS.get(path) or LABELS.get(name) or _label(name))
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
    shown = _WORDS.get(called, _value(asked)) if isinstance(called, str) else _value(asked)
    if isinstance(called, str) and called.startswith("!"):
        found = _text(extractors.first(item, [str(place)]))
        return _Leaf(words, "on", found or None, bool(found) and found != called[1:])
    if place and place.startswith("!"):
        held = [_text(v) for v in extractors.values_at(item, place[1:])]
        known = _present(item, place[1:])
        there = f"there ({shown})" if asked in held else "gone"
        return _Leaf(words, "gone", there if known else None, known and asked not in held)
    one_of = bool(place) and str(place).endswith("*")
    for candidate in [str(place).rstrip("*")] if place else _places(path):
        if not _present(item, candidate):
            continue
        held = extractors.values_at(item, candidate)
        same = [_same(value, called) for value in held]
        named = _named(item, candidate, held)
        if not held:
            return _Leaf(words, shown, "empty", asked in (None, "", False, []))
        return _Leaf(words, shown, named, any(same) if one_of else all(same))
    if path.rpartition("/")[2] in NONE_IF_ABSENT:
        return _Leaf(words, shown, "none", asked is None)
    if asked is None:
        return _Leaf(words, "empty", "empty", same=True)
    return _Leaf(words, shown, None, same=False)


def _restart(item: Mapping[str, Any], place: str, sent: datetime | None, words: str) -> _Leaf:
    """Whether it came up after it was asked to restart."""
    up = units.parse_time(item.get(place))
    if up is None or sent is None:
        return _Leaf(words, "", None, same=False)
    return _Leaf(words, "now", f"up since {units.stamp(up)}", up >= sent - timedelta(seconds=2))


def _period(asked: Mapping[str, Any], item: Mapping[str, Any], place: str, words: str) -> _Leaf:
    """A retention: as a period where the resource has one, else as the moment it leads to."""
    shown, wanted_days = schedules.period(asked), _days(asked)
    for candidate in (place, f"overrides/{place}"):
        found = extractors.first_raw(item, candidate)
        if isinstance(found, Mapping):
            return _Leaf(words, shown, schedules.period(found), wanted_days is not None and _days(found) == wanted_days)
    until = units.parse_time(extractors.first_raw(item, place))
    if until is None and not extractors.first_raw(item, place):
        return _Leaf(words, shown, "none", same=False)
    begun = units.parse_time(item.get("pointInTime")) or units.parse_time(item.get("createdAt"))
    if until is None or begun is None or wanted_days is None:
        return _Leaf(words, shown, None, same=False)
    slack = max(1.0 / 24, 0.1 * wanted_days if asked.get("unit") in ("MONTHS", "YEARS") else 0.01 * wanted_days)
    days = (until - begun).total_seconds() / 86400
    return _Leaf(words, shown, f"until {units.stamp(until)}", abs(days - wanted_days) <= slack)


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
    candidates = [place.rstrip("*")] if path in row.fields else [path, *_places(path)]
    found = next((extractors.first_raw(item, p) for p in candidates if _present(item, p)), None)
    if found is None and "/" in place:
        found = next((held for p in candidates if (held := extractors.values_at(item, p))), None)
    if found is None:
        yield _Leaf(words, "", None, same=False)
        return
    found = found if isinstance(found, list) else [found]
    if path.rpartition("/")[2] in MEMBERS:
        yield from _members(asked, found, words)
    elif all(isinstance(one, Mapping) for one in asked) and all(isinstance(one, Mapping) for one in found):
        yield from _elements(asked, found, row, sent, path, words)
    else:
        mine, theirs = {_value(one).lower() for one in asked}, {_value(one).lower() for one in found}
        same = mine <= theirs if one_of else mine == theirs
        yield _Leaf(words, _join(asked), _join(found) or "empty", same)


def _members(asked: list[Any], found: list[Any], words: str) -> Iterator[_Leaf]:
    """Who belongs to a group, by whichever of id and URI the request names them."""
    members = [one for one in asked if isinstance(one, Mapping)]
    there = [one for one in found if isinstance(one, Mapping)]
    key = "resourceUri" if any(one.get("resourceUri") and not one.get("id") for one in members) else "id"
    mine = {_key(one, key) for one in members}
    theirs = {_key(one, key): _name(one) for one in there}
    if mine == set(theirs):
        yield _Leaf(words, str(len(mine)), str(len(mine)), same=True)
    for extra in sorted(set(theirs) - mine):
        yield _Leaf(words, f"without {theirs[extra]}", f"with {theirs[extra]}", same=False)
    names = {_key(one, key): _name(one) for one in members}
    for missing in sorted(mine - set(theirs)):
        yield _Leaf(words, f"with {names[missing]}", f"without {names[missing]}", same=False)


def _elements(  # noqa: PLR0913, PLR0917
    asked: list[Any], found: list[Any], row: Expectation, sent: datetime | None, path: str, words: str
) -> Iterator[_Leaf]:
    """Objects in a list, matched by what they are known by; what stands there and was not asked for differs too."""
    key = next((k for k in KEYS if all(one.get(k) is not None for one in asked) and any(k in f for f in found)), None)
    rest = list(found)
    for number, one in enumerate(asked):
        if key is None:
            match = rest[0] if rest else None
        else:
            match = next((f for f in rest if _same(f.get(key), one[key])), None)
        called = f"{words} {_value(one[key]) if key else number + 1}"
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
        yield _Leaf(words, f"{len(asked)} alone", f"{len(rest)} more ({_join(rest)})", same=False)


def _below(row: Expectation, path: str) -> Mapping[str, str]:
    """The places of leaves below a list, seen from its elements."""
    return {p[len(path) + 1 :]: place for p, place in row.fields.items() if p.startswith(f"{path}/")}


def _places(path: str) -> list[str]:
    """Where the vendor's resources show a leaf of a request: `clusterId` → `clusterInfo/id`, `name` → `displayName`."""
    head, _, name = path.rpartition("/")
    before = f"{head}/" if head else ""
    out = [path]
    if found := re.fullmatch(r"(\w+?)(Ids?|Type)", name):
        inner = {"Id": "id", "Ids": "id", "Type": "type"}[found[2]]
        out += [f"{before}{found[1]}Info/{inner}", f"{before}{found[1]}sInfo/{inner}", f"{before}{found[1]}/{inner}"]
    if name in ("name", "displayName"):
        out.append(before + ("displayName" if name == "name" else "name"))
    out.append(f"{before}overrides/{name}")
    return out


def _present(item: Any, path: str) -> bool:
    """Whether the resource has this attribute at all, be it null or empty."""
    head, _, rest = path.partition("/")
    if isinstance(item, list):
        return any(_present(one, path) for one in item) or not item
    if not isinstance(item, Mapping) or head not in item:
        return False
    return _present(item[head], rest) if rest else True


def _named(item: Mapping[str, Any], place: str, values: list[Any]) -> str:
    """What is there, by its name where it has one beside its id."""
    shown = _join(values)
    if place.endswith("/id"):
        above = place[: -len("/id")]
        names = extractors.values_at(item, f"{above}/displayName") or extractors.values_at(item, f"{above}/name")
        if names:
            return f"{_join(names)} ({shown})"
    return shown


def _same(found: Any, asked: Any) -> bool:
    if found == asked or (found in (None, "") and asked in (None, "")):
        return True
    if isinstance(found, str) and isinstance(asked, str):
        if found.casefold() == asked.casefold() and re.fullmatch(r"[0-9a-fA-F-]{36}|[a-z]+/[a-z-]+", asked):
            return True
        then, now = units.parse_time(found), units.parse_time(asked)
        # services keep as many digits of a second as they like
        return then is not None and now is not None and abs((then - now).total_seconds()) < 1
    if isinstance(found, bool) or isinstance(asked, bool):
        return str(found).lower() == str(asked).lower()
    mine, theirs = units.number(asked), units.number(found)
    return mine is not None and mine == theirs


def _key(one: Mapping[str, Any], name: str) -> str:
    return str(one.get(name) or "one without").lower()


def _name(one: Mapping[str, Any]) -> str:
    known = extractors.first(one, ("displayName", "name"))
    identity = _text(one.get("id") or one.get("resourceUri"))
    return sanitize.cell(f"{known} ({identity})" if known and identity else str(known or identity or "one without id"))


def _label(name: str) -> str:
    return re.sub(r"(?<=\w)Ids?$", "", name)


def _join(values: list[Any]) -> str:
    words = [_name(one) if isinstance(one, Mapping) else _value(one) for one in values]
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return ", ".join(dict.fromkeys(words[:5])) + more


def _text(value: Any) -> str:
    return sanitize.cell(value, 60) if isinstance(value, str) else ""


def _value(value: Any) -> str:
    if value in (None, ""):
        return "empty"
    if isinstance(value, Mapping):
        return schedules.period(value) or _name(value)
    when = units.parse_time(value) if isinstance(value, str) and len(value) >= 19 else None
    return units.stamp(when) if when else sanitize.cell(extractors.text(value) or str(value), 60)
