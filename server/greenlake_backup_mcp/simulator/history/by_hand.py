"""The seeded recovery points that no schedule made, or that are no longer as it made them."""

from __future__ import annotations

from datetime import datetime, timedelta

from greenlake_backup_mcp.simulator.names import Item, format_time, uid

from .copies import Copies
from .history import History
from .recovery_points import fresh

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def build(history: History) -> Item:
    """Put them in their places; returns the one whose deletion waits for a second person."""
    world = history.seeded
    now = world.now

    def made(vm: str, name: str, taken: datetime, expires: datetime | None, **more: object) -> tuple[Copies, Item]:
        asset = next(v for v in world.all("virtual-machines") if v["displayName"] == vm)
        item = fresh(world, "virtual-machines", asset, "backups", uid(world.seed, asset["id"], name), taken, name=name)
        item |= {"expiresAt": format_time(expires)} if expires else {}
        held = history.copies("virtual-machines", asset["id"], "backups")
        held.put(item | more)
        return held, item

    held, item = made(
        "web-legacy-03", "web-legacy-03_before-upgrade", now - 33 * DAY, now - 3 * DAY - 4 * HOUR,
        stateReason="The recovery point has expired and could not be removed.",
    )  # fmt: skip
    held.stuck.add(item["id"])
    made("finance-fs-01", "finance-fs-01_legal-hold_2021", now - 900 * DAY, None,
         description="Legal hold, case 2021-118. Has no expiry.")  # fmt: skip
    made("sap-prod-02", "sap-prod-02_unknown", now - 5 * DAY, now + 9 * DAY,
         verificationInfo={"state": "NOT_VERIFIED", "status": "OK"})  # fmt: skip
    held, _ = made("sap-prod-01", "sap-prod-01_in-progress", now, now + 14 * DAY, state="CREATING")
    series = next(s for s in held.series() if s.schedule.tier == "BACKUP")
    third = list(series.retained(history.epoch, history.lag()))[2]
    waiting = series.item(third) | {"state": "PENDING_DELETE_APPROVAL", "status": "OK"}
    held.put(waiting)
    return waiting
