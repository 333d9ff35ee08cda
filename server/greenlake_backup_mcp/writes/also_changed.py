"""What changed beside what was asked for: a resource before an update against the same after it. Reads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from greenlake_backup_mcp.text import masking, sanitize, units

from . import leaf_values
from .expectations import Expectation

MOST = 5
# TABLE: what changes by itself, or is the service's own book-keeping
_OWN = frozenset({
    "generation", "updatedAt", "state", "status", "stateReason", "health", "executionStatuses", "nextRunTime",
    "prevRunTime", "prevSuccessfulRunTime", "protectionStatus", "recoveryPointsExist", "logBackupInfo",
    "verificationInfo", "upTimeInSeconds", "utcDateTime", "lastUpdateCheckTime", "latestRecoveryPoint",
    "lastRefreshed", "sizeOnDiskInBytes", "userDataStoredInBytes", "storage", "vmPerfMetricInfo", "consoleUri",
    "protectionJobsInfo", "assigned", "protectedResourcesInfo", "capacityFree", "vmCount",
})  # fmt: skip


def describe_also_changed(
    before: Mapping[str, Any], after: Mapping[str, Any], asked: Mapping[str, Any], row: Expectation
) -> str:
    """The leaves that differ and of which `asked` says nothing, in a sentence: `… description was a, is empty`.

    "" where none does, or `before` is not known ({}). Both sides are the resource as the service shows it; `row` says
    where it shows the leaves of the request. What changes by itself is left out, and below a list of the request
    everything counts as asked for.
    """
    if not before:
        return ""
    places = tuple(_places(asked, row))
    old, new = dict(_leaves(before)), dict(_leaves(after))
    clauses = [
        f"{sanitize.cell(path)} was {leaf_values.write(old.get(path))}, is {leaf_values.write(new.get(path))}"
        for path in dict.fromkeys((*old, *new))
        if not leaf_values.is_same(new.get(path), old.get(path)) and not _is_asked(path, places)
    ]
    listed = units.first_few(clauses, MOST, "; ")
    return f"ALSO CHANGED, though nobody asked for it: {listed}." if clauses else ""


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a resource with their paths; of a list those of each element, by its id where it has one."""
    name = re.sub(r"\[.*", "", path.rpartition("/")[2])
    if name in _OWN or masking.is_secret(name):
        return
    if isinstance(value, Mapping) and set(value) != {"value", "unit"}:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}/{key}".lstrip("/"))
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value, 1):
            yield from _leaves(one, f"{path}[{one.get('id') or one.get('scheduleId') or number}]")
    else:
        yield path, value


def _places(asked: Any, row: Expectation, path: str = "") -> Iterator[str]:
    """Where a resource shows what was asked for; of an id the whole that it names."""
    if isinstance(asked, Mapping) and path not in row.fields:
        for name, value in asked.items():
            yield from _places(value, row, f"{path}/{name}".lstrip("/"))
        return
    place = row.fields.get(path)
    for candidate in place.split("|") if place else leaf_values.places_of(path):
        yield candidate.strip("!*").removesuffix("/id").removesuffix("/type")


def _is_asked(path: str, places: tuple[str, ...]) -> bool:
    plain = re.sub(r"\[[^\]]*\]", "", path)
    return any(f"{plain}/".startswith(f"{one}/") or f"{one}/".startswith(f"{plain}/") for one in places)
