"""What becomes of an expression: text for the service, or a test of one item here.

Knows the grammar's expressions, no list, no service and no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from greenlake_backup_mcp.text.units import parse_time

from .grammar import NUMBER, Comparison, Expression, Junction, Value

Kind = Literal["text", "number", "flag", "time", "any"]
Values = Callable[[str], Sequence[Any]]
"""What an item has under an attribute: every value, also of each element of a list on the way."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")

# --- towards the service -------------------------------------------------------------------------------------------


def comparisons(expression: Expression) -> Iterator[Comparison]:
    """Every comparison of the expression."""
    if isinstance(expression, Comparison):
        yield expression
    else:
        for part in expression.parts:
            yield from comparisons(part)


def has_time(expression: Expression) -> bool:
    """Whether it compares with a point in time, which services want quoted or bare, we know not which."""
    return any(isinstance(v, str) and _TIME.fullmatch(v) for c in comparisons(expression) for v in c.values)


def to_query(expression: Expression, kinds: Mapping[str, Kind], *, bare_times: bool = False) -> str:
    """The filter for the service: text in single quotes with quotes doubled, numbers and flags as they are."""
    if isinstance(expression, Junction):
        return f" {expression.word} ".join(to_query(part, kinds, bare_times=bare_times) for part in expression.parts)
    kind = kinds.get(expression.attribute, "any")
    values = [_wire_literal(value, kind, bare_times) for value in expression.values]
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
    found = [
        f"{part.attribute} contains {_wire_literal(part.values[0], 'text', bare_times=False)}"
        if isinstance(part, Comparison)
        and part.operator == "eq"
        and kinds.get(part.attribute) == "text"
        and part.values[0] is not None
        else told
        for part, told in zip(parts, whole, strict=True)
    ]
    return " and ".join(found) if found != whole else None


def _wire_literal(value: Value, kind: Kind, bare_times: bool) -> str:
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
    if bare_times and kind in ("time", "any") and _TIME.fullmatch(value):
        return value
    return "'" + value.replace("'", "''") + "'"


# --- here ----------------------------------------------------------------------------------------------------------


def matches(expression: Expression, values: Values) -> bool:
    """Whether an item fits. Text is compared without regard to case; an absent value equals null and nothing else."""
    if isinstance(expression, Comparison):
        return _fits(expression, [v for v in values(expression.attribute) if v is not None])
    if expression.word == "and":
        return all(matches(part, values) for part in expression.parts)
    if expression.word == "or":
        return any(matches(part, values) for part in expression.parts)
    return not matches(expression.parts[0], values)


def _fits(comparison: Comparison, found: Sequence[Any]) -> bool:
    wanted, operator = comparison.values, comparison.operator
    if operator in ("eq", "in", "holds"):
        return any(equal(have, want) for want in wanted for have in found) or (None in wanted and not found)
    if operator == "ne":
        return not _fits(Comparison(comparison.attribute, "eq", wanted), found)
    if operator == "contains":
        return any(str(wanted[0]).casefold() in str(have).casefold() for have in found)
    if operator == "startswith":
        return any(str(have).casefold().startswith(str(wanted[0]).casefold()) for have in found)
    return any(_ordered(operator, have, wanted[0]) for have in found)


def equal(have: Any, want: Value) -> bool:
    """Whether a value of an item is the one meant: 'true' is true, '5' is 5, times are points in time."""
    if isinstance(have, bool) or isinstance(want, bool):
        return str(have).lower() == str(want).lower()
    if isinstance(have, (int, float)) or isinstance(want, (int, float)):
        return _number(have) is not None and _number(have) == _number(want)
    if not isinstance(have, str) or not isinstance(want, str):
        return False
    return have.casefold() == want.casefold() or (
        have[:4].isdigit() and (when := parse_time(have)) is not None and when == parse_time(want)
    )


def _ordered(operator: str, have: Any, want: Value) -> bool:
    pair = _comparable(have, want)
    if pair is None:
        return False
    one, other = pair
    return bool({"gt": one > other, "ge": one >= other, "lt": one < other, "le": one <= other}[operator])


def _comparable(have: Any, want: Value) -> tuple[Any, Any] | None:
    """The two in a form that has an order, or None."""
    numbers = _number(have), _number(want)
    if None not in numbers:
        return numbers
    if not isinstance(have, str) or not isinstance(want, str):
        return None
    times = parse_time(have), parse_time(want)
    if None not in times:
        return times
    return (have.casefold(), want.casefold()) if times[0] is None else None  # a time has no order among texts


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    return float(value) if isinstance(value, str) and len(value) < 30 and NUMBER.fullmatch(value) else None
