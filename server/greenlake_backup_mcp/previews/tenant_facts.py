"""What of the tenant counts for many calls: stores and jobs, tasks on the target, whether a second person must approve.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import times
from .model import Finding, Subject, grave, notable
from .phrases import assets, at_least, item_at, listed, name_of, objects, quoted
from .reads import DATA, EVERY, OWN, ReadSpec, Target, identity_of, literal, parent_path
from .recovery_point_facts import AWAITED, is_unreachable

LATEST = 200  # tasks looked at, the newest first: one page, which all previews of a plan share
TASKS = ReadSpec(
    "tasks", "what runs on it", f"{DATA}/async-operations", (("sort", "createdAt desc"), ("limit", str(LATEST)))
)
SETTINGS = ReadSpec("settings", "whether a second person must approve", f"{DATA}/settings", quiet=True)
STORES = ReadSpec("stores", "the protection stores", f"{OWN}/protection-stores", (("limit", "2000"),))
POLICIES = ReadSpec("policies", "the policies that use it", f"{OWN}/protection-policies", EVERY)
_OF_JOBS = "id,assetInfo,associatedAssetsInfo,operational,protections,dataOrchestratorId"
JOBS = ReadSpec("jobs", "the jobs that use it", f"{OWN}/protection-jobs", (*EVERY, ("select", _OF_JOBS)))
UNDER_WAY = ("INITIALIZED", "RUNNING", "PAUSED")
# where a resource names the assets that tasks on it run on
ASSETS_OF = ("assetInfo", "associatedAssetsInfo", "vmProtectionGroupsInfo", "mssqlDatabaseProtectionGroupInfo")
ON = ("ON", "TRUE", "ENABLED", "YES")


def stores(s: Subject) -> Mapping[Any, Mapping[str, Any]]:
    """The protection stores by id, as far as they could be read."""
    return {store.get("id"): store for store in s.read("stores").items}


def leaving_stores(s: Subject) -> set[Any]:
    """The stores that other calls end: themselves, or with the appliance that they lie on."""
    ended = [identity_of(path) for path in s.leaving]
    hosts = {identity for collection, identity in ended if collection in ("protection-store-gateways", "storeonces")}
    lost = {identity for collection, identity in ended if collection == "protection-stores"}
    every = (*s.read("stores").items, *s.read("every store").items)
    local = (x for x in every if x.get("protectionStoreType") != "CLOUD")
    return lost | {x.get("id") for x in local if item_at(x, "storageSystemInfo", "id") in hosts}


def unreachable(systems: Mapping[Any, Mapping[str, Any]], wanted: Iterable[Any]) -> Iterator[Finding]:
    """Which of the stores that something is written to, or of the systems they are on, cannot be reached."""
    for one in (systems.get(i, {}) for i in dict.fromkeys(wanted)):
        if is_unreachable(one):
            what = "Store" if "protectionStoreType" in one else "System"
            words = f"{what} {name_of(one)} CANNOT BE REACHED: nothing can be written to it now."
            yield grave(words, "a store that cannot be reached", words)


def jobs_of_stores(s: Subject, wanted: Iterable[Any]) -> list[Mapping[str, Any]]:
    """The jobs that write to any of these stores."""
    ids = set(wanted)
    return [
        job
        for job in s.read("jobs").items
        if any(item_at(tier, "protectionStoreInfo", "id") in ids for tier in objects(job.get("protections")))
    ]


def stopped(
    s: Subject, jobs: list[Mapping[str, Any]], what: str, weigh: Callable[[str], Finding] = grave
) -> Iterator[Finding]:
    """That jobs would fail, where there are any; or that it is not known. `what`: which jobs."""
    needed = [s.read(name) for name in ("jobs", "stores", "gateways") if name in s.facts]
    if jobs:
        yield weigh(f"{what}: {at_least(*needed)}{len(jobs):,} ({assets(jobs)}).")
    elif not all(result.available for result in needed):
        yield weigh(f"{what}: not known which.")


def task_reads(target: Target, alone: bool) -> list[ReadSpec]:
    """The newest tasks; of a call that is not one of many also those of its asset, which may run since long."""
    if not alone:
        return [TASKS]
    uri = item_at(target.resource, "assetInfo", "resourceUri") or (
        parent_path(target.path) if _is_copy(target) else target.resource.get("resourceUri") or target.path
    )
    query = (("filter", f"sourceResourceUri eq {literal(str(uri))}"), ("sort", "createdAt desc"), ("limit", "100"))
    return [TASKS, ReadSpec("own tasks", "what runs on it", TASKS.path, query, quiet=True)]


def _is_copy(target: Target) -> bool:
    return target.path.split("/")[-2:-1] in (["backups"], ["snapshots"])


def running(s: Subject) -> Iterator[Finding]:
    """The tasks under way on the target, its asset or the group of that, and on what runs through an appliance."""
    asset = s.read("asset").resource
    uris: list[Any] = [s.target.path, *([parent_path(s.target.path)] if _is_copy(s.target) else [])]
    direct = set(map(_identity, [*uris, item_at(s.resource, "assetInfo", "resourceUri")]))
    uris += [one.get("resourceUri") for name in ASSETS_OF for r in (s.resource, asset) for one in objects(r.get(name))]
    own, through = set(map(_identity, uris)), set(map(_identity, _assets_through(s)))
    tasks = {str(task.get("id") or n): task for name in ("tasks", "own tasks")
             for n, task in enumerate(s.read(name).items) if task.get("state") in UNDER_WAY}  # fmt: skip
    away = []
    ends = s.method not in ("PATCH", "PUT")  # a change of settings need not wait for tasks that come and go
    for task in tasks.values():
        touched = {_identity(task.get("sourceResourceUri"))}
        touched |= {_identity(r.get("resourceUri")) for r in objects(task.get("associatedResources"))}
        what = quoted(task.get("displayName") or task.get("name"))
        if touched & own - {""}:
            since = units.parse_time(task.get("startedAt") or task.get("createdAt"))
            when = f", since {times.describe_when(since, s.now)}" if since else ""
            also = " The service may refuse meanwhile, or what runs breaks off." if ends else ""
            binds = ends and touched & direct - {""}  # those of its group come and go
            yield notable(f"Under way on it now: {what}{when}.{also}", f"a task is under way: {what}" if binds else "")
        elif touched & through - {""}:
            away.append(what)
    if away and ends:
        count = f"{at_least(s.read('tasks'))}{units.plural(len(away), 'task')}"
        words = f"Under way through it now, and broken off: {count} ({listed(away)})."
        yield grave(words)  # binds nothing: such tasks come and go


def _assets_through(s: Subject) -> Iterator[Any]:
    """The assets of the jobs that run through an orchestrator, or write to a store or the stores on an appliance."""
    if s.target.kind not in ("data orchestrator", "protection store", "protection store gateway", "StoreOnce"):
        return
    mine = s.resource.get("id")
    written = {mine, *(x.get("id") for x in s.read("stores").items if item_at(x, "storageSystemInfo", "id") == mine)}
    for job in s.read("jobs").items:
        if job.get("dataOrchestratorId") == mine or job in jobs_of_stores(s, written):
            for asset in (*objects(job.get("assetInfo")), *objects(job.get("associatedAssetsInfo"))):
                yield asset.get("resourceUri")


def _identity(uri: Any) -> str:
    """Collection and id of a URI, whichever API reads it."""
    return "/".join(str(uri or "").split("/")[-2:])


def second_person(s: Subject, place: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Whether a second person must approve a delete, as the settings say. `place`: the store of what goes."""
    result = s.read("settings")
    at_once = "" if is_unreachable(place or {}) else ", and it is gone at once"
    if (required := _dual_authorization(s)) is None:
        why = result.problem or ("not found" if result.missing else "no such setting is listed")
        yield notable(f"Whether a second person must approve is not known ({cell(why)}).")
    elif required:
        yield Finding("Dual authorization is on: a second person must approve before it is gone.")
    else:
        yield Finding(f"Dual authorization is off: no second person is asked{at_once}.")


def no_second_person(s: Subject, ends_earlier: bool) -> Iterator[Finding]:
    """That an earlier expiry may go around the second person whom a delete needs, or who decides about it now."""
    if s.resource.get("state") == AWAITED:
        yield grave("A second person is deciding about its deletion now.", "its deletion waits for a second person")
    if ends_earlier and _dual_authorization(s):
        words = "Dual authorization is on, yet no document says that a second person is asked for an earlier expiry"
        yield grave(f"{words}: it may be gone without one.", "may go around dual authorization")


def _dual_authorization(s: Subject) -> bool | None:
    """Whether deletes wait for a second person; None where no setting says so."""
    named = [i for i in s.read("settings").items if "dual auth" in str(i.get("name", "")).lower()]
    return any(str(i.get("currentValue", "")).upper() in ON for i in named) if named else None


def clocks_differ(seconds: float) -> Finding:
    """That this machine's clock is not the service's."""
    span = times.describe_span(timedelta(seconds=abs(seconds)))
    where = "ahead of" if seconds > 0 else "behind"
    return notable(f"This machine's clock is {span} {where} the service's; times are judged by the service's.")
