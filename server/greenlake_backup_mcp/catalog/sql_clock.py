"""`'now'` in SQL is the moment of the answer: SQLite would take the clock of this machine, which is not the service's.

Knows SQLite's date functions and its tokens; runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

FIRST = frozenset(("date", "time", "datetime", "julianday", "unixepoch"))  # their first argument is a moment
LATER = frozenset(("strftime", "timediff"))  # a later one is, too
BARE = {"current_timestamp": "%Y-%m-%d %H:%M:%S", "current_date": "%Y-%m-%d", "current_time": "%H:%M:%S"}
_TOKEN = re.compile(
    r"""'(?:[^']|'')*(?:'|$) | "(?:[^"]|"")*(?:"|$) | `[^`]*(?:`|$) | \[[^\]]*(?:\]|$)
      | --[^\n]* | /\*.*?(?:\*/|$) | [^\W\d]\w* | \s+ | .""",
    re.DOTALL | re.VERBOSE,
)


def pin(sql: str, now: datetime) -> str:
    """The statement with the moment in place of 'now', CURRENT_TIMESTAMP and date functions without an argument."""
    return "".join(_pinned(sql, now.astimezone(UTC)))


def _pinned(sql: str, now: datetime) -> Iterator[str]:
    moment = f"'{now:%Y-%m-%d %H:%M:%S}'"
    calls: list[str] = []  # what the parentheses that are open belong to
    last = ""  # the token before, blanks and comments apart
    for part in _TOKEN.findall(sql):
        blank = part.isspace() or part.startswith(("--", "/*"))
        call = calls[-1] if calls else ""
        if part.casefold() == "'now'" and ((last == "(" and call in FIRST) or (last in "(," and call in LATER)):
            yield moment
        elif part == ")" and last == "(" and call in FIRST:
            yield f"{moment})"
        elif part.casefold() in BARE and last != ".":
            yield f"'{now.strftime(BARE[part.casefold()])}'"
        else:
            yield part
        if part == "(":
            calls.append(last.casefold())
        elif part == ")" and calls:
            calls.pop()
        if not blank:
            last = part
