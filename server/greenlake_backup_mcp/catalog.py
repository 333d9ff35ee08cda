"""Operation → Tool: names, arguments, schemas, titles; and which tools a configuration offers.

Judgement comes from danger.py and apis.py; nothing here is written per operation.
Must know nothing of HTTP or MCP: a Tool has no handler, one handler serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from . import apis, openapi
from .danger import Danger, danger
from .errors import BackupError
from .openapi import Operation, Schema

LONGEST_NAME = (
    40  # a client's prefix (22 in the field) must still fit 64; above it "protection_store_gateway" is said "gateway"
)
KEPT = {  # keywords of JSON Schema that help to fill a tool; arguments.py checks the others too, from the description
    "type", "format", "enum", "const", "minimum", "maximum", "minItems", "items", "properties", "required",
    "oneOf", "anyOf", "additionalProperties",
}  # fmt: skip
UNSHOWN_FORMATS = {"uuid", "string", "password"}  # every id is a UUID; the others say nothing

LIST_ARGUMENTS: Mapping[str, Schema] = {
    "limit": {"type": "integer"},
    "offset": {"type": "integer"},
    "filter": {"type": "string"},
    "sort": {"type": "string"},
    "select": {"type": "string"},
    "where": {"type": "string"},
    "summary": {"enum": ["all", "page"]},
    "output": {"enum": ["table", "json"]},
}
LIST_BOUNDS: Mapping[str, Schema] = {  # checked, but not shown in each list tool
    "limit": {"minimum": 0, "maximum": 1000},
    "offset": {"minimum": 0, "maximum": 100_000_000},
}
OUTPUT: Schema = {"enum": ["text", "json"]}
CONFIRM: Schema = {"type": "string", "description": '"preview", then its code.'}


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

    @property
    def lists(self) -> bool:
        """Whether the tool answers about a collection."""
        return self.name.startswith("list_")

    @property
    def gated(self) -> bool:
        """Whether a call needs a preview and its code first."""
        return self.danger.gated


def tools(spec: Path | None = None) -> tuple[Tool, ...]:
    """All tools, in the fixed order of tools/list; `spec` replaces the bundled Backup and Recovery description."""
    made = []
    for api in apis.APIS:
        document = openapi.load(spec if spec and api.own else api.file)
        made += [tool(operation, api) for operation in openapi.operations(document)]
    names = [t.name for t in made]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BackupError(f"Two operations would become the same tool: {', '.join(sorted(twice))}.", kind="settings")
    order = list(apis.TOOLSET_WORDS)
    return tuple(sorted(made, key=lambda t: (order.index(t.toolset) if t.toolset in order else len(order), t.name)))


def selected(all_tools: Iterable[Tool], toolsets: Iterable[str] = (), read_only: bool = False) -> tuple[Tool, ...]:
    """The tools a configuration offers; read-only beats everything."""
    wanted = set(toolsets)
    if unknown := wanted - set(apis.TOOLSET_WORDS):
        raise BackupError(
            f"There is no toolset {', '.join(sorted(unknown))}.",
            hint=f"Toolsets: {', '.join(apis.TOOLSET_WORDS)}.",
            kind="settings",
        )
    return tuple(
        t for t in all_tools if (not wanted or t.toolset in wanted) and (not read_only or t.danger is Danger.READ)
    )


def tool(operation: Operation, api: apis.Api) -> Tool:
    """The tool of one operation."""
    found = danger(operation)
    arguments, schema = _arguments(operation, found)
    name = tool_name(operation, api)
    return Tool(
        name=name,
        title=operation.summary.rstrip(".") or name.replace("_", " ").capitalize(),
        description=_shown(operation.description) or operation.summary,
        toolset=apis.TOOLSETS.get(operation.tag if api.own else api.name, api.name if not api.own else "other"),
        danger=found,
        input_schema=schema,
        arguments=arguments,
        operation=operation,
    )


# --- names ---------------------------------------------------------------------------------------------------------


def tool_name(operation: Operation, api: apis.Api) -> str:
    """Verb first, then the resource as the path says it: `restart_data_orchestrator_guest_os`."""
    for (method, ending), name in apis.NAMES.items():
        if method == operation.method and operation.path.endswith(ending):
            return name
    segments = operation.path.removeprefix(api.prefix).strip("/").split("/")
    nouns = [_words(s) for n, s in enumerate(segments) if not _is_id(s) and _is_id([*segments, ""][n + 1])]
    last = segments[-1]
    if _is_id(last):
        verb = {"GET": "get", "PATCH": "update", "PUT": "replace", "DELETE": "delete"}.get(operation.method, "post")
        parts = [verb, *(singular(n) for n in nouns)]
    elif operation.method == "GET":
        parts = ["list", *(singular(n) for n in nouns), _words(last)]
    elif operation.method == "POST" and last in operation.document.collections:
        parts = ["create", *(singular(n) for n in nouns), singular(_words(last))]
    else:
        verb, _, rest = _words(last).partition("_")
        if verb == "power":
            verb, rest = f"power_{rest}", ""
        parts = [verb, *(singular(n) for n in nouns), rest]
    name = "_".join(p for p in parts if p)
    return name if len(name) <= LONGEST_NAME else name.replace("protection_store_gateway", "gateway")


def argument_name(segment: str) -> str:
    """The name of the id that follows a path segment: `virtual-machines` → `vmId`."""
    head, *rest = singular(_words(segment)).split("_")
    return head + "".join(w.capitalize() for w in rest) + "Id"


def singular(words: str) -> str:
    """The singular of a snake_case plural: `protection_policies` → `protection_policy`."""
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words[:-1] if words.endswith("s") and not words.endswith("ss") else words


def _words(segment: str) -> str:
    segment = apis.SEGMENT_WORDS.get(segment, segment)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", segment).replace("-", "_").lower()


def _is_id(segment: str) -> bool:
    return segment.startswith("{")


_Placed = tuple[Argument, Schema, bool]  # an argument, its schema, whether it is required

# --- arguments and schemas -----------------------------------------------------------------------------------------


def _arguments(operation: Operation, found: Danger) -> tuple[dict[str, Argument], Schema]:
    """The arguments of an operation's tool by name, and the schema of them all."""
    placed = [*_placed_parameters(operation), *_placed_body(operation)]
    if found.gated:
        placed.append((Argument("confirm", "confirm", "ours"), CONFIRM, True))
    names = [argument.name for argument, _, _ in placed]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BackupError(f"{operation.key} has two arguments named {', '.join(sorted(twice))}.", kind="settings")
    root: Schema = {"type": "object", "properties": {a.name: schema for a, schema, _ in placed}}
    if required := [a.name for a, _, needed in placed if needed]:
        root["required"] = required
    return {a.name: a for a, _, _ in placed}, root


def _placed_parameters(operation: Operation) -> list[_Placed]:
    segments = operation.path.strip("/").split("/")
    lists = operation.method == "GET" and not _is_id(segments[-1])
    placed: list[_Placed] = []
    for parameter in operation.parameters:
        if parameter.place == "path":
            before = segments[segments.index("{" + parameter.name + "}") - 1]
            argument = Argument(argument_name(before), parameter.name, "path")
            placed.append((argument, shown_schema(parameter.schema), True))
        elif parameter.place == "query" and not (lists and parameter.name in LIST_ARGUMENTS):
            schema = _described(shown_schema(parameter.schema), parameter.description)
            placed.append((Argument(parameter.name, parameter.name, "query"), schema, parameter.required))
    if lists:
        placed += [(Argument(name, name, "ours"), schema, False) for name, schema in LIST_ARGUMENTS.items()]
    elif operation.method == "GET":
        placed.append((Argument("output", "output", "ours"), OUTPUT, False))
    return placed


def _placed_body(operation: Operation) -> list[_Placed]:
    if operation.body is None:
        return []
    body = merged_choice(writable(operation.body))
    if "properties" not in body:
        return [(Argument("body", "body", "whole body"), shown_schema(body), operation.body_required)] if body else []
    needed = body.get("required", ())
    return [(Argument(n, n, "body"), shown_schema(s), n in needed) for n, s in body["properties"].items()]


def writable(schema: Schema) -> Schema:
    """The schema without the properties that only answers carry."""
    out = dict(schema)
    if "properties" in schema:
        kept = {n: writable(s) for n, s in schema["properties"].items() if not s.get("readOnly")}
        out["properties"] = kept
        if "required" in schema:
            out["required"] = [n for n in schema["required"] if n in kept]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            out[key] = writable(schema[key])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            out[key] = [writable(s) for s in schema[key]]
    return out


def merged_choice(schema: Schema) -> Schema:
    """A choice at the root as the union of its branches; required is what every branch requires."""
    branches = [merged_choice(b) for key in ("oneOf", "anyOf") for b in schema.get(key, ())]
    if not branches:
        return schema
    out = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
    properties: dict[str, Schema] = {}
    for branch in branches:
        for name, sub in branch.get("properties", {}).items():
            properties[name] = _union(properties[name], sub) if name in properties else sub
    out["properties"] = {**properties, **schema.get("properties", {})}
    common = set.intersection(*(set(b.get("required", ())) for b in branches))
    out["required"] = [*schema.get("required", ()), *sorted(common - set(schema.get("required", ())))]
    return out


def _union(one: Schema, other: Schema) -> Schema:
    """Two schemas of one property in two branches; where they differ in more than an enum, either is allowed."""
    if one == other:
        return one
    if "enum" in one and "enum" in other:
        return {**one, "enum": [*one["enum"], *(v for v in other["enum"] if v not in one["enum"])]}
    if {k: v for k, v in one.items() if k != "description"} == {k: v for k, v in other.items() if k != "description"}:
        return one
    if one.get("type") == other.get("type") == "object":
        return merged_choice({"type": "object", "oneOf": [one, other]})
    return {"anyOf": [one, other]}


def shown_schema(schema: Schema) -> Schema:
    """What tools/list shows of a schema: its types and limits, and the sentences worth their bytes."""
    out: Schema = {}
    for key, value in schema.items():
        if key not in KEPT:
            continue
        if key == "properties":
            out[key] = {name: shown_schema(sub) for name, sub in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = shown_schema(value)
        elif key in ("oneOf", "anyOf"):
            out[key] = [shown_schema(sub) for sub in value]
        elif (key == "required" and not value) or (key == "format" and str(value).lower() in UNSHOWN_FORMATS):
            continue
        else:
            out[key] = value
    if "enum" in out and out.get("type") == "string":
        del out["type"]  # the values say it
    return _described(out, schema.get("description", ""))


def _described(schema: Schema, description: str) -> Schema:
    sentence = _shown(description)
    return {**schema, "description": sentence} if sentence.endswith((".", "!", "?")) else schema


def _shown(description: str) -> str:
    """The first paragraph. A description without a full stop is a label that only repeats the name."""
    return " ".join(description.split("\n\n", 1)[0].split())
