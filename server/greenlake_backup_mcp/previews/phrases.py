"""The phrases all previews share: things by kind, name and id, counts that are honest, a thing as it is now.

Everything that comes from the service is made harmless here. Must know nothing of single operations, HTTP or MCP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from greenlake_backup_mcp.text import sanitize, units
from greenlake_backup_mcp.text.sanitize import cell

from .reads import KINDS, ReadResult

MOST_NAMED = 12  # names listed before the rest is counted


def quoted(text: Any, most: int = 80) -> str:
    """A name of the service in quotes, harmless."""
    return sanitize.quoted(str(text), most)


def a_thing(what: str) -> str:
    """A kind of thing with its article: `an application host`."""
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def as_shown(name: Any) -> str:
    """A name as people tell it from others: without what is invisible, whatever the case of its letters."""
    return cell(str(name), 400).casefold()


def name_of(resource: Mapping[str, Any]) -> str:
    """The name of a resource in quotes, its id where it has none."""
    name = resource.get("displayName") or resource.get("name")
    return quoted(name) if name else f"id {cell(str(resource.get('id') or '?'))}"


def label(kind: str, resource: Mapping[str, Any], identity: str = "") -> str:
    """A resource by kind, name and id: `VM "sql-01" (id …)`."""
    identity = cell(str(resource.get("id") or identity))
    name = resource.get("displayName") or resource.get("name")
    return f"{kind} {quoted(name)} (id {identity})" if name else f"{kind} {identity}"


def item_at(resource: Mapping[str, Any], *path: str) -> Any:
    """The value at a path of nested objects; None where it ends early."""
    value: Any = resource
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or the one object itself (the API is not of one mind)."""
    if isinstance(value, Mapping):
        return [value]
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


def listed(words: Iterable[str]) -> str:
    """The first dozen of these words, and how many more there are."""
    return units.first_few(list(words), MOST_NAMED)


def joined(words: Sequence[str]) -> str:
    """All of these words, as a sentence lists them: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def names(items: Iterable[Mapping[str, Any]]) -> str:
    """The names of resources, the first dozen and how many more."""
    return listed(map(name_of, items))


def count_of(result: ReadResult, word: str) -> str:
    """How many of a collection there are, `at least` where not all could be read, or that nobody knows."""
    if not result.available:
        return f"an unknown number of {word}s"
    if result.total is not None and result.total > len(result.items):
        return units.plural(result.total, word)
    return at_least(result) + units.plural(len(result.items), word)


def at_least(*results: ReadResult) -> str:
    """What goes before a count of what these reads brought: nothing where they brought all there is."""
    return "" if all(result.whole for result in results) else "at least "


def not_known(*results: ReadResult) -> tuple[str, ...]:
    """Those reads that brought nothing, with the reason."""
    return tuple(f"{r.words} ({'not found' if r.missing else r.problem})" for r in results if not r.available)


def assets(jobs: list[Mapping[str, Any]]) -> str:
    """The names of the assets of jobs."""
    return names([j["assetInfo"] for j in jobs if isinstance(j.get("assetInfo"), Mapping)]) or "assets not named"


def state_of(resource: Mapping[str, Any]) -> str:
    """The state of a resource, and what the service adds to it: a reason may also stand beside a state that is well."""
    state = resource.get("state") or item_at(resource, "health", "state") or resource.get("operational")
    if not state:
        return "state not known"
    reason = resource.get("stateReason") or item_at(resource, "health", "stateReason")
    return f"state {cell(str(state))}" + (f", the service adds: {quoted(reason, 160)}" if reason else "")


# --- a thing as it is now ---------------------------------------------------------------------------------------------


def _plain(words: str) -> Callable[[Any], str]:
    return lambda value: f"{words} {cell(str(value))}"


def _named(words: str) -> Callable[[Any], str]:
    return lambda value: f"{words} {names(some)}" if (some := [o for o in objects(value) if set(o) & NAMING]) else ""


def _sized(before: str, after: str = "") -> Callable[[Any], str]:
    return lambda value: f"{before}{units.size(value)}{after}" if isinstance(value, (int, float)) else ""


def _members(value: Any) -> str:
    return f"{units.plural(len(value), 'member')} ({names(value)})" if objects(value) else ""


def _asset(value: Any) -> str:
    kind = str(value.get("type") or "asset").rpartition("/")[2] if isinstance(value, Mapping) else ""
    return f"of {label(KINDS.get(f'{kind}s', kind), value)}" if kind and set(value) & NAMING else ""


def _interfaces(value: Any) -> str:
    nics = (f"{quoted(n.get('networkName'))} {cell(str(n.get('networkAddress')))}" for n in objects(value))
    return f"its interfaces: {listed(nics)}" if objects(value) else ""


NAMING = {"id", "name", "displayName"}
PREFIXES = ("PSG_HEALTH_STATUS_", "SO_HEALTH_STATUS_")
PLACES = {"CLOUD": "in the cloud", "ON_PREMISES": "on premises"}
# TABLE: what is told of a thing besides its state, where it has it
FACTS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("powerState", _plain("power")),
    ("capacityInBytes", _sized("size ")),
    ("sizeInBytes", _sized("size ")),
    ("clusterInfo", _named("on cluster")),
    ("hostInfo", _named("on host")),
    ("instanceInfo", _named("in")),
    ("connectionState", lambda value: cell(str(value)).lower()),
    ("connectedState", lambda value: cell(str(value)).lower()),
    ("health.status", lambda value: cell(str(value)).removeprefix(PREFIXES[0]).removeprefix(PREFIXES[1]).lower()),
    ("protectionStoreType", lambda value: PLACES.get(str(value), cell(str(value)))),
    ("storageSystemInfo", _named("on")),
    ("sizeOnDiskInBytes", _sized("", " on disk")),
    ("networkAddress", _plain("address")),
    ("softwareVersion", _plain("software")),
    ("serialNumber", _plain("serial number")),
    ("vmProtectionGroupType", _plain("type")),
    ("volumeProtectionGroupType", _plain("type")),
    ("protectionGroupType", _plain("type")),
    ("assets", _members),
    ("members", _members),
    ("protectionJobInfo.protectionPolicyInfo", _named("under policy")),
    ("assetInfo", _asset),
    (
        "associatedAssetsInfo",
        lambda value: f"with {units.plural(len(value), 'asset')}: {names(value)}" if value else "",
    ),
    ("network.nics", _interfaces),
)


def describe_resource(resource: Mapping[str, Any]) -> str:
    """A thing as it is now, in a line: state, connection, place, size, members, whatever of that it has."""
    values = ((words, item_at(resource, *path.split("."))) for path, words in FACTS)
    texts = (words(value) for words, value in values if value not in (None, ""))
    return "; ".join([state_of(resource), *(text for text in texts if text)])
