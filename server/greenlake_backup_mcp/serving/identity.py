"""Who calls: bearer tokens as JWTs of one issuer, or static ones from a file; each gives a principal and a role.

A token is looked at here and goes nowhere else: not into a log, not to the service, not into the results.
Knows tokens. Must know nothing of tools or of HTTP beyond the status that a refusal deserves.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jwt
from mcp.server.auth.provider import AccessToken

from greenlake_backup_mcp import log
from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.roles import ROLES, Role
from greenlake_backup_mcp.settings import Settings

from . import jwks

LEEWAY = 30  # seconds by which clocks may differ
SHORTEST_TOKEN = 24  # characters of a static token
LONGEST_TOKEN = 16_384  # characters
MOST_TEXT = 200  # characters of a name or subject
STATIC = "tokens file"  # the issuer of static tokens; no URL, so no JWT can have it
TYPES = (
    None,
    "jwt",
    "at+jwt",
    "application/at+jwt",
)  # `typ` of an access token (RFC 9068), or as many issuers leave it


class RefusedError(Exception):
    """A token that is not accepted: why, and the HTTP status (401 who are you, 403 not for this, 503 not now)."""

    def __init__(self, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True)
class Static:
    """A token of the file, as its SHA-256."""

    name: str
    role: Role
    digest: bytes

    @cached_property
    def access(self) -> AccessToken:
        """What it gives; made once."""
        return _access(self.name, self.role, STATIC, self.name, None)


@dataclass
class TokensFile:
    """The static tokens; read again when the file changes, and kept as they were while it cannot be read."""

    path: Path
    tokens: tuple[Static, ...] = ()
    clock: Callable[[], float] = time.monotonic
    _seen: tuple[int, int, int] | None = None
    _looked: float = float("-inf")

    def current(self) -> tuple[Static, ...]:
        """The tokens as the file had them a second ago at most."""
        if self.clock() - self._looked < 1.0:
            return self.tokens
        self._looked = self.clock()
        try:
            about = self.path.stat()
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen != self._seen:
                self._seen = seen
                self.tokens = read(self.path)
        except (OSError, BackupError) as error:
            if self._seen is not None:
                log.LOGGER.error("tokens file", extra={"fields": {"problem": str(error), "kept": len(self.tokens)}})
        return self.tokens


@dataclass(frozen=True)
class Issuer:
    """The issuer whose JWTs are accepted, and what they must say."""

    url: str
    audiences: tuple[str, ...]
    keys: jwks.Keys
    role_claim: str
    scopes: Mapping[str, Role]  # what stands in the claim


@dataclass(frozen=True)
class Identity:
    """The ways in. Without any, whoever reaches the port is the person who started the server."""

    file: TokensFile | None = None
    issuer: Issuer | None = None
    scopes: tuple[str, ...] = field(default=ROLES)

    @property
    def required(self) -> bool:
        """Whether callers must show a token."""
        return self.file is not None or self.issuer is not None


def configured(settings: Settings) -> Identity:
    """The ways in that the settings open; raises BackupError where they are incomplete or cannot be read."""
    file = None
    if settings.tokens_file is not None:
        file = TokensFile(settings.tokens_file, read(settings.tokens_file))
    if settings.issuer is None:
        return Identity(file)
    names = [name.strip() for name in settings.role_scopes.split(",") if name.strip()]
    if len(names) != len(ROLES) or len(set(names)) != len(ROLES):
        raise BackupError(
            "Settings: GREENLAKE_MCP_ROLE_SCOPES needs three different names.",
            hint="One each for read, operate and destroy, separated by commas.",
            kind="settings",
        )
    audience = settings.audience or settings.public_url
    if not audience or not settings.public_url:
        raise BackupError(
            "Settings: an issuer needs GREENLAKE_MCP_PUBLIC_URL, so that tokens made for others are refused.",
            hint="The URL that clients use, for example https://backup.example.com/mcp.",
            kind="settings",
        )
    keys = jwks.Keys(jwks.private(settings.issuer), jwks.private(settings.jwks_url) if settings.jwks_url else None)
    audiences = tuple(part.strip() for part in audience.split(",") if part.strip())
    scopes = dict(zip(names, ROLES, strict=True))
    return Identity(file, Issuer(settings.issuer, audiences, keys, settings.role_claim, scopes), tuple(names))


async def verified(identity: Identity, token: str) -> AccessToken:
    """Whose token this is and which role it gives (as scope); RefusedError says why it is not accepted."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise RefusedError("This is no token of ours.")
    if identity.file is not None and (found := _static(identity.file.current(), token)) is not None:
        return found.access
    if identity.issuer is None:
        raise RefusedError("The token is not known.")
    return await _jwt(identity.issuer, token)


def role(access: AccessToken) -> Role:
    """The role of a verified token."""
    return next(r for r in ROLES if r in access.scopes)


def _access(client: str, given: Role, issuer: str, subject: str, expires: int | None) -> AccessToken:
    # The SDK binds sessions, codes and sealed questions to client, issuer and subject. The token itself stays behind.
    return AccessToken(
        token="-",  # noqa: S106
        client_id=client,
        scopes=[given],
        expires_at=expires,
        subject=subject,
        claims={"iss": issuer},
    )


# --- static tokens ----------------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[Static, ...]:
    """The tokens of a file: {"tokens": [{"name": …, "role": …, "sha256": … or "token": …}, …]}."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        listed = content["tokens"]
        found = tuple(_entry(number, item) for number, item in enumerate(listed, 1))
    except OSError as error:
        raise _unusable(path, error.strerror or "cannot be read") from None
    except (ValueError, TypeError, KeyError) as error:
        problem = error if isinstance(error, _EntryError) else 'needs the form {"tokens": [{"name", "role", "sha256"}]}'
        raise _unusable(path, str(problem)) from None
    if not found:
        raise _unusable(path, "holds no token")
    for what in ("name", "digest"):
        if len({getattr(entry, what) for entry in found}) != len(found):
            raise _unusable(path, f"gives a {'token' if what == 'digest' else what} twice")
    _warn_if_readable(path, plain=any("token" in item for item in listed))
    return found


class _EntryError(ValueError):
    """What is wrong with an entry, without its token."""


def _entry(number: int, item: Any) -> Static:
    if not isinstance(item, dict) or {*item} - {"name", "role", "sha256", "token"}:
        raise _EntryError(f'entry {number} may hold "name", "role" and "sha256" or "token"')
    name, given, plain, digest = (item.get(key) for key in ("name", "role", "token", "sha256"))
    if not isinstance(name, str) or not re.fullmatch(r"[\w.@:+ -]{1,80}", name):
        raise _EntryError(f'entry {number} needs a "name" of letters, digits, blanks and . @ : + - _')
    if given not in ROLES:
        raise _EntryError(f'the "role" of {name} is none of {", ".join(ROLES)}')
    if (plain is None) == (digest is None):
        raise _EntryError(f'{name} needs either "sha256" or "token"')
    if plain is not None:
        if not isinstance(plain, str) or len(plain) < SHORTEST_TOKEN or not plain.isascii() or " " in plain:
            raise _EntryError(f"the token of {name} needs at least {SHORTEST_TOKEN} ASCII characters without blanks")
        return Static(name, given, hashlib.sha256(plain.encode()).digest())
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise _EntryError(f'the "sha256" of {name} is not 64 hexadecimal digits')
    return Static(name, given, bytes.fromhex(digest))


def _static(tokens: tuple[Static, ...], given: str) -> Static | None:
    """The entry of a token. All are compared, in constant time, so that the time taken tells nothing."""
    digest = hashlib.sha256(given.encode()).digest()
    found = None
    for entry in tokens:
        if hmac.compare_digest(entry.digest, digest):
            found = entry
    return found


def _warn_if_readable(path: Path, *, plain: bool) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if plain and mode & (stat.S_IRWXG | stat.S_IRWXO):
        told = {
            "file": str(path),
            "mode": oct(stat.S_IMODE(mode)),
            "cure": "chmod 600, or keep sha256 instead of token",
        }
        log.LOGGER.warning("others can read plain tokens", extra={"fields": told})


def _unusable(path: Path, why: str) -> BackupError:
    hint = "Make a token with `openssl rand -hex 32`, its sha256 with `printf %s TOKEN | sha256sum`."
    return BackupError(f"Settings: the tokens file {path} {why}.", hint=hint, kind="settings")


# --- JWTs -------------------------------------------------------------------------------------------------------------


async def _jwt(issuer: Issuer, token: str) -> AccessToken:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise RefusedError("The token is not known.") from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in jwks.ALLOWED:
        raise RefusedError("The token's algorithm is not allowed.")
    if (kind.lower() if isinstance(kind, str) else kind) not in TYPES or "crit" in header:
        raise RefusedError("This is not an access token.")
    try:
        key = await issuer.keys.key(kid if isinstance(kid, str) else None, algorithm)
    except BackupError:
        raise RefusedError("Tokens cannot be checked: the issuer's keys cannot be had.", 503) from None
    if key is None:
        raise RefusedError("The token is signed with a key that its issuer does not have.")
    return _claimed(issuer, _claims(issuer, token, key, algorithm))


def _claims(issuer: Issuer, token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=list(issuer.audiences),
            issuer=issuer.url,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise RefusedError("The token has expired.") from None
    except jwt.InvalidAudienceError:
        raise RefusedError("The token is for another audience.") from None
    except jwt.InvalidIssuerError:
        raise RefusedError("The token is of another issuer.") from None
    except jwt.ImmatureSignatureError:
        raise RefusedError("The token does not hold yet.") from None
    except jwt.MissingRequiredClaimError as error:
        raise RefusedError(f"The token has no {error.claim}.") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise RefusedError("The token's signature or form is wrong.") from None
    return claims


def _claimed(issuer: Issuer, claims: Mapping[str, Any]) -> AccessToken:
    """Principal and role of what a verified token claims."""
    subject, expires = claims["sub"], claims["exp"]
    client = next((c for n in ("client_id", "azp", "appid") if isinstance(c := claims.get(n), str) and c), subject)
    if not isinstance(subject, str) or not subject or max(len(subject), len(client)) > MOST_TEXT:
        raise RefusedError("The token names no usable subject.")
    said = claims.get(issuer.role_claim, claims.get("scp") if issuer.role_claim == "scope" else None)
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    given = [issuer.scopes[word] for word in words if isinstance(word, str) and word in issuer.scopes]
    if not given:
        raise RefusedError(f"The token gives none of the scopes {', '.join(issuer.scopes)}.", 403)
    return _access(client, max(given, key=ROLES.index), issuer.url, subject, int(expires))
