"""The preview of any call: what it acts on, what else must be read for it, and the effect they amount to.

An operation without a spec is described by its name and arguments. To add one: write its sentences in the module of
its kind, and a row in that module's TABLE. Must know nothing of MCP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from greenlake_backup_mcp.lists.render import json_cut
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.tools import target_reads
from greenlake_backup_mcp.tools.registry import Tool
from greenlake_backup_mcp.upstream.body_limits import offload_if
from greenlake_backup_mcp.upstream.client import ApiClient, Request
from greenlake_backup_mcp.upstream.published import BESIDE

from . import (
    access,
    creations,
    disk_restores,
    group_restores,
    groups,
    id_reads,
    job_creations,
    jobs,
    policies,
    recovery_points,
    restores,
    stores,
    systems,
    tenant_facts,
)
from .difference import compute_difference
from .effect import cannot, compose
from .model import Effect, Finding, PreviewSpec, Subject, notable
from .places import request_body
from .reads import (
    ReadCache,
    ReadResult,
    ReadSpec,
    Target,
    identity_of,
    kind_of,
    read,
    read_all,
    read_copy,
)

KINDS = (
    recovery_points,
    restores,
    disk_restores,
    group_restores,
    jobs,
    job_creations,
    policies,
    groups,
    stores,
    systems,
    access,
    creations,
)
SYSTEMS = ("protection-stores", "protection-store-gateways", "storeonces")  # which something is written to
CLOCKS_APART = 120  # seconds between the service's clock and ours beyond which ours is not believed
MANY = 50  # items of a list, whose names are looked for in a thread
TABLE: Mapping[str, PreviewSpec] = {operation: spec for kind in KINDS for operation, spec in kind.TABLE.items()}


def _name_operation(s: Subject) -> str:
    key = s.tool.operation.key if s.tool.operation else s.tool.name
    return f"Carry out {key}" + (f" on the {s.label}" if s.target.path else "")


DEFAULT_SPEC = PreviewSpec(
    _name_operation,
    lambda s: (Finding(cell(s.tool.description, 400)),),
    "This operation is not one this server knows; take it that it cannot be undone.",
    unknown=("what it does beyond its description",),
)


def spec_for(tool: Tool) -> PreviewSpec:
    """The spec of a tool's operation."""
    return TABLE.get(tool.operation.id, DEFAULT_SPEC) if tool.operation else DEFAULT_SPEC


@dataclass(frozen=True)
class PreviewContext:
    """What calls share: a plan its reads; all of them when what others delete or expire is gone, by path."""

    reads: ReadCache | None = None
    leaving: Mapping[str, datetime] = field(default_factory=dict)


async def read_target(  # noqa: PLR0913, PLR0917
    api: ApiClient,
    tools: Mapping[str, Tool],
    tool: Tool,
    arguments: Mapping[str, Any],
    request: Request,
    context: PreviewContext | None = None,
) -> Target:
    """What a call acts on and what it uses, read now. This is what a code is bound to.

    With a `context` that shares reads, a copy is taken from the list of its asset's copies, one read for all of them.
    """
    reader = target_reads.target_read(tool, request, tools)
    if reader is None:
        return Target("resource", "", ReadResult("what it acts on", problem="no read of it is known"))
    shared, kind = context.reads if context else None, kind_of(reader.path)
    spec = ReadSpec("target", f"the {kind}", reader.path)
    result = await read_copy(api, spec, shared) if shared is not None else await read(api, spec)
    alone = Target(kind, reader.path, result)
    uses = used_by(tool, arguments, alone)
    return replace(alone, uses=await read_all(api, uses, shared)) if uses else alone


def used_by(tool: Tool, arguments: Mapping[str, Any], acted_on: Target) -> list[ReadSpec]:
    """The reads of what a call uses besides its target; a code is bound to it too."""
    missing = acted_on.result.missing
    return [] if missing else [r for r in spec_for(tool).reads(arguments, acted_on) if r.decides]


async def describe_effect(  # noqa: PLR0913, PLR0917
    api: ApiClient,
    tool: Tool,
    arguments: Mapping[str, Any],
    acted_on: Target,
    now: datetime,
    context: PreviewContext | None = None,
) -> Effect:
    """What the call would do, from its target and from what hangs on it (read now).

    Judged by the service's clock where ours is far from it: a lock that has ended here only has not ended.
    """
    if why := _unreadable(acted_on):
        what = f"{acted_on.kind} {cell(identity_of(acted_on.path)[1])}"
        title = f"{tool.title} ({what})"
        why = why.replace("{target}", what)
        return Effect(title, cannot(why), forbidden=why, danger=tool.danger)
    spec, shared = spec_for(tool), context or PreviewContext()
    plain = {name: value for name, value in arguments.items() if name != "confirm"}
    clock = acted_on.result.answered
    apart = (now - clock).total_seconds() if clock else 0
    now = clock if clock and abs(apart) > CLOCKS_APART else now
    specs = [r for r in spec.reads(plain, acted_on) if not r.decides]
    specs += tenant_facts.task_reads(acted_on, shared.reads is None) if acted_on.path and tool.gated else []
    large = json_cut.is_large(acted_on.resource)
    difference = await offload_if(large, compute_difference, tool, plain, acted_on.resource)
    body = request_body(tool, plain)
    by_id = await offload_if(large, id_reads.name_reads, body, acted_on.resource, acted_on.kind, difference)
    facts = await read_all(api, [*specs, *by_id], shared.reads)
    subject = Subject(tool, plain, acted_on, facts, now, shared.leaving, difference)
    for stage in spec.further:
        specs += (more := stage(subject))
        subject = replace(subject, facts={**subject.facts, **await read_all(api, more, shared.reads)})
    if implied := tuple(spec.implied(subject)):
        subject = replace(subject, difference=replace(difference, leaves=(*difference.leaves, *implied)))
    results = (acted_on.result, *acted_on.uses.values(), *subject.facts.values())
    many = any(len(result.items) > MANY for result in results)
    names = await offload_if(large or many, id_reads.names_of_all, results)
    subject = replace(subject, id_names=names)
    subject = replace(subject, held_by=spec.held_by(subject))
    further = list(id_reads.missing_ids(body, by_id, facts))
    asked = {identity for _, identity in id_reads.ids_in(body)}
    named = [facts[r.name].resource for r in by_id if identity_of(r.path)[0] in SYSTEMS]
    systems = {one.get("id"): one for one in named}
    if not subject.read("system").available:  # which says itself what that means
        further += tenant_facts.unreachable(systems, (i for i in systems if i in asked))
    further += tenant_facts.running(subject)
    if "snapshotId" in plain.get(BESIDE, {}):
        beside = (
            "The backup is restored. The snapshot named beside it is sent along only where the service asks for both;"
        )
        further.append(notable(f"{beside} which of them it then takes is not documented."))
    if abs(apart) > CLOCKS_APART:
        further.append(tenant_facts.clocks_differ(apart))
    return await offload_if(
        large, compose, subject, spec, further, frozenset(r.name for r in (*specs, *by_id) if r.quiet)
    )


def _unreadable(acted_on: Target) -> str:
    """Why nothing can be said of a call's effect; "" where something can."""
    if acted_on.result.missing:
        return "There is no {target}: it does not exist, or not any more."
    if acted_on.path and not acted_on.result.available and not any(use.available for use in acted_on.uses.values()):
        return f"The {acted_on.kind} could not be read ({acted_on.result.problem}): the effect is not known."
    return ""
