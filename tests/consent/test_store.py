"""What consent remembers beyond one call: in memory, in a file of the user, in Redis; across restarts and replicas."""

from __future__ import annotations

import os
import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from greenlake_backup_mcp.consent import codes, file_store
from greenlake_backup_mcp.consent.file_store import memory_store
from greenlake_backup_mcp.consent.redis_store import RedisStore
from greenlake_backup_mcp.consent.store import Reservation
from greenlake_backup_mcp.errors import PolicyRefusal
from greenlake_backup_mcp.server import app as mcp_server
from tests.support.results import CODE
from tests.support.tiny_tenant import BACKUP, NOW, OWN, SNAPSHOT, VIRTUALIZATION, VM, Tenant, loaded

SOON = NOW + timedelta(minutes=15)
BACKUPS = f"{OWN}/virtual-machines/{VM}/backups"
SNAPSHOTS = f"{OWN}/virtual-machines/{VM}/snapshots"
DELETE = {"vmId": VM, "backupId": BACKUP}
DELETE_OTHER = {"vmId": VM, "snapshotId": SNAPSHOT}


@pytest.fixture(params=["memory", "file", "redis"])
async def stores(request: pytest.FixtureRequest) -> Any:
    """Two stores as two processes or replicas have them; in memory there is but one."""
    if request.param == "memory":
        one: Any = memory_store()
        two: Any = one
    elif request.param == "file":
        one, two = file_store.open_store(loaded()), file_store.open_store(loaded())
        assert not one.ephemeral
    else:
        url = request.getfixturevalue("redis")
        one, two = RedisStore(url), RedisStore(url)
    yield one, two
    await one.close()
    await two.close()


def leaving(path: str, owner: str) -> Reservation:
    return Reservation(path, owner, NOW, SOON)


async def test_a_code_is_used_once_whoever_uses_it(stores: Any) -> None:
    one, two = stores
    won: list[bool] = []

    async def use(store: Any) -> None:
        won.append(await store.use("ABCD-EFGH", 60))

    async with anyio.create_task_group() as group:
        for n in range(10):
            group.start_soon(use, (one, two)[n % 2])
    assert sorted(won) == [False] * 9 + [True]
    assert await one.used(["ABCD-EFGH", "OTHE-RONE"]) == await two.used(["ABCD-EFGH"]) == {"ABCD-EFGH"}


async def test_of_two_that_announce_at_once_exactly_one_sees_the_other(stores: Any) -> None:
    one, two = stores
    for turn in range(10):
        seen: dict[str, list[str]] = {}

        async def announce(store: Any, owner: str, seen: dict[str, list[str]] = seen, turn: int = turn) -> None:
            others = await store.reserve([leaving(f"/{owner}", f"{owner}{turn}")], NOW)
            seen[owner] = [r.path for r in others if r.owner.endswith(str(turn))]

        async with anyio.create_task_group() as group:
            group.start_soon(announce, one, "a")
            group.start_soon(announce, two, "b")
        assert sorted(map(bool, seen.values())) == [False, True]


async def test_what_was_announced_ends_by_its_time_or_is_taken_back(stores: Any) -> None:
    one, two = stores
    await one.reserve([leaving("/x", "me"), leaving("/y", "me")], NOW)
    await two.reserve([leaving("/z", "you")], NOW)
    assert {r.path for r in await two.reserved(NOW)} == {"/x", "/y", "/z"}
    await one.reserve([leaving("/x", "me"), leaving("/y", "me")], NOW)  # in place of the earlier ones
    assert len(await two.reserve([], NOW)) == 3
    await one.release("me", ["/x"])
    assert {r.path for r in await two.reserved(NOW)} == {"/y", "/z"}
    await one.release("me")
    assert [r.path for r in await two.reserved(NOW)] == ["/z"]
    assert await one.reserved(SOON) == []


def test_the_file_is_its_owners_alone_and_keeps_its_key() -> None:
    one, two = file_store.open_store(loaded()), file_store.open_store(loaded())
    assert isinstance(one, file_store.FileStore)
    assert one.key == two.key != ""
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600
    one.path.chmod(0o644)
    file_store.open_store(loaded())
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600


def test_a_file_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert "belongs to another user" in file_store.open_store(loaded()).ephemeral


def test_another_tenant_has_another_key() -> None:
    other = loaded(workspace_id="another")
    assert file_store.open_store(loaded()).key != file_store.open_store(other).key


def test_without_a_place_to_write_the_store_is_in_memory_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = file_store.open_store(loaded(state_dir=tmp_path / "file" / "below"))
    assert isinstance(store, file_store.FileStore)
    assert store.memory
    assert str(tmp_path / "file" / "below") in store.ephemeral


@pytest.mark.parametrize("how", ["removed", "replaced", "damaged"])
async def test_a_file_that_is_not_what_it_was_lets_nothing_through(how: str) -> None:
    store = file_store.open_store(loaded())
    assert isinstance(store, file_store.FileStore)
    if how == "damaged":
        store.path.write_bytes(b"no database at all, but long enough to be looked at as one" * 50)
    else:
        store.path.unlink()
    if how == "replaced":
        file_store.open_store(loaded())
    for question in (store.used(["ABCD-EFGH"]), store.use("ABCD-EFGH", 60), store.reserved(NOW)):
        with pytest.raises(PolicyRefusal, match="Nothing was sent"):
            await question


# --- through the server -----------------------------------------------------------------------------------------------


def two_copies() -> Tenant:
    backup = {"id": BACKUP, "name": "daily-7", "generation": 3, "state": "OK", "pointInTime": "2026-11-21T08:00:00Z"}
    snapshot = {"id": SNAPSHOT, "name": "snap", "generation": 1, "state": "OK", "pointInTime": "2026-11-20T08:00:00Z"}
    vm = {"id": VM, "name": "sql-prod-01", "generation": 9}
    return Tenant(
        {
            f"{BACKUPS}/{BACKUP}": backup,
            f"{SNAPSHOTS}/{SNAPSHOT}": snapshot,
            BACKUPS: [backup],
            SNAPSHOTS: [snapshot],
            f"{VIRTUALIZATION}/virtual-machines/{VM}": vm,
        }
    )


def process(app: Tenant, **more: Any) -> Client:
    """A client of a server that a process of its own would be: nothing is shared but what is stored."""
    return Client(mcp_server.create(loaded(wait=0, **more), app=app, now=lambda: NOW))


async def call_text(client: Client, tool: str, arguments: dict[str, Any], confirm: str = "preview") -> str:
    result = await client.call_tool(tool, {**arguments, "confirm": confirm})
    return "\n".join(block.text for block in result.content if block.type == "text")


def code_in(text: str) -> str:
    match = CODE.search(text)
    assert match, text
    return match[1]


async def test_a_process_per_call_accepts_a_code_and_accepts_it_once() -> None:
    app = two_copies()
    async with process(app) as client:
        code = code_in(await call_text(client, "delete_vm_backup", DELETE))
    async with process(app) as client:
        assert not (await call_text(client, "delete_vm_backup", DELETE, code)).startswith("REFUSED")
    async with process(app) as client:
        assert "used already" in await call_text(client, "delete_vm_backup", DELETE, code)
    assert len(app.writes) == 1


async def test_with_a_shared_secret_a_code_holds_once_across_a_restart() -> None:
    app, secret = two_copies(), "the same before and after"
    async with process(app, secret=secret) as client:
        code = code_in(await call_text(client, "delete_vm_backup", DELETE))
        await call_text(client, "delete_vm_backup", DELETE, code)
    async with process(app, secret=secret) as client:
        assert "used already" in await call_text(client, "delete_vm_backup", DELETE, code)
    assert len(app.writes) == 1


@pytest.mark.parametrize("shared", ["file", "redis"])
async def test_two_replicas_cannot_both_delete_one_of_the_last_two(shared: str, request: Any, tmp_path: Path) -> None:
    inputs: list[dict[str, Any]] = [{}, {}]
    if shared == "redis":
        url = request.getfixturevalue("redis")
        secret = "shared by two replicas"
        inputs = [{"redis_url": url, "secret": secret, "state_dir": tmp_path / str(n)} for n in range(2)]
    app = two_copies()
    answers: list[str] = []
    async with process(app, **inputs[0]) as one, process(app, **inputs[1]) as two:
        first = code_in(await call_text(one, "delete_vm_backup", DELETE))
        second = code_in(await call_text(two, "delete_vm_snapshot", DELETE_OTHER))

        async def use(client: Client, tool: str, arguments: dict[str, Any], code: str) -> None:
            answers.append(await call_text(client, tool, arguments, code))

        async with anyio.create_task_group() as group:
            group.start_soon(use, one, "delete_vm_backup", DELETE, first)
            group.start_soon(use, two, "delete_vm_snapshot", DELETE_OTHER, second)
    assert len(app.writes) == 1
    (refused,) = [text for text in answers if text.startswith("REFUSED")]
    assert "LAST" in refused


async def test_a_preview_after_a_restart_counts_what_was_just_deleted_as_gone() -> None:
    app = two_copies()
    async with process(app) as client:
        await call_text(
            client, "delete_vm_backup", DELETE, code_in(await call_text(client, "delete_vm_backup", DELETE))
        )
    async with process(app) as client:
        assert "LAST recovery point" in await call_text(client, "delete_vm_snapshot", DELETE_OTHER)


async def test_where_nothing_can_be_written_codes_hold_in_one_process_and_that_is_said(tmp_path: Path) -> None:
    app, nowhere = two_copies(), tmp_path / "file"
    nowhere.write_text("")
    async with process(app, state_dir=nowhere / "x") as client, process(app, state_dir=nowhere / "x") as other:
        code = code_in(await call_text(client, "delete_vm_backup", DELETE))
        assert "Codes hold within one process only" in await call_text(other, "delete_vm_backup", DELETE, code)
        assert not (await call_text(client, "delete_vm_backup", DELETE, code)).startswith("REFUSED")
    assert len(app.writes) == 1


async def test_a_code_of_another_version_is_refused_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    app = two_copies()
    async with process(app) as client:
        code = code_in(await call_text(client, "delete_vm_backup", DELETE))
        other = next(letter for letter in codes.LETTERS if letter != codes.VERSION_LETTER)
        monkeypatch.setattr(codes, "VERSION_LETTER", other)
        assert "no code of this version" in await call_text(client, "delete_vm_backup", DELETE, code)
    assert app.writes == []


async def test_a_file_that_goes_while_the_server_runs_stops_all_that_is_gated(tmp_path: Path) -> None:
    app = two_copies()
    async with process(app, state_dir=tmp_path / "state") as client:
        code = code_in(await call_text(client, "delete_vm_backup", DELETE))
        for name in os.listdir(tmp_path / "state"):
            (tmp_path / "state" / name).unlink()
        assert "Nothing was sent" in await call_text(client, "delete_vm_backup", DELETE, code)
    assert app.writes == []


@pytest.mark.parametrize("plan", [False, True])
async def test_a_store_that_goes_while_a_request_fails_changes_nothing_of_what_is_told(
    tmp_path: Path, plan: bool
) -> None:
    class Tearing(Tenant):
        def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
            if method != "DELETE":
                return super()._answer(method, path, body)
            for name in os.listdir(tmp_path / "state"):
                (tmp_path / "state" / name).unlink()
            return 409, {"message": "busy", "httpStatusCode": 409}

    call = {"tool": "delete_vm_backup", "arguments": DELETE}
    tool, inputs = ("run_plan", {"calls": [call]}) if plan else ("delete_vm_backup", DELETE)
    async with process(Tearing(two_copies().resources), state_dir=tmp_path / "state") as client:
        text = await call_text(client, tool, inputs, code_in(await call_text(client, tool, inputs)))
        if "It goes on by itself" in text:
            held = re.search(r'taskId="(plan-\w+)"', text)
            assert held
            result = await client.call_tool("wait_for_task", {"taskId": held[1], "seconds": 30})
            text = "\n".join(block.text for block in result.content if block.type == "text")
    assert "busy" in text
    assert "For some minutes previews count" in text


async def test_a_call_that_was_confirmed_too_often_has_no_further_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "MOST_USES", 1)
    async with process(two_copies()) as client:
        await call_text(
            client, "delete_vm_backup", DELETE, code_in(await call_text(client, "delete_vm_backup", DELETE))
        )
        text = await call_text(client, "delete_vm_backup", DELETE)
    assert "This very call was confirmed too often in these minutes" in text
    assert not CODE.search(text)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "Give one of tool (with arguments), calls, or reference (with part)."),
        ({"tool": "list_vms"}, "list_vms changes nothing"),
        ({"tool": "delete_vm_backup", "arguments": DELETE}, "PREVIEW"),
        ({"calls": [{"tool": "delete_vm_backup", "arguments": DELETE}]}, "A plan of 1 call"),
        (
            {"tool": "run_plan", "arguments": {"calls": [{"tool": "delete_vm_backup", "arguments": DELETE}]}},
            "A plan of",
        ),
        ({"reference": "D-0123"}, "There is no such difference for this caller"),
    ],
)
async def test_whatever_is_previewed_is_previewed_as_by_the_call_itself(inputs: dict[str, Any], words: str) -> None:
    app = two_copies()
    async with process(app) as client:
        result = await client.call_tool("preview_call", inputs)
    assert words in "\n".join(block.text for block in result.content if block.type == "text")
    assert app.writes == []
