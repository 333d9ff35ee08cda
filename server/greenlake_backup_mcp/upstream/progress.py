"""Progress of one call, whatever it consists of: it rises with each message and never repeats.

The protocol asks for numbers that increase (MCP, "Progress"); clients keep a call alive as long as messages come.
Work that stands still therefore creeps towards the end of its part: the words say how far it really is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Report = Callable[[float, float | None, str], Awaitable[None]]
"""How long work says how far it is: done, of how many (None: not known), in words."""

TOTAL = 100.0
CREEP = 0.02  # of what is left of a part: so much a message without progress still rises


@dataclass
class _Position:
    """How far a call is, of 1; shared by its parts."""

    furthest: float = 0.0


@dataclass(frozen=True)
class Progress:
    """Where the messages of one call go, and which part of the whole they speak of.

    `await progress(done, total, words)` takes any unit; `total` None is work whose end is not known. What arrives at
    `send` is of 100, rises strictly and stays below the end of its part, which `end` alone reaches.
    """

    send: Report
    start: float = 0.0
    end: float = 1.0
    position: _Position = field(default_factory=_Position)

    async def __call__(self, done: float, total: float | None, words: str) -> None:
        """Say how far this part is: `done` of `total`."""
        last = self.position.furthest
        share = min(max(done / total, 0.0), 1.0) if total else 0.0
        reached = self.start + share * (self.end - self.start)
        if reached <= last:
            reached = last + CREEP * max(self.end - last, 0.0)
        if reached <= last:  # this part has said that it is over
            return
        self.position.furthest = reached
        await self.send(round(reached * TOTAL, 6), TOTAL, words)

    def split(self, share: float) -> tuple[Progress, Progress]:
        """Its first `share` (of 1), and the rest."""
        middle = self.start + share * (self.end - self.start)
        return (
            Progress(self.send, self.start, middle, self.position),
            Progress(self.send, middle, self.end, self.position),
        )

    def part(self, number: int, count: int) -> Progress:
        """The progress of part `number` (from 0) of `count` equal parts of this one."""
        width = (self.end - self.start) / max(count, 1)
        return Progress(self.send, self.start + number * width, self.start + (number + 1) * width, self.position)
