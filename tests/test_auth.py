"""Access tokens: one fetch for all who wait, early, anew when refused; never told to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from greenlake_backup_mcp import auth, rest, settings
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.simulator.app import create_app
from greenlake_backup_mcp.simulator.switches import Switches

SECRET = "MARKED-SECRET"
CLIENT = auth.Client("id", SECRET, "https://sso.example/token")


class Endpoint:
    """A token endpoint that answers what it is told to, and a clock."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Mapping[str, str], Any]] = []
        self.time = 1000.0
        self.open = anyio.Event()
        self.open.set()

    async def __call__(self, url: str, form: Mapping[str, str], basic: Any) -> tuple[int, Any]:
        self.asked.append((form, basic))
        await self.open.wait()
        answer = (
            self.answers.pop(0) if self.answers else (200, {"access_token": f"t{len(self.asked)}", "expires_in": 900})
        )
        if answer[0] == 0:
            raise BackupError("the token endpoint is down", kind="unreachable")
        return answer

    def tokens(self, ready: str | None = None) -> auth.Tokens:
        return auth.Tokens(None if ready else CLIENT, ready, self, lambda: self.time)


async def test_one_fetch_serves_all_who_wait() -> None:
    endpoint, got = Endpoint(), []
    endpoint.open = anyio.Event()
    tokens = endpoint.tokens()

    async def one() -> None:
        got.append(await tokens.token())

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        endpoint.open.set()
    assert (set(got), len(got), len(endpoint.asked)) == ({"t1"}, 20, 1)


@pytest.mark.parametrize(
    ("expires_in", "holds"),
    [
        (900, 840),
        ("900", 840),
        (None, 840),
        ("soon", 840),
        (-1, 840),
        (0, 840),
        (100, 80),
        (7200, 7140),
        (1e12, 86_340),
    ],
)
async def test_a_token_is_renewed_before_it_ends(expires_in: Any, holds: float) -> None:
    endpoint = Endpoint((200, {"access_token": "first", "expires_in": expires_in}))
    tokens = endpoint.tokens()
    await tokens.token()
    endpoint.time += holds - 0.5
    assert await tokens.token() == "first"
    endpoint.time += 1
    assert await tokens.token() == "t2"


async def test_while_one_renews_early_the_others_work_on_with_the_token_that_holds() -> None:
    endpoint = Endpoint()
    tokens = endpoint.tokens()
    await tokens.token()
    endpoint.time += 850
    endpoint.open = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(tokens.token)
        await anyio.wait_all_tasks_blocked()
        assert await tokens.token() == "t1"
        endpoint.open.set()
    assert await tokens.token() == "t2"


async def test_an_early_renewal_that_fails_is_no_problem_until_the_token_ends() -> None:
    endpoint = Endpoint((200, {"access_token": "first", "expires_in": 900}), (0, None), (0, None))
    tokens = endpoint.tokens()
    await tokens.token()
    endpoint.time += 850
    assert await tokens.token() == "first"
    assert await tokens.token() == "first"
    assert len(endpoint.asked) == 2  # not asked again at once
    endpoint.time += 60
    with pytest.raises(BackupError, match="down"):
        await tokens.token()


async def test_a_refused_token_is_replaced_and_an_older_one_changes_nothing() -> None:
    endpoint = Endpoint()
    tokens = endpoint.tokens()
    first = await tokens.token()
    tokens.refused(f"Bearer {first}")
    second = await tokens.token()
    tokens.refused(f"Bearer {first}")  # a late answer to a request that was sent with the old one
    assert (second, await tokens.token(), len(endpoint.asked)) == ("t2", "t2", 2)


async def test_the_secret_goes_into_the_body_first_then_into_basic_which_is_remembered() -> None:
    endpoint = Endpoint((401, {"error": "invalid_client"}))
    tokens = endpoint.tokens()
    await tokens.token()
    tokens.refused("Bearer t2")
    await tokens.token()
    assert [basic for _, basic in endpoint.asked] == [None, ("id", SECRET), ("id", SECRET)]
    assert endpoint.asked[0][0]["client_secret"] == SECRET
    assert "client_secret" not in endpoint.asked[1][0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {"error": "invalid_client", "error_description": f"secret {SECRET} is wrong"}), "settings"),
        ((403, None), "settings"),
        ((200, {"token": "x"}), "unreachable"),
        ((200, None), "unreachable"),
        ((200, {"access_token": 7}), "unreachable"),
        ((418, {"error": SECRET}), "unreachable"),
    ],
)
async def test_what_the_endpoint_refuses_is_told_without_the_secret(answer: tuple[int, Any], kind: str) -> None:
    endpoint = Endpoint(answer, answer)
    with pytest.raises(BackupError) as problem:
        await endpoint.tokens().token()
    assert problem.value.kind == kind
    assert "description" not in problem.value.message
    assert "is wrong" not in f"{problem.value.message} {problem.value.hint}"


async def test_a_ready_token_is_used_as_it_is() -> None:
    endpoint = Endpoint()
    tokens = endpoint.tokens("ready")
    tokens.refused("Bearer ready")
    assert (await tokens.token(), endpoint.asked, tokens.renewable) == ("ready", [], False)


async def test_whoever_is_cancelled_in_a_fetch_leaves_the_next_one_able_to_fetch() -> None:
    endpoint = Endpoint()
    endpoint.open = anyio.Event()
    tokens = endpoint.tokens()
    async with anyio.create_task_group() as group:
        group.start_soon(tokens.token)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    endpoint.open.set()
    assert await tokens.token() == "t2"


def test_the_token_endpoint_is_the_workspaces_or_the_older_one() -> None:
    def of(**more: Any) -> str:
        made = auth.client(settings.load(client_id="i", client_secret="s", region="us-west", **more))
        assert made is not None
        return made.token_url

    compact = "0123456789abcdef0123456789abcdef"
    assert of() == auth.SSO_TOKENS
    assert of(workspace_id="01234567-89AB-cdef-0123-456789abcdef") == auth.WORKSPACE_TOKENS.format(workspace=compact)
    assert of(workspace_id=compact, token_url="https://x.example/t") == "https://x.example/t"
    with pytest.raises(BackupError, match="not a workspace id"):
        of(workspace_id="../../evil")


@pytest.mark.parametrize("switches", [Switches(one_token=True), Switches(token_expires_in=False)], ids=str)
async def test_a_tenant_is_worked_whatever_its_tokens_are_like(switches: Switches) -> None:
    app = create_app(switches=switches)
    request = rest.Request("ProtectionStoreList", "GET", "/backup-recovery/v1beta1/protection-stores", reads=True)
    async with rest.connect(settings.load(demo=True), app=app) as api:
        for _ in range(3):
            assert (await rest.send(api, request)).status == 200
            app.state.tenant.tokens.clear()
    asked = [r for r in app.state.tenant.requests if r.method == "POST"]
    assert len(asked) == 3
