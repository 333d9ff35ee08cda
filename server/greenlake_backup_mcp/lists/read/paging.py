"""A whole collection, page by page: concurrently, within a cap, in order, and honest about what it could not read.

What comes back is handed on page by page and not kept. Knows nothing of what items mean.

A page may hold less than was asked for, `total` may be absent, change or be wrong, an offset may be ignored, items may
come twice or vanish while others read and write: none of this is an error, all of it is told in `Scan.notes`. What ends
a scan is that nothing new comes, whatever `total` says: at most a handful of requests follow the last new item.

Whoever takes the items works in slices, between which others are served.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import anyio
import anyio.lowlevel

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.progress import Report

from . import pages
from .pages import Item, Page, Source

STALE_PAGES = 3  # pages in a row without anything new until that is the end
MOST_GROWN = 4  # and so many more where the total grows meanwhile
SLICE_ITEMS = 20  # taken before the time is looked at
SLICE_SECONDS = 0.02  # that taking goes on before others are served
FIRST_PAGE = 1000  # of lists whose offset is bounded: they take one page of up to 20,000 for what is left

Take = Callable[[Sequence[Item]], bool]
"""What receives the items of each page, in the collection's order; False: enough, read no further."""


@dataclass(frozen=True)
class Scan:
    """What was read: `read` distinct items of `total` (None: the service did not say, and the end was not reached)."""

    read: int
    total: int | None
    whole: bool  # every item there is was read
    notes: tuple[str, ...] = ()
    failure: BackupError | None = None  # why the rest could not be read


async def scan(  # noqa: PLR0913  a scan has its bounds
    api: client.ApiClient,
    source: Source,
    take: Take,
    *,
    cap: int,
    concurrency: int,
    progress: Report | None = None,
    noun: str = "items",
) -> Scan:
    """Read the collection from its beginning, at most `cap` items of it, handing each page to `take`.

    A failure of the first page is raised; a later one ends the scan, and what was read until then stands.
    """
    reader = _Reader(api, source, take, cap, concurrency, progress, noun)
    await reader.run()
    return reader.result()


@dataclass
class _Reader:
    """The state of one scan."""

    api: client.ApiClient
    source: Source
    take: Take
    cap: int
    concurrency: int
    progress: Report | None
    noun: str
    position: int = 0  # position in the collection up to which was read
    read: int = 0
    again: int = 0  # items that came a second time
    first_total: int | None = None
    counted: int | None = None  # how many the service last said there are
    stale: int = 0  # pages in a row without anything new
    grown: int = 0  # of those, how many said that there are more than before
    ended: bool = False
    enough: bool = False
    failure: BackupError | None = None
    bounded: bool = False  # the list's offset bound ended the scan
    seen: pages.SeenItems = field(default_factory=pages.SeenItems)

    async def run(self) -> None:
        size = min(
            self.cap,
            self.source.max_limit if self.source.max_offset is None else min(FIRST_PAGE, self.source.max_limit),
        )
        first = await pages.fetch_page(self.api, self.source, 0, size)
        self.first_total, came = first.total, len(first.items)
        await self._accept(first)
        del first  # a page of a thousand items is some megabytes
        if not self.source.paged:
            self.ended = True
        if self.first_total is not None and came:
            size = min(size, came)  # the service gives less than it is asked for: ask so
        while not self._done():
            spans = self._spans(size, full=came >= size)
            if not spans:
                break
            await self._ordered(spans)

    @property
    def total(self) -> int | None:
        """How many there are, as far as that can be believed: None where nothing was said, or more came."""
        return self.counted if self.counted is not None and self.counted >= self.read else None

    def _done(self) -> bool:
        complete = self.total is not None and self.position >= self.total
        return self.ended or self.enough or complete or self.read >= self.cap or self.failure is not None

    def _spans(self, size: int, *, full: bool) -> list[tuple[int, int]]:
        """The pages to read next: all that `total` promises; where it does not, a few, or one to see the end."""
        end = self.cap if self.total is None else min(self.total, self.cap)
        if self.total is None:
            end = min(end, self.position + size * (self.concurrency if full else 1))
        bound = self.source.max_offset
        spans, start = [], self.position
        while start < end:
            if bound is not None and start > bound:
                self.bounded = True
                break
            last = bound is not None and start + size > bound
            length = min(end - start, self.source.max_limit if last else size)
            spans.append((start, length))
            start += length
        return spans

    async def _ordered(self, spans: Sequence[tuple[int, int]]) -> None:
        """Read the spans, `concurrency` at a time, and take them in order; no more pages than that are held.

        Where nothing new comes any more, those under way are waited for, and no others are asked for.
        """
        waiting = iter(spans)
        results: dict[int, list[Page] | BackupError] = {}
        ready = anyio.Condition()

        async def fetch(start: int, length: int) -> None:
            try:
                span: list[Page] | BackupError = await self._span(start, length)
            except BackupError as problem:
                span = problem
            async with ready:
                results[start] = span
                ready.notify_all()

        async with anyio.create_task_group() as group:
            under_way = deque(islice(waiting, self.concurrency))
            for span in under_way:
                group.start_soon(fetch, *span)
            while under_way:
                start, length = under_way.popleft()
                async with ready:
                    while start not in results:
                        await ready.wait()
                    page = results.pop(start)
                if isinstance(page, BackupError):
                    self.failure = page
                    break
                while page:
                    await self._accept(page.pop(0))  # popped, so that it is gone while the next is awaited
                self.position = start + length  # also where less was there than promised
                if self._done():
                    break
                if not self.stale and (after := next(waiting, None)) is not None:
                    under_way.append(after)
                    group.start_soon(fetch, *after)
            group.cancel_scope.cancel()

    async def _span(self, start: int, length: int) -> list[Page]:
        """A stretch of the collection: one request, or more where the service gives short pages of new items."""
        parts: list[Page] = []
        got, distinct = 0, pages.SeenItems()
        while got < length:
            if parts and self.source.max_offset is not None and start + got > self.source.max_offset:
                self.bounded = True
                break
            page = await pages.fetch_page(self.api, self.source, start + got, length - got)
            parts.append(page)
            got += len(page.items)
            if not distinct.add(page.items)[1] or self.seen.has_all(page.items):
                break
        return parts

    async def _accept(self, page: Page) -> None:
        grown = page.total is not None and self.counted is not None and page.total > self.counted
        self.counted = page.total if page.total is not None else self.counted
        fresh, new = self.seen.add(page.items)
        self.again += len(page.items) - len(fresh)
        fresh = fresh[: self.cap - self.read]
        self.stale = 0 if new else self.stale + 1
        self.grown = 0 if new else min(self.grown + grown, MOST_GROWN)  # new items push back what came already
        several = self.position > 0 or (self.counted or 0) > len(page.items)
        self.position += len(page.items)
        self.read += len(fresh)
        self.ended = self.ended or self.stale >= STALE_PAGES + self.grown or (not page.items and self.total is None)
        await self._take(fresh)
        if self.progress is not None and several:
            goal = None if self.total is None else min(self.total, self.cap)
            total = "" if self.total is None else f" of {self.total:,}"
            await self.progress(self.read, goal, f"{self.read:,}{total} {self.noun} read")

    async def _take(self, items: Sequence[Item]) -> None:
        """Hand the items on, some at a time, and let others be served in between."""
        turn = time.thread_time()
        for place in range(0, len(items), SLICE_ITEMS):
            if not self.take(items[place : place + SLICE_ITEMS]):
                self.enough = True
            if time.thread_time() - turn > SLICE_SECONDS:
                await anyio.lowlevel.checkpoint()
                turn = time.thread_time()

    def result(self) -> Scan:
        notes = []
        total, counted = self.total, self.counted
        capped = max(self.read, self.position) >= self.cap and (not self.ended if total is None else total > self.cap)
        left = self.enough and not (total is not None and self.position >= total)
        whole = not (left or self.bounded or capped or self.failure is not None)
        if self.again:
            notes.append(f"{self.again} came twice while reading and are counted once")
        if self.first_total is not None and counted is not None and self.first_total != counted:
            notes.append(f"the total changed from {self.first_total:,} to {counted:,} while reading")
        if whole and counted is not None and self.read < counted:
            notes.append(f"{counted - self.read:,} of the {counted:,} the service counts did not come")
        if counted is not None and self.read > counted:
            notes.append(f"{self.read - counted:,} more came than the {counted:,} the service counts")
        if self.bounded:
            notes.append(f"the service lets this list be read no further than offset {self.source.max_offset:,}")
        return Scan(self.read, self.read if whole else total, whole, tuple(notes), self.failure)
