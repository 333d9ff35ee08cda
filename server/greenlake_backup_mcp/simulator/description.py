"""The descriptions as the service reads them: which operation a path is, and whether a request obeys it.

Built once per process and shared by all simulated tenants. Knows no state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation, Schema
from greenlake_backup_mcp.simulator.names import parse_time

from .answers import Refusal

Query = Mapping[str, str]


@dataclass(frozen=True)
class Route:
    """An operation and what the service derives from its description."""

    operation: Operation = field(repr=False)
    segments: tuple[str, ...]

    @cached_property
    def parameters(self) -> Mapping[tuple[str, str], Schema]:
        """(place, name) → schema."""
        return {(p.place, p.name): p.schema for p in self.operation.parameters}

    @cached_property
    def answer_schema(self) -> Schema:
        """Schema of the answer."""
        return document.answer_schema(self.operation)

    @cached_property
    def item_schema(self) -> Schema:
        """Schema of one item of a list, or of the resource."""
        properties = self.answer_schema.get("properties", {})
        return properties["items"].get("items", {}) if self.is_list else self.answer_schema

    @cached_property
    def is_list(self) -> bool:
        """Whether the answer is a page."""
        return "items" in self.answer_schema.get("properties", {}) and self.operation.method == "GET"

    @cached_property
    def properties(self) -> frozenset[str]:
        """Every path into an item: `name`, `assetInfo/id`."""
        return frozenset(_paths(self.item_schema))

    @cached_property
    def status_codes(self) -> frozenset[int]:
        """The documented status codes."""
        return frozenset(document.answer_codes(self.operation))

    @cached_property
    def body(self) -> Any:
        """The validator of the request body; None where there is none."""
        return _validator(self.operation.body) if self.operation.body is not None else None


@dataclass(frozen=True)
class Descriptions:
    """All operations, found by method and path."""

    routes: tuple[Route, ...]
    by_length: Mapping[int, tuple[Route, ...]] = field(repr=False)

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route | None, tuple[str, ...]]:
        """The operation of a path, and the methods that the path knows."""
        fitting = [
            k for k in self.by_length.get(len(segments), ())
            if all(t == s or t.startswith("{") for t, s in zip(k.segments, segments, strict=True))
        ]  # fmt: skip
        # a literal segment beats a parameter
        fitting.sort(key=lambda k: sum(s.startswith("{") for s in k.segments))
        methods = tuple(k.operation.method for k in fitting)
        return next((k for k in fitting if k.operation.method == method), None), methods


@cache
def load(directory: Path = document.SPECS) -> Descriptions:
    """The descriptions of a directory, read once."""
    routes = tuple(
        Route(operation, tuple(operation.path.strip("/").split("/")))
        for api in document.APIS
        for operation in document.operations(document.load_document(directory / api.file.name))
    )
    lengths = {len(k.segments) for k in routes}
    return Descriptions(routes, {n: tuple(k for k in routes if len(k.segments) == n) for n in lengths})


def _paths(schema: Schema, before: str = "") -> Iterator[str]:
    for name, sub in schema.get("properties", {}).items():
        yield before + name
        yield from _paths(sub.get("items", sub) if isinstance(sub, dict) else {}, f"{before}{name}/")


def path_values(route: Route, segments: Sequence[str]) -> dict[str, str]:
    """The path's parameters, unquoted; 400 where one is not of its format."""
    values = {t[1:-1]: unquote(s) for t, s in zip(route.segments, segments, strict=True) if t.startswith("{")}
    for name, value in values.items():
        _check_parameter("path", name, route.parameters.get(("path", name), {}), value)
    return values


def _check_parameter(place: str, name: str, schema: Schema, value: Any) -> None:
    problem = next(iter(_validator(schema).iter_errors(value)), None)
    reason = problem.message if problem else ""
    if not problem and place == "query" and name in ("limit", "offset") and value < 0:
        reason = "it must not be negative"
    if reason:
        raise Refusal(400, f"Invalid {place} parameter {name}: {reason}.", code="INVALID_PARAMETER")


def query_values(route: Route, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The query's parameters in their types; 400 for unknown, repeated, malformed or out of range ones."""
    values: dict[str, Any] = {}
    for name, text in pairs:
        schema = route.parameters.get(("query", name))
        if schema is None:
            raise Refusal(400, f"Unknown query parameter {name!r}.", code="INVALID_PARAMETER")
        if name in values:
            raise Refusal(400, f"Query parameter {name!r} is given twice.", code="INVALID_PARAMETER")
        values[name] = _typed(text, schema.get("type"))
        _check_parameter("query", name, schema, values[name])
    for needed in route.operation.parameters:
        if needed.place == "query" and needed.required and needed.name not in values:
            raise Refusal(400, f"Query parameter {needed.name} is required.", code="INVALID_PARAMETER")
    return values


def _typed(text: str, kind: Any) -> Any:
    if kind == "integer" and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 19:
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def check_body(route: Route, body: Any, *, extra_allowed: bool) -> None:
    """400 where the body is not what the description says."""
    problems = sorted(route.body.iter_errors(body), key=lambda e: len(list(e.absolute_path)), reverse=True)
    if problems:
        problem = problems[0]
        where = "/".join(map(str, problem.absolute_path)) or "body"
        raise Refusal(400, f"Invalid request body at {where}: {_reason(problem, where)}.", code="INVALID_PARAMETER")
    if not extra_allowed and route.operation.body and (name := _undescribed_property(route.operation.body, body)):
        raise Refusal(400, f"Invalid request body: unknown property {name!r}.", code="INVALID_PARAMETER")


def _reason(problem: Any, where: str) -> str:
    """Why, without repeating what may be a password."""
    if problem.validator in ("oneOf", "anyOf"):
        return "exactly one of the alternatives is needed"
    if isinstance(problem.instance, (dict, list)) and problem.validator != "required":
        return f"it breaks {problem.validator}: {str(problem.validator_value)[:80]}"
    return "malformed" if "password" in where.lower() else str(problem.message)[:300]


def _undescribed_property(schema: Schema, value: Any, before: str = "") -> str | None:
    branches = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if isinstance(value, list):
        inner: Schema = next((b["items"] for b in branches if isinstance(b.get("items"), dict)), {})
        return next((name for v in value if (name := _undescribed_property(inner, v, before))), None)
    properties: dict[str, Schema] = {name: sub for b in branches for name, sub in b.get("properties", {}).items()}
    if not isinstance(value, dict) or not properties:
        return None
    for name, sub in value.items():
        if name not in properties:
            return f"{before}{name}"
        undescribed = _undescribed_property(properties[name], sub, f"{before}{name}/")
        if undescribed is not None:
            return undescribed
    return None


def _validator(schema: Schema) -> Any:
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415  start-up must not pay for it

    checker = FormatChecker(("uuid", "ipv4"))
    checker.checks("date-time", raises=ValueError)(lambda text: not isinstance(text, str) or bool(parse_time(text)))
    return Draft202012Validator(schema, format_checker=checker)
