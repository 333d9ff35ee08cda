"""Schedules of policies and jobs in words: when they run, what they keep, how they last ended, which fail and why.

As extractors.py, of which it is a part: copes with anything an item may hold. Knows the domain, no lists, no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units

from . import extractors
from .extractors import Item

TIERS = {
    "SNAPSHOT": "snapshot",
    "BACKUP": "backup",
    "CLOUD_BACKUP": "cloud backup",
    "REPLICATED_SNAPSHOT": "replicated snapshot",
    "DATABASE_LOG_BACKUP": "log backup",
}
PERIODS = {"HOURS": "h", "DAYS": "d", "WEEKS": "w", "MONTHS": "months", "YEARS": "y"}
NEXT = "next"
MOST_RUNS = 5  # that a job tells of each schedule
_NEXT = re.compile(r"next (\d{4}-\d\d-\d\d) (\d\d:\d\d)Z")
IDLE = ("SUSPENDED", "PERMANENTLY_SUSPENDED")  # jobs that run nothing
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # the vendor counts the days of a week from 0


def each(item: Item) -> Iterator[tuple[Item, Item]]:
    """Each tier and schedule of a policy or job; a job's overrides take the place of the policy's values."""
    for tier in extractors.values_at(item, "protections"):
        for schedule in extractors.values_at(tier, "schedules"):
            if isinstance(schedule, dict):
                overrides = schedule.get("overrides")
                changed = {k: v for k, v in overrides.items() if v} if isinstance(overrides, dict) else {}
                yield tier, {**schedule, **changed}


def tiers(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """The tiers of a policy in words: `snapshot every 4 h kept 1 d`, `backup daily 20:00Z kept 14 d, locked 3 d`."""
    lines = []
    for tier, schedule in each(item):
        kind = extractors.text(tier.get("type"))
        words = [TIERS.get(kind, kind.lower().replace("_", " ")), rhythm(schedule)]
        if retention := period(schedule.get("expireAfter")):
            words.append(f"kept {retention}")
        parts = " ".join(w for w in words if w)
        if locked := period(schedule.get("lockFor")):
            parts += f", locked {locked}"
        if store := extractors.text(extractors.first(tier, ["protectionStoreInfo/name"])):
            parts += f", store {store}"
        lines.append(parts)
    return lines or None


def schedules(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """Each schedule of a job: `2: backup daily 20:00Z kept 14 d; ACTIVE; last run ERROR …; last good …; next …`."""
    lines = []
    for (_, schedule), words in zip(each(item), tiers(item) or (), strict=True):
        parts = [
            f"{extractors.text(schedule.get('scheduleId'))}: {words}",
            extractors.text(schedule.get("operational")),
        ]
        if (run := _last_run(schedule)) is not None:
            why = f" ({extractors.text(run.get('errorMessage'))})" if run.get("errorMessage") else ""
            parts.append(f"last run {extractors.text(run.get('status'))}{why} {_stamp(run.get('timestamp'))}".rstrip())
        idle = extractors.text(item.get("operational")) in IDLE or schedule.get("operational") in IDLE
        parts += [
            f"{label} {when}"
            for label, name in (("last good", "prevSuccessfulRunTime"), (NEXT, "nextRunTime"))
            if (when := _stamp(schedule.get(name))) and not (idle and label == NEXT)
        ]
        parts += ["does not run while it is suspended"] if idle else []
        lines.append("; ".join(p for p in parts if p))
    return lines or None


def tier_ids(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """The id of each tier with its schedules' ids, as updates and overrides ask for them."""
    lines = []
    for tier in extractors.values_at(item, "protections"):
        kind = extractors.text(tier.get("type")) if isinstance(tier, dict) else ""
        ids = ", ".join(extractors.text(v) for v in extractors.values_at(tier, "schedules/scheduleId"))
        if identity := extractors.text(extractors.first(tier, ["id"]) if isinstance(tier, dict) else None):
            lines.append(f"{TIERS.get(kind, kind.lower())}: tier id {identity}{f', schedule id {ids}' if ids else ''}")
    return lines or None


def last_runs(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """The last runs of each schedule, newest first: outcome, time, reason, task."""
    lines = []
    for _, schedule in each(item):
        runs = [run for run in extractors.values_at(schedule, "executionStatuses") if isinstance(run, dict)]
        runs.sort(key=lambda run: units.parse_time(run.get("timestamp")) or units.EPOCH, reverse=True)
        words, reason = [], ""
        for run in runs[:MOST_RUNS]:
            task = extractors.text(run.get("taskUri")).rpartition("/")[2]
            why = extractors.text(run.get("errorMessage"))
            outcome = f"{extractors.text(run.get('status'))} {_stamp(run.get('timestamp'))}"
            because = f": {why}" if why and why != reason else ""  # a reason that goes on is said once
            words.append(f"{outcome}{because}{f' (task {task})' if task else ''}")
            reason = why
        if words:
            lines.append(f"{extractors.text(schedule.get('scheduleId'))}: {'; '.join(words)}")
    return lines or None


def mark_passed(line: str, now: datetime) -> str:
    """A schedule in words, with a next run that lies in the past told as what it is."""
    match = _NEXT.search(line)
    when = units.parse_time(f"{match[1]}T{match[2]}:00Z") if match else None
    if match is None or when is None or when > now:
        return line
    return line.replace(match[0], f"{match[0]} (PASSED {units.relative_long(when, now)}: it did not run, or is late)")


def _stamp(value: Any) -> str:
    when = units.parse_time(value)
    return units.stamp(when) if when else ""


def rhythm(schedule: Item) -> str:
    """When a schedule runs: `every 4 h`, `daily 20:00Z`, `weekly on Sun 02:00Z`, `every 3 months on day 7`."""
    plan = schedule.get("schedule")
    if not isinstance(plan, dict):
        return ""
    every_n = units.number(extractors.first(plan, ["repeatInterval/every"]))
    n = int(every_n) if every_n is not None else 1
    on = [int(v) for v in map(units.number, extractors.values_at(plan, "repeatInterval/on")) if v is not None]
    recurrence = extractors.text(plan.get("recurrence"))
    start = extractors.text(plan.get("startTime"))
    at_time = f"{start}Z" if start else ""
    days = ", ".join(WEEKDAYS[d] if 0 <= d < 7 else str(d) for d in on)
    words = {
        "BY_MINUTES": [f"every {n} min"],
        "HOURLY": [f"every {n} h", f"at minute {on[0]}" if on and on[0] else ""],
        "DAILY": ["daily" if n == 1 else f"every {n} d", at_time],
        "WEEKLY": ["weekly" if n == 1 else f"every {n} weeks", f"on {days}" if on else "", at_time],
        "MONTHLY": [
            "monthly" if n == 1 else f"every {n} months",
            f"on day {', '.join(str(day) if day else 'last' for day in on)}" if on else "",
            at_time,
        ],
    }.get(recurrence, [recurrence.lower(), at_time])
    window = [
        extractors.text(extractors.first(plan, [f"activeTime/{side}"]))
        for side in ("activeFromTime", "activeUntilTime")
    ]
    if any(window):
        words.append(f"between {window[0] or '00:00'}Z and {window[1] or '24:00'}Z")
    return " ".join(w for w in words if w)


def period(value: Any) -> str:
    """A retention in words: `14 d`, `7 y`; '' where there is none."""
    if not isinstance(value, dict) or units.number(value.get("value")) is None:
        return ""
    unit = extractors.text(value.get("unit"))
    return f"{extractors.text(value['value'])} {PERIODS.get(unit, unit.lower())}".strip()


def last_good(item: Item, _paths: Sequence[str] = ()) -> str | None:
    """When a job last ran well, whatever its schedule."""
    values = extractors.values_at(item, "protections/schedules/prevSuccessfulRunTime")
    times = [(when, extractors.text(value)) for value in values if (when := units.parse_time(value)) is not None]
    return max(times)[1] if times else None


def next_run(item: Item, _paths: Sequence[str] = ()) -> str | None:
    """When a job runs next, whatever its schedule; a suspended one does not."""
    if extractors.text(item.get("operational")) in IDLE:
        return None
    times = [
        (when, extractors.text(schedule["nextRunTime"]))
        for _, schedule in each(item)
        if schedule.get("operational") not in IDLE and (when := units.parse_time(schedule.get("nextRunTime")))
    ]
    return min(times)[1] if times else None


def failed_schedules(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """The schedules of a job whose last finished run went wrong, with the reason, said once for all that share it.

    `schedule 1 (snapshot), 2 (backup): no space (last good 2026-11-24 02:00Z, never)`.
    """
    failures: dict[str, list[tuple[str, str]]] = {}
    for tier, schedule, run in _last_runs(item, "ERROR"):
        kind = extractors.text(tier.get("type"))
        why = extractors.text(run.get("errorMessage")) or "ERROR"
        name = f"{extractors.text(schedule.get('scheduleId'))} ({TIERS.get(kind, kind)})".strip()
        failures.setdefault(why, []).append((name, _stamp(schedule.get("prevSuccessfulRunTime")) or "never"))
    return [
        f"schedule {', '.join(name for name, _ in those)}: {why} (last good {', '.join(good for _, good in those)})"
        for why, those in failures.items()
    ] or None


def job_problem(item: Item, _paths: Sequence[str] = ()) -> str | None:
    """Why a job does not do its work: that it is suspended, and why schedules fail; which ones is in `failing`."""
    operational = extractors.text(item.get("operational"))
    suspended = [operational] if operational.endswith("SUSPENDED") else []
    reasons = dict.fromkeys(
        extractors.text(run.get("errorMessage")) or "ERROR" for *_, run in _last_runs(item, "ERROR")
    )
    return "; ".join([*suspended, *reasons]) or None


def last_results(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """How the last run of each schedule ended."""
    return [word for *_, run in _last_runs(item) if (word := extractors.text(run.get("status")))] or None


def _last_runs(item: Item, status: str | None = None) -> Iterator[tuple[Item, Item, Item]]:
    """Each tier and schedule with its last finished run, where it has one that ended so."""
    for tier, schedule in each(item):
        run = _last_run(schedule)
        if run is not None and status in (None, run.get("status")):
            yield tier, schedule, run


def _last_run(schedule: Item) -> Item | None:
    """The newest finished run of a schedule. The order in which runs come is not documented."""
    runs = [
        (units.parse_time(run.get("timestamp")) or units.EPOCH, -n, run)
        for n, run in enumerate(extractors.values_at(schedule, "executionStatuses"))
        if isinstance(run, dict) and run.get("status") not in (None, "IN_PROGRESS")
    ]
    return max(runs, key=lambda entry: entry[:2])[2] if runs else None
