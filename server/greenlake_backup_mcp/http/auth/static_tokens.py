"""Static bearer tokens: a file of names, roles and hashes, read again when it changes.

A token is compared here and goes nowhere else. Knows the file. Must know nothing of JWTs or HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp.server.auth.provider import AccessToken

from greenlake_backup_mcp.errors import BackupError, SettingsError
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.tools.roles import ROLES, Role

from . import principals

SHORTEST_TOKEN = 24  # characters of a static token
COMPLAINT_SECONDS = 60.0  # between two log lines about a file that cannot be read
LARGEST_FILE = 1_048_576  # bytes
ISSUER = "tokens file"  # the issuer of static tokens; no URL, so no JWT can have it


@dataclass(frozen=True)
class StaticToken:
    """A token of the file, as its SHA-256."""

    name: str
    role: Role
    digest: bytes

    @cached_property
    def access(self) -> AccessToken:
        """What it gives; made once."""
        return principals.access_token(self.name, self.role, ISSUER, self.name, None)


@dataclass
class TokensFile:
    """The static tokens; read again when the file changes, and kept as they were while it cannot be read."""

    path: Path
    tokens: tuple[StaticToken, ...] = ()
    clock: Callable[[], float] = time.monotonic
    _seen: tuple[int, int, int] | None = None  # the file as it was last read with success
    _looked: float = float("-inf")
    _complained: float = float("-inf")

    def current(self) -> tuple[StaticToken, ...]:
        """The tokens as the file had them a second ago at most.

        While it cannot be read it is tried again each second, and the tokens of before hold: that is logged.
        """
        now = self.clock()
        if now - self._looked < 1.0:
            return self.tokens
        self._looked = now
        try:
            about = self.path.stat()
            state = (about.st_ino, about.st_mtime_ns, about.st_size)
            if state != self._seen:
                self.tokens = read_file(self.path)
                self._seen = state
        except (OSError, BackupError) as error:
            if now - self._complained >= COMPLAINT_SECONDS:
                self._complained = now
                fields = {"problem": str(error), "kept": len(self.tokens)}
                call_log.LOGGER.error("tokens file: revoked logins may still hold", extra={"fields": fields})
        else:
            self._complained = float("-inf")
        return self.tokens


def find_token(tokens: tuple[StaticToken, ...], token: str) -> StaticToken | None:
    """The entry of a token. All are compared, in constant time, so that the time taken tells nothing."""
    digest = hashlib.sha256(token.encode()).digest()
    match = None
    for entry in tokens:
        if hmac.compare_digest(entry.digest, digest):
            match = entry
    return match


def read_file(path: Path) -> tuple[StaticToken, ...]:
    """The tokens of a file: {"tokens": [{"name": …, "role": …, "sha256": … or "token": …}, …]}."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _unusable(path, f"has more than {LARGEST_FILE:,} bytes")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        listed = content["tokens"]
        entries = tuple(_entry(number, item) for number, item in enumerate(listed, 1))
    except OSError as error:
        hint = "Give the path of a file that this server may read."
        raise _unusable(path, f"cannot be read: {error.strerror or error}", hint) from None
    except (ValueError, TypeError, KeyError) as error:
        form = 'needs the form {"tokens": [{"name": …, "role": …, "sha256": …}]}'
        raise _unusable(path, f"is wrong: {error}" if isinstance(error, _EntryError) else form) from None
    if not entries:
        raise _unusable(path, "holds no token")
    for what in ("name", "digest"):
        if len({getattr(entry, what) for entry in entries}) != len(entries):
            twice = "token" if what == "digest" else what
            raise _unusable(path, f"gives a {twice} twice", f"Give each entry a {twice} of its own.")
    _warn_if_readable(path, plain=any("token" in item for item in listed))
    return entries


class _EntryError(ValueError):
    """What is wrong with an entry, without its token."""


def _entry(number: int, item: Any) -> StaticToken:
    if not isinstance(item, dict) or {*item} - {"name", "role", "sha256", "token"}:
        raise _EntryError(f'entry {number} may hold "name", "role" and "sha256" or "token"')
    name, role, plain, digest = (item.get(key) for key in ("name", "role", "token", "sha256"))
    if not isinstance(name, str) or not re.fullmatch(r"[\w.@:+ -]{1,80}", name):
        raise _EntryError(f'entry {number} needs a "name" of letters, digits, blanks and . @ : + - _')
    if role not in ROLES:
        raise _EntryError(f'the "role" of {name} is none of {", ".join(ROLES)}')
    if (plain is None) == (digest is None):
        raise _EntryError(f'{name} needs either "sha256" or "token"')
    if plain is not None:
        if not isinstance(plain, str) or len(plain) < SHORTEST_TOKEN or not plain.isascii() or " " in plain:
            raise _EntryError(f"the token of {name} needs at least {SHORTEST_TOKEN} ASCII characters without blanks")
        return StaticToken(name, role, hashlib.sha256(plain.encode()).digest())
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise _EntryError(f'the "sha256" of {name} is not 64 hexadecimal digits')
    return StaticToken(name, role, bytes.fromhex(digest))


def _warn_if_readable(path: Path, *, plain: bool) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if plain and mode & (stat.S_IRWXG | stat.S_IRWXO):
        fields = {
            "file": str(path),
            "mode": oct(stat.S_IMODE(mode)),
            "cure": "chmod 600, or keep sha256 instead of token",
        }
        call_log.LOGGER.warning("others can read plain tokens", extra={"fields": fields})


MAKE_ONE = "Make a token with `openssl rand -hex 32`, its sha256 with `printf %s TOKEN | sha256sum`."


def _unusable(path: Path, why: str, hint: str = MAKE_ONE) -> BackupError:
    return SettingsError(f"Settings: the tokens file {path} {why}.", hint=hint)
