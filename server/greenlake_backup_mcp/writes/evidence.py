"""What hangs on a write: the tasks it began, their children, the approval it waits for.

Reads only, and never raises for what the service answers: what cannot be found is said to be so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import anyio

from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown
from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.client import ApiClient, Request

from . import task_model
from .read_back import ReadBack, read_back, read_page
from .task_model import Task

APPROVALS = "/data-services/v1beta1/dual-auth-operations"
MOST_SHOWN = 8  # parts, or tasks
NEWEST = 50  # tasks that are looked through for one that may be a write's own
PAGE = 100  # children in one read
MOST_READS = 10  # of children, so that a wait has an end
DOUBT = 2.0  # seconds by which the Date of an answer, given in whole ones, may lead to a wrong order


@dataclass(frozen=True)
class Parts:
    """The tasks that a task began, and theirs; `problem` says why not all of them are known."""

    tasks: tuple[Task, ...] = ()
    problem: str = ""

    @property
    def failed(self) -> tuple[Task, ...]:
        """Those that did not do what they were to do."""
        return tuple(t for t in self.tasks if t.state in ("FAILED", "CANCELLED"))

    @property
    def unknown(self) -> tuple[Task, ...]:
        """Those of which nobody knows how they ended."""
        return tuple(t for t in self.tasks if t.stands_still and t.state not in ("SUCCEEDED", "FAILED", "CANCELLED"))

    @property
    def running(self) -> tuple[Task, ...]:
        """Those that have not ended."""
        return tuple(t for t in self.tasks if not t.stands_still)


async def read_parts(api: ApiClient, task_id: str) -> Parts:
    """The tasks below a task, to the last of their children; one read for each hundred."""
    result: dict[str, Task] = {}
    parents, reads = [task_id], 0
    while parents:
        parent = parents.pop(0)
        offset = 0
        while True:
            if reads >= MOST_READS:
                return Parts(_leaves(result), "not all of them were read")
            reads += 1
            query = [("filter", f"parent/id eq '{parent}'"), ("limit", str(PAGE))]
            query += [("offset", str(offset))] if offset else []
            page = await read_page(api, task_model.TASKS, *query)
            if page.problem:
                return Parts(_leaves(result), page.problem)
            fresh = [task for item in page.items if (task := task_model.parse_task(item)).id not in result]
            fresh = [task for task in fresh if task.id != task_id]
            result.update({task.id: task for task in fresh})
            parents += [task.id for task in fresh if task.children]
            offset += len(page.items)
            if len(page.items) < PAGE or not fresh:
                break
    return Parts(_leaves(result))


def _leaves(result: Mapping[str, Task]) -> tuple[Task, ...]:
    """The tasks that do the work; one over others counts by what it says itself only where it failed."""
    tasks = list(result.values())
    leaves = [t for t in tasks if not t.children or t.state in ("FAILED", "CANCELLED", "TIMEDOUT")]
    return tuple(leaves or tasks)


def count_states(tasks: tuple[Task, ...]) -> str:
    """How many stand how, worst first: `8 FAILED, 1 SUCCEEDED`."""
    counts = Counter(task.state or "without a state" for task in tasks)
    order = sorted(counts, key=lambda state: (state == "SUCCEEDED", state not in ("FAILED", "CANCELLED"), state))
    return ", ".join(f"{counts[state]:,} {state}" for state in order)


def describe_tasks(tasks: tuple[Task, ...]) -> list[str]:
    """Tasks as lines, those with a problem first; what succeeded is counted beyond the first few."""
    order = sorted(tasks, key=lambda t: (t.state == "SUCCEEDED", not t.over))
    out = [f"- {t.name or 'task'} ({t.id}): {t.state or 'no state'}{f', {t.why}' if t.why else ''}" for t in order]
    more = [f"- and {len(out) - MOST_SHOWN} more"] if len(out) > MOST_SHOWN else []
    return out[:MOST_SHOWN] + more


async def investigate(
    api: ApiClient, problem: BackupError, target: Request | None, sent: Request, when: datetime
) -> BackupError:
    """The problem of an ambiguous write, with the tasks begun since it was sent and what the target looks like now."""
    lines = await tasks_since(api, (target or sent).path, when)
    if target is not None:
        resource = await read_back(api, target)
        if resource.gone:
            lines.append("It is gone (read again: 404).")
        elif resource.problem:
            lines.append(f"It could not be read again: {resource.problem}")
        else:
            now = details.render_details(target.operation_id, resource.body, api.now())
            lines += ["What it looks like now:", *now]
    return OutcomeUnknown(
        problem.message,
        hint="\n".join([problem.hint, *lines]).strip(),
        status=problem.status,
        debug_id=problem.debug_id,
    )


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
    ahead = (date_of(reply) or api.now()) - api.now()  # the service's clock of ours
    page, since = ReadBack(reply.body), sent + ahead
    result = begun_since(page, path.rstrip("/").rpartition("/")[2], since)
    if not result and len(page.items) >= NEWEST and not _reaches_before(page, since):
        return [f"None of the newest {NEWEST} tasks is about it; older ones were not read, and one may still appear."]
    if not result:
        return ["No task about it has begun since; one may still appear."]
    return [
        "Tasks about it that have begun since (perhaps its own):",
        *describe_tasks(result),
        f'wait_for_task taskId="{result[0].id}" tells what becomes of it.',
    ]


def _reaches_before(page: ReadBack, since: datetime) -> bool:
    """Whether a page of tasks has one that began before then."""
    return any(task.begun is not None and task.begun < since for task in map(task_model.parse_task, page.items))


def begun_since(page: ReadBack, about: str, since: datetime) -> tuple[Task, ...]:
    """The tasks of a page that are about a resource (by the last segment of its path) and began since then."""
    since -= timedelta(seconds=DOUBT)
    return tuple(
        task
        for task in map(task_model.parse_task, page.items)
        if task.begun is not None
        and task.begun >= since
        and any(about in uri.split("/") for uri in (task.subject, *task.others))
    )


def date_of(reply: client.Response) -> datetime | None:
    """When the service answered, by its own clock, in whole seconds; None where it does not say so."""
    try:
        when = parsedate_to_datetime(reply.headers["date"])
        return when if when.tzinfo else None
    except (KeyError, ValueError, TypeError):
        return None


async def find_approval(api: ApiClient, path: str) -> Mapping[str, Any] | None:
    """The request that waits for a second person's approval of a delete of the resource at `path`."""
    one = (("filter", f"resourceUri eq '{path}'"), ("limit", "100"))
    for query in (one, (("sort", "requestedAt desc"), ("limit", "100")), (("limit", "100"),)):
        page = await read_page(api, APPROVALS, *query)
        for item in page.items:
            # written PENDING by the description and Pending by the service of old
            if str(item.get("state", "")).casefold().startswith("pend") and path in _uris(item):
                return item
    return None


def _uris(item: Mapping[str, Any]) -> set[Any]:
    """What an approval is about, in each of the shapes that are described."""
    resources = [item.get("operationResource")]
    for one in item.get("associatedResources") or ():
        resources += [one, one.get("resource")] if isinstance(one, Mapping) else []
    return {r.get("resourceUri") for r in resources if isinstance(r, Mapping)}
