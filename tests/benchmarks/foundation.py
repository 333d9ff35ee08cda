"""Cold start, one read, size of the tool list, memory: each beside its yardstick in the same run."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx2

from greenlake_backup_mcp.tools import registry
from tests.replicas import answering, free_port

from . import load
from .process import EMPTY, OURS, Process, cold_list_ms, started

STARTS = 15
READS, TURNS = 50, 6
COST_CALLS, COST_TURNS = 320, 7


def main() -> None:
    cold_start()
    one_read()
    cost_of_a_call()
    size_of_list()
    memory()


def cold_start() -> None:
    """Interleaved, so that a busy moment of the machine hits both."""
    for command in (EMPTY, OURS):
        cold_list_ms(command)  # compiled modules and disk cache
    times: dict[str, list[float]] = {"empty": [], "ours": []}
    for _ in range(STARTS):
        times["empty"].append(cold_list_ms(EMPTY))
        times["ours"].append(cold_list_ms(OURS))
    empty, own = (statistics.median(times[name]) for name in ("empty", "ours"))
    print(f"cold start to the first tools/list, median of {STARTS}: empty server {empty:.0f} ms, ours {own:.0f} ms")
    print(f"  ratio {own / empty:.2f} (goal <= 1.15), of the fastest {min(times['ours']) / min(times['empty']):.2f}")


def one_read() -> None:
    """The same GET through the server over stdio and by bare httpx2, in turns, against the same simulated tenant."""
    with simulated() as base:
        token = httpx2.post(
            f"{base}/as/token.oauth2",
            data={"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret"},
        ).json()["access_token"]
        environment = {"GREENLAKE_API_BASE_URL": base, "GREENLAKE_TOKEN": token, "GREENLAKE_MCP_RATE": "1000000"}
        headers = {"authorization": f"Bearer {token}"}
        times: dict[str, list[float]] = {"sync": [], "async": [], "server": []}
        with httpx2.Client(base_url=base, headers=headers) as bare, started(OURS, **environment) as process:
            process.hello()
            store = bare.get("/backup-recovery/v1beta1/protection-stores").json()["items"][0]["id"]
            path = f"/backup-recovery/v1beta1/protection-stores/{store}"
            call = {"name": "get_protection_store", "arguments": {"protectionStoreId": store}}
            for _ in range(TURNS):
                times["sync"] += timed(lambda: bare.get(path).raise_for_status())
                times["async"] += anyio.run(timed_async, base, headers, path)
                times["server"] += timed(lambda: process.ask("tools/call", call)["result"]["content"])
    sync, other, own = (statistics.median(times[name]) for name in ("sync", "async", "server"))
    print(f"one GET, median of {len(times['server'])}: httpx2.Client {sync:.2f} ms, httpx2.AsyncClient {other:.2f} ms")
    print(f"  through stdio {own:.2f} ms: {own - sync:.2f} and {own - other:.2f} more (goal <= 1)")


def timed(act: Callable[[], object]) -> list[float]:
    """Milliseconds of each of READS runs, after a few to warm up."""
    collected = []
    for _ in range(READS + 5):
        begin = time.perf_counter()
        act()
        collected.append((time.perf_counter() - begin) * 1000)
    return collected[5:]


async def timed_async(base: str, headers: dict[str, str], path: str) -> list[float]:
    """The same by the client that any asynchronous server must use."""
    collected = []
    async with httpx2.AsyncClient(base_url=base, headers=headers) as client:
        for _ in range(READS + 5):
            begin = time.perf_counter()
            (await client.get(path)).raise_for_status()
            collected.append((time.perf_counter() - begin) * 1000)
    return collected[5:]


def cost_of_a_call() -> None:
    """Processor time of the same GET through this server and through a bare one, in turns, in one run."""
    port = free_port()
    upstream = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.load", "upstream", str(port)])
    answering(port)
    base = f"http://127.0.0.1:{port}"
    environment = {"GREENLAKE_API_BASE_URL": base, "GREENLAKE_TOKEN": load.TOKEN, "GREENLAKE_MCP_RATE": "100000000"}
    bare_command = [sys.executable, "-m", "tests.benchmarks.bare_server", f"{base}{load.RESOURCE}"]
    forms: dict[str, dict[str, str]] = {"text": {}, "json": {"output": "json"}}
    cost: dict[str, list[float]] = {}
    rate: dict[str, list[float]] = {}
    busy: dict[str, list[float]] = {}
    try:
        with started(bare_command) as bare, started(OURS, **environment) as own:
            for process in (bare, own):
                process.hello()
            for turn in range(COST_TURNS + 1):
                for form, more in forms.items():
                    call: dict[str, Any] = {
                        "name": "get_protection_store",
                        "arguments": {"protectionStoreId": load.STORE, **more},
                    }
                    for side, process in (
                        (("bare", bare), ("ours", own)) if turn % 2 else (("ours", own), ("bare", bare))
                    ):
                        one, together, at_once = measured(process, call)
                        if turn:  # the first is to get warm
                            cost.setdefault(f"{side} {form}", []).append(one)
                            busy.setdefault(f"{side} {form}", []).append(together)
                            rate.setdefault(f"{side} {form}", []).append(at_once)
    finally:
        upstream.terminate()
        upstream.wait()
    print(f"processor time of a call (median of {COST_TURNS} rounds of {COST_CALLS}), calls a second with 32 at once")
    for name, times in cost.items():
        print(f"  {name:<10} {statistics.median(times):5.2f} ms {statistics.median(rate[name]):7.0f} calls/s")
    for form, goal in (("text", 1.25), ("json", 1.4)):
        ratio = statistics.median(a / b for a, b in zip(cost[f"ours {form}"], cost[f"bare {form}"], strict=True))
        share = statistics.median(a / b for a, b in zip(rate[f"ours {form}"], rate[f"bare {form}"], strict=True))
        load_share = statistics.median(b / a for a, b in zip(busy[f"ours {form}"], busy[f"bare {form}"], strict=True))
        print(
            f"  {form}: {ratio:.2f} x the processor time (goal <= {goal}); 32 at once: {share:.0%} of the rate "
            f"(goal >= 85%), {load_share:.0%} by processor time, which a busy machine changes less"
        )


def measured(process: Process, call: dict[str, Any]) -> tuple[float, float, float]:
    """Milliseconds of processor time of a call, one after the other and 32 at once; and calls a second of these."""
    before = process.processor_ms()
    for _ in range(COST_CALLS):
        result = process.ask("tools/call", call)["result"]
        assert not result.get("isError"), result
    cost = (process.processor_ms() - before) / COST_CALLS
    number = COST_CALLS // 32 * 32
    before, begin = process.processor_ms(), time.perf_counter()
    for _ in range(COST_CALLS // 32):
        process.ask_at_once(32, "tools/call", call)
    return cost, (process.processor_ms() - before) / number, number / (time.perf_counter() - begin)


def size_of_list() -> None:
    own = [t for t in registry.tools() if t.operation and t.operation.path.startswith("/backup-recovery/")]
    sizes = {
        t.name: len(
            json.dumps(
                {"name": t.name, "description": t.description, "inputSchema": t.input_schema},
                separators=(",", ":"),
                ensure_ascii=False,
            ).encode()
        )
        for t in own
    }
    largest = max(sizes, key=lambda name: sizes[name])
    print(f"{len(own)} tools: {sum(sizes.values()):,} bytes (goal <= 80,000)")
    print(f"  largest {largest} {sizes[largest]:,} (goal <= 3,500)")


def memory() -> None:
    with started(EMPTY) as process:
        process.hello()
        process.ask("tools/list", {})
        empty = process.peak_mib()
    with started(OURS) as process:
        process.hello()
        process.ask("tools/list", {})
        own = process.peak_mib()
    print(f"peak memory after tools/list: empty server {empty:.1f} MiB, ours {own:.1f} MiB (goal <= 90)")


@contextmanager
def simulated() -> Iterator[str]:
    """The base URL of a simulated tenant in its own process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "greenlake_backup_mcp", "simulate", "--port", str(port)], stderr=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx2.get(base)
                break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    main()
