"""Every argument of the writes is honoured by the simulated tenant, or there is a reason; the table is kept beside."""

from __future__ import annotations

import random
from pathlib import Path

from tests import twin_arguments
from tests.twin_arguments import ROUTES, UNTOLD, arguments, judge, line

TABLE = Path(__file__).parents[1] / "snapshots" / "twin_arguments.txt"
ALL = [(route, argument, schema) for _, route in sorted(ROUTES.items()) for argument, schema in arguments(route)]


def rows() -> dict[str, str]:
    """Argument → its line of the kept table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {" ".join(text.split("  (")[0].split()[1:]): text for text in lines}


def test_the_kept_table_has_every_argument_of_every_write() -> None:
    assert set(rows()) == {f"{route.operation.id} {argument}" for route, argument, _ in ALL}


def test_what_is_ignored_has_a_reason_and_no_reason_is_left_over() -> None:
    assert {key for key, text in rows().items() if text.startswith("ignored")} == set(UNTOLD)


def test_a_sample_of_the_arguments_is_as_the_kept_table_says() -> None:
    for route, argument, schema in sorted(random.Random(15).sample(ALL, 30), key=lambda one: one[0].operation.id):
        verdict = judge(route, argument, schema)
        assert line(verdict) == rows()[verdict.key], (
            "python -m tests.twin_arguments > tests/snapshots/twin_arguments.txt"
        )


def test_two_tenants_of_one_seed_that_got_the_same_request_are_the_same() -> None:
    twin_arguments.outcome.cache_clear()
    one = twin_arguments.outcome("VirtualMachineRestore", 0, "", "")
    twin_arguments.outcome.cache_clear()
    assert one == twin_arguments.outcome("VirtualMachineRestore", 0, "", "")
