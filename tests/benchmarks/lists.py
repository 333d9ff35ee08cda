"""Lists: bytes of an answer, time of a summary beside a bare loop over the same pages, memory by size of collection.

Each comparison runs side by side in one go; figures are medians. The tenant is another process, reached over loopback.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx2
import uvicorn

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.lists import list_tool
from greenlake_backup_mcp.lists import query as queries
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.upstream import client as rest
from greenlake_backup_mcp.upstream.client import ApiClient
from tests.replicas import answering, free_port

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
VM = "bulk-archive-01"
TOKEN = "t"
CONCURRENCY = 4
ROUNDS = 7
TOOLS = {tool.name: tool for tool in registry.tools()}


def main() -> None:
    if sys.argv[1:2] == ["tenant"]:
        tenant(int(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["peak"]:
        print(anyio.run(peak, int(sys.argv[2])))
        return
    for bulk in (20, 2_000, 100_000):
        anyio.run(sizes, bulk)
    anyio.run(times, 20_000)
    memory()


def tenant(bulk: int, port: int) -> None:
    """The simulated tenant as a process of its own."""
    app = create_app(now=lambda: NOW, bulk=bulk, switches=Switches(ready_token=TOKEN), remember=1)
    uvicorn.run(app, port=port, log_level="error", access_log=False)


@contextmanager
def running(bulk: int) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.lists", "tenant", str(bulk), str(port)]
    process = subprocess.Popen(command)
    try:
        answering(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def reaching(base: str) -> AsyncIterator[ApiClient]:
    with tempfile.TemporaryDirectory() as state:
        chosen = settings.load(
            api_base_url=base, token=TOKEN, scan_cap=1_000_000, rate=10**9, concurrency=CONCURRENCY, timeout=120,
            state_dir=Path(state),
        )  # fmt: skip
        async with rest.connect(chosen, now=lambda: NOW) as api:
            yield api


async def silent(_done: float, _total: float | None, _words: str) -> None:
    """Progress that nobody follows."""


async def owner(api: ApiClient) -> str:
    arguments = {"filter": f"name eq '{VM}'", "select": "name", "output": "json", "summary": "page"}
    return str((await list_tool.answer(api, TOOLS["list_vms"], arguments, silent)).value["items"][0]["id"])


async def sizes(bulk: int) -> None:
    with running(bulk) as base:
        async with reaching(base) as api:
            vm = await owner(api)
            for label, arguments in (("20 rows", {}), ("limit=0", {"limit": 0})):
                text = await list_tool.answer(api, TOOLS["list_vm_backups"], {"vmId": vm, **arguments}, silent)
                size = len("\n".join(text.lines).encode())
                print(f"{bulk:>7,} VM backups, {label}: {size:,} bytes")


async def times(bulk: int) -> None:
    """Ours and the bare loop take turns; the bare loop comes in two kinds: bytes only, and parsed."""
    taken: dict[str, list[float]] = {"ours": [], "bytes": [], "parsed": []}
    with running(bulk) as base:
        async with reaching(base) as api:
            vm = await owner(api)
            query = queries.build_query(TOOLS["list_vm_backups"], {"vmId": vm}, NOW, api.settings.budget)
            request = queries.source(query, queries.Strategy()).request
            async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120) as client:
                for turn in range(ROUNDS + 1):
                    for kind in taken if turn % 2 else reversed(taken):
                        started = time.perf_counter()
                        if kind == "ours":
                            text = await list_tool.answer(api, TOOLS["list_vm_backups"], {"vmId": vm}, silent)
                            assert text.lines[0] == f"{bulk:,} VM backups."
                        else:
                            url = base + request.path
                            assert await bare(client, url, dict(request.query), parse=kind == "parsed") >= 1
                        if turn:  # the first turn only warms up
                            taken[kind].append(time.perf_counter() - started)
    medians = {kind: statistics.median(values) for kind, values in taken.items()}
    for kind, seconds in medians.items():
        spread = f"{min(taken[kind]):.2f} to {max(taken[kind]):.2f}"
        ratio = medians["ours"] / seconds
        print(f"{bulk:,} items, {kind}: {seconds:.2f} s (of {ROUNDS}: {spread}), ours is {ratio:.2f} x")


async def bare(client: httpx2.AsyncClient, url: str, query: dict[str, str], *, parse: bool) -> int:
    """The same pages with the same concurrency and nothing else."""
    first = await client.get(url, params={**query, "limit": "1000", "offset": "0"})
    total = json.loads(first.content)["total"]
    waiting = iter(range(1000, total, 1000))
    read = 1

    async def work() -> None:
        nonlocal read
        for offset in waiting:
            answer = await client.get(url, params={**query, "limit": "1000", "offset": str(offset)})
            if parse:
                json.loads(answer.content)
            read += 1

    async with anyio.create_task_group() as group:
        for _ in range(CONCURRENCY):
            group.start_soon(work)
    return read


def memory() -> None:
    """Peak resident memory of a process that summarises once; each size in processes of its own."""
    result = {bulk: statistics.median(peaks(bulk)) for bulk in (1_000, 100_000)}
    for bulk, mib in result.items():
        print(f"{bulk:>7,} items: peak {mib:.1f} MiB (median of 3)")
    print(f"difference: {result[100_000] - result[1_000]:+.1f} MiB")


def peaks(bulk: int) -> list[float]:
    with running(bulk) as base:
        command = [sys.executable, "-m", "tests.benchmarks.lists", "peak", base.rsplit(":", 1)[1]]
        return [float(subprocess.check_output(command)) for _ in range(3)]


async def peak(port: int) -> float:
    """Peak resident memory in MiB (Linux)."""
    async with reaching(f"http://127.0.0.1:{port}") as api:
        await list_tool.answer(api, TOOLS["list_vm_backups"], {"vmId": await owner(api)}, silent)
    with open("/proc/self/status", encoding="utf-8") as status:  # noqa: ASYNC230  once, at the end
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
