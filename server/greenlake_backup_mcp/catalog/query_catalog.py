"""query_catalog: SQL over the documented views, SELECT only, bounded in time, memory and length, and cancellable.

What a caller wrote is run as it is, so nothing rests on reading it: SQLite's own authorizer says for each table and
function whether it may be read, on a connection that can only read. Knows SQLite; nothing of the service.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread

from greenlake_backup_mcp.errors import BackupError, InputError, LimitExceeded
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import suggest
from greenlake_backup_mcp.upstream.progress import Report

from . import answer, sql_clock
from .catalog import Catalog
from .read_coverage import Coverage
from .views import views

SECONDS = 5.0  # of processor that one query takes, so that a busy machine ends none of them
PATIENCE = 30.0  # seconds by the clock
ROWS = 50
LONGEST = 10_000  # characters of a query
LONGEST_VALUE = 20_000  # bytes of one value while it is worked out: no function is interrupted, so none may take long
MOST_TEMPORARY = 256 << 20  # bytes of SQLite's temporary files in this process
STEPS = 2_000  # of SQLite's machine between two looks at the clock
LOOKS_ON_DISK = 50  # looks at the clock to one at the temporary files, which costs a hundred times as much
AT_ONCE = 2

# of SQLite's own; printf and the like could make long texts out of nothing
FUNCTIONS = frozenset(
    (
        *("abs", "avg", "char", "coalesce", "count", "cume_dist", "date", "datetime", "dense_rank", "first_value"),
        *("glob", "group_concat", "hex", "ifnull", "iif", "instr", "julianday", "lag", "last_value", "lead", "length"),
        *("like", "likely", "lower", "ltrim", "max", "min", "nth_value", "ntile", "nullif", "percent_rank", "rank"),
        *("replace", "round", "row_number", "rtrim", "sign", "strftime", "string_agg", "substr", "substring", "sum"),
        *("time", "timediff", "total", "trim", "typeof", "unicode", "unixepoch", "unlikely", "upper"),
    )
)
_COPIES = re.compile(r"\b(?:assets|recovery_points|recovery_point_sets|coverage)\b", re.IGNORECASE)
_LIMITS = {
    "SQLITE_LIMIT_LENGTH": LONGEST_VALUE,
    "SQLITE_LIMIT_SQL_LENGTH": LONGEST * 8,
    "SQLITE_LIMIT_COLUMN": 200,
    "SQLITE_LIMIT_EXPR_DEPTH": 100,
    "SQLITE_LIMIT_COMPOUND_SELECT": 20,
    "SQLITE_LIMIT_VDBE_OP": 50_000,
    "SQLITE_LIMIT_FUNCTION_ARG": 16,
    "SQLITE_LIMIT_ATTACHED": 0,
    "SQLITE_LIMIT_LIKE_PATTERN_LENGTH": 500,
    "SQLITE_LIMIT_VARIABLE_NUMBER": 0,
    "SQLITE_LIMIT_TRIGGER_DEPTH": 0,
    "SQLITE_LIMIT_WORKER_THREADS": 0,
}


@dataclass
class Turns:
    """One query per caller and two in all: others wait, and can be cancelled while they do."""

    slots: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(AT_ONCE))
    callers: defaultdict[str, anyio.Lock] = field(default_factory=lambda: defaultdict(anyio.Lock))


@dataclass
class _Run:
    """A query under way: when it must end, and why it was ended."""

    until: float = 0.0  # of processor time of its thread
    latest: float = 0.0  # by the clock
    cancelled: bool = False
    looks: int = 0
    why: str = ""
    refused: str = ""

    def look(self) -> int:
        """Called by SQLite now and then; anything but 0 ends the query."""
        if self.cancelled:
            return 1
        self.looks += 1
        if time.thread_time() > self.until or time.monotonic() > self.latest:
            self.why = f"it took longer than {SECONDS:g} s"
        elif self.looks % LOOKS_ON_DISK == 0 and temporary_bytes() > MOST_TEMPORARY:
            self.why = f"its intermediate results took more than {MOST_TEMPORARY >> 20} MiB on disk"
        return 1 if self.why else 0

    def allow(self, action: int, first: str | None, second: str | None, base: str | None, source: str | None) -> int:
        """SQLite's authorizer: SELECT, columns of the views, a list of functions."""
        why = "only SELECT is offered"
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # of a view, or of a table through one
            if not second or not first or source in views() or (first in views() and base == "temp"):
                return sqlite3.SQLITE_OK
            why = f"there is no view {first!r}{_near(first, views())}"
        elif action == sqlite3.SQLITE_FUNCTION:
            if source in views() or (second or "").lower() in FUNCTIONS:
                return sqlite3.SQLITE_OK
            why = f"the function {second} is not offered{_near(second or '', FUNCTIONS)}"
        elif action == sqlite3.SQLITE_RECURSIVE:
            why = "recursion is not offered"
        self.refused = self.refused or why
        return sqlite3.SQLITE_DENY


def _near(name: str, candidates: Iterable[str]) -> str:
    near = suggest.near_names(name, candidates, 2)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


async def query(  # noqa: PLR0913, PLR0917
    catalog: Catalog, turns: Turns, caller: str, values: dict[str, Any], progress: Report, room: int
) -> Answer:
    """The answer to one SELECT over the catalog: a table as text, or rows as JSON, and what of the tenant it covers.

    `turns`: one query at a time of a `caller` (the principal), a few at once; `values`: the checked arguments `sql`,
    `limit` (rows) and `output`; `progress`: told what is read first; `room`: bytes that the answer may take.
    InputError: what is wrong with the SQL; LimitExceeded: it took too long or gave too much. Where the call is
    cancelled, the query ends at its next look at the clock.
    """
    sql, limit = values["sql"], values.get("limit", ROWS)
    if len(sql) > LONGEST:
        raise InputError(f"sql: {len(sql):,} characters; at most {LONGEST:,}.")
    run = _Run()

    def work(connection: sqlite3.Connection, covered: Coverage) -> tuple[list[str], list[tuple[Any, ...]], Coverage]:
        return (*_select(connection, run, sql_clock.pin(sql, covered.now), limit), covered)

    await catalog.ready(progress, whole=bool(_COPIES.search(sql)))
    async with turns.callers[caller], turns.slots:
        try:
            names, rows, covered = await catalog.read(work)
        except BaseException:
            run.cancelled = True  # the thread sees it at its next look
            raise
    return _answer(names, rows, covered, limit, values.get("output") == "json", room)


def _select(connection: sqlite3.Connection, run: _Run, sql: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of the columns, and one row more than asked for where there are more."""
    run.until, run.latest = time.thread_time() + SECONDS, time.monotonic() + PATIENCE
    for name, most in _LIMITS.items():
        connection.setlimit(getattr(sqlite3, name), most)
    connection.set_authorizer(run.allow)
    connection.set_progress_handler(run.look, STEPS)
    try:
        cursor = connection.execute(sql)
        if cursor.description is None:
            raise InputError("sql: there is no statement in it.", hint=EXAMPLE)
        return [one[0] for one in cursor.description], cursor.fetchmany(limit + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError) as error:
        raise _problem(sql, run, error) from None


EXAMPLE = (
    "For example: SELECT name, newest_usable_age_hours FROM assets WHERE kind = 'vm' AND listed AND "
    "copies_state <> 'unread' AND (newest_usable IS NULL OR newest_usable_age_hours > 48) ORDER BY 2 DESC"
)


def _problem(sql: str, run: _Run, error: Exception) -> BackupError:
    """What to say of a query that failed."""
    text = str(error)
    if run.why or "too big" in text or isinstance(error, MemoryError) or "interrupted" in text:
        why = run.why or ("a value became too long" if "too big" in text else "it was ended")
        return LimitExceeded(
            f"sql: the query was ended: {why}.",
            hint="Ask for less: a WHERE on one asset or a shorter time, fewer joins; recovery_point_sets and assets "
            "hold the sums of recovery points and are far smaller.",
        )
    if match := re.match(r"vtable constructor failed: (.+)$", text):  # json_each and the like
        run.refused = f"there is no view {match[1]!r}"
    if "cannot modify" in text:
        run.refused = "only SELECT is offered"
    if re.search(r"\brecursive\b", sql, re.IGNORECASE) and run.refused:
        run.refused = "recursion is not offered"
    if run.refused:
        return InputError(_sentence(f"sql: {run.refused}"), hint=f"Views: {', '.join(views())}.")
    if match := re.match(r"no such column: (?:\w+\.)?\"?(.+?)\"?$", text):
        name = match[1]
        where = [v.name for v in views().values() if any(c.name == name for c in v.columns)]
        there = f"; it is in {', '.join(where[:4])}" if where else _near(name, _column_names())
        return InputError(_sentence(f"sql: there is no column {name[:80]!r}{there}"), hint=_columns_hint())
    if match := re.match(r"no such table: (?:\w+\.)?(.+)$", text):
        what = f"sql: there is no view {match[1][:80]!r}{_near(match[1], views())}"
        return InputError(_sentence(what), hint=_columns_hint())
    if "one statement" in text:
        return InputError("sql: one statement at a time.")
    return InputError(f"sql: {text[:200]}.", hint=EXAMPLE)


def _column_names() -> set[str]:
    return {column.name for view in views().values() for column in view.columns}


def _columns_hint() -> str:
    return f"Views: {', '.join(views())}; their columns: resource greenlake-backup://catalog."


def _answer(  # noqa: PLR0913, PLR0917  an answer has its parts
    names: list[str], rows: list[tuple[Any, ...]], covered: Coverage, limit: int, as_json: bool, room: int
) -> Answer:
    more = len(rows) > limit
    names = _distinct(names)
    dicts = [{n: _plain(v) for n, v in zip(names, row, strict=True)} for row in rows[:limit]]
    if as_json:
        value = {"columns": names, "rows": dicts, "count": len(dicts), "more": more, "coverage": covered.value()}
        return Answer(value=answer.fit_json(value, "rows", room))
    tail = answer.coverage_lines(covered)
    lines, fitting = answer.table(names, dicts, covered.now, room - sum(len(t.encode()) + 1 for t in tail) - 200)
    if not dicts:
        lines = [f"No rows ({', '.join(names)})."]
    elif more or fitting < len(dicts):
        why = "" if fitting < len(dicts) else f" (limit {limit})"
        lines.append(
            f"{fitting:,} rows, and there are more{why}: aggregate, add LIMIT and OFFSET, or select fewer columns."
        )
    else:
        lines.append(f"{fitting:,} {'row' if fitting == 1 else 'rows'}.")
    return Answer(lines=(*lines, *tail))


def _distinct(names: list[str]) -> list[str]:
    counts = (names[: n + 1].count(name) for n, name in enumerate(names))
    return [name if count == 1 else f"{name}_{count}" for name, count in zip(names, counts, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value.hex() if isinstance(value, bytes) else value


def temporary_bytes() -> int:
    """Bytes of the temporary files that SQLite holds open; 0 where the system does not tell (time bounds them then)."""
    if sys.platform != "linux":
        return 0
    total = 0
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # closed meanwhile
            if "etilqs_" in os.readlink(f"/proc/self/fd/{number}"):
                total += os.stat(f"/proc/self/fd/{number}").st_size
    return total


JSON_KEYS = """## output json

- query_catalog: `columns`, `rows` (an object each), `count`, `more` (there are more rows), `coverage`
- find_recovery_points: `count`, `assets` (how many have them), `usable`, `places`, `notUsable` (why, count),
  `sizeInBytes` (sum, of so many that tell one), `moments` as understood, `meant` (assets of the name, groups and
  datastores that hold them, with `copies_state`), `logRanges` (any moment between `from` and `until`),
  `recoveryPoints` (best first; `usable` null: not known; `worse`: than the first), `nextOffset`, `timeZone`,
  `coverage`
- `coverage`: `asOf`, `ageSeconds`, `complete`, `reading`, `recoveryPoints` (by kind: assets, read, stale, unread,
  why), `listsNotRead`, `oldestRecoveryPointsRead`, `notes`; `leftOut`: rows for which there was no room
"""


def document() -> str:
    """Every view with its columns, as Markdown: the resource."""
    out = [
        "# The backup catalog",
        "",
        "SQL of `query_catalog` sees these views. NULL is what is not known, never none.",
        "",
    ]
    for view in views().values():
        out += [f"## {view.name}", "", f"{view.comment[0].upper()}{view.comment[1:]}.", ""]
        out += [f"- `{column.name}` {column.comment}" for column in view.columns]
        out.append("")
    return "\n".join([*out, JSON_KEYS])
