"""Arguments against their schema, with sentences instead of validator messages.

A sentence names the argument, what was given and what is allowed. Must know nothing of tools or HTTP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.text import masking, suggest, units

from .repair import ID_NAME

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

LONGEST_ID = 256  # characters; ids of the service are UUIDs or short words
MOST_ERRORS = 200  # looked at: a list of a thousand wrong items is wrong for the same reason
MOST_SEEN = 1024  # schemas known as objects: about three a tool; what is made for one call is not worth a place
UNSAFE_IN_PATH = re.compile(r"[/\\?#%;\x00-\x20\x7f-\x9f]")


def no_branch_matches(branches: list[Schema], body: Any) -> str:
    """Which forms the body may take, and how far the given one is from the nearest."""
    value_words = set(body) if isinstance(body, dict) else set()
    forms = [
        f"({n}) {', '.join(b.get('required', ())) or ', '.join(b.get('properties', {})) or b.get('type', 'other')}"
        for n, b in enumerate(branches, 1)
    ]
    nearest = max(branches, key=lambda b: len(value_words & {*b.get("properties", ()), *b.get("required", ())}))
    reasons = [*explain(nearest, body, ""), *unknown_names(nearest, body, "")]
    return (
        f"the arguments fit none of the allowed forms, required: {'; '.join(forms)}. Nearest: {'; '.join(reasons[:2])}"
    )


def unknown_names(schema: Schema, value: Any, where: str) -> Iterator[str]:
    """Nested names that the description does not know: the service would ignore them silently."""
    if isinstance(value, dict) and "properties" in schema and not schema.get("additionalProperties"):
        if not (schema.get("oneOf") or schema.get("anyOf")):
            for name in value:
                if where and name not in schema["properties"]:
                    yield unknown_arguments(
                        f"{where}.{name}", [f"{where}.{allowed}" for allowed in schema["properties"]]
                    )
        for name, sub in schema["properties"].items():
            if name in value:
                yield from unknown_names(sub, value[name], f"{where}.{name}" if where else name)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for n, item in enumerate(value):
            yield from unknown_names(schema["items"], item, f"{where}[{n}]")


def explain(schema: Schema, value: Any, where: str) -> Iterator[str]:
    """Each fault of the value as a sentence, in the order of its names."""
    problems = islice(validator(schema).iter_errors(value), MOST_ERRORS)
    errors = sorted(problems, key=lambda e: [str(p) for p in e.absolute_path])
    listed = {tuple(e.absolute_path) for e in errors if e.validator == "enum"}  # what is allowed says the type too
    for error in errors:
        if error.validator != "type" or tuple(error.absolute_path) not in listed:
            yield _sentence(error, where)


def _sentence(error: ValidationError, where: str) -> str:
    name = where + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
    name = name.lstrip(".") or "the arguments"
    private = any(masking.is_secret(str(part)) or part == "credentials" for part in (where, *error.absolute_path))
    value_words = masking.HIDDEN if private else _quoted(masking.redact(cast("Any", error.instance)))
    wanted = cast("Any", error.validator_value)
    instance = cast("Any", error.instance)
    match str(error.validator):
        case "required":
            missing = error.message.split("'")[1] if "'" in error.message else str(wanted)
            return f"{'' if name == 'the arguments' else name + '.'}{missing} is missing"
        case "enum":
            return f"{name} is {value_words}; allowed: {', '.join(str(v) for v in wanted)}"
        case "type":
            types = wanted if isinstance(wanted, str) else " or ".join(wanted)
            return f"{name} is {value_words}; wanted: {types}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            bound = "at least" if "min" in str(error.validator).lower() else "at most"
            return f"{name} is {value_words}; allowed: {bound} {wanted}"
        case "minLength" | "maxLength" | "minItems" | "maxItems":
            bound = "at least" if str(error.validator).startswith("min") else "at most"
            unit = "characters" if str(error.validator).endswith("Length") else "items"
            return f"{name} has {len(instance)} {unit}; allowed: {bound} {wanted}"
        case "format":
            return f"{name} is {value_words}; wanted: {_FORMAT_WORDS.get(str(wanted), wanted)}"
        case "oneOf" | "anyOf":
            needed = [" and ".join(b.get("required", ())) for b in wanted if b.get("required")]
            several = "exactly one of" if error.validator == "oneOf" else "one of"
            if needed and len(needed) == len(wanted):
                return f"{'Give' if name == 'the arguments' else f'{name}: give'} {several} {', '.join(needed)}"
            return f"{name} is {value_words}, which fits none of its forms"
        case _:
            return f"{name} is {value_words}, which breaks {error.validator} {_quoted(wanted)}"


_FORMAT_WORDS = {
    "date-time": "a time as RFC 3339 with zone, for example 2026-01-31T18:00:00Z",
    "uuid": "a UUID (names become ids with the list tools)",
    "ipv4": "an IPv4 address",
    "HH:MM": "a time of day as HH:MM, UTC",
}


def unsafe_id(name: str, value: str) -> Iterator[str]:
    """What keeps a value from being put into a path."""
    if not value.strip():
        yield f"{name} is empty; an id is wanted"
    elif len(value) > LONGEST_ID:
        yield f"{name} has {len(value)} characters; an id has at most {LONGEST_ID}"
    elif value in (".", "..") or not value.isprintable() or UNSAFE_IN_PATH.search(value):
        yield f"{name} is {_quoted(value)}; an id has no slash, dot segment, space, percent or control character"


def unsafe_ids(schema: Schema, value: Any, where: str) -> Iterator[str]:
    """What keeps ids within a body from being ids: the service may put them into paths as we do."""
    for branch in (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        if isinstance(value, dict):
            for name, sub in branch.get("properties", {}).items():
                path = f"{where}.{name}" if where else name
                for location, held in _strings(path, value.get(name)) if ID_NAME.search(name) else ():
                    yield from unsafe_id(location, held)
                if name in value:
                    yield from unsafe_ids(sub, value[name], path)
        elif isinstance(value, list) and isinstance(branch.get("items"), dict):
            for n, item in enumerate(value):
                yield from unsafe_ids(branch["items"], item, f"{where}[{n}]")


def _strings(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        yield from ((f"{path}[{n}]", item) for n, item in enumerate(value) if isinstance(item, str))


def unknown_arguments(name: str, allowed: Iterable[str]) -> str:
    """An unknown argument, with the nearest known one."""
    allowed = sorted(allowed)
    near = suggest.near_names(name, allowed, 1)
    cure = f"did you mean {near[0]}?" if near else f"known: {', '.join(allowed) or 'none'}."
    return f"There is no argument {_quoted(name)}; {cure}"


def is_uuid(value: Any) -> bool:
    """Whether the value is spelled as a UUID."""
    return (
        isinstance(value, str)
        and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) is not None
    )


def _quoted(value: Any, most: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= most else text[: most - 1] + "…"


def validator(schema: Schema) -> Draft202012Validator:
    """The compiled schema, with the formats of the descriptions checked; compiled once per schema.

    The schemas of tools are the same objects at each call, so an object seen before is known without reading it.
    """
    seen = _SEEN.get(id(schema))
    if seen is not None and seen[0] is schema:
        return seen[1]
    made = _validators(json.dumps(schema, sort_keys=True))
    if len(_SEEN) < MOST_SEEN:
        _SEEN[id(schema)] = (schema, made)  # holding the schema keeps its id from being given to another
    return made


_SEEN: dict[int, tuple[Schema, Draft202012Validator]] = {}


@lru_cache(maxsize=512)
def _validators(schema: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415  # 20 ms that the first tools/list does not need

    checker = FormatChecker(formats=())
    checker.checks("uuid")(lambda v: not isinstance(v, str) or is_uuid(v))
    checker.checks("date-time")(lambda v: not isinstance(v, str) or _is_time(v))
    checker.checks("ipv4")(lambda v: not isinstance(v, str) or _is_ipv4(v))
    checker.checks("HH:MM")(lambda v: not isinstance(v, str) or re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", v) is not None)
    return Draft202012Validator(json.loads(schema), format_checker=checker)


def _is_time(value: str) -> bool:
    shaped = re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value)
    # what previews cannot read must not be sent: one reader for both
    return shaped is not None and units.parse_time(value) is not None


def _is_ipv4(value: str) -> bool:
    import ipaddress  # noqa: PLC0415

    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True
