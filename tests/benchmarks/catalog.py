"""The backup catalog with 1,000,000 recovery points: time of answers, bytes of the file, memory, how long others wait.

Answers about the present and about a period, as processor seconds; hostile queries and what they grow the process by;
the event loop's longest stop while a page is written and while questions run. Goals are in issue 18.
"""

from __future__ import annotations

import gc
import random
import resource
import sqlite3
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.catalog import query_catalog, writer
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.catalog.rows import Copy
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.fleet import question
from greenlake_backup_mcp.upstream import client
from tests.support.filled_catalog import operations

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ASSETS, EACH = 2_000, 500
STORES = [(f"00000000-0000-4000-8000-00000000000{n}", f"Local_psg-dc1-0{n}", "ON_PREMISES") for n in range(5)]

PRESENT = {
    "counts by kind": "SELECT kind, count(*), sum(copies), sum(newest_usable IS NULL) FROM assets GROUP BY 1",
    "older than 48 h": "SELECT name, newest_usable_age_hours FROM assets WHERE newest_usable_age_hours > 48",
    "last usable goes in 7 days": "SELECT name FROM assets WHERE last_usable_expiry_in_days < 7",
    "off site and locked": "SELECT count(*) FROM assets WHERE usable_locked_off_site_until_in_days > 200",
    "by store": "SELECT store, sum(copies), sum(good) FROM recovery_point_sets GROUP BY 1",
}
PERIOD = {
    "made a day": "SELECT substr(created, 1, 10), count(*) FROM recovery_points WHERE created_age_hours < 720 "
    "GROUP BY 1",
    "verified of all": "SELECT count(*), sum(verified) FROM recovery_points WHERE created_age_hours < 336",
    "expiring by store": "SELECT store, count(*), sum(locked) FROM recovery_points WHERE expires_in_days < 7 "
    "GROUP BY 1",
}
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("check_health", {}), ("check_protection", {"control": "cover"}), ("check_protection", {"control": "fresh"}),
    ("show_dependents", {"name": STORES[0][1]}), ("show_dependents", {"name": "unlocked copies"}), ("show_changes", {}),
    ("find_recovery_points", {"asset": "vm-0007"}), ("find_recovery_points", {"before": "now-24h", "usable": True}),
    ("find_recovery_points", {"nearest": "now-10d", "limit": 5}),
)  # fmt: skip
LONG = "replace(replace(hex(a.name), '3', hex(a.name)), '6', hex(a.name))"
HOSTILE = (
    "SELECT count(*) FROM recovery_points a, recovery_points b",
    "SELECT a.id FROM recovery_points a, recovery_points b ORDER BY a.name || b.name LIMIT 3",
    "SELECT group_concat(name) FROM recovery_points",
    "SELECT DISTINCT a.name || b.name FROM recovery_points a, assets b",
    "SELECT name, row_number() OVER (ORDER BY name) FROM recovery_points ORDER BY 2 DESC",
    "SELECT replace(replace(group_concat(name), 'a', 'aaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaa') FROM assets",
    "SELECT sum(length(LONG)) FROM recovery_points a",
    "SELECT max(LONG) FROM recovery_points a GROUP BY a.id",
    "SELECT count(*) FROM recovery_points a WHERE LONG GLOB '*3*3*3*3*3*3*3*3*[g-z]*[g-z]'",
    "SELECT count(*) FROM recovery_points a WHERE LONG LIKE '%3%3%3%3%3%3%3%3%3%3%g'",
    "SELECT sum(instr(LONG, LONG || 'x')) FROM recovery_points a",
    "SELECT id, group_concat(id) OVER (ORDER BY name ROWS 500 PRECEDING) FROM recovery_points",
    "SELECT id, lag(name, 90000) OVER (ORDER BY name), ntile(9) OVER (ORDER BY id) FROM recovery_points",
    "WITH a AS MATERIALIZED (SELECT * FROM recovery_points) SELECT count(*) FROM a, a b WHERE a.name > b.name",
    "SELECT asset, name, id FROM recovery_points UNION SELECT name, id, asset FROM recovery_points ORDER BY 3",
    "SELECT id FROM recovery_points WHERE id NOT IN (SELECT source_id FROM recovery_points WHERE source_id > '')",
    "SELECT (SELECT count(*) FROM recovery_points b WHERE b.name > a.name) FROM recovery_points a",
    "SELECT a.*, b.id FROM assets a, schedules, assets b, schedules c",
    "SELECT hex(hex(hex(hex(hex(hex(group_concat(name))))))) FROM assets",
    "SELECT date(point_in_time, '+1 day'), count(*) FROM recovery_points, assets GROUP BY 1",
)


def main() -> None:
    anyio.run(_measure)


async def _measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.sqlite"
        chosen = settings.load(demo=True, catalog=str(path), wait=0)
        async with client.connect(chosen, now=lambda: NOW) as api:
            catalog = Catalog(chosen, api, operations())
            started = time.process_time()
            await _fill(catalog)
            print(f"written: {ASSETS * EACH:,} recovery points in {time.process_time() - started:.1f} s of processor")
            assert catalog.store is not None
            catalog.store.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            print(f"file: {path.stat().st_size / ASSETS / EACH:.0f} bytes a recovery point (goal 280)")
            gc.collect()
            before = _resident()
            for goal, queries in ((0.7, PRESENT), (2.5, PERIOD)):
                for name, sql in queries.items():
                    seconds, stop = await _ask(catalog, sql)
                    print(
                        f"{name}: {seconds:.2f} s of processor (goal {goal}); loop held {1000 * stop:.0f} ms (goal 50)"
                    )
            for tool, values in QUESTIONS:
                asked = await question.question(catalog, values, _silent)
                answer = question.answer_for(tool)
                seconds, stop = await _timed(lambda a=answer, q=asked: a(q))
                print(
                    f"{tool} {values}: {seconds:.2f} s of processor (goal 0.7 or 2.5); loop held {1000 * stop:.0f} ms"
                )
            print(f"memory of all that: {_resident() - before:+.0f} MiB (goal 40)")
            before, turns = _resident(), query_catalog.Turns()
            async with anyio.create_task_group() as group:
                for n in range(20):
                    group.start_soon(
                        _hostile, catalog, turns, f"caller {n}", HOSTILE[n % len(HOSTILE)].replace("LONG", LONG)
                    )
            print(f"20 hostile queries: {_resident() - before:+.0f} MiB (goal 64); peak {_peak():.0f} MiB")
            catalog.close()


async def _hostile(catalog: Catalog, turns: query_catalog.Turns, caller: str, sql: str) -> None:
    with suppress(BackupError):
        await query_catalog.query(catalog, turns, caller, {"sql": sql}, _silent, 10_000)


async def _ask(catalog: Catalog, sql: str) -> tuple[float, float]:
    return await _timed(lambda: query_catalog.query(catalog, query_catalog.Turns(), "", {"sql": sql}, _silent, 10_000))


async def _timed(work: Any) -> tuple[float, float]:
    """Processor seconds of a question, and the longest that the event loop stood still."""
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not done:
            before = time.perf_counter()
            await anyio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await anyio.sleep(0.005)
        longest, started = 0.0, time.process_time()
        await work()
        spent = time.process_time() - started
        done = True
    return spent, longest


async def _fill(catalog: Catalog) -> None:
    await catalog.coverage()
    assert catalog.filler is not None
    for number in range(1, ASSETS + 1):
        await anyio.to_thread.run_sync(_write, catalog, number)


def _write(catalog: Catalog, number: int) -> None:
    rng = random.Random(number)
    assert catalog.store is not None
    with catalog.store.write() as connection:
        if number == 1:
            for name in ("stores", "gateways", "storeonces", "orchestrators"):
                writer.record_reading(connection, name, AT, items=1)
            connection.executemany(
                "INSERT INTO stores (id, name, type, state, connection) VALUES (?, ?, ?, 'ONLINE', 'CONNECTED')", STORES
            )
        connection.execute(
            "INSERT INTO assets (no, id, kind, name) VALUES (?, ?, 'vm', ?)",
            (number, f"10000000-0000-4000-8000-{number:012d}", f"vm-{number:04d}"),
        )
        _write_job(connection, f"10000000-0000-4000-8000-{number:012d}", number)
        for list_ in (0, 1):
            reading = writer.CopyReading(number, list_, AT, None)
            reading.add(connection, [_copy(rng, number, list_, n) for n in range(EACH // 2)])
            reading.finish(connection, EACH // 2, AT + 86400)


def _write_job(connection: sqlite3.Connection, asset: str, number: int) -> None:
    """A job of three schedules, the second and third chained, for questions by rule."""
    connection.execute(
        "INSERT INTO jobs (id, asset_id, policy, policy_id, operational, effective_from) VALUES (?, ?, 'Gold', 'p', "
        "'ACTIVE', ?)", (f"job-{number}", asset, AT - (200 + number % 100) * 86400),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO schedules (job_id, seq, tier, schedule_id, recurrence, every, start_time, on_days, keep_days, "
        "last_status, last_run, prev_run, source_schedule_id) VALUES (?, ?, ?, ?, ?, 1, ?, '2', 40, 'OK', ?, ?, ?)",
        [(f"job-{number}", n, tier, str(n + 1), recurrence, start, AT - 40_000, AT - 40_000, str(n) if n else None)
         for n, (tier, recurrence, start) in enumerate((("SNAPSHOT", "HOURLY", None), ("BACKUP", "DAILY", "20:00"),
                                                        ("CLOUD_BACKUP", "WEEKLY", "23:00")))],
    )  # fmt: skip


def _copy(rng: random.Random, number: int, list_: int, n: int) -> Copy:
    point = AT - n * 3 * 3600 - rng.randrange(3600)
    kind = 2 * list_ + (n % 2 if list_ else 0)
    return Copy(
        rng.randbytes(16), list_, f"{'Local_Backup_' if list_ else ''}vm-{number:04d}_2026-11-{n % 28 + 1:02d}_20:11",
        kind, point, point, point + 40 * 86400, point + 7 * 86400 if list_ else None, int(n % 100 > 0),
        "OK" if n % 100 else "ERROR", "OK", None, ("VERIFIED", "NOT_VERIFIED")[n % 10 > 0] if list_ else None,
        point + 900 if list_ and n % 10 == 0 else None, "CRASH", 42, 2, rng.randrange(1 << 36),
        STORES[n % 5] if list_ else None, None if list_ else f"array-dc1-{n % 3}", 1 + kind, f"schedule_{kind}",
        rng.randbytes(16) if list_ else None, None,
    )  # fmt: skip


async def _silent(done: float, total: float | None, words: str) -> None:
    pass


def _resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
