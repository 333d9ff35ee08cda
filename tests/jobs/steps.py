"""Steps that several scripts take: an asset by its name, its newest copy, what a write made, many calls as one plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .session import Answer, Session, StepFailed
from .tables import Row

NOW = "2026-11-24 07:40"  # as each question says
GOOD = "state ne 'ERROR' and state ne 'CREATING' and state ne 'DELETING' and state ne 'PENDING_DELETE_APPROVAL'"
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


async def by_name(s: Session, tool: str, name: str, **options: Any) -> Row:
    """The only row of a list that bears a name."""
    rows = await s.rows(tool, where=f"name eq '{name}'", **options)
    if len(rows) != 1:
        raise StepFailed(f"{tool}: {len(rows)} are named {name}")
    return rows[0]


async def job_of(s: Session, asset: str, **options: Any) -> Row:
    """The job of an asset."""
    rows = await s.rows("list_protection_jobs", where=f"asset eq '{asset}'", **options)
    if len(rows) != 1:
        raise StepFailed(f"{asset} has {len(rows)} jobs")
    return rows[0]


async def offline_stores(s: Session) -> list[str]:
    """The names of the stores that cannot be read: not connected, or what is before them is not."""
    stores = (await s.read("list_protection_stores")).rows
    lost: set[str] = set()
    for tool in ("list_protection_store_gateways", "list_storeonces"):
        lost |= {row["name"] for row in (await s.read(tool)).rows if "DISCONNECTED" in row["health"]}
    return [row["name"] for row in stores if "DISCONNECTED" in row["health"] or row["system"] in lost]


def readable(stores: Sequence[str]) -> str:
    """A condition for backups from which one could restore: good, and in none of these stores."""
    return " and ".join([GOOD, *(f"store ne '{name}'" for name in stores)])


async def newest(s: Session, tool: str, where: str, select: str, **ids: Any) -> Row | None:
    """The newest recovery point of a list that meets a condition."""
    answer = await s.read(tool, **ids, where=where, select=select, sort="pointInTime desc", limit=1, summary="page")
    return answer.rows[0] if answer.rows else None


async def made(s: Session, answer: Answer, name: str, tool: str, where: str = "") -> str:
    """The id of what a write made: as its answer tells it, else by its name in a list."""
    told = re.search(
        rf'"{re.escape(name)}" \(id ({ID})\): *new|made:? .*"{re.escape(name)}" \(id ({ID})\)', answer.text
    )
    if told:
        return str(told[1] or told[2])
    rows = await s.rows(tool, where=where or f"name eq '{name}'")
    if len(rows) != 1:
        raise StepFailed(f"{tool}: {len(rows)} are named {name}")
    return str(rows[0]["id"])


async def carry_out(s: Session, calls: list[tuple[str, dict[str, Any]]]) -> Answer:
    """Many calls of gated tools as one plan with one consent."""
    plan = [{"tool": tool, "arguments": arguments} for tool, arguments in calls]
    return await s.write("run_plan", calls=plan)
