"""What a request changes, leaf by leaf: the resource as it is against the resource as the request would leave it.

A PATCH is a merge patch (RFC 7396: arrays are replaced whole), a PUT replaces all that a request can carry, a create or
an action is the request itself with the description's defaults. Nothing is left out here, and nothing judged.
Knows JSON and where the service keeps what a request gives; no words, no gravity, no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import schemas
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.published import BESIDE


class Absent(Enum):
    """Of a side of a difference: there is nothing."""

    ABSENT = 0


ABSENT = Absent.ABSENT

# TABLE: per operation, where the resource keeps what the request gives, since the service answers in another structure.
# `[id=]` is the element that the request names, `[].id` the ids of a list. Of a POST, what stands here has a before.
PLACES: Mapping[str, Mapping[str, str]] = {
    "DataOrchestratorModify": {"network": "interfaces/network"},
    "ProtectionStoreGatewayUpdate": {"dns": "network/dns", "ntp": "network/ntp", "proxy": "network/proxy"},
    "ApplicationHostUpdate": {"credentials/username": "username"},
    "StoreOnceUpdate": {"networkAddress": "network/nics[0]/networkAddress"},
    "ProtectionStoreGatewayNicUpdate": {"nic": "network/nics[id=]"},
    "ProtectionStoreGatewayNicDelete": {"nic": "network/nics[id=]"},
    "ProtectionStoreGatewayStorage": {
        "maxInCloudDailyProtectedDataInTiB": "size/maxInCloudDailyProtectedDataInTiB",
        "maxInCloudRetentionDays": "size/maxInCloudRetentionDays",
        "maxOnPremDailyProtectedDataInTiB": "size/maxOnPremDailyProtectedDataInTiB",
        "maxOnPremRetentionDays": "size/maxOnPremRetentionDays",
        "override": "override",
        "datastoreIds": "datastoresInfo[].id",
    },
    "DataOrchestratorInfosightConfigModify": {"remoteAccessEnabled": "remoteAccessEnabled"},
    "ProtectionStoreGatewaySetRemoteSupport": {"enabled": "remoteAccessEnabled"},
    "CloudProtectionStoreReattach": {
        "storageSystemId": "storageSystemInfo/id",
        "storageSystemType": "storageSystemInfo/type",
    },
}
ENDS = {"ProtectionStoreGatewayNicDelete": "nic"}  # POSTs that take away what they name
# TABLE: defaults that the description tells in a text only
DEFAULTS: Mapping[str, Mapping[str, Any]] = {"ProtectionStoreGatewayNicUpdate": {"force": True}}
# TABLE: what identifies an element of a list; where both sides have it, the order of the list means nothing
KEYS: Mapping[str, tuple[str, ...]] = {
    "protections": ("id",),
    "schedules": ("scheduleId",),
    "assets": ("id",),
    "members": ("id", "resourceUri"),
    "nic": ("name",),
}
# TABLE of leaves that change nothing: lists of values whose order means nothing. (The other kind is the present value.)
SETS = frozenset({"scheduleIds", "datastoreIds", "includeResources", "individualBackupIds", "individualSnapshotIds"})
# TABLE: of these one is given; these mean all where they are left out, which is said in a sentence
EITHER = (
    frozenset({"backupId", "snapshotId"}),
    frozenset({"vpgBackupId", "vpgSnapshotId"}),
    frozenset({"individualBackupIds", "individualSnapshotIds"}),
    frozenset({"clusterId", "hostId"}),
    frozenset({"retainOriginalDirectoryStructure", "retainOrignalDirectoryStructure"}),
)
MEANS_ALL = frozenset(
    {
        "scheduleIds",
        "individualBackupIds",
        "individualSnapshotIds",
        "restoreAllResources",
        "recoveryInfo",
        "includeResources",
    }
)
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

    def find(self, *names: str) -> list[Leaf]:
        """The leaves whose last name is one of these."""
        return [leaf for leaf in self.leaves if leaf.name in names]


def compute_difference(tool: Tool, arguments: Mapping[str, Any], resource: Mapping[str, Any]) -> Difference:
    """What a call of `tool` changes of `resource` ({} where it has none, or none that is known), and leaves out."""
    operation = tool.operation
    if operation is None:
        return Difference()
    body = request_body(tool, arguments)
    query = {a.name: arguments[a.name] for a in tool.arguments.values() if a.place == "query" and a.name in arguments}
    schema = schemas.merged_choice(tool.body or {})
    present = _present(operation.id, operation.method, schema, body, resource)
    end = ENDS.get(operation.id, "")
    after: Any = body if not end else {name: value for name, value in body.items() if name != end}
    if operation.method == "PATCH":
        after = merge_patch(present, body)
    elif operation.method == "POST" and not end:
        after = merge_patch(present, body) if present else body
    leaves = [*_differing(present, after, ()), *_differing({}, query, ())]
    left_out: list[str] = []
    if operation.method in ("POST", "PUT", "DELETE"):
        known = {p.name: p.schema for p in operation.parameters if p.place == "query"}
        whole = {**known, **schema.get("properties", {})}
        given = {**query, **body}
        told = DEFAULTS.get(operation.id, {})
        for path, default in _left_out(whole, given, told, present):
            if default is not ABSENT:
                leaves.append(Leaf(path, after=default, default=True))
            elif operation.method == "POST" and not _spoken_for(path, given):
                left_out.append(Leaf(path).dotted)
    return Difference(tuple(leaves), tuple(left_out))


def _spoken_for(path: Path, given: Mapping[str, Any]) -> bool:
    """Whether leaving something out is no gap: the other of two is given, it means all, or it has no meaning here."""
    name = str(path[-1])
    other = next((two - {name} for two in EITHER if name in two), frozenset())
    placed = given.get("restoreType") == "PARENT" and str(path[0]).startswith(("target", "name"))
    return bool(other & given.keys()) or name in MEANS_ALL or placed


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


# --- both sides -------------------------------------------------------------------------------------------------------


def _present(
    operation: str, method: str, schema: Schema, body: Mapping[str, Any], resource: Mapping[str, Any]
) -> dict[str, Any]:
    """The resource in the structure of the request, as far as the request can carry it."""
    places = PLACES.get(operation, {})
    found: dict[str, Any] = {}
    if method in ("PATCH", "PUT"):
        own = schema.get("properties", {})
        names = own if method == "PUT" else [n for n in own if n in body]
        found = {n: resource[n] for n in names if n in resource and n not in places}
    for given, kept in places.items():
        name, _, inner = given.partition("/")
        if name not in body:
            continue
        value = _at(resource, kept, body.get(name))
        if value is not ABSENT:
            found[name] = {**found.get(name, {}), inner: value} if inner else value
    end = ENDS.get(operation)  # what goes, goes with all it is
    own = schema.get("properties", {})
    return {name: value if name == end else _writable(value, own.get(name, {})) for name, value in found.items()}


def _at(resource: Any, place: str, given: Any) -> Any:
    """What a resource keeps at a place of PLACES."""
    value = resource
    for step in place.replace("]", "").split("/"):
        name, _, inside = step.partition("[")
        value = value.get(name, ABSENT) if isinstance(value, Mapping) else ABSENT
        if "[" not in step or not isinstance(value, list):
            continue
        if inside == "id=":
            wanted = given.get("id") if isinstance(given, Mapping) else None
            value = next((i for i in value if isinstance(i, Mapping) and i.get("id") == wanted), ABSENT)
        elif inside.startswith("."):
            value = [i.get(inside[1:]) for i in value if isinstance(i, Mapping)]
        else:
            value = value[int(inside)] if len(value) > int(inside) else ABSENT
    return value


def _writable(value: Any, schema: Schema) -> Any:
    """The value without what no request can carry: names beside ids, states, counters. What identifies stays."""
    if isinstance(value, Mapping) and schema.get("properties"):
        known = {*schema["properties"], *IDENTIFYING, "name"}
        out = {n: _writable(v, schema["properties"].get(n, {})) for n, v in value.items() if n in known}
        if "protectionStoreId" in schema["properties"] and store_of(value) is not None:
            out["protectionStoreId"] = store_of(value)
        return out
    if isinstance(value, list):
        return [_writable(item, schema.get("items", {})) for item in value]
    return value


IDENTIFYING = ("id", "type", "displayName", "resourceUri", "scheduleId", "protectionStoreInfo")
UNCARRIED = ("preScriptInfo", "postScriptInfo", "sourceProtectionScheduleId")  # of a schedule that a PATCH lists anew


def _left_out(
    properties: Mapping[str, Schema], given: Mapping[str, Any], told: Mapping[str, Any], present: Mapping[str, Any]
) -> Iterator[tuple[Path, Any]]:
    """What is not given, with its default where the description has one; also within what is given."""
    for name, schema in properties.items():
        if name not in given:
            if name not in present:
                yield (name,), schema.get("default", told.get(name, ABSENT))
        elif isinstance(given[name], Mapping) and schema.get("properties"):
            inner = present.get(name)
            for path, default in _left_out(
                schema["properties"], given[name], {}, inner if isinstance(inner, Mapping) else {}
            ):
                yield (name, *path), default


# --- what differs -----------------------------------------------------------------------------------------------------


def _differing(before: Any, after: Any, path: Path) -> Iterator[Leaf]:
    """The leaves in which two values differ."""
    if _same(path, before, after):
        return
    sides = [side for side in (before, after) if side is not ABSENT]
    if all(isinstance(side, Mapping) for side in sides) and not any(is_atom(path, side) for side in sides):
        if any(side for side in sides):
            one, two = (side if isinstance(side, Mapping) else {} for side in (before, after))
            for name in dict.fromkeys((*one, *two)):
                if path or name not in ("id", "resourceUri"):
                    yield from _differing(one.get(name, ABSENT), two.get(name, ABSENT), (*path, name))
            return
    elif all(isinstance(side, list) for side in sides) and not any(is_atom(path, side) for side in sides):
        yield from _elements(before if before is not ABSENT else [], after if after is not ABSENT else [], path)
        return
    yield Leaf(path, before, after)


def _elements(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[Leaf]:
    """The leaves in which two lists differ: by key where their elements have one, else by place."""
    pairs = _pairs(before, after, path)
    if pairs is None:
        if before:  # nothing says which element is which: the whole list is one value
            yield Leaf(path, list(before), list(after))
            return
        pairs = [(n + 1, ABSENT, item) for n, item in enumerate(after)]
    if not pairs:
        yield Leaf(path, ABSENT if not before else list(before), list(after))
    for key, one, two in pairs:
        step = Element(key, one, two)
        if one is not ABSENT and two is ABSENT:
            yield Leaf((*path, step), one)
        elif one is ABSENT and not isinstance(two, Mapping):
            yield Leaf((*path, step), after=two)
        elif one is ABSENT:
            rest = {n: v for n, v in two.items() if not _identifies(path, n) or n == "protectionStoreId"}
            yield from _differing(ABSENT, rest, (*path, step)) if rest else [Leaf((*path, step), after=two)]
        else:
            given = {n: v for n, v in two.items() if not _identifies(path, n)} if isinstance(two, Mapping) else two
            yield from _differing(_carried(path, one, given), given, (*path, step))
    if before and not after and pairs:
        yield Leaf(path, ABSENT, [])


def _pairs(before: Sequence[Any], after: Sequence[Any], path: Path) -> list[tuple[Any, Any, Any]] | None:
    """(key, element before, element after) of each element; None where the elements have no keys of their own."""
    name = path[-1] if path and isinstance(path[-1], str) else ""
    if name in SETS:
        sides = [{str(item): item for item in side} for side in (before, after)]
    elif name in KEYS:
        if name == "protections" and not all(isinstance(i, Mapping) and "id" in i for i in (*before, *after)):
            return _tier_pairs(before, after)
        if any(_key(path, item) is None for item in (*before, *after)):
            return None
        sides = [{str(_key(path, item)): item for item in side} for side in (before, after)]
    else:
        return None
    if len(sides[0]) < len(before) or len(sides[1]) < len(after):
        return None
    return [
        (key, sides[0].get(key, ABSENT), sides[1].get(key, ABSENT)) for key in dict.fromkeys((*sides[0], *sides[1]))
    ]


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


def store_of(tier: Mapping[str, Any]) -> Any:
    """The id of the store a tier writes to, as a request or as the service spells it."""
    info = tier.get("protectionStoreInfo")
    return tier.get("protectionStoreId") or (info.get("id") if isinstance(info, Mapping) else None)


def _key(path: Path, item: Any) -> Any:
    """What identifies an element of the list at a path."""
    name = path[-1] if path and isinstance(path[-1], str) else ""
    if not isinstance(item, Mapping):
        return item if name in SETS else None
    keys = KEYS.get(name, ())
    found = next((item[k] for k in keys if item.get(k) not in (None, "")), None)
    return str(found).rpartition("/")[2] if name == "members" and found is not None else found


def _identifies(path: Path, name: str) -> bool:
    """Whether a property of an element is told by the element's own label."""
    here = path[-1] if path and isinstance(path[-1], str) else ""
    return name in KEYS.get(here, ()) or name == "protectionStoreInfo" or (here == "protections" and name == "type")


def _carried(path: Path, one: Any, given: Any) -> Any:
    """An element as it is, as far as the request's element could carry it. Members are named, not described."""
    if not isinstance(one, Mapping) or not isinstance(given, Mapping):
        return one
    return {
        n: v
        for n, v in one.items()
        if n in given or (not _identifies(path, n) and path[-1] not in ("assets", "members") and n not in IDENTIFYING)
    }


def _same(path: Path, before: Any, after: Any) -> bool:
    if before is ABSENT or after is ABSENT:
        return before is after
    if isinstance(before, bool) != isinstance(after, bool):
        return False
    if before == after:
        return True
    if isinstance(before, str) and isinstance(after, str) and (at := units.parse_time(before)) is not None:
        return path[-1:] != ("name",) and path[-1:] != ("description",) and at == units.parse_time(after)
    return False


def is_atom(path: Path, value: Any) -> bool:
    """Whether an object is told as one value: a length of time, a rhythm."""
    if not isinstance(value, Mapping):
        return False
    return bool(value and set(value) <= {"value", "unit"}) or bool(path and path[-1] in ATOMS)
