"""Calls a second over HTTP: one replica beside bare SDK servers with the same upstream call, and two behind nginx.

Rounds are interleaved, and a share is the median of each round's own: a busy moment of the machine hits all sides. CPU
time a call is told too, of every process that takes part; on few cores it says where the limit is.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.replicas import ROOT, answering, free_port, process, program

from . import load

LEVELS = (1, 32, 256)
ROUNDS = 5
SECONDS = 3.0


def main() -> None:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-http-")))
        directory.chmod(0o755)
        place = Place(stack, directory)
        single(place)
        double(place)


@dataclass(frozen=True)
class Side:
    """What is called in a comparison: a port, and the ports of the servers that do the work."""

    port: int
    servers: tuple[int, ...]
    front: int | None = None  # nginx, where there is one


@dataclass(frozen=True)
class Round:
    """A measurement, and the milliseconds of CPU that a call took of each kind of process."""

    result: load.Result
    cpu: Mapping[str, float]


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

    def bare(self, token: str) -> Side:
        url = f"http://127.0.0.1:{self.upstream}{load.RESOURCE}"
        port = self.start([sys.executable, "-m", "tests.benchmarks.bare_http", url, token], "bare")
        return Side(port, (port,))

    def own_side(self) -> Side:
        port = self.start(
            [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--http"],
            "ours",
            GREENLAKE_API_BASE_URL=f"http://127.0.0.1:{self.upstream}",
            GREENLAKE_TOKEN=load.TOKEN,
            GREENLAKE_MCP_SECRET="s" * 32,
            GREENLAKE_MCP_TOKENS_FILE=str(self.tokens),
            GREENLAKE_MCP_RATE="100000000",
            GREENLAKE_MCP_CONCURRENCY="64",
        )
        return Side(port, (port,))

    def nginx(self, *replicas: Side) -> Side:
        """The replicas behind nginx as it is deployed."""
        front, ports = free_port(), [replica.port for replica in replicas]
        conf = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8").replace("/tmp/", f"{self.directory}/")  # noqa: S108
        conf = conf.replace("listen 8080", f"listen 127.0.0.1:{front}").replace("nginx.pid", f"nginx-{front}.pid")
        for number in (1, 2):
            conf = conf.replace(f"replica-{number}:8080", f"127.0.0.1:{ports[(number - 1) % len(ports)]}")
        if len(ports) == 1:  # the second server line of each upstream goes
            lines: list[str] = []
            seen: set[str] = set()
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
        self.pids[front] = self.stack.enter_context(process(*command, log=self.directory / "nginx.log")).pid
        answering(front)
        return Side(front, tuple(ports), front)

    def measured(self, side: Side, number: int) -> Round:
        command = [sys.executable, "-m", "tests.benchmarks.load", "clients", str(side.port), str(self.token)]
        kinds = {"servers": side.servers, "upstream": (self.upstream,), "nginx": (side.front,) if side.front else ()}
        before = {kind: self.cpu_ms(ports) for kind, ports in kinds.items()}
        actual = subprocess.run([*command, str(number), str(SECONDS)], capture_output=True, text=True, check=True)
        result = load.Result(**json.loads(actual.stdout))
        calls = max(1, result.calls)
        cpu = {kind: (self.cpu_ms(ports) - before[kind]) / calls for kind, ports in kinds.items()}
        return Round(result, {**cpu, "clients": result.own / calls})

    def cpu_ms(self, ports: Iterable[int]) -> float:
        """The CPU time that the servers on these ports and their workers have used (Linux)."""
        ticks = 0
        for pid in (self.pids[port] for port in ports):
            workers = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
            for each in (str(pid), *workers):
                fields = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def compared(place: Place, number: int, sides: Mapping[str, Side]) -> dict[str, list[Round]]:
    """Interleaved rounds, each beginning with another side."""
    rounds: dict[str, list[Round]] = {name: [] for name in sides}
    for turn in range(ROUNDS):
        names = [*sides][turn % len(sides) :] + [*sides][: turn % len(sides)]
        for name in names:
            rounds[name].append(place.measured(sides[name], number))
    return rounds


def cpu(rounds: Iterable[Round], kind: str) -> float:
    return statistics.median(each.cpu[kind] for each in rounds)


def share(ones: list[Round], others: list[Round]) -> float:
    """How much of the others' rate: the median of each round's own share."""
    return statistics.median(one.result.rate / other.result.rate for one, other in zip(ones, others, strict=True))


def table(rounds: list[Round]) -> str:
    rate, p95 = (statistics.median(getattr(each.result, what) for each in rounds) for what in ("rate", "p95"))
    errors = sum(each.result.errors for each in rounds)
    wrong = f", {errors} ERRORS" if errors else ""
    return f"{rate:,.0f} calls/s, p95 {p95:.1f} ms, CPU {cpu(rounds, 'servers'):.2f} ms a call{wrong}"


def single(place: Place) -> None:
    sides = {"bare": place.bare(str(place.token)), "bare, no login": place.bare("-"), "ours": place.own_side()}
    print(f"One replica with logins, and bare SDK servers; same upstream call, {ROUNDS} × {SECONDS:.0f} s each:")
    for number in LEVELS:
        actual = compared(place, number, sides)
        for name, rounds in actual.items():
            print(f"  {number:>3} clients: {name:<15} {table(rounds)}")
        for name in ("bare", "bare, no login"):
            by_cpu = cpu(actual[name], "servers") / cpu(actual["ours"], "servers")
            print(
                f"      ours to {name}: {share(actual['ours'], actual[name]):.0%} by rate, {by_cpu:.0%} by CPU",
                flush=True,
            )


def double(place: Place) -> None:
    if program("nginx") is None:
        print("Two replicas: needs nginx")
        return
    first, second = place.own_side(), place.own_side()
    sides = {"one": place.nginx(first), "two": place.nginx(first, second)}
    cores = os.cpu_count() or 1
    print(f"Behind nginx, {cores} cores for clients, nginx, replicas and upstream together:")
    for number in LEVELS[1:]:
        actual = compared(place, number, sides)
        for name, rounds in actual.items():
            parts = {kind: cpu(rounds, kind) for kind in ("nginx", "clients", "upstream")}
            others = ", ".join(f"{kind} {ms:.2f}" for kind, ms in parts.items())
            print(f"  {number:>3} clients: {name} {table(rounds)}; {others}")
        # one replica has a core for itself, the others share the rest; two have what all leave of the cores
        replica = cpu(actual["two"], "servers")
        whole = replica + sum(cpu(actual["two"], kind) for kind in ("nginx", "clients", "upstream"))
        most = min(2.0, cores * replica / whole)
        times = share(actual["two"], actual["one"])
        print(f"               × {times:.2f}; by CPU at most × {most:.2f} on {cores} cores", flush=True)


if __name__ == "__main__":
    main()
