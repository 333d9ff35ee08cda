"""Where two witnesses contradict each other: job against copies, status against age, gateway against runs, and so on.

Each finding names both witnesses, what they say and when. Only what can be compared is: a copy that had no time to be
made, a list that was read before the other, an asset whose copies were not read are no contradiction.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from greenlake_backup_mcp.catalog.collections import LIST_OF

from . import calendar
from .calendar import DAY, HOUR, MINUTE, Rule
from .clock import Clock
from .estate import Asset, Estate
from .facts import TIERS, Cover, Schedule
from .promises import GRACE, freshness

AssetsOfJobs = Mapping[str, tuple[str, ...]]
SETTLE = 15 * MINUTE  # two witnesses that are this near to each other are not compared


class Kind(Enum):
    """The six contradictions, in the order of what they can cost."""

    JOB_WITHOUT_COPY = "a job says OK and there is no copy of that run"
    STATUS_AGAINST_AGE = "the service says PROTECTED and the newest copy is older than promised"
    NOT_RUN = "a job is ACTIVE and its next run lies in the past"
    STORE_AGAINST_COPIES = "copies are good and their store cannot be reached"
    SILENT_GATEWAY = "a gateway is silent and runs through it are OK"
    COPIES_SAID = "the service says that there are recovery points and there are none, or the reverse"


LABELS = {
    Kind.JOB_WITHOUT_COPY: "job OK without its copy", Kind.STATUS_AGAINST_AGE: "PROTECTED with too old a copy",
    Kind.NOT_RUN: "ACTIVE and not run", Kind.STORE_AGAINST_COPIES: "good copies in a store out of reach",
    Kind.SILENT_GATEWAY: "runs OK through a silent gateway", Kind.COPIES_SAID: "wrong about having copies",
}  # fmt: skip
"""The same in few words."""


@dataclass(frozen=True)
class Contradiction:
    """Two witnesses about one thing. Moments in seconds since 1970; `assets`: ids of those that are concerned."""

    kind: Kind
    subject: str
    subject_id: str
    one: str
    one_at: int | None
    other: str
    other_at: int | None
    assets: tuple[str, ...] = ()

    def witnesses(self, clock: Clock) -> dict[str, Any]:
        """Both witnesses with their times, and how many assets are concerned."""
        return {"one": self.one, "oneAt": clock.stamp(self.one_at), "other": self.other,
                "otherAt": clock.stamp(self.other_at), "assets": len(self.assets)}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """What was seen; `unjudged`: assets of which nothing could be compared, by why."""

    contradictions: tuple[Contradiction, ...]
    judged: int
    unjudged: Counter[str]


def find(connection: sqlite3.Connection, estate: Estate) -> Comparison:
    """All contradictions of the estate; those of an asset no longer listed are none."""
    covered = _assets_by_job(estate)
    reads = dict(
        connection.execute("SELECT asset, min(coalesce(read, 0)) FROM main.readings WHERE asset > 0 GROUP BY asset")
    )
    removed = dict(connection.execute(
        "SELECT asset_id, max(seen) FROM main.changes WHERE kind = 'copy vanished' AND cause <> 'unexplained' "
        "GROUP BY asset_id"
    ))  # fmt: skip
    contradictions = [*_not_run(estate, covered), *_stores(estate), *_silent(estate, covered)]
    unjudged: Counter[str] = Counter()
    judged = 0
    for asset in estate.workloads:
        if asset.nobodys or not asset.listed:
            continue
        if asset.unread is not None:
            unjudged[asset.unread] += 1
            continue
        judged += 1
        read = min((reads.get(one.no, 0) for one in (asset, *asset.owners) if one.kind != "mssql_group"), default=0)
        contradictions += _of_asset(estate, asset, read, removed.get(asset.id, 0))
    order = list(Kind)
    return Comparison(
        tuple(sorted(contradictions, key=lambda c: (order.index(c.kind), -len(c.assets)))), judged, unjudged
    )


def _of_asset(estate: Estate, asset: Asset, read: int, removed: int) -> Iterator[Contradiction]:
    """Job against copies, status against age, and what the service says against what it lists."""
    for cover, schedule in _schedules(asset):
        rule = estate.rules[cover.job.id].get(schedule.schedule_id)
        missing = _without_copy(asset, cover, schedule, rule, read, removed)
        if missing is not None:
            yield missing
        elif asset.protection_status == "PROTECTED" and rule is not None and not cover.job.suspended:
            newest = _newest(asset, schedule.tier)
            newest = None if newest is None else min(newest, estate.now)  # one that lies ahead counts as of now
            since = max(asset.created or 0, cover.job.effective_from or 0)
            grace = GRACE.get(schedule.tier or "", HOUR)
            state = freshness(rule, newest, min(read, estate.now), since=since, grace=grace)
            if state.late:
                yield Contradiction(
                    Kind.STATUS_AGAINST_AGE, asset.name, asset.id, "the service says PROTECTED",
                    estate.read.get(LIST_OF[asset.kind]),
                    f"{_noun(schedule)} of {cover.job.policy or 'its policy'} was due and is not there; newest", newest,
                    (asset.id,),
                )  # fmt: skip
                return
    own = sum(one.copies for one in asset.sets)
    copies = sum(one.copies for one in asset.all_sets)
    listed = estate.read.get(LIST_OF[asset.kind]) or 0
    last = max((s.prev_run or 0 for _, s in _schedules(asset)), default=0)
    if last + SETTLE < read:  # no run came between the two readings
        if asset.says_has_copies and not copies and removed < listed:
            words = "the service says it has recovery points", "its lists hold none"
        elif asset.says_has_copies == 0 and own:
            words = "the service says it has no recovery points", f"its lists hold {own:,}"
        else:
            return
        yield Contradiction(Kind.COPIES_SAID, asset.name, asset.id, words[0], listed, words[1], read, (asset.id,))


def _schedules(asset: Asset) -> Iterator[tuple[Cover, Schedule]]:
    return ((cover, s) for cover in asset.covers for s in cover.job.schedules if s.tier in TIERS)


def _noun(schedule: Schedule) -> str:
    return f"{(schedule.tier or 'copy').lower().replace('_', ' ')} (schedule {schedule.schedule_id})"


def _newest(asset: Asset, tier: str | None) -> int | None:
    """The newest good copy of a tier, wherever it lies."""
    return max((one.newest_good for one in asset.all_sets if one.tier == tier and one.newest_good), default=None)


def _without_copy(  # noqa: PLR0913, PLR0917
    asset: Asset, cover: Cover, schedule: Schedule, rule: Rule | None, read: int, removed: int
) -> Contradiction | None:  # fmt: skip
    """A last run that was OK, of which the asset has no copy. A run with warnings may have left one out."""
    run = schedule.last_run
    if schedule.last_status != "OK" or run is None or run + GRACE.get(schedule.tier or "", HOUR) > read:
        return None
    unexpired = schedule.keep_days is None or run + schedule.keep_days * DAY > read
    if not unexpired or removed >= run or (asset.created or 0) > run:
        return None
    promised = run if rule is None else calendar.promised_point(rule, run)
    newest = _newest(asset, schedule.tier)
    if newest is not None and newest >= promised - SETTLE:
        return None
    return Contradiction(
        Kind.JOB_WITHOUT_COPY, asset.name, asset.id,
        f"the job of {cover.job.policy or cover.job.id} says OK of its {_noun(schedule)}", run,
        "its newest good copy of that tier is" if newest else "there is no good copy of that tier; copies read",
        newest or read, (asset.id,),
    )  # fmt: skip


def _not_run(estate: Estate, covered: AssetsOfJobs) -> Iterator[Contradiction]:
    """Schedules that are to run and have not: the moment was past when the list of jobs was read."""
    read = estate.read.get("jobs") or 0
    for job in estate.jobs.values():
        passed = [
            s for s in job.schedules
            if s.next_run is not None and s.next_run + SETTLE < read and s.operational != "SUSPENDED"
        ]  # fmt: skip
        if job.operational == "ACTIVE" and passed:
            first = min(passed, key=lambda s: s.next_run or 0)
            yield Contradiction(
                Kind.NOT_RUN, job.asset_name or job.id, job.id, f"the job of {job.policy or job.id} is ACTIVE", read,
                f"{_noun(first)} was to run", first.next_run, covered.get(job.id, ()),
            )  # fmt: skip


def _stores(estate: Estate) -> Iterator[Contradiction]:
    """Stores that cannot be reached, with good copies in them."""
    held: dict[str, Counter[str]] = {}
    for asset in estate.assets.values():
        for one in asset.sets:
            if one.store_id and one.good and one.reachable == 0:
                held.setdefault(one.store_id, Counter())[asset.id] += one.good
    for ident, assets in held.items():
        store = estate.stores.get(ident)
        if store is not None:
            yield Contradiction(
                Kind.STORE_AGAINST_COPIES, store.label, ident,
                f"{assets.total():,} copies in it are in a good state", estate.now,
                store.why_not or "it cannot be reached", estate.read.get("stores"), tuple(assets),
            )  # fmt: skip


def _silent(estate: Estate, covered: AssetsOfJobs) -> Iterator[Contradiction]:
    """Gateways and StoreOnces without contact, through which jobs say that they ran well since."""
    for ident, one in {**estate.gateways, **estate.storeonces}.items():
        since = one["health_told"]
        if one["connection"] != "DISCONNECTED" or since is None:
            continue
        behind = {store.id for store in estate.stores.values() if store.system_id == ident}
        runs = [
            (s.last_run, job) for job in estate.jobs.values() for s in job.schedules
            if s.store_id in behind and s.last_status == "OK" and s.last_run and s.last_run > since + SETTLE
        ]  # fmt: skip
        if runs:
            last, _ = max(runs, key=lambda run: run[0])
            names = tuple(dict.fromkeys(a for _, job in runs for a in covered.get(job.id, ())))
            yield Contradiction(
                Kind.SILENT_GATEWAY, one["name"] or ident, ident, "without contact since", since,
                f"{len(runs):,} schedules through it say OK, the last of", last, names,
            )  # fmt: skip


def _assets_by_job(estate: Estate) -> AssetsOfJobs:
    assets: dict[str, list[str]] = {}
    for asset in estate.workloads:
        for cover in asset.covers:
            assets.setdefault(cover.job.id, []).append(asset.id)
    return {job: tuple(dict.fromkeys(ids)) for job, ids in assets.items()}
