"""check_health: the morning check. A verdict, what needs a person today, everything wrong by cause, what is not known.

Each asset counts once and the classes add up to all of them. The same sections make the report of the command line.
Knows the catalog; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from greenlake_backup_mcp.catalog.answer import Answer, fit_json
from greenlake_backup_mcp.text import units

from . import asset_health, changes, contradictions, system_health, systems
from .asset_health import CauseGroup, Standing, State
from .calendar import DAY
from .changes import Changes, Group
from .clock import Clock
from .contradictions import Comparison
from .exceptions import Acceptance
from .facts import Estate, Job
from .question import Question, Reply
from .system_health import SystemFinding

SINCE = "now-24h"
ENDED = "('SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMEDOUT')"
EXAMPLES = 2
MATTERS, SYSTEMS = 7, 2  # so many are shown before the rest is counted
NOT_TOLD = "The service tells nothing of: encryption, who may delete, how long a restore takes."


class Level(IntEnum):
    """The verdict, and the exit status of the report."""

    GOOD = 0
    LOOK = 1
    ACT = 2
    UNKNOWN = 3


VERDICTS = {
    Level.GOOD: "All well", Level.LOOK: "Look into it", Level.ACT: "Act today", Level.UNKNOWN: "Cannot be said",
}  # fmt: skip


@dataclass(frozen=True)
class Work:
    """Tasks, approvals and issues: what ended badly, what does not end, what waits for a person."""

    failed: int
    endless: int
    tasks: tuple[dict[str, Any], ...]
    approvals: tuple[dict[str, Any], ...]
    issues: Counter[str]


@dataclass(frozen=True)
class Health:
    """The estate as a whole; `standings`: every asset once."""

    since: int
    standings: tuple[Standing, ...]
    groups: tuple[CauseGroup, ...]
    nobodys: Counter[str]
    gone: int
    systems: tuple[SystemFinding, ...]
    catalogues: str
    failing: Counter[str]
    suspended: int
    never: int
    jobs: int
    work: Work
    comparison: Comparison
    changes: Changes
    unread_lists: tuple[str, ...] = ()
    today: tuple[str, ...] = ()
    level: Level = Level.UNKNOWN

    @property
    def states(self) -> dict[State, int]:
        """How many assets stand how; they add up to all."""
        return dict(asset_health.counts(self.standings))


@dataclass(frozen=True)
class Section:
    """A part of the report: lines, and a table."""

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = field(default=())


async def answer(question: Question) -> Answer:
    """The answer. InputError for a moment that is none."""
    found, estate = await examine(question)
    clock = question.clock
    if question.json:
        value = {**_value(found, clock), "groups": list(_group_rows(found.groups)),
                 "coverage": estate.coverage.value()}  # fmt: skip
        return Answer(value=fit_json(value, "groups", question.room))
    reply = Reply(head=[verdict(found), *_today_lines(found.today, MATTERS, partial=_partial(found)),
                       _assets_line(found)])  # fmt: skip
    reply.head += [_job_line(found, 1), *_system_lines(found, SYSTEMS), *_other_lines(found, clock)]
    reply.title = "What is wrong with assets, by what it costs:"
    rows = list(_group_rows(found.groups))
    reply.rows, reply.total = rows[: question.limit], len(rows)
    reply.rest = "limit shows more"
    reply.tail = [
        f"{NOT_TOLD} More: check_protection lists assets, describe_asset tells of one, show_changes of changes."
    ]
    return reply.render(question, estate)


async def examine(question: Question) -> tuple[Health, Estate]:
    """The health of the estate now. InputError for a moment that is none."""
    since = question.clock.seconds(question.values.get("since") or SINCE, "since")
    return await question.ask(lambda c, e: judge(c, e, question.accepted, question.clock, since))


def judge(
    connection: sqlite3.Connection, estate: Estate, accepted: Sequence[Acceptance], clock: Clock, since: int
) -> Health:
    """All of it, over one connection of the catalog. `since`: from when on tasks and changes are looked at."""
    around = systems.read(connection)
    standings = asset_health.standings(estate, accepted)
    jobs = estate.jobs.values()
    found = Health(
        since, standings, asset_health.grouped(standings),
        Counter(a.nobodys for a in estate.workloads if a.nobodys), sum(not a.listed for a in estate.workloads),
        system_health.findings(connection, estate, around, clock), system_health.catalogues(around, estate.now),
        Counter(cause for job in jobs for cause in _failing(job)),
        sum(job.operational != "ACTIVE" for job in jobs),
        sum(not any(s.prev_good for s in job.schedules) for job in jobs), len(jobs),
        _work(connection, estate.now, since), contradictions.find(connection, estate),
        changes.find(connection, estate, since), tuple(f"{n} ({why})" for n, why in estate.lists_unread.items()),
    )  # fmt: skip
    today = tuple(_today(found, clock))
    return _with_verdict(found, today, estate)


def _with_verdict(found: Health, today: tuple[str, ...], estate: Estate) -> Health:
    from dataclasses import replace  # noqa: PLC0415

    if estate.coverage.as_of is None or (found.standings and found.states[State.UNREAD] == len(found.standings)):
        level = Level.UNKNOWN
    elif today:
        level = Level.ACT
    elif found.groups or found.systems or found.failing or found.comparison.found or found.work.failed:
        level = Level.LOOK
    else:
        level = Level.GOOD if estate.coverage.complete else Level.LOOK
    return replace(found, today=today, level=level)


def _failing(job: Job) -> set[str]:
    """The causes for which a job's last runs failed, each once."""
    return {s.last_error or "without a reason" for s in job.schedules if s.last_status == "ERROR"}


def _work(connection: sqlite3.Connection, now: int, since: int) -> Work:
    failed = connection.execute(
        "SELECT count(*) FROM main.tasks WHERE state IN ('FAILED', 'TIMEDOUT') AND created > ?", (since,)
    ).fetchone()[0]
    endless = connection.execute(
        f"SELECT count(*) FROM main.tasks WHERE state NOT IN {ENDED} AND created < ?", (now - DAY,)
    ).fetchone()[0]
    tasks = systems.select(
        connection, "SELECT error, count(*) AS n, min(name) AS name FROM main.tasks WHERE state IN "
        "('FAILED', 'TIMEDOUT') AND created > ? GROUP BY error ORDER BY n DESC", since,
    )  # fmt: skip
    approvals = systems.select(
        connection, "SELECT name, resource, requested_by, requested FROM main.approvals WHERE lower(state) = "
        "'pending' AND gone IS NULL ORDER BY requested",
    )  # fmt: skip
    issues = Counter(dict(connection.execute(
        "SELECT coalesce(severity, 'UNKNOWN'), count(*) FROM main.issues WHERE gone IS NULL GROUP BY 1"
    ).fetchall()))  # fmt: skip
    return Work(failed, endless, tuple(tasks), tuple(approvals), issues)


# --- what needs a person today -------------------------------------------------------------------------------------


def _today(found: Health, clock: Clock) -> Iterator[str]:
    """One sentence each, what costs most first."""
    for state in (State.NO_COPY, State.ENDING):
        if found.states[state]:
            yield f"{units.plural(found.states[state], 'asset')}: {state.value}."
    early = [r for r in found.changes.rows if changes.group_of(r["kind"]) is Group.TOO_EARLY]
    unexplained = sum(r["cause"] in (None, changes.UNEXPLAINED) for r in early)
    if unexplained:
        yield f"{units.plural(unexplained, 'recovery point')} gone too early, unexplained: show_changes lists them."
    weakened = [r for r in found.changes.rows if changes.group_of(r["kind"]) is Group.WEAKENED]
    if weakened:
        yield f"{units.plural(len(weakened), 'safeguard')} weakened ({_some(r['subject'] for r in weakened)})."
    if found.work.approvals:
        first = found.work.approvals[0]
        yield (f"{units.plural(len(found.work.approvals), 'operation')} waiting for a second person, the oldest since "
               f"{clock.stamp(first['requested'])}: {_end(first['name'] or first['resource'] or '')}.")  # fmt: skip
    yield from (f"{one.kind} {one.name}: {_end(one.what)}." for one in found.systems if one.urgent)
    not_run = [c for c in found.comparison.found if c.kind is contradictions.Kind.NOT_RUN]
    if not_run:
        yield f"{units.plural(len(not_run), 'job')} ACTIVE and not running ({_some(c.subject for c in not_run)})."


def _end(text: str) -> str:
    """A text of the service within a sentence: without a full stop of its own."""
    return text.rstrip(". ")


def _some(names: Any, most: int = EXAMPLES) -> str:
    held = list(dict.fromkeys(str(n) for n in names if n))
    more = f" and {len(held) - most:,} more" if len(held) > most else ""
    return f"{', '.join(held[:most])}{more}"


# --- rendered ------------------------------------------------------------------------------------------------------


def verdict(found: Health) -> str:
    """The first line."""
    total, states = len(found.standings), found.states
    wrong = sum(states[state] for state in asset_health.WRONG)
    rest = f"{states[State.FINE]:,} of {units.plural(total, 'asset')} as promised, {wrong:,} not"
    rest += "".join(
        f", {states[state]:,} {state.value}" for state in (State.PENDING, State.ACCEPTED, State.UNREAD) if states[state]
    )
    urgent = f"; {units.plural(len(found.today), 'matter')} for a person today" if found.today else ""
    return f"{VERDICTS[found.level]}: {rest}{urgent}."


def _assets_line(found: Health) -> str:
    each = [f"{n:,} {state.value}" for state, n in found.states.items() if n and state in asset_health.WRONG]
    expired = sum(one.expired_exception for one in found.standings)
    none = "none among those read" if _partial(found) else "none"
    text = f"Not as promised, each asset once: {', '.join(each) or none}."
    if expired:
        text += f" {expired:,} of them were accepted until a date that has passed."
    if found.nobodys or found.gone:
        besides = [f"{n:,} {what}" for what, n in found.nobodys.most_common()]
        besides += [f"{found.gone:,} no longer there"] if found.gone else []
        text += f" Besides, in no class: {', '.join(besides)}."
    return text


def _today_lines(today: Sequence[str], most: int, *, partial: bool) -> list[str]:
    if not today:
        return [f"For a person today: {'nothing known yet, for not all was read' if partial else 'nothing'}."]
    more = [f"… and {len(today) - most} more."] if len(today) > most else []
    return ["For a person today:", *(f"{n}. {line}" for n, line in enumerate(today[:most], 1)), *more]


def _partial(found: Health) -> bool:
    return bool(found.unread_lists or found.states[State.UNREAD] or found.level is Level.UNKNOWN)


def _job_line(found: Health, most: int) -> str:
    if any(name.startswith("jobs ") for name in found.unread_lists):
        return "Jobs: not read, so nothing is known of them."
    text = f"Jobs: {found.jobs:,}, {found.suspended:,} suspended in whole or part, {found.never:,} never succeeded"
    if found.failing:
        causes = "; ".join(f"{n:,} {_end(cause)}" for cause, n in found.failing.most_common(most))
        others = sum(found.failing.values()) - sum(n for _, n in found.failing.most_common(most))
        rest = f"; {others:,} for other causes" if others and most else ""
        text += f"; last run failed, by cause: {causes}{rest}" if most else f"; of {others:,} the last run failed"
    return f"{text}."


def _system_lines(found: Health, most: int) -> list[str]:
    others = [f"{s.kind} {s.name} {_end(s.what)}" for s in found.systems if not s.urgent and not s.own]
    own = [f"{s.kind} {s.name} {_end(s.what)}" for s in found.systems if s.own]
    lines, nothing = [], "nothing wrong among what was read" if found.unread_lists else "nothing wrong is told"
    for title, these in (("Other systems", others), ("Backup of the backup", own)):
        more = f"; {len(these) - most} more" if len(these) > most else ""
        lines.append(f"{title}: {'; '.join(these[:most]) or nothing}{more}.")
    return [*lines[:1], f"{lines[1]} {found.catalogues}".strip()]


def _other_lines(found: Health, clock: Clock) -> list[str]:
    work, compared = found.work, found.comparison
    kinds = Counter(one.kind for one in compared.found)
    each = ", ".join(f"{n:,} {kind.label}" for kind, n in kinds.items())
    each = each or ("none found yet" if _partial(found) else "none")
    none = "not read" if any(name.startswith("issues ") for name in found.unread_lists) else "none"
    issues = ", ".join(f"{n:,} {severity}" for severity, n in sorted(work.issues.items())) or none
    lines = [
        f"Contradictions: {each} ({units.plural(compared.judged, 'asset')} compared).",
        (f"Since {clock.stamp(found.since)}: {units.plural(work.failed, 'task')} failed, {work.endless:,} without end "
         f"for a day, {units.plural(len(found.changes.rows), 'change')}. Open issues: {issues}."),
    ]  # fmt: skip
    if found.unread_lists:
        lines.append(f"Lists not read, so not judged: {', '.join(found.unread_lists)}.")
    return lines


def _group_rows(groups: Sequence[CauseGroup]) -> Iterator[dict[str, Any]]:
    for group in groups:
        yield {
            "assets": len(group.standings), "state": group.state.value, "cause": group.cause,
            "lateBy": units.duration(group.late_by) if group.late_by else None,
            "worst": _some((one.asset.name for one in group.standings), 1),
        }  # fmt: skip


def _asset_rows(found: Health, clock: Clock) -> Iterator[dict[str, Any]]:
    for group in found.groups:
        for one in group.standings:
            yield {
                "asset": one.asset.name, "kind": one.asset.kind, "state": one.state.value, "cause": one.cause,
                "lateBy": units.duration(one.late_by) if one.late_by else None,
                "ratio": f"{one.ratio:.1f}" if one.ratio else None,
                "newest": clock.stamp(one.asset.newest()), "lastCopyGoes": clock.stamp(one.ends),
            }  # fmt: skip


def sections(found: Health, estate: Estate, clock: Clock) -> list[Section]:
    """All of it, for the report: nothing is cut."""
    compared = tuple(
        {"what": c.kind.value, "subject": c.subject, "one": c.one, "oneAt": clock.stamp(c.one_at), "other": c.other,
         "otherAt": clock.stamp(c.other_at), "assets": len(c.assets)} for c in found.comparison.found
    )  # fmt: skip
    unread = found.comparison.unjudged
    return [
        Section(verdict(found), (_assets_line(found),)),
        Section("For a person today", found.today or ("Nothing.",)),
        Section("What is wrong, by cause", (), tuple(_group_rows(found.groups))),
        Section("Assets not as promised", (), tuple(_asset_rows(found, clock))),
        Section("Jobs", (_job_line(found, 0),),
                tuple({"cause": c, "jobs": n} for c, n in found.failing.most_common())),
        Section("Systems", tuple(filter(None, (found.catalogues,))),
                tuple({"system": f"{s.kind} {s.name}", "what": s.what, "urgent": "yes" if s.urgent else None}
                      for s in found.systems)),
        Section("Contradictions", (f"{found.comparison.judged:,} assets were compared.",), compared),
        Section("Tasks and changes", tuple(_other_lines(found, clock)[1:]),
                tuple({"error": t["error"], "failed": t["n"], "for example": t["name"]} for t in found.work.tasks)),
        Section("What is not known", (NOT_TOLD, *(f"{n:,} assets: copies not read, {why}."
                                      for why, n in unread.items()), estate.coverage.line(), clock.note())),
    ]  # fmt: skip


def _value(found: Health, clock: Clock) -> dict[str, Any]:
    return {
        "verdict": found.level.name, "text": verdict(found), "today": list(found.today),
        "assets": {"total": len(found.standings), **{state.name.lower(): n for state, n in found.states.items()},
                   "expiredExceptions": sum(one.expired_exception for one in found.standings)},
        "besides": {**found.nobodys, "noLongerThere": found.gone},
        "jobs": {"total": found.jobs, "suspended": found.suspended, "neverSucceeded": found.never,
                 "failingByCause": dict(found.failing)},
        "systems": [{"kind": s.kind, "name": s.name, "what": s.what, "urgent": s.urgent, "backupOfTheBackup": s.own}
                    for s in found.systems],
        "contradictions": [{"kind": c.kind.name.lower(), "subject": c.subject, "id": c.subject_id, "one": c.one,
                            "oneAt": clock.stamp(c.one_at), "other": c.other, "otherAt": clock.stamp(c.other_at),
                            "assets": len(c.assets)} for c in found.comparison.found],
        "since": clock.stamp(found.since), "failedTasks": found.work.failed, "tasksWithoutEnd": found.work.endless,
        "changes": len(found.changes.rows), "approvalsWaiting": len(found.work.approvals),
        "issues": dict(found.work.issues), "listsNotRead": list(found.unread_lists),
    }  # fmt: skip
