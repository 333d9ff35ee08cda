"""What hangs on a write: the tasks it began, their children, the approval it waits for, the recovery points it brings.

Reads only, and never raises for what the service answers: what cannot be found is said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import anyio

from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown
from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.client import ApiClient, Request

from . import task_model
from .task_model import Task

OWN = "/backup-recovery/v1beta1"
APPROVALS = "/data-services/v1beta1/dual-auth-operations"
MOST_TOLD = 8  # children, or recovery points
DOUBT = 2.0  # seconds by which the Date of an answer, given in whole ones, may lead to a wrong order
LISTS = {  # assets with recovery points: collection -> the word in the list tools' names, and the id's argument
    "virtual-machines": ("vm", "vmId"),
    "datastores": ("datastore", "datastoreId"),
    "mssql-databases": ("mssql_database", "mssqlDatabaseId"),
    "virtual-machine-protection-groups": ("vm_protection_group", "vmProtectionGroupId"),
    "volume-protection-groups": ("volume_protection_group", "volumeProtectionGroupId"),
}


@dataclass(frozen=True)
class ReadBack:
    """A read of something: the answer's body; or that it is not there; or why not known."""

    body: Any = None
    gone: bool = False
    problem: str = ""

    @property
    def item(self) -> Mapping[str, Any]:
        """The resource; {} where it is not known."""
        return self.body if isinstance(self.body, Mapping) else {}

    @property
    def state(self) -> str:
        """The resource's state, "" where none is told."""
        return sanitize.cell(str(self.item.get("state") or ""), 60)


async def read_back(api: ApiClient, request: Request, seconds: float | None = None) -> ReadBack:
    """Read something, within `seconds` (default: twice what one request may take)."""
    with anyio.move_on_after(2 * api.settings.timeout if seconds is None else seconds):
        try:
            reply = await client.send(api, request)
        except BackupError as error:
            return ReadBack(gone=error.status == 404, problem=error.message)
        return ReadBack(reply.body)
    return ReadBack(problem="the service did not answer in time")


async def investigate(
    api: ApiClient, problem: BackupError, target: Request | None, sent: Request, when: datetime
) -> BackupError:
    """The problem of an ambiguous write, with the tasks begun since it was sent and what the target looks like now."""
    lines = await tasks_since(api, (target or sent).path, when)
    if target is not None:
        seen = await read_back(api, target)
        if seen.gone:
            lines.append("It is gone (read again: 404).")
        elif seen.problem:
            lines.append(f"It could not be read again: {seen.problem}")
        else:
            lines += ["What it looks like now:", *details.render_details(target.operation_id, seen.body, api.now())]
    return OutcomeUnknown(
        problem.message,
        hint="\n".join([problem.hint, *lines]).strip(),
        status=problem.status,
        debug_id=problem.debug_id,
    )


async def children(api: ApiClient, task_id: str) -> tuple[Task, ...]:
    """The tasks whose parent this one is; none where they cannot be read."""
    query = (("filter", f"parent/id eq '{task_id}'"), ("limit", "100"))
    seen = await read_back(api, Request("ListAsyncOperations", "GET", task_model.TASKS, query, reads=True))
    return tuple(task_model.parse_task(item) for item in _items(seen))


async def tasks_since(api: ApiClient, path: str, sent: datetime) -> list[str]:
    """Lines about the tasks begun since a write of unknown outcome was sent that are about its path's last segment.

    `sent` is by our clock. The service's may differ: the Date of its answer says by how much.
    """
    query = (("sort", "createdAt desc"), ("limit", "50"))
    try:
        with anyio.fail_after(api.settings.timeout):
            reply = await client.send(api, Request("ListAsyncOperations", "GET", task_model.TASKS, query, reads=True))
    except (BackupError, TimeoutError):
        return ["The tasks begun since could not be read."]
    ahead = (_date(reply) or api.now()) - api.now()  # the service's clock of ours
    since = sent + ahead - timedelta(seconds=DOUBT)
    about = path.rstrip("/").rpartition("/")[2]
    tasks = [task_model.parse_task(item) for item in _items(ReadBack(reply.body))]
    found = [
        task
        for task in tasks
        if task.begun is not None
        and task.begun >= since
        and any(about in uri.split("/") for uri in (task.subject, *task.others))
    ]
    if not found:
        return ["No task about it has begun since; one may still appear."]
    return [
        "Tasks about it that have begun since (perhaps its own):",
        *describe_tasks(tuple(found)),
        f'wait_for_task taskId="{found[0].id}" tells what becomes of it.',
    ]


def _date(reply: client.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(reply.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None


def describe_tasks(tasks: tuple[Task, ...]) -> list[str]:
    """The children as lines, those with a problem first."""
    order = sorted(tasks, key=lambda t: (t.state == "SUCCEEDED", not t.over))
    out = [
        f"- {t.name or 'task'} ({t.id}): {t.state or 'state not told'}{f', {t.why}' if t.why else ''}" for t in order
    ]
    more = [f"- and {len(out) - MOST_TOLD} more"] if len(out) > MOST_TOLD else []
    return out[:MOST_TOLD] + more


async def approval(api: ApiClient, path: str) -> Mapping[str, Any] | None:
    """The request that waits for a second person's approval of a delete of the resource at `path`."""
    one = (("filter", f"resourceUri eq '{path}'"), ("limit", "100"))
    for query in (one, (("sort", "requestedAt desc"), ("limit", "100")), (("limit", "100"),)):
        seen = await read_back(api, Request("DualAuthOperationsList", "GET", APPROVALS, query, reads=True))
        for item in _items(seen):
            # written PENDING by the description and Pending by the service of old
            if str(item.get("state", "")).casefold().startswith("pend") and path in _uris(item):
                return item
    return None


async def new_points(api: ApiClient, asset: str, since: datetime) -> tuple[list[str], str]:
    """The recovery points an asset got since then, as lines; and the call that finds them."""
    collection, _, identity = asset.rpartition("/")
    if (known := LISTS.get(collection.rpartition("/")[2])) is None:
        return [], ""
    word, argument = known
    found = []
    for kind in ("backups", "snapshots"):
        path = f"{OWN}/{collection.rpartition('/')[2]}/{identity}/{kind}"
        for item in await _since(api, path, since):
            taken = units.parse_time(item.get("pointInTime") or item.get("createdAt"))
            state = sanitize.cell(str(item.get("state") or "state not told"), 60)
            name = sanitize.quoted(str(item.get("name") or ""), 80)
            when = f", taken {units.stamp(taken)}" if taken else ""
            found.append(f"- {kind[:-1]} {name} (id {sanitize.cell(str(item.get('id')))}): {state}{when}")
    how = f'list_{word}_backups or list_{word}_snapshots with {argument}="{identity}", sort="pointInTime desc", limit=1'
    return found[:MOST_TOLD], how


async def _since(api: ApiClient, path: str, since: datetime) -> list[Mapping[str, Any]]:
    start = f"{since:%Y-%m-%dT%H:%M:%S}Z"
    # quoted or bare is not documented; a list without this filter is read by its newest
    for query in (
        ("filter", f"pointInTime gt '{start}'"),
        ("filter", f"pointInTime gt {start}"),
        ("sort", "pointInTime desc"),
    ):
        seen = await read_back(
            api, Request("recovery points of a run", "GET", path, (query, ("limit", "20")), reads=True)
        )
        if not seen.problem:
            break
    newer = []
    for item in _items(seen):
        taken = units.parse_time(item.get("pointInTime") or item.get("createdAt"))
        if taken is not None and taken >= since.replace(microsecond=0):
            newer.append(item)
    return newer


def _items(seen: ReadBack) -> list[Mapping[str, Any]]:
    items = seen.item.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _uris(item: Mapping[str, Any]) -> set[Any]:
    """What an approval is about, in each of the shapes that are described."""
    resources = [item.get("operationResource")]
    for one in item.get("associatedResources") or ():
        resources += [one, one.get("resource")] if isinstance(one, Mapping) else []
    return {r.get("resourceUri") for r in resources if isinstance(r, Mapping)}
