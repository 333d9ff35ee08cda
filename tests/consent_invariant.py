"""The person signs the whole request: each leaf of each writing call, changed, added or removed, reads otherwise.

For each tool that changes something, a full valid request and the fewest arguments; each leaf in turn gets another
value, goes, or comes. The whole difference and the code must change, and the text unless it folds; or the leaf is a
secret (its value is silent, that it is given is not) or the order of a set. In full, with plans and both protocol eras:

    python -m tests.consent_invariant
"""

from __future__ import annotations

import copy
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.consent import codes
from greenlake_backup_mcp.dispatch import arguments as arguments_
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.openapi.document import Schema
from greenlake_backup_mcp.previews import registry as effects
from greenlake_backup_mcp.previews.judgement import SILENT
from greenlake_backup_mcp.previews.model import Effect
from greenlake_backup_mcp.previews.reads import ReadCache
from greenlake_backup_mcp.simulator.server.app import create_app
from greenlake_backup_mcp.tools import registry, schemas
from greenlake_backup_mcp.tools.danger import Danger
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream import client
from greenlake_backup_mcp.upstream import published as published_names
from tests.conftest import NOW
from tests.support import samples

TOOLS = {t.name: t for t in registry.tools()}
WRITING = [t for t in TOOLS.values() if t.danger is not Danger.READ]
KEY = b"k" * 32


@dataclass(frozen=True)
class Mutation:
    """A request, and the same with one leaf otherwise."""

    tool: Tool
    kind: str  # changed, removed or added; published: changed, and written as the published description has it
    path: tuple[Any, ...]
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def silent(self) -> bool:
        """Whether the leaf's value stands in the table of silent leaves."""
        names = [step for step in self.path if isinstance(step, str)]
        return self.kind in ("changed", "published") and bool(names) and SILENT(names[-1])

    def is_untold_by(self, effect: Effect) -> bool:
        """Whether the leaf is in no line of the difference: it gives the present value, which changes nothing."""
        dotted = ".".join(step for step in self.path if isinstance(step, str))
        return not any(line.startswith(f"{dotted}:") for line in effect.whole)

    def __str__(self) -> str:
        return f"{self.tool.name} {self.kind} {'.'.join(map(str, self.path))}"


def mutations(tool: Tool, tenant: Any) -> Iterator[Mutation]:
    """Each leaf of a full request changed and removed; each leaf that the fewest arguments lack, added."""
    ids = set(samples.ids(tool, tenant))
    full, fewest = _base(tool, tenant, full=True), _base(tool, tenant, full=False)
    schema = _schema(tool)
    for path, value, leaf_schema in _leaves(full, schema, ()):
        if path[0] in ids:
            continue
        for kind, other in (("changed", _another(value, leaf_schema, path)), ("removed", None)):
            changed = copy.deepcopy(full)
            if (_put(changed, path, other) if kind == "changed" else _drop(changed, path)) and _is_valid(tool, changed):
                yield Mutation(tool, kind, path, full, changed)
        if path[0] not in fewest:
            added = copy.deepcopy(fewest)
            added[path[0]] = copy.deepcopy(full[path[0]])
            if len(path) == 1 and _is_valid(tool, added):
                yield Mutation(tool, "added", path, fewest, added)


def published(tool: Tool, tenant: Any) -> Iterator[Mutation]:
    """Changed requests written as the published description has it: what ours corrected is consented to as well."""
    operation = tool.operation.id if tool.operation else ""
    for one in mutations(tool, tenant):
        after = published_names.published_body(operation, one.after, {})
        if operation == "VirtualMachineFileRestore":
            words = [*published_names.KEEP_FOLDERS.values()]
            after = {words[words.index(n) - 1] if n in words else n: value for n, value in one.after.items()}
        if operation == "VmpgRestore":
            for info in published_names.holders(after, "recoveryInfo"):
                info["recoveryPointType"] = "CLOUD_BACKUP"
        if one.kind == "changed" and after != one.after and _is_valid(tool, after):
            yield Mutation(tool, "published", one.path, one.before, after)
    fewest = _base(tool, tenant, full=False)
    if operation in published_names.RESTORES and "backupId" in fewest:
        two, other = ({**fewest, "snapshotId": f"{n}{samples.UUID[1:]}"} for n in "12")
        yield from (Mutation(tool, "published", ("snapshotId",), *pair) for pair in ((fewest, two), (two, other)))
    for row in published_names.names_of(operation):
        value = "SNAPSHOT" if row.published == "snapshotType" else ["Hard disk 1"]
        if not row.described and _is_valid(tool, {**fewest, row.published: value}):
            yield Mutation(tool, "published", (row.published,), fewest, {**fewest, row.published: value})


def _base(tool: Tool, tenant: Any, *, full: bool) -> dict[str, Any]:
    """A valid request: every leaf, or the fewest."""
    inputs = samples.arguments(tool, tenant, full)
    if tool.name == "update_protection_policy":
        policy = tenant.read(("protection-policies", inputs["protectionPolicyId"]))
        for tier, held in zip(inputs.get("protections", ()), policy["protections"], strict=False):
            tier["id"] = held["id"]
    nics = [n["id"] for g in tenant.all("protection-store-gateways")[:1] for n in g["network"]["nics"]]
    if isinstance(inputs.get("nic"), dict) and "id" in inputs["nic"]:
        inputs["nic"]["id"] = nics[-1]
    return inputs


def _schema(tool: Tool) -> Schema:
    body = schemas.merged_choice(tool.body or {})
    query = {p.name: p.schema for p in (tool.operation.parameters if tool.operation else ()) if p.place == "query"}
    return {"type": "object", "properties": {**query, **body.get("properties", {})}}


def _leaves(value: Any, schema: Schema, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Schema]]:
    schema = schemas.merged_choice(schema)
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, schema.get("properties", {}).get(name, {}), (*path, name))
    elif isinstance(value, list) and value:
        for n, item in enumerate(value):
            yield from _leaves(item, schema.get("items", {}), (*path, n))
    else:
        yield path, value, schema


def _another(value: Any, schema: Schema, path: tuple[Any, ...]) -> Any:
    """Another valid value for a leaf."""
    if "enum" in schema:
        return next((v for v in schema["enum"] if v not in (value, None)), value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        most = schema.get("maximum")
        return value + 1 if most is None or value + 1 <= most else value - 1
    kind = str(schema.get("format", "")).lower()
    if kind == "date-time":
        return "2027-01-31T18:00:01Z"
    if kind == "ipv4":
        return "10.0.0.8"
    if kind == "hh:mm":
        return "20:01"
    if kind == "uuid" or value == samples.UUID:
        return "6f5b3a52-5b0e-4d5f-9a3a-0d1f6b7c8e91"
    return f"{str(value)[:-1]}{'y' if str(value)[-1:] != 'y' else 'z'}"


def _put(value: Any, path: tuple[Any, ...], new: Any) -> bool:
    for step in path[:-1]:
        value = value[step]
    if value[path[-1]] == new and isinstance(value[path[-1]], bool) == isinstance(new, bool):
        return False
    value[path[-1]] = new
    return True


def _drop(value: Any, path: tuple[Any, ...]) -> bool:
    for step in path[:-1]:
        value = value[step]
    del value[path[-1]]
    return True


def _is_valid(tool: Tool, inputs: dict[str, Any]) -> bool:
    try:
        arguments_.prepare(tool, {**copy.deepcopy(inputs), **({"confirm": "preview"} if tool.gated else {})})
    except BackupError:
        return False
    return True


class Judge:
    """What a person reads of a call, and the code for it, over one simulated tenant; reads are made once."""

    def __init__(self, api: client.ApiClient) -> None:
        self.api = api
        self.context = effects.PreviewContext(ReadCache(10**9))

    async def effect(self, tool: Tool, inputs: dict[str, Any]) -> tuple[Effect, str]:
        """The effect of a call and its code."""
        confirm = {"confirm": "preview"} if tool.gated else {}
        prepared = arguments_.prepare(tool, {**copy.deepcopy(inputs), **confirm})
        plain = {name: value for name, value in prepared.items() if name != "confirm"}
        request = arguments_.build_request(tool, prepared)
        target = await effects.read_target(self.api, TOOLS, tool, plain, request, self.context)
        result = await effects.describe_effect(self.api, tool, plain, target, NOW, self.context)
        call = codes.Call(tool.name, plain, "local", target.state, result.binding_facts)
        return result, codes.code(KEY, call, 1, 0)

    async def problem(self, mutation: Mutation) -> str:
        """What of the two requests is the same and must not be; "" where nothing is."""
        (one, code), (two, other) = [
            await self.effect(mutation.tool, inputs) for inputs in (mutation.before, mutation.after)
        ]
        if code == other:
            return "the code"
        if mutation.silent:
            return ""
        if one.whole == two.whole:
            patches = mutation.tool.operation is not None and mutation.tool.operation.method == "PATCH"
            return (
                "" if patches and mutation.kind == "removed" and mutation.is_untold_by(one) else "the whole difference"
            )
        if list(one.lines()) == list(two.lines()) and not (one.folded or two.folded):
            return "the text"
        return ""


async def violations(sample: int | None, seed: int = 7) -> tuple[Counter[str], list[str]]:
    """How many mutations were judged, by kind; and those that change nothing that a person reads."""
    app = create_app(now=lambda: NOW, seed=7)
    every = [m for tool in WRITING for kind in (mutations, published) for m in kind(tool, app.state.tenant)]
    chosen = random.Random(seed).sample(every, min(sample, len(every))) if sample else every
    counts = Counter(m.kind for m in chosen)
    counts["tools"] = len({m.tool.name for m in chosen})
    counts["silent"] = sum(m.silent for m in chosen)
    async with client.connect(settings.load(demo=True, rate=1_000_000), app=app, now=lambda: NOW) as api:
        judge = Judge(api)
        judged = [(mutation, await judge.problem(mutation)) for mutation in chosen]
    bad = [f"{mutation}: {same} is the same" for mutation, same in judged if same]
    return counts, bad


def main() -> int:
    """Judge all of it; 0 where nothing was found."""
    started = time.monotonic()
    counts, bad = anyio.run(violations, None)
    print(f"{dict(counts)} in {time.monotonic() - started:.0f} s; {len(bad)} violations")
    for line in bad:
        print(f"  {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
