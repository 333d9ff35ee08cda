"""The schedules of policies and jobs: in words, and which of them need the copies of others as their source.

Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.lists.views import schedules as views
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from .phrases import item_at, objects

Schedule = tuple[Mapping[str, Any], Mapping[str, Any]]  # with its tier before it


def schedules_of(holder: Mapping[str, Any]) -> list[Schedule]:
    """The schedules of a policy, a job or a request for one."""
    return [(tier, x) for tier in objects(holder.get("protections")) for x in objects(tier.get("schedules"))]


def id_of(schedule: Schedule) -> str:
    """The id of a schedule, as a text: requests and the service write it as a number or as a text."""
    return str(schedule[1].get("scheduleId"))


def describe_schedules(chosen: Iterable[Schedule]) -> str:
    """Schedules as lists tell them: `schedule 2: backup daily 20:00Z kept 14 d, store a`."""
    words = []
    for tier, x in chosen:
        plan = views.tiers({"protections": [{**tier, "schedules": [x]}]}) or ["?"]
        words.append(f"schedule {cell(id_of((tier, x)))}: {cell(plan[0], 160)}")
    return "; ".join(words) or "none that is known"


def needing(every: list[Schedule], sources: set[str]) -> list[Schedule]:
    """The schedules whose copies are made from copies of these, also by way of others; not these themselves."""
    dependents, wanted = [], set(sources)
    while more := [s for s in every if source_of(s[1]) in wanted and id_of(s) not in wanted]:
        dependents += more
        wanted |= {id_of(s) for s in more}
    return dependents


def source_of(schedule: Mapping[str, Any]) -> str | None:
    """The id of the schedule whose copies a schedule copies; None where it needs none."""
    source = schedule.get("sourceProtectionScheduleId")
    return None if source is None else str(source)


def contradiction(holder: Mapping[str, Any]) -> str:
    """That a request gives one id to two tiers or schedules, or asks for a run every 0 hours; "" where it does not."""
    tiers, every = objects(holder.get("protections")), schedules_of(holder)
    for what, ids in (("tiers", [t.get("id") for t in tiers]), ("schedules", [x.get("scheduleId") for _, x in every])):
        for identity in ids:
            if identity is not None and ids.count(identity) > 1:
                return f"Two {what} have the id {cell(str(identity))}, which is unique in a policy."
    for one in every:
        often = units.number(item_at(one[1], "schedule", "repeatInterval", "every"))
        if often is not None and often < 1:
            return f"{list_ids([one]).capitalize()} would run {cell(views.rhythm(dict(one[1])))}: every 1 is the least."
    return ""


def list_ids(chosen: Iterable[Schedule]) -> str:
    """`schedule 2`, `schedules 2, 3`."""
    ids = list(dict.fromkeys(cell(id_of(s)) for s in chosen))
    return f"schedule{'s' if len(ids) > 1 else ''} {', '.join(ids)}"


def without_source(every: list[Schedule]) -> Iterator[tuple[str, list[Schedule]]]:
    """Each source that is not among these schedules, and those which need it."""
    present = {id_of(s) for s in every}
    missing: dict[str, list[Schedule]] = {}
    for s in every:
        if (source := source_of(s[1])) is not None and source not in present:
            missing.setdefault(source, []).append(s)
    yield from missing.items()
