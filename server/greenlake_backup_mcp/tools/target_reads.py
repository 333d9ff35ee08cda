"""Which read shows what a call acts on: `POST /virtual-machines/{id}/restore` acts on that VM.

Assets live in a sibling API (a VM is read from virtualization), so the read is looked for among all tools.
"""

from __future__ import annotations

from collections.abc import Mapping

from greenlake_backup_mcp.upstream.client import Request

from .names import is_id, tail
from .registry import Tool


def read_of(path: str, tools: Mapping[str, Tool]) -> Request:
    """The read of the resource at a path, by the operation that describes it ("" where none of the tools does)."""
    wanted = path.rstrip("/").split("/")
    for tool in tools.values():
        operation = tool.operation
        if operation is None or operation.method != "GET":
            continue
        names = operation.path.split("/")
        if len(names) == len(wanted) and all(is_id(n) or n == w for n, w in zip(names, wanted, strict=True)):
            return Request(operation.id, "GET", path, reads=True)
    return Request("", "GET", path, reads=True)


def target_read(tool: Tool, request: Request, tools: Mapping[str, Tool]) -> Request | None:
    """The read of the resource that a call of `tool` acts on; None where it names none, or no tool reads it."""
    if tool.operation is None or "}" not in tool.operation.path:
        return None
    names, segments = tool.operation.path.split("/"), request.path.split("/")
    end = max(n for n, segment in enumerate(names) if is_id(segment)) + 1
    wanted = tail("/".join(names[:end]))
    reads = (t.operation for t in tools.values() if t.operation and t.operation.method == "GET")
    reader = next((operation for operation in reads if tail(operation.path) == wanted), None)
    if reader is None:
        return None
    ids = iter(value for name, value in zip(names, segments, strict=True) if is_id(name))
    path = "/".join(next(ids) if is_id(segment) else segment for segment in reader.path.split("/"))
    return Request(operation_id=reader.id, method="GET", path=path, reads=True)
