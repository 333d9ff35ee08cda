"""run_plan: many gated calls, one reviewed list, one consent; then one after the other, each looked at once more.

Each call is prepared and carried out by what calls.py hands in. Knows MCP's results through confirm.py; must know
nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import anyio
from mcp.types import CallToolResult, InputRequiredResult

from greenlake_backup_mcp.errors import BackupError, InputError, OutcomeUnknown, PolicyRefusal
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.reads import Target
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.builtin import RUN_PLAN
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient

from . import audit_entries, audit_log, codes, gate, issued_codes
from .plan_preview import Item, PlanPreview, PreparedCall, ends_of, preview_plan
from .proposals import Caller, Consent, Proposal

STOPS = ("refused", "failed", "unknown")  # outcomes after which nothing more is tried, unless told otherwise

READING = 0.1  # of the progress of a plan: its targets are read


class RowOutcome(Protocol):
    """What became of one request: `done`, `failed`, `unknown`, or a task's word; and what to tell of it."""

    @property
    def outcome(self) -> str: ...  # noqa: D102

    @property
    def lines(self) -> Sequence[str]: ...  # noqa: D102


Prepare = Callable[[str, Mapping[str, Any]], PreparedCall]
"""The call of an offered tool, from what a model wrote (its `confirm` means nothing); BackupError if it is bad."""

Execute = Callable[[PreparedCall, Caller], Awaitable[RowOutcome]]
"""Sends the request of a call whose consent was given, follows it, and records its outcome under the caller's id."""


async def run(  # noqa: PLR0913, PLR0917
    consent: Consent,
    api: ApiClient,
    tools: Mapping[str, Tool],
    arguments: Mapping[str, Any],
    caller: Caller,
    prepare: Prepare,
    execute: Execute,
) -> CallToolResult | InputRequiredResult:
    """The answer of run_plan: its preview or refusal, or after consent what became of each call."""
    items = _items(arguments, tools, prepare)
    seen: list[Target] = []

    async def read() -> list[Target]:
        seen[:] = await _targets(api, tools, items, caller)
        return list(seen)

    async def tell(targets: list[Target], now: datetime) -> PlanPreview:
        return await preview_plan(api, items, targets, now, consent.left(now))

    def ends(targets: list[Target], now: datetime) -> Mapping[str, datetime]:
        return ends_of(items, targets, now)

    plain = {
        "calls": [{"tool": i.call.tool.name, "arguments": i.call.arguments} for i in items],
        "continueOnError": bool(arguments.get("continueOnError", False)),
    }
    proposal = Proposal(RUN_PLAN.name, plain, read, lambda targets: [t.state for t in targets], tell, _record, ends)
    stop = await gate.authorize(consent, api, proposal, arguments.get("confirm"), caller)
    if stop is not None:
        return stop
    report = ["not tried"] * len(items)
    work = PlanRun(consent, api, tools, caller, execute)
    try:
        await _execute_all(work, items, seen, report, go_on=plain["continueOnError"] is True)
    finally:
        audit_entries.record_outcome(consent, caller, RUN_PLAN.name, "; ".join(_counts(report)))
        for target, line in zip(seen, report, strict=True):
            if line.partition(":")[0] in ("refused", "failed", "not tried"):
                consent.leaving.pop(target.path, None)
    return _render(consent, items, report)


def _items(arguments: Mapping[str, Any], tools: Mapping[str, Tool], prepare: Prepare) -> list[Item]:
    """The calls of a plan, all of them in order; BackupError names the first five that are not."""
    items, problems = [], []
    for number, raw in enumerate(arguments["calls"], 1):
        name, given = str(raw["tool"]), raw["arguments"]
        try:
            if name == RUN_PLAN.name:
                raise InputError("a plan holds no other plan")
            if name in tools and not tools[name].gated:
                raise InputError("it needs no confirmation, so it is called by itself")
            call = prepare(name, {**given, "confirm": gate.PREVIEW})
        except BackupError as problem:
            problems.append(f"call {number} ({sanitize.cell(name)}): {problem.message.rstrip('.')}")
            continue
        plain = {n: v for n, v in call.arguments.items() if n != "confirm"}
        items.append(Item(number, replace(call, arguments=plain)))
    if not problems:
        problems = list(_duplicates(items))
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise InputError(f"The plan cannot be read: {'; '.join(problems[:5])}{more}.")
    return items


def _duplicates(items: list[Item]) -> Iterator[str]:
    first: dict[str, int] = {}
    for item in items:
        key = codes.canonical([item.call.tool.name, item.call.arguments])
        if key in first:
            yield f"call {item.number} is call {first[key]} once more"
        first.setdefault(key, item.number)


# --- the list ---------------------------------------------------------------------------------------------------------


async def _targets(api: ApiClient, tools: Mapping[str, Tool], items: list[Item], caller: Caller) -> list[Target]:
    found: dict[int, Target] = {}
    reading, _ = caller.progress.split(READING)

    async def one(item: Item) -> None:
        found[item.number] = await _target(api, tools, item)
        await reading(len(found), len(items), "reading the targets")

    async with anyio.create_task_group() as group:
        for item in items:
            group.start_soon(one, item)
    return [found[item.number] for item in items]


async def _target(api: ApiClient, tools: Mapping[str, Tool], item: Item) -> Target:
    return await effects.read_target(api, tools, item.call.tool, item.call.arguments, item.call.request)


def _record(targets: Sequence[Target]) -> dict[str, Any]:
    return {"targets": [audit_entries.request_fields(t) for t in targets]}


# --- the work ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlanRun:
    """What carrying out a plan needs."""

    consent: Consent
    api: ApiClient
    tools: Mapping[str, Tool]
    caller: Caller
    execute: Execute


async def _execute_all(work: PlanRun, items: list[Item], seen: list[Target], report: list[str], *, go_on: bool) -> None:
    """Carry out the calls in order; `report` says at each moment what became of each."""
    _, working = work.caller.progress.split(READING)
    for n, (item, before) in enumerate(zip(items, seen, strict=True)):
        progress = working.part(n, len(items))
        await progress(0, None, f"call {item.number} of {len(items)}: {item.call.tool.name}")
        try:
            mine = await _unchanged(work, item, before)
        except BackupError as problem:
            report[n] = f"refused: {sanitize.cell(problem.message, 300)}"
        else:
            report[n] = "unknown"  # for whoever reads the report of a plan that was broken off here
            report[n] = await _execute_one(work, item, replace(mine, progress=progress))
        if report[n].partition(":")[0] in STOPS and not go_on:
            break
    await work.caller.progress(1, 1, "the plan has ended")


async def _unchanged(work: PlanRun, item: Item, before: Target) -> Caller:
    """Read the target once more and record the request that follows; BackupError if the target changed."""
    now = await _target(work.api, work.tools, item)
    mine = replace(work.caller, id=f"{work.caller.id}-{item.number}")  # its own lines in the audit log
    changed = codes.canonical(now.state) != codes.canonical(before.state)
    moved = "; ".join(list(issued_codes.changed(before.state, now.state))[:5])
    reason = f"it changed since the plan was confirmed ({moved})" if changed else ""
    audit_log.record(
        work.consent.log,
        "refusal" if changed else "request",
        call=mine.id,
        tool=item.call.tool.name,
        principal=mine.principal,
        target=audit_entries.request_fields(now),
        arguments=item.call.arguments,
        reason=reason,
    )
    if changed:
        raise PolicyRefusal(reason)
    return mine


async def _execute_one(work: PlanRun, item: Item, mine: Caller) -> str:
    try:
        done = await work.execute(item.call, mine)
    except BackupError as problem:
        word = "unknown" if isinstance(problem, OutcomeUnknown) else "refused" if problem.nothing_sent else "failed"
        return f"{word}: {sanitize.cell(problem.message, 300)}"
    told = sanitize.cell(" ".join(done.lines), 300) if done.outcome != "done" else ""
    return f"{done.outcome}: {told}" if told else done.outcome


def _counts(report: list[str]) -> list[str]:
    words = [line.partition(":")[0] for line in report]
    return [f"{words.count(word):,} {word}" for word in dict.fromkeys(words)]


def _render(consent: Consent, items: list[Item], report: list[str]) -> CallToolResult:
    bad = any(line.partition(":")[0] in STOPS for line in report)
    lines = [f"Plan of {len(items):,} calls: {', '.join(_counts(report))}."]
    if bad and "not tried" in report:
        lines.append("It stopped at the first failure; preview the rest as a new plan.")
    if any(line.startswith("unknown") for line in report):
        lines.append(
            "UNKNOWN means it may or may not have been carried out: read the resource, do not repeat the call."
        )
    lines += [
        f"{item.number}. {item.call.tool.name} {item.call.request.path.rpartition('/v1beta1/')[2]}: {line}"
        for item, line in zip(items, report, strict=True)
    ]
    return audit_entries.text(lines, consent.settings, is_error=bad)
