"""Tokens: fetched once for all, early, again when refused, from either kind of endpoint; never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.errors import BackupError, SettingsError, Unreachable
from greenlake_backup_mcp.simulator.faults.script import Faults, fault
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream import tokens as auth
from greenlake_backup_mcp.upstream.client import Request
from greenlake_backup_mcp.upstream.readings import Readings
from greenlake_backup_mcp.upstream.tokens import Client, Tokens
from tests.support.paging_service import no_sleep
from tests.support.simulated import BACKUP, NOW

STORES = Request("ProtectionStoreList", "GET", f"{BACKUP}/protection-stores", (("limit", "1"),), reads=True)
CLIENT = Client("id-1", "s3cret", "https://global.example.com/token")
WORKSPACE = "01234567-89ab-cdef-0123-456789abcdef"


class Endpoint:
    """A token endpoint: numbered tokens, and what it was asked with."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"expires_in": 900, **answer}
        self.asked: list[tuple[Mapping[str, str], tuple[str, str] | None]] = []
        self.go = anyio.Event()
        self.go.set()
        self.failing: BackupError | None = None
        self.only_basic = False

    async def __call__(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> tuple[int, Any]:
        assert url == CLIENT.token_url
        self.asked.append((form, basic))
        await self.go.wait()
        if self.failing:
            raise self.failing
        if self.only_basic and basic is None:
            return 401, {"error": "invalid_client"}
        return 200, {"access_token": f"token-{len(self.asked)}", **self.answer}


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def made(endpoint: auth.Post, clock: Clock) -> Tokens:
    return Tokens(CLIENT, endpoint, Readings(settings.load(demo=True)), clock)


async def test_a_token_is_kept_until_a_minute_before_its_end() -> None:
    endpoint, clock = Endpoint(), Clock()
    tokens = made(endpoint, clock)
    assert [await tokens.token() for _ in range(3)] == ["token-1"] * 3
    clock.now = 839
    assert await tokens.token() == "token-1"
    clock.now = 841
    assert await tokens.token() == "token-2"


@pytest.mark.parametrize(
    ("expires_in", "until"),
    [(7200, 7140), ("7200", 7140), (10, 8), (None, 840), (0, 840), (-5, 840), ("soon", 840), (1e12, 86_340)],
)
async def test_the_lifetime_told_is_used_and_never_assumed_to_be_longer(expires_in: Any, until: float) -> None:
    endpoint, clock = Endpoint(expires_in=expires_in), Clock()
    tokens = made(endpoint, clock)
    await tokens.token()
    clock.now = until - 0.5
    assert await tokens.token() == "token-1"
    clock.now = until + 0.5
    assert await tokens.token() == "token-2"


async def test_a_hundred_callers_cause_one_fetch() -> None:
    endpoint, clock = Endpoint(), Clock()
    tokens = made(endpoint, clock)
    endpoint.go = anyio.Event()
    got: list[str] = []

    async def ask() -> None:
        got.append(await tokens.token())

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        endpoint.go.set()
    assert (len(endpoint.asked), set(got)) == (1, {"token-1"})


async def test_while_one_renews_early_the_others_work_on_with_the_token_in_hand() -> None:
    endpoint, clock = Endpoint(), Clock()
    tokens = made(endpoint, clock)
    await tokens.token()
    clock.now, endpoint.go = 850, anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(tokens.token)
        await anyio.wait_all_tasks_blocked()
        assert await tokens.token() == "token-1"
        endpoint.go.set()
    assert await tokens.token() == "token-2"


async def test_an_endpoint_that_is_down_does_not_matter_while_the_token_holds() -> None:
    endpoint, clock = Endpoint(), Clock()
    tokens = made(endpoint, clock)
    await tokens.token()
    clock.now, endpoint.failing = 850, Unreachable("down")
    assert await tokens.token() == "token-1"
    assert await tokens.token() == "token-1"
    assert len(endpoint.asked) == 2  # it is not asked by every request
    clock.now = 901
    with pytest.raises(BackupError, match="down"):
        await tokens.token()
    endpoint.failing = None
    assert await tokens.token() == "token-4"


async def test_whoever_is_cancelled_while_fetching_leaves_the_fetch_to_the_next() -> None:
    endpoint, clock = Endpoint(), Clock()
    tokens = made(endpoint, clock)
    endpoint.go = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(tokens.token)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    endpoint.go.set()
    assert await tokens.token() == "token-2"


async def test_a_refused_token_is_replaced_but_not_the_one_that_replaced_it() -> None:
    endpoint, clock = Endpoint(), Clock()
    tokens = made(endpoint, clock)
    old = f"Bearer {await tokens.token()}"
    tokens.discard(old)
    assert await tokens.token() == "token-2"
    tokens.discard(old)  # a second request that had left with the old one
    assert await tokens.token() == "token-2"
    assert len(endpoint.asked) == 2


async def test_the_secret_goes_in_the_body_first_and_as_basic_where_that_is_refused() -> None:
    endpoint, clock = Endpoint(), Clock()
    endpoint.only_basic = True
    tokens = made(endpoint, clock)
    assert await tokens.token() == "token-2"
    (first, no_basic), (second, basic) = endpoint.asked
    assert (first["client_secret"], no_basic, basic) == ("s3cret", None, ("id-1", "s3cret"))
    assert "client_secret" not in second
    clock.now = 2000
    await tokens.token()
    assert endpoint.asked[2][1] == ("id-1", "s3cret")  # what worked is remembered


@pytest.mark.parametrize("answer", [{"access_token": ""}, {"access_token": None}, {"access_token": ["x"]}])
async def test_an_answer_without_a_token_is_told(answer: dict[str, Any]) -> None:
    with pytest.raises(BackupError, match="without an access_token"):
        await made(Endpoint(**answer), Clock()).token()


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refused_client_is_a_matter_of_settings_and_nothing_of_it_is_quoted(status: int) -> None:
    async def refuses(*_: Any) -> tuple[int, Any]:
        return status, {"error": "invalid_client", "error_description": "secret s3cret of id-1 is wrong"}

    with pytest.raises(BackupError, match="invalid_client") as problem:
        await made(refuses, Clock()).token()
    assert (problem.value.code, problem.value.status) == ("settings", status)
    assert "s3cret" not in problem.value.message + problem.value.hint


@pytest.mark.parametrize("status", [400, 418])
async def test_an_error_code_that_oauth_does_not_know_is_not_repeated(status: int) -> None:
    async def quotes(*_: Any) -> tuple[int, Any]:
        return status, {"error": CLIENT.secret}

    with pytest.raises(BackupError) as problem:
        await made(quotes, Clock()).token()
    assert f"HTTP {status}." in problem.value.message
    assert CLIENT.secret not in problem.value.message + problem.value.hint


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({"workspace_id": WORKSPACE}, auth.WORKSPACE_TOKENS.format(workspace=WORKSPACE.replace("-", ""))),
        ({}, auth.SSO_TOKENS),
        ({"workspace_id": WORKSPACE, "token_url": "https://sso.example.com/t"}, "https://sso.example.com/t"),
    ],
)
def test_the_token_endpoint_follows_from_the_settings(arguments: dict[str, Any], url: str) -> None:
    result = auth.credentials(settings.load(client_id="a", client_secret="b", region="us-west", **arguments))
    assert isinstance(result, Client)
    assert result.token_url == url


@pytest.mark.parametrize("workspace", ["../../x", "a/b", "a?b", "a b"])
def test_a_workspace_id_cannot_change_the_endpoint(workspace: str) -> None:
    with pytest.raises(BackupError, match="GREENLAKE_WORKSPACE_ID"):
        auth.credentials(settings.load(client_id="a", client_secret="b", workspace_id=workspace))


def asked(app: Any) -> list[str]:
    return [r.path for r in app.state.tenant.requests if r.method == "POST"]


@pytest.mark.parametrize("url", [None, "https://sso.example.com/as/token.oauth2"])
async def test_both_token_endpoints_serve(url: str | None) -> None:
    app = create_app(now=lambda: NOW)
    arguments = settings.load(
        api_base_url="https://tenant.example.com",
        client_id="demo",
        client_secret="demo-secret",
        workspace_id=auth.DEMO_WORKSPACE,
        token_url=url,
    )
    async with client.connect(arguments, app=app) as api:
        assert (await client.send(api, STORES)).status == 200
    assert asked(app) == ["/as/token.oauth2" if url else f"/authorization/v2/oauth2/{auth.DEMO_WORKSPACE}/token"]


async def test_a_wrong_secret_is_told_as_settings_and_no_request_is_sent() -> None:
    app = create_app(now=lambda: NOW)
    arguments = settings.load(
        api_base_url="https://tenant.example.com",
        client_id="demo",
        client_secret="wrong-s3cret",
        token_url="https://t/as/token.oauth2",
    )
    async with client.connect(arguments, app=app) as api:
        with pytest.raises(BackupError, match="refused the API client") as problem:
            await client.send(api, STORES)
    assert isinstance(problem.value, SettingsError)
    assert "wrong-s3cret" not in problem.value.message + problem.value.hint
    assert len(asked(app)) == len(app.state.tenant.requests) == 2  # in the body, then as Basic


async def test_a_ready_token_asks_no_endpoint() -> None:
    app = create_app(now=lambda: NOW)
    arguments = settings.load(api_base_url="https://tenant.example.com", token=Switches().ready_token)
    async with client.connect(arguments, app=app) as api:
        assert (await client.send(api, STORES)).status == 200
    assert asked(app) == []


@pytest.mark.parametrize(
    "rule", [{"kind": "status", "status": 503}, {"kind": "refuse"}, {"kind": "truncated"}, {"kind": "empty"}], ids=str
)
async def test_a_token_endpoint_that_stumbles_is_asked_again(rule: dict[str, Any]) -> None:
    app = create_app(now=lambda: NOW, faults=Faults((fault(method="POST", path="*/token", **rule),)))
    async with client.connect(settings.load(demo=True), app=app, sleep=no_sleep) as api:
        assert (await client.send(api, STORES)).status == 200
    assert len(asked(app)) == 2


@pytest.mark.parametrize("kind", ["huge", "bomb", "nested", "html"])
async def test_what_is_no_token_is_told_as_that(kind: Any) -> None:
    app = create_app(now=lambda: NOW, faults=Faults((fault(kind, "POST", "*/token", times=9),)))
    async with client.connect(settings.load(demo=True), app=app) as api:
        with pytest.raises(BackupError, match="token endpoint") as problem:
            await client.send(api, STORES)
    assert isinstance(problem.value, Unreachable)
    assert len(asked(app)) == len(app.state.tenant.requests) == 1


async def test_tokens_that_replace_each_other_are_fetched_anew_and_work_goes_on() -> None:
    """Two servers with one client, on a service where a new token ends the last one."""
    app = create_app(now=lambda: NOW, switches=Switches(one_token=True))
    async with (
        client.connect(settings.load(demo=True), app=app) as one,
        client.connect(settings.load(demo=True), app=app) as other,
    ):
        for _ in range(3):
            assert (await client.send(one, STORES)).status == 200
            assert (await client.send(other, STORES)).status == 200


async def test_a_short_lived_token_is_renewed_during_the_work() -> None:
    app = create_app(now=lambda: NOW, switches=Switches(token_seconds=1))
    async with client.connect(settings.load(demo=True), app=app) as api:
        assert (await client.send(api, STORES)).status == 200
        app.state.tenant.advance(2)  # it ended by the service's clock, ours knows nothing of it
        assert (await client.send(api, STORES)).status == 200
    assert len(asked(app)) == 2


async def test_whoever_waited_while_an_endpoint_hung_hears_why_and_does_not_wait_for_it_again() -> None:
    endpoint = Endpoint()
    endpoint.go, endpoint.failing = anyio.Event(), Unreachable("down")
    tokens, heard = made(endpoint, Clock()), list[str]()

    async def one() -> None:
        with pytest.raises(Unreachable) as problem:
            await tokens.token()
        heard.append(problem.value.message)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        endpoint.go.set()
    assert heard == ["down"] * 10
    assert len(endpoint.asked) == 1
    endpoint.failing = None
    assert await tokens.token() == "token-2"  # the next call asks anew
