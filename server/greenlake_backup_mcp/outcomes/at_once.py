"""A write that the service calls done at once: whether the resource, read again, agrees.

Knows the same proofs as for tasks (verdicts.py). Must know nothing of MCP, and never repeats a write.
"""

from __future__ import annotations

from collections.abc import Mapping

from greenlake_backup_mcp.service.rest import Api, Progress, Reply, Request

from . import tasks, verdicts
from .aftermath import Seen, look
from .tasks import TaskReport
from .verdicts import NEVER_AGAIN
from .watching import PENDING, Case


async def proven(  # noqa: PLR0913  a write and how it is proven
    api: Api, reply: Reply, sent: Request, title: str, *, target: Request, progress: Progress
) -> TaskReport:
    """What became of a write that was answered with a 2xx other than 202. Never raises for what the service answers."""
    deletes, left = sent.method == "DELETE", api.settings.wait
    case = Case(api, progress, left, sent.called, target, deletes, verdicts.expected(sent))
    told = Seen(reply.body)  # what the answer itself says
    seen = await look(api, target)
    if left > 0 and PENDING not in (seen.state, told.state) and verdicts.lags(case, seen):
        await api.sleep(min(1.0, left))  # what is read may lag behind what was written
        seen = await look(api, target)
    accepted = f"{title}: the service accepted it (HTTP {reply.status})."
    if deletes and seen.gone:
        return TaskReport("", "succeeded", (_done(title, reply), "It is gone (read again: 404)."), told.body)
    if deletes and PENDING in (seen.state, told.state):
        return await tasks.approval(case, "", [accepted], seen)
    outcome, why = verdicts.of_success(case, seen)
    if outcome == "succeeded" and not seen.item and (unlike := verdicts.unlike(case, told)):
        outcome, why = "unknown", [*why, f"Yet its answer does not show it: {'; '.join(unlike)}."]
    lines = [_done(title, reply) if outcome == "succeeded" else accepted, *why]
    shown = seen if seen.item or seen.gone or not isinstance(told.body, Mapping) else told
    lines += tasks.shown(case, shown, None if outcome == "succeeded" else tasks.MOST_SHOWN)
    if outcome != "succeeded":
        lines.append(f"Next: read the resource again in a few minutes. {NEVER_AGAIN}")
    return TaskReport("", outcome, tuple(lines), seen.body)


def _done(title: str, reply: Reply) -> str:
    return f"Done: {title} (HTTP {reply.status})."
