"""Bounds of what the service may answer: bytes, bytes once decompressed, nesting. Clear errors beyond them.

Knows HTTP bodies and JSON, nothing of what they mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

import anyio.to_thread
import httpx2

from greenlake_backup_mcp.errors import BackupError, LimitExceeded

T = TypeVar("T")
MOST_BYTES = 32 * 1024 * 1024  # of a page of a list, decompressed; one of 1,000 recovery points has about 3 MB
MOST_OF_ONE = 8 * 1024 * 1024  # of any other answer; a group of 2,000 members has less than 1 MB
LARGE = 256 * 1024  # bytes from which an answer is parsed in a thread
MOST_MARKS = 2_000_000  # commas, and backslashes, of one answer: 20,000 items of a list have some 800,000 commas
_CONTAINERS = frozenset({dict, list})
DEEPEST = 64  # levels of nesting; the described answers have fewer than 12
_SURROGATE = re.compile(rb"\\u[dD][89abAB]")


class UnusableBodyError(Exception):
    """An answer came, but what it holds is no JSON; `passing` where another attempt may bring a whole one."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


async def read_body(response: httpx2.Response, most: int = MOST_BYTES) -> bytes:
    """The body, decompressed piece by piece; a LimitExceeded as soon as it exceeds `most` bytes."""
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise too_large(most)
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most:
            raise too_large(most)
        parts.append(part)
    return b"".join(parts)


def too_large(most: int = MOST_BYTES) -> BackupError:
    """The error for an answer of more than `most` bytes."""
    return LimitExceeded(
        f"The service's answer is larger than {most // (1024 * 1024)} MB and was not read.",
        hint="Ask for less: a smaller limit, a filter, or fewer properties with select.",
    )


def parse_body(content: bytes, content_type: str = "", decoder: json.JSONDecoder | None = None) -> Any:
    """The JSON value of a body; None where it is empty.

    Raises UnusableBodyError for what is no JSON, and a LimitExceeded for what nests too deep.
    """
    if not content.strip():
        return None
    try:
        value = (decoder or _DECODER).decode(content.decode(json.detect_encoding(content), "surrogatepass"))
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        kind = content_type.partition(";")[0].strip().lower()
        if "json" in kind or not kind:
            raise UnusableBodyError("JSON that breaks off or is malformed", passing=True) from None
        raise UnusableBodyError(f"no JSON but {kind[:60]}", passing=False) from None
    _check_depth(value)
    if _SURROGATE.search(content):
        # a lone surrogate, which cannot be encoded and would break the channel to the client, becomes U+FFFD
        text = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        value = json.loads(text.decode("utf-16-le", "replace"))
    return value


async def parse(content: bytes, content_type: str = "") -> Any:
    """As `parse_body`; of a large body in a thread that lets the event loop go on. LimitExceeded for too many values.

    The parser of `json` holds the interpreter's lock from the first byte to the last unless it calls Python in between,
    as it does here for each object. What has none (a million lists, a text of nothing but escapes) is bounded.
    """
    if len(content) <= LARGE:
        return parse_body(content, content_type)
    if max(content.count(b","), content.count(b"\\")) > MOST_MARKS:
        raise LimitExceeded(
            f"The service's answer holds more than {MOST_MARKS:,} values and was not used.",
            hint="Ask for less: a smaller limit, a filter, or fewer properties with select.",
        )
    return await anyio.to_thread.run_sync(parse_body, content, content_type, _YIELDING, abandon_on_cancel=True)


async def offload_if(large: bool, work: Callable[..., T], *arguments: Any) -> T:
    """What `work` makes of a value: of a large one in a thread, so that other calls are answered meanwhile.

    `work` must touch nothing that others change. What it raises goes through; a cancelled caller leaves it to its end.
    """
    if not large:
        return work(*arguments)
    return await anyio.to_thread.run_sync(partial(work, *arguments), abandon_on_cancel=True)


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        if not level:
            break
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
    if level:
        raise _too_deep()


def is_page(content: bytes, content_type: str) -> bool:
    """Whether a body is a page in HTML, which the service never sends and proxies do."""
    kind = content_type.partition(";")[0].strip().lower()
    begin = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return begin.startswith((b"<!doctype html", b"<html")) or (
        kind in ("text/html", "application/xhtml+xml") and b"<" in begin
    )


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


_DECODER = json.JSONDecoder(parse_constant=_no_number)  # `json.loads` would make one for each body
_YIELDING = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_object)


def _too_deep() -> BackupError:
    return LimitExceeded(
        f"The service's answer nests more than {DEEPEST} levels deep and was not used.",
        hint="No described answer does; report it to HPE support.",
    )
