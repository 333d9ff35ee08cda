"""A write that the service calls done at once: whether the resource, read again, agrees.

Knows the same proofs as for tasks (verification.py). Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

from collections.abc import Mapping

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.upstream.client import ApiClient, Request, Response
from greenlake_backup_mcp.upstream.progress import Report

from . import follow, verification
from .evidence import ReadBack, read_back
from .follow import TaskReport
from .polling import PENDING, WriteContext
from .verification import NEVER_AGAIN


async def verify(  # noqa: PLR0913  a write and how it is proven
    api: ApiClient, reply: Response, sent: Request, title: str, *, target: Request, progress: Report
) -> TaskReport:
    """What became of a write that was answered with a 2xx other than 202. Never raises for what the service answers."""
    deletes, left = sent.method == "DELETE", api.settings.wait
    context = WriteContext(api, progress, left, sent.name, target, deletes, verification.expected(sent))
    told = ReadBack(reply.body)  # what the answer itself says
    seen = await read_back(api, target)
    if left > 0 and PENDING not in (seen.state, told.state) and verification.not_yet_visible(context, seen):
        await api.sleep(min(1.0, left))  # what is read may lag behind what was written
        seen = await read_back(api, target)
    accepted = f"{title}: the service accepted it (HTTP {reply.status})."
    if deletes and seen.gone:
        return TaskReport("", Outcome.DONE, (_report(title, reply), "It is gone (read again: 404)."), told.body)
    if deletes and PENDING in (seen.state, told.state):
        return await follow.approval(context, "", [accepted], seen)
    outcome, why = verification.of_success(context, seen)
    if outcome == Outcome.DONE and not seen.item and (unlike := verification.differences(context, told)):
        outcome, why = Outcome.UNKNOWN, [*why, f"Yet its answer does not show it: {'; '.join(unlike)}."]
    lines = [_report(title, reply) if outcome == Outcome.DONE else accepted, *why]
    shown = seen if seen.item or seen.gone or not isinstance(told.body, Mapping) else told
    lines += follow.describe_resource(context, shown, None if outcome == Outcome.DONE else follow.MOST_SHOWN)
    if outcome != Outcome.DONE:
        lines.append(f"Next: read the resource again in a few minutes. {NEVER_AGAIN}")
    return TaskReport("", outcome, tuple(lines), seen.body)


def _report(title: str, reply: Response) -> str:
    return f"Done: {title} (HTTP {reply.status})."
