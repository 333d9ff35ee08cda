"""Steps that several scripts take: an asset by its name, its newest copy, what a write made, many calls as one plan."""

# ruff: noqa: S608  (a model writes its queries so; the server lets nothing but SELECT through)

from __future__ import annotations

import re
from typing import Any

from tests.support.results import CODE

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


async def query(s: Session, sql: str, *, limit: int = 200) -> list[Row]:
    """The rows of a query over the whole tenant."""
    return (await s.read("query_catalog", sql=" ".join(sql.split()), limit=limit)).rows


async def usable_copy(s: Session, kind: str, asset: str, copies: str, *, before: str = "", logs: str = "") -> Row:
    """The newest usable recovery point of an asset: asset_id, id, kind, point_in_time.

    `copies` are the kinds wanted, as SQL; `before` a moment, `logs` one that its log backups must reach.
    """
    conditions = [f"asset_kind = '{kind}'", f"asset = '{asset}'", "usable", f"kind IN ({copies})"]
    conditions += [f"point_in_time < '{before}'"] if before else []
    conditions += [f"log_until >= '{logs}'"] if logs else []
    rows = await query(s, f"""SELECT asset_id, id, kind, point_in_time FROM recovery_points
        WHERE {" AND ".join(conditions)} ORDER BY point_in_time DESC LIMIT 1""")  # fmt: skip
    if not rows:
        raise StepFailed(f"{asset} has no usable recovery point of these")
    return rows[0]


async def roomy_place(s: Session, vm: str) -> Row:
    """Another cluster of a VM's vCenter, with its datastore that has the most room; ids and names."""
    rows = await query(s, f"""SELECT c.id AS cluster_id, c.name AS cluster, d.id AS datastore_id, d.name AS datastore,
        v.id AS vcenter_id FROM assets a JOIN clusters c ON c.vcenter = a.vcenter AND c.name <> a.cluster
        JOIN vcenters v ON v.name = a.vcenter JOIN assets d ON d.kind = 'datastore' AND d.cluster = c.name
        WHERE a.kind = 'vm' AND a.name = '{vm}' ORDER BY d.free_gib DESC LIMIT 1""")  # fmt: skip
    return rows[0]


async def newest(s: Session, tool: str, where: str, select: str, **ids: Any) -> Row | None:
    """The newest recovery point of a list that meets a condition."""
    answer = await s.read(tool, **ids, where=where, select=select, sort="pointInTime desc", limit=1, summary="page")
    return answer.rows[0] if answer.rows else None


async def made(s: Session, answer: Answer, name: str, tool: str, where: str = "") -> str:
    """The id of what a write made: as its answer tells it, else by its name in a list."""
    if match := re.search(rf'"{re.escape(name)}" \(id ({ID})\)', answer.text):
        return str(match[1])
    rows = await s.rows(tool, where=where or f"name eq '{name}'")
    if len(rows) != 1:
        raise StepFailed(f"{tool}: {len(rows)} are named {name}")
    return str(rows[0]["id"])


async def carry_out(s: Session, calls: list[tuple[str, dict[str, Any]]]) -> Answer:
    """Many calls as one plan: previewed, then with its code, or without one where it says that none is needed."""
    plan = [{"tool": tool, "arguments": arguments} for tool, arguments in calls]
    preview = await s.read("run_plan", calls=plan, confirm="preview")
    code = CODE.search(preview.text)
    if not code and "needs no confirmation" not in preview.text:
        raise StepFailed(f"the plan shows no code: {preview.text[:600]}")
    return await s.read("run_plan", calls=plan, confirm=code[1] if code else "none")
