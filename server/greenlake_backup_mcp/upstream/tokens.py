"""Access tokens: OAuth2 client credentials, or a ready token; one fetch at a time, early, and anew when refused.

Knows the token endpoints and nothing of what the requests are for. A token is never logged nor told.
No httpx2.Auth: client.py must know whether a request had left when a token failed, and reads even a 401 within bounds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2

from greenlake_backup_mcp.errors import BackupError, SettingsError, Unreachable
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.text import units

from .readings import Readings

WORKSPACE_TOKENS = "https://global.api.greenlake.hpe.com/authorization/v2/oauth2/{workspace}/token"
SSO_TOKENS = "https://sso.common.cloud.hpe.com/as/token.oauth2"
ASSUMED_LIFETIME = 900.0  # seconds, where the answer has no expires_in: the shorter of the vendor's two lifetimes
EARLY = 60.0  # seconds before its end that a token is renewed; a fifth of its life where that is less
MOST_SENT = 3  # earlier tokens that are remembered
PAUSE = 10.0  # seconds until the next try to renew a token that still holds
DEMO_ID, DEMO_SECRET, DEMO_WORKSPACE = "demo", "demo-secret", "0123456789abcdef0123456789abcdef"

_SENDABLE = re.compile(r"[!-~]+")
_CODES = (  # of RFC 6749: what an endpoint writes beyond them may be anything, even what was sent
    *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client"),
    *("unsupported_grant_type", "access_denied", "server_error", "temporarily_unavailable"),
)

Post = Callable[[str, Mapping[str, str], "tuple[str, str] | None"], Awaitable[tuple[int, Any]]]
"""Posts a form to a token endpoint, with HTTP Basic where a pair is given: status and parsed JSON (or None)."""


@dataclass(frozen=True)
class Client:
    """Who asks for tokens, and where."""

    id: str
    secret: str
    token_url: str


@dataclass(frozen=True)
class _HeldToken:
    """A token and the moments (monotonic seconds) at which it should be renewed and at which it ends."""

    token: str
    renew_at: float
    ends_at: float


def credentials(settings: Settings, *, simulated: bool = False) -> Client | str:
    """Whence tokens come: the ready token or the API client of the settings, else that of the simulated tenant.

    SettingsError where there is none, or what there is cannot be used.
    """
    if settings.token is not None:
        token = settings.token.get_secret_value().strip()
        if _SENDABLE.fullmatch(token):
            return token
        raise SettingsError(
            "Settings: GREENLAKE_TOKEN holds characters that no access token has: spaces, line breaks or other than "
            "ASCII, as quotation marks of a document are.",
            hint="Copy the token again, without what stands around it.",
        )
    if settings.client_id and settings.client_secret:
        secret, workspace = settings.client_secret.get_secret_value(), settings.workspace_id
        default = WORKSPACE_TOKENS.format(workspace=_workspace(workspace)) if workspace else SSO_TOKENS
        return Client(settings.client_id, secret, settings.token_url or default)
    if simulated:
        return Client(DEMO_ID, DEMO_SECRET, WORKSPACE_TOKENS.format(workspace=DEMO_WORKSPACE))
    raise missing_settings("GREENLAKE_CLIENT_ID", "GREENLAKE_CLIENT_SECRET")


def missing_settings(*variables: str) -> BackupError:
    """The error that says which variables are not set, how to get them, and how to do without."""
    return SettingsError(
        f"The tenant is not configured: {', '.join(variables)} not set.",
        hint="Create a personal API client in HPE GreenLake (Manage Workspace, Personal API clients) and set "
        "GREENLAKE_CLIENT_ID, GREENLAKE_CLIENT_SECRET, GREENLAKE_WORKSPACE_ID and GREENLAKE_REGION (us-west, eu-west, "
        "eu-central or ap-northeast); in Claude Desktop: in the settings of the extension. To try the server without a "
        "tenant, start it with --demo (GREENLAKE_MCP_DEMO=true; in Claude Desktop: switch on Demo): it then works on a "
        "simulated one.",
    )


def _workspace(text: str) -> str:
    """The workspace id as the token endpoint wants it: hexadecimal without hyphens."""
    compact = text.replace("-", "").strip().lower()
    if not compact.isalnum():
        raise SettingsError(
            "Settings: GREENLAKE_WORKSPACE_ID is not a workspace id.",
            hint="It is shown on Manage Workspace: 32 hexadecimal digits.",
        )
    return compact


class Tokens:
    """The token for each request, of an API client or ready (`source`); one fetch serves all who wait."""

    def __init__(
        self, source: Client | str, post: Post, readings: Readings, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._post = post
        self._readings = readings
        self._now = now
        self._held: _HeldToken | None = None
        self._lock = anyio.Lock()
        self._failure: BackupError | None = None  # of the last fetch
        self.recent: tuple[str, ...] = ()  # the last tokens, newest first: answers may quote them

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced: not so a ready one."""
        return isinstance(self._source, Client)

    def discard(self, header: str) -> None:
        """The service did not take the token of this Authorization header: the next request gets another one."""
        if self._held is not None and header == f"Bearer {self._held.token}":
            self._held = None

    async def token(self) -> str:
        """A token that holds; fetched where there is none or it is about to end. BackupError says why there is none."""
        if isinstance(self._source, str):
            return self._source
        held = self._held
        fetching = self._lock.locked()
        if held is not None and self._now() < (held.ends_at if fetching else held.renew_at):
            return held.token
        before = self._failure
        async with self._lock:  # single flight: whoever waited here finds what the one before fetched, or why not
            held = self._held
            if held is not None and self._now() < held.renew_at:
                return held.token
            if self._failure is not None and self._failure is not before:
                raise copy(self._failure)  # or each who waited would wait for an endpoint that hangs once more
            try:
                self._held, self._failure = await self._fetch(self._source), None
            except BackupError as problem:
                if held is None or self._now() >= held.ends_at:
                    self._failure = problem
                    raise
                # renewing early failed, but the token in hand still holds: work on, and try again soon
                self._held = _HeldToken(held.token, self._now() + PAUSE, held.ends_at)
            return self._held.token

    async def _fetch(self, client: Client) -> _HeldToken:
        basic = self._readings.value("client_secret") == "basic"
        status, body = await self._ask(client, basic=basic)
        refused = status in (400, 401) and _error(body) in ("invalid_client", "unauthorized_client", "")
        if refused and self._readings.others("client_secret"):
            other, answer = await self._ask(client, basic=not basic)
            if other == 200:
                basic, status, body = not basic, other, answer
        if status != 200:
            raise _refusal(client, status, body)
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
            odd = isinstance(token, str) and token
            what = "with an access_token that no request can carry" if odd else "without an access_token"
            raise Unreachable(
                f"The token endpoint {_host(client)} answered {what}.",
                hint="Nothing was sent to the service. Is GREENLAKE_TOKEN_URL (if set) the endpoint of HPE GreenLake?",
                status=status,
            )
        self._readings.learn("client_secret", "basic" if basic else "body", "the token endpoint")
        self._readings.learn("token_expires_in", "yes" if body.get("expires_in") else "no", "the token endpoint")
        self.recent = (token, *self.recent[:MOST_SENT])
        lifetime, start = _lifetime(body.get("expires_in")), self._now()
        return _HeldToken(token, start + lifetime - min(EARLY, lifetime / 5), start + lifetime)

    async def _ask(self, client: Client, *, basic: bool) -> tuple[int, Any]:
        secret = {} if basic else {"client_id": client.id, "client_secret": client.secret}
        form = {"grant_type": "client_credentials", **secret}
        return await self._post(client.token_url, form, (client.id, client.secret) if basic else None)


def _lifetime(expires_in: Any) -> float:
    """Seconds a token holds; vendors write numbers and strings."""
    seconds = units.number(expires_in)
    return min(float(seconds), 86_400.0) if seconds is not None and seconds > 0 else ASSUMED_LIFETIME


def _error(body: Any) -> str:
    return str(body.get("error") or "") if isinstance(body, dict) else ""


def _host(client: Client) -> str:
    return httpx2.URL(client.token_url).host


def _refusal(client: Client, status: int, body: Any) -> BackupError:
    """The sentence for an answer of the token endpoint that is not 200."""
    # its own text may quote what was sent: only the error code is passed on
    code = _error(body)
    detail = f" ({code})" if code in _CODES else ""
    if status in (400, 401, 403, 404):
        quotes = any(len(v) > 1 and v[0] == v[-1] and v[0] in "\"'" for v in (client.id, client.secret))
        cure = "The id or the secret stands in quotation marks, as `--env-file` of Docker keeps them. " * quotes
        return SettingsError(
            f"The token endpoint {_host(client)} refused the API client: HTTP {status}{detail}.",
            hint=f"{cure}Check GREENLAKE_CLIENT_ID, GREENLAKE_CLIENT_SECRET and GREENLAKE_WORKSPACE_ID: the client may "
            "have been deleted with its user, or its secret reset. Nothing was sent to the service.",
            status=status,
        )
    return Unreachable(
        f"No access token: the token endpoint {_host(client)} answered HTTP {status}{detail}.",
        hint="Nothing was sent to the service. Try again in a minute.",
        status=status,
    )
