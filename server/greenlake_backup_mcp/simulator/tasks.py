"""Tasks: begun by an accepted request, carried out by the clock, ended well or badly.

A task's effect comes when it ends. Knows the tenant's state, no operation.
"""

# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .answers import Failure
from .seed.names import CUSTOMER, Item, stamp, uid, uri

if TYPE_CHECKING:
    from .state import Ref, Tenant

LOG = ("Task created", "Task is running")


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
    """One live task. Times are the tenant's."""

    id: str
    name: str
    created: datetime
    about: Item
    others: tuple[Item, ...]
    parent: str | None
    minutes: int
    due: datetime
    state: str = "INITIALIZED"
    started: datetime | None = None
    ended: datetime | None = None
    error: tuple[str, str] | None = None
    log: list[tuple[datetime, str]] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    vanished: bool = False


@dataclass(frozen=True)
class Effect:
    """What a task does: see Tenant.start."""

    ref: Ref | None = None
    busy: str = ""
    sour: str = ""
    finish: Callable[[], None] | None = None
    release: Callable[[], None] | None = None


def start(
    tenant: Tenant, name: str, seconds: float, about: Item, effect: Effect, parent: str | None, others: tuple[Item, ...]
) -> Task:
    """Begin a task; see Tenant.start."""
    now = tenant.now()
    task = Task(tenant.new_id("task", name), name, now, about, others, parent, max(1, round(seconds / 60)), now)
    task.log.append((now, LOG[0]))
    tenant.tasks[task.id] = task
    if parent and parent in tenant.tasks:
        tenant.tasks[parent].children.append(task.id)
    ending = tenant.endings.popleft() if tenant.endings and not parent else None
    before = (tenant.read(effect.ref) or {}).get("state") if effect.ref else None

    def run() -> None:
        task.state, task.started = "RUNNING", tenant.now()
        task.log.append((tenant.now(), LOG[1]))
        if effect.ref and effect.busy:
            tenant.write(effect.ref, state=effect.busy)

    def end() -> None:
        _end(tenant, task, effect, before, ending)

    tenant.later(min(2.0, seconds / 10), run)
    task.due = tenant.later(seconds, end)
    return task


def _end(tenant: Tenant, task: Task, effect: Effect, before: str | None, ending: Ending | None) -> None:
    task.state = "SUCCEEDED"
    if ending is None or ending.effect or ending.state == "SUCCEEDED":
        try:
            if effect.finish:
                effect.finish()
        except Failure as failure:
            task.state = "FAILED"
            task.error = (failure.message, failure.code)
    if ending:
        task.state = "RUNNING" if ending.state in ("never", "vanish") else ending.state
        task.vanished = ending.state == "vanish"
        if ending.state == "FAILED":
            task.error = (ending.message, "OPERATION_FAILED")
    if task.state in ("SUCCEEDED", "FAILED", "CANCELLED"):
        item = tenant.read(effect.ref) if effect.ref and effect.busy else None
        if effect.ref and item and item.get("state") == effect.busy:
            after = effect.sour if task.state == "FAILED" else ""
            tenant.write(effect.ref, state=after or before or "OK")
        if effect.release:
            effect.release()
    if task.state in ("SUCCEEDED", "FAILED", "CANCELLED", "TIMEDOUT"):
        task.ended = tenant.now()
    if task.error:
        task.log.append((tenant.now(), task.error[0]))


def shown(tenant: Tenant, task: Task) -> Item:
    """The task as an item of async-operations."""
    now, word = tenant.now(), tenant.switches.task_word
    begun = task.started or task.created
    length = (task.due - begun).total_seconds()
    share = 1.0 if length <= 0 else min(1.0, max(0.0, (now - begun).total_seconds() / length))
    done = task.state == "SUCCEEDED"
    progress = 100 if done else 0 if task.state == "INITIALIZED" else min(99, int(share * 100))
    parent = tenant.tasks.get(task.parent or "")
    healthy = {"SUCCEEDED": "OK", "FAILED": "ERROR", "TIMEDOUT": "UNKNOWN", "PAUSED": "WARNING"}
    item: Item = {
        "id": task.id,
        "name": task.name,
        "displayName": f"{task.name}: {_name(task.about)}",
        "type": "data-services/async-operation",
        "customerId": CUSTOMER,
        "generation": 1 + len(task.log) + progress,
        "resourceUri": uri("async-operations", task.id),
        "createdAt": stamp(task.created),
        "startedAt": stamp(task.started) if task.started else None,
        "updatedAt": stamp(task.ended or now),
        "endedAt": stamp(task.ended) if task.ended else None,
        "associatedResources": [_associated(a) for a in (task.about, *task.others)],
        "sourceResourceUri": task.about["resourceUri"],
        "estimatedRunningDurationMinutes": task.minutes,
        "groups": [],
        "hasChildOperations": bool(task.children),
        "healthStatus": healthy.get(task.state, "OK"),
        "logMessages": [{"message": text, "timestampAt": stamp(time)} for time, text in task.log],
        "parent": _short(parent) if parent else None,
        "progressPercent": progress,
        "recommendations": [],
        "rootOperation": _short(parent) if parent else None,
        "services": ["backup-and-recovery"],
        word: task.state,
        "subtreeOperationCount": len(task.children),
        "suggestedPollingIntervalSeconds": tenant.polling(),
        "userId": "api-client@example.com",
        "error": None,
    }
    if task.error:
        item["error"] = {"error": task.error[0], "errorCode": task.error[1], "traceId": uid(task.id, "trace")}
    if task.state == "PAUSED":
        item["additionalDetails"] = {"consoleUri": f"/data-services/tasks/{task.id}"}
    return item


def _name(item: Item) -> str:
    return str(item.get("displayName") or item.get("name") or item.get("assetInfo", {}).get("name", ""))


def _associated(item: Item) -> Item:
    return {"name": _name(item), "type": item["type"], "resourceUri": item["resourceUri"]}


def _short(task: Task) -> Item:
    return {"id": task.id, "name": task.name, "type": "data-services/async-operation",
            "resourceUri": uri("async-operations", task.id)}  # fmt: skip
