"""What deleting or changing a recovery point does: ten kinds of copy, one set of words.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import times
from .copy_dependents import (
    MOST_OTHERS,
    attached,
    dependents,
    last_of_others,
    locked_along,
    other_databases,
    shared_data,
)
from .judgement import OUTLAST
from .model import Finding, PreviewSpec, Subject, each, grave, mark, notable
from .phrases import item_at, label, name_of, quoted
from .reads import OWN, WHOLE, ReadSpec, Target, copy_reads, identity_of, kind_of, parent_path, path_of, within
from .recoverability import remaining_points
from .recovery_point_facts import (
    BUSY,
    GOING,
    is_locked,
    recovery_point_facts,
    recovery_point_size,
    store_of_copy,
)
from .tenant_facts import SETTINGS, STORES, no_second_person, second_person, stores

ONLY_WITH = {  # what takes the recovery points in it along with this argument only
    "force": ("protection-stores", "protection-store-gateways", "storeonces"),
    "cascadedelete": ("virtual-machine-protection-groups", "volume-protection-groups"),
}
SOON = timedelta(weeks=4)  # what a plan lets expire within it is no recovery point that remains of its deletes


def _reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The asset that the copy belongs to, the other copies of it, and the stores they are in."""
    parent = parent_path(target.path)
    owner = f"the {kind_of(parent)}"
    copies = copy_reads(within(parent), owner, WHOLE)  # whole items: what remains is told by place, lock, verification
    return [ReadSpec("asset", owner, parent), *copies, STORES, SETTINGS]


def _further_reads(s: Subject) -> list[ReadSpec]:
    """The job of the asset, whose schedules may need the copy as their source; copies of others whose data is in it."""
    job = item_at(s.read("asset").resource, "protectionJobInfo", "id")
    reads = [ReadSpec("job", "its protection job", path_of(OWN, "protection-jobs", job))] if job else []
    for n, database in enumerate(
        other_databases(s)[:MOST_OTHERS] if ends_of(s.method, s.arguments, s.target, s.now) else ()
    ):
        path = path_of(OWN, "mssql-databases", database.get("id"))
        reads += copy_reads(path, name_of(database), WHOLE, f" {n}")
    return reads


def ends_of(method: str, arguments: Mapping[str, Any], target: Target, now: datetime) -> dict[str, datetime]:
    """When the target of a call is gone with all that is in it, by its path; {} where the call does not end that."""
    needed = next((name for name, kinds in ONLY_WITH.items() if identity_of(target.path)[0] in kinds), "")
    if needed and arguments.get(needed) is not True:
        return {}
    ends = now if method == "DELETE" else _earlier(arguments, target.resource) if method == "PATCH" else None
    return {target.path: max(ends, now)} if ends else {}


def _earlier(wanted: Mapping[str, Any], copy: Mapping[str, Any]) -> datetime | None:
    """The new expiry of a copy where it ends it earlier than now planned."""
    new, old = units.parse_time(wanted.get("expiresAt")), units.parse_time(copy.get("expiresAt"))
    return new if new and (old is None or new < old) else None


def ends_soon(moment: datetime | None, now: datetime, within: timedelta = SOON) -> bool:
    """Whether what expires then goes together with what is deleted now."""
    return moment is not None and moment - now <= within


# --- findings ---------------------------------------------------------------------------------------------------------


def _delete(s: Subject) -> Iterator[Finding]:
    copy, expires = s.resource, units.parse_time(s.resource.get("expiresAt"))
    yield from _lost(s, s.now)
    if not expires:
        yield mark("has no expiry: would be kept for ever")
    elif expires > s.now:
        yield mark(f"not expired: would be kept {times.describe_span(expires - s.now)} more")
    if copy.get("state") in BUSY:
        state = cell(str(copy["state"]))
        yield grave(f"It is in use: state {state}.", f"in use ({state})")
    yield from second_person(s, store_of_copy(copy, stores(s))) if not _undeletable(s) else ()


def _update(s: Subject) -> Iterator[Finding]:
    wanted = _wanted(s)
    asked = {n: units.parse_time(wanted.get(n)) for n in ("expiresAt", "lockedUntil")}
    held = {n: units.parse_time(s.resource.get(n)) for n in asked}
    gone = _earlier(wanted, s.resource)
    yield from _lost(s, max(gone, s.now)) if gone else ()  # first, since of what is as grave the first has the line
    yield from no_second_person(s, gone is not None)
    yield from _expiry(s, asked["expiresAt"], held["expiresAt"])
    yield from _lock(s, asked["lockedUntil"], held["lockedUntil"])
    ends, until = (asked[n] or held[n] for n in asked)
    if any(asked.values()) and ends and until and until > max(ends, s.now):
        yield notable(OUTLAST)


def _lost(s: Subject, until: datetime) -> Iterator[Finding]:
    """What goes with the copy at `until`."""
    yield from remaining_points(s, until)
    yield from last_of_others(s, until)
    yield from attached(s)
    yield from shared_data(s)
    yield from dependents(s)


def _wanted(s: Subject) -> dict[str, Any]:
    return {leaf.name: leaf.after for leaf in s.difference.leaves}


def _expiry(s: Subject, new: datetime | None, old: datetime | None) -> Iterator[Finding]:
    if new is None or new == old:
        return
    if old is not None and new > old:
        yield Finding(f"It is kept {times.describe_span(new - old)} longer, and takes up its space so long.")
        return
    span = f"expires {times.describe_span(old - new)} earlier" if old else "gets an expiry"
    if new <= s.now:
        short = "Its new expiry is PAST: the recovery point is deleted at once."
        words = f"The recovery point {span}. That is past: the service deletes it at once, or refuses."
        yield grave(words, "would expire at once", short, danger=Danger.DESTROY)
        return
    short = f"The recovery point {span}, and is deleted then: {times.describe_when(new, s.now)}."
    yield grave(short, span, short, danger=Danger.DESTROY)


def _lock(s: Subject, new: datetime | None, old: datetime | None) -> Iterator[Finding]:
    if new is None or new == old:
        return
    if new <= s.now:
        yield notable("The lock would end in the past, so it locks nothing.")
        return
    span = times.describe_span(new - s.now)
    yield grave("", f"locked: for {span}", f"LOCKED for {span}: nobody can delete it before.", kind="LOCK")
    yield from locked_along(s)


# --- phrases ----------------------------------------------------------------------------------------------------------


def _facts(s: Subject) -> Iterator[str]:
    """A recovery point in lines: of what, how old and big, how long it lasts."""
    asset = s.read("asset")
    if asset.available:
        yield f"of {label(asset.words.removeprefix('the '), asset.resource)}"
    yield "; ".join(recovery_point_facts(s.resource, s.now))


def _summary(s: Subject) -> str:
    """The copy in a row of a list: what is needed to know it, to the minute, and the state before."""
    asset, copy = s.read("asset"), s.resource
    parts = [name_of(copy) if copy.get("name") else label("", copy, identity_of(s.target.path)[1]).strip()]
    owner = str(asset.resource.get("displayName") or asset.resource.get("name") or "")
    if asset.available and not (owner and owner in parts[0]):  # many names of copies hold that of the asset
        parts[0] += f" of {name_of(asset.resource)}"
    for word, name in (("taken", "pointInTime"), ("expires", "expiresAt")):
        moment = units.parse_time(copy.get(name))
        if moment and not (f"{moment:%Y-%m-%d}" in parts[0] and f"{moment:%H:%M}" in parts[0]):
            parts.append(f"{word} {moment:%Y-%m-%d %H:%M}")
    if size := recovery_point_size(copy):
        parts.append(units.size(size))
    return ", ".join([*parts, cell(str(copy.get("state") or "state unknown"))])


def _undeletable(s: Subject) -> str:
    if is_locked(s.resource, s.now):
        until = times.describe_time(s.resource["lockedUntil"], s.now)
        return f"It is locked until {until}; until then nobody can delete it."
    going = s.resource.get("state") in GOING
    return f"It is already on its way out: state {cell(str(s.resource['state']))}." if going else ""


def _unchangeable(s: Subject) -> str:
    """What keeps the service from it, or us from knowing what it would do."""
    wanted, locked = _wanted(s), units.parse_time(s.resource.get("lockedUntil"))
    for name in ("expiresAt", "lockedUntil"):
        new = units.parse_time(wanted.get(name))
        if name in wanted and new is None:  # may be a time to the service, and end or lock the copy
            return f"{name} {quoted(wanted[name])} is no point in time; write it like 2026-12-24T08:00:00Z."
        if new and locked and locked > s.now and new < locked:
            why = " and cannot expire before that." if name == "expiresAt" else "; a lock cannot be shortened."
            return f"It is locked until {times.describe_when(locked, s.now)}{why}"
    return ""


def _way_back(s: Subject) -> str:
    wanted = _wanted(s)
    lock = units.parse_time(wanted.get("lockedUntil"))
    finals = ["Once the recovery point has expired, it is gone for good."] if _earlier(wanted, s.resource) else []
    finals += ["The lock cannot be undone."] if lock and lock > s.now else []
    return " ".join(finals) or "It can be changed back."


DELETE = PreviewSpec(
    "Delete the {target}",
    _delete,
    "This cannot be undone: nothing can be restored from it afterwards.",
    _facts,
    _undeletable,
    _reads,
    (_further_reads,),
    _summary,
    size=lambda s: recovery_point_size(s.resource),
)
UPDATE = PreviewSpec(
    "Change the {target}",
    _update,
    _way_back,
    _facts,
    _unchangeable,
    _reads,
    (_further_reads,),
    _summary,
    size=lambda s: recovery_point_size(s.resource) if ends_soon(_earlier(_wanted(s), s.resource), s.now) else 0,
)
TABLE: Mapping[str, PreviewSpec] = {
    **each(
        """DeleteVirtualMachineBackup DeleteVirtualMachineSnapshot DeleteDatastoreBackup DeleteDatastoreSnapshot
        DeleteMSSQLDatabaseBackup DeleteMSSQLDatabaseSnapshot DeleteVmpgBackup DeleteVmpgSnapshot
        RemoveVpgBackup RemoveVpgSnapshot""",
        DELETE,
    ),
    **each(
        """VirtualMachineBackupUpdate VirtualMachineSnapshotUpdate DatastoreBackupUpdate DatastoreSnapshotUpdate
        MSSQLDatabaseBackupUpdate MSSQLDatabaseSnapshotUpdate VmpgBackupUpdate VmpgSnapshotUpdate
        VpgBackupUpdate VpgSnapshotUpdate""",
        UPDATE,
    ),
}
