"""Where an id comes from: the list tool that shows it, so that an error can name it.

Derived from the paths: what stands behind /virtual-machines/ is an id that list_vms shows. Must know nothing of HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from greenlake_backup_mcp.errors import BackupError, InputError

from . import validation
from .names import tail
from .registry import Tool

ALSO = {  # ids that only bodies carry
    "clusterId": "list_hypervisor_clusters",
    "folderId": "list_hypervisor_manager_folders",
    "resourcePoolId": "list_hypervisor_manager_resource_pools",
    "virtualMachineId": "list_vms",
    "targetVmId": "list_vms",
    "vpgBackupId": "list_volume_protection_group_backups",
    "vpgSnapshotId": "list_volume_protection_group_snapshots",
}
_ID = re.compile(r"\b[a-z]\w*Id\b")


def add_hint(
    problem: BackupError, tool: Tool | None, arguments: Mapping[str, Any], tools: Mapping[str, Tool]
) -> BackupError:
    """The problem, and where the ids it is about come from; as it was where it is about none."""
    if tool is None or not (isinstance(problem, InputError) or problem.status == 404):
        return problem
    about = id_arguments(tool) if problem.status == 404 else tuple(dict.fromkeys(_ID.findall(problem.message)))
    if not (advice := describe_sources(about, tool, arguments, tools)):
        return problem
    return problem.with_hint(f"{problem.hint} {advice}".strip())


def id_arguments(tool: Tool) -> tuple[str, ...]:
    """The arguments that say which resource a call is about."""
    return tuple(a.name for a in tool.arguments.values() if a.place == "path")


def describe_sources(names: Iterable[str], tool: Tool, arguments: Mapping[str, Any], tools: Mapping[str, Tool]) -> str:
    """Where these ids (arguments of the tool by `names`) come from, in a sentence that names list tools of `tools`.

    It says first which of the values in `arguments` look like names. Empty where nothing is known.
    """
    origins = {name: origin for name in names if (origin := source_of(name, tool, tools))}
    if not origins:
        return ""
    named = [n for n in origins if isinstance(arguments.get(n), str) and not validation.is_uuid(arguments[n])]
    looks = f"{' and '.join(named)}: that looks like a name, an id is wanted. " if named else ""
    return f"{looks}{'; '.join(f'{n} comes from {o}' for n, o in origins.items())}."


def source_of(name: str, tool: Tool, tools: Mapping[str, Tool]) -> str | None:
    """The list tool that shows the ids this argument takes; None where no list does, or several alike may."""
    own = tail(tool.operation.path) if tool.operation else ""
    lists = {tail(t.operation.path): t.name for t in tools.values() if t.lists and t.operation}
    candidates = {
        collection
        for other in tools.values()
        if other.operation and (argument := other.arguments.get(name)) and argument.place == "path"
        if (collection := tail(other.operation.path.split("/{" + argument.wire + "}", 1)[0])) in lists
    }
    below = [c for c in candidates if own.startswith(c + "/")]
    beside = [c for c in candidates if c.startswith(own.rpartition("{}")[0] + "{}/")] if "{}" in own else []
    for choice in (below, beside, list(candidates)):
        if len(choice) == 1:
            return lists[choice[0]]
    also = ALSO.get(name)
    return also if also in tools else None
