"""The leaves of a difference in words: what is meant, and its value as lists tell it, each id with its name.

Two different values never read the same, so that nothing can hide in an abbreviation. Everything here is harmless text.
Must know nothing of gravity, HTTP or MCP.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from greenlake_backup_mcp.lists.views import schedules
from greenlake_backup_mcp.text import masking, sanitize, units
from greenlake_backup_mcp.text.sanitize import cell

from . import times
from .difference import Element, Leaf, Path, is_atom, leaves_of
from .places import ABSENT, MEMBERS, store_of
from .reads import OWN, ReadResult

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ID = re.compile(r'("[^"]*")| \(id ([^)"]*)\)')  # an id beside a name, which stands in quotes
TIMES = re.compile(r"(?:At|Until|DateTime|Time)$")  # names of leaves that hold points in time
SIZES = re.compile(r"InBytes$")
LONGEST = 160  # characters of a text that stand in a line; beyond, its length and digest tell two apart
# TABLE: what people call a leaf; others keep the name the API gives them
LABELS: Mapping[str, str] = {
    "expireAfter": "kept",
    "lockFor": "locked for",
    "lockedUntil": "locked until",
    "expiresAt": "expires",
    "schedule": "runs",
    "protectionStoreId": "store",
    "protectionPolicyId": "policy",
    "sourceProtectionScheduleId": "source schedule",
    "scheduleIds": "schedules",
    "preScriptInfo": "program before each run",
    "postScriptInfo": "program after each run",
    "namePattern": "name pattern",
    "protections": "",
    "schedules": "",
}


def collect_names(value: Any) -> dict[str, str]:
    """Id → name, of everything within what was read that has both. What a request calls a thing is never a name.

    It looks at each value of answers of megabytes, so it tests for what JSON is parsed to and not for what is like it.
    """
    ids: dict[str, str] = {}
    left = [value] if isinstance(value, (dict, list)) else []
    while left:
        value = left.pop()
        if type(value) is dict:
            name = value.get("displayName") or value.get("name")
            if not name and type(value.get("schedules")) is list and value.get("type"):
                name = describe_tier({n: value[n] for n in ("type", "protectionStoreInfo") if n in value}, {})
                name = without_ids(name).replace('"', "")
            if name and type(name) is str:
                for identity in (value.get("id"), value.get("resourceUri")):
                    if identity and type(identity) is str:
                        ids.setdefault(identity.rpartition("/")[2], name)
            value = value.values()
        left += [item for item in value if type(item) is dict or type(item) is list]
    return ids


def names_of_all(results: Iterable[ReadResult]) -> dict[str, str]:
    """Id → name of all that was read; what the calls of a plan share is looked through once."""
    names: dict[str, str] = {}
    for result in results:
        if "names" not in result.worked_out:
            result.worked_out["names"] = collect_names(result.value)
        names.update(result.worked_out["names"])
    return names


def named_id(identity: Any, names: Mapping[str, str]) -> str:
    """An id with its name before it: `"sql-01" (id …)`."""
    text = str(identity)
    name = names.get(unquote(text.rpartition("/")[2]))
    return f"{sanitize.quoted(name, 80)} (id {_exact(text)})" if name else f"id {_exact(text)}"


def describe_value(name: str, value: Any, names: Mapping[str, str], now: datetime) -> str:
    """A value of a leaf: secrets hidden, times with their distance, lengths of time and rhythms as lists tell them."""
    if value is ABSENT or value is None:
        return ""
    if masking.is_secret(name):
        return "(not shown)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        value = masking.redact(value)
        moment = units.parse_time(value) if TIMES.search(name) else None
        if moment is not None:
            return times.describe_when(moment, now, exact=True)
        if not _is_id(value, names):
            return quote_exactly(value)
        named = named_id(value, names)  # a label that says "id" already does not say it twice
        return named.removeprefix("id ") if LABELS.get(name, name)[-2:].lower() == "id" else named
    if isinstance(value, (int, float)) and SIZES.search(name):
        return f"{units.size(value)} ({value:,} bytes)"
    if isinstance(value, Mapping) and set(value) == {"value", "unit"}:
        return cell(schedules.period(value)) or _exact(f"{value['value']} {str(value['unit']).lower()}")
    if isinstance(value, Mapping) and name == "schedule":
        return describe_rhythm(value)
    if isinstance(value, list):
        return ", ".join(_describe_item(name, item, names, now) for item in value) or "none"
    if isinstance(value, Mapping):
        return quote_exactly(json.dumps(masking.redact(value), ensure_ascii=False, sort_keys=True))
    return cell(str(value))


def _describe_item(name: str, item: Any, names: Mapping[str, str], now: datetime) -> str:
    """An element of a list that is told as one value."""
    if isinstance(item, Mapping) and len(item) == 1:
        return describe_value(*next(iter(item.items())), names, now)
    if isinstance(item, Mapping):
        return describe_all(item, names, now)
    return describe_value(name, item, names, now)


def describe_all(item: Any, names: Mapping[str, str], now: datetime, of_list: str = "") -> str:
    """All leaves of a value in one line; an element of a list by its label, what it holds in brackets."""
    if not isinstance(item, Mapping):
        return describe_value(of_list, item, names, now)
    parts = []
    for name, value in item.items():
        label = LABELS.get(name, cell(name))
        if isinstance(value, list) and any(isinstance(i, Mapping) and len(i) > 1 for i in value):
            inner = "; ".join(_describe_element_whole(name, n, i, names, now) for n, i in enumerate(value))
            parts.append(f"{label}: {inner}" if label else inner)
        elif isinstance(value, Mapping) and not is_atom((name,), value):
            parts.append(f"{label} ({describe_all(value, names, now)})")
        else:
            parts.append(f"{label} {describe_value(name, value, names, now)}".strip())
    return ", ".join(parts) or "empty"


def _describe_element_whole(of_list: str, n: int, item: Any, names: Mapping[str, str], now: datetime) -> str:
    """An element of a list with all it holds."""
    label = describe_element(of_list, Element(n + 1, item), names)
    return f"{label} ({describe_all(without_label(of_list, item), names, now, of_list)})"


def without_label(of_list: str, item: Any) -> Any:
    """An element without what its label tells already."""
    labelled = {
        "protections": ("id", "type", "protectionStoreId", "protectionStoreInfo"),
        "schedules": ("scheduleId", "name"),
        "nic": ("name",),
    }
    if not isinstance(item, Mapping):
        return item
    return {n: v for n, v in item.items() if n not in labelled.get(of_list, ())}


def describe_rhythm(plan: Mapping[str, Any]) -> str:
    """When a schedule runs as lists tell it, and what of it lists do not tell: `daily 20:00Z (on 3)`."""
    words = schedules.rhythm({"schedule": dict(plan)})
    interval = plan.get("repeatInterval")
    on = interval.get("on") if isinstance(interval, Mapping) else None
    recurrence, untold = plan.get("recurrence"), []
    if on is not None and not (
        recurrence in ("WEEKLY", "MONTHLY") or (recurrence == "HOURLY" and on == [n for n in on if n][:1])
    ):
        untold.append(f"on {json.dumps(on)}")
    if plan.get("startTime") and recurrence in ("BY_MINUTES", "HOURLY"):
        untold.append(f"from {plan['startTime']}Z")
    shaped = {"recurrence", "repeatInterval", "startTime", "activeTime"}
    untold += [f"{name} {json.dumps(value)}" for name, value in plan.items() if name not in shaped]
    return cell(words + (f" ({', '.join(untold)})" if untold else ""), 200)


def describe_place(leaf: Leaf, names: Mapping[str, str]) -> tuple[str, str]:
    """Where a leaf stands: the thing it belongs to (`backup to "a", schedule 2`), and the leaf itself (`kept`)."""
    cut = max((n + 1 for n, step in enumerate(leaf.path) if isinstance(step, Element)), default=0)
    cut = cut or len(leaf.path) - 1
    group = ", ".join(filter(None, _steps(leaf.path[:cut], names)))
    return group, " ".join(filter(None, _steps(leaf.path[cut:], names)))


def _steps(path: Path, names: Mapping[str, str]) -> Iterator[str]:
    before = ""
    for n, step in enumerate(path):
        if isinstance(step, Element):
            yield describe_element(before, step, names)
        elif not (n + 1 < len(path) and isinstance(path[n + 1], Element) and step in MEMBERS):
            yield LABELS.get(step, cell(step)) or (cell(step) if n + 1 == len(path) else "")
        before = step if isinstance(step, str) else before


def describe_element(of_list: str, element: Element, names: Mapping[str, str]) -> str:
    """An element of a list by what identifies it."""
    item = element.item
    if of_list == "protections" and isinstance(item, Mapping):
        return describe_tier(item, names)
    if of_list == "schedules" and isinstance(item, Mapping):
        name = element.before.get("name") if isinstance(element.before, Mapping) else None
        key = element.key if isinstance(element.key, str) else item.get("scheduleId")
        return f"schedule {cell(str(key))}" + (f" {sanitize.quoted(name)}" if name else "")
    if not isinstance(element.key, str):
        return cell(str(element.key)) if not isinstance(item, Mapping) else f"({cell(str(element.key))})"
    if of_list in MEMBERS:
        uri = item.get("resourceUri") if isinstance(item, Mapping) else None
        whole = isinstance(uri, str) and uri != f"{OWN}/mssql-databases/{element.key}" and "id" not in item
        return f"member {named_id(uri if whole else element.key, names)}"
    return named_id(element.key, names) if _is_id(element.key, names) else quote_exactly(element.key)


def describe_tier(tier: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A tier of a policy: `cloud backup to "cloud-1" (id …)`."""
    kind = str(tier.get("type") or "")
    words = schedules.TIERS.get(kind, cell(kind.lower().replace("_", " ")))
    words = words or f"tier {named_id(tier.get('id'), names)}"
    store, info = store_of(tier), tier.get("protectionStoreInfo")
    if store is not None:
        own = {str(store): str(info["name"])} if isinstance(info, Mapping) and info.get("name") else {}
        words += f" to {named_id(store, {**names, **own})}"
    return words


def ids_in(value: Any) -> Iterator[tuple[Path, str]]:
    """The ids within a value, with where they stand."""
    for path, leaf in leaves_of(value):
        if isinstance(leaf, str) and UUID.fullmatch(leaf.rpartition("/")[2]):
            yield path, leaf.rpartition("/")[2]


def quote_exactly(text: str) -> str:
    """A text in quotes; what is cut off or not printed is told by length and digest."""
    safe = sanitize.quoted(text, LONGEST)
    return safe if safe == f'"{text}"' else f"{safe} ({len(text):,} characters, digest {_digest(text)})"


def _exact(text: str) -> str:
    safe = cell(text, LONGEST)
    return safe if safe == text else f"{safe} (digest {_digest(text)})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _is_id(value: str, names: Mapping[str, str]) -> bool:
    tail = value.rpartition("/")[2]
    return bool(UUID.fullmatch(tail)) or (value in names and " " not in value)


def without_ids(text: str) -> str:
    """A text of ours without the ids beside names, for a line that is short."""
    return ID.sub(lambda match: match[1] or "", text)


def ids_of(text: str) -> list[str]:
    """The ids that `without_ids` takes out."""
    return [match[2] for match in ID.finditer(text) if match[1] is None]


def value_at(value: Any, path: Path) -> Any:
    """The value at a path of `leaves_of`."""
    for step in path:
        value = step.item if isinstance(step, Element) else value.get(step) if isinstance(value, Mapping) else None
    return value
