"""Verdicts: what something that was read of a write proves of its outcome, and several of them as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greenlake_backup_mcp.outcomes import Outcome
from greenlake_backup_mcp.text import units

from .parts import Parts

MOST_LABELS = 12
UNPROVEN = "but that is not proven"


@dataclass(frozen=True)
class Verdict:
    """The outcome, the clause that the first line ends with, and the sentences that say why."""

    outcome: Outcome
    clause: str = ""
    sentences: tuple[str, ...] = ()
    beside: str = ""  # what changed that nobody asked for, in a sentence: told however little is told


def unproven(why: str, *sentences: str) -> Verdict:
    """The verdict on a success that nothing shows: `why` that is so, as a clause, then further sentences."""
    return Verdict(Outcome.UNKNOWN, UNPROVEN, (f"Outcome unknown: {why}.", *sentences))


def cannot_be_told(labels: Sequence[str]) -> list[str]:
    """The sentence on what nobody can tell; none where that is nothing."""
    return [f"Cannot be told: {list_labels(labels)}."] if labels else []


def judge_parts(parts: Parts) -> Verdict:
    """The tasks below a task that calls itself done."""
    tasks = parts.tasks
    if parts.failed:
        count = f"failed in part: {len(parts.failed)} of {len(tasks)}" if parts.partly else f"all {len(tasks)}"
        return Verdict(Outcome.PARTLY if parts.partly else Outcome.FAILED, f"but {count} parts FAILED")
    if parts.unknown:
        return unproven(f"of {len(parts.unknown)} of its {len(tasks)} parts")
    if parts.problem:
        return unproven(f"its parts could not be read ({parts.problem})")
    if parts.running:
        return Verdict(Outcome.RUNNING, "", (f"{len(parts.running)} of its {len(tasks)} parts have not ended.",))
    return Verdict(Outcome.DONE)


_ORDER = (  # gravest first
    Outcome.FAILED, Outcome.PARTLY, Outcome.DIFFERS, Outcome.UNKNOWN, Outcome.PAUSED, Outcome.WAITING,
    Outcome.RUNNING, Outcome.TRIGGERED, Outcome.DONE,
)  # fmt: skip


def worst(*verdicts: Verdict) -> Verdict:
    """Verdicts about one write as one: the gravest outcome and clause, and all the sentences, gravest first."""
    ranked = sorted(verdicts, key=lambda v: _ORDER.index(v.outcome))
    outcome = ranked[0].outcome
    clauses = [v.clause for v in ranked if v.clause and v.outcome is outcome]
    beside = next((v.beside for v in ranked if v.beside), "")
    return Verdict(outcome, next(iter(clauses), ""), tuple(s for v in ranked for s in v.sentences), beside)


def list_labels(labels: Sequence[str]) -> str:
    """Labels in a row, the first of them by name."""
    return units.first_few(labels, MOST_LABELS, "; ")
