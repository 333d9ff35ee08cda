"""What is reported of a write: its outcome in the first line, why, what was made or changed, within a bound.

Reads only the approval that a delete waits for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import sanitize

from . import evidence, verification
from .made_resources import Made
from .polling import PENDING, PollResult, WriteContext
from .read_back import ReadBack
from .verification import Verdict

MOST_SHOWN = 14  # lines of a resource after a write
RESTORED = 5  # lines of what was overwritten: it is known, and its content cannot be read
MOST_BYTES = 4_300  # 1,500 tokens of three bytes, less what results add


@dataclass(frozen=True)
class TaskReport:
    """What became of a write: an outcome, lines for the model that end with the next step, and the resource as read.

    The first line says the outcome with the task and, where one was made, the thing with its name and id.
    """

    id: str
    outcome: Outcome
    lines: tuple[str, ...]
    resource: Any = None
    beside: str = ""  # of the lines, the one that names what changed beside what was asked for


def fit(first: Sequence[str], *others: Sequence[str], end: Sequence[str]) -> tuple[str, ...]:
    """All lines within the bound: the first and the last ones whole, of the others as many as there is room for."""
    room = MOST_BYTES - sum(len(line.encode()) + 1 for line in (*first, *end))
    lines = list(first)
    for number, line in enumerate(rest := [line for part in others for line in part]):
        room -= len(line.encode()) + 1
        if room < 0:
            lines.append(f"({len(rest) - number} more lines were left out: read the resource for them.)")
            break
        lines.append(line)
    return (*lines, *end)


def name_made(made: Made) -> str:
    """The thing that was made, by name and id."""
    item = made.resource.item
    if not item:
        return ""
    name = item.get("displayName") or item.get("name")
    asset = item.get("assetInfo")
    if not name and isinstance(asset, Mapping):
        name = f"for {asset.get('displayName') or asset.get('name')}"
    what = made.path.rstrip("/").split("/")[-2].replace("-", " ").removesuffix("s")
    what = what[:-2] + "y" if what.endswith("ie") else what
    return f"{what} {sanitize.quoted(str(name or ''), 80)} (id {sanitize.cell(str(item.get('id')))})"


def describe_made(context: WriteContext, made: Made) -> list[str]:
    """What was made, as the lists word it."""
    if not made.is_identified:
        return []
    settings, now = context.api.settings, context.api.now()
    kind = context.reader(made.path).operation_id
    lines = details.render_details(kind, made.resource.body, now, reveal=settings.reveal_secrets)
    return ["What was made:", *_beginning(lines, MOST_SHOWN)]


def describe_changed(result: PollResult, verdict: Verdict, resource: ReadBack) -> list[str]:
    """The resource after a change. What a restore read from is not shown again, and of what it overwrote little."""
    context = result.context
    if context.deletes and resource.gone:
        return []
    uncertain = verdict.outcome in (Outcome.UNKNOWN, Outcome.RUNNING, Outcome.PAUSED)
    lines = []
    if (
        uncertain
        and result.task.state not in ("FAILED", "CANCELLED", "SUCCEEDED")
        and verification.matches_request(context, resource)
    ):
        lines.append("The resource already shows what was asked for; whether all of it is done is not known.")
    most = RESTORED if context.expectation.restores or context.tool == "" else MOST_SHOWN
    if context.expectation.restores and context.expectation.makes:
        most = 0  # it is the source
    return [*lines, *(describe_resource(context, resource, most) if most else [])]


def describe_resource(context: WriteContext, resource: ReadBack, most: int) -> list[str]:
    """The resource as it is now, in at most so many lines: the most important come first."""
    if context.target is None:
        return []
    if resource.gone:
        return ["The resource is not there (read again: 404)."]
    if not resource.item:
        return [f"The resource could not be read again: {resource.problem or 'the answer is none'}"]
    settings, now = context.api.settings, context.api.now()
    lines = details.render_details(context.target.operation_id, resource.body, now, reveal=settings.reveal_secrets)
    return ["The resource now (read again):", *_beginning(lines, most)]


def _beginning(lines: list[str], most: int) -> list[str]:
    """The first lines of a resource, and that there are more."""
    if len(lines) <= most:
        return lines
    first = lines[: most - 1] if lines[most - 1].endswith(":") else lines[:most]  # a heading alone says nothing
    return [*first, "(More is left out: read the resource for all of it.)"]


async def report_approval(context: WriteContext, task_id: str, lines: list[str], resource: ReadBack) -> TaskReport:
    """A delete that a second person must approve: said so, and not waited for."""
    path = context.target.path if context.target else ""
    approval = await evidence.find_approval(context.api, path)
    lines = [*lines, f"Not done: a second person must approve the deletion first (state {PENDING}); nobody here can."]
    if approval is None:
        lines.append("Its approval was not found; list_approvals shows those that wait.")
    else:
        identity = sanitize.cell(str(approval.get("id")))
        by, when = (
            sanitize.cell(str(approval.get("requestedByEmail") or "this API client")),
            approval.get("requestedAt"),
        )
        moment = f" at {sanitize.cell(str(when))}" if when else ""
        lines.append(f"Approval {identity}, asked for by {by}{moment}: in the console under dual authorization.")
        lines.append(f'Tell the person; get_approval approvalId="{identity}" shows what was decided.')
    return TaskReport(task_id, Outcome.WAITING, tuple(lines), resource.body)
