"""Open issues: each is there as long as what it says is so."""

from __future__ import annotations

from collections.abc import Callable

from greenlake_backup_mcp.simulator.names import Item

from . import stores
from .runs import ERROR

ROW = 3  # failed runs in a row


def _failed_in_a_row(job: Item) -> bool:
    for protection in job["protections"]:
        for schedule in protection["schedules"]:
            over = [s["status"] for s in schedule["executionStatuses"] if s["status"] != "IN_PROGRESS"]
            if len(over) >= ROW and set(over[:ROW]) == {ERROR}:
                return True
    return False


# issueType → whether it is so, by the resource that it is about
STANDS: dict[str, Callable[[Item], bool]] = {
    "protection-store-gateway-disconnected": lambda i: i["health"]["status"].endswith("DISCONNECTED"),
    "protection-store-is-offline": lambda i: i["state"] == "OFFLINE",
    "protection-store-nearly-full": lambda i: stores.used_percent(i) >= stores.NEARLY,
    "data-orchestrator-degraded": lambda i: i["state"] == "DEGRADED",
    "protection-job-failed-3-times-in-a-row": _failed_in_a_row,
    "vcenter-certificate-expires-soon": lambda i: i["status"] == "WARNING",
    "esxi-host-does-not-answer": lambda i: i["state"] == "ERROR",
    "application-host-credentials-rejected": lambda i: i["status"] == "ERROR",
    "volume-protection-group-has-a-missing-vo": lambda i: i["status"] == "ERROR",
}


def view(raw: Item, about: Item | None) -> Item | None:
    """The issue, or None where it is no longer so."""
    stands = STANDS.get(raw["issueType"])
    if about is None or (stands and not stands(about)):
        return None
    if raw["issueType"] == "protection-store-nearly-full":
        name = f"Protection store nearly full: {stores.used_percent(about)} % of capacity used"
        return {**raw, "name": name, "body": f"{name}: {about['name']}."}
    return raw
