"""The tenant's state: resources that change, tasks that run and end, tokens, what was asked of it.

No threads: whatever is due by the clock happens when the next request (or test) looks. Knows no HTTP.
"""

# ruff: noqa: A001, A002, PLR0913

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from . import approvals, tasks
from .seed import build
from .seed import tasks as seed_tasks
from .seed.names import Item, number, stamp, uid
from .seed.recovery_points import HOLDERS, fresh
from .seed.series import Copies
from .seed.world import World
from .switches import Switches
from .tasks import Ending, Task

Ref = tuple[str, ...]
"""Where a resource is: (collection, id), or (holder, asset id, "backups" or "snapshots", id)."""


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
    bulk: int = 0  # copies that the VM `bulk-archive-01` owns, for benchmarks
    remember: int = 10_000  # requests kept in `requests`

    def __post_init__(self) -> None:
        self.moved = timedelta()
        self._at: datetime | None = None  # the time of what is being settled
        self.settled = self.epoch = self.clock()
        self.requests: deque[Received] = deque(maxlen=self.remember)
        self.writes: Counter[tuple[str, str]] = Counter()  # (operation id, path) → times carried out
        self.tokens: dict[str, datetime] = {}  # access token → when it expires
        self.tasks: dict[str, Task] = {}
        self.endings: deque[Ending] = deque()  # what becomes of the next tasks, instead of success
        self.deleted_stores: set[str] = set()
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._serial = count(1)
        self._copies: dict[Ref, Copies] = {}
        self.waiting: dict[str, tuple[Ref, Callable[[], None]]] = {}  # approval → what waits for it

    # --- time ------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The tenant's time: the clock, moved; never later than what is being settled."""
        return self._at or self.clock() + self.moved

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moved += timedelta(seconds=seconds)
        self.settle()

    def settle(self) -> None:
        """Let everything happen that is due."""
        until = self.now()
        while self._events and self._events[0][0] <= until:
            self._at, _, happen = heapq.heappop(self._events)
            try:
                happen()
            finally:
                self._at = None

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
    def world(self) -> World:
        """What there is, but the copies."""
        world = build.build(
            self.seed,
            self.epoch.replace(microsecond=0),
            hostile=self.switches.hostile,
            dual_authorization=self.switches.dual_authorization,
        )
        if self.bulk:
            self._add_bulk(world)
        approvals.seed(world, self)
        # what was never looked at is made later, from what there was and not from what it has become
        self.seeded = replace(world, things={name: dict(items) for name, items in world.things.items()})
        return world

    @cached_property
    def past(self) -> dict[str, Item]:
        """The tasks of the last week."""
        _ = self.world
        return seed_tasks.tasks(self.seeded)

    def _add_bulk(self, world: World) -> None:
        model = next(vm for vm in world.all("virtual-machines") if vm["displayName"] == "sap-prod-01")
        id = uid(self.seed, build.BULK)
        named = {"id": id, "name": build.BULK, "displayName": build.BULK}
        named["resourceUri"] = model["resourceUri"].replace(model["id"], id)
        world.things["virtual-machines"][id] = {**model, **named}
        world.plans[id] = world.plans[model["id"]]

    def all(self, collection: str) -> list[Item]:
        """The items of a collection; tasks newest first."""
        if collection == "async-operations":
            live = sorted(self.tasks.values(), key=lambda t: t.created, reverse=True)
            return [self.task_item(t) for t in live if not t.vanished] + list(self.past.values())
        return self.world.all(collection)

    def copies(self, holder: str, asset_id: str, kind: str) -> Copies:
        """The recovery points of an asset; KeyError where there is no such asset."""
        ref = (holder, asset_id, kind)
        if ref not in self._copies:
            asset = self.world.things[holder][asset_id]
            asset = self.seeded.things[holder].get(asset_id, asset)
            bulk = asset.get("displayName") == build.BULK and kind == "backups"
            held = build.copies(self.seeded, holder, asset, kind, self.bulk if bulk else 0)
            held.forget(lambda item: item.get("protectionStoreInfo", {}).get("id") in self.deleted_stores)
            self._copies[ref] = held
        elif asset_id not in self.world.things[holder]:
            raise KeyError(asset_id)
        return self._copies[ref]

    def known_copies(self, kind: str) -> list[Copies]:
        """The recovery points of all assets that were looked at."""
        return [held for ref, held in self._copies.items() if ref[2] == kind]

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
            return self.past.get(ref[1])
        return self.world.things.get(ref[0], {}).get(ref[1])

    def write(self, ref: Ref, **changes: Any) -> Item | None:
        """Change a resource: a new generation; None where it is gone. A value of None takes the property away."""
        item = self.read(ref)
        if item is None:
            return None
        new = {**item, **changes, "updatedAt": stamp(self.now()), "generation": item.get("generation", 0) + 1}
        self.put(ref, {name: value for name, value in new.items() if value is not None})
        return self.read(ref)

    def put(self, ref: Ref, item: Item) -> None:
        """Keep a resource as given."""
        if len(ref) == 4:
            self.copies(*ref[:3]).put(item)
        else:
            self.world.things.setdefault(ref[0], {})[ref[1]] = item

    def remove(self, ref: Ref) -> None:
        """Forget a resource."""
        if len(ref) == 4:
            self.copies(*ref[:3]).drop(ref[3])
        else:
            self.world.things[ref[0]].pop(ref[1], None)

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
        finish: Callable[[], None] | None = None,
        release: Callable[[], None] | None = None,
        parent: str | None = None,
        others: Iterable[Item] = (),
    ) -> Task:
        """A task of `seconds` of service time; while it runs `ref` is in state `busy`; `finish` is its effect.

        Where it fails `ref` is left in state `sour`, or as it was; `release` happens however it ends.
        """
        effect = tasks.Effect(ref, busy, sour, finish, release)
        return tasks.start(self, name, seconds, about, effect, parent, tuple(others))

    def task_item(self, task: Task) -> Item:
        """A task as the service shows it."""
        return tasks.shown(self, task)

    def polling(self) -> int:
        """Seconds after which a client may ask for a task again."""
        wanted = self.switches.polling_seconds
        return wanted if wanted is not None else max(1, round(30 / self.scale))

    def shift(self) -> None:
        """A new recovery point and a new VM appear at the top of their lists, so that pages move on."""
        for (holder, asset_id, kind), held in self._copies.items():
            held.put(
                fresh(self.world, holder, self.world.things[holder][asset_id], kind, self.new_id("shift"), self.now())
            )
        for collection in ("virtual-machines", "protection-jobs"):
            items = self.world.things[collection]
            model = next(iter(items.values()))
            new = {**model, "id": self.new_id("shift"), "displayName": "just-arrived"}
            new["resourceUri"] = model["resourceUri"].replace(model["id"], new["id"])
            self.world.things[collection] = {new["id"]: new, **items}

    # --- the second person -----------------------------------------------------------------------------------

    def approve(self, id: str) -> None:
        """Approve a pending operation, as a second person in the console; KeyError where there is none."""
        self.settle()
        approvals.decide(self, id, approved=True)

    def cancel(self, id: str) -> None:
        """Refuse a pending operation, as a second person in the console; KeyError where there is none."""
        self.settle()
        approvals.decide(self, id, approved=False)

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
