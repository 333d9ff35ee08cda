"""Items of the service as rows of the catalog: recovery points, and what is nested in policies, jobs and groups.

Knows items and tables; no SQL, no HTTP. Copes with anything an item may hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from greenlake_backup_mcp.lists.views import extractors, schedules

from . import schema
from .collections import asset_kind
from .column_kinds import Item, convert, row, seconds, storable

# A copy in one of these can be restored from, or is busy with something that leaves it whole.
GOOD = ("OK", "IN_USE", "IN_USE_FOR_RESTORE", "IN_USE_FOR_MOUNT", "MOUNTED", "UPDATING", "REFRESHING", "INDEXING",
        "RESTORING")  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def pack(ident: str | None) -> bytes | str | None:
    """An id in 16 bytes where it is a UUID as this service writes them, else as it is."""
    if ident is not None and _UUID.fullmatch(ident):
        return bytes.fromhex(ident.replace("-", ""))
    return ident


def unpack(ident: bytes | str | None) -> str:
    """The id as the service writes it."""
    if isinstance(ident, bytes):
        h = ident.hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    return ident or ""


class Copy(NamedTuple):
    """A recovery point as it is kept, but for words and stores, which are numbered when it is written."""

    id: bytes | str
    list: int
    name: str | None
    kind: int
    point: int | None
    created: int | None
    expires: int | None
    locked_until: int | None
    ok: int
    state: str | None
    status: str | None
    reason: str | None
    verification: str | None
    verified: int | None
    consistency: str | None
    flags: int
    disks: int | None
    size: int | None
    store: tuple[str, str | None, str | None] | None  # id, name, type
    array: str | None
    schedule_id: int | str | None
    schedule: str | None
    source_id: bytes | str | None
    log_until: int | None


_FIELDS = {field.name: field for field in schema.COPIES.fields}
_AS_TOLD = (
    *("name", "point", "created", "expires", "locked_until", "reason", "verification", "verified", "consistency"),
    *("disks", "size", "schedule", "log_until"),
)


def copy(item: Item, list_: int) -> Copy | None:
    """A recovery point out of a list of snapshots (0) or backups (1); None without an id."""
    ident = item.get("id")
    if not isinstance(ident, str) or not ident:
        return None
    ident = storable(ident)

    def value(name: str) -> Any:
        return _FIELDS[name].value(item)

    state, status = value("state"), value("status")
    flags = 0
    for bit, name in ((1, "partial"), (4, "full"), (16, "rdm")):
        text = value(name)
        flags |= 0 if text is None else bit * 2 + bit * text
    kind = 2 * list_ + (value("type") in ("CLOUD_BACKUP", "REPLICATED_SNAPSHOT"))
    if list_ and value("store_type") == "CLOUD":
        kind = 3
    store = value("store_id") if list_ else None
    schedule_id = value("schedule_id")
    return Copy(
        id=pack(ident) or ident,
        list=list_,
        kind=kind,
        ok=int(state in GOOD and status != "ERROR"),
        state=state,
        status=status,
        flags=flags,
        store=(store, value("store_name"), value("store_type")) if store else None,
        array=None if list_ else value("array_name") or value("array_id"),
        schedule_id=int(schedule_id)
        if schedule_id and schedule_id.isdigit() and len(schedule_id) < 10
        else schedule_id,
        source_id=pack(value("source_id")),
        **{name: value(name) for name in _AS_TOLD},
    )


def policy_schedules(item: Item) -> list[tuple[Any, ...]]:
    """The rows of a policy in policy_schedules, without their key."""
    return [row(schema.SCHEDULE, {**schedule, "tier": tier}) for tier, schedule in schedules.each(item)]


class Run(NamedTuple):
    """A run of a schedule as its job told it."""

    schedule_id: str
    moment: int
    status: str | None
    error: str | None
    task_id: str | None


def job_schedules(item: Item) -> tuple[list[tuple[Any, ...]], list[Run]]:
    """The rows of a job in schedules, without their key, and its runs."""
    held, runs = [], []
    for tier, schedule in schedules.each(item):
        name = extractors.text(schedule.get("scheduleId"))
        ended: list[tuple[int, int, Item]] = []
        for run in extractors.values_at(schedule, "executionStatuses"):
            if not isinstance(run, dict) or (moment := seconds(run.get("timestamp"))) is None:
                continue
            status, error = convert(run.get("status"), "text"), convert(run.get("errorMessage"), "text")
            task = extractors.text(run.get("taskUri")).rsplit("/", 1)[-1] or None
            runs.append(Run(name, moment, status, error, task))
            if status not in (None, "IN_PROGRESS"):
                ended.append((moment, -len(ended), run))
        last = max(ended, key=lambda one: one[:2])[2] if ended else None
        held.append(row((*schema.SCHEDULE, *schema.RUNNING), {**schedule, "tier": tier, "last": last}))
    return held, runs


@dataclass(frozen=True)
class Member:
    """Somebody who belongs to a group, lies on a datastore, bears a tag."""

    id: str
    kind: str
    name: str | None


def members(item: Item, kind: str) -> list[Member]:
    """The members that an item names: of a group, or of a job (its asset's)."""
    path = {"jobs": "associatedAssetsInfo", "mssql_group": "members", "tags": "associatedResources"}.get(kind, "assets")
    return [one_member for one in extractors.values_at(item, path) if (one_member := member(one)) is not None]


def member(reference: Any) -> Member | None:
    """What a reference names: {id | resourceUri, type, displayName | name}."""
    if not isinstance(reference, dict):
        return None
    uri = extractors.text(reference.get("resourceUri"))
    ident = extractors.text(reference.get("id")) or uri.rsplit("/", 1)[-1]
    type_ = extractors.text(reference.get("type")) or (
        uri.split("/")[-2].removesuffix("s") if uri.count("/") > 1 else ""
    )
    name = convert(extractors.first(reference, ("displayName", "name")), "text")
    return Member(storable(ident), asset_kind(type_), name) if ident else None
