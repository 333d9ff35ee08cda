"""What a restore overwrites, where it goes and from which points: told by all arguments, however they are spelt."""

from __future__ import annotations

from typing import Any

import pytest

from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools.danger import Danger
from tests.conftest import NOW
from tests.previews.test_hostile_requests import ODD, read


@pytest.fixture(scope="module")
def app() -> Any:
    """One tenant for all: nothing is changed in it."""
    return create_app(now=lambda: NOW, seed=7)


def named(app: Any, collection: str, name: str) -> dict[str, Any]:
    return next(one for one in app.state.tenant.all(collection) if one["name"] == name)


def point(app: Any, holder: str, asset: dict[str, Any]) -> str:
    tenant = app.state.tenant
    copies = tenant.copies(holder, asset["id"], "backups").all(tenant.now(), tenant.lag)
    return next(str(one["id"]) for one in copies if one["state"] == "OK")


async def restore_vm(app: Any, /, name: str = "sap-prod-01", **inputs: Any) -> tuple[Effect, str]:
    vm = named(app, "virtual-machines", name)
    return await read(app, "restore_vm", vmId=vm["id"], backupId=point(app, "virtual-machines", vm), **inputs)


# --- VMs --------------------------------------------------------------------------------------------------------------


async def test_a_place_for_something_new_is_not_heeded_by_a_restore_over_the_original(app: Any) -> None:
    _, text = await restore_vm(app, restoreType="PARENT", targetVmInfo={"name": "x", "powerOn": True})
    assert "targetVmInfo is for ALTERNATE restores only" in text
    assert "second machine" not in text
    _, text = await restore_vm(app, restoreType="ALTERNATE", targetVmInfo={"name": "x"})
    assert "for ALTERNATE restores only" not in text


@pytest.mark.parametrize("name", ["SAP-Prod-01", "sap-prod-01\u200b", " sap-prod-01 ", "MAIL-test-20"])
async def test_a_name_that_people_cannot_tell_from_one_that_exists_exists(app: Any, name: str) -> None:
    effect, text = await restore_vm(app, restoreType="ALTERNATE", targetVmInfo={"name": name})
    assert " EXISTS; what becomes of it, no document says." in effect.gravest
    assert "stays as it is" not in text


async def test_places_of_two_vcenters_and_ids_of_other_things_are_told(app: Any) -> None:
    clusters, datastores = (app.state.tenant.all(c) for c in ("hypervisor-clusters", "datastores"))
    first = clusters[0]["hypervisorManagerInfo"]["id"]
    other = next(c for c in clusters if c["hypervisorManagerInfo"]["id"] != first)
    near = next(d for d in datastores if d["hypervisorManagerInfo"]["id"] == first)
    there = {"name": "x", "clusterId": other["id"], "appInfo": {"vmware": {"datastoreId": near["id"]}}}
    _, text = await restore_vm(app, restoreType="ALTERNATE", targetVmInfo=there)
    assert f'Cluster "{other["name"]}", datastore "{near["name"]}" are not all of one vCenter' in text
    for identity in (ODD, near["id"], named(app, "virtual-machines", "sap-prod-01")["id"]):
        _, text = await restore_vm(app, restoreType="ALTERNATE", targetVmInfo={"name": "x", "clusterId": identity})
        assert f"There is no cluster with the id {identity}." in text
    _, text = await restore_vm(app, restoreType="ALTERNATE", targetVmInfo={"name": "x", "clusterId": other["id"]})
    assert "There is no cluster" not in text
    assert "one vCenter" not in text


async def test_a_vm_that_is_gone_is_brought_back_and_not_overwritten(app: Any) -> None:
    gone = next(vm["name"] for vm in app.state.tenant.all("virtual-machines") if vm["state"] == "DELETED")
    _, text = await restore_vm(app, restoreType="ALTERNATE", targetVmInfo={"name": gone})
    assert "EXISTS" not in text
    effect, text = await restore_vm(app, gone, restoreType="PARENT")
    assert "It is DELETED in its vCenter: nothing that is there is overwritten" in text
    assert "LOST" not in text
    assert effect.danger is not Danger.DESTROY


# --- disks and files --------------------------------------------------------------------------------------------------


def disk(onto: str = "", source: str = "Hard disk 1") -> dict[str, Any]:
    to = {"vmDiskDetails": {"diskLabel": onto}} if onto else {}
    return {"recoveryPointDiskDetails": {"diskLabel": source}, **to}


@pytest.mark.parametrize(
    ("details", "first", "line"),
    [
        ([disk("Hard disk 9")], 'OVERWRITES disk "Hard disk 9" of VM "sap-prod-01"', ""),
        ([disk("Hard disk 1"), disk("Hard disk 2")], "OVERWRITES 2 disks of VM", '"Hard disk 1", "Hard disk 2" of VM'),
        ([{}], "OVERWRITES 1 disk of VM", "(the one whose label is not given: which, the service decides)"),
        ([disk("Hard disk 1"), disk("hard disk 1")], "OVERWRITES 2 disks of VM", "2 disks go onto disk"),
        ([], "OVERWRITES ALL disks of VM", "ALL of them (none is named)"),
    ],
)
async def test_the_disks_that_are_overwritten_are_named(
    app: Any, details: list[dict[str, Any]], first: str, line: str
) -> None:
    vm = named(app, "virtual-machines", "sap-prod-01")
    inputs = {"vmId": vm["id"], "backupId": point(app, "virtual-machines", vm), "restoreType": "PARENT"}
    effect, text = await read(app, "restore_vm_disks", **inputs, restoreDiskDetails=details)
    assert effect.gravest.startswith(first)
    assert line in text


async def test_disks_of_another_vm_lose_what_they_hold_and_two_targets_are_a_question(app: Any) -> None:
    vm, other = (named(app, "virtual-machines", name) for name in ("sap-prod-01", "lab-build-07"))
    inputs = {"vmId": vm["id"], "backupId": point(app, "virtual-machines", vm), "targetVmId": other["id"]}
    details = [disk("Hard disk 9")]
    effect, _ = await read(app, "restore_vm_disks", **inputs, restoreType="ALTERNATE", restoreDiskDetails=details)
    assert effect.gravest.startswith('OVERWRITES disk "Hard disk 9" of VM "lab-build-07"')
    assert "ALL it holds is LOST" in effect.gravest
    _, text = await read(app, "restore_vm_disks", **inputs, restoreType="PARENT", restoreDiskDetails=details)
    assert "which of the two is overwritten, no document says" in text


@pytest.mark.parametrize(("method", "grave"), [("OVERWRITE", True), ("SKIP", False), ("KEEPASBACKUP", False)])
async def test_every_file_that_is_overwritten_stands_in_the_text(app: Any, method: str, *, grave: bool) -> None:
    vm = named(app, "virtual-machines", "sap-prod-01")
    paths = [{"absoluteSourcePath": f"/data/{n}", "absoluteTargetPath": f"/data/{n}"} for n in range(199)]
    paths.insert(181, {"absoluteSourcePath": "/data/x", "absoluteTargetPath": "/etc/shadow"})
    target = {"virtualMachineId": vm["id"], "credentialsInfo": {"username": "root", "password": "hunter2"}}
    inputs = {"vmId": vm["id"], "backupId": point(app, "virtual-machines", vm), "targetInfo": target}
    effect, text = await read(app, "restore_vm_files", **inputs, fileRestoreMethod=method, filePathInfo=paths)
    assert ("/etc/shadow" in text) == grave
    assert ("OVERWRITTEN below 200 paths" in effect.gravest) == grave


# --- databases --------------------------------------------------------------------------------------------------------

DATA, LOG = r"D:\Data\b.mdf", r"D:\Data\b.ldf"


async def restore_database(app: Any, kind: str = "ALTERNATE", **to: Any) -> tuple[Effect, str]:
    one = named(app, "mssql-databases", "billing-db-1")
    inputs = {"mssqlDatabaseId": one["id"], "backupId": point(app, "mssql-databases", one), "restoreType": kind}
    to = {"instanceId": one["instanceInfo"]["id"], **to}
    return await read(app, "restore_mssql_database", **inputs, targetDatabaseInfo=to)


@pytest.mark.parametrize(
    "to",
    [
        {"name": "billing-db-1 "},
        {"name": "Billing-DB-1\u200b"},
        {"name": "n", "databaseFilePaths": [{"originalPath": DATA, "newPath": "d:/data/x/../B.MDF"}]},
        {
            "name": "n",
            "databaseFilePaths": [{"originalPath": DATA, "newPath": LOG}, {"originalPath": LOG, "newPath": DATA}],
        },
    ],
)
async def test_a_database_that_goes_onto_its_own_name_or_files_is_overwritten(app: Any, to: dict[str, Any]) -> None:
    effect, text = await restore_database(app, **to)
    assert effect.gravest.startswith('OVERWRITES SQL database "billing-db-1"')
    assert "stays as it is" not in text


@pytest.mark.parametrize(
    ("to", "first"),
    [
        ({"name": "Master"}, 'OVERWRITES "Master", a SYSTEM DATABASE'),
        *(
            ({"name": "n", "databaseFilePaths": [{"originalPath": DATA, "newPath": path}]}, "A path is written so that")
            for path in (r"\\localhost\D$\Data\b.mdf", r"D:\DATA~1\b.mdf", r"D:\Data\b.mdf:x", r"Data\b.mdf")
        ),
        (
            {"name": "n", "databaseFilePaths": [{"originalPath": DATA, "newPath": r"D:\Data.\b.mdf. "}]},
            'OVERWRITES SQL database "billing-db-1"',
        ),
    ],
)
async def test_what_a_restore_may_overwrite_is_not_said_to_stay(app: Any, to: dict[str, Any], first: str) -> None:
    effect, text = await restore_database(app, **to)
    assert effect.gravest.startswith(first)
    assert "stays as it is" not in text


async def test_an_instance_that_does_not_exist_and_a_place_beside_the_original_are_told(app: Any) -> None:
    for identity in (ODD, named(app, "mssql-databases", "billing-db-1")["id"]):
        effect, _ = await restore_database(app, name="n", instanceId=identity)
        assert effect.forbidden == "The SQL instance to restore to does not exist."
    _, text = await restore_database(app, "PARENT", name="orders-db-1")
    assert "targetDatabaseInfo is for ALTERNATE restores only" in text
    paths = [{"originalPath": DATA, "newPath": r"E:\n.mdf"}]
    effect, text = await restore_database(app, name="n", databaseFilePaths=paths)
    assert effect.danger is not Danger.DESTROY
    assert "a second one is made" in text


# --- groups -----------------------------------------------------------------------------------------------------------


async def restore_group(app: Any, /, **inputs: Any) -> tuple[Effect, str]:
    group = named(app, "virtual-machine-protection-groups", "vmpg-erp-01")
    return await read(app, "restore_vm_protection_group", vmProtectionGroupId=group["id"], **inputs)


async def test_a_group_that_is_restored_as_a_whole_says_so_whatever_its_list_names(app: Any) -> None:
    members = named(app, "virtual-machine-protection-groups", "vmpg-erp-01")["assets"]
    one = {"resourceId": members[0]["id"], "recoveryPointId": point(app, "virtual-machines", members[0])}
    asked = {"restoreType": "PARENT", "recoveryInfo": [{**one, "recoveryPointType": "BACKUP"}]}
    effect, text = await restore_group(app, **asked, restoreAllResources=True)
    assert effect.gravest.startswith(f"OVERWRITES ALL {len(members)} members of VM protection group")
    rest = ", ".join(f'"{m["name"]}"' for m in members[1:])
    assert f"No recovery point is named for {rest}: the service takes the latest of each member." in text
    effect, text = await restore_group(app, **asked)
    assert effect.gravest.startswith("OVERWRITES 1 member of VM protection group")
    assert "No recovery point is named" not in text


async def test_entries_of_a_group_restore_that_fit_nothing_are_told(app: Any) -> None:
    members = named(app, "virtual-machine-protection-groups", "vmpg-erp-01")["assets"]
    first, stranger = members[0]["id"], named(app, "virtual-machines", "mail-test-20")["id"]
    wrong = {"resourceId": first, "recoveryPointId": point(app, "virtual-machines", members[0])}
    infos = [{**wrong, "recoveryPointType": "SNAPSHOT"}, {"resourceId": first}, {"resourceId": stranger}, {}]
    effect, text = await restore_group(app, restoreType="PARENT", recoveryInfo=infos)
    assert effect.gravest.startswith("OVERWRITES 1 member of")
    assert "Recovery point 1 is NOT FOUND among the snapshots of that member" in text
    assert 'NO member of the group: "mail-test-20"' in text
    assert f'Named more than once: "{members[0]["name"]}"' in text
    assert "1 entry of recoveryInfo names no member." in text


@pytest.mark.parametrize("prefix", [" ", "\u200b", ""])
async def test_a_prefix_that_nobody_sees_is_none(app: Any, prefix: str) -> None:
    effect, _ = await restore_group(app, restoreType="ALTERNATE", namePrefix=prefix)
    assert effect.gravest == "No prefix or postfix is given: what is made would have the names that exist."
