"""The processor time of a call, counted step by step: all calls share one event loop, so each has so much of it.

Counts what runs in the call's own task, whatever that is: lists, details, JSON, previews.
What runs in a thread (work on a large answer, questions to the catalog) lets others go on and is not counted.
Must know nothing of what a call does.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import anyio

from greenlake_backup_mcp.errors import LimitExceeded
from greenlake_backup_mcp.settings import Settings

T = TypeVar("T")
MOST_SECONDS = 10.0  # that a call may need; more where a person lets it read more than 10,000 items


@dataclass
class _Meter(Awaitable[T], Generic[T]):
    """Awaits `work`; its steps are timed, and `add` hears of each."""

    work: Awaitable[T]
    add: Callable[[float], None]

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self.work.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            begun = time.thread_time()
            try:
                waits_for = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self.add(time.thread_time() - begun)
            try:
                value, error = (yield waits_for), None
            except BaseException as thrown:  # cancellation, and whatever else is meant for the work
                value, error = None, thrown


async def metered(
    work: Awaitable[T], name: str, settings: Settings, add: Callable[[float], None], *, may_end: Callable[[], bool]
) -> T:
    """What `work` returns. `add` hears of the seconds of each step; LimitExceeded where they are more than a call has.

    It is ended only while `may_end`: of a write that was sent the outcome is awaited, whatever it costs.
    """
    allowed, used = MOST_SECONDS * max(1.0, settings.scan_cap / 10_000), 0.0
    with anyio.CancelScope() as scope:

        def count(seconds: float) -> None:
            nonlocal used
            used += seconds
            add(seconds)
            if used > allowed and not scope.cancel_called and may_end():
                scope.cancel()

        return await _Meter(work, count)
    raise LimitExceeded(
        f"{name} took the {allowed:.0f} seconds of processor time that a call has.",
        hint="Ask for less: a filter, which the service evaluates, a shorter where, a smaller limit.",
    )
