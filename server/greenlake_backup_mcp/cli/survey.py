"""`survey`: reads the tenant, at most 60 requests, and tells which readings hold and which toolsets can work.

Nothing here can write: `Survey.read` is the only way out and sends GETs. What it tells is in survey_report.py, which
lets no name, id or secret of the tenant through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from greenlake_backup_mcp.errors import BackupError, LimitExceeded
from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import answer_schema
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools import drift
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.reading_table import BY_NAME

from . import survey_probes
from .survey_reads import ITEMS, UNREAD, UNUSABLE, Item, Look, Survey

WIDE = ("VirtualMachinesList", "ProtectionStoreList", "ListAsyncOperations")  # whose largest page is asked for


async def take(
    settings: Settings, app: Any = None, now: Any = None, tell: Callable[[str], None] = lambda _: None
) -> Survey:
    """A survey of the tenant of the settings; BackupError where not even a token or the service can be reached.

    `app`: a simulated tenant in this process instead of the one of the settings. `tell`: how far it is, now and then.
    """
    tool_set = mcp_server.tool_set(settings)
    everything = [t for t in tool_set.all.values() if t.operation and t.lists]
    offered = [t for t in everything if t.name in tool_set.offered]
    if app is None and settings.demo:
        from greenlake_backup_mcp.simulator.server.app import create_app  # noqa: PLC0415  only a demo needs it

        app = create_app(seed=settings.seed)
    settings = settings.model_copy(update={"retries": min(1, settings.retries)})
    with call_log.call("survey") as line:
        async with (
            client.connect(settings, app=app, now=now) as api,
            client.connect(settings, app=app, now=now) as other,
        ):
            await api.transport.connection().tokens.token()  # without one there is nothing to survey
            survey = Survey(api, everything, tell, line=line)
            await look_at_lists(survey, offered, everything)
            await survey_probes.probe(survey)
            await survey_probes.probe_tokens(survey, other)
            for key, finding in api.readings.findings.items():  # also those that calls have proved, now or earlier
                name = key.partition(" ")[0]
                if name not in survey.proofs or (" " in key and finding.value != BY_NAME[name].values[0]):
                    survey.proofs[name] = (finding.value, finding.proof)
    survey.seconds = time.monotonic() - survey.started
    return survey


# --- the lists: permissions, page limits, and what comes against the description ----------------------------------


async def look_at_lists(survey: Survey, offered: Sequence[Tool], everything: Sequence[Tool]) -> None:
    """Read each list once, those within a resource with the first one that there is."""
    operations = survey.operations
    by_place = {operations[t.name].path.rpartition("/")[2]: t for t in everything if "{" not in operations[t.name].path}
    for tool in sorted(offered, key=lambda t: "{" in operations[t.name].path):
        operation = operations[tool.name]
        path = operation.path
        if "{" in path:
            parent = by_place.get(path.split("/{")[0].rpartition("/")[2])
            if parent is not None and parent.name not in survey.samples and parent not in offered:
                await _look(survey, parent, operations[parent.name].path, helper=True)
            held = survey.samples.get(parent.name, []) if parent else []
            best = next((i for i in held if i.get("recoveryPointsExist") or i.get("protectionJobInfo")), None)
            first = best or next(iter(held), None)
            if first is None or not isinstance(first.get("id"), str):
                survey.looks.append(Look(tool.name, tool.toolset, operation.id))
                continue
            path = path[: path.index("{")] + quote(first["id"], safe="") + path[path.index("}") + 1 :]
        await _look(survey, tool, path)


async def _look(survey: Survey, tool: Tool, path: str, *, helper: bool = False) -> None:
    operation = survey.operations[tool.name]
    able = capabilities.capabilities_of(operation)
    asked = able.limit if operation.id in WIDE else ITEMS
    toolset = "" if helper else tool.toolset
    if survey.is_spent:
        survey.looks.append(Look(tool.name, toolset, operation.id, UNREAD))
        return
    try:
        try:
            reply = await survey.read(operation.id, path, *_limit(able.paged, asked))
        except LimitExceeded:  # its largest page is more than we read: lists ask for smaller ones then
            if asked == ITEMS:
                raise
            asked = ITEMS
            reply = await survey.read(operation.id, path, *_limit(able.paged, asked))
    except BackupError as problem:
        survey.looks.append(Look(tool.name, toolset, operation.id, problem.status or UNUSABLE, problem.message))
        return
    items: list[Item] = [item for item in drift.items_of(reply.body) if isinstance(item, dict)]
    total = reply.body.get("total") if isinstance(reply.body, dict) else None
    total = total if isinstance(total, int) else None
    survey.samples[tool.name] = items
    survey.looks.append(Look(tool.name, toolset, operation.id, reply.status, "", asked, len(items), total))
    if "total" not in answer_schema(operation).get("required", ()) and isinstance(reply.body, dict):
        has_total = "total" in reply.body
        if not has_total or "totals" not in survey.proofs:
            survey.prove("totals", "yes" if has_total else "no", f"{operation.id}")
    schema = document.item_schema(operation)
    for item in items[:ITEMS]:
        for oddity in set(drift.compare(schema, item)):
            survey.oddities.setdefault((operation.id, oddity), []).append(str(item.get("id", "")))


def _limit(paged: bool, number: int) -> list[tuple[str, str]]:
    return [("limit", str(number))] if paged else []
