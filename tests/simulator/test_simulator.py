"""The simulated tenant as a service: who may ask, what a path is, how lists are paged, filtered and sorted."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlake_backup_mcp.simulator.history.copies import Series
from greenlake_backup_mcp.simulator.history.recovery_points import HOLDERS
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Switches
from tests.support.simulated import BACKUP, DATA, NOW, TASKS, VIRTUAL, simulated

FORM = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret"}
WORKSPACE = "/authorization/v2/oauth2/0123456789abcdef0123456789abcdef/token"
STORES = f"{BACKUP}/protection-stores"
JOBS = f"{BACKUP}/protection-jobs"
VMS = f"{VIRTUAL}/virtual-machines"


# --- who may ask ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/as/token.oauth2", WORKSPACE])
async def test_both_token_endpoints_take_credentials_in_the_body_and_as_basic(path: str) -> None:
    async with simulated() as tenant:
        body = await tenant.client.post(path, data=FORM)
        word = base64.b64encode(b"demo:demo-secret").decode()
        basic = await tenant.client.post(
            path, data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {word}"}
        )
        for answer in (body, basic):
            token = answer.json()["access_token"]
            read = await tenant.client.get(STORES, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, read.status_code, answer.json()["expires_in"]) == (200, 200, 900)


@pytest.mark.parametrize(
    ("change", "status"),
    [({"client_secret": "wrong"}, 401), ({"grant_type": "password"}, 400), ({"client_id": ""}, 401)],
)
async def test_wrong_credentials_get_no_token(change: dict[str, str], status: int) -> None:
    async with simulated() as tenant:
        assert (await tenant.client.post(WORKSPACE, data={**FORM, **change})).status_code == status
        assert (await tenant.client.post(WORKSPACE.replace("0", "9", 1), data=FORM)).status_code == 400


async def test_a_token_ends_when_its_time_is_over() -> None:
    async with simulated(switches=Switches(token_seconds=60)) as tenant:
        token = (await tenant.client.post("/as/token.oauth2", data=FORM)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert (await tenant.client.get(STORES, headers=headers)).status_code == 200
        tenant.tenant.advance(61)
        assert await tenant.refused("GET", STORES, 401, headers=headers) == "The token is invalid or has expired."


async def test_a_new_token_ends_the_last_one_where_the_switch_says_so() -> None:
    async with simulated(switches=Switches(one_token=True)) as tenant:
        one = (await tenant.client.post("/as/token.oauth2", data=FORM)).json()["access_token"]
        await tenant.client.post("/as/token.oauth2", data=FORM)
        assert (await tenant.client.get(STORES, headers={"Authorization": f"Bearer {one}"})).status_code == 401


async def test_without_a_token_nothing_is_answered_but_401() -> None:
    async with simulated() as tenant:
        for header in ("", "Bearer ", "Bearer made-up", "Basic ZGVtbzpkZW1v"):
            answer = await tenant.client.get(STORES, headers={"Authorization": header})
            assert (answer.status_code, answer.json()["errorCode"]) == (401, "UNAUTHENTICATED")
            assert answer.json()["debugId"]


async def test_a_read_only_client_is_refused_every_write() -> None:
    async with simulated(switches=Switches(read_only_client=True)) as tenant:
        message = await tenant.refused("POST", STORES, 403, json={"displayName": "x"})
        assert message == "Permission denied: data-services.protection-store.create is missing."


# --- what a path is ------------------------------------------------------------------------------------------------


async def test_unknown_paths_methods_ids_and_parameters_are_told_apart() -> None:
    async with simulated() as tenant:
        nobody = "00000000-0000-4000-8000-000000000000"
        assert await tenant.refused("GET", f"{BACKUP}/nothing", 404) == "There is no such path."
        assert "PUT" in await tenant.refused("PUT", STORES, 405)
        assert nobody in await tenant.refused("GET", f"{STORES}/{nobody}", 404)
        assert "uuid" in await tenant.refused("GET", f"{BACKUP}/data-orchestrators/not-a-uuid", 400)
        assert "'colour'" in await tenant.refused("GET", STORES, 400, params={"colour": "red"})
        assert "twice" in await tenant.refused("GET", STORES, 400, params=[("limit", "1"), ("limit", "2")])
        for path in (f"{STORES}/..%2F..%2Fetc", f"{STORES}/%0A", f"{STORES}/a%3Fb"):
            assert (await tenant.client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "query", "part"),
    [
        (VMS, {"limit": "1001"}, "limit"),
        (VMS, {"limit": "0"}, "limit"),
        (VMS, {"limit": "ten"}, "limit"),
        (VMS, {"offset": "-1"}, "offset"),
        (JOBS, {"offset": "1001"}, "offset"),
        (JOBS, {"limit": "20001"}, "limit"),
        (f"{BACKUP}/storeonces", {"filter": "name eq 'x'"}, "filter"),
        (STORES, {"limit": "99999999999999999999999"}, "limit"),
    ],
)
async def test_limits_and_offsets_out_of_range_are_refused(path: str, query: dict[str, str], part: str) -> None:
    async with simulated() as tenant:
        assert part in await tenant.refused("GET", path, 400, params=query)


async def test_old_error_bodies_come_by_switch() -> None:
    async with simulated(switches=Switches(old_errors=True)) as tenant:
        answer = await tenant.client.get(f"{BACKUP}/nothing")
        assert set(answer.json()) == {"error", "errorCode", "traceId"}


# --- lists ---------------------------------------------------------------------------------------------------------


async def test_a_list_read_in_pages_is_the_whole_list_once() -> None:
    async with simulated() as tenant:
        whole = (await tenant.get(VMS, limit=1000))["items"]
        pages = [(await tenant.get(VMS, limit=150, offset=o))["items"] for o in range(0, 600, 150)]
        assert [len(p) for p in pages] == [150, 150, 100, 0]
        assert [i["id"] for p in pages for i in p] == [i["id"] for i in whole]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (VMS, {"items", "count", "offset", "total"}),
        (f"{BACKUP}/application-hosts", {"items", "count", "pageLimit", "pageOffset", "total"}),
        (f"{BACKUP}/mssql-databases", {"items", "count", "pageLimit", "pageOffset", "total"}),
        (f"{BACKUP}/protection-store-gateways", {"items", "count", "limit", "offset", "total"}),
    ],
)
async def test_each_list_has_its_documented_envelope(path: str, names: set[str]) -> None:
    async with simulated() as tenant:
        assert set(await tenant.get(path)) == names


async def test_totals_are_missing_by_switch_where_they_are_optional() -> None:
    async with simulated(switches=Switches(totals=False)) as tenant:
        assert "total" not in await tenant.get(VMS)
        assert "total" in await tenant.get(f"{BACKUP}/storeonces")


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        (VMS, "name eq 'db-prod-01'", 2),
        (VMS, "name eq 'db-prod-01' and protectionStatus eq 'PROTECTED'", 1),
        (VMS, "protectionStatus ne 'PROTECTED' and vclsVm eq true", 8),
        (VMS, "name in ('sap-prod-01','sap-prod-02')", 2),
        (VMS, "'private-cloud' in services", 0),
        (VMS, "name eq 'it''s'", 0),
        (VMS, "appInfo/vmware/datastoresInfo/name eq 'nothing'", 0),
        (JOBS, "operational eq SUSPENDED", 4),
        (STORES, "storageSystemInfo/displayName eq 'so-dc1-5260' and protectionStoreType eq 'CLOUD'", 1),
        (f"{BACKUP}/protection-store-gateways", "health/status eq 'PSG_HEALTH_STATUS_DISCONNECTED'", 1),
        (f"{DATA}/issues", "severity eq 'CRITICAL'", 6),
        (f"{DATA}/issues", "contains(issueType,'gateway')", 2),
    ],
)
async def test_filters_find_what_they_say(path: str, text: str, count: int) -> None:
    async with simulated() as tenant:
        page = await tenant.get(path, filter=text, limit=100)
        assert (page["total"], len(page["items"])) == (count, count)


@pytest.mark.parametrize(
    ("path", "text", "part"),
    [
        (VMS, "colour eq 'red'", "'colour' cannot be filtered by"),
        (VMS, "name eq 'a' or name eq 'b'", "Only 'and' joins"),
        (VMS, "name like 'a'", "operator 'like'"),
        (JOBS, "operational ne 'ACTIVE'", "operator 'ne'"),
        (JOBS, "operational ge 'ACTIVE'", "operator 'ge'"),
        (VMS, "contains(name,'a')", "contains() is not supported"),
        (VMS, "name eq", "expected <property>"),
        (VMS, "name eq 'open", "unexpected character"),
        (VMS, "", "it is empty"),
        (VMS, "name in ()", "malformed list"),
        (VMS, "name in ('a' 'b')", "malformed list"),
        (VMS, "createdAt gt 'yesterday'", "not an RFC 3339 timestamp"),
        (VMS, "createdAt gt true", "needs a number"),
        (VMS, "capacityInBytes gt 'much'", "cannot be compared"),
        (VMS, "\"name eq 'a'\"", "cannot be filtered by"),
        (VMS, "x" * 5000, "longer than"),
    ],
)
async def test_wrong_filters_are_refused_with_the_reason(path: str, text: str, part: str) -> None:
    async with simulated() as tenant:
        assert part in await tenant.refused("GET", path, 400, params={"filter": text})


async def test_timestamps_compare_as_times_quoted_or_bare() -> None:
    async with simulated() as tenant:
        path = await tenant.vm("sap-prod-01") + "/backups"
        every = await tenant.get(path, limit=1000)
        for literal in ("'2026-11-20T00:00:00Z'", "2026-11-20T00:00:00Z", "'2026-11-20T01:00:00+01:00'"):
            later = await tenant.get(path, filter=f"pointInTime gt {literal}", limit=1000)
            expected = [i["id"] for i in every["items"] if i["pointInTime"] > "2026-11-20T00:00:00"]
            assert [i["id"] for i in later["items"]] == expected
            assert 0 < len(expected) < every["total"]


async def test_timestamps_must_be_bare_where_the_switch_says_so() -> None:
    async with simulated(switches=Switches(bare_timestamps=True)) as tenant:
        path = await tenant.vm("sap-prod-01") + "/backups"
        wrong = {"filter": "pointInTime gt '2026-11-20T00:00:00Z'"}
        assert "must not be quoted" in await tenant.refused("GET", path, 400, params=wrong)
        assert (await tenant.get(path, filter="pointInTime gt 2026-11-20T00:00:00Z"))["items"]


async def test_no_match_is_404_by_switch_on_the_lists_that_document_it() -> None:
    async with simulated(switches=Switches(no_match_is_404=True)) as tenant:
        path = await tenant.vm("sap-prod-01") + "/backups"
        assert "does not exist" in await tenant.refused("GET", path, 404, params={"filter": "name eq 'x'"})
        assert (await tenant.get(VMS, filter="name eq 'x'"))["items"] == []


async def test_sort_orders_by_several_properties_and_refuses_unknown_ones() -> None:
    async with simulated() as tenant:
        items = (await tenant.get(VMS, sort="protectionStatus desc, name asc", limit=1000))["items"]
        keys = [(i["protectionStatus"], i["name"]) for i in items]
        assert keys == sorted(sorted(keys, key=lambda k: k[1]), key=lambda k: k[0], reverse=True)
        assert "'colour'" in await tenant.refused("GET", VMS, 400, params={"sort": "colour asc"})
        assert "asc|desc" in await tenant.refused("GET", VMS, 400, params={"sort": "name upwards"})
        orchestrators = f"{BACKUP}/data-orchestrators"
        assert "'consoleUri'" in await tenant.refused("GET", orchestrators, 400, params={"sort": "consoleUri asc"})


async def test_select_keeps_only_what_is_named_also_inside() -> None:
    async with simulated() as tenant:
        items = (await tenant.get(VMS, select="id,hypervisorManagerInfo/name,virtualDisks/name", limit=1))["items"]
        assert set(items[0]) == {"id", "hypervisorManagerInfo", "virtualDisks"}
        assert set(items[0]["hypervisorManagerInfo"]) == {"name"}
        assert {frozenset(d) for d in items[0]["virtualDisks"]} == {frozenset({"name"})}
        assert "'colour'" in await tenant.refused("GET", VMS, 400, params={"select": "id,colour"})
        assert "required fields" in await tenant.refused("GET", f"{DATA}/issues", 422, params={"select": "name"})


# --- what is in it -------------------------------------------------------------------------------------------------


async def test_the_tenant_is_mid_size_and_everything_counts_together() -> None:
    async with simulated() as tenant:
        counts = {}
        for path in (VMS, f"{VIRTUAL}/datastores", JOBS, STORES, TASKS, f"{BACKUP}/protection-policies"):
            counts[path.rsplit("/", 1)[1]] = (await tenant.get(path))["total"]
        assert 4_000 < counts.pop("async-operations") < 7_000
        assert counts == {"virtual-machines": 400, "datastores": 25, "protection-jobs": 238, "protection-stores": 7,
                          "protection-policies": 10}  # fmt: skip
        held = tenant.tenant
        copies = sum(
            held.copies(holder, asset["id"], kind).count(held.now(), held.lag)
            for holder in HOLDERS
            for asset in held.all(holder)
            for kind in ("backups", "snapshots")
        )
        assert 17_500 < copies < 21_000


async def test_the_same_seed_and_time_give_the_same_tenant_and_another_seed_another() -> None:
    async def fingerprint(seed: int) -> list[Any]:
        async with simulated(seed=seed) as tenant:
            path = await tenant.vm("sap-prod-01")
            return [await tenant.get(p, limit=20) for p in (VMS, JOBS, TASKS, path + "/backups", path + "/snapshots")]

    one, same, other = await fingerprint(7), await fingerprint(7), await fingerprint(8)
    assert one == same
    assert one[0] != other[0]


async def test_links_lead_somewhere() -> None:
    async with simulated() as tenant:
        for job in (await tenant.get(JOBS, limit=300))["items"]:
            policy = await tenant.get(job["protectionPolicyInfo"]["resourceUri"])
            assert job["id"] in [j["id"] for j in policy["protectionJobsInfo"]]
            collection, asset = job["assetInfo"]["resourceUri"].split("/")[-2:]
            held = tenant.tenant.read((collection, asset))
            assert held
            assert held["protectionJobInfo"]["id"] == job["id"]
            for protection in job["protections"]:
                if "protectionStoreInfo" in protection:
                    store = await tenant.get(protection["protectionStoreInfo"]["resourceUri"])
                    await tenant.get(store["storageSystemInfo"]["resourceUri"])
                for schedule in protection["schedules"]:
                    for run in schedule["executionStatuses"]:
                        await tenant.get(run["taskUri"])


async def test_a_copy_of_each_kind_leads_to_itself_and_its_source_schedule_and_store() -> None:
    async with simulated() as tenant:
        for holder in sorted(HOLDERS):
            seen = 0
            for asset in tenant.tenant.all(holder)[:60]:
                for kind in ("backups", "snapshots"):
                    for item in tenant.tenant.copies(holder, asset["id"], kind).page(0, 2, NOW, 0):
                        assert await tenant.get(item["resourceUri"]) == item
                        if "protectionStoreInfo" in item:
                            await tenant.get(item["protectionStoreInfo"]["resourceUri"])
                        seen += 1
            assert seen, holder


TRAPS = {
    "two VMs of one name in two vCenters": (VMS, "name eq 'db-prod-01'", lambda i: len(i) == 2),
    "a job whose last three runs failed": (
        JOBS,
        "assetInfo/name eq 'sap-prod-02'",
        lambda i: (
            [r["status"] for r in i[0]["protections"][0]["schedules"][0]["executionStatuses"]][:3] == ["ERROR"] * 3
        ),
    ),
    "a suspended job": (JOBS, "assetInfo/name eq 'hr-fs-02'", lambda i: i[0]["operational"] == "SUSPENDED"),
    "a disconnected gateway": (
        f"{BACKUP}/protection-store-gateways",
        "health/status eq 'PSG_HEALTH_STATUS_DISCONNECTED'",
        lambda i: len(i) == 1,
    ),
    "a degraded orchestrator": (f"{BACKUP}/data-orchestrators", "state eq 'DEGRADED'", lambda i: len(i) == 1),
    "an attack in a name": (VMS, "status eq 'OK'", lambda i: any("\u202e" in v["displayName"] for v in i)),
    "a VM protected through its group only": (
        VMS,
        "status eq 'OK'",
        lambda i: any(
            v.get("protectionPolicyAppliedAtInfo", {}).get("type") == "VM_PROTECTION_GROUP"
            and "protectionJobInfo" not in v
            for v in i
        ),
    ),
    "a VM protected through its datastore": (
        VMS,
        "status eq 'OK'",
        lambda i: any(v.get("protectionPolicyAppliedAtInfo", {}).get("type") == "DATASTORE" for v in i),
    ),
    "an unknown task state that never ends": (
        TASKS,
        None,
        lambda i: {"RUNNING", "QUIESCING"} <= {t["state"] for t in i},
    ),
}


@pytest.mark.parametrize("name", TRAPS)
async def test_the_traps_are_there(name: str) -> None:
    path, text, there = TRAPS[name]
    async with simulated() as tenant:
        query = {"filter": text} if text else {"sort": "progressPercent asc"}
        assert there((await tenant.get(path, limit=1000, **query))["items"])


async def test_the_odd_copies_are_there() -> None:
    async with simulated() as tenant:
        expired = (await tenant.get(await tenant.vm("web-legacy-03") + "/backups", sort="expiresAt asc"))["items"][0]
        assert expired["expiresAt"] < "2026-11-24"
        assert "lockedUntil" not in expired
        cloud = await tenant.vm("archive-fs-01")
        assert {b["backupType"] for b in (await tenant.get(cloud + "/backups"))["items"]} == {"CLOUD_BACKUP"}
        assert (await tenant.get(cloud + "/snapshots"))["total"] == 0
        held = (await tenant.get(await tenant.vm("finance-fs-01") + "/backups", limit=1000))["items"]
        assert sum("expiresAt" not in b for b in held) == 1
        gold = (await tenant.get(await tenant.vm("sap-prod-01") + "/backups", limit=1000))["items"]
        assert any(b.get("lockedUntil", "") > "2026-11-24T08" for b in gold)
        assert [b["state"] for b in gold].count("PENDING_DELETE_APPROVAL") == 1
        pending = await tenant.get(f"{DATA}/dual-auth-operations")
        waiting = pending["items"][0]["associatedResources"][0]["resource"]["resourceUri"]
        assert (await tenant.get(waiting))["state"] == "PENDING_DELETE_APPROVAL"


async def test_a_hundred_thousand_copies_cost_nothing_until_they_are_read() -> None:
    async with simulated(bulk=100_000) as tenant:
        path = await tenant.vm("bulk-archive-01") + "/backups"
        last = await tenant.get(path, limit=1000, offset=99_500, select="id,pointInTime")
        assert (last["total"], last["count"]) == (100_000, 500)
        one = last["items"][-1]
        assert (await tenant.get(f"{path}/{one['id']}"))["pointInTime"] == one["pointInTime"]


# --- time, and what was asked --------------------------------------------------------------------------------------


async def test_expired_copies_go_when_time_passes_and_locked_ones_stay() -> None:
    async with simulated() as tenant:
        path = await tenant.vm("sap-prod-01") + "/snapshots"
        before = {item["id"] for item in (await tenant.get(path, limit=1000))["items"]}
        tenant.tenant.advance(2 * 86_400)
        after = await tenant.get(path, limit=1000)
        remaining = {item["id"] for item in after["items"]}
        assert 0 < len(remaining & before) < len(before)
        assert remaining - before  # those of the two days
        assert all(item["expiresAt"] > "2026-11-26" for item in after["items"])


async def test_every_request_is_kept_without_its_token() -> None:
    async with simulated() as tenant:
        await tenant.client.get(VMS, params={"limit": 1})
        await tenant.client.post("/as/token.oauth2", data=FORM)
        await tenant.client.request("POST", STORES, json={"displayName": "x", "storageSystemId": "nobody"})
        seen = [(r.method, r.path, r.query, r.status, r.operation) for r in tenant.tenant.requests]
        assert seen == [
            ("GET", VMS, "limit=1", 200, "VirtualMachinesList"),
            ("POST", "/as/token.oauth2", "", 200, "token"),
            ("POST", STORES, "", 400, "ProtectionStoreCreate"),
        ]
        assert tenant.tenant.requests[2].body == {"displayName": "x", "storageSystemId": "nobody"}
        assert "Bearer" not in repr(list(tenant.tenant.requests))
        assert "demo-secret" not in repr(list(tenant.tenant.requests))
        assert not tenant.tenant.writes


async def test_the_app_is_its_own_tenant_each_time() -> None:
    one, two = create_app(), create_app()
    assert one.state.tenant is not two.state.tenant
    assert isinstance(one.state.tenant.requests, type(two.state.tenant.requests))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=one), base_url="http://one") as client:
        await client.get(VMS)
    assert (len(one.state.tenant.requests), len(two.state.tenant.requests)) == (1, 0)


@settings(deadline=None)
@given(st.integers(0, 99_999), st.text(max_size=40))
def test_ids_of_copies_lead_to_their_place_and_nothing_else_does(index: int, other: str) -> None:
    series = _series()
    due = (series.phase.since // 60 + 1 + index) * 60
    assert series.due(series.id(due)) == due
    assert UUID(series.id(due))
    assert series.due(other) is None
    assert series.due(series.id(series.phase.since // 60 * 60)) is None


@cache
def _series() -> Series:
    tenant = Tenant(clock=lambda: NOW)
    vm = next(v for v in tenant.all("virtual-machines") if v["displayName"] == "sap-prod-01")
    return tenant.history.series("virtual-machines", vm["id"], "snapshots")[0]
