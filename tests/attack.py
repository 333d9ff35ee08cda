"""Attack on consent: `python -m tests.attack [N] [--jobs 1]` (default 100,000 calls) prints what got through: nothing.

Real clients of both protocol eras call every gated tool of the real server over the simulated tenant, whose own log of
requests is the witness. Ends with 1 if a request that changes something arrived without a code valid for exactly that
call, or if a valid one did not work exactly once.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import codes, proposals
from greenlake_backup_mcp.dispatch import arguments
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.server import app as mcp_server
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools.builtin import RUN_PLAN
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client as rest
from tests.support.gated_samples import HOLDERS, SOME_ID, Samples, gated, samples
from tests.support.results import CODE, text_of

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SECRET = "the key of the server under attack"
PLAN = re.compile(r'wait_for_task taskId="(plan-[0-9a-f]+)"')
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
HARMLESS = {"token", "ProtectionStoreGatewaySize", "ProtectionStoreGatewayPSGSize", "VmpgRestorePreCheckList"}
# 240 reads each: more rarely
HEAVY = ("delete_protection_store", "delete_storeonce", "delete_protection_store_gateway")
SPELL = 2000  # calls, of which the first are busy: valid codes, and what changes the tenant or begins a process
BUSY = 120
VALID_SHARE = 0.4  # of the busy calls
TENANT_LIFE = 150  # valid calls after which the tenant is a new one: they delete what the next would need


@dataclass(frozen=True)
class Victim:
    """A call with a code that holds for it."""

    tool: Tool
    arguments: dict[str, Any]
    code: str


@dataclass
class Clock:
    """The time of a tenant and of all servers before it, which stands still but for leaps."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """The time."""
        return START + self.ahead

    async def run(self) -> None:
        """Let time go on."""
        while True:
            self.ahead += timedelta(seconds=1)
            await anyio.sleep(0.02)


@dataclass
class Remembering:
    """A simulated tenant whose answers to reads are kept until something changes: a hundred times as fast."""

    app: Any
    clock: Clock
    answers: dict[tuple[str, bytes, datetime], list[Any]] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        key = (scope["path"], scope["query_string"], self.clock.now())
        if scope["method"] == "GET" and key in self.answers:
            for message in self.answers[key]:
                await send(message)
            return
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)
            await send(message)

        await self.app(scope, receive, keep)
        if scope["method"] == "GET":
            self.answers[key] = messages
        elif messages[0]["status"] < 400:  # what was refused changed nothing
            self.answers.clear()


@dataclass
class Field:
    """A tenant, the server under attack, one beside it with another key, and clients of both eras."""

    app: Remembering
    subjects: Samples
    clients: list[Client]
    stranger: Client
    full: Client  # of a replica whose disk is full: its record cannot be written
    stack: AsyncExitStack
    settings: settings.Settings
    api: rest.ApiClient
    clock: Clock
    victims: dict[str, Victim] = field(default_factory=dict)
    foreign: dict[tuple[str, str], str | None] = field(default_factory=dict)  # codes of others for the victims
    spent: list[Victim] = field(default_factory=list)

    def forget(self) -> None:
        """Codes may hold no longer: the tenant has changed, or time has gone on."""
        self.victims.clear()
        self.foreign.clear()

    def arrived(self) -> int:
        """The changing requests that the tenant logged since it was last asked."""
        log = self.app.app.state.tenant.requests
        # the other form of a request, tried once after a definite refusal (upstream/readings.py), is no second request
        # (nor is what was refused for its expired token, and repeated with a new one)
        writes = [r for r in log if r.method != "GET" and r.operation not in HARMLESS and r.status != 401]
        again = sum(
            a.status in (400, 415, 422) and (a.method, a.path) == (b.method, b.path) for a, b in pairwise(writes)
        )
        count = len(writes) - again
        log.clear()
        return count


@dataclass
class Score:
    """What was tried and what arrived, by kind; `wrong` are descriptions of what must not have happened."""

    tried: Counter[str] = field(default_factory=Counter)
    arrived: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)  # tools that no resource of the tenant allowed a code for
    wrong: list[str] = field(default_factory=list)


async def attack(calls: int, seed: int = 1, *, answer: Callable[[str], None] = lambda _line: None) -> Score:
    """Attack with so many calls; the same seed makes the same calls."""
    rng, score, tools = random.Random(seed), Score(), [*gated(), RUN_PLAN]
    number = turn = 0
    while number < calls:
        async with AsyncExitStack() as stack:
            current = await opened(stack, rng.randrange(1, 1000))
            valid = 0
            while number < calls and valid < TENANT_LIFE:
                tool = tools[turn % len(tools)]
                if tool.name in HEAVY and turn // len(tools) % 10:
                    turn += 1
                    continue
                busy = turn % SPELL < BUSY
                if busy and rng.random() < VALID_SHARE:
                    valid += await honest(current, tool, rng, score)
                else:
                    await hostile(current, tool, rng, score, busy=busy)
                turn += 1
                number = score.tried.total()
                if turn % 1000 == 0:
                    answer(f"{number:,} calls, {sum(score.arrived.values()):,} arrived, {len(score.wrong)} wrongly")
    return score


async def opened(stack: AsyncExitStack, seed: int) -> Field:
    """A field with a tenant of this seed."""
    clock = Clock()
    tenant = create_app(seed=seed, now=clock.now, scale=100_000)
    app = Remembering(tenant, clock)
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-")))
    inputs = settings.load(demo=True, wait=0, secret=SECRET, state_dir=place, rate=1_000_000)
    server = mcp_server.create(inputs, app=app, now=clock.now)
    clients = [await stack.enter_async_context(Client(server, mode=mode)) for mode in ("auto", "legacy")]
    other = mcp_server.create(
        settings.load(demo=True, wait=0, secret="another key entirely", state_dir=place / "other", rate=1_000_000),
        app=app,
        now=clock.now,
    )
    stranger = await stack.enter_async_context(Client(other))
    choked = inputs.model_copy(update={"audit_log": Path("/dev/full")})
    full = await stack.enter_async_context(Client(mcp_server.create(choked, app=app, now=clock.now)))
    api = await stack.enter_async_context(rest.connect(inputs, app=app, now=clock.now))
    return Field(app, await samples(api, 40), clients, stranger, full, stack, inputs, api, clock)


# --- calls ------------------------------------------------------------------------------------------------------------


async def call(current: Field, client: Client, tool: Tool, inputs: dict[str, Any]) -> str:
    """The text of an answer; a plan that goes on by itself is waited for, and time goes on with it."""
    text = text_of(await client.call_tool(tool.name, inputs))
    if plan := PLAN.search(text):
        async with anyio.create_task_group() as group:
            group.start_soon(current.clock.run)
            await client.call_tool("wait_for_task", {"taskId": plan[1], "seconds": 120})
            group.cancel_scope.cancel()
    return text


def sample(current: Field, tool: Tool, rng: random.Random) -> dict[str, Any] | None:
    """Valid arguments; those of a plan are three deletions."""
    if tool.name != RUN_PLAN.name:
        return current.subjects.arguments(tool, rng)
    deletes = [
        t for t in gated() if t.name in ("delete_vm_backup", "delete_vm_snapshot", "delete_mssql_database_backup")
    ]
    chosen = [(t, current.subjects.arguments(t, rng)) for t in deletes]
    return {"calls": [{"tool": t.name, "arguments": a} for t, a in chosen if a], "continueOnError": True}


async def victim(current: Field, tool: Tool, rng: random.Random, client: Client | None = None) -> Victim | None:
    """A call with a fresh code; None where no resource of the tenant allows one."""
    for _ in range(6):
        inputs = sample(current, tool, rng)
        if inputs is None:
            return None
        text = await call(current, client or rng.choice(current.clients), tool, {**inputs, "confirm": "preview"})
        if match := CODE.search(text):
            return Victim(tool, inputs, match[1])
    return None


async def held(current: Field, tool: Tool, rng: random.Random) -> Victim | None:
    """The victim kept for a tool."""
    if tool.name not in current.victims:
        fresh = await victim(current, tool, rng)
        if fresh is None:
            return None
        current.victims[tool.name] = fresh
    return current.victims[tool.name]


# --- hostile calls ----------------------------------------------------------------------------------------------------


def random_code(rng: random.Random) -> str:
    letters = "".join(rng.choices(LETTERS, k=8))
    return f"{letters[:4]}-{letters[4:]}"


def words(rng: random.Random) -> str:
    return rng.choice(
        ["", "yes", "YES", "ok", "confirm", "true", "Preview", "preview ", "null", "*", "1", "\x00", "%s"]
    )


def no_string(rng: random.Random) -> Any:
    return rng.choice([True, False, 0, 1, 1.5, ["preview"], {"code": "x"}, [], {}])


def garbage(rng: random.Random) -> str:
    return "".join(chr(rng.choice([*range(32, 127), 0x1F600, 0x202E, 0x41, 0x301])) for _ in range(rng.randrange(40)))


def truncated(rng: random.Random, code: str) -> str:
    cut = rng.randrange(1, 8)
    return rng.choice([code[:-cut], code[cut:], code[:cut] + code[cut + 1 :] if code[cut] != "-" else code[:-1]])


def altered(rng: random.Random, code: str) -> str:
    where = rng.choice([0, 1, 2, 3, 5, 6, 7, 8])
    return code[:where] + rng.choice(LETTERS.replace(code[where], "")) + code[where + 1 :]


PLAIN: dict[str, Callable[[random.Random, Victim], Any]] = {
    "random code": lambda rng, _: random_code(rng),
    "words": lambda rng, _: words(rng),
    "no string": lambda rng, _: no_string(rng),
    "garbage": lambda rng, _: garbage(rng),
    "truncated code": lambda rng, v: truncated(rng, v.code),
    "altered code": lambda rng, v: altered(rng, v.code),
}


async def hostile(current: Field, tool: Tool, rng: random.Random, score: Score, *, busy: bool) -> None:
    """One call that must not arrive."""
    target = await held(current, tool, rng)
    if target is None:
        score.without[tool.name] += 1
        return
    current.arrived()
    kind = rng.choice([kind for kind in (*PLAIN, *SPECIAL, "missing") if busy or kind not in LASTING])
    client = rng.choice(current.clients)
    if kind in PLAIN:
        await call(current, client, tool, {**target.arguments, "confirm": PLAIN[kind](rng, target)})
    elif kind == "missing":
        await call(current, client, tool, target.arguments)
    elif not await SPECIAL[kind](current, target, rng, client):
        return
    judge(current, score, kind, tool, expected=0)


def judge(current: Field, score: Score, kind: str, tool: Tool, *, expected: int) -> None:
    """Compare what arrived with what may."""
    count = current.arrived()
    score.tried[kind] += 1
    score.arrived[kind] += count
    score.tools[tool.name] += 1
    if count != expected:
        score.wrong.append(f"{kind}: {tool.name}: {count} requests instead of {expected}")
        current.forget()


async def stale(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    fresh = await victim(current, target.tool, rng)
    if fresh is None:
        return False
    current.clock.ahead += timedelta(seconds=rng.randrange(600, 20_000))
    current.forget()
    await call(current, client, fresh.tool, {**fresh.arguments, "confirm": fresh.code})
    return True


async def foreign_key(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    """A code that is right in all but the key it was made with."""
    code = await foreign_code(current, target, "key", code_of_stranger)
    if code is None or code == target.code:
        return False
    await call(current, client, target.tool, {**target.arguments, "confirm": code})
    return True


async def foreign_principal(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    """A code that is right in all but whom it was shown to, made with the server's own key."""
    if target.tool.name == RUN_PLAN.name:
        return False
    code = await foreign_code(current, target, "principal", code_for_somebody_else)
    assert code != target.code
    await call(current, client, target.tool, {**target.arguments, "confirm": code})
    return True


async def foreign_code(
    current: Field, target: Victim, kind: str, make: Callable[[Field, Victim], Awaitable[str | None]]
) -> str | None:
    """Another's code for the victim of a tool; made once for as long as that holds."""
    key = target.tool.name, kind
    if key not in current.foreign:
        current.foreign[key] = await make(current, target)
    return current.foreign[key]


async def code_of_stranger(current: Field, target: Victim) -> str | None:
    text = await call(current, current.stranger, target.tool, {**target.arguments, "confirm": "preview"})
    match = CODE.search(text)
    return match[1] if match else None


async def code_for_somebody_else(current: Field, target: Victim) -> str:
    existing = {t.name: t for t in here_tools()}
    inputs = arguments.prepare(target.tool, {**target.arguments, "confirm": "preview"})
    plain = {n: v for n, v in inputs.items() if n != "confirm"}
    there = await effects.read_target(
        current.api, existing, target.tool, inputs, arguments.build_request(target.tool, inputs)
    )
    weight = (await effects.describe_effect(current.api, target.tool, plain, there, current.clock.now())).binding_facts
    ring, slot = codes.keys(settings.load(demo=True, secret=SECRET)), codes.slot_of(current.clock.now())
    mine = codes.code(ring[0], codes.Call(target.tool.name, plain, proposals.NOBODY, there.state, weight), slot, 0)
    theirs = codes.code(ring[0], codes.Call(target.tool.name, plain, "somebody else", there.state, weight), slot, 0)
    assert mine != theirs
    return theirs


async def replayed(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    if not current.spent:
        return False
    used = rng.choice(current.spent)
    await call(current, client, used.tool, {**used.arguments, "confirm": used.code})
    return True


async def other_target(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    other = sample(current, target.tool, rng)
    if other is None or other == target.arguments:
        return False
    await call(current, client, target.tool, {**other, "confirm": target.code})
    return True


async def other_tool(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    other = rng.choice([t for t in here_tools() if t.gated and t.name != target.tool.name])
    inputs = sample(current, other, rng)
    if inputs is None:
        return False
    await call(current, client, other, {**inputs, "confirm": target.code})
    return True


async def other_arguments(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    inputs = dict(target.arguments)
    if target.tool.name == RUN_PLAN.name:
        inputs["continueOnError"] = False
    elif flags := [n for n in ("force", "cascadedelete", "powerOnVmsAfterRestore") if n in target.tool.arguments]:
        inputs[flags[0]] = not inputs.get(flags[0], False)
    elif "description" in target.tool.arguments:
        inputs["description"] = f"another {rng.random()}"
    elif inputs.get("restoreType") == "PARENT":
        inputs["restoreType"] = "ALTERNATE"
    elif "hostIqn" in inputs:
        inputs["hostIqn"] = "iqn.2026-01.com.example:evil"
    else:
        return False
    await call(current, client, target.tool, {**inputs, "confirm": target.code})
    return True


async def target_changed(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    tenant = current.app.app.state.tenant
    first = target.arguments["calls"][0] if target.tool.name == RUN_PLAN.name else None
    inputs = first["arguments"] if first else target.arguments
    if tenant.write(reference(inputs), description=f"changed {rng.random()}") is None:
        return False
    current.app.answers.clear()
    current.forget()
    await call(current, client, target.tool, {**target.arguments, "confirm": target.code})
    return True


async def restarted(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    """A used code once more, at a process that was not there when it was used."""
    if not current.spent:
        return False
    used = rng.choice(current.spent)
    async with Client(mcp_server.create(current.settings, app=current.app, now=current.clock.now)) as fresh:
        await call(current, fresh, used.tool, {**used.arguments, "confirm": used.code})
    return True


async def disk_full(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    """A code that holds, at a replica that cannot record the request."""
    current.victims.pop(target.tool.name)  # where consent was used up, its code is
    await call(current, current.full, target.tool, {**target.arguments, "confirm": target.code})
    return True


async def manipulated(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    """A code for what the person read, with one leaf of the arguments changed, added or taken away."""
    inputs = json.loads(json.dumps(target.arguments))
    leaves = list(leaves_of(inputs))
    if target.tool.name == RUN_PLAN.name and rng.random() < 0.3:
        inputs["calls"].pop(rng.randrange(len(inputs["calls"])))
    elif not leaves or rng.random() < 0.2:
        inputs[rng.choice(["description", "name", "force", "lockedUntil", "preScriptInfo"])] = "2125-01-01T00:00:00Z"
    else:
        holder, key = rng.choice(leaves)
        value = holder[key]
        if isinstance(value, bool):
            holder[key] = not value
        elif isinstance(value, int):
            holder[key] = value + 1
        elif rng.random() < 0.3 and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = f"{value}x" if rng.random() < 0.5 else "another"
    if inputs == target.arguments:
        return False
    await call(current, client, target.tool, {**inputs, "confirm": target.code})
    return True


def leaves_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """The places of all leaves: the object or list that holds each, and its key."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, (dict, list)):
            yield from leaves_of(item)
        else:
            yield value, key


async def grave_arguments(current: Field, target: Victim, rng: random.Random, client: Client) -> bool:
    """A tool whose plain use is harmless, with arguments that are not, and without a code for them."""
    name, inputs = rng.choice(list(grave_calls(current, rng)))
    tool = next(t for t in here_tools() if t.name == name)
    confirm = rng.choice([None, target.code, random_code(rng), words(rng)])
    text = await call(current, client, tool, inputs if confirm is None else {**inputs, "confirm": confirm})
    return "PREVIEW" in text  # else it was no such call


def grave_calls(current: Field, rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Locks, programs, an address in use, an asset that is protected already: calls of tools that ask only then."""
    group = {"volumeProtectionGroupId": rng.choice(current.subjects.items["volumeProtectionGroupId"])["id"]}
    lock = {"lockFor": {"unit": "YEARS", "value": rng.randrange(1, 99)}}
    yield "create_volume_protection_group_snapshot", {**group, "name": "x", **lock}
    yield "create_volume_protection_group_backup", {**group, "name": "x", **lock}
    program = {"hostId": group["volumeProtectionGroupId"], "path": "/opt/x.sh"}
    schedule = {"scheduleId": 1, "name": "daily", "schedule": {"recurrence": "DAILY"}, **lock}
    tier = {"type": "SNAPSHOT", "schedules": [{**schedule, "preScriptInfo": program}]}
    yield "create_protection_policy", {"name": "p", "applicationType": "VMWARE", "protections": [tier]}
    asset = rng.choice([j["assetInfo"] for j in current.subjects.items["protectionJobId"]])
    policy = rng.choice(current.subjects.items["protectionPolicyId"])["id"]
    job = {"assetInfo": {"id": asset["id"], "type": asset["type"]}, "protectionPolicyId": policy}
    yield "create_protection_job", job
    nics = [n for g in current.subjects.items["protectionStoreGatewayId"] for n in g["network"]["nics"]]
    network = {"name": "n", "networkType": "STATIC", "networkAddress": rng.choice(nics)["networkAddress"]}
    size = {"maxOnPremRetentionDays": 60, "maxOnPremDailyProtectedDataInTiB": 5.0}
    place = {"datastoreIds": [SOME_ID], "network": {**network, "subnetMask": "255.255.255.0", "gateway": "10.1.0.1"}}
    gateway = {"name": f"psg-{rng.randrange(99)}", "hypervisorManagerId": SOME_ID, "vmConfig": {**place, **size}}
    yield "create_protection_store_gateway", gateway


def reference(inputs: dict[str, Any]) -> tuple[str, ...]:
    """Where the simulated tenant keeps what a call acts on."""
    collections = {
        "vmId": "virtual-machines",
        "datastoreId": "datastores",
        "protectionPolicyId": "protection-policies",
        "protectionJobId": "protection-jobs",
        "vmProtectionGroupId": "virtual-machine-protection-groups",
        "volumeProtectionGroupId": "volume-protection-groups",
        "mssqlDatabaseProtectionGroupId": "mssql-database-protection-groups",
        "mssqlDatabaseId": "mssql-databases",
        "mssqlInstanceId": "mssql-instances",
        "applicationHostId": "application-hosts",
        "protectionStoreId": "protection-stores",
        "protectionStoreGatewayId": "protection-store-gateways",
        "storeonceId": "storeonces",
        "dataOrchestratorId": "data-orchestrators",
    }
    name = next(n for n in collections if n in inputs)
    current = (collections[name], str(inputs[name]))
    if name in HOLDERS and "restoreType" not in inputs and "fileRestoreMethod" not in inputs:
        for copy, place in (("backupId", "backups"), ("snapshotId", "snapshots")):
            if copy in inputs:
                return (*current, place, str(inputs[copy]))
    return current


LASTING = ("stale code", "target changed in between", "used code after a restart")  # what takes long to get over
SPECIAL = {
    "stale code": stale,
    "code of another key": foreign_key,
    "code of another principal": foreign_principal,
    "replayed code": replayed,
    "code of another target": other_target,
    "code of another tool": other_tool,
    "other arguments": other_arguments,
    "target changed in between": target_changed,
    "used code after a restart": restarted,
    "full disk": disk_full,
    "manipulated arguments": manipulated,
    "grave arguments, ungated tool": grave_arguments,
}


def here_tools() -> list[Tool]:
    """All tools; made once."""
    if not _TOOLS:
        _TOOLS.extend(mcp_server.tool_set(settings.load(demo=True)).all.values())
    return _TOOLS


_TOOLS: list[Tool] = []


# --- valid calls ------------------------------------------------------------------------------------------------------


VALID = (
    "valid",
    "valid, other case",
    "valid, arguments reordered",
    "valid, ten at once",
    "valid, at two replicas",
)


async def honest(current: Field, tool: Tool, rng: random.Random, score: Score) -> bool:
    """One valid code, used in one of five ways: its call must arrive once. False where the tenant allows none."""
    mine = await victim(current, tool, rng)
    if mine is None:
        return False
    current.arrived()
    wanted = len(mine.arguments["calls"]) if tool.name == RUN_PLAN.name else 1
    kind = rng.choice(VALID)
    inputs, client = mine.arguments, rng.choice(current.clients)
    if kind == "valid, other case":
        await call(
            current, client, tool, {**inputs, "confirm": rng.choice([mine.code.lower(), mine.code.replace("-", "")])}
        )
    elif kind == "valid, arguments reordered":
        await call(current, client, tool, {"confirm": mine.code, **dict(reversed(inputs.items()))})
    elif kind == "valid, at two replicas":
        async with (
            Client(mcp_server.create(current.settings, app=current.app, now=current.clock.now)) as one,
            Client(mcp_server.create(current.settings, app=current.app, now=current.clock.now)) as two,
            anyio.create_task_group() as group,
        ):
            for replica in (one, two, client):
                group.start_soon(call, current, replica, tool, {**inputs, "confirm": mine.code})
    elif kind == "valid, ten at once":
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(call, current, client, tool, {**inputs, "confirm": mine.code})
    else:
        await call(current, client, tool, {**inputs, "confirm": mine.code})
    judge(current, score, kind, tool, expected=wanted)
    current.forget()
    current.spent.append(mine)
    return True


def report(score: Score, seconds: float) -> str:
    """The counts as a table."""
    kinds = sorted(score.tried, key=lambda kind: (kind.startswith("valid"), kind))
    lines = [f"{'kind of call':<28} {'tried':>8} {'arrived':>8}"]
    lines += [f"{kind:<28} {score.tried[kind]:>8,} {score.arrived[kind]:>8,}" for kind in kinds]
    hostile_ = [kind for kind in kinds if not kind.startswith("valid")]
    valid = sum(score.tried[kind] for kind in kinds if kind not in hostile_)
    lines.append(
        f"{sum(score.tried.values()):,} calls of {len(score.tools)} gated tools in {seconds:,.0f} s: "
        f"{sum(score.tried[k] for k in hostile_):,} hostile ones, of which {sum(score.arrived[k] for k in hostile_):,} "
        f"arrived; {valid:,} valid codes; wrong: {len(score.wrong):,}."
    )
    if never := sorted(set(score.without) - set(score.tools)):
        lines.append(f"No resource of the tenants allows a code for: {', '.join(never)}.")
    return "\n".join([*lines, *score.wrong[:20]])


def part(calls: int, seed: int) -> Score:
    """A part of an attack, in a process of its own."""
    logging.getLogger("greenlake_backup_mcp").addHandler(logging.NullHandler())

    async def run() -> Score:
        return await attack(calls, seed, answer=lambda line: print(f"{seed}: {line}", file=sys.stderr, flush=True))

    return anyio.run(run)


def main() -> int:
    """The command: the calls shared out among processes."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("calls", type=int, nargs="?", default=100_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, each with a seed of its own")
    parser.add_argument("--seed", type=int, default=1, help="of the first process; the same seed makes the same calls")
    options = parser.parse_args()
    calls, jobs = options.calls, options.jobs
    shares = [calls // jobs + (n < calls % jobs) for n in range(jobs)]
    started = time.monotonic()
    whole = Score()
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for score in pool.map(part, shares, range(options.seed, options.seed + jobs)):
            for counter in ("tried", "arrived", "tools", "without"):
                getattr(whole, counter).update(getattr(score, counter))
            whole.wrong.extend(score.wrong)
    print(report(whole, time.monotonic() - started))
    return 1 if whole.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
