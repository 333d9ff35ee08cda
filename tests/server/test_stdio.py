"""The stdio transport of a real process: every line is answered, whoever does not read, and one signal is enough."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.results import code_in

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GREENLAKE_")}
SERVE = [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--demo"]
GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
HALF = '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"list_vms","arguments":{"where":"\\ud83d"}}}'
PING = '{"jsonrpc":"2.0","id":%s,"method":"ping"}'


def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def piped(*lines: str | dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The answers to lines that come all at once, with the end of input behind them; and stderr."""
    text = [line if isinstance(line, str) else json.dumps(line) for line in (GREETING, INITIALIZED, *lines)]
    content = "\n".join(text).encode("utf-8", "surrogatepass") + b"\n"
    done = subprocess.run(SERVE, input=content, capture_output=True, check=False, timeout=60, env=CLEAN)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


@contextmanager
def served(**options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that was greeted."""
    process = subprocess.Popen(SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=CLEAN, **options)
    with process:
        try:
            send(process, GREETING)
            assert answer(process)["id"] == 1
            send(process, INITIALIZED)
            yield process
        finally:
            process.kill()


def send(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


UNREADABLE: list[tuple[str, list[Any], str]] = [
    ("{broken", [None], "no JSON"),
    ('{"jsonrpc":"2.0",', [None], "no JSON"),
    (HALF, [9], "half a character"),
    ('"\\ud83d"', [None], "half a character"),
    (f"[{PING % 7},{PING % 8}]", [7, 8], "Batches are not served"),
    ("[]", [None], "Batches are not served"),
    ("[" * 100_000, [None], "too deep"),
    ('{"a":' * 100_000, [None], "too deep"),
    ("42", [None], "no message of JSON-RPC"),
    ('{"id":4,"method":"ping"}', [4], "no message of JSON-RPC"),
    ('{"jsonrpc":"2.0","id":4,"method":"ping","params":[1]}', [4], "no message of JSON-RPC"),
    (PING % "null", [None], "The id of a request"),
    (PING % "1.5", [None], "The id of a request"),
    (PING % "true", [None], "The id of a request"),
    (PING % ("9" * 60), [None], "The id of a request"),
    (PING % ('"' + "x" * 300 + '"'), [None], "The id of a request"),
    ('{"jsonrpc":"2.0","id":3,"result":5}', [None], "no answer of JSON-RPC"),
    ("x" * (5 * 1_048_576), [None], "at most 4,194,304 bytes"),
]


@pytest.fixture(scope="module")
def refusals() -> dict[str, list[dict[str, Any]]]:
    """What each line is answered with by one process that gets them all; every line is followed by a ping."""
    answers, errors = piped(*(part for n, (line, _, _) in enumerate(UNREADABLE) for part in (line, PING % (1000 + n))))
    refused = iter([one for one in answers if "error" in one])
    result = {line: list(itertools.islice(refused, len(answered))) for line, answered, _ in UNREADABLE}
    assert next(refused, None) is None
    assert {one["id"] for one in answers if "result" in one} == {1, *range(1000, 1000 + len(UNREADABLE))}
    assert errors.count("unreadable message") == sum(len(answered) for _, answered, _ in UNREADABLE)
    return result


@pytest.mark.parametrize(
    ("line", "answered", "words"), UNREADABLE, ids=lambda value: value[:30] if isinstance(value, str) else ""
)
def test_what_cannot_be_read_is_answered_at_once_and_logged(
    line: str, answered: list[Any], words: str, refusals: dict[str, list[dict[str, Any]]]
) -> None:
    assert [one["id"] for one in refusals[line]] == answered
    assert all(words in one["error"]["message"] for one in refusals[line])


def test_a_mark_of_the_byte_order_and_empty_lines_are_no_messages() -> None:
    answers, errors = piped("", "\ufeff" + PING % 5, "  ")
    assert [one["id"] for one in answers] == [1, 5]
    assert errors == ""


def test_calls_before_the_end_of_input_are_answered() -> None:
    answers, _ = piped(*(call(number, "list_vms", limit=1) for number in range(2, 8)))
    assert sorted(one["id"] for one in answers) == [1, 2, 3, 4, 5, 6, 7]
    assert all("400 VMs" in one["result"]["content"][0]["text"] for one in answers if one["id"] > 1)


def test_a_client_that_never_reads_stderr_loses_log_lines_and_no_answers() -> None:
    with served(stderr=subprocess.PIPE, pipesize=4096) as process:
        for number in range(2, 302 if sys.platform == "linux" else 1502):  # some 100 bytes of log each
            send(process, call(number, "get_vm", vmId=f"nobody-{number}"))
            assert answer(process)["result"]["isError"]
        send(process, {"jsonrpc": "2.0", "id": 2000, "method": "ping"})
        assert answer(process) == {"jsonrpc": "2.0", "id": 2000, "result": {}}


@pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("busy", [False, True])
def test_one_signal_ends_it_without_a_stack_trace(number: signal.Signals, busy: bool) -> None:
    with served(stderr=subprocess.PIPE) as process:
        if busy:
            send(process, call(2, "wait_for_task", taskId="00000000-0000-4000-8000-000000000000", seconds=3600))
            send(process, {"jsonrpc": "2.0", "id": 3, "method": "ping"})
            while answer(process)["id"] != 3:
                pass
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 128 + number
        assert b"Traceback" not in errors


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rpf", "true"], capture_output=True, check=False).returncode != 0
    if sys.platform == "linux"
    else True,
    reason="no process namespace can be made here",
)
@pytest.mark.parametrize("number", ["INT", "TERM"])
def test_a_signal_ends_it_as_process_1(number: str) -> None:
    command = ["unshare", "-rpf", "--kill-child", *SERVE]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=CLEAN)
    with process:
        send(process, GREETING)
        assert answer(process)["id"] == 1
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        subprocess.run(["kill", f"-{number}", children.stdout.strip()], check=True)
        process.wait(timeout=30)


def test_a_plan_stops_where_it_is_when_the_input_ends() -> None:
    with served() as process:

        def result(number: int, tool: str, **arguments: Any) -> Any:
            send(process, call(number, tool, **arguments))
            while (message := answer(process)).get("id") != number:
                pass
            return message["result"]

        jobs = result(2, "list_protection_jobs", limit=30, output="json", where="operational == 'ACTIVE'")
        jobs = [job["id"] for job in jobs["structuredContent"]["items"]]
        calls = [{"tool": "suspend_protection_job", "arguments": {"protectionJobId": job}} for job in jobs]
        preview = result(3, "run_plan", calls=calls, confirm="preview")["content"][0]["text"]
        plan = call(4, "run_plan", calls=calls, confirm=code_in(preview))
        plan["params"]["_meta"] = {"progressToken": "p"}
        send(process, plan)
        while f"call 1 of {len(calls)}" not in str(answer(process)):
            pass
        assert process.stdin is not None
        process.stdin.close()
        while (message := answer(process)).get("id") != 4:
            pass
        text = message["result"]["content"][0]["text"]
        assert "It was stopped: the client closed its end, with" in text
        assert f"{len(calls)}. suspend_protection_job" in text
        assert f"{len(calls)} done" not in text
        assert process.wait(30) == 0
