"""How the systems stand that do the backup, and the backup of the backup itself: catalogue, clocks, versions, access.

Facts only, each with its witness; no score. Knows the catalog's tables; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from greenlake_backup_mcp.text import units

from .calendar import DAY, MINUTE
from .clock import Clock
from .estate import Estate, Row
from .reading import select

OLD_CATALOGUE = 2 * DAY  # of an orchestrator
FULL, NEARLY_FULL = 95, 90  # per cent of a store
AHEAD = 5 * MINUTE  # by which a point in time may lie ahead of our clock
# lists whose rows have a status of their own
WATCHED = {
    "vcenters": "vCenter", "clusters": "cluster", "hosts": "host", "application_hosts": "application host",
    "mssql_instances": "SQL Server instance",
}  # fmt: skip
GROUPS = {"vm_group": "VM protection group", "mssql_group": "MSSQL protection group",
          "volume_group": "volume protection group", "datastore": "datastore"}  # fmt: skip


@dataclass(frozen=True)
class SystemFinding:
    """Something about a system. `urgent`: backups or restores do not work through it now."""

    kind: str
    name: str
    what: str
    urgent: bool = False
    own: bool = False  # about the backup of the backup: catalogue, clock, version, access


def findings(connection: sqlite3.Connection, estate: Estate, clock: Clock) -> tuple[SystemFinding, ...]:
    """Everything that is wrong with a system, the urgent first."""
    everything = [
        *_appliances(estate, clock), *_orchestrators(estate), *_stores(estate), *_others(connection),
        *_clocks(estate, clock), *_versions("gateway", estate.gateways.values()),
        *_versions("orchestrator", estate.orchestrators.values()),
    ]  # fmt: skip
    return tuple(sorted(everything, key=lambda one: (not one.urgent, one.own, one.kind, one.name)))


def _appliances(estate: Estate, clock: Clock) -> Iterator[SystemFinding]:
    for kind, rows in (("gateway", estate.gateways), ("StoreOnce", estate.storeonces)):
        for row in rows.values():
            lost = row["connection"] == "DISCONNECTED"
            if lost or row["health"] not in (None, "OK"):
                since = f", last contact {clock.stamp(row['health_told'])}" if lost and row["health_told"] else ""
                behind = sorted(s.label for s in estate.stores.values() if s.system_id == row["id"] and s.gone is None)
                what = f"{row['connection'] if lost else row['health']}{since}"
                what += f", with its stores {', '.join(behind)}" if lost and behind else ""
                yield SystemFinding(kind, _name(row), what if lost else _with(what, row["reason"]), urgent=lost)
            if row.get("remote_access"):
                yield SystemFinding(kind, _name(row), "remote support may log in", own=True)


def _versions(kind: str, rows: Iterable[Row]) -> Iterator[SystemFinding]:
    versions = Counter(str(row["version"]) for row in rows if row["version"])
    if len(versions) > 1:
        each = ", ".join(f"{version} ({n})" for version, n in sorted(versions.items()))
        yield SystemFinding(kind, "versions", f"differ: {each}", own=True)


def _orchestrators(estate: Estate) -> Iterator[SystemFinding]:
    for row in estate.orchestrators.values():
        name, saved = _name(row), row["catalog_saved"]
        lost = row["connection"] == "DISCONNECTED"
        if lost or row["status"] not in (None, "OK"):
            what = _with(str(row["connection"] if lost else row["state"]), row["reason"])
            yield SystemFinding("orchestrator", name, what, urgent=lost)
        if saved is not None and estate.now - saved > OLD_CATALOGUE:
            what = f"its catalogue was last protected {units.duration(estate.now - saved)} ago"
            yield SystemFinding("orchestrator", name, what, urgent=True, own=True)
        for wrong, what in (
            (saved is None, "when its catalogue was last protected is not told"),
            (row["ntp_state"] not in (None, "OK"), f"its clock: NTP {row['ntp_state']}"),
            (row["clock_method"] not in (None, "NTP"), f"its clock follows {row['clock_method']}"),
            (row["remote_access"], "remote support may log in"),
        ):
            if wrong:
                yield SystemFinding("orchestrator", name, what, own=True)


def catalogues(estate: Estate) -> str:
    """When the catalogues of the orchestrators were last protected, the oldest first; '' without orchestrators."""
    now, rows = estate.now, sorted(estate.orchestrators.values(), key=lambda row: row["catalog_saved"] or 0)
    ages = [units.duration(now - row["catalog_saved"]) if row["catalog_saved"] else None for row in rows]
    each = [f"{_name(row)} {f'{age} ago' if age else 'not told'}" for row, age in zip(rows[:3], ages, strict=False)]
    return f"Orchestrators' catalogues were last protected: {', '.join(each)}." if each else ""


def _stores(estate: Estate) -> Iterator[SystemFinding]:
    """Stores; one behind a gateway or StoreOnce that is lost is told with that, as one cause."""
    for store in estate.stores.values():
        system = estate.front_of(store)
        if store.gone is not None or (system and system["connection"] == "DISCONNECTED"):
            continue
        percent = int(100 * store.used / store.capacity) if store.used is not None and store.capacity else 0
        if store.reachable == 0:
            yield SystemFinding("store", store.label, f"cannot be reached: {store.why_not}", urgent=True)
        elif percent >= NEARLY_FULL:
            yield SystemFinding("store", store.label, f"{percent} % full", urgent=percent >= FULL)
        elif store.status not in (None, "OK"):
            yield SystemFinding("store", store.label, _with(str(store.status), store.reason))


def _others(connection: sqlite3.Connection) -> Iterator[SystemFinding]:
    for table, kind in WATCHED.items():
        for row in select(connection, f"SELECT name, id, state, status, reason FROM main.{table} WHERE gone IS NULL "
                          "AND (coalesce(status, 'OK') <> 'OK' OR state = 'ERROR')"):  # fmt: skip
            yield SystemFinding(kind, _name(row), _with(str(row["status"] or row["state"]), row["reason"]),
                                urgent=row["status"] == "ERROR")  # fmt: skip
    marks = ", ".join("?" * len(GROUPS))
    for row in select(connection, "SELECT name, id, kind, state, status, reason FROM main.assets WHERE gone IS NULL "
                      f"AND kind IN ({marks}) AND coalesce(status, 'OK') <> 'OK'", tuple(GROUPS)):  # fmt: skip
        yield SystemFinding(GROUPS[row["kind"]], _name(row), _with(str(row["status"]), row["reason"]))


def _clocks(estate: Estate, clock: Clock) -> Iterator[SystemFinding]:
    """Points in time that lie ahead: a clock is wrong, and such a copy is no proof of freshness."""
    ahead = {
        asset.name: max(one.newest for one in asset.sets if one.newest)
        for asset in estate.assets.values()
        if any(one.newest and one.newest > estate.now + AHEAD for one in asset.sets)
    }
    if ahead:
        name, point = max(ahead.items(), key=lambda pair: pair[1])
        yield SystemFinding("clock", name, f"{units.plural(len(ahead), 'asset')} with a recovery point in the future, "
                            f"up to {clock.stamp(point)}: a clock is wrong, here or there", own=True)  # fmt: skip


def _name(row: Row) -> str:
    return str(row["name"] or row["id"])


def _with(what: str, reason: str | None) -> str:
    return f"{what}: {reason}" if reason else what
