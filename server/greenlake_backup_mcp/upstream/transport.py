"""The HTTP client over which requests go: where to, with which token, over sockets or to a simulated tenant.

Created by the first request, since it costs 80 ms that tools/list need not pay. Knows nothing of operations.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx2

from greenlake_backup_mcp import __version__
from greenlake_backup_mcp.errors import BackupError, SettingsError, Unreachable
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import masking

from . import body_limits, connection_errors, tokens
from .clock_skew import ClockSkew
from .connection_errors import PROXIES
from .messages import Answer
from .rate_limiter import RateLimiter
from .readings import Readings
from .retry import BROKEN, TRANSIENT, TransientError, retry
from .retry_after import retry_after_seconds

SIMULATED = "https://simulated.greenlake.invalid"
SHORTEST = 6  # characters of a secret that can be told from words
TOKEN_BYTES = 1024 * 1024  # most of a token endpoint's answer


@dataclass(frozen=True)
class Connection:
    """An open way to the service: the client, its tokens, and the base URL (no slash at its end)."""

    client: httpx2.AsyncClient
    tokens: tokens.Tokens
    base: str


class Transport:
    """Opens the connection when it is first needed, and limits the rate of all requests on it."""

    def __init__(
        self, settings: Settings, app: Any = None, sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    ) -> None:
        self.settings = settings
        self.simulated = app is not None or settings.demo
        self.readings = Readings(settings)
        self.limiter = RateLimiter(None if self.simulated else settings.rate, settings.concurrency, sleep=sleep)
        self.clock = ClockSkew()
        self._sleep = sleep
        self._masked: tuple[str, ...] = ()
        self._masker = masking.Masker(())
        self._app = app
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        """The connection; a SettingsError says what is missing for it."""
        if self._connection is None:
            base = base_url(self.settings, simulated=self.simulated)
            source = tokens.credentials(self.settings, simulated=self.simulated)
            for url in (base, source.token_url if isinstance(source, tokens.Client) else base):
                _check_https(url)
            self._connection = Connection(self._client(), tokens.Tokens(source, self._post, self.readings), base)
        return self._connection

    def secrets(self) -> tuple[str, ...]:
        """What no answer may repeat: the client's secret, and the tokens that were sent."""
        configured = [
            value.get_secret_value().strip() for value in (self.settings.token, self.settings.client_secret) if value
        ]
        secrets = (*configured, *(self._connection.tokens.recent if self._connection else ()))
        return tuple(secret for secret in secrets if len(secret) >= SHORTEST)

    def mask(self, text: str) -> str:
        """The text without what no answer may repeat, however it was spelled on its way here."""
        if (secrets := self.secrets()) != self._masked:
            self._masked, self._masker = secrets, masking.Masker(secrets)
        return self._masker(text)

    async def close(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.client.aclose()
            self._connection = None

    def _client(self) -> httpx2.AsyncClient:
        if self.simulated and self._app is None:
            from greenlake_backup_mcp.simulator.server.app import create_app  # noqa: PLC0415  only the demo needs it

            self._app = create_app(seed=self.settings.seed)
        timeout = self.settings.timeout
        try:
            return httpx2.AsyncClient(
                transport=_InProcess(app=self._app) if self.simulated else None,
                # As many as may be under way: of the 20 that are kept by default, the others are opened anew each time.
                limits=httpx2.Limits(max_connections=100, max_keepalive_connections=100),
                timeout=httpx2.Timeout(timeout, connect=min(10.0, 0.8 * timeout)),
                follow_redirects=False,
                headers={
                    "Accept": "application/json",
                    "User-Agent": f"greenlake-backup-mcp/{__version__}",
                    "HPE-AI-Origin": "mcp",
                },
            )
        except (ImportError, ValueError, httpx2.InvalidURL, OSError) as error:
            raise _unusable_client(error) from None

    async def exchange(self, method: str, url: str, most: int, options: Mapping[str, Any]) -> Answer:
        """Send once and read the answer, of at most `most` bytes and within the time that one request may take.

        `options` are those of httpx2 for the request. What kept the answer from arriving whole is in it, never raised.
        """
        answer, client = Answer(), self.connection().client
        try:
            with anyio.fail_after(self.settings.timeout):
                async with client.stream(method, url, **options) as response:
                    answer.status = response.status_code
                    answer.headers = dict(response.headers.items())  # of httpx2's own, each look-up reads all
                    answer.content = await body_limits.read_body(response, most)
        except (*BROKEN, BackupError) as error:
            answer.broken = error
        return answer

    async def _post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> tuple[int, Any]:
        """An answer of the token endpoint. Asking for a token changes nothing, so it is repeated like a read."""
        host, auth = httpx2.URL(url).host, httpx2.BasicAuth(*basic) if basic else None

        def failed(how: str, status: int | None = None, cure: str = connection_errors.AGAIN) -> BackupError:
            hint = f"Nothing was sent to the service. {cure}"
            message = f"No access token: the token endpoint {host} {how}."
            return Unreachable(message, hint=hint, status=status)

        async def once() -> tuple[int, Any]:
            answer = await self.exchange("POST", url, TOKEN_BYTES, {"data": dict(form), "auth": auth})
            if isinstance(answer.broken, BackupError):
                raise failed("answered with more than a token can be")
            if answer.broken is not None:
                failure = connection_errors.explain(answer.broken, named=True)
                problem = failed(failure.words, cure=failure.hint)
                raise problem if failure.lasting else TransientError(problem)
            status, kind = answer.status, answer.headers.get("content-type", "")
            if status != 200 and body_limits.is_page(answer.content, kind):
                words = f"cannot be reached: {connection_errors.page_of_a_proxy(status)}"
                problem = failed(words, status, connection_errors.PROXY_HINT)
                raise TransientError(problem) if status in TRANSIENT else problem
            if status in TRANSIENT or status >= 500:
                wait = retry_after_seconds(answer.headers, status, datetime.now(UTC))
                raise TransientError(failed(f"answered HTTP {status}", status), wait)
            try:
                body = body_limits.parse_body(answer.content, kind)
            except body_limits.UnusableBodyError as unusable:
                if status == 200 and unusable.passing:
                    raise TransientError(failed(f"answered with {unusable.reason}", status)) from None
                return status, None
            except BackupError:
                raise failed("answered with what is no token") from None
            if status == 200 and body is None:
                raise TransientError(failed("answered with nothing", status))
            return status, body

        attempts, seconds = 1 + self.settings.retries, 2 * self.settings.timeout
        return await retry(once, attempts=attempts, seconds=seconds, sleep=self._sleep)


class _InProcess(httpx2.ASGITransport):
    """An application in this process, its own mistakes as HTTP 500, as a server would answer them."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await super().handle_async_request(request)
        except (httpx2.TransportError, OSError):
            raise  # a connection that the simulated tenant breaks on purpose
        except Exception:
            return httpx2.Response(500)


def base_url(settings: Settings, *, simulated: bool = False) -> str:
    """Where the service is, without a slash at the end; it may have a path (the vendor's mock server).

    The URL of the settings, else that of their region, else of the simulated tenant; SettingsError where there is none.
    """
    if settings.api_base_url:
        return settings.api_base_url.rstrip("/")
    if settings.region:
        return f"https://{settings.region}.api.greenlake.hpe.com"
    if simulated:
        return SIMULATED
    credentials = () if settings.token or settings.client_id else ("GREENLAKE_CLIENT_ID", "GREENLAKE_CLIENT_SECRET")
    raise tokens.missing_settings("GREENLAKE_REGION", *credentials)


def _unusable_client(error: Exception) -> BackupError:
    """What keeps the HTTP client from being made: a proxy or certificates that the environment names."""
    if isinstance(error, OSError):
        named = os.environ.get("SSL_CERT_FILE")
        why = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror or "it cannot be read"
        return SettingsError(
            f"Settings: SSL_CERT_FILE names {named}: {why}." if named else f"No certificates can be loaded: {why}.",
            hint="SSL_CERT_FILE must name a file of certificates (PEM) of the authorities to trust, or be unset.",
        )
    odd = [
        n for n in PROXIES if (value := os.environ.get(n)) and re.match(r"(?!https?://)[a-z0-9+.-]+://", value, re.I)
    ]
    return SettingsError(
        f"Settings: {' and '.join(odd) or 'the environment'} names a proxy that cannot be used.",
        hint="It must be the http:// URL of an HTTP proxy, like http://proxy.example.com:8080 (SOCKS is not served); "
        "unset it where no proxy is needed.",
    )


def display_url(url: str) -> str:
    """The URL without the name and password that may stand in it."""
    return re.sub(r"//[^/?#]*@", "//", url)


def _check_https(url: str) -> None:
    """Refuse to send secrets in the clear, except to this machine."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL("")
    if parsed.userinfo:
        raise SettingsError(
            f"The URL {display_url(url)[:200]!r} holds a name and password, "
            "which would be sent in the place of the token.",
            hint="Take them out of it.",
        )
    if parsed.scheme == "https" and parsed.host and not re.search(r"[\s%<>\"]", parsed.host):
        return
    if parsed.scheme == "http" and parsed.host in ("localhost", "127.0.0.1", "::1"):
        return
    raise SettingsError(
        f"The URL {display_url(url)[:200]!r} is not one that secrets may be sent to.",
        hint="It must begin with https:// (http:// only for localhost).",
    )
