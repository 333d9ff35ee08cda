"""Each fault of the simulated tenant against each kind of work: `python -m tests.fault_matrix`.

Survived: the answer is the one without the fault. Told rightly: the answer claims nothing that is not so. Wrong: it
does. What is so is read from the tenant itself an hour later, and how often a write was carried out from its log.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import Client

from greenlake_backup_mcp import log, mcp_server, settings
from greenlake_backup_mcp.simulator.app import create_app
from greenlake_backup_mcp.simulator.faults import Faults, Rule, fault

from .conftest import NOW, ticking

SITUATIONS = ("read", "list scan", "gated write", "task wait", "token")
WHERE = {  # situation -> method and path of the requests that get the fault
    "read": ("GET", "*/protection-stores/*"),
    "list scan": ("GET", "*/backups"),
    "gated write": ("DELETE", "*"),
    "task wait": ("GET", "*/async-operations/*"),
    "token": ("POST", "*/token*"),
}
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
ALTERS = ("no_total", "unknown_enum", "missing_fields", "hostile", "shift")
CONTENT = {kind.replace("_", " "): {"kind": kind, "times": 99} for kind in ALTERS}
LOCATIONS = {"no Location": {"kind": "no_location"}, "foreign Location": {"kind": "foreign_location"}}
ENDINGS = {
    f"task {state}{' though done' if effect and state != 'SUCCEEDED' else ''}": {
        "kind": "task",
        "state": state,
        "effect": effect,
    }
    for state in ("SUCCEEDED", "FAILED", "CANCELLED", "TIMEDOUT", "PAUSED", "never", "vanish", "QUIESCING")
    for effect in (True, False)
}
ROWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    **{name: (rule, SITUATIONS) for name, rule in EVERYWHERE.items()},
    **{name: (rule, SITUATIONS[:4]) for name, rule in REVOKED.items()},
    **{name: (rule, ("read", "list scan", "task wait")) for name, rule in CONTENT.items()},
    **{name: (rule, ("gated write",)) for name, rule in (LOCATIONS | ENDINGS).items()},
}
UNSEEN = re.compile(r"[\u202a-\u202e\u200b\x1b]")
CODE = re.compile(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b")


@dataclass(frozen=True)
class Cell:
    """One fault in one situation: the verdict, how often a write was carried out, and what was said."""

    verdict: str
    executed: int = 0
    said: str = ""


async def cell(situation: str, given: dict[str, Any]) -> Cell:
    """What becomes of this work under this fault."""
    method, path = WHERE[situation]
    rule = fault(**{"method": method, "path": path, **given})
    if situation in ("gated write", "task wait"):
        return await _delete(rule)
    return await _read(situation, rule)


def _text(result: Any) -> str:
    return "\n".join(part.text for part in result.content)


def _settings() -> settings.Settings:
    return settings.load(demo=True, wait=1, timeout=1, retries=3)


async def _read(situation: str, rule: Rule) -> Cell:
    shown = []
    for rules in ((), (rule,)):
        app = create_app(now=lambda: NOW, faults=Faults(rules))
        tenant = app.state.tenant
        name, arguments = _reading(situation, tenant)
        async with Client(mcp_server.create(_settings(), app=app, now=lambda: NOW)) as client:
            shown.append(await client.call_tool(name, arguments))
    assert all(app.state.script.seen), (situation, rule)  # the fault did strike
    clean, result = shown
    said = _text(result)
    assert not clean.is_error, _text(clean)
    if UNSEEN.search(said):
        return Cell("WRONG", said=said)
    if result.is_error:
        return Cell("told rightly" if "Traceback" not in said and "mistake of ours" not in said else "WRONG", said=said)
    same = said == _text(clean) or (rule.fault.kind in ALTERS and len(said) > len(_text(clean)) / 3)
    return Cell("survived" if same else "WRONG", said=said)


def _reading(situation: str, tenant: Any) -> tuple[str, dict[str, Any]]:
    if situation == "list scan":
        vm = next(v for v in tenant.all("virtual-machines") if v["displayName"] == "sap-prod-01")
        return "list_vm_backups", {"vmId": vm["id"]}
    return "get_protection_store", {"protectionStoreId": tenant.all("protection-stores")[0]["id"]}


async def _delete(rule: Rule) -> Cell:
    app = create_app(now=ticking, scale=100_000)
    tenant = app.state.tenant
    vm = next(v for v in tenant.all("virtual-machines") if v["displayName"] == "web-legacy-03")
    held = tenant.copies("virtual-machines", vm["id"], "backups").all(tenant.now(), tenant.lag)
    copy = next(b for b in held if b["state"] == "OK")
    target = {"vmId": vm["id"], "backupId": copy["id"]}
    async with Client(mcp_server.create(_settings(), app=app, now=ticking)) as client:
        preview = await client.call_tool("delete_vm_backup", {**target, "confirm": "preview"})
        app.state.script.set(Faults((rule,)))
        code = CODE.findall(_text(preview))[-1]
        result = await client.call_tool("delete_vm_backup", {**target, "confirm": code})
    assert all(app.state.script.seen), rule
    app.state.script.set(Faults())
    tenant.advance(3600)
    done = tenant.read(("virtual-machines", vm["id"], "backups", copy["id"])) is None
    executed = sum(n for (operation, _), n in tenant.writes.items() if operation == "DeleteVirtualMachineBackup")
    return Cell(judged(_text(result), result.is_error, done=done), executed, _text(result))


def judged(said: str, is_error: bool | None, *, done: bool) -> str:
    """Whether what was said of a delete fits what became of it."""
    if UNSEEN.search(said) or "mistake of ours" in said:
        return "WRONG"
    if "It is done" in said:
        return "survived" if done and not is_error else "WRONG"
    if "Outcome unknown" in said or "yet the resource is gone" in said:
        return "told rightly" if is_error else "WRONG"
    if "goes on waiting" in said or "acts in the console" in said or "still being deleted" in said:
        return "told rightly" if not is_error else "WRONG"
    # all else says that it was not done
    return "told rightly" if is_error and not done else "WRONG"


async def matrix(rows: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = ROWS) -> dict[tuple[str, str], Cell]:
    """All cells, a few at a time."""
    cells: dict[tuple[str, str], Cell] = {}
    limit = anyio.CapacityLimiter(6)

    async def one(name: str, situation: str, rule: dict[str, Any]) -> None:
        async with limit:
            cells[name, situation] = await cell(situation, rule)

    async with anyio.create_task_group() as group:
        for name, (rule, situations) in rows.items():
            for situation in situations:
                group.start_soon(one, name, situation, rule)
    return cells


def main() -> int:
    """Print the matrix; 1 where anything was wrong or carried out twice."""
    log.LOGGER.setLevel("CRITICAL")  # each error would be a line
    cells = anyio.run(matrix)
    print("fault".ljust(28) + "".join(s.ljust(14) for s in SITUATIONS))
    for name, (_, situations) in ROWS.items():
        print(
            name.ljust(28) + "".join((cells[name, s].verdict if s in situations else "-").ljust(14) for s in SITUATIONS)
        )
    counts = Counter(c.verdict for c in cells.values())
    twice = sum(c.executed > 1 for c in cells.values())
    print(f"\n{len(cells)} cells: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common()))
    print(f"requests executed twice: {twice}; outcomes misreported: {counts['WRONG']}")
    for key, found in cells.items():
        if found.verdict == "WRONG" or found.executed > 1:
            print("\n", key, found)
    return 1 if twice or counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
