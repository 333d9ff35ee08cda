"""What is so in the tenant: computed from its JSON resources, asked for directly, never from the server's answers.

`Truth` is the only way to the simulated tenant. It uses of `Tenant` what its HTTP API would answer (`all`, `copies`,
`now`), what was written (`writes`, `requests`), and one request answered by its service. May import the simulator only:
`test_rule` holds it to that.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.server.service import Incoming, Service
from greenlake_backup_mcp.simulator.state import Tenant

Item = dict[str, Any]

UNFIT = ("ERROR", "CREATING", "DELETING", "DELETE_PENDING", "PENDING_DELETE_APPROVAL")
INTERVALS = {"BY_MINUTES": 60, "HOURLY": 3600, "DAILY": 86400, "WEEKLY": 7 * 86400, "MONTHLY": 31 * 86400}
GROUP_MEMBERS = {"virtual-machine-protection-groups": "assets", "mssql-database-protection-groups": "members"}


def moment(text: Any) -> datetime | None:
    """A time of the tenant in UTC; None where there is none."""
    return when(text) if text else None


def when(text: str) -> datetime:
    """A time of the tenant in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def to_minute(text: Any) -> datetime | None:
    """The same without seconds, as answers show it."""
    time = moment(text)
    return time.replace(second=0, microsecond=0) if time else None


def collection_of(item: Item) -> str:
    """The collection an item or a reference belongs to, by its resourceUri."""
    return str(item["resourceUri"]).split("/")[3]


class Truth:
    """The tenant's resources as they are when asked."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    # --- the seam ------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The tenant's time."""
        return self._tenant.now()

    def all(self, collection: str) -> list[Item]:
        """All items of a collection, as a list of the API tells them."""
        self._tenant.settle()
        return list(self._tenant.all(collection))

    def copies(self, holder: str, asset_id: str, kind: str) -> list[Item]:
        """The recovery points of one kind ("snapshots", "backups") of an asset."""
        self._tenant.settle()
        return list(self._tenant.copies(holder, asset_id, kind).all(self._tenant.now(), self._tenant.lag))

    def writes(self) -> Counter[tuple[str, str]]:
        """How often each write (operation id, path) was carried out."""
        return Counter(self._tenant.writes)

    def sent(self, path_end: str) -> list[Item]:
        """The bodies of the accepted writes whose path ends so, in order."""
        result = (
            r for r in self._tenant.requests if r.method != "GET" and r.path.endswith(path_end) and r.status < 300
        )
        return [r.body or {} for r in result]

    def answer(self, method: str, path: str, body: Item) -> Item:
        """What the HTTP API answers to one request, asked beside the server."""
        token = {"authorization": f"Bearer {self._tenant.switches.ready_token}", "content-type": "application/json"}
        request = Incoming(method, path, "", token, json.dumps(body).encode(), "http://tenant.test")
        answer, _ = Service(self._tenant, description.load()).answer(request)
        assert answer.status == 200, answer
        result: Item = answer.body
        return result

    # --- resources by name ---------------------------------------------------------------------------------------

    def named(self, collection: str, name: str) -> list[Item]:
        """All items of a name."""
        return [item for item in self.all(collection) if name in (item.get("displayName"), item.get("name"))]

    def one(self, collection: str, name: str) -> Item:
        """The only item of a name."""
        (item,) = self.named(collection, name)
        return item

    def vms(self) -> list[Item]:
        """The VMs that somebody works with: no gateway, orchestrator, template or vCLS machine."""
        return [vm for vm in self.all("virtual-machines") if vm.get("vmClassification") in (None, "", "NONE")]

    def vm_copies(self, vm: Item) -> list[Item]:
        """All recovery points of a VM."""
        return [*self.copies("virtual-machines", vm["id"], "snapshots"), *self.vm_backups(vm)]

    def vm_backups(self, vm: Item) -> list[Item]:
        """Its backups, local and cloud."""
        return self.copies("virtual-machines", vm["id"], "backups")

    def reachable(self) -> set[str]:
        """The ids of the stores that can be read: connected, and so is the gateway or StoreOnce before them."""
        lost = {
            i["id"] for collection in ("protection-store-gateways", "storeonces") for i in self.all(collection)
            if i["health"]["status"].endswith("DISCONNECTED")
        }  # fmt: skip
        return {
            s["id"] for s in self.all("protection-stores")
            if s["connectedState"] == "CONNECTED" and s["storageSystemInfo"]["id"] not in lost
        }  # fmt: skip

    def usable(self, copies: list[Item]) -> list[Item]:
        """The copies from which one could restore now: whole, unexpired, and in a store that can be read."""
        stores = self.reachable()
        return [
            c for c in copies
            if c["state"] not in UNFIT and c["status"] != "ERROR"
            and ("protectionStoreInfo" not in c or c["protectionStoreInfo"]["id"] in stores)
            and not ((end := moment(c.get("expiresAt"))) and end < self.now)
        ]  # fmt: skip

    # --- jobs ----------------------------------------------------------------------------------------------------

    def jobs(self, policy: str = "") -> list[Item]:
        """The protection jobs, or those of a policy."""
        jobs = self.all("protection-jobs")
        return [j for j in jobs if not policy or j["protectionPolicyInfo"]["name"] == policy]

    def assets_of(self, job: Item) -> set[tuple[str, str]]:
        """What a job protects, as (collection, id): members of groups and the VMs of a datastore each for itself."""
        asset = job["assetInfo"]
        collection = collection_of(asset)
        held = next((i for i in self.all(collection) if i["id"] == asset["id"]), {})
        if collection in GROUP_MEMBERS:
            return {(collection_of(m), m["id"]) for m in held.get(GROUP_MEMBERS[collection], ())}
        if collection == "datastores":
            return {
                ("virtual-machines", vm["id"])
                for vm in self.all("virtual-machines")
                if vm.get("protectionPolicyAppliedAtInfo", {}).get("id") == asset["id"]
            }
        return {(collection, asset["id"])}

    def assets_under(self, jobs: list[Item]) -> set[tuple[str, str]]:
        """What several jobs protect together, each asset once."""
        return set().union(*(self.assets_of(job) for job in jobs))


def tiers(job_or_policy: Item) -> list[tuple[str, Item, Item]]:
    """(tier, protection, schedule) of each schedule."""
    return [(p["type"], p, s) for p in job_or_policy["protections"] for s in p["schedules"]]


def interval(schedule: Item) -> timedelta:
    """The longest time between two runs of a schedule."""
    plan = schedule["schedule"]
    return timedelta(seconds=max(1, int(plan["repeatInterval"]["every"])) * INTERVALS[plan["recurrence"]])


def last_success(schedule: Item) -> datetime | None:
    """When a schedule of a job last succeeded."""
    return moment(schedule.get("prevSuccessfulRunTime"))
