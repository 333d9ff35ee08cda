"""The one polling loop: how often something is looked at, for how long, and what ends the wait.

Knows how tasks are read and nothing of what they mean for the write; that is in verification.py.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

import anyio

from greenlake_backup_mcp.errors import BackupError, SettingsError
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from greenlake_backup_mcp.upstream.progress import Report

from . import task_model
from .approvals import PENDING
from .expectations import Expectation
from .read_back import ReadBack, read_back
from .remembered import WriteMemory
from .task_model import Task

EARLY = (0.05, 0.5, 2.0)  # seconds until the first looks; many writes end at once
INTERVAL = 10.0  # seconds between further looks, where the service suggests none
SHARED_INTERVAL = 4.0  # seconds between lists that serve several writes
LEAST_READ = 10.0  # seconds that a read may take even where the wait is over
MISSING = 3  # looks in a row at which a task is not there before it counts as vanished: it may appear late
T = TypeVar("T")


@dataclass
class SharedTasks:
    """The tasks of writes that are followed at the same time: a list of the newest, now and then, serves all."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    bodies: dict[str, Any] = field(default_factory=dict)  # by id, as last read
    listed: float | None = None  # when they were listed last
    useless: bool = False  # the service does not list by age: each task is read by itself

    async def read(self, api: ApiClient, path: str) -> Any:
        """The task at a path, as it is or as it stood still; BackupError as for its own read."""
        asked, task_id = time.monotonic(), path.rpartition("/")[2]
        async with self.lock:  # whoever waited here may find what another has read meanwhile
            if self._stands_still(task_id) or (self.listed is not None and self.listed > asked):
                return self.bodies.get(task_id) or await _send_read(api, path)
            if not self.useless:
                if self.listed is not None:
                    await api.sleep(max(0.0, self.listed + SHARED_INTERVAL - asked))
                await self._list(api)
        return self.bodies.get(task_id) or await _send_read(api, path)

    def _stands_still(self, task_id: str) -> bool:
        return task_id in self.bodies and task_model.parse_task(self.bodies[task_id], task_id).stands_still

    async def _list(self, api: ApiClient) -> None:
        query, self.listed = (("sort", "createdAt desc"), ("limit", "100")), time.monotonic()
        page = await read_back(api, Request("ListAsyncOperations", "GET", task_model.TASKS, query, reads=True))
        self.useless = bool(page.problem)
        self.bodies |= {item["id"]: item for item in page.items if isinstance(item.get("id"), str)}


async def _send_read(api: ApiClient, path: str) -> Any:
    """The task at a path; BackupError where it cannot be read."""
    return (await client.send(api, Request("GetAsyncOperation", "GET", path, reads=True))).body


@dataclass(frozen=True)
class WriteContext:
    """One write being followed, or one task that somebody waits for (then `tool` is "").

    `left`: seconds that may still be waited. `reader`: the read of the resource at a path, by the operation that
    describes it. `memory` holds what `principal` asked. `since`: when it was sent, by the service's clock.
    """

    api: ApiClient
    progress: Report
    left: float
    reader: Callable[[str], Request] = lambda path: Request("", "GET", path, reads=True)
    memory: WriteMemory = field(default_factory=WriteMemory)
    principal: str = ""
    shared: SharedTasks | None = None  # where several writes are followed together
    tool: str = ""
    target: Request | None = None
    deletes: bool = False
    sent: Request | None = None  # without it nothing is known of what was asked
    wanted: Mapping[str, Any] = field(default_factory=dict)
    expectation: Expectation = field(default_factory=Expectation)
    since: datetime | None = None
    before: Mapping[str, Any] = field(default_factory=dict)  # the target before an update, where it was read


@dataclass(frozen=True)
class PollResult:
    """The last that was read of a task, and what kept from reading more; or an answer that named no task to follow.

    `title` and `status` are of such an answer: done at once, or (202) with `trouble`, why nothing is followed.
    """

    context: WriteContext
    task: Task
    answered: bool = False
    missing: int = 0  # looks in a row at which it was not there
    vanished: bool = False
    barred: bool = False  # we may not read it: waiting does not help
    trouble: str = ""
    title: str = ""
    status: int = 0
    answer: ReadBack = field(default_factory=ReadBack)  # what such an answer says itself

    @property
    def at_once(self) -> bool:
        """Whether the service called it done with its answer."""
        return bool(self.status) and self.status != 202

    @property
    def untracked(self) -> bool:
        """Whether it was accepted without a task that can be followed."""
        return self.status == 202

    @property
    def succeeded(self) -> bool:
        """Whether the service calls it done."""
        return self.at_once or self.task.state == "SUCCEEDED"


@dataclass(frozen=True)
class Look(Generic[T]):
    """What one look found; `over`: no further look brings more. `percent` and `words` are for the progress."""

    value: T
    over: bool
    percent: float = 0.0
    words: str = ""
    interval: float | None = None


async def poll_until(context: WriteContext, look: Callable[[float], Awaitable[Look[T]]]) -> tuple[T, float]:
    """Look until it is over or the context's time is: the last value, and the seconds left. `look` gets those left."""
    pauses, left = iter(EARLY), context.left
    while True:
        began = time.monotonic()
        result = await look(left)
        if result.over:
            break
        await context.progress(result.percent, 100.0, result.words)
        left -= time.monotonic() - began
        if left <= 0:
            break
        pause = min(next(pauses, result.interval or INTERVAL), left)
        await context.api.sleep(pause)
        left -= pause
    return result.value, max(0.0, left)


async def poll_task(context: WriteContext, path: str) -> PollResult:
    """Look at a task until it stands still, its resource shows the end of a delete, or the time is over."""
    result, furthest = PollResult(context, Task(path.rpartition("/")[2])), 0.0

    async def look(left: float) -> Look[PollResult]:
        nonlocal result, furthest
        result = await _read_task(result, path, left)
        over = result.task.stands_still or result.vanished or result.barred
        if not over and context.deletes and not context.shared and await _shows_deletion(context, left):
            # the task may have ended between the two reads: its last word is told beside the proof
            result, over = await _read_task(result, path, left), True
        task = result.task
        furthest = min(max(furthest, task.percent or 0.0), 99.0)
        words = f"{task.name or 'Task'}: {task.state or 'accepted'} {furthest:.0f}%"
        return Look(result, over, furthest, words, task.interval)

    result, left = await poll_until(context, look)
    return replace(result, context=replace(context, left=left))


async def _read_task(result: PollResult, path: str, left: float) -> PollResult:
    """One look at a task."""
    context = result.context
    with anyio.move_on_after(max(left, LEAST_READ)):
        try:
            read = context.shared.read if context.shared is not None else _send_read
            body = await read(context.api, path)
        except BackupError as error:
            missing = result.missing + 1 if error.status == 404 else 0
            # what was just accepted may appear late; what was there, or was asked for by id, is gone at once
            most = 1 if result.answered or not context.tool else MISSING
            barred = isinstance(error, SettingsError) or error.status in (400, 401, 403)
            return replace(result, missing=missing, vanished=missing >= most, barred=barred, trouble=error.message)
        task = task_model.parse_task(body, result.task.id)
        return replace(result, task=task, answered=True, missing=0, trouble="")
    return replace(result, missing=0, trouble="The service did not answer in time.")


async def _shows_deletion(context: WriteContext, left: float) -> bool:
    """Whether the target of a delete is gone, or waits for a second person: then the task need not be waited for."""
    target = await read_target(context, max(left, LEAST_READ))
    return target.gone or target.state == PENDING


async def read_target(context: WriteContext, seconds: float | None = None) -> ReadBack:
    """The resource that the write acts on, read again, as `read_back` does; nothing where it names none."""
    return ReadBack() if context.target is None else await read_back(context.api, context.target, seconds)
