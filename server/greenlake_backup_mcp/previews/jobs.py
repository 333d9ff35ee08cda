"""What becomes of an asset's protection when its job goes or stops.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import (
    Effect,
    Subject,
    count_of,
    counted,
    item_at,
    label,
    name_of,
    names,
    not_known,
    objects,
    quoted,
    state_of,
)
from .policies import describe_schedule
from .reads import COUNT, OWN, ReadSpec, Target, identity_of, path_of
from .times import describe_time


def job_reads(_arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """How many copies of the job's asset there are."""
    uri = item_at(target.resource, "assetInfo", "resourceUri")
    if not isinstance(uri, str) or uri.count("/") < 4:
        return []
    collection, identity = identity_of(uri)
    return [
        ReadSpec(place, f"the {place} of the asset", path_of(OWN, collection, identity, place), COUNT)
        for place in ("backups", "snapshots")
    ]


def describe_delete(s: Subject) -> Effect:
    """An asset loses its policy."""
    asset = name_of(s.resource.get("assetInfo") or {})
    return Effect(
        title=f"Delete the {_job(s)}",
        facts=_job_facts(s),
        consequences=(
            f"{asset} is protected no more: no further snapshots or backups of it are made.",
            f"Its copies stay until they expire: {recovery_points_of(s)}.",
        ),
        reversibility="A new job can be made (create_protection_job); runs missed until then are not made up for.",
        unknown=not_known(*s.facts.values()),
        warnings=("is suspended",) if s.resource.get("operational") == "SUSPENDED" else (),
    )


def describe_suspend(s: Subject) -> Effect:
    """Schedules stop until somebody resumes them."""
    ids = s.arguments.get("scheduleIds")
    schedules = [x for p in objects(s.resource.get("protections")) for x in objects(p.get("schedules"))]
    chosen = [x for x in schedules if not ids or x.get("scheduleId") in ids]
    which = "ALL its schedules" if not ids else f"schedules {', '.join(map(str, ids))}"
    listed = "; ".join(describe_schedule(x) for x in chosen[:12])
    strangers = sorted(set(ids or ()) - {x.get("scheduleId") for x in schedules}, key=str)
    follows = [f"No runs any more of {which}{': ' + listed if listed else ''}."]
    if nexts := sorted(str(x["nextRunTime"]) for x in chosen if x.get("nextRunTime")):
        follows.append(f"The next run, {describe_time(nexts[0], s.now)}, is the first that does not happen.")
    if strangers and isinstance(s.resource.get("protections"), list):
        follows.append(f"The job has no schedule {', '.join(map(str, strangers))}.")
    follows.append("Existing copies go on expiring. Nobody is reminded to resume.")
    return Effect(
        title=f"Suspend the {_job(s)}",
        facts=_job_facts(s),
        consequences=tuple(follows),
        reversibility="resume_protection_job takes it back; runs missed until then are not made up for.",
        forbidden="It is suspended already." if s.resource.get("operational") == "SUSPENDED" and not ids else "",
    )


def _job(s: Subject) -> str:
    policy = item_at(s.resource, "protectionPolicyInfo", "name")
    asset = s.resource.get("assetInfo")
    of = f" of {name_of(asset)}" if isinstance(asset, Mapping) else ""
    return (
        f"protection job{of}{f' under policy {quoted(policy)}' if policy else ''} (id {identity_of(s.target.path)[1]})"
    )


def _job_facts(s: Subject) -> tuple[str, ...]:
    asset = s.resource.get("assetInfo") or {}
    facts = [state_of(s.resource) or "state not known"]
    if isinstance(asset, Mapping) and asset.get("type"):
        facts.append(f"asset {label(str(asset['type']).rpartition('/')[2], asset)}")
    if more := objects(s.resource.get("associatedAssetsInfo")):
        facts.append(f"with {counted(len(more), 'asset')}: {names(more)}")
    return ("; ".join(facts),)


def recovery_points_of(s: Subject) -> str:
    """How many copies there are of what the call is about."""
    found = [(n, s.facts[n]) for n in ("backups", "snapshots") if n in s.facts]
    return ", ".join(count_of(f, n.removesuffix("s")) for n, f in found) or "how many is not known"
