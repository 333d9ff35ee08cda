"""The errors that people and models read: what was wrong, what is allowed, what to do next.

Which class it is says who can act on it and what is known of its effect. Knows nothing of HTTP or MCP; must import
nothing of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import ClassVar, Self


class BackupError(Exception):
    """A problem as a sentence, with the cure in `hint`; never a stack trace to whoever reads it.

    `status` and `debug_id` are those of the service's answer, where there was one. `code` is its word in logs.
    """

    code: ClassVar[str] = "error"
    nothing_sent: ClassVar[bool] = False
    """Whether it is certain that no request of this call changed anything."""

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, debug_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        self.debug_id = debug_id

    def map_texts(self, word: Callable[[str], str]) -> Self:
        """The same problem with its texts as `word` makes them."""
        mapped = copy(self)
        mapped.message, mapped.hint = word(self.message), word(self.hint)
        mapped.debug_id = word(self.debug_id) if self.debug_id else self.debug_id
        mapped.args = (mapped.message,)
        return mapped

    def with_hint(self, hint: str) -> Self:
        """The same problem with another cure."""
        changed = copy(self)
        changed.hint = hint
        return changed


class InputError(BackupError):
    """The arguments are wrong; nothing was sent."""

    code = "input"
    nothing_sent = True


class PolicyRefusal(BackupError):
    """Our own policy or a person said no; nothing was sent."""

    code = "refused"
    nothing_sent = True


class SettingsError(BackupError):
    """The server is not configured for this; nothing was sent."""

    code = "settings"
    nothing_sent = True


class ServiceError(BackupError):
    """The service answered with an error; `status` and `debug_id` say which, `words` is what it said itself.

    `definite`: it says so itself and shows nothing that was executed; only then may another form be tried.
    """

    code = "service"
    words = ""
    definite = False


class Unreachable(BackupError):
    """No answer, and the request cannot have been carried out (or was a read)."""

    code = "unreachable"


class OutcomeUnknown(BackupError):
    """No usable answer, and a write may or may not have been carried out."""

    code = "unknown"


class LimitExceeded(BackupError):
    """An answer exceeds a bound of ours (size, nesting, pages)."""

    code = "limit"
