"""show_dependents: what a thing stands on, what hangs on it, and what would be left if it were lost.

Things: stores, gateways, StoreOnces, orchestrators, arrays, datastores, hosts, vCenters, policies; and `unlocked
copies`, the ransomware case. All that bear a name are shown; none is picked. Knows the catalog; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from greenlake_backup_mcp.catalog.views import ASSET_KINDS
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.lists.list_tool import Answer
from greenlake_backup_mcp.text import sanitize, suggest, units

from . import loss, relations
from .clock import Clock
from .estate import Estate
from .facts import PATH_LISTS, PLAN_LISTS
from .loss import Fate, Loss, Outcome
from .question import Question, Reply, some
from .relations import Relations, Thing

UNLOCKED = "unlocked copies"
NAMED = 3  # of many, so many are named
MOST = 5  # things of one name that are shown together


@dataclass(frozen=True)
class Dependents:
    """A thing, its relations, and what would become of each asset without it (None: no copy lies on it)."""

    thing: Thing
    relations: Relations
    outcomes: tuple[loss.Outcome, ...] | None


async def answer(question: Question) -> Answer:
    """The answer. InputError for a name that nothing bears."""
    values = question.values
    return await question.answer(lambda c, e: _answer(question, find(c, e, values["name"], values.get("kind")), e))


def _answer(question: Question, dependents: Sequence[Dependents], estate: Estate) -> Answer:
    if question.json:
        every = [row for one in dependents for row in _rows(one, question.clock, every=True)]
        return question.fit({"things": [_value(one) for one in dependents], "assets": every}, "assets", estate)
    head = [line for one in dependents for line in _lines(one, question.clock, partial=_partial(estate))]
    if len(dependents) > 1:
        each = "; ".join(_bearer(one.thing) for one in dependents)
        head = [f"{len(dependents)} things bear this name, all are shown: {each}. Name one by its id or kind.", *head]
    rows = [row for one in dependents for row in _rows(one, question.clock)]
    reply = Reply(head, "Lost or falling back, worst first:", rows, "describe_asset tells why of one.")
    return reply.render(question, estate)


def find(connection: sqlite3.Connection, estate: Estate, name: str, kind: str | None) -> tuple[Dependents, ...]:
    """All things of that name or id, with what hangs on each. InputError where there is none."""
    if name.strip().casefold() in (UNLOCKED, "unlocked", "all unlocked copies", "ransomware"):
        thing = Thing("unlocked", UNLOCKED, "all copies that are not locked")
        return (Dependents(thing, Relations(loss=loss.UNLOCKED), loss.outcomes(connection, estate, loss.UNLOCKED)),)
    candidates = list(relations.list_things(connection, estate))
    wanted = name.strip().casefold()
    matches = [t for t in candidates if wanted in (t.id.casefold(), t.name.casefold()) and kind in (None, t.kind)]
    if not matches:
        raise _nothing(name, kind, candidates, estate)
    if len(matches) > MOST:
        each = "; ".join(_bearer(t) for t in matches[:MOST])
        raise InputError(f"{len(matches)} things bear the name {sanitize.quoted(name, 80)}.",
                         hint=f"Name one by its id: {each}; query_catalog has all.")  # fmt: skip
    related = [relations.RELATIONS[thing.kind](connection, estate, thing) for thing in matches]
    return tuple(
        Dependents(thing, one, (one.loss and loss.outcomes(connection, estate, one.loss)) or None)
        for thing, one in zip(matches, related, strict=True)
    )


def hanging(connection: sqlite3.Connection, estate: Estate, ident: str) -> list[str]:
    """What hangs on the thing of an id, in one line and how old that is; nothing where it is not in the catalog."""
    matches = [t for t in relations.list_things(connection, estate) if t.id == ident]
    if not matches or estate.coverage.as_of is None or "jobs" in estate.lists_unread:
        return []
    related = relations.RELATIONS[matches[0].kind](connection, estate, matches[0])
    line = _hanging(related, matches[0], Clock(estate.coverage.now, UTC), partial=_partial(estate))
    return [sanitize.cell(f"{line} As of {units.stamp(estate.coverage.as_of)}.", 900)]


def _bearer(thing: Thing) -> str:
    beside = f" in {thing.beside}" if thing.beside else ""
    return f"{relations.NOUNS[thing.kind]} {sanitize.quoted(thing.name, 60)} ({thing.id}){beside}"


def _partial(estate: Estate) -> bool:
    """Whether not all was read that numbers of jobs, assets and recovery points need."""
    return bool(estate.coverage.unread) or bool(estate.blocked_by((*PLAN_LISTS, *PATH_LISTS)))


def _nothing(name: str, kind: str | None, candidates: Iterable[Thing], estate: Estate) -> InputError:
    likely = suggest.likely_names(name, (t.name for t in candidates if kind in (None, t.kind)))
    of_kind = relations.NOUNS.get(
        kind or "", "store, gateway, StoreOnce, orchestrator, array, datastore, host, vCenter or policy"
    )
    unread = ", ".join(estate.lists_unread)
    known_to = f"among those that were read (not read yet: {unread})" if unread else "in the catalog"
    return InputError(
        f"There is no {of_kind} {sanitize.quoted(name, 80)} {known_to}.{likely}",
        hint=f"Of a machine or database describe_asset tells; {UNLOCKED!r} asks what an attack on all others leaves.",
    )


# --- rendered ------------------------------------------------------------------------------------------------------


def _some(names: Iterable[str | None]) -> str:
    return some(sorted({n for n in names if n}), NAMED)


def _lines(one: Dependents, clock: Clock, *, partial: bool) -> Iterator[str]:
    related, thing = one.relations, one.thing
    if thing.kind != "unlocked":
        ident = f" ({thing.id})" if thing.id != thing.name else ""
        yield " ".join([f"{relations.NOUNS[thing.kind]} {thing.name}{ident}.", *related.notes])
        if related.above:
            yield f"Stands on: {'; '.join(related.above)}."
        yield _hanging(related, thing, clock, partial=partial)
    if one.outcomes is not None and related.loss is not None:
        yield from _loss_lines(one.outcomes, related.loss)


def _hanging(related: Relations, thing: Thing, clock: Clock, *, partial: bool) -> str:
    """What hangs on a thing, in a sentence; `partial`: not all was read, so that numbers are the least there is."""
    hanging = []
    if related.gateways:
        hanging.append(f"{units.plural(len(related.gateways), 'gateway')} ({_some(related.gateways)})")
    if related.stores and thing.kind != "store":
        hanging.append(f"{units.plural(len(related.stores), 'store')} ({_some(s.label for s in related.stores)})")
    policies = {j.policy for j in related.jobs if j.policy}
    if related.jobs:
        idle = sum(job.suspended for job in related.jobs)
        hanging.append(f"{units.plural(len(related.jobs), 'job')}{f', {idle} suspended' if idle else ''}, of "
                       f"{_some(policies) or 'no policy'}")  # fmt: skip
    kinds = Counter(a.nobodys or ASSET_KINDS[a.kind] for a in related.assets)
    if related.assets:
        hanging.append(f"{units.plural(len(related.assets), 'asset')} ("
                       f"{', '.join(f'{n:,} {kind}' for kind, n in kinds.most_common())})")  # fmt: skip
    if related.sets:
        copies, good = sum(s.copies for s in related.sets), sum(s.good for s in related.sets)
        newest = max((s.newest_good for s in related.sets if s.newest_good), default=None)
        hanging.append(f"{units.plural(copies, 'recovery point')}, {good:,} of them good"
                       + (f", the newest of these of {clock.stamp(newest)}" if newest else ""))  # fmt: skip
    if partial:
        return f"On it hang, at least, for not all was read: {'; '.join(hanging) or 'not known yet'}."
    return f"On it hang: {'; '.join(hanging)}." if hanging else "Nothing hangs on it."


def _loss_lines(outcomes: tuple[Outcome, ...], gone: Loss) -> Iterator[str]:
    yield f"If lost ({gone.title}), of {units.plural(len(outcomes), 'asset')}: {_counted(outcomes)}."
    if any(one.on_array for one in outcomes):
        there = tuple(one for one in outcomes if one.on_array)
        yield f"Of these, {len(there):,} lie on it themselves and need their copies then: {_counted(there)}."
    if gone.detached:
        yield (f"Cloud stores behind it stay whole ({_some(gone.detached)}) and count as left; they can be read only "
               "when another gateway is put before them.")  # fmt: skip
    if gone.unlocked:
        yield "A lock keeps a broken or encrypted copy just as well: choose a point from before the attack."


_SHORT = {Fate.LOST: "lost", Fate.FALLS_BACK: "fall back", Fate.BARE: "had nothing before", Fate.UNKNOWN: "not known",
          Fate.FINE: "fine"}  # fmt: skip


def _counted(outcomes: tuple[Outcome, ...]) -> str:
    numbers = loss.counts(outcomes)
    worst = max((one.gap for one in outcomes if one.fate is Fate.FALLS_BACK), default=0)
    more = {Fate.FALLS_BACK: f" (by up to {units.duration(worst)})" if worst else ""}
    return ", ".join(f"{numbers[fate]:,} {word}{more.get(fate, '')}" for fate, word in _SHORT.items())


def _rows(one: Dependents, clock: Clock, *, every: bool = False) -> list[dict[str, Any]]:
    """The assets that are worse off, or all of them; with ids where a name is borne by several."""
    names = Counter(o.asset.name for o in one.outcomes or ())
    return [
        {
            "asset": o.asset.name, "kind": o.asset.kind,
            "id": o.asset.id if every or names[o.asset.name] > 1 else None, "fate": _SHORT[o.fate],
            "loses": units.duration(o.gap) if o.gap else None, "newestNow": clock.stamp(o.before),
            "newestLeft": clock.stamp(o.after), "left": o.place, "listed": None if o.asset.listed else "no",
        }
        for o in one.outcomes or ()
        if every or o.fate in (Fate.LOST, Fate.FALLS_BACK)
    ]  # fmt: skip


def _value(one: Dependents) -> dict[str, Any]:
    related = one.relations
    value: dict[str, Any] = {
        "kind": one.thing.kind, "id": one.thing.id, "name": one.thing.name, "standsOn": related.above,
        "notes": related.notes, "gateways": related.gateways, "stores": [s.label for s in related.stores],
        "policies": sorted({j.policy for j in related.jobs if j.policy}), "jobs": len(related.jobs),
        "suspendedJobs": sum(j.suspended for j in related.jobs), "assets": len(related.assets),
        "recoveryPoints": sum(s.copies for s in related.sets), "goodRecoveryPoints": sum(s.good for s in related.sets),
    }  # fmt: skip
    if one.outcomes is not None and related.loss is not None:
        numbers = loss.counts(one.outcomes)
        value["ifLost"] = {"assets": len(one.outcomes), **{fate.name.lower(): n for fate, n in numbers.items()},
                           "cloudStoresToReattach": list(related.loss.detached)}  # fmt: skip
    return value
