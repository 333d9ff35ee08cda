"""STUB by the lead so that calls.py runs; LISTS replaces it. Keep: `answer(api, tool, arguments, progress)` → lines, value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import columns, hygiene, rest, summaries
from .catalog import Tool


@dataclass(frozen=True)
class Answer:
    lines: tuple[str, ...]
    value: Any = None


async def answer(api: rest.Api, tool: Tool, arguments: Mapping[str, Any], progress: rest.Progress) -> Answer:
    assert tool.operation is not None
    path = tool.operation.path
    for a in tool.arguments.values():
        if a.place == "path":
            path = path.replace("{" + a.wire + "}", str(arguments[a.name]))
    query = [(n, str(arguments[n])) for n in ("limit", "offset", "filter", "sort", "select") if n in arguments]
    reply = await rest.send(api, rest.Request(tool.operation.id, "GET", path, tuple(query), reads=True))
    items = reply.body.get("items", [])
    if arguments.get("output") == "json":
        return Answer((), reply.body)
    return Answer((f"{len(items)} shown", *(hygiene.clean(str(i))[:200] for i in items)))
