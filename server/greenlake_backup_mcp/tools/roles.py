"""TABLE of roles: what a login may see and call. One predicate for tools/list and for each call.

Knows tools by their danger. Must know nothing of tokens, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from .danger import Danger
from .registry import Tool

Role = Literal["read", "operate", "destroy"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may what those before it may

_MAY: Mapping[Role, frozenset[Danger]] = {
    "read": frozenset({Danger.READ}),
    "operate": frozenset({Danger.READ, Danger.WRITE, Danger.DISRUPT}),
    "destroy": frozenset(Danger),  # secrets too: a console login or remote access is worth any backup
}


def role_allows(role: Role, tool: Tool) -> bool:
    """Whether a role may use a tool with some arguments.

    A plan may be made by whoever may change anything: each call in it is judged.
    """
    if tool.operation is None and (tool.danger.gated or tool.serves_writers):
        return role != "read"
    return role_allows_danger(role, tool.least_danger)


def role_allows_danger(role: Role, danger: Danger) -> bool:
    """Whether a role may do what costs this much: only `destroy` may lose, overwrite or reveal data."""
    return danger in _MAY[role]


def role_of(scopes: Iterable[str]) -> Role:
    """The role that a verified login's scopes give: the least of them, should there ever be several."""
    granted = set(scopes)
    return next((role for role in ROLES if role in granted), "read")


def required_role(tool: Tool) -> Role:
    """The least role that may use a tool."""
    return next(role for role in ROLES if role_allows(role, tool))
