"""A sample of what `python -m tests.readings` tries in full: switches of the simulated tenant, two at once."""

from __future__ import annotations

import itertools
import random

from tests import readings


async def test_with_two_switches_otherwise_all_works_or_is_told_rightly() -> None:
    lists = await readings.baseline()
    both = [two for two in itertools.combinations(readings.flips(), 2) if two[0][0] != two[1][0]]
    wrong = []
    for pair in random.Random(20).sample(both, 3):
        judged = await readings.judge(pair, readings.touched(pair), lists)
        wrong += [(pair, one.call, one.text) for one in judged if one.word == "WRONG"]
    assert not wrong
