"""The simulated tenant with each switch otherwise, alone and each two together: what works, is told, or is wrong:

    python -m tests.readings [alone | pairs [SECONDS [FIRST]]]

Alone, all operations and lists are tried; in pairs, lists and the writes that a switch can touch. What is so is what
the tenant carried out. Wrong is: a success of what was not carried out, a list that differs, a fault
of this server, and a refusal of what another form of the same request would have brought.
"""

from __future__ import annotations

import itertools
import random
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, get_args, get_type_hints

import anyio
from mcp import Client

from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import READINGS, Switches
from greenlake_backup_mcp.tools import registry
from greenlake_backup_mcp.tools.danger import Danger
from tests.conftest import NOW
from tests.outcomes import confirmed
from tests.support import samples, write_samples
from tests.support.own_client import own_client
from tests.support.results import text_of

TOOLS = {tool.name: tool for tool in registry.tools()}
ISO = "%Y-%m-%dT%H:%M:%SZ"
Flip = tuple[str, Any]
SEEN = ("works", "told", "otherwise", "WRONG")
LISTS: Mapping[str, Mapping[str, Any]] = {  # reads whose answer no switch may change
    "list_vms": {"filter": "name eq 'web-legacy-03'"},
    "list_vm_protection_groups": {"filter": "createdAt gt '2001-01-01T00:00:00Z'"},
    "list_issues": {"filter": "severity in ('CRITICAL','WARNING') and createdAt gt '2001-01-01T00:00:00Z'"},
    "list_data_orchestrators": {"filter": "name eq 'O''Brien'"},
    "list_tasks": {"summary": "page", "limit": 5},
    "list_approvals": {},
}
RUN, JOB, COPY = ("run_protection_job",), ("create_protection_job",), ("update_vm_backup",)
DATES, LOCKED = ("expiry in the past", "expiry below the lock", "shorter lock"), ("delete of what is locked",)
TOUCHES: Mapping[str, tuple[str, ...]] = {  # writes that a switch can touch; those that are not here touch reads alone
    "location": COPY,
    "media_types": (*COPY, "update_protection_policy"),
    "unknown_properties": ("create_storeonce",),
    "published_names": ("create_protection_policy", "create_volume_protection_group", "create_storeonce",
                        "create_volume_protection_group_snapshot", "restore_vm_disks"),
    "task_word": (*COPY, "restore_vm_protection_group"),
    "progress_word": COPY,
    "log_time_word": COPY,
    "made_in_task": (*JOB, "create_volume_protection_group"),
    "partial_failure": ("restore_vm_protection_group",),
    "dual_delete": ("delete_vm_backup", "delete_protection_store"),
    "dual_words": ("delete_vm_backup",),
    "one_token": COPY,
    "token_expires_in": COPY,
    "past_expiry": DATES,
    "expiry_below_lock": DATES,
    "shorter_lock": DATES,
    "locked_delete": LOCKED,
    "recovery_point_of_restore": ("restore_vm", "restore_vm_disks", "restore_datastore"),
    "run_order": RUN,
    "run_without_schedules": RUN,
    "source_runs_first": RUN,
    "runs_are_children": RUN,
    "double_protection": JOB,
    "asset_types": (*JOB, "create_vm_protection_group"),
    "old_errors": LOCKED,
}  # fmt: skip
# What the service itself does not do in a reading, whatever form it is asked in: told as a refusal.
REFUSED: Mapping[Flip, tuple[str, ...]] = {
    ("run_without_schedules", "refused"): RUN,
    ("published_names", "published"): ("restore_vm_disks",),  # it wants disks named, and all were meant
    ("past_expiry", "refused"): DATES,
    ("expiry_below_lock", "refused"): DATES,  # as it is taken first
    ("shorter_lock", "refused"): DATES,
}


@dataclass(frozen=True)
class Judged:
    """What became of one call: the word for it, and what was said."""

    call: str
    word: str
    text: str


def flips() -> list[Flip]:
    """Each switch that is a reading, with each value that it does not have by itself."""
    hints, actual = get_type_hints(Switches), []
    for one in fields(Switches):
        if one.name in READINGS:
            values = (True, False) if hints[one.name] is bool else get_args(hints[one.name])
            actual += [(one.name, value) for value in values if value != one.default]
    return actual


async def judge(chosen: Iterable[Flip], names: Iterable[str], lists: Mapping[str, str]) -> list[Judged]:
    """What becomes of reads and of these writes on a tenant with some switches otherwise."""
    async with _connected(chosen) as (client, tenant, start):
        collected = []
        for name, query in LISTS.items():
            text = text_of(await client.call_tool(name, dict(query)))
            same = not lists or lists[name] == counts(text)
            collected.append(Judged(name, "works" if same else "WRONG", text))
        start()
        return [*collected, *[await _judge_write(client, tenant, name) for name in names]]


async def judge_all(chosen: Iterable[Flip], lists: Mapping[str, str]) -> list[Judged]:
    """What becomes of every operation; of a write that those before it stood in the way of, on a tenant of its own."""
    collected = await judge(chosen, (), lists)
    async with _connected(chosen) as (client, tenant, start):
        start()
        for name, tool in TOOLS.items():
            if tool.danger is Danger.READ:
                result = await client.call_tool(name, samples.arguments(tool, tenant, False))
                collected.append(Judged(name, "WRONG" if result.is_error else "works", text_of(result)))
        for name in [*sorted((tool.name for tool in write_samples.writes()), key=_harm), *DATES, *LOCKED]:
            judged = await _judge_write(client, tenant, name)
            if judged.word != "works":
                async with _connected(chosen) as (own, fresh, begin):
                    begin()
                    judged = await _judge_write(own, fresh, name)
            collected.append(judged)
    return collected


def _harm(name: str) -> tuple[bool, ...]:
    """Order of writes to one tenant: what takes away what others need goes last."""
    return name.startswith("delete"), name.startswith("restore"), name.startswith(("shutdown", "power_off", "recover"))


@asynccontextmanager
async def _connected(chosen: Iterable[Flip]) -> AsyncIterator[tuple[Client, Tenant, Callable[[], None]]]:
    """A client over a new tenant with some switches otherwise, and what lets its time run."""
    switches = dict(chosen)
    dual: dict[str, Any] = {"dual_authorization": True} if "dual_delete" in switches or "dual_words" in switches else {}
    begun: list[float] = []

    def ticking() -> datetime:  # of this tenant alone, from the first write on: what lists show changes with its time
        return NOW + timedelta(seconds=time.monotonic() - begun[0] if begun else 0)

    app = create_app(now=ticking, scale=100_000, switches=Switches(**switches, **dual))
    async with own_client(app, ticking, wait=2, rate=1e6) as client:
        yield client, app.state.tenant, lambda: begun.append(time.monotonic())


def touched(chosen: Iterable[Flip]) -> list[str]:
    """The writes that these switches can touch."""
    return list(dict.fromkeys(name for switch, _ in chosen for name in TOUCHES.get(switch, ())))


def counts(text: str) -> str:
    """How many a list says that there are; of a page of tasks, which grow by the minute, that they tell their state."""
    if text.startswith("Page of"):
        return "with states" if re.search(r"\bstate\b", text) else "without"
    return " ".join(re.findall(r"\d[\d,]*", text.split("\n", 1)[0])[:1])


def _call(tenant: Tenant, name: str) -> tuple[str, dict[str, Any]] | None:
    """The tool and the arguments of a call; None where the tenant has nothing for it."""
    if name in TOOLS or name == DATES[0]:
        tool = name if name in TOOLS else "update_vm_backup"
        arguments = write_samples.arguments(tenant, TOOLS[tool])
        if arguments is not None and name == "create_protection_policy":
            script = {"path": "/a.sh", "hostId": tenant.all("application-hosts")[0]["id"]}
            arguments["protections"][0]["schedules"][0] = {**write_samples.SCHEDULE, "preScriptInfo": script}
        more = {} if name in TOOLS else {"expiresAt": "2001-01-01T00:00:00Z"}
        return None if arguments is None else (tool, {**arguments, **more})
    soon = f"{tenant.now() + timedelta(hours=2):{ISO}}"
    for vm in tenant.all("virtual-machines"):
        for copy in tenant.copies("virtual-machines", vm["id"], "backups").all(tenant.now(), tenant.lag):
            if copy["state"] == "OK" and copy.get("lockedUntil", "") > soon:
                ids = {"vmId": vm["id"], "backupId": copy["id"]}
                if name in LOCKED:
                    return "delete_vm_backup", ids
                return "update_vm_backup", {**ids, "expiresAt" if name == DATES[1] else "lockedUntil": soon}
    return None


async def _judge_write(client: Client, tenant: Tenant, name: str) -> Judged:
    before = sum(tenant.writes.values())
    if (call := _call(tenant, name)) is None:
        return Judged(name, "told", "the tenant has nothing for it")
    tool, arguments = call
    if "confirm" in TOOLS[tool].arguments:
        preview = text_of(await client.call_tool(tool, {**arguments, "confirm": "preview"}))
        if "CANNOT BE DONE" in preview:
            return Judged(name, "told", preview)
    result = await client.call_tool(tool, await confirmed(client, TOOLS[tool], arguments))
    text, carried = text_of(result), sum(tenant.writes.values()) - before
    refused = any(name in row for flip, row in REFUSED.items() if getattr(tenant.switches, flip[0]) == flip[1])
    if "mistake of ours" in text or carried > 1 or (not result.is_error and not carried):
        word = "WRONG"
    elif not result.is_error:
        word = "works"
    elif carried:
        word = "otherwise"
    else:
        word = "told" if refused or not re.search(r"HTTP 4(?:00|15|22)", text) else "WRONG"
    return Judged(name, word, text)


async def baseline() -> dict[str, str]:
    """What the lists say where no switch is otherwise."""
    return {one.call: counts(one.text) for one in await judge((), (), {}) if one.call in LISTS}


def table(title: str, rows: Mapping[str, Iterable[Judged]]) -> Iterator[str]:
    """How many calls came to what, a line for each combination; then each that was wrong."""
    yield f"| {title} | calls | {' | '.join(SEEN)} |"
    yield "|---|" + "---|" * (len(SEEN) + 1)
    wrong = []
    for name, actual in rows.items():
        held = list(actual)
        counted = Counter(one.word for one in held)
        yield f"| {name} | {len(held)} | {' | '.join(str(counted[word]) for word in SEEN)} |"
        wrong += [f"{name}: {one.call}: {one.text[:400]!r}" for one in held if one.word == "WRONG"]
    yield from ["", *wrong] if wrong else []


def title_of(chosen: Iterable[Flip]) -> str:
    return ", ".join(f"`{name}`={value}" for name, value in chosen) or "as taken first"


async def alone() -> int:
    """No switch, then every switch by itself, with every operation."""
    lists = await baseline()
    rows = {}
    for chosen in [(), *((flip,) for flip in flips())]:
        rows[title_of(chosen)] = actual = await judge_all(chosen, lists)
        print(title_of(chosen), Counter(one.word for one in actual), file=sys.stderr, flush=True)
    print("\n".join(table("switch", rows)))
    for name, actual in rows.items():
        for one in actual:
            if one.word in ("told", "otherwise"):
                print(f"{one.word}: {name}: {one.call}: {one.text[:160]!r}")
    return sum(one.word == "WRONG" for actual in rows.values() for one in actual)


async def pairs(seconds: float, first: int) -> int:
    """Every two switches together, with what they can touch; in random order, from one on until the time is over."""
    lists, started = await baseline(), time.monotonic()
    both = [pair for pair in itertools.combinations(flips(), 2) if pair[0][0] != pair[1][0]]
    random.Random(7).shuffle(both)
    collected: list[Judged] = []
    done = 0
    for pair in both[first:]:
        if time.monotonic() - started > seconds:
            break
        judged = await judge(pair, touched(pair), lists)
        collected += judged
        done += 1
        print(first + done, title_of(pair), file=sys.stderr, flush=True)
        for one in judged:
            if one.word == "WRONG":
                print(f"WRONG: {title_of(pair)}: {one.call}: {one.text[:400]!r}", flush=True)
    print("\n".join(list(table(f"pairs: {done} of {len(both)}", {"all": collected}))[:3]))
    return sum(one.word == "WRONG" for one in collected)


def main(words: list[str]) -> int:
    call_log.configure("error")
    wrong = 0
    if words[:1] != ["pairs"]:
        wrong += anyio.run(alone)
    if words[:1] != ["alone"]:
        seconds, first = [*words[1:], *("1e9", "0")[len(words[1:]) :]]
        wrong += anyio.run(pairs, float(seconds), int(first))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
