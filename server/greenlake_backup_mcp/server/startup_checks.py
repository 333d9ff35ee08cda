"""What a start must find, so that what would fail each call is said before the first one.

Asked by serve, for one client and for many, and by doctor. Imports only what is set: no start waits for the rest.
Knows settings. Must know nothing of MCP, nor of who is let in.
"""

from __future__ import annotations

from greenlake_backup_mcp.consent import codes
from greenlake_backup_mcp.settings import Settings, variable

OVER_HTTP = (
    "public_url", "allowed_hosts", "allowed_origins", "max_body", "grace", "stateless", "tokens_file", "issuer"
)  # fmt: skip
OF_AN_ISSUER = ("audience", "jwks_url", "role_claim", "role_scopes")


def check_tenant(settings: Settings) -> None:
    """Raise BackupError unless requests can be made: where to, with which credentials, proxy and certificates."""
    if not settings.demo:
        from greenlake_backup_mcp.upstream import transport  # noqa: PLC0415

        transport.Transport(settings).connection()


def check_names(settings: Settings) -> bool:
    """Whether the settings name a tenant and a way in; cheaper than `tenant`, and says nothing of their worth."""
    where = settings.region or settings.api_base_url
    return settings.demo or bool(where and (settings.token or settings.client_id))


def check_audit_log(settings: Settings) -> None:
    """Raise BackupError for what would fail each gated call: the codes' keys, the used codes, the audit log."""
    codes.keys(settings)
    if settings.redis_url is not None:
        from greenlake_backup_mcp.consent import redis_store  # noqa: PLC0415

        redis_store.RedisStore(settings.redis_url.get_secret_value())
    if settings.audit_log is not None:
        from greenlake_backup_mcp.consent import audit_log  # noqa: PLC0415

        audit_log.open_log(settings.audit_log)


def unused_settings(settings: Settings) -> str:
    """A sentence about settings that nothing looks at, for whoever believes that they protect; "" where all count."""
    names = [name for name in settings.model_fields_set if getattr(settings, name)]
    if not settings.http:
        idle = [name for name in (*OVER_HTTP, *OF_AN_ISSUER) if name in names]
        why = "without --http the only caller is whoever started this server"
    else:
        idle = [name for name in OF_AN_ISSUER if name in names and not settings.issuer]
        why = "without GREENLAKE_MCP_ISSUER no issuer's tokens are accepted"
    return f"Not looked at: {', '.join(map(variable, idle))}; {why}." if idle else ""
