"""Bearer tokens that are JWTs of one issuer: what they must be, be signed with, and say.

Knows JWTs and the claims they hold. Must know nothing of files, HTTP or tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from mcp.server.auth.provider import AccessToken

from greenlake_backup_mcp.errors import BackupError
from greenlake_backup_mcp.tools.roles import ROLES, Role

from . import jwks, principals
from .principals import TokenRejectedError

LEEWAY = 30  # seconds by which clocks may differ
MOST_TEXT = 200  # characters of a subject or client
TYPES = (
    None,
    "jwt",
    "at+jwt",
    "application/at+jwt",
)  # `typ` of an access token (RFC 9068), or as many issuers leave it


@dataclass(frozen=True)
class Issuer:
    """The issuer whose JWTs are accepted, and what they must say."""

    url: str
    audiences: tuple[str, ...]
    keys: jwks.Keys
    role_claim: str
    scopes: Mapping[str, Role]  # what stands in the claim


async def verify(issuer: Issuer, token: str) -> AccessToken:
    """Whose token this is and which role it gives; TokenRejectedError says why it is not accepted."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenRejectedError("The token is not known.") from None
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in jwks.ALLOWED:
        raise TokenRejectedError("The token's algorithm is not allowed.")
    if (kind.lower() if isinstance(kind, str) else kind) not in TYPES or "crit" in header:
        raise TokenRejectedError("This is not an access token.")
    try:
        key = await issuer.keys.key(kid if isinstance(kid, str) else None, algorithm)
    except BackupError:
        raise TokenRejectedError("Tokens cannot be checked: the issuer's keys cannot be had.", 503) from None
    if key is None:
        raise TokenRejectedError("The token is signed with a key that its issuer does not have.")
    return _claim_values(issuer, _claims(issuer, token, key, algorithm))


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
        raise TokenRejectedError("The token has expired.") from None
    except jwt.InvalidAudienceError:
        raise TokenRejectedError("The token is for another audience.") from None
    except jwt.InvalidIssuerError:
        raise TokenRejectedError("The token is of another issuer.") from None
    except jwt.ImmatureSignatureError:
        raise TokenRejectedError(
            "The token does not hold yet: the clocks of its issuer and of this server differ."
        ) from None
    except jwt.MissingRequiredClaimError as error:
        raise TokenRejectedError(f"The token has no {error.claim}.") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenRejectedError("The token's signature or form is wrong.") from None
    return claims


def _claim_values(issuer: Issuer, claims: Mapping[str, Any]) -> AccessToken:
    """Principal and role of what a verified token claims."""
    subject, expires = claims["sub"], claims["exp"]
    client = next((c for n in ("client_id", "azp", "appid") if isinstance(c := claims.get(n), str) and c), subject)
    if not isinstance(subject, str) or not subject or max(len(subject), len(client)) > MOST_TEXT:
        raise TokenRejectedError("The token names no usable subject.")
    claim = claims.get(issuer.role_claim, claims.get("scp") if issuer.role_claim == "scope" else None)
    words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    roles = [issuer.scopes[word] for word in words if isinstance(word, str) and word in issuer.scopes]
    if not roles:
        raise TokenRejectedError(f"The token gives none of the scopes {', '.join(issuer.scopes)}.", 403)
    return principals.access_token(client, max(roles, key=ROLES.index), issuer.url, subject, int(expires))
