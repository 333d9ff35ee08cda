"""Two replicas behind nginx with Redis, as deployed, on this machine: `python -m tests.replicas`.

Starts a simulated tenant, redis-server, two servers and nginx with deploy/nginx.conf, then drives them with real MCP
clients of both eras: any call may reach any replica, codes hold across them and once, of the last two copies one stays,
a replica may go and come back, Redis may hang, die within a plan and come back, and both write one audit log.
Needs nginx and redis-server (Debian: apt install nginx-light redis-server) and the extra `redis`. Takes two minutes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import audit_verify, codes
from tests.support.results import CODE, code_in, text_of

ROOT = Path(__file__).parents[1]
TOKEN = "operator-" + secrets.token_hex(16)
KEYS = ("the-first-key-of-these-replicas", "the-second-key-of-these-replicas")
CALLS = 40
NOTICED = 3  # seconds until nginx tries a replica again that was away (fail_timeout)


def program(name: str) -> str | None:
    """A program where people or Debian put it."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def process(*command: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block; its output goes to a file, and what it keeps into a directory beside."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("GREENLAKE_", "OTEL_"))}
    inherited["GREENLAKE_MCP_STATE_DIR"] = str(log.with_suffix(".state"))
    with log.open("ab") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, env=inherited | environment)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
            try:
                running.wait(40)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def answering(port: int, seconds: float = 120) -> None:
    """Wait until a port is listened on."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"Nothing listens on port {port} after {seconds:.0f} s.") from None
            time.sleep(0.05)


@dataclass
class Replica:
    """One server: how it is started, and what its log tells."""

    name: str
    port: int
    directory: Path
    environment: dict[str, str]
    running: subprocess.Popen[bytes] | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.log"

    def start(self, **more: str) -> None:
        command = [sys.executable, "-m", "greenlake_backup_mcp", "serve", "--http", f"127.0.0.1:{self.port}"]
        self.running = self._stack.enter_context(process(*command, log=self.log, **{**self.environment, **more}))
        answering(self.port)

    def end(self) -> int:
        """Tell it to end; its exit status."""
        assert self.running
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(40)

    def close(self) -> None:
        self._stack.close()

    def calls(self) -> int:
        """How many calls it has answered."""
        return len(re.findall(r" call tool=", self.log.read_text(encoding="utf-8")))


@dataclass
class Redis:
    """The redis-server, which may hang, be killed and be started anew on its port; nothing of it is on disk."""

    port: int
    directory: Path
    stack: ExitStack
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(program("redis-server")), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        started = process(*command, "--dir", str(self.directory), log=self.directory / "redis.log")
        self.running = self.stack.enter_context(started)
        answering(self.port)

    def send(self, sign: signal.Signals) -> None:
        assert self.running
        self.running.send_signal(sign)
        if sign is signal.SIGKILL:
            self.running.wait()


@dataclass
class Place:
    """All that runs."""

    url: str
    root: str
    replicas: list[Replica]
    store: Redis
    audit: Path
    failed: list[str] = field(default_factory=list)

    def check(self, what: str, good: bool, text: object = "") -> None:
        print(f"{'ok' if good else 'FAILED':>7}  {what}{f' ({text})' if text else ''}", flush=True)
        if not good:
            self.failed.append(what)

    @asynccontextmanager
    async def client(self, mode: str = "auto", port: int = 0, **options: Any) -> AsyncIterator[Client]:
        """A client of any replica, or of the one at a port."""
        url = f"http://127.0.0.1:{port}/mcp" if port else self.url
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode, **options) as client,
        ):
            yield client


@contextmanager
def place(directory: Path) -> Iterator[Place]:
    """Everything started, in the order in which it needs each other."""
    nginx = program("nginx")
    assert nginx
    tenant_port, redis_port, front = free_port(), free_port(), free_port()
    ports = [free_port(), free_port()]
    tokens = directory / "tokens.json"
    tokens.write_text(json.dumps({"tokens": [{"name": "operator", "role": "destroy", "token": TOKEN}]}))
    tokens.chmod(0o600)
    shared = {
        "GREENLAKE_API_BASE_URL": f"http://127.0.0.1:{tenant_port}",
        "GREENLAKE_TOKEN_URL": f"http://127.0.0.1:{tenant_port}/as/token.oauth2",
        "GREENLAKE_CLIENT_ID": "demo",
        "GREENLAKE_CLIENT_SECRET": "demo-secret",
        "GREENLAKE_MCP_SECRET": KEYS[0],
        "GREENLAKE_MCP_TOKENS_FILE": str(tokens),
        "GREENLAKE_MCP_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "GREENLAKE_MCP_RATE": "60000",
        "GREENLAKE_MCP_BUDGET": "100000",  # for the list of VMs that the script chooses from
        "GREENLAKE_MCP_LOG_LEVEL": "info",
        "GREENLAKE_MCP_AUDIT_LOG": str(directory / "audit.jsonl"),
    }
    conf = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8").replace("listen 8080", f"listen 127.0.0.1:{front}")
    conf = conf.replace("/tmp/", f"{directory}/")  # noqa: S108
    for number, port in enumerate(ports, 1):
        conf = conf.replace(f"replica-{number}:8080", f"127.0.0.1:{port}")
    (directory / "nginx.conf").write_text(conf, encoding="utf-8")
    directory.chmod(0o755)  # nginx's workers are not root
    simulate = [sys.executable, "-m", "greenlake_backup_mcp", "simulate", "--port", str(tenant_port)]
    with ExitStack() as stack:
        stack.enter_context(process(*simulate, log=directory / "tenant.log"))
        store = Redis(redis_port, directory, stack)
        store.start()
        answering(tenant_port)
        replicas = []
        for number, port in enumerate(ports, 1):
            replicas.append(replica := Replica(f"replica-{number}", port, directory, shared))
            stack.callback(replica.close)
            replica.start()
        command = [nginx, "-c", str(directory / "nginx.conf"), "-p", str(directory), "-g", "daemon off;"]
        stack.enter_context(process(*command, log=directory / "nginx.log"))
        answering(front)
        root = f"http://127.0.0.1:{front}"
        yield Place(f"{root}/mcp", root, replicas, store, directory / "audit.jsonl")


# --- what must hold ---------------------------------------------------------------------------------------------------


async def doors(place: Place) -> None:
    async with httpx2.AsyncClient() as http:
        bare = await http.post(place.url, json={})
        place.check("without a token nobody gets in", bare.status_code == 401)
        foreign = await http.post(place.url, json={}, headers={"host": "evil.example"})
        place.check("a foreign Host is refused through nginx", foreign.status_code == 421)
        big = await http.post(place.url, content=b"x" * 2_000_000, headers={"authorization": f"Bearer {TOKEN}"})
        place.check("an oversized body is refused", big.status_code == 413)
        for replica in place.replicas:
            ready = await http.get(f"http://127.0.0.1:{replica.port}/readyz", headers={"host": "10.0.0.1"})
            place.check(f"{replica.name} is ready", ready.status_code == 200)


async def spread(place: Place) -> None:
    before = [replica.calls() for replica in place.replicas]
    async with place.client() as client:
        good = 0
        for _ in range(CALLS):
            good += not (await client.call_tool("list_protection_stores", {"limit": 1, "summary": "page"})).is_error
    shares = [replica.calls() - old for replica, old in zip(place.replicas, before, strict=True)]
    place.check("calls of one 2026-07-28 client reach both replicas", good == CALLS and min(shares) > 0, shares)


async def some_backups(client: Client, many: int) -> list[dict[str, str]]:
    """Backups that may be deleted: of VMs, not locked."""
    collected: list[dict[str, str]] = []
    machines = await client.call_tool("list_vms", {"output": "json", "limit": 400, "select": "id"})
    for machine in (machines.structured_content or {}).get("items", []):
        answer = await client.call_tool(
            "list_vm_backups", {"vmId": machine["id"], "output": "json", "limit": 5, "summary": "page"}
        )
        for backup in (answer.structured_content or {}).get("items", []):
            if not backup.get("lockedUntil") and backup.get("state") == "OK":
                collected.append({"vmId": machine["id"], "backupId": backup["id"]})
                break
        if len(collected) >= many:
            return collected
    raise SystemExit(f"The simulated tenant has only {len(collected)} backups to delete.")


async def copies_of_one(client: Client) -> list[dict[str, str]]:
    """All copies of a VM that has few of them, none locked: the arguments of their deletes, and the kind of each."""
    machines = await client.call_tool("list_vms", {"output": "json", "limit": 400, "select": "id"})
    for machine in (machines.structured_content or {}).get("items", []):
        copies = []
        for kind in ("backup", "snapshot"):
            asked = {"vmId": machine["id"], "output": "json", "limit": 40}
            answer = await client.call_tool(f"list_vm_{kind}s", asked)
            copies += [{**copy, "kind": kind} for copy in (answer.structured_content or {}).get("items", [])]
        if 2 < len(copies) < 9 and all(copy.get("state") == "OK" and not copy.get("lockedUntil") for copy in copies):
            return [{"vmId": machine["id"], f"{c['kind']}Id": c["id"], "kind": c["kind"]} for c in copies]
    raise SystemExit("No VM of the simulated tenant has few copies that may all be deleted.")


async def consent(place: Place, backups: list[dict[str, str]]) -> None:
    outcome: Counter[str] = Counter()
    async with place.client() as client:
        for backup in backups:
            preview = text_of(await client.call_tool("delete_vm_backup", {**backup, "confirm": "preview"}))
            code = CODE.search(preview)
            if code is None:
                outcome[f"no code: {preview[:80]}"] += 1
                continue
            done = text_of(await client.call_tool("delete_vm_backup", {**backup, "confirm": code[1]}))
            outcome["refused" if "REFUSED" in done else "done"] += 1
            again = text_of(await client.call_tool("delete_vm_backup", {**backup, "confirm": code[1]}))
            outcome["twice" if again.startswith("Done") else "once"] += 1
    good = outcome == {"done": len(backups), "once": len(backups)}
    place.check("codes of one replica hold on the other, and once", good, dict(outcome))


async def question(place: Place, backup: dict[str, str], mode: str) -> None:
    asked: list[str] = []

    async def answer(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    async with place.client(mode, elicitation_callback=answer) as client:
        preview = text_of(await client.call_tool("delete_vm_backup", {**backup, "confirm": "preview"}))
        code = CODE.search(preview)
        done = await client.call_tool("delete_vm_backup", {**backup, "confirm": code[1] if code else ""})
        version = client.protocol_version
    place.check(f"the person is asked and answers ({version})", bool(asked) and not done.is_error)


async def race(place: Place, backup: dict[str, str]) -> None:
    async with place.client() as client:
        preview = text_of(await client.call_tool("delete_vm_backup", {**backup, "confirm": "preview"}))
    code = CODE.search(preview)
    collected: list[str] = []

    async def use() -> None:
        async with place.client() as client:
            result = await client.call_tool("delete_vm_backup", {**backup, "confirm": code[1] if code else ""})
            collected.append("refused" if result.is_error else "done")

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(use)
    place.check(
        "of ten uses of a code at the same place one is carried out", collected.count("done") == 1, Counter(collected)
    )


async def sessions(place: Place) -> None:
    before = [replica.calls() for replica in place.replicas]
    async with place.client("legacy") as client:
        good = 0
        for _ in range(CALLS):
            good += not (await client.call_tool("list_protection_stores", {"limit": 1, "summary": "page"})).is_error
    shares = sorted(replica.calls() - old for replica, old in zip(place.replicas, before, strict=True))
    place.check("a session of an earlier client stays with one replica", shares == [0, CALLS], shares)


async def rolling(place: Place) -> None:
    """Each replica goes and comes back with a new key, while a client goes on calling."""
    results: Counter[str] = Counter()
    stop = anyio.Event()

    async def calling() -> None:
        while not stop.is_set():
            try:
                async with place.client() as client:
                    for _ in range(10):
                        result = await client.call_tool("list_protection_stores", {"limit": 1, "summary": "page"})
                        results["error" if result.is_error else "answered"] += 1
            except (MCPError, httpx2.HTTPError, ExceptionGroup) as error:
                results[type(error).__name__] += 1

    statuses = []
    first, second = KEYS
    async with anyio.create_task_group() as group:
        group.start_soon(calling)
        for keys in (f"{first},{second}", f"{second},{first}", second):
            for replica in place.replicas:
                statuses.append(await anyio.to_thread.run_sync(replica.end))
                await anyio.to_thread.run_sync(partial(replica.start, GREENLAKE_MCP_SECRET=keys))
                await anyio.sleep(NOTICED)
        stop.set()
    good = set(results) == {"answered"} and set(statuses) == {0}
    place.check("replicas are restarted with rotated keys under load, no call is lost", good, dict(results))


async def last_two(place: Place, copies: list[dict[str, str]]) -> None:
    """All copies of an asset but two go; then each replica is told, at once, to delete one of those."""
    calls: list[dict[str, Any]] = [{"tool": f"delete_vm_{copy.pop('kind')}", "arguments": copy} for copy in copies]
    async with AsyncExitStack() as stack:
        sides = [await stack.enter_async_context(place.client(port=replica.port)) for replica in place.replicas]
        previews = [text_of(await sides[0].call_tool("run_plan", {"calls": calls[2:], "confirm": "preview"}))]
        await ended(
            sides[0], await sides[0].call_tool("run_plan", {"calls": calls[2:], "confirm": code_in(previews[0])})
        )
        asked = [{**call["arguments"], "confirm": "preview"} for call in calls[:2]]
        previews = [
            text_of(await side.call_tool(call["tool"], arguments))
            for side, call, arguments in zip(sides, calls, asked, strict=False)
        ]
        answers: list[str] = []

        async def use(side: Client, call: dict[str, Any], code: str) -> None:
            answers.append(text_of(await side.call_tool(call["tool"], {**call["arguments"], "confirm": code})))

        async with anyio.create_task_group() as group:
            for side, call, preview in zip(sides, calls, previews, strict=False):
                group.start_soon(use, side, call, code_in(preview))
    refused = [text for text in answers if text.startswith("REFUSED")]
    place.check(
        "of the last two copies two replicas delete one",
        len(refused) == 1 and "LAST" in refused[0],
        previews[0].count("LAST"),
    )


async def ended(client: Client, result: Any) -> str:
    """The text of a plan after its end."""
    while plan := re.search(r"It goes on by itself \(id ([^)]+)\)", text_of(result)):
        result = await client.call_tool("wait_for_task", {"taskId": plan[1]})
    return text_of(result)


async def redis_goes(place: Place, backups: list[dict[str, str]]) -> None:
    """Redis hangs, dies in the middle of a plan, and comes back without its memory."""
    single, *plan = backups
    calls = [{"tool": "delete_vm_backup", "arguments": one} for one in plan]
    async with place.client() as client:

        async def call(tool: str, **arguments: Any) -> Any:
            return await client.call_tool(tool, arguments)

        database = (await call("list_mssql_databases", output="json", limit=1, select="id")).structured_content[
            "items"
        ][0]
        code = code_in(text_of(await call("delete_vm_backup", **single, confirm="preview")))
        for words, gone, back in (
            ("Redis that hangs", partial(place.store.send, signal.SIGSTOP), partial(place.store.send, signal.SIGCONT)),
            ("a killed Redis", partial(place.store.send, signal.SIGKILL), place.store.start),
        ):
            gone()
            gated = text_of(await call("delete_vm_backup", **single, confirm=code))
            place.check(
                f"with {words} nothing is confirmed", "Nothing was sent" in gated and "Redis" in gated, gated[:90]
            )
            good = [
                await call("list_protection_stores", limit=1),
                await call("refresh_mssql_database", mssqlDatabaseId=database["id"]),
            ]
            place.check(f"with {words} reads and what needs no consent go on", not any(one.is_error for one in good))
            back()
        answer = await call("delete_vm_backup", **single, confirm=code)
        place.check("after Redis is back the same code holds", not answer.is_error, text_of(answer)[:60])
        code = code_in(text_of(await call("run_plan", calls=calls, confirm="preview")))

        async def killing(progress: float, total: float | None, message: str | None) -> None:
            if message and re.match(r"call \d+ of|\d+ of", message):
                place.store.send(signal.SIGKILL)

        result = await client.call_tool("run_plan", {"calls": calls, "confirm": code}, progress_callback=killing)
        text = await ended(client, result)
        place.check(
            "a plan under way sends nothing more once Redis is gone",
            "refused" in text and "not tried" in text,
            text.splitlines()[0],
        )
        place.store.start()


def record(place: Place) -> None:
    """The one file that both replicas wrote, over all their restarts."""
    keys = [codes.keys(settings.load(secret=secret, demo=True), "audit log")[0] for secret in KEYS]
    report = audit_verify.verify([place.audit], keys)
    place.check("two replicas made one chain of one audit log", not report.problems, f"{report.lines} lines")
    place.check("each request in it has its outcome", not report.waiting, [line["tool"] for line in report.waiting])


async def examine(place: Place) -> None:
    await doors(place)
    await spread(place)
    async with place.client() as client:
        await last_two(place, await copies_of_one(client))
        backups = await some_backups(client, 24)
    await consent(place, backups[:10])
    await question(place, backups[10], "auto")
    await question(place, backups[11], "legacy")
    await race(place, backups[12])
    await sessions(place)
    await rolling(place)
    await redis_goes(place, backups[13:])
    record(place)


def main() -> int:
    missing = [name for name in ("nginx", "redis-server") if program(name) is None]
    if missing:
        print(f"Missing: {', '.join(missing)}. On Debian: apt install nginx-light redis-server")
        return 2
    with tempfile.TemporaryDirectory(prefix="replicas-") as directory, place(Path(directory)) as rig:
        anyio.run(examine, rig)
        if rig.failed:
            remaining = Path(tempfile.mkdtemp(prefix="replicas-logs-"))
            for log in Path(directory).glob("*.log"):
                shutil.copy(log, remaining)
            print(f"{len(rig.failed)} failed; the logs are in {remaining}")
    return 1 if rig.failed else 0


if __name__ == "__main__":
    sys.exit(main())
