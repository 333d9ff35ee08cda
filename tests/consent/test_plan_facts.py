"""A plan is told by all its calls together: what leads it, what remains, what one call takes from another."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import NOW
from tests.support.results import text_of


def call(tool: str, /, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


async def first_line(seed_app: Any, *calls: dict[str, Any]) -> tuple[str, str]:
    """The first line of a plan's preview, and all of it."""
    server = mcp_server.create(settings.load(demo=True), app=seed_app, now=lambda: NOW)
    async with Client(server) as client:
        text = text_of(await client.call_tool("run_plan", {"calls": list(calls), "confirm": "preview"}))
    return text.split("\n")[2], text


@pytest.fixture(scope="module")
def tenant_app() -> Any:
    """One tenant for all: nothing is changed in it."""
    return create_app(now=lambda: NOW, seed=7)


def copies_of(tenant_app: Any, holder: str, name: str, kind: str) -> tuple[str, list[dict[str, Any]]]:
    tenant = tenant_app.state.tenant
    asset = next(one for one in tenant.all(holder) if one["name"] == name)
    return asset["id"], list(tenant.copies(holder, asset["id"], kind).all(tenant.now(), tenant.lag))


async def test_a_description_never_leads_a_plan_with_something_grave(tenant_app: Any) -> None:
    vm, copies = copies_of(tenant_app, "virtual-machines", "web-legacy-03", "backups")
    tenant = tenant_app.state.tenant
    clock = {"methodDateTimeSet": "VM_HOST", "utcDateTime": "2099-01-01T00:00:00Z"}
    gateway = {"protectionStoreGatewayId": tenant.all("protection-store-gateways")[0]["id"], "dateTime": clock}
    copy = {"vmId": vm, "backupId": copies[0]["id"]}
    for harmless in (call("update_vm_backup", **copy, description="y"), call("delete_vm_backup", **copy)):
        line, _ = await first_line(tenant_app, harmless, call("update_protection_store_gateway", **gateway))
        assert line.startswith("CLOCK: ")
        assert line.endswith(" 2 calls.")


async def test_an_appliance_with_its_stores_stands_before_copies(tenant_app: Any) -> None:
    vm, copies = copies_of(tenant_app, "virtual-machines", "old-wiki-01", "backups")
    deletes = [call("delete_vm_backup", vmId=vm, backupId=copy["id"]) for copy in copies[:3]]
    gateway = tenant_app.state.tenant.all("protection-store-gateways")[0]["id"]
    last = call("delete_protection_store_gateway", protectionStoreGatewayId=gateway, force=True)
    line, text = await first_line(tenant_app, *deletes, last)
    assert "VM backups" not in line
    assert text.index("| delete_protection_store_gateway |") < text.index("| delete_vm_backup |")


async def test_what_a_plan_deletes_or_lets_expire_remains_for_none_of_its_calls(tenant_app: Any) -> None:
    vm, copies = copies_of(tenant_app, "virtual-machines", "old-wiki-01", "backups")
    _, snapshots = copies_of(tenant_app, "virtual-machines", "old-wiki-01", "snapshots")
    targets = [("backup", c) for c in copies] + [("snapshot", c) for c in snapshots]
    calls = []
    for n, (kind, copy) in enumerate(targets):
        own = {"vmId": vm, f"{kind}Id": copy["id"]}
        ends = {"expiresAt": "2026-11-25T09:00:00Z"}
        calls.append(call(f"delete_vm_{kind}", **own) if n % 2 else call(f"update_vm_{kind}", **own, **ends))
    line, text = await first_line(tenant_app, *calls)
    assert line.startswith("NOTHING is left of 1 asset: ")
    assert "Would remain" not in text


async def test_databases_whose_last_copies_a_plan_takes_along_are_named(tenant_app: Any) -> None:
    one, backups = copies_of(tenant_app, "mssql-databases", "billing-db-1", "backups")
    _, snapshots = copies_of(tenant_app, "mssql-databases", "billing-db-1", "snapshots")
    calls = [call("delete_mssql_database_backup", mssqlDatabaseId=one, backupId=c["id"]) for c in backups]
    calls += [call("delete_mssql_database_snapshot", mssqlDatabaseId=one, snapshotId=c["id"]) for c in snapshots]
    line, text = await first_line(tenant_app, *calls)
    assert line.startswith("NOTHING is left of 1 asset: ")
    assert 'LAST usable recovery point of "orders-db-1", "inventory-db-1", "payroll-db-1" too.' in text


async def test_a_call_that_needs_what_an_earlier_one_takes_away_cannot_be_done(tenant_app: Any) -> None:
    vm, copies = copies_of(tenant_app, "virtual-machines", "sap-prod-01", "backups")
    copy = copies[-1]
    restore = call("restore_vm", vmId=vm, backupId=copy["id"], restoreType="PARENT")
    store, gateway = copy["protectionStoreInfo"]["id"], copy["storageSystemInfo"]["id"]
    policies = tenant_app.state.tenant.all("protection-policies")
    asset = {"id": vm, "type": "virtualization/virtual-machine"}
    job = call("create_protection_job", assetInfo=asset, protectionPolicyId=policies[0]["id"])
    ends = call("update_vm_backup", vmId=vm, backupId=copy["id"], expiresAt="2026-11-24T08:01:00Z")
    for first, second, what in (
        (call("delete_protection_store", protectionStoreId=store, force=True), restore, "deletes"),
        (call("shutdown_gateway_guest_os", protectionStoreGatewayId=gateway), restore, "shuts down"),
        (ends, restore, "lets expire"),
        (call("delete_protection_policy", protectionPolicyId=policies[0]["id"]), job, "deletes"),
    ):
        line, _ = await first_line(tenant_app, first, second)
        assert line == f"CANNOT BE DONE: Call 2 needs what call 1 {what}; make two plans."


async def test_a_job_that_its_plan_ends_first_does_not_protect_already(tenant_app: Any) -> None:
    jobs, policies = (tenant_app.state.tenant.all(c) for c in ("protection-jobs", "protection-policies"))
    job = next(j for j in jobs if (j.get("assetInfo") or {}).get("name") == "sap-prod-01")
    policy = next(p for p in policies if p["name"].startswith("Bronze"))
    asset = {"id": job["assetInfo"]["id"], "type": "virtualization/virtual-machine"}
    move = call("create_protection_job", assetInfo=asset, protectionPolicyId=policy["id"])
    line, text = await first_line(tenant_app, call("delete_protection_job", protectionJobId=job["id"]), move)
    assert line.startswith('"sap-prod-01" is protected no more')
    assert "PROTECTED ALREADY" not in text
