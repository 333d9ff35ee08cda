"""Seeded issues and settings. An issue is open as long as what it says is so (history/issues.py)."""

# ruff: noqa: E501

from __future__ import annotations

from datetime import timedelta

from greenlake_backup_mcp.simulator.names import Item, format_time
from greenlake_backup_mcp.simulator.tasks import display_name

from .world import World

USER = "backup-admin@example.com"

# severity, text, collection, name of the resource, category, hours since it is so
ISSUES = (
    ("CRITICAL", "Protection store gateway disconnected", "protection-store-gateways", "psg-dc2-01", "availability", 53),
    ("CRITICAL", "Protection store is offline", "protection-stores", "Local_psg-dc2-01", "availability", 53),
    ("CRITICAL", "Protection store nearly full", "protection-stores", "Local_so-dc1-5260", "capacity", 70),
    ("WARNING", "Data orchestrator degraded", "data-orchestrators", "do-dc2-01", "health", 80),
    ("CRITICAL", "Protection job failed 3 times in a row", "protection-jobs", "sap-prod-02", "protection", 90),
    ("WARNING", "vCenter certificate expires soon", "hypervisor-managers", "vcenter-dc2.example.com", "security", 130),
    ("CRITICAL", "ESXi host does not answer", "hypervisor-hosts", "esx-dc2-04.example.com", "health", 40),
    ("CRITICAL", "Application host credentials rejected", "application-hosts", "sqlhost-04.example.com", "security", 72),
    ("WARNING", "Volume protection group has a missing volume", "volume-protection-groups", "vpg-files-13", "protection",
     24),
    ("INFO", "New data orchestrator version available", "data-orchestrators", "do-dc2-01", "upgrade", 230),
    ("INFO", "New gateway version available", "protection-store-gateways", "psg-dc1-01", "upgrade", 250),
    ("WARNING", "An expired recovery point could not be removed", "virtual-machines", "web-legacy-03", "protection", 75),
)  # fmt: skip


def issues(world: World) -> None:
    """The twelve open issues."""
    for n, (severity, text, collection, name, category, hours) in enumerate(ISSUES):
        about = next(i for i in world.all(collection) if display_name(i) == name)
        since = world.now - timedelta(hours=hours)
        world.add(
            "issues", n, name=text, body=f"{text}: {display_name(about)}.", category=category,
            groups=[], issueType=text.lower().replace(" ", "-")[:40], occurrenceCount=1 + n,
            lastOccurredAt=format_time(world.now - timedelta(minutes=17 * (n + 1))), snoozed=False, snoozedFor="NONE",
            recommendation="Open the resource in the console and follow its health page.", severity=severity,
            relatedResources=[{"id": about["id"], "name": display_name(about), "type": about["type"],
                               "resourceUri": about["resourceUri"]}],
            services=["backup-and-recovery"], sourceResourceId=about["id"], sourceResourceType=about["type"],
            state="CREATED",
        )["createdAt"] = format_time(since)  # fmt: skip


def settings(world: World, dual_authorization: bool) -> dict[str, Item]:
    """The settings of data services."""
    for name, value, possible, about in (
        ("Dual authorization for Backup and Recovery", "ON" if dual_authorization else "OFF", "ON,OFF",
         "Deletes wait for a second person"),
        ("Session timeout in minutes", "30", "15,30,60", "Console sessions"),
    ):  # fmt: skip
        world.add("settings", name, name=name, currentValue=value, nextValue=value, possibleValues=possible,
                  description=about, externalApplicationName="Backup and Recovery", lastUpdatedBy=USER,
                  lastUpdatedAt=format_time(world.now - timedelta(days=90)))  # fmt: skip
    return world.resources["settings"]
