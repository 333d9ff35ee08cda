"""A plan as the list a person answers for: by tool, worst first, what is exceptional at the top.

Must know nothing of MCP, codes or HTTP.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from greenlake_backup_mcp.previews import leaf_words, recovery_points
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.difference import leaves_of
from greenlake_backup_mcp.previews.effect import cannot
from greenlake_backup_mcp.previews.model import Effect, kind_of
from greenlake_backup_mcp.previews.phrases import item_at
from greenlake_backup_mcp.previews.reads import ReadCache, Target, identity_of
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger, gravest_danger
from greenlake_backup_mcp.upstream.client import ApiClient

from .plan_ranking import Group, Item, as_grave, first_line, kinds_of, rank_group
from .plan_rows import spans

MOST_READS = 400  # of one look at a plan: services allow so many a minute
REQUESTS_A_CALL = 5  # judged again, sent, watched, read again
DISTANCE = re.compile(r" \((?:today|yesterday|tomorrow|in \d|\d)[^()]*\)")  # of a time: a list is read by dates
AT_ONCE = timedelta(days=1)  # what a plan lets expire within it may be gone when a later call needs it
MOST_PROBLEMS = 5  # of what keeps a plan from being carried out


@dataclass(frozen=True)
class PlanPreview:
    """A plan as the list a person answers for: gravest first, by tool, what sets single calls apart at the top."""

    rows: tuple[tuple[Item, Effect], ...]
    forbidden: str
    rate: float  # most requests a minute to the service

    @property
    def danger(self) -> Danger:
        """What the gravest of the calls costs."""
        return gravest_danger(*(effect.danger for _, effect in self.rows))

    @property
    def whole(self) -> tuple[str, ...]:
        """The whole difference of each call."""
        return tuple(f"call {item.number}: {line}" for item, effect in self.rows for line in effect.whole)

    @property
    def binding_facts(self) -> tuple[str, ...]:
        """What consent rests on besides the targets: of each call, by its number."""
        return tuple(f"call {item.number}: {kind}" for item, effect in self.rows for kind in effect.binding_facts)

    @property
    def gated(self) -> bool:
        """Whether any call needs consent."""
        return any(item.call.tool.gated or effect.danger.gated for item, effect in self.rows)

    @property
    def seconds(self) -> float:
        """How long it takes at least: what the rate of requests allows."""
        return len(self.rows) * REQUESTS_A_CALL * 60 / self.rate

    def lines(self) -> Iterator[str]:
        """The list as text."""
        groups: dict[tuple[Danger, str], Group] = {}
        for item, effect in self.rows:
            groups.setdefault((effect.danger, item.call.tool.name), []).append((item, effect))
        ranked = sorted(groups.values(), key=rank_group)
        yield cannot(self.forbidden) if self.forbidden else first_line(ranked, len(self.rows))
        takes = f"{units.duration(self.seconds)} ({REQUESTS_A_CALL} requests a call, {self.rate:g} a minute)"
        count = as_grave(ranked)
        more = f" {count:,} more of them are as grave as the first." if count else ""
        yield f"A plan of {units.plural(len(self.rows), 'call')}, in the order given; here the gravest first.{more}"
        yield f"It takes at least {takes}."
        yield from ("", "| tool | calls | danger | data |", "|---|---|---|---|")
        for group in ranked:
            size = sum(effect.size for _, effect in group)
            data = units.size(size) if size else ""
            yield f"| {group[0][0].call.tool.name} | {len(group)} | {group[0][1].danger.value} | {data} |"
        for group in ranked:
            yield from self._group(group)

    def _group(self, group: Group) -> Iterator[str]:
        finals: dict[str, list[int]] = {}
        for item, effect in group:
            finals.setdefault(effect.reversibility, []).append(item.number)
        only = next(iter(finals)) if len(finals) == 1 else ""
        yield from ("", f"{group[0][0].call.tool.title}: {len(group):,}. {only}".rstrip())
        yield from (f"  {final} ({spans(numbers)})" for final, numbers in finals.items() if final != only)
        kinds = kinds_of(group)
        yield from _exceptions(group, kinds)
        details = [list(_details(item, effect)) for item, effect in group]
        counts = Counter(line for lines in details for line in dict.fromkeys(lines))
        shared = [line for line in dict.fromkeys(details[0]) if counts[line] == len(group) > 1]
        yield from (f"  Each of them: {line}" for line in shared)
        for line in (line for line in counts if 1 < counts[line] < len(group)):
            numbers = [item.number for (item, _), lines in zip(group, details, strict=True) if line in lines]
            yield f"  {spans(numbers).capitalize()}: {line}"
        rows = [(effect.summary or leaf_words.without_ids(effect.title)).split(", ") for _, effect in group]
        same = [part for part in rows[0][1:] if len(group) > 1 and all(part in row for row in rows)]
        if same:
            yield f"  Each of them: {', '.join(same)}"
        for (item, effect), parts, lines in zip(group, rows, details, strict=True):
            row = ", ".join(part for part in parts if part not in same)
            yield f"  {item.number}. {row}{_row_marks(effect, kinds, len(group))}"
            yield from (f"     - {line}" for line in dict.fromkeys(lines) if counts[line] == 1)


def _details(item: Item, effect: Effect) -> Iterator[str]:
    """What is told of a call besides its row, which holds the facts of what has a summary."""
    if not effect.summary:
        yield from effect.facts
    if item.call.request.method != "DELETE" or not effect.summary:
        yield from (line.removeprefix("- ") for line in effect.change_lines())
    yield from (DISTANCE.sub("", line) for line in effect.consequences)
    if effect.unknown:
        yield f"not known: {'; '.join(effect.unknown)}"


def _row_marks(effect: Effect, kinds: Counter[str], count: int) -> str:
    """What is particular to a call, on its row; what is so of others as well, or of the only one, is said above."""
    marks = [e for e in effect.warnings if kinds[kind_of(e)] < count and kind_of(e) != e]
    return f" [{'; '.join(marks)}]" if marks and count > 1 else ""


def _exceptions(group: Group, counts: Counter[str]) -> Iterator[str]:
    """What most calls have in common, and what sets single ones apart."""
    for kind, count in sorted(counts.items()):
        if count > 1 and 2 * count > len(group):
            yield f"  {'ALL' if count == len(group) else count} of them: {kind}."
    rare: dict[tuple[str, ...], list[int]] = {}
    for item, effect in group:
        if own := tuple(e for e in effect.warnings if counts[kind_of(e)] * 2 <= len(group) or len(group) == 1):
            rare.setdefault(own, []).append(item.number)
    yield from (f"  EXCEPTION, {spans(numbers)}: {'; '.join(own)}." for own, numbers in rare.items())


def leaving_of(ends: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """What a plan ends, for the judgement of its calls: what it lets expire soon does not remain of what it deletes."""
    return {
        path: min(moment, now) if recovery_points.ends_soon(moment, now) else moment for path, moment in ends.items()
    }


def ends_of(items: list[Item], targets: list[Target], now: datetime, undone: Sequence[int] = ()) -> dict[str, datetime]:
    """When what the calls end is gone, by path; what those did not end that are `undone` (from 0) is still there."""
    ends = [
        recovery_points.ends_of(item.call.request.method, item.call.arguments, target, now)
        for n, (item, target) in enumerate(zip(items, targets, strict=True))
        if n not in undone
    ]
    return dict(ChainMap(*ends))


async def preview_plan(  # noqa: PLR0913, PLR0917
    api: ApiClient,
    items: list[Item],
    targets: list[Target],
    now: datetime,
    leaving: Mapping[str, datetime],
    reads: ReadCache,
) -> PlanPreview:
    """The list with the effect of each call; `reads` are those made for the targets, lists of copies among them."""
    context = effects.PreviewContext(reads, {**leaving, **leaving_of(ends_of(items, targets, now), now)})
    rows = [
        (item, await effects.describe_effect(api, item.call.tool, item.call.arguments, target, now, context))
        for item, target in zip(items, targets, strict=True)
    ]
    problems = list(_forbidden(rows, targets, now))
    if (more := len(problems) - MOST_PROBLEMS) > 0:
        problems[MOST_PROBLEMS:] = [f"And {more:,} more calls cannot be done."]
    return PlanPreview(tuple(rows), " ".join(problems), api.settings.rate)


def _forbidden(rows: Group, targets: list[Target], now: datetime) -> Iterator[str]:
    first: dict[str, int] = {}
    ended: dict[str, tuple[int, str]] = {}  # ids of what an earlier call takes away: its number, and what it does
    for (item, effect), target in zip(rows, targets, strict=True):
        if gone := next((ended[identity] for identity in _needed(item, target) if identity in ended), None):
            yield f"Call {item.number} needs what call {gone[0]} {gone[1]}; make two plans."
        method, identity = item.call.request.method, identity_of(target.path)[1]
        soon = recovery_points.ends_of(method, item.call.arguments, target, now).get(target.path)
        if method == "DELETE" or recovery_points.ends_soon(soon, now, AT_ONCE):
            ended[identity] = item.number, "deletes" if method == "DELETE" else "lets expire"
        elif item.call.tool.name.startswith("shutdown_"):
            ended[identity] = item.number, "shuts down"
        if effect.forbidden:
            yield f"Call {item.number}: {effect.forbidden}"
        if any("the plan is too long" in part for part in effect.unknown):
            yield f"Call {item.number}: what hangs on it was not read, since the plan acts on too much; make two plans."
            return
        if target.path and target.path in first:
            yield f"Calls {first[target.path]} and {item.number} act on the same target; make two plans."
        first.setdefault(target.path, item.number)


def _needed(item: Item, target: Target) -> Iterator[str]:
    """The ids of what a call can only be carried out with: those it names, and where the copies lie that it uses."""
    yield from (value for _, value in leaves_of(dict(item.call.arguments)) if isinstance(value, str))
    for copy in (use.resource for use in target.uses.values()):
        for place in ("protectionStoreInfo", "storageSystemInfo"):
            if isinstance(identity := item_at(copy, place, "id"), str):
                yield identity
