"""How this service spells what it takes and says, where the documents leave it open: see switches.READINGS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.simulator.answers import Refusal
from greenlake_backup_mcp.simulator.names import Item
from greenlake_backup_mcp.simulator.switches import Switches


@dataclass(frozen=True)
class Misspelling:
    """A property of request bodies as published, and as it must be meant; "": there is none, and yet it is required."""

    operations: tuple[str, ...]
    published: str
    corrected: str = ""


MISSPELLINGS = (
    Misspelling(("DataManagementTemplateCreate", "DataManagementTemplateReplace"), "hostID", "hostId"),
    Misspelling(("VolumeProtectionGroupCreate",), "VolumeProtectionGroupType", "volumeProtectionGroupType"),
    Misspelling(("VpgSnapshotCreate",), "snapshotType"),
    Misspelling(("VirtualMachineDisksRestore",), "diskIds"),
    Misspelling(("StoreOnceCreate",), "username"),
    Misspelling(("StoreOnceCreate",), "password"),
)
RESTORES = frozenset({"VirtualMachineRestore", "VirtualMachineDisksRestore", "DatastoreRestoreFromCopy"})


def read_body(operation: str, body: Any, switches: Switches) -> Any:
    """The body in the description's spelling; 400 where this service understands another."""
    for row in MISSPELLINGS if switches.published_names != "corrected" else ():
        if operation in row.operations:
            must = switches.published_names == "published"
            if must and not row.corrected and isinstance(body, dict) and row.published not in body:
                raise _missing(row.published)
            body = _corrected(body, row, must)
    if switches.recovery_point_of_restore == "both" and operation in RESTORES and isinstance(body, dict):
        if "backupId" not in body or "snapshotId" not in body:
            raise _missing("backupId" if "backupId" not in body else "snapshotId")
        body = {name: value for name, value in body.items() if name != "snapshotId"}
    return body


def _corrected(value: Any, row: Misspelling, must: bool) -> Any:
    if isinstance(value, list):
        return [_corrected(v, row, must) for v in value]
    if not isinstance(value, dict):
        return value
    if must and row.corrected in value and row.published not in value:
        raise _missing(row.published)
    renamed = {}
    for name, inner in value.items():
        if name == "credentials" and not row.corrected:
            renamed[name] = inner
        elif name != row.published:
            renamed[name] = _corrected(inner, row, must)
        elif row.corrected:
            renamed[row.corrected] = inner
    return renamed


def _missing(name: str) -> Refusal:
    return Refusal(400, f"Invalid request body: {name} is required.", code="INVALID_PARAMETER")


def write_item(collection: str, item: Item, switches: Switches) -> Item:
    """An item of an answer in this service's spelling."""
    if collection == "async-operations":
        item = _rename(item, {"state": switches.task_word, "progressPercent": switches.progress_word})
        if switches.log_time_word != "timestampAt" and "logMessages" in item:
            words = {"timestampAt": switches.log_time_word}
            item = {**item, "logMessages": [_rename(m, words) for m in item["logMessages"]]}
    if collection == "protection-jobs" and switches.run_order == "oldest" and "protections" in item:
        item = {**item, "protections": [_oldest_first(p) for p in item["protections"]]}
    return _with_old_types(item) if switches.asset_types == "hybrid-cloud" else item


def _rename(item: Mapping[str, Any], words: Mapping[str, str]) -> Item:
    return {words.get(name, name): value for name, value in item.items()}


def _oldest_first(protection: Item) -> Item:
    schedules = protection.get("schedules", [])
    return {**protection, "schedules": [
        {**s, "executionStatuses": s["executionStatuses"][::-1]} if "executionStatuses" in s else s for s in schedules
    ]}  # fmt: skip


def _with_old_types(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_old_types(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {
        name: inner.replace("virtualization/", "hybrid-cloud/")
        if name == "type" and isinstance(inner, str)
        else _with_old_types(inner)
        for name, inner in value.items()
    }
