"""check_protection and describe_asset: counts that add up, unread is never unprotected, and the traps of the field."""

from __future__ import annotations

import csv
import io
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import parser
from greenlake_backup_mcp.errors import InputError, SettingsError
from greenlake_backup_mcp.fleet import check_protection, clock, evidence, exceptions, selection
from greenlake_backup_mcp.fleet.controls import CONTROLS
from greenlake_backup_mcp.fleet.estate import Asset, Estate
from greenlake_backup_mcp.fleet.exceptions import Acceptance
from greenlake_backup_mcp.fleet.verdicts import Finding, State
from tests.conftest import NOW
from tests.support.estates import AT, estate_of, few_machines, question_of
from tests.support.results import text_of

Connected = Callable[..., AbstractAsyncContextManager[Client]]
DAY = 86_400
SETTINGS = settings.load(demo=True, wait=60, timezone="Europe/Berlin")
BERLIN = clock.clock(NOW, "Europe/Berlin")


def check(
    connection: sqlite3.Connection, control: str, *accepted: Acceptance, **values: Any
) -> tuple[check_protection.Checked, Estate]:
    """What a control finds in a catalog."""
    asked = question_of(*accepted, control=control, **values)
    estate = estate_of(connection)
    return check_protection.check(connection, estate, asked, CONTROLS[control]), estate


def verdicts(connection: sqlite3.Connection, control: str, *accepted: Acceptance, **values: Any) -> dict[str, Finding]:
    """The finding on each asset, by its name (of several the last)."""
    checked, _ = check(connection, control, *accepted, **values)
    return {one.asset.name: one for one in checked.tally.findings}


def number(connection: sqlite3.Connection, name: str) -> int:
    actual: int = connection.execute("SELECT no FROM main.assets WHERE name = ?", (name,)).fetchone()[0]
    return actual


# --- counts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("control", CONTROLS)
def test_the_counts_of_each_control_add_up_to_all_assets(catalog: sqlite3.Connection, control: str) -> None:
    checked, estate = check(catalog, control)
    counts = checked.tally.counts
    assert counts["assets"] == len(estate.workloads) > 100
    assert sum(n for name, n in counts.items() if name not in ("assets", "acceptedExpired")) == counts["assets"]
    assert len({one.asset.id for one in checked.tally.findings}) == counts["assets"]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_table_of_assets_has_every_fact_of_each_of_them(catalog: sqlite3.Connection, control: str) -> None:
    """Facts differ by cause: those of the first row are not those of all."""
    checked, estate = check(catalog, control)
    asked = question_of(limit=500)
    answer = check_protection._reply(checked, asked, estate).render(asked, estate)
    listed = checked.tally.in_states(State.NOT_MET, State.PENDING)
    facts = {name for one in listed for name, value in one.verdict.facts.items() if value not in (None, "")}
    header = next((line for line in answer.lines if line.startswith("asset|")), "").split("|")
    same = next((line for line in answer.lines if line.startswith("Same in all rows below: ")), "")
    assert not {name for name in facts if name not in header and f" {name} " not in same}


@pytest.mark.parametrize("seed", range(4))
def test_t01_with_lists_that_failed_nothing_is_misfiled_as_unprotected(catalog: sqlite3.Connection, seed: int) -> None:
    """T1: some lists of recovery points, or a list of the tenant, were never read."""
    before = {name: one.verdict.state for name, one in verdicts(catalog, "cover").items()}
    dice = random.Random(seed)
    lists = catalog.execute("SELECT collection, asset FROM main.readings WHERE asset > 0").fetchall()
    for collection, asset in dice.sample(lists, max(3, len(lists) // 50)):
        catalog.execute(
            "UPDATE main.readings SET read = NULL, failed = 1, status = 403 WHERE collection = ? AND asset = ?",
            (collection, asset),
        )
        column = ("snapshots", "backups").index(collection)
        catalog.execute("DELETE FROM main.copy_sets WHERE asset = ? AND list = ?", (asset, column))
        catalog.execute("DELETE FROM main.copies WHERE asset = ? AND list = ?", (asset, column))
    if seed % 2:
        catalog.execute("UPDATE main.readings SET read = NULL, failed = 1, status = 429 WHERE collection = 'jobs'")
        catalog.execute("DELETE FROM main.jobs")
    for control in CONTROLS:
        checked, estate = check(catalog, control)
        counts = checked.tally.counts
        assert sum(n for name, n in counts.items() if name not in ("assets", "acceptedExpired")) == len(
            estate.workloads
        )
    after, _ = check(catalog, "cover")
    for one in after.tally.findings:
        if one.verdict.state is State.NOT_MET:
            assert before[one.asset.name] is not State.MET, one.asset.name
            assert one.asset.unread is None
    assert after.tally.count(State.UNREAD) > 0
    if seed % 2:
        assert not after.tally.count(State.NOT_MET)


def test_an_exception_is_accepted_until_its_day_and_always_counted(catalog: sqlite3.Connection) -> None:
    until, past = AT + DAY, AT - DAY
    catalog.execute("UPDATE main.assets SET name = 'lab-build-07' WHERE no = (SELECT max(no) FROM main.assets WHERE "
                    "kind = 'mssql_database' AND protection_status = 'UNPROTECTED')")  # fmt: skip
    accepted = (
        Acceptance("lab-build-*", "J. Doe", "rebuilt from code", until),
        Acceptance("old-wiki-01", "J. Doe", "goes away", past),
        Acceptance("sap-prod-01", "J. Doe", "is protected anyway", until),
    )
    checked, _ = check(catalog, "cover", *accepted)
    actual = {one.asset.name: one for one in checked.tally.findings}
    assert actual["lab-build-07"].verdict.state is State.ACCEPTED
    assert actual["old-wiki-01"].verdict.state is State.NOT_MET
    assert actual["sap-prod-01"].verdict.state is State.MET
    assert (checked.tally.counts["accepted"], checked.tally.counts["acceptedExpired"]) == (1, 1)


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ('[{"asset": "x", "who": "y", "why": "z"}]', "Exception 1 .* until is missing"),
        ('[{"asset": "*", "who": "y", "why": "z", "until": "2026-12-31"}]', "would accept everything"),
        ('[{"asset": "x", "who": "y", "why": "z", "until": "soon"}]', "until is no day"),
        (
            '[{"asset": "x", "who": "y", "why": "z", "until": "2026-12-31", "control": "cover"}]',
            "no part of an exception",
        ),
        ('[{"asset": "x", "who": "y", "why": "z", "until": "2026-12-31", "kind": "vms"}]', "kind is one of vm"),
        ('[{"asset": "x", "who": "y", "why": "z", "until": "2026-12-31", "controls": ["covr"]}]', "no control .covr"),
        ("{", "it is no JSON"),
        ('"x"', "holds no list"),
    ],
)
def test_a_file_of_exceptions_that_is_wrong_is_refused_with_what_is(tmp_path: Path, entry: str, wrong: str) -> None:
    path = tmp_path / "exceptions.json"
    path.write_text(entry, encoding="utf-8")
    with pytest.raises(SettingsError, match=wrong):
        exceptions.load(path, BERLIN)
    with pytest.raises(SettingsError, match="cannot be read"):
        exceptions.load(tmp_path / "none.json", BERLIN)
    assert exceptions.load(None, BERLIN) == ()


def test_a_name_with_brackets_means_itself(catalog: sqlite3.Connection) -> None:
    catalog.execute("UPDATE main.assets SET name = 'Wiki [old]' WHERE name = 'old-wiki-01'")
    accepted = Acceptance("wiki [old]", "J. Doe", "goes away", AT + DAY)
    assert verdicts(catalog, "cover", accepted, name="wiki [OLD]")["Wiki [old]"].verdict.state is State.ACCEPTED
    assert len(verdicts(catalog, "cover", name="*[old]")) == 1


def test_controls_of_exceptions_are_those_that_judge() -> None:
    assert tuple(CONTROLS) == exceptions.CONTROL_NAMES


# --- traps ---------------------------------------------------------------------------------------------------------


def test_t02_protected_is_the_service_s_word_and_copies_decide(catalog: sqlite3.Connection) -> None:
    """T2: file-prod-14 is ACTIVE and PROTECTED, and nothing of it has run for days."""
    actual = verdicts(catalog, "fresh")["file-prod-14"]
    assert actual.asset.protection_status == "PROTECTED"
    assert (actual.verdict.state, actual.verdict.cause) == (State.NOT_MET, "did not run")
    assert verdicts(catalog, "cover")["old-wiki-01"].verdict.cause == "in no plan any more, copies left"  # LAPSED


def test_t03_snapshots_on_the_array_are_no_backups(catalog: sqlite3.Connection) -> None:
    """T3, T20: an asset whose backups are all gone is not protected by its snapshots."""
    catalog.execute("DELETE FROM main.copy_sets WHERE list = 1 AND asset = ?", (number(catalog, "sap-prod-01"),))
    assert verdicts(catalog, "cover")["sap-prod-01"].verdict.cause == "only snapshots on the array"
    assert verdicts(catalog, "off_site")["sap-prod-01"].verdict.cause == "on the array only"
    digits = verdicts(catalog, "3-2-1-1-0")["sap-prod-01"].verdict.facts
    assert (digits["media2"], digits["offSite1"]) == ("no", "no")


def test_a_store_on_the_asset_s_own_array_is_no_other_failure_domain(catalog: sqlite3.Connection) -> None:
    """Row 24: the gateway's data lie on the array that it protects."""
    asset = number(catalog, "sap-prod-01")
    catalog.execute("DELETE FROM main.copy_sets WHERE kind = 3 AND asset = ?", (asset,))
    arrays = catalog.execute("SELECT arrays FROM main.assets WHERE no = ?", (asset,)).fetchone()[0]
    catalog.execute("UPDATE main.assets SET arrays = 'array-elsewhere' WHERE kind = 'datastore'")
    catalog.execute("UPDATE main.assets SET arrays = 'array-elsewhere' WHERE class = 'PROTECTION_STORE_GATEWAY'")
    assert verdicts(catalog, "off_site")["sap-prod-01"].verdict.cause == "on premises only"
    catalog.execute("UPDATE main.assets SET arrays = ? WHERE kind = 'datastore'", (arrays,))
    assert "lies on its own array" in verdicts(catalog, "off_site")["sap-prod-01"].verdict.cause


def test_t05_size_zero_or_missing_is_not_told_and_not_empty(catalog: sqlite3.Connection) -> None:
    """T5."""
    catalog.execute("UPDATE main.assets SET size = NULL WHERE name = 'sap-prod-01'")
    assert verdicts(catalog, "cover")["sap-prod-01"].verdict.state is State.MET
    assert "sap-prod-01" not in verdicts(catalog, "cover", minGib=1)


def test_t06_a_copy_in_a_store_that_cannot_be_reached_is_good_and_not_usable(catalog: sqlite3.Connection) -> None:
    """T6: which of the two is said."""
    checked, _ = check(catalog, "usable")
    out_of_reach = [f for f in checked.tally.findings if f.verdict.cause.startswith("good copies, out of reach")]
    assert out_of_reach
    assert all(sum(s.good for s in f.asset.all_sets) and not f.asset.usable for f in out_of_reach)
    assert any(
        f.verdict.cause.startswith("copies made, out of reach") for f in check(catalog, "fresh")[0].tally.findings
    )


def test_t10_who_has_no_copy_yet_because_none_was_due_is_pending(catalog: sqlite3.Connection) -> None:
    """T10: the job of new-app-01 takes effect tomorrow."""
    assert verdicts(catalog, "cover")["new-app-01"].verdict.state is State.PENDING
    assert verdicts(catalog, "fresh", hours=24)["new-app-01"].verdict.state is State.PENDING


def test_t11_a_policy_that_was_changed_says_nothing_of_yesterday_s_copies(catalog: sqlite3.Connection) -> None:
    """T11: the lock that a schedule promises is not looked at, that of the copies is."""
    catalog.execute("UPDATE main.schedules SET lock_days = 3650")
    assert verdicts(catalog, "immutable", until="now+365d")["sap-prod-01"].verdict.cause == "locked, but not until then"


def test_t12_a_lock_on_a_copy_in_error_counts_nowhere(catalog: sqlite3.Connection) -> None:
    """T12."""
    catalog.execute(
        "UPDATE main.copy_sets SET good = 0, newest_good = NULL, newest_good_expires = NULL, last_lock_good = NULL "
        "WHERE asset = ?", (number(catalog, "sap-prod-01"),),
    )  # fmt: skip
    assert verdicts(catalog, "immutable")["sap-prod-01"].verdict.cause == "no usable copy"


def test_t13_kinds_that_cannot_be_verified_leave_the_denominator_and_that_is_said(catalog: sqlite3.Connection) -> None:
    """T13."""
    checked, _ = check(catalog, "verified", days=14)
    kinds = {f.asset.kind for f in checked.tally.findings if f.verdict.state in (State.MET, State.NOT_MET)}
    assert kinds == {"vm"}
    assert ("the service verifies no copies of its kind", 57) in checked.tally.causes(State.NOT_JUDGED)
    assert verdicts(catalog, "verified")["proxy-prod-14"].verdict.cause == "a verification failed"
    assert check(catalog, "verified", kind="mssql_database")[0].lines == [
        "Copies: none of these assets has a backup that the service can verify."
    ]


def test_a_verified_copy_that_cannot_be_used_does_not_count_as_verified(catalog: sqlite3.Connection) -> None:
    assert verdicts(catalog, "verified")["sap-prod-01"].verdict.state is State.MET
    catalog.execute("UPDATE main.stores SET state = 'OFFLINE'")
    lost = verdicts(catalog, "verified")["sap-prod-01"].verdict
    assert (lost.state, lost.cause) == (State.NOT_MET, "verified in time, but cannot be used (see usable)")
    assert verdicts(catalog, "3-2-1-1-0")["sap-prod-01"].verdict.facts["errors0"] == "no"
    catalog.execute("DELETE FROM main.readings WHERE collection = 'gateways'")
    assert verdicts(catalog, "verified")["sap-prod-01"].verdict.state is State.UNREAD


def test_a_member_that_its_group_s_runs_leave_out_is_late(catalog: sqlite3.Connection) -> None:
    """T18, T20: the copies of the group are not those of each member."""
    checked, _ = check(catalog, "fresh")
    left = [f.asset for f in checked.tally.findings if f.verdict.cause == "its runs leave it out"]
    assert left
    assert all(a.covers[0].way == "vm_group" for a in left)


def test_t30_machines_that_are_nobody_s_are_told_apart_by_classification(catalog: sqlite3.Connection) -> None:
    """T30: gateways and orchestrators among them, whatever they are called."""
    catalog.execute("UPDATE main.assets SET name = 'plain-name' WHERE class = 'DATA_ORCHESTRATOR'")
    causes = dict(check(catalog, "cover")[0].tally.causes(State.NOT_JUDGED))
    assert causes["nobody's machine: vCLS"] == 8
    assert causes["nobody's machine: orchestrator"] == causes["nobody's machine: gateway"] == 2
    assert causes["deleted in its vCenter"] == 1  # T24: it is told, not hidden


def test_t09_a_point_in_the_future_is_a_finding_and_not_fresh(catalog: sqlite3.Connection) -> None:
    """T9: the orchestrator of jump-prod-14 has a clock that is three hours ahead."""
    assert "a clock is wrong" in verdicts(catalog, "fresh")["jump-prod-14"].verdict.cause
    assert "a clock is wrong" in verdicts(catalog, "fresh", hours=24)["jump-prod-14"].verdict.cause
    (number_of,) = catalog.execute("SELECT no FROM main.assets WHERE name = 'sap-prod-01'").fetchone()
    catalog.execute("UPDATE main.copy_sets SET newest_good = ? WHERE asset = ? AND kind = 3", (AT + DAY, number_of))
    assert "a clock is wrong" in verdicts(catalog, "off_site", hours=24)["sap-prod-01"].verdict.cause


def test_t29_a_restore_is_a_test_only_where_all_its_parts_succeeded(catalog: sqlite3.Connection) -> None:
    """T29."""
    (ident,) = catalog.execute("SELECT id FROM main.assets WHERE name = 'sap-prod-01'").fetchone()
    catalog.execute(
        "INSERT INTO main.tasks (id, name, state, created, ended, source_uri) VALUES ('r', 'Restore virtual machine', "
        "'SUCCEEDED', ?, ?, ?)", (AT - DAY, AT - DAY + 60, f"/virtualization/v1beta1/virtual-machines/{ident}"),
    )  # fmt: skip
    assert verdicts(catalog, "tested")["sap-prod-01"].verdict.state is State.MET
    catalog.execute("INSERT INTO main.tasks (id, name, state, created, parent_id) VALUES ('c', 'x', 'FAILED', ?, 'r')",
                    (AT - DAY,))  # fmt: skip
    assert verdicts(catalog, "tested")["sap-prod-01"].verdict.cause == "a restore failed or was not whole"


@pytest.mark.parametrize("control", ["encryption", "restore_time", "deletion_rights"])
def test_what_the_service_does_not_tell_is_said_and_never_inferred(catalog: sqlite3.Connection, control: str) -> None:
    checked, _ = check(catalog, control)
    assert {f.verdict.state for f in checked.tally.findings} == {State.NOT_JUDGED}
    assert "not tell" in checked.lines[0] or "no field" in checked.lines[0] or "no throughput" in checked.lines[0]


def test_a_memory_without_a_second_reading_calls_nothing_unchanged(catalog: sqlite3.Connection) -> None:
    assert check(catalog, "vanished")[0].tally.count(State.MET) == 0
    catalog.execute("UPDATE main.store_usage SET at = at - 864000")
    (ident,) = catalog.execute("SELECT id FROM main.assets WHERE name = 'sap-prod-01'").fetchone()
    catalog.execute(
        "INSERT INTO main.changes (kind, seen, asset_id, cause) VALUES ('copy vanished', ?, ?, 'unexplained')",
        (AT, ident),
    )
    actual = verdicts(catalog, "vanished")
    assert actual["sap-prod-01"].verdict.cause == "copy vanished"
    assert actual["sap-prod-02"].verdict.state is State.MET


# --- chosen, exported, asked ---------------------------------------------------------------------------------------


def test_assets_are_chosen_by_name_policy_group_place_tag_and_what_is_nobody_s_is_said(
    catalog: sqlite3.Connection,
) -> None:
    estate = estate_of(catalog)

    def chosen(**values: Any) -> tuple[Asset, ...]:
        return selection.select(estate, values)

    assert {a.name for a in chosen(name="sap-prod-*")} == {"sap-prod-01", "sap-prod-02"}
    catalog.execute("UPDATE main.assets SET name = 'SAP-prod-02' WHERE name = 'file-prod-14'")
    assert len(selection.select(estate_of(catalog), {"name": "sap-prod-02"})) == 2  # T23: all that bear it
    assert all("Gold-Protection-Policy" in {c.job.policy for c in a.covers} for a in chosen(policy="gold-*"))
    assert len(chosen(group="vmpg-erp-01")) == 9
    assert {a.vcenter for a in chosen(location="vcenter-dc2*", kind="vm")} == {"vcenter-dc2.example.com"}
    assert {a.kind for a in chosen(kind="datastore")} == {"datastore"}
    with pytest.raises(InputError, match=r"policy: no asset has .Gould.*Did you mean"):
        chosen(policy="Gould-Protection-Policy")


def test_evidence_of_an_unchanged_estate_is_the_same_but_for_times(catalog: sqlite3.Connection) -> None:
    def exported() -> dict[str, Any]:
        checked, estate = check(catalog, "off_site")
        return evidence._document(checked, estate, question_of(control="off_site"))

    first, second = exported(), exported()
    assert first["digest"] == second["digest"]
    assert evidence.compare(first, second) == []
    assert len(first["assets"]) == first["counts"]["assets"]
    catalog.execute("UPDATE main.assets SET name = '=HYPERLINK(\"x\")' WHERE name = 'file-prod-14'")
    catalog.execute("DELETE FROM main.copy_sets WHERE kind = 3 AND asset = ?", (number(catalog, "sap-prod-01"),))
    third = exported()
    assert third["digest"] != first["digest"]
    named = evidence.compare(first, third)
    assert len(named) == 2
    assert any("sap-prod-01" in line and "met → not met" in line for line in named)
    table = list(csv.reader(io.StringIO(evidence.to_csv(third))))
    assert ["control", "off_site"] in table
    cells = [cell for row in table for cell in row]
    assert '\'=HYPERLINK("x")' in cells  # T26
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_two_exports_compare_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "1", "asset": "sap-prod-01", "kind": "vm", "verdict": "met", "cause": "off site"}
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps({"digest": "x", "assets": [row]}), encoding="utf-8")
    second.write_text(json.dumps({"digest": "y", "assets": [{**row, "verdict": "not met"}]}), encoding="utf-8")
    assert parser.main(["evidence", str(first), str(first)]) == 0
    assert parser.main(["evidence", str(first), str(second)]) == 1
    assert "verdict met → not met" in capsys.readouterr().out
    second.write_text("[]", encoding="utf-8")
    assert parser.main(["evidence", str(first), str(second)]) == 1
    assert "is no evidence of check_protection" in capsys.readouterr().err


@pytest.fixture
def tenant() -> Any:
    return few_machines(("sap-prod-01", "db-prod-01", "old-wiki-01", "new-app-01", "lab-build-07", "file-prod-14"))


async def test_a_person_s_answers_are_short_counted_and_in_their_time(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        for control in (None, *CONTROLS):
            arguments = {"control": control} if control else {}
            answer = text_of(await client.call_tool("check_protection", arguments))
            assert len(answer.encode()) / 2.8 <= 1200, control
            assert "recovery points read of" in answer
            assert "Europe/Berlin" in answer
            if control:
                assert " = " in answer.splitlines()[2]
                assert "%" not in answer
        twice = text_of(await client.call_tool("describe_asset", {"asset": "DB-prod-01"}))
        assert twice.startswith("2 assets bear this name.")
        assert "Cover: Gold-Protection-Policy" in twice
        assert "Cover: Branch-DC2" in twice
        one = text_of(await client.call_tool("describe_asset", {"asset": "old-wiki-01", "timeZone": "UTC"}))
        assert "in no plan" in one
        assert "last usable goes 2026-11-29 19:30Z" in one
        assert "Europe" not in one


async def test_what_is_no_question_is_refused_with_what_is_meant(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        for tool, arguments, text in (
            ("describe_asset", {"asset": "sap-prod-1"}, "Did you mean"),
            ("check_protection", {"control": "covers"}, "cover"),
            ("check_protection", {"control": "cover", "timeZone": "Mars/Base"}, "no time zone"),
            ("check_protection", {"control": "immutable", "until": "soon"}, "no moment"),
            ("check_protection", {"control": "cover", "tag": "nobody"}, "tag: no asset has"),
            ("check_protection", {"control": "verified", "place": "off_site"}, "verified does not judge by place"),
            ("check_protection", {"control": "cover", "hours": 24}, "hours is for fresh, off_site"),
            ("check_protection", {"control": "immutable", "until": "0001-01-01"}, "no moment"),
            ("show_changes", {"since": "0001-01-01"}, "no moment"),
            ("show_changes", {"since": "now+5d"}, "lies ahead"),
            ("check_health", {"since": "tomorrow"}, "lies ahead"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error, arguments
            assert text in text_of(result)


def test_a_last_copy_that_only_failing_runs_would_renew_is_as_grave_as_one_that_none_does(
    catalog: sqlite3.Connection,
) -> None:
    job = catalog.execute("SELECT id FROM main.jobs WHERE asset_name = 'sap-prod-01'").fetchone()[0]
    catalog.execute("UPDATE main.schedules SET last_status = 'OK' WHERE job_id = ?", (job,))
    before = verdicts(catalog, "expiring", days=1000)["sap-prod-01"].verdict
    assert before.cause == "a run is due before it goes"
    catalog.execute("UPDATE main.schedules SET last_status = 'ERROR' WHERE job_id = ?", (job,))
    after = verdicts(catalog, "expiring", days=1000)["sap-prod-01"].verdict
    assert after.cause == "a run is due before it goes, and the last ones failed"
    assert after.rank > before.rank + 1e9
    place = verdicts(catalog, "expiring", days=1000, place="off_site")["sap-prod-01"].verdict
    (run,) = catalog.execute(
        "SELECT min(next_run) FROM main.schedules WHERE job_id = ? AND tier = 'CLOUD_BACKUP'", (job,)
    ).fetchone()
    assert place.facts["nextRun"] == clock.clock(NOW, "UTC").stamp(run)


async def test_numbers_of_any_size_are_judged(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        for tool, arguments in (
            ("check_protection", {"control": "verified", "days": 1e18}),
            ("check_protection", {"control": "fresh", "hours": 1e18}),
            ("find_recovery_points", {"minGib": 1e18}),
            ("find_recovery_points", {"before": "1970-01-02"}),
        ):
            assert not (await client.call_tool(tool, arguments)).is_error, arguments
        refused = await client.call_tool("check_protection", {"control": "verified", "days": 1e30})
        assert "days is a number of 31 digits" in text_of(refused)


async def test_arguments_that_only_some_controls_judge_by_are_said_to_be_theirs(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        answer = text_of(await client.call_tool("check_protection", {"place": "off_site", "hours": 24}))
        assert "place off_site is judged by in fresh, usable, immutable, expiring alone." in answer
        assert "hours 24 is judged by in fresh, off_site alone." in answer


async def test_a_long_answer_is_cut_once_and_says_what_it_rests_on(connected: Connected) -> None:
    """A second cut took the lines that say how many rows there are and what was read, and counted the rows wrongly."""
    small = settings.load(demo=True, wait=60, timezone="UTC", budget=900)
    async with connected(small) as client:
        for tool, arguments in (
            ("check_protection", {"control": "cover"}),
            ("show_dependents", {"name": "unlocked copies"}),
        ):
            answer = text_of(await client.call_tool(tool, {**arguments, "limit": 500}))
            assert "recovery points read of" in answer
            assert "more lines left out" not in answer
        arguments = {"control": "cover", "verdict": "all", "output": "json"}
        value = (await client.call_tool("check_protection", arguments)).structured_content
        assert value is not None
        left_out = value["counts"]["assets"] - len(value["assets"])
        assert value["matching"] == value["counts"]["assets"]
        assert value["leftOut"] == f"{left_out} assets follow: ask again with offset {value['nextOffset']}."


def test_days_and_times_without_an_offset_are_those_of_the_zone() -> None:
    tokyo = clock.clock(NOW, "Asia/Tokyo")
    day = tokyo.seconds("2026-11-23", "since")
    assert tokyo.stamp(day) == "2026-11-23 00:00+09:00"
    assert tokyo.seconds("yesterday", "since") == day
    assert tokyo.seconds("2026-11-23T14:00", "since") == day + 14 * 3600
    assert tokyo.seconds("2026-11-23T14:00Z", "since") == day + 23 * 3600


async def test_json_and_evidence_hold_all_assets(connected: Connected) -> None:
    async with connected(SETTINGS) as client:
        result = await client.call_tool("check_protection", {"control": "cover", "verdict": "all", "output": "json"})
        value = result.structured_content
        assert value is not None
        assert {"control", "rule", "parameters", "counts", "causes", "assets", "coverage", "evidence"} <= value.keys()
        actual = await client.read_resource(value["evidence"])
        document = json.loads(getattr(actual.contents[0], "text", ""))
        assert len(document["assets"]) == value["counts"]["assets"]
        assert document["digest"].startswith("sha256:")
        sheet = await client.read_resource(value["evidence"].replace(".json", ".csv"))
        assert "digest" in getattr(sheet.contents[0], "text", "")
        with pytest.raises(MCPError, match="Evidence is of one control"):
            await client.read_resource("greenlake-backup://evidence/check_protection.csv")
