"""What becomes of an expression: text for the service, or a test of one item here.

Knows the grammar's expressions, no list, no service and no HTTP.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from greenlake_backup_mcp.text.units import parse_time

from .grammar import NUMBER, Comparison, Expression, Junction, Value

Kind = Literal["text", "number", "flag", "time", "any"]
Getter = Callable[[str], Callable[[Any], Sequence[Any]]]
"""Attribute → what reads it out of an item: every value, also of each element of a list on the way."""

# --- towards the service -------------------------------------------------------------------------------------------


def comparisons(expression: Expression) -> Iterator[Comparison]:
    """Every comparison of the expression."""
    if isinstance(expression, Comparison):
        yield expression
    else:
        for part in expression.parts:
            yield from comparisons(part)


def ordered_attributes(expression: Expression) -> list[str]:
    """The attributes that it compares by size or time: an item without a value is on neither side."""
    return list(dict.fromkeys(c.attribute for c in comparisons(expression) if c.operator in ("lt", "le", "gt", "ge")))


def to_query(expression: Expression, kinds: Mapping[str, Kind]) -> str:
    """The filter for the service: text in single quotes with quotes doubled, numbers and flags as they are."""
    if isinstance(expression, Junction):
        return f" {expression.word} ".join(to_query(part, kinds) for part in expression.parts)
    kind = kinds.get(expression.attribute, "any")
    values = [_wire_literal(value, kind) for value in expression.values]
    if expression.operator == "holds":
        return f"{values[0]} in {expression.attribute}"
    if expression.operator == "in":
        return f"{expression.attribute} in ({','.join(values)})"
    if expression.operator in ("contains", "startswith"):
        return f"{expression.operator}({expression.attribute},{values[0]})"
    return f"{expression.attribute} {expression.operator} {values[0]}"


def loosen(expression: Expression, kinds: Mapping[str, Kind]) -> str | None:
    """The expression for `where`, with parts of texts in place of whole ones; None where it compares no text."""
    parts = expression.parts if isinstance(expression, Junction) else (expression,)
    whole = [to_query(part, kinds) for part in parts]
    loose = [
        f"{part.attribute} contains {_wire_literal(part.values[0], 'text')}"
        if isinstance(part, Comparison)
        and part.operator == "eq"
        and kinds.get(part.attribute) == "text"
        and part.values[0] is not None
        else exact
        for part, exact in zip(parts, whole, strict=True)
    ]
    return " and ".join(loose) if loose != whole else None


def _wire_literal(value: Value, kind: Kind) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower() if kind != "text" else f"'{str(value).lower()}'"
    if isinstance(value, (int, float)):
        return f"'{value}'" if kind in ("text", "time") else str(value)
    if kind == "number" and NUMBER.fullmatch(value):
        return value
    if kind == "flag" and value.lower() in ("true", "false"):
        return value.lower()
    return "'" + value.replace("'", "''") + "'"


# --- here ----------------------------------------------------------------------------------------------------------


def compile_expression(expression: Expression, getter: Getter) -> Callable[[Any], bool]:
    """The test of one item. Text is compared without regard to case; an absent value equals null and nothing else.

    `getter` is asked once for each attribute. What stands in the expression is read here, once; what an item has under
    an attribute is read and converted once for all comparisons with it.
    """
    getters = {name: getter(name) for name in {c.attribute for c in comparisons(expression)}}
    test = _test_of(expression)
    return lambda item: test(_Row(item, getters))


class _Values:
    """What an item has under an attribute, as the forms in which it is compared; each made when first needed."""

    __slots__ = ("_folded", "_numbers", "_times", "values")

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values
        self._folded: Sequence[str] | None = None
        self._numbers: Sequence[float | int | None] | None = None
        self._times: Sequence[datetime | None] | None = None

    @property
    def folded(self) -> Sequence[str]:
        if self._folded is None:
            self._folded = [str(value).casefold() for value in self.values]
        return self._folded

    @property
    def numbers(self) -> Sequence[float | int | None]:
        if self._numbers is None:
            self._numbers = [_number(value) for value in self.values]
        return self._numbers

    @property
    def times(self) -> Sequence[datetime | None]:
        if self._times is None:
            self._times = [parse_time(value) for value in self.values]
        return self._times


class _Row:
    """An item under test, with the values that comparisons asked for."""

    __slots__ = ("_getters", "_item", "_read")

    def __init__(self, item: Any, getters: Mapping[str, Callable[[Any], Sequence[Any]]]) -> None:
        self._item = item
        self._getters = getters
        self._read: dict[str, _Values] = {}

    def values(self, name: str) -> _Values:
        read = self._read.get(name)
        if read is None:
            read = _Values([value for value in self._getters[name](self._item) if value is not None])
            self._read[name] = read
        return read


_Test = Callable[[_Row], bool]


def _test_of(expression: Expression) -> _Test:
    if isinstance(expression, Comparison):
        return _test_of_comparison(expression)
    tests = [_test_of(part) for part in expression.parts]
    if expression.word == "and":
        return lambda row: all(test(row) for test in tests)
    if expression.word == "or":
        return lambda row: any(test(row) for test in tests)
    inner = tests[0]
    return lambda row: not inner(row)


def _test_of_comparison(comparison: Comparison) -> _Test:
    name, word = comparison.attribute, comparison.operator
    if word in ("eq", "in", "holds"):
        return _equality(name, comparison.values)
    if word == "ne":
        equal = _equality(name, comparison.values)
        return lambda row: not equal(row)
    part = str(comparison.values[0]).casefold()
    if word == "contains":
        return lambda row: any(part in text for text in row.values(name).folded)
    if word == "startswith":
        return lambda row: any(text.startswith(part) for text in row.values(name).folded)
    return _order(name, word, comparison.values[0])


def _equality(name: str, wanted: Sequence[Value]) -> _Test:
    """Whether a value is one of those meant: 'true' is true, '5' is 5, times are points in time."""
    flags = {str(want).lower() for want in wanted if isinstance(want, bool)}
    plain = [want for want in wanted if want is not None and not isinstance(want, bool)]
    words = flags | {str(want).lower() for want in plain}
    numbers = {want for want in plain if not isinstance(want, str)}
    numeric = {number for want in plain if (number := _number(want)) is not None}
    texts = {want.casefold() for want in plain if isinstance(want, str)}
    times = {when for want in plain if (when := parse_time(want)) is not None}
    absent = None in wanted

    def test(row: _Row) -> bool:
        held = row.values(name)
        if not held.values:
            return absent
        for place, value in enumerate(held.values):
            if isinstance(value, bool):
                equal = str(value).lower() in words
            elif isinstance(value, (int, float)):
                equal = value in numeric
            elif isinstance(value, str):
                equal = held.folded[place] in texts or (bool(flags) and value.lower() in flags)
                equal = equal or (bool(numbers) and held.numbers[place] in numbers)
                equal = equal or (bool(times) and held.times[place] in times)
            else:
                equal = False
            if equal:
                return True
        return False

    return test


def _order(name: str, word: str, want: Value) -> _Test:
    """Whether a value stands before or behind the one meant, as numbers, points in time or texts."""
    compare = _ORDERS[word]
    number, text = _number(want), want.casefold() if isinstance(want, str) else None
    when = parse_time(want)

    def test(row: _Row) -> bool:
        held = row.values(name)
        for place, value in enumerate(held.values):
            if number is not None and (have := held.numbers[place]) is not None:
                fits = compare(have, number)
            elif text is None or not isinstance(value, str):
                fits = False
            elif (moment := held.times[place]) is None:
                fits = compare(held.folded[place], text)
            else:
                fits = when is not None and compare(moment, when)  # a time has no order among texts
            if fits:
                return True
        return False

    return test


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    return float(value) if isinstance(value, str) and len(value) < 30 and NUMBER.fullmatch(value) else None
