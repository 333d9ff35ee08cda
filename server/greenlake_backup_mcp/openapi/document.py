"""An OpenAPI document becomes operations: what the description says, nothing of what we think of it.

Follows every `$ref` through `referencing` (also refs into the middle of a schema) and folds `allOf`.
Must know nothing of tools, danger or HTTP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from greenlake_backup_mcp.errors import SettingsError

if TYPE_CHECKING:
    from referencing._core import Resolver

Schema = dict[str, Any]
Place = Literal["path", "query", "header", "cookie"]
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 40  # levels of nesting after which a document is taken to be hostile or recursive


@dataclass(frozen=True)
class Document:
    """A loaded description and the resolver that follows its references."""

    name: str
    content: Mapping[str, Any]
    resolver: Resolver[Any] = field(repr=False, compare=False)
    collections: frozenset[str] = frozenset()  # path segments that hold resources: `backups`, not `restart-guest-os`
    expanded: dict[str, Schema] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation outside the body; `name` is the spelling on the wire."""

    name: str
    place: Place
    required: bool
    schema: Schema
    description: str


@dataclass(frozen=True)
class Operation:
    """What the description says of one method on one path."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Schema | None
    body_required: bool
    media_type: str | None
    answers: Mapping[str, Mapping[str, Any]]
    document: Document = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """Method and path, as people write it: `GET /backup-recovery/v1beta1/protection-stores`."""
        return f"{self.method} {self.path}"


def load_document(path: Path) -> Document:
    """The document in a JSON file; a BackupError says what is wrong with an unreadable or broken one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise SettingsError(
            f"The description {path} cannot be read: {why}.",
            hint="Name the file of your download (--spec, GREENLAKE_MCP_SPEC), or none: one comes with it.",
        ) from None
    return parse_document(text, path.stem)


def parse_document(text: str, name: str) -> Document:
    """The document in a JSON text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"The description {name} is not JSON: {error}.",
            hint="Give an OpenAPI 3 description as JSON. YAML must be converted first.",
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("paths"), dict) or not content["paths"]:
        raise SettingsError(
            f"The description {name} is not an OpenAPI description: it has no paths.",
            hint="Give the OpenAPI 3 description of the Backup and Recovery API as JSON.",
        )
    if not str(content.get("openapi", "")).startswith("3."):
        raise SettingsError(f"The description {name} is not OpenAPI 3 (openapi: {content.get('openapi')!r}).")
    resource: Resource[Any] = DRAFT202012.create_resource(content)
    registry: Registry[Any] = Registry().with_resource("", resource)
    held = frozenset(segment for path in content["paths"] for segment in re.findall(r"([^/{}]+)/\{", path))
    return Document(name, content, registry.resolver(), held)


def operations(document: Document) -> tuple[Operation, ...]:
    """Every operation of the document, in its order."""
    read = []
    for path, item in document.content["paths"].items():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                try:
                    read.append(_operation(document, path, method, item))
                except (Unresolvable, KeyError, TypeError, AttributeError, RecursionError) as error:
                    raise SettingsError(
                        f"The description {document.name} is broken at {method.upper()} {path}: "
                        f"{type(error).__name__}: {error}."
                    ) from None
    return tuple(read)


def _operation(document: Document, path: str, method: str, item: Mapping[str, Any]) -> Operation:
    spec = item[method]
    parameters = {
        (p["in"], p["name"]): p
        for p in (_lookup(document, raw) for raw in [*item.get("parameters", ()), *spec.get("parameters", ())])
    }
    body = _lookup(document, spec.get("requestBody", {}))
    contents: Mapping[str, Any] = body.get("content", {})
    media_type = next(iter(contents), None)
    content = contents[media_type] if media_type else {}
    return Operation(
        id=spec.get("operationId") or f"{method.upper()} {path}",
        method=method.upper(),
        path=path,
        tag=next(iter(spec.get("tags", ())), ""),
        summary=spec.get("summary", ""),
        description=spec.get("description", ""),
        parameters=tuple(
            Parameter(
                p["name"],
                cast("Place", p["in"]),
                bool(p.get("required")),
                expand(document, p.get("schema", {})),
                p.get("description", ""),
            )
            for p in parameters.values()
        ),
        body=expand(document, content.get("schema", {})) if media_type else None,
        body_required=bool(body.get("required")),
        media_type=media_type,
        answers={str(code): answer for code, answer in spec.get("responses", {}).items()},
        document=document,
    )


def answer_schema(operation: Operation) -> Schema:
    """The schema of the first 2xx JSON answer; {} where the operation answers without a body."""
    for code, raw in sorted(operation.answers.items()):
        if code.startswith("2"):
            for content in _lookup(operation.document, raw).get("content", {}).values():
                return expand(operation.document, content.get("schema", {}))
    return {}


def item_schema(operation: Operation) -> Schema:
    """The schema of one item of a list; of the answer itself where it is no list."""
    schema = answer_schema(operation)
    items = schema.get("properties", {}).get("items", {}).get("items")
    return items if isinstance(items, dict) else schema


def answer_codes(operation: Operation) -> Iterator[int]:
    """The documented status codes."""
    return (int(code) for code in operation.answers if code.isdigit())


def expand(document: Document, schema: Any, depth: int = 0) -> Schema:
    """The schema with references inlined and `allOf` folded; {} below a recursion."""
    if depth > DEEPEST or not isinstance(schema, dict):
        return {}
    ref = schema.get("$ref")
    if ref is not None:
        if ref not in document.expanded:
            document.expanded[ref] = {}  # a schema that contains itself ends here
            document.expanded[ref] = expand(document, document.resolver.lookup(ref).contents, depth + 1)
        target = document.expanded[ref]
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        return {**target, **expand(document, siblings, depth)} if siblings else target
    out: Schema = {}
    for key, value in schema.items():
        if key == "allOf":
            continue
        if key in ("properties", "patternProperties") and isinstance(value, dict):
            out[key] = {name: expand(document, sub, depth + 1) for name, sub in value.items()}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            out[key] = expand(document, value, depth + 1)
        elif key in ("oneOf", "anyOf") and isinstance(value, list):
            out[key] = [expand(document, sub, depth + 1) for sub in value]
        else:
            out[key] = value
    for part in schema.get("allOf", ()):
        out = _folded(expand(document, part, depth + 1), out)
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


def _lookup(document: Document, node: Any) -> dict[str, Any]:
    """The node itself, or what its `$ref` names."""
    for _ in range(DEEPEST):
        if not (isinstance(node, dict) and "$ref" in node):
            return cast("dict[str, Any]", node)
        node = document.resolver.lookup(node["$ref"]).contents
    raise KeyError("a reference that leads to itself")
