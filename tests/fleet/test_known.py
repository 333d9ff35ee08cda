"""What is known, and since when: RPO over a period, runs after the reading, days of exceptions, bearers of a name."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.fleet import (
    asset_health,
    check_protection,
    describe_asset,
    exceptions,
    find_recovery_points,
    promises,
    schedule_rows,
    show_dependents,
)
from greenlake_backup_mcp.fleet.clock import clock
from greenlake_backup_mcp.fleet.controls import CONTROLS
from greenlake_backup_mcp.fleet.verdicts import Finding, State
from tests.conftest import NOW
from tests.support.estates import AT, estate_of, question_of

DAY, HOUR = 86_400, 3600


def finding(connection: sqlite3.Connection, name: str, **values: Any) -> Finding:
    checked = check_protection.check(
        connection, estate_of(connection), question_of(**values), CONTROLS[values["control"]]
    )
    (one,) = [f for f in checked.tally.findings if f.asset.name == name]
    return one


def remembering(connection: sqlite3.Connection) -> None:
    """As if the catalog had been there for two months."""
    connection.execute("UPDATE main.store_usage SET at = at - 5184000")


# --- RPO over a period ---------------------------------------------------------------------------------------------


def test_a_deleted_copy_makes_the_rpo_of_a_period_at_least(catalog: sqlite3.Connection) -> None:
    number, ident = catalog.execute("SELECT no, id FROM assets WHERE name = 'sap-prod-01'").fetchone()
    values = {"control": "fresh", "since": "now-10d", "place": "on_premises"}
    whole = finding(catalog, "sap-prod-01", **values)
    assert (whole.verdict.state, whole.verdict.facts["atLeast"]) == (State.MET, None)  # nothing lacks: it is certain
    catalog.execute("DELETE FROM copies WHERE asset = ? AND kind = 2 AND point BETWEEN ? AND ?",
                    (number, AT - 4 * DAY, AT - 3 * DAY))  # fmt: skip
    missed = finding(catalog, "sap-prod-01", **values).verdict
    assert (missed.state, missed.facts["atLeast"]) == (State.NOT_MET, "yes")  # it may have been deleted before we read
    remembering(catalog)
    certain = finding(catalog, "sap-prod-01", **values).verdict
    assert (certain.cause, certain.facts["atLeast"]) == ("due copies are not there", None)
    assert certain.facts["metOfDue"] == "BACKUP 9 of 10"
    assert certain.facts["worstGap"] == "2.0 d"
    catalog.execute("INSERT INTO main.changes (kind, seen, asset_id) VALUES ('copy vanished', ?, ?)", (AT - DAY, ident))
    again = finding(catalog, "sap-prod-01", **values).verdict
    assert again.facts["atLeast"] == "yes"
    assert again.cause == "due copies are not there: missed, or deleted since"


def test_the_rpo_of_a_period_is_not_known_of_what_was_not_read(catalog: sqlite3.Connection) -> None:
    (number,) = catalog.execute("SELECT no FROM assets WHERE name = 'sap-prod-01'").fetchone()
    catalog.execute("UPDATE readings SET read = NULL, failed = 1, status = 403 WHERE asset = ?", (number,))
    assert finding(catalog, "sap-prod-01", control="fresh", since="now-9d").verdict.state is State.UNREAD
    checked = check_protection.check(catalog, estate_of(catalog), question_of(control="fresh"), CONTROLS["fresh"])
    assert "RPO of that time not known: 1 assets, their copies were not read." in checked.lines
    catalog.execute("UPDATE readings SET read = NULL WHERE collection = 'stores'")
    blocked = check_protection.check(catalog, estate_of(catalog), question_of(control="fresh"), CONTROLS["fresh"])
    assert blocked.lines == ["The RPO of a period is not known: stores not read: not yet."]


def test_retention_that_was_made_longer_calls_no_old_copy_missed(catalog: sqlite3.Connection) -> None:
    """T11, T28: copies of before went by the retention that they were made with."""
    remembering(catalog)
    before = finding(catalog, "sap-prod-01", control="fresh", since="now-30d").verdict
    catalog.execute("UPDATE main.schedules SET keep_days = 3650")
    assert finding(catalog, "sap-prod-01", control="fresh", since="now-30d").verdict == before
    assert before.facts["metOfDue"].endswith("30 of 30")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"since": "now-2y"}, "no moment|at most a year"),
        ({"since": "now-500d"}, "at most a year"),
        ({"since": "now+2d"}, "lies ahead"),
        ({"since": "now-2d", "hours": 3}, "name one"),
    ],
)
def test_a_period_that_is_none_is_refused(catalog: sqlite3.Connection, values: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        finding(catalog, "sap-prod-01", control="fresh", **values)


# --- what ran since the reading ------------------------------------------------------------------------------------


def test_what_ran_since_its_copies_were_read_is_not_known_and_never_late(catalog: sqlite3.Connection) -> None:
    """T27, T1: jobs were read just now, copies a day ago."""
    catalog.execute("UPDATE readings SET read = read - 93600 WHERE asset > 0")
    for list_ in (0, 1):
        catalog.execute("DELETE FROM copies WHERE point > ? AND list = ?", (AT - 93600, list_))
        catalog.execute("DELETE FROM copy_sets WHERE newest > ? AND list = ?", (AT - 93600, list_))
    verdict = finding(catalog, "sap-prod-01", control="fresh").verdict
    assert verdict.state is State.UNREAD
    assert "before its last run" in verdict.cause
    standing = {s.asset.name: s.state for s in asset_health.standings(estate_of(catalog), ())}
    assert standing["sap-prod-01"] is asset_health.State.UNREAD
    (described,) = describe_asset.describe(catalog, estate_of(catalog), question_of(asset="sap-prod-01"))
    assert {p["fact"] for p in described["promises"] if p["tier"] == "BACKUP"} == {schedule_rows.UNREAD}
    catalog.execute("UPDATE main.schedules SET last_status = 'ERROR', last_run = prev_run")
    failed = finding(catalog, "sap-prod-01", control="fresh").verdict
    assert failed.state is State.NOT_MET  # a run that failed has left nothing behind


# --- exceptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("UTC", "2026-12-31", "2026-12-31T23:59:59"),
        ("Asia/Tokyo", "2026-12-31", "2026-12-31T14:59:59"),
        ("America/New_York", "2026-12-31", "2027-01-01T04:59:59"),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T22:59:59"),  # a day of 25 hours
        ("Europe/Berlin", "2027-03-28", "2027-03-28T21:59:59"),  # and one of 23
        ("America/New_York", "2026-12-31T10:00", "2026-12-31T15:00:00"),
        ("America/New_York", "2026-12-31T10:00Z", "2026-12-31T10:00:00"),
    ],
)
def test_an_exception_lasts_to_the_end_of_its_day_where_the_person_is(
    tmp_path: Path, zone: str, day: str, ends: str
) -> None:
    path = tmp_path / "exceptions.json"
    path.write_text(json.dumps([{"asset": "lab-*", "who": "J. Doe", "why": "lab", "until": day}]), encoding="utf-8")
    person = clock(NOW, zone)
    (entry,) = exceptions.load(path, person)
    assert datetime.fromtimestamp(entry.until, UTC).isoformat()[:19] == ends
    assert exceptions.value(entry, person)["until"] == person.stamp(entry.until)


# --- several of one name -------------------------------------------------------------------------------------------


def test_hosts_and_vcenters_of_one_name_are_shown_each_for_itself(catalog: sqlite3.Connection) -> None:
    """T23: their machines are never mixed."""
    catalog.execute("UPDATE main.assets SET host = 'esx-01' WHERE host IN ('esx-dc1-10.example.com', "
                    "'esx-dc1-11.example.com')")  # fmt: skip
    ids = {row[0] for row in catalog.execute("SELECT DISTINCT host_id FROM main.assets WHERE host = 'esx-01'")}
    result = show_dependents.find(catalog, estate_of(catalog), "ESX-01", "host")
    assert {one.thing.id for one in result} == ids
    assert len(ids) == 2
    first, second = ({a.id for a in one.relations.assets if a.host_id == one.thing.id} for one in result)
    assert first
    assert second
    assert not first & second
    catalog.execute("UPDATE main.vcenters SET name = 'vcenter'")
    catalog.execute("UPDATE main.assets SET vcenter = 'vcenter'")
    centers = show_dependents.find(catalog, estate_of(catalog), "vcenter", None)
    machines = [{a.id for a in one.relations.assets if a.vcenter_id == one.thing.id} for one in centers]
    assert len(centers) == catalog.execute("SELECT count(*) FROM main.vcenters WHERE gone IS NULL").fetchone()[0] > 1
    assert sum(len(one) for one in machines) == len(set().union(*machines))
    question = question_of(control="cover", location="vcenter")
    checked = check_protection.check(catalog, estate_of(catalog), question, CONTROLS["cover"])
    head = " ".join(check_protection._reply(checked, question, estate_of(catalog)).head)
    assert "places bear this name and all are meant" in head
    one_alone = question_of(control="cover", location=centers[0].thing.id)
    narrowed = check_protection.check(catalog, estate_of(catalog), one_alone, CONTROLS["cover"]).tally.findings
    assert {f.asset.vcenter_id for f in narrowed} == {centers[0].thing.id}


def test_a_database_stands_on_its_own_machine_and_not_on_another_of_its_name(catalog: sqlite3.Connection) -> None:
    estate = estate_of(catalog)
    database = next(a for a in estate.workloads if a.kind == "mssql_database" and a.vm_uri and estate.machines_of(a))
    (machine,) = estate.machines_of(database)
    catalog.execute("UPDATE main.assets SET name = ? WHERE kind = 'vm' AND name = 'sap-prod-01'", (machine.name,))
    again = estate_of(catalog)
    assert [m.id for m in again.machines_of(again.assets[database.id])] == [machine.id]


# --- what has no number ---------------------------------------------------------------------------------------------


def test_a_point_in_the_future_is_called_a_wrong_clock_wherever_it_is_told(catalog: sqlite3.Connection) -> None:
    """T9: not an age, not a run without a copy, not the best copy without a word."""
    estate = estate_of(catalog)
    (described,) = describe_asset.describe(catalog, estate, question_of(asset="jump-prod-14"))
    facts = {row["tier"]: row["fact"] for row in described["promises"]}
    assert facts == {"SNAPSHOT": promises.AHEAD, "BACKUP": "kept", "CLOUD_BACKUP": "kept"}
    comes_back = describe_asset._comes_back(described)
    assert f"newest usable 2026-11-24 09:30Z ({promises.AHEAD})" in comes_back
    request = find_recovery_points.Request({"asset": "jump-prod-14", "limit": 2, "offset": 0}, {}, clock(NOW, "UTC"))
    best, other = find_recovery_points._find(catalog, estate, request).rows
    assert find_recovery_points._reason(best, best, request) == promises.AHEAD
    assert find_recovery_points._reason(other, best, request) == "6 h older"


def test_what_was_read_in_part_is_not_told_as_not_read(catalog: sqlite3.Connection) -> None:
    number = catalog.execute("SELECT no FROM assets WHERE name = 'sap-prod-01'").fetchone()[0]
    catalog.execute(
        "UPDATE readings SET read = NULL, failed = 1, status = 403 WHERE asset = ? AND collection = 'backups'",
        (number,),
    )
    catalog.execute("DELETE FROM copy_sets WHERE asset = ?", (number,))
    catalog.execute("DELETE FROM copies WHERE asset = ?", (number,))
    for part, words in (("not all of its", "Not all recovery points of"), ("its", "Recovery points of")):
        estate = estate_of(catalog)
        (described,) = describe_asset.describe(catalog, estate, question_of(asset="sap-prod-01"))
        read = "were" if part.startswith("not") else "were not"
        lines = describe_asset._lines(described, estate, 9000)
        assert f"Comes back: not known, {part} recovery points {read} read: HTTP 403." in lines
        request = find_recovery_points.Request({"asset": "sap-prod-01"}, {}, clock(NOW, "UTC"))
        about = find_recovery_points._about_assets(find_recovery_points._find(catalog, estate, request))
        assert about[0].startswith(f"{words} sap-prod-01 ")
        catalog.execute("UPDATE readings SET read = NULL, failed = 1, status = 403 WHERE asset = ?", (number,))


def test_a_tier_whose_copies_have_all_expired_is_not_late_since_its_first_due_moment(
    catalog: sqlite3.Connection,
) -> None:
    number = catalog.execute("SELECT no FROM assets WHERE name = 'vpg-files-13'").fetchone()[0]
    catalog.execute("DELETE FROM copy_sets WHERE asset = ? AND kind = 0", (number,))
    (one,) = [s for s in asset_health.standings(estate_of(catalog), ()) if s.asset.name == "vpg-files-13"]
    assert one.state is asset_health.State.LATE
    assert one.late_by == AT - int(datetime(2026, 11, 23, 20, 30, tzinfo=UTC).timestamp())  # that of its backup
    catalog.execute("DELETE FROM copies WHERE asset = ? AND kind = 0", (number,))
    (described,) = describe_asset.describe(catalog, estate_of(catalog), question_of(asset="vpg-files-13"))
    (snapshot,) = [row for row in described["promises"] if row["tier"] == "SNAPSHOT"]
    assert (snapshot["good"], snapshot["newestUsable"]) == ("0", None)


def test_what_was_never_due_has_no_share(catalog: sqlite3.Connection) -> None:
    """T19: never 0 of 0."""
    (described,) = describe_asset.describe(catalog, estate_of(catalog), question_of(asset="new-app-01"))
    assert {(row["fact"], row["metIn30Days"]) for row in described["promises"]} == {("pending", "none due")}


def test_the_cause_of_the_overview_is_of_what_is_wrong_and_not_of_who_is_not_judged(
    catalog: sqlite3.Connection,
) -> None:
    remembering(catalog)
    estate = estate_of(catalog)
    checks = [
        check_protection.check(catalog, estate, question_of(), CONTROLS[name]) for name in ("vanished", "anomaly")
    ]
    rows = check_protection._overview(checks, {}).rows
    assert rows[0]["notMet"] is None
    assert [row["mostOften"] for row in rows] == ["", "the service does not tell"]


# --- all rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "text"])
def test_every_matching_row_can_be_fetched_page_by_page(catalog: sqlite3.Connection, form: str) -> None:
    estate, offset, pages = estate_of(catalog), 0, 0
    ids: list[str] = []
    expected = {a.id for a in estate.workloads}
    while True:
        question = question_of(room=9000, control="cover", verdict="all", offset=offset, limit=500, output=form)
        checked = check_protection.check(catalog, estate, question, CONTROLS["cover"])
        if form == "json":
            value = question.fit(check_protection._value(checked, question, estate), "assets", estate).value
            assert value["matching"] == len(expected)
            ids += [row["id"] for row in value["assets"]]
            following = value.get("nextOffset")
        else:
            lines = check_protection._reply(checked, question, estate).render(question, estate).lines
            text = "\n".join(lines)
            ids += [ident for ident in expected if ident in text]
            end = text.partition("The next: offset ")[2].partition(".")[0]
            following = int(end) if end else None
        pages += 1
        if following is None:
            break
        assert following > offset
        offset = following
    assert pages > 2
    assert sorted(ids) == sorted(expected)
    with pytest.raises(InputError, match="the last row is"):
        question_of(offset=len(expected)).page(sorted(expected))


def test_the_rpo_of_a_period_ends_where_its_copies_were_read(catalog: sqlite3.Connection) -> None:
    values = {"control": "fresh", "since": "now-10d", "place": "on_premises"}
    whole = finding(catalog, "sap-prod-01", **values).verdict.facts["metOfDue"]
    catalog.execute("UPDATE readings SET read = read - 93600 WHERE asset > 0")
    catalog.execute("DELETE FROM copies WHERE point > ?", (AT - 93600,))
    earlier = finding(catalog, "sap-prod-01", **values).verdict
    assert earlier.state is State.MET
    assert (whole, earlier.facts["metOfDue"]) == ("BACKUP 10 of 10", "BACKUP 9 of 9")
