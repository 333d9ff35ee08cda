"""The one error that people and models read: what was wrong, what is allowed, what to do next.

Knows nothing of HTTP or MCP; must import nothing of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Kind = Literal["input", "refused", "service", "unreachable", "unknown", "settings", "limit"]
"""Who can act on an error, and what is known of its effect.

input        the arguments are wrong; nothing was sent
refused      our own policy or a person said no; nothing was sent
service      the service answered with an error; `status` and `debug_id` say which
unreachable  no answer, and the request cannot have been carried out (or was a read)
unknown      no usable answer, and a write may or may not have been carried out
settings     the server is not configured for this; nothing was sent
limit        an answer exceeds a bound of ours (size, nesting, pages)
"""


class BackupError(Exception):
    """A problem as a sentence, with the cure in `hint`; never a stack trace to whoever reads it."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        kind: Kind = "input",
        status: int | None = None,
        debug_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind
        self.status = status
        self.debug_id = debug_id

    def reworded(self, word: Callable[[str], str]) -> BackupError:
        """The same problem with its texts as `word` makes them."""
        debug_id = word(self.debug_id) if self.debug_id else self.debug_id
        return BackupError(
            word(self.message), hint=word(self.hint), kind=self.kind, status=self.status, debug_id=debug_id
        )

    @property
    def nothing_sent(self) -> bool:
        """Whether it is certain that no request of this call changed anything."""
        return self.kind in ("input", "refused", "settings")
