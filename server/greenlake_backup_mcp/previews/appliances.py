"""What lies on an appliance and who writes to it: phrases for stores, gateways, StoreOnces and orchestrators.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from .model import Finding, Gravity, Subject, assets, at_least, item_at, name_of, objects, state_of

ALL_JOBS = (
    ("limit", "20000"),
    ("select", "id,assetInfo,associatedAssetsInfo,operational,protections,dataOrchestratorId"),
)


def facts(s: Subject) -> str:
    """A system in one line: state, connection, place, size, address."""
    r = s.resource
    facts = [state_of(r) or "state not known"]
    facts += [cell(str(r[name])).lower() for name in ("connectionState", "connectedState") if r.get(name)]
    if health := item_at(r, "health", "status"):
        facts.append(cell(str(health)).removeprefix("PSG_HEALTH_STATUS_").removeprefix("SO_HEALTH_STATUS_").lower())
    if kind := r.get("protectionStoreType"):
        facts.append({"CLOUD": "in the cloud", "ON_PREMISES": "on premises"}.get(str(kind), cell(str(kind))))
    if isinstance(r.get("storageSystemInfo"), Mapping):
        facts.append(f"on {name_of(r['storageSystemInfo'])}")
    if isinstance(r.get("sizeOnDiskInBytes"), (int, float)):
        facts.append(f"{units.size(r['sizeOnDiskInBytes'])} on disk")
    if address := r.get("networkAddress"):
        facts.append(f"address {cell(str(address))}")
    return "; ".join(facts)


def stores_of(s: Subject) -> list[Mapping[str, Any]]:
    """The stores on the target, a gateway or StoreOnce."""
    mine = s.resource.get("id")
    return [x for x in s.found("stores").items if item_at(x, "storageSystemInfo", "id") == mine]


def jobs_of_stores(s: Subject, stores: set[Any]) -> list[Mapping[str, Any]]:
    """The jobs that write to any of these stores."""
    return [
        j
        for j in s.found("jobs").items
        if any(item_at(p, "protectionStoreInfo", "id") in stores for p in objects(j.get("protections")))
    ]


def stopped(
    s: Subject, jobs: list[Mapping[str, Any]], what: str = "Jobs that back up through it and would fail"
) -> list[Finding]:
    """That jobs would fail, where there are any; or that it is not known."""
    needed = [s.found(name) for name in ("jobs", "stores", "gateways") if name in s.facts]
    if jobs:
        return [
            Finding(f"{what}: {at_least(*needed)}{len(jobs):,} ({assets(jobs)}).", Gravity.GRAVE, danger=Danger.DISRUPT)
        ]
    return [] if all(found.known for found in needed) else [Finding(f"{what}: not known which.", Gravity.GRAVE)]
