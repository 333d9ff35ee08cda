"""Tasks as data: how one stands, how it may end, and how the service renders it. What makes them run is in state.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .names import CUSTOMER, Item, Ref, format_time, uid, uri

LOG = ("Task created", "Task is running")
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
CLOSING = {"SUCCEEDED": "Task completed", "CANCELLED": "Task was cancelled",
           "TIMEDOUT": "No progress has been reported for some time"}  # fmt: skip
HEALTH = {"SUCCEEDED": "OK", "FAILED": "ERROR", "TIMEDOUT": "UNKNOWN", "PAUSED": "WARNING"}


@dataclass(frozen=True)
class Ending:
    """What becomes of a task instead of success: its last state, and whether its effect takes place all the same.

    `never`: it stays RUNNING. `vanish`: it runs, then is 404. Any other word is the state it ends in.
    """

    state: str
    effect: bool = False
    message: str = "The operation did not complete."


@dataclass
class Task:
    """One live task. Times are the tenant's. What it works on, and what it does: see Tenant.start."""

    id: str
    name: str
    created: datetime
    about: Item
    others: list[Item]
    parent: str | None
    minutes: int
    due: datetime
    operation: str = ""  # operationId of the write that began it
    state: str = "INITIALIZED"
    started: datetime | None = None
    ended: datetime | None = None
    error: tuple[str, str] | None = None
    log: list[tuple[datetime, str]] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    composite: bool = False  # how its children end decides how it ends
    partial: bool = False  # a part of its children failed
    vanished: bool = False
    paused: bool = False  # it goes on when a person has acted
    ref: Ref | None = None
    busy: str = ""
    sour: str = ""
    before: str | None = None  # the state of what it works on when it began
    finish: Callable[[], object] | None = None
    release: Callable[[], object] | None = None
    ending: Ending | None = None  # what becomes of it instead of success

    def end(self, state: str, now: datetime, error: tuple[str, str] | None) -> None:
        """Come to a state that it stays in, with the error if it has one; what was logged just now is its last word."""
        self.state, self.error = state, error
        if state in (*FINAL, "TIMEDOUT"):
            self.ended = now
        message = error[0] if error else CLOSING.get(state)
        if message and (error or self.log[-1][0] < now):
            self.log.append((now, message))


def render(task: Task, ancestors: list[Task], now: datetime, *, descendants: int, polling_seconds: int) -> Item:
    """The task as an item of async-operations; `ancestors` from its parent up to the root."""
    begun = task.started or task.created
    length = (task.due - begun).total_seconds()
    share = 1.0 if length <= 0 else min(1.0, max(0.0, (now - begun).total_seconds() / length))
    done = task.state == "SUCCEEDED"
    progress = 100 if done else 0 if task.state == "INITIALIZED" else min(99, int(share * 100))
    item: Item = {
        "id": task.id,
        "name": task.name,
        "displayName": f"{task.name}: {display_name(task.about)}",
        "type": "data-services/async-operation",
        "customerId": CUSTOMER,
        "generation": 1 + len(task.log) + progress,
        "resourceUri": uri("async-operations", task.id),
        "createdAt": format_time(task.created),
        "startedAt": format_time(task.started) if task.started else None,
        "updatedAt": format_time(task.ended or now),
        "endedAt": format_time(task.ended) if task.ended else None,
        "associatedResources": [
            {"name": display_name(a), "type": a["type"], "resourceUri": a["resourceUri"]}
            for a in (task.about, *task.others)
        ],
        "sourceResourceUri": task.about["resourceUri"],
        "estimatedRunningDurationMinutes": task.minutes,
        "groups": [],
        "hasChildOperations": bool(task.children),
        "healthStatus": "WARNING" if done and task.partial else HEALTH.get(task.state, "OK"),
        "logMessages": [{"message": text, "timestampAt": format_time(time)} for time, text in task.log],
        "parent": _reference(ancestors[0]) if ancestors else None,
        "progressPercent": progress,
        "recommendations": [],
        "rootOperation": _reference(ancestors[-1]) if ancestors else None,
        "services": ["backup-and-recovery"],
        "state": task.state,
        "subtreeOperationCount": descendants,
        "suggestedPollingIntervalSeconds": polling_seconds,
        "userId": "api-client@example.com",
        "error": None,
    }
    if task.error:
        item["error"] = {"error": task.error[0], "errorCode": task.error[1], "traceId": uid(task.id, "trace")}
    if task.state == "PAUSED":
        item["additionalDetails"] = {"consoleUri": f"/data-services/tasks/{task.id}"}
    return item


def display_name(item: Item) -> str:
    """What people call a resource; a job by its asset."""
    return str(item.get("displayName") or item.get("name") or item.get("assetInfo", {}).get("name", ""))


def _reference(task: Task) -> Item:
    return {"id": task.id, "name": task.name, "type": "data-services/async-operation",
            "resourceUri": uri("async-operations", task.id)}  # fmt: skip
