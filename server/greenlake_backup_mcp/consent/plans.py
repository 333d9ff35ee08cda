"""run_plan: many gated calls, one reviewed list, one consent; then one after the other, each looked at once more.

Each call is prepared and carried out by what calls.py hands in. Knows MCP's results through confirm.py; must know
nothing of HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import anyio
from mcp.types import CallToolResult

from greenlake_backup_mcp.errors import BackupError, InputError, OutcomeUnknown, PolicyRefusal
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.reads import Target
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.builtin import RUN_PLAN
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient

from . import audit_entries, audit_log, codes, gate, issued_codes, permits
from .permits import UNDONE, Permit
from .plan_preview import Item, PlanPreview, ends_of, preview_plan
from .proposals import Caller, Consent, PreparedCall, Proposal

READING = 0.1  # of the progress of a plan: its targets are read


class CallReport(Protocol):
    """What became of one request, and what to tell of it."""

    @property
    def outcome(self) -> Outcome: ...  # noqa: D102

    @property
    def lines(self) -> Sequence[str]: ...  # noqa: D102


@dataclass(frozen=True)
class RowResult:
    """What became of one call of a plan: the outcome, and why where it is not done."""

    outcome: Outcome = Outcome.NOT_TRIED
    words: str = ""

    @property
    def text(self) -> str:
        """Both in a line."""
        return f"{self.outcome}: {self.words}" if self.words else str(self.outcome)


Prepare = Callable[[str, Mapping[str, Any]], PreparedCall]
"""The call of an offered tool, from what a model wrote (its `confirm` means nothing); BackupError if it is bad."""

Execute = Callable[[PreparedCall, Caller], Awaitable[CallReport]]
"""Sends the request of a call whose consent was given and follows it; BackupError says what is known of a failure."""


async def run(  # noqa: PLR0913, PLR0917
    consent: Consent,
    api: ApiClient,
    tools: Mapping[str, Tool],
    arguments: Mapping[str, Any],
    caller: Caller,
    prepare: Prepare,
    execute: Execute,
) -> CallToolResult:
    """The answer of run_plan after consent: what became of each call. Raises NotPermitted with all other answers."""
    items = _items(arguments, tools, prepare)
    seen: list[Target] = []

    async def read() -> list[Target]:
        seen[:] = await _targets(api, tools, items, caller)
        return list(seen)

    async def describe(targets: list[Target], now: datetime, leaving: Mapping[str, datetime]) -> PlanPreview:
        return await preview_plan(api, items, targets, now, leaving)

    def ends(targets: list[Target], now: datetime) -> Mapping[str, datetime]:
        return ends_of(items, targets, now)

    plain = {
        "calls": [{"tool": i.call.tool.name, "arguments": i.call.arguments} for i in items],
        "continueOnError": bool(arguments.get("continueOnError", False)),
    }
    proposal = Proposal(RUN_PLAN.name, plain, read, lambda targets: [t.state for t in targets], describe, _record, ends)
    async with gate.authorize_proposal(consent, api, proposal, arguments.get("confirm"), caller) as permit:
        report = [RowResult() for _ in items]
        work = PlanRun(consent, api, tools, caller, execute)
        try:
            await _execute_all(work, items, seen, report, go_on=plain["continueOnError"] is True)
        finally:
            with anyio.CancelScope(shield=True):
                paths = [t.path for t, row in zip(seen, report, strict=True) if row.outcome in UNDONE]
                await consent.store.release(caller.id, paths)
                notes = await permit.settle(_whole_outcome(report), rows="; ".join(_counts(report)))
    return _render(consent, items, report, notes)


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
    return {"targets": [audit_entries.target_fields(t) for t in targets]}


# --- the work ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlanRun:
    """What carrying out a plan needs."""

    consent: Consent
    api: ApiClient
    tools: Mapping[str, Tool]
    caller: Caller
    execute: Execute


async def _execute_all(
    work: PlanRun, items: list[Item], seen: list[Target], report: list[RowResult], *, go_on: bool
) -> None:
    """Carry out the calls in order; `report` says at each moment what became of each."""
    _, working = work.caller.progress.split(READING)
    for n, (item, before) in enumerate(zip(items, seen, strict=True)):
        progress = working.part(n, len(items))
        await progress(0, None, f"call {item.number} of {len(items)}: {item.call.tool.name}")
        # its own lines in the record
        mine = replace(work.caller, id=f"{work.caller.id}-{item.number}", progress=progress)
        try:
            async with _row_permit(work, item, before, mine) as permit:
                report[n] = RowResult(Outcome.UNKNOWN)  # for whoever reads the report of a plan that breaks off here
                done = await work.execute(item.call, mine)
                notes = await permit.settle(done.outcome)
                words = [*(done.lines if done.outcome is not Outcome.DONE else ()), *notes]
                report[n] = RowResult(done.outcome, sanitize.cell(" ".join(words), 300))
        except BackupError as problem:
            report[n] = RowResult(_outcome_of(problem), sanitize.cell(f"{problem.message} {problem.hint}", 300))
        if report[n].outcome.is_error and not go_on:
            break
    await work.caller.progress(1, 1, "the plan has ended")


def _outcome_of(problem: BackupError) -> Outcome:
    if isinstance(problem, OutcomeUnknown):
        return Outcome.UNKNOWN
    return Outcome.REFUSED if problem.nothing_sent else Outcome.FAILED


@asynccontextmanager
async def _row_permit(work: PlanRun, item: Item, before: Target, mine: Caller) -> AsyncIterator[Permit]:
    """The permit of one call: its target, read once more, is as it was; BackupError where it is not."""
    now = await _target(work.api, work.tools, item)
    details: dict[str, Any] = {"target": audit_entries.target_fields(now), "arguments": item.call.arguments}
    if codes.canonical(now.state) != codes.canonical(before.state):
        moved = "; ".join(list(issued_codes.changed(before.state, now.state))[:5])
        reason = f"it changed since the plan was confirmed ({moved})"
        audit_log.record(
            work.consent.log,
            "refusal",
            call=mine.id,
            tool=item.call.tool.name,
            principal=mine.principal,
            reason=reason,
            **details,
        )
        raise PolicyRefusal(reason)
    permits.record_request(work.consent, mine, item.call.tool.name, **details)
    async with permits.hold(Permit(work.consent, mine, item.call.tool.name)) as permit:
        yield permit


def _whole_outcome(report: Sequence[RowResult]) -> Outcome:
    """The plan's outcome in a word: done where all of it is."""
    outcomes = {row.outcome for row in report}
    if len(outcomes) == 1:
        return outcomes.pop()
    return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.PARTLY


def _counts(report: Sequence[RowResult]) -> list[str]:
    counts = Counter(row.outcome for row in report)
    return [f"{count:,} {outcome}" for outcome, count in counts.items()]


def _render(
    consent: Consent, items: list[Item], report: Sequence[RowResult], notes: Sequence[str] = ()
) -> CallToolResult:
    bad = any(row.outcome.is_error for row in report)
    lines = [f"Plan of {len(items):,} calls: {', '.join(_counts(report))}.", *notes]
    if bad and any(row.outcome is Outcome.NOT_TRIED for row in report):
        lines.append("It stopped at the first failure; preview the rest as a new plan.")
    if any(row.outcome is Outcome.UNKNOWN for row in report):
        lines.append(
            "UNKNOWN means it may or may not have been carried out: read the resource, do not repeat the call."
        )
    lines += [
        f"{item.number}. {item.call.tool.name} {item.call.request.path.rpartition('/v1beta1/')[2]}: {row.text}"
        for item, row in zip(items, report, strict=True)
    ]
    return audit_entries.text(lines, consent.settings, is_error=bad)
