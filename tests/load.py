"""How long one caller of the lowest role keeps the server from everybody else: `python -m tests.load`.

A server over HTTP in a process of its own, with a beat in its event loop. For each input the longest silence between
two beats is told: in seconds of the clock, and of its processor, which a busy machine does not lengthen. Inputs are
those that once stopped the server, and generated ones: every text of every method made large, and seeded shapes of
arguments. `--times N` (default 5) runs each so often and tells the median; `--goal MS` (default 100) is what the
processor may take between two beats.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio

LARGE = 980_000  # characters: what a request of at most a megabyte can hold
ITEMS = 10_000
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
BEAT = 0.002
PATIENCE = 180.0  # seconds that an answer is waited for
LARGE_LIST = json.dumps([{"id": str(n), "name": f"part-{n}"} for n in range(160_000)])  # 7 MB
HOSTILE = {"datastores": "\x90" * 60_000, "protection-stores": "\\" * 60_000, "hypervisor-managers": "e\u0301" * 30_000}
KINDS = {  # what a large text is made of
    "letters": "a" * LARGE,
    "cuts": "aaaa…" * (LARGE // 8),
    "U+0090": "\x90" * (LARGE // 2),
    "backslashes": "\\" * (LARGE // 2),
    "marks": "e\u0301" * (LARGE // 3),
    "brackets": "[" * LARGE,
    "quotes": "'" * LARGE,
    "words": "a b " * (LARGE // 4),
}

Call = tuple[str, dict[str, Any]]
"""A method and its params, without the envelope."""


def tool(name: str, **arguments: Any) -> Call:
    return "tools/call", {"name": name, "arguments": arguments}


def reported() -> Iterator[tuple[str, Call]]:
    """The inputs that were found to stop the server."""
    words = ["".join(chr(97 + n // 26**p % 26) for p in range(3)) for n in range(17_576)]
    yield "980 kB under a secret's name", tool("get_vm", password="a" * LARGE, **{"a" * 80: 1})
    yield "the same, of backslashes", tool("get_vm", password="\\" * (LARGE // 2), **{"a" * 80: 1})
    yield (
        "165,000 secrets of three letters",
        tool("get_vm", vmId="x", password=[words[n % 17_576] for n in range(165_000)]),
    )
    yield "60,000 U+0090 in seven names", tool("list_datastores")
    yield "60,000 backslashes in seven names", tool("list_protection_stores")
    yield "30,000 accents in seven names", tool("list_hypervisor_managers")
    where = " or ".join(["createdAt lt 2020-01-01"] * 137)
    yield "137 times compared, 10,000 items", tool("list_vms", where=where)
    yield "10,000 items sorted here", tool("list_vms", sort="displayName desc", where="name contains 'a'")
    yield "10,000 items summarized", tool("list_vms")
    store = {"storeonceId": "00000000-0000-4000-8000-000000000000"}
    yield "an item of 28 MB, in a list", tool("list_storeonces")
    yield "an item of 28 MB, in a list as JSON", tool("list_storeonces", output="json")
    yield "an item of 7 MB", tool("get_storeonce", **store)
    yield "an item of 7 MB as JSON", tool("get_storeonce", output="json", **store)
    yield "a preview of an item of 7 MB", tool("delete_storeonce", confirm="preview", **store)


def generated(seed: int = 14) -> Iterator[tuple[str, Call]]:
    """Every text of every method made large, and shapes of arguments."""
    for kind, text in KINDS.items():
        yield f"{kind} as id", tool("get_vm", vmId=text)
        yield f"{kind} as the tool's name", tool(text)
        yield f"{kind} as an argument's name", tool("get_vm", **{text: 1})
        for argument in ("filter", "where", "sort", "select"):
            yield f"{kind} as {argument}", tool("list_vms", **{argument: text})
        yield f"{kind} as prompt argument", ("prompts/get", {"name": "expiring_soon", "arguments": {"vm": text}})
        yield f"{kind} as prompt", ("prompts/get", {"name": text})
        yield f"{kind} as resource", ("resources/read", {"uri": f"greenlake-backup://{text}"})
        yield f"{kind} completed", _completion(text)
        yield f"{kind} as cursor", ("tools/list", {"cursor": text})
        yield f"{kind} as request state", ("tools/call", {"name": "get_vm", "arguments": {}, "requestState": text})
    yield "sort by 30,000 keys", tool("list_vms", sort=",".join(["name", "id"] * 15_000))
    yield "select of 100,000 names", tool("list_vms", select=",".join(["name"] * 100_000))
    yield "numbers for ids", tool("update_vm_protection_group", groupId="x", assets=[1] * 200_000)
    yield "a plan of 30,000 calls", tool("run_plan", calls=[{"tool": "x", "arguments": {}}] * 30_000, confirm="preview")
    yield "20,000 unknown arguments", tool("get_vm", **{f"vmIdd{n}": 1 for n in range(20_000)})
    deep: Any = 1
    for _ in range(60):
        deep = {"k" * 5_000: deep}
    yield "long names, nested", tool("get_vm", vmId=deep, more=[deep] * 2)
    rng = random.Random(seed)
    for number in range(20):
        yield f"shape {number} of seed {seed}", tool("update_vm_protection_group", **_shape(rng, 0, [0]))


def _completion(text: str) -> Call:
    ref = {"type": "ref/prompt", "name": "expiring_soon"}
    return "completion/complete", {"ref": ref, "argument": {"name": "vm", "value": text}}


def _shape(rng: random.Random, depth: int, used: list[int]) -> dict[str, Any]:
    """Arguments of at most about a megabyte: wide, deep, with secrets, texts and numbers of any size."""
    out: dict[str, Any] = {}
    for _ in range(rng.choice((1, 3, 30, 3_000))):
        if used[0] > LARGE // 2:
            break
        name = rng.choice(("password", "secret", "name", "vmId", "ids", "where")) + str(rng.randrange(10**6))
        if depth < 20 and rng.random() < 0.2:
            out[name] = _shape(rng, depth + 1, used)
        else:
            text = rng.choice(tuple(KINDS.values()))[: rng.choice((1, 3, 40, 4_000, 200_000))]
            out[name] = rng.choice((text, [text] * rng.choice((1, 5)), 10**300, [1, 2] * 500, None, 1.5))
        used[0] += 40 + len(json.dumps(out[name]))
    return out


# --- the server: a process of its own ------------------------------------------------------------------------------


async def service(scope: Any, receive: Any, send: Any) -> None:
    """A service whose every list has 10,000 items, and whose names are what they must not be."""
    path = scope["path"]
    query = dict(pair.partition("=")[::2] for pair in scope["query_string"].decode().split("&") if pair)
    name = next((text for word, text in HOSTILE.items() if path.endswith(word)), "")
    total = 7 if name else ITEMS
    start, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
    items = [
        {
            "id": f"00000000-0000-4000-8000-{n:012d}",
            "name": name or f"vm-{n:05d}",
            "displayName": name or f"vm-{n:05d}",
            "createdAt": "2026-11-01T00:00:00Z",
            "state": "OK",
        }
        for n in range(start, min(start + limit, total))
    ]
    body = json.dumps({"items": items, "count": len(items), "offset": start, "total": total}).encode()
    if "/storeonces" in path:
        parts = f"{LARGE_LIST}," * (0 if path.rpartition("/")[2] != "storeonces" else 3) + LARGE_LIST
        one = f'{{"id": "00000000-0000-4000-8000-000000000000", "name": "so", "parts": [{parts}]}}'
        body = (f'{{"items": [{one}], "total": 1}}' if path.endswith("storeonces") else one).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve(state: Path) -> None:
    """Serve, and answer each line on stdin with the longest silence since the line before."""
    from greenlake_backup_mcp import settings  # noqa: PLC0415  only the server's process needs these
    from greenlake_backup_mcp.http import server as http_server  # noqa: PLC0415
    from greenlake_backup_mcp.http.app import create_app  # noqa: PLC0415

    chosen = settings.load(
        environment=False, token="t" * 40, api_base_url="https://service.invalid", concurrency=8, log_level="error",
        stateless=True, state_dir=state,
    )  # fmt: skip
    longest, beaten = [0.0, 0.0], threading.Event()

    async def beat() -> None:
        while True:
            wall, processor = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT)
            longest[0] = max(longest[0], time.perf_counter() - wall - BEAT)
            longest[1] = max(longest[1], time.thread_time() - processor)
            beaten.set()

    def answer() -> None:
        for _ in sys.stdin:
            beaten.clear()
            beaten.wait()  # the silence that an answer came out of ends with the beat after it
            print(json.dumps(longest), flush=True)
            longest[:] = [0.0, 0.0]

    async def run() -> None:
        app = create_app(chosen, app=service)
        sock = http_server.open_socket("127.0.0.1", 0)
        print(json.dumps(sock.getsockname()[1]), flush=True)
        threading.Thread(target=answer, daemon=True).start()
        async with anyio.create_task_group() as group:
            group.start_soon(beat)
            await http_server.run(app, http_server.server(app, 1), sock, 1)

    anyio.run(run)


class Server:
    """The server's process."""

    def __init__(self) -> None:
        self.state = tempfile.TemporaryDirectory()
        command = [sys.executable, "-m", "tests.load", "--serve", self.state.name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self._line()

    def _line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def silence(self) -> tuple[float, float]:
        """The longest silence since this was asked before: by the clock, and of the processor."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, processor = self._line()
        return wall, processor

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.state.cleanup()


async def send(port: int, call: Call) -> str:
    """One request on a connection of its own; how it was answered."""
    method, params = call
    name = str(params.get("name") or params.get("uri") or "")
    modern = len(name) < 200  # a header repeats it, so the larger names come from clients before 2026
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META} if modern else params}
    content = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    named = f"mcp-method: {method}\r\n" + (f"mcp-name: {name}\r\n" if name else "") if modern else ""
    head = (
        f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/json, text/event-stream\r\n"
        f"content-type: application/json\r\nmcp-protocol-version: {'2026-07-28' if modern else '2025-11-25'}\r\n{named}"
        f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + content)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
    except TimeoutError:
        return "none"
    except OSError:
        return "broken off"
    finally:
        writer.close()
    status = answer[9:12].decode("latin-1")
    return status + (" error" if b'"isError":true' in answer or b'"error":' in answer else "")


def measure(times: int, goal: float, only: str) -> int:
    """Print each input's silence; the exit status says whether all are within the goal."""
    server, late = Server(), 0
    asyncio.run(send(server.port, tool("list_vms", limit=1)))  # what the first call imports
    print(f"{'silence':>9} {'processor':>9}  answer     input (median of {times}; goal {goal * 1000:.0f} ms)")
    try:
        for name, call in [*reported(), *generated()]:
            if only not in name:
                continue
            collected = []
            for _ in range(times):
                server.silence()
                answer = asyncio.run(send(server.port, call))
                collected.append(server.silence())
                if collected[-1][1] > 5:  # so long that the others would tell nothing new
                    break
            wall, processor = (statistics.median(values) for values in zip(*collected, strict=True))
            late += processor > goal
            mark = "  <-- beyond the goal" if processor > goal else ""
            print(f"{wall * 1000:6.0f} ms {processor * 1000:6.0f} ms  {answer:<9}  {name}{mark}", flush=True)
    finally:
        server.close()
    print(f"{late} inputs beyond the goal")
    return 1 if late else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--goal", type=float, default=100.0)
    parser.add_argument("--only", default="", help="inputs whose name holds this")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        raise SystemExit(measure(options.times, options.goal / 1000, options.only))
