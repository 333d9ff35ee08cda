"""The tenant's state: resources that change, tasks that run and end, tokens, what was asked of it.

No threads: whatever is due by the clock happens when the next request (or test) looks. Knows no HTTP.
"""

# ruff: noqa: PLR0913

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from . import tasks
from .answers import Failure, Refusal
from .history import by_hand
from .history.copies import Copies
from .history.history import DERIVED, History
from .history.recovery_points import HOLDERS, fresh
from .history.tasks import Past
from .names import Item, Ref, format_time, merge_patch, number, uid
from .seed import build
from .seed.data_services import pending
from .seed.world import World
from .switches import Deviation, Switches
from .tasks import Ending, Task

BULK = "bulk-archive-01"
PENDING = {"capital": "Pending", "upper": "PENDING"}


@dataclass(frozen=True)
class Received:
    """One request as it came in, and what was answered (0: nothing). No Authorization value is kept."""

    time: datetime
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    status: int
    operation: str = ""


@dataclass
class Tenant:
    """One simulated tenant."""

    seed: int = 7
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)
    scale: float = 60.0
    switches: Switches = field(default_factory=Switches)
    size: str = "small"  # small (400 VMs) or middle (2,000)
    bulk: int = 0  # copies that the VM `bulk-archive-01` owns, for benchmarks
    remember: int = 10_000  # requests kept in `requests`

    def __post_init__(self) -> None:
        self.moved = timedelta()
        self._settling: datetime | None = None  # the time of what is being settled
        self.settled = self.epoch = self.clock()
        self.requests: deque[Received] = deque(maxlen=self.remember)
        self.writes: Counter[tuple[str, str]] = Counter()  # (operation id, path) → times carried out
        self.tokens: dict[str, datetime] = {}  # access token → when it expires
        self.tasks: dict[str, Task] = {}
        self.endings: deque[Ending] = deque()  # what becomes of the next tasks, instead of success
        self.restores: list[Item] = []  # what came back from which copy, and how: what no answer tells
        self.rewritten: dict[str, datetime] = {}  # asset → when a restore overwrote it, until somebody makes a backup
        self.untold: dict[str, Item] = {}  # id → what the tenant knows of a resource and no answer tells
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._serial = count(1)
        self.pending_approvals: dict[str, Callable[[bool], None]] = {}  # approval → what happens once it is decided
        self.operation = ""  # operationId of the write whose work is being done
        self.written: list[Ref] = []  # what that work wrote
        self.ending_task: Task | None = None  # whose effect is taking place

    # --- time ------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The tenant's time: the clock, moved; never later than what is being settled."""
        return self._settling or self.clock() + self.moved

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moved += timedelta(seconds=seconds)
        self.settle()

    def settle(self) -> None:
        """Let everything happen that is due."""
        until = self.now()
        while self._events and self._events[0][0] <= until:
            self._settling, _, happen = heapq.heappop(self._events)
            try:
                happen()
            finally:
                self._settling = None

    def later(self, seconds: float, happen: Callable[[], None]) -> datetime:
        """Have something happen `seconds` of service time from now; they pass `scale` times as fast."""
        due = self.now() + timedelta(seconds=seconds / self.scale)
        heapq.heappush(self._events, (due, next(self._serial), happen))
        return due

    @property
    def lag(self) -> float:
        """Seconds until an expired copy is purged, at most."""
        return self.switches.purge_seconds / self.scale

    def new_id(self, *words: object) -> str:
        """A fresh id, the same in the same history."""
        return uid(self.seed, "new", next(self._serial), *words)

    # --- resources -------------------------------------------------------------------------------------------

    @cached_property
    def history(self) -> History:
        """What has happened in the tenant, and what there is; made when somebody looks first."""
        begun = build.build(self.seed, self.epoch.replace(microsecond=0), hostile=self.switches.hostile,
                            dual_authorization=self.switches.dual_authorization, size=self.size)  # fmt: skip
        world = begun.copy()
        model = next(vm for vm in world.all("virtual-machines") if vm["displayName"] == "sap-prod-01")
        bulk = uid(self.seed, BULK) if self.bulk else ""
        if bulk:
            uri = model["resourceUri"].replace(model["id"], bulk)
            new = {**model, "id": bulk, "name": BULK, "displayName": BULK, "resourceUri": uri}
            world.resources["virtual-machines"][bulk] = new
            begun = world.copy()
        # what was never looked at is made later, from what there was and not from what it has become
        history = History(world, begun, self._seconds, lambda: int(self.lag), (bulk, model["id"], self.bulk))
        word = PENDING[self.switches.dual_words]
        pending(world, "seeded", by_hand.build(history), "Delete recovery point", world.now, word)
        return history

    @property
    def world(self) -> World:
        """What there is, but what history makes of it."""
        return self.history.world

    def _seconds(self) -> int:
        return int(self.now().timestamp())

    def all(self, collection: str) -> list[Item]:
        """The items of a collection; tasks newest first."""
        if collection == "async-operations":
            return self.task_page(0, None)[0]
        items, now = self.world.all(collection), self._seconds()
        if collection not in DERIVED:
            return items
        return [viewed for item in items if (viewed := self.history.view(collection, item, now)) is not None]

    def task_page(self, offset: int, limit: int | None) -> tuple[list[Item], int]:
        """Some tasks, newest first, and how many there are."""
        live = (task for task in self.tasks.values() if not task.vanished)
        order: list[tuple[float, Task | Past]] = [(task.created.timestamp(), task) for task in live]
        order += [(task.created, task) for task in self.history.tasks(self._seconds()).values()]
        order.sort(key=lambda pair: pair[0], reverse=True)
        page = order[offset : None if limit is None else offset + limit]
        return [self.task_item(task) if isinstance(task, Task) else task.item for _, task in page], len(order)

    def copies(self, holder: str, asset_id: str, kind: str) -> Copies:
        """The recovery points of an asset; KeyError where there is no such asset."""
        return self.history.copies(holder, asset_id, kind)

    def read(self, ref: Ref) -> Item | None:
        """A resource, or None."""
        if len(ref) == 4 and ref[0] in HOLDERS:
            try:
                return self.copies(*ref[:3]).get(ref[3], self.now(), self.lag)
            except KeyError:
                return None
        if ref[0] == "async-operations":
            task = self.tasks.get(ref[1])
            if task:
                return None if task.vanished else self.task_item(task)
            past = self.history.tasks(self._seconds()).get(ref[1])
            return past.item if past else None
        item = self.world.resources.get(ref[0], {}).get(ref[1])
        return self.history.view(ref[0], item, self._seconds()) if item and ref[0] in DERIVED else item

    def write(self, ref: Ref, **changes: Any) -> Item | None:
        """Change a resource: a new generation; None where it is gone. A value of None takes the property away."""
        item = self.read(ref)
        if item is None:
            return None
        new = {**item, **changes, "updatedAt": format_time(self.now()), "generation": item.get("generation", 0) + 1}
        self.put(ref, {name: value for name, value in new.items() if value is not None})
        return self.read(ref)

    def put(self, ref: Ref, item: Item) -> None:
        """Keep a resource as given."""
        if len(ref) == 4:
            self.copies(*ref[:3]).put(item)
            self.history.written = True
        else:
            held = self.world.resources.setdefault(ref[0], {})
            before, held[ref[1]] = held.get(ref[1]), item
            self.history.note(ref, before, item, self._seconds())
        self.written.append(ref)

    def remove(self, ref: Ref) -> None:
        """Forget a resource."""
        if len(ref) == 4:
            self.copies(*ref[:3]).drop(ref[3])
            self.history.written = True
        else:
            before = self.world.resources[ref[0]].pop(ref[1], None)
            self.history.note(ref, before, None, self._seconds())

    def add(self, collection: str, key: str, **values: Any) -> Item:
        """A new resource, with what all carry; the task that makes it names it, where the reading says so."""
        new = self.world.add(collection, key, created_days=0, **values)
        new["createdAt"] = new["updatedAt"] = format_time(self.now())
        self.put((collection, new["id"]), new)
        self.name_made(new)
        return new

    def name_made(self, item: Item) -> None:
        """Have the task whose effect is taking place name what it made, where the reading says so."""
        task = self.ending_task
        if task and self.switches.made_in_task and all(o["id"] != item["id"] for o in (task.about, *task.others)):
            task.others.append(item)

    def is_busy(self, item: Item, name: str = "") -> bool:
        """Whether a task (of this name) on a resource has not ended."""
        return any(t.about["id"] == item["id"] and not t.ended and name in ("", t.name) for t in self.tasks.values())

    def stores_on(self, system_id: str) -> list[Item]:
        """The protection stores on a gateway or StoreOnce."""
        return [s for s in self.all("protection-stores") if s["storageSystemInfo"]["id"] == system_id]

    def rewrite(self, asset_id: str) -> None:
        """A restore has overwritten an asset: its next backup is a full one."""
        self.rewritten[asset_id] = self.now()
        self.history.lost.rewritten.setdefault(asset_id, []).append(self._seconds())

    def note(self, id: str, **facts: Any) -> None:
        """Know something of a resource that no answer tells."""
        self.untold[id] = {**self.untold.get(id, {}), **facts}

    # --- tasks -----------------------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        seconds: float,
        about: Item,
        *,
        ref: Ref | None = None,
        busy: str = "",
        sour: str = "",
        finish: Callable[[], object] | None = None,
        release: Callable[[], object] | None = None,
        parent: Task | None = None,
        others: Iterable[Item] = (),
        composite: bool = False,
    ) -> Task:
        """A task of `seconds` of service time; while it runs `ref` is in state `busy`; `finish` is its effect.

        Where it fails `ref` is left in state `sour`, or as it was; `release` happens however it ends. A `composite`
        one fails where all of its children did; where some did, `Switches.partial_failure` says how it ends.
        """
        now = self.now()
        task = Task(self.new_id("task", name), name, now, about, list(others), parent.id if parent else None,
                    max(1, round(seconds / 60)), now, operation=parent.operation if parent else self.operation,
                    log=[(now, tasks.LOG[0])], composite=composite, ref=ref, busy=busy, sour=sour, finish=finish,
                    release=release, before=(self.read(ref) or {}).get("state") if ref else None)  # fmt: skip
        self.tasks[task.id] = task
        task.ending = self._ending(task, parent or self.ending_task)
        if parent:
            parent.children.append(task.id)
        self.later(min(2.0, seconds / 10), lambda: self._run(task))
        task.due = self.later(seconds, lambda: self._end(task))
        return task

    def deviation(self, operation: str) -> Deviation | None:
        """What a write of this operationId does other than asked."""
        return self.switches.deviations.get(operation) or self.switches.deviations.get("*")

    def _ending(self, task: Task, parent: Task | None) -> Ending | None:
        """What becomes of a new task instead of success."""
        deviation = self.deviation(task.operation)
        if parent is None:
            if self.endings:
                return self.endings.popleft()
            return deviation.ending if deviation else None
        keys = (task.about["id"], tasks.display_name(task.about), task.name, str(len(parent.children) + 1), "*")
        return next((e for key in keys if deviation and (e := deviation.children.get(key))), None)

    def _run(self, task: Task) -> None:
        task.state, task.started = "RUNNING", self.now()
        task.log.append((self.now(), tasks.LOG[1]))
        if task.ref and task.busy:
            self.write(task.ref, state=task.busy)

    def _end(self, task: Task) -> None:
        last = max((self.tasks[id].due for id in task.children), default=task.due)
        if task.composite and last > self.now():  # how it ends is known when the last of its children has ended
            task.due = last + timedelta(microseconds=1)
            heapq.heappush(self._events, (task.due, next(self._serial), lambda: self._end(task)))
            return
        state, error, ending = "SUCCEEDED", None, task.ending
        self.operation, self.written, self.ending_task = task.operation, [], task
        if task.finish and (ending is None or ending.effect):
            try:
                task.finish()
            except (Failure, Refusal) as failure:
                state, error = "FAILED", (failure.message, failure.code)
        if state == "SUCCEEDED" and task.composite:
            state, error = self._sum(task)
        state = "PAUSED" if task.paused else state
        if ending:
            state = "RUNNING" if ending.state in ("never", "vanish") else ending.state
            task.vanished = ending.state == "vanish"
            error = (ending.message, "OPERATION_FAILED") if ending.state == "FAILED" else error
        if state in tasks.FINAL:
            item = self.read(task.ref) if task.ref and task.busy else None
            if task.ref and item and item.get("state") == task.busy:
                self.write(task.ref, state=(task.sour if state == "FAILED" else "") or task.before or "OK")
            if task.release:
                task.release()
        task.end(state, self.now(), error)
        self.deviate(task.operation)
        self.operation, self.ending_task = "", None

    def _sum(self, task: Task) -> tuple[str, tuple[str, str] | None]:
        """How a composite task ends, by its children."""
        failed = [child for id in task.children if (child := self.tasks[id]).state != "SUCCEEDED"]
        task.partial = bool(failed)
        reason = f"{len(failed)} of {len(task.children)} parts failed."
        if failed and (len(failed) == len(task.children) or self.switches.partial_failure == "failed"):
            return "FAILED", (reason, "OPERATION_FAILED")
        if failed:
            task.log.append((self.now(), reason))
        return "SUCCEEDED", None

    def deviate(self, operation: str) -> None:
        """Patch what a write has written, where it is to come out other than asked."""
        deviation = self.deviation(operation)
        for ref in dict.fromkeys(self.written) if deviation and deviation.result else ():
            patch = deviation.result.get(ref[-2]) if deviation else None
            if patch and (item := self.read(ref)):
                self.put(ref, merge_patch(item, patch))
        self.written = []

    def task_item(self, task: Task) -> Item:
        """A task as the service shows it."""
        ancestors: list[Task] = []
        above = task.parent
        while above and above in self.tasks:
            ancestors.append(self.tasks[above])
            above = ancestors[-1].parent
        below = self._descendants(task)
        return tasks.render(task, ancestors, self.now(), descendants=below, polling_seconds=self.polling())

    def _descendants(self, task: Task) -> int:
        return sum(1 + self._descendants(self.tasks[id]) for id in task.children)

    def polling(self) -> int:
        """Seconds after which a client may ask for a task again."""
        wanted = self.switches.polling_seconds
        return wanted if wanted is not None else max(1, round(30 / self.scale))

    def shift(self) -> None:
        """A new recovery point and a new VM appear at the top of their lists, so that pages move on."""
        for (holder, asset_id, kind), held in self.history.held.items():
            asset = self.world.resources[holder][asset_id]
            held.put(fresh(self.world, holder, asset, kind, self.new_id("shift"), self.now()))
        for collection in ("virtual-machines", "protection-jobs"):
            items = self.world.resources[collection]
            model = next(iter(items.values()))
            new = {**model, "id": self.new_id("shift"), "displayName": "just-arrived"}
            new["resourceUri"] = model["resourceUri"].replace(model["id"], new["id"])
            self.world.resources[collection] = {new["id"]: new, **items}

    def switch(self, **changes: Any) -> None:
        """Change switches from now on."""
        self.switches = replace(self.switches, **changes)

    # --- tokens ----------------------------------------------------------------------------------------------

    def new_token(self) -> str:
        """An access token for `token_seconds`."""
        if self.switches.one_token:
            self.tokens.clear()
        token = f"simulated-token-{self.new_id('token')}"
        self.tokens = {t: end for t, end in self.tokens.items() if end > self.now()}
        self.tokens[token] = self.now() + timedelta(seconds=self.switches.token_seconds)
        return token

    def accepts(self, token: str) -> bool:
        """Whether an access token is valid."""
        return token == self.switches.ready_token or self.tokens.get(token, self.epoch) > self.now()

    def random(self, *words: object) -> int:
        """A number that is the same in the same history."""
        return number(self.seed, next(self._serial), *words)
