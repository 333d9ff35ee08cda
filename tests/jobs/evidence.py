"""The rule of the yardstick: an argument's value comes from the question or from an earlier answer of the server.

What counts as evidence, and what needs none:

* Names of tools, arguments and attributes, and words of the filter's grammar, are the language: no evidence needed. Nor
  do true, false, null, 0 and 1, how much to read (`limit`, `offset`, `seconds`: up to 1,000), the LIMIT of a query and
  the numbers of its columns, and
  any value that the tool's own schema shows at this place (an enum, a default, a number or quoted example of the
  description).
* Words in capitals that the service's public description contains (FAILED, CLOUD_BACKUP) name nothing of a tenant: they
  may stand in expressions, and so may literals that the tool's own description shows, and the numbers by which units of
  time and size convert.
* Any other string must stand whole in the question or in an answer, not as part of a longer word. In `filter`, `where`
  and `sql` this holds for each quoted literal, number and time; names of attributes and columns are language.
* Any other number must stand there as a number.
* A time must be one that was shown, to the minute, in whatever spelling; a time without a time of day counts as its
  midnight. What follows from a shown time by arithmetic is registered by `shift`, whose amounts must be shown too
  (yesterday and tomorrow show 1).
* `run_plan` takes calls: each is checked as a call of its own tool.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Schema = Mapping[str, Any]

FREE = ("limit", "offset", "seconds")  # how much to read is the caller's to say
FREE_MOST = 1000
UNITS = (0, 1, 7, 24, 31, 60, 100, 1024)  # by which units convert
EXPRESSIONS = ("filter", "where", "sql")
LANGUAGE = ("sort", "select")
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?")
NUMBER = re.compile(r"(?<![\w.,:-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w:]|[.-]\w)")
LITERAL = re.compile(r"'((?:[^']|'')*)'")
BARE = re.compile(r"(?<![\w./'-])\d+(?:\.\d+)?(?![\w./'-])")
LIMITED = re.compile(r"\b(?:LIMIT|OFFSET|(?:GROUP|ORDER)\s+BY)\s+\d+(?:\s*,\s*\d+)*", re.IGNORECASE)
WORDS = {"yesterday": 1, "tomorrow": 1, "last night": 1, "a day": 1, "an hour": 1, "a minute": 1}


class UnknownValue(Exception):
    """A script passed a value that neither the question nor an answer showed."""


def instant(text: str) -> datetime | None:
    """The time of a text, in UTC where it names no zone; None where it is no time."""
    try:
        time = datetime.fromisoformat(text.replace(" ", "T"))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


class Evidence:
    """What a script may know: texts shown so far, and times computed from what they showed."""

    def __init__(self, question: str, vocabulary: Collection[str] = ()) -> None:
        self.vocabulary = vocabulary
        self.texts: list[str] = []
        self.times: set[datetime] = set()
        self.numbers: set[float] = set()
        self.add(question)

    def add(self, text: str) -> None:
        """Count a text as shown."""
        self.texts.append(text)
        for match in TIME.findall(text):
            if time := instant(match):
                self.times.add(_minute(time))
        self.numbers.update(float(number.replace(",", "")) for number in NUMBER.findall(text))
        self.numbers.update(float(n) for n in re.findall(r"\d+(?:\.\d+)?(?= ?(?:min|[hdwmy%x])\b)", text))
        self.numbers.update(float(n) for word, n in WORDS.items() if word in text.lower())

    def shows(self, value: str) -> bool:
        """Whether a string stands whole in what was shown."""
        if not value:
            return False
        return any(_stands_in(value, text) for text in reversed(self.texts))

    def shift(self, base: str, **amounts: float) -> str:
        """A time so many days, hours or minutes from a shown one (all known), for use as an argument."""
        self.check_literal(base, "a base time")
        for amount in amounts.values():
            self.check_number(abs(amount), "a span")
        time = instant(base)
        assert time is not None, base
        moved = time + timedelta(**amounts)
        self.times.add(_minute(moved))
        return f"{moved:%Y-%m-%dT%H:%M:%SZ}"

    def check_number(self, value: float, where: str) -> None:
        """Raise unless the number was shown."""
        if float(value) not in self.numbers:
            raise UnknownValue(f"{where}: no answer showed the number {value}")

    def check_literal(self, value: str, where: str) -> None:
        """Raise unless the string was shown, or is a time that was."""
        if TIME.fullmatch(value):
            time = instant(value)
            if time and _minute(time) in self.times:
                return
        if not self.shows(value):
            raise UnknownValue(f"{where}: no answer showed {value!r}")

    def check_arguments(self, tool: str, schemas: Mapping[str, Schema], arguments: Mapping[str, Any]) -> None:
        """Raise UnknownValue for the first leaf of the arguments that nothing showed."""
        schema = schemas[tool]
        for name, value in arguments.items():
            where = f"{tool} {name}"
            if tool == "run_plan" and name == "calls":
                for call in value:
                    self.check_arguments(call["tool"], schemas, call["arguments"])
            elif name in LANGUAGE:
                continue
            elif name in EXPRESSIONS and isinstance(value, str):
                self._check_expression(value, where, str(schema.get("description", "")))
            else:
                self._check(value, schema.get("properties", {}).get(name, {}), where, free=name in FREE)

    def _check(self, value: Any, schema: Schema, where: str, *, free: bool = False) -> None:
        match value:
            case bool() | None:
                return
            case Mapping():
                for name, inner in value.items():
                    self._check(inner, schema.get("properties", {}).get(name, {}), f"{where}/{name}")
            case list():
                for inner in value:
                    words = " ".join(str(one.get("description", "")) for one in (schema, schema.get("items", {})))
                    self._check(inner, {**schema.get("items", {}), "description": words}, where)
            case int() | float():
                if value not in (0, 1) and not (free and 0 <= value <= FREE_MOST) and value not in _shown_by(schema):
                    self.check_number(value, where)
            case str():
                if value not in _shown_by(schema):
                    self.check_literal(value, where)
            case _:
                raise UnknownValue(f"{where}: a {type(value).__name__} is no value of JSON")

    def _check_expression(self, text: str, where: str, description: str) -> None:
        literals, rest = _split(text)
        for literal in literals:
            if literal not in self.vocabulary and not _stands_in(literal, description):
                self.check_literal(literal, where)
        for number in BARE.findall(rest):
            if float(number) not in UNITS:
                self.check_number(float(number), where)


def _stands_in(value: str, text: str) -> bool:
    """Whether a value stands whole in a text: not as part of a longer word, name or id."""
    return bool(re.search(rf"(?<![A-Za-z0-9_])(?<![A-Za-z0-9]-){re.escape(value)}(?!-?[A-Za-z0-9_])", text))


def _split(text: str) -> tuple[list[str], str]:
    literals = [literal.replace("''", "'").strip("%") for literal in LITERAL.findall(text)]
    rest = LITERAL.sub(" ", text)
    times = TIME.findall(rest)
    return [*(x for x in literals if x), *times], LIMITED.sub(" ", TIME.sub(" ", rest))


def _shown_by(schema: Schema) -> set[Any]:
    """The values that a schema itself shows: enum, const, default, and what its description quotes or gives as e.g."""
    result: set[Any] = {v for v in schema.get("enum", ()) if not isinstance(v, (dict, list))}
    result |= {schema[key] for key in ("const", "default") if isinstance(schema.get(key), (str, int, float))}
    text = str(schema.get("description", ""))
    result |= {int(number) for number in re.findall(r"(?<![\w.-])\d+(?![\w-]|\.\w)", text)}
    result |= set(re.findall(r'"([^"]+)"', text)) | set(re.findall(r"e\.g\. ([^\s,]+[^\s,.])", text))
    for branch in _branches(schema):
        result |= _shown_by(branch)
    return result


def _branches(schema: Schema) -> Iterator[Schema]:
    for key in ("anyOf", "oneOf", "allOf"):
        branches: Iterable[Schema] = schema.get(key, ())
        yield from branches


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
