"""A plan as the list a person answers for: by tool, worst first, what is exceptional at the top.

Must know nothing of MCP, codes or HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from greenlake_backup_mcp.previews import recovery_points
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.model import Effect, kind_of
from greenlake_backup_mcp.previews.reads import ReadCache, Target
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger, gravest_danger
from greenlake_backup_mcp.upstream.client import ApiClient

from .proposals import PreparedCall

MOST_FACTS = 60  # reads of what hangs on the targets, besides the targets: services allow so many a minute
WORST_FIRST = (Danger.DESTROY, Danger.SECRET, Danger.DISRUPT)


@dataclass(frozen=True)
class Item:
    """One call of a plan by its number, from 1."""

    number: int
    call: PreparedCall


@dataclass(frozen=True)
class PlanPreview:
    """A plan as the list a person answers for: by tool, worst first, what is exceptional at the top."""

    rows: tuple[tuple[Item, Effect], ...]
    forbidden: str

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

    def lines(self) -> Iterator[str]:
        """The list as text."""
        yield f"A plan of {len(self.rows):,} calls, carried out in the order given; here worst first."
        groups: dict[str, list[tuple[Item, Effect]]] = {}
        for item, effect in self.rows:
            groups.setdefault(item.call.tool.name, []).append((item, effect))
        ranked = sorted(groups.values(), key=lambda g: (WORST_FIRST.index(g[0][0].call.tool.danger), -len(g)))
        yield ""
        yield "| tool | calls | danger | data |"
        yield "|---|---|---|---|"
        for group in ranked:
            size = sum(effect.size for _, effect in group)
            data = units.size(size) if size else ""
            yield f"| {group[0][0].call.tool.name} | {len(group)} | {group[0][0].call.tool.danger.value} | {data} |"
        for group in ranked:
            yield from self._group(group)

    def _group(self, group: list[tuple[Item, Effect]]) -> Iterator[str]:
        finals: dict[str, list[int]] = {}
        for item, effect in group:
            finals.setdefault(effect.reversibility, []).append(item.number)
        only = next(iter(finals)) if len(finals) == 1 else ""
        yield ""
        yield f"{group[0][0].call.tool.title}: {len(group):,}. {only}".rstrip()
        if not only:
            yield from (f"  {final} ({_calls(numbers)})" for final, numbers in finals.items() if final)
        yield from _exceptions(group)
        kinds = Counter(kind for _, effect in group for kind in effect.binding_facts)
        lines = Counter(line for _, effect in group for line in dict.fromkeys(effect.consequences))
        shared = [line for line in group[0][1].consequences if lines[line] == len(group) > 1]
        yield from (f"  Each of them: {line}" for line in shared)
        for item, effect in group:
            yield f"  {item.number}. {effect.summary or effect.title}{_row_marks(effect, kinds, len(group))}"
            if not effect.summary:
                yield from (f"     {line}" for line in effect.facts)
            yield from (f"     - {line}" for line in effect.consequences if line not in shared)
            if effect.unknown:
                yield f"     not known: {'; '.join(effect.unknown)}"


def _row_marks(effect: Effect, kinds: Counter[str], of: int) -> str:
    """What sets a call apart, on its row; what is so of all of them, or of the only one, is said above."""
    marks = [e for e in effect.warnings if kind_of(e) != e or kinds[kind_of(e)] < of]
    return f" [{'; '.join(marks)}]" if marks and of > 1 else ""


def _exceptions(group: list[tuple[Item, Effect]]) -> Iterator[str]:
    """What most calls have in common, and what sets single ones apart."""
    counts = Counter(kind for _, effect in group for kind in effect.binding_facts)
    for kind, count in sorted(counts.items()):
        if count > 1 and 2 * count > len(group):
            yield f"  {'ALL' if count == len(group) else count} of them: {kind}."
    for item, effect in group:
        rare = [e for e in effect.warnings if counts[kind_of(e)] * 2 <= len(group) or len(group) == 1]
        if rare:
            yield f"  EXCEPTION, call {item.number}: {'; '.join(rare)}."


def _calls(numbers: list[int]) -> str:
    """The numbers of calls, those in a row as a span: `calls 1-3, 7`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    told = ", ".join(f"{s[0]}-{s[-1]}" if len(s) > 1 else f"{s[0]}" for s in spans)
    return f"{'call' if len(numbers) == 1 else 'calls'} {told}"


def ends_of(items: list[Item], targets: list[Target], now: datetime) -> dict[str, datetime]:
    """When what the calls end is gone, by path."""
    gone: dict[str, datetime] = {}
    for item, target in zip(items, targets, strict=True):
        gone |= recovery_points.ends_of(item.call.request.method, item.call.arguments, target, now)
    return gone


async def preview_plan(
    api: ApiClient, items: list[Item], targets: list[Target], now: datetime, left: Mapping[str, datetime]
) -> PlanPreview:
    """The list with the effect of each call; what hangs on the targets is read within a bound."""
    context = effects.PreviewContext(ReadCache(MOST_FACTS), {**left, **ends_of(items, targets, now)})
    rows = []
    for item, target in zip(items, targets, strict=True):
        effect = await effects.describe_effect(api, item.call.tool, item.call.arguments, target, now, context)
        rows.append((item, effect))
    return PlanPreview(tuple(rows), " ".join(_forbidden(rows, targets)))


def _forbidden(rows: list[tuple[Item, Effect]], targets: list[Target]) -> Iterator[str]:
    first: dict[str, int] = {}
    for (item, effect), target in zip(rows, targets, strict=True):
        if effect.forbidden:
            yield f"Call {item.number}: {effect.forbidden}"
        if target.path and target.path in first:
            yield f"Calls {first[target.path]} and {item.number} act on the same target; make two plans."
        first.setdefault(target.path, item.number)
