"""What can be read out of one item of an answer: values under a path, sizes, states, what is wrong.

Each function takes the item as the service sent it and copes with anything in it: absent, null, another type,
a value no document names. Knows the domain, no lists, no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from greenlake_backup_mcp.text import units

Item = Mapping[str, Any]

_FAMILY = re.compile(r"^(?:PSG|SO)_(?:HEALTH_)?STAT(?:E|US)_")
GAPS = ("UNPROTECTED", "LAPSED", "PARTIAL")
NO_POINT = ("CREATING", "ERROR", "FAILED", "DELETING", "DELETED")  # of a copy: nothing can be restored from it
NOT_RESTORABLE = (*NO_POINT, "DELETE_PENDING", "PENDING_DELETE_APPROVAL")  # nor to be counted on
FINE = ("OK", "ONLINE", "CONNECTED", "NOT_VERIFIED")  # most are, and need no second look
BAD_STATES = (
    "ERROR",
    "OFFLINE",
    "STORE_FAILURE",
    "DISCONNECTED",
    "DEGRADED",
    "RESTORE_FAILED",
    "UNAVAILABLE",
    "CRITICAL",
)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def values_at(item: Any, path: str) -> list[Any]:
    """Every value under a path, also of each element of a list on the way; nulls are left out."""
    level = (item,)
    for step in _steps(path):
        held: list[Any] = []
        for one in level:
            if isinstance(one, dict) and (value := one.get(step)) is not None:
                if isinstance(value, list):
                    held += [inner for inner in value if inner is not None]
                else:
                    held.append(value)
        if not held:
            return held
        level = held  # type: ignore[assignment]
    return held


def first(item: Item, paths: Sequence[str]) -> Any:
    """The first value under the first path that has one and is not empty text; None without."""
    for path in paths:
        value: Any = item.get(path)  # a nested path is no key, and goes on below
        if type(value) is str and value:
            return value
        value = item
        for step in _steps(path):
            if isinstance(value, list):
                value = value[0] if value else None
            if not isinstance(value, dict):
                value = None
                break
            value = value.get(step)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and value != "":
            return value
    return None


def every(item: Item, paths: Sequence[str]) -> list[Any] | None:
    """All values under the paths, each once."""
    values = [value for path in paths for value in values_at(item, path) if not isinstance(value, (dict, list))]
    return list(dict.fromkeys(values)) or None


def amount(item: Item, paths: Sequence[str]) -> int | None:
    """How many elements the list has; None where the item has no such list."""
    held = first_raw(item, paths[0])
    return len(held) if isinstance(held, list) else None


def first_raw(item: Any, path: str) -> Any:
    """What is under the path, lists as they are."""
    for step in _steps(path):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def text(value: Any) -> str:
    """A scalar as text; '' for what is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return str(value) if isinstance(value, (str, int, float)) else ""


# --- sizes and states ----------------------------------------------------------------------------------------------


def total_bytes(item: Item, paths: Sequence[str]) -> int | None:
    """The sum of sizes in bytes. The vendor gives some in MiB (`sizeInMib`, `sizeInMiB`) and some in bytes."""
    sizes = []
    for path in paths:
        factor = units.MIB if path.lower().endswith("mib") else 1
        sizes += [n * factor for value in values_at(item, path) if (n := units.number(value)) is not None and n >= 0]
    return int(sum(sizes)) if sizes else None


def fill(item: Item, paths: Sequence[str]) -> int | None:
    """Percent used: the first size of the second."""
    used, capacity = (units.number(first(item, [path])) for path in paths[:2])
    return round(100 * used / capacity) if used is not None and capacity else None


def used_of(item: Item, paths: Sequence[str]) -> int | None:
    """Bytes used: the first size less the second (capacity, free)."""
    capacity, free = (units.number(first(item, [path])) for path in paths[:2])
    return int(capacity - free) if capacity is not None and free is not None else None


def ratio(item: Item, paths: Sequence[str]) -> str | None:
    """How many times smaller the data is on disk: the first size over the second, as `3.4:1`."""
    stored, on_disk = (units.number(first(item, [path])) for path in paths[:2])
    return f"{stored / on_disk:.1f}:1" if stored and on_disk else None


def verified(item: Item, paths: Sequence[str]) -> str | None:
    """Whether a copy was verified: yes, no, or what became of it."""
    state = text(first(item, paths))
    return {"VERIFIED": "yes", "NOT_VERIFIED": "no"}.get(state, state.lower()) or None


def health(item: Item, paths: Sequence[str]) -> str | None:
    """States as one word where they agree: `OK`, `ERROR`, `ONLINE/WARNING`; prefixes of the vendor's taken off."""
    words = list(
        dict.fromkeys(short_state(text(value)) for path in paths if (value := first(item, [path])) is not None)
    )
    worse = [w for w in words if w not in FINE]
    return "/".join(worse or words[:1]) or None


def word(item: Item, paths: Sequence[str]) -> str | None:
    """A state without its family name."""
    return short_state(text(first(item, paths))) or None


def short_state(state: str) -> str:
    """The state without the family name in front: PSG_HEALTH_STATE_OK → OK."""
    return _FAMILY.sub("", state) if state.startswith(("PSG_", "SO_")) else state


def problem_of(item: Item, paths: Sequence[str]) -> str | None:
    """What is wrong, with the reason where one is given: paths are states, the last one the reason's."""
    bad: list[str] = []
    for path in paths[:-1]:
        value = item.get(path) if "/" not in path else first(item, (path,))
        if value in FINE or value is None:
            continue
        word = short_state(text(value))
        if _is_bad(word) and word not in bad:
            bad.append(word)
    if not bad:
        return None
    return _with_reason("/".join(bad), item, paths[-1:])


def _with_reason(state: str, item: Item, paths: Sequence[str]) -> str:
    why = text(first(item, paths))
    return f"{state}: {why}" if why else state


def _is_bad(state: str) -> bool:
    return state in BAD_STATES or state.endswith(("_ERROR", "_FAILURE", "FAILED"))


def protection_trouble(item: Item, paths: Sequence[str]) -> str | None:
    """An asset with a gap in its protection, or in error itself.

    Paths are its protection, whether it has recovery points, then as for `problem_of`. One that never had a copy is a
    gap too, whatever its protection is called.
    """
    protection, copies, *others = paths
    status = text(first(item, [protection]))
    wrong = problem_of(item, others)
    never = status in ("PROTECTED", "PARTIAL", "PAUSED", "PENDING") and first_raw(item, copies) is False
    problems = [status] if status in GAPS else []
    problems += ["PENDING, no recovery point yet" if status == "PENDING" else "no recovery point"] if never else []
    problems += [wrong] if wrong else []
    return ", ".join(problems) or None


def datastore_trouble(item: Item, paths: Sequence[str]) -> str | None:
    """As for an asset, but most datastores are protected through their VMs, so UNPROTECTED is no trouble."""
    problems = protection_trouble(item, paths)
    return (problems or "").removeprefix("UNPROTECTED").removeprefix(", ") or None


def nearly_full(item: Item, paths: Sequence[str]) -> str | None:
    """A store in trouble, or at least 90 % full: paths are used, capacity, then as for `trouble`."""
    wrong = problem_of(item, paths[2:])
    percent = fill(item, paths[:2])
    full = f"{percent} % full" if percent is not None and percent >= 90 else None
    return ", ".join(w for w in (wrong, full) if w) or None


def task_trouble(item: Item, paths: Sequence[str]) -> str | None:
    """A task that failed, or of which nobody knows: paths are state, error texts."""
    state = text(first(item, paths[:1]))
    if state not in ("FAILED", "TIMEDOUT", "PAUSED", "CANCELLED"):
        return None
    meaning = {"TIMEDOUT": "TIMEDOUT (outcome unknown)", "PAUSED": "PAUSED (a person must act in the console)"}
    return _with_reason(meaning.get(state, state), item, paths[1:])


def restorable_range(item: Item, paths: Sequence[str]) -> str:
    """To which moments a database can be brought back from a copy: paths are its own moment, that of its last log."""
    taken, last = (units.parse_time(first(item, [path])) for path in paths[:2])
    if taken is None:
        return "not known"
    if last is None or last <= taken:
        return f"its own moment alone, {units.stamp(taken)}: it has no log backup"
    return f"any moment from {units.stamp(taken)} to {units.stamp(last)} (restoreUntil), by its log backups"


def waiting(item: Item, paths: Sequence[str]) -> str | None:
    """An approval that a second person has still to decide."""
    return (
        "waits for a second person" if text(first(item, paths)).lower() in ("pending", "requested", "created") else None
    )


def severe(item: Item, paths: Sequence[str]) -> str | None:
    """An issue that is critical: paths are its severity, what it says."""
    severity = text(first(item, paths[:1]))
    return _with_reason(severity, item, paths[1:]) if severity in ("CRITICAL", "HIGH") else None


def policy_at_work(item: Item, paths: Sequence[str]) -> str | None:
    """The policy of an asset, or where it has it from: paths are the policy's name, and at what it was applied."""
    name = text(first(item, paths[:1]))
    level = text(first(item, paths[1:]))
    return name or {"VM_PROTECTION_GROUP": "of its group", "DATASTORE": "of its datastore"}.get(level)


def policy_level(item: Item, paths: Sequence[str]) -> str | None:
    """What a policy was applied to, by name where it is not the asset itself: paths are its type, its name."""
    level, name = (text(first(item, [path])) for path in paths[:2])
    return level if level == "VIRTUAL_MACHINE" else f"{level} {name}".strip() or None


def last_part(item: Item, paths: Sequence[str]) -> str | None:
    """The last part of a type: virtualization/virtual-machine → virtual-machine."""
    return text(first(item, paths)).rsplit("/", 1)[-1] or None


def task_kind(item: Item, paths: Sequence[str]) -> str | None:
    """What a task does, without what it does it to: `Run backup schedule: web-01` → Run backup schedule."""
    return text(first(item, paths)).partition(":")[0].strip() or None
