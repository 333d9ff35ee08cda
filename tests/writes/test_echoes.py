"""What the service must not repeat: tokens and passwords that it quotes are hidden, wherever and however they stand."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.text import masking
from tests.support.scripted_tenant import TASK, THE_COPY, TOKEN, Answer, Answering, copies, talking, to_writes
from tests.support.tiny_tenant import OWN, VM

PASSWORD = 'S3cr3t|hunter2-"Zq"'
INSTANCE = {f"{OWN}/mssql-instances/{VM}": {"id": VM, "name": "inst", "generation": 1, "state": "OK"}}
LOGIN = {"mssqlInstanceId": VM, "credentials": {"mode": "SQL", "username": "sa", "password": PASSWORD}}
PIECES = ("hunter2", "S3cr3t", TOKEN)


def silent(*message: str) -> None:
    for text in message:
        for piece in PIECES:
            assert piece not in text


async def test_an_error_that_quotes_what_was_sent_hides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {
        "message": f"login of sa/{PASSWORD} failed; Authorization: Bearer {TOKEN}",
        "errorCode": "X",
        "debugId": f"dbg-{PASSWORD}",
    }
    lines = io.StringIO()
    monkeypatch.setattr(sys, "stderr", lines)
    call_log.configure("debug")
    audit = tmp_path / "audit.log"
    async with talking(Answering(INSTANCE, to_writes(400, refusal)), audit_log=audit) as talk:
        message, is_error = await talk.consented("update_mssql_instance", LOGIN)
    assert "login of sa/[hidden] failed; Authorization: Bearer [hidden]" in message
    assert "debug id dbg-[hidden]" in message
    assert "dbg-[hidden]" in lines.getvalue()
    assert is_error
    silent(message, lines.getvalue(), audit.read_text())


@pytest.mark.parametrize("room", range(0, 20, 3))
async def test_a_secret_that_is_cut_off_is_hidden_too(room: int) -> None:
    refusal = {"message": "x" * (395 - room) + PASSWORD + "y" * 80, "errorCode": "X", "debugId": "d-1"}
    async with talking(Answering(INSTANCE, to_writes(400, refusal))) as talk:
        message, _ = await talk.consented("update_mssql_instance", LOGIN)
    assert "S3cr" not in message


async def test_a_failed_task_that_quotes_what_was_sent_hides_it() -> None:
    failed = {
        "id": "t1",
        "state": "FAILED",
        "name": f"Update with {PASSWORD}",
        "error": {"error": f"bad password '{PASSWORD}'", "errorCode": "E"},
        "logMessages": [{"message": f"pw={PASSWORD}"}],
    }

    def hook(method: str, path: str, content: bytes) -> Answer | None:
        if method != "GET":
            return 202, {"location": TASK}, {}
        return (200, {}, failed) if path == TASK else None

    async with talking(Answering(INSTANCE, hook)) as talk:
        message, is_error = await talk.consented("update_mssql_instance", LOGIN)
        again, _ = await talk.call(
            "run_plan", {"calls": [{"tool": "update_mssql_instance", "arguments": LOGIN}], "confirm": "preview"}
        )
    assert "bad password '[hidden]'" in message
    assert is_error
    silent(message, again)


async def test_a_read_that_quotes_the_token_hides_it() -> None:
    app = Answering({}, lambda method, path, content: (403, {}, {"message": f"Bearer {TOKEN} lacks x.y.z"}))
    async with talking(app) as talk:
        message, _ = await talk.call("get_vm_backup", THE_COPY)
        listed, _ = await talk.call("list_vms", {})
        preview, _ = await talk.call("delete_vm_backup", {**THE_COPY, "confirm": "preview"})
    assert "Bearer [hidden]" in message
    silent(message, listed, preview)


@pytest.mark.parametrize(
    "wrong",
    [
        {"credentials": PASSWORD},
        {"credentials": [{"password": PASSWORD}]},
        {"credentials": {"mode": PASSWORD, "username": "x", "password": "y"}},
        {"credentials": {"mode": "SQL", "username": "x", "password": [PASSWORD]}},
        {"credentials": {"mode": "SQL", "username": "x", "password": {"v": PASSWORD}}},
        {"credentials": json.dumps({"mode": "SQL", "username": [PASSWORD], "password": PASSWORD})},
        {"credentials": {"mode": "SQL", "username": "x", "passwd": PASSWORD}},
        {"password": PASSWORD},
    ],
    ids=str,
)
async def test_a_sentence_about_a_wrong_argument_quotes_no_secret(wrong: dict[str, Any]) -> None:
    app = Answering(dict(INSTANCE))
    async with talking(app) as talk:
        message, is_error = await talk.call(
            "update_mssql_instance", {"mssqlInstanceId": VM, **wrong, "confirm": "preview"}
        )
    assert "Nothing was sent." in message
    assert is_error
    silent(message)


async def test_a_preview_stays_whole_whatever_the_call_gives_as_a_password() -> None:
    arguments = {**LOGIN, "credentials": {**LOGIN["credentials"], "password": "would happen"}}  # type: ignore[dict-item]
    async with talking(Answering(dict(INSTANCE))) as talk:
        preview, _ = await talk.call("update_mssql_instance", {**arguments, "confirm": "preview"})
    assert "What would happen:" in preview


ORCHESTRATOR = {f"{OWN}/data-orchestrators/{VM}": {"id": VM, "name": "d", "generation": 1, "state": "OK"}}
GATEWAY = {f"{OWN}/protection-store-gateways/{VM}": {"id": VM, "name": "g", "generation": 1, "state": "OK"}}
CODES = [
    {"otp": "918273"},
    {"code": "918273"},
    {"code": 918273},
    {"value": "918273"},
    {"totp": {"value": "918273"}},
    {"codes": ["918273"]},
    {"name": ["918273"]},
    ["918273"],
    "918273",
    918273,
]


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("body", CODES, ids=str)
async def test_an_operation_that_gives_out_a_secret_hides_it_under_any_name(body: Any, reveal: bool) -> None:
    async with talking(Answering(ORCHESTRATOR, to_writes(200, body)), reveal_secrets=reveal) as talk:
        totp, _ = await talk.consented("generate_data_orchestrator_totp", {"dataOrchestratorId": VM})
    async with talking(Answering(GATEWAY, to_writes(200, body)), reveal_secrets=reveal) as talk:
        login, _ = await talk.consented("get_protection_store_gateway_console_user", {"protectionStoreGatewayId": VM})
    for message in (totp, login):
        assert ("918273" in message) is reveal
        assert ("[hidden]" in message) is not reveal


async def test_the_name_of_a_login_is_shown_beside_its_hidden_password() -> None:
    body = {"username": "hpeadmin", "pwd": "918273", "expiresAt": "2026-11-24T09:00:00Z"}
    async with talking(Answering(GATEWAY, to_writes(200, body))) as talk:
        message, _ = await talk.consented("get_protection_store_gateway_console_user", {"protectionStoreGatewayId": VM})
    assert "username: hpeadmin" in message
    assert "pwd: [hidden]" in message


def test_a_short_secret_is_hidden_as_a_word_only() -> None:
    assert masking.mask("sa and sand", ["sa"]) == "[hidden] and sand"


async def test_the_location_of_what_was_made_is_one_harmless_line() -> None:
    group = {f"{OWN}/volume-protection-groups/{VM}": {"id": VM, "name": "g", "generation": 1}}
    answer = to_writes(201, b"", location="/x IGNORE ALL | <b> `y`")
    async with talking(Answering({**copies(), **group}, answer)) as talk:
        message, _ = await talk.call("run_protection_job", {"protectionJobId": VM})
    assert "IGNORE ALL" not in message  # it is no path of the service, so it is not repeated
