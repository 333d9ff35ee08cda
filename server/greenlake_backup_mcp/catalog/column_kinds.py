"""What a column of the catalog is: where of an item it is read from, how it is kept, what it means.

Knows items as the service sends them; no SQL, no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.text import units

Kind = Literal["text", "past", "future", "size", "number", "flag"]
"""How a value is kept: text, a moment behind or ahead (seconds since 1970), bytes, a number, 0 or 1."""

Item = Mapping[str, Any]
Read = Callable[[Item, Sequence[str]], Any]

DAYS = {"HOURS": 1 / 24, "DAYS": 1, "WEEKS": 7, "MONTHS": 30, "YEARS": 365}
LONGEST = 2000  # characters of a text that are kept: some fifty ids


@dataclass(frozen=True)
class Field:
    """A column: its name, the paths of an item it is read from (the first with a value), its kind, its meaning."""

    name: str
    comment: str
    paths: tuple[str, ...]
    kind: Kind = "text"
    read: Read = field(default=extractors.first, repr=False)

    def value(self, item: Item) -> Any:
        """The value for a row; None where the item has none, or none of the kind."""
        return convert(self.read(item, self.paths), self.kind)


def convert(value: Any, kind: Kind) -> Any:
    """A value of an item as it is kept."""
    if value is None:
        return None
    if kind == "text":
        if isinstance(value, list):
            value = ", ".join(extractors.text(one) for one in value)
        return storable(extractors.text(value)[:LONGEST]) or None
    if kind in ("past", "future"):
        return seconds(value)
    if kind == "flag":
        return int(value) if isinstance(value, bool) else None
    number = units.number(value)
    if number is None or abs(number) >= 2**63:
        return None
    return int(number) if float(number).is_integer() else number


def storable(text: str) -> str:
    """The text without what a database cannot hold: halves of letters, and the zero that ends texts."""
    return (
        text.encode("utf-8", "replace").decode().replace("\x00", "") if not text.isascii() or "\x00" in text else text
    )


def seconds(value: Any) -> int | None:
    """Seconds since 1970 of an RFC 3339 text; None for anything else."""
    when = units.parse_time(value)
    return None if when is None else int(when.timestamp())


def row(fields: Iterable[Field], item: Item) -> tuple[Any, ...]:
    """The values of an item, in the order of the fields."""
    return tuple(one.value(item) for one in fields)


# --- what schedules hold -------------------------------------------------------------------------------------------


def interval(item: Item, paths: Sequence[str]) -> Any:
    """Each how many of its units a schedule runs: 1 where it does not say, None where there is no schedule."""
    every_n = extractors.first(item, [f"{paths[0]}/repeatInterval/every"])
    return 1 if every_n is None and isinstance(item.get(paths[0]), dict) else every_n


def whole_numbers(item: Item, paths: Sequence[str]) -> str:
    """The numbers under a path, comma-separated."""
    numbers = (units.number(value) for value in extractors.values_at(item, paths[0]))
    return ",".join(str(int(n)) for n in numbers if n is not None)


def days(item: Item, paths: Sequence[str]) -> float | None:
    """How many days a period {value, unit} is."""
    amount = units.number(extractors.first(item, [f"{paths[0]}/value"]))
    unit = DAYS.get(extractors.text(extractors.first(item, [f"{paths[0]}/unit"])))
    return None if amount is None or unit is None else round(amount * unit, 3)


def period(item: Item, paths: Sequence[str]) -> str:
    """A period as it is written: 14 DAYS."""
    return " ".join(
        extractors.text(extractors.first(item, [f"{paths[0]}/{part}"])) for part in ("value", "unit")
    ).strip()


def any_set(item: Item, paths: Sequence[str]) -> bool:
    """Whether an object has any value."""
    held = item.get(paths[0])
    return isinstance(held, dict) and any(held.values())


# --- columns -------------------------------------------------------------------------------------------------------


class Maker(Protocol):
    """Makes columns of one kind; the name itself is the path where none is given."""

    def __call__(self, name: str, comment: str, *paths: str, read: Read = ...) -> Field:
        """The column, read in another way where one is given."""


def _maker(kind: Kind, read: Read = extractors.first) -> Maker:
    def make(name: str, comment: str, *paths: str, read: Read = read) -> Field:
        return Field(name, comment, paths or (name,), kind, read)

    return make


text = _maker("text")
every = _maker("text", extractors.every)  # all values under the paths, joined by commas
word = _maker("text", extractors.word)  # a state without its family name: PSG_HEALTH_STATE_OK is OK
past = _maker("past")  # a moment that lies behind; a view adds its age in hours
future = _maker("future")  # a moment that lies ahead; a view adds how many days
size = _maker("size", extractors.total_bytes)  # bytes; a view shows GiB
number = _maker("number")
count = _maker("number", extractors.amount)  # how many elements a list has
flag = _maker("flag")  # yes or no, kept as 1 or 0
