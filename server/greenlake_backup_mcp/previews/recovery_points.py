"""What deleting or changing a recovery point does: ten kinds of copy, one set of words.

Must know nothing of HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.text.sanitize import cell

from . import times
from .model import Effect, Subject, changes, counted, item_at, label, name_of, names, not_known, objects, quoted
from .reads import OWN, ReadSpec, Target, identity_of, kind_of, parent_path
from .recovery_point_facts import BUSY, GOING, recovery_point_facts, recovery_point_size
from .remaining_points import remaining_points

SNAPSHOTS = (("limit", "1000"), ("select", "id,name,pointInTime,state,expiresAt"))
BACKUPS = (("limit", "1000"), ("select", "id,name,pointInTime,state,expiresAt,sourceCopyInfo"))


def reads_for(arguments: Mapping[str, Any], target: Target) -> list[ReadSpec]:
    """The asset that the copy belongs to, and the other copies of it."""
    parent = parent_path(target.path)
    segments = target.path.split("/")
    asset = "/".join([OWN, segments[-4], segments[-3]])
    return [
        ReadSpec("asset", "the " + kind_of(parent), parent),
        ReadSpec("backups", f"the backups of the {kind_of(parent)}", f"{asset}/backups", BACKUPS),
        ReadSpec("snapshots", f"the snapshots of the {kind_of(parent)}", f"{asset}/snapshots", SNAPSHOTS),
    ]


def describe_delete(s: Subject) -> Effect:
    """A recovery point is deleted."""
    copy, now = s.resource, s.now
    locked, expires = units.parse_time(copy.get("lockedUntil")), units.parse_time(copy.get("expiresAt"))
    follows = ["The recovery point is deleted for good; nothing can be restored from it afterwards."]
    exceptions = []
    itself = identity_of(parent_path(s.target.path))[1]
    others = [d for d in objects(copy.get("associatedDatabases")) if d.get("id") != itself]
    if others:
        follows.append(f"The backed-up data of these databases in it is deleted along: {names(others)}.")
        exceptions.append(f"takes {counted(len(others), 'other database')} along")
    if chained := _chained(s):
        follows.append(f"{counted(len(chained), 'backup')} made from it can no longer use it as their source.")
    remain, note = remaining_points(s, now)
    follows += remain
    if note:
        exceptions.append(note)
    if expires and expires > now:
        exceptions.append(f"not expired: would be kept {times.describe_span(expires - now)} more")
    elif not expires:
        exceptions.append("has no expiry: would be kept for ever")
    if copy.get("state") in BUSY:
        exceptions.append(f"in use ({cell(str(copy['state']))})")
    follows.append("Where dual authorization is switched on, a second person must approve before it is gone.")
    forbidden = ""
    if locked and locked > now:
        forbidden = f"It is locked until {times.describe_when(locked, now)}; until then nobody can delete it."
    elif copy.get("state") in GOING:
        forbidden = f"It is already on its way out: state {cell(str(copy['state']))}."
    return Effect(
        title=f"Delete the {s.label}",
        facts=describe(s, copy),
        consequences=tuple(follows),
        reversibility="This cannot be undone.",
        unknown=not_known(s.found("asset"), s.found("backups"), s.found("snapshots")),
        forbidden=forbidden,
        warnings=tuple(exceptions),
        summary=_brief(s),
        size=recovery_point_size(copy),
    )


def describe_update(s: Subject) -> Effect:
    """Expiry, lock, name or description of a recovery point change."""
    copy, now = s.resource, s.now
    wanted = {name: value for name, value in s.arguments.items() if name in _FIELDS}
    follows, exceptions, forbidden, final = [], [], "", "It can be changed back."
    expiry = _expiry(wanted, copy, now)
    lock = _lock(wanted, copy, now)
    for part in (expiry, lock):
        follows += [part.sentence] if part.sentence else []
        exceptions += [part.exception] if part.exception else []
        forbidden = forbidden or part.ban
    follows += changes({n: v for n, v in wanted.items() if n in ("name", "description")}, copy, now)
    new, until = units.parse_time(wanted.get("expiresAt")), units.parse_time(wanted.get("lockedUntil"))
    ends = new or units.parse_time(copy.get("expiresAt"))
    if until and ends and until > ends and not forbidden:
        follows.append("The lock would outlast the expiry; the service is expected to refuse that.")
    ends_earlier = is_earlier(wanted, copy)
    if ends_earlier:
        final = "Once the recovery point has expired, it is gone for good."
        remain, note = remaining_points(s, max(ends_earlier, now))
        follows += remain
        exceptions += [note] if note else []
    if lock.exception:
        final = (final + " " if ends_earlier else "") + "The lock cannot be undone."
    return Effect(
        title=f"Change the {s.label}",
        facts=describe(s, copy),
        consequences=tuple(follows),
        reversibility=final,
        unknown=not_known(s.found("asset"), s.found("backups"), s.found("snapshots")),
        forbidden=forbidden,
        warnings=tuple(exceptions),
        summary=_brief(s),
    )


@dataclass(frozen=True)
class _Part:
    """What one field's new value does: in a sentence, in a word where it is remarkable, and what forbids it."""

    sentence: str = ""
    exception: str = ""
    ban: str = ""


_FIELDS = ("name", "description", "expiresAt", "lockedUntil")


def describe(s: Subject, copy: Mapping[str, Any]) -> tuple[str, ...]:
    """A recovery point in three lines: of what, how old and big, how long it lasts."""
    lines = []
    asset = s.found("asset")
    if asset.known:
        lines.append(f"of {label(asset.words.removeprefix('the '), asset.resource)}")
    lines.append("; ".join(recovery_point_facts(copy, s.now)))
    return tuple(lines)


def _brief(s: Subject) -> str:
    asset, copy = s.found("asset"), s.resource
    parts = [label("", copy, identity_of(s.target.path)[1]).strip()]
    if asset.known:
        parts.append(f"of {name_of(asset.resource)}")
    if copy.get("pointInTime"):
        parts.append(f"taken {times.describe_time(copy['pointInTime'], s.now)}")
    if copy.get("expiresAt"):
        parts.append(f"expires {times.describe_time(copy['expiresAt'], s.now)}")
    if size := recovery_point_size(copy):
        parts.append(f"size {units.size(size)}")
    return ", ".join(parts)


def _chained(s: Subject) -> list[Mapping[str, Any]]:
    return [b for b in s.found("backups").items if item_at(b, "sourceCopyInfo", "id") == s.resource.get("id")]


def ends_of(method: str, arguments: Mapping[str, Any], target: Target, now: datetime) -> dict[str, datetime]:
    """When the target of a call is gone, by its path; {} where the call does not end it."""
    ends = now if method == "DELETE" else is_earlier(arguments, target.resource) if method == "PATCH" else None
    return {target.path: max(ends, now)} if ends else {}


def is_earlier(wanted: Mapping[str, Any], copy: Mapping[str, Any]) -> datetime | None:
    """The new expiry of a copy where it ends it earlier than now planned."""
    new, old = units.parse_time(wanted.get("expiresAt")), units.parse_time(copy.get("expiresAt"))
    return new if new and (old is None or new < old) else None


def _unparsable_time(name: str, given: Any) -> _Part:
    """What is no point in time to us may be one to the service, and end or lock the copy: nobody can preview that."""
    return _Part(ban=f"{name} {quoted(given)} is no point in time; write it like 2026-12-24T08:00:00Z.")


def _expiry(wanted: Mapping[str, Any], copy: Mapping[str, Any], now: datetime) -> _Part:
    """The sentence on a new expiry, what is remarkable in it, and what forbids it."""
    if "expiresAt" not in wanted:
        return _Part()
    new, old = units.parse_time(wanted["expiresAt"]), units.parse_time(copy.get("expiresAt"))
    locked = units.parse_time(copy.get("lockedUntil"))
    if new is None:
        return _unparsable_time("expiresAt", wanted["expiresAt"])
    ban = ""
    if locked and locked > now and new < locked:
        ban = f"It is locked until {times.describe_when(locked, now)} and cannot expire before that."
    if old is None:
        sentence = f"It had no expiry; it would expire {times.describe_when(new, now)}, and is deleted then."
    elif new == old:
        return _Part(f"Its expiry stays {times.describe_when(old, now)}.")
    elif new < old:
        sentence = (
            f"It expires {times.describe_span(old - new)} earlier: {times.describe_when(new, now)} "
            f"instead of {times.describe_when(old, now)}, and is deleted then."
        )
    else:
        sentence = (
            f"It is kept {times.describe_span(new - old)} longer: until {times.describe_when(new, now)} "
            f"instead of {times.describe_when(old, now)}, and takes up its space so long."
        )
    if new <= now:
        sentence += " That is past: the service deletes it at once, or refuses."
        return _Part(sentence, "would expire at once", ban)
    return _Part(sentence, f"expires {times.describe_span(old - new)} earlier" if old and new < old else "", ban)


def _lock(wanted: Mapping[str, Any], copy: Mapping[str, Any], now: datetime) -> _Part:
    if "lockedUntil" not in wanted:
        return _Part()
    new, old = units.parse_time(wanted["lockedUntil"]), units.parse_time(copy.get("lockedUntil"))
    if new is None:
        return _unparsable_time("lockedUntil", wanted["lockedUntil"])
    if old and old > now and new < old:
        sentence = f"The lock would end {times.describe_span(old - new)} earlier, {times.describe_when(new, now)}."
        return _Part(sentence, "", f"It is locked until {times.describe_when(old, now)}; a lock cannot be shortened.")
    if old and new == old:
        return _Part(f"Its lock stays until {times.describe_when(old, now)}.")
    if new <= now:
        return _Part(f"The lock would end {times.describe_when(new, now)}: that is past, so it locks nothing.")
    sentence = (
        f"It is LOCKED until {times.describe_when(new, now)}: nobody can delete it or shorten its expiry before, "
        "whatever it costs, and the lock cannot be taken back."
    )
    return _Part(sentence, f"locked: for {times.describe_span(new - now)}")
