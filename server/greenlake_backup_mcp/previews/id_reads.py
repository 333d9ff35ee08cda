"""TABLE of where the name of an id is read that a request gives: names come from the service, never from the request.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from greenlake_backup_mcp.upstream.published import BESIDE

from . import leaf_words
from .difference import Difference, Element, Path, leaves_of
from .model import Finding, Gravity
from .phrases import item_at
from .reads import DATA, KINDS, OWN, VIRTUALIZATION, WHOLE, ReadResult, ReadSpec, identity_of, kind_of, path_of

MOST_SINGLE = 8  # ids of a collection that are read one by one; more are looked for in its list


@dataclass(frozen=True)
class Source:
    """Where leaves of this name get the name of their id from; `single`: whether one item can be read by its id."""

    leaf: re.Pattern[str]
    path: str
    single: bool = True


def _source(leaf: str, path: str, *, single: bool = True) -> Source:
    return Source(re.compile(rf"(?:^|\.)(?:{leaf})$"), path, single)


# `{vcenter}` is the vCenter that the request or the target names. The first row that fits speaks.
SOURCES = (
    _source(r"(?:pre|post)ScriptInfo\.hostId", f"{OWN}/application-hosts"),
    _source(r"protectionStoreId", f"{OWN}/protection-stores"),
    _source(r"protectionPolicyId", f"{OWN}/protection-policies"),
    _source(r"datastoreIds?", f"{VIRTUALIZATION}/datastores"),
    _source(r"hypervisorManagerId", f"{VIRTUALIZATION}/hypervisor-managers", single=False),
    _source(r"hostId", f"{VIRTUALIZATION}/hypervisor-hosts", single=False),
    _source(r"clusterId", f"{VIRTUALIZATION}/hypervisor-clusters", single=False),
    _source(r"folderId", f"{VIRTUALIZATION}/hypervisor-managers/{{vcenter}}/folders", single=False),
    _source(r"resourcePoolId", f"{VIRTUALIZATION}/hypervisor-managers/{{vcenter}}/resource-pools", single=False),
    _source(r"networkDetails\.id", f"{VIRTUALIZATION}/hypervisor-managers/{{vcenter}}/networks", single=False),
    _source(r"instanceId", f"{OWN}/mssql-instances"),
    _source(r"storageLocationId", f"{DATA}/storage-locations", single=False),
    _source(r"targetVmId|virtualMachineId|includeResources|resourceId", f"{VIRTUALIZATION}/virtual-machines"),
)
SYSTEMS = {"PROTECTION_STORE_GATEWAY": "protection-store-gateways", "STOREONCE": "storeonces"}
# ids of what a call cannot do without
NEEDED = re.compile(r"(?:ScriptInfo\.hostId|protectionStoreId|protectionPolicyId|(?:assetInfo|sourceCopyInfo)\.id)$")
NATIVE = {"MSSQL_INSTANCE": f"{OWN}/mssql-instances"}


def name_reads(
    body: Mapping[str, Any], resource: Mapping[str, Any], kind: str, difference: Difference
) -> list[ReadSpec]:
    """The reads that name the ids of a request, and those it takes the place of, which the target does not name."""
    present = collect_names(resource).keys() - {resource.get("id")}  # of another kind than what the leaf asks for
    wanted: dict[tuple[str, bool], list[str]] = {}
    gone = ((leaf.path, i) for leaf in difference.leaves for _, i in ids_in(leaf.before))
    for path, identity in (*ids_in(body), *gone):
        if identity in present:
            continue
        dotted = ".".join(step for step in path if isinstance(step, str))
        for place, single in _places(dotted, path, body, resource, kind):
            ids = wanted.setdefault((place, single), [])
            ids += [identity] if identity not in ids else []
    reads, vcenter = [], f"{VIRTUALIZATION}/hypervisor-managers/"
    for (place, single), ids in wanted.items():
        if single and len(ids) <= MOST_SINGLE:
            reads += [
                ReadSpec(
                    f"name {place}/{i}", f"{kind_of(path_of(place, i))} with the id {i}", path_of(place, i), quiet=True
                )
                for i in ids
            ]
        else:
            query = () if place.startswith(DATA) else WHOLE
            words = f"list of {place.rpartition('/')[2].replace('-', ' ')}"
            words += " of that vCenter" if vcenter in place else ""
            reads.append(ReadSpec(f"name {place}", words, place, query, quiet=True))
    return reads


def missing_ids(
    body: Mapping[str, Any], reads: Iterable[ReadSpec], facts: Mapping[str, ReadResult]
) -> Iterator[Finding]:
    """Which ids of a request, or of what it takes the place of, do not exist; without some a call cannot be done."""
    places = {identity: ".".join(s for s in path if isinstance(s, str)) for path, identity in ids_in(body)}
    for read in reads:
        if facts[read.name].missing:
            collection, identity = identity_of(read.path)
            forbids = collection in KINDS and NEEDED.search(places.get(identity, "")) is not None
            yield Finding(f"There is no {facts[read.name].words}.", Gravity.NOTABLE, forbids=forbids)


def _places(
    dotted: str, path: Path, body: Mapping[str, Any], resource: Mapping[str, Any], kind: str
) -> Iterator[tuple[str, bool]]:
    """Where an id at a path of a request may be read: collection, and whether by the id alone."""
    if dotted.endswith("storageSystemId") and (system := SYSTEMS.get(str(body.get("storageSystemType")))):
        yield f"{OWN}/{system}", True
    elif dotted == "assets.id":
        yield from _members(body, resource, kind)
    elif dotted == "sourceCopyInfo.id" and resource.get("id"):
        copies = "backups" if item_at(body, "sourceCopyInfo", "type") == "BACKUP" else "snapshots"
        yield path_of(OWN, "volume-protection-groups", resource["id"], copies), True
    elif dotted == "assetInfo.id":
        yield _collection(str(item_at(body, "assetInfo", "type") or "virtualization/virtual-machine")), True
    elif dotted == f"{BESIDE}.snapshotId" and resource.get("resourceUri"):
        yield f"{OWN}/{'/'.join(str(resource['resourceUri']).split('/')[-2:])}/snapshots", True
    elif dotted.endswith("resourceUri"):
        uri = value_at(body, path)
        if isinstance(uri, str) and re.fullmatch(r"/[\w./-]+/v1beta1/[\w-]+/[\w-]+", uri):
            yield uri.rpartition("/")[0], True
    elif dotted == "nativeAppInfo.id" and (place := NATIVE.get(str(item_at(body, "nativeAppInfo", "type")))):
        yield place, True
    else:
        vcenter = body.get("hypervisorManagerId") or _vcenter(body) or item_at(resource, "hypervisorManagerInfo", "id")
        for source in SOURCES:
            if source.leaf.search(dotted):
                if "{vcenter}" not in source.path or vcenter:
                    place = source.path.replace("{vcenter}", quote(str(vcenter), safe=""))
                    yield place, source.single
                return


def _members(body: Mapping[str, Any], resource: Mapping[str, Any], kind: str) -> Iterator[tuple[str, bool]]:
    if kind == "volume protection group" or "volumeProtectionGroupType" in body:
        return  # volumes are read by no API of this service
    category = body.get("assetsCategory") or resource.get("assetsCategory")
    yield f"{VIRTUALIZATION}/{'datastores' if category == 'VMFS_DATASTORES' else 'virtual-machines'}", True


def _collection(kind: str) -> str:
    """The collection of a type: `virtualization/virtual-machine` → its list."""
    place = f"{kind.rpartition('/')[2]}s"
    return f"{VIRTUALIZATION if place in ('virtual-machines', 'datastores') else OWN}/{place}"


def _vcenter(body: Mapping[str, Any]) -> Any:
    return next(
        (v["hypervisorManagerId"] for v in body.values() if isinstance(v, Mapping) and v.get("hypervisorManagerId")),
        None,
    )


# --- names and ids in what was read and asked -------------------------------------------------------------------------


def collect_names(value: Any) -> dict[str, str]:
    """Id → name, of everything within what was read that has both. What a request calls a thing is never a name.

    It looks at each value of answers of megabytes, so it tests for what JSON is parsed to and not for what is like it.
    """
    ids: dict[str, str] = {}
    left = [value] if isinstance(value, (dict, list)) else []
    while left:
        value = left.pop()
        if type(value) is dict:
            name = value.get("displayName") or value.get("name")
            if not name and type(value.get("schedules")) is list and value.get("type"):
                store = value.get("protectionStoreInfo")
                name = leaf_words.tier_type(value) + (
                    f" to {store['name']}" if type(store) is dict and store.get("name") else ""
                )
            if name and type(name) is str:
                for identity in (value.get("id"), value.get("resourceUri")):
                    if identity and type(identity) is str:
                        ids.setdefault(identity.rpartition("/")[2], name)
            value = value.values()
        left += [item for item in value if type(item) is dict or type(item) is list]
    return ids


def names_of_all(results: Iterable[ReadResult]) -> dict[str, str]:
    """Id → name of all that was read; what the calls of a plan share is looked through once."""
    names: dict[str, str] = {}
    for result in results:
        if "names" not in result.worked_out:
            result.worked_out["names"] = collect_names(result.value)
        names.update(result.worked_out["names"])
    return names


def ids_in(value: Any) -> Iterator[tuple[Path, str]]:
    """The ids within a value, with where they stand."""
    for path, leaf in leaves_of(value):
        if isinstance(leaf, str) and leaf_words.UUID.fullmatch(leaf.rpartition("/")[2]):
            yield path, leaf.rpartition("/")[2]


def value_at(value: Any, path: Path) -> Any:
    """The value at a path of `leaves_of`."""
    for step in path:
        value = step.item if isinstance(step, Element) else value.get(step) if isinstance(value, Mapping) else None
    return value
