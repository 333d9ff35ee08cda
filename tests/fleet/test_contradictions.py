"""Six contradictions, each seeded into a clean catalog: found with both witnesses, and nothing else is called one."""

from __future__ import annotations

import random
import sqlite3

from greenlake_backup_mcp.fleet.contradictions import Kind
from tests import contradictions
from tests.support.estates import AT


def test_each_contradiction_is_found_and_a_clean_tenant_has_none() -> None:
    result, wrong = contradictions.run(each=4, seed=3)
    assert wrong == []
    assert result == dict.fromkeys(Kind, 4)


def test_both_witnesses_are_named_with_their_times() -> None:
    seen, gateway = contradictions.compare(lambda c: contradictions.silent_gateway(c, random.Random(1)))
    (one,) = [c for c in seen.contradictions if c.kind is Kind.SILENT_GATEWAY]
    assert one.subject_id == gateway
    assert one.one_at is not None
    assert one.other_at is not None
    assert one.one_at < one.other_at < AT
    assert one.assets


def test_t04_a_run_that_had_no_time_to_leave_a_copy_contradicts_nothing() -> None:
    """T4: a run ends when it is triggered; its copy, and the reading that shows it, come later."""

    def just_run(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE schedules SET last_status = 'OK', last_run = ?, prev_run = ?", (AT - 600, AT - 600))

    seen, _ = contradictions.compare(just_run)
    assert [c for c in seen.contradictions if c.kind is Kind.JOB_WITHOUT_COPY and "snapshot" not in c.one] == []


def test_assets_that_were_not_read_are_compared_with_nothing() -> None:
    def unread(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE readings SET read = NULL, failed = 1, status = 403 WHERE asset > 0")
        connection.execute("DELETE FROM copies")
        connection.execute("DELETE FROM copy_sets")

    seen, _ = contradictions.compare(unread)
    assert seen.contradictions == ()
    assert seen.judged == 0
    assert set(seen.unjudged) == {"HTTP 403"}
