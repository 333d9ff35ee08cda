"""What previews say where something is rare: nothing left, nothing known, no answer that helps, more than fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from greenlake_backup_mcp.dispatch import arguments as arguments_
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews import times
from greenlake_backup_mcp.previews.difference import merge_patch
from greenlake_backup_mcp.previews.reads import ReadCache, ReadSpec, kind_of, read_all
from greenlake_backup_mcp.upstream import client
from tests.previews.test_previews import (
    BACKUPS,
    BOX,
    GROUP,
    JOB,
    POLICY,
    SNAPSHOTS,
    TOOLS,
    VM_PATH,
    effect,
    policy,
    preview_text,
    tenant,
)
from tests.support.tiny_tenant import BACKUP, NOW, OWN, VIRTUALIZATION, VM, Tenant, loaded

ASSET = {"id": VM, "name": "sql-prod-01", "type": "virtualization/virtual-machine", "resourceUri": VM_PATH}


# --- more than fits ---------------------------------------------------------------------------------------------------


async def test_what_is_more_than_fits_is_counted_and_none_of_it_leaves_the_whole_difference() -> None:
    members = [{"id": f"m{n}", "name": f"web-{n}"} for n in range(460)]
    path = f"{OWN}/virtual-machine-protection-groups/{GROUP}"
    app = Tenant({path: {"id": GROUP, "name": "web", "assets": members}})
    listed = [{"id": f"new{n}"} for n in range(50)]
    result = await effect(app, "update_vm_protection_group", vmProtectionGroupId=GROUP, assets=listed)
    text = "\n".join(result.lines())
    assert "- and 70 more changes, 60 of them grave." in text
    assert len(result.whole) == 970  # of what goes, each property
    assert any(fact.startswith("510 changes (digest ") for fact in result.binding_facts)


async def test_a_list_that_tells_its_total_is_counted_by_it() -> None:
    path = f"{OWN}/virtual-machine-protection-groups/{GROUP}"
    app = Tenant({path: {"id": GROUP, "name": "web", "assets": []}})
    app.resources |= {f"{path}/backups": {"items": [{"id": "1"}], "total": 4321}, f"{path}/snapshots": []}
    text = await preview_text(app, "delete_vm_protection_group", vmProtectionGroupId=GROUP, cascadedelete=True)
    assert "4,321 backups" in text


# --- what a request takes away ----------------------------------------------------------------------------------------


def test_null_takes_away_and_lists_are_replaced_whole_as_rfc_7396_has_it() -> None:
    held = {"a": {"b": "c", "d": [1, 2]}, "e": None}
    assert merge_patch(held, {"a": {"b": None, "d": [3], "f": {"g": None}}}) == {"a": {"d": [3], "f": {}}, "e": None}
    assert merge_patch(held, {"a": "x"}) == {"a": "x", "e": None}
    assert merge_patch("text", {"a": 1}) == {"a": 1}


async def test_the_only_interface_of_a_gateway_is_told_as_that() -> None:
    nic = {"id": VM, "networkName": "Backup", "networkAddress": "10.0.0.4"}
    app = Tenant({f"{OWN}/protection-store-gateways/{BOX}": {"id": BOX, "name": "psg", "network": {"nics": [nic]}}})
    inputs = {"protectionStoreGatewayId": BOX, "nic": {"id": VM}}
    result = await effect(app, "delete_protection_store_gateway_nic", **inputs)
    assert "the only interface" in result.warnings
    assert result.reversibility.startswith("It can be added again only in vCenter")


async def test_an_address_of_another_own_interface_is_in_use() -> None:
    nics = [{"id": i, "networkName": "Backup", "networkAddress": f"10.0.0.{n}"} for n, i in ((4, VM), (5, BACKUP))]
    box = {"id": BOX, "name": "psg", "network": {"nics": nics}}
    app = Tenant({f"{OWN}/protection-store-gateways/{BOX}": box, f"{OWN}/protection-store-gateways": [box]})
    inputs = {"protectionStoreGatewayId": BOX, "nic": {"id": VM, "networkAddress": "10.0.0.5"}}
    text = await preview_text(app, "update_protection_store_gateway_nic", **inputs)
    assert "ADDRESS IN USE: 10.0.0.5 is that of another of its own interfaces; one of the two is cut off." in text


# --- jobs -------------------------------------------------------------------------------------------------------------


async def test_a_job_whose_asset_has_no_recovery_point_says_that_nothing_can_be_restored() -> None:
    job = {"id": JOB, "operational": "PERMANENTLY_SUSPENDED", "assetInfo": ASSET}
    app = Tenant({f"{OWN}/protection-jobs/{JOB}": job, BACKUPS: [], SNAPSHOTS: []})
    result = await effect(app, "delete_protection_job", protectionJobId=JOB)
    assert "It has NO recovery point: nothing of it can be restored." in result.consequences
    assert {"no recovery point", "is suspended"} <= set(result.warnings)


@pytest.mark.parametrize(
    ("asset", "group", "line"),
    [
        ({}, {}, 'It is a member of "web", which no job protects.'),
        ({}, None, 'It stands as a member of "web"; whether that protects it already is not known.'),
    ],
)
async def test_what_an_asset_is_a_member_of_is_told_as_far_as_it_is_known(asset: Any, group: Any, line: str) -> None:
    path = f"{OWN}/virtual-machine-protection-groups/{GROUP}"
    info = {"id": GROUP, "name": "web", "resourceUri": path}
    program = {"hostId": BOX, "path": "/opt/x.sh"}
    kind = {**policy(), "applicationType": "MSSQL"}
    kind["protections"][0]["schedules"][0]["preScriptInfo"] = program
    app = Tenant(
        {
            VM_PATH: {"id": VM, "name": "sql-prod-01", "vmProtectionGroupsInfo": [info], **asset},
            f"{OWN}/protection-policies/{POLICY}": kind,
            f"{OWN}/protection-jobs": [],
            f"{OWN}/application-hosts": [{"id": BOX, "name": "sql-host"}],
        }
    )
    if group is not None:
        app.resources[path] = {"id": GROUP, "name": "web", **group}
    inputs = {"assetInfo": {"id": VM, "type": ASSET["type"]}, "protectionPolicyId": POLICY}
    text = await preview_text(app, "create_protection_job", **inputs)
    assert line in text
    assert "The policy is made for MSSQL; the service is expected to refuse it for this asset." in text
    assert f'hostId: "sql-host" (id {BOX})' in text


# --- ids --------------------------------------------------------------------------------------------------------------


async def test_an_id_whose_vcenter_nobody_names_is_told_by_itself() -> None:
    inputs = {"vmId": VM, "backupId": BACKUP, "restoreType": "ALTERNATE"}
    text = await preview_text(tenant(), "restore_vm", **inputs, targetVmInfo={"name": "x", "folderId": GROUP})
    assert f"folderId: {GROUP}" in text
    assert "There is no list of folders" not in text


# --- reads ------------------------------------------------------------------------------------------------------------


async def test_an_answer_that_holds_neither_thing_nor_list_is_not_known() -> None:
    app = tenant()
    app.resources[SNAPSHOTS] = "nonsense"
    text = await preview_text(app, "delete_vm_backup", vmId=VM, backupId=BACKUP)
    assert "the snapshots of the VM (" in text.partition("Not known: ")[2]


async def test_reads_beyond_what_a_plan_may_make_are_not_made() -> None:
    async with client.connect(loaded(), app=tenant(), now=lambda: NOW) as api:
        results = await read_all(api, [ReadSpec("vm", "the VM", VM_PATH)], ReadCache(0))
    assert results["vm"].problem == "not read, the plan is too long"


async def test_an_operation_that_nobody_here_knows_is_told_by_its_description_and_taken_as_final() -> None:
    tool = TOOLS["delete_vm_backup"]
    assert tool.operation
    unknown = replace(tool, operation=replace(tool.operation, id="SomethingNew"))
    inputs = arguments_.prepare(unknown, {"vmId": VM, "backupId": BACKUP, "confirm": "preview"})
    app = tenant()
    async with client.connect(loaded(), app=app, now=lambda: NOW) as api:
        request = arguments_.build_request(unknown, inputs)
        target = await effects.read_target(api, TOOLS, unknown, inputs, request)
        result = await effects.describe_effect(api, unknown, inputs, target, NOW)
    assert result.title.startswith("Carry out DELETE ")
    assert result.reversibility.endswith("take it that it cannot be undone.")
    assert "what it does beyond its description" in result.unknown


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "no time"), (1.4, "1 second"), (2, "2 seconds"), (150, "2 minutes")]
)
def test_a_span_is_told_in_whole_units(seconds: float, words: str) -> None:
    assert times.describe_span(timedelta(seconds=seconds)) == words


def test_what_is_at_no_path_of_a_collection_is_a_resource() -> None:
    assert kind_of("/backup-recovery") == "resource"
    assert kind_of(f"{VIRTUALIZATION}/virtual-machines/{VM}") == "VM"
