"""The server's text answers read as data, as a model reads them: tables, labelled lines, summaries."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

TIMES = re.compile(r"\s+\(times [^)]*\)$")
ABOVE = ("Same in all rows below", "Empty in all rows below", "= means")
END = re.compile(r"(?:\d+ rows?|Rows? \d+.*|As of .*)\.?$")


def table(text: str) -> list[Row]:
    """The rows of a table: a line of column names joined by |, then a line per row; `=` is spelt out above it."""
    lines = text.splitlines()
    for moment, line in enumerate(lines):
        columns = TIMES.sub("", line).split("|")
        alone = moment == 0 or lines[moment - 1].startswith(ABOVE)  # what all rows share stands above a single column
        if (len(columns) < 2 and not alone) or not all(re.fullmatch(r"[A-Za-z][\w/]*", c) for c in columns):
            continue
        rows = []
        for other in lines[moment + 1 :]:
            cells = other.split("|")
            if len(cells) != len(columns) or END.match(other):
                break
            rows.append(dict(zip(columns, cells, strict=True)))
        means = _pairs("; ".join(re.findall(r"^= means: (.*)$", text, re.MULTILINE)), columns)
        same = _pairs("; ".join(re.findall(r"^Same in all rows below: (.*)$", text, re.MULTILINE)), None)
        empty = re.findall(r"^Empty in all rows below: (.*)$", text, re.MULTILINE)
        same |= dict.fromkeys(", ".join(empty).split(", "), "") if empty else {}
        return [same | {c: means.get(c, v) if v == "=" else v for c, v in row.items()} for row in rows]
    return []


def _pairs(text: str, names: list[str] | None) -> dict[str, str]:
    """`name value, name value` as a dictionary; values may hold commas where the names are known."""
    existing = "|".join(map(re.escape, names)) if names else r"[a-zA-Z]\w*"
    parts = re.split(rf"(?:^|, )(?=(?:{existing}) )", text)
    return dict(part.split(" ", 1) for part in parts if " " in part)


def detail(text: str) -> Row:
    """`label: value` lines as a dictionary; indented lines belong to the label above and are kept joined."""
    collected: dict[str, str] = {}
    label = ""
    for line in text.splitlines():
        if line.startswith((" ", "-")) and label:
            collected[label] += "\n" + line
        elif match := re.match(r"([A-Za-z][\w/]*)(?: \(\d+\))?: ?(.*)$", line):
            label = match[1]
            collected[label] = match[2]
    return collected


def summary_counts(text: str, attribute: str) -> dict[str, int]:
    """`attribute: VALUE 12, "two words" 3` as counts by value."""
    match = re.search(rf"^{re.escape(attribute)}(?: \([^)]*\))?: (.*)$", text, re.MULTILINE)
    if not match:
        return {}
    pairs = re.findall(r'("[^"]*"|[^,"]+?) ([\d,]+)(?:, |$)', match[1])
    return {name.strip('"'): int(number.replace(",", "")) for name, number in pairs}


def time(cell: str) -> datetime | None:
    """The time of a cell such as `2026-11-24 06:11 -108min` or `2026-12-07 +13d`; to the minute, or the day."""
    match = re.match(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?", cell or "")
    if not match:
        return None
    return datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}").replace(tzinfo=UTC)


def size(text: str) -> float:
    """Bytes of `21.6 GiB`; 0 where there is none."""
    match = re.match(r"([\d.,]+) (B|KiB|MiB|GiB|TiB|PiB)", text or "")
    if not match:
        return 0.0
    return float(match[1].replace(",", "")) * 1024.0 ** ("B", "KiB", "MiB", "GiB", "TiB", "PiB").index(match[2])
