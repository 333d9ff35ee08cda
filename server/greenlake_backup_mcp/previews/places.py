"""Where a restore puts what it makes beside the original, and what the call leaves open.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text.sanitize import cell

from .model import Subject, item_at, name_of, quoted


def describe_place(s: Subject) -> str:
    """The name and place of what is made, as far as the call names them."""
    a = s.arguments
    parts = []
    target: Mapping[str, Any] = next(
        (
            a[n]
            for n in ("targetVmInfo", "targetDatastoreInfo", "targetDatabaseInfo", "targetInfo")
            if isinstance(a.get(n), Mapping)
        ),
        {},
    )
    if target.get("name"):
        parts.append(f"named {quoted(target['name'])}")
    for name in ("datastore", "instance"):
        found = s.found(name)
        if found.known:
            parts.append(f"on the {name} {name_of(found.resource)}")
    for word, name in (("host", "hostId"), ("cluster", "clusterId"), ("folder", "folderId")):
        if target.get(name):
            parts.append(f"{word} {cell(str(target[name]))}")
    if array := a.get("targetStorageSystemId") or item_at(target, "storageInfo", "storageSystemId"):
        parts.append(f"array {cell(str(array))}")
    return ", ".join(parts) or "where is left to the service"


def unspecified(s: Subject) -> list[str]:
    """What a new VM needs and the call leaves open: the documents do not say what the service then does."""
    if s.target.kind != "VM":
        return []
    target = s.arguments.get("targetVmInfo")
    target = target if isinstance(target, Mapping) else {}
    missing = [
        *(["name"] if not target.get("name") else []),
        *(["cluster or host"] if not (target.get("clusterId") or target.get("hostId")) else []),
        *(["datastore"] if not item_at(target, "appInfo", "vmware", "datastoreId") else []),
        *(["vCenter"] if not target.get("hypervisorManagerId") else []),
    ]
    return [f"Not named: {', '.join(missing)}; the service decides, or refuses."] if missing else []


def duplicates(s: Subject) -> list[str]:
    """What it means that both run."""
    target = s.arguments.get("targetVmInfo") or s.arguments.get("targetInfo") or {}
    on = (
        item_at(target, "powerOn")
        or s.arguments.get("powerOnVmsAfterRestore")
        or item_at(s.arguments, "targetDatastoreInfo", "powerOnVmsAfterRestore")
    )
    if on:
        return ["It is powered on: two machines with the same name, addresses and identity run then."]
    return []
