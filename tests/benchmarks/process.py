"""A server process spoken to in bare JSON-RPC, so that no client's own cost is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OURS = [sys.executable, "-m", "greenlake_backup_mcp", "serve"]
EMPTY = [sys.executable, "-m", "tests.benchmarks.empty_server"]
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}


@dataclass
class Process:
    """A running server; `ask` waits for the answer to one request."""

    popen: subprocess.Popen[bytes]
    asked: int = field(default=0)

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        self._send({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params})
        assert self.popen.stdout
        while line := self.popen.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") == self.asked:
                return dict(answer)
        raise RuntimeError("the server ended without an answer")

    def ask_at_once(self, number: int, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers to so many requests sent without waiting for any."""
        first, self.asked = self.asked + 1, self.asked + number
        for ident in range(first, self.asked + 1):
            self._send({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})
        assert self.popen.stdout
        answers: list[dict[str, Any]] = []
        while len(answers) < number:
            answer = json.loads(self.popen.stdout.readline())
            answers += [answer] if "id" in answer else []
        return answers

    def processor_ms(self) -> float:
        """Milliseconds of processor time that the threads of the process have used so far (Linux)."""
        threads = Path(f"/proc/{self.popen.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="utf-8").split()[0]) for thread in threads) / 1e6

    def hello(self) -> None:
        self.ask("initialize", HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def peak_mib(self) -> float:
        """Peak resident memory so far, in MiB (Linux)."""
        with open(f"/proc/{self.popen.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def _send(self, message: dict[str, Any]) -> None:
        assert self.popen.stdin
        self.popen.stdin.write(json.dumps(message).encode() + b"\n")
        self.popen.stdin.flush()


@contextmanager
def started(command: list[str], **environment: str) -> Iterator[Process]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GREENLAKE_")}
    with tempfile.TemporaryDirectory() as state:
        env = {**clean, "GREENLAKE_MCP_STATE_DIR": state, **environment}
        popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )
        try:
            yield Process(popen)
        finally:
            assert popen.stdin
            popen.stdin.close()
            popen.wait(timeout=10)


def cold_list_ms(command: list[str], **environment: str) -> float:
    """Milliseconds from starting the process to the complete first tools/list."""
    begin = time.perf_counter()
    with started(command, **environment) as process:
        process.hello()
        process.ask("tools/list", {})
        return (time.perf_counter() - begin) * 1000
