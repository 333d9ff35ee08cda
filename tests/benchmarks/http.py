"""Calls a second over HTTP: one replica beside a bare SDK server with the same upstream call, and two behind nginx."""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.replicas import ROOT, answering, free_port, process, program

from . import load

LEVELS = (1, 32, 256)
ROUNDS = 3
SECONDS = 4.0


def main() -> None:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-http-")))
        directory.chmod(0o755)
        place = Place(stack, directory)
        single(place)
        double(place)


class Place:
    """The processes of a run, started once."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self.stack, self.directory = stack, directory
        self.pids: dict[int, int] = {}
        self.token = directory / "token"
        self.token.write_text(secrets.token_hex(20), encoding="utf-8")
        entry = {"name": "bench", "role": "read", "token": self.token.read_text(encoding="utf-8")}
        self.tokens = directory / "tokens.json"
        self.tokens.write_text(json.dumps({"tokens": [entry]}), encoding="utf-8")
        self.tokens.chmod(0o600)
        self.upstream = self.start([sys.executable, "-m", "tests.benchmarks.load", "upstream"])

    def start(self, command: list[str], name: str = "process", **environment: str) -> int:
        port = free_port()
        running = [*command, str(port)]
        started = process(*running, log=self.directory / f"{name}.log", **environment)
        self.pids[port] = self.stack.enter_context(started).pid
        answering(port)
        return port

    def bare(self) -> int:
        url = f"http://127.0.0.1:{self.upstream}{load.RESOURCE}"
        return self.start([sys.executable, "-m", "tests.benchmarks.bare_http", url], "bare")

    def ours(self) -> int:
        return self.start(
            [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--http"],
            "ours",
            GREENLAKE_API_BASE_URL=f"http://127.0.0.1:{self.upstream}",
            GREENLAKE_TOKEN="t",
            GREENLAKE_MCP_SECRET="s" * 32,
            GREENLAKE_MCP_TOKENS_FILE=str(self.tokens),
            GREENLAKE_MCP_RATE="100000000",
            GREENLAKE_MCP_CONCURRENCY="64",
        )

    def nginx(self, *ports: int) -> int:
        front = free_port()
        conf = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8").replace("/tmp/", f"{self.directory}/")  # noqa: S108
        conf = conf.replace("listen 8080", f"listen 127.0.0.1:{front}").replace("nginx.pid", f"nginx-{front}.pid")
        for number in (1, 2):
            conf = conf.replace(f"replica-{number}:8080", f"127.0.0.1:{ports[(number - 1) % len(ports)]}")
        if len(ports) == 1:  # the second server line of each upstream goes
            lines, seen = [], set()
            for line in conf.splitlines():
                if line.startswith("    upstream"):
                    seen.clear()
                if "server 127" in line and line in seen:
                    continue
                seen.add(line)
                lines.append(line)
            conf = "\n".join(lines)
        path = self.directory / f"nginx-{front}.conf"
        path.write_text(conf, encoding="utf-8")
        command = [str(program("nginx")), "-c", str(path), "-p", str(self.directory), "-g", "daemon off;"]
        self.stack.enter_context(process(*command, log=self.directory / "nginx.log"))
        answering(front)
        return front

    def measured(self, port: int, number: int, servers: tuple[int, ...]) -> load.Result:
        command = [sys.executable, "-m", "tests.benchmarks.load", "clients", str(port), str(self.token)]
        before = self.cpu_ms(servers)
        found = subprocess.run([*command, str(number), str(SECONDS)], capture_output=True, text=True, check=True)
        result = load.Result(**json.loads(found.stdout))
        return replace(result, cpu=(self.cpu_ms(servers) - before) / max(1, result.calls))

    def cpu_ms(self, ports: tuple[int, ...]) -> float:
        """The CPU time that the servers on these ports have used (Linux)."""
        ticks = 0
        for port in ports:
            fields = Path(f"/proc/{self.pids[port]}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def compared(place: Place, number: int, sides: dict[str, tuple[int, tuple[int, ...]]]) -> dict[str, load.Result]:
    """Medians of interleaved rounds, so that a busy moment of the machine hits all sides."""
    rounds: dict[str, list[load.Result]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, (port, servers) in sides.items():
            rounds[name].append(place.measured(port, number, servers))

    def median(name: str, of: Callable[[load.Result], Any]) -> Any:
        return statistics.median(of(result) for result in rounds[name])

    return {
        name: load.Result(
            median(name, lambda r: r.rate),
            median(name, lambda r: r.p95),
            max(r.errors for r in found),
            cpu=median(name, lambda r: r.cpu),
        )
        for name, found in rounds.items()
    }


def told(result: load.Result) -> str:
    errors = f", {result.errors} ERRORS" if result.errors else ""
    return f"{result.rate:,.0f} calls/s, p95 {result.p95:.1f} ms, CPU {result.cpu:.2f} ms a call{errors}"


def single(place: Place) -> None:
    bare, ours = place.bare(), place.ours()
    print(f"One replica (tokens on) and a bare SDK server, same upstream call, median of {ROUNDS} × {SECONDS:.0f} s:")
    for number in LEVELS:
        found = compared(place, number, {"bare": (bare, (bare,)), "ours": (ours, (ours,))})
        share, cpu = found["ours"].rate / found["bare"].rate, found["bare"].cpu / found["ours"].cpu
        print(f"  {number:>3} clients: bare {told(found['bare'])}")
        print(f"               ours {told(found['ours'])}; {share:.0%} of its rate, {cpu:.0%} by CPU", flush=True)


def double(place: Place) -> None:
    if program("nginx") is None:
        print("Two replicas: needs nginx")
        return
    first, second = place.ours(), place.ours()
    one, two = place.nginx(first), place.nginx(first, second)
    print(f"Behind nginx, {os.cpu_count()} cores for clients, nginx, replicas and upstream together:")
    for number in LEVELS[1:]:
        found = compared(place, number, {"one": (one, (first,)), "two": (two, (first, second))})
        share = found["two"].rate / found["one"].rate
        print(f"  {number:>3} clients: one {told(found['one'])}")
        print(f"               two {told(found['two'])}; × {share:.2f}", flush=True)


if __name__ == "__main__":
    main()
