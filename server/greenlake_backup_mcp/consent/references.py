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

WholeDifference = tuple[str, tuple[str, ...], datetime]
"""Whose it is, its lines, and until when it can be read."""


@dataclass
class References:
    """The whole differences of a process."""

    differences: dict[str, WholeDifference] = field(default_factory=dict)

    def keep(self, principal: str, lines: tuple[str, ...], until: datetime, now: datetime) -> str:
        """The reference under which a difference can be read until then; the same one again for the same lines."""
        current = {reference: one for reference, one in self.differences.items() if one[2] > now}
        difference = principal, lines, until
        reference = next((r for r, one in current.items() if one == difference), f"D-{secrets.token_hex(8)}")
        current[reference] = difference
        letters = sum(_letters(one[1]) for one in current.values())
        while len(current) > MOST_KEPT or (letters > MOST_LETTERS and len(current) > 1):
            letters -= _letters(current.pop(next(iter(current)))[1])
        self.differences = current
        return reference

    def whole(self, principal: str, reference: str, now: datetime) -> tuple[str, ...]:
        """All lines; InputError for what this caller cannot read."""
        owner, lines, until = self.differences.get(reference, ("", (), now))
        if owner != principal or until <= now:
            raise InputError(
                "There is no such difference for this caller, or not any more.",
                hint="A reference holds as long as its code, in the process that gave it; preview the call again.",
            )
        return lines

    def part(self, principal: str, reference: str, number: int, now: datetime) -> tuple[str, ...]:
        """The lines of a part (from 1), after one that says which; InputError as `whole`."""
        lines = self.whole(principal, reference, now)
        parts = list(_parts(lines))
        if not 1 <= number <= len(parts):
            raise InputError(f"The difference has {len(parts)} parts; there is no part {number}.")
        head = f"The whole difference, part {number} of {len(parts)} ({len(lines):,} lines in all)."
        return (head, *parts[number - 1])


def _letters(lines: tuple[str, ...]) -> int:
    return sum(map(len, lines))


def _parts(lines: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    part: list[str] = []
    for line in lines:
        if part and _letters(tuple(part)) + len(line) > PART:
            yield tuple(part)
            part = []
        part.append(line)
    yield tuple(part)
