"""Whole collections, page by page, from services that page well, badly and not at all."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists import list_tool
from greenlake_backup_mcp.lists.read import pages, paging
from greenlake_backup_mcp.lists.read.pages import Source
from greenlake_backup_mcp.lists.read.paging import Scan
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import client
from tests.support.paging_service import Item, Pages, no_progress, reached

LIST = client.Request("List", "GET", "/x/v1/things", reads=True)


def make_items(count: int) -> list[Item]:
    return [{"id": f"id-{n}", "n": n} for n in range(count)]


async def scanned(
    app: Pages, *, cap: int = 100_000, most: int = 10, offset: int | None = None, paged: bool = True, **options: Any
) -> tuple[list[Any], Scan]:
    """The numbers of the items that came, in order, and what the scan tells."""
    collected: list[Any] = []

    def take(items: Sequence[pages.Item]) -> bool:
        collected.extend(item.get("n") for item in items)
        return True

    async with reached(app) as api:
        source = Source(LIST, paged, most, offset)
        scan = await paging.scan(api, source, take, cap=cap, concurrency=4, **options)
    return collected, scan


@pytest.mark.parametrize("spelling", ["offset", "pageOffset", "none"])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 99, 100])
async def test_every_item_comes_once_and_in_order(count: int, spelling: str) -> None:
    result, scan = await scanned(Pages(make_items(count), spelling=spelling))
    assert result == list(range(count))
    assert scan == Scan(count, count, whole=True)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 40, 41, 99])
async def test_without_a_total_the_scan_goes_on_until_nothing_comes(count: int) -> None:
    result, scan = await scanned(Pages(make_items(count), total=lambda _: None))
    assert result == list(range(count))
    assert scan == Scan(count, count, whole=True)


async def test_a_service_that_gives_less_than_it_is_asked_for_is_read_to_the_end() -> None:
    for total in (None, lambda _: None):
        result, scan = await scanned(Pages(make_items(95), most=7, total=total), most=50)
        assert result == list(range(95))
        assert scan.whole


async def test_a_service_that_ignores_limit_and_offset_is_read_once() -> None:
    class Whole(Pages):
        def _answer(self, query: dict[str, str]) -> tuple[int, Any]:
            return super()._answer({})

    for total in (None, lambda _: None):
        result, scan = await scanned(Whole(make_items(25), total=total))
        assert result == list(range(25))
        assert scan.whole


async def test_the_first_page_tells_how_many_then_several_are_asked_for_at_once() -> None:
    app = Pages(make_items(200))
    await scanned(app)
    assert 1 < app.most_at_once <= 4
    assert [q["offset"] for q in app.queries] == [str(n) for n in range(0, 200, 10)]


async def test_the_cap_is_not_exceeded_and_the_scan_says_that_it_is_not_whole() -> None:
    app = Pages(make_items(100))
    result, scan = await scanned(app, cap=25)
    assert result == list(range(25))
    assert (scan.read, scan.total, scan.whole) == (25, 100, False)
    assert max(int(q["offset"]) + int(q["limit"]) for q in app.queries) == 25


async def test_the_cap_holds_without_a_total_too() -> None:
    result, scan = await scanned(Pages(make_items(100), total=lambda _: None), cap=25)
    assert result == list(range(25))
    assert (scan.total, scan.whole) == (None, False)


async def test_a_bounded_offset_is_answered_with_one_large_page() -> None:
    app = Pages(make_items(5000))
    result, scan = await scanned(app, most=20_000, offset=1000)
    assert result == list(range(5000))
    assert scan.whole
    assert [(q["offset"], q["limit"]) for q in app.queries] == [("0", "1000"), ("1000", "4000")]


async def test_what_a_bounded_offset_keeps_out_of_reach_is_told() -> None:
    result, scan = await scanned(Pages(make_items(5000), most=1500), most=20_000, offset=1000)
    assert result == list(range(2500))
    assert not scan.whole
    assert "no further than offset 1,000" in scan.notes[0]


async def test_a_list_without_pages_is_asked_without_them() -> None:
    app = Pages(make_items(30), total=lambda _: None)
    result, scan = await scanned(app, paged=False)
    assert len(result) == 30
    assert scan == Scan(30, 30, whole=True)
    assert app.queries == [{}]


async def test_items_that_come_twice_are_counted_once_and_told() -> None:
    def insert(number: int, items: list[Item]) -> None:
        if number == 1:
            items.insert(0, {"id": "new", "n": "new"})

    result, scan = await scanned(Pages(make_items(30), before=insert))
    assert result == list(range(30))[: len(result)]
    assert len(result) == len(set(result))
    assert any("came twice" in note for note in scan.notes)
    assert any("changed from 30 to 31" in note for note in scan.notes)


async def test_a_page_of_nothing_but_what_came_before_is_not_the_end_when_the_total_has_grown() -> None:
    def insert(number: int, items: list[Item]) -> None:
        if number in (1, 2, 3, 4):
            items.insert(0, {"id": f"new-{number}", "n": f"new-{number}"})

    result, scan = await scanned(Pages(make_items(11), before=insert))
    assert result == list(range(11))
    assert scan.notes[0] == "4 came twice while reading and are counted once"


async def test_items_that_vanish_while_reading_are_told() -> None:
    def remove(number: int, items: list[Item]) -> None:
        if number == 2:
            del items[0:5]

    result, scan = await scanned(Pages(make_items(60), before=remove, total=lambda _: 60))
    assert len(result) == 55
    assert scan.whole
    assert scan.notes == ("5 of the 60 the service counts did not come",)


async def test_a_collection_that_grows_while_it_is_read_is_read_to_its_new_end() -> None:
    def append(number: int, items: list[Item]) -> None:
        if number == 2:
            items += [{"id": f"late-{n}", "n": f"late-{n}"} for n in range(15)]

    result, scan = await scanned(Pages(make_items(30), before=append))
    assert result == [*range(30), *(f"late-{n}" for n in range(15))]
    assert scan.whole


async def test_a_total_that_is_too_small_does_not_hide_that_more_came() -> None:
    _, scan = await scanned(Pages(make_items(10), total=lambda _: 3))
    assert scan.read == 10
    assert "7 more came than the 3 the service counts" in scan.notes[0]


async def test_a_page_that_fails_ends_the_scan_and_what_was_read_stands() -> None:
    app = Pages(make_items(100), failing={5: 403})
    result, scan = await scanned(app)
    assert result == list(range(50))
    assert scan.failure is not None
    assert scan.failure.status == 403
    assert (scan.whole, scan.total) == (False, 100)


async def test_the_first_page_that_fails_is_the_error() -> None:
    with pytest.raises(BackupError) as caught:
        await scanned(Pages(make_items(10), failing={0: 403}))
    assert caught.value.status == 403


async def test_behind_the_end_404_means_that_nothing_follows() -> None:
    result, scan = await scanned(Pages(make_items(10), total=lambda _: None, failing={1: 404, 2: 404, 3: 404, 4: 404}))
    assert len(result) == 10
    assert scan.whole


@pytest.mark.parametrize("body", [[], "text", {"error": 1}, {"items": "no"}, 7])
def test_what_is_no_list_is_an_error(body: Any) -> None:
    if body == []:
        assert pages.parse_page(body, "List") == pages.Page((), None)
        return
    with pytest.raises(BackupError, match="no list"):
        pages.parse_page(body, "List")


@pytest.mark.parametrize("body", [None, {}, {"count": 0}, {"items": None, "total": 0}, {"items": [], "total": "0"}])
def test_an_empty_collection_has_many_spellings(body: Any) -> None:
    assert pages.parse_page(body, "List").items == ()


@pytest.mark.parametrize("total", [True, -1, 1.5, "many", {}, [3]])
def test_a_total_that_is_no_number_is_no_total(total: Any) -> None:
    assert pages.parse_page({"items": [], "total": total}, "List").total is None


def test_what_is_no_object_among_the_items_is_left_out() -> None:
    assert pages.parse_page({"items": [1, None, {"id": "a"}, "x"]}, "List").items == ({"id": "a"},)


async def test_progress_is_told_page_by_page() -> None:
    collected: list[tuple[float, float | None, str]] = []

    async def progress(done: float, total: float | None, words: str) -> None:
        collected.append((done, total, words))

    await scanned(Pages(make_items(35)), progress=progress, noun="VM backups")
    assert [done for done, *_ in collected] == [10, 20, 30, 35]
    assert collected[-1] == (35, 35, "35 of 35 VM backups read")


async def test_a_collection_of_one_page_tells_no_progress() -> None:
    async def progress(*_: Any) -> None:
        raise AssertionError

    await scanned(Pages(make_items(5)), progress=progress)


async def test_a_scan_that_has_enough_reads_no_further() -> None:
    app = Pages(make_items(1000))
    async with reached(app) as api:
        scan = await paging.scan(api, Source(LIST, True, 10, None), lambda _: False, cap=10_000, concurrency=4)
    assert (scan.read, scan.whole) == (10, False)
    assert len(app.queries) == 1


async def test_a_cancelled_scan_sends_nothing_more() -> None:
    app = Pages(make_items(1000))
    async with reached(app) as api:
        with anyio.CancelScope() as scope:

            def take(_items: Sequence[pages.Item]) -> bool:
                if len(app.queries) > 5:
                    scope.cancel()
                return True

            await paging.scan(api, Source(LIST, True, 10, None), take, cap=10_000, concurrency=4)
    assert scope.cancelled_caught
    assert len(app.queries) < 15


async def test_pages_are_not_kept() -> None:
    """What a scan holds does not grow with the collection (beyond eight bytes an item)."""

    async def peak(count: int) -> int:
        rows = [{"id": f"{n:036d}", "name": "x" * 500} for n in range(1000)]

        class Endless(Pages):
            def _answer(self, query: dict[str, str]) -> tuple[int, Any]:
                start = int(query["offset"])
                return 200, {"items": [{**r, "id": f"{start}-{r['id']}"} for r in rows], "total": count}

        async with reached(Endless([]), settings.load(token="t")) as api:
            source = Source(LIST, True, 1000, None)
            await paging.scan(api, source, lambda _: True, cap=10**6, concurrency=4)  # what the first one imports
            tracemalloc.start()
            try:
                await paging.scan(api, source, lambda _: True, cap=10**6, concurrency=4)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert await peak(40_000) - await peak(8_000) < 2 * 1024 * 1024


@examples(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 130),
    most=st.integers(1, 40),
    service_most=st.integers(1, 60),
    cap=st.integers(1, 200),
    short=st.frozensets(st.integers(0, 12)),
    total=st.sampled_from(["true", "absent", "sometimes"]),
    spelling=st.sampled_from(["offset", "pageOffset", "none"]),
)
def test_whatever_the_pages_look_like_the_collection_is_the_same(
    *, count: int, most: int, service_most: int, cap: int, short: frozenset[int], total: str, spelling: str
) -> None:
    totals = {
        "true": None,
        "absent": lambda _number: None,
        "sometimes": lambda number: count if number % 2 else None,
    }[total]
    app = Pages(make_items(count), total=totals, most=service_most, short=short, spelling=spelling)

    async def run() -> None:
        result, scan = await scanned(app, cap=cap, most=most)
        assert result == list(range(min(count, cap)))
        assert scan.read == len(result)
        assert scan.whole == (count <= cap) or (scan.total is None and count <= cap == len(result))
        assert not scan.notes

    anyio.run(run)


@examples(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 90),
    most=st.integers(3, 30),
    short=st.frozensets(st.integers(0, 12)),
    changes=st.dictionaries(st.integers(1, 12), st.lists(st.integers(0, 100), min_size=1, max_size=6), max_size=4),
    grows=st.booleans(),
    counted=st.booleans(),
)
def test_nothing_is_counted_twice_or_missed_in_silence_however_the_collection_changes_while_it_is_read(
    *, count: int, most: int, short: frozenset[int], changes: dict[int, list[int]], grows: bool, counted: bool
) -> None:
    """It either grows or shrinks; where as many vanish as appear, no reader of pages could tell."""
    ever, gone = set(range(count)), set()

    def change(number: int, items: list[Item]) -> None:
        for place in changes.get(number, []):
            if grows:
                new = len(ever)
                ever.add(new)
                items.insert(place % (len(items) + 1), {"id": f"id-{new}", "n": new})
            elif items:
                gone.add(items.pop(place % len(items))["n"])

    app = Pages(make_items(count), most=most, short=short, before=change, total=None if counted else lambda _: None)

    async def run() -> None:
        result, scan = await scanned(app)
        assert len(result) == len(set(result)) == scan.read
        assert set(result) <= ever
        assert scan.whole
        if set(range(count)) - set(result) - gone and (grows or counted):
            assert scan.notes
        if counted and not scan.notes:
            assert scan.total == scan.read

    anyio.run(run)


@examples(max_examples=100, deadline=None)
@given(
    count=st.integers(0, 90),
    most=st.integers(1, 30),
    totals=st.lists(st.none() | st.integers(0, 120), min_size=1, max_size=8),
    failing=st.dictionaries(st.integers(1, 12), st.sampled_from([403, 404, 500]), max_size=2),
)
def test_whatever_totals_a_service_tells_the_answer_is_a_beginning_of_the_collection_and_says_what_it_lacks(
    *, count: int, most: int, totals: list[int | None], failing: dict[int, int]
) -> None:
    app = Pages(make_items(count), most=most, total=lambda number: totals[number % len(totals)], failing=failing)

    async def run() -> None:
        result, scan = await scanned(app)
        assert result == sorted(set(result))
        assert scan.read == len(result)
        if scan.failure is not None:
            assert not scan.whole
            assert result == list(range(len(result))) or 404 in failing.values()  # which is told as "nothing there"
        elif scan.whole and not scan.notes:
            assert scan.total == len(result)

    anyio.run(run)


@pytest.mark.parametrize("total", [400, 40_000, 0, 2, None])
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("named", [False, True])
async def test_a_handful_of_requests_follow_the_last_new_item_whatever_the_total_says(
    total: int | None, ignored: bool, named: bool
) -> None:
    items = make_items(3) if named else [{"n": n} for n in range(3)]
    app = Pages(items, total=lambda _: total, ignores_offset=ignored)
    result, scan = await scanned(app)
    assert result == [0, 1, 2]
    assert len(app.queries) <= 6
    assert (scan.read, scan.total, scan.whole) == (3, 3, True)
    if total is not None:
        assert f"{total:,} the service counts" in "; ".join(scan.notes)


@pytest.mark.parametrize("count", [1, 3, 20, 25])
@pytest.mark.parametrize("total", [400, 0, None])
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("whole", ["page", "all"])
async def test_an_answer_never_promises_rows_that_do_not_come(
    count: int, total: int | None, ignored: bool, whole: str
) -> None:
    items = [{"id": f"id-{n:02d}", "name": f"vm-{n:02d}"} for n in range(count)]
    app = Pages(items, total=lambda _: total, ignores_offset=ignored)
    tool = next(t for t in registry.tools() if t.name == "list_vms")
    async with reached(app) as api:
        answer = await list_tool.answer(api, tool, {"limit": 20, "summary": whole}, no_progress)
    text = "\n".join(answer.lines)
    if count < 20 or whole == "all":  # a full page is all that was asked for
        assert " of 400" not in text.rpartition("Row")[2]
    assert " of 0" not in text
    assert len(app.queries) <= 8
    if count < 20:
        assert "Next:" not in text
        assert f"{count} " in text


async def test_others_are_served_between_slices_of_what_is_taken() -> None:
    turns, seen = [0], []

    async def other() -> None:
        while True:
            turns[0] += 1
            await anyio.lowlevel.checkpoint()

    def take(items: Sequence[pages.Item]) -> bool:
        begun = time.thread_time()
        while time.thread_time() - begun <= paging.SLICE_SECONDS:
            pass
        seen.append(turns[0])
        assert len(items) <= paging.SLICE_ITEMS
        return True

    async with reached(Pages(make_items(200))) as api, anyio.create_task_group() as group:
        group.start_soon(other)
        await paging.scan(api, Source(LIST, True, 1000, None), take, cap=10_000, concurrency=4)
        group.cancel_scope.cancel()
    assert len(seen) == 200 / paging.SLICE_ITEMS
    assert seen == sorted(set(seen))
