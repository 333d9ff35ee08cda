"""A task result until it stands still: how often it is looked at, for how long, and what ends the watch.

Knows how tasks are read and nothing of what they mean for the write; that is in verification.py.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from greenlake_backup_mcp.errors import BackupError, SettingsError
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from greenlake_backup_mcp.upstream.progress import Report

from . import evidence, task_model
from .task_model import Task

EARLY = (0.05, 0.5, 2.0)  # seconds until the first looks at a task; many writes end at once
INTERVAL = 10.0  # seconds between further looks, where the service suggests none
LEAST_READ = 10.0  # seconds that a read may take even where the wait is over
MISSING = 3  # looks in a row at which a task is not there before it counts as vanished: it may appear late
PENDING = "PENDING_DELETE_APPROVAL"


@dataclass(frozen=True)
class WriteContext:
    """One write being followed, or one task that somebody waits for (then `tool` is "")."""

    api: ApiClient
    progress: Report
    left: float  # seconds that may still be waited
    tool: str = ""
    target: Request | None = None
    deletes: bool = False
    wanted: Mapping[str, Any] = field(default_factory=dict)  # what an update asked the target's fields to be


@dataclass(frozen=True)
class PollResult:
    """The last that was seen of a task, and what kept from seeing more."""

    context: WriteContext
    task: Task
    known: bool = False
    vanished: bool = False
    barred: bool = False  # we may not read it: waiting does not help
    trouble: str = ""


async def poll(context: WriteContext, path: str) -> PollResult:
    """Look at a task until it stands still, the resource shows the outcome, or the time is over."""
    task_id = path.rpartition("/")[2]
    seen = PollResult(context, Task(task_id))
    missing, furthest, pauses, left = 0, 0.0, iter(EARLY), context.left
    while True:
        began = time.monotonic()
        seen, missing = await _poll_once(replace(seen, context=replace(context, left=left)), path, missing)
        if seen.task.stands_still or seen.vanished or seen.barred:
            break
        furthest = max(furthest, seen.task.percent or 0.0)
        await context.progress(
            furthest, 100.0, f"{seen.task.name or 'Task'}: {seen.task.state or 'accepted'} {furthest:.0f}%"
        )
        if context.deletes and (await _resource_shows_end(context)):
            # the task may have ended between the two reads: its last word is told beside the proof
            seen, missing = await _poll_once(replace(seen, context=replace(context, left=left)), path, missing)
            break
        left -= time.monotonic() - began
        if left <= 0:
            break
        pause = min(next(pauses, seen.task.interval or INTERVAL), left)
        await context.api.sleep(pause)
        left -= pause
    return replace(seen, context=replace(context, left=max(0.0, left)))


async def _poll_once(seen: PollResult, path: str, missing: int) -> tuple[PollResult, int]:
    """One look at a task, and how many times in a row it was not there."""
    api, before = seen.context.api, seen.task
    with anyio.move_on_after(max(seen.context.left, LEAST_READ)):
        try:
            reply = await client.send(api, Request("GetAsyncOperation", "GET", path, reads=True))
        except BackupError as error:
            if error.status == 404:
                # what was just accepted may appear late; what was there, or was asked for by id, is gone at once
                gone = seen.known or not seen.context.tool or missing + 1 >= MISSING
                return replace(seen, vanished=gone, trouble=error.message), missing + 1
            final = isinstance(error, SettingsError) or error.status in (400, 401, 403)
            return replace(seen, barred=final, trouble=error.message), 0
        return replace(seen, task=task_model.parse_task(reply.body, before.id), known=True, trouble=""), 0
    return replace(seen, trouble="The service did not answer in time."), 0


async def _resource_shows_end(context: WriteContext) -> bool:
    """Whether the target of a delete is gone, or waits for a second person: then the task need not be waited for."""
    if context.target is None:
        return False
    seen = await evidence.read_back(context.api, context.target, max(context.left, LEAST_READ))
    return seen.gone or seen.state == PENDING
