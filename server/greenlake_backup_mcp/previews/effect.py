"""The effect of a call put together: every leaf of its difference as a row, what is said besides, gravest first.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import masking, sanitize
from greenlake_backup_mcp.tools.danger import Danger, gravest_danger

from . import words
from .difference import ABSENT, Leaf, leaves_of
from .judgement import SILENT, judge_all
from .model import MOST_FIRST, Change, Effect, Finding, Gravity, Judgement, Subject
from .reads import VOLATILE

MOST_TEXT = 100  # characters of a value in them
MOST_BOUND = 40  # changes that a code's facts spell out; beyond, one digest stands for all


def compose(s: Subject, j: Judgement) -> Effect:
    """All that a call would do: its difference and what is said of it."""
    rows = list(judge_all(s))
    changes = tuple(change for change, _ in rows)
    findings = sorted(j.findings, key=lambda finding: -finding.gravity)
    first = _first_line(s, j, findings, changes)
    return Effect(
        title=j.title,
        gravest=first,
        facts=j.facts,
        changes=changes,
        consequences=tuple(f.words for f in findings if f.words),
        reversibility=j.reversibility,
        unknown=j.unknown,
        forbidden=j.forbidden,
        warnings=tuple(f.warning for f in findings if f.warning) + _kinds(changes),
        summary=j.summary,
        size=j.size,
        danger=gravest_danger(j.danger, *(d for _, d in rows), *(f.danger for f in findings)),
        left_out=s.difference.left_out,
        whole=tuple(_whole(s)),
        bound=_bound(s),
    )


def _first_line(s: Subject, j: Judgement, findings: list[Finding], changes: tuple[Change, ...]) -> str:
    """The gravest fact in at most 120 characters."""
    grave = [f for f in findings if f.gravity is Gravity.GRAVE]
    worst = sorted(grave, key=lambda f: (f.danger not in (Danger.DESTROY, Danger.SECRET), not f.short))
    lost = [c for c in changes if c.gravity is Gravity.GRAVE]
    if worst and (worst[0].danger in (Danger.DESTROY, Danger.SECRET) or worst[0].short or not lost):
        return _fit(worst[0].short or worst[0].words)
    if lost:
        first = lost[0]
        whole = first.kind == "LOST" and not first.words  # an element: what it held is told below
        what = ": ".join(part for part in (first.group, "" if whole and first.group else first.text) if part)
        if first.kind == "PROGRAM":
            told = {c.path.rpartition(".")[2]: c.after for c in lost if c.group == first.group}
            what = f"{told.get('path', 'changed')} runs on {told.get('hostId', 'its host')} with {first.group}"
        whom = f" for {s.held_by}" if s.held_by and first.note.startswith("For ") else ""
        more = len(lost) - 1
        tail = f" (and {more:,} more grave change{'s' if more > 1 else ''})" if more else ""
        return _fit(f"{first.kind}{whom}: {what}", MOST_FIRST - len(tail)) + tail
    return _fit(j.title + ".")


def _fit(text: str, most: int = MOST_FIRST) -> str:
    """A text within a line: without ids first, then cut."""
    if len(text) > most:
        text = words.without_ids(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def _kinds(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """What grave changes make of a target, for its row in a long list."""
    grave = [c for c in changes if c.gravity is Gravity.GRAVE and c.path not in ("expiresAt", "lockedUntil")]
    return tuple(dict.fromkeys(f"{c.kind} {c.words or 'element'}".lower() for c in grave))


# --- the whole difference ---------------------------------------------------------------------------------------------


def _whole(s: Subject) -> Iterator[str]:
    """Every leaf, and of what ends every property, a line each."""
    for leaf in s.difference.leaves:
        if leaf.after is ABSENT and isinstance(leaf.before, (Mapping, list)):
            yield from (
                f"{leaf.dotted}{_dotted(path)}: {_value(s, path, value)} → gone"
                for path, value in leaves_of(leaf.before)
            )
        else:
            sides = [_value(s, leaf.path, side) for side in (leaf.before, leaf.after)]
            default = " (left out; that is the default)" if leaf.default else ""
            yield f"{leaf.dotted}: {sides[0] or '-'} → {sides[1] or 'gone'}{default}"
    yield from (f"{name}: left to the service" for name in s.difference.left_out)
    if s.method == "DELETE":
        for path, value in leaves_of(s.resource):
            yield f"{_dotted(path).lstrip('.')}: {_value(s, path, value) or 'nothing'} → gone"


def _value(s: Subject, path: Any, value: Any) -> str:
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    return words.describe_value(name, value, s.id_names, s.now)


def _dotted(path: Any) -> str:
    return f".{Leaf(path).dotted}" if path else ""


def _bound(s: Subject) -> tuple[str, ...]:
    """Each change in words that the clock does not reword: what a code is bound to, and what is told to have moved."""
    told = [f"{leaf.dotted}: {_plain(leaf, leaf.before)} → {_plain(leaf, leaf.after)}" for leaf in s.difference.leaves]
    if len(told) > MOST_BOUND:
        return (f"{len(told):,} changes (digest {hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]})",)
    return tuple(told)


def _plain(leaf: Leaf, value: Any) -> str:
    if value is ABSENT or leaf.name in VOLATILE:
        return "-"
    if SILENT(leaf.name):
        return "(not shown)"
    text = json.dumps(masking.redact(value), sort_keys=True, ensure_ascii=False, default=str)
    if len(text) > MOST_TEXT:
        text = f"{text[:MOST_TEXT]}… (digest {hashlib.sha256(text.encode()).hexdigest()[:12]})"
    return sanitize.cell(text, MOST_TEXT + 60)
