"""One call, top to bottom: find the tool, prepare, ask, send, follow, answer.

Knows the order of things and nothing of their insides. Must not know transports.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp.types import CallToolResult, InputRequiredResult

from greenlake_backup_mcp.consent import audit_entries, gate, plans, proposals
from greenlake_backup_mcp.consent.plan_preview import PreparedCall
from greenlake_backup_mcp.consent.proposals import Caller, Consent
from greenlake_backup_mcp.errors import BackupError, InputError, OutcomeUnknown, PolicyRefusal
from greenlake_backup_mcp.lists import list_tool
from greenlake_backup_mcp.lists.render import details
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import masking, sanitize
from greenlake_backup_mcp.tools import builtin, id_sources, roles, target_reads
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.writes import evidence, follow, synchronous

from . import arguments, results

Result = CallToolResult | InputRequiredResult


@dataclass(frozen=True)
class CallContext:
    """What every call needs: the way to the service, the tools there are and those offered, and consent."""

    api: client.ApiClient
    known: Mapping[str, Tool]
    offered: Mapping[str, Tool]
    consent: Consent
    role: roles.Role = "destroy"  # of the caller; without logins it is whoever started this server
    problem: BackupError | None = None  # why nothing can be called: told as each call's result, not by a dead server

    @property
    def settings(self) -> Settings:
        """The settings of this server."""
        return self.api.settings


@dataclass(frozen=True)
class CallOutcome:
    """What became of a request that was sent: a word for the record, lines for the model, JSON where asked for."""

    outcome: str
    lines: tuple[str, ...] = ()
    value: Any = None

    @property
    def failed(self) -> bool:
        """Whether the model must not take it for done."""
        return self.outcome in ("failed", "unknown")


async def call(desk: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> Result:
    """The result of one call. Problems are results too, never exceptions."""
    with call_log.call(name, "" if caller.principal == proposals.NOBODY else caller.principal) as line:
        line.hide = _mask_for(desk, raw)
        try:
            result = await _answer(desk, name, raw, caller)
            # what the call itself gave stays in previews: a person decides by the whole text
            return (
                results.mask_result(result, desk.api.transport.secrets())
                if isinstance(result, CallToolResult)
                else result
            )
        except BackupError as problem:
            line.outcome = problem.code
            told = id_sources.add_hint(problem, desk.known.get(name), raw, desk.offered)
            return results.error_result(told.map_texts(line.hide), desk.settings)
        except Exception as fault:  # the top: a fault of ours is told as one, and never as a stack trace
            line.outcome = type(fault).__name__
            call_log.LOGGER.debug("fault", exc_info=True)
            return results.fault_result(name, fault, desk.settings, began=line.writes > 0)


def _mask_for(desk: CallContext, arguments: Mapping[str, Any]) -> Callable[[str], str]:
    """What takes our own secrets and those that a call gave out of a text of the service."""
    given = masking.secrets_in(arguments)
    return lambda text: masking.mask(text, (*desk.api.transport.secrets(), *given))


async def _answer(desk: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> Result:
    tool = _find_tool(desk, name, raw, caller)
    if tool.operation is None:
        return await _run_builtin(desk, tool, arguments.prepare(tool, raw), caller)
    if tool.lists:
        answer = await list_tool.answer(desk.api, tool, arguments.prepare(tool, raw), caller.progress)
        return _to_result(desk, CallOutcome("done", answer.lines, answer.value))
    this = _prepare(desk, name, raw, caller)
    stop = await gate.gate(desk.consent, desk.api, desk.known, tool, this.arguments, this.request, caller)
    if stop is not None:
        return stop
    return _to_result(desk, await _carry_out(desk, this, caller))


async def _run_builtin(desk: CallContext, tool: Tool, given: Mapping[str, Any], caller: Caller) -> Result:
    """The two tools that are no operation of the service."""
    if tool.name == builtin.RUN_PLAN.name:
        return await plans.run(
            desk.consent,
            desk.api,
            desk.known,
            given,
            caller,
            prepare=lambda name, raw: _prepare(desk, name, raw, caller),
            execute=lambda this, of: _carry_out(desk, this, of),
        )
    report = await follow.wait(desk.api, given["taskId"], given.get("seconds", desk.settings.wait), caller.progress)
    return results.text_result(report.lines, desk.settings, is_error=report.outcome in ("failed", "unknown"))


def _prepare(desk: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> PreparedCall:
    """The call of an offered tool, ready to be sent."""
    tool = _find_tool(desk, name, raw, caller)
    given = arguments.prepare(tool, raw)
    return PreparedCall(tool, given, arguments.build_request(tool, given))


async def _carry_out(desk: CallContext, this: PreparedCall, caller: Caller) -> CallOutcome:
    """Send the request, follow its task, say what became of it; what a gated call came to is recorded.

    What the call gave as a secret is hidden here, since a plan's report holds many calls; ours are hidden by `call`.
    """
    outcome, sent, given = "unknown", desk.api.now(), masking.secrets_in(this.arguments)
    try:
        reply = await client.send(desk.api, this.request)
        done = await _outcome_of(desk, this, reply, caller)
        outcome = done.outcome
        return replace(done, lines=tuple(masking.mask(line, given) for line in done.lines))
    except BackupError as problem:
        outcome = "unknown" if isinstance(problem, OutcomeUnknown) else "failed"
        if isinstance(problem, OutcomeUnknown):
            target = target_reads.target_read(this.tool, this.request, desk.known)
            problem = await evidence.investigate(desk.api, problem, target, this.request, sent)
        raise problem.map_texts(lambda text: masking.mask(text, given)) from None
    finally:
        if this.tool.gated:
            audit_entries.record_outcome(desk.consent, caller, this.tool.name, outcome)


async def _outcome_of(desk: CallContext, this: PreparedCall, reply: client.Response, caller: Caller) -> CallOutcome:
    """What the reply means."""
    tool, given = this.tool, this.arguments
    if tool.danger is Danger.READ:
        if given.get("output") == "json":
            room = int(desk.settings.budget * results.BYTES_PER_TOKEN) - 100  # for what replies adds
            return CallOutcome("done", value=details.whole_json(reply.body, room))
        return CallOutcome("done", tuple(_details(desk, tool, reply.body)))
    target = target_reads.target_read(tool, this.request, desk.known)
    if reply.status == 202:
        report = await follow.follow(
            desk.api, reply, this.request, target=target, seconds=desk.settings.wait, progress=caller.progress
        )
        return _from_report(report)
    location = reply.headers.get("location")
    if target is not None and (this.request.method in ("DELETE", "PATCH", "PUT") or not (reply.body or location)):
        return _from_report(
            await synchronous.verify(desk.api, reply, this.request, tool.title, target=target, progress=caller.progress)
        )
    lines = [f"Done: {tool.title} (HTTP {reply.status})."]
    if reply.body:
        lines += _details(desk, tool, reply.body)
    elif location:
        lines.append(f"Made: {sanitize.cell(location, 200)}")
    return CallOutcome("done", tuple(lines))


def _from_report(report: follow.TaskReport) -> CallOutcome:
    return CallOutcome("done" if report.outcome == "succeeded" else report.outcome, report.lines)


def _details(desk: CallContext, tool: Tool, body: Any) -> list[str]:
    operation = tool.operation.id if tool.operation else ""
    if tool.danger is Danger.SECRET and not desk.settings.reveal_secrets:
        body = masking.redact_all_but_known(body)
    return details.render_details(operation, body, desk.api.now(), reveal=desk.settings.reveal_secrets)


def _to_result(desk: CallContext, done: CallOutcome) -> CallToolResult:
    if done.value is not None:
        return results.json_result(done.value, desk.settings)
    return results.text_result(done.lines, desk.settings, is_error=done.failed)


def _find_tool(desk: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> Tool:
    """The tool, if this server offers it to this caller. BackupError says why not; of a gated one that is recorded."""
    if desk.problem is not None:
        raise desk.problem
    tool = desk.known.get(name)
    if tool is None:
        near = difflib.get_close_matches(name, desk.offered, 3, 0.5)
        raise InputError(f"There is no tool {name[:80]!r}.", hint=f"Did you mean {' or '.join(near)}?" if near else "")
    why = _denial(desk, tool)
    if why is None:
        return tool
    if tool.gated:
        audit_entries.record_denied(desk.consent, caller, name, _readable_arguments(tool, raw), why.message)
    raise why


def _denial(desk: CallContext, tool: Tool) -> BackupError | None:
    """Why this caller may not use a tool; None: they may."""
    if tool.name not in desk.offered:
        if desk.settings.read_only and tool.danger is not Danger.READ:
            return PolicyRefusal(
                f"{tool.name} changes things, and this server is read-only.",
                hint="Only a person can change that, in the server's settings.",
            )
        return PolicyRefusal(
            f"{tool.name} is not offered: this server is limited to the toolsets {desk.settings.toolsets}.",
            hint="Only a person can change that, in the server's settings.",
        )
    if roles.role_allows(desk.role, tool):
        return None
    return PolicyRefusal(
        f"{tool.name} needs the role {roles.required_role(tool)}; this login has the role {desk.role}.",
        hint="Only whoever runs this server can give another role.",
    )


def _readable_arguments(tool: Tool, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call that is refused, for the record; {} where they are not those of the tool."""
    try:
        return arguments.prepare(tool, raw)
    except BackupError:
        return {}
