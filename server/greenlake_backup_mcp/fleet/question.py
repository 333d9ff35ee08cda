"""A question over the estate: what was asked, by whose clock, and how its answer is put together.

An answer has some 1,200 tokens unless more rows are asked for; it ends with how to see the rest, then with what it
rests on. Knows the catalog and how things are said; judges nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio.to_thread

from greenlake_backup_mcp.catalog import answer
from greenlake_backup_mcp.catalog.answer import Answer
from greenlake_backup_mcp.catalog.catalog import Catalog
from greenlake_backup_mcp.catalog.read_coverage import Coverage
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.upstream.progress import Report

from . import exceptions, facts
from .clock import Clock, clock
from .exceptions import Acceptance
from .facts import Estate

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

    @property
    def limit(self) -> int:
        """How many rows are asked for."""
        return int(self.values.get("limit", ROWS))

    async def ask(self, work: Callable[[sqlite3.Connection, Estate], T]) -> tuple[T, Estate]:
        """What `work` finds over the estate as it is now, in a thread, and that estate. Waits as `Catalog.ask` does."""

        def within(connection: sqlite3.Connection, covered: Coverage) -> tuple[T, Estate]:
            estate = facts.read(connection, covered)
            return work(connection, estate), estate

        return await self.catalog.ask(within, progress=self.progress)


@dataclass
class Reply:
    """An answer in the making: `head`, a table of `rows` under `title`, `tail`.

    `total`: how many rows there are, where `rows` is not all; `rest`: how to see all of them.
    """

    head: list[str] = field(default_factory=list)
    title: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    total: int = 0
    rest: str = ""
    tail: list[str] = field(default_factory=list)

    def render(self, question: Question, estate: Estate) -> Answer:
        """The lines, within the room of the question: whole rows are left out, and counted."""
        ends = [*self.tail, *filter(None, (question.clock.note(),)), *answer.coverage_lines(estate.coverage)]
        head = [sanitize.cell(line, 900) for line in self.head]
        total = max(self.total, len(self.rows))
        body: list[str] = []
        fitting = 0
        if self.rows:
            left = question.room - sum(len(line.encode()) + 1 for line in (*head, self.title, *ends)) - 160
            names = list(dict.fromkeys(n for row in self.rows for n, value in row.items() if value not in (None, "")))
            body, fitting = answer.table(names, self.rows, estate.coverage.now, left)
            body = [self.title, *body] if self.title else body
        if fitting < total:
            body.append(f"{fitting:,} of {total:,} shown. {self.rest}".strip())
        return Answer(lines=(*head, *body, *ends))


async def question(catalog: Catalog, values: Mapping[str, Any], progress: Report) -> Question:
    """The question of a call. InputError for a zone that is none, SettingsError for a file of exceptions."""
    settings = catalog.settings
    accepted = await anyio.to_thread.run_sync(exceptions.load, settings.exceptions)
    whole = "limit" in values or values.get("output") == "json"
    room = int(settings.budget * MOST_BYTES_PER_TOKEN) - BESIDE
    room = room if whole else min(room, int(TOKENS * BYTES_PER_TOKEN))
    person = clock(catalog.api.now(), values.get("timeZone") or settings.timezone)
    return Question(catalog, values, person, accepted, progress, room)
