"""TABLE of the questions over the estate: each is answered by the module that bears its tool's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module

from greenlake_backup_mcp.lists.list_tool import Answer

from .question import Question

ANSWERS = (
    *("check_protection", "describe_asset", "check_health", "show_dependents", "show_changes"),
    "find_recovery_points",
)


def answer_for(tool: str) -> Callable[[Question], Awaitable[Answer]] | None:
    """The function that answers a tool; None for a tool that is no question over the estate."""
    if tool not in ANSWERS:
        return None
    module = import_module(f".{tool}", __package__)
    function: Callable[[Question], Awaitable[Answer]] = module.answer
    return function
