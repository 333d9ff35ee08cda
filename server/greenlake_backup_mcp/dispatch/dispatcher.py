"""One call, top to bottom: find the tool, prepare, ask, send, follow, answer.

Knows the order of things and nothing of their insides. Must not know transports.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from mcp.types import CallToolResult, InputRequiredResult

from greenlake_backup_mcp.consent import gate, plan_runs, plans, proposals
from greenlake_backup_mcp.consent.permits import NotPermitted
from greenlake_backup_mcp.consent.proposals import Caller, PreparedCall
from greenlake_backup_mcp.errors import BackupError, InputError, PolicyRefusal
from greenlake_backup_mcp.lists import list_tool, query
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.outcomes import CallOutcome, Outcome
from greenlake_backup_mcp.text import masking, suggest
from greenlake_backup_mcp.tools import builtin, estate, id_sources, json_bounds, roles
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import readings
from greenlake_backup_mcp.writes import follow
from greenlake_backup_mcp.writes.polling import SharedTasks

from . import arguments, processor_time, results
from .carry_out import carry_out, clock_note, write_context
from .context import CallContext

Result = CallToolResult | InputRequiredResult
FEW = 3  # calls of one kind in a plan that are followed each by itself
T = TypeVar("T")


async def call(context: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> Result:
    """The result of one call, from its raw arguments: text within `settings.budget` tokens, or structured content.

    `name`: as the client gave it; `raw`: unchecked arguments. Problems are results too (`is_error`), never exceptions.
    """
    name, caller = name[: json_bounds.LONGEST_NAME], replace(caller, role=context.role)
    with call_log.call(name, "" if caller.principal == proposals.NOBODY else caller.principal) as line:
        if (excess := arguments.size_problem(context.tools.get(name), raw)) is not None:
            line.outcome = excess.code
            return results.error_result(excess, context.settings)
        line.hide = _mask_for(context, raw)
        try:
            with readings.notes() as notes:
                try:
                    result = await processor_time.metered(
                        _answer(context, name, raw, caller),
                        name,
                        context.settings,
                        line.add_processor_time,
                        may_end=lambda: not line.writes,
                    )
                except NotPermitted as refusal:
                    result = refusal.result
                result = results.add_notes(result, notes)
            # what the call itself gave stays in previews: a person decides by the whole text
            return (
                results.mask_result(result, context.api.transport.mask)
                if isinstance(result, CallToolResult)
                else result
            )
        except BackupError as problem:
            line.outcome = problem.code
            hinted = id_sources.add_hint(problem, context.tools.get(name), raw, context.enabled)
            return results.error_result(hinted.map_texts(line.hide), context.settings)
        except Exception as fault:  # the top: a fault of ours is told as one, and never as a stack trace
            line.outcome = type(fault).__name__
            call_log.LOGGER.debug("fault", exc_info=True)
            return results.fault_result(name, fault, context.settings, began=line.writes > 0)


def _mask_for(context: CallContext, arguments: Mapping[str, Any]) -> Callable[[str], str]:
    """What takes our own secrets and those that a call gave out of a text of the service."""
    own: list[masking.Masker] = []  # made where it is needed, which it seldom is

    def hide(text: str) -> str:
        own[:] = own or [masking.Masker(masking.secrets_in(arguments))]
        return own[0](context.api.transport.mask(text))

    return hide


async def _answer(context: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> Result:
    tool = _find_tool(context, name, raw, caller)
    if tool.operation is None:
        return await _run_builtin(context, tool, arguments.prepare(tool, raw), caller)
    if tool.lists:
        values = arguments.prepare(tool, raw)
        more = await context.catalog.list_columns(tool)
        answer = await list_tool.answer(context.api, tool, values, caller.progress, more.columns)
        notes = (*more.notes, *clock_note(context))
        return _to_result(context, CallOutcome(Outcome.DONE, (*answer.lines, *notes), answer.value))
    prepared = _prepare(context, name, raw, caller)
    async with gate.authorize(context.consent, context.api, context.tools, prepared, caller) as permit:
        outcome = await carry_out(context, permit.with_before(prepared), caller)
        notes = await permit.settle(outcome.outcome)
    return _to_result(context, replace(outcome, lines=(*outcome.lines[:1], *notes, *outcome.lines[1:])))


async def _run_builtin(context: CallContext, tool: Tool, values: Mapping[str, Any], caller: Caller) -> Result:
    """The tools that are no operation of the service."""
    if tool in estate.FLEET:
        seconds = proposals.follow_seconds(context.settings, caller)
        used = time.monotonic() - caller.begun  # the first call opens what all need
        spare = min(3.0, 0.4 * seconds)  # for the answer, on a busy machine too
        patience = max(seconds - spare - used, 0.1)
        answer = await context.catalog.call(tool.name, values, caller.principal, caller.progress, patience)
        return _to_result(context, CallOutcome(Outcome.DONE, answer.lines, answer.value))
    if tool.name == builtin.PREVIEW_CALL.name:
        return await _preview_call(context, values, caller)
    if tool.name == builtin.RUN_PLAN.name:
        return await _run_plan(context, values, caller)
    task_id, seconds = values["taskId"], values.get("seconds", proposals.follow_seconds(context.settings, caller))
    stop = values.get("stop", False)
    if plan_runs.is_plan(task_id):
        return await plan_runs.wait(context.plans, task_id, context.settings, seconds, caller, stop=stop)
    if stop:
        hint = "Only a plan of run_plan can be stopped. Leave stop out to wait for the task."
        raise InputError("stop is for plans: this API has no way to stop a task.", hint=hint)
    report = await follow.wait(write_context(context, caller, seconds), task_id)
    return results.text_result(report.lines, context.settings, is_error=report.outcome.is_error)


def propose(context: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> proposals.Proposal:
    """The proposal of a call that needs consent, a plan's too; BackupError where this caller may not make it."""
    caller = replace(caller, role=context.role)
    if name != builtin.RUN_PLAN.name:
        return gate.propose(
            context.api, context.tools, _prepare(context, name, {**raw, "confirm": gate.PREVIEW}, caller)
        )
    _find_tool(context, name, raw, caller)
    work = plans.propose(
        context.consent, context.api, context.tools, raw, caller, lambda tool, own: _prepare(context, tool, own, caller)
    )
    return work[1]


async def _run_plan(context: CallContext, values: Mapping[str, Any], caller: Caller) -> Result:
    shared, counts = SharedTasks(), Counter(str(call["tool"]) for call in values["calls"])

    def execute(prepared: PreparedCall, caller: Caller) -> Awaitable[CallOutcome]:
        many = counts[prepared.tool.name] > FEW  # else nothing is won by lists of tasks, which come seldom
        return carry_out(context, prepared, caller, shared if many else None)

    return await plans.run(
        context.consent,
        context.api,
        context.tools,
        context.plans,
        values,
        caller,
        prepare=lambda name, raw: _prepare(context, name, raw, caller),
        execute=execute,
    )


async def _preview_call(context: CallContext, values: Mapping[str, Any], caller: Caller) -> Result:
    """The preview of a call or of a list of calls, or a part of a whole difference; nothing is sent that changes."""
    forms = [name for name in ("tool", "calls", "reference") if values.get(name)]
    if len(forms) != 1:
        raise InputError("Give one of tool (with arguments), calls, or reference (with part).")
    if forms == ["reference"]:
        number, now = int(values.get("part", 1)), context.api.now()
        lines = context.consent.differences.part(caller.principal, values["reference"], number, now)
        return results.text_result(lines, context.settings)
    if forms == ["calls"]:
        return await _run_plan(context, {"calls": values["calls"], "confirm": gate.PREVIEW}, caller)
    raw = {name: value for name, value in values.get("arguments", {}).items() if name != "confirm"}
    tool = _find_tool(context, values["tool"], raw, caller)
    if tool.name == builtin.RUN_PLAN.name:
        return await _run_plan(context, {**arguments.prepare(tool, {**raw, "confirm": gate.PREVIEW})}, caller)
    if tool.danger is Danger.READ or tool.operation is None:
        raise InputError(f"{tool.name} changes nothing: there is nothing to preview. Call it.")
    if tool.gated:
        raw["confirm"] = gate.PREVIEW
    return await gate.preview(
        context.consent, context.api, context.tools, _prepare(context, tool.name, raw, caller), caller
    )


def _prepare(context: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> PreparedCall:
    """The call of an offered tool, ready to be sent."""
    tool = _find_tool(context, name, raw, caller)
    values = arguments.prepare(tool, raw)
    if tool.operation and isinstance(picked := values.pop("select", None), str):  # of one item: lists are not prepared
        unknown = context.api.readings.unknown_fields(tool.operation.id)
        if names := query.read_selection(tool.operation, picked, unknown):
            values["select"] = ",".join(names)
    return PreparedCall(tool, values, arguments.build_request(tool, values))


def _to_result(context: CallContext, call: CallOutcome) -> CallToolResult:
    if call.value is not None:
        return results.json_result(call.value, context.settings)
    return results.text_result(call.lines, context.settings, is_error=call.outcome.is_error)


def _find_tool(context: CallContext, name: str, raw: Mapping[str, Any], caller: Caller) -> Tool:
    """The tool, if this server offers it to this caller. BackupError says why not; of a gated one that is recorded."""
    if context.problem is not None:
        raise context.problem
    tool = context.tools.get(name)
    if tool is None:
        raise InputError(f"There is no tool {name[:80]!r}.", hint=suggest.suggestion(name, context.enabled, cutoff=0.6))
    why = _denial(context, tool)
    if why is None:
        return tool
    if tool.gated:
        values = _readable_arguments(tool, raw)
        context.consent.record("refusal", caller, name, arguments=values, reason=why.message)
    raise why


def _denial(context: CallContext, tool: Tool) -> BackupError | None:
    """Why this caller may not use a tool; None: they may."""
    if tool.name not in context.enabled:
        if context.settings.read_only and tool.danger is not Danger.READ:
            return PolicyRefusal(
                f"{tool.name} changes things, and this server is read-only.",
                hint="Only a person can change that, in the server's settings.",
            )
        return PolicyRefusal(
            f"{tool.name} is not offered: this server is limited to the toolsets {context.settings.toolsets}.",
            hint="Only a person can change that, in the server's settings.",
        )
    if roles.role_allows(context.role, tool):
        return None
    return PolicyRefusal(
        f"{tool.name} needs the role {roles.required_role(tool)}; this login has the role {context.role}.",
        hint="Only whoever runs this server can give another role.",
    )


def _readable_arguments(tool: Tool, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call that is refused, for the record; {} where they are not those of the tool."""
    try:
        return arguments.prepare(tool, raw)
    except BackupError:
        return {}
