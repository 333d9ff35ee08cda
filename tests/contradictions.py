"""Contradictions seeded into a clean catalog, all to be found: `python -m tests.contradictions [--each 100]`.

The catalog is read from a simulated tenant without its rare cases and its lost site: runs fail there, warn and are
skipped as everywhere, and job, status and copies agree. Each seed changes one witness in the catalog's tables.
"""

# ruff: noqa: S608

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from greenlake_backup_mcp.catalog import writer
from greenlake_backup_mcp.fleet import contradictions
from greenlake_backup_mcp.fleet.contradictions import Comparison, Kind
from greenlake_backup_mcp.fleet.promises import GRACE
from greenlake_backup_mcp.simulator.seed import cases
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW
from tests.support.estates import AT, catalog_bytes, estate_of, opened

PROTECTED = (
    "virtual-machines", "virtual-machine-protection-groups", "datastores", "mssql-databases",
    "mssql-database-protection-groups", "volume-protection-groups",
)  # fmt: skip
LISTS = {"SNAPSHOT": 0, "REPLICATED_SNAPSHOT": 0, "BACKUP": 1, "CLOUD_BACKUP": 1}
KINDS = {"SNAPSHOT": 0, "REPLICATED_SNAPSHOT": 1, "BACKUP": 2, "CLOUD_BACKUP": 3}


def clean_tenant(vms: int = 40) -> Any:
    """A simulated tenant of few assets, none of them a rare case, none at the lost site."""
    app = create_app(now=lambda: NOW, scale=100_000)
    items = app.state.tenant.world.resources
    odd = set(cases.BY_ASSET)
    jobs = {i: j for i, j in items["protection-jobs"].items() if j["protectionPolicyInfo"]["name"] != "Branch-DC2"}
    covered = {job["assetInfo"]["id"] for job in jobs.values()}
    groups = dict(list(items["virtual-machine-protection-groups"].items())[:2])
    members = {m["id"] for group in groups.values() for m in group["assets"]}
    machines = items["virtual-machines"]
    own = [i for i, vm in machines.items() if i in covered and vm["displayName"] not in odd][:vms]
    remaining = {i for i in (*own, *members) if i in machines and machines[i]["displayName"] not in odd}
    items["virtual-machines"] = {i: machines[i] for i in machines if i in remaining}
    items["virtual-machine-protection-groups"] = groups
    items["datastores"] = dict(list(items["datastores"].items())[:2])
    ids = {i for name in PROTECTED for i in items[name]}
    items["protection-jobs"] = {i: j for i, j in jobs.items() if j["assetInfo"]["id"] in ids}
    return app


@cache
def clean_catalog() -> bytes:
    """The catalog of the clean tenant, as the bytes of a database."""
    return catalog_bytes(clean_tenant())


def compare(change: Callable[[sqlite3.Connection], Any]) -> tuple[Comparison, Any]:
    """What is found after a change to the clean catalog, and what the change returned."""
    connection = opened(clean_catalog())
    try:
        changed = change(connection)
        estate = estate_of(connection)
        return contradictions.find(connection, estate), changed
    finally:
        connection.close()


# --- one witness changed -------------------------------------------------------------------------------------------


def _covered(connection: sqlite3.Connection, dice: random.Random) -> tuple[Any, ...]:
    """An asset with a job of its own, and a schedule of that whose last run was OK, long enough ago."""
    rows = connection.execute(
        "SELECT a.no, a.id, s.job_id, s.schedule_id, s.tier, s.last_run, s.keep_days FROM assets a JOIN jobs j ON "
        "j.asset_id = a.id JOIN schedules s ON s.job_id = j.id WHERE s.last_status = 'OK' AND j.operational = 'ACTIVE' "
        "AND a.kind IN ('vm', 'mssql_database', 'volume_group') AND s.tier <> 'DATABASE_LOG_BACKUP' AND "
        "a.protection_status = 'PROTECTED' ORDER BY 1, 4"
    ).fetchall()  # fmt: skip
    chosen: tuple[Any, ...] = dice.choice([r for r in rows if r[5] + GRACE[r[4]] < AT and r[5] + r[6] * 86400 > AT])
    return chosen


def job_without_copy(connection: sqlite3.Connection, dice: random.Random) -> str:
    no, ident, _, _, tier, run, _ = _covered(connection, dice)
    connection.execute(
        "DELETE FROM copies WHERE asset = ? AND list = ? AND kind = ? AND point >= ?",
        (no, LISTS[tier], KINDS[tier], run - dice.choice((40, 86400 * 3, 86400 * 400)) - 86400),
    )  # fmt: skip
    writer.summarize(connection, no, LISTS[tier])
    return str(ident)


def status_against_age(connection: sqlite3.Connection, dice: random.Random) -> str:
    """The job's last run is that of an older copy, and there is no newer one: it tells of no run since."""
    while True:
        no, ident, job, schedule, tier, _, _ = _covered(connection, dice)
        points = [row[0] for row in connection.execute(
            "SELECT point FROM copies WHERE asset = ? AND list = ? AND kind = ? AND ok ORDER BY point DESC",
            (no, LISTS[tier], KINDS[tier]),
        )]  # fmt: skip
        if len(points) > 3:
            break
    point = dice.choice(points[3:])
    connection.execute("DELETE FROM copies WHERE asset = ? AND list = ? AND kind = ? AND point > ?",
                       (no, LISTS[tier], KINDS[tier], point))  # fmt: skip
    connection.execute("UPDATE schedules SET last_run = ?, prev_run = ?, prev_good = ? WHERE job_id = ? AND "
                       "schedule_id = ?", (point, point, point, job, schedule))  # fmt: skip
    writer.summarize(connection, no, LISTS[tier])
    return str(ident)


def not_run(connection: sqlite3.Connection, dice: random.Random) -> str:
    job = dice.choice(connection.execute("SELECT id FROM jobs WHERE operational = 'ACTIVE' ORDER BY 1").fetchall())[0]
    connection.execute("UPDATE schedules SET next_run = ? WHERE job_id = ?", (AT - dice.randrange(3600, 10**6), job))
    return str(job)


def store_against_copies(connection: sqlite3.Connection, dice: random.Random) -> str:
    rows = connection.execute(
        "SELECT DISTINCT st.id FROM stores st JOIN copy_sets s ON s.store = st.no WHERE s.good > 0 ORDER BY 1"
    ).fetchall()
    ident = dice.choice(rows)[0]
    column, value = dice.choice((("state", "OFFLINE"), ("connection", "DISCONNECTED"), ("state", "STORE_FAILURE")))
    connection.execute(f"UPDATE stores SET {column} = ? WHERE id = ?", (value, ident))
    return str(ident)


def silent_gateway(connection: sqlite3.Connection, dice: random.Random) -> str:
    rows = connection.execute(
        "SELECT st.system_id, max(s.last_run) FROM stores st JOIN schedules s ON s.store_id = st.id WHERE "
        "s.last_status = 'OK' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    ident, run = dice.choice(rows)
    for table in ("gateways", "storeonces"):
        connection.execute(f"UPDATE {table} SET connection = 'DISCONNECTED', health_told = ? WHERE id = ?",
                           (run - dice.randrange(3600, 86400), ident))  # fmt: skip
    return str(ident)


def copies_said(connection: sqlite3.Connection, dice: random.Random) -> str:
    kinds = "('vm', 'mssql_database', 'volume_group')"
    rows = connection.execute(
        f"SELECT no, id FROM assets a WHERE kind IN {kinds} AND EXISTS (SELECT 1 FROM copies c WHERE c.asset = a.no) "
        "AND NOT EXISTS (SELECT 1 FROM members m WHERE m.member_id = a.id AND m.owner_kind <> 'tag') ORDER BY 1"
    ).fetchall()
    no, ident = dice.choice(rows)
    if dice.random() < 0.5:
        connection.execute("UPDATE assets SET says_has_copies = 0 WHERE no = ?", (no,))
        return str(ident)
    connection.execute("DELETE FROM copies WHERE asset = ?", (no,))
    connection.execute("UPDATE assets SET says_has_copies = 1 WHERE no = ?", (no,))
    for list_ in (0, 1):
        writer.summarize(connection, no, list_)
    return str(ident)


SEEDS: dict[Kind, Callable[[sqlite3.Connection, random.Random], str]] = {
    Kind.JOB_WITHOUT_COPY: job_without_copy, Kind.STATUS_AGAINST_AGE: status_against_age, Kind.NOT_RUN: not_run,
    Kind.STORE_AGAINST_COPIES: store_against_copies, Kind.SILENT_GATEWAY: silent_gateway, Kind.COPIES_SAID: copies_said,
}  # fmt: skip


def run(each: int, seed: int) -> tuple[Counter[Kind], list[str]]:
    """How many of each kind were found, and what is wrong: not found, or found in the clean tenant."""
    clean, _ = compare(lambda _: None)
    wrong = [f"clean, and found: {one}" for one in clean.contradictions]
    wrong += [] if clean.judged > 50 and not clean.unjudged else [f"only {clean.judged} assets were compared"]
    collected: Counter[Kind] = Counter()
    for kind, change in SEEDS.items():
        for n in range(each):
            dice = random.Random(f"{seed} {kind.name} {n}")
            seen, subject = compare(lambda c: change(c, dice))  # noqa: B023  called at once
            if any(one.kind is kind and one.subject_id == subject for one in seen.contradictions):
                collected[kind] += 1
            else:
                others = [(o.kind.name, o.subject) for o in seen.contradictions]
                wrong.append(f"{kind.name} {n}: {subject} not found among {others}")
    return collected, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    result, wrong = run(options.each, options.seed)
    for kind in Kind:
        print(f"{kind.name:<22} {result[kind]} of {options.each} found")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
