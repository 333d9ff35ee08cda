"""Consent: nothing is sent without it, and it is good for one thing, once. In both eras, whoever can ask or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, ElicitResult

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import codes
from greenlake_backup_mcp.consent.file_store import memory_store
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.server import app as mcp_server
from tests.support.results import CODE, code_in, text_of
from tests.support.tiny_tenant import BACKUP, NOW, OWN, SNAPSHOT, VIRTUALIZATION, VM, Tenant, loaded

COPY = f"{OWN}/virtual-machines/{VM}/backups/{BACKUP}"
DELETE = {"vmId": VM, "backupId": BACKUP}
REFUSED = ("REFUSED", "NOT DONE", "PREVIEW")
Answer = Any  # what the SDK takes for elicitation_callback


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tenant() -> Tenant:
    copy = {"id": BACKUP, "name": "daily-7", "generation": 3, "state": "OK", "pointInTime": "2026-11-21T08:00:00Z"}
    vm = {"id": VM, "name": "sql-prod-01", "generation": 9}
    return Tenant(
        {
            COPY: copy,
            f"{OWN}/virtual-machines/{VM}/backups": [copy],
            f"{OWN}/virtual-machines/{VM}/snapshots": [],
            f"{VIRTUALIZATION}/virtual-machines/{VM}": vm,
        }
    )


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def code_of(result: CallToolResult) -> str:
    match = CODE.search(text_of(result))
    assert match, text_of(result)
    return match[1]


class Desk:
    """A client, and the tenant behind the server it talks to."""

    def __init__(self, client: Client, tenant: Tenant) -> None:
        self.client, self.tenant = client, tenant

    async def call(self, confirm: Any, tool: str = "delete_vm_backup", **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, {**(arguments or DELETE), "confirm": confirm})

    async def sends(self, call: Awaitable[CallToolResult]) -> bool:
        """Whether a call is carried out: one request that changes something, and no refusal."""
        before = len(self.tenant.writes)
        text = text_of(await call)
        return len(self.tenant.writes) == before + 1 and not text.startswith(REFUSED)

    async def preview(self, tool: str = "delete_vm_backup", **arguments: Any) -> str:
        return code_of(await self.call("preview", tool, **arguments))


OpenDesk = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def desk(tenant: Tenant, clock: Clock, era: str) -> OpenDesk:
    """`async with desk(...) as d`: a client of a server of its own; `answer` makes it one that can ask its person."""

    class Opened:
        def __init__(self, answer: Answer | None = None, **more: Any) -> None:
            server = mcp_server.create(loaded(wait=0, **more), app=tenant, now=clock)
            self.client = Client(server, mode=era, elicitation_callback=answer)

        async def __aenter__(self) -> Desk:
            return Desk(await self.client.__aenter__(), tenant)

        async def __aexit__(self, *error: Any) -> None:
            await self.client.__aexit__(*error)

    return Opened


# --- the code ---------------------------------------------------------------------------------------------------------


async def test_a_preview_changes_nothing_and_its_code_works_exactly_once(desk: OpenDesk) -> None:
    async with desk() as d:
        first = await d.call("preview")
        assert "PREVIEW: nothing was changed." in text_of(first)
        assert not first.is_error
        assert d.tenant.writes == []
        code = code_of(first)
        assert await d.sends(d.call(code))
        assert d.tenant.writes == [("DELETE", COPY, None)]
        again = await d.call(code)
        assert again.is_error
        assert "This code was used already" in text_of(again)
        assert len(d.tenant.writes) == 1


@pytest.mark.parametrize("confirm", ["", "yes", "true", "PREVIEW", "AAAA-AAAA", "ABCD", "preview ", "null", "🙂" * 9])
async def test_anything_but_preview_or_a_code_sends_nothing_and_previews_anew(desk: OpenDesk, confirm: Any) -> None:
    async with desk() as d:
        result = await d.call(confirm)
        assert result.is_error
        assert text_of(result).startswith("REFUSED, nothing was sent:")
        assert d.tenant.writes == []
        assert await d.sends(d.call(code_of(result)))


@pytest.mark.parametrize("confirm", [True, False, None, 1, ["preview"], {"code": "ABCD-EFGH"}])
async def test_what_is_no_string_sends_nothing(desk: OpenDesk, confirm: Any) -> None:
    async with desk() as d:
        assert (await d.call(confirm)).is_error
        assert d.tenant.writes == []


async def test_a_missing_confirm_sends_nothing(desk: OpenDesk) -> None:
    async with desk() as d:
        assert (await d.client.call_tool("delete_vm_backup", DELETE)).is_error
        assert d.tenant.writes == []


@pytest.mark.parametrize("typed", [str.lower, str.title, lambda c: c.replace("-", ""), lambda c: f" {c} "])
async def test_a_code_may_be_typed_in_other_case_or_without_its_hyphen(desk: OpenDesk, typed: Any) -> None:
    async with desk() as d:
        assert await d.sends(d.call(typed(await d.preview())))


@pytest.mark.parametrize("broken", [lambda c: c[:-1], lambda c: c[1:], lambda c: c + "A", lambda c: c[::-1]])
async def test_a_truncated_or_altered_code_sends_nothing(desk: OpenDesk, broken: Any) -> None:
    async with desk() as d:
        code = await d.preview()
        assert (await d.call(broken(code) if broken(code) != code else "AAAA-AAAA")).is_error
        assert d.tenant.writes == []


async def test_a_code_holds_five_minutes_at_least_and_ten_at_most(desk: OpenDesk, clock: Any) -> None:
    async with desk() as d:
        code = await d.preview()
        clock.forward(599)
        assert await d.sends(d.call(code))
        code = await d.preview()
        clock.forward(601)
        late = await d.call(code)
        assert "This code has expired" in text_of(late)
        assert len(d.tenant.writes) == 1


async def test_a_code_for_another_target_is_refused_with_the_argument_named(desk: OpenDesk) -> None:
    other = COPY.replace(BACKUP, SNAPSHOT)
    async with desk() as d:
        d.tenant.resources[other] = {**d.tenant.resources[COPY], "id": SNAPSHOT}
        code = await d.preview()
        result = await d.call(code, vmId=VM, backupId=SNAPSHOT)
        assert "This code is for other arguments than these; not as previewed: backupId." in text_of(result)
        assert d.tenant.writes == []


async def test_a_code_for_another_tool_is_refused(desk: OpenDesk) -> None:
    async with desk() as d:
        code = await d.preview("update_vm_backup", vmId=VM, backupId=BACKUP, name="x")
        assert "This code is for another tool, update_vm_backup." in text_of(await d.call(code))
        assert d.tenant.writes == []


async def test_the_order_of_arguments_does_not_matter(desk: OpenDesk) -> None:
    async with desk() as d:
        code = await d.preview("update_vm_backup", vmId=VM, backupId=BACKUP, name="x", description="y")
        assert await d.sends(d.call(code, "update_vm_backup", description="y", name="x", backupId=BACKUP, vmId=VM))


async def test_a_target_that_changed_is_refused_with_what_changed(desk: OpenDesk) -> None:
    async with desk() as d:
        code = await d.preview()
        d.tenant.resources[COPY] |= {"generation": 4, "lockedUntil": "2026-01-01T00:00:00Z"}
        result = await d.call(code)
        assert "The target changed since the preview: generation was 3, is 4; lockedUntil was None" in text_of(result)
        assert d.tenant.writes == []
        assert await d.sends(d.call(code_of(result)))


async def test_a_target_without_a_generation_counts_with_all_its_fields_but_the_restless_ones(desk: OpenDesk) -> None:
    async with desk() as d:
        del d.tenant.resources[COPY]["generation"]
        code = await d.preview()
        d.tenant.resources[COPY] |= {"updatedAt": "2026-11-24T08:00:01Z"}
        assert await d.sends(d.call(code))
        code = await d.preview()
        d.tenant.resources[COPY] |= {"description": "changed"}
        assert "The target changed" in text_of(await d.call(code))
        assert len(d.tenant.writes) == 1


async def test_the_copy_that_a_restore_uses_counts_as_well(desk: OpenDesk) -> None:
    restore = {"vmId": VM, "backupId": BACKUP, "restoreType": "PARENT"}
    async with desk() as d:
        code = await d.preview("restore_vm", **restore)
        d.tenant.resources[COPY]["generation"] = 4
        assert "The target changed since the preview" in text_of(await d.call(code, "restore_vm", **restore))
        assert d.tenant.writes == []


async def test_of_two_deletes_previewed_as_one_of_two_only_the_first_is_sent(desk: OpenDesk) -> None:
    """The second one's target is as it was; what has changed is that it is the last."""
    other = f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"
    snapshot = {"id": SNAPSHOT, "name": "snap", "generation": 1, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}
    async with desk() as d:
        d.tenant.resources |= {other: snapshot, other.rpartition("/")[0]: [snapshot]}
        one, two = await d.preview(), await d.preview("delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT)
        assert await d.sends(d.call(one))
        del d.tenant.resources[COPY]
        d.tenant.resources[COPY.rpartition("/")[0]] = []
        result = await d.call(two, "delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT)
        assert "What it would do changed since the preview: now the LAST recovery point" in text_of(result)
        assert "It is the LAST recovery point." in text_of(result)
        assert d.tenant.writes == [("DELETE", COPY, None)]
        assert await d.sends(d.call(code_of(result), "delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT))


async def test_of_two_deletes_confirmed_at_once_the_second_sees_that_the_first_takes_the_other_copy(
    desk: OpenDesk,
) -> None:
    """The lists of the tenant stay as they are, as they do while the task of a deletion has not begun."""
    other = f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"
    snapshot = {"id": SNAPSHOT, "name": "snap", "generation": 1, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}
    results: list[str] = []
    async with desk() as d:
        d.tenant.resources |= {other: snapshot, other.rpartition("/")[0]: [snapshot]}
        one, two = await d.preview(), await d.preview("delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT)

        async def use(code: str, tool: str, **arguments: str) -> None:
            results.append(text_of(await d.call(code, tool, **arguments)))

        async with anyio.create_task_group() as group:
            group.start_soon(lambda: use(one, "delete_vm_backup"))
            group.start_soon(lambda: use(two, "delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT))
        assert len(d.tenant.writes) == 1
        (refused,) = [r for r in results if r.startswith(REFUSED)]
        assert "now the LAST recovery point" in refused
        assert "Without this and the others on their way out nothing can be restored." in refused


async def test_the_person_is_told_what_is_on_its_way_out(desk: OpenDesk, clock: Any) -> None:
    other = f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"
    snapshot = {"id": SNAPSHOT, "name": "snap", "generation": 1, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}
    asked: list[str] = []
    async with desk(says("accept", True, asked)) as d:
        d.tenant.resources |= {other: snapshot, other.rpartition("/")[0]: [snapshot]}
        clock.forward(100)  # well within a slot
        await d.call(await d.preview())
        code = await d.preview("delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT)
        await d.call(code, "delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT)
        assert "It is the LAST recovery point." in asked[-1]
        assert len(d.tenant.writes) == 2


async def test_a_copy_whose_deletion_failed_remains_after_all(desk: OpenDesk, tenant: Any) -> None:
    other = f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"
    snapshot = {"id": SNAPSHOT, "name": "snap", "generation": 1, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}
    tenant.resources |= {other: snapshot, other.rpartition("/")[0]: [snapshot]}

    class Busy(Tenant):
        def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            return (409, {"message": "busy"}) if method == "DELETE" else super()._answer(method, path, body)

    tenant.__class__ = Busy
    async with desk() as d:
        assert "busy" in text_of(await d.call(await d.preview()))
        text = text_of(await d.call("preview", "delete_vm_snapshot", vmId=VM, snapshotId=SNAPSHOT))
        assert "Would remain: 1 " in text


async def test_a_plan_knows_what_a_single_call_took_before_it(desk: OpenDesk) -> None:
    other = f"{OWN}/virtual-machines/{VM}/snapshots/{SNAPSHOT}"
    snapshot = {"id": SNAPSHOT, "name": "snap", "generation": 1, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}
    async with desk() as d:
        d.tenant.resources |= {other: snapshot, other.rpartition("/")[0]: [snapshot]}
        calls = [{"tool": "delete_vm_snapshot", "arguments": {"vmId": VM, "snapshotId": SNAPSHOT}}]
        code = await d.preview("run_plan", calls=calls)
        assert await d.sends(d.call(await d.preview()))
        result = await d.call(code, "run_plan", calls=calls)
        assert "What it would do changed since the preview: now call 1: the LAST recovery point" in text_of(result)
        assert len(d.tenant.writes) == 1


async def test_the_passing_of_time_rewords_an_effect_and_keeps_its_code(desk: OpenDesk, clock: Any) -> None:
    async with desk() as d:
        d.tenant.resources[COPY]["expiresAt"] = "2026-11-24T09:00:00Z"
        code = await d.preview()
        clock.forward(290)
        assert await d.sends(d.call(code))


async def test_a_copy_that_became_the_last_while_the_person_was_asked_is_not_touched(
    desk: OpenDesk, tenant: Any
) -> None:
    other = f"{OWN}/virtual-machines/{VM}/snapshots"
    tenant.resources[other] = [{"id": SNAPSHOT, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}]

    async def slow(context: Any, params: Any) -> ElicitResult:
        tenant.resources[other] = []
        return ElicitResult(action="accept", content={"confirm": True})

    async with desk(slow) as d:
        result = await d.call(await d.preview())
        assert result.is_error
        assert "LAST recovery point" in text_of(result)
        assert d.tenant.writes == []


async def test_after_use_a_fresh_preview_of_the_same_call_gives_another_code(desk: OpenDesk) -> None:
    async with desk() as d:
        first = await d.preview()
        await d.call(first)
        second = await d.preview()
        assert second != first
        assert await d.sends(d.call(second))
        assert (await d.call(first)).is_error
        assert len(d.tenant.writes) == 2


async def test_of_ten_uses_of_one_code_at_once_one_is_sent(desk: OpenDesk) -> None:
    results: list[str] = []
    async with desk() as d:
        code = await d.preview()

        async def use() -> None:
            results.append(text_of(await d.call(code)))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(use)
        assert len(d.tenant.writes) == 1
        assert sorted(not r.startswith(REFUSED) for r in results) == [False] * 9 + [True]


async def test_a_target_that_does_not_exist_gets_no_code(desk: OpenDesk) -> None:
    async with desk() as d:
        del d.tenant.resources[COPY]
        result = await d.call("preview")
        assert result.is_error
        assert f"CANNOT BE DONE: There is no VM backup {BACKUP}" in text_of(result)
        assert not CODE.search(text_of(result))


async def test_a_call_that_is_not_gated_passes(desk: OpenDesk) -> None:
    async with desk() as d:
        assert await d.sends(d.client.call_tool("refresh_mssql_database", {"mssqlDatabaseId": VM}))


async def test_a_read_only_server_sends_nothing_even_if_it_is_called(desk: OpenDesk) -> None:
    async with desk(read_only=True) as d:
        assert "read-only" in text_of(await d.call("preview"))
        assert d.tenant.writes == []


async def test_codes_of_another_principal_do_not_hold() -> None:
    ring = codes.keys(loaded())
    used = memory_store()
    mine = codes.Call("t", {}, "me", {})
    rendered = await codes.next_code(ring, mine, 7, used)
    assert rendered
    assert not (await codes.match(ring, codes.Call("t", {}, "you", {}), rendered, (7, 6), used)).holds
    assert (await codes.match(ring, mine, rendered, (7, 6), used)).holds


async def test_the_newest_key_makes_codes_and_all_keys_accept_them() -> None:
    old, new, both = (loaded(secret=s) for s in ("o" * 32, "n" * 32, "n" * 32 + "," + "o" * 32))
    used, call = memory_store(), codes.Call("t", {}, "me", {})
    for maker, accepted in ((old, True), (new, True)):
        rendered = await codes.next_code(codes.keys(maker), call, 7, used)
        assert rendered
        assert (await codes.match(codes.keys(both), call, rendered, (7, 6), used)).holds is accepted
    rendered = await codes.next_code(codes.keys(both), call, 7, used)
    assert rendered
    assert not (await codes.match(codes.keys(old), call, rendered, (7, 6), used)).holds


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(BackupError, match="at least 16 characters"):
        codes.keys(loaded(secret="short"))


async def test_used_codes_are_forgotten_when_they_cannot_be_used_any_more() -> None:
    moment = [0.0]
    used = memory_store(clock=lambda: moment[0])
    assert await used.use("A", 60)
    assert not await used.use("A", 60)
    moment[0] = 61
    assert not await used.used(["A"])
    assert await used.use("A", 60)


# --- the person -------------------------------------------------------------------------------------------------------


def says(action: str, yes: bool | None = None, asked: list[str] | None = None, think: Any = lambda: None) -> Answer:
    async def answer(context: Any, params: Any) -> ElicitResult:
        think()
        if asked is not None:
            asked.append(params.message)
        content = None if yes is None else {"confirm": yes}
        return ElicitResult(action=action, content=content)  # type: ignore[arg-type]

    return answer


async def test_a_client_that_can_ask_puts_the_previews_words_to_the_person(desk: OpenDesk) -> None:
    asked: list[str] = []
    async with desk(says("accept", True, asked)) as d:
        preview = text_of(await d.call("preview"))
        assert asked == []
        assert await d.sends(d.call(code_in(preview)))
        assert len(asked) == 1
        for line in asked[0].splitlines()[:-2]:
            assert line in preview
        assert len(d.tenant.writes) == 1


NO = [
    ("decline", None, "declined"),
    ("cancel", None, "cancelled"),
    ("accept", False, "accepted the form without the yes"),
    ("decline", True, "declined"),
]


@pytest.mark.parametrize(("action", "yes", "reason"), NO)
async def test_all_but_a_yes_sends_nothing_and_spends_the_code(
    desk: OpenDesk, clock: Any, action: str, yes: bool | None, reason: str
) -> None:
    async with desk(says(action, yes, think=lambda: clock.forward(2))) as d:
        code = await d.preview()
        result = await d.call(code)
        assert result.is_error
        assert f"nothing was sent: the person {reason}." in text_of(result)
        assert "used already" in text_of(await d.call(code))
        assert d.tenant.writes == []


@pytest.mark.parametrize(("action", "yes", "reason"), [*NO, ("accept", None, "accepted the form")])
async def test_an_answer_that_no_person_can_have_given_is_told_as_the_clients_own(
    desk: OpenDesk, clock: Any, action: str, yes: bool | None, reason: str
) -> None:
    quick = 0.4 if (action, yes) != ("accept", None) else 30  # a form without its field is no person's at any time
    async with desk(says(action, yes, think=lambda: clock.forward(quick))) as d:
        result = await d.call(await d.preview())
        assert f"nothing was sent: the client {reason}" in text_of(result)
        assert "by itself" in text_of(result)
        assert "--ask never" in text_of(result)
        assert "the person declined" not in text_of(result)
        assert d.tenant.writes == []


@pytest.mark.parametrize(("seconds", "who"), [(0.4, "the client said yes by itself"), (3, "the person said yes")])
async def test_the_record_tells_whose_yes_it_was(
    desk: OpenDesk, clock: Any, tmp_path: Path, seconds: float, who: str
) -> None:
    path = tmp_path / "audit.jsonl"
    async with desk(says("accept", True, think=lambda: clock.forward(seconds)), audit_log=path) as d:
        result = text_of(await d.call(await d.preview()))
    (consent,) = [line for line in map(json.loads, path.read_text().splitlines()) if line["event"] == "consent"]
    assert consent["reason"].startswith(who)
    assert ("no person can have read the question" in result) is (seconds < 1)


async def test_a_wrong_code_asks_nobody(desk: OpenDesk) -> None:
    asked: list[str] = []
    async with desk(says("accept", True, asked)) as d:
        await d.call("AAAA-AAAA")
        assert asked == []
        assert d.tenant.writes == []


async def test_a_client_that_breaks_while_asking_sends_nothing(desk: OpenDesk) -> None:
    async def broken(context: Any, params: Any) -> ElicitResult:
        raise RuntimeError("the dialog crashed")

    async with desk(broken) as d:
        code = await d.preview()
        try:
            result = await d.call(code)
        except Exception:  # noqa: S110  in the newer era the client itself gives up
            pass
        else:
            assert result.is_error
        assert d.tenant.writes == []


async def test_ask_never_asks_nobody(desk: OpenDesk) -> None:
    asked: list[str] = []
    async with desk(says("decline", None, asked), ask="never") as d:
        assert await d.sends(d.call(await d.preview()))
        assert asked == []


async def test_ask_always_refuses_where_the_client_cannot_ask(desk: OpenDesk) -> None:
    async with desk(ask="always") as d:
        result = await d.call("preview")
        assert result.is_error
        assert "this client cannot ask" in text_of(result)
        assert d.tenant.writes == []


async def test_ask_always_asks_where_the_client_can(desk: OpenDesk) -> None:
    async with desk(says("accept", True), ask="always") as d:
        assert await d.sends(d.call(await d.preview()))


async def test_a_target_that_changes_while_the_person_thinks_is_not_touched(desk: OpenDesk, tenant: Any) -> None:
    async def slow(context: Any, params: Any) -> ElicitResult:
        tenant.resources[COPY]["generation"] = 44
        return ElicitResult(action="accept", content={"confirm": True})

    async with desk(slow) as d:
        result = await d.call(await d.preview())
        assert result.is_error
        assert "changed" in text_of(result)
        assert d.tenant.writes == []


@pytest.mark.parametrize("era", ["legacy"])  # a returned question has no time limit but the life of its state
async def test_nobody_answering_in_time_sends_nothing(desk: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greenlake_backup_mcp.consent.elicitation.ANSWER_SECONDS", 0.01)

    async def asleep(context: Any, params: Any) -> ElicitResult:
        await anyio.Event().wait()
        raise AssertionError

    async with desk(asleep) as d:
        result = await d.call(await d.preview())
        assert "nobody answered within" in text_of(result)
        assert d.tenant.writes == []


@pytest.mark.parametrize("era", ["legacy"])  # a returned question leaves nothing waiting that could be cancelled
async def test_a_call_that_is_cancelled_while_the_person_is_asked_sends_nothing(desk: OpenDesk, tmp_path: Path) -> None:
    asked, path = anyio.Event(), tmp_path / "audit.jsonl"

    async def thinking(context: Any, params: Any) -> ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with desk(thinking, audit_log=path) as d:
        code = await d.preview()
        async with anyio.create_task_group() as group:
            group.start_soon(d.call, code)
            await asked.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(60):
            while "the call ended while the person was asked" not in path.read_text(encoding="utf-8"):  # noqa: ASYNC110
                await anyio.sleep(0.01)  # the server hears of it after the client has left
        assert "used already" in text_of(await d.call(code))
        assert d.tenant.writes == []


# --- the returned question of 2026-07-28, by hand ---------------------------------------------------------------------


async def by_hand(client: Client, code: str, **more: Any) -> Any:
    arguments = {**DELETE, "confirm": code}
    return await client.session.call_tool("delete_vm_backup", arguments, allow_input_required=True, **more)


YES = {"confirm": ElicitResult(action="accept", content={"confirm": True})}


@pytest.mark.parametrize("era", ["auto"])
async def test_a_question_reads_the_same_when_it_is_asked_again(desk: OpenDesk, clock: Any) -> None:
    async with desk(says("accept", True)) as d:
        code = await d.preview()
        first = await by_hand(d.client, code)
        clock.forward(100)
        second = await by_hand(d.client, code)
        assert first.input_requests == second.input_requests


@pytest.mark.parametrize("era", ["auto"])
async def test_a_person_may_take_longer_than_a_code_holds(desk: OpenDesk, clock: Any) -> None:
    async with desk(says("accept", True)) as d:
        code = await d.preview()
        asked = await by_hand(d.client, code)
        clock.forward(800)
        answer = {"input_responses": YES, "request_state": asked.request_state}
        assert await d.sends(by_hand(d.client, code, **answer))


@pytest.mark.parametrize("era", ["auto"])
async def test_a_question_is_not_good_for_ever(desk: OpenDesk, clock: Any) -> None:
    async with desk(says("accept", True)) as d:
        code = await d.preview()
        asked = await by_hand(d.client, code)
        clock.forward(1300)
        answer = {"input_responses": YES, "request_state": asked.request_state}
        assert "This code has expired" in text_of(await by_hand(d.client, code, **answer))
        assert d.tenant.writes == []


@pytest.mark.parametrize("era", ["auto"])
async def test_an_answer_is_good_for_one_request(desk: OpenDesk) -> None:
    async with desk(says("accept", True)) as d:
        code = await d.preview()
        asked = await by_hand(d.client, code)
        answer = {"input_responses": YES, "request_state": asked.request_state}
        assert await d.sends(by_hand(d.client, code, **answer))
        assert (await by_hand(d.client, code, **answer)).is_error
        assert len(d.tenant.writes) == 1


@pytest.mark.parametrize("era", ["auto"])
async def test_an_answer_without_its_question_is_no_answer(desk: OpenDesk) -> None:
    async with desk(says("accept", True)) as d:
        code = await d.preview()
        asked = await by_hand(d.client, code, input_responses=YES)
        assert asked.result_type == "input_required"
        assert d.tenant.writes == []


# --- processes --------------------------------------------------------------------------------------------------------

ELSEWHERE = """
import asyncio, json, sys
from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import codes
from greenlake_backup_mcp.consent.file_store import memory_store
tool, arguments, principal, state, slot = json.load(sys.stdin)
ring = codes.keys(settings.load())
used = memory_store()
print(asyncio.run(codes.next_code(ring, codes.Call(tool, arguments, principal, state), slot, used)))
"""


def made_elsewhere(secret: str, call: codes.Call, slot: int) -> str:
    """A code made by another process that has this secret."""
    inputs = json.dumps([call.tool, call.arguments, call.principal, call.state, slot])
    environment = {"PATH": os.environ["PATH"], "GREENLAKE_MCP_SECRET": secret}
    run = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=inputs, env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


async def test_processes_with_one_key_accept_each_others_codes_and_with_others_do_not() -> None:
    call = codes.Call("delete_vm_backup", DELETE, "local", ["x", {"generation": 3}])
    ring, used = codes.keys(loaded(secret="shared between replicas")), memory_store()
    theirs = made_elsewhere("shared between replicas", call, 7)
    assert (await codes.match(ring, call, theirs, (7, 6), used)).holds
    foreign = made_elsewhere("another secret altogether", call, 7)
    assert not (await codes.match(ring, call, foreign, (7, 6), used)).holds
    unshared = made_elsewhere("", call, 7)
    assert not (await codes.match(ring, call, unshared, (7, 6), used)).holds


def test_the_secret_is_shown_nowhere(tmp_path: Path) -> None:
    assert "hush" not in repr(settings.load(secret="hush-hush-hush-hush"))
