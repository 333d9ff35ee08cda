"""What answers hold against what the description says of them: unknown fields, unknown values, missing required ones.

Whatever differs is counted, never refused: a service moves on, and its description follows later.
Knows schemas; must know nothing of HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation, Schema
from greenlake_backup_mcp.text import sanitize

_BOUNDS = frozenset(("enum", "oneOf", "anyOf", "allOf"))
ALL_ANSWERS, EVERY = 100, 20  # of an operation so many answers are compared, then each so-manieth
MOST_ITEMS = 25  # of one answer that are compared: the counts are "at least"


@dataclass(frozen=True, order=True)
class Oddity:
    """One thing in which an answer departs from its description; `value` where that is unknown. `[]`: of an element."""

    kind: Literal["field", "value", "missing"]
    path: str
    value: str = ""

    def __str__(self) -> str:
        words = {
            "field": f"field {self.path}",
            "missing": f"without {self.path}",
            "value": f"{self.path} = {self.value}",
        }
        return words[self.kind]


def items_of(body: Any) -> list[Any]:
    """The items of an answer: of a list, or the one it is."""
    if isinstance(body, dict):
        return body["items"] if isinstance(body.get("items"), list) else [body]
    return []


def compare(schema: Schema, value: Any, path: str = "") -> Iterator[Oddity]:
    """Each oddity of a value; objects of which nothing is said are not looked into."""
    branches = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    if isinstance(value, dict):
        properties = {name: sub for branch in branches for name, sub in branch.get("properties", {}).items()}
        if not properties or any(branch.get("additionalProperties") for branch in branches):
            return
        yield from (Oddity("missing", f"{path}{name}") for name in schema.get("required", ()) if name not in value)
        for name, inner in value.items():
            if (sub := properties.get(name)) is not None:
                if not isinstance(inner, (dict, list)) and not (isinstance(inner, str) and _BOUNDS.intersection(sub)):
                    continue  # most values: nothing is said of them that could be otherwise
                yield from compare(sub, inner, f"{path}{name}/" if isinstance(inner, dict) else f"{path}{name}")
            else:
                yield Oddity("field", f"{path}{name}")
    elif isinstance(value, list):
        element: Schema = next((branch["items"] for branch in branches if isinstance(branch.get("items"), dict)), {})
        for item in value:
            yield from compare(element, item, f"{path}[]/" if isinstance(item, dict) else path)
    elif isinstance(value, str):
        allowed = {one for branch in branches for one in branch.get("enum", ())}
        if allowed and value not in allowed:
            yield Oddity("value", path.rstrip("/"), value)


@dataclass
class Inspector:
    """Counts what answers hold that the description does not know. `count` receives the words and how often."""

    operations: Mapping[str, Operation]  # by id
    count: Callable[[Mapping[str, int]], None]
    _answers: dict[str, int] = field(default_factory=dict)
    _schemas: dict[str, Schema] = field(default_factory=dict)

    def inspect(self, operation_id: str, body: Any, whole: bool = True) -> None:
        """Compare the first items of an answer; never raises for what it holds.

        `whole`: they came without `select`, so that what is required and not there is missing.
        """
        operation = self.operations.get(operation_id)
        number = self._answers[operation_id] = self._answers.get(operation_id, 0) + 1
        if operation is None or (number > ALL_ANSWERS and number % EVERY):
            return
        schema = self._schemas.get(operation_id)
        if schema is None:
            schema = self._schemas[operation_id] = document.item_schema(operation)
        words: Counter[str] = Counter()
        for item in items_of(body)[:MOST_ITEMS]:
            for oddity in compare(schema, item):
                if whole or oddity.kind != "missing":
                    words[f"{operation_id}: {sanitize.cell(str(oddity), 160)}"] += 1
        if words:
            self.count(words)
