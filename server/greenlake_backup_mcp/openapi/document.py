"""The OpenAPI documents bundled, and how each becomes operations: what it says, nothing of what we think of it.

A new version takes the place of its file; what it corrects of the published one is in errata.json. A sibling API is a
file beside this one, a row of APIS, a row of tools/toolsets.py. Must know nothing of tools, danger or HTTP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from greenlake_backup_mcp.errors import SettingsError

from . import references
from .references import References, expand, lookup

Schema = references.Schema
Place = Literal["path", "query", "header", "cookie"]
SPECS = Path(__file__).parent
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Api:
    """One description: its file, and whether it is the product's own or a companion that only serves reads."""

    name: str
    prefix: str
    own: bool

    @property
    def file(self) -> Path:
        """Where the bundled description lies."""
        return SPECS / f"{self.name}.json"


APIS = (
    Api("backup-recovery", "/backup-recovery/v1beta1", own=True),
    Api("virtualization", "/virtualization/v1beta1", own=False),
    Api("data-services", "/data-services/v1beta1", own=False),
)


@dataclass(frozen=True)
class Document:
    """A loaded description, and how its references are followed."""

    name: str
    content: Mapping[str, Any]
    references: References = field(repr=False, compare=False)
    collections: frozenset[str] = frozenset()  # path segments that hold resources: `backups`, not `restart-guest-os`


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
    return Document(name, content, References(registry.resolver()), held)


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
    raw = [*item.get("parameters", ()), *spec.get("parameters", ())]
    parameters = {(p["in"], p["name"]): p for p in (lookup(document.references, one) for one in raw)}
    body = lookup(document.references, spec.get("requestBody", {}))
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
                expand(document.references, p.get("schema", {})),
                p.get("description", ""),
            )
            for p in parameters.values()
        ),
        body=expand(document.references, content.get("schema", {})) if media_type else None,
        body_required=bool(body.get("required")),
        media_type=media_type,
        answers={str(code): answer for code, answer in spec.get("responses", {}).items()},
        document=document,
    )


def answer_schema(operation: Operation) -> Schema:
    """The schema of the first 2xx JSON answer; {} where the operation answers without a body."""
    for code, raw in sorted(operation.answers.items()):
        if code.startswith("2"):
            for content in lookup(operation.document.references, raw).get("content", {}).values():
                return expand(operation.document.references, content.get("schema", {}))
    return {}


def item_schema(operation: Operation) -> Schema:
    """The schema of one item of a list; of the answer itself where it is no list."""
    schema = answer_schema(operation)
    items = schema.get("properties", {}).get("items", {}).get("items")
    return items if isinstance(items, dict) else schema


def answer_codes(operation: Operation) -> Iterator[int]:
    """The documented status codes."""
    return (int(code) for code in operation.answers if code.isdigit())
