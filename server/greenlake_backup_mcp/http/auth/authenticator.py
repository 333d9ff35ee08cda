"""Who calls: bearer tokens as JWTs of one issuer, or static ones from a file; each gives a principal and a role.

A token is looked at here and goes nowhere else: not into a log, not to the service, not into the results.
Knows the settings of both ways in. Must know nothing of tools or of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp.server.auth.provider import AccessToken

from greenlake_backup_mcp.errors import SettingsError
from greenlake_backup_mcp.settings import Settings
from greenlake_backup_mcp.tools.roles import ROLES

from . import jwks, jwts, static_tokens
from .jwts import Issuer
from .principals import TokenRejectedError
from .static_tokens import TokensFile

LONGEST_TOKEN = 16_384  # characters


@dataclass(frozen=True)
class Authenticator:
    """The ways in. Without any, whoever reaches the port is the person who started the server."""

    file: TokensFile | None = None
    issuer: Issuer | None = None
    scopes: tuple[str, ...] = field(default=ROLES)

    @property
    def required(self) -> bool:
        """Whether callers must show a token."""
        return self.file is not None or self.issuer is not None


def configure(settings: Settings) -> Authenticator:
    """The ways in that the settings open; raises BackupError where they are incomplete or cannot be read."""
    file = None
    if settings.tokens_file is not None:
        file = TokensFile(settings.tokens_file, static_tokens.read_file(settings.tokens_file))
    if settings.issuer is None:
        return Authenticator(file)
    names = [name.strip() for name in settings.role_scopes.split(",") if name.strip()]
    if len(names) != len(ROLES) or len(set(names)) != len(ROLES):
        raise SettingsError(
            "Settings: GREENLAKE_MCP_ROLE_SCOPES needs three different names.",
            hint="One each for read, operate and destroy, separated by commas.",
        )
    audience = settings.audience or settings.public_url
    if not audience or not settings.public_url:
        raise SettingsError(
            "Settings: an issuer needs GREENLAKE_MCP_PUBLIC_URL, so that tokens made for others are refused.",
            hint="The URL that clients use, for example https://backup.example.com/mcp.",
        )
    named = jwks.is_private(settings.jwks_url, "GREENLAKE_MCP_JWKS_URL") if settings.jwks_url else None
    keys = jwks.Keys(jwks.is_private(settings.issuer, "GREENLAKE_MCP_ISSUER"), named)
    audiences = tuple(part.strip() for part in audience.split(",") if part.strip())
    scopes = dict(zip(names, ROLES, strict=True))
    return Authenticator(file, Issuer(settings.issuer, audiences, keys, settings.role_claim, scopes), tuple(names))


async def authenticate(authenticator: Authenticator, token: str) -> AccessToken:
    """Whose token this is and which role it gives (as scope); TokenRejectedError says why it is not accepted."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise TokenRejectedError("This is no token of ours.")
    if (
        authenticator.file is not None
        and (entry := static_tokens.find_token(authenticator.file.current(), token)) is not None
    ):
        return entry.access
    if authenticator.issuer is None:
        raise TokenRejectedError("The token is not known.")
    return await jwts.verify(authenticator.issuer, token)
