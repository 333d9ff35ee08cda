"""One call, top to bottom: find the tool, prepare, ask, send, follow, answer.

Knows the order of things and nothing of their insides. Must not know transports.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcp.types import CallToolResult, InputRequiredResult

from . import arguments, composed, hygiene, log, origins, readers, replies, roles
from .catalog import Tool
from .consent import confirm, plans, proposals, records
from .consent.proposals import Caller, Consent
from .consent.reviews import Prepared
from .danger import Danger
from .errors import BackupError
from .lists import details, listing
from .outcomes import aftermath, at_once, tasks
from .service import rest
from .settings import Settings

Result = CallToolResult | InputRequiredResult


@dataclass(frozen=True)
class Desk:
    """What every call needs: the way to the service, the tools there are and those offered, and consent."""

    api: rest.Api
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
class Done:
    """What became of a request that was sent: a word for the record, lines for the model, JSON where asked for."""

    outcome: str
    lines: tuple[str, ...] = ()
    value: Any = None

    @property
    def failed(self) -> bool:
        """Whether the model must not take it for done."""
        return self.outcome in ("failed", "unknown")


async def call(desk: Desk, name: str, raw: Mapping[str, Any], caller: Caller) -> Result:
    """The result of one call. Problems are results too, never exceptions."""
    with log.call(name, "" if caller.principal == proposals.NOBODY else caller.principal) as line:
        line.hide = _hiding(desk, raw)
        try:
            result = await _answer(desk, name, raw, caller)
            # what the call itself gave stays in previews: a person decides by the whole text
            return replies.without(result, desk.api.wire.secrets()) if isinstance(result, CallToolResult) else result
        except BackupError as problem:
            line.outcome = problem.kind
            told = origins.hinted(problem, desk.known.get(name), raw, desk.offered)
            return replies.error(told.reworded(line.hide), desk.settings)
        except Exception as fault:  # the top: a fault of ours is told as one, and never as a stack trace
            line.outcome = type(fault).__name__
            log.LOGGER.debug("fault", exc_info=True)
            return replies.fault(name, fault, desk.settings, began=line.writes > 0)


def _hiding(desk: Desk, arguments: Mapping[str, Any]) -> Callable[[str], str]:
    """What takes our own secrets and those that a call gave out of a text of the service."""
    given = hygiene.given(arguments)
    return lambda text: hygiene.without(text, (*desk.api.wire.secrets(), *given))


async def _answer(desk: Desk, name: str, raw: Mapping[str, Any], caller: Caller) -> Result:
    tool = _offered(desk, name, raw, caller)
    if tool.operation is None:
        return await _composed(desk, tool, arguments.prepared(tool, raw), caller)
    if tool.lists:
        answer = await listing.answer(desk.api, tool, arguments.prepared(tool, raw), caller.progress)
        return _shown(desk, Done("done", answer.lines, answer.value))
    this = _prepared(desk, name, raw, caller)
    stop = await confirm.gate(desk.consent, desk.api, desk.known, tool, this.arguments, this.request, caller)
    if stop is not None:
        return stop
    return _shown(desk, await _carried_out(desk, this, caller))


async def _composed(desk: Desk, tool: Tool, given: Mapping[str, Any], caller: Caller) -> Result:
    """The two tools that are no operation of the service."""
    if tool.name == composed.RUN_PLAN.name:
        return await plans.run(
            desk.consent,
            desk.api,
            desk.known,
            given,
            caller,
            prepare=lambda name, raw: _prepared(desk, name, raw, caller),
            execute=lambda this, of: _carried_out(desk, this, of),
        )
    report = await tasks.wait(desk.api, given["taskId"], given.get("seconds", desk.settings.wait), caller.progress)
    return replies.text(report.lines, desk.settings, is_error=report.outcome in ("failed", "unknown"))


def _prepared(desk: Desk, name: str, raw: Mapping[str, Any], caller: Caller) -> Prepared:
    """The call of an offered tool, ready to be sent."""
    tool = _offered(desk, name, raw, caller)
    given = arguments.prepared(tool, raw)
    return Prepared(tool, given, arguments.request(tool, given))


async def _carried_out(desk: Desk, this: Prepared, caller: Caller) -> Done:
    """Send the request, follow its task, say what became of it; what a gated call came to is recorded.

    What the call gave as a secret is hidden here, since a plan's report holds many calls; ours are hidden by `call`.
    """
    outcome, sent, given = "unknown", desk.api.now(), hygiene.given(this.arguments)
    try:
        reply = await rest.send(desk.api, this.request)
        done = await _told(desk, this, reply, caller)
        outcome = done.outcome
        return replace(done, lines=tuple(hygiene.without(line, given) for line in done.lines))
    except BackupError as problem:
        outcome = "unknown" if problem.kind == "unknown" else "failed"
        if problem.kind == "unknown":
            target = readers.of_target(this.tool, this.request, desk.known)
            problem = await aftermath.looked_into(desk.api, problem, target, this.request, sent)
        raise problem.reworded(lambda text: hygiene.without(text, given)) from None
    finally:
        if this.tool.gated:
            records.outcome(desk.consent, caller, this.tool.name, outcome)


async def _told(desk: Desk, this: Prepared, reply: rest.Reply, caller: Caller) -> Done:
    """What the reply means."""
    tool, given = this.tool, this.arguments
    if tool.danger is Danger.READ:
        if given.get("output") == "json":
            room = int(desk.settings.budget * replies.BYTES_PER_TOKEN) - 100  # for what replies adds
            return Done("done", value=details.whole(reply.body, room))
        return Done("done", tuple(_details(desk, tool, reply.body)))
    target = readers.of_target(tool, this.request, desk.known)
    if reply.status == 202:
        report = await tasks.follow(
            desk.api, reply, this.request, target=target, seconds=desk.settings.wait, progress=caller.progress
        )
        return _reported(report)
    location = reply.headers.get("location")
    if target is not None and (this.request.method in ("DELETE", "PATCH", "PUT") or not (reply.body or location)):
        return _reported(
            await at_once.proven(desk.api, reply, this.request, tool.title, target=target, progress=caller.progress)
        )
    lines = [f"Done: {tool.title} (HTTP {reply.status})."]
    if reply.body:
        lines += _details(desk, tool, reply.body)
    elif location:
        lines.append(f"Made: {hygiene.cell(location, 200)}")
    return Done("done", tuple(lines))


def _reported(report: tasks.TaskReport) -> Done:
    return Done("done" if report.outcome == "succeeded" else report.outcome, report.lines)


def _details(desk: Desk, tool: Tool, body: Any) -> list[str]:
    operation = tool.operation.id if tool.operation else ""
    if tool.danger is Danger.SECRET and not desk.settings.reveal_secrets:
        body = hygiene.veiled(body)
    return details.told(operation, body, desk.api.now(), reveal=desk.settings.reveal_secrets)


def _shown(desk: Desk, done: Done) -> CallToolResult:
    if done.value is not None:
        return replies.json(done.value, desk.settings)
    return replies.text(done.lines, desk.settings, is_error=done.failed)


def _offered(desk: Desk, name: str, raw: Mapping[str, Any], caller: Caller) -> Tool:
    """The tool, if this server offers it to this caller. BackupError says why not; of a gated one that is recorded."""
    if desk.problem is not None:
        raise desk.problem
    tool = desk.known.get(name)
    if tool is None:
        near = difflib.get_close_matches(name, desk.offered, 3, 0.5)
        raise BackupError(f"There is no tool {name[:80]!r}.", hint=f"Did you mean {' or '.join(near)}?" if near else "")
    why = _barred(desk, tool)
    if why is None:
        return tool
    if tool.gated:
        records.barred(desk.consent, caller, name, _readable(tool, raw), why.message)
    raise why


def _barred(desk: Desk, tool: Tool) -> BackupError | None:
    """Why this caller may not use a tool; None: they may."""
    if tool.name not in desk.offered:
        if desk.settings.read_only and tool.danger is not Danger.READ:
            return BackupError(
                f"{tool.name} changes things, and this server is read-only.",
                hint="Only a person can change that, in the server's settings.",
                kind="refused",
            )
        return BackupError(
            f"{tool.name} is not offered: this server is limited to the toolsets {desk.settings.toolsets}.",
            hint="Only a person can change that, in the server's settings.",
            kind="refused",
        )
    if roles.allows(desk.role, tool):
        return None
    return BackupError(
        f"{tool.name} needs the role {roles.needed(tool)}; this login has the role {desk.role}.",
        hint="Only whoever runs this server can give another role.",
        kind="refused",
    )


def _readable(tool: Tool, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call that is refused, for the record; {} where they are not those of the tool."""
    try:
        return arguments.prepared(tool, raw)
    except BackupError:
        return {}
