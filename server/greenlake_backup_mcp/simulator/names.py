"""Ids, times and references of the simulated tenant: the same for the same seed. Knows nothing of state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Item = dict[str, Any]
Ref = tuple[str, ...]
"""Where a resource is: (collection, id), or (holder, asset id, "backups" or "snapshots", id)."""

BACKUP = "/backup-recovery/v1beta1"
VIRTUAL = "/virtualization/v1beta1"
DATA = "/data-services/v1beta1"
CUSTOMER = "0123456789abcdef0123456789abcdef"
WORKSPACE = CUSTOMER
CUSTOMER_UUID = "01234567-89ab-cdef-0123-456789abcdef"  # some answers give it with hyphens

ALL = (1 << 64) - 1

# group collection → (the property that holds its members, their collection)
MEMBERS = {
    "virtual-machine-protection-groups": ("assets", "virtual-machines"),
    "mssql-database-protection-groups": ("members", "mssql-databases"),
}

# prefix of an API → its collections, where the type of an item is not the singular with what it is
_COLLECTIONS = {
    BACKUP: "application-hosts data-orchestrators mssql-database-protection-groups mssql-databases mssql-instances "
    "protection-jobs protection-policies protection-store-gateways protection-stores storeonces "
    "virtual-machine-protection-groups volume-protection-groups",
    VIRTUAL: "virtual-machines datastores hypervisor-managers hypervisor-clusters hypervisor-hosts "
    "folders:hypervisor-folder networks:hypervisor-network resource-pools:hypervisor-resource-pool tags:hypervisor-tag",
    DATA: "async-operations dual-auth-operations issues settings storage-locations",
    "/storage-fleet/v1alpha1": "storage-systems",
    "/block-storage/v1alpha1": "volumes:storage-fleet/volume",
}


def _type(prefix: str, word: str) -> tuple[str, tuple[str, str]]:
    name, _, single = word.partition(":")
    single = single or name.removesuffix("s").replace("policie", "policy")
    return name, (prefix, single if "/" in single else f"{prefix.split('/')[1]}/{single}")


# collection → the prefix of its API and the type of its items
COLLECTIONS = dict(_type(prefix, word) for prefix, words in _COLLECTIONS.items() for word in words.split())


def uid(*parts: object) -> str:
    """A UUID that depends on nothing but the parts."""
    text = "\x1f".join(map(str, parts)).encode()
    digits = hashlib.blake2b(text, digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def number(*parts: object) -> int:
    """A number of 32 bits that depends on nothing but the parts."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big")


def key(*parts: object) -> int:
    """A number of 64 bits for names and ids."""
    return number(*parts) << 32 | number("more", *parts)


def mix(one: int, other: int) -> int:
    """A number of 32 bits for two numbers (the finalizer of splitmix64); some million a second."""
    x = (one ^ other * 0x9E3779B97F4A7C15) & ALL
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & ALL
    x = (x ^ x >> 27) * 0x94D049BB133111EB & ALL
    return (x ^ x >> 31) & 0xFFFFFFFF


def shuffle(turn: int) -> int:
    """A number below 128: of 128 turns in a row each has another, in no order that one sees."""
    x = turn & 127
    x = (x ^ x >> 5) * 0x5D & 127
    x = (x ^ x >> 3) * 0x5D & 127
    return x ^ x >> 5


def format_time(time: datetime) -> str:
    """A time as the service writes it: UTC, six decimals, Z."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def parse_time(text: str) -> datetime:
    """The time of an RFC 3339 text; ValueError where it is none or tells no zone."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None or "T" not in text.upper():
        raise ValueError(text)
    return time


def span(value: int, unit: str) -> timedelta:
    """The length of a retention or lock period; a month is 30 days and a year 365."""
    return timedelta(hours=value * {"HOURS": 1, "DAYS": 24, "WEEKS": 168, "MONTHS": 720, "YEARS": 8760}[unit])


def uri(collection: str, id: str) -> str:
    """The resourceUri of an item of a collection that stands by itself."""
    return f"{COLLECTIONS[collection][0]}/{collection}/{id}"


def kind(collection: str) -> str:
    """The `type` of a collection's items."""
    return COLLECTIONS[collection][1]


def reference(collection: str, item: Item, *names: str) -> Item:
    """How another item speaks of this one: id, resourceUri, type, and its name under each of `names`."""
    display = item.get("displayName") or item.get("name", "")
    named = {name: item.get("name", display) if name == "name" else display for name in names or ("name",)}
    return {"id": item["id"], **named, "resourceUri": item["resourceUri"], "type": kind(collection)}


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with a merge patch applied (RFC 7386); neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
