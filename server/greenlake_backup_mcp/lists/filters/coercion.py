"""Values of `filter` and `where` in the form their attribute has: times, sizes, yes and no; what cannot be is refused.

A value that means nothing for its attribute would match everything or nothing, and an answer would look right.
Knows attributes and columns; must know nothing of HTTP or of what answers look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from greenlake_backup_mcp.errors import BackupError, InputError
from greenlake_backup_mcp.lists.views import column_types
from greenlake_backup_mcp.lists.views.column_types import ListView
from greenlake_backup_mcp.text import units

from .grammar import Comparison, Expression, Junction, Value, relative
from .matching import Kind

TIMES = "Times (UTC): 2026-01-31, '2026-01-31T08:00:00Z', now-24h, now+7d (m, h, d, w), today, yesterday."
BYTES = {"b": 1, "byte": 1, "bytes": 1} | {
    prefix + unit: base**power for power, prefix in enumerate("kmgtp", 1) for unit, base in (("b", 1000), ("ib", 1024))
}
DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_AMOUNT = re.compile(r"(-?\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d{1,2})?)\s*([a-z]+|%)?", re.IGNORECASE)

Form = Kind | Literal["size", "percent"]


@dataclass(frozen=True)
class Meaning:
    """What an attribute holds; of a size also how many bytes its unit has."""

    form: Form
    unit: int = 1


def meaning(name: str, kinds: Mapping[str, Kind], resource: ListView) -> Meaning:
    """What stands under a name: an attribute of the description, else a column of ours."""
    kind = kinds.get(name, "any")
    if kind == "number" and (column_types.BYTES.search(name) or column_types.MIB.search(name)):
        return Meaning("size", units.MIB if column_types.MIB.search(name) else 1)
    column = next((c for c in resource.every if c.name == name), None) if kind == "any" else None
    if column is None:
        return Meaning(kind)
    if column.show in column_types.TIMES:
        return Meaning("time")
    if column.show in ("size", "percent"):
        return Meaning("size" if column.show == "size" else "percent")
    held = {kinds.get(path, "any") for path in column.paths}
    return Meaning("number" if column.show == "count" else "flag" if held == {"flag"} else "any")


def coerce(
    expression: Expression, meant: Callable[[str], Meaning], *, argument: str, now: datetime, client_side: bool
) -> Expression:
    """The expression with its values in the form of their attributes. `client_side`: no service evaluates it."""
    if isinstance(expression, Junction):
        parts = tuple(
            coerce(part, meant, argument=argument, now=now, client_side=client_side) for part in expression.parts
        )
        return replace(expression, parts=parts)
    if expression.operator in ("contains", "startswith"):
        return replace(expression, values=expression.raw or expression.values)
    means = meant(expression.attribute)
    raw = expression.raw or tuple("" if value is None else str(value) for value in expression.values)
    pairs = list(zip(expression.values, raw, strict=True))
    equal = expression.operator in ("eq", "ne", "in", "holds")
    if means.form == "time" and equal and any(_is_day(text) for _, text in pairs):
        return _within_days(expression, pairs, argument, now, client_side)
    if means.form == "time" and expression.operator in ("gt", "le") and _is_day(pairs[0][1]):
        day = moment(pairs[0][1], now)
        if day is not None:
            return _past_day(expression, day, client_side)
    values: list[Value] = []
    for value, text in pairs:
        if client_side and equal and text.casefold() == "none":  # what our own counts call an absent value
            values += [None] if means.form not in ("text", "any") else ["none", None]
        else:
            values.append(_value(expression.attribute, means, (value, text), argument, now))
    if len(values) > len(pairs):
        inside = replace(expression, operator="in", values=tuple(values), raw=())
        return Junction("not", (inside,)) if expression.operator == "ne" else inside
    return replace(expression, values=tuple(values))


def _value(attribute: str, means: Meaning, pair: tuple[Value, str], argument: str, now: datetime) -> Value:
    """One value in the form of its attribute; BackupError where it has none."""
    value, text = pair
    if value is None or means.form == "any":
        return value
    if means.form == "text":
        return text
    if means.form == "time":
        if (when := moment(text, now)) is not None:
            return units.instant(when)
        raise _no(argument, attribute, "a time", text, TIMES)
    if means.form == "flag":
        flag = {"yes": True, "true": True, "no": False, "false": False}.get(text.casefold())
        if flag is not None:
            return flag
        raise _no(argument, attribute, "yes or no", text, f"{attribute} eq true, or {attribute} eq false.")
    amount = _amount(text, means)
    if amount is not None:
        return amount
    examples = {"size": "580000000000, 580 GB or 540 GiB", "percent": "85 or 85%"}.get(means.form, "12 or 1.5e3")
    raise _no(argument, attribute, "a number", text, f"For example {examples}.")


def _no(argument: str, attribute: str, what: str, text: str, hint: str) -> BackupError:
    return InputError(f"{argument}: {attribute} is {what}, and {text[:60]!r} is not.", hint=hint)


def moment(text: str, now: datetime) -> datetime | None:
    """The point in time that a text means: a date is its first moment in UTC."""
    if (when := relative(text.strip(), now)) is not None:
        return when
    if text.strip().lower() in DAYS:
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return day + timedelta(days=DAYS[text.strip().lower()])
    return units.parse_time(text.strip())


def _is_day(text: str) -> bool:
    return text.strip().lower() in DAYS or _DAY.fullmatch(text.strip()) is not None


def _within_days(
    comparison: Comparison, pairs: list[tuple[Value, str]], argument: str, now: datetime, client_side: bool
) -> Expression:
    """Equal to a day means within it; services compare with moments only."""
    name = comparison.attribute
    if not client_side:
        raise InputError(
            f"{argument}: no moment equals a whole day.",
            hint=f'Use where "{name} eq {pairs[0][1]}", or gt and lt with the moments around it.',
        )
    spans: list[Expression] = []
    for value, text in pairs:
        if _is_day(text) and (first := moment(text, now)) is not None:
            edges = [units.instant(edge) for edge in (first, first + timedelta(days=1))]
            after, before = (Comparison(name, op, (edge,)) for op, edge in zip(("ge", "lt"), edges, strict=True))
            spans.append(Junction("and", (after, before)))
        else:
            spans.append(Comparison(name, "eq", (_value(name, Meaning("time"), (value, text), argument, now),)))
    span = spans[0] if len(spans) == 1 else Junction("or", tuple(spans))
    return Junction("not", (span,)) if comparison.operator == "ne" else span


def _past_day(comparison: Comparison, day: datetime, client_side: bool) -> Comparison:
    """After a day means behind its end, up to a day means all of it: `le` is `lt` or `eq`, `gt` is neither."""
    end = day + timedelta(days=1)
    if not client_side:  # services know gt and le, with moments
        return replace(comparison, values=(units.instant(end - timedelta(microseconds=1)),), raw=())
    return replace(
        comparison, operator={"gt": "ge", "le": "lt"}[comparison.operator], values=(units.instant(end),), raw=()
    )


def _amount(text: str, means: Meaning) -> float | int | None:
    """The number that a text means, in the unit of the attribute."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or len(text) > 40:
        return None
    number = float(match[1].replace("_", "").replace(",", ""))
    unit = (match[2] or "").lower()
    if unit and means.form == "size":
        if unit not in BYTES:
            return None
        number = number * BYTES[unit] / means.unit
    elif unit and not (unit == "%" and means.form == "percent"):
        return None
    return int(number) if number.is_integer() else number
