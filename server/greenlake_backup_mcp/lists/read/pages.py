"""One page of a list: its request, and what its envelope holds, whichever of the service's spellings it has.

Knows HTTP requests and envelopes, nothing of what items mean or of the pages around it.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from greenlake_backup_mcp.errors import BackupError, ServiceError
from greenlake_backup_mcp.upstream import body_limits, client

Item = Mapping[str, Any]
HASH_BITS = 0x7FFF_FFFF_FFFF_FFFF


@dataclass(frozen=True)
class Source:
    """A list of the service: the request without its page, and the bounds of its pages."""

    request: client.Request
    paged: bool  # False: the list has neither limit nor offset and comes whole
    max_limit: int  # rows of one page
    max_offset: int | None  # the largest offset it accepts


@dataclass(frozen=True)
class Page:
    """One answer of a list, whatever the spelling of its envelope."""

    items: tuple[Item, ...]
    total: int | None


class SeenItems:
    """Which items came already; 8 bytes an item. One without an id is known again, but two alike may be two."""

    def __init__(self) -> None:
        self._marks: array[int] = array("q")

    def add(self, items: Sequence[Item]) -> tuple[list[Item], bool]:
        """Those of the items that did not come before; and whether there was anything new."""
        marks = [_mark(item) for item in items]
        seen = set(marks).intersection(self._marks)
        fresh: list[Item] = []
        new = False
        for item, mark in zip(items, marks, strict=True):
            if mark not in seen:
                seen.add(mark)
                self._marks.append(mark)
                new = True
                fresh.append(item)
            elif not isinstance(item.get("id"), str):
                fresh.append(item)
        return (fresh if new else []), new

    def has_all(self, items: Iterable[Item]) -> bool:
        """Whether each of the items came before."""
        marks = {_mark(item) for item in items}
        return marks.issubset(marks.intersection(self._marks))


def _mark(item: Item) -> int:
    own = item.get("id")
    text = own if isinstance(own, str) else json.dumps(item, sort_keys=True)
    return hash(text) & HASH_BITS


async def fetch_page(api: client.ApiClient, source: Source, offset: int, limit: int) -> Page:
    """One page; `limit` is cut to what the list allows."""
    query = source.request.query
    if source.paged:
        query = (*query, ("limit", str(max(1, min(limit, source.max_limit)))), ("offset", str(offset)))
    try:
        response = await client.send(api, replace(source.request, query=query, most_bytes=body_limits.MOST_BYTES))
    except BackupError as problem:
        if problem.status == 404 and offset > 0:
            return Page((), None)  # behind the end
        raise
    return parse_page(response.body, source.request.operation_id)


def parse_page(body: Any, operation: str) -> Page:
    """The items and the total of an answer: {items, count, offset | pageOffset, total?}. No body is an empty page."""
    if body is None or body == {}:
        return Page((), None)
    items = body.get("items") if isinstance(body, dict) else body
    if items is None and isinstance(body, dict) and {"count", "total", "offset", "pageOffset"} & body.keys():
        items = []
    if not isinstance(items, list):
        raise ServiceError(
            f"{operation}: the service answered with something that is no list.",
            hint="The answer has no `items`. If you use a base URL of your own, check that it leads to the service.",
        )
    objects = tuple(item for item in items if isinstance(item, dict))
    return Page(objects, _natural(body.get("total")) if isinstance(body, dict) else None)


def _natural(value: Any) -> int | None:
    if isinstance(value, str) and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
