"""TABLE of the tools that only clients with views have: one for the model, the others for the views themselves.

What they do is in `cards` and `pictures`; kept apart so that tools/list needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.tools.builtin import MOST_CALLS
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Argument, Tool

if TYPE_CHECKING:
    from greenlake_backup_mcp.consent.proposals import Caller
    from greenlake_backup_mcp.dispatch.context import CallContext

MOST_SECONDS = 25  # that change_status waits: clients cut calls at 60
LONGEST = 500  # characters of a text that a view sends


def _tool(name: str, title: str, description: str, danger: Danger, required: list[str], **properties: Schema) -> Tool:
    schema = {"type": "object", "properties": properties, "required": required}
    arguments = {argument: Argument(argument, argument, "ours") for argument in properties}
    return Tool(name, title, description, "views", danger, schema, arguments)


_CHANGE = {"type": "string", "maxLength": 100, "description": "chg_..., as the preview gave it."}
_TEXT = {"type": "string", "maxLength": LONGEST}

CHANGE_STATUS = _tool(
    "change_status",
    "Outcome of a change",
    "Tells whether the person confirmed or declined a change in its card, and what came of it; `seconds` waits for "
    "their answer. Only this says what became of it.",
    Danger.READ,
    ["change"],
    change=_CHANGE,
    seconds={"type": "number", "minimum": 0, "maximum": MOST_SECONDS},
)
OPEN_CARD = _tool(
    "open_card",
    "Open a confirmation card",
    "Called by the confirmation card alone: the change as it is now.",
    Danger.READ,
    ["version"],  # an empty text counts as left out: of a view that came without a change
    change={"type": "string", "maxLength": 100},
    version=_TEXT,
    rows={"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": MOST_CALLS},
)
ANSWER_CARD = _tool(
    "answer_card",
    "Answer a confirmation card",
    "Called by the confirmation card alone. A call without the card's proof cancels the change.",
    Danger.DESTROY,
    ["change", "answer"],
    change=_CHANGE,
    answer={"type": "string", "enum": ["confirm", "decline"]},
    action=_TEXT,
    typed=_TEXT,
    proof=_TEXT,
)
READ_VIEW = _tool(
    "read_view",
    "Data of a picture",
    "Called by the pictures alone: what they draw.",
    Danger.READ,
    ["view"],
    view={"type": "string", "enum": ["health", "cover", "stores"]},
    asset={"type": "string", "maxLength": 300},
    kind={"type": "string", "maxLength": 40},
    timeZone={"type": "string", "maxLength": 60},
)
FOR_CARDS = {tool.name: tool for tool in (CHANGE_STATUS, OPEN_CARD, ANSWER_CARD)}
TOOLS = {**FOR_CARDS, READ_VIEW.name: READ_VIEW}


@dataclass(frozen=True)
class ViewCall:
    """A call of one of these tools; `version` is that of the card's page."""

    context: CallContext
    caller: Caller
    values: Mapping[str, Any]
    version: str
