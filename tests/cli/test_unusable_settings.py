"""What no request can carry is an input error or one of settings: nothing is sent, and it is no fault of ours."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import pytest

from greenlake_backup_mcp.dispatch import arguments
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.tools import json_bounds, registry
from tests.support.scripted_tenant import THE_COPY, Answer, Answering, copies, talking
from tests.support.tiny_tenant import BACKUP, NOW, OWN, VM

TOOLS = {t.name: t for t in registry.tools()}
RESIZE = {"protectionStoreGatewayId": VM, "maxOnPremRetentionDays": 60, "confirm": "preview"}
SUSPEND = {"protectionJobId": VM, "confirm": "preview"}


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def refused(tool: str, inputs: dict[str, Any]) -> str:
    with pytest.raises(BackupError) as problem:
        arguments.prepare(TOOLS[tool], inputs)
    assert problem.value.nothing_sent
    return problem.value.message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", math.nan, math.inf], ids=repr)
def test_a_number_that_is_none_is_refused(number: Any) -> None:
    text = refused("resize_protection_store_gateway", {**RESIZE, "maxOnPremDailyProtectedDataInTiB": number})
    assert "maxOnPremDailyProtectedDataInTiB is" in text
    assert "wanted: a finite number" in text


@pytest.mark.parametrize("number", [10**5000, 10**60, 1e300], ids=["5000", "60", "1e300"])
def test_a_number_of_countless_digits_is_refused(number: Any) -> None:
    assert "scheduleIds[0] is a number of" in refused("suspend_protection_job", {**SUSPEND, "scheduleIds": [number]})


@pytest.mark.parametrize(
    "inputs",
    [
        {**SUSPEND, "confirm": "\ud800"},
        {**SUSPEND, "protectionJobId": "\udfff"},
        {**SUSPEND, "\ud800": 1},
        {**SUSPEND, "scheduleIds": ["\ud800"]},
        {**SUSPEND, "scheduleIds": '["\\ud800"]'},
    ],
    ids=ascii,
)
def test_half_a_character_is_refused(inputs: dict[str, Any]) -> None:
    refused("suspend_protection_job", inputs).encode()


@pytest.mark.parametrize("value", [deep(70), deep(5000), "[" * 70 + "]" * 70], ids=["70", "5000", "text"])
def test_nesting_without_end_is_refused(value: Any) -> None:
    policy = {"protectionPolicyId": VM, "protections": value, "confirm": "preview"}
    assert "nest more than 64 levels deep" in refused("update_protection_policy", policy)


def test_the_deepest_nesting_that_is_allowed_is_counted_exactly() -> None:
    assert json_bounds.problem_with(deep(json_bounds.DEEPEST - 1), 5) == []
    assert json_bounds.problem_with(deep(json_bounds.DEEPEST), 5) == ["the arguments nest more than 64 levels deep"]


@pytest.mark.parametrize("value", ["NaN", 1e999, 10**5000, "\ud800", deep(200)], ids=lambda v: type(v).__name__)
async def test_a_plan_with_what_cannot_be_sent_is_refused(value: Any) -> None:
    app = Answering(copies())
    async with talking(app) as talk:
        call = {"tool": "suspend_protection_job", "arguments": {"protectionJobId": VM, "scheduleIds": [value]}}
        text, is_error = await talk.call("run_plan", {"calls": [call], "confirm": "preview"})
    assert is_error
    assert "mistake of ours" not in text
    assert app.writes == []


@pytest.mark.parametrize("bad", ["..", "../x", "a/b", " ", "x\n", "%2e%2e", "\u202eabc", "a b", "a?b"], ids=ascii)
def test_an_id_within_a_body_is_checked_like_one_in_a_path(bad: str) -> None:
    restore = {"vmId": VM, "restoreType": "PARENT", "confirm": "preview"}
    assert "backupId is " in refused("restore_vm", {**restore, "backupId": bad})
    group = {"vmProtectionGroupId": VM, "confirm": "preview"}
    assert "assets[0].id is " in refused("update_vm_protection_group", {**group, "assets": [{"id": bad}]})


def test_ids_of_a_body_that_are_ids_are_sent() -> None:
    restore = {"vmId": VM, "restoreType": "PARENT", "confirm": "preview", "backupId": BACKUP}
    assert arguments.prepare(TOOLS["restore_vm"], restore)["backupId"] == BACKUP


@pytest.mark.parametrize("token", ["“abc”", "é", "a b", "a\r\nX-Evil: 1"], ids=ascii)
async def test_a_ready_token_that_no_request_can_carry_is_a_matter_of_settings(token: str) -> None:
    app = Answering(copies())
    async with talking(app, token=token) as talk:
        text, is_error = await talk.call("run_protection_job", {"protectionJobId": VM})
    assert "GREENLAKE_TOKEN holds characters that no access token has" in text
    assert "Nothing was sent." in text
    assert token not in text
    assert (is_error, app.writes, app.reads) == (True, [], [])


async def test_space_around_a_ready_token_does_not_matter() -> None:
    app = Answering({f"{OWN}/protection-jobs/{VM}": {"id": VM}})
    async with talking(app, token=" tok\n") as talk:
        _, is_error = await talk.call("get_protection_job", {"protectionJobId": VM})
    assert not is_error


@pytest.mark.parametrize("token", ["é", "a\nb", "“abc”"], ids=ascii)
async def test_a_token_of_the_endpoint_that_no_request_can_carry_is_told_as_that(token: str) -> None:
    def hook(method: str, path: str, content: bytes) -> Answer | None:
        return (200, {}, {"access_token": token, "expires_in": 900}) if path == "/token" else None

    app = Answering(copies(), hook)
    client: dict[str, Any] = {"client_id": "c", "client_secret": "s", "token_url": "https://tenant.example/token"}
    async with talking(app, token=None, **client) as talk:
        text, is_error = await talk.call("resume_protection_job", {"protectionJobId": VM})
    assert "answered with an access_token that no request can carry" in text
    assert "UNKNOWN" not in text
    assert is_error
    assert [path for _, path, _ in app.writes] == ["/token"]


@pytest.mark.parametrize("sends", [False, True])
async def test_a_fault_of_ours_is_of_unknown_outcome_only_once_something_was_sent(sends: bool) -> None:
    app = Answering(copies())

    def clock() -> datetime:
        if bool(app.writes) is sends:
            raise ZeroDivisionError
        return NOW

    async with talking(app, clock) as talk:
        if sends:
            text, _ = await talk.consented("delete_vm_backup", THE_COPY)
        else:
            text, _ = await talk.call("delete_vm_backup", {**THE_COPY, "confirm": "preview"})
    assert "a mistake of ours" in text
    assert ("UNKNOWN" in text) is sends
    assert ("Nothing was changed" in text) is not sends


@pytest.mark.parametrize(
    ("tool", "inputs"),
    [
        ("call_write_tool", {"name": "delete_protection_job", "arguments": "[" * 100_000}),
        ("call_write_tool", {"name": "delete_protection_job", "arguments": deep(200)}),
        ("call_read_tool", {"name": "list_vms", "arguments": {"limit": math.nan}}),
        ("call_read_tool", {"name": "\ud800", "arguments": {}}),
        ("find_tools", {"query": "\ud800"}),
        ("find_tools", {"query": "x", "limit": 10**5000}),
    ],
    ids=["brackets", "deep", "nan", "name", "query", "limit"],
)
async def test_the_tools_that_call_tools_answer_whatever_they_are_given(tool: str, inputs: dict[str, Any]) -> None:
    app = Answering(copies())
    async with talking(app, surface="search") as talk:
        text, _ = await talk.call(tool, inputs)
    text.encode()
    assert "mistake of ours" not in text
    assert app.writes == []
