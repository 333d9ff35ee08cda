"""References within an OpenAPI document: each `$ref` followed, into the middle of a schema too, and `allOf` folded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from referencing._core import Resolver

Schema = dict[str, Any]
DEEPEST = 40  # levels of nesting after which a document is taken to be hostile or recursive


@dataclass(frozen=True)
class References:
    """What resolves the references of one document, and those that are resolved."""

    resolver: Resolver[Any]
    expanded: dict[str, Schema] = field(default_factory=dict)


def expand(references: References, schema: Any, depth: int = 0) -> Schema:
    """The schema with references inlined and `allOf` folded; {} below a recursion."""
    if depth > DEEPEST or not isinstance(schema, dict):
        return {}
    ref = schema.get("$ref")
    if ref is not None:
        if ref not in references.expanded:
            references.expanded[ref] = {}  # a schema that contains itself ends here
            references.expanded[ref] = expand(references, references.resolver.lookup(ref).contents, depth + 1)
        target = references.expanded[ref]
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        return {**target, **expand(references, siblings, depth)} if siblings else target
    out: Schema = {}
    for key, value in schema.items():
        if key == "allOf":
            continue
        if key in ("properties", "patternProperties") and isinstance(value, dict):
            out[key] = {name: expand(references, sub, depth + 1) for name, sub in value.items()}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            out[key] = expand(references, value, depth + 1)
        elif key in ("oneOf", "anyOf") and isinstance(value, list):
            out[key] = [expand(references, sub, depth + 1) for sub in value]
        else:
            out[key] = value
    for part in schema.get("allOf", ()):
        out = _folded(expand(references, part, depth + 1), out)
    return out


def _folded(part: Schema, over: Schema) -> Schema:
    """Two parts of an `allOf` as one schema; `over` wins where both speak."""
    out = {**part, **over}
    if "properties" in part or "properties" in over:
        out["properties"] = {**part.get("properties", {}), **over.get("properties", {})}
        out.setdefault("type", "object")
    if required := [
        *part.get("required", ()),
        *(r for r in over.get("required", ()) if r not in part.get("required", ())),
    ]:
        out["required"] = required
    return out


def lookup(references: References, node: Any) -> dict[str, Any]:
    """The node itself, or what its `$ref` names."""
    for _ in range(DEEPEST):
        if not (isinstance(node, dict) and "$ref" in node):
            return cast("dict[str, Any]", node)
        node = references.resolver.lookup(node["$ref"]).contents
    raise KeyError("a reference that leads to itself")
