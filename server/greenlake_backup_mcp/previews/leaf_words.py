"""The leaves of a difference in words: what is meant, and its value as lists tell it, each id with its name.

Two different values never read the same, so that nothing can hide in an abbreviation. Everything here is harmless text.
Must know nothing of gravity, HTTP or MCP.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from greenlake_backup_mcp.lists.views import schedules
from greenlake_backup_mcp.text import masking, sanitize, units
from greenlake_backup_mcp.text.sanitize import cell
from greenlake_backup_mcp.upstream.published import BESIDE

from . import times
from .difference import AGAIN, Element, Leaf, Path, is_atom
from .places import ABSENT, MEMBERS, store_of
from .reads import OWN

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ID = re.compile(r'("[^"]*")| \(id ([^)"]*)\)')  # an id beside a name, which stands in quotes
TIMES = re.compile(r"(?:At|Until|DateTime|Time)$")  # names of leaves that hold points in time
SIZES = re.compile(r"InBytes$")
LONGEST = 160  # characters of a text that stand in a line; beyond, its middle is left out and its digest added
MOST_WHOLE = 4_000  # characters of a text that weighs; a request with a longer one cannot be shown, nor consented to
# TABLE: what people call a leaf; others keep the name the API gives them
LABELS: Mapping[str, str] = {
    "expireAfter": "kept",
    "lockFor": "locked for",
    "lockedUntil": "locked until",
    "expiresAt": "expires",
    "schedule": "runs",
    "protectionStoreId": "store",
    "protectionPolicyId": "policy",
    "sourceProtectionScheduleId": "source schedule",
    "scheduleIds": "schedules",
    "preScriptInfo": "program before each run",
    "postScriptInfo": "program after each run",
    "namePattern": "name pattern",
    BESIDE: "also given",
    "protections": "",
    "schedules": "",
}
# TABLE: what the label of an element tells of it already, by the list it is in
LABELLED: Mapping[str, tuple[str, ...]] = {
    "protections": ("id", "type", "protectionStoreId", "protectionStoreInfo"),
    "schedules": ("scheduleId", "name"),
    "nic": ("name",),
}


@dataclass(frozen=True)
class Wording:
    """How values are told: ids with their names as read, times with their distance from `now`.

    `longest`: characters of a text that are told whole; of a longer one its beginning and end, length and digest.
    """

    names: Mapping[str, str]
    now: datetime
    longest: int = LONGEST

    def value(self, name: str, value: Any) -> str:
        """A value of a leaf: secrets hidden, lengths of time and rhythms as lists tell them; "" where there is none."""
        if value is ABSENT or value is None:
            return ""
        if masking.is_secret(name):
            return "(not shown)"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return self._text(name, value)
        if isinstance(value, list):
            return ", ".join(self._item(name, item) for item in value) or "none"
        if isinstance(value, Mapping):
            return self._object(name, value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # 5.0 is 5 to the service
        return f"{units.size(value)} ({value:,} bytes)" if SIZES.search(name) else cell(str(value))

    def whole(self, item: Any, of_list: str = "") -> str:
        """All leaves of a value in one line; an element of a list by its label, what it holds in brackets."""
        if not isinstance(item, Mapping):
            return self.value(of_list, item)
        parts = []
        for name, value in item.items():
            label = LABELS.get(name, cell(name))
            if isinstance(value, list) and any(isinstance(i, Mapping) and len(i) > 1 for i in value):
                inner = "; ".join(
                    f"{self.element(name, Element(n + 1, i))} ({self.whole(without_label(name, i), name)})"
                    for n, i in enumerate(value)
                )
                parts.append(f"{label}: {inner}" if label else inner)
            elif isinstance(value, Mapping) and not is_atom((name,), value):
                parts.append(f"{label} ({self.whole(value)})")
            else:
                parts.append(f"{label} {self.value(name, value)}".strip())
        return ", ".join(parts) or "empty"

    def place(self, leaf: Leaf) -> tuple[str, str]:
        """Where a leaf stands: the thing it belongs to (`backup to "a", schedule 2`), and the leaf itself (`kept`)."""
        cut = max((n + 1 for n, step in enumerate(leaf.path) if isinstance(step, Element)), default=0)
        cut = cut or len(leaf.path) - 1
        group = ", ".join(filter(None, self._steps(leaf.path[:cut])))
        return group, " ".join(filter(None, self._steps(leaf.path[cut:])))

    def element(self, of_list: str, element: Element) -> str:
        """An element of a list by what identifies it, and that it is given again where it is."""
        if not isinstance(element.key, str):
            return self._labelled(of_list, element, element.key)
        key, again, times_given = element.key.partition(AGAIN)
        return self._labelled(of_list, element, key) + again + times_given

    def identity(self, identity: Any) -> str:
        """An id with its name before it: `"sql-01" (id …)`."""
        text = str(identity)
        name = self.names.get(unquote(text.rpartition("/")[2]))
        return f"{sanitize.quoted(name, 80)} (id {self._exact(text)})" if name else f"id {self._exact(text)}"

    def quote(self, text: str) -> str:
        """A text in quotes; what is left out or not printed is told by length and digest."""
        folded = text
        if len(text) > self.longest:
            folded = f"{text[: self.longest * 2 // 3]}…{text[-self.longest // 3 :]}"
        safe = sanitize.quoted(folded, max(len(folded), 1) * 2)
        if safe == f'"{text}"':
            return safe
        length, unseen = units.plural(len(text), "character"), len(text) - len(sanitize.clean(text))
        which = f"{unseen:,} of which cannot" if unseen < len(text) else "none of which can"
        hidden = f", {which} be seen" if unseen else ""
        return f"{safe} ({length}{hidden}, digest {_digest(text)})"

    def _text(self, name: str, text: str) -> str:
        text = masking.redact(text)  # logins in addresses
        moment = units.parse_time(text) if TIMES.search(name) else None
        if moment is not None:
            return times.describe_when(moment, self.now, exact=True)
        if not self._is_id(text):
            return self.quote(text)
        identity = self.identity(text)  # a label that says "id" already does not say it twice
        return identity.removeprefix("id ") if LABELS.get(name, name)[-2:].lower() == "id" else identity

    def _object(self, name: str, value: Mapping[str, Any]) -> str:
        if value and set(value) <= {"value", "unit"}:
            number, unit = value.get("value", "no number of"), value.get("unit", "of no unit")
            period = cell(schedules.period(value)) if len(value) > 1 else ""
            return period or self._exact(f"{number} {str(unit).lower()}")
        if name == "schedule":
            return self._exact(describe_rhythm(value))
        return self.whole(masking.redact(value))

    def _item(self, name: str, item: Any) -> str:
        """An element of a list that is told as one value."""
        if isinstance(item, Mapping) and len(item) == 1:
            return self.value(*next(iter(item.items())))
        return self.whole(item) if isinstance(item, Mapping) else self.value(name, item)

    def _steps(self, path: Path) -> Iterator[str]:
        before = ""
        for n, step in enumerate(path):
            if isinstance(step, Element):
                yield self.element(before, step)
            elif not (n + 1 < len(path) and isinstance(path[n + 1], Element) and step in MEMBERS):
                yield LABELS.get(step, cell(step)) or (cell(step) if n + 1 == len(path) else "")
            before = step if isinstance(step, str) else before

    def _labelled(self, of_list: str, element: Element, key: Any) -> str:
        item = element.item
        if of_list == "protections" and isinstance(item, Mapping):
            return self._tier(item)
        if of_list == "schedules" and isinstance(item, Mapping):
            name = element.before.get("name") if isinstance(element.before, Mapping) else None
            return f"schedule {cell(str(item.get('scheduleId')))}" + (f" {sanitize.quoted(name)}" if name else "")
        if not isinstance(key, str):
            return cell(str(key)) if not isinstance(item, Mapping) else f"({cell(str(key))})"
        if of_list in MEMBERS:
            uri = item.get("resourceUri") if isinstance(item, Mapping) else None
            whole = isinstance(uri, str) and uri != f"{OWN}/mssql-databases/{key}" and "id" not in item
            return f"member {self.identity(uri if whole else key) if not key.startswith('(') else key}"
        return self.identity(key) if self._is_id(key) else self.quote(key)

    def _tier(self, tier: Mapping[str, Any]) -> str:
        """A tier of a policy: `cloud backup to "cloud-1" (id …)`."""
        words = tier_type(tier) or f"tier {self.identity(tier.get('id'))}"
        store, info = store_of(tier), tier.get("protectionStoreInfo")
        if store is None:
            return words
        name = info.get("name") if isinstance(info, Mapping) else None
        named = Wording({**self.names, str(store): str(name)}, self.now) if name else self
        return f"{words} to {named.identity(store)}"

    def _is_id(self, value: str) -> bool:
        return bool(UUID.fullmatch(value.rpartition("/")[2])) or (value in self.names and " " not in value)

    def _exact(self, text: str) -> str:
        safe = cell(text, self.longest)
        return safe if safe == text else f"{safe} (digest {_digest(text)})"


def without_label(of_list: str, item: Any) -> Any:
    """An element without what its label tells already."""
    if not isinstance(item, Mapping):
        return item
    return {n: v for n, v in item.items() if n not in LABELLED.get(of_list, ())}


def describe_rhythm(plan: Mapping[str, Any]) -> str:
    """When a schedule runs as lists tell it, and what of it lists do not tell: `daily 20:00Z (on 3)`."""
    words = schedules.rhythm({"schedule": dict(plan)})
    interval = plan.get("repeatInterval")
    on = interval.get("on") if isinstance(interval, Mapping) else None
    recurrence, untold = plan.get("recurrence"), []
    if on is not None and not (
        recurrence in ("WEEKLY", "MONTHLY") or (recurrence == "HOURLY" and on == [n for n in on if n][:1])
    ):
        untold.append(f"on {json.dumps(on)}")
    if plan.get("startTime") and recurrence in ("BY_MINUTES", "HOURLY"):
        untold.append(f"from {plan['startTime']}Z")
    shaped = {"recurrence", "repeatInterval", "startTime", "activeTime"}
    untold += [f"{name} {json.dumps(value)}" for name, value in plan.items() if name not in shaped]
    return words + (f" ({', '.join(untold)})" if untold else "")


def without_ids(text: str) -> str:
    """A text of ours without the ids beside names, for a line that is short."""
    return ID.sub(lambda match: match[1] or "", text)


def ids_of(text: str) -> list[str]:
    """The ids that `without_ids` takes out."""
    return [match[2] for match in ID.finditer(text) if match[1] is None]


def tier_type(tier: Mapping[str, Any]) -> str:
    """What people call a tier of this type: `cloud backup`; "" where it names none."""
    kind = str(tier.get("type") or "")
    return schedules.TIERS.get(kind, cell(kind.lower().replace("_", " ")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
