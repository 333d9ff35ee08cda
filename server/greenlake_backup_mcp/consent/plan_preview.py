"""A plan as the list a person answers for: by tool, worst first, what is exceptional at the top.

Must know nothing of MCP, codes or HTTP.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from greenlake_backup_mcp.previews import leaf_words, recovery_points
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.effect import cannot
from greenlake_backup_mcp.previews.model import MOST_FIRST, Effect, kind_of
from greenlake_backup_mcp.previews.reads import ReadCache, Target
from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.tools.danger import Danger, gravest_danger
from greenlake_backup_mcp.upstream.client import ApiClient

from .plan_rows import spans
from .proposals import PreparedCall

MOST_READS = 400  # of one look at a plan: services allow so many a minute
REQUESTS_A_CALL = 5  # judged again, sent, watched, read again
DISTANCE = re.compile(r" \((?:today|yesterday|tomorrow|in \d|\d)[^()]*\)")  # of a time: a list is read by dates
MOST_PROBLEMS = 5  # of what keeps a plan from being carried out
NONE_LEFT = re.compile(r"\bLAST\b|\bNO\b|\bNOTHING\b")  # of a warning: that nothing remains
DANGERS = (Danger.DESTROY, Danger.SECRET, Danger.DISRUPT, Danger.WRITE, Danger.READ)


@dataclass(frozen=True)
class Item:
    """One call of a plan by its number, from 1."""

    number: int
    call: PreparedCall


Group: TypeAlias = "list[tuple[Item, Effect]]"
"""The calls of one tool and danger, each with its effect."""


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
        ranked = sorted(groups.values(), key=_rank)
        yield sanitize.cell(
            cannot(self.forbidden) if self.forbidden else _first_line(ranked, len(self.rows)), MOST_FIRST
        )
        takes = f"{units.duration(self.seconds)} ({REQUESTS_A_CALL} requests a call, {self.rate:g} a minute)"
        yield f"A plan of {units.plural(len(self.rows), 'call')}, in the order given; here the gravest first."
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
        kinds = _kinds(group)
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


def rank(row: tuple[Item, Effect]) -> tuple[Any, ...]:
    """Where a call stands, the gravest first: by its gravest fact, its danger, whether it deletes, how much goes."""
    item, effect = row
    danger, ends = DANGERS.index(effect.danger), item.call.request.method == "DELETE"
    return effect.weight, danger, not ends, -effect.size, -len(effect.warnings)


def _rank(group: Group) -> tuple[Any, ...]:
    """Where a group stands: by the gravest of its calls, then by how many are remarkable."""
    return *min(map(rank, group))[:-1], -sum(bool(effect.warnings) for _, effect in group), -len(group)


def _first_line(ranked: list[Group], calls: int) -> str:
    """The gravest of the plan in a line that every client shows."""
    group = ranked[0]
    item, effect = min(group, key=rank)
    deletes = item.call.request.method == "DELETE"
    as_grave = [other for others in ranked for other in others if other[1].weight == effect.weight]
    more = sum(other not in group for other in as_grave) if deletes else len(as_grave) - 1
    head = f"{calls:,} calls, {f'{more:,} more as grave as this' if more else 'the gravest'}: "
    head = "" if calls == 1 or (deletes and len(ranked) == 1) else head
    if not deletes or len(group) == 1:
        title = leaf_words.without_ids(effect.title)
        gravest = effect.gravest or f"{title}."
        if deletes and not title.startswith(gravest[:20]):
            gravest = f"{title}: {gravest}"  # what is so grave of it does not say that it goes
        return f"{head}{gravest}"
    size = sum(effect.size for _, effect in group)
    kinds = _kinds(group)
    last = max((kind for kind in kinds if NONE_LEFT.search(kind)), key=kinds.__getitem__, default="")
    noun = units.plural(len(group), re.sub(r"^\w+ (an?|the) ", "", item.call.tool.title))
    facts = [units.size(size)] if size else []
    facts += [f"{kinds[last]:,} of them{'' if 'LAST' in last else ':'} {last}"] if last else []
    return f"{head}{', '.join([f'DELETES FOR GOOD {noun}', *facts])}. Cannot be undone."


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


def _kinds(group: Group) -> Counter[str]:
    """How many calls of a group have a warning of each kind."""
    return Counter(kind for _, effect in group for kind in {kind_of(warning) for warning in effect.warnings})


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
    problems = list(_forbidden(rows, targets))
    if (more := len(problems) - MOST_PROBLEMS) > 0:
        problems[MOST_PROBLEMS:] = [f"And {more:,} more calls cannot be done."]
    return PlanPreview(tuple(rows), " ".join(problems), api.settings.rate)


def _forbidden(rows: Group, targets: list[Target]) -> Iterator[str]:
    first: dict[str, int] = {}
    ended: dict[str, int] = {}  # by calls that delete it
    for (item, effect), target in zip(rows, targets, strict=True):
        used = [spec.path for spec in effects.used_by(item.call.tool, item.call.arguments, target)]
        if gone := next((path for path in used if path in ended), None):
            yield f"Call {item.number} uses what call {ended[gone]} deletes; make two plans."
        if item.call.request.method == "DELETE":
            ended[target.path] = item.number
        if effect.forbidden:
            yield f"Call {item.number}: {effect.forbidden}"
        if any("the plan is too long" in part for part in effect.unknown):
            yield f"Call {item.number}: what hangs on it was not read, since the plan acts on too much; make two plans."
            return
        if target.path and target.path in first:
            yield f"Calls {first[target.path]} and {item.number} act on the same target; make two plans."
        first.setdefault(target.path, item.number)
