"""check_health: the morning check. A verdict, what needs a person today, everything wrong by cause, what is not known.

Each asset counts once and the classes add up to all of them. The same sections make the report of the command line.
Knows the catalog; sends nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import units

from . import asset_health, morning_check
from .asset_health import CauseGroup, State
from .clock import Clock
from .contradictions import LABELS
from .estate import Estate
from .morning_check import Health, Level, end_of
from .question import Question, Reply, some

SINCE = "now-24h"
MATTERS, SYSTEMS = 7, 2  # so many are shown before the rest is counted
NOT_TOLD = "The service tells nothing of: encryption, who may delete, how long a restore takes."


VERDICTS = {
    Level.GOOD: "All well", Level.LOOK: "Look into it", Level.ACT: "Act today", Level.UNKNOWN: "Cannot be said",
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A part of the report: lines, and a table."""

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = field(default=())


async def answer(question: Question) -> Answer:
    """The answer. InputError for a moment that is none."""
    since = _since(question)
    return await question.answer(
        lambda c, e: _answer(question, morning_check.judge(c, e, question.accepted, question.clock, since), e)
    )


def _answer(question: Question, health: Health, estate: Estate) -> Answer:
    clock = question.clock
    if question.json:
        groups = list(_group_rows(health.groups))
        return question.fit({**_value(health, clock), "groups": groups}, "groups", estate)
    return Reply(
        [verdict(health), *_today_lines(health), _assets_line(health), _job_line(health, 1), *_system_lines(health),
         *_other_lines(health, clock)],
        "What is wrong with assets, by what it costs:", list(_group_rows(health.groups)), "limit shows more.",
        [f"{NOT_TOLD} More: check_protection lists assets, describe_asset tells of one, show_changes of changes."],
    ).render(question, estate)  # fmt: skip


async def examine(question: Question) -> tuple[Health, Estate]:
    """The health of the estate now. InputError for a moment that is none."""
    since = _since(question)
    return await question.ask(lambda c, e: morning_check.judge(c, e, question.accepted, question.clock, since))


def _since(question: Question) -> int:
    return question.clock.past(question.values.get("since") or SINCE, "since")


# --- rendered ------------------------------------------------------------------------------------------------------


def verdict(health: Health) -> str:
    """The first line."""
    total, states = len(health.standings), health.states
    wrong = sum(states[state] for state in asset_health.WRONG)
    rest = f"{states[State.FINE]:,} of {units.plural(total, 'asset')} as promised, {wrong:,} not"
    rest += "".join(
        f", {states[state]:,} {state.value}" for state in (State.PENDING, State.ACCEPTED, State.UNREAD) if states[state]
    )
    urgent = f"; {units.plural(len(health.today), 'matter')} for a person today" if health.today else ""
    return f"{VERDICTS[health.level]}: {rest}{urgent}."


def _assets_line(health: Health) -> str:
    each = [f"{n:,} {state.value}" for state, n in health.states.items() if n and state in asset_health.WRONG]
    expired = sum(one.expired_exception for one in health.standings)
    none = "none among those read" if _partial(health) else "none"
    text = f"Not as promised, each asset once: {', '.join(each) or none}."
    if expired:
        text += f" {expired:,} of them were accepted until a date that has passed."
    if health.nobodys or health.gone:
        besides = [f"{n:,} {what}" for what, n in health.nobodys.most_common()]
        besides += [f"{health.gone:,} no longer there"] if health.gone else []
        text += f" Besides, in no class: {', '.join(besides)}."
    return text


def _today_lines(health: Health) -> list[str]:
    if not health.today:
        return [f"For a person today: {_nothing(health)}."]
    more = [f"… and {len(health.today) - MATTERS} more."] if len(health.today) > MATTERS else []
    return ["For a person today:", *(f"{n}. {line}" for n, line in enumerate(health.today[:MATTERS], 1)), *more]


def _nothing(health: Health) -> str:
    return "nothing known yet, for not all was read" if _partial(health) else "nothing"


def _partial(health: Health) -> bool:
    return bool(health.unread_lists or health.states[State.UNREAD] or health.level is Level.UNKNOWN)


def _unread(health: Health, name: str) -> bool:
    """Whether a list of the service was never read: its numbers are none that can be told."""
    return any(one.startswith(f"{name} ") for one in health.unread_lists)


def _job_line(health: Health, most: int) -> str:
    if _unread(health, "jobs"):
        return "Jobs: not read, so nothing is known of them."
    text = f"Jobs: {health.jobs:,}, {health.suspended:,} suspended in whole or part, {health.never:,} never succeeded"
    if health.failing:
        causes = "; ".join(f"{n:,} {end_of(cause)}" for cause, n in health.failing.most_common(most))
        others = sum(health.failing.values()) - sum(n for _, n in health.failing.most_common(most))
        rest = f"; {others:,} for other causes" if others and most else ""
        text += f"; last run failed, by cause: {causes}{rest}" if most else f"; of {others:,} the last run failed"
    return f"{text}."


def _system_lines(health: Health) -> list[str]:
    lines, nothing = [], "nothing wrong among what was read" if health.unread_lists else "nothing wrong is told"
    for title, chosen in (("Other systems", [s for s in health.systems if not s.urgent and not s.own]),
                          ("Backup of the backup", [s for s in health.systems if s.own])):  # fmt: skip
        these = [f"{s.kind} {s.name} {end_of(s.what)}" for s in chosen]
        more = f"; {len(these) - SYSTEMS} more" if len(these) > SYSTEMS else ""
        lines.append(f"{title}: {'; '.join(these[:SYSTEMS]) or nothing}{more}.")
    return [*lines[:1], f"{lines[1]} {health.catalogues}".strip()]


def _other_lines(health: Health, clock: Clock) -> list[str]:
    compared = health.comparison
    kinds = Counter(one.kind for one in compared.contradictions)
    each = ", ".join(f"{n:,} {LABELS[kind]}" for kind, n in kinds.items())
    each = each or ("none found yet" if _partial(health) else "none")
    none = "not read" if _unread(health, "issues") else "none"
    tasks = f"{units.plural(health.failed, 'task')} failed, {health.endless:,} without end for a day"
    tasks = "tasks not read" if _unread(health, "tasks") else tasks
    issues = ", ".join(f"{n:,} {severity}" for severity, n in sorted(health.issues.items())) or none
    lines = [
        f"Contradictions: {each} ({units.plural(compared.judged, 'asset')} compared).",
        (f"Since {clock.stamp(health.since)}: {tasks}, {units.plural(len(health.changes.rows), 'change')}. "
         f"Open issues: {issues}."),
    ]  # fmt: skip
    if health.unread_lists:
        lines.append(f"Lists not read, so not judged: {', '.join(health.unread_lists)}.")
    return lines


def _group_rows(groups: Sequence[CauseGroup]) -> Iterator[dict[str, Any]]:
    for group in groups:
        yield {
            "assets": len(group.standings), "state": group.state.value, "cause": group.cause,
            "lateBy": units.duration(group.late_by) if group.late_by else None,
            "worst": some((one.asset.name for one in group.standings), 1),
        }  # fmt: skip


def _asset_rows(health: Health, clock: Clock) -> Iterator[dict[str, Any]]:
    for group in health.groups:
        for one in group.standings:
            yield {
                "asset": one.asset.name, "kind": one.asset.kind, "state": one.state.value, "cause": one.cause,
                "lateBy": units.duration(one.late_by) if one.late_by else None,
                "ratio": f"{one.ratio:.1f}" if one.ratio else None,
                "newest": clock.stamp(one.asset.newest()), "lastCopyGoes": clock.stamp(one.ends),
            }  # fmt: skip


def sections(health: Health, estate: Estate, clock: Clock) -> list[Section]:
    """All of it, for the report: nothing is cut."""
    compared = tuple({"what": c.kind.value, "subject": c.subject, **c.witnesses(clock)}
                     for c in health.comparison.contradictions)  # fmt: skip
    unread = health.comparison.unjudged
    return [
        Section(verdict(health), (_assets_line(health),)),
        Section("For a person today", health.today or (f"{_nothing(health).capitalize()}.",)),
        Section("What is wrong, by cause", (), tuple(_group_rows(health.groups))),
        Section("Assets not as promised", (), tuple(_asset_rows(health, clock))),
        Section("Jobs", (_job_line(health, 0),),
                tuple({"cause": c, "jobs": n} for c, n in health.failing.most_common())),
        Section("Systems", tuple(filter(None, (health.catalogues,))),
                tuple({"system": f"{s.kind} {s.name}", "what": s.what, "urgent": "yes" if s.urgent else None}
                      for s in health.systems)),
        Section("Contradictions", (f"{health.comparison.judged:,} assets were compared.",), compared),
        Section("Tasks and changes", tuple(_other_lines(health, clock)[1:]),
                tuple({"error": t["error"], "failed": t["n"], "for example": t["name"]} for t in health.tasks)),
        Section("What is not known", (NOT_TOLD, *(f"{n:,} assets: copies not read, {why}."
                                      for why, n in unread.items()), estate.coverage.line(), clock.note())),
    ]  # fmt: skip


def _value(health: Health, clock: Clock) -> dict[str, Any]:
    return {
        "verdict": health.level.name, "text": verdict(health), "today": list(health.today),
        "assets": {"total": len(health.standings), **{state.name.lower(): n for state, n in health.states.items()},
                   "expiredExceptions": sum(one.expired_exception for one in health.standings)},
        "besides": {**health.nobodys, "noLongerThere": health.gone},
        "jobs": {"total": health.jobs, "suspended": health.suspended, "neverSucceeded": health.never,
                 "failingByCause": [{"cause": c, "jobs": n} for c, n in health.failing.most_common()]},
        "systems": [{"kind": s.kind, "name": s.name, "what": s.what, "urgent": s.urgent, "backupOfTheBackup": s.own}
                    for s in health.systems],
        "contradictions": [{"kind": c.kind.name.lower(), "subject": c.subject, "id": c.subject_id, **c.witnesses(clock)}
                           for c in health.comparison.contradictions],
        "since": clock.stamp(health.since), "failedTasks": None if _unread(health, "tasks") else health.failed,
        "tasksWithoutEnd": None if _unread(health, "tasks") else health.endless,
        "changes": len(health.changes.rows),
        "approvalsWaiting": None if _unread(health, "approvals") else len(health.approvals),
        "issues": dict(health.issues), "listsNotRead": list(health.unread_lists),
    }  # fmt: skip
