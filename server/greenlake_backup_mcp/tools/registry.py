"""Operation → Tool: its arguments and schema, title and danger; and which tools a configuration offers.

Judgement comes from danger.py and toolsets.py; nothing here is written per operation.
Must know nothing of HTTP or MCP: a Tool has no handler, one handler serves them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.openapi import document as openapi
from greenlake_backup_mcp.openapi.document import Api, Operation, Schema

from . import names, schemas
from .danger import Danger, danger, is_conditional, least_danger
from .toolsets import TOOLSET_WORDS, TOOLSETS

LIST_ARGUMENTS: Mapping[str, Schema] = {
    "limit": {"type": "integer"},
    "offset": {"type": "integer"},
    "filter": {"type": "string", "description": "Compared by the service: name eq 'x'."},
    "sort": {"type": "string", "description": "For example: name desc."},
    "select": {"type": "string", "description": "Names of properties, by comma."},
    "where": {"type": "string", "description": "Compared here, any value: size gt 5."},
    "summary": {"type": "string", "enum": ["all", "page"]},
    "output": {"type": "string", "enum": ["table", "json"]},
}
LIST_BOUNDS: Mapping[str, Schema] = {  # checked, but not shown in each list tool
    "limit": {"minimum": 0, "maximum": 1000},
    "offset": {"minimum": 0, "maximum": 100_000_000},
}
OUTPUT: Schema = {"type": "string", "enum": ["text", "json"]}
CONFIRM: Schema = {"type": "string", "description": 'First "preview", then the code that it gives.'}
CONFIRM_IF_GRAVE: Schema = {"type": "string", "description": "Only when asked: the code of the preview."}


@dataclass(frozen=True)
class Argument:
    """One argument of a tool: its name for the model, and where it goes on the wire."""

    name: str
    wire: str
    place: Literal["path", "query", "body", "whole body", "ours"]


@dataclass(frozen=True)
class Tool:
    """What is offered for an operation (or, where `operation` is None, composed by us)."""

    name: str
    title: str
    description: str
    toolset: str
    danger: Danger
    input_schema: Schema = field(repr=False)
    arguments: Mapping[str, Argument] = field(default_factory=dict, repr=False)
    operation: Operation | None = field(default=None, repr=False)
    serves_writers: bool = False  # a read that only means something beside tools that change something

    @property
    def lists(self) -> bool:
        """Whether the tool answers about a collection."""
        return self.name.startswith("list_")

    @property
    def gated(self) -> bool:
        """Whether each call needs a preview and its code first."""
        return self.danger.gated

    @property
    def conditional(self) -> bool:
        """Whether a call needs a preview and its code where its arguments are grave."""
        return self.operation is not None and is_conditional(self.operation)

    @property
    def least_danger(self) -> Danger:
        """What a call costs with its most harmless arguments."""
        return least_danger(self.operation) if self.operation else self.danger

    def body_of(self, values: Mapping[str, Any]) -> Any:
        """The body that these arguments become, in our form, not yet in that which goes out; {} where none is given."""
        for argument in self.arguments.values():
            if argument.place == "whole body":
                return values.get(argument.name)
        return {a.wire: values[a.name] for a in self.arguments.values() if a.place == "body" and a.name in values}

    @cached_property
    def body(self) -> Schema | None:
        """What the description says of the body that may be sent; the same object at each call."""
        if self.operation is None or self.operation.body is None:
            return None
        return schemas.writable(self.operation.body)


def tools(spec: Path | None = None) -> tuple[Tool, ...]:
    """All tools, in the fixed order of tools/list; `spec` replaces the bundled Backup and Recovery description."""
    return _read(spec) if spec else _bundled()


@cache
def _bundled() -> tuple[Tool, ...]:
    return _read(None)


def _read(spec: Path | None) -> tuple[Tool, ...]:
    made = []
    for api in openapi.APIS:
        document = openapi.load_document(spec if spec and api.own else api.file)
        made += [tool(operation, api) for operation in openapi.operations(document)]
    used = [t.name for t in made]
    if twice := {name for name in used if used.count(name) > 1}:
        raise SettingsError(f"Two operations would become the same tool: {', '.join(sorted(twice))}.")
    order = list(TOOLSET_WORDS)
    return tuple(sorted(made, key=lambda t: (order.index(t.toolset) if t.toolset in order else len(order), t.name)))


def select(all_tools: Iterable[Tool], toolsets: Iterable[str] = (), read_only: bool = False) -> tuple[Tool, ...]:
    """The tools a configuration offers; read-only beats everything."""
    wanted = set(toolsets)
    if unknown := wanted - set(TOOLSET_WORDS):
        raise SettingsError(
            f"There is no toolset {', '.join(sorted(unknown))}.", hint=f"Toolsets: {', '.join(TOOLSET_WORDS)}."
        )
    every = tuple(all_tools)
    chosen = {
        t.name
        for t in every
        if not t.serves_writers and (not wanted or t.toolset in wanted) and (not read_only or t.danger is Danger.READ)
    }
    if any(t.name in chosen and t.danger is not Danger.READ for t in every):
        chosen |= {t.name for t in every if t.serves_writers}
    return tuple(t for t in every if t.name in chosen)


def tool(operation: Operation, api: Api) -> Tool:
    """The tool of one operation."""
    worst = danger(operation)
    arguments, schema = _arguments(operation, worst)
    name = names.tool_name(operation, api)
    return Tool(
        name=name,
        title=operation.summary.rstrip(".") or name.replace("_", " ").capitalize(),
        description=schemas.sentence(operation.description) or operation.summary,
        toolset=TOOLSETS.get(operation.tag if api.own else api.name, api.name if not api.own else "other"),
        danger=worst,
        input_schema=schema,
        arguments=arguments,
        operation=operation,
    )


_Placement = tuple[Argument, Schema, bool]  # an argument, its schema, whether it is required

# --- arguments and schemas -----------------------------------------------------------------------------------------


def _arguments(operation: Operation, worst: Danger) -> tuple[dict[str, Argument], Schema]:
    """The arguments of an operation's tool by name, and the schema of them all."""
    placed = [*_placed_parameters(operation), *_placed_body(operation)]
    if worst.gated or is_conditional(operation):
        placed.append(
            (Argument("confirm", "confirm", "ours"), CONFIRM if worst.gated else CONFIRM_IF_GRAVE, worst.gated)
        )
    used = [argument.name for argument, _, _ in placed]
    if twice := {name for name in used if used.count(name) > 1}:
        raise SettingsError(f"{operation.key} has two arguments named {', '.join(sorted(twice))}.")
    root: Schema = {"type": "object", "properties": {a.name: schema for a, schema, _ in placed}}
    if required := [a.name for a, _, needed in placed if needed]:
        root["required"] = required
    return {a.name: a for a, _, _ in placed}, root


def _placed_parameters(operation: Operation) -> list[_Placement]:
    segments = operation.path.strip("/").split("/")
    lists = operation.method == "GET" and not names.is_id(segments[-1])
    placed: list[_Placement] = []
    for parameter in operation.parameters:
        if parameter.place == "path":
            before = segments[segments.index("{" + parameter.name + "}") - 1]
            argument = Argument(names.argument_name(before), parameter.name, "path")
            placed.append((argument, schemas.visible_schema(parameter.schema), True))
        elif parameter.place == "query" and not (lists and parameter.name in LIST_ARGUMENTS):
            schema = schemas.with_description(schemas.visible_schema(parameter.schema), parameter.description)
            if "description" not in schema and parameter.name in LIST_ARGUMENTS:
                schema = LIST_ARGUMENTS[parameter.name]
            placed.append((Argument(parameter.name, parameter.name, "query"), schema, parameter.required))
    if lists:
        placed += [(Argument(name, name, "ours"), schema, False) for name, schema in LIST_ARGUMENTS.items()]
    elif operation.method == "GET":
        placed.append((Argument("output", "output", "ours"), OUTPUT, False))
    return placed


def _placed_body(operation: Operation) -> list[_Placement]:
    if operation.body is None:
        return []
    body = schemas.merged_choice(schemas.writable(operation.body))
    if "properties" not in body:
        return (
            [(Argument("body", "body", "whole body"), schemas.visible_schema(body), operation.body_required)]
            if body
            else []
        )
    needed = body.get("required", ())
    return [(Argument(n, n, "body"), schemas.visible_schema(s), n in needed) for n, s in body["properties"].items()]


def own_tool(  # noqa: PLR0913, PLR0917  a tool has its parts
    name: str,
    title: str,
    description: str,
    toolset: str,
    danger: Danger,
    properties: Schema,
    *,
    required: Iterable[str] = (),
    serves_writers: bool = False,
) -> Tool:
    """A tool of ours with arguments of these schemas."""
    arguments = {argument: Argument(argument, argument, "ours") for argument in properties}
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return Tool(name, title, description, toolset, danger, schema, arguments, serves_writers=serves_writers)
