"""The recovery points that go with stores: how many, of whom, and what their assets are left with.

Whoever has recovery points may have them in any store: members of groups, assets that no job protects any more, copies
made by hand. What could not be read within the bound is named. Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.text import units
from greenlake_backup_mcp.tools.danger import Danger

from .copy_holders import HOLDERS, Holder, holders_of
from .model import MOST_FIRST, Finding, Subject, grave, notable
from .phrases import item_at, listed, name_of
from .reads import WHOLE, ReadSpec, path_of
from .recoverability import Copy, lost_kinds
from .recovery_point_facts import GOING, flaw_of, is_locked, store_of_copy
from .tenant_facts import SETTINGS, STORES, leaving_stores

MOST_READS = 80  # lists of copies read for a preview: each is a request, and services allow so many a minute
EVERY_STORE = replace(STORES, name="every store")  # whether copies elsewhere can be reached
READS = (EVERY_STORE, SETTINGS, *HOLDERS)
NOTHING_KNOWN: Copy = {}  # stands for snapshots that were not read
NOTHING = "NOTHING"
DETACHED = "nothing off the array in reach"
# TABLE: what becomes of assets, the worst first: in the first line, and what is said of it besides
FATES: Mapping[str, tuple[str, str]] = {
    NOTHING: ("NOTHING is left of {who}", ""),
    **{
        kind: (f"LAST recovery points {kind} of {{who}}", words)
        for kind, words in (
            ("off the array", " Snapshots at most are left of them; they share the array's fate."),
            ("off site", " What is left of them lies on premises or on the array."),
            ("that are verified", ""),
            ("that are locked", ""),
        )
    },
    DETACHED: (
        "Nothing off the array is in reach of {who}",
        " That lasts until the cloud stores on it are reattached.",
    ),
}


@dataclass(frozen=True)
class Loss:
    """What one asset loses with the stores, and what it is left with."""

    holder: Holder
    inside: list[Copy]
    fates: list[str] = field(default_factory=list)  # of FATES, the worst first
    bare: bool = False  # nothing of it could be restored before either
    flawed: bool = False  # what is left of it cannot be relied on, or not be reached
    whole: bool = True


def backup_reads(s: Subject) -> list[ReadSpec]:
    """The backups of whoever may have some in the stores, those who lose most first; as many as the bound allows."""
    specs: list[ReadSpec] = []
    cost = 0
    for holder in holders_of(s, lost_stores(s)):
        cost += 2 if holder.risk < 2 else 1  # their snapshots will have to be read too
        if cost > MOST_READS:
            break
        specs.append(_copies_of(holder, "backups"))
    return specs


def snapshot_reads(s: Subject) -> list[ReadSpec]:
    """The snapshots of those assets that have no usable backup elsewhere."""
    read = [holder for holder in holders_of(s, lost_stores(s)) if _is_read(s, holder)]
    bare = [holder for holder in read if _inside(s, holder) and not _usable(s, holder, ("backups",))]
    return [_copies_of(holder, "snapshots") for holder in bare[: MOST_READS - len(read)]]


def further_reads(s: Subject) -> list[ReadSpec]:
    """The backups of further assets, where room for requests is left."""
    done = sum(name.startswith(("backups ", "snapshots ")) for name in s.facts)
    unread = [holder for holder in holders_of(s, lost_stores(s)) if f"backups {holder.path}" not in s.facts]
    return [_copies_of(holder, "backups") for holder in unread[: MOST_READS - done]]


def _is_read(s: Subject, holder: Holder) -> bool:
    """Whether its backups are known; what a job names that is not there has none."""
    result = s.read(f"backups {holder.path}")
    return result.available or result.missing


def _copies_of(holder: Holder, place: str) -> ReadSpec:
    return ReadSpec(f"{place} {holder.path}", f"{place} of an asset", f"{holder.path}/{place}", WHOLE, quiet=True)


def lost_copies(s: Subject, *what: str, forced: bool = True) -> Iterator[Finding]:
    """The recovery points in stores that go, and what their assets are left with.

    `what` goes: a clause for the first line, in forms that get shorter.
    """
    every = holders_of(s, lost_stores(s))
    losses = [_loss(s, holder) for holder in every if _is_read(s, holder)]
    lose = [loss for loss in losses if loss.inside]
    whole = len(losses) == len(every) and all(loss.whole for loss in losses) and _all_known(s)
    part = "" if whole else "at least "
    yield from tell_fates(lose, part, what, Danger.DESTROY if forced else Danger.DISRUPT)
    yield from _counted(s, lose, part)
    if bare := [loss.holder.name for loss in lose if loss.bare]:
        yield notable(
            f"Of {part}{units.plural(len(bare), 'asset')} nothing could be restored before, either: {listed(bare)}."
        )
    if lasting := sum(not loss.fates and not loss.bare for loss in lose):
        yield Finding(
            f"Left with usable recovery points of each kind that they lose: {part}{units.plural(lasting, 'asset')}."
        )
    yield from _uncovered(s, every, losses)


def fates_of(going: list[tuple[str, Copy]], left: list[tuple[str, Copy]], now: datetime) -> list[str]:
    """What becomes of an asset, in FATES, when of its usable copies some go and some are left."""
    return [kind.replace("that is", "that are") for kind in lost_kinds(going, left, now)] if left else [NOTHING]


def tell_fates(lose: list[Loss], part: str, what: tuple[str, ...], danger: Danger) -> Iterator[Finding]:
    """What becomes of whom, the worst first; the first line also tells what becomes of the most others, where it fits.

    `what` goes: a clause for the first line, in forms that get shorter.
    """
    whose = {fate: some for fate in FATES if (some := [loss for loss in lose if fate in loss.fates])}
    counts = {fate: part + units.plural(len(some), "asset") for fate, some in whose.items()}
    for n, (fate, some) in enumerate(whose.items()):
        lead, more = FATES[fate]
        names_, flawed = [loss.holder.name for loss in some], sum(loss.flawed for loss in some)
        keep = "keeps" if flawed == 1 else "keep"
        more += f" {flawed:,} of them {keep} recovery points that are flawed or out of reach." if flawed else ""
        words = lead.format(who=counts[fate])
        second = max([*whose][n + 1 :], key=lambda other: len(whose[other]), default="")
        also = f"; {'LAST ' * (second != DETACHED)}{second.removeprefix('that are ')} of {counts.get(second, '')}"
        brief = also.removesuffix("s").removesuffix(" asset")
        clauses = [f": {clause}." for clause in what]
        forms = [f"{words}{besides}{clause}" for clause in clauses for besides in (also, brief)] if second else []
        forms += [f"{words}{brief}."] if second else [f"{words}{clause}" for clause in clauses]
        short = next((form for form in forms if len(form) <= MOST_FIRST), f"{words}{clauses[-1]}")
        marked = f"{lead.format(who='assets')}: {counts[fate]}"
        finding = grave(f"{words}: {listed(names_)}.{more}", marked, short, danger)
        yield replace(finding, binds=tuple(lead.format(who=name) for name in names_))


def _counted(s: Subject, lose: list[Loss], part: str) -> Iterator[Finding]:
    """How many recovery points lie in the stores, locked ones and those that no schedule makes again."""
    copies = [(loss.holder, copy) for loss in lose for copy in loss.inside]
    if locked := sum(is_locked(copy, s.now) for _, copy in copies):
        refusal = "their locks do not keep them" if s.method == "POST" else "the service may refuse because of them"
        yield grave(f"LOCKED copies in it: {part}{locked:,}; {refusal}.", "holds locked copies")
    by_hand = [f"{name_of(copy)} of {holder.name}" for holder, copy in copies if not item_at(copy, "scheduleInfo")]
    if by_hand:
        words = f"No schedule makes these again: {part}{len(by_hand):,}: {listed(by_hand)}."
        yield replace(notable(words, f"holds copies made by hand: {len(by_hand):,}"), binds=tuple(by_hand))
    none = "" if locked else ", none of them locked" if not part else ", none of those read locked"
    words = f"Recovery points in it: {part}{len(copies):,}, of {part}{units.plural(len(lose), 'asset')}{none}."
    yield notable("How many recovery points are in it is not known." if part and not copies else words)


def _all_known(s: Subject) -> bool:
    return all(s.read(name).whole for name in ("jobs", "every store", *(spec.name for spec in HOLDERS)))


def _uncovered(s: Subject, every: list[Holder], losses: list[Loss]) -> Iterator[Finding]:
    """Whose recovery points were not counted."""
    read = {loss.holder.path for loss in losses}
    missed = [holder for holder in every if holder.path not in read]
    if missed:
        near = [holder.name for holder in missed if holder.risk in (0, 2)]
        far = [holder.name for holder in missed if holder.risk not in (0, 2)]
        parts = (
            [f"{len(near):,} that {'backs' if len(near) == 1 else 'back'} up to it ({listed(near)})"] if near else []
        )
        parts += [f"{len(far):,} without a job that writes to it ({_some(far)})"] if far else []
        yield notable(f"Counted for {len(losses):,} of {len(every):,} assets. NOT counted: {'; '.join(parts)}.")
    if unknown := [result.words for spec in HOLDERS if not (result := s.read(spec.name)).whole]:
        yield notable(f"Not counted either: recovery points of those not listed among {listed(unknown)}.")


def _some(names_: list[str]) -> str:
    return ", ".join(names_[:3]) + (f" and {len(names_) - 3:,} more" if len(names_) > 3 else "")


# --- what they lose ---------------------------------------------------------------------------------------------------


def stores_on(s: Subject) -> list[Mapping[str, Any]]:
    """The stores on the target, a gateway or StoreOnce."""
    mine = s.resource.get("id")
    return [x for x in s.read("stores").items if item_at(x, "storageSystemInfo", "id") == mine]


def lost_stores(s: Subject) -> set[Any]:
    """The ids of the stores that go: the target itself, or those on its disks; and those that go along in a plan."""
    along = leaving_stores(s)
    if s.target.kind == "protection store":
        return {s.resource.get("id")} | along
    return {x.get("id") for x in stores_on(s) if x.get("protectionStoreType") != "CLOUD"} | along


def _inside(s: Subject, holder: Holder) -> list[Copy]:
    mine = {s.resource.get("id")} if s.target.kind == "protection store" else {x.get("id") for x in stores_on(s)}
    lost = mine & lost_stores(s)
    return [c for c in s.read(f"backups {holder.path}").items if store_of_copy(c, {}).get("id") in lost]


def _usable(s: Subject, holder: Holder, places: Iterable[str]) -> list[tuple[str, Copy]]:
    """The copies of an asset that can be relied on and are left when the stores are gone."""
    lost, stores = lost_stores(s), {store.get("id"): store for store in s.read("every store").items}
    if s.operation == "ProtectionStoreGatewayRecover":  # which reattaches the cloud stores of the old gateway
        back = {"connectedState": "CONNECTED", "state": "ONLINE"}
        stores |= {x.get("id"): {**x, **back} for x in stores_on(s) if x.get("id") not in lost}
    return [
        (place, copy)
        for place in places
        for copy in s.read(f"{place} {holder.path}").items
        if store_of_copy(copy, {}).get("id") not in lost
        and not flaw_of(copy, s.now, stores)
        and copy.get("state") not in GOING
        and path_of(holder.path, place, copy.get("id")) not in s.leaving
    ]


def _loss(s: Subject, holder: Holder) -> Loss:
    inside, snapshots = _inside(s, holder), s.read(f"snapshots {holder.path}")
    backups = s.read(f"backups {holder.path}")
    whole = backups.whole or backups.missing
    going = [("backups", copy) for copy in inside if not flaw_of(copy, s.now) and copy.get("state") not in GOING]
    left = _usable(s, holder, ("backups", "snapshots"))
    if not going:
        return Loss(holder, inside, bare=bool(inside) and not left and snapshots.available, whole=whole)
    behind = {x.get("id") for x in stores_on(s)} if s.method == "DELETE" else set()
    if not left and snapshots.whole:
        others = len(s.read(f"backups {holder.path}").items) > len(inside) or bool(snapshots.items)
        return Loss(holder, inside, [NOTHING], flawed=others, whole=whole)
    far = [copy for place, copy in left if place == "backups"]
    if far and all(store_of_copy(copy, {}).get("id") in behind for copy in far):
        return Loss(holder, inside, [DETACHED], whole=whole)
    unread = [("snapshots", NOTHING_KNOWN)] if not snapshots.whole else []
    return Loss(holder, inside, fates_of(going, [*left, *unread], s.now), whole=whole)
