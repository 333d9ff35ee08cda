"""When stores will be full, from the catalog's samples: a range, from the median growth of a day; never of the cloud.

Not before 14 days of samples. What is locked or expires until then is not looked into: space comes back only after the
store's own housekeeping, so that usage itself is the only witness.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from statistics import quantiles

from .calendar import DAY
from .clock import Clock
from .estate import Estate

LEAST_DAYS = 14
FURTHEST = 730  # days ahead: what lies beyond is no forecast

_SAMPLES = """SELECT used, max(at) FROM main.store_usage WHERE store_id = ? AND used IS NOT NULL AND at > ?
 GROUP BY at / 86400 ORDER BY 2"""


def lines(connection: sqlite3.Connection, estate: Estate, clock: Clock) -> Iterator[str]:
    """A sentence for the stores that have a maximum: when each is full if it grows as it did in the last 90 days."""
    ranges, early = [], None
    for store in (s for s in estate.stores.values() if s.gone is None and s.capacity):
        samples = connection.execute(_SAMPLES, (store.id, estate.now - 90 * DAY)).fetchall()
        if len(samples) < LEAST_DAYS:
            early = max(early or 0, estate.now + (LEAST_DAYS - len(samples)) * DAY)
            continue
        growth = [(b[0] - a[0]) / max(1, round((b[1] - a[1]) / DAY)) for a, b in pairwise(samples)]
        slow, _, fast = quantiles(growth, n=4)
        room = (store.capacity or 0) - samples[-1][0]
        soonest = room / fast if fast > 0 else float("inf")
        if soonest > FURTHEST:
            continue
        latest = room / slow if slow > 0 else float("inf")
        until = clock.stamp(estate.now + latest * DAY) if latest <= FURTHEST else "never"
        begin = clock.stamp(estate.now + max(0, soonest) * DAY)
        ranges.append((soonest, f"{store.label} between {begin} and {until}"))
    if ranges:
        yield f"Full, if growth goes on as it was: {'; '.join(text for _, text in sorted(ranges)[:3])}."
    if early is not None:
        yield f"When a store is full cannot be known before {clock.stamp(early)}: it takes {LEAST_DAYS} daily samples."
