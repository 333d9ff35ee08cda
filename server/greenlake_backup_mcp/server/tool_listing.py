"""How tools/list shows a tool."""

from __future__ import annotations

from mcp.types import Tool as ListedTool
from mcp.types import ToolAnnotations

from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool


def to_mcp_tool(tool: Tool) -> ListedTool:
    """The tool as tools/list shows it; all four hints follow from its danger and method."""
    method = tool.operation.method if tool.operation else "GET" if tool.danger is Danger.READ else "POST"
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.danger is Danger.READ,
            destructive_hint=tool.gated or tool.conditional,
            idempotent_hint=tool.danger is Danger.READ or method in ("PUT", "PATCH", "DELETE"),
            open_world_hint=True,
        ),
    )
