"""Small runs of the fault matrix and of the soak, and that their judge can tell wrong from right."""

from __future__ import annotations

import sys

import pytest

from tests import fault_matrix, soak

SAID = {
    "done": "Task 1 succeeded.\nIt is done: the resource is gone (read again: 404).",
    "unknown": "Outcome unknown: x was sent, and the service broke the connection off.",
    "waiting": "Next: wait_for_task taskId=1 goes on waiting. Do not send the write again.",
    "not done": "x was refused. Nothing was changed.",
    "updated": "Task 1 (Update recovery point: a) succeeded.\nThe resource now (read again):",
    "not shown": "Task 1 (a) succeeded, but the result DIFFERS from what was asked for.\nDIFFERS: name asked b, is a.",
    "failed": 'Task 1 (a) FAILED.\nThe service\'s reason: "no".',
}
LIST = "3,502 tasks.\nstate: SUCCEEDED 3,365, FAILED 133, 4 with other values\nkind: x 1"
PART = "First 1,000 of 3,502 tasks: …\nThe rest could not be read: no.\nstate: SUCCEEDED 949, FAILED 51"


@pytest.mark.parametrize(
    ("text", "is_error", "done", "verdict"),
    [
        ("done", False, True, "survived"),
        ("done", False, False, "WRONG"),
        ("done", True, True, "WRONG"),
        ("unknown", True, True, "told rightly"),
        ("unknown", True, False, "told rightly"),
        ("unknown", False, False, "WRONG"),
        ("waiting", False, False, "told rightly"),
        ("not done", True, False, "told rightly"),
        ("not done", True, True, "WRONG"),
        ("not done", False, False, "WRONG"),
        ("updated", False, True, "survived"),
        ("updated", False, False, "WRONG"),
        ("not shown", True, False, "told rightly"),
        ("not shown", False, False, "WRONG"),
        ("failed", True, False, "told rightly"),
        ("failed", True, True, "WRONG"),
    ],
)
def test_the_judge_of_the_matrix_tells_wrong_from_right(text: str, is_error: bool, done: bool, verdict: str) -> None:
    assert fault_matrix.judged(SAID[text], is_error, done=done) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (LIST, "survived"),
        (PART, "told rightly"),
        (LIST.replace("3,502", "3,501"), "WRONG"),
        (LIST.replace("3,365", "3,364"), "WRONG"),
        (PART.replace("The rest could not be read: no.\n", ""), "WRONG"),
        (PART.replace("949", "950"), "WRONG"),
        ("1,000 tasks.\nstate: SUCCEEDED 949, FAILED 51", "WRONG"),
        (LIST + "\n\u202eevil", "WRONG"),
    ],
)
def test_the_judge_of_lists_counts_what_is_counted(text: str, verdict: str) -> None:
    assert fault_matrix.of_list(text, LIST) == verdict


@pytest.mark.parametrize(
    ("name", "situation", "verdict", "executed"),
    [
        ("503", "read", "survived", 0),
        ("truncated", "list scan", "survived", 0),
        ("429 Retry-After", "gated write", "survived", 1),
        ("token revoked", "gated write", "survived", 1),
        ("reset before", "gated write", "told rightly", 0),
        ("reset after", "gated write", "told rightly", 1),
        ("502", "gated write", "told rightly", 0),
        ("foreign Location", "gated write", "survived", 1),
        ("task TIMEDOUT", "gated write", "told rightly", 1),
        ("task TIMEDOUT though done", "gated write", "survived", 1),
        ("reset during", "task wait", "survived", 1),
        ("500", "token", "survived", 0),
        ("HTML", "list scan", "told rightly", 0),
        ("hostile", "list scan", "survived", 0),
        ("hostile", "gated write", "survived", 1),
        ("task FAILED though done", "gated update", "told rightly", 1),
        ("task CANCELLED though done", "gated update", "told rightly", 1),
        ("task SUCCEEDED", "gated update", "survived", 1),
        ("401", "task wait", "survived", 1),
        ("403", "task wait", "told rightly", 1),
    ],
)
async def test_a_fault_is_survived_or_told_rightly_and_nothing_is_executed_twice(
    name: str, situation: str, verdict: str, executed: int
) -> None:
    result = await fault_matrix.cell(situation, fault_matrix.ROWS[name][0])
    assert (result.verdict, result.executed) == (verdict, executed), result.text


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_short_soak_leaves_no_call_without_an_answer_and_nothing_behind() -> None:
    with soak.served() as base:
        tally = await soak.soak(600, base)
    assert tally.unanswered == 0
    assert tally.answers["a fault of ours"] == 0
    assert tally.answers["answer"] > tally.answers["error"] > 0
    assert tally.tasks[-1] < tally.tasks[0] + 3  # a connection may just be closing
    assert max(tally.sockets) < 30
