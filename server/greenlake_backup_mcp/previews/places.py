"""Where the service keeps what a request gives, and what a request leaves out: the side of a difference that is there.

Knows the structures in which the service takes and answers things; no words, no gravity, no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.published import BESIDE


class Absent(Enum):
    """Of a side of a difference: there is nothing."""

    ABSENT = 0


ABSENT = Absent.ABSENT

_SIZES = [f"{where}{what}" for where in ("InCloud", "OnPrem") for what in ("DailyProtectedDataInTiB", "RetentionDays")]
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
        **{f"max{name}": f"size/max{name}" for name in _SIZES},
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
# TABLE: of these one is given; these mean all where they are left out, which is said in a sentence
EITHER = (
    frozenset({"backupId", "snapshotId"}),
    frozenset({"vpgBackupId", "vpgSnapshotId"}),
    frozenset({"individualBackupIds", "individualSnapshotIds"}),
    frozenset({"clusterId", "hostId"}),
    frozenset({"retainOriginalDirectoryStructure", "retainOrignalDirectoryStructure"}),
)
MISSPELT = ("retainOrignalDirectoryStructure",)  # the description has it beside the one it means
MEMBERS = ("assets", "members")  # the lists of a group: whoever is not in them is dropped
DATABASE = r"/backup-recovery/v1beta1/mssql-databases/([\w-]+)/?"  # how the service writes it
PARTS = ("scheduleIds", "individualBackupIds", "individualSnapshotIds", "includeResources")
MEANS_ALL = frozenset((*PARTS, "restoreAllResources", "recoveryInfo"))
IDENTIFYING = ("id", "type", "displayName", "resourceUri", "scheduleId", "protectionStoreInfo")
UNCARRIED = ("preScriptInfo", "postScriptInfo", "sourceProtectionScheduleId")  # of a schedule that a PATCH lists anew


def request_body(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The body that the arguments become, with what was given in the published form and ours has no place for."""
    body = tool.body_of(arguments) or {}
    beside = {BESIDE: arguments[BESIDE]} if BESIDE in arguments else {}
    return {**(body if isinstance(body, Mapping) else {"body": body}), **beside}


def present(
    operation: str, method: str, schema: Schema, body: Mapping[str, Any], resource: Mapping[str, Any]
) -> dict[str, Any]:
    """The resource in the structure of the request, as far as the request can carry it."""
    places = PLACES.get(operation, {})
    sides: dict[str, Any] = {}
    if method in ("PATCH", "PUT"):
        own = schema.get("properties", {})
        names = own if method == "PUT" else [n for n in own if n in body]
        sides = {n: resource[n] for n in names if n in resource and n not in places}
    for asked, place in places.items():
        name, _, inner = asked.partition("/")
        if name not in body:
            continue
        value = _find(resource, place, body.get(name))
        if value is not ABSENT:
            sides[name] = {**sides.get(name, {}), inner: value} if inner else value
    end = ENDS.get(operation)  # what goes, goes with all it is
    own = schema.get("properties", {})
    return {name: value if name == end else _writable(value, own.get(name, {})) for name, value in sides.items()}


def _find(resource: Any, place: str, asked: Any) -> Any:
    """What a resource keeps at a place of PLACES."""
    value = resource
    for step in place.replace("]", "").split("/"):
        name, _, inside = step.partition("[")
        value = value.get(name, ABSENT) if isinstance(value, Mapping) else ABSENT
        if "[" not in step or not isinstance(value, list):
            continue
        if inside == "id=":
            wanted = asked.get("id") if isinstance(asked, Mapping) else None
            value = next((i for i in value if isinstance(i, Mapping) and i.get("id") == wanted), ABSENT)
        elif inside.startswith("."):
            value = [i.get(inside[1:]) for i in value if isinstance(i, Mapping)]
        else:
            value = value[int(inside)] if len(value) > int(inside) else ABSENT
    return value


def _writable(value: Any, schema: Schema) -> Any:
    """The value without what no request can carry: names beside ids, states, counters. What identifies stays."""
    if isinstance(value, Mapping) and schema.get("properties"):
        writable = {*schema["properties"], *IDENTIFYING, "name"}
        out = {n: _writable(v, schema["properties"].get(n, {})) for n, v in value.items() if n in writable}
        if "protectionStoreId" in schema["properties"] and store_of(value) is not None:
            out["protectionStoreId"] = store_of(value)
        return out
    if isinstance(value, list):
        return [_writable(item, schema.get("items", {})) for item in value]
    return value


def left_out(
    properties: Mapping[str, Schema], asked: Mapping[str, Any], defaults: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is not asked, with its default where the description has one; also within what is asked."""
    for name, schema in properties.items():
        if name in MISSPELT and name not in asked:
            continue
        if name not in asked:
            if name not in now:
                yield (name,), schema.get("default", defaults.get(name, ABSENT))
        elif isinstance(asked[name], Mapping) and schema.get("properties"):
            inner = now.get(name)
            for path, default in left_out(
                schema["properties"], asked[name], {}, inner if isinstance(inner, Mapping) else {}
            ):
                yield (name, *path), default


def is_spoken_for(path: tuple[str, ...], asked: Mapping[str, Any]) -> bool:
    """Whether leaving something out is no gap: the other of two is given, it means all, or it has no meaning here."""
    name = str(path[-1])
    other = next((two - {name} for two in EITHER if name in two), frozenset())
    placed = asked.get("restoreType") == "PARENT" and str(path[0]).startswith(("target", "name"))
    return bool(other & asked.keys()) or name in MEANS_ALL or placed


def store_of(tier: Mapping[str, Any]) -> Any:
    """The id of the store a tier writes to, as a request or as the service spells it."""
    info = tier.get("protectionStoreInfo")
    return tier.get("protectionStoreId") or (info.get("id") if isinstance(info, Mapping) else None)
