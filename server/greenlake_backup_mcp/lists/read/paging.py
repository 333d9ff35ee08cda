"""A whole collection, page by page: concurrently, within a cap, in order, and honest about what it could not read.

What comes back is handed on page by page and not kept. Knows nothing of what items mean.

A page may hold less than was asked for, `total` may be absent or change, items may come twice or vanish while others
read and write: none of this is an error, all of it is told in `Scan.notes`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import anyio

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.progress import Report

from . import pages
from .pages import Item, Page, Source

STALE_ROUNDS = 3  # rounds of pages without anything new until that is the end, whatever `total` says
FIRST_PAGE = 1000  # of lists whose offset is bounded: they take one page of up to 20,000 for what is left
HASH_BITS = 0x7FFF_FFFF_FFFF_FFFF

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
    at: int = 0  # position in the collection up to which was read
    read: int = 0
    again: int = 0  # items that came a second time
    total: int | None = None
    first_total: int | None = None
    ended: bool = False  # an empty or final page was seen
    enough: bool = False
    failure: BackupError | None = None
    bounded: bool = False  # the list's offset bound ended the scan
    seen: array[int] = field(default_factory=lambda: array("q"))  # 8 bytes an item: memory stays flat

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
        stale = 0
        while not self._done():
            spans = self._spans(size, full=came >= size)
            if not spans:
                break
            before = (self.read, self.total)
            await self._ordered(spans)
            stale = stale + 1 if (self.read, self.total) == before else 0  # new items push back what came already
            self.ended = self.ended or stale >= STALE_ROUNDS

    def _done(self) -> bool:
        complete = self.total is not None and self.at >= self.total
        return self.ended or self.enough or complete or self.read >= self.cap or self.failure is not None

    def _spans(self, size: int, *, full: bool) -> list[tuple[int, int]]:
        """The pages to read next: all that `total` promises; where it does not, a few, or one to see the end."""
        end = self.cap if self.total is None else min(self.total, self.cap)
        if self.total is None:
            end = min(end, self.at + size * (self.concurrency if full else 1))
        bound = self.source.max_offset
        spans, start = [], self.at
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
        """Read the spans, `concurrency` at a time, and take them in order; no more pages than that are held."""
        waiting = iter(spans)
        results: dict[int, list[Page] | BackupError] = {}
        ready = anyio.Condition()

        async def fetch(start: int, length: int) -> None:
            try:
                found: list[Page] | BackupError = await self._span(start, length)
            except BackupError as problem:
                found = problem
            async with ready:
                results[start] = found
                ready.notify_all()

        async with anyio.create_task_group() as group:
            for span in islice(waiting, self.concurrency):
                group.start_soon(fetch, *span)
            for start, length in spans:
                async with ready:
                    while start not in results:
                        await ready.wait()
                    found = results.pop(start)
                if isinstance(found, BackupError):
                    self.failure = found
                    break
                while found:
                    await self._accept(found.pop(0))  # popped, so that it is gone while the next is awaited
                self.at = start + length  # also where less was there than promised
                if self.enough or self.read >= self.cap or (self.total is None and self.ended):
                    break
                if (after := next(waiting, None)) is not None:
                    group.start_soon(fetch, *after)
            group.cancel_scope.cancel()

    async def _span(self, start: int, length: int) -> list[Page]:
        """A stretch of the collection: one request, or more where the service gives short pages."""
        parts: list[Page] = []
        got = 0
        while got < length:
            if parts and self.source.max_offset is not None and start + got > self.source.max_offset:
                self.bounded = True
                break
            found = await pages.fetch_page(self.api, self.source, start + got, length - got)
            parts.append(found)
            if not found.items:
                break
            got += len(found.items)
        return parts

    async def _accept(self, found: Page) -> None:
        if found.total is not None:
            self.total = found.total
        self.ended = self.ended or not found.items
        fresh = self._fresh(found.items)[: self.cap - self.read]
        several = self.at > 0 or (self.total or 0) > len(found.items)
        self.at += len(found.items)
        self.read += len(fresh)
        if fresh and not self.take(fresh):
            self.enough = True
        if self.progress is not None and several:
            goal = None if self.total is None else min(self.total, self.cap)
            of = "" if self.total is None else f" of {self.total:,}"
            await self.progress(self.read, goal, f"{self.read:,}{of} {self.noun} read")

    def _fresh(self, items: Sequence[Item]) -> list[Item]:
        """The items that did not come before, told by their ids."""
        marks = [hash(i) & HASH_BITS if isinstance(i := item.get("id"), str) else None for item in items]
        seen = set(marks).intersection(self.seen)
        fresh: list[Item] = []
        for item, mark in zip(items, marks, strict=True):
            if mark is not None:
                if mark in seen:
                    self.again += 1
                    continue
                seen.add(mark)
                self.seen.append(mark)
            fresh.append(item)
        return fresh

    def result(self) -> Scan:
        notes = []
        total = self.total
        capped = max(self.read, self.at) >= self.cap and (not self.ended if total is None else total > self.cap)
        left = self.enough and not (total is not None and self.at >= total)
        whole = not (left or self.bounded or capped or self.failure is not None)
        if total is None and whole:
            total = self.read
        if self.again:
            notes.append(f"{self.again} came twice while reading and are counted once")
        if self.first_total is not None and self.total is not None and self.first_total != self.total:
            notes.append(f"the total changed from {self.first_total:,} to {self.total:,} while reading")
        if whole and self.total is not None and self.read < self.total:
            notes.append(f"{self.total - self.read:,} of the {self.total:,} the service counts did not come")
        if whole and self.total is not None and self.read > self.total:
            notes.append(f"{self.read - self.total:,} more came than the {self.total:,} the service counts")
        if self.bounded:
            notes.append(f"the service lets this list be read no further than offset {self.source.max_offset:,}")
        return Scan(self.read, total, whole, tuple(notes), self.failure)
