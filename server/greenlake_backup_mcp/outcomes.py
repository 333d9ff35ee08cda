"""What became of a write, in one word: the same word for the model, for a plan and for the record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What is known of a write. Only DONE means that all of it is done as it was asked for."""

    DONE = "done"
    TRIGGERED = "triggered"  # a run was set going; its parts have not ended
    RUNNING = "still running"
    PAUSED = "paused"  # until a person acts in the console
    WAITING = "waiting for approval"
    DIFFERS = "differs"  # the service calls it done; what it made or changed is not what was asked for
    PARTLY = "failed in part"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"  # nothing was sent
    NOT_TRIED = "not tried"

    @property
    def is_error(self) -> bool:
        """Whether a model must not take it for done, nor for on its way; a plan stops there."""
        return self in _ERRORS


_ERRORS = (Outcome.DIFFERS, Outcome.PARTLY, Outcome.FAILED, Outcome.UNKNOWN, Outcome.REFUSED)


@dataclass(frozen=True)
class CallOutcome:
    """What became of a request that was sent: the outcome, lines for the model, JSON where it was asked for."""

    outcome: Outcome
    lines: tuple[str, ...] = ()  # first the outcome in a sentence
    value: Any = None
    beside: str = ""  # of the lines of an update, the one that names what changed and was not asked for
