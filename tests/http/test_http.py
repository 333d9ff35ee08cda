"""The server over HTTP, on real sockets: who is refused and how it is said, what a role sees, how it ends."""

from __future__ import annotations

import itertools
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import ElicitResult

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent.redis_store import RedisStore
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.http import middleware, server
from greenlake_backup_mcp.http.app import create_app
from greenlake_backup_mcp.http.auth import authenticator
from greenlake_backup_mcp.http.auth.authenticator import Authenticator
from greenlake_backup_mcp.observability import otel
from greenlake_backup_mcp.tools import registry, roles
from tests.support.http_process import (
    COPY,
    DELETE,
    ISSUER,
    META,
    MODERN,
    PUBLIC,
    IssuerOfTokens,
    Served,
    client,
    discover,
    serving,
    tenant,
)
from tests.support.results import CODE, text_of
from tests.support.tiny_tenant import BACKUP, NOW, VM

EVERYWHERE = "0.0.0.0"  # noqa: S104
KEY, OLD_KEY = "k" * 32, "o" * 32
TOKENS = {"rita": "read", "otto": "operate", "dora": "destroy", "dan": "destroy"}


def token(name: str) -> str:
    return f"static-token-of-{name}-0123456789"


@pytest.fixture
def tokens_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.json"
    entries = [{"name": name, "role": role, "token": token(name)} for name, role in TOKENS.items()]
    path.write_text(json.dumps({"tokens": entries}), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def issuer() -> IssuerOfTokens:
    made = IssuerOfTokens()
    made.ec("one")
    return made


def by_issuer(issuer: IssuerOfTokens) -> Authenticator:
    result = authenticator.configure(settings.load(issuer=ISSUER, public_url=PUBLIC))
    assert result.issuer is not None
    return replace(result, issuer=replace(result.issuer, keys=issuer.key_set()))


@asynccontextmanager
async def served(app: Any = None, authenticator: Authenticator | None = None, **inputs: Any) -> AsyncIterator[Served]:
    """The server over a little tenant, with these settings."""
    chosen = settings.load(api_base_url="https://tenant.example", token="t", retries=0, **inputs)
    async with serving(
        create_app(chosen, app=app or tenant(), now=lambda: NOW, authenticator=authenticator)
    ) as running:
        yield running


# --- the doors --------------------------------------------------------------------------------------------------------


async def test_both_eras_are_served_on_one_address(era: str) -> None:
    async with served() as endpoint, client(endpoint.url, mode=era) as mcp:
        assert mcp.protocol_version == ("2026-07-28" if era == "auto" else "2025-11-25")
        assert len((await mcp.list_tools()).tools) > 138
        assert "daily-7" in text_of(await mcp.call_tool("get_vm_backup", DELETE))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost@evil"])
async def test_a_foreign_host_is_refused_and_named(host: str) -> None:
    async with served() as endpoint:
        answer = await discover(endpoint.url, host=host)
        assert answer.status_code == 421
        assert host in answer.text
        assert "GREENLAKE_MCP_ALLOWED_HOSTS" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://evil.example", "null", "https://localhost.evil.example"),
        *("http://localhost:6274", "http://127.0.0.1:8000", "http://localhost", "http://[::1]:5173"),
    ],
)
async def test_a_foreign_origin_is_refused_and_named(origin: str) -> None:
    async with served() as endpoint:
        answer = await discover(endpoint.url, origin=origin)
        assert answer.status_code == 403
        assert origin in answer.json()["error"]["message"]
        assert "GREENLAKE_MCP_ALLOWED_ORIGINS" in answer.text


async def test_hosts_and_origins_are_checked_when_all_addresses_are_listened_on(tokens_file: Path) -> None:
    chosen = settings.load(demo=True, tokens_file=tokens_file, public_url=PUBLIC, allowed_origins="https://ide.example")
    async with serving(create_app(chosen, app=tenant(), bound=EVERYWHERE)) as endpoint:
        assert (await discover(endpoint.url, token("rita"), host="evil.example")).status_code == 421
        assert (await discover(endpoint.url, token("rita"), origin="https://evil.example")).status_code == 403
        for host in ("backup.example.com", "backup.example.com:443", "localhost:1"):
            assert (await discover(endpoint.url, token("rita"), host=host)).status_code == 200
        for origin in ("https://backup.example.com", "https://ide.example"):
            assert (await discover(endpoint.url, token("rita"), origin=origin)).status_code == 200


def test_hosts_and_origins_of_each_kind_can_be_allowed() -> None:
    match = middleware.host_policy(
        "::1", None, "a.example, 10.0.0.1:80,[fd00::1]:8080", "https://a.example:8443/,vscode-webview://x-1"
    )
    assert match.allows_host("[fd00::1]:8080")
    assert match.allows_host("10.0.0.1:80")
    assert match.allows_origin("https://a.example:8443")
    assert match.allows_origin("vscode-webview://x-1")


@given(st.text(max_size=60))
def test_no_text_passes_as_a_host_unless_it_is_one_of_ours(text: str) -> None:
    hosts = middleware.host_policy("127.0.0.1", None, "", "")
    assert hosts.allows_host(text) == bool(re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", text.lower()))
    assert not hosts.allows_origin(f"https://{text}")


@pytest.mark.parametrize(
    ("inputs", "bound"),
    [
        ({}, EVERYWHERE),
        ({}, "::"),
        ({}, "192.0.2.7"),
        ({"public_url": PUBLIC}, "127.0.0.1"),
        ({"allowed_hosts": "backup.example.com"}, "127.0.0.1"),
    ],
)
def test_others_are_served_only_if_they_must_say_who_they_are(inputs: dict[str, Any], bound: str) -> None:
    with pytest.raises(BackupError, match="nobody would have to say who they are"):
        create_app(settings.load(demo=True, **inputs), app=tenant(), bound=bound)


async def test_an_oversized_body_is_refused_declared_or_not() -> None:
    async with served(max_body=2048) as endpoint, httpx2.AsyncClient() as http:
        declared = await http.post(endpoint.url, content=b"x" * 4096, headers=MODERN)
        assert declared.status_code == 413
        assert "2,048" in declared.text

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * 1024

        headers = {**MODERN, "content-type": "application/json"}
        counted = await http.post(endpoint.url, content=chunks(), headers=headers)
        assert counted.status_code == 413
        assert "2,048 bytes (GREENLAKE_MCP_MAX_BODY)" in counted.json()["error"]["message"]


async def test_probes_need_neither_host_nor_token(tokens_file: Path) -> None:
    async with served(tokens_file=tokens_file) as endpoint, httpx2.AsyncClient() as http:
        for path in ("/healthz", "/readyz"):
            assert (await http.get(endpoint.root + path, headers={"host": "10.1.2.3:8080"})).status_code == 200
        assert (await http.get(endpoint.root + "/other")).status_code == 401
        endpoint.live.ready = False
        assert (await http.get(endpoint.root + "/readyz")).status_code == 503


async def test_a_browser_page_of_an_allowed_origin_may_ask_first(tokens_file: Path) -> None:
    async with (
        served(tokens_file=tokens_file, allowed_origins="https://ide.example") as endpoint,
        httpx2.AsyncClient() as http,
    ):
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        allowed = await http.options(endpoint.url, headers={"origin": "https://ide.example", **asked})
        assert allowed.headers["access-control-allow-origin"] == "https://ide.example"
        foreign = await http.options(endpoint.url, headers={"origin": "https://evil.example", **asked})
        assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("text", ["", "host", "host:port", "host:99999", ":80", "127.0.0.1:"])
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BackupError, match="is not HOST:PORT"):
        server.address(text)
    assert server.address("[::1]:80") == ("::1", 80)
    assert server.address("8765") == ("127.0.0.1", 8765)


def test_answers_are_not_held_back_until_they_fill_a_packet() -> None:
    with server.open_socket("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY on nothing else
        with pytest.raises(BackupError, match="cannot be listened on"):
            server.open_socket(*sock.getsockname())


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_no_token_is_told_where_to_get_one(issuer: IssuerOfTokens) -> None:
    async with served(authenticator=by_issuer(issuer), public_url=PUBLIC) as endpoint, httpx2.AsyncClient() as http:
        answer = await discover(endpoint.url)
        assert answer.status_code == 401
        challenge = answer.headers["www-authenticate"]
        assert "error" not in challenge
        assert 'scope="backup:read"' in challenge
        match = re.search(r'resource_metadata="https://backup\.example\.com(/[^"]+)"', challenge)
        assert match
        message = (await http.get(endpoint.root + match[1])).json()
        assert message["resource"] == PUBLIC
        assert message["authorization_servers"] == [ISSUER]
        assert message["scopes_supported"] == ["backup:read", "backup:operate", "backup:destroy"]


async def test_tokens_of_the_issuer_get_in_and_others_hear_why_not(issuer: IssuerOfTokens) -> None:
    async with served(authenticator=by_issuer(issuer), public_url=PUBLIC) as endpoint:
        assert (await discover(endpoint.url, issuer.token())).status_code == 200
        for claims, status, reason in (
            ({"aud": "https://other.example"}, 401, "another audience"),
            ({"exp": 1_600_000_000}, 401, "expired"),
            ({"iss": "https://elsewhere.example"}, 401, "another issuer"),
            ({"scope": "profile"}, 403, "none of the scopes"),
        ):
            answer = await discover(endpoint.url, issuer.token(**claims))
            assert (answer.status_code, reason in answer.headers["www-authenticate"]) == (status, True), answer.text
        issuer.reachable = False
        issuer.now = 100_000
        answer = await discover(endpoint.url, issuer.token())
        assert answer.status_code == 503
        assert "retry-after" in answer.headers


@pytest.mark.parametrize("rendered", ["Basic abc", "Bearer", "abc", "Bearer wrong-token-of-nobody-at-all"])
async def test_whatever_is_no_token_of_ours_gets_401(tokens_file: Path, rendered: str) -> None:
    async with served(tokens_file=tokens_file) as endpoint:
        answer = await discover(endpoint.url, authorization=rendered)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_callers_token_never_reaches_the_service(tokens_file: Path, era: str) -> None:
    seen: list[str] = []
    behind = tenant()

    async def watching(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(value.decode() for _, value in scope["headers"])
        await behind(scope, receive, send)

    async with served(watching, tokens_file=tokens_file) as endpoint, client(endpoint.url, token("rita"), era) as mcp:
        assert "daily-7" in text_of(await mcp.call_tool("get_vm_backup", DELETE))
    assert "Bearer t" in seen
    assert not any(token("rita") in value for value in seen)


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rita", "otto", "dora"])
async def test_a_role_sees_what_it_may_call_and_calls_no_more(tokens_file: Path, era: str, name: str) -> None:
    role = roles.ROLES[["rita", "otto", "dora"].index(name)]
    app = tenant()
    async with served(app, tokens_file=tokens_file) as endpoint, client(endpoint.url, token(name), era) as mcp:
        listed = {t.name for t in (await mcp.list_tools()).tools}
        by_name = {t.name: t for t in registry.tools()}
        assert {n for n in listed if n in by_name} == {n for n, t in by_name.items() if roles.role_allows(role, t)}
        for hidden in by_name.keys() - listed:
            answer = await mcp.call_tool(hidden, {"confirm": "preview"})
            assert answer.is_error
            assert f"this login has the role {role}" in text_of(answer)
    assert not app.writes


async def test_a_plan_holds_no_call_that_the_role_may_not_make(tokens_file: Path, era: str) -> None:
    plan = {"calls": [{"tool": "delete_vm_backup", "arguments": DELETE}], "confirm": "preview"}
    async with served(tokens_file=tokens_file) as endpoint:
        async with client(endpoint.url, token("otto"), era) as mcp:
            assert "needs the role destroy" in text_of(await mcp.call_tool("run_plan", plan))
        async with client(endpoint.url, token("rita"), era) as mcp:
            assert "run_plan needs the role operate" in text_of(await mcp.call_tool("run_plan", plan))
        async with client(endpoint.url, token("dora"), era) as mcp:
            assert CODE.search(text_of(await mcp.call_tool("run_plan", plan)))


async def test_the_small_surface_finds_and_calls_no_more_than_the_role_may(tokens_file: Path, era: str) -> None:
    async with (
        served(tokens_file=tokens_file, surface="search") as endpoint,
        client(endpoint.url, token("rita"), era) as mcp,
    ):
        listed = {t.name for t in (await mcp.list_tools()).tools}
        estate = {"check_health", "check_protection", "describe_asset", "find_recovery_points"}  # they only read
        assert listed == {"find_tools", "call_read_tool", *estate}
        result = text_of(await mcp.call_tool("find_tools", {"query": "delete a backup of a VM", "limit": 10}))
        assert "delete_vm_backup" not in result
        inner = {"name": "delete_vm_backup", "arguments": {**DELETE, "confirm": "preview"}}
        for name in ("call_write_tool", "call_read_tool"):
            assert (await mcp.call_tool(name, inner)).is_error
        assert "needs the role destroy" in text_of(await mcp.call_tool("call_write_tool", inner))


async def test_a_list_that_depends_on_the_login_is_not_for_shared_caches(tokens_file: Path) -> None:
    async with served(tokens_file=tokens_file) as endpoint, client(endpoint.url, token("rita")) as mcp:
        assert (await mcp.list_tools()).cache_scope == "private"
    async with served() as endpoint, client(endpoint.url) as mcp:
        assert (await mcp.list_tools()).cache_scope == "private"  # it depends on whether the client shows views


async def session(http: httpx2.AsyncClient, url: str, rendered: str, ident: str | None, body: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {rendered}", "accept": MODERN["accept"]}
    if ident:
        headers |= {"mcp-session-id": ident, "mcp-protocol-version": "2025-11-25"}
    return await http.post(url, json={"jsonrpc": "2.0", **body}, headers=headers)


async def test_within_a_session_each_request_has_the_role_of_its_own_token(issuer: IssuerOfTokens) -> None:
    start = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    async with served(authenticator=by_issuer(issuer), public_url=PUBLIC) as endpoint, httpx2.AsyncClient() as http:
        opened = await session(
            http, endpoint.url, issuer.token("backup:destroy"), None, {"id": 1, "method": "initialize", "params": start}
        )
        ident = opened.headers["mcp-session-id"]
        call = {"name": "delete_vm_backup", "arguments": {**DELETE, "confirm": "preview"}}
        asked = {"id": 2, "method": "tools/call", "params": call}
        may = await session(http, endpoint.url, issuer.token("backup:destroy"), ident, asked)
        assert "PREVIEW" in may.text
        less = await session(http, endpoint.url, issuer.token("backup:read"), ident, {**asked, "id": 3})
        assert "this login has the role read" in less.text
        other = await session(
            http, endpoint.url, issuer.token("backup:destroy", sub="mallory"), ident, {**asked, "id": 4}
        )
        assert other.status_code == 404  # a session is its opener's


# --- the principal, and replicas --------------------------------------------------------------------------------------


async def previewed(mcp: Any) -> str:
    match = CODE.search(text_of(await mcp.call_tool("delete_vm_backup", {**DELETE, "confirm": "preview"})))
    assert match
    return match[1]


async def confirmed(mcp: Any, code: str) -> str:
    return text_of(await mcp.call_tool("delete_vm_backup", {**DELETE, "confirm": code}))


async def test_a_code_is_good_for_the_login_it_was_shown_to_and_the_record_names_it(
    tokens_file: Path, tmp_path: Path, era: str
) -> None:
    app, record = tenant(), tmp_path / "audit.jsonl"
    async with (
        served(app, tokens_file=tokens_file, audit_log=record) as endpoint,
        client(endpoint.url, token("dora"), era) as dora,
        client(endpoint.url, token("dan"), era) as dan,
    ):
        code = await previewed(dora)
        assert "REFUSED" in await confirmed(dan, code)
        assert not app.writes
        assert "REFUSED" not in await confirmed(dora, code)
    assert [method for method, _, _ in app.writes] == ["DELETE"]
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [(e["event"], "dora" in e["principal"]) for e in lines if e["event"] == "request"] == [("request", True)]
    assert any("dan" in e["principal"] and e["event"] == "refusal" for e in lines)
    assert token("dora") not in record.read_text(encoding="utf-8")


async def test_who_is_refused_for_their_role_stands_in_the_record_and_in_the_log_with_their_name(
    tokens_file: Path, tmp_path: Path, era: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, record = tenant(), tmp_path / "audit.jsonl"
    caplog.set_level("INFO", "greenlake_backup_mcp")
    async with (
        served(app, tokens_file=tokens_file, audit_log=record) as endpoint,
        client(endpoint.url, token("rita"), era) as rita,
        client(endpoint.url, token("otto"), era) as otto,
    ):
        assert "needs the role destroy" in text_of(await rita.call_tool("delete_vm_backup", {**DELETE, "confirm": "x"}))
        plan = {"calls": [{"tool": "delete_vm_backup", "arguments": DELETE}], "confirm": "preview"}
        assert "needs the role destroy" in text_of(await otto.call_tool("run_plan", plan))
        await rita.call_tool("get_vm_backup", DELETE)
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [(e["event"], e["tool"]) for e in lines] == [("refusal", "delete_vm_backup")] * 2
    assert ["rita" in lines[0]["principal"], "otto" in lines[1]["principal"]] == [True, True]
    assert lines[0]["arguments"] == DELETE
    assert lines[0]["reason"] == "delete_vm_backup needs the role destroy; this login has the role read."
    message = [result.__dict__["fields"] for result in caplog.records if result.message == "call"]
    assert [(t["tool"], t["outcome"]) for t in message] == [
        ("delete_vm_backup", "refused"),
        ("run_plan", "input"),
        ("get_vm_backup", "answered"),
    ]
    for who, line in zip(("rita", "otto", "rita"), message, strict=True):
        assert who in line["principal"]
    assert not any(token(name) in str(line) for name in TOKENS for line in (*message, *lines))
    assert not app.writes
    assert not app.reads[1:]


async def test_a_code_of_one_replica_holds_on_another_with_the_same_key(era: str) -> None:
    app = tenant()
    async with served(app, secret=KEY) as one, served(app, secret=KEY) as two, served(app) as stranger:
        async with client(one.url, mode=era) as mcp:
            code = await previewed(mcp)
        async with client(stranger.url, mode=era) as mcp:
            assert "REFUSED" in await confirmed(mcp, code)
        async with client(two.url, mode=era) as mcp:
            assert "REFUSED" not in await confirmed(mcp, code)
    assert len(app.writes) == 1


async def test_keys_are_rotated_without_a_refused_call(era: str) -> None:
    """old → "old,new" everywhere → "new,old" everywhere → new: codes of each step hold in the next."""
    app = tenant()
    steps = [OLD_KEY, f"{OLD_KEY},{KEY}", f"{KEY},{OLD_KEY}", KEY]
    for before, after in itertools.pairwise(steps):
        async with served(app, secret=before) as one, served(app, secret=after) as two:
            for first, then in ((one, two), (two, one)):
                app.resources[COPY]["generation"] += 1  # another call, as far as codes are concerned
                async with client(first.url, mode=era) as mcp:
                    code = await previewed(mcp)
                async with client(then.url, mode=era) as mcp:
                    assert "REFUSED" not in await confirmed(mcp, code)


async def test_a_question_of_one_replica_is_answered_at_another() -> None:
    app = tenant()
    app.deletes = True
    async with served(app, secret=KEY) as one, served(app, secret=KEY) as two:
        async with client(one.url) as mcp:
            code = await previewed(mcp)
        caps = {**META, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
        params: dict[str, Any] = {
            "_meta": caps,
            "name": "delete_vm_backup",
            "arguments": {**DELETE, "confirm": code},
        }
        headers = {**MODERN, "mcp-method": "tools/call", "mcp-name": "delete_vm_backup"}
        async with httpx2.AsyncClient() as http:

            async def call(endpoint: Served) -> dict[str, Any]:
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
                result: dict[str, Any] = (await http.post(endpoint.url, json=body, headers=headers)).json()
                return result["result"]

            asked = await call(one)
            assert asked["resultType"] == "input_required"
            params["requestState"] = asked["requestState"]
            params["inputResponses"] = {"confirm": {"action": "accept", "content": {"confirm": True}}}
            done = await call(two)
    assert not done.get("isError"), done
    assert len(app.writes) == 1


async def test_without_sessions_any_replica_answers_an_earlier_client_that_then_cannot_ask() -> None:
    app = tenant()
    asked: list[str] = []

    async def answer(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    async with (
        served(app, stateless=True, secret=KEY) as endpoint,
        client(endpoint.url, mode="legacy", elicitation_callback=answer) as mcp,
    ):
        assert "REFUSED" not in await confirmed(mcp, await previewed(mcp))
    assert len(app.writes) == 1
    assert not asked


async def test_a_code_used_at_one_replica_is_used_at_all_that_share_redis(redis: str, era: str) -> None:
    app = tenant()
    async with (
        served(app, secret=KEY, redis_url=redis) as one,
        served(app, secret=KEY, redis_url=redis) as two,
        client(one.url, mode=era) as first,
        client(two.url, mode=era) as second,
    ):
        code = await previewed(first)
        assert "REFUSED" not in await confirmed(first, code)
        assert "used already" in await confirmed(second, code)
        answers: list[str] = []
        code = await previewed(first)

        async def use(mcp: Any) -> None:
            answers.append(await confirmed(mcp, code))

        async with anyio.create_task_group() as group:
            for n in range(10):
                group.start_soon(use, (first, second)[n % 2])
    assert sum("REFUSED" not in answer for answer in answers) == 1
    assert len(app.writes) == 2


async def test_without_redis_replicas_on_machines_of_their_own_remember_for_themselves(
    era: str, tmp_path: Path
) -> None:
    app = tenant()
    async with (
        served(app, secret=KEY, state_dir=tmp_path / "one") as one,
        served(app, secret=KEY, state_dir=tmp_path / "two") as two,
        client(one.url, mode=era) as first,
        client(two.url, mode=era) as second,
    ):
        code = await previewed(first)
        await confirmed(first, code)
        assert "used already" in await confirmed(first, code)
        await confirmed(second, code)  # what docs/DEPLOYMENT.md says: once at each replica
    assert len(app.writes) == 2


async def test_while_redis_is_away_reads_work_and_nothing_is_confirmed(era: str, tmp_path: Path) -> None:
    app = tenant()
    async with (
        served(app, secret=KEY, redis_url=f"unix://{tmp_path}/none.sock") as endpoint,
        client(endpoint.url, mode=era) as mcp,
    ):
        assert "daily-7" in text_of(await mcp.call_tool("get_vm_backup", DELETE))
        answer = await mcp.call_tool("delete_vm_backup", {**DELETE, "confirm": "AAAA-AAAA"})
        assert answer.is_error
        assert "Nothing was sent" in text_of(answer)
    assert not app.writes


async def test_a_mark_in_redis_ends_with_its_time(redis: str) -> None:
    used = RedisStore(redis)
    assert not await used.used(["ABCD-EFGH"])
    assert await used.use("ABCD-EFGH", 1500)
    assert not await used.use("ABCD-EFGH", 1500)
    assert await used.used(["ABCD-EFGH"])
    result = await used._redis.keys("*")
    assert len(result) == 1
    assert b"ABCD" not in result[0]
    assert 1400 < await used._redis.ttl(result[0]) <= 1500
    await used.close()


def test_a_wrong_redis_url_is_told_at_the_start() -> None:
    with pytest.raises(BackupError, match="no URL of Redis"):
        RedisStore("http://x")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "GREENLAKE_REGION"),
        ({"region": "eu-west"}, "GREENLAKE_CLIENT_ID"),
        ({"demo": True, "redis_url": "http://x"}, "no URL of Redis"),
        ({"demo": True, "audit_log": "/nowhere/audit.jsonl"}, "cannot be written"),
        ({"demo": True, "redis_url": "redis://x"}, "GREENLAKE_MCP_SECRET is not"),
        ({"demo": True, "secret": "short"}, "at least 16 characters"),
        ({"demo": True, "secret": ","}, "no key"),
        (
            {"demo": True, "secret": "<python3 -c 'import os, secrets; print(...)'>"},
            "placeholder",
        ),
        ({"demo": True, "secret": f"{KEY},<the next one, of your own>"}, "placeholder"),
        ({"demo": True, "allowed_hosts": "*"}, "GREENLAKE_MCP_ALLOWED_HOSTS holds '*'"),
        ({"demo": True, "allowed_hosts": "https://x.y/z"}, "GREENLAKE_MCP_ALLOWED_HOSTS"),
        ({"demo": True, "allowed_origins": "foo"}, "GREENLAKE_MCP_ALLOWED_ORIGINS holds 'foo'"),
        ({"demo": True, "allowed_origins": "https://a.example,*"}, "GREENLAKE_MCP_ALLOWED_ORIGINS holds '*'"),
        ({"demo": True, "allowed_origins": "null"}, "GREENLAKE_MCP_ALLOWED_ORIGINS"),
        ({"demo": True, "tokens_file": "/nowhere/tokens.json"}, "No such file"),
        ({"demo": True, "http": "0.0.0.0:0"}, "nobody would have to say who they are"),
        ({"demo": True, "http": "here"}, "is not HOST:PORT"),
    ],
)
def test_what_would_fail_each_call_is_told_at_the_start(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(BackupError) as caught:
        server.serve(settings.load(**{"http": "127.0.0.1:0", **inputs}))
    assert reason in f"{caught.value.message} {caught.value.hint}"


# --- the end ----------------------------------------------------------------------------------------------------------


class Held:
    """A tenant that answers when it is let go."""

    def __init__(self) -> None:
        self.behind, self.asked, self.go = tenant(), anyio.Event(), anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        await self.go.wait()
        await self.behind(scope, receive, send)


async def test_a_running_call_ends_before_the_server_does(era: str) -> None:
    held = Held()
    answers: list[str] = []
    chosen = settings.load(api_base_url="https://tenant.example", token="t", retries=0)
    live = create_app(chosen, app=held, now=lambda: NOW)
    with anyio.fail_after(20):
        async with serving(live, grace=15) as endpoint, client(endpoint.url, mode=era) as mcp:
            await mcp.list_tools()  # which this client would otherwise ask for after the answer, of a server that ended

            async def call() -> None:
                answers.append(text_of(await mcp.call_tool("get_vm_backup", DELETE)))

            async with anyio.create_task_group() as group:
                group.start_soon(call)
                await held.asked.wait()
                endpoint.server.should_exit = True
                while not live.ending:
                    await anyio.lowlevel.checkpoint()
                assert not answers
                held.go.set()
    assert "daily-7" in answers[0]


@pytest.mark.parametrize(
    ("tool", "arguments", "existing"),
    [
        ("get_vm_backup", DELETE, "Nothing was changed. Call it again."),
        ("run_protection_job", {"protectionJobId": VM, "scheduleIds": [1]}, "The outcome is UNKNOWN"),
    ],
)
async def test_a_call_that_outlives_the_grace_is_answered_with_what_is_known_of_it(
    era: str, tool: str, arguments: dict[str, Any], existing: str
) -> None:
    held = Held()
    answers: list[str] = []
    chosen = settings.load(api_base_url="https://tenant.example", token="t", retries=0)
    live = create_app(chosen, app=held, now=lambda: NOW)
    with anyio.fail_after(20):
        async with serving(live, grace=1) as endpoint, client(endpoint.url, mode=era) as mcp:
            await mcp.list_tools()  # which this client would otherwise ask for after the answer, of a server that ended

            async def call() -> None:
                answers.append(text_of(await mcp.call_tool(tool, arguments)))

            async with anyio.create_task_group() as group:
                group.start_soon(call)
                await held.asked.wait()
                endpoint.server.should_exit = True
    assert f"This server was shut down before {tool} had ended." in answers[0]
    assert existing in answers[0]


async def test_an_open_stream_of_a_session_does_not_keep_the_server_from_ending() -> None:
    """The client's own GET stream stays open for as long as it lives."""
    live = create_app(settings.load(demo=True, grace=3600), app=tenant())
    with anyio.fail_after(10):
        async with serving(live, grace=3600) as endpoint, client(endpoint.url, mode="legacy") as mcp:
            await mcp.list_tools()
            endpoint.server.should_exit = True


# --- telemetry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({}, "none", "none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "otlp", "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, "otlp", "none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"}, "otlp", "none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, "none", "none"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console", "none"),
    ],
)
def test_telemetry_is_off_unless_an_exporter_is_named(environment: dict[str, str], traces: str, metrics: str) -> None:
    assert (otel.is_exporting("traces", environment), otel.is_exporting("metrics", environment)) == (traces, metrics)


def test_an_exporter_that_is_not_served_is_told() -> None:
    with pytest.raises(BackupError, match="jaeger"):
        otel.is_exporting("traces", {"OTEL_TRACES_EXPORTER": "jaeger"})
    with pytest.raises(BackupError, match="http/protobuf"):
        otel.is_exporting("traces", {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


async def test_calls_requests_and_gated_calls_are_counted_without_a_name_of_the_tenant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import metrics  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415

    from greenlake_backup_mcp.observability import call_log  # noqa: PLC0415

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    monkeypatch.setattr(call_log, "WATCHERS", [otel.count_calls()])
    app = tenant()
    app.deletes = True
    async with served(app, secret=KEY) as endpoint, client(endpoint.url) as mcp:
        await mcp.call_tool("get_vm_backup", DELETE)
        await mcp.call_tool("get_vm_backup", {"vmId": VM})
        await confirmed(mcp, await previewed(mcp))
    data = json.loads(reader.get_metrics_data().to_json())  # type: ignore[union-attr]
    collected: dict[str, list[Any]] = {}
    for metric in data["resource_metrics"][0]["scope_metrics"][0]["metrics"]:
        collected[metric["name"]] = [point["attributes"] for point in metric["data"]["data_points"]]
    assert {"tool": "get_vm_backup", "outcome": "answered"} in collected["greenlake_mcp.calls"]
    assert {"tool": "get_vm_backup", "outcome": "input"} in collected["greenlake_mcp.calls"]
    assert {"tool": "delete_vm_backup", "event": "preview"} in collected["greenlake_mcp.gated"]
    assert {"tool": "delete_vm_backup", "event": "outcome", "outcome": "done"} in collected["greenlake_mcp.gated"]
    assert any(a["status"] == "200" for a in collected["greenlake_mcp.upstream.duration"])
    provider.shutdown()
    for name in ("daily-7", "sql-prod-01", BACKUP):
        assert name not in json.dumps(data)
