"""Each fault of the simulated tenant against each kind of work: `python -m tests.fault_matrix`.

Survived: what is said is so, all of it. Told rightly: less is claimed, and nothing that is not so. Wrong: it is not so.
What is so is read from the tenant itself: how often a write was carried out from its count, and what became of its
resource an hour later; what is in a list from what the tenant holds.
No verdict rests on what the answer says of itself.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
from mcp import Client

from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.simulator.faults.script import Faults, Rule, fault
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.simulator.switches import Deviation
from greenlake_backup_mcp.simulator.tasks import Ending
from tests import outcomes
from tests.conftest import NOW, ticking
from tests.support import write_samples
from tests.support.own_client import own_client
from tests.support.results import CODE, text_of

SITUATIONS = ("read", "list scan", "gated write", "gated update", "task followed", "task wait", "token")
WRITES = SITUATIONS[2:6]
WHERE = {  # situation -> method and path of the requests that get the fault, and the first of them that does
    "read": ("GET", "*/protection-stores/*", 1),
    "list scan": ("GET", "*/async-operations", 2),  # in mid-scan: it takes four pages
    "gated write": ("DELETE", "*", 1),
    "gated update": ("PATCH", "*", 1),
    "task followed": ("GET", "*/async-operations/*", 1),
    "task wait": ("GET", "*/async-operations/*", 1),
    "token": ("POST", "*/token*", 1),
}
TARGET = ("GET", "*/backups/*", 1)  # of a write: for faults in what is said of it
NEW = "kept for the audit"  # what the update asks for
EVERYWHERE: dict[str, dict[str, Any]] = {
    "latency": {"kind": "latency", "seconds": 0.2},
    "no answer in time": {"kind": "latency", "seconds": 2},
    "429": {"kind": "status", "status": 429},
    **{
        f"429 {name}": {"kind": "status", "status": 429, "seconds": 1, "rate_headers": name}
        for name in ("ratelimit", "rateLimit", "X-RateLimit")
    },
    "429 Retry-After": {"kind": "status", "status": 429, "seconds": 1, "retry_after": "seconds"},
    "429 Retry-After date": {"kind": "status", "status": 429, "seconds": 1, "retry_after": "date"},
    "429 for ever": {"kind": "status", "status": 429, "times": 99},
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403, "times": 99},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502, "body": "html"},
    "503": {"kind": "status", "status": 503},
    "503 of a proxy": {"kind": "status", "status": 503, "body": "html"},
    "503 maintenance": {"kind": "status", "status": 503, "body": "maintenance", "times": 99},
    "504": {"kind": "status", "status": 504, "body": "empty"},
    "old error body": {"kind": "status", "status": 503, "body": "old"},
    "refused": {"kind": "refuse"},
    "refused for ever": {"kind": "refuse", "times": 99},
    "reset before": {"kind": "reset_before"},
    "reset during": {"kind": "reset_during"},
    "reset after": {"kind": "reset_after"},
    "reset for ever": {"kind": "reset_after", "times": 99},
    "truncated": {"kind": "truncated"},
    "not JSON": {"kind": "not_json"},
    "HTML": {"kind": "html"},
    "empty": {"kind": "empty"},
    "50 MB": {"kind": "huge"},
    "nested": {"kind": "nested"},
    "gzip bomb": {"kind": "bomb"},
    "wrong type": {"kind": "wrong_type"},
    "slow drip": {"kind": "drip", "seconds": 0.3},
    "endless drip": {"kind": "drip", "seconds": 4},
    "clock skew": {"kind": "skew", "seconds": 7200},
}
REVOKED = {"token revoked": {"kind": "revoke"}}
ALTERS = ("no_total", "unknown_enum", "missing_fields", "hostile")
CONTENT = {kind.replace("_", " "): {"kind": kind, "times": 99} for kind in ALTERS}
LOCATIONS = {"no Location": {"kind": "no_location"}, "foreign Location": {"kind": "foreign_location"}}
ENDINGS = {
    f"task {state}{' though done' if effect and state != 'SUCCEEDED' else ''}": {
        "kind": "task",
        "state": state,
        "effect": effect,
    }
    for state in ("SUCCEEDED", "FAILED", "CANCELLED", "TIMEDOUT", "PAUSED", "never", "vanish", "QUIESCING")
    for effect in ((True,) if state == "SUCCEEDED" else (True, False))
}
ROWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    **{name: (rule, SITUATIONS) for name, rule in EVERYWHERE.items()},
    **{name: (rule, SITUATIONS[:6]) for name, rule in REVOKED.items()},
    **{name: (rule, SITUATIONS[:6]) for name, rule in CONTENT.items()},
    **{name: (rule, WRITES[:2]) for name, rule in LOCATIONS.items()},
    **{name: (rule, WRITES[:2]) for name, rule in ENDINGS.items()},
}
UNSEEN = re.compile(r"[\u202a-\u202e\u200b\x1b]")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OURS = ("mistake of ours", "Traceback")


@dataclass(frozen=True)
class Cell:
    """One fault in one situation: the verdict, how often a write was carried out, and what was said."""

    verdict: str
    executed: int
    text: str = ""


async def cell(situation: str, arguments: dict[str, Any]) -> Cell:
    """What becomes of this work under this fault."""
    of_target = arguments["kind"] in ALTERS and situation in ("gated write", "gated update")
    method, path, nth = TARGET if of_target else WHERE[situation]
    rule = fault(**{"method": method, "path": path, "nth": nth, **arguments})
    if situation in WRITES:
        return await _write(situation, rule, from_the_start=of_target)
    return await _read(situation, rule)


def _client(
    app: Any, now: Callable[[], datetime], wait: float = 1, rule: Rule | None = None
) -> AbstractAsyncContextManager[Client]:
    """A client to which a fault shows soon; only what is slow on purpose meets a short time limit."""
    slow = rule is not None and rule.fault.kind in ("latency", "drip")
    return own_client(app, now, wait=wait, timeout=1 if slow else 10, retries=3)


class NotStruck(Exception):
    """The fault did not strike: its cell would say nothing."""


def _struck(app: Any, rule: Rule) -> None:
    if any(seen < rule.nth for seen in app.state.script.seen):
        raise NotStruck(rule)


async def _read(situation: str, rule: Rule) -> Cell:
    collected = []
    for rules in ((), (rule,)):
        app = create_app(now=lambda: NOW, faults=Faults(rules))
        tenant = app.state.tenant
        store = tenant.all("protection-stores")[0]["id"]
        async with _client(app, lambda: NOW, rule=rule) as client:
            if situation == "list scan":
                collected.append(await client.call_tool("list_tasks", {}))
            else:
                collected.append(await client.call_tool("get_protection_store", {"protectionStoreId": store}))
    _struck(app, rule)
    clean, result = collected
    assert not clean.is_error, text_of(clean)
    executed = sum(tenant.writes.values())
    if situation == "list scan" and not result.is_error:
        return Cell(of_list(text_of(result), text_of(clean)), executed, text_of(result))
    return Cell(
        of_read(text_of(result), text_of(clean), store, is_error=bool(result.is_error)), executed, text_of(result)
    )


def of_read(answer: str, clean: str, identity: str, *, is_error: bool) -> str:
    """Whether what was said of one resource fits what is said of it without a fault."""
    if UNSEEN.search(answer) or any(words in answer for words in OURS):
        return "WRONG"
    if is_error:  # nothing is claimed of the resource, and what to do next is told
        return "told rightly" if len(answer.splitlines()) > 2 and "UNKNOWN" not in answer else "WRONG"
    if answer == clean:
        return "survived"
    # spoilt content: another resource's id, or half of the lines gone, would be a wrong answer
    same = set(clean.splitlines()) & set(answer.splitlines())
    foreign = set(ID.findall(answer)) - set(ID.findall(clean))
    return "survived" if identity in answer and not foreign and 2 * len(same) > len(clean.splitlines()) else "WRONG"


def of_list(answer: str, clean: str) -> str:
    """Whether the counts of a list are those of the tenant, or of the part that is said to have been read."""
    if UNSEEN.search(answer) or any(words in answer for words in OURS):
        return "WRONG"
    message, true = (re.match(r"(?:First ([\d,]+) of )?([\d,]+) tasks", text) for text in (answer, clean))
    if message is None or true is None or true[1] or message[2] != true[2]:
        return "WRONG"
    states = re.search(r"^state: (.*)$", answer, re.MULTILINE)
    counted = (
        sum(int(n.replace(",", "")) for n in re.findall(r" ([\d,]+)(?=, |$| with other values)", states[1]))
        if states
        else -1
    )
    if counted != int((message[1] or message[2]).replace(",", "")):
        return "WRONG"
    if message[1]:
        return "told rightly" if "The rest could not be read" in answer else "WRONG"
    return "survived"


async def _write(situation: str, rule: Rule, *, from_the_start: bool) -> Cell:
    """A backup deleted or changed with consent, or its task waited for; the fault begins after the preview."""
    app = create_app(now=ticking, scale=100_000)
    tenant = app.state.tenant
    vm = next(v for v in tenant.all("virtual-machines") if v["displayName"] == "web-legacy-03")
    held = tenant.copies("virtual-machines", vm["id"], "backups").all(tenant.now(), tenant.lag)
    copy = next(b for b in held if b["state"] == "OK")
    asked = {"vmId": vm["id"], "backupId": copy["id"]}
    tool = "delete_vm_backup" if situation in ("gated write", "task followed") else "update_vm_backup"
    if tool == "update_vm_backup":
        asked["description"] = NEW
    waits = situation == "task wait"
    if from_the_start:
        app.state.script.set(Faults((rule,)))
    async with _client(app, ticking, 0 if waits else 1, rule) as client:
        preview = await client.call_tool(tool, {**asked, "confirm": "preview"})
        if not waits and not from_the_start:
            app.state.script.set(Faults((rule,)))
        result = await client.call_tool(tool, {**asked, "confirm": CODE.findall(text_of(preview))[-1]})
        if waits:
            (task,) = tenant.tasks
            app.state.script.set(Faults((rule,)))
            result = await client.call_tool("wait_for_task", {"taskId": task, "seconds": 1})
    _struck(app, rule)
    app.state.script.set(Faults())
    tenant.advance(3600)
    now = tenant.read(("virtual-machines", vm["id"], "backups", copy["id"]))
    done = now is None if tool == "delete_vm_backup" else now is not None and now.get("description") == NEW
    verdict = judged(text_of(preview) + "\n", None, done=done) if UNSEEN.search(text_of(preview)) else ""
    answer = text_of(result)
    return Cell(verdict or judged(answer, result.is_error, done=done), sum(tenant.writes.values()), answer)


def judged(answer: str, is_error: bool | None, *, done: bool) -> str:
    """Whether what was said of a write fits what became of it."""
    if UNSEEN.search(answer) or any(words in answer for words in OURS):
        return "WRONG"
    if "Outcome unknown" in answer or re.search(r"[Yy]et the resource (?:is gone|shows)|DIFFERS|contradicts", answer):
        return "told rightly" if is_error else "WRONG"
    if "It is done" in answer or re.search(r"^Task \S+ \(.*\) succeeded(?:, as asked.*)?\.$", answer, re.MULTILINE):
        return "survived" if done and not is_error else "WRONG"
    if "goes on waiting" in answer or "acts in the console" in answer or "still being deleted" in answer:
        return "told rightly" if not is_error else "WRONG"
    if "Nothing is known of it now" in answer:  # wait_for_task that could not read its task
        return "told rightly" if is_error else "WRONG"
    # all else says that it was not done
    return "told rightly" if is_error and not done else "WRONG"


@dataclass(frozen=True)
class Half:
    """A write that its task calls a success and that came out otherwise: the call, what the tenant did, what is so."""

    tool: str
    deviation: Deviation
    as_asked: Callable[[Any], bool]  # of the tenant an hour later


def _made(tenant: Any, name: str) -> list[Any]:
    return [vm for vm in tenant.all("virtual-machines") if vm["name"].startswith(name)]


HALVES = {
    "failed children": Half(
        "restore_vm_protection_group",
        Deviation(children={"2": Ending("FAILED")}),
        lambda tenant: len(_made(tenant, "dr-")) == 9,
    ),
    "half-made thing": Half(
        "restore_vm",
        Deviation(result={"virtual-machines": {"state": "ERROR", "stateReason": "Half made."}}),
        lambda tenant: all(vm["state"] == "OK" for vm in _made(tenant, "x-test")),
    ),
    "contradicting state": Half(
        "refresh_mssql_database",
        Deviation(result={"mssql-databases": {"state": "ERROR", "stateReason": "Not readable."}}),
        lambda tenant: all(database["state"] == "OK" for database in tenant.all("mssql-databases")),
    ),
    "other power than asked": Half(
        "restore_vm",
        Deviation(request={"targetVmInfo": {"powerOn": True}}),
        lambda tenant: all(vm["powerState"] == "POWERED_OFF" for vm in _made(tenant, "x-test")),
    ),
    "nothing made": Half(
        "restore_vm", Deviation(ending=Ending("SUCCEEDED")), lambda tenant: bool(_made(tenant, "x-test"))
    ),
}


async def half(row: Half) -> Cell:
    """What is said of a write that came out otherwise than asked."""
    tool = next(tool for tool in write_samples.writes() if tool.name == row.tool)
    app = create_app(now=ticking, scale=100_000)
    tenant = app.state.tenant
    asked = write_samples.arguments(tenant, tool)
    assert asked is not None
    assert tool.operation is not None
    async with _client(app, ticking) as client:
        asked = await outcomes.confirmed(client, tool, asked)
        tenant.switch(deviations={tool.operation.id: row.deviation})
        result = await client.call_tool(tool.name, asked)
    tenant.advance(3600)
    assert not row.as_asked(tenant), row  # else its cell would say nothing
    return Cell("told rightly" if result.is_error else "WRONG", sum(tenant.writes.values()), text_of(result))


async def matrix(rows: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = ROWS) -> dict[tuple[str, str], Cell]:
    """All cells, a few at a time."""
    cells: dict[tuple[str, str], Cell] = {}
    limit = anyio.CapacityLimiter(6)

    async def one(name: str, situation: str, rule: dict[str, Any]) -> None:
        async with limit:
            for last in (False, False, True):
                try:
                    cells[name, situation] = await cell(situation, rule)
                except NotStruck:  # a busy machine was slower than the limit of a slow fault
                    if last:
                        raise
                else:
                    break

    async with anyio.create_task_group() as group:
        for name, (rule, situations) in rows.items():
            for situation in situations:
                group.start_soon(one, name, situation, rule)
    return cells


def main() -> int:
    """Print the matrix; 1 where anything was wrong or carried out twice."""
    call_log.LOGGER.setLevel("CRITICAL")  # each error would be a line
    cells = anyio.run(matrix)
    for name, row in HALVES.items():
        cells[name, "gated write"] = anyio.run(half, row)
        print(name.ljust(28) + cells[name, "gated write"].verdict)
    print("fault".ljust(28) + "".join(s.ljust(15) for s in SITUATIONS))
    for name, (_, situations) in ROWS.items():
        print(
            name.ljust(28) + "".join((cells[name, s].verdict if s in situations else "-").ljust(15) for s in SITUATIONS)
        )
    counts = Counter(c.verdict for c in cells.values())
    twice = sum(c.executed > (situation in WRITES) for (_, situation), c in cells.items())
    print(f"\n{len(cells)} cells: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common()))
    done = Counter(c.executed for (_, situation), c in cells.items() if situation in WRITES)
    print("writes carried out: " + ", ".join(f"{n} times in {count} cells" for n, count in sorted(done.items())))
    print(f"requests executed twice: {twice}; outcomes misreported: {counts['WRONG']}")
    for key, actual in cells.items():
        if actual.verdict == "WRONG" or actual.executed > (key[1] in WRITES):
            print("\n", key, actual)
    return 1 if twice or counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
