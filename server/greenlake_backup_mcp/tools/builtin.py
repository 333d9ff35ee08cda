"""TABLE of the tools that are no operation of the service: what a model sees of them.

What they do is in outcomes/tasks.py and consent/plans.py; kept apart so that tools/list needs neither.
"""

from __future__ import annotations

from greenlake_backup_mcp.openapi.document import Schema

from .danger import Danger
from .registry import CONFIRM, Argument, Tool

MOST_CALLS = 200  # of a plan


def _builtin_tool(  # noqa: PLR0913, PLR0917  a tool has its parts
    name: str, title: str, description: str, toolset: str, danger: Danger, schema: Schema
) -> Tool:
    arguments = {argument: Argument(argument, argument, "ours") for argument in schema["properties"]}
    return Tool(name, title, description, toolset, danger, schema, arguments)


WAIT_FOR_TASK = _builtin_tool(
    "wait_for_task",
    "Wait for a task",
    "Follows a task to its end, or for so many seconds, and tells what became of it and of its resource.",
    "tasks",
    Danger.READ,
    {
        "type": "object",
        "properties": {"taskId": {"type": "string"}, "seconds": {"type": "number", "minimum": 0, "maximum": 3600}},
        "required": ["taskId"],
    },
)

RUN_PLAN = _builtin_tool(
    "run_plan",
    "Carry out many calls with one consent",
    "Runs up to 200 calls of gated tools (delete, update of copies, restore, ...) as one reviewed list: preview, "
    "one code, then in order, each target read again just before. Stops at the first failure.",
    "plans",
    Danger.DESTROY,
    {
        "type": "object",
        "properties": {
            "calls": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_CALLS,
                "items": {
                    "type": "object",
                    "properties": {
                        "tool": {"type": "string"},
                        "arguments": {"type": "object", "description": "As for the tool itself, without confirm."},
                    },
                    "required": ["tool", "arguments"],
                    "additionalProperties": False,
                },
            },
            "continueOnError": {"type": "boolean", "description": "Go on after a failure. Default false."},
            "confirm": CONFIRM,
        },
        "required": ["calls", "confirm"],
    },
)

TOOLS = (WAIT_FOR_TASK, RUN_PLAN)
