"""filter, sort and select over items, as the service does it: its own parser, not the client's.

Strict where the documents are clear; raises Refusal(400) with what was wrong. Knows no resource.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.simulator.answers import Refusal
from greenlake_backup_mcp.simulator.names import Item, parse_time
from greenlake_backup_mcp.simulator.switches import Switches

from .attributes import Grammar

Literal = str | float | bool | None
Test = Callable[[Item], bool]
Tokens = list[tuple[str, str]]  # what each is (a string, a mark or a word), and its text

TOKEN = re.compile(r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<mark>[(),\[\]])|(?P<word>[^\s'(),\[\]]+))")
LONGEST = 4096  # characters of a filter


def predicate(text: str, grammar: Grammar, switches: Switches) -> Test:
    """The test a filter stands for."""
    if len(text) > LONGEST:
        raise Refusal(400, f"Invalid filter: longer than {LONGEST} characters.")
    if switches.escaped_quotes == "backslash":
        text = text.replace("\\'", "''")
    tokens = _tokens(text)
    tests = []
    while True:
        test, tokens = _condition(tokens, grammar, switches)
        tests.append(test)
        if not tokens:
            return lambda item: all(t(item) for t in tests)
        if tokens[0] != ("word", "and"):
            raise Refusal(400, f"Invalid filter: expected 'and' before {tokens[0][1]!r}. Only 'and' joins conditions.")
        tokens = tokens[1:]


def _tokens(text: str) -> Tokens:
    result, position = [], 0
    text = text.strip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise Refusal(400, f"Invalid filter: unexpected character at {text[position : position + 20]!r}.")
        position = match.end()
        name = str(match.lastgroup)
        result.append((name, match.group(name)))
    if not result:
        raise Refusal(400, "Invalid filter: it is empty.")
    return result


def _condition(tokens: Tokens, grammar: Grammar, switches: Switches) -> tuple[Test, Tokens]:
    if len(tokens) >= 6 and tokens[0] == ("word", "contains") and tokens[1] == ("mark", "("):
        if "contains" not in grammar.operators or tokens[3] != ("mark", ",") or tokens[5] != ("mark", ")"):
            raise Refusal(400, "Invalid filter: contains() is not supported here or malformed.")
        path, part = _attribute(tokens[2][1], grammar), _unquote(tokens[4][1])
        return lambda item: any(part in str(value) for value in values(item, path)), tokens[6:]
    if len(tokens) < 3:
        raise Refusal(400, "Invalid filter: expected <property> <operator> <literal>.")
    (left_kind, left), (_, operator), (right_kind, right) = tokens[:3]
    if operator not in ("eq", "ne", "gt", "lt", "in", "ge", "le") or operator not in grammar.operators:
        raise Refusal(400, f"Invalid filter: operator {operator!r} is not supported; use {_join(grammar.operators)}.")
    if operator == "in":
        if left_kind == "string" and right_kind == "word":  # 'x' in services
            name, wanted = _attribute(right, grammar), _unquote(left)
            return lambda item: wanted in values(item, name), tokens[3:]
        name = _attribute(left, grammar)
        many, rest = _list(tokens[2:], switches.in_lists)
        return lambda item: any(_equal(value, w, switches) for value in values(item, name) for w in many), rest
    name = _attribute(left, grammar)
    literal = _literal(right_kind, right, switches)
    return _comparison(name, operator, literal, switches), tokens[3:]


def _list(tokens: Tokens, brackets: str) -> tuple[list[Literal], Tokens]:
    if tokens[0][1] not in {"either": ("(", "["), "round": ("(",), "square": ("[",)}[brackets]:
        example = "['a','b']" if brackets == "square" else "('a','b')"
        text = f"Invalid filter: 'in' takes {example} after a property, or a value before an array property."
        raise Refusal(400, text)
    closing = {"(": ")", "[": "]"}[tokens[0][1]]
    result: list[Literal] = []
    for n in range(1, len(tokens) - 1, 2):  # a value, then a comma or the end
        (what, text), after = tokens[n], tokens[n + 1]
        if what == "mark" or after not in (("mark", ","), ("mark", closing)):
            break
        result.append(_literal(what, text, Switches()))
        if after == ("mark", closing):
            return result, tokens[n + 2 :]
    raise Refusal(400, "Invalid filter: malformed list after 'in'.")


def _attribute(name: str, grammar: Grammar) -> str:
    if name not in grammar.attributes:
        text = f"Invalid filter: property {name!r} cannot be filtered by; allowed: {_join(grammar.attributes)}."
        raise Refusal(400, text)
    return name


def _literal(what: str, text: str, switches: Switches) -> Literal:
    if what == "string":
        inner = _unquote(text)
        if switches.bare_timestamps and _time(inner):
            raise Refusal(400, f"Invalid filter: timestamp {text} must not be quoted.")
        return inner
    if what == "mark":
        raise Refusal(400, f"Invalid filter: expected a literal, found {text!r}.")
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    try:
        return float(text)
    except ValueError:
        return text  # the vendor's own examples leave the quotes out


def _comparison(name: str, operator: str, literal: Literal, switches: Switches) -> Test:
    if operator in ("eq", "ne"):
        return lambda item: _holds(values(item, name), literal, switches) == (operator == "eq")
    if isinstance(literal, bool) or literal is None:
        raise Refusal(400, f"Invalid filter: {operator} needs a number, a string or a timestamp.")
    bound = _time(literal) or literal

    def test(item: Item) -> bool:
        for value in values(item, name):
            time = _time(value)
            if time and not isinstance(bound, datetime):
                raise Refusal(400, f"Invalid filter: {literal!r} is not an RFC 3339 timestamp, {name} holds those.")
            if isinstance(bound, datetime) and time is None:
                continue
            comparable: Any = time or value
            if isinstance(comparable, str) != isinstance(bound, str) or isinstance(comparable, bool):
                raise Refusal(400, f"Invalid filter: {literal!r} cannot be compared with {name}.")
            if (comparable > bound) if operator in ("gt", "ge") else (comparable < bound):
                return True
        return False

    return test


def _holds(held: list[Any], literal: Literal, switches: Switches) -> bool:
    return not held if literal is None else any(_equal(value, literal, switches) for value in held)


def _equal(value: Any, literal: Literal, switches: Switches) -> bool:
    if isinstance(value, bool):
        return literal is value or str(literal).lower() == str(value).lower()
    if isinstance(value, (int, float)):
        return literal == value or str(literal) == str(value)
    if isinstance(value, str) and isinstance(literal, float):
        return value == f"{literal:g}"
    if isinstance(value, str) and isinstance(literal, str):
        if value == literal or (not switches.case_sensitive and value.lower() == literal.lower()):
            return True
        return value[:4].isdigit() and literal[:4].isdigit() and (t := _time(value)) is not None and t == _time(literal)
    return False


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str) or not value[:4].isdigit():
        return None
    try:
        return parse_time(value)
    except ValueError:
        return None


def _unquote(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def values(item: Any, name: str) -> list[Any]:
    """Every value at a path such as `a/b`; an array on the way is all its elements."""
    result = [item]
    for part in name.split("/"):
        result = [
            value
            for holder in result
            if isinstance(holder, dict) and (held := holder.get(part)) is not None
            for value in (held if isinstance(held, list) else [held])
        ]
    return result


def sort_items(items: Iterable[Item], text: str, allowed: Collection[str]) -> list[Item]:
    """The items by `property asc|desc, …`; items without the property come last."""
    out = list(items)
    for clause in reversed(text.split(",")):
        words = clause.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise Refusal(400, f"Invalid sort {clause.strip()!r}: expected <property> asc|desc.")
        name = words[0]
        if name not in allowed:
            raise Refusal(400, f"Invalid sort: cannot sort by {name!r}.")
        present = [(key[0], item) for item in out if (key := values(item, name))]
        present.sort(key=lambda pair: (0, pair[0]) if isinstance(pair[0], (int, float)) else (1, str(pair[0])),
                     reverse=words[-1] == "desc")  # fmt: skip
        out = [item for _, item in present] + [item for item in out if not values(item, name)]
    return out


def select_fields(
    items: Iterable[Item], text: str, present: Collection[str], required: Collection[str] = ()
) -> list[Item]:
    """The items with only the properties of `a,b/c`; 422 where the list insists on some that were left out."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in present:
            raise Refusal(400, f"Invalid select: there is no property {name!r}.")
    if missing := [name for name in required if name not in names]:
        raise Refusal(422, f"Invalid select: required fields are missing: {', '.join(missing)}.")
    out = []
    for item in items:
        selected = {name: item[name] for name in names if name in item}
        for name in names:
            if "/" in name:
                _pick(item, selected, name.split("/"))
        out.append(selected)
    return out


def _pick(source: Any, target: Item, path: list[str]) -> None:
    name, *rest = path
    if not isinstance(source, dict) or source.get(name) is None:
        return
    value = source[name]
    if not rest:
        target[name] = value
    elif isinstance(value, list):
        held = target.get(name) or [{} for _ in value]
        for part, holder in zip(value, held, strict=True):
            _pick(part, holder, rest)
        target[name] = held
    else:
        _pick(value, target.setdefault(name, {}), rest)


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
