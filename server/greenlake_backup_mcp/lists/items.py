"""What can be read out of one item of an answer: values under a path, sizes, schedules in words, what is wrong.

Each function takes the item as the service sent it and copes with anything in it: absent, null, another type,
a value no document names. Knows the domain, no lists, no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from greenlake_backup_mcp import units

Item = Mapping[str, Any]

TIERS = {
    "SNAPSHOT": "snapshot",
    "BACKUP": "backup",
    "CLOUD_BACKUP": "cloud backup",
    "REPLICATED_SNAPSHOT": "replicated snapshot",
    "DATABASE_LOG_BACKUP": "log backup",
}
PERIODS = {"HOURS": "h", "DAYS": "d", "WEEKS": "w", "MONTHS": "months", "YEARS": "y"}
_FAMILY = re.compile(r"^(?:PSG|SO)_(?:HEALTH_)?STAT(?:E|US)_")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # the vendor counts the days of a week from 0
GAPS = ("UNPROTECTED", "LAPSED", "PARTIAL")
FINE = ("OK", "ONLINE", "CONNECTED", "NOT_VERIFIED")  # most are, and need no second look
BAD_STATES = (
    "ERROR",
    "OFFLINE",
    "STORE_FAILURE",
    "DISCONNECTED",
    "DEGRADED",
    "RESTORE_FAILED",
    "UNAVAILABLE",
    "CRITICAL",
)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def at(item: Any, path: str) -> list[Any]:
    """Every value under a path, also of each element of a list on the way; nulls are left out."""
    found = (item,)
    for step in _steps(path):
        held: list[Any] = []
        for one in found:
            if isinstance(one, dict) and (value := one.get(step)) is not None:
                if isinstance(value, list):
                    held += [inner for inner in value if inner is not None]
                else:
                    held.append(value)
        if not held:
            return held
        found = held  # type: ignore[assignment]
    return held


def first(item: Item, paths: Sequence[str]) -> Any:
    """The first value under the first path that has one and is not empty text; None without."""
    for path in paths:
        value: Any = item.get(path)  # a nested path is no key, and goes on below
        if type(value) is str and value:
            return value
        value = item
        for step in _steps(path):
            if isinstance(value, list):
                value = value[0] if value else None
            if not isinstance(value, dict):
                value = None
                break
            value = value.get(step)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and value != "":
            return value
    return None


def every(item: Item, paths: Sequence[str]) -> list[Any] | None:
    """All values under the paths, each once."""
    found = [value for path in paths for value in at(item, path) if not isinstance(value, (dict, list))]
    return list(dict.fromkeys(found)) or None


def amount(item: Item, paths: Sequence[str]) -> int | None:
    """How many elements the list has; None where the item has no such list."""
    held = first_raw(item, paths[0])
    return len(held) if isinstance(held, list) else None


def first_raw(item: Any, path: str) -> Any:
    """What is under the path, lists as they are."""
    for step in _steps(path):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def text(value: Any) -> str:
    """A scalar as text; '' for what is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return str(value) if isinstance(value, (str, int, float)) else ""


# --- sizes and states ----------------------------------------------------------------------------------------------


def total_bytes(item: Item, paths: Sequence[str]) -> int | None:
    """The sum of sizes in bytes. The vendor gives some in MiB (`sizeInMib`, `sizeInMiB`) and some in bytes."""
    found = []
    for path in paths:
        factor = units.MIB if path.lower().endswith("mib") else 1
        found += [n * factor for value in at(item, path) if (n := units.number(value)) is not None and n >= 0]
    return int(sum(found)) if found else None


def fill(item: Item, paths: Sequence[str]) -> int | None:
    """Percent used: the first size of the second."""
    used, capacity = (units.number(first(item, [path])) for path in paths[:2])
    return round(100 * used / capacity) if used is not None and capacity else None


def used_of(item: Item, paths: Sequence[str]) -> int | None:
    """Bytes used: the first size less the second (capacity, free)."""
    capacity, free = (units.number(first(item, [path])) for path in paths[:2])
    return int(capacity - free) if capacity is not None and free is not None else None


def ratio(item: Item, paths: Sequence[str]) -> str | None:
    """How many times smaller the data is on disk: the first size over the second, as `3.4:1`."""
    stored, on_disk = (units.number(first(item, [path])) for path in paths[:2])
    return f"{stored / on_disk:.1f}:1" if stored and on_disk else None


def verified(item: Item, paths: Sequence[str]) -> str | None:
    """Whether a copy was verified: yes, no, or what became of it."""
    state = text(first(item, paths))
    return {"VERIFIED": "yes", "NOT_VERIFIED": "no"}.get(state, state.lower()) or None


def health(item: Item, paths: Sequence[str]) -> str | None:
    """States as one word where they agree: `OK`, `ERROR`, `ONLINE/WARNING`; prefixes of the vendor's taken off."""
    words = list(
        dict.fromkeys(short_state(text(value)) for path in paths if (value := first(item, [path])) is not None)
    )
    worse = [w for w in words if w not in FINE]
    return "/".join(worse or words[:1]) or None


def short_state(state: str) -> str:
    """The state without the family name in front: PSG_HEALTH_STATE_OK → OK."""
    return _FAMILY.sub("", state) if state.startswith(("PSG_", "SO_")) else state


def trouble(item: Item, paths: Sequence[str]) -> str | None:
    """What is wrong, with the reason where one is given: paths are states, the last one the reason's."""
    bad: list[str] = []
    for path in paths[:-1]:
        value = item.get(path) if "/" not in path else first(item, (path,))
        if value in FINE or value is None:
            continue
        word = short_state(text(value))
        if _is_bad(word) and word not in bad:
            bad.append(word)
    if not bad:
        return None
    why = text(first(item, paths[-1:]))
    return f"{'/'.join(bad)}: {why}" if why else "/".join(bad)


def _is_bad(state: str) -> bool:
    return state in BAD_STATES or state.endswith(("_ERROR", "_FAILURE", "FAILED"))


def protection_trouble(item: Item, paths: Sequence[str]) -> str | None:
    """An asset with a gap in its protection, or in error itself: paths are its protection, then as for `trouble`."""
    protection, *others = paths
    status = text(first(item, [protection]))
    wrong = trouble(item, others)
    if status in GAPS:
        return f"{status}, {wrong}" if wrong else status
    return wrong


def datastore_trouble(item: Item, paths: Sequence[str]) -> str | None:
    """As for an asset, but most datastores are protected through their VMs, so UNPROTECTED is no trouble."""
    found = protection_trouble(item, paths)
    return (found or "").removeprefix("UNPROTECTED").removeprefix(", ") or None


def nearly_full(item: Item, paths: Sequence[str]) -> str | None:
    """A store in trouble, or at least 90 % full: paths are used, capacity, then as for `trouble`."""
    wrong = trouble(item, paths[2:])
    percent = fill(item, paths[:2])
    full = f"{percent} % full" if percent is not None and percent >= 90 else None
    return ", ".join(w for w in (wrong, full) if w) or None


def task_trouble(item: Item, paths: Sequence[str]) -> str | None:
    """A task that failed, or of which nobody knows: paths are state, error texts."""
    state = text(first(item, paths[:1]))
    if state not in ("FAILED", "TIMEDOUT", "PAUSED", "CANCELLED"):
        return None
    meaning = {"TIMEDOUT": "TIMEDOUT (outcome unknown)", "PAUSED": "PAUSED (a person must act in the console)"}
    why = text(first(item, paths[1:]))
    return meaning.get(state, state) + (f": {why}" if why else "")


def waiting(item: Item, paths: Sequence[str]) -> str | None:
    """An approval that a second person has still to decide."""
    return (
        "waits for a second person" if text(first(item, paths)).lower() in ("pending", "requested", "created") else None
    )


def severe(item: Item, paths: Sequence[str]) -> str | None:
    """The severity of an issue that is critical."""
    severity = text(first(item, paths))
    return severity if severity in ("CRITICAL", "HIGH") else None


def last_part(item: Item, paths: Sequence[str]) -> str | None:
    """The last part of a type: virtualization/virtual-machine → virtual-machine."""
    return text(first(item, paths)).rsplit("/", 1)[-1] or None


def task_kind(item: Item, paths: Sequence[str]) -> str | None:
    """What a task does, without what it does it to: `Run backup schedule: web-01` → Run backup schedule."""
    return text(first(item, paths)).partition(":")[0].strip() or None


# --- schedules -----------------------------------------------------------------------------------------------------


def _schedules(item: Item) -> Iterator[tuple[Item, Item]]:
    """Each tier and schedule of a policy or job; a job's overrides take the place of the policy's values."""
    for tier in at(item, "protections"):
        for schedule in at(tier, "schedules"):
            if isinstance(schedule, dict):
                overrides = schedule.get("overrides")
                changed = {k: v for k, v in overrides.items() if v} if isinstance(overrides, dict) else {}
                yield tier, {**schedule, **changed}


def tiers(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """The tiers of a policy in words: `snapshot every 4 h kept 1 d`, `backup daily 20:00Z kept 14 d, locked 3 d`."""
    found = []
    for tier, schedule in _schedules(item):
        kind = text(tier.get("type"))
        words = [TIERS.get(kind, kind.lower().replace("_", " ")), rhythm(schedule)]
        if kept := period(schedule.get("expireAfter")):
            words.append(f"kept {kept}")
        said = " ".join(w for w in words if w)
        if locked := period(schedule.get("lockFor")):
            said += f", locked {locked}"
        if store := text(first(tier, ["protectionStoreInfo/name"])):
            said += f", store {store}"
        found.append(said)
    return found or None


def schedules(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """Each schedule of a job: `2: backup daily 20:00Z kept 14 d; ACTIVE; last run ERROR …; last good …; next …`."""
    said = []
    for (_, schedule), words in zip(_schedules(item), tiers(item) or (), strict=True):
        parts = [f"{text(schedule.get('scheduleId'))}: {words}", text(schedule.get("operational"))]
        if (run := _last_run(schedule)) is not None:
            why = f" ({text(run.get('errorMessage'))})" if run.get("errorMessage") else ""
            parts.append(f"last run {text(run.get('status'))}{why} {_stamp(run.get('timestamp'))}".rstrip())
        parts += [
            f"{label} {when}"
            for label, name in (("last good", "prevSuccessfulRunTime"), ("next", "nextRunTime"))
            if (when := _stamp(schedule.get(name)))
        ]
        said.append("; ".join(p for p in parts if p))
    return said or None


def _stamp(value: Any) -> str:
    when = units.moment(value)
    return units.stamp(when) if when else ""


def rhythm(schedule: Item) -> str:
    """When a schedule runs: `every 4 h`, `daily 20:00Z`, `weekly on Sun 02:00Z`, `every 3 months on day 7`."""
    plan = schedule.get("schedule")
    if not isinstance(plan, dict):
        return ""
    every_n = units.number(first(plan, ["repeatInterval/every"]))
    n = int(every_n) if every_n is not None else 1
    on = [int(v) for v in map(units.number, at(plan, "repeatInterval/on")) if v is not None]
    recurrence = text(plan.get("recurrence"))
    start = text(plan.get("startTime"))
    at_time = f"{start}Z" if start else ""
    days = ", ".join(WEEKDAYS[d] if 0 <= d < 7 else str(d) for d in on)
    words = {
        "BY_MINUTES": [f"every {n} min"],
        "HOURLY": [f"every {n} h", f"at minute {on[0]}" if on and on[0] else ""],
        "DAILY": ["daily" if n == 1 else f"every {n} d", at_time],
        "WEEKLY": ["weekly" if n == 1 else f"every {n} weeks", f"on {days}" if on else "", at_time],
        "MONTHLY": [
            "monthly" if n == 1 else f"every {n} months",
            f"on day {', '.join(map(str, on))}" if on else "",
            at_time,
        ],
    }.get(recurrence, [recurrence.lower(), at_time])
    window = [text(first(plan, [f"activeTime/{side}"])) for side in ("activeFromTime", "activeUntilTime")]
    if any(window):
        words.append(f"between {window[0] or '00:00'}Z and {window[1] or '24:00'}Z")
    return " ".join(w for w in words if w)


def period(value: Any) -> str:
    """A retention in words: `14 d`, `7 y`; '' where there is none."""
    if not isinstance(value, dict) or units.number(value.get("value")) is None:
        return ""
    unit = text(value.get("unit"))
    return f"{text(value['value'])} {PERIODS.get(unit, unit.lower())}".strip()


def last_good(item: Item, _paths: Sequence[str] = ()) -> str | None:
    """When a job last ran well, whatever its schedule."""
    return _edge(item, "protections/schedules/prevSuccessfulRunTime", newest=True)


def next_run(item: Item, _paths: Sequence[str] = ()) -> str | None:
    """When a job runs next, whatever its schedule."""
    return _edge(item, "protections/schedules/nextRunTime", newest=False)


def _edge(item: Item, path: str, *, newest: bool) -> str | None:
    times = sorted((when, text(value)) for value in at(item, path) if (when := units.moment(value)) is not None)
    return times[-1 if newest else 0][1] if times else None


def failing(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """The schedules of a job whose last finished run went wrong, with the reason."""
    found = []
    for tier, schedule in _schedules(item):
        last = _last_run(schedule)
        if last is None or last.get("status") != "ERROR":
            continue
        kind = text(tier.get("type"))
        said = f"{TIERS.get(kind, kind)} schedule {text(schedule.get('scheduleId'))}"
        since = units.moment(schedule.get("prevSuccessfulRunTime"))
        good = f" (last good {units.stamp(since)})" if since else " (never good)"
        found.append(f"{said}: {text(last.get('errorMessage')) or 'ERROR'}{good}")
    return found or None


def job_trouble(item: Item, _paths: Sequence[str] = ()) -> str | None:
    """Why schedules of a job fail, each reason once; which ones is in `failing`."""
    runs = [run for _, schedule in _schedules(item) if (run := _last_run(schedule)) and run.get("status") == "ERROR"]
    return "; ".join(dict.fromkeys(text(run.get("errorMessage")) or "ERROR" for run in runs)) or None


def last_results(item: Item, _paths: Sequence[str] = ()) -> list[str] | None:
    """How the last run of each schedule ended."""
    found = [text(run.get("status")) for _, schedule in _schedules(item) if (run := _last_run(schedule)) is not None]
    return [f for f in found if f] or None


def _last_run(schedule: Item) -> Item | None:
    """The newest finished run of a schedule. The order in which runs come is not documented."""
    runs = [
        (units.moment(run.get("timestamp")) or units.EPOCH, -n, run)
        for n, run in enumerate(at(schedule, "executionStatuses"))
        if isinstance(run, dict) and run.get("status") not in (None, "IN_PROGRESS")
    ]
    return max(runs, key=lambda entry: entry[:2])[2] if runs else None
