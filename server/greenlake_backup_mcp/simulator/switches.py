"""TABLE of switches: one reading each where the documents are silent; what is unusual; what writes do other than asked.

Every default is the reading thought likeliest. READINGS says what each is about. Faults that pass are in
faults/script.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from .tasks import Ending


@dataclass(frozen=True)
class Deviation:
    """What a write does other than asked. Patches are merge patches (RFC 7386): null takes a property away.

    `request` patches the body once it was accepted, so that something else is carried out. `result` patches what the
    write made or changed, by collection ("virtual-machines", "backups"), when its task has ended or it has answered:
    things half made, states that contradict. `ending` is what becomes of its task, `children` of its child tasks, by
    the name or id of their resource, the name of the task, their place among their siblings ("1") or "*". `status` and
    `body` are what is answered once the write was carried out: 200 with an error, 207 with parts that failed.
    """

    request: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ending: Ending | None = None
    children: Mapping[str, Ending] = field(default_factory=dict)
    status: int = 0
    body: Any = None

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Deviation:
        """One of a JSON object; TypeError names what it does not have."""
        ending = values.get("ending")
        children = {name: Ending(**value) for name, value in values.get("children", {}).items()}
        return cls(**{**values, "ending": Ending(**ending) if ending else None, "children": children})


@dataclass(frozen=True)
class Switches:
    """How this simulated service behaves. Durations in seconds of the tenant's clock."""

    # --- readings, explained in READINGS
    location: Literal["absolute", "relative"] = "absolute"
    totals: bool = True
    no_match_is_404: bool = False
    bare_timestamps: bool = False
    case_sensitive: bool = True
    escaped_quotes: Literal["doubled", "backslash"] = "doubled"
    in_lists: Literal["either", "round", "square"] = "either"
    media_types: Literal["strict", "lenient", "json"] = "strict"
    unknown_properties: Literal["refused", "ignored"] = "refused"
    published_names: Literal["both", "corrected", "published"] = "both"
    task_word: Literal["state", "status"] = "state"
    progress_word: Literal["progressPercent", "progressPercentage"] = "progressPercent"
    log_time_word: Literal["timestampAt", "timestamp"] = "timestampAt"
    made_in_task: bool = True
    partial_failure: Literal["succeeded", "failed"] = "succeeded"
    dual_delete: Literal["request", "paused"] = "request"
    dual_words: Literal["upper", "capital"] = "capital"
    one_token: bool = False
    token_expires_in: bool = True
    past_expiry: Literal["refused", "accepted"] = "accepted"
    expiry_below_lock: Literal["refused", "accepted", "ignored"] = "refused"
    shorter_lock: Literal["refused", "ignored", "accepted"] = "refused"
    locked_delete: Literal["task", "409", "412"] = "task"
    recovery_point_of_restore: Literal["one", "both"] = "one"
    run_order: Literal["newest", "oldest"] = "newest"
    run_without_schedules: Literal["all", "refused"] = "all"
    source_runs_first: bool = True
    runs_are_children: bool = True
    double_protection: Literal["refused", "shown"] = "refused"
    asset_types: Literal["virtualization", "hybrid-cloud"] = "virtualization"
    old_errors: bool = False
    # --- what makes the tenant unusual
    dual_authorization: bool = False  # deletes of copies and stores wait for a second person
    purge_seconds: float = 2700  # most time between the expiry of a copy and its disappearance
    token_seconds: int = 900  # lifetime of an access token
    ready_token: str = "simulated-ready-token"  # noqa: S105  always valid; nobody's secret
    read_only_client: bool = False  # the API client's role may not write: 403
    clock_skew: float = 0  # seconds by which the service's clock (Date header, timestamps) runs ahead
    hostile: bool = False  # many names, reasons and messages are attacks on whoever reads them
    polling_seconds: int | None = None  # suggestedPollingIntervalSeconds; None: 30 scaled, at least 1
    rate_limit: int | None = None  # requests a minute of the tenant's clock before 429
    deviations: Mapping[str, Deviation] = field(default_factory=dict)  # by operationId, "*" for any


READINGS: Mapping[str, str] = {
    "location": "The Location header of a 202 is a whole URL, or a path on the same host.",
    "totals": "Lists tell `total` where the description calls it optional, or leave it out.",
    "no_match_is_404": "A filter that matches nothing gives an empty list, or the 404 that some lists document.",
    "bare_timestamps": "Timestamps in filters may stand in quotes, or must stand without.",
    "case_sensitive": "Equality in filters tells capitals from small letters, or does not.",
    "escaped_quotes": "A quote inside a literal of a filter is doubled, or stands behind a backslash.",
    "in_lists": "The values after `in` stand in round brackets, in square ones, or in either.",
    "media_types": "A PATCH must be a merge patch (415 otherwise), may be plain JSON as well, or must be plain JSON.",
    "unknown_properties": "A property that the description does not have is refused with 400, or ignored.",
    "published_names": "What the published description misspells is understood as published, corrected, or both ways.",
    "task_word": "A task tells how it stands in `state` or in `status`.",
    "progress_word": "A task tells its progress as `progressPercent` or as `progressPercentage`.",
    "log_time_word": "Log messages of a task carry their time as `timestampAt` or as `timestamp`.",
    "made_in_task": "A task names what it made among its associatedResources, or only what it was asked about.",
    "partial_failure": "A task whose children failed in part ends as SUCCEEDED with health WARNING, or as FAILED.",
    "dual_delete": "A delete that needs approval ends its task with the request, or is PAUSED until somebody decided.",
    "dual_words": "Approvals are Pending, Approved, Canceled, or PENDING, APPROVED, CANCELLED.",
    "one_token": "A client may hold several access tokens, or a new one ends the last.",
    "token_expires_in": "The token endpoint tells how long a token holds, or does not.",
    "past_expiry": "expiresAt in the past lets the recovery point go at once, or is refused.",
    "expiry_below_lock": "expiresAt before lockedUntil is refused, accepted (the lock still holds), or ignored.",
    "shorter_lock": "lockedUntil moved earlier is refused, ignored or accepted.",
    "locked_delete": "Deleting a locked recovery point fails late in its task, or at once with 409 or 412.",
    "recovery_point_of_restore": "A restore names its backup or its snapshot, or must name both.",
    "run_order": "executionStatuses of a schedule stand newest first or oldest first.",
    "run_without_schedules": "A run without scheduleIds runs all schedules, or is refused.",
    "source_runs_first": "A run of a tier that copies from another runs that one first, or copies what there is.",
    "runs_are_children": "What a run sets going are child tasks of it, or tasks on the asset without a parent.",
    "double_protection": "A VM under its own job and under its group's is refused, or shown as both.",
    "asset_types": "VMs and datastores are of type `virtualization/…` or, as older answers had it, `hybrid-cloud/…`.",
    "old_errors": "Errors have the documented body, or {error, errorCode, traceId}.",
}


def from_json(values: dict[str, Any], base: Switches) -> Switches:
    """The switches with those of a JSON object changed; ValueError names an unknown one."""
    names = {f.name for f in fields(Switches)}
    if unknown := sorted(set(values) - names):
        raise ValueError(f"unknown switches {', '.join(unknown)}; known: {', '.join(sorted(names))}")
    if "deviations" in values:
        deviations = values["deviations"]
        values = {**values, "deviations": {name: Deviation.from_json(one) for name, one in deviations.items()}}
    return Switches(**{**{name: getattr(base, name) for name in names}, **values})
