"""Load over HTTP at little cost: an upstream that answers one resource, and clients that call one tool.

Bare sockets on both sides, since a real client costs more than the server that it asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

STORE = "5f0a3c1e-7d55-4c0b-9c55-6a3a3e7f0001"
STORE_BYTES = STORE.encode()
TOKEN = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(18))  # as long as real ones: answers hide it
RESOURCE = f"/backup-recovery/v1beta1/protection-stores/{STORE}"
ANSWER = json.dumps(
    {
        "id": STORE,
        "name": "onprem-store-01",
        "displayName": "On-premises store 01",
        "type": "backup-recovery/protection-store",
        "resourceUri": RESOURCE,
        "generation": 12,
        "customerId": "0123456789abcdef0123456789abcdef",
        "createdAt": "2025-03-01T09:12:44Z",
        "updatedAt": "2026-11-20T04:02:10Z",
        "state": "OK",
        "stateReason": "",
        "status": "ONLINE",
        "protectionStoreType": "ON_PREMISES",
        "region": "eu-central",
        "sizeOnDiskInMiB": 812_344,
        "userDataStoredInMiB": 9_120_331,
        "maxCapacityInMiB": 2_097_152,
        "dedupeRatio": 11.2,
        "storageSystemInfo": {"id": "0a3c1e5f-7d55-4c0b-9c55-6a3a3e7f0002", "name": "storeonce-7"},
    }
).encode()
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class Upstream(asyncio.Protocol):
    """Answers every GET with the resource."""

    REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            _, _, self.received = self.received.partition(b"\r\n\r\n")
            self.transport.write(self.REPLY)


def request(port: int, token: str) -> bytes:
    """One tools/call of 2026-07-28."""
    call = {"_meta": META, "name": "get_protection_store", "arguments": {"protectionStoreId": STORE}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n"
        "accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n"
        "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: get_protection_store\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True)
class Result:
    """What a run measured: calls a second, and milliseconds of which 95 % took no more."""

    rate: float
    p95: float
    errors: int
    calls: int = 0  # all of them, those of getting warm too
    own: float = 0.0  # milliseconds of CPU that the clients took


class Caller(asyncio.Protocol):
    """One client: it calls again as soon as it is answered, until the end."""

    def __init__(self, sent: bytes, begin: float, end: float) -> None:
        self.sent, self.begin, self.end = sent, begin, end
        self.times: list[float] = []
        self.errors = self.calls = 0
        self.received = b""
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.call()

    def call(self) -> None:
        self.started = time.perf_counter()
        if self.started >= self.end:
            self.transport.close()
        else:
            self.transport.write(self.sent)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, mark, body = self.received.partition(b"\r\n\r\n")
        if not mark or len(body) < _length(head):
            return
        finished = time.perf_counter()
        self.received = b""
        self.calls += 1
        if not head.startswith(b"HTTP/1.1 200") or STORE_BYTES not in body:
            self.errors += 1
        elif self.begin <= finished <= self.end:  # begun before or not: at a second a call, those are many
            self.times.append(finished - self.started)
        self.call()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.started < self.end:
            self.errors += 1  # the server closed it, or it broke
        self.gone.set_result(None)


def _length(head: bytes) -> int:
    """The length that an answer's head tells."""
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    end = lower.find(b"\r\n", start)
    return int(lower[start : None if end < 0 else end])


async def clients(port: int, token: str, number: int, seconds: float, warm: float = 1.0) -> Result:
    """So many clients call as fast as they are answered; the time to get warm is not counted."""
    begin = time.perf_counter() + warm
    end, sent, loop = begin + seconds, request(port, token), asyncio.get_running_loop()
    callers = []
    for _ in range(number):
        _, caller = await loop.create_connection(lambda: Caller(sent, begin, end), "127.0.0.1", port)
        callers.append(caller)
    await asyncio.gather(*(caller.gone for caller in callers))
    times = [took for caller in callers for took in caller.times]
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 20 else float("nan")
    errors, calls = sum(caller.errors for caller in callers), sum(caller.calls for caller in callers)
    return Result(len(times) / seconds, p95 * 1000, errors, calls, time.process_time() * 1000)


async def upstream(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "upstream":
        asyncio.run(upstream(int(sys.argv[2])))
    else:  # a process of its own: clients PORT TOKEN NUMBER SECONDS
        port, token, number, seconds = sys.argv[2:]
        measured = asyncio.run(clients(int(port), Path(token).read_text(encoding="utf-8"), int(number), float(seconds)))
        print(json.dumps(measured.__dict__))
