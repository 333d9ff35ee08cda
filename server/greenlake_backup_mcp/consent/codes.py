"""Confirmation codes: what a code is bound to, which codes hold now, and which were used.

A code is a keyed digest, so none needs to be stored to be recognised; only used ones are remembered, until they expire.
Knows nothing of tools, HTTP or MCP. A code never goes into a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.settings import Settings

SLOT = 300  # seconds of a time slot; a code of this slot or the last one holds, so it lives 5 to 10 minutes
LATE_SLOTS = 2  # after a code's own two, in which a returned question may still be answered
QUESTION_SECONDS = (1 + LATE_SLOTS) * SLOT  # how long the seal of a returned question holds
BITS = 40
MOST_USES = 16  # of the same call on an unchanged target within one slot
EXPIRED_SLOTS = 24  # how far back a code is still recognised as ours, to be told "expired"
SHORTEST_SECRET = 16  # characters
MAKE_ONE = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


class UsedCodes(Protocol):
    """Where used codes are remembered. One process: `UsedCodesInMemory`; replicas: a store they share."""

    async def remember(self, code: str, seconds: float) -> bool:
        """Mark the code as used for so long; False if it was marked before. Must be atomic."""
        ...

    async def used(self, code: str) -> bool:
        """Whether the code was marked."""
        ...


@dataclass
class UsedCodesInMemory:
    """The used codes of this process."""

    clock: Callable[[], float] = time.monotonic
    _until: dict[str, float] = field(default_factory=dict)

    async def remember(self, code: str, seconds: float) -> bool:
        """Mark the code; without an await in between, so that of ten at once one is the first."""
        now = self.clock()
        for old in [c for c, until in self._until.items() if until <= now]:
            del self._until[old]
        if code in self._until:
            return False
        self._until[code] = now + seconds
        return True

    async def used(self, code: str) -> bool:
        """Whether the code was marked and has not been forgotten."""
        return self._until.get(code, 0) > self.clock()


@dataclass(frozen=True)
class Call:
    """What a code is good for: exactly this. `state` is that of the target when it was read, `weight` the effect's."""

    tool: str
    arguments: Mapping[str, Any]
    principal: str
    state: Any
    weight: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A code that holds, and the slot it was made in."""

    code: str
    slot: int


def keys(settings: Settings, purpose: str = "confirmation codes") -> tuple[bytes, ...]:
    """The keys of a purpose, newest first: from the shared secret, or random for this process alone.

    `keys(settings, "request state")` are those for the seal of returned questions (32 bytes each).
    """
    given = settings.secret.get_secret_value() if settings.secret else ""
    parts = [part.strip() for part in given.split(",") if part.strip()]
    if given and not parts:
        raise SettingsError("Settings: GREENLAKE_MCP_SECRET holds commas and no key.", hint=MAKE_ONE)
    if any(part.startswith("<") for part in parts):
        message = "Settings: GREENLAKE_MCP_SECRET still holds the placeholder of an example, which others know."
        raise SettingsError(message, hint=MAKE_ONE)
    if any(len(part) < SHORTEST_SECRET for part in parts):
        message = f"Settings: each key in GREENLAKE_MCP_SECRET needs at least {SHORTEST_SECRET} characters."
        raise SettingsError(message, hint=MAKE_ONE)
    parts = parts or [secrets.token_urlsafe(32)]
    return tuple(
        hmac.new(part.encode(), f"greenlake-backup-mcp {purpose}".encode(), "sha256").digest() for part in parts
    )


def canonical(value: Any) -> str:
    """JSON in one spelling: the order of keys does not matter, everything else does."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str)


def slot_of(moment: datetime) -> int:
    """The time slot a moment is in."""
    return int(moment.timestamp()) // SLOT


def code(key: bytes, call: Call, slot: int, use: int) -> str:
    """The code of a call in a slot. `use` counts earlier uses, so that a repetition needs a preview of its own."""
    text = canonical([2, call.tool, call.arguments, call.principal, call.state, call.weight, slot, use])
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()[: BITS // 8]
    shown = base64.b32encode(digest).decode()
    return f"{shown[:4]}-{shown[4:]}"


def normalize(given: str) -> str:
    """A code as people type it, in the spelling it was shown in: case, blanks and the hyphen do not matter."""
    letters = "".join(given.split()).replace("-", "").upper()
    return f"{letters[:4]}-{letters[4:]}"


async def is_offered(ring: tuple[bytes, ...], call: Call, slot: int, used: UsedCodes) -> str | None:
    """The code to show for a call: the first of the slot that was not used; None after too many uses."""
    for use in range(MOST_USES):
        shown = code(ring[0], call, slot, use)
        if not await used.used(shown):
            return shown
    return None


async def match(
    ring: tuple[bytes, ...], call: Call, given: str, slots: tuple[int, ...], used: UsedCodes
) -> Match | str | None:
    """The match of a code, "used" if it was one before, "expired" if it was once, or None: no code of this call."""
    wanted = normalize(given)
    for key in ring:
        for slot in slots:
            for use in range(MOST_USES):
                known = code(key, call, slot, use)
                spent = await used.used(known)
                if hmac.compare_digest(known.encode(), wanted.encode()):
                    return "used" if spent else Match(known, slot)
                if not spent:
                    break  # later ones have not been shown to anybody
    for known in _earlier_state(ring, call, min(slots)):
        if hmac.compare_digest(known.encode(), wanted.encode()):
            return "expired"
    return None


def _earlier_state(ring: tuple[bytes, ...], call: Call, first: int) -> Iterator[str]:
    return (code(key, call, slot, 0) for key in ring for slot in range(first - EXPIRED_SLOTS, first))


def keyed_digest(key: bytes, kind: str, *parts: Any) -> str:
    """A keyed digest of other things than calls: of a question asked, of an argument's value."""
    return hmac.new(key, canonical([kind, *parts]).encode(), hashlib.sha256).hexdigest()
