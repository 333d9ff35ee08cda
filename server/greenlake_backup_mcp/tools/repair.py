"""Arguments as their schema means them, where a client has only wrapped them: JSON in texts, nulls for "unset"."""

from __future__ import annotations

import json
import re
from typing import Any

from greenlake_backup_mcp.openapi.document import Schema

ID_NAME = re.compile(r"(^id|Ids?)$")


def repair(schema: Schema, value: Any) -> Any:
    """The value as the schema means it, where a client has only wrapped it: JSON in strings, nulls for "unset"."""
    types = _types(schema)
    if isinstance(value, str) and types and "string" not in types:
        value = _unwrap(value, types)
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        value = int(value)
    if isinstance(value, dict) and "properties" in schema:
        allowed, required = schema["properties"], schema.get("required", ())
        return {
            name: repair(allowed.get(name, {}), item)
            for name, item in value.items()
            if name not in allowed or not _means_unset(name, item, allowed[name], name in required)
        }
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [repair(schema["items"], item) for item in value]
    return value


def _means_unset(name: str, value: Any, schema: Schema, required: bool) -> bool:
    """Whether a client that must fill every property says by null or "" that this one is not given.

    Only where it can mean nothing else: an empty text is a value for a name or a description.
    """
    if value is None:
        return "null" not in _types(schema)
    if value != "" or required or name == "confirm":
        return False
    if "enum" in schema:
        return "" not in schema["enum"]
    return "string" not in _types(schema) or schema.get("format") == "date-time" or ID_NAME.search(name) is not None


def _types(schema: Schema) -> set[str]:
    kind = schema.get("type")
    if kind is None:
        if "enum" in schema:
            return {"string" if isinstance(v, str) else "null" if v is None else "other" for v in schema["enum"]}
        branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
        return {t for b in branches for t in _types(b)}
    return {kind} if isinstance(kind, str) else {str(k) for k in kind}


def _unwrap(text: str, types: set[str]) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        lowered = text.strip().lower()
        return lowered == "true" if "boolean" in types and lowered in ("true", "false") else text
    fits = (
        (isinstance(value, dict) and "object" in types)
        or (isinstance(value, list) and "array" in types)
        or (isinstance(value, bool) and "boolean" in types)
        or (isinstance(value, (int, float)) and not isinstance(value, bool) and types & {"integer", "number"})
    )
    return value if fits else text
