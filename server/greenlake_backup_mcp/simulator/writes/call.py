"""One accepted request on its way to its answer, and the answers that writes give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from greenlake_backup_mcp.simulator.answers import Answer, Failure, Refusal
from greenlake_backup_mcp.simulator.description import Route
from greenlake_backup_mcp.simulator.names import Item, Ref, kind, uri
from greenlake_backup_mcp.simulator.state import Tenant
from greenlake_backup_mcp.simulator.tasks import Task

Writing = Iterator[Task]
"""A write that takes time: up to its one `yield` it is judged and begun, what follows is what its task does."""
Writer = Callable[["Call"], Answer | Writing]
WRONG = "wrong"  # the simulated systems refuse a user name or password that contains this word, and an empty password


def is_wrong(credentials: Mapping[str, Any] | None) -> bool:
    """Whether a simulated system refuses these credentials."""
    login = credentials or {}
    words = (str(login.get("username", "")), str(login.get("password", "")))
    return not words[1] or any(WRONG in word.lower() for word in words)


def without_password(credentials: Mapping[str, Any]) -> Item:
    """Credentials as they are read back."""
    return {name: value for name, value in credentials.items() if name != "password"}


def require_free(tenant: Tenant, address: str, own_id: str = "") -> None:
    """Failure where something else has a network address already."""
    for collection in ("protection-store-gateways", "storeonces", "data-orchestrators", "virtual-machines"):
        for item in tenant.all(collection):
            network = item.get("network") or item.get("interfaces", {}).get("network", {})
            nics = [item] if item.get("powerState") == "POWERED_ON" else network.get("nics") or network.get("nic") or ()
            if address and item["id"] != own_id and any(n.get("networkAddress") == address for n in nics):
                raise Failure(f"The network address {address} is in use by {item['name']}.", "ADDRESS_IN_USE")


@dataclass(frozen=True)
class Call:
    """What a writer works with. `ids` are the path's parameters in order."""

    tenant: Tenant
    route: Route
    ids: tuple[str, ...]
    query: Mapping[str, Any]
    body: Any
    headers: Mapping[str, str]
    base: str  # scheme and host the client used

    @property
    def collection(self) -> str:
        """The collection the path begins with."""
        return self.route.segments[2]

    @property
    def ref(self) -> Ref:
        """The resource the path names."""
        if len(self.ids) == 2:
            return (self.collection, self.ids[0], self.route.segments[4], self.ids[1])
        return (self.collection, *self.ids)

    def target(self) -> Item:
        """The resource the path names; 404 where there is none, 412 where the client knows an older one."""
        item = self.read(self.ref)
        wanted = self.headers.get("if-match", "").strip('W/"')
        if wanted and wanted != str(item.get("generation")):
            raise Refusal(412, "Precondition failed: the generation number is invalid.")
        return item

    def read(self, ref: Ref) -> Item:
        """A resource; 404 where there is none."""
        item = self.tenant.read(ref)
        if item is None:
            raise Refusal(404, f"{ref[-2].replace('-', ' ')} {ref[-1]} not found.")
        return item

    def other(self, collection: str, id: str | None, what: str) -> Item:
        """Another resource that the body names; 400 where there is none."""
        item = self.tenant.read((collection, id or ""))
        if item is None:
            raise Refusal(400, f"{what} {id!r} does not exist.")
        return item

    def unborn(self, name: str) -> Item:
        """What a task is about that makes a resource of the path's collection."""
        return {"id": "", "name": name, "type": kind(self.collection), "resourceUri": self.route.operation.path}

    def orchestrator(self) -> Item:
        """The orchestrator that carries out what has none of its own; 400 without any."""
        held = self.tenant.all("data-orchestrators")
        if not held:
            raise Refusal(400, "There is no Data Orchestrator.")
        return held[0]

    def refuse_taken(self, name: Any, what: str, own_id: str = "", collection: str = "") -> None:
        """400 where another item of the collection (default: the path's) has this name."""
        others = (i for i in self.tenant.all(collection or self.collection) if i["id"] != own_id)
        if any(name in (i["name"], i.get("displayName")) for i in others):
            raise Refusal(400, f"A {what} with the name {name!r} already exists.")

    def refuse_conflict(self, message: str) -> Refusal:
        """A refusal because of the target's state, with the code that the operation documents for it."""
        code = next((c for c in (409, 412) if c in self.route.status_codes), 400)
        return Refusal(code, message)

    def change(
        self, item: Item, name: str, seconds: float, busy: str, /, *, check: Callable[[], Item | None] | None = None,
        **changes: Any,
    ) -> Writing:  # fmt: skip
        """A task after which the resource that the path names has changed; meanwhile it is in state `busy`.

        `check` may raise a Failure, or carry out what else comes of it; what it returns changes too.
        """
        yield self.start(name, seconds, item, busy=busy)
        if self.tenant.read(self.ref) is None:
            raise Failure(f"{item['name']} no longer exists.", "NOT_FOUND")
        more = check() if check else None
        self.tenant.write(self.ref, **{"state": item["state"], **changes, **(more or {})})

    def start(self, name: str, seconds: float, about: Item, *, busy: str = "", **options: Any) -> Task:
        """A new task (see Tenant.start); where it says so the resource that the path names is in state `busy`."""
        options = {"ref": self.ref, **options} if busy else options
        return self.tenant.start(name, seconds, about, busy=busy, **options)

    def carry_out(self, writer: Writer) -> Answer:
        """What the write answers: at once, or 202 with its task."""
        done = writer(self)
        if isinstance(done, Answer):
            return done
        task = next(done)
        task.finish = lambda: next(done, None)
        return self.accepted(task)

    def accepted(self, task: Task) -> Answer:
        """202, an empty object, and where the task is."""
        return Answer(202, {}, {"Location": self.location(uri("async-operations", task.id))})

    def location(self, path: str) -> str:
        """A path as the Location header has it."""
        return self.base + path if self.tenant.switches.location == "absolute" else path
