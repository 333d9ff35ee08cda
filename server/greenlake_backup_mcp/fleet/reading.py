"""The estate read from the catalog in one pass, whatever the number of recovery points: it keeps their sums."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from greenlake_backup_mcp.catalog import views
from greenlake_backup_mcp.catalog.read_coverage import Coverage

from .estate import Asset, Estate
from .facts import CopySet, Cover, Job, Schedule, Store

T = TypeVar("T")

_STORES = """SELECT {columns}, g.datastore_ids, g.vm_id FROM main.stores s LEFT JOIN temp.reach r ON r.no = s.no
 LEFT JOIN main.gateways g ON g.id = s.system_id"""
_STORE_COLUMNS = {"reachable": "r.reachable", "why_not": "r.why"}
_SETS = f"""SELECT s.asset, {views.KIND.format("s")}, {views.PLACE.format("s")}, st.id, st.name, y.word, w.word,
 {views.REACHABLE}, r.why, s.copies, s.good, s.missing, s.newest, {views.NEWEST_USABLE}, s.newest_good, s.last_expiry,
 s.endless, s.last_lock_good, s.verified, s.verify_errors, k.word, s.newest_good_flags, s.newest_good_disks
 FROM main.copy_sets s LEFT JOIN main.stores st ON st.no = s.store LEFT JOIN temp.reach r ON r.no = s.store
 LEFT JOIN main.words w ON w.no = s.schedule LEFT JOIN main.words y ON y.no = s.array
 LEFT JOIN main.words k ON k.no = s.newest_good_consistency"""
_ASSET_COLUMNS = {
    "name": "coalesce(a.name, a.id)",
    "classification": "a.class",
    "copies_state": views.COPIES_STATE,
    "snapshots_read": "rs.read",
    "backups_read": "rb.read",
    "unread_why": "CASE WHEN rb.failed THEN coalesce('HTTP ' || rb.status, rb.reason) "
    "WHEN rs.failed THEN coalesce('HTTP ' || rs.status, rs.reason) END",
}


def _columns(kind: type, alias: str, others: Mapping[str, str], without: int = 0) -> str:
    """The columns that make the fields of a dataclass, but for its last ones."""
    names = [one.name for one in fields(kind)]
    return ", ".join(others.get(name, f"{alias}.{name}") for name in names[: len(names) - without])


def read(connection: sqlite3.Connection, coverage: Coverage) -> Estate:
    """The estate as the catalog has it, by a connection of its `ask` or `read`. Some 10 ms per thousand sums."""
    now = int(coverage.now.timestamp())
    stores = {store.id: store for store in _stores(connection)}
    sets = _grouped((CopySet(*row) for row in connection.execute(_SETS.replace(":now", str(now)))), "asset_no")
    columns = _columns(Asset, "a", _ASSET_COLUMNS, without=4)  # sets, covers, owners, tags
    assets = {
        row[2]: Asset(*[*row, tuple(sets.get(row[0], ()))])
        for row in connection.execute(f"SELECT {columns} FROM {views.READINGS.format('')} ORDER BY a.no")
    }
    jobs = _jobs(connection)
    members = connection.execute("SELECT owner_kind, owner_id, member_id FROM main.members").fetchall()
    systems = {
        name: {row["id"]: row for row in select(connection, f"SELECT * FROM main.{name} WHERE gone IS NULL")}
        for name in ("gateways", "storeonces", "orchestrators", "vcenters")
    }
    moments = dict(connection.execute("SELECT collection, read FROM main.readings WHERE asset = 0"))
    (memory,) = connection.execute("SELECT min(at) FROM main.store_usage").fetchone()  # at the first reading of all
    tags = dict(connection.execute("SELECT id, name FROM main.tags WHERE gone IS NULL AND name IS NOT NULL"))
    _relate(assets, jobs, members, tags)
    return Estate(now, coverage, assets, jobs, stores, **systems, read=moments, memory_since=memory)


def select(
    connection: sqlite3.Connection, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """The rows of a query as mappings."""
    cursor = connection.execute(sql, values)
    names = [one[0] for one in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _stores(connection: sqlite3.Connection) -> Iterable[Store]:
    arrays = {
        ident: frozenset((held or "").split(", ")) - {""}
        for ident, held in connection.execute("SELECT id, arrays FROM main.assets WHERE arrays IS NOT NULL")
    }
    columns = _columns(Store, "s", _STORE_COLUMNS, without=1)
    for *row, datastore_ids, vm_id in connection.execute(_STORES.format(columns=columns)):
        under = [*(datastore_ids or "").split(", "), vm_id]
        row.append(frozenset().union(*(arrays.get(one or "", frozenset()) for one in under)))
        yield Store(*row)


def _jobs(connection: sqlite3.Connection) -> dict[str, Job]:
    rows = connection.execute(f"SELECT {_columns(Schedule, 't', {})} FROM main.schedules t ORDER BY t.job_id, t.seq")
    schedules = _grouped((Schedule(*row) for row in rows), "job_id")
    listed = connection.execute(f"SELECT {_columns(Job, 'j', {}, without=1)} FROM main.jobs j WHERE j.gone IS NULL")
    return {row[0]: Job(*[*row, tuple(schedules.get(row[0], ()))]) for row in listed}


def _grouped(entries: Iterable[T], name: str) -> dict[Any, list[T]]:
    out: dict[Any, list[T]] = {}
    for one in entries:
        out.setdefault(getattr(one, name), []).append(one)
    return out


def _relate(
    assets: Mapping[str, Asset], jobs: Mapping[str, Job], members: Iterable[tuple[str, str, str]],
    tags: Mapping[str, str],
) -> None:  # fmt: skip
    """Give the assets their owners, jobs and tags.

    A datastore's job covers a VM on it where the service says so of the VM: one that has a policy of its own, or came
    there later, is not covered by it.
    """
    covers: dict[str, list[Cover]] = {}
    owners: dict[str, list[Asset]] = {}
    borne: dict[str, list[str]] = {}
    by_asset = _grouped(jobs.values(), "asset_id")
    for job in jobs.values():
        if job.asset_id and job.asset_id in assets:
            covers.setdefault(job.asset_id, []).append(Cover("own", job))
    for way, owner_id, member_id in members:
        member = assets.get(member_id)
        if member is None:
            continue
        if way == "tag":
            if owner_id in tags:
                borne.setdefault(member_id, []).append(tags[owner_id])
            continue
        owner = assets.get(owner_id)
        if owner is None or (way == "datastore" and member.policy_level != "DATASTORE"):
            continue
        owners.setdefault(member_id, []).append(owner)
        covers.setdefault(member_id, []).extend(Cover(way, j, owner.name) for j in by_asset.get(owner_id, ()))
    for ident, asset in assets.items():  # they are not shared yet, and making them anew takes ten times as long
        for name, related in (("covers", covers), ("owners", owners), ("tags", borne)):
            if ident in related:
                object.__setattr__(asset, name, tuple(related[ident]))
