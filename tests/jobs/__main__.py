"""`python -m tests.jobs [JOBS] [--seeds 7,11,23] [--calls] [--markdown]`: the yardstick, as a table.

JOBS are keys or the beginnings of keys (A, B3). Exit status 1 while the look jobs (set A) miss their goal.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from . import report
from .job import SEEDS, Result, run
from .sets import ALL


def main(arguments: list[str]) -> int:
    """Run the jobs and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.jobs")
    parser.add_argument("jobs", nargs="*", help="keys, or A, B, C (default: all)")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--calls", action="store_true", help="show each call with its tokens")
    parser.add_argument("--markdown", action="store_true", help="the table as it stands in docs/JOBS.md")
    inputs = parser.parse_args(arguments)
    chosen = [job for job in ALL if not inputs.jobs or any(key in (job.key, job.key[0]) for key in inputs.jobs)]
    results: list[Result] = []
    for seed in map(int, inputs.seeds.split(",")):
        results += asyncio.run(run(chosen, seed))
    if inputs.calls:
        print(report.calls(results))
    print(report.table(results, markdown=inputs.markdown))
    return 0 if report.goal_met(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
