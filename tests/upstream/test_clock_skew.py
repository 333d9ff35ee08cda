"""A clock that is not the service's makes ages wrong and tokens fail: it is told, by what depends on it."""

from __future__ import annotations

import logging
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import doctor
from greenlake_backup_mcp.upstream import client, clock_skew
from tests.support.scripted_tenant import THE_COPY, Answering, copies, talking
from tests.support.tiny_tenant import NOW, OWN

READS: list[tuple[str, dict[str, Any]]] = [("list_vms", {}), ("get_vm_backup", THE_COPY)]


def tenant(ahead: float, status: int = 200) -> Answering:
    """A tenant whose clock is behind ours by so many seconds."""
    stores: dict[str, list[Any]] = {f"{OWN}/protection-stores": [], "/virtualization/v1beta1/virtual-machines": []}
    answering = Answering(copies() | stores)
    headers = {"date": format_datetime(NOW - timedelta(seconds=ahead), usegmt=True)}

    def hook(method: str, path: str, body: bytes) -> Any:
        if status != 200:
            return status, headers, {"message": "refused", "errorCode": "X", "httpStatusCode": status}
        return 200, headers, answering._answer(method, path)[2]

    answering.hook = hook
    return answering


@pytest.mark.parametrize(("tool", "arguments"), READS)
@pytest.mark.parametrize(
    ("ahead", "words"),
    [(7200, "clock is 2 h ahead of the service's"), (-900, "clock is 15 min behind the service's"), (100, ""), (0, "")],
)
async def test_an_answer_with_ages_names_a_clock_that_is_off(
    tool: str, arguments: dict[str, Any], ahead: float, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "greenlake_backup_mcp"):
        async with talking(tenant(ahead)) as talk:
            for _ in range(2):
                answer, is_error = await talk.call(tool, arguments)
    assert not is_error
    assert ("clock" in answer) == bool(words)
    assert words in answer
    assert len([line for line in caplog.messages if "clock" in line]) == bool(words)  # once, not at each call


async def test_json_is_what_the_service_says_and_depends_on_no_clock() -> None:
    async with talking(tenant(7200)) as talk:
        assert "clock" not in (await talk.call("get_vm_backup", {**THE_COPY, "output": "json"}))[0]


async def test_a_refused_token_names_the_clock() -> None:
    async with talking(tenant(-7200, 401)) as talk:
        answer, is_error = await talk.call("list_vms", {})
    assert is_error
    assert "clock is 2 h behind the service's" in answer


@pytest.mark.parametrize(
    ("ahead", "words"), [(7200, " note  clock: This machine's clock is 2 h ahead"), (0, "   ok  clock: agrees")]
)
async def test_doctor_says_whether_the_clock_agrees(
    ahead: float, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connect = client.connect
    monkeypatch.setattr(client, "connect", lambda chosen: connect(chosen, app=tenant(ahead), now=lambda: NOW))
    chosen = settings.load(api_base_url="https://tenant.example", token="t" * 20, retries=0)
    assert await doctor.examine(chosen) == 0
    assert words in capsys.readouterr().out


def test_a_date_that_is_none_says_nothing() -> None:
    skew = clock_skew.ClockSkew()
    for date in ("", "yesterday", "Tue, 99 Nov 2026 08:00:00 GMT"):
        skew.observe({"date": date}, NOW)
    assert skew.seconds is None
    assert not skew.note
