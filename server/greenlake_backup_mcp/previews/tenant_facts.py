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
from .phrases import assets, at_least, item_at, name_of, objects, quoted
from .reads import DATA, EVERY, OWN, ReadSpec, identity_of, parent_path
from .recovery_point_facts import is_unreachable

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


def running(s: Subject) -> Iterator[Finding]:
    """The tasks under way on the target or its asset, as far as the newest tasks show."""
    copy = s.target.path.split("/")[-2:-1] in (["backups"], ["snapshots"])
    uris = {s.target.path, parent_path(s.target.path) if copy else item_at(s.resource, "assetInfo", "resourceUri")}
    for task in s.read("tasks").items:
        touched = {task.get("sourceResourceUri")}
        touched |= {r.get("resourceUri") for r in objects(task.get("associatedResources"))}
        if task.get("state") in UNDER_WAY and touched & uris:
            since = units.parse_time(task.get("startedAt") or task.get("createdAt"))
            what = quoted(task.get("displayName") or task.get("name"))
            when = f", since {times.describe_when(since, s.now)}" if since else ""
            ends = s.method not in ("PATCH", "PUT")  # a change of settings need not wait for tasks that come and go
            yield notable(f"Under way on it now: {what}{when}.", f"a task is under way: {what}" if ends else "")


def second_person(s: Subject) -> Iterator[Finding]:
    """Whether a second person must approve a delete, as the settings say."""
    result = s.read("settings")
    named = [i for i in result.items if "dual auth" in str(i.get("name", "")).lower()]
    if not named:
        why = result.problem or ("not found" if result.missing else "no such setting is listed")
        yield notable(f"Whether a second person must approve is not known ({cell(why)}).")
    elif any(str(i.get("currentValue", "")).upper() in ON for i in named):
        yield Finding("Dual authorization is on: a second person must approve before it is gone.")
    else:
        yield Finding("Dual authorization is off: no second person is asked, and it is gone at once.")


def clocks_differ(seconds: float) -> Finding:
    """That this machine's clock is not the service's."""
    span = times.describe_span(timedelta(seconds=abs(seconds)))
    where = "ahead of" if seconds > 0 else "behind"
    return notable(f"This machine's clock is {span} {where} the service's; times are judged by the service's.")
