"""A sample of the yardstick: a few jobs on one seed. All of them: `python -m tests.jobs`."""

from __future__ import annotations

from typing import Any

import pytest

from . import report
from .job import Job, Result, run
from .sets import ALL

SEED = 7
SAMPLE = ("A1", "A2", "A6", "A9", "B2", "B9", "C7", "C10")  # few calls each, and one filling of the catalog


def jobs(*keys: str) -> list[Job]:
    return [job for job in ALL if job.key in keys]


@pytest.mark.anyio
async def test_the_sample_of_jobs_is_done() -> None:
    results = await run(jobs(*SAMPLE), SEED)
    assert {r.key: r.state for r in results} == dict.fromkeys(SAMPLE, "done"), report.table(results)


def result(key: str, calls: int, tokens: int, wrong: str = "") -> Result:
    return Result(key, SEED, {"fact": wrong}, "", calls, 3 * tokens, tokens, [])


@pytest.mark.parametrize(
    ("results", "met"),
    [
        ([result("A1", 12, 12_000), result("A2", 12, 12_000), result("B1", 900, 90_000)], True),
        ([result("A1", 12, 100), result("A2", 13, 100)], False),
        ([result("A1", 1, 24_001)], False),
        ([result("A1", 1, 100, "is 5, found 4")], False),
    ],
)
def test_the_goal_is_met_by_whole_look_jobs_within_their_calls_and_tokens(results: Any, met: Any) -> None:
    assert report.goal_met(results) is met


def test_a_table_tells_what_is_missing_and_totals_only_what_is_whole() -> None:
    text = report.table([result("A1", 3, 100), result("A2", 4, 200, "is 5, found 4"), result("C1", 5, 300)])
    assert "1 of 2 whole" in text
    assert "- A2 fact: is 5, found 4 (seed 7)" in text
