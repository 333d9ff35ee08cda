"""What an HTTP client may take: time for its head and body, connections, keys that an issuer does not give."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.http import middleware, protocol
from greenlake_backup_mcp.http.app import create_app
from greenlake_backup_mcp.http.auth import jwks, static_tokens
from tests.support.http_process import META, MODERN, IssuerOfTokens, Served, discover, serving, tenant


def app(**options: Any) -> Any:
    return create_app(settings.load(api_base_url="https://tenant.example", token="t", **options), app=tenant())


async def half_a_head(endpoint: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(endpoint.root.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ")
    await writer.drain()
    return reader, writer


async def test_connections_that_never_finish_their_head_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serving(app()) as endpoint:
        slow = [await half_a_head(endpoint) for _ in range(300)]
        async with httpx2.AsyncClient() as http:
            assert (await http.get(f"{endpoint.root}/healthz")).json() == {"healthy": True}
        for reader, writer in slow:
            with anyio.fail_after(30):
                assert await _end(reader) == b""
            writer.close()
        assert (await discover(endpoint.url)).status_code == 200


async def test_so_many_may_wait_and_one_more_closes_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_WAITING", 3)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 3600)
    async with serving(app()) as endpoint:
        slow = [await half_a_head(endpoint) for _ in range(4)]
        with anyio.fail_after(30):
            assert await _end(slow[0][0]) == b""
        assert (await discover(endpoint.url)).status_code == 200
        slow[3][1].write(b"\r\ncontent-length: 0\r\n\r\n")  # the others are served still
        assert (await slow[3][0].readline()).startswith(b"HTTP/1.1 4")
        for _, writer in slow:
            writer.close()


async def _end(reader: asyncio.StreamReader) -> bytes:
    """What came until the connection was closed or broken off."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_a_second_request_on_a_connection_owes_its_head_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    async with serving(app()) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(endpoint.root.rpartition(":")[2]))
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b'"healthy":true' in await reader.readuntil(b"}")
        writer.write(b"GET /heal")
        with anyio.fail_after(30):
            assert await _end(reader) == b""
        writer.close()


async def test_a_body_that_does_not_arrive_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.05)
    async with serving(app()) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(endpoint.root.rpartition(":")[2]))
        head = "".join(f"{name}: {value}\r\n" for name, value in MODERN.items())
        writer.write(f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n{head}content-length: 100\r\n\r\n{{".encode())
        with anyio.fail_after(30):
            assert (await reader.readline()).startswith(b"HTTP/1.1 4")
        writer.close()


@pytest.mark.parametrize("path", ["/mcp/", "/mcp//"])
async def test_a_slash_at_the_end_is_served_and_never_redirected(path: str) -> None:
    async with serving(app()) as endpoint, httpx2.AsyncClient() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": META}}
        answer = await http.post(endpoint.root + path, json=body, headers={**MODERN, "mcp-method": "server/discover"})
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert (await http.get(f"{endpoint.root}/healthz/")).status_code == 200
        assert (await http.get(f"{endpoint.root}/")).status_code == 404


async def test_known_keys_serve_while_they_are_renewed_behind_by_an_issuer_that_hangs() -> None:
    issuer = IssuerOfTokens()
    issuer.ec("one")
    keys = issuer.key_set()
    assert await keys.key("one", "ES256") is not None
    begun: list[Any] = []
    keys.spawn = begun.append
    hanging = anyio.Event()

    async def fetch(_url: str) -> Any:
        await hanging.wait()

    keys.fetch = fetch
    issuer.now += jwks.FRESH + 1
    async with anyio.create_task_group() as group:
        assert await keys.key("one", "ES256") is not None
        group.start_soon(begun[0])
        await anyio.wait_all_tasks_blocked()
        issuer.now += jwks.PAUSE + 1
        with anyio.fail_after(30):  # while the fetch hangs and holds the lock
            assert await keys.key("one", "ES256") is not None
        assert len(begun) == 1
        group.cancel_scope.cancel()


def _entries(*names: str) -> str:
    entries = [{"name": name, "role": "read", "token": f"{name}-0123456789-0123456789"} for name in names]
    return json.dumps({"tokens": entries})


def test_a_tokens_file_is_read_again_until_that_succeeds_and_a_mark_of_the_byte_order_is_no_fault(
    tmp_path: Path,
) -> None:
    path, now = tmp_path / "tokens.json", [0.0]
    path.write_text("\ufeff" + _entries("anna", "otto"), encoding="utf-8")
    path.chmod(0o600)
    tokens = static_tokens.TokensFile(path, static_tokens.read_file(path), lambda: now[0])
    assert [entry.name for entry in tokens.current()] == ["anna", "otto"]
    without = _entries("anna")
    path.write_text("{" + " " * (len(without) - 1), encoding="utf-8")  # read in the middle of being written
    changed = path.stat()
    now[0] += 2
    assert [entry.name for entry in tokens.current()] == ["anna", "otto"]
    path.write_text(without, encoding="utf-8")
    os.utime(path, ns=(changed.st_atime_ns, changed.st_mtime_ns))  # within one tick of the file system's clock
    now[0] += 2
    assert [entry.name for entry in tokens.current()] == ["anna"]
