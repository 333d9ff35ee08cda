"""What changed between two readings: the memory that the service itself does not have.

TABLE of what is watched, and the search for what did it: our own writes, approvals, tasks. A change is told as
`unexplained` only where none of these shows it. Knows tables; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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


@dataclass(frozen=True)
class Interval:
    """The time between two readings of a list, in which whatever differs now has changed; the memory of it."""

    connection: sqlite3.Connection
    before: int | None  # when the list was last read whole; None: never, so that nothing counts as changed
    seen: int

    def record(  # noqa: PLR0913  a change has its parts
        self, kind: str, subject_kind: str, subject_id: str, subject: str | None, *, asset_id: str | None = None,
        asset: str | None = None, was: Any = None, now: Any = None, detail: str | None = None,
    ) -> None:  # fmt: skip
        """Keep a change."""
        before = self.seen if self.before is None else self.before
        self.connection.execute(
            "INSERT INTO changes (kind, before, seen, subject_kind, subject_id, subject, asset_id, asset, was, now, "
            "detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (kind, before, self.seen, subject_kind, subject_id, subject, asset_id, asset,
             *(None if value is None else str(value) for value in (was, now)), detail),
        )  # fmt: skip


def stamp(moment: int | None) -> str:
    """A moment for people; `never` without one."""
    return "never" if moment is None else units.stamp(datetime.fromtimestamp(moment, UTC))


# --- things --------------------------------------------------------------------------------------------------------


def appeared(interval: Interval, collection: Collection, ident: str, row: Row) -> None:
    """A thing that was not listed before."""
    if collection.name in NOUNS and interval.before is not None:
        _record_thing(interval, f"{NOUNS[collection.name]} new", collection, ident, row)


def vanished(interval: Interval, collection: Collection, ident: str, row: Row) -> None:
    """A thing that the service no longer has."""
    if collection.name in NOUNS:
        _record_thing(interval, f"{NOUNS[collection.name]} removed", collection, ident, row, was=row.get("policy"))


def compare(interval: Interval, collection: Collection, ident: str, was: Row, now: Row) -> None:
    """Note what of a thing changed, as far as it is watched."""
    for watch in WATCHED:
        if watch.table == collection.table and was[watch.column] != now[watch.column]:
            old, new = was[watch.column], now[watch.column]
            if None not in (old, new) and watch.value in (old, new):
                kind = watch.enters if new == watch.value else watch.leaves
                _record_thing(interval, kind, collection, ident, now, old, new)
    for table, column, kind in REPLACED:
        if table == collection.table and was[column] != now[column] and was[column] is not None:
            _record_thing(interval, kind, collection, ident, now, was[column], now[column])


def _record_thing(  # noqa: PLR0913, PLR0917  a change has its parts
    interval: Interval, kind: str, collection: Collection, ident: str, row: Row, was: Any = None, now: Any = None
) -> None:
    asset_id = ident if collection.asset else row.get("asset_id")
    interval.record(kind, NOUNS[collection.name], ident, row.get("name") or row.get("asset_name"), asset_id=asset_id,
                    asset=row.get("asset_name"), was=was, now=now)  # fmt: skip


def compare_schedules(
    interval: Interval, policy: str, name: str | None, schedules: Sequence[tuple[Any, ...]]
) -> None:  # fmt: skip
    """Note where a policy promises less than before: shorter retention or lock, rarer runs, a schedule gone."""
    if interval.before is None:
        return
    columns = "tier, schedule_id, recurrence, every, keep_days, lock_days"
    old = interval.connection.execute(f"SELECT {columns} FROM policy_schedules WHERE policy_id = ?", (policy,))
    new = {(row[0], row[1]): (row[3], row[4], row[9], row[10]) for row in schedules}

    def weaker(schedule: str, was: str, now: str) -> None:
        interval.record("policy weakened", "policy", policy, name, was=f"{schedule}: {was}", now=f"{schedule}: {now}")

    for tier, number, recurrence, every, keep, lock in old.fetchall():
        schedule = f"{tier} schedule {number}"
        if (tier, number) not in new:
            weaker(schedule, "was there", "gone")
            continue
        recurrence_now, every_now, keep_now, lock_now = new[tier, number]
        if keep is not None and keep_now is not None and keep_now < keep:
            weaker(schedule, f"kept {keep:g} d", f"kept {keep_now:g} d")
        if lock and (lock_now or 0) < lock:
            weaker(schedule, f"locked {lock:g} d", f"locked {lock_now:g} d" if lock_now else "no lock")
        if _hours(recurrence_now, every_now) > _hours(recurrence, every):
            weaker(schedule, f"{recurrence} each {every}", f"{recurrence_now} each {every_now}")


def _hours(recurrence: str | None, every: float | None) -> float:
    unit = {"BY_MINUTES": 1 / 60, "HOURLY": 1, "DAILY": 24, "WEEKLY": 168, "MONTHLY": 720}.get(recurrence or "", 0)
    return unit * (every or 1)


def compare_members(interval: Interval, kind: str, ident: str, name: str | None, members: Sequence[Member]) -> None:
    """Note who left a group: the cover that the group gave is gone with it."""
    if interval.before is None:
        return
    staying = {one.id for one in members}
    query = "SELECT member_id, member_name FROM members WHERE owner_kind = ? AND owner_id = ?"
    for member, name_before in interval.connection.execute(query, (kind, ident)).fetchall():
        if member not in staying:
            interval.record("left group", kind, ident, name, asset_id=member, asset=name_before)


# --- recovery points -----------------------------------------------------------------------------------------------


def compare_copy(interval: Interval, asset: int, copy: Copy, expires: int | None, lock: int | None) -> None:
    """Note where a copy is to go earlier than it was (`expires`), or may be deleted earlier (`lock`)."""
    ident = rows.unpack(copy.id)
    if copy.expires is not None and (expires is None or copy.expires < expires - SLACK):
        _record_copy(interval, "expiry brought forward", asset, ident, copy.name, stamp(expires), stamp(copy.expires))
    left = copy.locked_until
    if lock is not None and lock > interval.seen and (left is None or left < lock - SLACK):
        now = "not locked" if left is None else f"locked until {stamp(left)}"
        _record_copy(interval, "lock lifted", asset, ident, copy.name, f"locked until {stamp(lock)}", now)


def copy_vanished(interval: Interval, asset: int, list_: int, ident: bytes | str) -> None:
    """A copy that went before its expiry."""
    row = interval.connection.execute(
        "SELECT c.name, c.kind, c.point, c.expires, c.locked_until, c.state, s.name, s.gone, s.id FROM copies c "
        "LEFT JOIN stores s ON s.no = c.store WHERE c.asset = ? AND c.list = ? AND c.id = ?", (asset, list_, ident),
    ).fetchone()  # fmt: skip
    if row is None:
        return
    name, kind, point, expires, lock, state, store, store_gone, store_id = row
    was = f"{COPY_KINDS[kind]} of {stamp(point)}, state {state}, expires {stamp(expires)}"
    was += f", locked until {stamp(lock)}" if lock is not None and lock > interval.seen else ""
    was += f", store {store}" if store else ""
    detail = f"store:{store_id}" if store_gone is not None else None
    _record_copy(interval, "copy vanished", asset, rows.unpack(ident), name, was, "gone", detail)


def _record_copy(  # noqa: PLR0913, PLR0917  a change has its parts
    interval: Interval, kind: str, asset: int, ident: str, name: str | None, was: str, now: str,
    detail: str | None = None,
) -> None:  # fmt: skip
    owner = interval.connection.execute("SELECT id, name FROM assets WHERE no = ?", (asset,)).fetchone()
    asset_id, asset_name = owner or (None, None)
    interval.record(kind, "copy", ident, name, asset_id=asset_id, asset=asset_name, was=was, now=now, detail=detail)


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
    for table, column in (("changes", "seen"), ("own_writes", "at"), ("runs", "at"), ("expiries", "at"),
                          ("tasks", "created")):  # fmt: skip
        connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (until,))
    for table in ("jobs", "policies", "gateways", "storeonces", "orchestrators", "tags", "issues", "approvals"):
        connection.execute(f"DELETE FROM {table} WHERE gone < ?", (until,))
    connection.execute(
        "DELETE FROM assets WHERE gone < ? AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.asset = assets.no)", (until,)
    )
