"""What a request changes, leaf by leaf: the resource as it is against the resource as the request would leave it.

A PATCH is a merge patch (RFC 7396: arrays are replaced whole), a PUT replaces all that a request can carry, a create or
an action is the request itself with the description's defaults. Nothing is left out here, and nothing judged.
Knows JSON and where the service keeps what a request gives; no words, no gravity, no HTTP.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import schemas
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.published import BESIDE

from .places import (
    ABSENT,
    DATABASE,
    DEFAULTS,
    ENDS,
    IDENTIFYING,
    MEMBERS,
    is_spoken_for,
    left_out,
    present,
    store_of,
)

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
ATOMS = frozenset({"schedule"})  # objects that are told as one value


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
        text = ""
        for step in self.path:
            text += f"[{step.key}]" if isinstance(step, Element) else f".{step}" if text else step
        return text


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
    body = request_body(tool, arguments)
    query = {a.name: arguments[a.name] for a in tool.arguments.values() if a.place == "query" and a.name in arguments}
    schema = schemas.merged_choice(tool.body or {})
    before = present(operation.id, operation.method, schema, body, resource)
    end = ENDS.get(operation.id, "")
    after: Any = {name: value for name, value in body.items() if name != end}
    if operation.method == "PATCH" or (operation.method == "POST" and before and not end):
        after = merge_patch(before, after)
    leaves = [*leaves_between(before, after), *leaves_between({}, query)]
    gaps: list[str] = []
    if operation.method in ("POST", "PUT", "DELETE"):
        queries = {p.name: p.schema for p in operation.parameters if p.place == "query"}
        asked, whole = {**query, **body}, {**queries, **schema.get("properties", {})}
        for path, default in left_out(whole, asked, DEFAULTS.get(operation.id, {}), before):
            if default is not ABSENT:
                leaves.append(Leaf(path, after=default, default=True))
            elif operation.method == "POST" and not is_spoken_for(path, asked):
                gaps.append(Leaf(path).dotted)
    return Difference(tuple(leaves), tuple(gaps))


def request_body(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The body that the arguments become."""
    whole = next((a for a in tool.arguments.values() if a.place == "whole body"), None)
    if whole is not None:
        value = arguments.get(whole.name)
        return dict(value) if isinstance(value, Mapping) else {} if value is None else {whole.name: value}
    beside = {BESIDE: arguments[BESIDE]} if BESIDE in arguments else {}
    body = {a.wire: arguments[a.name] for a in tool.arguments.values() if a.place == "body" and a.name in arguments}
    return {**body, **beside}


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged, null takes away, all else (arrays too) is replaced whole."""
    if not isinstance(patch, Mapping):
        return patch
    out = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merge_patch(out.get(name), value)
    return out


def leaves_of(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each leaf of a value with its path; empty lists and objects are leaves."""
    if isinstance(value, Mapping) and value and not is_atom(path, value):
        for name, item in value.items():
            yield from leaves_of(item, (*path, str(name)))
    elif isinstance(value, list) and value and not is_atom(path, value):
        for n, item in enumerate(value):
            yield from leaves_of(item, (*path, Element(_key(path, item) or n + 1, item)))
    else:
        yield path, value


# --- what differs -----------------------------------------------------------------------------------------------------


def leaves_between(before: Any, after: Any, path: Path = ()) -> Iterator[Leaf]:
    """The leaves in which two values differ."""
    if _same(path, before, after):
        return
    sides = [side for side in (before, after) if side is not ABSENT]
    if all(isinstance(side, Mapping) for side in sides) and not any(is_atom(path, side) for side in sides):
        if any(side for side in sides):
            one, two = (side if isinstance(side, Mapping) else {} for side in (before, after))
            for name in dict.fromkeys((*one, *two)):
                if path or name not in ("id", "resourceUri"):
                    yield from leaves_between(one.get(name, ABSENT), two.get(name, ABSENT), (*path, name))
            return
    elif all(isinstance(side, list) for side in sides) and not any(is_atom(path, side) for side in sides):
        yield from _elements(before if before is not ABSENT else [], after if after is not ABSENT else [], path)
        return
    yield Leaf(path, before, after)


def _elements(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[Leaf]:
    """The leaves in which two lists differ: by key where their elements have one, else by place."""
    pairs = _pairs(before, after, path)
    if pairs is None and before:  # nothing says which element is which: the whole list is one value
        yield Leaf(path, list(before), list(after))
        return
    if not before and not any(isinstance(item, (Mapping, list)) for item in after):  # plain values are told as one
        yield Leaf(path, after=list(after))
        return
    pairs = pairs or [(n + 1, ABSENT, item) for n, item in enumerate(after)]
    for key, one, two in pairs:
        step = Element(key, one, two)
        if one is not ABSENT and two is ABSENT:
            yield Leaf((*path, step), one)
        elif one is ABSENT and not isinstance(two, Mapping):
            yield Leaf((*path, step), after=two)
        elif one is ABSENT:
            rest = {n: v for n, v in two.items() if not _identifies(path, n) or n == "protectionStoreId"}
            yield from leaves_between(ABSENT, rest, (*path, step)) if rest else [Leaf((*path, step), after=two)]
        else:
            asked: Any = two
            if isinstance(two, Mapping) and isinstance(one, Mapping):  # one key may stand for two that differ
                asked = {n: v for n, v in two.items() if not _identifies(path, n) or one.get(n, v) != v}
            yield from leaves_between(_carried(path, one, asked), asked, (*path, step))


def _pairs(before: Sequence[Any], after: Sequence[Any], path: Path) -> list[tuple[Any, Any, Any]] | None:
    """(key, element before, element after) of each element; None where the elements have no keys of their own."""
    name = path[-1] if path and isinstance(path[-1], str) else ""
    if name == "protections" and not all(isinstance(i, Mapping) and "id" in i for i in (*before, *after)):
        return _tier_pairs(before, after)
    if name not in SETS and name not in KEYS:
        return None
    one, two = (_by_key(path, side) for side in (before, after))
    return [(key, one.get(key, ABSENT), two.get(key, ABSENT)) for key in dict.fromkeys((*one, *two))]


def _by_key(path: Path, items: Sequence[Any]) -> dict[str, Any]:
    """The elements of a list by key, else by place; one that has the key of an earlier one does not hide behind it."""
    counts: Counter[str] = Counter()
    keyed = {}
    for n, item in enumerate(items, 1):
        key = _key(path, item)
        key = f"({n})" if key is None else str(key)
        counts[key] += 1
        keyed[key if counts[key] == 1 else f"{key}{AGAIN}{counts[key]} times)"] = item
    return keyed


def _tier_pairs(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[Any, Any, Any]]:
    """The tiers of a policy without ids, paired by type and store, else by type; what is left pairs with nothing."""
    left = [item for item in before if isinstance(item, Mapping)]
    pairs: list[tuple[Any, Any, Any]] = []
    for n, two in enumerate(after):
        alike = [one for one in left if isinstance(two, Mapping) and one.get("type") == two.get("type")]
        store = two.get("protectionStoreId") if isinstance(two, Mapping) else None
        one = next((i for i in alike if store_of(i) == store), alike[0] if alike else ABSENT)
        if one is not ABSENT:
            left = [item for item in left if item is not one]
        new = f"{n + 1}:{two.get('type')}" if isinstance(two, Mapping) and two.get("type") else n + 1
        pairs.append((one.get("id", new) if isinstance(one, Mapping) else new, one, two))
    return pairs + [(one.get("id", "?"), one, ABSENT) for one in left]


def _key(path: Path, item: Any) -> Any:
    """What identifies an element of the list at a path."""
    name = path[-1] if path and isinstance(path[-1], str) else ""
    if not isinstance(item, Mapping):
        return item if name in SETS else None
    keys = KEYS.get(name, ())
    identity = next((item[k] for k in keys if item.get(k) not in (None, "")), None)
    own = re.fullmatch(DATABASE, str(identity)) if name == "members" else None
    return own[1] if own else identity


def _identifies(path: Path, name: str) -> bool:
    """Whether a property of an element is told by the element's own label."""
    of_list = path[-1] if path and isinstance(path[-1], str) else ""
    return (
        name in KEYS.get(of_list, ()) or name == "protectionStoreInfo" or (of_list == "protections" and name == "type")
    )


def _carried(path: Path, one: Any, asked: Any) -> Any:
    """An element as it is, as far as the request's element could carry it. Members are named, not described."""
    if not isinstance(one, Mapping) or not isinstance(asked, Mapping):
        return one
    return {
        n: v
        for n, v in one.items()
        if n in asked or (not _identifies(path, n) and path[-1] not in MEMBERS and n not in IDENTIFYING)
    }


def _same(path: Path, before: Any, after: Any) -> bool:
    if before is ABSENT or after is ABSENT:
        return before is after
    if isinstance(before, bool) != isinstance(after, bool):
        return False
    if before == after:
        return True
    if isinstance(before, str) and isinstance(after, str) and (moment := units.parse_time(before)) is not None:
        return path[-1:] != ("name",) and path[-1:] != ("description",) and moment == units.parse_time(after)
    return False


def is_atom(path: Path, value: Any) -> bool:
    """Whether an object is told as one value: a length of time, a rhythm."""
    if not isinstance(value, Mapping):
        return False
    return bool(value and set(value) <= {"value", "unit"}) or bool(path and path[-1] in ATOMS)
