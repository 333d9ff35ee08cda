"""What changed between two readings: the memory that the service itself does not have.

TABLE of what is watched, and the search for what did it: our own writes, approvals, tasks. A change is told as
`unexplained` only where none of these shows it. Knows tables; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.text import units

from . import rows
from .collections import Collection
from .rows import Copy, Member

SLACK = 60  # seconds by which a moment may move without being a change
LOOK_BACK = 2 * 86400  # seconds before the last reading in which what did it may have begun
COPY_KINDS = ("snapshot", "replicated snapshot", "backup", "cloud backup")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Watch:
    """A column whose change is told: what it is called when it takes this value, and when it leaves it."""

    table: str
    column: str
    value: str | int
    enters: str
    leaves: str


WATCHED = (
    Watch("jobs", "operational", "ACTIVE", "job resumed", "job suspended"),
    Watch("gateways", "connection", "DISCONNECTED", "gateway lost", "gateway back"),
    Watch("storeonces", "connection", "DISCONNECTED", "StoreOnce lost", "StoreOnce back"),
    Watch("orchestrators", "connection", "DISCONNECTED", "orchestrator lost", "orchestrator back"),
    Watch("stores", "connection", "DISCONNECTED", "store lost", "store back"),
    Watch("stores", "state", "ONLINE", "store online", "store not online"),
    Watch("gateways", "remote_access", 1, "remote access opened", "remote access closed"),
    Watch("orchestrators", "remote_access", 1, "remote access opened", "remote access closed"),
)
REPLACED = (
    ("settings", "current_value", "setting changed"),
    ("jobs", "policy", "job of another policy"),
)
NOUNS = {
    "jobs": "job", "policies": "policy", "stores": "store", "gateways": "gateway", "storeonces": "StoreOnce",
    "orchestrators": "orchestrator", "settings": "setting", "vms": "VM", "datastores": "datastore",
    "vm_groups": "VM protection group", "mssql_databases": "MSSQL database",
    "mssql_groups": "MSSQL database protection group", "volume_groups": "volume protection group",
}  # fmt: skip


def record(  # noqa: PLR0913  a change has its parts
    connection: sqlite3.Connection, kind: str, since: int, moment: int, *, subject_kind: str, subject_id: str,
    subject: str | None, asset_id: str | None = None, asset: str | None = None, was: Any = None, now: Any = None,
    detail: str | None = None,
) -> None:  # fmt: skip
    """Keep a change."""
    connection.execute(
        "INSERT INTO changes (kind, before, seen, subject_kind, subject_id, subject, asset_id, asset, was, now, "
        "detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (kind, since, moment, subject_kind, subject_id, subject, asset_id, asset, _text(was), _text(now), detail),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def stamp(moment: int | None) -> str:
    """A moment for people; `never` without one."""
    from datetime import UTC, datetime  # noqa: PLC0415

    return "never" if moment is None else units.stamp(datetime.fromtimestamp(moment, UTC))


# --- things --------------------------------------------------------------------------------------------------------


def appeared(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, collection: Collection, ident: str, row: Row, since: int, moment: int
) -> None:
    """A thing that was not listed before."""
    if collection.name in NOUNS:
        noun = NOUNS[collection.name]
        record(connection, f"{noun} new", since, moment, subject_kind=noun, subject_id=ident,
               subject=row.get("name") or row.get("asset_name"), asset_id=ident if collection.asset else
               row.get("asset_id"), asset=row.get("asset_name"))  # fmt: skip


def vanished(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, collection: Collection, ident: str, row: Row, since: int, moment: int
) -> None:
    """A thing that the service no longer has."""
    if collection.name in NOUNS:
        noun = NOUNS[collection.name]
        record(connection, f"{noun} removed", since, moment, subject_kind=noun, subject_id=ident,
               subject=row.get("name") or row.get("asset_name"), was=row.get("policy"),
               asset_id=ident if collection.asset else row.get("asset_id"), asset=row.get("asset_name"))  # fmt: skip


def compare(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, collection: Collection, ident: str, was: Row, now: Row, since: int, moment: int
) -> None:
    """Note what of a thing changed, as far as it is watched."""
    changes = []
    for watch in WATCHED:
        if watch.table == collection.table and was[watch.column] != now[watch.column]:
            old, new = was[watch.column], now[watch.column]
            if None not in (old, new) and watch.value in (old, new):
                changes.append((watch.enters if new == watch.value else watch.leaves, old, new))
    for table, column, kind in REPLACED:
        if table == collection.table and was[column] != now[column] and was[column] is not None:
            changes.append((kind, was[column], now[column]))
    for kind, old, new in changes:
        record(connection, kind, since, moment, subject_kind=NOUNS[collection.name], subject_id=ident,
               subject=now.get("name") or now.get("asset_name"), asset_id=now.get("asset_id"),
               asset=now.get("asset_name"), was=old, now=new)  # fmt: skip


def compare_schedules(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, policy: str, name: str | None, schedules: Sequence[tuple[Any, ...]],
    since: int | None, moment: int,
) -> None:  # fmt: skip
    """Note where a policy promises less than before: shorter retention or lock, rarer runs, a schedule gone."""
    if since is None:
        return
    columns = "tier, schedule_id, recurrence, every, keep_days, lock_days"
    old = {
        row[:2]: row[2:]
        for row in connection.execute(f"SELECT {columns} FROM policy_schedules WHERE policy_id = ?", (policy,))
    }
    new = {(row[0], row[1]): (row[3], row[4], row[9], row[10]) for row in schedules}
    for key, (recurrence, every, keep, lock) in old.items():
        what = f"{key[0]} schedule {key[1]}"

        def weaker(was: Any, now: Any, what: str = what) -> None:
            record(connection, "policy weakened", since, moment, subject_kind="policy", subject_id=policy, subject=name,
                   was=f"{what}: {was}", now=f"{what}: {now}")  # fmt: skip

        if key not in new:
            weaker("was there", "gone")
            continue
        now = new[key]
        if keep is not None and now[2] is not None and now[2] < keep:
            weaker(f"kept {keep:g} d", f"kept {now[2]:g} d")
        if lock and (now[3] or 0) < lock:
            weaker(f"locked {lock:g} d", f"locked {now[3]:g} d" if now[3] else "no lock")
        if _hours(now[0], now[1]) > _hours(recurrence, every):
            weaker(f"{recurrence} each {every}", f"{now[0]} each {now[1]}")


def _hours(recurrence: str | None, every: float | None) -> float:
    unit = {"BY_MINUTES": 1 / 60, "HOURLY": 1, "DAILY": 24, "WEEKLY": 168, "MONTHLY": 720}.get(recurrence or "", 0)
    return unit * (every or 1)


def compare_members(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, kind: str, ident: str, name: str | None, members: Sequence[Member],
    since: int | None, moment: int,
) -> None:  # fmt: skip
    """Note who left a group: the cover that the group gave is gone with it."""
    if since is None:
        return
    staying = {one.id for one in members}
    for member, name_before in connection.execute(
        "SELECT member_id, member_name FROM members WHERE owner_kind = ? AND owner_id = ?", (kind, ident)
    ).fetchall():
        if member not in staying:
            record(connection, "left group", since, moment, subject_kind=kind, subject_id=ident, subject=name,
                   asset_id=member, asset=name_before)  # fmt: skip


# --- recovery points -----------------------------------------------------------------------------------------------


def compare_copy(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, asset: int, copy: Copy, old: Sequence[Any], since: int, moment: int
) -> None:
    """Note where a copy is to go earlier than before, or may be deleted earlier."""
    expires, lock = old[0], old[1]
    changes = []
    if copy.expires is not None and (expires is None or copy.expires < expires - SLACK):
        changes.append(("expiry brought forward", stamp(expires), stamp(copy.expires)))
    if lock is not None and lock > moment and (copy.locked_until is None or copy.locked_until < lock - SLACK):
        changes.append(("lock lifted", f"locked until {stamp(lock)}", "not locked" if copy.locked_until is None else
                      f"locked until {stamp(copy.locked_until)}"))  # fmt: skip
    for kind, was, now in changes:
        _record_copy(connection, kind, asset, rows.unpack(copy.id), copy.name, since, moment, was, now, None)


def copy_vanished(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, asset: int, list_: int, ident: bytes | str, since: int, moment: int
) -> None:
    """A copy that went before its expiry."""
    row = connection.execute(
        "SELECT c.name, c.kind, c.point, c.expires, c.locked_until, c.state, s.name, s.gone, s.id FROM copies c "
        "LEFT JOIN stores s ON s.no = c.store WHERE c.asset = ? AND c.list = ? AND c.id = ?", (asset, list_, ident),
    ).fetchone()  # fmt: skip
    if row is None:
        return
    name, kind, point, expires, lock, state, store, store_gone, store_id = row
    was = f"{COPY_KINDS[kind]} of {stamp(point)}, state {state}, expires {stamp(expires)}"
    was += f", locked until {stamp(lock)}" if lock is not None and lock > moment else ""
    was += f", store {store}" if store else ""
    detail = f"store:{store_id}" if store_gone is not None else None
    _record_copy(connection, "copy vanished", asset, rows.unpack(ident), name, since, moment, was, "gone", detail)


def _record_copy(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, kind: str, asset: int, ident: str, name: str | None, since: int, moment: int,
    was: str, now: str, detail: str | None,
) -> None:  # fmt: skip
    owner = connection.execute("SELECT id, name FROM assets WHERE no = ?", (asset,)).fetchone() or (None, None)
    record(connection, kind, since, moment, subject_kind="copy", subject_id=ident, subject=name, asset_id=owner[0],
           asset=owner[1], was=was, now=now, detail=detail)  # fmt: skip


# --- what did it ---------------------------------------------------------------------------------------------------


def explain(connection: sqlite3.Connection, moment: int) -> None:
    """Find what did each change of the last two days that has no cause yet."""
    pending = connection.execute(
        "SELECT no, kind, before, seen, subject_id, asset_id, detail FROM changes WHERE settled = 0 AND seen > ?",
        (moment - LOOK_BACK,),
    ).fetchall()
    for no, kind, before, seen, subject, asset, detail in pending:
        reason = _cause(connection, kind, before - 3600, seen + 300, subject, asset, detail)
        cause, user, task, settled = reason or ("unexplained", None, None, False)
        connection.execute(
            "UPDATE changes SET cause = ?, by_user = ?, task_id = ?, settled = ? WHERE no = ?",
            (cause, user, task, settled, no),
        )
    connection.execute("UPDATE changes SET settled = 1 WHERE settled = 0 AND seen <= ?", (moment - LOOK_BACK,))


def _cause(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, kind: str, since: int, until: int, subject: str, asset: str | None,
    detail: str | None,
) -> tuple[str, str | None, str | None, bool] | None:  # fmt: skip
    """What did a change, who, which task, and whether that is certain; None where nothing shows it."""
    like = f"%{subject}%"
    own = connection.execute(
        "SELECT tool FROM own_writes WHERE at BETWEEN ? AND ? AND path LIKE ? ORDER BY at DESC", (since, until, like)
    ).fetchone()
    if own:
        return f"this server: {own[0]}", None, None, True
    approval = connection.execute(
        "SELECT name, requested_by, checked_by, state FROM approvals WHERE (resource_uri LIKE :uri "
        "OR resource_uris LIKE :uri) AND lower(state) LIKE 'approved%'", {"uri": like},
    ).fetchone()  # fmt: skip
    if approval:
        who = f"asked for by {approval[1] or 'unknown'}, approved by {approval[2] or 'unknown'}"
        return f"approved operation: {approval[0]} ({who})", approval[1], None, True
    if detail and detail.startswith("store:"):
        return "its store was removed", None, None, True
    task = connection.execute(
        "SELECT name, user, id, state FROM tasks WHERE created <= :until AND coalesce(ended, created) >= :since AND "
        "(resource_uris LIKE :uri OR source_uri LIKE :uri) ORDER BY name LIKE 'delete%' OR name LIKE 'update%' DESC, "
        "created DESC", {"since": since, "until": until, "uri": like},
    ).fetchone()  # fmt: skip
    if task:
        return f"task: {task[0]}", task[1], task[2], True
    if kind == "copy vanished" and asset:
        gone = connection.execute("SELECT gone FROM assets WHERE id = ?", (asset,)).fetchone()
        task = connection.execute(
            "SELECT name, user, id FROM tasks WHERE created <= :until AND coalesce(ended, created) >= :since "
            "AND name LIKE 'delete%' AND (resource_uris LIKE :uri OR resource_uris LIKE :uri || ',%' "
            "OR source_uri LIKE :uri) ORDER BY created DESC",
            # about the asset itself, not about another of its copies
            {"since": since, "until": until, "uri": f"%/{asset}"},
        ).fetchone()  # fmt: skip
        if task:
            return f"likely, by time and asset: task: {task[0]}", task[1], task[2], False
        if gone and gone[0] is not None:
            return "its asset was removed", None, None, False
    return None


def forget_old(connection: sqlite3.Connection, moment: int, keep_days: int) -> None:
    """Drop what is older than is to be kept."""
    until = moment - keep_days * 86400
    connection.execute("DELETE FROM changes WHERE seen < ?", (until,))
    connection.execute("DELETE FROM own_writes WHERE at < ?", (until,))
    connection.execute("DELETE FROM runs WHERE at < ?", (until,))
    connection.execute("DELETE FROM expiries WHERE at < ?", (until,))
    connection.execute("DELETE FROM tasks WHERE created < ?", (until,))
    for table in ("jobs", "policies", "gateways", "storeonces", "orchestrators", "tags", "issues", "approvals"):
        connection.execute(f"DELETE FROM {table} WHERE gone < ?", (until,))
    connection.execute(
        "DELETE FROM assets WHERE gone < ? AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.asset = assets.no)", (until,)
    )
