"""The tasks that a task began: read to the last of them, counted by how they ended, told worst first.

Reads only, and never raises for what the service answers: what cannot be read is said to be so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from greenlake_backup_mcp.upstream.client import ApiClient

from . import task_model
from .read_back import ReadBack, read_page
from .task_model import Task

MOST_SHOWN = 8  # parts, or tasks
PAGE = 100  # children in one read
MOST_READS = 20  # of children, so that a wait has an end
DOUBT = timedelta(seconds=2)  # by which the Date of an answer, given in whole seconds, may lead to a wrong order


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

    @property
    def partly(self) -> bool:
        """Whether some failed and others did not."""
        return 0 < len(self.failed) < len(self.tasks)


async def read_parts(api: ApiClient, task_id: str) -> Parts:
    """The tasks below a task, to the last of their children; one read for each hundred."""
    result: dict[str, Task] = {}
    parents, reads = [task_id], 0
    while parents:
        parent = parents.pop(0)
        offset = 0
        while True:
            if reads >= MOST_READS:
                return Parts(_leaves(result), f"only the first {len(result):,} of them were read")
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


def describe_tasks(tasks: Iterable[Task]) -> list[str]:
    """Tasks as lines, those with a problem first; what succeeded is counted beyond the first few."""
    order = sorted(tasks, key=lambda t: (t.state == "SUCCEEDED", not t.over))
    out = [f"- {t.name or 'task'} ({t.id}): {t.state or 'no state'}{f', {t.why}' if t.why else ''}" for t in order]
    more = [f"- and {len(out) - MOST_SHOWN} more"] if len(out) > MOST_SHOWN else []
    return out[:MOST_SHOWN] + more


def begun_since(page: ReadBack, about: str, since: datetime) -> tuple[Task, ...]:
    """The tasks of a page that are about a resource (by the last segment of its path) and began since then."""
    return tuple(
        task
        for task in map(task_model.parse_task, page.items)
        if task.begun is not None
        and task.begun >= since - DOUBT
        and any(about in uri.split("/") for uri in (task.subject, *task.others))
    )
