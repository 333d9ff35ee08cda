"""What a request changes, leaf by leaf: the resource as it is against the resource as the request would leave it.

A PATCH is a merge patch (RFC 7396: arrays are replaced whole), a PUT replaces all that a request can carry, a create or
an action is the request itself with the description's defaults. Nothing is left out here, and nothing judged.
Knows JSON and where the service keeps what a request gives; no words, no gravity, no HTTP.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import schemas
from greenlake_backup_mcp.tools.registry import Tool

from . import places
from .places import ABSENT, MEMBERS, store_of

# TABLE: what identifies an element of a list; where both sides have it, the order of the list means nothing
KEYS: Mapping[str, tuple[str, ...]] = {
    "protections": ("id",),
    "schedules": ("scheduleId",),
    "assets": ("id",),
    "members": ("id", "resourceUri"),
    "nic": ("name",),
}
# TABLE of leaves that change nothing: lists of values whose order means nothing. (The other kind is the present value.)
SETS = frozenset(
    {"scheduleIds", "datastoreIds", "diskIds", "includeResources", "individualBackupIds", "individualSnapshotIds"}
)
AGAIN = " (given "  # after the key of an element that has the key of an earlier one


@dataclass(frozen=True, eq=False)
class Element:
    """A step of a path into a list: the element's key, and the element on both sides."""

    key: Any
    before: Any = ABSENT
    after: Any = ABSENT

    @property
    def item(self) -> Any:
        """The element as it is, else as it would be."""
        return self.before if self.before is not ABSENT else self.after


Path = tuple[str | Element, ...]


@dataclass(frozen=True)
class Leaf:
    """One thing that differs. `default`: the request leaves it out, the description says what it then is."""

    path: Path
    before: Any = ABSENT
    after: Any = ABSENT
    default: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The path by the names of its properties alone."""
        return tuple(step for step in self.path if isinstance(step, str))

    @property
    def name(self) -> str:
        """The last name of the path: `lockFor`."""
        return self.names[-1] if self.names else ""

    @property
    def dotted(self) -> str:
        """The path as a text: `protections[id].schedules[2].lockFor`."""
        steps = (f"[{step.key}]" if isinstance(step, Element) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")


@dataclass(frozen=True)
class Difference:
    """All that a request changes, and what it leaves to the service."""

    leaves: tuple[Leaf, ...] = ()
    left_out: tuple[str, ...] = ()  # what the request could give and does not, of creates and actions


def compute_difference(tool: Tool, arguments: Mapping[str, Any], resource: Mapping[str, Any]) -> Difference:
    """What a call of `tool` changes of `resource` ({} where it has none, or none that is known), and leaves out."""
    operation = tool.operation
    if operation is None:
        return Difference()
    body = places.request_body(tool, arguments)
    query = {a.name: arguments[a.name] for a in tool.arguments.values() if a.place == "query" and a.name in arguments}
    schema = schemas.merged_choice(tool.body or {})
    before = places.present(operation.id, operation.method, schema, body, resource)
    end = places.ENDS.get(operation.id, "")
    after: Any = {name: value for name, value in body.items() if name != end}
    if operation.method == "PATCH" or (operation.method == "POST" and before and not end):
        after = merge_patch(before, after)
    leaves = [*leaves_between(before, after), *leaves_between({}, query)]
    gaps: list[str] = []
    if operation.method in ("POST", "PUT", "DELETE"):
        queries = {p.name: p.schema for p in operation.parameters if p.place == "query"}
        asked, whole = {**query, **body}, {**queries, **schema.get("properties", {})}
        for path, default in places.left_out(whole, asked, places.DEFAULTS.get(operation.id, {}), before):
            if default is not ABSENT:
                leaves.append(Leaf(path, after=default, default=True))
            elif operation.method == "POST" and not places.is_spoken_for(path, asked):
                gaps.append(Leaf(path).dotted)
    return Difference(tuple(leaves), tuple(gaps))


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged, null takes away, all else (arrays too) is replaced whole."""
    if not isinstance(patch, Mapping):
        return patch
    before = target if isinstance(target, Mapping) else {}
    merged = {name: merge_patch(before.get(name), value) for name, value in patch.items() if value is not None}
    return {**{name: value for name, value in before.items() if name not in patch}, **merged}


def leaves_of(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each leaf of a value with its path; empty lists and objects are leaves."""
    if isinstance(value, Mapping) and value and not is_atom(path, value):
        for name, item in value.items():
            yield from leaves_of(item, (*path, str(name)))
    elif isinstance(value, list) and value:
        for n, item in enumerate(value):
            yield from leaves_of(item, (*path, Element(key_of(path, item) or n + 1, item)))
    else:
        yield path, value


def leaves_between(before: Any, after: Any, path: Path = ()) -> Iterator[Leaf]:
    """The leaves in which two values differ."""
    if _same(path, before, after):
        return
    sides = [side for side in (before, after) if side is not ABSENT]
    one, two = (type(sides[0])() if side is ABSENT else side for side in (before, after))
    if all(isinstance(side, list) for side in sides):
        yield from _elements(one, two, path)
    elif all(isinstance(side, Mapping) and not is_atom(path, side) for side in sides) and any(sides):
        for name in dict.fromkeys((*one, *two)):
            if path or name not in ("id", "resourceUri"):
                yield from leaves_between(one.get(name, ABSENT), two.get(name, ABSENT), (*path, name))
    else:
        yield Leaf(path, before, after)


def _elements(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[Leaf]:
    """The leaves in which two lists differ: by key where their elements have one, else by place."""
    name = _list_name(path)
    pairs: Iterable[tuple[Any, Any, Any]] = ((n, ABSENT, item) for n, item in enumerate(after, 1))
    if name == "protections" and not all(isinstance(i, Mapping) and "id" in i for i in (*before, *after)):
        pairs = _tier_pairs(before, after)
    elif name in SETS or name in KEYS:
        one, two = (_by_key(path, side) for side in (before, after))
        pairs = ((key, one.get(key, ABSENT), two.get(key, ABSENT)) for key in {**one, **two})
    elif before:  # nothing says which element is which: the whole list is one value
        yield Leaf(path, list(before), list(after))
        return
    if before or any(isinstance(item, (Mapping, list)) for item in after):
        for pair in pairs:
            yield from _element(Element(*pair), path)
    else:  # plain values are told as one
        yield Leaf(path, after=list(after))


def _element(step: Element, path: Path) -> Iterator[Leaf]:
    """The leaves in which an element of a list differs: it comes, goes, or changes within."""
    one, two = step.before, step.after
    if two is ABSENT:
        yield Leaf((*path, step), one)
    elif one is ABSENT:
        inside = two.items() if isinstance(two, Mapping) else ()
        rest = {n: v for n, v in inside if not _identifies(path, n) or n == "protectionStoreId"}
        yield from leaves_between(ABSENT, rest, (*path, step)) if rest else [Leaf((*path, step), after=two)]
    elif isinstance(one, Mapping) and isinstance(two, Mapping):  # one key may stand for two that differ
        asked = {n: v for n, v in two.items() if not _identifies(path, n) or one.get(n, v) != v}
        named = {n for n in one if path[-1] in MEMBERS or n in places.IDENTIFYING or _identifies(path, n)}
        held = {n: v for n, v in one.items() if n in asked or n not in named}  # what names it is not described as well
        yield from leaves_between(held, asked, (*path, step))
    else:
        yield from leaves_between(one, two, (*path, step))


def _by_key(path: Path, items: Sequence[Any]) -> dict[str, Any]:
    """The elements of a list by key, else by place; one that has the key of an earlier one does not hide behind it."""
    counts: Counter[str] = Counter()
    keyed = {}
    for n, item in enumerate(items, 1):
        key = f"({n})" if (own := key_of(path, item)) is None else str(own)
        counts[key] += 1
        keyed[key if counts[key] == 1 else f"{key}{AGAIN}{counts[key]} times)"] = item
    return keyed


def _tier_pairs(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[Any, Any, Any]]:
    """The tiers of a policy without ids, paired by type and store, else by type; what is left pairs with nothing."""
    left = [item for item in before if isinstance(item, Mapping)]
    pairs: list[tuple[Any, Any, Any]] = []
    for n, two in enumerate(after, 1):
        asked = two if isinstance(two, Mapping) else {}
        alike = [one for one in left if one.get("type") == asked.get("type")]
        one = next((i for i in alike if store_of(i) == asked.get("protectionStoreId")), alike[0] if alike else None)
        new = f"{n}:{asked['type']}" if asked.get("type") else n
        pairs.append((one.get("id", new), one, two) if one else (new, ABSENT, two))
        left = [item for item in left if item is not one]
    return pairs + [(one.get("id", "?"), one, ABSENT) for one in left]


def key_of(path: Path, item: Any) -> Any:
    """What identifies an element of the list at a path."""
    name = _list_name(path)
    if not isinstance(item, Mapping):
        return item if name in SETS else None
    identity = next((item[k] for k in KEYS.get(name, ()) if item.get(k) not in (None, "")), None)
    own = re.fullmatch(places.DATABASE, str(identity)) if name == "members" else None
    return own[1] if own else identity


def _identifies(path: Path, name: str) -> bool:
    """Whether a property of an element is told by the element's own label."""
    told_of_tiers = ("protectionStoreInfo", "type") if _list_name(path) == "protections" else ("protectionStoreInfo",)
    return name in KEYS.get(_list_name(path), ()) or name in told_of_tiers


def _list_name(path: Path) -> str:
    """The name of the list at a path; "" where it has none."""
    return path[-1] if path and isinstance(path[-1], str) else ""


def _same(path: Path, before: Any, after: Any) -> bool:
    """Whether two values mean the same: equal ones, and points in time however they are written."""
    if before == after:
        return isinstance(before, bool) == isinstance(after, bool)
    if not isinstance(before, str) or not isinstance(after, str) or path[-1:] in (("name",), ("description",)):
        return False
    moment = units.parse_time(before)
    return moment is not None and moment == units.parse_time(after)


def is_atom(path: Path, value: Any) -> bool:
    """Whether an object is told as one value: a length of time, a rhythm."""
    if not isinstance(value, Mapping):
        return False
    return path[-1:] == ("schedule",) or (bool(value) and value.keys() <= {"value", "unit"})
