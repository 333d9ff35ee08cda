"""Relations between the resources of a tenant that hold whatever was written to it; each returns what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from .invariants import Item, Snapshot

BUSY = ("UPDATING", "REFRESHING", "RESTORING", "DELETING", "CREATING", "IN_USE", "IN_USE_FOR_RESTORE", "RECOVERING",
        "POWERING", "SHUTTING", "RESTARTING", "ATTACHING", "DETACHING")  # fmt: skip
ASSETS = ("virtual-machines", "datastores", "mssql-databases", "virtual-machine-protection-groups",
          "mssql-database-protection-groups", "volume-protection-groups")  # fmt: skip


def by_id(shot: Snapshot, *collections: str) -> dict[str, Item]:
    return {item["id"]: item for name in collections for item in shot.all(name)}


def jobs_assets_and_policies_name_each_other(shot: Snapshot) -> Iterator[str]:
    jobs, policies, assets = (by_id(shot, *names) for names in (["protection-jobs"], ["protection-policies"], ASSETS))
    for job in jobs.values():
        asset, policy = assets.get(job["assetInfo"]["id"]), policies.get(job["protectionPolicyInfo"]["id"])
        if asset is None or asset.get("protectionJobInfo", {}).get("id") != job["id"]:
            yield f"the job of {job['assetInfo']['name']} is not that of its asset"
        elif asset["name"] != job["assetInfo"]["name"]:
            yield f"the asset {asset['name']} is {job['assetInfo']['name']} to its job"
        if policy is None or policy["name"] != job["protectionPolicyInfo"]["name"]:
            yield f"the job of {job['assetInfo']['name']} names {job['protectionPolicyInfo']}"
    for policy in policies.values():
        for entry in policy["protectionJobsInfo"]:
            if entry["assetInfo"] != jobs.get(entry["id"], {}).get("assetInfo"):
                yield f"{policy['name']} names {entry['assetInfo']['name']}"
    for asset in assets.values():
        info = asset.get("protectionJobInfo", {})
        if info and jobs.get(info["id"], {}).get("protectionPolicyInfo") != info["protectionPolicyInfo"]:
            yield f"{asset['name']} names the job {info}"


def what_protects_an_asset_is_where_its_policy_is_applied(shot: Snapshot) -> Iterator[str]:
    owners = {job["assetInfo"]["id"] for job in shot.all("protection-jobs")}
    for name in ("virtual-machines", "datastores"):
        for asset in shot.all(name):
            applied = asset.get("protectionPolicyAppliedAtInfo", {}).get("id")
            through = {asset["id"], *(g["id"] for g in asset.get("vmProtectionGroupsInfo", ()))} & owners
            if applied and applied not in owners:
                yield f"{asset['name']}: applied at {applied}, which no job protects"
            if through and applied not in through:
                yield f"{asset['name']}: applied at {applied}, protected through {through}"
            if (asset["protectionStatus"] in ("UNPROTECTED", "LAPSED")) != (applied is None) and "PSG" not in str(
                asset.get("vmClassification", "")
            ) and asset["protectionStatus"] != "UNSUPPORTED":  # fmt: skip
                yield f"{asset['name']}: {asset['protectionStatus']}, applied at {applied}"


def groups_and_members_know_each_other(shot: Snapshot) -> Iterator[str]:
    for groups, name, members, back in (
        ("virtual-machine-protection-groups", "assets", "virtual-machines", "vmProtectionGroupsInfo"),
        ("mssql-database-protection-groups", "members", "mssql-databases", "mssqlDatabaseProtectionGroupInfo"),
    ):
        of_member: dict[str, set[tuple[str, str]]] = {}
        for group in shot.all(groups):
            for member in group[name]:
                of_member.setdefault(member["id"], set()).add((group["id"], group["name"]))
        for member in shot.all(members):
            named: Any = member.get(back) or []
            named = {(g["id"], g["name"]) for g in (named if isinstance(named, list) else [named])}
            if named != of_member.pop(member["id"], set()):
                yield f"{member['name']} names the groups {named}"
        yield from (f"the member {member} is not there" for member in of_member)


def systems_and_what_is_on_them_name_each_other(shot: Snapshot) -> Iterator[str]:
    systems = by_id(shot, "protection-store-gateways", "storeonces")
    orchestrators, stores = by_id(shot, "data-orchestrators"), by_id(shot, "protection-stores")
    for store in stores.values():
        if (info := store["storageSystemInfo"])["id"] not in systems:
            yield f"{store['name']} is on {info['displayName']}, which is not there"
        elif any(
            o["displayName"] != orchestrators.get(o["id"], o)["displayName"] for o in store["dataOrchestratorInfo"]
        ):
            yield f"{store['name']}: its orchestrator is {store['dataOrchestratorInfo']}"
        elif info["displayName"] not in (systems[info["id"]].get("displayName"), systems[info["id"]]["name"]):
            yield f"{store['name']} is on {info['displayName']}, whose name is {systems[info['id']]['name']}"
    machines = by_id(shot, "virtual-machines")
    for gateway in shot.all("protection-store-gateways"):
        on = gateway["state"] != "PSG_STATE_OK_OFF"
        if gateway["vmId"] not in machines:
            yield f"{gateway['name']} has no virtual machine"
        elif (machines[gateway["vmId"]]["powerState"] == "POWERED_ON") != on and gateway["health"]["status"].endswith(
            "_CONNECTED"
        ):
            yield f"{gateway['name']} is {gateway['state']}, its VM {machines[gateway['vmId']]['powerState']}"
        lost = gateway["health"]["status"].endswith("DISCONNECTED")
        for store in stores.values():
            if (
                store["storageSystemInfo"]["id"] == gateway["id"]
                and (store["connectedState"] == "DISCONNECTED") != lost
            ):
                yield f"{store['name']} is {store['connectedState']}, {gateway['name']} {gateway['health']['status']}"
    for job in shot.all("protection-jobs"):
        if orchestrators and job["dataOrchestratorId"] not in orchestrators and job["operational"] == "ACTIVE":
            yield f"{job['assetInfo']['name']}: ACTIVE without its orchestrator"


def places_and_machines_agree(shot: Snapshot) -> Iterator[str]:
    count = Counter(vm["appInfo"]["vmware"]["datastoresInfo"][0]["id"] for vm in shot.all("virtual-machines"))
    for datastore in shot.all("datastores"):
        if datastore["vmCount"] != count[datastore["id"]]:
            yield f"{datastore['name']}: {datastore['vmCount']} VMs, {count[datastore['id']]} are on it"
        if not 0 <= datastore["capacityFree"] <= datastore["capacityInBytes"]:
            yield f"{datastore['name']}: {datastore['capacityFree']} free of {datastore['capacityInBytes']}"
    for vm in shot.all("virtual-machines"):
        if vm["capacityInBytes"] != sum(d["capacityInBytes"] for d in vm["virtualDisks"]):
            yield f"{vm['name']}: {vm['capacityInBytes']} bytes, not those of its disks"


def databases_are_on_instances_of_hosts(shot: Snapshot) -> Iterator[str]:
    hosts, instances = by_id(shot, "application-hosts"), by_id(shot, "mssql-instances")
    for instance in instances.values():
        host = hosts.get(instance["applicationHostInfo"]["id"], {})
        if host.get("name") != instance["applicationHostInfo"]["name"]:
            yield f"{instance['name']} is on {instance['applicationHostInfo']['name']}, not {host.get('name')}"
    for database in shot.all("mssql-databases"):
        instance = instances.get(database["instanceInfo"]["id"], {})
        if database["applicationHostInfo"]["id"] != instance.get("applicationHostInfo", {}).get("id"):
            yield f"{database['name']} is on another host than its instance"
        if database["applicationHostInfo"]["name"] != hosts.get(database["applicationHostInfo"]["id"], {}).get("name"):
            yield f"{database['name']} is on {database['applicationHostInfo']['name']}"


def jobs_stand_as_their_schedules_do(shot: Snapshot) -> Iterator[str]:
    for job in shot.all("protection-jobs"):
        states = {s["operational"] for p in job["protections"] for s in p["schedules"]}
        expected = states.pop() if len(states) == 1 else "PARTIALLY_SUSPENDED"
        if job["operational"] not in (expected, f"PERMANENTLY_{expected}"):
            yield f"{job['assetInfo']['name']}: {job['operational']}, its schedules {expected}"


def nothing_stays_in_work(shot: Snapshot) -> Iterator[str]:
    for name, items in shot.tenant.world.resources.items():
        for item in items.values():
            if any(word in str(item.get("state", "")) for word in BUSY):
                yield f"{name} {item.get('name')}: {item['state']}"
    for held in shot.tenant.history.held.values():
        for item in (*held.extra.values(), *held.changed.values()):
            if item["state"] in BUSY and not item["name"].endswith("in-progress"):
                yield f"{item['name']}: {item['state']}"
    for task in shot.tenant.tasks.values():
        if task.state not in ("SUCCEEDED", "FAILED", "CANCELLED", "TIMEDOUT", "PAUSED"):
            yield f"the task {task.name} of {task.about.get('name')}: {task.state}"


def approvals_and_what_waits_agree(shot: Snapshot) -> Iterator[str]:
    waiting = {item["operationResource"]["resourceUri"] for item in shot.all("dual-auth-operations")
               if item["state"].upper() == "PENDING"}  # fmt: skip
    states = {item["resourceUri"] for held in shot.tenant.history.held.values()
              for item in (*held.extra.values(), *held.changed.values())
              if item["state"] == "PENDING_DELETE_APPROVAL"}  # fmt: skip
    if states != {uri for uri in waiting if "/backups/" in uri or "/snapshots/" in uri}:
        yield f"{states} wait, {waiting} are asked for"


def copies_are_where_they_say(shot: Snapshot) -> Iterator[str]:
    stores, systems = by_id(shot, "protection-stores"), by_id(shot, "protection-store-gateways", "storeonces")
    for (holder, _, kind), copies in shot.copies.items():
        for copy in copies:
            store = stores.get(copy.get("protectionStoreInfo", {}).get("id"))
            if kind == "backups" and store is None:
                yield f"{copy['name']} is in {copy['protectionStoreInfo']['name']}, which is not there"
            elif store and holder != "volume-protection-groups" and copy["storageSystemInfo"]["id"] not in systems:
                yield f"{copy['name']} is on {copy['storageSystemInfo']['name']}, which is not there"
            elif store and copy["protectionStoreInfo"]["name"] != store["name"]:
                yield f"{copy['name']} is in {copy['protectionStoreInfo']['name']}, which is called {store['name']}"


def volumes_are_told_the_same_by_all_their_groups(shot: Snapshot) -> Iterator[str]:
    seen: dict[str, Item] = {}
    for group in shot.all("volume-protection-groups"):
        for volume in group["assets"]:
            if seen.setdefault(volume["id"], volume) != volume:
                yield f"{group['name']} has {volume}, another group {seen[volume['id']]}"


def ended_tasks_say_last_how_they_ended(shot: Snapshot) -> Iterator[str]:
    for task in shot.all("async-operations"):
        if task["endedAt"] and task["logMessages"][-1]["timestampAt"] != task["endedAt"]:
            yield f"{task['displayName']}: {task['state']}, last {task['logMessages'][-1]}"


RELATIONS: tuple[Callable[[Snapshot], Iterator[str]], ...] = (
    jobs_assets_and_policies_name_each_other, what_protects_an_asset_is_where_its_policy_is_applied,
    groups_and_members_know_each_other, systems_and_what_is_on_them_name_each_other, places_and_machines_agree,
    databases_are_on_instances_of_hosts, jobs_stand_as_their_schedules_do, nothing_stays_in_work,
    approvals_and_what_waits_agree, copies_are_where_they_say, volumes_are_told_the_same_by_all_their_groups,
    ended_tasks_say_last_how_they_ended,
)  # fmt: skip


def broken_relations(shot: Snapshot) -> dict[str, list[str]]:
    """Relation → where it does not hold; empty where all do."""
    result = {rule.__name__: list(rule(shot)) for rule in RELATIONS}
    return {name: texts for name, texts in result.items() if texts}
