"""Which arguments of the simulated tenant's writes are honoured: one is changed, and the tenant compared afterwards.

`python -m tests.twin_arguments [OPERATION …]` prints the table, kept in tests/snapshots/twin_arguments.txt; exit status
1 where one is ignored without a reason in UNTOLD. The requests it begins with are in tests/support/twin_requests.py.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.simulator import description
from greenlake_backup_mcp.simulator.description import Route
from greenlake_backup_mcp.simulator.server.service import Incoming, Service
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.switches import Switches
from tests.support.simulated import NOW
from tests.support.twin_requests import CHANGES, REQUESTS, Sample

ROUTES = {r.operation.id: r for r in description.load().routes if r.operation.method != "GET"}
ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
DAYS = 2 * 86_400.0

# Arguments that change nothing, each with the reason why that is right.
CUT = "without running tasks there is nothing to cut off"
MEMBER = "the id alone says what the member is"
PROXY = "a password is never read back, and nothing here goes through the proxy"
UNTOLD: dict[str, str] = {
    "DataManagementJobCreate assetInfo/type": "the id alone says what the asset is",
    "DataOrchestratorModify network/proxy/credentials/password": PROXY,
    "DataOrchestratorReboot force": CUT,
    "DataOrchestratorShutdown force": CUT,
    "ProtectionStoreGatewayNicUpdate force": CUT,
    "ProtectionStoreGatewayShutdownGuestOS ?force": "a gateway that is well goes off either way",
    "ProtectionStoreGatewayUpdate proxy/credentials/password": PROXY,
    "VmProtectionGroupCreate assets[]/type": MEMBER,
    "VmProtectionGroupUpdate assets[]/displayName": MEMBER,
    "VmProtectionGroupUpdate assets[]/name": MEMBER,
    "VmProtectionGroupUpdate assets[]/type": MEMBER,
}


@dataclass(frozen=True)
class Verdict:
    """What came of changing one argument: "honoured", "checked" (refused, at once or late) or "ignored"."""

    operation: str
    argument: str
    word: str
    detail: str = ""

    @property
    def key(self) -> str:
        """How UNTOLD names it."""
        return f"{self.operation} {self.argument}"


def arguments(route: Route) -> Iterator[tuple[str, Schema]]:
    """The leaves of a write's body and its query parameters: `a/b[]/c` and `?force`."""
    yield from ((f"?{p.name}", p.schema) for p in route.operation.parameters if p.place == "query")
    if route.operation.body:
        yield from _leaves(route.operation.body)


def _leaves(schema: Schema, before: str = "") -> Iterator[tuple[str, Schema]]:
    collected: dict[str, Schema] = {}
    for branch in (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        for name, sub in branch.get("properties", {}).items():
            collected.setdefault(name, sub)
    for name, sub in collected.items():
        many = sub.get("type") == "array"
        inner: Schema = sub.get("items", {}) if many else sub
        path = f"{before}{name}{'[]' if many else ''}"
        deeper = list(_leaves(inner, f"{path}/"))
        if deeper:
            yield from deeper
        elif not sub.get("readOnly"):
            yield path, inner


def judge(route: Route, argument: str, schema: Schema) -> Verdict:
    """Change one argument in each request of the operation that has it; the best of what comes of it."""
    verdicts = []
    for n, sample in enumerate(samples(route.operation.id)):
        if argument.startswith("?") or (not sample.refused and _holds(sample, argument)):
            verdicts.append(_compare(route, n, argument, schema))
    order = ("honoured", "checked", "ignored")
    best = min(verdicts, key=lambda v: order.index(v.word), default=None)
    return best or Verdict(route.operation.id, argument, "ignored", "no request has it")


def _compare(route: Route, n: int, argument: str, schema: Schema) -> Verdict:
    name = route.operation.id
    before = outcome(name, n, "", "")
    bad = [t for t in before["state"]["tasks"] if t[1] != "SUCCEEDED"]
    assert argument.startswith("?") or before["status"] < 300, (name, n, before["answer"])
    assert not bad, (name, n, bad)
    changed = json.dumps(_changed(route, n, argument, schema), default=str)
    after = outcome(name, n, argument, changed)
    if after["status"] >= 400 and before["status"] < 300:
        return Verdict(name, argument, "checked", str(after["answer"].get("message")))
    failed = [t[2] for t in after["state"]["tasks"] if t[1] == "FAILED"]
    if failed:
        return Verdict(name, argument, "checked", str(failed[0][0]))
    word = "ignored" if before == after else "honoured"
    return Verdict(name, argument, word)


def _holds(sample: Sample, argument: str) -> bool:
    held: Any = sample.body
    for part in argument.split("/"):
        name = part.removesuffix("[]")
        if not isinstance(held, dict) or name not in held:
            return False
        held = held[name]
        if part.endswith("[]"):
            if not held:
                return False
            held = held[0]
    return True


def _value(sample: Sample, argument: str) -> Any:
    held: Any = sample.body
    for part in argument.split("/"):
        held = held[part.removesuffix("[]")]
        held = held[0] if part.endswith("[]") else held
    return held


def _changed(route: Route, n: int, argument: str, schema: Schema) -> Any:
    """Another value for the argument: one of the table, else one that its schema allows."""
    change = CHANGES.get(
        f"{route.operation.id} {argument}", CHANGES.get(argument.rsplit("/", maxsplit=1)[-1].removesuffix("[]"))
    )
    if change is not None:
        return change(_tenant())
    if argument.startswith("?"):
        return "true"
    old = _value(samples(route.operation.id)[n], argument)
    if "enum" in schema:
        return next(v for v in schema["enum"] if v not in (old, None))
    if isinstance(old, bool):
        return not old
    if isinstance(old, (int, float)):
        return old + 1
    return f"{old}-2"


@cache
def samples(operation: str) -> list[Sample]:
    """The requests of an operation, on a tenant of their own."""
    return REQUESTS[operation](_untouched())


@cache
def _untouched() -> Tenant:
    """A tenant that is only looked at."""
    return _tenant()


def _tenant() -> Tenant:
    return Tenant(clock=lambda: NOW)


@lru_cache(maxsize=8)
def outcome(operation: str, n: int, argument: str, changed: str) -> dict[str, Any]:
    """The answer to a request with one argument changed, and the whole tenant two days later."""
    route, sample, tenant = ROUTES[operation], samples(operation)[n], _tenant()
    service, query = Service(tenant, description.load()), dict(sample.query)
    body = json.loads(json.dumps(sample.body))
    for before in sample.before:
        _send(service, *before)
        tenant.advance(DAYS)
    if argument.startswith("?"):
        query[argument[1:]] = json.loads(changed)
    elif argument:
        _set(body, argument.split("/"), json.loads(changed))
    path = "/" + "/".join(next(ids) if s.startswith("{") else s for ids in [iter(sample.ids)] for s in route.segments)
    status, answer = _send(service, route.operation.method, path, body, query)
    tenant.advance(DAYS)
    return {"status": status, "answer": answer, "state": state(tenant)}


def _set(body: Any, parts: list[str], value: Any) -> None:
    name = parts[0].removesuffix("[]")
    if len(parts) == 1:
        body[name] = [value, *body[name][1:]] if parts[0].endswith("[]") else value
        return
    inner = body[name]
    _set(inner[0] if parts[0].endswith("[]") else inner, parts[1:], value)


def _send(service: Service, method: str, path: str, body: Any, query: dict[str, str] | None = None) -> tuple[int, Any]:
    media = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"authorization": f"Bearer {Switches().ready_token}", "content-type": media}
    content = b"" if body is None else json.dumps(body).encode()
    text = "&".join(f"{k}={v}" for k, v in (query or {}).items())
    answer, _ = service.answer(Incoming(method, path, text, headers, content, "http://tenant.test"))
    remaining = (
        {k: v for k, v in answer.body.items() if k != "debugId"} if isinstance(answer.body, dict) else answer.body
    )
    return answer.status, remaining


def state(tenant: Tenant) -> dict[str, Any]:
    """Everything that a tenant is: its resources, recovery points, tasks, and what it knows and does not tell."""
    copies = {
        "/".join(ref): [held.changed, sorted(held.gone), held.extra, sorted(held.stuck)]
        for ref, held in tenant.history.held.items()
        if held.changed or held.gone or held.extra
    }
    tasks = [
        (t.name, t.state, t.error, t.about["resourceUri"], [o["resourceUri"] for o in t.others], [x for _, x in t.log],
         t.minutes)
        for t in tenant.tasks.values()
    ]  # fmt: skip
    world = {name: items for name, items in tenant.world.resources.items() if name != "async-operations"}
    return {"world": world, "copies": copies, "tasks": tasks, "restores": tenant.restores, "untold": tenant.untold,
            "stores": sorted(tenant.history.gone_stores)}  # fmt: skip


def line(verdict: Verdict) -> str:
    """A line of the table."""
    why = UNTOLD.get(verdict.key, verdict.detail) if verdict.word != "honoured" else ""
    return f"{verdict.word:9} {verdict.key}" + (f"  ({re.sub(ID, '<id>', why)})" if why else "")


def table(operations: list[str] | None = None) -> Iterator[Verdict]:
    """The verdict on every argument of these operations, or of all."""
    for name in operations or sorted(ROUTES):
        for argument, schema in arguments(ROUTES[name]):
            yield judge(ROUTES[name], argument, schema)


def main() -> int:
    """Print the table."""
    verdicts = list(table(sys.argv[1:]))
    print("\n".join(map(line, verdicts)))
    print(dict(Counter(v.word for v in verdicts)), "of", len(verdicts), file=sys.stderr)
    return int(any(v.word == "ignored" and v.key not in UNTOLD for v in verdicts))


if __name__ == "__main__":
    sys.exit(main())
