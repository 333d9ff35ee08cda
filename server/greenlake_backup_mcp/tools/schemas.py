"""What a tool shows of the description's schemas: what a model fills in, in few bytes.

The description's other limits are checked all the same (arguments.py). Must know nothing of tools or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable

from greenlake_backup_mcp.openapi.document import Schema

KEPT = {  # keywords of JSON Schema that help to fill a tool; arguments.py checks the others too, from the description
    "type", "format", "enum", "const", "minimum", "maximum", "minItems", "items", "properties", "required",
    "oneOf", "anyOf",
}  # fmt: skip
# Gemini knows two formats (enum and date-time), strict Ajv refuses a whole list for one that it does not know.
VISIBLE_FORMATS = {"date-time"}


def writable(schema: Schema) -> Schema:
    """The schema without the properties that only answers carry."""
    out = dict(schema)
    if "properties" in schema:
        visible = {n: writable(s) for n, s in schema["properties"].items() if not s.get("readOnly")}
        out["properties"] = visible
        if "required" in schema:
            out["required"] = [n for n in schema["required"] if n in visible]
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


def visible_schema(schema: Schema) -> Schema:
    """What tools/list shows of a schema: its types and limits, and the sentences worth their bytes."""
    out: Schema = {}
    for key, value in schema.items():
        if key not in KEPT:
            continue
        if key == "properties":
            out[key] = {name: visible_schema(sub) for name, sub in value.items()}
        elif key == "items" and isinstance(value, dict):
            out[key] = visible_schema(value)
        elif key in ("oneOf", "anyOf"):
            out[key] = [visible_schema(sub) for sub in value]
        elif (key == "required" and not value) or (key == "format" and value not in VISIBLE_FORMATS):
            continue
        else:
            out[key] = value
    if "enum" in out and "type" not in out:
        out["type"] = _type_of(out["enum"])  # OpenAI's strict mode, Gemini and LangChain refuse an enum without it
    return with_description(out, schema.get("description", ""))


def _type_of(values: Iterable[object]) -> str:
    if all(isinstance(value, str) for value in values):
        return "string"
    return "integer" if all(isinstance(value, int) for value in values) else "number"


def with_description(schema: Schema, description: str) -> Schema:
    """The schema with the sentence that is worth its bytes."""
    words = sentence(description)
    return {**schema, "description": words} if words.endswith((".", "!", "?")) else schema


def sentence(description: str) -> str:
    """The first paragraph. A description without a full stop is a label that only repeats the name."""
    return " ".join(description.split("\n\n", 1)[0].split())
