"""What was read of a write, judged: each thing that may be read in its own words, and never more than it proves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.upstream.client import Request
from greenlake_backup_mcp.writes import comparison, contradictions, runs, verification
from greenlake_backup_mcp.writes.also_changed import describe_also_changed
from greenlake_backup_mcp.writes.expectations import Expectation
from greenlake_backup_mcp.writes.made_resources import Made
from greenlake_backup_mcp.writes.new_points import Points
from greenlake_backup_mcp.writes.parts import Parts
from greenlake_backup_mcp.writes.polling import PollResult, WriteContext
from greenlake_backup_mcp.writes.read_back import ReadBack
from greenlake_backup_mcp.writes.remembered import MOST, RememberedWrite, WriteMemory
from greenlake_backup_mcp.writes.task_model import Task, parse_task
from greenlake_backup_mcp.writes.verification import Findings
from tests.support.tiny_tenant import NOW, OWN, VIRTUALIZATION, VM

API = cast("Any", SimpleNamespace(now=lambda: NOW, settings=SimpleNamespace(timeout=1)))
TARGET = Request("GetIt", "GET", f"{VIRTUALIZATION}/virtual-machines/{VM}", reads=True)
NEW = f"{OWN}/protection-policies"
PART = Task("p1", "SUCCEEDED", over=True, ended=NOW)


async def nobody(_done: float, _total: float | None, _words: str) -> None:
    """Progress that nobody hears."""


@dataclass(frozen=True)
class Case:
    """What was asked and read, the outcome that proves, and words that are told of it."""

    outcome: Outcome
    words: str
    findings: Findings = field(default_factory=Findings)
    task: Task = field(default_factory=lambda: Task("t1", "SUCCEEDED"))
    context: Mapping[str, Any] = field(default_factory=dict)


MANY = {f"leaf{n}": "a" for n in range(10)}
JUDGED = {
    "a task of somebody whose resource is gone": Case(
        Outcome.DONE, "The resource it was about is not there any more (404).", Findings(ReadBack(gone=True)),
        context={"tool": ""},
    ),
    "a task of somebody whose resource cannot be read": Case(
        Outcome.DONE, "Outcome unknown: whether it is as asked is not known, for", Findings(ReadBack(problem="no")),
        context={"tool": ""},
    ),
    "an expiry put into the past": Case(
        Outcome.DONE, "its expiry was put into the past, and it was removed", Findings(ReadBack(gone=True)),
        context={"wanted": {"expiresAt": "2020-01-01T00:00:00Z"}},
    ),
    "a resource that is gone": Case(
        Outcome.UNKNOWN, "Yet the resource it acts on is not there any more (404).", Findings(ReadBack(gone=True))
    ),
    "more differences than are told": Case(
        Outcome.DIFFERS, "DIFFERS in 2 more.", Findings(ReadBack(dict.fromkeys(MANY, "b"))), context={"wanted": MANY}
    ),
    "several new ones": Case(
        Outcome.UNKNOWN, "2 new ones are there, and which of them this call made is not known: protection policy ",
        Findings(made=Made(path=f"{NEW}/one", candidates=({"id": "a", "name": "x"}, {"id": "b", "name": "x"}))),
        context={"expectation": Expectation(NEW)},
    ),
    "several new ones of a write that failed": Case(
        Outcome.UNKNOWN, "yet new ones are there, of which one may be its own: protection policy \"x\" (id a)",
        Findings(made=Made(path=f"{NEW}/one", candidates=({"id": "a", "name": "x"}, {"id": "b", "name": "x"}))),
        Task("t1", "FAILED"), {"expectation": Expectation(NEW)},
    ),
    "what cannot be looked for": Case(
        Outcome.UNKNOWN, f"what it made could not be looked for (no). The service names it: {NEW}/a.",
        Findings(made=Made(path=f"{NEW}/a", problem="no")), context={"expectation": Expectation(NEW)},
    ),
    "a part of which nobody knows": Case(
        Outcome.UNKNOWN, "Outcome unknown: of 1 of its 2 parts.",
        Findings(ReadBack({"id": VM}), parts=Parts((replace(PART, state="TIMEDOUT"), PART))),
    ),
    "an error that is a text": Case(
        Outcome.FAILED, 'The service\'s reason: "It broke.".', Findings(ReadBack({"id": VM})),
        parse_task({"id": "t1", "state": "FAILED", "error": "It broke."}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", JUDGED.values(), ids=JUDGED)
def test_what_was_read_of_a_write_is_told_as_what_it_proves(case: Case) -> None:
    context = replace(WriteContext(API, nobody, 0, tool="any", target=TARGET, since=NOW), **case.context)
    verdict = verification.judge(PollResult(context, case.task, answered=True), case.findings)
    assert verdict.outcome is case.outcome, verdict
    assert case.words in " ".join(verdict.sentences)


BACKUP_TIER, LOG_TIER = {"type": "BACKUP"}, {"type": "DATABASE_LOG_BACKUP"}
RUNS: dict[str, tuple[runs.Run, Outcome, str]] = {
    "a schedule that began nothing for long": (
        runs.Run(ReadBack(), (BACKUP_TIER, BACKUP_TIER), Parts((replace(PART, ended=NOW - timedelta(hours=2)),)),
                 Points(), NOW - timedelta(hours=3)),
        Outcome.UNKNOWN, "1 of its 2 schedules have no part, none for 2 h. Waiting longer brings nothing.",
    ),
    "a schedule that begins later": (
        runs.Run(ReadBack(), (BACKUP_TIER, BACKUP_TIER), Parts((PART,)), Points(), NOW),
        Outcome.TRIGGERED, "1 of its 2 schedules have no part yet (one that copies begins later)",
    ),
    "recovery points that cannot be read": (
        runs.Run(ReadBack(), (BACKUP_TIER,), Parts((PART,)), Points(how="list_vm_backups", problem="no"), NOW),
        Outcome.UNKNOWN, "its recovery points could not be read (no).",
    ),
    "a group without a list of its own": (
        runs.Run(ReadBack(), (BACKUP_TIER,), Parts((PART,)), Points(), NOW),
        Outcome.DONE, "Its recovery points are those of the group's members",
    ),
    "a log backup beside a new full one": (
        runs.Run(ReadBack(), (BACKUP_TIER, LOG_TIER), Parts((PART, replace(PART, id="p2"))),
                 Points((("BACKUP", {"id": "b", "state": "OK"}),), "list_mssql_database_backups"), NOW),
        Outcome.DONE, "A log backup is in no list; the recovery point it belongs to shows its range.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("run", "outcome", "words"), RUNS.values(), ids=RUNS)
def test_a_run_is_told_by_its_parts_and_what_they_brought(run: runs.Run, outcome: Outcome, words: str) -> None:
    context = WriteContext(API, nobody, 0, tool="run_protection_job", target=TARGET)
    verdict = runs.judge_run(PollResult(context, Task("t1", "SUCCEEDED", over=True), answered=True), run)
    assert verdict.outcome is outcome, verdict
    assert words in " ".join(verdict.sentences)


@pytest.mark.parametrize(
    ("item", "outcome", "words"),
    [
        ({"state": "UPDATING"}, Outcome.RUNNING, "Its state is still UPDATING: the work has not ended."),
        ({"state": "ERROR"}, Outcome.UNKNOWN, "Its state contradicts that: ERROR (since when is not known)."),
        ({"state": "BACKUP_FAILED", "stateReason": "no room"}, Outcome.FAILED, "BACKUP_FAILED: no room"),
        ({"state": "ERROR", "updatedAt": "2026-11-24T08:00:00Z"}, Outcome.UNKNOWN, "after this request was sent"),
        ({"state": "RUNNING"}, None, ""),
        ({"state": "OK"}, None, ""),
    ],
)
def test_a_state_that_speaks_against_a_success_is_told_with_since_when(
    item: dict[str, Any], outcome: Outcome | None, words: str
) -> None:
    actual = contradictions.find_contradiction(item, NOW, NOW)
    assert (actual.outcome if actual else None) is outcome
    assert words in (actual.sentence if actual else "")


PERIOD = {"value": 3, "unit": "DAYS"}
TAKEN = {"pointInTime": "2026-11-24T00:00:00Z"}
LEAVES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str], str]] = {
    "none where none is wanted": ({"expiresAt": None}, {}, {}, "same: expiresAt none"),
    "none where a time is wanted": ({"expiresAt": "2027-01-01T00:00:00Z"}, {}, {}, "different: expiresAt asked 2027"),
    "a period that leads to no moment": ({"lockFor": PERIOD}, {}, {"lockFor": "lockedUntil"},
                                         "different: locked asked 3 d, is none"),
    "a moment that is none": ({"lockFor": PERIOD}, {"lockedUntil": "soon"}, {"lockFor": "lockedUntil"},
                              "unknown: locked"),
    "a moment as asked": ({"lockFor": PERIOD}, {**TAKEN, "lockedUntil": "2026-11-27T00:00:00Z"},
                          {"lockFor": "lockedUntil"}, "same: locked until 2026-11-27 00:00Z"),
    "a period elsewhere": ({"retention": PERIOD}, {"retention": {"value": 4, "unit": "DAYS"}}, {},
                           "different: retention asked 3 d, is 4 d"),
    "an id in capitals": ({"hostId": VM.upper()}, {"hostInfo": {"id": VM, "name": "esx"}}, {}, "same: host esx ("),
    "a name and what it is beside an id": ({"tiers": [{"id": "a", "type": "BACKUP"}]},
                                           {"tiers": [{"id": "a", "type": "SNAPSHOT"}]}, {},
                                           "different: tiers a: type asked BACKUP, is SNAPSHOT"),
    "an element that is not there": ({"nics": [{"id": "a"}]}, {"nics": [{"id": "b"}]}, {},
                                     "different: nics a asked there, is not there"),
    "what nothing shows": ({"folderId": "f"}, {}, {}, "unknown: folder"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "item", "places", "words"), LEAVES.values(), ids=LEAVES)
def test_each_leaf_is_the_same_or_another_or_not_to_be_told(
    asked: dict[str, Any], item: dict[str, Any], places: dict[str, str], words: str
) -> None:
    compared = comparison.compare(asked, item, Expectation(fields=places), NOW)
    kind, _, clause = words.partition(": ")
    assert [one for one in getattr(compared, kind) if one.startswith(clause)], compared


def test_a_period_that_nobody_asked_to_change_is_told_in_words() -> None:
    before, after = {"retention": PERIOD}, {"retention": {"value": 4, "unit": "DAYS"}}
    assert describe_also_changed(before, after, {}, Expectation()).endswith(": retention was 3 d, is 4 d.")


def test_the_oldest_writes_are_forgotten_first_and_secrets_are_never_remembered() -> None:
    memory = WriteMemory()
    body = {"name": "x", "credentials": {"password": "hunter22"}}
    write = RememberedWrite(Request("any", "POST", "/x", body=body), None, datetime.now(UTC))
    for number in range(MOST + 1):
        memory.remember("me", f"t{number}", write)
    assert memory.find("me", "t0") is None
    last = memory.find("me", f"t{MOST}")
    assert last is not None
    assert "hunter22" not in str(last)
    assert memory.find("another", f"t{MOST}") is None
