"""A question over the estate: what was asked, by whose clock, and how its answer is put together.

An answer has some 1,200 tokens unless more rows are asked for; it ends with how to see the rest, then with what it
rests on. Knows the catalog and how things are said; judges nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar

import anyio.to_thread

from greenlake_backup_mcp.catalog import answer
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.catalog.read_coverage import Coverage
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.progress import Report

from . import exceptions, reading
from .clock import Clock, clock
from .estate import Estate
from .exceptions import Acceptance

T = TypeVar("T")
TOKENS = 1200  # of an answer for which no limit was given
BYTES_PER_TOKEN = 2.8  # of tables of names, times and few ids
MOST_BYTES_PER_TOKEN = 2.4  # of any answer: beyond, its last lines are cut, and those say what it rests on
BESIDE = 300  # bytes that are put beside an answer
ROWS = 12
EXAMPLES = 2


def some(names: Iterable[Any], most: int = EXAMPLES) -> str:
    """The first names, each once, and how many more there are."""
    distinct = list(dict.fromkeys(str(n) for n in names if n))
    more = f" and {len(distinct) - most:,} more" if len(distinct) > most else ""
    return f"{', '.join(distinct[:most])}{more}"


@dataclass(frozen=True)
class Question:
    """A question: its arguments, the clock of the person, the accepted exceptions, the most bytes of its answer."""

    catalog: Catalog
    values: Mapping[str, Any]
    clock: Clock
    accepted: tuple[Acceptance, ...]
    progress: Report
    room: int

    @property
    def json(self) -> bool:
        """Whether the answer is to be JSON."""
        return self.values.get("output") == "json"

    def page(self, rows: Sequence[T]) -> Sequence[T]:
        """The rows from `offset` on, as many as asked for: of JSON all. InputError for an offset behind the last."""
        offset = self.offset
        if offset and offset >= len(rows):
            last = f"the last row is {len(rows) - 1}" if rows else "there are no rows"
            raise InputError(f"offset {offset}: {last}, counted from 0.")
        limit = self.values.get("limit", None if self.json else ROWS)
        return rows[offset:] if limit is None else rows[offset : offset + int(limit)]

    @property
    def offset(self) -> int:
        """How many rows are passed over."""
        return int(self.values.get("offset", 0))

    def fit(self, value: Mapping[str, Any], name: str, estate: Estate) -> Answer:
        """JSON with the rows under `name` as far as there is room; `nextOffset` is where the rest begins."""
        rows = value[name]
        page = self.page(rows)
        whole = {**value, name: page, "coverage": estate.coverage.value()}
        fitting = answer.fit_json(whole, name, self.room)
        end = self.offset + len(fitting[name])
        if end < len(rows):
            fitting["leftOut"] = f"{len(rows) - end:,} {name} follow: ask again with offset {end}."
            fitting["nextOffset"] = end
            if page and not fitting[name]:
                fitting["leftOut"] = f"{len(rows) - end:,} {name}: the answer's budget has no room for one."
        return Answer(value=fitting)

    async def ask(self, work: Callable[[sqlite3.Connection, Estate], T]) -> tuple[T, Estate]:
        """What `work` finds over the estate as it is now, in a thread, and that estate. Waits as `Catalog.ask` does."""

        def within(connection: sqlite3.Connection, covered: Coverage) -> tuple[T, Estate]:
            estate = reading.read(connection, covered)
            return work(connection, estate), estate

        return await self.catalog.ask(within, progress=self.progress)

    async def answer(self, work: Callable[[sqlite3.Connection, Estate], Answer]) -> Answer:
        """The answer that `work` makes in the thread: tables of thousands of rows hold up nobody there."""
        made, _ = await self.ask(work)
        return made


@dataclass
class Reply:
    """An answer in the making: `head`, a table of all `rows` under `title`, `tail`; `rest`: where else the rest is.

    `few`: all rows are shown where no limit was given; `total`: how many there are, where `rows` is not all.
    """

    head: list[str] = field(default_factory=list)
    title: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    rest: str = ""
    tail: list[str] = field(default_factory=list)
    few: bool = False
    total: int = 0

    def render(self, question: Question, estate: Estate) -> Answer:
        """The lines, within the room of the question: whole rows are left out, and counted."""
        ends = [*self.tail, *filter(None, (question.clock.note(),)), *answer.coverage_lines(estate.coverage)]
        head = [sanitize.cell(line, 900) for line in self.head]
        body: list[str] = []
        page = self.rows if self.few and "limit" not in question.values else question.page(self.rows)
        fitting = 0
        if page:
            left = question.room - sum(len(line.encode()) + 1 for line in (*head, self.title, *ends)) - 160
            names = list(dict.fromkeys(n for row in page for n, value in row.items() if value not in (None, "")))
            body, fitting = answer.table(names, page, estate.coverage.now, left)
            body = [self.title, *body] if self.title else body
        end = question.offset + fitting
        total = max(self.total, len(self.rows))
        if fitting < total:
            first = f"{question.offset + 1:,} to {end:,}" if question.offset else f"{fitting:,}"
            following = f" The next: offset {end}." if fitting > 0 and end < total else ""
            body.append(f"{first} of {total:,} shown.{following} {self.rest}".strip())
        return Answer(lines=(*head, *body, *ends))


async def question(catalog: Catalog, values: Mapping[str, Any], progress: Report) -> Question:
    """The question of a call. InputError for a zone that is none, SettingsError for a file of exceptions."""
    settings = catalog.settings
    person = clock(catalog.api.now(), values.get("timeZone") or settings.timezone)
    accepted = await anyio.to_thread.run_sync(exceptions.load, settings.exceptions, person)
    whole = "limit" in values or values.get("output") == "json"
    room = int(settings.budget * MOST_BYTES_PER_TOKEN) - BESIDE
    room = room if whole else min(room, int(TOKENS * BYTES_PER_TOKEN))
    return Question(catalog, values, person, accepted, progress, room)


def answer_for(tool: str) -> Callable[[Question], Awaitable[Answer]]:
    """The function that answers a question over the estate: `answer` of the module that bears its tool's name."""
    function: Callable[[Question], Awaitable[Answer]] = import_module(f".{tool}", __package__).answer
    return function
