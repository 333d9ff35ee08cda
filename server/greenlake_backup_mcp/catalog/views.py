"""TABLE of the views over the catalog: what SQL and the questions by rule see, with the meaning of each column.

They are made anew for each connection, with the moment of asking in them: moments as text, ages in hours, days to go,
sizes in GiB, names joined in. A copy is usable where its state is good, it has not expired, and the store and the way
to it are up; NULL where that cannot be known. What was not read is NULL, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from . import schema
from .column_kinds import Field

ASSET_KINDS = {
    "vm": "VM",
    "datastore": "datastore",
    "vm_group": "VM protection group",
    "mssql_database": "MSSQL database",
    "mssql_group": "MSSQL database protection group",
    "volume_group": "volume protection group",
}
COPY_KINDS = ("SNAPSHOT", "REPLICATED_SNAPSHOT", "BACKUP", "CLOUD_BACKUP")
LISTS = ("snapshots", "backups")


@dataclass(frozen=True)
class Column:
    """A column of a view: its name, the expression, its meaning."""

    name: str
    sql: str
    comment: str


@dataclass(frozen=True)
class View:
    """A view: its columns, and what they are taken from."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    source: str

    @property
    def sql(self) -> str:
        """The select, with :now still to be put in."""
        return f"SELECT {', '.join(f'{c.sql} AS {c.name}' for c in self.columns)} FROM {self.source}"


def _iso(sql: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {sql}, 'unixepoch')"


def _past(name: str, sql: str, comment: str) -> tuple[Column, Column]:
    return Column(name, _iso(sql), comment), Column(
        f"{name}_age_hours", f"round((:now - ({sql})) / 3600.0, 1)", "hours ago"
    )


def _future(name: str, sql: str, comment: str) -> tuple[Column, Column]:
    return Column(name, _iso(sql), comment), Column(
        f"{name}_in_days", f"round((({sql}) - :now) / 86400.0, 1)", "days to go"
    )


def _columns_of(field: Field, alias: str = "t") -> Iterator[Column]:
    sql = f"{alias}.{field.name}"
    if field.kind == "past":
        yield from _past(field.name, sql, field.comment)
    elif field.kind == "future":
        yield from _future(field.name, sql, field.comment)
    elif field.kind == "size":
        yield Column(f"{field.name}_gib", f"round({sql} / 1073741824.0, 2)", field.comment.replace("bytes", "GiB"))
    else:
        yield Column(field.name, sql, field.comment)


def _fields(table: str, alias: str = "t") -> tuple[Column, ...]:
    return tuple(column for field in schema.table(table).fields for column in _columns_of(field, alias))


def _uuid(sql: str) -> str:
    spans = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts = "||'-'||".join(f"substr(hex({sql}),{offset},{length})" for offset, length in spans)
    return f"CASE typeof({sql}) WHEN 'blob' THEN lower({parts}) ELSE {sql} END"


def _code(sql: str, words: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(words))
    return f"CASE {sql} {cases} END"


_ASSET = (
    Column("asset", "a.name", "name of the asset"),
    Column("asset_id", "a.id", "id of the asset"),
    Column("asset_kind", "a.kind", f"{', '.join(ASSET_KINDS)}"),
)
USABLE = """CASE WHEN c.missing IS NOT NULL THEN NULL WHEN c.ok = 0 THEN 0 WHEN c.expires <= :now THEN 0
 WHEN c.store IS NULL THEN CASE c.list WHEN 0 THEN 1 END ELSE r.reachable END"""
WHY_NOT = """CASE WHEN c.missing IS NOT NULL THEN 'was not in the last list, not confirmed'
 WHEN c.ok = 0 THEN CASE c.state WHEN 'OK' THEN 'status ' || c.status
  ELSE 'state ' || coalesce(c.state, 'not told') END
 WHEN c.expires <= :now THEN 'expired' WHEN c.store IS NULL THEN CASE c.list WHEN 1 THEN 'store not told' END
 ELSE r.why END"""
PLACE = (
    "CASE WHEN {0}.kind = 3 OR st.type = 'CLOUD' THEN 'off_site' WHEN {0}.list = 1 THEN 'on_premises' ELSE 'array' END"
)
KIND = _code("{0}.kind", COPY_KINDS)


def _bit(bit: int) -> str:
    return f"CASE WHEN c.flags & {bit * 2} THEN (c.flags & {bit}) <> 0 END"


RECOVERY_POINTS = View(
    "recovery_points",
    "every recovery point of all ten kinds, also of assets that are no longer listed",
    (
        Column("id", _uuid("c.id"), "id"),
        *_ASSET,
        Column("list", _code("c.list", LISTS), "snapshots or backups"),
        Column("kind", KIND.format("c"), ", ".join(COPY_KINDS)),
        Column("place", PLACE.format("c"), "array, on_premises or off_site"),
        Column("usable", USABLE, "1, 0, or NULL where it cannot be known"),
        Column("why_not", WHY_NOT, "why it is not usable"),
        *_past("point_in_time", "c.point", "what it brings back"),
        *_past("created", "c.created", "made"),
        *_future("expires", "c.expires", "goes then"),
        *_future("locked_until", "c.locked_until", "cannot be deleted before"),
        Column("locked", "coalesce(c.locked_until > :now, 0)", "1 while the lock holds"),
        Column("state", "c.state", "the service's state"),
        Column("status", "c.status", "OK, WARNING, ERROR"),
        Column("reason", "(SELECT word FROM main.words WHERE no = c.reason)", "why, where the service says so"),
        Column("verified", "CASE WHEN c.verification IS NOT NULL THEN v.word = 'VERIFIED' END",
               "1, 0, or NULL where the kind cannot be verified"),
        Column("verification", "v.word", "VERIFIED, NOT_VERIFIED, VERIFYING, VERIFY_ERROR"),
        *_past("verified_at", "c.verified", "verified when"),
        Column("consistency", "k.word", "CRASH, APPLICATION, CRASH_CONSISTENT_ON_FAILURE"),
        Column("partial", _bit(1), "1: part of the machine only"),
        Column("full", _bit(4), "1: a full backup"),
        Column("raw_disks", _bit(16), "1: the machine has raw disks, which are not in it"),
        Column("disks", "c.disks", "virtual disks in it"),
        Column("size_gib", "round(c.size / 1073741824.0, 2)", "as the service tells it; its meaning is not documented"),
        Column("store", "st.name", "store of a backup"),
        Column("store_id", "st.id", "its id"),
        Column("array", "y.word", "array of a snapshot"),
        Column("on_source_array", "CASE WHEN c.list = 0 AND a.arrays IS NOT NULL AND y.word IS NOT NULL THEN "
               "instr(', ' || a.arrays || ',', ', ' || y.word || ',') > 0 END",
               "1: the snapshot lies on an array of its asset"),
        Column("schedule", "w.word", "schedule that made it; NULL: by hand"),
        Column("schedule_id", "c.schedule_id", "its number in the policy"),
        Column("source_id", _uuid("c.source_id"), "copy it was made from"),
        *_past("log_until", "c.log_until", "log backups reach until"),
        Column("name", "c.name", "name"),
        Column("missing", "c.missing IS NOT NULL", "1: not in the last list, and not yet confirmed gone"),
    ),
    "main.copies c JOIN main.assets a ON a.no = c.asset LEFT JOIN main.stores st ON st.no = c.store "
    "LEFT JOIN reach r ON r.no = c.store "
    "LEFT JOIN main.words v ON v.no = c.verification LEFT JOIN main.words k ON k.no = c.consistency "
    "LEFT JOIN main.words w ON w.no = c.schedule LEFT JOIN main.words y ON y.no = c.array",
)  # fmt: skip

NEWEST_USABLE = """CASE WHEN (s.store IS NULL AND s.list = 1) OR (s.store IS NOT NULL AND coalesce(r.reachable, 0) = 0)
 THEN NULL
 WHEN s.newest_good_expires IS NULL OR s.newest_good_expires > :now THEN s.newest_good
 ELSE (SELECT max(c.point) FROM main.copies c WHERE c.asset = s.asset AND c.list = s.list AND c.kind IS s.kind
  AND c.store IS s.store AND c.array IS s.array AND c.schedule IS s.schedule AND c.ok = 1 AND c.missing IS NULL
  AND c.expires > :now) END"""
REACHED = "(CASE WHEN s.store IS NULL THEN s.list = 0 ELSE coalesce(r.reachable, 0) END)"
REACHABLE = "CASE WHEN s.store IS NULL THEN CASE s.list WHEN 0 THEN 1 END ELSE r.reachable END"

SETS = View(
    "recovery_point_sets",
    "the recovery points of an asset summed up: a row per kind, store or array, and schedule",
    (
        *_ASSET,
        Column("kind", KIND.format("s"), ", ".join(COPY_KINDS)),
        Column("place", PLACE.format("s"), "array, on_premises or off_site"),
        Column("store", "st.name", "store"),
        Column("store_id", "st.id", "its id"),
        Column("array", "y.word", "array"),
        Column("schedule", "w.word", "schedule; NULL: by hand"),
        Column("reachable", REACHABLE, "1, 0, NULL: whether the store and the way to it are up"),
        Column("copies", "s.copies", "how many are listed"),
        Column("good", "s.good", "of them in a good state; expiry and store not looked at"),
        Column("failed", "s.failed", "of them in error"),
        *_past("newest", "s.newest", "newest of any state"),
        *_past("oldest", "s.oldest", "oldest"),
        *_past("newest_usable", NEWEST_USABLE, "newest usable"),
        *_future("last_expiry", "s.last_expiry", "when the last good one goes"),
        Column("without_expiry", "s.endless", "good ones that never expire"),
        *_future("locked_until", "s.last_lock_good", "longest lock of a good one"),
        Column("verified", "s.verified", "verified ones"),
        *_past("newest_verified", "s.newest_verified", "newest verified point in time"),
        Column("size_gib", "round(s.size / 1073741824.0, 2)", "their sizes added up; no space on disk"),
        Column("sized", "s.sized", "how many tell a size"),
    ),
    "main.copy_sets s JOIN main.assets a ON a.no = s.asset LEFT JOIN main.stores st ON st.no = s.store "
    "LEFT JOIN reach r ON r.no = s.store "
    "LEFT JOIN main.words w ON w.no = s.schedule LEFT JOIN main.words y ON y.no = s.array",
)  # fmt: skip

_SUMMED = f"""(SELECT asset, sum(copies) AS copies, sum(failed) AS failed, max(newest) AS newest, max(usable) AS usable,
 max(CASE WHEN place = 'array' THEN usable END) AS on_array,
 max(CASE WHEN place = 'on_premises' THEN usable END) AS on_premises,
 max(CASE WHEN place = 'off_site' THEN usable END) AS off_site,
 max(CASE WHEN reached THEN last_expiry END) AS last_expiry, sum(CASE WHEN reached THEN endless END) AS endless,
 max(CASE WHEN reached THEN last_lock_good END) AS locked,
 max(CASE WHEN reached AND place = 'off_site' THEN last_lock_good END) AS locked_off_site,
 max(newest_verified) AS newest_verified, sum(verified) AS verified
 FROM (SELECT s.*, {NEWEST_USABLE} AS usable, {REACHED} AS reached, {PLACE.format("s")} AS place
 FROM main.copy_sets s LEFT JOIN main.stores st ON st.no = s.store LEFT JOIN reach r ON r.no = s.store)
 GROUP BY asset)"""
_UNREAD = "(rb.read IS NULL OR rs.read IS NULL) AND a.kind <> 'mssql_group'"
COPIES_STATE = f"""CASE WHEN a.kind = 'mssql_group' THEN 'read' WHEN {_UNREAD} THEN 'unread'
 WHEN rb.failed OR rs.failed THEN 'stale' ELSE 'read' END"""
READINGS = """main.assets a {0} LEFT JOIN main.readings rb ON rb.collection = 'backups' AND rb.asset = a.no
 LEFT JOIN main.readings rs ON rs.collection = 'snapshots' AND rs.asset = a.no"""


def _or_null(sql: str) -> str:
    """A number of copies, told only where both lists were read."""
    return f"CASE WHEN a.kind <> 'mssql_group' AND NOT ({_UNREAD}) THEN coalesce({sql}, 0) END"


ASSETS = View(
    "assets",
    "everything that can be protected, with its recovery points summed up; listed = 0: gone, and copies may be left",
    (
        Column("id", "a.id", "id"),
        Column("kind", "a.kind", ", ".join(ASSET_KINDS)),
        *(column for field in schema.ASSETS.fields for column in _columns_of(field, "a")),
        Column("listed", "a.gone IS NULL", "0: the service no longer lists it"),
        *_past("gone", "a.gone", "no longer listed since, at the latest"),
        Column("copies_state", COPIES_STATE,
               "read; stale: read once, the last attempt failed; unread: cannot be judged"),
        Column("copies_unread_why", "CASE WHEN rb.failed THEN rb.reason WHEN rs.failed THEN rs.reason END",
               "why the last attempt failed"),
        *_past("copies_read", "min(rb.read, rs.read)", "its recovery points were read"),
        Column("copies", _or_null("s.copies"), "recovery points listed; NULL where not all were read"),
        Column("failed_copies", _or_null("s.failed"), "of them in error"),
        *_past("newest_copy", "s.newest", "newest of any state"),
        *_past("newest_usable", "s.usable", "newest usable point in time, among those read"),
        *_past("newest_usable_array", "s.on_array", "newest usable snapshot"),
        *_past("newest_usable_on_premises", "s.on_premises", "newest usable backup on premises"),
        *_past("newest_usable_off_site", "s.off_site", "newest usable backup off site"),
        *_future("last_usable_expiry", "s.last_expiry", "when the last of the usable ones goes"),
        Column("usable_for_ever", "s.endless", "usable ones without expiry"),
        *_future("usable_locked_until", "s.locked", "longest lock of a usable one"),
        *_future("usable_locked_off_site_until", "s.locked_off_site", "the same off site"),
        Column("verified_copies", _or_null("s.verified"), "verified ones"),
        *_past("newest_verified", "s.newest_verified", "newest verified point in time"),
    ),
    READINGS.format(f"LEFT JOIN {_SUMMED} s ON s.asset = a.no"),
)  # fmt: skip

_JOB = (
    Column("job_id", "j.id", "job"),
    Column("policy", "j.policy", "its policy"),
    Column("policy_id", "j.policy_id", "its policy"),
    Column("operational", "j.operational", "ACTIVE, SUSPENDED, …"),
)
COVER = View(
    "asset_jobs",
    "which jobs protect which asset, in whichever of the three ways: by its own, its group's, its datastore's job",
    (*_ASSET, Column("way", "x.way", "own, vm_group, mssql_group, volume_group or datastore"),
     Column("through", "x.through", "name of the group or datastore"),
     Column("through_id", "x.through_id", "its id"), *_JOB),
    "(SELECT asset_id AS member, 'own' AS way, NULL AS through, NULL AS through_id, id AS job FROM main.jobs "
    "WHERE gone IS NULL UNION ALL SELECT m.member_id, m.owner_kind, o.name, o.id, j.id FROM main.members m "
    "JOIN main.jobs j ON j.asset_id = m.owner_id AND j.gone IS NULL LEFT JOIN main.assets o ON o.id = m.owner_id "
    "WHERE m.owner_kind <> 'tag') x "
    "JOIN main.assets a ON a.id = x.member JOIN main.jobs j ON j.id = x.job",
)  # fmt: skip

_RESTORE = "t.name LIKE 'restore%' OR t.name LIKE '% restore%' OR t.name LIKE 'recover%' OR t.name LIKE 'mount%'"


def _generic() -> Iterator[View]:
    for table in schema.GENERIC:
        columns = [Column("id", "t.id", "id"), *_fields(table.name)]
        source = f"main.{table.name} t"
        if table.name == "stores":
            columns += [
                Column("reachable", "r.reachable", "1, 0, NULL: whether it and the way to it are up"),
                Column("why_not", "r.why", "why it cannot be reached"),
                Column("full_percent", "CASE WHEN t.capacity > 0 THEN round(100.0 * t.used / t.capacity, 1) END",
                       "per cent"),
                Column("listed", "t.gone IS NULL", "0: the service no longer lists it"),
            ]  # fmt: skip
            yield View(table.name, table.comment, tuple(columns), f"{source} LEFT JOIN reach r ON r.no = t.no")
            continue
        keeps = table.name in ("tasks", "approvals")
        yield View(table.name, table.comment, tuple(columns), source + ("" if keeps else " WHERE t.gone IS NULL"))
    tasks = _fields("tasks")
    yield View(
        "restores",
        "restores that were seen among the tasks: what, from where, how long, how it ended; SUCCEEDED proves no boot",
        (Column("id", "t.id", "task"), *tasks,
         Column("minutes", "round((t.ended - t.started) / 60.0, 1)", "how long it took"),
         Column("failed_children",
                "(SELECT count(*) FROM main.tasks x WHERE x.parent_id = t.id AND x.state <> 'SUCCEEDED')",
                "parts of it that did not succeed")),
        f"main.tasks t WHERE ({_RESTORE}) AND t.parent_id IS NULL",
    )  # fmt: skip


def _others() -> Iterator[View]:
    job = (
        *_JOB[:3],
        Column("job_operational", "j.operational", "ACTIVE, SUSPENDED, …"),
        Column("asset_id", "j.asset_id", "asset of the job"),
        Column("asset", "j.asset_name", "its name"),
    )
    yield View("schedules", schema.table("schedules").comment, (*job, *_fields("schedules")),
               "main.schedules t JOIN main.jobs j ON j.id = t.job_id WHERE j.gone IS NULL")  # fmt: skip
    yield View("policy_schedules", schema.table("policy_schedules").comment,
               (Column("policy_id", "t.policy_id", "policy"), Column("policy", "p.name", "its name"),
                *_fields("policy_schedules")),
               "main.policy_schedules t JOIN main.policies p ON p.id = t.policy_id WHERE p.gone IS NULL")  # fmt: skip
    yield View("runs", "runs of schedules as jobs told them (five each at a reading), kept since this catalog began",
               (*job, Column("schedule_id", "t.schedule_id", "schedule"), *_past("at", "t.at", "when"),
                Column("status", "t.status", "OK, ERROR, WARNING, SKIPPED, IN_PROGRESS"),
                Column("error", "t.error", "why"),
                Column("task_id", "t.task_id", "task")),
               "main.runs t LEFT JOIN main.jobs j ON j.id = t.job_id")  # fmt: skip
    yield View("members", "who belongs to whom: members of groups, VMs on datastores, what bears a tag",
               (Column("owner_kind", "t.owner_kind", "vm_group, mssql_group, volume_group, datastore or tag"),
                Column("owner_id", "t.owner_id", "id of that"),
                Column("owner", "coalesce(o.name, g.name)", "name of that"), Column("member_id", "t.member_id", "id"),
                Column("member_kind", "t.member_kind", "kind of asset, or volume"),
                Column("member", "coalesce(a.name, t.member_name)", "name")),
               "main.members t LEFT JOIN main.assets o ON o.id = t.owner_id LEFT JOIN main.tags g ON g.id = t.owner_id "
               "LEFT JOIN main.assets a ON a.id = t.member_id")  # fmt: skip
    yield View("changes", "what changed between two readings: copies gone too early, safeguards weakened, jobs stopped",
               (Column("id", "t.no", "number"), Column("kind", "t.kind", "copy vanished, expiry brought forward, …"),
                *_past("before", "t.before", "last seen as it was"), *_past("seen", "t.seen", "seen changed"),
                Column("subject_kind", "t.subject_kind", "kind of thing"),
                Column("subject_id", "t.subject_id", "its id"),
                Column("subject", "t.subject", "its name"), Column("asset_id", "t.asset_id", "asset"),
                Column("asset", "t.asset", "its name"), Column("was", "t.was", "before"),
                Column("is_now", "t.now", "after"),
                Column("cause", "t.cause", "what did it; 'unexplained' where nothing was found"),
                Column("by_user", "t.by_user", "who, where the service says so"),
                Column("task_id", "t.task_id", "task"),
                Column("detail", "t.detail", "more")), "main.changes t")  # fmt: skip
    yield View("expired", "recovery points that went when they were to: how many, by the reading that missed them",
               (*_ASSET, *_past("at", "t.at", "when"), Column("copies", "t.copies", "how many")),
               "main.expiries t LEFT JOIN main.assets a ON a.no = t.asset")  # fmt: skip
    yield View("store_usage", "samples of what stores hold: hourly for 90 days, then daily",
               (Column("store_id", "t.store_id", "store"), Column("store", "s.name", "its name"),
                *_past("at", "t.at", "when"),
                Column("used_gib", "round(t.used / 1073741824.0, 2)", "GiB on disk"),
                Column("capacity_gib", "round(t.capacity / 1073741824.0, 2)", "most"),
                Column("user_data_gib", "round(t.user_data / 1073741824.0, 2)", "GiB before deduplication")),
               "main.store_usage t LEFT JOIN main.stores s ON s.id = t.store_id")  # fmt: skip
    yield View("coverage", "what was read and when: a row per list of the service, and per asset for its copies",
               (Column("collection", "t.collection", "list"), *_ASSET, *_past("read", "t.read", "last read whole"),
                *_past("tried", "t.tried", "last attempt"),
                Column("state", "CASE WHEN t.read IS NULL THEN 'unread' WHEN t.failed THEN 'stale' ELSE 'read' END",
                       "read; stale: the last attempt failed; unread: never read whole"),
                Column("status", "CASE WHEN t.failed THEN t.status END", "HTTP status of the failure"),
                Column("reason", "CASE WHEN t.failed THEN t.reason END", "why it failed"),
                Column("items", "t.items", "how many came")),
               "main.readings t LEFT JOIN main.assets a ON a.no = t.asset")  # fmt: skip


@cache
def views() -> dict[str, View]:
    """All views by name, those asked for most at the top."""
    tables = (ASSETS, RECOVERY_POINTS, SETS, COVER, *_generic(), *_others())
    return {view.name: view for view in tables}


# Whether a store can be read from: its own state, then the gateway or StoreOnce, then the orchestrator.
REACH = """
CREATE TEMP TABLE reach (no INTEGER PRIMARY KEY, reachable INTEGER, why TEXT);
INSERT INTO temp.reach
SELECT no, CASE WHEN why IS NOT NULL THEN 0 WHEN state IS NULL OR unread THEN NULL ELSE 1 END,
  coalesce(why, CASE WHEN state IS NULL OR unread THEN 'cannot be known: not all of it was read' END)
FROM (SELECT s.no, s.state, s.type,
  (SELECT count(*) FROM main.readings WHERE asset = 0 AND read IS NOT NULL
   AND collection IN ('stores', 'gateways', 'storeonces', 'orchestrators')) < 4 AS unread,
  CASE WHEN s.gone IS NOT NULL THEN 'its store is no longer listed'
  WHEN s.state IN ('OFFLINE', 'STORE_FAILURE', 'NOT_READY') THEN 'store ' || s.state
  WHEN s.connection = 'DISCONNECTED' THEN 'store DISCONNECTED'
  WHEN g.gone IS NOT NULL THEN 'gateway ' || g.name || ' is no longer listed'
  WHEN g.connection = 'DISCONNECTED' THEN 'gateway ' || g.name || ' DISCONNECTED'
  WHEN g.health = 'OFF' THEN 'gateway ' || g.name || ' is off'
  WHEN n.gone IS NOT NULL THEN 'StoreOnce ' || n.name || ' is no longer listed'
  WHEN n.connection = 'DISCONNECTED' THEN 'StoreOnce ' || n.name || ' DISCONNECTED'
  WHEN o.n > 0 AND o.n = o.lost THEN 'no orchestrator of it is connected' END AS why
  FROM main.stores s LEFT JOIN main.gateways g ON g.id = s.system_id LEFT JOIN main.storeonces n ON n.id = s.system_id
  LEFT JOIN (SELECT x.no, count(*) AS n, sum(o.connection = 'DISCONNECTED') AS lost FROM main.stores x
   JOIN main.orchestrators o ON instr(x.orchestrator_ids, o.id) > 0 WHERE o.gone IS NULL GROUP BY x.no) o
  ON o.no = s.no);
"""


def script(now: int) -> str:
    """What makes the views of a connection, as of a moment (seconds since 1970)."""
    made = [f"CREATE TEMP VIEW {view.name} AS {view.sql};" for view in views().values()]
    return (REACH + "\n".join(made)).replace(":now", str(now))
