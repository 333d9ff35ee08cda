"""STUB by the lead so that calls.py runs; FAULTS replaces it. Keep: TaskReport, follow, wait, WAIT_FOR_TASK (Tool)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import rest
from .catalog import Argument, Tool
from .danger import Danger

WAIT_FOR_TASK = Tool(
    name="wait_for_task",
    title="Wait for a task",
    description="Follows a task to its end, or for so many seconds, and tells what became of it and of its resource.",
    toolset="tasks",
    danger=Danger.READ,
    input_schema={
        "type": "object",
        "properties": {"taskId": {"type": "string"}, "seconds": {"type": "number", "minimum": 0, "maximum": 3600}},
        "required": ["taskId"],
    },
    arguments={name: Argument(name, name, "ours") for name in ("taskId", "seconds")},
)


@dataclass(frozen=True)
class TaskReport:
    id: str
    outcome: str
    lines: tuple[str, ...]
    resource: Any = None


async def follow(api: rest.Api, reply: rest.Reply, *, tool_name: str, target: Any, seconds: float, progress: Any) -> TaskReport:
    return TaskReport("", "still running", (f"Accepted: {reply.headers.get('location')}",))


async def wait(api: rest.Api, task_id: str, seconds: float, progress: Any) -> TaskReport:
    return TaskReport(task_id, "still running", ("stub",))
