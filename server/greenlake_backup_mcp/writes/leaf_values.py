"""Leaves of requests and resources: where a resource shows one, whether two values are the same, how one is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from greenlake_backup_mcp.lists.views import extractors, schedules
from greenlake_backup_mcp.text import sanitize, units

LABELS = {  # the path of a leaf, or its name → what a person calls it
    "powerOn": "power", "running": "power", "restarted": "restart", "hostIqn": "host", "enabled": "remote support",
    "expireAfter": "kept", "lockFor": "locked",
}  # fmt: skip
PLAIN = {
    "POWERED_ON": "on", "POWERED_OFF": "off", "PSG_HEALTH_STATE_OFF": "off", "PSG_HEALTH_STATE_OK": "on",
}  # fmt: skip


def label(path: str) -> str:
    """What a leaf of a request is called: `clusterId` → `cluster`, `storageSystemInfo/id` → `storageSystem`."""
    head, _, name = path.rpartition("/")
    if name == "id" and head:
        return head.rpartition("/")[2].removesuffix("Info")
    if name == "name" and head:
        return f"{head.rpartition('/')[2]} name"
    return LABELS.get(name) or re.sub(r"(?<=\w)Ids?$", "", name)


def element(words: str, asked: Mapping[str, Any], actual: Mapping[str, Any] | None, key: str) -> str:
    """What an element of a list is called; a tier by its kind, in the word of the lists."""
    kind = str(asked.get("type") or (actual or {}).get("type"))
    if words.endswith("protections") and kind in schedules.TIERS:
        return f"{schedules.TIERS[kind]} tier"
    return f"{words.removesuffix('s') if words.endswith('schedules') else words} {key}"


def plain(value: str) -> str:
    """A state in the word of a request: `POWERED_ON` → `on`."""
    return PLAIN.get(value, value)


def places_of(path: str) -> list[str]:
    """Where the vendor's resources show a leaf of a request: `clusterId` → `clusterInfo/id`, `name` → `displayName`."""
    head, _, name = path.rpartition("/")
    before = f"{head}/" if head else ""
    out = [path]
    if match := re.fullmatch(r"(\w+?)(Ids?|Type)", name):
        inner = {"Id": "id", "Ids": "id", "Type": "type"}[match[2]]
        out += [f"{before}{match[1]}Info/{inner}", f"{before}{match[1]}sInfo/{inner}", f"{before}{match[1]}/{inner}"]
    if name in ("name", "displayName"):
        out.append(before + ("displayName" if name == "name" else "name"))
    out.append(f"{before}overrides/{name}")
    return out


def is_present(item: Any, path: str) -> bool:
    """Whether a resource has this attribute at all, be it null or empty."""
    head, _, rest = path.partition("/")
    if isinstance(item, list):
        return any(is_present(one, path) for one in item) or not item
    if not isinstance(item, Mapping) or head not in item:
        return False
    return is_present(item[head], rest) if rest else True


def is_same(actual: Any, asked: Any) -> bool:
    """Whether the service may write `asked` as `actual`: times, numbers, ids and flags in whichever spelling."""
    if actual == asked or (actual in (None, "") and asked in (None, "")):
        return True
    if isinstance(actual, str) and isinstance(asked, str):
        if actual.casefold() == asked.casefold() and re.fullmatch(r"[0-9a-fA-F-]{36}|[a-z]+/[a-z-]+", asked):
            return True
        then, now = units.parse_time(actual), units.parse_time(asked)
        # services keep as many digits of a second as they like
        return then is not None and now is not None and abs((then - now).total_seconds()) < 1
    if isinstance(actual, bool) or isinstance(asked, bool):
        return str(actual).lower() == str(asked).lower()
    mine, theirs = units.number(asked), units.number(actual)
    return mine is not None and mine == theirs


def write(value: Any) -> str:
    """A value in a few words: `empty`, a period, a point in time, a name with its id."""
    if value in (None, "", [], {}):
        return "empty"
    if isinstance(value, Mapping):
        return schedules.period(value) or write_name(value)
    when = units.parse_time(value) if isinstance(value, str) and len(value) >= 19 else None
    return units.stamp(when) if when else sanitize.cell(extractors.text(value) or str(value), 60)


def write_all(values: list[Any]) -> str:
    """Values, at most five of them and how many more."""
    words = [write_name(one) if isinstance(one, Mapping) else write(one) for one in values]
    return units.first_few(list(dict.fromkeys(words)), 5)


def write_named(item: Mapping[str, Any], place: str, values: list[Any]) -> str:
    """The values at a place of a resource, by name where there is one beside the id."""
    ids = write_all(values)
    if place.endswith("/id"):
        above = place[: -len("/id")]
        names = extractors.values_at(item, f"{above}/displayName") or extractors.values_at(item, f"{above}/name")
        if names:
            return f"{write_all(names)} ({ids})"
    return ids


def write_name(one: Mapping[str, Any]) -> str:
    """What something is called, with its id."""
    name, identity = extractors.first(one, ("displayName", "name")), short(one.get("id") or one.get("resourceUri"))
    return sanitize.cell(f"{name} ({identity})" if name and identity else str(name or identity or "one without id"))


def short(value: Any) -> str:
    """A text on one line, cut; "" for what is none."""
    return sanitize.cell(value, 60) if isinstance(value, str) else ""
