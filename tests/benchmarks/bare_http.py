"""The yardstick over HTTP: the server of bare_server.py with the SDK's own login.

`bare_http.py URL FILE PORT`: the file holds the one token; `-` lets everybody in.
"""

from __future__ import annotations

import hmac
import sys
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from .bare_server import create


class OneToken:
    """The SDK's verifier of tokens, for one of them."""

    def __init__(self, token: str) -> None:
        self.token = token.encode()
        self.access = AccessToken(token="-", client_id="bench", scopes=["read"])

    async def verify_token(self, token: str) -> AccessToken | None:
        return self.access if hmac.compare_digest(token.encode(), self.token) else None


if __name__ == "__main__":
    upstream, token_file, port = sys.argv[1:]
    login: dict[str, Any] = {}
    if token_file != "-":
        issuer = AnyHttpUrl("https://login.example.com")
        login["auth"] = AuthSettings(issuer_url=issuer, resource_server_url=None, validate_token_resource=False)
        login["token_verifier"] = OneToken(Path(token_file).read_text(encoding="utf-8"))
    uvicorn.run(
        create(upstream).streamable_http_app(**login),
        host="127.0.0.1",
        port=int(port),
        log_level="error",
        access_log=False,
    )
