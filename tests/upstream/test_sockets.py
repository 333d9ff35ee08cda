"""What only real sockets and pipes can show: connections that break, and work that ends with whoever wanted it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError, OutcomeUnknown, Unreachable
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.upstream import client as rest
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from tests.soak import served
from tests.support.paging_service import no_sleep
from tests.support.simulated import BACKUP, VIRTUAL

STORES = Request("ProtectionStoreList", "GET", f"{BACKUP}/protection-stores", (("limit", "1"),), reads=True)
SLOW = """
import sys, anyio
from greenlake_backup_mcp import settings
from greenlake_backup_mcp.dispatch.in_flight import InFlightCalls
from greenlake_backup_mcp.server import app as mcp_server, stdio
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.faults.script import Faults, fault
faults = Faults((fault("latency", "GET", "*/protection-stores/*", seconds=3600, times=99),))
app = create_app(faults=faults)
running = InFlightCalls()
server = mcp_server.create(settings.load(demo=True), app=app, running=running)
stdio.serve(server, running, 1.0)
print(len(app.state.tenant.requests), file=sys.stderr)
"""
ANY = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served() as url:
        yield url


def load(base: str, **options: Any) -> settings.Settings:
    return settings.load(api_base_url=base, token=Switches().ready_token, rate=1e6, **options)


def control(base: str, what: str, body: Any = None) -> Any:
    """What the simulated tenant's own switches say."""
    if body is None:
        return httpx2.get(f"{base}/_simulator/{what}").json()
    return httpx2.post(f"{base}/_simulator/{what}", json=body).json()


def deletes(base: str) -> int:
    """How many DELETEs the tenant has received."""
    return [r["method"] for r in control(base, "requests")].count("DELETE")


async def doomed(api: ApiClient, vm: str) -> str:
    query = (("filter", f"name eq '{vm}'"),)
    vms = await rest.send(api, Request("vms", "GET", f"{VIRTUAL}/virtual-machines", query, reads=True))
    path = f"{BACKUP}/virtual-machines/{vms.body['items'][0]['id']}/backups"
    copies = await rest.send(api, Request("copies", "GET", path, (("filter", "state eq 'OK'"),), reads=True))
    return str(copies.body["items"][0]["resourceUri"])


@pytest.mark.parametrize("kind", ["refuse", "reset_before", "reset_during", "reset_after", "truncated", "drip"])
async def test_a_read_survives_a_socket_that_breaks(base: str, kind: str) -> None:
    async with rest.connect(load(base, timeout=5), sleep=no_sleep) as api:
        control(base, "faults", [{"kind": kind, "method": "GET", "times": 2, "seconds": 0.1}])
        assert (await rest.send(api, STORES)).body["items"]


@pytest.mark.parametrize(
    ("kind", "executed"), [("refuse", 0), ("reset_before", 0), ("reset_during", 1), ("reset_after", 1)]
)
async def test_a_write_whose_socket_breaks_is_unknown_and_sent_once(base: str, kind: str, executed: int) -> None:
    async with rest.connect(load(base)) as api:
        path = await doomed(api, "sap-prod-01")
        before, sent = sum(w["times"] for w in control(base, "writes")), deletes(base)
        control(base, "faults", [{"kind": kind, "method": "DELETE", "times": 99}])
        try:
            outcome: Any = await rest.send(api, Request("DeleteVirtualMachineBackup", "DELETE", path))
        except BackupError as error:
            outcome = error
        control(base, "faults", [])
    # on a socket, an answer that breaks off after its head has told the status and the task
    assert outcome.status == 202 if kind == "reset_during" else isinstance(outcome, OutcomeUnknown)
    assert sum(w["times"] for w in control(base, "writes")) - before == executed
    assert deletes(base) - sent == 1


async def test_a_port_on_which_nobody_listens_means_that_nothing_was_sent() -> None:
    async with rest.connect(load("http://127.0.0.1:9", retries=1), sleep=no_sleep) as api:
        with pytest.raises(BackupError, match="cannot be reached") as problem:
            await rest.send(api, Request("DeleteVirtualMachineBackup", "DELETE", f"{BACKUP}/x"))
    assert isinstance(problem.value, Unreachable)


async def test_a_timeout_of_a_write_on_a_socket_is_unknown(base: str) -> None:
    async with rest.connect(load(base, timeout=0.3)) as api:
        path = await doomed(api, "sap-prod-01")
        control(base, "faults", [{"kind": "latency", "method": "DELETE", "seconds": 3}])
        with pytest.raises(BackupError, match="did not answer in time") as problem:
            await rest.send(api, Request("DeleteVirtualMachineBackup", "DELETE", path))
    assert isinstance(problem.value, OutcomeUnknown)


# --- a process on stdio ----------------------------------------------------------------------------------------------


class Piped:
    """A server process and the lines to and from it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, **message: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def call(self, number: int, tool: str, **arguments: Any) -> None:
        self.send(id=number, method="tools/call", params={"name": tool, "arguments": arguments})

    def answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


@contextmanager
def piped() -> Iterator[Piped]:
    """A server whose reads of one store never come back; it has been greeted."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            server = Piped(process)
            client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            server.send(id=1, method="initialize", params=client)
            assert server.answer()["id"] == 1
            server.send(method="notifications/initialized")
            yield server
        finally:
            process.kill()


def test_a_closed_stdin_ends_the_server_in_the_middle_of_a_request() -> None:
    with piped() as server:
        server.call(2, "get_protection_store", protectionStoreId=ANY)
        server.call(3, "get_protection_policy", protectionPolicyId=ANY)
        assert server.answer()["id"] == 3  # so the other one is under way
        _, errors = server.process.communicate(timeout=10)  # closes stdin
    assert server.process.returncode == 0
    assert errors.strip().splitlines()[-1] == "3"  # the token, the slow read that was given up, the policy


def test_a_cancelled_call_is_given_up_and_the_server_works_on() -> None:
    with piped() as server:
        server.call(2, "get_protection_store", protectionStoreId=ANY)
        server.call(3, "get_protection_policy", protectionPolicyId=ANY)
        assert server.answer()["id"] == 3
        server.send(method="notifications/cancelled", params={"requestId": 2})
        for number in range(4, 10):  # more than may be under way at once: the cancelled one holds no place
            server.call(number, "get_protection_policy", protectionPolicyId=ANY)
        assert {server.answer()["id"] for _ in range(6)} == set(range(4, 10))
        output, errors = server.process.communicate(timeout=10)
    assert '"id":2' not in output.replace(" ", "")
    assert errors.strip().splitlines()[-1] == "9"
