"""Which readings hold of a tenant (reading_table.py), and what its answers held that the description does not know.

What was found out is kept for the tenant, in its file in the directory of state. Knows no HTTP and no tools.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from greenlake_backup_mcp import state
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import suggest

from .reading_table import BY_NAME, TABLE, Reading

MOST_DRIFT = 500  # different fields and values that are remembered

_NOTES: ContextVar[list[str] | None] = ContextVar("notes", default=None)
SENT: ContextVar[Mapping[str, Any]] = ContextVar("sent", default={})  # noqa: B039  replaced, never changed
"""The form in which the last write of this task left, where it is not the one its arguments read like."""


@contextmanager
def notes() -> Iterator[list[str]]:
    """What is found out of readings within a call, as lines for its answer."""
    lines: list[str] = []
    token = _NOTES.set(lines)
    try:
        yield lines
    finally:
        _NOTES.reset(token)


def _key(name: str, scope: str) -> str:
    """Under what a finding is kept."""
    return f"{name} {scope}".rstrip()


def _row(key: str) -> Reading:
    return BY_NAME[key.partition(" ")[0]]


@dataclass(frozen=True)
class Finding:
    """What holds of a reading, and which answer proved it, when."""

    value: str
    proof: str
    when: str


def parse(text: str | None) -> dict[str, str]:
    """The readings fixed by `name=value,name=value`; SettingsError for what there is not."""
    fixed: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in (text or "").split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        row = BY_NAME.get(name)
        if row is None:
            names = [one.name for one in TABLE if one.side == "request"]
            near = suggest.near_names(name, names, 1)
            cure = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
            raise SettingsError(f"Settings: there is no reading {name[:60]!r}.", hint=cure)
        if row.side != "request":
            raise SettingsError(
                f"Settings: the reading {name} cannot be fixed: what the service does is understood either way.",
                hint=f"Leave it out. It is about this: {row.about}",
            )
        if not equals or value not in row.values:
            raise SettingsError(
                f"Settings: the reading {name} has no value {value[:60]!r}.",
                hint=f"Write --reading {name}={row.values[0]}, or one of: {', '.join(row.values)}. {row.about}",
            )
        if fixed.setdefault(name, value) != value:
            raise SettingsError(
                f"Settings: the reading {name} is fixed twice, as {fixed[name]} and as {value}.", hint="Fix it once."
            )
    return fixed


@dataclass
class Readings:
    """Which readings hold of the tenant of the settings; kept in its file, in memory alone for a demo."""

    settings: Settings
    findings: dict[str, Finding] = field(default_factory=dict)
    drift: dict[str, int] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _loaded: bool = False

    @cached_property
    def fixed(self) -> Mapping[str, str]:
        """Those that a person fixed; SettingsError where there are none such."""
        return parse(self.settings.reading)

    def value(self, name: str, scope: str = "") -> str:
        """What is taken: as fixed, as found out in this scope (request_forms.scope_of), else the first."""
        self.load()
        if name in self.fixed:
            return self.fixed[name]
        finding = self.findings.get(_key(name, scope))
        return finding.value if finding else BY_NAME[name].values[0]

    def others(self, name: str, scope: str = "") -> tuple[str, ...]:
        """What may be tried instead; nothing where it is fixed."""
        if name in self.fixed:
            return ()
        return tuple(v for v in BY_NAME[name].values if v != self.value(name, scope))

    def learn(self, name: str, value: str, proof: str, scope: str = "") -> None:
        """An answer proved it: kept for the tenant; what is not the first reading is told in the log and the answer."""
        self.load()
        key = _key(name, scope)
        before = self.findings.get(key)
        if name in self.fixed or (before is not None and before.value == value):
            return
        row = BY_NAME[name]
        self.findings[key] = Finding(value, proof, f"{self.now():%Y-%m-%dT%H:%MZ}")
        if row.side == "request" and value != (before.value if before else row.values[0]):
            call_log.LOGGER.warning("reading %s=%s, proved by %s", name, value, proof)
            notes_heard = _NOTES.get()
            if notes_heard is not None:
                notes_heard.append(f"Found out: {row.about} Here it is {name}={value} ({proof}); kept for this tenant.")
        self.save()

    def unknown_fields(self, operation_id: str) -> list[str]:
        """The fields that answers of an operation held and the description does not know; `a/b` for nested ones."""
        self.load()
        start = f"{operation_id}: field "
        return [word.removeprefix(start).replace("[]/", "/") for word in self.drift if word.startswith(start)]

    def count_drift(self, words: Mapping[str, int]) -> None:
        """Count what answers held and the description does not know; what is new is logged and kept."""
        self.load()
        new = [word for word in words if word not in self.drift]
        for word, number in words.items():
            if word in self.drift or len(self.drift) < MOST_DRIFT:
                self.drift[word] = self.drift.get(word, 0) + number
        if new:
            # what they are is the tenant's: `doctor` tells it
            call_log.LOGGER.info(
                "fields or values not in the description: %d new, %d in all", len(new), len(self.drift)
            )
            self.save()

    def describe(self) -> list[str]:
        """What is fixed, what was found out and what answers held besides, as lines for a person."""
        self.load()
        lines = [f"reading {name}={value}: fixed by a setting" for name, value in self.fixed.items()]
        lines += [
            f"reading {name}={finding.value}: found out ({finding.proof}, {finding.when}). {_row(name).about}"
            for name, finding in self.findings.items()
            if name not in self.fixed and finding.value != _row(name).values[0]
        ]
        as_taken = {_row(name).name for name, finding in self.findings.items() if finding.value == _row(name).values[0]}
        if as_taken:
            lines.append(f"readings that hold as they are taken first: {', '.join(sorted(as_taken))}")
        if self.drift:
            worst = sorted(self.drift.items(), key=lambda pair: -pair[1])
            examples = "; ".join(f"{word} (at least {number:,})" for word, number in worst[:8])
            more = f"; and {len(worst) - 8} more" if len(worst) > 8 else ""
            lines.append(f"not in the description, and shown all the same: {examples}{more}")
        return lines

    # --- its file

    @property
    def is_held(self) -> bool:
        """Whether it is kept beyond this process."""
        return not self.settings.demo

    def load(self) -> None:
        """Read the file, once; one that is missing or broken holds nothing."""
        if self._loaded:
            return
        self._loaded = True
        if not self.is_held:
            return
        with suppress(OSError, ValueError, TypeError, AttributeError):
            held = json.loads((state.state_directory(self.settings) / self._name).read_text(encoding="utf-8"))
            for name, finding in held["readings"].items():
                if (row := BY_NAME.get(name.partition(" ")[0])) and finding["value"] in row.values:
                    self.findings[name] = Finding(finding["value"], str(finding["proof"]), str(finding["when"]))
            self.drift |= {str(word): int(number) for word, number in held["drift"].items()}

    def save(self) -> None:
        """Write the file, whole; where there is no place for it this process alone knows."""
        if not self.is_held:
            return
        held = {
            "readings": {name: vars(finding) for name, finding in sorted(self.findings.items())},
            "drift": dict(sorted(self.drift.items())),
        }
        try:
            path = state.private_file(self.settings, self._name)
            draft = path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(held, file, indent=1)
            Path(draft).replace(path)
        except OSError as error:
            call_log.LOGGER.warning("what was found out of the service is not kept: %s", error.strerror or error)

    @property
    def _name(self) -> str:
        return f"readings-{state.tenant_key(self.settings)}.json"


# --- answers, understood either way -----------------------------------------------------------------------------------


def read_task(readings: Readings, body: Any) -> Any:
    """A task, or a list of tasks, with each field also under the name that the description has for it."""
    if isinstance(body, dict) and isinstance(body.get("items"), list):
        return {**body, "items": [_read_one(readings, item) for item in body["items"]]}
    return _read_one(readings, body)


def _read_one(readings: Readings, item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    for name in ("task_word", "progress_word"):
        usual, other = BY_NAME[name].values
        if item.get(usual) is None and item.get(other) is not None:
            item = {**item, usual: item[other]}
            readings.learn(name, other, "a task")
    messages = item.get("logMessages")
    if isinstance(messages, list) and any(isinstance(m, dict) and "timestampAt" not in m for m in messages):
        readings.learn("log_time_word", "timestamp", "a task")
        item = {**item, "logMessages": [
            {"timestampAt": m["timestamp"], **m} if isinstance(m, dict) and m.get("timestamp") else m for m in messages
        ]}  # fmt: skip
    return item
