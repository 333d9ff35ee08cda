"""What no request and no answer can carry, whatever the description allows.

Knows JSON values only; imports nothing of this package.
"""

from __future__ import annotations

import math
from typing import Any

DEEPEST = 64  # levels of nesting; no described body has more than 12
MOST_BITS = 128  # of a whole number: far beyond any that is described


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
                    inner += [(f"{where}.{key}", item) for key, item in held.items()]
            elif isinstance(held, list):
                inner += [(f"{where}[{n}]", item) for n, item in enumerate(held)]
            elif isinstance(held, str) and not _is_text(held):
                problems.append(f"{name} has half a character in it (a lone surrogate); wanted: whole ones")
            elif isinstance(held, float) and not math.isfinite(held):
                problems.append(f"{name} is {held}; wanted: a finite number")
            elif isinstance(held, int) and held.bit_length() > MOST_BITS:
                problems.append(
                    f"{name} is a number of {int(held.bit_length() * 0.30103) + 1:,} digits; no number here is"
                )
        level = inner
        if not level or len(problems) > most:
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
