"""What data services tell: open issues, settings, and how an approval looks that waits for a second person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from greenlake_backup_mcp.simulator.names import Item, format_time
from greenlake_backup_mcp.simulator.tasks import display_name

from .systems import NEARLY_FULL, used_percent
from .world import World

USER = "backup-admin@example.com"
ROW = 3  # failed runs in a row
NEARLY = "Protection store nearly full"


def _failed_in_a_row(job: Item) -> bool:
    for protection in job["protections"]:
        for schedule in protection["schedules"]:
            over = [s["status"] for s in schedule["executionStatuses"] if s["status"] != "IN_PROGRESS"]
            if len(over) >= ROW and set(over[:ROW]) == {"ERROR"}:
                return True
    return False


@dataclass(frozen=True)
class Issue:
    """An issue about a resource: for how long it has been so, and whether it still is."""

    severity: str
    text: str
    collection: str
    name: str  # of the resource
    category: str
    hours: int
    stands: Callable[[Item], bool] = bool

    @property
    def kind(self) -> str:
        """Its issueType."""
        return self.text.lower().replace(" ", "-")[:40]


ISSUES = (
    Issue("CRITICAL", "Protection store gateway disconnected", "protection-store-gateways", "psg-dc2-01",
          "availability", 53, lambda i: i["health"]["status"].endswith("DISCONNECTED")),
    Issue("CRITICAL", "Protection store is offline", "protection-stores", "Local_psg-dc2-01", "availability", 53,
          lambda i: i["state"] == "OFFLINE"),
    Issue("CRITICAL", NEARLY, "protection-stores", "Local_so-dc1-5260", "capacity", 70,
          lambda i: used_percent(i) >= NEARLY_FULL),
    Issue("WARNING", "Data orchestrator degraded", "data-orchestrators", "do-dc2-01", "health", 80,
          lambda i: i["state"] == "DEGRADED"),
    Issue("CRITICAL", "Protection job failed 3 times in a row", "protection-jobs", "sap-prod-02", "protection", 90,
          _failed_in_a_row),
    Issue("WARNING", "vCenter certificate expires soon", "hypervisor-managers", "vcenter-dc2.example.com", "security",
          130, lambda i: i["status"] == "WARNING"),
    Issue("CRITICAL", "ESXi host does not answer", "hypervisor-hosts", "esx-dc2-04.example.com", "health", 40,
          lambda i: i["state"] == "ERROR"),
    Issue("CRITICAL", "Application host credentials rejected", "application-hosts", "sqlhost-04.example.com",
          "security", 72, lambda i: i["status"] == "ERROR"),
    Issue("WARNING", "Volume protection group has a missing volume", "volume-protection-groups", "vpg-files-13",
          "protection", 24, lambda i: i["status"] == "ERROR"),
    Issue("INFO", "New data orchestrator version available", "data-orchestrators", "do-dc2-01", "upgrade", 230),
    Issue("INFO", "New gateway version available", "protection-store-gateways", "psg-dc1-01", "upgrade", 250),
    Issue("WARNING", "An expired recovery point could not be removed", "virtual-machines", "web-legacy-03",
          "protection", 75),
)  # fmt: skip
BY_KIND = {issue.kind: issue for issue in ISSUES}


def issues(world: World) -> None:
    """The twelve open issues."""
    for n, issue in enumerate(ISSUES):
        about = next(i for i in world.all(issue.collection) if display_name(i) == issue.name)
        since = world.now - timedelta(hours=issue.hours)
        world.add(
            "issues", n, name=issue.text, body=f"{issue.text}: {display_name(about)}.", category=issue.category,
            groups=[], issueType=issue.kind, occurrenceCount=1 + n,
            lastOccurredAt=format_time(world.now - timedelta(minutes=17 * (n + 1))), snoozed=False, snoozedFor="NONE",
            recommendation="Open the resource in the console and follow its health page.", severity=issue.severity,
            relatedResources=[{"id": about["id"], "name": display_name(about), "type": about["type"],
                               "resourceUri": about["resourceUri"]}],
            services=["backup-and-recovery"], sourceResourceId=about["id"], sourceResourceType=about["type"],
            state="CREATED",
        )["createdAt"] = format_time(since)  # fmt: skip


def standing(raw: Item, about: Item | None) -> Item | None:
    """An issue as it is now, or None where what it says is no longer so."""
    if about is None or not BY_KIND[raw["issueType"]].stands(about):
        return None
    if raw["name"] == NEARLY:
        name = f"{NEARLY}: {used_percent(about)} % of capacity used"
        return {**raw, "name": name, "body": f"{name}: {about['name']}."}
    return raw


def settings(world: World, dual_authorization: bool) -> None:
    """The settings of data services."""
    for name, value, possible, about in (
        ("Dual authorization for Backup and Recovery", "ON" if dual_authorization else "OFF", "ON,OFF",
         "Deletes wait for a second person"),
        ("Session timeout in minutes", "30", "15,30,60", "Console sessions"),
    ):  # fmt: skip
        world.add("settings", name, name=name, currentValue=value, nextValue=value, possibleValues=possible,
                  description=about, externalApplicationName="Backup and Recovery", lastUpdatedBy=USER,
                  lastUpdatedAt=format_time(world.now - timedelta(days=90)))  # fmt: skip


def pending(world: World, id: str, about: Item, what: str, now: datetime, word: str) -> Item:  # noqa: PLR0913, PLR0917
    """An operation on a resource that waits for approval, added to the tenant."""
    name = about.get("name", "")
    short = {"name": name, "type": about["type"], "resourceUri": about["resourceUri"]}
    item = world.add(
        "dual-auth-operations", id, created_days=0, name=f"{what} {name}", description=f"{what} {name}", groups=[],
        associatedResources=[{"groups": [], "resource": {**short, "consoleUri": about.get("consoleUri", "")}}],
        consoleUri="/data-services/dual-authorization", operationResource=short,
        requestedAt=format_time(now), requestedByEmail="api-client@example.com",
        requestedByUri="/identity/users/api-client", requestedOperation="DELETE",
        sourceServiceExternalName="Backup and Recovery", state=word,
    )  # fmt: skip
    item["createdAt"] = item["updatedAt"] = format_time(now)
    return item
