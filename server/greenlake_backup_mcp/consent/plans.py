"""run_plan: many calls that change something, one reviewed list, one consent; each is judged once more before it goes.

Each call is prepared and carried out by what the dispatcher hands in. Knows MCP's results through the gate; must know
nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import anyio
from mcp.types import CallToolResult

from greenlake_backup_mcp.errors import BackupError, InputError, PolicyRefusal
from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.previews import leaf_words
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.reads import ReadCache, Target
from greenlake_backup_mcp.text import sanitize
from greenlake_backup_mcp.tools.builtin import RUN_PLAN
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.client import ApiClient

from . import codes, gate, issued_codes, refusals, store
from .permits import Permit
from .plan_execution import may_overlap
from .plan_preview import MOST_READS, PlanPreview, ends_of, leaving_of, preview_plan
from .plan_ranking import Item
from .plan_rows import Execute, PlanRow, PlanRun
from .plan_runs import READING, PlanRuns, follow
from .proposals import LINGER, Caller, Consent, PreparedCall, Proposal, follow_seconds

COPIES = ("/backups?", "/snapshots?")  # reads of an asset's copies, which are made anew before each call

Prepare = Callable[[str, Mapping[str, Any]], PreparedCall]
"""The call of an offered tool, from what a model wrote (its `confirm` means nothing); BackupError if it is bad."""


@dataclass
class PlanWork:
    """A plan while it is reviewed: its calls, and what was read and told of them last."""

    consent: Consent
    api: ApiClient
    tools: Mapping[str, Tool]
    items: list[Item]
    caller: Caller
    reads: ReadCache = field(default_factory=lambda: ReadCache(MOST_READS))
    targets: list[Target] = field(default_factory=list)

    async def read(self) -> list[Target]:
        """The targets, copies from the lists of their assets: one read for all of an asset."""
        self.reads = ReadCache(MOST_READS)
        reading, _ = self.caller.progress.split(READING)
        results: dict[int, Target] = {}

        async def one(item: Item) -> None:
            results[item.number] = await self.target(item, self.reads)
            await reading(len(results), len(self.items), "reading the targets")

        async with anyio.create_task_group() as group:
            for item in self.items:
                group.start_soon(one, item)
        self.targets = [results[item.number] for item in self.items]
        return self.targets

    async def target(self, item: Item, reads: ReadCache) -> Target:
        """What a call acts on, from these reads or from new ones."""
        context = effects.PreviewContext(reads)
        return await effects.read_target(
            self.api, self.tools, item.call.tool, item.call.arguments, item.call.request, context
        )

    async def describe(self, targets: list[Target], now: datetime, leaving: Mapping[str, datetime]) -> PlanPreview:
        """The list that a person answers for."""
        return await preview_plan(self.api, self.items, targets, now, leaving, self.reads)


def propose(  # noqa: PLR0913, PLR0917
    consent: Consent,
    api: ApiClient,
    tools: Mapping[str, Tool],
    arguments: Mapping[str, Any],
    caller: Caller,
    prepare: Prepare,
) -> tuple[PlanWork, Proposal]:
    """A plan to be reviewed, and the proposal of all of it; nothing of it is begun.

    `tools`: those there are, by name; `arguments`: of run_plan (`calls`, `continueOnError`); `prepare`: the request of
    a call's arguments. InputError names what in it is no call.
    """
    work = PlanWork(consent, api, tools, _items(arguments, tools, prepare), caller)
    plain = {
        "calls": [{"tool": i.call.tool.name, "arguments": i.call.arguments} for i in work.items],
        "continueOnError": arguments.get("continueOnError", False) is True,
    }
    return work, Proposal(
        RUN_PLAN.name,
        plain,
        work.read,
        lambda targets: [target.state for target in targets],
        work.describe,
        lambda targets: {"targets": [refusals.target_fields(target) for target in targets]},
        lambda targets, now: ends_of(work.items, targets, now),
        gated=lambda preview: preview.gated,
        seconds=lambda preview: preview.seconds,
    )


async def run(  # noqa: PLR0913, PLR0917
    consent: Consent,
    api: ApiClient,
    tools: Mapping[str, Tool],
    runs: PlanRuns,
    arguments: Mapping[str, Any],
    caller: Caller,
    prepare: Prepare,
    execute: Execute,
) -> CallToolResult:
    """The answer of run_plan after consent: what became of each call within the wait; the plan goes on after it.

    Raises NotPermitted with all other answers. A call that is cancelled stops its plan after the calls under way.
    """
    work, proposal = propose(consent, api, tools, arguments, caller, prepare)
    async with AsyncExitStack() as stack:
        confirm = arguments.get("confirm")
        permit = await stack.enter_async_context(gate.authorize_proposal(consent, api, proposal, confirm, caller))
        plan = _plan(work, permit, execute, go_on=proposal.arguments["continueOnError"])
        runs.start(plan, consent, permit, stack.pop_all())
    return await follow(runs, plan, api.settings, follow_seconds(api.settings, caller), caller)


def _items(arguments: Mapping[str, Any], tools: Mapping[str, Tool], prepare: Prepare) -> list[Item]:
    """The calls of a plan, all of them in order; BackupError names the first five that are not."""
    items, problems = [], []
    for number, raw in enumerate(arguments["calls"], 1):
        name, values = str(raw["tool"]), dict(raw["arguments"])
        tool = tools.get(name)
        try:
            if name == RUN_PLAN.name:
                raise InputError("a plan holds no other plan")
            if tool is not None and tool.danger is Danger.READ:
                raise InputError("it changes nothing, so it is called by itself")
            values.pop("confirm", None)
            if tool is not None and tool.gated:
                values["confirm"] = gate.PREVIEW
            call = prepare(name, values)
        except BackupError as problem:
            problems.append(f"call {number} ({sanitize.cell(name)}): {problem.message.rstrip('.')}")
            continue
        items.append(Item(number, replace(call, arguments=call.plain)))
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


# --- the work ---------------------------------------------------------------------------------------------------------


def _plan(work: PlanWork, permit: Permit, execute: Execute, *, go_on: bool) -> PlanRun:
    """The plan that was consented to, ready to be carried out."""
    assert permit.evaluation is not None  # noqa: S101  a proposal's permit has one
    preview, targets = permit.evaluation.statement, permit.evaluation.subject
    assert isinstance(preview, PlanPreview)  # noqa: S101
    confirmed = [(item, effect.binding_facts) for item, effect in preview.rows]
    rows = [
        PlanRow(_words(item, effect.summary or leaf_words.without_ids(effect.title)), item.call, target.path)
        for (item, effect), target in zip(preview.rows, targets, strict=True)
    ]
    lasting = dict(work.reads.results)
    takes = LINGER + permit.evaluation.takes
    until = work.api.now() + takes  # or earlier, which is what was announced

    async def judge(n: int, caller: Caller) -> Permit:
        nonlocal until
        item, facts = confirmed[n]
        lasting_reads = {key: results for key, results in lasting.items() if not any(word in key for word in COPIES)}
        if item.call.tool.conditional:  # grave by what there is, which an earlier call of the plan may have made
            lasting_reads = {}
        # what a call of another kind was to end and did not is still there, and may be what this one would take along
        undone = [
            m
            for m, result in enumerate(plan.results)
            if result.outcome in (Outcome.FAILED, Outcome.REFUSED) and not may_overlap(work.items[m].call, item.call)
        ]
        now = work.api.now()
        ends = ends_of(work.items, targets, now, undone)
        if until - now < LINGER / 2:  # it takes longer than was expected, and what it announced would end
            until = now + takes
            await work.consent.store.reserve(store.reservations(ends, work.caller.id, now, until), now)
        return await _judge(work, item, targets[n], facts, ends, ReadCache(MOST_READS, lasting_reads), caller)

    plan = PlanRun(rows, work.caller, judge, execute, go_on)
    return plan


def _words(item: Item, name: str) -> str:
    """A call of a plan in a few words: what is done to what, by name."""
    return sanitize.cell(f"{item.call.tool.name} {name.partition(', expires')[0]}", 160)


async def _judge(  # noqa: PLR0913, PLR0917
    work: PlanWork,
    item: Item,
    before: Target,
    facts: tuple[str, ...],
    ends: Mapping[str, datetime],
    reads: ReadCache,
    caller: Caller,
) -> Permit:
    """The permit of one call: target and effect, read once more, are what was confirmed; PolicyRefusal where not."""
    uses = effects.used_by(item.call.tool, item.call.arguments, before)
    for key in [key for key in reads.results if key.partition("?")[0] in (before.path, *(use.path for use in uses))]:
        del reads.results[key]
    target, now = await work.target(item, reads), work.api.now()
    others = [one for one in await work.consent.store.reserved(now) if one.owner != work.caller.id]
    context = effects.PreviewContext(reads, {**store.by_path(others, now), **leaving_of(ends, now)})
    effect = await effects.describe_effect(work.api, item.call.tool, item.call.arguments, target, now, context)
    details: dict[str, Any] = {"target": refusals.target_fields(target), "arguments": item.call.arguments}
    reason = ""
    if codes.canonical(target.state) != codes.canonical(before.state):
        moved = "; ".join(list(issued_codes.changed(before.state, target.state))[:5])
        reason = f"it changed since the plan was confirmed ({moved})"
    elif effect.binding_facts != facts:
        moved = "; ".join(list(issued_codes.facts_differ(facts, effect.binding_facts))[:5])
        reason = f"what it would do changed since the plan was confirmed ({moved})"
    elif effect.forbidden:
        reason = f"it cannot be done any more: {effect.forbidden}"
    if reason:
        work.consent.record("refusal", caller, item.call.tool.name, reason=reason, **details)
        raise PolicyRefusal(reason)
    work.consent.record("request", caller, item.call.tool.name, text="\n".join(effect.lines()), **details)
    return Permit(work.consent, caller, item.call.tool.name, before=target.resource or None)
