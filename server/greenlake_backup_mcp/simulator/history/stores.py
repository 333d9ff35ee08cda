"""What stores hold: the running sum of what their copies take, after deduplication; and when one is full."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from greenlake_backup_mcp.simulator.names import Item
from greenlake_backup_mcp.simulator.seed.systems import NEARLY_FULL, used_percent

from . import outages, sizes
from .calendar import DAY
from .copies import Series
from .outages import Outages
from .schedules import MIB

FULL = 0.985  # of the capacity: no run begins that may not find room


@dataclass
class Store:
    """One store's sums. `share`: what of its capacity was used when the tenant began, for those that were seeded."""

    id: str
    share: float
    epoch: int
    series: Callable[[], Iterable[Series]]  # those of all assets that write to it
    beside: Callable[[int], int]  # MiB beside the series at a time
    lag: Callable[[], int]
    lost: Outages = field(repr=False)
    capacity: int = 0  # bytes; 0 while nobody asked, and for cloud stores
    judged: int = 0  # the day up to which it was looked at whether it is full

    def mib(self, now: int) -> int:
        """What its copies take, before deduplication."""
        total, lag = 0, self.lag()
        for series in self.series():
            if now >= series.fresh_until:
                series.retained(now, lag)
            total += series.mib
        return max(0, total + self.beside(now))

    def on_disk(self, raw: Item, now: int) -> int:
        """Bytes that they take on disk."""
        return int(self.mib(now) * MIB / sizes.DEDUPLICATION[raw["protectionStoreType"]])

    def room(self, raw: Item) -> int:
        """Its capacity in bytes: what it held when the tenant began was `share` of it."""
        if not self.capacity:
            self.capacity = int(raw.get("maxCapacityInBytes") or 0)
            if self.share:
                held = sum(s.mib_of(self.epoch, self.lag()) for s in self.series())
                bytes_ = held * MIB / sizes.DEDUPLICATION[raw["protectionStoreType"]]
                self.capacity = max(1, round(bytes_ * 100 / self.share / (1 << 30))) << 30
        return self.capacity

    def judge(self, raw: Item, now: int, *, watched: bool) -> None:
        """Note since when and until when it is full, day by day up to now.

        `watched`: it has been given more than it was seeded for. What was seeded grows by less than 0.5 % a day
        (sizes.py), so that few others need to be looked at.
        """
        days = (now - self.epoch) // DAY
        if raw["protectionStoreType"] == "CLOUD" or self.judged >= days:
            return
        if not watched and self.share + 3 + days / 2 < FULL * 100:
            return
        for day in range(self.judged + 1, days + 1):
            self.judged = day
            time = self.epoch + day * DAY
            full = self.on_disk(raw, time) >= self.room(raw) * FULL
            if full:
                self.lost.begin(full_id(self.id), time, outages.STORE_FULL)
            else:
                self.lost.end(full_id(self.id), time)


def full_id(store_id: str) -> str:
    """Under which outages are kept that come of a store being full."""
    return f"full {store_id}"


def view(raw: Item, store: Store, lost: bool, now: int) -> Item:
    """The store with what it holds and how it is; `lost`: whether the system that it lies on is lost."""
    item = {**raw, "userDataStoredInBytes": store.mib(now) * MIB, "sizeOnDiskInBytes": store.on_disk(raw, now)}
    percent = 0
    if raw["protectionStoreType"] != "CLOUD":
        item["maxCapacityInBytes"] = store.room(raw)
        item["sizeOnDiskInBytes"] = min(item["sizeOnDiskInBytes"], item["maxCapacityInBytes"])
        percent = used_percent(item)
    if lost:
        item |= {"connectedState": "DISCONNECTED", "state": "OFFLINE", "status": "ERROR",
                 "stateReason": outages.GATEWAY_LOST}  # fmt: skip
    elif raw["connectedState"] == "CONNECTED":
        item |= {"state": raw["state"] if raw["state"] != "OFFLINE" else "ONLINE", "status": "OK", "stateReason": ""}
        if percent >= NEARLY_FULL:
            item |= {"status": "WARNING", "stateReason": f"The protection store is {percent} % full."}
    return item


def appliance(raw: Item, held: list[Item]) -> Item:
    """A StoreOnce with what the stores on it take."""
    used = sum(s["sizeOnDiskInBytes"] for s in held if s["protectionStoreType"] != "CLOUD")
    most = sum(s["maxCapacityInBytes"] for s in held if s["protectionStoreType"] != "CLOUD")
    storage = {**raw["storage"], "usedBytes": used}
    if most:
        storage |= {"capacityLicensedBytes": most, "configuredStorageBytes": most}
    storage["freeBytes"] = max(0, storage["capacityLicensedBytes"] - used)
    return {**raw, "storage": storage}
