"""What a survey asks besides the lists themselves: which of the readings hold that reads can answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.openapi.document import Operation
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import drift
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.reading_table import BY_NAME
from greenlake_backup_mcp.upstream.request_forms import REFUSED

from .survey_reads import Item, Survey

NOBODY = "00000000-0000-4000-8000-00000000dead"  # an id that no tenant has
NO_NAME = "no such name of a survey"
LASTING = timedelta(days=1)  # a task as old as that shows that they are remembered for days
_GROUPS, _VMS, _ISSUES = "list_vm_protection_groups", "list_vms", "list_issues"
PROBES: Mapping[str, tuple[tuple[Any, ...], ...]] = {  # reading -> value, list and query; the first that is accepted
    "bare_timestamps": (
        ("no", _GROUPS, ("filter", "createdAt gt '2000-01-01T00:00:00Z'")),
        ("yes", _GROUPS, ("filter", "createdAt gt 2000-01-01T00:00:00Z")),
    ),
    "in_lists": (
        ("round", _ISSUES, ("filter", "severity in ('a','b')")),
        ("square", _ISSUES, ("filter", "severity in ['a','b']")),
    ),
    "escaped_quotes": (  # what takes a backslash may read a doubled quote otherwise: the narrower one is sure
        ("backslash", _VMS, ("filter", r"name eq 'no\'such'")),
        ("doubled", _VMS, ("filter", "name eq 'no''such'")),
    ),
    "select": (("taken", _VMS, ("select", "id,name")), ("refused", _VMS)),
}


async def probe(survey: Survey) -> None:
    """Ask what the lists alone did not tell."""
    _read_samples(survey)
    place = survey.operations
    for name, tries in PROBES.items():
        for value, tool, *query in tries:
            accepted = await _accepts(survey, place[tool], *query) if tool in place else None
            if accepted:
                survey.prove(name, value, f"{tool} accepted it")
            if accepted is not False:  # only after a refusal does the other one prove anything
                break
    await _probe_no_match(survey)
    await _probe_tasks(survey)
    if (vms := place.get("list_vms")) is None:
        return
    await _probe_case(survey, vms)
    try:
        await survey.read("VirtualMachine", f"{vms.path}/{NOBODY}")
    except BackupError:
        shape = survey.api.readings.findings.get("old_errors")  # the client has looked at it
        if shape is not None:
            survey.proofs["old_errors"] = (shape.value, "a 404")


async def _probe_no_match(survey: Survey) -> None:
    """What a filter without a match gives, of a list that documents a 404."""
    for operation in survey.operations.values():
        able = capabilities.capabilities_of(operation)
        if "{" in operation.path or "404" not in operation.answers or "name" not in (able.attributes or ()):
            continue
        try:
            await survey.read(operation.id, operation.path, ("limit", "1"), ("filter", f"name eq '{NO_NAME}'"))
            survey.prove("no_match_is_404", "no", operation.id)
        except BackupError as problem:
            if problem.status == 404:
                survey.prove("no_match_is_404", "yes", operation.id)
        return


async def _probe_tasks(survey: Survey) -> None:
    """How long tasks are remembered; only an old one proves anything."""
    if (tasks := survey.operations.get("list_tasks")) is None:
        return
    try:
        reply = await survey.read(tasks.id, tasks.path, ("limit", "1"), ("sort", "createdAt asc"))
    except BackupError:
        return
    begun = [units.parse_time(item.get("createdAt")) for item in drift.items_of(reply.body) if isinstance(item, dict)]
    if any(time is not None and survey.api.now() - time > LASTING for time in begun):
        survey.prove("task_retention", "days", "the oldest task")


async def _probe_case(survey: Survey, vms: Operation) -> None:
    """Whether a name is found in the other case."""
    names = [str(item.get("name") or "") for item in survey.samples.get("list_vms", ())]
    name = next(
        (n for n in names if n.isascii() and n.swapcase() != n and "'" not in n and n.swapcase() not in names), ""
    )
    if not name:
        return
    try:
        reply = await survey.read(vms.id, vms.path, ("limit", "1"), ("filter", f"name eq '{name.swapcase()}'"))
    except BackupError as problem:
        if problem.status != 404:
            return
        result = False
    else:
        result = bool(drift.items_of(reply.body))
    survey.prove("case_sensitive", "no" if result else "yes", "a name in the other case")


def _read_samples(survey: Survey) -> None:
    """What the items that came tell by themselves."""
    tasks, approvals = survey.samples.get("list_tasks", []), survey.samples.get("list_approvals", [])
    messages = [m for task in tasks for m in task.get("logMessages") or () if isinstance(m, dict)]
    for name, held in (("task_word", tasks), ("progress_word", tasks), ("log_time_word", messages)):
        first, other = BY_NAME[name].values  # the client puts the other one under the first as well
        if any(first in one or other in one for one in held):
            survey.prove(name, other if any(other in one for one in held) else first, "tasks")
    words = [str(a.get("state")) for a in approvals if a.get("state")]
    if words:
        survey.prove("dual_words", "upper" if all(w.isupper() for w in words) else "capital", "an approval")
    for name in survey.rates:
        survey.prove("rate_headers", "x-ratelimit" if name.startswith("x-") else "ratelimit", "the headers of answers")
    if survey.samples and not survey.rates:
        survey.prove("rate_headers", "none", "the headers of answers")
    kinds = [str(vm.get("type", "")).partition("/")[0] for vm in survey.samples.get("list_vms", [])]
    if kinds and kinds[0]:
        survey.prove("asset_types", "hybrid-cloud" if kinds[0] == "hybrid-cloud" else "as given", "the type of a VM")
    for job in survey.samples.get("list_protection_jobs", []):
        if order := _run_order(job):
            survey.prove("run_order", order, "a protection job")
            break


def _run_order(job: Item) -> str:
    """How the last runs of a schedule stand, where it has two of different times."""
    for tier in job.get("protections") or ():
        for schedule in tier.get("schedules") or ():
            runs = [units.parse_time(run.get("timestamp")) for run in schedule.get("executionStatuses") or ()]
            times = [time for time in runs if time is not None]
            if len(times) > 1 and times[0] != times[-1]:
                return "newest" if times[0] > times[-1] else "oldest"
    return ""


async def probe_tokens(survey: Survey, other: client.ApiClient) -> None:
    """Whether a second token ends the first: one more is fetched, and the first used once more."""
    tokens = survey.api.transport.connection().tokens
    if not tokens.renewable or survey.is_spent:
        return
    before = tokens.recent
    try:
        await client.send(other, client.ONE_READ, adapt=False)
        await survey.read(client.ONE_READ.operation_id, client.ONE_READ.path, *client.ONE_READ.query)
    except BackupError:
        return
    survey.prove("one_token", "yes" if tokens.recent != before else "no", "the first of two tokens")


async def _accepts(survey: Survey, operation: Operation, *query: tuple[str, str]) -> bool | None:
    """Whether a list is read so: it answers, or says with a 404 that nothing matches; None where nothing tells."""
    try:
        await survey.read(operation.id, operation.path, ("limit", "1"), *query)
    except BackupError as problem:
        return True if problem.status == 404 else False if problem.status in REFUSED else None
    return True
