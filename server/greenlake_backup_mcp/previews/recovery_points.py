"""What deleting or changing a recovery point does: ten kinds of copy, one set of words.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.lists.views import schedules
from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools.danger import Danger

from . import tenant_facts, times
from .model import (
    Finding,
    Gravity,
    Judgement,
    Subject,
    counted,
    item_at,
    label,
    name_of,
    names,
    not_known,
    objects,
    quoted,
)
from .reads import OWN, ReadSpec, Target, identity_of, kind_of, parent_path, path_of
from .recoverability import remaining_points
from .recovery_point_facts import BUSY, GOING, is_locked, recovery_point_facts, recovery_point_size

COPIES = (("limit", "1000"),)  # whole items: what remains is told by place, lock and verification
STORES = ReadSpec("stores", "the protection stores", f"{OWN}/protection-stores", (("limit", "2000"),))


def reads_for(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The asset that the copy belongs to, the other copies of it, and the stores they are in."""
    parent = parent_path(target.path)
    segments = target.path.split("/")
    asset = "/".join([OWN, segments[-4], segments[-3]])
    return [
        ReadSpec("asset", "the " + kind_of(parent), parent),
        ReadSpec("backups", f"the backups of the {kind_of(parent)}", f"{asset}/backups", COPIES),
        ReadSpec("snapshots", f"the snapshots of the {kind_of(parent)}", f"{asset}/snapshots", COPIES),
        STORES,
        tenant_facts.TASKS,
        tenant_facts.SETTINGS,
    ]


def job_reads(s: Subject) -> list[ReadSpec]:
    """The job of the asset, whose schedules may need the copy as their source."""
    job = item_at(s.found("asset").resource, "protectionJobInfo", "id")
    return [ReadSpec("job", "its protection job", path_of(OWN, "protection-jobs", job))] if job else []


def judge_delete(s: Subject) -> Judgement:
    """A recovery point is deleted."""
    copy, now = s.resource, s.now
    expires = units.parse_time(copy.get("expiresAt"))
    findings = [*remaining_points(s, now), *_shared(s), *_dependents(s)]
    left = f"not expired: would be kept {times.describe_span(expires - now)} more" if expires and expires > now else ""
    if not expires:
        left = "has no expiry: would be kept for ever"
    findings += [Finding("", warning=left)] if left else []
    if copy.get("state") in BUSY:
        state = cell(str(copy["state"]))
        findings.append(Finding(f"It is in use: state {state}.", Gravity.GRAVE, f"in use ({state})"))
    findings += [*tenant_facts.running(s), tenant_facts.second_person(s)]
    forbidden = ""
    if is_locked(copy, now):
        until = times.describe_time(copy["lockedUntil"], now)
        forbidden = f"It is locked until {until}; until then nobody can delete it."
    elif copy.get("state") in GOING:
        forbidden = f"It is already on its way out: state {cell(str(copy['state']))}."
    return Judgement(
        title=f"Delete the {s.label}",
        facts=describe(s, copy),
        findings=findings,
        reversibility="This cannot be undone: nothing can be restored from it afterwards.",
        unknown=_unknown(s),
        forbidden=forbidden,
        summary=_summary(s),
        size=recovery_point_size(copy),
        danger=Danger.DESTROY,
    )


def judge_update(s: Subject) -> Judgement:
    """Expiry, lock, name or description of a recovery point change."""
    copy, now = s.resource, s.now
    wanted = {leaf.name: leaf.after for leaf in s.difference.leaves}
    ends = is_earlier(wanted, copy)
    findings = [*_expiry(s, wanted), *_lock(s, wanted)]
    if ends:
        findings += [*remaining_points(s, max(ends, now)), *_shared(s), *_dependents(s), *tenant_facts.running(s)]
    locks = any(f.warning.startswith("locked") for f in findings)
    reversibility = "Once the recovery point has expired, it is gone for good." if ends else ""
    reversibility = f"{reversibility} The lock cannot be undone.".strip() if locks else reversibility
    return Judgement(
        title=f"Change the {s.label}",
        facts=describe(s, copy),
        findings=findings,
        reversibility=reversibility or "It can be changed back.",
        unknown=_unknown(s),
        forbidden=_forbidden(s, wanted),
        summary=_summary(s),
        danger=Danger.DESTROY if ends else Danger.DISRUPT if locks else Danger.WRITE,
    )


def describe(s: Subject, copy: Mapping[str, Any]) -> tuple[str, ...]:
    """A recovery point in lines: of what, how old and big, how long it lasts."""
    asset = s.found("asset")
    of = [f"of {label(asset.words.removeprefix('the '), asset.resource)}"] if asset.known else []
    return (*of, "; ".join(recovery_point_facts(copy, s.now)))


def ends_of(method: str, arguments: Mapping[str, Any], target: Target, now: datetime) -> dict[str, datetime]:
    """When the target of a call is gone, by its path; {} where the call does not end it."""
    ends = now if method == "DELETE" else is_earlier(arguments, target.resource) if method == "PATCH" else None
    return {target.path: max(ends, now)} if ends else {}


def is_earlier(wanted: Mapping[str, Any], copy: Mapping[str, Any]) -> datetime | None:
    """The new expiry of a copy where it ends it earlier than now planned."""
    new, old = units.parse_time(wanted.get("expiresAt")), units.parse_time(copy.get("expiresAt"))
    return new if new and (old is None or new < old) else None


# --- phrases ----------------------------------------------------------------------------------------------------------


def _summary(s: Subject) -> str:
    """The copy in a row of a list: what is needed to know it, to the minute, and the state before."""
    asset, copy = s.found("asset"), s.resource
    parts = [name_of(copy) if copy.get("name") else label("", copy, identity_of(s.target.path)[1]).strip()]
    owner = str(asset.resource.get("displayName") or asset.resource.get("name") or "") if asset.known else ""
    if asset.known and not (owner and owner in parts[0]):  # many names of copies hold that of the asset
        parts[0] += f" of {name_of(asset.resource)}"
    for word, name in (("taken", "pointInTime"), ("expires", "expiresAt")):
        moment = units.parse_time(copy.get(name))
        in_name = moment and f"{moment:%Y-%m-%d}" in parts[0] and f"{moment:%H:%M}" in parts[0]
        if moment and not in_name:
            parts.append(f"{word} {moment:%Y-%m-%d %H:%M}")
    if size := recovery_point_size(copy):
        parts.append(units.size(size))
    return ", ".join([*parts, cell(str(copy.get("state") or "state unknown"))])


def _unknown(s: Subject) -> tuple[str, ...]:
    return not_known(*(s.found(name) for name in ("asset", "backups", "snapshots", "stores", "job") if name in s.facts))


def _shared(s: Subject) -> Iterator[Finding]:
    """Whose data is in the copy besides: databases backed up together, the members of a group."""
    itself = identity_of(parent_path(s.target.path))[1]
    others = [d for d in objects(s.resource.get("associatedDatabases")) if d.get("id") != itself]
    if others:
        yield Finding(
            f"The backed-up data of these databases in it is deleted along: {names(others)}.",
            Gravity.GRAVE,
            f"takes {counted(len(others), 'other database')} along",
            f"The data of {counted(len(others), 'other database')} goes along: {names(others[:3])}.",
            Danger.DESTROY,
        )
    group = s.found("asset").resource
    members = objects(group.get("assets")) if s.target.path.split("/")[-4].endswith("groups") else []
    if members:
        yield Finding(
            f"It is the copy of a whole group; the data of its {counted(len(members), 'member')} in it goes along: "
            f"{names(members)}.",
            Gravity.GRAVE,
            f"takes {counted(len(members), 'member')} along",
            f"The data of a whole group goes, {counted(len(members), 'member')}: {names(members[:2])} …",
            Danger.DESTROY,
        )


def _copies_of(place: str) -> str:
    """The end of a path of copies, whichever API reads their asset: `/virtual-machines/{id}/backups`."""
    return "/" + "/".join(place.split("/")[-3:])


def _dependents(s: Subject) -> Iterator[Finding]:
    """The copies made from it, and the schedules that need the newest copy of its schedule as their source."""
    chained = [b for b in s.found("backups").items if item_at(b, "sourceCopyInfo", "id") == s.resource.get("id")]
    if chained:
        which = counted(len(chained), "backup")
        yield Finding(f"{which} made from it can no longer use it as their source.", Gravity.NOTABLE)
    mine = _schedule_id(s.resource)
    kind = s.target.path.split("/")[-2]
    place = s.target.path.rpartition("/")[0]
    gone = {path.rpartition("/")[2] for path in s.leaving if path.rpartition("/")[0].endswith(_copies_of(place))}
    same = [
        c
        for c in s.found(kind).items
        if _schedule_id(c) == mine and c.get("id") != s.resource.get("id") and c.get("id") not in gone
    ]
    taken = units.parse_time(s.resource.get("pointInTime"))
    newer = [c for c in same if taken and (at := units.parse_time(c.get("pointInTime"))) and at > taken]
    if mine is None or newer:
        return
    for tier in objects(s.found("job").resource.get("protections")):
        for x in objects(tier.get("schedules")):
            if str(x.get("sourceProtectionScheduleId")) == mine:
                words = " ".join(schedules.tiers({"protections": [{**tier, "schedules": [x]}]}) or ())
                yield Finding(
                    f"It is the newest of schedule {cell(mine)}, and schedule {cell(str(x.get('scheduleId')))} "
                    f"({cell(words, 160)}) needs a copy of that schedule as its source.",
                    Gravity.GRAVE,
                    "the source of a schedule",
                    f"Schedule {cell(str(x.get('scheduleId')))} needs it as its source: it is the newest of schedule "
                    f"{cell(mine)}.",
                )


def _schedule_id(copy: Mapping[str, Any]) -> str | None:
    found = item_at(copy, "scheduleInfo", "scheduleId") or item_at(copy, "scheduleInfo", "id")
    return str(found) if found is not None else None


def _forbidden(s: Subject, wanted: Mapping[str, Any]) -> str:
    """What keeps the service from it, or us from knowing what it would do."""
    copy, now = s.resource, s.now
    locked = units.parse_time(copy.get("lockedUntil"))
    for name in ("expiresAt", "lockedUntil"):
        if name not in wanted:
            continue
        new = units.parse_time(wanted[name])
        if new is None:  # may be a time to the service, and end or lock the copy: nobody can preview that
            return f"{name} {quoted(wanted[name])} is no point in time; write it like 2026-12-24T08:00:00Z."
        if locked and locked > now and new < locked:
            until = f"It is locked until {times.describe_when(locked, now)}"
            return until + (
                " and cannot expire before that." if name == "expiresAt" else "; a lock cannot be shortened."
            )
    return ""


def _expiry(s: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """What a new expiry means."""
    new, old, now = units.parse_time(wanted.get("expiresAt")), units.parse_time(s.resource.get("expiresAt")), s.now
    if new is None or new == old:
        return
    if old is None or new < old:
        span = f"expires {times.describe_span(old - new)} earlier" if old else "gets an expiry"
        past = " That is past: the service deletes it at once, or refuses." if new <= now else ""
        yield Finding(
            f"The recovery point {span}, and is deleted then.{past}",
            Gravity.GRAVE,
            "would expire at once" if past else span,
            danger=Danger.DESTROY,
        )
    else:
        yield Finding(f"It is kept {times.describe_span(new - old)} longer, and takes up its space so long.")
    until = units.parse_time(wanted.get("lockedUntil") or s.resource.get("lockedUntil"))
    if until and until > new and until > now:
        yield Finding("The lock would outlast the expiry; the service is expected to refuse that.", Gravity.NOTABLE)


def _lock(s: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """What a new lock means."""
    new, old = units.parse_time(wanted.get("lockedUntil")), units.parse_time(s.resource.get("lockedUntil"))
    if new is None or new == old:
        return
    if new <= s.now:
        yield Finding("The lock would end in the past, so it locks nothing.", Gravity.NOTABLE)
        return
    span = times.describe_span(new - s.now)
    yield Finding("", Gravity.GRAVE, f"locked: for {span}", f"LOCKED for {span}: nobody can delete it before.")
    ends = units.parse_time(s.resource.get("expiresAt"))
    if "expiresAt" not in wanted and ends and new > ends:
        yield Finding("The lock would outlast the expiry; the service is expected to refuse that.", Gravity.NOTABLE)
