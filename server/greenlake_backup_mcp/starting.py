"""What a start must find, so that what would fail each call is said before the first one.

Asked by serve, for one client and for many, and by doctor. Imports only what is set: no start waits for the rest.
Knows settings. Must know nothing of MCP, nor of who is let in.
"""

from __future__ import annotations

import os

from .consent import codes
from .settings import Settings, variable

OVER_HTTP = (
    "public_url", "allowed_hosts", "allowed_origins", "max_body", "grace", "stateless", "tokens_file", "issuer"
)  # fmt: skip
OF_AN_ISSUER = ("audience", "jwks_url", "role_claim", "role_scopes")


def tenant(settings: Settings) -> None:
    """Raise BackupError unless requests can be made: where to, with which credentials, proxy and certificates."""
    if not settings.demo:
        from .service import wire  # noqa: PLC0415

        wire.Wire(settings).line()


def named(settings: Settings) -> bool:
    """Whether the settings name a tenant and a way in; cheaper than `tenant`, and says nothing of their worth."""
    where = settings.region or settings.api_base_url
    return settings.demo or bool(where and (settings.token or settings.client_id))


def records(settings: Settings) -> None:
    """Raise BackupError for what would fail each gated call: the codes' keys, the used codes, the audit log."""
    codes.keys(settings)
    if settings.redis_url is not None:
        from .consent import used_redis  # noqa: PLC0415

        used_redis.UsedInRedis(settings.redis_url.get_secret_value())
    if settings.audit_log is not None:
        from .consent import audit  # noqa: PLC0415

        record = audit.opened(settings.audit_log)
        if record.descriptor is not None:
            os.close(record.descriptor)


def unused(settings: Settings) -> str:
    """A sentence about settings that nothing looks at, for whoever believes that they protect; "" where all count."""
    given = [name for name in settings.model_fields_set if getattr(settings, name)]
    if not settings.http:
        idle = [name for name in (*OVER_HTTP, *OF_AN_ISSUER) if name in given]
        why = "without --http the only caller is whoever started this server"
    else:
        idle = [name for name in OF_AN_ISSUER if name in given and not settings.issuer]
        why = "without GREENLAKE_MCP_ISSUER no issuer's tokens are accepted"
    return f"Not looked at: {', '.join(map(variable, idle))}; {why}." if idle else ""
