"""The morning check judged: how every asset, system and job stands, what needs a person today, and the verdict.

Knows the catalog and the estate; how it is told is in check_health.py.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

from greenlake_backup_mcp.text import units

from . import asset_health, contradictions, show_changes, system_health
from .asset_health import CauseGroup, Standing, State
from .calendar import DAY
from .clock import Clock
from .contradictions import Comparison
from .estate import Estate
from .exceptions import Acceptance
from .facts import Job
from .question import some
from .reading import select
from .show_changes import Changes, Group
from .system_health import SystemFinding

ENDED = "('SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMEDOUT')"


class Level(IntEnum):
    """The verdict, and the exit status of the report."""

    GOOD = 0
    LOOK = 1
    ACT = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Health:
    """The estate as a whole; `standings`: every asset once; `tasks`: what ended badly, by cause."""

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
    tasks: tuple[dict[str, Any], ...]
    endless: int  # tasks without end for a day
    approvals: tuple[dict[str, Any], ...]
    issues: Counter[str]
    comparison: Comparison
    changes: Changes
    unread_lists: tuple[str, ...] = ()
    today: tuple[str, ...] = ()
    level: Level = Level.UNKNOWN

    @property
    def failed(self) -> int:
        """How many tasks ended badly."""
        return sum(row["n"] for row in self.tasks)

    @cached_property
    def states(self) -> Mapping[State, int]:
        """How many assets stand how; they add up to all."""
        numbers = Counter(one.state for one in self.standings)
        return {state: numbers[state] for state in State}


def judge(
    connection: sqlite3.Connection, estate: Estate, accepted: Sequence[Acceptance], clock: Clock, since: int
) -> Health:
    """All of it, over one connection of the catalog. `since`: from when on tasks and changes are looked at."""
    standings = asset_health.standings(estate, accepted)
    jobs = estate.jobs.values()
    health = Health(
        since, standings, asset_health.grouped(standings),
        Counter(a.nobodys for a in estate.workloads if a.nobodys), sum(not a.listed for a in estate.workloads),
        system_health.findings(connection, estate, clock), system_health.catalogues(estate),
        Counter(cause for job in jobs for cause in _failing(job)),
        sum(job.operational != "ACTIVE" for job in jobs),
        sum(not any(s.prev_good for s in job.schedules) for job in jobs), len(jobs),
        *_work(connection, estate.now, since), contradictions.find(connection, estate),
        show_changes.find(connection, estate, since), tuple(f"{n} ({why})" for n, why in estate.lists_unread.items()),
    )  # fmt: skip
    today = tuple(_today(health, clock))
    if estate.coverage.as_of is None or (health.standings and health.states[State.UNREAD] == len(health.standings)):
        level = Level.UNKNOWN
    elif today:
        level = Level.ACT
    elif health.groups or health.systems or health.failing or health.comparison.contradictions or health.failed:
        level = Level.LOOK
    else:
        level = Level.GOOD if estate.coverage.complete else Level.LOOK
    return replace(health, today=today, level=level)


def _failing(job: Job) -> set[str]:
    """The causes for which a job's last runs failed, each once."""
    return {s.last_error or "without a reason" for s in job.schedules if s.last_status == "ERROR"}


def _work(
    connection: sqlite3.Connection, now: int, since: int
) -> tuple[tuple[dict[str, Any], ...], int, tuple[dict[str, Any], ...], Counter[str]]:
    """Tasks that ended badly, by cause; how many do not end; what waits for a person; issues by severity."""
    (endless,) = connection.execute(
        f"SELECT count(*) FROM main.tasks WHERE state NOT IN {ENDED} AND created < ?", (now - DAY,)
    ).fetchone()
    tasks = select(
        connection, "SELECT error, count(*) AS n, min(name) AS name FROM main.tasks WHERE state IN "
        "('FAILED', 'TIMEDOUT') AND created > ? GROUP BY error ORDER BY n DESC", (since,),
    )  # fmt: skip
    approvals = select(
        connection, "SELECT name, resource, requested_by, requested FROM main.approvals WHERE lower(state) = "
        "'pending' AND gone IS NULL ORDER BY requested",
    )  # fmt: skip
    issues = Counter(dict(connection.execute(
        "SELECT coalesce(severity, 'UNKNOWN'), count(*) FROM main.issues WHERE gone IS NULL GROUP BY 1"
    ).fetchall()))  # fmt: skip
    return tuple(tasks), endless, tuple(approvals), issues


# --- what needs a person today -------------------------------------------------------------------------------------


def _today(health: Health, clock: Clock) -> Iterator[str]:
    """One sentence each, what costs most first."""
    for state in (State.NO_COPY, State.ENDING):
        if health.states[state]:
            yield f"{units.plural(health.states[state], 'asset')}: {state.value}."
    early = health.changes.of_group(Group.TOO_EARLY)
    if unexplained := sum(r["cause"] in (None, show_changes.UNEXPLAINED) for r in early):
        yield f"{units.plural(unexplained, 'recovery point')} gone too early, unexplained: show_changes lists them."
    if weakened := health.changes.of_group(Group.WEAKENED):
        yield f"{units.plural(len(weakened), 'safeguard')} weakened ({some(r['subject'] for r in weakened)})."
    if health.approvals:
        first = health.approvals[0]
        yield (f"{units.plural(len(health.approvals), 'operation')} waiting for a second person, the oldest since "
               f"{clock.stamp(first['requested'])}: {end_of(first['name'] or first['resource'] or '')}.")  # fmt: skip
    yield from (f"{one.kind} {one.name}: {end_of(one.what)}." for one in health.systems if one.urgent)
    if not_run := [c for c in health.comparison.contradictions if c.kind is contradictions.Kind.NOT_RUN]:
        yield f"{units.plural(len(not_run), 'job')} ACTIVE and not running ({some(c.subject for c in not_run)})."


def end_of(text: str) -> str:
    """A text of the service within a sentence: without a full stop of its own."""
    return text.rstrip(". ")
