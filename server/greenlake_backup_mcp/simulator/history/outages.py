"""Since when and until when something cannot do its work: gateways, orchestrators, stores, hosts, single assets.

What keeps one asset from being copied for some days (an ailment) comes and goes by the seed, now as in the past.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from greenlake_backup_mcp.simulator.names import Item, mix

from .calendar import DAY

GATEWAY_LOST = "Protection Store Gateway is not connected."
ORCHESTRATOR_LOST = "The Data Orchestrator is not connected."
STORE_LOST = "The protection store is not connected."
STORE_FULL = "Backup failed: the protection store has no free space."
GONE = {"protection-store-gateways": GATEWAY_LOST, "data-orchestrators": ORCHESTRATOR_LOST,
        "protection-stores": "The protection store no longer exists.",
        "application-hosts": "The application host is no longer registered.",
        "volume-protection-groups": "The volume protection group no longer exists."}  # fmt: skip
DISKS = "Snapshot creation failed: the virtual machine has independent disks."
SOURCE = "The source snapshot for this schedule was not found."
BUSY = "A previous run of this schedule is still in progress."
TOOLS = "VMware Tools are not running; a crash-consistent copy was created."
REASONS = (DISKS, "Snapshot creation failed: the virtual machine did not answer in time.",
           "The data to be copied could not be read from the datastore.")  # fmt: skip
OTHER_REASONS = ("Snapshot creation failed: the application did not answer in time.",
                 "The data to be copied could not be read from the volume.")  # fmt: skip
PERIOD = 28 * DAY
OFTEN = 14  # of a hundred assets fall ill in a period


def trouble(collection: str, item: Item | None) -> str:
    """Why nothing works that needs a resource (None: it is gone); "" where it does."""
    if item is None:
        return GONE[collection]
    if collection == "protection-store-gateways" and item["health"]["status"].endswith("DISCONNECTED"):
        return GATEWAY_LOST
    if collection == "data-orchestrators" and item["connectionState"] == "DISCONNECTED":
        return ORCHESTRATOR_LOST
    if collection == "protection-stores" and item["connectedState"] == "DISCONNECTED":
        behind = item["storageSystemInfo"]["type"] == "PROTECTION_STORE_GATEWAY"
        return GATEWAY_LOST if behind else STORE_LOST
    broken = collection in ("application-hosts", "volume-protection-groups") and item["status"] == "ERROR"
    return str(item["stateReason"]) if broken else ""


@dataclass(frozen=True)
class Outage:
    """From `since` to `until` (None: it lasts) whatever needs the resource fails."""

    since: int
    until: int | None
    reason: str


@dataclass
class Outages:
    """Resource id → its outages, earliest first."""

    spans: dict[str, list[Outage]] = field(default_factory=dict)
    rewritten: dict[str, list[int]] = field(default_factory=dict)  # asset → when restores overwrote it
    memo: dict[tuple[int, int, int], Any] = field(default_factory=dict, repr=False)  # runs decided by these outages

    def begin(self, resource: str, since: int, reason: str) -> None:
        """The resource is lost from `since` on."""
        self.memo = {}
        held = self.spans.setdefault(resource, [])
        if not held or held[-1].until is not None:
            held.append(Outage(since, None, reason))

    def end(self, resource: str, until: int) -> None:
        """The resource works again."""
        self.memo = {}
        held = self.spans.get(resource)
        if held and held[-1].until is None:
            held[-1] = replace(held[-1], until=max(until, held[-1].since))

    def lasting(self, resource: str) -> Outage | None:
        """The outage that has no end yet."""
        held = self.spans.get(resource)
        return held[-1] if held and held[-1].until is None else None

    def first(self, resources: Iterable[str], start: int, end: int) -> Outage | None:
        """The outage that a run from `start` to `end` meets first."""
        met = [
            outage
            for resource in resources
            for outage in self.spans.get(resource, ())
            if outage.since < end and (outage.until is None or outage.until > start)
        ]
        return min(met, key=lambda o: o.since) if met else None


@cache
def _illness(key: int, period: int) -> tuple[int, int, int] | None:
    """(begin, end, which reason) of an asset's days of trouble in a period, if there are any."""
    dice = mix(key, period)
    if dice % 100 >= OFTEN:
        return None
    length = DAY + dice // 100 % 144 * 3600  # one to seven days, so that it is over before the period is
    begin = period * PERIOD + dice // 14_400 % (PERIOD - length)
    return begin, begin + length, dice


def ailment(key: int, time: int, reasons: tuple[str, ...]) -> str:
    """Why an asset cannot be copied at a time; "" where it can."""
    ill = _illness(key, time // PERIOD)
    return reasons[ill[2] % len(reasons)] if ill and ill[0] <= time < ill[1] else ""
