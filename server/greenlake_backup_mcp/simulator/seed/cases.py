"""TABLE of rare cases: what goes wrong, or is odd, in the seeded tenant on purpose, each by the name of its asset.

Each is here once, for every seed and size. What comes by chance beside them
(outages.ailment, runs.decide) is not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """`since` before the start of the tenant the asset became one; `policy`: the policy of its own job."""

    name: str
    asset: str
    policy: str
    since: timedelta
    meaning: str

    @property
    def seconds(self) -> int:
        """For how many seconds the asset has been one."""
        return int(self.since.total_seconds())


GOLD, SILVER, BRONZE = "Gold-Protection-Policy", "Silver-Protection-Policy", "Bronze-Protection-Policy"
CASES = (
    Case("no-run-yet", "new-app-01", SILVER, -16 * HOURS, "its job takes effect tomorrow and has never run"),
    Case("suspended", "hr-fs-02", SILVER, 9 * DAYS, "suspended for a maintenance that ended a week ago"),
    Case("partly-suspended", "erp-prod-14", GOLD, 5 * DAYS, "its cloud tier alone is suspended"),
    Case("failing", "sap-prod-02", GOLD, 4 * DAYS, "ACTIVE, and every run has failed since: independent disks"),
    Case("stopped", "file-prod-14", SILVER, 9 * DAYS, "ACTIVE, and nothing has run since: its next run is past"),
    Case("hanging", "bi-prod-14", SILVER, 31 * HOURS, "its backup has been in progress since, later ones are skipped"),
    Case("warning", "app-prod-14", GOLD, 40 * DAYS, "VMware Tools do not run: runs warn, copies are crash-consistent"),
    Case("partial-copy", "ci-prod-14", SILVER, 20 * DAYS, "one disk is left out: backups are partial, runs warn"),
    Case("failed-verification", "proxy-prod-14", BRONZE, 6 * DAYS, "its backups have failed verification since"),
    Case("copy-in-error", "cache-prod-14", BRONZE, 3 * DAYS, "failed, and each failed run left a copy in ERROR"),
    Case("clock-ahead", "jump-prod-14", SILVER, 3 * DAYS, "its orchestrator's clock is 3 h ahead: future copies"),
    Case("deleted-vm", "print-prod-14", SILVER, 4 * DAYS, "the VM is deleted, its copies are still kept"),
    Case("lapsed", "old-wiki-01", BRONZE, 8 * DAYS, "its job was deleted, some copies are still kept"),
    Case("expired-and-kept", "web-legacy-03", SILVER, 3 * DAYS, "an expired copy could not be removed"),
    Case("kept-for-ever", "finance-fs-01", "Compliance-7y", 900 * DAYS, "a copy made by hand that never expires"),
    Case("waits-for-approval", "sap-prod-01", GOLD, DAYS, "a deletion waits for a second person"),
    Case("copy-by-hand", "sap-prod-02", GOLD, 5 * DAYS, "a copy made by hand"),
)  # fmt: skip
BY_ASSET = {case.asset: case for case in CASES if case.name != "copy-by-hand"}
CLOCK_AHEAD = 3 * 3600  # seconds
