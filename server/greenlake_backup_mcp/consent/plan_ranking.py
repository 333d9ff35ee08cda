"""Which calls of a plan stand first, and what its first line says: the gravest by arguments, not by tool."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

from greenlake_backup_mcp.previews import leaf_words
from greenlake_backup_mcp.previews.effect import fit
from greenlake_backup_mcp.previews.model import MOST_FIRST, Effect, kind_of
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from .proposals import PreparedCall

NONE_LEFT = re.compile(r"\bLAST\b|\bNO\b|\bNOTHING\b")  # of a warning: that nothing remains of a kind
ALL_GONE = {"the LAST recovery point", "the LAST usable recovery point"}  # warnings: that nothing remains at all
DANGERS = (Danger.DESTROY, Danger.SECRET, Danger.DISRUPT, Danger.WRITE, Danger.READ)


@dataclass(frozen=True)
class Item:
    """One call of a plan by its number, from 1."""

    number: int
    call: PreparedCall


Group: TypeAlias = "list[tuple[Item, Effect]]"
"""The calls of one tool and danger, each with its effect."""


def rank(row: tuple[Item, Effect]) -> tuple[Any, ...]:
    """Where a call stands, the gravest first: by its gravest fact, its danger, whether it deletes, how much goes."""
    item, effect = row
    danger, ends = DANGERS.index(effect.danger), item.call.request.method == "DELETE"
    return effect.weight, danger, not ends, -effect.size, -len(effect.warnings)


def rank_group(group: Group) -> tuple[Any, ...]:
    """Where a group stands: by the gravest of its calls, then by how many are remarkable."""
    return *min(map(rank, group))[:-1], -sum(bool(effect.warnings) for _, effect in group), -len(group)


def first_line(ranked: list[Group], calls: int) -> str:
    """The gravest of the plan in a line that every client shows: the fact first, how many calls there are last."""
    group = ranked[0]
    _, effect = min(group, key=rank)
    deletes = group[0][0].call.request.method == "DELETE"
    tail = "" if calls == 1 or (deletes and len(ranked) == 1) else f" {calls:,} calls."
    most = MOST_FIRST - len(tail)
    facts = (_gravest_delete(group),) if deletes and len(group) > 1 else _gravest_call(effect, deletes=deletes)
    return next((fact for fact in facts if len(fact) <= most), fit(facts[-1], most)) + tail


def as_grave(ranked: list[Group]) -> int:
    """How many further calls weigh as much as what the first line tells."""
    first = min(ranked[0], key=rank)[1].weight
    those = ranked[0] if ranked[0][0][0].call.request.method == "DELETE" else ranked[0][:1]
    return sum(effect.weight == first for group in ranked for _, effect in group) - sum(
        effect.weight == first for _, effect in those
    )


def _gravest_call(effect: Effect, *, deletes: bool) -> tuple[str, ...]:
    """The gravest fact of a single call, with what goes by it where there is room and it does not say so itself."""
    title = leaf_words.without_ids(effect.title)
    if not effect.gravest or title.startswith(effect.gravest[:20]):
        return (effect.gravest or f"{title}.",)
    goes = deletes and not effect.gravest.endswith(" goes.")
    longer = f"{effect.gravest.removesuffix('.')}: {title[:1].lower()}{title[1:]}."
    return (longer, effect.gravest) if goes else (effect.gravest,)


def _gravest_delete(group: Group) -> str:
    """What several deletes of a kind come to: of how many things nothing is left, what goes, and how large it is."""
    item, size = group[0][0], sum(effect.size for _, effect in group)
    bare = {
        i.call.request.path.rsplit("/", 2)[0] for i, effect in group if ALL_GONE & set(map(kind_of, effect.warnings))
    }
    kinds = Counter({kind: n for kind, n in kinds_of(group).items() if NONE_LEFT.search(kind) and kind not in ALL_GONE})
    noun = units.plural(len(group), re.sub(r"^\w+ (an?|the) ", "", item.call.tool.title))
    facts = [f"DELETES FOR GOOD {noun}", *([units.size(size)] if size else [])]
    facts += [f"{n:,} of them{'' if 'LAST' in kind else ':'} {kind}" for kind, n in kinds.most_common(1) if not bare]
    lead = f"NOTHING is left of {units.plural(len(bare), 'asset')}: " if bare else ""
    return f"{lead}{', '.join(facts)}. Cannot be undone."


def kinds_of(group: Group) -> Counter[str]:
    """How many calls of a group have a warning of each kind."""
    return Counter(kind for _, effect in group for kind in {kind_of(warning) for warning in effect.warnings})
