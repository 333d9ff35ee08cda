"""Bounds of the arguments of a call: how much they may hold, and what no request and no answer can carry.

Asked before anything else looks at them, whatever the description allows: masking, matching and validation may then
take arguments for small. Knows JSON values only; imports nothing of this package.
"""

from __future__ import annotations

import math
from typing import Any

DEEPEST = 64  # levels of nesting; no described body has more than 12
MOST_BITS = (
    64  # of a whole number, the largest that is described (int64); previews measure what is below (units.number)
)
LONGEST_NAME = 256  # characters of a property's name
SMALL = 16_384  # characters of the arguments of a tool that sends no body
LARGE = 262_144  # and of one that does: a group of 2,000 members has some 80,000
CHARACTERS_PER_VALUE = 4  # what a value counts at least: a comma, a colon, quotes


def excess(value: Any, most: int) -> str | None:
    """Why a value is too large to be looked at: more than `most` characters as JSON, about; None where it is not.

    Reads no further than that, in any order.
    """
    left = most
    waiting = [value]
    while waiting:
        held = waiting.pop()
        left -= CHARACTERS_PER_VALUE
        if isinstance(held, str):
            left -= len(held)
        elif isinstance(held, dict):
            for name in held:
                if len(name) > LONGEST_NAME:
                    return f"a name in them has {len(name):,} characters; none has more than {LONGEST_NAME}"
                left -= len(name)
            if left >= len(held):
                waiting += held.values()
            left -= len(held)
        elif isinstance(held, list):
            if left >= len(held):
                waiting += held
            left -= len(held)
        elif isinstance(held, int):
            left -= held.bit_length() // 4
        if left < 0:
            return f"they hold more than {most:,} characters"
    return None


def problem_with(value: Any, most: int) -> list[str]:
    """What no request and no answer can carry: numbers without end, halves of characters, nesting without end."""
    problems: list[str] = []
    level: list[tuple[str, Any]] = [("", value)]
    for _ in range(DEEPEST):
        inner: list[tuple[str, Any]] = []
        for where, held in level:
            name = where.removeprefix(".")[:120] or "the arguments"
            if isinstance(held, dict):
                if not all(_is_text(str(key)) for key in held):
                    problems.append(f"{name} has a name with half a character in it (a lone surrogate)")
                else:
                    inner += [(f"{where}.{key}"[:130], item) for key, item in held.items()]
            elif isinstance(held, list):
                inner += [(f"{where}[{n}]"[:130], item) for n, item in enumerate(held)]
            elif isinstance(held, str) and not _is_text(held):
                problems.append(f"{name} has half a character in it (a lone surrogate); wanted: whole ones")
            elif isinstance(held, float) and not math.isfinite(held):
                problems.append(f"{name} is {held}; wanted: a finite number")
            elif isinstance(held, int | float) and (bits := int(held).bit_length()) > MOST_BITS:
                problems.append(f"{name} is a number of {int(bits * 0.30103) + 1:,} digits; no number here is")
            if len(problems) > most:
                return problems
        level = inner
        if not level:
            return problems
    return [*problems, f"the arguments nest more than {DEEPEST} levels deep"]


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
