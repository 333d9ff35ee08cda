"""Whole differences by a public reference: what a preview folds can be read, by its caller alone, while its code lives.

A reference gives no consent, so that it may stand where a code may not. Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from greenlake_backup_mcp.errors import InputError

MOST_KEPT = 200  # differences of a process; the oldest go
MOST_LETTERS = 8_000_000  # of all of them
PART = 12_000  # letters of a part


@dataclass(frozen=True)
class WholeDifference:
    """A difference that a preview told of."""

    principal: str
    lines: tuple[str, ...]
    until: datetime

    @property
    def letters(self) -> int:
        """How long it is."""
        return sum(map(len, self.lines))


@dataclass
class References:
    """The whole differences of a process."""

    differences: dict[str, WholeDifference] = field(default_factory=dict)

    def keep(self, principal: str, lines: tuple[str, ...], until: datetime, now: datetime) -> str:
        """The reference under which a difference can be read until then; the same one again for the same lines."""
        difference = WholeDifference(principal, lines, until)
        for reference in [r for r, one in self.differences.items() if one.until <= now]:
            del self.differences[reference]
        if (same := next((r for r, one in self.differences.items() if one == difference), None)) is not None:
            return same
        while self.differences and (
            len(self.differences) >= MOST_KEPT or self._letters() + difference.letters > MOST_LETTERS
        ):
            del self.differences[next(iter(self.differences))]
        reference = f"D-{secrets.token_hex(8)}"
        self.differences[reference] = difference
        return reference

    def whole(self, principal: str, reference: str, now: datetime) -> tuple[str, ...]:
        """All lines; InputError for what this caller cannot read."""
        one = self.differences.get(reference)
        if one is None or one.principal != principal or one.until <= now:
            raise InputError(
                "There is no such difference for this caller, or not any more.",
                hint="A reference holds as long as its code, in the process that gave it; preview the call again.",
            )
        return one.lines

    def part(self, principal: str, reference: str, number: int, now: datetime) -> tuple[str, ...]:
        """The lines of a part (from 1), after one that says which; InputError as `whole`."""
        lines = self.whole(principal, reference, now)
        parts = list(_parts(lines))
        if not 1 <= number <= len(parts):
            raise InputError(f"The difference has {len(parts)} parts; there is no part {number}.")
        head = f"The whole difference, part {number} of {len(parts)} ({len(lines):,} lines in all)."
        return (head, *parts[number - 1])

    def _letters(self) -> int:
        return sum(one.letters for one in self.differences.values())


def _parts(lines: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    part: list[str] = []
    size = 0
    for line in lines:
        if part and size + len(line) > PART:
            yield tuple(part)
            part, size = [], 0
        part.append(line)
        size += len(line)
    yield tuple(part)
