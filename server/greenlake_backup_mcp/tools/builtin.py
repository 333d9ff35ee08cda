"""TABLE of the tools that are no operation of the service: what a model sees of them.

What they do is in writes/follow.py, consent/plans.py and catalog; kept apart so that tools/list needs neither.
"""

from __future__ import annotations

from .danger import Danger
from .estate import FLEET
from .registry import CONFIRM, own_tool

MOST_CALLS = 200  # of a plan


WAIT_FOR_TASK = own_tool(
    "wait_for_task",
    "Wait for a task",
    "Follows a task, or a plan of run_plan, to its end or for so many seconds, and tells what became of it and of its "
    "resource.",
    "tasks",
    Danger.READ,
    {
        "taskId": {"type": "string"},
        "seconds": {"type": "number", "minimum": 0, "maximum": 3600},
        "stop": {"type": "boolean", "description": "Of a plan: send nothing more of it."},
    },
    required=["taskId"],
)

RUN_PLAN = own_tool(
    "run_plan",
    "Carry out many calls with one consent",
    "Runs up to 200 calls that change something (delete, update, restore, resume, ...) as one reviewed list: preview, "
    "one code, then in order, each judged again just before. Stops at the first failure; wait_for_task follows it.",
    "plans",
    Danger.DESTROY,
    {
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
            },
        },
        "continueOnError": {"type": "boolean", "description": "Go on after a failure. Default false."},
        "confirm": CONFIRM,
    },
    required=["calls", "confirm"],
)

PREVIEW_CALL = own_tool(
    "preview_call",
    "Preview a call",
    "Tells what any call that changes something would do, all of it, gravest first; nothing is sent. Gives a code only "
    "where the call itself would. With reference and part it reads the whole difference that a preview told of.",
    "plans",
    Danger.READ,
    {
        "tool": {"type": "string", "description": "The tool whose call is previewed."},
        "arguments": {"type": "object", "description": "As for the tool itself, without confirm."},
        "calls": RUN_PLAN.input_schema["properties"]["calls"],
        "reference": {"type": "string", "description": "From a preview."},
        "part": {"type": "integer", "minimum": 1},
    },
    serves_writers=True,
)

TOOLS = (WAIT_FOR_TASK, PREVIEW_CALL, RUN_PLAN, *FLEET)
