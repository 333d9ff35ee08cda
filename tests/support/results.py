"""What tests read from results: their text, and the code in it."""

from __future__ import annotations

import re
from typing import Any

from mcp.types import CallToolResult

CODE = re.compile(r'confirm: "([A-Z2-7]{4}-[A-Z2-7]{4})"')


def text_of(result: Any) -> str:
    """The text of a result of a tool."""
    assert isinstance(result, CallToolResult), result
    return "\n".join(block.text for block in result.content if block.type == "text")


def code_in(preview: CallToolResult | str) -> str:
    """The code that a preview gives out; there must be one."""
    text = preview if isinstance(preview, str) else text_of(preview)
    match = CODE.search(text)
    assert match, text
    return match[1]
