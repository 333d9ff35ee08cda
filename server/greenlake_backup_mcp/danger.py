"""TABLE of rules: what each operation that is not a plain read can destroy, disrupt or reveal.

Knows operations by id and method. Must know nothing of tools, HTTP or MCP.
"""

from __future__ import annotations

from enum import Enum

from .openapi import Operation


class Danger(Enum):
    """What the worst case of a call costs. DISRUPT, DESTROY and SECRET are gated by `confirm`."""

    READ = "read"
    WRITE = "write"
    DISRUPT = "disrupt"
    DESTROY = "destroy"
    SECRET = "secret"  # noqa: S105

    @property
    def gated(self) -> bool:
        """Whether a call needs a preview and its code first."""
        return self in (Danger.DISRUPT, Danger.DESTROY, Danger.SECRET)


def danger(operation: Operation) -> Danger:
    """The danger of an operation: by its rule, else by method; an unknown non-GET counts as DESTROY."""
    return Danger.READ if operation.method == "GET" else Danger.DESTROY
