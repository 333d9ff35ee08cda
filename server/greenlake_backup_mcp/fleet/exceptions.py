"""Accepted exceptions: assets that are left out on purpose, by whom, why and until when. Always told in the count.

A JSON file that people keep: a list of `{"asset": "lab-*", "who": "…", "why": "…", "until": "2026-12-31"}`, with `kind`
and `controls` where only some are meant; a day lasts until its end where the person is. Read anew for each question;
what is wrong with it is told, never passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from greenlake_backup_mcp.catalog.views import ASSET_KINDS
from greenlake_backup_mcp.errors import InputError, SettingsError
from greenlake_backup_mcp.text import sanitize

from .clock import Clock
from .estate import Asset

MOST_BYTES = 4 << 20
CONTROL_NAMES = (
    "cover", "fresh", "usable", "verified", "tested", "consistent", "3-2-1-1-0", "immutable", "off_site", "expiring",
    "horizon", "vanished", "contradictions", "anomaly", "encryption", "restore_time", "deletion_rights",
)  # fmt: skip
NEEDED = ("asset", "who", "why", "until")
HINT = (
    'GREENLAKE_MCP_EXCEPTIONS names a JSON file: [{"asset": "lab-*", "who": "J. Doe", "why": "rebuilt from code", '
    '"until": "2026-12-31", "controls": ["cover"]}]. Only a person can change it.'
)


def matches(text: str, pattern: str) -> bool:
    """Whether a name is meant by a pattern: `*` and `?` stand for anything, brackets for themselves."""
    return fnmatchcase(text.casefold(), pattern.casefold().replace("[", "[[]"))


@dataclass(frozen=True)
class Acceptance:
    """One entry of the file. `pattern`: id or name, `*` stands for anything; `until`: seconds since 1970."""

    pattern: str
    who: str
    why: str
    until: int
    kind: str | None = None
    controls: tuple[str, ...] = ()

    def covers(self, asset: Asset, control: str) -> bool:
        """Whether the asset and the control are meant, whatever the time."""
        return (
            (not self.controls or control in self.controls)
            and (self.kind is None or self.kind == asset.kind)
            and (self.pattern == asset.id or matches(asset.name, self.pattern))
        )


def load(path: Path | None, clock: Clock) -> tuple[Acceptance, ...]:
    """The exceptions of the file, none without one; days are those of the clock's zone.

    SettingsError names the entry that is wrong, and what is.
    """
    if path is None:
        return ()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"The file of exceptions is larger than {MOST_BYTES >> 20} MiB: {path}.", hint=HINT)
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no JSON"
        raise SettingsError(f"The file of exceptions cannot be read: {path}: {why}.", hint=HINT) from None
    entries = content.get("exceptions") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise SettingsError(f"The file of exceptions holds no list: {path}.", hint=HINT)
    return tuple(_entry(number, entry, clock) for number, entry in enumerate(entries, 1))


def _entry(number: int, entry: Any, clock: Clock) -> Acceptance:
    def wrong(what: str) -> SettingsError:
        return SettingsError(f"Exception {number} of the file of exceptions: {what}.", hint=HINT)

    if not isinstance(entry, dict):
        raise wrong("it is no object")
    for name in NEEDED:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise wrong(f"{name} is missing; an exception says which asset, who accepts it, why, and until when")
    if set(entry["asset"]) <= {"*", "?"}:
        raise wrong("asset is a pattern that would accept everything")
    until = _until(entry["until"].strip(), clock)
    if until is None:
        raise wrong(f"until is no day: {sanitize.quoted(entry['until'], 40)}")
    controls = entry.get("controls", [])
    if not isinstance(controls, list) or not all(isinstance(one, str) for one in controls):
        raise wrong("controls is a list of names")
    if strange := sorted({*controls} - {*CONTROL_NAMES}):
        raise wrong(f"there is no control {sanitize.quoted(strange[0], 40)}; controls: {', '.join(CONTROL_NAMES)}")
    unknown = sorted(entry.keys() - {*NEEDED, "kind", "controls"})
    if unknown:
        raise wrong(f"{sanitize.quoted(unknown[0], 40)} is no part of an exception")
    kind = entry.get("kind")
    if kind is not None and kind not in tuple(ASSET_KINDS):
        raise wrong(f"kind is one of {', '.join(ASSET_KINDS)}")
    return Acceptance(entry["asset"].strip(), entry["who"].strip(), entry["why"].strip(), until, kind, (*controls,))


def _until(text: str, clock: Clock) -> int | None:
    """A day to its end, or a moment; None for what is neither, and for what goes on with the present (now+7d)."""
    if not text[:1].isdigit():
        return None
    try:
        return clock.end_of_day(text) or clock.seconds(text, "until")
    except InputError:
        return None


def acceptance(content: Iterable[Acceptance], asset: Asset, control: str) -> Acceptance | None:
    """The exception that holds longest for an asset and a control; it may have expired."""
    meant = [one for one in content if one.covers(asset, control)]
    return max(meant, key=lambda one: one.until, default=None)


def value(one: Acceptance, clock: Clock) -> Mapping[str, Any]:
    """An exception as JSON."""
    return {"asset": one.pattern, "who": one.who, "why": one.why, "until": clock.stamp(one.until)}
