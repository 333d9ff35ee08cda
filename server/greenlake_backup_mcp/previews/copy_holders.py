"""Who may have recovery points in a store: whoever has any, whatever its job writes to.

Members of groups have copies of their own, some assets have no job any more, and copies are made by hand. Must know
nothing of HTTP or MCP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .model import Subject
from .phrases import item_at, name_of, objects
from .reads import ASSETS, EVERY, OWN, WHOLE, ReadSpec, identity_of, path_of
from .recovery_point_facts import is_unreachable

_ASSET = "id,name,displayName,recoveryPointsExist"
# TABLE: who may have recovery points, and how many of them a request gives
HOLDERS = tuple(
    ReadSpec(words, f"the {words}", f"{ASSETS.get(place, OWN)}/{place}", (most, ("select", fields)))
    for words, place, most, fields in (
        ("volume groups", "volume-protection-groups", EVERY[0], "id,name"),
        ("VM groups", "virtual-machine-protection-groups", WHOLE[0], "id,name,displayName"),
        ("databases", "mssql-databases", WHOLE[0], "id,name,recoveryPointsExist"),
        ("datastores", "datastores", WHOLE[0], _ASSET),
        ("VMs", "virtual-machines", WHOLE[0], f"{_ASSET},protectionPolicyAppliedAtInfo"),
    )
)
COLLECTIONS = {identity_of(spec.path)[1] for spec in HOLDERS}


@dataclass(frozen=True)
class Holder:
    """An asset that has recovery points, or may: its name, its path in this API, and how much hangs on these stores."""

    name: str
    path: str
    risk: int  # 0: its job writes to no other store in reach; 1: it has no job; 2: to others too; 3: only to others


def holders_of(s: Subject, lost: set[Any]) -> list[Holder]:
    """Whoever may have recovery points in the stores `lost`, those first who lose most by it."""
    useless = {store.get("id") for store in s.read("every store").items if is_unreachable(store)}
    stores_of: dict[str, set[Any]] = {}
    names: dict[str, str] = {}
    for job in s.read("jobs").items:
        writes = {item_at(tier, "protectionStoreInfo", "id") for tier in objects(job.get("protections"))} - {None}
        for asset in (*objects(job.get("assetInfo")), *objects(job.get("associatedAssetsInfo"))):
            if path := _path_of_uri(asset.get("resourceUri")):
                stores_of.setdefault(path, set()).update(writes)
                names.setdefault(path, name_of(asset))
    for spec in HOLDERS:
        for asset in s.read(spec.name).items:
            path = path_of(OWN, identity_of(spec.path)[1], asset.get("id"))
            if asset.get("recoveryPointsExist") is not False:
                names[path] = name_of(asset)
                if above := _path_of_uri(item_at(asset, "protectionPolicyAppliedAtInfo", "resourceUri")):
                    stores_of.setdefault(path, set()).update(stores_of.get(above, ()))
            elif not stores_of.get(path, set()) & lost:
                names.pop(path, None)
    holders = [
        Holder(name, path, _risk(stores_of.get(path), lost, useless))
        for path, name in names.items()
        if path.split("/")[-2] in COLLECTIONS  # volumes and groups of databases have no copies of their own
    ]
    return sorted(holders, key=lambda holder: holder.risk)  # volume groups, copied by hand, before others of a risk


def _path_of_uri(uri: Any) -> str:
    """The path in this API of the asset at a URI of any API; "" where it is none."""
    collection, identity = identity_of(uri) if isinstance(uri, str) else ("", "")
    return path_of(OWN, collection, identity) if collection and identity else ""


def _risk(writes: set[Any] | None, lost: set[Any], useless: set[Any]) -> int:
    if not writes:
        return 1
    return (0 if writes <= lost | useless else 2) if writes & lost else 3
