"""What of the tenant counts for many calls: tasks that run on the target, and whether a second person must approve.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import times
from .model import Finding, Gravity, Subject, objects, quoted
from .reads import DATA, ReadSpec, parent_path

LATEST = 200  # tasks looked at, the newest first: one page, which all previews of a plan share
TASKS = ReadSpec(
    "tasks", "what runs on it", f"{DATA}/async-operations", (("sort", "createdAt desc"), ("limit", str(LATEST)))
)
SETTINGS = ReadSpec("settings", "whether a second person must approve", f"{DATA}/settings")
UNDER_WAY = ("INITIALIZED", "RUNNING", "PAUSED")
ON = ("ON", "TRUE", "ENABLED", "YES")


def running(s: Subject) -> Iterator[Finding]:
    """The tasks under way on the target or its asset, as far as the newest tasks show."""
    copy = s.target.path.split("/")[-2:-1] in (["backups"], ["snapshots"])
    uris = {s.target.path, parent_path(s.target.path) if copy else s.target.path}
    for task in s.found("tasks").items:
        touched = {
            task.get("sourceResourceUri"),
            *(r.get("resourceUri") for r in objects(task.get("associatedResources"))),
        }
        if task.get("state") in UNDER_WAY and touched & uris:
            since = units.parse_time(task.get("startedAt") or task.get("createdAt"))
            words = quoted(task.get("displayName") or task.get("name"))
            yield Finding(
                f"Under way on it now: {words}" + (f", since {times.describe_when(since, s.now)}." if since else "."),
                Gravity.NOTABLE,
                f"a task is under way: {words}",
            )


def second_person(s: Subject) -> Finding:
    """Whether a second person must approve a delete, as the settings say."""
    found = s.found("settings")
    named = [i for i in found.items if "dual auth" in str(i.get("name", "")).lower()]
    if not named:
        why = found.problem or ("not found" if found.missing else "no such setting is listed")
        return Finding(f"Whether a second person must approve is not known ({cell(why)}).", Gravity.NOTABLE)
    if any(str(i.get("currentValue", "")).upper() in ON for i in named):
        return Finding("Dual authorization is on: a second person must approve before it is gone.")
    return Finding("Dual authorization is off: no second person is asked, and it is gone at once.")


def clocks_differ(seconds: float) -> Finding:
    """That this machine's clock is not the service's."""
    span = times.describe_span(timedelta(seconds=abs(seconds)))
    where = "ahead of" if seconds > 0 else "behind"
    return Finding(
        f"This machine's clock is {span} {where} the service's; times are judged by the service's.", Gravity.NOTABLE
    )
