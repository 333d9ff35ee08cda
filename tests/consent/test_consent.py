"""Consent on the real server over the simulated tenant, whose log of requests is the witness."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import ElicitResult

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import audit_log, audit_verify, codes
from greenlake_backup_mcp.consent.file_store import memory_store
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.danger import Danger
from tests.attack import HARMLESS, attack
from tests.support.results import CODE, code_in, text_of


def changing(tenant: Any) -> list[tuple[str, str]]:
    log = tenant.state.tenant.requests
    return [(r.method, r.path) for r in log if r.method != "GET" and r.operation not in HARMLESS]


def a_job(tenant: Any) -> dict[str, str]:
    jobs = tenant.state.tenant.all("protection-jobs")
    return {"protectionJobId": next(j["id"] for j in jobs if j["operational"] == "ACTIVE")}


# --- whoever can ask or not, in both eras -----------------------------------------------------------------------------


def says(action: Any, yes: bool | None) -> Any:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action=action, content=None if yes is None else {"confirm": yes})

    return answer


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (None, True),
        (says("accept", True), True),
        (says("accept", False), False),
        (says("decline", None), False),
        (says("cancel", None), False),
    ],
    ids=["cannot ask", "yes", "form without the yes", "declined", "cancelled"],
)
async def test_a_valid_code_is_sent_once_unless_the_person_says_no(
    connected: Any, tenant: Any, answer: Any, sent: Any
) -> None:
    async with connected(elicitation_callback=answer) as client:
        job = a_job(tenant)
        preview = await client.call_tool("suspend_protection_job", {**job, "confirm": "preview"})
        assert changing(tenant) == []
        code = code_in(preview)
        for _ in range(2):
            await client.call_tool("suspend_protection_job", {**job, "confirm": code})
        path = f"/backup-recovery/v1beta1/protection-jobs/{job['protectionJobId']}/suspend"
        assert changing(tenant) == ([("POST", path)] if sent else [])


@pytest.mark.parametrize("answer", [None, says("accept", True)], ids=["cannot ask", "can ask"])
async def test_ask_always_sends_nothing_where_nobody_can_be_asked(connected: Any, tenant: Any, answer: Any) -> None:
    asking = settings.load(demo=True, ask="always")
    async with connected(asking, elicitation_callback=answer) as client:
        job = a_job(tenant)
        preview = text_of(await client.call_tool("suspend_protection_job", {**job, "confirm": "preview"}))
        code = CODE.search(preview)
        await client.call_tool("suspend_protection_job", {**job, "confirm": code[1] if code else "AAAA-AAAA"})
        assert len(changing(tenant)) == (1 if answer else 0)


async def test_the_demo_says_in_each_preview_that_nothing_is_real(connected: Any, tenant: Any) -> None:
    async with connected() as client:
        preview = await client.call_tool("suspend_protection_job", {**a_job(tenant), "confirm": "preview"})
        assert "Simulated tenant" in text_of(preview)


async def test_a_code_of_another_simulated_tenant_is_told_to_be_one(connected: Any, tenant: Any) -> None:
    async with connected() as client:
        other = {**a_job(tenant), "confirm": f"{codes.VERSION_LETTER}AAA-AAAA"}
        refused = text_of(await client.call_tool("suspend_protection_job", other))
    assert "A simulated tenant begins anew in each process" in refused


async def test_a_plan_runs_on_the_real_server(connected: Any, tenant: Any) -> None:
    state = tenant.state.tenant
    vms = [vm["id"] for vm in state.all("virtual-machines")]
    async with connected() as client:
        calls: list[dict[str, Any]] = []
        for vm in vms:
            answer = await client.call_tool("list_vm_snapshots", {"vmId": vm, "limit": 3, "output": "json"})
            items = (answer.structured_content or {}).get("items", [])
            free = [i for i in items if i["state"] == "OK" and not i.get("lockedUntil")]
            calls += [{"tool": "delete_vm_snapshot", "arguments": {"vmId": vm, "snapshotId": i["id"]}} for i in free]
            if len(calls) >= 12:
                break
        assert len(calls) >= 12
        code = code_in(await client.call_tool("run_plan", {"calls": calls, "confirm": "preview"}))
        report = text_of(await client.call_tool("run_plan", {"calls": calls, "confirm": code}))
        while "It goes on by itself" in report:  # handed back: the plan is the server's
            plan = re.findall(r"plan-[0-9a-f]+", report)[0]
            report = text_of(await client.call_tool("wait_for_task", {"taskId": plan}))
        assert f"{len(calls)} calls: {len(calls)} done" in report
        assert [path.rpartition("/")[2] for _, path in changing(tenant)] == [
            c["arguments"]["snapshotId"] for c in calls
        ]


# --- read-only --------------------------------------------------------------------------------------------------------


async def test_read_only_lists_reads_alone_and_refuses_all_others(connected: Any, tenant: Any) -> None:
    dangers = {t.name: t.danger for t in registry.tools()}
    async with connected(settings.load(demo=True, read_only=True)) as client:
        offered = {t.name for t in (await client.list_tools()).tools}
        assert all(dangers.get(name, Danger.READ) is Danger.READ for name in offered)
        assert "run_plan" not in offered
        for name in (*(n for n, d in dangers.items() if d is not Danger.READ), "run_plan"):
            result = await client.call_tool(name, {"confirm": "preview"})
            assert result.is_error
            assert "read-only" in text_of(result)
    assert changing(tenant) == []


@pytest.mark.parametrize("toolsets", ["", "jobs", "vms,stores"])
def test_read_only_beats_every_selection(toolsets: str) -> None:
    chosen = mcp_server.tool_set(settings.load(demo=True, read_only=True, toolsets=toolsets)).offered.values()
    assert chosen
    assert all(tool.danger is Danger.READ for tool in chosen)


# --- the attack -------------------------------------------------------------------------------------------------------


async def test_of_many_hostile_calls_none_arrives_and_each_valid_one_arrives_once() -> None:
    """A sample: `python -m tests.attack` makes thousands."""
    score = await attack(50, seed=2)
    assert score.wrong == []
    assert score.tried.total() == 50


async def test_the_attack_notices_a_gate_that_stands_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_to_all(ring: Any, call: Any, text: str, slots: Any, store: Any) -> codes.CodeMatch:
        return codes.CodeMatch(codes.CodeStatus.VALID, f"{text}{os.urandom(4).hex()}", slots[0])

    monkeypatch.setattr(codes, "match", open_to_all)
    assert (await attack(15, seed=3)).wrong


@hypothesis_settings(deadline=None, max_examples=300)
@given(st.text() | st.from_regex(r"[A-Z2-7]{4}-?[A-Z2-7]{4}", fullmatch=True))
def test_no_text_is_a_code_but_the_code(text: str) -> None:
    ring = codes.keys(settings.load(demo=True, secret="a key that does not change"))
    call, used = codes.Call("delete_vm_backup", {"vmId": "x"}, "local", {"generation": 1}), memory_store()

    async def match_and_next() -> tuple[Any, str | None]:
        return await codes.match(ring, call, text, (8, 7), used), await codes.next_code(ring, call, 8, used)

    match, rendered = anyio.run(match_and_next)
    right = [rendered, codes.code(ring[0], call, 7, 0)]
    assert match.holds is (codes.normalize(text) in right)


@given(
    st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)
    )
)
def test_the_order_of_keys_makes_no_other_call(arguments: Any) -> None:
    turned = dict(reversed(arguments.items()))
    assert codes.canonical(arguments) == codes.canonical(turned)


# --- processes --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def on_a_port(app: Any) -> AsyncIterator[str]:
    """A tenant for other processes; its base URL. Requests wait in the socket's queue until it serves."""
    serving = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        async with anyio.create_task_group() as group:
            group.start_soon(serving.serve, [sock])
            try:
                yield f"http://127.0.0.1:{sock.getsockname()[1]}"
            finally:
                serving.should_exit = serving.force_exit = True


def client_of(base: str, pid: str = "/dev/null", **more: str) -> Client:
    """A client of a server in a process of its own, which writes its process id to a file."""
    environment = {
        "PATH": os.environ["PATH"],
        "GREENLAKE_API_BASE_URL": base,
        "GREENLAKE_TOKEN_URL": f"{base}/as/token.oauth2",
        "GREENLAKE_CLIENT_ID": "demo",
        "GREENLAKE_CLIENT_SECRET": "demo-secret",
        "GREENLAKE_MCP_WAIT": "0",
        **more,
    }
    run = f"echo $$ > {pid}; exec {sys.executable} -m greenlake_backup_mcp serve"
    return Client(stdio_client(StdioServerParameters(command="/bin/sh", args=["-c", run], env=environment)))


async def test_server_processes_with_one_key_accept_each_others_codes_and_with_others_do_not(tenant: Any) -> None:
    shared = {"GREENLAKE_MCP_SECRET": "shared by two replicas"}
    job = a_job(tenant)
    async with (
        on_a_port(tenant) as base,
        client_of(base, **shared) as one,
        client_of(base, **shared) as two,
        client_of(base, GREENLAKE_MCP_SECRET="a key of another site") as foreign,
        client_of(base) as alone,
    ):
        preview = await one.call_tool("suspend_protection_job", {**job, "confirm": "preview"})
        call = {**job, "confirm": code_in(preview)}
        for other in (foreign, alone):
            assert "This is not a code for this call." in text_of(await other.call_tool("suspend_protection_job", call))
        assert changing(tenant) == []
        await two.call_tool("suspend_protection_job", call)
        assert len(changing(tenant)) == 1


async def test_a_server_killed_between_consent_and_answer_leaves_a_line_that_says_what_is_unknown(
    tenant: Any, tmp_path: Path
) -> None:
    arrived, pid, path, job = anyio.Event(), tmp_path / "pid", tmp_path / "audit.jsonl", a_job(tenant)

    async def mute(scope: Any, receive: Any, send: Any) -> None:
        """The tenant, but for the one request that it never answers."""
        if scope["path"].endswith("/suspend"):
            arrived.set()
            await anyio.sleep_forever()
        await tenant(scope, receive, send)

    async def call(client: Client, code: str) -> None:
        with suppress(Exception):  # the server dies under it
            await client.call_tool("suspend_protection_job", {**job, "confirm": code})

    async with on_a_port(mute) as base:
        with suppress(Exception):
            async with client_of(base, str(pid), GREENLAKE_MCP_AUDIT_LOG=str(path)) as client:
                preview = await client.call_tool("suspend_protection_job", {**job, "confirm": "preview"})
                async with anyio.create_task_group() as group:
                    group.start_soon(call, client, code_in(preview))
                    await arrived.wait()
                    os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGKILL)
    assert arrived.is_set()
    (left,) = audit_verify.verify([path]).waiting
    assert left["tool"] == "suspend_protection_job"
    assert left["target"]["path"].endswith(job["protectionJobId"])
    assert left["outcome"] == audit_log.UNKNOWN
