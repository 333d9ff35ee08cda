"""The grammar of `filter` and `where`: text → expression.

    comparison   <attribute> eq|ne|gt|ge|lt|le|contains|startswith <value> · <value> in <attribute> · <attribute> in (…)
    joined by    and · or · not · ( )
    value        'text' ('' is a quote) · 12.5 · true · null · 2026-01-31T00:00:00Z · now · now-24h · now+7d

Takes what people write besides: `==`, `!=`, `>=`, text without quotes, a whole filter in double quotes.
Knows no list, no service and no HTTP: which of this a list understands is in capabilities.py; what becomes of an
expression is in matching.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NoReturn

from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import units

LONGEST = 4000  # characters of an expression
DEEPEST = 40  # levels of parentheses and `not`

Value = str | int | float | bool | None

GRAMMAR = (
    "<attribute> <operator> <value>, joined with and. Text in single quotes, a quote in it doubled: name eq 'db-01'. "
    "Times: pointInTime gt '2026-01-31T00:00:00Z' or pointInTime gt now-24h (m, h, d, w)."
)
SPELLINGS = {
    "==": "eq",
    "=": "eq",
    "!=": "ne",
    "<>": "ne",
    ">": "gt",
    ">=": "ge",
    "<": "lt",
    "<=": "le",
    "≥": "ge",
    "≤": "le",
    "≠": "ne",
    "like": "contains",
}
OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le", "in", "contains", "startswith")
KEYWORDS = ("and", "or", "not", "in")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*+'|"(?:[^"\\]|\\.)*+"|‘[^‘’]*’|‚[^‘’‚]*[‘’]|’[^’]*’|“[^“”]*”|„[^“”„]*[“”]|”[^”]*”|«[^«»]*»|‹[^‹›]*›|＇[^＇]*＇|＂[^＂]*＂)
    | (?P<mark><=|>=|<>|!=|==|[=<>(),\[\]≤≥≠])
    | (?P<word>[^\s'"=<>!(),\[\]≤≥≠‘‚“”„«»‹›＇＂’`´]+(?:’[^\s'"=<>!(),\[\]≤≥≠‘‚“”„«»‹›＇＂’`´]+)*)
    )""",
    re.VERBOSE,
)
QUOTES = "'\"‘‚’“”„«»‹›＇＂`´"  # straight ones, and those that word processors and chats make of them
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_RELATIVE = re.compile(r"now(?:\s*([+\-−–])\s*(\d{1,6})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?))?", re.IGNORECASE)


@dataclass(frozen=True)
class Comparison:
    """`attribute operator value`. `in`: one of the values; `holds`: the attribute is a list with the value."""

    attribute: str
    operator: str
    values: tuple[Value, ...]
    raw: tuple[str, ...] = field(default=(), compare=False)  # the values as they were spelled: 007 is no 7 in a name


@dataclass(frozen=True)
class Junction:
    """`and`, `or` over parts; `not` over one."""

    word: Literal["and", "or", "not"]
    parts: tuple[Expression, ...]


Expression = Comparison | Junction


def parse(text: str, *, argument: str = "filter", now: datetime | None = None) -> Expression:
    """The expression of a text; a BackupError says where it breaks and what the grammar is."""
    if len(text) > LONGEST:
        raise InputError(f"{argument}: longer than {LONGEST} characters.", hint="Ask for less at once.")
    stripped = text.strip()
    ends = stripped[:1] + stripped[-1:]
    if len(stripped) > 1 and ends in ('""', "“”", "„“") and not set(ends).intersection(stripped[1:-1]):
        stripped = stripped[1:-1]  # the vendor's examples put a whole filter into double quotes
    return _Parser(stripped, argument, now or datetime.now(UTC)).whole()


class _Parser:
    """A recursive descent over the tokens of one text."""

    def __init__(self, text: str, argument: str, now: datetime) -> None:
        self.argument = argument
        self.now = now
        self.tokens = list(self._tokens(text))
        self.position = 0

    def _tokens(self, text: str) -> Iterator[tuple[str, str]]:
        start = 0
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None:
                if not text[start:].strip():
                    return
                what = "a quote that is not closed" if text[start:].lstrip()[0] in QUOTES else "an unexpected character"
                self._fail(f"{what} at {text[start : start + 30].strip()!r}")
            start = match.end()
            yield str(match.lastgroup), match.group(str(match.lastgroup))

    def _fail(self, problem: str) -> NoReturn:
        raise InputError(f"{self.argument}: {problem}.", hint=f"Grammar: {GRAMMAR}")

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else ("end", "")

    def _word(self, *words: str) -> bool:
        kind, token = self._peek()
        if (kind == "word" and token.lower() in words) or (kind == "mark" and token in words):
            self.position += 1
            return True
        return False

    def whole(self) -> Expression:
        if not self.tokens:
            self._fail("it is empty")
        expression = self._or(0)
        if self._peek()[0] != "end":
            self._fail(f"expected and, or, or the end before {self._peek()[1]!r}")
        return expression

    def _or(self, depth: int) -> Expression:
        parts = [self._and(depth)]
        while self._word("or"):
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def _and(self, depth: int) -> Expression:
        parts = [self._not(depth)]
        while self._word("and"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _not(self, depth: int) -> Expression:
        if depth > DEEPEST:
            self._fail(f"nested deeper than {DEEPEST} levels")
        if self._word("not"):
            return Junction("not", (self._not(depth + 1),))
        if self._word("("):
            inner = self._or(depth + 1)
            self._expect(")")
            return inner
        return self._comparison()

    def _expect(self, mark: str) -> None:
        if not self._word(mark):
            self._fail(f"expected {mark!r} before {self._peek()[1] or 'the end'!r}")

    def _comparison(self) -> Comparison:
        kind, token = self._peek()
        if kind == "word" and token.lower() in ("contains", "startswith") and self._peek(1) == ("mark", "("):
            self.position += 2
            attribute = self._attribute()
            self._expect(",")
            value, raw = self._value()
            self._expect(")")
            return Comparison(attribute, token.lower(), (value,), (raw,))
        if kind == "text" or (
            kind == "word" and self._peek(1) == ("word", "in") and _literal(token, self.now) != token
        ):
            value, raw = self._value()
            if not self._word("in"):
                self._fail(
                    f"expected `in` and an attribute after the value {token}; an attribute comes before eq, gt, …"
                )
            return Comparison(self._attribute(), "holds", (value,), (raw,))
        attribute = self._attribute()
        return self._compared(attribute)

    def _compared(self, attribute: str) -> Comparison:
        kind, token = self._peek()
        operator = SPELLINGS.get(token.lower(), token.lower()) if kind in ("word", "mark") else ""
        if operator == "not" and self._peek(1) == ("word", "in"):
            self._fail(f"`not in` is written: not {attribute} in (…)")
        if operator not in OPERATORS:
            self._fail(f"expected an operator ({', '.join(OPERATORS)}) after {attribute!r}, not {token or 'the end'!r}")
        self.position += 1
        if operator != "in":
            value, raw = self._value()
            if token.lower() == "like":
                operator, raw = self._like(raw)
                value = raw
            return Comparison(attribute, operator, (value,), (raw,))
        if self._peek() in (("mark", "("), ("mark", "[")):
            closing = {"(": ")", "[": "]"}[self._peek()[1]]
            self.position += 1
            pairs = [self._value()]
            while self._word(","):
                pairs.append(self._value())
            self._expect(closing)
            return Comparison(attribute, "in", tuple(v for v, _ in pairs), tuple(r for _, r in pairs))
        alone = self._peek()[0] == "word" and (self._peek(1)[0] == "end" or self._peek(1)[1].lower() in KEYWORDS)
        if not alone:
            self._fail("after `in` comes an attribute, or values in parentheses: state in ('OK', 'ERROR')")
        return Comparison(self._attribute(), "holds", (attribute,), (attribute,))  # CLOUD in capabilities

    def _like(self, text: str) -> tuple[str, str]:
        """What `like` means without its wildcards."""
        inner = text.strip("%*")
        if "%" in inner or "*" in inner or (text[:1] in "%*" and text[-1:] not in "%*"):
            self._fail(f"like takes a part of the text ('%part%') or its beginning ('part%'), not {text[:60]!r}")
        begins = text[-1:] in ("%", "*") and text[:1] not in ("%", "*")
        return ("startswith" if begins else "contains"), inner

    def _attribute(self) -> str:
        kind, token = self._peek()
        if kind != "word" or token.lower() in KEYWORDS:
            self._fail(f"expected an attribute, not {token or 'the end'!r}")
        self.position += 1
        return token.replace(".", "/")

    def _value(self) -> tuple[Value, str]:
        """A value, and how it is spelled."""
        kind, token = self._peek()
        if kind == "text":
            self.position += 1
            text = token[1:-1]  # typographic quotes hold what stands in them
            if token[0] == "'":
                text = text.replace("''", "'")
            elif token[0] == '"':
                text = re.sub(r"\\(.)", r"\1", text)
            return text, text
        if kind != "word" or token.lower() in KEYWORDS:
            self._fail(f"expected a value, not {token or 'the end'!r}")
        words = []
        while self._peek()[0] == "word" and self._peek()[1].lower() not in KEYWORDS:
            words.append(self._peek()[1])  # the vendor's examples leave text unquoted: osInfo/name eq Windows Server
            self.position += 1
        return _literal(" ".join(words), self.now), " ".join(words)


def _literal(word: str, now: datetime) -> Value:
    """What a word without quotes means."""
    if word.lower() in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[word.lower()]
    if NUMBER.fullmatch(word) and len(word) < 30:
        return float(word) if "." in word else int(word)
    when = relative(word, now)
    return word if when is None else units.instant(when)


def relative(text: str, now: datetime) -> datetime | None:
    """The point in time, to the second, that `now`, `now-24h` or `now + 7 days` means; None for anything else."""
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return None
    sign, count, unit = match.groups()
    try:
        away = timedelta(**{UNITS[unit[0].lower()]: int(count)}) if count else timedelta()
        return (now - away if sign != "+" else now + away).astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None
