"""Log lines: one per call, with what an operator needs and no secret, no argument, no name of the tenant."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.faults.script import Faults, fault
from greenlake_backup_mcp.simulator.server.app import create_app
from tests.conftest import ticking

MARKED = ("MARKED-CLIENT-SECRET", "MARKED-KEY-OF-MANY-LETTERS", "MARKED-PASSWORD", "MARKED-NAME")


async def calls(*made: tuple[str, dict[str, Any]], **faults: Any) -> list[Any]:
    app = create_app(now=ticking, scale=100_000)
    if faults:
        app.state.script.set(Faults((fault(**faults),)))
    inputs = settings.load(demo=True, retries=1, secret=MARKED[1])
    async with Client(mcp_server.create(inputs, app=app, now=ticking)) as client:
        return [await client.call_tool(name, arguments) for name, arguments in made]


async def test_each_call_is_one_line_with_duration_and_requests(capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("info", as_json=True)
    await calls(("list_protection_stores", {"summary": "page"}), ("get_vm", {}))
    answered, wrong = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (answered["tool"], answered["outcome"], answered["level"]) == ("list_protection_stores", "answered", "info")
    assert answered["ms"] >= 0
    assert answered["requests"] >= 1
    assert (wrong["outcome"], wrong["level"], wrong["requests"]) == ("input", "warning", 0)


async def test_a_refusal_carries_the_debug_id_that_support_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("info")
    result = (await calls(("list_protection_stores", {"summary": "page"}), kind="status", status=500, path="*stores"))[
        0
    ]
    (line,) = capsys.readouterr().err.splitlines()
    (debug_id,) = re.findall(r"debug_id=(\S+)", line)
    assert debug_id in "".join(part.text for part in result.content)


async def test_a_repeated_request_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("info", as_json=True)
    await calls(("list_protection_stores", {"summary": "page"}), kind="status", status=503, path="*stores")
    (line,) = (json.loads(text) for text in capsys.readouterr().err.splitlines())
    assert (line["repeated"], line["outcome"]) == (1, "answered")


async def test_no_marked_secret_or_name_reaches_a_log_line_or_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("debug")
    host = {"hostname": "db.example.com", "username": MARKED[3], "password": MARKED[2]}
    results = await calls(
        ("list_vms", {"filter": f"name eq '{MARKED[3]}'"}),
        ("create_application_host", host),
        ("get_vm", {"vmId": MARKED[3]}),
        ("list_protection_stores", {}),
    )
    lines = capsys.readouterr().err
    for mark in MARKED:
        assert mark not in lines
    answer = "".join(part.text for result in results for part in result.content)
    assert MARKED[1] not in answer
    assert MARKED[2] not in answer
    assert "simulated-token" not in answer + lines
    assert "demo-secret" not in answer + lines


def test_an_exception_is_told_by_kind_and_place_and_never_by_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("debug")
    try:
        raise ValueError(MARKED[2])
    except ValueError:
        call_log.LOGGER.warning("fault", exc_info=True)
    line = capsys.readouterr().err
    assert "error=ValueError" in line
    assert "at=tests.unit.test_call_log:" in line
    assert MARKED[2] not in line


@pytest.mark.parametrize("as_json", [True, False])
def test_a_line_stays_one_line_whatever_it_holds(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("info", as_json=as_json)
    with call_log.call("a\nb\x1b[31m\u202e"):
        pass
    rendered = capsys.readouterr().err
    assert rendered.count("\n") == 1
    assert rendered.isascii()


async def test_a_call_that_is_given_up_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    call_log.configure("info")
    with pytest.raises(KeyboardInterrupt), call_log.call("x"):
        raise KeyboardInterrupt
    assert "outcome=cancelled" in capsys.readouterr().err


def test_nothing_is_logged_by_libraries_that_would_carry_urls() -> None:
    call_log.configure("debug")
    assert all(not logging.getLogger(name).isEnabledFor(logging.ERROR) for name in ("httpx2", "httpcore2"))
