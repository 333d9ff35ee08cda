"""JSON within a bound: what is too large is cut inside and told, never dropped whole.

Small members of an object stay whole; what is left of the room goes to the large ones, whose lists keep their first
elements and whose texts keep their beginning. Knows nothing of what the JSON is about.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

NOTES = "leftOut"  # the property that says what was cut, by path
ELLIPSIS = "…"
MOST_MEMBERS = 20_000
WHOLE = 64  # bytes; what is no larger (an id, a time) is kept whole or left out, never cut
FIRST = ("id", "name", "displayName")


def cut_json(item: Mapping[str, Any], room: int) -> dict[str, Any]:
    """The object in at most `room` bytes of JSON, with what was cut under `leftOut` by path; as it is where it fits.

    The id stays even where the room is too small for it.
    """
    inner = room
    while inner > 0:
        notes: dict[str, str] = {}
        cut = _cut_object(item, inner, "", notes) if inner < json_size(item, inner) else dict(item)
        made = {**cut, NOTES: notes} if notes else cut
        if (size := json_size(made)) <= room:
            return made
        inner -= size - room  # the notes need room too
    return {name: item[name] for name in FIRST[:1] if name in item} | {NOTES: {"": f"all {len(item)} properties"}}


def is_large(value: Any) -> bool:
    """Whether a value has so many members that hiding, cleaning and serializing all of it would hold up other calls."""
    members, left = 0, [value]
    while left and members <= MOST_MEMBERS:
        part = left.pop()
        members += len(part) // 64 if isinstance(part, str) else len(part)
        if members <= MOST_MEMBERS and not isinstance(part, str):
            left += [v for v in (part.values() if isinstance(part, dict) else part) if isinstance(v, (dict, list, str))]
    return members > MOST_MEMBERS


def json_size(value: Any, most: float = math.inf) -> int:
    """The bytes of a value as JSON; where they are more than `most`, some number above it, known without a look at all.

    Serializing holds up every other call from the first byte to the last, and a service may send megabytes.
    """
    size, left = 0, [value]
    while left and size <= most:
        part = left.pop()
        if isinstance(part, dict):
            size += 2 * len(part) + 2 * max(len(part), 1)
            if size <= most:
                size += sum(_leaf_size(name, most) for name in part)
                left += part.values()
        elif isinstance(part, list):
            size += 2 * max(len(part), 1)
            left += part if size <= most else ()
        else:
            size += _leaf_size(part, most)
    return size


def _leaf_size(value: Any, most: float) -> int:
    if isinstance(value, str) and len(value) > most:
        return len(value)
    return len(json.dumps(value, ensure_ascii=False, default=str).encode())


def _cut(value: Any, room: int, path: str, notes: dict[str, str]) -> Any:
    """The value within the room; None where nothing of it fits."""
    size = json_size(value, room)
    if size <= room:
        return value
    if size <= WHOLE or room < WHOLE:
        return None
    if isinstance(value, dict):
        return _cut_object(value, room, path, notes) or None
    if isinstance(value, list):
        return _cut_list(value, room, path, notes)
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    head = text[:room].encode()[: room - 8].decode(errors="ignore")
    notes[path] = f"the first {len(head):,} of {len(text):,} characters"
    return head + ELLIPSIS


def _cut_object(value: Mapping[str, Any], room: int, path: str, notes: dict[str, str]) -> dict[str, Any]:
    """What names it first, then the smallest members, whole; each larger one gets an equal share of what is left."""
    first = [*(name for name in FIRST if name in value), *islice(value, max(room, 0))]  # more can never fit
    sizes = {name: json_size(name, room) + json_size(value[name], room) + 4 for name in first}
    order = sorted(sizes, key=lambda name: (name not in FIRST, sizes[name]))
    cut: dict[str, Any] = {}
    for n, name in enumerate(order):
        share = max(0, room) // (len(order) - n) if sizes[name] > WHOLE else room
        part = _cut(value[name], share - json_size(name) - 4, f"{path}/{name}".lstrip("/"), notes)
        if part is None and value[name] is not None:
            continue
        cut[name] = part
        room -= min(sizes[name], json_size(name) + json_size(part) + 4)
    if missing := len(value) - len(cut):
        notes[path] = f"{missing} of {len(value)} properties"
    return {name: cut[name] for name in value if name in cut}


def _cut_list(value: list[Any], room: int, path: str, notes: dict[str, str]) -> list[Any] | None:
    """The first elements that fit; where not even one does, the first one cut."""
    cut: list[Any] = []
    for element in value:
        if (size := json_size(element, room) + 2) > room:
            break
        room -= size
        cut.append(element)
    if not cut:
        first = _cut(value[0], room, f"{path}[0]", notes)
        if first is None:
            return None
        cut = [first]
    if len(cut) < len(value):
        notes[path] = f"the first {len(cut):,} of {len(value):,}: the answer's budget is full"
    return cut
