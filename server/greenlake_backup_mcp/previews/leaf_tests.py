"""Tests over the leaves of a difference, which the table of judgement is made of: longer, earlier, lost, an address.

Knows the units of the API's lengths of time; no words, no HTTP, no MCP.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from greenlake_backup_mcp.text import units

from .difference import Element, Leaf
from .model import Subject
from .places import ABSENT

DAYS = {"HOURS": 1 / 24, "DAYS": 1.0, "WEEKS": 7.0, "MONTHS": 30.44, "YEARS": 365.25}
PERIODS = {"BY_MINUTES": 1 / 1440, "HOURLY": 1 / 24, "DAILY": 1.0, "WEEKLY": 7.0, "MONTHLY": 30.44}
KEEPING = ("KEEPASBACKUP", "SKIP")  # ways to restore files that lose none

Test = Callable[[Leaf, Subject], bool]


def length_days(value: Any) -> float | None:
    """A length of time of the API in days, endless where it has no number that can be measured; None of others."""
    if not isinstance(value, Mapping) or not value:
        return None
    if (number := units.number(value.get("value"))) is None:
        return math.inf
    return number * DAYS.get(str(value.get("unit")), 1.0)


def interval_days(plan: Any) -> float | None:
    """How far apart the runs of a schedule are on average, in days; endless where it is active at no time of day."""
    if not isinstance(plan, Mapping) or not isinstance(plan.get("repeatInterval"), Mapping):
        return None
    interval = plan["repeatInterval"]
    every, on = units.number(interval.get("every")), interval.get("on")
    period = PERIODS.get(str(plan.get("recurrence")))
    if every is None or period is None:
        return None
    often = len(on) if isinstance(on, list) and on and plan["recurrence"] in ("WEEKLY", "MONTHLY") else 1
    active = _active_share(plan.get("activeTime")) if plan["recurrence"] in ("BY_MINUTES", "HOURLY") else 1.0
    return every * period / often / active if active else math.inf


def _active_share(window: Any) -> float:
    """How much of the day a schedule is active; all of it where it names no time, or one that cannot be read."""
    sides = (window.get("activeFromTime"), window.get("activeUntilTime")) if isinstance(window, Mapping) else ()
    match = [re.fullmatch(r"(\d\d?):(\d\d)", str(side)) for side in sides]
    if not match or None in match:
        return 1.0
    start, end = (int(m[1]) * 60 + int(m[2]) for m in match if m)
    return (end - start) % 1440 / 1440


def is_set(leaf: Leaf, _s: Subject) -> bool:
    """Whether the request gives it."""
    return leaf.after is not ABSENT


def changes_what_is(leaf: Leaf, s: Subject) -> bool:
    """Whether something that exists changes, or the operation is no create."""
    return leaf.before is not ABSENT or not s.tool.name.startswith("create_")


def is_true(leaf: Leaf, _s: Subject) -> bool:
    """Whether it is switched on, or stays so."""
    return leaf.after is True


def is_protected(_leaf: Leaf, s: Subject) -> bool:
    """Whether a protection job stands on the target."""
    return bool(s.resource.get("protectionJobInfo"))


def loses_element(leaf: Leaf, _subject: Subject) -> bool:
    """Whether something that the resource has is in the request no more: an element, a value, a part of a list."""
    if isinstance(leaf.before, list) and isinstance(leaf.after, list):
        return any(item not in leaf.after for item in leaf.before)
    return leaf.before not in (ABSENT, None, "", [], {}) and leaf.after in (ABSENT, None)


def has_no_length(leaf: Leaf, _s: Subject) -> bool:
    """Whether a length of time is given that has neither number nor unit."""
    return isinstance(leaf.after, Mapping) and not leaf.after


def is_longer(measure: Callable[[Any], float | None]) -> Test:
    """Whether a length is longer than the present one, or new."""
    return lambda leaf, _s: (measure(leaf.after) or 0) > (measure(leaf.before) or 0)


def is_shorter(measure: Callable[[Any], float | None], *, of_none: bool) -> Test:
    """Whether a length becomes shorter; `of_none`: where there was none, any length is shorter."""

    def test(leaf: Leaf, s: Subject) -> bool:
        before, after = measure(leaf.before), measure(leaf.after)
        if after is None:
            return before is not None and not of_none
        if before is None and any(isinstance(step, Element) and step.before is ABSENT for step in leaf.path):
            return False  # the whole thing is new, or what it is now is not known
        return after < before if before is not None else of_none and changes_what_is(leaf, s)

    return test


def was_set(leaf: Leaf, _s: Subject) -> bool:
    """Whether the resource has it."""
    return leaf.before is not ABSENT


def is_later(leaf: Leaf, s: Subject) -> bool:
    """Whether a point in time lies ahead, and after the present one."""
    after, before = units.parse_time(leaf.after), units.parse_time(leaf.before)
    return after is not None and after > s.now and (before is None or after > before)


def is_earlier(leaf: Leaf, _s: Subject) -> bool:
    """Whether a point in time lies before the present one, or there was none."""
    after, before = units.parse_time(leaf.after), units.parse_time(leaf.before)
    return after is not None and (before is None or after < before)


def locks_longer(leaf: Leaf, s: Subject) -> bool:
    """Whether copies are locked longer than now."""
    return is_longer(length_days)(leaf, s) or is_later(leaf, s)


def is_address(leaf: Leaf, s: Subject) -> bool:
    """Whether it is part of how a machine is reached, and of what exists."""
    own = "nic" in leaf.names or leaf.names[:1] in (("networkAddress",), ("network",))
    return own and changes_what_is(leaf, s) and not {"proxy", "nameServers"} & set(leaf.names)


def overwrites_files(_leaf: Leaf, s: Subject) -> bool:
    """Whether files that are there are overwritten, or may be."""
    return s.arguments.get("fileRestoreMethod") not in KEEPING


def is_account(leaf: Leaf, s: Subject) -> bool:
    """Whether it is of the login that backups use."""
    return changes_what_is(leaf, s) and "proxy" not in leaf.names


def forces(*operations: str) -> Test:
    """Whether force is asked for, or is the default, of one of these operations; of any where none is named."""
    return lambda leaf, s: leaf.after is True and (not operations or s.operation in operations)


def is_unforced(_leaf: Leaf, s: Subject) -> bool:
    """Whether force is declined, which else is the default."""
    return s.arguments.get("force") is False


def is_of(*operations: str) -> Test:
    """Whether an operation is one of these."""
    return lambda _leaf, s: s.operation in operations


def outlasts(leaf: Leaf, s: Subject) -> bool:
    """Whether copies would be locked longer than they are kept."""
    holder = next((step.after for step in reversed(leaf.path) if isinstance(step, Element)), s.arguments)
    lock, retention = (
        length_days(holder.get(n)) if isinstance(holder, Mapping) else None for n in ("lockFor", "expireAfter")
    )
    return lock is not None and retention is not None and lock > retention


def both(*tests: Test) -> Test:
    """Whether all of these tests hold."""
    return lambda leaf, s: all(test(leaf, s) for test in tests)


def moves(leaf: Leaf, _s: Subject) -> bool:
    """Whether one value takes the place of another."""
    return leaf.before not in (ABSENT, None) and leaf.after not in (ABSENT, None)


def is_smaller(leaf: Leaf, _s: Subject) -> bool:
    """Whether a number becomes smaller."""
    after, before = units.number(leaf.after), units.number(leaf.before)
    return after is not None and before is not None and after < before
