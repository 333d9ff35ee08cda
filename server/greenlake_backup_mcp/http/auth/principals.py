"""What a token gives: a principal and a role, in the SDK's form; or why it is refused.

The token itself stays behind. Knows neither files nor issuers.
"""

from __future__ import annotations

from mcp.server.auth.provider import AccessToken

from greenlake_backup_mcp.tools.roles import Role


class TokenRejectedError(Exception):
    """A token that is not accepted: why, and the HTTP status (401 who are you, 403 not for this, 503 not now)."""

    def __init__(self, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def access_token(client: str, role: Role, issuer: str, subject: str, expires: int | None) -> AccessToken:
    """Who calls, and as what; no trace of the token.

    The SDK binds sessions, codes and sealed questions to client, issuer and subject. The token itself stays behind.
    """
    return AccessToken(
        token="-",  # noqa: S106
        client_id=client,
        scopes=[role],
        expires_at=expires,
        subject=subject,
        claims={"iss": issuer},
    )
