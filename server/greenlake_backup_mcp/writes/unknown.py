"""The tasks that may be those of a write of unknown outcome. Reads only; what cannot be found is said to be so."""

from __future__ import annotations

from datetime import datetime

import anyio

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from greenlake_backup_mcp.upstream.retry_after import parse_http_date

from . import parts, task_model
from .read_back import ReadBack

NEWEST = 50  # tasks that are looked through for one that may be a write's own


async def tasks_since(api: ApiClient, path: str, sent: datetime) -> list[str]:
    """Lines about the tasks begun since a write of unknown outcome was sent that are about its path's last segment.

    `sent` is by our clock. The service's may differ: the Date of its answer says by how much.
    """
    query = (("sort", "createdAt desc"), ("limit", str(NEWEST)))
    try:
        with anyio.fail_after(api.settings.timeout):
            reply = await client.send(api, Request("ListAsyncOperations", "GET", task_model.TASKS, query, reads=True))
    except (BackupError, TimeoutError):
        return ["The tasks begun since could not be read."]
    ahead = (parse_http_date(reply.headers.get("date", "")) or api.now()) - api.now()  # the service's clock of ours
    page, since = ReadBack(reply.body), sent + ahead
    result = parts.begun_since(page, path.rstrip("/").rpartition("/")[2], since)
    if not result and len(page.items) >= NEWEST and not _reaches_before(page, since):
        return [f"None of the newest {NEWEST} tasks is about it; older ones were not read, and one may still appear."]
    if not result:
        return ["No task about it has begun since; one may still appear."]
    return [
        "Tasks about it that have begun since (perhaps its own):",
        *parts.describe_tasks(result),
        f'wait_for_task taskId="{result[0].id}" tells what becomes of it.',
    ]


def _reaches_before(page: ReadBack, since: datetime) -> bool:
    """Whether a page of tasks has one that began before then."""
    return any(task.begun is not None and task.begun < since for task in map(task_model.parse_task, page.items))
