"""States that contradict a success: an error or failure beside the word that all is done, or work that goes on.

Reads nothing. A state is told with since when it is so, since one of before the write proves nothing against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize, units

STATES = ("state", "status", "health/state", "health/status", "connectedState", "connectionState", "storage/state")
REASONS = ("stateReason", "health/stateReason")
TIMES = ("stateUpdatedAt", "health/updatedAt", "lastRefreshedAt", "lastRefreshed", "updatedAt")
_GOES_ON = re.compile(r"(?:^|_)[A-Z]+ING(?:_|$)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")  # in a reason: "…, since 2026-11-21T01:00:19Z"
_NO_WORK = ("WARNING", "RUNNING", "PENDING", "MISSING")


@dataclass(frozen=True)
class Contradiction:
    """Why a success is in doubt: the outcome it makes, the state with its reason, since when, what would prove it."""

    outcome: Outcome
    state: str
    age: str = ""
    proof: str = ""

    @property
    def sentence(self) -> str:
        """All of it in a sentence or two."""
        if self.outcome is Outcome.RUNNING:
            return f"Its state is still {self.state}: the work has not ended."
        after = f" What would prove it: {self.proof}." if self.proof else ""
        return f"Its state contradicts that: {self.state} ({self.age}).{after}"


def find_contradiction(
    item: Mapping[str, Any],
    since: datetime | None,
    now: datetime,
    proof: str = "",
    before: Mapping[str, Any] | None = None,
) -> Contradiction | None:
    """What the states of a resource say against a success.

    `since`: when the write was sent; `proof`: what would prove it. `before`: the resource as it was, where states that
    it had then already say nothing.
    """
    going, wrong = _going_on(item), extractors.problem_of(item, (*STATES, ""))
    if before is not None:
        going = "" if going == _going_on(before) else going
        wrong = None if wrong == extractors.problem_of(before, (*STATES, "")) else wrong
    if going:
        return Contradiction(Outcome.RUNNING, sanitize.cell(going))
    if not wrong:
        return None
    reason = extractors.text(extractors.first(item, REASONS))
    words = sanitize.cell(f"{wrong}: {reason}" if reason else wrong, 300)
    outcome = Outcome.FAILED if "FAIL" in wrong else Outcome.UNKNOWN
    return Contradiction(outcome, words, _age(item, since, now), proof)


def _going_on(item: Mapping[str, Any]) -> str:
    state = extractors.text(extractors.first(item, ["state"]))
    match = _GOES_ON.search(state)
    return state if match and not any(word in state for word in _NO_WORK) else ""


def _age(item: Mapping[str, Any], since: datetime | None, now: datetime) -> str:
    """Since when it is so, and whether that is before the write."""
    reason = extractors.text(extractors.first(item, REASONS))
    stated = units.parse_time(match[0]) if (match := _MOMENT.search(reason)) else None
    changed = stated or next(
        (when for path in TIMES if (when := units.parse_time(extractors.first(item, [path])))), None
    )
    if changed is None:
        return "since when is not known"
    words = f"{'since' if stated else 'as of'} {units.relative(changed, now)}"
    if since is None:
        return words
    if changed < since - timedelta(seconds=2):
        return f"{words}, before this request: it may not have been looked at since"
    return f"{words}, after this request was sent"
