"""What a write made: found from the answer, from the task's resources, or by what is new since it was sent.

Reads only, at most three times, and never raises for what the service answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from greenlake_backup_mcp.lists.views import extractors
from greenlake_backup_mcp.text import sanitize, units

from . import task_model
from .parts import DOUBT
from .polling import WriteContext
from .read_back import ReadBack, read_back, read_page
from .task_model import Task

NAMED = (  # collections whose lists can be filtered by name
    "virtual-machines", "datastores", "virtual-machine-protection-groups", "volume-protection-groups",
    "mssql-databases", "mssql-database-protection-groups", "application-hosts", "protection-policies",
    "data-orchestrators",
)  # fmt: skip
COPIES = ("backups", "snapshots")
FEW = ("protection-stores", "protection-store-gateways", "storeonces")  # lists that cannot be asked for less
PAGE = "1000"


@dataclass(frozen=True)
class Made:
    """What a write made: one resource, several where nobody can tell which, or none and why that is so."""

    resource: ReadBack = field(default_factory=ReadBack)
    path: str = ""
    candidates: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""

    @property
    def is_identified(self) -> bool:
        """Whether it was found and read."""
        return bool(self.resource.item)

    @property
    def name(self) -> str:
        """What it is, with its name and id; "" where none was found."""
        return name_of(self.path, self.resource.item) if self.is_identified else ""

    @property
    def names(self) -> list[str]:
        """What each of the candidates is, with its name and id."""
        return [name_of(self.path, item) for item in self.candidates]


def name_of(path: str, item: Mapping[str, Any]) -> str:
    """What is at a path, with its name and id: `protection policy "Gold" (id …)`."""
    name = extractors.first(item, ("displayName", "name"))
    if not name and (asset := extractors.first(item, ("assetInfo/displayName", "assetInfo/name"))):
        name = f"for {asset}"
    what = path.rstrip("/").split("/")[-2].replace("-", " ").removesuffix("s")
    what = what[:-2] + "y" if what.endswith("ie") else what
    return f"{what} {sanitize.quoted(str(name or ''), 80)} (id {sanitize.cell(str(item.get('id')))})"


async def find_made(context: WriteContext, task: Task, body: Any, location: str | None) -> Made:
    """The one thing that the write was to make in the collection that its expectation names."""
    makes, paths = context.expectation.makes, _paths(context, task, body, location)
    if (made := await _first_fresh(context, paths)).is_identified:
        return made
    new, problem = await new_items(context, makes, _names(context.wanted))
    if not new:
        return Made(path=next(iter(paths), ""), problem=problem)
    if len(new) > 1:
        return Made(path=f"{makes}/one", candidates=tuple(new))
    item = new[0]
    path = task_model.path_of(item.get("resourceUri")) or f"{makes}/{item.get('id')}"
    return Made(ReadBack(item), path)


async def find_named_by_task(context: WriteContext, task: Task) -> Made:
    """What a task that somebody else began names beside its subject, and that is new since it began."""
    others = [one for one in dict.fromkeys(task.others) if one != task.subject and one.count("/") >= 4]
    return await _first_fresh(context, others[:2])


async def _first_fresh(context: WriteContext, paths: Iterable[str]) -> Made:
    """The first of the resources at these paths that is new since the write."""
    for path in paths:
        resource = await read_back(context.api, context.reader(path))
        if resource.item and _fresh(context, resource.item):
            return Made(resource, path)
    return Made()


async def new_items(
    context: WriteContext, collection: str, names: tuple[str, ...] = ()
) -> tuple[list[Mapping[str, Any]], str]:
    """The items of a collection that are new since the write; of these names, where there are any. Or why not known."""
    last = collection.rpartition("/")[2]
    asset = extractors.first(context.wanted, ["assetInfo/id"]) if last == "protection-jobs" else None
    by = "assetInfo/id" if asset else "name" if len(names) == 1 and last in NAMED else ""
    order = "pointInTime" if last in COPIES else "createdAt"
    literal = str(asset or next(iter(names), "")).replace("'", "''")
    queries = [("filter", f"{by} eq '{literal}'")] if by else []
    queries += [] if last in FEW else [("sort", f"{order} desc")]
    problem = ""
    for query in (*queries, None):  # what a list does not know is read without it
        page = await read_page(context.api, collection, *([query] if query else []), ("limit", PAGE))
        problem = page.problem
        new = [item for item in page.items if _fresh(context, item)]
        mine = [item for item in new if not asset or extractors.first(item, ["assetInfo/id"]) == asset]
        if named := [item for item in mine if not names or {item.get("name"), item.get("displayName")} & set(names)]:
            return named, ""
        if mine and not (query and query[0] == "filter"):
            return mine, ""  # new, though not by that name
        if not problem and query and query[0] == "sort":
            break
    return [], problem


def _paths(context: WriteContext, task: Task, body: Any, location: str | None) -> list[str]:
    """Where the answer or the task says that the new thing is."""
    makes = context.expectation.makes
    source = context.target.path.rpartition("/")[2] if context.target else ""
    named: list[str] = []
    if location and (path := urlsplit(location.strip()).path.rstrip("/")) and not path.startswith(task_model.TASKS):
        named.append(task_model.path_of(path))
    if isinstance(body, Mapping) and isinstance(body.get("id"), str) and task_model.is_id(body["id"]):
        named.append(f"{makes}/{body['id']}")
    named += [task.subject, *task.others]
    tail = makes.rpartition("/")[2]
    seen = dict.fromkeys(p for p in named if p and p.split("/")[-2:-1] == [tail] and p.rpartition("/")[2] != source)
    return list(seen)[:2]


def _fresh(context: WriteContext, item: Mapping[str, Any]) -> bool:
    """Whether an item is new since the write was sent; one without a time of its own, by its generation."""
    since = context.since or context.api.now()
    times = (units.parse_time(item.get(name)) for name in ("createdAt", "pointInTime", "effectiveFromDateTime"))
    made = next(filter(None, times), None)
    return (units.number(item.get("generation")) or 0) <= 3 if made is None else made >= since - DOUBT


def _names(wanted: Mapping[str, Any]) -> tuple[str, ...]:
    name = extractors.first(wanted, ("name", "displayName"))
    return (name,) if isinstance(name, str) else ()
