"""The public keys of a token issuer: found, fetched, kept for a while, fetched anew when one is missing.

Knows HTTP and JWK sets. Must know nothing of what tokens say or allow.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio
import httpx2
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from greenlake_backup_mcp.errors import BackupError, SettingsError, Unreachable
from greenlake_backup_mcp.observability import call_log
from greenlake_backup_mcp.upstream import connection_errors
from greenlake_backup_mcp.upstream.transport import display_url

ALGORITHMS = {  # that keys may be used with, by type and curve; secrets shared with the issuer (HS*) and "none" are not
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
}
ALLOWED = frozenset(name for names in ALGORITHMS.values() for name in names)
FRESH = 3600.0  # seconds for which keys are used without asking again
STALE = 24 * 3600.0  # and if the issuer cannot be reached
PAUSE = 30.0  # seconds between two fetches, whatever key ids callers invent
MOST_BYTES = 1_048_576
SECONDS = 10.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Fetch = Callable[[str], Awaitable[Any]]
Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]]], object]


async def fetch_json(url: str) -> Any:
    """The JSON at a URL; raises Unreachable."""
    try:
        with anyio.fail_after(SECONDS):
            async with (
                httpx2.AsyncClient(timeout=SECONDS, follow_redirects=False) as client,
                client.stream("GET", url, headers={"Accept": "application/json"}) as response,
            ):
                content = b""
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise ValueError("too long")
                if response.status_code != 200:
                    raise ValueError(f"HTTP {response.status_code}")
        return json.loads(content)
    except (httpx2.HTTPError, OSError, TimeoutError, ValueError, RecursionError, ImportError) as error:
        failed = isinstance(error, (httpx2.TransportError, OSError, TimeoutError))
        why = connection_errors.explain(error, named=True).words if failed else f"gave no usable answer ({error})"
        raise Unreachable(f"{url} {why}.") from None


@dataclass
class Keys:
    """The keys of one issuer by key id."""

    issuer: str
    url: str | None = None  # None: as the issuer's metadata says
    fetch: Fetch = fetch_json
    clock: Callable[[], float] = time.monotonic
    spawn: Spawn | None = None  # runs what nobody waits for; the app's, while it serves
    _keys: tuple[Mapping[str, Any], ...] = ()
    _made: dict[tuple[str | None, str], PyJWK] = field(default_factory=dict)  # of those found, by id and algorithm
    _fetched_at: float = float("-inf")
    _tried: float = float("-inf")
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def key(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """The key a token names, fit for its algorithm; None: the issuer has no such key.

        A key that is held is used while it is renewed behind, so that no login waits for an issuer that hangs; it is
        used so for a day at most. Raises Unreachable while no usable keys can be had.
        """
        key = self._pick(kid, algorithm)
        age = self.clock() - self._fetched_at
        if key is not None and age <= FRESH:
            return key
        if key is not None and age <= STALE and self.spawn is not None:
            if self.clock() - self._tried >= PAUSE and not self._lock.locked():
                self.spawn(self._renew)
            return key
        await self._renew()
        key = self._pick(kid, algorithm)
        if key is None and self.clock() - self._fetched_at > STALE:
            raise Unreachable("The keys of the issuer cannot be had.")
        return key

    def _pick(self, kid: str | None, algorithm: str) -> PyJWK | None:
        if (made := self._made.get((kid, algorithm))) is not None:
            return made
        fitting = [key for key in self._keys if key_fits(key, algorithm) and (kid is None or key.get("kid") == kid)]
        if not fitting or (kid is None and len(fitting) > 1):
            return None
        try:
            made = self._made[kid, algorithm] = PyJWK(dict(fitting[0]), algorithm)
        except (PyJWTError, ValueError, TypeError):
            return None
        return made

    async def _renew(self) -> None:
        """Fetch the keys: once however many tokens wait for them, and not again at once."""
        async with self._lock:
            if self.clock() - self._tried < PAUSE:
                return
            self._tried = self.clock()
            try:
                answer = await self.fetch(await self._where())
                keys = answer.get("keys") if isinstance(answer, dict) else None
                if not isinstance(keys, list):
                    raise Unreachable("The key set holds no keys.")
            except BackupError as problem:
                call_log.LOGGER.warning("issuer keys", extra={"fields": {"problem": problem.message}})
                if self.clock() - self._fetched_at > STALE:
                    self._keys, self._made = (), {}
                return
            self._keys, self._made = tuple(key for key in keys if isinstance(key, dict)), {}
            self._fetched_at = self.clock()

    async def _where(self) -> str:
        """The URL of the key set: as configured, or from the issuer's metadata, which must be its own."""
        if self.url is not None:
            return self.url
        for place in key_urls(self.issuer):
            try:
                metadata = await self.fetch(place)
            except BackupError:
                continue
            if (
                isinstance(metadata, dict)
                and metadata.get("issuer") == self.issuer
                and isinstance(metadata.get("jwks_uri"), str)
            ):
                self.url = is_private(metadata["jwks_uri"])
                return self.url
        raise Unreachable(f"{self.issuer} does not say where its keys are.")


def key_fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a JWK is for signatures of this algorithm: its type, curve, use and own `alg` must all agree."""
    kind = key.get("kty") if key.get("kty") == "RSA" else key.get("crv")
    if algorithm not in ALGORITHMS.get(str(kind), ()) or "d" in key:
        return False
    return bool(key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm)


def key_urls(issuer: str) -> tuple[str, ...]:
    """Where an issuer's metadata may be: OpenID Connect Discovery, RFC 8414."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    inserted = f"/.well-known/oauth-authorization-server{path}"
    return (
        issuer.rstrip("/") + "/.well-known/openid-configuration",
        urlunsplit((parts.scheme, parts.netloc, inserted, "", "")),
    )


def is_private(url: str, setting: str = "The URL") -> str:
    """The URL, if whoever is in between cannot change what it gives; SettingsError if he can."""
    parts = urlsplit(url)
    if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise SettingsError(
        f"Settings: {setting} must be a URL that begins with https://, not {display_url(url)[:200]!r}.",
        hint="What it gives decides who is let in (http:// only for localhost).",
    )
