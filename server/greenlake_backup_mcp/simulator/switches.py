"""TABLE of switches: where the documents are silent, one reading each; and what makes the tenant unusual.

Every default is the reading thought likeliest. Faults that pass are in faults.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal


@dataclass(frozen=True)
class Switches:
    """How this simulated service behaves. Durations in seconds of the tenant's clock."""

    location: Literal["absolute", "relative"] = "absolute"  # the Location header of a 202
    totals: bool = True  # whether lists tell `total` where it is optional
    no_match_is_404: bool = False  # lists that document 404 answer it when a filter matches nothing
    locked_delete: Literal["task", "409", "412"] = "task"  # deleting a locked copy: late failure, or at once
    dual_authorization: bool = False  # deletes of copies and stores wait for a second person
    dual_words: Literal["upper", "capital"] = "capital"  # PENDING/APPROVED/CANCELLED or Pending/Approved/Canceled
    shorter_lock: Literal["refused", "ignored", "accepted"] = "refused"  # lockedUntil moved earlier
    past_expiry: Literal["refused", "accepted"] = "accepted"  # expiresAt in the past: 400, or purged at once
    purge_seconds: float = 2700  # most time between the expiry of a copy and its disappearance
    media_types: Literal["strict", "lenient"] = "strict"  # whether a PATCH with application/json is refused (415)
    unknown_properties: Literal["refused", "ignored"] = "refused"  # in request bodies
    bare_timestamps: bool = False  # timestamps in filters must stand without quotes
    case_sensitive: bool = True  # equality in filters
    old_errors: bool = False  # {error, errorCode, traceId} instead of the documented body
    token_seconds: int = 900  # lifetime of an access token
    one_token: bool = False  # a new token makes the last one invalid
    token_expires_in: bool = True  # whether the token endpoint tells expires_in
    ready_token: str = "simulated-ready-token"  # noqa: S105  always valid; nobody's secret
    read_only_client: bool = False  # the API client's role may not write: 403
    clock_skew: float = 0  # seconds by which the service's clock (Date header, timestamps) runs ahead
    hostile: bool = False  # many names, reasons and messages are attacks on whoever reads them
    polling_seconds: int | None = None  # suggestedPollingIntervalSeconds; None: 30 scaled, at least 1
    task_word: Literal["state", "status"] = "state"  # field of a task that tells how it stands
    tick: float = 0  # seconds that pass with every request, for tests with a clock that stands still
    rate_limit: int | None = None  # requests a minute of the tenant's clock before 429


def from_json(values: dict[str, Any], base: Switches) -> Switches:
    """The switches with those of a JSON object changed; ValueError names an unknown one."""
    known = {f.name for f in fields(Switches)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"unknown switches {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return Switches(**{**{name: getattr(base, name) for name in known}, **values})
