"""Confirmation codes: what a code is bound to, and what one that was given is worth.

A code is a keyed digest, so none needs to be stored to be recognised; only used ones are remembered (`store`), until
they expire. Knows nothing of tools, HTTP or MCP. A code never goes into a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from greenlake_backup_mcp import __version__
from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.settings import Settings

from .store import ConsentStore

SLOT = 300  # seconds of a time slot; a code of this slot or the last one holds, so it lives 5 to 10 minutes
LATE_SLOTS = 2  # after a code's own two, in which a returned question may still be answered
QUESTION_SECONDS = (1 + LATE_SLOTS) * SLOT  # how long the seal of a returned question holds
REMEMBERED_SECONDS = (2 + LATE_SLOTS + 1) * SLOT  # a used code is remembered until no way is left to use it
BITS = 35  # of a code's digest: seven of its eight letters
MOST_USES = 16  # of the same call on an unchanged target within one slot
EXPIRED_SLOTS = 24  # how far back a code is still recognised as ours, to be told "expired"
SHORTEST_SECRET = 16  # characters
MAKE_ONE = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SHAPE = 9  # characters of a code as it is shown

# A code's first letter. What a code is bound to, effects in words among it, differs from version to version, so a
# code of another version cannot be judged: during a rolling update it is refused with that reason.
# Neighbors (0.4.1 and 0.4.2, 0.4.9 and 0.5.0) have different letters.
VERSION_LETTER = LETTERS[
    sum(n * w for n, w in zip(map(int, re.findall(r"\d+", __version__)), (13, 11, 1), strict=False)) % 32
]


@dataclass(frozen=True)
class Call:
    """What a code is good for: exactly this call, on a target in this state, with an effect that has these facts."""

    tool: str
    arguments: Mapping[str, Any]
    principal: str
    state: Any
    binding_facts: tuple[str, ...] = ()


class CodeStatus(Enum):
    """What a text that was given for a code is worth."""

    VALID = "valid"
    USED = "used"
    EXPIRED = "expired"
    OTHER_VERSION = "other version"
    UNKNOWN = "unknown"  # no code, or one of another call, target, caller or key


@dataclass(frozen=True)
class CodeMatch:
    """What a text is worth as the code of a call; where it holds, the code as shown and the slot it was made in."""

    status: CodeStatus
    code: str = ""
    slot: int = 0

    @property
    def holds(self) -> bool:
        """Whether the code may be used for the call, once."""
        return self.status is CodeStatus.VALID


def shared_secrets(settings: Settings) -> list[str]:
    """The keys in GREENLAKE_MCP_SECRET, newest first; [] where it is not set. Raises SettingsError for a weak one."""
    value = settings.secret.get_secret_value() if settings.secret else ""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if value and not parts:
        raise SettingsError("Settings: GREENLAKE_MCP_SECRET holds commas and no key.", hint=MAKE_ONE)
    if any(part.startswith("<") for part in parts):
        message = "Settings: GREENLAKE_MCP_SECRET still holds the placeholder of an example, which others know."
        raise SettingsError(message, hint=MAKE_ONE)
    if any(len(part) < SHORTEST_SECRET for part in parts):
        message = f"Settings: each key in GREENLAKE_MCP_SECRET needs at least {SHORTEST_SECRET} characters."
        raise SettingsError(message, hint=MAKE_ONE)
    return parts


def keys(settings: Settings, purpose: str = "confirmation codes", fallback: str = "") -> tuple[bytes, ...]:
    """The keys of a purpose (32 bytes each), newest first: from the shared secret, else from `fallback`, else random.

    `fallback` is the key that the user's state keeps; without one, a key is good for this process alone.
    """
    parts = shared_secrets(settings) or [fallback or secrets.token_urlsafe(32)]
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
    return _codes(key, call, slot, range(use, use + 1))[0]


def _codes(key: bytes, call: Call, slot: int, uses: range) -> list[str]:
    bound = canonical([3, __version__, call.tool, call.arguments, call.principal, call.state, call.binding_facts])
    base = hmac.new(key, bound.encode(), hashlib.sha256)
    texts = []
    for use in uses:
        mac = base.copy()
        mac.update(f" {slot} {use}".encode())
        letters = VERSION_LETTER + base64.b32encode(mac.digest()[:5]).decode()[: BITS // 5]
        texts.append(f"{letters[:4]}-{letters[4:]}")
    return texts


def normalize(text: str) -> str:
    """A code as people type it, in the spelling it was shown in: case, blanks and the hyphen do not matter."""
    letters = "".join(text.split()).replace("-", "").upper()
    return f"{letters[:4]}-{letters[4:]}"


def has_shape(text: str) -> bool:
    """Whether a text could be a code."""
    code = normalize(text)
    return len(code) == SHAPE and not set(code.replace("-", "")) - set(LETTERS)


async def next_code(ring: tuple[bytes, ...], call: Call, slot: int, store: ConsentStore) -> str | None:
    """The code to show for a call: the first of the slot that was not used; None after too many uses."""
    candidates = _codes(ring[0], call, slot, range(MOST_USES))
    used = await store.used(candidates)
    return next((one for one in candidates if one not in used), None)


async def match(
    ring: tuple[bytes, ...], call: Call, text: str, slots: tuple[int, ...], store: ConsentStore
) -> CodeMatch:
    """What `text` is worth as the code of a call, made in one of these slots with one of these keys."""
    wanted = normalize(text)
    for key in ring:
        for slot in slots:
            candidates = _codes(key, call, slot, range(MOST_USES))
            use = next((n for n, one in enumerate(candidates) if _same(one, wanted)), None)
            if use is None:
                continue
            used = await store.used(candidates[: use + 1])
            if wanted in used:
                return CodeMatch(CodeStatus.USED)
            if len(used) == use:  # a later one has not been shown to anybody
                return CodeMatch(CodeStatus.VALID, wanted, slot)
    for key in ring:
        for slot in range(min(slots) - EXPIRED_SLOTS, min(slots)):
            if _same(_codes(key, call, slot, range(1))[0], wanted):
                return CodeMatch(CodeStatus.EXPIRED)
    if has_shape(wanted) and wanted[0] != VERSION_LETTER:
        return CodeMatch(CodeStatus.OTHER_VERSION)
    return CodeMatch(CodeStatus.UNKNOWN)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def keyed_digest(key: bytes, kind: str, *parts: Any) -> str:
    """A keyed digest of other things than calls: of a question asked, of an argument's value."""
    return hmac.new(key, canonical([kind, *parts]).encode(), hashlib.sha256).hexdigest()
