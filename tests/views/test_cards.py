"""Consent by a person's own hand in a card: the protocol, in both eras, without a browser."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitResult, Implementation, TextResourceContents

from greenlake_backup_mcp.consent import cards, codes, elicitation, proposals
from greenlake_backup_mcp.consent.proposals import Caller, Evaluation, Proposal
from greenlake_backup_mcp.consent.redis_store import RedisStore
from greenlake_backup_mcp.http import app as http_app
from greenlake_backup_mcp.http.app import ServerApp
from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.upstream.progress import Progress
from greenlake_backup_mcp.views.card_content import MOST_LINES
from greenlake_backup_mcp.views.cards import NONCE
from greenlake_backup_mcp.views.pages import PREFIX
from tests.consent.test_gate import Clock
from tests.support import http_process
from tests.support.http_process import COPY, DELETE
from tests.support.results import CODE, code_in, text_of
from tests.support.tiny_tenant import BACKUP, OWN, SNAPSHOT, VM, Tenant, loaded

VIEWS = [advertise(elicitation.VIEWS, {"mimeTypes": [elicitation.VIEW_TYPE]})]


Opener = Callable[..., Any]
"""`async with opener(...) as h`: a client that shows views, of a server of its own."""


class Host:
    """A client that shows views: the model's calls, and those of the card that it shows."""

    def __init__(self, client: Client, tenant: Tenant, clock: Clock) -> None:
        self.client, self.tenant, self.clock = client, tenant, clock
        self.key = self.version = ""

    async def call(self, confirm: Any = "preview", tool: str = "delete_vm_backup", **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, {**(arguments or DELETE), "confirm": confirm})

    async def change(self, **arguments: Any) -> str:
        result = await self.call(**arguments)
        assert not CODE.search(json.dumps(result.model_dump(mode="json"))), text_of(result)
        assert result.structured_content, text_of(result)
        return str(result.structured_content["change"])

    async def page(self) -> str:
        """The card's page, as the client that shows it reads it."""
        listed = {tool.name: tool for tool in (await self.client.list_tools()).tools}
        meta = (listed.get("delete_vm_backup") or listed["call_write_tool"]).meta or {}
        page = (await self.client.read_resource(meta["ui"]["resourceUri"])).contents[0]
        assert isinstance(page, TextResourceContents)
        assert page.mime_type == elicitation.VIEW_TYPE
        match = re.search(r'VIEW_KEY = "([0-9a-f]{64})"', page.text)
        version = re.search(r'version: "([0-9a-f]{8})"', page.text)
        assert match
        assert version
        self.key, self.version = match[1], version[1]
        return str(page.text)

    async def open(self, change: str, **more: Any) -> tuple[dict[str, Any], str]:
        """What the card is given, and its nonce."""
        if not self.version:
            await self.page()
        result = await self.client.call_tool("open_card", {"change": change, "version": self.version, **more})
        assert not result.is_error, text_of(result)
        return dict(result.structured_content or {}), (result.meta or {}).get(NONCE, "")

    def proof(self, change: str, inputs: dict[str, Any], nonce: str, answer: str) -> dict[str, Any]:
        typed = inputs["typed"] if answer == "confirm" else ""
        parts = "\n".join([nonce, change, answer, inputs["action"], typed])
        mac = hmac.new(self.key.encode(), parts.encode(), hashlib.sha256).hexdigest()
        return {"change": change, "answer": answer, "action": inputs["action"], "typed": typed, "proof": mac}

    async def answer(self, change: str, answer: str = "confirm", seconds: float = 2, **more: Any) -> CallToolResult:
        """The card's answer by a person who reads for so long."""
        inputs, nonce = await self.open(change)
        self.clock.forward(seconds)
        return await self.client.call_tool("answer_card", {**self.proof(change, inputs, nonce, answer), **more})

    async def status(self, change: str, **more: Any) -> str:
        return text_of(await self.client.call_tool("change_status", {"change": change, **more}))


@pytest.fixture
def tenant() -> Tenant:
    return http_process.tenant()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(tenant: Tenant, clock: Clock, era: str) -> Opener:
    """`async with host(...) as h`: a client that shows views, of a server of its own."""

    class Opened:
        def __init__(self, *, views: bool = True, **more: Any) -> None:
            server = mcp_server.create(
                loaded(**{"wait": 0, **{n: v for n, v in more.items() if n != "answer"}}), app=tenant, now=clock
            )
            who = Implementation(name="host", version="1")
            options: dict[str, Any] = {"extensions": VIEWS} if views else {}
            self.client = Client(server, mode=era, client_info=who, elicitation_callback=more.get("answer"), **options)

        async def __aenter__(self) -> Host:
            return Host(await self.client.__aenter__(), tenant, clock)

        async def __aexit__(self, *error: Any) -> None:
            await self.client.__aexit__(*error)

    return Opened


# --- the way of a yes -------------------------------------------------------------------------------------------------


async def test_a_confirmed_card_sends_exactly_the_call_and_the_model_never_holds_what_confirms(host: Opener) -> None:
    async with host() as h:
        preview = await h.call()
        change = preview.structured_content["change"]
        assert "PREVIEW: nothing was changed." in text_of(preview)
        assert f'change_status change="{change}"' in text_of(preview)
        inputs, nonce = await h.open(change)
        assert inputs["state"] == "waiting"
        assert inputs["typed"] == "daily-7"
        assert nonce
        assert nonce not in json.dumps(inputs)
        assert any("daily-7" in line for line in inputs["whole"])
        assert h.tenant.writes == []
        assert "waits for the person" in await h.status(change)
        done = await h.answer(change)
        assert done.structured_content["state"] == "carried out", text_of(done)
        assert h.tenant.writes == [("DELETE", COPY, None)]
        text = await h.status(change)
        assert text.startswith("delete_vm_backup: carried out.")
        assert done.structured_content["text"].splitlines()[0] in text


async def test_a_card_answers_once(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        inputs, nonce = await h.open(change)
        h.clock.forward(2)
        proof = h.proof(change, inputs, nonce, "confirm")
        await h.client.call_tool("answer_card", proof)
        again = await h.client.call_tool("answer_card", proof)
        assert again.is_error
        assert "carried out already" in text_of(again)
        assert len(h.tenant.writes) == 1


async def test_a_declined_change_is_over_and_recorded(host: Opener, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    async with host(audit_log=log) as h:
        change = await h.change()
        done = await h.answer(change, "decline", seconds=0)
        assert done.structured_content["state"] == "declined"
        assert "The person declined; nothing was sent." in await h.status(change)
        assert h.tenant.writes == []
    assert "the person declined in the card" in log.read_text()


async def test_the_record_says_that_the_person_confirmed_in_the_card(host: Opener, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    async with host(audit_log=log) as h:
        await h.answer(await h.change())
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["event"] for e in events] == ["preview", "question", "consent", "request", "outcome"]
    assert events[2]["reason"] == "the person confirmed in the card"
    assert "nonce" not in log.read_text()


# --- what does not consent --------------------------------------------------------------------------------------------

BAD = {
    "another proof": lambda h, a, b: {"proof": "0" * 64},
    "no proof": lambda h, a, b: {"proof": ""},
    "a proof that is no text of hex": lambda h, a, b: {"proof": "ü🙂"},
    "the proof of a no": lambda h, a, b: {"proof": h.proof(a[0], a[1], a[2], "decline")["proof"]},
    "the proof of another change": lambda h, a, b: {"proof": h.proof(b[0], b[1], b[2], "confirm")["proof"]},
    "another sentence": lambda h, a, b: {"action": "Deletes nothing."},
    "nothing typed": lambda h, a, b: {"typed": ""},
    "an earlier opening": lambda h, a, b: {"proof": h.proof(a[0], a[1], a[3], "confirm")["proof"]},
}


@pytest.mark.parametrize("how", BAD)
async def test_a_bad_proof_burns_the_change_and_is_recorded(host: Opener, tmp_path: Path, how: str) -> None:
    log = tmp_path / "audit.jsonl"
    async with host(audit_log=log) as h:
        h.tenant.resources[f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"] = {
            "id": SNAPSHOT,
            "name": "s",
            "state": "OK",
        }
        one, other = await h.change(), await h.change(tool="delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT)
        earlier = (await h.open(one))[1]
        first, second = (one, *await h.open(one), earlier), (other, *await h.open(other))
        h.clock.forward(2)
        bad = await h.client.call_tool("answer_card", {**h.proof(*first[:3], "confirm"), **BAD[how](h, first, second)})
        assert bad.is_error
        assert "Only the card itself can answer" in text_of(bad)
        good = await h.client.call_tool("answer_card", h.proof(*first[:3], "confirm"))
        assert good.is_error
        assert "cancelled already" in text_of(good)
        assert "cancelled" in await h.status(one)
        assert h.tenant.writes == []
    assert "an answer without the card's proof" in log.read_text()


async def test_a_yes_within_a_second_is_no_persons(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        result = await h.answer(change, seconds=0.5)
        assert result.is_error
        assert "no person can have read it" in text_of(result)
        assert h.tenant.writes == []


async def test_no_code_confirms_where_a_card_asks(host: Opener, tenant: Tenant, clock: Clock, era: str) -> None:
    server = mcp_server.create(loaded(wait=0), app=tenant, now=clock)
    async with Client(server, mode=era) as plain:  # a client without views, and its code
        code = code_in(await plain.call_tool("delete_vm_backup", {**DELETE, "confirm": "preview"}))
    async with host() as h:
        for confirm in (code, "AAAA-AAAA", "", "yes"):
            result = await h.call(confirm)
            assert result.is_error
            assert "with their own hand" in text_of(result)
            assert not CODE.search(text_of(result))
        assert h.tenant.writes == []


async def test_what_changed_since_it_was_shown_is_not_done_and_gives_no_code(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        inputs, nonce = await h.open(change)
        h.tenant.resources[COPY]["generation"] = 4
        h.clock.forward(2)
        done = await h.client.call_tool("answer_card", h.proof(change, inputs, nonce, "confirm"))
        assert done.structured_content["error"] is True
        assert "The target changed since the preview" in done.structured_content["text"]
        assert not CODE.search(json.dumps(done.model_dump(mode="json")))
        assert not CODE.search(await h.status(change))
        assert h.tenant.writes == []


async def test_a_card_shows_the_state_of_now(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        h.tenant.resources[COPY]["name"] = "daily-8"
        inputs, _ = await h.open(change)
        assert inputs["typed"] == "daily-8"
        del h.tenant.resources[COPY]
        inputs, nonce = await h.open(change)
        assert inputs["state"] == "forbidden"
        assert not nonce


async def test_unknown_foreign_expired_and_replaced_changes_open_without_an_answer(host: Opener) -> None:
    async with host() as h:
        await h.page()
        for bad in ("chg_AAAAAAAAAAAAAAAA", "x", "'; --"):
            result = await h.client.call_tool("open_card", {"change": bad, "version": h.version})
            assert result.is_error
            assert "no such change" in text_of(result)
            assert "no such change" in await h.status(bad)
        old = await h.change()
        new = await h.change()
        assert (await h.open(old))[0]["state"] == "replaced"
        assert not (await h.open(old))[1]
        h.clock.forward(700)
        assert (await h.open(new))[0]["state"] == "expired"
        assert "expired" in await h.status(new)
        assert (await h.open(""))[0]["state"] == "none"


async def test_a_page_of_another_version_cannot_answer(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        inputs, nonce = await h.open(change, version="00000000")
        assert inputs["state"] == "outdated"
        assert not nonce


async def test_a_server_that_was_restarted_has_another_key_and_knows_no_earlier_change(host: Opener) -> None:
    async with host() as h:
        change, page = await h.change(), await h.page()
    async with host() as h:
        assert await h.page() != page
        result = await h.client.call_tool("open_card", {"change": change, "version": h.version})
        assert "of an earlier run" in text_of(result)


@pytest.mark.parametrize(
    "arguments", [{}, {"change": 1}, {"change": "x" * 200}, {"change": "x", "seconds": 26}, {"chang": "x"}]
)
async def test_bad_arguments_of_the_cards_tools_are_told(host: Opener, arguments: dict[str, Any]) -> None:
    async with host() as h:
        result = await h.client.call_tool("change_status", arguments)
        assert result.is_error
        assert "Nothing was sent." in text_of(result)


async def test_more_than_five_cards_give_way_from_the_oldest(host: Opener) -> None:
    async with host() as h:
        changes = [await h.change(tool="update_vm_backup", **DELETE, description=f"note {n}") for n in range(6)]
        states = [(await h.open(change))[0]["state"] for change in changes]
        assert states == ["replaced", *["waiting"] * 5]


# --- which form ------------------------------------------------------------------------------------------------------


async def yes(*_: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"confirm": True})


@pytest.mark.parametrize(
    ("ask", "asks", "views", "form"),
    [
        ("auto", True, True, "code"),  # and then the question
        ("auto", False, True, "card"),
        ("auto", False, False, "code"),
        ("always", True, True, "code"),
        ("always", False, True, "card"),
        ("always", False, False, "refused"),
        ("card", True, True, "card"),
        ("card", True, False, "refused"),
        ("card", False, False, "refused"),
        ("never", True, True, "code"),
    ],
)
async def test_questions_come_first_then_cards_then_codes_as_the_setting_allows(
    host: Opener, ask: str, asks: bool, views: bool, form: str
) -> None:
    async with host(ask=ask, views=views, **({"answer": yes} if asks else {})) as h:
        result = await h.call()
        match = "code" if CODE.search(text_of(result)) else "card" if result.structured_content else "refused"
        assert match == form
        assert (match == "refused") is text_of(result).startswith("NOT DONE")
        names = [tool.name for tool in (await h.client.list_tools()).tools]
        assert ("open_card" in names) is (form == "card")


async def test_clients_without_views_are_told_nothing_of_them(host: Opener) -> None:
    async with host(views=False) as h:
        listed = await h.client.list_tools()
        assert not [tool for tool in listed.tools if tool.meta or "card" in tool.name or tool.name == "change_status"]
        assert not [r for r in (await h.client.list_resources()).resources if str(r.uri).startswith("ui:")]
        with pytest.raises(MCPError, match="Unknown tool"):
            await h.client.call_tool("open_card", {"change": "x", "version": "x"})
        with pytest.raises(MCPError, match="no such resource"):
            await h.client.read_resource("ui://greenlake-backup-mcp/confirm.0.0.html")


async def test_clients_with_views_get_tools_with_views_and_tools_of_views(host: Opener) -> None:
    async with host() as h:
        listed = {tool.name: (tool.meta or {}).get("ui") for tool in (await h.client.list_tools()).tools}
        assert listed["open_card"] == listed["answer_card"] == {"visibility": ["app"]}
        assert listed["change_status"] == {"visibility": ["model", "app"]}
        uri = (listed["delete_vm_backup"] or {})["resourceUri"]
        assert listed["run_plan"] == listed["preview_call"] == listed["delete_vm_backup"]
        assert listed["list_vms"] is None
        assert uri in [str(r.uri) for r in (await h.client.list_resources()).resources]
        old, new = await h.client.read_resource(f"{PREFIX}confirm.0.0.html"), await h.client.read_resource(uri)
        assert old.contents[0].model_copy(update={"uri": uri}) == new.contents[0]
        assert h.client.server_capabilities.extensions[elicitation.VIEWS] == {"mimeTypes": [elicitation.VIEW_TYPE]}


async def test_a_read_only_server_asks_in_no_card(host: Opener) -> None:
    async with host(read_only=True) as h:
        assert not {"open_card", "change_status"} & {tool.name for tool in (await h.client.list_tools()).tools}


async def test_the_search_surface_asks_in_a_card_too(host: Opener) -> None:
    async with host(surface="search") as h:
        names = [tool.name for tool in (await h.client.list_tools()).tools]
        assert names[:3] == ["find_tools", "call_read_tool", "call_write_tool"]
        assert {"change_status", "open_card", "answer_card"} <= set(names)
        inner = {"name": "delete_vm_backup", "arguments": {**DELETE, "confirm": "preview"}}
        result = await h.client.call_tool("call_write_tool", inner)
        await h.answer(result.structured_content["change"])
        assert h.tenant.writes == [("DELETE", COPY, None)]


# --- where no card opens ----------------------------------------------------------------------------------------------


async def test_a_client_whose_card_never_opened_gets_codes_until_one_opens(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        assert "waits for the person" in await h.status(change)
        h.clock.forward(21)
        text = await h.status(change)
        assert text.startswith("The card never opened in this client")
        assert CODE.search(text)
        assert "cancelled" in await h.status(change)
        assert CODE.search(text_of(await h.call()))
    async with host() as h:  # remembered, by name and version
        code = CODE.search(text_of(await h.call()))
        assert code
        await h.open("")  # the view that came with that preview was shown after all
        assert (await h.call(code[1])).is_error
        await h.answer(await h.change())
        assert len(h.tenant.writes) == 1


@pytest.mark.parametrize("ask", ["always", "card"])
async def test_where_codes_are_not_allowed_a_card_that_does_not_open_leads_to_none(host: Opener, ask: str) -> None:
    async with host(ask=ask) as h:
        change = await h.change()
        h.clock.forward(21)
        text = await h.status(change)
        assert "takes no code" in text
        assert not CODE.search(text)
        await h.answer(change)
        assert len(h.tenant.writes) == 1


async def test_a_card_that_opened_is_not_taken_for_one_that_did_not(host: Opener) -> None:
    async with host() as h:
        change = await h.change()
        await h.open(change)
        h.clock.forward(60)
        assert "waits for the person" in await h.status(change)


# --- plans ------------------------------------------------------------------------------------------------------------


def plan(h: Host) -> dict[str, Any]:
    h.tenant.deletes = True
    h.tenant.resources[f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"] = {
        "id": SNAPSHOT,
        "name": "s",
        "state": "OK",
    }
    calls = [
        {"tool": "update_vm_backup", "arguments": {"vmId": VM, "backupId": BACKUP, "description": "x"}},
        {"tool": "delete_vm_snapshot", "arguments": {"vmId": VM, "snapshotId": SNAPSHOT}},
    ]
    return {"tool": "run_plan", "calls": calls}


async def test_a_plans_card_shows_its_rows_gravest_first_and_all_are_signed(host: Opener) -> None:
    async with host(wait=5) as h:
        change = await h.change(**plan(h))
        inputs, _ = await h.open(change)
        assert [row["number"] for row in inputs["rows"]] == [2, 1]
        assert [row["grave"] for row in inputs["rows"]] == [True, False]
        assert inputs["typed"] == "2"
        assert all(row["lines"] for row in inputs["rows"])
        done = await h.answer(change)
        assert "2 done" in done.structured_content["text"]
        assert [method for method, _, _ in h.tenant.writes] == ["PATCH", "DELETE"]


async def test_a_person_may_take_rows_out_and_what_is_left_is_what_is_signed(host: Opener) -> None:
    async with host(wait=5) as h:
        change = await h.change(**plan(h))
        whole, first = await h.open(change)
        inputs, nonce = await h.open(change, rows=[1])
        assert [row["number"] for row in inputs["rows"]] == [1]
        assert inputs["action"] != whole["action"]
        h.clock.forward(2)
        done = await h.client.call_tool("answer_card", h.proof(change, inputs, nonce, "confirm"))
        assert done.structured_content["text"].startswith("The person took 1 of the calls out")
        assert [method for method, _, _ in h.tenant.writes] == ["PATCH"]
        assert "took 1 of the calls out" in await h.status(change)
        assert first


@pytest.mark.parametrize("rows", [[0], [3], [], ["x"], [1, 99]])
async def test_rows_that_a_plan_does_not_have_are_refused(host: Opener, rows: list[Any]) -> None:
    async with host(wait=5) as h:
        change = await h.change(**plan(h))
        await h.page()
        result = await h.client.call_tool("open_card", {"change": change, "version": h.version, "rows": rows})
        assert result.is_error
        assert "rows" in text_of(result)


# --- over HTTP --------------------------------------------------------------------------------------------------------


async def test_any_replica_shows_a_card_and_takes_its_answer(redis: str, era: str, clock: Clock) -> None:
    tenant, shared = http_process.tenant(), "a-secret-that-replicas-share-long-enough"

    def live() -> ServerApp:
        chosen = loaded(wait=0, secret=shared, redis_url=redis, http="127.0.0.1:0")
        return http_app.create_app(chosen, app=tenant, now=clock)

    async with (
        http_process.serving(live()) as first,
        http_process.serving(live()) as second,
        http_process.client(first.url, mode=era, extensions=VIEWS) as one,
        http_process.client(second.url, mode=era, extensions=VIEWS) as two,
    ):
        near, there = Host(one, tenant, clock), Host(two, tenant, clock)
        assert await near.page() == await there.page()
        change = await near.change()
        content, nonce = await there.open(change)
        clock.forward(2)
        done = await one.call_tool("answer_card", near.proof(change, content, nonce, "confirm"))
        assert (done.structured_content or {})["state"] == "carried out"
        assert (await there.status(change)).startswith("delete_vm_backup: carried out.")
        again = await two.call_tool("answer_card", there.proof(change, content, nonce, "confirm"))
        assert again.is_error
        assert tenant.writes == [("DELETE", COPY, None)]
        secrets = await redis_texts(redis)
        assert secrets
        assert not any(BACKUP in text or nonce in text for text in secrets)  # sealed


async def test_a_change_is_known_to_the_login_that_asked_for_it_alone(era: str, clock: Clock, tmp_path: Path) -> None:
    tenant, path = http_process.tenant(), tmp_path / "tokens.json"
    logins = {name: f"static-token-of-{name}-0123456789" for name in ("ann", "bob")}
    entries = [{"name": name, "role": "destroy", "token": value} for name, value in logins.items()]
    path.write_text(json.dumps({"tokens": entries}), encoding="utf-8")
    path.chmod(0o600)
    app = http_app.create_app(loaded(wait=0, tokens_file=path, http="127.0.0.1:0"), app=tenant, now=clock)
    async with (
        http_process.serving(app) as served,
        http_process.client(served.url, logins["ann"], era, extensions=VIEWS) as one,
        http_process.client(served.url, logins["bob"], era, extensions=VIEWS) as two,
    ):
        ann, bob = Host(one, tenant, clock), Host(two, tenant, clock)
        change = await ann.change()
        await bob.page()
        opened = await two.call_tool("open_card", {"change": change, "version": bob.version})
        assert opened.is_error
        assert "no such change" in text_of(opened)
        assert "no such change" in await bob.status(change)
        inputs, nonce = await ann.open(change)
        clock.forward(2)
        taken = await two.call_tool("answer_card", bob.proof(change, inputs, nonce, "confirm"))  # a right proof
        assert "no such change" in text_of(taken)
        assert tenant.writes == []
        done = await one.call_tool("answer_card", ann.proof(change, inputs, nonce, "confirm"))  # and it burnt nothing
        assert (done.structured_content or {})["state"] == "carried out"
        assert tenant.writes == [("DELETE", COPY, None)]


async def redis_texts(url: str) -> list[str]:
    store = RedisStore(url)
    texts = [str(await store._redis.get(key)) async for key in store._redis.scan_iter("*text:*")]
    await store.close()
    return texts


# --- what is told of what was sent ------------------------------------------------------------------------------------


async def test_what_was_carried_out_is_told_though_the_store_is_gone(
    host: Opener, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, place = tenant._answer, Path(os.environ["GREENLAKE_MCP_STATE_DIR"])

    def vanish(method: str, path: str, body: bytes) -> tuple[int, Any]:
        for file in place.iterdir() if method == "DELETE" else ():
            file.unlink()
        return answer(method, path, body)

    monkeypatch.setattr(tenant, "_answer", vanish)
    async with host() as h:
        change = await h.change()
        done = await h.answer(change)
        assert [method for method, _, _ in tenant.writes] == ["DELETE"]
        assert "Nothing was sent" not in text_of(done)
        assert done.structured_content["state"] == "carried out"


async def test_a_change_whose_process_was_killed_is_of_unknown_outcome_after_its_time(clock: Clock) -> None:
    async def nothing(*_: Any) -> Any:
        """Neither read nor described."""

    consent = proposals.consent(loaded(wait=5))
    proposal = Proposal("delete_vm_backup", DELETE, nothing, lambda _: None, nothing, lambda _: {})
    call = codes.Call(proposal.tool, DELETE, "local", None)
    evaluation = Evaluation(proposal, None, Effect("Delete it"), call, frozenset())
    caller = Caller("local", None, Progress(nothing), client="host 1")
    change = await cards.propose(consent, evaluation, caller, clock())
    clock.forward(cards.WAITING_SECONDS)
    await cards.settle(consent, change, cards.Standing(cards.State.RUNNING))
    clock.forward(600)
    assert (await cards.standing(consent, change, clock())).state is cards.State.RUNNING
    clock.forward(6)
    late = await cards.standing(consent, change, clock())
    assert (late.state, late.is_error) == (cards.State.UNKNOWN, True)
    assert "do not repeat it" in late.text
    await cards.finish(consent, change, cards.Standing(cards.State.ANSWERED))  # it was slow after all
    assert (await cards.standing(consent, change, clock())).state is cards.State.ANSWERED


async def test_a_card_confirms_what_was_given_in_the_published_form(host: Opener, tenant: Tenant) -> None:
    both = {"vmId": VM, "restoreType": "PARENT", "backupId": BACKUP, "snapshotId": SNAPSHOT}
    async with host(wait=5) as h:
        for inputs in ({"tool": "restore_vm", **both},
                       {"tool": "run_plan", "calls": [{"tool": "restore_vm", "arguments": both}]}):  # fmt: skip
            change = await h.change(**inputs)
            content, _ = await h.open(change)
            assert content["state"] == "waiting"
            assert SNAPSHOT in json.dumps(content)
            await h.answer(change)
            assert [method for method, _, _ in tenant.writes] == ["POST"]
            tenant.writes.clear()


async def test_a_long_row_of_a_plan_says_how_much_of_it_is_not_shown(host: Opener, tenant: Tenant) -> None:
    long = {**tenant.resources[COPY], "parts": [{"n": n} for n in range(2 * MOST_LINES)]}
    tenant.resources |= {COPY: long, COPY.rpartition("/")[0]: [long]}
    async with host() as h:
        change = await h.change(tool="run_plan", calls=[{"tool": "delete_vm_backup", "arguments": DELETE}])
        content, _ = await h.open(change)
        assert re.search(r"\d+ more lines not shown here", content["rows"][0]["lines"][-1])
