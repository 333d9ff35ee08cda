"""show_dependents: what a thing stands on, what hangs on it, and what would be left if it were lost.

Things: stores, gateways, StoreOnces, orchestrators, arrays, datastores, hosts, vCenters, policies; and `unlocked
copies`, the ransomware case. All that bear a name are shown; none is picked. Knows the catalog; sends nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from greenlake_backup_mcp.catalog.answer import Answer, fit_json
from greenlake_backup_mcp.catalog.views import ASSET_KINDS
from greenlake_backup_mcp.errors import InputError
from greenlake_backup_mcp.text import sanitize, suggest, units

from . import loss, systems
from .clock import Clock
from .facts import Asset, CopySet, Estate, Job, Store
from .loss import Fate, Loss, Outcome
from .question import Question, Reply
from .systems import Systems

UNLOCKED = "unlocked copies"
NOUNS = {
    "store": "store", "gateway": "gateway", "storeonce": "StoreOnce", "orchestrator": "orchestrator", "array": "array",
    "datastore": "datastore", "host": "host", "vcenter": "vCenter", "policy": "policy",
}  # fmt: skip
NAMED = 3  # of many, so many are named
MOST = 5  # things of one name that are shown together
Lookup = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Thing:
    """What is asked about: its kind as an argument names it, its id (the name of arrays and hosts), its name."""

    kind: str
    id: str
    name: str


@dataclass
class Relations:
    """What a thing stands on (`above`, in words), and what hangs on it."""

    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    sets: list[CopySet] = field(default_factory=list)
    loss: Loss | None = None


@dataclass(frozen=True)
class Dependents:
    """A thing, its relations, and what would become of each asset without it (None: no copy lies on it)."""

    thing: Thing
    relations: Relations
    outcomes: tuple[loss.Outcome, ...] | None


async def answer(question: Question) -> Answer:
    """The answer. InputError for a name that nothing bears."""
    values = question.values
    found, estate = await question.ask(lambda c, e: find(c, e, values["name"], values.get("kind")))
    if question.json:
        value = {"things": [_value(one, question.clock) for one in found], "assets": [], "coverage":
                 estate.coverage.value()}  # fmt: skip
        value["assets"] = [row for one in found for row in _rows(one, question.clock, estate, every=True)]
        return Answer(value=fit_json(value, "assets", question.room))
    reply = Reply()
    if len(found) > 1:
        each = "; ".join(f"{NOUNS[one.thing.kind]} {one.thing.name} ({one.thing.id})" for one in found)
        reply.head.append(f"{len(found)} things bear this name, all are shown: {each}. Name one by its id or kind.")
    rows: list[dict[str, Any]] = []
    for one in found:
        reply.head += _lines(one, question.clock, partial=_partial(estate))
        rows += _rows(one, question.clock, estate)
    reply.title = "Lost or falling back, worst first:"
    reply.rows, reply.total = rows[: question.limit], len(rows)
    reply.rest = "limit shows more, output json all; describe_asset tells why of one."
    return reply.render(question, estate)


def find(connection: sqlite3.Connection, estate: Estate, name: str, kind: str | None) -> tuple[Dependents, ...]:
    """All things of that name or id, with what hangs on each. InputError where there is none."""
    if name.strip().casefold() in (UNLOCKED, "unlocked", "all unlocked copies", "ransomware"):
        thing = Thing("unlocked", UNLOCKED, "all copies that are not locked")
        return (Dependents(thing, Relations(loss=loss.UNLOCKED), loss.outcomes(connection, estate, loss.UNLOCKED)),)
    around = systems.read(connection)
    things = list(_things(connection, estate, around))
    wanted = name.strip().casefold()
    matches = [t for t in things if wanted in (t.id.casefold(), t.name.casefold()) and kind in (None, t.kind)]
    if not matches:
        raise _nothing(name, kind, things, estate)
    found = []
    if len(matches) > MOST:
        each = "; ".join(f"{NOUNS[t.kind]} {sanitize.quoted(t.name, 60)} ({t.id})" for t in matches[:MOST])
        raise InputError(f"{len(matches)} things bear the name {sanitize.quoted(name, 80)}.",
                         hint=f"Name one by its id: {each}; query_catalog has all.")  # fmt: skip
    for thing in matches:
        relations = RELATIONS[thing.kind](connection, estate, around, thing)
        gone = relations.loss and loss.outcomes(connection, estate, relations.loss)
        found.append(Dependents(thing, relations, gone or None))
    return tuple(found)


def hanging(connection: sqlite3.Connection, estate: Estate, ident: str) -> list[str]:
    """What hangs on the thing of an id, in one line and how old that is; nothing where it is not in the catalog."""
    around = systems.read(connection)
    found = [t for t in _things(connection, estate, around) if t.id == ident]
    if not found or estate.coverage.as_of is None or "jobs" in estate.lists_unread:
        return []
    relations = RELATIONS[found[0].kind](connection, estate, around, found[0])
    line = _hanging(relations, found[0], Clock(estate.coverage.now, UTC), partial=_partial(estate))
    return [sanitize.cell(f"{line} As of {units.stamp(estate.coverage.as_of)}.", 900)]


def _partial(estate: Estate) -> bool:
    """Whether not all was read that numbers of jobs, assets and recovery points need."""
    return bool(estate.coverage.unread) or any(name in estate.lists_unread for name in (*loss.COVERS, *loss.PATHS))


def _nothing(name: str, kind: str | None, things: Iterable[Thing], estate: Estate) -> InputError:
    known = {t.name for t in things if kind in (None, t.kind)}
    near = [*suggest.near_names(name, known, 3), *(n for n in sorted(known) if name.casefold() in n.casefold())]
    meant = " or ".join(sanitize.quoted(n, 80) for n in list(dict.fromkeys(near))[:4])
    of_kind = NOUNS.get(
        kind or "", "store, gateway, StoreOnce, orchestrator, array, datastore, host, vCenter or policy"
    )
    likely = f" Did you mean {meant}?" if meant else ""
    unread = ", ".join(estate.lists_unread)
    known_to = f"among those that were read (not read yet: {unread})" if unread else "in the catalog"
    return InputError(
        f"There is no {of_kind} {sanitize.quoted(name, 80)} {known_to}.{likely}",
        hint=f"Of a machine or database describe_asset tells; {UNLOCKED!r} asks what an attack on all others leaves.",
    )


def _things(connection: sqlite3.Connection, estate: Estate, around: Systems) -> Iterator[Thing]:
    for store in estate.stores.values():
        if store.gone is None:
            yield Thing("store", store.id, store.label)
    for kind in ("gateway", "storeonce", "orchestrator", "vcenter"):
        for ident, row in getattr(around, f"{kind}s").items():
            yield Thing(kind, ident, row["name"] or ident)
    for ident, name in connection.execute("SELECT id, name FROM main.policies WHERE gone IS NULL"):
        yield Thing("policy", ident, name or ident)
    arrays = {n for a in estate.assets.values() for n in (a.arrays or "").split(", ")} | {
        one.array or "" for a in estate.assets.values() for one in a.sets
    }
    yield from (Thing("array", n, n) for n in sorted(arrays - {""}))
    hosts = {a.host for a in estate.assets.values() if a.host and a.gone is None}
    yield from (Thing("host", n, n) for n in sorted(hosts))
    yield from (Thing("datastore", a.id, a.name) for a in estate.assets.values() if a.kind == "datastore" and a.listed)


# --- related -------------------------------------------------------------------------------------------------------


def _on_stores(estate: Estate, stores: Iterable[Store], relations: Relations) -> Relations:
    """Jobs that write to the stores, assets that these cover or whose copies are there, and those copies."""
    relations.stores = list(stores)
    ids = {store.id for store in relations.stores}
    relations.jobs += [j for j in estate.jobs.values() if any(s.store_id in ids for s in j.schedules)
                       and j not in relations.jobs]  # fmt: skip
    relations.sets += [one for a in estate.assets.values() for one in a.sets if one.store_id in ids]
    return _with_assets(estate, relations, ids)


def _with_assets(estate: Estate, relations: Relations, stores: Iterable[str] = ()) -> Relations:
    ids, jobs = set(stores), {job.id for job in relations.jobs}
    relations.assets += [
        a for a in estate.workloads
        if a not in relations.assets
        and (any(c.job.id in jobs for c in a.covers) or any(one.store_id in ids for one in a.all_sets))
    ]  # fmt: skip
    return relations


def _states(row: Any) -> str:
    return ", ".join(dict.fromkeys(str(row[k]) for k in ("health", "state", "connection") if row.get(k)))


def _health(row: Any) -> str:
    return f"{row['name']} ({_states(row)})"


def _store(connection: sqlite3.Connection, estate: Estate, around: Systems, thing: Thing) -> Relations:
    store = estate.stores[thing.id]
    found = Relations(loss=loss.of_store(store))
    system = around.of_store(store.system_id)
    found.above += [_health(system)] if system else [store.system] if store.system else []
    found.above += [_health(around.orchestrators[i]) for i in _ids(store.orchestrator_ids) if i in around.orchestrators]
    found.above += [f"arrays under its gateway: {', '.join(sorted(store.arrays))}"] if store.arrays else []
    if store.type == "CLOUD":
        found.above.append(f"cloud {store.region or store.location or ''}".strip())
    room = f" of {units.size(store.capacity)}" if store.capacity else ", no maximum: a cloud store is never full"
    if store.used is not None:
        percent = f", {100 * store.used / store.capacity:.0f} %" if store.capacity else ""
        found.notes.append(f"Holds {units.size(store.used)}{room}{percent}.")
    _on_stores(estate, [store], found)
    lock = max((one.last_lock_good or 0 for one in found.sets), default=0)
    if lock > estate.now:
        longest = units.duration(lock - estate.now)
        found.notes.append(f"Some of it is locked, the longest for {longest}: no deletion frees that space before.")
    return found


def _system(connection: sqlite3.Connection, estate: Estate, around: Systems, thing: Thing) -> Relations:
    row = around.of_store(thing.id) or {}
    found = Relations(loss=loss.of_system(estate, thing.id, f"{NOUNS[thing.kind]} {thing.name}"))
    reason = row.get("reason")
    found.notes.append(f"{_states(row)}{f': {reason}' if reason else ''}.")
    vm = estate.assets.get(str(row.get("vm_id")))
    found.above += [f"VM {vm.name}" + (f" on host {vm.host}" if vm.host else "")] if vm else []
    disks = [estate.assets[i].name for i in _ids(row.get("datastore_ids")) if i in estate.assets]
    found.above += [f"datastores {', '.join(disks)}"] if disks else []
    behind = [s for s in estate.stores.values() if s.system_id == thing.id and s.gone is None]
    arrays = sorted({a for s in behind for a in s.arrays})
    found.above += [f"arrays {', '.join(arrays)}"] if arrays else []
    orchestrators = [row.get("orchestrator_id") or "", *_ids(row.get("orchestrator_ids"))]
    found.above += [_health(around.orchestrators[i]) for i in orchestrators if i in around.orchestrators]
    return _on_stores(estate, behind, found)


def _orchestrator(connection: sqlite3.Connection, estate: Estate, around: Systems, thing: Thing) -> Relations:
    row = around.orchestrators[thing.id]
    found = Relations(jobs=[j for j in estate.jobs.values() if j.orchestrator_id == thing.id])
    found.gateways = [g["name"] for g in around.gateways.values() if g["orchestrator_id"] == thing.id]
    found.notes.append(f"{_states(row)}. No copy lies on it: without it its jobs stop, and stores that no other one "
                       "serves cannot be read until a new one has its catalogue.")  # fmt: skip
    centers = [v["name"] for v in around.vcenters.values() if v["orchestrator_id"] == thing.id]
    found.above += [f"serves vCenters {', '.join(map(str, centers))}"] if centers else []
    alone = [s for s in estate.stores.values() if s.gone is None and _ids(s.orchestrator_ids) == [thing.id]]
    return _on_stores(estate, alone, found)


def _array(connection: sqlite3.Connection, estate: Estate, around: Systems, thing: Thing) -> Relations:
    found = Relations(loss=loss.of_array(estate, thing.name))
    found.assets = [a for a in estate.workloads if thing.name in (a.arrays or "").split(", ")]
    found.sets = [one for a in estate.assets.values() for one in a.sets if one.array == thing.name]
    return _on_stores(estate, [s for s in estate.stores.values() if thing.name in s.arrays and s.gone is None], found)


def _policy(connection: sqlite3.Connection, estate: Estate, around: Systems, thing: Thing) -> Relations:
    found = Relations(jobs=[j for j in estate.jobs.values() if j.policy_id == thing.id])
    rows = connection.execute("SELECT DISTINCT store_id FROM main.policy_schedules WHERE policy_id = ?", (thing.id,))
    found.above += [f"store {estate.stores[i].label}" for (i,) in rows if i in estate.stores]
    _with_assets(estate, found)
    ends = sorted(end for a in found.assets if (end := a.ends(estate.now)) is not None and end != float("inf"))
    first = f", the first asset is without one in {units.duration(ends[0] - estate.now)}" if ends else ""
    found.notes.append(f"If it went, its jobs would stop; copies stay until they expire{first}.")
    return found


def _place(connection: sqlite3.Connection, estate: Estate, around: Systems, thing: Thing) -> Relations:
    """A datastore, host or vCenter: the machines there, and the gateways among them with their stores."""
    on_it = "SELECT member_id FROM main.members WHERE owner_kind = 'datastore' AND owner_id = ?"
    members = {row[0] for row in connection.execute(on_it, (thing.id,))}  # by id: names of datastores repeat
    test: dict[str, Callable[[Asset], bool]] = {
        "datastore": lambda a: a.id in members,
        "host": lambda a: a.host == thing.name,
        "vcenter": lambda a: a.vcenter == thing.name,
    }
    there = [a for a in estate.assets.values() if a.gone is None and a.id != thing.id and test[thing.kind](a)]
    ids = {a.id for a in there}
    gateways = {
        i: g for i, g in around.gateways.items() if g["vm_id"] in ids or thing.id in _ids(g["datastore_ids"])
    }  # fmt: skip
    found = Relations(
        assets=[a for a in there if a in estate.workloads], gateways=[g["name"] for g in gateways.values()]
    )
    found.jobs = [j for j in estate.jobs.values() if j.asset_id == thing.id]
    stores = [s for s in estate.stores.values() if s.system_id in gateways and s.gone is None]
    if thing.kind == "datastore" and stores:
        local = frozenset(s.id for s in stores if s.type != "CLOUD")
        found.loss = Loss(
            f"datastore {thing.name}", local, detached=tuple(s.label for s in stores if s.type == "CLOUD")
        )
    return _on_stores(estate, stores, found)


RELATIONS: dict[str, Callable[[sqlite3.Connection, Estate, Systems, Thing], Relations]] = {
    "store": _store, "gateway": _system, "storeonce": _system, "orchestrator": _orchestrator, "array": _array,
    "policy": _policy, "datastore": _place, "host": _place, "vcenter": _place,
}  # fmt: skip


def _ids(text: str | None) -> list[str]:
    return [one for one in (text or "").split(", ") if one]


# --- rendered ------------------------------------------------------------------------------------------------------


def _some(names: Iterable[str | None]) -> str:
    found = sorted({n for n in names if n})
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return f"{', '.join(found[:NAMED])}{more}"


def _lines(one: Dependents, clock: Clock, *, partial: bool) -> Iterator[str]:
    found, thing = one.relations, one.thing
    if thing.kind != "unlocked":
        ident = f" ({thing.id})" if thing.id != thing.name else ""
        yield " ".join([f"{NOUNS[thing.kind]} {thing.name}{ident}.", *found.notes])
        if found.above:
            yield f"Stands on: {'; '.join(found.above)}."
        yield _hanging(found, thing, clock, partial=partial)
    if one.outcomes is not None and found.loss is not None:
        yield from _loss_lines(one.outcomes, found.loss)


def _hanging(found: Relations, thing: Thing, clock: Clock, *, partial: bool) -> str:
    """What hangs on a thing, in a sentence; `partial`: not all was read, so that numbers are the least there is."""
    hanging = []
    if found.gateways:
        hanging.append(f"{units.plural(len(found.gateways), 'gateway')} ({_some(found.gateways)})")
    if found.stores and thing.kind != "store":
        hanging.append(f"{units.plural(len(found.stores), 'store')} ({_some(s.label for s in found.stores)})")
    policies = {j.policy for j in found.jobs if j.policy}
    if found.jobs:
        idle = sum(job.suspended for job in found.jobs)
        hanging.append(f"{units.plural(len(found.jobs), 'job')}{f', {idle} suspended' if idle else ''}, of "
                       f"{_some(policies) or 'no policy'}")  # fmt: skip
    kinds = Counter(a.nobodys or ASSET_KINDS[a.kind] for a in found.assets)
    if found.assets:
        hanging.append(f"{units.plural(len(found.assets), 'asset')} ("
                       f"{', '.join(f'{n:,} {kind}' for kind, n in kinds.most_common())})")  # fmt: skip
    if found.sets:
        copies, good = sum(s.copies for s in found.sets), sum(s.good for s in found.sets)
        newest = max((s.newest for s in found.sets if s.newest), default=None)
        hanging.append(f"{units.plural(copies, 'recovery point')}, {good:,} of them good, the newest of "
                       f"{clock.stamp(newest)}")  # fmt: skip
    if partial:
        return f"On it hang, at least, for not all was read: {'; '.join(hanging) or 'not known yet'}."
    return f"On it hang: {'; '.join(hanging)}." if hanging else "Nothing hangs on it."


def _loss_lines(found: tuple[Outcome, ...], gone: Loss) -> Iterator[str]:
    yield f"If lost ({gone.title}), of {units.plural(len(found), 'asset')}: {_counted(found)}."
    if any(one.on_array for one in found):
        there = tuple(one for one in found if one.on_array)
        yield f"Of these, {len(there):,} lie on it themselves and need their copies then: {_counted(there)}."
    if gone.detached:
        yield (f"Cloud stores behind it stay whole ({_some(gone.detached)}) and count as left; they can be read only "
               "when another gateway is put before them.")  # fmt: skip
    if gone.unlocked:
        yield "A lock keeps a broken or encrypted copy just as well: choose a point from before the attack."


_SHORT = {Fate.LOST: "lost", Fate.FALLS_BACK: "fall back", Fate.BARE: "had nothing before", Fate.UNKNOWN: "not known",
          Fate.FINE: "fine"}  # fmt: skip


def _counted(found: tuple[Outcome, ...]) -> str:
    numbers = loss.counts(found)
    worst = max((one.gap for one in found if one.fate is Fate.FALLS_BACK), default=0)
    more = {Fate.FALLS_BACK: f" (by up to {units.duration(worst)})" if worst else ""}
    return ", ".join(f"{numbers[fate]:,} {word}{more.get(fate, '')}" for fate, word in _SHORT.items())


def _rows(one: Dependents, clock: Clock, estate: Estate, *, every: bool = False) -> list[dict[str, Any]]:
    """The assets that are worse off, or all of them."""
    return [
        {
            "asset": o.asset.name, "kind": o.asset.kind, "id": o.asset.id if every else None, "fate": _SHORT[o.fate],
            "loses": units.duration(o.gap) if o.gap else None, "newestNow": clock.stamp(o.before),
            "newestLeft": clock.stamp(o.after), "left": o.place, "listed": None if o.asset.listed else "no",
        }
        for o in one.outcomes or ()
        if every or o.fate in (Fate.LOST, Fate.FALLS_BACK)
    ]  # fmt: skip


def _value(one: Dependents, clock: Clock) -> dict[str, Any]:
    found = one.relations
    value: dict[str, Any] = {
        "kind": one.thing.kind, "id": one.thing.id, "name": one.thing.name, "standsOn": found.above,
        "notes": found.notes, "gateways": found.gateways, "stores": [s.label for s in found.stores],
        "policies": sorted({j.policy for j in found.jobs if j.policy}), "jobs": len(found.jobs),
        "suspendedJobs": sum(j.suspended for j in found.jobs), "assets": len(found.assets),
        "recoveryPoints": sum(s.copies for s in found.sets), "goodRecoveryPoints": sum(s.good for s in found.sets),
    }  # fmt: skip
    if one.outcomes is not None and found.loss is not None:
        numbers = loss.counts(one.outcomes)
        value["ifLost"] = {"assets": len(one.outcomes), **{fate.name.lower(): n for fate, n in numbers.items()},
                           "cloudStoresToReattach": list(found.loss.detached)}  # fmt: skip
    return value
