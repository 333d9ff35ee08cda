"""T1 at every step of the filling: what was not read is never told as none, not protected, lost, late or fine."""

# ruff: noqa: S608

from __future__ import annotations

import random
import sqlite3

import pytest

from greenlake_backup_mcp.catalog import read_coverage, writer
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.fleet import (
    asset_health,
    check_health,
    contradictions,
    describe_asset,
    facts,
    loss,
    morning_check,
    schedule_rows,
    selection,
    show_dependents,
)
from greenlake_backup_mcp.fleet.asset_health import State
from greenlake_backup_mcp.fleet.clock import clock
from greenlake_backup_mcp.fleet.loss import Fate
from tests.conftest import NOW
from tests.support.estates import AT, estate_of, opened, question_of, small_estate

LISTS = ("jobs", "vm_groups", "stores", "gateways", "storeonces", "orchestrators", "issues", "tasks")


def partly_read(seed: int) -> tuple[sqlite3.Connection, set[int], set[str]]:
    """The catalog as it is while it fills: some lists of copies, some lists of the service not read yet."""
    dice = random.Random(seed)
    connection = opened(small_estate()[1])
    unread: set[int] = set()
    share = dice.random()
    for (asset,) in connection.execute("SELECT DISTINCT asset FROM readings WHERE asset > 0").fetchall():
        for number, name in enumerate(("snapshots", "backups")):
            if dice.random() < share:
                unread.add(asset)
                connection.execute("DELETE FROM readings WHERE asset = ? AND collection = ?", (asset, name))
                connection.execute("DELETE FROM copies WHERE asset = ? AND list = ?", (asset, number))
                writer.summarize(connection, asset, number)
    lists = {name for name in LISTS if dice.random() < 0.15}
    for name in lists:
        connection.execute("DELETE FROM readings WHERE asset = 0 AND collection = ?", (name,))
        table = {"vm_groups": "members", "jobs": "jobs"}.get(name, name)
        connection.execute(f"DELETE FROM {table}")
    return connection, unread, lists


@pytest.mark.parametrize("seed", range(6))
def test_no_asset_that_was_not_read_is_judged(seed: int) -> None:
    connection, unread, lists = partly_read(seed)
    estate = estate_of(connection)
    result = morning_check.judge(connection, estate, (), clock(NOW, "UTC"), AT - 86_400)
    needed = lists & {*facts.PLAN_LISTS, *facts.PATH_LISTS}
    for one in result.standings:
        if needed or one.asset.no in unread or any(owner.no in unread for owner in one.asset.owners):
            assert one.state is State.UNREAD, (one.asset.name, one.state)
    assert sum(result.states.values()) == len(result.standings)
    assert not [
        c for c in result.comparison.contradictions if c.kind in ABOUT_COPIES and touched(c, estate.assets, unread)
    ]
    for gone in (loss.UNLOCKED, *(loss.of_store(store) for store in estate.stores.values())):
        for outcome in loss.outcomes(connection, estate, gone):
            if outcome.asset.no in unread or lists & {*facts.PATH_LISTS}:
                assert outcome.fate is Fate.UNKNOWN
    text = "\n".join((check_health.verdict(result), *check_health.sections(result, estate, clock(NOW, "UTC"))[1].lines))
    if result.states[State.UNREAD]:
        assert "All well" not in text
    connection.close()


ABOUT_COPIES = (
    contradictions.Kind.JOB_WITHOUT_COPY,
    contradictions.Kind.STATUS_AGAINST_AGE,
    contradictions.Kind.COPIES_SAID,
)


def touched(one: contradictions.Contradiction, assets: object, unread: set[int]) -> bool:
    assert hasattr(assets, "__getitem__")
    return any(assets[ident].no in unread for ident in one.assets)


def test_a_thing_of_a_list_that_was_not_read_is_not_said_to_be_none() -> None:
    connection = opened(small_estate()[1])
    connection.execute("DELETE FROM readings WHERE collection = 'gateways'")
    connection.execute("DELETE FROM gateways")
    with pytest.raises(InputError, match="not read yet: gateways"):
        show_dependents.find(connection, estate_of(connection), "psg-dc1-01", None)
    states = {s.state for s in asset_health.standings(estate_of(connection), ())}
    assert states == {State.UNREAD}
    connection.close()


def test_an_asset_of_a_list_that_was_not_read_is_not_said_to_be_gone() -> None:
    connection = opened(small_estate()[1])
    connection.execute("DELETE FROM readings WHERE asset = 0 AND collection = 'volume_groups'")
    connection.execute("UPDATE assets SET gone = ? WHERE kind = 'volume_group'", (AT,))  # known from its job alone
    estate = estate_of(connection)
    (described,) = describe_asset.describe(connection, estate, question_of(asset="vpg-files-13"))
    assert "no longer listed" not in read_coverage.coverage(connection, NOW).line()
    assert described["absence"] == "whether it is still listed is not known: volume_groups not read: not yet"
    with pytest.raises(InputError, match="whether it is still listed is not known"):
        selection.select(estate, {"name": "vpg-files-13"})
    connection.close()


def test_when_a_policy_leaves_an_asset_without_a_copy_is_not_known_of_what_was_not_read() -> None:
    connection = opened(small_estate()[1])
    (whole,) = show_dependents.find(connection, estate_of(connection), "Gold-Protection-Policy", None)
    assert whole.relations.notes[0].endswith("the first asset is without one in 24 d.")
    connection.execute("DELETE FROM readings WHERE collection = 'gateways'")
    (partly,) = show_dependents.find(connection, estate_of(connection), "Gold-Protection-Policy", None)
    assert partly.relations.notes[0].endswith("when the first asset is without one is not known: not all was read.")
    connection.close()


def test_a_schedule_whose_copies_were_not_read_is_told_as_not_known() -> None:
    connection = opened(small_estate()[1])
    (number,) = connection.execute("SELECT no FROM assets WHERE name = 'sap-prod-01'").fetchone()
    connection.execute("DELETE FROM readings WHERE asset = ? AND collection = 'snapshots'", (number,))
    connection.execute("DELETE FROM copies WHERE asset = ? AND list = 0", (number,))
    writer.summarize(connection, number, 0)
    estate = estate_of(connection)
    (asset,) = [a for a in estate.assets.values() if a.name == "sap-prod-01"]
    (one,) = describe_asset.describe(connection, estate, question_of(asset=asset.name))
    rows = {row["tier"]: row for row in one["promises"]}
    assert rows["SNAPSHOT"]["good"] is None
    assert rows["SNAPSHOT"]["fact"] == schedule_rows.UNREAD
    assert rows["BACKUP"]["good"] != "0"
    connection.close()


def test_a_report_of_lists_that_were_not_read_tells_no_number_of_them() -> None:
    connection = opened(small_estate()[1])
    connection.execute("DELETE FROM readings WHERE asset = 0 AND collection = 'tasks'")
    connection.execute("DELETE FROM tasks")
    estate = estate_of(connection)
    result = morning_check.judge(connection, estate, (), clock(NOW, "UTC"), AT - 86_400)
    text = "\n".join(
        line for section in check_health.sections(result, estate, clock(NOW, "UTC")) for line in section.lines
    )
    assert "tasks not read" in text
    assert "0 tasks failed" not in text
    connection.close()
