"""The recovery points of one asset: what its schedules made and still keep, and beside that what writes have changed.

Runs are decided for what is kept only; a copy becomes JSON when it is read. Items are never changed in place, so that a
caller may keep what it got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice, takewhile

from greenlake_backup_mcp.simulator.names import Item, number, parse_time, uid

from . import runs, sizes
from .outages import Outages
from .runs import ERROR, Run
from .schedules import Member, Phase, Schedule

ODD = 0x9E3779B97F4B  # an odd number is invertible modulo 2**48: it makes ids of minutes, and back
BACK = pow(ODD, -1, 1 << 48)
ALL = (1 << 48) - 1
DICE_OF_ERROR = 4  # one of so many failed backups leaves a copy in ERROR


def series_key(seed: int, asset_id: str, kind: str, job_id: str, schedule_id: int) -> str:
    """The last 22 characters of the ids of the copies that a schedule makes of an asset."""
    return uid(seed, asset_id, kind, job_id, schedule_id)[14:]


def copy_id(key: str, due: int) -> str:
    """The id of the copy of a run; two of a series have nothing in common at their beginning."""
    mixed = (due // 60 + 1) * ODD & ALL
    mixed = (mixed ^ mixed >> 24) * ODD & ALL ^ int(key[-12:], 16)
    return f"{mixed >> 16:08x}-{mixed & 0xFFFF:04x}-{key}"


@dataclass
class Series:
    """What one schedule made of one asset while nothing about both changed."""

    phase: Phase
    schedule: Schedule
    member: Member
    key: str  # the last 22 characters of every id
    lost: Outages = field(repr=False)
    render: Callable[[Series, int, Run], Item] = field(repr=False)
    seed: int = 0
    clock: Callable[[], int] = field(default=lambda: 0, repr=False)  # the tenant's time
    template: Item = field(default_factory=dict, repr=False)
    mib: int = 0  # what the kept copies take
    looked: int = -1  # up to which due time the runs were decided
    latest: int = -1  # the latest moment at which somebody looked
    fresh_until: int = -1  # until when nothing changes
    runs: dict[int, Run] = field(default_factory=dict, repr=False)  # those that left a copy, earliest first

    def retained(self, now: int, lag: int) -> Mapping[int, Run]:
        """Due time → run of the copies that there are, earliest first; `lag`: most seconds from expiry to purge."""
        late = number(self.key) % (lag + 1) if self.schedule.keep else 0
        if now >= self.fresh_until:
            self._look(now, late)
        return self.runs

    def _look(self, now: int, late: int) -> None:
        keep, held, self.latest = self.schedule.keep, self.runs, now
        limit = now - keep - late if keep is not None else self.phase.since - 1
        while held and (first := next(iter(held))) <= limit:
            self.mib -= self.size(first, held.pop(first))
        start = max(self.looked, limit, self.phase.since - 1)
        end = now if self.phase.until is None else min(now, self.phase.until - 1)
        changes = self.schedule.calendar.next(end) if self.phase.until is None else None
        for due in self.schedule.calendar.between(start, end):
            run = runs.decide(self.phase, self.schedule, due, self.lost)
            if run.end > now:
                changes = run.end
                break
            self.looked = due
            if self.leaves_copy(due, run):
                held[due] = run
                self.mib += self.size(due, run)
        if held and keep is not None:
            oldest = next(iter(held)) + keep + late
            changes = oldest if changes is None else min(changes, oldest)
        self.fresh_until = changes if changes is not None else runs.NEVER

    def leaves_copy(self, due: int, run: Run) -> bool:
        """Whether a run that is over left a copy of this asset, good or in ERROR."""
        status, _ = run.part(self.member)
        if status in runs.GOOD:
            return True
        if status != ERROR or run.whole or self.schedule.tier != "BACKUP" or self.member.container:
            return False
        return self.member.case == "copy-in-error" or (self.schedule.key + due // 60) % DICE_OF_ERROR == 0

    def size(self, due: int, run: Run) -> int:
        """MiB that the copy of a run takes; a failed one takes nothing."""
        good = run.part(self.member)[0] in runs.GOOD
        stored = bool(self.schedule.store)
        return sizes.copy_mib(self.member, self.schedule, due, full=stored and self.is_full(due)) if good else 0

    def is_full(self, due: int) -> bool:
        """Whether the copy of a run is a full one: by its turn, or the first good one after a restore overwrote it."""
        if sizes.is_full(self.member, self.schedule, due):
            return True
        rewritten = [time for time in self.lost.rewritten.get(self.member.id, ()) if time <= due]
        if not rewritten:
            return False
        since = takewhile(lambda one: one >= rewritten[-1], self.schedule.calendar.backwards(due - 1))
        decided = (runs.decide(self.phase, self.schedule, one, self.lost) for one in since)
        return not any(run.part(self.member)[0] in runs.GOOD for run in decided)

    def mib_of(self, now: int, lag: int) -> int:
        """MiB that its copies took at a time, which may be before others at which somebody looked."""
        series = self if self.latest <= now else replace(self, mib=0, looked=-1, latest=-1, fresh_until=-1, runs={})
        series.retained(now, lag)
        return series.mib

    def id(self, due: int) -> str:
        """The id of the copy of a run."""
        return copy_id(self.key, due)

    def due(self, id: str) -> int | None:
        """The due time of an id; None where it is not of this series."""
        if id[14:] != self.key:
            return None
        try:
            mixed = (int(id[:8] + id[9:13], 16) ^ int(self.key[-12:], 16)) * BACK & ALL
        except ValueError:
            return None
        due = (((mixed ^ mixed >> 24) * BACK & ALL) - 1) * 60
        mine = self.phase.since <= due and (self.phase.until is None or due < self.phase.until)
        return due if mine and self.id(due) == id else None

    def item(self, due: int) -> Item:
        """The copy of a run."""
        run = self.runs.get(due) or runs.decide(self.phase, self.schedule, due, self.lost)
        return self.render(self, due, run)


@dataclass
class Copies:
    """All recovery points of one kind (backups or snapshots) of one asset."""

    series: Callable[[], tuple[Series, ...]]
    changed: dict[str, Item] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    extra: dict[str, Item] = field(default_factory=dict)  # newest last
    stuck: set[str] = field(default_factory=set)  # expired, and not purged for a reason of the service's own

    def count(self, now: datetime, lag: float) -> int:
        """How many there are."""
        if self.gone or self.changed:
            return sum(1 for _ in self._order(now, lag))
        return sum(len(dues) for _, dues in self._retained(now, lag)) + len(self.extra)

    def page(self, offset: int, limit: int, now: datetime, lag: float) -> list[Item]:
        """Some of them in their natural order, without making the others."""
        return [self._made(where) for where in islice(self._order(now, lag), offset, offset + limit)]

    def all(self, now: datetime, lag: float) -> Iterator[Item]:
        """All of them, one after the other."""
        return (self._made(where) for where in list(self._order(now, lag)))

    def get(self, id: str, now: datetime, lag: float) -> Item | None:
        """One of them, or None."""
        retained = self._retained(now, lag)
        if id in self.gone or id in self.extra:
            return self.extra.get(id)
        for series, dues in retained:
            due = series.due(id)
            if due is not None and (id in self.changed or due in dues):
                return self._item(series, due)
        return None

    def put(self, item: Item) -> None:
        """Keep a new or changed copy; a new expiry frees one that could not be purged."""
        id = item["id"]
        before = self.extra.get(id)
        if before and before.get("expiresAt") != item.get("expiresAt"):
            self.stuck.discard(id)
        if before or all(s.due(id) is None for s in self.series()):
            self.extra[id] = item
        else:
            self.changed[id] = item

    def drop(self, id: str) -> None:
        """Forget a copy."""
        self.changed.pop(id, None)
        if self.extra.pop(id, None) is None:
            self.gone.add(id)

    def forget(self, store_id: str) -> None:
        """Forget what was changed or made by hand in a store that is gone."""
        for held in (self.extra, self.changed):
            for id in [id for id, item in held.items() if _store(item) == store_id]:
                held.pop(id)

    def stored(self, store_id: str, now: datetime, lag: float) -> int:
        """MiB in a store beside (or less than) what the series say: made by hand, kept longer, or deleted."""
        retained = self._retained(now, lag)
        result = sum(_mib(i) for i in self.extra.values() if _store(i) == store_id)
        for series, dues in retained:
            for id in (*self.gone, *self.changed) if series.schedule.store == store_id else ():
                due = series.due(id)
                if due is not None and id in self.gone and due in dues:
                    result -= series.size(due, dues[due])
                elif due is not None and id in self.changed and due not in dues:
                    result += _mib(self.changed[id])
        return result

    def _retained(self, now: datetime, lag: float) -> list[tuple[Series, Mapping[int, Run]]]:
        """What the schedules made and still keep, once those are gone whose changed expiry is past."""
        for item in [*self.extra.values(), *self.changed.values()]:
            expiry, lock = item.get("expiresAt"), item.get("lockedUntil")
            late = number(item["id"]) % int(lag + 1)
            if (
                expiry
                and item["id"] not in self.stuck
                and parse_time(expiry).timestamp() + late < now.timestamp()
                and (not lock or parse_time(lock) < now)
            ):
                self.drop(item["id"])
        return [(series, series.retained(int(now.timestamp()), int(lag))) for series in self.series()]

    def _order(self, now: datetime, lag: float) -> Iterator[Item | tuple[Series, int]]:
        retained = self._retained(now, lag)
        yield from reversed(self.extra.values())
        for series, dues in retained:
            gone = {series.due(id) for id in self.gone}
            yield from ((series, due) for due in reversed(list(dues)) if due not in gone)
            # changed to live longer than the others of its schedule
            mine = (due for id in self.changed if (due := series.due(id)) is not None)
            yield from ((series, due) for due in mine if due not in dues)

    def _made(self, where: Item | tuple[Series, int]) -> Item:
        return where if isinstance(where, dict) else self._item(*where)

    def _item(self, series: Series, due: int) -> Item:
        """The copy of a run as it is now: as changed, but with the logs that follow it if those reach further."""
        changed = self.changed.get(series.id(due)) if self.changed else None
        if changed is None:
            return series.item(due)
        logs = changed.get("logBackupInfo")
        now = series.item(due).get("logBackupInfo") if logs else None
        later = logs and now and now["lastLogBackupTime"] > logs["lastLogBackupTime"]
        return {**changed, "logBackupInfo": now} if later else changed


def _store(item: Item) -> str:
    return str(item.get("protectionStoreInfo", {}).get("id", ""))


def _mib(item: Item) -> int:
    """What a copy takes, by its own words."""
    if item.get("state") == "ERROR":
        return 0
    return sum(
        int(backup.get("sizeInMib") or backup.get("sizeInBytes", 0) >> 20)
        for one in item.get("backupSetsInfo", ())
        for backup in one["backups"]
    )
