"""The token endpoints: client credentials, in the body or as HTTP Basic. Answers in OAuth's words, not the vendor's."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from greenlake_backup_mcp.simulator.answers import Answer
from greenlake_backup_mcp.simulator.names import WORKSPACE
from greenlake_backup_mcp.simulator.state import Tenant

CLIENT_ID = "demo"
CLIENT_SECRET = "demo-secret"  # noqa: S105  the simulated tenant's, known to everybody
SSO_PATH = "/as/token.oauth2"


def workspace(path: str) -> str | None:
    """The workspace that a token path names; "" for the older path without one; None where it is no token path."""
    if path == SSO_PATH:
        return ""
    before, _, after = path.partition("/authorization/v2/oauth2/")
    return after.removesuffix("/token") if not before and after.endswith("/token") else None


def token(tenant: Tenant, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """An access token, or the reason why not."""
    if method != "POST":
        return Answer(405, {"error": "invalid_request", "error_description": "Use POST."}, {"Allow": "POST"})
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _error(400, "invalid_request", "The request must be form-urlencoded.")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return _error(400, "unsupported_grant_type", "Only client_credentials is supported.")
    if (workspace(path) or WORKSPACE) != WORKSPACE:
        return _error(400, "invalid_request", "There is no such workspace.")
    login = _basic(headers.get("authorization", "")) or (form.get("client_id", ""), form.get("client_secret", ""))
    if not (login[0] == CLIENT_ID and hmac.compare_digest(login[1].encode(), CLIENT_SECRET.encode())):
        return _error(401, "invalid_client", "The client id or secret is wrong.")
    answer: dict[str, Any] = {"access_token": tenant.new_token(), "token_type": "Bearer", "scope": ["hpe-greenlake"]}
    if tenant.switches.token_expires_in:
        answer["expires_in"] = tenant.switches.token_seconds
    return Answer(200, answer, {"Cache-Control": "no-store"})


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return (unquote(name), unquote(secret)) if colon else ("", "")


def _error(status: int, error: str, description: str) -> Answer:
    return Answer(status, {"error": error, "error_description": description})
