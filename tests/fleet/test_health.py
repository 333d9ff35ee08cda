"""The morning check: every asset once, ranked by consequence, with what a person must do and what is not known."""

# ruff: noqa: S608

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp.catalog import writer
from greenlake_backup_mcp.fleet import asset_health, check_health, controls, loss, morning_check, promises, verdicts
from greenlake_backup_mcp.fleet.asset_health import State
from greenlake_backup_mcp.fleet.clock import clock
from greenlake_backup_mcp.fleet.exceptions import Acceptance
from greenlake_backup_mcp.fleet.morning_check import Health, Level
from greenlake_backup_mcp.fleet.verdicts import Context
from tests.conftest import NOW
from tests.jobs.set_a import SYSTEMS, failing, unhealthy
from tests.jobs.truth import Truth
from tests.support.estates import AT, estate_of, opened, small_estate

UTC_CLOCK = clock(NOW, "UTC")
DAY = 86_400


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    held = opened(small_estate()[1])
    yield held
    held.close()


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(small_estate()[0].state.tenant)


def judge(connection: sqlite3.Connection, *accepted: Acceptance) -> Health:
    return morning_check.judge(connection, estate_of(connection), accepted, UTC_CLOCK, AT - DAY)


def state_of(result: Health, name: str) -> State:
    (one,) = [s for s in result.standings if s.asset.name == name]
    return one.state


def test_every_asset_is_counted_once_and_groups_add_up(connection: sqlite3.Connection, truth: Truth) -> None:
    result = judge(connection)
    people = [vm["id"] for vm in truth.vms() if vm["state"] != "DELETED"]
    others = [i["id"] for c in ("mssql-databases", "volume-protection-groups") for i in truth.all(c)]
    assert sorted(s.asset.id for s in result.standings) == sorted([*people, *others])
    assert sum(result.states.values()) == len(result.standings)
    grouped = [s.asset.id for group in result.groups for s in group.standings]
    assert len(grouped) == len(set(grouped)) == sum(result.states[state] for state in asset_health.WRONG)
    assert sum(result.nobodys.values()) == len(truth.all("virtual-machines")) - len(truth.vms())


def test_no_usable_copy_is_what_the_twin_has_no_usable_copy_of(connection: sqlite3.Connection, truth: Truth) -> None:
    result = judge(connection)
    bare = {
        vm["displayName"] for vm in truth.vms()
        if vm["state"] != "DELETED" and not truth.usable(truth.vm_copies(vm)) and vm["protectionStatus"] != "PENDING"
    }  # fmt: skip
    assert {s.asset.name for s in result.standings if s.state is State.NO_COPY and s.asset.kind == "vm"} == bare


@pytest.mark.parametrize(
    ("name", "state", "cause"),
    [
        ("new-app-01", State.PENDING, ""),
        ("hr-fs-02", State.IDLE, "job suspended"),
        ("old-wiki-01", State.ENDING, "in no job"),
        ("erp-prod-14", State.IDLE, "a tier is suspended"),
        ("sap-prod-02", State.OFF_SITE_LATE, "independent disks"),
        ("file-prod-14", State.OFF_SITE_LATE, "did not run"),
        ("bi-prod-14", State.LATE, "in progress"),
        ("cache-prod-14", State.LATE, "did not answer"),
    ],
)
def test_rare_cases_stand_where_an_administrator_would_put_them(
    connection: sqlite3.Connection, name: str, state: State, cause: str
) -> None:
    (one,) = [s for s in judge(connection).standings if s.asset.name == name]
    assert (one.state, cause in one.cause) == (state, True), one.cause


def test_t25_groups_are_ranked_by_consequence_and_not_by_count(connection: sqlite3.Connection) -> None:
    """T25: forty failed machines do not hide one that can no longer come back."""
    ranks = [asset_health.WRONG.index(group.state) for group in judge(connection).groups]
    assert ranks == sorted(ranks)


def test_all_unhealthy_systems_are_named(connection: sqlite3.Connection, truth: Truth) -> None:
    result = judge(connection)
    text = " ".join(f"{s.name} {s.what}" for s in result.systems)
    wrong = {i.get("displayName") or i["name"] for c in SYSTEMS for i in truth.all(c) if unhealthy(i)}
    assert wrong
    assert [name for name in wrong if name not in text] == []


def test_jobs_tasks_approvals_and_issues_are_counted_as_the_twin_has_them(
    connection: sqlite3.Connection, truth: Truth
) -> None:
    result, jobs = judge(connection), truth.jobs()
    assert result.jobs == len(jobs)
    assert result.suspended == sum(j["operational"] != "ACTIVE" for j in jobs)
    assert set(result.failing) >= {cause for j in jobs for cause in failing(j) if cause}
    assert len(result.approvals) == sum(a["state"].upper() == "PENDING" for a in truth.all("dual-auth-operations"))
    assert result.issues["CRITICAL"] == sum(i["severity"] == "CRITICAL" for i in truth.all("issues"))


def test_a_point_in_the_future_is_a_wrong_clock_and_not_fresh(connection: sqlite3.Connection) -> None:
    """T9"""
    result = judge(connection)
    assert any(s.kind == "clock" and s.name == "jump-prod-14" for s in result.systems)
    (one,) = [s for s in result.standings if s.asset.name == "jump-prod-14"]
    assert (one.state, one.cause, one.late_by) == (State.LATE, promises.AHEAD, 0)
    assert all(s.late_by < 400 * DAY for s in result.standings)


def test_a_job_that_is_ok_is_no_copy_that_can_be_used(connection: sqlite3.Connection) -> None:
    """T6: the last success is not the last that can be restored."""
    before = judge(connection)
    only = next(
        s.asset for s in before.standings
        if s.state is State.FINE and {one.store for one in s.asset.all_sets if one.good} == {"Local_so-dc1-5260"}
    )  # fmt: skip
    connection.execute("UPDATE main.stores SET state = 'OFFLINE' WHERE name = 'Local_so-dc1-5260'")
    (one,) = [s for s in judge(connection).standings if s.asset.id == only.id]
    assert (one.state, one.cause) == (State.NO_COPY, "store Local_so-dc1-5260 out of reach: OFFLINE")
    connection.execute("UPDATE main.stores SET state = 'ONLINE'")
    connection.execute("UPDATE main.copies SET ok = 0, state = 'ERROR' WHERE asset = ?", (only.no,))
    writer.summarize(connection, only.no, 1)
    assert state_of(judge(connection), only.name) is State.NO_COPY


def test_the_backup_systems_own_machines_are_in_no_count_of_assets(connection: sqlite3.Connection) -> None:
    """T30"""
    actual, estate = judge(connection), estate_of(connection)
    own = {a.id for a in estate.assets.values() if a.nobodys in ("gateway", "orchestrator")}
    assert len(own) == actual.nobodys["gateway"] + actual.nobodys["orchestrator"] > 0
    assert not own & {s.asset.id for s in actual.standings}
    assert not own & {a.id for a in loss.population(estate)}


def test_t27_no_change_is_decided_from_the_catalog() -> None:
    """T27: what asks for consent, previews and writes reads the service, and cannot import the catalog."""
    package = Path(check_health.__file__).parents[1]
    modules = [p for room in ("consent", "previews", "writes") for p in (package / room).rglob("*.py")]
    assert len(modules) > 30
    wrong = [p.name for p in modules if re.search(r"greenlake_backup_mcp\.(catalog|fleet)\b", p.read_text("utf-8"))]
    assert wrong == []


def test_the_backup_of_the_backup_is_looked_at(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE orchestrators SET catalog_saved = ?, clock_method = 'VM_HOST'", (AT - 3 * DAY,))
    result = judge(connection)
    own = " ".join(s.what for s in result.systems if s.own)
    for what in ("its catalogue was last protected 3 d ago", "NTP DEGRADED", "VM_HOST", "remote support", "differ"):
        assert what in own
    assert any("catalogue" in line for line in result.today)


def test_what_was_not_read_is_its_own_class_and_never_all_well(connection: sqlite3.Connection) -> None:
    """T1"""
    before = judge(connection)
    fine = next(s.asset for s in before.standings if s.state is State.FINE and not s.asset.owners)
    connection.execute("UPDATE readings SET read = NULL, failed = 1, status = 403 WHERE asset = ?", (fine.no,))
    connection.execute("DELETE FROM copies WHERE asset = ?", (fine.no,))
    connection.execute("DELETE FROM copy_sets WHERE asset = ?", (fine.no,))
    result = judge(connection)
    assert state_of(result, fine.name) is State.UNREAD
    assert result.states[State.NO_COPY] == before.states[State.NO_COPY]
    connection.execute("UPDATE readings SET read = NULL, failed = 1, status = 403")
    assert judge(connection).level is Level.UNKNOWN


def test_accepted_exceptions_are_counted_also_when_they_have_expired(connection: sqlite3.Connection) -> None:
    bare = [s.asset for s in judge(connection).standings if s.state is State.NO_COPY][:2]
    holds, ended = (
        Acceptance(a.id, "J. Doe", "rebuilt from code", AT + d * DAY) for a, d in zip(bare, (9, -9), strict=True)
    )
    result = judge(connection, holds, ended)
    assert result.states[State.ACCEPTED] == 1
    assert [s.asset.id for s in result.standings if s.expired_exception] == [bare[1].id]
    assert state_of(result, bare[1].name) is State.NO_COPY


def test_a_quiet_tenant_is_all_well(connection: sqlite3.Connection) -> None:
    first = judge(connection)
    ahead = {s.asset.id for s in first.standings if s.asset.name == "jump-prod-14"}
    well = {s.asset.id for s in first.standings if s.state is State.FINE} - ahead
    marks = ", ".join("?" * len(well))
    kinds = "kind IN ('vm', 'mssql_database', 'volume_group')"
    others = f"SELECT id FROM main.assets WHERE {kinds} AND id NOT IN ({marks})"
    connection.execute(f"DELETE FROM main.jobs WHERE asset_id IN ({others})", tuple(well))
    connection.execute(f"DELETE FROM main.assets WHERE id IN ({others})", tuple(well))
    connection.execute("UPDATE main.assets SET status = 'OK'")
    for table in ("stores", "gateways", "storeonces", "orchestrators", "vcenters", "hosts", "application_hosts"):
        well_told = "status = 'OK', state = 'OK'"
        if table in ("gateways", "storeonces"):
            well_told = "health = 'OK', connection = 'CONNECTED'"
        connection.execute(f"UPDATE main.{table} SET {well_told}")
    connection.execute("UPDATE main.stores SET connection = 'CONNECTED', used = 1")
    connection.execute("UPDATE main.orchestrators SET ntp_state = 'OK', remote_access = 0, version = '1'")
    for table in ("tasks", "approvals", "issues"):
        connection.execute(f"DELETE FROM main.{table}")
    connection.execute("UPDATE main.schedules SET last_status = 'OK', last_error = NULL")
    result = judge(connection)
    assert (result.today, result.systems, result.groups, result.comparison.contradictions) == ((), (), (), ())
    assert result.level is Level.GOOD


def test_sections_of_the_report_cut_nothing(connection: sqlite3.Connection) -> None:
    result = judge(connection)
    sections = {s.title: s for s in check_health.sections(result, estate_of(connection), UTC_CLOCK)}
    assert len(sections["Assets not as promised"].rows) == sum(result.states[state] for state in asset_health.WRONG)
    rows: Any = sections["What is wrong, by cause"].rows
    assert sum(row["assets"] for row in rows) == len(sections["Assets not as promised"].rows)


def test_what_comes_back_and_what_is_late_is_counted_as_check_protection_does(connection: sqlite3.Connection) -> None:
    result, estate = judge(connection), estate_of(connection)
    for name, states, causes in (
        ("usable", {State.NO_COPY, State.PENDING}, None),
        ("cover", {State.NO_COPY}, ("no copy", "none usable")),
    ):
        control = controls.CONTROLS[name]
        context = Context(connection, estate, UTC_CLOCK, {})
        tally = verdicts.tally(control, control.judge(context)[0], context, [s.asset for s in result.standings], ())
        not_met = {f.asset.id for f in tally.in_states(verdicts.State.NOT_MET)
                   if causes is None or any(cause in f.verdict.cause for cause in causes)}  # fmt: skip
        assert not_met == {s.asset.id for s in result.standings if s.state in states}, name
