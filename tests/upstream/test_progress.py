"""Progress of a call rises with each message, whatever its parts say of themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from greenlake_backup_mcp.upstream.progress import Progress

REPORT = st.tuples(
    st.integers(0, 4),
    st.floats(-5, 300, allow_nan=False),
    st.one_of(st.none(), st.floats(0, 200, allow_nan=False)),
)


@given(st.lists(REPORT, max_size=40))
async def test_whatever_the_parts_report_what_is_sent_rises_strictly(
    reports: list[tuple[int, float, float | None]],
) -> None:
    heard: list[float] = []

    async def send(done: float, total: float | None, words: str) -> None:
        assert total == 100.0
        heard.append(done)

    whole = Progress(send)
    for number, done, total in reports:
        await whole.part(number, 5)(done, total, "words")
    assert heard == sorted(set(heard))
    assert all(0 <= done <= 100 for done in heard)


async def test_a_part_that_stands_still_creeps_and_stays_within_its_part() -> None:
    heard: list[float] = []

    async def send(done: float, total: float | None, words: str) -> None:
        heard.append(done)

    whole = Progress(send)
    for _ in range(50):
        await whole.part(0, 2)(40, 100, "40%")
    await whole.part(1, 2)(0, None, "the second")
    await whole(1, 1, "over")
    assert (heard[0], heard[-2], heard[-1]) == (20, 50, 100)
    assert heard == sorted(set(heard))
