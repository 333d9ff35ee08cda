"""TABLE of readings: every assumption about the service that the documents leave open, or that departs from them.

A reading of requests decides how a request is written (request_forms.py); after a definite refusal that names its point
the other one is tried once. One of answers is understood either way. One of outcomes is told as it turns out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Side = Literal["request", "answer", "outcome"]


@dataclass(frozen=True)
class Reading:
    """One assumption: its alternatives, the first of which is taken first, and what of an answer proves one.

    `place` is the module that works by it; `survey`: reads can answer it.
    """

    name: str
    side: Side
    values: tuple[str, ...]
    about: str
    proof: str
    place: str
    survey: bool = False


def _rows(side: Side, *rows: tuple[str, str, str, str, str, str]) -> tuple[Reading, ...]:
    return tuple(
        Reading(name, side, tuple(values.split(" | ")), about, proof, place, survey == "survey")
        for name, values, proof, place, survey, about in rows
    )


# fmt: off
TABLE: tuple[Reading, ...] = (
    *_rows("request",
        ("media_types", "merge-patch | json", "415, or a 400 that names the content type", "upstream/request_forms", "",
         "A PATCH is sent as a merge patch, or as plain JSON."),
        ("published_names", "corrected | published", "400 or 422 that names the property", "upstream/published", "",
         "What the published description misspells or requires besides is sent as corrected, or as published."),
        ("recovery_point_of_restore", "one | both", "400 or 422 that misses the other", "upstream/request_forms", "",
         "A restore names its backup or its snapshot, or must name both."),
        ("asset_types", "as given | virtualization | hybrid-cloud", "the type in lists; 400 or 422 that names the type",
         "upstream/request_forms", "survey",
         "VMs and datastores are of type `virtualization/…` or, as older answers had it, `hybrid-cloud/…`."),
        ("cloud_backup_word", "CLOUDBACKUP | CLOUD_BACKUP", "400 or 422 that names recoveryPointType",
         "upstream/request_forms", "",
         "A group's restore spells a cloud backup without an underscore, as described, or like all else."),
        ("kept_folders_word", "by source | corrected", "400 or 422 that names it", "upstream/request_forms", "",
         "A restore of files spells retainOrignalDirectoryStructure for backups, as described, or right."),
        ("bare_timestamps", "no | yes", "400 or 422 to the one, 200 to the other", "upstream/request_forms", "survey",
         "Timestamps in filters stand in quotes, or must stand without."),
        ("escaped_quotes", "doubled | backslash", "400 or 422 to the one, 200 to the other",
         "upstream/request_forms", "survey",
         "A quote inside a literal of a filter is doubled, or stands behind a backslash."),
        ("in_lists", "round | square", "400 or 422 to the one, 200 to the other", "upstream/request_forms", "survey",
         "The values after `in` stand in round brackets, or in square ones."),
        ("client_secret", "body | basic", "400 or 401 to the one, 200 to the other", "upstream/tokens", "survey",
         "The token endpoint takes the secret in the form, or as HTTP Basic."),
    ),
    *_rows("answer",
        ("location", "absolute | relative", "the header", "writes/task_model", "",
         "The Location of a 202 is a whole URL, or a path on the same host."),
        ("totals", "yes | no", "the envelope of a list", "lists/read/paging", "survey",
         "Lists tell `total` where the description calls it optional, or leave it out."),
        ("no_match_is_404", "no | yes", "the answer to one that cannot match", "lists/list_tool", "survey",
         "A filter that matches nothing gives an empty list, or a 404."),
        ("case_sensitive", "yes | no", "a name that is known, in the other case", "lists/filters", "survey",
         "Equality in filters tells capitals from small letters, or does not."),
        ("select", "taken | refused", "400 or 422 to it", "lists/list_tool, catalog/reading", "survey",
         "A list takes `select`, or refuses it: then whole items are read."),
        ("task_word", "state | status", "a task", "upstream/readings", "survey",
         "A task tells how it stands in `state` or in `status`."),
        ("progress_word", "progressPercent | progressPercentage", "a task", "upstream/readings", "survey",
         "A task tells its progress as `progressPercent` or as `progressPercentage`."),
        ("log_time_word", "timestampAt | timestamp", "a task", "upstream/readings", "survey",
         "Log messages of a task carry their time as `timestampAt` or as `timestamp`."),
        ("rate_headers", "none | ratelimit | x-ratelimit", "the headers of answers", "upstream/retry_after", "survey",
         "Answers tell their rate in no header, in ratelimit-… or in X-RateLimit-…; else our own rate holds."),
        ("task_retention", "days | hours", "the age of the oldest task", "writes/unknown", "survey",
         "Tasks are remembered for days, or for hours alone; one that is not found proves nothing."),
        ("created_location", "resource | task", "the header", "writes/made_resources", "",
         "The Location of a 201 is that of what was made, or that of a task."),
        ("made_in_task", "yes | no", "the task of a create", "writes/made_resources", "",
         "A task names what it made among its associatedResources, or only what it was asked about."),
        ("dual_words", "capital | upper", "an approval", "writes/approvals", "survey",
         "Approvals are Pending, Approved, Canceled, or PENDING, APPROVED, CANCELLED."),
        ("one_token", "no | yes", "401 to the older of two", "upstream/tokens", "survey",
         "A client may hold several access tokens, or a new one ends the last."),
        ("token_expires_in", "yes | no", "its answer", "upstream/tokens", "survey",
         "The token endpoint tells how long a token holds, or does not."),
        ("run_order", "newest | oldest", "a job with two runs", "lists/views/schedules", "survey",
         "executionStatuses of a schedule stand newest first or oldest first."),
        ("runs_are_children", "yes | no", "the tasks after a run", "writes/runs", "",
         "What a run sets going are child tasks of it, or tasks on the asset without a parent."),
        ("old_errors", "no | yes", "any error", "upstream/error_mapping", "survey",
         "Errors have the documented body, or {error, errorCode, traceId}."),
    ),
    *_rows("outcome",
        ("unknown_properties", "refused | ignored", "none is sent: arguments are checked before",
         "dispatch/arguments", "",
         "A property that the description does not have is refused, or ignored."),
        ("partial_failure", "succeeded | failed", "the task and its children", "writes/verification", "",
         "A task whose children failed in part ends as SUCCEEDED with health WARNING, or as FAILED."),
        ("dual_delete", "request | paused", "the task of the delete", "writes/verification", "",
         "A delete that needs approval ends its task with the request, or is PAUSED until a decision."),
        ("past_expiry", "accepted | refused", "the answer to the PATCH", "writes/verification", "",
         "expiresAt in the past lets the recovery point go at once, or is refused."),
        ("expiry_below_lock", "refused | accepted | ignored", "the recovery point after the PATCH",
         "writes/verification", "",
         "expiresAt before lockedUntil is refused, accepted (the lock still holds), or ignored."),
        ("shorter_lock", "refused | ignored | accepted", "the recovery point after the PATCH",
         "writes/verification", "",
         "lockedUntil moved earlier is refused, ignored or accepted."),
        ("locked_delete", "task | 409 | 412", "the answer to the delete", "writes/verification", "",
         "Deleting a locked recovery point fails late in its task, or at once with 409 or 412."),
        ("run_without_schedules", "all | refused", "400 that names scheduleIds", "writes/runs", "",
         "A run without scheduleIds runs all schedules, or is refused."),
        ("source_runs_first", "yes | no", "the recovery points after a run", "writes/runs", "",
         "A run of a tier that copies from another runs that one first, or copies what there is."),
        ("first_run", "at once | when due", "the tasks after the create", "writes/first_runs", "",
         "A new protection job begins a first run at once, or waits for its schedules."),
        ("retention_of_existing", "kept | changed", "the recovery points after the change", "previews/policies", "",
         "What a policy is changed to keep holds for recovery points to come, or for those there are as well."),
        ("schedule_numbers", "any | without zeros", "400 or 422 that names scheduleId", "tools/validation", "",
         "A schedule's number is any positive one, or, as published, one without the digit 0."),
        ("read_only_names", "taken | refused | ignored", "the thing after the write", "writes/verification", "",
         "Names that the published description calls read-only in requests are taken, refused or ignored."),
        ("database_group_members", "either | both", "400 or 422 that misses the other", "tools/validation", "",
         "A database group is made of members or of nativeAppInfo, or must name both; as published neither can match."),
        ("generation", "not sent | must be sent", "412 to a first write", "upstream/error_mapping", "",
         "A 412 says that a thing changed meanwhile, or that a generation is wanted, which no operation takes."),
        ("double_protection", "refused | shown", "the answer to the create", "previews/jobs", "",
         "A VM under its own job and under its group's is refused, or shown as both."),
    ),
)
# fmt: on
BY_NAME: Mapping[str, Reading] = {reading.name: reading for reading in TABLE}
