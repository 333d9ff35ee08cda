"""A request that may go out: sent, followed, and what became of it in lines.

Must know nothing of consent, nor of how the call came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from greenlake_backup_mcp.consent import proposals
from greenlake_backup_mcp.consent.proposals import Caller, PreparedCall
from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown
from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.outcomes import CallOutcome, Outcome
from greenlake_backup_mcp.text import masking
from greenlake_backup_mcp.tools import estate, target_reads
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import body_limits, client
from greenlake_backup_mcp.upstream.body_limits import offload_if
from greenlake_backup_mcp.writes import embedded_errors, follow, read_back, reports
from greenlake_backup_mcp.writes.polling import SharedTasks, WriteContext
from greenlake_backup_mcp.writes.remembered import RememberedWrite
from greenlake_backup_mcp.writes.reports import TaskReport

from . import results
from .context import CallContext


async def carry_out(
    context: CallContext, prepared: PreparedCall, caller: Caller, shared: SharedTasks | None = None
) -> CallOutcome:
    """Send the request, follow its task (`shared`: with others), say what became of it.

    What the call gave as a secret is hidden here, since a plan's report holds many calls; ours are hidden by `call`.
    """
    outcome, hide = Outcome.UNKNOWN, masking.Masker(masking.secrets_in(prepared.arguments))
    target = None
    if not prepared.request.reads:
        target = target_reads.target_read(prepared.tool, prepared.request, context.tools)
    before = await _read_before(context, prepared, target)
    write = RememberedWrite(prepared.request, target, context.api.now(), before)
    sent = False

    def sending() -> None:
        nonlocal sent
        caller.sending()
        sent = True

    token = client.BEFORE_WRITE.set(sending)
    try:
        reply = await client.send(context.api, prepared.request)
        caller.accepted(follow.task_of(context.api, reply))
        result = await _outcome_of(context, prepared, reply, caller, write, shared)
        outcome = result.outcome
        return replace(result, lines=tuple(map(hide, result.lines)), beside=hide(result.beside))
    except BackupError as problem:
        if isinstance(problem, OutcomeUnknown):
            problem = await follow.investigate(write_context(context, caller, 0), problem, write)
        raise problem.map_texts(hide) from None
    finally:
        client.BEFORE_WRITE.reset(token)
        if sent:
            await context.catalog.note_write(prepared.request, outcome)


async def _read_before(
    context: CallContext, prepared: PreparedCall, target: client.Request | None
) -> Mapping[str, Any]:
    """The target of an update before it is sent, so that what else changes is noticed; {} where it cannot be read."""
    if prepared.before is not None:
        return prepared.before
    if target is None or prepared.request.method not in ("PATCH", "PUT"):
        return {}
    return (await read_back.read_back(context.api, target, context.settings.timeout)).item


async def _outcome_of(  # noqa: PLR0913, PLR0917
    context: CallContext,
    prepared: PreparedCall,
    reply: client.Response,
    caller: Caller,
    write: RememberedWrite,
    shared: SharedTasks | None,
) -> CallOutcome:
    """What the reply means."""
    tool = prepared.tool
    if tool.danger is Danger.READ:
        large = reply.size > body_limits.LARGE
        if prepared.arguments.get("output") == "json":
            value = await offload_if(True, results.fit_json, reply.body, context.settings) if large else reply.body
            return CallOutcome(Outcome.DONE, value=value)
        lines = await offload_if(large, _details, context, tool, reply.body)
        picked = filter(None, prepared.arguments.get("select", "").split(","))
        if empty := [path for path in picked if extractors.first(reply.body or {}, [path]) is None]:
            lines.append(f"Without a value: {', '.join(empty)}.")
        more = estate.BEYOND.get(tool.name)
        beyond = (
            await context.catalog.beyond(tool, prepared.request.path.rpartition("/")[2])
            if more is not None and more.name in context.enabled
            else ()
        )
        return CallOutcome(Outcome.DONE, (*lines, *beyond, *clock_note(context)))
    if (error := embedded_errors.find_embedded_error(reply.status, reply.body)) is not None:
        return _from_report(reports.report_embedded(tool.title, reply.status, error))
    if tool.danger is Danger.SECRET and reply.body and prepared.request.method == "POST":
        lines = [f"Done: {tool.title} (HTTP {reply.status}).", *_details(context, tool, reply.body)]
        return CallOutcome(Outcome.DONE, tuple(lines))
    following = write_context(context, caller, proposals.follow_seconds(context.settings, caller), shared)
    return _from_report(await follow.follow(following, reply, write, tool.title))


def clock_note(context: CallContext) -> tuple[str, ...]:
    """Of an answer with ages in it: that this machine's clock is off. Previews and writes judge by the service's."""
    note = context.api.transport.clock.note
    return (note,) if note else ()


def write_context(
    context: CallContext, caller: Caller, seconds: float, shared: SharedTasks | None = None
) -> WriteContext:
    """What following a write of this caller needs, for at most so many seconds."""
    read_of = lambda path: target_reads.read_of(path, context.tools)  # noqa: E731
    return WriteContext(context.api, caller.progress, seconds, read_of, context.memory, caller.principal, shared)


def _from_report(report: TaskReport) -> CallOutcome:
    return CallOutcome(report.outcome, report.lines, beside=report.beside)


def _details(context: CallContext, tool: Tool, body: Any) -> list[str]:
    operation = tool.operation.id if tool.operation else ""
    if tool.danger is Danger.SECRET and not context.settings.reveal_secrets:
        body = masking.redact_all_but_known(body)
    return details.render_details(operation, body, context.api.now(), reveal=context.settings.reveal_secrets)
