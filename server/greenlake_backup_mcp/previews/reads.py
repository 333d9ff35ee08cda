"""What a call acts on, read from the service: the target itself, what the call uses, and what hangs on it.

Knows the paths of the API and how to read them, not what a call does with what is there (registry.py says that).
Must know nothing of MCP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

import anyio

from greenlake_backup_mcp.errors import BackupError, SettingsError
from greenlake_backup_mcp.upstream.client import ApiClient, Request, send
from greenlake_backup_mcp.upstream.retry_after import parse_http_date

OWN = "/backup-recovery/v1beta1"
VIRTUALIZATION = "/virtualization/v1beta1"
DATA = "/data-services/v1beta1"
ASSETS = dict.fromkeys(("virtual-machines", "datastores"), VIRTUALIZATION)  # collections that a sibling API reads
KINDS = {  # collection -> what people call one of it
    "virtual-machines": "VM",
    "datastores": "datastore",
    "mssql-databases": "SQL database",
    "mssql-instances": "SQL instance",
    "mssql-database-protection-groups": "SQL database protection group",
    "application-hosts": "application host",
    "virtual-machine-protection-groups": "VM protection group",
    "volume-protection-groups": "volume protection group",
    "backups": "backup",
    "snapshots": "snapshot",
    "protection-policies": "protection policy",
    "protection-jobs": "protection job",
    "protection-stores": "protection store",
    "protection-store-gateways": "protection store gateway",
    "storeonces": "StoreOnce",
    "data-orchestrators": "data orchestrator",
}
WHOLE = (("limit", "1000"),)  # as many as every list of copies gives: it need not say its total
EVERY = (("limit", "20000"),)  # of the collections of this API, which give as many as are asked for
# Fields that say whether what was previewed is still what is there. `generation` rises with every change; the others
# are here because a preview's sentences stand on them, and a service may change them without a new generation.
DECIDING = (
    *("id", "resourceUri", "name", "displayName", "generation", "state", "operational", "assigned"),
    *("expiresAt", "lockedUntil", "pointInTime", "connectionState", "connectedState", "remoteAccessEnabled"),
)
# Fields that change by themselves, left out where a resource has no generation and all its fields count.
VOLATILE = (
    *("updatedAt", "lastUpdateCheckTime", "upTimeInSeconds", "vmPerfMetricInfo", "utcDateTime"),
    *("health", "status", "stateReason", "verificationInfo"),
)
FAILURES = {401: "no permission", 403: "no permission", 429: "too many requests", None: "the service did not answer"}


@dataclass(frozen=True)
class ReadResult:
    """What a read brought: a resource or the items of a collection; or that it is not there, or why not known."""

    words: str  # what was read, in words: `the VM`
    value: Any = None
    missing: bool = False
    problem: str = ""
    total: int | None = None  # of a collection, where the service says
    limit: int | None = None  # of a collection: how many were asked for
    answered: datetime | None = None  # by the service's clock
    worked_out: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)  # of the value

    @property
    def available(self) -> bool:
        """Whether there is something to tell."""
        return self.value is not None

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """The items of a collection."""
        return [i for i in self.value if isinstance(i, Mapping)] if isinstance(self.value, list) else []

    @property
    def resource(self) -> Mapping[str, Any]:
        """The resource; {} where it is not known."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def whole(self) -> bool:
        """Whether all items of the collection were read; a full page without a total says nothing of what follows."""
        count = len(self.items)
        if self.total is not None and self.total > count:
            return False
        return self.available and (self.total == count or self.limit is None or count < self.limit)


@dataclass(frozen=True)
class ReadSpec:
    """A further read for a preview."""

    name: str
    words: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    decides: bool = False  # the call uses it (the copy of a restore), so the code is bound to it
    quiet: bool = False  # that it brought nothing is said in a sentence of its own, or means nothing


@dataclass(frozen=True)
class Target:
    """What a call acts on, as it was when it was read."""

    kind: str
    path: str  # of the resource; "" where the call names none
    result: ReadResult
    uses: Mapping[str, ReadResult] = field(default_factory=dict)

    @property
    def resource(self) -> Mapping[str, Any]:
        """The resource itself; {} where it is not known."""
        return self.result.resource

    @property
    def state(self) -> Any:
        """What a code is bound to: identity and generation, or all that does not change by itself."""
        return [self.path, _state(self.result), {name: _state(result) for name, result in sorted(self.uses.items())}]


def kind_of(path: str) -> str:
    """What people call the resource at a path: `VM backup`."""
    segments = [s for s in path.split("/") if s]
    if len(segments) < 2:
        return "resource"
    last = KINDS.get(segments[-2], "resource")
    return f"{KINDS.get(segments[-4], '')} {last}".strip() if len(segments) >= 5 else last


def parent_path(path: str) -> str:
    """The path of the asset that a copy at a path belongs to, in the API that reads it."""
    collection, identity = path.split("/")[-4:-2]
    return f"{ASSETS.get(collection, OWN)}/{collection}/{identity}"


def asset_path(collection: str, identity: Any) -> str:
    """The path of an asset in the API that reads it."""
    return path_of(f"{ASSETS.get(collection, OWN)}/{collection}", identity)


def within(path: str) -> str:
    """The path of an asset in this API, whichever API reads it: its copies are found below that."""
    return path_of(OWN, *identity_of(path))


def copy_reads(asset: str, owner: str, query: tuple[tuple[str, str], ...], after: str = "") -> list[ReadSpec]:
    """The backups and snapshots below an asset's path, by these names with `after` behind them."""
    return [
        ReadSpec(f"{place}{after}", f"the {place} of {owner}", f"{asset}/{place}", query)
        for place in ("backups", "snapshots")
    ]


def literal(value: str) -> str:
    """A literal of the API's filters."""
    return "'" + value.replace("'", "''") + "'"


def path_of(base: str, *segments: Any) -> str:
    """A path below an API, its segments quoted."""
    return "/".join((base, *(quote(str(segment), safe="") for segment in segments)))


def identity_of(path: str) -> tuple[str, str]:
    """Collection and id of the resource at a path, as they are without quoting."""
    collection, _, identity = path.rpartition("/")
    return collection.rpartition("/")[2], unquote(identity)


async def read(api: ApiClient, spec: ReadSpec) -> ReadResult:
    """What one read brings. Never raises for what the service answers: not known is an answer in a preview."""
    try:
        reply = await send(api, Request(f"preview {spec.name}", "GET", spec.path, spec.query, reads=True))
    except BackupError as error:
        if error.status == 404:
            return ReadResult(spec.words, missing=True)
        if isinstance(error, SettingsError):
            raise
        return ReadResult(spec.words, problem=FAILURES.get(error.status) or f"HTTP {error.status}")
    body, answered = reply.body, parse_http_date(reply.headers.get("date", ""))
    if not isinstance(body, Mapping):
        return ReadResult(spec.words, problem="the service answered without it")
    if not isinstance(body.get("items"), list):
        return ReadResult(spec.words, body, answered=answered)
    limit = next((int(value) for name, value in spec.query if name == "limit"), None)
    total = body["total"] if isinstance(body.get("total"), int) else None
    return ReadResult(spec.words, body["items"], total=total, limit=limit, answered=answered)


async def read_copy(api: ApiClient, spec: ReadSpec, shared: ReadCache) -> ReadResult:
    """A recovery point from the list of its asset's copies; by itself where the list does not show it, or is none."""
    parent, _, identity = spec.path.rpartition("/")
    if parent.rpartition("/")[2] not in ("backups", "snapshots"):
        return await read(api, spec)
    copies = (await read_all(api, [ReadSpec("copies", "its copies", parent, WHOLE)], shared))["copies"]
    item = next((i for i in copies.items if i.get("id") == unquote(identity)), None)
    return replace(copies, words=spec.words, value=item) if item is not None else await read(api, spec)


@dataclass
class ReadCache:
    """What the previews of one plan share: reads made already or under way, and how many more there may be."""

    left: int
    results: dict[str, ReadResult] = field(default_factory=dict)
    locks: dict[str, anyio.Lock] = field(default_factory=dict)


async def read_all(api: ApiClient, specs: Sequence[ReadSpec], shared: ReadCache | None = None) -> dict[str, ReadResult]:
    """What several reads bring, by name; at once, within the api's own limits. `shared` spares a plan repetitions."""
    results: dict[str, ReadResult] = {}

    async def one(spec: ReadSpec) -> None:
        results[spec.name] = await (read(api, spec) if shared is None else _read_shared(api, spec, shared))

    async with anyio.create_task_group() as group:
        for spec in specs:
            group.start_soon(one, spec)
    return {spec.name: results[spec.name] for spec in specs}


async def _read_shared(api: ApiClient, spec: ReadSpec, shared: ReadCache) -> ReadResult:
    """What a read brings that others may make too: it is made once, also where they ask at the same time."""
    key = f"{spec.path}?{spec.query}"
    async with shared.locks.setdefault(key, anyio.Lock()):
        if key in shared.results:
            same = shared.results[key]
            return same if same.words == spec.words else replace(same, words=spec.words)
        if shared.left <= 0:
            return ReadResult(spec.words, problem="not read, the plan is too long")
        shared.left -= 1
        shared.results[key] = await read(api, spec)
        return shared.results[key]


def _state(result: ReadResult) -> Any:
    value = result.value
    if not isinstance(value, Mapping):
        return "missing" if result.missing else "not known"
    if value.get("generation") is not None:
        return {name: item for name, item in value.items() if name in DECIDING and item is not None}
    return {name: item for name, item in value.items() if name not in VOLATILE}
