"""Many mixed calls with 5 % faults, and what stays behind: `python -m tests.soak [CALLS] [http]` (default 50,000).

The server runs in this process and a client calls it; the simulated tenant runs in a process of its own, so that what
grows here is ours, and requests go over real sockets.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.http.app import create_app
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.server import app
from tests.support import http_process
from tests.support.results import text_of

BLOCK = 200  # calls between two scripts of faults, and between two measurements
AT_ONCE = 8
SHARE = 0.05  # of the tenant's requests that get a fault
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 503}, {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "body": "html"},
    {"kind": "status", "status": 404}, {"kind": "reset_before"}, {"kind": "reset_during"}, {"kind": "reset_after"},
    {"kind": "truncated"}, {"kind": "html"}, {"kind": "empty"}, {"kind": "nested"}, {"kind": "bomb", "bytes": 1 << 20},
    {"kind": "wrong_type"}, {"kind": "revoke"}, {"kind": "hostile"}, {"kind": "missing_fields"}, {"kind": "no_total"},
    {"kind": "no_location"}, {"kind": "foreign_location"}, {"kind": "skew"}, {"kind": "latency", "seconds": 0.05},
)  # fmt: skip


@dataclass
class Tally:
    """What the calls came to, and what this process held after each block (MiB, sockets, tasks)."""

    answers: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    sockets: list[int] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    unanswered: int = 0
    seconds: float = 0.0

    @property
    def growth(self) -> float:
        """MiB by which the last fifth of the blocks is above the first after a fifth of them as warm-up."""
        fifth = max(1, len(self.memory) // 5)
        return max(self.memory[-fifth:]) - max(self.memory[fifth : 2 * fifth] or self.memory[:1])


@contextmanager
def served() -> Iterator[str]:
    """A simulated tenant in its own process; its base URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from greenlake_backup_mcp.simulator.server.app import serve; serve({port}, scale=100_000, remember=100)"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx2.get(base, timeout=1)
                break
            except httpx2.TransportError:
                time.sleep(0.05)  # the process is starting
        yield base
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def client_of(base: str, *, http: bool = False) -> AsyncIterator[Client]:
    """A client of the server over that tenant: in this process, or over streamable HTTP (also in this process)."""
    async with AsyncExitStack() as stack:
        inputs = settings.load(
            api_base_url=base, client_id="demo", client_secret="demo-secret", token_url=f"{base}/as/token.oauth2",
            rate=1e6, concurrency=8, timeout=10, retries=3, wait=0,
            state_dir=Path(stack.enter_context(tempfile.TemporaryDirectory())),
        )  # fmt: skip
        if http:
            endpoint = await stack.enter_async_context(http_process.serving(create_app(inputs)))
            yield await stack.enter_async_context(http_process.client(endpoint.url))
        else:
            yield await stack.enter_async_context(Client(app.create(inputs)))


async def soak(calls: int, base: str, http: bool = False, *, seed: int = 7) -> Tally:
    """Make so many calls, in blocks of a few at a time, and measure after each block."""
    tally, chance = Tally(), random.Random(seed)
    began = time.monotonic()
    async with client_of(base, http=http) as client, httpx2.AsyncClient(base_url=base) as control:
        existing = await _ids(control)
        for start in range(0, calls, BLOCK):
            share = int(BLOCK * SHARE)
            rules = [{**chance.choice(FAULTS), "nth": chance.randrange(1, BLOCK)} for _ in range(share)]
            await control.post("/_simulator/faults", json=rules)
            await _block(client, chance, existing, min(BLOCK, calls - start), tally)
            _measure(tally)
    tally.seconds = time.monotonic() - began
    return tally


async def _block(
    client: Client, chance: random.Random, existing: dict[str, list[str]], calls: int, tally: Tally
) -> None:
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one() -> None:
        async with limit:
            name, arguments = _call(chance, existing)
            answered = False
            with anyio.move_on_after(60):
                try:
                    result = await client.call_tool(name, arguments)
                    text = text_of(result)
                    answered = bool(text) or result.structured_content is not None
                    kind = "a fault of ours" if "mistake of ours" in text else "error" if result.is_error else "answer"
                    tally.answers[kind] += 1
                except Exception as error:
                    answered = True
                    tally.answers[type(error).__name__] += 1
            tally.unanswered += not answered

    async with anyio.create_task_group() as group:
        for _ in range(calls):
            group.start_soon(one)


def _call(chance: random.Random, existing: dict[str, list[str]]) -> tuple[str, dict[str, Any]]:
    """One of the calls that people make, some of them wrong."""
    vm, job, store, policy = (chance.choice(existing[n]) for n in ("vm", "job", "store", "policy"))
    return chance.choice(
        (
            ("get_protection_store", {"protectionStoreId": store}),
            ("get_vm", {"vmId": vm}),
            ("get_protection_job", {"protectionJobId": job, "output": "json"}),
            ("get_protection_policy", {"protectionPolicyId": policy}),
            ("list_protection_stores", {}),
            ("list_vm_backups", {"vmId": vm, "limit": 5}),
            ("list_vm_snapshots", {"vmId": vm, "summary": "page"}),
            ("list_issues", {"limit": 3}),
            ("resume_protection_job", {"protectionJobId": job}),
            ("suspend_protection_job", {"protectionJobId": job, "confirm": "preview"}),
            ("delete_protection_policy", {"protectionPolicyId": policy, "confirm": "AAAA-AAAA"}),
            ("get_protection_store", {"protectionStoreId": vm}),
            ("list_vms", {"filter": "colour eq 'red'"}),
            ("get_vm", {}),
        )
    )


async def _ids(control: httpx2.AsyncClient) -> dict[str, list[str]]:
    paths = {
        "vm": "/virtualization/v1beta1/virtual-machines",
        "job": "/backup-recovery/v1beta1/protection-jobs",
        "store": "/backup-recovery/v1beta1/protection-stores",
        "policy": "/backup-recovery/v1beta1/protection-policies",
    }
    headers = {"Authorization": "Bearer simulated-ready-token"}
    collected = {}
    for name, path in paths.items():
        items = (await control.get(path, params={"limit": 20}, headers=headers)).json()["items"]
        collected[name] = [item["id"] for item in items]
    return collected


def _measure(tally: Tally) -> None:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    tally.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20))
    links = [os.readlink(f) for f in Path("/proc/self/fd").iterdir() if f.is_symlink() and os.path.lexists(f)]
    tally.sockets.append(sum(link.startswith("socket:") for link in links))
    tally.tasks.append(len(asyncio.all_tasks()))


def main() -> int:
    """Soak and print; 1 where something stayed behind or a call went without an answer."""
    call_log.LOGGER.setLevel("CRITICAL")  # each error would be a line
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with served() as base:
        tally = anyio.run(soak, calls, base, "http" in sys.argv)
    counts = ", ".join(f"{n:,} {kind}" for kind, n in tally.answers.most_common())
    print(f"{calls:,} calls in {tally.seconds:.0f} s: {counts}")
    print(f"without an answer: {tally.unanswered}")
    print(f"memory: {tally.memory[0]:.1f} MiB first, {tally.memory[-1]:.1f} MiB last")
    print(f"growth after warm-up: {tally.growth:+.1f} MiB")
    print(f"sockets: {tally.sockets[0]} first, {max(tally.sockets)} most, {tally.sockets[-1]} last")
    print(f"tasks: {tally.tasks[0]} first, {max(tally.tasks)} most, {tally.tasks[-1]} last")
    return 1 if tally.unanswered or tally.growth > 5 or tally.answers["a fault of ours"] else 0


if __name__ == "__main__":
    sys.exit(main())
