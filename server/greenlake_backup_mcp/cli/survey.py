"""`survey`: reads the tenant, at most 60 requests, and tells which readings hold and which toolsets can work.

Nothing here can write: `Survey.read` is the only way out and sends GETs. What it tells is in survey_report.py, which
lets no name, id or secret of the tenant through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from greenlake_backup_mcp.errors import BackupError, LimitExceeded
from greenlake_backup_mcp.lists import capabilities
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.openapi import document
from greenlake_backup_mcp.openapi.document import Operation, answer_schema
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools import drift
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream.reading_table import BY_NAME
from greenlake_backup_mcp.upstream.request_forms import REFUSED

MOST_REQUESTS = 60
TOKENS = 3  # of them, for as many fetches of a token at most
ITEMS = 20  # of each list that are looked at
NOBODY = "00000000-0000-4000-8000-00000000dead"  # an id that no tenant has
NO_NAME = "no such name of a survey"
RATES = ("ratelimit", "rate-limit", "retry-after")
NOTHING, UNUSABLE, UNREAD = 0, -1, -2  # as the status of a look: nothing to try it with; no answer; no request left
WIDE = ("VirtualMachinesList", "ProtectionStoreList", "ListAsyncOperations")  # whose largest page is asked for
Item = Mapping[str, Any]
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


@dataclass(frozen=True)
class Look:
    """What one list came to."""

    tool: str
    toolset: str
    operation: str
    status: int = NOTHING
    problem: str = ""  # the service's own words; told only as far as they are codes
    asked: int = 0
    came: int = 0
    total: int | None = None


@dataclass
class Survey:
    """A survey under way, and what it has found."""

    api: client.ApiClient
    tools: Sequence[Tool]
    tell: Callable[[str], None]
    looks: list[Look] = field(default_factory=list)
    proofs: dict[str, tuple[str, str]] = field(default_factory=dict)  # reading -> value, and what proved it
    oddities: dict[tuple[str, drift.Oddity], list[str]] = field(
        default_factory=dict
    )  # operation and what: ids of items
    bodies: list[tuple[str, Any]] = field(default_factory=list)  # all that came, so that none of it gets out
    rates: dict[str, str] = field(default_factory=dict)
    line: call_log.Call = field(default_factory=lambda: call_log.Call("survey"))  # counts what is sent, again as well
    seconds: float = 0.0
    samples: dict[str, list[Item]] = field(default_factory=dict)

    @property
    def is_spent(self) -> bool:
        """Whether one more read, and again as often as it is retried, could be more than a survey may send."""
        return self.line.requests + self.api.settings.retries >= MOST_REQUESTS - TOKENS

    async def read(self, operation: str, path: str, *query: tuple[str, str]) -> client.Response:
        """The answer to a GET, sent as it is; BackupError for whatever else comes."""
        if self.is_spent:
            raise LimitExceeded(f"A survey makes at most {MOST_REQUESTS} requests.")
        request = client.Request(operation, "GET", path, tuple(query), reads=True)
        reply = await client.send(self.api, request, adapt=False)
        if self.line.requests % 10 == 0:
            self.tell(f"… {self.line.requests} reads of {MOST_REQUESTS} at most")
        self.bodies.append((operation, reply.body))
        self.rates |= {name: value for name, value in reply.headers.items() if any(word in name for word in RATES)}
        return reply

    async def accepts(self, operation: Operation, *query: tuple[str, str]) -> bool | None:
        """Whether a list is read so: it answers, or says with a 404 that nothing matches; None where nothing tells."""
        try:
            await self.read(operation.id, operation.path, ("limit", "1"), *query)
        except BackupError as problem:
            return True if problem.status == 404 else False if problem.status in REFUSED else None
        return True

    def prove(self, name: str, value: str, proof: str) -> None:
        """An answer proves a reading; it is kept for the tenant as well."""
        self.proofs[name] = (value, proof)
        if value in BY_NAME[name].values:
            self.api.readings.learn(name, value, f"survey: {proof}")


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
    started = time.monotonic()
    with call_log.call("survey") as line:
        async with (
            client.connect(settings, app=app, now=now) as api,
            client.connect(settings, app=app, now=now) as other,
        ):
            await api.transport.connection().tokens.token()  # without one there is nothing to survey
            survey = Survey(api, everything, tell, line=line)
            await look_at_lists(survey, offered, everything)
            await probe(survey)
            await probe_tokens(survey, other)
            for key, finding in api.readings.findings.items():  # also those that calls have proved, now or earlier
                name = key.partition(" ")[0]
                if name not in survey.proofs or (" " in key and finding.value != BY_NAME[name].values[0]):
                    survey.proofs[name] = (finding.value, finding.proof)
    survey.seconds = time.monotonic() - started
    return survey


# --- the lists: permissions, page limits, and what comes against the description ----------------------------------


async def look_at_lists(survey: Survey, offered: Sequence[Tool], everything: Sequence[Tool]) -> None:
    """Read each list once, those within a resource with the first one that there is."""
    by_place = {_operation(t).path.rpartition("/")[2]: t for t in everything if "{" not in _operation(t).path}
    for tool in sorted(offered, key=lambda t: "{" in _operation(t).path):
        operation = _operation(tool)
        path = operation.path
        if "{" in path:
            parent = by_place.get(path.split("/{")[0].rpartition("/")[2])
            if parent is not None and parent.name not in survey.samples and parent not in offered:
                await _look(survey, parent, _operation(parent).path, helper=True)
            held = survey.samples.get(parent.name, []) if parent else []
            best = next((i for i in held if i.get("recoveryPointsExist") or i.get("protectionJobInfo")), None)
            first = best or next(iter(held), None)
            if first is None or not isinstance(first.get("id"), str):
                survey.looks.append(Look(tool.name, tool.toolset, operation.id))
                continue
            path = path[: path.index("{")] + quote(first["id"], safe="") + path[path.index("}") + 1 :]
        await _look(survey, tool, path)


async def _look(survey: Survey, tool: Tool, path: str, *, helper: bool = False) -> None:
    operation = _operation(tool)
    able = capabilities.capabilities_of(operation)
    asked = able.limit if operation.id in WIDE else ITEMS
    toolset = "" if helper else tool.toolset
    if survey.is_spent:
        survey.looks.append(Look(tool.name, toolset, operation.id, UNREAD))
        return
    try:
        query = [("limit", str(asked))] if able.paged else []
        reply = await survey.read(operation.id, path, *query)
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


def _operation(tool: Tool) -> Operation:
    assert tool.operation is not None  # noqa: S101  lists are operations
    return tool.operation


# --- the readings that reads can answer -------------------------------------------------------------------------


async def probe(survey: Survey) -> None:
    """Ask what the lists alone did not tell."""
    _read_samples(survey)
    place = {t.name: _operation(t) for t in survey.tools}
    for name, tries in PROBES.items():
        for value, tool, *query in tries:
            accepted = await survey.accepts(place[tool], *query) if tool in place else None
            if accepted:
                survey.prove(name, value, f"{tool} accepted it")
            if accepted is not False:  # only after a refusal does the other one prove anything
                break
    await _probe_no_match(survey)
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
    for tool in survey.tools:
        operation = _operation(tool)
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
    if not tokens.renewable or not survey.looks:
        return
    before = tokens.recent
    try:
        await client.send(other, client.ONE_READ, adapt=False)
        await survey.read(client.ONE_READ.operation_id, client.ONE_READ.path, *client.ONE_READ.query)
    except BackupError:
        return
    survey.prove("one_token", "yes" if tokens.recent != before else "no", "the first of two tokens")
