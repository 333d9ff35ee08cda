"""Faults by switch and by script: each does to the client what its name says, and only to the requests it names."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from socket import socket
from typing import Any

import httpx2
import pytest

from greenlake_backup_mcp.simulator.faults.script import Faults, Rule, fault, from_json
from greenlake_backup_mcp.simulator.switches import Switches
from tests.support.simulated import BACKUP, NOW, TASKS, VIRTUAL, Simulated, simulated

STORES = f"{BACKUP}/protection-stores"
VMS = f"{VIRTUAL}/virtual-machines"
DELETE = ("DELETE", "*/backups/*")


async def doomed(tenant: Simulated) -> str:
    """The path of a backup that can be deleted."""
    items = (await tenant.get(await tenant.vm("web-legacy-03") + "/backups"))["items"]
    return str(items[0]["resourceUri"])


def script(*rules: Rule) -> dict[str, Any]:
    return {"faults": Faults(rules)}


async def test_the_nth_matching_request_gets_the_fault_and_no_other() -> None:
    rule = fault("status", "GET", "*/protection-stores", nth=2, times=2, status=503)
    async with simulated(**script(rule)) as tenant:
        paths = (STORES, VMS, STORES, STORES, VMS, STORES)
        seen = [(await tenant.client.get(path, params={"limit": 1})).status_code for path in paths]
        assert seen == [200, 200, 503, 503, 200, 200]


@pytest.mark.parametrize("spelling", ["", "ratelimit", "rateLimit", "X-RateLimit"])
@pytest.mark.parametrize("retry_after", ["", "seconds", "date"])
async def test_429_comes_with_the_headers_asked_for(spelling: str, retry_after: str) -> None:
    rule = fault("status", status=429, seconds=7, rate_headers=spelling, retry_after=retry_after)
    async with simulated(**script(rule)) as tenant:
        answer = await tenant.client.get(STORES)
        assert (answer.status_code, answer.json()["errorCode"]) == (429, "TOO_MANY_REQUESTS")
        assert answer.headers.get(f"{spelling or 'x'}-reset") == ("7" if spelling else None)
        arguments = answer.headers.get("retry-after")
        if retry_after == "seconds":
            assert arguments == "7"
        elif retry_after == "date":
            assert (parsedate_to_datetime(arguments or "") - NOW).total_seconds() == 7
        else:
            assert arguments is None


@pytest.mark.parametrize(
    ("body", "part"),
    [("vendor", "debugId"), ("old", "traceId"), ("html", "nginx"), ("empty", ""), ("maintenance", "maintenance mode")],
)
async def test_503_comes_in_each_dress(body: str, part: str) -> None:
    async with simulated(**script(fault("status", status=503, body=body))) as tenant:
        answer = await tenant.client.get(STORES)
        assert (answer.status_code, part in answer.text) == (503, True)


@pytest.mark.parametrize(
    ("kind", "error", "executed"),
    [
        ("refuse", httpx2.ConnectError, 0),
        ("reset_before", httpx2.ReadError, 0),
        ("reset_during", httpx2.ReadError, 1),
        ("reset_after", httpx2.ReadError, 1),
    ],
)
async def test_broken_connections_break_before_or_after_the_request_was_carried_out(
    kind: Any, error: type[Exception], executed: int
) -> None:
    async with simulated() as tenant:
        path = await doomed(tenant)
        tenant.app.state.script.set(Faults((fault(kind, *DELETE),)))
        with pytest.raises(error):
            await tenant.client.delete(path)
        assert tenant.tenant.writes[("DeleteVirtualMachineBackup", path)] == executed
        tenant.tenant.advance(3600)
        assert (await tenant.client.get(path)).status_code == (404 if executed else 200)


@pytest.mark.parametrize("kind", ["truncated", "not_json", "html", "nested", "empty"])
async def test_spoilt_bodies_are_not_the_answer(kind: Any) -> None:
    async with simulated(**script(fault(kind, "GET"))) as tenant:
        answer = await tenant.client.get(STORES)
        assert answer.status_code == 200
        with pytest.raises((ValueError, RecursionError)):
            answer.json()


async def test_huge_bodies_are_huge_and_bombs_are_small_on_the_wire() -> None:
    rules = (
        fault("huge", path="*/protection-stores", bytes=3 << 20),
        fault("bomb", path="*/storeonces", bytes=3 << 20),
    )
    async with simulated(**script(*rules)) as tenant:
        huge = await tenant.client.get(STORES)
        assert (len(huge.content) > 3_000_000, json.loads(huge.content)["count"]) == (True, 1)
        raw = b""
        async with tenant.client.stream("GET", f"{BACKUP}/storeonces") as answer:
            async for chunk in answer.aiter_raw():
                raw += chunk
        assert (len(raw) < 50_000, len(gzip.decompress(raw)) > 3_000_000) == (True, True)


async def test_answers_are_spoilt_in_what_they_say() -> None:
    rules = [
        fault("no_total", path=VMS),
        fault("unknown_enum", path=VMS, nth=2),
        fault("missing_fields", path=VMS, nth=3),
        fault("hostile", path=VMS, nth=4),
        fault("wrong_type", path=VMS, nth=5),
        fault("skew", path=VMS, nth=6, seconds=3600),
    ]
    async with simulated(**script(*rules)) as tenant:
        pages = [await tenant.client.get(VMS, params={"limit": 1}) for _ in range(7)]
        items = [page.json()["items"][0] for page in pages]
        assert "total" not in pages[0].json()
        assert items[1]["state"] == "SOMETHING_NEW"
        assert not {"name", "type", "generation"} & set(items[2])
        assert "\u202e" in items[3]["name"]
        assert pages[4].headers["content-type"].startswith("text/html")
        assert (parsedate_to_datetime(pages[5].headers["date"]) - NOW).total_seconds() == 3600
        assert pages[6].json()["total"] == 400


async def test_tokens_are_revoked_in_mid_work() -> None:
    async with simulated() as tenant:
        form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret"}
        token = (await tenant.client.post("/as/token.oauth2", data=form)).json()["access_token"]
        tenant.app.state.script.set(Faults((fault("revoke", path=VMS, nth=2),)))
        seen = [
            (await tenant.client.get(VMS, headers={"Authorization": f"Bearer {token}"})).status_code for _ in range(3)
        ]
        assert seen == [200, 401, 401]


async def test_the_token_endpoint_fails_by_script() -> None:
    async with simulated(**script(fault("status", "POST", "/as/token*", status=500))) as tenant:
        assert (await tenant.client.post("/as/token.oauth2", data={})).status_code == 500


async def test_pages_shift_when_something_arrives_between_them() -> None:
    async with simulated() as tenant:
        path = await tenant.vm("sap-prod-01") + "/backups"
        one = await tenant.get(path, limit=10)
        tenant.app.state.script.set(Faults((fault("shift", path=path),)))
        two = await tenant.get(path, limit=10, offset=10)
        assert one["items"][-1]["id"] == two["items"][0]["id"]
        assert two["total"] == one["total"] + 1


@pytest.mark.parametrize(
    ("state", "effect", "rendered", "left"),
    [("FAILED", False, "FAILED", 200), ("TIMEDOUT", True, "TIMEDOUT", 404), ("TIMEDOUT", False, "TIMEDOUT", 200),
     ("never", False, "RUNNING", 200), ("PAUSED", False, "PAUSED", 200), ("CANCELLED", False, "CANCELLED", 200),
     ("QUIESCING", True, "QUIESCING", 404), ("vanish", True, None, 404)],
)  # fmt: skip
async def test_tasks_end_as_the_script_says(state: str, effect: bool, rendered: str | None, left: int) -> None:
    async with simulated(**script(fault("task", *DELETE, state=state, effect=effect))) as tenant:
        path = await doomed(tenant)
        answer = await tenant.client.delete(path)
        tenant.tenant.advance(3600)
        task = await tenant.client.get(answer.headers["location"])
        assert (task.json()["state"] if task.status_code == 200 else None) == rendered
        assert (await tenant.client.get(path)).status_code == left
        if state in ("FAILED", "CANCELLED"):
            assert (await tenant.get(path))["state"] == "OK"
        if state == "PAUSED":
            assert task.json()["additionalDetails"]["consoleUri"]


async def test_a_202_comes_without_a_location_or_with_one_on_another_host() -> None:
    rules = (fault("no_location", *DELETE), fault("foreign_location", *DELETE, nth=2))
    async with simulated(**script(*rules)) as tenant:
        items = (await tenant.get(await tenant.vm("web-legacy-03") + "/backups"))["items"]
        one, two = [await tenant.client.delete(i["resourceUri"]) for i in items[:2]]
        assert (one.status_code, "location" in one.headers) == (202, False)
        assert two.headers["location"].startswith(f"https://attacker.example.net{TASKS}/")


async def test_a_rate_limit_holds_by_switch_and_forgets_after_a_minute() -> None:
    async with simulated(switches=Switches(rate_limit=3)) as tenant:
        assert [(await tenant.client.get(STORES)).status_code for _ in range(4)] == [200, 200, 200, 429]
        tenant.tenant.advance(61)
        assert (await tenant.client.get(STORES)).status_code == 200


async def test_names_are_attacks_by_switch() -> None:
    async with simulated(switches=Switches(hostile=True)) as tenant:
        rendered = " ".join(vm["displayName"] for vm in (await tenant.get(VMS, limit=1000))["items"])
        for attack in ("\u202e", "\u200b", "\x1b[31m", "<img", "[click](", "Ignore all previous instructions"):
            assert attack in rendered


def test_a_script_that_is_not_understood_is_refused() -> None:
    scripts: list[Any] = [[{"kind": "latency", "colour": 1}], [{}], ["x"]]
    for wrong in scripts:
        with pytest.raises(ValueError, match="a fault is an object"):
            from_json(wrong)


# --- over a real socket --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The base URL of a simulated tenant in its own process."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from greenlake_backup_mcp.simulator.server.app import serve; serve({port})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx2.get(base, timeout=1)
                break
            except httpx2.TransportError:
                time.sleep(0.05)  # the process is starting
        yield base
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def client(served: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {Switches().ready_token}"}
    with httpx2.Client(base_url=served, headers=headers, timeout=10) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["refuse", "reset_before", "reset_during", "reset_after"])
def test_a_served_tenant_closes_the_socket(client: httpx2.Client, kind: str) -> None:
    client.post("/_simulator/faults", json=[{"kind": kind, "path": STORES}])
    with pytest.raises(httpx2.TransportError):
        client.get(STORES)
    assert client.get(STORES).status_code == 200


def test_a_served_tenant_is_moved_and_switched_over_http(client: httpx2.Client) -> None:
    items = client.get(VMS, params={"filter": "name eq 'web-legacy-03'"}).json()["items"]
    backups = f"{BACKUP}/virtual-machines/{items[0]['id']}/backups"
    path = client.get(backups).json()["items"][0]["resourceUri"]
    client.post("/_simulator/endings", json=[{"state": "TIMEDOUT", "effect": True}])
    task = client.delete(path).headers["location"]
    assert task.startswith(str(client.base_url).rstrip("/"))
    client.post("/_simulator/advance", json={"seconds": 600})
    assert client.get(task).json()["state"] == "TIMEDOUT"
    assert client.get("/_simulator/writes").json() == [
        {"operation": "DeleteVirtualMachineBackup", "path": path, "times": 1}
    ]
    assert client.post("/_simulator/switches", json={"totals": False}).json()["totals"] is False
    assert "total" not in client.get(VMS).json()
    assert client.post("/_simulator/switches", json={"totals": True, "colour": 1}).status_code == 400
    client.post("/_simulator/switches", json={"totals": True})
    waiting = client.get("/_simulator/approvals").json()["waiting"]
    assert client.post(f"/_simulator/approve/{waiting[0]}").status_code == 200
    assert client.post(f"/_simulator/approve/{waiting[0]}").status_code == 400
    assert client.get("/_simulator/nothing").status_code == 404
    assert client.get("/_simulator/requests").json()[-1]["path"] == VMS


@pytest.mark.parametrize(
    ("what", "payload", "reason"),
    [
        ("switches", {"rate_limit": "x"}, "rate_limit is 'x': input should be a valid integer"),
        ("switches", {"location": "nowhere"}, "location is 'nowhere': input should be 'absolute' or 'relative'"),
        ("switches", {"deviations": {"*": {"children": {"1": {"state": 3}}}}}, "deviations.*.children.1.state is 3"),
        ("faults", [{"kind": "status", "status": "x"}], "fault.status is 'x': input should be a valid integer"),
        ("endings", [{"state": "FAILED", "effect": "no"}], "effect is 'no': input should be a valid boolean"),
    ],
)
def test_a_value_of_another_type_is_refused_and_changes_nothing(
    client: httpx2.Client, what: str, payload: Any, reason: str
) -> None:
    before = client.get("/_simulator/switches").json()
    refused = client.post(f"/_simulator/{what}", json=payload)
    assert refused.status_code == 400
    assert reason in refused.json()["error"]
    assert client.get("/_simulator/switches").json() == before
    assert client.get(VMS).status_code == 200


def test_a_served_tenant_drips_and_bombs(client: httpx2.Client) -> None:
    client.post("/_simulator/faults", json=[{"kind": "drip", "path": STORES, "seconds": 0.1},
                                            {"kind": "bomb", "path": STORES, "nth": 2, "bytes": 1000000}])  # fmt: skip
    assert client.get(STORES).json()["total"] == 7
    assert len(client.get(STORES).content) > 1_000_000
