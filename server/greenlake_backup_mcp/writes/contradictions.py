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
    """Why a success is in doubt, as a sentence, and what it makes of the outcome."""

    outcome: Outcome
    sentence: str


def find_contradiction(
    item: Mapping[str, Any], since: datetime | None, now: datetime, proof: str = ""
) -> Contradiction | None:
    """What the states of a resource say against a success.

    `since`: when the write was sent; `proof`: what would prove it.
    """
    if going := _going_on(item):
        return Contradiction(Outcome.RUNNING, f"Its state is still {sanitize.cell(going)}: the work has not ended.")
    wrong = extractors.problem_of(item, (*STATES, ""))
    if not wrong:
        return None
    reason = extractors.text(extractors.first(item, REASONS))
    words = sanitize.cell(f"{wrong}: {reason}" if reason else wrong, 300)
    failed = "FAIL" in wrong
    after = f" What would prove it: {proof}." if proof else ""
    return Contradiction(
        Outcome.FAILED if failed else Outcome.UNKNOWN,
        f"Its state contradicts that: {words} ({_age(item, since, now)}).{after}",
    )


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
